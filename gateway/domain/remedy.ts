import { shortfall } from './supplement.ts'
import { type BreakKind, bankOnly, givenBack, type Movement, movementOf, type Ticket } from './ticket.ts'

/**
 * Which breaks of its original the end of an instruction closes (art. 35): the remedy does, and so does its failure where it voids the ticket.
 * `ticket` is as it stands with that end.
 */
export const remedied = (ticket: Ticket, own: Movement): BreakKind | undefined => {
  const { originalId: about, verb, reason, booked } = own
  const original = about === undefined ? undefined : movementOf(ticket, about)
  if (!original) return undefined
  if (verb === 'reversal') {
    const surplus = bankOnly(ticket, original.id)
    if (surplus) return givenBack(ticket, original.id) >= surplus.bankAmount ? 'bank-only' : undefined
    const excess = ticket.breaks.find(b => b.instructionId === about && b.kind === 'over-debited' && b.isOpen)
    return excess && booked === excess.bankAmount - excess.taxAmount ? 'over-debited' : undefined
  }
  if (reason === 'bank-missing') return 'bank-missing'
  return reason === 'under-debited' && shortfall(ticket, original, 'under-debited') <= 0 ? 'under-debited' : undefined
}
