import type { BreakKind, BreakSource } from '../domain/ticket.ts'
import { insertJournal } from './beside.ts'
import type { Database, Tx } from './database.ts'
import { sqlTime, within } from './rows.ts'

/** A difference between the record and the bank, as it is found or declared. */
export type NewBreak = {
  readonly at: Date
  readonly ticketNo: string
  readonly instructionId: number
  readonly kind: BreakKind
  readonly source: BreakSource
  /** Fen, as the record has it and as the bank has it. */
  readonly taxAmount: number
  readonly bankAmount: number
  /** Who found it, and why it is believed. */
  readonly actor: string
  readonly reason: string
}
/** A break as it stands. */
export type BreakView = Omit<NewBreak, 'actor'> & {
  readonly id: number
  readonly closedAt: Date | undefined
  /** The instruction that remedied it, or failed to. */
  readonly closedBy: number | undefined
}

/** Breaks (单边账, art. 35). */
export type Breaks = {
  /** Writes a break and its line in the journal; the same difference from the same source stands once while it is open. Returns whether it is new. */
  declareBreak(found: NewBreak): Promise<boolean>
  /** Breaks after `afterId`, oldest first; `open` only those that are not closed; of `offices` only, where they are given. */
  breaks(open: boolean, afterId: number, limit: number, offices?: readonly string[]): Promise<BreakView[]>
}

/** The same within a transaction. */
export const insertBreak = async (tx: Tx, b: NewBreak): Promise<boolean> => {
  const [known] = await tx.query(
    'SELECT id FROM break WHERE instruction_id = ? AND kind = ? AND source = ? AND closed_at IS NULL FOR UPDATE',
    [b.instructionId, b.kind, b.source],
  )
  if (known) return false
  const reason = b.reason.slice(0, 200)
  await tx.execute(
    `INSERT INTO break (at, ticket_no, instruction_id, kind, source, tax_amount, bank_amount, reason, bank_code, office_code)
     SELECT ?, ?, ?, ?, ?, ?, ?, ?, bank_code, office_code FROM instruction WHERE id = ?`,
    [sqlTime(b.at), b.ticketNo, b.instructionId, b.kind, b.source, b.taxAmount, b.bankAmount, reason, b.instructionId],
  )
  const [row] = await tx.query<{ state: string }>('SELECT state FROM instruction WHERE id = ?', [b.instructionId])
  await insertJournal(tx, [{ ...b, event: 'break', state: row?.state ?? '', reason: `${b.kind} (${b.source}): ${b.reason}` }])
  return true
}

/** Closes the open breaks of an instruction of one kind: `by` remedied them, or failed to. */
export const closeBreaks = async (tx: Tx, instructionId: number, kind: BreakKind, by: number, now: Date): Promise<void> => {
  await tx.execute('UPDATE break SET closed_at = ?, closed_by = ? WHERE instruction_id = ? AND kind = ? AND closed_at IS NULL', [
    sqlTime(now),
    by,
    instructionId,
    kind,
  ])
}

/** Opens the breaks over `db`. */
export const openBreaks = (db: Database): Breaks => ({
  declareBreak: found => db.transaction(tx => insertBreak(tx, found)),
  breaks: async (open, afterId, limit, offices) => {
    const rows = await db.query<Omit<BreakView, 'closedAt' | 'closedBy'> & { closedAt: Date | null; closedBy: number | null }>(
      `SELECT id, at, ticket_no AS ticketNo, instruction_id AS instructionId, kind, source, tax_amount AS taxAmount, bank_amount AS bankAmount,
         reason, closed_at AS closedAt, closed_by AS closedBy
       FROM break WHERE ${[
         'id > ?',
         '(? = 0 OR closed_at IS NULL)',
         ...within('(SELECT i.office_code FROM instruction i WHERE i.id = instruction_id)', offices),
       ].join(' AND ')} ORDER BY id LIMIT ?`,
      [afterId, open ? 1 : 0, ...(offices ?? []), limit],
    )
    return rows.map(row => ({ ...row, closedAt: row.closedAt ?? undefined, closedBy: row.closedBy ?? undefined }))
  },
})
