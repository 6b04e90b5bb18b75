import { machine } from './machine.ts'
import type { Objection } from './proposal.ts'
import { isOpen, type Ruling, type Ticket } from './ticket.ts'

// 销号 (art. 36, 39): what becomes of a paid ticket until its money is in the treasury, and what may be undone on the way (art. 21).

/**
 * 电子税票 after the debit: 上解销号 of what was reconciled (art. 36), its place in a summary voucher (art. 37), 入库销号 by the treasury's receipt
 * (art. 39), 换票 (art. 40). What is undone (art. 21) is void as soon as another ticket stands for its money.
 */
export const ticketMachine = machine('ticket', {
  paid: { writeOff: 'written-off', void: 'void' },
  'written-off': { voucher: 'vouchered' },
  vouchered: { receive: 'received' },
  received: { exchange: 'exchanged', undo: 'undone' },
  undone: { reissue: 'void' },
  exchanged: {},
  void: {},
})
export type TicketState = keyof typeof ticketMachine.table

/** What the record holds of a ticket besides its instructions: each is a row that is only ever added. */
export type Marks = {
  readonly isVoid: boolean
  readonly isWrittenOff: boolean
  readonly isVouchered: boolean
  readonly isReceived: boolean
  readonly isExchanged: boolean
  readonly isUndone: boolean
}

/** Where a ticket that was paid stands, by its marks: the last step that was taken. */
export const stateOfMarks = (marks: Marks): TicketState => {
  if (marks.isVoid) return 'void'
  if (marks.isUndone) return 'undone'
  if (marks.isExchanged) return 'exchanged'
  if (marks.isReceived) return 'received'
  if (marks.isVouchered) return 'vouchered'
  return marks.isWrittenOff ? 'written-off' : 'paid'
}

/** A bank day on which something was booked of a ticket. */
export type BookedDay = { readonly bankCode: string; readonly accountingDate: string; readonly isBalanced: boolean }
/** A ticket as it stands before the noon batch. */
export type Candidate = {
  readonly ticket: Ticket
  readonly marks: Marks
  /** Fen that the bank has of it by its bookings and what the last sessions found, and that it must have by the record. */
  readonly bank: bigint
  readonly due: bigint
  /** All bank days that hold anything of it. */
  readonly days: readonly BookedDay[]
  /** A difference of it that is not explained, or a break that is not confirmed. */
  readonly hasOpenBreak: boolean
}

const objection = (rule: string, zh: string, en: string): Objection => ({ rule, zh, en })

/** Why a ticket is not written off, in the order in which the reasons outrank each other; undefined: it may be (art. 36). */
export const objectionToWriteOff = ({ ticket, marks, bank, due, days, hasOpenBreak }: Candidate): Objection | undefined => {
  if (marks.isVoid || ticket.isVoid) return objection('ticket-void', '税票已作废', 'the ticket is void')
  if (ticketMachine.next(stateOfMarks(marks), 'writeOff') === undefined)
    return objection('written-off-before', '已上解销号', 'it was written off before')
  if (ticket.movements.some(isOpen)) return objection('not-settled', '尚有结果未定的指令', 'an instruction of it is not settled yet')
  if (hasOpenBreak) return objection('break-open', '单边账未了结', 'a break of it is not over')
  if (days.length === 0) return objection('not-matched', '未参加对账', 'it has not been reconciled')
  if (days.some(day => !day.isBalanced)) return objection('day-not-balanced', '所在会计日尚未对平', 'its bank day is not balanced yet')
  if (bank !== due || due > BigInt(ticket.amount)) return objection('not-as-due', '银行所有与应缴不符', 'the bank has not what is due')
  return due <= 0n ? objection('nothing-left', '净额为零', 'nothing is left of it') : undefined
}

/** 上解销号 in a batch at noon (art. 6(3), 36): what becomes balanced later is written off then. */
export const noon = '12:00'
/** Why it is undone (art. 21(2)): the tax was right and other particulars were not; too much; too little. */
export const undoCauses = ['particulars-wrong', 'too-much', 'too-little'] as const
export type UndoCause = (typeof undoCauses)[number]

/** What an undoing is judged by. */
export type UndoCase = {
  readonly state: TicketState
  /** 入库日期; undefined where the treasury has not told. */
  readonly enteredOn: string | undefined
  /** 省局记账: all that was entered on or before this day is booked; undefined: nothing yet. */
  readonly bookedThrough: string | undefined
  /** A break of it that is not over: what the bank has of it is not certain. */
  readonly hasOpenBreak: boolean
}
/** Why the marks cannot be undone (art. 21): only after the voucher has come back, and before the province has booked it. */
export const objectionToUndo = ({ state, enteredOn, bookedThrough, hasOpenBreak }: UndoCase): Objection | undefined => {
  if (ticketMachine.next(state, 'undo') === undefined)
    return objection('not-received', '须在收到入库凭证、入库销号之后撤销(第二十一条)', 'only what was received may be undone (art. 21)')
  if (bookedThrough !== undefined && enteredOn !== undefined && enteredOn <= bookedThrough)
    return objection('booked-by-the-province', '省局已记账(第二十一条)', 'the province has booked it (art. 21)')
  return hasOpenBreak ? objection('break-open', '单边账未了结', 'a break of it is not over') : undefined
}
/** Why the province's books are not closed through a day: they are, or a ticket of then is undone and nothing stands in its place. */
export const objectionToClose = (
  through: string,
  bookedThrough: string | undefined,
  halfDone: string | undefined,
): Objection | undefined => {
  if (bookedThrough !== undefined && bookedThrough >= through)
    return objection('closed-before', '该日已记账', 'the books are closed through this day')
  return halfDone === undefined
    ? undefined
    : objection(
        'correction-open',
        `税票 ${halfDone} 已撤销销号而尚未重新填开(第二十一条)`,
        `ticket ${halfDone} was undone and not issued anew yet (art. 21)`,
      )
}

/** A ticket that takes the place of one that was undone: its number is the tax side's own (机器税票号码). */
export type NewTicket = { readonly ticketNo: string; readonly amount: number }
/** A number under which another ticket stands. */
export const numberTaken = objection('number-taken', '税票号码已用', 'a ticket of this number is there already')
/** Why a debit of such a number is refused: the first of the new tickets is of the amount that was debited; the rest of the tax, the second's, is not paid yet. */
export const paidBefore: Ruling = {
  code: '24015',
  rule: 'paid-before',
  zh: '该税票号码是重新填开的税票,其税款已划缴(第二十一条)',
  en: 'the ticket was issued anew for money that was debited already (art. 21)',
}
/** 印刷税票号码: the last nine digits of the electronic ticket's number (art. 21). */
export const printedNoOf = (ticketNo: string): string => ticketNo.slice(-9)

/** Why these tickets cannot take the place of the one that was undone (art. 21(2)): one of them stands for the money that was debited. */
export const objectionToReissue = (
  undone: { readonly ticketNo: string; readonly amount: number; readonly state: TicketState; readonly cause: UndoCause | undefined },
  tickets: readonly NewTicket[],
): Objection | undefined => {
  if (ticketMachine.next(undone.state, 'reissue') === undefined)
    return objection('not-undone', '须先撤销销号', 'its marks have to be undone first')
  const wanted = undone.cause === 'too-little' ? 2 : 1
  if (tickets.length !== wanted)
    return objection(
      'wrong-number-of-tickets',
      `此情形须填开 ${wanted} 张税票(第二十一条)`,
      `this case takes ${wanted} new tickets (art. 21)`,
    )
  if (tickets[0]?.amount !== undone.amount)
    return objection(
      'other-amount',
      '第一张税票须与原划缴金额相等(第二十一条)',
      'the first has to be of the amount that was debited (art. 21)',
    )
  const numbers = new Set([undone.ticketNo, ...tickets.map(t => t.ticketNo)])
  return numbers.size <= tickets.length ? objection('same-number', '税票号码重复', 'a ticket number stands twice') : undefined
}
