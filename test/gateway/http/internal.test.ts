import { connect } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { check, type Internal, openInternal } from '../../../gateway/http/internal.ts'

let internal: Internal | undefined
let closing = false
afterEach(async () => {
  await internal?.close()
  closing = false
})

const metrics = { contentType: 'text/plain; version=0.0.4; charset=utf-8', text: async () => 'up 1\n' }
const open = async (checks: Parameters<typeof openInternal>[0]['checks']) => {
  internal = await openInternal({ host: '127.0.0.1', port: 0, checks, closing: () => closing, metrics })
  return internal.url
}

test('alive while the process lives, ready while everything holds', async () => {
  let database = true
  const url = await open({
    database: check(async () => database, '数据库没有应答', 'the database does not answer'),
    redis: check(async () => true, 'Redis 没有应答', 'Redis does not answer'),
  })
  const ready = async () => {
    const said = await fetch(`${url}/readyz`)
    return [said.status, await said.json()]
  }
  expect(await ready()).toEqual([200, { ready: true, reasons: [] }])
  database = false
  expect(await ready()).toEqual([
    503,
    { ready: false, reasons: [{ name: 'database', zh: '数据库没有应答', en: 'the database does not answer' }] },
  ])
  expect((await fetch(`${url}/livez`)).status).toBe(200)
  closing = true
  expect(await ready()).toEqual([503, { ready: false, reasons: [{ name: 'closing', zh: '正在停止', en: 'closing' }] }])
  expect((await fetch(`${url}/livez`)).status).toBe(200)
})

test('a sick bank is shown beside the checks, and makes nothing unready', async () => {
  const banks = [{ bankCode: '4301', breaker: 'open' }]
  internal = await openInternal({ host: '127.0.0.1', port: 0, checks: {}, closing: () => closing, metrics, banks: () => banks })
  const said = await fetch(`${internal.url}/readyz`)
  expect([said.status, await said.json()]).toEqual([200, { ready: true, reasons: [], banks }])
})

test('a check that throws, and one that never ends', async () => {
  const url = await open({
    migrations: check(() => Promise.reject(new Error('Access denied for user root')), '未升级', 'pending'),
    redis: check(() => new Promise(() => {}), 'Redis 没有应答', 'Redis does not answer'),
  })
  const said = await fetch(`${url}/readyz`)
  expect(said.status).toBe(503)
  expect(await said.json()).toEqual({
    ready: false,
    reasons: [
      { name: 'migrations', zh: '未升级', en: 'pending' },
      { name: 'redis', zh: '检查超时', en: 'the check took too long' },
    ],
  })
})

test('metrics, and nothing else', async () => {
  const url = await open({})
  const said = await fetch(`${url}/metrics?x=1`)
  expect([said.status, said.headers.get('content-type'), await said.text()]).toEqual([200, metrics.contentType, 'up 1\n'])
  expect((await fetch(`${url}/`)).status).toBe(404)
  expect((await fetch(`${url}/v1/debits`)).status).toBe(404)
  expect((await fetch(`${url}/metrics`, { method: 'POST' })).status).toBe(405)
})

test('it closes though somebody stays connected', async () => {
  const url = new URL(await open({}))
  const socket = connect(Number(url.port), '127.0.0.1')
  socket.on('error', () => {})
  await new Promise(resolve => socket.once('connect', resolve))
  socket.write('GET /livez HTTP/1.1\r\nHost: x\r\n\r\n')
  await new Promise(resolve => socket.once('data', resolve))
  const gone = new Promise(resolve => socket.once('close', resolve))
  await internal?.close()
  await gone
})
