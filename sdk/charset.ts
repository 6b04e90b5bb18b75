import { endianness } from 'node:os'
import { fail } from './fault.ts'
import { bmpCodes, type FourTable, gb2312Table, gb18030FourTable, gb18030Table, gbkTable, refusal, type Table } from './gbk.ts'

/** The charsets a bank may agree on. `gb2312` is GB 2312-80 alone, `gbk` GBK 1.0, `gb18030` the edition of 2022, `utf-8` without BOM. */
export type CharsetName = 'utf-8' | 'gb2312' | 'gbk' | 'gb18030'

/**
 * A charset, strict both ways: whatever it writes it reads back the same, whatever it reads it writes back the same, and all else is refused
 * with its place. What is refused, and why, stands at the top of gbk.ts; utf-8 and gb18030 carry exactly the same texts.
 */
export type Charset = {
  readonly name: CharsetName
  /** Bytes the text takes. Fault not-in-charset names the first character without a code: at.offset is its index in UTF-16 units. */
  byteLength(text: string): number
  /**
   * Writes the text at `at`, at most `room` bytes, and returns how many it wrote. Fault too-long if it does not fit, not-in-charset as
   * above; what the room holds after a fault is undefined, what lies outside is untouched.
   */
  write(text: string, target: Uint8Array, at: number, room: number): number
  /** The text as bytes. Fault not-in-charset as above. */
  encode(text: string): Uint8Array
  /** The text of bytes[start, end). Fault invalid-bytes: at.offset is the index in `bytes` of the first byte that begins no valid code. */
  decode(bytes: Uint8Array, start?: number, end?: number): string
}

/**
 * How one charset codes. The UTF-16 units of a text pass through one shared page, in tight loops over plain arrays: `load` puts a text's
 * units there, `take` makes a string of them. What is rare is handled outside the innermost loops, which halves their time. A negative
 * result -1 - i tells that i, an index on the page or in the bytes, is the first that has no code.
 */
type Codec = {
  /** The most bytes one UTF-16 unit may take. */
  readonly most: number
  /** Bytes a code point takes, 0 if it has no code. */
  width(codePoint: number): number
  /** Bytes the first `count` units of the page take. */
  measure(count: number): number
  /** Writes the first `count` units of the page, for which there is room, and returns the index behind them. */
  put(count: number, target: Uint8Array, at: number): number
  /** Reads the codes that begin in bytes[i, to) and end before `end`; returns the index behind them and leaves their units in `filled`. */
  read(bytes: Uint8Array, i: number, to: number, end: number): number
  /** Bytes that the invalid code at `i` seems to have been meant to take. */
  meant(bytes: Uint8Array, i: number, end: number): number
}

const page = new Uint16Array(8192)
const pageBytes = Buffer.from(page.buffer)
const bigEndian = endianness() === 'BE'
/** Short texts are written where they stay, one behind the other, as Node does with its own small buffers. */
let shelf = Buffer.allocUnsafeSlow(16_384)
let used = 0
/** Up to so many units a loop is faster than a native copy. */
const short = 64
/** Units on the page after `read`. */
let filled = 0

/** Puts the units of `text` from `from` on the page, as many as fit without parting a pair, and returns their number. */
const load = (text: string, from: number): number => {
  let count = Math.min(text.length - from, page.length)
  if (count <= short) {
    for (let i = 0; i < count; i++) page[i] = text.charCodeAt(from + i)
    return count
  }
  pageBytes.write(count === text.length ? text : text.slice(from, from + count), 0, 'utf16le')
  if (bigEndian) pageBytes.subarray(0, count * 2).swap16()
  if (from + count < text.length && (page[count - 1]! & 0xfc00) === 0xd800) count--
  return count
}

/** The first `count` units of the page as a string; made natively, in some 80 ns whatever the length. */
const take = (count: number): string => {
  if (count <= 4) return String.fromCharCode(page[0]!, page[1]!, page[2]!, page[3]!).slice(0, count)
  if (bigEndian) pageBytes.subarray(0, count * 2).swap16()
  return pageBytes.toString('utf16le', 0, count * 2)
}

/** The code point at index `i` of the page's first `count` units; a lone surrogate stands for itself. */
const codePointAt = (i: number, count: number): number => {
  const unit = page[i]!
  if ((unit & 0xfc00) !== 0xd800 || i + 1 >= count) return unit
  const low = page[i + 1]!
  return (low & 0xfc00) === 0xdc00 ? ((unit - 0xd7c0) << 10) | (low & 0x3ff) : unit
}

/** Puts a code point on the page at `n` as one or two units and returns the next place. */
const putCodePoint = (codePoint: number, n: number): number => {
  if (codePoint < 0x10000) {
    page[n] = codePoint
    return n + 1
  }
  page[n] = 0xd7c0 + (codePoint >> 10)
  page[n + 1] = 0xdc00 | (codePoint & 0x3ff)
  return n + 2
}

/** Number of the first four-byte code of the supplementary planes, 90308130. */
const firstSupplementary = 189_000

/** Number of the four-byte code at `i`, -1 if the bytes are none. */
const fourByteNumber = (bytes: Uint8Array, i: number, end: number): number => {
  if (i + 4 > end) return -1
  const a = bytes[i]! - 0x81
  const b = bytes[i + 1]! - 0x30
  const c = bytes[i + 2]! - 0x81
  const d = bytes[i + 3]! - 0x30
  if (a < 0 || a > 125 || b < 0 || b > 9 || c < 0 || c > 125 || d < 0 || d > 9) return -1
  return ((a * 10 + b) * 126 + c) * 10 + d
}

const putFourBytes = (number: number, target: Uint8Array, at: number): number => {
  const tens = Math.floor(number / 10)
  const hundreds = Math.floor(tens / 126)
  target[at] = 0x81 + Math.floor(hundreds / 10)
  target[at + 1] = 0x30 + (hundreds % 10)
  target[at + 2] = 0x81 + (tens % 126)
  target[at + 3] = 0x30 + (number % 10)
  return at + 4
}

/** Number of the four-byte code of a code point, -1 if it has none. */
const numberOf = (four: FourTable, codePoint: number): number => {
  if (codePoint < 0x10000) return four.encode[codePoint]! - 1
  return refusal(codePoint) === undefined ? firstSupplementary + codePoint - 0x10000 : -1
}

/** Code point of a number, -1 if it is unused or refused. */
const codePointOf = (four: FourTable, number: number): number => {
  if (number < 0) return -1
  if (number < bmpCodes) return four.decode[number]! || -1
  const codePoint = number - firstSupplementary + 0x10000
  return codePoint >= 0x10000 && codePoint <= 0x10ffff && refusal(codePoint) === undefined ? codePoint : -1
}

/** GB2312, GBK and, with the four-byte table, GB18030. */
const doubleByte = (table: () => Table, four?: () => FourTable): Codec => ({
  most: four === undefined ? 2 : 4,

  width(codePoint) {
    if (codePoint < 0x80) return 1
    if (codePoint < 0x10000 && table().encode[codePoint] !== 0) return 2
    return four !== undefined && numberOf(four(), codePoint) >= 0 ? 4 : 0
  },

  measure(count) {
    const { encode } = table()
    let length = count
    let i = 0
    while (i < count) {
      while (i < count) {
        const unit = page[i]!
        if (unit >= 0x80) {
          if (encode[unit] === 0) break
          length++
        }
        i++
      }
      if (i === count) break
      const codePoint = codePointAt(i, count)
      if (four === undefined || numberOf(four(), codePoint) < 0) return -1 - i
      i += codePoint > 0xffff ? 2 : 1
      length += codePoint > 0xffff ? 2 : 3
    }
    return length
  },

  put(count, target, at) {
    const { encode } = table()
    let o = at
    let i = 0
    while (i < count) {
      while (i < count) {
        const unit = page[i]!
        if (unit < 0x80) {
          target[o++] = unit
        } else {
          const code = encode[unit]!
          if (code === 0) break
          target[o] = code >> 8
          target[o + 1] = code & 0xff
          o += 2
        }
        i++
      }
      if (i === count) break
      const codePoint = codePointAt(i, count)
      const number = four === undefined ? -1 : numberOf(four(), codePoint)
      if (number < 0) return -1 - i
      o = putFourBytes(number, target, o)
      i += codePoint > 0xffff ? 2 : 1
    }
    return o
  },

  read(bytes, from, to, end) {
    const { decode } = table()
    const last = to < end ? to : end - 1 // at the last byte of all no pair begins
    let n = 0
    let i = from
    while (i < last) {
      while (i < last) {
        const byte = bytes[i]!
        if (byte < 0x80) {
          page[n++] = byte
          i++
        } else {
          const unit = decode[(byte << 8) | bytes[i + 1]!]!
          if (unit === 0) break
          page[n++] = unit
          i += 2
        }
      }
      if (i >= last) break
      const codePoint = four === undefined ? -1 : codePointOf(four(), fourByteNumber(bytes, i, end))
      if (codePoint < 0) return -1 - i
      n = putCodePoint(codePoint, n)
      i += 4
    }
    if (i < to) {
      if (bytes[i]! >= 0x80) return -1 - i
      page[n++] = bytes[i++]!
    }
    filled = n
    return i
  },

  meant(bytes, i, end) {
    const lead = bytes[i]!
    if (lead === 0x80 || lead === 0xff) return 1
    const digit = i + 1 < end && bytes[i + 1]! >= 0x30 && bytes[i + 1]! <= 0x39
    return digit && four !== undefined ? 4 : 2
  },
})

const utf8Width = (codePoint: number): number => {
  if (codePoint < 0x80) return 1
  if (codePoint < 0x800) return 2
  if (refusal(codePoint) !== undefined) return 0
  return codePoint < 0x10000 ? 3 : 4
}

/** Bytes of a UTF-8 code by its first byte, 1 for a byte that begins none. */
const utf8Length = (byte: number): number => {
  if (byte < 0xc2) return 1
  if (byte < 0xe0) return 2
  if (byte < 0xf0) return 3
  return byte < 0xf5 ? 4 : 1
}

/** Code point of the code at `i`, which is not ASCII; -1 if it is cut, overlong, a surrogate, beyond U+10FFFF or refused. */
const utf8CodePoint = (bytes: Uint8Array, i: number, end: number): number => {
  const length = utf8Length(bytes[i]!)
  if (length === 1 || i + length > end) return -1
  let codePoint = bytes[i]! & (0x7f >> length)
  for (let k = i + 1; k < i + length; k++) {
    if ((bytes[k]! & 0xc0) !== 0x80) return -1
    codePoint = (codePoint << 6) | (bytes[k]! & 0x3f)
  }
  return codePoint <= 0x10ffff && utf8Width(codePoint) === length ? codePoint : -1
}

const putUtf8 = (codePoint: number, width: number, target: Uint8Array, at: number): number => {
  if (width === 2) {
    target[at] = 0xc0 | (codePoint >> 6)
  } else if (width === 3) {
    target[at] = 0xe0 | (codePoint >> 12)
    target[at + 1] = 0x80 | ((codePoint >> 6) & 0x3f)
  } else {
    target[at] = 0xf0 | (codePoint >> 18)
    target[at + 1] = 0x80 | ((codePoint >> 12) & 0x3f)
    target[at + 2] = 0x80 | ((codePoint >> 6) & 0x3f)
  }
  target[at + width - 1] = 0x80 | (codePoint & 0x3f)
  return at + width
}

const utf8: Codec = {
  most: 3,

  width: utf8Width,

  measure(count) {
    let length = count
    for (let i = 0; i < count; i++) {
      if (page[i]! < 0x80) continue
      const codePoint = codePointAt(i, count)
      const width = utf8Width(codePoint)
      if (width === 0) return -1 - i
      if (width === 4) i++
      length += width === 4 ? 2 : width - 1
    }
    return length
  },

  put(count, target, at) {
    let o = at
    for (let i = 0; i < count; i++) {
      if (page[i]! < 0x80) {
        target[o++] = page[i]!
        continue
      }
      const codePoint = codePointAt(i, count)
      const width = utf8Width(codePoint)
      if (width === 0) return -1 - i
      o = putUtf8(codePoint, width, target, o)
      if (width === 4) i++
    }
    return o
  },

  read(bytes, from, to, end) {
    let n = 0
    let i = from
    while (i < to) {
      const byte = bytes[i]!
      if (byte < 0x80) {
        page[n++] = byte
        i++
        continue
      }
      const codePoint = utf8CodePoint(bytes, i, end)
      if (codePoint < 0) return -1 - i
      n = putCodePoint(codePoint, n)
      i += utf8Length(byte)
    }
    filled = n
    return i
  },

  meant: (bytes, i) => utf8Length(bytes[i]!),
}

const hex = (value: number, digits: number) => value.toString(16).toUpperCase().padStart(digits, '0')

/** The character at `index` has no code; it is named by its number alone. */
const notInCharset = (text: string, index: number): never => {
  const codePoint = text.codePointAt(index) ?? 0
  const why = refusal(codePoint)
  return fail('not-in-charset', `U+${hex(codePoint, 4)}${why ? ` ${why}` : ''}`, { offset: index })
}

/** The bytes at `index`, of which `length` would make a code, are none. */
const invalidBytes = (bytes: Uint8Array, index: number, end: number, length: number): never => {
  const shown = Array.from(bytes.subarray(index, Math.min(end, index + length)), byte => hex(byte, 2))
  const cut = index + length > end ? ', cut at the end' : ''
  return fail('invalid-bytes', `${shown.length === 1 ? 'byte' : 'bytes'} ${shown.join(' ')}${cut}`, { offset: index })
}

/** A typed array ignores what is written outside it and reads nothing as nothing: both would be a silent cut. */
const checkRange = (bytes: Uint8Array, start: number, end: number): void => {
  if (Number.isSafeInteger(start) && Number.isSafeInteger(end) && start >= 0 && start <= end && end <= bytes.length) return
  throw new RangeError(`bytes ${start} to ${end} do not lie within ${bytes.length} bytes`)
}

const asciiText = (bytes: Uint8Array, start: number, end: number): string =>
  (Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)).toString('latin1', start, end)

const byteLength = (codec: Codec, text: string): number => {
  let length = 0
  for (let i = 0; i < text.length; ) {
    const count = load(text, i)
    const needed = codec.measure(count)
    if (needed < 0) return notInCharset(text, i - 1 - needed)
    length += needed
    i += count
  }
  return length
}

/** What is common to all charsets: pages, places and room around a codec. */
const strict = (name: CharsetName, codec: Codec): Charset => ({
  name,

  byteLength: text => byteLength(codec, text),

  write(text, target, at, room) {
    checkRange(target, at, at + room)
    let o = at
    for (let i = 0; i < text.length; ) {
      const count = load(text, i)
      const left = at + room - o
      if (count * codec.most > left) {
        const needed = codec.measure(count)
        if (needed < 0) return notInCharset(text, i - 1 - needed)
        if (needed > left) return fail('too-long', `needs ${byteLength(codec, text)} bytes, has room for ${room}`, { width: room })
      }
      const next = codec.put(count, target, o)
      if (next < 0) return notInCharset(text, i - 1 - next)
      o = next
      i += count
    }
    return o - at
  },

  encode(text) {
    if (text.length <= short) {
      if (used > shelf.length - short * 4) [shelf, used] = [Buffer.allocUnsafeSlow(shelf.length), 0]
      const start = used
      const end = codec.put(load(text, 0), shelf, start)
      if (end < 0) return notInCharset(text, -1 - end)
      used = end
      return shelf.subarray(start, end)
    }
    const room = Buffer.allocUnsafe(text.length * codec.most)
    let o = 0
    for (let i = 0; i < text.length; ) {
      const count = load(text, i)
      const next = codec.put(count, room, o)
      if (next < 0) return notInCharset(text, i - 1 - next)
      o = next
      i += count
    }
    // Mostly hanzi fill their room; where much is left it is not to be kept.
    return o * 4 < room.length * 3 ? Buffer.from(room.subarray(0, o)) : room.subarray(0, o)
  },

  decode(bytes, start = 0, end = bytes.length) {
    checkRange(bytes, start, end)
    let ascii = start
    while (ascii < end && bytes[ascii]! < 0x80) ascii++
    if (ascii === end) return asciiText(bytes, start, end)
    let text = ''
    for (let i = start; i < end; ) {
      // One unit is left free: the last code begun may put two.
      const next = codec.read(bytes, i, Math.min(end, i + page.length - 1), end)
      if (next < 0) return invalidBytes(bytes, -1 - next, end, codec.meant(bytes, -1 - next, end))
      text = text === '' ? take(filled) : text + take(filled)
      i = next
    }
    return text
  },
})

const codecs = {
  'utf-8': utf8,
  gb2312: doubleByte(gb2312Table),
  gbk: doubleByte(gbkTable),
  gb18030: doubleByte(gb18030Table, gb18030FourTable),
} satisfies Record<CharsetName, Codec>

const charsets = {
  'utf-8': strict('utf-8', codecs['utf-8']),
  gb2312: strict('gb2312', codecs.gb2312),
  gbk: strict('gbk', codecs.gbk),
  gb18030: strict('gb18030', codecs.gb18030),
} satisfies Record<CharsetName, Charset>

/** The charset of that name. Its table is made when it is first used. */
export const charset = (name: CharsetName): Charset => charsets[name]

/** The distinct code points of `text` that a charset cannot write, each with the UTF-16 index of its first place. */
export const unwritable = (text: string, name: CharsetName): { index: number; codePoint: number }[] => {
  const found = new Map<number, number>()
  for (let i = 0; i < text.length; i++) {
    const codePoint = text.codePointAt(i)!
    if (codecs[name].width(codePoint) === 0 && !found.has(codePoint)) found.set(codePoint, i)
    if (codePoint > 0xffff) i++
  }
  return Array.from(found, ([codePoint, index]) => ({ index, codePoint }))
}
