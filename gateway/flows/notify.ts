import { later } from '../domain/time.ts'
import type { ResultView } from '../store/reads.ts'
import type { Flow } from './flow.ts'

/** One webhook: its name in the record, how a run of results is sent, and how long that may take. `send` resolves to whether the other side took it. */
export type Webhook = {
  readonly name: string
  readonly timeoutMs: number
  readonly send: (results: readonly ResultView[]) => Promise<boolean>
}

const atOnce = 100
// 1 s, 2 s, 4 s … 10 min: a receiver that is away is asked again, for ever; nothing is skipped.
const pauseAfter = (failures: number): number => Math.min(600_000, 1_000 * 2 ** Math.min(failures - 1, 20))

/**
 * Sends the next results of the feed to a webhook, in order, at least once; the receiver tells repeats by `seq`. One process at a time, under a
 * lease. Returns how many were delivered; when it is the full run, there may be more.
 */
export const notify = async (flow: Flow, webhook: Webhook): Promise<number> => {
  const now = flow.clock()
  const held = await flow.store.deliveries.lease(webhook.name, flow.owner, now, later(now, webhook.timeoutMs + flow.leaseMs))
  if (!held) return 0
  const results = await flow.store.results(undefined, held.deliveredSeq, atOnce)
  const taken = results.length === 0 || (await webhook.send(results))
  const failures = taken ? 0 : held.failures + 1
  await flow.store.deliveries.advance(webhook.name, flow.owner, {
    deliveredSeq: taken ? (results.at(-1)?.seq ?? held.deliveredSeq) : held.deliveredSeq,
    failures,
    nextAttemptAt: taken ? now : later(flow.clock(), pauseAfter(failures)),
  })
  if (!taken) flow.note({ event: 'delivery-failed', count: results.length, detail: `failure ${failures}` })
  else if (results.length > 0) flow.note({ event: 'delivered', count: results.length })
  return taken ? results.length : 0
}
