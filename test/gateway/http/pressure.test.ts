import { afterEach, expect, test, vi } from 'vitest'
import { openPressure } from '../../../gateway/http/pressure.ts'
import { type House, openHouse, order, succeeded } from './house.ts'

let house: House | undefined
afterEach(async () => {
  await house?.close()
  house = undefined
})

/** A gate that holds whoever comes until it is opened. */
const gate = () => {
  let open = () => {}
  const opened = new Promise<void>(resolve => {
    open = resolve
  })
  return { opened, open: () => open() }
}

test('too many requests under way: refused before anything was accepted', async () => {
  const held = gate()
  const slow = new Set<string>()
  house = await openHouse({
    limits: { inFlight: 2 },
    change: store => ({
      ...store,
      accept: async debit => {
        if (slow.has(debit.ticketNo)) await held.opened
        return store.accept(debit)
      },
    }),
  })
  const caller = house.caller(await house.ca.issue())
  const [a, b, refused] = [order(), order(), order()]
  slow.add(a.ticketNo).add(b.ticketNo)
  const first = [caller.ask('POST', '/v1/debits', a), caller.ask('POST', '/v1/debits', b)]
  await expect.poll(async () => (await caller.ask('GET', '/v1/results')).status).toBe(503)
  const said = await caller.ask('POST', '/v1/debits', refused)
  expect([said.status, said.json.code, said.headers['retry-after']]).toEqual([503, 'T3008', '1'])
  held.open()
  expect((await Promise.all(first)).map(f => f.status)).toEqual([202, 202])
  expect((await caller.ask('GET', `/v1/debits/${refused.ticketNo}`)).status).toBe(404)
  expect((await caller.ask('POST', '/v1/debits', refused)).status).toBe(202)
})

test('who only waits takes no place', async () => {
  const held = gate()
  house = await openHouse({ limits: { inFlight: 1 } })
  house.say(async (ticketNo, amount) => {
    await held.opened
    return succeeded(ticketNo, amount)
  })
  const caller = house.caller(await house.ca.issue())
  const waiting = []
  for (let i = 1; i <= 5; i++) {
    waiting.push(caller.ask('POST', '/v1/debits', order(), { prefer: 'wait=20' }))
    await expect.poll(() => house!.waiters.count).toBe(i)
  }
  expect((await caller.ask('GET', '/v1/results')).status).toBe(200)
  held.open()
  expect((await Promise.all(waiting)).map(w => w.status)).toEqual([200, 200, 200, 200, 200])
})

test('callers who hang up give their places back', async () => {
  const held = gate()
  house = await openHouse({ limits: { inFlight: 2 }, change: store => ({ ...store, list: () => held.opened.then(() => []) }) })
  const pem = await house.ca.issue()
  for (let i = 0; i < 2; i++) {
    const impatient = house.caller(pem)
    const asked = impatient.ask('GET', '/v1/debits').catch(() => 'gone')
    await expect.poll(() => Object.keys(impatient.agent.sockets).length).toBe(1)
    await new Promise(resolve => setTimeout(resolve, 100))
    impatient.agent.destroy()
    expect(await asked).toBe('gone')
  }
  const caller = house.caller(pem)
  await expect.poll(async () => (await caller.ask('GET', '/v1/results')).status).toBe(200)
  held.open()
})

test('an event loop that is late refuses, and takes again when it is not', () => {
  vi.useFakeTimers()
  try {
    let late = 0
    const pressure = openPressure({ inFlight: 10, delayMs: 100 }, () => late)
    expect(pressure.enter()).toBe(true)
    late = 101
    vi.advanceTimersByTime(750)
    // One long pause, seen by three samples, is no overload.
    expect(pressure.enter()).toBe(true)
    vi.advanceTimersByTime(250)
    expect(pressure.enter()).toBe(false)
    late = 99
    vi.advanceTimersByTime(250)
    expect(pressure.enter()).toBe(true)
    expect(pressure.inFlight).toBe(3)
    pressure.close()
    expect(vi.getTimerCount()).toBe(0)
  } finally {
    vi.useRealTimers()
  }
})

test('a closing server lets those under way end, and refuses the rest', async () => {
  const held = gate()
  house = await openHouse({ change: store => ({ ...store, list: () => held.opened.then(() => []) }) })
  house.say(async (ticketNo, amount) => {
    await held.opened
    return succeeded(ticketNo, amount)
  })
  const pem = await house.ca.issue()
  const caller = house.caller(pem)
  const sent = order()
  const waiting = caller.ask('POST', '/v1/debits', sent, { prefer: 'wait=60' })
  await expect.poll(() => house!.waiters.count).toBe(1)
  const reading = caller.ask('GET', '/v1/debits')
  // On a connection that is open already: what comes after the beginning of the end is told to go elsewhere.
  const late = house.caller(pem, { maxSockets: 1 })
  const underWay = late.ask('GET', '/v1/debits')
  const following = late.ask('GET', '/v1/results')
  await new Promise(resolve => setTimeout(resolve, 200))
  const closed = house.http.close()
  expect(house.http.closing).toBe(true)
  // Let go at once, with what is certain: it was accepted.
  const told = await waiting
  expect([told.status, told.json.state]).toEqual([202, 'sent'])
  held.open()
  expect((await Promise.all([reading, underWay])).map(r => r.status)).toEqual([200, 200])
  const after = await following.catch(() => 'refused' as const)
  if (after !== 'refused') expect([after.status, after.headers.connection]).toEqual([503, 'close'])
  await closed
  await expect(house.caller(pem).ask('GET', '/v1/results')).rejects.toThrow(/ECONNREFUSED/)
  await house.slots.idle()
  expect((await house.store.find(sent.ticketNo))?.state).toBe('succeeded')
})

test('a connection that never speaks does not hold up the end', async () => {
  house = await openHouse({ graceMs: 200 })
  const { connect } = await import('node:net')
  const { port } = new URL(house.http.url)
  const silent = connect(Number(port), '127.0.0.1')
  await new Promise(resolve => silent.once('connect', resolve))
  const gone = new Promise(resolve => silent.once('close', resolve))
  silent.on('error', () => {})
  await house.http.close()
  await gone
})
