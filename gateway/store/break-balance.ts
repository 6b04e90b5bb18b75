import { type BreakState, dueOf, isBalanced, type ToExplain } from '../domain/break-life.ts'
import { beforeRemittance } from '../domain/session.ts'
import { lastSession, readShown, type SessionDay, type ShownOfTicket } from './break-reads.ts'
import type { Database } from './database.ts'
import { sqlTime } from './rows.ts'
import { readTickets } from './tickets.ts'

/** Whether bank days are balanced, as their breaks stand (art. 35(4), 36). */
export type BreakBalance = {
  /** The last day-end sessions of a bank that have found differences and are not balanced yet; only of days after `since`. */
  differingDays(bankCode: string, since: string): Promise<SessionDay[]>
  /**
   * Bank days after `since` that differ still, of whose breaks nothing is left to be done, and one of them no day-end session at the bank has seen since or
   * is about to. By what is booked, and not by clocks of two processes, wherever its remedy is booked: that is shown by a session of the day under which it is,
   * and of others only by one that was opened for it, where the bank works ahead.
   */
  remediedDays(since: string): Promise<{ readonly bankCode: string; readonly accountingDate: string }[]>
  /** The last day-end session of a bank day; 0: there is none. */
  lastSession(bankCode: string, accountingDate: string): Promise<number>
  /** Whether every difference of the session is explained; `beat` is called after each page of them. */
  isDayBalanced(day: SessionDay, beat?: () => Promise<void>): Promise<boolean>
  /** Writes that it is balanced now, without another file; false: it was, or another session has taken its place. */
  balanceDay(day: SessionDay, now: Date): Promise<boolean>
}

type Found = {
  readonly type: string
  readonly ticketNo: string
  readonly breakState: BreakState | null
  readonly shownByNeighbour: number
}

/** Opens the balance over `db`. */
export const openBreakBalance = (db: Database): BreakBalance => ({
  differingDays: (bankCode, since) =>
    db.query<SessionDay>(
      `SELECT r.bank_code AS bankCode, r.accounting_date AS accountingDate, r.session, r.work_date AS workDate FROM reconciliation r
       WHERE r.bank_code = ? AND r.accounting_date > ? AND r.kind = 'day-end' AND r.state = 'differing' AND r.matched_at IS NOT NULL
         AND r.session = (SELECT MAX(x.session) FROM reconciliation x WHERE x.bank_code = r.bank_code AND x.accounting_date = r.accounting_date
           AND x.kind = 'day-end' AND x.matched_at IS NOT NULL)
       ORDER BY r.accounting_date`,
      [bankCode, since],
    ),
  remediedDays: since =>
    db.query<{ bankCode: string; accountingDate: string }>(
      `SELECT b.bank_code AS bankCode, b.accounting_date AS accountingDate
       FROM break b LEFT JOIN booking k ON k.ticket_no = b.ticket_no AND k.instruction_id = b.closed_by AND b.state = 'remedied'
       WHERE b.source = 'file' AND b.accounting_date > ? AND b.state NOT IN ('confirmed', 'superseded')
       GROUP BY b.bank_code, b.accounting_date
       HAVING SUM(b.state NOT IN ('remedied', 'void')) = 0 AND SUM(NOT EXISTS (SELECT 1 FROM reconciliation r
         WHERE r.bank_code = b.bank_code AND r.kind = 'day-end' AND r.state <> 'withdrawn' AND CASE
           WHEN k.seq IS NOT NULL THEN (r.frozen_at IS NULL OR k.seq <= r.frozen_seq) AND (r.accounting_date = k.accounting_date OR r.reason = ?)
           WHEN b.state = 'remedied' AND b.closed_by IS NOT NULL THEN r.frozen_at IS NULL
           ELSE r.frozen_at IS NULL OR r.opened_at >= b.closed_at END)) > 0`,
      [since, beforeRemittance],
    ),
  lastSession: async (bankCode, accountingDate) =>
    (
      await db.query<{ session: number | null }>(
        "SELECT MAX(session) AS session FROM reconciliation WHERE bank_code = ? AND accounting_date = ? AND kind = 'day-end'",
        [bankCode, accountingDate],
      )
    )[0]?.session ?? 0,
  isDayBalanced: async (day, beat) => {
    for (let after = 0; ; after += page) {
      const explained = await explain(db, day, after)
      if (!isBalanced(explained)) return false
      if (explained.length < page) return true
      await beat?.()
    }
  },
  balanceDay: async ({ bankCode, accountingDate, session }, now) =>
    (
      await db.execute(
        `UPDATE reconciliation SET state = 'balanced', done_at = ?, next_at = NULL
         WHERE bank_code = ? AND accounting_date = ? AND session = ? AND state = 'differing'`,
        [sqlTime(now), bankCode, accountingDate, session],
      )
    ).affectedRows === 1,
})

const page = 1_000
/** The differences of a session after the first so many. */
const explain = async (
  db: Pick<Database, 'query'>,
  { bankCode, accountingDate, session }: SessionDay,
  after: number,
): Promise<ToExplain[]> => {
  const rows = await db.query<Found>(
    `SELECT d.type, d.ticket_no AS ticketNo, b.state AS breakState,
       d.type = 'cut-off' AND EXISTS (SELECT 1 FROM difference n JOIN reconciliation r ON r.bank_code = n.bank_code
           AND r.accounting_date = n.accounting_date AND r.session = n.session AND r.session = ${lastSession('n')}
         WHERE n.office_code = d.office_code AND n.entrust_date = d.entrust_date AND n.serial_no = d.serial_no AND n.bank_code = d.bank_code
           AND n.verb = d.verb AND n.type IN ('cut-off', 'tax-only') AND n.accounting_date = JSON_VALUE(d.detail, '$.accountingDate')) AS shownByNeighbour
     FROM difference d LEFT JOIN break b ON b.id = d.break_id
     WHERE d.bank_code = ? AND d.accounting_date = ? AND d.session = ? AND d.ordinal > ? ORDER BY d.ordinal LIMIT ?`,
    [bankCode, accountingDate, session, after, page],
  )
  const asked = rows.filter(
    ({ breakState, type }) => (breakState === null || breakState === 'superseded') && type !== 'cut-off' && type !== 'in-bank',
  )
  const ticketNos = [...new Set(asked.map(row => row.ticketNo))]
  const shown = ticketNos.length === 0 ? new Map() : await readShown(db, bankCode, ticketNos, await readTickets(db, ticketNos))
  const isRight = (of: ShownOfTicket | undefined): boolean => of !== undefined && of.bank === dueOf(of.of)
  return rows.map(row => ({
    type: row.type,
    breakState: row.breakState ?? undefined,
    shownByNeighbour: row.shownByNeighbour === 1,
    ticketIsRight: isRight(shown.get(row.ticketNo)),
  }))
}
