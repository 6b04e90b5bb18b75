import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { firstDay, missingYears, withYears } from '../../../gateway/day/calendar.ts'
import { deadlineOfBreak, noticeDueOn } from '../../../gateway/domain/break-life.ts'
import { type Calendar, isLastFilingDay, isWorkingDay, workingDayFrom } from '../../../gateway/domain/calendar-days.ts'
import { dayAfter, dayHasEnded, isNearDay, later, shanghaiDate } from '../../../gateway/domain/time.ts'
import { deadlineOf } from '../../../gateway/domain/voucher.ts'
import { sampleReference } from '../../../gateway/prepare.ts'
import { openCalendar } from '../../../gateway/store/calendar.ts'
import { parseReference } from '../../../gateway/store/reference.ts'

// The first command may be given at any hour of any day: what of it depends on the clock, gone through hour by hour.

const text = readFileSync(sampleReference, 'utf8')
const at = (time: string): Date => new Date(`${time}+08:00`)
const parsed = parseReference(text)
const calendars = new Map<string, Calendar>()
const calendarAt = (now: Date): Calendar => {
  const years = missingYears(parsed, now).join()
  const known = calendars.get(years) ?? openCalendar(parseReference(withYears(text, now)).calendar!)
  calendars.set(years, known)
  return known
}
/** Longer than the day may take to be played, its patience included. */
const playedMs = 10 * 60_000

describe('the accounting date under which the banks begin', () => {
  test.each([
    ['2026-11-10T00:00:00', '2026-11-10'],
    ['2026-11-10T00:01:00', '2026-11-10'],
    ['2026-11-10T23:44:59', '2026-11-10'],
    ['2026-11-10T23:45:00', '2026-11-11'],
    ['2026-11-10T23:59:00', '2026-11-11'],
    ['2026-12-31T23:59:00', '2027-01-01'],
    ['2028-02-28T23:59:59', '2028-02-29'],
  ])('at %s it is %s', (time, day) => {
    expect(firstDay(at(time))).toBe(day)
  })
})

/** What is wrong with a day that is begun at `now`; a calendar without its year throws. */
const wrongAt = (now: Date): string[] => {
  const calendar = calendarAt(now)
  const first = firstDay(now)
  const played = [first, dayAfter(first), dayAfter(dayAfter(first))]
  return [now, later(now, playedMs)].flatMap(moment => {
    const workDate = shanghaiDate(moment)
    for (const day of played) isLastFilingDay(calendar, day)
    return [
      ...(dayHasEnded(first, '24:00', undefined, moment) ? ['it ends while it is played'] : []),
      ...played.filter(day => !isNearDay(day, moment)).map(day => `${day} is too far ahead`),
      ...played.filter(day => deadlineOfBreak(calendar, day, workDate) < later(moment, -86_400_000)).map(day => `deadline of ${day}`),
      ...played.filter(day => noticeDueOn(calendar, day, workDate) < workDate).map(day => `notice of ${day}`),
      ...(deadlineOf(moment, day => workingDayFrom(calendar, day)) > moment ? [] : ['a voucher is due before it is made']),
    ].map(wrong => `${moment.toISOString()}: ${wrong}`)
  })
}
test('whenever it is begun, no bank day ends while it is played, every date is near enough, and every deadline can be told', () => {
  const hours = ['00:00:00', '00:01:00', '15:59:30', '23:44:59', '23:45:00', '23:59:00']
  const wrong: string[] = []
  for (let day = '2026-01-01'; day < '2029-01-20'; day = dayAfter(day))
    for (const hour of hours) wrong.push(...wrongAt(at(`${day}T${hour}`)))
  expect(wrong).toEqual([])
})

describe('the calendar of the sample', () => {
  test('where all years are announced it is the file as it is', () => {
    expect(withYears(text, at('2026-11-26T12:00:00'))).toBe(text)
  })
  test('near a year that is not, or in one, it is completed under a version of its own, the same again for the same years', () => {
    const near = parseReference(withYears(text, at('2026-12-31T23:59:00')))
    expect(near.version).toBe(`${parsed.version}-sample-2027`)
    expect(near.calendar!.years.map(({ year }) => year)).toEqual([2025, 2026, 2027])
    expect(withYears(text, at('2027-06-01T12:00:00'))).toBe(withYears(text, at('2026-12-31T23:59:00')))
    const calendar = openCalendar(near.calendar!)
    expect(
      ['2027-01-01', '2027-01-02', '2027-01-04', '2027-05-01', '2027-10-01', '2027-10-08'].map(day => isWorkingDay(calendar, day)),
    ).toEqual([false, false, true, false, false, true])
  })
  test('the file itself says nothing of such a year, and whoever asks it is told so', () => {
    expect(() => openCalendar(parsed.calendar!).days(2031)).toThrow(/2031/)
  })
})
