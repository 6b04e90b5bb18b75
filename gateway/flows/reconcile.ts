import { Fault, type RequestOf, type UnifiedCode } from '@taxlink/bank-sdk'
import type { BankPolicy } from '../domain/bank.ts'
import { bookingVerbs, type Total, type Totals } from '../domain/booking.ts'
import { FileRefused } from '../domain/file-fault.ts'
import { openCities } from '../domain/reference.ts'
import { sessionRules } from '../domain/session.ts'
import { dayHasEnded, endOfDay, later, shanghaiDate } from '../domain/time.ts'
import type { SessionKey } from '../store/differences.ts'
import type { Change, Held, SessionView } from '../store/reconciliations.ts'
import { ask } from './ask.ts'
import { beatEvery } from './beat.ts'
import { book } from './book.ts'
import type { Flow } from './flow.ts'
import { type DetailFile, matchFile } from './match.ts'
import { settleSession } from './session-breaks.ts'

// 日终对账: opens the sessions of each bank's day and brings them, step by step, from the doubts to the differences. Each step is a move of its own
// under the session's fence, so that another worker goes on where one was broken off.

/** Where the banks' files come from. */
export type FileSource = {
  /** Asks the bank for the file of a session, the first time or (with a reason) again; the same asked twice is asked once. */
  ask(session: SessionView, why: string | undefined, now: Date): Promise<void>
  /** The whole file of a session, all its parts, as soon as it is there. */
  find(at: SessionKey): Promise<DetailFile | undefined>
}

const dayMs = 86_400_000

/**
 * Opens the session of each bank day that has ended, once: of the banks that get debits, and wherever something is booked; and a further one where a
 * result has come after the last was frozen, or nobody would ever hold it against the bank's file, and where the bank was asked for the file of one that is
 * over and has sent another. Returns how many.
 */
export const openSessions = async (flow: Flow): Promise<number> => {
  const now = flow.clock()
  const { banks } = flow.reference()
  const active = new Set(openCities(flow.reference()).flatMap(({ bankCode, count }) => (count > 0 ? [bankCode] : [])))
  const today = shanghaiDate(now)
  const dates = Array.from({ length: sessionRules.daysBack + 1 }, (_, back) => shanghaiDate(later(now, -back * dayMs)))
  const { bookings, files, reconciliations } = flow.store
  const oldest = dates.at(-1)!
  const [booked, activeSince, first] = await Promise.all([
    bookings.daysSince(oldest),
    files.activeSince(),
    reconciliations.firstDays(oldest),
  ])
  const withBookings = new Set(booked)
  let opened = 0
  for (const { code: bankCode, policy } of banks.values()) {
    const ended = dates.filter(date => dayHasEnded(date, policy.dayEnd, flow.accountingDate(bankCode), now))
    for (const accountingDate of ended) {
      const from = activeSince.get(bankCode)
      // Also of a day on which no worker was there: the bank's own entries may be all there is of it.
      const isNext = accountingDate === ended[0] || accountingDate > (first.get(bankCode) ?? accountingDate)
      const isDue = isNext && active.has(bankCode) && from !== undefined && accountingDate > shanghaiDate(from)
      if (!isDue && !withBookings.has(`${bankCode}/${accountingDate}`)) continue
      const opening = {
        bankCode,
        accountingDate,
        workDate: today,
        kind: 'day-end',
        openedBy: flow.owner,
        reason: 'by the calendar',
      } as const
      if (await reconciliations.open({ ...opening, now, once: true })) opened++
    }
  }
  const since = shanghaiDate(later(now, -sessionRules.lateDays * dayMs))
  // No worker was there for longer than days are looked back on, or a bank has named a day long past: what is booked then has to be looked at all the same.
  for (const { bankCode, accountingDate } of await reconciliations.unheld(since, oldest)) {
    const opening = { bankCode, accountingDate, workDate: today, kind: 'day-end', openedBy: flow.owner, reason: 'by the calendar' } as const
    if (banks.has(bankCode) && (await reconciliations.open({ ...opening, now, once: true }))) opened++
  }
  const again = async (days: readonly SessionKey[], reason: string): Promise<void> => {
    for (const day of days) {
      // A day that goes on has its session at its end.
      const policy = banks.get(day.bankCode)?.policy
      if (!policy || !dayHasEnded(day.accountingDate, policy.dayEnd, flow.accountingDate(day.bankCode), now)) continue
      const opening = { ...day, workDate: today, kind: 'day-end', openedBy: flow.owner, reason } as const
      if (await reconciliations.open({ ...opening, now, after: day.session })) opened++
    }
  }
  await again(await reconciliations.late(since, later(now, -sessionRules.lateMs)), 'booked after the last session')
  await again(await reconciliations.resent(since), 'the bank has sent its file anew')
  return opened
}

/** Brings sessions that are due as far as they come; returns how many steps were made. Any number of workers may do so: each session is one's at a time. */
export const reconcile = async (flow: Flow, files: FileSource): Promise<number> => {
  const { reconciliations } = flow.store
  let steps = 0
  // One that waits for a bank without an answer is due again at once: a round has an end all the same.
  const end = later(flow.clock(), sessionRules.roundMs)
  for (;;) {
    const now = flow.clock()
    if (now >= end) return steps
    const held = await reconciliations.claim(flow.owner, now, later(now, flow.leaseMs))
    if (!held) return steps
    steps++
    const { bankCode } = held.session
    try {
      const moved = await step(flow, files, held)
      flow.note({ event: moved ? 'reconciled' : 'stale', bankCode, detail: `${nameOf(held.session)} ${held.session.state}` })
    } catch (error) {
      // The lease runs out, and whoever comes then tries again.
      flow.note({ event: 'trouble', bankCode, detail: `${nameOf(held.session)}: ${String(error)}` })
    }
  }
}

const nameOf = ({ bankCode, accountingDate, session }: SessionKey): string => `session ${session} of ${accountingDate} at ${bankCode}`

/** One step, by what the session has come to. False: it was not ours any more. */
const step = (flow: Flow, files: FileSource, held: Held): Promise<boolean> => {
  switch (held.session.state) {
    case 'opened':
      return held.session.kind === 'intraday' ? freeze(flow, held) : settle(flow, held)
    case 'settling':
      return settle(flow, held)
    case 'frozen':
      return compareTotals(flow, files, held)
    case 'awaited':
      return lookForFile(flow, files, held)
    case 'taken':
      return match(flow, files, held)
    case 'matched':
      return weigh(flow, held)
    case 'balanced':
    case 'differing':
    case 'withdrawn':
      return flow.store.reconciliations.move(held, undefined, { next: null })
  }
}

const policyOf = (flow: Flow, { bankCode }: SessionKey): BankPolicy => {
  const bank = flow.reference().banks.get(bankCode)
  if (!bank) throw new Error('the bank is not in the reference data')
  return bank.policy
}

/** Instructions that were sent before this may stand on the session's accounting date. */
const endOf = (flow: Flow, { bankCode, accountingDate }: SessionKey): Date =>
  endOfDay(accountingDate, policyOf(flow, { bankCode, accountingDate, session: 0 }).dayEnd)

/**
 * Doubts of the day are asked about first, all at once. Those that wait for a person do not hold the session up, nor does any beyond its time: what is
 * still open then is no booking, is counted with the session, and the bank's own file is evidence about it.
 */
const settle = async (flow: Flow, held: Held): Promise<boolean> => {
  const { session } = held
  const { reconciliations } = flow.store
  const now = flow.clock()
  const sentBefore = endOf(flow, session)
  const { asked } = await reconciliations.doubts(session.bankCode, sentBefore)
  if (asked === 0 || now >= later(session.openedAt, sessionRules.settleMs)) return freeze(flow, held)
  if (session.state === 'opened') await reconciliations.hastenDoubts(session.bankCode, sentBefore, now)
  return reconciliations.move(held, session.state === 'opened' ? 'settle' : undefined, { next: later(now, sessionRules.lookMs) })
}

/** Books all that the feed has told by now, and fixes what belongs to the session: position and totals of one moment. */
const freeze = async (flow: Flow, held: Held): Promise<boolean> => {
  const { session } = held
  const { bookings, reconciliations } = flow.store
  const end = await bookings.feedEnd()
  await book(flow)
  const now = flow.clock()
  // Another process is at it.
  if ((await bookings.cursor()).resultSeq < end) return reconciliations.move(held, undefined, { next: later(now, sessionRules.lookMs) })
  const { asked, persons } = await reconciliations.doubts(session.bankCode, endOf(flow, session))
  const { seq, totals } = await bookings.freeze(session.bankCode, session.accountingDate)
  return reconciliations.move(held, 'freeze', { frozen: { seq, totals, at: now }, doubts: asked + persons, next: now })
}

const none: Total = { entries: 0, amount: 0n }
const told = (
  totals: Totals,
): Omit<RequestOf<'totals'>, 'officeCode' | 'entrustDate' | 'serialNo' | 'workDate' | 'accountingDate' | 'session' | 'kind'> => {
  const { debit = none, supplementaryDebit = none, reversal = none, adjustment = none } = totals
  return {
    debitCount: debit.entries,
    debitSum: Number(debit.amount),
    supplementaryCount: supplementaryDebit.entries,
    supplementarySum: Number(supplementaryDebit.amount),
    reversalCount: reversal.entries,
    reversalSum: Number(reversal.amount),
    adjustmentCount: adjustment.entries,
    adjustmentSum: Number(adjustment.amount),
  }
}
type TotalsReply = {
  readonly [F in keyof ReturnType<typeof told>]?: number | undefined
}
/** The bank's own totals, where it told any. */
const heard = (reply: TotalsReply): Totals | undefined => {
  const pairs = {
    debit: [reply.debitCount, reply.debitSum],
    supplementaryDebit: [reply.supplementaryCount, reply.supplementarySum],
    reversal: [reply.reversalCount, reply.reversalSum],
    adjustment: [reply.adjustmentCount, reply.adjustmentSum],
  } as const
  const said = bookingVerbs.flatMap(verb => {
    const [entries, amount] = pairs[verb]
    return entries === undefined || amount === undefined ? [] : [[verb, { entries, amount: BigInt(amount) }] as const]
  })
  return said.length === 0 ? undefined : Object.fromEntries(said)
}
/** Whether two totals are the same, where the bank told its own. */
const sameTotals = (ours: Totals, theirs: Totals): boolean =>
  bookingVerbs.every(verb => {
    const [a, b] = [ours[verb] ?? none, theirs[verb] ?? none]
    return a.entries === b.entries && a.amount === b.amount
  })

/** Whether the bank has said of a day that it has other totals than the gateway: by the figures that it told, or in so many words. */
const differsInTotals = ({ totals = {}, bankTotals, totalsCode }: SessionView): boolean =>
  bankTotals
    ? !sameTotals(Object.fromEntries(bookingVerbs.flatMap(verb => (bankTotals[verb] ? [[verb, totals[verb] ?? none]] : []))), bankTotals)
    : totalsCode === '93004'

/**
 * The totals of both sides are told. A bank that cannot tell its own goes on to its file; within the day nothing follows but the comparison. The message
 * keeps its key until it is answered.
 */
const compareTotals = async (flow: Flow, files: FileSource, held: Held): Promise<boolean> => {
  const { session } = held
  const { reconciliations } = flow.store
  const { timeoutMs } = policyOf(flow, session)
  const [officeCode] = flow.reference().offices.keys()
  const entrustDate = shanghaiDate(flow.clock())
  const key = session.key ?? {
    officeCode: officeCode ?? '',
    entrustDate,
    serialNo: await flow.store.takeSerial(officeCode ?? '', entrustDate),
  }
  const until = later(flow.clock(), timeoutMs + flow.leaseMs)
  if (!(await reconciliations.move(held, undefined, { key, next: flow.clock() }, until))) return false
  const totals = session.totals ?? {}
  const message: RequestOf<'totals'> = {
    ...key,
    workDate: session.workDate,
    accountingDate: session.accountingDate,
    session: session.session,
    kind: session.kind === 'day-end' ? 'final' : 'intraday',
    ...told(totals),
  }
  const said = await ask(flow, session.bankCode, 'totals', message, timeoutMs)
  const now = flow.clock()
  const isLate = now >= later(session.openedAt, sessionRules.settleMs + sessionRules.totalsMs)
  const again =
    said.kind === 'doubtful' || said.kind === 'undelivered' || (said.kind === 'answered' && said.reply.result.class === 'unknown')
  if (again && !isLate) return reconciliations.move(held, undefined, { next: later(now, sessionRules.lookMs) })
  const bankTotals = said.kind === 'answered' ? heard(said.reply) : undefined
  const code: UnifiedCode | undefined = said.kind === 'answered' ? said.reply.result.code : undefined
  const change: Change = { ...(bankTotals ? { bankTotals } : {}), ...(code === undefined ? {} : { totalsCode: code }), next: now }
  if (session.kind === 'day-end') {
    await files.ask(session, undefined, now)
    return reconciliations.move(held, 'await', change)
  }
  if (code === undefined) return reconciliations.move(held, 'withdraw', { ...change, done: now, next: null })
  const agrees = bankTotals ? sameTotals(totals, bankTotals) : code === '90000'
  return reconciliations.move(held, agrees ? 'balance' : 'differ', { ...change, done: now, next: null })
}

/** A file that was refused stays refused: another has to come. */
const lookForFile = async (flow: Flow, files: FileSource, held: Held): Promise<boolean> => {
  const { session } = held
  const file = await files.find(session)
  const now = flow.clock()
  const isNew = file !== undefined && (session.fileFault === undefined || file.sha256 !== session.fileSha256)
  if (!isNew) return flow.store.reconciliations.move(held, undefined, { next: later(now, sessionRules.fileMs) })
  return flow.store.reconciliations.move(held, 'take', { file, fileFault: null, next: now })
}

/** The session was taken from us while we worked on it. */
class Lost extends Error {}

const match = async (flow: Flow, files: FileSource, held: Held): Promise<boolean> => {
  const { session } = held
  const { reconciliations, ledger } = flow.store
  if (!(await reconciliations.clear(held))) return false
  const file = await files.find(session)
  if (file?.sha256 !== session.fileSha256 || session.frozenSeq === undefined || session.totals === undefined || !file)
    return reconciliations.move(held, 'refuse', { fileFault: 'superseded', next: flow.clock() })
  const beat = beatEvery(flow.clock, flow.leaseMs / 3, async now => {
    if (!(await reconciliations.renew(held, later(now, flow.leaseMs)))) throw new Lost()
  })
  let next = 1
  try {
    const { last, equal, counts } = await matchFile({
      ledger,
      key: flow.printKey(),
      at: session,
      frozen: { seq: session.frozenSeq, totals: session.totals },
      file,
      beat,
      write: async found => {
        if (!(await reconciliations.write(held, found, next))) throw new Lost()
        next += found.length
      },
    })
    const now = flow.clock()
    return await reconciliations.match(held, last, next, { matched: { at: now, equal, counts }, next: now })
  } catch (error) {
    if (error instanceof Lost) return false
    if (!(error instanceof FileRefused || error instanceof Fault)) throw error
    if (!(await reconciliations.clear(held))) return false
    const now = flow.clock()
    flow.note({ event: 'file-refused', bankCode: session.bankCode, detail: `${nameOf(session)}: ${error.message}` })
    await files.ask(session, error.message, now)
    return reconciliations.move(held, 'refuse', { fileFault: error.message, next: later(now, sessionRules.fileMs) })
  }
}

/**
 * What a session of a day's end has found becomes breaks, and what it shows confirms others; balanced is it when every difference of it is explained. One
 * within the day raises nothing: it may show what is under way.
 */
const weigh = async (flow: Flow, held: Held): Promise<boolean> => {
  const { reconciliations } = flow.store
  const { session } = held
  const found = Object.values(session.counts ?? {}).some(count => count > 0)
  const beat = async (): Promise<boolean> => reconciliations.renew(held, later(flow.clock(), flow.leaseMs))
  const isDayEnd = session.kind === 'day-end'
  // Every line of its file is as booked, and yet it has said that its books come to something else: what it left out of the file only it can say.
  if (isDayEnd && !found && differsInTotals(session))
    flow.note({
      event: 'trouble',
      bankCode: session.bankCode,
      detail: `the bank’s totals are not those of its own file: ${nameOf(session)}`,
    })
  const balanced = isDayEnd ? await settleSession(flow, session, beat) : !found
  const moved = await reconciliations.move(held, balanced ? 'balance' : 'differ', { done: flow.clock(), next: null })
  // The session of another day, in other hands, may have confirmed the last of its breaks just now, and passed it by because it did not differ yet.
  if (moved && isDayEnd && !balanced && (await flow.store.breakLife.isDayBalanced(session)))
    await flow.store.breakLife.balanceDay(session, flow.clock())
  return moved
}

/** How many sessions of the last week stand in each state. */
export const sessionStates = (flow: Flow): Promise<{ readonly [state: string]: number }> =>
  flow.store.reconciliations.states(shanghaiDate(later(flow.clock(), -sessionRules.daysBack * dayMs)))
