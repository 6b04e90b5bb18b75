import { outcome } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { later } from '../../../gateway/domain/time.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { doubt, newDebit, now, settlementOf } from './kit.ts'

let fresh: FreshDatabase
let store: Store
beforeAll(async () => {
  fresh = await freshDatabase()
  store = openStore(fresh.db)
})
afterAll(() => fresh.drop())

test('a session that hastens the doubts of a bank waits for no call that is under way', async () => {
  // So many that the server goes by the index of what is due; they never were.
  const over = { state: 'refused', nextAttemptAt: undefined, wakeAt: undefined, outcome: outcome('93014') } as const
  await Promise.all(Array.from({ length: 3_000 }, async () => store.accept(await newDebit(store, over))))
  const [doubted, inFlight, elsewhere] = await Promise.all([{}, {}, { bankCode: '4306' }].map(change => newDebit(store, change)))
  for (const debit of [doubted!, inFlight!, elsewhere!]) await store.accept(debit)
  const { instructionId: id, ticketNo } = doubted!
  await store.settle(settlementOf({ id, ticketNo }, doubt))
  await fresh.db.query('ANALYZE TABLE instruction')
  const at = later(now, 1_000)
  await fresh.db.transaction(async tx => {
    for (const { instructionId } of [inFlight!, elsewhere!])
      await tx.query('SELECT id FROM instruction WHERE id = ? FOR UPDATE', [instructionId])
    expect(await store.reconciliations.hastenDoubts('4301', at, at)).toBe(1)
  })
  const nextAttemptAt = async (of: number) => (await store.load([of]))[0]?.nextAttemptAt
  expect(await Promise.all([id, inFlight!.instructionId, elsewhere!.instructionId].map(nextAttemptAt))).toEqual([
    at,
    inFlight!.nextAttemptAt,
    elsewhere!.nextAttemptAt,
  ])
})
