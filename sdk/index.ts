// The one door of the SDK: everything a bank's programmer needs, and nothing of how it is done.

// A bank, its line, its two ends: what answers and what asks.
export * from './bank.ts'
// What is said: the messages, what their fields mean, the results, the faults.
export * from './catalogue.ts'
// How a bank writes it: cells, and the layouts that hold them.
export * from './cell.ts'
export { type Charset, type CharsetName, charset, unwritable } from './charset.ts'
export type { Column, Columns } from './columns.ts'
export * from './day-end.ts'
export { delimited, nested, type Separation } from './delimited.ts'
export { type DigestRow, openDigest } from './digest.ts'
export { document, elements } from './document.ts'
export { type Explanation, explain } from './explain.ts'
export * from './fault.ts'
export { type FileCodec, file } from './file.ts'
export type { FileLayout, HeardLine } from './file-layout.ts'
export type { FileNames, NamedHeader } from './file-name.ts'
export type { Batch, Chunks, FileReading, ReadOptions } from './file-read.ts'
export { json } from './json.ts'
export * from './kinds.ts'
export * from './line.ts'
export * from './outcomes.ts'
export * from './push.ts'
export { type RecordCodec, record, repeat } from './record.ts'
export * from './serve.ts'
export { type JsonLimits, parseJson, shownName } from './strict-json.ts'
