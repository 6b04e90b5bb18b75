import { later } from './time.ts'

const minute = 60_000
/** How long a session lasts without a sign of life, and at most; and how often one is noted. */
export const sessionRules = { idleMs: 30 * minute, lifeMs: 12 * 60 * minute, noteMs: minute } as const
/**
 * So many wrong codes in a row, each with the right password, lock an account for so long; each further one does again. A wrong password locks
 * nobody's account, or whoever knows a name could keep its person out for ever: it counts against the place it comes from.
 */
export const lockRules = { failures: 5, lockMs: 15 * minute } as const
/** Failures that a place may have in a window of time: with one name, and with all. */
export const placeRules = { ofName: { most: 5, ms: 15 * minute }, ofAll: { most: 10, ms: minute } } as const
/** How long the two codes of an enrolment are good, and how often one of them may be tried with a wrong other before both are spoilt. */
export const enrolmentRules = { lifeMs: 24 * 60 * minute, failures: 5 } as const

/** How often in a row somebody had the password and not the code, and until when nobody may sign in. */
export type Tries = { readonly failures: number; readonly lockedUntil: Date | undefined }
/** Of whom nothing is held against. */
export const noTries: Tries = { failures: 0, lockedUntil: undefined }

/** Whether an account is locked: then not even the right password opens it, so that guessing on is of no use. */
export const isLocked = ({ lockedUntil }: Tries, now: Date): boolean => lockedUntil !== undefined && lockedUntil > now

/** After another wrong code. One while it is locked changes nothing. */
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
  // A name of two letters is in every other word.
  if (name.length > 3 && password.toLowerCase().includes(name)) return { zh: '不得包含用户名', en: 'must not hold the name' }
  if (Array.from(password.toLowerCase().replaceAll(common, '')).length < 6) return { zh: '常见口令', en: 'one of the common ones' }
  return undefined
}
// What guessers try first: a password needs more than these and a few characters around them.
const common =
  /p[a@]ssw[o0]rd|qwerty(?:uiop)?|asdfgh(?:jkl)?|zxcvbnm?|1qaz2wsx|abcdef(?:gh)?|iloveyou|woaini|admin|taxlink|welcome|123456(?:7890?)?|(?:0?987)?654321|(.)\1{3,}/g
