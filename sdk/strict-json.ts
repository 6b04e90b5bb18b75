import { charset } from './charset.ts'
import { Fault, fail } from './fault.ts'

/** How much a reader takes: bytes of the whole text, levels of nesting, values in all. */
export type JsonLimits = { readonly bytes?: number; readonly depth?: number; readonly nodes?: number }
/** Told of each value read: its pointer without the leading slash (`items/0/amount`), and where it begins and ends, in UTF-16 units. */
export type JsonVisit = (pointer: string, start: number, end: number) => void

/** The limits where none are given: 256 KiB, 16 levels, 2,000 values. */
export const jsonLimits = { bytes: 262_144, depth: 16, nodes: 2_000 } as const

/** A name from outside as an error may show it: a word with at most 5 digits. Anything else could be private data, and becomes `?`. */
export const shownName = (name: string): string =>
  /^(?=(?:[^0-9]*[0-9]){0,5}[^0-9]*$)[A-Za-z_][A-Za-z0-9_.:-]{0,39}$/.test(name) ? name : '?'

/**
 * Reads one JSON text (RFC 8259) from strict UTF-8 without a byte order mark. Refused, with byte offset: duplicate and `__proto__` keys,
 * numbers other than plain safe integers (`1.0`, `1e3`, `-0`, 2^53), lone surrogates, and whatever exceeds the limits.
 */
export const parseJson = (bytes: Uint8Array, limits: JsonLimits = jsonLimits): unknown => {
  const most = limits.bytes ?? jsonLimits.bytes
  if (bytes.length > most) fail('over-limit', `${bytes.length} bytes, at most ${most}`, { offset: most })
  return new Reader(utf8Text(bytes), limits).whole()
}

/** The text of bytes in UTF-8. A Fault invalid-bytes names the field, not the bytes: they may be part of somebody's name. */
export const utf8Text = (bytes: Uint8Array): string => {
  const utf8 = charset('utf-8')
  try {
    return utf8.decode(bytes)
  } catch (error) {
    if (!(error instanceof Fault)) throw error
    const field = openField(utf8.decode(bytes, 0, error.at.offset))
    throw new Fault(error.fault, 'no character of utf-8 begins here', { ...error.at, ...(field ? { field } : {}) })
  }
}

/** The pointer of the value in which a text breaks off. */
const openField = (text: string): string | undefined => {
  try {
    new Reader(text, { depth: 100, nodes: Number.MAX_SAFE_INTEGER }).whole()
  } catch (error) {
    if (error instanceof Fault) return error.at.field
    throw error
  }
  return undefined
}

/** The same for a text already decoded; offsets are those of its UTF-8 bytes. */
export const parseJsonText = (text: string, limits: JsonLimits = jsonLimits, visit?: JsonVisit): unknown => {
  const most = limits.bytes ?? jsonLimits.bytes
  if (text.length > most) fail('over-limit', `${text.length} characters, at most ${most} bytes`, { offset: most })
  const lone = text.isWellFormed() ? -1 : text.search(/\p{Surrogate}/u)
  if (lone >= 0) fail('malformed', 'a lone surrogate', { offset: Buffer.byteLength(text.slice(0, lone)) })
  return new Reader(text, limits, visit).whole()
}

const quote = 0x22
const backslash = 0x5c
const escapes: { readonly [letter: string]: string } = { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' }

/** One pass over one text, by recursive descent. */
class Reader {
  readonly #text: string
  readonly #depth: number
  readonly #nodes: number
  readonly #visit: JsonVisit | undefined
  readonly #path: (string | number)[] = []
  #at = 0
  #count = 0

  constructor(text: string, limits: JsonLimits, visit?: JsonVisit) {
    this.#text = text
    this.#depth = limits.depth ?? jsonLimits.depth
    this.#nodes = limits.nodes ?? jsonLimits.nodes
    this.#visit = visit
  }

  whole(): unknown {
    if (this.#text.charCodeAt(0) === 0xfeff) this.#refuse('malformed', 'a byte order mark', 0)
    const value = this.#value()
    this.#space()
    if (this.#at < this.#text.length) this.#refuse('malformed', 'something follows the value')
    return value
  }

  #value(): unknown {
    this.#space()
    const start = this.#at
    this.#count += 1
    if (this.#count > this.#nodes) this.#refuse('over-limit', `more than ${this.#nodes} values`)
    const value = this.#one(this.#text.charCodeAt(start))
    if (this.#visit) this.#visit(this.#pointer(), start, this.#at)
    return value
  }

  /** Where we are, as an error may show it: names are looked at only when somebody asks. */
  #pointer(): string {
    return this.#path.map(step => (typeof step === 'string' ? shownName(step) : step)).join('/')
  }

  #one(code: number): unknown {
    if (code === quote) return this.#string()
    if (code === 0x7b) return this.#object()
    if (code === 0x5b) return this.#array()
    if (code === 0x2d || isDigit(code)) return this.#number()
    if (code === 0x74) return this.#word('true', true)
    if (code === 0x66) return this.#word('false', false)
    if (code === 0x6e) return this.#word('null', null)
    return this.#refuse('malformed', Number.isNaN(code) ? 'the text ends where a value should stand' : 'no JSON value begins like this')
  }

  #object(): Record<string, unknown> {
    const object: Record<string, unknown> = {}
    this.#enter()
    if (this.#next() === 0x7d) {
      this.#at += 1
      return object
    }
    const depth = this.#path.length
    for (;;) {
      const start = this.#at
      if (this.#next() !== quote) this.#refuse('malformed', 'a name in double quotes expected')
      const name = this.#string()
      this.#path[depth] = name
      if (name === '__proto__') this.#refuse('unexpected', 'a reserved name', start)
      if (Object.hasOwn(object, name)) this.#refuse('duplicate', 'the name stands twice in one object', start)
      if (this.#next() !== 0x3a) this.#refuse('malformed', 'a colon expected')
      this.#at += 1
      object[name] = this.#value()
      if (this.#next() === 0x7d) break
      if (this.#text.charCodeAt(this.#at) !== 0x2c) this.#refuse('malformed', 'a comma or } expected')
      this.#at += 1
      this.#space()
    }
    this.#at += 1
    this.#path.pop()
    return object
  }

  #array(): unknown[] {
    const array: unknown[] = []
    this.#enter()
    if (this.#next() === 0x5d) {
      this.#at += 1
      return array
    }
    const depth = this.#path.length
    for (;;) {
      this.#path[depth] = array.length
      array.push(this.#value())
      if (this.#next() === 0x5d) break
      if (this.#text.charCodeAt(this.#at) !== 0x2c) this.#refuse('malformed', 'a comma or ] expected')
      this.#at += 1
    }
    this.#at += 1
    this.#path.pop()
    return array
  }

  #enter(): void {
    if (this.#path.length >= this.#depth) this.#refuse('over-limit', `nested deeper than ${this.#depth}`)
    this.#at += 1
  }

  #string(): string {
    const text = this.#text
    const start = this.#at + 1
    let at = start
    for (;;) {
      const code = text.charCodeAt(at)
      if (code === quote) {
        this.#at = at + 1
        return text.slice(start, at)
      }
      if (code === backslash) return this.#escaped(start, at)
      if (!(code >= 0x20)) this.#unended(at)
      at += 1
    }
  }

  #escaped(start: number, firstEscape: number): string {
    const text = this.#text
    let value = text.slice(start, firstEscape)
    let from = firstEscape
    let at = firstEscape
    for (;;) {
      const code = text.charCodeAt(at)
      if (code === backslash) {
        value += text.slice(from, at) + this.#escape(at)
        at = from = this.#at
      } else if (code === quote) {
        this.#at = at + 1
        value += text.slice(from, at)
        if (!value.isWellFormed()) this.#refuse('malformed', 'an escaped lone surrogate', start)
        return value
      } else if (!(code >= 0x20)) this.#unended(at)
      else at += 1
    }
  }

  #escape(at: number): string {
    const letter = this.#text.charAt(at + 1)
    if (letter === 'u') {
      const hex = this.#text.slice(at + 2, at + 6)
      if (!/^[0-9A-Fa-f]{4}$/.test(hex)) this.#refuse('malformed', 'four hexadecimal digits expected after \\u', at)
      this.#at = at + 6
      return String.fromCharCode(Number.parseInt(hex, 16))
    }
    this.#at = at + 2
    return Object.hasOwn(escapes, letter) ? escapes[letter]! : this.#refuse('malformed', 'no such escape', at)
  }

  #unended(at: number): never {
    return this.#refuse('malformed', at < this.#text.length ? 'a raw control character in a string' : 'the text ends inside a string', at)
  }

  #number(): number {
    const text = this.#text
    const start = this.#at
    const negative = text.charCodeAt(start) === 0x2d
    const first = negative ? start + 1 : start
    let at = first
    let value = 0
    for (let code = text.charCodeAt(at); isDigit(code); code = text.charCodeAt(++at)) value = value * 10 + (code - 0x30)
    const end = text.charCodeAt(at)
    const superfluous = text.charCodeAt(first) === 0x30 && (at > first + 1 || negative)
    if (at === first || superfluous || end === 0x2e || end === 0x65 || end === 0x45) {
      this.#refuse('not-a-number', 'a whole number in plain digits expected: no point, exponent, leading zero or -0', start)
    }
    if (!Number.isSafeInteger(value)) this.#refuse('not-a-number', 'a whole number beyond 2^53 - 1', start)
    this.#at = at
    return negative ? -value : value
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) this.#refuse('malformed', 'no JSON value begins like this')
    this.#at += word.length
    return value
  }

  #space(): void {
    const text = this.#text
    let at = this.#at
    for (let code = text.charCodeAt(at); code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09; ) code = text.charCodeAt(++at)
    this.#at = at
  }

  /** Skips white space; the code of what follows, NaN at the end. */
  #next(): number {
    const code = this.#text.charCodeAt(this.#at)
    if (code > 0x20) return code
    this.#space()
    return this.#text.charCodeAt(this.#at)
  }

  #refuse(fault: 'malformed' | 'not-a-number' | 'duplicate' | 'unexpected' | 'over-limit', detail: string, at = this.#at): never {
    const field = this.#pointer()
    return fail(fault, detail, { ...(field === '' ? {} : { field }), offset: Buffer.byteLength(this.#text.slice(0, at)) })
  }
}

const isDigit = (code: number): boolean => code >= 0x30 && code <= 0x39
