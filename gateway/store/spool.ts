import { createHash, type Hash } from 'node:crypto'
import { access, type FileHandle, mkdir, open, readdir, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { piecesOf } from './pieces.ts'

/** What lies in the spool after it was taken: its digest, and how long it is. */
export type Kept = { readonly sha256: Buffer; readonly bytes: number }

/**
 * Where the bytes of files lie, each under its own SHA-256: the same bytes lie there once, and whatever is read back is what was written, or an
 * error. What a row speaks of was on the disk before the row was.
 */
export type Spool = {
  /** Writes a file as it comes, never the whole of it in memory; on the disk, name and all, when this resolves. Of what breaks off nothing stays. */
  keep(body: AsyncIterable<Uint8Array>): Promise<Kept>
  /**
   * The bytes of a file, piece after piece, each valid until the next is asked for; after the last of them it throws `SpoolChanged`, where they are not
   * those of this digest.
   */
  read(sha256: Buffer): AsyncGenerator<Uint8Array>
  has(sha256: Buffer): Promise<boolean>
  /** Bytes that are free on its disk. */
  free(): Promise<number>
  /**
   * Removes what nobody speaks of: of writers that were cut off, and of those who died before their row was there. Only what has lain for
   * `afterMs`, so that nobody's work is in the way. Returns how many files.
   */
  sweep(spokenOf: (digests: readonly Buffer[]) => Promise<ReadonlySet<string>>, afterMs: number, now: Date): Promise<number>
}

/** The bytes in the spool are not those that were taken. */
export class SpoolChanged extends Error {
  constructor(sha256: Buffer) {
    super(`the bytes in the spool are not those of ${sha256.toString('hex').slice(0, 16)}…`)
    this.name = 'SpoolChanged'
  }
}

const unfinished = 'unfinished'
const digestForm = /^[0-9a-f]{64}$/

/** Opens the spool in a directory of its own, which it makes; `name` is unique among all that ever wrote there. */
export const openSpool = async (dir: string, name: () => string): Promise<Spool> => {
  await mkdir(join(dir, unfinished), { recursive: true, mode: 0o700 })
  const folderOf = (hex: string): string => join(dir, hex.slice(0, 2))
  const pathOf = (hex: string): string => join(folderOf(hex), hex)
  const has = (sha256: Buffer) => there(pathOf(sha256.toString('hex')))
  return {
    has,
    free: async () => {
      const { bavail, bsize } = await statfs(dir)
      return bavail * bsize
    },
    keep: async body => {
      const at = join(dir, unfinished, name())
      const file = await open(at, 'wx', 0o600)
      try {
        const kept = await closing(file, () => written(file, body))
        const hex = kept.sha256.toString('hex')
        await mkdir(folderOf(hex), { recursive: true, mode: 0o700 })
        await rename(at, pathOf(hex))
        for (const folder of [folderOf(hex), dir]) await flushed(folder)
        return kept
      } catch (error) {
        await rm(at, { force: true })
        throw error
      }
    },
    read: async function* (sha256) {
      if (!(await has(sha256))) throw new SpoolChanged(sha256)
      const hash = createHash('sha256')
      for await (const part of piecesOf(pathOf(sha256.toString('hex')))) {
        hash.update(part)
        yield part
      }
      if (!hash.digest().equals(sha256)) throw new SpoolChanged(sha256)
    },
    sweep: async (spokenOf, afterMs, now) => {
      const isOld = async (path: string) => ((await stat(path).catch(() => undefined))?.mtimeMs ?? Number.NaN) < now.getTime() - afterMs
      const old = async (folder: string, names: readonly string[]): Promise<string[]> => {
        const found: string[] = []
        for (const each of names) if (await isOld(join(folder, each))) found.push(each)
        return found
      }
      const remove = (path: string) => rm(path, { force: true })
      const cut = await old(join(dir, unfinished), await readdir(join(dir, unfinished)))
      for (const each of cut) await remove(join(dir, unfinished, each))
      let removed = cut.length
      for (const folder of await readdir(dir)) {
        if (!/^[0-9a-f]{2}$/.test(folder)) continue
        const names = (await readdir(join(dir, folder))).filter(each => digestForm.test(each))
        const candidates = await old(join(dir, folder), names)
        const known = candidates.length === 0 ? new Set<string>() : await spokenOf(candidates.map(hex => Buffer.from(hex, 'hex')))
        for (const hex of candidates.filter(each => !known.has(each))) {
          // Aside first: the same bytes may come at this moment, and theirs are fresh.
          const aside = join(dir, unfinished, `${hex}-aside`)
          await rename(pathOf(hex), aside)
          if (await isOld(aside)) {
            await remove(aside)
            removed++
          } else await rename(aside, pathOf(hex))
        }
      }
      return removed
    },
  }
}

/** Does something with a file that is closed after it, come what may. */
const closing = async <T>(file: FileHandle, use: () => Promise<T>): Promise<T> => {
  try {
    return await use()
  } finally {
    await file.close()
  }
}

const written = async (file: FileHandle, body: AsyncIterable<Uint8Array>): Promise<Kept> => {
  const hash: Hash = createHash('sha256')
  let bytes = 0
  for await (const part of body) {
    hash.update(part)
    bytes += part.length
    for (let at = 0; at < part.length; ) at += (await file.write(part, at)).bytesWritten
  }
  await file.sync()
  return { sha256: hash.digest(), bytes }
}

/** Of a rename the directory must reach the disk, too. */
const flushed = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  await closing(handle, () => handle.sync())
}

const there = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )
