import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Deed, deeds } from '../../../conformance/simulator/plan.ts'
import { acceptDebit } from '../../../gateway/flows/accept.ts'
import { advance } from '../../../gateway/flows/advance.ts'
import { sweep } from '../../../gateway/flows/wake.ts'
import { developmentPki } from '../../../gateway/pki.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import {
  orderOf,
  planned,
  quickPolicy,
  sampleReference,
  simulateBanks,
  stage,
  unknownAccountAt,
  until,
  writeStageAgreements,
} from '../stage.ts'

const taxSystem = 'urn:taxlink:tax-system:test'
let fresh: FreshDatabase
let store: Store
let simulated: Awaited<ReturnType<typeof simulateBanks>>
let process: ReturnType<typeof stage>
let patient: ReturnType<typeof stage>
let sweeping: NodeJS.Timeout
const dir = mkdtempSync(join(tmpdir(), 'taxlink-flow-'))

beforeAll(async () => {
  fresh = await freshDatabase()
  store = openStore(fresh.db)
  await writeStageAgreements(fresh.db)
  const pki = await developmentPki(join(dir, 'pki'))
  const server = await pki.issue({ cn: 'bank', uri: 'urn:taxlink:bank:4310' }, { server: true })
  const client = await pki.issue({ cn: 'gateway', uri: 'urn:taxlink:gateway:test' })
  simulated = await simulateBanks(bank =>
    bank.code === '4310' ? { server: { ca: pki.ca, ...server }, client: { ca: pki.ca, ...client } } : undefined,
  )
  process = stage(store, sampleReference(), simulated.lines, 'one')
  patient = stage(store, sampleReference({ ...quickPolicy, timeoutMs: 20_000 }), simulated.lines, 'patient')
  // The queue is of no importance here: whatever the sweep finds is worked on at once.
  sweeping = setInterval(() => void sweep(process.flow, ids => advance(process.flow, process.slots, ids)), 50)
})
afterAll(async () => {
  clearInterval(sweeping)
  await process.close()
  await patient.close()
  await simulated.close()
  await fresh.drop()
  rmSync(dir, { recursive: true, force: true })
})

let tickets = 0
const nextTicket = () => `4300000000${String(++tickets).padStart(8, '0')}`
const booked = (bankCode: string, ticketNo: string) => [...simulated.of(bankCode).ledger.entries()].filter(e => e.ticketNo === ticketNo)
const certain = (ticketNo: string) =>
  until(`${ticketNo} is certain`, async () => {
    const state = (await store.find(ticketNo))?.state
    return state === 'succeeded' || state === 'refused'
  })
/** The calls of which a byte left; one that a busy machine held up until it was too late to send is certain to have reached nobody. */
const callsOf = async (ticketNo: string) =>
  (await store.attempts((await store.find(ticketNo))!.instructionId)).filter(attempt => attempt.fault !== 'line-busy')

// Two seconds: longer than the time-out and the quiescence window of the tests' policy would make `late-booking` a bank that breaks its promise.
const oneCall = new Set<Deed>(['normal', 'slow', 'duplicate-answer'])
// A bank that lies about its own booking is found out by reconciliation only.
const lies = new Set<Deed>([
  'under-booking',
  'over-booking',
  'booked-twice',
  'next-day-booking',
  'refused-after-booking',
  'short-remittance',
  'taken-back',
])
const neverLeft = new Set(['connect-failed', 'line-closed', 'line-busy'])
const ms: Partial<Record<Deed, number>> = { slow: 100, late: 350, 'late-booking': 350, 'in-progress-then-done': 200 }

describe.each(['4301', '4306', '4310'])('bank %s', bankCode => {
  test.each(deeds.filter(deed => !lies.has(deed)))('%s: certain in the end, booked exactly as the record says', async deed => {
    const ticketNo = nextTicket()
    simulated.of(bankCode).plan([planned(ticketNo, { do: deed, ...(ms[deed] === undefined ? {} : { ms: ms[deed] }) })])
    // Where one call must do, the bank is waited for as long as a loaded machine needs.
    const { flow, slots } = oneCall.has(deed) ? patient : process
    expect(await acceptDebit(flow, slots, taxSystem, orderOf(bankCode, ticketNo))).toMatchObject({ kind: 'accepted', state: 'sent' })
    await certain(ticketNo)
    const debit = await store.find(ticketNo)
    expect(debit).toMatchObject({ state: 'succeeded', outcome: { class: 'succeeded' } })
    expect(booked(bankCode, ticketNo).map(e => e.amount)).toEqual([12_345])
    const attempts = await callsOf(ticketNo)
    if (oneCall.has(deed)) expect(attempts).toHaveLength(1)
    else expect(attempts.slice(1).some(a => a.verb === 'inquiry')).toBe(true)
    // A second debit call to the bank only where nothing had left us, or after an inquiry that found nothing after the window.
    for (const [i, attempt] of attempts.entries()) {
      const before = attempts[i - 1]
      if (before && attempt.verb === 'debit' && !neverLeft.has(before.fault ?? '')) expect(before).toMatchObject({ verb: 'inquiry' })
    }
  })

  test('a refusal is final at once and nothing is booked', async () => {
    const ticketNo = nextTicket()
    await acceptDebit(patient.flow, patient.slots, taxSystem, orderOf(bankCode, ticketNo, unknownAccountAt(bankCode)))
    await certain(ticketNo)
    expect(await store.find(ticketNo)).toMatchObject({ state: 'refused', outcome: { code: '24001' } })
    expect(booked(bankCode, ticketNo)).toEqual([])
    expect(await callsOf(ticketNo)).toHaveLength(1)
  })
})

test('a name the bank’s charset cannot write is refused with the field, and the bank hears nothing', async () => {
  const ticketNo = nextTicket()
  await acceptDebit(process.flow, process.slots, taxSystem, orderOf('4301', ticketNo, { taxpayerName: '长沙𬎆㛃科技有限公司' }))
  await certain(ticketNo)
  const debit = await store.find(ticketNo)
  expect(debit).toMatchObject({ state: 'refused', outcome: { code: '93003' } })
  expect(debit!.outcome!.bankText).toContain('taxpayerName')
})

test('the transcript holds no private value; what was asked is repeated only where the answer is not certain', async () => {
  const ticketNo = nextTicket()
  const order = orderOf('4306', ticketNo)
  simulated.of('4306').plan([planned(ticketNo, { do: 'unlisted-code' })])
  await acceptDebit(process.flow, process.slots, taxSystem, order)
  await certain(ticketNo)
  const attempts = await store.attempts((await store.find(ticketNo))!.instructionId)
  const transcripts = attempts.map(({ transcript }) => JSON.parse(transcript!) as { request?: object })
  for (const { transcript } of attempts)
    for (const secret of [order.account, order.taxpayerName, order.taxpayerId]) expect(transcript).not.toContain(secret)
  const hashed = { sentSha256: expect.stringMatching(/^[0-9a-f]{64}$/), gotSha256: expect.stringMatching(/^[0-9a-f]{64}$/) }
  expect(transcripts.at(0)).toMatchObject({ request: { ticketNo, amount: 12_345 }, reply: { ticketNo }, ...hashed })
  expect(transcripts.at(-1)).toMatchObject({ reply: { ticketNo }, ...hashed })
  expect(transcripts.at(-1)).not.toHaveProperty('request')
})

test('a bank that is away: not delivered, tried again with the same key, booked once when it is back', async () => {
  const ticketNo = nextTicket()
  const lines = simulated.lines.map(line => (line.bank.code === '4301' ? { ...line, url: 'tcp://127.0.0.1:1' } : line))
  const away = stage(store, sampleReference({ ...quickPolicy, redeliveryLadderMs: [300, 300, 300, 300, 300] }), lines, 'away')
  await acceptDebit(away.flow, away.slots, taxSystem, orderOf('4301', ticketNo))
  await until('it was not delivered', async () => (await store.find(ticketNo))?.state === 'accepted')
  await certain(ticketNo)
  expect(booked('4301', ticketNo)).toHaveLength(1)
  const attempts = await store.attempts((await store.find(ticketNo))!.instructionId)
  expect(attempts[0]).toMatchObject({ verb: 'debit', fault: 'connect-failed' })
  expect(attempts.at(-1)).toMatchObject({ verb: 'debit', resultCode: '90000' })
  await away.close()
})

test('a process that dies after the attempt was committed: the debit is asked about, never sent blindly', async () => {
  const ticketNo = nextTicket()
  // The call of this process never returns, as if it had been killed.
  const dead = { ...process.flow, owner: 'dead', call: () => new Promise<never>(() => {}), leaseMs: 300 }
  await acceptDebit(dead, stage(store, sampleReference(), [], 'dead').slots, taxSystem, orderOf('4310', ticketNo))
  await certain(ticketNo)
  const attempts = await store.attempts((await store.find(ticketNo))!.instructionId)
  expect(attempts.map(a => a.verb).slice(0, 2)).toEqual(['debit', 'inquiry'])
  expect(attempts[0]!.answeredAt).toBeUndefined()
  expect(booked('4310', ticketNo)).toHaveLength(1)
})

test('more debits than places: they wait for one, none beyond the limit at once', async () => {
  const narrow = stage(store, sampleReference({ ...quickPolicy, concurrency: 3, timeoutMs: 5_000 }), simulated.lines, 'narrow')
  simulated.of('4301').plan([{ do: 'slow', ms: 20 }])
  const all = Array.from({ length: 40 }, nextTicket)
  let widest = 0
  const watch = setInterval(() => {
    widest = Math.max(widest, narrow.banks.state().find(b => b.bankCode === '4301')!.inFlight)
  }, 2)
  const verdicts = await Promise.all(all.map(ticketNo => acceptDebit(narrow.flow, narrow.slots, taxSystem, orderOf('4301', ticketNo))))
  expect(verdicts.filter(v => v.kind === 'accepted')).toHaveLength(40)
  await Promise.all(all.map(certain))
  clearInterval(watch)
  expect(widest).toBeLessThanOrEqual(3)
  for (const ticketNo of all) expect(booked('4301', ticketNo)).toHaveLength(1)
  await narrow.close()
})

test('a stuck bank: after one second of patience debits are accepted without a place, and those behind do not wait at all', async () => {
  const stuck = stage(store, sampleReference({ ...quickPolicy, concurrency: 2, timeoutMs: 4_000 }), simulated.lines, 'stuck')
  const all = Array.from({ length: 6 }, nextTicket)
  simulated.of('4306').plan(all.slice(0, 2).map(ticketNo => planned(ticketNo, { do: 'slow', ms: 2_500 })))
  const accept = (ticketNo: string) => acceptDebit(stuck.flow, stuck.slots, taxSystem, orderOf('4306', ticketNo))
  const states = (await Promise.all(all.slice(0, 4).map(accept))).map(v => (v.kind === 'accepted' ? v.state : v.kind))
  expect(states).toEqual(['sent', 'sent', 'accepted', 'accepted'])
  const order: string[] = []
  const other = acceptDebit(stuck.flow, stuck.slots, taxSystem, orderOf('4310', nextTicket())).then(v => order.push(v.kind))
  await Promise.all([other, ...all.slice(4).map(ticketNo => accept(ticketNo).then(() => order.push('stuck bank')))])
  expect(order).toHaveLength(3)
  await Promise.all(all.map(certain))
  for (const ticketNo of all) expect(booked('4306', ticketNo)).toHaveLength(1)
  await stuck.close()
})
