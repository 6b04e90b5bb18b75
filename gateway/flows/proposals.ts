import { hash } from 'node:crypto'
import { maskText } from '@taxlink/bank-sdk'
import { type Account, barTo, hasDuty, type Operator, operatorOf, sees } from '../domain/operator.ts'
import { type Act, isOf, judge, type Objection, type Verdict } from '../domain/proposal.ts'
import { later } from '../domain/time.ts'
import { again, type Decided, type NewProposal, type Proposal, type Proposing, type Told } from '../store/proposals.ts'
import type { Flow } from './flow.ts'
import type { Place, ProposalKind, Stand } from './kind.ts'
import { type ProposalKindName, proposalKinds } from './kinds.ts'

/** What a person wants done, and on what evidence; the content fits the schema of its kind. */
export type ProposalOrder = {
  /** The proposer's own number: the same number and content is the same proposal. */
  readonly orderNo: string
  readonly kind: ProposalKindName
  readonly content: { readonly [name: string]: unknown }
  readonly evidence: string
}
/** What became of an order: besides what the record says, its content may be wrong, or things may not stand so; `absent`: it is about an office out of sight. */
export type ProposalVerdict =
  | Proposing
  | { readonly kind: 'not-permitted' | 'absent' }
  | { readonly kind: 'wrong'; readonly places: readonly Place[] }
  | { readonly kind: 'objected'; readonly objection: Objection }

const kindNamed = (name: string): ProposalKind => {
  const kind: ProposalKind | undefined = Object.entries(proposalKinds).find(([known]) => known === name)?.[1]
  if (!kind) throw new Error('a proposal of a kind that this version does not know')
  return kind
}

/** The content as it is frozen: its fields in the order of their declaration, so that the same content is the same text. */
const frozen = (kind: ProposalKind, content: ProposalOrder['content']): NewProposal['content'] =>
  Object.fromEntries(Object.keys(kind.content).flatMap(name => (content[name] === undefined ? [] : [[name, content[name]]])))

/** SHA-256 of what a second person is to approve: kind, content and evidence, hexadecimal. */
export const proposalHash = ({ kind, content, evidence }: Pick<ProposalOrder, 'kind' | 'content' | 'evidence'>): string =>
  hash('sha256', JSON.stringify([kind, Object.entries(frozen(kindNamed(kind), content)), evidence]), 'hex')

/** The subject of a proposal, with the values of private fields masked. */
const told: Told = ({ kind, subject, content }) =>
  Object.entries(kindNamed(kind).content).reduce((shown, [name, { mask }]) => {
    const value = content[name]
    return mask === undefined || typeof value !== 'string' || value === '' ? shown : shown.replaceAll(value, maskText(mask, value))
  }, subject)

/** The office that things stand so in; undefined: the province. */
const officeOf = (stand: Stand, { officeCode }: ProposalOrder['content']): string | undefined => {
  if ('officeCode' in stand) return stand.officeCode
  return typeof officeCode === 'string' ? officeCode : undefined
}

/** One person proposes. What was proposed before under this number is answered first, whatever has become of it since. */
export const propose = async (flow: Flow, operator: Operator, order: ProposalOrder, now: Date): Promise<ProposalVerdict> => {
  const kind = kindNamed(order.kind)
  const by = operator.uri
  if (!isOf(kind.proposers, by) || !hasDuty(operator, kind.duties)) return { kind: 'not-permitted' }
  const places = kind.wrong(order.content)
  if (places.length > 0) return { kind: 'wrong', places }
  const hashed = proposalHash(order)
  const before = await flow.store.proposals.findOrder(by, order.orderNo)
  if (before) return again(before, hashed)
  const stand = await kind.stand(flow, order.content, now)
  // Before anything is told: of what belongs to others not even whether it is there.
  if (!sees(flow.reference(), operator, officeOf(stand, order.content))) return { kind: 'absent' }
  if ('rule' in stand) return { kind: 'objected', objection: stand }
  await expire(flow, now)
  const written = await flow.store.proposals.propose(
    {
      kind: order.kind,
      subject: kind.subject(order.content),
      about: stand.about,
      officeCode: stand.officeCode,
      orderNo: order.orderNo,
      content: frozen(kind, order.content),
      evidence: order.evidence,
      hash: hashed,
      proposedBy: by,
      proposedAt: now,
      expiresAt: later(now, kind.lifeMs),
    },
    told,
  )
  if (written.kind === 'proposed') flow.note({ event: 'proposed', detail: `proposal ${written.proposal.id} ${order.kind} by ${by}` })
  return written
}

/** Another person approves exactly what was proposed, and it is done, in one transaction. */
export const approve = (flow: Flow, id: number, by: string, seenHash: string, reason: string | undefined, now: Date): Promise<Decided> =>
  decide(flow, id, { event: 'approve', by, hash: seenHash }, reason, now)

/** Another person says no. */
export const reject = (flow: Flow, id: number, by: string, reason: string, now: Date): Promise<Decided> =>
  decide(flow, id, { event: 'reject', by }, reason, now)

/** The proposer takes it back. */
export const withdraw = (flow: Flow, id: number, by: string, reason: string, now: Date): Promise<Decided> =>
  decide(flow, id, { event: 'withdraw', by }, reason, now)

/** Ends the proposals whose time is over; returns how many. */
export const expire = async (flow: Flow, now: Date): Promise<number> => {
  const ids = await flow.store.proposals.over(now, 100)
  for (const id of ids) await decide(flow, id, { event: 'expire' }, undefined, now)
  return ids.length
}

const decide = async (flow: Flow, id: number, act: Act, reason: string | undefined, now: Date): Promise<Decided> => {
  const decided = await flow.store.proposals.decide(id, {
    act,
    now,
    reason,
    judge: (proposal, accountOf) => judgeAmong(flow, proposal, act, accountOf, now),
    apply: (deeds, { kind, content, proposedBy, proposedAt, about }) =>
      kindNamed(kind).apply(deeds, content, {
        proposalId: id,
        proposedBy,
        proposedAt,
        lastSentAt: about?.lastSentAt,
        reference: flow.reference(),
        printKey: flow.printKey,
      }),
    told,
  })
  if (decided.kind === 'decided') tell(flow, decided.proposal)
  if (decided.kind === 'refused' && decided.why === 'expired') await expire(flow, now)
  return decided
}

/** Both persons count as they stand now: who has lost duty, office or account since decides nothing, and what they proposed is not done. */
const judgeAmong = (flow: Flow, proposal: Proposal, act: Act, accountOf: (uri: string) => Account | undefined, now: Date): Verdict => {
  const kind = kindNamed(proposal.kind)
  const barOf = (uri: string) => barTo(flow.reference(), operatorOf(flow.reference(), accountOf(uri)), kind.duties, proposal.officeCode)
  const bar = act.event === 'expire' || act.by === proposal.proposedBy ? undefined : barOf(act.by)
  if (bar) return { kind: 'refused', why: bar }
  const verdict = judge(proposal, act, kind, now)
  if (verdict.kind === 'moves' && verdict.to === 'approved' && barOf(proposal.proposedBy)) return { kind: 'refused', why: 'proposer-out' }
  return verdict
}

const tell = (flow: Flow, { id, kind, state, decidedBy, about }: Proposal): void =>
  flow.note({
    event: 'decided',
    ...(about ? { ticketNo: about.ticketNo } : {}),
    detail: `proposal ${id} ${kind} ${state}${decidedBy === undefined ? '' : ` by ${decidedBy}`}`,
  })
