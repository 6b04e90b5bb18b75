import { createHmac, timingSafeEqual } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { afterEach, describe, expect, test } from 'vitest'
import { postWebhook } from '../../gateway/webhook.ts'

const secret = 'a-secret-that-both-sides-keep-to-themselves'
const body = JSON.stringify({ results: [{ seq: 1, zh: '余额不足' }] })
const now = new Date('2026-11-10T08:00:00.999Z')

type Heard = { readonly request: IncomingMessage; readonly text: string }
let servers: Server[] = []
const listen = async (answer: RequestListener): Promise<{ url: string; heard: Heard[] }> => {
  const heard: Heard[] = []
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      heard.push({ request, text: Buffer.concat(parts).toString('utf8') })
      answer(request, response)
    })
  })
  servers.push(server)
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  if (!(address instanceof Object)) throw new Error('no port')
  return { url: `http://127.0.0.1:${address.port}/hook`, heard }
}
afterEach(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    await new Promise(done => server.close(done))
  }
  servers = []
})
const post = (url: string, timeoutMs = 5_000) => postWebhook({ url, secret, timeoutMs }, 'results-1-1', now, body)

/** As a receiver checks it, by the text of the Standard Webhooks specification and nothing of ours. */
const verified = (key: string, { request, text }: Heard): boolean => {
  const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures } = request.headers
  const expected = createHmac('sha256', key)
    .update(`${String(id)}.${String(timestamp)}.${text}`, 'utf8')
    .digest()
  return String(signatures)
    .split(' ')
    .map(signature => /^v1,([A-Za-z0-9+/]{43}=)$/.exec(signature)?.[1])
    .some(found => found !== undefined && timingSafeEqual(Buffer.from(found, 'base64'), expected))
}

describe('a delivery', () => {
  test('is signed over id, time in seconds and the very bytes of the body', async () => {
    const { url, heard } = await listen((_request, response) => response.writeHead(204).end())
    expect(await post(url)).toBe(true)
    expect(heard).toHaveLength(1)
    const [delivery] = heard as [Heard]
    expect(delivery.text).toBe(body)
    expect(delivery.request).toMatchObject({ method: 'POST', url: '/hook' })
    expect(delivery.request.headers).toMatchObject({
      'content-type': 'application/json',
      'content-length': String(Buffer.byteLength(body)),
      'webhook-id': 'results-1-1',
      'webhook-timestamp': '1794297600',
    })
    expect(verified(secret, delivery)).toBe(true)
    expect(verified(`${secret}!`, delivery)).toBe(false)
    expect(verified(secret, { ...delivery, text: body.replace('1', '2') })).toBe(false)
  })

  test.each([200, 202, 299])('%i: taken', async status => {
    const { url } = await listen((_request, response) => response.writeHead(status).end('thanks'))
    expect(await post(url)).toBe(true)
  })

  test.each([304, 400, 401, 404, 409, 410, 429, 500, 503])('%i: not taken', async status => {
    const { url } = await listen((_request, response) => response.writeHead(status).end('{}'))
    expect(await post(url)).toBe(false)
  })

  test.each([301, 302, 307, 308])('%i: not followed, not taken; whoever it points to hears nothing', async status => {
    const other = await listen((_request, response) => response.writeHead(200).end())
    const { url } = await listen((_request, response) => response.writeHead(status, { location: other.url }).end())
    expect(await post(url)).toBe(false)
    expect(other.heard).toEqual([])
  })
})

describe('a receiver with bad manners', () => {
  test('that hangs is given up after the time-out', async () => {
    const { url, heard } = await listen(() => {})
    expect(await post(url, 200)).toBe(false)
    expect(heard).toHaveLength(1)
  })

  test('that resets the connection has not taken it', async () => {
    const { url } = await listen(request => request.socket.resetAndDestroy())
    expect(await post(url)).toBe(false)
  })

  test('that ends the connection in the middle of its status has not taken it', async () => {
    const { url } = await listen(request => request.socket.end('HTTP/1.1 2'))
    expect(await post(url)).toBe(false)
  })

  test('that speaks no HTTP has not taken it', async () => {
    const { url } = await listen(request => request.socket.end('220 mail.example.com ready\r\n'))
    expect(await post(url)).toBe(false)
  })

  test('that never ends its answer has taken it, and does not hold us', async () => {
    const { url, heard } = await listen((_request, response) => response.writeHead(200).write('…'))
    expect(await post(url, 200)).toBe(true)
    // The connection is let go when the time is over.
    await new Promise<void>(done => heard[0]!.request.socket.once('close', () => done()))
  })

  test('that is not there has not taken it', async () => {
    const { url } = await listen(() => {})
    const server = servers.pop()!
    await new Promise(done => server.close(done))
    expect(await post(url)).toBe(false)
  })

  test('that speaks plain HTTP where TLS is due hears nothing', async () => {
    const { url, heard } = await listen((_request, response) => response.writeHead(200).end())
    expect(await post(url.replace('http:', 'https:'))).toBe(false)
    expect(heard).toEqual([])
  })
})
