/** 桃源银行 — the unified bank interface as it is: JSON over HTTPS. A bank that joins today declares just this. */
import * as tax from '@taxlink/bank-sdk'
import { bank, file, http, json } from '@taxlink/bank-sdk'

export default bank({
  code: '4310',
  name: '桃源银行',
  document: '《税银联网统一银行接口》V1',
  line: http('/v1', { contentType: 'application/json' }),

  debit:              { request: json(tax.debitRequest),              reply: json(tax.debitResult),              path: '/v1/debits' },
  supplementaryDebit: { request: json(tax.supplementaryDebitRequest), reply: json(tax.supplementaryDebitResult), path: '/v1/supplementary-debits' },
  inquiry:            { request: json(tax.inquiryRequest),            reply: json(tax.inquiryResult),            path: '/v1/inquiries' },
  reversal:           { request: json(tax.reversalRequest),           reply: json(tax.reversalResult),           path: '/v1/reversals' },
  linkTest:           { request: json(tax.linkTestRequest),           reply: json(tax.linkTestResult),           path: '/v1/link-tests' },

  bind:               { request: json(tax.bindRequest),               reply: json(tax.bindResult),               path: '/v1/bindings' },
  changeBinding:      { request: json(tax.changeBindingRequest),      reply: json(tax.changeBindingResult),      path: '/v1/binding-changes' },
  cancelBinding:      { request: json(tax.cancelBindingRequest),      reply: json(tax.cancelBindingResult),      path: '/v1/binding-ends' },
  suspension:         { request: json(tax.suspensionRequest),         reply: json(tax.suspensionResult),         path: '/v1/suspensions' },
  bindingStatus:      { request: json(tax.bindingStatusRequest),      reply: json(tax.bindingStatusResult),      path: '/v1/binding-inquiries' },
  verification:       { request: json(tax.verificationRequest),       reply: json(tax.verificationResult),       path: '/v1/verifications' },
  monthlySync:        { request: json(tax.monthlySyncRequest),        reply: json(tax.monthlySyncResult),        path: '/v1/monthly-syncs' },

  totals:             { request: json(tax.totalsRequest),               reply: json(tax.totalsResult),              path: '/v1/totals' },
  fileRequest:        { request: json(tax.fileRequestRequest),          reply: json(tax.fileRequestResult),         path: '/v1/file-requests' },
  adjustmentNotice:   { request: json(tax.adjustmentNoticeRequest),     reply: json(tax.adjustmentNoticeResult),    path: '/v1/adjustment-notices' },
  summaryVoucher:     { request: json(tax.summaryVoucherRequest),       reply: json(tax.summaryVoucherResult),      path: '/v1/summary-vouchers' },
  ticketInformation:  { request: json(tax.ticketInformationRequest),    reply: json(tax.ticketInformationResult),   path: '/v1/ticket-information' },
  feeStatement:       { request: json(tax.feeStatementRequest),         reply: json(tax.feeStatementResult),        path: '/v1/fee-statements' },
  differenceReport:   { request: json(tax.differenceReportRequest),     reply: json(tax.differenceReportResult),    path: '/v1/difference-reports' },

  push: http('/v1', { contentType: 'application/json' }),
  bindingResult:      { request: json(tax.bindingResultRequest),      reply: json(tax.bindingResultReceipt),     path: '/v1/binding-results' },
  bindingNotice:      { request: json(tax.bindingNoticeRequest),      reply: json(tax.bindingNoticeReceipt),     path: '/v1/binding-notices' },
  adjustmentReceipt:  { request: json(tax.adjustmentReceiptRequest),    reply: json(tax.adjustmentReceiptReceipt),  path: '/v1/adjustment-receipts' },
  remitConfirmation:  { request: json(tax.remitConfirmationRequest),    reply: json(tax.remitConfirmationReceipt),  path: '/v1/remit-confirmations' },
  treasuryReceipt:    { request: json(tax.treasuryReceiptRequest),      reply: json(tax.treasuryReceiptReceipt),    path: '/v1/treasury-receipts' },
  voucherPrinted:     { request: json(tax.voucherPrintedRequest),       reply: json(tax.voucherPrintedReceipt),     path: '/v1/voucher-prints' },

  files: {
    detail: file('detail', {
      called: 'DETAIL_{bankCode}_{accountingDate}_{session:2}_{chunk:4}.jsonl',
      lineEnd: 'lf',
      header: json(tax.detailHeader),
      line: json(tax.detailLine),
      trailer: json(tax.detailTrailer),
    }),
  },
})
