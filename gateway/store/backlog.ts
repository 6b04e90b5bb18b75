import type { Database } from './database.ts'
import { sqlTime } from './rows.ts'

/** How much is in doubt, and how far the outbox is behind; what the metrics show. */
export type Backlog = {
  readonly doubtful: { readonly bankCode: string; readonly count: number; readonly forPerson: number }[]
  readonly outbox: { readonly due: number; readonly lagSeconds: number }
}

/** Reads the backlog as of `now`. Whatever is open has a next look, so the index of those finds the doubts. */
export const readBacklog = async (db: Database, now: Date): Promise<Backlog> => {
  const at = sqlTime(now)
  const doubtful = await db.query<{ bankCode: string; count: number; forPerson: number }>(
    `SELECT bank_code AS bankCode, COUNT(*) AS count, CAST(SUM(person) AS SIGNED) AS forPerson FROM instruction
     WHERE next_attempt_at IS NOT NULL AND state = 'unknown' GROUP BY bank_code`,
  )
  const [outbox] = await db.query<{ due: number; lagMs: number | null }>(
    'SELECT COUNT(*) AS due, TIMESTAMPDIFF(MICROSECOND, MIN(wake_at), ?) DIV 1000 AS lagMs FROM outbox WHERE wake_at <= ?',
    [at, at],
  )
  return { doubtful, outbox: { due: outbox?.due ?? 0, lagSeconds: (outbox?.lagMs ?? 0) / 1000 } }
}
