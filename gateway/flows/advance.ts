import { type BankEntry, type BankPolicy, deliveryEnds } from '../domain/bank.ts'
import { dueStep, mayGoAgain } from '../domain/debit.ts'
import { decideReversal, decideTombstone } from '../domain/reversal.ts'
import { type Movement, movementOf, type Ticket, type Verdict } from '../domain/ticket.ts'
import { later } from '../domain/time.ts'
import type { Instruction } from '../store/debits.ts'
import { barOf, callAndSettle, claim, isBarred } from './attempt.ts'
import { seeDay } from './day.ts'
import { type Flow, waitKey } from './flow.ts'
import { lookAgain } from './guard.ts'
import type { Slots } from './slots.ts'

/** Does what is due for one instruction, if it is still due and nobody else has it: sends it, or asks the bank what became of it. Never throws. */
export const advanceOne = async (flow: Flow, instruction: Instruction): Promise<void> => {
  // Whether a day has ended, and when to look again, is not judged by a clock that is off.
  if (!flow.isTimely()) return
  try {
    const bank = flow.reference().banks.get(instruction.bankCode)
    if (!bank) throw new Error('its bank is not in the reference data')
    const step = await stepOf(flow, instruction, bank)
    if (!step) return
    // At a halted bank, too, what may not leave any more comes to its end: whoever waits for it would wait as long as the halt.
    if (step !== 'inquiry' && instruction.inquiries === 0 && !(await mayLeave(flow, instruction, bank))) return
    // A halted bank gets nothing that moves money; it is still asked what became of what it has.
    if (bank.halt && step !== 'inquiry') return await untilResumed(flow, instruction)
    const until = step === 'inquiry' ? undefined : waitsUntil(flow, instruction, bank.policy)
    if (until) return await flow.store.postpone({ instruction, until })
    const claimed = await claim(flow, instruction, step, bank.policy.timeoutMs)
    if (claimed) await callAndSettle(flow, claimed)
  } catch (error) {
    flow.note({ event: 'trouble', bankCode: instruction.bankCode, ticketNo: instruction.ticketNo, detail: String(error) })
  }
}

/**
 * A debit waits for its bank to be resumed without being touched, however many wait. A reversal, which ends with its bank's day, is looked at now and
 * then.
 */
const untilResumed = async (flow: Flow, instruction: Instruction): Promise<void> => {
  if (instruction.verb === 'reversal') await flow.store.postpone({ instruction, until: later(flow.clock(), haltedLookMs) })
}
const haltedLookMs = 15_000

/** What is due. What was sent before, and may not go again as things stand now, is asked about instead. */
const stepOf = async (flow: Flow, instruction: Instruction, { policy }: BankEntry): Promise<ReturnType<typeof dueStep>> => {
  const now = flow.clock()
  const step = dueStep(instruction, now)
  if (step === undefined || step === 'inquiry' || instruction.inquiries === 0) return step
  return mayGoAgain({ ...instruction, isBarred: await isBarred(flow, instruction) }, policy, now) ? step : 'inquiry'
}

/**
 * A send whose bank is spared waits in the record, without an attempt: a night's queue of a dead bank costs one small write a rest. Past its time
 * it is claimed like any other, comes back undelivered, and the rules decide.
 */
const waitsUntil = (flow: Flow, { bankCode, acceptedAt }: Instruction, policy: BankPolicy): Date | undefined => {
  const held = flow.heldUntil(bankCode)
  const now = flow.clock()
  const ends = deliveryEnds(policy, acceptedAt)
  if (!held || now >= ends) return undefined
  const again = lookAgain(now, held, flow.random())
  return again < ends ? again : ends
}

/**
 * Whether what certainly never left us may still be sent. A debit to a bank that lost its agency meanwhile is refused (art. 31), and one whose agreement
 * was stopped or made void (annex 2 §§4, 12); a reversal is looked at again, because its original may have settled, and the bank's day may have ended.
 */
const mayLeave = async (flow: Flow, instruction: Instruction, bank: BankEntry): Promise<boolean> => {
  const { id, ticketNo, verb } = instruction
  const bar = await barOf(flow, instruction)
  if (verb !== 'reversal' && !bar) return true
  const now = flow.clock()
  if (verb === 'reversal') await seeDay(flow, bank.code, flow.accountingDate(bank.code), now)
  const decide = (ticket: Ticket, own: Movement): Verdict =>
    verb !== 'reversal' && bar ? { kind: 'refuse', ...bar } : again(ticket, own, bank, now)
  const came = await flow.store.review(id, ticketNo, decide, { now, actor: flow.owner })
  if (came === 'done' || came === 'refuse') flow.settled(waitKey(instruction), came === 'done' ? 'succeeded' : 'refused')
  return came === 'send'
}

const again = (ticket: Ticket, own: Movement, { policy }: BankEntry, now: Date): Verdict => {
  const original = movementOf(ticket, own.originalId ?? 0)
  // Its original cannot be missing: they were written under one lock.
  if (!original) return { kind: 'wait' }
  return own.reason === 'in-doubt' ? decideTombstone(ticket, original, policy, now) : decideReversal(ticket, original, own, policy, now)
}

/** What a worker has in hand: instructions at a bank or in line for it, by id. */
export type InHand = Set<number>

/**
 * A worker's job: a wake-up for these instructions. It proves nothing; the record says what is due, the claim who may do it. Resolves as soon as
 * each is in hand, so that those of a stuck bank hold up no wake-up of another; `done` resolves when all are through. What is in hand already,
 * or finds the line full, is left to the next sweep.
 */
export const begin = async (
  flow: Flow,
  slots: Slots,
  inHand: InHand,
  ids: readonly number[],
): Promise<{ readonly done: Promise<unknown> }> => {
  const found = await flow.store.load(ids.filter(id => !inHand.has(id)))
  return { done: Promise.all(found.map(instruction => hand(flow, slots, inHand, instruction))) }
}

/** The same, resolved when all are through. */
export const advance = async (flow: Flow, slots: Slots, ids: readonly number[]): Promise<void> => {
  await (await begin(flow, slots, new Set(), ids)).done
}

const hand = (flow: Flow, slots: Slots, inHand: InHand, instruction: Instruction): Promise<void> =>
  new Promise(through => {
    const { id, bankCode } = instruction
    if (inHand.has(id)) return through()
    inHand.add(id)
    const over = () => {
      inHand.delete(id)
      through()
    }
    const limit = flow.reference().banks.get(bankCode)?.policy.concurrency ?? 1
    if (!slots.run(bankCode, limit, () => advanceOne(flow, instruction).finally(over), over)) over()
  })
