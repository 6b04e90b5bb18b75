/** What the State Council announces of a year: the holidays with the weekends moved to them, and the weekend days that are worked for it (调休). */
export type YearDays = {
  readonly year: number
  /** First and last day of each holiday. */
  readonly off: readonly (readonly [from: string, to: string])[]
  readonly work: readonly string[]
}

/** The calendar of the reference data. */
export type Calendar = {
  /** The days of a year. Throws a Fault for a year that is not in the data: a deadline that is guessed is worse than none. */
  days(year: number): YearDays
  /** Deadlines that the bureau announced otherwise, by the day that art. 17 names, before any shift. */
  readonly announced: ReadonlyMap<string, string>
  /** The years in the data, in order. */
  readonly years: readonly number[]
}

const dayMs = 86_400_000
const utc = (day: string): number => Date.parse(`${day}T00:00:00Z`)
/** The day so many days later, or earlier. */
export const daysAfter = (day: string, days: number): string => new Date(utc(day) + days * dayMs).toISOString().slice(0, 10)
/** How many days `to` is after `from`. */
export const daysBetween = (from: string, to: string): number => Math.round((utc(to) - utc(from)) / dayMs)

/** Whether offices and treasuries work on this day: no holiday, and no weekend but one that is worked. */
export const isWorkingDay = (calendar: Calendar, day: string): boolean => {
  const { off, work } = calendar.days(Number(day.slice(0, 4)))
  if (work.includes(day)) return true
  if (off.some(([from, to]) => day >= from && day <= to)) return false
  const weekday = new Date(utc(day)).getUTCDay()
  return weekday !== 0 && weekday !== 6
}

/** The first working day from this day on, itself included. */
export const workingDayFrom = (calendar: Calendar, day: string): string => {
  let at = day
  while (!isWorkingDay(calendar, at)) at = daysAfter(at, 1)
  return at
}

/** The first working day after this day. */
export const workingDayAfter = (calendar: Calendar, day: string): string => workingDayFrom(calendar, daysAfter(day, 1))

const pad = (n: number): string => String(n).padStart(2, '0')
/** A day of the n-th month after a month (1–12) of a year. */
const dayOf = (year: number, month: number, later: number, day: number): string => {
  const at = month - 1 + later
  return `${year + Math.floor(at / 12)}-${pad((at % 12) + 1)}-${pad(day)}`
}

/** How often a return is filed: for each month, each quarter, or the year; `first-month`: counted from the first month of a longer period. */
type Every = 'month' | 'quarter' | 'year' | 'first-month'
/** One deadline of art. 17: the day of the n-th month after the last of its period (of a longer period: after its first). */
export type Filing = { readonly article: string; readonly zh: string; readonly every: Every; readonly later: number; readonly day: number }

/** 数据接收时限, art. 17, line by line. */
export const filings = {
  'turnover-monthly': { article: '17(1)', zh: '增值税、消费税(按月)', every: 'month', later: 1, day: 10 },
  'turnover-combined': { article: '17(1)', zh: '增值税、消费税(简并征期)', every: 'first-month', later: 1, day: 10 },
  'income-monthly': { article: '17(2)', zh: '企业所得税(按月预缴)', every: 'month', later: 1, day: 15 },
  'income-quarterly': { article: '17(2)', zh: '企业所得税(按季预缴)', every: 'quarter', later: 1, day: 15 },
  'income-annual': { article: '17(2)', zh: '企业所得税(年度申报)', every: 'year', later: 4, day: 30 },
  // 45 days after the end of a year: 31 of January, 14 of February, leap year or not.
  'income-assessed': { article: '17(2)', zh: '企业所得税(核定应税所得率,年度申报)', every: 'year', later: 2, day: 14 },
  'foreign-annual': { article: '17(2)', zh: '外商投资企业和外国企业所得税(年度申报)', every: 'year', later: 4, day: 30 },
  'foreign-settlement': { article: '17(2)', zh: '外商投资企业和外国企业所得税(汇算清缴)', every: 'year', later: 5, day: 30 },
  'interest-monthly': { article: '17(3)', zh: '储蓄存款利息所得个人所得税(按月)', every: 'month', later: 1, day: 7 },
} as const satisfies { readonly [name: string]: Filing }
export type FilingName = keyof typeof filings

/** The day that art. 17 names, before any shift. `month` is the last of the period (of a longer period its first), 1–12. */
export const legalDeadline = (name: FilingName, year: number, month: number): string =>
  dayOf(year, month, filings[name].later, filings[name].day)

/** 顺延 (art. 17(4)): where the last day is a holiday, the first working day after it; where the bureau announced another day, that. */
export const shifted = (calendar: Calendar, legal: string): string => calendar.announced.get(legal) ?? workingDayFrom(calendar, legal)

/** The last day on which this return is taken. */
export const deadline = (calendar: Calendar, name: FilingName, year: number, month: number): string =>
  shifted(calendar, legalDeadline(name, year, month))

/** The periods of a kind that end in a month. */
const ends = (every: Every, month: number): boolean => (every === 'year' ? month === 12 : every === 'quarter' ? month % 3 === 0 : true)

/** The returns whose last day this is. An announced day may be far from the one it replaces, so the deadlines of half a year are looked at. */
export const filingsEnding = (calendar: Calendar, day: string): FilingName[] => {
  const [year, month] = day.split('-').map(Number) as [number, number]
  return (Object.keys(filings) as FilingName[]).filter(name =>
    [0, 1, 2, 3, 4, 5, 6].some(back => {
      const at = year * 12 + month - 1 - back
      const [ofYear, ofMonth] = [Math.floor(at / 12), (at % 12) + 1]
      if (!ends(filings[name].every, ofMonth)) return false
      const legal = legalDeadline(name, ofYear, ofMonth)
      const announced = calendar.announced.get(legal)
      // A shift is never longer than a holiday; what lies further away, or ahead, needs no table of its own year.
      return announced === undefined ? legal <= day && daysBetween(legal, day) <= 15 && shifted(calendar, legal) === day : announced === day
    }),
  )
}

/** 征期最后一天 (art. 35(5)): whether the time for some return ends with this day. */
export const isLastFilingDay = (calendar: Calendar, day: string): boolean => filingsEnding(calendar, day).length > 0

/** For how many days after this one the calendar still has data. */
export const daysKnown = (calendar: Pick<Calendar, 'years'>, today: string): number => {
  let year = Number(today.slice(0, 4))
  if (!calendar.years.includes(year)) return 0
  while (calendar.years.includes(year + 1)) year++
  return daysBetween(today, `${year}-12-31`)
}

/** How many days before its data end the calendar is spoken of: the State Council announces a year in November. */
const aheadDays = 30
/** What is to be said where the calendar ends soon, or has ended: without it breaks get no deadline, and no notice says until when (art. 35). */
export const calendarWarning = (days: number): readonly { readonly name: string; readonly zh: string; readonly en: string }[] =>
  days >= aheadDays
    ? []
    : [
        {
          name: 'calendar',
          zh: `节假日表只够 ${days} 天:在基础资料的 calendar 中补上新一年的放假安排,换版本号装入;缺了它单边账没有期限,开不出《调账通知单》`,
          en: `the filing calendar has data for ${days} more days: load the next year's holidays; without them breaks have no deadline and no adjustment notice can be issued`,
        },
      ]
