import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Booking, bookingOf, keyCheck, type Moved, printed } from '../../../gateway/domain/booking.ts'
import type { PrintKey } from '../../../gateway/domain/fingerprint.ts'
import { publishAdoption } from '../../../gateway/store/beside.ts'
import { insertBookings } from '../../../gateway/store/bookings.ts'
import { type Database, openConnection, openDatabase } from '../../../gateway/store/database.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { quickPolicy } from '../stage.ts'
import { claimed, doubt, further, newDebit, orderOf, refusal, settledDebit, settlementOf } from './kit.ts'

// The follower of the feed: what moved is booked exactly once, whoever books and whatever becomes of them; the sums are those of the bookings.

const key: PrintKey = { k0: 17, k1: -4 }
const request = (account: string) => JSON.stringify({ workDate: '2026-11-10', treasuryCode: '1801', account })
let fresh: FreshDatabase
let store: Store
beforeAll(async () => {
  fresh = await freshDatabase(8)
  store = openStore(fresh.db)
})
afterAll(() => fresh.drop())

const of = (moved: Moved) => bookingOf(moved, quickPolicy.dayEnd)
const follow = async (at: Pick<Store, 'bookings'> = store, limit = 500): Promise<void> => {
  while ((await at.bookings.follow(key, limit, of)) > 0);
}
beforeEach(() => follow())

const debited = (amount: number, account = '4301001', change = {}) =>
  settledDebit(store, {}, { amount, request: request(account), ...change })
const bookingsOf = (ticketNo: string) =>
  fresh.db.query<{ verb: string; amount: number; seq: number; date: string; treasury: string; by: string; instructionId: number }>(
    `SELECT verb, amount, seq, accounting_date AS date, treasury_code AS treasury, dated_by AS \`by\`, instruction_id AS instructionId
     FROM booking WHERE ticket_no = ? ORDER BY seq`,
    [ticketNo],
  )

/** All sums and totals recounted from the bookings by other means than those that keep them. */
const recount = async () => {
  const rows = await fresh.db.query<Omit<Booking, 'account'> & { bucket: number; digest: Buffer; day: string }>(
    `SELECT CONCAT(bank_code, '/', accounting_date) AS day, bucket, office_code AS officeCode, entrust_date AS entrustDate, serial_no AS serialNo, verb,
       ticket_no AS ticketNo, amount, account_digest AS digest FROM booking`,
  )
  const sums: { [bucket: string]: string } = {}
  const totals: { [verb: string]: string } = {}
  for (const row of rows) {
    const account = accounts.find(each => printed(key, { ...row, account: each } as Booking).accountDigest.equals(row.digest))!
    const { low, high, bucket } = printed(key, { ...row, account } as Booking)
    expect(bucket).toBe(row.bucket)
    const [entries = 0, lows = 0, highs = 0] = sums[`${row.day}/${bucket}`]?.split(' ').map(Number) ?? []
    sums[`${row.day}/${bucket}`] = `${entries + 1} ${(lows + low) % 2 ** 32} ${(highs + high) % 2 ** 32}`
    const [count = '0', sum = '0'] = totals[`${row.day}/${row.verb}`]?.split(' ') ?? []
    totals[`${row.day}/${row.verb}`] = `${Number(count) + 1} ${BigInt(sum) + BigInt(row.amount)}`
  }
  return { sums, totals }
}
const accounts = ['4301001', '4301002', '']
const kept = async () => {
  const sums = await fresh.db.query<{ at: string; sum: string }>(
    "SELECT CONCAT(bank_code, '/', accounting_date, '/', bucket) AS `at`, CONCAT(entries, ' ', low, ' ', high) AS sum FROM booking_sum",
  )
  const totals = await fresh.db.query<{ at: string; sum: string }>(
    "SELECT CONCAT(bank_code, '/', accounting_date, '/', verb) AS `at`, CONCAT(entries, ' ', amount) AS sum FROM booking_total",
  )
  const plain = (rows: { at: string; sum: string }[]) => Object.fromEntries(rows.map(({ at, sum }) => [at, sum]))
  return { sums: plain(sums), totals: plain(totals) }
}
/** Every fen that the instructions say has moved is booked once, and nothing else is. */
const expectComplete = async (): Promise<void> => {
  expect(await kept()).toEqual(await recount())
  const [{ booked, instructed, most, count }] = (await fresh.db.query<{ booked: string; instructed: string; most: number; count: number }>(
    `SELECT (SELECT COALESCE(SUM(amount), 0) FROM booking WHERE source = 'instruction') AS booked,
       (SELECT COALESCE(SUM(COALESCE(booked_amount, amount)), 0) FROM instruction WHERE state = 'succeeded') +
       (SELECT COALESCE(SUM(o.amount), 0) FROM instruction o WHERE o.state = 'refused' AND EXISTS (SELECT 1 FROM instruction r WHERE
          r.original_id = o.id AND r.reason = 'in-doubt' AND r.state = 'succeeded' AND COALESCE(r.booked_amount, r.amount) > 0)) AS instructed,
       (SELECT COALESCE(MAX(seq), 0) FROM booking) AS most, (SELECT COUNT(*) FROM booking) AS count`,
  )) as [{ booked: string; instructed: string; most: number; count: number }]
  expect(booked).toBe(instructed)
  expect(count).toBe(most)
  expect(await store.bookings.cursor()).toEqual({ resultSeq: await store.bookings.feedEnd(), booked: most })
}

describe('what moved is booked', () => {
  test('a debit, on the day the bank names; a refusal is not', async () => {
    const debit = await debited(12_345)
    const refused = await settledDebit(store, refusal, { request: request('4301001') })
    await follow()
    expect(await bookingsOf(debit.ticketNo)).toMatchObject([
      { verb: 'debit', amount: 12_345, date: '2026-11-10', treasury: '1801', by: 'bank', instructionId: debit.instructionId },
    ])
    expect(await bookingsOf(refused.ticketNo)).toEqual([])
    await expectComplete()
  })

  test('where the bank names no day, on that of its contract', async () => {
    const debit = await newDebit(store, { acceptedAt: new Date('2026-11-10T15:59:59.999Z'), request: request('4301001') })
    await store.accept(debit)
    await store.settle(settlementOf({ id: debit.instructionId, ticketNo: debit.ticketNo }, {}, { accountingDate: undefined }))
    await follow()
    expect(await bookingsOf(debit.ticketNo)).toMatchObject([{ date: '2026-11-10', by: 'clock' }])
  })

  test.each(['2025-11-10', '2026-12-10', '2028-11-10', '0001-01-01'])(
    'a day that cannot be, %s, is none: of it no session would be held',
    async slip => {
      const debit = await newDebit(store, { acceptedAt: new Date('2026-11-10T02:00:00.000Z'), request: request('4301001') })
      await store.accept(debit)
      await store.settle(settlementOf({ id: debit.instructionId, ticketNo: debit.ticketNo }, {}, { accountingDate: slip }))
      await follow()
      expect(await bookingsOf(debit.ticketNo)).toMatchObject([{ date: '2026-11-10', by: 'clock' }])
    },
  )

  test('a reversal of a part, with the treasury of its original', async () => {
    const debit = await debited(10_000)
    const reversal = { ...(await further(store, debit, 'reversal', 4_000, 'tax-side')), request: JSON.stringify({ account: '4301001' }) }
    await store.order(orderOf(reversal), () => ({ kind: 'send' }))
    await claimed(store, reversal.id)
    await store.settle(settlementOf({ id: reversal.id, ticketNo: debit.ticketNo, verb: 'reversal' }))
    await follow()
    expect(await bookingsOf(debit.ticketNo)).toMatchObject([
      { verb: 'debit', amount: 10_000 },
      { verb: 'reversal', amount: 4_000, treasury: '1801' },
    ])
    await expectComplete()
  })

  test('a debit that a reversal of our own gave back whole: refused for the tax side, two entries at the bank', async () => {
    const debit = await newDebit(store, { request: request('4301002') })
    await store.accept(debit)
    const tombstone = {
      ...(await further(store, debit, 'reversal', debit.amount, 'in-doubt')),
      request: JSON.stringify({ account: '4301002' }),
    }
    await store.settle(
      settlementOf({ id: debit.instructionId, ticketNo: debit.ticketNo }, { ...doubt, effect: 'tombstone' }, { tombstone }),
    )
    await claimed(store, tombstone.id)
    await store.settle(
      settlementOf({ id: tombstone.id, ticketNo: debit.ticketNo, verb: 'reversal', inDoubt: true }, { effect: 'original-zero' }),
    )
    await follow()
    expect(await bookingsOf(debit.ticketNo)).toMatchObject([
      { verb: 'debit', amount: debit.amount },
      { verb: 'reversal', amount: debit.amount },
    ])
    await expectComplete()
    // The bank has it once more, under a key of its own, and two persons adopt that: their line of the feed moves nothing a second time.
    await fresh.db.transaction(tx =>
      publishAdoption(tx, { ticketNo: debit.ticketNo, instructionId: debit.instructionId, at: new Date('2026-11-11T02:00:00Z') }),
    )
    await follow()
    expect(await bookingsOf(debit.ticketNo)).toHaveLength(2)
    await expectComplete()
  })

  test('a day’s total has room for more than any number of its kind: the booking of other banks does not end with it', async () => {
    await debited(1)
    await follow()
    const debit = await debited(999_999_999_999_999)
    const before = (await store.bookings.dayTotals('4301', '2026-11-10')).debit?.amount ?? 0n
    const huge = 9_223_372_036_854_775_807n - before
    const add = (fen: bigint) =>
      fresh.db.execute(
        "UPDATE booking_total SET amount = amount + CAST(? AS DECIMAL(30, 0)) WHERE accounting_date = '2026-11-10' AND verb = 'debit'",
        [String(fen)],
      )
    await add(huge)
    await follow()
    expect((await store.bookings.dayTotals('4301', '2026-11-10')).debit?.amount).toBe(before + huge + 999_999_999_999_999n)
    expect(await bookingsOf(debit.ticketNo)).toHaveLength(1)
    await add(-huge)
    await expectComplete()
  })

  test('a tombstone of what never was booked is nothing', async () => {
    const debit = await newDebit(store, { request: request('4301002') })
    await store.accept(debit)
    const tombstone = await further(store, debit, 'reversal', debit.amount, 'in-doubt')
    await store.settle(
      settlementOf({ id: debit.instructionId, ticketNo: debit.ticketNo }, { ...doubt, effect: 'tombstone' }, { tombstone }),
    )
    await claimed(store, tombstone.id)
    await store.settle(
      settlementOf({ id: tombstone.id, ticketNo: debit.ticketNo, verb: 'reversal', inDoubt: true }, { effect: 'original-zero', booked: 0 }),
    )
    await follow()
    expect(await bookingsOf(debit.ticketNo)).toEqual([])
    await expectComplete()
  })

  test('what does not come by the feed is added beside it, and counted', async () => {
    const debit = await debited(500)
    await follow()
    const adopted: Booking = {
      officeCode: debit.officeCode,
      entrustDate: debit.entrustDate,
      serialNo: debit.serialNo,
      bankCode: '4301',
      accountingDate: '2026-11-10',
      verb: 'adjustment',
      ticketNo: debit.ticketNo,
      workDate: '2026-11-11',
      treasuryCode: '1801',
      amount: 7,
      account: '4301001',
      instructionId: undefined,
      source: 'notice',
      datedBy: 'bank',
    }
    const before = await store.bookings.freeze('4301', '2026-11-10')
    await fresh.db.transaction(tx => insertBookings(tx, key, [adopted]))
    expect(await bookingsOf(debit.ticketNo)).toMatchObject([{ verb: 'debit' }, { verb: 'adjustment', amount: 7, seq: before.seq + 1 }])
    expect((await store.bookings.dayTotals('4301', '2026-11-10')).adjustment).toEqual({ entries: 1, amount: 7n })
    expect(before.totals.adjustment).toBeUndefined()
    await expectComplete()
  })
})

describe('the bookings are what they were', () => {
  test('none is changed or removed', async () => {
    const debit = await debited(10)
    await follow()
    await expect(fresh.db.execute('UPDATE booking SET amount = 11 WHERE ticket_no = ?', [debit.ticketNo])).rejects.toThrow(
      'only ever added',
    )
    await expect(fresh.db.execute('DELETE FROM booking WHERE ticket_no = ?', [debit.ticketNo])).rejects.toThrow('only ever added')
  })

  test('under another key nothing is booked, and nothing is lost', async () => {
    await debited(10)
    const other = { k0: 18, k1: -4 }
    expect(keyCheck(other).equals(keyCheck(key))).toBe(false)
    await expect(store.bookings.follow(other, 500, of)).rejects.toThrow('another sealing key')
    await follow()
    await expectComplete()
  })

  test('broken off inside the transaction, nothing of it stays', async () => {
    const before = await store.bookings.cursor()
    await debited(10)
    const bad = await debited(20)
    const broken = (moved: Moved) => (moved.ticketNo === bad.ticketNo ? { ...of(moved)!, amount: 0 } : of(moved))
    await expect(store.bookings.follow(key, 500, broken)).rejects.toThrow()
    expect(await store.bookings.cursor()).toEqual(before)
    await follow()
    await expectComplete()
  })
})

test('several at once, whose connections are killed again and again: each result once, in the order of the feed', async () => {
  const debits = await Promise.all(Array.from({ length: 120 }, (_, i) => debited(1_000 + i, accounts[i % 2])))
  const workers = Array.from({ length: 3 }, () => openDatabase(fresh.url, { connections: 1 }))
  const admin = await openConnection(fresh.url, '')
  const schema = new URL(fresh.url).pathname.slice(1)
  let killed = 0
  let done = false
  const killing = (async () => {
    while (!done) {
      const [rows] = (await admin.query('SELECT id FROM information_schema.processlist WHERE db = ?', [schema])) as unknown as [
        { id: number }[],
      ]
      const victim = rows[Math.floor(Math.random() * rows.length)]
      if (victim)
        await admin.query(`KILL ${victim.id}`).then(
          () => killed++,
          () => undefined,
        )
      await pause(3)
    }
  })()
  const end = await again(() => store.bookings.feedEnd())
  const work = async (db: Database): Promise<void> => {
    const { bookings } = openStore(db)
    for (;;) {
      await bookings.follow(key, 3, of).catch(() => 0)
      const reached = await bookings.cursor().catch(() => undefined)
      if (reached?.resultSeq === end) return
    }
  }
  await Promise.all(workers.map(work))
  done = true
  await killing
  await admin.end()
  await Promise.all(workers.map(db => db.close()))
  expect(killed).toBeGreaterThan(0)
  await again(expectComplete)
  const rows = await fresh.db.query<{ id: number }>(
    'SELECT b.instruction_id AS id FROM booking b JOIN result r ON r.instruction_id = b.instruction_id ORDER BY b.seq',
  )
  const feed = await fresh.db.query<{ id: number }>(
    'SELECT r.instruction_id AS id FROM result r JOIN booking b ON r.instruction_id = b.instruction_id ORDER BY r.seq',
  )
  expect(rows).toEqual(feed)
  expect(rows.filter(row => debits.some(debit => debit.instructionId === row.id))).toHaveLength(debits.length)
}, 60_000)

/** A connection of ours may have been among the killed. */
const again = async <T>(run: () => Promise<T>): Promise<T> => {
  for (let left = 5; ; left--) {
    try {
      return await run()
    } catch (error) {
      if (left === 0) throw error
    }
  }
}
