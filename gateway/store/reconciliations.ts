import type { UnifiedCode } from '@taxlink/bank-sdk'
import { bookingVerbs, type Totals } from '../domain/booking.ts'
import type { EntryKey } from '../domain/fingerprint.ts'
import type { Difference, DifferenceType } from '../domain/reconcile.ts'
import {
  beforeRemittance,
  highestSession,
  type SessionEvent,
  type SessionKind,
  type SessionState,
  sessionMachine,
} from '../domain/session.ts'
import { carefully, duplicateKey } from './beside.ts'
import { type Database, errnoOf, type Scalar, type Tx } from './database.ts'
import { insertDifferences, removeDifferences, type SessionKey } from './differences.ts'
import { overKeys, sqlTime, within } from './rows.ts'

/** How many differences of each type a session has found; a type it has none of is left out. */
export type DifferenceCounts = { readonly [T in DifferenceType]?: number }

/** 对账场次 as it stands. */
export type SessionView = SessionKey & {
  /** The tax side's day on which it is held; not the accounting date (art. 35(5)). */
  readonly workDate: string
  readonly kind: SessionKind
  readonly state: SessionState
  readonly openedBy: string
  readonly reason: string
  readonly openedAt: Date
  /** Doubts of the day that were open when it was frozen: they are no bookings, and the bank's file is evidence about them. */
  readonly doubts: number | undefined
  readonly frozenSeq: number | undefined
  readonly totals: Totals | undefined
  readonly bankTotals: Totals | undefined
  readonly totalsCode: UnifiedCode | undefined
  /** The key of our messages about it. */
  readonly key: EntryKey | undefined
  readonly fileId: number | undefined
  readonly fileSha256: string | undefined
  /** Why its last file was refused. */
  readonly fileFault: string | undefined
  readonly matchedAt: Date | undefined
  readonly equalEntries: number | undefined
  readonly counts: DifferenceCounts | undefined
  readonly doneAt: Date | undefined
}
/** A session in the hands of a worker, and the fence. */
export type Held = { readonly session: SessionView; readonly attemptNo: number; readonly owner: string }

/** What a move writes beside the state; what is left out stays as it is. `next` is when to look again; null: nothing is left to do. */
export type Change = {
  readonly doubts?: number
  readonly frozen?: { readonly seq: number; readonly totals: Totals; readonly at: Date }
  readonly key?: EntryKey
  readonly bankTotals?: Totals
  readonly totalsCode?: UnifiedCode
  readonly file?: { readonly id: number; readonly sha256: string }
  readonly fileFault?: string | null
  readonly matched?: { readonly at: Date; readonly equal: number; readonly counts: DifferenceCounts }
  readonly done?: Date
  readonly next: Date | null
}

/** A session to be opened. */
export type Opening = {
  readonly bankCode: string
  readonly accountingDate: string
  readonly workDate: string
  readonly kind: SessionKind
  readonly openedBy: string
  readonly reason: string
  readonly now: Date
  /** Only where the bank day has no session of this kind: what the calendar opens. */
  readonly once?: boolean
  /** Only where this is still the last of its kind. */
  readonly after?: number
}
/** What a list of sessions may be narrowed by. */
export type SessionFilter = {
  readonly bankCode?: string | undefined
  readonly accountingDate?: string | undefined
  readonly kind?: SessionKind | undefined
  readonly state?: SessionState | undefined
  /** Only of these banks. */
  readonly banks?: readonly string[] | undefined
}

/** The sessions of all bank days. One worker at a time holds one; whoever lost it writes nothing any more. */
export type Reconciliations = {
  /**
   * Opens the next session of a bank day; those before it that no file has come for are withdrawn. Undefined: `once` or `after`, and there is another; or the
   * bank day has no number left for one of this kind.
   */
  open(opening: Opening): Promise<SessionView | undefined>
  /** The first accounting date from `since` on of which a bank has a day-end session. */
  firstDays(since: string): Promise<ReadonlyMap<string, string>>
  /** Bank days between these dates, the second not included, that have bookings and no day-end session, though their bank had one of an earlier day. */
  unheld(since: string, before: string): Promise<{ readonly bankCode: string; readonly accountingDate: string }[]>
  /** Last day-end sessions, over since before `before`, that do not know of an instruction that was booked on their day. */
  late(since: string, before: Date): Promise<SessionKey[]>
  /** The bank days whose day-end session was opened between these moments and waits for a file. */
  awaiting(from: Date, to: Date): Promise<{ readonly bankCode: string; readonly accountingDate: string }[]>
  /** Last day-end sessions, over, of which another file counts by now than the one that was matched: nobody has looked into it. */
  resent(since: string): Promise<SessionKey[]>
  /** Takes a session that is due and that nobody holds, of those in the order of their time; undefined: there is none. */
  claim(owner: string, now: Date, leaseUntil: Date): Promise<Held | undefined>
  /** Holds it longer; false: it is not ours any more. */
  renew(held: Held, leaseUntil: Date): Promise<boolean>
  /** Moves it on by an event, or (without one) only writes; false: it is not ours any more. The lease ends with it unless `keep` says until when. */
  move(held: Held, event: SessionEvent | undefined, change: Change, keep?: Date): Promise<boolean>
  /** Takes out what a broken-off match has left. */
  clear(held: Held): Promise<boolean>
  /** Writes some findings while the match goes on, from ordinal `first`; false: it is not ours any more. */
  write(held: Held, found: readonly Difference[], first: number): Promise<boolean>
  /** The last findings and the end of the match in one transaction; false: it is not ours any more. */
  match(held: Held, found: readonly Difference[], first: number, change: Change): Promise<boolean>
  /** Makes a session due now, as when its file has come. */
  wake(at: SessionKey, now: Date): Promise<void>
  find(at: SessionKey): Promise<SessionView | undefined>
  /** Newest days first, then banks and sessions; at most `limit` after `after`. */
  list(filter: SessionFilter, after: SessionKey | undefined, limit: number): Promise<SessionView[]>
  /** Instructions of a bank that may be on or before this accounting date and are in doubt: how many are still being asked about, and how many wait for a person. */
  doubts(bankCode: string, sentBefore: Date): Promise<{ readonly asked: number; readonly persons: number }>
  /** Makes what is being asked about due at once; returns how many. */
  hastenDoubts(bankCode: string, sentBefore: Date, now: Date): Promise<number>
  /** How many sessions of accounting dates from `since` on stand in each state. */
  states(since: string): Promise<{ readonly [S in SessionState]?: number }>
}

const plainTotals = (totals: Totals): string =>
  JSON.stringify(Object.fromEntries(Object.entries(totals).map(([verb, t]) => [verb, [t.entries, String(t.amount)]])))
const totalsIn = (text: string | null): Totals | undefined => {
  if (text === null) return undefined
  const kept = JSON.parse(text) as { [verb: string]: [number, string] }
  return Object.fromEntries(
    bookingVerbs.flatMap(verb => (kept[verb] ? [[verb, { entries: kept[verb][0], amount: BigInt(kept[verb][1]) }]] : [])),
  )
}

type Row = SessionKey & {
  readonly workDate: string
  readonly kind: SessionKind
  readonly state: SessionState
  readonly openedBy: string
  readonly reason: string
  readonly openedAt: Date
  readonly doubts: number | null
  readonly frozenSeq: number | null
  readonly totals: string | null
  readonly bankTotals: string | null
  readonly totalsCode: UnifiedCode | null
  readonly officeCode: string | null
  readonly entrustDate: string | null
  readonly serialNo: string | null
  readonly fileId: number | null
  readonly fileSha256: Buffer | null
  readonly fileFault: string | null
  readonly matchedAt: Date | null
  readonly equalEntries: number | null
  readonly counts: string | null
  readonly doneAt: Date | null
  readonly attemptNo: number
}
const select = `SELECT bank_code AS bankCode, accounting_date AS accountingDate, session, work_date AS workDate, kind, state, opened_by AS openedBy, reason,
    opened_at AS openedAt, doubts, frozen_seq AS frozenSeq, totals, bank_totals AS bankTotals, totals_code AS totalsCode, office_code AS officeCode,
    entrust_date AS entrustDate, serial_no AS serialNo, file_id AS fileId, file_sha256 AS fileSha256, file_fault AS fileFault,
    matched_at AS matchedAt, equal_entries AS equalEntries, counts, done_at AS doneAt, attempt_no AS attemptNo
  FROM reconciliation`
const viewOf = ({ officeCode, entrustDate, serialNo, attemptNo: _attemptNo, ...row }: Row): SessionView => ({
  ...row,
  doubts: row.doubts ?? undefined,
  frozenSeq: row.frozenSeq ?? undefined,
  totals: totalsIn(row.totals),
  bankTotals: totalsIn(row.bankTotals),
  totalsCode: row.totalsCode ?? undefined,
  key: officeCode !== null && entrustDate !== null && serialNo !== null ? { officeCode, entrustDate, serialNo } : undefined,
  fileId: row.fileId ?? undefined,
  fileSha256: row.fileSha256?.toString('hex'),
  fileFault: row.fileFault ?? undefined,
  matchedAt: row.matchedAt ?? undefined,
  equalEntries: row.equalEntries ?? undefined,
  counts: row.counts === null ? undefined : (JSON.parse(row.counts) as DifferenceCounts),
  doneAt: row.doneAt ?? undefined,
})

const ofKey = 'bank_code = ? AND accounting_date = ? AND session = ?'
const keyOf = ({ bankCode, accountingDate, session }: SessionKey): Scalar[] => [bankCode, accountingDate, session]
const fence = `${ofKey} AND attempt_no = ? AND lease_owner = ?`
const fenceOf = ({ session, attemptNo, owner }: Held): Scalar[] => [...keyOf(session), attemptNo, owner]

/** The columns that a change writes. */
const written = (change: Change): { readonly [column: string]: Scalar } => ({
  ...(change.doubts === undefined ? {} : { doubts: change.doubts }),
  ...(change.frozen
    ? { frozen_seq: change.frozen.seq, frozen_at: sqlTime(change.frozen.at), totals: plainTotals(change.frozen.totals) }
    : {}),
  ...(change.key ? { office_code: change.key.officeCode, entrust_date: change.key.entrustDate, serial_no: change.key.serialNo } : {}),
  ...(change.bankTotals ? { bank_totals: plainTotals(change.bankTotals) } : {}),
  ...(change.totalsCode === undefined ? {} : { totals_code: change.totalsCode }),
  ...(change.file ? { file_id: change.file.id, file_sha256: Buffer.from(change.file.sha256, 'hex') } : {}),
  ...(change.fileFault === undefined ? {} : { file_fault: change.fileFault?.replaceAll(/[^ -~]/g, '?').slice(0, 200) ?? null }),
  ...(change.matched
    ? { matched_at: sqlTime(change.matched.at), equal_entries: change.matched.equal, counts: JSON.stringify(change.matched.counts) }
    : {}),
  ...(change.done ? { done_at: sqlTime(change.done) } : {}),
  next_at: change.next === null ? null : sqlTime(change.next),
})

const moveOn = async (
  tx: Pick<Tx, 'execute'>,
  held: Held,
  event: SessionEvent | undefined,
  change: Change,
  keep?: Date,
): Promise<boolean> => {
  const { state } = held.session
  const to = event === undefined ? state : sessionMachine.next(state, event)
  if (to === undefined) throw new Error(`a session that is ${state} cannot ${event}`)
  const columns = { ...written(change), state: to, lease_until: keep ? sqlTime(keep) : null }
  const moved = await tx.execute(
    `UPDATE reconciliation SET ${Object.keys(columns)
      .map(column => `${column} = ?`)
      .join(', ')}${keep ? '' : ', lease_owner = NULL'} WHERE ${fence} AND state = ?`,
    [...Object.values(columns), ...fenceOf(held), state],
  )
  return moved.affectedRows === 1
}

const removedAtOnce = 10_000

/** Whether it is still ours; locked until the commit. */
const isOurs = async (tx: Tx, held: Held): Promise<boolean> =>
  (await tx.query(`SELECT session FROM reconciliation WHERE ${fence} AND state = 'taken' FOR UPDATE`, fenceOf(held))).length === 1

const open = async (tx: Tx, o: Opening): Promise<SessionView | undefined> => {
  const rows = await tx.query<Row>(`${select} WHERE bank_code = ? AND accounting_date = ? ORDER BY session FOR UPDATE`, [
    o.bankCode,
    o.accountingDate,
  ])
  if (o.once && rows.some(row => row.kind === o.kind && row.reason !== beforeRemittance)) return undefined
  if (o.after !== undefined && (rows.findLast(row => row.kind === o.kind)?.session ?? 0) !== o.after) return undefined
  const session = (rows.at(-1)?.session ?? 0) + 1
  if (session > highestSession[o.kind]) return undefined
  const at = sqlTime(o.now)
  for (const row of rows)
    if (row.kind === o.kind && sessionMachine.next(row.state, 'withdraw'))
      await tx.execute(
        `UPDATE reconciliation SET state = 'withdrawn', done_at = ?, next_at = NULL, lease_owner = NULL, lease_until = NULL, attempt_no = attempt_no + 1
         WHERE ${ofKey}`,
        [at, ...keyOf(row)],
      )
  await tx.execute(
    `INSERT INTO reconciliation (bank_code, accounting_date, session, work_date, kind, state, opened_by, reason, opened_at, next_at)
     VALUES (?, ?, ?, ?, ?, 'opened', ?, ?, ?, ?)`,
    [o.bankCode, o.accountingDate, session, o.workDate, o.kind, o.openedBy, o.reason, at, at],
  )
  const [row] = await tx.query<Row>(`${select} WHERE ${ofKey}`, [o.bankCode, o.accountingDate, session])
  return row && viewOf(row)
}

const inDoubt =
  "bank_code = ? AND state IN ('accepted', 'sent', 'unknown') AND last_sent_at IS NOT NULL AND last_sent_at < ? AND next_attempt_at IS NOT NULL"

// A lease that runs is left alone, and what waits for something else (its time is the end of time), too.
const mayBeHastened = `${inDoubt} AND state = 'unknown' AND person = 0 AND lease_owner IS NULL AND next_attempt_at > ? AND next_attempt_at < '9999-01-01'`
const hasten = overKeys(`UPDATE instruction FORCE INDEX (PRIMARY) SET next_attempt_at = ? WHERE ${mayBeHastened} AND id IN (?)`)

/** Opens the sessions over `db`. */
export const openReconciliations = (db: Database): Reconciliations => {
  const find = async (at: SessionKey): Promise<Row | undefined> => (await db.query<Row>(`${select} WHERE ${ofKey}`, keyOf(at)))[0]
  return {
    open: async opening => {
      try {
        return await carefully(() => db.transaction(tx => open(tx, opening)))
      } catch (error) {
        // Two opened the first session of a day at once.
        if (opening.once && errnoOf(error) === duplicateKey) return undefined
        throw error
      }
    },
    firstDays: async since => {
      const rows = await db.query<{ bankCode: string; first: string }>(
        `SELECT bank_code AS bankCode, MIN(accounting_date) AS first FROM reconciliation WHERE kind = 'day-end' AND accounting_date >= ?
         GROUP BY bank_code`,
        [since],
      )
      return new Map(rows.map(({ bankCode, first }) => [bankCode, first]))
    },
    unheld: (since, before) =>
      db.query<{ bankCode: string; accountingDate: string }>(
        `SELECT DISTINCT t.bank_code AS bankCode, t.accounting_date AS accountingDate FROM booking_total t
         WHERE t.accounting_date >= ? AND t.accounting_date < ?
           AND NOT EXISTS (SELECT 1 FROM reconciliation r WHERE r.bank_code = t.bank_code AND r.accounting_date = t.accounting_date AND r.kind = 'day-end')
           AND EXISTS (SELECT 1 FROM reconciliation r WHERE r.bank_code = t.bank_code AND r.accounting_date < t.accounting_date AND r.kind = 'day-end')
         ORDER BY t.accounting_date, t.bank_code`,
        [since, before],
      ),
    late: (since, before) =>
      db.query<SessionKey>(
        `SELECT r.bank_code AS bankCode, r.accounting_date AS accountingDate, r.session FROM reconciliation r
         WHERE r.kind = 'day-end' AND r.state IN ('balanced', 'differing') AND r.accounting_date >= ? AND r.done_at < ?
           AND r.session = (SELECT MAX(x.session) FROM reconciliation x WHERE x.bank_code = r.bank_code AND x.accounting_date = r.accounting_date
             AND x.kind = 'day-end')
           AND EXISTS (SELECT 1 FROM booking b WHERE b.bank_code = r.bank_code AND b.accounting_date = r.accounting_date AND b.seq > r.frozen_seq
             AND b.source = 'instruction')
         ORDER BY r.accounting_date, r.bank_code`,
        [since, sqlTime(before)],
      ),
    awaiting: (from, to) =>
      db.query<{ bankCode: string; accountingDate: string }>(
        `SELECT DISTINCT bank_code AS bankCode, accounting_date AS accountingDate FROM reconciliation
         WHERE kind = 'day-end' AND state = 'awaited' AND opened_at > ? AND opened_at <= ? ORDER BY accounting_date, bank_code`,
        [sqlTime(from), sqlTime(to)],
      ),
    resent: since =>
      db.query<SessionKey>(
        `SELECT r.bank_code AS bankCode, r.accounting_date AS accountingDate, r.session FROM reconciliation r
         JOIN recon_file f ON f.bank_code = r.bank_code AND f.accounting_date = r.accounting_date AND f.session = r.session AND f.chunk = 1
         WHERE r.kind = 'day-end' AND r.state IN ('balanced', 'differing') AND r.accounting_date >= ? AND f.state = 'complete' AND f.id <> r.file_id
           AND r.session = (SELECT MAX(x.session) FROM reconciliation x WHERE x.bank_code = r.bank_code AND x.accounting_date = r.accounting_date
             AND x.kind = 'day-end')
         ORDER BY r.accounting_date, r.bank_code`,
        [since],
      ),
    claim: async (owner, now, leaseUntil) => {
      const at = sqlTime(now)
      for (;;) {
        const [due] = await db.query<Row>(
          `${select} WHERE next_at <= ? AND (lease_until IS NULL OR lease_until <= ?) ORDER BY next_at, bank_code, accounting_date, session LIMIT 1`,
          [at, at],
        )
        if (!due) return undefined
        // Compare and set: of several that saw it one gets it, and the others look again.
        const taken = await db.execute(
          `UPDATE reconciliation SET lease_owner = ?, lease_until = ?, attempt_no = attempt_no + 1
           WHERE ${ofKey} AND attempt_no = ? AND (lease_until IS NULL OR lease_until <= ?)`,
          [owner, sqlTime(leaseUntil), ...keyOf(due), due.attemptNo, at],
        )
        if (taken.affectedRows === 0) continue
        const row = await find(due)
        if (row && row.attemptNo === due.attemptNo + 1) return { session: viewOf(row), attemptNo: row.attemptNo, owner }
      }
    },
    renew: async (held, leaseUntil) =>
      (await db.execute(`UPDATE reconciliation SET lease_until = ? WHERE ${fence}`, [sqlTime(leaseUntil), ...fenceOf(held)]))
        .affectedRows === 1,
    move: (held, event, change, keep) => moveOn(db, held, event, change, keep),
    clear: async held => {
      // In parts: what a large file has left would hold a statement up beyond its time.
      for (let removed: number | undefined = removedAtOnce; removed === removedAtOnce; ) {
        removed = await db.transaction(async tx =>
          (await isOurs(tx, held)) ? removeDifferences(tx, held.session, removedAtOnce) : undefined,
        )
        if (removed === undefined) return false
      }
      return true
    },
    write: (held, found, first) =>
      db.transaction(async tx => {
        const ours = await isOurs(tx, held)
        if (ours) await insertDifferences(tx, held.session, found, first)
        return ours
      }),
    match: (held, found, first, change) =>
      db.transaction(async tx => {
        if (!(await isOurs(tx, held))) return false
        await insertDifferences(tx, held.session, found, first)
        return moveOn(tx, held, 'match', change)
      }),
    wake: async (at, now) => {
      await db.execute(`UPDATE reconciliation SET next_at = ? WHERE ${ofKey} AND next_at > ?`, [sqlTime(now), ...keyOf(at), sqlTime(now)])
    },
    find: async at => {
      const row = await find(at)
      return row && viewOf(row)
    },
    list: async ({ banks, ...filter }, after, limit) => {
      const columns = { bank_code: filter.bankCode, accounting_date: filter.accountingDate, kind: filter.kind, state: filter.state }
      const given = Object.entries(columns).filter((pair): pair is [string, string] => pair[1] !== undefined)
      const conditions = [
        ...given.map(([column]) => `${column} = ?`),
        ...within('bank_code', banks),
        ...(after ? ['(accounting_date < ? OR (accounting_date = ? AND (bank_code, session) > (?, ?)))'] : []),
      ]
      const from = after ? [after.accountingDate, after.accountingDate, after.bankCode, after.session] : []
      const rows = await db.query<Row>(
        `${select} ${conditions.length > 0 ? `WHERE ${conditions.join(' AND ')}` : ''} ORDER BY accounting_date DESC, bank_code, session LIMIT ?`,
        [...given.map(([, value]) => value), ...(banks ?? []), ...from, limit],
      )
      return rows.map(viewOf)
    },
    doubts: async (bankCode, sentBefore) => {
      const [row] = await db.query<{ asked: string | null; persons: string | null }>(
        `SELECT SUM(person = 0) AS asked, SUM(person = 1) AS persons FROM instruction WHERE ${inDoubt}`,
        [bankCode, sqlTime(sentBefore)],
      )
      return { asked: Number(row?.asked ?? 0), persons: Number(row?.persons ?? 0) }
    },
    hastenDoubts: async (bankCode, sentBefore, now) => {
      const about = [bankCode, sqlTime(sentBefore), sqlTime(now)]
      // Read without a lock: by the index of what is due a write would wait for every call that is under way, at whichever bank.
      const rows = await db.query<{ id: number }>(`SELECT id FROM instruction WHERE ${mayBeHastened} ORDER BY id`, about)
      return hasten.execute(
        db,
        rows.map(row => row.id),
        [sqlTime(now), ...about],
      )
    },
    states: async since => {
      const rows = await db.query<{ state: SessionState; count: number }>(
        'SELECT state, COUNT(*) AS count FROM reconciliation WHERE accounting_date >= ? GROUP BY state',
        [since],
      )
      return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
    },
  }
}
