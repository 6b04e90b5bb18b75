import type { Objection } from './proposal.ts'
import { later } from './time.ts'
import type { TicketState } from './write-off.ts'

// 委托缴纳税款专用凭证 (art. 34, annex 2 §11), 换票 (art. 40) and lost copies (art. 41).

const hour = 3_600_000
/** 24 小时: before, no data for the payment voucher leave (art. 34). */
export const releaseAt = (paidAt: Date): Date => later(paidAt, 24 * hour)

const objection = (rule: string, zh: string, en: string): Objection => ({ rule, zh, en })

/** A ticket as its payment voucher sees it. */
export type PrintCase = {
  readonly state: TicketState
  readonly channel: 'computer' | 'phone'
  readonly paidAt: Date
}
/**
 * Why the data of a payment voucher are not released to the bank: before 24 hours are over (art. 34), before the ticket stands in a summary voucher,
 * whose number is printed on it (art. 40). A phone filer gets the certificate at the hall (art. 33, annex 2 §10).
 */
export const objectionToRelease = ({ state, channel, paidAt }: PrintCase, now: Date): Objection | undefined => {
  if (channel !== 'computer')
    return objection(
      'not-by-computer',
      '电话申报户在办税服务厅领取完税证(第三十三条)',
      'a phone filer gets the certificate at the hall (art. 33)',
    )
  if (state === 'paid' || state === 'written-off')
    return objection('no-summary-voucher', '尚未汇总,凭证上须有汇总流水号(第四十条)', 'it stands in no summary voucher yet (art. 40)')
  if (state === 'void' || state === 'undone') return objection('ticket-void', '税票已作废或已撤销销号', 'the ticket is void or undone')
  return now < releaseAt(paidAt)
    ? objection('within-24-hours', '缴税未满 24 小时(第三十四条)', '24 hours are not over (art. 34)')
    : undefined
}

/** Why the data of a payment voucher are not sent once more: they never left, or what they would prove is void or was proved by a certificate since. */
export const objectionToReprint = (state: TicketState, isReleased: boolean): Objection | undefined => {
  if (state === 'void' || state === 'undone') return objection('ticket-void', '税票已作废或已撤销销号', 'the ticket is void or undone')
  if (state === 'exchanged')
    return objection(
      'exchanged-before',
      '已换开税票,专用凭证已收回(第四十条)',
      'it was exchanged for a certificate, and its voucher collected (art. 40)',
    )
  return isReleased ? undefined : objection('not-released', '凭证信息尚未发出', 'its data were not released yet')
}

/** What a bank says of a print, and what it said before: how many prints there were. */
export type Print = { readonly isReprint: boolean; readonly before: number; readonly isReleased: boolean; readonly copies: number }
/** How a print contradicts what went before; undefined: it is the first, or is marked as a reprint. */
export const contradictionOfPrint = ({ isReprint, before, isReleased, copies }: Print): Objection | undefined => {
  if (!isReleased) return objection('not-released', '凭证信息尚未发出', 'its data were not released')
  if (copies < 1) return objection('no-copies', '份数为零', 'no copies')
  if (before > 0 && !isReprint) return objection('unmarked-reprint', '再次打印而无补打标记', 'printed again without the mark')
  return before === 0 && isReprint ? objection('no-first-print', '没有首次打印', 'a reprint of what was never printed') : undefined
}

const monthIndex = (day: string): number => Number(day.slice(0, 4)) * 12 + Number(day.slice(5, 7))
/** The last day on which a ticket may be exchanged: twelve months counted from the month of the payment, that month included (art. 40). */
export const lastExchangeDay = (paidOn: string): string => {
  const index = monthIndex(paidOn) + 12
  const first = `${Math.floor((index - 1) / 12)}-${String(((index - 1) % 12) + 1).padStart(2, '0')}-01`
  return new Date(Date.parse(`${first}T00:00:00Z`) - 24 * hour).toISOString().slice(0, 10)
}

/** A ticket as an exchange sees it. */
export type ExchangeCase = {
  readonly state: TicketState
  readonly paidOn: string
  /** Its payment voucher, which is taken for the certificate: `none` is printed for it (art. 33), or not `yet`. */
  readonly voucher: 'none' | 'not-yet' | 'released'
}
/**
 * Why a ticket cannot be exchanged for a certificate on `day` (art. 40): once only, within twelve months, when its money is in the treasury; for a
 * payment voucher that the bank can have printed.
 */
export const objectionToExchange = ({ state, paidOn, voucher }: ExchangeCase, day: string): Objection | undefined => {
  if (state === 'exchanged') return objection('exchanged-before', '已换开税票(第四十条)', 'it was exchanged before (art. 40)')
  if (state !== 'received') return objection('not-received', '尚未入库销号', 'it has not been received by the treasury')
  if (voucher === 'not-yet')
    return objection(
      'no-payment-voucher',
      '银行尚不能打印《委托缴纳税款专用凭证》(第三十四条、第四十条)',
      'the bank cannot have printed a payment voucher of it yet (art. 34, 40)',
    )
  return day > lastExchangeDay(paidOn)
    ? objection(
        'after-twelve-months',
        '已超过缴税当月算起的 12 个月(第四十条)',
        'twelve months from the month of payment are over (art. 40)',
      )
    : undefined
}
/** 备注栏 of a certificate that was exchanged: the electronic ticket's number, the summary number, the treasury (art. 40). */
export const exchangeRemark = (ticketNo: string, summaryNo: string, treasuryName: string): string =>
  `换票 电子税票号:${ticketNo} 汇总流水号:${summaryNo} 收款国库:${treasuryName}`

/** Why a certificate cannot be printed anew for one that was lost (art. 41). */
export const objectionToLostCopy = (state: TicketState, standing: string | undefined, lostNo: string): Objection | undefined => {
  if (state !== 'exchanged') return objection('no-certificate', '未开具过完税证', 'no certificate was issued')
  return standing === lostNo ? undefined : objection('not-the-last', '不是现有的完税证', 'this is not the certificate that stands')
}
/** 备注栏 of the one that takes its place (art. 41). */
export const lostRemark = (lostNo: string): string => `原${lostNo}号完税凭证遗失作废`
