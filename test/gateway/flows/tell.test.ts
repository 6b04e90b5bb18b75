import { outcome, type UnifiedCode } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Call, Called } from '../../../gateway/call.ts'
import { askAgreement, change, register } from '../../../gateway/flows/agreements.ts'
import { alarmOfUntaken } from '../../../gateway/flows/bank-calls.ts'
import { heardBindingNotice, heardBindResult } from '../../../gateway/flows/bindings.ts'
import { endAgreements, monthToCompare, syncMonth, turnCalendar } from '../../../gateway/flows/calendar.ts'
import { eachBank } from '../../../gateway/flows/each-bank.ts'
import type { Flow, Note } from '../../../gateway/flows/flow.ts'
import { reviewAgreement, verifyAgreement } from '../../../gateway/flows/review.ts'
import { tellBanks } from '../../../gateway/flows/tell.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { particularsOf, writeActive } from '../agreements.ts'
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

type Asked = { readonly verb: string; readonly key: string; readonly request: { readonly [field: string]: unknown } }
const notes: Note[] = []
/** A process whose bank says this, one answer after the other; what it was asked is kept. */
const flowWith = (...says: readonly (UnifiedCode | 'undelivered' | 'doubtful' | 'unsendable')[]): { flow: Flow; asked: Asked[] } => {
  const asked: Asked[] = []
  const waiting = [...says]
  const call = async (_bank: string, verb: string, request: { entrustDate: string; serialNo: string }): Promise<Called> => {
    asked.push({ verb, key: `${request.entrustDate}/${request.serialNo}`, request })
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
    isTimely: () => true,
    reference: () => reference,
    call: call as unknown as Call,
    owner: 'one',
    leaseMs: 500,
    note: (note: Note) => void notes.push(note),
  } as unknown as Flow
  return { flow, asked }
}

let last = 70_000
const registered = async (flow: Flow, given: object = {}): Promise<string> => {
  const particulars = named(++last)
  const agreementNo = `TE-${last}`
  const order = {
    agreementNo,
    ...particulars,
    channel: 'computer',
    delivery: 'wire',
    approvedBy: 'chief',
    ...given,
  } as const
  await register(flow, taxSystem, order, clock())
  return agreementNo
}
const named = (n: number) => {
  const { branch, ...particulars } = particularsOf(n)
  return { ...particulars, payerBankNo: branch }
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
test('of a bank that puts a binding off for ever somebody hears', async () => {
  const { flow } = flowWith(...Array<UnifiedCode>(12).fill('31004'))
  await registered(flow)
  for (let i = 0; i < 12; i++) await later(flow, 200_000)
  const before = notes.length
  expect(await alarmOfUntaken(flow, new Map())).toBe(1)
  expect(notes.slice(before)).toMatchObject([{ event: 'trouble', bankCode: '4301', verb: 'bind', count: 1 }])
  await later(flow, 200_000)
  expect(await alarmOfUntaken(flow, new Map())).toBe(0)
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

const zhang = 'urn:taxlink:operator:zhang'
/** One that its bank has bound and a reviewer accepted, at the hour of the clock. */
const accepted = async (flow: Flow, given: object = {}): Promise<string> => {
  const no = await registered(flow, given)
  await later(flow, 0)
  await reviewAgreement(flow, no, 'accept', zhang, 'ok', clock())
  return no
}
const verbsOf = async (no: string) =>
  (await store.agreements.life(no))!.calls.map(({ verb, fault }) => `${verb}${fault ? ` ${fault}` : ''}`)

test('of an agreement that is over no bank is asked to bind it, whatever it has lost', async () => {
  const { flow, asked } = flowWith('99091', 'doubtful', '24009', '90000')
  const no = await registered(flow)
  await later(flow, 0)
  await later(flow, hour)
  await askAgreement(flow, taxSystem, 'endings', no, { orderNo: 'END-LOST' }, clock())
  for (let i = 0; i < 6; i++) await later(flow, 2_000)
  expect(await stateOf(no)).toBe('ended')
  expect(asked.map(({ verb }) => verb)).toEqual(['bind', 'bindingStatus', 'bindingStatus', 'cancelBinding'])
})
test('a bank that has lost a change is asked to change once more', async () => {
  const { flow, asked } = flowWith('90000', '99091', '24009', '90000')
  const old = await accepted(flow)
  const { branch, ...particulars } = (await store.agreements.find(old))!.particulars
  const next = { ...particulars, payerBankNo: branch, taxpayerName: '新名称有限公司', agreementNo: `${old}-B` }
  const order = { ...next, channel: 'computer', delivery: 'wire', approvedBy: 'chief' } as const
  expect(await change(flow, taxSystem, old, order, clock())).toEqual({ kind: 'registered' })
  await later(flow, 0)
  await later(flow, hour)
  await later(flow, 0)
  expect(asked.map(({ verb }) => verb)).toEqual(['bind', 'changeBinding', 'bindingStatus', 'changeBinding'])
  expect(await stateOf(next.agreementNo)).toBe('bound')
})
test('what the bank has told it is not asked any more: a binding that was given back waits for its new word', async () => {
  const { flow, asked } = flowWith('doubtful', '90000')
  const no = await registered(flow)
  await later(flow, 0)
  await heardBindResult(flow, { bankCode: '4301', agreementNo: no, outcome: outcome('90000') }, clock())
  await reviewAgreement(flow, no, 'return', zhang, 'another name', clock())
  for (let i = 0; i < 4; i++) await later(flow, 2_000)
  expect(await verbsOf(no)).toEqual(['bind superseded', 'bind'])
  expect(new Set(asked.map(({ key }) => key)).size).toBe(2)
  expect((await store.agreements.life(no))!.journal.map(({ event }) => event).slice(2)).toEqual(['send', 'bind', 'return', 'send', 'bind'])
})
test('a bank that will not stop payments, or not end a binding, is spoken to by a person', async () => {
  const { flow } = flowWith('90000', '93004', '90000', '24009', '90000', 'unsendable')
  const trouble = async (what: 'suspensions' | 'endings') => {
    const no = await accepted(flow)
    await askAgreement(flow, taxSystem, what, no, { orderNo: `NOT-${no}` }, clock())
    at += 61_000
    await endAgreements(flow)
    await later(flow, 0)
    const { id } = (await store.agreements.find(no))!
    return notes.filter(({ event, detail }) => event === 'trouble' && detail?.endsWith(`agreement/${id}`)).map(({ verb }) => verb)
  }
  expect(await trouble('suspensions')).toEqual(['suspension'])
  // It is over at the bank as well: nobody need speak of that.
  expect(await trouble('endings')).toEqual([])
  expect(await trouble('endings')).toEqual(['cancelBinding'])
})

test('a bank compares the particulars when a reviewer asks: once, again where it does not know, and what it denies stands in the way', async () => {
  const { flow, asked } = flowWith('90000', '28003', '24016', '90000')
  const no = await registered(flow)
  await later(flow, 0)
  const ask = () => verifyAgreement(flow, no, zhang, 'by telephone unclear', clock())
  expect((await ask()).kind).toBe('moved')
  expect((await ask()).kind).toBe('repeated')
  expect(await store.agreements.find(no)).toMatchObject({ verifying: true, likeness: 'exact' })
  for (let i = 0; i < 3; i++) await later(flow, 2_000)
  expect(await store.agreements.find(no)).toMatchObject({ state: 'bound', verifying: false, likeness: 'differs' })
  expect(await reviewAgreement(flow, no, 'accept', zhang, 'ok', clock())).toMatchObject({ objection: { rule: 'particulars-differ' } })
  expect((await ask()).kind).toBe('moved')
  await later(flow, 0)
  const life = (await store.agreements.life(no))!
  expect(life.agreement).toMatchObject({ state: 'bound', likeness: 'alike' })
  expect(life.held.map(({ source, comparison }) => [source, comparison.account])).toEqual([
    ['bind', 'exact'],
    ['verification', 'differs'],
    ['verification', 'confirmed'],
  ])
  expect(asked.map(({ verb }) => verb)).toEqual(['bind', 'verification', 'verification', 'verification'])
  expect(await reviewAgreement(flow, no, 'accept', zhang, 'ok', clock())).toMatchObject({ kind: 'moved' })
})

describe('each bank by itself', () => {
  const reference = {
    banks: new Map([
      ['4301', {}],
      ['4306', {}],
    ]),
  } as unknown as ReturnType<Flow['reference']>
  test('one that does not answer holds up no other; more is done at once; a stop waits for what is under way', async () => {
    const worked: string[] = []
    let release = () => {}
    const stuck = new Promise<void>(resolve => {
      release = resolve
    })
    const banks = eachBank({ note: note => void notes.push(note), reference: () => reference }, async bankCode => {
      worked.push(bankCode)
      if (bankCode === '4301') await stuck
      return worked.length < 3
    })
    await banks.round()
    await new Promise(setImmediate)
    await banks.round()
    await new Promise(setImmediate)
    expect(worked).toEqual(['4301', '4306', '4306', '4306'])
    let stopped = false
    const stopping = banks.stop().then(() => {
      stopped = true
    })
    await new Promise(setImmediate)
    expect(stopped).toBe(false)
    release()
    await stopping
    expect(worked).toHaveLength(4)
  })
})

test('what lapses, too, waits for the debits that are open under it', async () => {
  const { flow, asked } = flowWith()
  const no = await accepted(flow)
  await askAgreement(flow, taxSystem, 'objections', no, { orderNo: 'OBJ-1' }, clock())
  at = Date.parse('2026-04-02T10:00:00+08:00')
  await turnCalendar(flow)
  const { validTo } = (await store.agreements.find(no))!
  const debit = await newDebit(store, { request: JSON.stringify({ agreementNo: no }), ticketNo: '450000000000000002' })
  await store.accept(debit)
  at = Date.parse(`${validTo}T10:00:00+08:00`) + 24 * hour
  await turnCalendar(flow)
  await endAgreements(flow)
  expect(await stateOf(no)).toBe('active')
  await fresh.db.execute("UPDATE instruction SET state = 'refused', next_attempt_at = NULL, settled_at = '2026-03-10' WHERE id = ?", [
    debit.instructionId,
  ])
  await endAgreements(flow)
  await later(flow, 0)
  expect(await stateOf(no)).toBe('lapsed')
  expect(asked.at(-1)).toMatchObject({ verb: 'cancelBinding', request: { reason: 'lapsed' } })
})

describe('the end of a month (art. 44)', () => {
  test.each<[string, ReturnType<typeof monthToCompare>]>([
    ['2026-02-27', undefined],
    ['2026-02-28', { month: '2026-02', late: false }],
    ['2028-02-28', undefined],
    ['2026-12-31', { month: '2026-12', late: false }],
    ['2027-01-01', { month: '2026-12', late: true }],
    ['2027-01-05', { month: '2026-12', late: true }],
    ['2027-01-06', undefined],
  ])('%s: %j', (day, month) => {
    expect(monthToCompare(day)).toEqual(month)
  })
  test('counts what the bank has bound, reviewed or not, and not what it has ended; asks again where it was closed; makes up for a month', async () => {
    await fresh.db.execute('DELETE FROM agreement_sync')
    await fresh.db.execute(
      "UPDATE agreement SET state = 'ended', suspended_by = NULL WHERE state IN ('bound', 'accepted', 'active', 'suspended')",
    )
    const { flow } = flowWith()
    at = Date.parse('2027-07-10T10:00:00+08:00')
    const [, stopped, ending] = [await registered(flow), await accepted(flow), await accepted(flow)]
    await askAgreement(flow, taxSystem, 'suspensions', stopped, { orderNo: 'SYNC-1' }, clock())
    await heardBindingNotice(flow, { bankCode: '4301', agreementNo: ending, event: 'cancelled' }, clock())
    await writeActive(fresh.db, [{ ...named(++last), agreementNo: 'SYNC-ACTIVE' }])
    await later(flow, 0)
    const told = flowWith('28001', '90000')
    const compared = () => told.asked.filter(({ request }) => request.month !== undefined).map(({ request }) => request)
    const only = { ...told.flow.reference(), banks: new Map([...told.flow.reference().banks].filter(([code]) => code === '4301')) }
    const one = { ...told.flow, reference: () => only }
    // Nothing to make up for: there was no month before.
    at = Date.parse('2027-08-01T00:10:00+08:00')
    await syncMonth(one)
    expect(compared()).toEqual([])
    at = Date.parse('2027-08-31T23:10:00+08:00')
    const before = notes.length
    await syncMonth(one)
    expect(compared()).toMatchObject([{ month: '202708', inForce: 2, suspended: 1 }])
    expect(notes.slice(before)).toEqual([])
    at += 300_000
    await syncMonth(one)
    expect(compared()).toHaveLength(2)
    at += hour
    await syncMonth(one)
    expect(compared()).toHaveLength(2)
    // No worker ran on the last day of September.
    at = Date.parse('2027-10-02T08:00:00+08:00')
    await syncMonth(one)
    expect(compared().at(-1)).toMatchObject({ month: '202709' })
  })
})
