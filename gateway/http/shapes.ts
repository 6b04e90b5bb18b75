import { type Outcome, type OutcomeClass, outcome, outcomes } from '@taxlink/bank-sdk'
import { type DebitState, debitMachine } from '../domain/debit.ts'
import { shanghaiTime } from '../domain/time.ts'
import type { NewDebit } from '../store/debits.ts'
import type { DebitView, ResultView } from '../store/reads.ts'

/** The result of a debit with its words: what is certain, why, and what to do next. */
export type ResultJson = {
  readonly class: OutcomeClass
  readonly code: string
  readonly bankCode: string
  readonly bankText?: string
  readonly zh: string
  readonly en: string
  readonly nextZh: string
  readonly nextEn: string
}
/** A debit as the tax side sees it; nothing of the taxpayer, the account or the content is in it. */
export type DebitJson = {
  readonly ticketNo: string
  readonly state: DebitState
  readonly officeCode: string
  readonly entrustDate: string
  readonly serialNo: string
  readonly bankCode: string
  /** Fen. */
  readonly amount: number
  readonly result?: ResultJson
  readonly bankSerial?: string
  readonly accountingDate?: string
  readonly needsPerson: boolean
  /** Calls to the bank so far, inquiries included. */
  readonly attempts: number
  readonly acceptedAt: string
  readonly settledAt?: string
  /** 作废 (art. 35(3)). */
  readonly voidedAt?: string
  readonly voidReason?: string
  /** 采信 (art. 35): the debit is there after all, and pays the ticket. */
  readonly adoptedAt?: string
}
/** What only further instructions of a ticket have to say. */
export type FurtherJson = {
  /** The number the tax system ordered it under. */
  readonly orderNo?: string
  readonly reason?: string
  /** Fen that moved; with its end. */
  readonly bookedAmount?: number
}
/** One line of the feed of outcomes. */
export type FeedJson = DebitJson & FurtherJson & { readonly seq: number; readonly verb: ResultView['verb'] }

/** The outcome that goes with a state: certain ones only with a settled debit, and a doubt is always shown as one. */
export const shownOutcome = (state: DebitState, recorded: Outcome | undefined): Outcome | undefined => {
  if (debitMachine.isFinal(state)) return recorded
  if (state !== 'unknown') return undefined
  if (recorded === undefined) return outcome('94999')
  // The bank's yes or no was not believed (another amount, say): its own code stays, what it means does not.
  return recorded.class === 'unknown' || recorded.class === 'in-progress'
    ? recorded
    : outcome('99090', recorded.bankCode, recorded.bankText)
}

/** An outcome with its words. */
export const resultJson = (shown: Outcome): ResultJson => {
  const { zh, en, nextZh, nextEn } = outcomes[shown.code]
  const { code, bankCode, bankText } = shown
  return { class: shown.class, code, bankCode, ...(bankText === undefined ? {} : { bankText }), zh, en, nextZh, nextEn }
}

/** What a debit shows of its row. */
export type Shown = Omit<
  DebitView,
  'taxSystem' | 'contentHash' | 'instructionId' | 'verb' | 'booked' | 'reason' | 'orderNo' | 'voidedAt' | 'voidReason' | 'adoptedAt'
> &
  Partial<Pick<DebitView, 'voidedAt' | 'voidReason' | 'adoptedAt'>>

/** A debit of the record as JSON. */
export const debitJson = (view: Shown): DebitJson => {
  const shown = shownOutcome(view.state, view.outcome)
  return {
    ticketNo: view.ticketNo,
    state: view.state,
    officeCode: view.officeCode,
    entrustDate: view.entrustDate,
    serialNo: view.serialNo,
    bankCode: view.bankCode,
    amount: view.amount,
    ...(shown ? { result: resultJson(shown) } : {}),
    ...(view.bankSerial === undefined ? {} : { bankSerial: view.bankSerial }),
    ...(view.accountingDate === undefined ? {} : { accountingDate: view.accountingDate }),
    needsPerson: view.person,
    attempts: view.attempts,
    acceptedAt: shanghaiTime(view.acceptedAt),
    ...(view.settledAt ? { settledAt: shanghaiTime(view.settledAt) } : {}),
    ...(view.voidedAt ? { voidedAt: shanghaiTime(view.voidedAt) } : {}),
    ...(view.voidReason === undefined ? {} : { voidReason: view.voidReason }),
    ...(view.adoptedAt ? { adoptedAt: shanghaiTime(view.adoptedAt) } : {}),
  }
}

/** A debit as it was just accepted, before anybody read it back. */
export const acceptedJson = (debit: NewDebit): DebitJson =>
  debitJson({
    ...debit,
    bankSerial: undefined,
    accountingDate: undefined,
    person: false,
    attempts: debit.state === 'sent' ? 1 : 0,
    settledAt: debitMachine.isFinal(debit.state) ? debit.acceptedAt : undefined,
  })

/** A line of the feed as JSON, for the pages of the feed and for webhooks. */
export const feedJson = (view: ResultView): FeedJson => ({ seq: view.seq, verb: view.verb, ...debitJson(view), ...furtherJson(view) })

/** What a reversal or a supplementary debit says beside what every instruction says. */
export const furtherJson = ({ verb, orderNo, reason, state, booked }: Omit<ResultView, 'seq'>): FurtherJson => ({
  ...(orderNo === undefined ? {} : { orderNo }),
  ...(verb === 'debit' || verb === 'adoption' || reason === undefined ? {} : { reason }),
  ...(state === 'succeeded' ? { bookedAmount: booked } : {}),
})

/** The body of a webhook's delivery, as the reference page describes it. */
export const deliveryBody = (results: readonly ResultView[]): string => JSON.stringify({ results: results.map(feedJson) })
