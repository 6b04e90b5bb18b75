import type { Fields, FieldValues, Kind } from '@taxlink/bank-sdk'
import type { PrintKey } from '../domain/fingerprint.ts'
import type { Duty } from '../domain/operator.ts'
import type { Objection, ProposalRules } from '../domain/proposal.ts'
import type { Reference } from '../domain/reference.ts'
import { shanghaiTime } from '../domain/time.ts'
import type { Deeds } from '../store/proposals.ts'
import type { About } from '../store/resolve.ts'
import type { Flow } from './flow.ts'

/** Where a content is wrong in a way its schema cannot say: a JSON pointer into it, and why in both languages. */
export type Place = { readonly pointer: string; readonly zh: string; readonly en: string }
/**
 * How things stand that a content is about: the instruction and the office, where it is about one (else about the province); or why it cannot be
 * proposed, which is told only to whoever sees the office that is about: the content's own, unless it says another.
 */
export type Stand =
  | { readonly about: About | undefined; readonly officeCode: string | undefined }
  | (Objection & { readonly officeCode?: string | undefined })

/** What an approval knows besides the content. */
export type Approval = {
  readonly proposalId: number
  readonly proposedBy: string
  readonly proposedAt: Date
  /** When the instruction that it is about had last been sent, as the proposer found it. */
  readonly lastSentAt: Date | undefined
  readonly reference: Reference
  /** The key of the fingerprints, for what is booked. */
  readonly printKey: () => PrintKey
}

/**
 * A kind of proposal as data: its content, who may take part, what it is about, what stands against it, and what its approval does in the
 * approving transaction.
 */
export type ProposalKind<Content = { readonly [name: string]: unknown }> = ProposalRules & {
  readonly zh: string
  readonly en: string
  readonly content: Fields
  /** A content for the reference page. Invented. */
  readonly example: Content
  /** What it is about, in ASCII: of one kind there is one open proposal about one thing. */
  subject(content: Content): string
  wrong(content: Content): readonly Place[]
  stand(flow: Flow, content: Content, now: Date): Promise<Stand>
  apply(deeds: Deeds, content: Content, approval: Approval): Promise<Objection | undefined>
}

/** Makes a kind whose functions know the fields of its content. */
export const kindOf = <const F extends Fields>(content: F, kind: Omit<ProposalKind<FieldValues<F>>, 'content'>): ProposalKind =>
  // Its functions are only ever given what the schema of these very fields let through.
  ({ ...kind, content }) as unknown as ProposalKind

/** A moment in the province's time, as RFC 3339 to the second or the millisecond, `2026-11-10T10:45:00+08:00`. */
export const instant = (zh: string, en: string): Kind<string> => ({
  zh,
  en,
  schema: { type: 'string', maxLength: 29, pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{3})?\\+08:00$' },
})
/** Whether the day and the hour of such a moment exist. */
export const isInstant = (text: string): boolean => {
  const at = new Date(text)
  return !Number.isNaN(at.getTime()) && shanghaiTime(at).startsWith(text.slice(0, 19))
}

const hour = 3_600_000
/** Both persons are operators of one of these duties, and there is a working day for the second. */
export const byOperators = (...duties: readonly Duty[]): ProposalRules => ({
  proposers: ['operator'],
  approvers: ['operator'],
  lifeMs: 24 * hour,
  duties,
})

/** Nothing that the schema cannot say. */
export const nothing = (): readonly Place[] => []
