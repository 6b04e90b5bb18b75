import { connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Pem } from '../../../gateway/pki.ts'
import { type Caller, type House, openHouse, order } from './house.ts'

let house: House
let ets: Caller
let pem: Pem
beforeAll(async () => {
  house = await openHouse({ arrivalMs: 1_000 })
  pem = await house.ca.issue()
  ets = house.caller(pem)
})
afterAll(() => house.close())

/** Writes bytes on a connection of its own, and gives everything that comes back until the server closes it. */
const raw = async (bytes: string): Promise<string> => {
  const { port } = new URL(house.http.url)
  const socket: TLSSocket = connect({ host: '127.0.0.1', port: Number(port), servername: 'localhost', ca: house.ca.ca, ...pem })
  let heard = ''
  socket.on('data', data => {
    heard += data.toString()
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('error', reject)
    socket.once('close', () => resolve())
    socket.once('secureConnect', () => socket.write(bytes))
  })
  return heard
}

test.each([
  ['', 0, 'T1012'],
  ['{', 1, 'T1012'],
  ['{"ticketNo":"1",}', 16, 'T1012'],
  ['{"amount":1.5}', 10, 'T1005'],
  ['{"amount":1,"amount":1}', 12, 'T1011'],
  ['{"__proto__":{}}', 1, 'T1010'],
  ['\ufeff{}', 0, 'T1003'],
  ['{} {}', 3, 'T1012'],
])('a body that is no JSON of ours: %j', async (body, offset, code) => {
  const said = await ets.ask('POST', '/v1/debits', Buffer.from(body))
  expect(said.status).toBe(400)
  expect(said.json).toMatchObject({ status: 400, code, errors: [{ offset }] })
})

test('bytes that are not UTF-8', async () => {
  const said = await ets.ask(
    'POST',
    '/v1/debits',
    Buffer.concat([Buffer.from('{"taxpayerName":"'), Buffer.from([0xc0, 0xaf]), Buffer.from('"}')]),
  )
  expect(said.status).toBe(400)
  expect(said.json).toMatchObject({ code: 'T1003', errors: [{ offset: 17 }] })
})

// Shapes of the content type by which bodies once went past their schema (CVE-2026-25223, CVE-2026-33806, CVE-2026-3419).
test.each([
  'application/json\ta',
  'application/json\t;charset=utf-8x',
  'application/jsonp',
  'application/json garbage',
  'application/json;foo',
  'application/json; charset=gbk',
  'application/json; charset=utf-16',
  'application/json, text/plain',
  'text/plain',
  'text/json',
  'application/x-www-form-urlencoded',
  'multipart/form-data; boundary=x',
  'application/json+evil',
])('a body of another type is not read: %j', async type => {
  const said = await ets.ask('POST', '/v1/debits', '{"evil":1}', { 'content-type': type })
  expect([type, said.status]).toEqual([type, 415])
  expect(said.json.code).toBe('T3006')
})

test.each([
  ' application/json',
  '\tapplication/json',
  'APPLICATION/JSON',
  'application/json;charset=UTF-8',
  'application/json; charset="utf-8"',
])('a type that is JSON after all is checked like any: %j', async type => {
  const said = await ets.ask('POST', '/v1/debits', '{"evil":1}', { 'content-type': type })
  expect([type, said.status]).toEqual([type, 422])
  const good = await ets.ask('POST', '/v1/debits', order(), { 'content-type': type })
  expect([type, good.status]).toEqual([type, 202])
})

test('a body without a type, and a compressed one', async () => {
  const body = JSON.stringify(order())
  const untyped = await raw(`POST /v1/debits HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
  expect(untyped).toMatch(/^HTTP\/1.1 415 /)
  const packed = await ets.ask('POST', '/v1/debits', body, { 'content-encoding': 'gzip' })
  expect(packed.status).toBe(415)
})

test('too large a body, a batch without orders and one with too many', async () => {
  const large = await ets.ask('POST', '/v1/debits', JSON.stringify({ ...order(), agreementNo: 'X'.repeat(70_000) }))
  expect(large.status).toBe(413)
  expect(large.json.code).toBe('T3007')
  expect((await ets.ask('POST', '/v1/debits/batch', { orders: [] })).status).toBe(422)
  const many = await ets.ask('POST', '/v1/debits/batch', { orders: Array.from({ length: 1001 }, () => ({})) })
  expect(many.status).toBe(422)
  expect(many.json.errors).toMatchObject([{ pointer: '/orders' }])
  expect((await ets.ask('POST', '/v1/debits/batch', `{"orders":[${'1,'.repeat(2_200_000)}1]}`)).status).toBe(413)
})

test('a deep or endless body is cut off by the reader', async () => {
  const deep = await ets.ask('POST', '/v1/debits', `${'['.repeat(1_000)}${']'.repeat(1_000)}`)
  expect(deep.status).toBe(400)
  expect(deep.json.code).toBe('T1014')
})

test('unknown addresses and methods', async () => {
  for (const path of ['/nowhere', '/v2/debits', '/v1', '/v1/debits/1/2', '/v1/DEBITS', '/V1/debits']) {
    const said = await ets.ask('GET', path)
    expect([path, said.status]).toEqual([path, 404])
    expect(said.json.code).toBe('T3004')
  }
  const put = await ets.ask('PUT', '/v1/debits', order())
  expect(put.status).toBe(405)
  expect(put.headers.allow).toBe('POST, GET, HEAD')
  const del = await ets.ask('DELETE', '/v1/debits/343012611000000001')
  expect(del.status).toBe(405)
  expect(del.headers.allow).toBe('GET, HEAD')
  expect((await ets.ask('HEAD', '/v1/results')).status).toBe(200)
  expect((await ets.ask('GET', '/v1/debits/%E0%A4%A')).status).toBe(400)
})

test('the language of the title is the one asked for; both always come along', async () => {
  const titleFor = async (language?: string) => {
    const said = await ets.ask('GET', '/nowhere', undefined, language === undefined ? {} : { 'accept-language': language })
    expect(said.json).toMatchObject({ titleZh: '没有这条记录', titleEn: 'there is no such record', nextEn: 'check the number' })
    return [said.json.title, said.headers['content-language']]
  }
  const zh = ['没有这条记录', 'zh']
  const en = ['there is no such record', 'en']
  expect(await titleFor()).toEqual(zh)
  expect(await titleFor('zh-CN,zh;q=0.9,en;q=0.8')).toEqual(zh)
  expect(await titleFor('en')).toEqual(en)
  expect(await titleFor('en-GB, zh;q=0.5')).toEqual(en)
  expect(await titleFor('en;q=0.5, zh')).toEqual(zh)
  expect(await titleFor('fr, en;q=0.1')).toEqual(en)
  expect(await titleFor('*')).toEqual(zh)
  expect(await titleFor(';;q=,en;q=x')).toEqual(zh)
})

test('a request carries its id: the caller’s own, or a new one', async () => {
  const own = await ets.ask('GET', '/nowhere', undefined, { 'x-request-id': 'ets-20261110-0001' })
  expect(own.headers['x-request-id']).toBe('ets-20261110-0001')
  expect(own.json.instance).toBe('ets-20261110-0001')
  const bad = await ets.ask('GET', '/nowhere', undefined, { 'x-request-id': 'a b<script>' })
  expect(bad.json.instance).toMatch(/^[0-9a-f-]{36}$/)
  expect(bad.headers['x-request-id']).toBe(bad.json.instance)
})

test('what is no HTTP, and what does not arrive', async () => {
  const nonsense = await raw('KK01 000152\r\n\r\n')
  expect(nonsense).toMatch(/^HTTP\/1.1 400 /)
  expect(nonsense).toContain('"code":"T3001"')
  const huge = await raw(`GET / HTTP/1.1\r\nHost: x\r\nX-A: ${'a'.repeat(40_000)}\r\n\r\n`)
  expect(huge).toMatch(/^HTTP\/1.1 431 /)
  const slow = await raw('POST /v1/debits HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{')
  expect(slow).toMatch(/^HTTP\/1.1 408 /)
  const slowHeaders = await raw('POST /v1/debits HTTP/1.1\r\nHost: x\r\nConte')
  expect(slowHeaders).toMatch(/^HTTP\/1.1 408 /)
  const two = await raw(
    'POST /v1/debits HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\nContent-Type: application/json\r\n\r\n0\r\n\r\n',
  )
  expect(two).toMatch(/^HTTP\/1.1 400 /)
})

test('only HTTP/1.1 is spoken, and only TLS from 1.2 on', async () => {
  const { port } = new URL(house.http.url)
  const open = (more: object) =>
    new Promise<TLSSocket>((resolve, reject) => {
      const socket = connect({ host: '127.0.0.1', port: Number(port), servername: 'localhost', ca: house.ca.ca, ...pem, ...more })
      socket.once('secureConnect', () => resolve(socket))
      socket.once('error', reject)
    })
  const socket = await open({ ALPNProtocols: ['h2', 'http/1.1'] })
  expect(socket.alpnProtocol).toBe('http/1.1')
  socket.destroy()
  await expect(open({ maxVersion: 'TLSv1.1', minVersion: 'TLSv1' })).rejects.toThrow()
})
