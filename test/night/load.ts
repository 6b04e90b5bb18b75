import { Readable } from 'node:stream'
import mysql from 'mysql2'
import { type Booking, keyCheck, type PrintedBooking, printed } from '../../gateway/domain/booking.ts'
import { bucketHashed, buckets, type EntryKey, hashKey, type PrintKey } from '../../gateway/domain/fingerprint.ts'
import { openDatabase } from '../../gateway/store/database.ts'
import { inserter } from '../../gateway/store/rows.ts'

type Sum = { readonly bankCode: string; readonly date: string; readonly bucket: number; entries: number; low: number; high: number }
type Total = { readonly bankCode: string; readonly date: string; readonly verb: string; entries: number; amount: bigint }
const insertSum = inserter<Sum>('booking_sum', {
  bank_code: s => s.bankCode,
  accounting_date: s => s.date,
  bucket: s => s.bucket,
  entries: s => s.entries,
  low: s => s.low,
  high: s => s.high,
})
const insertTotal = inserter<Total>('booking_total', {
  bank_code: t => t.bankCode,
  accounting_date: t => t.date,
  verb: t => t.verb,
  entries: t => t.entries,
  amount: t => String(t.amount),
})

const columns = `bank_code, accounting_date, bucket, office_code, entrust_date, serial_no, verb, ticket_no, work_date, treasury_code, amount, @digest,
  instruction_id, source, dated_by, seq`
const row = (b: PrintedBooking, seq: number): string =>
  [
    b.bankCode,
    b.accountingDate,
    b.bucket,
    b.officeCode,
    b.entrustDate,
    b.serialNo,
    b.verb,
    b.ticketNo,
    b.workDate,
    b.treasuryCode,
    b.amount,
    b.accountDigest.toString('hex'),
    b.instructionId ?? '\\N',
    b.source,
    b.datedBy,
    seq,
  ].join('\t')

const atOnce = 500_000

/** The numbers below `count` in the order in which the ledger has their entries, so that millions of them are written in a minute. */
export const byBucket = (key: PrintKey, count: number, entryAt: (n: number) => EntryKey): Uint32Array => {
  const bucketOf = new Uint16Array(count)
  const next = new Uint32Array(buckets + 1)
  for (let n = 0; n < count; n++) {
    hashKey(key, entryAt(n))
    bucketOf[n] = bucketHashed()
    next[bucketOf[n]! + 1]!++
  }
  for (let i = 1; i <= buckets; i++) next[i]! += next[i - 1]!
  const sorted = new Uint32Array(count)
  for (let n = 0; n < count; n++) sorted[next[bucketOf[n]!]!++] = n
  return sorted
}

/** Takes the keys beside the primary one off a table; resolves to what makes them again, sorted at once instead of row by row. */
const withoutKeys = async (databaseUrl: string, table: string): Promise<() => Promise<void>> => {
  const alter = async (changes: readonly string[]): Promise<void> => {
    const db = openDatabase(databaseUrl, { connections: 1, statementTimeout: 1_200_000 })
    await db.execute(`ALTER TABLE ${table} ${changes.join(', ')}`)
    await db.close()
  }
  const db = openDatabase(databaseUrl, { connections: 1 })
  const [row] = await db.query<{ 'Create Table': string }>(`SHOW CREATE TABLE ${table}`)
  await db.close()
  const keys = [...row!['Create Table'].matchAll(/^ +KEY `(\w+)` \(.*\)/gm)].map(([text, name]) => ({ text: text.trim(), name }))
  await alter(keys.map(({ name }) => `DROP KEY ${name}`))
  return () => alter(keys.map(({ text }) => `ADD ${text}`))
}

/** Writes bookings and their sums into an empty ledger as the follower of the feed would have left them, many times faster. */
export const loadLedger = async (databaseUrl: string, key: PrintKey, bookings: Iterable<Booking>): Promise<void> => {
  const addKeys = await withoutKeys(databaseUrl, 'booking')
  const sums = new Map<string, Sum>()
  const totals = new Map<string, Total>()
  let seq = 0
  const load = async (rows: readonly { readonly at: string; readonly text: string }[]): Promise<void> => {
    const sorted = rows.toSorted((a, b) => (a.at < b.at ? -1 : 1))
    const parts = function* (): Generator<Buffer> {
      for (let at = 0; at < sorted.length; at += 5_000)
        yield Buffer.from(
          sorted
            .slice(at, at + 5_000)
            .map(({ text }) => `${text}\n`)
            .join(''),
        )
    }
    const loader = mysql.createConnection({ uri: databaseUrl, flags: ['+LOCAL_FILES'] })
    // Nobody replays what is thrown away afterwards.
    loader.query('SET SESSION sql_log_bin = 0, unique_checks = 0, foreign_key_checks = 0')
    await new Promise<void>((resolve, reject) =>
      loader.query(
        {
          sql: `LOAD DATA LOCAL INFILE 'rows' INTO TABLE booking (${columns}) SET account_digest = UNHEX(@digest)`,
          infileStreamFactory: () => Readable.from(parts(), { objectMode: false }),
        },
        error => (error ? reject(error) : resolve()),
      ),
    )
    loader.end()
  }
  let waiting: { readonly at: string; readonly text: string }[] = []
  for (const booking of bookings) {
    const b = printed(key, booking)
    const day = { bankCode: b.bankCode, date: b.accountingDate }
    const at = `${b.bankCode}${b.accountingDate}${String(b.bucket).padStart(5, '0')}`
    const sum = sums.get(at) ?? { ...day, bucket: b.bucket, entries: 0, low: 0, high: 0 }
    sum.entries++
    sum.low = (sum.low + b.low) % 2 ** 32
    sum.high = (sum.high + b.high) % 2 ** 32
    sums.set(at, sum)
    const total = totals.get(`${at.slice(0, 14)}${b.verb}`) ?? { ...day, verb: b.verb, entries: 0, amount: 0n }
    total.entries++
    total.amount += BigInt(b.amount)
    totals.set(`${at.slice(0, 14)}${b.verb}`, total)
    waiting.push({ at, text: row(b, ++seq) })
    if (waiting.length < atOnce) continue
    await load(waiting)
    waiting = []
  }
  await load(waiting)
  await addKeys()
  const db = openDatabase(databaseUrl, { connections: 1 })
  await db.transaction(async tx => {
    await insertSum(tx, [...sums.values()])
    await insertTotal(tx, [...totals.values()])
    await tx.execute('UPDATE booking_cursor SET booked = ?, key_check = ? WHERE id = 1', [seq, keyCheck(key)])
  })
  await db.close()
}
