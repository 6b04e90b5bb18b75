import { type Outcome, outcome, type UnifiedCode } from '@taxlink/bank-sdk'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Call } from '../../../gateway/call.ts'
import type { Answer } from '../../../gateway/domain/debit.ts'
import { acceptDebit } from '../../../gateway/flows/accept.ts'
import { advance } from '../../../gateway/flows/advance.ts'
import type { Flow } from '../../../gateway/flows/flow.ts'
import { openSlots } from '../../../gateway/flows/slots.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { orderOf, quickPolicy, sampleReference, simulateBanks, stage, until, writeStageAgreements } from '../stage.ts'

// A process can be held up for any time between its commit and the first byte: stopped, starved, or waiting for a slow record. What it does when
// it wakes must not surprise those who went on without it.

const taxSystem = 'urn:taxlink:tax-system:test'
const ticketNo = '430000000000000001'
let fresh: FreshDatabase
let store: Store
let simulated: Awaited<ReturnType<typeof simulateBanks>>

beforeEach(async () => {
  fresh = await freshDatabase()
  store = openStore(fresh.db)
  await writeStageAgreements(fresh.db)
  simulated = await simulateBanks(() => undefined)
})
afterEach(async () => {
  await simulated.close()
  await fresh.drop()
})
const booked = (bankCode: string) => [...simulated.of(bankCode).ledger.entries()].length
const fates = async () => (await store.attempts((await store.find(ticketNo))!.instructionId)).map(a => [a.verb, a.fault ?? a.resultCode])

describe.each(['4301', '4306'])('bank %s', bankCode => {
  test('held up between commit and call: nothing is sent any more, and that is certain', async () => {
    let heldUp = 0
    const one = stage(store, sampleReference(), simulated.lines, 'one')
    const accept: Store['accept'] = async debit => {
      const written = await store.accept(debit)
      heldUp = quickPolicy.timeoutMs
      return written
    }
    const flow: Flow = { ...one.flow, clock: () => new Date(Date.now() + heldUp), store: { ...store, accept } }
    await acceptDebit(flow, one.slots, taxSystem, orderOf(bankCode, ticketNo))
    await one.close()
    expect(await store.find(ticketNo)).toMatchObject({ state: 'accepted' })
    expect(await fates()).toEqual([['debit', 'line-busy']])
    expect(booked(bankCode)).toBe(0)
  })

  test('held up until others have asked and sent again: the bank hears of it once', async () => {
    const [slow, other] = [
      stage(store, sampleReference(), simulated.lines, 'slow'),
      stage(store, sampleReference(), simulated.lines, 'other'),
    ]
    const wake = Promise.withResolvers<void>()
    const call: Call = async (...args) => {
      await wake.promise
      return slow.flow.call(...args)
    }
    await acceptDebit({ ...slow.flow, call }, slow.slots, taxSystem, orderOf(bankCode, ticketNo))
    const { instructionId } = (await store.find(ticketNo))!
    await until('the other has settled it', async () => {
      await advance(other.flow, other.slots, [instructionId])
      return (await store.find(ticketNo))?.state === 'succeeded'
    })
    const before = await fates()
    wake.resolve()
    await slow.close()
    expect(booked(bankCode)).toBe(1)
    // What the sleeper found out is kept beside its attempt, and moves nothing.
    expect(await fates()).toEqual([['debit', 'line-busy'], ...before.slice(1)])
    expect(slow.notes.map(n => n.event)).toContain('stale')
    expect(slow.notes.map(n => n.event)).not.toContain('trouble')
    expect(slow.notes.find(n => n.event === 'answered')).toMatchObject({ fault: 'line-busy' })
    await other.close()
  })
})

test('a clock that was set back while it was held up sends nothing', async () => {
  const one = stage(store, sampleReference(), simulated.lines, 'one')
  let setBack = 0
  const accept: Store['accept'] = async debit => {
    const written = await store.accept(debit)
    setBack = 3_600_000
    return written
  }
  const flow: Flow = { ...one.flow, clock: () => new Date(Date.now() - setBack), store: { ...store, accept } }
  await acceptDebit(flow, one.slots, taxSystem, orderOf('4301', ticketNo))
  await one.close()
  expect(await fates()).toEqual([['debit', 'line-busy']])
  expect(booked('4301')).toBe(0)
})

test('an answer that comes after others have settled it changes nothing, is kept, and is reported where it contradicts them', async () => {
  const [slow, other] = [stage(store, sampleReference(), [], 'slow'), stage(store, sampleReference(), [], 'other')]
  const wake = Promise.withResolvers<void>()
  const says = (code: UnifiedCode, amount: number) =>
    ({ answer: { kind: 'answered', outcome: outcome(code), amount }, transcript: '{}' }) as const
  const sleeper: Flow = { ...slow.flow, call: () => wake.promise.then(() => says('90000', 12_345)) }
  await acceptDebit(sleeper, slow.slots, taxSystem, orderOf('4301', ticketNo))
  const { instructionId } = (await store.find(ticketNo))!
  await until('the other has settled it', async () => {
    await advance({ ...other.flow, call: async () => says('24003', 0) }, other.slots, [instructionId])
    return (await store.find(ticketNo))?.state === 'refused'
  })
  wake.resolve()
  await slow.close()
  expect(await store.find(ticketNo)).toMatchObject({ state: 'refused', outcome: { code: '24003' } })
  expect(await fates()).toEqual([
    ['debit', '90000'],
    ['inquiry', '24003'],
  ])
  expect(slow.notes.find(n => n.event === 'trouble')).toMatchObject({ ticketNo, detail: expect.stringContaining('contradicts') })
  expect(await store.breaks(true, 0, 10)).toMatchObject([{ ticketNo, kind: 'bank-only', source: 'late-answer', bankAmount: 12_345 }])
  await other.close()
})

test('«not found» is believed only when the latest moment at which it may have left is a quiescence window ago', async () => {
  let clock = Date.parse('2026-11-10T08:00:00Z')
  const began = clock
  const answers: Answer[] = [
    { kind: 'doubtful', fault: 'timeout', outcome: outcome('28003') },
    { kind: 'answered', outcome: outcome('94054') as Outcome, amount: 0 },
    { kind: 'answered', outcome: outcome('94054') as Outcome, amount: 0 },
  ]
  const one = stage(store, sampleReference(), [], 'one')
  const flow: Flow = { ...one.flow, clock: () => new Date(clock), call: async () => ({ answer: answers.shift()!, transcript: '{}' }) }
  await acceptDebit(flow, one.slots, taxSystem, orderOf('4301', ticketNo))
  await until('in doubt', async () => (await store.find(ticketNo))?.state === 'unknown')
  const { instructionId } = (await store.find(ticketNo))!
  const next = async () => (await store.load([instructionId]))[0]!.nextAttemptAt!.getTime()
  const believed = began + quickPolicy.timeoutMs + quickPolicy.quiescenceMs
  clock = believed - 1
  await advance(flow, openSlots(1), [instructionId])
  expect((await store.find(ticketNo))?.state).toBe('unknown')
  expect(await next()).toBe(believed)
  clock = believed
  await advance(flow, openSlots(1), [instructionId])
  expect((await store.find(ticketNo))?.state).toBe('accepted')
})
