import { Fault, fail } from './fault.ts'
import type { TcpLine } from './line-terms.ts'

/** Leader, length and body in one piece; Fault frame-too-large if digits or maxBytes cannot hold it, bad-frame if it is empty. */
export const frame = (line: TcpLine, body: Uint8Array): Uint8Array => {
  if (body.length === 0) fail('bad-frame', 'a frame has at least one byte', {}, 'no')
  if (body.length > line.maxBytes) fail('frame-too-large', `the body has ${body.length} bytes, the line takes ${line.maxBytes}`, {}, 'no')
  const written = String(line.countsItself ? body.length + line.digits : body.length)
  if (written.length > line.digits) fail('frame-too-large', `${body.length} bytes do not fit ${line.digits} digits`, {}, 'no')
  const length = line.align === 'right' ? written.padStart(line.digits, line.pad) : written.padEnd(line.digits, line.pad)
  const at = line.leader.length
  const whole = Buffer.allocUnsafe(at + line.digits + body.length)
  whole.set(line.leader)
  for (let i = 0; i < line.digits; i++) whole[at + i] = length.charCodeAt(i)
  whole.set(body, at + line.digits)
  return whole
}

const none = new Uint8Array()

/**
 * Bytes that arrive in pieces of any size. It holds at most twice what has arrived and never more than `most`, so that a lying length
 * costs nothing, and neither do a million pieces of one byte.
 */
export class Pile {
  readonly most: number
  #held = none
  #size = 0

  constructor(most: number) {
    this.most = most
  }

  get size(): number {
    return this.#size
  }

  /** Bytes of memory taken, including room not used yet. */
  get room(): number {
    return this.#held.length
  }

  /** Copies the bytes in; false, and nothing kept, when they would be more than `most`. */
  add(bytes: Uint8Array): boolean {
    const size = this.#size + bytes.length
    if (size > this.most) return false
    if (size > this.#held.length) {
      const wider = new Uint8Array(Math.min(this.most, Math.max(size, 2 * this.#held.length, 256)))
      wider.set(this.#held.subarray(0, this.#size))
      this.#held = wider
    }
    this.#held.set(bytes, this.#size)
    this.#size = size
    return true
  }

  /** Everything added so far, in a buffer of its own; the pile is empty afterwards. */
  take(): Uint8Array {
    const all = this.#held.length === this.#size ? this.#held : this.#held.slice(0, this.#size)
    this.#held = none
    this.#size = 0
    return all
  }
}

const zero = 0x30
const nine = 0x39
const space = 0x20

/** Reads the length header byte by byte, so that the first wrong byte is refused when it arrives and not when the header is full. */
class Header {
  readonly #line: TcpLine
  readonly #size: number
  #at = 0
  #length = 0
  #digits = 0
  #padded = false

  constructor(line: TcpLine) {
    this.#line = line
    this.#size = line.leader.length + line.digits
  }

  /** Bytes of a whole header, its leader included. */
  get size(): number {
    return this.#size
  }

  /** Bytes taken of the header that is being read. */
  get held(): number {
    return this.#at
  }

  /** Takes one byte, `offset` bytes into the stream; the length of the body after the last one, before that undefined. */
  take(byte: number, offset: number): number | undefined {
    if (this.#at < this.#line.leader.length) {
      if (byte !== this.#line.leader[this.#at]) fail('bad-frame', 'the frame does not start with the leader', { offset, width: 1 })
    } else this.#digit(byte, offset)
    this.#at += 1
    if (this.#at < this.#size) return undefined
    const body = this.#body(offset - this.#line.digits + 1)
    this.#at = this.#length = this.#digits = 0
    this.#padded = false
    return body
  }

  #digit(byte: number, offset: number): void {
    const { pad, align } = this.#line
    if (byte >= zero && byte <= nine) {
      if (this.#padded && align === 'left') fail('bad-frame', 'a digit after the padding of the length', { offset, width: 1 })
      if (pad === ' ' && byte === zero && this.#digits === 0)
        fail('bad-frame', 'a leading zero in a length padded with spaces', { offset, width: 1 })
      this.#length = this.#length * 10 + (byte - zero)
      this.#digits += 1
    } else if (byte === space && pad === ' ') {
      if (align === 'left' ? this.#digits === 0 : this.#digits > 0)
        fail('bad-frame', 'a space on the wrong side of the length', { offset, width: 1 })
      this.#padded = true
    } else fail('bad-frame', 'a byte of the length is not an ASCII digit', { offset, width: 1 })
  }

  #body(offset: number): number {
    const { digits, countsItself, maxBytes } = this.#line
    const at = { offset, width: digits }
    if (this.#digits === 0) fail('bad-frame', 'the length is blank', at)
    const body = countsItself ? this.#length - digits : this.#length
    if (body < 0) fail('bad-frame', `the length is less than the ${digits} bytes it counts of itself`, at)
    if (body === 0) fail('bad-frame', 'the frame is empty', at)
    // not how many: out of step, these digits may be those of an account
    if (body > maxBytes) fail('frame-too-large', `the frame announces more than the ${maxBytes} bytes the line takes`, at)
    return body
  }
}

/** Cuts a stream into the bodies of its frames, whatever the segments; each body is a copy, shared with nobody. */
export class Framer {
  readonly #header: Header
  readonly #emit: (body: Uint8Array) => void
  #body: Pile | undefined
  #offset = 0
  #broken: Fault | undefined

  constructor(line: TcpLine, emit: (body: Uint8Array) => void) {
    this.#header = new Header(line)
    this.#emit = emit
  }

  /** Bytes that have arrived of the frame that is not complete, its header included. */
  get pending(): number {
    return this.#body ? this.#header.size + this.#body.size : this.#header.held
  }

  /** Bytes of memory held; grows with what arrives, never with what a header announces. */
  get room(): number {
    return this.#header.held + (this.#body?.room ?? 0)
  }

  /** Takes the next bytes of the stream and emits the frames they complete; Fault bad-frame or frame-too-large, then for ever. */
  push(chunk: Uint8Array): void {
    if (this.#broken) throw this.#broken
    let at = 0
    while (at < chunk.length) at = this.#body ? this.#fill(this.#body, chunk, at) : this.#open(chunk, at)
    this.#offset += chunk.length
  }

  #open(chunk: Uint8Array, from: number): number {
    let at = from
    while (at < chunk.length) {
      const length = this.#length(chunk[at] ?? 0, this.#offset + at)
      at += 1
      if (length !== undefined) {
        this.#body = new Pile(length)
        break
      }
    }
    return at
  }

  #length(byte: number, offset: number): number | undefined {
    try {
      return this.#header.take(byte, offset)
    } catch (error) {
      // after a wrong header nobody knows where the next frame starts
      if (error instanceof Fault) this.#broken = error
      throw error
    }
  }

  #fill(body: Pile, chunk: Uint8Array, from: number): number {
    const to = Math.min(chunk.length, from + body.most - body.size)
    body.add(chunk.subarray(from, to))
    if (body.size === body.most) {
      this.#body = undefined
      this.#emit(body.take())
    }
    return to
  }
}
