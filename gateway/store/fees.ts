import { insertBankCalls } from './bank-calls.ts'
import { carefully } from './beside.ts'
import type { Database } from './database.ts'
import { sqlTime } from './rows.ts'

/** The fees of a bank and a month (art. 42). */
export type FeeStatement = {
  readonly bankCode: string
  readonly month: string
  readonly tickets: number
  /** Fen. */
  readonly amount: number
  /** When it was made and sent; undefined: the month is not over. */
  readonly at: Date | undefined
}
/** The ledger of fees. */
export type Fees = {
  /** Banks and months before this one with fees and without a statement. */
  unstated(before: string): Promise<{ readonly bankCode: string; readonly month: string }[]>
  /** Makes the statement of a bank and a month and has the bank told, once; false: it was made before, or there is nothing to be paid. */
  close(bankCode: string, month: string, officeCode: string, now: Date): Promise<boolean>
  /** The statements of a month; of banks without one what there is so far. */
  month(month: string): Promise<FeeStatement[]>
  /** The tickets that a bank is paid for in a month, after `after`, at most `limit`. */
  tickets(bankCode: string, month: string, after: string, limit: number): Promise<string[]>
}

/** Opens the fees over `db`. */
export const openFees = (db: Database): Fees => ({
  unstated: before =>
    db.query(
      `SELECT d.bank_code AS bankCode, d.month FROM (SELECT DISTINCT month, bank_code FROM fee WHERE month < ?) d
       WHERE NOT EXISTS (SELECT 1 FROM fee_statement s WHERE s.bank_code = d.bank_code AND s.month = d.month) ORDER BY d.month, d.bank_code`,
      [before],
    ),
  close: (bankCode, month, officeCode, now) =>
    carefully(() =>
      db.transaction(async tx => {
        const [made] = await tx.query('SELECT 1 FROM fee_statement WHERE bank_code = ? AND month = ? FOR UPDATE', [bankCode, month])
        if (made) return false
        const [row] = await tx.query<{ tickets: number; amount: string }>(
          'SELECT COUNT(*) AS tickets, COALESCE(SUM(amount), 0) AS amount FROM fee WHERE bank_code = ? AND month = ?',
          [bankCode, month],
        )
        // A bank that is paid for nothing is told nothing.
        if (!row?.tickets) return false
        const { tickets, amount } = { tickets: row.tickets, amount: Number(row.amount) }
        await tx.execute('INSERT INTO fee_statement (bank_code, month, tickets, amount, at) VALUES (?, ?, ?, ?, ?)', [
          bankCode,
          month,
          tickets,
          amount,
          sqlTime(now),
        ])
        const content = { month: month.replace('-', ''), count: tickets, fee: amount }
        await insertBankCalls(tx, [{ bankCode, officeCode, verb: 'feeStatement', subject: month, content, at: now }])
        return true
      }),
    ),
  month: async month => {
    const rows = await db.query<{ bankCode: string; tickets: number; amount: string; at: Date | null }>(
      `SELECT bank_code AS bankCode, tickets, amount, at FROM fee_statement WHERE month = ?
       UNION ALL
       SELECT f.bank_code, COUNT(*), SUM(f.amount), NULL FROM fee f
       WHERE f.month = ? AND NOT EXISTS (SELECT 1 FROM fee_statement s WHERE s.bank_code = f.bank_code AND s.month = f.month) GROUP BY f.bank_code
       ORDER BY bankCode`,
      [month, month],
    )
    return rows.map(row => ({ ...row, month, amount: Number(row.amount), at: row.at ?? undefined }))
  },
  tickets: async (bankCode, month, after, limit) =>
    (
      await db.query<{ ticketNo: string }>(
        'SELECT ticket_no AS ticketNo FROM fee WHERE bank_code = ? AND month = ? AND ticket_no > ? ORDER BY ticket_no LIMIT ?',
        [bankCode, month, after, limit],
      )
    ).map(row => row.ticketNo),
})
