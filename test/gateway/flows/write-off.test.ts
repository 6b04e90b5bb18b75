import { outcome } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { alarmOfRefusals, callBanks, type Refusals } from '../../../gateway/flows/bank-calls.ts'
import type { Flow, Note } from '../../../gateway/flows/flow.ts'
import { hearBank } from '../../../gateway/flows/hear.ts'
import { closeFees, raiseAlarms, releaseVouchers, voucherMakers } from '../../../gateway/flows/vouchers.ts'
import { writeOffDue } from '../../../gateway/flows/write-off.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { day, emptyDay, givenBack, noonOf, office, paid, receive, session, treasury } from '../day-end.ts'
import { sampleReference } from '../stage.ts'

// From a balanced day to the treasury, over a real record (art. 36–39); the clock is the test's.

let fresh: FreshDatabase
let store: Store
let now = noonOf(day)
let notes: Note[] = []
const reference = sampleReference()
const flowOf = (owner: string): Flow => ({
  clock: () => now,
  random: () => 0.5,
  pause: () => Promise.resolve(),
  store,
  call: () => Promise.reject(new Error('no bank is called here')),
  isTimely: () => true,
  heldUntil: () => undefined,
  accountingDate: () => undefined,
  reference: () => reference,
  owner,
  leaseMs: 500,
  printKey: () => ({ k0: 1, k1: 2 }),
  note: note => void notes.push(note),
  settled: () => {},
})
const at = (time: string, date = day) => new Date(`${date}T${time}+08:00`)
const vouchersOf = (filter: Parameters<Store['vouchers']['list']>[0] = {}) => store.vouchers.list(filter, 0, 100)
const sum = async (sql: string): Promise<bigint> => BigInt((await fresh.db.query<{ sum: string }>(sql))[0]!.sum)
/** The sums of all books that must be equal when all is received. */
const sums = async () => ({
  tickets: await sum('SELECT COALESCE(SUM(amount), 0) AS sum FROM write_off'),
  lines: await sum('SELECT COALESCE(SUM(amount), 0) AS sum FROM summary_voucher_line'),
  vouchers: await sum('SELECT COALESCE(SUM(amount), 0) AS sum FROM summary_voucher'),
  received: await sum("SELECT COALESCE(SUM(amount), 0) AS sum FROM voucher_event WHERE event = 'received'"),
})
let serial = 0
const key = () => ({ officeCode: office, entrustDate: day, serialNo: String(++serial).padStart(8, '0') })
const remit = (summaryNo: string, amount: number, change: object = {}) =>
  hearBank(flowOf('one'), '4301', 'remitConfirmation', { ...key(), summaryNo, amount, remittedAt: day, ...change })
const receipt = (summaryNo: string, amount: number, change: object = {}) =>
  hearBank(flowOf('one'), '4301', 'treasuryReceipt', { ...key(), summaryNo, treasuryCode: treasury, amount, enteredOn: day, ...change })

beforeAll(async () => {
  fresh = await freshDatabase()
  store = openStore(fresh.db)
})
afterAll(() => fresh.drop())
beforeEach(async () => {
  await emptyDay(fresh.db)
  now = noonOf(day)
  notes = []
})

test('a balanced day goes to the treasury, to the fen', async () => {
  await paid(store, { amount: 12_345 })
  await paid(store, { amount: 100 })
  await paid(store, { amount: 7, officeCode: '14301030000' })
  await paid(store, { amount: 999, channel: 'phone', fixedQuota: true })
  await session(fresh.db, store)
  now = at('11:59:59.999')
  expect(await writeOffDue(flowOf('one'))).toBe(0)
  now = noonOf(day)
  expect(await writeOffDue(flowOf('one'))).toBe(1)
  expect(notes).toMatchObject([{ event: 'written-off', bankCode: '4301', count: 4 }])

  const made = await vouchersOf()
  expect(made.map(v => [v.officeCode, v.tickets, v.amount, v.state, v.workDate])).toEqual([
    ['14301020000', 3, 13_444, 'made', day],
    ['14301030000', 1, 7, 'made', day],
  ])
  expect(made[0]!.summaryNo).toBe('26111014301020000001')
  expect(made[0]!.deadline).toEqual(at('16:00:00'))
  expect(made[0]!.leadBranch).toBeTruthy()
  const [call] = await store.bankCalls.dueBankCalls('4301', now, 10)
  expect(call).toMatchObject({
    verb: 'summaryVoucher',
    subject: made[0]!.summaryNo,
    content: { amount: 13_444, ticketCount: 3, deadline: '1600' },
  })
  // Done again nothing happens.
  expect(await writeOffDue(flowOf('two'))).toBe(0)

  const [first, second] = made as [(typeof made)[0], (typeof made)[0]]
  expect((await remit(first.summaryNo, 13_444)).code).toBe('90000')
  expect((await receipt(first.summaryNo, 13_444)).code).toBe('90000')
  expect((await receipt(second.summaryNo, 7)).code).toBe('90000')
  expect((await vouchersOf()).map(v => v.state)).toEqual(['received', 'received'])
  const all = await sums()
  expect(new Set(Object.values(all))).toEqual(new Set([13_451n]))
})

describe('only what is matched', () => {
  test('nothing of a day that is not balanced, and of one that becomes balanced later at once', async () => {
    await paid(store)
    await session(fresh.db, store, { state: 'differing' })
    expect(await writeOffDue(flowOf('one'))).toBe(0)
    await session(fresh.db, store, { number: 2 })
    now = at('15:10:00')
    expect(await writeOffDue(flowOf('one'))).toBe(1)
    expect(await vouchersOf()).toHaveLength(1)
  })
  test('nothing that was booked after the session was frozen, until a later session has seen it', async () => {
    await paid(store, { amount: 1 })
    await session(fresh.db, store)
    await paid(store, { amount: 2 })
    await session(fresh.db, store, { bankCode: '4306' })
    expect(await writeOffDue(flowOf('one'))).toBeGreaterThan(0)
    expect((await vouchersOf()).map(v => v.amount)).toEqual([1])
    await session(fresh.db, store, { number: 2 })
    await writeOffDue(flowOf('one'))
    expect((await vouchersOf()).map(v => v.amount)).toEqual([1, 2])
  })
  test('nothing of an open break; it is looked at again on another day of work', async () => {
    const ticketNo = await paid(store, { amount: 5 })
    await paid(store, { amount: 6 })
    await session(fresh.db, store)
    const [{ id } = { id: 0 }] = await fresh.db.query<{ id: number }>('SELECT id FROM instruction WHERE ticket_no = ?', [ticketNo])
    const found = { ticketNo, instructionId: id, kind: 'over-debited', source: 'late-answer', taxAmount: 5, bankAmount: 9 } as const
    await store.declareBreak({ ...found, at: now, actor: 'test', reason: 'test' })
    await writeOffDue(flowOf('one'))
    expect((await vouchersOf()).map(v => v.amount)).toEqual([6])
    await fresh.db.execute('UPDATE break SET closed_at = ?, closed_by = 1 WHERE ticket_no = ?', ['2026-11-10 08:00:00.000', ticketNo])
    expect(await writeOffDue(flowOf('one'))).toBe(0)
    now = at('12:00:01', '2026-11-11')
    expect(await writeOffDue(flowOf('one'))).toBe(1)
    expect((await vouchersOf()).map(v => v.amount)).toEqual([6, 5])
  })
  test('by SQL neither', async () => {
    const ticketNo = await paid(store)
    await session(fresh.db, store, { state: 'differing' })
    await fresh.db.execute(
      `INSERT INTO write_off_batch (bank_code, accounting_date, batch, session, work_date, begun_at, lease_owner, lease_until)
       VALUES ('4301', '${day}', 1, 1, '${day}', NOW(3), 'x', NOW(3))`,
    )
    const writeOff = (amount = 10_000) =>
      fresh.db.execute(
        `INSERT INTO write_off (ticket_no, bank_code, accounting_date, batch, office_code, treasury_code, channel, amount, paid_at, work_date, at)
         VALUES (?, '4301', '${day}', 1, ?, ?, 'computer', ?, NOW(3), '${day}', NOW(3))`,
        [ticketNo, office, treasury, amount],
      )
    await expect(writeOff()).rejects.toThrow('only what was matched')
    await session(fresh.db, store, { number: 2 })
    await expect(writeOff(10_001)).rejects.toThrow('only what stands of a ticket')
    await writeOff()
    await expect(writeOff()).rejects.toThrow('Duplicate')
    await expect(fresh.db.execute('UPDATE write_off SET amount = 1')).rejects.toThrow('never changed')
    await expect(fresh.db.execute('DELETE FROM write_off')).rejects.toThrow('never deleted')
    // A voucher that is not the sum of its tickets.
    await fresh.db.execute("INSERT INTO summary_voucher_line (ticket_no, summary_no, amount) VALUES (?, '1', 10000)", [ticketNo])
    const voucher = (amount: number) =>
      fresh.db.execute(
        `INSERT INTO summary_voucher (summary_no, office_code, numbered_on, number, treasury_code, clearing_no, bank_code, lead_branch, account,
           accounting_date, work_date, tickets, amount, deadline, made_at)
         VALUES ('1', ?, '${day}', 1, ?, '1', '4301', 'x', '1', '${day}', '${day}', 1, ?, NOW(3) + INTERVAL 1 HOUR, NOW(3))`,
        [office, treasury, amount],
      )
    await expect(voucher(10_001)).rejects.toThrow('the sum of its tickets')
    await voucher(10_000)
    const event = (amount: number) =>
      fresh.db.execute(
        `INSERT INTO voucher_event (summary_no, event, amount, on_date, actor, at) VALUES ('1', 'received', ?, '${day}', 'x', NOW(3))`,
        [amount],
      )
    await expect(event(9_999)).rejects.toThrow('another sum')
    await event(10_000)
    await expect(event(10_000)).rejects.toThrow('Duplicate')
  })
})

describe('broken off, and by several', () => {
  test('a batch whose worker died is gone on with when its lease is over; what it had is not done twice', async () => {
    for (let i = 1; i <= 6; i++) await paid(store, { amount: i })
    await session(fresh.db, store)
    const [found] = await store.writeOffs.dueDays(day, now)
    const lease = { now, leaseUntil: at('12:01:00') }
    const dead = (await store.writeOffs.begin(found!, 'dead', day, lease))!
    const pass = () => ({ objection: undefined, fee: 0 })
    expect(await store.writeOffs.writeOff(dead, 0, 2, pass, lease)).toMatchObject({ kind: 'done', written: 2 })
    expect(await writeOffDue(flowOf('two'))).toBe(0)
    now = at('12:01:00')
    expect(await writeOffDue(flowOf('two'))).toBe(1)
    // The dead one comes back to life: its fence is gone.
    expect(await store.writeOffs.writeOff(dead, 0, 2, pass, lease)).toEqual({ kind: 'lost' })
    expect((await vouchersOf()).map(v => [v.tickets, v.amount])).toEqual([[6, 21]])
  })
  test('two workers at once make one of each', async () => {
    for (let i = 1; i <= 30; i++) await paid(store, { amount: i, officeCode: i % 2 === 0 ? office : '14301030000' })
    await session(fresh.db, store)
    const worked = await Promise.all(['one', 'two', 'three'].map(owner => writeOffDue(flowOf(owner))))
    expect(worked.reduce((a, b) => a + b)).toBe(1)
    expect(notes.filter(note => note.event === 'trouble')).toEqual([])
    expect((await vouchersOf()).map(v => v.amount)).toEqual([240, 225])
    expect((await sums()).vouchers).toBe((await sums()).tickets)
  })
  test('two banks number their vouchers of one office without a gap or a repetition', async () => {
    for (const bankCode of ['4301', '4306', '4310'])
      for (const amount of [1, 2]) await paid(store, { bankCode, amount, officeCode: amount === 1 ? office : '14301030000' })
    for (const bankCode of ['4301', '4306', '4310']) await session(fresh.db, store, { bankCode })
    await Promise.all(['one', 'two', 'three'].map(owner => writeOffDue(flowOf(owner))))
    expect(notes.filter(note => note.event === 'trouble')).toEqual([])
    const numbers = (await vouchersOf()).map(v => v.summaryNo).toSorted()
    expect(numbers).toEqual(['14301020000', '14301030000'].flatMap(o => [1, 2, 3].map(n => `261110${o}00${n}`)))
  })
  test('without a remittance account there is no voucher; with one it is made', async () => {
    await paid(store, { treasuryCode: '99999999' })
    await session(fresh.db, store)
    expect(await writeOffDue(flowOf('one'))).toBe(0)
    expect(notes).toMatchObject([{ event: 'trouble', detail: expect.stringContaining('no voucher for treasury 99999999') }])
    expect(await vouchersOf()).toEqual([])
  })
})

describe('what is said of a voucher', () => {
  const one = async (amount = 500) => {
    await paid(store, { amount })
    await session(fresh.db, store)
    await writeOffDue(flowOf('one'))
    return (await vouchersOf())[0]!
  }
  test('a wrong sum is recorded as differing, never taken; the right one is taken after it', async () => {
    const { summaryNo } = await one()
    expect((await receipt(summaryNo, 501)).code).toBe('93004')
    expect((await receipt(summaryNo, 500, { treasuryCode: '18020000' })).code).toBe('93004')
    // A bank that works ahead over holidays dates by ten days in advance at most.
    expect((await receipt(summaryNo, 500, { enteredOn: '2026-11-21' })).code).toBe('93004')
    expect((await remit(summaryNo, 499)).code).toBe('93004')
    expect(await store.vouchers.find(summaryNo)).toMatchObject({ state: 'made', differences: 4 })
    expect((await store.vouchers.happenings(summaryNo)).map(h => h.rule)).toEqual([
      'amount-differs',
      'another-treasury',
      'date-impossible',
      'amount-differs',
    ])
    expect((await receipt(summaryNo, 500)).code).toBe('90000')
    expect(await store.vouchers.find(summaryNo)).toMatchObject({ state: 'received', enteredOn: day })
  })
  test('the same again gets the same receipt, under the same key and under another', async () => {
    const { summaryNo } = await one()
    const message = { ...key(), summaryNo, treasuryCode: treasury, amount: 500, enteredOn: day }
    const say = () => hearBank(flowOf('one'), '4301', 'treasuryReceipt', message)
    expect([(await say()).code, (await say()).code]).toEqual(['90000', '90000'])
    expect((await receipt(summaryNo, 500)).code).toBe('90000')
    expect((await receipt(summaryNo, 500, { enteredOn: '2026-11-09' })).code).toBe('93004')
    expect((await store.vouchers.happenings(summaryNo)).map(h => h.event)).toEqual(['received', 'differs'])
  })
  test('of no voucher, or of another bank’s', async () => {
    const { summaryNo } = await one()
    expect((await receipt('26111014301020000999', 500)).code).toBe('94054')
    const other = { ...key(), summaryNo, amount: 500, remittedAt: day }
    expect((await hearBank(flowOf('one'), '4306', 'remitConfirmation', other)).code).toBe('94054')
    expect((await store.vouchers.find(summaryNo))!.state).toBe('made')
  })
  test('what is remitted on paper while its line is down the bank is not told under a second key', async () => {
    const { summaryNo } = await one()
    let says: 'refused' | 'undelivered' | 'taken' = 'refused'
    const line = (async (_bank: string, _verb: string, request: object) => {
      if (says === 'undelivered') return { answer: { kind: 'undelivered', fault: 'connect-failed' }, transcript: '{}' }
      const result = outcome(says === 'taken' ? '90000' : '93004')
      return { answer: { kind: 'answered', outcome: result, amount: 0 }, told: { ...request, result }, transcript: '{}' }
    }) as unknown as Flow['call']
    const told = async () => {
      await callBanks({ ...flowOf('one'), call: line }, voucherMakers)
      return store.bankCalls.told('4301', 'summaryVoucher', summaryNo)
    }
    expect(await told()).toMatchObject({ code: '93004' })
    expect(await store.tellAgain.voucher(summaryNo, { now, actor: 'urn:li', reason: '银行已能收' })).toEqual({ kind: 'ordered' })
    says = 'undelivered'
    expect(await told()).toMatchObject({ attemptNo: 1, doneAt: undefined })
    expect((await remit(summaryNo, 500)).code).toBe('90000')
    says = 'taken'
    now = at('13:00:00')
    expect(await told()).toMatchObject({ attemptNo: 2, fault: 'withdrawn', code: undefined })
    expect((await store.vouchers.happenings(summaryNo)).map(({ event }) => event)).toEqual(['ordered-again', 'refused', 'remitted'])
  })
  test('the alarms come once each, as the hour comes nearer, and not when the money is on its way', async () => {
    const { summaryNo } = await one()
    for (const [time, raised] of [
      ['14:59:59', 0],
      ['15:00:00', 1],
      ['15:20:00', 0],
      ['15:30:00', 1],
      ['16:00:00', 1],
      ['16:30:00', 0],
    ] as const) {
      now = at(time)
      expect(await raiseAlarms(flowOf('one')), time).toBe(raised)
    }
    expect((await store.vouchers.happenings(summaryNo)).map(h => h.event)).toEqual(['due-soon', 'due-urgent', 'overdue'])
    expect(notes.filter(note => note.event === 'deadline')).toHaveLength(3)
    now = noonOf(day)
    await paid(store, { amount: 3 })
    await session(fresh.db, store, { number: 2 })
    await writeOffDue(flowOf('one'))
    const second = (await vouchersOf())[1]!
    await remit(second.summaryNo, 3)
    now = at('16:00:00')
    expect(await raiseAlarms(flowOf('one'))).toBe(0)
  })
})

describe('after 24 hours (art. 34)', () => {
  test('the data of the payment voucher leave once, and prints are held against them', async () => {
    const ticketNo = await paid(store, { amount: 500 })
    await paid(store, { amount: 1, channel: 'phone' })
    await session(fresh.db, store)
    await writeOffDue(flowOf('one'))
    const voucher = (await vouchersOf())[0]!
    const print = (printMark: 'original' | 'reprint') =>
      hearBank(flowOf('one'), '4301', 'voucherPrinted', { ...key(), ticketNo, copies: 1, printMark, printedOn: day })
    expect((await print('original')).code).toBe('93004')
    const life = (await store.ticketLives.life(ticketNo))!
    now = new Date(life.paidAt.getTime() + 24 * 3_600_000 - 1)
    expect(await releaseVouchers(flowOf('one'))).toBe(0)
    now = new Date(life.paidAt.getTime() + 24 * 3_600_000)
    expect(await releaseVouchers(flowOf('one'))).toBe(1)
    expect(await releaseVouchers(flowOf('one'))).toBe(0)
    const calls = await store.bankCalls.dueBankCalls('4301', now, 10)
    const told = calls.find(call => call.verb === 'ticketInformation')!
    expect(JSON.stringify(told.content)).not.toContain('4301000000000000001')
    const message = await voucherMakers.ticketInformation!(flowOf('one'), told)
    expect(message).toMatchObject({
      ticketNo,
      summaryNo: voucher.summaryNo,
      amount: 500,
      printMark: 'original',
      account: '4301000000000000001',
    })
    expect((await print('original')).code).toBe('90000')
    expect((await print('original')).code).toBe('93004')
    expect((await print('reprint')).code).toBe('90000')
    expect((await store.paymentVouchers.prints(ticketNo)).map(p => p.event)).toEqual(['differs', 'printed', 'differs', 'reprinted'])
    expect(await store.paymentVouchers.resend(ticketNo, { now, actor: 'test' }, day)).toBeUndefined()
    const again = (await store.bankCalls.dueBankCalls('4301', now, 10)).find(call => call.subject === `${ticketNo}/5`)!
    expect(await voucherMakers.ticketInformation!(flowOf('one'), again)).toMatchObject({ printMark: 'reprint' })
  })
  test('data that the bank refused are the original still when they are sent once more; of a void ticket nothing leaves', async () => {
    const [ticketNo, other] = [await paid(store, { amount: 500 }), await paid(store, { amount: 600 })]
    await session(fresh.db, store)
    await writeOffDue(flowOf('one'))
    now = new Date((await store.ticketLives.life(ticketNo))!.paidAt.getTime() + 25 * 3_600_000)
    expect(await releaseVouchers(flowOf('one'))).toBe(2)
    const called: object[] = []
    const flow = {
      ...flowOf('one'),
      call: (async (_bank: string, verb: string, request: { ticketNo: string }) => {
        called.push(request)
        const result = outcome(verb === 'summaryVoucher' ? '90000' : '93004')
        return { answer: { kind: 'answered', outcome: result, amount: 0 }, told: { ...request, result }, transcript: '{}' }
      }) as unknown as Flow['call'],
    }
    await fresh.db.execute('UPDATE ticket SET voided_at = NOW(3) WHERE ticket_no = ?', [other])
    const refusals: Refusals = new Map()
    await callBanks(flow, voucherMakers, refusals)
    const informed = () => called.filter(request => 'printMark' in request)
    expect(informed()).toMatchObject([{ ticketNo, printMark: 'original' }])
    expect(await store.paymentVouchers.resend(ticketNo, { now, actor: 'test' }, day)).toBeUndefined()
    await callBanks(flow, voucherMakers, refusals)
    expect(informed()).toMatchObject([
      { ticketNo, printMark: 'original' },
      { ticketNo, printMark: 'original' },
    ])
    // Of a day with hundreds of thousands of tickets one line tells, and then one an hour.
    const told = () => notes.splice(0).filter(({ event }) => event === 'trouble')
    expect(told()).toEqual([])
    expect(alarmOfRefusals(flow, refusals)).toBe(2)
    const detail = 'the bank refuses what it is told of tickets'
    expect(told()).toEqual([{ event: 'trouble', bankCode: '4301', verb: 'ticketInformation', code: '93004', count: 2, detail }])
    expect(await store.paymentVouchers.resend(ticketNo, { now, actor: 'test' }, day)).toBeUndefined()
    await callBanks(flow, voucherMakers, refusals)
    expect(alarmOfRefusals(flow, refusals)).toBe(0)
    now = new Date(now.getTime() + 3_600_000)
    expect([alarmOfRefusals(flow, refusals), alarmOfRefusals(flow, refusals)]).toEqual([1, 0])
  })
})

describe('certificates (art. 40, 41)', () => {
  test('exchanged once, within twelve months, and printed anew for one that was lost', async () => {
    const ticketNo = await paid(store, { amount: 500 })
    await session(fresh.db, store)
    await writeOffDue(flowOf('one'))
    const { summaryNo } = (await vouchersOf())[0]!
    const issue = (certificateNo: string, lostNo?: string, date = day) =>
      store.ticketLives.issue(
        { ticketNo, certificateNo, lostNo, day: date, treasuryName: () => '长沙支库' },
        { now, actor: 'urn:taxlink:operator:zhang' },
      )
    expect(await issue('C1')).toMatchObject({ kind: 'objected', objection: { rule: 'not-received' } })
    await receive(store, summaryNo, now)
    now = new Date(now.getTime() + 25 * 3_600_000)
    await releaseVouchers(flowOf('one'))
    expect(await issue('C1', undefined, '2027-11-01')).toMatchObject({ objection: { rule: 'after-twelve-months' } })
    const issued = await issue('C1')
    expect(issued).toMatchObject({ kind: 'issued', certificate: { number: 1 } })
    expect(issued.kind === 'issued' && issued.certificate.remark).toBe(
      `换票 电子税票号:${ticketNo} 汇总流水号:${summaryNo} 收款国库:长沙支库`,
    )
    expect(await issue('C1')).toMatchObject({ kind: 'repeated' })
    expect(await issue('C2')).toMatchObject({ objection: { rule: 'exchanged-before' } })
    expect(await issue('C2', 'C9')).toMatchObject({ objection: { rule: 'not-the-last' } })
    expect(await issue('C2', 'C1')).toMatchObject({ certificate: { number: 2, remark: '原C1号完税凭证遗失作废', replacesNo: 'C1' } })
    expect((await store.ticketLives.life(ticketNo))!.state).toBe('exchanged')
  })
})

describe('fees (art. 42)', () => {
  test('one yuan for each matched debit by phone of a household under a fixed quota, stated once after the month', async () => {
    await paid(store, { channel: 'phone', fixedQuota: true })
    await paid(store, { channel: 'phone', fixedQuota: true, amount: 5 })
    await paid(store, { channel: 'phone', fixedQuota: false })
    await paid(store, { channel: 'phone' })
    await paid(store, { channel: 'computer', fixedQuota: true })
    // Of which a part went back: what is left goes to the treasury, and nothing is due for it.
    await givenBack(store, await paid(store, { channel: 'phone', fixedQuota: true, amount: 9 }), 4)
    await session(fresh.db, store)
    await writeOffDue(flowOf('one'))
    expect((await sums()).vouchers).toBe(40_010n)
    expect(await store.fees.month('2026-11')).toEqual([{ bankCode: '4301', month: '2026-11', tickets: 2, amount: 200, at: undefined }])
    expect(await closeFees(flowOf('one'))).toBe(0)
    now = at('00:10:00', '2026-12-01')
    expect(await closeFees(flowOf('one'))).toBe(1)
    expect(await closeFees(flowOf('two'))).toBe(0)
    expect(await store.fees.month('2026-11')).toMatchObject([{ tickets: 2, amount: 200, at: now }])
    const calls = await store.bankCalls.dueBankCalls('4301', now, 10)
    expect(calls.find(call => call.verb === 'feeStatement')!.content).toEqual({ month: '202611', count: 2, fee: 200 })
  })
})

describe('the month in figures (art. 49)', () => {
  test('households, debits and sums by office, channel and result', async () => {
    await paid(store, { amount: 5, taxpayerId: 'A' })
    await paid(store, { amount: 6, taxpayerId: 'A' })
    await paid(store, { amount: 7, taxpayerId: 'B', channel: 'phone' })
    expect(await store.statistics.month('2026-11-01', '2026-11-30')).toEqual([
      { officeCode: office, channel: 'computer', result: 'succeeded', households: 1, debits: 2, amount: 11n },
      { officeCode: office, channel: 'phone', result: 'succeeded', households: 1, debits: 1, amount: 7n },
    ])
    expect(await store.statistics.households('2026-11-01', '2026-11-30')).toBe(2)
    expect(await store.statistics.month('2026-11-01', '2026-11-30', ['1'])).toEqual([])
  })
})
