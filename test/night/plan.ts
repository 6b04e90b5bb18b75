import type { LineOf } from '@taxlink/bank-sdk'
import type { Booking } from '../../gateway/domain/booking.ts'
import type { PrintKey } from '../../gateway/domain/fingerprint.ts'
import type { DifferenceType } from '../../gateway/domain/reconcile.ts'
import { byBucket } from './load.ts'

// A night: so many banks with so many lines each, and what is planted in them, by the number of the line.

/** How large it is; one in `every` lines differs. */
export type Night = { readonly banks: readonly string[]; readonly lines: number; readonly every: number }

/** The banks of a night; their contracts are all the same. */
export const nightBanks = ['4301', '4302', '4303', '4304', '4305', '4306'] as const
export const day = '2026-11-10'
const dayBefore = '2026-11-09'
export const printKey: PrintKey = { k0: 0x5eed, k1: 0xbed }

const kinds: readonly DifferenceType[] = [
  'amount-differs',
  'tax-only',
  'bank-only',
  'state-differs',
  'duplicate-at-bank',
  'reversed-one-side',
  'particulars-differ',
  'in-bank',
  'cut-off',
]
/** What is planted in a line; undefined: nothing. */
export const plantedAt = ({ every }: Night, n: number): DifferenceType | undefined =>
  n % every === every >> 1 ? kinds[Math.floor(n / every) % kinds.length] : undefined

const keyAt = (n: number) => ({
  officeCode: `143${String(n % 100).padStart(4, '0')}0000`,
  entrustDate: day,
  serialNo: String(Math.floor(n / 100)).padStart(8, '0'),
})
/** The key by which a finding of line `n` is named. */
export const nameAt = (n: number): string => {
  const { officeCode, serialNo } = keyAt(n)
  return `${officeCode}/${serialNo}`
}
const sharedAt = (bank: number, n: number) => ({
  ...keyAt(n),
  verb: 'debit' as const,
  ticketNo: String(440_000_000_000_000_000n + BigInt(bank) * 10_000_000n + BigInt(n)),
  account: `6222${String(n).padStart(15, '0')}`,
  amount: 1_000 + ((n * 7_919) % 9_999_991),
})

/** The bookings of the gateway. */
export const bookingsOf = function* (night: Night): Generator<Booking> {
  const order = byBucket(printKey, night.lines, keyAt)
  for (const [bank, bankCode] of night.banks.entries())
    for (const n of order) {
      const planted = plantedAt(night, n)
      if (planted === 'bank-only') continue
      yield {
        ...sharedAt(bank, n),
        bankCode,
        accountingDate: planted === 'cut-off' ? dayBefore : day,
        workDate: day,
        treasuryCode: '1801',
        instructionId: n + 1,
        source: 'instruction',
        datedBy: 'bank',
      }
    }
}

/** The lines of a bank's file. */
export const linesOf = function* (night: Night, bank: number): Generator<LineOf<'detail'>> {
  for (let i = 0; i < night.lines; i++) {
    // Every line once, in no order.
    const n = (i * 7_368_787) % night.lines
    const planted = plantedAt(night, n)
    if (planted === 'tax-only') continue
    const shared = sharedAt(bank, n)
    const line: LineOf<'detail'> = {
      ...shared,
      amount: shared.amount + (planted === 'amount-differs' ? 1 : 0),
      account: planted === 'particulars-differ' ? `${shared.account}9` : shared.account,
      taxpayerName: '长沙星城机械有限公司',
      status: planted === 'state-differs' ? 'failed' : planted === 'reversed-one-side' ? 'reversed' : 'booked',
      bankSerial: `B${String(n).padStart(12, '0')}`,
      accountingDate: day,
      coreStatus: planted === 'in-bank' ? 'missing' : 'same',
    }
    yield line
    if (planted === 'duplicate-at-bank') yield { ...line, bankSerial: `D${String(n).padStart(12, '0')}` }
  }
}
