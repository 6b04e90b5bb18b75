import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import {
  ageOf,
  type BreakState,
  breakMachine,
  deadlineOfBreak,
  dueOf,
  escalationOf,
  isBalanced,
  isConfirmed,
  isOverdue,
  isRemedied,
  netOfEntries,
  noticeDueOn,
  noticeNoOf,
} from '../../../gateway/domain/break-life.ts'
import { openCalendar } from '../../../gateway/store/calendar.ts'
import { parseReference } from '../../../gateway/store/reference.ts'

const calendar = openCalendar(parseReference(readFileSync('gateway/data/reference.json', 'utf8')).calendar!)
const states = Object.keys(breakMachine.table) as BreakState[]

describe('the life of a break', () => {
  test('only a confirmation, or another break in its place, ends it; from every other state there is one', () => {
    expect(states.filter(s => breakMachine.isFinal(s))).toEqual(['confirmed', 'superseded'])
    for (const state of states.filter(s => !breakMachine.isFinal(s))) {
      expect(breakMachine.next(state, 'confirm'), state).toBe('confirmed')
      expect(breakMachine.next(state, 'supersede'), state).toBe('superseded')
    }
  })
  test('cell by cell: what happens from where', () => {
    const moves = states.flatMap(from =>
      (['choose', 'begin', 'remedy', 'fail', 'void'] as const).flatMap(on => {
        const to = breakMachine.next(from, on)
        return to ? [`${from} ${on} ${to}`] : []
      }),
    )
    expect(moves).toEqual([
      'found choose chosen',
      'chosen choose chosen',
      'chosen begin under-way',
      'under-way remedy remedied',
      'under-way fail failed',
      'under-way void void',
      'failed choose chosen',
    ])
    expect(states.filter(isRemedied)).toEqual(['remedied', 'void', 'confirmed', 'superseded'])
  })
})

describe('confirmation, art. 35(4)', () => {
  const paid = { amount: 100, isVoid: false, isPaid: true, givenBack: 0 }
  test('what a bank must have', () => {
    expect(dueOf(paid)).toBe(100)
    expect(dueOf({ ...paid, givenBack: 100 })).toBe(0)
    expect(dueOf({ ...paid, isVoid: true })).toBe(0)
    expect(dueOf({ ...paid, isPaid: false })).toBe(0)
  })
  test('what it has', () => {
    expect(
      netOfEntries([
        { verb: 'debit', amount: 160 },
        { verb: 'reversal', amount: 30 },
        { verb: 'adjustment', amount: 30 },
        { verb: 'supplementaryDebit', amount: 5 },
      ]),
    ).toBe(105)
  })
  test('only when both are the same, in a later session, with nothing open', () => {
    expect(isConfirmed({ bank: 100, due: 100, isSettled: true }, false)).toBe(true)
    expect(isConfirmed({ bank: 100, due: 100, isSettled: true }, true)).toBe(false)
    expect(isConfirmed({ bank: 100, due: 100, isSettled: false }, false)).toBe(false)
    for (const bank of [0, 99, 101, 200]) expect(isConfirmed({ bank, due: 100, isSettled: true }, false)).toBe(false)
  })
  test('a day is balanced when each of its differences is explained', () => {
    const plain = { shownByNeighbour: false, ticketIsRight: false } as const
    expect(isBalanced([])).toBe(true)
    for (const breakState of states) {
      const found = { ...plain, type: 'bank-only', breakState }
      expect(isBalanced([found]), breakState).toBe(breakState === 'confirmed')
      // A break is over when it is confirmed, and by nothing else; where another took its place, when the ticket is right.
      const isOver = breakState === 'confirmed' || breakState === 'superseded'
      expect(isBalanced([{ ...found, shownByNeighbour: true, ticketIsRight: true }]), breakState).toBe(isOver)
    }
    const loose = { ...plain, type: 'bank-only', breakState: undefined }
    expect(isBalanced([loose])).toBe(false)
    expect(isBalanced([{ ...loose, ticketIsRight: true }])).toBe(true)
    const cutOff = { ...plain, type: 'cut-off', breakState: undefined }
    expect(isBalanced([cutOff])).toBe(false)
    expect(isBalanced([{ ...cutOff, ticketIsRight: true }])).toBe(false)
    expect(isBalanced([{ ...cutOff, shownByNeighbour: true }])).toBe(true)
    expect(isBalanced([{ ...plain, type: 'in-bank', breakState: undefined }])).toBe(true)
    expect(
      isBalanced([
        { ...plain, type: 'in-bank', breakState: undefined },
        { ...plain, type: 'tax-only', breakState: 'remedied' },
      ]),
    ).toBe(false)
  })
})

describe('until when', () => {
  const inProvince = (at: Date) => new Date(at.getTime() + 8 * 3_600_000).toISOString().slice(0, 16)
  test.each([
    // Accounting date, held on; until the end of the next working day.
    ['2026-11-03', '2026-11-04', '2026-11-06T00:00', '2026-11-05'],
    ['2026-11-06', '2026-11-06', '2026-11-10T00:00', '2026-11-09'], // over a weekend
    ['2026-09-29', '2026-09-30', '2026-10-09T00:00', '2026-10-08'], // over the National Day
    // 35(5): the 10th is a last filing day; held in the morning of the 11th, out of the world before 16:00.
    ['2026-11-10', '2026-11-11', '2026-11-11T16:00', '2026-11-11'],
    ['2025-08-11', '2025-08-12', '2025-08-12T16:00', '2025-08-12'], // shifted from Sunday the 10th
    ['2025-08-08', '2025-08-09', '2025-08-12T00:00', '2025-08-11'],
    ['2026-04-10', '2026-04-11', '2026-04-13T16:00', '2026-04-13'], // the morning after is a Saturday: the treasury opens on Monday
  ])('of %s, found on %s: %s', (accountingDate, workDate, until, due) => {
    expect(inProvince(deadlineOfBreak(calendar, accountingDate, workDate))).toBe(until)
    expect(noticeDueOn(calendar, accountingDate, workDate)).toBe(due)
  })
  test('age, escalation and overdue', () => {
    const deadline = new Date('2026-11-11T08:00:00Z')
    const hoursOn = (hours: number) => new Date(deadline.getTime() + hours * 3_600_000)
    expect([-1, 0, 23, 24].map(h => escalationOf(deadline, hoursOn(h)))).toEqual(['county', 'city', 'city', 'province'])
    expect(escalationOf(undefined, hoursOn(999))).toBe('county')
    expect(states.filter(state => isOverdue(state, deadline, hoursOn(0)))).toEqual(states.filter(s => !breakMachine.isFinal(s)))
    expect(states.filter(state => isOverdue(state, deadline, hoursOn(-1)))).toEqual([])
    expect([ageOf(deadline, hoursOn(23)), ageOf(deadline, hoursOn(49)), ageOf(deadline, hoursOn(-5))]).toEqual([0, 2, 0])
  })
  test('the number of a notice has twenty characters, and none comes twice', () => {
    expect(noticeNoOf('14301020000', '2026-11-10', 1)).toBe('14301020000261110001')
    expect(noticeNoOf('143010200001', '2026-11-10', 1_295)).toBe('143010200001261110ZZ')
    const all = Array.from({ length: 1_000 }, (_, i) => noticeNoOf('14301020000', '2026-11-10', i + 1))
    expect(new Set(all).size).toBe(1_000)
    expect(all.every(no => no.length === 20)).toBe(true)
  })
})
