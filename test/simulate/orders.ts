import { hash } from 'node:crypto'
import { type Outcome, outcome } from '@taxlink/bank-sdk'
import { type Contradiction, contradiction, recordedOf } from '../../gateway/domain/break.ts'
import { type Movement, movementOf, type Ticket, type Verdict } from '../../gateway/domain/ticket.ts'
import type { Found, LateAnswer, Named } from '../../gateway/store/late.ts'
import type { Actor } from '../../gateway/store/linked.ts'
import type { NewOrder, NewStop, Ordered, OrderKey } from '../../gateway/store/orders.ts'
import { conclude, declareBreak, followEffect, insertInstruction, moveWithoutCall, ticketOf } from './linked.ts'
import { never, type OrderRow, Refused, type Tables } from './rows.ts'
import { isFinal, journal, publish } from './writes.ts'

// gateway/store/orders.ts, breaks.ts and late.ts in memory: each function is one transaction.

type Decide = (ticket: Ticket) => Verdict

const knownOrder = (tables: Tables, { taxSystem, kind, orderNo }: OrderKey): OrderRow | undefined =>
  tables.tax_order.find(o => o.tax_system === taxSystem && o.kind === kind && o.order_no === orderNo)
const outcomeOf = (verdict: Verdict): Outcome | undefined =>
  verdict.kind === 'done' || verdict.kind === 'refuse'
    ? { class: verdict.kind === 'refuse' ? 'refused' : 'succeeded', code: verdict.code, bankCode: verdict.code, bankText: verdict.zh }
    : undefined
const ruleOf = (verdict: Verdict): { readonly rule: string; readonly en: string; readonly code: string } | undefined =>
  verdict.kind === 'done' || verdict.kind === 'refuse' ? verdict : undefined

const awaitOriginal = (tables: Tables, originalId: number, now: Date): void => {
  const row = tables.instruction.get(originalId)
  if (!row) return
  if (row.settled_at === null) row.awaited = 1
  const at = now.getTime()
  if (row.state !== 'unknown' || row.lease_owner !== null || row.next_attempt_at === null) return
  if (row.next_attempt_at <= at || row.next_attempt_at >= never) return
  row.next_attempt_at = at
  tables.outbox.set(originalId, at)
}

/** Accepts an order once. */
export const order = (tables: Tables, o: NewOrder, decide: Decide): Ordered => {
  const n = o.instruction
  const ticket = ticketOf(tables, n.ticketNo)
  if (!ticket) throw new Refused('an order about a ticket that is not there')
  const known = knownOrder(tables, o)
  if (known && known.instruction_id !== n.id) return { kind: 'repeated', contentHash: known.content_hash }
  const verdict = decide(ticket)
  if (known) return { kind: 'accepted', state: tables.instruction.get(n.id)!.state, verdict }
  const ruling = ruleOf(verdict)
  const row = insertInstruction(tables, n, verdict, outcomeOf(verdict))
  tables.tax_order.push(orderRow(o, { ticket_no: n.ticketNo, instruction_id: n.id, accepted_at: n.acceptedAt }, { rule: ruling?.rule }))
  const waits = verdict.kind === 'wait' ? 'accepted, waits for its original' : `accepted: ${n.reason}`
  journal(tables, row, n.acceptedAt, 'accept', o.taxSystem, row.state, ruling ? `${ruling.rule}: ${ruling.en}` : waits)
  if (verdict.kind === 'send') tables.outbox.set(n.id, o.wakeAt.getTime())
  if (verdict.kind === 'wait') awaitOriginal(tables, n.originalId, n.acceptedAt)
  if (isFinal(row.state)) publish(tables, row, n.acceptedAt)
  return { kind: 'accepted', state: row.state, verdict }
}

const orderRow = (
  o: OrderKey & { readonly contentHash: Buffer },
  of: { readonly ticket_no: string; readonly instruction_id: number; readonly accepted_at: Date },
  more: { readonly state?: 'succeeded' | 'refused'; readonly code?: string | undefined; readonly rule?: string | undefined },
): OrderRow => ({
  tax_system: o.taxSystem,
  kind: o.kind,
  order_no: o.orderNo,
  content_hash: o.contentHash,
  ...of,
  accepted_at: of.accepted_at.getTime(),
  state: more.state ?? null,
  result_code: more.code ?? null,
  rule: more.rule ?? null,
})

/** Stops an instruction if `decide` says so. */
export const stop = (tables: Tables, o: NewStop, decide: Decide): Ordered => {
  const ticket = ticketOf(tables, o.ticketNo)
  const own = ticket && movementOf(ticket, o.instructionId)
  if (!ticket || !own) throw new Refused('an order about an instruction that is not there')
  const known = knownOrder(tables, o)
  if (known) return { kind: 'repeated', contentHash: known.content_hash }
  const verdict = decide(ticket)
  const ruling = ruleOf(verdict)
  const state = verdict.kind === 'refuse' ? 'refused' : 'succeeded'
  const by = { now: o.acceptedAt, actor: o.taxSystem }
  if (verdict.kind === 'send') {
    const stopped = outcome('24020', '24020', '已止付,确定未发往银行')
    moveWithoutCall(tables, own, { state: 'refused', outcome: stopped, reason: 'stopped by the tax side before it was sent' }, by)
    conclude(tables, ticket, { ...own, state: 'refused', booked: 0 }, '24020', by, 'us')
  }
  const of = { ticket_no: o.ticketNo, instruction_id: own.id, accepted_at: o.acceptedAt }
  tables.tax_order.push(orderRow(o, of, { state, code: ruling?.code ?? '90000', rule: ruling?.rule }))
  const row = { id: own.id, ticket_no: o.ticketNo }
  const left = verdict.kind === 'send' ? 'refused' : own.state
  journal(tables, row, o.acceptedAt, 'stop', o.taxSystem, left, ruling ? `${ruling.rule}: ${ruling.en}` : 'stopped')
  return { kind: 'accepted', state, verdict }
}

/** Looks again at one that certainly never left us. */
export const review = (
  tables: Tables,
  id: number,
  ticketNo: string,
  decide: (ticket: Ticket, own: Movement) => Verdict,
  by: Actor,
): Verdict['kind'] | 'moved' => {
  const ticket = ticketOf(tables, ticketNo)
  const own = ticket && movementOf(ticket, id)
  if (!ticket || own?.state !== 'accepted' || own.inquiries > 0) return 'moved'
  const verdict = decide(ticket, own)
  if (verdict.kind === 'wait') {
    tables.instruction.get(id)!.next_attempt_at = never
    awaitOriginal(tables, own.originalId ?? 0, by.now)
  }
  const [ruling, said] = [ruleOf(verdict), outcomeOf(verdict)]
  if (!ruling || !said) return verdict.kind
  const state = verdict.kind === 'refuse' ? 'refused' : 'succeeded'
  const reason = `${ruling.rule}: ${ruling.en}`
  moveWithoutCall(tables, own, { state, outcome: said, reason, ...(state === 'succeeded' ? { booked: 0 } : {}) }, by)
  const ended = { ...own, state, booked: 0 } as const
  conclude(tables, ticket, ended, ruling.code, by, 'us')
  if (own.reason === 'in-doubt') followEffect(tables, ticket, ended, state === 'refused' ? 'original-person' : 'original-zero', by)
  return verdict.kind
}

/** The instruction with this key. */
export const named = (tables: Tables, key: { officeCode: string; entrustDate: string; serialNo: string }): Named | undefined => {
  const row = tables.byKey.get(`${key.officeCode}/${key.entrustDate}/${key.serialNo}`)
  return row && { id: row.id, ticketNo: row.ticket_no, bankCode: row.bank_code, verb: row.verb, state: row.state }
}

/** Keeps the words of a late answer once, and holds what they say against the record; of an open instruction against its end. */
export const keepLate = (tables: Tables, late: LateAnswer, { actor, source }: Found): Contradiction | undefined => {
  const { instructionId, ticketNo, at, resultCode, transcript, said } = late
  const transcript_hash = hash('sha256', transcript, 'buffer')
  if (!tables.late_answer.some(l => l.instruction_id === instructionId && l.transcript_hash.equals(transcript_hash))) {
    const [result_code, said_state, said_amount] = [resultCode ?? null, said?.state ?? null, said?.amount ?? null]
    const kept = { instruction_id: instructionId, transcript_hash, at: at.getTime(), result_code, transcript, said_state, said_amount }
    tables.late_answer.push(kept)
  }
  const ticket = ticketOf(tables, ticketNo)
  const own = ticket && movementOf(ticket, instructionId)
  if (!said || !own) return undefined
  const row = tables.instruction.get(instructionId)!
  if (row.settled_at === null) row.awaited = 1
  const found = contradiction(recordedOf(ticket, own), said)
  const reason = `the bank says ${said.code}, ${said.amount} fen; the record says ${own.state}, ${own.booked} fen`
  if (found) declareBreak(tables, { ...found, at, ticketNo, instructionId, source, actor, reason })
  return found
}

/** Remembers the latest accounting date of a bank. */
export const sawDay = (tables: Tables, bank_code: string, accounting_date: string, now: Date): void => {
  const row = tables.bank_day.get(bank_code)
  if (row && row.accounting_date >= accounting_date) return
  tables.bank_day.set(bank_code, { bank_code, accounting_date, seen_at: now.getTime() })
}
