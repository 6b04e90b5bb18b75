import { date, digits, message, oneOf, text, type ValuesOf } from '@taxlink/bank-sdk'
import { shanghaiDate } from '../domain/time.ts'
import type { SessionView } from '../store/reconciliations.ts'
import type { Flow } from './flow.ts'

/** 开一场对账: what a person orders. */
export const sessionOrder = message('session-order', '开一场对账', 'the order of a session', {
  bankCode: digits('银行代码', 'code of the bank', 4),
  accountingDate: date('会计日期', 'accounting date of the bank'),
  kind: oneOf('日终或日间', 'of a day that is over, or within the day', ['day-end', 'intraday']),
  reason: text('原因', 'why', 200),
})
/** The same, valid by its schema. */
export type SessionOrder = ValuesOf<typeof sessionOrder>

/** What becomes of it: opened, or it was before; the bank is none of the province's, or the day has not come. */
export type SessionOpened =
  | { readonly kind: 'opened' | 'repeated'; readonly session: SessionView }
  | { readonly kind: 'absent' }
  | { readonly kind: 'day-ahead' }

/** Opens a session of a bank day for a person; the same person's same reason, while that session goes on, is that session. */
export const openSession = async (flow: Flow, openedBy: string, order: SessionOrder, now: Date): Promise<SessionOpened> => {
  const { bankCode, accountingDate, kind, reason } = order
  const workDate = shanghaiDate(now)
  if (!flow.reference().banks.has(bankCode)) return { kind: 'absent' }
  if (accountingDate > workDate) return { kind: 'day-ahead' }
  const known = await flow.store.reconciliations.list({ bankCode, accountingDate, kind }, undefined, 100)
  const same = known.find(
    each => each.openedBy === openedBy && each.reason === reason && each.doneAt === undefined && each.state !== 'withdrawn',
  )
  if (same) return { kind: 'repeated', session: same }
  const opened = await flow.store.reconciliations.open({ bankCode, accountingDate, workDate, kind, openedBy, reason, now })
  if (!opened) throw new Error('a session that may be the second was not opened')
  return { kind: 'opened', session: opened }
}
