import { checkSum, type Message, type ValuesOf } from './catalogue.ts'
import type { Blank, Cell, Codec, Constant, NameOf, Omitted, OmittedOf, Repeat, Row, Whole, Wide } from './cell.ts'
import { type Charset, type CharsetName, charset as charsetOf } from './charset.ts'
import type { LineScanner } from './columns.ts'
import { type Source, sourceOf } from './compile.ts'
import { Fault, fail, type Place } from './fault.ts'
import type { Fields } from './kinds.ts'
import { describe, explain } from './record-table.ts'
import { decodingScanner } from './scan.ts'
import { blame, checkCount, getPart, type Part, putPart, type Section, sectionOf, type Values } from './section.ts'
import { sectionScanner } from './section-scan.ts'

type ElementOf<T> = Exclude<T, undefined> extends readonly (infer E)[] ? E : never
type Lists<V> = { [K in keyof V & string]-?: ElementOf<V[K]> extends never ? never : K }[keyof V & string]
/** A row of a repeated group's element. */
export type ElementRow<E> = Row<E, [], Wide> | Constant | Blank | Omitted<keyof E & string>
/** A row of a record: a field and its cell, a fixed text, filler, fields left out, or, at the end, a repeated group. */
export type RecordRow<V> = ElementRow<V> | { [K in Lists<V>]: Group<K, readonly ElementRow<ElementOf<V[K]>>[]> }[Lists<V>]
/** A repeated group of a record and the rows of its element. */
export type Group<N extends string, R extends readonly unknown[]> = Repeat<N> & { readonly rows: R; readonly count: Cell<number> & Wide }

type AnyElementRow = readonly [string, Cell<unknown> & Wide] | Constant | Blank | Omitted
type ForgottenIn<V, X> = X extends Group<infer N, infer R> ? Exclude<keyof ElementOf<V[N & keyof V]>, NameOf<R[number]>> : never
type WholeElements<V, R extends readonly unknown[]> =
  ForgottenIn<V, R[number]> extends never ? unknown : { readonly 'forgotten field of an element': ForgottenIn<V, R[number]> }

type Heard<V, X> =
  X extends Group<infer N, infer R> ? { readonly [K in N & keyof V]: readonly Omit<ElementOf<V[K]>, OmittedOf<R>>[] } : never
type Repeated<R extends readonly unknown[]> = Extract<R[number], Repeat>
/** What a record brings back: the values without the fields that it omits. */
export type Carried<V, R extends readonly unknown[]> =
  Repeated<R> extends never ? Omit<V, OmittedOf<R>> : Omit<V, OmittedOf<R> | NameOf<Repeated<R>>> & Heard<V, Repeated<R>>

/** The codec of a fixed-width record. */
export type RecordCodec<In, Out = In> = Codec<In, Out> & {
  readonly layout: 'record'
  readonly width: number
  /** Writes a file of such records without separators. A fault says which record (line, 1-based). */
  encodeMany(values: readonly In[]): Uint8Array
  /** Reads a file of such records without separators, calling `each` with one after the other. A fault says which record (line, 1-based). */
  decodeMany(bytes: Uint8Array, each: (value: Out, index: number) => void): void
}

/**
 * A group that repeats, as the last rows of a record: the count in the head, then that many elements of the same width.
 * The field must be a list of the message, `max` not more than it may hold.
 */
export const repeat = <const N extends string, const R extends readonly AnyElementRow[]>(
  name: N,
  { count, max }: { readonly count: Cell<number> & Wide; readonly max: number },
  rows: R,
): Group<N, R> => ({ repeat: name, count, max, rows })

/**
 * A fixed-width record of `width` bytes, as the bank's page has it; its rows stand in the order of that page. With a repeated group the
 * width is that of the head with the count. Refuses to load where widths do not sum up or a field is forgotten, named twice or unknown.
 */
export function record<M extends Message, const R extends readonly RecordRow<ValuesOf<M>>[]>(
  message: M,
  charset: CharsetName,
  width: number,
  rows: R & Whole<M, R> & WholeElements<ValuesOf<M>, R>,
): RecordCodec<ValuesOf<M>, Carried<ValuesOf<M>, R>> {
  return new FixedRecord(message, charsetOf(charset), width, rows) as RecordCodec<unknown> as RecordCodec<
    ValuesOf<M>,
    Carried<ValuesOf<M>, R>
  >
}

const bufferOf = (bytes: Uint8Array): Buffer =>
  Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)

class FixedRecord implements RecordCodec<unknown> {
  readonly layout = 'record'
  readonly message: Message
  readonly charset: CharsetName
  readonly width: number
  readonly #charset: Charset
  readonly #head: Section
  readonly #element: Section | undefined
  /** The place of the count, the last of the head. */
  readonly #count: Part | undefined
  /** The name of the repeated field. */
  readonly #group: string
  /** Whether the amounts of the elements must sum to the record's. */
  readonly #sums: boolean

  constructor(message: Message, charset: Charset, width: number, rows: readonly unknown[]) {
    this.message = message
    this.charset = charset.name
    this.width = width
    this.#charset = charset
    try {
      this.#head = sectionOf(message.fields, rows, charset)
      const { repeat } = this.#head
      this.#count = repeat && this.#head.parts.at(-1)
      this.#group = repeat?.repeat ?? ''
      this.#element = repeat && elementOf(message.fields, repeat, charset)
      if (this.#head.width !== width) fail('bad-declaration', `the cells take ${this.#head.width} bytes, the bank's page says ${width}`)
    } catch (error) {
      throw this.#within(error)
    }
    const amount = (section: Section | undefined) => section?.parts.some(part => part.field === 'amount') ?? false
    this.#sums = this.#group === 'items' && amount(this.#head) && amount(this.#element)
  }

  encode(value: unknown): Uint8Array {
    const values = this.#values(value)
    const items = this.#element ? this.#items(values) : []
    const target = Buffer.allocUnsafe(this.width + items.length * (this.#element?.width ?? 0))
    this.#put(values, target, 0)
    if (this.#element) this.#putItems(values, items, target)
    return target
  }

  encodeMany(values: readonly unknown[]): Uint8Array {
    if (this.#element) this.#fail('bad-declaration', 'records with a repeated group have no fixed length')
    const target = Buffer.allocUnsafe(values.length * this.width)
    for (let i = 0; i < values.length; i++) this.#put(this.#values(values[i], { line: i + 1 }), target, i * this.width, i)
    return target
  }

  decode(given: Uint8Array): unknown {
    const bytes = bufferOf(given)
    if (this.#element ? bytes.length < this.width : bytes.length !== this.width) this.#wrongLength(bytes.length, this.width)
    const source = sourceOf(bytes, this.#head.texts)
    const value = this.#get(source, 0)
    if (this.#element) value[this.#group] = this.#getItems(source, value)
    return value
  }

  decodeMany(given: Uint8Array, each: (value: unknown, index: number) => void): void {
    const { width } = this
    const bytes = bufferOf(given)
    if (this.#element) this.#fail('bad-declaration', 'records with a repeated group have no fixed length')
    if (bytes.length % width !== 0) this.#wrongLength(bytes.length, width)
    // Not larger: a text that is kept keeps the latin1 text of its whole batch in memory.
    const batch = Math.max(1, Math.floor(8192 / width)) * width
    for (let start = 0, index = 0; start < bytes.length; start += batch) {
      const some = bytes.subarray(start, start + batch)
      const source = sourceOf(some, this.#head.texts, 0, width, some.length / width)
      for (let at = 0; at < some.length; at += width, index++) each(this.#get(source, at, index), index)
    }
  }

  matches(bytes: Uint8Array): boolean {
    return this.#head.matches(bytes, 0)
  }

  explain(bytes: Uint8Array) {
    return explain(this.#head, this.#element, bufferOf(bytes))
  }

  describe() {
    return describe(this.#head, this.#element)
  }

  scanner(rows: number): LineScanner {
    if (this.#element || this.#head.parts.some(({ form }) => form === 'blank' || form === 'codes'))
      return decodingScanner(this.message, this.#charset, bytes => this.decode(bytes) as Values, rows)
    return sectionScanner(this.#head, this.message.fields, rows)
  }

  #put(values: Values, target: Buffer, at: number, index?: number): void {
    try {
      this.#head.put(values, target, at)
    } catch (error) {
      const own = target.subarray(at, at + this.width)
      throw this.#within(
        blame(this.#head, 0, error, part => putPart(part, values, own, 0), this.#charset),
        index,
      )
    }
  }

  #get(source: Source, at: number, index?: number): { [name: string]: unknown } {
    try {
      return this.#head.get(source, at)
    } catch (error) {
      const own = sourceOf(source.bytes.subarray(at, at + this.width))
      throw this.#within(
        blame(this.#head, 0, error, part => getPart(part, own, 0), this.#charset),
        index,
      )
    }
  }

  #getItems(head: Source, value: Values): readonly unknown[] {
    const element = this.#element!
    const count = this.#inPlace(() => this.#count!.spot!.get(head, this.#count!.offset) as number)
    const end = this.width + count * element.width
    const { length } = head.bytes
    if (length !== end) this.#wrongLength(length, end, `, with ${count} elements`)
    const source = sourceOf(head.bytes, element.texts, this.width, element.width, count)
    const items: { readonly amount?: number }[] = []
    for (let at = this.width; at < end; at += element.width) {
      try {
        items.push(element.get(source, at))
      } catch (error) {
        throw this.#inElement(
          blame(element, at, error, part => getPart(part, sourceOf(head.bytes), at), this.#charset),
          items.length,
        )
      }
    }
    this.#checkSum(value, items)
    return items
  }

  #putItems(values: Values, items: readonly unknown[], target: Uint8Array): void {
    const element = this.#element!
    this.#count!.spot!.put(items.length, target, this.#count!.offset)
    for (const [i, item] of items.entries()) {
      const at = this.width + i * element.width
      const of = this.#values(item, { field: `${this.#group}.${i}` })
      try {
        element.put(of, target, at)
      } catch (error) {
        throw this.#inElement(
          blame(element, at, error, part => putPart(part, of, target, at), this.#charset),
          i,
        )
      }
    }
    this.#checkSum(values, items as readonly Values[])
  }

  #items(values: Values): readonly unknown[] {
    const items = values[this.#group]
    return this.#inPlace(() => {
      if (items === undefined) return fail('missing', 'the group is absent')
      if (!Array.isArray(items)) return fail('bad-value', 'a list expected')
      checkCount(items.length, this.#head.repeat!.max)
      return items as readonly unknown[]
    })
  }

  /** Runs something about the count and its group; a fault lies at the count. */
  #inPlace<T>(run: () => T): T {
    try {
      return run()
    } catch (error) {
      const { field, offset, width } = this.#count!
      throw error instanceof Fault ? this.#within(error.within({ field, offset, width })) : error
    }
  }

  #checkSum(value: Values, items: readonly { readonly amount?: unknown }[]): void {
    if (!this.#sums) return
    let sum = 0
    for (const item of items) sum += item.amount as number
    // Exact as long as it is a safe integer; only then can the slower sum in bigint be spared.
    if (sum !== value.amount || sum > Number.MAX_SAFE_INTEGER) {
      checkSum(value.amount as number, items as readonly { readonly amount: number }[], this.message.id)
    }
  }

  #values(value: unknown, place: Place = {}): Values {
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Values
    return this.#fail('bad-value', 'an object expected', place)
  }

  #wrongLength(length: number, expected: number, why = ''): never {
    return this.#fail('wrong-length', `${length} bytes, the layout has ${expected}${why}`)
  }

  #fail(...[fault, detail, at]: Parameters<typeof fail>): never {
    return fail(fault, detail, { ...at, message: this.message.id })
  }

  #within(error: unknown, index?: number): unknown {
    return error instanceof Fault ? error.within({ message: this.message.id, ...(index === undefined ? {} : { line: index + 1 }) }) : error
  }

  #inElement(error: unknown, index: number): unknown {
    return error instanceof Fault ? error.within({ message: this.message.id, field: `${this.#group}.${index}` }) : error
  }
}

const elementOf = (fields: Fields, { repeat, rows }: Repeat, charset: Charset): Section => {
  try {
    return sectionOf(fields[repeat]?.fields ?? {}, rows, charset)
  } catch (error) {
    throw error instanceof Fault ? error.within({ field: repeat }) : error
  }
}
