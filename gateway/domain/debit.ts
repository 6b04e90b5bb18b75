import type { Outcome } from '@taxlink/bank-sdk'
import { type Asked, type InstructionVerb, proofOf, sameAmount } from './answers.ts'
import { type BankPolicy, deliveryEnds, rung } from './bank.ts'
import { machine } from './machine.ts'
import { accountingDay, dayHasEnded, later } from './time.ts'

/**
 * 扣款, 补充划缴 and 冲正 (art. 16, 32, 35) walk the same states: `sent` means that the bank may have it; `unknown` is neither yes nor no and is
 * inquired, never sent again blindly. `accepted` after `unknown` happens only to a certified non-effect: not found after the bank's quiescence
 * window, and a bank that dedupes.
 */
export const debitMachine = machine('debit', {
  // What may not be sent again after all is asked about once more.
  accepted: { send: 'sent', refuse: 'refused', doubt: 'unknown' },
  sent: { succeed: 'succeeded', refuse: 'refused', doubt: 'unknown', undelivered: 'accepted' },
  unknown: { succeed: 'succeeded', refuse: 'refused', doubt: 'unknown', absent: 'accepted' },
  succeeded: {},
  refused: {},
})
export type DebitState = keyof typeof debitMachine.table
/** Whether nothing leads out of it. */
export const isFinal = (state: DebitState): boolean => debitMachine.isFinal(state)
/** What moves an instruction from one state to the next. */
export type DebitEvent = 'send' | 'succeed' | 'refuse' | 'doubt' | 'undelivered' | 'absent'

/** What came of one call to a bank. Business outcomes are values; only what kind of certainty there is decides. */
export type Answer =
  | {
      readonly kind: 'answered'
      readonly outcome: Outcome
      /** Fen the bank says it moved. */
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
  readonly verb: InstructionVerb
  readonly state: DebitState
  /** Fen. */
  readonly amount: number
  /** How often it was taken back to be sent again: certainly not delivered, or certainly not found. */
  readonly redeliveries: number
  /** How often the bank was asked; above 0 an earlier sending may have arrived, whatever becomes of the next one. */
  readonly inquiries: number
  /** When it was last claimed to be sent, and by when its bytes had left us at the latest. */
  readonly lastSentAt: Date | undefined
  readonly leftBy?: Date | undefined
  readonly acceptedAt: Date
  /** A reversal made by the gateway itself, to leave a tombstone in place of an original that is in doubt. */
  readonly inDoubt?: boolean
  /** No debit goes there, be it the second time: the bank has lost its agency (art. 31), or the agreement lets nothing pass (annex 2 §§4, 12). */
  readonly isBarred?: boolean
  /** A reversal of all that was debited: a bank that keeps tombstones makes it once, however often it is asked. */
  readonly whole?: boolean
}

/**
 * What a decision means for another row, written in the same transaction. `tombstone`: its reversal is to be sent first, and it waits for that.
 * `original-zero`, `original-person`: what a tombstone proved, or left open, about its original.
 */
export type Effect = 'tombstone' | 'original-zero' | 'original-person'

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
  readonly effect?: Effect
  /** Refused though nothing of it ever left: its bank could not be reached, or it cannot be written for it. */
  readonly neverSent?: true
  /** Fen that have moved, where that is not the amount asked for. */
  readonly booked?: number
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
  ...(standing.inDoubt ? { effect: event === 'succeed' ? 'original-zero' : 'original-person' } : {}),
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

/** After the instruction itself was sent. An outcome that is not certain, or a success over another amount, is a doubt. */
export const afterSend = (standing: Standing, answer: Answer, policy: BankPolicy, now: Date, random: number): Decision => {
  switch (answer.kind) {
    case 'undelivered': {
      const waits = answer.held && now < deliveryEnds(policy, standing.acceptedAt)
      if (waits) return heldBack(standing, policy, now, random, answer.fault)
      // What waited longer than that has not been tried once: a halt, an outage of ours, an original in doubt. It has its rungs still.
      const pause = rung(policy.redeliveryLadderMs, standing.redeliveries, random)
      if (pause === undefined && standing.inquiries > 0)
        return doubt(standing, policy, now, random, undefined, `not delivered again: ${answer.fault}; an earlier sending may have arrived`)
      if (pause === undefined)
        return {
          ...settled(standing, 'refuse', { class: 'refused', code: '99092', bankCode: '99092' }, `not delivered: ${answer.fault}`),
          neverSent: true,
        }
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
      return { ...settled(standing, 'refuse', answer.outcome, `cannot be written for this bank: ${answer.fault}`), neverSent: true }
    case 'doubtful':
      return doubt(standing, policy, now, random, answer.outcome, answer.fault)
    case 'answered':
      return afterOutcome(standing, standing.inquiries > 0 ? 'again' : 'first', answer, policy, now, random)
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
  asked: Asked,
  answer: Answer & { kind: 'answered' },
  policy: BankPolicy,
  now: Date,
  random: number,
): Decision => {
  const { outcome } = answer
  switch (proofOf(standing.verb, outcome, asked, policy.dedupe === 'by-key')) {
    case 'doubt':
      return doubt(standing, policy, now, random, outcome, `the bank answered ${outcome.code}, which does not decide the ${standing.verb}`)
    case 'refused':
      return settled(standing, 'refuse', outcome, 'the bank refused')
    case 'no-original':
      return afterNoOriginal(standing, outcome, policy, now, random)
    case 'done':
      if (!sameAmount(standing.amount, outcome, answer.amount, standing.whole === true || asked === 'inquiry'))
        return doubt(standing, policy, now, random, outcome, 'the bank confirms another amount')
      return settled(standing, 'succeed', outcome, 'the bank succeeded')
  }
}

/**
 * The bank has no original to reverse. Of an original in doubt that is the proof wanted, where the bank keeps a tombstone: nothing was booked, and
 * nothing will be. Of one that the bank itself had confirmed it is a riddle, and a person's.
 */
const afterNoOriginal = (standing: Standing, outcome: Outcome, policy: BankPolicy, now: Date, random: number): Decision => {
  if (!standing.inDoubt || !policy.tombstones)
    return {
      ...doubt(standing, policy, now, random, outcome, 'the bank does not know the original'),
      nextAttemptAt: undefined,
      person: true,
    }
  const { bankCode, bankText } = outcome
  const nothing: Outcome = { class: 'succeeded', code: '90000', bankCode, ...(bankText === undefined ? {} : { bankText }) }
  return { ...settled(standing, 'succeed', nothing, 'the bank keeps a tombstone'), booked: 0 }
}

const earlier = (at: Date | undefined, other: Date): Date => (at && at < other ? at : other)

/**
 * After an inquiry that was put at `askedAt`. A bank that knows no inquiries is not asked: for it only time passes, until the window is over.
 */
export const afterInquiry = (
  standing: Standing,
  answer: Answer,
  policy: BankPolicy,
  now: Date,
  random: number,
  askedAt: Date = now,
): Decision => {
  // A question we held back was not asked.
  if (answer.kind === 'undelivered' && answer.held) return doubt(standing, policy, now, random, undefined, `inquiry: ${answer.fault}`)
  const asked = { ...standing, inquiries: standing.inquiries + 1 }
  if (!policy.inquiry) return afterNotFound(asked, undefined, policy, now, random, askedAt, 'the bank cannot be asked')
  if (answer.kind !== 'answered') return doubt(asked, policy, now, random, undefined, `inquiry: ${answer.fault}`)
  if (answer.outcome.code !== '94054') return afterOutcome(asked, 'inquiry', answer, policy, now, random)
  return afterNotFound(asked, answer.outcome, policy, now, random, askedAt, 'not found')
}

/** «Not found» is believed only after the quiescence window, and then only as far as the bank's class goes. */
const afterNotFound = (
  standing: Standing,
  outcome: Outcome | undefined,
  policy: BankPolicy,
  now: Date,
  random: number,
  askedAt: Date,
  why: string,
): Decision => {
  const { verb, lastSentAt = now, leftBy = lastSentAt } = standing
  const undecided = (reason: string): Decision => doubt(standing, policy, now, random, outcome, reason)
  const quiet = later(leftBy, policy.quiescenceMs)
  // The answer may have been under way for any time: it tells how things stood when the bank was asked.
  if (askedAt < quiet) {
    const decision = undecided(`${why}, inside the quiescence window`)
    return { ...decision, nextAttemptAt: earlier(decision.nextAttemptAt, quiet), person: false }
  }
  if (policy.inquiry && mayRepeat(standing, policy) && mayGoAgain(standing, policy, now)) {
    return {
      event: 'absent',
      state: 'accepted',
      redeliveries: standing.redeliveries + 1,
      inquiries: standing.inquiries,
      nextAttemptAt: now,
      person: false,
      outcome: undefined,
      reason: `${why} after the quiescence window: the same key again`,
    }
  }
  const wait = (reason: string, person: boolean): Decision => ({ ...undecided(`${why}, ${reason}`), nextAttemptAt: undefined, person })
  if (verb !== 'reversal' && policy.dedupe === 'tombstone') {
    if (!isOfAnotherDay(lastSentAt, policy, now)) return { ...wait('a reversal first, for its tombstone', false), effect: 'tombstone' }
    return wait('and the bank’s day has ended: a person decides', true)
  }
  return wait('and the same key may not be sent again: a person decides', true)
}

/** art. 35(1): a reversal on another accounting day could cross with the bank's own corrections. */
const isOfAnotherDay = (sentAt: Date, { dayEnd }: BankPolicy, now: Date): boolean =>
  dayHasEnded(accountingDay(sentAt, dayEnd), dayEnd, undefined, now)

/**
 * Whether what was sent before may be sent again as things stand now: a reversal only on the bank's same day (art. 35(1)), a debit only to a bank that has
 * its agency still (art. 31) and under an agreement that is not stopped (annex 2 §4). Else it is asked about once more, and then is a person's.
 */
export const mayGoAgain = (
  { verb, lastSentAt, isBarred }: Pick<Standing, 'verb' | 'lastSentAt' | 'isBarred'>,
  policy: BankPolicy,
  now: Date,
): boolean => (verb === 'reversal' ? lastSentAt === undefined || !isOfAnotherDay(lastSentAt, policy, now) : isBarred !== true)

/** The same key again: to a bank that dedupes, or a whole reversal to one that keeps its originals' state. */
const mayRepeat = ({ verb, whole, redeliveries }: Standing, policy: BankPolicy): boolean =>
  redeliveries < policy.redeliveryLadderMs.length &&
  (policy.dedupe === 'by-key' || (verb === 'reversal' && whole === true && policy.tombstones))

/**
 * What is to be done about an instruction whose time has come. One that was sent and whose lease ran out may be at the bank: whoever held the
 * lease may have sent it and died, so it is asked about, never sent again.
 */
export const dueStep = (
  standing: Pick<Standing, 'verb' | 'state'> & { readonly nextAttemptAt: Date | undefined },
  now: Date,
): InstructionVerb | 'inquiry' | undefined => {
  if (standing.nextAttemptAt === undefined || standing.nextAttemptAt > now || debitMachine.isFinal(standing.state)) return undefined
  return standing.state === 'accepted' ? standing.verb : 'inquiry'
}
