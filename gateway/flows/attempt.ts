import type { RequestOf } from '@taxlink/bank-sdk'
import { afterDebit, afterInquiry, type DebitState, type Decision, debitMachine } from '../domain/debit.ts'
import { later } from '../domain/time.ts'
import type { Instruction, Settlement } from '../store/debits.ts'
import type { Flow } from './flow.ts'

/** An instruction whose attempt is committed and whose lease is ours: now, and only now, the bank may be called. */
export type Claimed = {
  readonly instruction: Instruction
  readonly verb: 'debit' | 'inquiry'
  /** The state the claim left it in: the one the settlement must find. */
  readonly state: DebitState
  readonly attemptNo: number
  /** The message to the bank, where the caller has it at hand; else it is read from the record's text. */
  readonly message?: RequestOf<'debit'>
}

/** Claims what is to be done next; undefined: somebody else has it, or the commit's fate is unknown (then the lease runs out and it is asked about). */
export const claim = async (
  flow: Flow,
  instruction: Instruction,
  verb: 'debit' | 'inquiry',
  timeoutMs: number,
): Promise<Claimed | undefined> => {
  const now = flow.clock()
  const ours = await flow.store.claim({ instruction, verb, owner: flow.owner, now, leaseUntil: later(now, timeoutMs + flow.leaseMs) })
  if (!ours) return undefined
  const sent = verb === 'debit' ? { ...instruction, lastSentAt: now } : instruction
  return { instruction: sent, verb, state: verb === 'debit' ? 'sent' : 'unknown', attemptNo: instruction.attemptNo + 1 }
}

/** Calls the bank and records what came of it. Never throws: whatever fails leaves the lease to run out, and the debit to be asked about. */
export const callAndSettle = async (flow: Flow, claimed: Claimed): Promise<void> => {
  const { instruction, verb } = claimed
  try {
    const policy = flow.reference().banks.get(instruction.bankCode)?.policy
    if (!policy) throw new Error('the bank is no longer in the reference data')
    const request = claimed.message ?? (JSON.parse(instruction.request) as RequestOf<'debit'>)
    const started = flow.clock()
    const { lastSentAt: claimedAt } = instruction
    const sendBy = claimedAt && later(claimedAt, policy.timeoutMs)
    // A process may be held up after its commit for any time (stopped, starved, the record slow); when it wakes, others may long have asked the
    // bank and believed what it said. So a debit leaves within its time-out of the claim, or never.
    // A clock that stands before the claim was set back, and tells nothing any more.
    const maySend = () => {
      const at = flow.clock()
      return !claimedAt || !sendBy || (at >= claimedAt && at < sendBy)
    }
    const { answer, transcript } =
      verb === 'debit'
        ? await flow.call(instruction.bankCode, 'debit', request, policy.timeoutMs, maySend)
        : await flow.call(instruction.bankCode, 'inquiry', inquiryOf(request), policy.timeoutMs)
    const now = flow.clock()
    // On record is when it was claimed; the bank's window runs from when it may have left.
    const standing = { ...instruction, state: claimed.state, lastSentAt: sendBy }
    const decision = (verb === 'debit' ? afterDebit : afterInquiry)(standing, answer, policy, now, flow.random())
    const fault = answer.kind === 'answered' ? undefined : answer.fault
    await settle(flow, claimed, decision, now, {
      fault,
      transcript,
      bankSerial: answer.kind === 'answered' ? answer.bankSerial : undefined,
      accountingDate: answer.kind === 'answered' ? answer.accountingDate : undefined,
    })
    flow.note({
      event: 'answered',
      bankCode: instruction.bankCode,
      ticketNo: instruction.ticketNo,
      verb,
      state: decision.state,
      ms: now.getTime() - started.getTime(),
      ...(decision.outcome ? { code: decision.outcome.code } : {}),
      ...(fault ? { fault } : {}),
    })
  } catch (error) {
    flow.note({ event: 'trouble', bankCode: instruction.bankCode, ticketNo: instruction.ticketNo, verb, detail: String(error) })
  }
}

type Evidence = {
  readonly fault: string | undefined
  readonly transcript: string
  readonly bankSerial: string | undefined
  readonly accountingDate: string | undefined
}

/** An answer is worth keeping: while the record is out of reach it is offered again, within the lease. */
const settle = async (flow: Flow, claimed: Claimed, decision: Decision, now: Date, evidence: Evidence): Promise<void> => {
  const { instruction, state: from, attemptNo } = claimed
  const settlement = { instruction, from, attemptNo, owner: flow.owner, now, decision, ...evidence }
  for (let pauseMs = 100; ; pauseMs *= 3) {
    try {
      if (await flow.store.settle(settlement)) flow.settled(instruction.ticketNo, decision.state)
      else await keepStale(flow, claimed, settlement)
      return
    } catch (error) {
      if (pauseMs > flow.leaseMs / 3) throw error
      await flow.pause(pauseMs)
    }
  }
}

/** The fence has moved on, and what others decided stands. The answer is kept, and where it contradicts the record somebody must hear of it. */
const keepStale = async (flow: Flow, { instruction, verb }: Claimed, settlement: Settlement): Promise<void> => {
  const { bankCode, ticketNo } = instruction
  const { state } = settlement.decision
  flow.note({ event: 'stale', bankCode, ticketNo, verb, state })
  await flow.store.keep(settlement)
  const recorded = (await flow.store.find(ticketNo))?.state
  if (recorded !== undefined && recorded !== state && debitMachine.isFinal(recorded) && debitMachine.isFinal(state))
    flow.note({ event: 'trouble', bankCode, ticketNo, verb, state, detail: `a late answer contradicts the record, which says ${recorded}` })
}

/** The inquiry about a debit: its own key, so that it needs none of its own. */
export const inquiryOf = (request: RequestOf<'debit'>): RequestOf<'inquiry'> => ({
  officeCode: request.officeCode,
  entrustDate: request.entrustDate,
  serialNo: request.serialNo,
  ticketNo: request.ticketNo,
  workDate: request.workDate,
})
