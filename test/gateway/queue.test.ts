import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest'
import { acceptDebit } from '../../gateway/flows/accept.ts'
import { advance } from '../../gateway/flows/advance.ts'
import { openSlots } from '../../gateway/flows/slots.ts'
import { relay, sweep } from '../../gateway/flows/wake.ts'
import { type Services, services } from '../../gateway/local.ts'
import { openQueue, type WakeQueue } from '../../gateway/queue.ts'
import { openStore } from '../../gateway/store/store.ts'
import { startWork } from '../../gateway/work.ts'
import { freshDatabase } from '../database.ts'
import { orderOf, sampleReference, simulateBanks, stage, until, writeStageAgreements } from './stage.ts'

// A Redis of this file's own: it is emptied, killed and started again, and the one that other suites share must not be.

const dir = mkdtempSync(join(tmpdir(), 'taxlink-queue-'))
let running: Services[] = []
let opened: WakeQueue[] = []
const troubles: string[] = []

const up = async (): Promise<Services> => {
  const started = await services({ dir, databaseUrl: inject('databaseUrl'), production: false, durable: true, say: () => {} })
  running.push(started)
  return started
}
/** kill -9, and gone. */
const kill = async (): Promise<void> => {
  const pid = running.at(-1)?.pids.redis
  if (!pid) throw new Error('Redis does not run')
  process.kill(pid, 'SIGKILL')
  await until('Redis has ended', () => {
    try {
      return !process.kill(pid, 0)
    } catch {
      return true
    }
  })
}
const redisUrl = (): string => running[0]!.redisUrl
let prefixes = 0
const nextPrefix = (): string => `t${++prefixes}`
const open = (prefix: string, url = redisUrl()): WakeQueue => {
  const queue = openQueue(url, prefix, error => troubles.push(error.message))
  opened.push(queue)
  return queue
}
const ready = (queue: WakeQueue) => until('the queue is alive', () => queue.isAlive())
const flushAll = async (): Promise<void> => {
  const redis = new Redis(redisUrl())
  await redis.flushall()
  redis.disconnect()
}
/** Rejects within a second, says the first; a caller that waits for a Redis that is away holds up what it came from. */
const fate = (promise: Promise<void>) =>
  Promise.race([
    promise.then(
      () => 'told',
      () => 'failed',
    ),
    pause(1_000, 'waits', { ref: false }),
  ])

beforeAll(async () => {
  await up()
})
afterEach(async () => {
  await Promise.all(opened.map(queue => queue.close()))
  opened = []
})
afterAll(async () => {
  for (const each of running) await each.stop()
  running = []
  rmSync(dir, { recursive: true, force: true })
})

const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i + 1)
/** What a worker was given, in any order, each chunk at most fifty. */
const collect = (queue: WakeQueue): { ids: number[]; chunks: number[] } => {
  const got = { ids: [] as number[], chunks: [] as number[] }
  queue.work(async ids => {
    got.ids.push(...ids)
    got.chunks.push(ids.length)
  }, 20)
  return got
}
const sorted = (ids: readonly number[]): number[] => ids.toSorted((a, b) => a - b)

describe('wake-ups', () => {
  test('reach a worker, all of them, in chunks of fifty', async () => {
    const prefix = nextPrefix()
    const queue = open(prefix)
    await ready(queue)
    const got = collect(open(prefix))
    await queue.tell(range(120))
    await until('all were taken', () => got.ids.length >= 120)
    expect(sorted(got.ids)).toEqual(range(120))
    expect(got.chunks.toSorted((a, b) => a - b)).toEqual([20, 50, 50])
    await queue.tell([])
  })

  test('are shared by the workers: each is taken once', async () => {
    const prefix = nextPrefix()
    const queue = open(prefix)
    await ready(queue)
    const [one, two] = [collect(open(prefix)), collect(open(prefix))]
    for (const id of range(200)) await queue.tell([id])
    await until('all were taken', () => one.ids.length + two.ids.length >= 200)
    await pause(50)
    expect(sorted([...one.ids, ...two.ids])).toEqual(range(200))
  })

  test('wait for a worker that is not there yet, and for one that went away', async () => {
    const prefix = nextPrefix()
    const queue = open(prefix)
    await ready(queue)
    await queue.tell([1])
    const first = open(prefix)
    const before = collect(first)
    await until('the first was taken', () => before.ids.length === 1)
    await first.close()
    await queue.tell([2, 3])
    const after = collect(open(prefix))
    await until('the rest was taken', () => after.ids.length === 2)
    expect([...before.ids, ...after.ids]).toEqual([1, 2, 3])
  })

  test('a handler that fails holds up no other', async () => {
    const prefix = nextPrefix()
    const queue = open(prefix)
    await ready(queue)
    const got: number[] = []
    open(prefix).work(async ids => {
      if (ids.includes(13)) throw new Error('unlucky')
      got.push(...ids)
    }, 1)
    for (const id of [12, 13, 14]) await queue.tell([id])
    await until('the others were taken', () => got.length === 2)
    expect(sorted(got)).toEqual([12, 14])
  })

  test('a worker that closes finishes what it has begun', async () => {
    const prefix = nextPrefix()
    const queue = open(prefix)
    await ready(queue)
    const begun = Promise.withResolvers<void>()
    const finish = Promise.withResolvers<void>()
    let finished = false
    const worker = open(prefix)
    worker.work(async () => {
      begun.resolve()
      await finish.promise
      finished = true
    }, 1)
    await queue.tell([1])
    await begun.promise
    const closed = worker.close().then(() => finished)
    finish.resolve()
    expect(await closed).toBe(true)
  })
})

describe('a Redis that goes away', () => {
  test('telling fails at once and is no longer alive; back again, both work, and so does the worker of before', async () => {
    const prefix = nextPrefix()
    const queue = open(prefix)
    await ready(queue)
    const got = collect(open(prefix))
    await queue.tell([1])
    await until('the first was taken', () => got.ids.length === 1)
    await kill()
    expect(await fate(queue.tell([2]))).toBe('failed')
    expect(await queue.isAlive()).toBe(false)
    await until('the trouble was told', () => troubles.length > 0)
    await up()
    await ready(queue)
    await queue.tell([3])
    await until('the third was taken', () => got.ids.includes(3))
    expect(got.ids).not.toContain(2)
  })

  test('stopped in mid-air: telling fails within seconds, and so the relay and the sweep go on', async () => {
    const queue = open(nextPrefix())
    await ready(queue)
    const pid = running.at(-1)!.pids.redis!
    process.kill(pid, 'SIGSTOP')
    try {
      await expect(Promise.race([queue.tell([1]), pause(10_000, 'waits', { ref: false })])).rejects.toThrow(/timed out/i)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    await ready(queue)
  })

  test('away from the start: telling fails at once, and works when Redis comes', async () => {
    await kill()
    const prefix = nextPrefix()
    const queue = open(prefix)
    expect(await fate(queue.tell([1]))).toBe('failed')
    // One that never saw a Redis can end, too.
    const idle = openQueue(redisUrl(), prefix, error => troubles.push(error.message))
    idle.work(async () => {}, 1)
    expect(await fate(idle.close())).toBe('told')
    const got = collect(open(prefix))
    await up()
    await ready(queue)
    await queue.tell([2])
    await until('it was taken', () => got.ids.length === 1)
    expect(got.ids).toEqual([2])
  })

  test('a worker closes though Redis is away, and finishes what it has begun', async () => {
    const prefix = nextPrefix()
    const queue = open(prefix)
    await ready(queue)
    const begun = Promise.withResolvers<void>()
    const finish = Promise.withResolvers<void>()
    let finished = false
    const worker = open(prefix)
    worker.work(async () => {
      begun.resolve()
      await finish.promise
      finished = true
    }, 1)
    await queue.tell([1])
    await begun.promise
    await kill()
    opened = []
    const closed = worker.close()
    expect(await Promise.race([closed, pause(100, 'waits')])).toBe('waits')
    finish.resolve()
    expect(await fate(closed)).toBe('told')
    expect(finished).toBe(true)
    expect(await fate(queue.close())).toBe('told')
    await up()
  })
})

describe('a Redis that is emptied', () => {
  test('loses jobs and nothing else: the sweep finds in the record what is due', async () => {
    const fresh = await freshDatabase()
    const store = openStore(fresh.db)
    await writeStageAgreements(fresh.db)
    const simulated = await simulateBanks(() => undefined)
    const process = stage(store, sampleReference(), simulated.lines, 'worker')
    const { flow, slots } = process
    const prefix = nextPrefix()
    const queue = open(prefix)
    await ready(queue)
    const tell = (ids: readonly number[]) => queue.tell(ids)
    // Accepted by a process that had no place for it and then died: what is left is the record and the outbox.
    const full = openSlots(0)
    full.tryTake('4301', 1)
    const crowded = { ...sampleReference() }
    const bank = crowded.banks.get('4301')!
    const narrow = { ...crowded, banks: new Map([...crowded.banks, ['4301', { ...bank, policy: { ...bank.policy, concurrency: 1 } }]]) }
    const tickets = range(30).map(n => `4400000000${String(n).padStart(8, '0')}`)
    for (const ticketNo of tickets)
      await acceptDebit({ ...flow, reference: () => narrow }, full, 'urn:taxlink:tax-system:test', orderOf('4301', ticketNo))
    const settled = async () => (await store.findMany(tickets)).filter(debit => debit.state === 'succeeded').length
    // The outbox was carried to the queue, and is empty: only the queue knows.
    let carried = 0
    await until('the outbox was carried', async () => {
      carried += await relay(flow, tell)
      return carried === 30
    })
    expect(await relay(flow, tell)).toBe(0)
    await flushAll()
    open(prefix).work(ids => advance(flow, slots, ids), 20)
    await pause(300)
    expect(await settled()).toBe(0)
    expect(await sweep(flow, tell)).toBe(30)
    await until('all are settled', async () => (await settled()) === 30)
    expect([...simulated.of('4301').ledger.entries()].map(e => e.ticketNo).toSorted()).toEqual(tickets)
    // And a whole worker, emptied while it waits: whatever the queue forgets, it finds again by itself.
    const worker = open(nextPrefix())
    const working = startWork(flow, slots, worker, { relayMs: 50, sweepMs: 100 })
    await pause(200)
    await flushAll()
    const more = tickets.map(ticketNo => ticketNo.replace(/^44/, '45'))
    for (const ticketNo of more)
      await acceptDebit({ ...flow, reference: () => narrow }, full, 'urn:taxlink:tax-system:test', orderOf('4301', ticketNo))
    await flushAll()
    await until('these, too', async () => (await store.findMany(more)).every(debit => debit.state === 'succeeded'))
    await working.stop()
    await process.close()
    await simulated.close()
    await fresh.drop()
  })
})
