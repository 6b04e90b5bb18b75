import type { CallKey } from './bank-calls.ts'
import type { SessionDay } from './break-reads.ts'
import type { Database } from './database.ts'

/** A bank's entry under one of our notices, as a session has found it. */
export type NoticeEntry = {
  readonly noticeNo: string
  readonly amount: number
  readonly bankSerial: string | undefined
  readonly key: CallKey
}
/** A difference as a bank is told of it. */
export type ReportLine = {
  readonly type: string
  readonly officeCode: string
  readonly entrustDate: string
  readonly serialNo: string
  readonly verb: string
  readonly ticketNo: string
  readonly taxAmount: number
  readonly bankAmount: number
}
/** What a session has found, as others read it. */
export type DifferenceReads = {
  /** What the bank has booked under our notices and our books have not yet. */
  noticeEntries(day: SessionDay): Promise<NoticeEntry[]>
  /** Its first findings. */
  reportLines(day: SessionDay, limit: number): Promise<ReportLine[]>
}

const ofDay = 'd.bank_code = ? AND d.accounting_date = ? AND d.session = ?'
const keyOf = ({ bankCode, accountingDate, session }: SessionDay) => [bankCode, accountingDate, session]

/** Opens the reads over `db`. */
export const openDifferenceReads = (db: Database): DifferenceReads => ({
  noticeEntries: async day =>
    (
      await db.query<{ noticeNo: string; amount: number; bankSerial: string | null } & CallKey>(
        `SELECT n.notice_no AS noticeNo, d.bank_amount AS amount, d.bank_serial AS bankSerial,
           d.entrust_date AS entrustDate, d.serial_no AS serialNo FROM difference d
         JOIN bank_call c ON c.bank_code = d.bank_code AND c.verb = 'adjustmentNotice' AND c.office_code = d.office_code
           AND c.entrust_date = d.entrust_date AND c.serial_no = d.serial_no
         JOIN adjustment_notice n ON n.notice_no = c.subject
         WHERE ${ofDay} AND d.verb = 'adjustment' AND d.tax_amount = 0 AND n.booked_at IS NULL`,
        keyOf(day),
      )
    ).map(({ entrustDate, serialNo, ...row }) => ({ ...row, bankSerial: row.bankSerial ?? undefined, key: { entrustDate, serialNo } })),
  reportLines: (day, limit) =>
    db.query<ReportLine>(
      `SELECT d.type, d.office_code AS officeCode, d.entrust_date AS entrustDate, d.serial_no AS serialNo, d.verb, d.ticket_no AS ticketNo,
         d.tax_amount AS taxAmount, d.bank_amount AS bankAmount FROM difference d WHERE ${ofDay} ORDER BY d.ordinal LIMIT ?`,
      [...keyOf(day), limit],
    ),
})
