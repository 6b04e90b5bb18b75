import { createHmac } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { acceptDebit } from '../../../gateway/flows/accept.ts'
import type { Flow, Note } from '../../../gateway/flows/flow.ts'
import { notify, type Webhook } from '../../../gateway/flows/notify.ts'
import { openSlots } from '../../../gateway/flows/slots.ts'
import { deliveryBody } from '../../../gateway/http/shapes.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { postWebhook } from '../../../gateway/webhook.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { orderOf, sampleReference, stage, until } from '../stage.ts'

const secret = 'a-secret-that-both-sides-keep-to-themselves'
const taxSystem = 'urn:taxlink:tax-system:test'

type Delivery = { readonly id: string; readonly body: string; readonly seqs: readonly number[] }
type Manner = 'take' | 'refuse' | 'redirect' | 'reset' | 'hang'

let fresh: FreshDatabase
let store: Store
let receiver: Server
let url: string
let heard: Delivery[]
let manner: Manner
let underWay: number
let widest: number
let clock: number

beforeEach(async () => {
  fresh = await freshDatabase()
  store = openStore(fresh.db)
  heard = []
  manner = 'take'
  underWay = 0
  widest = 0
  clock = Date.parse('2026-11-10T08:00:00Z')
  receiver = createServer((request, response) => {
    widest = Math.max(widest, ++underWay)
    response.once('close', () => underWay--)
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      const body = Buffer.concat(parts).toString('utf8')
      const { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signature } = request.headers
      const expected = createHmac('sha256', secret)
        .update(`${String(id)}.${String(timestamp)}.${body}`)
        .digest('base64')
      if (signature !== `v1,${expected}`) return response.writeHead(401).end()
      if (manner === 'hang') return undefined
      if (manner === 'reset') return request.socket.resetAndDestroy()
      if (manner === 'redirect') return response.writeHead(307, { location: '/elsewhere' }).end()
      if (manner === 'refuse') return response.writeHead(503).end()
      const { results } = JSON.parse(body) as { results: { seq: number }[] }
      heard.push({ id: String(id), body, seqs: results.map(r => r.seq) })
      // A moment, in which a second delivery would be seen to overlap.
      return setTimeout(() => response.writeHead(200).end(), 5)
    })
  })
  await new Promise<void>(done => receiver.listen(0, '127.0.0.1', done))
  const address = receiver.address()
  url = `http://127.0.0.1:${address instanceof Object ? address.port : 0}/`
})
afterEach(async () => {
  receiver.closeAllConnections()
  await new Promise(done => receiver.close(done))
  await fresh.drop()
})

/** A worker: its flow under the test's clock, and the webhook as `serve.ts` makes it. */
const worker = (owner: string): { flow: Flow; notes: Note[]; webhook: Webhook } => {
  const { flow, notes } = stage(store, sampleReference(), [], owner)
  const timed = { ...flow, clock: () => new Date(clock), leaseMs: 60_000 }
  const webhook: Webhook = {
    name: 'results',
    timeoutMs: 300,
    send: results =>
      postWebhook(
        { url, secret, timeoutMs: 300 },
        `results-${results[0]?.seq}-${results.at(-1)?.seq}`,
        timed.clock(),
        deliveryBody(results),
      ),
  }
  return { flow: timed, notes, webhook }
}
let tickets = 0
/** Publishes so many results, one after the other: debits our own rules refuse. */
const publish = async (count: number): Promise<void> => {
  const { flow } = worker('publisher')
  for (let i = 0; i < count; i++)
    await acceptDebit(flow, openSlots(1), taxSystem, orderOf('4388', `4399000000${String(++tickets).padStart(8, '0')}`))
}
const seqs = (): number[] => heard.flatMap(delivery => delivery.seqs)
const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

describe('results reach the webhook', () => {
  test('in the order of the feed, as the reference page describes them', async () => {
    const { flow, notes, webhook } = worker('one')
    expect(await notify(flow, webhook)).toBe(0)
    expect(heard).toEqual([])
    await publish(3)
    expect(await notify(flow, webhook)).toBe(3)
    expect(heard).toEqual([{ id: 'results-1-3', body: deliveryBody(await store.results(undefined, 0, 100)), seqs: [1, 2, 3] }])
    expect(JSON.parse(heard[0]!.body)).toMatchObject({ results: [{ seq: 1, state: 'refused', result: { code: '93014' } }, {}, {}] })
    await publish(1)
    expect(await notify(flow, webhook)).toBe(1)
    expect(await notify(flow, webhook)).toBe(0)
    expect(seqs()).toEqual([1, 2, 3, 4])
    expect(notes.filter(n => n.event === 'delivered').map(n => n.count)).toEqual([3, 1])
  })

  test('a hundred at a time, so that none is too large', async () => {
    await publish(205)
    const { flow, webhook } = worker('one')
    expect([await notify(flow, webhook), await notify(flow, webhook), await notify(flow, webhook)]).toEqual([100, 100, 5])
    expect(seqs()).toEqual(range(1, 205))
  })

  test('the cursor survives a restart: nothing is skipped, nothing told again', async () => {
    await publish(2)
    const before = worker('before')
    await notify(before.flow, before.webhook)
    await publish(2)
    store = openStore(fresh.db)
    const after = worker('after')
    expect(await notify(after.flow, after.webhook)).toBe(2)
    expect(seqs()).toEqual([1, 2, 3, 4])
  })
})

test('whoever is still delivering is not overtaken, however short the lease: a slow receiver hears everything once and in order', async () => {
  await publish(2)
  const [one, two] = [worker('one'), worker('two')]
  Object.assign(one.flow, { leaseMs: 1_000 })
  Object.assign(two.flow, { leaseMs: 1_000 })
  let taken: ((is: boolean) => void) | undefined
  const slow: Webhook = { ...one.webhook, timeoutMs: 15_000, send: () => new Promise<boolean>(resolve => (taken = resolve)) }
  const first = notify(one.flow, slow)
  await until('the first is delivering', async () => taken !== undefined)
  clock += 15_500
  expect(await notify(two.flow, two.webhook)).toBe(0)
  expect(heard).toEqual([])
  taken?.(true)
  expect(await first).toBe(2)
})

describe('a receiver that does not take them', () => {
  test.each<Manner>(['refuse', 'redirect', 'reset', 'hang'])('%s: the same again, later and later, for ever', async how => {
    await publish(2)
    const { flow, notes, webhook } = worker('one')
    manner = how
    let tries = 0
    const counting = {
      ...webhook,
      send: (results: Parameters<Webhook['send']>[0]) => {
        tries++
        return webhook.send(results)
      },
    }
    for (const [failure, wait] of [1_000, 2_000, 4_000, 8_000].entries()) {
      // Failure by failure it waits twice as long: a millisecond less, and nothing is sent.
      if (failure > 0) {
        clock += wait / 2 - 1
        expect(await notify(flow, counting)).toBe(0)
        expect(tries).toBe(failure)
        clock += 1
      }
      expect(await notify(flow, counting)).toBe(0)
      expect(tries).toBe(failure + 1)
    }
    expect(heard).toEqual([])
    expect(notes.filter(n => n.event === 'delivery-failed').map(n => n.detail)).toEqual([
      'failure 1',
      'failure 2',
      'failure 3',
      'failure 4',
    ])
    manner = 'take'
    clock += 600_000
    await publish(1)
    expect(await notify(flow, counting)).toBe(3)
    expect(seqs()).toEqual([1, 2, 3])
    // Once it takes them again, nothing is left of its failures.
    await publish(1)
    expect(await notify(flow, counting)).toBe(1)
  })

  test('never waits longer than ten minutes', async () => {
    await publish(1)
    const { flow, webhook } = worker('one')
    let tries = 0
    const away: Webhook = { ...webhook, send: async () => ++tries < 0 }
    for (let i = 0; i < 40; i++) {
      await notify(flow, away)
      clock += 600_000
    }
    expect(tries).toBe(40)
  })
})

describe('two workers', () => {
  test('deliver under one lease: never two at once, every result once and in order', async () => {
    const workers = [worker('one'), worker('two')]
    const publishing = publish(120)
    let delivered = 0
    const loops = workers.map(async ({ flow, webhook }) => {
      while (delivered < 120) {
        const taken = await notify(flow, webhook)
        delivered += taken
        if (taken === 0) await pause(5)
      }
    })
    await Promise.all([publishing, ...loops])
    expect(seqs()).toEqual(range(1, 120))
    expect(widest).toBe(1)
  })

  test('one dies in the middle: the other waits for the lease, then tells the same again', async () => {
    await publish(3)
    const [dying, other] = [worker('dying'), worker('other')]
    // It reached the receiver, and the process was gone before the cursor moved.
    const told = Promise.withResolvers<void>()
    void notify(dying.flow, {
      ...dying.webhook,
      send: async results => {
        await dying.webhook.send(results)
        told.resolve()
        return new Promise<never>(() => {})
      },
    })
    await told.promise
    expect(heard).toHaveLength(1)
    clock += 60_000 + dying.webhook.timeoutMs - 1
    expect(await notify(other.flow, other.webhook)).toBe(0)
    expect(heard).toHaveLength(1)
    clock += 1
    expect(await notify(other.flow, other.webhook)).toBe(3)
    expect(heard.map(d => d.id)).toEqual(['results-1-3', 'results-1-3'])
    expect(heard[1]!.body).toBe(heard[0]!.body)
  })

  test.each([true, false])('one comes back after its lease ran out (taken: %s): the cursor stays where the other left it', async taken => {
    await publish(2)
    const [slow, other] = [worker('slow'), worker('other')]
    const sending = Promise.withResolvers<void>()
    const answer = Promise.withResolvers<boolean>()
    const held = notify(slow.flow, {
      ...slow.webhook,
      send: () => {
        sending.resolve()
        return answer.promise
      },
    })
    await sending.promise
    clock += 60_000 + slow.webhook.timeoutMs
    await publish(3)
    expect(await notify(other.flow, other.webhook)).toBe(5)
    answer.resolve(taken)
    await held
    await publish(1)
    expect(await notify(other.flow, other.webhook)).toBe(1)
    expect(seqs()).toEqual([1, 2, 3, 4, 5, 6])
  })
})
