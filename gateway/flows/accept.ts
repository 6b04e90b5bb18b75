import { outcome, type RequestOf } from '@taxlink/bank-sdk'
import { gate, named } from '../domain/agreement.ts'
import type { BankPolicy } from '../domain/bank.ts'
import type { DebitState } from '../domain/debit.ts'
import { isRoute, type NoRoute, route } from '../domain/reference.ts'
import { later, shanghaiDate } from '../domain/time.ts'
import { paidBefore } from '../domain/write-off.ts'
import type { Instruction, NewDebit } from '../store/debits.ts'
import { advanceOne } from './advance.ts'
import { callAndSettle } from './attempt.ts'
import { type Flow, graceMs, patienceMs } from './flow.ts'
import { lookAgain } from './guard.ts'
import { checkOrder, type DebitOrder, debitRequestOf, orderHash } from './order.ts'
import type { Slots } from './slots.ts'

/** What became of an order. `repeated`: the same was accepted before; `differs`: the ticket number was used for other content. */
export type OrderVerdict =
  | { readonly kind: 'accepted'; readonly state: DebitState; readonly debit: NewDebit }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'differs'; readonly hash: string; readonly acceptedHash: string }

/**
 * Accepts one order: ticket, instruction, journal and the first attempt (or, where the bank has no free place, the outbox) in one transaction, then
 * the bank is called at once by this process; one whose clock is off leaves that to a worker. Throws a Fault where the items do not sum to the total;
 * anything the rules refuse is a refused debit.
 */
export const acceptDebit = async (flow: Flow, slots: Slots, taxSystem: string, order: DebitOrder): Promise<OrderVerdict> => {
  checkOrder(order)
  const contentHash = orderHash(order)
  const way = route(flow.reference(), order.bankCode, order.officeCode, shanghaiDate(flow.clock()))
  const to = (isRoute(way) ? await barredByAgreement(flow, order) : undefined) ?? way
  const held = isRoute(to) ? flow.heldUntil(order.bankCode) : undefined
  const isTimely = flow.isTimely()
  const atOnce =
    isRoute(to) && !held && isTimely && (await slots.take(order.bankCode, to.bank.policy.concurrency, () => flow.pause(patienceMs)))
  const now = flow.clock()
  const entrustDate = shanghaiDate(now)
  let handedOver = false
  try {
    const key = { officeCode: order.officeCode, entrustDate, serialNo: await flow.store.takeSerial(order.officeCode, entrustDate) }
    const known = {
      ...key,
      ticketNo: order.ticketNo,
      bankCode: order.bankCode,
      amount: order.amount,
      taxSystem,
      contentHash,
      ...(order.fixedQuota === undefined ? {} : { fixedQuota: order.fixedQuota === 'yes' }),
      acceptedAt: now,
      owner: flow.owner,
      instructionId: await flow.store.takeInstructionId(),
    }
    if (!isRoute(to)) return await refuse(flow, refusedDebit(known, order, to))
    const message = debitRequestOf(order, key, to)
    const request = JSON.stringify(message)
    const debit = atOnce
      ? { ...known, request, outcome: undefined, ...firstAttempt(later(now, to.bank.policy.timeoutMs + flow.leaseMs)) }
      : { ...known, request, outcome: undefined, ...(isTimely ? waiting(flow, now, held) : withoutClock) }
    const verdict = await write(flow, debit)
    if (verdict.kind === 'accepted') handedOver = send(flow, slots, debit, message, to.bank.policy)
    return verdict.kind === 'paid-before' ? await refuse(flow, refusedDebit(known, order, paidBefore)) : verdict
  } finally {
    if (atOnce && !handedOver) slots.release(order.bankCode)
  }
}

/** No debit without an agreement that lets it pass (art. 29(6)); what is told names the rule. */
const barredByAgreement = async (flow: Flow, order: DebitOrder): Promise<NoRoute | undefined> =>
  named(gate(await flow.store.agreement(order.agreementNo), order, flow.clock()))

type Known = Omit<NewDebit, 'request' | 'state' | 'nextAttemptAt' | 'wakeAt' | 'outcome' | 'reason'>
type Course = Pick<NewDebit, 'state' | 'nextAttemptAt' | 'wakeAt' | 'reason'>

const firstAttempt = (leaseUntil: Date): Course => ({
  state: 'sent',
  nextAttemptAt: leaseUntil,
  wakeAt: undefined,
  reason: 'accepted, first attempt',
})
const withoutPlace = (now: Date): Course => ({
  state: 'accepted',
  nextAttemptAt: now,
  wakeAt: later(now, graceMs),
  reason: 'accepted, waits for a place',
})
const heldBack = (again: Date): Course => ({
  state: 'accepted',
  nextAttemptAt: again,
  wakeAt: again,
  reason: 'accepted, sends to this bank are held back',
})
/** Left to a worker without a time of ours: it is due by any clock, and the next sweep finds it. */
const withoutClock: Course = {
  state: 'accepted',
  nextAttemptAt: new Date(0),
  wakeAt: undefined,
  reason: 'accepted, the clock of this process is off',
}
const waiting = (flow: Flow, now: Date, held: Date | undefined): Course =>
  held ? heldBack(lookAgain(now, held, flow.random())) : withoutPlace(now)
const refusedDebit = (known: Known, order: DebitOrder, why: NoRoute): NewDebit => ({
  ...known,
  request: JSON.stringify(order),
  state: 'refused',
  nextAttemptAt: undefined,
  wakeAt: undefined,
  outcome: outcome(why.code, why.code, why.zh),
  reason: `${why.rule}: ${why.en}`,
})

/**
 * After the commit: calls the bank from the place that was taken, or waits for one in this process; past the bound of that line the outbox, and
 * then the sweep, bring it to a worker. True where the place now belongs to the call.
 */
const send = (flow: Flow, slots: Slots, debit: NewDebit, message: RequestOf<'debit'>, policy: BankPolicy): boolean => {
  const instruction = instructionOf(debit)
  if (debit.state !== 'sent') {
    if (flow.heldUntil(debit.bankCode) || !flow.isTimely()) return false
    slots.run(debit.bankCode, policy.concurrency, () => advanceOne(flow, instruction))
    return false
  }
  void callAndSettle(flow, { instruction, verb: 'debit', state: 'sent', attemptNo: 1, message }).finally(() =>
    slots.release(debit.bankCode),
  )
  return true
}

const refuse = async (flow: Flow, debit: NewDebit): Promise<OrderVerdict> => {
  const verdict = await write(flow, debit)
  if (verdict.kind === 'paid-before') throw new Error('what is refused takes no tax twice')
  return verdict
}

/** `paid-before`: nothing was written, because the ticket stands for money that was debited (art. 21). */
const write = async (flow: Flow, debit: NewDebit): Promise<OrderVerdict | { readonly kind: 'paid-before' }> => {
  const written = await flow.store.accept(debit)
  if (written.kind === 'paid-before') return written
  if (written.kind === 'accepted') {
    flow.note({ event: 'accepted', bankCode: debit.bankCode, ticketNo: debit.ticketNo, state: debit.state })
    if (debit.state === 'refused') flow.settled(debit.ticketNo, 'refused')
    return { kind: 'accepted', state: debit.state, debit }
  }
  flow.note({ event: 'repeated', bankCode: debit.bankCode, ticketNo: debit.ticketNo })
  if (written.contentHash.equals(debit.contentHash)) return { kind: 'repeated' }
  return { kind: 'differs', hash: debit.contentHash.toString('hex'), acceptedHash: written.contentHash.toString('hex') }
}

const instructionOf = (debit: NewDebit): Instruction => ({
  id: debit.instructionId,
  verb: 'debit',
  ticketNo: debit.ticketNo,
  officeCode: debit.officeCode,
  entrustDate: debit.entrustDate,
  serialNo: debit.serialNo,
  bankCode: debit.bankCode,
  attemptNo: debit.state === 'sent' ? 1 : 0,
  nextAttemptAt: debit.nextAttemptAt,
  acceptedAt: debit.acceptedAt,
  state: debit.state,
  amount: debit.amount,
  redeliveries: 0,
  inquiries: 0,
  lastSentAt: debit.state === 'sent' ? debit.acceptedAt : undefined,
  request: debit.request,
})
