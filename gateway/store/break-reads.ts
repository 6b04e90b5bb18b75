import type { BreakState, Due } from '../domain/break-life.ts'
import type { FoundDifference } from '../domain/break-raise.ts'
import type { Ticket } from '../domain/ticket.ts'
import type { Tx } from './database.ts'

// What is read of sessions, differences and bookings where breaks are raised and confirmed.

/** A session of a bank day, and the tax side's day on which it is held. */
export type SessionDay = {
  readonly bankCode: string
  readonly accountingDate: string
  readonly session: number
  readonly workDate: string
}
/** A difference as it is found in the record; `breakId`: the break it belongs to already. */
export type DifferenceRow = FoundDifference & { readonly breakId: number | null }

type Row = Omit<FoundDifference, 'instructionId' | 'bankSerial' | 'isOurNotice' | 'datedByUs'> & {
  readonly instructionId: number | null
  readonly bankSerial: string | null
  readonly breakId: number | null
  readonly detail: string
  readonly noticeNo: string | null
}

/**
 * What a session has found of a ticket and is to be remedied. Amounts as they count: what the bank has taken back itself it has not; what the ledger has
 * under another date is held against that.
 */
export const readDifferences = async (
  tx: Pick<Tx, 'query'>,
  { bankCode, accountingDate, session }: SessionDay,
  ticketNo: string,
): Promise<DifferenceRow[]> => {
  const rows = await tx.query<Row>(
    `SELECT d.ordinal, d.type, d.office_code AS officeCode, d.entrust_date AS entrustDate, d.serial_no AS serialNo, d.verb, d.ticket_no AS ticketNo,
       d.instruction_id AS instructionId, d.tax_amount AS taxAmount, d.bank_amount AS bankAmount, d.bank_serial AS bankSerial, d.detail,
       d.break_id AS breakId,
       (SELECT c.subject FROM bank_call c WHERE d.verb = 'adjustment' AND c.bank_code = d.bank_code AND c.verb = 'adjustmentNotice'
          AND c.office_code = d.office_code AND c.entrust_date = d.entrust_date AND c.serial_no = d.serial_no) AS noticeNo
     FROM difference d WHERE d.bank_code = ? AND d.accounting_date = ? AND d.session = ? AND d.ticket_no = ? AND d.type NOT IN ('cut-off', 'in-bank')
     ORDER BY d.ordinal FOR UPDATE`,
    [bankCode, accountingDate, session, ticketNo],
  )
  return rows.map(({ detail, noticeNo, ...row }) => {
    const { status, bookedAmount, datedBy } = JSON.parse(detail) as { status?: string; bookedAmount?: number; datedBy?: string }
    return {
      ...row,
      taxAmount: row.type === 'amount-differs' && bookedAmount !== undefined ? bookedAmount : row.taxAmount,
      bankAmount: row.type === 'reversed-one-side' && status === 'reversed' ? 0 : row.bankAmount,
      instructionId: row.instructionId ?? undefined,
      bankSerial: row.bankSerial ?? undefined,
      isOurNotice: noticeNo !== null,
      datedByUs: datedBy === 'clock',
    }
  })
}

/** Breaks that sessions have found of a ticket: of this bank day, and what they say that the bank has by other days. */
export const standingBreaks = async (
  tx: Pick<Tx, 'query'>,
  { bankCode, accountingDate }: SessionDay,
  ticketNo: string,
): Promise<{
  readonly standing: { readonly id: number; readonly subject: string; readonly state: BreakState; readonly surplus: number }[]
  readonly before: ReadonlyMap<string, number>
}> => {
  const rows = await tx.query<{ id: number; subject: string; state: BreakState; surplus: number; day: string; bankAmount: number }>(
    `SELECT id, subject, state, excess AS surplus, accounting_date AS day, bank_amount AS bankAmount FROM break
     WHERE ticket_no = ? AND bank_code = ? AND source = 'file' ORDER BY id`,
    [ticketNo, bankCode],
  )
  return {
    standing: rows.filter(row => row.day === accountingDate),
    before: new Map(rows.filter(row => row.day !== accountingDate && row.state !== 'superseded').map(row => [row.subject, row.bankAmount])),
  }
}

/** Fen that a bank has of a ticket over all its days reconciled so far, and what the record says of it. */
export type ShownOfTicket = { readonly bank: number; readonly of: Due }

const lastSession = (of: string): string => `(SELECT MAX(x.session) FROM reconciliation x WHERE x.bank_code = ${of}.bank_code
  AND x.accounting_date = ${of}.accounting_date AND x.kind = 'day-end' AND x.matched_at IS NOT NULL)`

/** What the sessions so far have shown of a ticket: what is booked and was reconciled, and what their findings add or take away. */
export const readShown = async (
  tx: Pick<Tx, 'query'>,
  bankCode: string,
  ticketNo: string,
  ticket: Ticket | undefined,
): Promise<ShownOfTicket> => {
  const [booked] = await tx.query<{ net: number | null }>(
    `SELECT CAST(SUM(IF(b.verb IN ('reversal', 'adjustment'), -b.amount, b.amount)) AS SIGNED) AS net
     FROM booking b JOIN reconciliation r ON r.bank_code = b.bank_code AND r.accounting_date = b.accounting_date AND r.session = ${lastSession('b')}
     WHERE b.ticket_no = ? AND b.bank_code = ? AND b.seq <= r.frozen_seq`,
    [ticketNo, bankCode],
  )
  const [found] = await tx.query<{ net: number | null }>(
    `SELECT CAST(SUM(IF(d.verb IN ('reversal', 'adjustment'), -1, 1) * (
         IF(d.type = 'reversed-one-side' AND JSON_VALUE(d.detail, '$.status') = 'reversed', 0, d.bank_amount) - d.tax_amount)) AS SIGNED) AS net
     FROM difference d WHERE d.ticket_no = ? AND d.bank_code = ? AND d.session = ${lastSession('d')} AND d.type <> 'in-bank'`,
    [ticketNo, bankCode],
  )
  const [adopted] = await tx.query<{ amount: number }>('SELECT amount FROM adoption WHERE ticket_no = ? AND bank_code = ?', [
    ticketNo,
    bankCode,
  ])
  const closers = await tx.query<{ id: number | null }>(
    `SELECT closed_by AS id FROM break WHERE ticket_no = ? AND closed_by IS NOT NULL
     UNION SELECT remedy_by FROM break WHERE ticket_no = ? AND remedy_by IS NOT NULL`,
    [ticketNo, ticketNo],
  )
  const isRemedy = new Set(closers.map(row => row.id))
  const debit = ticket?.movements.find(m => m.verb === 'debit' && m.state === 'succeeded')
  const ofTheTaxSide = ticket?.movements.filter(m => m.verb === 'reversal' && m.reason !== 'in-doubt' && !isRemedy.has(m.id)) ?? []
  return {
    bank: (booked?.net ?? 0) + (found?.net ?? 0),
    of: {
      amount: adopted?.amount ?? ticket?.amount ?? 0,
      isVoid: ticket?.isVoid ?? false,
      isPaid: debit !== undefined || adopted !== undefined,
      givenBack: ofTheTaxSide.reduce((sum, m) => sum + m.booked, 0),
    },
  }
}
