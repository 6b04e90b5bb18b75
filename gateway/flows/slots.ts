/** Places per bank, so that one slow bank holds only its own: a debit without a place waits in the record, not in memory of the bank's line. */
export type Slots = {
  /** Takes a place if one is free. */
  tryTake(bankCode: string, limit: number): boolean
  /** Runs `work` when a place is free, at once if possible; false: too many wait already, and it will not be run. */
  run(bankCode: string, limit: number, work: () => Promise<void>): boolean
  /** Gives a place back; the next in the line gets it. */
  release(bankCode: string): void
  /** How many places are taken and how many wait, per bank. */
  state(): { readonly bankCode: string; readonly taken: number; readonly waiting: number }[]
  /** Resolves when nothing is taken and nothing waits. */
  idle(): Promise<void>
}

/** `most` may wait per bank. */
export const openSlots = (most: number): Slots => {
  type Lane = { taken: number; readonly waiting: (() => Promise<void>)[]; head: number }
  const lanes = new Map<string, Lane>()
  let idlers: (() => void)[] = []
  const laneOf = (bankCode: string): Lane => {
    const lane = lanes.get(bankCode) ?? { taken: 0, waiting: [], head: 0 }
    lanes.set(bankCode, lane)
    return lane
  }
  const isIdle = () => [...lanes.values()].every(lane => lane.taken === 0)
  const release = (bankCode: string): void => {
    const lane = laneOf(bankCode)
    const next = lane.waiting[lane.head]
    if (next) {
      lane.head++
      // The line is cut off behind its head now and then, so that taking the next stays O(1).
      if (lane.head > 1_000) {
        lane.waiting.splice(0, lane.head)
        lane.head = 0
      }
      void next().finally(() => release(bankCode))
      return
    }
    lane.waiting.length = 0
    lane.head = 0
    lane.taken--
    if (isIdle()) {
      for (const resolve of idlers) resolve()
      idlers = []
    }
  }
  const tryTake = (bankCode: string, limit: number): boolean => {
    const lane = laneOf(bankCode)
    if (lane.taken >= limit) return false
    lane.taken++
    return true
  }
  return {
    tryTake,
    release,
    run: (bankCode, limit, work) => {
      if (tryTake(bankCode, limit)) {
        void work().finally(() => release(bankCode))
        return true
      }
      const lane = laneOf(bankCode)
      if (lane.waiting.length - lane.head >= most) return false
      lane.waiting.push(work)
      return true
    },
    state: () => [...lanes].map(([bankCode, lane]) => ({ bankCode, taken: lane.taken, waiting: lane.waiting.length - lane.head })),
    idle: () => (isIdle() ? Promise.resolve() : new Promise(resolve => idlers.push(resolve))),
  }
}
