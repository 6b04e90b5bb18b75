// Plays seeds in a thread of its own: the code as it is, and copies of it with a bug planted in each.
import { parentPort, workerData } from 'node:worker_threads'
import { bugs } from '../patch/bugs.ts'
import { plantApart } from '../patch/load.ts'
import type { Heard, Task } from './campaign.ts'
import type { Report } from './run.ts'

type Player = { readonly runSeed: (seed: number) => Promise<Report> }
const { seeds = [], hunts = [] } = workerData as Task
// Nobody reads the stacks of simulated faults, and making them takes a quarter of the time.
Error.stackTraceLimit = 0
const addressOf = plantApart(bugs, 'test/simulate/run.ts')
const load = (name?: string): Promise<Player> => import(addressOf(bugs.find(bug => bug.name === name)))
const say = (heard: Heard): void => parentPort?.postMessage(heard)

const asItIs = await load()
for (const seed of seeds) say({ report: await asItIs.runSeed(seed) })
for (const hunt of hunts) {
  const planted = await load(hunt.name)
  for (const seed of hunt.seeds) {
    const report = await planted.runSeed(seed)
    // What is seen without the bug, too, is not the bug.
    const isSeen = report.failure !== undefined && (await asItIs.runSeed(seed)).failure === undefined
    say({ name: hunt.name, report: isSeen ? report : { ...report, failure: undefined } })
    if (isSeen) break
  }
}
