import type { BankPolicy } from '../../gateway/domain/bank.ts'
import { breakMachine, deadlineOfBreak, dueOf, isBalanced, isConfirmed } from '../../gateway/domain/break-life.ts'
import { type FoundDifference, raise } from '../../gateway/domain/break-raise.ts'
import { afterFailure } from '../../gateway/domain/break-remedy.ts'
import { type Standing, unaccounted } from '../../gateway/domain/break-whole.ts'
import { type Calendar, daysAfter, isLastFilingDay } from '../../gateway/domain/calendar-days.ts'
import { classify, type Difference, type Elsewhere, entryName, lonelyKeys } from '../../gateway/domain/reconcile.ts'
import { decideReversal } from '../../gateway/domain/reversal.ts'
import { decideSupplement } from '../../gateway/domain/supplement.ts'
import { isOpen, type Movement } from '../../gateway/domain/ticket.ts'
import { accountingDay, dayHasEnded, shanghaiDate } from '../../gateway/domain/time.ts'
import { groupVouchers, objectionToVoucher, type WrittenOff } from '../../gateway/domain/voucher.ts'
import { objectionToWriteOff } from '../../gateway/domain/write-off.ts'
import { quickPolicy } from '../gateway/stage.ts'
import {
  type Booked,
  hour,
  instantOf,
  type Line,
  type MonthBreak,
  netOf,
  office,
  openBooks,
  type Plant,
  plantings,
  randomOf,
  sign,
  type TicketRow,
} from './books.ts'

// A month of one bank over books in memory, driven through the functions that the gateway runs on. What is planted stands in `plants`, for the oracle.

/** The functions of the product that a month runs on; a planted mistake takes the place of one. */
export const production = {
  ...{ raise, classify, isConfirmed, isBalanced, deadlineOfBreak, objectionToWriteOff, decideSupplement, afterFailure },
  ...{ objectionToVoucher, isLastFilingDay, unaccounted },
}
export type Rules = typeof production

type Session = {
  readonly day: string
  readonly n: number
  readonly at: number
  readonly differences: readonly (FoundDifference & { readonly difference: Difference })[]
  readonly breaks: (number | undefined)[]
  balanced: boolean
  /** Held before the remittance of the last filing day, of a day that goes on (art. 35(5)): it founds no write-off of that day. */
  readonly isEarly: boolean
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
  /** Each ticket as it came into a voucher: of which bank day, and when. */
  readonly vouchered: readonly { readonly ticketNo: string; readonly day: string; readonly at: number }[]
  readonly vouchers: readonly { readonly amount: number }[]
  readonly sessions: readonly { readonly day: string; readonly n: number; readonly balanced: boolean }[]
  readonly policy: BankPolicy
  readonly returned: ReadonlySet<string>
  /** Tickets that were off by what no break of theirs says. */
  readonly wholes: readonly { readonly ticketNo: string; readonly off: number }[]
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
  const books = openBooks(random)
  const { tickets, plants, lines, booked, bookedOf, bookedAs, breaks, doubts, notices, keyOf, movementAs } = books
  const { entry, list, keep, book, ticketOf, move, movement, debit, remember, adjusted } = books
  const sessions: Session[] = []
  const writeOffs: { ticketNo: string; amount: number; atBank: number; days: readonly string[]; at: number }[] = []
  const vouchers: { amount: number }[] = []
  const vouchered: { ticketNo: string; day: string; at: number }[] = []
  /** Written off, and in no voucher yet. */
  let unsummed: WrittenOff[] = []
  const returned = new Set<string>()
  const wholes: { ticketNo: string; off: number }[] = []
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
  const standingOf = (no: string): Standing => {
    const moved = (bookedOf.get(no) ?? []).filter(b => b.at > (lasts.get(b.day)?.upTo ?? 0) && b.verb !== 'adjustment')
    const isSeen = (n: (typeof notices)[number]) => (lasts.get(n.entry.day)?.upTo ?? 0) >= n.entry.at
    const waiting = notices.filter(n => n.entry.ticketNo === no && !isSeen(n))
    const isOpenNow = tickets.get(no)?.movements.some(isOpen) ?? false
    return {
      bank: shown(no),
      due: due(no),
      since: netOf(moved),
      asked: waiting.reduce((sum, n) => sum + n.entry.amount, 0),
      isStill: moved.length === 0 && waiting.length === 0 && !isOpenNow,
    }
  }
  /** Whether the last session of its day finds it still. */
  const isFound = (b: MonthBreak): boolean => lasts.get(b.day)?.breaks.includes(b.id) ?? false
  const noticeOf = (d: Difference) => notices.find(n => entryName(n.entry) === entryName(d))

  const session = (day: string, at: number, isEarly = false): void => {
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
      isEarly,
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
          remediedAt: undefined,
          confirmedAt: undefined,
          confirmedBy: undefined,
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
      const isUnexplained = b.kind === 'particulars' && b.surplus === 0 && b.state !== 'remedied' && isFound(b)
      const saysNothing = (b.day === day && b.session === n) || isUnexplained
      if (rules.isConfirmed({ bank: shown(b.ticketNo), due: due(b.ticketNo), isSettled }, saysNothing) && move(b, 'confirm')) {
        b.confirmedAt = at
        b.confirmedBy = `${day}/${n}`
        b.mendedItself = !wasRemedied
      }
    }
    for (const no of new Set([
      ...breaks.filter(b => !breakMachine.isFinal(b.state)).map(b => b.ticketNo),
      ...[...lasts.values()].flatMap(last => (last.balanced ? [] : last.differences.map(f => f.ticketNo))),
    ])) {
      const own = breaks.filter(b => b.ticketNo === no)
      const off = rules.unaccounted(
        standingOf(no),
        own.map(({ state, surplus }) => ({ state, surplus, isFromFile: true, isOpen: true })),
      )
      if (off !== undefined) wholes.push({ ticketNo: no, off })
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
  /** Its remedy is carried out. */
  const finish = (b: MonthBreak, event: 'remedy' | 'void', at: number): void => {
    if (move(b, event)) b.remediedAt = at
  }
  const bookNotice = (notice: (typeof notices)[number], at: number): void => {
    if (notice.isBooked) return
    notice.isBooked = true
    // Its entry is in our books with the session that showed it, or when the bank told; of what nobody sent us there is none.
    if (tickets.has(notice.entry.ticketNo)) keep({ ...notice.entry, instructionId: undefined, datedBy: 'bank', at: at + 1 })
    finish(breaks[notice.breakId - 1]!, 'remedy', at)
  }

  /** What is done about a break at this hour. */
  const remedyOne = (b: MonthBreak, day: string, at: number): void => {
    const ticket = ticketOf(b.ticketNo)
    const own = ticket?.movements.find(m => m.id === b.instructionId)
    const now = new Date(at)
    const row = tickets.get(b.ticketNo)
    if (b.remedy === 'reverse' && ticket && own && row) {
      const sent =
        decideReversal(ticket, own, { amount: b.surplus, reason: 'over-debited' }, policy, now).kind === 'send' && !random.chance(0.2)
      move(b, 'begin')
      if (!sent) return void (move(b, 'fail') && move(b, 'choose', rules.afterFailure('reverse')))
      const reversal = movement('reversal', 'succeeded', b.surplus, day, at, { originalId: own.id, reason: 'over-debited' })
      row.movements.push(reversal)
      const e = entry('reversal', b.ticketNo, b.surplus, day)
      remember(reversal.id, e)
      list(e, day, at)
      book(e, day, at, reversal.id)
      finish(b, 'remedy', at)
    } else if (b.remedy === 'notice') {
      const bookAt = instantOf(random.chance(0.85) ? day : daysAfter(day, 1), 14)
      const on = shanghaiDate(new Date(bookAt))
      const bookedOn = dayHasEnded(on, policy.dayEnd, undefined, new Date(bookAt)) ? daysAfter(on, 1) : on
      const line = adjusted(entry('adjustment', b.ticketNo, Math.abs(b.surplus), day), b.id, bookedOn, bookAt)
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
        finish(b, 'remedy', at)
      } else if (reason === 'bank-missing') {
        row.isVoid = true
        finish(b, 'void', at)
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
      finish(b, 'remedy', at)
    } else if (b.remedy === 'investigate' && b.surplus === 0) {
      // A person has looked into it.
      move(b, 'begin')
      finish(b, 'remedy', at)
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
  /** 35(5): as soon as the last break of a last filing day is remedied, its bank's day of now is reconciled, which confirms them. */
  const secondSessions = (at: number): void => {
    for (const day of new Set(breaks.filter(b => !breakMachine.isFinal(b.state)).map(b => b.day))) {
      if (!rules.isLastFilingDay(calendar, day)) continue
      const own = breaks.filter(b => b.day === day && !breakMachine.isFinal(b.state))
      const last = Math.max(...own.map(b => b.remediedAt ?? Number.POSITIVE_INFINITY))
      if (last <= at && !sessions.some(s => s.at >= last)) session(accountingDay(new Date(at), policy.dayEnd), at, true)
    }
  }
  /** What an early session has shown of a ticket counts for it, whatever else is found of the day that goes on. */
  const countsFor = (last: Session | undefined): boolean => last !== undefined && (last.balanced || last.isEarly)
  const writeOffTicket = (row: TicketRow, at: number): void => {
    const days = [
      ...new Set([
        ...booked.filter(b => b.ticketNo === row.no).map(b => b.day),
        ...lines.filter(l => l.ticketNo === row.no && l.at <= at).map(l => l.day),
      ]),
    ].toSorted()
    const day = days.find(d => lastOf(d)?.balanced === true && !lastOf(d)!.isEarly)
    if (day === undefined) return
    const marks = { isVoid: row.isVoid, isWrittenOff: false, isVouchered: false, isReceived: false, isExchanged: false, isUndone: false }
    const objection = rules.objectionToWriteOff({
      ticket: ticketOf(row.no)!,
      marks,
      bank: BigInt(shown(row.no)),
      due: BigInt(due(row.no)),
      days: days.map(accountingDate => ({ bankCode: '4301', accountingDate, isBalanced: countsFor(lastOf(accountingDate)) })),
      hasOpenBreak: breaks.some(b => b.ticketNo === row.no && !breakMachine.isFinal(b.state)),
    })
    if (objection) return
    row.writtenOff = true
    const atBank = netOf(lines.filter(l => l.ticketNo === row.no && l.status === 'booked' && l.at <= at))
    writeOffs.push({ ticketNo: row.no, amount: row.amount, atBank, days, at })
    const of = { officeCode: office, treasuryCode: '18010000', bankCode: '4301', accountingDate: day }
    unsummed.push({ ticketNo: row.no, amount: row.amount, ...of })
  }
  const isHeldBack = (day: string): boolean => {
    const waits = (b: MonthBreak) => b.state !== 'confirmed' || b.confirmedBy === `${b.day}/${b.session}`
    const unconfirmed = breaks.filter(b => b.day === day && b.state !== 'superseded' && waits(b)).length
    const isLast = rules.isLastFilingDay(calendar, day)
    return rules.objectionToVoucher({ isBalanced: lastOf(day)?.balanced ?? false, isLastFilingDay: isLast, unconfirmed }) !== undefined
  }
  /** 上解销号 and the vouchers after it: at noon, and of what becomes balanced later at once. */
  const writeOff = (at: number): void => {
    for (const row of tickets.values()) if (!row.writtenOff && !row.isVoid) writeOffTicket(row, at)
    const held = new Set([...new Set(unsummed.map(row => row.accountingDate))].filter(isHeldBack))
    const ready = unsummed.filter(row => !held.has(row.accountingDate))
    unsummed = unsummed.filter(row => held.has(row.accountingDate))
    for (const { amount, accountingDate, ticketNos } of groupVouchers(ready)) {
      vouchers.push({ amount })
      for (const ticketNo of ticketNos) vouchered.push({ ticketNo, day: accountingDate, at })
    }
  }

  // A month of debits, and a week in which the last of it is settled.
  const length = new Date(Date.UTC(Number(first.slice(0, 4)), Number(first.slice(5, 7)), 0)).getUTCDate()
  for (let i = 0; i < length + 9; i++) {
    const day = daysAfter(first, i)
    const morning = instantOf(day, 8)
    settleDoubts(day, morning)
    if (i > 0) session(daysAfter(day, -1), morning)
    remedyAll(day, morning + hour)
    secondSessions(morning + 1.5 * hour)
    writeOff(instantOf(day, 12))
    if (i < length)
      for (let k = random.whole(0, 3); k > 0; k--) debit(day, instantOf(day, 10) + k, random.chance(0.3) ? random.one(plantings) : 'none')
    remedyAll(day, instantOf(day, 15))
    secondSessions(instantOf(day, 15.25))
    writeOff(instantOf(day, 15.5))
    // Some days are looked at before they end.
    if (i < length && random.chance(0.2)) {
      session(day, instantOf(day, 16))
      remedyAll(day, instantOf(day, 16.5))
    }
  }
  return {
    plants,
    breaks,
    tickets,
    lines,
    booked,
    writeOffs,
    vouchers,
    vouchered,
    sessions: sessions.map(({ day, n, balanced }) => ({ day, n, balanced })),
    policy,
    returned,
    wholes,
  }
}
