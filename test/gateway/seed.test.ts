import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seedBanks } from '../../gateway/day/banks.ts'
import { seedOperators } from '../../gateway/day/operators.ts'
import { route, withRegistry } from '../../gateway/domain/reference.ts'
import { loadReference } from '../../gateway/store/reference.ts'
import { openStore } from '../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../database.ts'
import { sampleRegistry } from '../registry.ts'

// The sample banks as `npm start` brings them about: by the flows of the operators, every step of them.

const clock = () => new Date('2026-11-10T02:00:00.000Z')
let fresh: FreshDatabase
beforeAll(async () => {
  fresh = await freshDatabase(2)
  await loadReference(fresh.db, readFileSync('gateway/data/reference.json', 'utf8'), clock())
  await seedOperators(fresh.db, clock())
})
afterAll(() => fresh.drop())

test('from an empty registry to that of the sample province, and no further', async () => {
  const store = openStore(fresh.db)
  const empty = withRegistry((await store.reference())!, await store.registry.read(), '2026-11-10')
  expect(route(empty, '4301', '14301020000', '2026-11-10')).toMatchObject({ rule: 'bank-unknown' })
  await seedBanks(fresh.db, clock)
  const first = await store.registry.read()
  for (const [code, { province, cities, accounts }] of sampleRegistry.dossiers) {
    const made = first.dossiers.get(code)!
    expect([made.province, [...made.cities], [...made.accounts.keys()]]).toEqual([province, [...cities], [...accounts.keys()]])
  }
  const lines = await store.registry.list({}, 0, 1_000)
  expect(new Set(lines.map(({ actor, proposalId }) => `${actor} ${proposalId === undefined ? 1 : 2}`))).toEqual(
    new Set(['urn:taxlink:operator:zhang 1', 'urn:taxlink:operator:li 2']),
  )
  await seedBanks(fresh.db, clock)
  expect((await store.registry.read()).lines).toBe(first.lines)
})
