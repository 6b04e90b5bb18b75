import type { Fields } from './kinds.ts'

// What lines of a file leave behind when nobody asks for objects: numbers, and places of bytes.

/** What one field says in the lines of a batch, line by line. */
export type Column = {
  /** A number: itself; a day: yyyyMMdd as a number; a word: its place in the list of the kind, from 0; -1: absent. Of a text: its length in bytes. */
  readonly values: Float64Array
  /** A text: its bytes are those from `starts[i]` to `ends[i]` of the batch's `texts`, in the charset of the file; none: absent. */
  readonly starts: Int32Array
  readonly ends: Int32Array
}
/** The columns of a batch by field. */
export type Columns = { readonly [field: string]: Column }
/** Reads lines into columns. */
export type LineScanner = {
  readonly columns: Columns
  /** Checks the line bytes[start, end) as `decode` does and fills row `i`. A Fault of it may leave its place open: `decode` finds it. */
  scan(bytes: Buffer, words: DataView, start: number, end: number, i: number): void
  /** Where the texts of the rows since the last `begin` lie, if not in the bytes that were scanned. */
  texts?(): Buffer
  begin?(): void
}
/** Columns with room for `rows` lines of a message; its lists have none. */
export const columnsOf = (fields: Fields, rows: number): Columns =>
  Object.fromEntries(
    Object.entries(fields).flatMap(([name, kind]) =>
      kind.fields ? [] : [[name, { values: new Float64Array(rows), starts: new Int32Array(rows), ends: new Int32Array(rows) }]],
    ),
  )

/** Row `i` of the column is absent. */
export const absent = (column: Column, i: number): void => {
  column.values[i] = -1
  column.starts[i] = 0
  column.ends[i] = 0
}
