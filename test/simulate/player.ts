// Plays seeds in a thread of its own: what it is given, and with a planted bug if there is one.
import { parentPort, workerData } from 'node:worker_threads'
import { bugs } from '../patch/bugs.ts'
import { plant } from '../patch/load.ts'
import type { Heard, Task } from './campaign.ts'

const { seeds, bug, untilCaught } = workerData as Task
// Nobody reads the stacks of simulated faults, and making them takes a quarter of the time.
Error.stackTraceLimit = 0
const planted = bugs.find(({ name }) => name === bug)
if (planted) plant(planted)
const { runSeed } = await import('./run.ts')
for (const seed of seeds) {
  const report = await runSeed(seed)
  parentPort?.postMessage({ report } satisfies Heard)
  if (untilCaught && report.failure) break
}
