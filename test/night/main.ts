// `npm run night [lines] [seed]`: six banks with a million lines each (or as many as are named), one in a thousand of them planted with a difference of
// one of nine kinds, matched by workers that are killed at random moments; then once more undisturbed. Ends with 1 where anything is not as planted.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { services } from '../../gateway/local.ts'
import { prepare, sampleReference } from '../../gateway/prepare.ts'
import { randomOf } from '../crash/random.ts'
import { nightBanks } from './plan.ts'
import { playNight } from './play.ts'

const [lines = 1_000_000, seed = 1] = process.argv.slice(2).map(Number)
const dir = mkdtempSync(join(tmpdir(), 'taxlink-night-'))
const say = (line: string): void => void process.stdout.write(`${line}\n`)
const running = await services({ dir, production: false, say: () => {}, databaseUrl: undefined, redisUrl: undefined })
try {
  await prepare(running.databaseUrl, sampleReference, () => {})
  const random = randomOf(seed)
  const night = { banks: nightBanks, lines, every: 1_000 }
  const { kills, differences, seconds } = await playNight(running.databaseUrl, dir, night, 30, () => random.next(), say)
  say(`${nightBanks.length} × ${lines} lines, ${kills} kills, ${differences} differences, all as planted, in ${seconds.toFixed(1)} s`)
} finally {
  await running.stop()
  rmSync(dir, { recursive: true, force: true })
}
