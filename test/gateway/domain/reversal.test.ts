import { outcomes } from '@taxlink/bank-sdk'
import { describe, expect, test } from 'vitest'
import type { BankPolicy } from '../../../gateway/domain/bank.ts'
import type { DebitState } from '../../../gateway/domain/debit.ts'
import {
  decideReversal,
  decideTombstone,
  type ReversalCase,
  reversalTable,
  ruleReversal,
  type Wanted,
} from '../../../gateway/domain/reversal.ts'
import type { Movement, Ticket } from '../../../gateway/domain/ticket.ts'

// The decision table of a reversal, every cell against an oracle that was written from the regulation and the precedents, not from the table.

const now = new Date('2026-11-10T02:00:00.000Z')
const states: readonly DebitState[] = ['accepted', 'sent', 'unknown', 'succeeded', 'refused']
const debit = (state: DebitState, change: Partial<Movement> = {}): Movement => ({
  id: 1,
  verb: 'debit',
  state,
  amount: 100,
  booked: state === 'succeeded' ? 100 : 0,
  originalId: undefined,
  reason: undefined,
  inquiries: 0,
  acceptedAt: now,
  lastSentAt: now,
  accountingDate: '2026-11-10',
  ...change,
})

/** What should happen, in plain words: nested questions, in the order a clerk would ask them. */
const oracle = (c: ReversalCase): string => {
  if (c.original.state === 'refused') return c.isBankOnly || c.isAdopted ? 'refuse 34001' : 'done: nothing was debited'
  if (c.isVoid && !c.isBankOnly) return 'refuse 24020'
  if (c.isAnotherOpen) return 'refuse 34001'
  const certain = c.original.state === 'succeeded'
  if (certain && c.back > 0 && c.back + c.askedBack === 100) return 'done: it was all given back'
  if (c.policy.reversal === 'none') return 'refuse 34001'
  if (c.isAskedBack) return 'refuse 34001'
  if (c.amount > (certain ? 100 - c.back - c.askedBack : 100)) return 'refuse 34001'
  if (c.policy.reversal === 'whole-only' && c.amount < 100) return 'refuse 34001'
  if (!certain) return 'wait'
  if (c.isWrittenOff) return 'refuse 34001'
  return c.dayEnded ? 'refuse 38002' : 'send'
}
const inWords = (c: ReversalCase): string => {
  const verdict = ruleReversal(c)
  if (verdict.kind === 'refuse') return `refuse ${verdict.code}`
  if (verdict.kind === 'done') return verdict.code === '94032' ? 'done: it was all given back' : 'done: nothing was debited'
  return verdict.kind
}
const plain = states.flatMap(state =>
  [1, 60, 100, 101].flatMap(amount =>
    [0, 40, 100].flatMap(back =>
      [false, true].flatMap(isAnotherOpen =>
        [false, true].flatMap(isVoid =>
          [false, true].flatMap(isBankOnly =>
            [false, true].flatMap(isWrittenOff =>
              [false, true].flatMap(isAdopted =>
                [false, true].flatMap(dayEnded =>
                  (['any', 'whole-only', 'none'] as const).map(
                    (reversal): Omit<ReversalCase, 'askedBack' | 'isAskedBack'> => ({
                      original: debit(state),
                      debited: 100,
                      amount,
                      back,
                      isAnotherOpen,
                      isVoid,
                      isWrittenOff,
                      isAdopted,
                      isBankOnly,
                      dayEnded,
                      policy: { reversal },
                    }),
                  ),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  ),
)
const asks = [0, 60].flatMap(askedBack => [false, true].map(isAskedBack => ({ askedBack, isAskedBack })))
const cases = plain.flatMap((c): ReversalCase[] => asks.map(asked => ({ ...c, ...asked })))

test('every cell of the decision table is as the oracle has it', () => {
  expect(cases).toHaveLength(46_080)
  const wrong = cases.filter(c => inWords(c) !== oracle(c)).map(c => `${JSON.stringify(c)}: ${inWords(c)}, not ${oracle(c)}`)
  expect(wrong).toEqual([])
})

test('every row of the table decides some case, and says why in both languages with a code of its class', () => {
  const deciding = new Set(cases.flatMap(c => reversalTable.find(row => row.holds(c))?.rule ?? []))
  expect(deciding).toEqual(new Set(reversalTable.map(row => row.rule)))
  for (const { does, code, zh, en } of reversalTable) {
    expect(outcomes[code].class).toBe({ refuse: 'refused', done: 'succeeded', wait: 'in-progress' }[does])
    expect(zh).toMatch(/\p{Script=Han}/u)
    expect(en).toMatch(/^[\p{ASCII}’]+$/u)
  }
  // art. 35(1): what a reversal cannot do any more, a notice does.
  for (const rule of ['bank-only', 'adopted', 'asked-back', 'written-off', 'after-day-end', 'whole-only', 'bank-makes-none'])
    expect(reversalTable.find(row => row.rule === rule)!.zh).toContain('《调账通知单》')
})

const policy: BankPolicy = {
  dedupe: 'by-key',
  inquiry: true,
  reversal: 'any',
  tombstones: true,
  dayEnd: '17:30',
  quiescenceMs: 60_000,
  inquiryLadderMs: [1_000],
  redeliveryLadderMs: [500],
  timeoutMs: 20_000,
  concurrency: 8,
  connections: 2,
  pipeline: 4,
}
const ticketOf = (movements: readonly Movement[], change: Partial<Ticket> = {}): Ticket => ({
  ticketNo: '430000000000000001',
  taxSystem: 'urn:taxlink:tax-system:test',
  bankCode: '4301',
  amount: 100,
  isVoid: false,
  movements,
  breaks: [],
  bankDay: undefined,
  ...change,
})
const wanting = (amount: number, reason: Wanted['reason'] = 'tax-side'): Wanted => ({ amount, reason })
const reversal = (id: number, state: DebitState, amount: number, change: Partial<Movement> = {}): Movement =>
  debit(state, { id, verb: 'reversal', originalId: 1, amount, booked: state === 'succeeded' ? amount : 0, reason: 'tax-side', ...change })

describe('of a ticket', () => {
  test('what was given back counts, what failed does not, and another original’s is not ours', () => {
    const movements = [
      debit('succeeded'),
      reversal(2, 'succeeded', 40),
      reversal(3, 'refused', 60),
      reversal(4, 'succeeded', 60, { originalId: 9 }),
    ]
    const ticket = ticketOf(movements)
    expect(decideReversal(ticket, movements[0]!, wanting(60), policy, now)).toEqual({ kind: 'send' })
    expect(decideReversal(ticket, movements[0]!, wanting(61), policy, now)).toMatchObject({ kind: 'refuse', rule: 'over-limit' })
  })
  test('one that is looked at again is not its own rival; our own tombstone is nobody’s', () => {
    const movements = [debit('succeeded'), reversal(2, 'accepted', 40)]
    const ticket = ticketOf(movements)
    expect(decideReversal(ticket, movements[0]!, wanting(40), policy, now)).toMatchObject({ rule: 'reversal-open' })
    expect(decideReversal(ticket, movements[0]!, { ...wanting(40), id: 2 }, policy, now)).toEqual({ kind: 'send' })
    const withTombstone = ticketOf([debit('unknown'), reversal(2, 'sent', 100, { reason: 'in-doubt' })])
    expect(decideReversal(withTombstone, withTombstone.movements[0]!, wanting(100), policy, now)).toEqual({ kind: 'wait' })
  })
  test.each(['late-answer', 'inquiry', 'resolution', 'file'] as const)(
    'what the bank has though it was refused, by its %s, is never called nothing',
    source => {
      const bankOnly = { instructionId: 1, kind: 'bank-only', source, taxAmount: 0, bankAmount: 100, isOpen: true } as const
      const ticket = ticketOf([debit('refused')], { breaks: [bankOnly] })
      expect(decideReversal(ticket, ticket.movements[0]!, wanting(100), policy, now)).toMatchObject({ kind: 'refuse', rule: 'bank-only' })
      const foreign = ticketOf([debit('refused')], { breaks: [{ ...bankOnly, instructionId: 9 }] })
      expect(decideReversal(foreign, foreign.movements[0]!, wanting(100), policy, now)).toMatchObject({
        kind: 'done',
        rule: 'original-refused',
      })
    },
  )
  describe('that a break told about', () => {
    const missing = { instructionId: 1, kind: 'bank-missing', source: 'resolution', taxAmount: 100, bankAmount: 0, isOpen: false } as const
    const surfaced = { instructionId: 1, kind: 'bank-only', source: 'inquiry', taxAmount: 0, bankAmount: 100, isOpen: true } as const
    const ruled = (breaks: Ticket['breaks'], amount: number, isVoid: boolean) => {
      const ticket = ticketOf([debit('succeeded')], { breaks, isVoid })
      const verdict = decideReversal(ticket, ticket.movements[0]!, wanting(amount), policy, now)
      return 'rule' in verdict ? verdict.rule : verdict.kind
    }
    test('nothing is given back of what the bank does not have', () => {
      for (const isOpen of [true, false]) expect(ruled([{ ...missing, isOpen }], 1, false)).toBe('over-limit')
      expect(ruled([{ ...missing, kind: 'under-debited', bankAmount: 70 }], 71, false)).toBe('over-limit')
      expect(ruled([{ ...missing, kind: 'under-debited', bankAmount: 70 }], 70, false)).toBe('send')
    })
    test('what the bank has after all goes back, be the ticket void or its remedy made', () => {
      for (const isVoid of [false, true]) {
        expect(ruled([missing, surfaced], 100, isVoid)).toBe('send')
        expect(ruled([missing, surfaced], 101, isVoid)).toBe('over-limit')
      }
      expect(ruled([missing, { ...surfaced, isOpen: false }], 100, true)).toBe('ticket-void')
    })
  })
  describe('that a notice asks for', () => {
    const over = { instructionId: 1, kind: 'over-debited', source: 'file', taxAmount: 100, bankAmount: 120, isOpen: false } as const
    const ruled = (amount: number, reason: Wanted['reason'], about = 1, reversal: BankPolicy['reversal'] = 'any') => {
      const ticket = ticketOf([debit('succeeded')], { breaks: [over], askedBack: [{ instructionId: about, amount: 20 }] })
      const verdict = decideReversal(ticket, ticket.movements[0]!, wanting(amount, reason), { ...policy, reversal }, now)
      return 'rule' in verdict ? verdict.rule : verdict.kind
    }
    test('no more goes back than it leaves, and no excess at all that it asks for', () => {
      expect([ruled(100, 'tax-side'), ruled(101, 'tax-side'), ruled(20, 'tax-side')]).toEqual(['send', 'asked-back', 'send'])
      for (const reason of ['duplicate', 'over-debited'] as const) expect(ruled(20, reason)).toBe('asked-back')
    })
    test('a bank that gives back the whole only would give its part back twice', () => {
      expect([ruled(120, 'tax-side', 1, 'whole-only'), ruled(100, 'tax-side', 1, 'whole-only')]).toEqual(['asked-back', 'whole-only'])
    })
    test('of another instruction leaves this one as it is, and what is found beside it goes back', () => {
      expect([ruled(120, 'tax-side', 9), ruled(121, 'tax-side', 9)]).toEqual(['send', 'over-limit'])
      expect([ruled(20, 'duplicate', 9), ruled(21, 'duplicate', 9)]).toEqual(['send', 'asked-back'])
    })
  })
  test.each([
    ['a millisecond before the bank’s day-end', '2026-11-10T09:29:59.999Z', undefined, 'send'],
    ['at the day-end', '2026-11-10T09:30:00.000Z', undefined, 'refuse'],
    ['before it, but the bank was seen at work on the next day', '2026-11-10T02:00:00.000Z', '2026-11-11', 'refuse'],
    ['before it, and the bank was seen on this day', '2026-11-10T02:00:00.000Z', '2026-11-10', 'send'],
    ['before it, and an old day was seen', '2026-11-10T02:00:00.000Z', '2026-11-09', 'send'],
  ])('%s', (_when, at, bankDay, kind) => {
    const ticket = ticketOf([debit('succeeded')], { bankDay })
    expect(decideReversal(ticket, ticket.movements[0]!, wanting(100), policy, new Date(at)).kind).toBe(kind)
  })
  test('a debit whose accounting date the bank never told is of the day it was sent on, after the day-end of the next', () => {
    const sentAt = new Date('2026-11-10T09:30:00.000Z')
    const ticket = ticketOf([debit('succeeded', { accountingDate: undefined, lastSentAt: sentAt })])
    const kindAt = (at: string) => decideReversal(ticket, ticket.movements[0]!, wanting(100), policy, new Date(at)).kind
    expect([kindAt('2026-11-10T15:00:00Z'), kindAt('2026-11-11T09:29:59Z'), kindAt('2026-11-11T09:30:00Z')]).toEqual([
      'send',
      'send',
      'refuse',
    ])
  })
})

test.each(states.flatMap(state => [false, true].map(over => [state, over] as const)))(
  'a tombstone for a debit that is %s, its day over: %s',
  (state, over) => {
    const ticket = ticketOf([debit(state, { accountingDate: undefined })])
    const at = new Date(over ? '2026-11-10T10:00:00Z' : '2026-11-10T02:00:01Z')
    const expected = state === 'refused' ? 'done' : state === 'succeeded' || over ? 'refuse' : 'send'
    expect(decideTombstone(ticket, ticket.movements[0]!, policy, at).kind).toBe(expected)
  },
)
