import type { Verdict } from '../../../gateway/domain/ticket.ts'
import { later } from '../../../gateway/domain/time.ts'
import { openBankDays } from '../../../gateway/store/days.ts'
import type { Instruction } from '../../../gateway/store/debits.ts'
import { declareBreak } from '../linked.ts'
import { keepLate, order, review, sawDay, stop } from '../orders.ts'
import type { InstructionRow } from '../rows.ts'
import { isFinal } from '../writes.ts'
import { askBoth, type Both, nothing, type Step } from './both.ts'
import { Draw, isTombstone, owners, refusal } from './draw.ts'
import { PersonSteps } from './persons.ts'
import type { Fate } from './unsure.ts'

/** When a walk begins. */
export const start = Date.UTC(2026, 10, 10, 2)

/** One walk: what is drawn next depends on the seed alone, so both records are led the same way. */
export class Walk {
  readonly draw: Draw
  readonly #both: Both
  readonly #persons: PersonSteps
  readonly #steps: readonly ((now: Date) => Promise<Step>)[]
  #now = start

  constructor(seed: number, both: Both) {
    this.draw = new Draw(seed, both.record)
    this.#both = both
    this.#persons = new PersonSteps(this.draw, both, () => this.#fate())
    const often: readonly (readonly [number, (now: Date) => Promise<Step>])[] = [
      [8, now => this.#accept(now)],
      [22, now => this.#claim(now)],
      [26, now => this.#settle(now)],
      [4, now => this.#hasten(now)],
      [5, now => this.#relay(now)],
      [9, now => this.#order(now)],
      [5, now => this.#stop(now)],
      [9, now => this.#review(now)],
      [10, now => this.#further(now)],
      [6, now => this.#deliver(now)],
      [9, now => this.#persons.propose(now)],
      [9, now => this.#persons.decide(now)],
    ]
    this.#steps = often.flatMap(([times, step]) => Array.from({ length: times }, () => step))
  }

  get now(): Date {
    return new Date(this.#now)
  }

  /** Does one operation on both; what each said. */
  step(): Promise<Step> {
    const { random } = this.draw
    this.#now += random.whole(0, 40_000)
    return random.pick(this.#steps)(this.now)
  }

  /** The fate of the next COMMIT, mostly known. */
  #fate(): Fate | undefined {
    return this.draw.random.percent(12) ? this.draw.random.pick(['kept', 'lost'] as const) : undefined
  }

  async #accept(now: Date): Promise<Step> {
    const { store, record } = this.#both
    const debit = this.draw.debit(now)
    const { said, met, ...both } = await askBoth(
      this.#both,
      () => undefined,
      this.#fate(),
      () => store.accept(debit),
      () => record.accept(debit),
    )
    return { kinds: [`accept ${kindOf(said)}`, `accept ${met}`], ...both, ticketNo: debit.ticketNo }
  }

  async #claim(now: Date): Promise<Step> {
    const { store, record } = this.#both
    const { random } = this.draw
    const isDue = (row: InstructionRow) => row.next_attempt_at !== null && row.next_attempt_at <= now.getTime()
    const liked = this.draw.liked()
    const instruction = this.draw.some(row => isDue(row) && liked(row))
    if (!instruction) return nothing
    const verb = random.percent(80) && instruction.state === 'accepted' ? instruction.verb : random.pick(['debit', 'inquiry'] as const)
    const stale = random.percent(15) ? { ...instruction, attemptNo: instruction.attemptNo - 1 } : instruction
    const claim = { instruction: stale, verb, owner: random.pick(owners), now, leaseUntil: later(now, random.whole(1, 60_000)) }
    const [real, model] = [await store.claim(claim), record.claim(claim)]
    return { kinds: [`claim ${real}`], real, model, ticketNo: instruction.ticketNo }
  }

  async #settle(now: Date): Promise<Step> {
    const { store, record } = this.#both
    const settlement = this.draw.settlement(now)
    if (!settlement) return nothing
    const isUnderWay = this.draw.isUnderWay(settlement.instruction.id)
    const lines = record.tables.journal.length
    const { said, met, ...both } = await askBoth(
      this.#both,
      () => undefined,
      this.#fate(),
      () => store.settle(settlement),
      () => record.settle(settlement),
    )
    const { instruction, decision, attemptNo } = settlement
    const row = record.tables.instruction.get(instruction.id)!
    // Only what comes of a call that is over is stale.
    if (said === false && (row.attempt_no !== attemptNo || row.lease_owner === null)) {
      await store.keep(settlement)
      record.keep(settlement)
    }
    const kinds = [
      `settle ${said}`,
      `settle ${said} ${met}`,
      `settle ${said} ${instruction.verb}`,
      `settle ${said} ${decision.effect}`,
      ...(settlement.tombstone && isUnderWay ? [`settle ${said}, its tombstone is under way`] : []),
      ...(decision.booked === undefined ? [] : [`settle ${said} booked`]),
      ...(decision.neverSent ? [`settle ${said} never sent`] : []),
      ...(record.tables.journal.length === lines ? [`settle ${said}, nothing new`] : []),
    ]
    return { kinds, ...both, ticketNo: instruction.ticketNo }
  }

  async #hasten(now: Date): Promise<Step> {
    const { store, record } = this.#both
    const some = this.draw.some(row => row.state === 'unknown' && row.lease_owner === null && row.next_attempt_at! > now.getTime())
    if (!some) return nothing
    const [real, model] = [await store.hasten(some, now), record.hasten(some, now)]
    return { kinds: [`hasten ${real}`], real, model }
  }

  async #relay(now: Date): Promise<Step> {
    const { store, record } = this.#both
    const real: number[] = []
    await store.relay(now, 5, async ids => void real.push(...ids))
    const model = record.wakes(now, 5)
    record.told(model, now)
    return { kinds: ['relay'], real, model }
  }

  /** An order about one of the tickets, decided by a verdict that was drawn. */
  async #order(now: Date): Promise<Step> {
    const { store, record } = this.#both
    const { random } = this.draw
    const missing = record.tables.break.filter(b => b.closed_at === null && b.kind === 'bank-missing').map(b => b.instruction_id)
    const about = this.draw.some(row => missing.includes(row.id) && row.verb === 'debit')
    if (!about) return nothing
    const kind = missing.includes(about.id) ? 'supplementaryDebit' : random.pick(['reversal', 'supplementaryDebit'] as const)
    const original = kind === 'reversal' && about.verb !== 'reversal' ? about : record.tables.debitOf.get(about.ticketNo)!
    const reason = kind === 'reversal' ? 'tax-side' : random.pick(['bank-missing', 'bank-missing', 'under-debited'] as const)
    const instruction = this.draw.further(about, { verb: kind, originalId: original.id, reason }, now)
    const made = { ...this.#orderKey(about), kind, instruction, wakeAt: later(now, 3_000) }
    const drawn = this.draw.verdict()
    const { said, met, ...both } = await askBoth(
      this.#both,
      (_ticket): Verdict => drawn,
      this.#fate(),
      rule => store.order(made, rule),
      rule => order(record.tables, made, rule),
    )
    const kinds = [`order ${kindOf(said)}`, `order ${kindOf(said)} ${drawn.kind}`, `order ${met}`]
    return { kinds, ...both, ticketNo: about.ticketNo }
  }

  #orderKey({ ticketNo }: Instruction) {
    const { random } = this.draw
    const { tax_system: taxSystem } = this.#both.record.tables.ticket.get(ticketNo)!
    const contentHash = Buffer.alloc(32, random.whole(1, 2))
    return { taxSystem, orderNo: `o${random.whole(1, 40)}`, contentHash }
  }

  async #stop(now: Date): Promise<Step> {
    const { store, record } = this.#both
    const about = this.draw.some(row => row.state === 'accepted')
    if (!about) return nothing
    const made = { ...this.#orderKey(about), kind: 'stop', ticketNo: about.ticketNo, instructionId: about.id, acceptedAt: now } as const
    const drawn = this.draw.verdict()
    // Only what is open can be stopped: the rules see to that.
    const said = isFinal(about.state) ? refusal : drawn
    const {
      said: stopped,
      met,
      ...both
    } = await askBoth(
      this.#both,
      (_ticket): Verdict => said,
      this.#fate(),
      rule => store.stop(made, rule),
      rule => stop(record.tables, made, rule),
    )
    return { kinds: [`stop ${kindOf(stopped)} ${said.kind}`, `stop ${met}`], ...both, ticketNo: about.ticketNo }
  }

  async #review(now: Date): Promise<Step> {
    const { store, record } = this.#both
    const { random } = this.draw
    const liked = random.percent(50) ? isTombstone : this.draw.liked()
    const some = this.draw.some(row => row.state === 'accepted' && row.inquiries === 0 && liked(row))
    if (!some) return nothing
    const by = { now, actor: random.pick(owners) }
    const drawn = this.draw.verdict()
    const { said, met, ...both } = await askBoth(
      this.#both,
      (_ticket, _own): Verdict => drawn,
      this.#fate(),
      rule => store.review(some.id, some.ticketNo, rule, by),
      rule => review(record.tables, some.id, some.ticketNo, rule, by),
    )
    return { kinds: [`review ${said}`, `review ${met}`, `review ${said} in doubt ${some.inDoubt}`], ...both, ticketNo: some.ticketNo }
  }

  /** What is put off, heard late, declared, or seen of a bank's day. */
  async #further(now: Date): Promise<Step> {
    const { record } = this.#both
    const { random } = this.draw
    const some = this.draw.some()
    if (!some) return nothing
    switch (random.whole(0, 4)) {
      case 0:
        return this.#postpone(some, now)
      case 1:
      case 3:
        return this.#keepLate(some, now)
      case 2:
        return this.#declare(this.draw.some(row => record.tables.break.some(b => b.instruction_id === row.id)) ?? some, now)
      default:
        return this.#sawDay(some, now)
    }
  }

  async #postpone(instruction: Instruction, now: Date): Promise<Step> {
    const { store, record } = this.#both
    const put = { instruction, until: later(now, this.draw.random.whole(0, 60_000)) }
    await store.postpone(put)
    record.postpone(put)
    return { kinds: ['postpone'], real: 0, model: 0, ticketNo: instruction.ticketNo }
  }

  /** Heard by a process whose clock may be behind. */
  async #keepLate({ id, ticketNo, amount }: Instruction, now: Date): Promise<Step> {
    const { store, record } = this.#both
    const { random } = this.draw
    const transcript = random.pick(['{"a":1}', '{"b":2}'])
    const word = { state: random.pick(['succeeded', 'refused'] as const), code: '90000', amount: random.pick([0, amount, 500, 10_000]) }
    const said = random.percent(70) ? word : undefined
    const late = { instructionId: id, ticketNo, at: later(now, -random.whole(0, 60_000)), resultCode: '90000', transcript, said }
    const found = { actor: 'one', source: random.pick(['late-answer', 'inquiry'] as const) }
    const {
      said: what,
      met,
      ...both
    } = await askBoth(
      this.#both,
      () => undefined,
      this.#fate(),
      () => store.keepLate(late, found),
      () => keepLate(record.tables, late, found),
    )
    return { kinds: [`keep late ${what !== undefined}`, `keep late ${met}`], ...both, ticketNo }
  }

  /** Only a process of the tests says so by itself; two persons do it by a proposal. */
  async #declare({ id, ticketNo, amount }: Instruction, now: Date): Promise<Step> {
    const { store, record } = this.#both
    const { random } = this.draw
    const known = record.tables.break.findLast(row => row.instruction_id === id && random.percent(60))
    const kind = known?.kind ?? random.pick(['bank-only', 'bank-missing', 'bank-missing', 'under-debited', 'over-debited'] as const)
    const source = known?.source ?? random.pick(['late-answer', 'resolution'] as const)
    const reason = random.pick(['the books of the bank', '账'.repeat(250)])
    const amounts = { taxAmount: amount, bankAmount: kind === 'over-debited' ? amount + 7 : random.whole(0, amount - 1) }
    const found = { at: now, actor: 'one', ticketNo, instructionId: id, kind, source, reason, ...amounts }
    const [real, model] = [await store.declareBreak(found), declareBreak(record.tables, found)]
    return { kinds: [`declare ${real}`], real, model, ticketNo }
  }

  async #sawDay({ bankCode, ticketNo }: Instruction, now: Date): Promise<Step> {
    const { db, record } = this.#both
    const day = this.draw.random.pick(['2026-11-10', '2026-11-11', '2026-11-12'])
    // As another process each time, which has seen none before.
    await openBankDays(db).sawDay(bankCode, day, now)
    sawDay(record.tables, bankCode, day, now)
    return { kinds: ['saw day'], real: 0, model: 0, ticketNo }
  }

  async #deliver(now: Date): Promise<Step> {
    const { store, record } = this.#both
    const { random } = this.draw
    const owner = random.pick(owners)
    const name = 'hook'
    if (random.percent(60)) {
      const until = later(now, random.whole(60_000, 900_000))
      const [real, model] = [await store.deliveries.lease(name, owner, now, until), record.lease(name, owner, now, until)]
      return { kinds: [`lease ${real !== undefined}`], real, model }
    }
    const to = { deliveredSeq: random.whole(0, 50), failures: random.whole(0, 3), nextAttemptAt: later(now, random.whole(0, 20_000)) }
    const [real, model] = [await store.deliveries.advance(name, owner, to), record.advance(name, owner, to)]
    return { kinds: [`advance ${real}`], real, model }
  }
}

const kindOf = (said: 'refused' | { readonly kind: string }): string => (said === 'refused' ? said : said.kind)
