import { constants } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Found, Place, Way } from './flows/ways.ts'

/** A folder of this machine into which a bank's files are put by other means: `file:///var/spool/bank-4306`. */
export const folderWay = (bankCode: string, dir: string): Way => ({
  bankCode,
  cameBy: 'folder',
  open: async () => {
    for (const folder of ['done', 'refused', 'receipts']) {
      await mkdir(join(dir, folder), { recursive: true, mode: 0o750 })
      // Whoever may put files here may put a link here: nothing is moved or written where it leads.
      if (!(await lstat(join(dir, folder))).isDirectory()) throw new Error(`${folder} is no directory`)
    }
    return placeIn(dir)
  },
})

const placeIn = (dir: string): Place => {
  const at = (name: string) => join(dir, name)
  return {
    list: async () => {
      const found: Found[] = []
      // By the bytes of the names' own order, so that two looks are alike.
      for (const name of (await readdir(dir)).toSorted()) {
        const one = await lstat(at(name)).catch(() => undefined)
        if (one) found.push({ name, size: one.size, kind: one.isDirectory() ? 'directory' : one.isFile() ? 'regular' : 'other' })
      }
      return found
    },
    read: async function* (name) {
      // What has become a link or a device since it was listed is not followed, and waits for nobody to write into it.
      const file = await open(at(name), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
      try {
        if (!(await file.stat()).isFile()) throw new Error('it is no regular file any more')
        yield* bytesOf(file)
      } finally {
        await file.close()
      }
    },
    move: (name, to) => rename(at(name), join(dir, to, name)).catch(unlessGone),
    remove: name => rm(at(name), { force: true }),
    answer: async (name, text) => {
      const unfinished = join(dir, 'receipts', `.${name}.part`)
      await rm(unfinished, { force: true })
      // New, or not at all: never into what a link there leads to.
      const file = await open(unfinished, 'wx', 0o640)
      try {
        await file.writeFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(unfinished, join(dir, 'receipts', name))
    },
    close: async () => {},
  }
}

const bytesOf = async function* (file: FileHandle): AsyncGenerator<Uint8Array> {
  for (;;) {
    const part = Buffer.allocUnsafe(1 << 18)
    const { bytesRead } = await file.read(part)
    if (bytesRead === 0) return
    yield part.subarray(0, bytesRead)
  }
}

/** Another worker was quicker. */
const unlessGone = (error: unknown): void => {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
}
