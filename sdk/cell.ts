import type { Message, ValuesOf } from './catalogue.ts'
import type { CharsetName } from './charset.ts'
import type { LineScanner } from './columns.ts'
import { fail } from './fault.ts'
import { isUnifiedCode, type Outcome, outcome, type UnifiedCode } from './outcomes.ts'

// A cell is how a bank WRITES one value; a kind is what the value means. A layout puts the two together, one row a field.

/** How one bank writes one value: its text, and for fixed width the bytes it takes and on which side it is padded. */
export type Cell<T> = {
  /** Lets a layout compile a faster path for the form; `text` is always right. */
  readonly form: 'text' | 'number' | 'yuan' | 'date' | 'codes' | 'words'
  /** Width in bytes of the declared charset; absent where the layout has no fixed widths. */
  readonly width?: number
  /** The side on which the value stands; the other is padded. */
  readonly align?: 'left' | 'right'
  /** The byte the rest of the width is filled with. */
  readonly pad?: ' ' | '0'
  /** The bank's texts and what they mean, for `codes` and `words`. */
  readonly table?: { readonly [bankText: string]: string }
  /** The text for a value, unpadded. Throws a Fault without place. */
  write(value: T): string
  /** The value of a text, padding removed. Throws a Fault without place. */
  read(text: string): T
}
/** A cell of a fixed-width record. */
export type Wide = { readonly width: number }
/** A place the bank fills with always the same text; `at` is the element path in a document. */
export type Constant = { readonly constant: string; readonly width: number; readonly at?: string }
/** A filler the bank ignores: written as blanks, not looked at when read. */
export type Blank = { readonly blank: number }
/** A field of the unified message that this bank's message does not carry. */
export type Omitted<N extends string = string> = { readonly omitted: readonly N[] }
/** A group that repeats: in a record a count and then the elements; in a document one element `at` for each. */
export type Repeat<N extends string = string> = {
  readonly repeat: N
  readonly max: number
  readonly rows: readonly unknown[]
  readonly at?: string
  readonly count?: Cell<number> & Wide
}

/** One line of `explain`: where the bytes lie, which field they are, what they say (private ones masked), in hex (private ones hidden). */
export type Explained = {
  readonly offset: number
  readonly width: number
  readonly field: string
  readonly zh: string
  readonly en: string
  readonly text: string
  readonly hex: string
  readonly fault?: string
}

/** A layout in both directions. `In` is what it writes, `Out` what it reads back: the same without the omitted fields. */
export type Codec<In, Out = In> = {
  readonly message: Message
  readonly charset: CharsetName
  readonly layout: 'record' | 'delimited' | 'document' | 'json'
  /** The fixed length in bytes, where there is one; with a repeated group, that of the head. */
  readonly width?: number
  /** Throws a Fault with message, field and, where it makes sense, byte offset. Never cuts, never substitutes. */
  encode(value: In): Uint8Array
  /** Throws a Fault with message, field and byte offset. A bank code that is not listed is not a fault: its outcome is `unknown`. */
  decode(bytes: Uint8Array): Out
  /** Whether the constants of the layout stand in these bytes: whether they are this message. Never throws. */
  matches(bytes: Uint8Array): boolean
  /** A table of the fields; says what it can of broken bytes, too. Never throws. */
  explain(bytes: Uint8Array): Explained[]
  /** The rows as plain data for the bank's page in docs/: place, name, width, form. */
  describe(): readonly LayoutRow[]
  /** Reads many such lines of a file fast, into columns with room for `rows` of them; only layouts that a file can be made of have it. */
  scanner?(rows: number): LineScanner
}
/** One row of a bank's page. `place` is the byte offset of a record, the path of a document. */
export type LayoutRow = {
  readonly place: string
  readonly width?: number
  readonly field: string
  readonly zh: string
  readonly en: string
  readonly form: string
  readonly required: boolean
  readonly depth: number
}

type Plain<T> = Exclude<T, undefined>
type NamesOfText<V> = { [K in keyof V & string]-?: Plain<V[K]> extends Outcome ? `${K}.bankText` : never }[keyof V & string]
/** The rows of a layout: [our field, …its place, its cell], one for each field of the message. */
export type Row<V, Place extends readonly unknown[], C = unknown> =
  | { [K in keyof V & string]-?: readonly [K, ...Place, Cell<Plain<V[K]>> & C] }[keyof V & string]
  | readonly [NamesOfText<V>, ...Place, Cell<string> & C]
/** The field that a row stands for. */
export type NameOf<R> = R extends readonly [infer N, ...unknown[]]
  ? N
  : R extends Repeat<infer N>
    ? N
    : R extends Omitted<infer N>
      ? N
      : never
/** The names that `omit` rows leave out. */
export type OmittedOf<R extends readonly unknown[]> = R[number] extends infer X ? (X extends Omitted<infer N> ? N : never) : never
/** Fails to compile, naming the field, where a layout forgets one. */
export type Whole<M extends Message, R extends readonly unknown[]> =
  Exclude<keyof ValuesOf<M>, NameOf<R[number]>> extends never
    ? unknown
    : { readonly 'forgotten field': Exclude<keyof ValuesOf<M>, NameOf<R[number]>> }

const whole = (text: string): number => {
  if (!/^[0-9]{1,15}$/.test(text)) fail('not-a-number', 'digits only, at most 15')
  return Number(text)
}

const same = (text: string): string => text
/** Whether a cell writes its value as it stands: then a layout may leave its two functions out. */
export const isPlain = (cell: Cell<unknown>): boolean => cell.write === same && cell.read === same

/** Text at the left of `width` bytes, blanks to its right. */
export const left = (width: number): Cell<string> & Wide => ({ form: 'text', width, align: 'left', pad: ' ', write: same, read: same })
/** A whole number (fen, counts) at the right of `width` bytes, zeros to its left. */
export const right = (width: number): Cell<number> & Wide => ({
  form: 'number',
  width,
  align: 'right',
  pad: '0',
  write: v => String(v),
  read: whole,
})
/** Text as it stands, in a document. */
export const asIs: Cell<string> = { form: 'text', write: same, read: same }
/** A whole number in plain digits, in a document. */
export const number: Cell<number> = { form: 'number', write: v => String(v), read: whole }
/** Fen written as yuan with two decimals, `1234.56`; exactly two decimals are read, no sign, no superfluous zeros. */
export const yuan: Cell<number> = {
  form: 'yuan',
  write: v => `${Math.trunc(v / 100)}.${String(v % 100).padStart(2, '0')}`,
  read: t => {
    const [, y, f] = /^(0|[1-9][0-9]{0,12})\.([0-9]{2})$/.exec(t) ?? fail('not-a-number', 'yuan with two decimals expected')
    return Number(y) * 100 + Number(f)
  },
}
/** A date as yyyyMMdd. */
export const ymd: Cell<string> & Wide = {
  form: 'date',
  width: 8,
  align: 'left',
  pad: ' ',
  write: v => v.slice(0, 4) + v.slice(5, 7) + v.slice(8, 10),
  read: t => {
    if (!/^[0-9]{8}$/.test(t)) fail('not-a-date', 'yyyyMMdd expected')
    const iso = `${t.slice(0, 4)}-${t.slice(4, 6)}-${t.slice(6, 8)}`
    if (!isDate(iso)) fail('not-a-date', 'no such day')
    return iso
  },
}
/** Whether `yyyy-MM-dd` is a day of the Gregorian calendar. */
export const isDate = (iso: string): boolean => {
  const at = Date.parse(`${iso}T00:00:00Z`)
  return !Number.isNaN(at) && new Date(at).toISOString().slice(0, 10) === iso
}

/** Always the same text: in a record at this place, in a document at the element path `at`. */
export function constant(constant: string): Constant
export function constant(constant: string, at: string): Constant & { readonly at: string }
export function constant(constant: string, at?: string): Constant {
  const width = Buffer.byteLength(constant, 'latin1')
  return at === undefined ? { constant, width } : { constant, width, at }
}
/** `width` bytes of filler. */
export const blank = (width: number): Blank => ({ blank: width })
/** Fields of the unified message that this bank does not take: said aloud, so that forgetting is not possible. */
export const omit = <const N extends readonly string[]>(...names: N): Omitted<N[number]> => ({ omitted: names })

/** The bank's result codes and the unified code each means. A code that is not listed is `unknown`, never `refused`. */
export const codes = <const T extends { readonly [bankCode: string]: UnifiedCode }>(table: T): Cell<Outcome> & Wide => {
  const bankCodes = sameWidth('codes', table)
  return {
    form: 'codes',
    width: bankCodes[0]!.length,
    align: 'left',
    pad: ' ',
    table,
    write: v =>
      table[v.bankCode] === v.code
        ? v.bankCode
        : (bankCodes.find(code => table[code] === v.code) ?? fail('unlisted-code', `the bank has no code for ${v.code}`)),
    read: t => {
      const code = Object.hasOwn(table, t) ? table[t]! : '99090'
      return outcome(code, t === '' ? '?' : t)
    },
  }
}
/** The unified code as the bank's own, for banks that speak the unified interface. */
export const unified: Cell<Outcome> = {
  form: 'codes',
  write: v => v.code,
  read: t => outcome(isUnifiedCode(t) ? t : '99090', t === '' ? '?' : t),
}
/** The bank's words for ours. A word that is not listed is a fault: unlike a result code it decides nothing. */
export const words = <const W extends string>(table: { readonly [bankWord: string]: W }): Cell<W> & Wide => {
  const bankWords = sameWidth('words', table)
  return {
    form: 'words',
    width: bankWords[0]!.length,
    align: 'left',
    pad: ' ',
    table,
    write: v => bankWords.find(word => table[word] === v) ?? fail('unlisted-code', 'the bank has no word for this value'),
    read: t => (Object.hasOwn(table, t) ? table[t]! : fail('unlisted-code', 'the word is not in the bank’s table')),
  }
}
const sameWidth = (what: string, table: { readonly [text: string]: string }): string[] => {
  const texts = Object.keys(table)
  const widths = new Set(texts.map(t => t.length))
  if (widths.size !== 1)
    fail('bad-declaration', `the ${what} of a table must all be of one width, here ${[...widths].join(', ') || 'none'}`)
  if (texts.some(t => !/^[\x21-\x7e]+$/.test(t))) fail('bad-declaration', `the ${what} of a table must be printable ASCII without blanks`)
  return texts
}
