import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { furtherHash, reversalOrder } from '../../../gateway/flows/further.ts'
import { uri } from './certificates.ts'
import { type Caller, type House, openHouse, order, refused, succeeded, timedOut } from './house.ts'

// Reversals, supplementary debits and stops over real TLS, with the manners of debits.

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

let orders = 0
const number = () => `A-${++orders}`
const debited = async (say = succeeded) => {
  house.say((ticketNo, amount) => {
    const { answer, transcript } = say(ticketNo, amount) as Awaited<ReturnType<typeof succeeded>>
    // The bank of this house books on the province's own day.
    const day = new Date(Date.now() + 8 * 3_600_000).toISOString().slice(0, 10)
    return { answer: answer.kind === 'answered' ? { ...answer, accountingDate: day } : answer, transcript }
  })
  const sent = order()
  await ets.ask('POST', '/v1/debits', sent, { prefer: 'wait=10' })
  return sent
}
const reversal = (ticketNo: string, change = {}) => ({ orderNo: number(), ticketNo, amount: 100, reason: 'tax-side', ...change })

test('a reversal is accepted, sent, and its outcome can be waited for, read, listed and found in the feed', async () => {
  const { ticketNo } = await debited()
  const body = reversal(ticketNo)
  const first = await ets.ask('POST', '/v1/reversals', body)
  expect([first.status, first.headers.location]).toEqual([202, `/v1/reversals/${body.orderNo}`])
  expect(first.json).toMatchObject({ orderNo: body.orderNo, ticketNo, amount: 100, reason: 'tax-side' })
  const read = await ets.ask('GET', `/v1/reversals/${body.orderNo}`, undefined, { prefer: 'wait=10' })
  expect(read.json).toMatchObject({ state: 'succeeded', bookedAmount: 100, result: { class: 'succeeded', code: '90000' }, attempts: 1 })
  const again = await ets.ask('POST', '/v1/reversals', body)
  expect([again.status, again.headers['idempotency-replayed']]).toEqual([200, 'true'])
  expect(again.json).toEqual(read.json)
  const feed = (await ets.ask('GET', '/v1/results?limit=200')).json.results as { verb: string; orderNo?: string }[]
  expect(feed.filter(line => line.orderNo === body.orderNo)).toMatchObject([{ verb: 'reversal', ticketNo, bookedAmount: 100 }])
  expect(feed.filter(line => line.verb === 'debit')).not.toEqual([])
  expect(first.text + read.text).not.toContain('4301732304930190908')
})

test('the same number with other content is a conflict that names both contents', async () => {
  const { ticketNo } = await debited()
  const body = reversal(ticketNo)
  await ets.ask('POST', '/v1/reversals', body)
  const changed = { ...body, amount: 101 }
  const said = await ets.ask('POST', '/v1/reversals', changed)
  expect(said.status).toBe(409)
  expect(said.json).toMatchObject({
    code: 'T3005',
    hash: furtherHash(reversalOrder, changed).toString('hex'),
    acceptedHash: furtherHash(reversalOrder, body).toString('hex'),
  })
  // About a ticket that is not there, too: its number was accepted.
  const elsewhere = { ...body, ticketNo: '999999999999999999' }
  const other = await ets.ask('POST', '/v1/reversals', elsewhere)
  expect([other.status, other.json.code]).toEqual([409, 'T3005'])
  expect(other.json).toMatchObject({ acceptedHash: furtherHash(reversalOrder, body).toString('hex') })
  // The same number of another kind is another order.
  expect((await ets.ask('POST', '/v1/stops', { orderNo: body.orderNo, ticketNo })).status).toBe(200)
})

test('a process whose clock is off takes no order that would be due by it: another process does, or this one later', async () => {
  const { ticketNo, items } = await debited()
  const { isTimely } = house.flow
  const orders = {
    '/v1/reversals': reversal(ticketNo),
    '/v1/supplementary-debits': { orderNo: number(), ticketNo, reason: 'under-debited', amount: 300, items },
  }
  Object.assign(house.flow, { isTimely: () => false })
  for (const [path, body] of Object.entries(orders)) {
    const said = await ets.ask('POST', path, body)
    expect([path, said.status, said.headers['retry-after']]).toEqual([path, 503, '1'])
    expect((await ets.ask('GET', `${path}/${body.orderNo}`)).status).toBe(404)
  }
  Object.assign(house.flow, { isTimely })
  expect((await ets.ask('POST', '/v1/reversals', orders['/v1/reversals'])).status).toBe(202)
})

test('fifty of the same at once are one acceptance', async () => {
  const { ticketNo } = await debited()
  const body = reversal(ticketNo)
  const answers = await Promise.all(Array.from({ length: 50 }, () => ets.ask('POST', '/v1/reversals', body, { prefer: 'wait=20' })))
  expect(new Set(answers.map(a => JSON.stringify([a.status, a.json.state, a.json.serialNo]))).size).toBe(1)
  expect(answers.filter(a => a.headers['idempotency-replayed'] === undefined)).toHaveLength(1)
})

test('more than was debited is refused, by our own rule and in its words', async () => {
  const { ticketNo } = await debited()
  const said = await ets.ask('POST', '/v1/reversals', reversal(ticketNo, { amount: 301 }))
  expect(said.status).toBe(200)
  expect(said.json).toMatchObject({ state: 'refused', attempts: 0, result: { code: '34001', bankText: '冲正金额超过已扣未退的金额' } })
})

test('what the bank was seen to have closed is refused, and the way is named', async () => {
  const { ticketNo } = await debited(() => succeeded('', 300))
  // Another answer of the same bank shows a later accounting day.
  const tomorrow = new Date(Date.now() + 32 * 3_600_000).toISOString().slice(0, 10)
  await house.store.sawDay('4301', tomorrow, new Date())
  const said = await ets.ask('POST', '/v1/reversals', reversal(ticketNo))
  expect(said.json).toMatchObject({ state: 'refused', result: { code: '38002', nextZh: '使用调账通知单' } })
  expect(said.json.result).toMatchObject({ bankText: expect.stringContaining('调账通知单') })
  await house.fresh.db.execute('DROP TRIGGER bank_day_no_delete')
  await house.fresh.db.execute('DELETE FROM bank_day')
})

test('a ticket that is not the caller’s, or none, is not there', async () => {
  const { ticketNo } = await debited()
  for (const path of ['/v1/reversals', '/v1/stops', '/v1/supplementary-debits'])
    for (const [caller, of] of [
      [other, ticketNo],
      [ets, '999999999999999999'],
    ] as const) {
      const { items } = order()
      const body = { reversals: reversal(of), stops: { orderNo: number(), ticketNo: of } }
      const supplement = { orderNo: number(), ticketNo: of, reason: 'under-debited', amount: 300, items }
      const said = await caller.ask('POST', path, path.endsWith('debits') ? supplement : body[path.slice(4) as 'reversals' | 'stops'])
      expect([path, said.status, said.json.code]).toEqual([path, 404, 'T3004'])
    }
  const body = reversal(ticketNo)
  await ets.ask('POST', '/v1/reversals', body)
  expect((await other.ask('GET', `/v1/reversals/${body.orderNo}`)).status).toBe(404)
  expect((await other.ask('GET', '/v1/reversals')).json).toEqual({ reversals: [] })
})

test.each([
  ['no number', { orderNo: undefined }, '/orderNo'],
  ['a number with a blank', { orderNo: 'A 1' }, '/orderNo'],
  ['a number too long', { orderNo: 'A'.repeat(33) }, '/orderNo'],
  ['nothing to give back', { amount: 0 }, '/amount'],
  ['money as text', { amount: '100' }, '/amount'],
  ['a reason of our own', { reason: 'in-doubt' }, '/reason'],
  ['something more', { account: '4301000000000000001' }, '/account'],
])('a content that breaks its definition: %s', async (_what, change, pointer) => {
  const said = await ets.ask('POST', '/v1/reversals', reversal('343012611000000001', change))
  expect(said.status).toBe(422)
  expect((said.json.errors as { pointer: string }[]).map(e => e.pointer)).toContain(pointer)
  expect(said.text).not.toContain('4301000000000000001')
})

test('a supplementary debit: no break, declared, debited once; its failure voids the ticket for all to see', async () => {
  const sent = await debited()
  const about = { ticketNo: sent.ticketNo, reason: 'bank-missing', amount: 300, items: sent.items }
  const none = await ets.ask('POST', '/v1/supplementary-debits', { ...about, orderNo: number() })
  expect(none.json).toMatchObject({ state: 'refused', reason: 'bank-missing', result: { code: '93004' } })
  const wrong = await ets.ask('POST', '/v1/supplementary-debits', { ...about, amount: 299, orderNo: number() })
  expect([wrong.status, wrong.json.code]).toEqual([422, 'T1016'])

  const { instructionId } = (await house.store.find(sent.ticketNo))!
  const missing = { kind: 'bank-missing', source: 'resolution', taxAmount: 300, bankAmount: 0, actor: 'x', reason: 'x' } as const
  await house.store.declareBreak({ ...missing, at: new Date(), ticketNo: sent.ticketNo, instructionId })
  // What the bank does not deny is not debited a second time; why, a program can tell.
  const asked = () => ets.ask('POST', '/v1/supplementary-debits', { ...about, orderNo: number() })
  house.say(succeeded)
  const has = await asked()
  expect([has.status, has.json.code, has.json.detail]).toEqual([409, 'T3014', 'at-the-bank'])
  house.say(timedOut as typeof succeeded)
  const unsaid = await asked()
  expect([unsaid.status, unsaid.json.code, unsaid.json.detail]).toEqual([409, 'T3014', 'unclear'])

  house.say(refused)
  const failed = await ets.ask('POST', '/v1/supplementary-debits', { ...about, orderNo: number() }, { prefer: 'wait=20' })
  expect([failed.status, failed.json.state]).toEqual([200, 'refused'])
  expect(failed.json).toMatchObject({ result: { code: '24003' }, voidReason: 'supplementary debit refused: 24003' })
  const debit = await ets.ask('GET', `/v1/debits/${sent.ticketNo}`)
  expect(debit.json).toMatchObject({ state: 'succeeded', voidReason: 'supplementary debit refused: 24003' })
  expect(debit.json.voidedAt).toMatch(/\+08:00$/)
})

test('a supplementary debit of another ticket is none of this one: nothing of it is given back or stopped here', async () => {
  const [one, two] = [await debited(), await debited()]
  const { instructionId } = (await house.store.find(one.ticketNo))!
  const short = { kind: 'under-debited', source: 'resolution', taxAmount: 300, bankAmount: 200, actor: 'x', reason: 'x' } as const
  await house.store.declareBreak({ ...short, at: new Date(), ticketNo: one.ticketNo, instructionId })
  const items = [{ ...one.items[0], amount: 100 }]
  const made = { orderNo: number(), ticketNo: one.ticketNo, reason: 'under-debited', amount: 100, items }
  const done = await ets.ask('POST', '/v1/supplementary-debits', made, { prefer: 'wait=20' })
  expect(done.json).toMatchObject({ state: 'succeeded' })
  const supplementNo = made.orderNo
  for (const [path, body] of [
    ['/v1/reversals', reversal(two.ticketNo, { supplementNo })],
    ['/v1/stops', { orderNo: number(), ticketNo: two.ticketNo, supplementNo }],
  ] as const) {
    const said = await ets.ask('POST', path, body)
    expect([path, said.status, said.json.code]).toEqual([path, 404, 'T3004'])
  }
  const own = await ets.ask('POST', '/v1/reversals', reversal(one.ticketNo, { supplementNo }), { prefer: 'wait=20' })
  expect(own.json).toMatchObject({ state: 'succeeded', bookedAmount: 100 })
})

test('a stop is final at once: of what was sent it is refused, and names the reversal', async () => {
  const { ticketNo } = await debited(timedOut as typeof succeeded)
  const body = { orderNo: number(), ticketNo }
  const said = await ets.ask('POST', '/v1/stops', body)
  expect(said.status).toBe(200)
  expect(said.json).toMatchObject({ state: 'refused', ticketNo, rule: 'already-sent', result: { code: '34001' } })
  const again = await ets.ask('POST', '/v1/stops', body)
  expect([again.headers['idempotency-replayed'], again.json]).toEqual(['true', said.json])
  expect((await ets.ask('GET', `/v1/stops/${body.orderNo}`)).json).toEqual(said.json)
})

test('lists are read in pages, each order once', async () => {
  const third = house.caller(await house.ca.issue({ names: [uri('urn:taxlink:tax-system:third')] }))
  const sent = order()
  await third.ask('POST', '/v1/debits', sent, { prefer: 'wait=10' })
  const numbers: string[] = []
  for (let i = 0; i < 5; i++) {
    const body = { orderNo: number(), ticketNo: sent.ticketNo }
    numbers.push(body.orderNo)
    await third.ask('POST', '/v1/stops', body)
  }
  const seen: string[] = []
  let cursor = ''
  do {
    const { json } = await third.ask('GET', `/v1/stops?limit=2${cursor}`)
    seen.push(...(json.stops as { orderNo: string }[]).map(s => s.orderNo))
    cursor = typeof json.next === 'string' ? `&cursor=${json.next}` : ''
  } while (cursor)
  expect(seen).toEqual(numbers)
  expect((await third.ask('GET', '/v1/reversals?cursor=!')).status).toBe(400)
})

test('a method that a path does not know', async () => {
  const said = await ets.ask('DELETE', '/v1/reversals/A-1')
  expect([said.status, said.headers.allow]).toEqual([405, 'GET, HEAD'])
})
