import xml2js from 'xml2js'
import { isPlain } from './cell.ts'
import type { Charset } from './charset.ts'
import type { Element, Group, Leaf, Scope } from './document-shape.ts'
import { Fault, fail } from './fault.ts'
import type { Outcome } from './outcomes.ts'
import { meaningOf } from './value.ts'

/** The largest document read or written, in bytes. */
export const maxDocument = 262_144

type Values = { readonly [name: string]: unknown }

/** Documents are written here and copied out: one at a time, as nothing in between waits. */
const scratch = Buffer.allocUnsafeSlow(maxDocument)

/** Private use, which no charset here carries: it cannot stand in a constant. */
const mark = '\ue000'

/** Writes one value, already checked, at a place of the scratch page; returns where it ends. */
type Put = (value: unknown, at: number) => number

/** Constant bytes, then a value. `closing` is the length of the tag after it, left out where an empty value makes `<X/>`. */
type Step = {
  readonly before: Uint8Array
  readonly field: string
  /** The field that holds the value: of `result.bankText`, `result`. */
  readonly name: string
  readonly put: Put
  readonly isBankText: boolean
  readonly attribute: boolean
  readonly closing: number
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
      if ('id' in place) return this.#valueStep(place, pieces[i]!, pieces[i + 1]!)
      // the group stands there as one element around its mark: the tags go, as each element brings its own
      const tag = `<${place.scope.root.name}>`
      pieces[i + 1] = pieces[i + 1]!.slice(tag.length + 1)
      return this.#groupStep(place, pieces[i]!.slice(0, -tag.length))
    })
    this.#tail = charset.encode(pieces.at(-1)!)
  }

  #valueStep(leaf: Leaf, before: string, after: string): Step {
    const attribute = !after.startsWith('<')
    const isBankText = leaf.field.endsWith('.bankText')
    return {
      before: this.#charset.encode(before),
      field: leaf.field,
      name: isBankText ? leaf.field.slice(0, -'.bankText'.length) : leaf.field,
      put: putOf(leaf, attribute, this.#charset),
      isBankText,
      attribute,
      closing: attribute ? 0 : after.indexOf('>') + 1,
    }
  }

  #groupStep(group: Group, before: string): Step {
    const inner = new DocumentWriter(group.scope, this.#charset)
    const put: Put = (list, at) => inner.#writeAll(list as readonly Values[], at)
    return {
      before: this.#charset.encode(before),
      field: group.field,
      name: group.field,
      put,
      isBankText: false,
      attribute: true,
      closing: 0,
    }
  }

  write(values: Values): Uint8Array {
    const length = this.#writeAt(values, 0)
    const bytes = Buffer.allocUnsafe(length)
    scratch.copy(bytes, 0, 0, length)
    return bytes
  }

  #writeAt(values: Values, start: number): number {
    let at = start
    let skip = 0
    let field = ''
    try {
      for (const step of this.#steps) {
        field = step.field
        at = constantAt(step.before, skip, at)
        skip = 0
        const held = values[step.name]
        const value = step.isBankText ? (held as Outcome | undefined)?.bankText : held
        if (value !== undefined) at = step.put(value, at)
        else if (!step.attribute) {
          scratch[at - 1] = 0x2f
          scratch[at++] = 0x3e
          skip = step.closing
        }
      }
    } catch (error) {
      if (!(error instanceof Fault)) throw error
      // placed already, in an element of a group
      throw error.at.field ? error.within({ field }) : new Fault(error.fault, this.#detailOf(error), { field, offset: at })
    }
    return constantAt(this.#tail, skip, at)
  }

  /** What was wrong; a character without a code is counted, not shown: it may be part of somebody's name. */
  #detailOf({ fault, detail, at: { offset = 0 } }: Fault): string {
    return fault === 'not-in-charset' ? `character ${offset + 1} has no code in ${this.#charset.name}` : detail
  }

  #writeAll(list: readonly Values[], start: number): number {
    let at = start
    let i = 0
    try {
      for (; i < list.length; i++) at = this.#writeAt(list[i]!, at)
    } catch (error) {
      throw error instanceof Fault ? error.within({ field: String(i) }) : error
    }
    return at
  }
}

const constantAt = (bytes: Uint8Array, skip: number, at: number): number => {
  const length = bytes.length - skip
  if (at + length > maxDocument) fail('over-limit', `a document is at most ${maxDocument} bytes`)
  for (let i = 0; i < length; i++) scratch[at + i] = bytes[skip + i]!
  return at + length
}

/** How the value of a place is written: the cell's way, in fewer steps where its form leaves nothing to escape. */
const putOf = ({ kind, cell, checkWidth }: Leaf, attribute: boolean, charset: Charset): Put => {
  const { form } = cell!
  if (form === 'date') return putDate
  if (form === 'number' || form === 'yuan') return (value, at) => putAscii(cell!.write(value), at)
  if (form === 'text' && !checkWidth && isPlain(cell!) && meaningOf(kind!).is === 'digits') return putAscii as Put
  const escaped = attribute ? escapeAttribute : escapeText
  const special = attribute ? 0x22 : 0x3e
  return (value, at) => {
    const text = cell!.write(value)
    checkWidth?.(text)
    const end = putPlain(text, at, special)
    return end > 0 ? end : at + charset.write(escaped(text), scratch, at, maxDocument - at)
  }
}

const putAscii = (text: string, at: number): number => {
  const { length } = text
  if (at + length > maxDocument) fail('over-limit', `a document is at most ${maxDocument} bytes`)
  for (let i = 0; i < length; i++) scratch[at + i] = text.charCodeAt(i)
  return at + length
}

/** Writes ASCII without `&`, `<`, control characters and `special`, which needs no escaping; 0 if the text is something else. */
const putPlain = (text: string, at: number, special: number): number => {
  const { length } = text
  if (at + length > maxDocument) return 0
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i)
    if (code < 0x20 || code > 0x7e || code === 0x26 || code === 0x3c || code === special) return 0
    scratch[at + i] = code
  }
  return at + length
}

/** `2026-09-10` as `20260910`. */
const putDate = (value: unknown, start: number): number => {
  const date = value as string
  let at = start
  for (let i = 0; i < 10; i++) if (i !== 4 && i !== 7) scratch[at++] = date.charCodeAt(i)
  return at
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
