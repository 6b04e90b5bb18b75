import { isAscii, isUtf8 } from 'node:buffer'
import { type SaxesAttributePlain, SaxesParser, type SaxesTagPlain, type XMLDecl } from 'saxes'
import type { Charset, CharsetName } from './charset.ts'
import { type Element, type Group, type Leaf, maxDepth, type Scope } from './document-shape.ts'
import { maxDocument } from './document-write.ts'
import { Fault, type FaultName, fail } from './fault.ts'
import { refusal } from './gbk.ts'
import { type Outcome, outcome } from './outcomes.ts'
import { shownName } from './strict-json.ts'

// saxes, in its strict mode, decides what XML is; this file decides what of XML a bank may send, and where each value stands.

// ── Bytes to text ────────────────────────────────────────────────────────────────────────────────────────────────────

/** The text of a document's bytes in the agreed charset. Throws a Fault with byte offset. */
export const textOf = (bytes: Uint8Array, charset: Charset): string => {
  if (bytes.length > maxDocument) fail('over-limit', `${bytes.length} bytes, at most ${maxDocument}`, { offset: maxDocument })
  if (byteOrderMark(bytes)) fail('malformed', 'a byte order mark', { offset: 0 })
  if (charset.name !== 'utf-8' && looksLikeUtf8(bytes)) {
    fail('invalid-bytes', `the characters are written in UTF-8, agreed is ${charset.name}`, {
      offset: bytes.findIndex(byte => byte > 0x7f),
    })
  }
  try {
    return charset.decode(bytes)
  } catch (error) {
    // Without the bytes themselves: they may be part of somebody's name.
    throw error instanceof Fault ? new Fault(error.fault, `no character of ${charset.name} begins here`, error.at) : error
  }
}

const byteOrderMark = (bytes: Uint8Array): boolean => {
  const [a, b, c, d] = bytes
  return (
    (a === 0xef && b === 0xbb && c === 0xbf) ||
    (a === 0xfe && b === 0xff) ||
    (a === 0xff && b === 0xfe) ||
    (a === 0x84 && b === 0x31 && c === 0x95 && d === 0x33)
  )
}

/**
 * Whether text that should be GBK is UTF-8 beyond doubt: most UTF-8 is valid GBK, too, and would come out as other characters. GBK can be valid
 * UTF-8 by accident (榘珅), so that only a longer text proves anything: every three of its characters have about one chance in a thousand, and
 * `proof` characters of UTF-8 are eighteen of GBK. A correct message must never be refused; a short one in UTF-8 is read by the contract.
 */
const looksLikeUtf8 = (bytes: Uint8Array): boolean => {
  if (isAscii(bytes) || !isUtf8(bytes)) return false
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8')
  return (text.match(/[\u2e80-\uffef\u{20000}-\u{3ffff}]/gu)?.length ?? 0) >= proof && !/[\u0080-\u00b6\u00b8-\u1fff]/.test(text)
}
const proof = 12

// ── Text to places ───────────────────────────────────────────────────────────────────────────────────────────────────

/** The most elements, attributes, comments and CDATA sections of one document. */
export const maxNodes = 2_000

/** What was read of a scope: by the id of the place, its text, blanks at its ends removed, and where it stands in the document's text. */
export type Capture = {
  readonly texts: (string | undefined)[]
  readonly starts: number[]
  readonly ends: number[]
  /** By the place of the group: its elements. */
  readonly lists: Capture[][]
}

const emptyCapture = (scope: Scope): Capture => ({
  texts: new Array<string | undefined>(scope.size).fill(undefined),
  starts: new Array<number>(scope.size).fill(-1),
  ends: new Array<number>(scope.size).fill(-1),
  lists: scope.groups.map(() => []),
})

/** A document being read; `offset` of its faults is an index into its text, the caller makes bytes of it. */
export class DocumentReader {
  readonly capture: Capture
  readonly #scope: Scope
  readonly #charset: CharsetName
  readonly #text: string
  readonly #parser = new SaxesParser({ xmlns: false })
  readonly #open: Element[] = []
  readonly #outer: Capture[] = []
  #here: Element | undefined
  #into: Capture
  #closed = false
  #nodes = 0
  #value = ''
  /** What the value at hand came from; a value is text or one CDATA section, never a mixture. */
  #made: 'nothing' | 'text' | 'cdata' = 'nothing'

  constructor(scope: Scope, charset: CharsetName, text: string) {
    this.capture = emptyCapture(scope)
    this.#into = this.capture
    this.#scope = scope
    this.#charset = charset
    this.#text = text
    this.#listen()
  }

  // Seven handlers, not more: with an eighth V8 turns the parser into a dictionary, and it reads ten times slower. So those for what hardly
  // any document has are set only for a document that might have it.
  #listen(): void {
    const parser = this.#parser
    parser.on('xmldecl', declaration => this.#declared(declaration))
    parser.on('opentagstart', tag => this.#opened(tag.name))
    parser.on('attribute', attribute => this.#attribute(attribute as SaxesAttributePlain))
    parser.on('opentag', () => this.#began())
    parser.on('text', piece => this.#piece(piece))
    parser.on('cdata', piece => this.#cdata(piece))
    parser.on('closetag', tag => this.#ended(tag as SaxesTagPlain))
    const afterDeclaration = /^<\?xml[ \t\r\n]/.test(this.#text) ? 2 : 0
    if (!this.#text.includes('<?', afterDeclaration) && !/<!(?!\[CDATA\[)/.test(this.#text)) return
    parser.on('comment', () => this.#comment())
    parser.on('processinginstruction', () => this.#refuse('forbidden', 'a processing instruction'))
    parser.on('doctype', () => this.#refuse('forbidden', 'a DOCTYPE'))
  }

  /** Reads it all. Throws a Fault; what was read until then stays in `capture`. */
  read(): Capture {
    this.#checkReferences()
    try {
      this.#parser.write(this.#text).close()
    } catch (error) {
      throw error instanceof Fault ? error : this.#notWellFormed(error)
    }
    return this.capture
  }

  // `&#7;` would smuggle in what the charset and saxes refuse when it stands there plainly.
  #checkReferences(): void {
    if (!this.#text.includes('&#')) return
    for (const { 0: whole, 1: hex, 2: decimal, index } of this.#text.matchAll(/&#(?:x([0-9A-Fa-f]+)|([0-9]+));/g)) {
      const code = hex === undefined ? Number(decimal) : Number.parseInt(hex, 16)
      const control = code < 0x20 || (code >= 0x7f && code <= 0x9f)
      if (control || code > 0x10ffff || refusal(code) !== undefined) {
        fail('forbidden', 'a reference to a control character or to one that no charset here carries', {
          offset: index,
          width: whole.length,
        })
      }
    }
  }

  #notWellFormed(error: unknown): Fault {
    // saxes puts names of the document behind a colon; they may be private, so they stay out
    const said = (error instanceof Error ? error.message : '').replace(/^[0-9]+:[0-9]+: /, '').split(':')[0]
    const fault = said === 'undefined entity.' ? 'forbidden' : 'malformed'
    return new Fault(fault, said || 'not well-formed', {
      ...this.#where(),
      offset: Math.max(0, Math.min(this.#parser.position, this.#text.length) - 1),
    })
  }

  #declared({ version, encoding }: XMLDecl): void {
    const at = { field: 'encoding', offset: 0 }
    if (version !== '1.0') fail('forbidden', 'another version of XML than 1.0', { offset: 0 })
    if (encoding !== undefined && !agrees(encoding, this.#charset)) {
      fail('wrong-constant', `the declaration names another charset than the agreed ${this.#charset}`, at)
    }
  }

  #opened(name: string): void {
    this.#node()
    if (this.#closed) this.#refuse('malformed', 'a second root element')
    const parent = this.#here
    if (parent?.leaf) this.#refuse('unexpected', `an element in the value of ${parent.path}`)
    const found = parent ? parent.children.get(name) : this.#scope.root.name === name ? this.#scope.root : undefined
    const element = found ?? this.#refuse('unexpected', `the element ${parent?.path ?? ''}/${shownName(name)}`)
    if (this.#open.length >= maxDepth) this.#refuse('over-limit', `deeper than ${maxDepth} elements`)
    this.#open.push(element)
    this.#here = element
    if (element.group) this.#elementOf(element.group)
    else if (this.#into.starts[element.id]! >= 0) this.#refuse('duplicate', `the element ${element.path}`)
    this.#value = ''
    this.#made = 'nothing'
  }

  /** From here on, until the element ends, what is read belongs to one more element of the group. */
  #elementOf(group: Group): void {
    const list = this.#into.lists[group.place]!
    if (list.length >= group.max) this.#refuse('over-limit', `more than ${group.max} elements ${group.scope.root.path}`)
    const capture = emptyCapture(group.scope)
    list.push(capture)
    this.#outer.push(this.#into)
    this.#into = capture
    this.#here = group.scope.root
  }

  #attribute({ name, value }: SaxesAttributePlain): void {
    this.#node()
    const here = this.#here!
    const leaf =
      here.attributes.get(name) ?? this.#refuse('unexpected', `the attribute ${here.path}/@${shownName(name)}`, this.#startOfAttribute())
    const end = this.#parser.position - 1
    const start = this.#text.lastIndexOf(this.#text.charAt(end), end - 1) + 1
    if (this.#into.starts[leaf.id]! >= 0) fail('duplicate', `the attribute ${leaf.path}`, { field: leaf.field, offset: start })
    this.#keep(leaf, value, start, end)
  }

  #startOfAttribute(): number {
    const end = this.#parser.position - 1
    return this.#text.lastIndexOf(this.#text.charAt(end), end - 1)
  }

  #began(): void {
    const { id } = this.#here!
    this.#into.starts[id] = this.#parser.position
  }

  #piece(piece: string): void {
    if (isBlank(piece)) {
      if (this.#here?.leaf) this.#value += piece
      return
    }
    if (!this.#here) this.#refuse('malformed', 'text outside the root element', this.#startOfPiece())
    if (!this.#here!.leaf) this.#refuse('unexpected', `text between the elements of ${this.#here!.path}`, this.#startOfPiece())
    if (this.#made === 'cdata') this.#refuse('forbidden', `text beside a CDATA section in ${this.#here!.path}`, this.#startOfPiece())
    this.#made = 'text'
    this.#value += piece
  }

  #startOfPiece(): number {
    return this.#text.lastIndexOf('>', this.#parser.position - 2) + 1
  }

  #cdata(piece: string): void {
    this.#node()
    const at = this.#text.lastIndexOf('<![CDATA[', this.#parser.position)
    if (!this.#here?.leaf) this.#refuse('unexpected', `a CDATA section between the elements of ${this.#here?.path ?? 'the document'}`, at)
    if (this.#made !== 'nothing') this.#refuse('forbidden', `a value in several pieces in ${this.#here!.path}`, at)
    this.#made = 'cdata'
    this.#value += piece
  }

  #ended(tag: SaxesTagPlain): void {
    const element = this.#open.pop()!
    const within = this.#here!
    if (within.leaf) {
      const start = this.#into.starts[within.id]!
      const end = tag.isSelfClosing ? start : this.#text.lastIndexOf('<', this.#parser.position - 1)
      this.#keep(within.leaf, this.#value, start, end)
    }
    this.#value = ''
    this.#made = 'nothing'
    if (element.group) this.#into = this.#outer.pop()!
    const parent = this.#open.at(-1)
    // the parent of what stands in a group is the group's own root
    this.#here = parent?.group ? parent.group.scope.root : parent
    this.#closed = parent === undefined
  }

  #keep(leaf: Leaf, value: string, start: number, end: number): void {
    const text = trimmed(value)
    this.#into.texts[leaf.id] = text
    this.#into.starts[leaf.id] = start
    this.#into.ends[leaf.id] = end
    if (leaf.constant !== undefined && text !== leaf.constant) {
      fail('wrong-constant', `another text than the declared constant at ${leaf.path}`, { field: leaf.field, offset: start })
    }
  }

  #comment(): void {
    this.#node()
    // `1<!-- -->2` reads as 12 in one program and as 1 in another
    if (this.#here?.leaf) this.#refuse('forbidden', `a comment in the value of ${this.#here.path}`)
  }

  #node(): void {
    this.#nodes += 1
    if (this.#nodes > maxNodes) this.#refuse('over-limit', `more than ${maxNodes} elements, attributes and comments`)
  }

  #refuse(fault: FaultName, detail: string, offset?: number): never {
    return fail(fault, detail, { ...this.#where(), offset: offset ?? Math.max(0, this.#text.lastIndexOf('<', this.#parser.position - 1)) })
  }

  /** The field at hand, or the element. */
  #where(): { field?: string } {
    const field = this.#here?.leaf?.field ?? this.#here?.path
    return field === undefined ? {} : { field }
  }
}

/**
 * Whether a declared encoding may stand over bytes of the agreed charset. GB2312, GBK and GB18030 count as one family: each contains the
 * former, banks write the three labels over the same bytes, and the bytes are read by the agreed charset alone, which refuses what it lacks.
 */
const agrees = (label: string, charset: CharsetName): boolean => {
  const family = charset === 'utf-8' ? ['utf-8'] : ['gb2312', 'gbk', 'gb18030']
  return family.includes(label.toLowerCase())
}

const blank = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
const isBlank = (text: string): boolean => {
  for (let i = 0; i < text.length; i++) if (!blank(text.charCodeAt(i))) return false
  return true
}
/** Without the ASCII blanks and line ends at its ends: banks pad values and break lines. U+3000 is no padding and stays. */
const trimmed = (text: string): string => {
  let start = 0
  let end = text.length
  while (start < end && blank(text.charCodeAt(start))) start++
  while (end > start && blank(text.charCodeAt(end - 1))) end--
  return end - start === text.length ? text : text.slice(start, end)
}

/**
 * Whether a document, given as one character a byte, has this root and, at their paths, these constants (paths to their bytes). Looks no
 * further than the last constant and knows nothing of the rest, so that a broken message is still recognised.
 */
export const constantsStand = (latin1: string, root: string, constants: ReadonlyMap<string, string>): boolean => {
  if (isPlain(latin1)) for (const constant of constants.values()) if (!latin1.includes(constant) && !/\s/.test(constant)) return false
  const parser = new SaxesParser({ xmlns: false })
  const paths: string[] = []
  const missing = new Set(constants.keys())
  let value = ''
  let answer: boolean | undefined
  const settle = (found: boolean): never => {
    answer = found
    throw settled
  }
  const compare = (path: string, text: string): void => {
    const constant = constants.get(path)
    if (constant === undefined) return
    if (trimmed(text) !== constant) settle(false)
    missing.delete(path)
    if (missing.size === 0) settle(true)
  }
  parser.on('opentagstart', ({ name }) => {
    if (paths.length >= maxDepth || (paths.length === 0 && name !== root)) settle(false)
    paths.push(paths.length === 0 ? name : `${paths.at(-1)}/${name}`)
    value = ''
    if (missing.size === 0) settle(true)
  })
  parser.on('attribute', ({ name, value: text }) => compare(`${paths.at(-1)}/@${name}`, text))
  parser.on('text', piece => {
    value += piece
  })
  parser.on('cdata', piece => {
    value += piece
  })
  parser.on('closetag', () => {
    compare(paths.pop()!, value)
    value = ''
  })
  try {
    parser.write(latin1).close()
  } catch {
    // settled, or not well-formed before all constants were seen
  }
  return answer ?? false
}

const settled = new Error('settled')
/** Whether every value stands in a document in one piece, as it is: nothing is a reference, a section, a comment or an instruction. */
const isPlain = (latin1: string): boolean => !latin1.includes('&') && !latin1.includes('<!') && !latin1.includes('<?', 2)

// ── Places to values ─────────────────────────────────────────────────────────────────────────────────────────────────

type Values = { readonly [name: string]: unknown }

/** The values of what was read. Throws a Fault whose offset is an index into the text. */
export const valuesOf = (scope: Scope, capture: Capture): Values => {
  const values: { [name: string]: unknown } = {}
  for (const { name, optional, check, leaf, textLeaf, group } of scope.plans) {
    if (group) {
      const list = capture.lists[group.place]!
      if (list.length > 0) values[name] = list.map((one, i) => checked(`${name}.${i}`, () => valuesOf(group.scope, one)))
      else if (!optional) fail('missing', `no element ${group.scope.root.path}`, { field: name })
    } else if (leaf) {
      const value = readLeaf(leaf, textLeaf, capture, check)
      if (value !== undefined) values[name] = value
    }
  }
  for (const place of scope.order) if ('id' in place && place.constant !== undefined) present(place, capture)
  return values
}

/** The value of a field with the bank's text, if that has a place; undefined where it is absent and may be. */
export const readLeaf = (leaf: Leaf, textLeaf: Leaf | undefined, capture: Capture, check: (value: unknown) => void): unknown => {
  const isResult = leaf.cell!.form === 'codes'
  // an empty result code is an unlisted one: its outcome is unknown, not a fault
  const text = isResult && capture.texts[leaf.id] === '' ? '' : present(leaf, capture)
  if (text === undefined) return undefined
  const bankText = textLeaf && present(textLeaf, capture)
  let at = leaf
  try {
    leaf.checkWidth?.(text)
    const read = leaf.cell!.form === 'date' ? dateOf(text) : leaf.cell!.read(text)
    if (!isResult) {
      check(read)
      return read
    }
    const code = presentable(read as Outcome)
    check(code)
    if (bankText === undefined) return code
    at = textLeaf!
    at.checkWidth?.(bankText)
    const whole = outcome(code.code, code.bankCode, textLeaf!.cell!.read(bankText) as string)
    check(whole)
    return whole
  } catch (error) {
    throw error instanceof Fault ? new Fault(error.fault, error.detail, { field: at.field, offset: capture.starts[at.id] }) : error
  }
}

/** `20260910` as `2026-09-10`; whether there is such a day is for the kind to say. */
const dateOf = (text: string): string => {
  if (!/^[0-9]{8}$/.test(text)) fail('not-a-date', 'yyyyMMdd expected')
  return `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}`
}

/** The text of a place; undefined where it is absent and may be. */
export const present = (leaf: Leaf, capture: Capture): string | undefined => {
  const text = capture.texts[leaf.id]
  if (text) return text
  if (leaf.optional) return undefined
  const at = { field: leaf.field, ...(text === undefined ? {} : { offset: capture.starts[leaf.id] }) }
  return fail('missing', `${leaf.path} is ${text === undefined ? 'absent' : 'empty'}`, at)
}

// The bank's own code travels along in at most 20 printable characters; one that cannot is unlisted, and must not become a fault.
const presentable = (read: Outcome): Outcome =>
  read.code === '99090' && !/^[\x21-\x7e]{1,20}$/.test(read.bankCode) ? outcome('99090', '?') : read

/** Runs `check`; a fault of it is placed in `field`. */
const checked = <T>(field: string, check: () => T): T => {
  try {
    return check()
  } catch (error) {
    throw error instanceof Fault ? error.within({ field }) : error
  }
}
