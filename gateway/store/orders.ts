import type { Outcome } from '@taxlink/bank-sdk'
import { type DebitState, isFinal } from '../domain/debit.ts'
import { type Movement, movementOf, type Ruling, type Ticket, type Verdict } from '../domain/ticket.ts'
import { carefully, insertJournal, never, publish, upsertOutbox } from './beside.ts'
import type { Database, Tx } from './database.ts'
import type { NewInstruction } from './debits.ts'
import { type Actor, conclude, followEffect, insertInstruction, moveWithoutCall } from './linked.ts'
import { sqlTime } from './rows.ts'
import { lockTicket } from './tickets.ts'

/** What tax systems order beside debits. */
export type OrderKind = 'supplementaryDebit' | 'reversal' | 'stop'
/** The order itself, known by the tax system, its kind and the number the tax system gave it. */
export type OrderKey = { readonly taxSystem: string; readonly kind: OrderKind; readonly orderNo: string }
/** An order for a further instruction. */
export type NewOrder = OrderKey & {
  readonly contentHash: Buffer
  readonly instruction: NewInstruction
  /** When the queue is told, if it is to be sent and nothing has happened before. */
  readonly wakeAt: Date
}
/** An order to stop an instruction. */
export type NewStop = OrderKey & {
  readonly contentHash: Buffer
  readonly ticketNo: string
  readonly instructionId: number
  readonly acceptedAt: Date
}
/** `repeated`: the number was used before, with this content. */
export type Ordered =
  | { readonly kind: 'accepted'; readonly state: DebitState; readonly verdict: Verdict }
  | { readonly kind: 'repeated'; readonly contentHash: Buffer }

/**
 * The writes of reversals, supplementary debits and stops. The rules come in as `decide`: it is asked under the lock of the whole ticket, may be
 * asked again, and has no other effects.
 */
export type Orders = {
  /** Accepts an order once: the instruction as the rules have it, journal, outbox and, where it is final, the feed. */
  order(order: NewOrder, decide: (ticket: Ticket) => Verdict): Promise<Ordered>
  /** Stops an instruction if `decide` says so (`send`); the order itself is final at once. */
  stop(order: NewStop, decide: (ticket: Ticket) => Verdict): Promise<Ordered>
  /**
   * Looks again at one that was accepted and certainly never left us, before it is sent: it is left, ended without a call, or made to wait. `moved`:
   * it is not that any more.
   */
  review(id: number, ticketNo: string, decide: (ticket: Ticket, own: Movement) => Verdict, by: Actor): Promise<Verdict['kind'] | 'moved'>
}

/** A ruling as an outcome: our own code and words, in the bank's place. */
const outcomeOf = ({ code, zh }: Ruling, refused: boolean): Outcome => ({
  class: refused ? 'refused' : 'succeeded',
  code,
  bankCode: code,
  bankText: zh,
})
const rulingOf = (verdict: Verdict): Ruling | undefined => (verdict.kind === 'done' || verdict.kind === 'refuse' ? verdict : undefined)
const reasonOf = ({ rule, en }: Ruling): string => `${rule}: ${en}`

type Known = {
  readonly contentHash: Buffer
  readonly instructionId: number
  readonly state: DebitState | null
  readonly rule: string | null
}
const knownOrder = async (tx: Tx, { taxSystem, kind, orderNo }: OrderKey): Promise<Known | undefined> =>
  (
    await tx.query<Known>(
      `SELECT o.content_hash AS contentHash, o.instruction_id AS instructionId, COALESCE(o.state, i.state) AS state, o.rule
       FROM tax_order o JOIN instruction i ON i.id = o.instruction_id WHERE o.tax_system = ? AND o.kind = ? AND o.order_no = ?`,
      [taxSystem, kind, orderNo],
    )
  )[0]

const insertOrder = async (
  tx: Tx,
  o: OrderKey & { readonly contentHash: Buffer },
  at: { readonly ticketNo: string; readonly instructionId: number; readonly acceptedAt: Date },
  more: { readonly state?: string; readonly code?: string | undefined; readonly rule?: string | undefined },
): Promise<void> => {
  await tx.execute(
    `INSERT INTO tax_order (tax_system, kind, order_no, content_hash, ticket_no, instruction_id, accepted_at, state, result_code, rule)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      o.taxSystem,
      o.kind,
      o.orderNo,
      o.contentHash,
      at.ticketNo,
      at.instructionId,
      sqlTime(at.acceptedAt),
      more.state ?? null,
      more.code ?? null,
      more.rule ?? null,
    ],
  )
}

/** Whoever waits for an original is told to the row itself, and an original in doubt is asked about at once. */
const awaitOriginal = async (tx: Tx, originalId: number, now: Date): Promise<void> => {
  await tx.execute('UPDATE instruction SET awaited = 1 WHERE id = ? AND settled_at IS NULL', [originalId])
  const hastened = await tx.execute(
    `UPDATE instruction SET next_attempt_at = ? WHERE id = ? AND state = 'unknown' AND lease_owner IS NULL AND next_attempt_at > ?
     AND next_attempt_at < ?`,
    [sqlTime(now), originalId, sqlTime(now), never],
  )
  if (hastened.affectedRows > 0) await upsertOutbox(tx, [{ instructionId: originalId, wakeAt: now }])
}

const orderOnce = async (tx: Tx, o: NewOrder, decide: (ticket: Ticket) => Verdict): Promise<Ordered> => {
  const n = o.instruction
  // The lock first: of two with the same number one waits here, and then finds the other's.
  const ticket = await lockTicket(tx, n.ticketNo)
  if (!ticket) throw new Error('an order about a ticket that is not there')
  const known = await knownOrder(tx, o)
  if (known && known.instructionId !== n.id) return { kind: 'repeated', contentHash: known.contentHash }
  const verdict = decide(ticket)
  // Ours already: the COMMIT whose answer was lost.
  if (known?.state) return { kind: 'accepted', state: known.state, verdict }
  const ruling = rulingOf(verdict)
  const state = await insertInstruction(tx, n, verdict, ruling && outcomeOf(ruling, verdict.kind === 'refuse'))
  await insertOrder(tx, o, { ticketNo: n.ticketNo, instructionId: n.id, acceptedAt: n.acceptedAt }, { rule: ruling?.rule })
  await insertJournal(tx, [
    {
      at: n.acceptedAt,
      ticketNo: n.ticketNo,
      instructionId: n.id,
      event: 'accept',
      actor: o.taxSystem,
      state,
      reason: ruling ? reasonOf(ruling) : verdict.kind === 'wait' ? 'accepted, waits for its original' : `accepted: ${n.reason}`,
    },
  ])
  if (verdict.kind === 'send') await upsertOutbox(tx, [{ instructionId: n.id, wakeAt: o.wakeAt }])
  if (verdict.kind === 'wait') await awaitOriginal(tx, n.originalId, n.acceptedAt)
  if (isFinal(state)) await publish(tx, [{ ticketNo: n.ticketNo, instructionId: n.id, state, at: n.acceptedAt }])
  return { kind: 'accepted', state, verdict }
}

const stopOnce = async (tx: Tx, o: NewStop, decide: (ticket: Ticket) => Verdict): Promise<Ordered> => {
  const ticket = await lockTicket(tx, o.ticketNo)
  const own = ticket && movementOf(ticket, o.instructionId)
  if (!ticket || !own) throw new Error('an order about an instruction that is not there')
  const known = await knownOrder(tx, o)
  if (known) return { kind: 'repeated', contentHash: known.contentHash }
  const verdict = decide(ticket)
  const ruling = rulingOf(verdict)
  const state = verdict.kind === 'refuse' ? 'refused' : 'succeeded'
  const by = { now: o.acceptedAt, actor: o.taxSystem }
  if (verdict.kind === 'send') {
    const outcome: Outcome = { class: 'refused', code: '24020', bankCode: '24020', bankText: '已止付,确定未发往银行' }
    await moveWithoutCall(tx, ticket, own, { state: 'refused', outcome, reason: 'stopped by the tax side before it was sent' }, by)
    await conclude(tx, ticket, { ...own, state: 'refused', booked: 0 }, '24020', by, 'us')
  }
  await insertOrder(tx, o, o, { state, code: ruling?.code ?? '90000', rule: ruling?.rule })
  await insertJournal(tx, [
    {
      at: o.acceptedAt,
      ticketNo: o.ticketNo,
      instructionId: own.id,
      event: 'stop',
      actor: o.taxSystem,
      state: verdict.kind === 'send' ? 'refused' : own.state,
      reason: ruling ? reasonOf(ruling) : 'stopped',
    },
  ])
  return { kind: 'accepted', state, verdict }
}

const reviewOnce = async (
  tx: Tx,
  id: number,
  ticketNo: string,
  decide: (ticket: Ticket, own: Movement) => Verdict,
  by: Actor,
): Promise<Verdict['kind'] | 'moved'> => {
  const ticket = await lockTicket(tx, ticketNo)
  const own = ticket && movementOf(ticket, id)
  if (!ticket || own?.state !== 'accepted' || own.inquiries > 0) return 'moved'
  const verdict = decide(ticket, own)
  const ruling = rulingOf(verdict)
  if (verdict.kind === 'wait') {
    await tx.execute('UPDATE instruction SET next_attempt_at = ? WHERE id = ?', [never, id])
    await awaitOriginal(tx, own.originalId ?? 0, by.now)
  }
  if (!ruling) return verdict.kind
  const state = verdict.kind === 'refuse' ? 'refused' : 'succeeded'
  const outcome = outcomeOf(ruling, state === 'refused')
  await moveWithoutCall(tx, ticket, own, { state, outcome, reason: reasonOf(ruling), ...(state === 'succeeded' ? { booked: 0 } : {}) }, by)
  const ended = { ...own, state, booked: 0 } as const
  await conclude(tx, ticket, ended, ruling.code, by, 'us')
  if (own.reason === 'in-doubt') await followEffect(tx, ticket, ended, state === 'refused' ? 'original-person' : 'original-zero', by)
  return verdict.kind
}

/** Opens the orders over `db`. */
export const openOrders = (db: Database): Orders => ({
  order: (order, decide) => carefully(() => db.transaction(tx => orderOnce(tx, order, decide))),
  // A stop has no instruction of its own to be known by: after a COMMIT of unknown fate it is told as a repetition of itself.
  stop: (order, decide) => carefully(() => db.transaction(tx => stopOnce(tx, order, decide))),
  review: (id, ticketNo, decide, by) => carefully(() => db.transaction(tx => reviewOnce(tx, id, ticketNo, decide, by))),
})
