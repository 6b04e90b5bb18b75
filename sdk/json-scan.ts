import type { Message } from './catalogue.ts'
import { asIs, type Cell, number, words } from './cell.ts'
import { charset } from './charset.ts'
import { absent, type Columns } from './columns.ts'
import { Fault } from './fault.ts'
import type { Kind } from './kinds.ts'
import { type Quick, type Scan, scanOf } from './scan.ts'
import { checkDate, meaningOf } from './value.ts'

// A line of JSON as its own codec writes it: no blanks, the fields in the order of the catalogue, nothing escaped. Such a line is read as if it were
// one of fixed texts and values; any other is left to the strict reader.

const quote = 0x22
const backslash = 0x5c
const comma = 0x2c
const brace = 0x7d

type Plan = {
  readonly key: Buffer
  readonly optional: boolean
  readonly isNumber: boolean
  readonly scan: Scan | undefined
}

/** Reads the lines of a message that are written as its codec writes them. `head`: what they begin with. */
export const canonical =
  (message: Message, head: string) =>
  (columns: Columns): Quick => {
    const plans = Object.entries(message.fields).map(([name, kind]) => ({ ...planOf(name, kind), column: columns[name]! }))
    const start = Buffer.from(head)
    const read: Quick = (bytes, view, from, end, i) => {
      if (!stands(bytes, from, start)) return false
      let at = from + start.length
      for (const { key, optional, isNumber, scan, column } of plans) {
        if (!stands(bytes, at, key)) {
          if (!optional) return false
          if (scan) absent(column, i)
          continue
        }
        if (!scan) return false
        at += key.length
        const stop = isNumber ? numberEnd(bytes, at, end) : textEnd(bytes, at, end)
        if (stop < 0) return false
        scan(bytes, view, isNumber ? at : at + 1, stop, column, i)
        at = isNumber ? stop : stop + 1
      }
      return at === end - 1 && bytes[at] === brace
    }
    return (bytes, view, from, end, i) => {
      try {
        return read(bytes, view, from, end, i)
      } catch (error) {
        // The strict reader says what is wrong, and where.
        if (error instanceof Fault) return false
        throw error
      }
    }
  }

/** A list has no scan: a line with one is left to the strict reader. */
const planOf = (name: string, kind: Kind<unknown>): Plan => {
  const meaning = meaningOf(kind)
  const key = Buffer.from(`,"${name}":`)
  const cell: Cell<unknown> | undefined =
    meaning.is === 'number'
      ? (number as Cell<unknown>)
      : meaning.is === 'word'
        ? (wordsOf(meaning.words) as Cell<unknown>)
        : meaning.is === 'list' || meaning.is === 'outcome'
          ? undefined
          : (asIs as Cell<unknown>)
  const scan = meaning.is === 'date' ? isoDay : cell && scanOf(kind, cell, charset('utf-8'))
  return { key, optional: kind.optional === true, isNumber: meaning.is === 'number', scan }
}

/** Our own words. */
const wordsOf = (all: readonly string[]): Cell<string> => ({
  ...words({ '-': '-' }),
  table: Object.fromEntries(all.map(word => [word, word])),
})

const stands = (bytes: Uint8Array, at: number, text: Uint8Array): boolean => {
  for (let i = 0; i < text.length; i++) if (bytes[at + i] !== text[i]) return false
  return true
}

/** Where a text that begins with a quote at `at` ends, with the quote that closes it; -1: it is none, is empty, or something in it is escaped. */
const textEnd = (bytes: Uint8Array, at: number, end: number): number => {
  if (bytes[at] !== quote || bytes[at + 1] === quote) return -1
  for (let i = at + 1; i < end; i++) {
    const byte = bytes[i]!
    if (byte === quote) return i
    if (byte === backslash) return -1
  }
  return -1
}

const numberEnd = (bytes: Uint8Array, at: number, end: number): number => {
  let i = at
  while (i < end && bytes[i] !== comma && bytes[i] !== brace) i++
  return i < end && i > at ? i : -1
}

const known = new Int32Array(512).fill(20000101)
const isoDay: Scan = (bytes, _words, start, end, column, i) => {
  let value = 0
  let shaped = end - start === 10 && bytes[start + 4] === 0x2d && bytes[start + 7] === 0x2d
  for (let at = start; at < end; at++) {
    const digit = bytes[at]! - 0x30
    if (digit >= 0 && digit <= 9) value = value * 10 + digit
    else shaped &&= at === start + 4 || at === start + 7
  }
  const slot = Math.imul(value, 0x9e3779b1) >>> 23
  if (!shaped || known[slot] !== value) {
    checkDate(bytes.toString('latin1', start, end))
    known[slot] = value
  }
  column.values[i] = value
}
