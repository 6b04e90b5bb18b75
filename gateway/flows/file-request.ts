import { ascii, count, date, digits, message, oneOf, text, type ValuesOf } from '@taxlink/bank-sdk'
import { shanghaiDate } from '../domain/time.ts'
import type { Asked } from '../store/file-requests.ts'
import type { Flow } from './flow.ts'

/** A bank day's date as a field. */
export const day = date('会计日期', 'accounting date of the bank')
/** What is asked of a bank. */
export const fileRequestOrder = message('file-request-order', '请银行送明细文件', 'the order that a bank is to send its file', {
  orderNo: ascii('经办人自编号,同号同内容只算一次', 'the person’s own number; the same again is the same request', 32),
  bankCode: digits('银行代码', 'code of the bank', 4),
  accountingDate: day,
  session: count('场次', 'session', 1, 99),
  kind: oneOf('首次或重发', 'the first time, or again', ['first', 'resend']),
  reason: text('原因,重发时告知银行', 'why; told to the bank where it is to send again', 60),
})
/** The same, valid by its schema. */
export type FileRequestOrder = ValuesOf<typeof fileRequestOrder>

/** Asks a bank for the file of a session: the first time, or again as a new version; undefined for a bank that is none of the province's. */
export const askForFile = async (
  flow: Flow,
  askedBy: string,
  order: FileRequestOrder,
  now: Date,
  workDate: string = shanghaiDate(now),
): Promise<Asked | undefined> => {
  // The key of a message to a bank is an office's; this one is about all of them.
  const [officeCode] = flow.reference().offices.keys()
  if (!flow.reference().banks.has(order.bankCode) || officeCode === undefined) return undefined
  return flow.store.fileRequests.ask({ ...order, askedBy, workDate, officeCode }, now)
}
