import { officesOf, sees } from '../domain/operator.ts'
import type { Hindrance, Objection, ProposalState } from '../domain/proposal.ts'
import { citiesSeen } from '../domain/reference.ts'
import { quietAfter } from '../flows/doubt-kinds.ts'
import type { Flow } from '../flows/flow.ts'
import { approve, expire, type ProposalOrder, type ProposalVerdict, propose, reject, withdraw } from '../flows/proposals.ts'
import type { Decided, Proposal } from '../store/proposals.ts'
import type { App, Reply } from './app.ts'
import { afterOf, nextOf } from './cursor.ts'
import { operatorIn } from './duties.ts'
import { operatorOperations } from './operator-operations.ts'
import { auditJson, bankJson, doubtJson, proposalJson } from './operator-shapes.ts'
import { Refusal } from './problem.ts'

type Paged = { readonly cursor?: string; readonly limit: number }
type ById = { readonly id: string }

/** Binds the operations of the operators to a server. */
export const operatorRoutes = (app: App, flow: Flow): void => {
  const answer = (reply: Reply, decided: Decided, seen?: string) => {
    const { kind, proposal } = settled(decided, seen)
    if (kind === 'repeated') reply.header('idempotency-replayed', 'true')
    return proposalJson(proposal, flow.clock())
  }

  app.route<{ Querystring: Paged & { readonly bankCode?: string; readonly officeCode?: string } }>({
    ...operatorOperations.listDoubts,
    handler: async request => {
      const { cursor, limit, ...filter } = request.query
      await expire(flow, flow.clock())
      const offices = officesOf(flow.reference(), operatorIn(request))
      const found = await flow.store.doubts({ ...filter, offices }, afterOf(cursor), limit + 1)
      return {
        doubts: found.slice(0, limit).map(doubt => doubtJson(doubt, quietAfter(flow, doubt.bankCode))),
        ...nextOf(found, limit, doubt => doubt.instructionId),
      }
    },
  })

  app.route({
    ...operatorOperations.listBanks,
    handler: async request => {
      const [reference, operator] = [flow.reference(), operatorIn(request)]
      const offices = officesOf(reference, operator)
      const [halts, open, days] = await Promise.all([flow.store.halts(), flow.store.openByBank(offices), flow.store.bankDays()])
      const banks = [...reference.banks.values()].toSorted((a, b) => (a.code < b.code ? -1 : 1))
      return {
        banks: banks.map(bank =>
          bankJson(
            { ...bank, cities: citiesSeen(reference, operator, bank.cities) },
            halts.get(bank.code),
            open.find(({ bankCode }) => bankCode === bank.code),
            days.get(bank.code),
          ),
        ),
      }
    },
  })

  app.route<{ Querystring: Paged & { readonly actor?: string; readonly action?: string; readonly subject?: string } }>({
    ...operatorOperations.listAudit,
    handler: async request => {
      const { cursor, limit, ...filter } = request.query
      const offices = officesOf(flow.reference(), operatorIn(request))
      const found = await flow.store.audit.list({ ...filter, offices }, afterOf(cursor), limit + 1)
      return { entries: found.slice(0, limit).map(auditJson), ...nextOf(found, limit, ({ seq }) => seq) }
    },
  })

  app.route<{ Body: ProposalOrder }>({
    ...operatorOperations.postProposal,
    handler: async (request, reply) => {
      const now = flow.clock()
      const { kind, proposal } = proposed(await propose(flow, operatorIn(request), request.body, now))
      if (kind === 'repeated') reply.header('idempotency-replayed', 'true')
      else reply.code(201).header('location', `/v1/proposals/${proposal.id}`)
      return proposalJson(proposal, now)
    },
  })

  app.route<{ Params: ById }>({
    ...operatorOperations.getProposal,
    handler: async request => {
      const proposal = await flow.store.proposals.find(Number(request.params.id))
      if (!proposal || !sees(flow.reference(), operatorIn(request), proposal.officeCode)) throw new Refusal(404, 'not-found')
      return proposalJson(proposal, flow.clock())
    },
  })

  app.route<{ Querystring: Paged & { readonly kind?: string; readonly state?: ProposalState } }>({
    ...operatorOperations.listProposals,
    handler: async request => {
      const { cursor, limit, ...filter } = request.query
      const now = flow.clock()
      await expire(flow, now)
      const offices = officesOf(flow.reference(), operatorIn(request))
      const found = await flow.store.proposals.list({ ...filter, offices }, afterOf(cursor), limit + 1)
      return { proposals: found.slice(0, limit).map(proposal => proposalJson(proposal, now)), ...nextOf(found, limit, ({ id }) => id) }
    },
  })

  app.route<{ Params: ById; Body: { readonly hash: string; readonly reason?: string } }>({
    ...operatorOperations.approveProposal,
    handler: async (request, reply) => {
      const { hash, reason } = request.body
      return answer(reply, await approve(flow, Number(request.params.id), operatorIn(request).uri, hash, reason, flow.clock()), hash)
    },
  })

  app.route<{ Params: ById; Body: { readonly reason: string } }>({
    ...operatorOperations.rejectProposal,
    handler: async (request, reply) =>
      answer(reply, await reject(flow, Number(request.params.id), operatorIn(request).uri, request.body.reason, flow.clock())),
  })

  app.route<{ Params: ById; Body: { readonly reason: string } }>({
    ...operatorOperations.withdrawProposal,
    handler: async (request, reply) =>
      answer(reply, await withdraw(flow, Number(request.params.id), operatorIn(request).uri, request.body.reason, flow.clock())),
  })
}

/** Things do not stand so. */
export const notApplicable = ({ zh, en }: Pick<Objection, 'zh' | 'en'>): Refusal =>
  new Refusal(409, 'not-applicable', { errors: [{ pointer: '/content', zh, en }] })

/** The proposal that an order led to, or the refusal. */
const proposed = (verdict: ProposalVerdict): { readonly kind: 'proposed' | 'repeated'; readonly proposal: Proposal } => {
  switch (verdict.kind) {
    case 'proposed':
    case 'repeated':
      return { kind: verdict.kind, proposal: verdict.proposal }
    case 'differs':
      throw new Refusal(409, 'content-differs', { hash: verdict.hash, acceptedHash: verdict.proposal.hash })
    case 'open':
      throw notApplicable({ zh: `同一事项已有未决的提案 ${verdict.id}`, en: `proposal ${verdict.id} about the same is still open` })
    case 'not-permitted':
      throw new Refusal(403, 'not-permitted')
    case 'absent':
      throw new Refusal(404, 'not-found')
    case 'wrong':
      throw new Refusal(422, 'invalid-request', {
        errors: verdict.places.map(place => ({ ...place, pointer: `/content${place.pointer}` })),
      })
    case 'objected':
      throw notApplicable(verdict.objection)
  }
}

/** The proposal after a decision, or the refusal; `seen` is the hash that an approval named. */
const settled = (decided: Decided, seen: string | undefined): { readonly kind: 'decided' | 'repeated'; readonly proposal: Proposal } => {
  switch (decided.kind) {
    case 'absent':
      throw new Refusal(404, 'not-found')
    case 'objected':
      throw notApplicable(decided.objection)
    case 'refused':
      throw hindered(decided.why, decided.proposal.hash, seen)
    case 'decided':
    case 'repeated':
      return decided
  }
}

const hindered = (why: Hindrance, hash: string, seen: string | undefined): Refusal => {
  switch (why) {
    case 'not-permitted':
    case 'not-the-proposer':
      return new Refusal(403, 'not-permitted')
    case 'not-seen':
      return new Refusal(404, 'not-found')
    case 'proposer-out':
      return notApplicable({ zh: '提案人已停用、调离或不再有此岗位', en: 'the proposer has left, moved or no longer has this duty' })
    case 'own-proposal':
      return new Refusal(403, 'own-proposal')
    case 'content-differs':
      return new Refusal(409, 'content-differs', { ...(seen === undefined ? {} : { hash: seen }), acceptedHash: hash })
    case 'expired':
    case 'decided':
      return new Refusal(409, why)
  }
}
