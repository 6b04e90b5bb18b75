import { outcome } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { BankPolicy } from '../../../gateway/domain/bank.ts'
import { decideReversal } from '../../../gateway/domain/reversal.ts'
import { decideStop } from '../../../gateway/domain/stop.ts'
import { decideSupplement } from '../../../gateway/domain/supplement.ts'
import { movementOf, type Ticket, type Verdict } from '../../../gateway/domain/ticket.ts'
import { later } from '../../../gateway/domain/time.ts'
import { openDatabase } from '../../../gateway/store/database.ts'
import type { NewDebit } from '../../../gateway/store/debits.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { quickPolicy } from '../stage.ts'
import { openProxy } from './cut.ts'
import { claimed, decided, doubt, further, hashOf, newDebit, now, orderOf, refusal, settledDebit, settlementOf, taxSystem } from './kit.ts'

// Reversals, supplementary debits and stops in the real record, with the rules of the domain.

let fresh: FreshDatabase
let store: Store
let stores: Store[]
beforeAll(async () => {
  fresh = await freshDatabase(24)
  store = openStore(fresh.db)
  stores = [store, ...Array.from({ length: 5 }, () => openStore(fresh.db))]
})
afterAll(() => fresh.drop())

const policy: BankPolicy = quickPolicy
const reversing =
  (debit: NewDebit, amount: number, id?: number) =>
  (ticket: Ticket): Verdict =>
    decideReversal(ticket, movementOf(ticket, debit.instructionId)!, { amount, reason: 'tax-side', id }, policy, now)
const supplementing =
  (debit: NewDebit, amount: number, reason: 'under-debited' | 'bank-missing' = 'bank-missing') =>
  (ticket: Ticket): Verdict =>
    decideSupplement(ticket, movementOf(ticket, debit.instructionId)!, reason, amount)

const reverse = async (at: Store, debit: NewDebit, amount: number) => {
  const reversal = await further(at, debit, 'reversal', amount, 'tax-side')
  return { reversal, ordered: await at.order(orderOf(reversal), reversing(debit, amount)) }
}
/** Stops the debit, or another instruction of its ticket. */
const stopOf = (at: Store, debit: NewDebit, orderNo: string, instructionId = debit.instructionId) =>
  at.stop(
    { taxSystem, kind: 'stop', orderNo, contentHash: hashOf('stop'), ticketNo: debit.ticketNo, instructionId, acceptedAt: now },
    ticket => decideStop(ticket, movementOf(ticket, instructionId)!),
  )
const missing = (debit: NewDebit, source: 'resolution' | 'late-answer' = 'resolution') =>
  store.declareBreak({
    at: now,
    ticketNo: debit.ticketNo,
    instructionId: debit.instructionId,
    kind: 'bank-missing',
    source,
    taxAmount: 10_000,
    bankAmount: 0,
    actor: 'urn:taxlink:operator:li',
    reason: 'letter of the bank',
  })
const supplement = async (at: Store, debit: NewDebit, amount = 10_000, reason: 'under-debited' | 'bank-missing' = 'bank-missing') => {
  const instruction = await further(at, debit, 'supplementaryDebit', amount, reason)
  return { instruction, ordered: await at.order(orderOf(instruction), supplementing(debit, amount, reason)) }
}
const send = async (id: number, ticketNo: string, verb: 'reversal' | 'supplementaryDebit', change = {}) => {
  await claimed(store, id)
  expect(await store.settle(settlementOf({ id, ticketNo, verb }, change))).toBe(true)
}
const stateOf = async (id: number) => (await store.load([id]))[0]?.state
const journalOf = async (id: number): Promise<string[]> =>
  (await fresh.db.query<{ event: string }>('SELECT event FROM journal WHERE instruction_id = ? ORDER BY id', [id])).map(j => j.event)
const published = async (id: number): Promise<number> =>
  (await fresh.db.query('SELECT seq FROM result WHERE instruction_id = ?', [id])).length
const isVoid = async (debit: NewDebit) => (await store.find(debit.ticketNo))?.voidedAt !== undefined

describe('a reversal', () => {
  test('is written with its order, journal and outbox, and can be claimed, settled and read', async () => {
    const debit = await settledDebit(store)
    const { reversal, ordered } = await reverse(store, debit, 4_000)
    expect(ordered).toMatchObject({ kind: 'accepted', state: 'accepted' })
    expect(await fresh.db.query('SELECT wake_at FROM outbox WHERE instruction_id = ?', [reversal.id])).toHaveLength(1)
    await send(reversal.id, debit.ticketNo, 'reversal')
    const [line] = await store.results(undefined, 0, 10_000).then(lines => lines.filter(l => l.instructionId === reversal.id))
    expect(line).toMatchObject({ verb: 'reversal', state: 'succeeded', booked: 4_000, reason: 'tax-side', taxSystem })
    expect(line!.orderNo).toMatch(/^O-/)
    expect(await journalOf(reversal.id)).toEqual(['accept', 'send', 'succeed'])
    expect((await store.find(debit.ticketNo))?.verb).toBe('debit')
  })

  test('the same number is the same order; with other content it is told the first', async () => {
    const debit = await settledDebit(store)
    const first = orderOf(await further(store, debit, 'reversal', 100, 'tax-side'))
    await store.order(first, reversing(debit, 100))
    const again = { ...first, instruction: await further(store, debit, 'reversal', 100, 'tax-side'), contentHash: hashOf('other') }
    expect(await store.order(again, reversing(debit, 100))).toEqual({ kind: 'repeated', contentHash: first.contentHash })
    // Its own instruction again is the COMMIT whose answer was lost.
    expect(await store.order(first, reversing(debit, 100))).toMatchObject({ kind: 'accepted', state: 'accepted' })
    const rows = await fresh.db.query("SELECT id FROM instruction WHERE ticket_no = ? AND verb = 'reversal'", [debit.ticketNo])
    expect(rows).toHaveLength(1)
  })

  test('ordered from everywhere at once: one at a time, and never more given back than was debited', async () => {
    const debit = await settledDebit(store)
    const back: number[] = []
    for (let round = 0; round < 8; round++) {
      const tries = await Promise.all(stores.map(at => reverse(at, debit, 3_000)))
      const taken = tries.filter(t => t.ordered.kind === 'accepted' && t.ordered.state === 'accepted')
      expect(taken.length).toBeLessThanOrEqual(1)
      for (const { reversal } of taken) {
        await send(reversal.id, debit.ticketNo, 'reversal')
        back.push(reversal.amount)
      }
    }
    expect(back).toEqual([3_000, 3_000, 3_000])
    const rows = await fresh.db.query<{ total: string }>(
      "SELECT SUM(COALESCE(booked_amount, amount)) AS total FROM instruction WHERE original_id = ? AND verb = 'reversal' AND state = 'succeeded'",
      [debit.instructionId],
    )
    expect(Number(rows[0]!.total)).toBe(9_000)
  })

  test('the server itself refuses a second open one, whatever the rules say', async () => {
    const debit = await settledDebit(store)
    await reverse(store, debit, 1)
    const second = orderOf(await further(store, debit, 'reversal', 1, 'tax-side'))
    await expect(store.order(second, () => ({ kind: 'send' }))).rejects.toMatchObject({ errno: 1062 })
  })

  test.each([
    ['succeeded', {}, 'accepted'],
    ['refused', refusal, 'succeeded'],
  ] as const)('of a debit in doubt waits, and is woken when the debit has %s', async (_what, end, after) => {
    const debit = await settledDebit(store, doubt)
    const { reversal, ordered } = await reverse(store, debit, 10_000)
    expect(ordered).toMatchObject({ state: 'accepted', verdict: { kind: 'wait' } })
    expect(await store.due(later(now, 86_400_000), 500)).not.toContain(reversal.id)
    // The debit is asked about at once, though its next rung was later.
    expect(await store.due(now, 500)).toContain(debit.instructionId)
    const at = await claimed(store, debit.instructionId)
    const how = { from: 'unknown', attemptNo: at!.attemptNo } as const
    expect(await store.settle(settlementOf({ id: debit.instructionId, ticketNo: debit.ticketNo }, end, how))).toBe(true)
    expect(await store.due(later(now, 1_000), 500)).toContain(reversal.id)
    const by = { now, actor: 'one' }
    await store.review(reversal.id, debit.ticketNo, ticket => reversing(debit, 10_000, reversal.id)(ticket), by)
    expect(await stateOf(reversal.id)).toBe(after)
    expect(await published(reversal.id)).toBe(after === 'succeeded' ? 1 : 0)
    if (after === 'succeeded') expect((await store.findInstructions([reversal.id]))[0]).toMatchObject({ booked: 0 })
  })

  test('a debit that is awaited and settles in one group with others takes nobody with it', async () => {
    const [awaited, ...others] = await Promise.all(Array.from({ length: 6 }, () => newDebit(store)))
    await Promise.all([awaited!, ...others].map(d => store.accept(d)))
    const { reversal } = await reverse(store, awaited!, 10_000)
    const all = [awaited!, ...others]
    const done = await Promise.all(all.map(d => store.settle(settlementOf({ id: d.instructionId, ticketNo: d.ticketNo }))))
    expect(done).toEqual(all.map(() => true))
    expect(await store.due(later(now, 1_000), 500)).toContain(reversal.id)
  })
})

const withTombstone = async () => {
  const debit = await settledDebit(store, doubt)
  const at = await claimed(store, debit.instructionId, later(now, 5_000))
  const reversal = await further(store, debit, 'reversal', 10_000, 'in-doubt')
  const about = { id: debit.instructionId, ticketNo: debit.ticketNo }
  const asks = { ...doubt, nextAttemptAt: undefined, effect: 'tombstone' } as const
  const how = { from: 'unknown', attemptNo: at!.attemptNo, tombstone: reversal } as const
  expect(await store.settle(settlementOf(about, asks, how))).toBe(true)
  return { debit, reversal, about: { id: reversal.id, ticketNo: debit.ticketNo, verb: 'reversal', inDoubt: true } as const }
}

describe('a tombstone', () => {
  test('is asked for in the transaction that found nothing; the debit waits, and a late answer hastens nothing', async () => {
    const { debit, reversal } = await withTombstone()
    expect(await stateOf(reversal.id)).toBe('accepted')
    expect(await store.due(later(now, 86_400_000), 500)).not.toContain(debit.instructionId)
    const { bankCode, officeCode, entrustDate, serialNo } = debit
    expect(await store.hasten({ bankCode, officeCode, entrustDate, serialNo }, now)).toBe(false)
  })
  test.each([
    ['there was nothing', { booked: 0, effect: 'original-zero' }],
    ['it was booked after all, and given back', { effect: 'original-zero' }],
  ] as const)('acknowledged, %s: the debit is certainly zero, and whoever waits is woken', async (_what, end) => {
    const { debit, about } = await withTombstone()
    const { reversal: waiting } = await reverse(store, debit, 10_000)
    await claimed(store, about.id)
    expect(await store.settle(settlementOf(about, end))).toBe(true)
    expect(await store.find(debit.ticketNo)).toMatchObject({ state: 'refused', outcome: { code: '24020' }, settledAt: later(now, 500) })
    expect([await published(debit.instructionId), await published(about.id)]).toEqual([1, 0])
    expect(await store.due(later(now, 1_000), 500)).toContain(waiting.id)
  })
  test('not to be had: the debit is left to a person', async () => {
    const { debit, about } = await withTombstone()
    await claimed(store, about.id)
    await store.settle(settlementOf(about, { ...refusal, effect: 'original-person' }))
    expect(await store.find(debit.ticketNo)).toMatchObject({ state: 'unknown', person: true })
  })
})

describe('a supplementary debit', () => {
  test('of what the bank never booked needs a break that was declared; a late answer is none', async () => {
    const debit = await settledDebit(store)
    expect((await supplement(store, debit)).ordered).toMatchObject({ state: 'refused', verdict: { rule: 'no-break' } })
    await missing(debit, 'late-answer')
    expect((await supplement(store, debit)).ordered).toMatchObject({ state: 'refused' })
    expect([await missing(debit), await missing(debit)]).toEqual([true, false])
    const { instruction, ordered } = await supplement(store, debit)
    expect(ordered).toMatchObject({ state: 'accepted' })
    await send(instruction.id, debit.ticketNo, 'supplementaryDebit')
    const open = await store.breaks(true, 0, 1_000)
    expect(open.filter(b => b.ticketNo === debit.ticketNo)).toEqual([])
    expect((await store.breaks(false, 0, 1_000)).find(b => b.ticketNo === debit.ticketNo)).toMatchObject({ closedBy: instruction.id })
  })
  test('never two at once, from wherever they are ordered, and never more than is missing', async () => {
    const debit = await settledDebit(store)
    await missing(debit)
    const tries = await Promise.all(stores.map(at => supplement(at, debit)))
    const taken = tries.filter(t => t.ordered.kind === 'accepted' && t.ordered.state === 'accepted')
    expect(taken).toHaveLength(1)
    await send(taken[0]!.instruction.id, debit.ticketNo, 'supplementaryDebit')
    expect((await supplement(store, debit)).ordered).toMatchObject({ state: 'refused' })
  })
  test('that fails voids its ticket with the reason (art. 35(3)), and closes its break', async () => {
    const debit = await settledDebit(store)
    await missing(debit)
    const { instruction } = await supplement(store, debit)
    await send(instruction.id, debit.ticketNo, 'supplementaryDebit', refusal)
    expect(await store.find(debit.ticketNo)).toMatchObject({ state: 'succeeded', voidReason: 'supplementary debit refused: 24003' })
    expect(await journalOf(instruction.id)).toEqual(['accept', 'send', 'refuse', 'void'])
    expect((await store.breaks(true, 0, 1_000)).filter(b => b.ticketNo === debit.ticketNo)).toEqual([])
    expect((await reverse(store, debit, 1)).ordered).toMatchObject({ state: 'refused', verdict: { rule: 'ticket-void' } })
  })
  test('that never came to its bank voids nothing: the break stays, and it can be ordered again', async () => {
    const debit = await settledDebit(store)
    await missing(debit)
    const unreachable = { event: 'refuse', state: 'refused', outcome: outcome('99092'), neverSent: true } as const
    const first = await supplement(store, debit)
    await send(first.instruction.id, debit.ticketNo, 'supplementaryDebit', unreachable)
    expect(await journalOf(first.instruction.id)).toEqual(['accept', 'send', 'refuse'])
    expect(await isVoid(debit)).toBe(false)
    const second = await supplement(store, debit)
    expect(second.ordered).toMatchObject({ state: 'accepted' })
    await send(second.instruction.id, debit.ticketNo, 'supplementaryDebit')
    expect((await store.breaks(true, 0, 1_000)).filter(b => b.ticketNo === debit.ticketNo)).toEqual([])
  })
  test('of a shortfall that fails voids nothing', async () => {
    const debit = await settledDebit(store)
    const about = { at: now, ticketNo: debit.ticketNo, instructionId: debit.instructionId, actor: 'x', reason: 'file' }
    await store.declareBreak({ ...about, kind: 'under-debited', source: 'resolution', taxAmount: 10_000, bankAmount: 7_000 })
    expect((await supplement(store, debit, 3_001, 'under-debited')).ordered).toMatchObject({ verdict: { rule: 'over-limit' } })
    const first = await supplement(store, debit, 3_000, 'under-debited')
    await send(first.instruction.id, debit.ticketNo, 'supplementaryDebit', refusal)
    expect(await isVoid(debit)).toBe(false)
    const second = await supplement(store, debit, 3_000, 'under-debited')
    await send(second.instruction.id, debit.ticketNo, 'supplementaryDebit')
    expect((await store.breaks(true, 0, 1_000)).filter(b => b.ticketNo === debit.ticketNo)).toEqual([])
    expect((await supplement(store, debit, 1, 'under-debited')).ordered).toMatchObject({ verdict: { rule: 'nothing-missing' } })
  })
})

describe('a stop', () => {
  const stop = (debit: NewDebit, orderNo: string) => stopOf(store, debit, orderNo)
  test('of what never left us is final at once, and whoever has it in hand is stale', async () => {
    const debit = await newDebit(store, { state: 'accepted', nextAttemptAt: now, wakeAt: now })
    await store.accept(debit)
    const [instruction] = await store.load([debit.instructionId])
    expect(await stop(debit, 'S-1')).toMatchObject({ kind: 'accepted', state: 'succeeded' })
    expect(await store.claim({ instruction: instruction!, verb: 'debit', owner: 'two', now, leaseUntil: later(now, 1_000) })).toBe(false)
    expect(await store.find(debit.ticketNo)).toMatchObject({ state: 'refused', outcome: { code: '24020' } })
    expect(await published(debit.instructionId)).toBe(1)
    expect(await stop(debit, 'S-1')).toMatchObject({ kind: 'repeated' })
    expect(await store.findStop(taxSystem, 'S-1')).toMatchObject({ state: 'succeeded', resultCode: '90000', ticketNo: debit.ticketNo })
  })
  test.each([
    ['sent', {}, 'refused', 'already-sent'],
    ['in doubt', doubt, 'refused', 'already-sent'],
    ['refused', refusal, 'succeeded', 'already-refused'],
  ] as const)('of what is %s', async (what, change, state, rule) => {
    const debit = what === 'sent' ? await newDebit(store) : await settledDebit(store, change)
    if (what === 'sent') await store.accept(debit)
    expect(await stop(debit, `S-${what}`)).toMatchObject({ state, verdict: { rule } })
  })
  test('of the remedy of art. 35(3) before it was sent: no bank has refused it, the ticket stays, and another may be ordered', async () => {
    const debit = await settledDebit(store)
    await missing(debit)
    const { instruction } = await supplement(store, debit)
    const about = { ...debit, instructionId: instruction.id }
    expect(await stop(about, 'S-remedy')).toMatchObject({ kind: 'accepted', state: 'succeeded' })
    expect(await stateOf(instruction.id)).toBe('refused')
    expect(await isVoid(debit)).toBe(false)
    expect((await store.breaks(true, 0, 1_000)).filter(b => b.ticketNo === debit.ticketNo)).toHaveLength(1)
    expect((await supplement(store, debit)).ordered).toMatchObject({ state: 'accepted' })
  })
  test('and a sending race: exactly one wins', async () => {
    for (let round = 0; round < 20; round++) {
      const debit = await newDebit(store, { state: 'accepted', nextAttemptAt: now, wakeAt: now })
      await store.accept(debit)
      const [instruction] = await store.load([debit.instructionId])
      const [stopped, sent] = await Promise.all([
        stop(debit, `R-${round}`),
        stores[1]!.claim({ instruction: instruction!, verb: 'debit', owner: 'two', now, leaseUntil: later(now, 1_000) }),
      ])
      expect(stopped.kind === 'accepted' && stopped.state).toBe(sent ? 'refused' : 'succeeded')
      expect(await stateOf(debit.instructionId)).toBe(sent ? 'sent' : 'refused')
    }
  })
})

describe('an order whose COMMIT is of unknown fate', () => {
  /** A store whose connection is cut at its next COMMIT. */
  const cutting = async (when: 'before' | 'after') => {
    const line = await openProxy(fresh.url)
    const db = openDatabase(line.url, { connections: 1 })
    onTestFinished(async () => {
      await db.close()
      line.close()
    })
    const through = openStore(db)
    // The numbers are taken before: what is cut is the order.
    return { through, cut: () => line.cut('COMMIT', when) }
  }
  const written = async (debit: NewDebit) => ({
    instructions: await fresh.db.query('SELECT id FROM instruction WHERE ticket_no = ?', [debit.ticketNo]),
    orders: await fresh.db.query('SELECT order_no FROM tax_order WHERE ticket_no = ?', [debit.ticketNo]),
    journal: await fresh.db.query("SELECT id FROM journal WHERE ticket_no = ? AND actor = ? AND event IN ('accept', 'stop')", [
      debit.ticketNo,
      taxSystem,
    ]),
  })
  test.each(['before', 'after'] as const)('cut %s the server had it: a reversal and a supplementary debit stand there once', async when => {
    const { through, cut } = await cutting(when)
    const debit = await settledDebit(store)
    const reversal = orderOf(await further(store, debit, 'reversal', 4_000, 'tax-side'))
    const before = await written(debit)
    cut()
    expect(await through.order(reversal, reversing(debit, 4_000))).toMatchObject({ kind: 'accepted', state: 'accepted' })
    const one = await written(debit)
    expect([one.instructions.length, one.orders.length, one.journal.length - before.journal.length]).toEqual([2, 1, 1])
    await send(reversal.instruction.id, debit.ticketNo, 'reversal')
    const other = await settledDebit(store)
    await missing(other)
    const more = orderOf(await further(store, other, 'supplementaryDebit', 10_000, 'bank-missing'))
    cut()
    expect(await through.order(more, supplementing(other, 10_000))).toMatchObject({ kind: 'accepted', state: 'accepted' })
    const two = await written(other)
    expect([two.instructions.length, two.orders.length]).toEqual([2, 1])
    expect(await through.order({ ...more, instruction: { ...more.instruction, id: -1 } }, supplementing(other, 10_000))).toMatchObject({
      kind: 'repeated',
    })
  })
  test.each(['before', 'after'] as const)('cut %s the server had it: a stop stops once', async when => {
    const { through, cut } = await cutting(when)
    const debit = await newDebit(store, { state: 'accepted', nextAttemptAt: now, wakeAt: now })
    await store.accept(debit)
    cut()
    // Where it had been written it is found by its number: the same content, told from the record.
    expect(await stopOf(through, debit, `C-${when}`)).toMatchObject(
      when === 'before' ? { kind: 'accepted', state: 'succeeded' } : { kind: 'repeated', contentHash: hashOf('stop') },
    )
    expect(await stateOf(debit.instructionId)).toBe('refused')
    expect(await published(debit.instructionId)).toBe(1)
    expect((await written(debit)).orders).toHaveLength(1)
    expect(await journalOf(debit.instructionId)).toEqual(['accept', 'refuse', 'stop'])
  })
})

describe('what comes too late', () => {
  const found = { actor: 'one', source: 'late-answer' } as const
  const heard = { at: now, resultCode: '90000', transcript: '{}', said: { state: 'succeeded', code: '90000', amount: 10_000 } } as const
  const breaksOf = async (debit: NewDebit) => (await store.breaks(true, 0, 1_000)).filter(b => b.ticketNo === debit.ticketNo)
  test('against a settled record it becomes a break and a line in the journal; the record stays', async () => {
    const debit = await settledDebit(store, refusal)
    // With its words, or not at all: a process that dies leaves none that nobody holds against anything.
    for (let i = 0; i < 2; i++)
      expect(await store.keepLate({ ...heard, ...debit }, found)).toEqual({ kind: 'bank-only', taxAmount: 0, bankAmount: 10_000 })
    expect(await breaksOf(debit)).toMatchObject([{ kind: 'bank-only', source: 'late-answer', bankAmount: 10_000 }])
    expect(await journalOf(debit.instructionId)).toEqual(['accept', 'refuse', 'break'])
    expect(await stateOf(debit.instructionId)).toBe('refused')
  })
  test('in agreement it is kept once, as evidence', async () => {
    const debit = await settledDebit(store)
    const vague = { ...heard, ...debit, transcript: '{"reply":1}', said: undefined }
    for (const late of [{ ...heard, ...debit }, vague, vague]) expect(await store.keepLate(late, found)).toBeUndefined()
    expect(await fresh.db.query('SELECT result_code FROM late_answer WHERE instruction_id = ?', [debit.instructionId])).toHaveLength(2)
    expect(await breaksOf(debit)).toEqual([])
  })
  test.each([
    ['refused', refusal, [{ kind: 'bank-only', source: 'late-answer', taxAmount: 0, bankAmount: 10_000 }]],
    ['succeeded', {}, []],
  ] as const)('while all was open it is held against the end: %s', async (_end, decision, breaks) => {
    const debit = await settledDebit(store, doubt)
    await store.keepLate({ ...heard, ...debit }, found)
    const [instruction] = await store.load([debit.instructionId])
    const at = later(now, 60_000)
    await store.claim({ instruction: instruction!, verb: 'inquiry', owner: 'one', now: at, leaseUntil: later(at, 60_000) })
    const asked = { from: 'unknown', attemptNo: 2, now: later(at, 500) } as const
    const about = { id: debit.instructionId, ticketNo: debit.ticketNo }
    expect(await store.settle(settlementOf(about, decision, asked))).toBe(true)
    expect(await breaksOf(debit)).toMatchObject(breaks)
  })
  test('it is held against a proven zero of a tombstone, but not where that gave it back', async () => {
    for (const [booked, kinds] of [
      [0, ['bank-only']],
      [10_000, []],
    ] as const) {
      const { debit, about } = await withTombstone()
      await store.keepLate({ ...heard, ...debit }, found)
      await claimed(store, about.id)
      await store.settle(settlementOf(about, { effect: 'original-zero', booked }))
      expect(await stateOf(debit.instructionId)).toBe('refused')
      expect((await breaksOf(debit)).map(b => b.kind)).toEqual(kinds)
    }
  })
  test('a break is never removed', async () => {
    await expect(fresh.db.execute('DELETE FROM break')).rejects.toThrow('never removed')
  })
})

test('the bank’s day only goes forward, whoever saw it', async () => {
  await store.sawDay('4310', '2026-11-11', now)
  await stores[1]!.sawDay('4310', '2026-11-10', now)
  const days = () => fresh.db.query<{ day: string }>("SELECT accounting_date AS day FROM bank_day WHERE bank_code = '4310'")
  expect(await days()).toEqual([{ day: '2026-11-11' }])
  const debit = await settledDebit(store, { outcome: outcome('90000') }, { bankCode: '4310' })
  expect((await reverse(store, debit, 1)).ordered).toMatchObject({ state: 'refused', verdict: { rule: 'after-day-end', code: '38002' } })
  expect(decided().state).toBe('succeeded')
})

test('what was settled is settled, in whichever call it is offered again', async () => {
  const debit = await newDebit(store)
  await store.accept(debit)
  const settlement = settlementOf({ id: debit.instructionId, ticketNo: debit.ticketNo })
  expect([await store.settle(settlement), await store.settle(settlement)]).toEqual([true, true])
  const { id } = (await reverse(store, debit, 10_000)).reversal
  const { attemptNo } = (await claimed(store, id))!
  const reversal = settlementOf({ id, ticketNo: debit.ticketNo, verb: 'reversal' }, {}, { attemptNo })
  expect([await store.settle(reversal), await store.settle(reversal)]).toEqual([true, true])
  // What was only kept was not: the answer stands there, too.
  const stale = settlementOf({ id, ticketNo: debit.ticketNo, verb: 'reversal' }, refusal, { attemptNo: 9 })
  expect(await store.settle(stale)).toBe(false)
  await store.keep(stale)
  expect(await store.settle(stale)).toBe(false)
})
