import { fail } from './fault.ts'
import {
  ascii,
  date,
  digits,
  type Fields,
  type FieldValues,
  fen,
  listOf,
  masked,
  objectSchema,
  oneOf,
  optional,
  outcomeKind,
  text,
} from './kinds.ts'

/** The version of the unified bank interface; it stands in every message of the open JSON form. */
export const version = '1'

/** One message of the unified bank interface: its id (`debit.request`), titles and fields. */
export type Message<F extends Fields = Fields> = { readonly id: string; readonly zh: string; readonly en: string; readonly fields: F }
/** The TypeScript type of a message's values. */
export type ValuesOf<M> = M extends Message<infer F> ? FieldValues<F> : never

/** A message of the catalogue. */
export const message = <const F extends Fields>(id: string, zh: string, en: string, fields: F): Message<F> => ({ id, zh, en, fields })

// ── Parts that several messages share ────────────────────────────────────────────────────────────────────────────────
// The key of an instruction (TIPS: TaxOrgCode + EntrustDate + TraNo): never re-used, committed before its first byte leaves.
const key = {
  officeCode: digits('征收机关代码', 'tax office code', 1, 12),
  entrustDate: date('委托日期', 'entrust date'),
  serialNo: digits('交易流水号', 'serial number, unique per office and entrust date', 8),
}
const originalKey = {
  originalEntrustDate: date('原委托日期', 'entrust date of the original'),
  originalSerialNo: digits('原交易流水号', 'serial number of the original', 8),
}
const ticketNo = digits('电子税票号码', 'electronic tax ticket number', 18)
const workDate = date('工作日期', 'work date of the tax side')
const accountingDate = optional(date('会计日期', 'accounting date of the bank'))
const bankSerial = optional(ascii('银行流水号', 'the bank’s own serial number', 20))
const account = masked(ascii('缴税账号', 'tax-paying account', 32), 'account')
const result = outcomeKind('处理结果', 'result')

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

/** What a debit says about the taxpayer, the account, the treasury and the amounts. */
export const debitParticulars = {
  ticketNo,
  workDate,
  channel: oneOf('申报渠道', 'filing channel (art. 3)', ['computer', 'phone']),
  taxpayerId: masked(ascii('纳税人识别号', 'taxpayer id', 20), 'taxpayer'),
  taxpayerName: masked(text('纳税人名称', 'name of the taxpayer', 100), 'name'),
  agreementNo: masked(ascii('三方协议书号', 'number of the three-party agreement', 60), 'account'),
  account,
  payerBankNo: digits('付款开户行行号', 'number of the account’s branch', 12),
  treasuryCode: digits('收款国库代码', 'receiving treasury', 1, 11),
  clearingNo: digits('国库清算号', 'clearing number of the treasury', 1, 12),
  remittanceAccount: masked(ascii('报解专户账号', 'remittance account of the lead branch', 32), 'account'),
  amount: fen('税款金额', 'amount in fen', 1),
  items: taxItems,
}

// ── The messages ─────────────────────────────────────────────────────────────────────────────────────────────────────
/** 扣款指令 (TIPS 1001/3001; art. 16, 33). */
export const debitRequest = message('debit.request', '扣款指令', 'debit instruction', { ...key, ...debitParticulars })
/** 扣款结果 (TIPS 2001). `amount` is what the bank debited; 0 where it refused. */
export const debitResult = message('debit.result', '扣款结果', 'debit result', {
  ...key,
  ticketNo,
  result,
  amount: fen('实扣金额', 'amount debited, in fen'),
  bankSerial,
  accountingDate,
})
/** 补充划缴指令 (art. 35(2), 35(3)): linked to the original instruction of the same ticket. */
export const supplementaryDebitRequest = message('supplementary-debit.request', '补充划缴指令', 'supplementary debit instruction', {
  ...key,
  ...originalKey,
  reason: oneOf('补扣原因', 'reason', ['under-debited', 'bank-missing']),
  ...debitParticulars,
})
/** 补充划缴结果. */
export const supplementaryDebitResult = message('supplementary-debit.result', '补充划缴结果', 'supplementary debit result', {
  ...key,
  ticketNo,
  result,
  amount: fen('实扣金额', 'amount debited, in fen'),
  bankSerial,
  accountingDate,
})
/** 交易状态查询 (TIPS 9003): asks what became of the instruction with this key. */
export const inquiryRequest = message('inquiry.request', '交易状态查询', 'inquiry', { ...key, ticketNo, workDate })
/** 交易状态查询结果 (TIPS 9004): `result` is that of the instruction asked about; 94054 where the bank has none with this key. */
export const inquiryResult = message('inquiry.result', '交易状态查询结果', 'inquiry result', {
  ...key,
  ticketNo,
  result,
  amount: fen('实扣金额', 'amount debited, in fen'),
  bankSerial,
  accountingDate,
})
/** 冲正指令 (TIPS 1021; art. 35(1)): gives back all or a part of a debit of the same accounting day. */
export const reversalRequest = message('reversal.request', '冲正指令', 'reversal instruction', {
  ...key,
  ...originalKey,
  ticketNo,
  workDate,
  account,
  originalAmount: fen('原扣款金额', 'amount of the original, in fen', 1),
  amount: fen('冲正金额', 'amount to give back, in fen', 1),
  reason: oneOf('冲正原因', 'reason', ['duplicate', 'over-debited', 'in-doubt', 'tax-side']),
})
/** 冲正结果 (TIPS 2021). 94054: the bank has no original, and keeps a tombstone so that a late one is refused with 24020. */
export const reversalResult = message('reversal.result', '冲正结果', 'reversal result', {
  ...key,
  ticketNo,
  result,
  amount: fen('实际冲正金额', 'amount given back, in fen'),
  bankSerial,
  accountingDate,
})
/** 连接测试 (TIPS 9005). */
export const linkTestRequest = message('link-test.request', '连接测试', 'link test', { ...key, workDate })
/** 连接测试应答: the bank's accounting date tells whether its day has ended. */
export const linkTestResult = message('link-test.result', '连接测试应答', 'link test result', { ...key, result, accountingDate })

/** The verbs of the unified bank interface and their messages, in the order of the reference pages. */
export const exchanges = {
  debit: { request: debitRequest, reply: debitResult },
  supplementaryDebit: { request: supplementaryDebitRequest, reply: supplementaryDebitResult },
  inquiry: { request: inquiryRequest, reply: inquiryResult },
  reversal: { request: reversalRequest, reply: reversalResult },
  linkTest: { request: linkTestRequest, reply: linkTestResult },
} as const

/** A verb of the unified bank interface. */
export type Verb = keyof typeof exchanges
/** The request of a verb. */
export type RequestOf<V extends Verb> = ValuesOf<(typeof exchanges)[V]['request']>
/** The reply to a verb. */
export type ReplyOf<V extends Verb> = ValuesOf<(typeof exchanges)[V]['reply']>
/** One tax item. */
export type TaxItem = FieldValues<typeof taxItem>
/** The key of an instruction. */
export type InstructionKey = FieldValues<typeof key>

/** The key of an instruction as one text, `officeCode/entrustDate/serialNo`. */
export const keyText = (k: InstructionKey): string => `${k.officeCode}/${k.entrustDate}/${k.serialNo}`

/** The JSON Schema (2020-12) of a message in the open JSON form, the one ajv, OpenAPI and the reference pages use. */
export const schemaOf = (m: Message) => {
  const body = objectSchema(m.fields)
  return {
    $id: `urn:taxlink:v${version}:${m.id}`,
    title: `${m.zh} / ${m.en}`,
    ...body,
    required: ['version', 'type', ...(body.required as string[])],
    properties: { version: { const: version }, type: { const: m.id }, ...(body.properties as Record<string, unknown>) },
  }
}

/** Refuses items whose amounts do not sum to the total (TIPS 93007), as a schema cannot say it. Sums in bigint: 20 × 15 digits. */
export const checkSum = (total: number, items: readonly { readonly amount: number }[], messageId: string): void => {
  let sum = 0n
  for (const item of items) sum += BigInt(item.amount)
  if (sum !== BigInt(total))
    fail('sum-mismatch', `items sum to ${sum} fen, the total is ${total} fen`, { message: messageId, field: 'items' })
}
