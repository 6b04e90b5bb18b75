import { insertBankCalls } from './bank-calls.ts'
import { carefully } from './beside.ts'
import type { Database, Scalar, Tx } from './database.ts'
import { lockVersions } from './files.ts'
import { sqlTime } from './rows.ts'

/** That a bank is to send the file of a session, the first time or again, and why. */
export type NewFileRequest = {
  /** A person, or the session that needs it. */
  readonly askedBy: string
  /** Given by who asks: the same number is the same request. */
  readonly orderNo: string
  readonly bankCode: string
  readonly accountingDate: string
  readonly session: number
  readonly workDate: string
  readonly kind: 'first' | 'resend'
  readonly reason: string
  /** Of the key of the message. */
  readonly officeCode: string
}
/** A request as it stands. */
export type FileRequest = Omit<NewFileRequest, 'officeCode'> & {
  readonly id: number
  /** The version that is to come. */
  readonly version: number
  readonly askedAt: Date
  /** What the bank has answered; undefined: nothing yet. */
  readonly code: string | undefined
}
/** What becomes of asking: new, as before, other content under the number; or there is nothing yet that could be sent again, or no number left for it. */
export type Asked =
  | { readonly kind: 'asked' | 'repeated' | 'differs'; readonly request: FileRequest }
  | { readonly kind: 'nothing-there' | 'asked-already' | 'none-left' }

/** What banks are asked for. */
export type FileRequests = {
  /** Opens the version that is to come, and tells the bank. */
  ask(request: NewFileRequest, now: Date): Promise<Asked>
  list(filter: { readonly bankCode?: string }, afterId: number, limit: number): Promise<FileRequest[]>
}

const subjectSql = "CONCAT(r.accounting_date, ' s', r.session, ' v', r.version)"
const subjectOf = (accountingDate: string, session: number, version: number): string => `${accountingDate} s${session} v${version}`

const read = async (tx: Pick<Tx, 'query'>, rest: string, params: readonly Scalar[]): Promise<FileRequest[]> =>
  (
    await tx.query<Omit<FileRequest, 'code'> & { code: string | null }>(
      `SELECT r.id, r.asked_by AS askedBy, r.order_no AS orderNo, r.bank_code AS bankCode, r.accounting_date AS accountingDate, r.session, r.version,
         r.work_date AS workDate, r.kind, r.reason, r.asked_at AS askedAt, c.result_code AS code
       FROM recon_request r LEFT JOIN bank_call c ON c.bank_code = r.bank_code AND c.verb = 'fileRequest' AND c.subject = ${subjectSql} ${rest}`,
      params,
    )
  ).map(({ code, ...row }) => ({ ...row, code: code ?? undefined }))

/** Opens the requests over `db`. */
export const openFileRequests = (db: Database): FileRequests => ({
  ask: (request, now) => carefully(() => db.transaction(tx => ask(tx, request, now))),
  list: ({ bankCode }, afterId, limit) =>
    bankCode === undefined
      ? read(db, 'WHERE r.id > ? ORDER BY r.id LIMIT ?', [afterId, limit])
      : read(db, 'WHERE r.id > ? AND r.bank_code = ? ORDER BY r.id LIMIT ?', [afterId, bankCode, limit]),
})

/** The last number that a version of a session's file may have. */
const highestVersion = 99

const isSame = (a: FileRequest, b: NewFileRequest): boolean =>
  a.bankCode === b.bankCode &&
  a.accountingDate === b.accountingDate &&
  a.session === b.session &&
  a.kind === b.kind &&
  a.reason === b.reason

const ask = async (tx: Tx, request: NewFileRequest, now: Date): Promise<Asked> => {
  const { askedBy, orderNo, bankCode, accountingDate, session, workDate, kind, reason, officeCode } = request
  const mine = () => read(tx, 'WHERE r.asked_by = ? AND r.order_no = ?', [askedBy, orderNo])
  const [known] = await mine()
  if (known) return { kind: isSame(known, request) ? 'repeated' : 'differs', request: known }
  const newest = await lockVersions(tx, request, now)
  const key = [bankCode, accountingDate, session]
  const [state] = await tx.query<{ there: number; asked: number }>(
    `SELECT EXISTS (SELECT 1 FROM recon_file WHERE bank_code = ? AND accounting_date = ? AND session = ? AND version = ?) AS there,
       EXISTS (SELECT 1 FROM recon_request WHERE bank_code = ? AND accounting_date = ? AND session = ? AND version = ?) AS asked`,
    [...key, newest, ...key, newest],
  )
  // Of a version that was asked for nothing has come yet: asking for the next would shut the door on it.
  if (kind === 'resend' && !state?.there) return { kind: state?.asked ? 'asked-already' : 'nothing-there' }
  if (kind === 'first' && (newest > 1 || state?.asked)) return { kind: 'asked-already' }
  if (kind === 'resend' && newest >= highestVersion) return { kind: 'none-left' }
  const version = kind === 'first' ? 1 : newest + 1
  const at = sqlTime(now)
  if (kind === 'resend')
    await tx.execute('INSERT INTO recon_version (bank_code, accounting_date, session, version, opened_at) VALUES (?, ?, ?, ?, ?)', [
      ...key,
      version,
      at,
    ])
  await tx.execute(
    `INSERT INTO recon_request (asked_by, order_no, bank_code, accounting_date, session, version, work_date, kind, reason, asked_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [askedBy, orderNo, ...key, version, workDate, kind, reason, at],
  )
  const content = { workDate, accountingDate, session, reason: kind, ...(kind === 'resend' ? { why: reason } : {}) }
  await insertBankCalls(tx, [
    { bankCode, officeCode, verb: 'fileRequest', subject: subjectOf(accountingDate, session, version), content, at: now },
  ])
  return { kind: 'asked', request: (await mine())[0]! }
}
