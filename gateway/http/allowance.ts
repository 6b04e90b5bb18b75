/** How often somebody may do something in a window of time. */
export type Allowance = {
  /** Counts one of `who` at `now` (ms): 0, or in how many milliseconds the next may be. */
  take(who: string, now: number): number
}

/** So many that their windows are looked through before another is remembered. */
const mostKnown = 10_000

/** `most` for each, and `mostOfAll` together, in each window of `ms`. */
export const openAllowance = (most: number, mostOfAll: number, ms: number): Allowance => {
  type Window = { count: number; readonly until: number }
  const windows = new Map<string, Window>()
  let all: Window = { count: 0, until: 0 }
  return {
    take: (who, now) => {
      if (all.until <= now) all = { count: 0, until: now + ms }
      const known = windows.get(who)
      const own = known && known.until > now ? known : { count: 0, until: now + ms }
      const full = own.count >= most ? own : all.count >= mostOfAll ? all : undefined
      if (full) return full.until - now
      if (windows.size >= mostKnown) for (const [name, { until }] of windows) if (until <= now) windows.delete(name)
      // Strangers in such numbers are all one to us.
      if (windows.size < mostKnown || known) windows.set(who, own)
      own.count++
      all.count++
      return 0
    },
  }
}
