import type { Outcome } from '@taxlink/bank-sdk'
import { leave, type Tell } from '../domain/agreement-steps.ts'
import { insertCalls, moveLocked } from './agreement-rows.ts'
import { type Agreement, type Deed, type Moved, readAgreements } from './agreements.ts'
import { carefully } from './beside.ts'
import type { Database, Scalar, Tx } from './database.ts'
import { sqlTime } from './rows.ts'

/** Something a bank is to be told, as a worker finds it. */
export type AgreementCall = {
  readonly id: number
  readonly agreementNo: string
  readonly officeCode: string
  readonly bankCode: string
  readonly tell: Tell
  readonly attemptNo: number
  /** The key of the message, once it was taken. */
  readonly key: { readonly entrustDate: string; readonly serialNo: string } | undefined
}
/** A call that is claimed: the agreement as it stands, and the key under which the bank is told. */
export type ClaimedCall = {
  readonly call: AgreementCall
  readonly agreement: Agreement
  readonly key: { readonly officeCode: string; readonly entrustDate: string; readonly serialNo: string }
  readonly attemptNo: number
  readonly owner: string
}
/** What came of a call: it is over, or is made again. `move`: what the answer does to the agreement, in the same transaction. */
export type CallSettlement = {
  readonly claimed: ClaimedCall
  readonly now: Date
  readonly again: Date | undefined
  readonly outcome: Outcome | undefined
  readonly fault: string | undefined
  readonly transcript: string
  readonly move: ((agreement: Agreement) => Deed) | undefined
  /** What the bank is to be asked next, as the agreement stands then. */
  readonly next: { readonly tell: (agreement: Agreement) => Tell | undefined; readonly at: Date } | undefined
}

/** What banks are to be told of agreements, in the order in which it came up. */
export type AgreementCalls = {
  /** Calls that are due at these banks, at most `limit`; of one agreement only the first that is not over. */
  dueCalls(bankCode: string, now: Date, limit: number): Promise<AgreementCall[]>
  /** The right to make a call, committed before its first byte leaves; undefined: somebody else has it. `key` is used where it has none yet. */
  claimCall(
    call: AgreementCall,
    key: { readonly entrustDate: string; readonly serialNo: string },
    by: { readonly owner: string; readonly now: Date; readonly leaseUntil: Date },
  ): Promise<ClaimedCall | undefined>
  /** Records what came of a call; undefined: the fence is not ours any more. */
  settleCall(settlement: CallSettlement): Promise<Moved | undefined>
}

/** Opens the calls over `db`. */
export const openAgreementCalls = (db: Database): AgreementCalls => ({
  dueCalls: async (bankCode, now, limit) =>
    (
      await db.query<CallRow>(
        `SELECT c.id, a.agreement_no AS agreementNo, a.office_code AS officeCode, c.bank_code AS bankCode, c.content, c.attempt_no AS attemptNo, c.entrust_date AS entrustDate,
           c.serial_no AS serialNo
         FROM agreement_call c JOIN agreement a ON a.id = c.agreement_id
         WHERE c.next_attempt_at <= ? AND c.bank_code = ?
           AND NOT EXISTS (SELECT 1 FROM agreement_call e WHERE e.agreement_id = c.agreement_id AND e.id < c.id AND e.done_at IS NULL)
         ORDER BY c.next_attempt_at LIMIT ?`,
        [sqlTime(now), bankCode, limit],
      )
    ).map(callOf),
  claimCall: (call, key, by) => carefully(() => db.transaction(tx => claim(tx, call, key, by))),
  settleCall: settlement => carefully(() => db.transaction(tx => settle(tx, settlement))),
})

type CallRow = {
  id: number
  agreementNo: string
  officeCode: string
  bankCode: string
  content: string
  attemptNo: number
  entrustDate: string | null
  serialNo: string | null
}
const callOf = ({ content, entrustDate, serialNo, ...row }: CallRow): AgreementCall => ({
  ...row,
  tell: JSON.parse(content) as Tell,
  key: entrustDate === null || serialNo === null ? undefined : { entrustDate, serialNo },
})

const claim = async (
  tx: Tx,
  call: AgreementCall,
  fresh: { readonly entrustDate: string; readonly serialNo: string },
  { owner, now, leaseUntil }: { readonly owner: string; readonly now: Date; readonly leaseUntil: Date },
): Promise<ClaimedCall | undefined> => {
  // The agreement first, as everywhere.
  const [agreement] = await readAgreements(tx, 'WHERE a.agreement_no = ? FOR UPDATE', [call.agreementNo])
  if (!agreement) return undefined
  const { affectedRows } = await tx.execute(
    `UPDATE agreement_call SET attempt_no = attempt_no + 1, lease_owner = ?, next_attempt_at = ?, entrust_date = COALESCE(entrust_date, ?),
       serial_no = COALESCE(serial_no, ?) WHERE id = ? AND attempt_no = ? AND next_attempt_at <= ?`,
    [owner, sqlTime(leaseUntil), fresh.entrustDate, fresh.serialNo, call.id, call.attemptNo, sqlTime(now)],
  )
  if (affectedRows === 0) return undefined
  const claimed = {
    call,
    agreement,
    key: { officeCode: agreement.particulars.officeCode, ...(call.key ?? fresh) },
    attemptNo: call.attemptNo + 1,
    owner,
  }
  const binds = call.tell.verb === 'bind' || call.tell.verb === 'changeBinding'
  if (!binds || agreement.state !== 'approved') return claimed
  const moved = await moveLocked(
    tx,
    agreement,
    { stepping: leave(agreement), reason: `told to the bank: ${call.tell.verb}` },
    { now, actor: owner },
  )
  return moved.kind === 'moved' ? { ...claimed, agreement: moved.agreement } : claimed
}

const settle = async (
  tx: Tx,
  { claimed, now, again, outcome, fault, transcript, move, next }: CallSettlement,
): Promise<Moved | undefined> => {
  const { call, attemptNo, owner } = claimed
  const [agreement] = await readAgreements(tx, 'WHERE a.agreement_no = ? FOR UPDATE', [call.agreementNo])
  const params: Scalar[] = [
    again ? sqlTime(again) : null,
    again ? null : sqlTime(now),
    outcome?.code ?? null,
    outcome?.bankCode ?? null,
    outcome?.bankText ?? null,
    fault ?? null,
    transcript,
  ]
  const { affectedRows } = await tx.execute(
    `UPDATE agreement_call SET lease_owner = NULL, next_attempt_at = ?, done_at = ?, result_code = ?, bank_result_code = ?, bank_text = ?, fault = ?,
       transcript = ? WHERE id = ? AND attempt_no = ? AND lease_owner = ?`,
    [...params, call.id, attemptNo, owner],
  )
  if (affectedRows === 0 || !agreement) return undefined
  const tell = next?.tell(agreement)
  if (next && tell) await insertCalls(tx, [{ agreementId: agreement.id, bankCode: call.bankCode, tell, at: now, due: next.at }])
  if (!move) return { kind: 'repeated', agreement }
  return moveLocked(tx, agreement, move(agreement), { now, actor: `bank ${call.bankCode}` })
}
