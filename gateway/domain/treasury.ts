// 金库对账单 (art. 6(3), 39): what was received by one treasury on one day, against its daily report.

/** A voucher that the record holds as received on the day. */
export type Entered = { readonly summaryNo: string; readonly amount: number }
/** 金库日报表 as the treasury gave it: its total, and the vouchers where it lists them. */
export type DailyReport = { readonly amount: number; readonly count: number; readonly lines: readonly Entered[] | undefined }
/** How both differ in one voucher, or in the whole. */
export type TreasuryDifference = {
  readonly kind: 'only-ours' | 'only-treasury' | 'amount-differs' | 'total-differs' | 'lines-differ'
  readonly summaryNo?: string
  readonly ourAmount: bigint
  readonly treasuryAmount: bigint
}
/** The statement of a treasury and a day. */
export type TreasuryStatement = {
  readonly count: number
  readonly amount: bigint
  readonly isReported: boolean
  readonly differences: readonly TreasuryDifference[]
}

const sumOf = (lines: readonly { readonly amount: number }[]): bigint => lines.reduce((sum, line) => sum + BigInt(line.amount), 0n)

/** Holds what was entered against the treasury's report, voucher by voucher and in the whole. */
export const statementOf = (entered: readonly Entered[], report: DailyReport | undefined): TreasuryStatement => {
  const amount = sumOf(entered)
  const count = entered.length
  if (!report) return { count, amount, isReported: false, differences: [] }
  const total = BigInt(report.amount)
  const whole: TreasuryDifference[] =
    total === amount && report.count === count ? [] : [{ kind: 'total-differs', ourAmount: amount, treasuryAmount: total }]
  return { count, amount, isReported: true, differences: [...whole, ...(report.lines ? byVoucher(entered, report.lines, total) : [])] }
}

const byVoucher = (entered: readonly Entered[], lines: readonly Entered[], total: bigint): TreasuryDifference[] => {
  // A voucher that stands twice in the report was entered twice: its amounts add up, and differ.
  const told = new Map([...Map.groupBy(lines, line => line.summaryNo)].map(([no, own]) => [no, sumOf(own)]))
  const ours = new Map(entered.map(({ summaryNo, amount }) => [summaryNo, BigInt(amount)]))
  const numbers = [...new Set([...ours.keys(), ...told.keys()])].toSorted()
  const found = numbers.flatMap((summaryNo): TreasuryDifference[] => {
    const [ourAmount, treasuryAmount] = [ours.get(summaryNo), told.get(summaryNo)]
    if (ourAmount === treasuryAmount) return []
    const kind = treasuryAmount === undefined ? 'only-ours' : ourAmount === undefined ? 'only-treasury' : 'amount-differs'
    return [{ kind, summaryNo, ourAmount: ourAmount ?? 0n, treasuryAmount: treasuryAmount ?? 0n }]
  })
  const listed = sumOf(lines)
  return listed === total ? found : [...found, { kind: 'lines-differ', ourAmount: listed, treasuryAmount: total }]
}
