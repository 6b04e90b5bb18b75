import { machine } from './machine.ts'
import type { Duty } from './operator.ts'

/**
 * 双人复核: what no person may do alone is proposed by one, with evidence, and approved by another. The content is frozen when it is proposed;
 * nothing leads out of a decision.
 */
export const proposalMachine = machine('proposal', {
  proposed: { approve: 'approved', reject: 'rejected', withdraw: 'withdrawn', expire: 'expired' },
  approved: {},
  rejected: {},
  withdrawn: {},
  expired: {},
})
export type ProposalState = keyof typeof proposalMachine.table
/** What ends a proposal. */
export type ProposalEvent = 'approve' | 'reject' | 'withdraw' | 'expire'

/** Who may take part: the role in the URI of a certificate, `urn:taxlink:operator:zhang`. */
export type Party = 'operator' | 'bank' | 'tax-system'
/** Who may do what with a kind of proposal, and how long it may wait for its second person. */
export type ProposalRules = {
  readonly proposers: readonly Party[]
  readonly approvers: readonly Party[]
  /** Either person has one of these. */
  readonly duties: readonly Duty[]
  readonly lifeMs: number
}

/** What the rules need to know about a proposal. */
export type Proposed = {
  readonly state: ProposalState
  readonly proposedBy: string
  readonly expiresAt: Date
  /** SHA-256 of kind, content and evidence, hexadecimal. */
  readonly hash: string
  readonly decidedBy: string | undefined
}
/** What somebody wants to do with it. An approval carries the hash of what its person saw; `by` is nobody where time alone acts. */
export type Act =
  | { readonly event: 'approve'; readonly by: string; readonly hash: string }
  | { readonly event: 'reject' | 'withdraw'; readonly by: string }
  | { readonly event: 'expire' }

/** Why an act changes nothing. */
export type Hindrance =
  | 'not-permitted'
  | 'not-seen'
  | 'proposer-out'
  | 'own-proposal'
  | 'not-the-proposer'
  | 'content-differs'
  | 'expired'
  | 'decided'
/** What becomes of an act: it moves the proposal, it was done before by the same person (and is answered alike), or it is refused. */
export type Verdict =
  | { readonly kind: 'moves'; readonly to: ProposalState }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'refused'; readonly why: Hindrance }

/** Why something cannot be proposed, or not be done any more, as things stand. */
export type Objection = { readonly rule: string; readonly zh: string; readonly en: string }

const refused = (why: Hindrance): Verdict => ({ kind: 'refused', why })

/** Whether a person with this URI is one of these parties. */
export const isOf = (parties: readonly Party[], uri: string): boolean => parties.some(party => uri.startsWith(`urn:taxlink:${party}:`))

/** Whether its time is over; what is decided does not expire any more. */
export const isOver = (proposal: Pick<Proposed, 'state' | 'expiresAt'>, now: Date): boolean =>
  proposal.state === 'proposed' && proposal.expiresAt <= now

/** Decides what becomes of an act. Who may act at all is asked first: a stranger learns nothing about how things stand. */
export const judge = (proposal: Proposed, act: Act, rules: ProposalRules, now: Date): Verdict => {
  const hindrance = act.event === 'expire' ? undefined : hindranceOf(proposal, act, rules)
  if (hindrance) return refused(hindrance)
  const to = proposalMachine.next(proposal.state, act.event)
  if (to === undefined) return isRepeat(proposal, act) ? { kind: 'repeated' } : refused('decided')
  if (act.event === 'expire') return isOver(proposal, now) ? { kind: 'moves', to } : refused('decided')
  if (isOver(proposal, now)) return refused('expired')
  if (act.event === 'approve' && act.hash !== proposal.hash) return refused('content-differs')
  return { kind: 'moves', to }
}

/** Whether this person may do this to this proposal, whenever. */
const hindranceOf = (
  { proposedBy }: Proposed,
  { event, by }: Exclude<Act, { event: 'expire' }>,
  { approvers }: ProposalRules,
): Hindrance | undefined => {
  if (event === 'withdraw') return by === proposedBy ? undefined : 'not-the-proposer'
  if (!isOf(approvers, by)) return 'not-permitted'
  return by === proposedBy ? 'own-proposal' : undefined
}

/** The same person has decided the same before: whoever lost the answer may ask again. */
const isRepeat = (proposal: Proposed, act: Act): boolean => {
  if (act.event === 'expire') return proposal.state === 'expired'
  if (proposal.decidedBy !== act.by || proposalMachine.next('proposed', act.event) !== proposal.state) return false
  return act.event !== 'approve' || act.hash === proposal.hash
}
