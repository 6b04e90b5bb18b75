import { createHash, type Hash } from 'node:crypto'
import { createGunzip } from 'node:zlib'
import { type FileFault, FileRefused, type FileRule, fileFault } from '../domain/file-fault.ts'
import { type FileName, shownFileName } from '../domain/file-name.ts'
import { isNearDay, later } from '../domain/time.ts'
import type { CameBy, FileView, Receipt } from '../store/files.ts'
import type { Spool } from '../store/spool.ts'
import { readFileName } from './detail-file.ts'
import type { Flow } from './flow.ts'

/** A file as it is offered, whichever way: who offers it, its name without the sign of its packing, and its bytes as they come. */
export type Offered = {
  readonly bankCode: string
  readonly name: string
  readonly cameBy: CameBy
  readonly gzip: boolean
  readonly body: AsyncIterable<Uint8Array>
  /** Bytes as they were sent, where it is known before. */
  readonly size?: number
  /** SHA-256 of the bytes as they were sent, hexadecimal, where a marker names it. */
  readonly digest?: string
}

/** What may come: bytes of a file, as they are sent and unpacked; of all files of a bank within a day; and what the disk keeps free. */
export type FileBounds = { readonly most: number; readonly day: number; readonly free: number }

/** There is no room for a file, good as it may be: nothing was taken or written down, and the same may come later. */
export class NoRoom extends Error {
  constructor(words: string) {
    super(words)
    this.name = 'NoRoom'
  }
}

/** How far text may be packed; what unpacks to more was made to fill a disk. */
const mostRatio = 250
const ratioFree = 1 << 20
const dayMs = 86_400_000

/** The bytes that there is room for: what files of a bank lie in the spool may be wrong ones, and no bank is to fill it for all. */
const roomFor = async (flow: Flow, spool: Spool, bankCode: string, { day, free }: FileBounds): Promise<number> => {
  const [brought, left] = await Promise.all([flow.store.files.brought(bankCode, later(flow.clock(), -dayMs)), spool.free()])
  if (brought >= day) throw new NoRoom(`the bank has brought ${brought} bytes within a day, of at most ${day}`)
  if (left <= free) throw new NoRoom(`${left} bytes are free on the disk of the files, which keeps ${free}`)
  return Math.min(day - brought, left - free)
}

/**
 * Takes a file in: its name, its bytes into the spool, then its row, in this order, so that no row speaks of bytes that are not on the disk. The same
 * bytes again get the same answer. Throws where the way or the record breaks, and `NoRoom`: then nothing was taken.
 */
export const takeIn = async (flow: Flow, spool: Spool, offered: Offered, bounds: FileBounds): Promise<Receipt> => {
  const { bankCode, cameBy } = offered
  const { most } = bounds
  const name = shownFileName(offered.name)
  const named = nameIn(bankCode, offered.name, flow.clock())
  const { of, fault = sizeFault(offered.size, most) } = named
  const refused = async (fault: FileFault, bytes: number): Promise<Receipt> =>
    told(flow, { kind: 'refused', file: await flow.store.files.refuse({ bankCode, name, of, cameBy, bytes, fault }, flow.clock()) })
  if (fault || !of) return refused(fault ?? fileFault('bad-name'), offered.size ?? 0)
  const room = await roomFor(flow, spool, bankCode, bounds)
  const hash = createHash('sha256')
  try {
    const sent = counted(offered.body, most, hash)
    const plain = within(offered.gzip ? unpacked(sent, most) : sent, room)
    const kept = await spool.keep(withDigest(plain, hash, offered.digest))
    return told(flow, await flow.store.files.receive({ bankCode, name, of, cameBy, ...kept }, flow.clock()))
  } catch (error) {
    if (error instanceof FileRefused) return refused(error.fault, offered.size ?? 0)
    throw error
  }
}

/** Writes down that something is refused that was never opened. */
export const refuseUnread = async (
  flow: Flow,
  bankCode: string,
  offered: { readonly name: string; readonly size: number; readonly cameBy: CameBy },
  rule: FileRule,
): Promise<FileView> => {
  const { name, size: bytes, cameBy } = offered
  const about = { bankCode, name: shownFileName(name), of: undefined, cameBy, bytes, fault: fileFault(rule) }
  const file = await flow.store.files.refuse(about, flow.clock())
  told(flow, { kind: 'refused', file })
  return file
}

/** What the name says, where it is one, and what is wrong with it. */
const nameIn = (bankCode: string, name: string, now: Date): { readonly of?: FileName; readonly fault?: FileFault } => {
  const of = readFileName(bankCode, name)
  if (of === undefined) return { fault: fileFault('bad-name') }
  if (of === 'foreign') return { fault: fileFault('other-bank') }
  // Banks work ahead over holidays, but never further: no file of a day beyond that is believed.
  return isNearDay(of.accountingDate, now) ? { of } : { of, fault: fileFault('day-ahead') }
}
const tooLarge = (most: number): FileFault => fileFault('too-large', { detail: `${most} bytes` })
const sizeFault = (size: number | undefined, most: number): FileFault | undefined =>
  size !== undefined && size > most ? tooLarge(most) : undefined

/** The bytes as they come, bounded; what was sent is hashed, too. */
const counted = async function* (body: AsyncIterable<Uint8Array>, most: number, hash: Hash): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const part of body) {
    bytes += part.length
    if (bytes > most) throw new FileRefused(tooLarge(most))
    hash.update(part)
    yield part
  }
}

/** The bytes as they are kept, as many as there is room for. */
const within = async function* (body: AsyncIterable<Uint8Array>, room: number): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for await (const part of body) {
    bytes += part.length
    if (bytes > room) throw new NoRoom(`there is room for ${room} bytes, and more come`)
    yield part
  }
}

/** Unpacks, bounded in size and in ratio: what a few bytes unpack to is looked at before it is written. */
export const unpacked = async function* (body: AsyncIterable<Uint8Array>, most: number): AsyncGenerator<Uint8Array> {
  const gunzip = createGunzip()
  let [packed, bytes] = [0, 0]
  let broke: unknown
  const feeding = (async () => {
    for await (const part of body) {
      packed += part.length
      if (gunzip.destroyed) return
      if (!gunzip.write(part)) await new Promise<void>(resolve => gunzip.once('drain', resolve).once('close', resolve))
    }
    gunzip.end()
  })().catch((error: unknown) => {
    broke = error
    gunzip.destroy()
  })
  try {
    for await (const part of gunzip as AsyncIterable<Buffer>) {
      bytes += part.length
      if (bytes > most) throw new FileRefused(tooLarge(most))
      if (bytes > ratioFree + packed * mostRatio) throw new FileRefused('gzip-bomb')
      yield part
    }
  } catch (error) {
    if (broke !== undefined) throw broke
    throw error instanceof FileRefused ? error : isZlib(error) ? new FileRefused('gzip-broken') : error
  } finally {
    gunzip.destroy()
    await feeding
  }
  if (broke !== undefined) throw broke
}
const isZlib = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' && error.code.startsWith('Z_')

/** What a marker promises is compared at the end, before the bytes have a name in the spool. */
const withDigest = async function* (body: AsyncIterable<Uint8Array>, hash: Hash, digest: string | undefined): AsyncGenerator<Uint8Array> {
  yield* body
  if (digest !== undefined && hash.digest('hex') !== digest) throw new FileRefused('digest-differs')
}

const told = (flow: Flow, receipt: Receipt): Receipt => {
  const { file, kind } = receipt
  const { bankCode, name, fault } = file
  if (kind === 'received') flow.note({ event: 'file-received', bankCode, file: name })
  else if (kind === 'refused') flow.note({ event: 'file-refused', bankCode, file: name, fault: fault?.code ?? '' })
  return receipt
}
