import type { TicketState } from './write-off.ts'

// 代征手续费 (art. 42).

/** Fen for each debit by phone of a household under 定期定额. */
export const feeOf = 100

/** A ticket as the fee sees it. */
export type FeeCase = {
  readonly channel: 'computer' | 'phone'
  /** 定期定额, as the tax side said; what it did not say is not paid for. */
  readonly isFixedQuota: boolean
  readonly state: TicketState
  /** Fen that were given back. */
  readonly reversed: number
}

/** Fen that are due to the bank for a ticket (art. 42): by phone, 定期定额, succeeded and matched (it is written off), not reversed. */
export const feeFor = ({ channel, isFixedQuota, state, reversed }: FeeCase): number => {
  const isMatched = state !== 'paid' && state !== 'void' && state !== 'undone'
  return channel === 'phone' && isFixedQuota && isMatched && reversed === 0 ? feeOf : 0
}
/** The month that a fee belongs to, `2026-11`: that of the day it was matched, so that a statement that was sent never changes. */
export const feeMonth = (matchedOn: string): string => matchedOn.slice(0, 7)
