import { type Simulator, simulate } from '@taxlink/bank-conformance/simulator'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bankOf } from '#adapters'
import { callBanks } from '../../../gateway/flows/bank-calls.ts'
import { releaseVouchers, voucherMakers } from '../../../gateway/flows/vouchers.ts'
import { writeOffDue } from '../../../gateway/flows/write-off.ts'
import { type Hearing, openHearing } from '../../../gateway/hearing.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { day, noonOf, paid, session } from '../day-end.ts'
import { quickPolicy, sampleReference, stage, until } from '../stage.ts'

// From a balanced day to 入库销号 over real sockets, both ways: the gateway tells the vouchers, the lead branches remit and bring the treasury's receipts.

const codes = ['4301', '4306'] as const
let fresh: FreshDatabase
let store: Store
let now = noonOf(day)
let played: ReturnType<typeof stage>
let hearing: Hearing
const simulators: Simulator[] = []

beforeAll(async () => {
  fresh = await freshDatabase()
  store = openStore(fresh.db)
  // Long enough for a loaded machine: a time-out here would only be told again.
  const reference = sampleReference({ ...quickPolicy, timeoutMs: 20_000 })
  played = stage(store, reference, [], 'wire', false, () => now)
  const listens = { '4301': { url: 'tcp://127.0.0.1:0', from: [] }, '4306': { url: 'http://127.0.0.1:0', from: [] } }
  hearing = await openHearing({ flow: played.flow, listens, tls: undefined })
  for (const code of codes) {
    const url = hearing.urls[code]!
    simulators.push(await simulate(bankOf(code)!, { accounts: [], accountingDate: day, now: () => now, push: { url, retryMs: 50 } }))
  }
  played.banks.use(codes.map((code, i) => ({ bank: bankOf(code)!, url: simulators[i]!.url, policy: reference.banks.get(code)!.policy })))
})
afterAll(async () => {
  for (const simulator of simulators) await simulator.close()
  await hearing.close()
  await played.close()
  await fresh.drop()
})

test('balanced, written off at noon, told, remitted, received: the sums of all books are one', async () => {
  const amounts = [12_345, 100, 7, 999_999_999]
  for (const bankCode of codes) for (const amount of amounts) await paid(store, { amount, bankCode })
  for (const bankCode of codes) await session(fresh.db, store, { bankCode })
  expect(await writeOffDue(played.flow)).toBe(2)
  await until('all vouchers are received', async () => {
    await callBanks(played.flow, voucherMakers)
    return (await store.vouchers.list({}, 0, 10)).every(voucher => voucher.state === 'received')
  })
  const whole = amounts.reduce((sum, amount) => sum + BigInt(amount), 0n) * 2n
  for (const sql of [
    'SELECT SUM(amount) AS sum FROM booking',
    'SELECT SUM(amount) AS sum FROM write_off',
    'SELECT SUM(amount) AS sum FROM summary_voucher',
    "SELECT SUM(amount) AS sum FROM voucher_event WHERE event = 'remitted'",
    "SELECT SUM(amount) AS sum FROM voucher_event WHERE event = 'received'",
  ])
    expect(BigInt((await fresh.db.query<{ sum: string }>(sql))[0]!.sum), sql).toBe(whole)
  const [voucher] = await store.vouchers.list({}, 0, 1)
  const happened = (await store.vouchers.happenings(voucher!.summaryNo)).map(({ event }) => event)
  expect(happened.toSorted()).toEqual(['received', 'remitted', 'told'])
})

test('a day later the branches have the data of the payment vouchers, print them, and say so', async () => {
  now = new Date(noonOf(day).getTime() + 25 * 3_600_000)
  expect(await releaseVouchers(played.flow)).toBe(8)
  await until('all are printed', async () => {
    await callBanks(played.flow, voucherMakers)
    const [row] = await fresh.db.query<{ n: number }>("SELECT COUNT(*) AS n FROM payment_voucher_event WHERE event = 'printed'")
    return row?.n === 8
  })
  expect(await fresh.db.query("SELECT 1 FROM payment_voucher_event WHERE event = 'differs'")).toEqual([])
})
