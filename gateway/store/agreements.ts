import { isUnifiedCode, type Outcome, outcome } from '@taxlink/bank-sdk'
import type { AgreementState } from '../domain/agreement.ts'
import type { AgreementFacts, Side, Step, Stepping, Stopper } from '../domain/agreement-steps.ts'
import type { Comparison, Likeness, Particulars } from '../domain/particulars.ts'
import type { Objection } from '../domain/proposal.ts'
import type { Scalar, Tx } from './database.ts'

/** An agreement of the record. */
export type Agreement = AgreementFacts & {
  readonly id: number
  readonly agreementNo: string
  readonly taxSystem: string
  readonly channel: 'computer' | 'phone'
  readonly contentHash: Buffer
  readonly registeredAt: Date
  readonly replacesNo: string | undefined
  readonly replacesId: number | undefined
  /** Since when the account of the one it replaces is the taxpayer's, where both have the same. */
  readonly inheritedSince: string | undefined
  readonly warning: string | undefined
  readonly version: number
  readonly stateSince: Date
  readonly approvedBy: string | undefined
  readonly enabledBy: string | undefined
  readonly enabledAt: Date | undefined
  readonly objectedAt: Date | undefined
  readonly endingSince: Date | undefined
  readonly voidReason: string | undefined
  readonly outcome: Outcome | undefined
}

/** An agreement as it is first written. */
export type NewAgreement = {
  readonly id: number
  readonly agreementNo: string
  readonly taxSystem: string
  readonly particulars: Particulars
  readonly channel: 'computer' | 'phone'
  readonly byPaper: boolean
  readonly contentHash: Buffer
  readonly registeredAt: Date
  readonly replacesId?: number | undefined
  readonly exception?: string | undefined
  readonly warning?: string | undefined
  /** What has happened to it already when it is written, from the first to the last. */
  readonly steps: readonly { readonly step: Step; readonly actor: string; readonly reason: string }[]
  readonly held?: Held | undefined
}

/** What a bank said it holds, and how it compares (annex 2 §7). */
export type Held = { readonly source: string; readonly held: Partial<Particulars>; readonly comparison: Partial<Comparison> }

/** What is to become of an agreement, as the rules have it. */
export type Deed = {
  readonly stepping: Stepping
  readonly reason: string
  readonly held?: Held | undefined
  /** What becomes of it next, in the same transaction. */
  readonly afterwards?: ((moved: Agreement) => Deed) | undefined
  /** What the bank said, in its own words. */
  readonly outcome?: Outcome | undefined
  /** What becomes of another one in the same transaction: of the one that is replaced. */
  readonly follow?: { readonly id: number; readonly decide: (other: Agreement) => Deed } | undefined
}
/** Who moves it, and when. */
export type Mover = { readonly now: Date; readonly actor: string }
/** What became of a move. */
export type Moved =
  | { readonly kind: 'absent' }
  | { readonly kind: 'moved' | 'repeated'; readonly agreement: Agreement }
  | { readonly kind: 'objected'; readonly objection: Objection; readonly agreement: Agreement }

type Row = {
  id: number
  agreementNo: string
  taxSystem: string
  taxpayerId: string
  taxpayerName: string
  officeCode: string
  bankCode: string
  branch: string
  account: string
  channel: 'computer' | 'phone'
  byPaper: number
  contentHash: Buffer
  registeredAt: Date
  replacesId: number | null
  replacesNo: string | null
  replacesBank: string | null
  replacesAccount: string | null
  replacesSince: string | null
  verifying: number
  exception: string | null
  permitId: number | null
  warning: string | null
  state: AgreementState
  version: number
  stateSince: Date
  approvedBy: string | null
  boundOn: string | null
  activeFrom: string | null
  validTo: string | null
  accountSince: string | null
  enabledBy: string | null
  enabledAt: Date | null
  objectedAt: Date | null
  suspendedBy: Stopper | null
  endingSince: Date | null
  endingBy: Side | null
  voidReason: string | null
  credentialIssued: number
  likeness: Likeness | null
  resultCode: string | null
  bankResultCode: string | null
  bankText: string | null
}
const columns = `a.id, a.agreement_no AS agreementNo, a.tax_system AS taxSystem, a.taxpayer_id AS taxpayerId, a.taxpayer_name AS taxpayerName,
  a.office_code AS officeCode, a.bank_code AS bankCode, a.branch, a.account, a.channel, a.by_paper AS byPaper, a.content_hash AS contentHash,
  a.registered_at AS registeredAt, a.replaces_id AS replacesId, a.exception, a.permit_id AS permitId, a.warning, a.state, a.version,
  a.state_since AS stateSince, a.approved_by AS approvedBy, a.bound_on AS boundOn, a.active_from AS activeFrom, a.valid_to AS validTo,
  a.account_since AS accountSince, a.enabled_by AS enabledBy, a.enabled_at AS enabledAt, a.objected_at AS objectedAt,
  a.suspended_by AS suspendedBy, a.ending_since AS endingSince, a.ending_by AS endingBy, a.void_reason AS voidReason,
  a.credential_issued AS credentialIssued, a.likeness, a.result_code AS resultCode, a.bank_result_code AS bankResultCode, a.bank_text AS bankText,
  o.agreement_no AS replacesNo, o.bank_code AS replacesBank, o.account AS replacesAccount, o.account_since AS replacesSince,
  EXISTS (SELECT 1 FROM agreement_call c WHERE c.agreement_id = a.id AND c.verb = 'verification' AND c.done_at IS NULL) AS verifying`
const source = 'FROM agreement a LEFT JOIN agreement o ON o.id = a.replaces_id'

const agreementOf = (row: Row): Agreement => {
  const sameAccount = row.replacesId !== null && row.replacesBank === row.bankCode && row.replacesAccount === row.account
  return {
    id: row.id,
    agreementNo: row.agreementNo,
    taxSystem: row.taxSystem,
    particulars: {
      taxpayerId: row.taxpayerId,
      taxpayerName: row.taxpayerName,
      officeCode: row.officeCode,
      bankCode: row.bankCode,
      branch: row.branch,
      account: row.account,
    },
    channel: row.channel,
    byPaper: row.byPaper === 1,
    contentHash: row.contentHash,
    registeredAt: row.registeredAt,
    replaces: row.replacesId === null ? 'none' : row.replacesBank === row.bankCode ? 'same-bank' : 'other-bank',
    replacesNo: row.replacesNo ?? undefined,
    replacesId: row.replacesId ?? undefined,
    inheritedSince: sameAccount ? (row.replacesSince ?? undefined) : undefined,
    exception: row.exception ?? undefined,
    awaitsPermit: row.exception !== null && row.permitId === null,
    warning: row.warning ?? undefined,
    state: row.state,
    version: row.version,
    stateSince: row.stateSince,
    approvedBy: row.approvedBy ?? undefined,
    boundOn: row.boundOn ?? undefined,
    activeFrom: row.activeFrom ?? undefined,
    validTo: row.validTo ?? undefined,
    accountSince: row.accountSince ?? undefined,
    enabled: row.enabledAt !== null,
    enabledBy: row.enabledBy ?? undefined,
    enabledAt: row.enabledAt ?? undefined,
    objected: row.objectedAt !== null,
    objectedAt: row.objectedAt ?? undefined,
    suspendedBy: row.suspendedBy ?? undefined,
    ending: row.endingSince !== null,
    endingSince: row.endingSince ?? undefined,
    endingBy: row.endingBy ?? undefined,
    voidReason: row.voidReason ?? undefined,
    credentialIssued: row.credentialIssued === 1,
    verifying: row.verifying === 1,
    likeness: row.likeness ?? undefined,
    outcome:
      row.resultCode !== null && isUnifiedCode(row.resultCode)
        ? outcome(row.resultCode, row.bankResultCode ?? row.resultCode, row.bankText ?? undefined)
        : undefined,
  }
}

/** Agreements of the record, as `rest` (WHERE …) finds them. */
export const readAgreements = async (tx: Pick<Tx, 'query'>, rest: string, params: readonly Scalar[]): Promise<Agreement[]> =>
  (await tx.query<Row>(`SELECT ${columns} ${source} ${rest}`, params)).map(agreementOf)
