import { expect, test } from 'vitest'
import { bucketHashed, buckets, hashKey } from '../../../gateway/domain/fingerprint.ts'
import { openCensus, wantedLines } from '../../../gateway/domain/match.ts'
import { type Line, partsOf } from '../detail-lines.ts'

const key = { k0: 5, k1: 6 }
const at = { bankCode: '4301', accountingDate: '2026-11-10', session: 1 }
const lineAt = (n: number, change: Partial<Line> = {}): Line => ({
  officeCode: '14301020000',
  entrustDate: at.accountingDate,
  serialNo: String(n).padStart(8, '0'),
  verb: 'debit',
  ticketNo: String(440_000_000_000_000_000n + BigInt(n)),
  amount: 100,
  account: '4301',
  status: 'booked',
  bankSerial: `S${n}`,
  coreStatus: undefined,
  ...change,
})

test('a line is wanted for its bucket, and for what it reverses', () => {
  const lines = [
    lineAt(1, { status: 'reversed' }),
    lineAt(2),
    lineAt(3, { verb: 'reversal', original: { entrustDate: at.accountingDate, serialNo: '00000001' } }),
    lineAt(4),
  ]
  const census = openCensus(key)
  for (const part of partsOf(lines, at)) census.take(part)
  const { traces } = census.end()
  const wanted = new Uint8Array(buckets)
  hashKey(key, lines[0]!)
  wanted[bucketHashed()] = 1
  const all = lines.map((_, i) => i + 1)
  expect(all.filter(wantedLines(traces, wanted))).toEqual([1, 3])
  expect(wantedLines(traces, new Uint8Array(buckets))(traces.bucketOf.length)).toBe(true)
})
