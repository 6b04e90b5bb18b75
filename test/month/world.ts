import type { BankPolicy } from '../../gateway/domain/bank.ts'
import { type BreakState, breakMachine, deadlineOfBreak, dueOf, isBalanced, isConfirmed } from '../../gateway/domain/break-life.ts'
import { type FoundDifference, raise } from '../../gateway/domain/break-raise.ts'
import { afterFailure, type BreakRemedy } from '../../gateway/domain/break-remedy.ts'
import { type Calendar, daysAfter } from '../../gateway/domain/calendar-days.ts'
import type { DebitState } from '../../gateway/domain/debit.ts'
import {
  type BankEntry,
  classify,
  type Difference,
  type Elsewhere,
  entryName,
  lonelyKeys,
  type TaxEntry,
} from '../../gateway/domain/reconcile.ts'
import { decideReversal } from '../../gateway/domain/reversal.ts'
import { decideSupplement } from '../../gateway/domain/supplement.ts'
import { type Break, isOpen, type Movement, type Ticket } from '../../gateway/domain/ticket.ts'
import { dayHasEnded, shanghaiDate } from '../../gateway/domain/time.ts'
import { groupVouchers, objectionToVoucher, type WrittenOff } from '../../gateway/domain/voucher.ts'
import { objectionToWriteOff } from '../../gateway/domain/write-off.ts'
import { quickPolicy } from '../gateway/stage.ts'

// A month of one bank over books in memory, driven through the functions that the gateway runs on. What is planted stands in `plants`, for the oracle.

/** The functions of the product that a month runs on; a planted mistake takes the place of one. */
export const production = { raise, classify, isConfirmed, isBalanced, deadlineOfBreak, objectionToWriteOff, decideSupplement, afterFailure }
export type Rules = typeof production

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

type Line = BankEntry & { readonly day: string; readonly at: number }
type Booked = TaxEntry & { readonly day: string; readonly at: number }
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
  /** Confirmed though nothing was remedied: its amounts hold no more. */
  mendedItself: boolean
}
type TicketRow = {
  readonly no: string
  readonly amount: number
  readonly movements: Movement[]
  isVoid: boolean
  adopted: boolean
  writtenOff: boolean
}
type Session = {
  readonly day: string
  readonly n: number
  readonly at: number
  readonly differences: readonly (FoundDifference & { readonly difference: Difference })[]
  readonly breaks: (number | undefined)[]
  balanced: boolean
  readonly upTo: number
  readonly ofTicket: ReadonlyMap<string, readonly (FoundDifference & { readonly difference: Difference })[]>
}

export type Month = {
  readonly plants: readonly Plant[]
  readonly breaks: readonly MonthBreak[]
  readonly tickets: ReadonlyMap<string, TicketRow>
  readonly lines: readonly Line[]
  readonly booked: readonly Booked[]
  /** Each with the instant, and what the bank had of its ticket then. */
  readonly writeOffs: readonly {
    readonly ticketNo: string
    readonly amount: number
    readonly atBank: number
    readonly days: readonly string[]
    readonly at: number
  }[]
  readonly vouchers: readonly { readonly amount: number }[]
  readonly sessions: readonly { readonly day: string; readonly n: number; readonly balanced: boolean }[]
  readonly policy: BankPolicy
  readonly returned: ReadonlySet<string>
}

const office = '14301020000'
const hour = 3_600_000
/** An instant of a day in the province. */
export const instantOf = (day: string, hours: number): number => Date.parse(`${day}T00:00:00+08:00`) + hours * hour
const sign = (verb: string): number => (verb === 'reversal' || verb === 'adjustment' ? -1 : 1)
const netOf = (entries: readonly { readonly verb: string; readonly amount: number }[]): number =>
  entries.reduce((sum, { verb, amount }) => sum + sign(verb) * amount, 0)

/** Random numbers of a seed. */
const randomOf = (seed: number) => {
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

/** Lives through a month of this seed. */
export const liveMonth = (seed: number, calendar: Calendar, months: readonly string[], rules: Rules = production): Month => {
  const random = randomOf(seed)
  const policy: BankPolicy = {
    ...quickPolicy,
    reversal: random.one(['any', 'whole-only', 'none'] as const),
    dayEnd: random.one(['24:00', '18:00']),
  }
  const first = `${random.one(months)}-01`
  const tickets = new Map<string, TicketRow>()
  const plants: Plant[] = []
  const lines: Line[] = []
  const booked: Booked[] = []
  const breaks: MonthBreak[] = []
  const sessions: Session[] = []
  const writeOffs: { ticketNo: string; amount: number; atBank: number; days: readonly string[]; at: number }[] = []
  const vouchers: { amount: number }[] = []
  const returned = new Set<string>()
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

  const lasts = new Map<string, Session>()
  const lastOf = (day: string): Session | undefined => lasts.get(day)
  /** Fen that sessions so far have shown of a ticket. */
  const shown = (no: string): number => {
    let sum = 0
    for (const b of bookedOf.get(no) ?? []) if (b.at <= (lasts.get(b.day)?.upTo ?? 0)) sum += sign(b.verb) * b.amount
    for (const s of lasts.values())
      for (const { difference: d } of s.ofTicket.get(no) ?? [])
        if (d.type !== 'in-bank') sum += sign(d.verb) * ((d.detail.status === 'reversed' ? 0 : d.bankAmount) - d.taxAmount)
    return sum
  }
  const due = (no: string): number => {
    const row = tickets.get(no)
    const paid = row?.movements.some(m => m.verb === 'debit' && m.state === 'succeeded') || row?.adopted
    return dueOf({ amount: row?.amount ?? 0, isVoid: row?.isVoid ?? false, isPaid: paid ?? false, givenBack: 0 })
  }
  const noticeOf = (d: Difference) => notices.find(n => entryName(n.entry) === entryName(d))

  const session = (day: string, at: number): void => {
    const bank = lines.filter(l => l.day === day && l.at <= at)
    const tax = booked.filter(b => b.day === day && b.at <= at)
    const elsewhere = new Map<string, Elsewhere>()
    for (const key of lonelyKeys(bank, tax)) {
      const name = entryName(key)
      const named = bookedAs.get(name)
      const other = named?.day === day ? undefined : named
      const seen = sessions.find(
        s =>
          s.day !== day &&
          s.differences.some(f => entryName(f.difference) === name && f.difference.bankAmount > 0 && f.difference.taxAmount === 0),
      )
      const own = movementAs.get(name)
      const owner = own && tickets.get(own.ticketNo)
      const standing = owner?.movements.find(m => m.id === own?.id)
      elsewhere.set(name, {
        ...(other
          ? {
              booked: {
                accountingDate: other.day,
                amount: other.amount,
                instructionId: other.instructionId,
                atBank: lines.some(l => l.day === other.day && entryName(l) === name),
              },
            }
          : {}),
        ...(standing && owner ? { instruction: { id: standing.id, state: standing.state, bankCode: '4301', ticketNo: owner.no } } : {}),
        ...(seen ? { listedOn: seen.day } : {}),
      })
    }
    const reversed = new Set<string>()
    const found = rules.classify(bank, tax, reversed, elsewhere)
    const n = sessions.filter(s => s.day === day).length + 1
    const differences = found.map((d, i) => ({
      difference: d,
      ordinal: i + 1,
      type: d.type,
      officeCode: d.officeCode,
      entrustDate: d.entrustDate,
      serialNo: d.serialNo,
      verb: d.verb,
      ticketNo: d.ticketNo,
      instructionId: d.instructionId,
      taxAmount: d.type === 'amount-differs' && typeof d.detail.bookedAmount === 'number' ? d.detail.bookedAmount : d.taxAmount,
      bankAmount: d.detail.status === 'reversed' ? 0 : d.bankAmount,
      bankSerial: d.bankSerial,
      isOurNotice: d.verb === 'adjustment' && noticeOf(d) !== undefined,
      datedByUs: d.detail.datedBy === 'clock',
    }))
    const s: Session = {
      day,
      n,
      at,
      differences,
      breaks: differences.map(() => undefined),
      balanced: false,
      upTo: at,
      ofTicket: Map.groupBy(differences, f => f.ticketNo),
    }
    sessions.push(s)
    lasts.set(day, s)
    for (const d of found) {
      const notice = d.verb === 'adjustment' && d.taxAmount === 0 ? noticeOf(d) : undefined
      if (notice) bookNotice(notice, at)
    }
    const now = new Date(at)
    const concerned = new Set([
      ...differences.filter(f => f.type !== 'cut-off' && f.type !== 'in-bank').map(f => f.ticketNo),
      ...breaks.filter(b => b.day === day && !breakMachine.isFinal(b.state)).map(b => b.ticketNo),
    ])
    for (const no of concerned) {
      const own = differences.filter(f => f.ticketNo === no && f.type !== 'cut-off' && f.type !== 'in-bank')
      const dayOver = dayHasEnded(day, policy.dayEnd, undefined, now)
      const standing = breaks.filter(b => b.ticketNo === no && b.day === day)
      const before = new Map(
        breaks.filter(b => b.ticketNo === no && b.day !== day && b.state !== 'superseded').map(b => [b.subject, b.bankAmount]),
      )
      const raised = rules.raise({
        ticket: ticketOf(no),
        found: own,
        standing,
        before,
        ticketIsRight: shown(no) === due(no),
        dayOver,
        policy,
      })
      for (const id of raised.superseded) move(breaks[id - 1]!, 'supersede')
      for (const { breakId, ordinals } of raised.joined) for (const o of ordinals) s.breaks[o - 1] = breakId
      for (const f of raised.fresh) {
        const id = breaks.length + 1
        breaks.push({
          id,
          ticketNo: no,
          subject: f.subject,
          day,
          session: n,
          surplus: f.surplus,
          instructionId: f.instructionId,
          kind: f.kind,
          taxAmount: f.taxAmount,
          bankAmount: f.bankAmount,
          first: f.row.remedy,
          foundAt: at,
          dayOver,
          deadline: rules.deadlineOfBreak(calendar, day, shanghaiDate(now)),
          state: 'found',
          remedy: f.row.remedy,
          confirmedAt: undefined,
          mendedItself: false,
        })
        move(breaks[id - 1]!, 'choose')
        for (const o of f.ordinals) s.breaks[o - 1] = id
      }
    }
    for (const b of breaks) {
      if (breakMachine.isFinal(b.state)) continue
      const wasRemedied = b.state === 'remedied' || b.state === 'void'
      const isSettled = !(tickets.get(b.ticketNo)?.movements.some(isOpen) ?? false)
      if (
        rules.isConfirmed({ bank: shown(b.ticketNo), due: due(b.ticketNo), isSettled }, b.day === day && b.session === n) &&
        move(b, 'confirm')
      ) {
        b.confirmedAt = at
        b.mendedItself = !wasRemedied
      }
    }
    for (const d of new Set(sessions.map(each => each.day))) {
      const last = lastOf(d)!
      if (last.balanced) continue
      last.balanced = rules.isBalanced(
        last.differences.map((f, i) => ({
          type: f.type,
          breakState: last.breaks[i] === undefined ? undefined : breaks[last.breaks[i] - 1]!.state,
          shownByNeighbour: isShown(f.difference),
          ticketIsRight: shown(f.ticketNo) === due(f.ticketNo),
        })),
      )
    }
  }
  const isShown = (d: Difference): boolean =>
    d.type === 'cut-off' &&
    lastOf(String(d.detail.accountingDate))?.differences.some(
      f => entryName(f.difference) === entryName(d) && (f.type === 'cut-off' || f.type === 'tax-only'),
    ) === true
  const bookNotice = (notice: (typeof notices)[number], at: number): void => {
    if (notice.isBooked) return
    notice.isBooked = true
    // Its entry is in our books with the session that showed it, or when the bank told; of what nobody sent us there is none.
    if (tickets.has(notice.entry.ticketNo)) keep({ ...notice.entry, instructionId: undefined, datedBy: 'bank', at: at + 1 })
    move(breaks[notice.breakId - 1]!, 'remedy')
  }

  /** What is done about a break at this hour. */
  const remedyOne = (b: MonthBreak, day: string, at: number): void => {
    const ticket = ticketOf(b.ticketNo)
    const own = ticket?.movements.find(m => m.id === b.instructionId)
    const now = new Date(at)
    const row = tickets.get(b.ticketNo)
    if (b.remedy === 'reverse' && ticket && own && row) {
      const sent = decideReversal(ticket, own, b.surplus, policy, now).kind === 'send' && !random.chance(0.2)
      move(b, 'begin')
      if (!sent) return void (move(b, 'fail') && move(b, 'choose', rules.afterFailure('reverse')))
      const reversal = movement('reversal', 'succeeded', b.surplus, day, at, { originalId: own.id, reason: 'over-debited' })
      row.movements.push(reversal)
      const e = entry('reversal', b.ticketNo, b.surplus, day)
      remember(reversal.id, e)
      list(e, day, at)
      book(e, day, at, reversal.id)
      move(b, 'remedy')
    } else if (b.remedy === 'notice') {
      const bookAt = instantOf(random.chance(0.85) ? day : daysAfter(day, 1), 14)
      const on = shanghaiDate(new Date(bookAt))
      const line: Line = {
        ...entry('adjustment', b.ticketNo, Math.abs(b.surplus), day),
        status: 'booked',
        bankSerial: `N${b.id}`,
        coreStatus: undefined,
        lineNo: ++lineNo,
        day: dayHasEnded(on, policy.dayEnd, undefined, new Date(bookAt)) ? daysAfter(on, 1) : on,
        at: bookAt,
      }
      lines.push(line)
      notices.push({ breakId: b.id, entry: line, bookAt, tells: random.chance(0.7), isBooked: false })
      move(b, 'begin')
    } else if ((b.remedy === 'supplement' || b.remedy === 'supplement-missing') && ticket && row) {
      const original = ticket.movements.find(m => m.verb === 'debit')!
      const reason = b.remedy === 'supplement' ? 'under-debited' : 'bank-missing'
      if (rules.decideSupplement(ticket, original, reason, -b.surplus).kind !== 'send') return
      move(b, 'begin')
      const succeeds = random.chance(0.8)
      const supplement = movement('supplementaryDebit', succeeds ? 'succeeded' : 'refused', -b.surplus, day, at, {
        originalId: original.id,
        reason,
      })
      row.movements.push(supplement)
      if (succeeds) {
        const e = entry('supplementaryDebit', b.ticketNo, -b.surplus, day)
        remember(supplement.id, e)
        list(e, day, at)
        book(e, day, at, supplement.id)
        move(b, 'remedy')
      } else if (reason === 'bank-missing') {
        row.isVoid = true
        move(b, 'void')
      } else move(b, 'fail')
    } else if (b.remedy === 'persons') {
      const adopts = row !== undefined && b.bankAmount === row.amount && random.chance(0.5)
      if (!adopts) {
        returned.add(b.ticketNo)
        return void move(b, 'choose', 'notice')
      }
      row.adopted = true
      const e = keyOf.get(row.movements[0]!.id)!
      book(e, b.day, at, row.movements[0]!.id)
      move(b, 'begin')
      move(b, 'remedy')
    }
  }
  const remedyAll = (day: string, at: number): void => {
    for (const b of breaks) {
      if (b.state === 'failed') move(b, 'choose')
      if (b.state === 'chosen') remedyOne(b, day, at)
    }
    for (const n of notices) if (n.tells && n.bookAt <= at) bookNotice(n, n.bookAt)
  }
  const settleDoubts = (day: string, at: number): void => {
    for (const d of doubts.filter(each => each.until === day)) {
      const row = tickets.get(d.ticketNo)!
      const [own] = row.movements as [Movement]
      row.movements[0] = { ...own, state: 'succeeded', booked: own.amount }
      book(keyOf.get(own.id)!, d.day, at, own.id)
    }
  }
  const noon = (at: number): void => {
    const rows: WrittenOff[] = []
    for (const row of tickets.values()) {
      if (row.writtenOff || row.isVoid) continue
      const ticket = ticketOf(row.no)!
      const days = [
        ...new Set([
          ...booked.filter(b => b.ticketNo === row.no).map(b => b.day),
          ...lines.filter(l => l.ticketNo === row.no && l.at <= at).map(l => l.day),
        ]),
      ]
      const isDone = !days.some(d => !lastOf(d)?.balanced)
      const hasOpenBreak = breaks.some(b => b.ticketNo === row.no && !breakMachine.isFinal(b.state))
      const marks = {
        isVoid: row.isVoid,
        isWrittenOff: row.writtenOff,
        isVouchered: false,
        isReceived: false,
        isExchanged: false,
        isUndone: false,
      }
      const objection = rules.objectionToWriteOff({
        ticket,
        marks,
        bank: BigInt(shown(row.no)),
        due: BigInt(due(row.no)),
        days: days.map(accountingDate => ({ bankCode: '4301', accountingDate, isBalanced: lastOf(accountingDate)?.balanced ?? false })),
        hasOpenBreak,
      })
      if (objection) continue
      row.writtenOff = true
      const atBank = netOf(lines.filter(l => l.ticketNo === row.no && l.status === 'booked' && l.at <= at))
      writeOffs.push({ ticketNo: row.no, amount: row.amount, atBank, days, at })
      const day = days[0] ?? ''
      if (!objectionToVoucher({ isBalanced: isDone, isLastFilingDay: false, unconfirmed: 0 }))
        rows.push({
          ticketNo: row.no,
          officeCode: office,
          treasuryCode: '18010000',
          bankCode: '4301',
          accountingDate: day,
          amount: row.amount,
        })
    }
    for (const { amount } of groupVouchers(rows)) vouchers.push({ amount })
  }

  // A month of debits, and a week in which the last of it is settled.
  const length = new Date(Date.UTC(Number(first.slice(0, 4)), Number(first.slice(5, 7)), 0)).getUTCDate()
  for (let i = 0; i < length + 9; i++) {
    const day = daysAfter(first, i)
    const morning = instantOf(day, 8)
    settleDoubts(day, morning)
    if (i > 0) session(daysAfter(day, -1), morning)
    remedyAll(day, morning + hour)
    noon(instantOf(day, 12))
    if (i < length)
      for (let k = random.whole(0, 3); k > 0; k--) debit(day, instantOf(day, 10) + k, random.chance(0.3) ? random.one(plantings) : 'none')
    // Some days are looked at before they end.
    if (i < length && random.chance(0.2)) {
      session(day, instantOf(day, 16))
      remedyAll(day, instantOf(day, 16.5))
    } else remedyAll(day, instantOf(day, 15))
  }
  return {
    plants,
    breaks,
    tickets,
    lines,
    booked,
    writeOffs,
    vouchers,
    sessions: sessions.map(({ day, n, balanced }) => ({ day, n, balanced })),
    policy,
    returned,
  }
}
