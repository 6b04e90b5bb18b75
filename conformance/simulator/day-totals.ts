/** How many bookings and their sum in fen. */
export type Total = { readonly count: number; readonly amount: bigint }
/** The bookings of one accounting date; `net` = debits + supplementary − reversals − adjustments. */
export type DayTotals = {
  readonly accountingDate: string
  readonly debits: Total
  readonly supplementary: Total
  readonly reversals: Total
  readonly adjustments: Total
  readonly net: bigint
}

type Sum = { count: number; amount: bigint }
/** The bookings of one accounting date as they add up, by what they are. */
export type DaySums = { readonly [K in 'debit' | 'supplementary' | 'reversal' | 'adjustment']: Sum }

/** Sums of nothing. */
export const noSums = (): DaySums => {
  const none = (): Sum => ({ count: 0, amount: 0n })
  return { debit: none(), supplementary: none(), reversal: none(), adjustment: none() }
}
/** The totals of one accounting date. */
export const totalsOf = (accountingDate: string, { debit, supplementary, reversal, adjustment }: DaySums): DayTotals => ({
  accountingDate,
  debits: { ...debit },
  supplementary: { ...supplementary },
  reversals: { ...reversal },
  adjustments: { ...adjustment },
  net: debit.amount + supplementary.amount - reversal.amount - adjustment.amount,
})
