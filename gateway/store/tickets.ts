import type { InstructionVerb } from '../domain/answers.ts'
import type { DebitState } from '../domain/debit.ts'
import type { Break, BreakKind, BreakSource, Movement, Reason, Ticket } from '../domain/ticket.ts'
import type { Tx } from './database.ts'

type Row = {
  readonly id: number
  readonly verb: InstructionVerb
  readonly state: DebitState
  readonly amount: number
  readonly booked: number | null
  readonly originalId: number | null
  readonly reason: Reason | null
  readonly inquiries: number
  readonly acceptedAt: Date
  readonly lastSentAt: Date | null
  readonly accountingDate: string | null
}

const movement = (row: Row): Movement => ({
  ...row,
  booked: row.state === 'succeeded' ? (row.booked ?? row.amount) : 0,
  originalId: row.originalId ?? undefined,
  reason: row.reason ?? undefined,
  lastSentAt: row.lastSentAt ?? undefined,
  accountingDate: row.accountingDate ?? undefined,
})

/**
 * Reads a ticket and locks all its instructions until the commit: whoever decides about one of them sees the others as they are, and nobody moves
 * them meanwhile. A new instruction of the ticket is written under the same lock. READ COMMITTED: a locking read sees the latest commit.
 */
export const lockTicket = (tx: Tx, ticketNo: string): Promise<Ticket | undefined> => readTicket(tx, ticketNo, 'FOR UPDATE')

/** The same as it stands, without a lock: for what is looked at again before anything is written. */
export const readTicket = async (tx: Pick<Tx, 'query'>, ticketNo: string, lock: '' | 'FOR UPDATE' = ''): Promise<Ticket | undefined> => {
  const rows = await tx.query<Row>(
    `SELECT id, verb, state, amount, booked_amount AS booked, original_id AS originalId, reason, inquiries, accepted_at AS acceptedAt,
       last_sent_at AS lastSentAt, accounting_date AS accountingDate
     FROM instruction WHERE ticket_no = ? ORDER BY id ${lock}`,
    [ticketNo],
  )
  const [head] = await tx.query<{ taxSystem: string; bankCode: string; amount: number; voidedAt: Date | null; bankDay: string | null }>(
    `SELECT t.tax_system AS taxSystem, t.bank_code AS bankCode, t.amount, t.voided_at AS voidedAt, d.accounting_date AS bankDay
     FROM ticket t LEFT JOIN bank_day d ON d.bank_code = t.bank_code WHERE t.ticket_no = ?`,
    [ticketNo],
  )
  if (!head) return undefined
  // What a session put right without any remedy says nothing of what the bank has; nor what another finding has replaced.
  const breaks = await tx.query<{
    instructionId: number
    kind: BreakKind
    source: BreakSource
    taxAmount: number
    bankAmount: number
    isOpen: number
  }>(
    `SELECT instruction_id AS instructionId, kind, source, tax_amount AS taxAmount, bank_amount AS bankAmount, closed_at IS NULL AS isOpen
     FROM break WHERE ticket_no = ? AND instruction_id IS NOT NULL AND kind <> 'particulars' AND state <> 'superseded'
       AND COALESCE(closed_with, '') <> 'confirm' ORDER BY id`,
    [ticketNo],
  )
  const { voidedAt, bankDay, ...rest } = head
  return {
    ...rest,
    ticketNo,
    isVoid: voidedAt !== null,
    movements: rows.map(movement),
    breaks: breaks.map((b): Break => ({ ...b, isOpen: b.isOpen === 1 })),
    bankDay: bankDay ?? undefined,
  }
}
