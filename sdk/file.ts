import { type FileName, files, type HeaderOf, type LineOf, type TrailerOf } from './catalogue.ts'
import type { Codec, Explained } from './cell.ts'
import { Fault, fail } from './fault.ts'
import { explainFile } from './file-explain.ts'
import type { FileLayout } from './file-layout.ts'
import { type FileNames, namesOf } from './file-name.ts'
import { type Chunks, type FileReading, type ReadOptions, readFile } from './file-read.ts'
import { FileSums } from './file-sums.ts'

/** A whole file in both directions, as a stream. */
export type FileCodec<K extends FileName> = FileLayout<K> &
  FileNames<K> & {
    readonly name: K
    /** Writes header, lines and the trailer that follows from them. A single part must keep what its header says of the whole. */
    write(header: HeaderOf<K>, lines: Iterable<LineOf<K>> | AsyncIterable<LineOf<K>>): AsyncGenerator<Buffer>
    /**
     * Reads the header, and then the lines in batches, in constant memory and as strictly as a message: what is wrong is a Fault with line
     * (the header is the first), byte from the start of the file, and field. Nothing of a file counts before all of it has been read.
     */
    read(chunks: Chunks, options?: ReadOptions): Promise<FileReading<K>>
    /** Whether these bytes begin such a file. */
    matches(bytes: Uint8Array): boolean
    /** The fields of header, trailer and the first lines, private ones masked. Never throws. */
    explain(bytes: Uint8Array): Explained[]
  }

/**
 * A whole file of a bank, declared once for writing and reading. Refuses to load where a line could be taken for a header or a trailer: each
 * begins with a fixed text of its own.
 */
export const file = <K extends FileName>(name: K, layout: FileLayout<K>): FileCodec<K> => {
  const parts = { header: layout.header, line: layout.line, trailer: layout.trailer }
  const marks = Object.entries(parts).map(([part, codec]) => {
    if (codec.message !== files[name][part as keyof typeof parts])
      fail('bad-declaration', `the ${part} of the file ${name} is a layout of ${codec.message.id}`)
    return markOf(codec as Codec<never, unknown>)
  })
  if (new Set(marks).size !== marks.length) fail('bad-declaration', `two kinds of lines of the file ${name} begin alike`)
  if (layout.line.describe().some(({ form }) => form === 'blank')) fail('bad-declaration', 'a line with filler could hide a line end')
  if (!layout.line.scanner) fail('bad-declaration', `a file cannot be made of lines in the layout ${layout.line.layout}`)
  return Object.freeze({
    ...layout,
    ...namesOf(name, layout.called),
    name,
    write: (header: HeaderOf<K>, lines: Iterable<LineOf<K>> | AsyncIterable<LineOf<K>>) => written(name, layout, header, lines),
    read: (chunks: Chunks, options: ReadOptions = {}) => readFile(name, layout, chunks, options),
    matches: (bytes: Uint8Array) => layout.header.matches(firstLine(bytes, layout.lineEnd)),
    explain: (bytes: Uint8Array) => explainFile(layout, bytes),
  })
}

/** What a kind of line begins with. */
const markOf = (codec: Codec<never, unknown>): string => {
  const [first] = codec.describe()
  if (codec.layout === 'json') return codec.message.id
  return first?.form.startsWith('constant ')
    ? first.form
    : fail('bad-declaration', `a line of ${codec.message.id} begins with a fixed text`)
}

/** The bytes of the first line, without its end. */
const firstLine = (bytes: Uint8Array, lineEnd: 'crlf' | 'lf'): Uint8Array => {
  const found = bytes.indexOf(0x0a)
  if (found < 0) return bytes
  return bytes.subarray(0, lineEnd === 'crlf' && bytes[found - 1] === 0x0d ? found - 1 : found)
}

const pieceBytes = 65_536

async function* written<K extends FileName>(
  name: K,
  layout: FileLayout<K>,
  header: HeaderOf<K>,
  lines: Iterable<LineOf<K>> | AsyncIterable<LineOf<K>>,
): AsyncGenerator<Buffer> {
  const sums = new FileSums(name)
  const end = Buffer.from(layout.lineEnd === 'crlf' ? '\r\n' : '\n')
  let pieces: Uint8Array[] = [layout.header.encode(header), end]
  let size = 0
  let line = 1
  for await (const value of lines) {
    line++
    const bytes = encoded(layout.line, value, line)
    sums.add(value, line)
    pieces.push(bytes, end)
    size += bytes.length + end.length
    if (size < pieceBytes) continue
    yield Buffer.concat(pieces)
    pieces = []
    size = 0
  }
  const trailer = sums.trailer() as TrailerOf<K>
  sums.checkHeader(header, line + 1)
  pieces.push(layout.trailer.encode(trailer), end)
  yield Buffer.concat(pieces)
}

const encoded = <V>(codec: Codec<V, unknown>, value: V, line: number): Uint8Array => {
  try {
    return codec.encode(value)
  } catch (error) {
    throw error instanceof Fault ? error.within({ line }) : error
  }
}
