import { fail } from '@taxlink/bank-sdk'
import type { Database } from './database.ts'

/** Hands out numbers that are never given twice, in blocks taken (and committed) before any is used; a crash leaves gaps, never repeats. */
export type Counters = { take(name: string): number | Promise<number> }

/** `blockOf` says how many numbers a counter takes at a time. */
export const openCounters = (db: Database, blockOf: (name: string) => number): Counters => {
  type Block = { next: number; end: number; refill: Promise<void> | undefined }
  const blocks = new Map<string, Block>()

  const refill = async (name: string, block: Block): Promise<void> => {
    const size = blockOf(name)
    const done = await db.execute(
      'INSERT INTO counter (name, next) VALUES (?, 1 + ?) ON DUPLICATE KEY UPDATE next = LAST_INSERT_ID(next) + ?',
      [name, size, size],
    )
    // One affected row: the counter is new and starts at 1. Two: it was updated, and LAST_INSERT_ID is where it stood.
    const first = done.affectedRows === 1 ? 1 : Number(done.insertId)
    block.next = first
    block.end = first + size
  }
  const slow = async (name: string, block: Block): Promise<number> => {
    while (block.next >= block.end) {
      block.refill ??= refill(name, block).finally(() => {
        block.refill = undefined
      })
      await block.refill
    }
    return block.next++
  }
  return {
    take: name => {
      // Counters of days gone by are of no use any more.
      if (blocks.size > 5_000) blocks.clear()
      const block = blocks.get(name) ?? { next: 0, end: 0, refill: undefined }
      blocks.set(name, block)
      return block.next < block.end ? block.next++ : slow(name, block)
    },
  }
}

/** The serial number (交易流水号, 8 digits) for an office and an entrust date, never used again. */
export const takeSerial = async (counters: Counters, officeCode: string, entrustDate: string): Promise<string> => {
  const n = await counters.take(`serial/${officeCode}/${entrustDate}`)
  if (n > 99_999_999) fail('over-limit', 'all 99,999,999 serial numbers of this office and day are used', { field: 'serialNo' })
  return String(n).padStart(8, '0')
}

/** The first of `count` numbers in a row that nobody else is given. */
export const takeRun = async (db: Database, name: string, count: number): Promise<number> => {
  const done = await db.execute(
    'INSERT INTO counter (name, next) VALUES (?, 1 + ?) ON DUPLICATE KEY UPDATE next = LAST_INSERT_ID(next) + ?',
    [name, count, count],
  )
  return done.affectedRows === 1 ? 1 : Number(done.insertId)
}
