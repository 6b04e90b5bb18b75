import { later } from './time.ts'

const minute = 60_000
/** How long a session lasts without a sign of life, and at most; and how often one is noted. */
export const sessionRules = { idleMs: 30 * minute, lifeMs: 12 * 60 * minute, noteMs: minute } as const
/** So many failures in a row lock an account for so long; each further one does again. */
export const lockRules = { failures: 5, lockMs: 15 * minute } as const
/** How long the two codes of an enrolment are good, and how many wrong ones spoil it. */
export const enrolmentRules = { lifeMs: 24 * 60 * minute, failures: 5 } as const

/** How often in a row somebody failed to sign in, and until when nobody may. */
export type Tries = { readonly failures: number; readonly lockedUntil: Date | undefined }
/** Of whom nothing is held against. */
export const noTries: Tries = { failures: 0, lockedUntil: undefined }

/** Whether an account is locked: then not even the right password opens it, so that guessing on is of no use. */
export const isLocked = ({ lockedUntil }: Tries, now: Date): boolean => lockedUntil !== undefined && lockedUntil > now

/** After another failure. One while it is locked changes nothing: nobody can keep an account locked for ever by one try in a while. */
export const afterFailure = (tries: Tries, now: Date): Tries => {
  if (isLocked(tries, now)) return tries
  const failures = tries.failures + 1
  return { failures, lockedUntil: failures >= lockRules.failures ? later(now, lockRules.lockMs) : undefined }
}

/** A session, as its end is judged by. */
export type SessionTimes = { readonly seenAt: Date; readonly endsAt: Date }
/** Whether a session is over: by its end, or because nobody was there for too long. */
export const isSessionOver = ({ seenAt, endsAt }: SessionTimes, now: Date): boolean =>
  endsAt <= now || later(seenAt, sessionRules.idleMs) <= now

/** Why a password is too weak; undefined: it will do. Long beats odd (NIST SP 800-63B): no rules about kinds of characters. */
export const weaknessOf = (password: string, name: string): { readonly zh: string; readonly en: string } | undefined => {
  const characters = Array.from(password.normalize('NFKC'))
  if (characters.length < 12) return { zh: '至少 12 个字符', en: 'at least 12 characters' }
  if (characters.length > 128) return { zh: '至多 128 个字符', en: 'at most 128 characters' }
  if (new Set(characters).size < 6) return { zh: '至少 6 个不同的字符', en: 'at least 6 different characters' }
  if (password.toLowerCase().includes(name)) return { zh: '不得包含用户名', en: 'must not hold the name' }
  return undefined
}
