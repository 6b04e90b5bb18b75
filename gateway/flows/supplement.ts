import { checkSum, type RequestOf } from '@taxlink/bank-sdk'
import { named, stoppedUnder } from '../domain/agreement.ts'
import { type InstructionVerb, proofOf } from '../domain/answers.ts'
import { type BankEntry, promised, quietFrom } from '../domain/bank.ts'
import { barred } from '../domain/reference.ts'
import { decideSupplement } from '../domain/supplement.ts'
import { movementOf, type Ticket, type Verdict } from '../domain/ticket.ts'
import { later, shanghaiDate } from '../domain/time.ts'
import type { Instruction } from '../store/debits.ts'
import type { NewOrder } from '../store/orders.ts'
import { inquiryOf } from './attempt.ts'
import { type Flow, graceMs, patienceMs } from './flow.ts'
import {
  aboutNothing,
  type FurtherVerdict,
  follow,
  furtherHash,
  originalOf,
  type SupplementOrder,
  supplementOrder,
  told,
} from './further.ts'
import { supplementRequestOf } from './order.ts'
import type { Slots } from './slots.ts'

/**
 * Accepts a supplementary debit (art. 35(2), 35(3)) and sends it: from the account of the ticket's debit, under a key of its own. Throws a Fault
 * where the items do not sum to the amount.
 */
export const supplement = async (flow: Flow, slots: Slots, taxSystem: string, order: SupplementOrder): Promise<FurtherVerdict> => {
  checkSum(order.amount, order.items, supplementOrder.id)
  const debit = await originalOf(flow, taxSystem, { ticketNo: order.ticketNo })
  if (debit) return supplementDebit(flow, slots, taxSystem, debit, order)
  return aboutNothing(flow, { taxSystem, kind: 'supplementaryDebit', orderNo: order.orderNo }, furtherHash(supplementOrder, order))
}

/** The same of a known debit: what an operator orders to remedy a break. */
export const supplementDebit = async (
  flow: Flow,
  slots: Slots,
  taxSystem: string,
  debit: Instruction,
  order: SupplementOrder,
): Promise<FurtherVerdict> => {
  const { orderNo, amount, reason, items } = order
  checkSum(amount, items, supplementOrder.id)
  const bank = flow.reference().banks.get(debit.bankCode)
  if (!bank) return { kind: 'absent' }
  const now = flow.clock()
  const { ticketNo, officeCode, bankCode } = debit
  const entrustDate = shanghaiDate(now)
  const key = { officeCode, entrustDate, serialNo: await flow.store.takeSerial(officeCode, entrustDate) }
  const contentHash = furtherHash(supplementOrder, order)
  const original = JSON.parse(debit.request) as RequestOf<'debit'>
  const made: NewOrder = {
    taxSystem,
    kind: 'supplementaryDebit',
    orderNo,
    contentHash,
    instruction: {
      ...key,
      id: await flow.store.takeInstructionId(),
      verb: 'supplementaryDebit',
      ticketNo,
      bankCode,
      amount,
      request: JSON.stringify(supplementRequestOf(original, key, { reason, amount, items })),
      originalId: debit.id,
      reason,
      acceptedAt: now,
    },
    wakeAt: later(now, graceMs),
  }
  // The debit was lawful, so its remedy needs no agreement in force; a stop, or an account that is closed, bars it all the same.
  const stopped = named(stoppedUnder(await flow.store.agreement(original.agreementNo)))
  const decide = (ticket: Ticket): Verdict => {
    const verdict = decideSupplement(ticket, movementOf(ticket, debit.id)!, reason, amount)
    const bar = barred(flow.reference(), bank, officeCode) ?? stopped
    return verdict.kind === 'send' && bar ? { kind: 'refuse', ...bar } : verdict
  }
  let isAsked = reason !== 'bank-missing'
  if (!isAsked) {
    const known = await flow.store.findOrder({ taxSystem, kind: 'supplementaryDebit', orderNo })
    const ticket = known ? undefined : await flow.store.ticket(ticketNo)
    // What our own rules refuse, or was ordered before, the bank need not be asked about.
    if (ticket && decide(ticket).kind === 'send') {
      const stands = await askBank(flow, slots, debit, bank)
      if (stands !== 'missing') return { kind: stands }
      isAsked = true
    }
  }
  try {
    const said = await flow.store.order(made, ticket => {
      const verdict = decide(ticket)
      // What our rules refused when it was read they may let pass now (a reversal has ended since): nobody has asked the bank yet, and nothing is written.
      if (verdict.kind === 'send' && !isAsked) throw new NotAsked()
      return verdict
    })
    follow(flow, slots, made, said)
    return told(flow, 'supplementaryDebit', debit, contentHash, said)
  } catch (error) {
    if (error instanceof NotAsked) return { kind: 'unclear' }
    throw error
  }
}
class NotAsked extends Error {}

/**
 * What the bank itself says of an instruction that it is said not to have (art. 35(1), 35(3)). A debit that it has, under its next day perhaps, must not be
 * debited a second time, whoever orders that, and a reversal not given back a second time: the next session will show it. A code that refuses the question
 * (not signed on, closed, «already paid») says nothing of that. A bank that cannot be asked has only its file to say so. Neither proves anything before the
 * bank's window is over: a second copy of what was sent may still be booked by a bank that has lost the first. The question takes a place at the bank like
 * any other call.
 */
export const askBank = async (
  flow: Flow,
  slots: Slots,
  { verb, bankCode, request, lastSentAt }: Pick<Instruction, 'verb' | 'bankCode' | 'request' | 'lastSentAt'>,
  bank: BankEntry,
): Promise<'missing' | 'at-the-bank' | 'unclear'> => {
  const policy = promised(bank, lastSentAt)
  if (!flow.isTimely()) return 'unclear'
  const missing = () => (lastSentAt === undefined || quietFrom(policy, lastSentAt) <= flow.clock() ? 'missing' : 'unclear')
  if (!policy.inquiry) return missing()
  const asked = inquiryOf(JSON.parse(request) as RequestOf<InstructionVerb>)
  if (!(await slots.take(bankCode, policy.concurrency, () => flow.pause(patienceMs)))) return 'unclear'
  try {
    // It tells how things stood when it was asked.
    const notFound = missing()
    const { answer } = await flow.call(bankCode, 'inquiry', asked, bank.policy.timeoutMs)
    if (answer.kind !== 'answered') return 'unclear'
    const proof = proofOf(verb, answer.outcome, 'inquiry', policy.dedupe === 'by-key')
    if (proof === 'done') return 'at-the-bank'
    if (proof === 'refused') return 'missing'
    return answer.outcome.code === '94054' ? notFound : 'unclear'
  } finally {
    slots.release(bankCode)
  }
}
