import {
  asIs,
  blank,
  codes,
  constant,
  debitRequest,
  inquiryRequest,
  inquiryResult,
  left,
  linkTestRequest,
  omit,
  record,
  repeat,
  right,
  type TaxItem,
  words,
  ymd,
} from '@taxlink/bank-sdk'

// Compiled, never run: what a wrong table of a bank must not do is compile. `tsc` refuses an expectation that does not fail.

const result = codes({ '0000': '90000', '1051': '24003' })
const key = [
  ['officeCode', left(12)],
  ['entrustDate', ymd],
  ['serialNo', left(8)],
] as const
const answer = [...key, ['ticketNo', left(18)]] as const
const absent = omit('bankSerial', 'accountingDate')

export function never() {
  // The whole message compiles, with or without the bank's text, with optional fields in any cell of their type.
  record(inquiryResult, 'gbk', 0, [...answer, ['result', result], ['amount', right(15)], ['bankSerial', left(20)], ['accountingDate', ymd]])
  record(inquiryResult, 'gbk', 0, [
    constant('KK53'),
    ...answer,
    ['result', result],
    ['result.bankText', left(60)],
    ['amount', right(15)],
    blank(3),
    absent,
  ])

  // @ts-expect-error a forgotten field
  record(linkTestRequest, 'gbk', 0, [...key])
  // @ts-expect-error a forgotten optional field: an optional field is left out aloud
  record(inquiryResult, 'gbk', 0, [...answer, ['result', result], ['amount', right(15)], ['bankSerial', left(20)]])
  // @ts-expect-error an unknown field
  record(linkTestRequest, 'gbk', 0, [...key, ['workDate', ymd], ['officeNo', left(12)]])
  // @ts-expect-error an unknown field left out
  record(linkTestRequest, 'gbk', 0, [...key, ['workDate', ymd], omit('officeNo')])
  // @ts-expect-error money in a text cell
  record(inquiryResult, 'gbk', 0, [...answer, ['result', result], ['amount', left(15)], absent])
  // @ts-expect-error text in a number cell
  record(inquiryRequest, 'gbk', 0, [...key, ['ticketNo', right(18)], ['workDate', ymd]])
  // @ts-expect-error an outcome in a text cell
  record(inquiryResult, 'gbk', 0, [...answer, ['result', left(4)], ['amount', right(15)], absent])
  // @ts-expect-error a code that is no unified result code
  codes({ '0000': '90001' })
  // @ts-expect-error only an outcome has a text of the bank
  record(linkTestRequest, 'gbk', 0, [...key, ['workDate', ymd], ['workDate.bankText', left(60)]])
  // @ts-expect-error a cell without a width
  record(linkTestRequest, 'gbk', 0, [...key, ['workDate', asIs]])
  // @ts-expect-error a charset that does not exist
  record(linkTestRequest, 'big5', 0, [...key, ['workDate', ymd]])
}

const head = [
  ...answer,
  ['workDate', ymd],
  ['taxpayerId', left(20)],
  ['taxpayerName', left(60)],
  ['agreementNo', left(60)],
  ['account', left(32)],
  ['payerBankNo', left(12)],
  ['treasuryCode', left(11)],
  ['clearingNo', left(12)],
  ['remittanceAccount', left(32)],
  ['amount', right(15)],
] as const
const channel = ['channel', words({ '1': 'computer', '2': 'phone' })] as const
const item = [
  ['taxCode', left(10)],
  ['budgetSubject', left(30)],
  ['budgetLevel', left(1)],
  ['periodStart', ymd],
  ['periodEnd', ymd],
] as const
const two = { count: right(2), max: 10 }

const request = [...head, channel] as const
const named = [...item, ['taxName', left(60)]] as const
const whole = [...named, ['amount', right(12)]] as const

export function neverRepeated() {
  const full = record(debitRequest, 'gbk', 0, [...request, repeat('items', two, whole)])
  const items: readonly TaxItem[] = full.decode(new Uint8Array()).items

  const lean = record(debitRequest, 'gbk', 0, [...request, repeat('items', two, [...item, omit('taxName'), ['amount', right(12)]])])
  const amounts: readonly number[] = lean.decode(new Uint8Array()).items.map(each => each.amount)
  // @ts-expect-error what an element leaves out does not come back
  const names: readonly string[] = lean.decode(new Uint8Array()).items.map(each => each.taxName)

  const asked = record(inquiryRequest, 'gbk', 0, [...answer, omit('workDate')])
  const ticketNo: string = asked.decode(new Uint8Array()).ticketNo
  // @ts-expect-error what a layout leaves out does not come back
  const workDate: string = asked.decode(new Uint8Array()).workDate
  // @ts-expect-error though it must be given: another bank carries it
  asked.encode({ officeCode: '1', entrustDate: '2026-09-10', serialNo: '00000001', ticketNo })

  const fax = words({ '1': 'computer', '2': 'fax' })
  // @ts-expect-error a word that the field does not have
  record(debitRequest, 'gbk', 0, [...head, ['channel', fax], repeat('items', two, whole)])
  // @ts-expect-error a forgotten field of an element
  record(debitRequest, 'gbk', 0, [...request, repeat('items', two, named)])
  // @ts-expect-error an unknown field of an element
  record(debitRequest, 'gbk', 0, [...request, repeat('items', two, [...whole, ['rate', right(3)]])])
  // @ts-expect-error money of an element in a text cell
  record(debitRequest, 'gbk', 0, [...request, repeat('items', two, [...named, ['amount', left(12)]])])
  // @ts-expect-error a field that is no list repeated
  record(debitRequest, 'gbk', 0, [...request, repeat('amount', two, whole)])
  // @ts-expect-error a count without a width
  repeat('items', { count: asIs, max: 10 }, whole)
  return [items, amounts, names, ticketNo, workDate]
}
