import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Booking, keyCheck, printed, totalsOf } from '../../../gateway/domain/booking.ts'
import { buckets, hashed, hashKey, hashText, hashWords, printKeyOf } from '../../../gateway/domain/fingerprint.ts'

const key = printKeyOf(Uint8Array.from([0, 1, 2, 3, 4, 5, 6, 7]))
const hex = (): string => {
  const out = Buffer.alloc(8)
  out.writeUInt32LE(hashed.low, 0)
  out.writeUInt32LE(hashed.high, 4)
  return out.toString('hex')
}

describe('HalfSipHash-2-4 with 64 bits: the first published vectors, of the bytes 00, 01, 02 … under the key 00 … 07', () => {
  test.each(
    [
      '218d1f59b9b83cc8',
      'be552412f8387315',
      '064f39ef7c50eb57',
      'ce0f1a45f7060679',
      'd5e78a175be52ea1',
      'cb9d7c3f2f3db580',
      'ce3e91358aa2bc25',
      'ff202728b07bc684',
      'edfee820bce4858c',
      '5b51cccc13888307',
      '95b0469f06a6f2ee',
      'ae26333994ddcd48',
      '7bc71f9faef5c799',
      '5a2352d75a0c3744',
      '3bb1a870eae8e658',
      '217d0bcb4e81c902',
      '7336aad25f7bf3b5',
      '37adc0641c4c4f6a',
    ].map((expected, length) => [length, expected] as const),
  )('%i bytes', (length, expected) => {
    const words = new Int32Array(16)
    new Uint8Array(words.buffer).set(Array.from({ length }, (_, i) => i))
    hashWords(key, words, length)
    expect(hex()).toBe(expected)
  })
})

const entry = {
  officeCode: '14301020000',
  entrustDate: '2026-11-10',
  serialNo: '00000001',
  bankCode: '4301',
  accountingDate: '2026-11-10',
  verb: 'debit',
  ticketNo: '440000000000000001',
  workDate: '2026-11-10',
  treasuryCode: '1801',
  amount: 12_345,
  account: '43010000001',
  instructionId: 1,
  source: 'instruction',
  datedBy: 'bank',
} as const satisfies Booking
const printOf = (change: Partial<Booking>): string => {
  const { low, high } = printed(key, { ...entry, ...change })
  return `${low}/${high}`
}

describe('what has to be the same on both sides is in the fingerprint, and nothing else', () => {
  test.each([
    ['the office', { officeCode: '14301030000' }],
    ['the date', { entrustDate: '2026-11-11' }],
    ['the serial', { serialNo: '00000002' }],
    ['the verb', { verb: 'reversal' }],
    ['the ticket', { ticketNo: '440000000000000002' }],
    ['the amount', { amount: 12_346 }],
    ['an amount beyond 2^32 that has the same low word', { amount: 12_345 + 2 ** 32 }],
    ['the account', { account: '43010000002' }],
  ] as const)('%s', (_, change) => {
    expect(printOf(change)).not.toBe(printOf({}))
  })
  test.each([
    ['the treasury', { treasuryCode: '1802' }],
    ['the work date', { workDate: '2026-11-11' }],
    ['who named the date', { datedBy: 'clock' }],
  ] as const)('not %s', (_, change) => {
    expect(printOf(change)).toBe(printOf({}))
  })
  test('texts are not run together', () => {
    expect(printOf({ officeCode: '1', entrustDate: '23' })).not.toBe(printOf({ officeCode: '12', entrustDate: '3' }))
  })
  test('another key, other hashes', () => {
    const other = printKeyOf(Uint8Array.from([8, 1, 2, 3, 4, 5, 6, 7]))
    expect(printed(other, entry).low).not.toBe(printed(key, entry).low)
    expect(keyCheck(other).equals(keyCheck(key))).toBe(false)
  })
})

test('keys fall into the buckets evenly: of 65,536 keys no bucket has a dozen', () => {
  const counts = new Uint16Array(buckets)
  for (let i = 0; i < buckets; i++) {
    hashKey(key, { ...entry, serialNo: String(i).padStart(8, '0') })
    counts[hashed.high >>> 16]!++
  }
  expect(Math.max(...counts)).toBeLessThan(12)
})

test('a text of any length up to 60 has its own hash', () => {
  const seen = new Set<string>()
  for (let length = 0; length <= 60; length++) {
    hashText(key, '0'.repeat(length))
    seen.add(hex())
  }
  expect(seen.size).toBe(61)
})

test('totals are exact beyond 2^53', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.constantFrom('debit', 'reversal'), fc.integer({ min: 1, max: 999_999_999_999_999 }))), list => {
      const totals = totalsOf(list.map(([verb, amount]) => ({ verb, amount })))
      for (const verb of ['debit', 'reversal'] as const) {
        const own = list.filter(([v]) => v === verb)
        expect(totals[verb]?.entries ?? 0).toBe(own.length)
        expect(totals[verb]?.amount ?? 0n).toBe(own.reduce((sum, [, amount]) => sum + BigInt(amount), 0n))
      }
    }),
  )
})
