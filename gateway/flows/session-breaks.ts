import { Fault } from '@taxlink/bank-sdk'
import type { BankPolicy } from '../domain/bank.ts'
import { deadlineOfBreak } from '../domain/break-life.ts'
import { raise } from '../domain/break-raise.ts'
import { daysAfter, isLastFilingDay } from '../domain/calendar-days.ts'
import { beforeRemittance } from '../domain/session.ts'
import { accountingDay, dayHasEnded, later, shanghaiDate } from '../domain/time.ts'
import type { FoundOfTicket } from '../store/break-life.ts'
import type { SessionDay } from '../store/break-reads.ts'
import type { By } from '../store/break-steps.ts'
import type { SessionView } from '../store/reconciliations.ts'
import type { Flow } from './flow.ts'

// What follows from a day-end session that has been matched: each of its differences gets its break, earlier breaks are confirmed, days become balanced.

/** Tickets of one transaction, and of one list of them. */
const chunk = 100
const listed = 5_000
const dayMs = 86_400_000
/** How far back a bank day may lie that becomes balanced at last. */
const backDays = 400
const reportLines = 20

/** Keeps the session ours, or throws. */
type Keep = () => Promise<void>

/**
 * Gives the differences of a matched session their breaks, tells the bank of them, and confirms what the session confirms. Returns whether its bank day
 * is balanced. Some tickets in a transaction: broken off, it is done again, and nothing is done twice.
 */
export const settleSession = async (
  flow: Flow,
  session: SessionView,
  /** Called now and then; false: the session is somebody else's, who does the rest. */
  beat: () => Promise<boolean> = () => Promise.resolve(true),
): Promise<boolean> => {
  const by = { now: flow.clock(), actor: flow.owner }
  const keep = async (): Promise<void> => {
    if (!(await beat())) throw new Error('the session is somebody else’s now')
  }
  await bookFromFile(flow, session, by)
  const raised = await raiseBreaks(flow, session, by, keep)
  if (raised > 0) flow.note({ event: 'trouble', bankCode: session.bankCode, count: raised, detail: `breaks found: ${nameOf(session)}` })
  await report(flow, session, by)
  await confirmBreaks(flow, session, by, keep)
  await balanceDays(flow, session, by.now, keep)
  return flow.store.breakLife.isDayBalanced(session, keep)
}

const nameOf = ({ bankCode, accountingDate, session }: SessionDay): string => `${bankCode} ${accountingDate} session ${session}`

/** What the bank has booked under our notices is booked by us, whether or not it has told of it. */
const bookFromFile = async (flow: Flow, day: SessionDay, by: By): Promise<void> => {
  const { bankCode, accountingDate } = day
  for (const { noticeNo, amount, bankSerial, key } of await flow.store.breakLife.noticeEntries(day)) {
    const code = await flow.store.notices.bookNotice(
      { bankCode, noticeNo, amount, accountingDate, datedBy: 'bank', bankSerial, from: 'file', key },
      flow.printKey(),
      by,
    )
    if (code !== '90000') flow.note({ event: 'trouble', bankCode, code, detail: `another amount under the notice ${noticeNo}` })
  }
}

const policyOf = (flow: Flow, bankCode: string): BankPolicy => {
  const policy = flow.reference().banks.get(bankCode)?.policy
  if (!policy) throw new Error(`the bank ${bankCode} is not in the reference data`)
  return policy
}

/**
 * What follows from the filing calendar; undefined where it has no data of a year that this depends on. That is told loudly by its own check and figure, and
 * holds up nothing else: a break is recorded all the same, and gets its deadline when the calendar has been loaded.
 */
export const ifKnown = <T>(of: () => T): T | undefined => {
  try {
    return of()
  } catch (error) {
    if (error instanceof Fault && error.fault === 'bad-config') return undefined
    throw error
  }
}

/** Until when what this session finds is to be remedied. */
const deadlineAt = (flow: Flow, { accountingDate, workDate }: Pick<SessionDay, 'accountingDate' | 'workDate'>): Date | undefined =>
  ifKnown(() => deadlineOfBreak(flow.reference().calendar, accountingDate, workDate))

const raiseBreaks = async (flow: Flow, day: SessionView, by: By, keep: Keep): Promise<number> => {
  const { bankCode, accountingDate } = day
  const policy = policyOf(flow, bankCode)
  const deadline = deadlineAt(flow, day)
  // A day-end session is held of a day that has ended, though no instruction may have told us so yet; but for the one before a remittance.
  const isOver = day.reason !== beforeRemittance
  const judge = (of: FoundOfTicket) =>
    raise({ ...of, policy, dayOver: isOver || dayHasEnded(accountingDate, policy.dayEnd, of.ticket?.bankDay, by.now) })
  const fresh = await inChunks(
    after => flow.store.breakLife.ticketsToRaise(day, after, listed),
    some => flow.store.breakLife.raise(day, some, judge, deadline, by),
    keep,
  )
  if (fresh > 0 && deadline === undefined)
    flow.note({
      event: 'trouble',
      bankCode,
      count: fresh,
      detail: `breaks without a deadline, the filing calendar lacks a year: ${nameOf(day)}`,
    })
  return fresh
}

/** Gives breaks their deadline that were found while the calendar had no data of the year; returns how many. */
export const dateBreaks = async (flow: Flow): Promise<number> => {
  let dated = 0
  for (const { id, ...day } of await flow.store.breakLife.undated(listed)) {
    const deadline = deadlineAt(flow, day)
    if (deadline && (await flow.store.breakLife.setDeadline(id, deadline))) dated++
  }
  return dated
}

/** Goes through tickets in their order, some in one transaction, and adds up what came of them. */
const inChunks = async (
  list: (after: string) => Promise<readonly string[]>,
  work: (some: readonly string[]) => Promise<number>,
  keep: Keep,
): Promise<number> => {
  let done = 0
  for (let after = ''; ; ) {
    const tickets = await list(after)
    for (let at = 0; at < tickets.length; at += chunk) {
      done += await work(tickets.slice(at, at + chunk))
      await keep()
    }
    if (tickets.length < listed) return done
    after = tickets.at(-1)!
  }
}

/** 对账差异通知: once for a session that has found anything. */
const report = async (flow: Flow, session: SessionView, by: By): Promise<void> => {
  const { counts = {}, bankCode, accountingDate, workDate } = session
  const [officeCode] = flow.reference().offices.keys()
  if (officeCode === undefined || Object.values(counts).every(n => n === 0)) return
  const lines = await flow.store.breakLife.reportLines(session, reportLines)
  if (lines.length === 0) return
  const content = {
    workDate,
    accountingDate,
    session: session.session,
    equalCount: session.equalEntries ?? 0,
    amountDiffers: counts['amount-differs'] ?? 0,
    bankOnly: counts['bank-only'] ?? 0,
    taxOnly: counts['tax-only'] ?? 0,
    stateDiffers: counts['state-differs'] ?? 0,
    duplicates: counts['duplicate-at-bank'] ?? 0,
    reversedOneSide: counts['reversed-one-side'] ?? 0,
    particularsDiffer: counts['particulars-differ'] ?? 0,
    cutOffs: counts['cut-off'] ?? 0,
    inBank: counts['in-bank'] ?? 0,
    lines,
  }
  const subject = `${accountingDate}/${session.session}`
  await flow.store.bankCalls.tellBank([{ bankCode, officeCode, verb: 'differenceReport', subject, content, at: by.now }])
}

const confirmBreaks = async (flow: Flow, day: SessionDay, by: By, keep: Keep): Promise<void> => {
  const { bankCode } = day
  const { reversal, dayEnd } = policyOf(flow, bankCode)
  const how = { reversal, dayEnd, deadline: deadlineAt(flow, day) }
  let raised = 0
  const confirmed = await inChunks(
    after => flow.store.breakLife.ticketsToConfirm(day, after, listed),
    async some => {
      const done = await flow.store.breakLife.confirm(day, some, how, by)
      raised += done.raised
      return done.confirmed
    },
    keep,
  )
  if (raised > 0) flow.note({ event: 'trouble', bankCode, count: raised, detail: `breaks of whole tickets found: ${nameOf(day)}` })
  if (confirmed > 0) flow.note({ event: 'decided', bankCode, count: confirmed, detail: `breaks confirmed by ${nameOf(day)}` })
}

/** Days that were differing become balanced when the last of their breaks is confirmed, without another file. */
const balanceDays = async (flow: Flow, but: SessionDay, now: Date, keep: Keep): Promise<void> => {
  const { bankCode } = but
  for (const day of await flow.store.breakLife.differingDays(bankCode, daysAfter(but.workDate, -backDays))) {
    if (day.accountingDate === but.accountingDate && day.session === but.session) continue
    await keep()
    if (!(await flow.store.breakLife.isDayBalanced(day, keep))) continue
    if (await flow.store.breakLife.balanceDay(day, now)) flow.note({ event: 'decided', bankCode, detail: `balanced: ${nameOf(day)}` })
  }
}

/**
 * 35(5): what the session of the last filing day has found is remedied on the same day and reconciled again, before it is remitted together. As soon as
 * the last remedy is carried out, a second session is opened of the bank's day of now, which shows it. Returns how many were opened.
 */
export const openSecondSessions = async (flow: Flow): Promise<number> => {
  const now = flow.clock()
  const { calendar, banks } = flow.reference()
  const { breakLife, reconciliations } = flow.store
  const since = shanghaiDate(later(now, -backDays * dayMs))
  let opened = 0
  for (const { bankCode, accountingDate } of await breakLife.remediedDays(since)) {
    const policy = banks.get(bankCode)?.policy
    if (!policy || !ifKnown(() => isLastFilingDay(calendar, accountingDate))) continue
    const today = accountingDay(now, policy.dayEnd)
    const after = await breakLife.lastSession(bankCode, today)
    // Of several workers that have found the same one opens it: each looks once more, after the last session that it knows of.
    const still = await breakLife.remediedDays(since)
    if (!still.some(day => day.bankCode === bankCode && day.accountingDate === accountingDate)) continue
    const second = await reconciliations.open({
      after,
      bankCode,
      accountingDate: today,
      workDate: shanghaiDate(now),
      kind: 'day-end',
      openedBy: flow.owner,
      reason: beforeRemittance,
      now,
    })
    if (second) opened++
  }
  return opened
}
