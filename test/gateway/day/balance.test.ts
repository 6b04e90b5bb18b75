import { describe, expect, test } from 'vitest'
import { type BankLedger, balanceOf, balanceText, type DebitSeen } from '../../../gateway/day/balance.ts'
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
const balance = (debits: readonly DebitSeen[], bank: BankLedger, orders = debits.map(d => d.ticketNo)) =>
  balanceOf(
    orders.map(ticketNo => orderOf('4301', ticketNo)),
    debits,
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
    expect(balance([], ledger(), [ticket(1)]).faults).toEqual([`${ticket(1)}: sent, but the gateway does not know it`])
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
