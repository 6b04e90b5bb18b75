import { clocksApartMs } from '../store/clock.ts'
import type { Note } from './flow.ts'
import { type Look, openLook } from './look.ts'

/** What watches the clock of a process. */
export type ClockWatch = Look & {
  /** Whether the clock agreed with the record's when that was last seen. */
  readonly isTimely: () => boolean
}

/**
 * Watches the clock of this process: `ahead` says how far it is ahead of the record's (ms). Resolves when it has looked once, so that nothing begins before.
 * A record that is away leaves the verdict as it was: nothing can be claimed from it meanwhile. Turns are noted, not every look.
 */
export const watchClock = async (ahead: () => Promise<number>, note: (note: Note) => void, everyMs = 1_000): Promise<ClockWatch> => {
  let isTimely = true
  const look = async (): Promise<void> => {
    const ms = await ahead()
    const agrees = Math.abs(ms) <= clocksApartMs
    if (agrees === isTimely) return
    isTimely = agrees
    const off = `${Math.round(Math.abs(ms) / 1000)} s ${ms > 0 ? 'ahead of' : 'behind'}`
    const detail = agrees
      ? 'the clock of this process agrees with that of the database again: it begins calls of banks as ever'
      : `the clock of this process is ${off} that of the database: it begins nothing at banks until that is put right, see to NTP`
    note({ event: 'trouble', detail })
  }
  await look()
  const looks = openLook(everyMs, look, () => {})
  return { isTimely: () => isTimely, close: () => looks.close() }
}
