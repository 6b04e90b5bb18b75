import { bookingOf } from '../../gateway/domain/booking.ts'
import { shanghaiDate } from '../../gateway/domain/time.ts'
import type { Flow } from '../../gateway/flows/flow.ts'
import { writeOffDue } from '../../gateway/flows/write-off.ts'
import type { Database } from '../../gateway/store/database.ts'
import type { NewDebit } from '../../gateway/store/debits.ts'
import { sqlTime } from '../../gateway/store/rows.ts'
import type { Store } from '../../gateway/store/store.ts'
import { claimed, further, orderOf, settledDebit, settlementOf } from './store/kit.ts'

// A bank day as it stands after its sessions, for what follows from it.

/** The day of these suites, and noon of it in the province. */
export const day = '2026-11-10'
export const noonOf = (date: string): Date => new Date(`${date}T12:00:00+08:00`)

/** A treasury of the sample province, and an office that pays into it. */
export const office = '14301020000'
export const treasury = '18010000'

type Paid = {
  readonly amount?: number
  readonly bankCode?: string
  readonly officeCode?: string
  readonly treasuryCode?: string
  readonly channel?: 'computer' | 'phone'
  readonly fixedQuota?: boolean
  readonly taxpayerId?: string
}
/** The message of a debit as the tax side's order makes it. */
export const requestOf = ({
  amount = 10_000,
  treasuryCode = treasury,
  channel = 'computer',
  taxpayerId = '91430100600012345X',
}: Paid): string =>
  JSON.stringify({
    workDate: day,
    channel,
    taxpayerId,
    taxpayerName: '长沙星城机械有限公司',
    account: '4301000000000000001',
    payerBankNo: '313551000001',
    treasuryCode,
    clearingNo: '011551000018',
    amount,
    items: [
      {
        taxCode: '10101',
        taxName: '增值税',
        budgetSubject: '101010106',
        budgetLevel: '1',
        periodStart: '2026-10-01',
        periodEnd: '2026-10-31',
        amount,
      },
    ],
  })
/** A ticket whose debit the bank has confirmed. */
export const paid = async (store: Store, how: Paid = {}): Promise<string> => {
  const { amount = 10_000, bankCode = '4301', officeCode = office, fixedQuota } = how
  const change = { amount, bankCode, officeCode, request: requestOf(how), ...(fixedQuota === undefined ? {} : { fixedQuota }) }
  return (await settledDebit(store, {}, change)).ticketNo
}

/** Its bank has given back so much of it, at the tax side's wish. */
export const givenBack = async (store: Store, ticketNo: string, amount: number): Promise<void> => {
  const { instructionId, bankCode } = (await store.find(ticketNo))!
  const plain = await further(store, { ticketNo, instructionId, bankCode } as NewDebit, 'reversal', amount, 'tax-side')
  const reversal = { ...plain, request: requestOf({ amount }) }
  await store.order(orderOf(reversal), () => ({ kind: 'send' }))
  const { attemptNo } = (await claimed(store, reversal.id))!
  await store.settle(settlementOf({ id: reversal.id, ticketNo, verb: 'reversal' }, {}, { attemptNo }))
}

/** Books all that the feed tells. */
export const follow = async (store: Store): Promise<void> => {
  while ((await store.bookings.follow({ k0: 1, k1: 2 }, 500, moved => bookingOf(moved, '24:00'))) > 0);
}

/** What a session of the day has found, by plain SQL: how it comes about is the business of the sessions. */
export const session = async (
  db: Database,
  store: Store,
  how: {
    readonly bankCode?: string
    readonly date?: string
    readonly number?: number
    readonly state?: 'opened' | 'taken' | 'balanced' | 'differing'
    readonly reason?: string
  } = {},
): Promise<void> => {
  await follow(store)
  const { bankCode = '4301', date = day, number = 1, state = 'balanced', reason = '' } = how
  const { booked } = await store.bookings.cursor()
  const over = state === 'balanced' || state === 'differing' ? sqlTime(noonOf(date)) : null
  const at = sqlTime(noonOf(date))
  await db.execute(
    `INSERT INTO reconciliation (bank_code, accounting_date, session, work_date, kind, state, opened_by, reason, opened_at, frozen_seq, frozen_at,
       matched_at, done_at) VALUES (?, ?, ?, ?, 'day-end', ?, 'test', ?, ?, ?, ?, ?, ?)`,
    [bankCode, date, number, date, state, reason, at, booked, at, over, over],
  )
}

/** A voucher is received by its treasury, on the day of its deadline. */
export const receive = async (store: Store, summaryNo: string, now: Date): Promise<void> => {
  const voucher = (await store.vouchers.find(summaryNo))!
  const { amount, treasuryCode, workDate: on } = voucher
  await store.treasuries.hear({ event: 'received', summaryNo, amount, treasuryCode, on, actor: 'test' }, shanghaiDate(now), now)
}

let sessions = 0
/** A ticket that is written off, stands in a voucher, and is received by the treasury, at noon of the day. */
export const received = async (flow: Flow, db: Database): Promise<string> => {
  const { store } = flow
  const ticketNo = await paid(store)
  await session(db, store, { number: ++sessions })
  const now = noonOf(day)
  await writeOffDue({ ...flow, clock: () => now })
  await receive(store, (await store.ticketLives.life(ticketNo))!.summaryNo!, now)
  return ticketNo
}

const ofTheDay =
  `write_off_batch write_off summary_voucher_line summary_voucher voucher_event province_booking write_off_undo ticket_reissue treasury_report
  payment_voucher payment_voucher_event certificate fee fee_statement bank_call bank_message booking booking_sum booking_total reconciliation difference
  break instruction ticket`.split(/\s+/)
/** Takes away all that a day has left, as no statement of the gateway could, so that each test has a day of its own without a schema of its own. */
export const emptyDay = async (db: Database): Promise<void> => {
  const connection = await db.pool.getConnection()
  try {
    await connection.query('SET FOREIGN_KEY_CHECKS = 0')
    // An empty table is not truncated, which takes longer than to look.
    const [[holds]] = (await connection.query(
      `SELECT ${ofTheDay.map(table => `EXISTS (SELECT 1 FROM ${table}) AS ${table}`).join(', ')}`,
    )) as unknown as [[{ readonly [table: string]: number }]]
    for (const table of ofTheDay) if (holds[table] === 1) await connection.query(`TRUNCATE TABLE ${table}`)
    await connection.query("DELETE FROM counter WHERE name LIKE 'summary/%'")
    await connection.query('SET FOREIGN_KEY_CHECKS = 1')
  } finally {
    connection.release()
  }
}
