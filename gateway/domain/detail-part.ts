import type { HeaderOf } from '@taxlink/bank-sdk'

// A bank's detail file as its readers see it: parts in their order, of one chunk or of several.

/** One field of a batch of lines: a number, or the place of a text; -1: absent. Words are their place in the list of the catalogue. */
export type DetailColumn = { readonly values: Float64Array; readonly starts: Int32Array; readonly ends: Int32Array }
/** The fields of a line that are looked at. */
export type DetailField =
  | 'officeCode'
  | 'entrustDate'
  | 'serialNo'
  | 'verb'
  | 'ticketNo'
  | 'account'
  | 'amount'
  | 'status'
  | 'bankSerial'
  | 'accountingDate'
  | 'originalEntrustDate'
  | 'originalSerialNo'
  | 'coreStatus'
/** Lines of a detail file, read and checked one by one: `count` of them, their numbers in the file, where in its chunk each begins, their texts in `texts`. */
export type DetailLines = {
  readonly count: number
  readonly lineNo: (i: number) => number
  readonly offset: (i: number) => number
  readonly texts: Buffer
  readonly columns: { readonly [F in DetailField]: DetailColumn }
}
/** What stands in the first line. */
export type DetailHeader = HeaderOf<'detail'>
/** Lines, and fen of debits with supplementary debits and of reversals with adjustments: what the last line says. */
export type DetailSums = { readonly count: number; readonly debitSum: number; readonly creditSum: number }
/** A part of a file, in its order: the head, lines in batches, the end. */
export type DetailPart =
  | { readonly kind: 'header'; readonly header: DetailHeader }
  | ({ readonly kind: 'lines' } & DetailLines)
  | { readonly kind: 'trailer'; readonly trailer: DetailSums }

/** The text of a field in a line; '' where it is absent. */
export const textIn = ({ texts, columns }: DetailLines, field: DetailField, i: number): string =>
  texts.toString('latin1', columns[field].starts[i], columns[field].ends[i])
