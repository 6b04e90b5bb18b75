import { type DetailHeader, type DetailLines, type DetailPart, type DetailSums, textIn } from './detail-part.ts'
import { type FileFault, fileFault } from './file-fault.ts'
import type { FileName } from './file-name.ts'
import { dayNumber } from './fingerprint.ts'

// What a detail file must keep beside its layout, its trailer and its sums, which its reader sees to. Whoever reads one asks these rules again: what was
// checked once may have been changed since.

/**
 * What is known of a file before it is opened: its name (of its first chunk, where several are read), how long it is, and, where the file has just come,
 * today and the work dates it may name. Of a file that counts these are not asked again: what the bank was told since only adds to them.
 */
export type Expected = { readonly name: FileName; readonly bytes?: number; readonly workDates?: WorkDates; readonly today?: string }

/**
 * The work dates that the file of a session may name: the tax side's day, which follows from no other date in it. `told` are those that the bank was told, by
 * the session and by each request for its file; a bank that sends unasked names a day of its own, from the accounting date to `last`, on which the file came.
 */
export type WorkDates = { readonly told: readonly string[]; readonly last: string }
const isWorkDate = ({ workDate, accountingDate }: DetailHeader, { told, last }: WorkDates): boolean =>
  told.includes(workDate) || workDate === accountingDate || (workDate > accountingDate && workDate <= last)
const workDateFault = ({ told, last }: WorkDates): FileFault =>
  fileFault('header-work-date', { ...atHeader, detail: `told: ${told.join(', ') || 'none yet'}; unasked: the accounting date to ${last}` })

/** The most lines of a session's file, all chunks together. */
export const mostLines = 20_000_000
/** No layout writes a line in less. */
const leastLine = 32
const atHeader = { line: 1, byte: 0 } as const

/** What is wrong with a header. */
export const headerFault = (header: DetailHeader, { name, workDates }: Pick<Expected, 'name' | 'workDates'>): FileFault | undefined => {
  if (header.bankCode !== name.bankCode) return fileFault('header-bank', atHeader)
  if (header.accountingDate !== name.accountingDate) return fileFault('header-date', atHeader)
  if (header.session !== name.session) return fileFault('header-session', atHeader)
  if (header.chunk !== name.chunk || header.chunk > header.chunks) return fileFault('header-chunk', atHeader)
  if (workDates && !isWorkDate(header, workDates)) return workDateFault(workDates)
  return header.fileCount > mostLines ? fileFault('too-large', { ...atHeader, detail: `${mostLines} lines` }) : undefined
}

/** The serial numbers of a file or of all its chunks, in four bytes each. */
export type Serials = {
  /**
   * Adds those that stand in bytes[starts[i], ends[i]) for i below `count`, and tells of each that was there. A yes may be a chance likeness, one in many
   * million million: it is looked up. A no is a no.
   */
  add(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, count: number, there: (i: number) => void): void
  /** Gives the memory back at once; nothing is added any more. */
  close(): void
}

/** Hashed at once before they are looked up: the table is larger than any cache, and the processor waits for many of its places at the same time. */
const serialsAtOnce = 4_096

/** Room for this many serial numbers, and for no more. */
export const openSerials = (most: number): Serials => {
  const size = Math.max(1_024, Math.ceil(Math.min(most, mostLines) * 1.3))
  const table = new Uint32Array(size)
  const [places, marks] = [new Uint32Array(serialsAtOnce), new Uint32Array(serialsAtOnce)]
  const hashAt = (bytes: Uint8Array, start: number, end: number, to: number): void => {
    let [a, b] = [0x811c9dc5, 0x9747b28c]
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!
      a = Math.imul(a ^ byte, 0x01000193)
      b = Math.imul(b ^ byte, 0x5bd1e995)
      b ^= b >>> 15
    }
    a = Math.imul(a ^ (a >>> 16), 0x85ebca6b)
    a ^= a >>> 13
    // The place is of one hash and the mark of the other; nought is an empty place.
    places[to] = Math.floor((a >>> 0) * (size / 0x1_0000_0000))
    marks[to] = (b ^ (b >>> 13)) >>> 0 || 1
  }
  const isThere = (place: number, mark: number): boolean => {
    for (let at = place; ; at = at + 1 === size ? 0 : at + 1) {
      if (table[at] === mark) return true
      if (table[at] === 0) {
        table[at] = mark
        return false
      }
    }
  }
  return {
    close: () => void table.buffer.transfer(0),
    add: (bytes, starts, ends, count, there) => {
      for (let from = 0; from < count; from += serialsAtOnce) {
        const here = Math.min(serialsAtOnce, count - from)
        for (let i = 0; i < here; i++) hashAt(bytes, starts[from + i]!, ends[from + i]!, i)
        for (let i = 0; i < here; i++) if (isThere(places[i]!, marks[i]!)) there(from + i)
      }
    },
  }
}

/** How many serial numbers the file of this header can have at most. */
const mostSerials = ({ fileCount }: DetailHeader, bytes: number): number => Math.min(fileCount, Math.ceil(bytes / leastLine)) + 1

/** Checks a file part by part as it is read: by itself, or all its chunks one after the other. */
export type DetailCheck = {
  /** The first thing that is wrong with this part. */
  take(part: DetailPart): FileFault | undefined
  /** What is wrong with the chunks together, after the last of them. */
  end(): FileFault | undefined
  /** Serial numbers that seem to stand twice, to be looked up in a second reading. */
  readonly suspects: ReadonlySet<string>
}

/** Begins the check of a file. */
export const openDetailCheck = ({ name, bytes = Number.POSITIVE_INFINITY, workDates, today }: Expected): DetailCheck => {
  const day = dayNumber(name.accountingDate)
  const last = today === undefined ? Number.POSITIVE_INFINITY : Math.max(day, dayNumber(today))
  const suspects = new Set<string>()
  const trailers: DetailSums[] = []
  let head: DetailHeader | undefined
  let serials: Serials | undefined
  let { chunk } = name
  let count = 0
  const begin = (header: DetailHeader): FileFault | undefined => {
    const fault = headerFault(header, { name: { ...name, chunk }, ...(workDates ? { workDates } : {}) })
    if (fault) return fault
    if (head && wholeOf(head) !== wholeOf(header)) return fileFault('whole-differs', atHeader)
    chunk++
    head ??= header
    serials ??= openSerials(mostSerials(header, bytes))
    return undefined
  }
  const lines = (given: DetailLines): FileFault | undefined => {
    if (!head || !serials) throw new Error('lines come after a header')
    const { accountingDate, entrustDate, bankSerial } = given.columns
    const at = (i: number) => ({ line: given.lineNo(i), byte: given.offset(i) })
    for (let i = 0; i < given.count; i++) {
      if (accountingDate.values[i] !== day) return fileFault('line-date', at(i))
      if (entrustDate.values[i]! > last) return fileFault('line-ahead', at(i))
      // More than the first header says are there: no table grows for them.
      if (++count > head.fileCount) return fileFault('whole-differs', at(i))
    }
    serials.add(given.texts, bankSerial.starts, bankSerial.ends, given.count, i => suspects.add(textIn(given, 'bankSerial', i)))
    return undefined
  }
  return {
    suspects,
    take: part => {
      if (part.kind === 'header') return begin(part.header)
      if (part.kind === 'lines') return lines(part)
      trailers.push(part.trailer)
      return undefined
    },
    end: () => {
      serials?.close()
      serials = undefined
      return head && trailers.length === head.chunks ? wholeFault(trailers, head) : fileFault('whole-differs')
    },
  }
}

/** Looks suspects up in a second reading: what is wrong with the first that really stands twice. `place` names a line, in the file that is being read. */
export const openTwice = (
  suspects: ReadonlySet<string>,
): ((lines: DetailLines, place?: (line: number) => string) => FileFault | undefined) => {
  const first = new Map<string, string>()
  return (lines, place = line => `line ${line}`) => {
    for (let i = 0; i < lines.count; i++) {
      const serial = textIn(lines, 'bankSerial', i)
      if (!suspects.has(serial)) continue
      const line = lines.lineNo(i)
      const before = first.get(serial)
      if (before !== undefined)
        return fileFault('duplicate-serial', { line, byte: lines.offset(i), detail: `${place(line)}; first in ${before}` })
      first.set(serial, place(line))
    }
    return undefined
  }
}

type Whole = Pick<DetailHeader, 'fileCount' | 'fileDebitSum' | 'fileCreditSum'>
/** What a header says of the whole, as a text. */
const wholeOf = ({ workDate, chunks, fileCount, fileDebitSum, fileCreditSum }: DetailHeader): string =>
  `${workDate} ${chunks} ${fileCount} ${fileDebitSum} ${fileCreditSum}`

/** What is wrong with all chunks together: they come to the whole that their headers name. */
export const wholeFault = (chunks: readonly DetailSums[], { fileCount, fileDebitSum, fileCreditSum }: Whole): FileFault | undefined => {
  const sum = (of: (each: DetailSums) => number) => chunks.reduce((total, each) => total + BigInt(of(each)), 0n)
  return sum(each => each.count) === BigInt(fileCount) &&
    sum(each => each.debitSum) === BigInt(fileDebitSum) &&
    sum(each => each.creditSum) === BigInt(fileCreditSum)
    ? undefined
    : fileFault('whole-differs')
}
