import { outcome, type UnifiedCode } from '@taxlink/bank-sdk'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Call, Late } from '../../../gateway/call.ts'
import type { BankEntry, BankPolicy, Halt } from '../../../gateway/domain/bank.ts'
import type { Answer } from '../../../gateway/domain/debit.ts'
import { type Reference, withHalts } from '../../../gateway/domain/reference.ts'
import { shanghaiDate } from '../../../gateway/domain/time.ts'
import { acceptDebit } from '../../../gateway/flows/accept.ts'
import { advance } from '../../../gateway/flows/advance.ts'
import { holdAgainstRecord } from '../../../gateway/flows/attempt.ts'
import { quietAfter } from '../../../gateway/flows/doubt-kinds.ts'
import type { Flow } from '../../../gateway/flows/flow.ts'
import { hearLate } from '../../../gateway/flows/late.ts'
import { reverse } from '../../../gateway/flows/reverse.ts'
import { openSlots } from '../../../gateway/flows/slots.ts'
import { sweep } from '../../../gateway/flows/wake.ts'
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

test('halted between the claim and the first byte: nothing is sent any more, it takes no rung, and it goes once the bank is resumed', async () => {
  const one = stage(store, sampleReference(), simulated.lines, 'one')
  const halt: Halt = { reason: 'books twice', since: new Date(), proposedBy: 'a', approvedBy: 'b' }
  let halts = new Map<string, Halt>()
  const accept: Store['accept'] = async debit => {
    const written = await store.accept(debit)
    halts = new Map([['4301', halt]])
    return written
  }
  const flow: Flow = { ...one.flow, reference: () => withHalts(one.flow.reference(), halts), store: { ...store, accept } }
  await acceptDebit(flow, one.slots, taxSystem, orderOf('4301', ticketNo))
  await one.slots.idle()
  const { instructionId } = (await store.find(ticketNo))!
  expect(await fates()).toEqual([['debit', 'line-busy']])
  expect((await store.load([instructionId]))[0]).toMatchObject({ state: 'accepted', redeliveries: 0 })
  expect(booked('4301')).toBe(0)
  halts = new Map()
  await until('it is sent', async () => {
    await advance(flow, one.slots, [instructionId])
    return (await store.find(ticketNo))?.state === 'succeeded'
  })
  expect(booked('4301')).toBe(1)
  await one.close()
})

test('a doubt is judged by what its bank promised when it was sent, and not by a better contract that came since', async () => {
  const weak: BankPolicy = { ...quickPolicy, dedupe: 'none', quiescenceMs: 7_200_000 }
  const one = stage(store, sampleReference(), [], 'one')
  const asked: string[] = []
  const call = (async (_bank: string, verb: 'debit' | 'inquiry') => {
    asked.push(verb)
    return { answer: { kind: 'answered', outcome: outcome(verb === 'debit' ? '28003' : '94054'), amount: 0 }, transcript: '{}' }
  }) as unknown as Call
  const today = shanghaiDate(new Date())
  const bank = one.flow.reference().banks.get('4301')!
  const of = (change: Partial<BankEntry>) => ({ ...one.flow.reference(), banks: new Map([['4301', { ...bank, ...change }]]) })
  let reference = of({ policy: weak })
  const flow: Flow = { ...one.flow, call, reference: () => reference }
  await acceptDebit(flow, one.slots, taxSystem, orderOf('4301', ticketNo))
  await one.slots.idle()
  reference = of({ policy: quickPolicy, earlier: [{ until: today, policy: weak }] })
  const { instructionId } = (await store.find(ticketNo))!
  await until('it was asked about', async () => {
    await advance(flow, one.slots, [instructionId])
    return asked.filter(verb => verb === 'inquiry').length > 2
  })
  const [standing] = await store.load([instructionId])
  expect(standing).toMatchObject({ state: 'unknown' })
  expect(await store.find(ticketNo)).toMatchObject({ state: 'unknown', person: false })
  expect(asked.filter(verb => verb === 'debit')).toHaveLength(1)
  const quiet = quietAfter(flow, '4301')(standing!.lastSentAt!)!
  expect(quiet.getTime() - standing!.lastSentAt!.getTime()).toBe(quickPolicy.timeoutMs + 7_200_000)
  await one.close()
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

/** A process whose clock and bank are the test's: `say` is what the bank answers, in turn, each after `tookMs`; `asked` is what it was sent. */
const scripted = (say: readonly Answer[]) => {
  const it = { clock: Date.parse('2026-11-10T08:00:00Z'), tookMs: 0, asked: [] as string[], say: [...say] }
  const one = stage(store, sampleReference(), [], 'one')
  const call: Call = async (_bank, verb) => {
    it.asked.push(verb)
    it.clock += it.tookMs
    return { answer: it.say.shift()!, transcript: '{}' }
  }
  const flow: Flow = { ...one.flow, clock: () => new Date(it.clock), pause: async () => {}, call }
  return Object.assign(it, { flow, slots: one.slots, notes: one.notes, close: () => one.close() })
}
const withPolicy = (change: Partial<BankPolicy>) => () => sampleReference({ ...quickPolicy, ...change })
const says = (code: UnifiedCode, amount = 0): Answer => ({ kind: 'answered', outcome: outcome(code), amount })
const silence: Answer = { kind: 'doubtful', fault: 'timeout', outcome: outcome('28003') }
/** A debit that its bank never answered. */
const inDoubt = async ({ flow, slots, clock }: ReturnType<typeof scripted>) => {
  await acceptDebit(flow, slots, taxSystem, orderOf('4301', ticketNo))
  await until('in doubt', async () => (await store.find(ticketNo))?.state === 'unknown')
  const { instructionId } = (await store.find(ticketNo))!
  return { instructionId, believed: clock + quickPolicy.timeoutMs + quickPolicy.quiescenceMs }
}

test('«not found» is believed only when the bank was asked a quiescence window after the latest moment at which it may have left', async () => {
  const one = scripted([silence, says('94054'), says('94054')])
  const { instructionId, believed } = await inDoubt(one)
  const next = async () => (await store.load([instructionId]))[0]!.nextAttemptAt!.getTime()
  one.clock = believed - 1
  // The answer comes after the window is over, and says how things stood before.
  one.tookMs = 100
  await advance(one.flow, openSlots(1), [instructionId])
  expect((await store.find(ticketNo))?.state).toBe('unknown')
  expect(await next()).toBe(believed)
  one.clock = believed
  one.tookMs = 0
  await advance(one.flow, openSlots(1), [instructionId])
  expect((await store.find(ticketNo))?.state).toBe('accepted')
  await one.close()
})

test('what was not found is not sent again to a bank that has lost its agency since: it is asked once more, and a person’s (art. 31)', async () => {
  const one = scripted([silence, says('94054'), says('94054')])
  const { instructionId, believed } = await inDoubt(one)
  one.clock = believed
  await advance(one.flow, openSlots(1), [instructionId])
  expect((await store.find(ticketNo))?.state).toBe('accepted')
  const { banks, ...rest } = sampleReference()
  const revoked = { ...rest, banks: new Map([...banks].map(([code, bank]) => [code, { ...bank, province: 'revoked' as const }])) }
  await advance({ ...one.flow, reference: () => revoked }, openSlots(1), [instructionId])
  expect(one.asked).toEqual(['debit', 'inquiry', 'inquiry'])
  expect(await store.find(ticketNo)).toMatchObject({ state: 'unknown', person: true })
  await one.close()
})

test('the same key does not go again under an agreement that was stopped meanwhile: a person decides (annex 2 §4)', async () => {
  const one = scripted([silence, says('94054')])
  const { instructionId, believed } = await inDoubt(one)
  await fresh.db.execute("UPDATE agreement SET state = 'suspended', suspended_by = 'tax' WHERE agreement_no = 'XY4301'")
  one.clock = believed
  await advance(one.flow, openSlots(1), [instructionId])
  expect(one.asked).toEqual(['debit', 'inquiry'])
  expect(await store.find(ticketNo)).toMatchObject({ state: 'unknown', person: true, outcome: { code: '94054' } })
  await one.close()
})

/** The same province, with this bank halted. */
const haltedAt = (reference: Reference): Reference =>
  withHalts(reference, new Map([['4301', { reason: 'books twice', since: new Date(), proposedBy: 'a', approvedBy: 'b' }]]))

test('a halt does not keep what may not leave any more: the day ends for a tombstone, and its original is a person’s', async () => {
  const one = scripted([silence, says('94054')])
  const day = () => sampleReference({ ...quickPolicy, dedupe: 'tombstone', dayEnd: '17:00' })
  const flow: Flow = { ...one.flow, reference: day }
  const halted: Flow = { ...flow, reference: () => haltedAt(day()) }
  const { instructionId, believed } = await inDoubt({ ...one, flow })
  one.clock = believed
  await advance(flow, openSlots(1), [instructionId])
  const tombstone = (await store.load([instructionId + 1]))[0]!
  expect(tombstone).toMatchObject({ verb: 'reversal', state: 'accepted' })
  const swept = async () => {
    const due: number[] = []
    await sweep(halted, async ids => void due.push(...ids))
    await advance(halted, openSlots(1), due)
    return due
  }
  expect(await swept()).toEqual([tombstone.id])
  expect(await store.find(ticketNo)).toMatchObject({ state: 'unknown', person: false })
  // Five in the afternoon in the province.
  one.clock = Date.parse('2026-11-10T09:00:01Z')
  expect(await swept()).toEqual([tombstone.id])
  expect(await store.find(ticketNo)).toMatchObject({ state: 'unknown', person: true })
  expect((await store.load([tombstone.id]))[0]).toMatchObject({ state: 'refused' })
  expect(one.asked).toEqual(['debit', 'inquiry'])
  await one.close()
})

test('what waits for a halted bank is refused once the bank has lost its agency (art. 31); before, the sweep passes it by', async () => {
  const one = scripted([])
  const dead = Promise.reject(new Error('not now'))
  dead.catch(() => undefined)
  await acceptDebit({ ...one.flow, call: () => dead }, one.slots, taxSystem, orderOf('4301', ticketNo))
  await fresh.db.execute("UPDATE instruction SET state = 'accepted', lease_owner = NULL, last_sent_at = NULL WHERE ticket_no = ?", [
    ticketNo,
  ])
  one.clock += 60_000
  const due = async (reference: Reference): Promise<number[]> => {
    const found: number[] = []
    await sweep({ ...one.flow, reference: () => reference }, async ids => void found.push(...ids))
    return found
  }
  const halted = haltedAt(sampleReference())
  expect(await due(halted)).toEqual([])
  const revoked = { ...halted, banks: new Map([...halted.banks].map(([code, bank]) => [code, { ...bank, province: 'revoked' as const }])) }
  const found = await due(revoked)
  expect(found).toHaveLength(1)
  await advance({ ...one.flow, reference: () => revoked }, openSlots(1), found)
  expect(await store.find(ticketNo)).toMatchObject({ state: 'refused', outcome: { code: '93014' } })
  await one.close()
})

test('«cannot be reversed», said late of a reversal that was made, contradicts it only at a bank that repeats its first decision', async () => {
  const one = scripted([says('90000', 12_345), says('90000', 12_345)])
  await acceptDebit(one.flow, one.slots, taxSystem, orderOf('4301', ticketNo))
  await until('debited', async () => (await store.find(ticketNo))?.state === 'succeeded')
  await reverse(one.flow, one.slots, taxSystem, { orderNo: 'R1', ticketNo, amount: 12_345, reason: 'tax-side' })
  const found = async () => (await store.findOrder({ taxSystem, kind: 'reversal', orderNo: 'R1' }))!
  await until('reversed', async () => (await found()).state === 'succeeded')
  const about = { id: (await found()).instructionId, verb: 'reversal', ticketNo, bankCode: '4301' } as const
  for (const dedupe of ['none', 'tombstone', 'by-key'] as const) {
    await holdAgainstRecord({ ...one.flow, reference: withPolicy({ dedupe }) }, about, says('38002'), `{"${dedupe}":1}`, 'late-answer')
    const kinds = (await store.breaks(true, 0, 10)).map(({ kind }) => kind)
    expect([dedupe, kinds]).toEqual([dedupe, dedupe === 'by-key' ? ['over-debited'] : []])
  }
  await one.close()
})

test.each(['in the answer to another debit', 'elsewhere'])(
  'the accounting date that a bank names, %s, ends the day before it for reversals (art. 35(1))',
  async where => {
    const on = (accountingDate: string): Answer => ({ ...says('90000', 12_345), accountingDate }) as Answer
    const one = scripted([on('2026-11-10'), ...(where === 'elsewhere' ? [] : [on('2026-11-11')])])
    const debit = async (of: string) => {
      await acceptDebit(one.flow, one.slots, taxSystem, orderOf('4301', of))
      await one.slots.idle()
    }
    await debit(ticketNo)
    if (where === 'elsewhere') Object.assign(one.flow, { accountingDate: () => '2026-11-11' })
    else await debit('430000000000000002')
    await reverse(one.flow, one.slots, taxSystem, { orderNo: 'R1', ticketNo, amount: 12_345, reason: 'tax-side' })
    expect(await store.findOrder({ taxSystem, kind: 'reversal', orderNo: 'R1' })).toMatchObject({
      state: 'refused',
      attempts: 0,
      outcome: { code: '38002' },
    })
    await one.close()
  },
)

test('a reversal that never left does not leave any more when its bank is seen at work on another day', async () => {
  const debited = { ...says('90000', 12_345), accountingDate: '2026-11-10' } as Answer
  const one = scripted([debited, { kind: 'undelivered', fault: 'connect-failed' }])
  await acceptDebit(one.flow, one.slots, taxSystem, orderOf('4301', ticketNo))
  await one.slots.idle()
  await reverse(one.flow, one.slots, taxSystem, { orderNo: 'R1', ticketNo, amount: 12_345, reason: 'tax-side' })
  await one.slots.idle()
  const found = async () => (await store.findOrder({ taxSystem, kind: 'reversal', orderNo: 'R1' }))!
  expect(await found()).toMatchObject({ state: 'accepted', attempts: 1 })
  one.clock += 60_000
  await advance({ ...one.flow, accountingDate: () => '2026-11-11' }, openSlots(1), [(await found()).instructionId])
  expect(await found()).toMatchObject({ state: 'refused', attempts: 1, outcome: { code: '38002' } })
  await one.close()
})

test('«already done» without an amount proves the reversal of the whole, and not that of a part: the bank may speak of another part', async () => {
  const one = scripted([says('90000', 12_345), says('94032'), says('90000', 12_345), says('94032')])
  const reversed = async (amount: number, of: string) => {
    await acceptDebit(one.flow, one.slots, taxSystem, orderOf('4301', of))
    await until('debited', async () => (await store.find(of))?.state === 'succeeded')
    const order = { orderNo: `R-${amount}`, ticketNo: of, amount, reason: 'tax-side' } as const
    await reverse(one.flow, one.slots, taxSystem, order)
    await one.slots.idle()
    return (await store.findOrder({ taxSystem, kind: 'reversal', orderNo: order.orderNo }))!.state
  }
  expect(await reversed(12_344, ticketNo)).toBe('unknown')
  expect(await reversed(12_345, '430000000000000002')).toBe('succeeded')
  await one.close()
})

test('a late answer under a key of ours that names another ticket is no answer to it', async () => {
  const one = scripted([says('24003')])
  await acceptDebit(one.flow, one.slots, taxSystem, orderOf('4301', ticketNo))
  await until('refused', async () => (await store.find(ticketNo))?.state === 'refused')
  const { officeCode, entrustDate, serialNo } = (await store.find(ticketNo))!
  const late: Late = {
    ...{ bankCode: '4301', officeCode, entrustDate, serialNo, verb: 'debit', ticketNo },
    called: { answer: says('90000', 12_345), transcript: '{}' },
  }
  const kinds = async (change: Partial<Late>) => {
    await hearLate(one.flow, { ...late, ...change })
    return (await store.breaks(true, 0, 10)).map(({ kind }) => kind)
  }
  for (const foreign of [{ ticketNo: '430000000000000002' }, { bankCode: '4306' }, { verb: 'reversal' }] as const)
    expect([foreign, await kinds(foreign)]).toEqual([foreign, []])
  expect(await kinds({})).toEqual(['bank-only'])
  await one.close()
})

test('a late answer is kept though the record does not take it at once', async () => {
  const one = scripted([says('24003')])
  await acceptDebit(one.flow, one.slots, taxSystem, orderOf('4301', ticketNo))
  await until('refused', async () => (await store.find(ticketNo))?.state === 'refused')
  const { officeCode, entrustDate, serialNo } = (await store.find(ticketNo))!
  let refused = 0
  const keepLate: Store['keepLate'] = async (...late) => {
    if (refused++ === 0) throw Object.assign(new Error('Deadlock found'), { errno: 1213 })
    return store.keepLate(...late)
  }
  await hearLate(
    { ...one.flow, store: { ...store, keepLate } },
    {
      ...{ bankCode: '4301', officeCode, entrustDate, serialNo, verb: 'debit', ticketNo },
      called: { answer: says('90000', 12_345), transcript: '{}' },
    },
  )
  expect(await fresh.db.query('SELECT result_code AS code FROM late_answer')).toEqual([{ code: '90000' }])
  expect((await store.breaks(true, 0, 10)).map(({ kind }) => kind)).toEqual(['bank-only'])
  await one.close()
})

test('an answer that was recorded in time is not late because the record went away before it said so', async () => {
  const one = scripted([says('90000', 12_345)])
  let committed = 0
  const settle: Store['settle'] = async settlement => {
    const ours = await store.settle(settlement)
    if (committed++ === 0) throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    return ours
  }
  const heard: unknown[] = []
  const flow: Flow = { ...one.flow, store: { ...store, settle }, settled: (...told) => void heard.push(told) }
  await acceptDebit(flow, one.slots, taxSystem, orderOf('4301', ticketNo))
  await one.close()
  expect(committed).toBe(2)
  expect(await store.find(ticketNo)).toMatchObject({ state: 'succeeded' })
  expect(heard).toEqual([[expect.anything(), 'succeeded']])
  expect(one.notes.map(({ event }) => event)).not.toContain('stale')
  expect(await fresh.db.query('SELECT 1 FROM late_answer')).toEqual([])
})
