import type { BookingVerb } from '../domain/booking.ts'
import type { Difference, DifferenceType } from '../domain/reconcile.ts'
import type { Database, Tx } from './database.ts'
import { inserter, within } from './rows.ts'

/** A session by its key. */
export type SessionKey = { readonly bankCode: string; readonly accountingDate: string; readonly session: number }
/** A finding as it stands: its place in the session, and the break it became. */
export type DifferenceView = Difference & SessionKey & { readonly ordinal: number; readonly breakId: number | undefined }
/** What a list of findings may be narrowed by; `offices` are those the reader may see. */
export type DifferenceFilter = {
  readonly bankCode?: string | undefined
  readonly accountingDate?: string | undefined
  readonly session?: number | undefined
  readonly type?: DifferenceType | undefined
  readonly offices?: readonly string[] | undefined
}

/** Findings of sessions. Those of a session count once it is matched, and are never changed; only the break that one became is written once. */
export type Differences = {
  /** In the order of bank, date, session and ordinal, after `after`, at most `limit`; only of sessions that are matched. */
  list(filter: DifferenceFilter, after: (SessionKey & { readonly ordinal: number }) | undefined, limit: number): Promise<DifferenceView[]>
}

type Numbered = { readonly at: SessionKey; readonly ordinal: number; readonly found: Difference }
const insert = inserter<Numbered>('difference', {
  bank_code: d => d.at.bankCode,
  accounting_date: d => d.at.accountingDate,
  session: d => d.at.session,
  ordinal: d => d.ordinal,
  type: d => d.found.type,
  office_code: d => d.found.officeCode,
  entrust_date: d => d.found.entrustDate,
  serial_no: d => d.found.serialNo,
  verb: d => d.found.verb,
  ticket_no: d => d.found.ticketNo,
  instruction_id: d => d.found.instructionId ?? null,
  tax_amount: d => d.found.taxAmount,
  bank_amount: d => d.found.bankAmount,
  bank_entries: d => d.found.bankEntries,
  bank_serial: d => d.found.bankSerial ?? null,
  line_no: d => d.found.lineNo ?? null,
  detail: d => JSON.stringify(d.found.detail),
})

/** Writes findings of a session from ordinal `first` on, in the transaction of whoever matches it. */
export const insertDifferences = (tx: Tx, at: SessionKey, found: readonly Difference[], first: number): Promise<void> =>
  insert(
    tx,
    found.map((each, i) => ({ at, ordinal: first + i, found: each })),
  )

/** Takes out what a match that was broken off has left behind, at most so many; returns how many. */
export const removeDifferences = async (tx: Tx, { bankCode, accountingDate, session }: SessionKey, most: number): Promise<number> =>
  (
    await tx.execute('DELETE FROM difference WHERE bank_code = ? AND accounting_date = ? AND session = ? ORDER BY ordinal LIMIT ?', [
      bankCode,
      accountingDate,
      session,
      most,
    ])
  ).affectedRows

type Row = Omit<DifferenceView, 'instructionId' | 'bankSerial' | 'lineNo' | 'breakId' | 'detail'> & {
  readonly verb: BookingVerb
  readonly instructionId: number | null
  readonly bankSerial: string | null
  readonly lineNo: number | null
  readonly breakId: number | null
  readonly detail: string
}
const viewOf = (row: Row): DifferenceView => ({
  ...row,
  instructionId: row.instructionId ?? undefined,
  bankSerial: row.bankSerial ?? undefined,
  lineNo: row.lineNo ?? undefined,
  breakId: row.breakId ?? undefined,
  detail: JSON.parse(row.detail) as Difference['detail'],
})
const select = `SELECT d.bank_code AS bankCode, d.accounting_date AS accountingDate, d.session, d.ordinal, d.type, d.office_code AS officeCode,
    d.entrust_date AS entrustDate, d.serial_no AS serialNo, d.verb, d.ticket_no AS ticketNo, d.instruction_id AS instructionId,
    d.tax_amount AS taxAmount, d.bank_amount AS bankAmount, d.bank_entries AS bankEntries, d.bank_serial AS bankSerial, d.line_no AS lineNo,
    d.detail, d.break_id AS breakId
  FROM difference d JOIN reconciliation r ON r.bank_code = d.bank_code AND r.accounting_date = d.accounting_date AND r.session = d.session`

/** Opens the findings over `db`. */
export const openDifferences = (db: Database): Differences => ({
  list: async ({ bankCode, accountingDate, session, type, offices }, after, limit) => {
    const given = Object.entries({ bank_code: bankCode, accounting_date: accountingDate, session, type }).filter(
      (pair): pair is [string, string | number] => pair[1] !== undefined,
    )
    const conditions = [
      "r.state IN ('matched', 'balanced', 'differing')",
      ...given.map(([column]) => `d.${column} = ?`),
      ...within('d.office_code', offices),
      ...(after ? ['(d.bank_code, d.accounting_date, d.session, d.ordinal) > (?, ?, ?, ?)'] : []),
    ]
    const from = after ? [after.bankCode, after.accountingDate, after.session, after.ordinal] : []
    const rows = await db.query<Row>(
      `${select} WHERE ${conditions.join(' AND ')} ORDER BY d.bank_code, d.accounting_date, d.session, d.ordinal LIMIT ?`,
      [...given.map(([, value]) => value), ...(offices ?? []), ...from, limit],
    )
    return rows.map(viewOf)
  },
})
