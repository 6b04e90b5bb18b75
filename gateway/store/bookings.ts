import {
  type Booking,
  type BookingVerb,
  bookingVerbs,
  keyCheck,
  type Moved,
  type PrintedBooking,
  printed,
  type Total,
  type Totals,
} from '../domain/booking.ts'
import type { PrintKey } from '../domain/fingerprint.ts'
import { carefully } from './beside.ts'
import type { Database, Tx } from './database.ts'
import { inserter, overKeys } from './rows.ts'

/** How far the feed is booked, and how many bookings there are. */
export type BookingCursor = { readonly resultSeq: number; readonly booked: number }

/** A bank day's bookings as a session keeps them: the last of all that belongs to it, and the totals of its day so far. */
export type Frozen = { readonly seq: number; readonly totals: Totals }

/** 记账分录 of all banks, and their sums. */
export type Bookings = {
  /**
   * Books the next results of the feed, at most `limit`, and moves the cursor: all in one transaction, so that each is booked exactly once. Returns how
   * many results were gone through; 0 also where another process is at it.
   */
  follow(key: PrintKey, limit: number, of: (moved: Moved) => Booking | undefined): Promise<number>
  cursor(): Promise<BookingCursor>
  /** The last number of the feed of results. */
  feedEnd(): Promise<number>
  /** The totals of a bank day so far. */
  dayTotals(bankCode: string, accountingDate: string): Promise<Totals>
  /** The bank days from a date on that have bookings, `bankCode/date`. */
  daysSince(date: string): Promise<string[]>
  /** Position and totals of one moment: no booking falls between them. */
  freeze(bankCode: string, accountingDate: string): Promise<Frozen>
}

const insertBooking = inserter<PrintedBooking & { readonly seq: number }>('booking', {
  bank_code: b => b.bankCode,
  accounting_date: b => b.accountingDate,
  bucket: b => b.bucket,
  office_code: b => b.officeCode,
  entrust_date: b => b.entrustDate,
  serial_no: b => b.serialNo,
  verb: b => b.verb,
  ticket_no: b => b.ticketNo,
  work_date: b => b.workDate,
  treasury_code: b => b.treasuryCode,
  amount: b => b.amount,
  account_digest: b => b.accountDigest,
  instruction_id: b => b.instructionId ?? null,
  source: b => b.source,
  dated_by: b => b.datedBy,
  seq: b => b.seq,
})

type DayBucket = {
  readonly bankCode: string
  readonly accountingDate: string
  readonly bucket: number
  entries: number
  low: number
  high: number
}
const two32 = 0x1_0000_0000
const addSum = inserter<DayBucket>(
  'booking_sum',
  {
    bank_code: s => s.bankCode,
    accounting_date: s => s.accountingDate,
    bucket: s => s.bucket,
    entries: s => s.entries,
    low: s => s.low,
    high: s => s.high,
  },
  `ON DUPLICATE KEY UPDATE entries = entries + VALUES(entries), low = (low + VALUES(low)) % ${two32}, high = (high + VALUES(high)) % ${two32}`,
)
type DayTotal = { readonly bankCode: string; readonly accountingDate: string; readonly verb: BookingVerb; entries: number; amount: bigint }
const addTotal = inserter<DayTotal>(
  'booking_total',
  {
    bank_code: t => t.bankCode,
    accounting_date: t => t.accountingDate,
    verb: t => t.verb,
    entries: t => t.entries,
    amount: t => String(t.amount),
  },
  'ON DUPLICATE KEY UPDATE entries = entries + VALUES(entries), amount = amount + VALUES(amount)',
)

/** What entries add to each bucket and each total, in the order of the keys, so that no two who add wait for each other in a circle. */
const gathered = (entries: readonly PrintedBooking[]) => {
  const sums = new Map<string, DayBucket>()
  const totals = new Map<string, DayTotal>()
  for (const { bankCode, accountingDate, bucket, verb, amount, low, high } of entries) {
    const day = `${bankCode}/${accountingDate}`
    const sum = sums.get(`${day}/${String(bucket).padStart(5, '0')}`) ?? { bankCode, accountingDate, bucket, entries: 0, low: 0, high: 0 }
    sum.entries += 1
    sum.low = (sum.low + low) % two32
    sum.high = (sum.high + high) % two32
    sums.set(`${day}/${String(bucket).padStart(5, '0')}`, sum)
    const total = totals.get(`${day}/${verb}`) ?? { bankCode, accountingDate, verb, entries: 0, amount: 0n }
    total.entries += 1
    total.amount += BigInt(amount)
    totals.set(`${day}/${verb}`, total)
  }
  const inOrder = <T>(map: Map<string, T>): T[] => [...map].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
  return { sums: inOrder(sums), totals: inOrder(totals) }
}

type CursorRow = BookingCursor & { readonly keyCheck: Buffer | null }
const cursorRow = async (tx: Pick<Tx, 'query'>, lock: '' | 'FOR UPDATE' | 'FOR UPDATE SKIP LOCKED' = ''): Promise<CursorRow | undefined> =>
  (await tx.query<CursorRow>(`SELECT result_seq AS resultSeq, booked, key_check AS keyCheck FROM booking_cursor WHERE id = 1 ${lock}`))[0]

const writeBookings = async (tx: Tx, key: PrintKey, bookings: readonly Booking[], at: CursorRow, resultSeq: number): Promise<void> => {
  const check = keyCheck(key)
  if (at.keyCheck && !at.keyCheck.equals(check))
    throw new Error('the bookings so far were made under another sealing key: their sums can be compared with nothing made under this one')
  const entries = bookings.map(booking => printed(key, booking))
  const { sums, totals } = gathered(entries)
  await insertBooking(
    tx,
    entries.map((entry, i) => ({ ...entry, seq: at.booked + 1 + i })),
  )
  await addSum(tx, sums)
  await addTotal(tx, totals)
  await tx.execute('UPDATE booking_cursor SET result_seq = ?, booked = ?, key_check = ? WHERE id = 1', [
    resultSeq,
    at.booked + entries.length,
    check,
  ])
}

/**
 * Books what does not come by the feed, in the transaction of what it follows from: an entry that two persons adopted, a receipt for a notice. It waits
 * for whoever is booking.
 */
export const insertBookings = async (tx: Tx, key: PrintKey, bookings: readonly Booking[]): Promise<void> => {
  const at = await cursorRow(tx, 'FOR UPDATE')
  if (!at) throw new Error('the cursor of the bookings is missing')
  await writeBookings(tx, key, bookings, at, at.resultSeq)
}

type ResultRow = Omit<Moved, 'booked' | 'accountingDate' | 'originalRequest'> & {
  readonly seq: number
  readonly kind: 'outcome' | 'adoption'
  readonly state: 'succeeded' | 'refused'
  readonly amount: number
  readonly bookedAmount: number | null
  readonly accountingDate: string | null
  readonly originalId: number | null
  readonly originalRequest: string | null
}
const columns = `i.id AS instructionId, i.verb, i.ticket_no AS ticketNo, i.office_code AS officeCode, i.entrust_date AS entrustDate,
  i.serial_no AS serialNo, i.bank_code AS bankCode, i.state, i.amount, i.booked_amount AS bookedAmount, i.accounting_date AS accountingDate,
  COALESCE(i.last_sent_at, i.settled_at) AS sentAt, i.settled_at AS settledAt, i.request, i.original_id AS originalId, o.request AS originalRequest`
/** Reversals of our own that gave something back: nobody is told of them, but both entries are in the bank's books. */
const ownReversals = overKeys(
  `SELECT 0 AS seq, 'outcome' AS kind, ${columns} FROM instruction i JOIN instruction o ON o.id = i.original_id
   WHERE i.verb = 'reversal' AND i.reason = 'in-doubt' AND i.state = 'succeeded' AND COALESCE(i.booked_amount, i.amount) > 0 AND i.ticket_no IN (?)`,
)

const movedOf = (row: ResultRow): Moved => ({
  ...row,
  booked: row.state === 'succeeded' ? (row.bookedAmount ?? row.amount) : 0,
  accountingDate: row.accountingDate ?? undefined,
  originalRequest: row.originalRequest ?? undefined,
})

/**
 * All that moved, of results in their order. A debit that ended as refused because a reversal of our own gave it back whole had been booked all the
 * same: at the bank both entries stand.
 */
const movements = async (tx: Tx, rows: readonly ResultRow[]): Promise<Moved[]> => {
  const doubtful = rows.filter(row => row.verb !== 'reversal')
  const own = doubtful.length === 0 ? [] : await ownReversals.query<ResultRow>(tx, [...new Set(doubtful.map(row => row.ticketNo))])
  return rows.flatMap(row => {
    const back = own.filter(reversal => reversal.originalId === row.instructionId).map(movedOf)
    const moved = movedOf(row)
    return back.length === 0 ? [moved] : [{ ...moved, booked: moved.booked === 0 ? row.amount : moved.booked }, ...back]
  })
}

const totalsFrom = async (tx: Pick<Tx, 'query'>, bankCode: string, accountingDate: string): Promise<Totals> => {
  const rows = await tx.query<{ verb: BookingVerb; entries: number; amount: number | string }>(
    'SELECT verb, entries, amount FROM booking_total WHERE bank_code = ? AND accounting_date = ?',
    [bankCode, accountingDate],
  )
  const found = new Map(rows.map(({ verb, entries, amount }): [BookingVerb, Total] => [verb, { entries, amount: BigInt(amount) }]))
  return Object.fromEntries(bookingVerbs.flatMap(verb => (found.has(verb) ? [[verb, found.get(verb)!]] : [])))
}

/** Opens the bookings over `db`. */
export const openBookings = (db: Database): Bookings => ({
  follow: (key, limit, of) =>
    carefully(() =>
      db.transaction(async tx => {
        const at = await cursorRow(tx, 'FOR UPDATE SKIP LOCKED')
        if (!at) return 0
        const rows = await tx.query<ResultRow>(
          `SELECT r.seq, r.kind, ${columns} FROM result r JOIN instruction i ON i.id = r.instruction_id LEFT JOIN instruction o ON o.id = i.original_id
           WHERE r.seq > ? ORDER BY r.seq LIMIT ?`,
          [at.resultSeq, limit],
        )
        const last = rows.at(-1)
        if (!last) return 0
        // What was adopted has been booked by the adoption.
        const moved = await movements(
          tx,
          rows.filter(row => row.kind === 'outcome'),
        )
        await writeBookings(
          tx,
          key,
          moved.flatMap(each => of(each) ?? []),
          at,
          last.seq,
        )
        return rows.length
      }),
    ),
  cursor: async () => {
    const { resultSeq, booked } = (await cursorRow(db)) ?? { resultSeq: 0, booked: 0 }
    return { resultSeq, booked }
  },
  feedEnd: async () => (await db.query<{ next: number }>("SELECT next FROM counter WHERE name = 'result'"))[0]!.next - 1,
  dayTotals: (bankCode, accountingDate) => totalsFrom(db, bankCode, accountingDate),
  daysSince: async date =>
    (
      await db.query<{ day: string }>(
        "SELECT DISTINCT CONCAT(bank_code, '/', accounting_date) AS day FROM booking_total WHERE accounting_date >= ?",
        [date],
      )
    ).map(({ day }) => day),
  freeze: (bankCode, accountingDate) =>
    db.transaction(async tx => {
      const at = await cursorRow(tx, 'FOR UPDATE')
      return { seq: at?.booked ?? 0, totals: await totalsFrom(tx, bankCode, accountingDate) }
    }),
})
