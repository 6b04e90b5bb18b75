import { outcome } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { decideReversal } from '../../../gateway/domain/reversal.ts'
import { decideSupplement } from '../../../gateway/domain/supplement.ts'
import { movementOf } from '../../../gateway/domain/ticket.ts'
import { later } from '../../../gateway/domain/time.ts'
import type { NewInstruction } from '../../../gateway/store/debits.ts'
import { type Resolution, resolveDoubt } from '../../../gateway/store/resolve.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { quickPolicy } from '../stage.ts'
import { claimed, doubt, further, newDebit, now, orderOf, settledDebit, settlementOf } from './kit.ts'

// What follows for its ticket when two persons end a doubt: the same as when the bank does.

let fresh: FreshDatabase
let store: Store
beforeAll(async () => {
  fresh = await freshDatabase(4)
  store = openStore(fresh.db)
})
afterAll(() => fresh.drop())

const by = { now: later(now, 3_600_000), actor: 'urn:taxlink:operator:li' }
const done: Resolution = {
  state: 'succeeded',
  outcome: outcome('90000'),
  moved: 10_000,
  bankSerial: 'B1',
  accountingDate: '2026-11-10',
  reason: 'resolved by two persons',
}
const nothing: Resolution = {
  ...done,
  state: 'refused',
  outcome: outcome('24003'),
  moved: 0,
  bankSerial: undefined,
  accountingDate: undefined,
}
const resolve = (instructionId: number, ticketNo: string, resolution: Resolution) =>
  fresh.db.transaction(tx => resolveDoubt(tx, { ticketNo, instructionId }, resolution, () => undefined, by))
const rowOf = async (id: number) =>
  (
    await fresh.db.query<{ state: string; code: string | null; due: Date | null; booked: number | null; person: number }>(
      'SELECT state, result_code AS code, next_attempt_at AS due, booked_amount AS booked, person FROM instruction WHERE id = ?',
      [id],
    )
  )[0]!
const feedOf = async (ticketNo: string) =>
  (await fresh.db.query<{ id: number }>('SELECT instruction_id AS id FROM result WHERE ticket_no = ? ORDER BY seq', [ticketNo])).map(
    row => row.id,
  )
/** Sends what was ordered, and the bank leaves it open. */
const inDoubt = async (instruction: NewInstruction): Promise<void> => {
  const held = await claimed(store, instruction.id)
  await store.settle(
    settlementOf(
      { id: instruction.id, ticketNo: instruction.ticketNo, verb: instruction.verb, inDoubt: instruction.reason === 'in-doubt' },
      doubt,
      {
        attemptNo: held!.attemptNo,
      },
    ),
  )
  expect((await rowOf(instruction.id)).state).toBe('unknown')
}

describe('a debit that a reversal waits for', () => {
  test.each([
    ['booked', done],
    ['not booked', nothing],
  ])('%s: the reversal is looked at again at once', async (_what, resolution) => {
    const debit = await settledDebit(store, doubt)
    const reversal = await further(store, debit, 'reversal', 10_000, 'tax-side')
    const ordered = await store.order(orderOf(reversal), ticket =>
      decideReversal(ticket, movementOf(ticket, debit.instructionId)!, reversal, quickPolicy, now),
    )
    expect(ordered.kind).toBe('accepted')
    expect((await rowOf(reversal.id)).due).not.toEqual(by.now)
    await resolve(debit.instructionId, debit.ticketNo, resolution)
    expect(await rowOf(debit.instructionId)).toMatchObject({ state: resolution.state, due: null, person: 0 })
    expect(await rowOf(reversal.id)).toMatchObject({ state: 'accepted', due: by.now })
    expect(await feedOf(debit.ticketNo)).toEqual([debit.instructionId])
  })
})

test('what the bank had told of an instruction stays where two persons say nothing else of it', async () => {
  const told = async (resolution: Resolution) => {
    const debit = await newDebit(store)
    await store.accept(debit)
    const about = { id: debit.instructionId, ticketNo: debit.ticketNo }
    await store.settle(settlementOf(about, doubt, { bankSerial: 'A1', accountingDate: '2026-11-09' }))
    await resolve(debit.instructionId, debit.ticketNo, resolution)
    const [row] = await fresh.db.query<{ serial: string; day: string }>(
      'SELECT bank_serial AS serial, accounting_date AS day FROM instruction WHERE id = ?',
      [debit.instructionId],
    )
    return row
  }
  expect(await told(nothing)).toEqual({ serial: 'A1', day: '2026-11-09' })
  expect(await told(done)).toEqual({ serial: 'B1', day: '2026-11-10' })
})

describe('a supplementary debit of art. 35(3)', () => {
  const supplemented = async () => {
    const debit = await settledDebit(store)
    const about = { at: now, ticketNo: debit.ticketNo, instructionId: debit.instructionId, actor: by.actor, reason: 'a letter' }
    await store.declareBreak({ ...about, kind: 'bank-missing', source: 'resolution', taxAmount: 10_000, bankAmount: 0 })
    const supplement = await further(store, debit, 'supplementaryDebit', 10_000, 'bank-missing')
    await store.order(orderOf(supplement), ticket =>
      decideSupplement(ticket, movementOf(ticket, debit.instructionId)!, 'bank-missing', 10_000),
    )
    await inDoubt(supplement)
    return { debit, supplement }
  }
  const voided = async (ticketNo: string) =>
    (await fresh.db.query<{ at: Date | null }>('SELECT voided_at AS at FROM ticket WHERE ticket_no = ?', [ticketNo]))[0]?.at
  const open = async (ticketNo: string) => (await store.breaks(true, 0, 100)).filter(found => found.ticketNo === ticketNo)

  test('not booked: the ticket is void', async () => {
    const { debit, supplement } = await supplemented()
    await resolve(supplement.id, debit.ticketNo, nothing)
    expect(await voided(debit.ticketNo)).toEqual(by.now)
    expect(await open(debit.ticketNo)).toEqual([])
  })
  test('booked: the break is remedied', async () => {
    const { debit, supplement } = await supplemented()
    await resolve(supplement.id, debit.ticketNo, done)
    expect(await voided(debit.ticketNo)).toBeNull()
    expect(await open(debit.ticketNo)).toEqual([])
  })
})

describe('a supplementary debit of art. 35(2)', () => {
  test.each([
    ['all that was missing', 3_000, []],
    ['a part of it: what is missing still stands', 1_000, ['under-debited of 7000', 'under-debited of 1000']],
  ] as const)('brought %s', async (_what, moved, left) => {
    const debit = await settledDebit(store)
    const about = { at: now, ticketNo: debit.ticketNo, instructionId: debit.instructionId, actor: by.actor, reason: 'a letter' }
    await store.declareBreak({ ...about, kind: 'under-debited', source: 'resolution', taxAmount: 10_000, bankAmount: 7_000 })
    const supplement = await further(store, debit, 'supplementaryDebit', 3_000, 'under-debited')
    await store.order(orderOf(supplement), ticket =>
      decideSupplement(ticket, movementOf(ticket, debit.instructionId)!, 'under-debited', 3_000),
    )
    await inDoubt(supplement)
    await resolve(supplement.id, debit.ticketNo, { ...done, moved })
    const open = (await store.breaks(true, 0, 100)).filter(found => found.ticketNo === debit.ticketNo)
    expect(open.map(({ kind, bankAmount }) => `${kind} of ${bankAmount}`)).toEqual(left)
  })
})

describe('a tombstone of our own', () => {
  const buried = async () => {
    const debit = await newDebit(store)
    await store.accept(debit)
    const tombstone = await further(store, debit, 'reversal', 10_000, 'in-doubt')
    await store.settle(
      settlementOf({ id: debit.instructionId, ticketNo: debit.ticketNo }, { ...doubt, effect: 'tombstone' }, { tombstone }),
    )
    await inDoubt(tombstone)
    return { debit, tombstone }
  }
  test.each([
    ['had booked it and gave it back', 10_000],
    ['keeps it out', 0],
  ])('the bank %s: the debit is a proven zero, and only that is told', async (_what, moved) => {
    const { debit, tombstone } = await buried()
    await resolve(tombstone.id, debit.ticketNo, { ...done, moved })
    expect(await rowOf(tombstone.id)).toMatchObject({ state: 'succeeded', booked: moved === 0 ? 0 : null })
    expect((await store.breaks(false, 0, 100)).filter(found => found.ticketNo === debit.ticketNo)).toEqual([])
    expect(await rowOf(debit.instructionId)).toMatchObject({ state: 'refused', code: '24020', due: null })
    expect(await feedOf(debit.ticketNo)).toEqual([debit.instructionId])
  })
  test.each([
    ['booked', done],
    ['not booked', nothing],
  ])('while it has no outcome nobody says of the debit that it was %s: it might yet be given back', async (_what, resolution) => {
    const { debit, tombstone } = await buried()
    expect(await resolve(debit.instructionId, debit.ticketNo, resolution)).toMatchObject({ rule: 'tombstone-open' })
    expect(await rowOf(debit.instructionId)).toMatchObject({ state: 'unknown' })
    expect(await rowOf(tombstone.id)).toMatchObject({ state: 'unknown' })
    expect(await feedOf(debit.ticketNo)).toEqual([])
  })
  test('the bank gave back a part: that stands, and of the debit nothing is proved', async () => {
    const { debit, tombstone } = await buried()
    await resolve(tombstone.id, debit.ticketNo, { ...done, moved: 4_000 })
    expect(await rowOf(tombstone.id)).toMatchObject({ state: 'succeeded', booked: 4_000 })
    expect(await rowOf(debit.instructionId)).toMatchObject({ state: 'unknown', person: 1 })
    expect(await feedOf(debit.ticketNo)).toEqual([])
  })
  test('the bank has refused it: the debit is before a person', async () => {
    const { debit, tombstone } = await buried()
    await resolve(tombstone.id, debit.ticketNo, nothing)
    expect(await rowOf(debit.instructionId)).toMatchObject({ state: 'unknown', person: 1 })
    expect(await feedOf(debit.ticketNo)).toEqual([])
  })
})

test('what waits for a halted bank hides no doubt that can be asked about, and nobody else’s', async () => {
  const at = later(now, 7_200_000)
  const waiting = { state: 'accepted', nextAttemptAt: later(now, -60_000), wakeAt: now } as const
  const [one, two, other] = [
    await newDebit(store, { ...waiting, bankCode: '7701' }),
    await newDebit(store, { ...waiting, bankCode: '7701', nextAttemptAt: later(now, -30_000) }),
    await newDebit(store, { ...waiting, bankCode: '7702' }),
  ]
  for (const debit of [one, two, other]) await store.accept(debit)
  const doubted = await settledDebit(store, doubt, { bankCode: '7701' })
  const [here, there] = [new Set([one, two, doubted].map(d => d.instructionId)), other.instructionId]
  const due = async (halted?: readonly string[]) => (await store.due(at, 1, halted)).filter(id => here.has(id) || id === there)
  expect(new Set(await due())).toEqual(new Set([one.instructionId, there]))
  expect(new Set(await due(['7701', '7709']))).toEqual(new Set([doubted.instructionId, there]))
})
