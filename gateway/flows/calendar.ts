import type { Outcome } from '@taxlink/bank-sdk'
import { finish, turn } from '../domain/agreement-steps.ts'
import { dayAfter, dayBefore, later, monthAfter, shanghaiDate } from '../domain/time.ts'
import type { Pending } from '../store/agreement-reads.ts'
import type { Agreement, Deed } from '../store/agreements.ts'
import { ask } from './ask.ts'
import type { Flow } from './flow.ts'
import { notDecided } from './tell.ts'

// What the calendar does to agreements, whichever worker comes first: each step is a move of its own, so that it goes on where it was broken off.

const chunk = 200
/**
 * How long an agreement that is to end is left alone: a debit that had passed the gate before may still be on its way into the record, for as long as a
 * statement may wait for its answer.
 */
export const endGraceMs = 60_000

/** Activates and renews what is due today (art. 8(4), annex 2 §14); returns how many. What lapses comes to its end like any other. */
export const turnCalendar = async (flow: Flow): Promise<number> => {
  const now = flow.clock()
  let turned = 0
  for (;;) {
    const due = await flow.store.agreements.dueOn(shanghaiDate(now), chunk)
    let moved = 0
    for (const agreementNo of due) {
      const decide = (agreement: Parameters<typeof turn>[0]): Deed => ({
        stepping: turn(agreement, now) ?? 'repeated',
        reason: 'by the calendar',
      })
      if ((await flow.store.agreements.move(agreementNo, decide, { now, actor: flow.owner })).kind === 'moved') moved++
    }
    turned += moved
    // What another worker moves meanwhile is not found again; what cannot be moved must not be tried for ever.
    if (due.length < chunk || moved === 0) return turned
  }
}

/**
 * Ends what is to end, or whose year is over and was objected to, as soon as nothing is pending under it (art. 10, annex 2 §14), and the banks are told;
 * returns how many.
 */
export const endAgreements = async (flow: Flow): Promise<number> => {
  const now = flow.clock()
  const before = later(now, -endGraceMs)
  const { agreements } = flow.store
  return (
    (await moveAll(
      flow,
      (after, limit) => agreements.endable(before, after, limit),
      agreement => ({ stepping: finish(agreement), reason: 'nothing is pending under it' }),
      now,
    )) +
    (await moveAll(
      flow,
      (after, limit) => agreements.lapsable(shanghaiDate(before), after, limit),
      agreement => ({ stepping: turn(agreement, now) ?? 'repeated', reason: 'its year is over, and somebody objected' }),
      now,
    ))
  )
}

/** Moves page by page what a read finds; returns how many moved. */
const moveAll = async (
  flow: Flow,
  read: (after: number, limit: number) => Promise<Pending>,
  decide: (agreement: Agreement) => Deed,
  now: Date,
): Promise<number> => {
  let moved = 0
  for (let after = 0; ; ) {
    const { found, last } = await read(after, chunk)
    for (const agreementNo of found)
      if ((await flow.store.agreements.move(agreementNo, decide, { now, actor: flow.owner })).kind === 'moved') moved++
    if (last === undefined) return moved
    after = last
  }
}

/** How many days of the next month a comparison is made up for that no worker was there to make. */
const catchUpDays = 5

/** The month whose end is to be compared on a day, and whether that is made up for; undefined: none. */
export const monthToCompare = (day: string): { readonly month: string; readonly late: boolean } | undefined => {
  if (dayAfter(day) === monthAfter(day)) return { month: day.slice(0, 7), late: false }
  return Number(day.slice(8)) <= catchUpDays ? { month: dayBefore(`${day.slice(0, 7)}-01`).slice(0, 7), late: true } : undefined
}

/**
 * On the last day of a month each bank is told how many bindings it should hold, and the digest of their list (art. 44); where no worker ran on that day,
 * on one of the next. Returns how many were told.
 */
export const syncMonth = async (flow: Flow): Promise<number> => {
  const now = flow.clock()
  const today = shanghaiDate(now)
  const { agreements } = flow.store
  const compare = monthToCompare(today)
  if (compare) for (const bankCode of flow.reference().banks.keys()) await agreements.beginSync({ bankCode, ...compare }, now)
  let told = 0
  for (const sync of await agreements.dueSyncs(now)) {
    const policy = flow.reference().banks.get(sync.bankCode)?.policy
    const [officeCode] = flow.reference().offices.keys()
    if (!policy || officeCode === undefined) continue
    const key = sync.key ?? { entrustDate: today, serialNo: await flow.store.takeSerial(officeCode, today) }
    const leaseUntil = later(now, policy.timeoutMs + flow.leaseMs)
    if (!(await agreements.claimSync(sync, key, now, leaseUntil))) continue
    const { inForce, suspended, digest } = sync
    const message = { officeCode, ...key, month: sync.month.replace('-', ''), inForce, suspended, digest }
    const said = await ask(flow, sync.bankCode, 'monthlySync', message, policy.timeoutMs)
    const result = said.kind === 'answered' ? said.reply.result : undefined
    const code = result?.code
    // Nobody answers for a bank that does not know this message.
    const over = result ? isCompared(result) : said.kind === 'unsendable'
    await agreements.settleSync(sync, code, over ? undefined : later(flow.clock(), 300_000))
    if (over && code !== undefined && code !== '90000')
      flow.note({ event: 'trouble', bankCode: sync.bankCode, code, detail: `the bank holds other bindings than we do: ${sync.month}` })
    told++
  }
  return told
}

/** Whether a bank has compared; else it is asked again: it was closed, or does not know yet. */
const isCompared = ({ class: kind, code }: Outcome): boolean => (kind === 'succeeded' || kind === 'refused') && !notDecided.has(code)
