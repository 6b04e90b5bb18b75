import { type DebitState, isFinal } from '../domain/debit.ts'
import { acceptDebit } from '../flows/accept.ts'
import type { Flow } from '../flows/flow.ts'
import type { DebitOrder } from '../flows/order.ts'
import type { Slots } from '../flows/slots.ts'
import type { App, Reply, Request } from './app.ts'
import { batchCheck, openBatch } from './batch.ts'
import { afterOf, nextOf } from './cursor.ts'
import { operations } from './operations.ts'
import { Refusal } from './problem.ts'
import { type DebitJson, debitJson, feedJson } from './shapes.ts'
import { openFind, standingOf } from './standing.ts'
import { validatorCompiler } from './validate.ts'
import { preferredWait, type Waiters } from './waiters.ts'

/** What the operations of the tax systems work with. */
export type TaxDeps = {
  readonly flow: Flow
  readonly slots: Slots
  readonly waiters: Waiters
  /** Told when a request has done its work and from now on only waits. */
  readonly resting: (request: Request) => void
}

/** Who calls; the role was checked before any route ran. */
export const caller = (request: Request): string => request.identity?.uri ?? refuse(401, 'unauthenticated')
/** Refuses a request. */
export const refuse = (status: number, fault: 'unauthenticated' | 'not-found'): never => {
  throw new Refusal(status, fault)
}

/** Binds the operations of the tax systems to a server. */
export const taxRoutes = (app: App, deps: TaxDeps): void => {
  const { flow, slots, waiters, resting } = deps
  const find = openFind(flow)
  const batch = openBatch(flow, slots, find)

  /** Waits as long as preferred, if the debit is not final; then it is as the record has it. */
  const waited = async (request: Request, reply: Reply, debit: DebitJson): Promise<DebitJson> => {
    const seconds = preferredWait(request.headers.prefer)
    if (seconds === undefined) return debit
    reply.header('preference-applied', `wait=${seconds}`)
    if (isFinal(debit.state) || seconds === 0) return debit
    resting(request)
    await waiters.wait(debit.ticketNo, seconds * 1000)
    const view = await find(debit.ticketNo)
    return view ? debitJson(view) : debit
  }

  app.route<{ Body: DebitOrder }>({
    ...operations.postDebit,
    handler: async (request, reply) => {
      const uri = caller(request)
      const order = request.body
      const { debit: first, repeated } = await standingOf(find, uri, order.ticketNo, await acceptDebit(flow, slots, uri, order))
      if (repeated) reply.header('idempotency-replayed', 'true')
      const debit = await waited(request, reply, first)
      if (isFinal(debit.state)) return debit
      reply.code(202).header('location', `/v1/debits/${debit.ticketNo}`)
      return debit
    },
  })

  app.route<{ Body: { orders: readonly unknown[] } }>({
    ...operations.postBatch,
    // Each order is checked by itself, so that one bad order never spoils the others.
    validatorCompiler: part => (part.httpPart === 'body' ? batchCheck : validatorCompiler(part)),
    handler: async request => ({ verdicts: await batch(caller(request), request.body.orders) }),
  })

  app.route<{ Params: { ticketNo: string } }>({
    ...operations.getDebit,
    handler: async (request, reply) => {
      const view = await find(request.params.ticketNo)
      if (view?.taxSystem !== caller(request)) return refuse(404, 'not-found')
      return waited(request, reply, debitJson(view))
    },
  })

  app.route<{ Querystring: ListQuery }>({
    ...operations.listDebits,
    handler: async request => {
      const { cursor, limit, ...filter } = request.query
      const views = await flow.store.list({ ...filter, taxSystem: caller(request) }, afterOf(cursor), limit + 1)
      return { debits: views.slice(0, limit).map(debitJson), ...nextOf(views, limit, view => view.instructionId) }
    },
  })

  app.route<{ Querystring: { after: number; limit: number } }>({
    ...operations.listResults,
    handler: async request => {
      const { after, limit } = request.query
      const views = await flow.store.results(caller(request), after, limit + 1)
      const page = views.slice(0, limit)
      return { results: page.map(feedJson), next: page.at(-1)?.seq ?? after, more: views.length > limit }
    },
  })
}

type ListQuery = {
  readonly entrustDate?: string
  readonly bankCode?: string
  readonly officeCode?: string
  readonly state?: DebitState
  readonly cursor?: string
  readonly limit: number
}
