import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Fault, fail } from '@taxlink/bank-sdk'
import type { Connection, RowDataPacket } from 'mysql2/promise'
import { errnoOf, openConnection } from './database.ts'

/**
 * Applies the SQL files of `dir` that are not yet applied, in order, and returns their names. Safe at any time and from any number of
 * processes: one works, the others wait; an interrupted file goes on at the statement where it stopped.
 */
export const migrate = async (databaseUrl: string, dir: string, say: (line: string) => void): Promise<string[]> => {
  const files = filesOf(dir)
  const connection = await openConnection(databaseUrl)
  try {
    await lock(connection, say)
    await connection.query(table)
    const known = await progressOf(connection)
    check(files, known)
    const applied: string[] = []
    for (const file of files) {
      const progress = known.get(file.name)
      if (progress?.applied_at) continue
      say(`迁移 / migrating ${file.name}`)
      await apply(connection, file, progress)
      applied.push(file.name)
    }
    return applied
  } finally {
    // The lock goes with the connection.
    await connection.end().catch(() => connection.destroy())
  }
}

/** The names of the files of `dir` that are not wholly applied; reads only, for readiness. */
export const pending = async (databaseUrl: string, dir: string): Promise<string[]> => {
  const files = filesOf(dir)
  const connection = await openConnection(databaseUrl)
  try {
    const known = await progressOf(connection)
    return files.filter(file => !known.get(file.name)?.applied_at).map(file => file.name)
  } catch (error) {
    if (errnoOf(error) === noSuchTable) return files.map(file => file.name)
    throw error
  } finally {
    connection.destroy()
  }
}

type File = { readonly name: string; readonly statements: readonly string[] }

/** `done` statements are applied and `sha256` is theirs; when `begun` is one more, the next was sent and its fate is not known. */
type Progress = { readonly done: number; readonly begun: number; readonly sha256: string; readonly applied_at: Date | null }

const table = `CREATE TABLE IF NOT EXISTS migration (
  name       VARCHAR(190) CHARACTER SET ascii COLLATE ascii_bin NOT NULL PRIMARY KEY,
  sha256     CHAR(64)     CHARACTER SET ascii COLLATE ascii_bin NOT NULL,
  begun      INT          NOT NULL,
  done       INT          NOT NULL,
  applied_at DATETIME(3)  NULL
)`

const noSuchTable = 1146
const duplicateEntry = 1062
/**
 * What a statement says when it has already been done: table, column, key, constraint, trigger exists; nothing to drop. Believed only of
 * a statement whose answer an interruption kept from us.
 */
const alreadyDone = new Set([1050, 1060, 1061, 1068, 1826, 3822, 1359, 1051, 1091, 1360])

const filesOf = (dir: string): File[] => {
  const names = readdirSync(dir)
    .filter(name => name.endsWith('.sql'))
    .sort()
  const numbers = new Set<string>()
  return names.map(name => {
    const number = /^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)?.[1]
    if (!number) return fail('bad-migration', `${name} is not named like 0001-debits.sql`)
    if (numbers.has(number)) fail('bad-migration', `two files have the number ${number}`)
    numbers.add(number)
    return { name, statements: statementsOf(readFileSync(join(dir, name), 'utf8')) }
  })
}

/**
 * Cuts a file at each `;` outside quotes, comments and the body of a trigger (BEGIN … END). Comments stay with the statement they stand before.
 */
export const statementsOf = (text: string): string[] => {
  // One alternative an element of SQL, tried at each place; whatever is none of them is a character by itself.
  const element = /'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`[^`]*`|--(?=\s|$)[^\n]*|#[^\n]*|\/\*.*?\*\/|[A-Za-z_]\w*|./gs
  const statements: string[] = []
  let statement = ''
  let hasCode = false
  let depth = 0
  let last = ''
  const cut = () => {
    if (hasCode) statements.push(statement.trim())
    statement = ''
    hasCode = false
    depth = 0
  }
  const plain = text.replaceAll('\r\n', '\n')
  for (const { 0: part, index } of plain.matchAll(element)) {
    if (part === ';' && depth === 0) {
      cut()
      continue
    }
    // `END CASE` closes the CASE; `END IF` closes what was never counted.
    if (/^(?:BEGIN|CASE)$/i.test(part) && !/^END$/i.test(last) && isTrigger.test(statement)) depth++
    if (/^END$/i.test(part) && depth > 0 && !endsOther.test(plain.slice(index + part.length, index + 20))) depth--
    if (/\S/.test(part)) last = part
    statement += part
    if (/\S/.test(part) && !/^(--\s|--$|#|\/\*)/.test(part)) hasCode = true
  }
  cut()
  return statements
}
const isTrigger = /^\s*(?:--[^\n]*\n\s*|\/\*.*?\*\/\s*)*CREATE\s+TRIGGER\b/is
const endsOther = /^\s+(?:IF|LOOP|WHILE|REPEAT)\b/i

const sha256 = (statements: readonly string[]): string => createHash('sha256').update(statements.join(';\n')).digest('hex')

/** One process at a time migrates a schema. The name holds the schema, since the server's locks are for all of them. */
const lock = async (connection: Connection, say: (line: string) => void): Promise<void> => {
  const take = async (seconds: number) => {
    const [rows] = await connection.query<RowDataPacket[]>(
      "SELECT GET_LOCK(CONCAT('taxlink.migrate.', LEFT(SHA2(DATABASE(), 256), 16)), ?) AS taken",
      [seconds],
    )
    return rows[0]?.taken === 1
  }
  if (await take(0)) return
  say('另一进程正在迁移,等待 / another process is migrating; waiting')
  if (!(await take(600))) fail('bad-migration', 'another process has held the lock for ten minutes')
}

const progressOf = async (connection: Connection): Promise<Map<string, Progress>> => {
  const [rows] = await connection.query<RowDataPacket[]>('SELECT name, sha256, begun, done, applied_at FROM migration')
  return new Map((rows as (Progress & { name: string })[]).map(row => [row.name, row]))
}

const check = (files: readonly File[], known: ReadonlyMap<string, Progress>): void => {
  let unapplied: string | undefined
  for (const file of files) {
    const progress = known.get(file.name)
    if (!progress?.applied_at) unapplied ??= file.name
    else if (unapplied) fail('bad-migration', `${unapplied} comes before ${file.name}, which is already applied; give it a higher number`)
    if (!progress) continue
    // Of a file that stopped half-way, what follows may still be mended.
    const sealed = progress.applied_at ? file.statements : file.statements.slice(0, progress.done)
    if (sha256(sealed) !== progress.sha256) fail('bad-migration', `${file.name} was changed after it was applied`)
  }
}

const apply = async (connection: Connection, file: File, progress: Progress | undefined): Promise<void> => {
  const { name, statements } = file
  if (!progress) await connection.query('INSERT INTO migration (name, sha256, begun, done) VALUES (?, ?, 0, 0)', [name, sha256([])])
  const inDoubt = progress && progress.begun > progress.done ? progress.done : -1
  for (const [i, statement] of statements.entries()) {
    if (i < (progress?.done ?? 0)) continue
    await connection.query('UPDATE migration SET begun = ? WHERE name = ?', [i + 1, name])
    try {
      // Rows and their progress are committed together. A definition (DDL) commits by itself; for it there is `begun`.
      await connection.query('START TRANSACTION')
      await connection.query(statement)
    } catch (error) {
      if (i !== inDoubt || !alreadyDone.has(errnoOf(error))) await refuse(connection, file, i, error)
    }
    await connection.query('UPDATE migration SET done = ?, sha256 = ? WHERE name = ?', [i + 1, sha256(statements.slice(0, i + 1)), name])
    await connection.query('COMMIT')
  }
  await connection.query('UPDATE migration SET applied_at = UTC_TIMESTAMP(3) WHERE name = ?', [name])
}

/** Tells which statement the server refused. If it could not even answer, the statement stays in doubt. */
const refuse = async (connection: Connection, file: File, i: number, error: unknown): Promise<never> => {
  const errno = errnoOf(error)
  if (errno === 0 || !(error instanceof Error)) throw error
  try {
    await connection.query('ROLLBACK')
    await connection.query('UPDATE migration SET begun = done WHERE name = ?', [file.name])
  } catch {
    throw error
  }
  // The text of a duplicate entry holds the entry.
  const text = errno === duplicateEntry ? 'duplicate entry' : error.message
  throw new Fault('bad-migration', `${file.name}, statement ${i + 1}: error ${errno}: ${text}`)
}
