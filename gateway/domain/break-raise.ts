import type { BankPolicy } from './bank.ts'
import type { BreakState } from './break-life.ts'
import { type RemedyRow, remedyOf } from './break-remedy.ts'
import type { DifferenceType } from './reconcile.ts'
import { atTheBank, type BreakKind, isOpen, type Movement, type Ticket } from './ticket.ts'

// From what a session has found of one ticket to its breaks. Pure: the day-end and the simulated month run the same.

/** A difference of a session, as far as it is looked at here. */
export type FoundDifference = {
  readonly ordinal: number
  readonly type: DifferenceType
  readonly officeCode: string
  readonly entrustDate: string
  readonly serialNo: string
  readonly verb: 'debit' | 'supplementaryDebit' | 'reversal' | 'adjustment'
  readonly ticketNo: string
  readonly instructionId: number | undefined
  /** Fen of the entry, as the record has it and as the bank has it. */
  readonly taxAmount: number
  readonly bankAmount: number
  readonly bankSerial: string | undefined
  /** Under which of our notices the bank booked it. */
  readonly isOurNotice: boolean
  /** The bank named no date of it. */
  readonly datedByUs: boolean
}
/** A break of the ticket that a session found before. */
export type StandingBreak = {
  readonly id: number
  readonly subject: string
  readonly state: BreakState
  readonly surplus: number
}
/** How the ticket stands with its bank, and how the bank day of the session does. */
export type RaiseCase = {
  /** Undefined: nobody ever ordered it. */
  readonly ticket: Ticket | undefined
  readonly found: readonly FoundDifference[]
  /** Of the same bank day. */
  readonly standing: readonly StandingBreak[]
  /** Fen that the bank has of a subject by what sessions of other days found. */
  readonly before: ReadonlyMap<string, number>
  /** Whether the bank has of the ticket, over all its entries reconciled so far, what it must have. */
  readonly ticketIsRight: boolean
  readonly dayOver: boolean
  readonly policy: Pick<BankPolicy, 'reversal'>
}
/** A break to be written, for these differences. */
export type NewlyRaised = {
  readonly subject: string
  readonly about: FoundDifference
  readonly instructionId: number | undefined
  readonly kind: BreakKind
  readonly taxAmount: number
  readonly bankAmount: number
  /** Fen that the bank has too much; below zero: too little. */
  readonly surplus: number
  readonly row: RemedyRow
  readonly ordinals: readonly number[]
}
/** What becomes of the differences of a ticket, and of the breaks that stood before. */
export type Raised = {
  readonly fresh: readonly NewlyRaised[]
  readonly joined: readonly { readonly breakId: number; readonly ordinals: readonly number[] }[]
  /** Breaks whose amounts hold no more: the session finds others, or none. */
  readonly superseded: readonly number[]
}

const givesBack = (verb: string): boolean => verb === 'reversal' || verb === 'adjustment'
/** Fen that the bank has too much (or, below zero, too little) by one entry. */
const surplusOf = ({ verb, taxAmount, bankAmount }: FoundDifference): number =>
  givesBack(verb) ? taxAmount - bankAmount : bankAmount - taxAmount

/** What a difference is about: its own instruction; of money given back too much the debit, which then lacks it; else its key at the bank. */
const subjectOf = (
  ticket: Ticket | undefined,
  found: FoundDifference,
): { readonly subject: string; readonly own: Movement | undefined } => {
  const debit = ticket?.movements.find(m => m.verb === 'debit')
  const own = ticket?.movements.find(m => m.id === found.instructionId)
  const about = givesBack(found.verb) && surplusOf(found) < 0 ? debit : own
  const key = `${found.officeCode}/${found.entrustDate}/${found.serialNo}/${found.verb}`
  return { subject: about ? `instruction/${about.id}` : key, own: about }
}

const recordOf = (own: Movement | undefined): 'succeeded' | 'refused' | 'open' | 'none' =>
  own === undefined ? 'none' : isOpen(own) ? 'open' : own.state === 'succeeded' ? 'succeeded' : 'refused'

const kindOf = (own: Movement | undefined, surplus: number, bankAmount: number): BreakKind => {
  if (surplus === 0) return 'particulars'
  if (own?.state !== 'succeeded') return 'bank-only'
  if (surplus > 0) return 'over-debited'
  return bankAmount > 0 ? 'under-debited' : 'bank-missing'
}

/** Whether the ticket has been paid by another instruction than this. */
const isPaidOtherwise = (ticket: Ticket | undefined, own: Movement | undefined): boolean =>
  ticket?.movements.some(
    m => m.verb === 'debit' && m.id !== own?.id && m.state === 'succeeded' && atTheBank(ticket, m) >= ticket.amount,
  ) === true

/** What was begun, or is over: its amount was given back or debited, or is about to be. */
const hasBegun = ({ state }: StandingBreak): boolean => state !== 'found' && state !== 'chosen' && state !== 'failed'
const sum = (breaks: readonly StandingBreak[]): number => breaks.reduce((fen, b) => fen + b.surplus, 0)

/**
 * Gives each difference of a ticket the break it belongs to: what stands of the same subject where that comes to the same amount, or a new one with its one
 * remedy, of what is not begun already.
 */
export const raise = (c: RaiseCase): Raised => {
  const groups = Map.groupBy(c.found, found => subjectOf(c.ticket, found).subject)
  const fresh: NewlyRaised[] = []
  const joined: { breakId: number; ordinals: number[] }[] = []
  const held = new Set<number>()
  for (const [subject, own] of groups) {
    const standing = c.standing.filter(b => b.subject === subject && b.state !== 'superseded')
    const begun = standing.filter(hasBegun)
    const raised = raiseOne(c, subject, own, sum(begun))
    // What is left to be done is nothing: of particulars that differ, too, where nobody has looked into them yet.
    const same = standing.length > 0 && raised.surplus === sum(standing.filter(b => !hasBegun(b)))
    if (same) {
      joined.push({ breakId: standing.at(-1)!.id, ordinals: [...raised.ordinals] })
      for (const { id } of standing) held.add(id)
    } else if (raised.row.remedy !== 'explained') fresh.push(raised)
  }
  const superseded = c.standing.filter(b => !held.has(b.id) && isStale(b, c, fresh)).map(b => b.id)
  return { fresh, joined, superseded }
}

/** What was begun is over only when it is confirmed; what was not, and is not found any more or otherwise, does not stand any more. */
const isStale = (standing: StandingBreak, c: RaiseCase, fresh: readonly NewlyRaised[]): boolean => {
  if (hasBegun(standing)) return false
  return c.ticketIsRight || fresh.some(raised => raised.subject === standing.subject)
}

/** `begun`: fen of it that remedies have taken in hand. */
const raiseOne = (c: RaiseCase, subject: string, found: readonly FoundDifference[], begun: number): NewlyRaised => {
  const about = found.find(f => !givesBack(f.verb)) ?? found[0]!
  const { own } = subjectOf(c.ticket, about)
  const differs = found.reduce((fen, f) => fen + surplusOf(f), 0)
  const surplus = differs - begun
  const taxAmount = own ? (own.state === 'succeeded' ? own.booked : 0) : about.taxAmount
  // Of a reversal the amounts are what was given back: what the bank did not, it has too much of.
  const base = c.before.get(subject) ?? taxAmount
  const bankAmount = Math.max(0, own && givesBack(own.verb) ? base - differs : base + differs)
  const row = remedyOf({
    type: about.type,
    surplus,
    remains: bankAmount > 0,
    entry: own ? (givesBack(own.verb) ? 'gives-back' : 'debits') : givesBack(about.verb) ? 'gives-back' : 'debits',
    datedByUs: about.datedByUs,
    isRemedy: own?.verb === 'supplementaryDebit',
    record: recordOf(own),
    dayOver: c.dayOver,
    reversal: c.policy.reversal,
    whole: surplus === bankAmount,
    evidence: found.every(f => f.isOurNotice)
      ? 'under-our-notice'
      : c.ticketIsRight && about.type !== 'particulars-differ'
        ? 'ticket-is-right'
        : isPaidOtherwise(c.ticket, own)
          ? 'paid-otherwise'
          : 'none',
  })
  const kind = kindOf(own, surplus, bankAmount)
  return {
    subject,
    about,
    instructionId: own?.id,
    kind: taxAmount === bankAmount ? 'particulars' : kind,
    taxAmount,
    bankAmount,
    surplus,
    row,
    ordinals: found.map(f => f.ordinal),
  }
}
