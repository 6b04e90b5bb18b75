import { describe, expect, test } from 'vitest'
import {
  type BankEntry,
  classify,
  type Difference,
  type Elsewhere,
  entryName,
  lonelyKeys,
  type TaxEntry,
} from '../../../gateway/domain/reconcile.ts'

// The typing of differences, cell by cell.

const key = { officeCode: '14301020000', entrustDate: '2026-11-10', serialNo: '00000001' }
const tax = (change: Partial<TaxEntry> = {}): TaxEntry => ({
  ...key,
  verb: 'debit',
  ticketNo: '440000000000000001',
  amount: 100,
  accountDigest: 'aa',
  instructionId: 7,
  datedBy: 'bank',
  ...change,
})
const bank = (change: Partial<BankEntry> = {}): BankEntry => ({
  ...key,
  verb: 'debit',
  ticketNo: '440000000000000001',
  amount: 100,
  status: 'booked',
  bankSerial: 'B1',
  coreStatus: undefined,
  accountDigest: 'aa',
  lineNo: 1,
  ...change,
})
const refused = { id: 9, state: 'refused', bankCode: '4301', ticketNo: '440000000000000001' } as const
const none: Elsewhere = {}
const find = (theirs: readonly BankEntry[], ours: readonly TaxEntry[], elsewhere = none, reversed: readonly string[] = []): Difference[] =>
  classify(
    theirs,
    ours,
    new Set(reversed),
    new Map([
      [entryName(tax()), elsewhere],
      [entryName(tax({ verb: 'reversal' })), elsewhere],
    ]),
  )

describe('one key', () => {
  test.each<[string, BankEntry[], TaxEntry[], Elsewhere, Partial<Difference> | undefined]>([
    ['both, the same', [bank()], [tax()], none, undefined],
    ['the core says the same', [bank({ coreStatus: 'same' })], [tax()], none, undefined],
    [
      'more at the bank',
      [bank({ amount: 150 })],
      [tax()],
      none,
      { type: 'amount-differs', taxAmount: 100, bankAmount: 150, instructionId: 7 },
    ],
    ['less at the bank', [bank({ amount: 1 })], [tax()], none, { type: 'amount-differs', taxAmount: 100, bankAmount: 1 }],
    [
      'another amount and another account',
      [bank({ amount: 1, accountDigest: 'bb' })],
      [tax()],
      none,
      { type: 'amount-differs', detail: { account: 'differs' } },
    ],
    ['another account', [bank({ accountDigest: 'bb' })], [tax()], none, { type: 'particulars-differ', detail: { account: 'differs' } }],
    [
      'another ticket',
      [bank({ ticketNo: '440000000000000009' })],
      [tax()],
      none,
      { type: 'particulars-differ', detail: { ticketNo: '440000000000000009' } },
    ],
    [
      'another verb',
      [bank({ verb: 'supplementaryDebit' })],
      [tax()],
      none,
      { type: 'particulars-differ', detail: { verb: 'supplementaryDebit' } },
    ],
    ['only the bank, nothing known', [bank()], [], none, { type: 'bank-only', taxAmount: 0, bankAmount: 100, instructionId: undefined }],
    [
      'only the bank, and refused for the tax side',
      [bank()],
      [],
      { instruction: refused },
      { type: 'state-differs', taxAmount: 0, bankAmount: 100, instructionId: 9, detail: { state: 'refused' } },
    ],
    [
      'only the bank, and in doubt for the tax side',
      [bank()],
      [],
      { instruction: { ...refused, state: 'unknown' } },
      { type: 'state-differs', detail: { state: 'unknown' } },
    ],
    [
      'only the bank, twice',
      [bank(), bank({ bankSerial: 'B2', lineNo: 5 })],
      [],
      none,
      { type: 'bank-only', bankAmount: 200, bankEntries: 2 },
    ],
    ['refused at the bank, nothing here', [bank({ status: 'failed' })], [], none, undefined],
    ['only the tax side', [], [tax()], none, { type: 'tax-only', taxAmount: 100, bankAmount: 0, instructionId: 7 }],
    ['only the tax side, dated by our clock', [], [tax({ datedBy: 'clock' })], none, { type: 'tax-only', detail: { datedBy: 'clock' } }],
    [
      'refused at the bank, succeeded here',
      [bank({ status: 'failed' })],
      [tax()],
      none,
      { type: 'state-differs', taxAmount: 100, bankAmount: 0, bankSerial: 'B1', detail: { status: 'failed' } },
    ],
    [
      'twice at the bank',
      [bank(), bank({ bankSerial: 'B2', lineNo: 5 })],
      [tax()],
      none,
      { type: 'duplicate-at-bank', taxAmount: 100, bankAmount: 200, bankEntries: 2, bankSerial: 'B2', lineNo: 5 },
    ],
    [
      'twice at the bank, and taken back by itself',
      [bank({ status: 'reversed' }), bank({ bankSerial: 'B2', lineNo: 5 })],
      [tax()],
      none,
      undefined,
    ],
    [
      'given back by the bank alone',
      [bank({ status: 'reversed' })],
      [tax()],
      none,
      {
        type: 'reversed-one-side',
        taxAmount: 100,
        bankAmount: 0,
        bankEntries: 0,
        bankSerial: 'B1',
        lineNo: 1,
        detail: { status: 'reversed' },
      },
    ],
    [
      'all of several given back by the bank alone',
      [bank({ status: 'reversed' }), bank({ status: 'reversed', bankSerial: 'B2', lineNo: 5 })],
      [tax()],
      none,
      { type: 'reversed-one-side', taxAmount: 100, bankAmount: 0, bankSerial: 'B2', detail: { status: 'reversed' } },
    ],
    [
      'another amount, given back by the bank alone',
      [bank({ status: 'reversed', amount: 150 })],
      [tax()],
      none,
      { type: 'reversed-one-side', taxAmount: 100, bankAmount: 0 },
    ],
    [
      'three at the bank, one taken back by itself',
      [bank({ status: 'reversed' }), bank({ bankSerial: 'B2', lineNo: 5 }), bank({ bankSerial: 'B3', lineNo: 6 })],
      [tax()],
      none,
      { type: 'duplicate-at-bank', taxAmount: 100, bankAmount: 200, bankEntries: 2 },
    ],
    [
      'one found equal, and one beside it that the bank has taken back itself',
      [bank({ status: 'reversed' })],
      [],
      { here: { amount: 100, instructionId: 7 } },
      undefined,
    ],
    [
      'one found equal, and of two beside it one taken back',
      [bank({ status: 'reversed' }), bank({ bankSerial: 'B2', lineNo: 5 })],
      [],
      { here: { amount: 100, instructionId: 7 } },
      { type: 'duplicate-at-bank', taxAmount: 100, bankAmount: 200, bankEntries: 2, instructionId: 7 },
    ],
    [
      'taken and given back by the bank, refused here: it holds nothing',
      [bank({ status: 'reversed' })],
      [],
      { instruction: refused },
      { type: 'reversed-one-side', taxAmount: 0, bankAmount: 0, instructionId: 9, detail: { status: 'reversed' } },
    ],
    [
      'twice by the bank, one given back, and nothing here',
      [bank(), bank({ status: 'reversed', bankSerial: 'B2', lineNo: 5 })],
      [],
      none,
      { type: 'bank-only', taxAmount: 0, bankAmount: 100, bankEntries: 1 },
    ],
    [
      'a reversal that only the bank has',
      [bank({ verb: 'reversal' })],
      [],
      none,
      { type: 'reversed-one-side', taxAmount: 0, bankAmount: 100 },
    ],
    [
      'a reversal that only the tax side has',
      [],
      [tax({ verb: 'reversal' })],
      none,
      { type: 'reversed-one-side', taxAmount: 100, bankAmount: 0 },
    ],
    ['an adjustment that only the tax side has', [], [tax({ verb: 'adjustment' })], none, { type: 'tax-only', verb: 'adjustment' }],
    ['the core has nothing', [bank({ coreStatus: 'missing' })], [tax()], none, { type: 'in-bank', detail: { coreStatus: 'missing' } }],
    [
      'the core has something else',
      [bank({ coreStatus: 'differs' })],
      [tax()],
      none,
      { type: 'in-bank', detail: { coreStatus: 'differs' } },
    ],
    [
      'listed under the next date',
      [],
      [tax()],
      { listedOn: '2026-11-11' },
      { type: 'cut-off', taxAmount: 100, bankAmount: 0, detail: { accountingDate: '2026-11-11' } },
    ],
    [
      'booked under the day before, where the bank did not have it',
      [bank()],
      [],
      {
        booked: { accountingDate: '2026-11-09', amount: 100, instructionId: 7, atBank: false },
        instruction: { ...refused, state: 'succeeded' },
      },
      { type: 'cut-off', taxAmount: 0, bankAmount: 100, instructionId: 7, detail: { accountingDate: '2026-11-09' } },
    ],
    [
      'booked under the day before, where the bank had it, too',
      [bank()],
      [],
      { booked: { accountingDate: '2026-11-09', amount: 100, instructionId: 7, atBank: true } },
      {
        type: 'duplicate-at-bank',
        taxAmount: 0,
        bankAmount: 100,
        instructionId: 7,
        detail: { accountingDate: '2026-11-09', bookedAmount: 100 },
      },
    ],
    [
      'once more than the line that was found equal',
      [bank({ bankSerial: 'B2', lineNo: 5 })],
      [],
      { here: { amount: 100, instructionId: 7 } },
      { type: 'duplicate-at-bank', taxAmount: 100, bankAmount: 200, bankEntries: 2, instructionId: 7, bankSerial: 'B2' },
    ],
    [
      'booked under the day before with another amount',
      [bank({ amount: 150 })],
      [],
      { booked: { accountingDate: '2026-11-09', amount: 100, instructionId: 7, atBank: false } },
      { type: 'amount-differs', taxAmount: 0, bankAmount: 150, detail: { accountingDate: '2026-11-09', bookedAmount: 100 } },
    ],
  ])('%s', (_, theirs, ours, elsewhere, expected) => {
    const found = find(theirs, ours, elsewhere)
    expect(found).toHaveLength(expected ? 1 : 0)
    if (expected) expect(found[0]).toMatchObject({ ...key, ...expected })
  })

  test('reversed by the bank, as a reversal in its file says', () => {
    expect(find([bank({ status: 'reversed' })], [tax()], none, [`${key.officeCode}/${key.entrustDate}/${key.serialNo}`])).toEqual([])
  })
})

describe('two keys', () => {
  const other = { serialNo: '00000002' }
  test.each([
    ['the serial', other],
    ['the date', { entrustDate: '2026-11-09' }],
    ['the office', { officeCode: '14301030000' }],
  ])('the same money with %s differing is one difference', (_, change) => {
    expect(find([bank(change)], [tax()])).toMatchObject([
      { ...key, type: 'particulars-differ', taxAmount: 100, bankAmount: 100, detail: change },
    ])
  })
  test('another amount makes two of it', () => {
    expect(find([bank({ ...other, amount: 99 })], [tax()]).map(d => d.type)).toEqual(['tax-only', 'bank-only'])
  })
  test('what the bank has taken back pairs with nothing', () => {
    expect(find([bank({ ...other, status: 'reversed' })], [tax()]).map(d => [d.serialNo, d.type, d.bankAmount])).toEqual([
      ['00000001', 'tax-only', 0],
      ['00000002', 'reversed-one-side', 0],
    ])
  })
  test('each pairs once', () => {
    const found = find([bank(other), bank({ serialNo: '00000003', bankSerial: 'B3', lineNo: 2 })], [tax()])
    expect(found.map(d => [d.serialNo, d.type])).toEqual([
      ['00000001', 'particulars-differ'],
      ['00000003', 'bank-only'],
    ])
  })
  test('only what is alone has to be looked up', () => {
    expect(lonelyKeys([bank(other), bank({ serialNo: '00000003', amount: 7 })], [tax(), tax({ serialNo: '00000004', amount: 8 })])).toEqual(
      [
        { ...key, serialNo: '00000004', verb: 'debit' },
        { ...key, serialNo: '00000003', verb: 'debit' },
      ],
    )
  })
})

test('in the order of the keys, whatever order they come in', () => {
  const theirs = Array.from({ length: 50 }, (_, i) =>
    bank({ serialNo: String((i * 37) % 50).padStart(8, '0'), ticketNo: `T${i}`, lineNo: i + 1 }),
  )
  const found = find(theirs, [])
  expect(found.map(d => d.serialNo)).toEqual(found.map(d => d.serialNo).toSorted())
  expect(find(theirs.toReversed(), [])).toEqual(found)
})
