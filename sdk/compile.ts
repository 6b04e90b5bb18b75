import { compileFunction } from 'node:vm'
import { type Cell, isPlain, type Wide } from './cell.ts'
import type { Charset, CharsetName } from './charset.ts'
import { fail } from './fault.ts'
import { gb2312Table, gb18030Table, gbkTable, type Table } from './gbk.ts'
import type { Kind } from './kinds.ts'
import { type Outcome, outcome } from './outcomes.ts'
import { checkAscii, checkDate, checkDigits, checkNumber, checkOf, checkOutcome, checkText, type Meaning, meaningOf } from './value.ts'

// The places of a fixed-width record, each compiled once from its kind and its cell into two small functions over bytes. They check as
// they go: `put` writes nothing that `get` would not bring back, `get` returns nothing that `put` would refuse. `join` then ties the
// places of a record together with a few generated lines, because only code that names the fields makes objects of one fixed shape.

/** Bytes to read, in the views that are fast for one thing each: single bytes, four at once, ASCII text, text decoded ahead. */
export type Source = { readonly bytes: Buffer; readonly words: DataView; readonly latin1: string; readonly ahead: Ahead | undefined }
/** Texts of a charset, decoded ahead in the order in which they will be asked for; one that is empty here must be read by itself. */
type Ahead = { readonly all: string; readonly ends: readonly number[]; next: number }
/** The places of text in a section. */
export type TextPlaces = readonly { readonly offset: number; readonly units: NonNullable<Spot['units']> }[]

/** A source of `count` sections, one every `stride` bytes from `at`, with the texts of all of them decoded in one native call. */
export const sourceOf = (bytes: Buffer, texts: TextPlaces = [], at = 0, stride = bytes.length, count = 1): Source => {
  const words = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const latin1 = bytes.toString('latin1')
  if (texts.length === 0) return { bytes, words, latin1, ahead: undefined }
  const ends: number[] = []
  let n = 0
  for (let i = 0, start = at; i < count; i++, start += stride) {
    for (const { offset, units } of texts) {
      n = units(bytes, words, start + offset, n)
      ends.push(n)
    }
  }
  return { bytes, words, latin1, ahead: { all: taken(n), ends, next: 0 } }
}

// UTF-16 units become text natively, some 80 ns for one or for thousands: so they are gathered on one page.
const page = new Uint16Array(8192)
const pageBytes = Buffer.from(page.buffer)
const isLittleEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1
const taken = (units: number): string => {
  if (!isLittleEndian) pageBytes.subarray(0, units * 2).swap16()
  return pageBytes.toString('utf16le', 0, units * 2)
}

/** One place: `put` expects blanks there. A fault of theirs may leave its place open. */
export type Spot = {
  readonly put: (value: unknown, target: Uint8Array, at: number) => void
  readonly get: (source: Source, at: number) => unknown
  /** Adds the text here to the `n` units on the page and returns how many there are then; none if it is not plain sailing. */
  readonly units?: (bytes: Uint8Array, words: DataView, at: number, n: number) => number
}

const blank = 0x20
const zero = 0x30

/** The spot of a field. Refuses, as `bad-declaration`, a cell that cannot write its kind. */
export const spotOf = (kind: Kind<unknown>, cell: Cell<unknown> & Wide, charset: Charset): Spot => {
  const { width } = cell
  if (!Number.isSafeInteger(width) || width < 1) fail('bad-declaration', `the width of a cell is a whole number of bytes, not ${width}`)
  const spot = required(kind, cell, charset)
  if (kind.optional && !spot.units) return orAbsent(spot, width)
  return spot
}

const required = (kind: Kind<unknown>, cell: Cell<unknown> & Wide, charset: Charset): Spot => {
  const meaning = meaningOf(kind)
  const { form, width } = cell
  if (form === 'text' || form === 'yuan') {
    const fast =
      form === 'text' && cell.align === 'left' && cell.pad === ' ' && isPlain(cell)
        ? plain(meaning, width, charset, kind.optional === true)
        : undefined
    return fast ?? general(kind, cell, charset)
  }
  if (form === 'number' && meaning.is === 'number') {
    if (cell.pad !== '0' || cell.align !== 'right') fail('bad-declaration', 'a number stands at the right, zeros to its left')
    return number(width, meaning.min, meaning.max)
  }
  if (form === 'date' && meaning.is === 'date') return width === 8 ? day : fail('bad-declaration', 'a date yyyyMMdd takes 8 bytes')
  if (form === 'codes' && meaning.is === 'outcome' && cell.table) return codes(cell, meaning)
  if (form === 'words' && meaning.is === 'word' && cell.table) return words(cell)
  return fail('bad-declaration', `a cell of the form ${form} cannot write a field that is a ${meaning.is}`)
}

const plain = (meaning: Meaning, width: number, charset: Charset, optional: boolean): Spot | undefined => {
  if (meaning.is === 'text') return text(width, meaning.max, charset, optional)
  if (meaning.is === 'ascii') return ascii(width, meaning, 0x21, 0x7e)
  return meaning.is === 'digits' ? ascii(width, meaning, 0x30, 0x39) : undefined
}

/** A place of an optional field: blank bytes are its absence. */
const orAbsent = ({ put, get }: Spot, width: number): Spot => ({
  put(value, target, at) {
    if (value !== undefined) put(value, target, at)
  },
  get: (source, at) => (isBlank(source.bytes, at, at + width) ? undefined : get(source, at)),
})

const isBlank = (bytes: Uint8Array, start: number, end: number): boolean => {
  for (let i = start; i < end; i++) if (bytes[i] !== blank) return false
  return true
}
/** The end of what stands at the left of a place. No charset here has a character that ends in the byte of a blank. */
export const endOf = (bytes: Uint8Array, words: DataView, start: number, end: number): number => {
  let i = end
  if (bytes[i - 1] !== blank) return i
  while (i >= start + 4 && words.getInt32(i - 4, true) === 0x20202020) i -= 4
  while (i > start && bytes[i - 1] === blank) i--
  return i
}
const asText = (value: unknown): string => {
  if (typeof value === 'string') return value
  return value === undefined ? fail('missing', 'the field is absent') : fail('bad-value', 'text expected')
}
const tooLong = (bytes: number, width: number): never => fail('too-long', `${bytes} bytes do not fit in ${width}`)

type Lengths = { readonly min: number; readonly max: number }
const ascii = (width: number, { min, max }: Lengths, first: number, last: number): Spot => {
  const check = first === zero ? checkDigits : checkAscii
  // Four bytes at once: a byte below `first` or beyond `last` sets the highest bit of its own quarter.
  const below = first * 0x01010101
  const beyond = (0x7f - last) * 0x01010101
  return {
    put(value, target, at) {
      const units = asText(value)
      const { length } = units
      if (length >= min && length <= max && length <= width) {
        let wrong = 0
        for (let i = 0; i < length; i++) {
          const unit = units.charCodeAt(i)
          wrong |= (unit - first) | (last - unit)
          target[at + i] = unit
        }
        if (wrong >= 0) return
      }
      check(units, min, max)
      tooLong(length, width)
    },
    get({ bytes, words, latin1 }, at) {
      const end = endOf(bytes, words, at, at + width)
      let wrong = 0
      for (let i = at; i + 4 <= end; i += 4) {
        const word = words.getInt32(i, true)
        wrong |= (word - below) | word | (word + beyond)
      }
      for (let i = end - ((end - at) & 3); i < end; i++) {
        const byte = bytes[i]!
        wrong |= (byte - first) | (last - byte)
      }
      const units = latin1.substring(at, end)
      if ((wrong & 0x80808080) !== 0 || end - at < min || end - at > max) check(units, min, max)
      return units
    },
  }
}

const none: Table = { encode: new Uint16Array(0), decode: new Uint16Array(0) }
/** The two-byte codes of each charset, where it has such. */
export const twoByteTables: { readonly [name in CharsetName]: () => Table } = {
  'utf-8': () => none,
  gb2312: gb2312Table,
  gbk: gbkTable,
  gb18030: gb18030Table,
}
const isInk = (unit: number): boolean => unit !== 0x20 && unit !== 0x3000

/** Printable ASCII and two-byte codes go a short way, all else and every fault the long one through the charset and the kind. */
const text = (width: number, max: number, charset: Charset, optional: boolean): Spot => {
  const table = twoByteTables[charset.name]
  const putLong = (units: string, target: Uint8Array, at: number): void => {
    checkText(units, max)
    target.fill(blank, at + charset.write(units, target, at, width), at + width)
  }
  const getLong = ({ bytes, words }: Source, at: number): string | undefined => {
    const end = endOf(bytes, words, at, at + width)
    if (optional && end === at) return undefined
    const units = charset.decode(bytes, at, end)
    checkText(units, max)
    return units
  }
  const put = (value: unknown, target: Uint8Array, at: number): void => {
    if (optional && value === undefined) return
    const { encode } = table()
    const units = asText(value)
    const { length } = units
    const end = at + width
    let o = at
    for (let i = 0; i < length; i++) {
      const unit = units.charCodeAt(i)
      if (unit >= 0x20 && unit < 0x7f && o < end) {
        target[o++] = unit
        continue
      }
      const code = encode[unit]! | 0
      if (code < 0x80 || o + 2 > end) {
        putLong(units, target, at)
        return
      }
      target[o] = code >> 8
      target[o + 1] = code
      o += 2
    }
    if (length === 0 || length > max || !isInk(units.charCodeAt(0)) || !isInk(units.charCodeAt(length - 1))) putLong(units, target, at)
  }
  const units = (bytes: Uint8Array, words: DataView, at: number, n: number): number => {
    const { decode } = table()
    const end = endOf(bytes, words, at, at + width)
    if (end - at > page.length - n) return n
    let o = n
    let i = at
    while (i < end) {
      // Two bytes are one code, or, where the first of them is ASCII, one character and what comes next.
      const pair = i + 1 < end ? words.getUint16(i) : bytes[i]! << 8
      const unit = pair < 0x8000 ? pair >> 8 : decode[pair]! | 0
      if (unit < 0x20 || unit === 0x7f) return n
      page[o++] = unit
      i += pair < 0x8000 ? 1 : 2
    }
    return o > n && o - n <= max && isInk(page[n]!) && isInk(page[o - 1]!) ? o : n
  }
  const get = (source: Source, at: number): string | undefined => {
    const { ahead } = source
    if (ahead) {
      const { all, ends } = ahead
      const k = ahead.next++
      const start = k === 0 ? 0 : ends[k - 1]!
      const end = ends[k]!
      return end > start ? all.substring(start, end) : getLong(source, at)
    }
    const n = units(source.bytes, source.words, at, 0)
    return n > 0 ? taken(n) : getLong(source, at)
  }
  return { put, get, units }
}

const number = (width: number, min: number, max: number): Spot => ({
  put(value, target, at) {
    if (value === undefined) fail('missing', 'the field is absent')
    checkNumber(value as number, min, max)
    // Two halves of at most 8 digits: the arithmetic of small integers is several times faster.
    let high = Math.floor((value as number) / 1e8)
    let low = (value as number) - high * 1e8
    let i = at + width - 1
    for (const half = i - 8; i > half && i >= at; i--, low = (low / 10) | 0) target[i] = zero + (low % 10)
    for (; i >= at; i--, high = (high / 10) | 0) target[i] = zero + (high % 10)
    if (low > 0 || high > 0) tooLong(String(value).length, width)
  },
  get({ bytes }, at) {
    let value = 0
    for (let i = at; i < at + width; i++) {
      const digit = bytes[i]! - zero
      if (!(digit >= 0 && digit <= 9)) notDigit(bytes, at, width, i)
      value = value * 10 + digit
    }
    if (value < min || value > max) fail('bad-value', `not from ${min} to ${max}`)
    return value
  },
})
const notDigit = (
  bytes: Uint8Array,
  at: number,
  width: number,
  offset: number,
  fault: 'not-a-number' | 'not-a-date' = 'not-a-number',
): never => (isBlank(bytes, at, at + width) ? fail('missing', 'the place is blank') : fail(fault, `${width} digits expected`, { offset }))

// The days of a file are few: each is checked once and its text kept, so that a million records share it. Its eight digits, as two words,
// are the key; a place in the table holds the last day that fell to it, and from the start a real one: all it ever says is true.
const anyDay = { digits: Buffer.from('20000101'), text: '2000-01-01' }
const kept = {
  high: new Int32Array(512).fill(anyDay.digits.readInt32LE(0)),
  low: new Int32Array(512).fill(anyDay.digits.readInt32LE(4)),
  texts: new Array<string>(512).fill(anyDay.text),
}
const digitsOf = new Map<string, Uint8Array>()
const keepDigits = (iso: string): Uint8Array => {
  checkDate(iso)
  if (digitsOf.size > 512) digitsOf.clear()
  const digits = Buffer.from(iso.replaceAll('-', ''), 'latin1')
  digitsOf.set(iso, digits)
  return digits
}
const day: Spot = {
  put(value, target, at) {
    const digits = digitsOf.get(value as string) ?? keepDigits(asText(value))
    for (let i = 0; i < 8; i++) target[at + i] = digits[i]!
  },
  get({ bytes, words, latin1 }, at) {
    const high = words.getInt32(at, true)
    const low = words.getInt32(at + 4, true)
    const slot = Math.imul(low, 0x9e3779b1) >>> 23
    if (kept.low[slot] === low && kept.high[slot] === high) return kept.texts[slot]
    for (let i = at; i < at + 8; i++) if (bytes[i]! < zero || bytes[i]! > zero + 9) notDigit(bytes, at, 8, i, 'not-a-date')
    const iso = `${latin1.slice(at, at + 4)}-${latin1.slice(at + 4, at + 6)}-${latin1.slice(at + 6, at + 8)}`
    checkDate(iso)
    kept.high[slot] = high
    kept.low[slot] = low
    kept.texts[slot] = iso
    return iso
  },
}

const writeAscii = (units: string, target: Uint8Array, at: number): void => {
  for (let i = 0; i < units.length; i++) target[at + i] = units.charCodeAt(i)
}

const codes = (cell: Cell<unknown> & Wide, meaning: Meaning & { readonly is: 'outcome' }): Spot => {
  const { width, table = {} } = cell
  const of = cell as unknown as Cell<Outcome>
  const known = new Map(Object.keys(table).map(code => [code, Object.freeze(of.read(code))]))
  const longest = Math.max(...[...known.keys()].map(code => code.length))
  if (longest > Math.min(width, meaning.maxCode))
    fail('bad-declaration', `the codes take ${longest} bytes, at most ${Math.min(width, meaning.maxCode)} fit`)
  const hexed = new RegExp(`^x[0-9a-f]{${width * 2}}$`)
  return {
    put(value, target, at) {
      if (value === undefined) fail('missing', 'the field is absent')
      if (typeof value !== 'object' || value === null) fail('bad-value', 'an outcome expected')
      const { code, bankCode } = value as Outcome
      checkOutcome(value as Outcome, meaning.maxCode, meaning.maxText)
      // An unlisted answer goes back as it came: evidence and simulators need that.
      if (code !== '99090' || bankCode === code || known.has(bankCode)) writeAscii(of.write(value as Outcome), target, at)
      else if (bankCode.length <= width) writeAscii(bankCode, target, at)
      else if (hexed.test(bankCode)) Buffer.from(target.buffer, target.byteOffset + at, width).write(bankCode.slice(1), 'hex')
      else writeAscii(of.write(value as Outcome), target, at)
    },
    get({ bytes, words, latin1 }, at) {
      const raw = latin1.substring(at, endOf(bytes, words, at, at + width))
      return known.get(raw) ?? outcome('99090', printed(raw, latin1.slice(at, at + width), meaning.maxCode))
    },
  }
}
/** An unlisted code as text; in hex, `x00ff`, where it is not printable ASCII at the left of its place. */
const printed = (raw: string, place: string, max: number): string =>
  /^[\x21-\x7e]+$/.test(raw) && raw.length <= max ? raw : `x${Buffer.from(place, 'latin1').toString('hex')}`.slice(0, max)

const words = (cell: Cell<unknown> & Wide): Spot => {
  const { width, table = {} } = cell
  const meanings = new Map(Object.entries(table))
  const longest = Math.max(...[...meanings.keys()].map(word => word.length))
  if (longest > width) fail('bad-declaration', `the words take ${longest} bytes, ${width} fit`)
  const of = cell as unknown as Cell<string>
  return {
    put: (value, target, at) => writeAscii(of.write(asText(value)), target, at),
    get({ bytes, words, latin1 }, at) {
      const end = endOf(bytes, words, at, at + width)
      if (end === at) fail('missing', 'the place is blank')
      return meanings.get(latin1.substring(at, end)) ?? fail('unlisted-code', 'the word is not in the bank’s table')
    },
  }
}

/** Any cell, by its own two functions: slower, and never wrong, because what was read is written again and compared. */
const general = (kind: Kind<unknown>, cell: Cell<unknown> & Wide, charset: Charset): Spot => {
  const { width, align = 'left', pad = ' ' } = cell
  const check = checkOf(kind)
  const padByte = pad.charCodeAt(0)
  /** Zeros to the left of a number are padding as long as a digit follows. */
  const isPad = (bytes: Uint8Array, i: number) => bytes[i] === padByte && (pad === ' ' || (bytes[i + 1]! >= zero && bytes[i + 1]! <= 0x39))
  const read = (bytes: Uint8Array, at: number): string => {
    let start = at
    let end = at + width
    if (align === 'left') while (end > start && bytes[end - 1] === padByte) end--
    else while (start < end - 1 && isPad(bytes, start)) start++
    return charset.decode(bytes, start, end)
  }
  return {
    put(value, target, at) {
      if (value === undefined) fail('missing', 'the field is absent')
      check(value)
      const bytes = charset.encode(cell.write(value))
      if (bytes.length === 0) fail('bad-value', 'the cell writes nothing')
      if (bytes.length > width) tooLong(bytes.length, width)
      target.fill(padByte, at, at + width)
      target.set(bytes, align === 'left' ? at : at + width - bytes.length)
      if (read(target, at) !== cell.write(value))
        fail('bad-value', 'the padding would be taken for a part of the value, or the other way round')
    },
    get({ bytes }, at) {
      if (isBlank(bytes, at, at + width)) fail('missing', 'the place is blank')
      const units = read(bytes, at)
      const value = cell.read(units)
      check(value)
      if (cell.write(value) !== units) fail('bad-value', 'not written as agreed')
      return value
    },
  }
}

/** A named spot at its offset in a record. */
export type Joint = { readonly name: string; readonly offset: number; readonly optional: boolean; readonly spot: Spot }
/** All the fields of a record at once. */
export type Joined = {
  /** Writes the fields and returns how many there were. */
  readonly put: (value: { readonly [name: string]: unknown }, target: Uint8Array, at: number) => number
  readonly get: (source: Source, at: number) => { [name: string]: unknown }
}

/**
 * Ties the spots of a record together: one generated line a field, `const v2 = s2.get(source, at + 24)`.
 * Nothing but the numbers and the quoted names of the fields goes into the code. A joint `result.bankText` belongs to `result`.
 */
export const join = (joints: readonly Joint[]): Joined => {
  const fields = joints.map((joint, i) => {
    const [name = '', part] = joint.name.split('.')
    const note = joints.findIndex(other => other.name === `${joint.name}.bankText`)
    return { ...joint, i, part, key: JSON.stringify(name), got: note < 0 ? `v${i}` : `noted(v${i}, v${note})` }
  })
  const own = fields.filter(f => f.part === undefined)
  const needed = own.filter(f => !f.optional)
  const spare = own.filter(f => f.optional)
  const source = [
    `const put = (value, target, at) => {`,
    ...fields.map(f => `  const v${f.i} = value[${f.key}]${f.part ? `?.${f.part}` : ''}; s${f.i}.put(v${f.i}, target, at + ${f.offset})`),
    `  return ${[needed.length, ...spare.map(f => `(v${f.i} === undefined ? 0 : 1)`)].join(' + ')}`,
    `}`,
    `const get = (source, at) => {`,
    ...fields.map(f => `  const v${f.i} = s${f.i}.get(source, at + ${f.offset})`),
    `  const value = { ${needed.map(f => `${f.key}: ${f.got}`).join(', ')} }`,
    ...spare.map(f => `  if (v${f.i} !== undefined) value[${f.key}] = ${f.got}`),
    `  return value`,
    `}`,
    `return { put, get }`,
  ].join('\n')
  const make = compileFunction(source, ['noted', ...fields.map(f => `s${f.i}`)]) as (...given: unknown[]) => Joined
  return make(noted, ...fields.map(f => f.spot))
}
const noted = (result: Outcome, bankText: string | undefined): Outcome =>
  bankText === undefined ? result : { class: result.class, code: result.code, bankCode: result.bankCode, bankText }
