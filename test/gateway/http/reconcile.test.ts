import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Difference } from '../../../gateway/domain/reconcile.ts'
import { insertDifferences } from '../../../gateway/store/differences.ts'
import type { Caller } from './house.ts'
import { type Desk, openDesk } from './operators.ts'

let desk: Desk
const now = new Date('2026-11-11T02:00:00.000Z')
beforeAll(async () => {
  desk = await openDesk()
  Object.assign(desk.house.flow, { clock: () => now })
})
afterAll(() => desk.house.close())

const order = { bankCode: '4301', accountingDate: '2026-11-10', kind: 'day-end', reason: '补划之后再次对账' }
const open = (change: object = {}, who: Caller = desk.wang) => who.ask('POST', '/v1/reconciliations', { ...order, ...change })

describe('a person opens a session', () => {
  test('with a reason; the same while it goes on is the same, another reason the next', async () => {
    const first = await open()
    expect([first.status, first.json]).toMatchObject([
      201,
      { ...order, session: 1, workDate: '2026-11-11', state: 'opened', openedBy: 'urn:taxlink:operator:wang' },
    ])
    const again = await open()
    expect([again.status, again.headers['idempotency-replayed'], again.json]).toEqual([200, 'true', first.json])
    expect((await open({ reason: '文件重发' })).json).toMatchObject({ session: 2, state: 'opened' })
    // What no file had come for gave way.
    const { json } = await desk.wang.ask('GET', '/v1/reconciliations?bankCode=4301&accountingDate=2026-11-10')
    expect((json.reconciliations as { state: string }[]).map(({ state }) => state).toSorted()).toEqual(['opened', 'withdrawn'])
  })
  test('not of a day to come, of a bank that is none, of something else', async () => {
    expect([await open({ accountingDate: '2026-11-12' }), await open({ bankCode: '9999' })]).toMatchObject([
      { status: 409, json: { code: 'T3014' } },
      { status: 404 },
    ])
    for (const change of [{ kind: 'weekly' }, { reason: '' }, { accountingDate: '2026-02-30' }, { more: 1 }])
      expect((await open(change)).status, JSON.stringify(change)).toBe(422)
  })
  test('only whose duty it is, and only for the province', async () => {
    for (const who of [desk.of('sun'), desk.of('zhou'), desk.of('zhao'), desk.ets, desk.bank])
      expect((await open({}, who)).status).toBe(403)
    expect((await desk.of('sun').ask('GET', '/v1/reconciliations')).status).toBe(200)
    expect((await desk.of('zhou').ask('GET', '/v1/reconciliations')).status).toBe(403)
  })
})

test('sessions in pages, the newest days first', async () => {
  for (const bankCode of ['4306', '4310']) await open({ bankCode, accountingDate: '2026-11-09' })
  const seen: string[] = []
  for (let cursor = ''; ; ) {
    const { json } = await desk.wang.ask('GET', `/v1/reconciliations?limit=1&kind=day-end${cursor && `&cursor=${cursor}`}`)
    for (const each of json.reconciliations as { bankCode: string; accountingDate: string; session: number }[])
      seen.push(`${each.accountingDate} ${each.bankCode} ${each.session}`)
    if (json.next === undefined) break
    cursor = json.next as string
  }
  expect(seen).toHaveLength(4)
  expect(new Set(seen).size).toBe(4)
  expect(seen.map(text => text.slice(0, 10))).toEqual(['2026-11-10', '2026-11-10', '2026-11-09', '2026-11-09'])
  for (const path of ['/v1/reconciliations', '/v1/differences'])
    expect((await desk.wang.ask('GET', `${path}?cursor=${Buffer.from('nonsense').toString('base64url')}`)).status).toBe(400)
})

test('differences in pages, each office its own and those below it', async () => {
  const at = { bankCode: '4301', accountingDate: '2026-11-10', session: 2 }
  const found = (officeCode: string, i: number): Difference => ({
    officeCode,
    entrustDate: '2026-11-10',
    serialNo: String(i).padStart(8, '0'),
    verb: 'debit',
    type: i === 1 ? 'bank-only' : 'amount-differs',
    ticketNo: `3430126110${String(i).padStart(8, '0')}`,
    instructionId: undefined,
    taxAmount: i === 1 ? 0 : 100,
    bankAmount: 101,
    bankEntries: 1,
    bankSerial: `B${i}`,
    lineNo: i + 1,
    detail: { note: true },
  })
  const all = [found('14301020000', 1), found('14302020000', 2), found('14301030000', 3)]
  const become = (state: string) =>
    desk.house.fresh.db.execute(
      "UPDATE reconciliation SET state = ? WHERE bank_code = '4301' AND accounting_date = '2026-11-10' AND session = 2",
      [state],
    )
  await become('taken')
  await desk.house.fresh.db.transaction(tx => insertDifferences(tx, at, all, 1))
  const seenBy = async (who: Caller, more = '') => {
    const seen: unknown[] = []
    for (let cursor = ''; ; ) {
      const { json } = await who.ask('GET', `/v1/differences?bankCode=4301&session=2&limit=1${more}${cursor && `&cursor=${cursor}`}`)
      seen.push(...(json.differences as object[]))
      if (json.next === undefined) return seen
      cursor = json.next as string
    }
  }
  // Nothing is found before the whole of it is.
  expect(await seenBy(desk.wang)).toEqual([])
  await become('matched')
  expect(await seenBy(desk.wang)).toMatchObject([
    { ...at, ordinal: 1, type: 'bank-only', taxAmount: 0, bankAmount: 101, line: 2, bankSerial: 'B1', detail: { note: true } },
    { ordinal: 2 },
    { ordinal: 3 },
  ])
  expect(await seenBy(desk.wang, '&type=bank-only')).toMatchObject([{ ordinal: 1 }])
  expect(await seenBy(desk.of('zhou'))).toMatchObject([{ ordinal: 1 }, { ordinal: 3 }])
  expect(await seenBy(desk.of('wu'))).toMatchObject([{ ordinal: 1 }])
})
