import type { Cell, Constant, Omitted, Repeat } from './cell.ts'
import type { Charset, CharsetName } from './charset.ts'
import { fail } from './fault.ts'
import type { Fields, Kind, Mask } from './kinds.ts'
import { type Scan, scanOf } from './scan.ts'
import { blankIsAbsent, checkOf, meaningOf } from './value.ts'

// The places of a separated line, and how the line is cut into them.

/** A group of a separated line: how many there are, then the fields of each. */
export type Nested<N extends string = string, R = readonly unknown[]> = Repeat<N> & { readonly nested: true; readonly rows: R }

/** One place of a line; a constant has no field. */
export type Slot = {
  readonly field: string
  readonly zh: string
  readonly en: string
  readonly form: string
  readonly required: boolean
  readonly mask?: Mask
  readonly constant?: string
  readonly write: (value: unknown) => string
  readonly read: (text: string) => unknown
  /** How its bytes are checked without making a value of them; constants have none. */
  readonly scan?: Scan
}
/** The nested group of a line. */
export type Group = { readonly name: string; readonly max: number; readonly optional: boolean; readonly slots: readonly Slot[] }
/** Finds the next separator in bytes[start, end); -1: none. */
export type Cutter = (bytes: Uint8Array, start: number, end: number) => number

const refuse = (detail: string, field?: string): never => fail('bad-declaration', detail, { field })

/** Cuts by whole characters. One cut off at the end of the line hides nothing: it is none. */
export const cutter = (name: CharsetName, separator: number): Cutter => {
  if (name === 'utf-8')
    return (bytes, start, end) => {
      for (let i = start; i < end; i++) if (bytes[i] === separator) return i
      return -1
    }
  const four = name === 'gb18030'
  return (bytes, start, end) => {
    for (let i = start; i < end; ) {
      const byte = bytes[i]!
      if (byte === separator) return i
      if (byte < 0x81) i++
      else i += four && bytes[i + 1]! >= 0x30 && bytes[i + 1]! <= 0x39 ? 4 : 2
    }
    return -1
  }
}

/** The places that the rows of a line declare; refuses rows that forget, repeat or invent a field, or that cannot write theirs. */
export const slotsOf = (
  fields: Fields,
  rows: readonly unknown[],
  charset: Charset,
): { slots: readonly Slot[]; group: Group | undefined } => {
  const slots: Slot[] = []
  const named = new Set<string>()
  let group: Group | undefined
  const kindOf = (field: string): Kind<unknown> => {
    if (!/^[A-Za-z][A-Za-z0-9]*$/.test(field) || !Object.hasOwn(fields, field)) refuse('the message has no such field', field)
    if (named.has(field)) refuse('the field is named twice', field)
    named.add(field)
    return fields[field]!
  }
  for (const row of rows as readonly (readonly [string, Cell<unknown>] | Constant | Omitted | Nested)[]) {
    if ('omitted' in row) {
      for (const field of row.omitted) kindOf(field)
      continue
    }
    if (group) refuse('a nested group stands at the end of a line', group.name)
    if ('nested' in row) group = groupOf(row, kindOf(row.repeat), charset)
    else if ('constant' in row) slots.push(constantSlot(row))
    else slots.push(slotOf(row[0], kindOf(row[0]), row[1], charset))
  }
  for (const field of Object.keys(fields)) if (!named.has(field)) refuse('the layout forgets this field', field)
  return { slots, group }
}

const groupOf = ({ repeat: name, max, rows }: Nested, kind: Kind<unknown>, charset: Charset): Group => {
  const meaning = meaningOf(kind)
  if (meaning.is !== 'list') return refuse('only a list repeats', name)
  if (!Number.isSafeInteger(max) || max < 1 || max > meaning.max) refuse(`the group has 1 to ${meaning.max} elements, not ${max}`, name)
  const { slots, group } = slotsOf(meaning.fields, rows as readonly unknown[], charset)
  if (group) refuse('a group holds no other', name)
  return { name, max, optional: kind.optional === true, slots }
}

const constantSlot = ({ constant, at }: Constant): Slot => {
  if (at !== undefined || !/^[\x21-\x7e]+$/.test(constant)) refuse('a constant of a line is printable ASCII, without a path')
  return {
    field: '',
    zh: '固定内容',
    en: 'fixed text',
    form: 'constant',
    required: true,
    constant,
    write: () => constant,
    read: text => text,
  }
}

const slotOf = (field: string, kind: Kind<unknown>, cell: Cell<unknown>, charset: Charset): Slot => {
  const meaning = meaningOf(kind)
  if (meaning.is === 'list' || meaning.is === 'outcome') refuse(`a ${meaning.is} has no place in a separated line`, field)
  const check = checkOf(kind)
  const write = (value: unknown): string => {
    check(value)
    return cell.write(value)
  }
  const read = (text: string): unknown => {
    if (blankIsAbsent(kind, text)) return undefined
    const value = cell.read(text)
    check(value)
    if (cell.write(value) !== text) fail('bad-value', 'not written as agreed')
    return value
  }
  const { zh, en, mask } = kind
  // Of a cell with a width only the form counts: nothing is padded here.
  const { width: _, ...unpadded } = cell
  const scan = scanOf(kind, unpadded, charset)
  return { field, zh, en, form: cell.form, required: !kind.optional, write, read, scan, ...(mask ? { mask } : {}) }
}
