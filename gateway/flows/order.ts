import { hash } from 'node:crypto'
import {
  checkSum,
  debitParticulars,
  debitRequest,
  digits,
  message,
  oneOf,
  optional,
  type RequestOf,
  type TaxItem,
  type ValuesOf,
} from '@taxlink/bank-sdk'
import type { Route } from '../domain/reference.ts'

const { ticketNo, workDate, channel, taxpayerId, taxpayerName, agreementNo, account, payerBankNo, amount, items } = debitParticulars

/** 扣款委托: what a tax system sends (art. 16). The bank, the treasury and the accounts of the other side follow from the reference data. */
export const debitOrder = message('debit.order', '扣款委托', 'debit order of a tax system', {
  ticketNo,
  officeCode: debitRequest.fields.officeCode,
  bankCode: digits('开户银行代码', 'the taxpayer’s bank in this province', 4),
  workDate: optional(workDate),
  channel,
  taxpayerId,
  taxpayerName,
  agreementNo,
  account,
  payerBankNo,
  amount,
  items,
  fixedQuota: optional(oneOf('是否定期定额', 'whether the household is under 定期定额 (art. 42)', ['yes', 'no'])),
})
/** A debit order, valid by its schema. */
export type DebitOrder = ValuesOf<typeof debitOrder>

const orderFields = Object.keys(debitOrder.fields) as (keyof DebitOrder)[]
const itemFields = Object.keys(items.fields) as (keyof TaxItem)[]

/** One text for one content: fields in the order of the catalogue. Two orders are the same exactly if these bytes are. */
export const canonicalOrder = (order: DebitOrder): string =>
  JSON.stringify(
    // What came later is left out where it is not said: what was accepted before keeps its hash.
    orderFields
      .filter(name => name !== 'fixedQuota' || order.fixedQuota !== undefined)
      .map(name => (name === 'items' ? order.items.map(item => itemFields.map(f => item[f])) : (order[name] ?? null))),
  )

/** SHA-256 of the canonical order, 32 bytes. */
export const orderHash = (order: DebitOrder): Buffer => hash('sha256', canonicalOrder(order), 'buffer')

/** Refuses what a schema cannot say: items that do not sum to the total (93007). */
export const checkOrder = (order: DebitOrder): void => checkSum(order.amount, order.items, debitOrder.id)

type BankKey = { readonly officeCode: string; readonly entrustDate: string; readonly serialNo: string }
/** Any message that debits. */
export type AnyDebit = RequestOf<'debit'> | RequestOf<'supplementaryDebit'>

/** The message that gives `amount` back of what `original` debits; its work date is its own day. */
export const reversalRequestOf = (
  original: AnyDebit,
  key: BankKey,
  amount: number,
  reason: RequestOf<'reversal'>['reason'],
): RequestOf<'reversal'> => ({
  officeCode: key.officeCode,
  entrustDate: key.entrustDate,
  serialNo: key.serialNo,
  originalEntrustDate: original.entrustDate,
  originalSerialNo: original.serialNo,
  ticketNo: original.ticketNo,
  workDate: key.entrustDate,
  account: original.account,
  originalAmount: original.amount,
  amount,
  reason,
})

/** The message of a supplementary debit: what the original said, with its own key, amount and items. */
export const supplementRequestOf = (
  original: RequestOf<'debit'>,
  key: BankKey,
  ordered: Pick<RequestOf<'supplementaryDebit'>, 'reason' | 'amount' | 'items'>,
): RequestOf<'supplementaryDebit'> => ({
  ...original,
  officeCode: key.officeCode,
  entrustDate: key.entrustDate,
  serialNo: key.serialNo,
  originalEntrustDate: original.entrustDate,
  originalSerialNo: original.serialNo,
  workDate: key.entrustDate,
  reason: ordered.reason,
  amount: ordered.amount,
  items: ordered.items,
})

/** The message to the bank: the order, its key, and what the reference data adds. */
export const debitRequestOf = (
  order: DebitOrder,
  key: { officeCode: string; entrustDate: string; serialNo: string },
  to: Route,
): RequestOf<'debit'> => ({
  officeCode: key.officeCode,
  entrustDate: key.entrustDate,
  serialNo: key.serialNo,
  ticketNo: order.ticketNo,
  workDate: order.workDate ?? key.entrustDate,
  channel: order.channel,
  taxpayerId: order.taxpayerId,
  taxpayerName: order.taxpayerName,
  agreementNo: order.agreementNo,
  account: order.account,
  payerBankNo: order.payerBankNo,
  treasuryCode: to.treasury.code,
  clearingNo: to.treasury.clearingNo,
  remittanceAccount: to.remittance.account,
  amount: order.amount,
  items: order.items,
})
