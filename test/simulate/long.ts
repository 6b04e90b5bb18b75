// A long campaign, which may be stopped at any time and goes on where it was:
//   npm run campaign -- --seeds 1000000 [--from 1] [--threads 2]     plays on; what it has seen stands in .data/campaign/<commit>.json
//   npm run campaign -- --report                                     prints that
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { openPlayers } from './campaign.ts'
import type { Report } from './run.ts'

/** What a campaign has seen so far. */
type Seen = {
  readonly commit: string
  readonly from: number
  /** The first seed that was not played yet. */
  next: number
  seconds: number
  processorMs: number
  tickets: number
  instructions: number
  steps: number
  /** Simulated time, ms. */
  simulatedMs: number
  readonly faults: { [kind: string]: number }
  readonly failed: { readonly seed: number; readonly what: string }[]
}

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '1000000' },
    from: { type: 'string', default: '1' },
    threads: { type: 'string' },
    report: { type: 'boolean', default: false },
  },
})
/** Seeds after which what was seen is written down. */
const blockSize = 200
const mostFailures = 20
const root = join(import.meta.dirname, '../..')
const commit = execFileSync('git', ['rev-parse', '--short=12', 'HEAD'], { cwd: root, encoding: 'utf8' }).trim()
const file = join(root, '.data/campaign', `${commit}.json`)
const say = (line: string): void => console.log(line)

const begun = (): Seen =>
  existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as Seen)
    : {
        commit,
        from: Number(values.from),
        next: Number(values.from),
        seconds: 0,
        processorMs: 0,
        tickets: 0,
        instructions: 0,
        steps: 0,
        simulatedMs: 0,
        faults: {},
        failed: [],
      }

const add = (seen: Seen, { seed, tickets, instructions, steps, simulatedMs, faults, failure }: Report): void => {
  seen.tickets += tickets
  seen.instructions += instructions
  seen.steps += steps
  seen.simulatedMs += simulatedMs
  for (const [kind, count] of Object.entries(faults)) seen.faults[kind] = (seen.faults[kind] ?? 0) + count
  if (!failure) return
  seen.failed.push({ seed, what: failure.what })
  say(failed(seed, failure.what))
}

/** The file is whole at every moment. */
const keep = (seen: Seen): void => {
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(`${file}.new`, JSON.stringify(seen))
  renameSync(`${file}.new`, file)
}

const failed = (seed: number, what: string): string => `seed ${seed} failed: ${what}\n  npm run simulate -- --seed ${seed} --trace`
const line = ({ from, next, seconds, processorMs, failed: of }: Seen): string => {
  const played = next - from
  const pace = `${(played / Math.max(1, seconds)).toFixed(1)} seeds/s, ${(processorMs / Math.max(1, played)).toFixed(0)} ms of processor a seed`
  return `${played} seeds, ${of.length} failed, ${pace}`
}

const report = (seen: Seen): void => {
  const { from, next, tickets, instructions, steps, simulatedMs, faults } = seen
  say(`commit ${commit}, seeds ${from} to ${next - 1}`)
  say(line(seen))
  say(`${tickets} tickets, ${instructions} instructions, ${steps} steps, ${(simulatedMs / 86_400_000 / 365).toFixed(1)} simulated years`)
  for (const [kind, count] of Object.entries(faults).sort((a, b) => b[1] - a[1])) say(`${String(count).padStart(12)}  ${kind}`)
  for (const { seed, what } of seen.failed) say(failed(seed, what))
}

const play = async (): Promise<void> => {
  const seen = begun()
  const end = seen.from + Number(values.seeds)
  const players = openPlayers(values.threads === undefined ? undefined : Number(values.threads))
  while (seen.next < end && seen.failed.length < mostFailures) {
    const [began, used] = [performance.now(), process.cpuUsage()]
    const block = Array.from({ length: Math.min(blockSize, end - seen.next) }, (_, i) => seen.next + i)
    await players.play(block, one => add(seen, one))
    seen.next += block.length
    seen.seconds += (performance.now() - began) / 1000
    const { user, system } = process.cpuUsage(used)
    seen.processorMs += (user + system) / 1000
    keep(seen)
    say(line(seen))
  }
  players.end()
  report(seen)
  process.exitCode = seen.failed.length > 0 ? 1 : 0
}

if (values.report) report(begun())
else await play()
