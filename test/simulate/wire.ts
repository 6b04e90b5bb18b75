import type { UnifiedCode } from '@taxlink/bank-sdk'
import type { Asked, SimulatedBank } from './bank.ts'
import { broken } from './broken.ts'
import type { City } from './city.ts'
import type { Tap } from './network.ts'
import { type InstructionRow, keyOf, never } from './rows.ts'
import type { Host } from './world.ts'
import { isFinal } from './writes.ts'

/** What was seen of a key: how often it left, when last, and whether an inquiry has said since that the bank does not have it. */
type Seen = { sends: number; lastSentAt: number; absent: boolean }
type Moves = { readonly amount: number; readonly account: string; readonly originalAmount?: number }
/** What a debit says of its taxpayer, as it was ordered; a bank's layout may leave some out. */
const particulars = ['channel', 'taxpayerId', 'taxpayerName', 'agreementNo', 'account', 'payerBankNo'] as const

/** Watches the wire: what leaves must stand in the record, be what was ordered, and be no blind repetition. */
export class Wire implements Tap {
  city!: City
  /** The first promise that was broken inside a step of a process, which might swallow it. */
  failure: Error | undefined
  readonly #seen = new Map<string, Seen>()
  /** Late answers: the instruction of this key must be due by then. */
  readonly #late: { readonly key: string; readonly by: number; readonly attempts: number }[] = []
  /** When the last inquiry about a key left. An answer to one before may pass for its answer: neither carries a number. */
  readonly #askedAt = new Map<string, number>()

  /** Whether anything ever left under this instruction's key. */
  hasLeft(row: InstructionRow): boolean {
    return this.#seen.has(keyOf(row))
  }

  sent(host: Host, bank: SimulatedBank, asked: Asked): void {
    if (asked.verb === 'inquiry') this.#askedAt.set(asked.key, this.city.world.now)
    if (asked.verb === 'inquiry' || asked.verb === 'linkTest') return
    this.#keep(() => {
      const { key, ticketNo } = asked
      const { tables } = this.city.record
      const row = tables.byKey.get(key)
      if (!row) return broken('evidence', `${ticketNo}: sent under a key the record does not know`)
      this.#checkContent(row, bank, asked)
      const attempts = tables.attempt.get(row.id) ?? []
      // Where clocks are wrong a lease may look as if it had run out.
      const last = this.city.plan.skewMs > 0 ? attempts : attempts.slice(-1)
      if (!last.some(attempt => attempt.verb === asked.verb && attempt.owner === host.name))
        broken('evidence', `${ticketNo}: sent, but no attempt of the sender stands last on record`)
      // There somebody may have asked about it meanwhile, and heard that it is booked: to a bank that dedupes it may then leave all the same.
      const isAskedMeanwhile = this.city.plan.skewMs > 0 && bank.dedupes && row.state === 'succeeded'
      if (isFinal(row.state) && !isAskedMeanwhile) broken('no-blind-resend', `${ticketNo}: ${row.verb} sent though it is ${row.state}`)
      this.#checkRepetition(bank, asked)
      this.#checkHalt(host, row)
      if (row.verb === 'reversal' && row.reason !== 'in-doubt') this.#checkReversal(row)
      if (row.reason === 'bank-missing') this.#checkMissing(row)
    })
  }

  #checkContent(row: InstructionRow, bank: SimulatedBank, { ticketNo, heard, verb }: Asked): void {
    const { amount, account } = heard as Moves
    if (row.ticket_no !== ticketNo || row.amount !== amount || row.bank_code !== bank.bank.code || row.verb !== verb)
      broken('order', `${ticketNo}: what is sent is not what was accepted`)
    const orders = this.city.taxSide.sent.get(ticketNo) ?? []
    const ordered = orders.find(o => o.account === account && (verb !== 'debit' || o.amount === amount))
    if (!ordered) return void broken('order', `${ticketNo}: nobody ordered what is sent`)
    if (verb === 'reversal') return
    const said = heard as { readonly [name: string]: unknown }
    const route = this.city.routeOf(bank.bank.code)
    const meant = { ...Object.fromEntries(particulars.map(name => [name, ordered[name]])), ...route }
    for (const [name, value] of Object.entries(meant))
      if (said[name] !== undefined && said[name] !== value) broken('order', `${ticketNo}: ${verb} is sent with another ${name}`)
  }

  #checkRepetition(bank: SimulatedBank, { key, ticketNo, verb, heard }: Asked): void {
    const { now } = this.city.world
    const { policy } = this.city.reference.banks.get(bank.bank.code)!
    const before = this.#seen.get(key)
    if (before) {
      const { amount, originalAmount } = heard as Moves
      // The whole can be given back once only, however often it is asked for.
      const whole = verb === 'reversal' && policy.tombstones && amount === originalAmount
      if (!bank.dedupes && !whole) broken('no-blind-resend', `${ticketNo}: ${verb} sent again to a bank that does not dedupe`)
      if (!before.absent)
        broken('no-blind-resend', `${ticketNo}: ${verb} sent again though no inquiry asked after the window said that it is absent`)
      if (this.city.plan.skewMs === 0 && now < before.lastSentAt + policy.quiescenceMs)
        broken('no-blind-resend', `${ticketNo}: ${verb} sent again inside the quiescence window`)
    }
    this.#seen.set(key, { sends: (before?.sends ?? 0) + 1, lastSentAt: now, absent: false })
  }

  /** Nothing that moves money goes to a halted bank from a process that has heard of it, not even what it had in hand then. */
  #checkHalt(host: Host, row: InstructionRow): void {
    if (host.halts.has(row.bank_code)) broken('halt', `${row.ticket_no}: ${row.verb} leaves for ${row.bank_code}, which is halted`)
  }

  /** art. 35(1): a reversal gives back no more than is left, and leaves before the bank's day has ended. */
  #checkReversal(row: InstructionRow): void {
    const { record, plan, reference, world } = this.city
    const { ofTicket, instruction } = record.tables
    const original = instruction.get(row.original_id ?? 0)
    if (!original) return
    const given = (ofTicket.get(row.ticket_no) ?? [])
      .filter(r => r.verb === 'reversal' && r.original_id === original.id && r.state === 'succeeded' && r.id !== row.id)
      .reduce((of, r) => of + (r.booked_amount ?? r.amount), 0)
    if (row.amount + given > (original.booked_amount ?? original.amount))
      broken('article-35', `${row.ticket_no}: a reversal of ${row.amount} leaves, ${given} of ${original.amount} were given back before`)
    const { dayEnd, timeoutMs } = reference.banks.get(row.bank_code)!.policy
    const exact = plan.skewMs === 0 && plan.outages === 0 && plan.accidents.hold === 0 && !plan.record.troubled
    if (!exact || original.accounting_date === null) return
    const [hours = 0, minutes = 0] = dayEnd.split(':').map(Number)
    const ends = Date.parse(`${original.accounting_date}T00:00:00Z`) + (hours - 8) * 3_600_000 + minutes * 60_000
    if (world.now > ends + timeoutMs + 60_000) broken('article-35', `${row.ticket_no}: a reversal leaves after the bank's day has ended`)
  }

  /** art. 35(3): that a bank lacks a debit counts only once nothing of what was sent can be booked any more. */
  #checkMissing(row: InstructionRow): void {
    const { record, reference, plan, world } = this.city
    const debit = record.tables.instruction.get(row.original_id ?? 0)
    const last = debit && this.#seen.get(keyOf(debit))
    if (!last || plan.skewMs > 0) return
    const { quiescenceMs } = reference.banks.get(row.bank_code)!.policy
    if (world.now < last.lastSentAt + quiescenceMs)
      broken('article-35', `${row.ticket_no}: taken to be missing at the bank inside the quiescence window of its debit`)
  }

  underWay(host: Host, bank: SimulatedBank, inFlight: number): void {
    const limit = this.city.reference.banks.get(bank.bank.code)!.policy.concurrency
    if (inFlight > limit)
      this.#keep(() => broken('bulkhead', `${host.name} has ${inFlight} requests at ${bank.bank.code}, which has ${limit} places`))
  }

  answered(_host: Host, bank: SimulatedBank, asked: Asked, code: UnifiedCode | undefined, waited: boolean): void {
    const seen = this.#seen.get(asked.key)
    if (seen && asked.verb === 'inquiry' && waited && code === '94054') {
      // It speaks of when it was asked, not of when it came.
      const { quiescenceMs } = this.city.reference.banks.get(bank.bank.code)!.policy
      const at = this.#askedAt.get(asked.key) ?? 0
      if (this.city.plan.skewMs > 0 || at >= seen.lastSentAt + quiescenceMs) seen.absent = true
    }
    if (asked.verb === 'debit' && !waited && code !== undefined) this.#hearLate(asked.key)
  }

  /** A late answer is used: its debit is due at once, where nothing else goes wrong; when it gets a place is another matter. */
  #hearLate(key: string): void {
    const { world, plan, record } = this.city
    const row = record.tables.byKey.get(key)
    if (row?.state !== 'unknown' || row.lease_owner !== null || row.next_attempt_at === never) return
    const troubled = plan.skewMs > 0 || plan.record.troubled || plan.accidents.crash + plan.accidents.hold > 0
    if (troubled || plan.outages > 0) return
    this.#late.push({ key, by: world.now + 60_000, attempts: row.attempt_no })
  }

  /** Late answers whose time is over. */
  checkLate(): void {
    const first = this.#late[0]
    if (!first || first.by > this.city.world.now) return
    this.#late.shift()
    const row = this.city.record.tables.byKey.get(first.key)!
    const isDue = row.next_attempt_at !== null && row.next_attempt_at <= first.by
    if (row.state === 'unknown' && row.attempt_no === first.attempts && !isDue)
      broken('promptness', `${row.ticket_no}: a late answer was not used`)
  }

  #keep(check: () => void): void {
    try {
      check()
    } catch (error) {
      this.failure ??= error instanceof Error ? error : new Error(String(error))
    }
  }
}
