import type { Blank, Cell, Constant, Omitted, Repeat, Wide } from './cell.ts'
import type { Charset } from './charset.ts'
import { type Joined, join, type Source, type Spot, spotOf, type TextPlaces } from './compile.ts'
import { Fault, fail } from './fault.ts'
import { type Fields, type Kind, type Mask, optional, text } from './kinds.ts'
import { type Scan, scanOf } from './scan.ts'
import { checkNames, meaningOf } from './value.ts'

// A section is a run of places of fixed width: the head of a record, or one element of its repeated group.

/** One place of a section; `offset` counts from the section's start. */
export type Part = {
  /** The field, `amount` or `result.bankText`; empty for constants and filler. */
  readonly field: string
  readonly zh: string
  readonly en: string
  readonly offset: number
  readonly width: number
  readonly form: string
  readonly required: boolean
  readonly mask?: Mask
  readonly spot?: Spot
  /** How its bytes are checked without making a value of them. */
  readonly scan?: () => Scan
  readonly constant?: Uint8Array
}
/** A run of places, compiled. */
export type Section = {
  readonly parts: readonly Part[]
  readonly width: number
  readonly repeat?: Repeat
  /** The places of text, for `sourceOf`. */
  readonly texts: TextPlaces
  /** Writes all places; a fault may leave its place open: `blame` finds it. */
  readonly put: (value: Values, target: Uint8Array, at: number) => void
  readonly get: (source: Source, at: number) => { [name: string]: unknown }
  /** Whether all constants stand where they belong. */
  readonly matches: (bytes: Uint8Array, at: number) => boolean
}
/** The values of a section by field. */
export type Values = { readonly [name: string]: unknown }
type AnyRow = readonly [string, Cell<unknown> & Wide] | Constant | Blank | Omitted | Repeat

const refuse = (detail: string, field?: string): never => fail('bad-declaration', detail, { field })

/** Compiles the rows of a section; refuses rows that forget, repeat or invent a field, or that cannot write theirs. */
export const sectionOf = (fields: Fields, rows: readonly unknown[], charset: Charset): Section => {
  const parts: Part[] = []
  const named = new Set<string>()
  let width = 0
  let repeat: Repeat | undefined
  const name = (field: string): void => {
    if (named.has(field)) refuse('the field is named twice', field)
    named.add(field)
  }
  for (const row of rows as readonly AnyRow[]) {
    if ('omitted' in row) {
      for (const field of row.omitted) {
        name(field)
        kindOf(fields, field)
      }
      continue
    }
    if (repeat) refuse('a repeated group stands at the end of a record', repeat.repeat)
    if ('repeat' in row) {
      repeat = row
      name(row.repeat)
    }
    const part = { ...partOf(fields, row, charset), offset: width }
    if (Array.isArray(row)) name(part.field)
    parts.push(part)
    width += part.width
  }
  for (const { field } of parts) {
    const [outer] = field.split('.')
    if (outer !== field && !parts.some(part => part.field === outer)) refuse('the bank’s text stands beside its code', field)
  }
  for (const field of Object.keys(fields)) if (!named.has(field)) refuse('the layout forgets this field', field)
  return compiled(parts, width, Object.keys(fields), repeat)
}

const kindOf = (fields: Fields, field: string): Kind<unknown> => {
  if (!/^[A-Za-z][A-Za-z0-9]*$/.test(field) || !Object.hasOwn(fields, field)) refuse('the message has no such field', field)
  return fields[field]!
}

/** The bank's text of an outcome has a place, but no field, of its own. */
const kindOfRow = (fields: Fields, field: string): Kind<unknown> => {
  if (!field.endsWith('.bankText')) return kindOf(fields, field)
  const kind = kindOf(fields, field.slice(0, -'.bankText'.length))
  const meaning = meaningOf(kind)
  return meaning.is === 'outcome'
    ? optional(text('银行附言', 'the bank’s text', meaning.maxText))
    : refuse('only an outcome has a text of the bank', field)
}

const partOf = (fields: Fields, row: Exclude<AnyRow, Omitted>, charset: Charset): Omit<Part, 'offset'> => {
  if (Array.isArray(row)) {
    const [field, cell] = row as readonly [string, Cell<unknown> & Wide]
    return partOfField(field, kindOfRow(fields, field), cell, charset)
  }
  if ('repeat' in row) return partOfRepeat(row as Repeat, kindOf(fields, (row as Repeat).repeat), charset)
  if ('blank' in row) {
    const { blank } = row as Blank
    if (!Number.isSafeInteger(blank) || blank < 1) refuse(`the width of a filler is a whole number of bytes, not ${blank}`)
    return { field: '', zh: '填充', en: 'filler', width: blank, form: 'blank', required: false }
  }
  const { constant, width, at } = row as Constant
  const bytes = charset.encode(constant)
  if (at !== undefined) refuse('a constant of a record has no element path')
  if (bytes.length !== width || width < 1) refuse('a constant of a record is ASCII, at least one character')
  return { field: '', zh: '固定内容', en: 'fixed text', width, form: 'constant', required: true, constant: bytes }
}

const partOfField = (field: string, kind: Kind<unknown>, cell: Cell<unknown> & Wide, charset: Charset): Omit<Part, 'offset'> => {
  const meaning = meaningOf(kind)
  if (meaning.is === 'list') refuse('a list is declared with repeat(…)', field)
  if (meaning.is === 'outcome' && cell.width > meaning.maxCode) refuse(`a bank’s code takes at most ${meaning.maxCode} bytes`, field)
  if ('min' in meaning && cell.form === 'text' && meaning.min > cell.width)
    refuse(`the field takes ${meaning.min} bytes, its cell has ${cell.width}`, field)
  const { zh, en, mask } = kind
  const spot = placed(field, () => spotOf(kind, cell, charset))
  const scan = () => scanOf(kind, cell, charset)
  return { field, zh, en, width: cell.width, form: cell.form, required: !kind.optional, spot, scan, ...(mask ? { mask } : {}) }
}

const partOfRepeat = (row: Repeat, kind: Kind<unknown>, charset: Charset): Omit<Part, 'offset'> => {
  const meaning = meaningOf(kind)
  const { count, max, repeat: field } = row
  if (meaning.is !== 'list') return refuse('only a list repeats', field)
  if (count?.form !== 'number') return refuse('the count of a repeated group is a number: right(2)', field)
  if (!Number.isSafeInteger(max) || max < 1 || max > meaning.max) refuse(`the group has 1 to ${meaning.max} elements, not ${max}`, field)
  if (String(max).length > count.width) refuse(`the count has ${count.width} digits, too few for ${max}`, field)
  const counted: Kind<number> = { zh: kind.zh, en: kind.en, schema: { type: 'integer', minimum: 0, maximum: 10 ** count.width - 1 } }
  const { put, get } = spotOf(counted, count, charset)
  const spot: Spot = {
    put,
    get(source, at) {
      const there = get(source, at) as number
      checkCount(there, max)
      return there
    },
  }
  return { field, zh: kind.zh, en: kind.en, width: count.width, form: 'count', required: true, spot }
}

/** Refuses a group of another number of elements than 1 to `max`. */
export const checkCount = (count: number, max: number): void => {
  if (count < 1) fail('missing', 'the group has no element')
  if (count > max) fail('over-limit', `${count} elements, at most ${max} are agreed`)
}

const placed = <T>(field: string, make: () => T): T => {
  try {
    return make()
  } catch (error) {
    throw error instanceof Fault ? error.within({ field }) : error
  }
}

const compiled = (parts: readonly Part[], width: number, names: readonly string[], repeat: Repeat | undefined): Section => {
  const template = Buffer.alloc(width, ' ')
  const constants: { readonly at: number; readonly bytes: Uint8Array }[] = []
  for (const { constant, offset } of parts) {
    if (!constant) continue
    template.set(constant, offset)
    constants.push({ at: offset, bytes: constant })
  }
  const stand = (bytes: Uint8Array, at: number): boolean => {
    for (const constant of constants) {
      for (let i = 0; i < constant.bytes.length; i++) if (bytes[at + constant.at + i] !== constant.bytes[i]) return false
    }
    return true
  }
  const joined: Joined = join(
    parts.flatMap(({ field, offset, required, spot, form }) =>
      spot && form !== 'count' ? { name: field, offset, optional: !required, spot } : [],
    ),
  )
  return {
    parts,
    width,
    texts: parts.flatMap(({ offset, spot }) => (spot?.units ? { offset, units: spot.units } : [])),
    ...(repeat ? { repeat } : {}),
    put(value, target, at) {
      target.set(template, at)
      let expected = joined.put(value, target, at)
      if (repeat) expected++
      for (const _ in value) expected--
      if (expected !== 0) checkNames(value, names)
    },
    get(source, at) {
      if (!stand(source.bytes, at)) fail('wrong-constant', '')
      return joined.get(source, at)
    },
    matches: stand,
  }
}

/**
 * The fault with its place, found by trying the places one by one: the fast path does not keep count of where it is.
 * A fault of the charset names no character and no byte here: they are parts of names of people.
 */
export const blame = (section: Section, at: number, error: unknown, attempt: (part: Part) => void, charset: Charset): unknown => {
  for (const part of section.parts) {
    const place = { ...(part.field ? { field: part.field } : {}), offset: at + part.offset, width: part.width }
    try {
      attempt(part)
    } catch (found) {
      if (!(found instanceof Fault)) return found
      if (found.fault === 'not-in-charset')
        return new Fault(found.fault, `character ${(found.at.offset ?? 0) + 1} has no code in ${charset.name}`, place)
      if (found.fault === 'invalid-bytes')
        return new Fault(found.fault, `no character of ${charset.name} begins here`, { ...place, offset: found.at.offset })
      return found.within(place)
    }
  }
  return error
}

/** Reads one place by itself. */
export const getPart = (part: Part, source: Source, at: number): unknown => {
  const start = at + part.offset
  if (part.constant && !Buffer.from(part.constant).equals(source.bytes.subarray(start, start + part.width))) {
    fail('wrong-constant', `${JSON.stringify(Buffer.from(part.constant).toString('latin1'))} expected`)
  }
  return part.spot?.get(source, start)
}
/** Writes one place by itself. */
export const putPart = (part: Part, value: Values, target: Uint8Array, at: number): void => {
  const [name = '', inner] = part.field.split('.')
  const outer = value[name] as Values | undefined
  if (part.form !== 'count') part.spot?.put(inner ? outer?.[inner] : outer, target, at + part.offset)
}
