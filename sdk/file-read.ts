import { type FileName, files, type HeaderOf, type TrailerOf } from './catalogue.ts'
import type { Codec } from './cell.ts'
import type { Column, Columns, LineScanner } from './columns.ts'
import { Fault, fail, type Place } from './fault.ts'
import type { FileLayout, HeardLine } from './file-layout.ts'
import { FileSums } from './file-sums.ts'

/** The bytes of a file in pieces of any size, as a stream or an upload gives them. */
export type Chunks = Iterable<Uint8Array> | AsyncIterable<Uint8Array>
export type ReadOptions = {
  /** The most lines of a batch. */
  readonly rows?: number
  /** The longest line in bytes. */
  readonly maxLine?: number
}
/** Lines that have been read and checked. Valid until the next batch is asked for. */
export type Batch<K extends FileName> = {
  readonly count: number
  /** Each field of the lines; lists have no column. */
  readonly columns: Columns
  /** Where the texts of the columns lie. */
  readonly texts: Buffer
  /** The number of a line in the file, from 1; the header is the first. */
  lineNo(i: number): number
  /** Where a line begins, in bytes from the start of the file. */
  offset(i: number): number
  /** The bytes of a line, without its end. */
  bytes(i: number): Buffer
  /** A line decoded: an object is made only of what is asked for. */
  line(i: number): HeardLine<K>
  /** The text of a column in a line that is ASCII; '' where it is absent. */
  text(column: Column, i: number): string
}
/** A file being read. */
export type FileReading<K extends FileName> = {
  readonly header: HeaderOf<K>
  /** The lines, once. What is wrong with the file is found on the way: only after the last batch is it known to be whole. */
  batches(): AsyncGenerator<Batch<K>>
  /**
   * Instead of all lines those whose numbers are wanted, once, for a file that was read as a whole before: no other line is decoded, and neither sums
   * nor the trailer are checked again.
   */
  some(isWanted: (line: number) => boolean): AsyncGenerator<Batch<K>>
  /** The trailer, once all batches have been read. */
  trailer(): TrailerOf<K>
  /** How many lines were gone over so far, header and trailer among them. */
  lines(): number
}

const bufferBytes = 262_144
const lf = 0x0a
const cr = 0x0d

/** Reads a file: see `FileCodec`. */
export const readFile = async <K extends FileName>(
  name: K,
  layout: FileLayout<K>,
  chunks: Chunks,
  { rows = 4_096, maxLine = 65_536 }: ReadOptions,
): Promise<FileReading<K>> => {
  const reader = new FileReader(name, layout, new Intake(chunks, Math.max(bufferBytes, 2 * maxLine)), rows, maxLine)
  const header = await reader.readHeader()
  return {
    header,
    batches: () => reader.batches(),
    some: isWanted => reader.some(isWanted),
    trailer: () => reader.trailer(),
    lines: () => reader.lines(),
  }
}

/** The bytes of a file, a window of them at a time. */
class Intake {
  readonly bytes: Buffer
  readonly words: DataView
  /** The window is bytes[pos, filled); `base` is where bytes[0] stands in the file. */
  pos = 0
  filled = 0
  base = 0
  readonly #chunks: Iterator<Uint8Array> | AsyncIterator<Uint8Array>
  #chunk: Uint8Array = new Uint8Array(0)
  #ended = false

  constructor(chunks: Chunks, size: number) {
    // Not from the shared pool: it is filled whole, again and again.
    this.bytes = Buffer.allocUnsafeSlow(size)
    this.words = new DataView(this.bytes.buffer, this.bytes.byteOffset, size)
    this.#chunks = Symbol.asyncIterator in chunks ? chunks[Symbol.asyncIterator]() : chunks[Symbol.iterator]()
  }

  /** Moves what is left to the front and fills the window; false where no byte came. */
  async fill(): Promise<boolean> {
    this.bytes.copyWithin(0, this.pos, this.filled)
    this.base += this.pos
    this.filled -= this.pos
    this.pos = 0
    const before = this.filled
    while (this.filled < this.bytes.length && !this.#ended) {
      if (this.#chunk.length === 0) {
        const { done, value } = await this.#chunks.next()
        this.#ended = done === true
        if (this.#ended) break
        this.#chunk = value as Uint8Array
      }
      const taken = this.#chunk.subarray(0, this.bytes.length - this.filled)
      this.bytes.set(taken, this.filled)
      this.filled += taken.length
      this.#chunk = this.#chunk.subarray(taken.length)
    }
    return this.filled > before
  }

  /** Gives up the rest. */
  async close(): Promise<void> {
    if (this.#ended) return
    this.#ended = true
    await this.#chunks.return?.()
  }
}

class FileReader<K extends FileName> {
  readonly #layout: FileLayout<K>
  readonly #intake: Intake
  readonly #rows: number
  readonly #maxLine: number
  readonly #crlf: boolean
  readonly #scanner: LineScanner
  readonly #sums: FileSums
  readonly #starts: Int32Array
  readonly #ends: Int32Array
  readonly #lines: Uint32Array
  readonly #ids: { readonly header: string; readonly line: string; readonly trailer: string }
  #line = 1
  #header: HeaderOf<K> | undefined
  #trailer: TrailerOf<K> | undefined
  #begun = false
  #whole = false

  constructor(name: K, layout: FileLayout<K>, intake: Intake, rows: number, maxLine: number) {
    this.#layout = layout
    this.#intake = intake
    this.#rows = rows
    this.#maxLine = maxLine
    this.#crlf = layout.lineEnd === 'crlf'
    this.#scanner = layout.line.scanner!(rows)
    this.#sums = new FileSums(name)
    this.#starts = new Int32Array(rows)
    this.#ends = new Int32Array(rows)
    this.#lines = new Uint32Array(rows)
    const { header, line, trailer } = files[name]
    this.#ids = { header: header.id, line: line.id, trailer: trailer.id }
  }

  async readHeader(): Promise<HeaderOf<K>> {
    const intake = this.#intake
    try {
      await intake.fill()
      this.#refuseMark()
      const message = this.#ids.header
      const end = this.#endOf(intake.pos, message)
      if (end < 0) return this.#cut(message, 'the file is empty')
      const header = this.#decode(this.#layout.header as Codec<HeaderOf<K>>, intake.pos, end)
      const { chunk, chunks } = header as { readonly chunk: number; readonly chunks: number }
      if (chunk > chunks) fail('bad-value', `part ${chunk} of ${chunks}`, { message, line: 1, offset: 0, field: 'chunk' })
      this.#header = header
      this.#next(end)
      return header
    } catch (error) {
      await intake.close()
      throw error
    }
  }

  async *batches(): AsyncGenerator<Batch<K>> {
    this.#begin()
    const intake = this.#intake
    try {
      while (!this.#trailer) {
        this.#scanner.begin?.()
        const count = this.#scanAll()
        if (count > 0) yield this.#batch(count)
        if (count === this.#rows || this.#trailer) continue
        if (!(await intake.fill())) this.#cut(this.#ids.trailer, 'the file has no trailer')
      }
      if (intake.pos === intake.filled) await intake.fill()
      if (intake.pos < intake.filled) fail('unexpected', 'something stands behind the trailer', this.#place('trailer', intake.pos))
      this.#whole = true
    } finally {
      await intake.close()
    }
  }

  async *some(isWanted: (line: number) => boolean): AsyncGenerator<Batch<K>> {
    this.#begin()
    const intake = this.#intake
    try {
      for (;;) {
        this.#scanner.begin?.()
        const count = this.#scanWanted(isWanted)
        if (count > 0) yield this.#batch(count)
        if (count < this.#rows && !(await intake.fill())) return
      }
    } finally {
      await intake.close()
    }
  }

  lines(): number {
    return this.#line - 1
  }

  #begin(): void {
    if (this.#begun) throw new Error('the lines of a file are read once')
    this.#begun = true
  }

  trailer(): TrailerOf<K> {
    if (!this.#trailer || !this.#whole) throw new Error('the file has not been read to its end')
    return this.#trailer
  }

  /** Scans whole lines of the window, at most so many as a batch has; returns how many. Stops at the trailer. */
  #scanAll(): number {
    const { bytes, words } = this.#intake
    const scanner = this.#scanner
    const { verb, amount } = scanner.columns as { readonly verb: Column; readonly amount: Column }
    const { lanes } = this.#sums
    let i = 0
    for (; i < this.#rows; i++) {
      const start = this.#intake.pos
      const end = this.#endOf(start, this.#ids.line)
      if (end < 0) return i
      try {
        scanner.scan(bytes, words, start, end, i)
      } catch (error) {
        if (!this.#layout.trailer.matches(bytes.subarray(start, end))) throw this.#blame(error, start, end)
        this.#takeTrailer(start, end)
        return i
      }
      this.#keep(start, end, i)
      this.#sums.addTo(lanes[verb.values[i]!]!, amount.values[i]!, this.#line)
      this.#next(end)
    }
    return i
  }

  /** Goes over whole lines of the window and scans those that are wanted, at most so many as a batch has; returns how many. */
  #scanWanted(isWanted: (line: number) => boolean): number {
    const { bytes, words } = this.#intake
    let i = 0
    while (i < this.#rows) {
      const start = this.#intake.pos
      const end = this.#endOf(start, this.#ids.line)
      if (end < 0) return i
      if (isWanted(this.#line)) {
        try {
          this.#scanner.scan(bytes, words, start, end, i)
          this.#keep(start, end, i++)
        } catch (error) {
          // Whoever wants lines by their numbers may name the trailer's: it is none.
          if (!this.#layout.trailer.matches(bytes.subarray(start, end))) throw this.#blame(error, start, end)
        }
      }
      this.#next(end)
    }
    return i
  }

  /** Where row `i` of the batch stands. */
  #keep(start: number, end: number, i: number): void {
    this.#starts[i] = start
    this.#ends[i] = end
    this.#lines[i] = this.#line
  }

  #takeTrailer(start: number, end: number): void {
    const trailer = this.#decode(this.#layout.trailer as Codec<TrailerOf<K>>, start, end)
    const place = this.#place('trailer', start)
    this.#sums.checkTrailer(trailer as { readonly [field: string]: unknown }, place)
    this.#sums.checkHeader(this.#header as { readonly [field: string]: unknown }, 1)
    this.#trailer = trailer
    this.#next(end)
  }

  /** Where the line that begins at `start` ends; -1: not in the window. */
  #endOf(start: number, message: string): number {
    const { bytes, filled } = this.#intake
    const { width } = this.#layout.line
    // Lines of fixed width are not searched.
    if (width !== undefined && this.#endsAt(start + width)) return start + width
    const found = bytes.indexOf(lf, start)
    const place = (offset: number): Place => ({ message, line: this.#line, offset: this.#intake.base + offset })
    if (found < 0 || found >= filled) {
      if (filled - start > this.#maxLine) fail('over-limit', `a line of more than ${this.#maxLine} bytes`, place(start))
      return -1
    }
    if (found - start > this.#maxLine) fail('over-limit', `a line of ${found - start} bytes, at most ${this.#maxLine}`, place(start))
    const hasCr = found > start && bytes[found - 1] === cr
    if (hasCr !== this.#crlf)
      fail(
        'line-end',
        this.#crlf ? 'CR LF is agreed, this line has LF alone' : 'LF is agreed, this line has CR LF',
        place(hasCr ? found - 1 : found),
      )
    return this.#crlf ? found - 1 : found
  }

  #endsAt(end: number): boolean {
    const { bytes, filled } = this.#intake
    return this.#crlf ? end + 1 < filled && bytes[end] === cr && bytes[end + 1] === lf : end < filled && bytes[end] === lf
  }

  #next(end: number): void {
    this.#intake.pos = end + (this.#crlf ? 2 : 1)
    this.#line++
  }

  #place(of: 'header' | 'line' | 'trailer', start: number): Place {
    return { message: this.#ids[of], line: this.#line, offset: this.#intake.base + start }
  }

  /** A line by its codec; a fault has its line, and its byte from the start of the file. */
  #decode<V>(codec: Codec<V>, start: number, end: number): V {
    try {
      return codec.decode(this.#intake.bytes.subarray(start, end))
    } catch (error) {
      throw error instanceof Fault ? this.#within(error, start) : error
    }
  }

  #within(error: Fault, start: number): Fault {
    const { at, fault, detail } = error
    return new Fault(fault, detail, { ...at, line: this.#line, offset: this.#intake.base + start + (at.offset ?? 0) })
  }

  /** The fault of a line with its place, found by decoding it: the scanner does not keep count of where it is. */
  #blame(error: unknown, start: number, end: number): unknown {
    if (!(error instanceof Fault)) return error
    try {
      this.#layout.line.decode(this.#intake.bytes.subarray(start, end))
    } catch (found) {
      return found instanceof Fault ? this.#within(found, start) : found
    }
    return this.#within(error.within({ message: this.#ids.line }), start)
  }

  /** The bytes are over: a line without its end, or none at all where one is needed. */
  #cut(message: string, otherwise: string): never {
    const { pos, filled, base } = this.#intake
    const place = { message, line: this.#line, offset: base + filled }
    return pos < filled ? fail('line-end', 'the last line has no end: the file is cut', place) : fail('missing', otherwise, place)
  }

  #refuseMark(): void {
    const { bytes, filled } = this.#intake
    const start = bytes.toString('latin1', 0, Math.min(3, filled))
    if (start.startsWith('\xef\xbb\xbf') || start.startsWith('\xfe\xff') || start.startsWith('\xff\xfe'))
      fail('unexpected', 'a byte order mark', { message: this.#ids.header, line: 1, offset: 0 })
  }

  #batch(count: number): Batch<K> {
    const { bytes, base } = this.#intake
    const texts = this.#scanner.texts?.() ?? bytes
    const of = (i: number) => bytes.subarray(this.#starts[i], this.#ends[i])
    return {
      count,
      columns: this.#scanner.columns,
      texts,
      lineNo: i => this.#lines[i]!,
      offset: i => base + this.#starts[i]!,
      bytes: of,
      line: i => this.#layout.line.decode(of(i)),
      text: (column, i) => texts.toString('latin1', column.starts[i], column.ends[i]),
    }
  }
}
