import { mkdtempSync, statfsSync } from 'node:fs'
import { freemem, tmpdir } from 'node:os'
import { join } from 'node:path'

const memory = '/dev/shm'
const gigabyte = 2 ** 30

/** Where a directory of a run's own is made: in memory where there is plenty of it, because a database of tests waits for the disk most of its time. */
const place = (): string => {
  if (process.env.TMPDIR) return tmpdir()
  try {
    const { bavail, bsize } = statfsSync(memory)
    return bavail * bsize >= 4 * gigabyte && freemem() >= 6 * gigabyte ? memory : tmpdir()
  } catch {
    return tmpdir()
  }
}

/** A new directory for servers of a run's own; whoever made it removes it. */
export const scratch = (prefix: string): string => mkdtempSync(join(place(), prefix))
