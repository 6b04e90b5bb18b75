import { outcome, type RequestOf } from '@taxlink/bank-sdk'
import type { BankPolicy } from '../domain/bank.ts'
import type { DebitState } from '../domain/debit.ts'
import { isRoute, route } from '../domain/reference.ts'
import { later, shanghaiDate } from '../domain/time.ts'
import type { Instruction, NewDebit } from '../store/debits.ts'
import { advanceOne } from './advance.ts'
import { callAndSettle } from './attempt.ts'
import type { Flow } from './flow.ts'
import { checkOrder, type DebitOrder, debitRequestOf, orderHash } from './order.ts'
import type { Slots } from './slots.ts'

/** What became of an order. `repeated`: the same was accepted before; `differs`: the ticket number was used for other content. */
export type OrderVerdict =
  | { readonly kind: 'accepted'; readonly state: DebitState; readonly debit: NewDebit }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'differs'; readonly hash: string; readonly acceptedHash: string }

// How long the queue leaves a debit alone that waits for a place in the accepting process.
const graceMs = 3_000

/**
 * Accepts one order: ticket, instruction, journal, outbox and (where the bank has a free place) the first attempt in one transaction, then the
 * bank is called at once by this process. Throws a Fault where the items do not sum to the total; anything the rules refuse is a refused debit.
 */
export const acceptDebit = async (flow: Flow, slots: Slots, taxSystem: string, order: DebitOrder): Promise<OrderVerdict> => {
  checkOrder(order)
  const now = flow.clock()
  const entrustDate = shanghaiDate(now)
  const instructionId = await flow.store.takeInstructionId()
  const serialNo = await flow.store.takeSerial(order.officeCode, entrustDate)
  const to = route(flow.reference(), order.bankCode, order.officeCode)
  const base = {
    ...order,
    taxSystem,
    contentHash: orderHash(order),
    instructionId,
    entrustDate,
    serialNo,
    acceptedAt: now,
    owner: flow.owner,
  }
  if (!isRoute(to)) {
    return write(flow, {
      ...base,
      request: JSON.stringify(order),
      state: 'refused',
      nextAttemptAt: undefined,
      wakeAt: undefined,
      outcome: outcome(to.code, to.code, `${to.zh}`),
      reason: `${to.rule}: ${to.en}`,
    })
  }
  const request = debitRequestOf(order, { officeCode: order.officeCode, entrustDate, serialNo }, to)
  const { policy } = to.bank
  const atOnce = slots.tryTake(order.bankCode, policy.concurrency)
  const leaseUntil = later(now, policy.timeoutMs + flow.leaseMs)
  const debit: NewDebit = {
    ...base,
    request: JSON.stringify(request),
    outcome: undefined,
    ...(atOnce
      ? { state: 'sent', nextAttemptAt: leaseUntil, wakeAt: leaseUntil, reason: 'accepted, first attempt' }
      : { state: 'accepted', nextAttemptAt: now, wakeAt: later(now, graceMs), reason: 'accepted, waits for a place' }),
  }
  let verdict: OrderVerdict
  try {
    verdict = await write(flow, debit)
  } catch (error) {
    if (atOnce) slots.release(order.bankCode)
    throw error
  }
  if (verdict.kind !== 'accepted') {
    if (atOnce) slots.release(order.bankCode)
  } else if (atOnce) {
    void callAndSettle(flow, { instruction: instructionOf(debit, request), verb: 'debit', state: 'sent', attemptNo: 1 }).finally(() =>
      slots.release(order.bankCode),
    )
  } else {
    waitForPlace(flow, slots, instructionOf(debit, request), policy)
  }
  return verdict
}

const write = async (flow: Flow, debit: NewDebit): Promise<OrderVerdict> => {
  const written = await flow.store.accept(debit)
  if (written.kind === 'accepted') {
    flow.note({ event: 'accepted', bankCode: debit.bankCode, ticketNo: debit.ticketNo, state: debit.state })
    if (debit.state === 'refused') flow.settled(debit.ticketNo, 'refused')
    return { kind: 'accepted', state: debit.state, debit }
  }
  flow.note({ event: 'repeated', bankCode: debit.bankCode, ticketNo: debit.ticketNo })
  if (written.contentHash.equals(debit.contentHash)) return { kind: 'repeated' }
  return { kind: 'differs', hash: debit.contentHash.toString('hex'), acceptedHash: written.contentHash.toString('hex') }
}

/** Waits in this process for a place; past the bound of the line the outbox, and then the sweep, bring it to a worker. */
const waitForPlace = (flow: Flow, slots: Slots, instruction: Instruction, policy: BankPolicy): void => {
  slots.run(instruction.bankCode, policy.concurrency, () => advanceOne(flow, instruction))
}

const instructionOf = (debit: NewDebit, request: RequestOf<'debit'>): Instruction => ({
  id: debit.instructionId,
  ticketNo: request.ticketNo,
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
