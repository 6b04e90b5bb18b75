import { monitorEventLoopDelay } from 'node:perf_hooks'

/** How much the server takes before it refuses more. */
export type PressureLimits = {
  /** Requests under way, without those that only wait for an outcome. */
  readonly inFlight: number
  /** Milliseconds by which the event loop is late on the average, in four samples in a row: one long pause is no overload. */
  readonly delayMs: number
}
/** Back-pressure: what is refused before anything was accepted may simply be sent again. */
export type Pressure = {
  /** Counts a request in, or says that there are too many already. */
  enter(): boolean
  /** Counts a request out: it is done, or from now on only waits. */
  leave(): void
  readonly inFlight: number
  close(): void
}

const sampleMs = 250
const samples = 4

/** Opens the gauge; `late` reads and resets how late the event loop is, in milliseconds. */
export const openPressure = (limits: PressureLimits, late: () => number = lateness()): Pressure => {
  let inFlight = 0
  let lateInARow = 0
  const timer = setInterval(() => {
    lateInARow = late() > limits.delayMs ? lateInARow + 1 : 0
  }, sampleMs)
  timer.unref()
  return {
    enter: () => {
      if (lateInARow >= samples || inFlight >= limits.inFlight) return false
      inFlight++
      return true
    },
    leave: () => {
      inFlight--
    },
    get inFlight() {
      return inFlight
    },
    close: () => clearInterval(timer),
  }
}

const resolution = 10
const lateness = (): (() => number) => {
  const histogram = monitorEventLoopDelay({ resolution })
  histogram.enable()
  return () => {
    // Node counts the pause itself; in nanoseconds, NaN while nothing was measured.
    const ms = histogram.mean / 1e6 - resolution
    histogram.reset()
    return Number.isNaN(ms) ? 0 : ms
  }
}
