import { compileFunction } from 'node:vm'
import { type Cell, isPlain, type Wide } from './cell.ts'
import type { Charset } from './charset.ts'
import { fail } from './fault.ts'
import type { Kind } from './kinds.ts'
import { type Outcome, outcome } from './outcomes.ts'
import {
  checkAscii,
  checkDate,
  checkDigits,
  checkNumber,
  checkOf,
  checkOutcome,
  checkText,
  isDay,
  type Meaning,
  meaningOf,
} from './value.ts'

// The places of a fixed-width record, each compiled once from its kind and its cell into two small functions over bytes. They check as
// they go: `put` writes nothing that `get` would not bring back, `get` returns nothing that `put` would refuse. `join` then ties the
// places of a record together with a few generated lines, because only code that names the fields makes objects of one fixed shape.

/** One place: `put` expects blanks there; `get` has the same bytes as latin1 text, too. A fault of theirs may leave its place open. */
export type Spot = {
  readonly put: (value: unknown, target: Uint8Array, at: number) => void
  readonly get: (bytes: Uint8Array, latin1: string, at: number) => unknown
}

const blank = 0x20
const zero = 0x30

/** The spot of a field. Refuses, as `bad-declaration`, a cell that cannot write its kind. */
export const spotOf = (kind: Kind<unknown>, cell: Cell<unknown> & Wide, charset: Charset): Spot => {
  const { width } = cell
  if (!Number.isSafeInteger(width) || width < 1) fail('bad-declaration', `the width of a cell is a whole number of bytes, not ${width}`)
  const spot = required(kind, cell, charset)
  if (kind.optional) return orAbsent(spot, width)
  return spot
}

const required = (kind: Kind<unknown>, cell: Cell<unknown> & Wide, charset: Charset): Spot => {
  const meaning = meaningOf(kind)
  const { form, width } = cell
  if (form === 'text' || form === 'yuan') {
    const fast = form === 'text' && cell.align === 'left' && cell.pad === ' ' && isPlain(cell) ? plain(meaning, width, charset) : undefined
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

const plain = (meaning: Meaning, width: number, charset: Charset): Spot | undefined => {
  if (meaning.is === 'text') return text(width, meaning.max, charset)
  if (meaning.is === 'ascii') return ascii(width, meaning, 0x21, 0x7e)
  return meaning.is === 'digits' ? ascii(width, meaning, 0x30, 0x39) : undefined
}

/** A place of an optional field: blank bytes are its absence. */
const orAbsent = ({ put, get }: Spot, width: number): Spot => ({
  put(value, target, at) {
    if (value !== undefined) put(value, target, at)
  },
  get: (bytes, latin1, at) => (isBlank(bytes, at, at + width) ? undefined : get(bytes, latin1, at)),
})

const isBlank = (bytes: Uint8Array, start: number, end: number): boolean => {
  for (let i = start; i < end; i++) if (bytes[i] !== blank) return false
  return true
}
/** The end of what stands at the left of a place. No charset here has a character that ends in the byte of a blank. */
const endOf = (bytes: Uint8Array, start: number, end: number): number => {
  let i = end
  while (i > start && bytes[i - 1] === blank) i--
  return i
}
const asText = (value: unknown): string => {
  if (typeof value === 'string') return value
  return value === undefined ? fail('missing', 'the field is absent') : fail('bad-value', 'text expected')
}
const tooLong = (bytes: number, width: number): never => fail('too-long', `${bytes} bytes do not fit in ${width}`)

const ascii = (
  width: number,
  { is, min, max }: Meaning & { readonly min: number; readonly max: number },
  first: number,
  last: number,
): Spot => {
  const check = is === 'digits' ? checkDigits : checkAscii
  return {
    put(value, target, at) {
      const units = asText(value)
      check(units, min, max)
      const { length } = units
      if (length > width) tooLong(length, width)
      for (let i = 0; i < length; i++) target[at + i] = units.charCodeAt(i)
    },
    get(bytes, latin1, at) {
      const end = endOf(bytes, at, at + width)
      for (let i = at; i < end; i++) {
        const byte = bytes[i]!
        if (byte < first || byte > last)
          fail('bad-value', is === 'digits' ? 'a digit expected' : 'printable ASCII without blanks expected', { offset: i })
      }
      const length = end - at
      if (length < min || length > max) check(latin1.substring(at, end), min, max)
      return latin1.substring(at, end)
    },
  }
}

const text = (width: number, max: number, charset: Charset): Spot => ({
  put(value, target, at) {
    const units = asText(value)
    checkText(units, max)
    charset.write(units, target, at, width)
  },
  get(bytes, _latin1, at) {
    const units = charset.decode(bytes, at, endOf(bytes, at, at + width))
    checkText(units, max)
    return units
  },
})

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
  get(bytes, _latin1, at) {
    let value = 0
    for (let i = at; i < at + width; i++) {
      const digit = bytes[i]! - zero
      if (digit < 0 || digit > 9) notDigit(bytes, at, width, i)
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

// The days of a file are few: their texts are kept, so that a million records share them.
const slots = 512
const daysKept = new Int32Array(slots)
const textsKept: string[] = new Array<string>(slots).fill('')
const day: Spot = {
  put(value, target, at) {
    const iso = asText(value)
    checkDate(iso)
    for (let i = 0; i < 4; i++) target[at + i] = iso.charCodeAt(i)
    for (let i = 4; i < 6; i++) target[at + i] = iso.charCodeAt(i + 1)
    for (let i = 6; i < 8; i++) target[at + i] = iso.charCodeAt(i + 2)
  },
  get(bytes, latin1, at) {
    let n = 0
    for (let i = at; i < at + 8; i++) {
      const digit = bytes[i]! - zero
      if (digit < 0 || digit > 9) notDigit(bytes, at, 8, i, 'not-a-date')
      n = n * 10 + digit
    }
    const slot = n % slots
    if (daysKept[slot] === n && n !== 0) return textsKept[slot]
    if (!isDay(Math.trunc(n / 10_000), Math.trunc(n / 100) % 100, n % 100)) fail('not-a-date', 'no such day')
    daysKept[slot] = n
    textsKept[slot] = `${latin1.slice(at, at + 4)}-${latin1.slice(at + 4, at + 6)}-${latin1.slice(at + 6, at + 8)}`
    return textsKept[slot]
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
    get(bytes, latin1, at) {
      const raw = latin1.substring(at, endOf(bytes, at, at + width))
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
    get(bytes, latin1, at) {
      const end = endOf(bytes, at, at + width)
      if (end === at) fail('missing', 'the place is blank')
      return meanings.get(latin1.substring(at, end)) ?? fail('unlisted-code', 'the word is not in the bank’s table')
    },
  }
}

/** Any cell, by its own two functions: slower, and never wrong, because what was read is written again and compared. */
const general = (kind: Kind<unknown>, cell: Cell<unknown> & Wide, charset: Charset): Spot => {
  const { width, align = 'left', pad = ' ' } = cell
  const of = cell
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
      const bytes = charset.encode(of.write(value))
      if (bytes.length > width) tooLong(bytes.length, width)
      target.fill(padByte, at, at + width)
      target.set(bytes, align === 'left' ? at : at + width - bytes.length)
      if (read(target, at) !== of.write(value))
        fail('bad-value', 'the padding would be taken for a part of the value, or the other way round')
    },
    get(bytes, _latin1, at) {
      if (isBlank(bytes, at, at + width)) fail('missing', 'the place is blank')
      const units = read(bytes, at)
      const value = of.read(units)
      check(value)
      if (of.write(value) !== units) fail('bad-value', 'not written as agreed')
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
  readonly get: (bytes: Uint8Array, latin1: string, at: number) => { [name: string]: unknown }
}

/**
 * Ties the spots of a record together: one generated line a field, `const v2 = s2.get(bytes, latin1, at + 24)`.
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
    `const get = (bytes, latin1, at) => {`,
    ...fields.map(f => `  const v${f.i} = s${f.i}.get(bytes, latin1, at + ${f.offset})`),
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
