import { daysAfter } from './calendar-days.ts'
import { machine } from './machine.ts'
import type { Objection } from './proposal.ts'
import type { Reference, Treasury } from './reference.ts'
import { inForceOn, type RemittanceAccount } from './registry.ts'
import { shanghaiTime } from './time.ts'

// 汇总的《电子缴税划款入库凭证》 (art. 37–39): one per collecting office, treasury and bank, of what was written off.

/** A summary voucher: the lead branch is told, it remits, the treasury receives; each is a row that is only ever added. */
export const voucherMachine = machine('voucher', {
  made: { tell: 'told', remit: 'remitted', receive: 'received' },
  told: { remit: 'remitted', receive: 'received' },
  remitted: { receive: 'received' },
  received: {},
})
export type VoucherState = keyof typeof voucherMachine.table
/** What happened to a voucher. */
export type VoucherEvent = 'told' | 'remitted' | 'received'
/** Where a voucher stands after what happened to it. The bank's word may come after the treasury's. */
export const voucherState = (events: readonly VoucherEvent[]): VoucherState =>
  events.includes('received') ? 'received' : events.includes('remitted') ? 'remitted' : events.includes('told') ? 'told' : 'made'

/** A ticket that was written off and stands in no voucher yet. */
export type WrittenOff = {
  readonly ticketNo: string
  readonly officeCode: string
  readonly treasuryCode: string
  readonly bankCode: string
  readonly accountingDate: string
  /** Fen. */
  readonly amount: number
}
/** What one voucher holds. */
export type Draft = Omit<WrittenOff, 'ticketNo'> & { readonly ticketNos: readonly string[] }

/** The largest sum of one voucher: that of a message. */
const most = 999_999_999_999_999n

/** Groups what was written off into vouchers, in the order of offices, treasuries, banks and days; a sum that no message could hold is split. */
export const groupVouchers = (rows: readonly WrittenOff[]): Draft[] => {
  const groups = Map.groupBy(rows, row => [row.officeCode, row.treasuryCode, row.bankCode, row.accountingDate].join('/'))
  return [...groups.entries()].toSorted(([a], [b]) => (a < b ? -1 : 1)).flatMap(([, own]) => split(own))
}
const split = (rows: readonly WrittenOff[]): Draft[] => {
  const drafts: Draft[] = []
  let [sum, ticketNos] = [0n, [] as string[]]
  const close = () => {
    const { ticketNo: _no, amount: _amount, ...group } = rows[0]!
    if (ticketNos.length > 0) drafts.push({ ...group, amount: Number(sum), ticketNos })
    ;[sum, ticketNos] = [0n, []]
  }
  for (const { ticketNo, amount } of rows) {
    if (sum + BigInt(amount) > most) close()
    sum += BigInt(amount)
    ticketNos.push(ticketNo)
  }
  close()
  return drafts
}

const summaryDigits = 20
/** 汇总流水号: the day, the office, and a number of that office and day in the order in which they are handed out; twenty digits. */
export const summaryNoOf = (officeCode: string, day: string, number: number): string => {
  const head = `${day.slice(2).replaceAll('-', '')}${officeCode}`
  const tail = String(number).padStart(summaryDigits - head.length, '0')
  if (head.length + tail.length > summaryDigits) throw new Error(`office ${officeCode} has no summary number left on ${day}`)
  return `${head}${tail}`
}

/** Where a voucher goes: the treasury with its clearing number, and the account that the lead branch remits from, in force on that day (art. 29(2), 29(4)). */
export type Destination = { readonly treasury: Treasury; readonly remittance: RemittanceAccount }
const objection = (rule: string, zh: string, en: string): Objection => ({ rule, zh, en })

/** Where the taxes of a bank for a treasury are remitted on a day; why nowhere. */
export const destinationOf = (reference: Reference, bankCode: string, treasuryCode: string, day: string): Destination | Objection => {
  const treasury = reference.treasuries.get(treasuryCode)
  if (!treasury) return objection('treasury-unknown', '基础资料里没有该国库', 'the reference data has no such treasury')
  const remittance = inForceOn(reference.remittance.get(`${bankCode}/${treasuryCode}`) ?? [], day)
  return remittance
    ? { treasury, remittance }
    : objection(
        'no-remittance-account',
        '该银行在此国库无报解专户(第二十九条第二项)',
        'the bank has no remittance account for it (art. 29(2))',
      )
}

/** What the gate looks at: how the bank day of a voucher stands. */
export type GateCase = {
  readonly isBalanced: boolean
  /** 申报期最后一天 (art. 35(5)). */
  readonly isLastFilingDay: boolean
  /** Breaks that sessions of that day found, and no other session has confirmed since; whichever bank day that was of. */
  readonly unconfirmed: number
}
/** No voucher before a balanced reconciliation (art. 37); of the last filing day not before another has confirmed what was put right (art. 35(5)). */
export const objectionToVoucher = ({ isBalanced, isLastFilingDay, unconfirmed }: GateCase): Objection | undefined => {
  if (!isBalanced) return objection('day-not-balanced', '该会计日尚未对平(第三十七条)', 'the bank day is not balanced (art. 37)')
  return isLastFilingDay && unconfirmed > 0
    ? objection(
        'second-session-first',
        '申报期最后一天须再次对账后一起划缴(第三十五条第五项)',
        'the last filing day is remitted after its second session (art. 35(5))',
      )
    : undefined
}

/** 16:00: until then vouchers go to the treasury and the money with them, on the same day (art. 37). */
export const cutOff = '16:00'
/** How near the cut-off is: an hour, half an hour, over. */
export type Alarm = 'none' | 'due-soon' | 'due-urgent' | 'overdue'
const offsetMs = 8 * 3_600_000
const minute = 60_000
/** 16:00 of a day in the province. */
export const cutOffOn = (day: string): Date => new Date(Date.parse(`${day}T${cutOff}:00Z`) - offsetMs)

/**
 * When a voucher made at `now` has to be at the treasury: at 16:00 of its day; made later or on a holiday, at 16:00 of the next day on which treasuries work.
 */
export const deadlineOf = (now: Date, workingDayFrom: (day: string) => string): Date => {
  const today = shanghaiTime(now).slice(0, 10)
  return cutOffOn(workingDayFrom(now < cutOffOn(today) ? today : daysAfter(today, 1)))
}
/** How near it is. The last minute belongs to the day, 16:00 itself does not. */
export const alarmAt = (deadline: Date, now: Date): Alarm => {
  const left = deadline.getTime() - now.getTime()
  if (left <= 0) return 'overdue'
  return left <= 30 * minute ? 'due-urgent' : left <= 60 * minute ? 'due-soon' : 'none'
}
/** Whole seconds until then; 0 when it is over. */
export const secondsLeft = (deadline: Date, now: Date): number => Math.max(0, Math.ceil((deadline.getTime() - now.getTime()) / 1000))

/** What a bank or a treasury says of a voucher. */
export type Claimed = {
  readonly amount: number
  readonly treasuryCode?: string
  readonly on: string
}
/** The voucher as the record has it, and the sum of its tickets as they stand in it. */
export type Held = {
  readonly treasuryCode: string
  readonly amount: number
  readonly ticketSum: bigint
  /** The day on which it was made. */
  readonly madeOn: string
}

/** Why nothing is received as of this day (art. 21): the province has booked it, and what came in late would stand in nobody's books. */
export const objectionToEntry = (on: string, bookedThrough: string | undefined): Objection | undefined =>
  bookedThrough === undefined || on > bookedThrough
    ? undefined
    : objection(
        'booked-by-the-province',
        `入库日期在省局已记账的期内(至 ${bookedThrough});请与国库、省局计统处核对,以省局补记之日(其后)录入`,
        `the province has booked the days through ${bookedThrough}: settle it with the treasury and the province, and enter it as of the later day on which they book it`,
      )

/** How what was said differs from the voucher and its tickets, to the fen (art. 39); undefined: it agrees. `latest`: the last day that can be true. */
export const differenceOf = (held: Held, said: Claimed, latest: string): Objection | undefined => {
  if (said.treasuryCode !== undefined && said.treasuryCode !== held.treasuryCode)
    return objection('another-treasury', '收款国库不符', 'it names another treasury')
  if (held.ticketSum !== BigInt(held.amount))
    return objection('tickets-differ', '凭证金额与其电子税票合计不符', 'the voucher is not the sum of its tickets')
  if (said.amount !== held.amount) return objection('amount-differs', '金额不符', 'the amount differs')
  if (said.on < held.madeOn || said.on > latest)
    return objection('date-impossible', '日期早于凭证或在将来', 'the day is before the voucher, or in the future')
  return undefined
}
