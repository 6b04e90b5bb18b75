import type { Outcome } from '@taxlink/bank-sdk'
import { type DebitState, type Effect, isFinal } from '../domain/debit.ts'
import { remedied } from '../domain/remedy.ts'
import { voidsTicket } from '../domain/supplement.ts'
import { isOpen, type Movement, movementOf, type Ticket, type Verdict, withMovement } from '../domain/ticket.ts'
import { carefully, deleteOutbox, insertJournal, never, publish, upsertOutbox } from './beside.ts'
import { closeBreaks } from './breaks.ts'
import type { Database, Tx } from './database.ts'
import { type NewInstruction, type Settlement, Stale, writeSettlements } from './debits.ts'
import { heedLate } from './late.ts'
import { sqlTime } from './rows.ts'
import { lockTicket } from './tickets.ts'

// What has a meaning for other rows of its ticket is settled here, all of it in one transaction and under the lock of the whole ticket.

/** Who moves something, and when. */
export type Actor = { readonly now: Date; readonly actor: string }
/** A move that no answer of a bank makes: to a certain end, or (a doubt) to a person. */
export type Move = {
  readonly state: 'succeeded' | 'refused'
  readonly outcome: Outcome
  /** Fen that moved, where it is not the amount asked for. */
  readonly booked?: number
  readonly reason: string
}

/** Moves an open instruction to its end without a call. Whoever still has it in hand is stale: neither state nor lease is what they know. */
export const moveWithoutCall = async (tx: Tx, ticket: Ticket, own: Movement, move: Move, { now, actor }: Actor): Promise<void> => {
  const { outcome, state, reason } = move
  await tx.execute(
    `UPDATE instruction SET state = ?, lease_owner = NULL, next_attempt_at = NULL, person = 0, awaited = 0,
       result_code = ?, bank_result_code = ?, bank_text = ?, booked_amount = ?, settled_at = ?
     WHERE id = ? AND settled_at IS NULL`,
    [state, outcome.code, outcome.bankCode, outcome.bankText ?? null, move.booked ?? null, sqlTime(now), own.id],
  )
  await insertJournal(tx, [
    {
      at: now,
      ticketNo: ticket.ticketNo,
      instructionId: own.id,
      event: state === 'succeeded' ? 'succeed' : 'refuse',
      actor,
      state,
      reason,
    },
  ])
  await deleteOutbox.execute(tx, [own.id])
  if (own.reason !== 'in-doubt') await publish(tx, [{ ticketNo: ticket.ticketNo, instructionId: own.id, state, at: now }])
}

/** A reversal whose original is settled, or certainly is not for the bank, is looked at again at once. */
const wakeWaiting = async (tx: Tx, ticket: Ticket, originalId: number, { now }: Actor): Promise<void> => {
  await tx.execute('UPDATE instruction SET awaited = 0 WHERE id = ? AND awaited = 1', [originalId])
  const waiting = ticket.movements.filter(m => m.verb === 'reversal' && m.originalId === originalId && m.state === 'accepted')
  for (const { id } of waiting) {
    const woken = await tx.execute(
      "UPDATE instruction SET next_attempt_at = ? WHERE id = ? AND state = 'accepted' AND next_attempt_at = ?",
      [sqlTime(now), id, never],
    )
    if (woken.affectedRows === 1) await upsertOutbox(tx, [{ instructionId: id, wakeAt: now }])
  }
}

const voidTicket = async (tx: Tx, ticket: Ticket, own: Movement, code: string, { now, actor }: Actor): Promise<void> => {
  const why = `supplementary debit refused: ${code}`
  const done = await tx.execute('UPDATE ticket SET voided_at = ?, void_reason = ? WHERE ticket_no = ? AND voided_at IS NULL', [
    sqlTime(now),
    why,
    ticket.ticketNo,
  ])
  if (done.affectedRows === 0) return
  await insertJournal(tx, [
    { at: now, ticketNo: ticket.ticketNo, instructionId: own.id, event: 'void', actor, state: 'refused', reason: why },
  ])
}

/** Whose end it is: the bank's; or of what certainly never left us: by our own rules, at the tax side's wish, or because the bank could not be reached. */
export type EndedBy = 'bank' | 'us'

/** Everything that follows from the end of an instruction, in the order of its consequences. `ticket` is as it was before. */
export const conclude = async (tx: Tx, ticket: Ticket, own: Movement, code: string, by: Actor, endedBy: EndedBy): Promise<void> => {
  const after = withMovement(ticket, own)
  await wakeWaiting(tx, after, own.id, by)
  await heedLate(tx, after, own, by.now, by.actor)
  // What was written off stands in a voucher and is not void without two persons (art. 21): there the remedy has failed, and no more.
  const voids = endedBy === 'bank' && ticket.isWrittenOff !== true && voidsTicket(own, own.state)
  if (voids) await voidTicket(tx, after, own, code, by)
  if (own.state !== 'succeeded' && !voids) return
  const kind = remedied(after, own)
  if (kind && own.originalId !== undefined) await closeBreaks(tx, own.originalId, kind, { id: own.id, voids }, by)
}

/** What a tombstone proved about its original, or left to a person. */
export const followEffect = async (tx: Tx, ticket: Ticket, own: Movement, effect: Effect, by: Actor): Promise<void> => {
  const original = movementOf(ticket, own.originalId ?? 0)
  if (!original || !isOpen(original)) return
  if (effect === 'original-person') {
    await tx.execute('UPDATE instruction SET person = 1, next_attempt_at = ? WHERE id = ? AND settled_at IS NULL', [never, original.id])
    await insertJournal(tx, [
      {
        at: by.now,
        ticketNo: ticket.ticketNo,
        instructionId: original.id,
        event: 'doubt',
        actor: by.actor,
        state: original.state,
        reason: 'no tombstone could be left: a person decides',
      },
    ])
    return
  }
  const zero: Outcome = {
    class: 'refused',
    code: '24020',
    bankCode: '24020',
    bankText: own.booked > 0 ? '已扣后全额冲正' : '冲正先到,确定未扣',
  }
  const reason = own.booked > 0 ? 'it had been booked, and was given back whole' : 'a tombstone keeps it out: certainly nothing was booked'
  await moveWithoutCall(tx, ticket, original, { state: 'refused', outcome: zero, reason }, by)
  await conclude(tx, withMovement(ticket, own), { ...original, state: 'refused', booked: 0 }, '24020', by, 'bank')
}

const insertColumns = `id, verb, ticket_no, office_code, entrust_date, serial_no, bank_code, amount, request, original_id, reason, state,
  next_attempt_at, result_code, bank_result_code, bank_text, booked_amount, accepted_at, settled_at`

/** Writes a further instruction of a ticket as the verdict has it: to be sent, waiting, or at its end already. */
export const insertInstruction = async (tx: Tx, n: NewInstruction, verdict: Verdict, outcome: Outcome | undefined): Promise<DebitState> => {
  const at = sqlTime(n.acceptedAt)
  const state = verdict.kind === 'done' ? 'succeeded' : verdict.kind === 'refuse' ? 'refused' : 'accepted'
  const next = verdict.kind === 'send' ? at : verdict.kind === 'wait' ? never : null
  const key = [n.id, n.verb, n.ticketNo, n.officeCode, n.entrustDate, n.serialNo, n.bankCode, n.amount, n.request, n.originalId, n.reason]
  await tx.execute(`INSERT INTO instruction (${insertColumns}) VALUES (${insertColumns.replaceAll(/\w+/g, '?')})`, [
    ...key,
    state,
    next,
    outcome?.code ?? null,
    outcome?.bankCode ?? null,
    outcome?.bankText ?? null,
    verdict.kind === 'done' ? 0 : null,
    at,
    isFinal(state) ? at : null,
  ])
  return state
}

/** The reversal that is to leave a tombstone, unless one is under way. */
const leaveTombstone = async (tx: Tx, ticket: Ticket, n: NewInstruction, { actor }: Actor): Promise<void> => {
  const isUnderWay = ticket.movements.some(m => m.originalId === n.originalId && m.reason === 'in-doubt' && isOpen(m))
  if (isUnderWay) return
  await insertInstruction(tx, n, { kind: 'send' }, undefined)
  await insertJournal(tx, [
    {
      at: n.acceptedAt,
      ticketNo: n.ticketNo,
      instructionId: n.id,
      event: 'accept',
      actor,
      state: 'accepted',
      reason: 'a tombstone for what was not found',
    },
  ])
  await upsertOutbox(tx, [{ instructionId: n.id, wakeAt: n.acceptedAt }])
}

/**
 * Whether it was recorded before, by a COMMIT whose answer never came, in whichever call: then its own line stands in the journal. The answer of its attempt
 * proves nothing: that is kept of what was stale, too.
 */
const isRecorded = async (tx: Tx, { instruction, owner, now, decision }: Settlement): Promise<boolean> =>
  (
    await tx.query('SELECT 1 FROM journal WHERE ticket_no = ? AND instruction_id = ? AND actor = ? AND at = ? AND event = ? LIMIT 1', [
      instruction.ticketNo,
      instruction.id,
      owner,
      sqlTime(now),
      decision.event,
    ])
  ).length > 0

const settleOnce = async (tx: Tx, s: Settlement): Promise<boolean> => {
  const { instruction, decision, now, owner: actor } = s
  const ticket = await lockTicket(tx, instruction.ticketNo)
  const own = ticket && movementOf(ticket, instruction.id)
  if (!ticket || !own) return false
  const awaited = await tx.execute('UPDATE instruction SET awaited = 0 WHERE id = ? AND awaited = 1', [own.id])
  try {
    await writeSettlements(tx, [s])
  } catch (error) {
    if (!(error instanceof Stale)) throw error
    if (awaited.affectedRows > 0) await tx.execute('UPDATE instruction SET awaited = 1 WHERE id = ?', [own.id])
    return isRecorded(tx, s)
  }
  if (decision.booked !== undefined) await tx.execute('UPDATE instruction SET booked_amount = ? WHERE id = ?', [decision.booked, own.id])
  const by = { now, actor }
  const { state } = decision
  if (isFinal(state)) {
    const settled = { ...own, state, booked: state === 'succeeded' ? (decision.booked ?? own.amount) : 0 }
    await conclude(tx, ticket, settled, decision.outcome?.code ?? '', by, decision.neverSent ? 'us' : 'bank')
    if (decision.effect) await followEffect(tx, ticket, settled, decision.effect, by)
  } else {
    if (awaited.affectedRows > 0) await tx.execute('UPDATE instruction SET awaited = 1 WHERE id = ?', [own.id])
    if (decision.effect === 'tombstone' && s.tombstone) await leaveTombstone(tx, ticket, s.tombstone, by)
  }
  return true
}

/** Settles one with all that follows from it; false: the fence is not ours any more, and it was not recorded while it was. */
export const openLinked =
  (db: Database) =>
  (settlement: Settlement): Promise<boolean> =>
    carefully(() => db.transaction(tx => settleOnce(tx, settlement)))
