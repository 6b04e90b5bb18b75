import { execFileSync } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { checkFiles, isWholeFile } from '../../gateway/flows/file-check.ts'
import { openSlots } from '../../gateway/flows/slots.ts'
import { lookIntoWays, type Sizes, type Way } from '../../gateway/flows/ways.ts'
import { folderWay } from '../../gateway/folder.ts'
import type { WakeQueue } from '../../gateway/queue.ts'
import { sftpWay } from '../../gateway/sftp.ts'
import { startWork } from '../../gateway/work.ts'
import { openSftp, type SftpServer } from '../sftp.ts'
import { bytesOf, detailLines, fileNameOf, freshName, gathered, goodFile, headerOf } from './detail.ts'
import { type House, openHouse } from './http/house.ts'
import { until } from './stage.ts'

let house: House
let dir = ''
let clock = new Date('2026-11-11T02:00:00.000Z')
beforeAll(async () => {
  house = await openHouse()
  Object.assign(house.flow, { clock: () => clock })
})
afterAll(() => house.close())
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'taxlink-way-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const bounds = { most: 1 << 20, day: 1 << 30, free: 0 }
const settleMs = 60_000
const sizes: Sizes = new Map()
const later = (ms: number) => {
  clock = new Date(clock.getTime() + ms)
}
const look = async (way: Way): Promise<number> => {
  later(1_000_000)
  return lookIntoWays(house.flow, house.spool, [way], sizes, { bounds, settleMs, isWhole: isWholeFile })
}
/** The file, its check, and the receipt that follows. */
const through = async (way: Way): Promise<number> => {
  const taken = await look(way)
  await checkFiles(house.flow, house.spool)
  await look(way)
  return taken
}
const put = (name: string, bytes: Uint8Array | string, marker?: string) => {
  writeFileSync(join(dir, name), bytes)
  if (marker !== undefined) writeFileSync(join(dir, `${name}.ok`), marker)
}
const lies = (folder = ''): string[] =>
  readdirSync(join(dir, folder), { withFileTypes: true })
    .filter(entry => !entry.isDirectory())
    .map(entry => entry.name)
    .sort()
const receipt = (name: string) =>
  JSON.parse(readFileSync(join(dir, 'receipts', `${name}.json`), 'utf8')) as { state: string; fault?: { code: string } }
const stateOf = async (bankCode: string, name: string) => (await house.store.files.findByName(bankCode, name))?.state

/** A way of either kind over the same directory. */
const kinds: { readonly [kind: string]: () => Promise<{ way: Way; bankCode: string; close(): Promise<void> }> } = {
  folder: async () => ({ way: folderWay('4301', dir), bankCode: '4301', close: async () => {} }),
  sftp: async () => {
    const server = await openSftp(dir)
    const url = `sftp://taxlink@127.0.0.1:${server.port}/`
    return { way: sftpWay('4306', { url, key: server.key, host: server.host }, 300), bankCode: '4306', close: () => server.close() }
  },
}
describe.each(Object.keys(kinds))('a directory by %s', kind => {
  let opened: Awaited<ReturnType<(typeof kinds)[string]>>
  beforeEach(async () => {
    opened = await kinds[kind]!()
  })
  afterEach(() => opened.close())

  test('a file with its marker is taken at once, put away, checked, and answered', async () => {
    const { way, bankCode } = opened
    const { name, bytes } = await goodFile(bankCode)
    put(name, bytes, '')
    expect(await through(way)).toBe(1)
    expect([lies(), lies('done'), lies('refused'), lies('receipts')]).toEqual([[], [name], [], [`${name}.json`]])
    expect(receipt(name)).toMatchObject({ name, bankCode, state: 'complete', cameBy: kind, lines: 2, session: expect.any(Number) })
    expect(await house.store.files.findByName(bankCode, name)).toMatchObject({ state: 'complete', bytes: bytes.length })
  })
  test('one without a marker is taken when it has stopped growing and has its end', async () => {
    const { way, bankCode } = opened
    const { name, bytes } = await goodFile(bankCode)
    const half = bytes.subarray(0, bytes.length - 20)
    put(name, half)
    expect([await look(way), await look(way)]).toEqual([0, 0])
    expect(lies()).toEqual([name])
    put(name, bytes)
    expect(await look(way)).toBe(0)
    expect(await look(way)).toBe(1)
    expect([lies(), lies('done')]).toEqual([[], [name]])
  })
  test('a packed one is unpacked; one that is cut waits, and with a marker is refused', async () => {
    const { way, bankCode } = opened
    const [one, two] = [await goodFile(bankCode), await goodFile(bankCode)]
    put(`${one.name}.gz`, gzipSync(one.bytes), '')
    expect(await through(way)).toBe(1)
    expect(receipt(one.name)).toMatchObject({ state: 'complete', bytes: one.bytes.length })
    const cut = gzipSync(two.bytes).subarray(0, -12)
    put(`${two.name}.gz`, cut)
    expect([await look(way), await look(way)]).toEqual([0, 0])
    put(`${two.name}.gz`, cut, '')
    expect(await through(way)).toBe(1)
    expect(receipt(two.name)).toMatchObject({ state: 'refused', fault: { code: 'gzip-broken' } })
    expect(lies('refused')).toEqual([`${two.name}.gz`])
  })
  test('a marker with a digest is believed: other bytes are refused', async () => {
    const { way, bankCode } = opened
    const [one, two] = [await goodFile(bankCode), await goodFile(bankCode)]
    const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')
    put(one.name, one.bytes, `${digest(one.bytes)}  ${one.name}\n`)
    put(two.name, two.bytes, digest(one.bytes).toUpperCase())
    expect(await through(way)).toBe(2)
    expect([receipt(one.name), receipt(two.name)]).toMatchObject([
      { state: 'complete' },
      { state: 'refused', fault: { code: 'digest-differs' } },
    ])
  })
  test('links, pipes, hidden and unfinished ones, folders and foreign names are not taken', async () => {
    const { way, bankCode } = opened
    const { name, bytes } = await goodFile(bankCode)
    const secret = join(tmpdir(), `taxlink-secret-${randomUUID()}`)
    writeFileSync(secret, bytes)
    symlinkSync(secret, join(dir, name))
    writeFileSync(join(dir, `${name}.ok`), '')
    const left = [`.${name}`, `${name}.part`, `${name}.filepart`, `${name}.tmp`]
    for (const each of left) put(each, bytes, '')
    mkdirSync(join(dir, fileNameOf(freshName(bankCode))))
    const pipe = fileNameOf(freshName(bankCode))
    if (kind === 'folder') execFileSync('mkfifo', [join(dir, pipe)])
    const other = fileNameOf(freshName('4310'))
    const ahead = fileNameOf(freshName(bankCode, { accountingDate: '2099-01-01' }))
    const bad = {
      'notes.txt': 'bad-name',
      'DROP TABLE.sql': 'bad-name',
      [`${name}\u202etxt`]: 'bad-name',
      [other]: 'other-bank',
      [ahead]: 'day-ahead',
    }
    for (const each of Object.keys(bad)) put(each, bytes, '')
    expect(await through(way)).toBe(5)
    expect(lies('done')).toEqual([])
    expect(lies('refused')).toEqual([...Object.keys(bad), name, ...(kind === 'folder' ? [pipe] : [])].sort())
    for (const each of left) expect(lies()).toContain(each)
    for (const [each, code] of Object.entries(bad)) expect(receipt(each.replace(/[\u202e ]/g, '_')).fault).toMatchObject({ code })
    expect(await house.store.files.findByName(bankCode, name)).toMatchObject({
      state: 'refused',
      sha256: undefined,
      fault: { code: 'not-regular' },
    })
    rmSync(secret)
  })
  test('ten gigabytes are refused by their size, unread', async () => {
    const { way, bankCode } = opened
    const name = fileNameOf(freshName(bankCode))
    put(name, '', '')
    truncateSync(join(dir, name), 10 * 2 ** 30)
    expect(await through(way)).toBe(1)
    expect(receipt(name)).toMatchObject({ state: 'refused', bytes: 10 * 2 ** 30, fault: { code: 'too-large' } })
    rmSync(join(dir, 'refused', name))
  })
  test('the same again gets its receipt again; what was not asked for is refused, and what is asked for is taken', async () => {
    const { way, bankCode } = opened
    const { of: name, bytes: first } = await goodFile(bankCode)
    const others = detailLines(3)
    const second = await bytesOf(headerOf(name, others), others)
    put(fileNameOf(name), first, '')
    await through(way)
    rmSync(join(dir, 'receipts'), { recursive: true })
    put(fileNameOf(name), first, '')
    expect(await through(way)).toBe(1)
    expect(receipt(fileNameOf(name))).toMatchObject({ state: 'complete', repeats: 1 })
    put(fileNameOf(name), second, '')
    await through(way)
    expect(receipt(fileNameOf(name))).toMatchObject({ state: 'refused', fault: { code: 'content-differs' } })
    expect(await house.store.files.complete(bankCode, name.accountingDate, name.session)).toMatchObject([{ repeats: 1 }])
  })
  test('of two that look at once one takes it, and a look that is cut off is made again', async () => {
    const { way, bankCode } = opened
    const { name, bytes } = await goodFile(bankCode)
    put(name, bytes, '')
    const cut: Way = { ...way, open: async () => ({ ...(await way.open()), move: () => Promise.reject(new Error('cut')) }) }
    expect(await look(cut)).toBe(0)
    expect(lies()).toEqual([name, `${name}.ok`])
    expect(await stateOf(bankCode, name)).toBe('received')
    expect(house.notes.at(-1)).toMatchObject({ event: 'trouble', bankCode })
    later(1_000_000)
    const options = { bounds, settleMs, isWhole: isWholeFile }
    const taken = await Promise.all(['a', 'b'].map(owner => lookIntoWays({ ...house.flow, owner }, house.spool, [way], new Map(), options)))
    expect(taken.toSorted((a, b) => a - b)).toEqual([0, 1])
    expect(await house.store.files.findByName(bankCode, name)).toMatchObject({ state: 'received', repeats: 1 })
    await checkFiles(house.flow, house.spool)
    expect(await stateOf(bankCode, name)).toBe('complete')
  })
})

test('a file for which there is no room stays where it lies, and somebody is told; it is taken when there is', async () => {
  const { name, bytes } = await goodFile('4301')
  const way = folderWay('4301', dir)
  put(name, bytes, '')
  const full: Way[] = [way]
  later(1_000_000)
  const options = { bounds: { ...bounds, day: 10 }, settleMs, isWhole: isWholeFile }
  expect(await lookIntoWays(house.flow, house.spool, full, sizes, options)).toBe(0)
  expect(house.notes.at(-1)).toMatchObject({ event: 'trouble', bankCode: '4301', detail: expect.stringContaining('NoRoom') })
  expect(existsSync(join(dir, name))).toBe(true)
  expect(await house.store.files.findByName('4301', name)).toBeUndefined()
  expect(await look(way)).toBe(1)
})

describe('the server of a bank', () => {
  let server: SftpServer
  beforeEach(async () => {
    server = await openSftp(dir)
  })
  afterEach(() => server.close())
  const wayTo = (change: { host?: string; key?: string; port?: number; user?: string } = {}) => {
    const { host = server.host, key = server.key, port = server.port, user = 'taxlink' } = change
    return sftpWay('4310', { url: `sftp://${user}@127.0.0.1:${port}/`, key, host }, 200)
  }
  test('is known by its key: by another nothing is asked of it', async () => {
    const other = await openSftp(dir)
    await expect(wayTo({ host: other.host }).open()).rejects.toThrow()
    await expect(wayTo({ host: `SHA256:${'A'.repeat(43)}` }).open()).rejects.toThrow()
    expect(existsSync(join(dir, 'done'))).toBe(false)
    await other.close()
  })
  test('knows us by our key, and by our name', async () => {
    const other = await openSftp(dir)
    await expect(wayTo({ key: other.key }).open()).rejects.toThrow()
    await expect(wayTo({ user: 'root' }).open()).rejects.toThrow()
    await other.close()
    await (await wayTo().open()).close()
  })
  test('that falls silent in the middle of a file is left, and the file is taken when it speaks again', async () => {
    const { name, bytes } = await goodFile('4310', detailLines(500))
    put(name, bytes, '')
    server.silent.add(name)
    expect(await look(wayTo())).toBe(0)
    expect(house.notes.at(-1)).toMatchObject({ event: 'trouble', bankCode: '4310', detail: expect.stringContaining('silent') })
    expect(await stateOf('4310', name)).toBeUndefined()
    server.silent.clear()
    expect(await through(wayTo())).toBe(1)
    expect(await stateOf('4310', name)).toBe('complete')
  })
  test('that is away is tried later and later, and the others are looked into', async () => {
    const away = wayTo({ port: 1 })
    later(1_000_000)
    const { name, bytes } = await goodFile('4301')
    const folder = mkdtempSync(join(tmpdir(), 'taxlink-way-'))
    writeFileSync(join(folder, name), bytes)
    writeFileSync(join(folder, `${name}.ok`), '')
    const options = { bounds, settleMs, isWhole: isWholeFile }
    const both = [away, folderWay('4301', folder)]
    expect(await lookIntoWays(house.flow, house.spool, both, sizes, options)).toBe(1)
    const { length } = house.notes
    expect(await lookIntoWays(house.flow, house.spool, [away], sizes, options)).toBe(0)
    expect(house.notes.slice(length)).toEqual([])
    later(1_000_000)
    await lookIntoWays(house.flow, house.spool, [away], sizes, options)
    expect(house.notes.slice(length)).toMatchObject([{ event: 'trouble' }])
    rmSync(folder, { recursive: true })
  })
})

test('a name that another writer gives back is no matter', async () => {
  const way = folderWay('4301', dir)
  const place = await way.open()
  await place.move('nobody', 'done')
  await place.remove('nobody')
  put('a', 'x')
  renameSync(join(dir, 'a'), join(dir, 'b'))
  await expect(gathered(place.read('a'))).rejects.toThrow()
})

test('a directory that never answers keeps no other bank’s waiting', async () => {
  let release = (): void => {}
  const held = new Promise<void>(resolve => {
    release = resolve
  })
  const opened: string[] = []
  const way = (bankCode: string, answer: Promise<void>): Way => ({
    bankCode,
    cameBy: 'sftp',
    open: async () => {
      opened.push(bankCode)
      await answer
      throw new Error('nobody there')
    },
  })
  const pauses = () => new Promise<void>(resolve => setTimeout(resolve, 5))
  // Each look is far from the last, so that none is left out because one before it failed.
  const flow = {
    ...house.flow,
    pause: pauses,
    clock: () => {
      later(1_000_000)
      return clock
    },
  }
  const queue = { work: () => {}, tell: () => Promise.resolve() } as unknown as WakeQueue
  const ways = [way('4301', held), way('4306', Promise.resolve())]
  const work = startWork(flow, openSlots(1), queue, { relayMs: 1, sweepMs: 1, files: { spool: house.spool, ways, bounds, settleMs } })
  try {
    await until('the one is looked into', () => opened.includes('4301'))
    const others = () => opened.filter(code => code === '4306').length
    const before = others()
    await until('the other is looked into again', () => others() > before + 1)
    expect(opened.filter(code => code === '4301')).toHaveLength(1)
  } finally {
    release()
    await work.stop()
  }
})
