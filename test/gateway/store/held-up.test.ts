import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openDatabase } from '../../../gateway/store/database.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'

// A process that is stopped (a frozen machine, a debugger) inside a transaction: its connection stays open and its locks with it.

let fresh: FreshDatabase
beforeAll(async () => {
  fresh = await freshDatabase()
})
afterAll(() => fresh.drop())

test('others wait for its locks a while, not for as long as it sleeps; what it did is undone, and it is told', async () => {
  const sleeper = openDatabase(fresh.url, { connections: 1 })
  const asleep = Promise.withResolvers<void>()
  const wake = Promise.withResolvers<void>()
  const add = "UPDATE counter SET next = next + 100 WHERE name = 'result'"
  const slept = sleeper.transaction(async tx => {
    await tx.execute(add)
    asleep.resolve()
    await wake.promise
    await tx.execute(add)
  })
  // Told at once, or the test would end with an error nobody took.
  const told = expect(slept).rejects.toThrow()
  await asleep.promise
  const other = async (): Promise<number> => {
    for (let waits = 0; ; waits++) {
      try {
        const { affectedRows } = await fresh.db.execute(add)
        return affectedRows
      } catch (error) {
        if (waits === 5) throw error
        await pause(100)
      }
    }
  }
  expect(await other()).toBe(1)
  wake.resolve()
  await told
  expect(await fresh.db.query("SELECT next FROM counter WHERE name = 'result'")).toEqual([{ next: 101 }])
  await sleeper.close()
}, 60_000)
