import type { Cell, Constant, Omitted, Repeat } from './cell.ts'
import type { Charset } from './charset.ts'
import { type FaultName, fail } from './fault.ts'
import type { Fields, Kind } from './kinds.ts'
import { checkOf, meaningOf } from './value.ts'

// The rows of a document as a tree of elements, checked once when the declaration is loaded: the reader walks it, the writer prints it.

/** The most levels of elements a document may have. */
export const maxDepth = 16

/** A place that holds text: an element without children, or an attribute. `id` numbers the places of its scope. */
export type Leaf = {
  readonly id: number
  /** Path from the root, `TAX/BODY/SPHM`, `TAX/@version`. */
  readonly path: string
  /** Our field, `amount` or `result.bankText`; the path again for a constant. */
  readonly field: string
  readonly kind?: Kind<unknown>
  readonly cell?: Cell<unknown>
  readonly constant?: string
  /** Refuses a text longer than the width in bytes that a cell of text declares. */
  readonly checkWidth?: (text: string) => void
  /** May stand empty: an optional field, a text of the bank. */
  readonly optional: boolean
}
/** An element of the tree. */
export type Element = {
  readonly id: number
  readonly name: string
  readonly path: string
  readonly children: Map<string, Element>
  readonly attributes: Map<string, Leaf>
  leaf?: Leaf
  group?: Group
}
/** An element that repeats, and what each one holds. */
export type Group = {
  readonly field: string
  readonly kind: Kind<unknown>
  readonly max: number
  readonly place: number
  readonly scope: Scope
}
/** How one field is read and written. */
export type Plan = {
  readonly name: string
  readonly optional: boolean
  /** Throws a Fault without place. */
  readonly check: (value: unknown) => void
  readonly leaf?: Leaf
  readonly textLeaf?: Leaf
  readonly group?: Group
}
/** What stands once: the whole document, or one element of a group. `size` is the number of its places. */
export type Scope = {
  readonly root: Element
  readonly size: number
  readonly groups: readonly Group[]
  /** In the order of the rows. */
  readonly order: readonly (Leaf | Group)[]
  /** In the order of the catalogue. */
  readonly plans: readonly Plan[]
}

type AnyRow = readonly [string, string, Cell<unknown>] | Constant | Omitted | Repeat

const refuse = (detail: string, path: string, fault: FaultName = 'bad-declaration'): never => fail(fault, detail, { field: path })

/** The checked tree of the rows; refuses at load what the types cannot see. */
export const shapeOf = (fields: Fields, rows: readonly unknown[], charset: Charset): Scope => new Shaper(fields, charset, '').scope(rows)

const stepName = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/

class Shaper {
  readonly #fields: Fields
  readonly #charset: Charset
  /** The path of the repeated element, '' for the document itself. */
  readonly #base: string
  readonly #names = new Set<string>()
  readonly #leaves: Leaf[] = []
  readonly #order: (Leaf | Group)[] = []
  readonly #groups: Group[] = []
  #root: Element | undefined
  #size = 0

  constructor(fields: Fields, charset: Charset, base: string) {
    this.#fields = fields
    this.#charset = charset
    this.#base = base
    if (base !== '') this.#root = this.#element(base.slice(base.lastIndexOf('/') + 1), base)
  }

  scope(rows: readonly unknown[]): Scope {
    for (const row of rows) this.#add(row as AnyRow)
    const root = this.#root ?? refuse('a document needs at least one row with a path', '')
    for (const name of Object.keys(this.#fields)) if (!this.#names.has(name)) refuse('the layout forgets this field', this.#path(name))
    return { root, size: this.#size, groups: this.#groups, order: this.#order, plans: this.#plans() }
  }

  #add(row: AnyRow): void {
    if (Array.isArray(row)) this.#addField(row as readonly [string, string, Cell<unknown>])
    else if ('constant' in row) this.#addConstant(row)
    else if ('omitted' in row) this.#omit(row.omitted)
    else if ('repeat' in row) this.#addGroup(row)
    else refuse('no row of a document', this.#base)
  }

  #addField([field, at, cell]: readonly [string, string, Cell<unknown>]): void {
    const base = field.endsWith('.bankText') ? field.slice(0, -'.bankText'.length) : undefined
    const kind = base === undefined ? this.#kind(field) : this.#bankTextOf(base, field)
    if (kind.fields) refuse('a list is declared with elements(…)', field)
    const { is } = meaningOf(kind)
    const wrong = base === undefined ? (cell.form === 'codes') !== (is === 'outcome') : cell.form !== 'text'
    if (wrong || (cell.form === 'number' || cell.form === 'yuan') !== (is === 'number'))
      refuse(`a cell of the form ${cell.form} cannot write it`, field)
    if (cell.form === 'number' && cell.pad === '0') refuse('numbers of a document are not padded: use number or yuan', field)
    const optional = base !== undefined || kind.optional === true
    const limit = cell.form === 'text' && cell.width !== undefined ? { checkWidth: this.#widthCheck(cell.width) } : {}
    this.#place(at, id => ({ id, path: this.#path(at), field, kind, cell, ...limit, optional }))
  }

  #widthCheck(width: number): (text: string) => void {
    return text => {
      const length = this.#charset.byteLength(text)
      if (length > width) fail('too-long', `${length} bytes, the bank's page says at most ${width}`)
    }
  }

  #addConstant(row: Constant): void {
    const at = row.at ?? refuse('a constant of a document needs its path', row.constant)
    const path = this.#path(at)
    if (row.constant === '' || row.constant.trim() !== row.constant)
      refuse('a constant must not be empty nor have blanks at its ends', path)
    if (/\p{Cc}/u.test(row.constant)) refuse('a constant must not have control characters', path)
    this.#charset.encode(row.constant)
    this.#place(at, id => ({ id, path, field: path, constant: row.constant, optional: false }))
  }

  #omit(names: readonly string[]): void {
    // an element without all its fields would not be what the type of the list promises
    if (this.#base !== '') refuse('the elements of a list carry all their fields', this.#base)
    for (const name of names) this.#kind(name)
  }

  #addGroup(row: Repeat): void {
    if (this.#base !== '') refuse('a repeated element cannot hold another', this.#base)
    const kind = this.#kind(row.repeat)
    const meaning = meaningOf(kind)
    const most = meaning.is === 'list' ? meaning.max : refuse('only a list can repeat', row.repeat)
    if (!Number.isSafeInteger(row.max) || row.max < 1 || row.max > most) refuse(`max must be 1 to ${most}`, row.repeat)
    const at = row.at ?? refuse('a repeated element needs its path', row.repeat)
    const element = this.#walk(at.split('/'), at)
    if (element.path === this.#root?.path) refuse('the root cannot repeat', at)
    if (element.leaf || element.group || element.children.size > 0 || element.attributes.size > 0) refuse('the path stands twice', at)
    const scope = new Shaper(kind.fields!, this.#charset, this.#path(at)).scope(row.rows)
    element.group = { field: row.repeat, kind, max: row.max, place: this.#groups.length, scope }
    this.#groups.push(element.group)
    this.#order.push(element.group)
  }

  #kind(name: string): Kind<unknown> {
    if (!Object.hasOwn(this.#fields, name)) refuse('the message has no such field', name)
    if (this.#names.has(name)) refuse('the field stands twice in the layout', name)
    this.#names.add(name)
    return this.#fields[name]!
  }

  #bankTextOf(base: string, field: string): Kind<unknown> {
    const kind = Object.hasOwn(this.#fields, base) ? this.#fields[base]! : refuse('the message has no such field', field)
    if (meaningOf(kind).is !== 'outcome') refuse('only a result has a bank text', field)
    if (this.#names.has(field)) refuse('the field stands twice in the layout', field)
    this.#names.add(field)
    return kind
  }

  #place(at: string, leafOf: (id: number) => Leaf): void {
    const steps = at.split('/')
    const attribute = steps.at(-1)?.startsWith('@') ? steps.pop()!.slice(1) : undefined
    const element = attribute !== undefined && steps.length === 0 ? this.#own(at) : this.#walk(steps, at)
    if (element.group) refuse('the path lies in a repeated element', at)
    if (attribute === undefined) {
      if (element === this.#root) refuse('the root holds elements, not a value', at)
      if (element.leaf || element.children.size > 0) refuse('the path stands twice, or as a value and as a parent', at)
      element.leaf = this.#kept(leafOf(element.id))
    } else {
      if (!stepName.test(attribute) || /^xml/i.test(attribute)) refuse('no name for an attribute', at)
      if (element.attributes.has(attribute)) refuse('the path stands twice', at)
      element.attributes.set(attribute, this.#kept(leafOf(this.#size++)))
    }
  }

  #kept(leaf: Leaf): Leaf {
    this.#leaves.push(leaf)
    this.#order.push(leaf)
    return leaf
  }

  /** The element of the scope itself, which has attributes of its own. */
  #own(at: string): Element {
    return (this.#base === '' ? undefined : this.#root) ?? refuse('an attribute needs its element', at)
  }

  #walk(steps: readonly string[], at: string): Element {
    for (const step of steps) if (!stepName.test(step) || /^xml/i.test(step) || step === '__proto__') refuse('no path of elements', at)
    const depth = steps.length + (this.#base === '' ? 0 : this.#base.split('/').length)
    if (depth > maxDepth) refuse(`deeper than ${maxDepth} elements`, at)
    let rest = steps
    if (this.#base === '') {
      this.#root ??= this.#element(steps[0]!, steps[0]!)
      if (steps[0] !== this.#root.name) refuse(`all paths must begin with one root, here ${this.#root.name}`, at)
      rest = steps.slice(1)
    }
    let element = this.#root!
    for (const step of rest) {
      if (element.leaf || element.group) refuse('the path stands as a value and as a parent', at)
      let child = element.children.get(step)
      if (!child) {
        child = this.#element(step, `${element.path}/${step}`)
        element.children.set(step, child)
      }
      element = child
    }
    return element
  }

  #path(at: string): string {
    return this.#base === '' ? at : `${this.#base}/${at}`
  }

  #element(name: string, path: string): Element {
    return { id: this.#size++, name, path, children: new Map(), attributes: new Map() }
  }

  #plans(): Plan[] {
    const plans: Plan[] = []
    for (const [name, kind] of Object.entries(this.#fields)) {
      const leaf = this.#leaves.find(l => l.field === name)
      const textLeaf = this.#leaves.find(l => l.field === `${name}.bankText`)
      const group = this.#groups.find(g => g.field === name)
      if (textLeaf && !leaf) refuse('a bank text needs its result', textLeaf.field)
      if (!leaf && !group) continue
      plans.push({
        name,
        optional: kind.optional === true,
        check: checkOf(kind),
        ...(leaf ? { leaf } : {}),
        ...(textLeaf ? { textLeaf } : {}),
        ...(group ? { group } : {}),
      })
    }
    return plans
  }
}
