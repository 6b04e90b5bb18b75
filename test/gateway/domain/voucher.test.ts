import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  alarmAt,
  deadlineOf,
  destinationOf,
  differenceOf,
  groupVouchers,
  objectionToVoucher,
  secondsLeft,
  summaryNoOf,
  type VoucherState,
  voucherMachine,
  voucherState,
  type WrittenOff,
} from '../../../gateway/domain/voucher.ts'
import { sampleReference } from '../stage.ts'

const row = (change: Partial<WrittenOff> = {}): WrittenOff => ({
  ticketNo: '343012611000000001',
  officeCode: '14301020000',
  treasuryCode: '18010000',
  bankCode: '4301',
  accountingDate: '2026-11-10',
  amount: 1_000,
  ...change,
})

describe('summary vouchers', () => {
  test('cell by cell', () => {
    const moves: readonly (readonly [VoucherState, string, VoucherState])[] = [
      ['made', 'tell', 'told'],
      ['made', 'remit', 'remitted'],
      ['made', 'receive', 'received'],
      ['told', 'remit', 'remitted'],
      ['told', 'receive', 'received'],
      ['remitted', 'receive', 'received'],
    ]
    for (const from of Object.keys(voucherMachine.table) as VoucherState[])
      for (const event of ['tell', 'remit', 'receive'] as const)
        expect(voucherMachine.next(from, event)).toBe(moves.find(([f, e]) => f === from && e === event)?.[2])
    expect(voucherState([])).toBe('made')
    expect(voucherState(['told'])).toBe('told')
    expect(voucherState(['told', 'remitted'])).toBe('remitted')
    expect(voucherState(['received', 'remitted'])).toBe('received')
  })
  test('one per office, treasury, bank and day, in their order', () => {
    const drafts = groupVouchers([
      row({ ticketNo: 'a', officeCode: '2' }),
      row({ ticketNo: 'b', officeCode: '1' }),
      row({ ticketNo: 'c', officeCode: '1', amount: 5 }),
      row({ ticketNo: 'd', officeCode: '1', treasuryCode: '9' }),
      row({ ticketNo: 'e', officeCode: '1', bankCode: '9999' }),
      row({ ticketNo: 'f', officeCode: '1', accountingDate: '2026-11-11' }),
    ])
    expect(drafts.map(d => d.ticketNos.join(''))).toEqual(['bc', 'f', 'e', 'd', 'a'])
    expect(drafts[0]!.amount).toBe(1_005)
  })
  test('no ticket is lost or doubled, and the sums are those of the tickets, beyond what a number holds', () => {
    const big = fc.integer({ min: 1, max: 999_999_999_999_999 })
    const some = fc.array(fc.record({ office: fc.integer({ min: 1, max: 3 }), treasury: fc.integer({ min: 1, max: 2 }), amount: big }), {
      maxLength: 60,
    })
    fc.assert(
      fc.property(some, rows => {
        const given = rows.map(({ office, treasury, amount }, i) =>
          row({ ticketNo: `t${i}`, officeCode: String(office), treasuryCode: String(treasury), amount }),
        )
        const drafts = groupVouchers(given)
        const by = new Map(given.map(each => [each.ticketNo, each]))
        expect(drafts.flatMap(d => d.ticketNos).toSorted()).toEqual([...by.keys()].toSorted())
        for (const draft of drafts) {
          const own = draft.ticketNos.map(no => by.get(no)!)
          expect(BigInt(draft.amount)).toBe(own.reduce((sum, each) => sum + BigInt(each.amount), 0n))
          expect(draft.amount).toBeLessThanOrEqual(999_999_999_999_999)
          expect(own.every(each => each.officeCode === draft.officeCode && each.treasuryCode === draft.treasuryCode)).toBe(true)
        }
      }),
      { numRuns: 200 },
    )
  })
  test('the summary number is twenty digits: day, office, number', () => {
    expect(summaryNoOf('14301020000', '2026-11-10', 7)).toBe('26111014301020000007')
    expect(summaryNoOf('14301020000', '2026-11-10', 999)).toBe('26111014301020000999')
    expect(() => summaryNoOf('14301020000', '2026-11-10', 1_000)).toThrow('no summary number left')
  })
  test('lead branch and account are those in force on the day', () => {
    const reference = sampleReference()
    const [to] = [...reference.remittance.keys()]
    const [bankCode, treasuryCode] = to!.split('/') as [string, string]
    const found = destinationOf(reference, bankCode, treasuryCode, '2026-11-10')
    expect('remittance' in found && found.remittance.leadBranch).toBeTruthy()
    expect(destinationOf(reference, bankCode, treasuryCode, '1999-01-01')).toMatchObject({ rule: 'no-remittance-account' })
    expect(destinationOf(reference, bankCode, '0', '2026-11-10')).toMatchObject({ rule: 'treasury-unknown' })
  })
})

describe('the gate (art. 37, 35(5))', () => {
  const clean = { isBalanced: true, isLastFilingDay: false, unconfirmed: 0 }
  test.each([
    [undefined, clean],
    ['day-not-balanced', { ...clean, isBalanced: false }],
    [undefined, { ...clean, isLastFilingDay: true }],
    ['second-session-first', { ...clean, isLastFilingDay: true, unconfirmed: 1 }],
    ['day-not-balanced', { ...clean, isBalanced: false, isLastFilingDay: true, unconfirmed: 1 }],
    [undefined, { ...clean, unconfirmed: 1 }],
  ])('%s: %j', (rule, standing) => expect(objectionToVoucher(standing)?.rule).toBe(rule))
})

describe('16:00 in the province', () => {
  const at = (time: string) => new Date(`2026-11-10T${time}+08:00`)
  const working = (day: string) => (day === '2026-11-11' ? '2026-11-12' : day)
  test('on a holiday, that of the next day of work', () =>
    expect(deadlineOf(new Date('2026-11-11T09:00:00+08:00'), working).toISOString()).toBe('2026-11-12T08:00:00.000Z'))
  test.each([
    ['00:00:00', '2026-11-10T08:00:00.000Z'],
    ['15:59:59.999', '2026-11-10T08:00:00.000Z'],
    ['16:00:00', '2026-11-12T08:00:00.000Z'],
  ])('made at %s', (time, deadline) => expect(deadlineOf(at(time), working).toISOString()).toBe(deadline))
  test.each([
    ['14:59:59.999', 'none', 3_601],
    ['15:00:00', 'due-soon', 3_600],
    ['15:29:59.999', 'due-soon', 1_801],
    ['15:30:00', 'due-urgent', 1_800],
    ['15:59:59.999', 'due-urgent', 1],
    ['16:00:00', 'overdue', 0],
  ])('at %s: %s', (time, alarm, left) => {
    expect(alarmAt(at('16:00:00'), at(time))).toBe(alarm)
    expect(secondsLeft(at('16:00:00'), at(time))).toBe(left)
  })
})

describe('what is said of a voucher, to the fen (art. 39)', () => {
  const held = { treasuryCode: '18010000', amount: 1_000, ticketSum: 1_000n, madeOn: '2026-11-10' }
  const said = { amount: 1_000, treasuryCode: '18010000', on: '2026-11-10' }
  test.each([
    [undefined, held, said],
    ['another-treasury', held, { ...said, treasuryCode: '18020000' }],
    ['tickets-differ', { ...held, ticketSum: 999n }, said],
    ['amount-differs', held, { ...said, amount: 1_001 }],
    ['amount-differs', held, { ...said, amount: 999 }],
    ['date-impossible', held, { ...said, on: '2026-11-09' }],
    ['date-impossible', held, { ...said, on: '2026-11-12' }],
  ])('%s', (rule, of, words) => expect(differenceOf(of, words, '2026-11-11')?.rule).toBe(rule))
})
