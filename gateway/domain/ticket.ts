import type { UnifiedCode } from '@taxlink/bank-sdk'
import type { InstructionVerb } from './answers.ts'
import type { DebitState } from './debit.ts'

/** Why an instruction moves money: the case of a supplementary debit, or the ground of a reversal. `in-doubt` is the gateway's own. */
export type Reason = 'under-debited' | 'bank-missing' | 'duplicate' | 'over-debited' | 'tax-side' | 'in-doubt'

/** An instruction of a ticket, as the rules about its siblings see it. */
export type Movement = {
  readonly id: number
  readonly verb: InstructionVerb
  readonly state: DebitState
  /** Fen asked for. */
  readonly amount: number
  /** Fen that certainly moved: 0 unless it succeeded. */
  readonly booked: number
  /** The instruction that a reversal gives back, or that a supplementary debit completes. */
  readonly originalId: number | undefined
  readonly reason: Reason | undefined
  readonly inquiries: number
  readonly acceptedAt: Date
  readonly lastSentAt: Date | undefined
  readonly accountingDate: string | undefined
}

/** How a difference is known: from the bank's own late word, from an inquiry, declared by two persons, from the bank's file. */
export type BreakSource = 'late-answer' | 'inquiry' | 'resolution' | 'file'
/** 单边账 (art. 35): which side has the money, or how much of it; or (a session's finding) the money is right and its particulars are not. */
export type BreakKind = 'bank-only' | 'bank-missing' | 'under-debited' | 'over-debited' | 'particulars'
/** A difference between the record and the bank. */
export type Break = {
  readonly instructionId: number
  readonly kind: BreakKind
  readonly source: BreakSource
  /** Whether it is not yet remedied. */
  readonly isOpen: boolean
  /** Fen, as the record has it and as the bank has it. */
  readonly taxAmount: number
  readonly bankAmount: number
}

/** Fen that a 《调账通知单》 asks the ticket's bank for, or has brought (art. 35(1)): it is no instruction, and gives back all the same. */
export type AskedBack = {
  /** What its break is about; undefined: money that no instruction of ours took. */
  readonly instructionId: number | undefined
  readonly amount: number
}

/** All that is known of a ticket, read at one moment under its lock. */
export type Ticket = {
  readonly ticketNo: string
  readonly taxSystem: string
  readonly bankCode: string
  /** Fen of the ticket. */
  readonly amount: number
  /** 作废 (art. 35(3)). */
  readonly isVoid: boolean
  /** 上解销号 (art. 36): its money is on its way to the treasury. Not said: it is not. */
  readonly isWrittenOff?: boolean
  /** 采信 (art. 35): two persons took what its bank had debited for its tax, though the record has the debit as refused. Not said: they did not. */
  readonly isAdopted?: boolean
  readonly movements: readonly Movement[]
  /** All there ever were, in the order in which they were found. */
  readonly breaks: readonly Break[]
  /** By each notice that its bank has neither refused nor was spared. Not said: there is none. */
  readonly askedBack?: readonly AskedBack[]
  /** The latest accounting date the bank was seen to be at work on. */
  readonly bankDay: string | undefined
}

/** A rule of ours that refuses an order, or has nothing left to do for it: its unified code and its words. */
export type Ruling = { readonly code: UnifiedCode; readonly rule: string; readonly zh: string; readonly en: string }
/** What an order leads to: it is sent, it waits for its original, it is done without the bank, or our rules refuse it. */
export type Verdict =
  | { readonly kind: 'send' }
  | { readonly kind: 'wait' }
  | ({ readonly kind: 'done' } & Ruling)
  | ({ readonly kind: 'refuse' } & Ruling)

/** The instruction with this id. */
export const movementOf = (ticket: Ticket, id: number): Movement | undefined => ticket.movements.find(m => m.id === id)

/** The ticket with this instruction as it is now. */
export const withMovement = (ticket: Ticket, own: Movement): Ticket => ({
  ...ticket,
  movements: ticket.movements.map(m => (m.id === own.id ? own : m)),
})

/** Fen of an instruction that were certainly given back. */
export const givenBack = (ticket: Ticket, originalId: number): number =>
  ticket.movements.filter(m => m.verb === 'reversal' && m.originalId === originalId).reduce((sum, m) => sum + m.booked, 0)

/** Fen of an instruction that notices have asked for; of a reversal, what the bank did not give back by it. */
export const askedBack = (ticket: Ticket, instructionId: number): number =>
  (ticket.askedBack ?? []).filter(n => n.instructionId === instructionId).reduce((sum, { amount }) => sum + amount, 0)

/** Whether the instruction may yet change. */
export const isOpen = (movement: Movement): boolean => movement.state !== 'succeeded' && movement.state !== 'refused'

/**
 * An open break that says the bank has money of an instruction which the record counts as nothing. Whoever found it: while it is open, nobody is told
 * that certainly nothing was debited.
 */
export const bankOnly = (ticket: Ticket, instructionId: number): Break | undefined =>
  ticket.breaks.find(b => b.instructionId === instructionId && b.kind === 'bank-only' && b.isOpen)

const isEstablished = ({ source }: Break): boolean => source === 'resolution' || source === 'file'

/** An open break that two persons or the bank's own file have declared: a bank's late word alone founds no order. */
export const declared = (ticket: Ticket, instructionId: number, kind: BreakKind): Break | undefined =>
  ticket.breaks.find(b => b.instructionId === instructionId && b.kind === kind && b.isOpen && isEstablished(b))

/**
 * Fen the bank has of a settled instruction, as far as is known: what it confirmed, or what two persons or its own file established since. A remedy
 * closes their break, and what they found stays true.
 */
export const atTheBank = (ticket: Ticket, { id, state, booked }: Movement): number =>
  state !== 'succeeded' ? 0 : (ticket.breaks.findLast(b => b.instructionId === id && isEstablished(b))?.bankAmount ?? booked)
