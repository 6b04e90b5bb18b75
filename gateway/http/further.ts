import { isFinal } from '../domain/debit.ts'
import { waitKey } from '../flows/flow.ts'
import { type FurtherVerdict, orderFor, type ReversalOrder, type StopOrder, type SupplementOrder } from '../flows/further.ts'
import { reverse } from '../flows/reverse.ts'
import { stop } from '../flows/stop.ts'
import { supplement } from '../flows/supplement.ts'
import type { OrderView } from '../store/order-reads.ts'
import type { App, Reply, Request } from './app.ts'
import { afterOf, nextOf } from './cursor.ts'
import { furtherOperations } from './further-operations.ts'
import { type FurtherInstructionJson, instructionJson, stopJson } from './further-shapes.ts'
import { mustBeTimely, Refusal } from './problem.ts'
import { caller, refuse, type TaxDeps } from './tax.ts'
import { preferredWait } from './waiters.ts'

type Kind = 'reversal' | 'supplementaryDebit'
type Page = { readonly cursor?: string; readonly limit: number }
type ByNumber = { readonly orderNo: string }
const paths = { reversal: '/v1/reversals', supplementaryDebit: '/v1/supplementary-debits' } as const

/** Why a supplementary debit of the whole is not taken on, by what its bank says of the debit (art. 35(3)); only `unclear` may be sent again. */
export const notSupplemented = (kind: 'at-the-bank' | 'unclear'): Refusal =>
  new Refusal(409, 'not-applicable', {
    detail: kind,
    errors: [
      kind === 'at-the-bank'
        ? {
            pointer: '',
            zh: '经查询,银行答复该笔已扣款(可能记在次一会计日),不得补划;待下一场对账,仍不符的请银行书面答复',
            en: 'asked, the bank says that it has this debit, under its next day perhaps: it is not debited again; wait for the next session, then ask in writing',
          }
        : {
            pointer: '',
            zh: '尚不能确定银行没有扣这一笔(银行未能答复,或仍在静默期内),请稍后原样再发',
            en: 'it is not certain yet that the bank lacks this debit (it did not say, or its quiescence window is open): send the same again later',
          },
    ],
  })

/** Throws the refusal that a verdict means. Returns whether the order had been accepted before. */
const wasRepeated = (verdict: FurtherVerdict): boolean => {
  if (verdict.kind === 'absent') return refuse(404, 'not-found')
  if (verdict.kind === 'at-the-bank' || verdict.kind === 'unclear') throw notSupplemented(verdict.kind)
  if (verdict.kind === 'differs') throw new Refusal(409, 'content-differs', { hash: verdict.hash, acceptedHash: verdict.acceptedHash })
  return verdict.kind === 'repeated'
}

/** Binds the operations about tickets beside their debits to a server. */
export const furtherRoutes = (app: App, { flow, slots, waiters, resting }: TaxDeps): void => {
  const find = async (taxSystem: string, kind: Kind, orderNo: string): Promise<OrderView> =>
    (await orderFor(flow, { taxSystem, kind, orderNo })) ?? refuse(404, 'not-found')

  /** As it stands now, or after as long as preferred. */
  const waited = async (request: Request, reply: Reply, kind: Kind, orderNo: string): Promise<FurtherInstructionJson> => {
    const view = await find(caller(request), kind, orderNo)
    const seconds = preferredWait(request.headers.prefer)
    if (seconds === undefined) return instructionJson(view)
    reply.header('preference-applied', `wait=${seconds}`)
    if (isFinal(view.state) || seconds === 0) return instructionJson(view)
    resting(request)
    await waiters.wait(waitKey({ ...view, id: view.instructionId }), seconds * 1000)
    return instructionJson(await find(caller(request), kind, orderNo))
  }
  const answered = async (request: Request, reply: Reply, kind: Kind, orderNo: string, verdict: FurtherVerdict) => {
    if (wasRepeated(verdict)) reply.header('idempotency-replayed', 'true')
    const shown = await waited(request, reply, kind, orderNo)
    if (!isFinal(shown.state)) reply.code(202).header('location', `${paths[kind]}/${orderNo}`)
    return shown
  }

  app.route<{ Body: ReversalOrder }>({
    ...furtherOperations.postReversal,
    handler: async (request, reply) => {
      mustBeTimely(flow)
      return answered(request, reply, 'reversal', request.body.orderNo, await reverse(flow, slots, caller(request), request.body))
    },
  })
  app.route<{ Body: SupplementOrder }>({
    ...furtherOperations.postSupplement,
    handler: async (request, reply) => {
      mustBeTimely(flow)
      const verdict = await supplement(flow, slots, caller(request), request.body)
      return answered(request, reply, 'supplementaryDebit', request.body.orderNo, verdict)
    },
  })
  app.route<{ Body: StopOrder }>({
    ...furtherOperations.postStop,
    handler: async (request, reply) => {
      const uri = caller(request)
      if (wasRepeated(await stop(flow, uri, request.body))) reply.header('idempotency-replayed', 'true')
      const view = await flow.store.findStop(uri, request.body.orderNo)
      return view ? stopJson(view) : refuse(404, 'not-found')
    },
  })

  app.route<{ Params: ByNumber }>({
    ...furtherOperations.getReversal,
    handler: (request, reply) => waited(request, reply, 'reversal', request.params.orderNo),
  })
  app.route<{ Params: ByNumber }>({
    ...furtherOperations.getSupplement,
    handler: (request, reply) => waited(request, reply, 'supplementaryDebit', request.params.orderNo),
  })
  app.route<{ Params: ByNumber }>({
    ...furtherOperations.getStop,
    handler: async request => {
      const view = await flow.store.findStop(caller(request), request.params.orderNo)
      return view ? stopJson(view) : refuse(404, 'not-found')
    },
  })

  const listed = async (request: Request, kind: Kind, { cursor, limit }: Page) => {
    const found = await flow.store.listOrders(caller(request), kind, afterOf(cursor), limit + 1)
    const page = found.slice(0, limit).map(instructionJson)
    return { [kind === 'reversal' ? 'reversals' : 'supplementaryDebits']: page, ...nextOf(found, limit, order => order.orderId) }
  }
  app.route<{ Querystring: Page }>({
    ...furtherOperations.listReversals,
    handler: request => listed(request, 'reversal', request.query),
  })
  app.route<{ Querystring: Page }>({
    ...furtherOperations.listSupplements,
    handler: request => listed(request, 'supplementaryDebit', request.query),
  })
  app.route<{ Querystring: Page }>({
    ...furtherOperations.listStops,
    handler: async request => {
      const { cursor, limit } = request.query
      const found = await flow.store.listStops(caller(request), afterOf(cursor), limit + 1)
      return { stops: found.slice(0, limit).map(stopJson), ...nextOf(found, limit, order => order.orderId) }
    },
  })
}
