import { hash } from 'node:crypto'
import { type AuditEntry, type AuditRow, type Broken, genesis, type Head, linked, openCheck } from '../domain/audit.ts'
import type { Database, Tx } from './database.ts'
import { sqlTime, within } from './rows.ts'

/** What a list of the audit journal may be narrowed by. */
export type AuditFilter = {
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly subject?: string | undefined
  /** Only entries about one of these. */
  readonly offices?: readonly string[] | undefined
}

/** The audit journal. */
export type Audit = {
  /** Adds an entry by itself: what it tells of changes no other row. */
  append(entry: AuditEntry): Promise<void>
  /** Entries after `afterSeq`, in their order, at most `limit`. */
  list(filter: AuditFilter, afterSeq: number, limit: number): Promise<AuditRow[]>
  /** The last place of the chain. */
  head(): Promise<Head>
  /** Goes along the whole chain; what is broken first, if anything is. `kept` are heads that were exported before; `hear` is given every row that is whole. */
  verify(kept: readonly Head[], hear?: (row: AuditRow) => void): Promise<{ readonly head: Head; readonly broken: Broken | undefined }>
}

const digest = (text: string): string => hash('sha256', text, 'hex')
const headOf = (row: { seq: number; hash: Buffer } | undefined): Head => (row ? { seq: row.seq, hash: row.hash.toString('hex') } : genesis)

/** Adds an entry in the transaction of what it tells of. The head is locked until the commit, so this comes last in it. */
export const appendAudit = async (tx: Tx, entry: AuditEntry): Promise<void> => {
  const [found] = await tx.query<{ seq: number; hash: Buffer }>('SELECT seq, hash FROM audit_head WHERE id = 1 FOR UPDATE')
  const row = linked(headOf(found), entry, digest)
  await tx.execute(
    `INSERT INTO audit (seq, at, actor, action, subject, office_code, detail, prev_hash, hash) VALUES (?, ?, ?, ?, ?, ?, ?, UNHEX(?), UNHEX(?))`,
    [row.seq, sqlTime(row.at), row.actor, row.action, row.subject, row.officeCode ?? null, row.detail, row.prevHash, row.hash],
  )
}

type Row = Omit<AuditRow, 'prevHash' | 'hash' | 'officeCode'> & { officeCode: string | null; prevHash: Buffer; hash: Buffer }
const rowOf = ({ officeCode, prevHash, hash: own, ...row }: Row): AuditRow => ({
  ...row,
  officeCode: officeCode ?? undefined,
  prevHash: prevHash.toString('hex'),
  hash: own.toString('hex'),
})
const select = 'SELECT seq, at, actor, action, subject, office_code AS officeCode, detail, prev_hash AS prevHash, hash FROM audit'
/** Opens the audit journal over `db`; it is verified in chunks of so many rows. */
export const openAudit = (db: Database, chunk = 1_000): Audit => {
  const list = async ({ actor, action, subject, offices }: AuditFilter, afterSeq: number, limit: number) => {
    const given = Object.entries({ actor, action, subject }).filter(([, value]) => value !== undefined) as [string, string][]
    const conditions = ['seq > ?', ...given.map(([column]) => `${column} = ?`), ...within('office_code', offices)]
    const params = [afterSeq, ...given.map(([, value]) => value), ...(offices ?? []), limit]
    return (await db.query<Row>(`${select} WHERE ${conditions.join(' AND ')} ORDER BY seq LIMIT ?`, params)).map(rowOf)
  }
  /** A number that stands twice, its first row at the end of a chunk: only somebody who has dropped the key could write it. */
  const twice = async (): Promise<Broken | undefined> => {
    const [row] = await db.query<{ seq: number }>('SELECT seq FROM audit GROUP BY seq HAVING COUNT(*) > 1 ORDER BY seq LIMIT 1')
    return row && { what: 'beyond', from: row.seq, to: row.seq, vouched: 0 }
  }
  return {
    list,
    append: entry => db.transaction(tx => appendAudit(tx, entry)),
    head: async () => headOf((await db.query<{ seq: number; hash: Buffer }>('SELECT seq, hash FROM audit_head WHERE id = 1'))[0]),
    verify: async (kept, hear) => {
      // One statement, so that counter and rows are of one moment; what is added meanwhile is the business of the next time.
      const [found] = await db.query<{ seq: number; hash: Buffer; most: number | null; rows: number }>(
        `SELECT h.seq, h.hash, (SELECT MAX(a.seq) FROM audit a) AS most, (SELECT COUNT(*) FROM audit a) AS \`rows\` FROM audit_head h WHERE h.id = 1`,
      )
      const head = headOf(found)
      const most = Math.max(head.seq, found?.most ?? 0)
      const check = openCheck(kept, head, digest)
      let seen = 0
      for (let after = Number.MIN_SAFE_INTEGER; ; ) {
        const rows = (await list({}, after, chunk)).filter(({ seq }) => seq <= most)
        for (const row of rows) {
          const broken = check.next(row)
          if (broken) return { head, broken }
          hear?.(row)
        }
        seen += rows.length
        const last = rows.at(-1)
        if (last) {
          after = last.seq
          continue
        }
        return { head, broken: check.end() ?? ((found?.rows ?? 0) > seen ? await twice() : undefined) }
      }
    },
  }
}
