import type { Batch, HeaderOf } from '@taxlink/bank-sdk'
import { type FileFault, fileFault } from './file-fault.ts'
import type { FileName } from './file-name.ts'

// What a detail file must keep beside its layout, its trailer and its sums, which its reader sees to. Whoever reads one asks these rules again: what was
// checked once may have been changed since.

/** What stands in the first line. */
export type DetailHeader = HeaderOf<'detail'>
/** Lines of a detail file as its reader gives them. */
export type DetailBatch = Pick<Batch<'detail'>, 'count' | 'columns' | 'texts' | 'lineNo' | 'offset' | 'text'>
/** Lines, and fen of debits with supplementary debits and of reversals with adjustments. */
export type DetailSums = { readonly count: number; readonly debitSum: number; readonly creditSum: number }
/** What is known of a file before it is opened: its name, how long it is, the work date of its session where there is one, and today. */
export type Expected = { readonly name: FileName; readonly bytes: number; readonly workDate?: string; readonly today: string }

/** The most lines of a session's file, all chunks together. */
export const mostLines = 20_000_000
/** No layout writes a line in less. */
const leastLine = 32
const atHeader = { line: 1, byte: 0 } as const

/** What is wrong with a header. */
export const headerFault = (header: DetailHeader, { name, workDate }: Expected): FileFault | undefined => {
  if (header.bankCode !== name.bankCode) return fileFault('header-bank', atHeader)
  if (header.accountingDate !== name.accountingDate) return fileFault('header-date', atHeader)
  if (header.session !== name.session) return fileFault('header-session', atHeader)
  if (header.chunk !== name.chunk || header.chunk > header.chunks) return fileFault('header-chunk', atHeader)
  if (workDate !== undefined && header.workDate !== workDate) return fileFault('header-work-date', atHeader)
  return header.fileCount > mostLines ? fileFault('too-large', { ...atHeader, detail: `${mostLines} lines` }) : undefined
}

/** The serial numbers of a file or of all its chunks, in four bytes each. */
export type Serials = {
  /**
   * Adds the one that stands in bytes[start, end), and tells whether it was there. A yes may be a chance likeness, one in many million million: it is
   * looked up. A no is a no.
   */
  add(bytes: Uint8Array, start: number, end: number): boolean
}

/** Room for this many serial numbers. */
export const openSerials = (most: number): Serials => {
  const bits = Math.max(10, Math.ceil(Math.log2(Math.max(1, Math.min(most, mostLines)) * 1.5)))
  const [table, mask] = [new Uint32Array(2 ** bits), 2 ** bits - 1]
  return {
    add: (bytes, start, end) => {
      let [a, b] = [0x811c9dc5, 0x9747b28c]
      for (let i = start; i < end; i++) {
        const byte = bytes[i]!
        a = Math.imul(a ^ byte, 0x01000193)
        b = Math.imul(b ^ byte, 0x5bd1e995)
        b ^= b >>> 15
      }
      // The place is of one hash and the mark of the other; nought is an empty place.
      const mark = (b ^ (b >>> 13)) >>> 0 || 1
      for (let at = (a ^ (a >>> 15)) & mask; ; at = (at + 1) & mask) {
        if (table[at] === mark) return true
        if (table[at] === 0) {
          table[at] = mark
          return false
        }
      }
    },
  }
}

/** How many serial numbers the file of this header can have at most. */
export const mostSerials = ({ fileCount }: DetailHeader, bytes: number): number => Math.min(fileCount, Math.ceil(bytes / leastLine)) + 1

/** Checks a file batch by batch as it is read. */
export type DetailCheck = {
  /** The first thing that is wrong with these lines. */
  batch(lines: DetailBatch): FileFault | undefined
  /** Serial numbers that seem to stand twice, to be looked up in a second reading. */
  readonly suspects: ReadonlySet<string>
}

const dayNumber = (date: string): number => Number(date.replaceAll('-', ''))

/** Begins the check of a file whose header is good; `serials` are those of all its chunks, where it is read after others. */
export const openDetailCheck = (
  header: DetailHeader,
  { bytes, today }: Pick<Expected, 'bytes' | 'today'>,
  serials: Serials = openSerials(mostSerials(header, bytes)),
): DetailCheck => {
  const day = dayNumber(header.accountingDate)
  const last = Math.max(day, dayNumber(today))
  const suspects = new Set<string>()
  let count = 0
  return {
    suspects,
    batch: lines => {
      const { accountingDate, entrustDate, bankSerial } = lines.columns
      if (!accountingDate || !entrustDate || !bankSerial) throw new Error('a line of a detail file has its dates and its serial number')
      const at = (i: number) => ({ line: lines.lineNo(i), byte: lines.offset(i) })
      for (let i = 0; i < lines.count; i++) {
        if (accountingDate.values[i] !== day) return fileFault('line-date', at(i))
        if (entrustDate.values[i]! > last) return fileFault('line-ahead', at(i))
        // More than its own header says are there: no table grows for them.
        if (++count > header.fileCount) return fileFault('whole-differs', at(i))
        if (serials.add(lines.texts, bankSerial.starts[i]!, bankSerial.ends[i]!)) suspects.add(lines.text(bankSerial, i))
      }
      return undefined
    },
  }
}

/** What is wrong with all chunks together: their headers say the same whole, and they come to it. */
export const wholeFault = (
  chunks: readonly DetailSums[],
  { fileCount, fileDebitSum, fileCreditSum }: Pick<DetailHeader, 'fileCount' | 'fileDebitSum' | 'fileCreditSum'>,
): FileFault | undefined => {
  const sum = (of: (each: DetailSums) => number) => chunks.reduce((total, each) => total + BigInt(of(each)), 0n)
  return sum(each => each.count) === BigInt(fileCount) &&
    sum(each => each.debitSum) === BigInt(fileDebitSum) &&
    sum(each => each.creditSum) === BigInt(fileCreditSum)
    ? undefined
    : fileFault('whole-differs')
}
