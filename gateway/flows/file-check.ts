import { type Batch, Fault, type FileReading, faults, files } from '@taxlink/bank-sdk'
import { headerFault, mostSerials, openDetailCheck, openSerials, type Serials } from '../domain/detail-check.ts'
import { type FileFault, fileFault } from '../domain/file-fault.ts'
import { later, shanghaiDate } from '../domain/time.ts'
import type { Checked, EntryKey, FileView } from '../store/files.ts'
import { type Spool, SpoolChanged } from '../store/spool.ts'
import { detailOf } from './detail-file.ts'
import type { Flow } from './flow.ts'
import { Broken, unpacked } from './intake.ts'

// A file counts when the whole of it was read and nothing is wrong with it; until then nothing of it is used.

const atOnce = 20
/** How long one check may take before another worker begins anew: a file is read in seconds. */
const leaseMs = 900_000

/** Checks the files that wait for it, and the sets whose last chunk has come; returns how many. */
export const checkFiles = async (flow: Flow, spool: Spool): Promise<number> => {
  let checked = 0
  for (const file of await flow.store.files.toCheck(flow.clock(), atOnce)) {
    const now = flow.clock()
    if (!(await flow.store.files.claim(file.id, flow.owner, now, later(now, leaseMs)))) continue
    const settled = await flow.store.files.settle(file.id, flow.owner, await found(flow, spool, file), flow.clock())
    if (settled) await follow(flow, settled)
    checked++
  }
  for (const set of await flow.store.files.wholeSets(atOnce)) {
    const ids = set.map(({ id }) => id)
    if (!(await flow.store.files.settleSet(ids, await twiceInSet(spool, set), flow.clock()))) continue
    for (const id of ids) {
      const file = await flow.store.files.find(id)
      if (file) await follow(flow, file)
    }
    checked++
  }
  return checked
}

/** What has come of a check is noted; the session that waits for a file that is good goes on at once. */
const follow = async (flow: Flow, { state, bankCode, name, of, fault, said }: FileView): Promise<void> => {
  if (state === 'refused') flow.note({ event: 'file-refused', bankCode, file: name, fault: fault?.code ?? '' })
  if (state !== 'complete') return
  flow.note({ event: 'file-complete', bankCode, file: name, count: said?.count ?? 0 })
  if (of) await flow.store.reconciliations.wake({ bankCode, accountingDate: of.accountingDate, session: of.session }, flow.clock())
}

/** What a file says, or the first thing that is wrong with it. */
const found = async (flow: Flow, spool: Spool, file: FileView): Promise<Checked> => {
  const checked = await guarded(() => readThrough(flow, spool, file))
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

/** Opens a file of the spool for one reading; whatever becomes of it, the file is closed. */
const reading = async <T>(spool: Spool, { bankCode, sha256 }: FileView, use: (read: FileReading<'detail'>) => Promise<T>): Promise<T> => {
  const codec = detailOf(bankCode)
  if (!sha256 || !codec) throw new Error('a file without bytes or layout is not read')
  const bytes = spool.read(sha256)
  try {
    return await use(await codec.read(bytes))
  } finally {
    await bytes.return(undefined)
  }
}

/** Reads a file from its first byte to its last, under every rule. */
const readThrough = async (flow: Flow, spool: Spool, file: FileView): Promise<Checked> => {
  const { of: name, bytes, bankCode } = file
  if (!name) return { fault: fileFault('bad-name') }
  const expected = { name, bytes, today: shanghaiDate(flow.clock()) }
  const suspects = new Set<string>()
  const checked = await reading(spool, file, async (read): Promise<Checked> => {
    const { header } = read
    const fault = headerFault(header, expected)
    if (fault) return { fault }
    const check = openDetailCheck(header, expected)
    for await (const lines of read.batches()) {
      const wrong = check.batch(lines) ?? (await foreignIn(flow, bankCode, lines))
      if (wrong) return { fault: wrong }
    }
    for (const suspect of check.suspects) suspects.add(suspect)
    const { count, debitSum, creditSum } = read.trailer()
    return { header, sums: { count, debitSum, creditSum } }
  })
  const fault = 'fault' in checked || suspects.size === 0 ? undefined : await twiceIn(spool, [file], suspects)
  return fault ? { fault } : checked
}

const adjustment = (files.detail.line.fields.verb.schema.enum as readonly string[]).indexOf('adjustment')
const dateOf = (day: number): string => `${day}`.replace(/^(....)(..)(..)$/, '$1-$2-$3')
const textOf = ({ officeCode, entrustDate, serialNo }: EntryKey): string => `${officeCode} ${entrustDate} ${serialNo}`

/** An entry under the key of another bank's instruction; an adjustment has that of its notice. */
const foreignIn = async (flow: Flow, bankCode: string, lines: Batch<'detail'>): Promise<FileFault | undefined> => {
  const { officeCode, entrustDate, serialNo, verb } = lines.columns
  if (!officeCode || !entrustDate || !serialNo || !verb) throw new Error('a line of a detail file has its key')
  const keyOf = (i: number): EntryKey => ({
    officeCode: lines.text(officeCode, i),
    entrustDate: dateOf(entrustDate.values[i]!),
    serialNo: lines.text(serialNo, i),
  })
  const asked = Array.from({ length: lines.count }, (_, i) => i).filter(i => verb.values[i] !== adjustment)
  const foreign = new Set((await flow.store.files.foreign(bankCode, asked.map(keyOf))).map(textOf))
  const first = foreign.size === 0 ? undefined : asked.find(i => foreign.has(textOf(keyOf(i))))
  return first === undefined ? undefined : fileFault('foreign-entry', { line: lines.lineNo(first), byte: lines.offset(first) })
}

/** Serial numbers that stand twice in the chunks of a set, beside each other. */
const twiceInSet = async (spool: Spool, set: readonly FileView[]): Promise<FileFault | undefined> => {
  const found = await guarded(async () => {
    const bytes = set.reduce((sum, file) => sum + file.bytes, 0)
    const suspects = new Set<string>()
    let serials: Serials | undefined
    for (const file of set)
      await reading(spool, file, async read => {
        serials ??= openSerials(mostSerials(read.header, bytes))
        for await (const lines of read.batches()) {
          const serial = lines.columns.bankSerial!
          for (let i = 0; i < lines.count; i++)
            if (serials.add(lines.texts, serial.starts[i]!, serial.ends[i]!)) suspects.add(lines.text(serial, i))
        }
      })
    return suspects.size === 0 ? undefined : twiceIn(spool, set, suspects)
  })
  return found && 'fault' in found ? found.fault : found
}

/** Looks suspects up: the first that really stands twice. */
const twiceIn = async (spool: Spool, among: readonly FileView[], suspects: ReadonlySet<string>): Promise<FileFault | undefined> => {
  const seen = new Map<string, string>()
  for (const file of among) {
    const twice = await reading(spool, file, async read => {
      for await (const lines of read.batches())
        for (let i = 0; i < lines.count; i++) {
          const serial = lines.text(lines.columns.bankSerial!, i)
          if (!suspects.has(serial)) continue
          const first = seen.get(serial)
          const at = { line: lines.lineNo(i), byte: lines.offset(i) }
          if (first !== undefined) return fileFault('duplicate-serial', { ...at, detail: `${file.name}; first in ${first}` })
          seen.set(serial, `${file.name}, line ${at.line}`)
        }
      return undefined
    })
    if (twice) return twice
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
      if (bytes > most) throw new Broken('too-large')
      yield part
    }
  }
  try {
    const read = await codec.read(passing())
    for await (const _lines of read.batches());
    return true
  } catch (error) {
    if (error instanceof Broken) return error.fault.code !== 'gzip-broken'
    if (error instanceof Fault) return !(['missing', 'line-end'].includes(error.fault) && error.at.offset === bytes)
    throw error
  }
}
