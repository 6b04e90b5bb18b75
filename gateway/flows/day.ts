import { isNearDay } from '../domain/time.ts'
import type { Flow } from './flow.ts'

/** Remembers the accounting date (会计日期) a bank has named, so that every process knows when its day is over (art. 35(1)); one that cannot be is not believed. */
export const seeDay = async (flow: Flow, bankCode: string, day: string | undefined, now: Date): Promise<void> => {
  if (day !== undefined && isNearDay(day, now)) await flow.store.sawDay(bankCode, day, now)
}
