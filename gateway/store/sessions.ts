import { operatorUri } from '../domain/operator.ts'
import type { SessionTimes } from '../domain/sign-in.ts'
import { appendAudit } from './audit.ts'
import type { Database, Tx } from './database.ts'
import { type Moment, nobody } from './operators.ts'
import { sqlTime } from './rows.ts'

/** A session as it stands. */
export type Session = SessionTimes & { readonly name: string }
/** The two codes with which a person chooses a password, as far as they have been given out. */
export type Enrolment = {
  readonly proposalId: number
  readonly name: string
  readonly proposedBy: string
  readonly approvedBy: string
  readonly proposerHash: string | undefined
  readonly approverHash: string | undefined
  readonly failures: number
  readonly expiresAt: Date
  readonly usedAt: Date | undefined
}
/** What an enrolment leaves with the account. */
export type Enrolled = { readonly passwordHash: string; readonly totpSecret: Buffer }

/** Sessions, and how a person comes to a password. */
export type Sessions = {
  find(tokenHash: string): Promise<Session | undefined>
  /** Notes a sign of life. */
  note(tokenHash: string, now: Date): Promise<void>
  end(tokenHash: string, name: string, now: Date): Promise<void>
  /** Keeps the hash of the code of this person, in place of an earlier one; undefined: theirs is none, or it is over. */
  giveCode(proposalId: number, by: string, codeHash: string, now: Date): Promise<Enrolment | undefined>
  /** The enrolment that this person has open. */
  openEnrolment(name: string, now: Date): Promise<Enrolment | undefined>
  /** Uses it, if `judge` says so under its lock, and keeps what it leaves; a try with one of the codes is counted. */
  enrol(name: string, judge: (held: Enrolment) => 'good' | 'half' | 'wrong', enrolled: Enrolled, at: Moment): Promise<boolean>
}

type Row = {
  proposalId: number
  name: string
  proposedBy: string
  approvedBy: string
  proposerHash: Buffer | null
  approverHash: Buffer | null
  failures: number
  expiresAt: Date
  usedAt: Date | null
}
const select = `SELECT proposal_id AS proposalId, name, proposed_by AS proposedBy, approved_by AS approvedBy, proposer_hash AS proposerHash,
  approver_hash AS approverHash, failures, expires_at AS expiresAt, used_at AS usedAt FROM enrolment`
const enrolmentOf = ({ proposerHash, approverHash, usedAt, ...row }: Row): Enrolment => ({
  ...row,
  proposerHash: proposerHash?.toString('hex'),
  approverHash: approverHash?.toString('hex'),
  usedAt: usedAt ?? undefined,
})
/** Of several only the last counts: a reset makes what was given out before it worthless. */
const latest = `${select} WHERE name = ? ORDER BY proposal_id DESC LIMIT 1`
const isOpen = ({ usedAt, expiresAt }: Enrolment, now: Date): boolean => usedAt === undefined && expiresAt > now

/** Opens the sessions over `db`. */
export const openSessions = (db: Database): Sessions => ({
  find: async tokenHash => {
    const [row] = await db.query<{ name: string; seenAt: Date; endsAt: Date }>(
      'SELECT name, seen_at AS seenAt, ends_at AS endsAt FROM operator_session WHERE token_hash = UNHEX(?)',
      [tokenHash],
    )
    return row
  },
  note: async (tokenHash, now) => {
    await db.execute('UPDATE operator_session SET seen_at = ? WHERE token_hash = UNHEX(?) AND seen_at < ?', [
      sqlTime(now),
      tokenHash,
      sqlTime(now),
    ])
  },
  end: (tokenHash, name, now) =>
    db.transaction(async tx => {
      const { affectedRows } = await tx.execute('DELETE FROM operator_session WHERE token_hash = UNHEX(?)', [tokenHash])
      if (affectedRows > 0) await tell(tx, operatorUri(name), name, 'sign-out', { now })
    }),
  giveCode: (proposalId, by, codeHash, now) => db.transaction(tx => giveCode(tx, proposalId, by, codeHash, now)),
  openEnrolment: async (name, now) => {
    const [row] = await db.query<Row>(latest, [name])
    const found = row && enrolmentOf(row)
    return found && isOpen(found, now) ? found : undefined
  },
  enrol: (name, judge, enrolled, at) => db.transaction(tx => enrol(tx, name, judge, enrolled, at)),
})

/** Of what somebody did about the account of this name, of nobody's where there is none; `more` stands in the detail. */
const tell = async (
  tx: Tx,
  actor: string,
  name: string | undefined,
  action: string,
  { now, ...more }: { readonly now: Date; readonly [more: string]: unknown },
): Promise<void> => {
  const [row] =
    name === undefined ? [] : await tx.query<{ office: string }>('SELECT office_code AS office FROM operator WHERE name = ?', [name])
  const subject = name === undefined ? 'operator' : `operator/${name}`
  await appendAudit(tx, { at: now, actor, action, subject, officeCode: row?.office, detail: JSON.stringify(more) })
}

const giveCode = async (tx: Tx, proposalId: number, by: string, codeHash: string, now: Date): Promise<Enrolment | undefined> => {
  const [row] = await tx.query<Row>(`${select} WHERE proposal_id = ? FOR UPDATE`, [proposalId])
  const held = row && enrolmentOf(row)
  if (!held || !isOpen(held, now) || (by !== held.proposedBy && by !== held.approvedBy)) return undefined
  const column = by === held.proposedBy ? 'proposer_hash' : 'approver_hash'
  await tx.execute(`UPDATE enrolment SET ${column} = UNHEX(?), failures = 0 WHERE proposal_id = ?`, [codeHash, proposalId])
  await tell(tx, by, held.name, 'give-code', { now, proposal: proposalId })
  return held
}

const enrol = async (
  tx: Tx,
  name: string,
  judge: (held: Enrolment) => 'good' | 'half' | 'wrong',
  enrolled: Enrolled,
  { now, from }: Moment,
): Promise<boolean> => {
  const [row] = await tx.query<Row>(`${latest} FOR UPDATE`, [name])
  const held = row && enrolmentOf(row)
  const found = held && isOpen(held, now) ? judge(held) : 'wrong'
  if (held && found === 'half') await tx.execute('UPDATE enrolment SET failures = failures + 1 WHERE proposal_id = ?', [held.proposalId])
  if (held && found === 'good') {
    await tx.execute('UPDATE enrolment SET used_at = ? WHERE proposal_id = ?', [sqlTime(now), held.proposalId])
    await setCredentials(tx, name, enrolled)
  }
  const isGood = found === 'good'
  // Of a name that has none as well: by the time it takes nobody can tell them apart.
  await tell(tx, isGood ? operatorUri(name) : nobody, held && name, isGood ? 'enrol' : 'enrol-refused', { now, from })
  return isGood
}

/** Gives an account its password and second factor, and ends what was begun with others. */
export const setCredentials = async (tx: Tx, name: string, { passwordHash, totpSecret }: Enrolled): Promise<void> => {
  await tx.execute(
    'UPDATE operator SET password_hash = ?, totp_secret = ?, totp_step = 0, failures = 0, locked_until = NULL WHERE name = ?',
    [passwordHash, totpSecret, name],
  )
  await tx.execute('DELETE FROM operator_session WHERE name = ?', [name])
}

/** Begins an enrolment by a decision of two administrators; whatever opened the account before opens it no more. */
export const beginEnrolment = async (
  tx: Tx,
  {
    proposalId,
    name,
    proposedBy,
    approvedBy,
    expiresAt,
  }: Pick<Enrolment, 'proposalId' | 'name' | 'proposedBy' | 'approvedBy' | 'expiresAt'>,
): Promise<void> => {
  await tx.execute('UPDATE operator SET password_hash = NULL, totp_secret = NULL WHERE name = ?', [name])
  await tx.execute('DELETE FROM operator_session WHERE name = ?', [name])
  await tx.execute('INSERT INTO enrolment (proposal_id, name, proposed_by, approved_by, expires_at) VALUES (?, ?, ?, ?, ?)', [
    proposalId,
    name,
    proposedBy,
    approvedBy,
    sqlTime(expiresAt),
  ])
}
