import type { Outcome, UnifiedCode } from '@taxlink/bank-sdk'
import { noticeNoOf } from '../domain/break-life.ts'
import { isWithin } from '../domain/break-whole.ts'
import type { PrintKey } from '../domain/fingerprint.ts'
import { isOpen } from '../domain/ticket.ts'
import { type BankCall, type CallKey, insertBankCalls } from './bank-calls.ts'
import { carefully } from './beside.ts'
import { insertBookings } from './bookings.ts'
import { type By, type HeldBreak, lockBreak, writeStep, writeSteps } from './break-steps.ts'
import { readStanding } from './break-whole.ts'
import type { Database, Tx } from './database.ts'
import { sqlTime, within } from './rows.ts'
import { lockTicket } from './tickets.ts'

/** Why a bank is to give back. */
export type NoticeCause = 'duplicate' | 'over-debited' | 'bank-only' | 'reversal-missing'
/** 调账通知单: what the county wants given back, and what became of it. */
export type Notice = {
  readonly noticeNo: string
  readonly breakId: number
  readonly bankCode: string
  readonly officeCode: string
  readonly issuingOffice: string
  readonly ticketNo: string
  readonly originalEntrustDate: string
  readonly originalSerialNo: string
  readonly bankSerial: string | undefined
  readonly accountingDate: string
  readonly taxAmount: number
  readonly bankAmount: number
  readonly amount: number
  readonly cause: NoticeCause
  readonly issuedBy: string
  readonly issuedAt: Date
  readonly issuedOn: string
  readonly dueOn: string
  readonly toldAt: Date | undefined
  readonly toldCode: string | undefined
  readonly bookedAt: Date | undefined
  readonly bookedAmount: number | undefined
  readonly bookedDate: string | undefined
  readonly bookedSerial: string | undefined
  readonly bookedFrom: 'receipt' | 'file' | undefined
  readonly breakState: HeldBreak['state']
}
/** What the county issues. */
export type Issuing = {
  readonly breakId: number
  readonly issuingOffice: string
  readonly issuedOn: string
  readonly dueOn: string
  readonly by: By
}
/**
 * `refused`: it was issued, and its bank refuses it; `absent`: there is no such break; `unfit`: its remedy is no notice, or it is under way otherwise; `otherwise`: so much is not too much any more, or an
 * instruction of the ticket has no outcome yet.
 */
export type Issued =
  | { readonly kind: 'issued' | 'repeated' | 'refused'; readonly noticeNo: string }
  | { readonly kind: 'absent'; readonly noticeNo?: never }
  | { readonly kind: 'unfit'; readonly noticeNo?: never }
  | { readonly kind: 'otherwise'; readonly noticeNo?: never }
/** That a bank has given back. */
export type Adjusted = {
  readonly bankCode: string
  readonly noticeNo: string
  readonly amount: number
  readonly accountingDate: string
  readonly datedBy: 'bank' | 'clock'
  readonly bankSerial: string | undefined
  readonly from: 'receipt' | 'file'
  /** Of the message under which its file has it. */
  readonly key?: CallKey
}
/** What a list of notices may be narrowed by. */
export type NoticeFilter = {
  readonly bankCode?: string | undefined
  /** Not given back, and its break is not over. */
  readonly open?: boolean | undefined
  /** Due on or before this day and not booked. */
  readonly dueBy?: string | undefined
  readonly offices?: readonly string[] | undefined
}

/** The adjustment notices (art. 35(1)). */
export type Notices = {
  /** Issues a notice for a break and writes what the bank is to be told, in one transaction; of a break there is one. */
  issueNotice(issuing: Issuing): Promise<Issued>
  /** Books what a bank has given back, and the break is remedied, in one transaction; the unified code of the receipt. */
  bookNotice(adjusted: Adjusted, key: PrintKey, by: By): Promise<UnifiedCode>
  findNotice(noticeNo: string): Promise<Notice | undefined>
  /** The number of the notice that was issued for a break. */
  noticeOf(breakId: number): Promise<string | undefined>
  /** Newest first, `afterNo` the last of the page before. */
  notices(filter: NoticeFilter, afterNo: string | undefined, limit: number): Promise<Notice[]>
}

const select = `SELECT n.notice_no AS noticeNo, n.break_id AS breakId, n.bank_code AS bankCode, n.office_code AS officeCode, n.issuing_office AS issuingOffice,
    n.ticket_no AS ticketNo, n.original_date AS originalEntrustDate, n.original_serial AS originalSerialNo, n.bank_serial AS bankSerial,
    n.accounting_date AS accountingDate, n.tax_amount AS taxAmount, n.bank_amount AS bankAmount, n.amount, n.cause, n.issued_by AS issuedBy,
    n.issued_at AS issuedAt, n.issued_on AS issuedOn, n.due_on AS dueOn, n.told_at AS toldAt, n.told_code AS toldCode, n.booked_at AS bookedAt,
    n.booked_amount AS bookedAmount, n.booked_date AS bookedDate, n.booked_serial AS bookedSerial, n.booked_from AS bookedFrom, b.state AS breakState
  FROM adjustment_notice n JOIN break b ON b.id = n.break_id`
type Row = { readonly [K in keyof Notice]: undefined extends Notice[K] ? Exclude<Notice[K], undefined> | null : Notice[K] }
const viewOf = (row: Row): Notice => ({
  ...row,
  bankSerial: row.bankSerial ?? undefined,
  toldAt: row.toldAt ?? undefined,
  toldCode: row.toldCode ?? undefined,
  bookedAt: row.bookedAt ?? undefined,
  bookedAmount: row.bookedAmount ?? undefined,
  bookedDate: row.bookedDate ?? undefined,
  bookedSerial: row.bookedSerial ?? undefined,
  bookedFrom: row.bookedFrom ?? undefined,
})

const causeOf = ({ kind, foundType, verb }: { kind: string; foundType: string; verb: string }): NoticeCause => {
  if (kind === 'bank-only') return 'bank-only'
  if (verb === 'reversal') return 'reversal-missing'
  return foundType === 'duplicate-at-bank' ? 'duplicate' : 'over-debited'
}

type Found = {
  readonly foundType: string
  readonly verb: string
  readonly entrustDate: string
  readonly serialNo: string
  readonly bankSerial: string | null
}

/** Reads a break, and locks its ticket before it: in this order everybody does. */
export const lockWithTicket = async (tx: Tx, breakId: number) => {
  const [of] = await tx.query<{ ticketNo: string }>('SELECT ticket_no AS ticketNo FROM break WHERE id = ?', [breakId])
  const ticket = of && (await lockTicket(tx, of.ticketNo))
  return { ticket, held: of && (await lockBreak(tx, breakId)) }
}

const issueOnce = async (tx: Tx, { breakId, issuingOffice, issuedOn, dueOn, by }: Issuing): Promise<Issued> => {
  const { ticket, held } = await lockWithTicket(tx, breakId)
  if (!held) return { kind: 'absent' }
  const [known] = await tx.query<{ noticeNo: string }>('SELECT notice_no AS noticeNo FROM adjustment_notice WHERE break_id = ?', [breakId])
  // The bank has refused it: it is there, and nobody acts on it.
  if (known) return { kind: held.state === 'chosen' || held.state === 'failed' ? 'refused' : 'repeated', noticeNo: known.noticeNo }
  const [found] = await tx.query<Found>(
    `SELECT found_type AS foundType, verb, entrust_date AS entrustDate, serial_no AS serialNo, bank_serial AS bankSerial FROM break
     WHERE id = ? AND source = 'file'`,
    [breakId],
  )
  if (!found || held.remedy !== 'notice' || held.excess === null || held.excess <= 0 || held.accountingDate === null)
    return { kind: 'unfit' }
  if (held.state !== 'chosen') return { kind: 'unfit' }
  // What was given back since, or another notice asks for, is not asked for a second time.
  const standing = await readStanding(tx, held.bankCode, held.ticketNo, ticket)
  if (ticket?.movements.some(isOpen) || !isWithin(standing, held.excess)) return { kind: 'otherwise' }
  const [{ n } = { n: 0 }] = await tx.query<{ n: number }>(
    'SELECT COUNT(*) AS n FROM adjustment_notice WHERE issuing_office = ? AND issued_on = ? FOR UPDATE',
    [issuingOffice, issuedOn],
  )
  const noticeNo = noticeNoOf(issuingOffice, issuedOn, n + 1)
  if (!(await writeStep(tx, held, 'begin', `35(1): adjustment notice ${noticeNo}`, {}, by))) return { kind: 'unfit' }
  const cause = causeOf({ kind: held.kind, ...found })
  const { bankCode, officeCode, ticketNo, accountingDate, taxAmount } = held
  // The bank's whole amount of it must be above what goes back, and an entry of ours says what stays.
  const bankAmount = Math.max(held.bankAmount, held.excess)
  await tx.execute(
    `INSERT INTO adjustment_notice (notice_no, break_id, bank_code, office_code, issuing_office, ticket_no, original_date, original_serial, bank_serial,
       accounting_date, tax_amount, bank_amount, amount, cause, issued_by, issued_at, issued_on, due_on)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      noticeNo,
      breakId,
      bankCode,
      officeCode,
      issuingOffice,
      ticketNo,
      found.entrustDate,
      found.serialNo,
      found.bankSerial,
      accountingDate,
      taxAmount,
      bankAmount,
      held.excess,
      cause,
      by.actor,
      sqlTime(by.now),
      issuedOn,
      dueOn,
    ],
  )
  const content = {
    noticeNo,
    ticketNo,
    originalEntrustDate: found.entrustDate,
    originalSerialNo: found.serialNo,
    ...(found.bankSerial === null ? {} : { bankSerial: found.bankSerial }),
    accountingDate,
    taxAmount,
    bankAmount,
    amount: held.excess,
    reason: cause,
    issuingOffice,
    issuedOn,
    dueOn,
  }
  await insertBankCalls(tx, [{ bankCode, officeCode, verb: 'adjustmentNotice', subject: noticeNo, content, at: by.now }])
  return { kind: 'issued', noticeNo }
}

/** What follows from the bank's answer to a notice: that it has it; where it refuses it, a person has to speak with the bank. */
export const noticeTold = async (tx: Tx, call: BankCall, outcome: Outcome | undefined, now: Date): Promise<void> => {
  const [row] = await tx.query<{ breakId: number }>('SELECT break_id AS breakId FROM adjustment_notice WHERE notice_no = ?', [call.subject])
  // Before its notice, in the order in which everybody does.
  const held = row && (await lockBreak(tx, row.breakId))
  await tx.execute('UPDATE adjustment_notice SET told_at = ?, told_code = ? WHERE notice_no = ?', [
    sqlTime(now),
    outcome?.code ?? null,
    call.subject,
  ])
  if (held && outcome?.class !== 'succeeded')
    await writeStep(
      tx,
      held,
      'fail',
      `the bank refuses the notice ${call.subject}: ${outcome?.code ?? 'no answer'}`,
      {},
      {
        now,
        actor: `bank ${call.bankCode}`,
      },
    )
}

const bookOnce = async (
  tx: Tx,
  { bankCode, noticeNo, amount, accountingDate, datedBy, bankSerial, from, key: under }: Adjusted,
  key: PrintKey,
  by: By,
): Promise<UnifiedCode> => {
  const [of] = await tx.query<{ breakId: number }>(
    'SELECT break_id AS breakId FROM adjustment_notice WHERE notice_no = ? AND bank_code = ?',
    [noticeNo, bankCode],
  )
  const { held } = of ? await lockWithTicket(tx, of.breakId) : {}
  const [row] = await tx.query<Row>(`${select} WHERE n.notice_no = ? AND n.bank_code = ? FOR UPDATE`, [noticeNo, bankCode])
  if (!row || !held) return '94054'
  // What names no day says nothing against the one that is known.
  if (row.bookedAt !== null)
    return row.bookedAmount === amount && (datedBy === 'clock' || row.bookedDate === accountingDate) ? '90000' : '92006'
  // Not another amount, and no day before that of what goes back: that day is over, and no session would look at it again.
  if (row.amount !== amount || accountingDate < row.accountingDate) return '93004'
  await tx.execute(
    'UPDATE adjustment_notice SET booked_at = ?, booked_amount = ?, booked_date = ?, booked_serial = ?, booked_from = ? WHERE notice_no = ?',
    [sqlTime(by.now), amount, accountingDate, bankSerial ?? null, from, noticeNo],
  )
  await bookEntry(tx, row, accountingDate, datedBy, key, under)
  // A bank that had refused the notice, and a person who has decided anew, do not undo that the money is back.
  const way = { chosen: ['begin'], failed: ['choose', 'begin'], 'under-way': [] } as const
  const steps = held.state in way ? way[held.state as keyof typeof way] : undefined
  const why = `35(1): the bank gave back ${amount} fen on ${accountingDate} (${from})`
  if (steps) await writeSteps(tx, held, [...steps, 'remedy'], why, { closedWith: noticeNo }, by)
  return '90000'
}

/**
 * The entry in our books: under the key of the notice's message; of several the one that the bank's file shows, or that it took, or the last that it may have.
 * Of what nobody ever sent us our books have nothing, and take nothing off.
 */
const bookEntry = async (
  tx: Tx,
  row: Row,
  accountingDate: string,
  datedBy: Adjusted['datedBy'],
  key: PrintKey,
  under: CallKey | undefined,
): Promise<void> => {
  const [last] = await tx.query<CallKey>(
    `SELECT entrust_date AS entrustDate, serial_no AS serialNo FROM bank_call WHERE bank_code = ? AND verb = 'adjustmentNotice' AND subject = ?
       AND serial_no IS NOT NULL ORDER BY result_code <=> '90000' DESC, attempt_no > undelivered DESC, telling DESC LIMIT 1`,
    [row.bankCode, row.noticeNo],
  )
  const told = under ?? last
  const [debit] = await tx.query<{ request: string }>(
    "SELECT request FROM instruction WHERE ticket_no = ? AND bank_code = ? AND verb = 'debit' ORDER BY id LIMIT 1",
    [row.ticketNo, row.bankCode],
  )
  if (!debit || !told) return
  const { account, treasuryCode } = JSON.parse(debit.request) as { account: string; treasuryCode: string }
  await insertBookings(tx, key, [
    {
      officeCode: row.officeCode,
      entrustDate: told.entrustDate,
      serialNo: told.serialNo,
      bankCode: row.bankCode,
      accountingDate,
      verb: 'adjustment',
      ticketNo: row.ticketNo,
      workDate: told.entrustDate,
      treasuryCode,
      amount: row.amount,
      account,
      instructionId: undefined,
      source: 'notice',
      datedBy,
    },
  ])
}

/** Opens the notices over `db`. */
export const openNotices = (db: Database): Notices => ({
  issueNotice: issuing => carefully(() => db.transaction(tx => issueOnce(tx, issuing))),
  bookNotice: (adjusted, key, by) => carefully(() => db.transaction(tx => bookOnce(tx, adjusted, key, by))),
  findNotice: async noticeNo => {
    const [row] = await db.query<Row>(`${select} WHERE n.notice_no = ?`, [noticeNo])
    return row && viewOf(row)
  },
  noticeOf: async breakId =>
    (await db.query<{ noticeNo: string }>('SELECT notice_no AS noticeNo FROM adjustment_notice WHERE break_id = ?', [breakId]))[0]
      ?.noticeNo,
  notices: async ({ bankCode, open, dueBy, offices }, afterNo, limit) =>
    (
      await db.query<Row>(
        `${select} WHERE ${[
          '(? IS NULL OR n.bank_code = ?)',
          "(? IS NULL OR (n.booked_at IS NULL AND b.state NOT IN ('confirmed', 'superseded')) = ?)",
          '(? IS NULL OR (n.booked_at IS NULL AND n.due_on <= ?))',
          '(? IS NULL OR n.break_id < (SELECT p.break_id FROM adjustment_notice p WHERE p.notice_no = ?))',
          ...within('n.office_code', offices),
        ].join(' AND ')} ORDER BY n.break_id DESC LIMIT ?`,
        [
          ...[bankCode, bankCode].map(value => value ?? null),
          ...[open, open].map(value => (value === undefined ? null : value ? 1 : 0)),
          ...[dueBy, dueBy, afterNo, afterNo].map(value => value ?? null),
          ...(offices ?? []),
          limit,
        ],
      )
    ).map(viewOf),
})
