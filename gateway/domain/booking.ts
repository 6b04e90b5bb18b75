import type { InstructionVerb } from './answers.ts'
import { daysAfter } from './calendar-days.ts'
import { bucketHashed, type EntryKey, hashEntry, hashed, hashKey, hashText, type PrintKey } from './fingerprint.ts'
import { accountingDay, isNearDay } from './time.ts'

/** What an entry at a bank is: the three instructions, and the bank's correction under an adjustment notice (调账, art. 35(1)). */
export type BookingVerb = InstructionVerb | 'adjustment'
/** Verbs in the order of the totals. */
export const bookingVerbs = ['debit', 'supplementaryDebit', 'reversal', 'adjustment'] as const satisfies readonly BookingVerb[]
/** What stands for a verb in a fingerprint. */
export const markOf: { readonly [V in BookingVerb]: number } = { debit: 1, supplementaryDebit: 2, reversal: 3, adjustment: 4 }
/** Where a booking comes from: a settled instruction, what two persons adopted, or a receipt for an adjustment notice. */
export type BookingSource = 'instruction' | 'adoption' | 'notice'

/** 记账分录: something the gateway has as booked at a bank. */
export type Booking = EntryKey & {
  readonly bankCode: string
  readonly accountingDate: string
  readonly verb: BookingVerb
  readonly ticketNo: string
  /** The tax side's own day. */
  readonly workDate: string
  readonly treasuryCode: string
  /** Fen, 1 or more; the verb says which way they went. */
  readonly amount: number
  readonly account: string
  readonly instructionId: number | undefined
  readonly source: BookingSource
  /** Who named the accounting date: the bank, or our clock by its contract. */
  readonly datedBy: 'bank' | 'clock'
}

/** A booking with what the sums need: the account only as its digest. */
export type PrintedBooking = Omit<Booking, 'account'> & {
  readonly bucket: number
  readonly accountDigest: Buffer
  readonly low: number
  readonly high: number
}

/** An instruction of which money moved, as the record has it. */
export type Moved = EntryKey & {
  readonly instructionId: number
  readonly verb: InstructionVerb
  readonly ticketNo: string
  readonly bankCode: string
  /** Fen that moved. */
  readonly booked: number
  readonly accountingDate: string | undefined
  readonly sentAt: Date
  readonly settledAt: Date
  /** The message to the bank as JSON, and that of the original of a reversal, which alone names the treasury. */
  readonly request: string
  readonly originalRequest: string | undefined
}

/** No bank is so far behind when it books, nor further ahead than over a holiday: such a date is a slip, and no session would ever be held of it. */
const farDays = 31
const isNear = ({ entrustDate, settledAt }: Moved, date: string): boolean =>
  date >= daysAfter(entrustDate, -farDays) && isNearDay(date, settledAt)

/** The booking of an instruction; undefined where no money moved. `dayEnd` is that of the bank's contract. */
export const bookingOf = (moved: Moved, dayEnd: string): Booking | undefined => {
  if (moved.booked === 0) return undefined
  const { officeCode, entrustDate, serialNo, bankCode, verb, ticketNo, instructionId, sentAt } = moved
  const named = moved.accountingDate !== undefined && isNear(moved, moved.accountingDate) ? moved.accountingDate : undefined
  const told = JSON.parse(moved.request) as { workDate?: string; treasuryCode?: string; account?: string }
  const original = moved.originalRequest === undefined ? {} : (JSON.parse(moved.originalRequest) as { treasuryCode?: string })
  return {
    officeCode,
    entrustDate,
    serialNo,
    bankCode,
    verb,
    ticketNo,
    instructionId,
    amount: moved.booked,
    accountingDate: named ?? accountingDay(sentAt, dayEnd),
    datedBy: named === undefined ? 'clock' : 'bank',
    workDate: told.workDate ?? entrustDate,
    treasuryCode: told.treasuryCode ?? original.treasuryCode ?? '',
    account: told.account ?? '',
    source: 'instruction',
  }
}

/** A booking under the key of the fingerprints. */
export const printed = (key: PrintKey, booking: Booking): PrintedBooking => {
  const { account, ...rest } = booking
  hashText(key, account)
  const { low: accountLow, high: accountHigh } = hashed
  const accountDigest = Buffer.alloc(8)
  accountDigest.writeUInt32LE(accountLow, 0)
  accountDigest.writeUInt32LE(accountHigh, 4)
  hashKey(key, booking)
  const bucket = bucketHashed()
  hashEntry(key, hashed.low, hashed.high, markOf[booking.verb], booking.ticketNo, booking.amount, accountLow, accountHigh)
  return { ...rest, bucket, accountDigest, low: hashed.low, high: hashed.high }
}

/** The fingerprint of an entry whose account is known by its digest only, in `hashed`. */
export const hashBooking = (
  key: PrintKey,
  entry: EntryKey & { readonly verb: BookingVerb; readonly ticketNo: string; readonly amount: number },
  digest: Buffer,
): void => {
  hashKey(key, entry)
  hashEntry(key, hashed.low, hashed.high, markOf[entry.verb], entry.ticketNo, entry.amount, digest.readUInt32LE(0), digest.readUInt32LE(4))
}

/** A hash of nothing under the key: what tells one key from another and says nothing about it. */
export const keyCheck = (key: PrintKey): Buffer => {
  hashText(key, '')
  const check = Buffer.alloc(8)
  check.writeUInt32LE(hashed.low, 0)
  check.writeUInt32LE(hashed.high, 4)
  return check
}

/** Number and fen of the entries of one verb. */
export type Total = { readonly entries: number; readonly amount: bigint }
/** 对账总数: of each verb that has entries. */
export type Totals = { readonly [V in BookingVerb]?: Total }

/** What a list of entries comes to. */
export const totalsOf = (entries: readonly { readonly verb: BookingVerb; readonly amount: number }[]): Totals => {
  const totals: { [V in BookingVerb]?: Total } = {}
  for (const { verb, amount } of entries) {
    const { entries: count, amount: sum } = totals[verb] ?? { entries: 0, amount: 0n }
    totals[verb] = { entries: count + 1, amount: sum + BigInt(amount) }
  }
  return totals
}
