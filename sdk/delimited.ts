import { checkSum, type Message, type ValuesOf } from './catalogue.ts'
import type { Codec, Constant, Explained, LayoutRow, Omitted, OmittedOf, Row, Whole } from './cell.ts'
import { type Charset, type CharsetName, charset as charsetOf } from './charset.ts'
import type { LineScanner } from './columns.ts'
import { delimitedScanner } from './delimited-scan.ts'
import { type Cutter, cutter, type Group, type Nested, type Slot, slotsOf } from './delimited-slots.ts'
import { Fault, fail, type Place } from './fault.ts'
import { maskText } from './kinds.ts'
import { checkCount } from './section.ts'
import { checkNames } from './value.ts'

type ElementOf<T> = Exclude<T, undefined> extends readonly (infer E)[] ? E : never
type ListNames<V> = { [K in keyof V & string]-?: ElementOf<V[K]> extends object ? K : never }[keyof V & string]
type Plain<V> = Row<V, []> | Constant | Omitted<keyof V & string>
/** A row of a separated line: a field and its cell, a fixed text, fields left out, or, at the end, a nested group. */
export type DelimitedRow<V> =
  | Plain<V>
  | { [K in ListNames<V> & keyof V]: Nested<K, readonly Plain<ElementOf<V[K]>>[]> }[ListNames<V> & keyof V]

type Named<R> = R extends readonly [infer N, ...unknown[]] ? N : never
type ForgottenIn<V, R> =
  R extends Nested<infer N, infer Rows extends readonly unknown[]>
    ? N extends keyof V
      ? Exclude<keyof ElementOf<V[N]>, Named<Rows[number]>>
      : never
    : never
type WholeElements<M extends Message, R extends readonly unknown[]> = [ForgottenIn<ValuesOf<M>, R[number]>] extends [never]
  ? unknown
  : { readonly 'forgotten field of an element': ForgottenIn<ValuesOf<M>, R[number]> }

/** A group at the end of a separated line: its count in plain digits, 0 to `max` (0 only of an optional list), then the fields of each. */
export const nested = <const N extends string, const R extends readonly unknown[]>(
  name: N,
  { max }: { readonly max: number },
  rows: R,
): Nested<N, R> => ({ repeat: name, nested: true, max, rows })

/** How the fields of a line are told apart: one character of ASCII between them and, where it is trailing, behind the last as well. */
export type Separation = { readonly separator: string; readonly trailing: boolean }

/**
 * A line whose fields are told apart by a separator, in the order of the rows; an absent field is empty. Cut into fields before anything is
 * decoded, and by whole characters: the second byte of a Chinese one may be that of the separator. Nothing is escaped: a text with the separator
 * in it is refused. Strict: each field once, none more, each written as its cell writes it.
 */
export function delimited<M extends Message, const R extends readonly DelimitedRow<ValuesOf<M>>[]>(
  message: M,
  charset: CharsetName,
  separation: Separation,
  rows: R & Whole<M, R> & WholeElements<M, R>,
): Codec<ValuesOf<M>, Omit<ValuesOf<M>, OmittedOf<R>>> {
  return new DelimitedLine(message, charsetOf(charset), separation, rows) as Codec<unknown> as Codec<
    ValuesOf<M>,
    Omit<ValuesOf<M>, OmittedOf<R>>
  >
}

type Values = { readonly [name: string]: unknown }
/** Where a field stands in a line. */
type Span = { readonly start: number; readonly end: number }

const refuse = (detail: string, field?: string): never => fail('bad-declaration', detail, { field })

class DelimitedLine implements Codec<unknown> {
  readonly layout = 'delimited'
  readonly message: Message
  readonly charset: CharsetName
  readonly #charset: Charset
  readonly #separator: string
  readonly #trailing: boolean
  readonly #cut: Cutter
  readonly #slots: readonly Slot[]
  readonly #group: Group | undefined
  readonly #names: readonly string[]
  readonly #sums: boolean

  constructor(message: Message, charset: Charset, { separator, trailing }: Separation, rows: readonly unknown[]) {
    this.message = message
    this.charset = charset.name
    this.#charset = charset
    this.#separator = separator
    this.#trailing = trailing
    this.#names = Object.keys(message.fields)
    try {
      if (!/^[!-/:-@[-`{-~\t]$/.test(separator)) refuse('a separator is one character of ASCII, no letter, no digit and no blank')
      this.#cut = cutter(charset.name, separator.charCodeAt(0))
      const { slots, group } = slotsOf(message.fields, rows, charset)
      this.#slots = slots
      this.#group = group
    } catch (error) {
      throw error instanceof Fault ? error.within({ message: message.id }) : error
    }
    const amounts = [this.#slots, this.#group?.slots ?? []].map(slots => slots.some(({ field }) => field === 'amount'))
    this.#sums = this.#group?.name === 'items' && !amounts.includes(false)
  }

  encode(value: unknown): Uint8Array {
    try {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) return fail('bad-value', 'an object expected')
      const values = value as Values
      checkNames(values, this.#names)
      const texts = this.#slots.map(slot => this.#written(slot, values))
      if (this.#group) texts.push(...this.#writtenGroup(this.#group, values))
      return this.#charset.encode(texts.join(this.#separator) + (this.#trailing ? this.#separator : ''))
    } catch (error) {
      throw error instanceof Fault ? error.within({ message: this.message.id }) : error
    }
  }

  decode(bytes: Uint8Array): unknown {
    try {
      const spans = this.#spans(bytes)
      const value: { [name: string]: unknown } = {}
      for (const [i, slot] of this.#slots.entries()) this.#take(slot, bytes, spans[i], value)
      if (this.#group) this.#takeGroup(this.#group, bytes, spans, value)
      else this.#checkEnd(spans.length, this.#slots.length)
      return value
    } catch (error) {
      throw error instanceof Fault ? error.within({ message: this.message.id }) : error
    }
  }

  matches(bytes: Uint8Array): boolean {
    let at = 0
    for (const { constant } of this.#slots) {
      if (at < 0 || at > bytes.length) return false
      const end = this.#cut(bytes, at, bytes.length)
      const stop = end < 0 ? bytes.length : end
      if (constant !== undefined && Buffer.from(bytes.subarray(at, stop)).toString('latin1') !== constant) return false
      at = end < 0 ? -1 : end + 1
    }
    return this.#slots.some(({ constant }) => constant !== undefined)
  }

  explain(bytes: Uint8Array): Explained[] {
    const spans = this.#cutAll(bytes)
    const rows: Explained[] = []
    let shifted = false
    const names = this.#slotNames(spans.length)
    for (const [i, span] of spans.entries()) {
      const named = names[i]
      if (!named) {
        rows.push(surplus(span))
        continue
      }
      const row = this.#explained(named.slot, named.name, bytes, span, shifted)
      // Behind a broken private field the neighbours may be shifted, too: they are hidden.
      if (row.fault && named.slot.mask) shifted = true
      rows.push(row)
    }
    const fault = this.#faultOf(bytes)
    return fault && !rows.some(row => row.fault) ? [...rows, lineFault(fault, bytes.length)] : rows
  }

  describe(): readonly LayoutRow[] {
    const row = (slot: Slot, place: number, depth: number): LayoutRow => ({
      place: String(place),
      field: slot.field,
      zh: slot.zh,
      en: slot.en,
      form: slot.constant === undefined ? slot.form : `constant ${slot.constant}`,
      required: slot.required,
      depth,
    })
    const { length } = this.#slots
    const group = this.#group
    if (!group) return this.#slots.map((slot, i) => row(slot, i + 1, 0))
    const { zh, en } = this.message.fields[group.name]!
    const count = { place: String(length + 1), field: group.name, zh, en, form: 'count', required: !group.optional, depth: 0 }
    return [...this.#slots.map((slot, i) => row(slot, i + 1, 0)), count, ...group.slots.map((slot, i) => row(slot, length + 2 + i, 1))]
  }

  scanner(rows: number): LineScanner {
    const { message } = this
    const layout = { slots: this.#slots, group: this.#group, sums: this.#sums, cut: this.#cut, trailing: this.#trailing }
    return delimitedScanner(message.fields, { ...layout, separator: this.#separator.charCodeAt(0) }, rows)
  }

  #written(slot: Slot, values: Values): string {
    if (slot.constant !== undefined) return slot.constant
    return this.#at({ field: slot.field }, () => {
      const value = values[slot.field]
      if (value === undefined) return slot.required ? fail('missing', 'the field is absent') : ''
      const text = slot.write(value)
      if (text.includes(this.#separator)) fail('bad-value', 'the separator stands in the text: nothing could escape it')
      try {
        this.#charset.byteLength(text)
      } catch (error) {
        throw unnamed(error, this.#charset.name)
      }
      return text
    })
  }

  #writtenGroup(group: Group, values: Values): string[] {
    const { name, max, optional, slots } = group
    const items = values[name] ?? []
    return this.#at({ field: name }, () => {
      if (!Array.isArray(items)) return fail('bad-value', 'a list expected')
      // An empty list and none are not told apart by the line.
      if (!optional || values[name] !== undefined) checkCount(items.length, max)
      const elements = (items as readonly Values[]).flatMap((item, i) =>
        this.#at({ field: String(i) }, () => {
          checkNames(item, Object.keys(this.message.fields[name]!.fields!))
          return slots.map(slot => this.#written(slot, item))
        }),
      )
      if (items.length > 0) this.#checkSum(values, items as readonly Values[])
      return [String(items.length), ...elements]
    })
  }

  /** The spans of the fields; with a trailing separator nothing stands behind it. */
  #spans(bytes: Uint8Array): readonly Span[] {
    const spans = this.#cutAll(bytes)
    const last = spans.at(-1)!
    if (!this.#trailing) return spans
    if (last.start !== last.end || spans.length < 2)
      fail('malformed', 'the line ends with its separator', { offset: bytes.length, width: 0 })
    return spans.slice(0, -1)
  }

  #cutAll(bytes: Uint8Array): Span[] {
    const spans: Span[] = []
    for (let start = 0; ; ) {
      const end = this.#cut(bytes, start, bytes.length)
      spans.push({ start, end: end < 0 ? bytes.length : end })
      if (end < 0) return spans
      start = end + 1
    }
  }

  #take(slot: Slot, bytes: Uint8Array, span: Span | undefined, into: { [name: string]: unknown }): void {
    const { field, constant } = slot
    if (!span) fail('missing', 'the line ends before this field', { field, offset: bytes.length, width: 0 })
    const { start, end } = span!
    this.#at({ ...(field ? { field } : {}), offset: start, width: end - start }, () => {
      const text = this.#text(bytes, start, end)
      if (constant !== undefined) {
        if (text !== constant) fail('wrong-constant', `${JSON.stringify(constant)} expected`)
        return
      }
      const value = slot.read(text)
      if (value !== undefined) into[field] = value
    })
  }

  #takeGroup(group: Group, bytes: Uint8Array, spans: readonly Span[], into: { [name: string]: unknown }): void {
    const { name, max, optional, slots } = group
    const at = this.#slots.length
    const span = spans[at]
    if (!span) fail('missing', 'the line ends before the count', { field: name, offset: bytes.length, width: 0 })
    const { start, end } = span!
    const count = this.#at({ field: name, offset: start, width: end - start }, () => {
      const text = this.#text(bytes, start, end)
      if (!/^(?:0|[1-9][0-9]{0,3})$/.test(text)) fail('not-a-number', 'the count in plain digits expected')
      if (text !== '0' || !optional) checkCount(Number(text), max)
      return Number(text)
    })
    this.#checkEnd(spans.length, at + 1 + count * slots.length, `, with ${count} elements`)
    if (count === 0) return
    const items = Array.from({ length: count }, (_, i) => {
      const item: { [name: string]: unknown } = {}
      for (const [k, slot] of slots.entries())
        this.#at({ field: `${name}.${i}` }, () => this.#take(slot, bytes, spans[at + 1 + i * slots.length + k], item))
      return item
    })
    this.#checkSum(into, items)
    into[name] = items
  }

  #checkEnd(found: number, expected: number, why = ''): void {
    if (found !== expected) fail(found < expected ? 'missing' : 'unexpected', `${found} fields, the layout has ${expected}${why}`)
  }

  #checkSum(values: Values, items: readonly Values[]): void {
    if (this.#sums) checkSum(values.amount as number, items as readonly { readonly amount: number }[], this.message.id)
  }

  #text(bytes: Uint8Array, start: number, end: number): string {
    try {
      return this.#charset.decode(bytes, start, end)
    } catch (error) {
      throw unnamed(error, this.#charset.name)
    }
  }

  #at<T>(place: Place, run: () => T): T {
    try {
      return run()
    } catch (error) {
      throw error instanceof Fault ? error.within(place) : error
    }
  }

  /** The slot of each field of a line, as many as it seems to have. */
  #slotNames(length: number): readonly ({ readonly slot: Slot; readonly name: string } | undefined)[] {
    const plain = this.#slots.map(slot => ({ slot, name: slot.field }))
    const group = this.#group
    if (!group) return plain
    const rest = Math.max(0, length - plain.length - (this.#trailing ? 2 : 1))
    const { zh, en } = this.message.fields[group.name]!
    const count: Slot = { field: group.name, zh, en, form: 'count', required: true, write: String, read: text => text }
    const elements = Array.from({ length: rest }, (_, i) => {
      const slot = group.slots[i % group.slots.length]!
      return { slot, name: `${group.name}.${Math.floor(i / group.slots.length)}.${slot.field}` }
    })
    return [...plain, { slot: count, name: group.name }, ...elements]
  }

  #explained(slot: Slot, name: string, bytes: Uint8Array, { start, end }: Span, shifted: boolean): Explained {
    const { zh, en, mask, constant } = slot
    const row = { offset: start, width: end - start, field: constant === undefined ? name : '', zh, en }
    try {
      const text = this.#text(bytes, start, end)
      if (constant !== undefined && text !== constant) fail('wrong-constant', '')
      if (constant === undefined) slot.read(text)
      const hidden = shifted && constant === undefined
      const shown = hidden ? '*'.repeat(Math.min(text.length, 8)) : mask ? maskText(mask, text) : text
      const hex = hidden || mask ? '··'.repeat(end - start) : Buffer.from(bytes.subarray(start, end)).toString('hex')
      return { ...row, text: shown, hex }
    } catch (error) {
      const fault = error instanceof Fault && error.fault !== 'invalid-bytes' ? error.message : new Fault('invalid-bytes', '').message
      return { ...row, text: '', hex: '··'.repeat(end - start), fault }
    }
  }

  #faultOf(bytes: Uint8Array): Fault | undefined {
    try {
      this.decode(bytes)
      return undefined
    } catch (error) {
      if (error instanceof Fault) return error
      throw error
    }
  }
}

const surplus = ({ start, end }: Span): Explained => ({
  offset: start,
  width: end - start,
  field: '',
  zh: start === end ? '行尾' : '多余的内容',
  en: start === end ? 'end of the line' : 'superfluous',
  text: '',
  hex: '',
})
const lineFault = ({ fault, detail, at }: Fault, length: number): Explained => ({
  offset: at.offset ?? length,
  width: 0,
  field: '',
  zh: '行错误',
  en: 'fault of the line',
  text: '',
  hex: '',
  fault: new Fault(fault, detail).message,
})

/** A fault of the charset names no character and no byte: they are parts of names of people. */
const unnamed = (error: unknown, name: CharsetName): unknown => {
  if (!(error instanceof Fault)) return error
  if (error.fault === 'not-in-charset') return new Fault(error.fault, `character ${(error.at.offset ?? 0) + 1} has no code in ${name}`)
  return error.fault === 'invalid-bytes'
    ? new Fault(error.fault, `no character of ${name} begins here`, { offset: error.at.offset })
    : error
}
