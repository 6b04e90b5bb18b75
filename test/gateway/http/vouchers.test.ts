import { exchanges, version } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { releaseVouchers } from '../../../gateway/flows/vouchers.ts'
import { writeOffDue } from '../../../gateway/flows/write-off.ts'
import { readShown } from '../../../gateway/store/break-reads.ts'
import { readTickets } from '../../../gateway/store/tickets.ts'
import { day, emptyDay, noonOf, office, paid, session, treasury } from '../day-end.ts'
import { uri } from './certificates.ts'
import { type Caller, order } from './house.ts'
import { bankSays, type Desk, doneByTwo, openDesk, told } from './operators.ts'

// What operators see and enter of vouchers and the treasury, and what a bank tells of them, over real TLS.

let desk: Desk
let bank: Caller
let now = noonOf(day)
beforeAll(async () => {
  desk = await openDesk()
  bank = desk.house.caller(await desk.house.ca.issue({ names: [uri('urn:taxlink:bank:4310')] }))
  Object.assign(desk.house.flow, { clock: () => now })
})
afterAll(() => desk.house.close())
beforeEach(async () => {
  await emptyDay(desk.house.fresh.db)
  now = noonOf(day)
})

const hetang = '14302020000'
/** Tickets of one bank in a voucher each office, at noon. */
const vouchered = async (...amounts: readonly (readonly [number, string?])[]) => {
  const { store, fresh, flow } = desk.house
  const ticketNos: string[] = []
  for (const [amount, officeCode = office] of amounts) ticketNos.push(await paid(store, { amount, officeCode, bankCode: '4310' }))
  await session(fresh.db, store, { bankCode: '4310' })
  await writeOffDue(flow)
  return { ticketNos, vouchers: await store.vouchers.list({}, 0, 100) }
}
const get = (who: Caller, path: string) => who.ask('GET', path)
const receipt = (who: Caller, summaryNo: string, amount: number, change: object = {}) =>
  who.ask('POST', `/v1/vouchers/${summaryNo}/treasury-receipts`, { treasuryCode: treasury, amount, enteredOn: day, ...change })
let serial = 0
const push = (verb: 'remitConfirmation' | 'treasuryReceipt' | 'voucherPrinted', path: string, content: object) =>
  bank.ask('POST', path, {
    ...{ version, type: exchanges[verb].request.id, officeCode: office, entrustDate: day, serialNo: String(++serial).padStart(8, '0') },
    ...content,
  })

describe('vouchers', () => {
  test('a batch, its voucher with all that a print needs, its tickets; the sum is that of the tickets', async () => {
    const { ticketNos, vouchers } = await vouchered([100], [23])
    const [{ summaryNo }] = vouchers as [(typeof vouchers)[0]]
    expect((await get(desk.zhang, `/v1/write-offs?workDate=${day}`)).json.batches).toMatchObject([
      { bankCode: '4310', accountingDate: day, session: 1, tickets: 2, amount: 123, heldBack: 0 },
    ])
    expect((await get(desk.zhang, '/v1/vouchers?open=true')).json.vouchers).toMatchObject([{ summaryNo, amount: 123, tickets: 2 }])
    expect((await get(desk.zhang, '/v1/vouchers?open=false')).json.vouchers).toEqual([])
    const { json } = await get(desk.zhang, `/v1/vouchers/${summaryNo}`)
    expect(json).toMatchObject({ state: 'made', treasuryName: '长沙市中心支库', officeCode: office, happenings: [] })
    for (const field of ['leadBranch', 'account', 'clearingNo', 'deadline']) expect(json[field], field).toBeTruthy()
    const first = (await get(desk.zhang, `/v1/vouchers/${summaryNo}/tickets?limit=1`)).json
    const second = (await get(desk.zhang, `/v1/vouchers/${summaryNo}/tickets?limit=1&cursor=${String(first.next)}`)).json
    const found = [first, second].flatMap(page => page.tickets as { ticketNo: string }[])
    expect(found.map(t => t.ticketNo)).toEqual(ticketNos.toSorted())
    expect(second.next).toBeUndefined()
  })

  test('the countdown, and no more of what is on its way', async () => {
    const { vouchers } = await vouchered([100])
    const [{ summaryNo }] = vouchers as [(typeof vouchers)[0]]
    now = new Date(`${day}T15:30:00+08:00`)
    expect((await get(desk.of('wu'), '/v1/voucher-countdown')).json).toMatchObject({
      ...{ alarm: 'due-urgent', secondsLeft: 1_800, deadline: `${day}T16:00:00.000+08:00` },
      notRemitted: [{ summaryNo }],
    })
    expect((await push('remitConfirmation', '/v1/remit-confirmations', { summaryNo, amount: 100, remittedAt: day })).json).toMatchObject({
      summaryNo,
      result: { code: '90000' },
    })
    expect((await get(desk.of('wu'), '/v1/voucher-countdown')).json).toMatchObject({ alarm: 'none', notRemitted: [] })
  })

  test('one that the bank refused is told again, with a reason, until its money is on its way', async () => {
    const { vouchers } = await vouchered([100])
    const [{ summaryNo }] = vouchers as [(typeof vouchers)[0]]
    const order = (reason = '主办行已改') => desk.of('wu').ask('POST', `/v1/vouchers/${summaryNo}/tellings`, { reason })
    expect(told(await order())).toEqual([409, 'T3014'])
    await bankSays(desk, '4310', summaryNo, '93004')
    now = new Date(now.getTime() + 1_000)
    expect((await order()).status).toBe(201)
    expect(told(await order())).toEqual([200, 'replayed'])
    expect(told(await order('再催'))).toEqual([409, 'T3014'])
    now = new Date(now.getTime() + 1_000)
    await bankSays(desk, '4310', summaryNo, '90000')
    const life = (await get(desk.of('wu'), `/v1/vouchers/${summaryNo}`)).json
    expect(life).toMatchObject({ state: 'told', happenings: [{ event: 'refused' }, { event: 'ordered-again' }, { event: 'told' }] })
    expect((life.happenings as object[])[1]).toMatchObject({ actor: 'urn:taxlink:operator:wu', reason: '主办行已改' })
    expect(told(await order('再催'))).toEqual([409, 'T3014'])
    const { entries } = (await get(desk.of('sun'), `/v1/audit?subject=voucher/${summaryNo}&action=tell-again`)).json
    expect((entries as object[]).at(-1)).toMatchObject({ actor: 'urn:taxlink:operator:wu', detail: { telling: 2 } })
  })

  test('an office sees its subtree, and enters receipts of it only', async () => {
    const { vouchers } = await vouchered([100], [5, hetang])
    const of = (code: string) => vouchers.find(v => v.officeCode === code)!.summaryNo
    expect((await get(desk.of('wu'), '/v1/vouchers')).json.vouchers).toMatchObject([{ officeCode: office }])
    expect((await get(desk.of('wu'), `/v1/write-offs?workDate=${day}`)).json.batches).toMatchObject([{ tickets: 1, amount: 100 }])
    expect(told(await get(desk.of('wu'), `/v1/vouchers/${of(hetang)}`))).toEqual([404, 'T3004'])
    expect(told(await receipt(desk.of('wu'), of(hetang), 5))).toEqual([404, 'T3004'])
    expect(told(await receipt(desk.of('sun'), of(office), 100))).toEqual([403, 'T3003'])
    expect((await receipt(desk.of('wu'), of(office), 100)).status).toBe(201)
  })
})

describe('the treasury', () => {
  test('a receipt by hand: held to the fen, once, and the same again is the same', async () => {
    const { vouchers, ticketNos } = await vouchered([100])
    const [{ summaryNo }] = vouchers as [(typeof vouchers)[0]]
    // The journal outlives the vouchers of the story before, which had the same number.
    const audited = async () => (await get(desk.of('sun'), `/v1/audit?subject=voucher/${summaryNo}`)).json.entries as object[]
    const earlier = (await audited()).length
    for (const change of [{ amount: 99 }, { treasuryCode: '18020000' }, { enteredOn: '2026-11-09' }, { enteredOn: '2026-11-11' }])
      expect(told(await receipt(desk.of('wu'), summaryNo, 100, change))).toEqual([409, 'T3014'])
    expect((await receipt(desk.of('wu'), summaryNo, 100)).json).toMatchObject({ state: 'received', enteredOn: day, differences: 4 })
    expect(told(await receipt(desk.of('wu'), summaryNo, 100))).toEqual([200, 'replayed'])
    expect((await audited()).slice(earlier)).toMatchObject([{ action: 'received' }])
    expect((await get(desk.zhang, `/v1/tickets/${ticketNos[0]!}/life`)).json).toMatchObject({
      state: 'received',
      enteredOn: day,
      summaryNo,
    })
  })

  test('the statement of a day against the treasury’s report, corrected by another version', async () => {
    const { vouchers } = await vouchered([100])
    const [{ summaryNo }] = vouchers as [(typeof vouchers)[0]]
    await receipt(desk.of('wu'), summaryNo, 100)
    const path = `/v1/treasury-statements/${treasury}/${day}`
    expect((await get(desk.of('wu'), path)).json).toMatchObject({ count: 1, amount: 100, isReported: false, isEqual: false })
    const report = (amount: number, lines?: object[]) =>
      desk
        .of('wu')
        .ask('POST', '/v1/treasury-reports', { treasuryCode: treasury, reportDate: day, count: 1, amount, ...(lines ? { lines } : {}) })
    const wrong = await report(101, [{ summaryNo, amount: 101 }])
    expect(wrong.json).toMatchObject({ isEqual: false, reportVersion: 1 })
    expect((wrong.json.differences as { kind: string }[]).map(d => d.kind)).toEqual(['total-differs', 'amount-differs'])
    expect((await report(100)).json).toMatchObject({ isEqual: true, reportVersion: 2, differences: [] })
    expect(told(await report(100))).toEqual([200, 'replayed'])
    expect(told(await get(desk.of('wu'), `/v1/treasury-statements/18020000/${day}`))).toEqual([404, 'T3004'])
  })

  test('undone by two persons and issued anew, until the province has booked it (art. 21)', async () => {
    const { vouchers, ticketNos } = await vouchered([100], [200])
    const [first, second] = ticketNos as [string, string]
    await receipt(desk.of('wu'), vouchers[0]!.summaryNo, 300)
    const paper = { paperNo: '湘国税计〔2026〕12号', paperDate: day }
    await doneByTwo(desk, 'undo-write-off', { ticketNo: first, cause: 'particulars-wrong', reason: '所属期有误' })
    const twice = {
      kind: 'undo-write-off',
      content: { ticketNo: first, cause: 'too-much', reason: '再撤' },
      orderNo: 'u-2',
      evidence: '无',
    }
    expect(told(await desk.zhang.ask('POST', '/v1/proposals', twice))).toEqual([409, 'T3014'])
    // Half of a correction is not booked; nor is another ticket's number taken for it.
    const half = { kind: 'close-books', content: { through: day, ...paper }, orderNo: 'b-1', evidence: '无' }
    expect(told(await desk.zhang.ask('POST', '/v1/proposals', half))).toEqual([409, 'T3014'])
    const taken = {
      kind: 'reissue-ticket',
      content: { ticketNo: first, tickets: [{ ticketNo: second, amount: 100 }] },
      orderNo: 'r-1',
      evidence: '无',
    }
    expect(told(await desk.zhang.ask('POST', '/v1/proposals', taken))).toEqual([409, 'T3014'])
    await doneByTwo(desk, 'reissue-ticket', { ticketNo: first, tickets: [{ ticketNo: '143010226110000017', amount: 100 }] })
    expect((await get(desk.zhang, `/v1/tickets/${first}/life`)).json).toMatchObject({
      state: 'void',
      undo: { cause: 'particulars-wrong' },
      reissues: [{ ticketNo: '143010226110000017', amount: 100, printedNo: first.slice(-9), enteredOn: day }],
    })
    // Its number stands for money that was debited: of what comes with it that is refused, and all else goes its way.
    const debit = (ticketNo: string) => desk.ets.ask('POST', '/v1/debits', order({ bankCode: '4310', ticketNo }))
    const [again, other] = await Promise.all([debit('143010226110000017'), debit('143010226110000018')])
    expect(again.json).toMatchObject({ state: 'refused', result: { code: '24015' } })
    expect((await get(desk.ets, '/v1/debits/143010226110000017')).json).toMatchObject({ state: 'refused' })
    expect(desk.house.debited.get('143010226110000017')).toBeUndefined()
    expect(other.status).toBeLessThan(300)
    expect(told(await debit('143010226110000017'))).toEqual([200, 'replayed'])
    // Its tax is due as before: no session finds that the bank has too much of it.
    const { db } = desk.house.fresh
    const shown = await readShown(db, '4310', [first], await readTickets(db, [first]))
    expect(shown.get(first)!.of).toMatchObject({ amount: 100, isVoid: false })
    await doneByTwo(desk, 'close-books', { through: day, ...paper })
    // What comes in afterwards is of no day that is booked: it would stand in nobody's books.
    const { vouchers: more } = await (async () => {
      await paid(desk.house.store, { amount: 5, officeCode: hetang, bankCode: '4310' })
      await session(desk.house.fresh.db, desk.house.store, { bankCode: '4310', number: 2 })
      await writeOffDue(desk.house.flow)
      return { vouchers: (await desk.house.store.vouchers.list({}, 0, 100)).filter(v => v.officeCode === hetang) }
    })()
    const { summaryNo } = more[0]!
    const closed = await receipt(desk.zhang, summaryNo, 5)
    expect(told(closed)).toEqual([409, 'T3014'])
    expect((closed.json.errors as { zh: string }[])[0]!.zh).toMatch(/省局.*补记/)
    const pushed = { summaryNo, treasuryCode: treasury, amount: 5, enteredOn: day }
    expect((await push('treasuryReceipt', '/v1/treasury-receipts', pushed)).json).toMatchObject({ result: { code: '93004' } })
    await expect(
      desk.house.fresh.db.execute(
        "INSERT INTO voucher_event (summary_no, event, amount, on_date, actor, at) VALUES (?, 'received', 5, ?, 'x', NOW(3))",
        [summaryNo, day],
      ),
    ).rejects.toThrow('booked')
    // What was received before may be said again.
    expect(told(await receipt(desk.of('wu'), vouchers[0]!.summaryNo, 300))).toEqual([200, 'replayed'])
    now = new Date(now.getTime() + 24 * 3_600_000)
    expect((await receipt(desk.zhang, summaryNo, 5, { enteredOn: '2026-11-11' })).json).toMatchObject({ state: 'received' })
    now = noonOf(day)
    const late = { ...twice, orderNo: 'u-3', content: { ...twice.content, ticketNo: second } }
    expect(told(await desk.zhang.ask('POST', '/v1/proposals', late))).toEqual([409, 'T3014'])
  })
})

describe('papers of the taxpayer', () => {
  test('the payment voucher: masked, released after a day, printed, sent once more', async () => {
    const { ticketNos } = await vouchered([100])
    const [ticketNo] = ticketNos as [string]
    const path = `/v1/payment-vouchers/${ticketNo}`
    const before = (await get(desk.of('wu'), path)).json
    expect(before).toMatchObject({ amount: 100, treasuryName: '长沙市中心支库', prints: [] })
    expect(before.releasedAt).toBeUndefined()
    expect(JSON.stringify(before)).not.toMatch(/4301000000000000001|91430100600012345X|长沙星城/)
    expect(told(await desk.of('wu').ask('POST', `${path}/reprints`))).toEqual([409, 'T3014'])
    now = new Date(now.getTime() + 25 * 3_600_000)
    await releaseVouchers(desk.house.flow)
    const print = (printMark: string) =>
      push('voucherPrinted', '/v1/voucher-prints', { ticketNo, copies: 1, printMark, printedOn: '2026-11-11' })
    expect((await print('original')).json).toMatchObject({ ticketNo, result: { code: '90000' } })
    expect((await desk.of('wu').ask('POST', `${path}/reprints`)).json).toMatchObject({
      prints: [{ event: 'printed' }, { event: 'resent' }],
    })
    expect((await print('reprint')).json).toMatchObject({ result: { code: '90000' } })
  })

  test('exchanged once, and a certificate for the one that was lost', async () => {
    const { ticketNos, vouchers } = await vouchered([100])
    const issue = (certificateNo: string, more: object = {}) =>
      desk.of('wu').ask('POST', '/v1/certificates', { ticketNo: ticketNos[0], certificateNo, ...more })
    expect(told(await issue('C-1'))).toEqual([409, 'T3014'])
    await receipt(desk.of('wu'), vouchers[0]!.summaryNo, 100)
    now = new Date(now.getTime() + 25 * 3_600_000)
    await releaseVouchers(desk.house.flow)
    expect((await issue('C-1')).json).toMatchObject({ number: 1, remark: expect.stringContaining(vouchers[0]!.summaryNo) })
    expect(told(await issue('C-1'))).toEqual([200, 'replayed'])
    expect(told(await issue('C-2'))).toEqual([409, 'T3014'])
    expect((await issue('C-2', { lostNo: 'C-1' })).json).toMatchObject({ number: 2, remark: '原C-1号完税凭证遗失作废' })
  })
})

test('fees are the province’s, figures are of the offices in sight', async () => {
  await vouchered([100], [5, hetang])
  expect((await get(desk.zhang, '/v1/fees?month=2026-11')).json).toEqual({ month: '2026-11', statements: [] })
  expect(told(await get(desk.of('wu'), '/v1/fees?month=2026-11'))).toEqual([403, 'T3003'])
  const figures = (await get(desk.of('wu'), '/v1/figures/2026-11')).json
  expect(figures).toMatchObject({ from: '2026-11-01', to: '2026-11-30', filingEndsOn: '2026-11-16', dueOn: '2026-11-18', households: 1 })
  expect(figures.rows).toMatchObject([{ officeCode: office, channel: 'computer', result: 'succeeded', debits: 1, amount: 100 }])
  expect((await get(desk.zhang, '/v1/figures/2026-11')).json.rows).toHaveLength(2)
})
