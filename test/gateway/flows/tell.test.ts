import { outcome, type UnifiedCode } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Call, Called } from '../../../gateway/call.ts'
import { askAgreement, register } from '../../../gateway/flows/agreements.ts'
import { heardBindResult } from '../../../gateway/flows/bindings.ts'
import { endAgreements } from '../../../gateway/flows/calendar.ts'
import type { Flow } from '../../../gateway/flows/flow.ts'
import { reviewAgreement } from '../../../gateway/flows/review.ts'
import { tellBanks } from '../../../gateway/flows/tell.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { particularsOf } from '../agreements.ts'
import { sampleReference } from '../stage.ts'
import { newDebit } from '../store/kit.ts'

// What becomes of what banks are told: the line fails, the bank leaves it open, refuses, or cannot be told in its layout.

const taxSystem = 'urn:taxlink:tax-system:county'
let fresh: FreshDatabase
let store: Store
let at = Date.parse('2026-03-10T10:00:00+08:00')
const clock = () => new Date(at)
const hour = 3_600_000
beforeAll(async () => {
  fresh = await freshDatabase(8)
  store = openStore(fresh.db)
})
afterAll(() => fresh.drop())

type Asked = { readonly verb: string; readonly key: string }
/** A process whose bank says this, one answer after the other; what it was asked is kept. */
const flowWith = (...says: readonly (UnifiedCode | 'undelivered' | 'doubtful' | 'unsendable')[]): { flow: Flow; asked: Asked[] } => {
  const asked: Asked[] = []
  const waiting = [...says]
  const call = async (_bank: string, verb: string, request: { entrustDate: string; serialNo: string }): Promise<Called> => {
    asked.push({ verb, key: `${request.entrustDate}/${request.serialNo}` })
    const say = waiting.shift() ?? '90000'
    if (say === 'undelivered') return { answer: { kind: 'undelivered', fault: 'connect-failed' }, transcript: '{}' }
    if (say === 'doubtful') return { answer: { kind: 'doubtful', fault: 'timeout', outcome: outcome('28003') }, transcript: '{}' }
    if (say === 'unsendable')
      return { answer: { kind: 'unsendable', fault: 'not-encodable', outcome: outcome('93003') }, transcript: '{}' } as Called
    const result = outcome(say)
    return { answer: { kind: 'answered', outcome: result, amount: 0 }, told: { ...request, result }, transcript: '{}' } as unknown as Called
  }
  const reference = sampleReference()
  const flow = {
    store,
    clock,
    random: () => 0.5,
    reference: () => reference,
    call: call as unknown as Call,
    owner: 'one',
    leaseMs: 500,
    note: () => {},
  } as unknown as Flow
  return { flow, asked }
}

let last = 70_000
const registered = async (flow: Flow, given: object = {}): Promise<string> => {
  const { branch, ...particulars } = particularsOf(++last)
  const agreementNo = `TE-${last}`
  const order = {
    agreementNo,
    ...particulars,
    payerBankNo: branch,
    channel: 'computer',
    delivery: 'wire',
    approvedBy: 'chief',
    ...given,
  } as const
  await register(flow, taxSystem, order, clock())
  return agreementNo
}
const stateOf = async (no: string) => (await store.agreements.find(no))?.state
/** Time goes by, and whatever is due is told. */
const later = async (flow: Flow, ms: number): Promise<void> => {
  at += ms
  await tellBanks(flow)
}

test('what did not arrive, and what nobody knows of, is told again under the same key, and done once', async () => {
  const { flow, asked } = flowWith('undelivered', 'doubtful', '28003', '90000')
  const no = await registered(flow)
  for (let i = 0; i < 6; i++) await later(flow, 2_000)
  expect(asked.map(({ verb }) => verb)).toEqual(['bind', 'bind', 'bind', 'bind'])
  expect(new Set(asked.map(({ key }) => key)).size).toBe(1)
  expect(await stateOf(no)).toBe('bound')
  expect((await store.agreements.life(no))!.journal.map(({ event }) => event)).toEqual(['register', 'approve', 'send', 'bind'])
})
test('what the bank leaves open is asked about an hour later, unless it tells sooner', async () => {
  const { flow, asked } = flowWith('99091', '99091', '99091', '90000')
  const [one, two] = [await registered(flow), await registered(flow)]
  await later(flow, 0)
  expect([await stateOf(one), await stateOf(two)]).toEqual(['sent', 'sent'])
  await heardBindResult(flow, { bankCode: '4301', agreementNo: two, outcome: outcome('90000') }, clock())
  await later(flow, hour)
  expect(await stateOf(one)).toBe('sent')
  await later(flow, hour)
  expect([await stateOf(one), await stateOf(two)]).toEqual(['bound', 'bound'])
  // Of the one that was told of in time nobody asked.
  expect(asked.map(({ verb }) => verb)).toEqual(['bind', 'bind', 'bindingStatus', 'bindingStatus'])
})
test('a refusal waits for the reviewer with the bank’s code; what its layout cannot hold is one', async () => {
  const { flow } = flowWith('24002', 'unsendable')
  const one = await registered(flow)
  await later(flow, 0)
  expect(await store.agreements.find(one)).toMatchObject({ state: 'unbound', outcome: { code: '24002' } })
  const two = await registered(flow)
  await later(flow, 0)
  expect(await store.agreements.find(two)).toMatchObject({ state: 'unbound', outcome: { code: '93003' } })
})
test('of many workers one tells', async () => {
  const { flow, asked } = flowWith()
  await registered(flow)
  await Promise.all(Array.from({ length: 6 }, (_, i) => tellBanks({ ...flow, owner: `w${i}` })))
  expect(asked).toHaveLength(1)
})
test('an agreement ends when nothing is pending under it and a debit on its way has had its minute; then the bank is told', async () => {
  const { flow, asked } = flowWith()
  const no = await registered(flow)
  await later(flow, 0)
  await reviewAgreement(flow, no, 'accept', 'urn:taxlink:operator:zhang', 'ok', clock())
  const debit = await newDebit(store, { request: JSON.stringify({ agreementNo: no }), ticketNo: '450000000000000001' })
  await store.accept(debit)
  await askAgreement(flow, taxSystem, 'endings', no, { orderNo: 'END-1' }, clock())
  expect(await endAgreements(flow)).toBe(0)
  at += 61_000
  expect(await endAgreements(flow)).toBe(0)
  await fresh.db.execute("UPDATE instruction SET state = 'refused', next_attempt_at = NULL, settled_at = '2026-03-10' WHERE id = ?", [
    debit.instructionId,
  ])
  expect(await endAgreements(flow)).toBe(1)
  await later(flow, 0)
  expect(await stateOf(no)).toBe('ended')
  expect(asked.at(-1)?.verb).toBe('cancelBinding')
})
