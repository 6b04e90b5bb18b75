import { type Account, operatorOf } from '../domain/operator.ts'
import { afterFailure, enrolmentRules, isLocked, isSessionOver, noTries, sessionRules, weaknessOf } from '../domain/sign-in.ts'
import { later } from '../domain/time.ts'
import type { Credentials, Follow, Moment, Tried } from '../store/operators.ts'
import type { Flow } from './flow.ts'
import { type Entropy, hashPassword, isSame, matchesPassword, seal, tokenHash, unseal } from './secrets.ts'
import { base32, matchingStep, otpauth, secretBytes } from './totp.ts'

/** What signing in needs besides the flow: the key that second factors are sealed under, and a source of what nobody can guess. */
export type Keys = { readonly sealing: Buffer; readonly entropy: Entropy }

/** What somebody shows to prove who they are. */
export type Shown = { readonly name: string; readonly password: string; readonly code: string }
/** A session that has begun: the token is given to the browser and nowhere else. */
export type Begun = { readonly token: string; readonly account: Account; readonly endsAt: Date }
/** A session that goes on. */
export type Going = { readonly account: Account; readonly tokenHash: string; readonly endsAt: Date }

const tokenBytes = 32

/** Tries a password and a code against an account, and does what follows. Whatever is wrong, the answer and its time are the same. */
const prove = async (flow: Flow, keys: Keys, shown: Shown, follow: Follow, at: Moment): Promise<Account | undefined> => {
  const { now } = at
  const known = await flow.store.operators.credentials(shown.name)
  const hasPassword = await matchesPassword(known?.passwordHash, shown.password)
  const judge = (held: Credentials): Tried => {
    // What was reset while the password was being worked out counts as it is now.
    const isRight = hasPassword && held.passwordHash === known?.passwordHash && operatorOf(flow.reference(), held) !== undefined
    const secret = held.totpSecret && unseal(keys.sealing, held.totpSecret, held.name)
    const step = secret && matchingStep(secret, shown.code, now, held.totpStep)
    if (!isLocked(held.tries, now) && isRight && step !== undefined) return { good: true, tries: noTries, totpStep: step }
    return { good: false, tries: isRight ? afterFailure(held.tries, now) : held.tries, totpStep: held.totpStep }
  }
  return (await flow.store.operators.attempt(shown.name, judge, follow, at)) ? known : undefined
}

/** 登录: undefined where anything is wrong, whatever it is. */
export const signIn = async (flow: Flow, keys: Keys, shown: Shown, at: Moment): Promise<Begun | undefined> => {
  const { now } = at
  const token = keys.entropy(tokenBytes).toString('base64url')
  const endsAt = later(now, sessionRules.lifeMs)
  const session = { tokenHash: tokenHash(token), begunAt: now, endsAt }
  const account = await prove(flow, keys, shown, { action: 'sign-in', session }, at)
  return account && { token, account, endsAt }
}

/** The session of a token, if it goes on; that it was used is noted now and then. */
export const sessionOf = async (flow: Flow, token: string, now: Date): Promise<Going | undefined> => {
  const hashed = tokenHash(token)
  const session = await flow.store.sessions.find(hashed)
  if (!session || isSessionOver(session, now)) return undefined
  const account = await flow.store.operators.find(session.name)
  if (!account) return undefined
  if (later(session.seenAt, sessionRules.noteMs) <= now) await flow.store.sessions.note(hashed, now)
  return { account, tokenHash: hashed, endsAt: session.endsAt }
}

/** 改口令: proves who one is anew; all other sessions of the person end. Why the new one will not do; or that what was shown was wrong. */
export const changePassword = async (
  flow: Flow,
  keys: Keys,
  shown: Shown & { readonly next: string },
  keep: string | undefined,
  at: Moment,
): Promise<'changed' | { readonly zh: string; readonly en: string } | undefined> => {
  const weak = weaknessOf(shown.next, shown.name)
  if (weak) return weak
  const passwordHash = await hashPassword(shown.next, keys.entropy)
  return (await prove(flow, keys, shown, { action: 'change-password', passwordHash, keep }, at)) ? 'changed' : undefined
}

/** The code of one of the two administrators, to be handed to the person of the account; undefined: this enrolment is none of theirs, or over. */
export const giveCode = async (flow: Flow, keys: Keys, proposalId: number, by: string, now: Date) => {
  const code = base32(keys.entropy(10))
  const enrolment = await flow.store.sessions.giveCode(proposalId, by, tokenHash(code), now)
  return enrolment && { code, name: enrolment.name, expiresAt: enrolment.expiresAt }
}

/** What a person enrols with: the codes of both administrators, and the password they choose. */
export type Enrolling = { readonly name: string; readonly proposerCode: string; readonly approverCode: string; readonly password: string }

/** 登记: with both codes a person chooses a password, and gets the secret for an authenticator, once. */
export const enrol = async (
  flow: Flow,
  keys: Keys,
  { name, proposerCode, approverCode, password }: Enrolling,
  at: Moment,
): Promise<{ readonly otpauth: string } | { readonly zh: string; readonly en: string } | undefined> => {
  const weak = weaknessOf(password, name)
  if (weak) return weak
  const secret = keys.entropy(secretBytes)
  const enrolled = { passwordHash: await hashPassword(password, keys.entropy), totpSecret: seal(keys.sealing, secret, name, keys.entropy) }
  const good = await flow.store.sessions.enrol(
    name,
    held => {
      const [first, second] = [
        isSame(tokenHash(proposerCode), held.proposerHash ?? ''),
        isSame(tokenHash(approverCode), held.approverHash ?? ''),
      ]
      if (first && second) return held.failures < enrolmentRules.failures ? 'good' : 'wrong'
      // Whoever has neither guesses among 2^80, and spoils nothing for anybody.
      return first || second ? 'half' : 'wrong'
    },
    enrolled,
    at,
  )
  return good ? { otpauth: otpauth(name, secret) } : undefined
}
