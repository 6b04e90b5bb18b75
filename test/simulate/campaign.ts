import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Report } from './run.ts'

/** What a player is given. */
export type Task = { readonly seeds: readonly number[]; readonly bug?: string; readonly untilCaught?: boolean }
/** What a player tells. */
export type Heard = { readonly report: Report }

/** Plays a task in a thread; `each` hears every report. */
const play = (task: Task, each: (report: Report) => void): Promise<void> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./player.ts', import.meta.url), { workerData: task })
    worker.on('message', ({ report }: Heard) => each(report))
    worker.on('error', reject)
    worker.on('exit', () => resolve())
  })

/** Threads at once. */
export const threads = (): number => Math.max(1, availableParallelism())

/** Plays seeds in as many threads as there are cores, one after another in each. */
export const campaign = async (seeds: readonly number[], each: (report: Report) => void): Promise<void> => {
  const count = threads()
  const shares = Array.from({ length: count }, (_, i) => seeds.filter((_seed, at) => at % count === i))
  await Promise.all(shares.filter(share => share.length > 0).map(share => play({ seeds: share }, each)))
}

/** What became of a planted bug: which checker saw it, after how many seeds. */
export type Caught = { readonly name: string; readonly checker: string | undefined; readonly seeds: number; readonly what: string }

/** Plants one bug and plays seeds until a checker sees it. A bug that makes the program fail outright is seen, too. */
export const hunt = async (name: string, seeds: readonly number[]): Promise<Caught> => {
  let caught: Caught = { name, checker: undefined, seeds: seeds.length, what: '' }
  let played = 0
  try {
    await play({ seeds, bug: name, untilCaught: true }, ({ failure }) => {
      played++
      if (failure) caught = { name, checker: failure.checker, seeds: played, what: failure.what }
    })
  } catch (error) {
    return { name, checker: 'crash', seeds: played + 1, what: String(error) }
  }
  return caught
}

/** Hunts several bugs, as many at once as there are cores. */
export const huntAll = async (names: readonly string[], seeds: readonly number[], each: (caught: Caught) => void): Promise<void> => {
  const left = [...names]
  const one = async (): Promise<void> => {
    for (let name = left.shift(); name !== undefined; name = left.shift()) each(await hunt(name, seeds))
  }
  await Promise.all(Array.from({ length: threads() }, one))
}
