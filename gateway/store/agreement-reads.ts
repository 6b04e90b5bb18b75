import type { AgreementState } from '../domain/agreement.ts'
import type { Comparison, Likeness, Particulars } from '../domain/particulars.ts'
import { type Agreement, readAgreements } from './agreements.ts'
import type { Database, Scalar } from './database.ts'
import { sqlTime } from './rows.ts'

/** What a list of agreements may be narrowed by. */
export type AgreementFilter = {
  readonly taxSystem?: string | undefined
  readonly officeCode?: string | undefined
  readonly bankCode?: string | undefined
  readonly state?: AgreementState | undefined
}
/** What the queue of the reviewers may be narrowed by. `offices`: those the reviewer sees; undefined: all. */
export type ReviewFilter = {
  readonly offices: readonly string[] | undefined
  readonly bankCode?: string | undefined
  readonly likeness?: Likeness | undefined
  /** Bound or refused by the bank at this instant or before. */
  readonly before?: Date | undefined
}
/** An agreement that waits for its reviewer, with what the bank last said it holds. */
export type Reviewed = Agreement & { readonly heldNow: HeldView | undefined }
/** What a bank said it holds. */
export type HeldView = {
  readonly at: Date
  readonly source: string
  readonly held: Partial<Particulars>
  readonly comparison: Partial<Comparison>
}
/** A line of an agreement's journal. */
export type JournalLine = {
  readonly seq: number
  readonly at: Date
  readonly event: string
  readonly state: AgreementState
  readonly actor: string
  readonly reason: string
  readonly article: string
}
/** A line of the feed of changes. */
export type ChangeView = JournalLine & { readonly agreementNo: string; readonly bankCode: string; readonly officeCode: string }
/** What a bank was told, and what it said. */
export type CallView = {
  readonly verb: string
  readonly createdAt: Date
  readonly attempts: number
  readonly doneAt: Date | undefined
  readonly resultCode: string | undefined
  readonly fault: string | undefined
  readonly transcript: string | undefined
}
/** The whole life of an agreement. */
export type AgreementLife = {
  readonly agreement: Agreement
  readonly journal: readonly JournalLine[]
  readonly calls: readonly CallView[]
  readonly held: readonly HeldView[]
}

/** The reads of agreements. */
export type AgreementReads = {
  find(agreementNo: string): Promise<Agreement | undefined>
  /** Agreements after `afterId`, in order of id, at most `limit`. */
  list(filter: AgreementFilter, afterId: number, limit: number): Promise<Agreement[]>
  /** What waits for a reviewer, in the order of registration. */
  reviews(filter: ReviewFilter, afterId: number, limit: number): Promise<Reviewed[]>
  life(agreementNo: string): Promise<AgreementLife | undefined>
  /** Those in force whose year is over on `day` or before, and not renewed yet. */
  expiring(filter: AgreementFilter, day: string, afterId: number, limit: number): Promise<Agreement[]>
  /** Changes after `seq`, of a tax system's own agreements. */
  changes(taxSystem: string, seq: number, limit: number): Promise<ChangeView[]>
  /** Agreements that become active or are renewed on `day`. */
  dueOn(day: string, limit: number): Promise<string[]>
  /** Those that were asked to end at `before` or earlier. */
  endable(before: Date, afterId: number, limit: number): Promise<Pending>
  /** Those whose year was over before `day`, and somebody objected to its renewal. */
  lapsable(day: string, afterId: number, limit: number): Promise<Pending>
}
/** A page of agreements that may come to their end: `found` have nothing pending at the bank; `last`: there may be more behind it. */
export type Pending = { readonly found: readonly string[]; readonly last: number | undefined }

/** Conditions that are asked only where something is asked for. */
const where = (conditions: readonly (readonly [string, Scalar | undefined])[]): { readonly sql: string; readonly params: Scalar[] } => {
  const asked = conditions.flatMap(([sql, value]) => (value === undefined ? [] : [[sql, value] as const]))
  return { sql: asked.map(([sql]) => sql).join(' AND '), params: asked.map(([, value]) => value) }
}
const filtered = ({ taxSystem, officeCode, bankCode, state }: AgreementFilter) =>
  [
    ['a.tax_system = ?', taxSystem],
    ['a.office_code = ?', officeCode],
    ['a.bank_code = ?', bankCode],
    ['a.state = ?', state],
  ] as const

const heldOf = (row: { at: Date; source: string; held: string; comparison: string }): HeldView => ({
  at: row.at,
  source: row.source,
  held: JSON.parse(row.held) as Partial<Particulars>,
  comparison: JSON.parse(row.comparison) as Partial<Comparison>,
})

/** Opens the reads over `db`. */
export const openAgreementReads = (db: Database): AgreementReads => ({
  find: async agreementNo => (await readAgreements(db, 'WHERE a.agreement_no = ?', [agreementNo]))[0],
  list: (filter, afterId, limit) => {
    const { sql, params } = where([['a.id > ?', afterId], ...filtered(filter)])
    return readAgreements(db, `WHERE ${sql} ORDER BY a.id LIMIT ?`, [...params, limit])
  },
  reviews: async (filter, afterId, limit) => {
    const { offices, bankCode, likeness, before } = filter
    if (offices?.length === 0) return []
    const { sql, params } = where([
      ['a.review = ?', 1],
      ['a.id > ?', afterId],
      ['a.bank_code = ?', bankCode],
      ['a.likeness = ?', likeness],
      ['a.state_since <= ?', before && sqlTime(before)],
    ])
    const inOffices = offices ? ` AND a.office_code IN (${offices.map(() => '?').join(', ')})` : ''
    const found = await readAgreements(db, `WHERE ${sql}${inOffices} ORDER BY a.id LIMIT ?`, [...params, ...(offices ?? []), limit])
    const held = await heldLast(
      db,
      found.map(({ id }) => id),
    )
    return found.map(agreement => ({ ...agreement, heldNow: held.get(agreement.id) }))
  },
  life: async agreementNo => {
    const [agreement] = await readAgreements(db, 'WHERE a.agreement_no = ?', [agreementNo])
    if (!agreement) return undefined
    const [journal, calls, held] = await Promise.all([
      db.query<JournalLine>(
        'SELECT seq, at, event, state, actor, reason, article FROM agreement_journal WHERE agreement_id = ? ORDER BY seq LIMIT 500',
        [agreement.id],
      ),
      db.query<{ [K in keyof CallView]: CallView[K] | null }>(
        `SELECT verb, created_at AS createdAt, attempt_no AS attempts, done_at AS doneAt, result_code AS resultCode, fault, transcript
         FROM agreement_call WHERE agreement_id = ? ORDER BY id LIMIT 200`,
        [agreement.id],
      ),
      db.query<{ at: Date; source: string; held: string; comparison: string }>(
        'SELECT at, source, held, comparison FROM agreement_held WHERE agreement_id = ? ORDER BY id LIMIT 200',
        [agreement.id],
      ),
    ])
    return {
      agreement,
      journal,
      calls: calls.map(call => ({
        verb: call.verb!,
        createdAt: call.createdAt!,
        attempts: call.attempts!,
        doneAt: call.doneAt ?? undefined,
        resultCode: call.resultCode ?? undefined,
        fault: call.fault ?? undefined,
        transcript: call.transcript ?? undefined,
      })),
      held: held.map(heldOf),
    }
  },
  expiring: (filter, day, afterId, limit) => {
    const { sql, params } = where([['a.due_on <= ?', day], ['a.id > ?', afterId], ...filtered(filter)])
    return readAgreements(db, `WHERE ${sql} AND a.state IN ('active', 'suspended') ORDER BY a.id LIMIT ?`, [...params, limit])
  },
  changes: (taxSystem, seq, limit) =>
    db.query<ChangeView>(
      `SELECT j.seq, j.at, j.event, j.state, j.actor, j.reason, j.article, a.agreement_no AS agreementNo, a.bank_code AS bankCode,
         a.office_code AS officeCode
       FROM agreement_journal j JOIN agreement a ON a.id = j.agreement_id WHERE j.seq > ? AND a.tax_system = ? ORDER BY j.seq LIMIT ?`,
      [seq, taxSystem, limit],
    ),
  dueOn: async (day, limit) =>
    // What comes to its end, or lapses, is left to that; what becomes active does so on its day, what is active is over after its last.
    (
      await db.query<{ agreementNo: string }>(
        `SELECT agreement_no AS agreementNo FROM agreement
         WHERE due_on <= ? AND ending IS NULL AND (state = 'accepted' OR (due_on < ? AND objected_at IS NULL)) ORDER BY due_on, id LIMIT ?`,
        [day, day, limit],
      )
    ).map(row => row.agreementNo),
  endable: (before, afterId, limit) => unpending(db, 'ending = 1 AND ending_since <= ?', sqlTime(before), afterId, limit),
  lapsable: (day, afterId, limit) =>
    unpending(db, "due_on < ? AND objected_at IS NOT NULL AND ending IS NULL AND state IN ('active', 'suspended')", day, afterId, limit),
})

/** A page of agreements, in order of id, without those under which a debit is open. */
const unpending = async (db: Database, which: string, value: Scalar, afterId: number, limit: number): Promise<Pending> => {
  const rows = await db.query<{ id: number; agreementNo: string; bankCode: string }>(
    `SELECT id, agreement_no AS agreementNo, bank_code AS bankCode FROM agreement WHERE ${which} AND id > ? ORDER BY id LIMIT ?`,
    [value, afterId, limit],
  )
  const pending = await pendingUnder(db, rows)
  return {
    found: rows.map(row => row.agreementNo).filter(agreementNo => !pending.has(agreementNo)),
    last: rows.length < limit ? undefined : rows.at(-1)?.id,
  }
}

const heldLast = async (db: Database, ids: readonly number[]): Promise<ReadonlyMap<number, HeldView>> => {
  if (ids.length === 0) return new Map()
  const rows = await db.query<{ agreementId: number; at: Date; source: string; held: string; comparison: string }>(
    `SELECT h.agreement_id AS agreementId, h.at, h.source, h.held, h.comparison FROM agreement_held h
     WHERE h.id IN (SELECT MAX(l.id) FROM agreement_held l WHERE l.agreement_id IN (${ids.map(() => '?').join(', ')}) GROUP BY l.agreement_id)`,
    ids,
  )
  return new Map(rows.map(row => [row.agreementId, heldOf(row)]))
}

/** Of these agreements, the numbers of those under which a debit is open: the message to the bank names its agreement. */
const pendingUnder = async (
  db: Database,
  agreements: readonly { readonly agreementNo: string; readonly bankCode: string }[],
): Promise<ReadonlySet<string>> => {
  if (agreements.length === 0) return new Set()
  const marks = (of: readonly string[]) => of.map(() => '?').join(', ')
  const banks = [...new Set(agreements.map(({ bankCode }) => bankCode))]
  const numbers = agreements.map(({ agreementNo }) => agreementNo)
  // What is open is little, whatever the record holds: the index of what is due has it all.
  const rows = await db.query<{ agreementNo: string }>(
    `SELECT DISTINCT JSON_UNQUOTE(JSON_EXTRACT(request, '$.agreementNo')) AS agreementNo FROM instruction
     WHERE next_attempt_at IS NOT NULL AND bank_code IN (${marks(banks)}) AND JSON_UNQUOTE(JSON_EXTRACT(request, '$.agreementNo')) IN (${marks(numbers)})`,
    [...banks, ...numbers],
  )
  return new Set(rows.map(row => row.agreementNo))
}
