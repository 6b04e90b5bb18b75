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
  process.stdout.write(`${ratio < row.goal ? '✗' : '✓'} ${row.name}: ${figures}; ${ratio.toFixed(2)}× (${range}), goal ${row.goal}×\n`)
  return ratio >= row.goal
}
