import type { Entry } from '../../conformance/simulator/ledger.ts'
import { checkArticle35 } from './article35.ts'
import { broken } from './broken.ts'
import type { City } from './city.ts'
import { isLied } from './further.ts'
import { Leases } from './leases.ts'
import { type BreakRow, type InstructionRow, keyOf, never, type OrderRow } from './rows.ts'
import type { Wire } from './wire.ts'
import { isFinal } from './writes.ts'

// Not a line of the gateway's code: what stands in the tables, what the banks booked, what the wire showed, what the tax side was told.

const minute = 60_000
const sum = (entries: readonly Entry[] | undefined): number => (entries ?? []).reduce((of, e) => of + e.amount, 0)
/** Fen that the record says have moved. */
const bookedOf = (row: InstructionRow): number => (row.state === 'succeeded' ? (row.booked_amount ?? row.amount) : 0)
/** Fen of an instruction as they count for its ticket. */
const signed = (row: InstructionRow, fen: number): number => (row.verb === 'reversal' ? -fen : fen)

/** Watches one seed: after each step what was touched, at the end everything. */
export class Watch {
  readonly #city: City
  readonly #wire: Wire
  readonly #leases: Leases
  readonly #finals = new Map<number, string>()
  /** What each bank booked, by the key of the instruction. */
  readonly #entries = new Map<string, Entry[]>()
  readonly #seen = new Map<string, number>()
  /** The state to which each instruction's journal leads. */
  readonly #journalled = new Map<number, string>()
  #published = 0
  #lines = 0
  readonly #stopped = new Set<number>()
  #orders = 0
  #results = 0
  #told = 0

  constructor(city: City, wire: Wire) {
    this.#city = city
    this.#wire = wire
    this.#leases = new Leases(city)
  }

  /** After each step: what was touched. Throws what is broken. */
  check(): void {
    if (this.#wire.failure) throw this.#wire.failure
    if (this.#city.world.mistake !== undefined) broken('trouble', this.#city.world.mistake)
    const { tables } = this.#city.record
    if (tables.defended !== undefined) broken('last-defence', `${tables.defended}: the rules should have refused it before`)
    if (tables.touched.size > 0) {
      this.#takeEntries()
      this.#takeJournal()
      this.#takeStops()
      this.#checkProposals()
      for (const ticketNo of tables.touched) this.#checkTicket(ticketNo)
      tables.touched.clear()
      this.#checkFeed()
    }
    this.#checkTold()
    this.#wire.checkLate()
  }

  /** When all has healed: everything is certain or before a person, and all sums agree. */
  checkEnd(): void {
    const { record, taxSide } = this.#city
    const { tables } = record
    for (const ticketNo of taxSide.sent.keys()) tables.touched.add(ticketNo)
    this.check()
    for (const ticketNo of taxSide.sent.keys()) this.#checkAccepted(ticketNo)
    for (const row of tables.tax_order) this.#checkOrder(row)
    for (const row of tables.instruction.values()) this.#checkEnded(row)
    this.#checkSums()
    if (taxSide.read.length !== tables.result.length || taxSide.delivered.length !== tables.result.length)
      broken('feed', `${tables.result.length} results, ${taxSide.read.length} read, ${taxSide.delivered.length} delivered`)
  }

  /** Whether all has come to its end; the reason why not, else undefined. */
  unfinished(): string | undefined {
    const { record, taxSide } = this.#city
    if (!taxSide.isAnswered) return 'an order is without an answer'
    for (const bankCode of record.tables.halt.keys()) return `${bankCode} is still halted`
    for (const row of record.tables.instruction.values()) {
      if (isFinal(row.state)) continue
      const what = `${row.ticket_no}: ${row.verb} is ${row.state}`
      if (row.person === 0 && !this.#waitsForPerson(row)) return `${what}, and before no person`
      if (row.next_attempt_at !== never && this.#isWaitedFor(row)) return `${what}, though its bank answers again`
    }
    const { length } = record.tables.result
    if (taxSide.read.length !== length || taxSide.delivered.length !== length) return 'the tax side does not know all results'
    return undefined
  }

  /** A reversal whose original is before a person, or an original whose tombstone is: it waits for that one. */
  #waitsForPerson(row: InstructionRow): boolean {
    if (row.next_attempt_at !== never) return false
    const { instruction, ofTicket } = this.#city.record.tables
    const original = row.original_id === null ? undefined : instruction.get(row.original_id)
    const tombstones = (ofTicket.get(row.ticket_no) ?? []).filter(r => r.original_id === row.id && r.reason === 'in-doubt')
    return [...(original ? [original] : []), ...tombstones].some(r => !isFinal(r.state) && (r.person === 1 || this.#waitsForPerson(r)))
  }

  /** Whether something may still become of one that is before a person: until it was asked about in peace; where the bank dedupes, longer. */
  #isWaitedFor(row: InstructionRow): boolean {
    const { record, banks, reference, healedAt } = this.#city
    const bank = banks.get(row.bank_code)!
    const { policy } = reference.banks.get(row.bank_code)!
    if (bank.less.has(keyOf(row))) return false
    const answers = (record.tables.answer.get(row.id) ?? []).filter(answer => answer.at > healedAt && answer.result_code !== null)
    if (answers.length < 2) return true
    if (!bank.dedupes || !policy.inquiry || row.redeliveries >= policy.redeliveryLadderMs.length) return false
    // A bank that has refused a reversal goes on saying so.
    return row.verb !== 'reversal' || answers.slice(-2).some(answer => answer.result_code === '94054')
  }

  #checkAccepted(ticketNo: string): void {
    const { record, taxSide } = this.#city
    const row = record.tables.debitOf.get(ticketNo)
    const order = taxSide.accepted.get(ticketNo)
    if (!row || !order) broken('tax-side', `${ticketNo}: never accepted`)
    else if (row.amount !== order.amount) broken('order', `${ticketNo}: accepted with another amount than was told`)
  }

  /** What was made of a further order is what was ordered. */
  #checkOrder({ kind, order_no: orderNo, ticket_no: ticketNo, instruction_id: id }: OrderRow): void {
    const { record, taxSide } = this.#city
    const of = kind === 'supplementaryDebit' ? 'supplement' : kind
    const orders = taxSide.given.get(`${of}/${orderNo}`) ?? []
    const row = record.tables.instruction.get(id)!
    const made = orders.find(order => !('amount' in order) || (order.amount === row.amount && order.reason === row.reason))
    if (made?.ticketNo !== ticketNo || row.ticket_no !== ticketNo || ('amount' in made && row.verb !== kind))
      broken('order', `${ticketNo}: nobody ordered what ${of} ${orderNo} is: ${row.verb}, ${row.amount} fen, ${row.reason}`)
  }

  #checkEnded(row: InstructionRow): void {
    this.#checkCalm(row)
    this.#checkAnswers(row)
    const { banks, reference, record } = this.#city
    const bank = banks.get(row.bank_code)!
    if (isFinal(row.state) || bank.less.has(keyOf(row)) || this.#waitsForPerson(row)) return
    const what = `${row.ticket_no}: ${row.verb}`
    if (row.person !== 1) broken('convergence', `${what} is ${row.state}, and before no person`)
    if (row.result_code === null && !record.tables.journal.some(entry => entry.instruction_id === row.id && entry.event === 'doubt'))
      broken('convergence', `${what} is before a person without a reason`)
    const { policy } = reference.banks.get(row.bank_code)!
    if (row.verb !== 'reversal' && bank.dedupes && policy.inquiry && row.redeliveries < policy.redeliveryLadderMs.length)
      broken('convergence', `${what} is before a person, though the bank dedupes and answers`)
    const asked = record.tables.answer.get(row.id)?.at(-1)?.at ?? 0
    const [booked] = this.#entries.get(keyOf(row)) ?? []
    // An answer to an earlier question, long under way, may pass for that to a later one: then a person is told what has changed since.
    if (booked && row.next_attempt_at !== never && policy.inquiry && Date.parse(booked.bookedAt) < asked - policy.timeoutMs)
      broken('convergence', `${what} is before a person, though the bank booked it and says so`)
  }

  /** Where nothing goes wrong everything is quick, too: no wake-up is lost, no place. */
  #checkCalm(row: InstructionRow): void {
    const { plan, processes } = this.#city
    if (!plan.calm) return
    const most = minute + 2_000 * plan.tickets
    if (row.settled_at === null || row.settled_at - row.accepted_at > most)
      broken('promptness', `${row.ticket_no}: ${row.verb} ${row.state} after more than ${most / 1000} s, though nothing went wrong`)
    for (const { host, slots } of processes)
      for (const { bankCode, taken, waiting } of slots.state())
        if (taken + waiting > 0) broken('bulkhead', `${host.name}: ${taken} places at ${bankCode} are taken when all is done`)
  }

  /** Where processes live and the record answers, what a bank answered stands in the record, under whatever fence. */
  #checkAnswers(row: InstructionRow): void {
    const { plan, record } = this.#city
    if (plan.outages > 0 || plan.record.troubled || plan.accidents.crash > 0) return
    const attempts = record.tables.attempt.get(row.id)?.length ?? 0
    const answers = record.tables.answer.get(row.id)?.length ?? 0
    if (attempts !== answers) broken('evidence', `${row.ticket_no}: ${row.verb} has ${attempts} attempts, ${answers} answers`)
  }

  /** Σ record = Σ bank + Σ what is listed as open: instructions without an end, and breaks. */
  #checkSums(): void {
    const { record, banks } = this.#city
    const rows = [...record.tables.instruction.values()]
    for (const [code, { ledger }] of banks) {
      const booked = [...ledger.entries()].reduce((of, e) => of + BigInt(e.kind === 'reversal' ? -e.amount : e.amount), 0n)
      let [recorded, listed] = [0n, 0n]
      // A reversal of the gateway's own belongs to its original.
      for (const row of rows.filter(r => r.bank_code === code && r.reason !== 'in-doubt')) {
        const bank = this.#atBank(row)
        if (!isFinal(row.state)) listed += BigInt(signed(row, bank))
        else recorded += BigInt(signed(row, bookedOf(row)))
        const differs = bank - bookedOf(row)
        if (isFinal(row.state) && differs !== 0 && this.#isListed(row, differs)) listed += BigInt(signed(row, differs))
      }
      if (booked !== recorded + listed) broken('sums', `bank ${code} booked ${booked}, the record says ${recorded} and lists ${listed}`)
    }
  }

  /** Fen that its bank has of an instruction; what a reversal of the gateway's own gave back never counted. */
  #atBank(row: InstructionRow): number {
    const rows = this.#city.record.tables.ofTicket.get(row.ticket_no) ?? []
    const own = rows.filter(r => r.original_id === row.id && r.reason === 'in-doubt')
    return own.reduce((of, r) => of - sum(this.#entries.get(keyOf(r))), sum(this.#entries.get(keyOf(row))))
  }

  /** Whether so many fen of difference are known: a break says just that, or nobody has found out yet what its bank says that is not so. */
  #isListed(row: InstructionRow, fen: number): boolean {
    const lie = this.#city.banks.get(row.bank_code)!.lies.get(keyOf(row))
    if (lie && !lie.found) return row.state !== 'succeeded' || fen === lie.has - lie.claims
    const says = ({ bank_amount, tax_amount }: BreakRow): boolean => bank_amount - tax_amount === fen
    return this.#city.record.tables.break.some(b => b.instruction_id === row.id && says(b) && (lie || b.closed_at === null))
  }

  #takeEntries(): void {
    for (const [code, { ledger }] of this.#city.banks) {
      let at = this.#seen.get(code) ?? 0
      for (const entry of ledger.entries(at)) {
        at++
        const known = this.#entries.get(entry.key)
        if (known) known.push(entry)
        else this.#entries.set(entry.key, [entry])
        const row = this.#city.record.tables.byKey.get(entry.key)
        if (!row) broken('evidence', `${entry.ticketNo}: booked, but not in the record`)
        else if (row.bank_code !== code || row.ticket_no !== entry.ticketNo) broken('order', `${entry.ticketNo}: booked elsewhere`)
      }
      this.#seen.set(code, at)
    }
  }

  #takeJournal(): void {
    const { journal } = this.#city.record.tables
    for (; this.#lines < journal.length; this.#lines++) {
      const { instruction_id, state } = journal[this.#lines]!
      this.#journalled.set(instruction_id, state)
    }
  }

  /** What was approved was approved by another, as it was proposed. */
  #checkProposals(): void {
    for (const { id, state, proposedBy, decidedBy, hash, seenHash } of this.#city.record.tables.proposal) {
      if (state !== 'approved') continue
      if (decidedBy === undefined || decidedBy === proposedBy)
        broken('two-persons', `proposal ${id} of ${proposedBy} was approved by ${decidedBy}`)
      if (seenHash !== hash) broken('two-persons', `proposal ${id} was approved by somebody who saw another`)
    }
  }

  /** Stops that were made: what they stopped must never leave, and never have left. */
  #takeStops(): void {
    const { tax_order: orders } = this.#city.record.tables
    for (; this.#orders < orders.length; this.#orders++) {
      const { kind, state, rule, instruction_id: id } = orders[this.#orders]!
      if (kind === 'stop' && state === 'succeeded' && rule === null) this.#stopped.add(id)
    }
  }

  /** One ticket: the banks and the record agree, or the record says what is open. */
  #checkTicket(ticketNo: string): void {
    const { tables } = this.#city.record
    const rows = tables.ofTicket.get(ticketNo)
    if (!rows) return
    let [net, back] = [0, 0]
    for (const row of rows) {
      this.#checkRow(row)
      this.#checkBooked(row)
      const booked = sum(this.#entries.get(keyOf(row)))
      net += signed(row, booked)
      if (row.verb === 'reversal' && row.reason !== 'in-doubt') back += bookedOf(row)
    }
    checkArticle35(this.#city, ticketNo, this.#entries, row => this.#wire.hasLeft(row))
    const { amount } = tables.ticket.get(ticketNo)!
    if (net > amount) broken('one-booking', `${ticketNo}: ${amount} fen on the ticket, ${net} booked`)
    if (net < 0) broken('reversal', `${ticketNo}: ${-net} fen more were given back than booked`)
    const debited = rows.reduce((of, row) => of + (row.verb === 'reversal' ? 0 : bookedOf(row)), 0)
    if (back > debited) broken('reversal', `${ticketNo}: ${debited} fen debited, ${back} given back`)
  }

  #checkBooked(row: InstructionRow): void {
    const { ticket_no: ticketNo, verb, state } = row
    const entries = this.#entries.get(keyOf(row)) ?? []
    if (entries.length > 1) broken('one-booking', `${ticketNo}: ${verb} booked ${entries.length} times`)
    const bank = sum(entries)
    const less = this.#city.banks.get(row.bank_code)!.less.has(keyOf(row))
    if (bank !== 0 && bank !== row.amount && !isLied(this.#city, row) && !(less && bank === row.amount - 1))
      broken('one-booking', `${ticketNo}: ${row.amount} fen accepted, ${bank} booked`)
    if (!isFinal(state) || row.reason === 'in-doubt') return
    const differs = this.#atBank(row) - bookedOf(row)
    if (differs !== 0 && !this.#isListed(row, differs))
      broken('books-agree', `${ticketNo}: ${verb} ${state} ${row.result_code} with ${bookedOf(row)} fen, the bank has ${this.#atBank(row)}`)
    const [entry] = entries
    if (state !== 'succeeded' || !entry || differs !== 0) return
    // «Already reversed» names no serial number.
    const isSerial = row.bank_serial === entry.serial || (row.bank_serial === null && row.result_code === '94032')
    if (!isSerial || row.accounting_date !== entry.accountingDate)
      broken(
        'books-agree',
        `${ticketNo}: ${verb} stands under ${row.bank_serial} ${row.accounting_date}, at the bank ${entry.serial} ${entry.accountingDate}`,
      )
  }

  #checkRow(row: InstructionRow): void {
    const { tables } = this.#city.record
    const { id, ticket_no: ticketNo, state, verb } = row
    const before = this.#finals.get(id)
    if (before !== undefined && before !== state) broken('settled-stays', `${ticketNo}: ${verb} was ${before}, now it is ${state}`)
    if (isFinal(state) && before === undefined) {
      this.#finals.set(id, state)
      if (row.reason !== 'in-doubt') this.#published++
    }
    if (isFinal(state) !== (row.next_attempt_at === null))
      broken('evidence', `${ticketNo}: ${state}, and its next look is ${row.next_attempt_at}`)
    const attempts = tables.attempt.get(id) ?? []
    if (attempts.length !== row.attempt_no || attempts.some((a, i) => a.attempt_no !== i + 1))
      broken('evidence', `${ticketNo}: ${verb} has ${row.attempt_no} attempts, ${attempts.length} on record`)
    if (this.#journalled.get(id) !== state)
      broken('evidence', `${ticketNo}: ${verb} ${state}, its journal ends ${this.#journalled.get(id)}`)
    this.#leases.check(row)
    if (row.result_code === '99092' && this.#wire.hasLeft(row))
      broken('undelivered-is-certain', `${ticketNo}: refused as never sent, but it was`)
    if (this.#stopped.has(id) && this.#wire.hasLeft(row)) broken('undelivered-is-certain', `${ticketNo}: stopped, but it had been sent`)
  }

  #checkFeed(): void {
    const { result, instruction } = this.#city.record.tables
    for (; this.#results < result.length; this.#results++) {
      const line = result[this.#results]!
      if (line.seq !== this.#results + 1) broken('feed', `${line.seq} stands where ${this.#results + 1} should`)
      if (instruction.get(line.instruction_id)?.state !== line.state) broken('feed', `${line.ticket_no}: another state in the feed`)
    }
    if (result.length !== this.#published) broken('feed', `${this.#published} are settled, ${result.length} stand in the feed`)
  }

  /** What the tax side was told stays true. */
  #checkTold(): void {
    const { told, odd, read, delivered } = this.#city.taxSide
    const [first] = odd
    if (first !== undefined) broken('tax-side', first)
    for (; this.#told < told.length; this.#told++) {
      const { id, state, by } = told[this.#told]!
      const now = this.#city.record.tables.instruction.get(id)
      if (isFinal(state) && now?.state !== state) broken('tax-side', `${now?.ticket_no}: told by ${by} to be ${state}, it is ${now?.state}`)
    }
    for (const seen of [read, delivered]) {
      const last = seen.at(-1)
      if (last && last.seq !== seen.length) broken('feed', `the tax side has ${seen.length} results up to ${last.seq}`)
    }
  }
}
