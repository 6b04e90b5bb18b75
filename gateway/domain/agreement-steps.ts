import {
  type AgreementEvent,
  type AgreementStanding,
  type AgreementState,
  activeFrom,
  agreementMachine,
  calendarEvent,
  changeNeed,
  inForce,
  mayBeBound,
  renewedTo,
  type VoidReason,
  validTo,
} from './agreement.ts'
import { type Comparison, compareHeld, type Likeness, likenessOf, type Particulars } from './particulars.ts'
import type { Objection } from './proposal.ts'
import { shanghaiDate } from './time.ts'

/** The two sides that may stop an agreement or bring it to its end. */
export type Side = 'tax' | 'bank'
/** Who has stopped payments: each side ends only its own stop. */
export type Stopper = Side | 'both'

/** What the steps need to know of an agreement, beside what the gate does. */
export type AgreementFacts = AgreementStanding & {
  /** The taxpayer takes the paper to the bank: nothing is sent, the bank tells. */
  readonly byPaper: boolean
  /** It takes the place of another, of the same bank or not. */
  readonly replaces: 'none' | 'same-bank' | 'other-bank'
  /** It changes an account inside its year and waits for two persons (art. 9). */
  readonly awaitsPermit: boolean
  /** Why the account may change inside its year; it is bound only when two persons have permitted it. */
  readonly exception: string | undefined
  readonly suspendedBy: Stopper | undefined
  readonly endingBy: Side | undefined
  readonly likeness: Likeness | undefined
  readonly credentialIssued: boolean
  /** The bank is being asked to compare what it holds. */
  readonly verifying: boolean
}

/** An agreement as it is drafted, before anything has happened to it. */
export const draftedFacts = (particulars: Particulars, byPaper: boolean): AgreementFacts => ({
  state: 'drafted',
  particulars,
  boundOn: undefined,
  activeFrom: undefined,
  validTo: undefined,
  accountSince: undefined,
  enabled: false,
  objected: false,
  ending: false,
  byPaper,
  replaces: 'none',
  awaitsPermit: false,
  exception: undefined,
  suspendedBy: undefined,
  endingBy: undefined,
  likeness: undefined,
  credentialIssued: false,
  verifying: false,
})

/** What a bank is to be told of an agreement; the verbs are those of the unified bank interface. */
export type Tell =
  | { readonly verb: 'bind' | 'changeBinding' | 'bindingStatus' | 'verification' }
  | { readonly verb: 'cancelBinding'; readonly reason: VoidReason | 'ended' | 'lapsed' | 'refused' }
  | { readonly verb: 'suspension'; readonly action: 'suspend' | 'resume' }

/** What a step writes of an agreement beside its state. */
export type Changes = {
  readonly approvedBy?: string
  readonly boundOn?: string
  readonly activeFrom?: string
  readonly validTo?: string
  readonly accountSince?: string
  readonly enabled?: { readonly by: string; readonly at: Date }
  readonly objectedAt?: Date
  readonly suspendedBy?: Stopper | null
  readonly ending?: { readonly since: Date; readonly by: Side }
  readonly voidReason?: VoidReason
  readonly credentialIssued?: boolean
  readonly likeness?: Likeness | null
}

/** One move of an agreement: the event, the state it leads to, what else changes, what the bank is told, and the article. */
export type Step = {
  readonly event: AgreementEvent | 'object' | 'ask-end' | 'news' | 'ask-verification' | 'verified'
  readonly to: AgreementState
  readonly changes: Changes
  readonly tell?: Tell
  readonly article: string
}
/** A step, or why there is none; `repeated`: it stands so already. */
export type Stepping = Step | Objection | 'repeated'

/** Whether it is a step. */
export const isStep = (stepping: Stepping): stepping is Step => stepping !== 'repeated' && 'to' in stepping

const notNow = (state: AgreementState): Objection => ({
  rule: 'not-in-this-state',
  zh: `协议处于 ${state},不能如此办理`,
  en: `an agreement that is ${state} cannot be moved so`,
})
/** Moves by the state table, or objects. */
const by = (agreement: AgreementFacts, event: AgreementEvent, article: string, changes: Changes = {}, tell?: Tell): Step | Objection => {
  const to = agreementMachine.next(agreement.state, event)
  return to === undefined ? notNow(agreement.state) : { event, to, changes, article, ...(tell ? { tell } : {}) }
}

/** States in which the bank's word on the binding is waited for. */
const awaited: ReadonlySet<AgreementState> = new Set(['approved', 'sent', 'taken'])
/** What a bank is to be asked later that has left a binding open; undefined: what became of it is known, or of no interest any more. */
export const askLater = ({ state }: AgreementFacts): Tell | undefined => (awaited.has(state) ? { verb: 'bindingStatus' } : undefined)
/** What a bank is to be asked that knows of no such binding; undefined: none is wanted any more. */
export const askAgain = (agreement: AgreementFacts): Tell | undefined => (awaited.has(agreement.state) ? asking(agreement) : undefined)

/** What begins a binding at the bank. */
const asking = ({ replaces }: AgreementFacts): Tell => ({ verb: replaces === 'same-bank' ? 'changeBinding' : 'bind' })

const needsPermit: Objection = {
  rule: 'account-within-year',
  zh: '缴税账号原则上一年内不得变更,例外须两人批准(第九条)',
  en: 'the account stays for a year; an exception needs two persons (art. 9)',
}

/** The county office approves (art. 8(2)); `permitted` by two persons where the account changes inside its year (art. 9). */
export const approve = (agreement: AgreementFacts, who: string, permitted: boolean): Stepping => {
  if (agreement.awaitsPermit && !permitted) return needsPermit
  if (agreement.state !== 'drafted') return agreement.state === 'approved' ? 'repeated' : notNow(agreement.state)
  return by(agreement, 'approve', 'art. 8(2)', { approvedBy: who }, agreement.byPaper ? undefined : asking(agreement))
}

/** It leaves for the bank: over the wire, or on paper with the taxpayer. */
export const leave = (agreement: AgreementFacts): Stepping =>
  agreement.state === 'sent' || agreement.state === 'taken' ? 'repeated' : by(agreement, agreement.byPaper ? 'take' : 'send', 'art. 8(3)')

/** What a bank says of a binding. */
export type Heard = {
  readonly bound: boolean
  readonly held: Partial<Particulars> | undefined
  readonly boundOn: string | undefined
  readonly credentialIssued: boolean
}

/** The bank has bound the account, or has refused to (art. 8(3)). What it holds is compared (annex 2 §7). */
export const hear = (agreement: AgreementFacts, heard: Heard, now: Date): Stepping => {
  if (!heard.bound) return agreement.state === 'unbound' ? 'repeated' : by(agreement, 'reject', 'art. 8(3)')
  if (agreement.state === 'bound' || inForce.has(agreement.state)) return news(agreement, heard)
  const today = shanghaiDate(now)
  // A day that has not come yet would put off the month in which debits begin.
  const boundOn = heard.boundOn !== undefined && heard.boundOn <= today ? heard.boundOn : today
  return by(agreement, 'bind', 'art. 8(3)', {
    boundOn,
    likeness: likenessOf(compared(agreement, heard.held)),
    ...(heard.credentialIssued ? { credentialIssued: true } : {}),
  })
}

/** A further word on what is bound already: other particulars or more of them, or that code and password were issued since. */
const news = (agreement: AgreementFacts, { held, credentialIssued }: Heard): Stepping => {
  const likeness = likenessOf(compared(agreement, held))
  // What leaves something out takes nothing back of what was said before.
  const isNews = likeness !== 'unchecked' && likeness !== agreement.likeness
  const changes: Changes = {
    ...(isNews ? { likeness } : {}),
    ...(credentialIssued && !agreement.credentialIssued ? { credentialIssued } : {}),
  }
  return Object.keys(changes).length === 0 ? 'repeated' : { event: 'news', to: agreement.state, changes, article: 'annex 2(7)' }
}

/** How what a bank holds compares with the agreement; undefined where it named nothing. */
export const compared = ({ particulars }: AgreementFacts, held: Partial<Particulars> | undefined): Partial<Comparison> | undefined =>
  held && Object.keys(held).length > 0 ? compareHeld(particulars, held) : undefined

const differs: Objection = {
  rule: 'particulars-differ',
  zh: '银行所存资料与协议不符,只能退回银行或不予受理(附件2第七条)',
  en: 'the bank holds other particulars: return it or refuse it (annex 2 §7)',
}

const oldInForce: Objection = {
  rule: 'another-in-force',
  zh: '该纳税人另有有效的协议;变更的,待原协议终止后再办(第九条)',
  en: 'the taxpayer has another in force; of a change, once the old one has ended (art. 9)',
}

const withinYear: Objection = {
  rule: 'account-within-year',
  zh: '缴税账号原则上一年内不得变更,而此协议登记时未注明例外:不予受理,注明例外后重新登记(第九条)',
  en: 'the account stays for a year, and this one named no exception: refuse it and have it registered anew with one (art. 9)',
}

/** Of a taxpayer's agreements with an office, in the order of registration, the last whose account was in force: to end and begin anew is to change (art. 9). */
export const lastInForce = <A extends Pick<AgreementStanding, 'state' | 'accountSince'>>(own: readonly A[]): A | undefined =>
  own.findLast(({ state, accountSince }) => accountSince !== undefined && state !== 'void')

/**
 * The reviewer accepts (art. 6, 8): the year begins on the first of the month after the binding, the enabled flag is set. `beside`: the taxpayer's others
 * with this office, in the order of registration. `accountSince`: that of the agreement it replaces, where the account stays the same.
 */
export const accept = (
  agreement: AgreementFacts,
  beside: readonly AgreementFacts[],
  who: string,
  now: Date,
  accountSince: string | undefined,
): Stepping => {
  if (inForce.has(agreement.state)) return 'repeated'
  if (agreement.state === 'bound' && agreement.likeness === 'differs') return differs
  if (beside.some(({ state }) => inForce.has(state))) return oldInForce
  const { particulars, replaces, exception } = agreement
  const before = lastInForce(beside)
  const need = before ? changeNeed(before, particulars, now) : 'free'
  // What replaces another was judged when it was registered; what began beside one that was not in force yet was not.
  if (replaces === 'none' && exception === undefined && need === 'exception-and-second-person') return withinYear
  const from = activeFrom(agreement.boundOn ?? shanghaiDate(now), now)
  return by(agreement, 'accept', 'art. 8(4)', {
    activeFrom: from,
    validTo: validTo(from),
    accountSince: accountSince ?? (need === 'free' ? before?.accountSince : undefined) ?? from,
    enabled: { by: who, at: now },
  })
}

/** The reviewer has the bank compare the particulars with its own (核验, annex 2 §7): of what is bound, whenever that is. */
export const askVerification = (agreement: AgreementFacts): Stepping => {
  const { state, verifying } = agreement
  if (state !== 'bound' && !inForce.has(state)) return notNow(state)
  if (verifying) return 'repeated'
  return { event: 'ask-verification', to: state, changes: {}, tell: { verb: 'verification' }, article: 'annex 2(7)' }
}

/** The bank has compared: what it denies cannot be accepted; what it confirms may be, one by one, and what is known to be exact stays so. */
export const hearVerification = (agreement: AgreementFacts, found: Likeness): Stepping => {
  const { state, likeness } = agreement
  if (state !== 'bound' && !inForce.has(state)) return notNow(state)
  const isNews = found === 'differs' || (found !== 'unchecked' && likeness !== 'exact')
  return { event: 'verified', to: state, changes: isNews ? { likeness: found } : {}, article: 'annex 2(7)' }
}

/** The reviewer gives it back to the bank: it is asked to bind anew. */
export const giveBack = (agreement: AgreementFacts): Stepping =>
  agreement.state === 'approved' ? 'repeated' : by(agreement, 'return', 'annex 2(7)', { likeness: null }, asking(agreement))

/** The reviewer refuses; a bank that bound it is told. */
export const refuse = (agreement: AgreementFacts): Stepping =>
  agreement.state === 'refused'
    ? 'repeated'
    : agreement.state === 'drafted'
      ? by(agreement, 'discard', 'art. 8(2)')
      : by(agreement, 'refuse', 'art. 8(3)', {}, agreement.state === 'bound' ? { verb: 'cancelBinding', reason: 'refused' } : undefined)

const told = (side: Side, action: 'suspend' | 'resume'): Tell | undefined => (side === 'tax' ? { verb: 'suspension', action } : undefined)
/** A stop, or its end, beside that of the other side: the agreement stays stopped. */
const beside = (event: 'suspend' | 'resume', suspendedBy: Stopper, tell: Tell | undefined): Step => ({
  event,
  to: 'suspended',
  changes: { suspendedBy },
  article: 'annex 2(4)',
  ...(tell ? { tell } : {}),
})

/**
 * Payments are stopped (annex 2 §4), by each side for itself; what the bank does itself it need not be told. What the bank stops before the review is not
 * accepted until it lets it go on.
 */
export const suspend = (agreement: AgreementFacts, side: Side): Stepping => {
  const { state, suspendedBy } = agreement
  if (state === 'suspended')
    return suspendedBy === side || suspendedBy === 'both' ? 'repeated' : beside('suspend', 'both', told(side, 'suspend'))
  if (state === 'bound' && side === 'bank') return by(agreement, 'stop', 'annex 2(4)')
  return by(agreement, 'suspend', 'annex 2(4)', { suspendedBy: side }, told(side, 'suspend'))
}

/** The bank lets a binding go on that it had stopped before the review. */
export const release = (agreement: AgreementFacts, now: Date): Stepping =>
  by(agreement, 'bind', 'annex 2(4)', agreement.boundOn === undefined ? { boundOn: shanghaiDate(now) } : {})

const otherSide: Objection = {
  rule: 'stopped-by-the-other-side',
  zh: '由另一方办理的止付,只能由该方解除(附件2第四条)',
  en: 'the other side stopped payments, and only it lets them go on (annex 2 §4)',
}

/** Payments go on, by the side that stopped them; where both have, only when both let them. */
export const resume = (agreement: AgreementFacts, side: Side): Stepping => {
  const { state, suspendedBy } = agreement
  if (state === 'accepted' || state === 'active') return 'repeated'
  if (state === 'suspended' && suspendedBy === 'both') return beside('resume', side === 'tax' ? 'bank' : 'tax', told(side, 'resume'))
  if (state === 'suspended' && suspendedBy !== side) return otherSide
  return by(agreement, 'resume', 'annex 2(4)', { suspendedBy: null }, told(side, 'resume'))
}

/** Its end is asked for (art. 10): what is in force ends when nothing is pending under it; what is not yet ends at once. */
export const end = (agreement: AgreementFacts, side: Side, now: Date): Stepping => {
  if (agreement.ending || agreement.state === 'ended') return 'repeated'
  if (inForce.has(agreement.state))
    return { event: 'ask-end', to: agreement.state, changes: { ending: { since: now, by: side } }, article: 'art. 10' }
  const tell: Tell | undefined = side === 'tax' && mayBeBound.has(agreement.state) ? { verb: 'cancelBinding', reason: 'ended' } : undefined
  return by(agreement, 'withdraw', 'art. 10', {}, tell)
}

/** Nothing is pending any more: it ends, and the bank is told unless it knows. */
export const finish = (agreement: AgreementFacts): Stepping =>
  agreement.ending
    ? by(
        agreement,
        'end',
        'art. 10',
        { suspendedBy: null },
        agreement.endingBy === 'bank' ? undefined : { verb: 'cancelBinding', reason: 'ended' },
      )
    : notNow(agreement.state)

/** Somebody objects to its renewal (annex 2 §14). */
export const object = (agreement: AgreementFacts, now: Date): Stepping =>
  agreement.objected
    ? 'repeated'
    : agreementMachine.isFinal(agreement.state)
      ? notNow(agreement.state)
      : { event: 'object', to: agreement.state, changes: { objectedAt: now }, article: 'annex 2(14)' }

/** It is void by itself (annex 2 §12), and the bank is told unless it was the bank that said so. */
export const voided = (agreement: AgreementFacts, reason: VoidReason, side: Side): Stepping => {
  if (agreement.state === 'void') return 'repeated'
  const tell: Tell | undefined = side === 'tax' && mayBeBound.has(agreement.state) ? { verb: 'cancelBinding', reason } : undefined
  return by(agreement, 'void', 'annex 2(12)', { voidReason: reason, suspendedBy: null }, tell)
}

/** What the calendar does to it today: activation on its day, renewal or lapse after its year (art. 8(4), annex 2 §14); undefined: nothing. */
export const turn = (agreement: AgreementFacts, now: Date): Step | undefined => {
  const event = calendarEvent(agreement, now)
  const moved =
    event === undefined
      ? undefined
      : event === 'renew'
        ? by(agreement, 'renew', 'annex 2(14)', { validTo: renewedTo(agreement.validTo!) })
        : event === 'lapse'
          ? by(agreement, 'lapse', 'annex 2(14)', { suspendedBy: null }, { verb: 'cancelBinding', reason: 'lapsed' })
          : by(agreement, 'activate', 'art. 8(4)')
  return moved !== undefined && isStep(moved) ? moved : undefined
}
