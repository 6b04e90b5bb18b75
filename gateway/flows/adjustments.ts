import { type Heard, type Outcome, outcome } from '@taxlink/bank-sdk'
import { noticeDueOn } from '../domain/break-life.ts'
import type { Operator } from '../domain/operator.ts'
import { shanghaiDate } from '../domain/time.ts'
import type { Issued } from '../store/notices.ts'
import type { Flow } from './flow.ts'

// 调账通知单 (art. 6(3), 35(1)): the county's accounting role issues it, the bank is told, and what it gives back is booked.

/** Issues a notice for a break; the bank is to have given it back before the next reconciliation. */
export const issueNotice = (flow: Flow, breakId: number, { uri, office }: Pick<Operator, 'uri' | 'office'>): Promise<Issued> => {
  const now = flow.clock()
  const issuedOn = shanghaiDate(now)
  const { calendar } = flow.reference()
  return flow.store.notices.issueNotice({
    breakId,
    issuingOffice: office,
    issuedOn,
    dueOn: accountingDate => noticeDueOn(calendar, accountingDate, issuedOn),
    by: { now, actor: uri },
  })
}

/** 调账回执: a bank has given back what a notice asks for. Its own accounting date counts; where it names none, that of its day now. */
export const heardAdjustment = async (
  flow: Flow,
  bankCode: string,
  { noticeNo, amount, accountingDate, bankSerial }: Heard<'adjustmentReceipt'>,
  now: Date,
): Promise<Outcome> => {
  const adjusted = { bankCode, noticeNo, amount, accountingDate: accountingDate ?? shanghaiDate(now), bankSerial, from: 'receipt' } as const
  const code = await flow.store.notices.bookNotice(adjusted, flow.printKey(), { now, actor: `bank ${bankCode}` })
  if (code !== '90000') flow.note({ event: 'trouble', bankCode, code, detail: `a receipt for the notice ${noticeNo} that is not taken` })
  return outcome(code)
}
