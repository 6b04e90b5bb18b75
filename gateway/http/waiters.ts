import { type DebitState, debitMachine } from '../domain/debit.ts'

/** Requests that wait for the outcome of an instruction (art. 16), all on one timer. */
export type Waiters = {
  /** Resolves to true when the instruction of this key is settled for good, to false after `ms` milliseconds or when the server closes. */
  wait(key: string, ms: number): Promise<boolean>
  /** Told of every commit; only a final state wakes anybody. */
  readonly settled: (key: string, state: DebitState) => void
  /** How many wait. */
  readonly count: number
  /** Lets everybody go, now and from now on. */
  close(): void
}

type Waiter = { readonly key: string; readonly until: number; readonly wake: (settled: boolean) => void }
type Settled = { readonly key: string; readonly state: DebitState }

// Time in slices of 50 ms: a wait ends at most one slice late. Every tenth slice the record is asked.
const sliceMs = 50
const slicesPerPoll = 10

/**
 * Opens the waiting room. `find` asks the record about all that is waited for at once, each 500 ms: another process may have settled them.
 * The timer runs only while somebody waits. `most` may wait; one more is let go at once.
 */
export const openWaiters = (find: (keys: readonly string[]) => Promise<readonly Settled[]>, most = 10_000): Waiters => {
  const byKey = new Map<string, Set<Waiter>>()
  const bySlice = new Map<number, Set<Waiter>>()
  let count = 0
  let closed = false
  let timer: NodeJS.Timeout | undefined
  let slice = 0
  let polling = false

  const sliceOf = (at: number): number => Math.ceil(at / sliceMs)
  const drop = <K>(map: Map<K, Set<Waiter>>, key: K, waiter: Waiter): void => {
    const set = map.get(key)
    if (set?.delete(waiter) && set.size === 0) map.delete(key)
  }
  const release = (waiter: Waiter, settled: boolean): void => {
    drop(byKey, waiter.key, waiter)
    drop(bySlice, waiter.until, waiter)
    count--
    waiter.wake(settled)
    if (count > 0 || !timer) return
    clearInterval(timer)
    timer = undefined
  }
  const settled = (key: string, state: DebitState): void => {
    if (!debitMachine.isFinal(state)) return
    for (const waiter of byKey.get(key) ?? []) release(waiter, true)
  }
  const poll = async (): Promise<void> => {
    if (polling) return
    polling = true
    try {
      for (const found of await find([...byKey.keys()])) settled(found.key, found.state)
    } catch {
      // The record is away; whoever waits is let go when its time is over, and the record is asked again until then.
    } finally {
      polling = false
    }
  }
  const tick = (): void => {
    const now = Math.floor(performance.now() / sliceMs)
    // Every slice since the last tick: a busy process may have missed some.
    while (slice < now) {
      slice++
      for (const waiter of bySlice.get(slice) ?? []) release(waiter, false)
      if (slice % slicesPerPoll === 0 && count > 0) void poll()
    }
  }
  return {
    wait: (key, ms) => {
      if (closed || count >= most) return Promise.resolve(false)
      return new Promise(wake => {
        const waiter = { key, until: sliceOf(performance.now() + ms), wake }
        byKey.set(key, (byKey.get(key) ?? new Set<Waiter>()).add(waiter))
        bySlice.set(waiter.until, (bySlice.get(waiter.until) ?? new Set<Waiter>()).add(waiter))
        count++
        if (timer) return
        slice = Math.floor(performance.now() / sliceMs)
        timer = setInterval(tick, sliceMs)
      })
    },
    settled,
    get count() {
      return count
    },
    close: () => {
      closed = true
      for (const waiting of [...byKey.values()]) for (const waiter of [...waiting]) release(waiter, false)
    },
  }
}

/** The seconds of `Prefer: wait=N` (RFC 7240), at most 60; undefined where there is none or it cannot be understood. */
export const preferredWait = (header: string | string[] | undefined): number | undefined => {
  if (header === undefined) return undefined
  for (const preference of String(header).split(',')) {
    const found = waitForm.exec(preference)
    if (found) return Math.min(Number(found[1] ?? found[2]), 60)
  }
  return undefined
}
const waitForm = /^[ \t]*wait[ \t]*=[ \t]*(?:([0-9]{1,9})|"([0-9]{1,9})")[ \t]*(?:;.*)?$/i
