import { fail, type Schema } from '@taxlink/bank-sdk'
import type { Calendar, YearDays } from '../domain/calendar-days.ts'
import type { Database, Tx } from './database.ts'

/** The calendar as the reference data file has it. */
export type CalendarFile = {
  readonly years: readonly YearDays[]
  readonly announced?: readonly { readonly legal: string; readonly until: string }[]
}

const day: Schema = { type: 'string', pattern: '^20[0-9]{2}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$' }
const object = (properties: Record<string, Schema>, required = Object.keys(properties)): Schema => ({
  type: 'object',
  additionalProperties: false,
  required,
  properties,
})

/** The JSON Schema of the calendar in a reference data file. */
export const calendarSchema: Schema = object(
  {
    years: {
      type: 'array',
      items: object({
        year: { type: 'integer', minimum: 2000, maximum: 2099 },
        off: { type: 'array', items: { type: 'array', items: day, minItems: 2, maxItems: 2 } },
        work: { type: 'array', items: day },
      }),
    },
    announced: { type: 'array', items: object({ legal: day, until: day }) },
  },
  ['years'],
)

const isDay = (text: string): boolean => new Date(`${text}T00:00:00Z`).toISOString().slice(0, 10) === text
const weekday = (text: string): number => new Date(`${text}T00:00:00Z`).getUTCDay()

/** What a schema cannot say of a calendar; undefined: it is right. */
export const wrongCalendar = ({ years, announced = [] }: CalendarFile): string | undefined => {
  if (new Set(years.map(({ year }) => year)).size < years.length) return 'a year stands twice'
  for (const { year, off, work } of years) {
    const all = [...off.flat(), ...work]
    const stray = all.find(text => !isDay(text) || !text.startsWith(`${year}-`))
    if (stray !== undefined) return `${stray} is no day of ${year}`
    if (off.some(([from, to]) => from > to)) return `a holiday of ${year} ends before it begins`
    const idle = work.find(text => ![0, 6].includes(weekday(text)) || off.some(([from, to]) => text >= from && text <= to))
    if (idle !== undefined) return `${idle} is worked anyway, or is a holiday`
  }
  const back = announced.find(({ legal, until }) => !isDay(legal) || !isDay(until) || until < legal)
  return back && `the deadline ${back.legal} cannot end on ${back.until}`
}

/** A calendar of these years. */
export const openCalendar = ({ years, announced = [] }: CalendarFile): Calendar => {
  const byYear = new Map(years.map(year => [year.year, year]))
  return {
    days: year =>
      byYear.get(year) ??
      fail(
        'bad-config',
        `节假日表没有 ${year} 年:在基础资料的 calendar 中补上国务院办公厅公布的该年安排,换新版本号装入 / the calendar has no ${year}: add its holidays to the reference data and load it under a new version`,
      ),
    announced: new Map(announced.map(({ legal, until }) => [legal, until])),
    years: years.map(({ year }) => year).toSorted((a, b) => a - b),
  }
}

/** Replaces the calendar of the record, with the reference data it belongs to. */
export const writeCalendar = async (tx: Tx, { years, announced = [] }: CalendarFile): Promise<void> => {
  await tx.execute('DELETE FROM calendar_year')
  await tx.execute('DELETE FROM calendar_announced')
  for (const { year, off, work } of years)
    await tx.execute('INSERT INTO calendar_year (year_no, off_days, work_days) VALUES (?, ?, ?)', [
      year,
      JSON.stringify(off),
      JSON.stringify(work),
    ])
  for (const { legal, until } of announced)
    await tx.execute('INSERT INTO calendar_announced (legal_date, until_date) VALUES (?, ?)', [legal, until])
}

/** The calendar in force. */
export const readCalendar = async (tx: Pick<Database, 'query'>): Promise<Calendar> => {
  const years = await tx.query<{ year: number; off: string; work: string }>(
    'SELECT year_no AS year, off_days AS off, work_days AS work FROM calendar_year',
  )
  const announced = await tx.query<{ legal: string; until: string }>(
    'SELECT legal_date AS legal, until_date AS until FROM calendar_announced',
  )
  return openCalendar({
    years: years.map(({ year, off, work }) => ({ year, off: JSON.parse(off) as YearDays['off'], work: JSON.parse(work) as string[] })),
    announced,
  })
}
