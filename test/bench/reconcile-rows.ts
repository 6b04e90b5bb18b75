import type { LineOf } from '@taxlink/bank-sdk'
import type { Booking } from '../../gateway/domain/booking.ts'
import type { PrintKey } from '../../gateway/domain/fingerprint.ts'

// The entries of the bench, by their number: those of the ledger, those of the bank's file, and which of them differ.

export const bankCode = '4301'
export const day = '2026-11-10'
export const printKey: PrintKey = { k0: 0x5eed, k1: 0xc0ffee }

/** One in a thousand differs: missing at the bank, missing here, or of another amount. */
const every = 3_000
export const isOurs = (n: number): boolean => n % every !== 2_001
export const isAtBank = (n: number): boolean => n % every !== 1
const isOther = (n: number): boolean => n % every === 1_001
/** How many of so many differ. */
export const differs = (count: number): number =>
  [1, 1_001, 2_001].reduce((sum, at) => sum + (count > at ? Math.floor((count - at - 1) / every) + 1 : 0), 0)

const keyAt = (n: number) => ({
  officeCode: `143${String(n % 100).padStart(4, '0')}0000`,
  entrustDate: day,
  serialNo: String(Math.floor(n / 100)).padStart(8, '0'),
})
const amountAt = (n: number): number => 1_000 + ((n * 7_919) % 9_999_991)
const sharedAt = (n: number) => ({
  ...keyAt(n),
  verb: 'debit' as const,
  ticketNo: String(440_000_000_000_000_000n + BigInt(n)),
  account: `6222${String(n).padStart(15, '0')}`,
})
export const bookingAt = (n: number): Booking => ({
  ...sharedAt(n),
  amount: amountAt(n),
  bankCode,
  accountingDate: day,
  workDate: day,
  treasuryCode: '1801',
  instructionId: n + 1,
  source: 'instruction',
  datedBy: 'bank',
})
export const lineAt = (n: number): LineOf<'detail'> => ({
  ...sharedAt(n),
  amount: amountAt(n) + (isOther(n) ? 1 : 0),
  status: 'booked',
  bankSerial: `XJ${String(n).padStart(12, '0')}`,
  accountingDate: day,
  taxpayerName: '长沙星城机械有限公司',
})
