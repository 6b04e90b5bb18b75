import { isNearDay } from '../domain/time.ts'
import type { Flow } from './flow.ts'

/**
 * The accounting date under which a bank says that it has an instruction; one that cannot be is none, for everything that asks when that day is over would wait
 * for it: somebody hears of it, and our clock counts.
 */
export const namedDay = (
  flow: Pick<Flow, 'note'>,
  about: { readonly bankCode: string; readonly ticketNo: string },
  day: string | undefined,
  now: Date,
): string | undefined => {
  if (day === undefined || isNearDay(day, now)) return day
  const { bankCode, ticketNo } = about
  flow.note({ event: 'trouble', bankCode, ticketNo, detail: `the accounting date that the bank named cannot be: ${day}` })
  return undefined
}

/** Remembers the accounting date (会计日期) a bank has named, so that every process knows when its day is over (art. 35(1)); one that cannot be is not believed. */
export const seeDay = async (flow: Flow, bankCode: string, day: string | undefined, now: Date): Promise<void> => {
  if (day !== undefined && isNearDay(day, now)) await flow.store.sawDay(bankCode, day, now)
}
