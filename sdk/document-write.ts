import xml2js from 'xml2js'
import type { Charset } from './charset.ts'
import type { Element, Group, Leaf, Scope } from './document-shape.ts'
import { Fault, fail } from './fault.ts'
import type { Outcome } from './outcomes.ts'

/** The largest document read or written, in bytes. */
export const maxDocument = 262_144

type Values = { readonly [name: string]: unknown }

/** Documents are written here and copied out: one at a time, as nothing in between waits. */
const scratch = Buffer.allocUnsafeSlow(maxDocument)

/** Private use, which no charset here carries: it cannot stand in a constant. */
const mark = '\ue000'

/** Constant bytes, then a value. `closing` is the length of the tag after it, left out where an empty value makes `<X/>`. */
type Step = {
  readonly before: Uint8Array
  readonly place: Leaf | Group
  readonly attribute: boolean
  readonly closing: number
  readonly inner?: DocumentWriter
}

/** Prints a scope: xml2js prints it once with marks for the values, and is cut there into constant pieces of bytes. */
export class DocumentWriter {
  readonly #charset: Charset
  readonly #steps: readonly Step[]
  readonly #tail: Uint8Array

  constructor(scope: Scope, charset: Charset, label?: string) {
    this.#charset = charset
    const places: (Leaf | Group)[] = []
    const tree = { [scope.root.name]: skeletonOf(scope.root, places) }
    const options = label === undefined ? { headless: true } : { xmldec: { version: '1.0', encoding: label } }
    const printed = new xml2js.Builder({ ...options, renderOpts: { pretty: false } } as xml2js.BuilderOptions).buildObject(tree)
    const pieces = printed.split(mark)
    this.#steps = places.map((place, i) => {
      if ('id' in place) return this.#step(place, pieces[i]!, pieces[i + 1]!)
      const tag = `<${place.scope.root.name}>`
      pieces[i + 1] = pieces[i + 1]!.slice(tag.length + 1)
      return {
        before: charset.encode(pieces[i]!.slice(0, -tag.length)),
        place,
        attribute: false,
        closing: 0,
        inner: new DocumentWriter(place.scope, charset),
      }
    })
    this.#tail = charset.encode(pieces.at(-1)!)
  }

  #step(place: Leaf, before: string, after: string): Step {
    const attribute = !after.startsWith('<')
    return { before: this.#charset.encode(before), place, attribute, closing: attribute ? 0 : after.indexOf('>') + 1 }
  }

  write(values: Values): Uint8Array {
    return Uint8Array.prototype.slice.call(scratch, 0, this.#writeAt(values, 0))
  }

  #writeAt(values: Values, start: number): number {
    let at = start
    let skip = 0
    let field = ''
    try {
      for (const { before, place, attribute, closing, inner } of this.#steps) {
        field = place.field
        at = constantAt(before, skip, at)
        skip = 0
        if (!('id' in place)) {
          at = inner!.#writeAll(values[field] as readonly Values[] | undefined, at)
          continue
        }
        const text = textOf(place, values)
        if (text !== '') at += this.#charset.write(attribute ? escapeAttribute(text) : escapeText(text), scratch, at, maxDocument - at)
        else if (!attribute) {
          scratch[at - 1] = 0x2f
          scratch[at++] = 0x3e
          skip = closing
        }
        if (place.cell!.form === 'text') checkWritten(place, text, this.#charset)
      }
    } catch (error) {
      // an offset of these faults counts characters of the value, which says nothing about the document
      throw error instanceof Fault
        ? new Fault(error.fault, error.detail, { field: error.at.field ? `${field}.${error.at.field}` : field })
        : error
    }
    return constantAt(this.#tail, skip, at)
  }

  #writeAll(list: readonly Values[] | undefined, start: number): number {
    let at = start
    for (const [i, values] of (list ?? []).entries()) at = this.#element(String(i), values, at)
    return at
  }

  #element(place: string, values: Values, at: number): number {
    try {
      return this.#writeAt(values, at)
    } catch (error) {
      throw error instanceof Fault ? error.within({ field: place }) : error
    }
  }
}

const constantAt = (bytes: Uint8Array, skip: number, at: number): number => {
  const length = bytes.length - skip
  if (at + length > maxDocument) fail('over-limit', `a document is at most ${maxDocument} bytes`)
  for (let i = 0; i < length; i++) scratch[at + i] = bytes[skip + i]!
  return at + length
}

const textOf = (leaf: Leaf, values: Values): string => {
  if (leaf.field.endsWith('.bankText')) {
    const { bankText } = values[leaf.field.slice(0, -'.bankText'.length)] as Outcome
    return bankText === undefined ? '' : leaf.cell!.write(bankText)
  }
  const value = values[leaf.field]
  return value === undefined ? '' : leaf.cell!.write(value)
}

const checkWritten = (leaf: Leaf, text: string, charset: Charset): void => {
  const { width } = leaf.cell!
  if (width === undefined) return
  const length = charset.byteLength(text)
  if (length > width) fail('too-long', `needs ${length} bytes, the bank takes ${width}`)
}

// As xml2js writes them, by which it is tested.
const escapeText = (text: string): string =>
  /[&<>\r]/.test(text) ? text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('\r', '&#xD;') : text
const escapeAttribute = (text: string): string =>
  /[&<"\t\n\r]/.test(text)
    ? text
        .replaceAll('&', '&amp;')
        .replaceAll('<', '&lt;')
        .replaceAll('"', '&quot;')
        .replaceAll('\t', '&#x9;')
        .replaceAll('\n', '&#xA;')
        .replaceAll('\r', '&#xD;')
    : text

type Skeleton = { $?: { [name: string]: string }; _?: string } & { [name: string]: unknown }

/** The element as xml2js wants it; the values that change are marks, whose places are listed in the order in which they are printed. */
const skeletonOf = (element: Element, places: (Leaf | Group)[]): Skeleton | string => {
  const marked = (leaf: Leaf): string => {
    if (leaf.constant !== undefined) return leaf.constant
    places.push(leaf)
    return mark
  }
  if (element.leaf && element.attributes.size === 0) return marked(element.leaf)
  const skeleton: Skeleton = {}
  if (element.attributes.size > 0) skeleton.$ = Object.fromEntries([...element.attributes].map(([name, leaf]) => [name, marked(leaf)]))
  if (element.leaf) skeleton._ = marked(element.leaf)
  for (const [name, child] of element.children) {
    if (child.group) places.push(child.group)
    skeleton[name] = child.group ? mark : skeletonOf(child, places)
  }
  return skeleton
}
