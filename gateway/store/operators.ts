import { type Account, type Duty, duties, operatorUri } from '../domain/operator.ts'
import type { Tries } from '../domain/sign-in.ts'
import { appendAudit } from './audit.ts'
import type { Database, Tx } from './database.ts'
import { sqlTime, within } from './rows.ts'

/** An account with what proves that it is its person. */
export type Credentials = Account & {
  readonly passwordHash: string | undefined
  /** Sealed. */
  readonly totpSecret: Buffer | undefined
  readonly totpStep: number
  readonly tries: Tries
}
/** What a try to prove who one is came to: what the account keeps of it. */
export type Tried = { readonly good: boolean; readonly tries: Tries; readonly totpStep: number }
/** A session as it begins; the token itself is nowhere. */
export type NewSession = { readonly tokenHash: string; readonly begunAt: Date; readonly endsAt: Date }
/** When somebody tries something, and from which address. */
export type Moment = { readonly now: Date; readonly from: string }
/** What a good try leads to: a session; or another password, after which no session but one goes on. */
export type Follow =
  | { readonly action: 'sign-in'; readonly session: NewSession }
  | { readonly action: 'change-password'; readonly passwordHash: string; readonly keep: string | undefined }

/** The accounts of the operators. */
export type Operators = {
  /** The account of this name. */
  find(name: string): Promise<Account | undefined>
  /** Accounts after this name, in their order, at most `limit`; of `offices` only, where they are given. */
  list(offices: readonly string[] | undefined, afterName: string, limit: number): Promise<Account[]>
  credentials(name: string): Promise<Credentials | undefined>
  /** Judges a try under the lock of the account, keeps what came of it, and tells the audit journal; returns whether it was good. */
  attempt(name: string, judge: (held: Credentials) => Tried, follow: Follow, at: Moment): Promise<boolean>
}

type Row = { name: string; displayName: string; office: string; duties: string; state: string }
type CredentialRow = Row & {
  passwordHash: string | null
  totpSecret: Buffer | null
  totpStep: number
  failures: number
  lockedUntil: Date | null
}
const columns = 'name, display_name AS displayName, office_code AS office, duties, state'
const select = `SELECT ${columns} FROM operator`
const selectCredentials = `SELECT ${columns}, password_hash AS passwordHash, totp_secret AS totpSecret, totp_step AS totpStep, failures,
  locked_until AS lockedUntil FROM operator WHERE name = ?`

const isDuty = (word: string): word is Duty => duties.some(duty => duty === word)
const accountOf = ({ name, displayName, office, duties: words, state }: Row): Account => ({
  name,
  displayName,
  office,
  duties: words.split(',').filter(isDuty),
  enabled: state === 'enabled',
})
const credentialsOf = (row: CredentialRow): Credentials => ({
  ...accountOf(row),
  passwordHash: row.passwordHash ?? undefined,
  totpSecret: row.totpSecret ?? undefined,
  totpStep: row.totpStep,
  tries: { failures: row.failures, lockedUntil: row.lockedUntil ?? undefined },
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
  list: async (offices, afterName, limit) => {
    const conditions = ['name > ?', ...within('office_code', offices)].join(' AND ')
    const rows = await db.query<Row>(`${select} WHERE ${conditions} ORDER BY name LIMIT ?`, [afterName, ...(offices ?? []), limit])
    return rows.map(accountOf)
  },
  credentials: async name => {
    const [row] = await db.query<CredentialRow>(selectCredentials, [name])
    return row && credentialsOf(row)
  },
  attempt: (name, judge, follow, at) => db.transaction(tx => attempt(tx, name, judge, follow, at)),
})

/** Who has not proved who they are, in the audit journal. */
export const nobody = 'unknown'

const attempt = async (
  tx: Tx,
  name: string,
  judge: (held: Credentials) => Tried,
  follow: Follow,
  { now, from }: Moment,
): Promise<boolean> => {
  const [row] = await tx.query<CredentialRow>(`${selectCredentials} FOR UPDATE`, [name])
  const tried = row && judge(credentialsOf(row))
  if (tried)
    await tx.execute('UPDATE operator SET failures = ?, locked_until = ?, totp_step = ? WHERE name = ?', [
      tried.tries.failures,
      tried.tries.lockedUntil ? sqlTime(tried.tries.lockedUntil) : null,
      tried.totpStep,
      name,
    ])
  const good = tried?.good === true
  if (good) await followed(tx, name, follow, now)
  // Who failed to prove who they are was somebody; whoever changes a password has a session. A name that nobody has may be a password: it is not written down.
  const isKnown = row && (good || follow.action === 'change-password')
  await appendAudit(tx, {
    at: now,
    actor: isKnown ? operatorUri(row.name) : nobody,
    action: good ? follow.action : `${follow.action}-refused`,
    subject: row ? `operator/${row.name}` : 'operator',
    officeCode: row?.office,
    detail: JSON.stringify({ from, ...(tried?.tries.lockedUntil ? { locked: true } : {}) }),
  })
  return good
}

const followed = async (tx: Tx, name: string, follow: Follow, now: Date): Promise<void> => {
  if (follow.action === 'change-password') {
    await tx.execute('UPDATE operator SET password_hash = ? WHERE name = ?', [follow.passwordHash, name])
    await tx.execute('DELETE FROM operator_session WHERE name = ? AND token_hash <> UNHEX(?)', [name, follow.keep ?? ''])
    return
  }
  const { tokenHash, begunAt, endsAt } = follow.session
  await tx.execute('DELETE FROM operator_session WHERE name = ? AND ends_at <= ?', [name, sqlTime(now)])
  await tx.execute('INSERT INTO operator_session (token_hash, name, begun_at, seen_at, ends_at) VALUES (UNHEX(?), ?, ?, ?, ?)', [
    tokenHash,
    name,
    sqlTime(begunAt),
    sqlTime(begunAt),
    sqlTime(endsAt),
  ])
}

const valuesOf = ({ displayName, office, duties: held, enabled }: Account) => [
  displayName,
  office,
  held.join(','),
  enabled ? 'enabled' : 'disabled',
]

/** Writes an account by a decision of two administrators; without one (undefined) only while there are not yet two. */
export const insertOperator = async (
  tx: Pick<Tx, 'execute'>,
  account: Account,
  proposalId: number | undefined,
  now: Date,
): Promise<void> => {
  await tx.execute(
    'INSERT INTO operator (name, display_name, office_code, duties, state, proposal_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
    [account.name, ...valuesOf(account), proposalId ?? null, sqlTime(now)],
  )
}

/** Changes an account by a decision of two administrators; one that is disabled is signed out everywhere. */
export const updateOperator = async (tx: Tx, account: Account, proposalId: number): Promise<void> => {
  await tx.execute('UPDATE operator SET display_name = ?, office_code = ?, duties = ?, state = ?, proposal_id = ? WHERE name = ?', [
    ...valuesOf(account),
    proposalId,
    account.name,
  ])
  if (!account.enabled) await tx.execute('DELETE FROM operator_session WHERE name = ?', [account.name])
}

/** The names of the administrators of the province who are enabled, who stay so until the transaction ends; `province`: the offices of its level. */
export const heldAdministrators = async (tx: Pick<Tx, 'query'>, province?: readonly string[]): Promise<string[]> => {
  const offices = province ?? (await tx.query<{ code: string }>("SELECT code FROM office WHERE level = 'province'")).map(row => row.code)
  const where = ["state = 'enabled'", "FIND_IN_SET('administrator', duties) > 0", ...within('office_code', offices)].join(' AND ')
  const rows = await tx.query<Row>(`${select} WHERE ${where} ORDER BY name FOR UPDATE`, offices)
  return rows.map(row => row.name)
}
