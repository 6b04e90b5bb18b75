import type { AuditRow } from '../domain/audit.ts'
import type { BankEntry, Halt } from '../domain/bank.ts'
import { isOver } from '../domain/proposal.ts'
import { shanghaiTime } from '../domain/time.ts'
import type { BankDay } from '../store/days.ts'
import type { Doubt, OpenAtBank } from '../store/doubts.ts'
import type { Proposal } from '../store/proposals.ts'
import type { AttemptView } from '../store/reads.ts'
import { resultJson, shownOutcome } from './shapes.ts'

// The records of the operators as JSON.

const at = (name: string, time: Date | undefined) => (time ? { [name]: shanghaiTime(time) } : {})
const given = <T>(name: string, value: T | undefined) => (value === undefined ? {} : { [name]: value })

/** A proposal as JSON. One whose time is over is shown as expired, before anybody has noted it. */
export const proposalJson = (proposal: Proposal, now: Date) => ({
  id: proposal.id,
  orderNo: proposal.orderNo,
  kind: proposal.kind,
  content: proposal.content,
  evidence: proposal.evidence,
  hash: proposal.hash,
  state: isOver(proposal, now) ? 'expired' : proposal.state,
  ...given('ticketNo', proposal.about?.ticketNo),
  proposedBy: proposal.proposedBy,
  proposedAt: shanghaiTime(proposal.proposedAt),
  expiresAt: shanghaiTime(proposal.expiresAt),
  ...given('decidedBy', proposal.decidedBy),
  ...at('decidedAt', proposal.decidedAt),
  ...given('reason', proposal.reason),
})

const callJson = (call: AttemptView) => ({
  attemptNo: call.attemptNo,
  verb: call.verb,
  startedAt: shanghaiTime(call.startedAt),
  ...at('answeredAt', call.answeredAt),
  ...given('code', call.resultCode),
  ...given('fault', call.fault),
  ...given('transcript', call.transcript === undefined ? undefined : (JSON.parse(call.transcript) as object)),
})

/** What waits for a person, with its evidence; `quietFrom`: when the bank's window is over for what left at some time. */
export const doubtJson = (doubt: Doubt, quietFrom: (sentAt: Date) => Date | undefined) => {
  const outcome = shownOutcome(doubt.state, doubt.outcome)
  return {
    verb: doubt.verb,
    ticketNo: doubt.ticketNo,
    officeCode: doubt.officeCode,
    entrustDate: doubt.entrustDate,
    serialNo: doubt.serialNo,
    bankCode: doubt.bankCode,
    amount: doubt.amount,
    ...given('result', outcome && resultJson(outcome)),
    reason: doubt.reason,
    ...given('purpose', doubt.purpose),
    ...at('asksAt', doubt.asksAt),
    acceptedAt: shanghaiTime(doubt.acceptedAt),
    ...at('lastSentAt', doubt.lastSentAt),
    ...at('quietFrom', doubt.lastSentAt && quietFrom(doubt.lastSentAt)),
    attempts: doubt.attempts,
    evidence: doubt.evidence.map(callJson),
    lateAnswers: doubt.lateAnswers.map(late => ({
      at: shanghaiTime(late.at),
      ...given('code', late.resultCode),
      transcript: JSON.parse(late.transcript) as object,
    })),
    ...given('proposalId', doubt.proposalId),
  }
}

/** An entry of the audit journal. */
export const auditJson = ({ seq, at: then, actor, action, subject, officeCode, detail, prevHash, hash }: AuditRow) => ({
  seq,
  at: shanghaiTime(then),
  actor,
  action,
  subject,
  ...given('officeCode', officeCode),
  detail: JSON.parse(detail) as object,
  prevHash,
  hash,
})

const nothingOpen = { waiting: 0, sent: 0, doubtful: 0, forPerson: 0 }
/** A bank, whether it is halted and by whom, and what is open there. */
export const bankJson = (
  { code, name, province, cities, certificateValidTo }: BankEntry,
  halt: Halt | undefined,
  open: OpenAtBank | undefined,
  day: BankDay | undefined,
) => {
  const { waiting, sent, doubtful, forPerson } = open ?? nothingOpen
  return {
    bankCode: code,
    name,
    ...given('province', province),
    ...given('certificateValidTo', certificateValidTo),
    ...given('accountingDate', day?.accountingDate),
    cities: [...cities].map(([cityCode, state]) => ({ cityCode, state })),
    ...given('halt', halt && { ...halt, since: shanghaiTime(halt.since) }),
    backlog: { waiting, sent, doubtful, forPerson },
  }
}
