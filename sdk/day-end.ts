import { ascii, count, date, digits, fen, listOf, masked, oneOf, optional, text } from './kinds.ts'
import {
  account,
  bankSerial,
  key,
  message,
  originalKey,
  payerBankNo,
  result,
  taxItems,
  taxpayerId,
  taxpayerName,
  ticketNo,
  workDate,
} from './message.ts'

// 日终对账 (art. 34–42): what the tax side and a bank say to each other about one accounting date of the bank, and the detail file.

const accountingDate = date('会计日期', 'accounting date of the bank')
const session = count('对账场次', 'session: 1, 2, … within the bank and its accounting date', 1, 99)
const verb = oneOf('记账类别', 'what was booked', ['debit', 'supplementaryDebit', 'reversal', 'adjustment'])
const noticeNo = ascii('调账通知单号', 'number of the adjustment notice', 20)
const summaryNo = digits('汇总流水号', 'summary number', 8, 20)
const treasuryCode = digits('收款国库代码', 'receiving treasury', 1, 11)
const printMark = oneOf('打印标志', 'whether it is the original or a reprint', ['original', 'reprint'])

/** Counts and sums (fen) of what was booked on an accounting date. */
const totals = {
  debitCount: count('扣款笔数', 'debits'),
  debitSum: fen('扣款金额', 'sum of the debits, in fen'),
  supplementaryCount: count('补充划缴笔数', 'supplementary debits'),
  supplementarySum: fen('补充划缴金额', 'sum of the supplementary debits, in fen'),
  reversalCount: count('冲正笔数', 'reversals'),
  reversalSum: fen('冲正金额', 'sum of the reversals, in fen'),
  adjustmentCount: count('调账笔数', 'adjustments'),
  adjustmentSum: fen('调账金额', 'sum of the adjustments, in fen'),
}
/** The same as the bank has them, where it says so. */
const heldTotals = {
  debitCount: optional(totals.debitCount),
  debitSum: optional(totals.debitSum),
  supplementaryCount: optional(totals.supplementaryCount),
  supplementarySum: optional(totals.supplementarySum),
  reversalCount: optional(totals.reversalCount),
  reversalSum: optional(totals.reversalSum),
  adjustmentCount: optional(totals.adjustmentCount),
  adjustmentSum: optional(totals.adjustmentSum),
}

// ── What a bank hears ────────────────────────────────────────────────────────────────────────────────────────────────
/** 对账总数 (TIPS 3111, ETS SEQ201; art. 36): what the tax side has of one accounting date; `intraday` is only a comparison by the way. */
export const totalsRequest = message('totals.request', '对账总数', 'totals of an accounting date', {
  ...key,
  workDate,
  accountingDate,
  session,
  kind: oneOf('对账类别', 'final: the day is over; intraday: only compared', ['final', 'intraday']),
  ...totals,
})
/** 对账总数应答: 90000 the bank has the same; 93004 it has not; its own figures, where it tells them. */
export const totalsResult = message('totals.result', '对账总数应答', 'answer to the totals', { ...key, result, ...heldTotals })
/** 明细文件请求 (TIPS 9112): the bank is to send the detail file of an accounting date, or to send it again, and why. */
export const fileRequestRequest = message('file-request.request', '明细文件请求', 'request of the detail file', {
  ...key,
  workDate,
  accountingDate,
  session,
  reason: oneOf('请求原因', 'first time, or again', ['first', 'resend']),
  why: optional(text('重发说明', 'why it is to be sent again', 60)),
})
/** 明细文件请求应答: 90000 it is on its way, in `chunks` files, the first of them called `name`; else why there will be none. */
export const fileRequestResult = message('file-request.result', '明细文件请求应答', 'answer to the request of a file', {
  ...key,
  result,
  chunks: optional(count('文件数', 'number of files', 1, 9999)),
  name: optional(ascii('文件名', 'name of the first file', 100)),
})
/** 调账通知单 (art. 35(1)): after its day-end the bank gives back what it took too much, before the next reconciliation. */
export const adjustmentNoticeRequest = message('adjustment-notice.request', '调账通知单', 'adjustment notice', {
  ...key,
  noticeNo,
  ticketNo,
  ...originalKey,
  bankSerial,
  account: optional(account),
  accountingDate,
  taxAmount: fen('税务记录金额', 'amount by the tax side’s record, in fen'),
  bankAmount: fen('银行记录金额', 'amount by the bank’s record, in fen', 1),
  amount: fen('应调回金额', 'amount to give back, in fen', 1),
  reason: oneOf('调账原因', 'reason', ['duplicate', 'over-debited', 'bank-only', 'reversal-missing']),
  issuingOffice: digits('开具机关代码', 'county office that issues it', 1, 12),
  issuedOn: date('开具日期', 'day of issue'),
  dueOn: date('调回期限', 'last day to give it back'),
})
/** 调账通知单应答: 90000 the bank has it and will tell when it has booked it (`adjustment-receipt.request`). */
export const adjustmentNoticeResult = message('adjustment-notice.result', '调账通知单应答', 'answer to an adjustment notice', {
  ...key,
  noticeNo,
  result,
})
/** 汇总的电子缴税划款入库凭证 (art. 37): one for each collecting office, treasury and bank; to be remitted before the deadline of the work date. */
export const summaryVoucherRequest = message('summary-voucher.request', '电子缴税划款入库凭证', 'summary voucher', {
  ...key,
  summaryNo,
  workDate,
  accountingDate,
  treasuryCode,
  clearingNo: digits('国库清算号', 'clearing number of the treasury', 1, 12),
  remittanceAccount: masked(ascii('报解专户账号', 'remittance account of the lead branch', 32), 'account'),
  ticketCount: count('税票份数', 'number of tickets', 1),
  amount: fen('划解金额', 'amount to remit, in fen', 1),
  deadline: digits('最迟时刻 HHmm', 'until when, HHmm of the work date', 4),
})
/** 电子缴税划款入库凭证应答: 90000 the lead branch has it and will tell when it has remitted (`remit-confirmation.request`). */
export const summaryVoucherResult = message('summary-voucher.result', '电子缴税划款入库凭证应答', 'answer to a summary voucher', {
  ...key,
  summaryNo,
  result,
})
/** 电子税票信息 (art. 34): 24 hours after the payment the branch may print the 委托缴纳税款专用凭证. */
export const ticketInformationRequest = message('ticket-information.request', '电子税票信息', 'information about a ticket', {
  ...key,
  ticketNo,
  summaryNo: optional(summaryNo),
  taxpayerId,
  taxpayerName,
  account,
  payerBankNo,
  treasuryCode,
  amount: fen('税款金额', 'amount in fen', 1),
  paidAt: date('缴款日期', 'day of the payment'),
  printMark,
  items: taxItems,
})
/** 电子税票信息应答: 90000 the bank has it; what it prints it tells (`voucher-printed.request`). */
export const ticketInformationResult = message(
  'ticket-information.result',
  '电子税票信息应答',
  'answer to the information about a ticket',
  {
    ...key,
    ticketNo,
    result,
  },
)
/** 手续费月报 (art. 42): one yuan for each debit of a phone filer. */
export const feeStatementRequest = message('fee-statement.request', '手续费月报', 'monthly statement of fees', {
  ...key,
  month: digits('月份 yyyyMM', 'month, yyyyMM', 6),
  count: count('计费笔数', 'debits that are paid for'),
  fee: fen('手续费金额', 'fee in fen'),
})
/** 手续费月报应答: 90000 the bank counts the same; 93004 it does not; its own figures, where it tells them. */
export const feeStatementResult = message('fee-statement.result', '手续费月报应答', 'answer to a statement of fees', {
  ...key,
  result,
  count: optional(count('计费笔数', 'debits that are paid for')),
  fee: optional(fen('手续费金额', 'fee in fen')),
})

/** One difference of a session, as the bank is told it. */
const differenceLine = {
  type: oneOf('差异类别', 'kind of the difference', [
    'amount-differs',
    'bank-only',
    'tax-only',
    'state-differs',
    'duplicate-at-bank',
    'reversed-one-side',
    'particulars-differ',
    'cut-off',
    'in-bank',
  ]),
  officeCode: key.officeCode,
  entrustDate: key.entrustDate,
  serialNo: key.serialNo,
  verb,
  ticketNo: optional(ticketNo),
  taxAmount: fen('税务记录金额', 'amount by the tax side’s record, in fen; 0: none'),
  bankAmount: fen('银行记录金额', 'amount by the bank’s record, in fen; 0: none'),
  bankSerial,
}
/** 对账差异通知: what a session has found, how many of each kind, and the first of them; not sent where it has found nothing. */
export const differenceReportRequest = message('difference-report.request', '对账差异通知', 'report of differences', {
  ...key,
  workDate,
  accountingDate,
  session,
  equalCount: count('相符笔数', 'entries that are equal'),
  amountDiffers: count('金额不符', 'amount differs'),
  bankOnly: count('银行有税务无', 'only the bank has it'),
  taxOnly: count('税务有银行无', 'only the tax side has it'),
  stateDiffers: count('状态不符', 'state differs'),
  duplicates: count('银行重复', 'twice at the bank'),
  reversedOneSide: count('一方已冲正', 'reversed on one side'),
  particularsDiffer: count('要素不符', 'office, date, account or ticket differs'),
  cutOffs: count('日切差异', 'under the neighbouring accounting date'),
  inBank: count('银行内部差异', 'the bank’s own front and core differ'),
  lines: listOf('差异明细', 'the first differences', differenceLine, 20),
})
/** 对账差异通知应答. */
export const differenceReportResult = message('difference-report.result', '对账差异通知应答', 'answer to a report of differences', {
  ...key,
  result,
})

// ── What a bank tells ────────────────────────────────────────────────────────────────────────────────────────────────
/** 调账回执 (art. 35(1)): the bank has given back what the notice asks for. The key is the bank's own. */
export const adjustmentReceiptRequest = message('adjustment-receipt.request', '调账回执', 'receipt for an adjustment', {
  ...key,
  noticeNo,
  amount: fen('已调回金额', 'amount given back, in fen', 1),
  accountingDate,
  bankSerial,
})
/** 调账回执的回执: 90000 taken; 94054 no such notice; 92006 this key came with other content. */
export const adjustmentReceiptReceipt = message('adjustment-receipt.receipt', '调账回执的回执', 'receipt for it', {
  ...key,
  noticeNo,
  result,
})
/** 划款确认 (art. 37): the lead branch has remitted the sum of a voucher to the treasury. */
export const remitConfirmationRequest = message('remit-confirmation.request', '划款确认', 'confirmation of a remittance', {
  ...key,
  summaryNo,
  amount: fen('划解金额', 'amount remitted, in fen', 1),
  remittedAt: date('划解日期', 'day of the remittance'),
  bankSerial,
})
/** 划款确认的回执. */
export const remitConfirmationReceipt = message('remit-confirmation.receipt', '划款确认的回执', 'receipt for a remittance', {
  ...key,
  summaryNo,
  result,
})
/** 国库回执 (art. 38): what the treasury has entered for a voucher; it comes by the lead branch, or from the treasury itself. */
export const treasuryReceiptRequest = message('treasury-receipt.request', '国库回执', 'receipt of the treasury', {
  ...key,
  summaryNo,
  treasuryCode,
  amount: fen('入库金额', 'amount entered, in fen', 1),
  enteredOn: date('入库日期', 'day of the entry'),
})
/** 国库回执的回执. */
export const treasuryReceiptReceipt = message('treasury-receipt.receipt', '国库回执的回执', 'receipt for the treasury’s receipt', {
  ...key,
  summaryNo,
  result,
})
/** 凭证已打印 (art. 34, 41): the branch has printed the 委托缴纳税款专用凭证 of a ticket. */
export const voucherPrintedRequest = message('voucher-printed.request', '凭证已打印', 'a voucher was printed', {
  ...key,
  ticketNo,
  copies: count('份数', 'copies', 1, 99),
  printMark,
  printedOn: date('打印日期', 'day of the print'),
})
/** 凭证已打印的回执. */
export const voucherPrintedReceipt = message('voucher-printed.receipt', '凭证已打印的回执', 'receipt for a printed voucher', {
  ...key,
  ticketNo,
  result,
})

// ── The detail file ──────────────────────────────────────────────────────────────────────────────────────────────────
/** 明细文件头: which day it is of, which part it is, and count and sums of the whole, the same in every part. */
export const detailHeader = message('detail.header', '明细文件头', 'header of a detail file', {
  bankCode: digits('银行代码', 'code of the bank', 4),
  workDate,
  accountingDate,
  session,
  chunk: count('文件序号', 'part', 1, 9999),
  chunks: count('文件数', 'parts', 1, 9999),
  fileCount: count('总笔数', 'lines of all parts'),
  fileDebitSum: fen('借方总额', 'sum of debits and supplementary debits of all parts, in fen'),
  fileCreditSum: fen('贷方总额', 'sum of reversals and adjustments of all parts, in fen'),
})
/**
 * 明细: one booking of the accounting date, with the key of the instruction that it is of; an adjustment has the key of its notice. `status`: what
 * the bank's front end says, `coreStatus`: what its core says of the same, where it reports that.
 */
export const detailLine = message('detail.line', '明细', 'line of a detail file', {
  ...key,
  verb,
  ticketNo,
  account,
  taxpayerName: optional(taxpayerName),
  amount: fen('金额', 'amount in fen', 1),
  status: oneOf('状态', 'state', ['booked', 'failed', 'reversed']),
  bankSerial: ascii('银行流水号', 'the bank’s own serial number', 20),
  accountingDate,
  originalEntrustDate: optional(originalKey.originalEntrustDate),
  originalSerialNo: optional(originalKey.originalSerialNo),
  noticeNo: optional(noticeNo),
  coreStatus: optional(oneOf('核心状态', 'what the bank’s core has of it', ['same', 'missing', 'differs'])),
  items: optional(taxItems),
})
/** 明细文件尾: count and sums of the lines of this part, whatever their state. */
export const detailTrailer = message('detail.trailer', '明细文件尾', 'trailer of a detail file', {
  count: count('笔数', 'lines'),
  debitSum: fen('借方金额', 'sum of debits and supplementary debits, in fen'),
  creditSum: fen('贷方金额', 'sum of reversals and adjustments, in fen'),
})
