import { hash } from 'node:crypto'
import { ascii, debitParticulars, debitRequest, digits, type Kind, message, oneOf, optional, type ValuesOf } from '@taxlink/bank-sdk'
import { changeExceptions, changeNeed, inForce } from '../domain/agreement.ts'
import {
  type AgreementFacts,
  approve,
  draftedFacts,
  end,
  isStep,
  lastInForce,
  leave,
  object,
  resume,
  type Step,
  suspend,
  voided,
} from '../domain/agreement-steps.ts'
import type { Particulars } from '../domain/particulars.ts'
import type { Objection } from '../domain/proposal.ts'
import type { Reference } from '../domain/reference.ts'
import { checkTaxpayerId } from '../domain/taxpayer.ts'
import type { Ordered, Registered } from '../store/agreement-writes.ts'
import type { Agreement, Deed, NewAgreement } from '../store/agreements.ts'
import type { Flow } from './flow.ts'
import { furtherHash } from './further.ts'

// What a tax system asks about agreements: each under a number of its own, so that the same may be sent any number of times.

const number = (zh: string, en: string, most: number): Kind<string> => ({
  ...ascii(zh, en, most),
  schema: { type: 'string', minLength: 1, maxLength: most, pattern: '^[A-Za-z0-9-]+$' },
})
const { taxpayerId, taxpayerName, channel, account, payerBankNo } = debitParticulars
const agreementNo: Kind<string> = { ...number('三方协议书号', 'number of the three-party agreement', 60), mask: 'account' }
const orderNo = number('委托编号', 'number of the order, the tax system’s own', 32)
const reason = optional(ascii('办理说明代码', 'why, in the tax system’s own words', 60))

const registered = {
  agreementNo,
  officeCode: debitRequest.fields.officeCode,
  bankCode: digits('开户银行代码', 'the taxpayer’s bank in this province', 4),
  payerBankNo,
  account,
  taxpayerId,
  taxpayerName,
  channel,
  delivery: oneOf('送达银行方式', 'how the bank hears of it: over the wire, or from the taxpayer on paper', ['wire', 'paper']),
  approvedBy: optional(ascii('县局审批人', 'who approved it in the county office (art. 8(2)); left out, an operator approves', 40)),
  exception: optional(oneOf('一年内变更账号的例外', 'why the account changes inside its year (art. 9)', changeExceptions)),
}
/** 三方协议登记 (art. 8). */
export const agreementRegistration = message('agreement.registration', '三方协议登记', 'registration of an agreement', registered)
/** A registration, valid by its schema. */
export type AgreementRegistration = ValuesOf<typeof agreementRegistration>
/** 三方协议变更 (art. 9): the new agreement, which takes the place of the old one when it is bound. */
export const agreementChange = message('agreement.change', '三方协议变更', 'change of an agreement', registered)
/** A change, valid by its schema. */
export type AgreementChange = ValuesOf<typeof agreementChange>

/** 协议办理委托: its end, an objection to its renewal, a stop of payments and its end. */
export const agreementOrder = message('agreement.order', '协议办理委托', 'order about an agreement', { orderNo, reason })
/** An order about an agreement, valid by its schema. */
export type AgreementOrderBody = ValuesOf<typeof agreementOrder>
/** 纳税人事项 (annex 2 §12): what makes agreements void. */
export const taxpayerEvent = message('taxpayer.event', '纳税人事项', 'what happened to a taxpayer', {
  orderNo,
  taxpayerId,
  event: oneOf('事项', 'what happened', ['deregistered', 'account-closed', 'account-changed']),
  account: optional(account),
})
/** What happened to a taxpayer, valid by its schema. */
export type TaxpayerEvent = ValuesOf<typeof taxpayerEvent>

/** What became of a registration. */
export type RegistrationVerdict =
  | { readonly kind: 'registered' | 'repeated' | 'absent' }
  | { readonly kind: 'differs'; readonly hash: string; readonly acceptedHash: string }
  | { readonly kind: 'taken' }
  | { readonly kind: 'objected'; readonly objection: Objection }

/** SHA-256 of a registration: its fields in the order of the catalogue. */
export const registrationHash = (order: AgreementRegistration, replacesNo = ''): Buffer =>
  hash(
    'sha256',
    JSON.stringify([replacesNo, ...Object.keys(agreementChange.fields).map(name => order[name as keyof AgreementChange] ?? null)]),
    'buffer',
  )

/** The particulars that a registration names. */
export const particularsOf = (order: AgreementRegistration): Particulars => ({
  taxpayerId: order.taxpayerId,
  taxpayerName: order.taxpayerName,
  officeCode: order.officeCode,
  bankCode: order.bankCode,
  branch: order.payerBankNo,
  account: order.account,
})

/** A new agreement with what has happened to it already: approved where the county office did so in its own software, and gone to the bank on paper. */
export const newAgreement = (
  id: number,
  taxSystem: string,
  order: AgreementRegistration,
  now: Date,
  replaces?: Agreement,
): NewAgreement => {
  const { exception, approvedBy } = order
  const { warning } = checkTaxpayerId(order.taxpayerId)
  const particulars = particularsOf(order)
  const fresh: AgreementFacts = {
    ...draftedFacts(particulars, order.delivery === 'paper'),
    replaces: !replaces ? 'none' : replaces.particulars.bankCode === order.bankCode ? 'same-bank' : 'other-bank',
    awaitsPermit: exception !== undefined,
    exception,
  }
  const steps: { step: Step; actor: string; reason: string }[] = []
  const approved = approvedBy === undefined ? undefined : approve(fresh, approvedBy, false)
  if (approvedBy !== undefined && approved && approved !== 'repeated' && isStep(approved)) {
    steps.push({ step: approved, actor: approvedBy, reason: 'approved by the county office' })
    const taken = fresh.byPaper ? leave({ ...fresh, state: approved.to }) : 'repeated'
    if (taken !== 'repeated' && isStep(taken)) steps.push({ step: taken, actor: approvedBy, reason: 'the taxpayer takes it to the bank' })
  }
  return {
    id,
    agreementNo: order.agreementNo,
    taxSystem,
    particulars,
    channel: order.channel,
    byPaper: fresh.byPaper,
    contentHash: registrationHash(order, replaces?.agreementNo),
    registeredAt: now,
    replacesId: replaces?.id,
    exception,
    warning,
    steps,
  }
}

const useChange: Objection = {
  rule: 'another-in-force',
  zh: '该纳税人在本机关已有三方协议,请办理变更(第九条)',
  en: 'the taxpayer has an agreement with this office: change that one (art. 9)',
}
/** An account may change inside its year only by an exception that two persons permit (art. 9). */
const withinYear: Objection = {
  rule: 'account-within-year',
  zh: '缴税账号原则上一年内不得变更;确有例外,请注明原因并由两人批准(第九条)',
  en: 'the account stays for a year; with an exception named, two persons may permit it (art. 9)',
}
const notNeeded: Objection = {
  rule: 'exception-not-needed',
  zh: '账号未变或已满一年,无须例外(第九条)',
  en: 'the account stays or has been there for a year: no exception is needed (art. 9)',
}

const otherTaxpayer: Objection = {
  rule: 'taxpayer-differs',
  zh: '变更的协议须为同一纳税人;识别号有变的,终止后重新登记(第九条)',
  en: 'a change is of the same taxpayer; where the id is another, end it and register anew (art. 9)',
}
/** What the reference data does not know: nobody could be told, and nobody would review it. */
export const unknownIn = (reference: Reference, { bankCode, officeCode }: Pick<AgreementRegistration, 'bankCode' | 'officeCode'>) => [
  ...(reference.banks.has(bankCode)
    ? []
    : [{ field: 'bankCode', rule: 'bank-unknown', zh: '银行未登记', en: 'the bank is not registered' }]),
  ...(reference.offices.has(officeCode)
    ? []
    : [{ field: 'officeCode', rule: 'office-unknown', zh: '征收机关未登记', en: 'the tax office is not registered' }]),
]

/** Why a registration beside these others of the taxpayer cannot be; `old` is the one it is to replace. */
const objectionTo = (
  order: AgreementRegistration,
  others: readonly Agreement[],
  old: Agreement | undefined,
  reference: Reference,
  now: Date,
): Objection | undefined => {
  const [unknown] = unknownIn(reference, order)
  if (unknown) return unknown
  const before = old ?? lastInForce(others)
  if (!old && others.some(({ state, ending }) => inForce.has(state) && !ending)) return useChange
  if (!before) return order.exception === undefined ? undefined : notNeeded
  const need = changeNeed(before, particularsOf(order), now)
  if (need === 'exception-and-second-person') return order.exception === undefined ? withinYear : undefined
  return order.exception === undefined ? undefined : notNeeded
}

/** Registers an agreement (art. 8(1)). */
export const register = async (flow: Flow, taxSystem: string, order: AgreementRegistration, now: Date): Promise<RegistrationVerdict> => {
  const id = await flow.store.agreements.takeAgreementIds(1)
  const made = newAgreement(id, taxSystem, order, now)
  return told(
    taxSystem,
    made,
    await flow.store.agreements.register(made, others => objectionTo(order, others, undefined, flow.reference(), now)),
  )
}

/** Registers the agreement that is to replace another (art. 9). */
export const change = async (
  flow: Flow,
  taxSystem: string,
  oldNo: string,
  order: AgreementChange,
  now: Date,
): Promise<RegistrationVerdict> => {
  const old = await flow.store.agreements.find(oldNo)
  if (old?.taxSystem !== taxSystem) return { kind: 'absent' }
  const made = newAgreement(await flow.store.agreements.takeAgreementIds(1), taxSystem, order, now, old)
  const objects = (others: readonly Agreement[]): Objection | undefined => {
    if (order.taxpayerId !== old.particulars.taxpayerId) return otherTaxpayer
    const standing = others.find(({ id }) => id === old.id) ?? old
    return inForce.has(standing.state) && !standing.ending ? objectionTo(order, others, standing, flow.reference(), now) : notInForce
  }
  return told(taxSystem, made, await flow.store.agreements.register(made, objects))
}
const notInForce: Objection = {
  rule: 'not-in-force',
  zh: '被变更的协议不在有效状态',
  en: 'the agreement to be changed is not in force',
}

const told = (taxSystem: string, { contentHash }: NewAgreement, said: Registered): RegistrationVerdict => {
  if (said.kind !== 'repeated') return said
  // Another tax system holds the number: that it is taken is all there is to say.
  if (said.taxSystem !== taxSystem) return { kind: 'taken' }
  if (said.contentHash.equals(contentHash)) return { kind: 'repeated' }
  return { kind: 'differs', hash: contentHash.toString('hex'), acceptedHash: said.contentHash.toString('hex') }
}

/** What a tax system may ask of one agreement. */
export const asks = {
  endings: (agreement: Agreement, now: Date) => end(agreement, 'tax', now),
  objections: (agreement: Agreement, now: Date) => object(agreement, now),
  suspensions: (agreement: Agreement) => suspend(agreement, 'tax'),
  resumptions: (agreement: Agreement) => resume(agreement, 'tax'),
} as const
/** The name of one of them. */
export type Ask = keyof typeof asks

/** Does what a tax system asks of one agreement, once for its number. */
export const askAgreement = (
  flow: Flow,
  taxSystem: string,
  ask: Ask,
  of: string,
  body: AgreementOrderBody,
  now: Date,
): Promise<Ordered> => {
  const contentHash = hash('sha256', JSON.stringify([ask, of, body.orderNo, body.reason ?? null]), 'buffer')
  const decide = (agreement: Agreement): Deed => ({
    stepping: asks[ask](agreement, now),
    reason: body.reason ?? `${ask} asked for by the tax side`,
  })
  return flow.store.agreements.order({ taxSystem, orderNo: body.orderNo, contentHash }, { agreementNo: of }, decide, {
    now,
    actor: taxSystem,
  })
}

/** What happened to a taxpayer makes its agreements void (annex 2 §12), and the banks are told. */
export const heardTaxpayerEvent = (flow: Flow, taxSystem: string, event: TaxpayerEvent, now: Date): Promise<Ordered> => {
  const concerned = ({ particulars }: Agreement): boolean =>
    event.event === 'deregistered' ||
    // Of a change the account that is named is the new one, of a closing the one that is closed; without one, every account is meant.
    event.account === undefined ||
    (event.event === 'account-closed') === (particulars.account === event.account)
  const decide = (agreement: Agreement): Deed => ({
    stepping: concerned(agreement)
      ? voided(agreement, event.event, 'tax')
      : { rule: 'not-concerned', zh: '与此账号无关', en: 'of another account' },
    reason: `the tax ledger: ${event.event}`,
  })
  return flow.store.agreements.order(
    { taxSystem, orderNo: event.orderNo, contentHash: furtherHash(taxpayerEvent, event) },
    { taxpayerId: event.taxpayerId },
    decide,
    { now, actor: taxSystem },
  )
}
