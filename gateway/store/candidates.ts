import { dueOf, netOfEntries } from '../domain/break-life.ts'
import { beforeRemittance } from '../domain/session.ts'
import type { Break, BreakKind, BreakSource, Movement, Ticket } from '../domain/ticket.ts'
import type { BookedDay, Candidate } from '../domain/write-off.ts'
import { readShown, type ShownOfTicket } from './break-reads.ts'
import type { Tx } from './database.ts'
import { overKeys } from './rows.ts'
import { holdTickets, type MovementRow, movementIn } from './tickets.ts'

// Tickets as the noon batch sees them, many at a time: with their instructions locked, so that nothing is ordered of them until it is decided. The
// triggers look at it again.

/** A ticket that may be written off, with what a write-off keeps of it. */
export type Found = Candidate & {
  readonly officeCode: string
  readonly treasuryCode: string
  readonly channel: 'computer' | 'phone'
  readonly isFixedQuota: boolean
  /** When the last of its debits succeeded. */
  readonly paidAt: Date
}

type TicketRow = {
  ticketNo: string
  taxSystem: string
  officeCode: string
  bankCode: string
  amount: number
  voidedAt: Date | null
  fixedQuota: number | null
  writtenOff: number
}
const tickets = overKeys(
  `SELECT t.ticket_no AS ticketNo, t.tax_system AS taxSystem, t.office_code AS officeCode, t.bank_code AS bankCode, t.amount, t.voided_at AS voidedAt,
     t.fixed_quota AS fixedQuota, EXISTS (SELECT 1 FROM write_off w WHERE w.ticket_no = t.ticket_no) AS writtenOff
   FROM ticket t WHERE t.ticket_no IN (?)`,
)
type PaidRow = MovementRow & { readonly settledAt: Date | null; readonly channel: string | null }
const movements = overKeys(
  `SELECT ticket_no AS ticketNo, id, verb, state, amount, booked_amount AS booked, original_id AS originalId, reason, inquiries,
     accepted_at AS acceptedAt, last_sent_at AS lastSentAt, accounting_date AS accountingDate, settled_at AS settledAt,
     JSON_VALUE(request, '$.channel') AS channel
   FROM instruction FORCE INDEX (one_live) WHERE ticket_no IN (?) LOCK IN SHARE MODE`,
)
type BreakRow = {
  ticketNo: string
  instructionId: number | null
  kind: BreakKind
  source: BreakSource
  taxAmount: number
  bankAmount: number
  isOpen: number
}
const breaks = overKeys(
  `SELECT ticket_no AS ticketNo, instruction_id AS instructionId, kind, source, tax_amount AS taxAmount, bank_amount AS bankAmount,
     IF(source = 'file', state NOT IN ('confirmed', 'superseded'), closed_at IS NULL) AS isOpen
   FROM break WHERE ticket_no IN (?)`,
)
type BookingRow = {
  ticketNo: string
  bankCode: string
  accountingDate: string
  verb: string
  source: string
  amount: number
  treasuryCode: string
  instructionId: number | null
  isBalanced: number
}
/**
 * Balanced by the last day-end session of its day, and frozen in it. What is held of a day that goes on, so that the last filing day can be remitted whole
 * (art. 35(5)), counts for what it has shown of the ticket, whatever else it has found.
 */
const bookings = overKeys(
  `SELECT b.ticket_no AS ticketNo, b.bank_code AS bankCode, b.accounting_date AS accountingDate, b.verb, b.source, b.amount,
     b.treasury_code AS treasuryCode, b.instruction_id AS instructionId, COALESCE((r.state = 'balanced' OR (r.state = 'differing' AND r.reason = ?)) AND b.seq <= r.frozen_seq, 0) AS isBalanced
   FROM booking b LEFT JOIN reconciliation r ON r.bank_code = b.bank_code AND r.accounting_date = b.accounting_date AND r.kind = 'day-end'
     AND r.session = (SELECT MAX(l.session) FROM reconciliation l WHERE l.bank_code = b.bank_code AND l.accounting_date = b.accounting_date
       AND l.kind = 'day-end' AND l.state <> 'withdrawn')
   WHERE b.ticket_no IN (?)`,
)

/** Tickets of which sessions found something, or which two persons adopted: what the bank has of them is not what is booked alone. */
const peculiar = overKeys(
  `SELECT t.ticket_no AS ticketNo FROM ticket t
   WHERE (EXISTS (SELECT 1 FROM difference d WHERE d.ticket_no = t.ticket_no) OR EXISTS (SELECT 1 FROM adoption a WHERE a.ticket_no = t.ticket_no)
     OR EXISTS (SELECT 1 FROM break x WHERE x.ticket_no = t.ticket_no)) AND t.ticket_no IN (?)`,
)

/** What is due of a ticket about which nothing was ever found: what was debited less what the tax side had given back. */
const plainDue = ({ amount, movements: all }: Ticket): number =>
  dueOf({
    amount,
    isVoid: false,
    isPaid: all.some(m => m.verb === 'debit' && m.state === 'succeeded'),
    givenBack: all.reduce((sum, m) => (m.verb === 'reversal' && m.reason !== 'in-doubt' ? sum + m.booked : sum), 0),
  })

/** The days of its bookings; what moved and is not booked yet lies on a day that is not balanced. */
const daysOf = (own: readonly BookingRow[], moved: readonly Movement[]): BookedDay[] => {
  const booked = new Set(own.map(row => row.instructionId))
  const late = moved.filter(m => m.booked > 0 && !booked.has(m.id))
  return [
    ...own.map(({ bankCode, accountingDate, isBalanced }) => ({ bankCode, accountingDate, isBalanced: isBalanced === 1 })),
    ...late.map(m => ({ bankCode: '', accountingDate: m.accountingDate ?? '', isBalanced: false })),
  ]
}

const foundOf = (row: TicketRow, all: readonly PaidRow[], own: readonly BookingRow[], faults: readonly BreakRow[]): Found => {
  const moved = all.toSorted((a, b) => a.id - b.id).map(movementIn)
  const debit = all.find(m => m.verb === 'debit')
  const ended = all.filter(m => m.settledAt && m.verb !== 'reversal')
  // Of what two persons adopted none has succeeded.
  const paid = ended.some(m => m.state === 'succeeded') ? ended.filter(m => m.state === 'succeeded') : ended
  const settled = paid.map(m => m.settledAt!.getTime())
  const { taxSystem, officeCode, bankCode, amount, ticketNo } = row
  return {
    ticket: {
      ticketNo,
      taxSystem,
      bankCode,
      amount,
      isVoid: row.voidedAt !== null,
      movements: moved,
      // One that no instruction of ours belongs to says nothing about what our instructions moved.
      breaks: faults.map((b): Break => ({ ...b, instructionId: b.instructionId ?? 0, isOpen: b.isOpen === 1 })),
      bankDay: undefined,
    },
    marks: {
      isVoid: row.voidedAt !== null,
      isWrittenOff: row.writtenOff === 1,
      isVouchered: false,
      isReceived: false,
      isExchanged: false,
      isUndone: false,
    },
    bank: BigInt(netOfEntries(own)),
    due: 0n,
    days: daysOf(own, moved),
    hasOpenBreak: faults.some(b => b.isOpen === 1),
    officeCode,
    treasuryCode: own[0]?.treasuryCode ?? '',
    channel: debit?.channel === 'phone' ? 'phone' : 'computer',
    isFixedQuota: row.fixedQuota === 1,
    paidAt: new Date(Math.max(0, ...settled)),
  }
}

/** Reads these tickets as they stand. */
export const readCandidates = async (tx: Pick<Tx, 'query'>, ticketNos: readonly string[]): Promise<Found[]> => {
  await holdTickets(tx, ticketNos, 'LOCK IN SHARE MODE')
  const all = Map.groupBy(await movements.query<PaidRow>(tx, ticketNos), row => row.ticketNo)
  const heads = await tickets.query<TicketRow>(tx, ticketNos)
  const own = Map.groupBy(await bookings.query<BookingRow>(tx, ticketNos, [beforeRemittance]), row => row.ticketNo)
  const faults = Map.groupBy(await breaks.query<BreakRow>(tx, ticketNos), row => row.ticketNo)
  const odd = new Set((await peculiar.query<{ ticketNo: string }>(tx, ticketNos)).map(row => row.ticketNo))
  const found = heads.map(row => foundOf(row, all.get(row.ticketNo) ?? [], own.get(row.ticketNo) ?? [], faults.get(row.ticketNo) ?? []))
  const shown = await shownOf(
    tx,
    found.filter(({ ticket }) => odd.has(ticket.ticketNo)),
  )
  return found.map(each => {
    const peculiar = shown.get(each.ticket.ticketNo)
    if (!peculiar) return { ...each, due: BigInt(plainDue(each.ticket)) }
    return { ...each, bank: BigInt(peculiar.bank), due: BigInt(dueOf(peculiar.of)) }
  })
}

/** As a break is confirmed, so is it written off: by the same reading of what the sessions have shown. */
const shownOf = async (tx: Pick<Tx, 'query'>, odd: readonly Found[]): Promise<ReadonlyMap<string, ShownOfTicket>> => {
  const shown = new Map<string, ShownOfTicket>()
  for (const [bankCode, own] of Map.groupBy(odd, ({ ticket }) => ticket.bankCode)) {
    const tickets = new Map(own.map(({ ticket }) => [ticket.ticketNo, ticket]))
    for (const [ticketNo, of] of await readShown(tx, bankCode, [...tickets.keys()], tickets)) shown.set(ticketNo, of)
  }
  return shown
}
