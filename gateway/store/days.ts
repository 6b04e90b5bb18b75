import type { Database } from './database.ts'
import { sqlTime } from './rows.ts'

/** The accounting dates of the banks, as they were seen: past one, debits of the day before cannot be reversed (art. 35(1)). */
export type BankDays = {
  /** Remembers that a bank was seen at work on this accounting date; costs a statement only where the date is new to this process. */
  sawDay(bankCode: string, accountingDate: string, now: Date): Promise<void>
}

/** Opens the days over `db`. */
export const openBankDays = (db: Database): BankDays => {
  const seen = new Map<string, string>()
  return {
    sawDay: async (bankCode, accountingDate, now) => {
      if ((seen.get(bankCode) ?? '') >= accountingDate) return
      await db.execute(
        `INSERT INTO bank_day (bank_code, accounting_date, seen_at) VALUES (?, ?, ?)
         ON DUPLICATE KEY UPDATE seen_at = IF(VALUES(accounting_date) > accounting_date, VALUES(seen_at), seen_at),
           accounting_date = GREATEST(accounting_date, VALUES(accounting_date))`,
        [bankCode, accountingDate, sqlTime(now)],
      )
      seen.set(bankCode, accountingDate)
    },
  }
}
