import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Report } from './run.ts'

/** A planted bug, and the seeds to play until one shows it. */
export type Hunt = { readonly name: string; readonly seeds: readonly number[] }
/** What a player is given: seeds to play as the code is, and bugs to hunt. */
export type Task = { readonly seeds?: readonly number[]; readonly hunts?: readonly Hunt[] }
/** What a player tells; `name`: of the bug it was played with. */
export type Heard = { readonly name?: string; readonly report: Report }

/** Plays a task in a thread; `each` hears every report. */
const play = (task: Task, each: (heard: Heard) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./player.ts', import.meta.url), { workerData: task })
    worker.on('message', each)
    worker.on('error', reject)
    worker.on('exit', () => resolve())
  })

/** Threads at once. */
export const threads = (): number => Math.max(1, availableParallelism())

/** One share for each thread; what stands beside each other goes to different ones. */
const shares = <T>(all: readonly T[]): T[][] =>
  Array.from({ length: threads() }, (_, i) => all.filter((_one, at) => at % threads() === i)).filter(share => share.length > 0)

/** Plays seeds in as many threads as there are cores, one after another in each. */
export const campaign = async (seeds: readonly number[], each: (report: Report) => void): Promise<void> => {
  await Promise.all(shares(seeds).map(share => play({ seeds: share }, ({ report }) => each(report))))
}

/** What became of a planted bug: which checker saw it, at which seed, after how many. */
export type Caught = { readonly name: string; readonly checker: string | undefined; readonly seed: number; readonly seeds: number }

/** Hunts several bugs, in as many threads as there are cores. */
export const huntAll = async (hunts: readonly Hunt[], each: (caught: Caught) => void): Promise<void> => {
  await Promise.all(shares(hunts).map(share => huntShare(share, each)))
}

/** Hunts bugs one after another in one thread. A bug that makes the program fail outright is seen, too; then the others have a new thread. */
const huntShare = async (share: readonly Hunt[], each: (caught: Caught) => void): Promise<void> => {
  const left = [...share]
  while (left.length > 0) {
    let played = 0
    const over = (checker: string | undefined, seed: number): void => {
      each({ name: left.shift()!.name, checker, seed, seeds: played })
      played = 0
    }
    try {
      await play({ hunts: [...left] }, ({ report: { seed, failure } }) => {
        played++
        if (failure || played === left[0]!.seeds.length) over(failure?.checker, seed)
      })
      return
    } catch {
      over('crash', left[0]!.seeds[played++]!)
    }
  }
}
