import { outcome, type UnifiedCode } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Call, Called } from '../../../gateway/call.ts'
import { withHalts } from '../../../gateway/domain/reference.ts'
import { shanghaiTime } from '../../../gateway/domain/time.ts'
import { alarmOfUntaken, callBanks } from '../../../gateway/flows/bank-calls.ts'
import type { Flow } from '../../../gateway/flows/flow.ts'
import { openBankCalls } from '../../../gateway/store/bank-calls.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { sampleReference } from '../stage.ts'

// What banks are told of day-end: told until it is answered, under one key, and done once.

let fresh: FreshDatabase
let store: Store
const followed: string[] = []
let at = Date.parse('2026-11-10T10:00:00+08:00')
const clock = () => new Date(at)
beforeAll(async () => {
  fresh = await freshDatabase(8)
  const plain = openStore(fresh.db)
  const follow = async (_tx: object, call: { readonly subject: string }, said: { readonly code: string } | undefined) =>
    void followed.push(`${call.subject} ${said?.code}`)
  store = { ...plain, bankCalls: openBankCalls(fresh.db, { linkTest: follow }) }
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
  const parts = { store, clock, random: () => 0.5, reference: () => reference, call: call as unknown as Call, owner: 'one', leaseMs: 500 }
  return { flow: { ...parts, isTimely: () => true, note: () => {} } as unknown as Flow, asked }
}
const tell = (subject: string, more: object = {}) =>
  store.bankCalls.tellBank([
    { bankCode: '4301', officeCode: '14301020000', verb: 'linkTest', subject, content: { text: 'a' }, at: clock(), ...more },
  ])
const told = (subject: string) => store.bankCalls.told('4301', 'linkTest', subject)
/** Time goes by, and whatever is due is told. */
const later = async (flow: Flow, ms: number): Promise<void> => {
  at += ms
  await callBanks(flow)
}

test('what did not arrive, what nobody knows of and what the bank leaves open is told again under the same key; then it is over', async () => {
  const { flow, asked } = flowWith('undelivered', 'doubtful', '28003', '99091', '90000')
  await tell('one')
  await tell('one', { content: { text: 'another' } })
  for (let i = 0; i < 8; i++) await later(flow, 4_000)
  expect(asked).toHaveLength(5)
  expect(new Set(asked.map(({ key }) => key)).size).toBe(1)
  expect(await told('one')).toMatchObject({ attemptNo: 5, code: '90000', doneAt: expect.any(Date) })
  expect(followed).toEqual(['one 90000'])
})
test('a refusal, and what the layout of the bank cannot hold, are ends as well', async () => {
  const { flow, asked } = flowWith('93004', 'unsendable')
  await tell('two')
  await later(flow, 0)
  await tell('three')
  await later(flow, 0)
  await later(flow, 3_600_000)
  expect(asked).toHaveLength(2)
  expect(followed.slice(1)).toEqual(['two 93004', 'three 93003'])
})
test('of many workers one tells; not before its time', async () => {
  const { flow, asked } = flowWith()
  await tell('four')
  await tell('five', { notBefore: new Date(at + 60_000) })
  await Promise.all(Array.from({ length: 6 }, (_, i) => callBanks({ ...flow, owner: `w${i}` })))
  expect(asked).toHaveLength(1)
  await later(flow, 60_000)
  expect(asked).toHaveLength(2)
})
test('what has its hour is told before what is told of single tickets, however many of these have waited longer', async () => {
  await Promise.all(Array.from({ length: 60 }, (_, i) => tell(`ticket-${i}`, { verb: 'ticketInformation' })))
  await tell('26112614301020000001', { verb: 'summaryVoucher', at: new Date(at + 1_000) })
  await tell('ticket-60', { verb: 'ticketInformation', at: new Date(at - 1_000) })
  at += 2_000
  const due = await store.bankCalls.dueBankCalls('4301', clock(), 50)
  expect(due.map(({ verb }) => verb)).toEqual(['summaryVoucher', ...Array.from({ length: 49 }, () => 'ticketInformation')])
  expect(due[1]).toMatchObject({ subject: 'ticket-60', attemptNo: 0, undelivered: 0, key: undefined, content: { text: 'a' } })
  at -= 2_000
  await fresh.db.execute("UPDATE bank_call SET next_attempt_at = NULL, done_at = NOW(3) WHERE verb <> 'linkTest'")
})
test('a halted bank is not told of what makes it give back or remit, even if it is halted meanwhile; of the rest it is, and of all once it is resumed', async () => {
  const { flow, asked } = flowWith()
  const halts = new Map([['4301', { reason: 'books twice', since: clock(), proposedBy: 'a', approvedBy: 'b' }]])
  const halted: Flow = { ...flow, reference: () => withHalts(flow.reference(), halts) }
  await tell('H-1', { verb: 'adjustmentNotice' })
  await tell('H-2', { verb: 'summaryVoucher' })
  await tell('H-3')
  await later(halted, 0)
  expect(asked.map(({ verb }) => verb)).toEqual(['linkTest'])
  const meanwhile = (): Store['bankCalls'] => ({
    ...store.bankCalls,
    dueBankCalls: (code, now, limit) => store.bankCalls.dueBankCalls(code, now, limit),
  })
  await later({ ...halted, store: { ...store, bankCalls: meanwhile() } }, 0)
  expect(asked).toHaveLength(1)
  await later(flow, 0)
  expect(asked.map(({ verb }) => verb).sort()).toEqual(['adjustmentNotice', 'linkTest', 'summaryVoucher'])
})
test('what follows fails together with the answer: it is told again, and done once', async () => {
  const { flow } = flowWith()
  const failing: Store = {
    ...store,
    bankCalls: openBankCalls(fresh.db, { linkTest: () => Promise.reject(new Error('not today')) }),
  }
  await tell('six')
  await callBanks({ ...flow, store: failing })
  expect((await told('six'))?.doneAt).toBeUndefined()
  await later(flow, 10_000)
  expect(followed.at(-1)).toBe('six 90000')
})
test('the message is made of what was kept, where its verb has a maker', async () => {
  const { flow } = flowWith()
  const requests: object[] = []
  const listening = (async (bank: string, verb: 'linkTest', request: never, ms: number) => {
    requests.push(request)
    return flow.call(bank, verb, request, ms)
  }) as unknown as Call
  await tell('seven')
  await callBanks({ ...flow, call: listening }, { linkTest: async (_flow, call) => ({ text: `${call.subject}!` }) })
  expect(requests).toMatchObject([{ officeCode: '14301020000', text: 'seven!' }])
})
test('plain SQL changes neither what is to be told nor its key, nor takes it away', async () => {
  const refused = (sql: string) => expect(fresh.db.execute(sql)).rejects.toThrow()
  await refused("UPDATE bank_call SET content = '{}' WHERE subject = 'one'")
  await refused("UPDATE bank_call SET serial_no = '00000099' WHERE subject = 'two'")
  await refused("UPDATE bank_call SET fault = 'x' WHERE subject = 'four'")
  await refused("UPDATE bank_call SET undelivered = attempt_no + 1 WHERE subject = 'ticket-0'")
  await refused('DELETE FROM bank_call')
})

test('of a bank that leaves open for ever what it is told somebody hears, once an hour; not of what is told seldom, nor of what waits for its time', async () => {
  const notes: object[] = []
  const flow = {
    ...flowWith(...Array<UnifiedCode>(40).fill('31004')).flow,
    note: (said: object) => void notes.push(said),
  } as unknown as Flow
  const alarmed = new Map<string, number>()
  const heard = () => notes.splice(0).filter(note => (note as { event: string }).event === 'trouble')
  const since = clock()
  await tell('endless')
  await tell('patient', { notBefore: new Date(at + 90_000_000) })
  expect(await alarmOfUntaken(flow, alarmed)).toBe(0)
  for (let i = 0; i < 20; i++) await later(flow, 200_000)
  expect(await alarmOfUntaken(flow, alarmed)).toBe(1)
  const detail = `the bank does not decide what it is told, since ${shanghaiTime(since)}: speak to it`
  expect(heard()).toEqual([{ event: 'trouble', bankCode: '4301', verb: 'linkTest', count: 1, detail }])
  expect(await alarmOfUntaken(flow, alarmed)).toBe(0)
  for (let i = 0; i < 20; i++) await later(flow, 200_000)
  expect(await alarmOfUntaken(flow, alarmed)).toBe(1)
  expect(heard()).toHaveLength(1)
  await later(flowWith().flow, 1_800_000)
  at += 3_600_000
  expect(await alarmOfUntaken(flow, alarmed)).toBe(0)
})
