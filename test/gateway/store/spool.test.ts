import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import { openSpool, type Spool, SpoolChanged } from '../../../gateway/store/spool.ts'
import { gathered } from '../detail.ts'

const dirs: string[] = []
let [dir, spool] = ['', undefined as unknown as Spool]
let written = 0
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'taxlink-spool-'))
  dirs.push(dir)
  spool = await openSpool(dir, () => `writer-${++written}`)
})
afterAll(() => {
  for (const each of dirs) rmSync(each, { recursive: true, force: true })
})

const now = new Date('2026-11-10T12:00:00.000Z')
const parts = async function* (...given: readonly (Uint8Array | Error)[]): AsyncGenerator<Uint8Array> {
  for (const part of given) {
    if (part instanceof Error) throw part
    yield part
  }
}
const sha256 = (bytes: Uint8Array): Buffer => createHash('sha256').update(bytes).digest()
const files = (): string[] =>
  readdirSync(dir, { recursive: true, withFileTypes: true }).flatMap(entry => (entry.isFile() ? [entry.name] : []))
const pathOf = (digest: Buffer): string => join(dir, digest.toString('hex').slice(0, 2), digest.toString('hex'))

test('what is kept lies under its digest, the same bytes once, and is read back as it was', async () => {
  const bytes = randomBytes(700_000)
  const kept = await spool.keep(parts(bytes.subarray(0, 100_000), bytes.subarray(100_000)))
  expect(kept).toEqual({ sha256: sha256(bytes), bytes: bytes.length })
  expect(await spool.keep(parts(bytes))).toEqual(kept)
  expect(files()).toEqual([kept.sha256.toString('hex')])
  expect(statSync(pathOf(kept.sha256)).mode & 0o777).toBe(0o600)
  expect((await gathered(spool.read(kept.sha256))).equals(bytes)).toBe(true)
  expect([await spool.has(kept.sha256), await spool.has(sha256(Buffer.from('other')))]).toEqual([true, false])
})

test('of what breaks off nothing stays', async () => {
  await expect(spool.keep(parts(randomBytes(1_000), new Error('the line broke')))).rejects.toThrow('the line broke')
  expect(files()).toEqual([])
})

test('bytes that changed on the disk, or are gone, are no file: the reader hears of it', async () => {
  const kept = await spool.keep(parts(Buffer.from('the bytes')))
  writeFileSync(pathOf(kept.sha256), 'the bytez')
  await expect(gathered(spool.read(kept.sha256))).rejects.toThrow(SpoolChanged)
  rmSync(pathOf(kept.sha256))
  await expect(gathered(spool.read(kept.sha256))).rejects.toThrow(SpoolChanged)
})

test('what no row speaks of is removed once it is old; what is fresh, or spoken of, stays', async () => {
  const hour = 3_600_000
  const old = new Date(now.getTime() - 2 * hour)
  const keep = async (text: string, at: Date) => {
    const { sha256: digest } = await spool.keep(parts(Buffer.from(text)))
    utimesSync(pathOf(digest), at, at)
    return digest
  }
  const [known, left, fresh] = [await keep('known', old), await keep('left', old), await keep('fresh', now)]
  const cut = join(dir, 'unfinished', 'writer-0')
  writeFileSync(cut, 'half')
  utimesSync(cut, old, old)
  writeFileSync(join(dir, 'unfinished', 'writer-now'), 'half')
  utimesSync(join(dir, 'unfinished', 'writer-now'), now, now)
  const asked: string[] = []
  const spokenOf = async (digests: readonly Buffer[]) => {
    asked.push(...digests.map(digest => digest.toString('hex')))
    return new Set([known.toString('hex')])
  }
  expect(await spool.sweep(spokenOf, hour, now)).toBe(2)
  expect(asked.sort()).toEqual([known, left].map(digest => digest.toString('hex')).sort())
  expect(files().sort()).toEqual([known.toString('hex'), fresh.toString('hex'), 'writer-now'].sort())
  expect(existsSync(cut)).toBe(false)
  expect(await spool.sweep(spokenOf, hour, now)).toBe(0)
})

test('the same bytes that come while they are being removed stay', async () => {
  const { sha256: digest } = await spool.keep(parts(Buffer.from('twice')))
  const old = new Date(now.getTime() - 7_200_000)
  utimesSync(pathOf(digest), old, old)
  const comingBetween = async () => {
    await spool.keep(parts(Buffer.from('twice')))
    return new Set<string>()
  }
  expect(await spool.sweep(comingBetween, 3_600_000, now)).toBe(0)
  expect((await gathered(spool.read(digest))).toString()).toBe('twice')
})
