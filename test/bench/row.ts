/** One measured comparison: the rounds of ours and of the peer, alternating in one run, and the ratio (ours better) that should be reached. */
export type Row = {
  readonly name: string
  readonly ours: number[]
  readonly peer: string
  readonly peers: number[]
  readonly unit: string
  readonly goal: number
  readonly higherIsBetter: boolean
}

/** The value below which `part` of all lie. */
export const quantile = (values: readonly number[], part: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN
}
export const median = (values: readonly number[]): number => quantile(values, 0.5)

/** By how much ours was better, round by round. */
const ratiosOf = (row: Row): number[] => row.ours.map((ours, i) => (row.higherIsBetter ? ours / row.peers[i]! : row.peers[i]! / ours))

/** Prints a comparison: medians, the median ratio with its range, the goal. Returns whether the goal was reached. */
export const show = (row: Row): boolean => {
  const ratios = ratiosOf(row)
  const ratio = median(ratios)
  const range = `${Math.min(...ratios).toFixed(2)}–${Math.max(...ratios).toFixed(2)}`
  const figures = `${median(row.ours).toPrecision(3)} ${row.unit}, ${row.peer} ${median(row.peers).toPrecision(3)}`
  process.stdout.write(
    `${ratio < row.goal ? '✗' : '✓'} ${row.name}: ${figures}; ${ratio.toFixed(2)}× (${range}), goal ${Number(row.goal.toFixed(2))}×\n`,
  )
  return ratio >= row.goal
}

/** Seconds by the clock, for comparisons with another program. */
export const wallSeconds = (work: () => unknown): number => {
  const start = process.hrtime.bigint()
  work()
  return Number(process.hrtime.bigint() - start) / 1e9
}
/** Seconds of this thread's CPU, for comparisons within it: what else the machine does meanwhile is left out. */
export const cpuSeconds = (work: () => unknown): number => {
  const before = process.threadCpuUsage()
  work()
  const after = process.threadCpuUsage(before)
  return (after.user + after.system) / 1e6
}
