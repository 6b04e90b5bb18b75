import { createHash, type Hash } from 'node:crypto'
import { createGunzip } from 'node:zlib'
import { type FileFault, type FileRule, fileFault } from '../domain/file-fault.ts'
import { type FileName, shownFileName } from '../domain/file-name.ts'
import { isNearDay } from '../domain/time.ts'
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

/** What is wrong with bytes while they come. */
export class Broken extends Error {
  readonly fault: FileFault

  constructor(rule: FileRule, detail?: string) {
    super(rule)
    this.fault = fileFault(rule, detail === undefined ? {} : { detail })
  }
}

/** How far text may be packed; what unpacks to more was made to fill a disk. */
const mostRatio = 250
const ratioFree = 1 << 20

/**
 * Takes a file in: its name, its bytes into the spool, then its row, in this order, so that no row speaks of bytes that are not on the disk. The same
 * bytes again get the same answer. `most`: bytes, as they are sent and unpacked. Throws where the way or the record breaks: then nothing was taken.
 */
export const takeIn = async (flow: Flow, spool: Spool, offered: Offered, most: number): Promise<Receipt> => {
  const { bankCode, cameBy } = offered
  const name = shownFileName(offered.name)
  const named = nameIn(bankCode, offered.name, flow.clock())
  const { of, fault = sizeFault(offered.size, most) } = named
  const refused = async (fault: FileFault, bytes: number): Promise<Receipt> =>
    told(flow, { kind: 'refused', file: await flow.store.files.refuse({ bankCode, name, of, cameBy, bytes, fault }, flow.clock()) })
  if (fault || !of) return refused(fault ?? fileFault('bad-name'), offered.size ?? 0)
  const hash = createHash('sha256')
  try {
    const sent = counted(offered.body, most, hash)
    const kept = await spool.keep(withDigest(offered.gzip ? unpacked(sent, most) : sent, hash, offered.digest))
    return told(flow, await flow.store.files.receive({ bankCode, name, of, cameBy, ...kept }, flow.clock()))
  } catch (error) {
    if (error instanceof Broken) return refused(error.fault, offered.size ?? 0)
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
    if (bytes > most) throw new Broken('too-large', `${most} bytes`)
    hash.update(part)
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
      if (bytes > most) throw new Broken('too-large', `${most} bytes`)
      if (bytes > ratioFree + packed * mostRatio) throw new Broken('gzip-bomb')
      yield part
    }
  } catch (error) {
    if (broke !== undefined) throw broke
    throw error instanceof Broken ? error : isZlib(error) ? new Broken('gzip-broken') : error
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
  if (digest !== undefined && hash.digest('hex') !== digest) throw new Broken('digest-differs')
}

const told = (flow: Flow, receipt: Receipt): Receipt => {
  const { file, kind } = receipt
  const { bankCode, name, fault } = file
  if (kind === 'received') flow.note({ event: 'file-received', bankCode, file: name })
  else if (kind === 'refused') flow.note({ event: 'file-refused', bankCode, file: name, fault: fault?.code ?? '' })
  return receipt
}
