import { writeNew } from './agreement-rows.ts'
import type { NewAgreement } from './agreements.ts'
import { carefully } from './beside.ts'
import type { Database, Tx } from './database.ts'
import { overKeys, sqlTime } from './rows.ts'

/** A line of a file that is wrong, and why. */
export type LineFault = { readonly line: number; readonly pointer: string; readonly code: string; readonly zh: string; readonly en: string }
/** An import as it was begun. */
export type NewImport = {
  readonly taxSystem: string
  readonly importNo: string
  readonly sha256: Buffer
  readonly rows: number
  readonly state: 'refused' | 'writing'
  readonly faults: readonly LineFault[]
  readonly startedAt: Date
}
/** An import and how far it is. */
export type ImportView = Omit<NewImport, 'state'> & {
  readonly id: number
  readonly state: 'refused' | 'writing' | 'done'
  readonly written: number
  readonly doneAt: Date | undefined
}
/** What the record has already beside a row: its number, or its taxpayer at this office. */
export type Standing = {
  readonly numbers: ReadonlyMap<string, { readonly contentHash: Buffer; readonly taxSystem: string }>
  /** `taxpayerId/officeCode` → the number of an agreement that is not refused and not void. */
  readonly taxpayers: ReadonlyMap<string, string>
}

/** Imports of many agreements at once (推广期). */
export type AgreementImports = {
  findImport(taxSystem: string, importNo: string): Promise<ImportView | undefined>
  /** Begins an import, or tells of the one that was begun under this number. A file that was refused may be sent anew, mended. */
  beginImport(begun: NewImport): Promise<ImportView>
  standing(agreementNos: readonly string[], taxpayerIds: readonly string[]): Promise<Standing>
  /**
   * Writes a chunk of rows that are not there yet, and how far the import is with it. What is there with other content goes into the report: `taken` says it
   * of the row at this place of the chunk.
   */
  writeChunk(importId: number, agreements: readonly NewAgreement[], written: number, taken: (at: number) => LineFault): Promise<void>
  endImport(importId: number, now: Date): Promise<void>
}

type Row = Omit<ImportView, 'faults' | 'doneAt'> & { report: string; doneAt: Date | null }
const read = async (tx: Pick<Tx, 'query'>, taxSystem: string, importNo: string, lock = ''): Promise<ImportView | undefined> => {
  const [row] = await tx.query<Row>(
    `SELECT id, tax_system AS taxSystem, import_no AS importNo, sha256, row_count AS \`rows\`, written, state, report, started_at AS startedAt,
       done_at AS doneAt FROM agreement_import WHERE tax_system = ? AND import_no = ? ${lock}`,
    [taxSystem, importNo],
  )
  if (!row) return undefined
  const { report, doneAt, ...rest } = row
  return { ...rest, faults: JSON.parse(report) as LineFault[], doneAt: doneAt ?? undefined }
}

const byNumber = overKeys(
  'SELECT agreement_no AS agreementNo, content_hash AS contentHash, tax_system AS taxSystem FROM agreement WHERE agreement_no IN (?)',
  512,
)
const byTaxpayer = overKeys(
  "SELECT taxpayer_id AS taxpayerId, office_code AS officeCode, agreement_no AS agreementNo FROM agreement WHERE state NOT IN ('refused', 'void') AND taxpayer_id IN (?)",
  512,
)

/** Opens the imports over `db`. */
export const openAgreementImports = (db: Database): AgreementImports => ({
  findImport: (taxSystem, importNo) => read(db, taxSystem, importNo),
  beginImport: begun => carefully(() => db.transaction(tx => begin(tx, begun))),
  standing: async (agreementNos, taxpayerIds) => {
    const numbers = await byNumber.query<Registered>(db, agreementNos)
    const taxpayers = await byTaxpayer.query<{ taxpayerId: string; officeCode: string; agreementNo: string }>(db, taxpayerIds)
    return {
      numbers: new Map(numbers.map(row => [row.agreementNo, row])),
      taxpayers: new Map(taxpayers.map(row => [`${row.taxpayerId}/${row.officeCode}`, row.agreementNo])),
    }
  },
  writeChunk: (importId, agreements, written, taken) =>
    carefully(() =>
      db.transaction(async tx => {
        const numbers = agreements.map(({ agreementNo }) => agreementNo)
        const there = new Map((await byNumber.query<Registered>(tx, numbers)).map(row => [row.agreementNo, row]))
        const fresh = there.size === 0 ? agreements : agreements.filter(({ agreementNo }) => !there.has(agreementNo))
        if (fresh.length > 0) await writeNew(tx, fresh)
        const faults = agreements.flatMap((agreement, at) => {
          const known = there.get(agreement.agreementNo)
          return known && !isSame(known, agreement) ? [taken(at)] : []
        })
        if (faults.length > 0) await report(tx, importId, faults)
        await tx.execute('UPDATE agreement_import SET written = GREATEST(written, ?) WHERE id = ?', [written, importId])
      }),
    ),
  endImport: async (importId, now) => {
    await db.execute("UPDATE agreement_import SET state = 'done', done_at = ? WHERE id = ? AND state = 'writing'", [sqlTime(now), importId])
  },
})

type Registered = { readonly agreementNo: string; readonly contentHash: Buffer; readonly taxSystem: string }
const isSame = (known: Registered, { contentHash, taxSystem }: NewAgreement): boolean =>
  known.taxSystem === taxSystem && known.contentHash.equals(contentHash)

/** Adds lines to the report of an import, each once. */
const report = async (tx: Tx, importId: number, faults: readonly LineFault[]): Promise<void> => {
  const [row] = await tx.query<{ report: string }>('SELECT report FROM agreement_import WHERE id = ? FOR UPDATE', [importId])
  const known = JSON.parse(row?.report ?? '[]') as LineFault[]
  const added = faults.filter(({ line }) => !known.some(each => each.line === line))
  await tx.execute('UPDATE agreement_import SET report = ? WHERE id = ?', [JSON.stringify([...known, ...added]), importId])
}

const begin = async (tx: Tx, begun: NewImport): Promise<ImportView> => {
  const { taxSystem, importNo, sha256, rows, state, faults, startedAt } = begun
  const known = await read(tx, taxSystem, importNo, 'FOR UPDATE')
  if (known && known.state !== 'refused') return known
  const values = [sha256, rows, state, JSON.stringify(faults), sqlTime(startedAt), state === 'refused' ? sqlTime(startedAt) : null]
  await (known
    ? tx.execute('UPDATE agreement_import SET sha256 = ?, row_count = ?, state = ?, report = ?, started_at = ?, done_at = ? WHERE id = ?', [
        ...values,
        known.id,
      ])
    : tx.execute(
        'INSERT INTO agreement_import (sha256, row_count, state, report, started_at, done_at, tax_system, import_no) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
        [...values, taxSystem, importNo],
      ))
  return (await read(tx, taxSystem, importNo))!
}
