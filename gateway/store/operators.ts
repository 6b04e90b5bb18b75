import { type Account, type Duty, duties } from '../domain/operator.ts'
import type { Database, Tx } from './database.ts'
import { sqlTime } from './rows.ts'

/** The accounts of the operators. */
export type Operators = {
  /** The account of this name. */
  find(name: string): Promise<Account | undefined>
}

type Row = { name: string; displayName: string; office: string; duties: string; state: string }
const select = 'SELECT name, display_name AS displayName, office_code AS office, duties, state FROM operator'

const isDuty = (word: string): word is Duty => duties.some(duty => duty === word)
const accountOf = ({ duties: words, state, ...row }: Row): Account => ({
  ...row,
  duties: words.split(',').filter(isDuty),
  enabled: state === 'enabled',
})

/** The account of this name, kept as it is until the transaction ends. */
export const heldOperator = async (tx: Pick<Tx, 'query'>, name: string): Promise<Account | undefined> => {
  const [row] = await tx.query<Row>(`${select} WHERE name = ? LOCK IN SHARE MODE`, [name])
  return row && accountOf(row)
}

/** Opens the accounts over `db`. */
export const openOperators = (db: Database): Operators => ({
  find: async name => {
    const [row] = await db.query<Row>(`${select} WHERE name = ?`, [name])
    return row && accountOf(row)
  },
})

/** Writes accounts that are not there yet. */
export const insertOperators = async (tx: Pick<Tx, 'execute'>, accounts: readonly Account[], now: Date): Promise<void> => {
  for (const { name, displayName, office, duties: held, enabled } of accounts)
    await tx.execute(
      `INSERT INTO operator (name, display_name, office_code, duties, state, created_at)
       SELECT ?, ?, ?, ?, ?, ? FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM operator WHERE name = ?)`,
      [name, displayName, office, held.join(','), enabled ? 'enabled' : 'disabled', sqlTime(now), name],
    )
}
