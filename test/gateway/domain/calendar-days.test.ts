import { readFileSync } from 'node:fs'
import { Fault } from '@taxlink/bank-sdk'
import { describe, expect, test } from 'vitest'
import {
  calendarWarning,
  daysAfter,
  daysKnown,
  deadline,
  filings,
  filingsEnding,
  isLastFilingDay,
  isWorkingDay,
  legalDeadline,
  workingDayAfter,
  workingDayFrom,
} from '../../../gateway/domain/calendar-days.ts'
import { openCalendar, wrongCalendar } from '../../../gateway/store/calendar.ts'
import { parseReference } from '../../../gateway/store/reference.ts'

// The filing calendar of art. 17 over the State Council's tables, as the sample data has them.

const file = parseReference(readFileSync('gateway/data/reference.json', 'utf8')).calendar!
const calendar = openCalendar(file)

/** The announcements once more, as they are read aloud: every day off that is no weekend, and every weekend day that is worked. */
const weekdaysOff =
  `2025-01-01 2025-01-28 2025-01-29 2025-01-30 2025-01-31 2025-02-03 2025-02-04 2025-04-04 2025-05-01 2025-05-02 2025-05-05
  2025-06-02 2025-10-01 2025-10-02 2025-10-03 2025-10-06 2025-10-07 2025-10-08
  2026-01-01 2026-01-02 2026-02-16 2026-02-17 2026-02-18 2026-02-19 2026-02-20 2026-02-23 2026-04-06 2026-05-01 2026-05-04 2026-05-05
  2026-06-19 2026-09-25 2026-10-01 2026-10-02 2026-10-05 2026-10-06 2026-10-07`.split(/\s+/)
const weekendsOn = `2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11
  2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10`.split(/\s+/)
const everyDay = Array.from({ length: 730 }, (_, i) => daysAfter('2025-01-01', i))

test('each day of two years is worked or free as announced', () => {
  expect(everyDay.at(-1)).toBe('2026-12-31')
  const worked = (day: string) => {
    const isWeekend = ['Sat', 'Sun'].includes(new Date(`${day}T12:00:00Z`).toUTCString().slice(0, 3))
    return isWeekend ? weekendsOn.includes(day) : !weekdaysOff.includes(day)
  }
  expect(everyDay.filter(day => isWorkingDay(calendar, day) !== worked(day))).toEqual([])
  // Both years have so many working days as the announcements leave.
  expect(everyDay.filter(day => isWorkingDay(calendar, day)).length).toBe(248 + 248)
})

describe('the deadlines of art. 17', () => {
  test.each([
    // The text, and the day of the week.
    ['turnover-monthly', 2025, 6, '2025-07-10'], // Thursday
    ['turnover-monthly', 2025, 7, '2025-08-11'], // the 10th is a Sunday
    ['turnover-monthly', 2026, 9, '2026-10-10'], // a Saturday that is worked
    ['turnover-monthly', 2025, 12, '2026-01-12'], // the 10th is a Saturday
    ['turnover-combined', 2026, 1, '2026-02-10'], // the first of three months
    ['income-monthly', 2026, 1, '2026-02-24'], // 15 to 23 February are free
    ['income-quarterly', 2025, 3, '2025-04-15'],
    ['income-quarterly', 2026, 9, '2026-10-15'],
    ['income-annual', 2025, 12, '2026-04-30'],
    ['income-assessed', 2024, 12, '2025-02-14'],
    ['income-assessed', 2025, 12, '2026-02-14'], // a Saturday that is worked
    ['foreign-annual', 2025, 12, '2026-04-30'],
    ['foreign-settlement', 2024, 12, '2025-05-30'],
    ['foreign-settlement', 2025, 12, '2026-06-01'], // the 30th is a Saturday
    ['interest-monthly', 2025, 9, '2025-10-09'], // 1 to 8 October are free
    ['interest-monthly', 2026, 9, '2026-10-08'],
  ] as const)('%s of %i-%i ends on %s', (name, year, month, day) => {
    expect(deadline(calendar, name, year, month)).toBe(day)
    expect(filingsEnding(calendar, day)).toContain(name)
  })
  test('45 days after a year', () => {
    for (const year of [2023, 2024, 2025]) expect(legalDeadline('income-assessed', year, 12)).toBe(daysAfter(`${year}-12-31`, 45))
  })
  test('a deadline never is a free day, and the last filing days are exactly the deadlines', () => {
    const last = new Set<string>()
    for (const name of Object.keys(filings) as (keyof typeof filings)[])
      for (let at = 2024 * 12 + 11; at < 2026 * 12 + 12; at++) {
        const [year, month] = [Math.floor(at / 12), (at % 12) + 1]
        const { every } = filings[name]
        if ((every === 'quarter' && month % 3 > 0) || (every === 'year' && month < 12)) continue
        const legal = legalDeadline(name, year, month)
        if (legal > '2024-12-31' && legal < '2026-12-31') last.add(deadline(calendar, name, year, month))
      }
    expect([...last].filter(day => !isWorkingDay(calendar, day))).toEqual([])
    const days = everyDay.filter(day => day > '2025-01-01' && day < '2026-12-31')
    expect(days.filter(day => isLastFilingDay(calendar, day))).toEqual([...last].toSorted())
  })
  test('what the bureau announces replaces the shift', () => {
    const announced = openCalendar({ ...file, announced: [{ legal: '2026-10-15', until: '2026-10-26' }] })
    expect(deadline(announced, 'income-quarterly', 2026, 9)).toBe('2026-10-26')
    expect(isLastFilingDay(announced, '2026-10-15')).toBe(false)
    expect(filingsEnding(announced, '2026-10-26')).toEqual(['income-monthly', 'income-quarterly'])
  })
})

test('working days over a holiday', () => {
  expect(workingDayFrom(calendar, '2026-10-01')).toBe('2026-10-08')
  expect(workingDayAfter(calendar, '2026-10-09')).toBe('2026-10-10')
  expect(workingDayAfter(calendar, '2026-02-14')).toBe('2026-02-24')
})

describe('a year without data', () => {
  test('fails, and says what to do', () => {
    expect(() => isWorkingDay(calendar, '2027-01-04')).toThrow(Fault)
    expect(() => workingDayAfter(calendar, '2026-12-31')).toThrow(/2027.*基础资料.*reference data/s)
    expect(() => isLastFilingDay(calendar, '2024-05-10')).toThrow(/2024/)
  })
  test('is seen to come', () => {
    expect(daysKnown(calendar, '2026-11-26')).toBe(35)
    expect(daysKnown(calendar, '2025-12-31')).toBe(365)
    expect(daysKnown(calendar, '2027-01-01')).toBe(0)
  })
  test.each([
    [{ years: [...file.years, file.years[0]!] }, 'twice'],
    [{ years: [{ year: 2027, off: [['2027-01-01', '2026-01-03']], work: [] }] }, 'no day of 2027'],
    [{ years: [{ year: 2027, off: [['2027-01-03', '2027-01-01']], work: [] }] }, 'ends before'],
    [{ years: [{ year: 2027, off: [], work: ['2027-01-04'] }] }, 'worked anyway'],
    [{ years: [{ year: 2027, off: [['2027-02-30', '2027-03-01']], work: [] }] }, 'no day of 2027'],
    [{ years: [], announced: [{ legal: '2027-01-10', until: '2027-01-09' }] }, 'cannot end'],
  ] as const)('a wrong table is refused: %#', (wrong, why) => {
    expect(wrongCalendar(wrong as never)).toContain(why)
  })
})

test('a calendar that ends within the month is spoken of, with what it means', () => {
  expect([30, 400].flatMap(calendarWarning)).toEqual([])
  expect([29, 0].map(days => calendarWarning(days)[0]?.zh.includes(`只够 ${days} 天`))).toEqual([true, true])
})
