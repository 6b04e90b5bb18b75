import {
  asIs,
  codes,
  constant,
  debitRequest,
  debitResult,
  document,
  elements,
  json,
  omit,
  reversalResult,
  words,
  ymd,
  yuan,
} from '@taxlink/bank-sdk'

// Compiled, never run: what a wrong declaration of an XML document must not do is compile.

const key = [
  ['officeCode', 'R/A', asIs],
  ['entrustDate', 'R/B', ymd],
  ['serialNo', 'R/C', asIs],
] as const
const ticket = ['ticketNo', 'R/D', asIs] as const
const amount = ['amount', 'R/E', yuan] as const
const result = ['result', 'R/F', codes({ '0000': '90000' })] as const
const optional = [
  ['bankSerial', 'R/G', asIs],
  ['accountingDate', 'R/H', ymd],
] as const

/** A right one, with the text of the bank; `decode` gives the whole result. */
export const right = document(debitResult, 'gbk', [...key, ticket, result, ['result.bankText', 'R/I', asIs], amount, ...optional])
right.decode(new Uint8Array()) satisfies { readonly amount: number; readonly ticketNo: string; readonly bankSerial?: string }

/** What is omitted is not there after decoding. */
export const short = document(debitResult, 'gbk', [...key, result, amount, omit('ticketNo', 'bankSerial', 'accountingDate')])
short.decode(new Uint8Array()) satisfies { readonly amount: number }
// @ts-expect-error the bank does not carry the ticket number
export const absent = short.decode(new Uint8Array()).ticketNo
// @ts-expect-error but who writes must have it all
short.encode({ officeCode: '1', entrustDate: '2026-01-01', serialNo: '00000001', amount: 1 })

// @ts-expect-error forgotten field: amount
document(debitResult, 'gbk', [...key, ticket, result, ...optional])
// @ts-expect-error unknown field
document(debitResult, 'gbk', [...key, ticket, result, amount, ...optional, ['nonsense', 'R/X', asIs]])
// @ts-expect-error money in a text cell
document(debitResult, 'gbk', [...key, ticket, result, ['amount', 'R/E', asIs], ...optional])
// @ts-expect-error text in a money cell
document(debitResult, 'gbk', [...key, ['ticketNo', 'R/D', yuan], result, amount, ...optional])
// @ts-expect-error a result in a text cell
document(debitResult, 'gbk', [...key, ticket, ['result', 'R/F', asIs], amount, ...optional])
// @ts-expect-error no such charset
document(debitResult, 'big5', [...key, ticket, result, amount, ...optional])
// @ts-expect-error a constant without its path
document(debitResult, 'gbk', [constant('2001'), ...key, ticket, result, amount, ...optional])
// @ts-expect-error a row without its path
document(debitResult, 'gbk', [...key, ['ticketNo', asIs], result, amount, ...optional])
// @ts-expect-error omitting what is not in the message
document(debitResult, 'gbk', [...key, ticket, result, amount, ...optional, omit('account')])
// @ts-expect-error only a result has a bank text
document(debitResult, 'gbk', [...key, ticket, result, amount, ...optional, ['amount.bankText', 'R/I', asIs]])
// @ts-expect-error no unified code
document(reversalResult, 'gbk', [...key, ticket, ['result', 'R/F', codes({ '0000': '90001' })], amount, ...optional])

const instruction = [
  ...key,
  ticket,
  ['workDate', 'R/H', ymd],
  ['channel', 'R/I', words({ A: 'computer', B: 'phone' })],
  ['taxpayerId', 'R/J', asIs],
  ['taxpayerName', 'R/K', asIs],
  ['agreementNo', 'R/L', asIs],
  ['account', 'R/M', asIs],
  omit('payerBankNo', 'treasuryCode', 'clearingNo', 'remittanceAccount'),
  amount,
] as const
const item = [
  ['taxCode', '@A', asIs],
  ['taxName', 'B', asIs],
  ['budgetSubject', 'C', asIs],
  ['budgetLevel', 'D', asIs],
  ['periodStart', 'E', ymd],
  ['periodEnd', 'F', ymd],
] as const

/** A right one with repeated elements. */
export const many = document(debitRequest, 'gbk', [
  ...instruction,
  elements('items', 'R/N/O', { max: 20 }, [...item, ['amount', 'G', yuan]]),
])
many.decode(new Uint8Array()).items[0]?.amount satisfies number | undefined

// @ts-expect-error forgotten field of an element: amount
document(debitRequest, 'gbk', [...instruction, elements('items', 'R/N/O', { max: 20 }, item)])
// @ts-expect-error unknown field of an element
document(debitRequest, 'gbk', [
  ...instruction,
  elements('items', 'R/N/O', { max: 20 }, [...item, ['amount', 'G', yuan], ['rate', 'H', asIs]]),
])
// @ts-expect-error money of an element in a text cell
document(debitRequest, 'gbk', [...instruction, elements('items', 'R/N/O', { max: 20 }, [...item, ['amount', 'G', asIs]])])
// @ts-expect-error an element of a list carries all its fields
document(debitRequest, 'gbk', [...instruction, elements('items', 'R/N/O', { max: 20 }, [...item, omit('amount')])])
// @ts-expect-error the account does not repeat
document(debitRequest, 'gbk', [...instruction, elements('account', 'R/N/O', { max: 20 }, [...item, ['amount', 'G', yuan]])])
// @ts-expect-error the items are forgotten
document(debitRequest, 'gbk', [...instruction])
// @ts-expect-error repeated elements need their most
elements('items', 'R/N/O', {}, item)

/** The open form needs nothing but the message. */
export const open = json(debitResult)
open.decode(new Uint8Array()).result.code satisfies string
const values = { officeCode: '1', entrustDate: '2026-01-01', serialNo: '00000001', ticketNo: '1', amount: 0 }
open.encode({ ...values, result: { class: 'succeeded', code: '90000', bankCode: '0' } })
// @ts-expect-error a class that does not exist
open.encode({ ...values, result: { class: 'ok', code: '90000', bankCode: '0' } })
