import { type BreakEvent, type BreakState, breakMachine, dueOf, isConfirmed } from '../domain/break-life.ts'
import type { NewlyRaised, Raised } from '../domain/break-raise.ts'
import type { BreakRemedy } from '../domain/break-remedy.ts'
import type { Standing } from '../domain/break-whole.ts'
import type { Level } from '../domain/operator.ts'
import { type BreakKind, type BreakSource, isOpen, type Ticket } from '../domain/ticket.ts'
import { accountingDay } from '../domain/time.ts'
import { carefully } from './beside.ts'
import {
  type DifferenceRow,
  lastSession,
  readDifferences,
  readShown,
  type SessionDay,
  type StandingRow,
  standingBreaks,
} from './break-reads.ts'
import { type By, columns, type HeldBreak, insertStep, lockBreak, type StepChange, writeStep, writeSteps } from './break-steps.ts'
import { raiseWhole, readStanding, type WholeCase } from './break-whole.ts'
import type { Database, Tx } from './database.ts'
import { inserter, overKeys, sqlTime, type TypedColumns, updater } from './rows.ts'
import { lockTicket, readTickets } from './tickets.ts'

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
  raise(
    day: SessionDay,
    ticketNos: readonly string[],
    judge: (of: FoundOfTicket) => Raised,
    deadline: Date | undefined,
    by: By,
  ): Promise<number>
  /** Moves a break, by one step or several at once; false: it does not stand so any more, or not as `isStill` wants it. */
  stepBreak(
    id: number,
    event: BreakEvent | readonly BreakEvent[],
    reason: string,
    change: StepChange,
    by: By,
    isStill?: (held: HeldBreak) => boolean,
  ): Promise<boolean>
  /** Breaks whose chosen remedy is this one, oldest first, but for those of some banks. */
  chosen(remedy: BreakRemedy, limit: number, except?: readonly string[]): Promise<HeldBreak[]>
  /** Those whose instruction has come to its end. */
  underWay(limit: number): Promise<UnderWay[]>
  /**
   * Tickets of the bank of a session with breaks that are not over and that it may confirm: not those that it has found itself; and such of which a day that
   * is not balanced has a difference without a break.
   */
  ticketsToConfirm(day: SessionDay, after: string, limit: number): Promise<string[]>
  /**
   * Confirms the breaks of those tickets, in order, of which the bank has what it must have (art. 35(4)), and raises one of a whole ticket where it has not,
   * and nothing that stands says so.
   */
  confirm(day: SessionDay, ticketNos: readonly string[], how: Confirming, by: By): Promise<Confirmation>
  /** Breaks of sessions that have no deadline yet, with what it follows from. */
  undated(limit: number): Promise<{ readonly id: number; readonly accountingDate: string; readonly workDate: string }[]>
  /** False: it has one. */
  setDeadline(id: number, deadline: Date): Promise<boolean>
  /** Breaks whose supplementary debit was ordered and never written down with them, and the instruction it is. */
  unlinked(taxSystem: string, limit: number): Promise<(HeldBreak & { readonly orderedId: number })[]>
  /** Breaks beyond their deadline that have not come up to this level yet. */
  overdue(now: Date, level: Level, before: Date, limit: number): Promise<HeldBreak[]>
  /** Notes that it has come up to this level. */
  escalate(id: number, level: Level, by: By): Promise<boolean>
  /** A break as its steps need it. */
  heldBreak(id: number): Promise<HeldBreak | undefined>
  /**
   * How a ticket stands at a bank; how many instructions it has (of what is ordered by this nothing may have come about since), and whether one of them has no
   * outcome yet.
   */
  standing(bankCode: string, ticketNo: string): Promise<Standing & { readonly movements: number; readonly isOpen: boolean }>
}
/** What a confirmation needs to know of the bank, and of the break that may come of it. */
export type Confirming = WholeCase & { readonly dayEnd: string }
/** How many breaks were confirmed, and how many of whole tickets are new. */
export type Confirmation = { readonly confirmed: number; readonly raised: number }

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
const insertBreaks = (tx: Tx, day: SessionDay, deadline: Date | undefined, by: By, fresh: readonly Fresh[]): Promise<void> =>
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
    deadline: () => (deadline ? sqlTime(deadline) : null),
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
  deadline: Date | undefined,
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
const writeFresh = async (tx: Tx, day: SessionDay, fresh: readonly Fresh[], deadline: Date | undefined, by: By): Promise<Linked[]> => {
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
  readonly source: BreakSource
  readonly kind: BreakKind
  readonly excess: number | null
  readonly accountingDate: string | null
  readonly session: number | null
  readonly foundAt: Date
  readonly closedAt: Date | null
  /** The last session of its day finds it still. */
  readonly isShown: number
  /** Of its instruction: the bank's day, or what that follows from. */
  readonly bookedOn: string | null
  readonly sentAt: Date | null
  readonly seq: number
}
const toConfirm = overKeys(
  `SELECT b.id, b.ticket_no AS ticketNo, b.state, b.source, b.kind, b.excess, b.accounting_date AS accountingDate, b.session, b.at AS foundAt,
     b.closed_at AS closedAt, i.accounting_date AS bookedOn, COALESCE(i.last_sent_at, i.accepted_at) AS sentAt,
     EXISTS (SELECT 1 FROM difference d WHERE d.break_id = b.id AND d.session = ${lastSession('d')}) AS isShown,
     1 + (SELECT COUNT(*) FROM break_step s WHERE s.break_id = b.id) AS seq
   FROM break b LEFT JOIN instruction i ON i.id = b.instruction_id
   WHERE b.bank_code = ? AND b.state NOT IN ('confirmed', 'superseded') AND b.ticket_no IN (?) ORDER BY b.id FOR UPDATE`,
)

/**
 * Whether this session says nothing about a break yet, whatever the sums are. What a bank or two persons said of an instruction is only shown by the
 * reconciliation of its own day, and of a later one.
 */
const isTooEarly = async (tx: Tx, { bankCode, accountingDate, session }: SessionDay, row: ToConfirm, dayEnd: string): Promise<boolean> => {
  if (row.source === 'file') {
    if (row.accountingDate === accountingDate && row.session === session) return true
    // The amounts of it were right from the first.
    return row.kind === 'particulars' && row.excess === 0 && row.state !== 'remedied' && row.isShown === 1
  }
  const day = row.bookedOn ?? (row.sentAt ? accountingDay(row.sentAt, dayEnd) : accountingDate)
  if (accountingDate <= day) return true
  const [seen] = await tx.query(
    `SELECT 1 FROM reconciliation r WHERE r.bank_code = ? AND r.accounting_date = ? AND r.session = ? AND r.frozen_at > ?
       AND EXISTS (SELECT 1 FROM reconciliation o WHERE o.bank_code = r.bank_code AND o.accounting_date = ? AND o.kind = 'day-end' AND o.matched_at IS NOT NULL)`,
    [bankCode, accountingDate, session, sqlTime(row.foundAt), day],
  )
  return seen === undefined
}
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

/** Fen that the bank has of tickets, and how they are off: 0: the bank has what it must have. Undefined: something is open (art. 35(4)). */
type Weighed = ReadonlyMap<string, { readonly bank: number; readonly off: number; readonly isRight: boolean }>
const weigh = async (
  tx: Pick<Tx, 'query'>,
  { bankCode }: SessionDay,
  ticketNos: readonly string[],
  lock: '' | 'FOR UPDATE' = '',
): Promise<Weighed> => {
  const tickets = await readTickets(tx, ticketNos, lock)
  const shown = await readShown(tx, bankCode, ticketNos, tickets)
  return new Map(
    [...shown].map(([ticketNo, { bank, of }]) => {
      const isSettled = !(tickets.get(ticketNo)?.movements.some(isOpen) ?? false)
      const due = dueOf(of)
      return [ticketNo, { bank, off: bank - due, isRight: isConfirmed({ bank, due, isSettled }, false) }]
    }),
  )
}
const unbegun = overKeys(
  `SELECT ticket_no AS ticketNo, CAST(SUM(excess) AS SIGNED) AS sum FROM break
   WHERE bank_code = ? AND source = 'file' AND state IN ('found', 'chosen', 'failed') AND ticket_no IN (?) GROUP BY ticket_no`,
)
/** Tickets that are off by something else than what their breaks say that were not begun: each is looked at by itself. */
const strange = async (tx: Pick<Tx, 'query'>, { bankCode }: SessionDay, weighed: Weighed): Promise<string[]> => {
  const off = [...weighed].filter(([, of]) => of.off !== 0)
  const rows = await unbegun.query<{ ticketNo: string; sum: number }>(
    tx,
    off.map(([ticketNo]) => ticketNo),
    [bankCode],
  )
  const said = new Map(rows.map(row => [row.ticketNo, row.sum]))
  return off.filter(([ticketNo, of]) => (said.get(ticketNo) ?? 0) !== of.off).map(([ticketNo]) => ticketNo)
}

const confirmOnce = async (tx: Tx, day: SessionDay, ticketNos: readonly string[], dayEnd: string, by: By): Promise<number> => {
  const { bankCode, accountingDate, session } = day
  const weighed = await weigh(tx, day, ticketNos, 'FOR UPDATE')
  const right = ticketNos.filter(ticketNo => weighed.get(ticketNo)?.isRight)
  const rows: ToConfirm[] = []
  for (const row of await toConfirm.query<ToConfirm>(tx, right, [bankCode])) if (!(await isTooEarly(tx, day, row, dayEnd))) rows.push(row)
  const reasonOf = (ticketNo: string) => `35(4): session ${session} of ${accountingDate} shows ${weighed.get(ticketNo)?.bank} fen`
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
  stepBreak: (id, event, reason, change, by, isStill = () => true) =>
    carefully(() =>
      db.transaction(async tx => {
        const held = await lockBreak(tx, id)
        const events = typeof event === 'string' ? [event] : event
        return held !== undefined && isStill(held) && writeSteps(tx, held, events, reason, change, by)
      }),
    ),
  chosen: (remedy, limit, except = []) =>
    db.query<HeldBreak>(
      `SELECT ${columns} FROM break b WHERE b.state = 'chosen' AND b.remedy = ?${except.map(() => ' AND b.bank_code <> ?').join('')}
       ORDER BY b.id LIMIT ?`,
      [remedy, ...except, limit],
    ),
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
        `SELECT ticket_no AS ticketNo FROM break WHERE bank_code = ? AND state NOT IN ('confirmed', 'superseded') AND ticket_no > ?
           AND NOT (accounting_date <=> ? AND session <=> ?)
         UNION SELECT d.ticket_no FROM difference d JOIN reconciliation r ON r.bank_code = d.bank_code AND r.accounting_date = d.accounting_date
             AND r.session = d.session
           WHERE r.bank_code = ? AND r.kind = 'day-end' AND r.state IN ('matched', 'differing') AND r.matched_at IS NOT NULL
             AND r.session = ${lastSession('r')} AND d.break_id IS NULL AND d.type <> 'in-bank' AND d.ticket_no > ?
         ORDER BY 1 LIMIT ?`,
        [bankCode, after, accountingDate, session, bankCode, after, limit],
      )
    ).map(row => row.ticketNo),
  confirm: async (day, ticketNos, how, by) => {
    // Most stand as they stood: only those that seem to be right, or off by what nobody knows of, are locked, and looked at again.
    const weighed = await weigh(db, day, ticketNos)
    const right = ticketNos.filter(ticketNo => weighed.get(ticketNo)?.isRight)
    const confirmed = right.length === 0 ? 0 : await carefully(() => db.transaction(tx => confirmOnce(tx, day, right, how.dayEnd, by)))
    let raised = 0
    for (const ticketNo of await strange(db, day, weighed)) {
      const whole = await carefully(() =>
        db.transaction(async tx => raiseWhole(tx, day, ticketNo, await lockTicket(tx, ticketNo), how, by)),
      )
      if (whole) raised++
    }
    return { confirmed, raised }
  },
  undated: limit =>
    db.query<{ id: number; accountingDate: string; workDate: string }>(
      `SELECT b.id, b.accounting_date AS accountingDate, r.work_date AS workDate FROM break b JOIN reconciliation r ON r.bank_code = b.bank_code
         AND r.accounting_date = b.accounting_date AND r.session = b.session
       WHERE b.state NOT IN ('confirmed', 'superseded') AND b.deadline IS NULL AND b.source = 'file' ORDER BY b.id LIMIT ?`,
      [limit],
    ),
  setDeadline: async (id, deadline) =>
    (await db.execute('UPDATE break SET deadline = ? WHERE id = ? AND deadline IS NULL', [sqlTime(deadline), id])).affectedRows === 1,
  unlinked: (taxSystem, limit) =>
    db.query<HeldBreak & { orderedId: number }>(
      `SELECT ${columns}, (SELECT MAX(o.instruction_id) FROM tax_order o WHERE o.tax_system = ? AND o.kind = 'supplementaryDebit'
         AND o.order_no LIKE CONCAT('break-', b.id, '-%') AND o.accepted_at >= (SELECT MAX(s.at) FROM break_step s WHERE s.break_id = b.id)) AS orderedId
       FROM break b WHERE b.state IN ('chosen', 'failed') AND b.remedy IN ('supplement', 'supplement-missing')
       HAVING orderedId IS NOT NULL ORDER BY b.id LIMIT ?`,
      [taxSystem, limit],
    ),
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
  standing: (bankCode, ticketNo) =>
    db.transaction(async tx => {
      const ticket = await lockTicket(tx, ticketNo)
      const { movements } = ticket ?? { movements: [] }
      return { ...(await readStanding(tx, bankCode, ticketNo, ticket)), movements: movements.length, isOpen: movements.some(isOpen) }
    }),
  heldBreak: async id => (await db.query<HeldBreak>(`SELECT ${columns} FROM break b WHERE b.id = ?`, [id]))[0],
})
