import { type BookingVerb, bookingVerbs, markOf } from './booking.ts'
import { type DetailHeader, type DetailLines, type DetailPart, textIn } from './detail-part.ts'
import { buckets, dayText, hashBytes, hashEntryBytes, hashed, hashKeyBytes, type PrintKey } from './fingerprint.ts'
import type { BankEntry } from './reconcile.ts'

// A bank's file against the ledger in constant memory. The census goes over the whole file, beside its check: it adds up the fingerprints of its buckets
// and keeps a trace of each line. The sift goes over the lines again whose traces lead to buckets with other sums than the ledger's, and keeps only
// entries that the ledger does not have: what is left is compared field by field.

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
  /** What of each line is remembered. */
  readonly traces: Traces
}

const [failed, reversed] = [1, 2]
const same = 0
const reversalVerb = bookingVerbs.indexOf('reversal')
/** What stands for «the bank calls it reversed» in a fingerprint: it is taken away again by the reversal that the file lists. */
const reversedMark = 9
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

/** What of a line is remembered, by its number: the bucket of its key, and in a bit whether it reverses another. */
export type Traces = { readonly bucketOf: Uint16Array; readonly reverses: Uint8Array }
/** Of so many lines there is a trace, 21 MB; those behind them are looked at again in any case. */
const mostTraces = 10_000_000
/** Room for the trace of each of so many lines. */
const openTraces = (lines: number): Traces => ({ bucketOf: new Uint16Array(lines), reverses: new Uint8Array((lines >>> 3) + 1) })
/** Heads and ends of parts are lines, too, and the first is 1. */
const linesOf = ({ fileCount, chunks }: DetailHeader): number => Math.min(fileCount + 2 * chunks + 1, mostTraces)

/** Names the lines that a sift has to see: those of the wanted buckets, and those that may reverse one of them. */
export const wantedLines =
  ({ bucketOf, reverses }: Traces, wanted: Uint8Array): ((line: number) => boolean) =>
  line =>
    line >= bucketOf.length || wanted[bucketOf[line]!] === 1 || ((reverses[line >>> 3]! >>> (line & 7)) & 1) === 1

/** Goes over the whole file once, part by part, beside its check: what it counts is believed only of a file with which nothing is wrong. */
export const openCensus = (key: PrintKey) => {
  const sums = openSums()
  let lines = 0
  let standing = 0
  let traces: Traces | undefined

  const add = ({ count, lineNo, texts, columns }: DetailLines, { bucketOf, reverses: bits }: Traces): void => {
    lines += count
    const { officeCode: office, serialNo: serial, ticketNo: ticket, account } = columns
    const { entrustDate, verb, amount, status, coreStatus, originalEntrustDate, originalSerialNo } = columns
    for (let i = 0; i < count; i++) {
      hashKeyBytes(key, texts, entrustDate.values[i]!, office.starts[i]!, office.ends[i]!, serial.starts[i]!, serial.ends[i]!)
      // As whole numbers of 32 bits: larger ones would be objects when they are handed on.
      const keyLow = hashed.low | 0
      const keyHigh = hashed.high | 0
      const bucket = keyHigh >>> 16
      const state = status.values[i]!
      const reverses = verb.values[i] === reversalVerb && state !== failed && originalSerialNo.values[i]! > 0
      const line = lineNo(i)
      bucketOf[line] = bucket
      if (reverses) bits[line >>> 3]! |= 1 << (line & 7)
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
    take(part: DetailPart): void {
      if (part.kind === 'header') traces ??= openTraces(linesOf(part.header))
      else if (part.kind === 'lines') add(part, traces!)
    },
    /** After the last part. */
    end: (): Census => ({ lines, standing, sums: taken(sums), traces: traces ?? openTraces(0) }),
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
    left(most: number): Pick<Crowd, 'leftIn'> & { readonly places: readonly number[] | undefined } {
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
    /** Gives the memory back at once; nothing is asked of it any more. */
    close(): void {
      for (const table of [lows, highs, places, counts, bucketOf]) table.buffer.transfer(0)
    },
  }
}
/** Such a collection. */
export type Prints = ReturnType<typeof openPrints>

/** What is left of a file: entries the ledger does not have as they are, and the keys that reversals in it give back. */
export type Left = { readonly bank: readonly BankEntry[]; readonly reversedAtBank: ReadonlySet<string> }
/** How many are left of each bucket, where there is no room for all of them: fewer buckets at a time. Of them the bank calls so many reversed. */
export type Crowd = { readonly leftIn: Int32Array; readonly reversed: number }

const verbsOf: readonly BookingVerb[] = bookingVerbs
const states = ['booked', 'failed', 'reversed'] as const
const coreStates = ['same', 'missing', 'differs'] as const

/**
 * Goes over the file again, or over the lines that `wantedLines` names. `wanted` marks the buckets that are looked at, `prints` are the ledger's entries in
 * them: what is found there is taken away. Where more is left than there is room for it is only counted, to the end, so that the next time so many buckets
 * are looked at as there is room for.
 */
export const openSift = (key: PrintKey, wanted: Uint8Array, prints: Prints, mostLeft: number) => {
  const left: BankEntry[] = []
  const leftIn = new Int32Array(buckets)
  let isCrowd = false
  let reversedLeft = 0
  const reversedAtBank = new Set<string>()
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
      officeCode: textIn(lines, 'officeCode', i),
      entrustDate: dayText(columns.entrustDate.values[i]!),
      serialNo: textIn(lines, 'serialNo', i),
      verb: verbsOf[columns.verb.values[i]!]!,
      ticketNo: textIn(lines, 'ticketNo', i),
      amount: columns.amount.values[i]!,
      status: states[state]!,
      bankSerial: textIn(lines, 'bankSerial', i),
      coreStatus: coreStates[columns.coreStatus.values[i]!],
      accountDigest: digest.toString('hex'),
      lineNo: lines.lineNo(i),
    })
  }
  return {
    take(lines: DetailLines): void {
      const { count, texts, columns } = lines
      const { officeCode: office, serialNo: serial, ticketNo: ticket, account } = columns
      const { entrustDate, verb, amount, status, coreStatus, originalEntrustDate, originalSerialNo } = columns
      for (let i = 0; i < count; i++) {
        const state = status.values[i]!
        if (verb.values[i] === reversalVerb && state !== failed && originalSerialNo.values[i]! > 0) {
          const original = originalEntrustDate.values[i]!
          hashKeyBytes(key, texts, original, office.starts[i]!, office.ends[i]!, originalSerialNo.starts[i]!, originalSerialNo.ends[i]!)
          if (wanted[hashed.high >>> 16] === 1)
            reversedAtBank.add(`${textIn(lines, 'officeCode', i)}/${dayText(original)}/${textIn(lines, 'originalSerialNo', i)}`)
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
        if (state === reversed) reversedLeft++
        keep(lines, i, state, accountLow, accountHigh)
      }
    },
    end: (): Left | Crowd => (isCrowd ? { leftIn, reversed: reversedLeft } : { bank: left, reversedAtBank }),
  }
}
