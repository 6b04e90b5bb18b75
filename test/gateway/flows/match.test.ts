import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Booking } from '../../../gateway/domain/booking.ts'
import { FileRefused } from '../../../gateway/domain/file-fault.ts'
import type { PrintKey } from '../../../gateway/domain/fingerprint.ts'
import type { Difference } from '../../../gateway/domain/reconcile.ts'
import { type DetailFile, type Matched, type Matching, matchFile } from '../../../gateway/flows/match.ts'
import { insertBookings } from '../../../gateway/store/bookings.ts'
import { openLedger } from '../../../gateway/store/ledger.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { countedDatabase } from '../counted.ts'
import { detailOf, type Line } from '../detail-lines.ts'

// The match over the real record: a file against bookings, with differences of every kind planted in it.

const key: PrintKey = { k0: 5, k1: 6 }
const at = { bankCode: '4301', accountingDate: '2026-11-10', session: 1 }
let fresh: FreshDatabase
let store: Store
beforeAll(async () => {
  fresh = await freshDatabase(4)
  store = openStore(fresh.db)
})
afterAll(() => fresh.drop())

const bookingAt = (n: number, change: Partial<Booking> = {}): Booking => ({
  officeCode: n % 3 === 0 ? '14301030000' : '14301020000',
  entrustDate: at.accountingDate,
  serialNo: String(n).padStart(8, '0'),
  bankCode: at.bankCode,
  accountingDate: at.accountingDate,
  verb: n % 10 === 9 ? 'supplementaryDebit' : 'debit',
  ticketNo: String(440_000_000_000_000_000n + BigInt(n)),
  workDate: at.accountingDate,
  treasuryCode: '1801',
  amount: 10_000 + n,
  account: `4301${String(n % 50).padStart(15, '0')}`,
  instructionId: n,
  source: 'instruction',
  datedBy: 'bank',
  ...change,
})
const lineOf = (
  { officeCode, entrustDate, serialNo, verb, ticketNo, amount, account, instructionId }: Booking,
  change: Partial<Line> = {},
): Line => ({
  officeCode,
  entrustDate,
  serialNo,
  verb,
  ticketNo,
  amount,
  account,
  status: 'booked',
  bankSerial: `S${instructionId}`,
  coreStatus: undefined,
  ...change,
})

/** A bank day of its own for each case. */
let day = 0
const booked = async (bookings: readonly Booking[]) => {
  const accountingDate = new Date(Date.UTC(2026, 0, 1 + 30 * ++day)).toISOString().slice(0, 10)
  const own = bookings.map(b => ({ ...b, accountingDate }))
  await fresh.db.transaction(tx => insertBookings(tx, key, own))
  const frozen = await store.bookings.freeze(at.bankCode, accountingDate)
  return { ...at, accountingDate, frozen: { seq: frozen.seq, totals: frozen.totals } }
}
const match = async (
  { frozen, ...of }: Awaited<ReturnType<typeof booked>>,
  lines: readonly Line[],
  change: Partial<Matching> & { readonly perChunk?: number } = {},
): Promise<Matched & { readonly all: readonly Difference[] }> => {
  const written: Difference[] = []
  const matched = await matchFile({
    ledger: store.ledger,
    key,
    at: of,
    frozen,
    file: detailOf(lines, of, change.perChunk === undefined ? {} : { perChunk: change.perChunk }),
    beat: () => {},
    write: async found => void written.push(...found),
    ...change,
  })
  return { ...matched, all: [...written, ...matched.last] }
}
const shuffled = <T>(list: readonly T[]): T[] =>
  list
    .map((value, i) => ({ value, at: (i * 7_919) % 10_007 }))
    .sort((a, b) => a.at - b.at)
    .map(e => e.value)

const many = Array.from({ length: 3_000 }, (_, i) => bookingAt(i + 1))
/** The file of these bookings with differences of every kind, and what has to be found. */
const planted = (bookings: readonly Booking[]) => {
  const lines: Line[] = []
  const expected = new Map<string, string>()
  const expectAt = (serialNo: string, type: string) => void expected.set(serialNo, type)
  for (const [i, b] of bookings.entries()) {
    const line = lineOf(b)
    switch (i) {
      case 100:
        expectAt(b.serialNo, 'amount-differs')
        lines.push({ ...line, amount: b.amount + 1 })
        break
      case 200:
        expectAt(b.serialNo, 'tax-only')
        break
      case 300:
        expectAt(b.serialNo, 'state-differs')
        lines.push({ ...line, status: 'failed' })
        break
      case 400:
        expectAt(b.serialNo, 'duplicate-at-bank')
        lines.push(line, { ...line, bankSerial: `${line.bankSerial}D` })
        break
      case 500:
        expectAt(b.serialNo, 'particulars-differ')
        lines.push({ ...line, account: '4301999999999999999' })
        break
      case 600:
        expectAt(b.serialNo, 'in-bank')
        lines.push({ ...line, coreStatus: 'missing' })
        break
      case 700:
        expectAt(b.serialNo, 'reversed-one-side')
        lines.push({ ...line, status: 'reversed' })
        break
      case 800:
        expectAt(b.serialNo, 'particulars-differ')
        lines.push({ ...line, serialNo: '88888888' })
        break
      default:
        lines.push(i % 5 === 0 ? { ...line, coreStatus: 'same' } : line)
    }
  }
  const stranger = bookingAt(9_000_001, { instructionId: 9_000_001 })
  expectAt(stranger.serialNo, 'bank-only')
  lines.push(lineOf(stranger), lineOf(bookingAt(9_000_002), { status: 'failed' }))
  return { lines, expected }
}

describe('differences of every kind', () => {
  test.each<[string, { readonly perChunk?: number; readonly room?: { readonly entries: number; readonly left: number } }]>([
    ['at once', {}],
    ['in three chunks', { perChunk: 1_111 }],
    ['with room for few entries at a time', { room: { entries: 150, left: 10 } }],
  ])('each is found and nothing else, %s', async (_, how) => {
    const of = await booked(many)
    const { lines, expected } = planted(many)
    const { all, equal, counts } = await match(of, lines, how)
    const found = new Map(all.map(d => [d.serialNo, d.type]))
    // Without the whole file in hand what was sent under another serial may be two findings.
    if (how.room === undefined) {
      expect(found).toEqual(expected)
      expect(equal).toBe(many.length - 8)
    } else {
      for (const [serialNo, type] of expected)
        if (serialNo !== '00000801') expect([serialNo, found.get(serialNo)]).toEqual([serialNo, type])
      expect(all.length - expected.size).toBeLessThan(2)
    }
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBe(all.length)
  })

  test('in any order the lines come in, the same differences in the same order', async () => {
    const of = await booked(many)
    const { lines } = planted(many)
    const [one, two] = [await match(of, lines), await match(of, shuffled(lines))]
    const plain = (all: readonly Difference[]) => all.map(({ lineNo: _lineNo, bankSerial: _serial, ...d }) => d)
    expect(plain(two.all)).toEqual(plain(one.all))
    expect(await match(of, lines)).toEqual(one)
  })

  test('a reversal in the file closes what it reverses; one without is found', async () => {
    const [debit, other, back] = [bookingAt(1), bookingAt(2), bookingAt(3, { verb: 'reversal', officeCode: '14301020000' })]
    const of = await booked([debit, other, back])
    const lines = [
      lineOf(debit, { status: 'reversed' }),
      lineOf(other),
      lineOf(back, { original: { entrustDate: debit.entrustDate, serialNo: debit.serialNo } }),
    ]
    expect((await match(of, lines)).all).toEqual([])
    const half = { ...of, frozen: of.frozen }
    expect((await match(half, [lines[0]!, lines[1]!])).all.map(d => [d.serialNo, d.type])).toEqual([
      ['00000001', 'reversed-one-side'],
      ['00000003', 'reversed-one-side'],
    ])
  })

  test('what the bank has booked twice and taken back once is no difference', async () => {
    const [one] = [bookingAt(1)]
    const of = await booked([one])
    const twice = [lineOf(one, { status: 'reversed', bankSerial: 'A' }), lineOf(one, { bankSerial: 'B' })]
    expect(await match(of, twice)).toMatchObject({ all: [], equal: 1 })
    expect((await match(of, [...twice, lineOf(one, { bankSerial: 'C' })])).all).toMatchObject([
      { type: 'duplicate-at-bank', taxAmount: one.amount, bankAmount: 2 * one.amount, bankEntries: 2 },
    ])
  })

  test('a key that comes more often than there is room for is refused, not tried for ever', async () => {
    const own = bookingAt(1)
    const of = await booked([own])
    const lines = Array.from({ length: 9 }, (_, i) => lineOf(own, { bankSerial: `R${i}` }))
    await expect(match(of, lines, { room: { entries: 100, left: 4 } })).rejects.toMatchObject({ fault: { code: 'repeated-key' } })
  })

  test('an empty file of an empty day, and of one that was not empty', async () => {
    expect(await match(await booked([]), [])).toMatchObject({ all: [], equal: 0 })
    const { all } = await match(await booked([bookingAt(1), bookingAt(2)]), [])
    expect(all.map(d => d.type)).toEqual(['tax-only', 'tax-only'])
  })

  test('a file of which nothing is right, with little room', async () => {
    const own = many.slice(0, 600)
    const of = await booked(own)
    const lines = own.map(b => lineOf(b, { amount: b.amount + 1 }))
    const { all, equal } = await match(of, lines, { room: { entries: 100_000, left: 40 } })
    expect(all).toHaveLength(600)
    expect(new Set(all.map(d => d.type))).toEqual(new Set(['amount-differs']))
    expect(equal).toBe(0)
  })

  describe('a large file', () => {
    const large = Array.from({ length: 10_500 }, (_, i) => bookingAt(i + 1))
    let of: Awaited<ReturnType<typeof booked>>
    beforeAll(async () => {
      of = await booked(large)
    })
    const file = (lines: readonly Line[]) => {
      const plain = detailOf(lines, of)
      let readings = 0
      const parts: DetailFile['parts'] = isWanted => {
        readings++
        return plain.parts(isWanted)
      }
      return { file: { ...plain, parts }, readings: () => readings }
    }
    test('of which hardly anything is right is gone over as often as its findings fill the room, and no oftener', async () => {
      const wrong = large.map((b, i) => lineOf(b, i < 9_000 ? { amount: b.amount + 1 } : {}))
      const reading = file(wrong)
      let most = 0
      const written: Difference[] = []
      const { last, counts } = await match(of, wrong, {
        file: reading.file,
        room: { entries: 100_000, left: 1_000 },
        write: async found => {
          most = Math.max(most, found.length)
          written.push(...found)
        },
      })
      expect(counts).toEqual({ 'amount-differs': 9_000 })
      expect(new Set([...written, ...last].map(d => d.serialNo)).size).toBe(9_000)
      // Once for its sums, once to see how much is left, and then in parts that fill the room but for a bucket.
      expect(reading.readings()).toBeLessThan(14)
      expect(most).toBeLessThan(5_001)
    })
    test.each<[string, (b: Booking) => Line[]]>([
      ['of which every amount is another', b => [lineOf(b, { amount: b.amount + 1 })]],
      ['of another day or system: it knows none of our keys', b => [lineOf(b, { serialNo: `7${b.serialNo.slice(1)}` })]],
      ['without a record, though so much is booked', () => []],
    ])('%s, is refused as a whole', async (_, linesOf) => {
      const refused = { fault: { code: 'another-day', detail: expect.stringMatching(/^10500 of 10500 entries/) } }
      await expect(match(of, large.flatMap(linesOf))).rejects.toMatchObject(refused)
      // Where there is no room it is known at once, before anything is written.
      const reading = file(large.flatMap(linesOf))
      const write = () => Promise.reject(new Error('nothing is written'))
      const little = { entries: 100_000, left: 1_000 }
      await expect(match(of, [], { file: reading.file, room: little, write })).rejects.toMatchObject(refused)
      expect(reading.readings()).toBe(2)
    })
    test('is asked about many keys at a time', async () => {
      const counting = countedDatabase(fresh.db)
      const strange = large.slice(0, 4_000).map(b => lineOf(b, { serialNo: `7${b.serialNo.slice(1)}`, ticketNo: '440000000000000001' }))
      const small = await booked([])
      const { counts } = await match(small, strange, { ledger: openLedger(counting.db) })
      expect(counts).toEqual({ 'bank-only': 4_000 })
      expect(counting.statements()).toBeLessThan(16)
    })
  })
})

describe('the frozen day', () => {
  test('what was booked after it was frozen is not looked at', async () => {
    const of = await booked(many.slice(0, 50))
    await fresh.db.transaction(tx => insertBookings(tx, key, [bookingAt(60, { accountingDate: of.accountingDate })]))
    expect(
      await match(
        of,
        many.slice(0, 50).map(b => lineOf(b)),
      ),
    ).toMatchObject({ all: [], equal: 50 })
  })
  test('sums that do not come to the frozen totals are made anew from the bookings', async () => {
    const of = await booked(many.slice(0, 50))
    await fresh.db.execute('DELETE FROM booking_sum WHERE accounting_date = ? AND bucket < 60000', [of.accountingDate])
    expect(
      await match(
        of,
        many.slice(0, 50).map(b => lineOf(b)),
      ),
    ).toMatchObject({ all: [], equal: 50 })
  })
})

describe('a neighbouring day', () => {
  test('that has not looked at an entry, because it was booked after its freezing, does not show it at the bank', async () => {
    const booking = bookingAt(70_001)
    const of = await booked([booking])
    await fresh.db.execute(
      `INSERT INTO reconciliation (bank_code, accounting_date, session, work_date, kind, state, opened_by, opened_at, frozen_seq, frozen_at)
       VALUES ('4301', ?, 1, ?, 'day-end', 'balanced', 'test', '2026-01-01', ?, '2026-01-01')`,
      [of.accountingDate, of.accountingDate, of.frozen.seq - 1],
    )
    const later = { ...of, accountingDate: next(of.accountingDate), frozen: await store.bookings.freeze('4301', next(of.accountingDate)) }
    const found = async () => (await match(later, [lineOf({ ...booking, accountingDate: later.accountingDate })])).all.map(d => d.type)
    expect(await found()).toEqual(['cut-off'])
    await fresh.db.execute('UPDATE reconciliation SET frozen_seq = ? WHERE accounting_date = ?', [of.frozen.seq, of.accountingDate])
    expect(await found()).toEqual(['duplicate-at-bank'])
  })
  const matched = (accountingDate: string, session = 1) =>
    fresh.db.execute(
      `INSERT INTO reconciliation (bank_code, accounting_date, session, work_date, kind, state, opened_by, opened_at)
       VALUES ('4301', ?, ?, ?, 'day-end', 'matched', 'test', '2026-11-10 02:00:00')`,
      [accountingDate, session, accountingDate],
    )
  const next = (date: string) => new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10)
  test('has what the bank lists a day later: cut off; had it at the bank already: a duplicate', async () => {
    const [a, b] = [bookingAt(1), bookingAt(2)]
    const of = await booked([a, b])
    const later = { ...of, accountingDate: next(of.accountingDate) }
    const after = await store.bookings.freeze(at.bankCode, later.accountingDate)
    const frozen = { ...later, frozen: { seq: after.seq, totals: after.totals } }
    expect((await match(frozen, [lineOf(a)])).all.map(d => [d.type, d.detail])).toEqual([
      ['cut-off', { accountingDate: of.accountingDate }],
    ])
    await matched(of.accountingDate)
    expect((await match(frozen, [lineOf(a)])).all.map(d => d.type)).toEqual(['duplicate-at-bank'])
  })
  test('has listed what is missing here', async () => {
    const a = bookingAt(1)
    const of = await booked([a])
    const later = next(of.accountingDate)
    expect((await match(of, [])).all.map(d => d.type)).toEqual(['tax-only'])
    await fresh.db.execute(
      `INSERT INTO reconciliation (bank_code, accounting_date, session, work_date, kind, state, opened_by, opened_at)
       VALUES ('4301', ?, 1, ?, 'day-end', 'taken', 'test', '2026-11-10 02:00:00')`,
      [later, later],
    )
    await fresh.db.execute(
      `INSERT INTO difference (bank_code, accounting_date, session, ordinal, type, office_code, entrust_date, serial_no, verb, ticket_no, tax_amount,
         bank_amount, bank_entries, detail) VALUES ('4301', ?, 1, 1, 'cut-off', ?, ?, ?, 'debit', ?, 0, ?, 1, '{}')`,
      [later, a.officeCode, a.entrustDate, a.serialNo, a.ticketNo, a.amount],
    )
    await fresh.db.execute("UPDATE reconciliation SET state = 'matched' WHERE accounting_date = ?", [later])
    expect((await match(of, [])).all.map(d => [d.type, d.detail])).toEqual([['cut-off', { accountingDate: later }]])
    await expect(fresh.db.execute('DELETE FROM difference WHERE accounting_date = ?', [later])).rejects.toThrow('never removed')
    await expect(fresh.db.execute('UPDATE difference SET bank_amount = 1 WHERE accounting_date = ?', [later])).rejects.toThrow(
      'never changed',
    )
  })
})

describe('a file that is not what it should be is refused whole', () => {
  const own = many.slice(0, 40)
  const good = own.map(b => lineOf(b))
  test.each<[string, readonly Line[], Parameters<typeof detailOf>[2]]>([
    ['header-bank', good, { change: { bankCode: '4306' } }],
    ['header-date', good, { change: { accountingDate: '2026-11-09' } }],
    ['header-session', good, { change: { session: 2 } }],
    ['whole-differs', good, { change: { chunks: 2 } }],
    ['header-chunk', good, { change: { chunk: 2 } }],
    ['whole-differs', good, { change: { fileCount: 41 } }],
    ['whole-differs', good, { change: { fileCount: 39 } }],
    ['whole-differs', good, { change: { fileDebitSum: 1 } }],
    ['whole-differs', good, { change: { fileCreditSum: 1 } }],
    ['too-large', good, { change: { fileCount: 20_000_001 } }],
    ['line-date', [...good.slice(1), { ...good[0]!, accountingDate: '2026-01-01' }], {}],
    ['duplicate-serial', [...good.slice(1), { ...good[0]!, bankSerial: good[5]!.bankSerial }], {}],
    ['duplicate-serial', [...good.slice(1), { ...good[0]!, bankSerial: good[5]!.bankSerial }], { perChunk: 10 }],
  ])('%s', async (rule, lines, how) => {
    const { frozen, ...of } = await booked(own)
    const file = detailOf(lines, of, how)
    const given = { ledger: store.ledger, key, at: of, frozen, beat: () => {}, write: () => Promise.resolve() }
    const refused = await matchFile({ ...given, file }).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(FileRefused)
    expect((refused as FileRefused).fault.code).toBe(rule)
  })

  test('an entry of another bank', async () => {
    const of = await booked(own)
    await fresh.db.execute(
      `INSERT INTO instruction (id, verb, ticket_no, office_code, entrust_date, serial_no, bank_code, amount, request, state, accepted_at, settled_at)
       VALUES (77, 'debit', '440000000000099999', '14301020000', '2026-11-10', '77777777', '4306', 5, '{}', 'succeeded', '2026-11-10 02:00:00', '2026-11-10 02:00:00')`,
    )
    const foreign = lineOf(bookingAt(1, { serialNo: '77777777', ticketNo: '440000000000099999' }), { bankSerial: 'SX' })
    await expect(match(of, [...good, foreign])).rejects.toMatchObject({ fault: { code: 'foreign-entry' } })
  })
})
