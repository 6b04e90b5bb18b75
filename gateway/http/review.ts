import { officesOf, sees } from '../domain/operator.ts'
import type { Likeness } from '../domain/particulars.ts'
import { later } from '../domain/time.ts'
import { acceptExact, approveAgreement, type Review, reviewAgreement, verifyAgreement } from '../flows/review.ts'
import type { Agreement, Moved } from '../store/agreements.ts'
import { notApplicable } from './agreement.ts'
import { agreementOperations } from './agreement-operations.ts'
import { agreementJson, lifeJson, reviewedJson } from './agreement-shapes.ts'
import type { App, Reply, Request } from './app.ts'
import { afterOf, nextOf } from './cursor.ts'
import { operatorIn } from './duties.ts'
import { Refusal } from './problem.ts'
import type { TaxDeps } from './tax.ts'

type ByNumber = { readonly agreementNo: string }
const dayMs = 86_400_000

/** Binds the review of bindings by operators to a server. */
export const reviewRoutes = (app: App, { flow }: Pick<TaxDeps, 'flow'>): void => {
  const { agreements } = flow.store
  const maySee =
    (request: Request) =>
    ({ particulars }: Agreement): boolean =>
      sees(flow.reference(), operatorIn(request), particulars.officeCode)
  /** An agreement that the operator sees; one of another office is none. */
  const seen = async (request: Request, agreementNo: string): Promise<Agreement> => {
    const found = await agreements.find(agreementNo)
    if (!found || !maySee(request)(found)) throw new Refusal(404, 'not-found')
    return found
  }
  const answer = (reply: Reply, moved: Moved) => {
    if (moved.kind === 'absent') throw new Refusal(404, 'not-found')
    if (moved.kind === 'objected') throw notApplicable(moved.objection)
    if (moved.kind === 'repeated') reply.header('idempotency-replayed', 'true')
    return agreementJson(moved.agreement)
  }

  app.route<{
    Querystring: {
      readonly officeCode?: string
      readonly bankCode?: string
      readonly likeness?: Likeness
      readonly days?: number
      readonly cursor?: string
      readonly limit: number
    }
  }>({
    ...agreementOperations.listReviews,
    handler: async request => {
      const { officeCode, days, cursor, limit, ...filter } = request.query
      const operator = operatorIn(request)
      const visible = officesOf(flow.reference(), operator)
      const offices = officeCode === undefined ? visible : sees(flow.reference(), operator, officeCode) ? [officeCode] : []
      const before = days === undefined ? undefined : later(flow.clock(), -days * dayMs)
      const found = await agreements.reviews({ ...filter, offices, before }, afterOf(cursor), limit + 1)
      return { reviews: found.slice(0, limit).map(reviewedJson), ...nextOf(found, limit, ({ id }) => id) }
    },
  })

  app.route<{ Body: { readonly agreementNos: readonly string[] } }>({
    ...agreementOperations.acceptBindings,
    handler: async request => {
      const results = await acceptExact(flow, request.body.agreementNos, maySee(request), operatorIn(request).uri, flow.clock())
      return { verdicts: results.map(({ agreementNo, moved }) => ({ agreementNo, ...verdictOf(moved) })) }
    },
  })

  app.route<{ Params: ByNumber; Body: { readonly reason: string } }>({
    ...agreementOperations.approveAgreement,
    handler: async (request, reply) => {
      const { agreementNo } = await seen(request, request.params.agreementNo)
      return answer(reply, await approveAgreement(flow, agreementNo, operatorIn(request).uri, request.body.reason, flow.clock()))
    },
  })
  app.route<{ Params: ByNumber; Body: { readonly reason: string } }>({
    ...agreementOperations.verifyBinding,
    handler: async (request, reply) => {
      const { agreementNo } = await seen(request, request.params.agreementNo)
      return answer(reply, await verifyAgreement(flow, agreementNo, operatorIn(request).uri, request.body.reason, flow.clock()))
    },
  })
  const decide = (operation: (typeof agreementOperations)['acceptBinding' | 'returnBinding' | 'refuseBinding'], review: Review): void => {
    app.route<{ Params: ByNumber; Body: { readonly reason: string } }>({
      ...operation,
      handler: async (request, reply) => {
        const { agreementNo } = await seen(request, request.params.agreementNo)
        const { uri } = operatorIn(request)
        return answer(reply, await reviewAgreement(flow, agreementNo, review, uri, request.body.reason, flow.clock()))
      },
    })
  }
  decide(agreementOperations.acceptBinding, 'accept')
  decide(agreementOperations.returnBinding, 'return')
  decide(agreementOperations.refuseBinding, 'refuse')

  app.route<{ Params: ByNumber }>({
    ...agreementOperations.getAgreementLife,
    handler: async request => {
      const { agreementNo } = await seen(request, request.params.agreementNo)
      const life = await agreements.life(agreementNo)
      if (!life) throw new Refusal(404, 'not-found')
      return lifeJson(life)
    },
  })
}

const verdictOf = (moved: Moved) => {
  if (moved.kind === 'absent' || (moved.kind === 'objected' && moved.objection.rule === 'not-found')) return { verdict: 'absent' }
  if (moved.kind === 'objected') return { verdict: 'not-applicable', zh: moved.objection.zh, en: moved.objection.en }
  return { verdict: moved.kind === 'moved' ? 'accepted' : 'repeated' }
}
