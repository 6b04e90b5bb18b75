import { createHash } from 'node:crypto'
import { outcome } from '@taxlink/bank-sdk'
import type { Decision } from '../../../gateway/domain/debit.ts'
import type { Reason, Verdict } from '../../../gateway/domain/ticket.ts'
import { later } from '../../../gateway/domain/time.ts'
import type { Instruction, NewDebit, NewInstruction, Settlement } from '../../../gateway/store/debits.ts'
import { type Random, randomOf } from '../../crash/random.ts'
import type { Record } from '../record.ts'
import type { InstructionRow } from '../rows.ts'
import { isFinal } from '../writes.ts'

/** The processes of the gateway. */
export const owners = ['one', 'two', 'three'] as const
/** Whose tickets they are. */
export const taxSystems = ['urn:taxlink:tax-system:model', 'urn:taxlink:tax-system:other'] as const
/** The banks of the tickets. */
export const banks = ['4301', '4306'] as const

const outcomes = [undefined, outcome('90000', '0000'), outcome('24003', '1051', '余额不足'), outcome('28003', '9999'), outcome('94054')]
const ruled = { code: '34001', rule: 'model', zh: '模型', en: 'model' } as const
/** What the rules refuse. */
export const refusal: Verdict = { kind: 'refuse', ...ruled }
const verdicts: readonly Verdict[] = [{ kind: 'send' }, { kind: 'send' }, { kind: 'wait' }, { kind: 'done', ...ruled }, refusal]
const decisions: readonly (readonly [Decision['event'], Decision['state']])[] = [
  ['succeed', 'succeeded'],
  ['refuse', 'refused'],
  ['doubt', 'unknown'],
  ['undelivered', 'accepted'],
  ['absent', 'accepted'],
  ['doubt', 'unknown'],
  ['doubt', 'unknown'],
]

/** Whether it is a reversal of the gateway's own. */
export const isTombstone = ({ reason }: InstructionRow): boolean => reason === 'in-doubt'

/** What is asked of both records: drawn from a seed alone, and from how the simulated one stands. */
export class Draw {
  readonly random: Random
  readonly #record: Record
  readonly #prefix: number
  /** Settlements that were made, to be made again: stale ones must change nothing. */
  readonly #made: Settlement[] = []
  #tickets = 0
  #further = 0

  constructor(seed: number, record: Record) {
    this.random = randomOf(seed)
    this.#record = record
    this.#prefix = seed
  }

  verdict(): Verdict {
    return this.random.pick(verdicts)
  }

  /** An instruction, mostly one that is wanted, where there is one. */
  some(wanted: (row: InstructionRow) => boolean = () => true): Instruction | undefined {
    const rows = [...this.#record.tables.instruction.values()]
    const fitting = this.random.percent(75) ? rows.filter(wanted) : []
    const from = fitting.length > 0 ? fitting : rows
    return from.length === 0 ? undefined : this.#record.load([this.random.pick(from).id])[0]
  }

  /** What is looked for this time: a tombstone, what waits for one, a supplementary debit, or anything. */
  liked(): (row: InstructionRow) => boolean {
    const isSupplement = ({ verb }: InstructionRow) => verb === 'supplementaryDebit'
    return this.random.pick([isTombstone, row => this.isUnderWay(row.id), isSupplement, () => true])
  }

  /** Whether a tombstone of this instruction is under way. */
  isUnderWay(id: number): boolean {
    return this.#record.tables.instruction.values().some(row => row.original_id === id && isTombstone(row) && !isFinal(row.state))
  }

  /** A debit; now and then one of a ticket that is there. */
  debit(now: Date): NewDebit {
    const { random } = this
    const again = this.#tickets > 0 && random.percent(25)
    const n = again ? random.whole(1, this.#tickets) : ++this.#tickets
    const id = this.#prefix * 1_000_000 + this.#record.tables.instruction.size + 1 + (again ? 500_000 : 0)
    const state = random.pick(['sent', 'sent', 'accepted', 'refused'] as const)
    const next = state === 'refused' ? undefined : later(now, random.whole(0, 30_000))
    return {
      ticketNo: String(430_000_000_000_000_000n + BigInt(this.#prefix * 1_000_000 + n)),
      taxSystem: random.pick(taxSystems),
      officeCode: '14301020000',
      bankCode: random.pick(banks),
      amount: random.whole(1, 1_000),
      contentHash: createHash('sha256')
        .update(random.pick(['a', 'b']))
        .digest(),
      instructionId: id,
      request: '{}',
      entrustDate: '2026-11-10',
      serialNo: String(id % 100_000_000).padStart(8, '0'),
      acceptedAt: now,
      state,
      owner: random.pick(owners),
      nextAttemptAt: next,
      wakeAt: next,
      outcome: state === 'refused' ? outcome('93014', '93014', '银行未登记') : undefined,
      reason: 'x'.repeat(random.whole(1, 250)),
    }
  }

  /** A further instruction of the ticket of this one. */
  further(
    { ticketNo, officeCode, bankCode, amount }: Instruction,
    of: { readonly verb: NewInstruction['verb']; readonly originalId: number; readonly reason: Reason },
    now: Date,
  ): NewInstruction {
    const id = this.#prefix * 1_000_000 + 700_000 + ++this.#further
    return {
      ...of,
      id,
      ticketNo,
      officeCode,
      bankCode,
      amount,
      entrustDate: '2026-11-10',
      serialNo: String(id % 100_000_000).padStart(8, '0'),
      request: '{}',
      acceptedAt: now,
    }
  }

  /** What came of a call; now and then under a fence that is not its own, or once more. */
  settlement(now: Date): Settlement | undefined {
    const { random } = this
    if (this.#made.length > 0 && random.percent(12)) return random.pick(this.#made)
    const liked = this.liked()
    const instruction = this.some(row => row.lease_owner !== null && liked(row))
    if (!instruction) return undefined
    const { id, verb, ticketNo, bankCode, inDoubt = false } = instruction
    const row = this.#record.tables.instruction.get(id)!
    const decision = this.#decision(instruction, now)
    const tombstone = { verb: 'reversal', originalId: id, reason: 'in-doubt' } as const
    const made: Settlement = {
      instruction: { id, verb, ticketNo, bankCode, inDoubt },
      from: random.percent(90) ? instruction.state : 'sent',
      attemptNo: instruction.attemptNo - (random.percent(10) ? 1 : 0),
      owner: random.percent(90) ? (row.lease_owner ?? 'one') : random.pick(owners),
      now,
      decision,
      bankSerial: random.percent(50) ? 'B1' : undefined,
      accountingDate: random.percent(50) ? '2026-11-11' : undefined,
      fault: random.percent(30) ? 'timeout' : undefined,
      transcript: random.percent(70) ? '{"a":1}' : undefined,
      tombstone: decision.effect === 'tombstone' ? this.further(instruction, tombstone, now) : undefined,
    }
    this.#made.push(made)
    return made
  }

  /** What the rules may decide of such a call: only a debit waits for a tombstone, and only the end of a tombstone has an effect on its original. */
  #decision({ id, verb, inDoubt }: Instruction, now: Date): Decision {
    const { random } = this
    const [event, state] = random.pick(inDoubt && random.percent(75) ? decisions.slice(0, 2) : decisions)
    const final = isFinal(state)
    const person = !final && random.percent(20)
    const plain: Decision = {
      event,
      state,
      redeliveries: random.whole(0, 3),
      inquiries: random.whole(0, 3),
      nextAttemptAt: final || (person && random.percent(50)) ? undefined : later(now, random.whole(0, 30_000)),
      person,
      outcome: random.pick(outcomes),
      reason: 'model',
    }
    // It waits for its tombstone. Were it looked at before that has an outcome, the one were enough.
    if (verb !== 'reversal' && (event === 'doubt' || this.isUnderWay(id)) && random.percent(60)) {
      const nextAttemptAt = random.percent(60) ? undefined : later(now, 5_000)
      return { ...plain, event: 'doubt', state: 'unknown', nextAttemptAt, person: false, effect: 'tombstone' }
    }
    const effect = final && inDoubt ? ({ effect: event === 'succeed' ? 'original-zero' : 'original-person' } as const) : {}
    const booked = inDoubt && event === 'succeed' && random.percent(65) ? { booked: 0 } : {}
    const neverSent = event === 'refuse' && random.percent(40) ? ({ neverSent: true } as const) : {}
    return { ...plain, ...effect, ...booked, ...neverSent }
  }
}
