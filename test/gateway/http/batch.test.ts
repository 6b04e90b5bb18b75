import { afterAll, beforeAll, expect, test } from 'vitest'
import { uri } from './certificates.ts'
import { type Caller, type House, openHouse, order } from './house.ts'

let house: House
let ets: Caller
let fails: (ticketNo: string) => boolean = () => false
beforeAll(async () => {
  house = await openHouse({
    change: store => ({
      ...store,
      accept: debit =>
        fails(debit.ticketNo) ? Promise.reject(Object.assign(new Error('gone'), { code: 'ECONNREFUSED' })) : store.accept(debit),
    }),
  })
  ets = house.caller(await house.ca.issue())
})
afterAll(() => house.close())

type Verdict = {
  verdict: string
  ticketNo?: string
  debit?: { ticketNo: string; state: string }
  problem?: { code: string; status: number; hash?: string; acceptedHash?: string; errors?: { pointer: string; zh: string; en: string }[] }
}

test('a thousand orders, each with its own verdict', async () => {
  const known = Array.from({ length: 100 }, () => order())
  await ets.ask('POST', '/v1/debits/batch', { orders: known })
  const theirs = order()
  await house.caller(await house.ca.issue({ names: [uri('urn:taxlink:tax-system:other')] })).ask('POST', '/v1/debits', theirs)

  const kinds = ['accepted', 'repeated', 'differs', 'invalid', 'sum', 'theirs'] as const
  const orders: unknown[] = []
  const expected: { verdict: string; ticketNo?: string }[] = []
  for (let i = 0; i < 1_000; i++) {
    const kind = i % 10 < 5 ? 'accepted' : kinds[i % 6]!
    const fresh = order()
    const before = known[i % known.length]!
    const ticketNo = fresh.ticketNo
    if (kind === 'accepted') orders.push(fresh)
    else if (kind === 'repeated') orders.push(before)
    else if (kind === 'differs') orders.push({ ...before, channel: 'phone' })
    else if (kind === 'invalid') orders.push({ ...fresh, taxpayerName: ' 雷锋' })
    else if (kind === 'sum') orders.push({ ...fresh, amount: 1 })
    else orders.push(theirs)
    if (kind === 'accepted') expected.push({ verdict: 'accepted', ticketNo })
    else if (kind === 'repeated') expected.push({ verdict: 'repeated', ticketNo: before.ticketNo })
    else if (kind === 'differs') expected.push({ verdict: 'differs', ticketNo: before.ticketNo })
    else if (kind === 'theirs') expected.push({ verdict: 'differs', ticketNo: theirs.ticketNo })
    else expected.push({ verdict: 'invalid', ticketNo })
  }
  const said = await ets.ask('POST', '/v1/debits/batch', { orders })
  expect(said.status).toBe(200)
  const verdicts = said.json.verdicts as Verdict[]
  expect(verdicts.map(({ verdict, ticketNo }) => ({ verdict, ticketNo }))).toEqual(expected)
  for (const [i, { verdict, debit, problem, ticketNo }] of verdicts.entries()) {
    if (verdict === 'accepted' || verdict === 'repeated') expect(debit?.ticketNo).toBe(ticketNo)
    if (verdict === 'invalid') {
      expect(problem?.status).toBe(422)
      for (const { pointer } of problem?.errors ?? []) expect(['taxpayerName', 'items'].map(f => `/orders/${i}/${f}`)).toContain(pointer)
    }
    if (verdict === 'differs') expect(problem?.acceptedHash !== undefined).toBe(ticketNo !== theirs.ticketNo)
  }
  await house.slots.idle()
  const [counted] = await house.fresh.db.query<{ n: number }>("SELECT COUNT(*) AS n FROM instruction WHERE state = 'succeeded'")
  expect(counted?.n).toBe(101 + expected.filter(e => e.verdict === 'accepted').length)
  expect(Math.max(...house.debited.values())).toBe(1)
})

test('of two orders under one number the first counts', async () => {
  const first = order()
  const said = await ets.ask('POST', '/v1/debits/batch', { orders: [first, { ...first, channel: 'phone' }, first] })
  expect((said.json.verdicts as Verdict[]).map(v => v.verdict)).toEqual(['accepted', 'differs', 'repeated'])
})

test('what is no order at all', async () => {
  const good = order()
  const said = await ets.ask('POST', '/v1/debits/batch', { orders: [null, 1, 'x', [], {}, { ticketNo: 'drop' }, good] })
  const verdicts = said.json.verdicts as Verdict[]
  expect(verdicts.map(v => v.verdict)).toEqual([...Array.from({ length: 6 }, () => 'invalid'), 'accepted'])
  expect(verdicts.slice(0, 6).every(v => v.ticketNo === undefined)).toBe(true)
  expect(said.text).not.toContain('drop')
})

test('an order the record could not take fails alone, and is told to be sent again', async () => {
  const orders = [order(), order(), order()]
  fails = ticketNo => ticketNo === orders[1]!.ticketNo
  const said = await ets.ask('POST', '/v1/debits/batch', { orders })
  expect((said.json.verdicts as Verdict[]).map(v => [v.verdict, v.problem?.code])).toEqual([
    ['accepted', undefined],
    ['failed', 'T3010'],
    ['accepted', undefined],
  ])
  fails = () => true
  const none = await ets.ask('POST', '/v1/debits/batch', { orders: [order(), order()] })
  expect(none.status).toBe(503)
  expect(none.headers['retry-after']).toBe('1')
  const single = await ets.ask('POST', '/v1/debits', order())
  expect([single.status, single.json.code]).toEqual([503, 'T3010'])
  fails = () => false
  const again = await ets.ask('POST', '/v1/debits/batch', { orders })
  expect((again.json.verdicts as Verdict[]).map(v => v.verdict)).toEqual(['repeated', 'accepted', 'repeated'])
})
