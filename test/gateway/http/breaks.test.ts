import { outcome } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { order, succeeded } from './house.ts'
import { bankOnlyBreak, bankSays, type Desk, debited, doneByTwo, openDesk, operator, shownBy, told } from './operators.ts'

// Breaks and adjustment notices over real TLS: who sees them, who may do what, and what they read.

let desk: Desk
beforeAll(async () => {
  desk = await openDesk()
})
afterAll(() => desk.house.close())

const get = (who: string, path: string) => desk.of(who).ask('GET', path)
const post = (who: string, path: string, body: object) => desk.of(who).ask('POST', path, body)
/** A break that two persons have decided to return. */
const returned = async (): Promise<number> => {
  const breakId = await bankOnlyBreak(desk)
  await doneByTwo(desk, 'settle-break', { breakId, decision: 'return' })
  return breakId
}

describe('a notice', () => {
  test('is issued by the county, once; the bank is to be told at once, and it reads as it is printed', async () => {
    const breakId = await returned()
    expect(told(await post('zhang', '/v1/adjustment-notices', { breakId }))).toEqual([403, 'T3003'])
    const made = await post('wu', '/v1/adjustment-notices', { breakId })
    expect(made.status).toBe(201)
    const { noticeNo } = made.json as { noticeNo: string }
    expect(made.headers.location).toBe(`/v1/adjustment-notices/${noticeNo}`)
    expect(told(await post('wu', '/v1/adjustment-notices', { breakId }))).toEqual([200, 'replayed'])
    const shown = await get('zhang', `/v1/adjustment-notices/${noticeNo}`)
    expect(shown.json).toMatchObject({
      noticeNo,
      breakId,
      bankName: '湘江银行',
      issuingOffice: '14301020000',
      amount: 8_800,
      cause: 'bank-only',
      issuedBy: operator('wu'),
      overdue: false,
      state: 'under-way',
    })
    expect((await get('wu', '/v1/adjustment-notices?open=true')).json).toMatchObject({ notices: [{ noticeNo }] })
    expect((await get('wu', `/v1/adjustment-notices?after=${noticeNo}`)).json).toEqual({ notices: [] })
    const life = await get('wu', `/v1/breaks/${breakId}`)
    expect(life.json).toMatchObject({ noticeNo, remedy: 'notice' })
    expect((life.json.steps as { event: string }[]).map(({ event }) => event)).toEqual(['choose', 'choose', 'begin'])
    expect((await desk.house.store.bankCalls.told('4301', 'adjustmentNotice', noticeNo))?.attemptNo).toBe(0)
  })
  test('is told again by the county where its bank has refused it', async () => {
    const breakId = await returned()
    const { noticeNo } = (await post('wu', '/v1/adjustment-notices', { breakId })).json as { noticeNo: string }
    const path = `/v1/adjustment-notices/${noticeNo}/tellings`
    const order = { reason: '银行已能收' }
    expect(told(await post('wu', path, order))).toEqual([409, 'T3014'])
    await bankSays(desk, '4301', noticeNo, '93004')
    expect((await get('wu', `/v1/breaks/${breakId}`)).json).toMatchObject({ state: 'failed', remedy: 'notice' })
    const repeated = await post('wu', '/v1/adjustment-notices', { breakId })
    expect([told(repeated), JSON.stringify(repeated.json.errors)]).toEqual([[409, 'T3014'], expect.stringContaining(path)])
    expect(told(await post('zhang', path, order))).toEqual([403, 'T3003'])
    expect(told(await post('wu', path, { reason: ' ' }))).toEqual([422, 'T3001'])
    expect(told(await post('wu', '/v1/adjustment-notices/14301020000261110ZZZ/tellings', order))).toEqual([404, 'T3004'])
    const said = await post('wu', path, order)
    expect([said.status, said.json]).toMatchObject([201, { noticeNo, state: 'under-way' }])
    expect(said.json.toldCode).toBeUndefined()
    expect(told(await post('wu', path, order))).toEqual([200, 'replayed'])
    await bankSays(desk, '4301', noticeNo, '90000')
    expect((await get('wu', `/v1/adjustment-notices/${noticeNo}`)).json).toMatchObject({ toldCode: '90000' })
  })
  test('is only for what goes by a notice, and nobody learns of what is out of their sight', async () => {
    const breakId = await bankOnlyBreak(desk)
    expect((await post('wu', '/v1/adjustment-notices', { breakId })).status).toBe(409)
    const elsewhere = await bankOnlyBreak(desk, '14306020000')
    expect((await post('wu', '/v1/adjustment-notices', { breakId: elsewhere })).status).toBe(404)
    expect((await get('wu', `/v1/breaks/${elsewhere}`)).status).toBe(404)
    expect((await post('wu', '/v1/adjustment-notices', { breakId: 999_999 })).status).toBe(404)
    expect((await desk.ets.ask('POST', '/v1/adjustment-notices', { breakId })).status).toBe(403)
    expect((await get('wu', '/v1/adjustment-notices/14301020000261110ZZZ')).status).toBe(404)
  })
})

test('one person neither returns nor explains away what the record does not have as debited', async () => {
  const breakId = await bankOnlyBreak(desk)
  const by = { now: new Date(), actor: 'test' }
  await desk.house.store.breakLife.stepBreak(breakId, 'choose', '35 open', { remedy: 'investigate' }, by)
  const choose = (remedy: string) => post('wu', `/v1/breaks/${breakId}/remedy`, { remedy, reason: '已与银行核对' })
  for (const remedy of ['notice', 'explained', 'supplement']) expect(told(await choose(remedy)), remedy).toEqual([409, 'T3014'])
  expect((await choose('persons')).json).toMatchObject({ remedy: 'persons', state: 'chosen' })
})

test('the list of breaks is narrowed by bank, office, day, state, remedy, age and deadline', async () => {
  const breakId = await bankOnlyBreak(desk)
  const ids = async (query: string) => {
    const { status, json } = await get('zhang', `/v1/breaks?limit=200&${query}`)
    expect(status).toBe(200)
    return (json.breaks as { id: number }[]).map(({ id }) => id)
  }
  const narrow = 'bankCode=4301&officeCode=14301020000&accountingDate=2026-11-09&state=chosen&remedy=persons'
  expect(await ids(narrow)).toContain(breakId)
  for (const other of ['bankCode=4306', 'accountingDate=2026-11-08', 'state=confirmed', 'remedy=reverse', 'minDays=2', 'overdue=true'])
    expect(await ids(other), other).not.toContain(breakId)
  desk.later(2 * 86_400_000)
  expect(await ids('overdue=true&minDays=1')).toContain(breakId)
  desk.later(-2 * 86_400_000)
})

/** A debit of which a session has found so much to be missing at the bank; what to do about it is open. */
const lacking = async (kind: 'bank-missing' | 'under-debited', type: 'tax-only' | 'amount-differs', missing = 300) => {
  const { ticketNo, key, amount } = await debited(desk)
  const instructionId = (await desk.house.store.find(ticketNo))!.instructionId
  const about = `instruction/${instructionId}`
  const { insertId } = await desk.house.fresh.db.execute(
    `INSERT INTO break (at, ticket_no, instruction_id, kind, source, tax_amount, bank_amount, reason, bank_code, office_code, accounting_date, session, subject,
       found_type, entrust_date, serial_no, verb, excess, remedy, deadline)
     VALUES (NOW(3), ?, ?, ?, 'file', ?, ?, 'session 1', '4301', ?, '2026-11-09', 1, ?, ?, ?, ?, 'debit', ?, 'investigate', NOW(3))`,
    [ticketNo, instructionId, kind, amount, amount - missing, key.officeCode, about, type, key.entrustDate, key.serialNo, -missing],
  )
  await shownBy(desk, ticketNo, key, amount, amount - missing)
  await desk.house.store.breakLife.stepBreak(insertId, 'choose', 'test', {}, { now: new Date(), actor: 'test' })
  return insertId
}
test('a supplementary debit is started by one operator of the accounts, of what lacks it, once', async () => {
  const insertId = await lacking('bank-missing', 'tax-only')
  const path = `/v1/breaks/${insertId}/supplementary-debit`
  expect((await post('wu', path, { orderNo: 'b1' })).status).toBe(409)
  // Only a remedy that goes the right way.
  expect((await post('wu', `/v1/breaks/${insertId}/remedy`, { remedy: 'notice', reason: '已查' })).status).toBe(409)
  const chosen = await post('wu', `/v1/breaks/${insertId}/remedy`, { remedy: 'supplement-missing', reason: '银行确未划缴' })
  expect([chosen.status, chosen.json.remedy]).toEqual([200, 'supplement-missing'])
  const short = order().items.map((item, n) => (n === 0 ? { ...item, amount: item.amount - 1 } : item))
  expect(told(await post('wu', path, { orderNo: 'b1', items: short }))).toEqual([422, 'T1016'])
  // Asked, the bank says that it has the debit: it is not made twice.
  expect(told(await post('wu', path, { orderNo: 'b1' }))).toEqual([409, 'T3014'])
  // An inquiry names no amount.
  desk.house.say((about, asked) =>
    Number.isInteger(asked)
      ? succeeded(about, asked)
      : { answer: { kind: 'answered', outcome: outcome('94054'), amount: 0 }, transcript: '{}' },
  )
  // What was sent a moment ago may yet be booked: «not found» proves nothing.
  const early = await post('wu', path, { orderNo: 'b1' })
  expect([told(early), early.json.errors]).toMatchObject([[409, 'T3014'], [{ zh: expect.stringContaining('静默期') }]])
  const { policy } = desk.house.flow.reference().banks.get('4301')!
  desk.later(policy.timeoutMs + policy.quiescenceMs)
  const started = await post('wu', path, { orderNo: 'b1' })
  desk.house.say(succeeded)
  expect([started.status, started.json]).toMatchObject([202, { breakId: insertId, orderNo: 'b1' }])
  expect(told(await post('wu', path, { orderNo: 'b1' }))).toEqual([200, 'replayed'])
  expect((await post('wu', path, { orderNo: 'b2' })).status).toBe(409)
  expect((await get('wu', `/v1/breaks/${insertId}`)).json.state).toMatch(/^(under-way|remedied)$/)
})

test('of a part that is missing of several taxes the operator says of which', async () => {
  const breakId = await lacking('under-debited', 'amount-differs', 150)
  await post('wu', `/v1/breaks/${breakId}/remedy`, { remedy: 'supplement', reason: '银行少扣' })
  const path = `/v1/breaks/${breakId}/supplementary-debit`
  const unsaid = await post('wu', path, { orderNo: 'p1' })
  expect([told(unsaid), unsaid.json.errors]).toMatchObject([[422, 'T3001'], [{ pointer: '/items' }]])
  const [one, two] = order().items
  const items = [
    { ...one, amount: 50 },
    { ...two, amount: 100 },
  ]
  expect((await post('wu', path, { orderNo: 'p1', items })).status).toBe(202)
})
