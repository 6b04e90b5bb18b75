import { machine } from './machine.ts'

/** Which comparison it is: of a day that still goes on, by totals; or after the bank's day-end, by its file. */
export type SessionKind = 'intraday' | 'day-end'

/**
 * 对账场次, of one bank day. `settling`: doubts of the day are asked about first. `frozen`: the bookings that belong to it are fixed. `awaited`: the bank's
 * file is. `taken`: it is there whole, and is being matched. `matched`: its differences are written, and each is given its remedy. `balanced`: every
 * difference is explained (art. 35(4)); `differing`: not yet, or (within the day) the totals differ. A later session follows, or the same is balanced
 * when its last break is confirmed. `withdrawn`: a later session took its place before a file came.
 */
export const sessionMachine = machine('reconciliation', {
  opened: { settle: 'settling', freeze: 'frozen', withdraw: 'withdrawn' },
  settling: { freeze: 'frozen', withdraw: 'withdrawn' },
  frozen: { await: 'awaited', balance: 'balanced', differ: 'differing', withdraw: 'withdrawn' },
  awaited: { take: 'taken', withdraw: 'withdrawn' },
  taken: { match: 'matched', refuse: 'awaited' },
  matched: { balance: 'balanced', differ: 'differing' },
  differing: { balance: 'balanced' },
  balanced: {},
  withdrawn: {},
})
/** Where a session stands. */
export type SessionState = keyof typeof sessionMachine.table
/** What moves a session on. */
export type SessionEvent = 'settle' | 'freeze' | 'await' | 'take' | 'refuse' | 'match' | 'balance' | 'differ' | 'withdraw'

/** Why a second session of the last filing day is opened, on a day that has not ended: it does not stand for that day's own. */
export const beforeRemittance = '35(5): before the remittance of the last filing day'

/**
 * The last number that a session of a kind may have within its bank day: no message and no file of a bank has room for a third digit. Those within the day stop
 * earlier, so that its end is always left some.
 */
export const highestSession = { intraday: 79, 'day-end': 99 } as const satisfies { readonly [K in SessionKind]: number }

/** Times of a session, in milliseconds. */
export const sessionRules = {
  /** How long doubts that are being asked about are waited for. */
  settleMs: 600_000,
  /** And after that for a bank's totals, before its file is waited for without them. */
  totalsMs: 600_000,
  /** How often what is waited for is looked at, and how often a file. */
  lookMs: 1_000,
  fileMs: 5_000,
  /** When a round of steps ends, though there are more. */
  roundMs: 30_000,
  /** How many days back sessions are opened that nobody has opened. */
  daysBack: 7,
  /** How long after a session what has come too late for it is gathered, and how many days back such a day may lie. */
  lateMs: 1_800_000,
  lateDays: 400,
} as const
