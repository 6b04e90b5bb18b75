// Fingerprints of entries: keyed, so that nobody who may write a bank's file can choose entries whose sums cancel. HalfSipHash-2-4 with an output of 64
// bits (Aumasson), because it needs arithmetic of 32 bits only: a million entries in a quarter of a second.

/** The key of all fingerprints, two words of 32 bits. */
export type PrintKey = { readonly k0: number; readonly k1: number }

/** The key from eight bytes. */
export const printKeyOf = (bytes: Uint8Array): PrintKey => {
  const view = new DataView(bytes.buffer, bytes.byteOffset, 8)
  return { k0: view.getInt32(0, true), k1: view.getInt32(4, true) }
}

/** Hashes are read from here, low and high word, until the next is made: an object for each would cost more than the hash. */
export const hashed = { low: 0, high: 0 }

// The round stands twice: once for both, in one loop or as a function over four words, a hash took half as long again.

/** Hashes `length` bytes that lie packed in `words`, the last word filled up with zeros; the result is in `hashed`. */
export const hashWords = ({ k0, k1 }: PrintKey, words: Int32Array, length: number): void => {
  let v0 = k0
  let v1 = k1 ^ 0xee
  let v2 = 0x6c796765 ^ k0
  let v3 = 0x74656462 ^ k1
  const whole = length >>> 2
  // The words, then the rest with the length in its top byte (two rounds each), then the two ends of four rounds.
  for (let i = 0; i <= whole; i++) {
    const word = i < whole ? words[i]! : ((length & 3) === 0 ? 0 : words[i]!) | (length << 24)
    v3 ^= word
    for (let round = 0; round < 2; round++) {
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
    }
    v0 ^= word
  }
  v2 ^= 0xee
  for (let end = 0; end < 2; end++) {
    for (let round = 0; round < 4; round++) {
      v0 = (v0 + v1) | 0
      v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0
      v0 = (v0 << 16) | (v0 >>> 16)
      v2 = (v2 + v3) | 0
      v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2
      v0 = (v0 + v3) | 0
      v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0
      v2 = (v2 + v1) | 0
      v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2
      v2 = (v2 << 16) | (v2 >>> 16)
    }
    if (end === 0) {
      hashed.low = (v1 ^ v3) >>> 0
      v1 ^= 0xdd
    }
  }
  hashed.high = (v1 ^ v3) >>> 0
}

const mostBytes = 252
const words = new Int32Array(mostBytes / 4 + 1)
const bytes = new Uint8Array(words.buffer)
let at = 0

/** Appends a text of ASCII with its length in front, so that no two lists of texts are the same bytes. */
const put = (text: string): void => {
  const { length } = text
  if (at + length + 1 > mostBytes) throw new RangeError('a text is too long for a fingerprint')
  bytes[at++] = length
  for (let i = 0; i < length; i++) bytes[at++] = text.charCodeAt(i)
}
/** The same of a text that lies in a file. */
const putBytes = (from: Uint8Array, start: number, end: number): void => {
  const length = end - start
  if (at + length + 1 > mostBytes) throw new RangeError('a text is too long for a fingerprint')
  bytes[at++] = length
  for (let i = start; i < end; i++) bytes[at++] = from[i]!
}
const putWord = (word: number): void => {
  bytes[at++] = word
  bytes[at++] = word >>> 8
  bytes[at++] = word >>> 16
  bytes[at++] = word >>> 24
}
const hashPut = (key: PrintKey): void => {
  const length = at
  while ((at & 3) !== 0) bytes[at++] = 0
  at = 0
  hashWords(key, words, length)
}

/** A text of ASCII, as an account, in `hashed`. */
export const hashText = (key: PrintKey, text: string): void => {
  at = 0
  put(text)
  hashPut(key)
}
/** The same of a text that lies in a file. */
export const hashBytes = (key: PrintKey, from: Uint8Array, start: number, end: number): void => {
  at = 0
  putBytes(from, start, end)
  hashPut(key)
}

/** What names an entry on both sides; the date as `2026-11-10`. */
export type EntryKey = { readonly officeCode: string; readonly entrustDate: string; readonly serialNo: string }
/** A date as files have it, a number of eight digits. */
export const dayNumber = (date: string): number =>
  Number(date.slice(0, 4)) * 10_000 + Number(date.slice(5, 7)) * 100 + Number(date.slice(8, 10))
/** And back. */
export const dayText = (day: number): string => {
  const digits = String(day).padStart(8, '0')
  return `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`
}

/** The hash of a key, in `hashed`. The verb is not part of it: what the two sides call differently meets in one bucket. */
export const hashKey = (key: PrintKey, { officeCode, entrustDate, serialNo }: EntryKey): void => {
  at = 0
  putWord(dayNumber(entrustDate))
  put(officeCode)
  put(serialNo)
  hashPut(key)
}
/** The same of a key whose texts lie in a file. */
export const hashKeyBytes = (
  key: PrintKey,
  from: Uint8Array,
  entrustDay: number,
  officeStart: number,
  officeEnd: number,
  serialStart: number,
  serialEnd: number,
): void => {
  at = 0
  putWord(entrustDay)
  putBytes(from, officeStart, officeEnd)
  putBytes(from, serialStart, serialEnd)
  hashPut(key)
}

/** Buckets that the ledger's sums are kept in. */
export const buckets = 65_536
/** The bucket of the key that was hashed last. */
export const bucketHashed = (): number => hashed.high >>> 16

const putEntry = (keyLow: number, keyHigh: number, mark: number, amount: number, accountLow: number, accountHigh: number): void => {
  at = 0
  putWord(keyLow)
  putWord(keyHigh)
  putWord(accountLow)
  putWord(accountHigh)
  putWord(amount % 0x1_0000_0000)
  putWord(Math.floor(amount / 0x1_0000_0000))
  bytes[at++] = mark
}

/**
 * The fingerprint of an entry, in `hashed`: all that has to be the same on both sides. `mark` is the verb's; the hashes of key and account are given as
 * two words each.
 */
export const hashEntry = (
  key: PrintKey,
  keyLow: number,
  keyHigh: number,
  mark: number,
  ticketNo: string,
  amount: number,
  accountLow: number,
  accountHigh: number,
): void => {
  putEntry(keyLow, keyHigh, mark, amount, accountLow, accountHigh)
  put(ticketNo)
  hashPut(key)
}
/** The same of an entry whose ticket number lies in a file. */
export const hashEntryBytes = (
  key: PrintKey,
  keyLow: number,
  keyHigh: number,
  mark: number,
  from: Uint8Array,
  ticketStart: number,
  ticketEnd: number,
  amount: number,
  accountLow: number,
  accountHigh: number,
): void => {
  putEntry(keyLow, keyHigh, mark, amount, accountLow, accountHigh)
  putBytes(from, ticketStart, ticketEnd)
  hashPut(key)
}
