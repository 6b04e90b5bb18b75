import { never } from './beside.ts'
import type { Database } from './database.ts'
import type { Instruction } from './debits.ts'
import { grouped } from './group.ts'
import { inserter, overKeys, sqlTime, updater } from './rows.ts'

/** A send that waits because its bank is spared: it is looked at again at `until`. */
export type Postponement = { readonly instruction: Pick<Instruction, 'id' | 'attemptNo'>; readonly until: Date }

const remove = overKeys('DELETE FROM outbox WHERE wake_at <= ? AND instruction_id IN (?)')

/** The outbox: what the queue still has to be told. Losing a wake-up costs time only; the sweep finds it again. */
export type Wakes = {
  /**
   * Gives up to `limit` due instructions to `tell` and removes them once it has returned; if telling fails they stay. Told twice is harmless
   * (a wake-up proves nothing, the claim decides), so no lock is held while the queue is told. Returns how many were told.
   */
  relay(now: Date, limit: number, tell: (ids: readonly number[]) => Promise<void>): Promise<number>
  /**
   * Makes a doubtful instruction of this key due at `now`, unless somebody is asking already, or its tombstone is waited for; false: nothing to
   * hasten.
   */
  hasten(key: { bankCode: string; officeCode: string; entrustDate: string; serialNo: string }, now: Date): Promise<boolean>
  /** Looks at an accepted instruction again later, unless it has moved on; it stays as it is. */
  postpone(postponement: Postponement): Promise<void>
}

const moveOn = updater<Postponement>(
  'instruction',
  {
    id: ['int', p => p.instruction.id],
    fence: ['int', p => p.instruction.attemptNo],
    until: ['time', p => sqlTime(p.until)],
  },
  "t.id = v.id AND t.attempt_no = v.fence AND t.state = 'accepted'",
  't.next_attempt_at = v.until',
)
const wakeAgain = inserter<Postponement>(
  'outbox',
  { instruction_id: p => p.instruction.id, wake_at: p => sqlTime(p.until) },
  'ON DUPLICATE KEY UPDATE wake_at = VALUES(wake_at)',
)
/** No state changes and nothing happens, so nothing is journalled. Whoever was claimed in the meantime is left alone. */
const postponeGroup =
  (db: Database) =>
  async (items: readonly Postponement[]): Promise<readonly undefined[]> => {
    // In the order of their ids: two groups that share rows wait for each other instead of deadlocking.
    const inOrder = items.toSorted((a, b) => a.instruction.id - b.instruction.id)
    await db.transaction(async tx => {
      if ((await moveOn(tx, inOrder)) > 0) await wakeAgain(tx, inOrder)
    })
    return items.map(() => undefined)
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
       AND state = 'unknown' AND lease_owner IS NULL AND next_attempt_at > ? AND (person = 1 OR next_attempt_at < ?)`,
      [at, key.officeCode, key.entrustDate, key.serialNo, key.bankCode, at, never],
    )
    return moved.affectedRows === 1
  },
  postpone: grouped<Postponement, void>(postponeGroup(db), { most: 64, lanes: 1 }),
})
