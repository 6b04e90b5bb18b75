import { createHash } from 'node:crypto'
import { outcome } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Decision } from '../../../gateway/domain/debit.ts'
import { later } from '../../../gateway/domain/time.ts'
import type { Instruction, NewDebit, Settlement } from '../../../gateway/store/debits.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'

let fresh: FreshDatabase
let store: Store
beforeAll(async () => {
  fresh = await freshDatabase()
  store = openStore(fresh.db)
})
afterAll(() => fresh.drop())

const now = new Date('2026-11-10T02:00:00.000Z')
let tickets = 0
const newDebit = async (change: Partial<NewDebit> = {}): Promise<NewDebit> => ({
  ticketNo: String(430_000_000_000_000_000n + BigInt(++tickets)),
  taxSystem: 'urn:taxlink:tax-system:test',
  officeCode: '14301020000',
  bankCode: '4301',
  amount: 12_345,
  contentHash: createHash('sha256').update('content').digest(),
  instructionId: await store.takeInstructionId(),
  request: '{}',
  entrustDate: '2026-11-10',
  serialNo: await store.takeSerial('14301020000', '2026-11-10'),
  acceptedAt: now,
  state: 'sent',
  owner: 'one',
  nextAttemptAt: later(now, 60_000),
  wakeAt: later(now, 60_000),
  outcome: undefined,
  reason: 'test',
  ...change,
})
const decided = (change: Partial<Decision>): Decision => ({
  event: 'succeed',
  state: 'succeeded',
  redeliveries: 0,
  inquiries: 0,
  nextAttemptAt: undefined,
  person: false,
  outcome: outcome('90000', '0000'),
  reason: 'test',
  ...change,
})
const settlement = (debit: NewDebit, change: Partial<Settlement> = {}): Settlement => ({
  instruction: { id: debit.instructionId, verb: 'debit', ticketNo: debit.ticketNo, bankCode: debit.bankCode },
  from: 'sent',
  attemptNo: 1,
  owner: 'one',
  now: later(now, 500),
  decision: decided({}),
  bankSerial: 'B1',
  accountingDate: '2026-11-10',
  fault: undefined,
  transcript: '{}',
  ...change,
})
const load = async (debit: NewDebit): Promise<Instruction> => (await store.load([debit.instructionId]))[0]!
const count = async (table: string, debit: NewDebit): Promise<number> =>
  Number((await fresh.db.query<{ n: number }>(`SELECT COUNT(*) AS n FROM ${table} WHERE instruction_id = ?`, [debit.instructionId]))[0]!.n)
const journal = async (debit: NewDebit): Promise<string[]> =>
  (
    await fresh.db.query<{ event: string; state: string }>('SELECT event, state FROM journal WHERE instruction_id = ? ORDER BY id', [
      debit.instructionId,
    ])
  ).map(j => `${j.event} ${j.state}`)

describe('acceptance', () => {
  test('writes ticket, instruction, first attempt, journal and outbox together', async () => {
    const debit = await newDebit()
    expect(await store.accept(debit)).toEqual({ kind: 'accepted' })
    expect(await load(debit)).toMatchObject({
      state: 'sent',
      attemptNo: 1,
      lastSentAt: now,
      nextAttemptAt: later(now, 60_000),
      amount: 12_345,
    })
    expect([await count('attempt', debit), await count('outbox', debit), await journal(debit)]).toEqual([1, 1, ['accept sent']])
  })
  test('the same ticket again, in the same group, another group or another process, is told its first hash and writes nothing', async () => {
    const other = openStore(fresh.db)
    const debit = await newDebit()
    const again = {
      ...debit,
      instructionId: await store.takeInstructionId(),
      serialNo: await store.takeSerial(debit.officeCode, debit.entrustDate),
      contentHash: Buffer.alloc(32, 7),
    }
    const third = {
      ...again,
      instructionId: await store.takeInstructionId(),
      serialNo: await store.takeSerial(debit.officeCode, debit.entrustDate),
    }
    const verdicts = await Promise.all([store.accept(debit), store.accept(again), other.accept(third)])
    const kinds = verdicts.map(v => v.kind).sort()
    expect(kinds).toEqual(['accepted', 'repeated', 'repeated'])
    const [{ n } = { n: 0 }] = await fresh.db.query<{ n: number }>('SELECT COUNT(*) AS n FROM instruction WHERE ticket_no = ?', [
      debit.ticketNo,
    ])
    expect(n).toBe(1)
    const hash = verdicts[0]!.kind === 'accepted' ? debit.contentHash : again.contentHash
    for (const verdict of verdicts) if (verdict.kind === 'repeated') expect(verdict.contentHash.equals(hash)).toBe(true)
  })
  test('one bad row does not fail the others of its group', async () => {
    const [good, bad, also] = [await newDebit(), await newDebit({ amount: 0 }), await newDebit()]
    const results = await Promise.allSettled([store.accept(good), store.accept(bad), store.accept(also)])
    expect(results.map(r => r.status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(await store.find(bad.ticketNo)).toBeUndefined()
  })
  test('a debit our own rules refuse is final at once and stands in the feed', async () => {
    const debit = await newDebit({
      state: 'refused',
      outcome: outcome('93014', '93014', '银行未登记'),
      nextAttemptAt: undefined,
      wakeAt: undefined,
    })
    await store.accept(debit)
    expect(await store.find(debit.ticketNo)).toMatchObject({
      state: 'refused',
      outcome: { code: '93014', bankText: '银行未登记' },
      settledAt: now,
    })
    expect([await count('result', debit), await count('attempt', debit), await count('outbox', debit)]).toEqual([1, 0, 0])
  })
})

describe('settlement', () => {
  test('moves under the fence, adds answer, journal and result', async () => {
    const debit = await newDebit()
    await store.accept(debit)
    expect(await store.settle(settlement(debit))).toBe(true)
    expect(await store.find(debit.ticketNo)).toMatchObject({
      state: 'succeeded',
      bankSerial: 'B1',
      accountingDate: '2026-11-10',
      outcome: { class: 'succeeded', bankCode: '0000' },
    })
    expect([await count('answer', debit), await count('result', debit), await journal(debit)]).toEqual([
      1,
      1,
      ['accept sent', 'succeed succeeded'],
    ])
  })
  test('takes the room that was kept for it: the row does not grow, and its page is not split', async () => {
    const debit = await newDebit({ owner: 'serve-0123456789abc' })
    await store.accept(debit)
    const bytes = async () => {
      const parts = ['state', 'lease_owner', 'result_code', 'bank_result_code', 'bank_text', 'bank_serial', 'room']
      const sql = `SELECT OCTET_LENGTH(CONCAT_WS('', ${parts.join(', ')})) AS bytes FROM instruction WHERE id = ?`
      return (await fresh.db.query<{ bytes: number }>(sql, [debit.instructionId]))[0]!.bytes
    }
    const before = await bytes()
    const said = decided({ outcome: outcome('90000', '0000', '交易成功') })
    await store.settle(settlement(debit, { owner: debit.owner, decision: said, bankSerial: '2026111000000001' }))
    // The two instants weigh the same; the accounting date takes three bytes.
    expect((await bytes()) + 3).toBeLessThanOrEqual(before)
  })
  test('a stale owner, attempt or state changes no row, alone and among others', async () => {
    const debit = await newDebit()
    const neighbour = await newDebit()
    await Promise.all([store.accept(debit), store.accept(neighbour)])
    const wrong = [{ owner: 'two' }, { attemptNo: 2 }, { from: 'unknown' as const }]
    for (const change of wrong) expect(await store.settle(settlement(debit, change))).toBe(false)
    const results = await Promise.all([store.settle(settlement(debit, { owner: 'two' })), store.settle(settlement(neighbour))])
    expect(results).toEqual([false, true])
    expect(await load(debit)).toMatchObject({ state: 'sent', attemptNo: 1 })
    expect([await count('answer', debit), await count('result', debit), await journal(debit)]).toEqual([0, 0, ['accept sent']])
  })
  test('a final state is never overwritten, by nobody', async () => {
    const debit = await newDebit()
    await store.accept(debit)
    await store.settle(settlement(debit))
    const refusal = decided({ event: 'refuse', state: 'refused', outcome: outcome('24003') })
    for (const from of ['sent', 'unknown', 'succeeded', 'accepted'] as const) {
      expect(await store.settle(settlement(debit, { decision: refusal, from }))).toBe(false)
    }
    const instruction = await load(debit)
    expect(
      await store.claim({ instruction, verb: 'inquiry', owner: 'two', now: later(now, 999_999), leaseUntil: later(now, 1_999_999) }),
    ).toBe(false)
    expect((await store.find(debit.ticketNo))!.state).toBe('succeeded')
    expect([await count('answer', debit), await count('result', debit)]).toEqual([1, 1])
  })
})

describe('claims', () => {
  const waiting = (change: Partial<NewDebit> = {}) => newDebit({ state: 'accepted', nextAttemptAt: now, wakeAt: now, ...change })
  test('of many that want one instruction exactly one gets it', async () => {
    const debit = await waiting()
    await store.accept(debit)
    const instruction = await load(debit)
    const stores = Array.from({ length: 8 }, () => openStore(fresh.db))
    const got = await Promise.all(
      stores.map((s, i) => s.claim({ instruction, verb: 'debit', owner: `w${i}`, now, leaseUntil: later(now, 1_000) })),
    )
    expect(got.filter(Boolean)).toHaveLength(1)
    expect(await load(debit)).toMatchObject({ state: 'sent', attemptNo: 1, lastSentAt: now, nextAttemptAt: later(now, 1_000) })
    expect(await count('attempt', debit)).toBe(1)
  })
  test('while a call is under way nobody is to be told; what is left in doubt is told at its time', async () => {
    const debit = await waiting()
    await store.accept(debit)
    expect(await count('outbox', debit)).toBe(1)
    await store.claim({ instruction: await load(debit), verb: 'debit', owner: 'one', now, leaseUntil: later(now, 1_000) })
    expect(await count('outbox', debit)).toBe(0)
    const doubt = decided({ event: 'doubt', state: 'unknown', outcome: outcome('28003'), nextAttemptAt: later(now, 2_000) })
    await store.settle(settlement(debit, { decision: doubt }))
    expect(await count('outbox', debit)).toBe(1)
  })
  test('a lease holds until its end, then the debit is asked about, and the first owner’s late answer changes nothing', async () => {
    const debit = await newDebit()
    await store.accept(debit)
    const instruction = await load(debit)
    const claim = (at: Date) => store.claim({ instruction, verb: 'inquiry', owner: 'two', now: at, leaseUntil: later(at, 1_000) })
    expect(await claim(later(now, 59_999))).toBe(false)
    expect(await claim(later(now, 60_000))).toBe(true)
    expect(await load(debit)).toMatchObject({ state: 'unknown', attemptNo: 2 })
    expect(await store.settle(settlement(debit))).toBe(false)
    expect(await store.settle(settlement(debit, { from: 'unknown', attemptNo: 2, owner: 'two' }))).toBe(true)
    expect(await journal(debit)).toEqual(['accept sent', 'inquire unknown', 'succeed succeeded'])
  })
})

describe('the feed', () => {
  test('grows without gaps in the order of commits while many settle at once', async () => {
    const before = (await store.results(undefined, 0, 10_000)).length
    const debits = await Promise.all(Array.from({ length: 150 }, () => newDebit()))
    const stores = [store, openStore(fresh.db), openStore(fresh.db)]
    await Promise.all(debits.map((d, i) => stores[i % 3]!.accept(d)))
    let reading = true
    let seen = 0
    const reader = (async () => {
      while (reading) {
        for (const row of await store.results(undefined, seen, 50)) {
          expect(row.seq).toBe(seen + 1)
          seen = row.seq
        }
      }
    })()
    await Promise.all(debits.map((d, i) => stores[(i + 1) % 3]!.settle(settlement(d))))
    reading = false
    await reader
    expect((await store.results(undefined, 0, 10_000)).map(r => r.seq)).toEqual(Array.from({ length: before + 150 }, (_, i) => i + 1))
  })
})

describe('the database itself', () => {
  test('refuses a change or removal of the journal', async () => {
    await expect(fresh.db.execute("UPDATE journal SET reason = 'other'")).rejects.toThrow('never changed')
    await expect(fresh.db.execute('DELETE FROM journal')).rejects.toThrow('never changed')
  })
  test('refuses a second debit of a ticket that is not certainly refused', async () => {
    const debit = await newDebit()
    await store.accept(debit)
    const second = (id: number) =>
      fresh.db.execute(
        `INSERT INTO instruction (id, verb, ticket_no, office_code, entrust_date, serial_no, bank_code, amount, request, state, accepted_at, next_attempt_at)
         VALUES (?, 'debit', ?, '1', '2026-11-10', ?, '4301', 1, '', 'accepted', '2026-11-10', '2026-11-10')`,
        [id, debit.ticketNo, String(90_000_000 + tickets).padStart(8, '0')],
      )
    await expect(second(await store.takeInstructionId())).rejects.toMatchObject({ errno: 1062 })
    await store.settle(settlement(debit, { decision: decided({ event: 'refuse', state: 'refused', outcome: outcome('24003') }) }))
    await expect(second(await store.takeInstructionId())).resolves.toMatchObject({ affectedRows: 1 })
  })
})

test('serial numbers are never given twice, by any number of processes', async () => {
  const stores = Array.from({ length: 4 }, () => openStore(fresh.db))
  const taken = await Promise.all(Array.from({ length: 1_000 }, (_, i) => stores[i % 4]!.takeSerial('14309990000', '2026-11-10')))
  expect(new Set(taken).size).toBe(1_000)
  expect(taken.every(serial => /^[0-9]{8}$/.test(serial))).toBe(true)
})

test('the outbox tells what is due once, keeps it if telling fails, and keeps what was re-scheduled meanwhile', async () => {
  const debit = await newDebit({ state: 'accepted', nextAttemptAt: now, wakeAt: now })
  await store.accept(debit)
  const mine = (ids: readonly number[]) => ids.includes(debit.instructionId)
  await expect(store.relay(now, 500, () => Promise.reject(new Error('redis is away')))).rejects.toThrow('away')
  let told = false
  await store.relay(now, 500, async ids => {
    told = mine(ids)
    await fresh.db.execute('UPDATE outbox SET wake_at = ? WHERE instruction_id = ?', ['2026-11-10 03:00:00.000', debit.instructionId])
  })
  expect([told, await count('outbox', debit)]).toEqual([true, 1])
  await store.relay(later(now, 3_600_000), 500, async () => {})
  expect(await count('outbox', debit)).toBe(0)
  expect(await store.due(now, 1_000)).toContain(debit.instructionId)
})
