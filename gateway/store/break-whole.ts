import type { BankPolicy } from '../domain/bank.ts'
import { type BreakState, dueOf } from '../domain/break-life.ts'
import { type Accounted, type Standing, unaccounted, wholeBreak } from '../domain/break-whole.ts'
import { type BreakKind, type BreakSource, isOpen, type Ticket } from '../domain/ticket.ts'
import { isRefused, isTold, type Said } from './asked-back.ts'
import { lastSession, readShown, type SessionDay } from './break-reads.ts'
import { type By, writeStep } from './break-steps.ts'
import type { Tx } from './database.ts'
import { sqlTime } from './rows.ts'

// Tickets as a whole at their bank: how they stand, and the break of one that nothing else accounts for.

type BookingRow = { readonly instructionId: number | null; readonly verb: string; readonly amount: number; readonly isShown: number }
type NoticeRow = Said & { readonly amount: number }

const gives = (verb: string): boolean => verb === 'reversal' || verb === 'adjustment'

/** Under the key of one of the messages by which the bank was told of a notice `n`. */
const underKeyOf = (
  of: string,
): string => `EXISTS (SELECT 1 FROM bank_call c WHERE c.bank_code = n.bank_code AND c.verb = 'adjustmentNotice'
  AND c.subject = n.notice_no AND c.office_code = ${of}.office_code AND c.entrust_date = ${of}.entrust_date AND c.serial_no = ${of}.serial_no)`

/** How a ticket stands at a bank, `ticket` as it was read under its lock. */
export const readStanding = async (
  tx: Pick<Tx, 'query'>,
  bankCode: string,
  ticketNo: string,
  ticket: Ticket | undefined,
): Promise<Standing> => {
  const all = await readShown(tx, bankCode, [ticketNo], new Map(ticket ? [[ticketNo, ticket]] : []))
  const shown = all.get(ticketNo)!
  const booked = await tx.query<BookingRow>(
    `SELECT b.instruction_id AS instructionId, b.verb, b.amount, COALESCE(b.seq <= r.frozen_seq, 0) AS isShown
     FROM booking b FORCE INDEX (by_ticket) LEFT JOIN reconciliation r ON r.bank_code = b.bank_code AND r.accounting_date = b.accounting_date AND r.session = ${lastSession('b')}
     WHERE b.ticket_no = ? AND b.bank_code = ? AND b.source = 'instruction'`,
    [ticketNo, bankCode],
  )
  // An entry under a notice is shown where our book of it was reconciled, or where the bank's file has it by itself.
  const notices = await tx.query<NoticeRow>(
    `SELECT n.amount, n.told_code AS toldCode, n.booked_at AS bookedAt FROM adjustment_notice n
     WHERE n.ticket_no = ? AND n.bank_code = ?
       AND ${isTold}
       AND NOT EXISTS (SELECT 1 FROM booking b FORCE INDEX (by_ticket) STRAIGHT_JOIN reconciliation r ON r.bank_code = b.bank_code AND r.accounting_date = b.accounting_date
           AND r.session = ${lastSession('b')}
         WHERE b.ticket_no = n.ticket_no AND b.bank_code = n.bank_code AND b.verb = 'adjustment' AND b.seq <= r.frozen_seq AND ${underKeyOf('b')})
       AND NOT EXISTS (SELECT 1 FROM difference d FORCE INDEX (by_ticket) WHERE d.ticket_no = n.ticket_no AND d.bank_code = n.bank_code AND d.verb = 'adjustment'
         AND d.bank_amount > 0 AND d.session = ${lastSession('d')} AND ${underKeyOf('d')})`,
    [ticketNo, bankCode],
  )
  const movements = ticket?.bankCode === bankCode ? ticket.movements : []
  const known = new Set(booked.map(row => row.instructionId))
  const moved = [
    ...booked.filter(row => row.isShown === 0),
    ...movements.filter(m => m.booked > 0 && !known.has(m.id)).map(m => ({ verb: m.verb, amount: m.booked })),
  ]
  const waiting = notices.filter(row => !isRefused(row))
  return {
    bank: shown.bank,
    due: dueOf(shown.of),
    since: moved.reduce((sum, { verb, amount }) => sum + (gives(verb) ? -amount : amount), 0),
    asked: waiting.reduce((sum, { amount }) => sum + amount, 0),
    isStill: moved.length === 0 && waiting.length === 0 && !movements.some(isOpen),
  }
}

/** What a break that nothing accounts for is made of. */
export type WholeCase = { readonly deadline: Date | undefined; readonly reversal: BankPolicy['reversal'] }

type BreakRow = {
  readonly id: number
  readonly state: BreakState
  readonly kind: BreakKind
  readonly source: BreakSource
  readonly taxAmount: number
  readonly bankAmount: number
  readonly excess: number | null
  readonly remedyBy: number | null
  readonly closedAt: Date | null
}
const surplusOf = ({ excess, kind, taxAmount, bankAmount }: BreakRow): number => {
  if (excess !== null) return excess
  const differs = Math.abs(bankAmount - taxAmount)
  return kind === 'under-debited' || kind === 'bank-missing' ? -differs : differs
}
const accounted = (row: BreakRow): Accounted => ({
  state: row.state,
  isFromFile: row.source === 'file',
  isOpen: row.closedAt === null,
  surplus: surplusOf(row),
})

/**
 * Where the bank is off by what none of the ticket's breaks says, one of the whole ticket takes the place of those that were not begun, and of the
 * differences that none was raised for. Under the lock of the ticket. Whether there was one.
 */
export const raiseWhole = async (
  tx: Tx,
  day: SessionDay,
  ticketNo: string,
  ticket: Ticket | undefined,
  { deadline, reversal }: WholeCase,
  by: By,
): Promise<boolean> => {
  const { bankCode, accountingDate, session } = day
  const rows = await tx.query<BreakRow>(
    `SELECT id, state, kind, source, tax_amount AS taxAmount, bank_amount AS bankAmount, excess, remedy_by AS remedyBy, closed_at AS closedAt
     FROM break WHERE ticket_no = ? AND bank_code = ? AND state NOT IN ('confirmed', 'superseded') ORDER BY id FOR UPDATE`,
    [ticketNo, bankCode],
  )
  // The end of its instruction has not been written down yet.
  if (rows.some(row => row.state === 'under-way' && row.remedyBy !== null)) return false
  const standing = await readStanding(tx, bankCode, ticketNo, ticket)
  if (unaccounted(standing, rows.map(accounted)) === undefined) return false
  const key = await keyOfWhole(tx, day, ticketNo, ticket)
  if (!key) return false
  const { kind, taxAmount, bankAmount, surplus, row } = wholeBreak(ticket?.bankCode === bankCode ? ticket : undefined, standing, reversal)
  for (const old of rows)
    if (old.source === 'file' && ['found', 'chosen', 'failed', 'under-way'].includes(old.state))
      await writeStep(
        tx,
        old,
        'supersede',
        `session ${session} of ${accountingDate}: the ticket as a whole is off by ${surplus} fen`,
        {},
        by,
      )
  const debit = ticket?.bankCode === bankCode ? ticket.movements.find(m => m.verb === 'debit') : undefined
  const { insertId } = await tx.execute(
    `INSERT INTO break (at, ticket_no, instruction_id, kind, source, tax_amount, bank_amount, reason, bank_code, office_code, accounting_date, session,
       subject, found_type, entrust_date, serial_no, verb, bank_serial, excess, remedy, deadline)
     VALUES (?, ?, ?, ?, 'file', ?, ?, ?, ?, ?, ?, ?, ?, 'amount-differs', ?, ?, 'debit', ?, ?, ?, ?)`,
    [
      sqlTime(by.now),
      ticketNo,
      debit?.id ?? null,
      kind,
      taxAmount,
      bankAmount,
      `session ${session} of ${accountingDate}: the ticket as a whole`,
      bankCode,
      key.officeCode,
      accountingDate,
      session,
      `ticket/${ticketNo}`,
      key.entrustDate,
      key.serialNo,
      key.bankSerial,
      surplus,
      row.remedy,
      deadline ? sqlTime(deadline) : null,
    ],
  )
  const reason = `${row.article} ${row.rule}: the ticket as a whole`
  await writeStep(tx, { id: insertId, state: 'found', closedAt: null }, 'choose', reason, { remedy: row.remedy }, by)
  await tx.execute(
    `UPDATE difference d SET d.break_id = ? WHERE d.ticket_no = ? AND d.bank_code = ? AND d.break_id IS NULL AND d.type <> 'in-bank'
       AND d.session = ${lastSession('d')}`,
    [insertId, ticketNo, bankCode],
  )
  return true
}

type Key = { readonly officeCode: string; readonly entrustDate: string; readonly serialNo: string; readonly bankSerial: string | null }
/** The key by which a bank knows it: of the ticket's debit; of what nobody sent, that of a finding. */
const keyOfWhole = async (tx: Tx, { bankCode }: SessionDay, ticketNo: string, ticket: Ticket | undefined): Promise<Key | undefined> => {
  const columns = 'office_code AS officeCode, entrust_date AS entrustDate, serial_no AS serialNo'
  if (ticket?.bankCode === bankCode)
    return (
      await tx.query<Key>(
        `SELECT ${columns}, bank_serial AS bankSerial FROM instruction WHERE ticket_no = ? AND verb = 'debit' ORDER BY id LIMIT 1`,
        [ticketNo],
      )
    )[0]
  const [found] = await tx.query<Key>(
    `SELECT ${columns}, bank_serial AS bankSerial FROM difference WHERE ticket_no = ? AND bank_code = ? ORDER BY verb <> 'debit', accounting_date DESC, session DESC
     LIMIT 1`,
    [ticketNo, bankCode],
  )
  return found
}
