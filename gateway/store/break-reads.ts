import type { BreakState, Due } from '../domain/break-life.ts'
import type { FoundDifference } from '../domain/break-raise.ts'
import type { Ticket } from '../domain/ticket.ts'
import type { Tx } from './database.ts'
import { overKeys } from './rows.ts'

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

// By their tickets: left to itself the server goes through all that a bank, or its day, has.
const differences = overKeys(
  `SELECT d.ordinal, d.type, d.office_code AS officeCode, d.entrust_date AS entrustDate, d.serial_no AS serialNo, d.verb, d.ticket_no AS ticketNo,
     d.instruction_id AS instructionId, d.tax_amount AS taxAmount, d.bank_amount AS bankAmount, d.bank_serial AS bankSerial, d.detail,
     d.break_id AS breakId,
     (SELECT c.subject FROM bank_call c WHERE d.verb = 'adjustment' AND c.bank_code = d.bank_code AND c.verb = 'adjustmentNotice'
        AND c.office_code = d.office_code AND c.entrust_date = d.entrust_date AND c.serial_no = d.serial_no) AS noticeNo
   FROM difference d FORCE INDEX (by_ticket) WHERE d.bank_code = ? AND d.accounting_date = ? AND d.session = ? AND d.type NOT IN ('cut-off', 'in-bank') AND d.ticket_no IN (?)
   ORDER BY d.ordinal FOR UPDATE`,
)

/**
 * What a session has found of tickets and is to be remedied. Amounts as they count: what the bank has taken back itself it has not; what the ledger has
 * under another date is held against that.
 */
export const readDifferences = async (
  tx: Pick<Tx, 'query'>,
  { bankCode, accountingDate, session }: SessionDay,
  ticketNos: readonly string[],
): Promise<DifferenceRow[]> => {
  const rows = await differences.query<Row>(tx, ticketNos, [bankCode, accountingDate, session])
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

/** A break that a session has found, of any bank day. */
export type StandingRow = {
  readonly id: number
  readonly ticketNo: string
  readonly subject: string
  readonly state: BreakState
  readonly surplus: number
  readonly accountingDate: string
  readonly bankAmount: number
}
const standing = overKeys(
  `SELECT id, ticket_no AS ticketNo, subject, state, excess AS surplus, accounting_date AS accountingDate, bank_amount AS bankAmount FROM break
   WHERE bank_code = ? AND source = 'file' AND ticket_no IN (?) ORDER BY id`,
)
/** Breaks that sessions have found of tickets at a bank, in their order. */
export const standingBreaks = (tx: Pick<Tx, 'query'>, bankCode: string, ticketNos: readonly string[]): Promise<StandingRow[]> =>
  standing.query<StandingRow>(tx, ticketNos, [bankCode])

/** Fen that a bank has of a ticket over all its days reconciled so far, and what the record says of it. */
export type ShownOfTicket = { readonly bank: number; readonly of: Due }

const lastSession = (of: string): string => `(SELECT MAX(x.session) FROM reconciliation x WHERE x.bank_code = ${of}.bank_code
  AND x.accounting_date = ${of}.accounting_date AND x.kind = 'day-end' AND x.matched_at IS NOT NULL)`
type NetRow = { readonly ticketNo: string; readonly net: number }
const bookedNet = overKeys(
  `SELECT b.ticket_no AS ticketNo, CAST(SUM(IF(b.verb IN ('reversal', 'adjustment'), -b.amount, b.amount)) AS SIGNED) AS net
   FROM booking b FORCE INDEX (by_ticket) STRAIGHT_JOIN reconciliation r ON r.bank_code = b.bank_code AND r.accounting_date = b.accounting_date AND r.session = ${lastSession('b')}
   WHERE b.bank_code = ? AND b.seq <= r.frozen_seq AND b.ticket_no IN (?) GROUP BY b.ticket_no`,
)
const foundNet = overKeys(
  `SELECT d.ticket_no AS ticketNo, CAST(SUM(IF(d.verb IN ('reversal', 'adjustment'), -1, 1) * (
       IF(d.type = 'reversed-one-side' AND JSON_VALUE(d.detail, '$.status') = 'reversed', 0, d.bank_amount) - d.tax_amount)) AS SIGNED) AS net
   FROM difference d FORCE INDEX (by_ticket) WHERE d.bank_code = ? AND d.session = ${lastSession('d')} AND d.type <> 'in-bank' AND d.ticket_no IN (?) GROUP BY d.ticket_no`,
)
const adoptions = overKeys('SELECT ticket_no AS ticketNo, amount FROM adoption WHERE bank_code = ? AND ticket_no IN (?)')
const reissues = overKeys('SELECT DISTINCT ticket_no AS ticketNo FROM ticket_reissue WHERE ticket_no IN (?)')
const remedies = overKeys(
  `SELECT ticket_no AS ticketNo, closed_by AS closedBy, remedy_by AS remedyBy FROM break
   WHERE (closed_by IS NOT NULL OR remedy_by IS NOT NULL) AND ticket_no IN (?)`,
)

/** What the sessions so far have shown of tickets: what is booked and was reconciled, and what their findings add or take away. */
export const readShown = async (
  tx: Pick<Tx, 'query'>,
  bankCode: string,
  ticketNos: readonly string[],
  tickets: ReadonlyMap<string, Pick<Ticket, 'amount' | 'isVoid' | 'movements'>>,
): Promise<ReadonlyMap<string, ShownOfTicket>> => {
  const booked = new Map((await bookedNet.query<NetRow>(tx, ticketNos, [bankCode])).map(row => [row.ticketNo, row.net]))
  const found = new Map((await foundNet.query<NetRow>(tx, ticketNos, [bankCode])).map(row => [row.ticketNo, row.net]))
  const adopted = new Map(
    (await adoptions.query<{ ticketNo: string; amount: number }>(tx, ticketNos, [bankCode])).map(row => [row.ticketNo, row.amount]),
  )
  // A ticket that was issued anew is void by its number only: its tax is due under another (art. 21).
  const voids = ticketNos.filter(ticketNo => tickets.get(ticketNo)?.isVoid)
  const reissued = new Set((await reissues.query<{ ticketNo: string }>(tx, voids)).map(row => row.ticketNo))
  const closers = await remedies.query<{ closedBy: number | null; remedyBy: number | null }>(tx, ticketNos)
  const isRemedy = new Set(closers.flatMap(({ closedBy, remedyBy }) => [closedBy, remedyBy]))
  const shownOf = (ticketNo: string): ShownOfTicket => {
    const ticket = tickets.get(ticketNo)
    const movements = ticket?.movements ?? []
    const ofTheTaxSide = movements.filter(m => m.verb === 'reversal' && m.reason !== 'in-doubt' && !isRemedy.has(m.id))
    return {
      bank: (booked.get(ticketNo) ?? 0) + (found.get(ticketNo) ?? 0),
      of: {
        amount: adopted.get(ticketNo) ?? ticket?.amount ?? 0,
        isVoid: ticket?.isVoid === true && !reissued.has(ticketNo),
        isPaid: adopted.has(ticketNo) || movements.some(m => m.verb === 'debit' && m.state === 'succeeded'),
        givenBack: ofTheTaxSide.reduce((sum, m) => sum + m.booked, 0),
      },
    }
  }
  return new Map(ticketNos.map(ticketNo => [ticketNo, shownOf(ticketNo)]))
}
