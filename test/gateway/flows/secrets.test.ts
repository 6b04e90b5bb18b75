import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { csrfToken, hashPassword, isSame, matchesPassword, seal, tokenHash, unseal } from '../../../gateway/flows/secrets.ts'
import { base32, codeAt, matchingStep, otpauth, stepOf } from '../../../gateway/flows/totp.ts'

describe('the second factor', () => {
  const secret = Buffer.from('12345678901234567890')
  // RFC 6238, appendix B.
  test.each([
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ])('is that of RFC 6238 at %i s', (seconds, code) => {
    expect(codeAt(secret, stepOf(new Date(seconds * 1_000)), 8)).toBe(code)
    expect(codeAt(secret, stepOf(new Date(seconds * 1_000)))).toBe(code.slice(2))
  })
  test('is taken a step early or late, and each once', () => {
    const now = new Date('2026-11-10T01:00:00.000Z')
    const step = stepOf(now)
    const found = [-2, -1, 0, 1, 2].map(by => matchingStep(secret, codeAt(secret, step + by), now, 0))
    expect(found).toEqual([undefined, step - 1, step, step + 1, undefined])
    expect(matchingStep(secret, codeAt(secret, step), now, step)).toBeUndefined()
    expect(matchingStep(secret, codeAt(secret, step - 1), now, step)).toBeUndefined()
    expect(matchingStep(secret, codeAt(secret, step + 1), now, step)).toBe(step + 1)
    for (const wrong of ['', '000000', '0000000', '12345', 'abcdef', '287082 '])
      expect(matchingStep(secret, wrong === codeAt(secret, step) ? '000001' : wrong, now, 0)).toBeUndefined()
  })
  // RFC 4648, section 10.
  test.each([
    ['', ''],
    ['f', 'MY'],
    ['fo', 'MZXQ'],
    ['foo', 'MZXW6'],
    ['foob', 'MZXW6YQ'],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI'],
  ])('%j is %j in base 32', (text, written) => {
    expect(base32(Buffer.from(text))).toBe(written)
  })
  test('is given to an authenticator as all of them know it', () => {
    expect(otpauth('zhang', secret)).toBe(
      'otpauth://totp/TaxLink:zhang?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=TaxLink&algorithm=SHA1&digits=6&period=30',
    )
  })
})

describe('a password', () => {
  test('is known again, however its characters are written, and nothing else is', async () => {
    const kept = await hashPassword('ﬁve café words go', randomBytes)
    expect(kept).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
    expect(await matchesPassword(kept, 'five café words go')).toBe(true)
    for (const wrong of ['five cafe words go', 'ﬁve café words go ', '']) expect(await matchesPassword(kept, wrong)).toBe(false)
    expect(await hashPassword('ﬁve café words go', randomBytes)).not.toBe(kept)
  })
  test('of no account is never right; nor is a hash that is none', async () => {
    expect(await matchesPassword(undefined, '')).toBe(false)
    expect(await matchesPassword('x', 'x')).toBe(false)
    expect(await matchesPassword('$2b$10$abc', 'x')).toBe(false)
  })
})

test('a sealed secret opens for its owner under its key only, and not when a bit of it was changed', () => {
  const [key, secret] = [randomBytes(32), randomBytes(20)]
  const sealed = seal(key, secret, 'zhang', randomBytes)
  expect(sealed.includes(secret)).toBe(false)
  expect(unseal(key, sealed, 'zhang')).toEqual(secret)
  expect(unseal(key, sealed, 'li')).toBeUndefined()
  expect(unseal(randomBytes(32), sealed, 'zhang')).toBeUndefined()
  for (let i = 0; i < sealed.length; i++) expect(unseal(key, Buffer.from(sealed).fill(sealed[i]! ^ 1, i, i + 1), 'zhang')).toBeUndefined()
  expect(unseal(key, Buffer.alloc(3), 'zhang')).toBeUndefined()
})

test('what is kept of a token, and what a page shows, say nothing of it nor of each other', () => {
  expect(tokenHash('a')).toMatch(/^[0-9a-f]{64}$/)
  expect(new Set([tokenHash('a'), csrfToken('a'), tokenHash('b'), csrfToken('b')]).size).toBe(4)
  expect([isSame('a', 'a'), isSame('a', 'b'), isSame('', 'a'), isSame('a', 'aa')]).toEqual([true, false, false, false])
})
