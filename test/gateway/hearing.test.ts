import { randomUUID } from 'node:crypto'
import net from 'node:net'
import { openPush, type Push, type PushLine, type RequestOf, type Tls } from '@taxlink/bank-sdk'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { bankOf } from '#adapters'
import type { BankListen } from '../../gateway/config.ts'
import type { Flow, Note } from '../../gateway/flows/flow.ts'
import { allowing, type Hearing, openHearing } from '../../gateway/hearing.ts'
import { openStore, type Store } from '../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../database.ts'
import { authority } from '../sdk/line-kit.ts'
import { type Named, particularsOf, writeActive } from './agreements.ts'
import { authority as clients, purposes, uri } from './http/certificates.ts'
import { sampleReference, stage } from './stage.ts'

let fresh: FreshDatabase
let store: Store
let notes: Note[]
let flow: Flow
const open: { close(): Promise<void> }[] = []

beforeAll(async () => {
  fresh = await freshDatabase()
})
afterAll(() => fresh.drop())
beforeEach(() => {
  store = openStore(fresh.db)
  const played = stage(store, sampleReference(), [], `test-${randomUUID().slice(0, 8)}`)
  notes = played.notes
  flow = played.flow
})
afterEach(async () => {
  for (const one of open.splice(0)) await one.close()
})

const anywhere: BankListen = { url: '', from: [] }
const hear = async (
  listens: { readonly [code: string]: BankListen },
  more: Partial<Parameters<typeof openHearing>[0]> = {},
): Promise<Hearing> => {
  const hearing = await openHearing({ flow, listens, tls: undefined, ...more })
  open.push(hearing)
  return hearing
}
const telling = (code: string, url: string, tls?: Tls): PushLine => {
  const line = openPush(bankOf(code)!, url, tls ? { tls } : {})
  open.unshift({ close: () => line.close() })
  return line
}
let serial = 70_000_000
const result = (more: Partial<RequestOf<'bindingResult'>> = {}): RequestOf<'bindingResult'> => ({
  officeCode: '14301020000',
  entrustDate: '2026-11-10',
  serialNo: String(++serial),
  agreementNo: 'XY-NOBODY-HAS-IT',
  result: { class: 'succeeded', code: '90000', bankCode: '0000' },
  taxpayerName: '长沙星城机械有限公司',
  account: '6222021901000000017',
  ...more,
})
/** The same result in the words of another bank's table. */
const inWordsOf = (code: string, told: RequestOf<'bindingResult'>): RequestOf<'bindingResult'> => ({
  ...told,
  result: { ...told.result, bankCode: code === '4306' ? 'AAAAAA' : '0000' },
})
const rows = () =>
  fresh.db.query<{ bankCode: string; verb: Push; code: string | null; repeats: number; contradictions: number; transcript: string }>(
    'SELECT bank_code AS bankCode, verb, result_code AS code, repeats, contradictions, transcript FROM bank_message WHERE serial_no = ?',
    [String(serial)],
  )
const addresses = { '4301': { ...anywhere, url: 'tcp://127.0.0.1:0' }, '4306': { ...anywhere, url: 'http://127.0.0.1:0' } }

describe.each(['4301', '4306'])('bank %s is heard in its own dialect', code => {
  test('what it tells is written down, masked, and the same again gets the same receipt', async () => {
    const { urls } = await hear(addresses)
    const line = telling(code, urls[code]!)
    const told = inWordsOf(code, result())
    const receipt = await line.tell('bindingResult', told)
    expect(receipt).toMatchObject({
      serialNo: told.serialNo,
      agreementNo: told.agreementNo,
      result: { code: '24009', bankText: '未签订三方协议' },
    })
    expect(await line.tell('bindingResult', told)).toEqual(receipt)
    expect(await line.tell('bindingResult', { ...told, account: '6222021901000000018' })).toMatchObject({ result: { code: '92006' } })
    const [row] = await rows()
    expect(row).toMatchObject({ bankCode: code, verb: 'bindingResult', code: '24009', repeats: 1, contradictions: 1 })
    expect(row!.transcript).not.toContain('6222021901000000017')
    expect(row!.transcript).not.toContain('星城')
    expect(notes.filter(note => note.event === 'heard').map(note => note.code)).toEqual(['24009', '24009', '92006'])
  })

  test('a notice, too', async () => {
    const { urls } = await hear(addresses)
    const line = telling(code, urls[code]!)
    const notice = { officeCode: '14301020000', entrustDate: '2026-11-10', serialNo: String(++serial), agreementNo: 'XY-NOBODY-HAS-IT' }
    const receipt = await line.tell('bindingNotice', { ...notice, event: 'suspended', reason: '客户挂失' })
    expect(receipt.result.code).toBe('24009')
    expect(await rows()).toMatchObject([{ verb: 'bindingNotice', code: '24009', repeats: 0 }])
  })

  test('while the record is away there is no receipt, and afterwards the same gets one', async () => {
    let away = true
    const { inbox } = store
    const failing: Store = {
      ...store,
      inbox: { ...inbox, receive: (...given) => (away ? Promise.reject(new Error('away')) : inbox.receive(...given)) },
    }
    const { urls } = await hear(addresses, { flow: { ...flow, store: failing } })
    const line = telling(code, urls[code]!)
    const told = inWordsOf(code, result())
    await expect(line.tell('bindingResult', told, 300)).rejects.toMatchObject({ delivered: 'maybe' })
    away = false
    expect((await line.tell('bindingResult', told)).result.code).toBe('24009')
    expect(await rows()).toMatchObject([{ code: '24009', repeats: 0 }])
  })
})

let taxpayers = 80_000
/** An agreement in force with this bank. */
const inForceAt = async (bankCode: string): Promise<Named> => {
  const { branch, ...particulars } = particularsOf(++taxpayers, { bankCode, account: `${bankCode}${String(taxpayers).padStart(12, '0')}` })
  const named = { ...particulars, payerBankNo: branch, agreementNo: `XY-HEARD-${taxpayers}` }
  await writeActive(fresh.db, [named])
  return named
}
const notice = (agreementNo: string, event: RequestOf<'bindingNotice'>['event']): RequestOf<'bindingNotice'> => ({
  officeCode: '14301020000',
  entrustDate: '2026-11-10',
  serialNo: String(++serial),
  agreementNo,
  event,
})
const found = (agreementNo: string) => store.agreements.find(agreementNo)
const eventsOf = async (agreementNo: string) => (await store.agreements.life(agreementNo))!.journal.map(({ event }) => event)

describe.each(['4301', '4306'])('bank %s and agreements of the record', code => {
  const other = code === '4301' ? '4306' : '4301'
  test('90000 where it is done and again, 93004 where it contradicts, 24016 of another bank’s, 24017 of what is over', async () => {
    const { urls } = await hear(addresses)
    const [line, foreign] = [telling(code, urls[code]!), telling(other, urls[other]!)]
    const { agreementNo } = await inForceAt(code)
    const say = async (event: RequestOf<'bindingNotice'>['event'], by = line) =>
      (await by.tell('bindingNotice', notice(agreementNo, event))).result.code
    expect(await say('suspended')).toBe('90000')
    expect(await found(agreementNo)).toMatchObject({ state: 'suspended', suspendedBy: 'bank' })
    expect(await say('suspended')).toBe('90000')
    // What is in force cannot have been refused.
    const closed = { class: 'refused', code: '24005', bankCode: code === '4306' ? 'E10014' : '1014' } as const
    expect((await line.tell('bindingResult', result({ agreementNo, result: closed }))).result.code).toBe('93004')
    expect(await say('resumed')).toBe('90000')
    expect(await say('suspended', foreign)).toBe('24016')
    expect(await found(agreementNo)).toMatchObject({ state: 'accepted' })
    expect(await eventsOf(agreementNo)).toEqual(['suspend', 'resume', 'foreign'])
    expect(await say('account-closed')).toBe('90000')
    expect(await found(agreementNo)).toMatchObject({ state: 'void', voidReason: 'account-closed' })
    expect(await say('resumed')).toBe('24017')
  })

  test('told again after the process died between the deed and the receipt: the receipt of the deed, and nothing twice', async () => {
    const { urls } = await hear(addresses)
    const { inbox } = store
    const dying: Store = { ...store, inbox: { ...inbox, answer: () => Promise.reject(new Error('killed')) } }
    const first = await hear({ [code]: addresses[code as '4301'] }, { flow: { ...flow, store: dying } })
    const { agreementNo } = await inForceAt(code)
    const lost = async (told: RequestOf<'bindingNotice'>, bank = code) => {
      const to = bank === code ? first : await hear({ [bank]: addresses[bank as '4301'] }, { flow: { ...flow, store: dying } })
      await expect(telling(bank, to.urls[bank]!).tell('bindingNotice', told, 400)).rejects.toMatchObject({ delivered: 'maybe' })
    }
    const line = telling(code, urls[code]!)
    const again = async (told: RequestOf<'bindingNotice'>, by = line) => (await by.tell('bindingNotice', told)).result.code
    const suspended = notice(agreementNo, 'suspended')
    await lost(suspended)
    expect(await again(notice(agreementNo, 'resumed'))).toBe('90000')
    // The customer's stop was ended since: its notice, told once more, must not stop the payments again.
    expect(await again(suspended)).toBe('90000')
    expect(await found(agreementNo)).toMatchObject({ state: 'accepted' })
    const foreign = notice(agreementNo, 'cancelled')
    await lost(foreign, other)
    expect(await again(foreign, telling(other, urls[other]!))).toBe('24016')
    const closed = notice(agreementNo, 'account-closed')
    await lost(closed)
    expect(await again(closed)).toBe('90000')
    expect(await eventsOf(agreementNo)).toEqual(['suspend', 'resume', 'foreign', 'void'])
  })

  test('two gateways hear the same of an agreement at once: done once, one receipt', async () => {
    const [one, two] = [await hear(addresses), await hear(addresses)]
    const { agreementNo } = await inForceAt(code)
    const told = notice(agreementNo, 'account-closed')
    const lines = [one, two, one, two].map(({ urls }) => telling(code, urls[code]!))
    const receipts = await Promise.all(lines.map(line => line.tell('bindingNotice', told)))
    expect(receipts.map(({ result: { code } }) => code)).toEqual(['90000', '90000', '90000', '90000'])
    expect(await eventsOf(agreementNo)).toEqual(['void'])
  })
})

test('a process that died before the deed: another does what is left, and gives the receipt', async () => {
  const { urls } = await hear(addresses)
  const told = result()
  const { agreements } = store
  const half: Store = { ...store, agreements: { ...agreements, heard: () => Promise.reject(new Error('killed')) } }
  const other = await hear({ '4301': addresses['4301'] }, { flow: { ...flow, store: half } })
  await expect(telling('4301', other.urls['4301']!).tell('bindingResult', told, 300)).rejects.toMatchObject({ fault: 'timeout' })
  expect(await rows()).toMatchObject([{ code: null }])
  expect((await telling('4301', urls['4301']!).tell('bindingResult', told)).result.code).toBe('24009')
  expect(await rows()).toMatchObject([{ code: '24009', repeats: 1 }])
})

test('two gateways hear the same at once: one row, one receipt', async () => {
  const [one, two] = [await hear(addresses), await hear(addresses)]
  const told = result()
  const lines = [one, two, one, two].map(({ urls }) => telling('4301', urls['4301']!))
  const receipts = await Promise.all(lines.map(line => line.tell('bindingResult', told)))
  expect(new Set(receipts.map(receipt => JSON.stringify(receipt))).size).toBe(1)
  expect(await rows()).toMatchObject([{ code: '24009', repeats: 3 }])
})

test('what a bank said is never changed, in the database either', async () => {
  const { urls } = await hear(addresses)
  await telling('4301', urls['4301']!).tell('bindingResult', result())
  for (const sql of [
    "UPDATE bank_message SET transcript = '{}' WHERE serial_no = ?",
    "UPDATE bank_message SET result_code = '90000' WHERE serial_no = ?",
    'DELETE FROM bank_message WHERE serial_no = ?',
  ])
    await expect(fresh.db.execute(sql, [String(serial)])).rejects.toThrow(/never|once/)
})

/** A socket to a line, and what ended it. */
const stranger = async (url: string): Promise<{ socket: net.Socket; heard: () => string; ended: Promise<void> }> => {
  const socket = net.connect(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  const parts: Buffer[] = []
  socket.on('data', part => parts.push(part))
  socket.on('error', () => undefined)
  const ended = new Promise<void>(resolve => socket.once('close', () => resolve()))
  await new Promise<void>(resolve => {
    socket.once('connect', resolve)
    socket.once('close', () => resolve())
  })
  return { socket, heard: () => Buffer.concat(parts).toString('latin1'), ended }
}
const questionOf = ({ officeCode, entrustDate, serialNo, agreementNo }: RequestOf<'bindingResult'>) => ({
  officeCode,
  entrustDate,
  serialNo,
  agreementNo,
})
const strays = () => notes.filter(note => note.event === 'stray').map(note => note.fault)

describe('strangers', () => {
  const xml = () => Buffer.from(bankOf('4306')!.bindingResult!.request.encode(inWordsOf('4306', result())))
  const framed = (body: Buffer) => Buffer.concat([Buffer.from(String(body.length).padStart(6, '0')), body])

  test.each<readonly [string, () => Buffer, string]>([
    ['garbage', () => Buffer.alloc(64, 0xff), 'bad-frame'],
    ['a length beyond all measure', () => Buffer.from('999999'.padEnd(64, '9')), 'unknown-message'],
    ['the dialect of another bank', () => framed(xml()), 'unknown-message'],
    [
      'a message of its own that is no notice',
      () => framed(Buffer.from(bankOf('4301')!.bindingStatus!.request.encode(questionOf(result())))),
      'unknown-message',
    ],
    [
      'a message cut short in a good frame',
      () => framed(Buffer.from(bankOf('4301')!.bindingResult!.request.encode(result())).subarray(0, 200)),
      'wrong-length',
    ],
    ['an empty frame', () => Buffer.from('000000'), 'bad-frame'],
    ['TLS', () => Buffer.from('160301020001000000', 'hex'), 'bad-frame'],
    ['HTTP', () => Buffer.from('POST /ets/bank HTTP/1.1\r\n\r\n'), 'bad-frame'],
  ])('over TCP, %s: cut off, and the bank is heard', async (what, bytes, fault) => {
    const { urls } = await hear(addresses, { times: { idleMs: 60_000, frameMs: 400 } })
    const line = telling('4301', urls['4301']!)
    const { socket, heard, ended } = await stranger(urls['4301']!)
    socket.write(bytes())
    await ended
    expect(heard()).toBe('')
    // What announces more than comes is cut off when its time is up.
    expect(strays(), what).toEqual([fault === 'unknown-message' && what.startsWith('a length') ? 'timeout' : fault])
    expect((await line.tell('bindingResult', result())).result.code).toBe('24009')
  })

  test('half a frame, and one byte now and then: cut off in time, however many', async () => {
    const { urls } = await hear(addresses, { times: { idleMs: 60_000, frameMs: 300 } })
    const whole = framed(Buffer.from(bankOf('4301')!.bindingResult!.request.encode(result())))
    const slow = await Promise.all(Array.from({ length: 20 }, () => stranger(urls['4301']!)))
    for (const { socket } of slow) socket.write(whole.subarray(0, 100))
    let at = 100
    const drip = setInterval(() => {
      for (const { socket } of slow) socket.write(whole.subarray(at, at + 1))
      at++
    }, 50)
    onTestFinished(() => clearInterval(drip))
    await Promise.all(slow.map(({ ended }) => ended))
    expect(slow.map(({ heard }) => heard()).join('')).toBe('')
    expect((await telling('4301', urls['4301']!).tell('bindingResult', result())).result.code).toBe('24009')
  })

  test('over HTTP: refused with a status, and the bank is heard', async () => {
    const { urls } = await hear(addresses, { times: { idleMs: 60_000, frameMs: 400 } })
    const post = (body: Uint8Array | string, path = '/ets/bank', headers: Record<string, string> = {}) =>
      fetch(`${urls['4306']}${path}`, { method: 'POST', body: Buffer.from(body), headers }).then(({ status }) => status)
    expect(await post('<!DOCTYPE TAX [<!ENTITY a "b">]><TAX>&a;</TAX>')).toBe(400)
    expect(await post(Buffer.alloc(64, 0xff))).toBe(400)
    expect(await post(xml(), '/elsewhere')).toBe(400)
    expect(await post(Buffer.from(bankOf('4301')!.bindingResult!.request.encode(result())))).toBe(400)
    expect(await post(Buffer.alloc(1_048_577, 0x20))).toBe(413)
    expect(await post(xml(), '/ets/bank', { 'content-encoding': 'gzip' })).toBe(415)
    expect(await fetch(`${urls['4306']}/ets/bank`).then(({ status }) => status)).toBe(405)
    const { socket, ended } = await stranger(urls['4306']!)
    socket.write('POST /ets/bank HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n<TAX>')
    await ended
    expect((await telling('4306', urls['4306']!).tell('bindingResult', inWordsOf('4306', result()))).result.code).toBe('24009')
  })

  test('from an address that is not agreed: cut off unread', async () => {
    const { urls } = await hear({ '4301': { url: 'tcp://127.0.0.1:0', from: ['10.20.1.10', '10.20.2.0/24'] } })
    const { socket, heard, ended } = await stranger(urls['4301']!)
    socket.write(framed(Buffer.from(bankOf('4301')!.bindingResult!.request.encode(result()))))
    await ended
    expect(heard()).toBe('')
    expect(strays()).toEqual(['not-permitted'])
    expect(await rows()).toEqual([])
  })

  test('many of one kind are one line in the log, with their number', async () => {
    const hearing = await hear(addresses)
    const { urls } = hearing
    for (let n = 0; n < 30; n++) {
      const { socket, ended } = await stranger(urls['4301']!)
      socket.write('garbage, garbage')
      await ended
    }
    expect(notes.filter(note => note.event === 'stray')).toHaveLength(1)
    await hearing.close()
    expect(notes.filter(note => note.event === 'stray').map(note => note.count)).toEqual([undefined, 29])
  })

  test('more connections than a bank has are refused, and its own are served', async () => {
    const { urls } = await hear(addresses)
    const line = telling('4301', urls['4301']!)
    expect((await line.tell('bindingResult', result())).result.code).toBe('24009')
    const many = await Promise.all(Array.from({ length: 80 }, () => stranger(urls['4301']!)))
    await Promise.race(many.map(({ ended }) => ended))
    expect((await line.tell('bindingResult', result())).result.code).toBe('24009')
    expect(strays()).toContain('line-busy')
  })
})

test('over TLS only the certificate of the bank itself is heard', async () => {
  const { ca, issue } = await authority('banks')
  const server = await issue('gateway', 'server')
  const banks = await clients('CN=banks of the test')
  const certificate = (code: string) =>
    banks.issue({ names: [uri(`urn:taxlink:bank:${code}`)], usages: [purposes.clientAuth] }).then(pem => ({ ca, ...pem }))
  const { urls } = await hear({ '4301': { url: 'tls://127.0.0.1:0', from: [] } }, { tls: { ...server, ca: banks.ca } })
  const own = telling('4301', urls['4301']!, await certificate('4301'))
  expect((await own.tell('bindingResult', result())).result.code).toBe('24009')
  const foreign = telling('4301', urls['4301']!, await certificate('4306'))
  await expect(foreign.tell('bindingResult', result(), 2_000)).rejects.toMatchObject({ fault: 'connection-lost' })
  expect(await rows()).toEqual([])
  const unknown = telling('4301', urls['4301']!, await issue('4301', 'client'))
  await expect(unknown.tell('bindingResult', result(), 2_000)).rejects.toMatchObject({
    fault: expect.stringMatching(/connect|closed|lost/),
  })
})

test.each(['4301', '4306'])('over TLS, new certificates without a pause for bank %s: what cannot be used changes nothing', async code => {
  const { ca, issue } = await authority('banks')
  const server = await issue('gateway', 'server')
  const [old, next] = [await clients('CN=old'), await clients('CN=new')]
  const certificate = (of: typeof old) =>
    of.issue({ names: [uri(`urn:taxlink:bank:${code}`)], usages: [purposes.clientAuth] }).then(pem => ({ ca, ...pem }))
  const hearing = await hear(
    { [code]: { url: code === '4301' ? 'tls://127.0.0.1:0' : 'https://127.0.0.1:0', from: [] } },
    {
      tls: { ...server, ca: old.ca },
    },
  )
  const url = hearing.urls[code]!
  const codeOf = async (line: PushLine) => (await line.tell('bindingResult', inWordsOf(code, result()), 3_000)).result.code
  const before = telling(code, url, await certificate(old))
  expect(await codeOf(before)).toBe('24009')
  for (const bad of [
    { ...server, ca: 'no certificate' },
    { ...server, ca: '' },
    { ...server, ca: next.ca, key: 'no key' },
  ])
    expect(() => hearing.reload(bad)).toThrow(expect.objectContaining({ fault: 'bad-config' }))
  expect(await codeOf(before)).toBe('24009')
  expect(await codeOf(telling(code, url, await certificate(old)))).toBe('24009')
  hearing.reload({ ...server, ca: next.ca })
  expect(hearing.urls[code]).toBe(url)
  expect(await codeOf(telling(code, url, await certificate(next)))).toBe('24009')
  // The connection that was open before was ended, and is not made again.
  await expect(codeOf(before)).rejects.toMatchObject({ fault: expect.stringMatching(/connect|lost|closed/) })
  await expect(codeOf(telling(code, url, await certificate(old)))).rejects.toMatchObject({
    fault: expect.stringMatching(/connect|lost|closed/),
  })
})

test('a bank without a line of its own, and an address it does not speak, are mistakes of the configuration', async () => {
  await expect(hear({ '4399': { url: 'tcp://127.0.0.1:0', from: [] } })).rejects.toMatchObject({ fault: 'bad-config' })
  await expect(hear({ '4301': { url: 'http://127.0.0.1:0', from: [] } })).rejects.toMatchObject({ fault: 'bad-config' })
  await expect(hear({ '4301': { url: 'tls://127.0.0.1:0', from: [] } })).rejects.toMatchObject({ fault: 'bad-config' })
})

test.each([
  ['10.20.1.10', ['10.20.1.10'], true],
  ['::ffff:10.20.1.10', ['10.20.1.10'], true],
  ['10.20.1.11', ['10.20.1.10'], false],
  ['10.20.2.77', ['10.20.1.10', '10.20.2.0/24'], true],
  ['10.20.3.1', ['10.20.2.0/24'], false],
  ['fd00::1', ['fd00::/64'], true],
  ['fd01::1', ['fd00::/64'], false],
  ['', ['10.20.1.10'], false],
])('the address %j is one of %j: %j', (address, from, is) => {
  expect(allowing(from)(address)).toBe(is)
})
