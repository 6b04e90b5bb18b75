import { shanghaiTime } from '../domain/time.ts'
import type { AgreementLife, ChangeView, HeldView, Reviewed } from '../store/agreement-reads.ts'
import type { Agreement } from '../store/agreements.ts'
import { type ResultJson, resultJson } from './shapes.ts'

const given = <const N extends string, V>(name: N, value: V | undefined): { readonly [K in N]?: V } =>
  (value === undefined ? {} : { [name]: value }) as { readonly [K in N]?: V }
const at = <const N extends string>(name: N, value: Date | undefined): { readonly [K in N]?: string } =>
  given(name, value && shanghaiTime(value))

/** An agreement as the tax side sees it; nothing of the taxpayer or the account is in it. */
export type AgreementJson = {
  readonly agreementNo: string
  readonly state: Agreement['state']
  readonly officeCode: string
  readonly bankCode: string
  readonly channel: string
  readonly registeredAt: string
  readonly enabled: boolean
  readonly ending: boolean
  readonly objected: boolean
  readonly credentialIssued: boolean
  readonly replaces?: string
  readonly exception?: string
  readonly warning?: string
  readonly boundOn?: string
  readonly activeFrom?: string
  readonly validTo?: string
  readonly accountSince?: string
  readonly enabledBy?: string
  readonly enabledAt?: string
  readonly suspendedBy?: string
  readonly voidReason?: string
  readonly likeness?: string
  readonly verifying?: boolean
  readonly result?: ResultJson
}

/** An agreement of the record as JSON. */
export const agreementJson = (a: Agreement): AgreementJson => ({
  agreementNo: a.agreementNo,
  state: a.state,
  officeCode: a.particulars.officeCode,
  bankCode: a.particulars.bankCode,
  channel: a.channel,
  registeredAt: shanghaiTime(a.registeredAt),
  enabled: a.enabled,
  ending: a.ending,
  objected: a.objected,
  credentialIssued: a.credentialIssued,
  ...given('replaces', a.replacesNo),
  ...given('exception', a.exception),
  ...given('warning', a.warning),
  ...given('boundOn', a.boundOn),
  ...given('activeFrom', a.activeFrom),
  ...given('validTo', a.validTo),
  ...given('accountSince', a.accountSince),
  ...given('enabledBy', a.enabledBy),
  ...at('enabledAt', a.enabledAt),
  ...given('suspendedBy', a.suspendedBy),
  ...given('voidReason', a.voidReason),
  ...given('likeness', a.likeness),
  ...given('verifying', a.verifying || undefined),
  ...given('result', a.outcome && resultJson(a.outcome)),
})

/** A line of the feed of changes as JSON. */
export const changeJson = ({ seq, at: when, event, state, actor, reason, article, agreementNo, bankCode, officeCode }: ChangeView) => ({
  seq,
  at: shanghaiTime(when),
  agreementNo,
  officeCode,
  bankCode,
  event,
  state,
  actor,
  reason,
  article,
})

const particularsJson = ({ taxpayerId, taxpayerName, officeCode, bankCode, branch, account }: Agreement['particulars']) => ({
  taxpayerId,
  taxpayerName,
  officeCode,
  bankCode,
  payerBankNo: branch,
  account,
})
const heldJson = ({ at: when, source, held, comparison }: HeldView) => {
  const { branch, ...rest } = held
  const { branch: branchRule, ...rules } = comparison
  return {
    at: shanghaiTime(when),
    source,
    held: { ...rest, ...given('payerBankNo', branch) },
    comparison: { ...rules, ...given('payerBankNo', branchRule) },
  }
}

/** What waits for a reviewer: a person has to see what is compared, so the particulars are in it. */
export const reviewedJson = (reviewed: Reviewed) => ({
  ...agreementJson(reviewed),
  since: shanghaiTime(reviewed.stateSince),
  particulars: particularsJson(reviewed.particulars),
  ...given('held', reviewed.heldNow && heldJson(reviewed.heldNow)),
})

/** The whole life of an agreement as JSON. */
export const lifeJson = ({ agreement, journal, calls, held }: AgreementLife) => ({
  agreement: agreementJson(agreement),
  particulars: particularsJson(agreement.particulars),
  journal: journal.map(({ at: when, ...line }) => ({ at: shanghaiTime(when), ...line })),
  calls: calls.map(({ verb, createdAt, attempts, doneAt, resultCode, fault, transcript }) => ({
    verb,
    createdAt: shanghaiTime(createdAt),
    attempts,
    ...at('doneAt', doneAt),
    ...given('code', resultCode),
    ...given('fault', fault),
    ...given('transcript', transcript === undefined ? undefined : (JSON.parse(transcript) as unknown)),
  })),
  held: held.map(heldJson),
})
