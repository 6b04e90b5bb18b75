import { setTimeout as pause } from 'node:timers/promises'
import { createConnection, type RowDataPacket } from 'mysql2/promise'

/**
 * Kills, over a connection of its own and for so long, every connection of a schema that is seen committing; returns how many. Whether what was to
 * be committed is there afterwards, nobody can tell but the record.
 */
export const killCommits = async (databaseUrl: string, forMs: number): Promise<number> => {
  const until = performance.now() + forMs
  let killed = 0
  while (performance.now() < until) {
    // MariaDB itself may be down at the moment, by another accident.
    killed += await killOnce(databaseUrl, until).catch(() => 0)
    await pause(50)
  }
  return killed
}

const killOnce = async (databaseUrl: string, until: number): Promise<number> => {
  const connection = await createConnection({ uri: databaseUrl, connectTimeout: 1_000 })
  let killed = 0
  connection.on('error', () => {})
  try {
    while (performance.now() < until) {
      const [rows] = await connection.query<RowDataPacket[]>(
        "SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND info = 'COMMIT' AND id <> CONNECTION_ID()",
      )
      for (const { id } of rows as { id: number }[]) {
        // It may be gone by itself.
        const hit = await connection.query(`KILL CONNECTION ${Number(id)}`).catch(() => undefined)
        if (hit) killed++
      }
      await pause(2)
    }
  } finally {
    connection.destroy()
  }
  return killed
}
