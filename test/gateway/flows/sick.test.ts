import { type Simulator, simulate } from '@taxlink/bank-conformance/simulator'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { banks } from '#adapters'
import type { Rule } from '../../../conformance/simulator/plan.ts'
import { acceptDebit } from '../../../gateway/flows/accept.ts'
import { advance } from '../../../gateway/flows/advance.ts'
import { sweep } from '../../../gateway/flows/wake.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { orderOf, quickPolicy, sampleReference, stage, unknownAccountAt, until, writeStageAgreements } from '../stage.ts'

// Sick banks over real sockets and the real record, each beside a bank that is well: dead, slow, hanging, flapping, talking nonsense.

const taxSystem = 'urn:taxlink:tax-system:test'
const policy = { ...quickPolicy, redeliveryLadderMs: [8_000, 30_000], linkTestMs: 1_600, timeoutMs: 300 }
/** A bank that is well, however slow the machine is. */
const patient = sampleReference({ ...policy, timeoutMs: 5_000 })
let fresh: FreshDatabase
let store: Store
beforeAll(async () => {
  fresh = await freshDatabase()
  store = openStore(fresh.db)
  await writeStageAgreements(fresh.db)
})
afterAll(() => fresh.drop())

let process: ReturnType<typeof stage>
let simulated: Map<string, Simulator>
let sweeping: NodeJS.Timeout
const accounts = (code: string) => [{ account: `${code}000000000000001`, balance: '99999999999999', name: '长沙星城机械有限公司' }]
const bankOf = (code: string) => banks.find(bank => bank.code === code)!
const simulator = (code: string, plan: readonly Rule[] = [], port = 0): Promise<Simulator> =>
  simulate(bankOf(code), { accounts: accounts(code), accountingDate: '2026-11-10', now: () => new Date(), plan, port })
const begin = (reference = sampleReference(policy)) => {
  const lines = [...simulated].map(([code, { url }]) => ({ bank: bankOf(code), url }))
  process = stage(store, reference, lines, 'one', true)
  sweeping = setInterval(() => void sweep(process.flow, ids => advance(process.flow, process.slots, ids)), 50)
}
beforeEach(async () => {
  simulated = new Map([
    ['4301', await simulator('4301')],
    ['4306', await simulator('4306')],
  ])
  begin()
})
afterEach(async () => {
  clearInterval(sweeping)
  await process.close()
  for (const bank of simulated.values()) await bank.close()
})

let tickets = 0
const accept = async (bankCode: string): Promise<string> => {
  const ticketNo = `4300000000${String(++tickets).padStart(8, '0')}`
  await acceptDebit(process.flow, process.slots, taxSystem, orderOf(bankCode, ticketNo))
  return ticketNo
}
const stateOf = async (ticketNo: string) => (await store.find(ticketNo))?.state
const attemptsOf = async (ticketNo: string) => store.attempts((await store.find(ticketNo))!.instructionId)
const becomes = (ticketNo: string, state: string) =>
  until(`${ticketNo} is ${state}`, async () => (await stateOf(ticketNo)) === state, 30_000)
const breaker = (code: string) => process.guard.state().find(s => s.bankCode === code)?.breaker
const opens = (code: string) =>
  until(`the breaker of ${code} opens`, () => process.notes.some(n => n.event === 'breaker-opened' && n.bankCode === code))
const booked = (code: string, ticketNo: string) => [...simulated.get(code)!.ledger.entries()].filter(e => e.ticketNo === ticketNo).length
const others = async () => {
  const ticketNo = await accept('4306')
  await becomes(ticketNo, 'succeeded')
  expect(breaker('4306')).toBe('closed')
}

describe('a dead bank', () => {
  test('is left alone after a few calls; what is accepted waits without an attempt and goes out when a link test was answered', async () => {
    await process.close()
    clearInterval(sweeping)
    begin(patient)
    const { port } = new URL(simulated.get('4301')!.url)
    await simulated.get('4301')!.close()
    const first = await Promise.all(Array.from({ length: 5 }, () => accept('4301')))
    await opens('4301')
    const waiting = await Promise.all(Array.from({ length: 20 }, () => accept('4301')))
    for (const ticketNo of waiting) {
      expect(await stateOf(ticketNo)).toBe('accepted')
      expect(await attemptsOf(ticketNo)).toEqual([])
    }
    await others()
    await until('it was tested in vain', () => process.notes.filter(n => n.event === 'breaker-opened').length > 2, 30_000)
    expect(await attemptsOf(waiting[0]!)).toEqual([])
    // Those that were really tried stand on their ladder.
    for (const ticketNo of first) expect((await attemptsOf(ticketNo)).map(a => a.fault)).toEqual(['connect-failed'])
    simulated.set('4301', await simulator('4301', [], Number(port)))
    for (const ticketNo of waiting) await becomes(ticketNo, 'succeeded')
    for (const ticketNo of waiting) {
      expect(await attemptsOf(ticketNo)).toHaveLength(1)
      expect(booked('4301', ticketNo)).toBe(1)
    }
  })

  test('that stays dead: once the time of the whole ladder is over the debit is refused as never sent, with its reason', async () => {
    await process.close()
    clearInterval(sweeping)
    begin(sampleReference({ ...policy, redeliveryLadderMs: [1_000, 1_500] }))
    await simulated.get('4301')!.close()
    for (let i = 0; i < 5; i++) await accept('4301')
    await opens('4301')
    const before = Date.now()
    const ticketNo = await accept('4301')
    await becomes(ticketNo, 'refused')
    expect(Date.now() - before).toBeGreaterThanOrEqual(2_500)
    expect(await store.find(ticketNo)).toMatchObject({ outcome: { code: '99092' } })
    // From then on it takes its rungs; within that time it makes no attempt.
    expect(new Set((await attemptsOf(ticketNo)).map(a => a.fault))).toEqual(new Set(['held-back']))
    expect(await attemptsOf(ticketNo)).toHaveLength(3)
    simulated.set('4301', await simulator('4301'))
  })
})

test.each<[string, Rule]>([
  ['hangs', { when: { verb: 'debit', every: 1 }, do: 'silent-after-booking' }],
  ['is slow beyond the time-out', { when: { verb: 'debit', every: 1 }, do: 'late', ms: 900 }],
  ['talks nonsense', { when: { verb: 'debit', every: 1 }, do: 'garbage' }],
  ['drops the line', { when: { verb: 'debit', every: 1 }, do: 'drop-after-booking' }],
])(
  'a bank that %s at every debit, called now and then: found out at the fifth, all is certain in the end, nothing twice',
  async (_, rule) => {
    simulated.get('4301')!.plan([rule])
    const sent: string[] = []
    // One at a time: each is in doubt and has been asked about before the next comes.
    while (!process.notes.some(n => n.event === 'breaker-opened')) {
      const ticketNo = await accept('4301')
      sent.push(ticketNo)
      await becomes(ticketNo, 'succeeded')
    }
    // Sooner where a line that was just dropped failed a call of its own.
    expect(sent.length).toBeLessThanOrEqual(5)
    simulated.get('4301')!.plan([])
    await others()
    for (const ticketNo of sent) expect(booked('4301', ticketNo)).toBe(1)
    const after = await accept('4301')
    await becomes(after, 'succeeded')
    expect(await attemptsOf(after)).toHaveLength(1)
  },
)

test('a bank that drops the line every second time: well or sick, its debits all come to their end, once each', async () => {
  await process.close()
  clearInterval(sweeping)
  begin(sampleReference({ ...policy, redeliveryLadderMs: Array.from({ length: 30 }, () => 300) }))
  simulated.get('4301')!.plan([{ when: { verb: 'debit', every: 2 }, do: 'drop-after-booking' }])
  const sent = await Promise.all(Array.from({ length: 30 }, () => accept('4301')))
  for (const ticketNo of sent) await becomes(ticketNo, 'succeeded')
  for (const ticketNo of sent) expect(booked('4301', ticketNo)).toBe(1)
})

test('a bank that refuses everything is well', async () => {
  for (let i = 0; i < 12; i++) {
    const ticketNo = `4300000000${String(++tickets).padStart(8, '0')}`
    await acceptDebit(process.flow, process.slots, taxSystem, orderOf('4301', ticketNo, unknownAccountAt('4301')))
    await becomes(ticketNo, 'refused')
  }
  expect(breaker('4301')).toBe('closed')
})
