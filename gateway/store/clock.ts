import type { Database } from './database.ts'

/** So far may the clocks of two processes be apart (ms), much less than the shortest quiescence of a bank; whoever is further off begins nothing at banks, and does not say it is ready. */
export const clocksApartMs = 10_000

/**
 * How far a process's clock is certainly ahead of the record's (ms); negative: behind. Leases, the banks' quiescence and what counts as old are judged by
 * the clocks of several processes. What the asking took leaves it open, and is not counted.
 */
export const clockAhead = async (db: Pick<Database, 'query'>, clock: () => Date): Promise<number> => {
  const asked = clock().getTime()
  const [row] = await db.query<{ at: Date }>('SELECT UTC_TIMESTAMP(3) AS at')
  const heard = clock().getTime()
  const at = row!.at.getTime()
  return asked > at ? asked - at : heard < at ? heard - at : 0
}
