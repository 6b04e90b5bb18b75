import { expect, test } from 'vitest'
import { remedied } from '../../../gateway/domain/remedy.ts'
import type { Break, BreakKind, Movement, Reason, Ticket } from '../../../gateway/domain/ticket.ts'

const now = new Date('2026-11-10T02:00:00.000Z')
const movement = (id: number, verb: Movement['verb'], booked: number, reason?: Reason): Movement => ({
  id,
  verb,
  state: 'succeeded',
  amount: 100,
  booked,
  originalId: id === 1 ? undefined : 1,
  reason,
  inquiries: 0,
  acceptedAt: now,
  lastSentAt: now,
  accountingDate: undefined,
})
const found = (kind: BreakKind, taxAmount: number, bankAmount: number, isOpen = true): Break => ({
  instructionId: 1,
  kind,
  source: 'resolution',
  taxAmount,
  bankAmount,
  isOpen,
})
const after = (breaks: readonly Break[], own: Movement, ...others: Movement[]): BreakKind | undefined => {
  const ticket: Ticket = {
    ticketNo: '430000000000000001',
    taxSystem: 'urn:taxlink:tax-system:test',
    bankCode: '4301',
    amount: 100,
    isVoid: false,
    movements: [movement(1, 'debit', 100), ...others, own],
    breaks,
    bankDay: undefined,
  }
  return remedied(ticket, own)
}

test('a reversal closes the excess it gives back, and no other', () => {
  expect([29, 30, 31].map(fen => after([found('over-debited', 100, 130)], movement(2, 'reversal', fen)))).toEqual([
    undefined,
    'over-debited',
    undefined,
  ])
  expect(after([found('over-debited', 100, 130, false)], movement(2, 'reversal', 30))).toBeUndefined()
})
test('reversals close what only the bank had once all of it is back', () => {
  const surplus = [found('bank-only', 0, 100)]
  expect([99, 100].map(fen => after(surplus, movement(2, 'reversal', fen)))).toEqual([undefined, 'bank-only'])
  expect(after(surplus, movement(3, 'reversal', 60), movement(2, 'reversal', 40))).toBe('bank-only')
})
test('a supplementary debit closes the case it was ordered for: art. 35(3) at any end, 35(2) when nothing is missing', () => {
  expect(after([found('bank-missing', 100, 0)], movement(2, 'supplementaryDebit', 100, 'bank-missing'))).toBe('bank-missing')
  const less = [found('under-debited', 100, 70)]
  expect([29, 30].map(fen => after(less, movement(2, 'supplementaryDebit', fen, 'under-debited')))).toEqual([undefined, 'under-debited'])
})
test('a debit remedies nothing', () => {
  expect(after([found('bank-only', 0, 100)], movement(1, 'debit', 100))).toBeUndefined()
})
