import type { BreakEvent, BreakState } from '../domain/break-life.ts'
import type { BreakRemedy } from '../domain/break-remedy.ts'
import type { Level } from '../domain/operator.ts'
import type { BreakKind, BreakSource } from '../domain/ticket.ts'
import { insertJournal } from './beside.ts'
import { type By, columns, type HeldBreak, writeSteps } from './break-steps.ts'
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
/** A break as it stands. Of what nobody ever sent there is no instruction; what a session has not found has none of what a session says. */
export type BreakView = Omit<NewBreak, 'actor' | 'instructionId'> & {
  readonly id: number
  readonly instructionId: number | undefined
  readonly bankCode: string
  readonly officeCode: string
  readonly accountingDate: string | undefined
  readonly session: number | undefined
  readonly state: BreakState
  readonly remedy: BreakRemedy | undefined
  readonly excess: number | undefined
  readonly deadline: Date | undefined
  readonly level: Level
  readonly closedAt: Date | undefined
  /** The instruction that remedied it, or failed to. */
  readonly closedBy: number | undefined
  readonly confirmedAt: Date | undefined
}
/** What a list of breaks may be narrowed by. */
export type BreakFilter = {
  readonly bankCode?: string | undefined
  readonly officeCode?: string | undefined
  readonly accountingDate?: string | undefined
  readonly state?: string | undefined
  readonly remedy?: string | undefined
  /** Found before this. */
  readonly before?: Date | undefined
  /** Not over, and beyond their deadline at this time. */
  readonly overdueAt?: Date | undefined
}
/** A line of the life of a break. */
export type BreakStep = {
  readonly at: Date
  readonly event: string
  readonly state: BreakState
  readonly actor: string
  readonly reason: string
}

/** How many breaks of a bank are not over, and how many of them are beyond their deadline. */
export type OpenBreaks = { readonly bankCode: string; readonly open: number; readonly overdue: number }

/** Breaks (单边账, art. 35). */
export type Breaks = {
  /** Writes a break and its line in the journal; the same difference from the same source stands once while it is open. Returns whether it is new. */
  declareBreak(found: NewBreak): Promise<boolean>
  /** Breaks after `afterId`, oldest first; `open` only those that are not closed; of `offices` only, where they are given. */
  breaks(open: boolean, afterId: number, limit: number, offices?: readonly string[], filter?: BreakFilter): Promise<BreakView[]>
  findBreak(id: number): Promise<BreakView | undefined>
  openBreaks(now: Date): Promise<OpenBreaks[]>
  /** The life of a break, step by step. */
  breakSteps(id: number): Promise<BreakStep[]>
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

/**
 * Closes the open breaks of an instruction of one kind: the instruction `by` remedied them, or (35(3)) failed to and voided the ticket. Whoever ordered it:
 * a break of a session moves with it, so that nobody remedies it a second time.
 */
export const closeBreaks = async (
  tx: Tx,
  instructionId: number,
  kind: BreakKind,
  by: { readonly id: number; readonly voids: boolean },
  actor: By,
): Promise<void> => {
  const rows = await tx.query<HeldBreak & { source: BreakSource }>(
    `SELECT ${columns}, b.source FROM break b WHERE b.instruction_id = ? AND b.kind = ? AND b.closed_at IS NULL FOR UPDATE`,
    [instructionId, kind],
  )
  const isOwn = ({ remedyBy }: HeldBreak): boolean => remedyBy === by.id
  for (const row of rows) {
    // What a later session has found beside what this one was ordered for is not remedied by it.
    if (!by.voids && row.source === 'file' && !isOwn(row) && rows.some(isOwn)) continue
    const way = row.source === 'file' ? wayTo[row.state] : undefined
    const reason = by.voids ? '35(3): the bank refused the supplementary debit, the ticket is void' : `35: done by instruction ${by.id}`
    const change = { remedyBy: by.id, closedBy: by.id }
    if (way && (await writeSteps(tx, row, [...way, by.voids ? 'void' : 'remedy'], reason, change, actor))) continue
    await tx.execute('UPDATE break SET closed_at = ?, closed_by = ? WHERE id = ?', [sqlTime(actor.now), by.id, row.id])
  }
}
const wayTo: { readonly [S in BreakState]?: readonly BreakEvent[] } = { chosen: ['begin'], 'under-way': [], failed: ['choose', 'begin'] }

/** Opens the breaks over `db`. */
export const openBreaks = (db: Database): Breaks => ({
  declareBreak: found => db.transaction(tx => insertBreak(tx, found)),
  breaks: async (open, afterId, limit, offices, filter = {}) => {
    const { overdueAt, before, ...named } = filter
    const given = Object.entries(columnOf).flatMap(([name, column]) => {
      const value = named[name as keyof typeof named]
      return value === undefined ? [] : [{ text: `${column} = ?`, value }]
    })
    const conditions = [
      'id > ?',
      // What is overdue is so until it is confirmed, remedied or not.
      ...(overdueAt ? [] : ['(? = 0 OR closed_at IS NULL)']),
      ...given.map(({ text }) => text),
      ...(before ? ['at < ?'] : []),
      ...(overdueAt ? ["deadline <= ? AND state NOT IN ('confirmed', 'superseded')"] : []),
      ...within('office_code', offices),
    ]
    const rows = await db.query<Row>(`${select} WHERE ${conditions.join(' AND ')} ORDER BY id LIMIT ?`, [
      afterId,
      ...(overdueAt ? [] : [open ? 1 : 0]),
      ...given.map(({ value }) => value),
      ...(before ? [sqlTime(before)] : []),
      ...(overdueAt ? [sqlTime(overdueAt)] : []),
      ...(offices ?? []),
      limit,
    ])
    return rows.map(viewOf)
  },
  openBreaks: now =>
    db.query<OpenBreaks>(
      `SELECT bank_code AS bankCode, COUNT(*) AS open, CAST(COALESCE(SUM(deadline <= ?), 0) AS SIGNED) AS overdue FROM break
       WHERE state NOT IN ('confirmed', 'superseded') AND (source = 'file' OR closed_at IS NULL) GROUP BY bank_code`,
      [sqlTime(now)],
    ),
  findBreak: async id => {
    const [row] = await db.query<Row>(`${select} WHERE id = ?`, [id])
    return row && viewOf(row)
  },
  breakSteps: id =>
    db.query<BreakStep>('SELECT at, event, to_state AS state, actor, reason FROM break_step WHERE break_id = ? ORDER BY seq', [id]),
})

const columnOf = {
  bankCode: 'bank_code',
  officeCode: 'office_code',
  accountingDate: 'accounting_date',
  state: 'state',
  remedy: 'remedy',
} as const
const select = `SELECT id, at, ticket_no AS ticketNo, instruction_id AS instructionId, kind, source, tax_amount AS taxAmount, bank_amount AS bankAmount, reason,
    bank_code AS bankCode, office_code AS officeCode, accounting_date AS accountingDate, session, state, remedy, excess, deadline, level,
    closed_at AS closedAt, closed_by AS closedBy, confirmed_at AS confirmedAt FROM break`
type Row = { readonly [K in keyof BreakView]: undefined extends BreakView[K] ? Exclude<BreakView[K], undefined> | null : BreakView[K] }
const viewOf = (row: Row): BreakView => ({
  ...row,
  instructionId: row.instructionId ?? undefined,
  accountingDate: row.accountingDate ?? undefined,
  session: row.session ?? undefined,
  remedy: row.remedy ?? undefined,
  excess: row.excess ?? undefined,
  deadline: row.deadline ?? undefined,
  closedAt: row.closedAt ?? undefined,
  closedBy: row.closedBy ?? undefined,
  confirmedAt: row.confirmedAt ?? undefined,
})
