import type { FileName, HeaderOf, LineOf, TrailerOf } from './catalogue.ts'
import type { Codec } from './cell.ts'

/** What a line of a file says once decoded: all but optional fields that the bank's lines do not carry. */
export type HeardLine<K extends FileName> = Partial<LineOf<K>> &
  Pick<LineOf<K>, { [F in keyof LineOf<K>]-?: object extends Pick<LineOf<K>, F> ? never : F }[keyof LineOf<K>]>

/** A file of a bank: a header, lines, a trailer, each line with its end. */
export type FileLayout<K extends FileName> = {
  readonly header: Codec<HeaderOf<K>>
  readonly line: Codec<LineOf<K>, HeardLine<K>>
  readonly trailer: Codec<TrailerOf<K>>
  /** What every line ends with, the last one, too. */
  readonly lineEnd: 'crlf' | 'lf'
  /** How the bank calls its files, with fields of the header: `DZMX_{bankCode}_{accountingDate}_{session:2}_{chunk:4}.txt`. */
  readonly called: string
}
