import type { BankPolicy } from './bank.ts'
import type { DifferenceType } from './reconcile.ts'

// 第三十五条, its paragraphs (1) to (3) as a table: each difference of a day-end session has one remedy, and no more.

/** What else is known of a difference: the ticket was paid by another instruction; it is the bank's entry under our notice; its ticket is right as a whole. */
export type Evidence = 'none' | 'paid-otherwise' | 'under-our-notice' | 'ticket-is-right'

/** What the table looks at. */
export type RemedyCase = {
  readonly type: DifferenceType
  /** Fen that the bank has of the ticket beyond what our record says; below zero: that it lacks. */
  readonly surplus: number
  /** Whether it has anything at all of the instruction, what was given back taken off. */
  readonly remains: boolean
  /** Whether the entry takes money from the taxpayer (debits), or gives some back. */
  readonly entry: 'debits' | 'gives-back'
  /** The instruction is a supplementary debit: itself a remedy. */
  readonly isRemedy: boolean
  /** How our record stands to the instruction that took the money. `none`: nobody ever sent it. */
  readonly record: 'succeeded' | 'refused' | 'open' | 'none'
  /** The bank's accounting day of it is over. */
  readonly dayOver: boolean
  readonly reversal: BankPolicy['reversal']
  /** The surplus is all that the bank has of the instruction. */
  readonly whole: boolean
  readonly evidence: Evidence
  /** The bank named no accounting date: ours is by its contract, and its own may be the next. */
  readonly datedByUs: boolean
}

/**
 * The one lawful remedy. `reverse`: the excess goes back by itself (35(1)); `notice`: 调账通知单 (35(1)); `supplement` the shortfall (35(2));
 * `supplement-missing` the whole (35(3)); `persons`: two of them adopt or return it; `explained`: nothing is to be moved; `investigate`: a person finds
 * out first.
 */
export const remedies = ['reverse', 'notice', 'supplement', 'supplement-missing', 'persons', 'explained', 'investigate'] as const
export type BreakRemedy = (typeof remedies)[number]

/** One row: the first whose case holds decides. */
export type RemedyRow = {
  readonly rule: string
  readonly article: string
  readonly remedy: BreakRemedy
  readonly holds: (c: RemedyCase) => boolean
  readonly zh: string
}

/** The table, in the order in which its reasons outrank each other. The last row holds always. */
export const remedyTable: readonly RemedyRow[] = [
  { rule: 'cut-off', article: '35', remedy: 'explained', holds: c => c.type === 'cut-off', zh: '跨日切:记在相邻的会计日' },
  { rule: 'in-bank', article: '35', remedy: 'explained', holds: c => c.type === 'in-bank', zh: '银行前置与核心之间的差异,由银行自行处理' },
  {
    rule: 'under-our-notice',
    article: '35(1)',
    remedy: 'explained',
    holds: c => c.evidence === 'under-our-notice',
    zh: '银行按《调账通知单》调回的分录',
  },
  // What is right as a whole needs nothing moved: the bank has put it right itself.
  {
    rule: 'ticket-is-right',
    article: '35(4)',
    remedy: 'explained',
    holds: c => c.evidence === 'ticket-is-right',
    zh: '该税票合计相符,银行已自行更正',
  },
  {
    rule: 'particulars',
    article: '35',
    remedy: 'investigate',
    holds: c => c.type === 'particulars-differ',
    zh: '金额相符而要素不符,查明后处理',
  },
  { rule: 'open', article: '35', remedy: 'investigate', holds: c => c.record === 'open', zh: '指令结果不明,先查明' },
  { rule: 'no-money', article: '35', remedy: 'investigate', holds: c => c.surplus === 0, zh: '无金额差异,查明原因' },
  {
    // By evidence: it may be the tax of this ticket, and then the taxpayer has paid.
    rule: 'bank-has-it-alone',
    article: '35',
    remedy: 'persons',
    holds: c => c.surplus > 0 && c.entry === 'debits' && c.record !== 'succeeded' && c.evidence !== 'paid-otherwise',
    zh: '银行已扣而税务无成功记录,两人认定采信或退回',
  },
  {
    // A reversal that crossed the bank's day-end: under the next date it stands perhaps, and a notice would give back twice.
    rule: 'date-of-return-is-ours',
    article: '35(1)',
    remedy: 'investigate',
    holds: c => c.surplus > 0 && c.entry === 'gives-back' && !c.remains && c.type === 'reversed-one-side' && c.datedByUs,
    zh: '冲正的会计日期是按合同推定的,可能记在次日,待次日对账再定',
  },
  {
    rule: 'after-day-end',
    article: '35(1)',
    remedy: 'notice',
    holds: c => c.surplus > 0 && c.dayOver,
    zh: '多划,银行已日终:《调账通知单》',
  },
  {
    rule: 'bank-makes-none',
    article: '35(1)',
    remedy: 'notice',
    holds: c => c.surplus > 0 && c.reversal === 'none',
    zh: '多划,该银行不支持冲正:《调账通知单》',
  },
  {
    // A reversal names an instruction that our record counts as debited; of any other our own rules refuse it.
    rule: 'nothing-to-reverse',
    article: '35(1)',
    remedy: 'notice',
    holds: c => c.surplus > 0 && (c.record !== 'succeeded' || c.entry === 'gives-back'),
    zh: '多划而无可冲正的成功指令:《调账通知单》',
  },
  {
    // It would take back the tax with the excess.
    rule: 'part-of-whole',
    article: '35(1)',
    remedy: 'notice',
    holds: c => c.surplus > 0 && c.reversal === 'whole-only' && !c.whole,
    zh: '多划,该银行只能全额冲正:《调账通知单》',
  },
  { rule: 'excess', article: '35(1)', remedy: 'reverse', holds: c => c.surplus > 0, zh: '多划,银行日终前:冲正多划部分' },
  {
    // A second one on top could take the money twice, once the first turns up: whoever sends it has asked the bank.
    rule: 'remedy-missing',
    article: '35(3)',
    remedy: 'investigate',
    holds: c => c.surplus < 0 && c.isRemedy,
    zh: '补划本身银行未足额入账,查明后处理',
  },
  {
    // It may stand under the next date, and a supplementary debit would take it twice: the next session shows.
    rule: 'date-is-ours',
    article: '35(3)',
    remedy: 'investigate',
    holds: c => c.surplus < 0 && !c.remains && c.type === 'tax-only' && c.datedByUs,
    zh: '会计日期是按合同推定的,可能记在次日,待次日对账再定',
  },
  {
    rule: 'missing',
    article: '35(3)',
    remedy: 'supplement-missing',
    holds: c => c.record === 'succeeded' && !c.remains,
    zh: '税务已记成功而银行未划缴:全额补划,不成功则作废',
  },
  { rule: 'short', article: '35(2)', remedy: 'supplement', holds: c => c.record === 'succeeded', zh: '银行少划:补充划缴差额' },
  { rule: 'less-than-nothing', article: '35', remedy: 'investigate', holds: () => true, zh: '税务无成功记录而银行退出款项,查明' },
]

/** The row that decides a case. */
export const remedyOf = (c: RemedyCase): RemedyRow => remedyTable.find(({ holds }) => holds(c))!

/** Where a remedy has failed, what is left: what a bank would not reverse any more goes by a notice; all else a person finds out about. */
export const afterFailure = (remedy: BreakRemedy): BreakRemedy =>
  remedy === 'reverse' ? 'notice' : remedy === 'supplement-missing' || remedy === 'supplement' ? remedy : 'investigate'
