import type { Database } from './database.ts'
import { within } from './rows.ts'

/** Debits of a month of one office, channel and result (art. 49). */
export type StatisticRow = {
  readonly officeCode: string
  readonly channel: 'computer' | 'phone'
  readonly result: 'succeeded' | 'refused' | 'open'
  /** Households that declared: each counts once in its row. */
  readonly households: number
  readonly debits: number
  /** Fen, of what was ordered. */
  readonly amount: bigint
}
/** 申报缴税情况 of a month. */
export type Statistics = {
  /** By office, channel and result; of these offices only, where they are given. */
  month(from: string, to: string, offices?: readonly string[]): Promise<StatisticRow[]>
  /** How many households there were, whatever became of their debits; each counts once. */
  households(from: string, to: string, offices?: readonly string[]): Promise<number>
}

const narrowed = (offices: readonly string[] | undefined): string =>
  ["i.verb = 'debit'", 'i.entrust_date BETWEEN ? AND ?', ...within('i.office_code', offices)].join(' AND ')

// What two persons adopted is paid, whatever its debit was told.
const result = `CASE WHEN EXISTS (SELECT 1 FROM adoption a WHERE a.ticket_no = i.ticket_no) THEN 'succeeded'
  WHEN i.state IN ('succeeded', 'refused') THEN i.state ELSE 'open' END`

/** Opens the statistics over `db`. */
export const openStatistics = (db: Database): Statistics => ({
  month: async (from, to, offices) =>
    (
      await db.query<Omit<StatisticRow, 'amount'> & { amount: string }>(
        `SELECT i.office_code AS officeCode, IF(JSON_VALUE(i.request, '$.channel') = 'phone', 'phone', 'computer') AS channel,
           ${result} AS result,
           COUNT(DISTINCT JSON_VALUE(i.request, '$.taxpayerId')) AS households, COUNT(*) AS debits, SUM(i.amount) AS amount
         FROM instruction i WHERE ${narrowed(offices)} GROUP BY officeCode, channel, result ORDER BY officeCode, channel, result`,
        [from, to, ...(offices ?? [])],
      )
    ).map(row => ({ ...row, amount: BigInt(row.amount) })),
  households: async (from, to, offices) =>
    (
      await db.query<{ households: number }>(
        `SELECT COUNT(DISTINCT JSON_VALUE(i.request, '$.taxpayerId')) AS households FROM instruction i WHERE ${narrowed(offices)}`,
        [from, to, ...(offices ?? [])],
      )
    )[0]?.households ?? 0,
})
