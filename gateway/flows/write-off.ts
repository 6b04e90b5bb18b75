import { isLastFilingDay, workingDayFrom } from '../domain/calendar-days.ts'
import { feeFor } from '../domain/fee.ts'
import { later, shanghaiDate, shanghaiTime } from '../domain/time.ts'
import { deadlineOf, destinationOf, groupVouchers, objectionToVoucher } from '../domain/voucher.ts'
import { noon, objectionToWriteOff } from '../domain/write-off.ts'
import type { Found } from '../store/candidates.ts'
import type { DayStanding } from '../store/vouchers.ts'
import type { BalancedDay, Batch } from '../store/write-offs.ts'
import type { Flow } from './flow.ts'

// 上解销号 at noon, and the vouchers after it (art. 6(3), 36, 37): whichever worker comes first. Each step is a transaction of its own under the lease of the
// batch, so that it goes on where it was broken off and nothing is done twice.

const chunk = 500
/** How long a batch is left alone that somebody has begun and not gone on with; each step begins it anew. */
const leaseMs = 60_000

const judge = (found: Found) => {
  const { ticket, bank, channel, isFixedQuota } = found
  const reversed = ticket.amount - Number(bank)
  return { objection: objectionToWriteOff(found), fee: feeFor({ channel, isFixedQuota, state: 'written-off', reversed }) }
}

const leaseFrom = (now: Date) => ({ now, leaseUntil: later(now, leaseMs) })

/**
 * Writes off what is balanced, from noon on (or from another time of the day), and what becomes balanced later at once; returns how many bank days were
 * worked on.
 */
export const writeOffDue = async (flow: Flow, from = noon): Promise<number> => {
  const now = flow.clock()
  const today = shanghaiDate(now)
  if (shanghaiTime(now).slice(11, 16) < from) return 0
  let worked = 0
  for (const day of await flow.store.writeOffs.dueDays(today, now)) if (await writeOffDay(flow, day)) worked++
  return worked
}

/** Works on one bank day, unless somebody else does; one that fails is noted, and does not keep the others waiting. */
const writeOffDay = async (flow: Flow, day: BalancedDay): Promise<boolean> => {
  const { bankCode, accountingDate } = day
  try {
    const now = flow.clock()
    const batch = await flow.store.writeOffs.begin(day, flow.owner, shanghaiDate(now), leaseFrom(now))
    if (!batch) return false
    const marked = await markAll(flow, batch)
    if (!marked) return false
    const made = await makeVouchers(flow, batch)
    if (made === undefined) return false
    // What was written off and has a break since stands in no voucher: it waits like what was not written off.
    const heldBack = marked.heldBack + (await flow.store.vouchers.notSummed(bankCode, accountingDate))
    if (!(await flow.store.writeOffs.finish(batch, heldBack, flow.clock()))) return false
    flow.note({
      event: 'written-off',
      bankCode,
      count: marked.written,
      detail: `${accountingDate}: ${made} vouchers, ${heldBack} tickets held back`,
    })
    return true
  } catch (error) {
    flow.note({ event: 'trouble', bankCode, detail: `write-off of ${accountingDate}: ${String(error)}` })
    return false
  }
}

const markAll = async (flow: Flow, batch: Batch): Promise<{ readonly written: number; readonly heldBack: number } | undefined> => {
  let [written, heldBack] = [0, 0]
  for (let after: number | undefined = 0; after !== undefined; ) {
    const part = await flow.store.writeOffs.writeOff(batch, after, chunk, judge, leaseFrom(flow.clock()))
    if (part.kind === 'lost') return undefined
    written += part.written
    heldBack += part.heldBack
    after = part.last
  }
  return { written, heldBack }
}

/**
 * Makes the vouchers of a bank day; undefined: it has to be tried again, by whoever has the batch then. What stands in the way of one treasury does not
 * keep the others waiting.
 */
const makeVouchers = async (flow: Flow, batch: Batch): Promise<number | undefined> => {
  const { bankCode, accountingDate } = batch
  const { vouchers } = flow.store
  const groups = await vouchers.groups(batch)
  if (groups.length === 0) return 0
  const { calendar } = flow.reference()
  const isLast = isLastFilingDay(calendar, accountingDate)
  const closed = (standing: DayStanding) => objectionToVoucher({ ...standing, isLastFilingDay: isLast })
  const why = closed(await vouchers.dayStanding(bankCode, accountingDate))
  if (why) return refuse(flow, bankCode, `no voucher of ${accountingDate}: ${why.en}`)
  let [made, refused] = [0, false]
  for (const group of groups) {
    const now = flow.clock()
    const numberedOn = shanghaiDate(now)
    const destination = destinationOf(flow.reference(), bankCode, group.treasuryCode, numberedOn)
    if ('rule' in destination) {
      refuse(flow, bankCode, `no voucher for treasury ${group.treasuryCode}: ${destination.en}`)
      refused = true
      continue
    }
    const deadline = deadlineOf(now, day => workingDayFrom(calendar, day))
    for (const draft of groupVouchers(await vouchers.groupRows(batch, group))) {
      const voucher = { draft, destination, numberedOn, workDate: shanghaiDate(deadline), deadline }
      if ((await vouchers.make(batch, voucher, standing => !closed(standing), leaseFrom(now))) === undefined) return undefined
      made++
    }
  }
  return refused ? undefined : made
}
const refuse = (flow: Flow, bankCode: string, detail: string): undefined => {
  flow.note({ event: 'trouble', bankCode, detail })
  return undefined
}
