/** Numbers that follow from a seed alone: the same seed gives the same day and the same accidents. */
export type Random = {
  /** In [0, 1). */
  next(): number
  /** A whole number, `from` ≤ n ≤ `to`. */
  whole(from: number, to: number): number
  pick<T>(from: readonly T[]): T
  /** True so often of a hundred times. */
  percent(of: number): boolean
}

/** mulberry32: small, and good enough to be unlucky with. */
export const randomOf = (seed: number): Random => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const whole = (from: number, to: number): number => from + Math.floor(next() * (to - from + 1))
  return { next, whole, pick: from => from[whole(0, from.length - 1)]!, percent: of => next() * 100 < of }
}
