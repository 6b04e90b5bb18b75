import { type BreakEvent, type BreakState, breakMachine, dueOf, isConfirmed, isRemedied } from '../domain/break-life.ts'
import type { NewlyRaised, Raised } from '../domain/break-raise.ts'
import type { BreakRemedy } from '../domain/break-remedy.ts'
import type { Level } from '../domain/operator.ts'
import { isOpen, type Ticket } from '../domain/ticket.ts'
import { carefully } from './beside.ts'
import { type DifferenceRow, readDifferences, readShown, type SessionDay, type StandingRow, standingBreaks } from './break-reads.ts'
import type { Database, Scalar, Tx } from './database.ts'
import { inserter, overKeys, sqlTime, type TypedColumns, updater } from './rows.ts'
import { readTickets } from './tickets.ts'

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
   * Gives the differences of some tickets, in order, their breaks as `judge` says, in one transaction under the locks of the tickets; what has its break
   * already is passed by, so that it may be done again. Returns how many breaks are new.
   */
  raise(day: SessionDay, ticketNos: readonly string[], judge: (of: FoundOfTicket) => Raised, deadline: Date, by: By): Promise<number>
  /** Moves a break; false: it does not stand so any more. */
  stepBreak(id: number, event: BreakEvent, reason: string, change: StepChange, by: By): Promise<boolean>
  /** Breaks whose chosen remedy is this one, oldest first. */
  chosen(remedy: BreakRemedy, limit: number): Promise<HeldBreak[]>
  /** Those whose instruction has come to its end. */
  underWay(limit: number): Promise<UnderWay[]>
  /** Tickets of the bank of a session with breaks that are not over and that it may confirm: not those that it has found itself. */
  ticketsToConfirm(day: SessionDay, after: string, limit: number): Promise<string[]>
  /** Confirms the breaks of those tickets, in order, of which the bank has what it must have (art. 35(4)); returns how many. */
  confirm(day: SessionDay, ticketNos: readonly string[], by: By): Promise<number>
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

type Step = { readonly id: number; readonly seq: number; readonly from: BreakState; readonly reason: string }
/** The lines of one step of many breaks. */
const insertSteps = (tx: Tx, event: BreakEvent, steps: readonly Step[], { now, actor }: By): Promise<void> =>
  inserter<Step>('break_step', {
    break_id: step => step.id,
    seq: step => step.seq,
    at: () => sqlTime(now),
    event: () => event,
    from_state: step => step.from,
    to_state: step => nextOf(step.from, event),
    actor: () => actor.slice(0, 80),
    reason: step => step.reason.slice(0, 200),
  })(tx, steps)
const nextOf = (from: BreakState, event: BreakEvent): BreakState => {
  const to = breakMachine.next(from, event)
  if (to === undefined) throw new Error(`a break that is ${from} cannot ${event}`)
  return to
}

/** A break that is new, of a ticket. */
type Fresh = NewlyRaised & { readonly ticketNo: string }
const insertBreaks = (tx: Tx, day: SessionDay, deadline: Date, by: By, fresh: readonly Fresh[]): Promise<void> =>
  inserter<Fresh>('break', {
    at: () => sqlTime(by.now),
    ticket_no: f => f.ticketNo,
    instruction_id: f => f.instructionId ?? null,
    kind: f => f.kind,
    source: "'file'",
    tax_amount: f => f.taxAmount,
    bank_amount: f => f.bankAmount,
    reason: f => `session ${day.session} of ${day.accountingDate}: ${f.about.type}`,
    bank_code: () => day.bankCode,
    office_code: f => f.about.officeCode,
    accounting_date: () => day.accountingDate,
    session: () => day.session,
    subject: f => f.subject,
    found_type: f => f.about.type,
    entrust_date: f => f.about.entrustDate,
    serial_no: f => f.about.serialNo,
    verb: f => f.about.verb,
    bank_serial: f => f.about.bankSerial ?? null,
    excess: f => f.surplus,
    remedy: f => f.row.remedy,
    deadline: () => sqlTime(deadline),
  })(tx, fresh)
const inserted = overKeys(
  `SELECT id, ticket_no AS ticketNo, subject FROM break
   WHERE bank_code = ? AND accounting_date = ? AND session = ? AND state = 'found' AND ticket_no IN (?)`,
)
const setChosen = updater<{ readonly id: number; readonly to: BreakState }>(
  'break',
  { id: ['int', row => row.id], state: ['ascii', row => row.to] },
  't.id = v.id',
  't.state = v.state',
)
type Linked = { readonly day: SessionDay; readonly ordinal: number; readonly breakId: number }
const link = updater<Linked>(
  'difference',
  {
    bank_code: ['ascii', l => l.day.bankCode],
    accounting_date: ['date', l => l.day.accountingDate],
    session: ['int', l => l.day.session],
    ordinal: ['int', l => l.ordinal],
    break_id: ['int', l => l.breakId],
  },
  `t.bank_code = v.bank_code AND t.accounting_date = v.accounting_date AND t.session = v.session AND t.ordinal = v.ordinal
     AND t.break_id IS NULL`,
  't.break_id = v.break_id',
)

const raiseOnce = async (
  tx: Tx,
  day: SessionDay,
  ticketNos: readonly string[],
  judge: (of: FoundOfTicket) => Raised,
  deadline: Date,
  by: By,
): Promise<number> => {
  const tickets = await readTickets(tx, ticketNos, 'FOR UPDATE')
  const differences = Map.groupBy(await readDifferences(tx, day, ticketNos), row => row.ticketNo)
  const breaks = Map.groupBy(await standingBreaks(tx, day.bankCode, ticketNos), row => row.ticketNo)
  const shown = await readShown(tx, day.bankCode, ticketNos, tickets)
  const [fresh, links]: [Fresh[], Linked[]] = [[], []]
  for (const ticketNo of ticketNos) {
    const found = differences.get(ticketNo) ?? []
    const { bank, of } = shown.get(ticketNo)!
    const ticket = { ticket: tickets.get(ticketNo), ticketIsRight: bank === dueOf(of) }
    const raised = judge({ ...ticket, found: found.filter(row => row.breakId === null), ...standingAt(day, breaks.get(ticketNo) ?? []) })
    for (const id of raised.superseded) if (!found.some(row => row.breakId === id)) await supersede(tx, id, day, by)
    for (const { breakId, ordinals } of raised.joined) links.push(...ordinals.map(ordinal => ({ day, ordinal, breakId })))
    fresh.push(...raised.fresh.map(each => ({ ...each, ticketNo })))
  }
  links.push(...(await writeFresh(tx, day, fresh, deadline, by)))
  await link(tx, links)
  return fresh.length
}

/** Of breaks of a ticket those that stand of this bank day, and what the others say that the bank has. */
const standingAt = ({ accountingDate }: SessionDay, rows: readonly StandingRow[]): Pick<FoundOfTicket, 'standing' | 'before'> => {
  const others = rows.filter(row => row.accountingDate !== accountingDate && row.state !== 'superseded')
  return {
    standing: rows.filter(row => row.accountingDate === accountingDate),
    before: new Map(others.map(row => [row.subject, row.bankAmount])),
  }
}

const supersede = async (tx: Tx, id: number, day: SessionDay, by: By): Promise<void> => {
  const old = await lockBreak(tx, id)
  if (old) await writeStep(tx, old, 'supersede', `session ${day.session} of ${day.accountingDate} finds otherwise`, {}, by)
}

/** Writes new breaks, each with the choice of its remedy; returns which differences are whose. */
const writeFresh = async (tx: Tx, day: SessionDay, fresh: readonly Fresh[], deadline: Date, by: By): Promise<Linked[]> => {
  if (fresh.length === 0) return []
  await insertBreaks(tx, day, deadline, by, fresh)
  const rows = await inserted.query<{ id: number; ticketNo: string; subject: string }>(
    tx,
    [...new Set(fresh.map(each => each.ticketNo))],
    [day.bankCode, day.accountingDate, day.session],
  )
  const ids = new Map(rows.map(row => [`${row.ticketNo} ${row.subject}`, row.id]))
  const known = fresh.map(each => ({ ...each, id: ids.get(`${each.ticketNo} ${each.subject}`)!, seq: 1, from: 'found' as const }))
  await insertSteps(
    tx,
    'choose',
    known.map(each => ({ ...each, reason: `${each.row.article} ${each.row.rule}` })),
    by,
  )
  await setChosen(
    tx,
    known.map(({ id, from }) => ({ id, to: nextOf(from, 'choose') })),
  )
  return known.flatMap(({ id, ordinals }) => ordinals.map(ordinal => ({ day, ordinal, breakId: id })))
}

type ToConfirm = {
  readonly id: number
  readonly ticketNo: string
  readonly state: BreakState
  readonly accountingDate: string | null
  readonly session: number | null
  readonly closedAt: Date | null
  readonly seq: number
}
const toConfirm = overKeys(
  `SELECT b.id, b.ticket_no AS ticketNo, b.state, b.accounting_date AS accountingDate, b.session, b.closed_at AS closedAt,
     1 + (SELECT COUNT(*) FROM break_step s WHERE s.break_id = b.id) AS seq
   FROM break b WHERE b.bank_code = ? AND b.state NOT IN ('confirmed', 'superseded') AND b.ticket_no IN (?) ORDER BY b.id FOR UPDATE`,
)
type Confirmed = { readonly id: number; readonly to: BreakState; readonly at: string; readonly label: string }
const confirmedColumns: TypedColumns<Confirmed> = {
  id: ['int', row => row.id],
  state: ['ascii', row => row.to],
  at: ['time', row => row.at],
  label: ['ascii', row => row.label],
}
const confirmedSet = 't.state = v.state, t.confirmed_at = v.at, t.confirmed_by = v.label'
const setConfirmed = updater('break', confirmedColumns, 't.id = v.id', confirmedSet)
/** What came right by itself is closed by what confirms it. */
const setConfirmedAndClosed = updater(
  'break',
  confirmedColumns,
  't.id = v.id',
  `${confirmedSet}, t.closed_at = v.at, t.closed_with = 'confirm'`,
)

/** Those of which the bank has what it must have, and nothing is open: art. 35(4). */
const rightTickets = async (
  tx: Pick<Tx, 'query'>,
  { bankCode }: SessionDay,
  ticketNos: readonly string[],
  lock: '' | 'FOR UPDATE' = '',
): Promise<ReadonlyMap<string, number>> => {
  const tickets = await readTickets(tx, ticketNos, lock)
  const right = new Map<string, number>()
  for (const [ticketNo, { bank, of }] of await readShown(tx, bankCode, ticketNos, tickets)) {
    const isSettled = !(tickets.get(ticketNo)?.movements.some(isOpen) ?? false)
    if (isConfirmed({ bank, due: dueOf(of), isSettled }, false)) right.set(ticketNo, bank)
  }
  return right
}

const confirmOnce = async (tx: Tx, day: SessionDay, ticketNos: readonly string[], by: By): Promise<number> => {
  const { bankCode, accountingDate, session } = day
  const right = await rightTickets(tx, day, ticketNos, 'FOR UPDATE')
  if (right.size === 0) return 0
  const all = await toConfirm.query<ToConfirm>(tx, [...right.keys()], [bankCode])
  const rows = all.filter(row => row.accountingDate !== accountingDate || row.session !== session)
  const reasonOf = (ticketNo: string) => `35(4): session ${session} of ${accountingDate} shows ${right.get(ticketNo)} fen`
  const steps = rows.map(row => ({ ...row, from: row.state, reason: reasonOf(row.ticketNo) }))
  await insertSteps(tx, 'confirm', steps, by)
  const [at, label] = [sqlTime(by.now), `${accountingDate}/${session}`]
  const moved = ({ id, state, closedAt }: ToConfirm) => ({ id, to: nextOf(state, 'confirm'), at, label, closes: closedAt === null })
  const [closed, open] = [rows.map(moved).filter(row => !row.closes), rows.map(moved).filter(row => row.closes)]
  await setConfirmed(tx, closed)
  await setConfirmedAndClosed(tx, open)
  return rows.length
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
  raise: (day, ticketNos, judge, deadline, by) => carefully(() => db.transaction(tx => raiseOnce(tx, day, ticketNos, judge, deadline, by))),
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
  ticketsToConfirm: async ({ bankCode, accountingDate, session }, after, limit) =>
    (
      await db.query<{ ticketNo: string }>(
        `SELECT DISTINCT ticket_no AS ticketNo FROM break WHERE bank_code = ? AND state NOT IN ('confirmed', 'superseded') AND ticket_no > ?
           AND NOT (accounting_date <=> ? AND session <=> ?) ORDER BY ticket_no LIMIT ?`,
        [bankCode, after, accountingDate, session, limit],
      )
    ).map(row => row.ticketNo),
  confirm: async (day, ticketNos, by) => {
    // Most stand as they stood: only those that seem to be right are locked, and looked at again.
    const right = [...(await rightTickets(db, day, ticketNos)).keys()]
    return right.length === 0 ? 0 : carefully(() => db.transaction(tx => confirmOnce(tx, day, right, by)))
  },
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
