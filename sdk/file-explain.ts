import type { FileName } from './catalogue.ts'
import type { Codec, Explained } from './cell.ts'
import type { FileLayout } from './file-layout.ts'

/** How many lines of a file are explained. */
const shown = 20

/** The fields of a file's header, its first lines and its trailer; each line is preceded by a row with its number. */
export const explainFile = <K extends FileName>(layout: FileLayout<K>, given: Uint8Array): Explained[] => {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.length)
  const rows: Explained[] = []
  const add = (start: number, line: number): number => {
    const found = bytes.indexOf(0x0a, start)
    const stop = found < 0 ? bytes.length : found
    const end = layout.lineEnd === 'crlf' && stop > start && bytes[stop - 1] === 0x0d ? stop - 1 : stop
    const own = bytes.subarray(start, end)
    const codec = codecOf(layout, own)
    const { zh, en } = codec.message
    rows.push({ offset: start, width: end - start, field: '', zh: `第 ${line} 行 ${zh}`, en: `line ${line}: ${en}`, text: '', hex: '' })
    for (const row of codec.explain(own)) rows.push({ ...row, offset: row.offset + start })
    return found < 0 ? bytes.length : found + 1
  }
  let at = 0
  for (let line = 1; line <= shown && at < bytes.length; line++) at = add(at, line)
  if (at < bytes.length) addLast(bytes, at, add)
  return rows
}

/** The last line of a longer file, with its number. */
const addLast = (bytes: Buffer, from: number, add: (start: number, line: number) => number): void => {
  let line = shown
  let start = from
  for (let at = from; at < bytes.length; ) {
    line++
    start = at
    const found = bytes.indexOf(0x0a, at)
    at = found < 0 ? bytes.length : found + 1
  }
  add(start, line)
}

const codecOf = <K extends FileName>({ header, line, trailer }: FileLayout<K>, bytes: Uint8Array): Codec<never, unknown> => {
  if (header.matches(bytes)) return header as Codec<never, unknown>
  return (trailer.matches(bytes) ? trailer : line) as Codec<never, unknown>
}
