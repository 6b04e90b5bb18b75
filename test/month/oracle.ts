import type { Plant } from './books.ts'
import type { Month } from './world.ts'

// Article 35 told by what was planted, and by the bank's own lines; it shares no code with the product.

/** The last filing days of the simulated months, read off the calendar on the wall: the 7th, 10th and 15th, and what follows where they are free. */
export const lastFilingDays: { readonly [month: string]: readonly string[] } = {
  '2025-08': ['2025-08-07', '2025-08-11', '2025-08-15'],
  '2025-10': ['2025-10-09', '2025-10-10', '2025-10-15'],
  '2026-02': ['2026-02-09', '2026-02-10', '2026-02-14', '2026-02-24'],
  '2026-11': ['2026-11-09', '2026-11-10', '2026-11-16'],
}
const free: ReadonlySet<string> = new Set(
  `2025-08-02 2025-08-03 2025-08-09 2025-08-10 2025-08-16 2025-08-17 2025-08-23 2025-08-24 2025-08-30 2025-08-31 2025-09-06 2025-09-07
  2025-10-01 2025-10-02 2025-10-03 2025-10-04 2025-10-05 2025-10-06 2025-10-07 2025-10-08 2025-10-12 2025-10-18 2025-10-19 2025-10-25 2025-10-26
  2025-11-01 2025-11-02 2025-11-08 2025-11-09 2026-02-01 2026-02-07 2026-02-08 2026-02-15 2026-02-16 2026-02-17 2026-02-18 2026-02-19 2026-02-20
  2026-02-21 2026-02-22 2026-02-23 2026-03-01 2026-03-07 2026-03-08 2026-11-01 2026-11-07 2026-11-08 2026-11-14 2026-11-15 2026-11-21 2026-11-22
  2026-11-28 2026-11-29 2026-12-05 2026-12-06 2026-12-12`.split(/\s+/),
)
const dayMs = 86_400_000
const plus = (day: string): string => new Date(Date.parse(day) + dayMs).toISOString().slice(0, 10)
const provinceDay = (at: number): string => new Date(at + 8 * 3_600_000).toISOString().slice(0, 10)

const isLast = (day: string): boolean => lastFilingDays[day.slice(0, 7)]?.includes(day) ?? false

/** Until when what was found at this instant has to be done, as the article says. */
const until = (plantDay: string, foundAt: number): string => {
  let day = provinceDay(foundAt)
  if (!isLast(plantDay)) day = plus(day)
  while (free.has(day)) day = plus(day)
  return new Date(Date.parse(`${day}T00:00:00+08:00`) + (isLast(plantDay) ? 16 : 24) * 3_600_000).toISOString()
}

/** Which remedy the article gives to what was planted. Undefined: none, it is no break. */
const remedyFor = (plant: Plant, dayOver: boolean, reversal: 'any' | 'whole-only' | 'none'): string | undefined => {
  switch (plant.planting) {
    case 'over':
    case 'double':
      // (一) A bank that makes none, or only whole ones, cannot give back a part by itself.
      return !dayOver && reversal === 'any' ? 'reverse' : 'notice'
    case 'under':
      return 'supplement'
    case 'missing':
    case 'failed':
      return 'supplement-missing'
    case 'refused-but-booked':
    case 'never-sent':
      return 'persons'
    case 'account':
    case 'doubt':
    case 'late-date':
      return 'investigate'
    case 'early-date':
    case 'in-core':
    case 'self-mended':
    case 'none':
      return undefined
  }
}

const sixteen = (day: string): number => Date.parse(`${day}T16:00:00+08:00`)

/**
 * (五) Of each last filing day: nothing goes to the treasury before all that was found of it is put right and reconciled again; what was put right by
 * three o’clock of the next day is reconciled again on that same day, and all of it is remitted together, before four.
 */
const judgeLastDays = ({ plants, breaks, vouchered }: Month): string[] => {
  const wrong: string[] = []
  for (const day of new Set(plants.map(plant => plant.day).filter(isLast))) {
    const own = breaks.filter(b => b.day === day && b.state === 'confirmed')
    const summed = vouchered.filter(v => v.day === day)
    const again = Math.max(0, ...own.map(b => b.confirmedAt ?? Number.POSITIVE_INFINITY))
    for (const { ticketNo, at } of summed) if (at < again) wrong.push(`${ticketNo}: ${day} is remitted before it is reconciled again`)
    const next = plus(day)
    const isPutRight = (b: (typeof own)[number]) =>
      provinceDay(b.foundAt) === next && b.remediedAt !== undefined && b.remediedAt < sixteen(next) - 3_600_000
    if (own.length === 0 || !own.every(isPutRight)) continue
    if (provinceDay(again) !== next || again >= sixteen(next)) wrong.push(`${day}: put right on ${next} and not reconciled again by four`)
    const together = new Set(summed.map(({ at }) => at))
    if (together.size > 1) wrong.push(`${day} is remitted in ${together.size} parts`)
    for (const at of together) if (at >= sixteen(next)) wrong.push(`${day}: put right on ${next} and remitted after four`)
    for (const b of own.filter(each => summed.every(v => v.ticketNo !== each.ticketNo)))
      if (vouchered.some(v => v.ticketNo === b.ticketNo)) wrong.push(`${b.ticketNo}: a break of ${day}, and not remitted with it`)
  }
  return wrong
}

/** What is wrong with a month; nothing, where the product did as the article says. */
export const judge = (month: Month): string[] => {
  const wrong: string[] = []
  const say = (what: string) => void wrong.push(what)
  const { plants, breaks, tickets, lines, policy } = month
  const atBank = (no: string): number =>
    lines
      .filter(l => l.ticketNo === no && l.status === 'booked')
      .reduce((sum, l) => sum + (l.verb === 'reversal' || l.verb === 'adjustment' ? -l.amount : l.amount), 0)
  for (const plant of plants) {
    const { ticketNo: no, planting, amount } = plant
    const own = breaks.filter(b => b.ticketNo === no)
    const [first] = own
    const wanted = remedyFor(plant, first?.dayOver ?? true, policy.reversal)
    // What was put right, or settled, before any session looked, was no break.
    if (wanted === undefined && own.length > 0) say(`${no}: ${planting} became a break: ${first!.first}`)
    if (wanted !== undefined && !first && planting !== 'doubt' && planting !== 'late-date') say(`${no}: ${planting} was not found`)
    if (wanted !== undefined && first && first.first !== wanted) say(`${no}: ${planting} goes by ${first.first}, not ${wanted}`)
    if (first && first.deadline.toISOString() !== until(first.day, first.foundAt))
      say(
        `${no}: of ${first.day}, found ${provinceDay(first.foundAt)}: until ${first.deadline.toISOString()}, not ${until(first.day, first.foundAt)}`,
      )
    for (const b of own) {
      if (b.state !== 'confirmed' && b.state !== 'superseded') say(`${no}: ${planting} is still ${b.state} at the end`)
      // (四) Not by the session that found it.
      if (b.confirmedAt !== undefined && b.confirmedAt <= b.foundAt) say(`${no}: confirmed by the session that found it`)
    }
    const row = tickets.get(no)
    const isOwed = planting === 'never-sent' || row?.isVoid ? 0 : planting === 'refused-but-booked' ? (row?.adopted ? amount : 0) : amount
    if (atBank(no) !== isOwed) say(`${no}: ${planting}: the bank has ${atBank(no)} in the end, not ${isOwed}`)
    const written = month.writeOffs.filter(w => w.ticketNo === no)
    if (written.length !== (isOwed > 0 ? 1 : 0)) say(`${no}: ${planting}: written off ${written.length} times`)
    for (const w of written) {
      if (w.atBank !== amount) say(`${no}: ${planting}: written off while the bank has ${w.atBank} of ${amount}`)
      // Only of a day on which nothing is open any more; (五) what was put right today waits for its own day, not for the one that goes on.
      const isOpenThen = (b: (typeof breaks)[number]) =>
        w.days.includes(b.day) &&
        provinceDay(w.at) !== b.day &&
        b.state === 'confirmed' &&
        b.foundAt <= w.at &&
        b.confirmedAt !== undefined &&
        b.confirmedAt > w.at
      if (breaks.some(isOpenThen)) say(`${no}: written off while a break of its day is open`)
    }
  }
  for (const { ticketNo, off } of month.wholes) say(`${ticketNo}: off by ${off}, and no break of it says so`)
  // The books: what the bank has, what was written off and what stands in vouchers are one sum.
  const net = plants.reduce((sum, { ticketNo }) => sum + atBank(ticketNo), 0)
  const writtenOff = month.writeOffs.reduce((sum, { amount }) => sum + amount, 0)
  const vouchered = month.vouchers.reduce((sum, { amount }) => sum + amount, 0)
  if (net !== writtenOff || writtenOff !== vouchered) say(`the bank has ${net}, written off ${writtenOff}, in vouchers ${vouchered}`)
  const last = new Map(month.sessions.map(s => [s.day, s.balanced]))
  for (const [day, balanced] of last) if (!balanced) say(`${day} is not balanced in the end`)
  return [...wrong, ...judgeLastDays(month)]
}
