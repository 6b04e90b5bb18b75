import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { fail } from '@taxlink/bank-sdk'
import mysql, { type PoolConnection as CoreConnection, type Pool as CorePool, type QueryOptions, type ResultSetHeader } from 'mysql2'
import { type Connection, type ConnectionOptions, createConnection, createPool, type Pool } from 'mysql2/promise'

/** What may be bound to a `?`: scalars only, so that no object can ever be spread into SQL; integers, never fractions. */
export type Scalar = string | number | bigint | boolean | Date | Uint8Array | null

/**
 * The effect of a write. `affectedRows` counts the rows that matched (not those that changed), so a compare-and-set
 * `UPDATE … WHERE id=? AND version=?` succeeded exactly when it is 1.
 */
export type Effect = { readonly affectedRows: number; readonly insertId: number }

/** Statements of one transaction: `query` reads rows, `execute` writes with a prepared statement. */
export type Tx = {
  query<T>(sql: string, params?: readonly Scalar[]): Promise<T[]>
  execute(sql: string, params?: readonly Scalar[]): Promise<Effect>
}

/** How often a whole transaction may be run again after a deadlock or a lock wait (5 when left out). */
export type TransactionOptions = { readonly retries?: number }

/**
 * The record. Rows come back with DATETIME as `Date` (UTC), DATE as `YYYY-MM-DD`, DECIMAL (thus every SUM) as string,
 * BIGINT as number while safe and as string beyond 2^53: no digit is ever lost.
 */
export type Database = Tx & {
  /** Runs `work` between START TRANSACTION and COMMIT; runs the whole of it again after a deadlock, so it must have no other effects. */
  transaction<T>(work: (tx: Tx) => Promise<T>, options?: TransactionOptions): Promise<T>
  /** The pool itself, for streaming; its statements wait for ever and its transactions are not to be used. */
  readonly pool: Pool
  /** What drizzle reads through: a statement without an answer is given up, as any other. */
  readonly reads: Reads
  close(): Promise<void>
}

/** The one method of a pool that drizzle's reads need. */
export type Reads = { query(options: QueryOptions, params?: Scalar[]): Promise<[unknown, never[]]> }

export type DatabaseOptions = {
  /** The most connections open at once; a caller beyond that waits its turn. */
  readonly connections: number
  /** Milliseconds after which a statement without an answer is given up and its connection destroyed (30,000). */
  readonly statementTimeout?: number
  /** The source of jitter between retries, 0 ≤ x < 1. */
  readonly random?: () => number
}

/**
 * The answer to a COMMIT, or to a write outside a transaction, never came or was an error: it may have been applied (mostly it was).
 * Never treat it as rolled back: read again by key.
 */
export class CommitUnknown extends Error {
  constructor(cause: unknown) {
    super('the outcome of the commit is unknown; read again by key', { cause })
    this.name = 'CommitUnknown'
  }
}

// Matched by number, never by name: mysql2 names MariaDB's numbers after MySQL's.
const deadlock = 1213
const lockWait = 1205
const recordChanged = 1020
/**
 * Errors a server sends while it ends the connection (shutdown, killed, aborted, idle too long), or because it is not the one to write to any
 * more (read-only after a switch-over): its connection is given up, so that the next finds whoever stands at the address now.
 */
const endings = new Set([1053, 1152, 1158, 1159, 1160, 1161, 1290, 1836, 1927, 3169, 4031])

const waiting = 4096
const preparedPerConnection = 400

/** Opens the pool; nothing is connected until the first statement. Every connection speaks UTC, READ COMMITTED and strict SQL. */
export const openDatabase = (url: string, options: DatabaseOptions): Database => {
  const { connections, statementTimeout = 30_000, random = Math.random } = options
  const pool = createPool({
    ...connectionOptions(url),
    connectionLimit: connections,
    maxIdle: connections,
    waitForConnections: true,
    queueLimit: waiting,
    maxPreparedStatements: preparedPerConnection,
  })
  pool.pool.on('connection', connection => {
    // An idle connection may be told of its end twice; the second 'error' without a listener would end the process.
    connection.on('error', () => {})
    // These go first in the connection's own queue, before the statement of whoever borrows it.
    for (const sql of [...session, endsAfter(statementTimeout)]) {
      connection.query(sql, error => {
        // Half a session is worse than none: everything queued behind fails with this error.
        if (error) cut(connection, error)
      })
    }
  })

  const again = async <T>(retries: number, once: () => Promise<T>): Promise<T> => {
    for (let attempt = 0; ; attempt++) {
      try {
        return await once()
      } catch (error) {
        if (attempt >= retries || !mayRunAgain(error)) throw error
      }
      await pause(Math.min(200, 5 * 2 ** attempt) * (0.5 + random()))
    }
  }

  return {
    pool,
    reads: {
      query: (options, params) =>
        borrowed(pool.pool, async connection => [await queried(connection, { ...options, timeout: statementTimeout }, params), []]),
    },
    query: (sql, params = []) => borrowed(pool.pool, connection => read(connection, sql, params, statementTimeout)),
    execute: (sql, params = []) =>
      again(5, () =>
        borrowed(pool.pool, async connection => {
          try {
            return await write(connection, sql, params, statementTimeout)
          } catch (error) {
            throw leavesDoubt(error) ? new CommitUnknown(error) : error
          }
        }),
      ),
    transaction: (work, { retries = 5 } = {}) => again(retries, () => transactionOnce(pool.pool, work, statementTimeout)),
    close: () => pool.end(),
  }
}

/** A connection of its own with the same session as the pool's, for migrations and set-up; the caller ends it. */
export const openConnection = async (url: string, database?: string): Promise<Connection> => {
  const connection = await createConnection({ ...connectionOptions(url), ...(database === undefined ? {} : { database }) })
  connection.on('error', () => {})
  try {
    for (const sql of session) await connection.query(sql)
  } catch (error) {
    connection.destroy()
    throw error
  }
  return connection
}

/** Whether the server answers; with `create`, also makes the database the URL names when it is missing. */
export const answers = async (url: string, create = false): Promise<boolean> => {
  const { database } = connectionOptions(url)
  let connection: Connection | undefined
  try {
    connection = await openConnection(url, create ? '' : database)
    // utf8mb4_bin: no two keys are the same only because a collation says so.
    if (create && database)
      await connection.query(`CREATE DATABASE IF NOT EXISTS ${quoted(database)} CHARACTER SET utf8mb4 COLLATE utf8mb4_bin`)
    await connection.query('SELECT 1')
    return true
  } catch {
    return false
  } finally {
    connection?.destroy()
  }
}

/** A name of a table or database as SQL. */
export const quoted = (name: string): string => `\`${name.replaceAll('`', '``')}\``

// A process that is stopped inside a transaction keeps its locks, of which all others need some: MariaDB ends it after ten seconds of silence.
// MySQL knows no such limit.
const session = [
  `SET SESSION time_zone = '+00:00', autocommit = 1, innodb_lock_wait_timeout = 5,
     sql_mode = 'STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,ONLY_FULL_GROUP_BY'
     /*M!100300 , idle_transaction_timeout = 10 */`,
  // As a statement, because the variable is tx_isolation in MariaDB and transaction_isolation in MySQL.
  'SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED',
]

/**
 * The time-out is ours alone: what we have given up runs on at the server, with its locks, until MariaDB ends it, a little later than we do. MySQL knows no
 * such limit of what writes.
 */
const endsAfter = (timeoutMs: number): string => `SET SESSION autocommit = 1 /*M!100101 , max_statement_time = ${timeoutMs / 1000 + 2} */`

/** The options of every connection. Read from the URL by hand: mysql2 lets a URL's parameters override options that are `false`. */
const connectionOptions = (url: string): ConnectionOptions => {
  const parsed = URL.canParse(url)
    ? new URL(url)
    : fail('bad-config', 'the database URL is not a URL: mysql://user:password@host:3306/database')
  if (!['mysql:', 'mariadb:'].includes(parsed.protocol)) fail('bad-config', 'the database URL begins with mysql:// or mariadb://')
  for (const name of parsed.searchParams.keys())
    if (name !== 'ssl' && name !== 'ssl-ca')
      fail('bad-config', `the database URL has an unknown parameter "${name}"; known are ssl and ssl-ca`)
  const ca = parsed.searchParams.get('ssl-ca')
  const ssl = ca !== null || parsed.searchParams.get('ssl') === 'true'
  return {
    host: parsed.hostname.replace(/^\[|\]$/g, ''),
    port: Number(parsed.port || 3306),
    user: decodeURIComponent(parsed.username),
    password: decodeURIComponent(parsed.password),
    database: decodeURIComponent(parsed.pathname.slice(1)),
    ...(ssl ? { ssl: { minVersion: 'TLSv1.2', rejectUnauthorized: true, ...(ca === null ? {} : { ca: readFileSync(ca, 'utf8') }) } } : {}),
    charset: 'UTF8MB4_BIN',
    timezone: 'Z',
    dateStrings: ['DATE'],
    supportBigNumbers: true,
    bigNumberStrings: false,
    multipleStatements: false,
    // A server must not be able to ask for our files.
    flags: ['-LOCAL_FILES'],
    connectTimeout: 10_000,
    enableKeepAlive: true,
    keepAliveInitialDelay: 10_000,
  }
}

/** The server's number of an error, 0 when the error is not the server's: 1062 duplicate key, 4025/3819 a CHECK. */
export const errnoOf = (error: unknown): number =>
  error instanceof Error && 'errno' in error && typeof error.errno === 'number' ? Math.max(0, error.errno) : 0

const mayRunAgain = (error: unknown): boolean => [deadlock, lockWait, recordChanged].includes(errnoOf(error))

/** Whether the error leaves open what the server did: anything but a complete answer of a server that stays connected. */
const leavesDoubt = (error: unknown): boolean =>
  !(error instanceof BadCall) &&
  (!(error instanceof Error) || !('sqlState' in error) || ('fatal' in error && error.fatal === true) || endings.has(errnoOf(error)))

/** Whether the error is that of a record out of reach, so that it says nothing about the statement: any other statement would have met it too. */
export const isAway = (error: unknown): boolean =>
  error instanceof CommitUnknown ||
  (leavesDoubt(error) && error instanceof Error && ('fatal' in error || 'code' in error || 'errno' in error))

/** Ends the socket at once; whatever still waits on it fails instead of waiting for ever. */
const cut = (connection: { destroy(): void }, error: Error): void => {
  if ('stream' in connection && connection.stream instanceof Object && 'destroy' in connection.stream) {
    if (typeof connection.stream.destroy === 'function') connection.stream.destroy(error)
  }
  connection.destroy()
}

// mysql2's own promises record a stack for every statement, about as dear as the statement itself; these do not.
const taken = (pool: CorePool): Promise<CoreConnection> =>
  new Promise((resolve, reject) => {
    pool.getConnection((error, connection) => (error ? reject(error) : resolve(connection)))
  })
const queried = (connection: CoreConnection, options: QueryOptions, params: Scalar[] = []): Promise<unknown> =>
  new Promise((resolve, reject) => {
    connection.query(options, params, (error, rows) => (error ? reject(error) : resolve(rows)))
  })
const executed = (connection: CoreConnection, options: QueryOptions, params: ReturnType<typeof typed>[]): Promise<unknown> =>
  new Promise((resolve, reject) => {
    connection.execute(options, params, (error, effect) => (error ? reject(error) : resolve(effect)))
  })

/** Lends a connection; it returns to the pool only if nothing about it is in doubt. */
const borrowed = async <T>(pool: CorePool, work: (connection: CoreConnection) => Promise<T>): Promise<T> => {
  const connection = await taken(pool)
  try {
    const result = await work(connection)
    connection.release()
    return result
  } catch (error) {
    if (!(error instanceof CommitUnknown) && !leavesDoubt(error)) connection.release()
    else cut(connection, new Error('the connection was given up'))
    throw error
  }
}

const transactionOnce = async <T>(pool: CorePool, work: (tx: Tx) => Promise<T>, timeout: number): Promise<T> => {
  const connection = await taken(pool)
  const scope = openScope(connection, timeout)
  let sound = false
  try {
    await queried(connection, { sql: 'START TRANSACTION', timeout })
    const result = await work(scope.tx)
    // The work may have caught an error after which the server had already rolled back; nothing may be committed then.
    scope.end()
    try {
      await queried(connection, { sql: 'COMMIT', timeout })
    } catch (error) {
      throw new CommitUnknown(error)
    }
    sound = true
    return result
  } catch (error) {
    scope.close()
    if (!(error instanceof CommitUnknown) && !scope.doubt()) sound = await rolledBack(connection, timeout)
    throw error instanceof CommitUnknown ? error : (scope.first() ?? error)
  } finally {
    if (sound) connection.release()
    else cut(connection, new Error('the connection was given up'))
  }
}

const unawaited = 'the transaction is over; every statement in it must be awaited'

/** The statements of one transaction, refused once it is over or once the server has ended it. */
const openScope = (connection: CoreConnection, timeout: number) => {
  let broken: unknown
  let over = false
  let underWay = 0
  const guarded = async <T>(statement: () => Promise<T>): Promise<T> => {
    if (broken !== undefined) throw broken
    if (over) throw new BadCall(unawaited)
    underWay++
    try {
      return await statement()
    } catch (error) {
      if (mayRunAgain(error) || leavesDoubt(error)) broken ??= error
      throw error
    } finally {
      underWay--
    }
  }
  const tx: Tx = {
    query: (sql, params = []) => guarded(() => read(connection, sql, params, timeout)),
    execute: (sql, params = []) => guarded(() => write(connection, sql, params, timeout)),
  }
  const close = () => {
    over = true
  }
  const end = () => {
    close()
    if (broken !== undefined) throw broken
    // It could yet deadlock, and a COMMIT after that would succeed with nothing in it.
    if (underWay > 0) throw new BadCall(unawaited)
  }
  return { tx, close, end, first: () => broken, doubt: () => broken !== undefined && leavesDoubt(broken) }
}

const rolledBack = async (connection: CoreConnection, timeout: number): Promise<boolean> => {
  try {
    await queried(connection, { sql: 'ROLLBACK', timeout })
    return true
  } catch {
    // The error that brought us here is the one to tell; the server rolls back when it sees the connection gone.
    return false
  }
}

const read = async <T>(connection: CoreConnection, sql: string, params: readonly Scalar[], timeout: number): Promise<T[]> => {
  const rows = await queried(connection, { sql, timeout }, params.map(scalar))
  if (!Array.isArray(rows)) throw new BadCall('query() is for statements that return rows')
  return rows as unknown[] as T[]
}

const write = async (connection: CoreConnection, sql: string, params: readonly Scalar[], timeout: number): Promise<Effect> => {
  const effect = (await executed(connection, { sql, timeout }, params.map(typed))) as ResultSetHeader
  if (Array.isArray(effect)) throw new BadCall('execute() is for statements that return no rows')
  return { affectedRows: effect.affectedRows, insertId: effect.insertId }
}

/** A mistake of the caller found before or after the wire; the connection is in no doubt. */
class BadCall extends TypeError {}

const scalar = (value: Scalar): Scalar => {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'bigint' && BigInt.asIntN(64, value) === value) return value
  if (typeof value === 'number' && Number.isSafeInteger(value)) return value
  if (value instanceof Date && !Number.isNaN(value.getTime())) return value
  if (value instanceof Uint8Array) return Buffer.isBuffer(value) ? value : Buffer.from(value)
  throw new BadCall(
    `a ${value === undefined ? 'missing value' : typeof value === 'number' ? 'number that is no safe integer' : typeof value} cannot be bound`,
  )
}

// Taken once: in mysql2 it is a getter that goes through `require` at every look.
const { TypedParameter } = mysql

/** Integers travel as BIGINT; left alone, the prepared protocol sends them as DOUBLE. */
const typed = (value: Scalar) => {
  const checked = scalar(value)
  return typeof checked === 'number' || typeof checked === 'bigint' ? TypedParameter.BIGINT(checked) : checked
}
