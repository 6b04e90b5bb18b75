import { openCities } from '../domain/reference.ts'
import { dayHasEnded, later, shanghaiDate } from '../domain/time.ts'
import type { Flow } from './flow.ts'

/** How long after its day-end a bank may take for its file before somebody is told. */
const graceMs = 2 * 3_600_000
const dayMs = 86_400_000
/** How far back a missing file is told of. */
const daysBack = 7

/** A bank day of which no whole file is there, though it is over, or not that of a session which waits for it: also a day without a record has its file. */
export type MissingFile = { readonly bankCode: string; readonly accountingDate: string }

/**
 * The files that should be there by now: of the banks that get debits, each from the day after that on which its first city was opened; and of sessions that
 * were opened in these days, by whomever, and wait for a file, or for another than the one that was refused.
 */
export const missingFiles = async (flow: Flow): Promise<MissingFile[]> => {
  const now = flow.clock()
  const days = Array.from({ length: daysBack }, (_, i) => shanghaiDate(later(now, (i - daysBack + 1) * dayMs)))
  const due = later(now, -graceMs)
  const [there, since, awaiting] = await Promise.all([
    flow.store.files.daysWithFile(days[0]!),
    flow.store.files.activeSince(),
    flow.store.reconciliations.awaiting(later(now, -daysBack * dayMs), due),
  ])
  const { banks } = flow.reference()
  const missing = openCities(flow.reference()).flatMap(({ bankCode, count }) => {
    const [opened, policy] = [since.get(bankCode), banks.get(bankCode)?.policy]
    if (count === 0 || opened === undefined || policy === undefined) return []
    return days.flatMap(accountingDate =>
      accountingDate > shanghaiDate(opened) &&
      dayHasEnded(accountingDate, policy.dayEnd, undefined, due) &&
      !there.has(`${bankCode} ${accountingDate}`)
        ? [{ bankCode, accountingDate }]
        : [],
    )
  })
  const known = new Set(missing.map(({ bankCode, accountingDate }) => `${bankCode} ${accountingDate}`))
  return [...missing, ...awaiting.filter(({ bankCode, accountingDate }) => !known.has(`${bankCode} ${accountingDate}`))]
}

/** Tells of each file that is missing, once an hour and process: `told` keeps when. A day without its file is never balanced. */
export const tellOfMissing = async (flow: Flow, told: Map<string, number>): Promise<number> => {
  const now = flow.clock().getTime()
  const missing = await missingFiles(flow)
  for (const { bankCode, accountingDate } of missing) {
    const key = `${bankCode} ${accountingDate}`
    if (now - (told.get(key) ?? Number.NEGATIVE_INFINITY) < 3_600_000) continue
    told.set(key, now)
    flow.note({ event: 'file-missing', bankCode, file: accountingDate })
  }
  return missing.length
}
