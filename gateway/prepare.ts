import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Database, openDatabase } from './store/database.ts'
import { migrate } from './store/migrate.ts'
import { loadReference } from './store/reference.ts'

/** Where the migrations are. */
export const migrationsDir = join(import.meta.dirname, '..', 'migrations')
/** The reference data of the sample province. */
export const sampleReference = join(import.meta.dirname, 'data', 'reference.json')

/** Brings the tables up to date, and the reference data where a file is named; `amend` may change its text before. */
export const prepare = async (
  databaseUrl: string,
  reference: string | undefined,
  say: (line: string) => void,
  amend: (text: string) => string = text => text,
): Promise<void> => {
  await migrate(databaseUrl, migrationsDir, say)
  if (reference === undefined) return
  const changed = await withDatabase(databaseUrl, db => loadReference(db, amend(readFileSync(reference, 'utf8')), new Date()))
  if (changed) say(`基础资料已装载 / reference data loaded  ${reference}`)
}

/** Does something with the record, and closes it. */
export const withDatabase = async <T>(databaseUrl: string, work: (db: Database) => Promise<T>): Promise<T> => {
  const db = openDatabase(databaseUrl, { connections: 1 })
  try {
    return await work(db)
  } finally {
    await db.close()
  }
}
