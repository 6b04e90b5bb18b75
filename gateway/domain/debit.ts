import type { Outcome, UnifiedCode } from '@taxlink/bank-sdk'
import { type BankPolicy, deliveryEnds, rung } from './bank.ts'
import { machine } from './machine.ts'
import { later } from './time.ts'

/**
 * 扣款 (art. 16, 32): `sent` means that the bank may have it; `unknown` is neither yes nor no and is inquired, never sent again blindly.
 * `accepted` after `unknown` happens only to a certified non-effect: not found after the bank's quiescence window, and a bank that dedupes.
 */
export const debitMachine = machine('debit', {
  accepted: { send: 'sent', refuse: 'refused' },
  sent: { succeed: 'succeeded', refuse: 'refused', doubt: 'unknown', undelivered: 'accepted' },
  unknown: { succeed: 'succeeded', refuse: 'refused', doubt: 'unknown', absent: 'accepted' },
  succeeded: {},
  refused: {},
})
export type DebitState = keyof typeof debitMachine.table
/** What moves a debit from one state to the next. */
export type DebitEvent = 'send' | 'succeed' | 'refuse' | 'doubt' | 'undelivered' | 'absent'

/** What came of one call to a bank. Business outcomes are values; only what kind of certainty there is decides. */
export type Answer =
  | {
      readonly kind: 'answered'
      readonly outcome: Outcome
      /** Fen the bank says it debited. */
      readonly amount: number
      readonly bankSerial?: string
      readonly accountingDate?: string
    }
  /** Certainly no byte reached the bank; `held`: because we held it back ourselves, which tells nothing of the bank. */
  | { readonly kind: 'undelivered'; readonly fault: string; readonly held?: true }
  /** Our request cannot be written in this bank's layout (too long, not in its charset): certainly nothing was sent. */
  | { readonly kind: 'unsendable'; readonly fault: string; readonly outcome: Outcome }
  /** Time-out, lost connection, unreadable or foreign answer: the outcome is unknown. */
  | { readonly kind: 'doubtful'; readonly fault: string; readonly outcome: Outcome }

/** What the rules need to know about an instruction. */
export type Standing = {
  readonly state: DebitState
  /** Fen. */
  readonly amount: number
  /** How often it was taken back to be sent again: certainly not delivered, or certainly not found. */
  readonly redeliveries: number
  /** How often the bank was asked; above 0 an earlier sending may have arrived, whatever becomes of the next one. */
  readonly inquiries: number
  /** When its bytes last left us. */
  readonly lastSentAt: Date | undefined
  readonly acceptedAt: Date
}

/** What a rule decided: the move, when to look again (undefined: never by itself), and whether a person must look. */
export type Decision = {
  readonly event: DebitEvent
  readonly state: DebitState
  readonly redeliveries: number
  readonly inquiries: number
  readonly nextAttemptAt: Date | undefined
  readonly person: boolean
  /** The outcome to record with the move, where there is one. */
  readonly outcome: Outcome | undefined
  /** Why, for the journal. */
  readonly reason: string
}

const settled = (standing: Standing, event: 'succeed' | 'refuse', outcome: Outcome, reason: string): Decision => ({
  event,
  state: event === 'succeed' ? 'succeeded' : 'refused',
  redeliveries: standing.redeliveries,
  inquiries: standing.inquiries,
  nextAttemptAt: undefined,
  person: false,
  outcome,
  reason,
})

const doubt = (
  standing: Standing,
  policy: BankPolicy,
  now: Date,
  random: number,
  outcome: Outcome | undefined,
  reason: string,
): Decision => {
  const { inquiryLadderMs: ladder } = policy
  // Asking is harmless and a bank that was away for hours comes back: past the last rung a person is told, and it goes on at that pause.
  const pause = rung(ladder, Math.min(standing.inquiries, ladder.length - 1), random) ?? 0
  return {
    event: 'doubt',
    state: 'unknown',
    redeliveries: standing.redeliveries,
    inquiries: standing.inquiries,
    nextAttemptAt: later(now, pause),
    person: standing.inquiries >= ladder.length,
    outcome,
    reason,
  }
}

/** Codes of reversals: about a debit they say nothing, whatever their class. */
const ofReversals: ReadonlySet<UnifiedCode> = new Set(['94032', '34001', '38002'])
/**
 * Refusals of a message, a line, an hour or a repetition rather than by the account. A debit sent for the first time is refused by them; in
 * answer to a question they may refuse the question, and in answer to a second sending they leave open what became of the first.
 */
const notByTheAccount: ReadonlySet<UnifiedCode> = new Set([
  '24015',
  '28001',
  '31004',
  '91005',
  '93001',
  '93002',
  '93003',
  '93004',
  '93007',
  '93013',
  '93014',
])

/** After the debit itself was called. An outcome that is not certain, or a success over another amount, is a doubt. */
export const afterDebit = (standing: Standing, answer: Answer, policy: BankPolicy, now: Date, random: number): Decision => {
  switch (answer.kind) {
    case 'undelivered': {
      const waits = answer.held && now < deliveryEnds(policy, standing.acceptedAt)
      if (waits) return heldBack(standing, policy, now, random, answer.fault)
      const pause = answer.held ? undefined : rung(policy.redeliveryLadderMs, standing.redeliveries, random)
      if (pause === undefined && standing.inquiries > 0)
        return doubt(standing, policy, now, random, undefined, `not delivered again: ${answer.fault}; an earlier sending may have arrived`)
      if (pause === undefined)
        return settled(standing, 'refuse', { class: 'refused', code: '99092', bankCode: '99092' }, `not delivered: ${answer.fault}`)
      return {
        event: 'undelivered',
        state: 'accepted',
        redeliveries: standing.redeliveries + 1,
        inquiries: standing.inquiries,
        nextAttemptAt: later(now, pause),
        person: false,
        outcome: undefined,
        reason: `not delivered: ${answer.fault}`,
      }
    }
    case 'unsendable':
      if (standing.inquiries > 0)
        return doubt(standing, policy, now, random, undefined, `cannot be written: ${answer.fault}; an earlier sending may have arrived`)
      return settled(standing, 'refuse', answer.outcome, `cannot be written for this bank: ${answer.fault}`)
    case 'doubtful':
      return doubt(standing, policy, now, random, answer.outcome, answer.fault)
    case 'answered':
      return afterOutcome(standing, answer, policy, now, random)
  }
}

/** Held back by ourselves: it keeps its rungs for a bank that was really tried, and looks again at the pace of the one it stands on. */
const heldBack = (standing: Standing, policy: BankPolicy, now: Date, random: number, fault: string): Decision => {
  const { redeliveryLadderMs: ladder } = policy
  return {
    event: 'undelivered',
    state: 'accepted',
    redeliveries: standing.redeliveries,
    inquiries: standing.inquiries,
    nextAttemptAt: later(now, rung(ladder, Math.min(standing.redeliveries, ladder.length - 1), random) ?? 0),
    person: false,
    outcome: undefined,
    reason: `not delivered: ${fault}`,
  }
}

const afterOutcome = (
  standing: Standing,
  answer: Answer & { kind: 'answered' },
  policy: BankPolicy,
  now: Date,
  random: number,
): Decision => {
  const { outcome } = answer
  if (ofReversals.has(outcome.code) || (standing.inquiries > 0 && notByTheAccount.has(outcome.code)))
    return doubt(standing, policy, now, random, outcome, `the bank answered ${outcome.code}, which does not decide the debit`)
  if (outcome.class === 'refused') return settled(standing, 'refuse', outcome, 'the bank refused')
  if (outcome.class !== 'succeeded') return doubt(standing, policy, now, random, outcome, `the bank answered ${outcome.code}`)
  if (answer.amount !== standing.amount) return doubt(standing, policy, now, random, outcome, 'the bank confirms another amount')
  return settled(standing, 'succeed', outcome, 'the bank succeeded')
}

const earlier = (at: Date | undefined, other: Date): Date => (at && at < other ? at : other)

/** After an inquiry. «Not found» is believed only after the quiescence window, and then only of a bank that dedupes by key. */
export const afterInquiry = (standing: Standing, answer: Answer, policy: BankPolicy, now: Date, random: number): Decision => {
  // A question we held back was not asked.
  if (answer.kind === 'undelivered' && answer.held) return doubt(standing, policy, now, random, undefined, `inquiry: ${answer.fault}`)
  const asked = { ...standing, inquiries: standing.inquiries + 1 }
  if (answer.kind !== 'answered') return doubt(asked, policy, now, random, undefined, `inquiry: ${answer.fault}`)
  if (answer.outcome.code !== '94054') return afterOutcome(asked, answer, policy, now, random)
  const quiet = later(standing.lastSentAt ?? now, policy.quiescenceMs)
  if (now < quiet) {
    const decision = doubt(asked, policy, now, random, answer.outcome, 'not found, inside the quiescence window')
    return { ...decision, nextAttemptAt: earlier(decision.nextAttemptAt, quiet), person: false }
  }
  if (policy.dedupe === 'by-key' && standing.redeliveries < policy.redeliveryLadderMs.length) {
    return {
      event: 'absent',
      state: 'accepted',
      redeliveries: standing.redeliveries + 1,
      inquiries: asked.inquiries,
      nextAttemptAt: now,
      person: false,
      outcome: undefined,
      reason: 'not found after the quiescence window: the same key again',
    }
  }
  return {
    ...doubt(asked, policy, now, random, answer.outcome, 'not found, and the same key may not be sent again: a person decides'),
    nextAttemptAt: undefined,
    person: true,
  }
}

/**
 * What is to be done about an instruction whose time has come. One that was sent and whose lease ran out may be at the bank: whoever held the
 * lease may have sent it and died, so it is asked about, never sent again.
 */
export const dueStep = (
  standing: Pick<Standing, 'state'> & { readonly nextAttemptAt: Date | undefined },
  now: Date,
): 'debit' | 'inquiry' | undefined => {
  if (standing.nextAttemptAt === undefined || standing.nextAttemptAt > now || debitMachine.isFinal(standing.state)) return undefined
  return standing.state === 'accepted' ? 'debit' : 'inquiry'
}
