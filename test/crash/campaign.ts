// The filing day under many accidents: `node test/crash/campaign.ts --seeds 50 [--from 1000]`; CRASH_SEED=n plays one seed again.
import { parseArgs } from 'node:util'
import { forget, reportText, runSeed } from './run.ts'
import { openServers } from './servers.ts'

const { values } = parseArgs({
  options: { seeds: { type: 'string', default: '20' }, from: { type: 'string', default: '1' } },
})
const one = process.env.CRASH_SEED
const seeds = one ? [Number(one)] : Array.from({ length: Number(values.seeds) }, (_, i) => Number(values.from) + i)
const servers = await openServers()
const failed: number[] = []
for (const seed of seeds) {
  const report = await runSeed(servers, seed)
  process.stdout.write(`${reportText(report)}\n`)
  forget(servers, report)
  if (report.faults.length > 0) failed.push(seed)
}
await servers.close(failed.length > 0)
process.stdout.write(failed.length === 0 ? `${seeds.length} days, all balanced\n` : `NOT balanced: seeds ${failed.join(', ')}\n`)
process.exitCode = failed.length === 0 ? 0 : 1
