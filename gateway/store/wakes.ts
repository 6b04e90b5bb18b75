import type { Database } from './database.ts'
import { overKeys, sqlTime } from './rows.ts'

const remove = overKeys('DELETE FROM outbox WHERE wake_at <= ? AND instruction_id IN (?)')

/** The outbox: what the queue still has to be told. Losing a wake-up costs time only; the sweep finds it again. */
export type Wakes = {
  /**
   * Gives up to `limit` due instructions to `tell` and removes them once it has returned; if telling fails they stay. Told twice is harmless
   * (a wake-up proves nothing, the claim decides), so no lock is held while the queue is told. Returns how many were told.
   */
  relay(now: Date, limit: number, tell: (ids: readonly number[]) => Promise<void>): Promise<number>
  /** Makes a doubtful debit of this key due at `now`, unless somebody is asking already; false: nothing to hasten. */
  hasten(key: { bankCode: string; officeCode: string; entrustDate: string; serialNo: string }, now: Date): Promise<boolean>
}

/** Opens the outbox over `db`. */
export const openWakes = (db: Database): Wakes => ({
  relay: async (now, limit, tell) => {
    const at = sqlTime(now)
    const due = await db.query<{ id: number }>('SELECT instruction_id AS id FROM outbox WHERE wake_at <= ? ORDER BY wake_at LIMIT ?', [
      at,
      limit,
    ])
    if (due.length === 0) return 0
    const ids = due.map(row => row.id)
    await tell(ids)
    // Whoever was re-scheduled in the meantime has a later time and stays.
    await remove.execute(db, ids, [at])
    return ids.length
  },
  hasten: async (key, now) => {
    const at = sqlTime(now)
    const moved = await db.execute(
      `UPDATE instruction SET next_attempt_at = ? WHERE office_code = ? AND entrust_date = ? AND serial_no = ? AND bank_code = ?
       AND state = 'unknown' AND lease_owner IS NULL AND next_attempt_at > ?`,
      [at, key.officeCode, key.entrustDate, key.serialNo, key.bankCode, at],
    )
    return moved.affectedRows === 1
  },
})
