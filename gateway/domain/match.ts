import { type BookingVerb, bookingVerbs, markOf } from './booking.ts'
import { buckets, dayText, hashBytes, hashEntryBytes, hashed, hashKeyBytes, type PrintKey } from './fingerprint.ts'
import type { BankEntry } from './reconcile.ts'

// A bank's file against the ledger in constant memory. The census goes over the whole file: it checks all of it, adds up the fingerprints of its buckets
// and keeps a trace of each line. The sift goes over the lines again whose traces lead to buckets with other sums than the ledger's, and keeps only
// entries that the ledger does not have: what is left is compared field by field.

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
/** Lines of a detail file, read and checked one by one: `count` of them, their numbers in the file by `lineNo`, their texts in `texts`. */
export type DetailLines = {
  readonly count: number
  readonly lineNo: (i: number) => number
  readonly texts: Buffer
  readonly columns: { readonly [F in DetailField]: DetailColumn }
}
/** What the head of a file says. */
export type DetailHeader = {
  readonly bankCode: string
  readonly workDate: string
  readonly accountingDate: string
  readonly session: number
  readonly chunk: number
  readonly chunks: number
  readonly fileCount: number
  readonly fileDebitSum: number
  readonly fileCreditSum: number
}
/** What its end says. */
export type DetailTrailer = { readonly count: number; readonly debitSum: number; readonly creditSum: number }
/** A part of a file, in its order: the head, lines in batches, the end. */
export type DetailPart =
  | { readonly kind: 'header'; readonly header: DetailHeader }
  | ({ readonly kind: 'lines' } & DetailLines)
  | { readonly kind: 'trailer'; readonly trailer: DetailTrailer }

/** Why a file is refused whole; nothing of it was used. */
export class FileRefused extends Error {
  readonly rule: string
  readonly line: number | undefined
  constructor(rule: string, words: string, line?: number) {
    super(line === undefined ? `${rule}: ${words}` : `${rule}: ${words} (line ${line})`)
    this.name = 'FileRefused'
    this.rule = rule
    this.line = line
  }
}

/** The bank day and session that the file must be of. */
export type Expected = { readonly bankCode: string; readonly accountingDate: string; readonly session: number }
/** Sums of entries by bucket: their number, and two sums modulo 2^32. */
export type BucketSums = { readonly entries: Int32Array; readonly low: Int32Array; readonly high: Int32Array }
/** Sums of nothing. */
export const noSums = (): BucketSums => ({
  entries: new Int32Array(buckets),
  low: new Int32Array(buckets),
  high: new Int32Array(buckets),
})

/** What the whole file comes to. */
export type Census = {
  readonly lines: number
  /** Lines that stand in the bank's books. */
  readonly standing: number
  readonly sums: BucketSums
  /** Cheap hashes of serials of the bank of which some may have come twice. */
  readonly suspects: ReadonlySet<number>
  /** By the number of a line what it may be wanted for, see `traceOf`. */
  readonly traces: Uint32Array
}

const [failed, reversed] = [1, 2]
const same = 0
const reversalVerb = bookingVerbs.indexOf('reversal')
/** What stands for «the bank calls it reversed» in a fingerprint: it is taken away again by the reversal that the file lists. */
const reversedMark = 9
/** The most entries a bank day may have: the census of more would not fit into its memory. */
export const mostLines = 20_000_000
const mostSuspects = 500_000

/** Bits of the filter for each serial: of a thousand serials less than one is suspected. */
const bitsEach = 16

/** A set of hashes that may say of one that it is in it though it is not, in 16 words a block: one line of the processor's cache. */
const openFilter = (expected: number) => {
  const blocks = Math.max(64, 2 ** Math.ceil(Math.log2((Math.min(expected, mostLines) * bitsEach) / 512)))
  const words = new Uint32Array(Math.min(blocks, 2 ** 20) * 16)
  const mask = words.length / 16 - 1
  /** Adds it; whether it seems to have been there before. */
  return (block: number, bits: number): boolean => {
    const base = (block & mask) * 16
    let known = true
    for (let i = 0; i < 4; i++) {
      // Nine bits choose a bit of the block; they overlap where there are not enough.
      const bit = (bits >>> (i * 7)) & 511
      const at = base + (bit >>> 5)
      const one = 1 << (bit & 31)
      if ((words[at]! & one) === 0) {
        known = false
        words[at]! |= one
      }
    }
    return known
  }
}

let serialLow = 0
let serialHigh = 0
/** Two cheap hashes of a text: enough to suspect, not to convict. */
const hashCheaply = (from: Uint8Array, start: number, end: number): void => {
  let a = 0x9e3779b9 | 0
  let b = 0x85ebca6b | 0
  for (let i = start; i < end; i++) {
    a = Math.imul(a ^ from[i]!, 0x01000193)
    b = Math.imul(b ^ from[i]!, 0x5bd1e995)
    b ^= b >>> 13
  }
  a ^= a >>> 15
  a = Math.imul(a, 0x2c1b3c6d)
  serialLow = a ^ (a >>> 12)
  b = Math.imul(b ^ (b >>> 16), 0x45d9f3b)
  serialHigh = b ^ (b >>> 15)
}
/** The two as one number that a Set holds. */
const serialName = (): number => (serialLow >>> 0) * 0x20_0000 + (serialHigh >>> 11)

/** The figures of a bucket side by side, because a bucket is somewhere else for every line: entries and both sums; the fourth stands empty. */
const openSums = (): Int32Array => new Int32Array(buckets * 4)
/** The same apart. */
const taken = (figures: Int32Array): BucketSums => {
  const sums = noSums()
  for (let i = 0; i < buckets; i++) {
    sums.entries[i] = figures[i * 4]!
    sums.low[i] = figures[i * 4 + 1]!
    sums.high[i] = figures[i * 4 + 2]!
  }
  return sums
}

/** What of a line is remembered: the bucket of its key, 15 bits of its serial at the bank, and whether it reverses another. */
const traceOf = (bucket: number, serial: number, reverses: boolean): number =>
  ((bucket << 16) | ((serial & 0x7fff) << 1) | (reverses ? 1 : 0)) >>> 0
/** Of so many lines there is a trace, 40 MB; those behind them are looked at again in any case. */
const mostTraces = 10_000_000
/** Room for the trace of each line; heads and ends of parts are lines, too, and the first is 1. */
const openTraces = ({ fileCount, chunks }: DetailHeader): Uint32Array => new Uint32Array(Math.min(fileCount + 2 * chunks + 1, mostTraces))

/** Names the lines that a sift has to see: those of the wanted buckets, those that may reverse one of them, those whose serial is suspected. */
export const wantedLines = (traces: Uint32Array, wanted: Uint8Array, suspects: ReadonlySet<number>): ((line: number) => boolean) => {
  const suspected = new Uint8Array(0x8000)
  for (const name of suspects) suspected[Math.floor(name / 0x20_0000) & 0x7fff] = 1
  return line => {
    if (line >= traces.length) return true
    const trace = traces[line]!
    return wanted[trace >>> 16] === 1 || (trace & 1) === 1 || suspected[(trace >>> 1) & 0x7fff] === 1
  }
}

/** Goes over the whole file once, part by part. Whoever reads it holds each part against its own trailer; here the parts are held against the whole. */
export const openCensus = (key: PrintKey, expected: Expected) => {
  const sums = openSums()
  const suspects = new Set<number>()
  let [lines, linesOfPart, debit, credit] = [0, 0, 0n, 0n]
  let head: DetailHeader | undefined
  let isOpen = false
  let standing = 0
  let seen: ReturnType<typeof openFilter> | undefined
  let traces: Uint32Array = new Uint32Array(0)
  const day = Number(expected.accountingDate.replaceAll('-', ''))

  const begin = (header: DetailHeader): void => {
    const refuse = (rule: string, words: string): never => {
      throw new FileRefused(rule, words)
    }
    if (isOpen) refuse('trailer-missing', 'a part begins before the one before it has ended')
    if (header.bankCode !== expected.bankCode) refuse('wrong-bank', `it is of bank ${header.bankCode}`)
    if (header.accountingDate !== expected.accountingDate) refuse('wrong-date', `it is of accounting date ${header.accountingDate}`)
    if (header.session !== expected.session) refuse('wrong-session', `it is of session ${header.session}`)
    if (header.chunk !== (head?.chunk ?? 0) + 1) refuse('wrong-chunk', `part ${header.chunk} after ${head?.chunk ?? 0}`)
    if (header.fileCount > mostLines) refuse('too-many-lines', `${header.fileCount} lines; a bank day has at most ${mostLines}`)
    const told = (h: DetailHeader) => `${h.workDate} ${h.chunks} ${h.fileCount} ${h.fileDebitSum} ${h.fileCreditSum}`
    if (head && told(head) !== told(header)) refuse('headers-differ', `part ${header.chunk} says otherwise than part 1 what the whole is`)
    head = header
    isOpen = true
    linesOfPart = 0
    if (seen) return
    seen = openFilter(header.fileCount)
    traces = openTraces(header)
  }
  const end = ({ count, debitSum, creditSum }: DetailTrailer): void => {
    if (!isOpen || linesOfPart !== count) throw new FileRefused('trailer-differs', `${linesOfPart} lines, not ${count}`)
    debit += BigInt(debitSum)
    credit += BigInt(creditSum)
    isOpen = false
  }
  const add = ({ count, lineNo, texts, columns }: DetailLines): void => {
    if (!isOpen || !head || !seen) throw new FileRefused('header-missing', 'lines without a header')
    lines += count
    linesOfPart += count
    if (lines > head.fileCount) throw new FileRefused('totals-differ', `more lines than the ${head.fileCount} of the header`, lineNo(0))
    const { officeCode: office, serialNo: serial, ticketNo: ticket, account, bankSerial } = columns
    const { entrustDate, verb, amount, status, coreStatus, accountingDate, originalEntrustDate, originalSerialNo } = columns
    for (let i = 0; i < count; i++) {
      if (accountingDate.values[i] !== day)
        throw new FileRefused('wrong-date', `a line of ${dayText(accountingDate.values[i]!)}`, lineNo(i))
      hashCheaply(texts, bankSerial.starts[i]!, bankSerial.ends[i]!)
      if (seen(serialLow, serialHigh)) {
        suspects.add(serialName())
        if (suspects.size > mostSuspects) throw new FileRefused('duplicate-serials', 'serials of the bank come again and again', lineNo(i))
      }
      hashKeyBytes(key, texts, entrustDate.values[i]!, office.starts[i]!, office.ends[i]!, serial.starts[i]!, serial.ends[i]!)
      // As whole numbers of 32 bits: larger ones would be objects when they are handed on.
      const keyLow = hashed.low | 0
      const keyHigh = hashed.high | 0
      const bucket = keyHigh >>> 16
      const state = status.values[i]!
      const reverses = verb.values[i] === reversalVerb && state !== failed && originalSerialNo.values[i]! > 0
      traces[lineNo(i)] = traceOf(bucket, serialLow, reverses)
      if (state === failed) continue
      standing++
      sums[bucket * 4]! += 1
      if (state === reversed) {
        // Left open unless a reversal of the file closes it.
        hashEntryBytes(key, keyLow, keyHigh, reversedMark, texts, 0, 0, 0, 0, 0)
        sums[bucket * 4 + 1]! += hashed.low
        sums[bucket * 4 + 2]! += hashed.high
      }
      if (reverses) {
        const original = originalEntrustDate.values[i]!
        hashKeyBytes(key, texts, original, office.starts[i]!, office.ends[i]!, originalSerialNo.starts[i]!, originalSerialNo.ends[i]!)
        const of = (hashed.high >>> 16) * 4
        hashEntryBytes(key, hashed.low, hashed.high, reversedMark, texts, 0, 0, 0, 0, 0)
        sums[of + 1]! -= hashed.low
        sums[of + 2]! -= hashed.high
      }
      // What the bank's own core does not have leaves a hole here, so that it is looked at.
      if (coreStatus.values[i]! > same) continue
      hashBytes(key, texts, account.starts[i]!, account.ends[i]!)
      const accountLow = hashed.low | 0
      const accountHigh = hashed.high | 0
      const mark = markOf[bookingVerbs[verb.values[i]!]!]
      hashEntryBytes(key, keyLow, keyHigh, mark, texts, ticket.starts[i]!, ticket.ends[i]!, amount.values[i]!, accountLow, accountHigh)
      sums[bucket * 4 + 1]! += hashed.low
      sums[bucket * 4 + 2]! += hashed.high
    }
  }
  return {
    take(given: DetailPart): void {
      if (given.kind === 'header') begin(given.header)
      else if (given.kind === 'lines') add(given)
      else end(given.trailer)
    },
    /** After the last part. */
    end(): Census {
      if (!head || isOpen) throw new FileRefused('trailer-missing', 'the file has no end')
      if (head.chunk !== head.chunks) throw new FileRefused('wrong-chunk', `${head.chunk} parts of ${head.chunks}`)
      if (lines !== head.fileCount) throw new FileRefused('totals-differ', `${lines} lines, not ${head.fileCount}`)
      const { fileDebitSum, fileCreditSum } = head
      if (debit !== BigInt(fileDebitSum)) throw new FileRefused('totals-differ', `debits of ${debit} fen, not ${fileDebitSum}`)
      if (credit !== BigInt(fileCreditSum)) throw new FileRefused('totals-differ', `credits of ${credit} fen, not ${fileCreditSum}`)
      return { lines, standing, sums: taken(sums), suspects, traces }
    },
  }
}

/** Buckets whose sums are not the ledger's. */
export const unequal = (ours: BucketSums, theirs: BucketSums): Uint8Array => {
  const found = new Uint8Array(buckets)
  for (let i = 0; i < buckets; i++)
    if (ours.entries[i] !== theirs.entries[i] || ours.low[i] !== theirs.low[i] || ours.high[i] !== theirs.high[i]) found[i] = 1
  return found
}

/** Fingerprints of the ledger's entries in some buckets, each as often as it was added, and with it the bucket of its entry and where that is found again, a number of 32 bits. */
export const openPrints = (room: number) => {
  const size = 2 ** Math.ceil(Math.log2(Math.max(16, room * 1.3)))
  const [lows, highs, places] = [new Uint32Array(size), new Uint32Array(size), new Uint32Array(size)]
  const [counts, bucketOf] = [new Uint8Array(size), new Uint16Array(size)]
  /** Of different entries with the same fingerprint: all but the first, by where it lies. */
  const others: (readonly [at: number, place: number])[] = []
  const find = (low: number, high: number): number => {
    let at = (low ^ (high >>> 7)) & (size - 1)
    while (counts[at] !== 0 && (lows[at] !== low || highs[at] !== high)) at = (at + 1) & (size - 1)
    return at
  }
  return {
    add(low: number, high: number, bucket: number, place: number): void {
      const at = find(low, high)
      // One too many is kept for one that was taken away: a place once used stays used.
      if (counts[at] === 0) {
        lows[at] = low
        highs[at] = high
        places[at] = place
        bucketOf[at] = bucket
        counts[at] = 2
        return
      }
      counts[at]! += 1
      others.push([at, place])
    },
    /** Takes one away; whether there was one. */
    take(low: number, high: number): boolean {
      const at = find(low, high)
      if (counts[at]! < 2) return false
      counts[at]! -= 1
      return true
    },
    /** How many of each bucket were not taken away, and where those are; the latter only where they are not more than `most`. */
    left(most: number): Crowd & { readonly places: readonly number[] | undefined } {
      const leftIn = new Int32Array(buckets)
      const found: number[] = []
      const see = (at: number, place: number): void => {
        if (counts[at]! < 2) return
        leftIn[bucketOf[at]!]! += 1
        if (found.length <= most) found.push(place)
      }
      for (let at = 0; at < size; at++) see(at, places[at]!)
      for (const [at, place] of others) see(at, place)
      return { leftIn, places: found.length > most ? undefined : found }
    },
  }
}
/** Such a collection. */
export type Prints = ReturnType<typeof openPrints>

/** What is left of a file: entries the ledger does not have as they are, and the keys that reversals in it give back. */
export type Left = { readonly bank: readonly BankEntry[]; readonly reversedAtBank: ReadonlySet<string> }
/** How many are left of each bucket, where there is no room for all of them: fewer buckets at a time. */
export type Crowd = { readonly leftIn: Int32Array }

const verbsOf: readonly BookingVerb[] = bookingVerbs
const states = ['booked', 'failed', 'reversed'] as const
const coreStates = ['same', 'missing', 'differs'] as const

/**
 * Goes over the file again, or over the lines that `wantedLines` names. `wanted` marks the buckets that are looked at, `prints` are the ledger's entries in
 * them: what is found there is taken away. Where more is left than there is room for it is only counted, to the end, so that the next time so many buckets
 * are looked at as there is room for. Also finds which serials of the bank really came twice, of those that were suspected.
 */
export const openSift = (key: PrintKey, wanted: Uint8Array, prints: Prints, suspects: ReadonlySet<number>, mostLeft: number) => {
  const left: BankEntry[] = []
  const leftIn = new Int32Array(buckets)
  let isCrowd = false
  const reversedAtBank = new Set<string>()
  const serials = new Map<string, number>()
  // Nearly every line is passed by with one look here.
  const suspected = new Uint8Array(65_536)
  for (const name of suspects) suspected[Math.floor(name / 0x20_0000) & 0xffff] = 1
  const text = ({ texts, columns }: DetailLines, field: DetailField, i: number): string =>
    texts.toString('latin1', columns[field].starts[i], columns[field].ends[i])
  const keep = (lines: DetailLines, i: number, state: number, accountLow: number, accountHigh: number): void => {
    if (left.length >= mostLeft) isCrowd = true
    if (isCrowd) {
      left.length = 0
      return
    }
    const { columns } = lines
    const digest = Buffer.alloc(8)
    digest.writeUInt32LE(accountLow, 0)
    digest.writeUInt32LE(accountHigh, 4)
    left.push({
      officeCode: text(lines, 'officeCode', i),
      entrustDate: dayText(columns.entrustDate.values[i]!),
      serialNo: text(lines, 'serialNo', i),
      verb: verbsOf[columns.verb.values[i]!]!,
      ticketNo: text(lines, 'ticketNo', i),
      amount: columns.amount.values[i]!,
      status: states[state]!,
      bankSerial: text(lines, 'bankSerial', i),
      coreStatus: coreStates[columns.coreStatus.values[i]!],
      accountDigest: digest.toString('hex'),
      lineNo: lines.lineNo(i),
    })
  }
  const suspect = (lines: DetailLines, i: number): void => {
    hashCheaply(lines.texts, lines.columns.bankSerial.starts[i]!, lines.columns.bankSerial.ends[i]!)
    if (suspected[serialLow & 0xffff] === 0 || !suspects.has(serialName())) return
    const serial = text(lines, 'bankSerial', i)
    const first = serials.get(serial)
    if (first !== undefined)
      throw new FileRefused('duplicate-serial', `serial ${serial} of the bank stands in line ${first} already`, lines.lineNo(i))
    serials.set(serial, lines.lineNo(i))
  }
  return {
    take(lines: DetailLines): void {
      const { count, texts, columns } = lines
      const { officeCode: office, serialNo: serial, ticketNo: ticket, account } = columns
      const { entrustDate, verb, amount, status, coreStatus, originalEntrustDate, originalSerialNo } = columns
      for (let i = 0; i < count; i++) {
        if (suspects.size > 0) suspect(lines, i)
        const state = status.values[i]!
        if (verb.values[i] === reversalVerb && state !== failed && originalSerialNo.values[i]! > 0) {
          const original = originalEntrustDate.values[i]!
          hashKeyBytes(key, texts, original, office.starts[i]!, office.ends[i]!, originalSerialNo.starts[i]!, originalSerialNo.ends[i]!)
          if (wanted[hashed.high >>> 16] === 1)
            reversedAtBank.add(`${text(lines, 'officeCode', i)}/${dayText(original)}/${text(lines, 'originalSerialNo', i)}`)
        }
        hashKeyBytes(key, texts, entrustDate.values[i]!, office.starts[i]!, office.ends[i]!, serial.starts[i]!, serial.ends[i]!)
        const { low: keyLow, high: keyHigh } = hashed
        if (wanted[keyHigh >>> 16] !== 1) continue
        hashBytes(key, texts, account.starts[i]!, account.ends[i]!)
        const { low: accountLow, high: accountHigh } = hashed
        if (state === 0 && coreStatus.values[i]! <= same) {
          const mark = markOf[verbsOf[verb.values[i]!]!]
          hashEntryBytes(key, keyLow, keyHigh, mark, texts, ticket.starts[i]!, ticket.ends[i]!, amount.values[i]!, accountLow, accountHigh)
          if (prints.take(hashed.low, hashed.high)) continue
        }
        leftIn[keyHigh >>> 16]! += 1
        keep(lines, i, state, accountLow, accountHigh)
      }
    },
    end: (): Left | Crowd => (isCrowd ? { leftIn } : { bank: left, reversedAtBank }),
  }
}
