import type { PrintKey } from '../domain/fingerprint.ts'
import type { Objection } from '../domain/proposal.ts'
import type { Ticket } from '../domain/ticket.ts'
import { publishAdoption } from './beside.ts'
import { insertBookings } from './bookings.ts'
import { type By, lockBreak, writeStep } from './break-steps.ts'
import type { Database, Tx } from './database.ts'
import { sqlTime } from './rows.ts'
import { readTicket } from './tickets.ts'

/** What two persons say of money that only the bank has: it is the tax of its ticket, or it goes back. */
export type Settling = 'adopt' | 'return'

/** Why it cannot be settled so, as things stand. */
type Stand = {
  readonly state: string
  readonly remedy: string | null
  readonly bankAmount: number
  readonly bankCode: string
  readonly ticket: Ticket | undefined
  readonly isAdopted: boolean
  /** The entry stands in our books by its key already: it was debited and given back, say, and the bank has it once more. */
  readonly isBooked: boolean
  /** A notice has asked the bank to give it back, and the bank may yet follow. */
  readonly isAskedBack: boolean
}
const objection = (rule: string, zh: string, en: string): Objection => ({ rule, zh, en })

/** Why a break cannot be settled so (art. 35): only what waits for two persons; adopted only as the whole tax of a ticket that nothing has paid. */
export const objectionToSettling = (stand: Stand, decision: Settling): Objection | undefined => {
  const { state, remedy, bankAmount, bankCode, ticket, isAdopted, isBooked, isAskedBack } = stand
  if (state !== 'chosen' || remedy !== 'persons')
    return objection('not-for-persons', '该单边账不是待两人认定的', 'this break does not wait for two persons')
  if (decision === 'return') return undefined
  if (!ticket) return objection('ticket-unknown', '没有这张税票,只能退回', 'there is no such ticket: it can only be returned')
  if (ticket.bankCode !== bankCode)
    return objection('other-bank', '该税票的开户银行是另一家,只能退回', 'the ticket is another bank’s: it can only be returned')
  if (ticket.isVoid) return objection('ticket-void', '税票已作废,只能退回', 'the ticket is void: it can only be returned')
  if (isAdopted || ticket.movements.some(m => m.verb === 'debit' && m.state !== 'refused'))
    return objection('paid-otherwise', '该税票另有扣款,只能退回', 'the ticket is paid otherwise, or may be: it can only be returned')
  if (isBooked)
    return objection(
      'booked-already',
      '该笔已在账上(曾扣款并退回,银行又有一笔),只能退回',
      'this entry is in the books already (debited and given back, and there once more): it can only be returned',
    )
  if (isAskedBack)
    return objection('asked-back', '已开《调账通知单》,只能退回', 'an adjustment notice asks for it back: it can only be returned')
  return bankAmount === ticket.amount
    ? undefined
    : objection('other-amount', '金额与税票不符,只能退回', 'it is not the amount of the ticket: it can only be returned')
}

type OfTicket = Pick<Stand, 'ticket' | 'isAdopted' | 'isBooked' | 'isAskedBack'>
const standOf = async (
  tx: Pick<Tx, 'query'>,
  { id, ticketNo }: { readonly id: number; readonly ticketNo: string },
  lock: '' | 'FOR UPDATE' = '',
): Promise<OfTicket> => {
  const has = async (sql: string, of: string | number): Promise<boolean> => (await tx.query(sql, [of])).length > 0
  return {
    ticket: await readTicket(tx, ticketNo, lock),
    isAdopted: await has('SELECT 1 FROM adoption WHERE ticket_no = ?', ticketNo),
    isBooked: await has(
      `SELECT 1 FROM break b JOIN booking k ON k.ticket_no = b.ticket_no AND k.bank_code = b.bank_code AND k.office_code = b.office_code
         AND k.entrust_date = b.entrust_date AND k.serial_no = b.serial_no AND k.verb = 'debit' WHERE b.id = ?`,
      id,
    ),
    isAskedBack: await has('SELECT 1 FROM adjustment_notice WHERE break_id = ?', id),
  }
}

/** What is known of a break before it is proposed; undefined: there is none. */
export type SettlingStand = { readonly officeCode: string; readonly objection: Objection | undefined }
/** How breaks stand to what two persons want to make of them. */
export type SettlingReads = {
  /** Undefined: there is no such break. */
  settling(id: number, decision: Settling): Promise<SettlingStand | undefined>
}
/** Opens it over `db`. */
export const openSettling = (db: Database): SettlingReads => ({ settling: (id, decision) => readSettling(db, id, decision) })

const readSettling = async (db: Database, id: number, decision: Settling): Promise<SettlingStand | undefined> => {
  type Held = {
    id: number
    ticketNo: string
    bankCode: string
    officeCode: string
    state: string
    remedy: string | null
    bankAmount: number
  }
  const [held] = await db.query<Held>(
    `SELECT id, ticket_no AS ticketNo, bank_code AS bankCode, office_code AS officeCode, state, remedy, bank_amount AS bankAmount FROM break WHERE id = ?`,
    [id],
  )
  if (!held) return undefined
  return { officeCode: held.officeCode, objection: objectionToSettling({ ...held, ...(await standOf(db, held)) }, decision) }
}

/** Settles what two persons have approved, in the approving transaction. An adoption is booked under the key at the bank; a return waits for its notice. */
export const settleBreak = async (
  tx: Tx,
  id: number,
  decision: Settling,
  proposalId: number,
  key: PrintKey,
  by: By,
): Promise<Objection | undefined> => {
  const [about] = await tx.query<{ id: number; ticketNo: string }>('SELECT id, ticket_no AS ticketNo FROM break WHERE id = ?', [id])
  // The ticket before the break, as everywhere: of two breaks of one ticket one is adopted.
  const stand = about && (await standOf(tx, about, 'FOR UPDATE'))
  const held = await lockBreak(tx, id)
  if (!held || !stand) throw new Error('a proposal about a break that is not there')
  const refused = objectionToSettling({ ...held, ...stand }, decision)
  if (refused) return refused
  const why = `by two persons: proposal ${proposalId}`
  if (decision === 'return') {
    await writeStep(tx, held, 'choose', `returned ${why}`, { remedy: 'notice' }, by)
    return undefined
  }
  await tx.execute(
    'INSERT INTO adoption (break_id, proposal_id, ticket_no, bank_code, accounting_date, amount, at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    [id, proposalId, held.ticketNo, held.bankCode, held.accountingDate, held.bankAmount, sqlTime(by.now)],
  )
  const debitId = await bookAdopted(tx, id, key)
  await writeStep(tx, held, 'begin', `adopted ${why}`, {}, by)
  await writeStep(tx, { ...held, state: 'under-way' }, 'remedy', `adopted ${why}`, { closedWith: `adoption/${proposalId}` }, by)
  // The tax systems hear of it; last, because the counter of the feed stays locked until the commit.
  await publishAdoption(tx, { ticketNo: held.ticketNo, instructionId: debitId, at: by.now })
  return undefined
}

type Found = {
  readonly officeCode: string
  readonly entrustDate: string
  readonly serialNo: string
  readonly bankCode: string
  readonly accountingDate: string
  readonly ticketNo: string
  readonly amount: number
  readonly instructionId: number | null
  readonly request: string
  readonly debitId: number
}
/** Books it under the key at the bank; returns the debit of its ticket. */
const bookAdopted = async (tx: Tx, id: number, key: PrintKey): Promise<number> => {
  const [found] = await tx.query<Found>(
    `SELECT b.office_code AS officeCode, b.entrust_date AS entrustDate, b.serial_no AS serialNo, b.bank_code AS bankCode, b.accounting_date AS accountingDate,
       b.ticket_no AS ticketNo, b.bank_amount AS amount, b.instruction_id AS instructionId, i.request, i.id AS debitId
     FROM break b JOIN instruction i ON i.ticket_no = b.ticket_no AND i.bank_code = b.bank_code AND i.verb = 'debit' WHERE b.id = ? ORDER BY i.id LIMIT 1`,
    [id],
  )
  if (!found) throw new Error('a break whose ticket has no debit')
  const { request, instructionId, debitId, ...entry } = found
  const { account, treasuryCode, workDate } = JSON.parse(request) as { account: string; treasuryCode: string; workDate: string }
  const booked = { verb: 'debit', source: 'adoption', datedBy: 'bank', instructionId: instructionId ?? undefined } as const
  await insertBookings(tx, key, [{ ...entry, ...booked, account, treasuryCode, workDate }])
  return debitId
}
