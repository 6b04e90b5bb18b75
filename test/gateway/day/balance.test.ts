import { describe, expect, test } from 'vitest'
import { type BankLedger, balanceOf, balanceText, type DaySeen, type DebitSeen, type FurtherSeen } from '../../../gateway/day/balance.ts'
import { columns } from '../../../gateway/day/table.ts'
import { orderOf } from '../stage.ts'

const ticket = (n: number): string => String(n).padStart(18, '0')
const seen = (n: number, state: string, change: Partial<DebitSeen> = {}): DebitSeen => ({
  ticketNo: ticket(n),
  bankCode: '4301',
  state,
  amount: 12_345,
  attempts: 1,
  ...change,
})
const booked = (n: number, amount = 12_345, kind = 'debit') => ({ ticketNo: ticket(n), kind, amount })
const ledger = (...entries: BankLedger['entries']): BankLedger => ({ bankCode: '4301', name: '湘江银行', entries })
const moved = (n: number, orderNo: string, bookedAmount?: number): FurtherSeen => ({
  ticketNo: ticket(n),
  bankCode: '4301',
  orderNo,
  ...(bookedAmount === undefined ? { state: 'refused' } : { state: 'succeeded', bookedAmount }),
})
const balance = (debits: readonly DebitSeen[], bank: BankLedger, further: Partial<DaySeen> = {}, orders = debits.map(d => d.ticketNo)) =>
  balanceOf(
    orders.map(ticketNo => orderOf('4301', ticketNo)),
    { debits, reversals: [], supplements: [], stops: [], ...further },
    [bank],
    new Set([...orders, ...bank.entries.map(e => e.ticketNo)]),
  )

describe('the balance of a day', () => {
  test('both sides the same: no fault, sums in fen', () => {
    const refused = seen(2, 'refused', { result: { code: '24003', zh: '余额不足', en: 'insufficient balance' } })
    const even = balance([seen(1, 'succeeded', { attempts: 3 }), refused], ledger(booked(1)))
    expect(even.faults).toEqual([])
    expect(even.banks[0]).toMatchObject({ sent: 2, succeeded: 1, refused: 1, open: 0, resolved: 1, taxTotal: 12_345n, bankTotal: 12_345n })
  })

  test('what was given back is no booking', () => {
    expect(balance([seen(1, 'refused')], ledger(booked(1), booked(1, 12_345, 'reversal'))).faults).toEqual([])
  })

  test('what was given back, supplemented, stopped and void: net, to the fen', () => {
    const { banks, faults } = balance(
      [seen(1, 'succeeded'), seen(2, 'succeeded'), seen(3, 'succeeded', { voidedAt: '2026-11-10T09:00:00.000+08:00' }), seen(4, 'refused')],
      ledger(booked(1), booked(1, 345, 'reversal'), booked(2, 10_000), booked(2, 2_345, 'supplementary')),
      {
        reversals: [moved(1, 'CZ-1', 345), moved(4, 'CZ-4')],
        supplements: [moved(2, 'BH-2', 2_345), moved(3, 'BH-3')],
        stops: [{ ticketNo: ticket(4), state: 'succeeded' }],
      },
    )
    expect(faults).toEqual([])
    expect(banks[0]).toMatchObject({
      givenBack: { count: 1, fen: 345n },
      supplemented: { count: 1, fen: 2_345n },
      stopped: 1,
      voided: 1,
      taxTotal: 24_345n,
      bankTotal: 24_345n,
    })
  })

  test.each([
    [
      'given back, and the bank keeps it',
      { reversals: [moved(1, 'CZ-1', 345)] },
      seen(1, 'succeeded'),
      [],
      /with 12000 fen, the bank booked 12345/,
    ],
    ['the bank gave back unasked', {}, seen(1, 'succeeded'), [booked(1, 345, 'reversal')], /with 12345 fen, the bank booked 12000/],
    [
      'supplemented beyond what was missing',
      { supplements: [moved(1, 'BH-1', 1)] },
      seen(1, 'succeeded'),
      [booked(1, 1, 'supplementary')],
      /booked 12346/,
    ],
    ['void and booked', {}, seen(1, 'succeeded', { voidedAt: 'then' }), [], /void, but the bank booked 12345 fen/],
    ['a reversal in doubt', { reversals: [{ ...moved(1, 'CZ-1'), state: 'unknown' }] }, seen(1, 'succeeded'), [], /CZ-1: still unknown/],
  ] as const)('%s is a fault', (_, further, debit, entries, fault) => {
    expect(balance([debit], ledger(booked(1), ...entries), further).faults).toEqual([expect.stringMatching(fault)])
  })

  test.each([
    ['booked twice', [seen(1, 'succeeded')], ledger(booked(1), booked(1)), /succeeded with 12345 fen, the bank booked 24690/],
    ['not booked', [seen(1, 'succeeded')], ledger(), /succeeded with 12345 fen, the bank booked 0/],
    ['one fen less', [seen(1, 'succeeded')], ledger(booked(1, 12_344)), /the bank booked 12344/],
    ['refused and booked', [seen(1, 'refused')], ledger(booked(1)), /refused, but the bank booked 12345 fen/],
    ['still in doubt', [seen(1, 'unknown')], ledger(booked(1)), /still unknown/],
    ['booked by nobody’s order', [], ledger(booked(1)), /booked by the bank, but nobody sent it/],
  ] as const)('%s is a fault that names the ticket', (_, debits, bank, fault) => {
    const { faults } = balance(debits, bank)
    expect(faults).toHaveLength(1)
    expect(faults[0]).toMatch(fault)
    expect(faults[0]).toContain(ticket(1))
  })

  test('an order the gateway does not know is a fault', () => {
    expect(balance([], ledger(), {}, [ticket(1)]).faults).toEqual([`${ticket(1)}: sent, but the gateway does not know it`])
  })

  test('as people read it: it fits a terminal, and says aloud when it does not balance', () => {
    const most = 99_999_999_999_999
    const text = balanceText(balance([seen(1, 'succeeded', { amount: most })], ledger(booked(1, most))))
    expect(text.at(-1)).toMatch(/^平/)
    expect(text.find(line => line.startsWith('4301'))).toMatch(/999,999,999,999\.99 +999,999,999,999\.99 +=$/)
    expect(Math.max(...text.map(columns))).toBeLessThanOrEqual(110)
    expect(balanceText(balance([seen(1, 'succeeded')], ledger()))).toEqual(
      expect.arrayContaining([expect.stringMatching(/^不平 \/ NOT balanced: 1$/), expect.stringContaining(ticket(1))]),
    )
  })
})
