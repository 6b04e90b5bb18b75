import type { UnifiedCode } from '@taxlink/bank-sdk'
import { contradictionOfPrint, objectionToRelease, objectionToReprint } from '../domain/exchange.ts'
import type { Objection } from '../domain/proposal.ts'
import { stateOfMarks } from '../domain/write-off.ts'
import { appendAudit } from './audit.ts'
import { insertBankCalls, type NewBankCall } from './bank-calls.ts'
import { carefully } from './beside.ts'
import type { Database, Tx } from './database.ts'
import { answerOf, keepAnswer } from './inbox.ts'
import type { Actor } from './linked.ts'
import { overKeys, sqlTime } from './rows.ts'
import { lockLife, readLife, type TicketLife } from './ticket-life.ts'

/** A print, as the bank tells it. */
export type PrintWord = {
  readonly ticketNo: string
  readonly bankCode: string
  readonly copies: number
  readonly isReprint: boolean
  readonly on: string
}
/** What became of it. */
export type PrintTaken = { readonly kind: 'taken' | 'absent' } | { readonly kind: 'differs'; readonly objection: Objection }
/** Something that happened to a payment voucher. */
export type PrintView = {
  readonly number: number
  readonly event: string
  readonly copies: number | undefined
  readonly onDate: string
  readonly actor: string
  readonly rule: string | undefined
}

/** 委托缴纳税款专用凭证 (art. 34). */
export type PaymentVouchers = {
  /** Releases what is due to the banks, or withholds it where the ticket has come to nothing; returns how many were looked at. */
  release(now: Date, limit: number): Promise<number>
  /** Takes what a bank says of a print; the code of the receipt is kept with it. */
  hearPrint(word: PrintWord, now: Date, messageId: number, codeOf: (taken: PrintTaken) => UnifiedCode): Promise<UnifiedCode>
  /** Sends the data to the bank once more, marked as a reprint; what it has refused so far it has never had, and gets as the original. */
  resend(ticketNo: string, by: Actor, day: string): Promise<Objection | undefined>
  prints(ticketNo: string): Promise<PrintView[]>
  /** The message to the bank whose particulars the data of a ticket are made of: that of its debit. */
  debitRequest(ticketNo: string): Promise<string | undefined>
}

type Told = Pick<TicketLife, 'ticketNo' | 'bankCode' | 'officeCode'>
const callOf = ({ ticketNo, bankCode, officeCode }: Told, subject: string, printMark: 'original' | 'reprint', at: Date): NewBankCall => ({
  ...{ bankCode, officeCode, verb: 'ticketInformation', subject },
  ...{ content: { ticketNo, printMark }, at },
})

/** Whether the bank has refused the data of a ticket each time. */
const isRefused = async (tx: Tx, { bankCode, ticketNo }: Told): Promise<boolean> => {
  const [row] = await tx.query<{ tellings: number; refused: number }>(
    `SELECT COUNT(*) AS tellings, CAST(COALESCE(SUM(done_at IS NOT NULL AND NOT result_code <=> '90000'), 0) AS SIGNED) AS refused
     FROM bank_call WHERE bank_code = ? AND verb = 'ticketInformation' AND (subject = ? OR subject LIKE CONCAT(?, '/%'))`,
    [bankCode, ticketNo, ticketNo],
  )
  return row !== undefined && row.tellings > 0 && row.tellings === row.refused
}

/** Opens the payment vouchers over `db`. */
export const openPaymentVouchers = (db: Database): PaymentVouchers => ({
  release: async (now, limit) => {
    const due = await db.query<{ ticketNo: string }>(
      'SELECT ticket_no AS ticketNo FROM payment_voucher WHERE open = 1 AND due_at <= ? ORDER BY due_at LIMIT ?',
      [sqlTime(now), limit],
    )
    const ticketNos = due.map(({ ticketNo }) => ticketNo).toSorted()
    if (ticketNos.length > 0) await carefully(() => db.transaction(tx => release(tx, ticketNos, now)))
    return due.length
  },
  hearPrint: (word, now, messageId, codeOf) =>
    carefully(() =>
      db.transaction(async tx => {
        const known = await answerOf(tx, messageId, 'FOR UPDATE')
        if (known !== undefined) return known
        const code = codeOf(await takePrint(tx, word, now))
        await keepAnswer(tx, messageId, code, now)
        return code
      }),
    ),
  resend: (ticketNo, by, day) =>
    carefully(() =>
      db.transaction(async tx => {
        // The write-off first, as whoever undoes it or issues a certificate does.
        const life = await lockLife(tx, ticketNo)
        const events = (await lockPrints(tx, ticketNo)) ?? []
        const objection = objectionToReprint(life?.state ?? 'paid', life?.releasedAt !== undefined)
        if (!life || objection) return objection
        const number = events.length + 1
        await insertPrint(tx, { ticketNo, number, event: 'resent', copies: null, on: day, actor: by.actor, rule: null }, by.now)
        const printMark = (await isRefused(tx, life)) ? 'original' : 'reprint'
        await insertBankCalls(tx, [callOf(life, `${ticketNo}/${number}`, printMark, by.now)])
        const detail = JSON.stringify({ number })
        const audited = { action: 'reprint', subject: `ticket/${ticketNo}`, officeCode: life.officeCode, detail }
        await appendAudit(tx, { at: by.now, actor: by.actor, ...audited })
        return undefined
      }),
    ),
  prints: async ticketNo => (await readPrints(db, ticketNo)).map(viewOf),
  debitRequest: async ticketNo =>
    (
      await db.query<{ request: string }>(
        "SELECT request FROM instruction WHERE ticket_no = ? AND verb = 'debit' ORDER BY id DESC LIMIT 1",
        [ticketNo],
      )
    )[0]?.request,
})

const lockWriteOffs = overKeys('SELECT ticket_no FROM write_off WHERE ticket_no IN (?) FOR UPDATE')
type DueRow = Omit<NewBankCall, 'verb' | 'subject' | 'content' | 'at'> & {
  readonly ticketNo: string
  readonly channel: 'computer' | 'phone'
  readonly paidAt: Date
  readonly isVoid: number
  readonly isUndone: number
}
const stillDue = overKeys(
  `SELECT w.ticket_no AS ticketNo, w.bank_code AS bankCode, w.office_code AS officeCode, w.channel, w.paid_at AS paidAt,
     t.voided_at IS NOT NULL AS isVoid, EXISTS (SELECT 1 FROM write_off_undo u WHERE u.ticket_no = w.ticket_no) AS isUndone
   FROM payment_voucher p JOIN write_off w ON w.ticket_no = p.ticket_no JOIN ticket t ON t.ticket_no = p.ticket_no
   WHERE p.open = 1 AND p.ticket_no IN (?)`,
)
const setReleased = overKeys('UPDATE payment_voucher SET released_at = ? WHERE ticket_no IN (?)')
const setWithheld = overKeys('UPDATE payment_voucher SET withheld_at = ? WHERE ticket_no IN (?)')
const marked = { isWrittenOff: true, isVouchered: true, isReceived: false, isExchanged: false }

/** Releases these in one transaction; the write-offs first, as whoever undoes one locks it, in the order of their numbers. */
const release = async (tx: Tx, ticketNos: readonly string[], now: Date): Promise<void> => {
  await lockWriteOffs.query(tx, ticketNos)
  const due = await stillDue.query<DueRow>(tx, ticketNos)
  const isLeft = ({ isVoid, isUndone, channel, paidAt }: DueRow) => {
    const state = stateOfMarks({ ...marked, isVoid: isVoid === 1, isUndone: isUndone === 1 })
    return objectionToRelease({ state, channel, paidAt }, now) === undefined
  }
  const [leave, stay] = [due.filter(isLeft), due.filter(row => !isLeft(row))]
  const numbers = (rows: readonly DueRow[]) => rows.map(({ ticketNo }) => ticketNo)
  await setReleased.execute(tx, numbers(leave), [sqlTime(now)])
  await setWithheld.execute(tx, numbers(stay), [sqlTime(now)])
  await insertBankCalls(
    tx,
    leave.map(row => callOf(row, row.ticketNo, 'original', now)),
  )
}

type PrintRow = { number: number; event: string; copies: number | null; onDate: string; actor: string; rule: string | null }
const viewOf = (row: PrintRow): PrintView => ({ ...row, copies: row.copies ?? undefined, rule: row.rule ?? undefined })
const readPrints = (tx: Pick<Tx, 'query'>, ticketNo: string): Promise<PrintRow[]> =>
  tx.query('SELECT number, event, copies, on_date AS onDate, actor, rule FROM payment_voucher_event WHERE ticket_no = ? ORDER BY number', [
    ticketNo,
  ])
/** What happened so far, under the lock of the voucher; undefined: there is none. */
const lockPrints = async (tx: Tx, ticketNo: string): Promise<PrintRow[] | undefined> => {
  const [row] = await tx.query<{ ticketNo: string }>('SELECT ticket_no AS ticketNo FROM payment_voucher WHERE ticket_no = ? FOR UPDATE', [
    ticketNo,
  ])
  return row && readPrints(tx, ticketNo)
}
type NewPrint = {
  readonly ticketNo: string
  readonly number: number
  readonly event: string
  readonly copies: number | null
  readonly on: string
  readonly actor: string
  readonly rule: string | null
}
const insertPrint = async (tx: Tx, { ticketNo, number, event, copies, on, actor, rule }: NewPrint, now: Date): Promise<void> => {
  await tx.execute(
    'INSERT INTO payment_voucher_event (ticket_no, number, event, copies, on_date, actor, rule, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    [ticketNo, number, event, copies, on, actor, rule, sqlTime(now)],
  )
}

const takePrint = async (tx: Tx, { ticketNo, bankCode, copies, isReprint, on }: PrintWord, now: Date): Promise<PrintTaken> => {
  const events = await lockPrints(tx, ticketNo)
  const life = events && (await readLife(tx, ticketNo))
  // Of another bank's tickets a bank learns nothing.
  if (!events || life?.bankCode !== bankCode) return { kind: 'absent' }
  const before = events.filter(e => e.event === 'printed' || e.event === 'reprinted').length
  const objection = contradictionOfPrint({ isReprint, before, isReleased: life.releasedAt !== undefined, copies })
  const event = objection ? 'differs' : isReprint ? 'reprinted' : 'printed'
  await insertPrint(
    tx,
    { ticketNo, number: events.length + 1, event, copies, on, actor: `bank ${bankCode}`, rule: objection?.rule ?? null },
    now,
  )
  return objection ? { kind: 'differs', objection } : { kind: 'taken' }
}
