import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Flow, Note } from '../../gateway/flows/flow.ts'
import { lookIntoWays, type WayOptions } from '../../gateway/flows/ways.ts'
import { folderWay } from '../../gateway/folder.ts'
import type { Spool } from '../../gateway/store/spool.ts'

// What a folder may hold that hinders others or leads elsewhere; the record is not needed for it.

let dir = ''
let elsewhere = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'taxlink-folder-'))
  elsewhere = mkdtempSync(join(tmpdir(), 'taxlink-elsewhere-'))
})
afterEach(() => {
  for (const each of [dir, elsewhere]) rmSync(each, { recursive: true, force: true })
})

test('a receipt is written beside a link, never into what it leads to', async () => {
  const secret = join(elsewhere, 'secret')
  writeFileSync(secret, 'mine')
  mkdirSync(join(dir, 'receipts'))
  symlinkSync(secret, join(dir, 'receipts', '.a.json.part'))
  const place = await folderWay('4301', dir).open()
  await place.answer('a.json', 'theirs')
  expect([readFileSync(secret, 'utf8'), readFileSync(join(dir, 'receipts', 'a.json'), 'utf8')]).toEqual(['mine', 'theirs'])
})

test.each(['done', 'refused', 'receipts'])('a folder whose %s is a link is not looked into', async name => {
  symlinkSync(elsewhere, join(dir, name))
  await expect(folderWay('4301', dir).open()).rejects.toThrow(`${name} is no directory`)
})

/** Looks as workers do, at a time; without a record. */
const looking = (options: Partial<WayOptions> = {}) => {
  const notes: Note[] = []
  const advanced: number[] = []
  const sizes = new Map()
  let now = Date.parse('2026-11-11T02:00:00.000Z')
  const refuse = (about: object) => Promise.resolve({ ...about, state: 'refused' })
  const flow = {
    clock: () => new Date(now),
    owner: 'one',
    note: (note: Note) => void notes.push(note),
    store: {
      deliveries: {
        lease: () => Promise.resolve({ failures: 0 }),
        advance: (_name: string, _owner: string, { failures }: { failures: number }) => Promise.resolve(void advanced.push(failures)),
      },
      files: { refuse, toAnswer: () => Promise.resolve([]) },
    },
  } as unknown as Flow
  const look = (ms: number): Promise<number> => {
    now += ms
    const given = { bounds: { most: 1 << 20, day: 1 << 30, free: 0 }, settleMs: 60_000, isWhole: () => Promise.resolve(true), ...options }
    return lookIntoWays(flow, {} as Spool, [folderWay('4301', dir)], sizes, given)
  }
  return { notes, advanced, look }
}

test('what cannot be read keeps nothing else waiting, and is trouble', async () => {
  const { notes, advanced, look } = looking()
  writeFileSync(join(dir, 'AAA.txt'), 'x')
  mkdirSync(join(dir, 'AAA.txt.ok'))
  writeFileSync(join(dir, 'BBB.txt'), 'x')
  writeFileSync(join(dir, 'BBB.txt.ok'), '')
  expect(await look(1_000)).toBe(1)
  expect(readdirSync(join(dir, 'refused'))).toEqual(['BBB.txt'])
  expect(existsSync(join(dir, 'AAA.txt'))).toBe(true)
  expect(notes.filter(({ event }) => event === 'trouble')).toHaveLength(1)
  expect(advanced).toEqual([1])
})

test('what has no end is read again only after it has had its time', async () => {
  let read = 0
  const { look } = looking({ isWhole: () => Promise.resolve(++read > 2) })
  writeFileSync(join(dir, 'AAA.txt'), 'x')
  for (let i = 0; i < 100; i++) await look(1_000)
  expect(read).toBe(1)
  for (let i = 0; i < 100; i++) await look(1_000)
  expect([read, readdirSync(join(dir, 'refused'))]).toEqual([3, ['AAA.txt']])
})
