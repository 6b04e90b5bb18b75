import type { Decision } from '../../gateway/domain/debit.ts'
import type { Acceptance, Claim, Instruction, NewDebit, Settlement } from '../../gateway/store/debits.ts'
import type { Delivery } from '../../gateway/store/deliveries.ts'
import type { Postponement } from '../../gateway/store/wakes.ts'
import { settleLinked } from './linked.ts'
import { type InstructionRow, never, Refused, Tables } from './rows.ts'
import { add, answersOf, block, isFinal, journal, publish } from './writes.ts'

// What each transaction of gateway/store does, in memory. test/simulate/model.test.ts holds it against the real record, row by row.

const ms = (at: Date | undefined): number | null => at?.getTime() ?? null
const nextLook = (decision: Decision): number | null => ms(decision.nextAttemptAt) ?? (isFinal(decision.state) ? null : never)

/** The simulated record: every method is one transaction, whole or not at all. */
export class Record {
  readonly tables = new Tables()

  /** Ticket, instruction, first attempt, journal, outbox; read by key first, as after a COMMIT of unknown fate. */
  accept(debit: NewDebit): Acceptance {
    const { tables } = this
    const before = tables.ticket.get(debit.ticketNo)
    if (before) {
      const first = tables.debitOf.get(debit.ticketNo)!
      return first.id === debit.instructionId ? { kind: 'accepted' } : { kind: 'repeated', contentHash: before.content_hash }
    }
    const row = instructionRow(debit)
    add(tables, row)
    tables.ticket.set(debit.ticketNo, {
      ticket_no: debit.ticketNo,
      tax_system: debit.taxSystem,
      office_code: debit.officeCode,
      bank_code: debit.bankCode,
      amount: debit.amount,
      content_hash: debit.contentHash,
      accepted_at: debit.acceptedAt.getTime(),
      voided_at: null,
      void_reason: null,
      fixed_quota: debit.fixedQuota === undefined ? null : Number(debit.fixedQuota),
    })
    tables.debitOf.set(debit.ticketNo, row)
    if (debit.state === 'sent') this.#attempt(row, 'debit', debit.owner, debit.acceptedAt)
    journal(this.tables, row, debit.acceptedAt, 'accept', debit.taxSystem, debit.state, debit.reason)
    if (debit.wakeAt) tables.outbox.set(row.id, debit.wakeAt.getTime())
    if (isFinal(debit.state)) publish(this.tables, row, debit.acceptedAt)
    return { kind: 'accepted' }
  }

  /** Compare-and-set on the fence. */
  claim({ instruction, verb, owner, now, leaseUntil }: Claim): boolean {
    const row = this.tables.instruction.get(instruction.id)
    if (!row || row.attempt_no !== instruction.attemptNo || row.state !== instruction.state) return false
    if (row.next_attempt_at === null || row.next_attempt_at > now.getTime()) return false
    row.state = verb === 'inquiry' ? 'unknown' : 'sent'
    row.attempt_no++
    row.lease_owner = owner
    row.next_attempt_at = leaseUntil.getTime()
    if (verb !== 'inquiry') row.last_sent_at = now.getTime()
    this.#attempt(row, verb, owner, now)
    journal(this.tables, row, now, verb === 'inquiry' ? 'inquire' : 'send', owner, row.state, `attempt ${row.attempt_no}`)
    this.tables.outbox.delete(row.id)
    return true
  }

  /** Settles a debit nobody waits for as the hot path does, anything else with all that follows. */
  settle(settlement: Settlement): boolean {
    const { instruction, decision } = settlement
    const isPlain = instruction.verb === 'debit' && decision.effect === undefined
    if (isPlain && this.#settle(settlement)) return true
    return settleLinked(this.tables, settlement, s => this.#settle(s))
  }

  /** Moves under the fence, adds answer, journal and result. */
  #settle(settlement: Settlement): boolean {
    const { tables } = this
    const { decision, now, owner } = settlement
    const row = tables.instruction.get(settlement.instruction.id)
    if (!row || row.attempt_no !== settlement.attemptNo || row.lease_owner !== owner || row.state !== settlement.from) return false
    if (row.awaited !== 0) return false
    if (this.isAnswered(settlement)) throw new Refused('duplicate key of an answer')
    move(row, settlement)
    this.#answer(settlement)
    journal(this.tables, row, now, decision.event, owner, row.state, decision.reason)
    if (decision.nextAttemptAt) tables.outbox.set(row.id, decision.nextAttemptAt.getTime())
    // A reversal of our own nobody has ordered, and nobody is told of.
    if (isFinal(row.state) && row.reason !== 'in-doubt') publish(this.tables, row, now)
    return true
  }

  /** Whether the answer of this attempt stands there already: of what was recorded, or of what was only kept. */
  isAnswered(settlement: Settlement): boolean {
    return answersOf(this.tables, settlement.instruction.id).some(answer => answer.attempt_no === settlement.attemptNo)
  }

  /** Keeps an answer that moves nothing. */
  keep(settlement: Settlement): void {
    if (!this.isAnswered(settlement)) this.#answer(settlement)
  }

  /** The first of the outbox that are due. */
  wakes(now: Date, limit: number): number[] {
    return [...this.tables.outbox]
      .filter(([, at]) => at <= now.getTime())
      .sort((a, b) => a[1] - b[1])
      .slice(0, limit)
      .map(([id]) => id)
  }

  /** Removes what was told, unless it was re-scheduled in the meantime. */
  told(ids: readonly number[], now: Date): void {
    for (const id of ids) if ((this.tables.outbox.get(id) ?? never) <= now.getTime()) this.tables.outbox.delete(id)
  }

  /** Makes a doubtful instruction due, unless somebody asks already. */
  hasten(key: { bankCode: string; officeCode: string; entrustDate: string; serialNo: string }, now: Date): boolean {
    const row = this.tables.byKey.get(`${key.officeCode}/${key.entrustDate}/${key.serialNo}`)
    if (row?.bank_code !== key.bankCode || row.state !== 'unknown' || row.lease_owner !== null) return false
    if (row.next_attempt_at === null || row.next_attempt_at <= now.getTime()) return false
    if (row.person === 0 && row.next_attempt_at >= never) return false
    row.next_attempt_at = now.getTime()
    this.tables.touched.add(row.ticket_no)
    return true
  }

  /** Looks at an accepted instruction later, unless it has moved on. */
  postpone({ instruction, until }: Postponement): void {
    const row = this.tables.instruction.get(instruction.id)
    if (row?.attempt_no !== instruction.attemptNo || row.state !== 'accepted') return
    row.next_attempt_at = until.getTime()
    this.tables.outbox.set(row.id, until.getTime())
    this.tables.touched.add(row.ticket_no)
  }

  /** Instructions as a worker needs them, in the order of their ids. */
  load(ids: readonly number[]): Instruction[] {
    return [...new Set(ids)].sort((a, b) => a - b).flatMap(id => instructionOf(this.tables.instruction.get(id)) ?? [])
  }

  /** What is due, the oldest of each bank first; of a halted bank only what may be asked about, and reversals. */
  due(now: Date, limit: number, halted: readonly string[] = []): number[] {
    const lanes = new Map<string, InstructionRow[]>()
    for (const row of this.tables.instruction.values()) {
      if (row.next_attempt_at === null || row.next_attempt_at > now.getTime()) continue
      if (row.state === 'accepted' && row.verb !== 'reversal' && halted.includes(row.bank_code)) continue
      const lane = lanes.get(row.bank_code)
      if (lane) lane.push(row)
      else lanes.set(row.bank_code, [row])
    }
    const places = [...lanes.values()].flatMap(lane =>
      lane
        .sort((a, b) => a.next_attempt_at! - b.next_attempt_at!)
        .slice(0, limit)
        .map((row, place) => ({ id: row.id, place })),
    )
    return places.sort((a, b) => a.place - b.place).map(({ id }) => id)
  }

  /** The lease on a webhook, where it is due and free. */
  lease(name: string, owner: string, now: Date, until: Date): Delivery | undefined {
    const at = now.getTime()
    const row = this.tables.delivery.get(name) ?? {
      name,
      delivered_seq: 0,
      failures: 0,
      next_attempt_at: at,
      lease_owner: null,
      lease_until: null,
    }
    this.tables.delivery.set(name, row)
    const isFree = row.lease_owner === null || row.lease_owner === owner || row.lease_until! <= at
    if (row.next_attempt_at > at || !isFree) return undefined
    row.lease_owner = owner
    row.lease_until = until.getTime()
    return { deliveredSeq: row.delivered_seq, failures: row.failures }
  }

  /** Moves a webhook on, under its lease. */
  advance(name: string, owner: string, to: { deliveredSeq: number; failures: number; nextAttemptAt: Date }): boolean {
    const row = this.tables.delivery.get(name)
    if (row?.lease_owner !== owner) return false
    row.delivered_seq = Math.max(row.delivered_seq, to.deliveredSeq)
    row.failures = to.failures
    row.next_attempt_at = to.nextAttemptAt.getTime()
    row.lease_owner = null
    row.lease_until = null
    return true
  }

  /** The first of `size` numbers that nobody gets again. */
  block(name: string, size: number): number {
    return block(this.tables, name, size)
  }

  #attempt(row: InstructionRow, verb: string, owner: string, at: Date): void {
    const rows = this.tables.attempt.get(row.id) ?? []
    rows.push({ instruction_id: row.id, attempt_no: row.attempt_no, verb, owner, started_at: at.getTime() })
    this.tables.attempt.set(row.id, rows)
  }

  #answer({ instruction, attemptNo, now, decision, fault, transcript }: Settlement): void {
    const at = now.getTime()
    const what = { result_code: decision.outcome?.code ?? null, fault: fault ?? null, transcript: transcript ?? null }
    answersOf(this.tables, instruction.id).push({ instruction_id: instruction.id, attempt_no: attemptNo, at, ...what })
    this.tables.touched.add(instruction.ticketNo)
  }
}

const instructionRow = (debit: NewDebit): InstructionRow => {
  const acceptedAt = debit.acceptedAt.getTime()
  const sent = debit.state === 'sent'
  return {
    id: debit.instructionId,
    verb: 'debit',
    ticket_no: debit.ticketNo,
    office_code: debit.officeCode,
    entrust_date: debit.entrustDate,
    serial_no: debit.serialNo,
    bank_code: debit.bankCode,
    amount: debit.amount,
    request: debit.request,
    state: debit.state,
    attempt_no: sent ? 1 : 0,
    lease_owner: sent ? debit.owner : null,
    next_attempt_at: ms(debit.nextAttemptAt),
    person: 0,
    redeliveries: 0,
    inquiries: 0,
    last_sent_at: sent ? acceptedAt : null,
    result_code: debit.outcome?.code ?? null,
    bank_result_code: debit.outcome?.bankCode ?? null,
    bank_text: debit.outcome?.bankText ?? null,
    bank_serial: null,
    accounting_date: null,
    accepted_at: acceptedAt,
    settled_at: isFinal(debit.state) ? acceptedAt : null,
    original_id: null,
    reason: null,
    booked_amount: null,
    awaited: 0,
  }
}

const move = (row: InstructionRow, { decision, bankSerial, accountingDate, now }: Settlement): void => {
  row.state = decision.state
  row.lease_owner = null
  row.next_attempt_at = nextLook(decision)
  row.person = decision.person ? 1 : 0
  row.redeliveries = decision.redeliveries
  row.inquiries = decision.inquiries
  if (decision.outcome) {
    row.bank_text = decision.outcome.bankText ?? null
    row.bank_result_code = decision.outcome.bankCode
    row.result_code = decision.outcome.code
  }
  row.bank_serial = bankSerial ?? row.bank_serial
  row.accounting_date = accountingDate ?? row.accounting_date
  row.settled_at = isFinal(decision.state) ? now.getTime() : null
}

const date = (at: number | null): Date | undefined => (at === null ? undefined : new Date(at))
const instructionOf = (row: InstructionRow | undefined): Instruction | undefined =>
  row && {
    id: row.id,
    verb: row.verb,
    inDoubt: row.reason === 'in-doubt',
    ticketNo: row.ticket_no,
    officeCode: row.office_code,
    entrustDate: row.entrust_date,
    serialNo: row.serial_no,
    bankCode: row.bank_code,
    attemptNo: row.attempt_no,
    nextAttemptAt: date(row.next_attempt_at),
    acceptedAt: new Date(row.accepted_at),
    state: row.state,
    amount: row.amount,
    redeliveries: row.redeliveries,
    inquiries: row.inquiries,
    lastSentAt: date(row.last_sent_at),
    request: row.request,
  }
