import { checkSum, type Message, type ValuesOf } from './catalogue.ts'
import type { Cell, Codec, Constant, Explained, LayoutRow, Omitted, OmittedOf, Repeat, Row, Whole } from './cell.ts'
import { type Charset, type CharsetName, charset as charsetOf } from './charset.ts'
import { type Capture, constantsStand, DocumentReader, present, readLeaf, textOf, valuesOf } from './document-read.ts'
import { type Group, type Leaf, type Scope, shapeOf } from './document-shape.ts'
import { DocumentWriter, maxDocument } from './document-write.ts'
import { Fault, fail } from './fault.ts'
import { maskText } from './kinds.ts'
import { type Outcome, outcomes } from './outcomes.ts'
import { checkNames } from './value.ts'

type ElementOf<T> = Exclude<T, undefined> extends readonly (infer E)[] ? E : never
type ListNames<V> = { [K in keyof V & string]-?: ElementOf<V[K]> extends object ? K : never }[keyof V & string]
/** A group of a document: one element `at` for each element of the list `repeat`. */
export type Elements<N extends string = string, R = readonly unknown[]> = Repeat<N> & { readonly at: string; readonly rows: R }
type Plain<V> = Row<V, readonly [at: string]> | (Constant & { readonly at: string })
/** One row of a document: [our field, its element path from the root, its cell], a constant, omitted fields, or repeated elements. */
export type DocumentRow<V> =
  | Plain<V>
  | Omitted<keyof V & string>
  | { [K in ListNames<V> & keyof V]: Elements<K, readonly Plain<ElementOf<V[K]>>[]> }[ListNames<V> & keyof V]

type Named<R> = R extends readonly [infer N, ...unknown[]] ? N : never
type ForgottenIn<V, R> =
  R extends Elements<infer N, infer Rows extends readonly unknown[]>
    ? N extends keyof V
      ? Exclude<keyof ElementOf<V[N]>, Named<Rows[number]>>
      : never
    : never
/** Fails to compile, naming the field, where the elements of a list forget one. */
export type WholeElements<M extends Message, R extends readonly unknown[]> = [ForgottenIn<ValuesOf<M>, R[number]>] extends [never]
  ? unknown
  : { readonly 'forgotten field of an element': ForgottenIn<ValuesOf<M>, R[number]> }

/** The elements of a list: one element at `at` for each, 1 to `max`; the paths of `rows` begin below it, `@name` is its own attribute. */
export const elements = <const N extends string, const R extends readonly unknown[]>(
  name: N,
  at: string,
  { max }: { readonly max: number },
  rows: R,
): Elements<N, R> => ({ repeat: name, at, max, rows })

/**
 * An XML document; each row names the element, from the root, or the attribute (`TAX/HEAD/@VER`) that holds the field.
 *
 * Written: all elements, in the order of the rows, without white space between; an absent optional field is an empty element.
 * Read: strictly. In any order, each once; the bytes by the agreed charset, with which the declaration, if any, must agree; blanks and line
 * ends at the ends of a value are padding. Refused: DOCTYPE, processing instructions, entities but the five, references to control
 * characters, comments and mixtures of text and CDATA in a value, text between elements, namespaces, and all that no row names.
 */
export function document<M extends Message, const R extends readonly DocumentRow<ValuesOf<M>>[]>(
  message: M,
  charset: CharsetName,
  rows: R & Whole<M, R> & WholeElements<M, R>,
): Codec<ValuesOf<M>, Omit<ValuesOf<M>, OmittedOf<R>>> {
  const layout = new DocumentLayout(message, charset, rows as readonly unknown[])
  return {
    message,
    charset,
    layout: 'document',
    encode: value => layout.encode(value as Values),
    decode: bytes => layout.decode(bytes) as Omit<ValuesOf<M>, OmittedOf<R>>,
    matches: bytes => layout.matches(bytes),
    explain: bytes => layout.explain(bytes),
    describe: () => layout.rows,
  }
}

type Values = { readonly [name: string]: unknown }

const labels: { readonly [C in CharsetName]: string } = { 'utf-8': 'UTF-8', gb2312: 'GB2312', gbk: 'GBK', gb18030: 'GB18030' }

class DocumentLayout {
  readonly #message: Message
  readonly #charset: Charset
  readonly #scope: Scope
  readonly #writer: DocumentWriter
  readonly #constants: ReadonlyMap<string, string>
  readonly #sums: boolean
  readonly #names: readonly string[]
  readonly rows: readonly LayoutRow[]

  constructor(message: Message, charset: CharsetName, rows: readonly unknown[]) {
    this.#message = message
    this.#names = Object.keys(message.fields)
    this.#charset = charsetOf(charset)
    try {
      this.#scope = shapeOf(message.fields, rows, this.#charset)
      this.#writer = new DocumentWriter(this.#scope, this.#charset, labels[charset])
    } catch (error) {
      throw error instanceof Fault ? error.within({ message: message.id }) : error
    }
    const fixed = this.#scope.order.filter(isLeaf).filter(leaf => leaf.constant !== undefined)
    this.#constants = new Map(fixed.map(leaf => [leaf.path, Buffer.from(this.#charset.encode(leaf.constant!)).toString('latin1')]))
    this.#sums = ['amount', 'items'].every(name => this.#scope.plans.some(plan => plan.name === name))
    this.rows = Object.freeze(described(this.#scope, 0))
  }

  encode(value: Values): Uint8Array {
    try {
      checkNames(value, this.#names)
      checkScope(this.#scope, value)
      this.#checkSum(value)
      return this.#writer.write(value)
    } catch (error) {
      throw error instanceof Fault ? error.within({ message: this.#message.id }) : error
    }
  }

  decode(bytes: Uint8Array): Values {
    let text: string | undefined
    try {
      text = textOf(bytes, this.#charset)
      const values = valuesOf(this.#scope, new DocumentReader(this.#scope, this.#charset.name, text).read())
      this.#checkSum(values)
      return values
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      throw (text === undefined ? this.#inField(error, bytes) : this.#inBytes(error, text)).within({ message: this.#message.id })
    }
  }

  matches(bytes: Uint8Array): boolean {
    const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.length, maxDocument)).toString('latin1')
    return constantsStand(head, this.#scope.root.name, this.#constants)
  }

  explain(bytes: Uint8Array): Explained[] {
    const faults: Fault[] = []
    const text = this.#readable(bytes, faults)
    const reader = new DocumentReader(this.#scope, this.#charset.name, text)
    try {
      reader.read()
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      // behind unreadable bytes nothing was read: that the text ends too soon is no news
      if (faults.length === 0) faults.push(error)
    }
    const broken = faults.length > 0
    const rows = this.#explainScope(this.#scope, reader.capture, { text, bytes, prefix: '', faults: broken ? undefined : faults })
    if (faults.length === 0) this.#explainSum(reader.capture, rows, faults)
    rows.sort((a, b) => a.offset - b.offset)
    return [...rows, ...faults.map(fault => faultRow(this.#inBytes(fault, text), bytes.length))]
  }

  /** The text as far as it can be read; why no further goes into `faults`. */
  #readable(bytes: Uint8Array, faults: Fault[]): string {
    try {
      return textOf(bytes, this.#charset)
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      const readable = error.fault === 'invalid-bytes' ? this.#charset.decode(bytes, 0, error.at.offset) : ''
      // its place as an index into the text, like the reader's
      faults.push(new Fault(error.fault, error.detail, { ...this.#inField(error, bytes).at, offset: readable.length }))
      return readable
    }
  }

  /** A fault of the bytes with the field in which they stand: the one in which a document that ends there breaks off. */
  #inField(fault: Fault, bytes: Uint8Array): Fault {
    if (fault.fault !== 'invalid-bytes') return fault
    try {
      new DocumentReader(this.#scope, this.#charset.name, this.#charset.decode(bytes, 0, fault.at.offset)).read()
    } catch (error) {
      if (error instanceof Fault && error.at.field !== undefined) return fault.within({ field: error.at.field })
    }
    return fault
  }

  #explainScope(scope: Scope, capture: Capture, of: Explaining): Explained[] {
    return scope.order.flatMap((place): Explained[] => {
      if (isLeaf(place)) return this.#explainLeaf(scope, capture, place, of)
      const list = capture.lists[place.place]!
      const field = of.prefix + place.field
      if (list.length === 0) of.faults?.push(new Fault('missing', `no element ${place.scope.root.path}`, { field }))
      return list.flatMap((one, i) => this.#explainScope(place.scope, one, { ...of, prefix: `${field}.${i}.` }))
    })
  }

  #explainLeaf(scope: Scope, capture: Capture, leaf: Leaf, { text, bytes, prefix, faults }: Explaining): Explained[] {
    const field = leaf.constant === undefined ? prefix + leaf.field : leaf.field
    const fault = faults && faultOf(scope, capture, leaf)
    const said = capture.texts[leaf.id]
    if (said === undefined) {
      if (fault) faults.push(new Fault(fault.fault, fault.detail, { ...fault.at, field }))
      return []
    }
    const offset = this.#bytesTo(text, capture.starts[leaf.id]!)
    const end = this.#bytesTo(text, capture.ends[leaf.id]!)
    const mask = leaf.kind?.mask
    const shown = mask ? maskText(mask, said) : leaf.cell?.form === 'codes' ? meaningOfCode(leaf.cell, said) : said
    const hex = mask ? '' : Buffer.from(bytes.subarray(offset, end)).toString('hex')
    const row = { offset, width: end - offset, field, ...titlesOf(leaf), text: shown, hex }
    return [fault ? { ...row, fault: saidOf(fault) } : row]
  }

  #explainSum(capture: Capture, rows: readonly Explained[], faults: Fault[]): void {
    if (rows.some(row => row.fault !== undefined)) return
    try {
      this.#checkSum(valuesOf(this.#scope, capture))
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      faults.push(error)
    }
  }

  #checkSum({ amount, items }: Values): void {
    if (!this.#sums || amount === undefined || items === undefined) return
    checkSum(amount as number, items as readonly { readonly amount: number }[], this.#message.id)
  }

  #bytesTo(text: string, index: number): number {
    return this.#charset.byteLength(text.slice(0, index))
  }

  /** The reader's offsets are indices into the text. */
  #inBytes(fault: Fault, text: string): Fault {
    const { offset } = fault.at
    return offset === undefined ? fault : new Fault(fault.fault, fault.detail, { ...fault.at, offset: this.#bytesTo(text, offset) })
  }
}

type Explaining = { readonly text: string; readonly bytes: Uint8Array; readonly prefix: string; readonly faults: Fault[] | undefined }

const isLeaf = (place: Leaf | Group): place is Leaf => 'id' in place

/** Refuses values that are not what their kinds say; of a field that the bank does not take nothing is asked. */
const checkScope = (scope: Scope, values: Values): void => {
  let name = ''
  try {
    for (const plan of scope.plans) {
      name = plan.name
      const value = values[name]
      if (value === undefined) {
        if (!plan.optional) fail('missing', '')
      } else if (plan.group) checkList(plan.group, value)
      else plan.check(value)
    }
  } catch (error) {
    throw error instanceof Fault ? error.within({ field: name }) : error
  }
}

const checkList = ({ kind, max, scope }: Group, value: unknown): void => {
  if (!Array.isArray(value)) fail('bad-value', 'a list expected')
  const list = value as readonly Values[]
  if (list.length === 0) fail('missing', 'no element')
  if (list.length > max) fail('over-limit', `${list.length} elements, the bank takes at most ${max}`)
  const names = Object.keys(kind.fields!)
  let i = 0
  try {
    for (; i < list.length; i++) {
      const element = list[i] ?? fail('bad-value', 'an object expected')
      checkNames(element, names)
      checkScope(scope, element)
    }
  } catch (error) {
    throw error instanceof Fault ? error.within({ field: String(i) }) : error
  }
}

const titlesOf = (leaf: Leaf): { zh: string; en: string } => {
  if (leaf.constant !== undefined) return { zh: '固定内容', en: 'constant' }
  if (leaf.field.endsWith('.bankText')) return { zh: '银行附言', en: 'the bank’s text' }
  return { zh: leaf.kind!.zh, en: leaf.kind!.en }
}

/** A bank's result code with what it means to us. */
const meaningOfCode = (cell: Cell<unknown>, said: string): string => {
  const { code } = cell.read(said.trim()) as Outcome
  return `${said} → ${code} ${outcomes[code].zh}`
}

const saidOf = ({ fault, detail }: Fault): string => new Fault(fault, detail).message

/** What is wrong with the value at this place, if anything. */
const faultOf = (scope: Scope, capture: Capture, leaf: Leaf): Fault | undefined => {
  try {
    const plan = scope.plans.find(p => p.leaf === leaf)
    if (plan) readLeaf(leaf, undefined, capture, plan.check)
    else if (leaf.constant !== undefined) present(leaf, capture)
    else {
      const whole = scope.plans.find(p => p.textLeaf === leaf)!
      if (present(whole.leaf!, capture)) readLeaf(whole.leaf!, leaf, capture, whole.check)
    }
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  return undefined
}

const faultRow = (fault: Fault, length: number): Explained => ({
  offset: fault.at.offset ?? length,
  width: fault.at.width ?? 0,
  field: fault.at.field ?? '',
  zh: '报文错误',
  en: 'fault of the message',
  text: '',
  hex: '',
  fault: saidOf(fault),
})

const described = (scope: Scope, depth: number): LayoutRow[] =>
  scope.order.flatMap((place): LayoutRow[] => {
    if (!isLeaf(place)) {
      const { zh, en, optional } = place.kind
      const row = {
        place: place.scope.root.path,
        field: place.field,
        zh,
        en,
        form: `elements 1–${place.max}`,
        required: optional !== true,
        depth,
      }
      return [row, ...described(place.scope, depth + 1)]
    }
    const width = place.cell?.width
    return [
      {
        place: place.path,
        ...(width === undefined ? {} : { width }),
        field: place.constant === undefined ? place.field : place.constant,
        ...titlesOf(place),
        form: place.cell?.form ?? 'constant',
        required: !place.optional,
        depth,
      },
    ]
  })
