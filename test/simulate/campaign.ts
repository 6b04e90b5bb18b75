import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { Report } from './run.ts'

/** A planted bug, and the seeds to play until one shows it. */
export type Hunt = { readonly name: string; readonly seeds: readonly number[] }
/** What a player is told: seeds to play as the code is, or bugs to hunt; null: no more. */
export type Task = { readonly seeds: readonly number[] } | { readonly hunts: readonly Hunt[] } | null
/** What a player tells: a report, `name` being of the bug it was played with, or that its task is done. */
export type Heard = { readonly name?: string; readonly report: Report } | 'done'

/** A thread that plays tasks, one after another; `each` hears every report. */
type Player = { play(task: Exclude<Task, null>, each: (heard: Exclude<Heard, 'done'>) => void): Promise<void>; end(): void }

const openPlayer = (): Player => {
  const worker = new Worker(new URL('./player.ts', import.meta.url))
  return {
    play: (task, each) =>
      new Promise((resolve, reject) => {
        const hear = (heard: Heard): void => {
          if (heard === 'done') {
            worker.off('message', hear).off('error', reject)
            resolve()
          } else each(heard)
        }
        worker.on('message', hear).once('error', reject).postMessage(task)
      }),
    end: () => worker.postMessage(null),
  }
}

/** Threads at once. */
const threads = (): number => Math.max(1, availableParallelism())

/** As many players as there are cores, which live until `end`. */
export type Players = { play(seeds: readonly number[], each: (report: Report) => void): Promise<void>; end(): void }

/** Opens the players: each is given a few seeds at a time, so that all are done at about the same moment. */
export const openPlayers = (count = threads()): Players => {
  const players = Array.from({ length: count }, openPlayer)
  return {
    play: async (seeds, each) => {
      const size = Math.max(1, Math.min(20, Math.ceil(seeds.length / count / 4)))
      let at = 0
      const run = async (player: Player): Promise<void> => {
        while (at < seeds.length) {
          const some = seeds.slice(at, at + size)
          at += size
          await player.play({ seeds: some }, ({ report }) => each(report))
        }
      }
      await Promise.all(players.map(run))
    },
    end: () => {
      for (const player of players) player.end()
    },
  }
}

/** Plays seeds in as many threads as there are cores. */
export const campaign = async (seeds: readonly number[], each: (report: Report) => void): Promise<void> => {
  const players = openPlayers()
  await players.play(seeds, each).finally(() => players.end())
}

/** What became of a planted bug: which checker saw it, at which seed, after how many. */
export type Caught = { readonly name: string; readonly checker: string | undefined; readonly seed: number; readonly seeds: number }

/** Hunts several bugs, in as many threads as there are cores; `each` hears what became of each, in whichever order. */
export const huntAll = async (hunts: readonly Hunt[], each: (caught: Caught) => void): Promise<void> => {
  const left = [...hunts]
  await Promise.all(Array.from({ length: Math.min(threads(), hunts.length) }, () => huntLeft(left, each)))
}

/** Hunts bugs one after another. A bug that makes the program fail outright is seen, too; then the next has a new thread. */
const huntLeft = async (left: Hunt[], each: (caught: Caught) => void): Promise<void> => {
  let player = openPlayer()
  for (let hunt = left.shift(); hunt; hunt = left.shift()) {
    const { name, seeds } = hunt
    let played = 0
    let caught: Report | undefined
    try {
      await player.play({ hunts: [hunt] }, ({ report }) => {
        played++
        if (report.failure) caught = report
      })
      each({ name, checker: caught?.failure?.checker, seed: caught?.seed ?? seeds.at(-1)!, seeds: played })
    } catch {
      each({ name, checker: 'crash', seed: seeds[played]!, seeds: played + 1 })
      player = openPlayer()
    }
  }
  player.end()
}
