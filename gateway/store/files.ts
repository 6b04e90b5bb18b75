import { wholeFault } from '../domain/detail-check.ts'
import type { DetailHeader, DetailSums } from '../domain/detail-part.ts'
import { type FileFault, type FileRule, fileFault } from '../domain/file-fault.ts'
import type { FileName } from '../domain/file-name.ts'
import { carefully } from './beside.ts'
import type { Database, Scalar, Tx } from './database.ts'
import { lookUp, overKeys, sqlTime } from './rows.ts'

/** How a file came. */
export type CameBy = 'upload' | 'sftp' | 'folder'
/** received: in the spool, not looked into; checked: good by itself, other chunks are awaited; complete: it counts; or it does not (any more). */
export type FileState = 'received' | 'checked' | 'complete' | 'refused' | 'superseded'

/** A reconciliation file of the record. */
export type FileView = {
  readonly id: number
  readonly bankCode: string
  readonly name: string
  /** What the name says; undefined where it is no name. */
  readonly of: FileName | undefined
  /** Which it is of those that were asked for; undefined where it was refused unread. */
  readonly version: number | undefined
  readonly cameBy: CameBy
  readonly bytes: number
  /** Undefined where it was refused unread. */
  readonly sha256: Buffer | undefined
  readonly state: FileState
  readonly fault: FileFault | undefined
  /** What it says, once it was checked. */
  readonly said: (DetailSums & { readonly workDate: string; readonly chunks: number }) | undefined
  readonly receivedAt: Date
  readonly endedAt: Date | undefined
  readonly repeats: number
}
/** A file that lies in the spool. */
export type Arrival = {
  readonly bankCode: string
  readonly name: string
  readonly of: FileName
  readonly cameBy: CameBy
  readonly bytes: number
  readonly sha256: Buffer
}
/** What becomes of one: new, the same as before, or refused by the rules of versions. */
export type Receipt = { readonly kind: 'received' | 'repeated' | 'refused'; readonly file: FileView }
/** What a check found: why it is refused, or what it says. */
export type Checked = { readonly fault: FileFault } | { readonly header: DetailHeader; readonly sums: DetailSums }

/** The reconciliation files of the record. */
export type Files = {
  /** Writes down what lies in the spool: the same bytes of a part once, other bytes only where they were asked for again. */
  receive(arrival: Arrival, now: Date): Promise<Receipt>
  /** Writes down what is refused before or without being read. The same again is counted. */
  refuse(
    refused: Omit<Arrival, 'of' | 'sha256'> & { readonly of: FileName | undefined; readonly fault: FileFault },
    now: Date,
  ): Promise<FileView>
  /** Files that wait for their check, of each bank the oldest first: many of one bank keep no other's waiting. */
  toCheck(now: Date, limit: number): Promise<FileView[]>
  /** The right to check a file; false: somebody else has it, or it is over. */
  claim(id: number, owner: string, now: Date, until: Date): Promise<boolean>
  /** Keeps that right longer, where it is still one's own. */
  hold(id: number, owner: string, until: Date): Promise<void>
  /** Records what a check found; the file counts with it where it is the only chunk. */
  settle(id: number, owner: string, checked: Checked, now: Date): Promise<FileView | undefined>
  /** Sets whose chunks are all checked, each in the order of its chunks. */
  wholeSets(limit: number): Promise<FileView[][]>
  /** Lets a set count, and supersedes the version before; or refuses all of it. */
  settleSet(ids: readonly number[], fault: FileFault | undefined, now: Date): Promise<boolean>
  /** The chunks of the file that counts for a session; none where there is none. */
  complete(bankCode: string, accountingDate: string, session: number): Promise<FileView[]>
  /** The work dates that a bank was told of a session: those of the session and of the requests for its file. */
  workDates(bankCode: string, accountingDate: string, session: number): Promise<string[]>
  find(id: number): Promise<FileView | undefined>
  /** Bytes that a bank has brought into the spool since then. */
  brought(bankCode: string, since: Date): Promise<number>
  /** The latest of this name that a bank sent. */
  findByName(bankCode: string, name: string): Promise<FileView | undefined>
  list(filter: FileFilter, afterId: number, limit: number): Promise<FileView[]>
  /** Of these digests those that a row speaks of, hexadecimal. */
  spokenOf(digests: readonly Buffer[]): Promise<ReadonlySet<string>>
  /** Files that came by a directory and are over, without a receipt yet. */
  toAnswer(bankCode: string, limit: number): Promise<FileView[]>
  answered(id: number, now: Date): Promise<void>
  /** Of these keys those that belong to another bank's instruction. */
  foreign(bankCode: string, keys: readonly EntryKey[]): Promise<EntryKey[]>
  /** Since when each bank gets debits anywhere. */
  activeSince(): Promise<ReadonlyMap<string, Date>>
  /** The bank days of which a whole file is there, `bank date`, from a date on. */
  daysWithFile(from: string): Promise<ReadonlySet<string>>
}
/** Which files are listed. */
export type FileFilter = { readonly bankCode?: string; readonly accountingDate?: string; readonly state?: FileState }
/** The key of an entry. */
export type EntryKey = { readonly officeCode: string; readonly entrustDate: string; readonly serialNo: string }

type Row = {
  id: number
  bankCode: string
  name: string
  accountingDate: string | null
  session: number
  version: number | null
  chunk: number
  chunks: number
  cameBy: CameBy
  bytes: number
  sha256: Buffer | null
  state: FileState
  fault: string | null
  workDate: string | null
  lines: number
  debitSum: number
  creditSum: number
  receivedAt: Date
  endedAt: Date | null
  repeats: number
}
const columns = `id, bank_code AS bankCode, name, accounting_date AS accountingDate, session, version, chunk, chunks, came_by AS cameBy, bytes, sha256,
  state, fault, work_date AS workDate, line_count AS \`lines\`, debit_sum AS debitSum, credit_sum AS creditSum, received_at AS receivedAt,
  ended_at AS endedAt, repeats`
const viewOf = (row: Row): FileView => {
  const { id, bankCode, name, accountingDate, session, version, chunk, chunks, cameBy, bytes, state, receivedAt, repeats, workDate } = row
  return {
    id,
    bankCode,
    name,
    of: accountingDate === null ? undefined : { bankCode, accountingDate, session, chunk },
    version: version ?? undefined,
    cameBy,
    bytes,
    sha256: row.sha256 ?? undefined,
    state,
    fault: row.fault === null ? undefined : (JSON.parse(row.fault) as FileFault),
    said: workDate === null ? undefined : { workDate, chunks, count: row.lines, debitSum: row.debitSum, creditSum: row.creditSum },
    receivedAt,
    endedAt: row.endedAt ?? undefined,
    repeats,
  }
}
const read = async (tx: Pick<Tx, 'query'>, rest: string, params: readonly Scalar[]): Promise<FileView[]> =>
  (await tx.query<Row>(`SELECT ${columns} FROM recon_file ${rest}`, params)).map(viewOf)
const one = async (tx: Pick<Tx, 'query'>, id: number): Promise<FileView> => (await read(tx, 'WHERE id = ?', [id]))[0]!

const inSet = 'WHERE bank_code = ? AND accounting_date = ? AND session = ?'
const setOf = ({ bankCode, accountingDate, session }: FileName): Scalar[] => [bankCode, accountingDate, session]

/** Locks the versions of a session, making the first where there is none, so that what comes for it comes one after the other. */
export const lockVersions = async (tx: Tx, of: Omit<FileName, 'chunk'>, now: Date): Promise<number> => {
  const key = [of.bankCode, of.accountingDate, of.session]
  await tx.execute('INSERT IGNORE INTO recon_version (bank_code, accounting_date, session, version, opened_at) VALUES (?, ?, ?, 1, ?)', [
    ...key,
    sqlTime(now),
  ])
  await tx.query(`SELECT version FROM recon_version ${inSet} AND version = 1 FOR UPDATE`, key)
  const [row] = await tx.query<{ version: number }>(`SELECT MAX(version) AS version FROM recon_version ${inSet}`, key)
  return row!.version
}

const spoken = overKeys('SELECT DISTINCT sha256 FROM recon_file WHERE sha256 IN (?)')

/** Opens the files over `db`. */
export const openFiles = (db: Database): Files => ({
  receive: (arrival, now) => carefully(() => db.transaction(tx => receive(tx, arrival, now))),
  refuse: (refused, now) =>
    carefully(() =>
      db.transaction(async tx => {
        const { bankCode, name, cameBy, bytes, fault } = refused
        const [known] = await read(
          tx,
          "WHERE bank_code = ? AND name = ? AND sha256 IS NULL AND bytes = ? AND came_by = ? AND state = 'refused' ORDER BY id DESC LIMIT 1",
          [bankCode, name, bytes, cameBy],
        )
        if (known?.fault?.code === fault.code) return repeated(tx, known)
        return one(tx, await insert(tx, { ...refused, sha256: undefined }, now, fault))
      }),
    ),
  toCheck: (now, limit) =>
    read(
      db,
      `JOIN (SELECT id AS due, ROW_NUMBER() OVER (PARTITION BY bank_code ORDER BY id) AS turn FROM recon_file
         WHERE state = 'received' AND (lease_until IS NULL OR lease_until <= ?)) t ON t.due = recon_file.id ORDER BY t.turn, id LIMIT ?`,
      [sqlTime(now), limit],
    ),
  claim: async (id, owner, now, until) => {
    const taken = await db.execute(
      "UPDATE recon_file SET lease_owner = ?, lease_until = ? WHERE id = ? AND state = 'received' AND (lease_until IS NULL OR lease_until <= ?)",
      [owner, sqlTime(until), id, sqlTime(now)],
    )
    return taken.affectedRows === 1
  },
  hold: async (id, owner, until) => {
    await db.execute(`UPDATE recon_file SET lease_until = ? ${mine}`, [sqlTime(until), id, owner])
  },
  settle: (id, owner, checked, now) => carefully(() => db.transaction(tx => settle(tx, id, owner, checked, now))),
  wholeSets: async limit => {
    const rows = await db.query<{ first: number }>(
      `SELECT MIN(id) AS first FROM recon_file WHERE state = 'checked'
       GROUP BY bank_code, accounting_date, session, version HAVING COUNT(*) = MAX(chunks) ORDER BY first LIMIT ?`,
      [limit],
    )
    const sets: FileView[][] = []
    for (const { first } of rows) {
      const { of, version } = await one(db, first)
      if (of && version !== undefined)
        sets.push(await read(db, `${inSet} AND version = ? AND state = 'checked' ORDER BY chunk`, [...setOf(of), version]))
    }
    return sets
  },
  settleSet: (ids, fault, now) => carefully(() => db.transaction(tx => settleSet(tx, ids, fault, now))),
  complete: (bankCode, accountingDate, session) =>
    read(db, `${inSet} AND state = 'complete' ORDER BY chunk`, [bankCode, accountingDate, session]),
  workDates: async (...key) => {
    const of = (table: string) => `SELECT work_date AS day FROM ${table} ${inSet}`
    const rows = await db.query<{ day: string }>(`${of('reconciliation')} UNION ${of('recon_request')} ORDER BY day`, [...key, ...key])
    return rows.map(({ day }) => day)
  },
  brought: async (bankCode, since) => {
    const [row] = await db.query<{ bytes: string }>(
      'SELECT COALESCE(SUM(bytes), 0) AS bytes FROM recon_file WHERE bank_code = ? AND sha256 IS NOT NULL AND received_at > ?',
      [bankCode, sqlTime(since)],
    )
    return Number(row!.bytes)
  },
  find: async id => (await read(db, 'WHERE id = ?', [id]))[0],
  findByName: async (bankCode, name) => (await read(db, 'WHERE bank_code = ? AND name = ? ORDER BY id DESC LIMIT 1', [bankCode, name]))[0],
  list: ({ bankCode, accountingDate, state }, afterId, limit) => {
    const asked: readonly (readonly [string, Scalar | undefined])[] = [
      ['bank_code = ?', bankCode],
      ['accounting_date = ?', accountingDate],
      ['state = ?', state],
    ]
    const given = asked.flatMap(([condition, value]) => (value === undefined ? [] : [{ condition, value }]))
    const where = ['id > ?', ...given.map(({ condition }) => condition)].join(' AND ')
    return read(db, `WHERE ${where} ORDER BY id LIMIT ?`, [afterId, ...given.map(({ value }) => value), limit])
  },
  spokenOf: async digests => new Set((await spoken.query<{ sha256: Buffer }>(db, digests)).map(({ sha256 }) => sha256.toString('hex'))),
  toAnswer: (bankCode, limit) =>
    read(
      db,
      "WHERE state IN ('complete', 'refused', 'superseded') AND came_by <> 'upload' AND answered_at IS NULL AND bank_code = ? ORDER BY id LIMIT ?",
      [bankCode, limit],
    ),
  answered: async (id, now) => {
    await db.execute('UPDATE recon_file SET answered_at = ? WHERE id = ? AND answered_at IS NULL', [sqlTime(now), id])
  },
  foreign: (bankCode, keys) => ofOthers<EntryKey>(db, keys, [bankCode]),
  activeSince: async () => {
    const rows = await db.query<{ bankCode: string; at: Date }>(
      "SELECT bank_code AS bankCode, MIN(at) AS at FROM registry_line WHERE event = 'activate' GROUP BY bank_code",
    )
    return new Map(rows.map(({ bankCode, at }) => [bankCode, at]))
  },
  daysWithFile: async from => {
    const rows = await db.query<{ day: string }>(
      "SELECT DISTINCT CONCAT(bank_code, ' ', accounting_date) AS day FROM recon_file WHERE state = 'complete' AND accounting_date >= ?",
      [from],
    )
    return new Set(rows.map(({ day }) => day))
  },
})

const insert = async (
  tx: Tx,
  file: Omit<Arrival, 'of' | 'sha256'> & {
    readonly of: FileName | undefined
    readonly version?: number
    readonly sha256: Buffer | undefined
  },
  now: Date,
  fault?: FileFault,
): Promise<number> => {
  const { bankCode, name, of, version, cameBy, bytes, sha256 } = file
  const { insertId } = await tx.execute(
    `INSERT INTO recon_file (bank_code, name, accounting_date, session, version, chunk, came_by, bytes, sha256, state, fault, received_at, ended_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      ...[bankCode, name, of?.accountingDate ?? null, of?.session ?? null, version ?? null, of?.chunk ?? null],
      ...[cameBy, bytes, sha256 ?? null, fault ? 'refused' : 'received', fault ? JSON.stringify(fault) : null],
      ...[sqlTime(now), fault ? sqlTime(now) : null],
    ],
  )
  return insertId
}

const repeated = async (tx: Tx, { id }: FileView): Promise<FileView> => {
  await tx.execute('UPDATE recon_file SET repeats = repeats + 1, answered_at = NULL WHERE id = ?', [id])
  return one(tx, id)
}

const receive = async (tx: Tx, arrival: Arrival, now: Date): Promise<Receipt> => {
  const { of, sha256 } = arrival
  const newest = await lockVersions(tx, of, now)
  // What was refused with the other chunks of its set may have been good itself, and comes anew.
  const same = await read(tx, `${inSet} AND chunk = ? AND sha256 = ? AND of_set = 0 ORDER BY id DESC`, [...setOf(of), of.chunk, sha256])
  const said = same.find(({ fault }) => !circumstances.has(fault?.code ?? ''))
  // A file of one part that was asked for again and comes as it was is what it was; a part of several may be the one that was good.
  if (said && (said.version === newest || said.said?.chunks === 1)) return { kind: 'repeated', file: await repeated(tx, said) }
  const live = await read(tx, `${inSet} AND version = ? AND chunk = ? AND live = 1`, [...setOf(of), newest, of.chunk])
  if (live.length === 0) return { kind: 'received', file: await one(tx, await insert(tx, { ...arrival, version: newest }, now)) }
  const before = said ?? same[0]
  if (before) return { kind: 'repeated', file: await repeated(tx, before) }
  return { kind: 'refused', file: await one(tx, await insert(tx, { ...arrival, version: newest }, now, fileFault('content-differs'))) }
}

/** What was refused for these may be right later: the gateway may have asked since, or told the bank another work date, or the disk been mended. */
const circumstances: ReadonlySet<string> = new Set(['content-differs', 'digest-changed', 'header-work-date'] satisfies FileRule[])

const settle = async (tx: Tx, id: number, owner: string, checked: Checked, now: Date): Promise<FileView | undefined> => {
  const { of, version } = await one(tx, id)
  if (!of || version === undefined) return undefined
  await lockVersions(tx, of, now)
  const judged = 'fault' in checked ? checked : ((await chunksFault(tx, of, version, checked.header.chunks)) ?? checked)
  const moved = 'fault' in judged ? await refuseOne(tx, id, owner, judged.fault, now) : await passOne(tx, id, owner, judged)
  if (!moved) return undefined
  const file = await one(tx, id)
  if (file.said?.chunks === 1) await count(tx, [file], now)
  return one(tx, id)
}

/** All parts of a file speak of as many parts. */
const chunksFault = async (tx: Tx, of: FileName, version: number, chunks: number): Promise<{ readonly fault: FileFault } | undefined> => {
  const others = await read(tx, `${inSet} AND version = ? AND state = 'checked'`, [...setOf(of), version])
  return others.some(({ said }) => said?.chunks !== chunks) ? { fault: fileFault('chunks-differ') } : undefined
}

const mine = "WHERE id = ? AND state = 'received' AND lease_owner = ?"
const refuseOne = async (tx: Tx, id: number, owner: string, fault: FileFault, now: Date): Promise<boolean> => {
  const sql = `UPDATE recon_file SET state = 'refused', fault = ?, ended_at = ? ${mine}`
  return (await tx.execute(sql, [JSON.stringify(fault), sqlTime(now), id, owner])).affectedRows === 1
}
const passOne = async (
  tx: Tx,
  id: number,
  owner: string,
  { header, sums }: Extract<Checked, { readonly header: DetailHeader }>,
): Promise<boolean> => {
  const sql = `UPDATE recon_file SET state = 'checked', chunks = ?, work_date = ?, line_count = ?, debit_sum = ?, credit_sum = ?, whole_count = ?,
     whole_debit_sum = ?, whole_credit_sum = ? ${mine}`
  const said = [header.chunks, header.workDate, sums.count, sums.debitSum, sums.creditSum]
  const whole = [header.fileCount, header.fileDebitSum, header.fileCreditSum]
  return (await tx.execute(sql, [...said, ...whole, id, owner])).affectedRows === 1
}

const settleSet = async (tx: Tx, ids: readonly number[], fault: FileFault | undefined, now: Date): Promise<boolean> => {
  const first = await one(tx, ids[0]!)
  if (!first.of) return false
  await lockVersions(tx, first.of, now)
  const marks = ids.map(() => '?').join(', ')
  const set = await read(tx, `WHERE id IN (${marks}) AND state = 'checked' ORDER BY chunk`, ids)
  if (set.length !== ids.length) return false
  const found = fault ?? (await setFault(tx, ids))
  if (!found) await count(tx, set, now)
  else
    await tx.execute(`UPDATE recon_file SET state = 'refused', of_set = 1, fault = ?, ended_at = ? WHERE id IN (${marks})`, [
      JSON.stringify(found),
      sqlTime(now),
      ...ids,
    ])
  return true
}

/** All headers name the same whole, and the chunks come to it. */
const setFault = async (tx: Tx, ids: readonly number[]): Promise<FileFault | undefined> => {
  const rows = await tx.query<DetailSums & { fileCount: number; fileDebitSum: number; fileCreditSum: number; workDate: string }>(
    `SELECT line_count AS count, debit_sum AS debitSum, credit_sum AS creditSum, whole_count AS fileCount, whole_debit_sum AS fileDebitSum,
       whole_credit_sum AS fileCreditSum, work_date AS workDate FROM recon_file WHERE id IN (${ids.map(() => '?').join(', ')})`,
    ids,
  )
  if (new Set(rows.map(({ workDate }) => workDate)).size > 1) return fileFault('header-work-date')
  return rows.map(row => wholeFault(rows, row)).find(each => each !== undefined)
}

/** From now on these are the file of their session, and the version before is not any more. */
const count = async (tx: Tx, set: readonly FileView[], now: Date): Promise<void> => {
  const { of, version } = set[0]!
  if (!of || version === undefined) return
  const at = sqlTime(now)
  const [newer] = await read(tx, `${inSet} AND version > ? AND state = 'complete' LIMIT 1`, [...setOf(of), version])
  const complete = `UPDATE recon_file SET state = 'complete', ended_at = ? WHERE id IN (${set.map(() => '?').join(', ')})`
  await tx.execute(complete, [at, ...set.map(({ id }) => id)])
  await tx.execute(`UPDATE recon_version SET complete_at = ? ${inSet} AND version = ?`, [at, ...setOf(of), version])
  const over = newer ? 'version = ?' : 'version < ?'
  await tx.execute(`UPDATE recon_file SET state = 'superseded', ended_at = ? ${inSet} AND ${over} AND state = 'complete'`, [
    at,
    ...setOf(of),
    version,
  ])
}

const ofOthers = lookUp<EntryKey>(
  {
    office_code: ['ascii', k => k.officeCode],
    entrust_date: ['date', k => k.entrustDate],
    serial_no: ['ascii', k => k.serialNo],
  },
  `SELECT i.office_code AS officeCode, i.entrust_date AS entrustDate, i.serial_no AS serialNo FROM (?) v
   STRAIGHT_JOIN instruction i ON i.office_code = v.office_code AND i.entrust_date = v.entrust_date AND i.serial_no = v.serial_no
   WHERE i.bank_code <> ?`,
)
