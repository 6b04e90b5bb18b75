import { decideStop } from '../domain/stop.ts'
import { movementOf, type Ticket, type Verdict } from '../domain/ticket.ts'
import { type Flow, waitKey } from './flow.ts'
import { aboutNothing, type FurtherVerdict, furtherHash, originalOf, type StopOrder, stopOrder, told } from './further.ts'

/** 止付: stops an instruction that certainly never left us; one that was sent is refused, and needs a reversal. Final at once. */
export const stop = async (flow: Flow, taxSystem: string, order: StopOrder): Promise<FurtherVerdict> => {
  const contentHash = furtherHash(stopOrder, order)
  const key = { taxSystem, kind: 'stop', orderNo: order.orderNo } as const
  const original = await originalOf(flow, taxSystem, order)
  if (!original) return aboutNothing(flow, key, contentHash)
  const made = {
    ...key,
    contentHash,
    ticketNo: original.ticketNo,
    instructionId: original.id,
    acceptedAt: flow.clock(),
  }
  const said = await flow.store.stop(made, (ticket: Ticket): Verdict => decideStop(ticket, movementOf(ticket, original.id)!))
  if (said.kind === 'accepted' && said.verdict.kind === 'send') flow.settled(waitKey(original), 'refused')
  return told(flow, 'stop', original, contentHash, said)
}
