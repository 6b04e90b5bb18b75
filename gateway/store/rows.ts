import type { Scalar, Tx } from './database.ts'

// The hot statements are prepared and carry many rows each, in few sizes: whole sixteens up to 128, and what is left of fewer than sixteen.
const most = 128
const step = 16

const runs = function* <T>(rows: readonly T[], largest = most): Generator<readonly T[]> {
  for (let at = 0; at < rows.length; ) {
    const left = rows.length - at
    const size = left < step ? left : Math.min(largest, left - (left % step))
    yield size === rows.length ? rows : rows.slice(at, at + size)
    at += size
  }
}

const bySize = (make: (size: number) => string): ((size: number) => string) => {
  const made: string[] = []
  return size => {
    made[size] ??= make(size)
    return made[size]
  }
}
const times = (text: string, n: number, between: string): string => Array.from({ length: n }, () => text).join(between)

/**
 * What a row puts into each column: the name and its value stand together. A text is SQL that is the same for every row: it costs no parameter.
 * Names and such texts are constants of the code.
 */
export type Columns<T> = { readonly [column: string]: ((row: T) => Scalar) | string }

/** An INSERT of any number of rows, at most `largest` a statement; `tail` stands after the values (ON DUPLICATE KEY …). */
export const inserter = <T>(table: string, columns: Columns<T>, tail = '', largest = most) => {
  const names = Object.keys(columns)
  const values = Object.values(columns).filter(value => typeof value !== 'string')
  const marks = `(${Object.values(columns)
    .map(value => (typeof value === 'string' ? value : '?'))
    .join(',')})`
  const sql = bySize(size => `INSERT INTO ${table} (${names.join(',')}) VALUES ${times(marks, size, ',')} ${tail}`)
  return async (tx: Pick<Tx, 'execute'>, rows: readonly T[]): Promise<void> => {
    for (const part of runs(rows, largest)) await tx.execute(sql(part.length), bind(part, values))
  }
}

/** How a value of the joined table is typed: without it the server would compare keys as floating point. */
const casts = {
  int: 'CAST(? AS SIGNED)',
  ascii: 'CONVERT(? USING ascii) COLLATE ascii_bin',
  time: 'CAST(? AS DATETIME(3))',
  date: 'CAST(? AS DATE)',
  text: '?',
} as const
/** The columns of the joined table: how they are typed, and their values. */
export type TypedColumns<T> = { readonly [column: string]: readonly [keyof typeof casts, (row: T) => Scalar] }

/**
 * An UPDATE of many rows, each with its own values: `UPDATE table t JOIN (… UNION ALL …) v ON <on> SET <set>`. Returns how many rows matched;
 * with the fence in `on`, fewer than given means that some were not ours any more.
 */
export const updater = <T>(table: string, columns: TypedColumns<T>, on: string, set: string) => {
  const typed = Object.entries(columns)
  const values = typed.map(([, [, value]]) => value)
  const first = `SELECT ${typed.map(([name, [cast]]) => `${casts[cast]} AS ${name}`).join(',')}`
  const rest = `SELECT ${typed.map(([, [cast]]) => casts[cast]).join(',')}`
  const sql = bySize(
    size =>
      `UPDATE ${table} t JOIN (${[first, ...Array.from({ length: size - 1 }, () => rest)].join(' UNION ALL ')}) v ON ${on} SET ${set}`,
  )
  return async (tx: Pick<Tx, 'execute'>, rows: readonly T[]): Promise<number> => {
    let matched = 0
    for (const part of runs(rows)) matched += (await tx.execute(sql(part.length), bind(part, values))).affectedRows
    return matched
  }
}

/**
 * A SELECT that looks many keys of ours up, each by an index: `sql` has them as the table `(?) v`, joined first. One parameter whatever their number; a list
 * of conditions or a UNION would be parsed and planned for every key anew.
 */
export const lookUp = <T>(columns: TypedColumns<T>, sql: string, largest = 1_000) => {
  const typed = Object.entries(columns)
  const cells = typed.map((_, i) => `c${i} VARCHAR(64) PATH '$[${i}]'`)
  const cast = typed.map(([name, [as]], i) => `${casts[as].replace('?', `j.c${i}`)} AS ${name}`)
  const made = sql.replace('(?) v', `(SELECT ${cast.join(', ')} FROM JSON_TABLE(?, '$[*]' COLUMNS (${cells.join(', ')})) j) v`)
  return async <R>(tx: Pick<Tx, 'query'>, rows: readonly T[], after: readonly Scalar[] = []): Promise<R[]> => {
    const found: R[] = []
    for (let at = 0; at < rows.length; at += largest) {
      const keys = rows.slice(at, at + largest).map(row => typed.map(([, [, value]]) => value(row)))
      for (const row of await tx.query<R>(made, [JSON.stringify(keys), ...after])) found.push(row)
    }
    return found
  }
}

const bind = <T>(rows: readonly T[], values: readonly ((row: T) => Scalar)[]): Scalar[] => {
  const params: Scalar[] = []
  for (const row of rows) for (const value of values) params.push(asText(value(row)))
  return params
}

/** Of a value that goes into a column or a CAST the server reads the digits; as a number it would pass through a bigint, at ten times the cost. */
const asText = (value: Scalar): Scalar => (typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value)

/** A statement over a list of keys, `… IN (?, ?)`; `sql` holds `IN (?)` once, last; `before` are the parameters in front of it. */
export const overKeys = (sql: string, largest = most) => {
  const made = bySize(size => sql.replace('IN (?)', `IN (${times('?', size, ',')})`))
  return {
    execute: async (tx: Pick<Tx, 'execute'>, keys: readonly Scalar[], before: readonly Scalar[] = []): Promise<number> => {
      let affected = 0
      for (const part of runs(keys, largest)) affected += (await tx.execute(made(part.length), [...before, ...part])).affectedRows
      return affected
    },
    query: async <T>(tx: Pick<Tx, 'query'>, keys: readonly Scalar[], before: readonly Scalar[] = []): Promise<T[]> => {
      const found: T[] = []
      for (const part of runs(keys, largest)) found.push(...(await tx.query<T>(made(part.length), [...before, ...part])))
      return found
    },
  }
}

let lastMs = Number.NaN
let lastText = ''

/** An instant as the server reads it: UTC, milliseconds. One transaction writes the same instant many times, so the last is remembered. */
export const sqlTime = (at: Date): string => {
  const ms = at.getTime()
  if (ms !== lastMs) {
    lastText = at.toISOString().slice(0, 23).replace('T', ' ')
    lastMs = ms
  }
  return lastText
}

/** The condition that a column holds one of these, each bound by a `?`; none where all are meant. */
export const within = (column: string, values: readonly string[] | undefined): string[] =>
  values === undefined ? [] : [values.length === 0 ? 'FALSE' : `${column} IN (${times('?', values.length, ', ')})`]
