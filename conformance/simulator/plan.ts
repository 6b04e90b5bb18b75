import { fail, type Verb, verbs } from '@taxlink/bank-sdk'

/**
 * What a simulated bank can do wrong, or slowly. Money follows the ledger in every case; only the answer, or its time, is spoilt.
 * `after-booking`: the bank books and the caller does not learn of it. `before-booking`: the request is lost, nothing is booked.
 */
export const deeds = [
  'normal',
  /** Books at once, answers after `ms`: choose it within the time-out. */
  'slow',
  /** Books at once, answers after `ms`: choose it beyond the time-out. */
  'late',
  /** Books only after `ms`, then answers: an inquiry in between truly finds nothing, and is wrong about the end. */
  'late-booking',
  'silent-after-booking',
  'silent-before-booking',
  'drop-after-booking',
  'drop-before-booking',
  /** Answers 99091 at once and books after `ms`. */
  'in-progress-then-done',
  /** Takes a binding in (99091), decides it after `ms`, and never tells: the gateway must ask. */
  'decided-in-silence',
  /** Takes a binding in (99091), decides it after `ms`, and tells it twice. */
  'told-twice',
  /** Books and answers with a result code that is in no table. */
  'unlisted-code',
  /** Books once and answers twice. */
  'duplicate-answer',
  /** Books and answers with the serial number of another instruction. */
  'wrong-key',
  /** Books and answers, in a good frame, with bytes that are no message. */
  'garbage',
  /** Books and writes bytes on the line that are no frame. */
  'noise',
  // The deeds that lie: what art. 35 is about.
  /** Books only `fen` of what was asked, 0: nothing, and says that it took all. */
  'under-booking',
  /** Books `fen` more than was asked, and says that it took what was asked. */
  'over-booking',
  /** Books the same twice, and says so of one. */
  'booked-twice',
  /** Books under the next accounting date, and tells the present one. */
  'next-day-booking',
  /** Books, gives it back of its own accord, and says only that it has booked. */
  'taken-back',
  /** Books and says that it has refused. */
  'refused-after-booking',
  /** Remits a summary voucher `fen` short, and tells so; the treasury enters what has come. */
  'short-remittance',
] as const
export type Deed = (typeof deeds)[number]

/** Which requests a rule is for: all of what is given must hold. */
export type When = {
  /** The verb; `debit` and `supplementaryDebit` unless told, so that inquiries and reversals tell the truth. */
  readonly verb?: Verb
  /** The last digits of the ticket number. */
  readonly ticketNo?: string
  readonly account?: string
  /** The last characters of the agreement number. */
  readonly agreementNo?: string
  /** The key `officeCode/entrustDate/serialNo`. */
  readonly key?: string
  /** The nth request of the verb, from 1. */
  readonly nth?: number
  /** Each nth request of the verb. */
  readonly every?: number
}
/** One planned behaviour. The first rule that holds is taken; once it has been used up for a key, the bank is normal again. */
export type Rule = {
  readonly when?: When
  readonly do: Deed
  /** Milliseconds, where the deed takes time; 0 unless told. */
  readonly ms?: number
  /** Fen, where the deed books another amount; 0 unless told. */
  readonly fen?: number
  /** How often for one key; once unless told. */
  readonly times?: number
}

/** What a plan looks at. */
export type Seen = {
  readonly verb: Verb
  readonly key: string
  readonly ticketNo: string
  readonly account?: string
  readonly agreementNo?: string
}

/** Planned behaviour as data: deterministic in the order of the requests. */
export class Plan {
  readonly rules: readonly Rule[]
  readonly #seen = new Map<Verb, number>()
  readonly #used: Map<string, number>[]

  constructor(rules: readonly Rule[] = []) {
    for (const [at, rule] of rules.entries()) check(rule, at)
    this.rules = rules
    this.#used = rules.map(() => new Map())
  }

  /** The rule for this request, counted as used; undefined: behave. */
  next(seen: Seen): Rule | undefined {
    if (this.rules.length === 0) return undefined
    const nth = (this.#seen.get(seen.verb) ?? 0) + 1
    this.#seen.set(seen.verb, nth)
    for (const [at, rule] of this.rules.entries()) {
      if (!holds(rule.when ?? {}, seen, nth)) continue
      const used = this.#used[at]!.get(seen.key) ?? 0
      if (used >= (rule.times ?? 1)) continue
      this.#used[at]!.set(seen.key, used + 1)
      return rule.do === 'normal' ? undefined : rule
    }
    return undefined
  }
}

const holds = (when: When, seen: Seen, nth: number): boolean =>
  (when.verb === undefined ? seen.verb === 'debit' || seen.verb === 'supplementaryDebit' : when.verb === seen.verb) &&
  (when.ticketNo === undefined || seen.ticketNo.endsWith(when.ticketNo)) &&
  (when.account === undefined || when.account === seen.account) &&
  (when.agreementNo === undefined || seen.agreementNo?.endsWith(when.agreementNo) === true) &&
  (when.key === undefined || when.key === seen.key) &&
  (when.nth === undefined || when.nth === nth) &&
  (when.every === undefined || nth % when.every === 0)

const count = (value: unknown, from: number): boolean => value === undefined || (Number.isSafeInteger(value) && Number(value) >= from)

// A plan comes from a file or over the control port: a rule that can never hold must not look like a bank that behaves.
const check = (rule: Rule, at: number): void => {
  const wrong = (what: string): never => fail('bad-value', `rule ${at + 1} of the plan: ${what}`)
  if (!deeds.includes(rule.do)) wrong(`"do" must be one of ${deeds.join(', ')}`)
  if (!count(rule.ms, 0) || !count(rule.fen, 0) || !count(rule.times, 1)) wrong('"ms", "fen" and "times" are whole numbers')
  const { verb, ticketNo, account, agreementNo, key, nth, every, ...other } = rule.when ?? {}
  if (Object.keys(other).length > 0) wrong('"when" knows verb, ticketNo, account, agreementNo, key, nth and every')
  if (verb !== undefined && !verbs.includes(verb)) wrong(`"verb" must be one of ${verbs.join(', ')}`)
  if (!count(nth, 1) || !count(every, 1)) wrong('"nth" and "every" count from 1')
  if ([ticketNo, account, agreementNo, key].some(text => text !== undefined && typeof text !== 'string'))
    wrong('ticketNo, account, agreementNo and key are texts')
}
