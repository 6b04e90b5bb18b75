import { type AnyVerb, outcome, type ReplyOf, type RequestOf } from '@taxlink/bank-sdk'
import type { DebitOrder } from '../flows/order.ts'
import { dayEndExamples } from './day-end-examples.ts'
import { debitJson, type FeedJson } from './shapes.ts'

// One debit, as it stands in every message of the reference page. Invented throughout; a test holds each against its schema.

/** The order. */
export const orderExample: DebitOrder = {
  ticketNo: '343012611000000001',
  officeCode: '14301020000',
  bankCode: '4301',
  channel: 'computer',
  taxpayerId: '91430100MA4L00000X',
  taxpayerName: '示例商贸有限公司',
  agreementNo: 'XY430100000001',
  account: '4301000000000000001',
  payerBankNo: '313551000017',
  amount: 125_000,
  items: [
    {
      taxCode: '10101',
      taxName: '增值税',
      budgetSubject: '101010106',
      budgetLevel: '1',
      periodStart: '2026-10-01',
      periodEnd: '2026-10-31',
      amount: 125_000,
    },
  ],
}

const key = { officeCode: orderExample.officeCode, entrustDate: '2026-11-10', serialNo: '00000001' }
const { ticketNo, account, amount } = orderExample
const booked = { bankSerial: '2026111000004711', accountingDate: '2026-11-10' }
const succeeded = outcome('90000', '0000', '扣款成功')

/** What became of it: the first line of the feed, and without its number the debit itself. */
export const feedExample: FeedJson = {
  seq: 1,
  verb: 'debit',
  bookedAmount: amount,
  ...debitJson({
    ...key,
    ...booked,
    ticketNo,
    state: 'succeeded',
    bankCode: orderExample.bankCode,
    amount,
    outcome: succeeded,
    person: false,
    attempts: 1,
    acceptedAt: new Date('2026-11-10T01:30:00.000Z'),
    settledAt: new Date('2026-11-10T01:30:00.412Z'),
  }),
}

const { bankCode: _bankCode, ...ordered } = orderExample
const workDate = key.entrustDate
const request: RequestOf<'debit'> = {
  ...ordered,
  ...key,
  workDate,
  treasuryCode: '1801010000',
  clearingNo: '011551000017',
  remittanceAccount: '43001530061050001234',
}
const nextKey = { ...key, serialNo: '00000002' }
const original = { originalEntrustDate: key.entrustDate, originalSerialNo: key.serialNo }
const reply = { ...key, ...booked, ticketNo, result: succeeded, amount }

const { agreementNo, taxpayerId, taxpayerName, payerBankNo, channel } = orderExample
const profile = { taxpayerId, taxpayerName, account, payerBankNo }
const held = { ...profile, boundOn: '2026-10-12', credential: 'not-issued' } as const
const binding = { ...key, agreementNo }
const done = { ...binding, result: outcome('90000', '0000', '交易成功') }
const figures = { inForce: 182_340, suspended: 17, digest: 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855' }

/** The exchanges with a bank about it, and about its agreement. */
export const exchangeExamples: { readonly [V in AnyVerb]: { readonly request: RequestOf<V>; readonly reply: ReplyOf<V> } } = {
  debit: { request, reply },
  supplementaryDebit: { request: { ...request, ...nextKey, ...original, reason: 'bank-missing' }, reply: { ...reply, ...nextKey } },
  inquiry: { request: { ...key, ticketNo, workDate }, reply },
  reversal: {
    request: { ...nextKey, ...original, ticketNo, workDate, account, originalAmount: amount, amount, reason: 'in-doubt' },
    reply: { ...reply, ...nextKey, result: outcome('90000', '0000', '冲正成功') },
  },
  linkTest: { request: { ...nextKey, workDate }, reply: { ...nextKey, result: outcome('90000', '0000'), accountingDate: workDate } },
  bind: { request: { ...binding, channel, ...profile }, reply: { ...binding, result: outcome('99091', '8010', '处理中') } },
  changeBinding: {
    request: { ...binding, originalAgreementNo: 'XY430100000000', channel, ...profile },
    reply: { ...done, ...held },
  },
  cancelBinding: { request: { ...binding, account, reason: 'deregistered' }, reply: done },
  suspension: { request: { ...binding, account, action: 'suspend', reason: 'credential-lost' }, reply: done },
  bindingStatus: { request: binding, reply: { ...done, ...held } },
  verification: {
    request: { ...binding, ...profile },
    reply: { ...binding, result: outcome('24002', '1002', '账号户名不符'), taxpayerNameMatch: 'differs', accountMatch: 'same' },
  },
  monthlySync: { request: { ...key, month: '202610', ...figures }, reply: { ...key, result: done.result, ...figures } },
  bindingResult: { request: { ...done, ...held }, reply: done },
  bindingNotice: { request: { ...binding, event: 'account-closed', reason: '客户销户' }, reply: done },
  ...dayEndExamples,
}
