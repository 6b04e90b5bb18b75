import { outcome, type ReplyOf, type RequestOf, type TaxItem } from '@taxlink/bank-sdk'

// The day on which the debit of the examples was booked, as the reference page shows what is said about it (art. 34–42).

const key = { officeCode: '14301020000', entrustDate: '2026-11-11', serialNo: '00000009' }
const done = { ...key, result: outcome('90000', '0000', '交易成功') }
const day = { workDate: '2026-11-11', accountingDate: '2026-11-10', session: 1 }
const ticketNo = '343012611000000001'
const [noticeNo, summaryNo] = ['TZ430120261111001', '43012026111100000001']
const totals = {
  debitCount: 18_234,
  debitSum: 9_120_433_200,
  supplementaryCount: 2,
  supplementarySum: 31_500,
  reversalCount: 3,
  reversalSum: 120_000,
  adjustmentCount: 0,
  adjustmentSum: 0,
}
const items: readonly TaxItem[] = [
  {
    taxCode: '10101',
    taxName: '增值税',
    budgetSubject: '101010106',
    budgetLevel: '1',
    periodStart: '2026-10-01',
    periodEnd: '2026-10-31',
    amount: 125_000,
  },
]

/** The exchanges of a day-end. */
export const dayEndExamples = {
  totals: { request: { ...key, ...day, kind: 'final', ...totals }, reply: { ...done, ...totals } },
  fileRequest: {
    request: { ...key, ...day, reason: 'resend', why: '尾部金额不符' },
    reply: { ...done, chunks: 1, name: 'DETAIL_4301_20261110_01_0001.txt' },
  },
  adjustmentNotice: {
    request: {
      ...key,
      noticeNo,
      ticketNo,
      originalEntrustDate: '2026-11-10',
      originalSerialNo: '00000001',
      bankSerial: '2026111000004711',
      account: '4301000000000000001',
      accountingDate: day.accountingDate,
      taxAmount: 125_000,
      bankAmount: 250_000,
      amount: 125_000,
      reason: 'duplicate',
      issuingOffice: '14301020000',
      issuedOn: '2026-11-11',
      dueOn: '2026-11-12',
    },
    reply: { ...done, noticeNo },
  },
  summaryVoucher: {
    request: {
      ...key,
      summaryNo,
      workDate: day.workDate,
      accountingDate: day.accountingDate,
      treasuryCode: '1801010000',
      clearingNo: '011551000017',
      remittanceAccount: '43001530061050001234',
      ticketCount: 18_233,
      amount: 9_120_344_700,
      deadline: '1600',
    },
    reply: { ...done, summaryNo },
  },
  ticketInformation: {
    request: {
      ...key,
      ticketNo,
      summaryNo,
      taxpayerId: '91430100MA4L00000X',
      taxpayerName: '示例商贸有限公司',
      account: '4301000000000000001',
      payerBankNo: '313551000017',
      treasuryCode: '1801010000',
      amount: 125_000,
      paidAt: '2026-11-10',
      printMark: 'original',
      items,
    },
    reply: { ...done, ticketNo },
  },
  feeStatement: {
    request: { ...key, month: '202611', count: 1_204, fee: 120_400 },
    reply: { ...done, count: 1_204, fee: 120_400 },
  },
  differenceReport: {
    request: {
      ...key,
      ...day,
      equalCount: 18_238,
      amountDiffers: 0,
      bankOnly: 0,
      taxOnly: 0,
      stateDiffers: 0,
      duplicates: 1,
      reversedOneSide: 0,
      particularsDiffer: 0,
      cutOffs: 0,
      inBank: 0,
      lines: [
        {
          type: 'duplicate-at-bank',
          officeCode: '14301020000',
          entrustDate: '2026-11-10',
          serialNo: '00000001',
          verb: 'debit',
          ticketNo,
          taxAmount: 125_000,
          bankAmount: 250_000,
          bankSerial: '2026111000004711',
        },
      ],
    },
    reply: done,
  },
  adjustmentReceipt: {
    request: { ...key, noticeNo, amount: 125_000, accountingDate: '2026-11-11', bankSerial: '2026111100000042' },
    reply: { ...done, noticeNo },
  },
  remitConfirmation: {
    request: { ...key, summaryNo, amount: 9_120_344_700, remittedAt: '2026-11-11', bankSerial: '2026111100000077' },
    reply: { ...done, summaryNo },
  },
  treasuryReceipt: {
    request: { ...key, summaryNo, treasuryCode: '1801010000', amount: 9_120_344_700, enteredOn: '2026-11-12' },
    reply: { ...done, summaryNo },
  },
  voucherPrinted: {
    request: { ...key, ticketNo, copies: 1, printMark: 'original', printedOn: '2026-11-12' },
    reply: { ...done, ticketNo },
  },
} as const satisfies { readonly [V in DayEndVerb]: { readonly request: RequestOf<V>; readonly reply: ReplyOf<V> } }

type DayEndVerb =
  | 'totals'
  | 'fileRequest'
  | 'adjustmentNotice'
  | 'summaryVoucher'
  | 'ticketInformation'
  | 'feeStatement'
  | 'differenceReport'
  | 'adjustmentReceipt'
  | 'remitConfirmation'
  | 'treasuryReceipt'
  | 'voucherPrinted'
