import type { RequestOf, UnifiedCode, Verb } from '@taxlink/bank-sdk'
import type { Call, Called } from '../call.ts'
import type { BankPolicy } from '../domain/bank.ts'
import type { Answer } from '../domain/debit.ts'
import { type Bucket, fullBucket, takeToken } from '../domain/rate.ts'
import type { Reference } from '../domain/reference.ts'
import { isNearDay, later, shanghaiDate } from '../domain/time.ts'
import { type Breaker, type BreakerState, openBreaker } from './breaker.ts'
import type { Note } from './flow.ts'

/** What a process knows of a bank's health. */
export type Health = {
  readonly bankCode: string
  readonly breaker: BreakerState
  /** The latest accounting date the bank has named. */
  readonly accountingDate?: string
}

/** The guard before the banks: one breaker, one bucket and one series of link tests per bank, in this process. */
export type Guard = {
  /** Calls the bank, unless it must be spared: a send that is held back is certainly undelivered. */
  readonly call: Call
  /** Until when sends to a bank are held back; undefined: they go. */
  readonly heldUntil: (bankCode: string) => Date | undefined
  /** The latest accounting date (记账日期) the bank has named to this process, in a link test or in any other answer. */
  readonly accountingDate: (bankCode: string) => string | undefined
  /** Forgets the accounting date it has named: two persons have put it right. */
  forgetDay(bankCode: string): void
  /** Sends link tests to these banks from now on, and to no others. */
  watch(bankCodes: readonly string[]): void
  state(): Health[]
  /** Ends the link tests. */
  close(): void
}

/** What the guard stands on; time and randomness come from outside. */
export type GuardOptions = {
  readonly call: Call
  readonly reference: () => Reference
  readonly clock: () => Date
  readonly random: () => number
  readonly pause: (ms: number) => Promise<void>
  readonly note: (note: Note) => void
}

type Watched = {
  readonly breaker: Breaker
  bucket: Bucket
  accountingDate: string | undefined
  /** Whether the bank knows a link test. */
  testable: boolean
  /** Whether its series of link tests is under way. */
  tested: boolean
  /** Whether a send is at the bank as the only probe there can be. */
  probing: boolean
}

/** The longest rest of a breaker where the bank's policy names no pause between link tests. */
const longestRestMs = 60_000
/** All but the instructions: none of it is a danger to a bank that is spared, and its answer is a sign of life. */
const isQuestion = (verb: Verb): boolean => verb !== 'debit' && verb !== 'supplementaryDebit' && verb !== 'reversal'
/** Faults of our own side: they tell nothing of the bank. */
const ours: ReadonlySet<string> = new Set(['line-busy', 'held-back'])

/** By these a bank says that it cannot do its work, whatever it is asked. */
const sick: ReadonlySet<UnifiedCode> = new Set(['24006', '28002', '28003'])
/** In answer to an instruction these make it a doubt just as well; a question may be answered so by a bank that merely has no code for it. */
const doubtful: ReadonlySet<UnifiedCode> = new Set(['94999', '99090'])

/** Whether an answer is a sign of life or of sickness; undefined: of neither. What could be read is health, a refusal too, but for the codes above. */
export const healthOf = (verb: Verb, answer: Answer): boolean | undefined => {
  if (answer.kind === 'answered') return !sick.has(answer.outcome.code) && (isQuestion(verb) || !doubtful.has(answer.outcome.code))
  return answer.kind === 'unsendable' || ours.has(answer.fault) ? undefined : false
}

/** Opens the guard over `call`. */
export const openGuard = (options: GuardOptions): Guard => {
  const { clock, pause, random, note } = options
  const banks = new Map<string, Watched>()
  let watched: ReadonlySet<string> = new Set()
  let closed = false
  let series = 0
  const policyOf = (bankCode: string): BankPolicy | undefined => options.reference().banks.get(bankCode)?.policy
  const bankOf = (bankCode: string): Watched => {
    const known = banks.get(bankCode)
    if (known) return known
    const bank: Watched = {
      breaker: openBreaker(() => policyOf(bankCode)?.linkTestMs ?? longestRestMs),
      bucket: fullBucket,
      accountingDate: undefined,
      testable: true,
      tested: false,
      probing: false,
    }
    banks.set(bankCode, bank)
    return bank
  }

  /** Whether a send may pass an open breaker: only where nothing else could ever close it, and then one at a time. */
  const isOnlyProbe = (bankCode: string, bank: Watched, now: Date): boolean =>
    !closed && !(bank.testable && watched.has(bankCode)) && !bank.probing && bank.breaker.stateAt(now) === 'half-open'

  const call: Call = async (bankCode, verb, request, timeoutMs, maySend) => {
    const bank = bankOf(bankCode)
    const asks = isQuestion(verb)
    const now = clock()
    const only = !asks && isOnlyProbe(bankCode, bank, now)
    const isOpen = () => !asks && !only && bank.breaker.stateAt(clock()) !== 'closed'
    if (isOpen()) return heldBack(broken)
    // Before it waits for its turn: another one that waits is no second probe.
    if (only) bank.probing = true
    try {
      const perSecond = policyOf(bankCode)?.perSecond
      let left = timeoutMs
      if (perSecond !== undefined) {
        // Half of the time it may take: what is left must do for the bank.
        const turn = takeToken(bank.bucket, perSecond, now, timeoutMs / 2)
        if (!turn) return heldBack('the rate agreed with this bank is used up')
        bank.bucket = turn.bucket
        left -= turn.waitMs
        if (turn.waitMs > 0) await pause(turn.waitMs)
        if (isOpen()) return heldBack(broken)
      }
      const begun = bank.breaker.begin(clock())
      const called = await options.call(bankCode, verb, request, left, maySend)
      hear(bankCode, bank, verb, only, begun, called)
      return called
    } finally {
      if (only) bank.probing = false
    }
  }

  const hear = (
    bankCode: string,
    bank: Watched,
    verb: Verb,
    isProbe: boolean,
    begun: ReturnType<Breaker['begin']>,
    { answer }: Called,
  ): void => {
    const day = answer.kind === 'answered' ? answer.accountingDate : undefined
    if (day !== undefined && isNearDay(day, clock()) && day > (bank.accountingDate ?? '')) bank.accountingDate = day
    const healthy = healthOf(verb, answer)
    if (healthy === undefined) return
    // While instructions go well, a bank that answers questions so is not taken from them for that.
    if (!healthy && answer.kind === 'answered' && isQuestion(verb) && bank.breaker.stateAt(clock()) === 'closed') return
    const changed = bank.breaker.heard(isQuestion(verb) || isProbe ? 'question' : 'send', healthy, begun, clock())
    if (changed === undefined) return
    note({
      event: `breaker-${changed}`,
      bankCode,
      ...(answer.kind === 'answered' ? { code: answer.outcome.code } : { fault: answer.fault }),
    })
    if (changed === 'opened') void probe(bankCode, bank)
  }

  /** One link test; false where the bank knows none. */
  const test = async (bankCode: string, bank: Watched): Promise<boolean> => {
    const policy = policyOf(bankCode)
    const request = linkTestOf(options.reference(), clock(), ++series)
    if (!policy || !request || !bank.testable) return false
    const started = clock()
    const { answer } = await call(bankCode, 'linkTest', request, policy.timeoutMs)
    bank.testable = answer.kind !== 'unsendable'
    note({
      event: 'link-test',
      bankCode,
      ms: clock().getTime() - started.getTime(),
      ...(answer.kind === 'answered' ? { code: answer.outcome.code } : { fault: answer.fault }),
    })
    return bank.testable
  }

  /** After a rest a link test; one that fails begins the next rest, and with it the next probe. */
  const probe = async (bankCode: string, bank: Watched): Promise<void> => {
    const until = bank.breaker.restsUntil()
    if (!until) return
    do {
      // Processes that lost the same bank at the same moment do not come back to it at the same moment.
      await pause(Math.max(100, until.getTime() - clock().getTime()) * (1 + 0.2 * random()))
      if (!watched.has(bankCode) || bank.breaker.restsUntil() !== until) return
      await test(bankCode, bank)
      // One that told nothing, because our own line was full, is made again.
    } while (bank.testable && bank.breaker.restsUntil() === until)
  }

  /** Link tests while the bank is well; while its breaker is open the probes do it. */
  const testAlways = async (bankCode: string, bank: Watched): Promise<void> => {
    for (;;) {
      const everyMs = policyOf(bankCode)?.linkTestMs
      if (everyMs === undefined) return
      await pause(everyMs * (0.8 + 0.4 * random()))
      if (!watched.has(bankCode)) return
      if (bank.breaker.stateAt(clock()) === 'closed' && !(await test(bankCode, bank))) return
    }
  }

  return {
    call,
    heldUntil: bankCode => {
      const bank = banks.get(bankCode)
      const now = clock()
      if (!bank || isOnlyProbe(bankCode, bank, now)) return undefined
      const until = bank.breaker.restsUntil()
      // Half-open, a question decides, and may take as long as any call: before that, looking again is idle.
      return until && bank.breaker.stateAt(now) === 'half-open' ? later(now, policyOf(bankCode)?.timeoutMs ?? longestRestMs) : until
    },
    accountingDate: bankCode => banks.get(bankCode)?.accountingDate,
    forgetDay: bankCode => {
      const bank = banks.get(bankCode)
      if (bank) bank.accountingDate = undefined
    },
    watch: bankCodes => {
      const before = watched
      watched = new Set(bankCodes)
      for (const bankCode of watched) {
        const bank = bankOf(bankCode)
        // One that opened while nobody watched is probed from now on, or nothing would ever close it.
        if (!before.has(bankCode) && bank.breaker.restsUntil()) void probe(bankCode, bank)
        if (bank.tested) continue
        bank.tested = true
        bank.testable = true
        void testAlways(bankCode, bank).finally(() => {
          bank.tested = false
        })
      }
    },
    state: () =>
      [...banks].map(([bankCode, { breaker, accountingDate }]) => ({
        bankCode,
        breaker: breaker.stateAt(clock()),
        ...(accountingDate === undefined ? {} : { accountingDate }),
      })),
    close: () => {
      closed = true
      watched = new Set()
    },
  }
}

const broken = 'the breaker of this bank is open'
const heldBack = (why: string): Called => ({
  answer: { kind: 'undelivered', fault: 'held-back', held: true },
  transcript: JSON.stringify({ fault: 'held-back', why }),
})

/** A link test's key is its own: any office, the day, and the millisecond of the day moved on by one each time. */
const linkTestOf = (reference: Reference, now: Date, n: number): RequestOf<'linkTest'> | undefined => {
  const [officeCode] = reference.offices.keys()
  if (officeCode === undefined) return undefined
  const day = shanghaiDate(now)
  return { officeCode, entrustDate: day, serialNo: String((now.getTime() + n) % 100_000_000).padStart(8, '0'), workDate: day }
}

/** When a send that is held back is looked at again: after the rest, spread so that not all come at once. */
export const lookAgain = (now: Date, heldUntil: Date, random: number): Date => {
  const restMs = Math.max(0, heldUntil.getTime() - now.getTime())
  return later(now, restMs + Math.max(500, restMs / 2) * random)
}
