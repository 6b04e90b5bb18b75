import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { orderHash } from '../../../gateway/flows/order.ts'
import { authority, taxSystemUri, uri } from './certificates.ts'
import { after, type Caller, type House, openHouse, order, refused, succeeded, timedOut } from './house.ts'

let house: House
let ets: Caller
let other: Caller
beforeAll(async () => {
  house = await openHouse()
  ets = house.caller(await house.ca.issue())
  other = house.caller(await house.ca.issue({ names: [uri('urn:taxlink:tax-system:other')] }))
})
beforeEach(() => house.say(succeeded))
afterAll(() => house.close())

test('an order is accepted at once, and its outcome can be read', async () => {
  const sent = order()
  const first = await ets.ask('POST', '/v1/debits', sent)
  expect(first.status).toBe(202)
  expect(first.headers.location).toBe(`/v1/debits/${sent.ticketNo}`)
  expect(first.headers['idempotency-replayed']).toBeUndefined()
  expect(first.headers['preference-applied']).toBeUndefined()
  expect(first.json).toMatchObject({ ticketNo: sent.ticketNo, state: 'sent', bankCode: '4301', amount: 300, needsPerson: false })
  expect(first.json.result).toBeUndefined()

  const read = await ets.ask('GET', `/v1/debits/${sent.ticketNo}`, undefined, { prefer: 'wait=10' })
  expect(read.status).toBe(200)
  expect(read.json).toMatchObject({
    state: 'succeeded',
    result: {
      class: 'succeeded',
      code: '90000',
      bankCode: '0000',
      bankText: '交易成功',
      zh: '交易成功',
      en: 'succeeded',
      nextZh: '无需处理',
    },
    bankSerial: `B${sent.ticketNo}`,
    accountingDate: '2026-11-23',
  })
  expect(read.json.acceptedAt).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+08:00$/)
  expect(read.json.settledAt).toMatch(/\+08:00$/)
  expect(Math.abs(Date.parse(String(read.json.acceptedAt)) - Date.now())).toBeLessThan(60_000)
})

test('with Prefer the answer is the outcome, the bank’s no as well as its yes', async () => {
  house.say(after(50, refused))
  const said = await ets.ask('POST', '/v1/debits', order(), { prefer: 'wait=30' })
  expect(said.status).toBe(200)
  expect(said.headers['preference-applied']).toBe('wait=30')
  expect(said.json).toMatchObject({ state: 'refused', result: { class: 'refused', code: '24003', bankCode: '1051', bankText: '余额不足' } })
})

test('a doubt is waited out and never shown as a no', async () => {
  house.say(timedOut)
  const sent = order()
  const said = await ets.ask('POST', '/v1/debits', sent, { prefer: 'respond-async, wait=1' })
  expect(said.status).toBe(202)
  expect(said.headers['preference-applied']).toBe('wait=1')
  expect(said.headers.location).toBe(`/v1/debits/${sent.ticketNo}`)
  expect(said.json).toMatchObject({ state: 'unknown', result: { class: 'unknown', code: '28003' }, needsPerson: false })
  expect(said.json.settledAt).toBeUndefined()
})

test('a bank’s yes to another amount is a doubt, in every word', async () => {
  house.say((ticketNo, amount) => succeeded(ticketNo, amount + 1))
  const said = await ets.ask('POST', '/v1/debits', order(), { prefer: 'wait=1' })
  expect(said.json).toMatchObject({ state: 'unknown', result: { class: 'unknown', code: '99090', bankCode: '0000' } })
})

test.each(['wait=abc', 'wait', 'wait=-1', 'nowait=5'])('a preference that says nothing is ignored: %s', async prefer => {
  house.say(after(200, succeeded))
  const said = await ets.ask('POST', '/v1/debits', order(), { prefer })
  expect(said.status).toBe(202)
  expect(said.headers['preference-applied']).toBeUndefined()
})

test('more than a minute is not waited', async () => {
  const said = await ets.ask('POST', '/v1/debits', order(), { prefer: 'wait=3600' })
  expect(said.status).toBe(200)
  expect(said.headers['preference-applied']).toBe('wait=60')
})

test('whoever waits is also told what another process settled', async () => {
  house.say(after(300, succeeded))
  const woken = house.flow.settled
  Object.assign(house.flow, { settled: () => {} })
  const said = await ets.ask('POST', '/v1/debits', order(), { prefer: 'wait=20' })
  Object.assign(house.flow, { settled: woken })
  expect(said.status).toBe(200)
  expect(said.json.state).toBe('succeeded')
})

test('the same order again gets the stored answer', async () => {
  const sent = order()
  await ets.ask('POST', '/v1/debits', sent, { prefer: 'wait=10' })
  // Another order of names and other blanks are the same content.
  const again = await ets.ask('POST', '/v1/debits', JSON.stringify(Object.fromEntries(Object.entries(sent).toReversed()), null, 3))
  expect(again.status).toBe(200)
  expect(again.headers['idempotency-replayed']).toBe('true')
  expect(again.json).toMatchObject({ state: 'succeeded', bankSerial: `B${sent.ticketNo}` })
  expect(house.debited.get(sent.ticketNo)).toBe(1)

  house.say(timedOut)
  const doubtful = order()
  await ets.ask('POST', '/v1/debits', doubtful, { prefer: 'wait=1' })
  const stillDoubtful = await ets.ask('POST', '/v1/debits', doubtful)
  expect(stillDoubtful.status).toBe(202)
  expect(stillDoubtful.headers['idempotency-replayed']).toBe('true')
  expect(stillDoubtful.json.state).toBe('unknown')
})

test('fifty at once are one acceptance and one debit', async () => {
  house.say(after(30, succeeded))
  const sent = order()
  const certificate = await house.ca.issue()
  const callers = Array.from({ length: 10 }, () => house.caller(certificate))
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, i) => callers[i % 10]!.ask('POST', '/v1/debits', sent, { prefer: 'wait=20' })),
  )
  expect(new Set(answers.map(a => JSON.stringify([a.status, a.json.state, a.json.serialNo]))).size).toBe(1)
  expect(answers[0]!.json.state).toBe('succeeded')
  expect(answers.filter(a => a.headers['idempotency-replayed'] === undefined)).toHaveLength(1)
  expect(house.debited.get(sent.ticketNo)).toBe(1)
  expect(await house.fresh.db.query('SELECT ticket_no FROM instruction WHERE ticket_no = ?', [sent.ticketNo])).toHaveLength(1)
})

test('the same number with other content is a conflict that names both contents', async () => {
  const sent = order()
  await ets.ask('POST', '/v1/debits', sent)
  const changed = { ...sent, payerBankNo: '313551000000' }
  const said = await ets.ask('POST', '/v1/debits', changed)
  expect(said.status).toBe(409)
  expect(said.json).toMatchObject({
    type: 'urn:taxlink:fault:content-differs',
    code: 'T3005',
    hash: orderHash(changed).toString('hex'),
    acceptedHash: orderHash(sent).toString('hex'),
  })
  expect(house.debited.get(sent.ticketNo)).toBe(1)
})

test('a number of another tax system is taken, and nothing more is said of it', async () => {
  const sent = order()
  await ets.ask('POST', '/v1/debits', sent)
  for (const body of [sent, { ...sent, channel: 'phone' as const }]) {
    const said = await other.ask('POST', '/v1/debits', body)
    expect(said.status).toBe(409)
    expect(said.json.code).toBe('T3005')
    expect(said.json).not.toHaveProperty('acceptedHash')
    expect(said.text).not.toContain('4301')
  }
  expect((await other.ask('GET', `/v1/debits/${sent.ticketNo}`)).status).toBe(404)
  expect((await ets.ask('GET', `/v1/debits/${sent.ticketNo}`)).status).toBe(200)
})

test.each([
  ['an unknown bank', { bankCode: '9999' }, '93014'],
  ['a bank that is not qualified', { bankCode: '4399' }, '93014'],
  ['an unknown office', { officeCode: '999' }, '93013'],
])('%s: the debit is refused by our own rules', async (_what, change, code) => {
  const sent = order(change)
  const said = await ets.ask('POST', '/v1/debits', sent)
  expect(said.status).toBe(200)
  expect(said.json).toMatchObject({ state: 'refused', result: { class: 'refused', code } })
  expect(said.json.settledAt).toBe(said.json.acceptedAt)
  expect(house.debited.has(sent.ticketNo)).toBe(false)
  const again = await ets.ask('POST', '/v1/debits', sent)
  expect(again.json).toEqual(said.json)
})

test('items that do not sum to the amount', async () => {
  const said = await ets.ask('POST', '/v1/debits', order({ amount: 301 }))
  expect(said.status).toBe(422)
  expect(said.json).toMatchObject({ type: 'urn:taxlink:fault:sum-mismatch', code: 'T1016', errors: [{ pointer: '/items' }] })
})

test('a content that breaks its definition: every place, both languages, no value', async () => {
  const good = order()
  const { channel: _channel, ...rest } = good
  const said = await ets.ask('POST', '/v1/debits', {
    ...rest,
    account: '6222 0212 3456',
    amount: '300',
    extra: 1,
    '6222021234567890123': 1,
    items: [{ ...good.items[0], periodStart: '2026-02-30' }, good.items[1]],
  })
  expect(said.status).toBe(422)
  expect(said.headers['content-type']).toMatch(/^application\/problem\+json/)
  expect(said.json).toMatchObject({ type: 'urn:taxlink:fault:invalid-request', code: 'T3001', status: 422 })
  const errors = said.json.errors as { pointer: string; zh: string; en: string }[]
  expect(new Set(errors.map(e => e.pointer))).toEqual(new Set(['/channel', '/account', '/amount', '/extra', '/?', '/items/0/periodStart']))
  for (const { zh, en } of errors) {
    expect(zh).toMatch(/\p{Script=Han}/u)
    expect(en).toMatch(/^must /)
  }
  expect(said.text).not.toContain('6222')
})

test('an amount is a whole number of fen, whatever it pretends', async () => {
  for (const amount of ['300', true, [300], null, 0, -300, 999_999_999_999_999 + 1]) {
    const said = await ets.ask('POST', '/v1/debits', { ...order(), amount })
    expect([amount, said.status]).toEqual([amount, 422])
  }
  for (const amount of ['300.0', '3e2', '0x12c', '9007199254740993', '-0']) {
    const said = await ets.ask('POST', '/v1/debits', JSON.stringify({ ...order(), amount: 424242 }).replace('424242', amount))
    expect([amount, said.status]).toEqual([amount, 400])
  }
})

test('a listing is read in pages, each debit once', async () => {
  const third = house.caller(await house.ca.issue({ names: [uri('urn:taxlink:tax-system:third')] }))
  const orders = Array.from({ length: 523 }, (_, i) => order(i % 2 ? { bankCode: '4306' } : {}))
  await third.ask('POST', '/v1/debits/batch', { orders })
  await house.slots.idle()

  const seen: string[] = []
  let cursor = ''
  const sizes: number[] = []
  do {
    const page = await third.ask('GET', `/v1/debits?limit=200${cursor}`)
    expect(page.status).toBe(200)
    const debits = page.json.debits as { ticketNo: string }[]
    sizes.push(debits.length)
    seen.push(...debits.map(d => d.ticketNo))
    cursor = typeof page.json.next === 'string' ? `&cursor=${page.json.next}` : ''
  } while (cursor)
  expect(sizes).toEqual([200, 200, 123])
  expect(seen.toSorted()).toEqual(orders.map(o => o.ticketNo).toSorted())

  const of = async (query: string) =>
    ((await third.ask('GET', `/v1/debits?limit=200&${query}`)).json.debits as { bankCode: string }[]).length
  expect(await of('bankCode=4399')).toBe(0)
  expect(await of('bankCode=4306&state=succeeded')).toBe(200)
  expect(await of('state=unknown')).toBe(0)
  expect(await of('entrustDate=2001-01-01')).toBe(0)
  expect(await of('officeCode=14301020000')).toBe(200)
  const byDefault = await third.ask('GET', '/v1/debits')
  expect(byDefault.json.debits).toHaveLength(50)
})

test('the feed grows in the order of commits and holds only the caller’s', async () => {
  const fourth = house.caller(await house.ca.issue({ names: [uri('urn:taxlink:tax-system:fourth')] }))
  expect((await fourth.ask('GET', '/v1/results')).json).toEqual({ results: [], next: 0, more: false })
  const orders = Array.from({ length: 30 }, () => order())
  house.say((ticketNo, amount) => (Number(ticketNo) % 3 === 0 ? timedOut : succeeded)(ticketNo, amount))
  await Promise.all([
    fourth.ask('POST', '/v1/debits/batch', { orders }),
    ets.ask('POST', '/v1/debits/batch', { orders: [order(), order()] }),
  ])
  await house.slots.idle()

  type Line = { seq: number; ticketNo: string; state: string; settledAt: string }
  const lines: Line[] = []
  for (let after = 0, more = true; more; ) {
    const page = await fourth.ask('GET', `/v1/results?after=${after}&limit=7`)
    lines.push(...(page.json.results as Line[]))
    after = page.json.next as number
    more = page.json.more as boolean
  }
  const settled = orders.map(o => o.ticketNo).filter(no => Number(no) % 3 !== 0)
  expect(lines.map(l => l.ticketNo).toSorted()).toEqual(settled.toSorted())
  expect(lines.map(l => l.seq)).toEqual(lines.map(l => l.seq).toSorted((a, b) => a - b))
  expect(new Set(lines.map(l => l.seq)).size).toBe(lines.length)
  expect(lines.every(l => l.state === 'succeeded')).toBe(true)
  const { next } = (await fourth.ask('GET', '/v1/results?limit=200')).json
  expect((await fourth.ask('GET', `/v1/results?after=${String(next)}`)).json).toEqual({ results: [], next, more: false })
})

test.each([
  ['limit=0', '/limit'],
  ['limit=201', '/limit'],
  ['limit=ten', '/limit'],
  ['state=failed', '/state'],
  ['entrustDate=20261110', '/entrustDate'],
  ['cursor=!', '/cursor'],
  ['cursor=AAAA', '/cursor'],
  ['colour=red', '/colour'],
])('a query that cannot be understood: %s', async (query, pointer) => {
  const said = await ets.ask('GET', `/v1/debits?${query}`)
  expect(said.status).toBe(400)
  expect(said.json.code).toBe('T3001')
  expect((said.json.errors as { pointer: string }[]).map(e => e.pointer)).toEqual([pointer])
})

test('a ticket that is none, and one that does not exist', async () => {
  expect((await ets.ask('GET', '/v1/debits/12')).status).toBe(400)
  const none = await ets.ask('GET', '/v1/debits/999999999999999999')
  expect(none.status).toBe(404)
  expect(none.json).toMatchObject({ type: 'urn:taxlink:fault:not-found', code: 'T3004' })
})

test('the caller is the certificate’s URI', async () => {
  const sent = order()
  await ets.ask('POST', '/v1/debits', sent)
  const rows = await house.fresh.db.query<{ tax_system: string }>('SELECT tax_system FROM ticket WHERE ticket_no = ?', [sent.ticketNo])
  expect(rows).toEqual([{ tax_system: taxSystemUri }])
  // A certificate of the same name by an authority nobody trusts reaches nothing of it.
  const forged = house.caller(await (await authority()).issue())
  expect((await forged.ask('GET', `/v1/debits/${sent.ticketNo}`)).status).toBe(401)
})
