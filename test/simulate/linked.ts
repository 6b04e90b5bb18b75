import { type Outcome, outcome } from '@taxlink/bank-sdk'
import { contradiction, recordedOf } from '../../gateway/domain/break.ts'
import type { Effect } from '../../gateway/domain/debit.ts'
import { remedied } from '../../gateway/domain/remedy.ts'
import { voidsTicket } from '../../gateway/domain/supplement.ts'
import { isOpen, type Movement, movementOf, type Ticket, type Verdict, withMovement } from '../../gateway/domain/ticket.ts'
import type { NewBreak } from '../../gateway/store/breaks.ts'
import type { NewInstruction, Settlement } from '../../gateway/store/debits.ts'
import type { Actor, EndedBy, Move } from '../../gateway/store/linked.ts'
import { type InstructionRow, never, type Tables } from './rows.ts'
import { add, isFinal, journal, publish } from './writes.ts'

// gateway/store/tickets.ts and linked.ts in memory: what has a meaning for other rows of its ticket.

const date = (at: number | null): Date | undefined => (at === null ? undefined : new Date(at))

/** A ticket as the rules see it. */
export const ticketOf = (tables: Tables, ticketNo: string): Ticket | undefined => {
  const head = tables.ticket.get(ticketNo)
  if (!head) return undefined
  return {
    ticketNo,
    taxSystem: head.tax_system,
    bankCode: head.bank_code,
    amount: head.amount,
    isVoid: head.voided_at !== null,
    // Nothing is written off, adopted or asked back by a notice in the simulation.
    isWrittenOff: false,
    isAdopted: false,
    askedBack: [],
    movements: (tables.ofTicket.get(ticketNo) ?? []).map(movement),
    breaks: tables.break
      .filter(b => b.ticket_no === ticketNo)
      .map(b => ({
        instructionId: b.instruction_id,
        kind: b.kind,
        source: b.source,
        taxAmount: b.tax_amount,
        bankAmount: b.bank_amount,
        isOpen: b.closed_at === null,
      })),
    bankDay: tables.bank_day.get(head.bank_code)?.accounting_date,
  }
}

const movement = (row: InstructionRow): Movement => ({
  id: row.id,
  verb: row.verb,
  state: row.state,
  amount: row.amount,
  booked: row.state === 'succeeded' ? (row.booked_amount ?? row.amount) : 0,
  originalId: row.original_id ?? undefined,
  reason: row.reason ?? undefined,
  inquiries: row.inquiries,
  acceptedAt: new Date(row.accepted_at),
  lastSentAt: date(row.last_sent_at),
  accountingDate: row.accounting_date ?? undefined,
})

/** Moves an open instruction to its end without a call. */
export const moveWithoutCall = (
  tables: Tables,
  own: Movement,
  { state, outcome: of, booked, reason }: Move,
  { now, actor }: Actor,
): void => {
  const row = tables.instruction.get(own.id)!
  if (row.settled_at === null) {
    row.state = state
    row.lease_owner = null
    row.next_attempt_at = null
    row.person = 0
    row.awaited = 0
    setOutcome(row, of)
    row.booked_amount = booked ?? null
    row.settled_at = now.getTime()
  }
  journal(tables, row, now, state === 'succeeded' ? 'succeed' : 'refuse', actor, state, reason)
  tables.outbox.delete(row.id)
  if (own.reason !== 'in-doubt') publish(tables, row, now)
}

const setOutcome = (row: InstructionRow, { code, bankCode, bankText }: Outcome): void => {
  row.result_code = code
  row.bank_result_code = bankCode
  row.bank_text = bankText ?? null
}

const wakeWaiting = (tables: Tables, ticket: Ticket, originalId: number, { now }: Actor): void => {
  const original = tables.instruction.get(originalId)
  if (original) original.awaited = 0
  for (const { id, verb, originalId: of, state } of ticket.movements) {
    const row = tables.instruction.get(id)!
    if (verb !== 'reversal' || of !== originalId || state !== 'accepted' || row.state !== 'accepted' || row.next_attempt_at !== never)
      continue
    row.next_attempt_at = now.getTime()
    tables.outbox.set(id, now.getTime())
  }
}

/** Closes open breaks of an instruction of one kind. */
const closeBreaks = (tables: Tables, instructionId: number, kind: string, by: number, now: Date): void => {
  for (const found of tables.break) {
    if (found.instruction_id !== instructionId || found.kind !== kind || found.closed_at !== null) continue
    found.closed_at = now.getTime()
    found.closed_by = by
  }
}

const voidTicket = (tables: Tables, ticket: Ticket, own: Movement, code: string, { now, actor }: Actor): void => {
  const head = tables.ticket.get(ticket.ticketNo)!
  if (head.voided_at !== null) return
  head.voided_at = now.getTime()
  head.void_reason = `supplementary debit refused: ${code}`
  journal(tables, { id: own.id, ticket_no: ticket.ticketNo }, now, 'void', actor, 'refused', head.void_reason)
}

/** Writes a break once while it is open. */
export const declareBreak = (tables: Tables, b: NewBreak): boolean => {
  const isKnown = tables.break.some(
    o => o.instruction_id === b.instructionId && o.kind === b.kind && o.source === b.source && o.closed_at === null,
  )
  if (isKnown) return false
  tables.break.push({
    at: b.at.getTime(),
    ticket_no: b.ticketNo,
    instruction_id: b.instructionId,
    kind: b.kind,
    source: b.source,
    tax_amount: b.taxAmount,
    bank_amount: b.bankAmount,
    reason: b.reason.slice(0, 200),
    closed_at: null,
    closed_by: null,
  })
  const row = { id: b.instructionId, ticket_no: b.ticketNo }
  const { state = '' } = (tables.instruction.get(b.instructionId) ?? {}) as Partial<InstructionRow>
  journal(tables, row, b.at, 'break', b.actor, state, `${b.kind} (${b.source}): ${b.reason}`)
  return true
}

const heedLate = (tables: Tables, ticket: Ticket, own: Movement, { now: at, actor }: Actor): void => {
  const said = tables.late_answer.filter(l => l.instruction_id === own.id && l.said_state !== null)
  for (const { said_state, said_amount, result_code } of said.toSorted(
    (a, b) => a.at - b.at || Buffer.compare(a.transcript_hash, b.transcript_hash),
  )) {
    const [code, amount] = [result_code ?? '', said_amount ?? 0]
    const found = contradiction(recordedOf(ticket, own), { state: said_state!, code, amount })
    const reason = `the bank had said ${code}, ${amount} fen; the record says ${own.state}, ${own.booked} fen`
    if (found)
      declareBreak(tables, { ...found, at, ticketNo: ticket.ticketNo, instructionId: own.id, source: 'late-answer', actor, reason })
  }
}

/** All that follows from the end of an instruction; `ticket` is as it was before. */
export const conclude = (tables: Tables, ticket: Ticket, own: Movement, code: string, by: Actor, endedBy: EndedBy): void => {
  const after = withMovement(ticket, own)
  wakeWaiting(tables, after, own.id, by)
  heedLate(tables, after, own, by)
  const voids = endedBy === 'bank' && voidsTicket(own, own.state)
  if (voids) voidTicket(tables, after, own, code, by)
  if (own.state !== 'succeeded' && !voids) return
  const kind = remedied(after, own)
  if (kind && own.originalId !== undefined) closeBreaks(tables, own.originalId, kind, own.id, by.now)
}

/** What a tombstone proved about its original, or left to a person. */
export const followEffect = (tables: Tables, ticket: Ticket, own: Movement, effect: Effect, by: Actor) => {
  const original = movementOf(ticket, own.originalId ?? 0)
  if (!original || !isOpen(original)) return
  if (effect === 'original-person') {
    const row = tables.instruction.get(original.id)!
    if (row.settled_at === null) {
      row.person = 1
      row.next_attempt_at = never
    }
    return journal(tables, row, by.now, 'doubt', by.actor, original.state, 'no tombstone could be left: a person decides')
  }
  const zero = outcome('24020', '24020', own.booked > 0 ? '已扣后全额冲正' : '冲正先到,确定未扣')
  const reason = own.booked > 0 ? 'it had been booked, and was given back whole' : 'a tombstone keeps it out: certainly nothing was booked'
  moveWithoutCall(tables, original, { state: 'refused', outcome: zero, reason }, by)
  conclude(tables, withMovement(ticket, own), { ...original, state: 'refused', booked: 0 }, '24020', by, 'bank')
}

/** Writes a further instruction as the verdict has it. */
export const insertInstruction = (tables: Tables, n: NewInstruction, verdict: Verdict, of: Outcome | undefined): InstructionRow => {
  const at = n.acceptedAt.getTime()
  const state = verdict.kind === 'done' ? 'succeeded' : verdict.kind === 'refuse' ? 'refused' : 'accepted'
  const row: InstructionRow = {
    id: n.id,
    verb: n.verb,
    ticket_no: n.ticketNo,
    office_code: n.officeCode,
    entrust_date: n.entrustDate,
    serial_no: n.serialNo,
    bank_code: n.bankCode,
    amount: n.amount,
    request: n.request,
    state,
    attempt_no: 0,
    lease_owner: null,
    next_attempt_at: verdict.kind === 'send' ? at : verdict.kind === 'wait' ? never : null,
    person: 0,
    redeliveries: 0,
    inquiries: 0,
    last_sent_at: null,
    result_code: of?.code ?? null,
    bank_result_code: of?.bankCode ?? null,
    bank_text: of?.bankText ?? null,
    bank_serial: null,
    accounting_date: null,
    accepted_at: at,
    settled_at: isFinal(state) ? at : null,
    original_id: n.originalId,
    reason: n.reason,
    booked_amount: verdict.kind === 'done' ? 0 : null,
    awaited: 0,
  }
  add(tables, row)
  return row
}

const leaveTombstone = (tables: Tables, ticket: Ticket, n: NewInstruction, { actor }: Actor): void => {
  if (ticket.movements.some(m => m.originalId === n.originalId && m.reason === 'in-doubt' && isOpen(m))) return
  const row = insertInstruction(tables, n, { kind: 'send' }, undefined)
  journal(tables, row, n.acceptedAt, 'accept', actor, 'accepted', 'a tombstone for what was not found')
  tables.outbox.set(n.id, n.acceptedAt.getTime())
}

/** Whether it was recorded before: its own line stands in the journal. */
const isRecorded = (tables: Tables, { instruction, owner, now, decision }: Settlement): boolean =>
  tables.journal.some(
    line => line.instruction_id === instruction.id && line.actor === owner && line.at === now.getTime() && line.event === decision.event,
  )

/** Settles one with all that follows from it; `write` settles the row itself, and says whether the fence was ours. False: it is not, and was not. */
export const settleLinked = (tables: Tables, s: Settlement, write: (s: Settlement) => boolean): boolean => {
  const { instruction, decision, now, owner: actor } = s
  const ticket = ticketOf(tables, instruction.ticketNo)
  const own = ticket && movementOf(ticket, instruction.id)
  if (!ticket || !own) return false
  const row = tables.instruction.get(own.id)!
  const { awaited } = row
  row.awaited = 0
  if (!write(s)) {
    row.awaited = awaited
    return isRecorded(tables, s)
  }
  if (decision.booked !== undefined) row.booked_amount = decision.booked
  const by = { now, actor }
  const { state } = decision
  if (isFinal(state)) {
    const settled = { ...own, state, booked: state === 'succeeded' ? (decision.booked ?? own.amount) : 0 }
    conclude(tables, ticket, settled, decision.outcome?.code ?? '', by, decision.neverSent ? 'us' : 'bank')
    if (decision.effect) followEffect(tables, ticket, settled, decision.effect, by)
  } else {
    row.awaited = awaited
    if (decision.effect === 'tombstone' && s.tombstone) leaveTombstone(tables, ticket, s.tombstone, by)
  }
  return true
}
