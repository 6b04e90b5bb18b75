import { acceptDebit } from '../flows/accept.ts'
import type { Flow } from '../flows/flow.ts'
import type { DebitOrder } from '../flows/order.ts'
import type { Slots } from '../flows/slots.ts'
import { type Problem, problemOf, Refusal, refusalOf } from './problem.ts'
import { batchSchema, orderSchema } from './schemas.ts'
import type { DebitJson } from './shapes.ts'
import { type Find, standingOf } from './standing.ts'
import { bodyCheck, placeErrors } from './validate.ts'

/** What became of one order of a batch. */
export type BatchVerdict = {
  readonly verdict: 'accepted' | 'repeated' | 'differs' | 'invalid' | 'failed'
  readonly ticketNo?: string
  readonly debit?: DebitJson
  readonly problem?: Problem
}
/** Takes the orders of one tax system; a verdict for each, in their order. */
export type Batch = (uri: string, orders: readonly unknown[]) => Promise<BatchVerdict[]>

/** The frame of a batch alone: how many orders, and nothing beside them. */
export const batchCheck = bodyCheck({
  ...batchSchema,
  $id: 'BatchFrame',
  properties: { orders: { ...batchSchema.properties.orders, items: {} } },
})
const orderCheck = bodyCheck<DebitOrder>({ ...orderSchema, $id: 'BatchOrder' })
const ticketForm = /^[0-9]{18}$/

/** Opens the way for batches. Throws only where the record took none of the orders. */
export const openBatch = (flow: Flow, slots: Slots, find: Find): Batch => {
  const one = async (uri: string, order: unknown, at: string): Promise<BatchVerdict> => {
    if (!orderCheck(order)) {
      const errors = placeErrors(orderCheck.errors, at)
      return refused(ticketOf(order), new Refusal(422, 'invalid-request', { errors }))
    }
    const { ticketNo } = order
    try {
      const { debit, repeated } = await standingOf(find, uri, ticketNo, await acceptDebit(flow, slots, uri, order))
      return { verdict: repeated ? 'repeated' : 'accepted', ticketNo, debit }
    } catch (error) {
      return refused({ ticketNo }, within(at, refusalOf(error)) ?? report(flow, error))
    }
  }
  return async (uri, orders) => {
    // Of two orders under one number the first counts, however long it takes.
    const before = new Map<unknown, Promise<BatchVerdict>>()
    const verdicts = await Promise.all(
      orders.map(async (order, i) => {
        const { ticketNo } = ticketOf(order)
        const at = `/orders/${i}`
        if (ticketNo === undefined) return one(uri, order, at)
        const earlier = before.get(ticketNo)
        const verdict = earlier ? earlier.then(() => one(uri, order, at)) : one(uri, order, at)
        before.set(ticketNo, verdict)
        return verdict
      }),
    )
    // Nothing was taken: that is no verdict on orders but an outage, and is told as one.
    if (verdicts.every(({ verdict }) => verdict === 'failed')) throw new Refusal(503, 'record-away', { headers: { 'retry-after': '1' } })
    return verdicts
  }
}

/** The number of an order that may be broken elsewhere; a number that is broken itself is not repeated. */
const ticketOf = (order: unknown): { readonly ticketNo?: string } => {
  const named = typeof order === 'object' && order !== null && 'ticketNo' in order ? order.ticketNo : undefined
  return typeof named === 'string' && ticketForm.test(named) ? { ticketNo: named } : {}
}

/** The places of a refusal, as places of the whole body. */
const within = (at: string, refusal: Refusal | undefined): Refusal | undefined => {
  const errors = refusal?.more.errors?.map(error => ({ ...error, pointer: at + error.pointer }))
  return refusal && errors ? new Refusal(refusal.status, refusal.fault, { ...refusal.more, errors }) : refusal
}

const refused = (ticket: { readonly ticketNo?: string }, refusal: Refusal): BatchVerdict => ({
  verdict: refusal.status === 409 ? 'differs' : refusal.status >= 500 ? 'failed' : 'invalid',
  ...ticket,
  problem: problemOf(refusal),
})

const report = (flow: Flow, error: unknown): Refusal => {
  flow.note({ event: 'trouble', detail: `batch: ${String(error)}` })
  return new Refusal(500, 'internal')
}
