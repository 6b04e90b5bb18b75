import { exchangeRemark, lostRemark, objectionToExchange, objectionToLostCopy } from '../domain/exchange.ts'
import type { Objection } from '../domain/proposal.ts'
import { shanghaiDate } from '../domain/time.ts'
import {
  type NewTicket,
  numberTaken,
  objectionToClose,
  objectionToReissue,
  objectionToUndo,
  printedNoOf,
  stateOfMarks,
  type TicketState,
  type UndoCause,
} from '../domain/write-off.ts'
import { appendAudit } from './audit.ts'
import { carefully, insertJournal } from './beside.ts'
import type { Database, Tx } from './database.ts'
import type { Actor } from './linked.ts'
import { sqlTime } from './rows.ts'

/** A certificate of a ticket, 税收转账专用完税证 (art. 40, 41). */
export type CertificateView = {
  readonly number: number
  readonly certificateNo: string
  readonly replacesNo: string | undefined
  /** 备注栏, as it is printed. */
  readonly remark: string
  readonly issuedOn: string
  readonly issuedBy: string
}
/** A ticket that took the place of one that was undone (art. 21). */
export type ReissueView = NewTicket & {
  readonly printedNo: string | undefined
  readonly remittedOn: string | undefined
  readonly enteredOn: string | undefined
}
/** All that became of a ticket after its debit. */
export type TicketLife = {
  readonly ticketNo: string
  readonly officeCode: string
  readonly treasuryCode: string
  readonly bankCode: string
  readonly channel: 'computer' | 'phone'
  readonly amount: number
  readonly paidAt: Date
  readonly state: TicketState
  readonly writtenOffOn: string
  readonly summaryNo: string | undefined
  readonly remittedOn: string | undefined
  readonly enteredOn: string | undefined
  readonly undo: { readonly cause: UndoCause; readonly reason: string; readonly at: Date } | undefined
  readonly reissues: readonly ReissueView[]
  readonly certificates: readonly CertificateView[]
  readonly releasedAt: Date | undefined
  /** Whether the bank prints a payment voucher for it. */
  readonly hasPaymentVoucher: boolean
}
/** What becomes of an order about a certificate. */
export type Issued =
  | { readonly kind: 'issued' | 'repeated'; readonly certificate: CertificateView }
  | { readonly kind: 'absent' }
  | { readonly kind: 'objected'; readonly objection: Objection }
/** A certificate to be issued: in exchange, or for one that was lost. */
export type CertificateOrder = {
  readonly ticketNo: string
  readonly certificateNo: string
  readonly lostNo: string | undefined
  readonly day: string
  /** The name of a treasury, as the reference data has it. */
  readonly treasuryName: (code: string) => string
}

/** What becomes of tickets after their debit. */
export type TicketLives = {
  life(ticketNo: string): Promise<TicketLife | undefined>
  /** The last day that the province has booked. */
  bookedThrough(): Promise<string | undefined>
  /** A ticket that was entered through this day, undone, and not issued anew; undefined: there is none. */
  halfDone(through: string): Promise<string | undefined>
  hasOpenBreak(ticketNo: string): Promise<boolean>
  /** Whether one of these numbers is a ticket's already. */
  isAnyTaken(tickets: readonly NewTicket[]): Promise<boolean>
  /** 换票, or a certificate for one that was lost. */
  issue(order: CertificateOrder, by: Actor): Promise<Issued>
}

type Row = Omit<
  TicketLife,
  'state' | 'undo' | 'reissues' | 'certificates' | 'summaryNo' | 'remittedOn' | 'enteredOn' | 'releasedAt' | 'hasPaymentVoucher'
> & {
  hasPaymentVoucher: number
  summaryNo: string | null
  remittedOn: string | null
  enteredOn: string | null
  releasedAt: Date | null
  cause: UndoCause | null
  reason: string | null
  undoneAt: Date | null
  voidedAt: Date | null
}
const select = `SELECT w.ticket_no AS ticketNo, w.office_code AS officeCode, w.treasury_code AS treasuryCode, w.bank_code AS bankCode, w.channel, w.amount,
    w.paid_at AS paidAt, w.work_date AS writtenOffOn, l.summary_no AS summaryNo, m.on_date AS remittedOn, e.on_date AS enteredOn,
    p.released_at AS releasedAt, p.ticket_no IS NOT NULL AS hasPaymentVoucher, u.cause, u.reason, u.at AS undoneAt, t.voided_at AS voidedAt
  FROM write_off w JOIN ticket t ON t.ticket_no = w.ticket_no
    LEFT JOIN summary_voucher_line l ON l.ticket_no = w.ticket_no
    LEFT JOIN voucher_event m ON m.summary_no = l.summary_no AND m.once = 'remitted'
    LEFT JOIN voucher_event e ON e.summary_no = l.summary_no AND e.once = 'received'
    LEFT JOIN payment_voucher p ON p.ticket_no = w.ticket_no
    LEFT JOIN write_off_undo u ON u.ticket_no = w.ticket_no
  WHERE w.ticket_no = ?`

const certificatesOf = async (tx: Pick<Tx, 'query'>, ticketNo: string): Promise<CertificateView[]> =>
  (
    await tx.query<Omit<CertificateView, 'replacesNo'> & { replacesNo: string | null }>(
      `SELECT number, certificate_no AS certificateNo, replaces_no AS replacesNo, reason AS remark, issued_on AS issuedOn, issued_by AS issuedBy
       FROM certificate WHERE ticket_no = ? ORDER BY number`,
      [ticketNo],
    )
  ).map(row => ({ ...row, replacesNo: row.replacesNo ?? undefined }))
const reissuesOf = async (tx: Pick<Tx, 'query'>, ticketNo: string): Promise<ReissueView[]> =>
  (
    await tx.query<NewTicket & { printedNo: string | null; remittedOn: string | null; enteredOn: string | null }>(
      `SELECT new_ticket_no AS ticketNo, amount, printed_no AS printedNo, remitted_on AS remittedOn, entered_on AS enteredOn
       FROM ticket_reissue WHERE ticket_no = ? ORDER BY number`,
      [ticketNo],
    )
  ).map(row => ({
    ...row,
    printedNo: row.printedNo ?? undefined,
    remittedOn: row.remittedOn ?? undefined,
    enteredOn: row.enteredOn ?? undefined,
  }))

/** Reads the life of a ticket; undefined where it was never written off. */
export const readLife = async (tx: Pick<Tx, 'query'>, ticketNo: string): Promise<TicketLife | undefined> => {
  const [row] = await tx.query<Row>(select, [ticketNo])
  if (!row) return undefined
  const { summaryNo, remittedOn, enteredOn, releasedAt, hasPaymentVoucher, cause, reason, undoneAt, voidedAt, ...rest } = row
  const certificates = await certificatesOf(tx, ticketNo)
  const state = stateOfMarks({
    isVoid: voidedAt !== null,
    isWrittenOff: true,
    isVouchered: summaryNo !== null,
    isReceived: enteredOn !== null,
    isExchanged: certificates.length > 0,
    isUndone: undoneAt !== null,
  })
  return {
    ...rest,
    state,
    summaryNo: summaryNo ?? undefined,
    remittedOn: remittedOn ?? undefined,
    enteredOn: enteredOn ?? undefined,
    releasedAt: releasedAt ?? undefined,
    hasPaymentVoucher: hasPaymentVoucher === 1,
    undo: cause === null || undoneAt === null ? undefined : { cause, reason: reason ?? '', at: undoneAt },
    reissues: await reissuesOf(tx, ticketNo),
    certificates,
  }
}
/** The same with the write-off locked: of two who would do something about it the second sees what the first has done. */
export const lockLife = async (tx: Tx, ticketNo: string): Promise<TicketLife | undefined> => {
  await tx.query('SELECT ticket_no FROM write_off WHERE ticket_no = ? FOR UPDATE', [ticketNo])
  return readLife(tx, ticketNo)
}
/** The last day that the province has booked, within a transaction. */
export const readBookedThrough = async (tx: Pick<Tx, 'query'>): Promise<string | undefined> =>
  (await tx.query<{ through: string | null }>('SELECT MAX(through) AS through FROM province_booking'))[0]?.through ?? undefined

/** A ticket that was entered by then, undone, and not issued anew. */
const readHalfDone = async (tx: Pick<Tx, 'query'>, through: string): Promise<string | undefined> =>
  (
    await tx.query<{ ticketNo: string }>(
      `SELECT u.ticket_no AS ticketNo FROM write_off_undo u JOIN summary_voucher_line l ON l.ticket_no = u.ticket_no
         JOIN voucher_event e ON e.summary_no = l.summary_no AND e.once = 'received'
       WHERE e.on_date <= ? AND NOT EXISTS (SELECT 1 FROM ticket_reissue r WHERE r.ticket_no = u.ticket_no) LIMIT 1`,
      [through],
    )
  )[0]?.ticketNo

/** Opens the lives of tickets over `db`. */
export const openTicketLives = (db: Database): TicketLives => ({
  life: ticketNo => readLife(db, ticketNo),
  bookedThrough: () => readBookedThrough(db),
  halfDone: through => readHalfDone(db, through),
  hasOpenBreak: ticketNo => hasOpenBreak(db, ticketNo),
  isAnyTaken: tickets => isAnyTaken(db, tickets),
  issue: (order, by) => carefully(() => db.transaction(tx => issue(tx, order, by))),
})

/** Whether a break of a ticket is open: what its session found is neither confirmed nor replaced, what was known otherwise is not remedied. */
const hasOpenBreak = async (tx: Pick<Tx, 'query'>, ticketNo: string): Promise<boolean> =>
  (
    await tx.query(
      `SELECT 1 FROM break WHERE ticket_no = ? AND IF(source = 'file', state NOT IN ('confirmed', 'superseded'), closed_at IS NULL) LIMIT 1`,
      [ticketNo],
    )
  ).length > 0

/** Of two who undo a write-off, take a receipt or close the books the second sees what the first has done. */
export const lockBooks = (tx: Tx, lock: 'FOR UPDATE' | 'LOCK IN SHARE MODE' = 'FOR UPDATE'): Promise<unknown> =>
  tx.query(`SELECT next FROM counter WHERE name = 'books' ${lock}`)

const unknown: Objection = { rule: 'ticket-unknown', zh: '没有这份已销号的税票', en: 'no such ticket was written off' }
const numberUsed: Objection = { rule: 'number-used', zh: '此完税证号已用', en: 'this certificate number was used' }

const issue = async (tx: Tx, { ticketNo, certificateNo, lostNo, day, treasuryName }: CertificateOrder, by: Actor): Promise<Issued> => {
  const life = await lockLife(tx, ticketNo)
  if (!life) return { kind: 'absent' }
  const known = life.certificates.find(c => c.certificateNo === certificateNo && c.replacesNo === lostNo)
  if (known) return { kind: 'repeated', certificate: known }
  const standing = life.certificates.at(-1)?.certificateNo
  const objection =
    lostNo === undefined
      ? objectionToExchange({ state: life.state, paidOn: shanghaiDate(life.paidAt), voucher: voucherOf(life) }, day)
      : objectionToLostCopy(life.state, standing, lostNo)
  if (objection) return { kind: 'objected', objection }
  const [used] = await tx.query<{ n: number }>('SELECT 1 AS n FROM certificate WHERE certificate_no = ?', [certificateNo])
  if (used) return { kind: 'objected', objection: numberUsed }
  const remark = lostNo === undefined ? exchangeRemark(ticketNo, life.summaryNo ?? '', treasuryName(life.treasuryCode)) : lostRemark(lostNo)
  const number = life.certificates.length + 1
  await tx.execute(
    `INSERT INTO certificate (ticket_no, number, certificate_no, replaces_no, reason, issued_on, issued_by, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    [ticketNo, number, certificateNo, lostNo ?? null, remark, day, by.actor, sqlTime(by.now)],
  )
  await appendAudit(tx, {
    at: by.now,
    actor: by.actor,
    action: lostNo === undefined ? 'exchange' : 'lost-copy',
    subject: `ticket/${ticketNo}`,
    officeCode: life.officeCode,
    detail: JSON.stringify({ certificateNo, number, ...(lostNo === undefined ? {} : { lostNo }) }),
  })
  return { kind: 'issued', certificate: { number, certificateNo, replacesNo: lostNo, remark, issuedOn: day, issuedBy: by.actor } }
}
const voucherOf = ({ hasPaymentVoucher, releasedAt }: TicketLife) => (hasPaymentVoucher ? (releasedAt ? 'released' : 'not-yet') : 'none')

/** Undoes the marks of a ticket (art. 21), by a proposal that was just approved. */
export const undoWriteOff = async (
  tx: Tx,
  undo: { readonly ticketNo: string; readonly cause: UndoCause; readonly reason: string },
  proposalId: number,
  by: Actor,
): Promise<Objection | undefined> => {
  await lockBooks(tx)
  const life = await lockLife(tx, undo.ticketNo)
  if (!life) return unknown
  const objection = objectionToUndo({
    state: life.state,
    enteredOn: life.enteredOn,
    bookedThrough: await readBookedThrough(tx),
    hasOpenBreak: await hasOpenBreak(tx, undo.ticketNo),
  })
  if (objection) return objection
  await tx.execute('INSERT INTO write_off_undo (ticket_no, proposal_id, cause, reason, at) VALUES (?, ?, ?, ?, ?)', [
    undo.ticketNo,
    proposalId,
    undo.cause,
    undo.reason,
    sqlTime(by.now),
  ])
  await tellJournal(tx, undo.ticketNo, 'undo', `write-off undone: proposal ${proposalId}`, by)
  return undefined
}

const isAnyTaken = async (tx: Pick<Tx, 'query'>, tickets: readonly NewTicket[]): Promise<boolean> => {
  for (const { ticketNo } of tickets) {
    const known = await tx.query('SELECT 1 FROM ticket_reissue WHERE new_ticket_no = ? UNION SELECT 1 FROM ticket WHERE ticket_no = ?', [
      ticketNo,
      ticketNo,
    ])
    if (known.length > 0) return true
  }
  return false
}

/** Lets other tickets take the place of one that was undone (art. 21): it is void, the first of them has its dates and its money. */
export const reissueTicket = async (
  tx: Tx,
  ticketNo: string,
  tickets: readonly NewTicket[],
  proposalId: number,
  by: Actor,
): Promise<Objection | undefined> => {
  const life = await lockLife(tx, ticketNo)
  if (!life) return unknown
  const objection = objectionToReissue({ ...life, cause: life.undo?.cause }, tickets)
  if (objection) return objection
  if (await isAnyTaken(tx, tickets)) return numberTaken
  for (const [i, { ticketNo: newNo, amount }] of tickets.entries()) {
    const first =
      i === 0 ? [printedNoOf(ticketNo), life.remittedOn ?? life.writtenOffOn, life.enteredOn ?? life.writtenOffOn] : [null, null, null]
    await tx.execute(
      `INSERT INTO ticket_reissue (new_ticket_no, ticket_no, number, amount, printed_no, remitted_on, entered_on, proposal_id, at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      [newNo, ticketNo, i + 1, amount, ...first, proposalId, sqlTime(by.now)],
    )
  }
  await tx.execute('UPDATE ticket SET voided_at = ?, void_reason = ? WHERE ticket_no = ? AND voided_at IS NULL', [
    sqlTime(by.now),
    'reissued (art. 21)',
    ticketNo,
  ])
  await tellJournal(tx, ticketNo, 'void', `issued anew as ${tickets.map(t => t.ticketNo).join(', ')}: proposal ${proposalId}`, by)
  return undefined
}

/** What happens to a ticket stands in the journal of its debit. */
const tellJournal = async (tx: Tx, ticketNo: string, event: string, reason: string, { now, actor }: Actor): Promise<void> => {
  const [debit] = await tx.query<{ id: number; state: string }>(
    "SELECT id, state FROM instruction WHERE ticket_no = ? AND verb = 'debit' ORDER BY id DESC LIMIT 1",
    [ticketNo],
  )
  if (debit) await insertJournal(tx, [{ at: now, ticketNo, instructionId: debit.id, event, actor, state: debit.state, reason }])
}

/** 省局记账: closes the books through a day, by a proposal that was just approved. */
export const closeBooks = async (tx: Tx, through: string, proposalId: number, now: Date): Promise<Objection | undefined> => {
  await lockBooks(tx)
  const objection = objectionToClose(through, await readBookedThrough(tx), await readHalfDone(tx, through))
  if (objection) return objection
  await tx.execute('INSERT INTO province_booking (through, proposal_id, at) VALUES (?, ?, ?)', [through, proposalId, sqlTime(now)])
  return undefined
}
