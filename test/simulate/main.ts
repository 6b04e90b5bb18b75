// The production flows in a simulated world, many seeds of it:
//   npm run simulate -- --seeds 20000 [--from 1]     plays seeds, on all cores
//   npm run simulate -- --seed 17 [--trace]          plays one again, and prints what happened
//   npm run simulate -- --bug NAME,… [--seeds 2000]  plants a bug and plays until a checker sees it
//   npm run simulate -- --bugs [--write]             the same with every bug there is; planted.txt is written anew
//   npm run simulate -- --planted                    each bug with the seed in planted.txt that shows it
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { bugs } from '../patch/bugs.ts'
import { plant } from '../patch/load.ts'
import { type Caught, campaign, type Hunt, huntAll } from './campaign.ts'
import type { Report } from './run.ts'

const { values } = parseArgs({
  options: {
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    seed: { type: 'string' },
    bug: { type: 'string' },
    bugs: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    planted: { type: 'boolean', default: false },
    corpus: { type: 'boolean', default: false },
    trace: { type: 'boolean', default: false },
  },
})
const say = (line: string): void => console.log(line)
const range = (count: number): number[] => Array.from({ length: count }, (_, i) => Number(values.from) + i)
const linesOf = (file: string): string[] =>
  readFileSync(join(import.meta.dirname, file), 'utf8')
    .split('\n')
    .filter(line => line !== '' && !line.startsWith('#'))
const corpus = (): number[] => linesOf('corpus.txt').map(line => Number.parseInt(line, 10))
/** By bug: the seed that shows it. */
const shownBy = (): Map<string, number> => new Map(linesOf('planted.txt').map(line => [line.split(' ')[0]!, Number(line.split(' ')[1])]))

const one = async (seed: number): Promise<number> => {
  Error.stackTraceLimit = 0
  const planted = bugs.find(({ name }) => name === values.bug)
  if (planted) plant(planted)
  const { runSeed } = await import('./run.ts')
  const { digest, steps, instructions, failure } = await runSeed(seed, values.trace ? say : undefined)
  say(`seed ${seed}: ${instructions} instructions, ${steps} steps, trace ${digest}: ${failure?.what ?? 'clean'}`)
  return failure ? 1 : 0
}

const many = async (seeds: readonly number[]): Promise<number> => {
  const began = performance.now()
  const failed: Report[] = []
  let [played, steps, instructions] = [0, 0, 0]
  await campaign(seeds, report => {
    played++
    steps += report.steps
    instructions += report.instructions
    if (report.failure) {
      failed.push(report)
      say(`seed ${report.seed} failed: ${report.failure.what}\n  npm run simulate -- --seed ${report.seed} --trace`)
    }
    if (played % 10_000 === 0) say(`${played} seeds, ${failed.length} failed`)
  })
  const seconds = (performance.now() - began) / 1000
  const { user, system } = process.cpuUsage()
  say(
    `${played} seeds (${instructions} instructions, ${steps} steps), ${failed.length} failed, ${seconds.toFixed(1)} s, ` +
      `${(played / seconds).toFixed(1)} seeds/s, ${((user + system) / 1000 / played).toFixed(0)} ms of processor a seed`,
  )
  return failed.length > 0 || played < seeds.length ? 1 : 0
}

const hunted = async (hunts: readonly Hunt[]): Promise<number> => {
  const all: Caught[] = []
  await huntAll(hunts, caught => {
    all.push(caught)
    const { name, checker, seed, seeds } = caught
    say(
      checker === undefined
        ? `${name.padEnd(34)} NOT CAUGHT in ${seeds} seeds`
        : `${name.padEnd(34)} caught by checker ${checker.padEnd(24)} after ${String(seeds).padStart(4)} seeds, at seed ${seed}`,
    )
  })
  if (values.write) writePlanted(all)
  const missed = all.filter(({ checker }) => checker === undefined)
  say(`${all.length - missed.length} of ${hunts.length} planted bugs caught`)
  return missed.length > 0 || all.length < hunts.length ? 1 : 0
}

/** As the hunt from the first seed on found them: the seed is how many it took. */
const writePlanted = (all: readonly Caught[]): void => {
  const head =
    '# Written by `npm run simulate -- --bugs --write`: a planted bug, the first seed that shows it and is clean without it, the checker that saw it.\n'
  const lines = all.filter(({ checker }) => checker !== undefined).map(({ name, seed, checker }) => `${name} ${seed} ${checker}\n`)
  writeFileSync(join(import.meta.dirname, 'planted.txt'), head + lines.sort().join(''))
}

/** Each bug with the seed that shows it; where the code has changed so that another one does, with some more. */
const kept = (): Hunt[] => [...shownBy()].map(([name, seed]) => ({ name, seeds: [...new Set([seed, ...range(60)])] }))

const run = (): Promise<number> => {
  if (values.seed !== undefined) return one(Number(values.seed))
  if (values.corpus) return many(corpus())
  if (values.planted) return hunted(kept())
  if (values.bug !== undefined || values.bugs) {
    const names = bugs.map(({ name }) => name).filter(name => values.bugs || values.bug?.split(',').includes(name))
    if (names.length === 0) throw new Error(`there is no bug of the name ${values.bug}`)
    return hunted(names.map(name => ({ name, seeds: range(Number(values.seeds ?? 2_000)) })))
  }
  return many(range(Number(values.seeds ?? 1_000)))
}
process.exitCode = await run()
