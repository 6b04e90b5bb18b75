import { afterAll, beforeAll, expect, test } from 'vitest'
import { later, shanghaiDate } from '../../../gateway/domain/time.ts'
import { type Desk, day, openDesk, told } from './operators.ts'

// Sessions and what they find, over real TLS: who may open one, who sees what.

const furong = '14301020000'
const hetang = '14302020000'
let desk: Desk
let yesterday: string
beforeAll(async () => {
  desk = await openDesk()
  yesterday = shanghaiDate(later(new Date(), -day))
})
afterAll(() => desk.house.close())

const order = (change: object = {}) => ({ bankCode: '4301', accountingDate: yesterday, kind: 'day-end', reason: '再对一次', ...change })

test('one is opened, and told again while it is under way', async () => {
  const opened = await desk.zhang.ask('POST', '/v1/reconciliations', order())
  expect(opened).toMatchObject({ status: 201, json: { session: 1, state: 'opened', openedBy: 'urn:taxlink:operator:zhang' } })
  const again = await desk.zhang.ask('POST', '/v1/reconciliations', order())
  expect(again).toMatchObject({ status: 200, json: { session: 1 } })
  expect(again.headers['idempotency-replayed']).toBe('true')
  expect(await desk.zhang.ask('GET', `/v1/reconciliations/4301/${yesterday}/1`)).toMatchObject({ status: 200, json: { state: 'opened' } })
})

test('one whose file was refused gives way to another: its bank may stand by its file', async () => {
  const at = '2026-11-02'
  const opened = async () => {
    const { status, json } = await desk.zhang.ask('POST', '/v1/reconciliations', order({ accountingDate: at }))
    return [status, json.session]
  }
  expect(await opened()).toEqual([201, 1])
  const { db } = desk.house.fresh
  await db.execute("UPDATE reconciliation SET state = 'awaited' WHERE accounting_date = ?", [at])
  expect(await opened()).toEqual([200, 1])
  await db.execute("UPDATE reconciliation SET file_fault = 'another-day' WHERE accounting_date = ?", [at])
  expect(await opened()).toEqual([201, 2])
  expect(await desk.zhang.ask('GET', `/v1/reconciliations/4301/${at}/1`)).toMatchObject({ json: { state: 'withdrawn' } })
})

test.each([
  ['a bank nobody knows', { bankCode: '4999' }, 404],
  ['a day that has not ended', { accountingDate: shanghaiDate(later(new Date(), day)) }, 409],
  ['a day far off', { accountingDate: '2099-01-01', kind: 'intraday' }, 409],
  ['no reason', { reason: '' }, 422],
])('not for %s', async (_, change, status) => {
  expect((await desk.zhang.ask('POST', '/v1/reconciliations', order(change))).status).toBe(status)
})

test('the numbers of a bank day end: within the day before those that its end needs', async () => {
  const { db } = desk.house.fresh
  const bankCode = '4310'
  const held = (session: number) =>
    db.execute(
      `INSERT INTO reconciliation (bank_code, accounting_date, session, work_date, kind, state, opened_by, opened_at)
       VALUES (?, ?, ?, ?, 'intraday', 'balanced', 'test', '2026-11-10 02:00:00')`,
      [bankCode, yesterday, session, yesterday],
    )
  const open = async (kind: string) => {
    const { status, json } = await desk.zhang.ask('POST', '/v1/reconciliations', order({ bankCode, kind }))
    return [status, json.session ?? (json.errors as { en: string }[])[0]!.en.match(/numbers up to \d+/)?.[0]]
  }
  await held(78)
  expect(await open('intraday')).toEqual([201, 79])
  await db.execute("UPDATE reconciliation SET state = 'balanced', next_at = NULL WHERE bank_code = ?", [bankCode])
  expect(await open('intraday')).toEqual([409, 'numbers up to 79'])
  expect(await open('day-end')).toEqual([201, 80])
  await db.execute("UPDATE reconciliation SET state = 'balanced', next_at = NULL WHERE bank_code = ?", [bankCode])
  await held(99)
  expect(await open('day-end')).toEqual([409, 'numbers up to 99'])
})

test('totals are the province’s; differences are seen by whoever sees the office', async () => {
  const { db } = desk.house.fresh
  for (const session of [7, 8])
    await db.execute(
      `INSERT INTO reconciliation (bank_code, accounting_date, session, work_date, kind, state, opened_by, opened_at, counts, equal_entries)
       VALUES ('4306', ?, ?, ?, 'day-end', 'taken', 'test', '2026-11-10 02:00:00', '{"bank-only":3}', 9)`,
      [yesterday, session, yesterday],
    )
  for (const [i, office] of [furong, hetang, furong].entries())
    await db.execute(
      `INSERT INTO difference (bank_code, accounting_date, session, ordinal, type, office_code, entrust_date, serial_no, verb, ticket_no, tax_amount,
         bank_amount, bank_entries, bank_serial, line_no, detail)
       VALUES ('4306', ?, 7, ?, 'bank-only', ?, ?, '00000001', 'debit', '343012611000000001', 0, 5, 1, 'S1', 2, '{"state":"refused"}')`,
      [yesterday, i + 1, office, yesterday],
    )
  const path = `/v1/reconciliations/4306/${yesterday}/7/differences`
  const ordinals = async (who: string, query = '') => {
    const { json } = await desk.of(who).ask('GET', `${path}${query}`)
    return { ordinals: (json.differences as { ordinal: number }[]).map(d => d.ordinal), next: json.next as string | undefined }
  }
  // What is still being matched is no finding yet.
  expect(await ordinals('zhang')).toEqual({ ordinals: [], next: undefined })
  await db.execute("UPDATE reconciliation SET state = 'differing' WHERE session = 7")
  expect((await ordinals('zhang')).ordinals).toEqual([1, 2, 3])
  const first = await ordinals('zhang', '?limit=2')
  expect(first.ordinals).toEqual([1, 2])
  expect(await ordinals('zhang', `?limit=2&cursor=${first.next}`)).toEqual({ ordinals: [3], next: undefined })
  expect((await ordinals('zhang', '?type=tax-only')).ordinals).toEqual([])
  const [one] = (await desk.zhang.ask('GET', path)).json.differences as object[]
  expect(one).toEqual({
    ordinal: 1,
    type: 'bank-only',
    officeCode: furong,
    entrustDate: yesterday,
    serialNo: '00000001',
    verb: 'debit',
    ticketNo: '343012611000000001',
    taxAmount: 0,
    bankAmount: 5,
    bankEntries: 1,
    bankSerial: 'S1',
    lineNo: 2,
    detail: { state: 'refused' },
  })
  const list = await desk.zhang.ask('GET', '/v1/reconciliations?bankCode=4306&limit=1')
  expect(list.json.reconciliations).toMatchObject([{ session: 7, state: 'differing', equalEntries: 9, differences: { 'bank-only': 3 } }])
  const rest = await desk.zhang.ask('GET', `/v1/reconciliations?bankCode=4306&limit=1&cursor=${String(list.json.next)}`)
  expect(rest.json).toMatchObject({ reconciliations: [{ session: 8 }] })
  expect(rest.json.next).toBeUndefined()
  expect((await desk.zhang.ask('GET', '/v1/reconciliations?cursor=aaaa')).status).toBe(400)
  expect((await desk.zhang.ask('GET', `/v1/reconciliations/4306/${yesterday}/99`)).status).toBe(404)
  expect((await ordinals('wu')).ordinals).toEqual([1, 3])
  expect(told(await desk.of('wu').ask('GET', '/v1/reconciliations'))[0]).toBe(403)
  expect(told(await desk.of('wu').ask('POST', '/v1/reconciliations', order()))[0]).toBe(403)
})
