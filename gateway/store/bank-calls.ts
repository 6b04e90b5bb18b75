import type { Outcome } from '@taxlink/bank-sdk'
import { carefully } from './beside.ts'
import type { Database, Tx } from './database.ts'
import { inserter, sqlTime } from './rows.ts'

/** Something a bank is to be told; of one subject each verb is told once, unless a person has it told again. */
export type NewBankCall = {
  readonly bankCode: string
  /** Of the key of the message. */
  readonly officeCode: string
  readonly verb: string
  /** In ASCII: the number of a notice, of a summary, a ticket. */
  readonly subject: string
  /** The message without its key, or what it is made of. */
  readonly content: { readonly [name: string]: unknown }
  readonly at: Date
  /** Not before this; at once unless told. */
  readonly notBefore?: Date
  /** The how many-th telling, and who ordered it: the bank has refused the one before. */
  readonly again?: { readonly telling: number; readonly by: string; readonly reason: string }
}
/** The key of a message, taken with the first attempt. */
export type CallKey = { readonly entrustDate: string; readonly serialNo: string }
/** The same as a worker finds it. */
export type BankCall = Omit<NewBankCall, 'at' | 'notBefore' | 'again'> & {
  readonly id: number
  readonly attemptNo: number
  /** Of the attempts, those of which certainly no byte left us. */
  readonly undelivered: number
  readonly key: CallKey | undefined
}
/** What came of an attempt: `again`: it is made once more then; else it is over. */
export type BankCallSettlement = {
  readonly call: BankCall
  readonly owner: string
  readonly now: Date
  readonly again: Date | undefined
  /** Certainly no byte of it left us. */
  readonly isUndelivered: boolean
  readonly outcome: Outcome | undefined
  readonly fault: string | undefined
  readonly transcript: string
}
/** What follows in the record from the end of a call of some verb, in the same transaction. No outcome: it cannot be written in the bank's layout. */
export type Follows = {
  readonly [verb: string]: (tx: Tx, call: BankCall, outcome: Outcome | undefined, now: Date) => Promise<void>
}
/** How something a bank was to be told stands. */
export type ToldView = {
  readonly attemptNo: number
  readonly code: string | undefined
  readonly fault: string | undefined
  readonly doneAt: Date | undefined
}

/** What a bank was told more than so often and has not decided. */
export type Untaken = { readonly verb: string; readonly count: number; readonly since: Date }

/** What banks are to be told of day-end. */
export type BankCalls = {
  tellBank(calls: readonly NewBankCall[]): Promise<void>
  /** What is due at a bank but for these verbs, the oldest first, at most `limit`; what is told of single tickets (art. 34) after all that has its hour. */
  dueBankCalls(bankCode: string, now: Date, limit: number, except?: readonly string[]): Promise<BankCall[]>
  /** The right to make a call, committed before its first byte leaves; undefined: somebody else has it. `fresh` is its key where it has none yet. */
  claimBankCall(
    call: BankCall,
    fresh: CallKey,
    by: { readonly owner: string; readonly now: Date; readonly leaseUntil: Date },
  ): Promise<(BankCall & { readonly key: CallKey }) | undefined>
  /** Records what came of a call, with all that follows from it (of what was withdrawn nothing does); false: the fence is not ours any more. */
  settleBankCall(settlement: BankCallSettlement): Promise<boolean>
  /** The banks at which anything is due. */
  banksCalled(now: Date): Promise<string[]>
  /** How what was to be told of a subject stands, by its last telling; undefined: there is nothing of it. */
  told(bankCode: string, verb: string, subject: string): Promise<ToldView | undefined>
  /** What a bank, of day-end and of agreements, was told more than `times` times and is told again before `until`; `since`: the oldest came up then. */
  untaken(bankCode: string, times: number, until: Date): Promise<Untaken[]>
}

/** What was to be told and is not any more, before its first byte left. */
export const withdrawn = 'withdrawn'

/**
 * Whether the bank may have a call that is claimed: an attempt before this one may have left us. What never left is counted, and not what did, so that an
 * attempt of which nobody could write down what became of it is one that may have.
 */
export const mayBeThere = ({ attemptNo, undelivered }: Pick<BankCall, 'attemptNo' | 'undelivered'>): boolean => attemptNo - 1 > undelivered

/** Writes what banks are to be told, within a transaction; the same subject once. */
export const insertBankCalls = inserter<NewBankCall>(
  'bank_call',
  {
    bank_code: c => c.bankCode,
    office_code: c => c.officeCode,
    verb: c => c.verb,
    subject: c => c.subject,
    content: c => JSON.stringify(c.content),
    made_at: c => sqlTime(c.at),
    next_attempt_at: c => sqlTime(c.notBefore ?? c.at),
    telling: c => c.again?.telling ?? 1,
    ordered_by: c => c.again?.by ?? null,
    order_reason: c => c.again?.reason ?? null,
  },
  'ON DUPLICATE KEY UPDATE id = id',
)

/** Opens the calls over `db`; `follows` by verb. */
export const openBankCalls = (db: Database, follows: Follows): BankCalls => ({
  tellBank: calls => db.transaction(tx => insertBankCalls(tx, calls)),
  dueBankCalls: async (bankCode, now, limit, except = []) => {
    const due = [sqlTime(now), bankCode, ...except, limit]
    const sql = `SELECT * FROM (${dueOf(0, except)}) urgent UNION ALL SELECT * FROM (${dueOf(1, except)}) others ORDER BY patient, at, id LIMIT ?`
    return (await db.query<Row>(sql, [...due, ...due, limit])).map(
      ({ content, entrustDate, serialNo, patient: _patient, at: _at, ...row }) => ({
        ...row,
        content: JSON.parse(content) as BankCall['content'],
        key: entrustDate === null || serialNo === null ? undefined : { entrustDate, serialNo },
      }),
    )
  },
  claimBankCall: async (call, fresh, { owner, now, leaseUntil }) => {
    // The fence and the key in one statement: of two that found the same only one counts on.
    const { affectedRows } = await db.execute(
      `UPDATE bank_call SET attempt_no = attempt_no + 1, lease_owner = ?, next_attempt_at = ?, entrust_date = COALESCE(entrust_date, ?),
         serial_no = COALESCE(serial_no, ?) WHERE id = ? AND attempt_no = ? AND next_attempt_at <= ?`,
      [owner, sqlTime(leaseUntil), fresh.entrustDate, fresh.serialNo, call.id, call.attemptNo, sqlTime(now)],
    )
    return affectedRows === 0 ? undefined : { ...call, key: call.key ?? fresh, attemptNo: call.attemptNo + 1 }
  },
  settleBankCall: settlement => carefully(() => db.transaction(tx => settle(tx, settlement, follows))),
  banksCalled: async now =>
    (
      await db.query<{ bankCode: string }>('SELECT DISTINCT bank_code AS bankCode FROM bank_call WHERE next_attempt_at <= ?', [
        sqlTime(now),
      ])
    ).map(row => row.bankCode),
  told: async (bankCode, verb, subject) => {
    const [row] = await db.query<{ attemptNo: number; code: string | null; fault: string | null; doneAt: Date | null }>(
      `SELECT attempt_no AS attemptNo, result_code AS code, fault, done_at AS doneAt FROM bank_call WHERE bank_code = ? AND verb = ? AND subject = ?
       ORDER BY telling DESC LIMIT 1`,
      [bankCode, verb, subject],
    )
    return row && { attemptNo: row.attemptNo, code: row.code ?? undefined, fault: row.fault ?? undefined, doneAt: row.doneAt ?? undefined }
  },
  untaken: (bankCode, times, until) => {
    const of = [bankCode, sqlTime(until), times]
    return db.query<Untaken>(
      `SELECT verb, COUNT(*) AS count, MIN(made_at) AS since FROM bank_call
         WHERE bank_code = ? AND patient IN (0, 1) AND next_attempt_at <= ? AND attempt_no > ? GROUP BY verb
       UNION ALL
       SELECT verb, COUNT(*), MIN(created_at) FROM agreement_call WHERE bank_code = ? AND next_attempt_at <= ? AND attempt_no > ? GROUP BY verb`,
      [...of, ...of],
    )
  },
})

type Row = Omit<BankCall, 'content' | 'key'> & {
  content: string
  entrustDate: string | null
  serialNo: string | null
  patient: number
  at: Date
}
const dueOf = (
  patient: 0 | 1,
  except: readonly string[],
): string => `SELECT id, bank_code AS bankCode, office_code AS officeCode, verb, subject, content, attempt_no AS attemptNo,
    undelivered, entrust_date AS entrustDate, serial_no AS serialNo, patient, next_attempt_at AS at
  FROM bank_call WHERE next_attempt_at <= ? AND bank_code = ? AND patient = ${patient}${except.map(() => ' AND verb <> ?').join('')} ORDER BY next_attempt_at, id LIMIT ?`

const settle = async (
  tx: Tx,
  { call, owner, now, again, isUndelivered, outcome, fault, transcript }: BankCallSettlement,
  follows: Follows,
): Promise<boolean> => {
  const { affectedRows } = await tx.execute(
    `UPDATE bank_call SET lease_owner = NULL, next_attempt_at = ?, done_at = ?, result_code = ?, bank_result_code = ?, bank_text = ?, fault = ?,
       transcript = ?, undelivered = undelivered + ? WHERE id = ? AND attempt_no = ? AND lease_owner = ?`,
    [
      again ? sqlTime(again) : null,
      again ? null : sqlTime(now),
      outcome?.code ?? null,
      outcome?.bankCode ?? null,
      outcome?.bankText ?? null,
      fault ?? null,
      transcript,
      isUndelivered ? 1 : 0,
      call.id,
      call.attemptNo,
      owner,
    ],
  )
  if (affectedRows === 0) return false
  if (!again && fault !== withdrawn) await follows[call.verb]?.(tx, call, outcome, now)
  return true
}
