import { later, shanghaiDate } from '../domain/time.ts'
import type { CalendarFile } from '../store/calendar.ts'

// The sample day may be begun at any hour of any day, that of a year for which nobody has announced the holidays, too.

/** How long before midnight the banks begin under the next date: longer than the day takes to be played. */
const marginMs = 15 * 60_000
/**
 * The accounting date under which the sample banks begin. Shortly before midnight it is the next (banks work ahead, as over holidays): a day that is over in
 * the middle of its debits would take no reversals any more, and its first session would not see them all.
 */
export const firstDay = (now: Date): string => shanghaiDate(later(now, marginMs))

/** Further than this from the day itself no deadline of the sample day lies, and no holiday behind it. */
const reachMs = 20 * 86_400_000
/** The statutory holidays with fixed dates; those of the moon and the exchanged days are known when the State Council has announced them. */
const fixed = [
  ['01-01', '01-01'],
  ['05-01', '05-02'],
  ['10-01', '10-03'],
] as const

/** What of a reference data file is looked at here. */
type WithCalendar = { readonly version: string; readonly calendar?: CalendarFile }

/** The years around a moment that reference data has no holidays for. */
export const missingYears = ({ calendar }: WithCalendar, now: Date): number[] => {
  const around = [-reachMs, 0, reachMs].map(ms => Number(shanghaiDate(later(now, ms)).slice(0, 4)))
  return [...new Set(around)].filter(year => !calendar?.years.some(known => known.year === year))
}

/**
 * The text of the sample's reference data with the years that are missing around `now`, by weekends and fixed holidays alone, under a version of its own. Only
 * the sample guesses: elsewhere a year without data is a fault.
 */
export const withYears = (text: string, now: Date): string => {
  const file = JSON.parse(text) as WithCalendar
  const missing = missingYears(file, now)
  if (missing.length === 0) return text
  const added = missing.map(year => ({ year, off: fixed.map(days => days.map(day => `${year}-${day}`)), work: [] }))
  const calendar = { ...file.calendar, years: [...(file.calendar?.years ?? []), ...added].toSorted((a, b) => a.year - b.year) }
  return JSON.stringify({ ...file, version: `${file.version}-sample-${missing.join('-')}`, calendar })
}
