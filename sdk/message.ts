import { ascii, date, digits, type Fields, type FieldValues, fen, listOf, masked, oneOf, optional, outcomeKind, text } from './kinds.ts'

// What a message is, and the fields that several messages share.

/** One message of the unified bank interface: its id (`debit.request`), titles and fields. */
export type Message<F extends Fields = Fields> = { readonly id: string; readonly zh: string; readonly en: string; readonly fields: F }
/** The TypeScript type of a message's values. */
export type ValuesOf<M> = M extends Message<infer F> ? FieldValues<F> : never

/** A message of the catalogue. */
export const message = <const F extends Fields>(id: string, zh: string, en: string, fields: F): Message<F> => ({ id, zh, en, fields })

/** The key of an instruction (TIPS: TaxOrgCode + EntrustDate + TraNo): never re-used, committed before its first byte leaves. */
export const key = {
  officeCode: digits('征收机关代码', 'tax office code', 1, 12),
  entrustDate: date('委托日期', 'entrust date'),
  serialNo: digits('交易流水号', 'serial number, unique per office and entrust date', 8),
}
/** The key of the instruction that this one is about. */
export const originalKey = {
  originalEntrustDate: date('原委托日期', 'entrust date of the original'),
  originalSerialNo: digits('原交易流水号', 'serial number of the original', 8),
}
/** 电子税票号码. */
export const ticketNo = digits('电子税票号码', 'electronic tax ticket number', 18)
/** 工作日期. */
export const workDate = date('工作日期', 'work date of the tax side')
/** 会计日期, where the bank tells it. */
export const accountingDate = optional(date('会计日期', 'accounting date of the bank'))
/** 银行流水号, where the bank tells it. */
export const bankSerial = optional(ascii('银行流水号', 'the bank’s own serial number', 20))
/** 缴税账号. */
export const account = masked(ascii('缴税账号', 'tax-paying account', 32), 'account')
/** 申报渠道. */
export const channel = oneOf('申报渠道', 'filing channel (art. 3)', ['computer', 'phone'])
/** 纳税人识别号. */
export const taxpayerId = masked(ascii('纳税人识别号', 'taxpayer id', 20), 'taxpayer')
/** 纳税人名称. */
export const taxpayerName = masked(text('纳税人名称', 'name of the taxpayer', 100), 'name')
/** 三方协议书号. */
export const agreementNo = masked(ascii('三方协议书号', 'number of the three-party agreement', 60), 'account')
/** 付款开户行行号. */
export const payerBankNo = digits('付款开户行行号', 'number of the account’s branch', 12)
/** 处理结果. */
export const result = outcomeKind('处理结果', 'result')

/** One tax item (税目) of a ticket; the items' amounts sum to the ticket's. */
export const taxItem = {
  taxCode: ascii('税种代码', 'tax code', 10),
  taxName: text('税种名称', 'name of the tax', 60),
  budgetSubject: digits('预算科目代码', 'budget subject', 1, 30),
  budgetLevel: digits('预算级次', 'budget level 0–5', 1),
  periodStart: date('税款所属期起', 'first day of the tax period'),
  periodEnd: date('税款所属期止', 'last day of the tax period'),
  amount: fen('税额', 'amount in fen', 1),
}
/** The tax items of a ticket: 1 to 20. */
export const taxItems = listOf('税目明细', 'tax items', taxItem, 20)
