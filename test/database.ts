import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { inject } from 'vitest'
import { answers, type Database, openDatabase, quoted } from '../gateway/store/database.ts'
import { migrate } from '../gateway/store/migrate.ts'

const migrations = join(import.meta.dirname, '..', 'migrations')

/** A schema nobody else uses, on the run's MariaDB. */
export type FreshDatabase = {
  readonly url: string
  readonly db: Database
  /** Closes `db` and drops the schema. */
  drop(): Promise<void>
}

/** An empty schema of a suite's own, without the tables of `migrations/`. */
export const emptyDatabase = async (connections = 16): Promise<FreshDatabase> => {
  const server = inject('databaseUrl')
  const name = `t_${randomBytes(6).toString('hex')}`
  const url = new URL(server)
  url.pathname = `/${name}`
  if (!(await answers(url.href, true))) throw new Error('the MariaDB of this run does not answer')
  const db = openDatabase(url.href, { connections })
  const drop = async () => {
    await db.close()
    const admin = openDatabase(server, { connections: 1 })
    await admin.pool.query(`DROP DATABASE IF EXISTS ${quoted(name)}`)
    await admin.close()
  }
  return { url: url.href, db, drop }
}

/** A schema of a suite's own with every migration applied. Take one per suite and drop it at its end. */
export const freshDatabase = async (connections = 16): Promise<FreshDatabase> => {
  const fresh = await emptyDatabase(connections)
  await migrate(fresh.url, migrations, () => {})
  return fresh
}

/** The run's Redis with a key prefix nobody else uses; pass it to BullMQ as `prefix`. */
export const freshRedis = (): { url: string; prefix: string } => ({
  url: inject('redisUrl'),
  prefix: `t-${randomBytes(6).toString('hex')}`,
})
