import type { BankPolicy } from './bank.ts'
import { type BreakState, breakMachine } from './break-life.ts'
import { type RemedyRow, remedyOf } from './break-remedy.ts'
import { type BreakKind, isOpen, type Ticket } from './ticket.ts'

// A ticket as a whole: what its bank has of it by all sessions, against what it must have. What the differences of single entries do not show stands here:
// a debit under two dates, one that turns up after its remedy, money given back once too often.

/** How a ticket stands at its bank. */
export type Standing = {
  /** Fen that the bank has by the sessions so far, and that it must have. */
  readonly bank: number
  readonly due: number
  /** Fen that have moved since, of which no session has been held yet; what goes back counts below zero. */
  readonly since: number
  /** Fen that notices ask for and no session has shown yet. */
  readonly asked: number
  /** Nothing of it is under way: no instruction, no notice, nothing that has moved since the last session. */
  readonly isStill: boolean
}
/** Fen that the bank will have too much when all is done that was begun; below zero: too little. */
export const excessOf = ({ bank, due, since, asked }: Standing): number => bank + since - asked - due

/** Whether a remedy over so many fen (below zero: a debit) takes the ticket no further than to what is due. */
export const isWithin = (standing: Standing, surplus: number): boolean =>
  surplus > 0 ? excessOf(standing) >= surplus : excessOf(standing) <= surplus

/** A break of the ticket at this bank. `surplus`: fen that the bank has too much by it. */
export type Accounted = { readonly state: BreakState; readonly isFromFile: boolean; readonly isOpen: boolean; readonly surplus: number }

const isUnbegun = ({ isFromFile, state }: Accounted): boolean => isFromFile && ['found', 'chosen', 'failed'].includes(state)

/** Fen by which the bank is off, where the breaks of the ticket do not say so; undefined: they do, or it is not known yet. */
export const unaccounted = ({ bank, due, isStill }: Standing, breaks: readonly Accounted[]): number | undefined => {
  const surplus = bank - due
  if (!isStill || surplus === 0) return undefined
  const unbegun = breaks.filter(isUnbegun)
  if (unbegun.reduce((sum, b) => sum + b.surplus, 0) === surplus) return undefined
  // Said by the bank itself or by two persons; the same may be remedied as it is.
  const said = breaks.some(b => !b.isFromFile && b.isOpen && !breakMachine.isFinal(b.state) && b.surplus === surplus)
  return unbegun.length === 0 && said ? undefined : surplus
}

/** A break of the whole ticket. */
export type WholeBreak = {
  readonly kind: BreakKind
  readonly taxAmount: number
  readonly bankAmount: number
  readonly surplus: number
  readonly row: RemedyRow
}
/** The break that says by how much the bank is off, with its one remedy. */
export const wholeBreak = (ticket: Ticket | undefined, { bank, due }: Standing, reversal: BankPolicy['reversal']): WholeBreak => {
  const surplus = bank - due
  const debit = ticket?.movements.find(m => m.verb === 'debit')
  const record = debit === undefined ? 'none' : isOpen(debit) ? 'open' : debit.state === 'succeeded' ? 'succeeded' : 'refused'
  // What supplementary debits brought counts for itself where a further one is weighed.
  const supplements = ticket?.movements.reduce((sum, m) => sum + (m.verb === 'supplementaryDebit' ? m.booked : 0), 0) ?? 0
  const ofTheDebit = surplus < 0 ? Math.max(0, bank - supplements) : bank
  const row = remedyOf({
    type: 'amount-differs',
    surplus,
    remains: ofTheDebit > 0,
    entry: 'debits',
    isRemedy: false,
    record,
    // The border is the bank's day-end; a whole that several days make up lies beyond it.
    dayOver: true,
    reversal,
    whole: false,
    evidence: 'none',
    datedByUs: false,
  })
  const kind = record !== 'succeeded' ? 'bank-only' : surplus > 0 ? 'over-debited' : ofTheDebit > 0 ? 'under-debited' : 'bank-missing'
  return { kind, taxAmount: due, bankAmount: ofTheDebit, surplus, row }
}
