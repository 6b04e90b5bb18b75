import { createHash } from 'node:crypto'
import { outcome } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { later } from '../../../gateway/domain/time.ts'
import type { NewDebit } from '../../../gateway/store/debits.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'

// Several processes at once, with the same tickets in another order: the groups of one wait for rows and the counter of another.

const now = new Date('2026-11-10T02:00:00.000Z')
let fresh: FreshDatabase
let stores: Store[]
beforeAll(async () => {
  fresh = await freshDatabase(24)
  stores = Array.from({ length: 4 }, () => openStore(fresh.db))
})
afterAll(() => fresh.drop())

const debitOf = async (store: Store, n: number, owner: string): Promise<NewDebit> => {
  const refused = n % 5 === 0
  return {
    ticketNo: String(430_000_000_000_000_000n + BigInt(n)),
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
    state: refused ? 'refused' : 'sent',
    owner,
    nextAttemptAt: refused ? undefined : later(now, 60_000),
    wakeAt: refused ? undefined : later(now, 60_000),
    outcome: refused ? outcome('93014') : undefined,
    reason: 'test',
  }
}
const shuffled = (count: number, by: number): number[] => Array.from({ length: count }, (_, i) => ((i * by) % count) + 1)

test('the same thousand tickets at four processes, settled, asked about and relayed all the while: each is accepted once and nothing fails', async () => {
  const count = 1_000
  let working = true
  const relaying = (async () => {
    while (working) await stores[3]!.relay(later(now, 120_000), 500, async () => {})
  })()
  const one = async (store: Store, n: number, owner: string): Promise<string> => {
    const debit = await debitOf(store, n, owner)
    const verdict = await store.accept(debit)
    if (verdict.kind !== 'accepted' || debit.state !== 'sent') return verdict.kind
    const fence = {
      instruction: { id: debit.instructionId, verb: 'debit', ticketNo: debit.ticketNo, bankCode: debit.bankCode } as const,
      owner,
      now,
    }
    const nothing = { bankSerial: undefined, accountingDate: undefined, fault: undefined, transcript: '{}' }
    const doubt = {
      event: 'doubt',
      state: 'unknown',
      redeliveries: 0,
      inquiries: 0,
      nextAttemptAt: now,
      person: false,
      outcome: undefined,
      reason: '',
    } as const
    expect(await store.settle({ ...fence, ...nothing, from: 'sent', attemptNo: 1, decision: doubt })).toBe(true)
    const [instruction] = await store.load([debit.instructionId])
    const leaseUntil = later(now, 60_000)
    const rivals = await Promise.all(
      stores.map((s, i) => s.claim({ instruction: instruction!, verb: 'inquiry', owner: `rival ${i}`, now, leaseUntil })),
    )
    expect(rivals.filter(Boolean)).toHaveLength(1)
    const end = { ...doubt, event: 'succeed', state: 'succeeded', nextAttemptAt: undefined, outcome: outcome('90000') } as const
    const winner = { owner: `rival ${rivals.indexOf(true)}`, from: 'unknown', attemptNo: 2, decision: end } as const
    expect(await store.settle({ ...fence, ...nothing, ...winner })).toBe(true)
    return verdict.kind
  }
  const kinds = await Promise.all(
    stores.flatMap((store, i) => shuffled(count, [1, 7, 999, 333][i]!).map(n => one(store, n, `process ${i}`))),
  )
  working = false
  await relaying
  expect(kinds.filter(kind => kind === 'accepted')).toHaveLength(count)
  expect((await stores[0]!.results(undefined, 0, 2_000)).map(r => r.seq)).toEqual(Array.from({ length: count }, (_, i) => i + 1))
  expect(await fresh.db.query('SELECT 1 FROM outbox')).toEqual([])
}, 120_000)
