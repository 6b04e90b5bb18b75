import { type Operator, officesOf, sees } from '../domain/operator.ts'
import { qualificationGaps } from '../domain/qualification.ts'
import { citiesSeen, type Reference } from '../domain/reference.ts'
import { type Dossier, inForceOn, isTimeToAssess, type RegistryLine } from '../domain/registry.ts'
import { shanghaiDate, shanghaiTime } from '../domain/time.ts'
import type { Flow } from '../flows/flow.ts'
import { articleOf, figuresOf, type LineOrder, register } from '../flows/register.ts'
import { orderHash } from '../store/registry.ts'
import type { App } from './app.ts'
import { afterOf, nextOf } from './cursor.ts'
import { operatorIn } from './duties.ts'
import { notApplicable } from './operator.ts'
import { Refusal } from './problem.ts'
import { registryOperations } from './registry-operations.ts'

type Paged = { readonly cursor?: string; readonly limit: number }

const lineJson = ({ id, bankCode, cityCode, event, state, content, actor, at, proposalId }: RegistryLine) => ({
  id,
  bankCode,
  ...(cityCode === undefined ? {} : { cityCode }),
  event,
  state,
  article: articleOf(event),
  content,
  actor,
  at: shanghaiTime(at),
  ...(proposalId === undefined ? {} : { proposalId }),
})

/** The treasuries of the offices that an operator sees; undefined: all. */
const treasuriesOf = (reference: Reference, offices: readonly string[] | undefined): ReadonlySet<string> | undefined =>
  offices && new Set(offices.flatMap(code => reference.offices.get(code)?.treasuryCode ?? []))

/** A bank's dossier as far as an operator sees it: whoever is not of the province, the accounts and the standing of their own city. */
const dossierJson = (reference: Reference, operator: Operator, bankCode: string, dossier: Dossier, today: string) => {
  const bank = reference.banks.get(bankCode)
  if (!bank) throw new Refusal(404, 'not-found')
  const offices = officesOf(reference, operator)
  const treasuries = treasuriesOf(reference, offices)
  const { province, certificateValidTo, evidence } = dossier
  return {
    bankCode,
    name: bank.name,
    ...(province === undefined ? {} : { province }),
    evidence: [...evidence],
    missing: qualificationGaps(evidence, certificateValidTo, today),
    ...(certificateValidTo === undefined ? {} : { certificateValidTo }),
    cities: [...citiesSeen(reference, operator, dossier.cities)].map(([cityCode, state]) => {
      const last = dossier.assessments.get(cityCode)
      return { cityCode, state, ...(last ? { assessedTo: last.to, verdict: last.verdict } : {}) }
    }),
    accounts: [...dossier.accounts].flatMap(([to, terms]) =>
      treasuries?.has(to) === false
        ? []
        : terms.map(term => {
            const { bankCode: _bank, ...shown } = term
            return { ...shown, inForce: inForceOn(terms, today) === term }
          }),
    ),
    policy: bank.policy,
    contracts: dossier.contracts,
  }
}

/** Binds the operations of the registry to a server. */
export const registryRoutes = (app: App, flow: Flow): void => {
  app.route<{ Params: { readonly bankCode: string } }>({
    ...registryOperations.getBank,
    handler: async request => {
      const { bankCode } = request.params
      const dossier = await flow.store.registry.dossier(bankCode)
      return dossierJson(flow.reference(), operatorIn(request), bankCode, dossier, shanghaiDate(flow.clock()))
    },
  })

  app.route<{
    Params: { readonly bankCode: string }
    Querystring: { readonly cityCode: string; readonly from: string; readonly to: string }
  }>({
    ...registryOperations.getFigures,
    handler: async request => {
      const [{ bankCode }, { cityCode, from, to }] = [request.params, request.query]
      const reference = flow.reference()
      const isThere = reference.banks.has(bankCode) && reference.offices.get(cityCode)?.level === 'city'
      if (!isThere || !sees(reference, operatorIn(request), cityCode)) throw new Refusal(404, 'not-found')
      if (!isTimeToAssess(from, to))
        throw new Refusal(400, 'invalid-request', {
          errors: [{ pointer: '/to', zh: '不早于起日,至多一年', en: 'not before it begins, a year at most' }],
        })
      return { bankCode, cityCode, from, to, ...(await figuresOf(flow, bankCode, cityCode, from, to)) }
    },
  })

  app.route<{ Body: LineOrder }>({
    ...registryOperations.postRegistryLine,
    handler: async (request, reply) => {
      const said = await register(flow, operatorIn(request), request.body, flow.clock())
      switch (said.kind) {
        case 'absent':
          throw new Refusal(404, 'not-found')
        case 'objected':
          throw notApplicable(said.objection)
        case 'differs':
          throw new Refusal(409, 'content-differs', { hash: said.hash, acceptedHash: orderHash(said.line) })
        case 'repeated':
          reply.header('idempotency-replayed', 'true')
          return lineJson(said.line)
        case 'written':
          reply.code(201)
          return lineJson(said.line)
      }
    },
  })

  app.route<{ Querystring: Paged & { readonly bankCode?: string; readonly cityCode?: string } }>({
    ...registryOperations.listRegistryLines,
    handler: async request => {
      const { cursor, limit, ...filter } = request.query
      const offices = officesOf(flow.reference(), operatorIn(request))
      const found = await flow.store.registry.list({ ...filter, offices }, afterOf(cursor), limit + 1)
      return { lines: found.slice(0, limit).map(lineJson), ...nextOf(found, limit, ({ id }) => id) }
    },
  })
}
