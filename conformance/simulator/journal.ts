import { type FileHandle, open, readFile } from 'node:fs/promises'
import { Fault } from '@taxlink/bank-sdk'
import type { Change } from './ledger.ts'

/** A file of changes, one JSON line each: whatever was told to a caller is on the disk before it is told. */
export class Journal {
  readonly #file: FileHandle
  #lines: string[] = []
  /** The flush under way, or the one that failed: after a failure nothing counts as written any more. */
  #last: Promise<void> | undefined
  #next: Promise<void> | undefined

  private constructor(file: FileHandle) {
    this.#file = file
  }

  /** Opens or creates the file and gives each change in it to `apply`, in order. A last line cut by a crash was told nobody: it goes. */
  static async open(path: string, apply: (change: Change) => void): Promise<Journal> {
    const file = await open(path, 'a+')
    const stat = await file.stat()
    if (stat.isFile()) {
      const bytes = await readFile(path)
      const whole = bytes.lastIndexOf(0x0a) + 1
      if (whole < bytes.length) await file.truncate(whole)
      replay(bytes.subarray(0, whole), apply)
    }
    return new Journal(file)
  }

  /** Takes a change; it is on the disk once a later `settled` has resolved. */
  write(change: Change): void {
    this.#lines.push(JSON.stringify(change))
  }

  /** Resolves when all that was taken is on the disk; undefined when it is already. Callers of one moment share one write and one fsync. */
  settled(): Promise<void> | undefined {
    if (this.#lines.length === 0) return this.#last
    this.#next ??= (this.#last ?? Promise.resolve()).then(() => this.#flush())
    return this.#next
  }

  async close(): Promise<void> {
    try {
      await this.settled()
    } finally {
      await this.#file.close()
    }
  }

  #flush(): Promise<void> {
    this.#next = undefined
    const lines = this.#lines
    this.#lines = []
    const flush = this.#append(`${lines.join('\n')}\n`).then(() => {
      if (this.#last === flush) this.#last = undefined
    })
    this.#last = flush
    return flush
  }

  async #append(text: string): Promise<void> {
    await this.#file.appendFile(text)
    await this.#file.datasync()
  }
}

const replay = (bytes: Buffer, apply: (change: Change) => void): void => {
  let line = 0
  for (let from = 0; from < bytes.length; ) {
    const to = bytes.indexOf(0x0a, from)
    line++
    try {
      apply(JSON.parse(bytes.toString('utf8', from, to)) as Change)
    } catch (error) {
      throw error instanceof Fault ? error.within({ line }) : new Fault('malformed', 'the journal holds a line that is no change', { line })
    }
    from = to + 1
  }
}
