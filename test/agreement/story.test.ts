import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seedOperators } from '../../gateway/day/operators.ts'
import { openStore, type Store } from '../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../database.ts'
import { quickPolicy, sampleReference, simulateBanks, stage } from '../gateway/stage.ts'
import { storyAccounts, tellStory } from './story.ts'

// The life of one agreement over the wire, for each of the three banks, in its own layout.

let fresh: FreshDatabase
let store: Store
beforeAll(async () => {
  fresh = await freshDatabase()
  await seedOperators(fresh.db, new Date('2026-01-01T02:00:00Z'))
  store = openStore(fresh.db)
})
afterAll(() => fresh.drop())

describe.each(['4301', '4306', '4310'])('bank %s', bankCode => {
  test('bound, active, changed, renewed, stopped and void', async () => {
    let at = Date.parse('2026-03-10T10:00:00+08:00')
    const clock = () => new Date(at)
    const patient = { ...quickPolicy, timeoutMs: 5_000 }
    const simulated = await simulateBanks(() => undefined, { accounts: storyAccounts, accountingDate: '2026-03-10', now: clock })
    const staged = stage(store, sampleReference(patient), simulated.lines, `story-${bankCode}`, false, clock)
    try {
      const lines: string[] = []
      const told = await tellStory({
        flow: staged.flow,
        slots: staged.slots,
        bankCode,
        bank: simulated.of(bankCode),
        day: (day, time = '10:00') => {
          at = Date.parse(`${day}T${time}:00+08:00`)
        },
        say: line => void lines.push(line),
      })
      expect(told).toMatchObject([
        { step: 'bound', state: 'bound', boundOn: '2026-03-10', bank: 'bound' },
        { step: 'verified', source: 'verification', account: 'confirmed' },
        { step: 'reviewed', state: 'accepted', activeFrom: '2026-04-01' },
        { step: 'march', state: 'refused', code: '24009', rule: 'not-yet-active' },
        { step: 'month-end', left: 0 },
        { step: 'april', state: 'succeeded' },
        { step: 'active', state: 'active' },
        { step: 'change refused', rule: 'account-within-year' },
        { step: 'change waits', state: 'drafted' },
        { step: 'change permitted', state: 'approved' },
        { step: 'change bound', state: 'bound', old: 'active', ending: true, bank: 'cancelled' },
        { step: 'ending', state: 'refused', rule: 'agreement-ending' },
        { step: 'replaced', old: 'ended', state: 'accepted' },
        { step: 'new account', state: 'succeeded' },
        { step: 'renewal', state: 'succeeded' },
        { step: 'renewed', validTo: '2028-09-30' },
        { step: 'suspended', state: 'suspended', bank: 'suspended', debit: 'refused', rule: 'agreement-suspended' },
        { step: 'resumed', bank: 'bound', debit: 'succeeded' },
        { step: 'void', state: 'void', bank: 'cancelled', debit: 'refused', rule: 'agreement-over' },
      ])
      expect(lines).toHaveLength(told.length)
    } finally {
      await staged.close()
      await simulated.close()
    }
  })
})
