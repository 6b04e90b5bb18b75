import { type Cell, isPlain } from './cell.ts'
import type { Charset } from './charset.ts'
import { absent, type Column, type Columns, columnsOf, type LineScanner } from './columns.ts'
import { twoByteTables } from './compile.ts'
import { fail } from './fault.ts'
import type { Fields, Kind } from './kinds.ts'
import { checkAscii, checkDate, checkDigits, checkOf, checkText, type Meaning, meaningOf } from './value.ts'

// Lines of a file by the million: each is checked as `decode` checks it, and leaves numbers and places of bytes in columns instead of an object.

/** Checks what stands in bytes[start, end), padding taken off, never empty, and puts it in row `i` of the column. */
export type Scan = (bytes: Buffer, words: DataView, start: number, end: number, column: Column, i: number) => void

/** The scan of a field as the cell writes it; a number of a fixed width has all its digits. */
export const scanOf = (kind: Kind<unknown>, cell: Cell<unknown>, charset: Charset): Scan => {
  const meaning = meaningOf(kind)
  const { form, table, width } = cell
  if (form === 'text' && isPlain(cell)) {
    if (meaning.is === 'ascii') return ascii(meaning, 0x21, 0x7e)
    if (meaning.is === 'digits') return ascii(meaning, 0x30, 0x39)
    if (meaning.is === 'text') return text(meaning.max, charset)
  }
  if (form === 'number' && meaning.is === 'number') return number(meaning, width)
  if (form === 'yuan' && meaning.is === 'number') return yuan(meaning)
  if (form === 'date' && meaning.is === 'date') return day
  if (form === 'words' && meaning.is === 'word' && table) return words(table, meaning.words)
  return general(kind, cell, charset, meaning)
}

const placed = (column: Column, start: number, end: number, i: number): void => {
  column.starts[i] = start
  column.ends[i] = end
  column.values[i] = end - start
}

const ascii = ({ min, max }: { readonly min: number; readonly max: number }, first: number, last: number): Scan => {
  // Four bytes at once: a byte below `first` or beyond `last` sets the highest bit of its own quarter.
  const below = first * 0x01010101
  const beyond = (0x7f - last) * 0x01010101
  const check = first === 0x30 ? checkDigits : checkAscii
  return (bytes, words, start, end, column, i) => {
    let wrong = 0
    let at = start
    for (; at + 4 <= end; at += 4) {
      const word = words.getInt32(at, true)
      wrong |= (word - below) | word | (word + beyond)
    }
    for (; at < end; at++) {
      const byte = bytes[at]!
      wrong |= (byte - first) | (last - byte)
    }
    const length = end - start
    if ((wrong & 0x80808080) !== 0 || length < min || length > max) check(bytes.toString('latin1', start, end), min, max)
    column.starts[i] = start
    column.ends[i] = end
    column.values[i] = length
  }
}

const isInk = (unit: number): boolean => unit !== 0x20 && unit !== 0x3000

/** Whatever is rare or wrong goes the long way. */
const longText = (bytes: Buffer, start: number, end: number, max: number, charset: Charset): void =>
  checkText(charset.decode(bytes, start, end), max)

const text = (max: number, charset: Charset): Scan => {
  if (charset.name === 'utf-8') return utf8Text(max, charset)
  const table = twoByteTables[charset.name]
  return (bytes, _words, start, end, column, i) => {
    const { decode } = table()
    let at = start
    let count = 0
    let first = 0x20
    let last = 0x20
    while (at < end) {
      const byte = bytes[at]!
      // Two bytes are one code, or, where the first of them is ASCII, one character.
      last = byte < 0x80 ? byte : at + 1 < end ? decode[(byte << 8) | bytes[at + 1]!]! | 0 : 0
      if (last < 0x20 || last === 0x7f) break
      if (count++ === 0) first = last
      at += byte < 0x80 ? 1 : 2
    }
    if (at !== end || count > max || !isInk(first) || !isInk(last)) longText(bytes, start, end, max, charset)
    placed(column, start, end, i)
  }
}

/** ASCII and the three bytes of a Chinese character (E3–E9) go the short way. */
const utf8Text =
  (max: number, charset: Charset): Scan =>
  (bytes, _words, start, end, column, i) => {
    let at = start
    let count = 0
    let first = 0x20
    let last = 0x20
    while (at < end) {
      const byte = bytes[at]!
      if (byte < 0x80) {
        last = byte
        at++
      } else if (byte >= 0xe3 && byte <= 0xe9 && at + 2 < end) {
        const [second, third] = [bytes[at + 1]!, bytes[at + 2]!]
        if ((second & 0xc0) !== 0x80 || (third & 0xc0) !== 0x80) break
        last = ((byte & 0x0f) << 12) | ((second & 0x3f) << 6) | (third & 0x3f)
        at += 3
      } else break
      if (last < 0x20 || last === 0x7f) {
        at = -1
        break
      }
      if (count++ === 0) first = last
    }
    if (at !== end || count > max || !isInk(first) || !isInk(last)) longText(bytes, start, end, max, charset)
    placed(column, start, end, i)
  }

const number =
  ({ min, max }: { readonly min: number; readonly max: number }, width: number | undefined): Scan =>
  (bytes, _words, start, end, column, i) => {
    if (width === undefined ? end - start > 15 || (bytes[start] === 0x30 && end > start + 1) : end - start !== width)
      fail('not-a-number', width === undefined ? 'plain digits expected' : `${width} digits expected`)
    let value = 0
    for (let at = start; at < end; at++) {
      const digit = bytes[at]! - 0x30
      if (!(digit >= 0 && digit <= 9)) fail('not-a-number', 'digits expected')
      value = value * 10 + digit
    }
    if (value < min || value > max) fail('bad-value', `not from ${min} to ${max}`)
    column.values[i] = value
  }

const yuan =
  ({ min, max }: { readonly min: number; readonly max: number }): Scan =>
  (bytes, _words, start, end, column, i) => {
    const point = end - 3
    let right = point > start && end - start <= 16 && bytes[point] === 0x2e && (bytes[start] !== 0x30 || point === start + 1)
    let value = 0
    for (let at = start; at < end; at++) {
      if (at === point) continue
      const digit = bytes[at]! - 0x30
      right &&= digit >= 0 && digit <= 9
      value = value * 10 + digit
    }
    if (!right) fail('not-a-number', 'yuan with two decimals expected')
    if (value < min || value > max) fail('bad-value', `not from ${min} to ${max}`)
    column.values[i] = value
  }

// The days of a file are few: one that was checked is known. From the start a real one stands everywhere: all the table ever says is true.
const known = new Int32Array(512).fill(20000101)
const day: Scan = (bytes, _words, start, end, column, i) => {
  let value = 0
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 0x30
    if (!(digit >= 0 && digit <= 9)) fail('not-a-date', '8 digits expected')
    value = value * 10 + digit
  }
  if (end - start !== 8) fail('not-a-date', '8 digits expected')
  const slot = Math.imul(value, 0x9e3779b1) >>> 23
  if (known[slot] !== value) {
    const digits = bytes.toString('latin1', start, end)
    checkDate(`${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`)
    known[slot] = value
  }
  column.values[i] = value
}

const words = (table: { readonly [word: string]: string }, meanings: readonly string[]): Scan => {
  const entries = Object.entries(table).map(([word, meaning]) => ({ bytes: Buffer.from(word, 'latin1'), place: meanings.indexOf(meaning) }))
  const single = entries.every(({ bytes }) => bytes.length === 1)
  const places = new Int8Array(256).fill(-1)
  if (single) for (const { bytes, place } of entries) places[bytes[0]!] = place
  const find = (bytes: Buffer, start: number, end: number): number =>
    entries.find(entry => entry.bytes.length === end - start && entry.bytes.every((byte, k) => byte === bytes[start + k]))?.place ?? -1
  return (bytes, _words, start, end, column, i) => {
    const place = single ? (end - start === 1 ? places[bytes[start]!]! : -1) : find(bytes, start, end)
    if (place < 0) fail('unlisted-code', 'the word is not in the bank’s table')
    column.values[i] = place
  }
}

/** Any cell, by its own two functions: slower, and never wrong, because what was read is written again and compared. */
const general = (kind: Kind<unknown>, cell: Cell<unknown>, charset: Charset, meaning: Meaning): Scan => {
  const check = checkOf(kind)
  return (bytes, _words, start, end, column, i) => {
    const units = charset.decode(bytes, start, end)
    const value = cell.read(units)
    check(value)
    if (cell.write(value) !== units) fail('bad-value', 'not written as agreed')
    placed(column, start, end, i)
    if (meaning.is === 'number' || meaning.is === 'date' || meaning.is === 'word') column.values[i] = numberOf(meaning, value)
  }
}

/** A value as a column holds it. */
const numberOf = (meaning: Meaning, value: unknown): number => {
  if (meaning.is === 'word') return meaning.words.indexOf(value as string)
  return meaning.is === 'date' ? Number((value as string).replaceAll('-', '')) : (value as number)
}

/** Fills row `i` from the line bytes[start, end) where it is written in a way it knows; false: it is not, nothing counts. */
export type Quick = (bytes: Buffer, words: DataView, start: number, end: number, i: number) => boolean

/**
 * A scanner that decodes each line whole: for layouts that have nothing faster, or only for lines that are written in one way. The texts are copies,
 * in the charset of the line.
 */
export const decodingScanner = (
  { fields }: { readonly fields: Fields },
  charset: Charset,
  decode: (bytes: Buffer) => { readonly [field: string]: unknown },
  rows: number,
  quickFor?: (columns: Columns) => Quick,
): LineScanner => {
  const columns = columnsOf(fields, rows)
  const plans = Object.keys(columns).map(name => ({ name, column: columns[name]!, meaning: meaningOf(fields[name]!) }))
  const quick = quickFor?.(columns)
  let texts = Buffer.allocUnsafeSlow(65_536)
  let view = new DataView(texts.buffer)
  let used = 0
  const reserve = (room: number): void => {
    if (used + room <= texts.length) return
    const larger = Buffer.allocUnsafeSlow(Math.max(texts.length * 2, used + room))
    texts.copy(larger, 0, 0, used)
    texts = larger
    view = new DataView(larger.buffer)
  }
  const keep = (units: string, column: Column, i: number): void => {
    const room = units.length * 4
    reserve(room)
    const end = used + charset.write(units, texts, used, room)
    placed(column, used, end, i)
    used = end
  }
  /** Whether the line is one that need not be decoded: it is copied, and its texts are in the copy. */
  const isQuick = (bytes: Buffer, start: number, end: number, i: number): boolean => {
    if (!quick) return false
    reserve(end - start)
    const to = used + bytes.copy(texts, used, start, end)
    if (!quick(texts, view, used, to, i)) return false
    used = to
    return true
  }
  return {
    columns,
    scan(bytes, _words, start, end, i) {
      if (isQuick(bytes, start, end, i)) return
      const value = decode(bytes.subarray(start, end))
      for (const { name, column, meaning } of plans) {
        const of = value[name]
        if (of === undefined) absent(column, i)
        else if (meaning.is === 'number' || meaning.is === 'date' || meaning.is === 'word') column.values[i] = numberOf(meaning, of)
        else keep(of as string, column, i)
      }
    },
    texts: () => texts,
    begin: () => {
      used = 0
    },
  }
}
