import type { RequestOf } from '@taxlink/bank-sdk'
import type { Called } from '../call.ts'
import { named, stoppedUnder } from '../domain/agreement.ts'
import type { InstructionVerb } from '../domain/answers.ts'
import { type BankPolicy, promised } from '../domain/bank.ts'
import { saidBy } from '../domain/break.ts'
import { type Answer, afterInquiry, afterSend, type DebitState, type Decision } from '../domain/debit.ts'
import { unqualifiedIn } from '../domain/reference.ts'
import type { Ruling } from '../domain/ticket.ts'
import { later, shanghaiDate } from '../domain/time.ts'
import type { Instruction, NewInstruction, Settlement } from '../store/debits.ts'
import { namedDay, seeDay } from './day.ts'
import { type Flow, waitKey } from './flow.ts'
import { type AnyDebit, reversalRequestOf } from './order.ts'

/** An instruction whose attempt is committed and whose lease is ours: now, and only now, the bank may be called. */
export type Claimed = {
  readonly instruction: Instruction
  readonly verb: InstructionVerb | 'inquiry'
  /** The state the claim left it in: the one the settlement must find. */
  readonly state: DebitState
  readonly attemptNo: number
  /** The message to the bank, where the caller has it at hand; else it is read from the record's text. */
  readonly message?: RequestOf<InstructionVerb>
}

/**
 * Claims what is to be done next; undefined: somebody else has it, or the commit's fate is unknown (then the lease runs out and it is asked about), or the
 * clock of this process is off (then it stays due as it is, and the sweep finds it for others).
 */
export const claim = async (
  flow: Flow,
  instruction: Instruction,
  verb: InstructionVerb | 'inquiry',
  timeoutMs: number,
): Promise<Claimed | undefined> => {
  if (!flow.isTimely()) return undefined
  const now = flow.clock()
  const ours = await flow.store.claim({ instruction, verb, owner: flow.owner, now, leaseUntil: later(now, timeoutMs + flow.leaseMs) })
  if (!ours) return undefined
  const sent = verb === 'inquiry' ? instruction : { ...instruction, lastSentAt: now }
  return { instruction: sent, verb, state: verb === 'inquiry' ? 'unknown' : 'sent', attemptNo: instruction.attemptNo + 1 }
}

/** Calls the bank and records what came of it. Never throws: whatever fails leaves the lease to run out, and the instruction to be asked about. */
export const callAndSettle = async (flow: Flow, claimed: Claimed): Promise<void> => {
  const { instruction, verb } = claimed
  const { bankCode, ticketNo } = instruction
  try {
    const bank = flow.reference().banks.get(bankCode)
    if (!bank) throw new Error('the bank is no longer in the reference data')
    const { policy } = bank
    // Read before the call: an answer in hand is not risked for it.
    const barred = verb === 'inquiry' && (await isBarred(flow, instruction))
    const request = claimed.message ?? (JSON.parse(instruction.request) as RequestOf<InstructionVerb>)
    const started = flow.clock()
    const { lastSentAt: claimedAt } = instruction
    const sendBy = claimedAt && later(claimedAt, policy.timeoutMs)
    // A process may be held up after its commit for any time (stopped, starved, the record slow); when it wakes, others may long have asked the
    // bank and believed what it said. So an instruction leaves within its time-out of the claim, or never.
    // A clock that stands before the claim was set back, and tells nothing any more. And two persons may have halted the bank while it waited its turn.
    const maySend = () => {
      const at = flow.clock()
      if (flow.reference().banks.get(bankCode)?.halt) return false
      return !claimedAt || !sendBy || (at >= claimedAt && at < sendBy)
    }
    const { answer, transcript } =
      verb === 'inquiry'
        ? await inquire(flow, bankCode, request, policy)
        : await flow.call<InstructionVerb>(bankCode, verb, request, policy.timeoutMs, maySend)
    const now = flow.clock()
    const rules = promised(bank, claimedAt)
    // On record is when it was claimed; the bank's window runs from when it may have left.
    const standing = {
      ...instruction,
      state: claimed.state,
      leftBy: claimedAt && later(claimedAt, rules.timeoutMs),
      whole: isWhole(request),
      isBarred: barred,
    }
    const decision =
      verb === 'inquiry'
        ? afterInquiry(standing, answer, rules, now, flow.random(), started)
        : afterSend(standing, answer, rules, now, flow.random())
    const fault = answer.kind === 'answered' ? undefined : answer.fault
    const ours = await settle(flow, claimed, answer, decision, now, {
      fault,
      transcript,
      bankSerial: answer.kind === 'answered' ? answer.bankSerial : undefined,
      accountingDate: namedDay(flow, instruction, answer.kind === 'answered' ? answer.accountingDate : undefined, now),
      tombstone: decision.effect === 'tombstone' ? await tombstoneFor(flow, instruction, request as AnyDebit, now) : undefined,
    })
    flow.note({
      event: 'answered',
      bankCode,
      ticketNo,
      verb,
      // What a stale answer would have decided, nobody decided.
      ...(ours ? { state: decision.state } : {}),
      ms: now.getTime() - started.getTime(),
      ...(decision.outcome ? { code: decision.outcome.code } : {}),
      ...(fault ? { fault } : {}),
    })
    await seeDay(flow, bankCode, answer.kind === 'answered' ? answer.accountingDate : undefined, now)
  } catch (error) {
    flow.note({ event: 'trouble', bankCode, ticketNo, verb, detail: String(error) })
  }
}

/** A bank that knows no inquiries is not asked; that its time was up is recorded all the same. */
const inquire = async (flow: Flow, bankCode: string, request: RequestOf<InstructionVerb>, policy: BankPolicy): Promise<Called> =>
  policy.inquiry
    ? flow.call(bankCode, 'inquiry', inquiryOf(request), policy.timeoutMs)
    : { answer: { kind: 'undelivered', fault: 'no-inquiry' }, transcript: '{"fault":"this bank knows no inquiries"}' }

/** Why a debit may not go to its bank any more: the bank has lost its agency (art. 31), or the agreement lets nothing pass (annex 2 §§4, 12). */
export const barOf = async (flow: Flow, { verb, bankCode, officeCode, request }: Instruction): Promise<Ruling | undefined> => {
  const bank = flow.reference().banks.get(bankCode)
  const bar = bank && unqualifiedIn(flow.reference(), bank, officeCode)
  if (bar || verb === 'reversal') return bar
  return named(stoppedUnder(await flow.store.agreement((JSON.parse(request) as RequestOf<'debit'>).agreementNo)))
}

/** Whether what was sent before may not go again: a reversal always may, as far as its day allows. */
export const isBarred = async (flow: Flow, instruction: Instruction): Promise<boolean> =>
  instruction.verb !== 'reversal' && (await barOf(flow, instruction)) !== undefined

const isWhole = (request: RequestOf<InstructionVerb>): boolean => 'originalAmount' in request && request.originalAmount === request.amount

/** The reversal that is to leave a tombstone in place of an instruction that was not found. */
const tombstoneFor = async (flow: Flow, instruction: Instruction, original: AnyDebit, now: Date): Promise<NewInstruction> => {
  const { officeCode, ticketNo, bankCode, amount } = instruction
  const entrustDate = shanghaiDate(now)
  const key = { officeCode, entrustDate, serialNo: await flow.store.takeSerial(officeCode, entrustDate) }
  return {
    ...key,
    id: await flow.store.takeInstructionId(),
    verb: 'reversal',
    ticketNo,
    bankCode,
    amount,
    request: JSON.stringify(reversalRequestOf(original, key, amount, 'in-doubt')),
    originalId: instruction.id,
    reason: 'in-doubt',
    acceptedAt: now,
  }
}

type Evidence = Pick<Settlement, 'fault' | 'transcript' | 'bankSerial' | 'accountingDate' | 'tombstone'>

/** An answer is worth keeping: while the record is out of reach it is offered again, as long as a lease runs. */
export const offered = async <T>(flow: Pick<Flow, 'pause' | 'leaseMs'>, write: () => Promise<T>): Promise<T> => {
  for (let pauseMs = 100; ; pauseMs *= 3) {
    try {
      return await write()
    } catch (error) {
      if (pauseMs > flow.leaseMs / 3) throw error
      await flow.pause(pauseMs)
    }
  }
}

/** Records what came of a call. False: it was stale. */
const settle = (flow: Flow, claimed: Claimed, answer: Answer, decision: Decision, now: Date, evidence: Evidence): Promise<boolean> => {
  const { instruction, state: from, attemptNo } = claimed
  const settlement = { instruction, from, attemptNo, owner: flow.owner, now, decision, ...evidence }
  return offered(flow, async () => {
    const ours = await flow.store.settle(settlement)
    if (ours) flow.settled(waitKey(instruction), decision.state)
    else await keepStale(flow, claimed, answer, settlement)
    return ours
  })
}

/** The fence has moved on, and what others decided stands. The answer is kept, and where it contradicts the record it becomes a break. */
const keepStale = async (flow: Flow, { instruction, verb }: Claimed, answer: Answer, settlement: Settlement): Promise<void> => {
  const { bankCode, ticketNo } = instruction
  flow.note({ event: 'stale', bankCode, ticketNo, verb, state: settlement.decision.state })
  await flow.store.keep(settlement)
  await holdAgainstRecord(flow, instruction, answer, settlement.transcript ?? '{}', verb === 'inquiry' ? 'inquiry' : 'late-answer')
}

/**
 * Keeps an answer that came too late and holds it against the record: where both cannot be true, a break is written, and somebody must hear of it.
 * An instruction that is still open is held against it when it comes to its end.
 */
export const holdAgainstRecord = async (
  flow: Flow,
  about: Pick<Instruction, 'id' | 'verb' | 'ticketNo' | 'bankCode'>,
  answer: Answer,
  transcript: string,
  source: 'inquiry' | 'late-answer',
): Promise<void> => {
  const { bankCode, ticketNo, verb, id: instructionId } = about
  const said = saidBy(verb, answer, flow.reference().banks.get(bankCode)?.policy.dedupe === 'by-key')
  const at = flow.clock()
  const resultCode = answer.kind === 'answered' ? answer.outcome.code : undefined
  const found = await flow.store.keepLate({ instructionId, ticketNo, at, resultCode, transcript, said }, { actor: flow.owner, source })
  if (found)
    flow.note({
      event: 'trouble',
      bankCode,
      ticketNo,
      verb,
      detail: `a late answer contradicts the record: ${found.kind}; it stands as a break`,
    })
}

/** The inquiry about an instruction: its own key, so that it needs none of its own. */
export const inquiryOf = (request: RequestOf<InstructionVerb>): RequestOf<'inquiry'> => ({
  officeCode: request.officeCode,
  entrustDate: request.entrustDate,
  serialNo: request.serialNo,
  ticketNo: request.ticketNo,
  workDate: request.workDate,
})
