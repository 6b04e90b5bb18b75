import { waitedFor } from '../domain/reference.ts'
import type { Flow } from './flow.ts'

/** Tells the queue about instructions; resolves when the queue has them. */
export type Tell = (ids: readonly number[]) => Promise<void>

const atOnce = 500

/** Carries what is due in the outbox to the queue; the rest of the outbox waits for the next call. Returns how many were told. */
export const relay = async (flow: Flow, tell: Tell): Promise<number> => {
  const told = await flow.store.relay(flow.clock(), atOnce, tell)
  if (told > 0) flow.note({ event: 'relayed', count: told })
  return told
}

/**
 * Finds in the record whatever is due, whoever forgot it, and tells the queue: an emptied Redis or a lost wake-up costs only time. What waits for
 * a halted bank to be resumed is passed by, so that it hides no doubt that can be asked about.
 */
export const sweep = async (flow: Flow, tell: Tell): Promise<number> => {
  const due = await flow.store.due(flow.clock(), atOnce, waitedFor(flow.reference()))
  if (due.length > 0) {
    await tell(due)
    flow.note({ event: 'swept', count: due.length })
  }
  return due.length
}
