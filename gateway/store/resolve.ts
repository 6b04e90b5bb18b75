import type { Outcome } from '@taxlink/bank-sdk'
import type { Said } from '../domain/break.ts'
import type { Objection } from '../domain/proposal.ts'
import { breakOf, hasTombstoneOpen, tombstoneOpen } from '../domain/resolution.ts'
import { type Movement, movementOf, type Ticket } from '../domain/ticket.ts'
import { insertBreak, type NewBreak } from './breaks.ts'
import type { Tx } from './database.ts'
import { saidLate } from './late.ts'
import { type Actor, conclude, followEffect, moveWithoutCall } from './linked.ts'
import { lockTicket } from './tickets.ts'

/** An instruction of a ticket, and when it was last sent as somebody found it. */
export type About = { readonly ticketNo: string; readonly instructionId: number; readonly lastSentAt?: Date | undefined }
/** What two persons say became of a doubtful instruction. */
export type Resolution = {
  readonly state: 'succeeded' | 'refused'
  readonly outcome: Outcome
  /** Fen that moved; 0 where it was refused. */
  readonly moved: number
  readonly bankSerial: string | undefined
  readonly accountingDate: string | undefined
  /** For the journal. */
  readonly reason: string
}

/**
 * Brings a doubtful instruction to the end that two persons found, with all that follows from it, under the lock of its ticket.
 * Whoever is just asking the bank is stale from then on. An amount other than asked for is a success and a break.
 */
export const resolveDoubt = async (
  tx: Tx,
  { ticketNo, instructionId }: About,
  resolution: Resolution,
  objects: (own: Movement, said: readonly Said[]) => Objection | undefined,
  by: Actor,
): Promise<Objection | undefined> => {
  const ticket = await lockTicket(tx, ticketNo)
  const own = ticket && movementOf(ticket, instructionId)
  if (!ticket || !own) throw new Error('a proposal about an instruction that is not there')
  const objection = objects(own, await saidLate(tx, own.id)) ?? (hasTombstoneOpen(ticket, own.id) ? tombstoneOpen : undefined)
  if (objection) return objection
  const { state, outcome, moved, reason, bankSerial, accountingDate } = resolution
  const kind = state === 'succeeded' ? breakOf(own, moved) : undefined
  const isOther = state === 'succeeded' && moved !== own.amount
  await moveWithoutCall(tx, ticket, own, { state, outcome, reason, ...(isOther ? { booked: moved } : {}) }, by)
  await tx.execute(
    'UPDATE instruction SET bank_serial = COALESCE(?, bank_serial), accounting_date = COALESCE(?, accounting_date) WHERE id = ?',
    [bankSerial ?? null, accountingDate ?? null, own.id],
  )
  const settled: Movement = { ...own, state, booked: moved, accountingDate: accountingDate ?? own.accountingDate }
  await conclude(tx, ticket, settled, outcome.code, by, 'bank')
  // Of an original of which only a part came back nothing is proved.
  const isZero = state === 'succeeded' && (moved === 0 || moved === own.amount)
  if (own.reason === 'in-doubt') await followEffect(tx, ticket, settled, isZero ? 'original-zero' : 'original-person', by)
  if (kind) {
    const found = { kind, source: 'resolution', taxAmount: own.amount, bankAmount: moved } as const
    await insertBreak(tx, { ...found, at: by.now, ticketNo, instructionId, actor: by.actor, reason })
  }
  return undefined
}

/** Writes a break that two persons declare, if the record still stands as they saw it; false: the same stands there already. */
export const declareBreak = async (
  tx: Tx,
  found: NewBreak,
  objects: (own: Movement, ticket: Ticket) => Objection | undefined,
): Promise<Objection | boolean> => {
  const ticket = await lockTicket(tx, found.ticketNo)
  const own = ticket && movementOf(ticket, found.instructionId)
  if (!ticket || !own) throw new Error('a proposal about an instruction that is not there')
  return objects(own, ticket) ?? insertBreak(tx, found)
}
