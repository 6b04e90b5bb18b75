import { connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { authority, purposes, taxSystemUri, uri, type Wish } from './certificates.ts'
import { type Caller, type House, openHouse, order } from './house.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house.close())

/** What a caller hears on a known and on an unknown address. */
const heard = async (caller: Caller) => {
  const known = await caller.ask('POST', '/v1/debits', order())
  const unknown = await caller.ask('GET', '/nowhere')
  return { known: [known.status, known.json.code, known.json.detail], unknown: [unknown.status, unknown.json.code, unknown.json.detail] }
}

test('a good certificate', async () => {
  expect(await heard(house.caller(await house.ca.issue()))).toEqual({
    known: [202, undefined, undefined],
    unknown: [404, 'T3004', undefined],
  })
})

test('no certificate', async () => {
  const told = [401, 'T3002', 'NO_CERTIFICATE']
  expect(await heard(house.caller())).toEqual({ known: told, unknown: told })
})

const bad: [string, Wish, string][] = [
  ['signed by itself, with the right URI', { selfSigned: true }, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
  ['expired', { from: -100, to: -1 }, 'CERT_HAS_EXPIRED'],
  ['not yet valid', { from: 10, to: 100 }, 'CERT_NOT_YET_VALID'],
  ['for servers only', { usages: [purposes.serverAuth] }, 'INVALID_PURPOSE'],
  ['without a purpose', { usages: [] }, 'INVALID_PURPOSE'],
  ['that is an authority itself', { isCa: true }, 'CA_CERTIFICATE'],
  ['without names', { names: [] }, 'NOT_ONE_URI'],
  ['with a host name only', { names: [{ type: 'dns', value: 'localhost' }] }, 'NOT_ONE_URI'],
  ['with two URIs', { names: [uri(taxSystemUri), uri('urn:taxlink:tax-system:other')] }, 'NOT_ONE_URI'],
  ['with a foreign URI', { names: [uri('urn:example:tax-system:ets')] }, 'FOREIGN_URI'],
  ['of the gateway itself', { names: [uri('urn:taxlink:gateway:development')] }, 'FOREIGN_URI'],
  ['with something behind the URI', { names: [uri(`${taxSystemUri}/admin`)] }, 'FOREIGN_URI'],
  ['with capitals', { names: [uri('urn:taxlink:tax-system:ETS')] }, 'FOREIGN_URI'],
  ['with a name inside a name', { names: [{ type: 'email', value: `a@b.cn, URI:${taxSystemUri}` }] }, 'UNREADABLE_NAME'],
  ['with a URI inside a URI', { names: [uri(`urn:x, URI:${taxSystemUri}`)] }, 'UNREADABLE_NAME'],
  ['with a quote in its name', { names: [uri(`${taxSystemUri}"`)] }, 'UNREADABLE_NAME'],
]
test.each(bad)('a certificate %s', async (_what, wish, detail) => {
  const told = [401, 'T3002', detail]
  expect(await heard(house.caller(await house.ca.issue(wish)))).toEqual({ known: told, unknown: told })
})

test('a certificate of an authority nobody trusts, even under the same name', async () => {
  const stranger = await authority()
  const { known } = await heard(house.caller(await stranger.issue()))
  expect(known.slice(0, 2)).toEqual([401, 'T3002'])
})

test.each(['bank:4301', 'operator:zhang'])('a %s may not order debits', async who => {
  const caller = house.caller(await house.ca.issue({ names: [uri(`urn:taxlink:${who}`)] }))
  const sent = order()
  const said = await caller.ask('POST', '/v1/debits', sent)
  expect([said.status, said.json.code]).toEqual([403, 'T3003'])
  for (const path of ['/v1/debits', '/v1/results', `/v1/debits/${sent.ticketNo}`]) expect((await caller.ask('GET', path)).status).toBe(403)
  expect((await caller.ask('GET', '/nowhere')).status).toBe(404)
  expect(house.debited.has(sent.ticketNo)).toBe(false)
})

test('a resumed session is the same caller', async () => {
  const pem = await house.ca.issue()
  const { port } = new URL(house.http.url)
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const visit = (session?: Buffer) =>
      new Promise<{ reused: boolean; text: string; session: Buffer | undefined }>((resolve, reject) => {
        const socket = connect({
          host: '127.0.0.1',
          port: Number(port),
          servername: 'localhost',
          ca: house.ca.ca,
          ...pem,
          maxVersion,
          ...(session ? { session } : {}),
        })
        let text = ''
        let ticket: Buffer | undefined
        let reused = false
        socket.on('session', got => {
          ticket = got
        })
        socket.on('error', reject)
        socket.on('data', data => {
          text += data.toString()
        })
        socket.on('close', () => resolve({ reused, text, session: ticket }))
        socket.once('secureConnect', () => {
          reused = socket.isSessionReused()
          socket.write('GET /v1/results HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
        })
      })
    const first = await visit()
    const second = await visit(first.session)
    expect([maxVersion, second.reused, second.text.slice(0, 12)]).toEqual([maxVersion, true, 'HTTP/1.1 200'])
  }
})

test('a certificate that ends while its connection lives', async () => {
  const pem = await house.ca.issue({ to: 30 })
  const caller = house.caller(pem, { maxSockets: 1 })
  expect((await caller.ask('GET', '/v1/results')).status).toBe(200)
  const { clock } = house.flow
  Object.assign(house.flow, { clock: () => new Date(Date.now() + 31 * 60_000) })
  const late = await caller.ask('GET', '/v1/results')
  Object.assign(house.flow, { clock })
  expect([late.status, late.json.detail]).toEqual([401, 'CERT_HAS_EXPIRED'])
})

test('new certificates without a pause: who was trusted only before is out', async () => {
  const before = house.caller(await house.ca.issue())
  expect((await before.ask('GET', '/v1/results')).status).toBe(200)
  const next = await authority('CN=next authority')
  const server = await next.issue({ names: [{ type: 'dns', value: 'localhost' }], usages: [purposes.serverAuth] })

  const { cert } = await next.issue()
  expect(() => house.http.reload({ ca: next.ca, cert, key: server.key })).toThrow(/key values mismatch/i)
  expect((await before.ask('GET', '/v1/results')).status).toBe(200)

  // One request is under way while the change happens: it ends, and the next on its connection is told to connect again.
  const held = house.caller(await house.ca.issue(), { maxSockets: 1 })
  let release = () => {}
  const gate = new Promise<void>(resolve => {
    release = resolve
  })
  house.say(async () => {
    await gate
    return {
      answer: { kind: 'doubtful', fault: 'timeout', outcome: { class: 'unknown', code: '28003', bankCode: '28003' } },
      transcript: '{}',
    }
  })
  const sent = order()
  const waiting = held.ask('POST', '/v1/debits', sent, { prefer: 'wait=2' })
  await expect.poll(() => house.waiters.count).toBe(1)
  const following = held.ask('GET', `/v1/debits/${sent.ticketNo}`)
  house.http.reload({ ca: next.ca, ...server })
  release()
  expect((await waiting).status).toBe(202)
  const refused = await following
  expect([refused.status, refused.json.code, refused.headers.connection]).toEqual([503, 'T3008', 'close'])

  const after = house.caller(await next.issue(), { ca: next.ca })
  expect((await after.ask('GET', '/v1/results')).status).toBe(200)
  const out = house.caller(await house.ca.issue(), { ca: next.ca })
  expect((await out.ask('GET', '/v1/results')).status).toBe(401)
})
