import { type BookingVerb, hashBooking } from '../domain/booking.ts'
import { daysAfter } from '../domain/calendar-days.ts'
import type { DebitState } from '../domain/debit.ts'
import { bucketHashed, buckets, type EntryKey, hashed, hashKey, type PrintKey } from '../domain/fingerprint.ts'
import { type BucketSums, noSums } from '../domain/match.ts'
import { type Elsewhere, entryName, type TaxEntry } from '../domain/reconcile.ts'
import type { Database, Scalar } from './database.ts'
import { hashPacked, packedEntry } from './packed-entry.ts'
import { lookUp, within } from './rows.ts'

/** A bank day as a session sees it: the bookings up to its frozen position. */
export type LedgerDay = { readonly bankCode: string; readonly accountingDate: string; readonly frozenSeq: number }

/** The ledger's side of a match: sums of a bank day, entries of some of its buckets, and what is known of single keys. */
export type Ledger = {
  /** The sums that were kept as bookings came, without those that came after the session was frozen. All of one moment. */
  keptSums(key: PrintKey, day: LedgerDay): Promise<BucketSums>
  /** The same made anew from the bookings: for when what was kept does not come to the frozen totals. `beat` is called again and again. */
  recountedSums(key: PrintKey, day: LedgerDay, beat: () => Promise<void> | void): Promise<BucketSums>
  /** Goes over the entries of these buckets: the fingerprint of each, its bucket, and its number; `beat` is called again and again. */
  entries(
    key: PrintKey,
    day: LedgerDay,
    wanted: readonly number[],
    tell: (low: number, high: number, bucket: number, seq: number) => void,
    beat: () => Promise<void> | void,
  ): Promise<void>
  /** The entries of the day that have these numbers. */
  numbered(day: LedgerDay, seqs: readonly number[]): Promise<TaxEntry[]>
  /** What is known of keys that one side alone has on this day. */
  elsewhere(
    key: PrintKey,
    day: LedgerDay,
    keys: readonly (EntryKey & { readonly verb: BookingVerb })[],
  ): Promise<ReadonlyMap<string, Elsewhere>>
}

// Rows come as arrays: at a million of them objects cost more than the query.
type EntryRow = readonly [
  officeCode: string,
  entrustDate: string,
  serialNo: string,
  verb: BookingVerb,
  ticketNo: string,
  amount: number,
  digest: Buffer,
  instructionId: number | null,
  datedBy: 'bank' | 'clock',
]
const entryColumns = 'office_code, entrust_date, serial_no, verb, ticket_no, amount, account_digest, instruction_id, dated_by'
const ofDay = 'bank_code = ? AND accounting_date = ?'
const dayOf = ({ bankCode, accountingDate }: LedgerDay): Scalar[] => [bankCode, accountingDate]

const keyIn = ([officeCode, entrustDate, serialNo]: EntryRow): EntryKey => ({ officeCode, entrustDate, serialNo })
/** Makes the fingerprint of a row, in `hashed`. */
const hashRow = (key: PrintKey, row: EntryRow): void =>
  hashBooking(key, { ...keyIn(row), verb: row[3], ticketNo: row[4], amount: row[5] }, row[6])
const entryIn = (row: EntryRow): TaxEntry => ({
  ...keyIn(row),
  verb: row[3],
  ticketNo: row[4],
  amount: row[5],
  accountDigest: row[6].toString('hex'),
  instructionId: row[7] ?? undefined,
  datedBy: row[8],
})

/** Streams rows as arrays; whoever is told of them must be quick. */
const streamed = <Row>(db: Database, sql: string, params: readonly Scalar[], tell: (row: Row) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const query = db.pool.pool.query({ sql, rowsAsArray: true }, [...params])
    query.on('error', reject)
    query.on('result', (row: Row) => {
      try {
        tell(row)
      } catch (error) {
        reject(error)
      }
    })
    query.on('end', resolve)
  })

/** Buckets that one statement asks for. */
const atOnce = 256
/** Buckets that are made anew between two signs of life: of ten million entries a few hundred thousand. */
const recountedAtOnce = 2_048
/** How far from its own accounting date an entry is looked for: the longest holiday, and a day. */
const nearDays = 10

const parts = function* <T>(list: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < list.length; at += size) yield list.slice(at, at + size)
}

type KeyRow = EntryKey & { readonly verb: BookingVerb }
const keyColumns = {
  office_code: ['ascii', (k: KeyRow) => k.officeCode],
  entrust_date: ['date', (k: KeyRow) => k.entrustDate],
  serial_no: ['ascii', (k: KeyRow) => k.serialNo],
  verb: ['ascii', (k: KeyRow) => k.verb],
} as const
const keyNames = (of: string): string => `${of}.office_code AS officeCode, ${of}.entrust_date AS entrustDate, ${of}.serial_no AS serialNo`
const sameKey = (of: string): string =>
  `${of}.office_code = v.office_code AND ${of}.entrust_date = v.entrust_date AND ${of}.serial_no = v.serial_no`

type BookedRow = KeyRow & { accountingDate: string; amount: number; instructionId: number | null; seq: number }
/** Bookings of these keys under some dates of a bank. */
const booked = lookUp<KeyRow & { readonly bucket: number }>(
  { ...keyColumns, bucket: ['int', k => k.bucket] },
  `SELECT b.accounting_date AS accountingDate, ${keyNames('b')}, b.verb, b.amount, b.instruction_id AS instructionId, b.seq
   FROM (?) v STRAIGHT_JOIN JSON_TABLE(?, '$[*]' COLUMNS (day DATE PATH '$')) d
   STRAIGHT_JOIN booking b ON b.bank_code = ? AND b.accounting_date = d.day AND b.bucket = v.bucket AND ${sameKey('b')} AND b.verb = v.verb
   ORDER BY b.accounting_date`,
)
type FoundRow = KeyRow & { accountingDate: string; session: number; taxAmount: number; bankEntries: number }
/** Findings about these keys at a bank. */
const findings = lookUp<KeyRow>(
  keyColumns,
  `SELECT f.accounting_date AS accountingDate, f.session, ${keyNames('f')}, f.verb, f.tax_amount AS taxAmount, f.bank_entries AS bankEntries
   FROM (?) v STRAIGHT_JOIN difference f ON ${sameKey('f')} AND f.verb = v.verb WHERE f.bank_code = ? ORDER BY f.accounting_date, f.ordinal`,
)
type SentRow = KeyRow & { id: number; state: DebitState; bankCode: string; ticketNo: string }
/** The instructions of these keys, whichever bank's. */
const instructions = lookUp<KeyRow>(
  keyColumns,
  `SELECT i.id, i.verb, i.state, i.bank_code AS bankCode, i.ticket_no AS ticketNo, ${keyNames('i')}
   FROM (?) v STRAIGHT_JOIN instruction i ON ${sameKey('i')} AND i.verb = v.verb`,
)
const withBucket = (key: PrintKey, entry: KeyRow): KeyRow & { readonly bucket: number } => {
  hashKey(key, entry)
  return { ...entry, bucket: bucketHashed() }
}

/** Opens the ledger over `db`. */
export const openLedger = (db: Database): Ledger => {
  return {
    keptSums: async (key, day) => {
      const sums = noSums()
      type SumRow = readonly [bucket: number, entries: number, low: number, high: number, ...late: unknown[]]
      await streamed<SumRow>(
        db,
        `SELECT bucket, entries, low, high, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL FROM booking_sum WHERE ${ofDay}
         UNION ALL SELECT bucket, 0, 0, 0, ${entryColumns} FROM booking WHERE ${ofDay} AND seq > ?`,
        [...dayOf(day), ...dayOf(day), day.frozenSeq],
        ([bucket, entries, low, high, ...late]) => {
          if (entries > 0) {
            sums.entries[bucket]! += entries
            sums.low[bucket]! += low
            sums.high[bucket]! += high
          } else {
            hashRow(key, late as unknown as EntryRow)
            sums.entries[bucket]! -= 1
            sums.low[bucket]! -= hashed.low
            sums.high[bucket]! -= hashed.high
          }
        },
      )
      return sums
    },
    recountedSums: async (key, day, beat) => {
      const sums = noSums()
      for (let from = 0; from < buckets; from += recountedAtOnce) {
        await streamed<readonly [entry: Buffer, bucket: number]>(
          db,
          `SELECT ${packedEntry}, bucket FROM booking WHERE ${ofDay} AND bucket BETWEEN ? AND ? AND seq <= ?`,
          [...dayOf(day), from, from + recountedAtOnce - 1, day.frozenSeq],
          ([entry, bucket]) => {
            hashPacked(key, entry)
            sums.entries[bucket]! += 1
            sums.low[bucket]! += hashed.low
            sums.high[bucket]! += hashed.high
          },
        )
        await beat()
      }
      return sums
    },
    entries: async (key, day, wanted, tell, beat) => {
      for (const part of parts(wanted, atOnce)) {
        // A run of buckets is one range.
        const isRun = part.at(-1)! - part[0]! === part.length - 1
        await streamed<readonly [entry: Buffer, bucket: number, seq: number]>(
          db,
          `SELECT ${packedEntry}, bucket, seq FROM booking WHERE ${ofDay} AND ${isRun ? 'bucket BETWEEN ? AND ?' : within('bucket', part.map(String)).join('')}
             AND seq <= ?`,
          [...dayOf(day), ...(isRun ? [part[0]!, part.at(-1)!] : part), day.frozenSeq],
          ([entry, bucket, seq]) => {
            hashPacked(key, entry)
            tell(hashed.low, hashed.high, bucket, seq)
          },
        )
        await beat()
      }
    },
    numbered: async (day, seqs) => {
      const found: TaxEntry[] = []
      for (const part of parts(seqs, atOnce))
        await streamed<EntryRow>(
          db,
          `SELECT ${entryColumns} FROM booking FORCE INDEX (by_day) WHERE ${ofDay} AND ${within('seq', part.map(String)).join('')}`,
          [...dayOf(day), ...part],
          row => void found.push(entryIn(row)),
        )
      return found
    },
    elsewhere: async (key, day, keys) => {
      const known = new Map<string, { -readonly [F in keyof Elsewhere]: Elsewhere[F] }>()
      const of = (name: string) => {
        const found = known.get(name) ?? {}
        known.set(name, found)
        return found
      }
      const near = [daysAfter(day.accountingDate, -nearDays), daysAfter(day.accountingDate, nearDays), day.accountingDate]
      const dates = await db.query<{ date: string }>(
        `SELECT DISTINCT accounting_date AS date FROM booking_total WHERE bank_code = ? AND accounting_date BETWEEN ? AND ? AND accounting_date <> ?
         ORDER BY accounting_date`,
        [day.bankCode, ...near],
      )
      // In their order, so that the last of each day stands.
      const sessions = await db.query<{ date: string; session: number; frozenSeq: number | null }>(
        `SELECT accounting_date AS date, session, frozen_seq AS frozenSeq FROM reconciliation WHERE bank_code = ? AND kind = 'day-end'
           AND state IN ('matched', 'balanced', 'differing') AND accounting_date BETWEEN ? AND ? AND accounting_date <> ? ORDER BY session`,
        [day.bankCode, ...near],
      )
      const latest = new Map(sessions.map(({ date, session }) => [date, session]))
      const frozenAt = new Map(sessions.map(({ date, frozenSeq }) => [date, frozenSeq ?? Number.POSITIVE_INFINITY]))
      const accountingDates = JSON.stringify([day.accountingDate, ...dates.map(({ date }) => date)])
      const [found, bookings, sent] = await Promise.all([
        latest.size === 0 ? [] : findings<FoundRow>(db, keys, [day.bankCode]),
        booked<BookedRow>(
          db,
          keys.map(entry => withBucket(key, entry)),
          [accountingDates, day.bankCode],
        ),
        instructions<SentRow>(db, keys),
      ])
      const missed = new Set<string>()
      for (const row of found) {
        if (latest.get(row.accountingDate) !== row.session) continue
        if (row.bankEntries === 0) missed.add(`${row.accountingDate} ${entryName(row)}`)
        else if (row.taxAmount === 0) of(entryName(row)).listedOn = row.accountingDate
      }
      for (const row of bookings) {
        const { accountingDate, amount, seq } = row
        const instructionId = row.instructionId ?? undefined
        if (accountingDate === day.accountingDate) {
          if (seq <= day.frozenSeq) of(entryName(row)).here = { amount, instructionId }
          continue
        }
        // What was booked after that day's session was frozen nobody has looked for at the bank.
        const atBank = seq <= (frozenAt.get(accountingDate) ?? 0) && !missed.has(`${accountingDate} ${entryName(row)}`)
        of(entryName(row)).booked = { accountingDate, amount, instructionId, atBank }
      }
      for (const { id, state, bankCode, ticketNo, ...row } of sent) of(entryName(row)).instruction = { id, state, bankCode, ticketNo }
      return known
    },
  }
}
