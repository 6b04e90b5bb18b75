import { createHash } from 'node:crypto'
import { outcome } from '@taxlink/bank-sdk'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Decision } from '../../gateway/domain/debit.ts'
import type { Verdict } from '../../gateway/domain/ticket.ts'
import { later } from '../../gateway/domain/time.ts'
import { openBankDays } from '../../gateway/store/days.ts'
import type { Instruction, NewDebit, Settlement } from '../../gateway/store/debits.ts'
import { openStore, type Store } from '../../gateway/store/store.ts'
import { type Random, randomOf } from '../crash/random.ts'
import { type FreshDatabase, freshDatabase } from '../database.ts'
import { keepLate, named, order, review, sawDay, stop } from './orders.ts'
import { Record } from './record.ts'
import { Refused } from './rows.ts'
import { feed, findDebit } from './views.ts'

// The simulated record is a second implementation: the same random operations on it and on the real one leave the same rows, and say the same.

let fresh: FreshDatabase
let store: Store
beforeEach(async () => {
  fresh = await freshDatabase()
  store = openStore(fresh.db)
})
afterEach(() => fresh.drop())

const start = Date.UTC(2026, 10, 10, 2)
const owners = ['one', 'two', 'three'] as const
const outcomes = [undefined, outcome('90000', '0000'), outcome('24003', '1051', '余额不足'), outcome('28003', '9999'), outcome('94054')]
const ruled = { code: '34001', rule: 'model', zh: '模型', en: 'model' } as const
const verdicts: readonly Verdict[] = [
  { kind: 'send' },
  { kind: 'send' },
  { kind: 'wait' },
  { kind: 'done', ...ruled },
  { kind: 'refuse', ...ruled },
]
const decisions: readonly (readonly [Decision['event'], Decision['state']])[] = [
  ['succeed', 'succeeded'],
  ['refuse', 'refused'],
  ['doubt', 'unknown'],
  ['undelivered', 'accepted'],
  ['absent', 'accepted'],
]

/** One walk: what is drawn next depends on the seed alone, so both records are led the same way. */
class Walk {
  readonly record = new Record()
  readonly random: Random
  readonly #prefix: number
  /** Settlements that were made, to be made again: stale ones must change nothing. */
  readonly #made: Settlement[] = []
  #now = start
  #tickets = 0
  #orders = 0

  constructor(seed: number) {
    this.random = randomOf(seed)
    this.#prefix = seed
  }

  /** Does one operation on both; what each said. */
  async step(): Promise<readonly [string, unknown, unknown]> {
    const { random, record } = this
    this.#now += random.whole(0, 40_000)
    const now = new Date(this.#now)
    switch (random.whole(0, 14)) {
      case 0:
      case 1: {
        const debit = this.#debit(now)
        return ['accept', await store.accept(debit), record.accept(debit)]
      }
      case 2:
      case 3: {
        const instruction = this.#some()
        if (!instruction) return ['nothing', 0, 0]
        const verb = random.pick(['debit', 'inquiry'] as const)
        const stale = random.percent(20) ? { ...instruction, attemptNo: instruction.attemptNo - 1 } : instruction
        const claim = { instruction: stale, verb, owner: random.pick(owners), now, leaseUntil: later(now, random.whole(1, 60_000)) }
        return ['claim', await store.claim(claim), record.claim(claim)]
      }
      case 4:
      case 5:
      case 6: {
        const settlement = this.#settlement(now)
        if (!settlement) return ['nothing', 0, 0]
        this.#made.push(settlement)
        // What a unique key refuses the model refuses, too.
        const said = await store.settle(settlement).catch(() => 'refused')
        const modelled = refusable(() => record.settle(settlement))
        if (said === false && random.percent(50)) {
          await store.keep(settlement)
          record.keep(settlement)
        }
        return ['settle', said, modelled]
      }
      case 7: {
        const some = this.#some()
        if (!some) return ['nothing', 0, 0]
        return ['hasten', await store.hasten(some, now), record.hasten(some, now)]
      }
      case 8: {
        const told: number[] = []
        await store.relay(now, 5, async ids => void told.push(...ids))
        const modelled = record.wakes(now, 5)
        record.told(modelled, now)
        return ['relay', told, modelled]
      }
      case 9:
      case 10:
      case 11:
        return this.#order(now)
      case 12:
        return this.#further(now)
      default:
        return this.#deliver(now)
    }
  }

  /** An order about one of the tickets, decided by a verdict that was drawn. */
  async #order(now: Date): Promise<readonly [string, unknown, unknown]> {
    const { random } = this
    const about = this.#some()
    if (!about) return ['nothing', 0, 0]
    const { tables } = this.record
    const kind = random.pick(['reversal', 'supplementaryDebit', 'stop'] as const)
    const key = {
      taxSystem: 'urn:taxlink:tax-system:model',
      kind,
      orderNo: `o${random.whole(1, 40)}`,
      contentHash: Buffer.alloc(32, random.whole(1, 2)),
    }
    const drawn = random.pick(verdicts)
    const decide = (): Verdict => drawn
    if (kind === 'stop') {
      const made = { ...key, kind, ticketNo: about.ticketNo, instructionId: about.id, acceptedAt: now }
      // Only what is open can be stopped: the rules see to that.
      const isOpen = about.state !== 'succeeded' && about.state !== 'refused'
      const said: Verdict = isOpen ? drawn : verdicts[3]!
      return ['stop', await store.stop(made, () => said), stop(tables, made, () => said)]
    }
    const original = tables.debitOf.get(about.ticketNo)!
    const instruction = {
      ...this.#instruction(about, now),
      verb: kind,
      originalId: original.id,
      reason: kind === 'reversal' ? 'tax-side' : random.pick(['bank-missing', 'under-debited'] as const),
    } as const
    const made = { ...key, kind, instruction, wakeAt: later(now, 3_000) }
    const said = await store.order(made, decide).catch(() => 'refused')
    return ['order', said, refusable(() => order(tables, made, decide))]
  }

  /** What is looked at again, put off, heard late and held against the record, named, or seen of a bank's day. */
  async #further(now: Date): Promise<readonly [string, unknown, unknown]> {
    const { random, record } = this
    const { tables } = record
    const some = this.#some()
    if (!some) return ['nothing', 0, 0]
    const by = { now, actor: random.pick(owners) }
    switch (random.whole(0, 4)) {
      case 0: {
        const drawn = random.pick(verdicts)
        return [
          'review',
          await store.review(some.id, some.ticketNo, () => drawn, by),
          review(tables, some.id, some.ticketNo, () => drawn, by),
        ]
      }
      case 1: {
        const put = { instruction: some, until: later(now, random.whole(0, 60_000)) }
        return ['postpone', await store.postpone(put), record.postpone(put)]
      }
      case 2: {
        const words = random.pick(['{"a":1}', '{"b":2}'])
        const [state, amount] = [random.pick(['succeeded', 'refused'] as const), random.pick([0, 500, 10_000])]
        const said = random.percent(50) ? { state, code: '90000', amount } : undefined
        const late = { instructionId: some.id, ticketNo: some.ticketNo, at: now, resultCode: '90000', transcript: words, said }
        const found = { actor: 'one', source: random.pick(['late-answer', 'inquiry'] as const) }
        return ['keepLate', await store.keepLate(late, found), keepLate(tables, late, found)]
      }
      case 3:
        return ['named', await store.named(some), named(tables, some)]
      default: {
        const day = random.pick(['2026-11-10', '2026-11-11', '2026-11-12'])
        return ['sawDay', await openBankDays(fresh.db).sawDay(some.bankCode, day, now), sawDay(tables, some.bankCode, day, now)]
      }
    }
  }

  #instruction({ ticketNo, officeCode, bankCode, amount }: Instruction, now: Date) {
    const id = this.#prefix * 1_000_000 + 700_000 + ++this.#orders
    return {
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

  async #deliver(now: Date): Promise<readonly [string, unknown, unknown]> {
    const { random, record } = this
    const owner = random.pick(owners)
    const name = `hook-${this.#prefix}`
    if (random.percent(50)) {
      const until = later(now, random.whole(1, 60_000))
      return ['lease', await store.deliveries.lease(name, owner, now, until), record.lease(name, owner, now, until)]
    }
    const to = { deliveredSeq: random.whole(0, 50), failures: random.whole(0, 3), nextAttemptAt: later(now, random.whole(0, 20_000)) }
    return ['advance', await store.deliveries.advance(name, owner, to), record.advance(name, owner, to)]
  }

  #debit(now: Date): NewDebit {
    const { random } = this
    const again = this.#tickets > 0 && random.percent(25)
    const n = again ? random.whole(1, this.#tickets) : ++this.#tickets
    const id = this.#prefix * 1_000_000 + this.record.tables.instruction.size + 1 + (again ? 500_000 : 0)
    const state = random.pick(['sent', 'sent', 'accepted', 'refused'] as const)
    const next = state === 'refused' ? undefined : later(now, random.whole(0, 30_000))
    return {
      ticketNo: String(430_000_000_000_000_000n + BigInt(this.#prefix * 1_000_000 + n)),
      taxSystem: 'urn:taxlink:tax-system:model',
      officeCode: '14301020000',
      bankCode: random.pick(['4301', '4306']),
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

  #settlement(now: Date): Settlement | undefined {
    const { random } = this
    if (this.#made.length > 0 && random.percent(15)) return random.pick(this.#made)
    const instruction = this.#some()
    if (!instruction) return undefined
    const row = this.record.tables.instruction.get(instruction.id)!
    const [event, state] = random.pick(decisions)
    const final = state === 'succeeded' || state === 'refused'
    const person = !final && random.percent(20)
    const decision: Decision = {
      event,
      state,
      redeliveries: random.whole(0, 3),
      inquiries: random.whole(0, 3),
      nextAttemptAt: final || (person && random.percent(50)) ? undefined : later(now, random.whole(0, 30_000)),
      person,
      outcome: random.pick(outcomes),
      reason: 'model',
    }
    return {
      instruction: { id: instruction.id, verb: instruction.verb, ticketNo: instruction.ticketNo, bankCode: instruction.bankCode },
      from: random.percent(85) ? instruction.state : 'sent',
      attemptNo: instruction.attemptNo - (random.percent(15) ? 1 : 0),
      owner: random.percent(85) ? (row.lease_owner ?? 'one') : random.pick(owners),
      now,
      decision,
      bankSerial: random.percent(50) ? 'B1' : undefined,
      accountingDate: random.percent(50) ? '2026-11-11' : undefined,
      fault: random.percent(30) ? 'timeout' : undefined,
      transcript: random.percent(70) ? '{"a":1}' : undefined,
    }
  }

  #some(): Instruction | undefined {
    const ids = [...this.record.tables.instruction.keys()]
    return ids.length === 0 ? undefined : this.record.load([this.random.pick(ids)])[0]
  }
}

const refusable = <T>(run: () => T): T | 'refused' => {
  try {
    return run()
  } catch (error) {
    if (error instanceof Refused) return 'refused'
    throw error
  }
}

/** Values as both kinds of row hold them: instants as milliseconds, bytes as text. */
const plain = (value: unknown): unknown =>
  value instanceof Date ? value.getTime() : value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
const rowsOf = (rows: Iterable<object>, without: readonly string[] = []): object[] =>
  [...rows].map(row => Object.fromEntries(Object.entries(row).flatMap(([k, v]) => (without.includes(k) ? [] : [[k, plain(v)]]))))
const inOrder = (rows: object[], ...by: string[]): object[] => {
  const key = (row: object) => by.map(name => String((row as { [name: string]: unknown })[name]).padStart(20)).join(' ')
  return rows.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

const tables = [
  { name: 'ticket', by: ['ticket_no'] },
  { name: 'instruction', by: ['id'] },
  { name: 'attempt', by: ['instruction_id', 'attempt_no'] },
  { name: 'answer', by: ['instruction_id', 'attempt_no'] },
  { name: 'journal', by: ['id'] },
  { name: 'outbox', by: ['instruction_id'] },
  { name: 'result', by: ['seq'] },
  { name: 'delivery', by: ['name'] },
  { name: 'tax_order', by: ['id'] },
  { name: 'break', by: ['id'] },
  { name: 'late_answer', by: ['instruction_id', 'transcript_hash'] },
  { name: 'bank_day', by: ['bank_code'] },
] as const

/** What the rules about instructions read of a break; the rest is the day-end's, which is not simulated. */
const breakColumns: ReadonlySet<string> = new Set([
  'at',
  'ticket_no',
  'instruction_id',
  'kind',
  'source',
  'tax_amount',
  'bank_amount',
  'reason',
  'closed_at',
  'closed_by',
])
/** Tables whose id is the place of a row. */
const isList = (name: string): boolean => ['journal', 'tax_order', 'break'].includes(name)
const real = async (name: string, by: readonly string[]): Promise<object[]> => {
  const rows = await fresh.db.query<object>(`SELECT * FROM ${name} ORDER BY ${by.join(', ')}`)
  // What the server works out by itself, and the room a row keeps for its outcome, are no part of what the record says.
  const said = rowsOf(rows, ['live', 'is_open', 'room', 'reset_id', ...(isList(name) ? ['id'] : [])])
  if (name === 'break') return said.map(row => Object.fromEntries(Object.entries(row).filter(([column]) => breakColumns.has(column))))
  return inOrder(said, ...(isList(name) ? [] : by))
}
const modelled = ({ tables: t }: Record, name: (typeof tables)[number]['name'], by: readonly string[]): object[] => {
  if (name === 'outbox') return inOrder(rowsOf([...t.outbox].map(([instruction_id, wake_at]) => ({ instruction_id, wake_at }))), ...by)
  if (name === 'journal' || name === 'tax_order' || name === 'break') return rowsOf(t[name])
  if (name === 'late_answer') return inOrder(rowsOf(t.late_answer), ...by)
  if (name === 'attempt' || name === 'answer') return inOrder(rowsOf([...t[name].values()].flat()), ...by)
  return inOrder(rowsOf(name === 'result' ? t.result : t[name].values()), ...by)
}

test.each([1, 2, 3, 4])('walk %i: the simulated record and the real one go the same way', async seed => {
  const walk = new Walk(seed)
  const kinds = new Set<string>()
  for (let i = 0; i < 300; i++) {
    const [what, said, model] = await walk.step()
    expect(model, `step ${i}: ${what}`).toEqual(said)
    kinds.add(`${what} ${typeof said === 'boolean' ? said : ''}`)
  }
  for (const { name, by } of tables) expect(modelled(walk.record, name, by), name).toEqual(await real(name, by))
  // Nothing was compared that never happened.
  for (const kind of [
    'claim true',
    'claim false',
    'settle true',
    'settle false',
    'hasten false',
    'relay ',
    'lease ',
    'accept ',
    'order ',
    'stop ',
    'review ',
    'keepLate ',
  ])
    expect(kinds).toContain(kind)
  const ids = [...walk.record.tables.instruction.keys()]
  expect(await store.load(ids)).toEqual(walk.record.load(ids))
  expect(await store.results(undefined, 3, 20)).toEqual(feed(walk.record.tables, undefined, 3, 20))
  for (const [ticketNo] of walk.record.tables.ticket) expect(await store.find(ticketNo)).toEqual(findDebit(walk.record.tables, ticketNo))
  const at = new Date(start + 1_800_000)
  expect(new Set(walk.record.due(at, 1_000))).toEqual(new Set(await store.due(at, 1_000)))
})
