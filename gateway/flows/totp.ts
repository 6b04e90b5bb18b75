import { createHmac, timingSafeEqual } from 'node:crypto'

// The second factor (RFC 6238): six digits that an authenticator makes of a secret and the time. SHA-1 and 30 s, because all of them know these.

const stepMs = 30_000
/** Bytes of a secret (RFC 4226 §4: as long as the hash). */
export const secretBytes = 20

/** The step of time that `now` is in. */
export const stepOf = (now: Date): number => Math.floor(now.getTime() / stepMs)

/** The code of a step. */
export const codeAt = (secret: Uint8Array, step: number, digits = 6): string => {
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(step))
  const mac = createHmac('sha1', secret).update(counter).digest()
  const at = mac.at(-1)! & 0x0f
  return String((mac.readUInt32BE(at) & 0x7fff_ffff) % 10 ** digits).padStart(digits, '0')
}

/** The step a code belongs to: now, or one before or after, for clocks that differ; only after `lastStep`, so that each code is good once. */
export const matchingStep = (secret: Uint8Array, code: string, now: Date, lastStep: number): number | undefined => {
  const given = Buffer.from(code)
  let found: number | undefined
  for (const step of [-1, 0, 1].map(by => stepOf(now) + by)) {
    const right = Buffer.from(codeAt(secret, step))
    if (given.length === right.length && timingSafeEqual(given, right) && step > lastStep) found ??= step
  }
  return found
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
/** Bytes as people type them (RFC 4648 §6, without padding). */
export const base32 = (bytes: Uint8Array): string => {
  const bits = Array.from(bytes, byte => byte.toString(2).padStart(8, '0')).join('')
  return (bits.match(/.{1,5}/g) ?? []).map(five => alphabet[Number.parseInt(five.padEnd(5, '0'), 2)]!).join('')
}

/** What an authenticator reads, as a code to be photographed or typed. */
export const otpauth = (name: string, secret: Uint8Array): string =>
  `otpauth://totp/TaxLink:${name}?secret=${base32(secret)}&issuer=TaxLink&algorithm=SHA1&digits=6&period=30`
