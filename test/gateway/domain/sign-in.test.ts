import { describe, expect, test } from 'vitest'
import {
  afterFailure,
  isLocked,
  isSessionOver,
  lockRules,
  noTries,
  sessionRules,
  type Tries,
  weaknessOf,
} from '../../../gateway/domain/sign-in.ts'
import { later } from '../../../gateway/domain/time.ts'

const now = new Date('2026-11-10T01:00:00.000Z')

describe('failures in a row', () => {
  const failed = (n: number): Tries => Array.from({ length: n }).reduce<Tries>(tries => afterFailure(tries, now), noTries)
  test('lock the account with the fifth, for a quarter of an hour', () => {
    expect(failed(4)).toEqual({ failures: 4, lockedUntil: undefined })
    expect(failed(5)).toEqual({ failures: 5, lockedUntil: later(now, 900_000) })
    expect([isLocked(failed(4), now), isLocked(failed(5), now)]).toEqual([false, true])
    expect(isLocked(failed(5), later(now, 899_999))).toBe(true)
    expect(isLocked(failed(5), later(now, 900_000))).toBe(false)
  })
  test('while it is locked change nothing; the next after that locks again at once', () => {
    const locked = failed(5)
    expect(afterFailure(locked, later(now, 1))).toBe(locked)
    const again = afterFailure(locked, later(now, lockRules.lockMs))
    expect(again).toEqual({ failures: 6, lockedUntil: later(now, 2 * lockRules.lockMs) })
  })
})

test('a session ends when nobody was there for half an hour, and after twelve hours in any case', () => {
  const session = { seenAt: now, endsAt: later(now, sessionRules.lifeMs) }
  expect(isSessionOver(session, later(now, 30 * 60_000 - 1))).toBe(false)
  expect(isSessionOver(session, later(now, 30 * 60_000))).toBe(true)
  const busy = { ...session, seenAt: later(now, 12 * 3_600_000 - 1) }
  expect(isSessionOver(busy, later(now, 12 * 3_600_000 - 1))).toBe(false)
  expect(isSessionOver(busy, later(now, 12 * 3_600_000))).toBe(true)
})

test.each([
  ['eleven char', true],
  ['twelve chars', false],
  ['正确的马电池订书钉十个', true],
  ['正确的马电池订书钉十二个', false],
  ['aaaaaaaaaaaaaaaaaaaa', true],
  ['abcdeabcdeabcde', true],
  ['abcdefabcdef', true],
  ['Password1234', true],
  ['qwertyuiop12', true],
  ['123456789012', true],
  ['admin@taxlink2026', true],
  ['p@ssw0rdp@ssw0rd', true],
  ['password of my own', false],
  ['my name is Zhang today', true],
  ['x'.repeat(100) + 'abcdefghij'.repeat(3), true],
] as const)('the password %j is too weak: %s', (password, weak) => {
  expect(weaknessOf(password, 'zhang') !== undefined).toBe(weak)
})

test('a name too short to mean anything may stand in a password', () => {
  expect(weaknessOf('delicious dumplings', 'li')).toBeUndefined()
  expect(weaknessOf('delicious dumplings', 'dump')).toBeDefined()
})
