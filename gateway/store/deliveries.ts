import type { Database } from './database.ts'
import { sqlTime } from './rows.ts'

/** Where a webhook stands in the feed, while this process holds the lease on it. */
export type Delivery = { readonly deliveredSeq: number; readonly failures: number }

/** The cursors of the webhooks: one process delivers at a time, in the order of the feed. */
export type Deliveries = {
  /** Takes the lease if it is due and free; undefined otherwise. */
  lease(name: string, owner: string, now: Date, until: Date): Promise<Delivery | undefined>
  /** Moves the cursor (only forward, only under the lease) and says when to come again; false: the lease was lost. */
  advance(name: string, owner: string, to: { deliveredSeq: number; failures: number; nextAttemptAt: Date }): Promise<boolean>
}

/** Opens the cursors over `db`. */
export const openDeliveries = (db: Database): Deliveries => ({
  lease: async (name, owner, now, until) => {
    const at = sqlTime(now)
    await db.execute('INSERT IGNORE INTO delivery (name, next_attempt_at) VALUES (?, ?)', [name, at])
    const taken = await db.execute(
      'UPDATE delivery SET lease_owner = ?, lease_until = ? WHERE name = ? AND next_attempt_at <= ? AND (lease_owner IS NULL OR lease_owner = ? OR lease_until <= ?)',
      [owner, sqlTime(until), name, at, owner, at],
    )
    if (taken.affectedRows === 0) return undefined
    const rows = await db.query<Delivery>(
      'SELECT delivered_seq AS deliveredSeq, failures FROM delivery WHERE name = ? AND lease_owner = ?',
      [name, owner],
    )
    return rows[0]
  },
  advance: async (name, owner, to) => {
    const moved = await db.execute(
      'UPDATE delivery SET delivered_seq = GREATEST(delivered_seq, ?), failures = ?, next_attempt_at = ?, lease_owner = NULL, lease_until = NULL WHERE name = ? AND lease_owner = ?',
      [to.deliveredSeq, to.failures, sqlTime(to.nextAttemptAt), name, owner],
    )
    return moved.affectedRows === 1
  },
})
