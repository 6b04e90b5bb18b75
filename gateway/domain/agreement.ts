import { machine } from './machine.ts'
import type { Particulars } from './particulars.ts'
import { monthAfter, shanghaiDate, yearAfter } from './time.ts'

/**
 * 三方协议 (art. 8–10, annex 2): approved by the county office, sent over the wire or taken by the taxpayer on paper, bound or refused by the bank,
 * reviewed by an operator, active from the month after. `accepted` waits for that month; `suspended` is the stop-payment of annex 2 §4; one that comes before
 * the review (`stop`) leaves nothing to accept until it is ended.
 */
export const agreementMachine = machine('agreement', {
  drafted: { approve: 'approved', discard: 'refused', withdraw: 'ended', void: 'void' },
  approved: { send: 'sent', take: 'taken', bind: 'bound', withdraw: 'ended', void: 'void' },
  sent: { bind: 'bound', reject: 'unbound', withdraw: 'ended', void: 'void' },
  taken: { bind: 'bound', reject: 'unbound', withdraw: 'ended', void: 'void' },
  bound: { accept: 'accepted', return: 'approved', refuse: 'refused', stop: 'unbound', void: 'void', withdraw: 'ended' },
  unbound: { bind: 'bound', return: 'approved', refuse: 'refused', void: 'void', withdraw: 'ended' },
  accepted: { activate: 'active', suspend: 'suspended', end: 'ended', void: 'void' },
  active: { suspend: 'suspended', end: 'ended', lapse: 'lapsed', void: 'void', renew: 'active' },
  suspended: { resume: 'accepted', end: 'ended', lapse: 'lapsed', void: 'void', renew: 'suspended' },
  refused: {},
  ended: {},
  lapsed: {},
  void: {},
})
/** A state of an agreement. */
export type AgreementState = keyof typeof agreementMachine.table
/** What moves an agreement. */
export type AgreementEvent = Parameters<typeof agreementMachine.next>[1]

/** States in which the bank may hold a binding, so that it has to be told of an end. */
export const mayBeBound: ReadonlySet<AgreementState> = new Set(['sent', 'taken', 'bound', 'unbound', 'accepted', 'active', 'suspended'])
/** States in which an agreement is in force: at most one for one taxpayer and account. */
export const inForce: ReadonlySet<AgreementState> = new Set(['accepted', 'active', 'suspended'])

/** Why an agreement is void by itself (annex 2 §12): deregistered, account closed, or another account in the tax ledger. */
export type VoidReason = 'deregistered' | 'account-closed' | 'account-changed'

/** What the rules need to know of an agreement; dates are days in the province. */
export type AgreementStanding = {
  readonly state: AgreementState
  readonly particulars: Particulars
  /** The day the bank bound the account (art. 8(3)). */
  readonly boundOn: string | undefined
  /** The first day debits pass (art. 8(4)). */
  readonly activeFrom: string | undefined
  /** The last day of the running year (annex 2 §14). */
  readonly validTo: string | undefined
  /** Since when this account has been the taxpayer's, over all agreements (art. 9). */
  readonly accountSince: string | undefined
  /** 缴税启用标志, set by the registration post (art. 6(3)3(2)). */
  readonly enabled: boolean
  /** Somebody objected to its renewal (annex 2 §14). */
  readonly objected: boolean
  /** Its end was asked for: no new debit passes, and it ends when the pending ones are settled (art. 10). */
  readonly ending: boolean
}

/**
 * The first day on which debits pass: the first of the month after the binding (art. 8(4)), and never a day before the review that accepted it.
 */
export const activeFrom = (boundOn: string, acceptedAt: Date): string => {
  const month = monthAfter(boundOn)
  const accepted = shanghaiDate(acceptedAt)
  return accepted > month ? accepted : month
}

/** The last day of the year that begins on `from` (annex 2 §14). */
export const validTo = (from: string): string => yearAfter(from, -1)

/** The last day of the next year, when nobody objected (annex 2 §14). */
export const renewedTo = (lastDay: string): string => yearAfter(lastDay)

/** A rule that a debit's agreement breaks: its name, and what to tell in both languages. */
export type GateRefusal = {
  readonly rule:
    | 'no-agreement'
    | 'agreement-not-bound'
    | 'agreement-suspended'
    | 'agreement-over'
    | 'agreement-ending'
    | 'not-yet-active'
    | 'expired'
    | 'not-enabled'
    | 'account-differs'
    | 'bank-differs'
    | 'taxpayer-differs'
    | 'office-differs'
  readonly code: '24009' | '24016' | '24017' | '24012' | '24002'
  readonly zh: string
  readonly en: string
}
const no = (rule: GateRefusal['rule'], code: GateRefusal['code'], zh: string, en: string): GateRefusal => ({ rule, code, zh, en })

const over = no('agreement-over', '24017', '三方协议已终止或失效(附件2第十二条)', 'the agreement is over (annex 2 §12)')
const stopped = no('agreement-suspended', '24012', '已办理止付(附件2第四条)', 'payments are stopped (annex 2 §4)')

/**
 * Why what was accepted under an agreement, and never left us, or supplements what was debited lawfully (art. 35), may not leave now: payments are stopped,
 * or the agreement is void by itself. Its end and its last day let what is pending be settled (art. 10).
 */
export const stoppedUnder = (agreement: Pick<AgreementStanding, 'state'> | undefined): GateRefusal | undefined =>
  agreement?.state === 'suspended' ? stopped : agreement?.state === 'void' ? over : undefined

/** What a debit says of itself that its agreement must confirm. */
export type DebitClaim = Pick<Particulars, 'taxpayerId' | 'officeCode' | 'bankCode' | 'account'>

/** A refusal as the tax side is told it: the rule's name stands before the words. */
export const named = (refusal: GateRefusal | undefined): GateRefusal | undefined =>
  refusal && { ...refusal, zh: `${refusal.rule} ${refusal.zh}` }

/** Why a debit may not pass under an agreement (art. 8(4), 29(6), annex 2 §§2, 4, 7, 12, 14), or undefined: it may. `now` decides the day. */
export const gate = (agreement: AgreementStanding | undefined, debit: DebitClaim, now: Date): GateRefusal | undefined => {
  if (!agreement) return no('no-agreement', '24009', '无此三方协议(第二十九条第六项)', 'there is no such agreement (art. 29(6))')
  const { state, particulars } = agreement
  if (agreementMachine.isFinal(state)) return over
  if (state === 'suspended') return stopped
  if (agreement.ending) return no('agreement-ending', '24017', '三方协议正在终止(第十条)', 'the agreement is coming to its end (art. 10)')
  if (state !== 'accepted' && state !== 'active')
    return no('agreement-not-bound', '24009', '账号尚未绑定或未复核(第八条第三项)', 'the account is not bound and reviewed (art. 8(3))')
  const today = shanghaiDate(now)
  if (agreement.activeFrom === undefined || today < agreement.activeFrom)
    return no('not-yet-active', '24009', '次月启用,尚未到启用日(第八条第四项)', 'active only from the month after (art. 8(4))')
  // Where nobody objects the year renews itself, whether or not the calendar's job has written it down yet.
  if (agreement.validTo === undefined || (today > agreement.validTo && agreement.objected))
    return no('expired', '24017', '协议期满未顺延(附件2第十四条)', 'the year is over and was not renewed (annex 2 §14)')
  if (!agreement.enabled) return no('not-enabled', '24009', '缴税启用标志未设置(第六条)', 'the enabled flag is not set (art. 6)')
  if (debit.bankCode !== particulars.bankCode)
    return no('bank-differs', '24016', '开户银行与协议不符(第二十八条)', 'another bank than the agreement’s (art. 28)')
  if (debit.account !== particulars.account)
    return no('account-differs', '24016', '缴税账号与协议不符(附件2第二条)', 'another account than the agreement’s (annex 2 §2)')
  if (debit.taxpayerId !== particulars.taxpayerId)
    return no('taxpayer-differs', '24002', '纳税人与协议不符(附件2第七条)', 'another taxpayer than the agreement’s (annex 2 §7)')
  if (debit.officeCode !== particulars.officeCode)
    return no('office-differs', '24016', '征收机关与协议不符(附件2第七条)', 'another office than the agreement’s (annex 2 §7)')
  return undefined
}

/** A reason for which an account may change inside its year (art. 9: «in principle»); it needs a second person. */
export const changeExceptions = ['account-closed-by-bank', 'bank-disqualified', 'merger', 'account-misused', 'court-order'] as const
/** One of these reasons. */
export type ChangeException = (typeof changeExceptions)[number]

/** What a change of particulars needs (art. 9): nothing of the account, a full year, or an exception and a second person. */
export type ChangeNeed = 'free' | 'year-over' | 'exception-and-second-person'

/** Judges a change (art. 9): an account unchanged for a year may change; before, only with an exception and a second person. */
export const changeNeed = (agreement: AgreementStanding, next: Particulars, now: Date): ChangeNeed => {
  const { particulars, accountSince } = agreement
  if (next.account === particulars.account && next.bankCode === particulars.bankCode) return 'free'
  return accountSince !== undefined && shanghaiDate(now) >= yearAfter(accountSince) ? 'year-over' : 'exception-and-second-person'
}

/** What the calendar asks of an agreement today: activation on its day, renewal or lapse after its year; undefined: nothing. */
export const calendarEvent = (agreement: AgreementStanding, now: Date): 'activate' | 'renew' | 'lapse' | undefined => {
  const { state } = agreement
  const today = shanghaiDate(now)
  // What is coming to its end neither begins nor goes on.
  if (agreement.ending) return undefined
  if (state === 'accepted') return agreement.activeFrom !== undefined && today >= agreement.activeFrom ? 'activate' : undefined
  if ((state !== 'active' && state !== 'suspended') || agreement.validTo === undefined || today <= agreement.validTo) return undefined
  return agreement.objected ? 'lapse' : 'renew'
}
