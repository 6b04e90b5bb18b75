import { type InstructionVerb, proofOf } from './answers.ts'
import { type Answer, type DebitState, isFinal } from './debit.ts'
import { askedBack, atTheBank, type BreakKind, givenBack, type Movement, type Ticket } from './ticket.ts'

/** A settled instruction as the record has it. */
export type Recorded = {
  readonly verb: InstructionVerb
  readonly state: DebitState
  /** Fen that are known to have moved, and what was given back since, or is asked back by a notice. */
  readonly booked: number
  readonly back: number
}
/** How the record stands about one of its instructions. */
export const recordedOf = (ticket: Ticket, own: Movement): Recorded => ({
  verb: own.verb,
  state: own.state,
  booked: atTheBank(ticket, own),
  back: givenBack(ticket, own.id) + (own.verb === 'reversal' ? 0 : askedBack(ticket, own.id)),
})
/** What the bank says late: the state it means, and the fen. */
export type Said = { readonly state: 'succeeded' | 'refused'; readonly code: string; readonly amount: number }
/** How the record and the bank differ; amounts in fen. */
export type Contradiction = { readonly kind: BreakKind; readonly taxAmount: number; readonly bankAmount: number }

/**
 * A late answer against a settled record (art. 35): undefined where both can be true. A settled state is never overwritten; the difference becomes
 * a break. For a reversal the words are turned round: what the bank did not give back, it has too much of.
 */
export const contradiction = ({ verb, state, booked, back }: Recorded, said: Said): Contradiction | undefined => {
  const known = state === 'succeeded' ? booked : 0
  const told = said.state === 'succeeded' ? said.amount : 0
  if (!isFinal(state) || told === known) return undefined
  // «Reversed, stopped or void» after we gave it all back, and «debited» from before we did.
  if (said.code === '24020' && back === known) return undefined
  if (known === 0 && back > 0 && told === back) return undefined
  if (verb === 'reversal') return { kind: told < known ? 'over-debited' : 'under-debited', taxAmount: known, bankAmount: told }
  // Nothing is known to be there: it was refused, or a break said that the bank did not have it, and may have been remedied.
  const kind = known === 0 ? 'bank-only' : told === 0 ? 'bank-missing' : told < known ? 'under-debited' : 'over-debited'
  return { kind, taxAmount: known, bankAmount: told }
}

/**
 * What an answer that came too late says for certain. Judged as the answer to a second sending: a refusal of the message, the hour or the
 * repetition says nothing about what became of the first.
 */
export const saidBy = (verb: InstructionVerb, answer: Answer, byKey: boolean): Said | undefined => {
  if (answer.kind !== 'answered') return undefined
  const { outcome, amount } = answer
  const proof = proofOf(verb, outcome, 'again', byKey)
  if (proof !== 'done' && proof !== 'refused') return undefined
  // «Already done» that leaves the amount out is no word that nothing was given back.
  if (outcome.code === '94032' && amount === 0) return undefined
  return { state: proof === 'done' ? 'succeeded' : 'refused', code: outcome.code, amount }
}
