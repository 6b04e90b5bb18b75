import { outcome } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Call } from '../../../gateway/call.ts'
import { type Booking, totalsOf } from '../../../gateway/domain/booking.ts'
import type { PrintKey } from '../../../gateway/domain/fingerprint.ts'
import { sessionRules } from '../../../gateway/domain/session.ts'
import { later } from '../../../gateway/domain/time.ts'
import type { Flow, Note } from '../../../gateway/flows/flow.ts'
import type { DetailFile } from '../../../gateway/flows/match.ts'
import { type FileSource, openSessions, reconcile } from '../../../gateway/flows/reconcile.ts'
import { insertBookings } from '../../../gateway/store/bookings.ts'
import type { SessionKey } from '../../../gateway/store/differences.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { writeRegistry } from '../../registry.ts'
import { detailOf, type Line } from '../detail-lines.ts'
import { quickPolicy, sampleReference } from '../stage.ts'
import { doubt, newDebit, settlementOf } from '../store/kit.ts'

// A session from its opening to its differences, over the real record; the bank and its files are the test's.

const printKey: PrintKey = { k0: 9, k1: 9 }
const reference = sampleReference({ ...quickPolicy, dayEnd: '18:00' })
let fresh: FreshDatabase
let store: Store
beforeAll(async () => {
  fresh = await freshDatabase(6)
  store = openStore(fresh.db)
  await writeRegistry(fresh.db)
})
afterAll(() => fresh.drop())
// What other cases have left waits for ever.
beforeEach(() => fresh.db.execute('UPDATE reconciliation SET next_at = NULL'))

type Reply = { readonly code: string; readonly debitCount?: number; readonly debitSum?: number }
/** A province of its own: one bank day, a clock, a bank that answers as told, and a place for files. */
const scene = (accountingDate: string, bankCode = '4301') => {
  let now = new Date(`${accountingDate}T10:30:00.000Z`)
  const notes: Note[] = []
  const asked: { readonly serialNo: string; readonly kind: string }[] = []
  const requests: (string | undefined)[] = []
  const files = new Map<number, DetailFile>()
  let answer: Reply | undefined = { code: '90000' }
  const call: Call = async (_bank, _verb, request) => {
    const { serialNo, kind } = request as { serialNo: string; kind: string }
    asked.push({ serialNo, kind })
    if (!answer) return { answer: { kind: 'doubtful', fault: 'timeout', outcome: outcome('28003') }, transcript: '{}' }
    const { code, ...figures } = answer
    const result = outcome(code as '90000')
    const told = { officeCode: '14301020000', entrustDate: accountingDate, serialNo, result, ...figures }
    return {
      answer: { kind: 'answered', outcome: result, amount: 0, bankSerial: undefined, accountingDate: undefined },
      told,
      transcript: '{}',
    } as never
  }
  const source: FileSource = {
    ask: (_session, why) => Promise.resolve(void requests.push(why)),
    find: ({ session }: SessionKey) => Promise.resolve(files.get(session)),
  }
  const flowOf = (owner: string): Flow => ({
    clock: () => now,
    random: Math.random,
    pause: () => Promise.resolve(),
    store,
    call,
    isTimely: () => true,
    heldUntil: () => undefined,
    accountingDate: () => undefined,
    reference: () => reference,
    owner,
    leaseMs: 30_000,
    printKey: () => printKey,
    note: note => void notes.push(note),
    settled: () => {},
  })
  return {
    at: (session: number): SessionKey => ({ bankCode, accountingDate, session }),
    flow: flowOf('one'),
    flowOf,
    notes,
    asked,
    requests,
    source,
    /** Time goes on. */
    pass: (ms: number) => {
      now = later(now, ms)
    },
    answers: (reply: Reply | undefined) => {
      answer = reply
    },
    send: (session: number, lines: readonly Line[], sha256 = '11', how: Parameters<typeof detailOf>[2] = {}) =>
      void files.set(session, { ...detailOf(lines, { bankCode, accountingDate, session }, how), sha256: sha256.repeat(32) }),
    put: (session: number, file: DetailFile) => void files.set(session, file),
    open: (kind: 'day-end' | 'intraday' = 'day-end') =>
      store.reconciliations.open({ bankCode, accountingDate, workDate: accountingDate, kind, openedBy: 'test', reason: '', now }),
    book: (bookings: readonly Booking[]) => fresh.db.transaction(tx => insertBookings(tx, printKey, bookings)),
    found: async (session: number) =>
      (await store.differences.list({ bankCode, accountingDate, session }, undefined, 1_000)).map(d => [d.ordinal, d.serialNo, d.type]),
  }
}
type Scene = ReturnType<typeof scene>
const stateOf = async (s: Scene, session = 1) => (await store.reconciliations.find(s.at(session)))?.state
const bookingsOf = (s: Scene, count: number): Booking[] =>
  Array.from({ length: count }, (_, i) => ({
    ...s.at(1),
    officeCode: '14301020000',
    entrustDate: s.at(1).accountingDate,
    serialNo: String(i + 1).padStart(8, '0'),
    verb: 'debit',
    ticketNo: String(440_000_000_000_000_000n + BigInt(i)),
    workDate: s.at(1).accountingDate,
    treasuryCode: '1801',
    amount: 100 + i,
    account: '4301001',
    instructionId: i + 1,
    source: 'instruction',
    datedBy: 'bank',
  }))
const lineOf = ({ officeCode, entrustDate, serialNo, verb, ticketNo, amount, account }: Booking, change: Partial<Line> = {}): Line => ({
  officeCode,
  entrustDate,
  serialNo,
  verb,
  ticketNo,
  amount,
  account,
  status: 'booked',
  bankSerial: `S${serialNo}`,
  coreStatus: undefined,
  ...change,
})

describe('a session of the day’s end', () => {
  test('goes from the totals over the file to its differences; the next is balanced', async () => {
    const s = scene('2026-03-02')
    const bookings = bookingsOf(s, 20)
    await s.book(bookings)
    await s.open()
    await reconcile(s.flow, s.source)
    expect(await stateOf(s)).toBe('awaited')
    expect(s.asked).toMatchObject([{ kind: 'final' }])
    expect(s.requests).toEqual([undefined])
    expect((await store.reconciliations.find(s.at(1)))?.totals).toEqual(totalsOf(bookings))
    s.send(1, bookings.map((b, i) => lineOf(b, i === 3 ? { amount: 1 } : {})).slice(0, 19))
    await reconcile(s.flow, s.source)
    expect(await stateOf(s)).toBe('awaited')
    s.pass(sessionRules.fileMs)
    await reconcile(s.flow, s.source)
    expect(await store.reconciliations.find(s.at(1))).toMatchObject({
      state: 'differing',
      equalEntries: 18,
      counts: { 'amount-differs': 1, 'tax-only': 1 },
      totalsCode: '90000',
    })
    expect(await s.found(1)).toEqual([
      [1, '00000004', 'amount-differs'],
      [2, '00000020', 'tax-only'],
    ])
    await s.open()
    s.send(
      2,
      bookings.map(b => lineOf(b)),
    )
    await reconcile(s.flow, s.source)
    s.pass(sessionRules.fileMs)
    await reconcile(s.flow, s.source)
    expect(await stateOf(s, 2)).toBe('balanced')
    expect(await stateOf(s, 1)).toBe('differing')
  })

  test('what another day’s session has explained while this one was weighed is not passed by', async () => {
    const s = scene('2026-03-30')
    const bookings = bookingsOf(s, 2)
    await s.book(bookings)
    await s.open()
    s.send(1, [lineOf(bookings[0]!)])
    // Another worker confirms the break after this one has looked.
    let looks = 0
    const breakLife = { ...store.breakLife, isDayBalanced: async () => ++looks > 1 }
    await reconcile({ ...s.flow, store: { ...store, breakLife } }, s.source)
    expect(await store.reconciliations.find(s.at(1))).toMatchObject({ state: 'balanced', counts: { 'tax-only': 1 } })
  })

  test.each([
    ['2026-02-02', { code: '93004' }, true],
    ['2026-02-03', { code: '93004', debitCount: 4, debitSum: 409 }, true],
    ['2026-02-04', { code: '93004', debitCount: 3, debitSum: 303 }, false],
    ['2026-02-05', { code: '90000' }, false],
  ] as const)(
    '%s: a bank that says %j, and lists all that is booked: somebody is told where the two cannot be true',
    async (date, reply, isTold) => {
      const s = scene(date)
      const bookings = bookingsOf(s, 3)
      await s.book(bookings)
      await s.open()
      s.answers(reply)
      s.send(
        1,
        bookings.map(b => lineOf(b)),
      )
      await reconcile(s.flow, s.source)
      expect(await stateOf(s)).toBe('balanced')
      expect(s.notes.some(({ detail }) => detail?.includes('totals are not those of its own file'))).toBe(isTold)
    },
  )

  test('an empty day has its file, too', async () => {
    const s = scene('2026-03-03')
    await s.open()
    s.send(1, [])
    await reconcile(s.flow, s.source)
    expect(await store.reconciliations.find(s.at(1))).toMatchObject({ state: 'balanced', equalEntries: 0 })
  })

  test('asks about doubts first, waits for them so long, and for those of a person not at all', async () => {
    const s = scene('2026-03-04')
    const doubtful = async (decision: object) => {
      const debit = await newDebit(store, { acceptedAt: new Date('2026-03-04T02:00:00.000Z'), entrustDate: '2026-03-04' })
      await store.accept(debit)
      await store.settle(
        settlementOf({ id: debit.instructionId, ticketNo: debit.ticketNo }, { ...doubt, ...decision }, { now: debit.acceptedAt }),
      )
      return debit
    }
    const asked = await doubtful({ nextAttemptAt: new Date('2026-03-05T00:00:00.000Z') })
    await doubtful({ nextAttemptAt: undefined, person: true })
    await s.open()
    await reconcile(s.flow, s.source)
    expect(await stateOf(s)).toBe('settling')
    expect(await store.due(s.flow.clock(), 500)).toContain(asked.instructionId)
    s.pass(sessionRules.settleMs)
    await reconcile(s.flow, s.source)
    expect(await store.reconciliations.find(s.at(1))).toMatchObject({ state: 'awaited', doubts: 2 })
    await fresh.db.execute(
      "UPDATE instruction SET state = 'refused', next_attempt_at = NULL, settled_at = '2026-03-05' WHERE state = 'unknown'",
    )
    await s.open()
    expect(await stateOf(s)).toBe('withdrawn')
    await reconcile(s.flow, s.source)
    expect(await store.reconciliations.find(s.at(2))).toMatchObject({ state: 'awaited', doubts: 0 })
  })

  test('totals without an answer are told again under the same key, and at last the file is waited for without them', async () => {
    const s = scene('2026-03-05')
    await s.open()
    s.answers(undefined)
    await reconcile(s.flow, s.source)
    s.pass(sessionRules.lookMs)
    await reconcile(s.flow, s.source)
    expect(await stateOf(s)).toBe('frozen')
    expect(s.asked).toHaveLength(2)
    expect(s.asked[0]).toEqual(s.asked[1])
    s.pass(sessionRules.settleMs + sessionRules.totalsMs)
    await reconcile(s.flow, s.source)
    expect(await store.reconciliations.find(s.at(1))).toMatchObject({ state: 'awaited', totalsCode: undefined })
  })

  test('a file that is refused leaves nothing, is asked for again with the reason, and another is taken', async () => {
    const s = scene('2026-03-06')
    const bookings = bookingsOf(s, 10)
    await s.book(bookings)
    await s.open()
    const lines = bookings.map(b => lineOf(b, { amount: 7 }))
    s.send(1, [...lines, { ...lines[0]!, bankSerial: lines[1]!.bankSerial }])
    await reconcile(s.flow, s.source)
    expect(await store.reconciliations.find(s.at(1))).toMatchObject({
      state: 'awaited',
      fileFault: expect.stringContaining('duplicate-serial'),
    })
    expect(s.requests[1]).toContain('duplicate-serial')
    expect(await s.found(1)).toEqual([])
    s.pass(sessionRules.fileMs)
    // The same again is no other.
    await reconcile(s.flow, s.source)
    expect(await stateOf(s)).toBe('awaited')
    s.send(
      1,
      bookings.map(b => lineOf(b)),
      '22',
    )
    s.pass(sessionRules.fileMs)
    await reconcile(s.flow, s.source)
    expect(await store.reconciliations.find(s.at(1))).toMatchObject({ state: 'balanced', fileFault: undefined })
  })
})

describe('within the day', () => {
  test.each([
    ['2026-03-09', 'the bank says the same', { code: '90000' }, 'balanced'],
    ['2026-03-10', 'the bank says it has not', { code: '93004' }, 'differing'],
    ['2026-03-11', 'its own figures are the same', { code: '93004', debitCount: 3, debitSum: 303 }, 'balanced'],
    ['2026-03-16', 'its own figures are others', { code: '90000', debitCount: 3, debitSum: 304 }, 'differing'],
  ] as const)('%s, %s: nothing follows but the comparison', async (date, _, reply, expected) => {
    const s = scene(date)
    await s.book(bookingsOf(s, 3))
    await s.open('intraday')
    s.answers(reply)
    await reconcile(s.flow, s.source)
    expect(await stateOf(s)).toBe(expected)
    expect(s.requests).toEqual([])
    expect(s.asked).toMatchObject([{ kind: 'intraday' }])
  })
})

describe('the calendar', () => {
  const opened = async (bankCode: string, from: string) =>
    (await store.reconciliations.list({ bankCode, kind: 'day-end' }, undefined, 100)).flatMap(({ accountingDate, session }) =>
      accountingDate >= from ? [`${accountingDate}/${session}`] : [],
    )
  test('a result that comes after the day was frozen gets a further session; it is one, and comes when no more comes', async () => {
    const s = scene('2026-04-08')
    const [one, adopted, late] = bookingsOf(s, 3) as [Booking, Booking, Booking]
    await s.book([one])
    await s.open()
    s.send(1, [lineOf(one)])
    await reconcile(s.flow, s.source)
    s.pass(sessionRules.fileMs)
    await reconcile(s.flow, s.source)
    expect(await stateOf(s)).toBe('balanced')
    await s.book([{ ...adopted, source: 'adoption', instructionId: undefined }])
    s.pass(sessionRules.lateMs + 1)
    await openSessions(s.flow)
    expect(await opened('4301', '2026-04-08')).toEqual(['2026-04-08/1'])
    await s.book([late])
    await Promise.all(['x', 'y', 'z'].map(owner => openSessions(s.flowOf(owner))))
    await openSessions(s.flow)
    expect(await opened('4301', '2026-04-08')).toEqual(['2026-04-08/1', '2026-04-08/2'])
    expect(await stateOf(s)).toBe('balanced')
  })
  test('the file of a session that is over, sent anew when it was asked for, is looked at: in a further session, one', async () => {
    const s = scene('2026-04-13')
    const [one] = bookingsOf(s, 1) as [Booking]
    await s.book([one])
    await s.open()
    s.send(1, [lineOf(one)])
    await reconcile(s.flow, s.source)
    expect(await stateOf(s)).toBe('balanced')
    const counts = (id: number, version: number, state: string) =>
      fresh.db.execute(
        `INSERT INTO recon_file (id, bank_code, name, accounting_date, session, chunk, version, came_by, bytes, sha256, state, chunks, work_date, line_count,
           debit_sum, credit_sum, received_at, ended_at)
         VALUES (?, '4301', 'one', '2026-04-13', 1, 1, ?, 'upload', 1, ?, ?, 1, '2026-04-13', 1, 1, 0, '2026-04-13', '2026-04-13')`,
        [id, version, Buffer.alloc(32, id), state],
      )
    await counts((await store.reconciliations.find(s.at(1)))!.fileId!, 1, 'complete')
    await openSessions(s.flow)
    expect(await opened('4301', '2026-04-13')).toEqual(['2026-04-13/1'])
    await fresh.db.execute("UPDATE recon_file SET state = 'superseded' WHERE accounting_date = '2026-04-13'")
    await counts(77, 2, 'complete')
    await Promise.all(['x', 'y'].map(owner => openSessions(s.flowOf(owner))))
    await openSessions(s.flow)
    expect(await opened('4301', '2026-04-13')).toEqual(['2026-04-13/1', '2026-04-13/2'])
    expect((await store.reconciliations.find(s.at(2)))?.reason).toBe('the bank has sent its file anew')
  })
  test('a round has an end, also where a bank keeps all waiting', async () => {
    const s = scene('2026-04-20')
    await s.open()
    s.answers(undefined)
    const slow: Call = (...args) => {
      s.pass(60_000)
      return s.flow.call(...args)
    }
    await reconcile({ ...s.flow, call: slow }, s.source)
    expect(s.asked).toHaveLength(1)
    expect(await stateOf(s)).toBe('frozen')
  })
  test('days on which no worker was there are opened, too, though nothing was booked', async () => {
    const s = scene('2026-05-11')
    await openSessions(s.flow)
    s.pass(3 * 86_400_000)
    await openSessions(s.flow)
    expect(await opened('4306', '2026-05-11')).toEqual(['2026-05-14/1', '2026-05-13/1', '2026-05-12/1', '2026-05-11/1'])
  })
  test('a day of long ago with bookings gets its session, too: once, and none before the bank’s first', async () => {
    const s = scene('2026-05-25')
    const [one] = bookingsOf(s, 1) as [Booking]
    const dated = (accountingDate: string, bankCode: string, serialNo: string): Booking => ({ ...one, accountingDate, bankCode, serialNo })
    await s.book([dated('2026-05-06', '4306', '00000091'), dated('2025-10-01', '4306', '00000092')])
    const before = (await opened('4306', '2025-01-01')).toSorted()
    expect(before[0]! < '2026-05-06' && before[0]! > '2025-10-01').toBe(true)
    expect(before).not.toContain('2026-05-06/1')
    await Promise.all(['x', 'y'].map(owner => openSessions(s.flowOf(owner))))
    await openSessions(s.flow)
    const days = await opened('4306', '2025-01-01')
    expect(days.filter(day => day.startsWith('2026-05-06'))).toEqual(['2026-05-06/1'])
    expect(days.filter(day => day < '2026')).toEqual([])
  })
})

describe('several workers', () => {
  test('of the calendar’s sessions each is opened once', async () => {
    const s = scene('2026-03-12')
    await s.book(bookingsOf(s, 1))
    const workers = ['a', 'b', 'c', 'd']
    const opened = await Promise.all(workers.map(owner => openSessions(s.flowOf(owner))))
    expect(await openSessions(s.flow)).toBe(0)
    const sessions = (await store.reconciliations.list({ kind: 'day-end' }, undefined, 100)).filter(({ openedBy }) =>
      workers.includes(openedBy),
    )
    expect(opened.reduce((sum, count) => sum + count, 0)).toBe(sessions.length)
    // Every bank that gets debits has one, though nothing was booked there.
    expect(sessions.filter(({ accountingDate }) => accountingDate === '2026-03-12').map(({ bankCode }) => bankCode)).toEqual([
      '4301',
      '4306',
      '4310',
    ])
    expect(await stateOf(s)).toBe('opened')
  })

  test('a worker that dies while it matches is followed by another, with the same differences; the dead one writes nothing more', async () => {
    const s = scene('2026-03-13')
    const bookings = bookingsOf(s, 200)
    await s.book(bookings)
    const lines = bookings.map((b, i) => lineOf(b, i % 10 === 0 ? { amount: 1 } : {}))
    await s.open()
    s.send(1, lines)
    const whole = detailOf(lines, { bankCode: '4301', accountingDate: '2026-03-13', session: 1 })
    let wake: (() => void) | undefined
    let passes = 0
    // The first worker hangs in its second pass over the file, until long after its lease.
    s.put(1, {
      ...whole,
      sha256: '33'.repeat(32),
      parts: async function* () {
        const mine = ++passes
        for await (const part of whole.parts()) {
          if (mine === 2 && part.kind === 'trailer')
            await new Promise<void>(resolve => {
              wake = resolve
            })
          yield part
        }
      },
    })
    const first = reconcile(s.flowOf('slow'), s.source)
    while (wake === undefined) await new Promise(resolve => setTimeout(resolve, 5))
    expect(await stateOf(s)).toBe('taken')
    await reconcile(s.flow, s.source)
    expect(await stateOf(s)).toBe('taken')
    s.pass(31_000)
    await reconcile(s.flow, s.source)
    expect(await stateOf(s)).toBe('differing')
    const found = await s.found(1)
    expect(found).toHaveLength(20)
    wake()
    await first
    expect(await s.found(1)).toEqual(found)
    expect(s.notes.filter(note => note.event === 'stale')).toHaveLength(1)
  })
})
