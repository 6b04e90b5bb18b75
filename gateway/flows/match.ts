import { bookingVerbs, type Totals } from '../domain/booking.ts'
import { openDetailCheck, openTwice } from '../domain/detail-check.ts'
import type { DetailPart } from '../domain/detail-part.ts'
import { type FileFault, FileRefused, fileFault } from '../domain/file-fault.ts'
import type { PrintKey } from '../domain/fingerprint.ts'
import {
  type Census,
  type Crowd,
  type Left,
  openCensus,
  openPrints,
  openSift,
  type Prints,
  type Traces,
  unequal,
  wantedLines,
} from '../domain/match.ts'
import {
  classify,
  type Difference,
  type DifferenceType,
  type Elsewhere,
  entryName,
  lonelyKeys,
  mostFindings,
  type TaxEntry,
} from '../domain/reconcile.ts'
import type { SessionKey } from '../store/differences.ts'
import type { Ledger, LedgerDay } from '../store/ledger.ts'
import type { DifferenceCounts } from '../store/reconciliations.ts'

/** A whole file, which can be gone over as often as need be; each time it yields the same. When only some lines are wanted it may leave out the others. */
export type DetailFile = {
  readonly id: number
  readonly sha256: string
  parts(isWanted?: (line: number) => boolean): AsyncIterable<DetailPart>
}
/** What a match works on, and how much it takes in hand at once: bookings, and of either side such as are left over. */
export type Matching = {
  readonly ledger: Ledger
  readonly key: PrintKey
  readonly at: SessionKey
  readonly frozen: { readonly seq: number; readonly totals: Totals }
  readonly file: DetailFile
  /** Called between batches; what it throws ends the match. */
  readonly beat: () => Promise<void> | void
  /** Given the differences in their order, in parts; the last part comes with the end. */
  readonly write: (found: readonly Difference[]) => Promise<void>
  readonly room?: { readonly entries: number; readonly left: number }
}
/** What came of it: the last differences are still to be written. */
export type Matched = { readonly last: readonly Difference[]; readonly equal: number; readonly counts: DifferenceCounts }

/** Of so many bookings the prints take 27 MB, and fifty thousand left over of each side some 50 MB more. */
const plenty = { entries: 1_600_000, left: 50_000 }

/** How many keys are looked up, and findings written, before the next sign of life. */
const atOnce = 5_000

const entriesOf = (totals: Totals): number => bookingVerbs.reduce((sum, verb) => sum + (totals[verb]?.entries ?? 0), 0)

const refuseFor = (fault: FileFault | undefined): void => {
  if (fault) throw new FileRefused(fault)
}

/** The first reading: the rules are asked again that were asked when the file came, and its entries are counted. */
const census = async ({ key, at, file, beat }: Matching): Promise<Census> => {
  const counting = openCensus(key)
  const check = openDetailCheck({ name: { ...at, chunk: 1 } })
  for await (const part of file.parts()) {
    refuseFor(check.take(part))
    counting.take(part)
    await beat()
  }
  refuseFor(check.end())
  if (check.suspects.size > 0) await lookUpTwice(file, check.suspects, beat)
  return counting.end()
}

const lookUpTwice = async (file: DetailFile, suspects: ReadonlySet<string>, beat: Matching['beat']): Promise<void> => {
  const twice = openTwice(suspects)
  for await (const part of file.parts()) {
    if (part.kind === 'lines') refuseFor(twice(part))
    await beat()
  }
}

/** Buckets in runs of at most so many bookings; a single one that has more stands alone. */
const runsOf = (wanted: readonly number[], entriesIn: (bucket: number) => number, most: number): number[][] => {
  const runs: number[][] = []
  let held = Number.POSITIVE_INFINITY
  for (const bucket of wanted) {
    const count = entriesIn(bucket)
    if (held + count > most) {
      runs.push([])
      held = 0
    }
    runs.at(-1)!.push(bucket)
    held += count
  }
  return runs
}

/** More is left than there is room for: how much of each bucket, and how many findings it comes to in any case. */
type TooMany = { readonly leftIn: Int32Array; readonly findings: number }

/** Fewer buckets at a time, by how many are left of each. So many as there is no room for, of one bucket, are of one key. */
const narrower = (run: readonly number[], { leftIn }: TooMany, most: number): number[][] => {
  if (run.some(bucket => leftIn[bucket]! > most)) throw new FileRefused('repeated-key')
  return runsOf(run, bucket => leftIn[bucket]!, most)
}

/** What neither side has as the other has it, of these buckets; or, where it is more than `most` of one side, how many. */
const sifted = async (
  matching: Matching,
  day: LedgerDay,
  run: readonly number[],
  room: number,
  traces: Traces,
  most: number,
): Promise<(Left & { readonly tax: readonly TaxEntry[] }) | TooMany> => {
  const { ledger, key, file, beat } = matching
  const wanted = new Uint8Array(65_536)
  for (const bucket of run) wanted[bucket] = 1
  const prints: Prints = openPrints(room)
  await ledger.entries(key, day, run, (low, high, bucket, seq) => prints.add(low, high, bucket, day.frozenSeq - seq), beat)
  const sift = openSift(key, wanted, prints, most)
  for await (const part of file.parts(wantedLines(traces, wanted))) {
    if (part.kind === 'lines') sift.take(part)
    await beat()
  }
  const left = sift.end()
  const { leftIn, places } = prints.left(most)
  prints.close()
  if ('leftIn' in left || !places) return tooMany(left, leftIn)
  const tax = await ledger.numbered(
    day,
    places.map(place => day.frozenSeq - place),
  )
  return { ...left, tax }
}

/** Each booking that is left is a finding, but for those whose debit the bank calls reversed: its file may list the reversal. */
const tooMany = (left: Left | Crowd, taxIn: Int32Array): TooMany => {
  const isCrowd = 'leftIn' in left
  const reversed = isCrowd ? left.reversed : left.bank.filter(({ status }) => status === 'reversed').length
  const leftIn = isCrowd ? taxIn.map((count, bucket) => Math.max(count, left.leftIn[bucket]!)) : taxIn
  return { leftIn, findings: Math.max(0, taxIn.reduce((sum, count) => sum + count, 0) - reversed) }
}

const named = async (
  { ledger, key, at, beat }: Matching,
  day: LedgerDay,
  { bank, reversedAtBank, tax }: Left & { readonly tax: readonly TaxEntry[] },
) => {
  const lonely = lonelyKeys(bank, tax)
  const elsewhere = new Map<string, Elsewhere>()
  for (let from = 0; from < lonely.length; from += atOnce) {
    for (const [name, known] of await ledger.elsewhere(key, day, lonely.slice(from, from + atOnce))) elsewhere.set(name, known)
    await beat()
  }
  for (const entry of bank) {
    const of = elsewhere.get(entryName(entry))?.instruction?.bankCode
    if (of !== undefined && of !== at.bankCode) throw new FileRefused(fileFault('foreign-entry', { line: entry.lineNo }))
  }
  return classify(bank, tax, reversedAtBank, elsewhere)
}

/**
 * Matches a bank's file with the ledger's bank day. A file that is not what it should be is refused whole by a FileRefused; nothing of it was used, but
 * parts that were written have to be taken out. The same file against the same frozen day gives the same differences in the same order.
 */
export const matchFile = async (matching: Matching): Promise<Matched> => {
  const { ledger, key, at, frozen, room = plenty } = matching
  const day: LedgerDay = { ...at, frozenSeq: frozen.seq }
  const booked = entriesOf(frozen.totals)
  const [whole, kept] = await Promise.all([census(matching), ledger.keptSums(key, day)])
  // What was kept is believed where its entries are as many as were frozen.
  const ours = kept.entries.reduce((sum, count) => sum + count, 0) === booked ? kept : await ledger.recountedSums(key, day, matching.beat)
  const flags = unequal(ours, whole.sums)
  const wanted = [...flags.keys()].filter(bucket => flags[bucket] === 1)
  // Of the file's lines only those are held that are left over.
  const waiting = runsOf(wanted, bucket => ours.entries[bucket]!, room.entries)
  const counts: { [T in DifferenceType]?: number } = {}
  const entries = Math.max(whole.lines, booked)
  const most = mostFindings(entries)
  let unequalBookings = 0
  let findings = 0
  let last: readonly Difference[] = []
  for (let run = waiting.shift(); run; run = waiting.shift()) {
    const bookings = run.reduce((sum, bucket) => sum + ours.entries[bucket]!, 0)
    const left = await sifted(matching, day, run, bookings, whole.traces, room.left)
    if ('leftIn' in left) {
      if (findings + left.findings > most) throw anotherDay(findings + left.findings, entries)
      waiting.unshift(...narrower(run, left, room.left))
      continue
    }
    const found = await named(matching, day, left)
    findings += found.length
    if (findings > most) throw anotherDay(findings, entries)
    for (const { type, taxAmount } of found) {
      counts[type] = (counts[type] ?? 0) + 1
      if (taxAmount > 0) unequalBookings++
    }
    last = await writtenBut(matching, [...last, ...found])
  }
  return { last, counts, equal: booked - unequalBookings }
}

const anotherDay = (findings: number, entries: number): FileRefused =>
  new FileRefused(fileFault('another-day', { detail: `${findings} of ${entries} entries, if not more, are not as booked` }))

/** Writes all but the last part of these. */
const writtenBut = async ({ write, beat }: Matching, found: readonly Difference[]): Promise<readonly Difference[]> => {
  let from = 0
  for (; found.length - from > atOnce; from += atOnce) {
    await write(found.slice(from, from + atOnce))
    await beat()
  }
  return found.slice(from)
}
