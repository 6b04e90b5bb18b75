import {
  adjustmentNoticeRequest,
  adjustmentNoticeResult,
  adjustmentReceiptReceipt,
  adjustmentReceiptRequest,
  detailHeader,
  detailLine,
  detailTrailer,
  differenceReportRequest,
  differenceReportResult,
  feeStatementRequest,
  feeStatementResult,
  fileRequestRequest,
  fileRequestResult,
  remitConfirmationReceipt,
  remitConfirmationRequest,
  summaryVoucherRequest,
  summaryVoucherResult,
  ticketInformationRequest,
  ticketInformationResult,
  totalsRequest,
  totalsResult,
  treasuryReceiptReceipt,
  treasuryReceiptRequest,
  voucherPrintedReceipt,
  voucherPrintedRequest,
} from './day-end.ts'
import { fail } from './fault.ts'
import { ascii, count, date, digits, type FieldValues, fen, masked, objectSchema, oneOf, optional, text } from './kinds.ts'
import {
  account,
  accountingDate,
  agreementNo,
  bankSerial,
  channel,
  key,
  type Message,
  message,
  originalKey,
  payerBankNo,
  result,
  type taxItem,
  taxItems,
  taxpayerId,
  taxpayerName,
  ticketNo,
  type ValuesOf,
  workDate,
} from './message.ts'

export { type Message, message, taxItem, taxItems, type ValuesOf } from './message.ts'

/** The version of the unified bank interface; it stands in every message of the open JSON form. */
export const version = '1'

/** What a debit says about the taxpayer, the account, the treasury and the amounts. */
export const debitParticulars = {
  ticketNo,
  workDate,
  channel,
  taxpayerId,
  taxpayerName,
  agreementNo,
  account,
  payerBankNo,
  treasuryCode: digits('收款国库代码', 'receiving treasury', 1, 11),
  clearingNo: digits('国库清算号', 'clearing number of the treasury', 1, 12),
  remittanceAccount: masked(ascii('报解专户账号', 'remittance account of the lead branch', 32), 'account'),
  amount: fen('税款金额', 'amount in fen', 1),
  items: taxItems,
}

/** 统一的纳税档案 (annex 2 §7): with the office of the key, the five particulars that the tax side and the bank must hold alike. */
const profile = { taxpayerId, taxpayerName, account, payerBankNo }
/** The same as the bank holds it, where it says so. */
const heldProfile = {
  taxpayerId: optional(taxpayerId),
  taxpayerName: optional(taxpayerName),
  account: optional(account),
  payerBankNo: optional(payerBankNo),
}
/** What a bank tells of a binding besides its result. Of a phone filer's code and password only that they were issued (art. 8(3)): never the secret. */
const bound = {
  ...heldProfile,
  boundOn: optional(date('绑定日期', 'day of the binding')),
  credential: optional(oneOf('电脑编码和密码', 'code and password of a phone filer', ['issued', 'not-issued'])),
}
/** 核对结果 of one particular. */
const match = (zh: string, en: string) => optional(oneOf(zh, en, ['same', 'differs']))

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

// ── Bindings: the three-party agreement at the bank (art. 8–10, annex 2) ──────────────────────────────────────────────
/** 账号绑定 (art. 8(3)): asks the bank to bind the account to the agreement. */
export const bindRequest = message('bind.request', '账号绑定', 'binding of an account', { ...key, agreementNo, channel, ...profile })
/** 账号绑定应答: 90000 it is bound; 99091 the bank will tell (`binding-result.request`) or can be asked (`binding-status.request`); else why not. */
export const bindResult = message('bind.result', '账号绑定应答', 'answer to a binding', { ...key, agreementNo, result, ...bound })
/** 绑定变更 (art. 9): a new agreement in place of the original, which the bank ends as soon as the new one is bound. */
export const changeBindingRequest = message('change-binding.request', '绑定变更', 'change of a binding', {
  ...key,
  agreementNo,
  originalAgreementNo: masked(ascii('原三方协议书号', 'number of the agreement it replaces', 60), 'account'),
  channel,
  ...profile,
})
/** 绑定变更应答: as that to a binding. */
export const changeBindingResult = message('change-binding.result', '绑定变更应答', 'answer to a change of binding', {
  ...key,
  agreementNo,
  result,
  ...bound,
})
/** 绑定注销 (annex 2 §12): the agreement is over; no debit passes under it any more. */
export const cancelBindingRequest = message('cancel-binding.request', '绑定注销', 'end of a binding', {
  ...key,
  agreementNo,
  account,
  reason: oneOf('注销原因', 'reason', ['ended', 'replaced', 'lapsed', 'refused', 'deregistered', 'account-closed', 'account-changed']),
})
/** 绑定注销应答: 90000, also where it was over already. */
export const cancelBindingResult = message('cancel-binding.result', '绑定注销应答', 'answer to the end of a binding', {
  ...key,
  agreementNo,
  result,
})
/** 止付与恢复 (annex 2 §4): until it is resumed the bank pays nothing under the agreement. */
export const suspensionRequest = message('suspension.request', '止付与恢复', 'stop of payments and its end', {
  ...key,
  agreementNo,
  account,
  action: oneOf('动作', 'what is to be done', ['suspend', 'resume']),
  reason: oneOf('原因', 'reason', ['credential-lost', 'by-taxpayer', 'by-tax-office', 'other']),
})
/** 止付与恢复应答: 90000, also where it stood so already. */
export const suspensionResult = message('suspension.result', '止付与恢复应答', 'answer to a stop of payments', {
  ...key,
  agreementNo,
  result,
})
/** 绑定状态查询: asks what became of a binding. */
export const bindingStatusRequest = message('binding-status.request', '绑定状态查询', 'inquiry about a binding', { ...key, agreementNo })
/**
 * 绑定状态查询应答: `result` is that of the binding asked about: 90000 in force, 24012 payments stopped, 24017 ended, 24009 none such, 99091 not
 * decided yet; any other refusal is why it was not bound.
 */
export const bindingStatusResult = message('binding-status.result', '绑定状态查询应答', 'answer to an inquiry about a binding', {
  ...key,
  agreementNo,
  result,
  ...bound,
})
/** 协议核验 (TIPS 9114; annex 2 §7): the bank compares the five particulars with its own. */
export const verificationRequest = message('verification.request', '协议核验', 'verification of an agreement', {
  ...key,
  agreementNo,
  ...profile,
})
/** 协议核验应答 (TIPS 9115): 90000 all are the same; else the code of what differs, and which, so far as the bank tells. */
export const verificationResult = message('verification.result', '协议核验应答', 'result of a verification', {
  ...key,
  agreementNo,
  result,
  taxpayerIdMatch: match('纳税人识别号核对', 'whether the taxpayer id is the same'),
  taxpayerNameMatch: match('纳税人名称核对', 'whether the name is the same'),
  officeMatch: match('征收机关核对', 'whether the tax office is the same'),
  branchMatch: match('开户行核对', 'whether the branch is the same'),
  accountMatch: match('账号核对', 'whether the account is the same'),
})
/** 月末同步 (art. 44): how many bindings the tax side holds in force on the last day of the month, and the digest of their list. */
export const monthlySyncRequest = message('monthly-sync.request', '月末同步', 'comparison at the end of a month', {
  ...key,
  month: digits('月份 yyyyMM', 'month, yyyyMM', 6),
  inForce: count('有效绑定数', 'bindings in force'),
  suspended: count('止付绑定数', 'bindings whose payments are stopped'),
  digest: ascii('清单摘要', 'digest of the list (SHA-256, hexadecimal)', 64),
})
/** 月末同步应答: 90000 the bank holds the same; 93004 it does not; its own figures, where it tells them. */
export const monthlySyncResult = message('monthly-sync.result', '月末同步应答', 'result of a comparison', {
  ...key,
  result,
  inForce: optional(count('有效绑定数', 'bindings in force')),
  suspended: optional(count('止付绑定数', 'bindings whose payments are stopped')),
  digest: optional(ascii('清单摘要', 'digest of the list (SHA-256, hexadecimal)', 64)),
})
/** 绑定结果通知 (art. 8(3)): the bank tells the gateway what became of a binding that it had left open. The key is the bank's own. */
export const bindingResultRequest = message('binding-result.request', '绑定结果通知', 'result of a binding', {
  ...key,
  agreementNo,
  result,
  ...bound,
})
/** 绑定结果通知回执: 90000 taken; 24009 no such agreement; 24016 another bank's; 24017 over; 92006 this key came with other content. */
export const bindingResultReceipt = message('binding-result.receipt', '绑定结果通知回执', 'receipt for the result of a binding', {
  ...key,
  agreementNo,
  result,
})
/** 绑定变动通知 (annex 2 §§4, 12): what the customer or the bank did to a binding. The key is the bank's own. */
export const bindingNoticeRequest = message('binding-notice.request', '绑定变动通知', 'notice about a binding', {
  ...key,
  agreementNo,
  event: oneOf('变动', 'what happened', ['account-closed', 'suspended', 'resumed', 'cancelled']),
  reason: optional(text('原因', 'reason', 60)),
})
/** 绑定变动通知回执: as that for the result of a binding. */
export const bindingNoticeReceipt = message('binding-notice.receipt', '绑定变动通知回执', 'receipt for a notice about a binding', {
  ...key,
  agreementNo,
  result,
})

/** The verbs of the unified bank interface and their messages, in the order of the reference pages; `to`: who hears the request. */
export const exchanges = {
  debit: { to: 'bank', request: debitRequest, reply: debitResult },
  supplementaryDebit: { to: 'bank', request: supplementaryDebitRequest, reply: supplementaryDebitResult },
  inquiry: { to: 'bank', request: inquiryRequest, reply: inquiryResult },
  reversal: { to: 'bank', request: reversalRequest, reply: reversalResult },
  linkTest: { to: 'bank', request: linkTestRequest, reply: linkTestResult },
  bind: { to: 'bank', request: bindRequest, reply: bindResult },
  changeBinding: { to: 'bank', request: changeBindingRequest, reply: changeBindingResult },
  cancelBinding: { to: 'bank', request: cancelBindingRequest, reply: cancelBindingResult },
  suspension: { to: 'bank', request: suspensionRequest, reply: suspensionResult },
  bindingStatus: { to: 'bank', request: bindingStatusRequest, reply: bindingStatusResult },
  verification: { to: 'bank', request: verificationRequest, reply: verificationResult },
  monthlySync: { to: 'bank', request: monthlySyncRequest, reply: monthlySyncResult },
  totals: { to: 'bank', request: totalsRequest, reply: totalsResult },
  fileRequest: { to: 'bank', request: fileRequestRequest, reply: fileRequestResult },
  adjustmentNotice: { to: 'bank', request: adjustmentNoticeRequest, reply: adjustmentNoticeResult },
  summaryVoucher: { to: 'bank', request: summaryVoucherRequest, reply: summaryVoucherResult },
  ticketInformation: { to: 'bank', request: ticketInformationRequest, reply: ticketInformationResult },
  feeStatement: { to: 'bank', request: feeStatementRequest, reply: feeStatementResult },
  differenceReport: { to: 'bank', request: differenceReportRequest, reply: differenceReportResult },
  bindingResult: { to: 'gateway', request: bindingResultRequest, reply: bindingResultReceipt },
  bindingNotice: { to: 'gateway', request: bindingNoticeRequest, reply: bindingNoticeReceipt },
  adjustmentReceipt: { to: 'gateway', request: adjustmentReceiptRequest, reply: adjustmentReceiptReceipt },
  remitConfirmation: { to: 'gateway', request: remitConfirmationRequest, reply: remitConfirmationReceipt },
  treasuryReceipt: { to: 'gateway', request: treasuryReceiptRequest, reply: treasuryReceiptReceipt },
  voucherPrinted: { to: 'gateway', request: voucherPrintedRequest, reply: voucherPrintedReceipt },
} as const

/**
 * The files of the unified bank interface and what stands in them; `to`: who gets them. `sums`: the sums of the trailer, over the amounts of the
 * lines with one of these words; `whole`: where count and sums of all parts stand in the header.
 */
export const files = {
  detail: {
    to: 'gateway',
    zh: '对账明细文件',
    en: 'detail file',
    header: detailHeader,
    line: detailLine,
    trailer: detailTrailer,
    sums: { debitSum: ['debit', 'supplementaryDebit'], creditSum: ['reversal', 'adjustment'] },
    whole: { count: 'fileCount', debitSum: 'fileDebitSum', creditSum: 'fileCreditSum' },
  },
} as const

type Exchanges = typeof exchanges
/** A verb that a bank hears. */
export type Verb = { [V in keyof Exchanges]: Exchanges[V]['to'] extends 'bank' ? V : never }[keyof Exchanges]
/** A verb that the gateway hears: what a bank tells of its own accord. */
export type Push = Exclude<keyof Exchanges, Verb>
/** A file of the unified bank interface. */
export type FileName = keyof typeof files
/** Any verb of the unified bank interface. */
export type AnyVerb = Verb | Push
/** The request of a verb. */
export type RequestOf<V extends AnyVerb> = ValuesOf<Exchanges[V]['request']>
/** The reply to a verb. */
export type ReplyOf<V extends AnyVerb> = ValuesOf<Exchanges[V]['reply']>
/** The header of a file. */
export type HeaderOf<K extends FileName> = ValuesOf<(typeof files)[K]['header']>
/** A line of a file. */
export type LineOf<K extends FileName> = ValuesOf<(typeof files)[K]['line']>
/** The trailer of a file. */
export type TrailerOf<K extends FileName> = ValuesOf<(typeof files)[K]['trailer']>
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
