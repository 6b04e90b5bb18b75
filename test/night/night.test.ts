import { readFileSync, rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { loadReference } from '../../gateway/store/reference.ts'
import { randomOf } from '../crash/random.ts'
import { freshDatabase } from '../database.ts'
import { scratch } from '../scratch.ts'
import { nightBanks } from './plan.ts'
import { playNight } from './play.ts'

// A small night: real workers in processes of their own, over the real record and the banks' real layouts; `npm run night` plays a large one.

test('six banks of 5,000 lines, workers killed at random: each planted difference for what it is, none other, the same rows as undisturbed', async () => {
  const fresh = await freshDatabase(2)
  const dir = scratch('taxlink-night-')
  try {
    await loadReference(fresh.db, readFileSync('gateway/data/reference.json', 'utf8'), new Date())
    const random = randomOf(7)
    const night = { banks: nightBanks, lines: 5_000, every: 100 }
    const { kills, differences } = await playNight(fresh.url, dir, night, 8, () => random.next())
    expect(kills).toBe(8)
    expect(differences).toBe(6 * 50)
  } finally {
    rmSync(dir, { recursive: true, force: true })
    await fresh.drop()
  }
}, 180_000)
