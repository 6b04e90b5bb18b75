import { type BreakEvent, type BreakState, breakMachine, isRemedied } from '../domain/break-life.ts'
import type { BreakRemedy } from '../domain/break-remedy.ts'
import type { Scalar, Tx } from './database.ts'
import { sqlTime } from './rows.ts'

// How a break moves: each step is a line of its life, and the break shows the last.

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
/** What is read of a break, named `b`. */
export const columns = `b.id, b.state, b.remedy, b.remedy_by AS remedyBy, b.instruction_id AS instructionId, b.ticket_no AS ticketNo, b.bank_code AS bankCode,
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

/** Several steps one after another; false, and nothing is written, where its state does not know them. */
export const writeSteps = async (
  tx: Tx,
  held: Pick<HeldBreak, 'id' | 'state' | 'closedAt'>,
  events: readonly BreakEvent[],
  reason: string,
  change: StepChange,
  by: By,
): Promise<boolean> => {
  const states = [held.state]
  for (const event of events) {
    const to = breakMachine.next(states.at(-1)!, event)
    if (to === undefined) return false
    states.push(to)
  }
  let { closedAt } = held
  for (const [i, event] of events.entries()) {
    await writeStep(tx, { id: held.id, state: states[i]!, closedAt }, event, reason, change, by)
    if (isRemedied(states[i + 1]!)) closedAt ??= by.now
  }
  return true
}

/** Writes a line of the life of a break. */
export const insertStep = async (
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
