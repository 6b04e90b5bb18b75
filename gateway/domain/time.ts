// The province's clock is Asia/Shanghai, +08:00 without daylight saving since 1992: plain arithmetic on UTC is exact.
const offsetMs = 8 * 3_600_000

/** The date in the province, `2026-09-10`. */
export const shanghaiDate = (now: Date): string => new Date(now.getTime() + offsetMs).toISOString().slice(0, 10)

/** An instant as the outside sees it, RFC 3339 with milliseconds and `+08:00`. */
export const shanghaiTime = (at: Date): string => `${new Date(at.getTime() + offsetMs).toISOString().slice(0, -1)}+08:00`

/** `now` plus milliseconds. */
export const later = (now: Date, ms: number): Date => new Date(now.getTime() + ms)

const dayMs = 86_400_000
const daysFrom = (date: string, days: number): string => new Date(Date.parse(`${date}T00:00:00Z`) + days * dayMs).toISOString().slice(0, 10)
/** The next day. */
export const dayAfter = (date: string): string => daysFrom(date, 1)
/** The day before. */
export const dayBefore = (date: string): string => daysFrom(date, -1)
/** When a day of the bank ends: `HH:MM` of that date in the province, `24:00` being the next midnight. */
const endOf = (date: string, dayEnd: string): number =>
  Date.parse(`${date}T00:00:00Z`) - offsetMs + Number(dayEnd.slice(0, 2)) * 3_600_000 + Number(dayEnd.slice(3)) * 60_000

/** The instant at which a bank's accounting day is over. */
export const endOfDay = (date: string, dayEnd: string): Date => new Date(endOf(date, dayEnd))

/** The accounting day on which a bank whose day ends at `dayEnd` books what reaches it at `at`. */
export const accountingDay = (at: Date, dayEnd: string): string => {
  const date = shanghaiDate(at)
  return at.getTime() < endOf(date, dayEnd) ? date : dayAfter(date)
}

/**
 * Whether a bank's accounting day has ended: by its clock, or because the bank was seen to be at work on a later one (`seen`). The last instant
 * of the day belongs to the next.
 */
export const dayHasEnded = (day: string, dayEnd: string, seen: string | undefined, now: Date): boolean =>
  now.getTime() >= endOf(day, dayEnd) || (seen !== undefined && seen > day)

/** Whether an accounting date a bank names can be true: banks work ahead over holidays, of which the longest has nine days, and never further. */
export const isNearDay = (day: string, now: Date): boolean => day <= shanghaiDate(later(now, 10 * dayMs))

/** The first day of the month after a day, `2026-03-31` → `2026-04-01`. */
export const monthAfter = (day: string): string => {
  const [year, month] = day.split('-').map(Number) as [number, number]
  return month === 12 ? `${year + 1}-01-01` : `${year}-${String(month + 1).padStart(2, '0')}-01`
}

/** The same day a year later, the first of March where there is no 29th of February; `days` are added to it. */
export const yearAfter = (day: string, days = 0): string => {
  const year = Number(day.slice(0, 4)) + 1
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0
  const rest = day.slice(4) === '-02-29' && !leap ? '-03-01' : day.slice(4)
  return new Date(Date.parse(`${year}${rest}T00:00:00Z`) + days * 86_400_000).toISOString().slice(0, 10)
}
