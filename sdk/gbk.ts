import iconv from 'iconv-lite'

/*
 * The one table of Chinese double-byte codes: Unicode ↔ GB 2312-80, GBK 1.0 and GB 18030-2022.
 *
 * It is made from iconv-lite's table at first use, mended where that differs from the standards, and its checksum is pinned: a name is
 * written with the same bytes on every Node (whose own decoders differ from version to version), or not at all.
 *
 * Every code has one character and every character one code, and the charsets are nested: a GB2312 text is the same bytes in GBK, a GBK
 * text the same in GB18030. What the tables in use disagree on is settled thus:
 *
 * - A6D9–A6DF A6EC A6ED A6F3, FE59 FE61 FE66 FE67 FE6D FE7E FE90 FEA0: private use in GB 18030-2005 and iconv-lite, real characters in
 *   GB 18030-2022 (︐…︙, 龴…龻). Here as of 2022. The four-byte codes that these characters had in 2005 (84318236–84318335,
 *   82359037–82359134) would be second spellings and are refused. So ICU, WHATWG and glibc write them too.
 * - A3A0: U+3000 in WHATWG's table and iconv-lite, user-defined in the standard. Refused; the full-width space is A1A1.
 * - User-defined areas AAA1–AFFE, F8A1–FEFE, A140–A7A0, and FE51 FE52 FE53 FE6C FE76 FE91, 8135F437: private use, see `refusal`.
 * - €: byte 80 in CP936, ICU, glibc's and iconv-lite's GBK, A2E3 in GB18030, absent from GBK 1.0. Here GB18030 alone has it, as A2E3; what a
 *   peer makes of either under the name of GBK nobody can tell. A single byte 80 or FF is refused everywhere.
 * - A8BC ḿ, A8BF ǹ, A989–A995, FE50–FEA0 (䶮 and more rare characters of names): in GBK 1.0, though not in Microsoft's CP936 and glibc's
 *   GBK. Accepted as GBK: each has this one code, and who lacks it has no other.
 * - A6D9–A6DF A6EC A6ED A6F3 (vertical punctuation) came with GB 18030: not in GBK here.
 * - A1A4 · and A1AA —: U+00B7 and U+2014, as everywhere but in glibc's EUC-CN (U+30FB, U+2015). The dot stands in names.
 */

/** The two-byte codes of one charset. */
export type Table = {
  /** UTF-16 unit → two-byte code, 0 if it has none. */
  readonly encode: Uint16Array
  /** Two-byte code → UTF-16 unit, 0 if it has none. */
  readonly decode: Uint16Array
}

/** The four-byte codes of GB 18030 for the BMP, numbered 81308130 = 0, 81308131 = 1, … 8431A439 = 39419. */
export type FourTable = {
  /** UTF-16 unit → number + 1, 0 if it has none. */
  readonly encode: Uint16Array
  /** Number → UTF-16 unit, 0 if it has none. */
  readonly decode: Uint16Array
}

/** How many four-byte codes are for the BMP. */
export const bmpCodes = 39_420

/**
 * Why no charset here carries a code point, in either direction; undefined if it may.
 * Private use has no agreed meaning: two systems spell one rare name in two ways and reconciliation fails. U+FFFD is the mark of text lost
 * elsewhere. U+FEFF, at the start or within, is an invisible difference of two equal texts; who expects a BOM in a file takes it off before.
 * Control characters are carried: whether a field allows them is for the field to say.
 */
export const refusal = (codePoint: number): string | undefined => {
  if (codePoint < 0xd800) return undefined
  if (codePoint < 0xe000) return 'lone surrogate'
  if (codePoint < 0xf900 || codePoint >= 0xf0000) return 'private use'
  if (codePoint === 0xfeff) return 'byte order mark'
  if (codePoint === 0xfffd) return 'replacement character'
  if ((codePoint & 0xfffe) === 0xfffe || (codePoint >= 0xfdd0 && codePoint <= 0xfdef)) return 'noncharacter'
  return undefined
}

/** GB 18030-2022 where iconv-lite has the private use of 2005: first code → characters of that and the next codes. */
const since2022: readonly (readonly [number, string])[] = [
  [0xa6d9, '\ufe10\ufe12\ufe11\ufe13\ufe14\ufe15\ufe16'],
  [0xa6ec, '\ufe17\ufe18'],
  [0xa6f3, '\ufe19'],
  [0xfe59, '\u9fb4'],
  [0xfe61, '\u9fb5'],
  [0xfe66, '\u9fb6\u9fb7'],
  [0xfe6d, '\u9fb8'],
  [0xfe7e, '\u9fb9'],
  [0xfe90, '\u9fba'],
  [0xfea0, '\u9fbb'],
]

const between = (code: number, first: number, last: number) => code >= first && code <= last

/** GBK 1.0 (1995): 21,886 codes, of which six are private use to this day. */
const isGbk = (code: number): boolean =>
  code !== 0xa2e3 && !between(code, 0xa6d9, 0xa6df) && !between(code, 0xa6ec, 0xa6ed) && code !== 0xa6f3

/** GB 2312-80: rows 1–9 with 682 signs and rows 16–87 with 6,763 hanzi, without what GBK added within them. */
const isGb2312 = (code: number): boolean =>
  isGbk(code) &&
  between(code, 0xa1a1, 0xf7fe) &&
  (code & 0xff) >= 0xa1 &&
  !between(code, 0xa2a1, 0xa2aa) &&
  !between(code, 0xa6e0, 0xa6f5) &&
  !between(code, 0xa8bb, 0xa8c0)

/** Reads each code by itself: codes of `width` bytes, as numbers → the character of each, 0 if it is none or refused. */
const readEach = (name: 'gbk' | 'gb18030', codes: Uint32Array, width: number): Uint16Array => {
  const lines = Buffer.alloc(codes.length * (width + 1), '\n') // a line feed is no part of any code
  for (let i = 0; i < codes.length; i++) lines.writeUIntBE(codes[i]!, i * (width + 1), width)
  const texts = iconv.decode(lines, name).split('\n')
  const units = new Uint16Array(codes.length)
  for (let i = 0; i < codes.length; i++) {
    const unit = texts[i]!.length === 1 ? texts[i]!.charCodeAt(0) : 0
    units[i] = refusal(unit) === undefined ? unit : 0
  }
  return units
}

const twoByteTable = (): Table => {
  const codes = new Uint32Array(126 * 191)
  for (let i = 0; i < codes.length; i++) codes[i] = ((0x81 + Math.floor(i / 191)) << 8) | (0x40 + (i % 191))
  const units = readEach('gbk', codes, 2) // of two bytes, its gbk and gb18030 have the same; this one loads in half the time
  const decode = new Uint16Array(0x10000)
  for (let i = 0; i < codes.length; i++) decode[codes[i]!] = units[i]!
  decode[0xa3a0] = 0
  for (const [first, text] of since2022) for (let i = 0; i < text.length; i++) decode[first + i] = text.charCodeAt(i)
  return inverted(check(decode, 0xea33a46f))
}

const inverted = (decode: Uint16Array): Table => {
  const encode = new Uint16Array(0x10000)
  for (let code = 0; code < decode.length; code++) if (decode[code] !== 0) encode[decode[code]!] = code
  return { encode, decode }
}

const fourByteTable = (two: Table): FourTable => {
  const codes = new Uint32Array(bmpCodes)
  for (let n = 0; n < bmpCodes; n++) {
    const tens = Math.floor(n / 10)
    const high = ((0x81 + Math.floor(n / 12_600)) << 8) | (0x30 + (Math.floor(n / 1260) % 10))
    codes[n] = high * 0x10000 + (((0x81 + (tens % 126)) << 8) | (0x30 + (n % 10)))
  }
  const units = readEach('gb18030', codes, 4)
  const decode = new Uint16Array(bmpCodes)
  const encode = new Uint16Array(0x10000)
  for (let n = 0; n < bmpCodes; n++) {
    const unit = units[n]!
    if (unit === 0 || two.encode[unit] !== 0) continue // a character with a two-byte code keeps that one alone
    decode[n] = unit
    encode[unit] = n + 1
  }
  check(decode, 0xbc407c26)
  return { encode, decode }
}

/** Compares the FNV-1a sum of the units with the pinned one, so that another iconv-lite cannot change the bytes of a name unseen. */
const check = (units: Uint16Array, pinned: number): Uint16Array => {
  let sum = 0x811c9dc5
  for (let i = 0; i < units.length; i++) sum = Math.imul(sum ^ units[i]!, 0x01000193)
  if (sum >>> 0 === pinned) return units
  throw new Error(`the installed iconv-lite has another code table than the one this SDK was tested with (${(sum >>> 0).toString(16)})`)
}

const once = <T>(make: () => T): (() => T) => {
  let made: T | undefined
  return () => {
    made ??= make()
    return made
  }
}

const part = (has: (code: number) => boolean): Table => {
  const whole = gb18030Table().decode
  const decode = new Uint16Array(0x10000)
  for (let code = 0x8140; code < 0x10000; code++) if (has(code)) decode[code] = whole[code]!
  return inverted(decode)
}

/** The two-byte codes of GB 18030-2022 that are real characters, made at the first call (some 40 ms) and kept. */
export const gb18030Table = once(twoByteTable)

/** The four-byte codes of GB 18030-2022 for real characters of the BMP, made at the first call (some 50 ms) and kept. */
export const gb18030FourTable = once(() => fourByteTable(gb18030Table()))

/** The codes of GBK 1.0. */
export const gbkTable = once(() => part(isGbk))

/** The codes of GB 2312-80, in EUC form. */
export const gb2312Table = once(() => part(isGb2312))
