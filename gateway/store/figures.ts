import type { Figures } from '../domain/registry.ts'
import type { Database } from './database.ts'
import { within } from './rows.ts'

const nothing: Figures = {
  sent: 0,
  succeeded: 0,
  refused: 0,
  open: 0,
  inDoubt: 0,
  within1s: 0,
  within5s: 0,
  within1min: 0,
  within1h: 0,
  breaks: 0,
}
const settledWithin = (seconds: number): string =>
  `CAST(SUM(settled_at IS NOT NULL AND TIMESTAMPDIFF(MICROSECOND, accepted_at, settled_at) <= ${seconds * 1_000_000}) AS SIGNED)`
const counts = `COUNT(*) AS sent, CAST(SUM(state = 'succeeded') AS SIGNED) AS succeeded, CAST(SUM(state = 'refused') AS SIGNED) AS refused,
  CAST(SUM(settled_at IS NULL) AS SIGNED) AS open, CAST(SUM(inquiries > 0 OR state = 'unknown') AS SIGNED) AS inDoubt,
  ${settledWithin(1)} AS within1s, ${settledWithin(5)} AS within5s, ${settledWithin(60)} AS within1min, ${settledWithin(3_600)} AS within1h`

/** What a bank did with the debits of these offices that were entrusted from one day to another, both included: a day a statement, so that none is long. */
export const readFigures = async (
  db: Database,
  bankCode: string,
  offices: readonly string[],
  from: string,
  to: string,
): Promise<Figures> => {
  const at = within('office_code', offices)
  let sum = nothing
  for (let day = from; day <= to; day = new Date(Date.parse(day) + 86_400_000).toISOString().slice(0, 10)) {
    const where = [...at, 'entrust_date = ?', 'bank_code = ?', "verb IN ('debit', 'supplementaryDebit')", 'attempt_no > 0'].join(' AND ')
    const [row] = await db.query<Omit<Figures, 'breaks'>>(`SELECT ${counts} FROM instruction WHERE ${where} HAVING sent > 0`, [
      ...offices,
      day,
      bankCode,
    ])
    if (row) sum = added(sum, row)
  }
  const [found] = await db.query<{ breaks: number }>(
    `SELECT COUNT(*) AS breaks FROM break b JOIN instruction i ON i.id = b.instruction_id
     WHERE i.bank_code = ? AND i.entrust_date BETWEEN ? AND ? AND ${within('i.office_code', offices).join('')}`,
    [bankCode, from, to, ...offices],
  )
  return { ...sum, breaks: found?.breaks ?? 0 }
}

const added = (sum: Figures, day: Omit<Figures, 'breaks'>): Figures => {
  const names = Object.keys(day) as (keyof typeof day)[]
  return { ...sum, ...Object.fromEntries(names.map(name => [name, sum[name] + day[name]])) }
}
