import { type BreakEvent, type BreakState, breakMachine, dueOf, isConfirmed, isRemedied } from '../domain/break-life.ts'
import type { Raised } from '../domain/break-raise.ts'
import type { BreakRemedy } from '../domain/break-remedy.ts'
import type { Level } from '../domain/operator.ts'
import { isOpen, type Ticket } from '../domain/ticket.ts'
import { carefully } from './beside.ts'
import { type DifferenceRow, readDifferences, readShown, type SessionDay, standingBreaks } from './break-reads.ts'
import type { Database, Scalar, Tx } from './database.ts'
import { sqlTime } from './rows.ts'
import { lockTicket } from './tickets.ts'

/** Who moves something, and when. */
export type By = { readonly now: Date; readonly actor: string }
/** A break as its steps need it. */
export type HeldBreak = {
  readonly id: number
  readonly state: BreakState
  readonly remedy: BreakRemedy | null
  readonly remedyBy: number | null
  readonly instructionId: number | null
  readonly ticketNo: string
  readonly bankCode: string
  readonly officeCode: string
  readonly accountingDate: string | null
  readonly kind: string
  readonly taxAmount: number
  readonly bankAmount: number
  readonly excess: number | null
  readonly closedAt: Date | null
}
/** What a step writes beside the state. */
export type StepChange = {
  readonly remedy?: BreakRemedy
  readonly remedyBy?: number | null
  /** What closes it, where no instruction does. */
  readonly closedWith?: string
  readonly closedBy?: number
  readonly confirmedBy?: string
}
/** A break whose remedy is under way, and how its instruction stands. */
export type UnderWay = HeldBreak & { readonly verdict: 'succeeded' | 'refused' | 'void' }

/** How a ticket stands when a session has found something of it. */
export type FoundOfTicket = {
  readonly ticket: Ticket | undefined
  readonly found: readonly DifferenceRow[]
  readonly standing: readonly { readonly id: number; readonly subject: string; readonly state: BreakState; readonly surplus: number }[]
  readonly before: ReadonlyMap<string, number>
  readonly ticketIsRight: boolean
}

/** The lives of breaks over the sessions (art. 35). */
export type BreakLife = {
  /** Tickets of which a matched session has found something, or that have a break of its bank day, after `after` in order. */
  ticketsToRaise(day: SessionDay, after: string, limit: number): Promise<string[]>
  /**
   * Gives the differences of one ticket their breaks as `judge` says, in one transaction under the lock of the ticket; what has its break already is passed
   * by, so that it may be done again. Returns how many breaks are new.
   */
  raise(day: SessionDay, ticketNo: string, judge: (of: FoundOfTicket) => Raised, deadline: Date, by: By): Promise<number>
  /** Moves a break; false: it does not stand so any more. */
  stepBreak(id: number, event: BreakEvent, reason: string, change: StepChange, by: By): Promise<boolean>
  /** Breaks whose chosen remedy is this one, oldest first. */
  chosen(remedy: BreakRemedy, limit: number): Promise<HeldBreak[]>
  /** Those whose instruction has come to its end. */
  underWay(limit: number): Promise<UnderWay[]>
  /** Tickets of a bank with breaks that are not over. */
  ticketsToConfirm(bankCode: string, after: string, limit: number): Promise<string[]>
  /** Confirms the breaks of a ticket if the bank has of it what it must have (art. 35(4)); returns how many. */
  confirm(day: SessionDay, ticketNo: string, by: By): Promise<number>
  /** Breaks beyond their deadline that have not come up to this level yet. */
  overdue(now: Date, level: Level, before: Date, limit: number): Promise<HeldBreak[]>
  /** Notes that it has come up to this level. */
  escalate(id: number, level: Level, by: By): Promise<boolean>
  /** A break as its steps need it. */
  heldBreak(id: number): Promise<HeldBreak | undefined>
}

const columns = `b.id, b.state, b.remedy, b.remedy_by AS remedyBy, b.instruction_id AS instructionId, b.ticket_no AS ticketNo, b.bank_code AS bankCode,
  b.office_code AS officeCode, b.accounting_date AS accountingDate, b.kind, b.tax_amount AS taxAmount, b.bank_amount AS bankAmount, b.excess,
  b.closed_at AS closedAt`

/** Reads a break and locks it. */
export const lockBreak = async (tx: Tx, id: number): Promise<HeldBreak | undefined> =>
  (await tx.query<HeldBreak>(`SELECT ${columns} FROM break b WHERE b.id = ? FOR UPDATE`, [id]))[0]

/** A step of a locked break: its line, and the break as it stands then; false: its state knows no such step. */
export const writeStep = async (
  tx: Tx,
  { id, state, closedAt }: Pick<HeldBreak, 'id' | 'state' | 'closedAt'>,
  event: BreakEvent,
  reason: string,
  change: StepChange,
  { now, actor }: By,
): Promise<boolean> => {
  const to = breakMachine.next(state, event)
  if (to === undefined) return false
  await insertStep(tx, id, event, state, to, reason, { now, actor })
  const closes = closedAt === null && isRemedied(to)
  const sets: [string, Scalar][] = [
    ['state', to],
    ...(change.remedy === undefined ? [] : ([['remedy', change.remedy]] as [string, Scalar][])),
    ...(change.remedyBy === undefined ? [] : ([['remedy_by', change.remedyBy]] as [string, Scalar][])),
    ...(closes ? ([['closed_at', sqlTime(now)]] as [string, Scalar][]) : []),
    ...(closes && change.closedBy !== undefined ? ([['closed_by', change.closedBy]] as [string, Scalar][]) : []),
    ...(closes && change.closedBy === undefined ? ([['closed_with', change.closedWith ?? event]] as [string, Scalar][]) : []),
    ...(to === 'confirmed'
      ? ([
          ['confirmed_at', sqlTime(now)],
          ['confirmed_by', change.confirmedBy ?? ''],
        ] as [string, Scalar][])
      : []),
  ]
  await tx.execute(`UPDATE break SET ${sets.map(([column]) => `${column} = ?`).join(', ')} WHERE id = ?`, [
    ...sets.map(([, value]) => value),
    id,
  ])
  return true
}

const insertStep = async (
  tx: Tx,
  id: number,
  event: string,
  from: string,
  to: string,
  reason: string,
  { now, actor }: By,
): Promise<void> => {
  await tx.execute(
    `INSERT INTO break_step (break_id, seq, at, event, from_state, to_state, actor, reason)
     SELECT ?, n.seq, ?, ?, ?, ?, ?, ? FROM (SELECT 1 + COUNT(*) AS seq FROM break_step WHERE break_id = ?) n`,
    [id, sqlTime(now), event, from, to, actor.slice(0, 80), reason.slice(0, 200), id],
  )
}

const raiseOnce = async (
  tx: Tx,
  day: SessionDay,
  ticketNo: string,
  judge: (of: FoundOfTicket) => Raised,
  deadline: Date,
  by: By,
): Promise<number> => {
  const ticket = await lockTicket(tx, ticketNo)
  const all = await readDifferences(tx, day, ticketNo)
  const { standing, before } = await standingBreaks(tx, day, ticketNo)
  const shown = await readShown(tx, day.bankCode, ticketNo, ticket)
  const open = all.filter(found => found.breakId === null)
  const held = new Set(all.flatMap(found => (found.breakId === null ? [] : [found.breakId])))
  const raised = judge({ ticket, found: open, standing, before, ticketIsRight: shown.bank === dueOf(shown.of) })
  for (const id of raised.superseded) {
    if (held.has(id)) continue
    const old = await lockBreak(tx, id)
    if (old) await writeStep(tx, old, 'supersede', `session ${day.session} of ${day.accountingDate} finds otherwise`, {}, by)
  }
  for (const { breakId, ordinals } of raised.joined) await link(tx, day, breakId, ordinals)
  for (const fresh of raised.fresh) {
    const { about, row } = fresh
    const { insertId } = await tx.execute(
      `INSERT INTO break (at, ticket_no, instruction_id, kind, source, tax_amount, bank_amount, reason, bank_code, office_code, accounting_date, session,
         subject, found_type, entrust_date, serial_no, verb, bank_serial, excess, remedy, deadline)
       VALUES (?, ?, ?, ?, 'file', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [
        sqlTime(by.now),
        ticketNo,
        fresh.instructionId ?? null,
        fresh.kind,
        fresh.taxAmount,
        fresh.bankAmount,
        `session ${day.session} of ${day.accountingDate}: ${about.type}`,
        day.bankCode,
        about.officeCode,
        day.accountingDate,
        day.session,
        fresh.subject,
        about.type,
        about.entrustDate,
        about.serialNo,
        about.verb,
        about.bankSerial ?? null,
        fresh.surplus,
        row.remedy,
        sqlTime(deadline),
      ],
    )
    await writeStep(
      tx,
      { id: insertId, state: 'found', closedAt: null },
      'choose',
      `${row.article} ${row.rule}`,
      { remedy: row.remedy },
      by,
    )
    await link(tx, day, insertId, fresh.ordinals)
  }
  return raised.fresh.length
}

const link = async (
  tx: Tx,
  { bankCode, accountingDate, session }: SessionDay,
  breakId: number,
  ordinals: readonly number[],
): Promise<void> => {
  for (const ordinal of ordinals)
    await tx.execute(
      'UPDATE difference SET break_id = ? WHERE bank_code = ? AND accounting_date = ? AND session = ? AND ordinal = ? AND break_id IS NULL',
      [breakId, bankCode, accountingDate, session, ordinal],
    )
}

const confirmOnce = async (tx: Tx, day: SessionDay, ticketNo: string, by: By): Promise<number> => {
  const { bankCode, accountingDate, session } = day
  const ticket = await lockTicket(tx, ticketNo)
  const shown = await readShown(tx, bankCode, ticketNo, ticket)
  const rows = await tx.query<HeldBreak & { session: number | null; foundAt: Date }>(
    `SELECT ${columns}, b.session FROM break b WHERE b.ticket_no = ? AND b.bank_code = ? AND b.state NOT IN ('confirmed', 'superseded') FOR UPDATE`,
    [ticketNo, bankCode],
  )
  const isSettled = !(ticket?.movements.some(isOpen) ?? false)
  let confirmed = 0
  for (const row of rows) {
    const foundHere = row.accountingDate === accountingDate && row.session === session
    if (!isConfirmed({ bank: shown.bank, due: dueOf(shown.of), isSettled }, foundHere)) continue
    const label = `${accountingDate}/${session}`
    if (
      await writeStep(
        tx,
        row,
        'confirm',
        `35(4): session ${session} of ${accountingDate} shows ${shown.bank} fen`,
        { confirmedBy: label },
        by,
      )
    )
      confirmed++
  }
  return confirmed
}

/** Opens the lives over `db`. */
export const openBreakLife = (db: Database): BreakLife => ({
  ticketsToRaise: async ({ bankCode, accountingDate, session }, after, limit) =>
    (
      await db.query<{ ticketNo: string }>(
        `SELECT ticket_no AS ticketNo FROM difference
         WHERE bank_code = ? AND accounting_date = ? AND session = ? AND type NOT IN ('cut-off', 'in-bank') AND break_id IS NULL AND ticket_no > ?
         UNION SELECT ticket_no FROM break
         WHERE bank_code = ? AND accounting_date = ? AND session < ? AND state IN ('found', 'chosen', 'failed') AND ticket_no > ?
         ORDER BY 1 LIMIT ?`,
        [bankCode, accountingDate, session, after, bankCode, accountingDate, session, after, limit],
      )
    ).map(row => row.ticketNo),
  raise: (day, ticketNo, judge, deadline, by) => carefully(() => db.transaction(tx => raiseOnce(tx, day, ticketNo, judge, deadline, by))),
  stepBreak: (id, event, reason, change, by) =>
    carefully(() =>
      db.transaction(async tx => {
        const held = await lockBreak(tx, id)
        return held !== undefined && writeStep(tx, held, event, reason, change, by)
      }),
    ),
  chosen: (remedy, limit) =>
    db.query<HeldBreak>(`SELECT ${columns} FROM break b WHERE b.state = 'chosen' AND b.remedy = ? ORDER BY b.id LIMIT ?`, [remedy, limit]),
  underWay: async limit =>
    (
      await db.query<HeldBreak & { instructionState: 'succeeded' | 'refused'; voidedAt: Date | null }>(
        `SELECT ${columns}, i.state AS instructionState, t.voided_at AS voidedAt FROM break b JOIN instruction i ON i.id = b.remedy_by
         JOIN ticket t ON t.ticket_no = b.ticket_no WHERE b.state = 'under-way' AND i.settled_at IS NOT NULL ORDER BY b.id LIMIT ?`,
        [limit],
      )
    ).map(({ instructionState, voidedAt, ...held }) => ({
      ...held,
      verdict: instructionState === 'refused' && voidedAt !== null ? ('void' as const) : instructionState,
    })),
  ticketsToConfirm: async (bankCode, after, limit) =>
    (
      await db.query<{ ticketNo: string }>(
        `SELECT DISTINCT ticket_no AS ticketNo FROM break WHERE bank_code = ? AND state NOT IN ('confirmed', 'superseded') AND ticket_no > ?
         ORDER BY ticket_no LIMIT ?`,
        [bankCode, after, limit],
      )
    ).map(row => row.ticketNo),
  confirm: (day, ticketNo, by) => carefully(() => db.transaction(tx => confirmOnce(tx, day, ticketNo, by))),
  overdue: (now, level, before, limit) =>
    db.query<HeldBreak>(
      `SELECT ${columns} FROM break b WHERE b.state NOT IN ('confirmed', 'superseded') AND b.deadline <= ? AND b.deadline <= ?
         AND b.level IN (${level === 'city' ? "'county'" : "'county', 'city'"}) ORDER BY b.deadline LIMIT ?`,
      [sqlTime(now), sqlTime(before), limit],
    ),
  escalate: (id, level, by) =>
    db.transaction(async tx => {
      const held = await lockBreak(tx, id)
      if (!held || breakMachine.isFinal(held.state)) return false
      const { affectedRows } = await tx.execute('UPDATE break SET level = ? WHERE id = ? AND level <> ?', [level, id, level])
      if (affectedRows === 0) return false
      await insertStep(tx, id, 'escalate', held.state, held.state, `over its deadline: before the ${level}`, by)
      return true
    }),
  heldBreak: async id => (await db.query<HeldBreak>(`SELECT ${columns} FROM break b WHERE b.id = ?`, [id]))[0],
})
