import { isUnifiedCode, outcomes } from '@taxlink/bank-sdk'
import { isWithin } from '../domain/break-whole.ts'
import type { Objection } from '../domain/proposal.ts'
import { objectionToNoticeAgain, objectionToVoucherAgain, type Telling } from '../domain/tell-again.ts'
import { isOpen } from '../domain/ticket.ts'
import { appendAudit } from './audit.ts'
import { insertBankCalls } from './bank-calls.ts'
import { carefully } from './beside.ts'
import { type By, writeSteps } from './break-steps.ts'
import { readStanding } from './break-whole.ts'
import type { Database, Tx } from './database.ts'
import { lockWithTicket } from './notices.ts'
import { lockVoucher } from './vouchers.ts'

/** Who has something told again, and why. */
export type TellOrder = By & { readonly reason: string }
/** What became of the order; `repeated`: the same person has ordered it for the same reason, and the bank has not answered yet. */
export type ToldAgain = { readonly kind: 'ordered' | 'repeated' | 'absent' } | { readonly kind: 'objected'; readonly objection: Objection }

/** What banks have refused to take and are told once more. */
export type TellAgain = {
  /** A notice (art. 35(1)), due before the reconciliation that follows. */
  notice(noticeNo: string, dueOn: string, order: TellOrder): Promise<ToldAgain>
  /** A voucher (art. 37). */
  voucher(summaryNo: string, order: TellOrder): Promise<ToldAgain>
}

/** Opens it over `db`. */
export const openTellAgain = (db: Database): TellAgain => ({
  notice: (noticeNo, dueOn, order) => carefully(() => db.transaction(tx => noticeOnce(tx, noticeNo, dueOn, order))),
  voucher: (summaryNo, order) => carefully(() => db.transaction(tx => voucherOnce(tx, summaryNo, order))),
})

type Last = Telling & {
  readonly officeCode: string
  readonly content: { readonly [name: string]: unknown }
  readonly telling: number
  readonly orderedBy: string | null
  readonly reason: string | null
}
/** The last telling, under the lock of what it is about. */
const lastOf = async (tx: Tx, bankCode: string, verb: string, subject: string): Promise<Last | undefined> => {
  const [row] = await tx.query<Omit<Last, 'isOver' | 'said' | 'content'> & { content: string; code: string | null; doneAt: Date | null }>(
    `SELECT office_code AS officeCode, content, telling, ordered_by AS orderedBy, order_reason AS reason, result_code AS code, done_at AS doneAt
     FROM bank_call WHERE bank_code = ? AND verb = ? AND subject = ? ORDER BY telling DESC LIMIT 1 FOR UPDATE`,
    [bankCode, verb, subject],
  )
  if (!row) return undefined
  const { code, doneAt, content, ...rest } = row
  const said = code !== null && isUnifiedCode(code) ? outcomes[code].class : undefined
  return { ...rest, content: JSON.parse(content) as Last['content'], isOver: doneAt !== null, said }
}
const isSame = ({ isOver, orderedBy, reason }: Last, by: TellOrder): boolean => !isOver && orderedBy === by.actor && reason === by.reason

const tell = (
  tx: Tx,
  { officeCode, content, telling }: Last,
  about: { readonly bankCode: string; readonly verb: string; readonly subject: string },
  { now: at, actor: by, reason }: TellOrder,
  change: { readonly [name: string]: unknown } = {},
): Promise<void> =>
  insertBankCalls(tx, [{ ...about, officeCode, content: { ...content, ...change }, at, again: { telling: telling + 1, by, reason } }])

const noticeOnce = async (tx: Tx, noticeNo: string, dueOn: string, order: TellOrder): Promise<ToldAgain> => {
  const [of] = await tx.query<{ breakId: number }>('SELECT break_id AS breakId FROM adjustment_notice WHERE notice_no = ?', [noticeNo])
  const { held, ticket } = of ? await lockWithTicket(tx, of.breakId) : {}
  const [notice] = await tx.query<{ bankCode: string; amount: number; bookedAt: Date | null }>(
    'SELECT bank_code AS bankCode, amount, booked_at AS bookedAt FROM adjustment_notice WHERE notice_no = ? FOR UPDATE',
    [noticeNo],
  )
  if (!held || !notice) return { kind: 'absent' }
  const { bankCode, amount } = notice
  const about = { bankCode, verb: 'adjustmentNotice', subject: noticeNo }
  const last = await lastOf(tx, bankCode, about.verb, noticeNo)
  if (!last) return { kind: 'absent' }
  if (isSame(last, order)) return { kind: 'repeated' }
  const isStill = !ticket?.movements.some(isOpen)
  const isStillDue = isStill && isWithin(await readStanding(tx, bankCode, held.ticketNo, ticket), amount)
  const objection = objectionToNoticeAgain({ ...held, isBooked: notice.bookedAt !== null, telling: last, isStillDue })
  if (objection) return { kind: 'objected', objection }
  const steps = held.state === 'failed' ? (['choose', 'begin'] as const) : (['begin'] as const)
  await writeSteps(tx, held, steps, `35(1): notice ${noticeNo} is told again: ${order.reason}`, {}, order)
  await tx.execute('UPDATE adjustment_notice SET told_at = NULL, told_code = NULL, due_on = GREATEST(due_on, ?) WHERE notice_no = ?', [
    dueOn,
    noticeNo,
  ])
  await tell(tx, last, about, order, { dueOn })
  return { kind: 'ordered' }
}

const voucherOnce = async (tx: Tx, summaryNo: string, order: TellOrder): Promise<ToldAgain> => {
  const voucher = await lockVoucher(tx, summaryNo)
  if (!voucher) return { kind: 'absent' }
  const { bankCode, officeCode, state } = voucher
  const about = { bankCode, verb: 'summaryVoucher', subject: summaryNo }
  const last = await lastOf(tx, bankCode, about.verb, summaryNo)
  if (!last) return { kind: 'absent' }
  if (isSame(last, order)) return { kind: 'repeated' }
  const objection = objectionToVoucherAgain(state, last)
  if (objection) return { kind: 'objected', objection }
  await tell(tx, last, about, order)
  const { now: at, actor } = order
  const detail = JSON.stringify({ telling: last.telling + 1 })
  await appendAudit(tx, { at, actor, action: 'tell-again', subject: `voucher/${summaryNo}`, officeCode, detail })
  return { kind: 'ordered' }
}
