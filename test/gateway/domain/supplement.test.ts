import { describe, expect, test } from 'vitest'
import type { DebitState } from '../../../gateway/domain/debit.ts'
import { decideStop } from '../../../gateway/domain/stop.ts'
import { decideSupplement, type SupplementReason, shortfall, voidsTicket } from '../../../gateway/domain/supplement.ts'
import type { Break, BreakKind, BreakSource, Movement, Ticket } from '../../../gateway/domain/ticket.ts'

const now = new Date('2026-11-10T02:00:00.000Z')
const states: readonly DebitState[] = ['accepted', 'sent', 'unknown', 'succeeded', 'refused']
const movement = (id: number, verb: Movement['verb'], state: DebitState, amount: number, change: Partial<Movement> = {}): Movement => ({
  id,
  verb,
  state,
  amount,
  booked: state === 'succeeded' ? amount : 0,
  originalId: id === 1 ? undefined : 1,
  reason: undefined,
  inquiries: 0,
  acceptedAt: now,
  lastSentAt: now,
  accountingDate: undefined,
  ...change,
})
const found = (kind: BreakKind, source: BreakSource, bankAmount: number): Break => ({
  instructionId: 1,
  kind,
  source,
  taxAmount: 100,
  bankAmount,
  isOpen: true,
})
const ticketOf = (movements: readonly Movement[], breaks: readonly Break[] = [], isVoid = false): Ticket => ({
  ticketNo: '430000000000000001',
  taxSystem: 'urn:taxlink:tax-system:test',
  bankCode: '4301',
  amount: 100,
  isVoid,
  movements,
  breaks,
  bankDay: undefined,
})

type Case = {
  readonly state: DebitState
  readonly isVoid: boolean
  readonly reason: SupplementReason
  readonly amount: number
  readonly bankHas: number
  readonly source: BreakSource
  readonly earlier: readonly [DebitState, number] | undefined
  readonly reversing: boolean
  readonly givenBack: boolean
}
/** Article 35 in a clerk's words: may this supplementary debit go? */
const oracle = (c: Case): boolean => {
  if (c.isVoid || c.state !== 'succeeded' || c.reversing || c.givenBack) return false
  const [earlierState, earlierAmount] = c.earlier ?? ['refused', 0]
  if (earlierState !== 'refused' && earlierState !== 'succeeded') return false
  const brought = earlierState === 'succeeded' ? earlierAmount : 0
  const isDeclared = c.source === 'resolution' || c.source === 'file'
  if (c.reason === 'bank-missing') return isDeclared && c.bankHas === 0 && c.amount === 100 - brought
  const bankHas = isDeclared && c.bankHas > 0 ? c.bankHas : 100
  return c.amount <= 100 - bankHas - brought
}
const cases = states.flatMap(state =>
  [false, true].flatMap(isVoid =>
    (['under-debited', 'bank-missing'] as const).flatMap(reason =>
      [1, 30, 31, 70, 100, 101].flatMap(amount =>
        [0, 70, 100].flatMap(bankHas =>
          (['late-answer', 'inquiry', 'resolution', 'file'] as const).flatMap(source =>
            ([undefined, ['succeeded', 30], ['refused', 30], ['unknown', 30], ['accepted', 30]] as const).flatMap(earlier =>
              [
                [false, false],
                [true, false],
                [false, true],
              ].map(
                ([reversing = false, givenBack = false]): Case => ({
                  state,
                  isVoid,
                  reason,
                  amount,
                  bankHas,
                  source,
                  earlier,
                  reversing,
                  givenBack,
                }),
              ),
            ),
          ),
        ),
      ),
    ),
  ),
)
const verdictOf = (c: Case) => {
  const breaks = c.bankHas === 100 ? [] : [found(c.bankHas === 0 ? 'bank-missing' : 'under-debited', c.source, c.bankHas)]
  const movements = [
    movement(1, 'debit', c.state, 100),
    ...(c.earlier ? [movement(2, 'supplementaryDebit', c.earlier[0], c.earlier[1])] : []),
    ...(c.reversing ? [movement(3, 'reversal', 'unknown', 10)] : []),
    ...(c.givenBack ? [movement(4, 'reversal', 'succeeded', 10)] : []),
  ]
  return decideSupplement(ticketOf(movements, breaks, c.isVoid), movements[0]!, c.reason, c.amount)
}

test('every cell of article 35(2) and 35(3) is as the oracle has it', () => {
  expect(cases).toHaveLength(21_600)
  const wrong = cases
    .filter(c => (verdictOf(c).kind === 'send') !== oracle(c))
    .map(c => `${JSON.stringify(c)}: ${JSON.stringify(verdictOf(c))}`)
  expect(wrong.slice(0, 5)).toEqual([])
  expect(cases.filter(oracle)).toHaveLength(14)
})

describe('the shortfall', () => {
  test('is what is missing of the ticket, with whatever may yet come counted as there', () => {
    const debit = movement(1, 'debit', 'succeeded', 100, { booked: 70 })
    expect(shortfall(ticketOf([debit]), debit, 'under-debited')).toBe(30)
    expect(shortfall(ticketOf([debit, movement(2, 'supplementaryDebit', 'unknown', 20)]), debit, 'under-debited')).toBe(10)
    expect(shortfall(ticketOf([debit, movement(2, 'supplementaryDebit', 'refused', 20)]), debit, 'under-debited')).toBe(30)
  })
  test('what was given back on our own order is not missing', () => {
    const debit = movement(1, 'debit', 'succeeded', 100)
    expect(shortfall(ticketOf([debit, movement(2, 'reversal', 'succeeded', 40)]), debit, 'under-debited')).toBe(0)
  })
})

test('only the failure of art. 35(3) voids the ticket', () => {
  for (const verb of ['debit', 'supplementaryDebit', 'reversal'] as const)
    for (const reason of ['under-debited', 'bank-missing', 'tax-side', undefined] as const)
      for (const state of states)
        expect(voidsTicket({ verb, reason }, state)).toBe(verb === 'supplementaryDebit' && reason === 'bank-missing' && state === 'refused')
})

test.each(states.flatMap(state => [0, 1].map(inquiries => [state, inquiries] as const)))(
  'a stop of what is %s after %i inquiries',
  (state, inquiries) => {
    const kind = state === 'refused' ? 'done' : state === 'accepted' && inquiries === 0 ? 'send' : 'refuse'
    const own = movement(1, 'debit', state, 100, { inquiries })
    expect(decideStop(ticketOf([own]), own).kind).toBe(kind)
  },
)

test.each(['late-answer', 'inquiry', 'resolution', 'file'] as const)('what the bank has though it was refused, by its %s', source => {
  const debit = movement(1, 'debit', 'refused', 100)
  const ticket = ticketOf([debit], [{ ...found('bank-only', source, 100), taxAmount: 0 }])
  expect(decideStop(ticket, debit)).toMatchObject({ kind: 'refuse', rule: 'bank-only' })
  for (const reason of ['under-debited', 'bank-missing'] as const)
    expect(decideSupplement(ticket, debit, reason, 100)).toMatchObject({ kind: 'refuse', rule: 'bank-only' })
})

test('what two persons took for the tax of its ticket is neither stopped nor debited a second time, though its record says refused', () => {
  const debit = movement(1, 'debit', 'refused', 100)
  const ticket = { ...ticketOf([debit]), isAdopted: true }
  expect(decideStop(ticket, debit)).toMatchObject({ kind: 'refuse', rule: 'adopted' })
  for (const reason of ['under-debited', 'bank-missing'] as const)
    expect(decideSupplement(ticket, debit, reason, 100)).toMatchObject({ kind: 'refuse', rule: 'adopted' })
})
