import { later } from '../domain/time.ts'
import type { FileView } from '../store/files.ts'
import type { Spool } from '../store/spool.ts'
import type { Flow } from './flow.ts'
import { type FileBounds, refuseUnread, takeIn } from './intake.ts'
import { receiptOf } from './receipt.ts'

/** Something that lies in a directory; `regular`: a plain file, no link, no device, nothing else that only looks like one. */
export type Found = { readonly name: string; readonly size: number; readonly kind: 'regular' | 'directory' | 'other' }
/** A directory of a bank while it is looked into. */
export type Place = {
  list(): Promise<Found[]>
  /** The bytes of a plain file; it fails where the file has become something else since. */
  read(name: string): AsyncIterable<Uint8Array>
  /** Out of the way, into `done` or `refused` beside it; what is gone already is no matter. */
  move(name: string, to: 'done' | 'refused'): Promise<void>
  remove(name: string): Promise<void>
  /** Writes a receipt into `receipts`, whole or not at all. */
  answer(name: string, text: string): Promise<void>
  close(): Promise<void>
}
/** How files of a bank come without its calling: a directory that is looked into again and again. */
export type Way = { readonly bankCode: string; readonly cameBy: 'sftp' | 'folder'; open(): Promise<Place> }

/** The sizes that files had at the last look, and since when. */
export type Sizes = Map<string, { readonly size: number; readonly since: number }>

export type WayOptions = {
  readonly bounds: FileBounds
  /** How long a file without a marker must have had its size. */
  readonly settleMs: number
  /** Whether a file without a marker has its end. */
  readonly isWhole: (bankCode: string, body: AsyncIterable<Uint8Array>, gzip: boolean, most: number) => Promise<boolean>
}

const leaseMs = 300_000
const marker = '.ok'
const packedAs = '.gz'
/** What a bank is still writing, or keeps to itself. */
const isPartial = (name: string): boolean => name.startsWith('.') || /\.(?:part|partial|filepart|tmp|temp)$/i.test(name)

/** Looks into the directories whose turn it is, one process at a time; a broken way is tried again, later and later. Returns how many files were taken. */
export const lookIntoWays = async (flow: Flow, spool: Spool, ways: readonly Way[], sizes: Sizes, options: WayOptions): Promise<number> => {
  const taken = await Promise.all(ways.map(way => lookInto(flow, spool, way, sizes, options)))
  return taken.reduce((sum, count) => sum + count, 0)
}

const lookInto = async (flow: Flow, spool: Spool, way: Way, sizes: Sizes, options: WayOptions): Promise<number> => {
  const { bankCode } = way
  const now = flow.clock()
  const lease = `files-${bankCode}`
  const standing = await flow.store.deliveries.lease(lease, flow.owner, now, later(now, leaseMs))
  if (!standing) return 0
  let [failures, taken] = [0, 0]
  try {
    const place = await way.open()
    try {
      const all = await takeAll(flow, spool, way, place, sizes, options)
      taken = all.taken
      await answerAll(flow, way, place)
      if (all.trouble !== undefined) throw all.trouble
    } finally {
      await place.close()
    }
  } catch (error) {
    failures = standing.failures + 1
    flow.note({ event: 'trouble', bankCode, detail: `the directory of its files: ${String(error)}` })
  }
  const pause = failures === 0 ? 0 : Math.min(600_000, 2_000 * 2 ** Math.min(failures, 10))
  await flow.store.deliveries.advance(lease, flow.owner, { deliveredSeq: 0, failures, nextAttemptAt: later(flow.clock(), pause) })
  return taken
}

/** Takes what is there. What cannot be taken keeps nothing else waiting, as long as the directory itself can be read. */
const takeAll = async (
  flow: Flow,
  spool: Spool,
  way: Way,
  place: Place,
  sizes: Sizes,
  options: WayOptions,
): Promise<{ readonly taken: number; readonly trouble?: unknown }> => {
  const found = await place.list()
  const names = new Set(found.map(({ name }) => name))
  let taken = 0
  let trouble: unknown
  for (const each of found) {
    if (each.kind === 'directory' || isPartial(each.name) || each.name.endsWith(marker)) continue
    try {
      if (await takeOne(flow, spool, way, place, each, names.has(each.name + marker), sizes, options)) taken++
    } catch (error) {
      await place.list()
      trouble ??= error
    }
  }
  return { taken, ...(trouble === undefined ? {} : { trouble }) }
}

const takeOne = async (
  flow: Flow,
  spool: Spool,
  way: Way,
  place: Place,
  each: Found,
  marked: boolean,
  sizes: Sizes,
  options: WayOptions,
): Promise<boolean> => {
  const { bankCode, cameBy } = way
  const { name, size } = each
  if (each.kind === 'other') {
    await refuseUnread(flow, bankCode, { name, size, cameBy }, 'not-regular')
    await place.move(name, 'refused')
    return false
  }
  const gzip = name.endsWith(packedAs)
  if (!marked && !(await isSettled(flow, way, place, each, gzip, sizes, options))) return false
  const digest = marked ? await digestIn(place.read(name + marker)) : undefined
  const plain = gzip ? name.slice(0, -packedAs.length) : name
  const offered = { bankCode, name: plain, cameBy, gzip, size, body: place.read(name), ...(digest === undefined ? {} : { digest }) }
  const { kind } = await takeIn(flow, spool, offered, options.bounds)
  // Only now that the record has it.
  await place.move(name, kind === 'refused' ? 'refused' : 'done')
  if (marked) await place.remove(name + marker)
  sizes.delete(`${bankCode}/${name}`)
  return true
}

/** Without a marker a file is there when it has not grown for a while and has its end; what is too large or misnamed is not looked into for that. */
const isSettled = async (
  flow: Flow,
  { bankCode }: Way,
  place: Place,
  { name, size }: Found,
  gzip: boolean,
  sizes: Sizes,
  { settleMs, isWhole, bounds }: WayOptions,
): Promise<boolean> => {
  const now = flow.clock().getTime()
  const key = `${bankCode}/${name}`
  const before = sizes.get(key)
  if (before?.size !== size) {
    sizes.set(key, { size, since: now })
    return false
  }
  if (now - before.since < settleMs) return false
  if (size > bounds.most || (await isWhole(bankCode, place.read(name), gzip, bounds.most))) return true
  // It is not read again and again while nothing happens to it.
  sizes.set(key, { size, since: now })
  return false
}

const digestForm = /^[0-9a-f]{64}(?=\s|$)/
/** A marker may hold the SHA-256 of its file, as `sha256sum` writes it; more than a line of it is not read. */
const digestIn = async (body: AsyncIterable<Uint8Array>): Promise<string | undefined> => {
  let text = ''
  for await (const part of body) {
    text += Buffer.from(part).toString('latin1')
    if (text.length > 200) break
  }
  return digestForm.exec(text.toLowerCase())?.[0]
}

/** The receipts of what is over: they lie where the files came from. */
const answerAll = async (flow: Flow, { bankCode }: Way, place: Place): Promise<void> => {
  for (const file of await flow.store.files.toAnswer(bankCode, 100)) await answerOne(flow, file, place)
}
const answerOne = async (flow: Flow, file: FileView, place: Place): Promise<void> => {
  await place.answer(`${file.name}.json`, `${JSON.stringify(receiptOf(file))}\n`)
  await flow.store.files.answered(file.id, flow.clock())
}
