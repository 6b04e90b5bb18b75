import { describe, expect, test } from 'vitest'
import {
  contradictionOfPrint,
  exchangeRemark,
  lastExchangeDay,
  lostRemark,
  objectionToExchange,
  objectionToLostCopy,
  objectionToRelease,
  objectionToReprint,
} from '../../../gateway/domain/exchange.ts'
import { type FeeCase, feeFor, feeMonth } from '../../../gateway/domain/fee.ts'
import { statementOf } from '../../../gateway/domain/treasury.ts'
import { type TicketState, ticketMachine } from '../../../gateway/domain/write-off.ts'

const states = Object.keys(ticketMachine.table) as TicketState[]
const paidAt = new Date('2026-11-10T02:00:00Z')

describe('payment vouchers (art. 34)', () => {
  const day = new Date('2026-11-11T02:00:00Z')
  const of = (state: TicketState, now = day, channel: 'computer' | 'phone' = 'computer') =>
    objectionToRelease({ state, channel, paidAt }, now)?.rule
  test('after 24 hours, not a millisecond sooner', () => {
    expect(of('vouchered', new Date(day.getTime() - 1))).toBe('within-24-hours')
    expect(of('vouchered')).toBeUndefined()
  })
  test.each(states)('from %s', state => {
    const expected = { paid: 'no-summary-voucher', 'written-off': 'no-summary-voucher', void: 'ticket-void', undone: 'ticket-void' }
    expect(of(state)).toBe((expected as { [state: string]: string })[state])
  })
  test('a phone filer has none', () => expect(of('received', day, 'phone')).toBe('not-by-computer'))
  test.each([
    [undefined, { isReprint: false, before: 0, isReleased: true, copies: 1 }],
    [undefined, { isReprint: true, before: 1, isReleased: true, copies: 2 }],
    ['unmarked-reprint', { isReprint: false, before: 1, isReleased: true, copies: 1 }],
    ['no-first-print', { isReprint: true, before: 0, isReleased: true, copies: 1 }],
    ['not-released', { isReprint: false, before: 0, isReleased: false, copies: 1 }],
    ['no-copies', { isReprint: false, before: 0, isReleased: true, copies: 0 }],
  ])('%s: %j', (rule, print) => expect(contradictionOfPrint(print)?.rule).toBe(rule))
})

describe('exchange (art. 40)', () => {
  test.each([
    ['2026-11-01', '2027-10-31'],
    ['2026-11-30', '2027-10-31'],
    ['2026-12-05', '2027-11-30'],
    ['2026-01-31', '2026-12-31'],
    ['2027-03-10', '2028-02-29'],
  ])('paid on %s, until %s', (paidOn, last) => expect(lastExchangeDay(paidOn)).toBe(last))
  test.each(states)('from %s', state => {
    const expected = state === 'received' ? undefined : state === 'exchanged' ? 'exchanged-before' : 'not-received'
    expect(objectionToExchange({ state, paidOn: '2026-11-10', voucher: 'released' }, '2026-12-01')?.rule).toBe(expected)
  })
  test('on the last day, and not on the next', () => {
    const of = (day: string) => objectionToExchange({ state: 'received', paidOn: '2026-11-10', voucher: 'released' }, day)?.rule
    expect([of('2027-10-31'), of('2027-11-01')]).toEqual([undefined, 'after-twelve-months'])
  })
  test.each([
    ['none', undefined],
    ['released', undefined],
    ['not-yet', 'no-payment-voucher'],
  ] as const)('with a payment voucher: %s', (voucher, rule) =>
    expect(objectionToExchange({ state: 'received', paidOn: '2026-11-10', voucher }, '2026-11-11')?.rule).toBe(rule),
  )
  test.each(states)('sent once more, from %s', state => {
    const expected = { void: 'ticket-void', undone: 'ticket-void', exchanged: 'exchanged-before' } as { [state: string]: string }
    expect(objectionToReprint(state, true)?.rule).toBe(expected[state])
    expect(objectionToReprint(state, false)?.rule).toBe(expected[state] ?? 'not-released')
  })
  test('the remarks', () => {
    expect(exchangeRemark('343012611000000001', '14301020000202611100001', '长沙市芙蓉区支库')).toBe(
      '换票 电子税票号:343012611000000001 汇总流水号:14301020000202611100001 收款国库:长沙市芙蓉区支库',
    )
    expect(lostRemark('004711')).toBe('原004711号完税凭证遗失作废')
  })
  test.each(states)('a copy of what was lost, from %s', state =>
    expect(objectionToLostCopy(state, '7', '7')?.rule).toBe(state === 'exchanged' ? undefined : 'no-certificate'),
  )
  test('only for the certificate that stands', () => expect(objectionToLostCopy('exchanged', '8', '7')?.rule).toBe('not-the-last'))
})

describe('fees (art. 42)', () => {
  const due: FeeCase = { channel: 'phone', isFixedQuota: true, state: 'written-off', reversed: 0 }
  test.each<[number, Partial<FeeCase>]>([
    [100, {}],
    [0, { channel: 'computer' }],
    [0, { isFixedQuota: false }],
    [0, { reversed: 1 }],
  ])('%i fen: %j', (fee, change) => expect(feeFor({ ...due, ...change })).toBe(fee))
  test.each(states)('from %s', state => expect(feeFor({ ...due, state })).toBe(['paid', 'void', 'undone'].includes(state) ? 0 : 100))
  test('of the month in which it was matched', () => expect(feeMonth('2026-12-01')).toBe('2026-12'))
})

describe('the treasury statement', () => {
  const ours = [
    { summaryNo: 'a', amount: 100 },
    { summaryNo: 'b', amount: 50 },
  ]
  const kinds = (amount: number, count: number, lines?: { summaryNo: string; amount: number }[]) =>
    statementOf(ours, { amount, count, lines }).differences.map(d => `${d.kind} ${d.summaryNo ?? ''}`.trim())
  test('without a report there is nothing to hold it against', () =>
    expect(statementOf(ours, undefined)).toEqual({ count: 2, amount: 150n, isReported: false, differences: [] }))
  test('equal', () => expect(kinds(150, 2, ours)).toEqual([]))
  test('equal in the whole, without lines', () => expect(kinds(150, 2)).toEqual([]))
  test('one fen, or one voucher', () => {
    expect(kinds(151, 2)).toEqual(['total-differs'])
    expect(kinds(150, 3)).toEqual(['total-differs'])
  })
  test('voucher by voucher', () =>
    expect(
      kinds(150, 2, [
        { summaryNo: 'a', amount: 99 },
        { summaryNo: 'c', amount: 51 },
      ]),
    ).toEqual(['amount-differs a', 'only-ours b', 'only-treasury c']))
  test('one that was entered twice', () =>
    expect(kinds(250, 3, [...ours, { summaryNo: 'a', amount: 100 }])).toEqual(['total-differs', 'amount-differs a']))
  test('a report whose lines do not make its total', () => expect(kinds(150, 2, [ours[0]!])).toEqual(['only-ours b', 'lines-differ']))
})
