import { digits, type Fields, type FieldValues, text } from '@taxlink/bank-sdk'
import type { Objection, ProposalRules } from '../domain/proposal.ts'
import type { About, Deeds } from '../store/proposals.ts'
import type { Flow } from './flow.ts'

/** Where a content is wrong in a way its schema cannot say: a JSON pointer into it, and why in both languages. */
export type Place = { readonly pointer: string; readonly zh: string; readonly en: string }
/** How things stand that a content is about: the instruction, where it is about one; or why it cannot be proposed. */
export type Stand = { readonly about: About | undefined } | Objection

/** What an approval knows besides the content. */
export type Approval = { readonly proposalId: number; readonly proposedAt: Date; readonly now: Date }

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

const hour = 3_600_000
/** Both persons are operators, and there is a working day for the second. */
export const byOperators: ProposalRules = { proposers: ['operator'], approvers: ['operator'], lifeMs: 24 * hour }

/** Nothing that the schema cannot say. */
export const nothing = (): readonly Place[] => []

const bankCode = digits('银行代码', 'bank code', 4)
const notRegistered: Objection = { rule: 'bank-unknown', zh: '银行未登记', en: 'the bank is not registered' }
const haltedAlready: Objection = { rule: 'halted-already', zh: '该银行已经停用', en: 'the bank is halted already' }
const notHalted: Objection = { rule: 'not-halted', zh: '该银行没有停用', en: 'the bank is not halted' }

/** 停用: no debit leaves for this bank any more, until it is resumed. */
export const haltBank = kindOf(
  { bankCode, reason: text('停用原因(告知税务系统)', 'reason, told to tax systems', 50) },
  {
    zh: '停用银行',
    en: 'halt a bank',
    ...byOperators,
    example: { bankCode: '4301', reason: '核心系统升级,重复记账' },
    subject: content => content.bankCode,
    wrong: nothing,
    stand: async (flow, content) => {
      if (!flow.reference().banks.has(content.bankCode)) return notRegistered
      return (await flow.store.halts()).has(content.bankCode) ? haltedAlready : { about: undefined }
    },
    apply: async (deeds, content) => ((await deeds.halt(content.bankCode, content.reason)) ? undefined : haltedAlready),
  },
)

/** 恢复: what waited is sent, new orders are taken. */
export const resumeBank = kindOf(
  { bankCode },
  {
    zh: '恢复银行',
    en: 'resume a bank',
    ...byOperators,
    example: { bankCode: '4301' },
    subject: content => content.bankCode,
    wrong: nothing,
    stand: async (flow, content) => ((await flow.store.halts()).has(content.bankCode) ? { about: undefined } : notHalted),
    apply: async (deeds, content) => ((await deeds.resume(content.bankCode)) ? undefined : notHalted),
  },
)

/** Every kind there is, by name. */
export const proposalKinds = { 'halt-bank': haltBank, 'resume-bank': resumeBank } as const satisfies {
  readonly [name: string]: ProposalKind
}
export type ProposalKindName = keyof typeof proposalKinds
