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

/** The last day-end session of the bank day of a row that was matched. */
export const lastSession = (of: string): string => `(SELECT MAX(x.session) FROM reconciliation x WHERE x.bank_code = ${of}.bank_code
  AND x.accounting_date = ${of}.accounting_date AND x.kind = 'day-end' AND x.matched_at IS NOT NULL)`
type SumRow = { readonly ticketNo: string; readonly verb: string; readonly sum: number }
const bookedSums = overKeys(
  `SELECT b.ticket_no AS ticketNo, b.verb, CAST(SUM(b.amount) AS SIGNED) AS sum
   FROM booking b FORCE INDEX (by_ticket) STRAIGHT_JOIN reconciliation r ON r.bank_code = b.bank_code AND r.accounting_date = b.accounting_date AND r.session = ${lastSession('b')}
   WHERE b.bank_code = ? AND b.seq <= r.frozen_seq AND b.ticket_no IN (?) GROUP BY b.ticket_no, b.verb`,
)
const foundSums = overKeys(
  `SELECT d.ticket_no AS ticketNo, d.verb, CAST(SUM(
       IF(d.type = 'reversed-one-side' AND JSON_VALUE(d.detail, '$.status') = 'reversed', 0, d.bank_amount) - d.tax_amount) AS SIGNED) AS sum
   FROM difference d FORCE INDEX (by_ticket) WHERE d.bank_code = ? AND d.session = ${lastSession('d')} AND d.type <> 'in-bank' AND d.ticket_no IN (?)
   GROUP BY d.ticket_no, d.verb`,
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
  tickets: ReadonlyMap<string, Pick<Ticket, 'amount' | 'bankCode' | 'isVoid' | 'movements'>>,
): Promise<ReadonlyMap<string, ShownOfTicket>> => {
  const booked = await bookedSums.query<SumRow>(tx, ticketNos, [bankCode])
  const found = await foundSums.query<SumRow>(tx, ticketNos, [bankCode])
  const sums = Map.groupBy([...booked, ...found], row => row.ticketNo)
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
    const fen = (...verbs: string[]): number =>
      (sums.get(ticketNo) ?? []).reduce((all, row) => all + (verbs.includes(row.verb) ? row.sum : 0), 0)
    const kept = fen('debit', 'supplementaryDebit') - fen('adjustment')
    // Of a ticket that was to be debited at another bank this one must have nothing, unless two persons adopted it here.
    const movements = ticket?.bankCode === bankCode ? ticket.movements : []
    const amount = adopted.get(ticketNo) ?? ticket?.amount ?? 0
    return {
      bank: kept - fen('reversal'),
      of: {
        amount,
        isVoid: ticket?.isVoid === true && !reissued.has(ticketNo),
        isPaid: adopted.has(ticketNo) || movements.some(m => m.verb === 'debit' && m.state === 'succeeded'),
        givenBack: wantedBack(movements, isRemedy, kept - amount),
      },
    }
  }
  return new Map(ticketNos.map(ticketNo => [ticketNo, shownOf(ticketNo)]))
}

/**
 * Fen that the tax side wanted back. A reversal that it calls one of a duplicate or an excess is a remedy as far as the bank has shown an excess, whoever
 * ordered it.
 */
const wantedBack = (movements: Ticket['movements'], isRemedy: ReadonlySet<number | null>, excess: number): number => {
  const reversals = movements.filter(m => m.verb === 'reversal' && m.reason !== 'in-doubt')
  const sum = (of: typeof reversals): number => of.reduce((fen, m) => fen + m.booked, 0)
  const others = reversals.filter(m => !isRemedy.has(m.id))
  const left = Math.max(0, excess - sum(reversals.filter(m => isRemedy.has(m.id))))
  return sum(others) - Math.min(left, sum(others.filter(m => m.reason !== 'tax-side')))
}
