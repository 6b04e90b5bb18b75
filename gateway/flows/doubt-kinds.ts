import {
  debitRequest,
  debitResult,
  type Fields,
  fen,
  type Outcome,
  oneOf,
  optional,
  outcome,
  outcomes,
  type UnifiedCode,
} from '@taxlink/bank-sdk'
import { proofOf } from '../domain/answers.ts'
import { promised, quietFrom } from '../domain/bank.ts'
import { contradiction, recordedOf } from '../domain/break.ts'
import type { Objection } from '../domain/proposal.ts'
import { type Finding, objectionTo } from '../domain/resolution.ts'
import { type BreakKind, declared, type Movement, movementOf, type Ticket } from '../domain/ticket.ts'
import { isNearDay } from '../domain/time.ts'
import type { Keyed } from '../store/doubts.ts'
import type { Flow } from './flow.ts'
import { byOperators, instant, isInstant, kindOf, nothing, type Place } from './kind.ts'

const { officeCode, entrustDate, serialNo } = debitRequest.fields
const { bankSerial, accountingDate } = debitResult.fields
const key = { officeCode, entrustDate, serialNo } satisfies Fields
type Key = { readonly officeCode: string; readonly entrustDate: string; readonly serialNo: string }

const subjectOf = (content: Key): string => `${content.officeCode}/${content.entrustDate}/${content.serialNo}`
const unknownKey: Objection = { rule: 'key-unknown', zh: '没有这条指令', en: 'there is no instruction with this key' }

const refusals = (Object.keys(outcomes) as UnifiedCode[]).filter(code => outcomes[code].class === 'refused')
const resolution = {
  ...key,
  decision: oneOf('结论', 'what became of it', ['succeeded', 'refused']),
  amount: optional(fen('成功:银行实际入账金额', 'succeeded: fen the bank booked')),
  bankSerial: optional(bankSerial),
  accountingDate: optional(accountingDate),
  code: optional(oneOf('未成功:统一结果码', 'refused: the unified code', refusals)),
  checkedAt: optional(instant('未成功:银行核对账目的时刻', 'refused: when the bank looked into its books')),
}
type ResolutionContent = Key & {
  readonly decision: 'succeeded' | 'refused'
  readonly amount?: number
  readonly bankSerial?: string
  readonly accountingDate?: string
  readonly code?: UnifiedCode
  readonly checkedAt?: string
}

const needed = {
  succeeded: ['amount', 'bankSerial', 'accountingDate'],
  refused: ['code', 'checkedAt'],
} as const
/** What a conclusion must say, and what the other one would. */
const wrongIn = (content: ResolutionContent): readonly Place[] => {
  const other = content.decision === 'succeeded' ? 'refused' : 'succeeded'
  return [
    ...needed[content.decision].flatMap(name =>
      content[name] === undefined ? [{ pointer: `/${name}`, zh: '该结论须填此项', en: 'this decision needs it' }] : [],
    ),
    ...needed[other].flatMap(name =>
      content[name] === undefined ? [] : [{ pointer: `/${name}`, zh: '该结论不得填此项', en: 'this decision must not have it' }],
    ),
    ...(content.checkedAt === undefined || isInstant(content.checkedAt)
      ? []
      : [{ pointer: '/checkedAt', zh: '没有这个时刻', en: 'there is no such time' }]),
  ]
}

const findingOf = ({ decision, amount = 0 }: ResolutionContent): Finding => (decision === 'succeeded' ? { decision, amount } : { decision })
const outcomeOf = ({ decision, code = '99090' }: ResolutionContent): Outcome =>
  decision === 'succeeded' ? outcome('90000', '90000', '两人核实:已入账') : outcome(code, code, '两人核实:未入账')

/** When the window of the bank with this code is over for what was claimed at a time, under whichever contract. Undefined: nobody knows this bank. */
export const quietAfter = (flow: Pick<Flow, 'reference'>, bankCode: string) => {
  const bank = flow.reference().banks.get(bankCode)
  return (sentAt: Date): Date | undefined => bank && quietFrom(promised(bank, sentAt), sentAt)
}

const stillWorking: Objection = {
  rule: 'not-for-a-person',
  zh: '系统还在查询,尚未转人工',
  en: 'it is still being inquired and not yet before a person',
}
const foreignCode: Objection = {
  rule: 'code-of-another-verb',
  zh: '此结果码不能说明这种指令未入账',
  en: 'this code does not say of such an instruction that nothing was booked',
}
const notYet: Objection = {
  rule: 'evidence-of-the-future',
  zh: '核对账目的时刻晚于现在',
  en: 'the bank cannot have looked into its books yet',
}
const dayAhead: Objection = {
  rule: 'day-ahead',
  zh: '会计日期太远,银行不会提前到这一天记账',
  en: 'the accounting date is further ahead than any bank works',
}
const objectionToResolution = (flow: Flow, found: Keyed, content: ResolutionContent, now: Date): Objection | undefined => {
  if (found.state === 'unknown' && !found.person) return stillWorking
  const isProof = content.decision === 'succeeded' || proofOf(found.verb, outcomeOf(content), 'first', true) === 'refused'
  if (!isProof) return foreignCode
  if (content.accountingDate !== undefined && !isNearDay(content.accountingDate, now)) return dayAhead
  // What was booked stays so; that nothing was is true as of then, and says nothing of what was sent since.
  const at = content.checkedAt === undefined ? now : new Date(content.checkedAt)
  if (at > now) return notYet
  return objectionTo(found, findingOf(content), { at, lastSentAt: found.lastSentAt }, quietAfter(flow, found.bankCode))
}

/** 人工了结: what became of a doubtful instruction, by the bank's written word. */
export const resolveDoubt = kindOf<typeof resolution>(resolution, {
  zh: '了结结果不明的指令',
  en: 'resolve a doubtful instruction',
  ...byOperators('accounts'),
  example: {
    officeCode: '14301020000',
    entrustDate: '2026-11-10',
    serialNo: '00000001',
    decision: 'succeeded',
    amount: 125_000,
    bankSerial: '2026111000004711',
    accountingDate: '2026-11-10',
  },
  subject: subjectOf,
  wrong: wrongIn,
  stand: async (flow, content, now) => {
    const found = await flow.store.keyed(content)
    if (!found) return unknownKey
    return objectionToResolution(flow, found, content, now) ?? { about: found, officeCode: content.officeCode }
  },
  apply: (deeds, content, { proposalId, proposedBy, proposedAt, lastSentAt }) => {
    const finding = findingOf(content)
    return deeds.resolve(
      {
        state: content.decision,
        outcome: outcomeOf(content),
        moved: finding.decision === 'succeeded' ? finding.amount : 0,
        bankSerial: content.bankSerial,
        accountingDate: content.accountingDate,
        reason: `resolved by two persons: proposal ${proposalId} of ${proposedBy}`,
      },
      // The window was over when the books were looked at; what was sent since it was proposed is another matter.
      (own, said) => objectionTo({ ...own, said }, finding, { at: proposedAt, lastSentAt }, sentAt => sentAt),
    )
  },
})

const breakKinds = ['bank-only', 'bank-missing', 'under-debited', 'over-debited'] as const satisfies readonly BreakKind[]
const breakFields = {
  ...key,
  kind: oneOf('单边账种类', 'which side has it', breakKinds),
  taxAmount: fen('税务方金额', 'fen, as the record has it'),
  bankAmount: fen('银行方金额', 'fen, as the bank has it'),
}
type BreakContent = Key & { readonly kind: BreakKind; readonly taxAmount: number; readonly bankAmount: number }

const declaredAlready: Objection = { rule: 'declared-already', zh: '这笔单边账已经记录', en: 'this break stands there already' }
const notSo: Objection = {
  rule: 'record-differs',
  zh: '与记录不符:指令须已终结,税务方金额须与记录一致,种类须与两方金额相符',
  en: 'the record says otherwise: the instruction must be settled, and amounts and kind must agree',
}
const wasGivenBack: Objection = {
  rule: 'given-back',
  zh: '该笔已有冲正退回,不能认定银行未划缴',
  en: 'some of it was given back: the bank had it',
}
/** Why these amounts are no break of this instruction, as the record stands. */
const objectionToBreak = (ticket: Ticket, own: Movement, content: BreakContent): Objection | undefined => {
  const { bankAmount, taxAmount, kind } = content
  if (declared(ticket, own.id, kind)?.bankAmount === bankAmount) return declaredAlready
  const recorded = recordedOf(ticket, own)
  if (kind === 'bank-missing' && recorded.back > 0) return wasGivenBack
  const said = { state: bankAmount > 0 ? ('succeeded' as const) : ('refused' as const), code: '', amount: bankAmount }
  const found = contradiction(recorded, said)
  return found?.kind === kind && found.taxAmount === taxAmount ? undefined : notSo
}

/** 认定单边账 (art. 35): a difference that two persons have established, before any file says so. */
export const declareBreak = kindOf<typeof breakFields>(breakFields, {
  zh: '认定单边账',
  en: 'declare a break',
  ...byOperators('accounts'),
  example: {
    officeCode: '14301020000',
    entrustDate: '2026-11-10',
    serialNo: '00000001',
    kind: 'bank-missing',
    taxAmount: 125_000,
    bankAmount: 0,
  },
  subject: subjectOf,
  wrong: nothing,
  stand: async (flow, content) => {
    const found = await flow.store.keyed(content)
    const ticket = found && (await flow.store.ticket(found.ticketNo))
    const own = ticket && movementOf(ticket, found.instructionId)
    if (!own) return unknownKey
    return objectionToBreak(ticket, own, content) ?? { about: found, officeCode: content.officeCode }
  },
  apply: async (deeds, content, { proposalId, proposedBy }) => {
    const written = await deeds.declareBreak(
      {
        kind: content.kind,
        source: 'resolution',
        taxAmount: content.taxAmount,
        bankAmount: content.bankAmount,
        reason: `declared by two persons: proposal ${proposalId} of ${proposedBy}`,
      },
      (own, ticket) => objectionToBreak(ticket, own, content),
    )
    return written === true ? undefined : written === false ? declaredAlready : written
  },
})
