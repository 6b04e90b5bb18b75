// Plays seeds in a thread of its own: the code as it is, and copies of it with a bug planted in each.
import { parentPort } from 'node:worker_threads'
import { bugs } from '../patch/bugs.ts'
import { plantApart } from '../patch/load.ts'
import type { Heard, Hunt, Task } from './campaign.ts'
import type { Report } from './run.ts'

type Player = { readonly runSeed: (seed: number) => Promise<Report> }
// Nobody reads the stacks of simulated faults, and making them takes a quarter of the time.
Error.stackTraceLimit = 0
const addressOf = plantApart(bugs, 'test/simulate/run.ts')
const load = (name?: string): Promise<Player> => import(addressOf(bugs.find(bug => bug.name === name)))
const say = (heard: Heard): void => parentPort?.postMessage(heard)
const asItIs = await load()

const hunt = async ({ name, seeds }: Hunt): Promise<void> => {
  const planted = await load(name)
  for (const seed of seeds) {
    const report = await planted.runSeed(seed)
    // What is seen without the bug, too, is not the bug.
    const isSeen = report.failure !== undefined && (await asItIs.runSeed(seed)).failure === undefined
    say({ name, report: isSeen ? report : { ...report, failure: undefined } })
    if (isSeen) return
  }
}

const play = async (task: Exclude<Task, null>): Promise<void> => {
  if ('seeds' in task) for (const seed of task.seeds) say({ report: await asItIs.runSeed(seed) })
  else for (const one of task.hunts) await hunt(one)
  say('done')
}

parentPort?.on('message', (task: Task) => {
  if (task === null) parentPort?.close()
  // What goes wrong outside of all checkers ends the thread, and whoever waits for it hears of it.
  else
    void play(task).catch((error: unknown) =>
      setImmediate(() => {
        throw error
      }),
    )
})
