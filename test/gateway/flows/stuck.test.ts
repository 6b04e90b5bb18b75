import { setTimeout as pause } from 'node:timers/promises'
import { outcome } from '@taxlink/bank-sdk'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Call } from '../../../gateway/call.ts'
import { acceptDebit } from '../../../gateway/flows/accept.ts'
import type { Flow } from '../../../gateway/flows/flow.ts'
import { openSlots } from '../../../gateway/flows/slots.ts'
import { openQueue, type WakeQueue } from '../../../gateway/queue.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { startWork } from '../../../gateway/work.ts'
import { type FreshDatabase, freshDatabase, freshRedis } from '../../database.ts'
import { orderOf, quickPolicy, sampleReference, stage, until, writeStageAgreements } from '../stage.ts'

// A bank that takes its time for everything holds its own places and nobody else's: not those of the queue, not those of the sweep.

const stuck = '4301'
const well = '4310'
const crowd = 1_100
let fresh: FreshDatabase
let store: Store
let queue: WakeQueue
let flow: Flow
const heal = { now: () => {} }

const answered = { answer: { kind: 'answered', outcome: outcome('90000'), amount: 12_345 }, transcript: '{}' } as const
let tickets = 0
const accept = async (bankCode: string): Promise<string> => {
  const ticketNo = `4300000000${String(++tickets).padStart(8, '0')}`
  // Without a place and without a line: it waits in the record for a worker.
  const hurried = { ...flow, pause: async () => {}, reference: () => without }
  await acceptDebit(hurried, openSlots(0), 'urn:taxlink:tax-system:test', orderOf(bankCode, ticketNo))
  return ticketNo
}
const policy = { ...quickPolicy, concurrency: 2, timeoutMs: 60_000 }
const [reference, without] = [sampleReference(policy), sampleReference({ ...policy, concurrency: 0 })]

beforeEach(async () => {
  fresh = await freshDatabase()
  store = openStore(fresh.db)
  await writeStageAgreements(fresh.db)
  const healed = new Promise<void>(resolve => {
    heal.now = resolve
  })
  const call: Call = async bankCode => {
    if (bankCode === stuck) await healed
    return answered
  }
  flow = { ...stage(store, reference, [], 'worker').flow, leaseMs: 60_000, call }
  const redis = freshRedis()
  queue = openQueue(redis.url, redis.prefix, () => {})
  await Promise.all(Array.from({ length: crowd }, () => accept(stuck)))
  await fresh.db.execute('UPDATE outbox SET wake_at = ?', ['2026-01-01'])
})
afterEach(async () => {
  heal.now()
  await queue.close()
  await fresh.drop()
})
const stateOf = async (ticketNo: string) => (await store.find(ticketNo))?.state

describe.each(['told by the outbox', 'found only by the sweep'])('a debit of another bank, %s', how => {
  test('is done while the stuck bank’s wait, and those are done once it is well', async () => {
    const slots = openSlots(10_000)
    const work = startWork(flow, slots, queue, { relayMs: 20, sweepMs: 200 })
    await until('the places of the stuck bank are taken', () => slots.state()[0]?.taken === 2)
    await until('all wake-ups were carried', async () => (await fresh.db.query('SELECT 1 FROM outbox WHERE wake_at < NOW()')).length === 0)
    const ticketNo = await accept(well)
    await fresh.db.execute(how === 'told by the outbox' ? 'UPDATE outbox SET wake_at = NOW()' : 'DELETE FROM outbox')
    await until('the other bank’s is done', async () => (await stateOf(ticketNo)) === 'succeeded', 10_000)
    expect(slots.state().find(s => s.bankCode === stuck)).toMatchObject({ taken: 2 })
    // Told again and again, each waits once.
    await pause(1_000)
    expect(slots.state().find(s => s.bankCode === stuck)!.waiting).toBeLessThanOrEqual(crowd - 2)
    heal.now()
    await until('all are done', async () => (await store.due(new Date('2099-01-01'), 10)).length === 0, 20_000)
    await work.stop()
    await slots.idle()
  })
})

test('a worker that ends lets go what waits in line: it stays due in the record, and only what is at the bank is heard to its end', async () => {
  const slots = openSlots(10_000)
  const work = startWork(flow, slots, queue, { relayMs: 20, sweepMs: 200 })
  await until('many wait', () => (slots.state()[0]?.waiting ?? 0) > 500)
  await work.stop()
  await queue.close()
  slots.close()
  expect(slots.state()).toEqual([{ bankCode: stuck, taken: 2, waiting: 0 }])
  heal.now()
  await slots.idle()
  expect(await store.due(new Date(), 10_000)).toHaveLength(crowd - 2)
})

test('while Redis is away a worker does itself what it finds due', async () => {
  const slots = openSlots(10_000)
  const away: WakeQueue = { ...queue, work: () => {}, tell: () => Promise.reject(new Error('Redis is away')) }
  const ticketNo = await accept(well)
  heal.now()
  const work = startWork(flow, slots, away, { relayMs: 20, sweepMs: 200 })
  await until('it is done', async () => (await stateOf(ticketNo)) === 'succeeded')
  await work.stop()
  slots.close()
  await slots.idle()
})
