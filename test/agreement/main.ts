// The life of one agreement, for anyone to watch:  npm run agreement [-- 4301]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seedOperators } from '../../gateway/day/operators.ts'
import { services } from '../../gateway/local.ts'
import { prepare, sampleReference as referencePath } from '../../gateway/prepare.ts'
import { openDatabase } from '../../gateway/store/database.ts'
import { openStore } from '../../gateway/store/store.ts'
import { quickPolicy, sampleReference, simulateBanks, stage } from '../gateway/stage.ts'
import { storyAccounts, tellStory } from './story.ts'

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}
const wanted = process.argv[2]
const dir = mkdtempSync(join(tmpdir(), 'taxlink-agreement-'))
const running = await services({ dir, production: false, say: () => {} })
const db = openDatabase(running.databaseUrl, { connections: 8 })
try {
  await prepare(running.databaseUrl, referencePath, () => {})
  await seedOperators(db, new Date('2026-01-01T02:00:00Z'))
  const store = openStore(db)
  for (const bankCode of wanted === undefined ? ['4301', '4306', '4310'] : [wanted]) {
    let at = Date.parse('2026-03-10T10:00:00+08:00')
    const clock = () => new Date(at)
    const simulated = await simulateBanks(() => undefined, { accounts: storyAccounts, accountingDate: '2026-03-10', now: clock })
    const process = stage(store, sampleReference({ ...quickPolicy, timeoutMs: 5_000 }), simulated.lines, `story-${bankCode}`, false, clock)
    say(`\n${bankCode} ${process.flow.reference().banks.get(bankCode)?.name ?? ''}`)
    await tellStory({
      flow: process.flow,
      slots: process.slots,
      bankCode,
      bank: simulated.of(bankCode),
      day: (day, time = '10:00') => {
        at = Date.parse(`${day}T${time}:00+08:00`)
      },
      say,
    })
    await process.close()
    await simulated.close()
  }
} finally {
  await db.close()
  await running.stop()
  rmSync(dir, { recursive: true, force: true })
}
