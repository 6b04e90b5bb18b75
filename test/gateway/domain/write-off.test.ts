import { describe, expect, test } from 'vitest'
import type { Movement, Ticket } from '../../../gateway/domain/ticket.ts'
import {
  type Candidate,
  type Marks,
  objectionToClose,
  objectionToReissue,
  objectionToUndo,
  objectionToWriteOff,
  printedNoOf,
  stateOfMarks,
  type TicketState,
  ticketMachine,
} from '../../../gateway/domain/write-off.ts'

const at = new Date('2026-11-10T02:00:00Z')
const movement = (change: Partial<Movement> = {}): Movement => ({
  id: 1,
  verb: 'debit',
  state: 'succeeded',
  amount: 1_000,
  booked: 1_000,
  originalId: undefined,
  reason: undefined,
  inquiries: 0,
  acceptedAt: at,
  lastSentAt: at,
  accountingDate: '2026-11-10',
  ...change,
})
const ticket = (change: Partial<Ticket> = {}): Ticket => ({
  ticketNo: '343012611000000001',
  taxSystem: 'urn:taxlink:tax-system:test',
  bankCode: '4301',
  amount: 1_000,
  isVoid: false,
  movements: [movement()],
  breaks: [],
  bankDay: undefined,
  ...change,
})
const unmarked: Marks = {
  isVoid: false,
  isWrittenOff: false,
  isVouchered: false,
  isReceived: false,
  isExchanged: false,
  isUndone: false,
}
const day = { bankCode: '4301', accountingDate: '2026-11-10', isBalanced: true }
const candidate = (change: Partial<Candidate> = {}): Candidate => ({
  ticket: ticket(),
  marks: unmarked,
  bank: 1_000n,
  due: 1_000n,
  days: [day],
  hasOpenBreak: false,
  ...change,
})
const rule = (change: Partial<Candidate>) => objectionToWriteOff(candidate(change))?.rule

describe('the life of a ticket after its debit', () => {
  // The oracle: every cell that is a move; all others are none.
  const moves: readonly (readonly [TicketState, string, TicketState])[] = [
    ['paid', 'writeOff', 'written-off'],
    ['paid', 'void', 'void'],
    ['written-off', 'voucher', 'vouchered'],
    ['vouchered', 'receive', 'received'],
    ['received', 'exchange', 'exchanged'],
    ['received', 'undo', 'undone'],
    ['undone', 'reissue', 'void'],
  ]
  const states = Object.keys(ticketMachine.table) as TicketState[]
  const events = ['writeOff', 'void', 'voucher', 'receive', 'exchange', 'undo', 'reissue'] as const
  test.each(states)('cell by cell from %s', from => {
    for (const event of events) expect(ticketMachine.next(from, event), event).toBe(moves.find(([f, e]) => f === from && e === event)?.[2])
  })
  test('marks are read as the last step that was taken', () => {
    const steps: readonly (readonly [Partial<Marks>, TicketState])[] = [
      [{}, 'paid'],
      [{ isWrittenOff: true }, 'written-off'],
      [{ isVouchered: true }, 'vouchered'],
      [{ isReceived: true }, 'received'],
      [{ isExchanged: true }, 'exchanged'],
      [{ isUndone: true }, 'undone'],
      [{ isVoid: true }, 'void'],
    ]
    let marks = unmarked
    for (const [step, state] of steps) {
      marks = { ...marks, ...step }
      expect(stateOfMarks(marks)).toBe(state)
    }
  })
})

describe('what may be written off (art. 36)', () => {
  test('a matched ticket of a balanced day', () => expect(rule({})).toBeUndefined())
  test.each<[string, Partial<Candidate>]>([
    ['ticket-void', { ticket: ticket({ isVoid: true }) }],
    ['written-off-before', { marks: { ...unmarked, isWrittenOff: true } }],
    ['not-settled', { ticket: ticket({ movements: [movement(), movement({ id: 2, verb: 'reversal', state: 'unknown', booked: 0 })] }) }],
    ['break-open', { hasOpenBreak: true }],
    ['not-matched', { days: [] }],
    ['day-not-balanced', { days: [day, { ...day, accountingDate: '2026-11-11', isBalanced: false }] }],
    ['nothing-left', { bank: 0n, due: 0n }],
    ['not-as-due', { bank: 999n }],
    ['not-as-due', { bank: 1_001n }],
    ['not-as-due', { bank: 1_001n, due: 1_001n }],
  ])('not: %s', (expected, change) => expect(rule(change)).toBe(expected))
  test('of one that was given back in part, the rest', () => expect(rule({ bank: 700n, due: 700n })).toBeUndefined())
})

describe('undone before the province books it (art. 21)', () => {
  const ruleOf = (state: TicketState, enteredOn?: string, bookedThrough?: string, hasOpenBreak = false) =>
    objectionToUndo({ state, enteredOn, bookedThrough, hasOpenBreak })?.rule
  test.each(Object.keys(ticketMachine.table) as TicketState[])('from %s only what was received', state =>
    expect(ruleOf(state, '2026-11-11')).toBe(state === 'received' ? undefined : 'not-received'),
  )
  test.each([
    ['2026-11-10', undefined],
    ['2026-11-11', 'booked-by-the-province'],
    ['2026-11-12', 'booked-by-the-province'],
  ])('booked through %s', (through, expected) => expect(ruleOf('received', '2026-11-11', through)).toBe(expected))

  test('not while a break of it is open', () => expect(ruleOf('received', '2026-11-11', undefined, true)).toBe('break-open'))
  test.each([
    [undefined, undefined, undefined],
    [undefined, '2026-11-09', undefined],
    ['closed-before', '2026-11-10', undefined],
    ['closed-before', '2026-11-11', undefined],
    ['correction-open', '2026-11-09', '343012611000000001'],
  ])('closed: %s, booked through %s, half done %s', (rule, through, halfDone) =>
    expect(objectionToClose('2026-11-10', through, halfDone)?.rule).toBe(rule),
  )

  const undone = { ticketNo: '343012611000000001', amount: 1_000, state: 'undone', cause: 'particulars-wrong' } as const
  test('the last nine digits become the printed number', () => expect(printedNoOf(undone.ticketNo)).toBe('000000001'))
  test.each<
    [
      string | undefined,
      Partial<Omit<typeof undone, 'cause' | 'state'>> & { cause?: 'too-little' | 'too-much'; state?: TicketState },
      number[],
    ]
  >([
    [undefined, {}, [1_000]],
    [undefined, { cause: 'too-much' }, [1_000]],
    [undefined, { cause: 'too-little' }, [1_000, 300]],
    ['other-amount', { cause: 'too-much' }, [900]],
    ['wrong-number-of-tickets', { cause: 'too-little' }, [1_000]],
    ['wrong-number-of-tickets', {}, [1_000, 300]],
    ['other-amount', { cause: 'too-little' }, [300, 1_000]],
    ['not-undone', { state: 'received' }, [1_000]],
  ])('%s: %j with %j', (expected, change, amounts) => {
    const tickets = amounts.map((amount, i) => ({ ticketNo: `43430126110000000${i}`, amount }))
    expect(objectionToReissue({ ...undone, ...change }, tickets)?.rule).toBe(expected)
  })
  test('a number that stands twice, or is the old one', () => {
    const two = { ...undone, cause: 'too-little' } as const
    expect(objectionToReissue(undone, [{ ticketNo: undone.ticketNo, amount: 1_000 }])?.rule).toBe('same-number')
    expect(
      objectionToReissue(two, [
        { ticketNo: '1', amount: 1_000 },
        { ticketNo: '1', amount: 5 },
      ])?.rule,
    ).toBe('same-number')
  })
})
