import type { AgreementState } from '../domain/agreement.ts'
import { later, shanghaiDate } from '../domain/time.ts'
import {
  type AgreementChange,
  type AgreementOrderBody,
  type AgreementRegistration,
  type Ask,
  askAgreement,
  change,
  heardTaxpayerEvent,
  type RegistrationVerdict,
  register,
  type TaxpayerEvent,
} from '../flows/agreements.ts'
import type { Ordered } from '../store/agreement-writes.ts'
import type { Agreement } from '../store/agreements.ts'
import { agreementOperations } from './agreement-operations.ts'
import { agreementJson, changeJson } from './agreement-shapes.ts'
import type { App, Reply, Request } from './app.ts'
import { afterOf, nextOf } from './cursor.ts'
import { Refusal } from './problem.ts'
import { caller, refuse, type TaxDeps } from './tax.ts'

type ByNumber = { readonly agreementNo: string }
type Narrowing = {
  readonly officeCode?: string
  readonly bankCode?: string
  readonly state?: AgreementState
  readonly cursor?: string
  readonly limit: number
}

const dayMs = 86_400_000

/** The refusal of what cannot be done as things stand. */
export const notApplicable = ({ rule, zh, en }: { readonly rule: string; readonly zh: string; readonly en: string }): Refusal =>
  new Refusal(409, 'not-applicable', { detail: rule, errors: [{ pointer: '', zh, en }] })

/** A page of what was read with one more than it holds. */
const pageOf = (found: readonly Agreement[], limit: number) => ({
  agreements: found.slice(0, limit).map(agreementJson),
  ...nextOf(found, limit, ({ id }) => id),
})

/** Binds the operations of the tax systems about agreements to a server. */
export const agreementRoutes = (app: App, { flow }: Pick<TaxDeps, 'flow'>): void => {
  const { agreements } = flow.store
  const own = async (request: Request, agreementNo: string): Promise<Agreement> => {
    const found = await agreements.find(agreementNo)
    return found?.taxSystem === caller(request) ? found : refuse(404, 'not-found')
  }
  const registered = async (request: Request, reply: Reply, agreementNo: string, verdict: RegistrationVerdict) => {
    if (verdict.kind === 'absent') return refuse(404, 'not-found')
    if (verdict.kind === 'objected') throw notApplicable(verdict.objection)
    if (verdict.kind === 'taken') throw new Refusal(409, 'content-differs')
    if (verdict.kind === 'differs') throw new Refusal(409, 'content-differs', { hash: verdict.hash, acceptedHash: verdict.acceptedHash })
    if (verdict.kind === 'repeated') reply.header('idempotency-replayed', 'true')
    else reply.code(201).header('location', `/v1/agreements/${agreementNo}`)
    return agreementJson(await own(request, agreementNo))
  }
  /** The numbers of what an order moved, or the refusal. */
  const moved = (reply: Reply, said: Ordered): readonly string[] => {
    if (said.kind === 'absent') return refuse(404, 'not-found')
    if (said.kind === 'objected') throw notApplicable(said.objection)
    if (said.kind === 'differs') throw new Refusal(409, 'content-differs', { acceptedHash: said.contentHash.toString('hex') })
    if (said.kind === 'repeated') reply.header('idempotency-replayed', 'true')
    return said.agreementNos
  }

  app.route<{ Body: AgreementRegistration }>({
    ...agreementOperations.postAgreement,
    handler: async (request, reply) =>
      registered(request, reply, request.body.agreementNo, await register(flow, caller(request), request.body, flow.clock())),
  })
  app.route<{ Params: ByNumber; Body: AgreementChange }>({
    ...agreementOperations.changeAgreement,
    handler: async (request, reply) => {
      const { params, body } = request
      return registered(request, reply, body.agreementNo, await change(flow, caller(request), params.agreementNo, body, flow.clock()))
    },
  })

  const ask = (
    operation: (typeof agreementOperations)['endAgreement' | 'objectToRenewal' | 'suspendAgreement' | 'resumeAgreement'],
    what: Ask,
  ): void => {
    app.route<{ Params: ByNumber; Body: AgreementOrderBody }>({
      ...operation,
      handler: async (request, reply) => {
        const { agreementNo } = request.params
        moved(reply, await askAgreement(flow, caller(request), what, agreementNo, request.body, flow.clock()))
        return agreementJson(await own(request, agreementNo))
      },
    })
  }
  ask(agreementOperations.endAgreement, 'endings')
  ask(agreementOperations.objectToRenewal, 'objections')
  ask(agreementOperations.suspendAgreement, 'suspensions')
  ask(agreementOperations.resumeAgreement, 'resumptions')

  app.route<{ Body: TaxpayerEvent }>({
    ...agreementOperations.postTaxpayerEvent,
    handler: async (request, reply) => {
      const numbers = moved(reply, await heardTaxpayerEvent(flow, caller(request), request.body, flow.clock()))
      const found = await Promise.all(numbers.map(agreementNo => own(request, agreementNo)))
      return { orderNo: request.body.orderNo, agreements: found.map(agreementJson) }
    },
  })

  app.route<{ Params: ByNumber }>({
    ...agreementOperations.getAgreement,
    handler: async request => agreementJson(await own(request, request.params.agreementNo)),
  })
  app.route<{ Querystring: Narrowing }>({
    ...agreementOperations.listAgreements,
    handler: async request => {
      const { cursor, limit, ...filter } = request.query
      return pageOf(await agreements.list({ ...filter, taxSystem: caller(request) }, afterOf(cursor), limit + 1), limit)
    },
  })
  app.route<{ Querystring: Narrowing & { readonly within: number } }>({
    ...agreementOperations.listExpiring,
    handler: async request => {
      const { cursor, limit, within, ...filter } = request.query
      const day = shanghaiDate(later(flow.clock(), within * dayMs))
      return pageOf(await agreements.expiring({ ...filter, taxSystem: caller(request) }, day, afterOf(cursor), limit + 1), limit)
    },
  })
  app.route<{ Querystring: { after: number; limit: number } }>({
    ...agreementOperations.listAgreementChanges,
    handler: async request => {
      const { after, limit } = request.query
      const found = await agreements.changes(caller(request), after, limit + 1)
      const page = found.slice(0, limit)
      return { changes: page.map(changeJson), next: page.at(-1)?.seq ?? after, more: found.length > limit }
    },
  })
}
