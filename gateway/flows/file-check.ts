import { Fault, fail, faults, files } from '@taxlink/bank-sdk'
import { openDetailCheck, openTwice } from '../domain/detail-check.ts'
import { type DetailHeader, type DetailLines, type DetailPart, type DetailSums, textIn } from '../domain/detail-part.ts'
import { type FileFault, FileRefused, fileFault } from '../domain/file-fault.ts'
import { dayText } from '../domain/fingerprint.ts'
import { later, shanghaiDate } from '../domain/time.ts'
import type { Checked, EntryKey, FileView } from '../store/files.ts'
import { type Spool, SpoolChanged } from '../store/spool.ts'
import { beatEvery } from './beat.ts'
import { detailOf } from './detail-file.ts'
import { detailParts } from './detail-parts.ts'
import type { Flow } from './flow.ts'
import { unpacked } from './intake.ts'

// A file counts when the whole of it was read and nothing is wrong with it; until then nothing of it is used.

const atOnce = 20
/** How long a check gives no sign of life before another worker begins anew. */
const leaseMs = 120_000
/** A bank's clock may be so much ahead of ours: at midnight it names a day that has not begun here. */
const bankAheadMs = 3_600_000

/** Checks the files that wait for it, and the sets whose last chunk has come; returns how many. */
export const checkFiles = async (flow: Flow, spool: Spool): Promise<number> => {
  let checked = 0
  for (const file of await flow.store.files.toCheck(flow.clock(), atOnce)) {
    const now = flow.clock()
    if (!(await flow.store.files.claim(file.id, flow.owner, now, later(now, leaseMs)))) continue
    if (await unhindered(flow, file, () => checkOne(flow, spool, file))) checked++
  }
  for (const set of await flow.store.files.wholeSets(atOnce))
    if (await unhindered(flow, set[0]!, () => checkSet(flow, spool, set))) checked++
  return checked
}

/** What cannot be read just now, by our disk's fault, keeps no other file waiting: it is tried again. */
const unhindered = async (flow: Flow, { bankCode, name }: FileView, check: () => Promise<boolean>): Promise<boolean> => {
  try {
    return await check()
  } catch (error) {
    flow.note({ event: 'trouble', bankCode, file: name, detail: `its check broke off: ${String(error)}` })
    return false
  }
}

const checkOne = async (flow: Flow, spool: Spool, file: FileView): Promise<boolean> => {
  const settled = await flow.store.files.settle(file.id, flow.owner, await found(flow, spool, file), flow.clock())
  if (settled) await follow(flow, settled)
  return true
}

const checkSet = async (flow: Flow, spool: Spool, set: readonly FileView[]): Promise<boolean> => {
  const ids = set.map(({ id }) => id)
  if (!(await flow.store.files.settleSet(ids, await faultOfSet(spool, set), flow.clock()))) return false
  for (const id of ids) {
    const file = await flow.store.files.find(id)
    if (file) await follow(flow, file)
  }
  return true
}

/** What has come of a check is noted; the session that waits for a file that is good goes on at once. */
const follow = async (flow: Flow, { state, bankCode, name, of, fault, said }: FileView): Promise<void> => {
  if (state === 'refused') flow.note({ event: 'file-refused', bankCode, file: name, fault: fault?.code ?? '' })
  if (state !== 'complete') return
  flow.note({ event: 'file-complete', bankCode, file: name, count: said?.count ?? 0 })
  if (of) await flow.store.reconciliations.wake({ bankCode, accountingDate: of.accountingDate, session: of.session }, flow.clock())
}

/** A sign of life between pieces: however long a file is, whoever reads it has it. */
const heldLonger = (flow: Flow, { id }: FileView): (() => Promise<void>) =>
  beatEvery(flow.clock, leaseMs / 4, now => flow.store.files.hold(id, flow.owner, later(now, leaseMs)))

/** What a file says, or the first thing that is wrong with it. */
const found = async (flow: Flow, spool: Spool, file: FileView): Promise<Checked> => {
  const beat = heldLonger(flow, file)
  const checked = await guarded(() => readThrough(flow, spool, file, beat))
  // A fault of our disk is not the bank's: what is refused was what it sent.
  if ('fault' in checked && !(await isUnchanged(spool, file))) return { fault: fileFault('digest-changed') }
  return checked
}

/** The faults of layouts and of the disk as faults of files. */
const guarded = async <T>(read: () => Promise<T>): Promise<T | { readonly fault: FileFault }> => {
  try {
    return await read()
  } catch (error) {
    if (error instanceof SpoolChanged) return { fault: fileFault('digest-changed') }
    if (error instanceof Fault) return { fault: layoutFault(error) }
    throw error
  }
}

/** A fault of the layout: its text holds no value, its place is that in the file. */
const layoutFault = ({ fault, detail, at }: Fault): FileFault => {
  const { zh, en } = faults[fault]
  return {
    code: fault,
    zh,
    en,
    detail: at.field === undefined ? detail : `${at.field}: ${detail}`,
    ...(at.line === undefined ? {} : { line: at.line }),
    ...(at.offset === undefined ? {} : { byte: at.offset }),
  }
}

/** The parts of a file of the spool, or of the chunks of a set one after the other; whatever becomes of the reading, they are closed. */
const partsOf = (spool: Spool, set: readonly FileView[], beat = (): Promise<void> => Promise.resolve()): AsyncGenerator<DetailPart> => {
  const codec = detailOf(set[0]!.bankCode)
  if (!codec) throw new Error('a file without layout is not read')
  const bytesOf = async function* ({ sha256 }: FileView): AsyncGenerator<Uint8Array> {
    for await (const piece of spool.read(sha256 ?? fail('internal', 'a file without bytes is not read'))) {
      await beat()
      yield piece
    }
  }
  return detailParts(
    codec,
    set.map(file => () => bytesOf(file)),
  )
}

/** Reads a file from its first byte to its last, under every rule. */
const readThrough = async (flow: Flow, spool: Spool, file: FileView, beat: () => Promise<void>): Promise<Checked> => {
  const { of: name, bytes, bankCode } = file
  if (!name) return { fault: fileFault('bad-name') }
  const now = flow.clock()
  const told = await flow.store.files.workDates(name.bankCode, name.accountingDate, name.session)
  const workDates = { told, last: shanghaiDate(later(now, bankAheadMs)) }
  const check = openDetailCheck({ name, bytes, workDates, today: shanghaiDate(now) })
  let header: DetailHeader | undefined
  let sums: DetailSums | undefined
  for await (const part of partsOf(spool, [file], beat)) {
    const fault = check.take(part) ?? (part.kind === 'lines' ? await foreignIn(flow, bankCode, part) : undefined)
    if (fault) return { fault }
    if (part.kind === 'header') header = part.header
    if (part.kind === 'trailer') sums = part.trailer
  }
  const fault = await twiceIn(spool, [file], check.suspects, beat)
  if (fault) return { fault }
  if (!header || !sums) throw new Error('a file has a header and a trailer')
  const { count, debitSum, creditSum } = sums
  return { header, sums: { count, debitSum, creditSum } }
}

const adjustment = (files.detail.line.fields.verb.schema.enum as readonly string[]).indexOf('adjustment')
const textOf = ({ officeCode, entrustDate, serialNo }: EntryKey): string => `${officeCode} ${entrustDate} ${serialNo}`

/** An entry under the key of another bank's instruction; an adjustment has that of its notice. */
const foreignIn = async (flow: Flow, bankCode: string, lines: DetailLines): Promise<FileFault | undefined> => {
  const { entrustDate, verb } = lines.columns
  const keyOf = (i: number): EntryKey => ({
    officeCode: textIn(lines, 'officeCode', i),
    entrustDate: dayText(entrustDate.values[i]!),
    serialNo: textIn(lines, 'serialNo', i),
  })
  const asked = Array.from({ length: lines.count }, (_, i) => i).filter(i => verb.values[i] !== adjustment)
  const foreign = new Set((await flow.store.files.foreign(bankCode, asked.map(keyOf))).map(textOf))
  const first = foreign.size === 0 ? undefined : asked.find(i => foreign.has(textOf(keyOf(i))))
  return first === undefined ? undefined : fileFault('foreign-entry', { line: lines.lineNo(first), byte: lines.offset(first) })
}

/** What is wrong with the chunks of a set beside each other: they speak of one whole, and no serial number stands twice in them. */
const faultOfSet = async (spool: Spool, set: readonly FileView[]): Promise<FileFault | undefined> => {
  const { of: name } = set[0]!
  if (!name) throw new Error('a chunk has its name')
  const found = await guarded(async () => {
    const check = openDetailCheck({ name })
    for await (const part of partsOf(spool, set)) {
      const fault = check.take(part)
      if (fault) return fault
    }
    return check.end() ?? (await twiceIn(spool, set, check.suspects))
  })
  return found && 'fault' in found ? found.fault : found
}

/** Looks suspects up, file by file so that lines are those of their file: the first that really stands twice. */
const twiceIn = async (
  spool: Spool,
  among: readonly FileView[],
  suspects: ReadonlySet<string>,
  beat?: () => Promise<void>,
): Promise<FileFault | undefined> => {
  if (suspects.size === 0) return undefined
  const twice = openTwice(suspects)
  for (const file of among)
    for await (const part of partsOf(spool, [file], beat)) {
      const fault = part.kind === 'lines' ? twice(part, line => `${file.name}, line ${line}`) : undefined
      if (fault) return fault
    }
  return undefined
}

const isUnchanged = async (spool: Spool, { sha256 }: FileView): Promise<boolean> => {
  if (!sha256) return true
  try {
    for await (const _part of spool.read(sha256));
    return true
  } catch (error) {
    if (error instanceof SpoolChanged) return false
    throw error
  }
}

/**
 * Whether a file that has stopped growing has its end. What is wrong before its end is whole enough: it is taken, and refused with its place; one that only
 * breaks off is still being written, or will be.
 */
export const isWholeFile = async (bankCode: string, body: AsyncIterable<Uint8Array>, gzip: boolean, most: number): Promise<boolean> => {
  const codec = detailOf(bankCode)
  // Nobody could say where its end is.
  if (!codec) return true
  let bytes = 0
  const passing = async function* () {
    for await (const part of gzip ? unpacked(body, most) : body) {
      bytes += part.length
      // A listing may say little of what never ends.
      if (bytes > most) throw new FileRefused('too-large')
      yield part
    }
  }
  try {
    const read = await codec.read(passing())
    for await (const _lines of read.batches());
    return true
  } catch (error) {
    if (error instanceof FileRefused) return error.fault.code !== 'gzip-broken'
    if (error instanceof Fault) return !(['missing', 'line-end'].includes(error.fault) && error.at.offset === bytes)
    throw error
  }
}
