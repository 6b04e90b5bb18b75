/** Places per bank, so that one slow bank holds only its own: a debit without a place waits in the record, not in memory of the bank's line. */
export type Slots = {
  /** Takes a place if one is free. */
  tryTake(bankCode: string, limit: number): boolean
  /** Takes a place as soon as one is free; false when `patience` ends before, or when waiting is vain: too many do, or the bank is stuck. */
  take(bankCode: string, limit: number, patience: () => Promise<unknown>): Promise<boolean>
  /**
   * Runs `work` when a place is free, at once if possible; false: too many wait already, and it will not be run. `dropped` is told if it was to
   * wait and the places are closed.
   */
  run(bankCode: string, limit: number, work: () => Promise<void>, dropped?: () => void): boolean
  /** Gives a place back; the next in the line gets it. */
  release(bankCode: string): void
  /** How many places are taken and how many wait, per bank. */
  state(): { readonly bankCode: string; readonly taken: number; readonly waiting: number }[]
  /** Resolves when nothing is taken and nothing waits. */
  idle(): Promise<void>
  /** Lets go whoever waits, now and from now on: the record keeps what waited. What is taken stays taken. */
  close(): void
}

type Waiting = { readonly grant: () => void; readonly drop: () => void; gone: boolean }
/** `stuck`: somebody's patience ended and no place has been given since; until one is, nobody else waits in vain. */
type Lane = { taken: number; line: Waiting[]; head: number; stuck: boolean }

/** `most` may wait per bank. */
export const openSlots = (most: number): Slots => {
  const lanes = new Map<string, Lane>()
  let idlers: (() => void)[] = []
  let closed = false
  const laneOf = (bankCode: string): Lane => {
    const lane = lanes.get(bankCode) ?? { taken: 0, line: [], head: 0, stuck: false }
    lanes.set(bankCode, lane)
    return lane
  }
  const isIdle = () => [...lanes.values()].every(lane => lane.taken === 0)
  const tryTake = (bankCode: string, limit: number): boolean => {
    const lane = laneOf(bankCode)
    if (closed || lane.taken >= limit) return false
    lane.taken++
    return true
  }
  const join = (bankCode: string, grant: () => void, drop: () => void): Waiting | undefined => {
    const lane = laneOf(bankCode)
    if (closed || lane.line.length - lane.head >= most) return undefined
    const waiting = { grant, drop, gone: false }
    lane.line.push(waiting)
    return waiting
  }
  const release = (bankCode: string): void => {
    const lane = laneOf(bankCode)
    lane.stuck = false
    const next = nextOf(lane)
    if (next) {
      next.grant()
      return
    }
    lane.taken--
    if (!isIdle()) return
    for (const resolve of idlers) resolve()
    idlers = []
  }
  return {
    tryTake,
    release,
    take: (bankCode, limit, patience) => {
      if (tryTake(bankCode, limit)) return Promise.resolve(true)
      if (laneOf(bankCode).stuck) return Promise.resolve(false)
      return new Promise(resolve => {
        const waiting = join(
          bankCode,
          () => resolve(true),
          () => resolve(false),
        )
        if (!waiting) return resolve(false)
        void patience().finally(() => {
          if (waiting.gone) return
          waiting.gone = true
          laneOf(bankCode).stuck = true
          resolve(false)
        })
      })
    },
    run: (bankCode, limit, work, dropped = () => {}) => {
      const go = () => void work().finally(() => release(bankCode))
      if (!tryTake(bankCode, limit)) return join(bankCode, go, dropped) !== undefined
      go()
      return true
    },
    state: () => [...lanes].map(([bankCode, lane]) => ({ bankCode, taken: lane.taken, waiting: lane.line.length - lane.head })),
    idle: () => (isIdle() ? Promise.resolve() : new Promise(resolve => idlers.push(resolve))),
    close: () => {
      closed = true
      for (const lane of lanes.values()) for (let next = nextOf(lane); next; next = nextOf(lane)) next.drop()
    },
  }
}

/** The first that still waits. The line is cut off behind its head now and then, so that taking the next stays cheap. */
const nextOf = (lane: Lane): Waiting | undefined => {
  for (;;) {
    const next = lane.line[lane.head]
    if (!next) {
      lane.line = []
      lane.head = 0
      return undefined
    }
    lane.head++
    if (lane.head > 1_000) {
      lane.line = lane.line.slice(lane.head)
      lane.head = 0
    }
    if (next.gone) continue
    // Taken: if its patience ends a moment later, that says nothing any more.
    next.gone = true
    return next
  }
}
