import { bankOnly, declared, givenBack, isOpen, type Movement, type Ruling, type Ticket, type Verdict } from './ticket.ts'

/** 少划缴 (art. 35(2)) or 银行未划缴成功 (art. 35(3)). */
export type SupplementReason = 'under-debited' | 'bank-missing'

/** Fen that count of the debit: what it confirmed, or less where an open break says so; what a remedy has brought counts for itself. */
const ofTheDebit = (ticket: Ticket, debit: Movement): number =>
  Math.min(debit.booked, declared(ticket, debit.id, 'under-debited')?.bankAmount ?? debit.booked)

const supplemented = (ticket: Ticket): number =>
  ticket.movements.filter(m => m.verb === 'supplementaryDebit').reduce((sum, m) => sum + (isOpen(m) ? m.amount : m.booked), 0)

/** Fen that are still missing of a ticket whose debit is settled; what supplementary debits may yet bring counts as there. */
export const shortfall = (ticket: Ticket, debit: Movement, reason: SupplementReason): number =>
  ticket.amount - (reason === 'bank-missing' ? 0 : ofTheDebit(ticket, debit)) - supplemented(ticket)

/** One row: the first that holds refuses. */
export type SupplementRow = Ruling & {
  readonly holds: (ticket: Ticket, debit: Movement, reason: SupplementReason, amount: number) => boolean
}
/** What refuses a supplementary debit, in the order in which the reasons outrank each other; where no row holds, it is sent. */
export const supplementRows: readonly SupplementRow[] = [
  {
    rule: 'ticket-void',
    code: '24020',
    holds: ticket => ticket.isVoid,
    zh: '电子税票已作废(第三十五条第三项)',
    en: 'the ticket is void (art. 35(3))',
  },
  {
    rule: 'original-open',
    code: '93004',
    holds: (_ticket, debit) => isOpen(debit),
    zh: '原扣款尚无结果',
    en: 'the debit has no outcome yet',
  },
  {
    rule: 'bank-only',
    code: '93004',
    holds: (ticket, debit) => debit.state === 'refused' && bankOnly(ticket, debit.id) !== undefined,
    zh: '记录为未扣款而银行已扣款(单边账未了结),先按《调账通知单》处理,不得另开税票',
    en: 'an open break says that the bank has it, though the record has not: settle that first, and no new ticket',
  },
  {
    // A new ticket on top would take the tax a second time.
    rule: 'adopted',
    code: '24015',
    holds: (ticket, debit) => debit.state === 'refused' && ticket.isAdopted === true,
    zh: '记录为未扣款而银行已扣款,两人已采信:税票已缴,不得补划,也不得另开税票',
    en: 'the bank had it all the same and two persons took it for the tax of the ticket: it is paid, and no new ticket',
  },
  {
    rule: 'original-refused',
    code: '93004',
    holds: (_ticket, debit) => debit.state === 'refused',
    zh: '原扣款已被拒绝,以新的电子税票发起',
    en: 'the debit was refused: a new ticket is the way',
  },
  {
    rule: 'supplement-open',
    code: '93004',
    holds: ticket => ticket.movements.some(m => m.verb === 'supplementaryDebit' && isOpen(m)),
    zh: '前一笔补充划缴尚无结果',
    en: 'an earlier supplementary debit has no outcome yet',
  },
  {
    rule: 'reversal-open',
    code: '93004',
    holds: ticket => ticket.movements.some(m => m.verb === 'reversal' && isOpen(m)),
    zh: '该税票有冲正尚无结果',
    en: 'a reversal of this ticket has no outcome yet',
  },
  {
    rule: 'no-break',
    code: '93004',
    holds: (ticket, debit, reason) => reason === 'bank-missing' && !declared(ticket, debit.id, 'bank-missing'),
    zh: '没有经确认的“银行未划缴成功”单边账(第三十五条第三项)',
    en: 'no declared break says that the bank did not debit (art. 35(3))',
  },
  {
    // What was given back was at the bank: it is not missing, and it is not paid. That tax is another ticket's.
    rule: 'given-back',
    code: '93004',
    holds: (ticket, debit) => givenBack(ticket, debit.id) > 0,
    zh: '该笔扣款已有冲正退回,不作补充划缴',
    en: 'part or all of the debit was given back: that is not supplemented',
  },
  {
    rule: 'nothing-missing',
    code: '24015',
    holds: (ticket, debit, reason) => shortfall(ticket, debit, reason) <= 0,
    zh: '税款已足额划缴',
    en: 'nothing is missing of the ticket',
  },
  {
    rule: 'over-limit',
    code: '93004',
    holds: (ticket, debit, reason, amount) => amount > shortfall(ticket, debit, reason),
    zh: '补充划缴金额超过差额',
    en: 'more than is missing',
  },
  {
    // art. 35(3): its failure voids the whole ticket, so it must be about the whole.
    rule: 'whole-only',
    code: '93004',
    holds: (ticket, debit, reason, amount) => reason === 'bank-missing' && amount !== shortfall(ticket, debit, reason),
    zh: '银行未划缴成功的,须按全额补划(第三十五条第三项)',
    en: 'what the bank did not debit at all is supplemented whole (art. 35(3))',
  },
]

/** What an order for a supplementary debit leads to: never more than the shortfall, never two at once. */
export const decideSupplement = (ticket: Ticket, debit: Movement, reason: SupplementReason, amount: number): Verdict => {
  const row = supplementRows.find(({ holds }) => holds(ticket, debit, reason, amount))
  if (!row) return { kind: 'send' }
  const { rule, code, zh, en } = row
  return { kind: 'refuse', rule, code, zh, en }
}

/** Whether the end of this instruction voids its ticket (art. 35(3): 补划缴不成功的,作「作废」处理). */
export const voidsTicket = ({ verb, reason }: Pick<Movement, 'verb' | 'reason'>, state: Movement['state']): boolean =>
  verb === 'supplementaryDebit' && reason === 'bank-missing' && state === 'refused'
