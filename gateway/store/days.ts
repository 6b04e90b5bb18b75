import type { Database, Tx } from './database.ts'
import { sqlTime } from './rows.ts'

/** The accounting date a bank was last seen to be at work on, and the decision of two persons that put it right last. */
export type BankDay = { readonly accountingDate: string; readonly resetId: number | undefined }

/** The accounting dates of the banks, as they were seen: past one, debits of the day before cannot be reversed (art. 35(1)). */
export type BankDays = {
  /** Remembers that a bank was seen at work on this accounting date; costs a statement only where the date is new to this process. */
  sawDay(bankCode: string, accountingDate: string, now: Date): Promise<void>
  /** By bank. */
  bankDays(): Promise<ReadonlyMap<string, BankDay>>
  /** Forgets what this process saw of a bank before two persons put its day right by this proposal; until then nothing it sees counts. */
  forgetDay(bankCode: string, resetId: number): void
}

/** Opens the days over `db`. */
export const openBankDays = (db: Database): BankDays => {
  const seen = new Map<string, string>()
  const resets = new Map<string, number>()
  return {
    sawDay: async (bankCode, accountingDate, now) => {
      if ((seen.get(bankCode) ?? '') >= accountingDate) return
      const known = resets.get(bankCode) ?? 0
      // A process that has not heard yet that the day was put right would bring the wrong one back.
      await db.execute(
        `INSERT INTO bank_day (bank_code, accounting_date, seen_at) VALUES (?, ?, ?)
         ON DUPLICATE KEY UPDATE seen_at = IF(COALESCE(reset_id, 0) = ? AND VALUES(accounting_date) > accounting_date, VALUES(seen_at), seen_at),
           accounting_date = IF(COALESCE(reset_id, 0) = ?, GREATEST(accounting_date, VALUES(accounting_date)), accounting_date)`,
        [bankCode, accountingDate, sqlTime(now), known, known],
      )
      seen.set(bankCode, accountingDate)
    },
    bankDays: async () => {
      const rows = await db.query<{ bankCode: string; accountingDate: string; resetId: number | null }>(
        'SELECT bank_code AS bankCode, accounting_date AS accountingDate, reset_id AS resetId FROM bank_day',
      )
      return new Map(rows.map(({ bankCode, accountingDate, resetId }) => [bankCode, { accountingDate, resetId: resetId ?? undefined }]))
    },
    forgetDay: (bankCode, resetId) => {
      seen.delete(bankCode)
      resets.set(bankCode, resetId)
    },
  }
}

/** Puts the day of a bank back to an earlier one, by a proposal that was just approved; false: it is not ahead of that any more. */
export const resetDay = async (tx: Tx, bankCode: string, accountingDate: string, proposalId: number, now: Date): Promise<boolean> => {
  const { affectedRows } = await tx.execute(
    'UPDATE bank_day SET accounting_date = ?, seen_at = ?, reset_id = ? WHERE bank_code = ? AND accounting_date > ?',
    [accountingDate, sqlTime(now), proposalId, bankCode, accountingDate],
  )
  return affectedRows === 1
}
