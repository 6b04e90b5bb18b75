import { openDigest } from '@taxlink/bank-sdk'
import type { Database, Tx } from './database.ts'
import { sqlTime } from './rows.ts'

/** What a bank is to be told at the end of a month (art. 44). */
export type Sync = {
  readonly bankCode: string
  readonly month: string
  readonly inForce: number
  readonly suspended: number
  readonly digest: string
  readonly attemptNo: number
  readonly key: { readonly entrustDate: string; readonly serialNo: string } | undefined
}

/** The comparisons at the end of a month. */
export type AgreementSyncs = {
  /** Counts what a bank should hold, once a month; `late`: where it had been compared with before, so that there was a month to miss. */
  beginSync(of: { readonly bankCode: string; readonly month: string; readonly late: boolean }, now: Date): Promise<void>
  dueSyncs(now: Date): Promise<Sync[]>
  claimSync(sync: Sync, key: { readonly entrustDate: string; readonly serialNo: string }, now: Date, leaseUntil: Date): Promise<boolean>
  settleSync(sync: Sync, code: string | undefined, again: Date | undefined): Promise<void>
}

type Row = {
  bankCode: string
  month: string
  counts: string
  digest: string
  attemptNo: number
  entrustDate: string | null
  serialNo: string | null
}
type Bound = { id: number; agreementNo: string; account: string; state: string }
const chunk = 5_000

/** Opens the comparisons over `db`. */
export const openAgreementSyncs = (db: Database): AgreementSyncs => ({
  beginSync: (of, now) => db.transaction(tx => begin(tx, of, now)),
  dueSyncs: async now =>
    (
      await db.query<Row>(
        `SELECT bank_code AS bankCode, month, counts, digest, attempt_no AS attemptNo, entrust_date AS entrustDate, serial_no AS serialNo
         FROM agreement_sync WHERE next_attempt_at <= ? ORDER BY bank_code, month`,
        [sqlTime(now)],
      )
    ).map(({ counts, entrustDate, serialNo, ...row }) => ({
      ...row,
      ...(JSON.parse(counts) as { inForce: number; suspended: number }),
      key: entrustDate === null || serialNo === null ? undefined : { entrustDate, serialNo },
    })),
  claimSync: async ({ bankCode, month, attemptNo }, key, now, leaseUntil) =>
    (
      await db.execute(
        `UPDATE agreement_sync SET attempt_no = attempt_no + 1, next_attempt_at = ?, entrust_date = COALESCE(entrust_date, ?),
           serial_no = COALESCE(serial_no, ?) WHERE bank_code = ? AND month = ? AND attempt_no = ? AND next_attempt_at <= ?`,
        [sqlTime(leaseUntil), key.entrustDate, key.serialNo, bankCode, month, attemptNo, sqlTime(now)],
      )
    ).affectedRows === 1,
  settleSync: async ({ bankCode, month, attemptNo }, code, again) => {
    await db.execute(
      'UPDATE agreement_sync SET result_code = ?, next_attempt_at = ? WHERE bank_code = ? AND month = ? AND attempt_no = ?',
      [code ?? null, again ? sqlTime(again) : null, bankCode, month, attemptNo + 1],
    )
  },
})

const begin = async (tx: Tx, { bankCode, month, late }: Parameters<AgreementSyncs['beginSync']>[0], now: Date): Promise<void> => {
  const [last] = await tx.query<{ month: string }>('SELECT month FROM agreement_sync WHERE bank_code = ? ORDER BY month DESC LIMIT 1', [
    bankCode,
  ])
  if (last ? last.month >= month : late) return
  const digest = openDigest()
  const counts = { inForce: 0, suspended: 0 }
  // In the order of their numbers, as the bank lists them: whatever it has bound, reviewed or not, and has not ended itself.
  for (let after = ''; ; ) {
    const rows = await tx.query<Bound>(
      `SELECT id, agreement_no AS agreementNo, account, state FROM agreement
       WHERE bank_code = ? AND state IN ('bound', 'accepted', 'active', 'suspended') AND NOT (ending_by <=> 'bank') AND agreement_no > ?
       ORDER BY agreement_no LIMIT ?`,
      [bankCode, after, chunk],
    )
    for (const { agreementNo, account, state } of rows) {
      digest.add({ agreementNo, account, suspended: state === 'suspended' })
      counts[state === 'suspended' ? 'suspended' : 'inForce']++
    }
    if (rows.length < chunk) break
    after = rows.at(-1)!.agreementNo
  }
  const [{ seq } = { seq: 0 }] = await tx.query<{ seq: number }>("SELECT next - 1 AS seq FROM counter WHERE name = 'agreement-journal'")
  await tx.execute(
    'INSERT IGNORE INTO agreement_sync (bank_code, month, counts, digest, seq, made_at, next_attempt_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    [bankCode, month, JSON.stringify(counts), digest.end(), seq, sqlTime(now), sqlTime(now)],
  )
}
