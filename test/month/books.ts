import { type BreakState, breakMachine } from '../../gateway/domain/break-life.ts'
import type { BreakRemedy } from '../../gateway/domain/break-remedy.ts'
import { daysAfter } from '../../gateway/domain/calendar-days.ts'
import type { DebitState } from '../../gateway/domain/debit.ts'
import { type BankEntry, entryName, type TaxEntry } from '../../gateway/domain/reconcile.ts'
import type { Break, Movement, Ticket } from '../../gateway/domain/ticket.ts'

// The books of a month in memory: the tax side's tickets and bookings, the bank's own lines, the breaks between them; and the debits that fill them.

/** What goes wrong with a debit at the bank. */
export const plantings = [
  'none',
  'over',
  'double',
  'under',
  'missing',
  'failed',
  'refused-but-booked',
  'never-sent',
  'early-date',
  'late-date',
  'account',
  'in-core',
  'self-mended',
  'doubt',
] as const
export type Planting = (typeof plantings)[number]
/** A debit and what was planted of it. `x`: fen too much or too little. */
export type Plant = {
  readonly ticketNo: string
  readonly day: string
  readonly amount: number
  readonly planting: Planting
  readonly x: number
}

export type Line = BankEntry & { readonly day: string; readonly at: number }
export type Booked = TaxEntry & { readonly day: string; readonly at: number }
/** A break of the month, with all that became of it. */
export type MonthBreak = {
  readonly id: number
  readonly ticketNo: string
  readonly subject: string
  readonly day: string
  readonly session: number
  readonly surplus: number
  readonly instructionId: number | undefined
  readonly kind: Break['kind']
  readonly taxAmount: number
  readonly bankAmount: number
  readonly first: BreakRemedy
  readonly foundAt: number
  readonly dayOver: boolean
  readonly deadline: Date
  state: BreakState
  remedy: BreakRemedy
  confirmedAt: number | undefined
  /** When its remedy was carried out. */
  remediedAt: number | undefined
  /** Bank day and session that confirmed it. */
  confirmedBy: string | undefined
  /** Confirmed though nothing was remedied: its amounts hold no more. */
  mendedItself: boolean
}
export type TicketRow = {
  readonly no: string
  readonly amount: number
  readonly movements: Movement[]
  isVoid: boolean
  adopted: boolean
  writtenOff: boolean
}
/** The one collecting office of the month. */
export const office = '14301020000'
/** An hour in milliseconds. */
export const hour = 3_600_000
/** An instant of a day in the province. */
export const instantOf = (day: string, hours: number): number => Date.parse(`${day}T00:00:00+08:00`) + hours * hour
/** Which way an entry counts. */
export const sign = (verb: string): number => (verb === 'reversal' || verb === 'adjustment' ? -1 : 1)
/** What entries come to. */
export const netOf = (entries: readonly { readonly verb: string; readonly amount: number }[]): number =>
  entries.reduce((sum, { verb, amount }) => sum + sign(verb) * amount, 0)

/** Random numbers of a seed. */
export const randomOf = (seed: number) => {
  let state = seed >>> 0 || 1
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    const mixed = Math.imul(state ^ (state >>> 15), 2_246_822_519) >>> 0
    return ((mixed ^ (mixed >>> 13)) >>> 0) / 4_294_967_296
  }
  return {
    next,
    whole: (from: number, to: number) => from + Math.floor(next() * (to - from + 1)),
    one: <T>(of: readonly T[]): T => of[Math.floor(next() * of.length)]!,
    chance: (p: number) => next() < p,
  }
}

/** Opens the books of a month; what is random about its debits comes from `random`. */
export const openBooks = (random: ReturnType<typeof randomOf>) => {
  const tickets = new Map<string, TicketRow>()
  const plants: Plant[] = []
  const lines: Line[] = []
  const booked: Booked[] = []
  const breaks: MonthBreak[] = []
  const doubts: { ticketNo: string; until: string; day: string }[] = []
  const notices: { breakId: number; entry: Line; bookAt: number; tells: boolean; isBooked: boolean }[] = []
  let ids = 0
  let serials = 0
  let lineNo = 0

  const entry = (verb: TaxEntry['verb'], ticketNo: string, amount: number, day: string) => ({
    officeCode: office,
    entrustDate: day,
    serialNo: String(++serials).padStart(8, '0'),
    verb,
    ticketNo,
    amount,
    accountDigest: 'aa',
  })
  const list = (e: ReturnType<typeof entry>, day: string, at: number, change: Partial<Line> = {}): void =>
    void lines.push({ ...e, status: 'booked', bankSerial: `S${++lineNo}`, coreStatus: undefined, lineNo, day, at, ...change })
  const bookedOf = new Map<string, Booked[]>()
  const bookedAs = new Map<string, Booked>()
  const keep = (b: Booked): void => {
    booked.push(b)
    bookedOf.set(b.ticketNo, [...(bookedOf.get(b.ticketNo) ?? []), b])
    if (!bookedAs.has(entryName(b))) bookedAs.set(entryName(b), b)
  }
  const book = (
    e: ReturnType<typeof entry>,
    day: string,
    at: number,
    instructionId: number | undefined,
    datedBy: 'bank' | 'clock' = 'bank',
  ): void => keep({ ...e, instructionId, datedBy, day, at })
  const ticketOf = (no: string): Ticket | undefined => {
    const row = tickets.get(no)
    if (!row) return undefined
    const own = breaks.filter(
      b => b.ticketNo === no && b.state !== 'superseded' && !b.mendedItself && b.instructionId !== undefined && b.kind !== 'particulars',
    )
    const isOpenBreak = (b: MonthBreak) => !['remedied', 'void', 'confirmed'].includes(b.state)
    return {
      ticketNo: no,
      taxSystem: 't',
      bankCode: '4301',
      amount: row.amount,
      isVoid: row.isVoid,
      movements: row.movements,
      bankDay: undefined,
      askedBack: notices
        .filter(n => n.entry.ticketNo === no)
        .map(n => ({ instructionId: breaks[n.breakId - 1]!.instructionId, amount: n.entry.amount })),
      breaks: own.map(b => ({
        instructionId: b.instructionId!,
        kind: b.kind,
        source: 'file',
        isOpen: isOpenBreak(b),
        taxAmount: b.taxAmount,
        bankAmount: b.bankAmount,
      })),
    }
  }
  const move = (b: MonthBreak, event: Parameters<typeof breakMachine.next>[1], remedy?: BreakRemedy): boolean => {
    const to = breakMachine.next(b.state, event)
    if (to === undefined) return false
    b.state = to
    if (remedy) b.remedy = remedy
    return true
  }
  const movement = (
    verb: Movement['verb'],
    state: DebitState,
    amount: number,
    day: string,
    at: number,
    more: Partial<Movement> = {},
  ): Movement => ({
    id: ++ids,
    verb,
    state,
    amount,
    booked: state === 'succeeded' ? amount : 0,
    originalId: undefined,
    reason: undefined,
    inquiries: 0,
    acceptedAt: new Date(at),
    lastSentAt: new Date(at),
    accountingDate: day,
    ...more,
  })

  /** A debit of the day, with what goes wrong. */
  const debit = (day: string, at: number, planting: Planting): void => {
    const no = String(340_000_000_000_000_000n + BigInt(plants.length + 1))
    const amount = random.whole(100, 5_000)
    const x = random.whole(1, amount - 1)
    const refused = planting === 'refused-but-booked'
    const e = entry('debit', no, amount, day)
    if (planting === 'never-sent') {
      list(e, day, at)
      return void plants.push({ ticketNo: no, day, amount, planting, x })
    }
    const own = movement('debit', refused ? 'refused' : planting === 'doubt' ? 'unknown' : 'succeeded', amount, day, at)
    tickets.set(no, { no, amount, movements: [own], isVoid: false, adopted: false, writtenOff: false })
    plants.push({ ticketNo: no, day, amount, planting, x })
    if (planting === 'doubt') doubts.push({ ticketNo: no, until: daysAfter(day, 1), day })
    const ourDay = planting === 'early-date' ? daysAfter(day, 1) : day
    if (!refused && planting !== 'doubt') book(e, ourDay, at, own.id, planting === 'late-date' ? 'clock' : 'bank')
    const here: { [P in Planting]?: () => void } = {
      over: () => list({ ...e, amount: amount + x }, day, at),
      double: () => {
        list(e, day, at)
        list(e, day, at)
      },
      under: () => list({ ...e, amount: amount - x }, day, at),
      missing: () => {},
      failed: () => list(e, day, at, { status: 'failed' }),
      'late-date': () => list(e, daysAfter(day, 1), at),
      account: () => list({ ...e, accountDigest: 'bb' }, day, at),
      'in-core': () => list(e, day, at, { coreStatus: 'differs' }),
      'self-mended': () => {
        list(e, day, at)
        list(e, day, at)
        list(entry('reversal', no, amount, day), day, at)
      },
    }
    ;(here[planting] ?? (() => list(e, day, at)))()
    remember(own.id, e)
  }
  const keyOf = new Map<number, ReturnType<typeof entry>>()
  const movementAs = new Map<string, { readonly id: number; readonly ticketNo: string }>()
  const remember = (id: number, e: ReturnType<typeof entry>): void => {
    keyOf.set(id, e)
    movementAs.set(entryName(e), { id, ticketNo: e.ticketNo })
  }
  /** The bank's entry under a notice, as its line of that day. */
  const adjusted = (e: ReturnType<typeof entry>, breakId: number, day: string, at: number): Line => {
    const line: Line = { ...e, status: 'booked', bankSerial: `N${breakId}`, coreStatus: undefined, lineNo: ++lineNo, day, at }
    lines.push(line)
    return line
  }
  return {
    ...{ tickets, plants, lines, booked, bookedOf, bookedAs, breaks, doubts, notices, keyOf, movementAs },
    ...{ entry, list, keep, book, ticketOf, move, movement, debit, remember, adjusted },
  }
}
