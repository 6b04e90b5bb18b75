import { type Calendar, isLastFilingDay, workingDayAfter, workingDayFrom } from './calendar-days.ts'
import { machine } from './machine.ts'
import type { Level } from './operator.ts'

/**
 * 单边账 (art. 35): found, its one remedy chosen, under way, remedied; and over only when a later session shows it (35(4)). `void`: its supplementary
 * debit failed and the ticket with it (35(3)); that, too, is reconciled again. Whatever came about by itself, the bank's own
 * correction say, is confirmed from where it stands. `superseded`: a later session found other amounts, and another break took its place.
 */
export const breakMachine = machine('break', {
  found: { choose: 'chosen', confirm: 'confirmed', supersede: 'superseded' },
  chosen: { begin: 'under-way', choose: 'chosen', confirm: 'confirmed', supersede: 'superseded' },
  'under-way': { remedy: 'remedied', fail: 'failed', void: 'void', confirm: 'confirmed', supersede: 'superseded' },
  remedied: { confirm: 'confirmed', supersede: 'superseded' },
  failed: { choose: 'chosen', confirm: 'confirmed', supersede: 'superseded' },
  void: { confirm: 'confirmed', supersede: 'superseded' },
  confirmed: {},
  superseded: {},
})
export type BreakState = keyof typeof breakMachine.table
/** What moves a break. */
export type BreakEvent = 'choose' | 'begin' | 'remedy' | 'fail' | 'void' | 'confirm' | 'supersede'

/** Whether nothing is left to be done for it, and a session may confirm it. */
export const isRemedied = (state: BreakState): boolean => state === 'remedied' || state === 'void' || breakMachine.isFinal(state)

/** What the tax side's record has of a ticket: what it holds for paid, and what of that it gave back of its own accord. Fen. */
export type Due = {
  readonly amount: number
  /** 作废 (art. 35(3)). */
  readonly isVoid: boolean
  /** Whether a debit of it counts: it succeeded, or two persons adopted it. */
  readonly isPaid: boolean
  /** Given back because the tax side wanted it, not as the remedy of a break. */
  readonly givenBack: number
}
/** Fen that the bank must have of a ticket. */
export const dueOf = ({ amount, isVoid, isPaid, givenBack }: Due): number => (isVoid || !isPaid ? 0 : amount - givenBack)

/** An entry of a ticket as it counts: what takes money from the taxpayer and what gives it back. */
export type CountedEntry = { readonly verb: string; readonly amount: number }
/** Fen that these entries come to; a reversal and an adjustment give back. */
export const netOfEntries = (entries: readonly CountedEntry[]): number =>
  entries.reduce((sum, { verb, amount }) => sum + (verb === 'reversal' || verb === 'adjustment' ? -amount : amount), 0)

/** What is known of a ticket after a session: fen that the bank has over all its days reconciled so far, and that it must have. */
export type Shown = { readonly bank: number; readonly due: number; readonly isSettled: boolean }
/**
 * 再次对账确认 (art. 35(4)): only a later session confirms a break, by what the bank has of the whole ticket; and not while an instruction of it is
 * still open, whatever the sums say. `isEarly`: the session found it itself, or says nothing about it yet.
 */
export const isConfirmed = ({ bank, due, isSettled }: Shown, isEarly: boolean): boolean => isSettled && !isEarly && bank === due

/** A difference of the last day-end session of a bank day. */
export type ToExplain = {
  readonly type: string
  /** Of the break it belongs to; undefined: to none. */
  readonly breakState: BreakState | undefined
  /** Of a cut-off: whether a session of the neighbouring day has shown the other half. */
  readonly shownByNeighbour: boolean
  /** Whether the bank has of its ticket, over all entries, exactly what it must have. */
  readonly ticketIsRight: boolean
}
/**
 * 对账相符: every difference is explained: by a confirmed break, as a cut-off that the neighbouring day has shown, as the bank's own, or (where it never
 * was a break, or another took its place) as one of several entries of a ticket that is right as a whole.
 */
export const isBalanced = (differences: readonly ToExplain[]): boolean => differences.every(isExplained)

const isExplained = ({ type, breakState, shownByNeighbour, ticketIsRight }: ToExplain): boolean => {
  if (type === 'in-bank' || (type === 'cut-off' && shownByNeighbour)) return true
  if (breakState === undefined) return ticketIsRight && type !== 'cut-off'
  return breakState === 'confirmed' || (breakState === 'superseded' && ticketIsRight)
}

const offsetMs = 8 * 3_600_000
const at = (day: string, hour: number): Date => new Date(Date.parse(`${day}T00:00:00Z`) - offsetMs + hour * 3_600_000)

/**
 * Until when a break must be out of the world. What a session of this work date found is remedied before the next one, on the next working day
 * (35(1), 35(4)); of the last filing day on the same day, before the money goes to the treasury at 16:00 (35(5), 37).
 */
export const deadlineOfBreak = (calendar: Calendar, accountingDate: string, workDate: string): Date =>
  isLastFilingDay(calendar, accountingDate) ? at(workingDayFrom(calendar, workDate), 16) : at(workingDayAfter(calendar, workDate), 24)

/** The day before whose reconciliation a bank has to give back what a notice of this day asks for (35(1)); of the last filing day the same day (35(5)). */
export const noticeDueOn = (calendar: Calendar, accountingDate: string, issuedOn: string): string =>
  isLastFilingDay(calendar, accountingDate) ? workingDayFrom(calendar, issuedOn) : workingDayAfter(calendar, issuedOn)

const dayMs = 86_400_000
/** Whole days since a break was found. */
export const ageOf = (foundAt: Date, now: Date): number => Math.max(0, Math.floor((now.getTime() - foundAt.getTime()) / dayMs))

/** Whose it is: the county's; over its deadline the city's; a day later the province's. */
export const escalationOf = (deadline: Date | undefined, now: Date): Level => {
  if (deadline === undefined || now < deadline) return 'county'
  return now.getTime() < deadline.getTime() + dayMs ? 'city' : 'province'
}
/** Whether it stands open beyond its deadline. */
export const isOverdue = (state: BreakState, deadline: Date | undefined, now: Date): boolean =>
  !breakMachine.isFinal(state) && deadline !== undefined && now >= deadline

/** 调账通知单号: the county office, the day, and a number of that office and day; 20 characters, as the message has room for. */
export const noticeNoOf = (officeCode: string, day: string, seq: number): string => {
  const head = `${officeCode}${day.slice(2).replaceAll('-', '')}`
  return `${head}${seq
    .toString(36)
    .toUpperCase()
    .padStart(20 - head.length, '0')}`
}
