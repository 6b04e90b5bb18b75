import { setTimeout as pause } from 'node:timers/promises'
import { outcome } from '@taxlink/bank-sdk'
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { assemble } from '../../../gateway/assemble.ts'
import type { Call } from '../../../gateway/call.ts'
import { readConfig } from '../../../gateway/config.ts'
import type { BankPolicy } from '../../../gateway/domain/bank.ts'
import { later } from '../../../gateway/domain/time.ts'
import { acceptDebit } from '../../../gateway/flows/accept.ts'
import { advance } from '../../../gateway/flows/advance.ts'
import { callBanks } from '../../../gateway/flows/bank-calls.ts'
import type { Flow, Note } from '../../../gateway/flows/flow.ts'
import { openSlots } from '../../../gateway/flows/slots.ts'
import { tellBanks } from '../../../gateway/flows/tell.ts'
import { watchClock } from '../../../gateway/flows/timely.ts'
import { sweep } from '../../../gateway/flows/wake.ts'
import { openQueue } from '../../../gateway/queue.ts'
import { clockAhead } from '../../../gateway/store/clock.ts'
import { sqlTime } from '../../../gateway/store/rows.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { startWork } from '../../../gateway/work.ts'
import { type FreshDatabase, freshDatabase, freshRedis } from '../../database.ts'
import { openHouse, order } from '../http/house.ts'
import { orderOf, quickPolicy, sampleReference, stage, until, writeStageAgreements } from '../stage.ts'

// Whose clock is off can neither say when something left for a bank nor judge when a bank's window is over: it begins nothing at banks, and what is
// due waits in the record for others.

const taxSystem = 'urn:taxlink:tax-system:test'
const ticketNo = '430000000000000001'
const [hourMs, yearMs] = [3_600_000, 365 * 86_400_000]
let fresh: FreshDatabase
let store: Store

beforeEach(async () => {
  fresh = await freshDatabase()
  store = openStore(fresh.db)
  await writeStageAgreements(fresh.db)
})
afterEach(() => fresh.drop())

const done = { answer: { kind: 'answered', outcome: outcome('90000'), amount: 12_345 }, transcript: '{}' } as const
const notFound = { answer: { kind: 'answered', outcome: outcome('94054'), amount: 0 }, transcript: '{}' } as const
const silence = { answer: { kind: 'doubtful', fault: 'timeout', outcome: outcome('28003') }, transcript: '{}' } as const

/** A process whose clock is so far ahead, whether it knows or not, at a bank that says this; `asked` is what the bank was sent. */
const processOf = (owner: string, aheadMs: number, say: Awaited<ReturnType<Call>> = done, policy: Partial<BankPolicy> = {}) => {
  const asked: string[] = []
  const call: Call = async (_bank, verb) => {
    asked.push(verb)
    return say
  }
  const { flow, slots, notes } = stage(store, sampleReference({ ...quickPolicy, ...policy }), [], owner)
  const clock = () => new Date(Date.now() + aheadMs)
  return { flow: { ...flow, clock, call, isTimely: () => aheadMs === 0 } as Flow, slots, notes, asked }
}
const accept = async ({ flow, slots }: { flow: Flow; slots: ReturnType<typeof openSlots> }) => {
  const verdict = await acceptDebit(flow, slots, taxSystem, orderOf('4301', ticketNo))
  await slots.idle()
  return { verdict, id: (await store.find(ticketNo))!.instructionId }
}
/** An instruction with all that hangs on it, as it stands in the record. */
const record = (id: number) =>
  Promise.all(
    ['instruction WHERE id', 'attempt WHERE instruction_id', 'journal WHERE instruction_id'].map(from =>
      fresh.db.query(`SELECT * FROM ${from} = ?`, [id]),
    ),
  )

describe.each([hourMs, -hourMs])('a worker whose clock is %i ms ahead', aheadMs => {
  test('sends nothing: the instruction stays due as it was, for one whose clock is right', async () => {
    const none = processOf('full', 0, done, { concurrency: 0 })
    const { id } = await accept({ ...none, flow: { ...none.flow, pause: async () => {} }, slots: openSlots(0) })
    const before = await record(id)
    const off = processOf('off', aheadMs)
    await advance(off.flow, off.slots, [id])
    expect(await record(id)).toEqual(before)
    expect([off.asked, off.notes.map(({ event }) => event)]).toEqual([[], []])
    const right = processOf('right', 0)
    await advance(right.flow, right.slots, [id])
    expect([right.asked, (await store.find(ticketNo))?.state]).toEqual([['debit'], 'succeeded'])
  })

  test('asks nothing: a bank’s «not found» is not believed before its time, and no doubt is put off', async () => {
    const { id } = await accept(processOf('right', 0, silence, { quiescenceMs: 60_000 }))
    await until('it is due', async () => (await store.load([id]))[0]!.nextAttemptAt! <= new Date())
    const before = await record(id)
    const off = processOf('off', aheadMs, notFound, { quiescenceMs: 60_000 })
    await advance(off.flow, off.slots, [id])
    expect(await record(id)).toEqual(before)
    expect(off.asked).toEqual([])
  })
})

describe.each([0, hourMs, -hourMs, yearMs])('a serve that knows its clock is off, by %i ms', aheadMs => {
  test('accepts a debit and leaves it to a worker, which finds it at once', async () => {
    const off = processOf('off', aheadMs)
    const { verdict, id } = await accept({ ...off, flow: { ...off.flow, isTimely: () => false } })
    expect(verdict).toMatchObject({ kind: 'accepted', state: 'accepted' })
    expect([off.asked, off.slots.state().filter(({ taken }) => taken > 0)]).toEqual([[], []])
    expect((await store.load([id]))[0]).toMatchObject({ state: 'accepted', attemptNo: 0, lastSentAt: undefined })
    const right = processOf('right', 0)
    await sweep(right.flow, ids => advance(right.flow, right.slots, ids))
    expect([right.asked, (await store.find(ticketNo))?.state]).toEqual([['debit'], 'succeeded'])
  })
})

test('its answer is 202, accepted', async () => {
  const house = await openHouse()
  onTestFinished(() => house.close())
  Object.assign(house.flow, { isTimely: () => false })
  const ets = house.caller(await house.ca.issue())
  const asked = order()
  expect(await ets.ask('POST', '/v1/debits', asked)).toMatchObject({ status: 202, json: { state: 'accepted', attempts: 0 } })
  expect(house.debited.size).toBe(0)
})

test('what an untimely worker was woken for is found again and again, at the pace of the sweep, until it may be done', async () => {
  const off = processOf('off', 0)
  let isTimely = false
  let loads = 0
  const load: Store['load'] = ids => {
    loads++
    return store.load(ids)
  }
  const flow: Flow = { ...off.flow, isTimely: () => isTimely, store: { ...store, load } }
  const { id } = await accept({ ...off, flow })
  // As if it had been left to a wake-up of the outbox.
  await fresh.db.execute('INSERT INTO outbox (instruction_id, wake_at) VALUES (?, NOW(3))', [id])
  const redis = freshRedis()
  const queue = openQueue(redis.url, redis.prefix, () => {})
  const work = startWork(flow, off.slots, queue, { relayMs: 20, sweepMs: 200 })
  onTestFinished(async () => {
    await work.stop()
    await queue.close()
  })
  await until('it was woken three times', () => loads >= 3)
  const before = loads
  await pause(1_000)
  // A round takes 150 ms at least.
  expect(loads - before).toBeLessThanOrEqual(8)
  expect(off.asked).toEqual([])
  isTimely = true
  await until('it is done', async () => (await store.find(ticketNo))?.state === 'succeeded')
  expect(off.asked).toEqual(['debit'])
})

test('what banks are told of agreements and of day-end waits as well, and takes no serial number', async () => {
  const at = later(new Date(), -1_000)
  const call = { bankCode: '4301', officeCode: '14301020000', verb: 'linkTest', subject: 'one', content: { text: 'a' }, at }
  await store.bankCalls.tellBank([call])
  const [{ id }] = (await fresh.db.query<{ id: number }>('SELECT MIN(id) AS id FROM agreement WHERE bank_code = 4301')) as [{ id: number }]
  await fresh.db.execute(
    `INSERT INTO agreement_call (bank_code, agreement_id, verb, content, created_at, next_attempt_at) VALUES (?, ?, ?, ?, ?, ?)`,
    ['4301', id, 'bind', '{"verb":"bind"}', sqlTime(at), sqlTime(at)],
  )
  const serials = () => fresh.db.query('SELECT * FROM counter')
  const before = await serials()
  const off = processOf('off', hourMs)
  expect([await callBanks(off.flow), await tellBanks(off.flow)]).toEqual([0, 0])
  expect([off.asked, await serials()]).toEqual([[], before])
})

test.each(['serve', 'work'])('a %s is put together with its clock watched', async role => {
  onTestFinished(() => void vi.useRealTimers())
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + hourMs })
  const notes: Note[] = []
  const config = { ...readConfig({}), databaseUrl: fresh.url, redisUrl: freshRedis().url }
  const parts = await assemble(config, role, { note: note => void notes.push(note), settled: () => {} })
  expect(parts.flow.isTimely()).toBe(false)
  expect(notes.map(({ detail }) => detail)).toEqual([expect.stringMatching(/^the clock of this process is 3[56][0-9]{2} s ahead/)])
  vi.useRealTimers()
  await until('it sees that it is well', () => parts.flow.isTimely())
  await parts.close()
})

describe('the watch of the clock', () => {
  type Query = Parameters<typeof clockAhead>[0]['query']
  const watched = async (clock: () => Date, query: Query = (...asked) => fresh.db.query(...asked)) => {
    const notes: Note[] = []
    const watch = await watchClock(
      () => clockAhead({ query }, clock),
      note => void notes.push(note),
      20,
    )
    onTestFinished(() => watch.close())
    return { watch, notes }
  }
  let aheadMs = 0
  const clock = () => new Date(Date.now() + aheadMs)

  test.each([hourMs, -hourMs])('it flips with the clock, %i ms off and back, and says so once each', async offMs => {
    aheadMs = 0
    const { watch, notes } = await watched(clock)
    expect([watch.isTimely(), notes]).toEqual([true, []])
    aheadMs = offMs
    await until('it sees it', () => !watch.isTimely())
    await pause(200)
    expect(notes).toMatchObject([{ event: 'trouble', detail: expect.stringContaining(`${offMs < 0 ? 'behind' : 'ahead of'}`) }])
    aheadMs = 9_000
    await until('it sees that it is well', () => watch.isTimely())
    await pause(200)
    expect(notes.slice(1)).toMatchObject([{ event: 'trouble', detail: expect.stringContaining('again') }])
    watch.close()
    aheadMs = offMs
    await pause(200)
    expect(watch.isTimely()).toBe(true)
  })

  test('a process that starts with a clock that is off knows it before it begins', async () => {
    aheadMs = -11_000
    const { watch, notes } = await watched(clock)
    expect([watch.isTimely(), notes.length]).toEqual([false, 1])
  })

  test('a record that is away leaves the verdict as it was, and is told elsewhere', async () => {
    aheadMs = hourMs
    let isAway = false
    let asked = 0
    const query: Query = (...args) => {
      asked++
      return isAway ? Promise.reject(new Error('away')) : fresh.db.query(...args)
    }
    const { watch, notes } = await watched(clock, query)
    isAway = true
    aheadMs = 0
    const before = asked
    await until('it has looked again', () => asked > before + 2)
    expect([watch.isTimely(), notes.length]).toEqual([false, 1])
    isAway = false
    await until('it sees that it is well', () => watch.isTimely())
  })
})
