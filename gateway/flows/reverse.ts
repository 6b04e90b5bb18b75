import { bankHalted } from '../domain/reference.ts'
import { decideReversal, refusalBy } from '../domain/reversal.ts'
import { movementOf, type Ticket, type Verdict } from '../domain/ticket.ts'
import { later, shanghaiDate } from '../domain/time.ts'
import type { Instruction } from '../store/debits.ts'
import type { NewOrder } from '../store/orders.ts'
import { seeDay } from './day.ts'
import { type Flow, graceMs } from './flow.ts'
import { aboutNothing, type FurtherVerdict, follow, furtherHash, originalOf, type ReversalOrder, reversalOrder, told } from './further.ts'
import { type AnyDebit, reversalRequestOf } from './order.ts'
import type { Slots } from './slots.ts'

/**
 * Accepts a reversal (art. 35(1)) and sends it: at once where its original has certainly succeeded, after that is certain where it has not. What
 * the rules refuse is a refused reversal that names the way left, the adjustment notice (调账通知单).
 */
export const reverse = async (flow: Flow, slots: Slots, taxSystem: string, order: ReversalOrder): Promise<FurtherVerdict> => {
  const original = await originalOf(flow, taxSystem, order)
  if (original) return reverseOriginal(flow, slots, taxSystem, original, order)
  return aboutNothing(flow, { taxSystem, kind: 'reversal', orderNo: order.orderNo }, furtherHash(reversalOrder, order))
}

/** The same of a known original: what the gateway itself orders where a session found an excess before the bank's day-end. */
export const reverseOriginal = async (
  flow: Flow,
  slots: Slots,
  taxSystem: string,
  original: Instruction,
  order: ReversalOrder,
  /** Whether the ticket is still as it was when the excess was weighed; else nothing is too much any more. */
  isAsWeighed: (ticket: Ticket) => boolean = () => true,
): Promise<FurtherVerdict> => {
  const bank = flow.reference().banks.get(original.bankCode)
  if (!bank) return { kind: 'absent' }
  const now = flow.clock()
  const { ticketNo, officeCode, bankCode } = original
  const entrustDate = shanghaiDate(now)
  const key = { officeCode, entrustDate, serialNo: await flow.store.takeSerial(officeCode, entrustDate) }
  await seeDay(flow, bankCode, flow.accountingDate(bankCode), now)
  const { orderNo, amount, reason } = order
  const contentHash = furtherHash(reversalOrder, order)
  const made: NewOrder = {
    taxSystem,
    kind: 'reversal',
    orderNo,
    contentHash,
    instruction: {
      ...key,
      id: await flow.store.takeInstructionId(),
      verb: 'reversal',
      ticketNo,
      bankCode,
      amount,
      request: JSON.stringify(reversalRequestOf(JSON.parse(original.request) as AnyDebit, key, amount, reason)),
      originalId: original.id,
      reason,
      acceptedAt: now,
    },
    wakeAt: later(now, graceMs),
  }
  // A bank that lost its agency still gives back (art. 31); a halted one gets nothing at all.
  const decide = (ticket: Ticket): Verdict => {
    const verdict = decideReversal(ticket, movementOf(ticket, original.id)!, order, bank.policy, now)
    if (verdict.kind === 'send' && !isAsWeighed(ticket)) return refusalBy('over-limit')
    return verdict.kind === 'send' && bank.halt ? { kind: 'refuse', ...bankHalted(bank.halt) } : verdict
  }
  const said = await flow.store.order(made, decide)
  follow(flow, slots, made, said)
  return told(flow, 'reversal', original, contentHash, said)
}
