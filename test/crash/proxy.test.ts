import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type FaultProxy, openProxy } from './proxy.ts'
import { randomOf } from './random.ts'

// The line in between is believed because each of its faults is seen from both ends.

let server: Server
let proxy: FaultProxy
let asked: string[]
let ended: number
const held: Socket[] = []
beforeEach(async () => {
  asked = []
  ended = 0
  server = createServer({ allowHalfOpen: true }, socket => {
    held.push(socket)
    socket.on('data', bytes => {
      asked.push(bytes.toString('latin1'))
      if (socket.writable) socket.write(`<${bytes.toString('latin1')}>`)
    })
    socket.on('error', () => {})
    socket.on('end', () => {
      ended++
      socket.end()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  proxy = await openProxy((server.address() as AddressInfo).port, randomOf(1))
})
afterEach(async () => {
  await proxy.close()
  for (const socket of held.splice(0)) socket.destroy()
  server.close()
})

type Client = { socket: Socket; got: () => string; over: Promise<'end' | 'error'> }
const dial = async (): Promise<Client> => {
  const socket = connect(proxy.port, '127.0.0.1')
  let got = ''
  socket.on('data', bytes => {
    got += bytes.toString('latin1')
  })
  const over = new Promise<'end' | 'error'>(resolve => {
    socket.once('error', () => resolve('error'))
    socket.once('close', () => resolve('end'))
  })
  await Promise.race([once(socket, 'connect'), over])
  return { socket, got: () => got, over }
}
const until = async (holds: () => boolean) => {
  for (const end = Date.now() + 10_000; !holds(); await pause(5)) if (Date.now() > end) throw new Error('it never came about')
}

test('a good line carries both ways, and an end', async () => {
  const client = await dial()
  client.socket.write('hello')
  await until(() => client.got() === '<hello>')
  client.socket.end()
  expect(await client.over).toBe('end')
  await until(() => ended === 1)
})

describe('a line that suffers', () => {
  test('down: refused, and up again on the same port', async () => {
    const before = await dial()
    await proxy.suffer({ kind: 'down' })
    expect(await before.over).toBe('error')
    expect(await (await dial()).over).toBe('error')
    await proxy.suffer(undefined)
    const after = await dial()
    after.socket.write('a')
    await until(() => after.got() === '<a>')
  })
  test('latency: late, whole and in order', async () => {
    const client = await dial()
    await proxy.suffer({ kind: 'latency', ms: 100 })
    const began = performance.now()
    client.socket.write('a')
    await until(() => client.got() === '<a>')
    expect(performance.now() - began).toBeGreaterThanOrEqual(95)
    client.socket.write('b')
    client.socket.write('c')
    await until(() => client.got().replaceAll(/[<>]/g, '') === 'abc')
  })
  test('slow-close: an end is told late', async () => {
    const client = await dial()
    await proxy.suffer({ kind: 'slow-close', ms: 200 })
    client.socket.write('a')
    await until(() => client.got() === '<a>')
    const began = performance.now()
    client.socket.end()
    await until(() => ended === 1)
    expect(performance.now() - began).toBeGreaterThanOrEqual(190)
  })
  test('timeout: swallowed, and ended after a while', async () => {
    const client = await dial()
    await proxy.suffer({ kind: 'timeout', ms: 50 })
    client.socket.write('a')
    expect(await client.over).toBe('end')
    expect([asked, client.got()]).toEqual([[], ''])
  })
  test('reset: an error for those there are and those who come', async () => {
    const client = await dial()
    await proxy.suffer({ kind: 'reset' })
    expect(await client.over).toBe('error')
    const next = await dial()
    next.socket.write('a')
    expect(await next.over).toBe('error')
  })
  test('slicer: small pieces, whole and in order', async () => {
    const client = await dial()
    await proxy.suffer({ kind: 'slicer', bytes: 3 })
    const text = 'x'.repeat(50) + 'y'.repeat(50)
    client.socket.write(text)
    await until(() => client.got().replaceAll(/[<>]/g, '') === text)
  })
  test('limit: a connection ends in the middle of what it says', async () => {
    const client = await dial()
    await proxy.suffer({ kind: 'limit', bytes: 8 })
    client.socket.write('hello')
    await client.over
    expect([asked, client.got()]).toEqual([['hello'], '<he'])
  })
  test('corrupt: one bit of a piece is another', async () => {
    const client = await dial()
    await proxy.suffer({ kind: 'corrupt' })
    client.socket.write('hello')
    await until(() => asked.length === 1)
    const differing = [...Buffer.from(asked[0]!, 'latin1')].filter((byte, i) => byte !== 'hello'.charCodeAt(i))
    expect(differing).toHaveLength(1)
  })
  test('duplicate: the other side is asked twice, and answers once', async () => {
    await proxy.suffer({ kind: 'duplicate' })
    const client = await dial()
    client.socket.write('a')
    await until(() => asked.length === 2 && client.got() === '<a>')
    expect(asked).toEqual(['a', 'a'])
  })
  test('half-open: what is asked arrives, no answer comes back, and nobody is told of an end', async () => {
    const client = await dial()
    await proxy.suffer({ kind: 'half-open' })
    client.socket.write('a')
    await until(() => asked.length === 1)
    client.socket.destroy()
    await pause(50)
    expect([ended, client.got()]).toEqual([0, ''])
  })
  test('cut-commit: the server has the COMMIT, the answer never comes, and other statements go on', async () => {
    const statement = (sql: string) => `${String.fromCharCode(sql.length + 1, 0, 0, 0, 3)}${sql}`
    await proxy.suffer({ kind: 'cut-commit' })
    const client = await dial()
    client.socket.write(statement('SELECT 1'), 'latin1')
    await until(() => client.got() !== '')
    client.socket.write(statement('COMMIT'), 'latin1')
    await client.over
    await until(() => asked.length === 2)
    expect(client.got()).not.toContain('COMMIT')
  })
})
