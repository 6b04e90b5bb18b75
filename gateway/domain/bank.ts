import type { CityState, QualificationState } from './qualification.ts'
import { later, shanghaiDate } from './time.ts'

/**
 * What a bank has promised in its contract; data of the registry, not code of the adapter.
 * The rules of doubt are decided by these figures alone.
 */
export type BankPolicy = {
  /**
   * `by-key`: the bank is certified to answer the same key with its first decision, refusals included, and never to book it twice; only then may
   * the same key be sent again. `tombstone`: what it does not know is reversed first, and it refuses the original for ever after. `none`: neither;
   * a person decides.
   */
  readonly dedupe: 'by-key' | 'tombstone' | 'none'
  /** Whether it can be asked what became of an instruction. */
  readonly inquiry: boolean
  /** Which reversals it makes (art. 35(1)): of a part, too, of the whole only, or none. */
  readonly reversal: 'any' | 'whole-only' | 'none'
  /** Whether a reversal of what it does not have keeps the original out for ever: a late one is refused with 24020. */
  readonly tombstones: boolean
  /** 日终: its end of day, `HH:MM` in the province, at most `24:00`; a debit of that accounting day cannot be reversed afterwards (art. 35(1)). */
  readonly dayEnd: string
  /**
   * How long after sending a request may still be booked; before that «not found» proves nothing. It covers the bank's own queues and the
   * network's: bytes in a broken connection may be delivered minutes later.
   */
  readonly quiescenceMs: number
  /** Pauses between inquiries, the first soon, then growing; after the last a person is told, and asking goes on at the last pause. */
  readonly inquiryLadderMs: readonly number[]
  /** Pauses between attempts that certainly were not delivered; after the last the debit is refused as not sent. */
  readonly redeliveryLadderMs: readonly number[]
  /** How long an answer is waited for. */
  readonly timeoutMs: number
  /** Instructions under way at once from one process: one slow bank never takes the others' places. */
  readonly concurrency: number
  /** Persistent connections, and requests under way on each (TCP). */
  readonly connections: number
  readonly pipeline: number
  /** Requests a second from one process, with a second's worth at once; without it there is no bound. */
  readonly perSecond?: number
  /** Pause between link tests (连接测试); also the longest rest of a breaker that opened. Without it there are link tests only to close a breaker. */
  readonly linkTestMs?: number
}

/** When the bank's window is over for what was claimed at `sentAt`: it leaves within its time-out of that. Until then «not booked» proves nothing. */
export const quietFrom = ({ timeoutMs, quiescenceMs }: Pick<BankPolicy, 'timeoutMs' | 'quiescenceMs'>, sentAt: Date): Date =>
  later(sentAt, timeoutMs + quiescenceMs)

/** 停用: two persons have stopped a bank; it gets no debits until two persons resume it. What may be there already is still asked about. */
export type Halt = {
  /** Told to whoever orders a debit. */
  readonly reason: string
  readonly since: Date
  readonly proposedBy: string
  readonly approvedBy: string
}

/** A contract that is over. */
export type EarlierContract = { readonly until: string; readonly policy: BankPolicy }

/** A bank of the province as reference data and registry hold it. */
export type BankEntry = {
  readonly code: string
  readonly name: string
  /** The contract in force. */
  readonly policy: BankPolicy
  /** Contracts that were in force before it, each until a day (`YYYY-MM-DD`) on which another came. */
  readonly earlier?: readonly EarlierContract[]
  /** 资格: how the province stands to it (art. 27, 31); undefined where it never applied. */
  readonly province: QualificationState | undefined
  /** How the cities stand to it, by the office of the city (art. 29(5), 31). */
  readonly cities: ReadonlyMap<string, CityState>
  /** The last day of the information centre’s certificate; that it is over takes no agency away (art. 31), but nothing new rests on it. */
  readonly certificateValidTo?: string | undefined
  /** Where it is halted at present. */
  readonly halt?: Halt
}

/**
 * What the contract of today and all that were in force since something was sent (undefined: it never was) promise of it together: the longest window, and no
 * repetition or tombstone that one of them does not know. A bank whose contract got better is no better at what it was sent before. All else is as of today.
 */
export const promised = ({ policy, earlier = [] }: Pick<BankEntry, 'policy' | 'earlier'>, sentAt: Date | undefined): BankPolicy => {
  const day = sentAt && shanghaiDate(sentAt)
  return earlier.reduce((of, { until, policy: then }) => (day !== undefined && day <= until ? bothPromise(of, then) : of), policy)
}

const bothPromise = (now: BankPolicy, then: BankPolicy): BankPolicy => ({
  ...now,
  dedupe: now.dedupe === then.dedupe ? now.dedupe : 'none',
  tombstones: now.tombstones && then.tombstones,
  quiescenceMs: Math.max(now.quiescenceMs, then.quiescenceMs),
  timeoutMs: Math.max(now.timeoutMs, then.timeoutMs),
})

/**
 * Until when what the gateway itself holds back (breaker, rate) takes no rung: the whole time of the redelivery ladder. From then on it does, so
 * that the tax side gets its answer at the latest after twice the time in which a bank is given up that cannot be reached.
 */
export const deliveryEnds = (policy: BankPolicy, acceptedAt: Date): Date =>
  new Date(policy.redeliveryLadderMs.reduce((sum, pause) => sum + pause, acceptedAt.getTime()))

/** The pause on the n-th rung (0-based) with a jitter of ±20 %, or undefined past the last; `random` in [0, 1). */
export const rung = (ladderMs: readonly number[], n: number, random: number): number | undefined => {
  const pause = ladderMs[n]
  return pause === undefined ? undefined : Math.round(pause * (0.8 + 0.4 * random))
}
