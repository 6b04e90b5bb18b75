/** How often somebody may do something in a window of time. */
export type Allowance = {
  /** Counts one of `who` at `now` (ms): 0, or in how many milliseconds the next may be. */
  take(who: string, now: number): number
  /** Gives one back that was not of the kind that counts. */
  giveBack(who: string): void
}

/** The machine an address belongs to: of IPv6 its /64, since one machine may have all of that. */
export const machineOf = (address: string): string => {
  const mapped = /^::ffff:([\d.]+)$/i.exec(address)?.[1]
  if (mapped !== undefined || !address.includes(':')) return mapped ?? address
  const [front = [], back = []] = address.split('::').map(part => part.split(':').filter(group => group !== ''))
  const groups = [...front, ...Array.from({ length: 8 - front.length - back.length }, () => '0'), ...back]
  return groups
    .slice(0, 4)
    .map(group => Number.parseInt(group, 16).toString(16))
    .join(':')
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
    giveBack: who => {
      const own = windows.get(who)
      if (own && own.count > 0) own.count--
    },
  }
}
