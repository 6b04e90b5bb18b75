import { afterAll, beforeAll, expect, test } from 'vitest'
import { logNotes, openLog } from '../../../gateway/log.ts'
import { openMetrics } from '../../../gateway/metrics.ts'
import { writeActive } from '../agreements.ts'
import { type Answered, type Caller, type House, openHouse, order, refused } from './house.ts'

// Values that stand nowhere else: if one of them is in a log line, a figure or an answer, it came through us.
const canary = {
  account: '6217003320016688999',
  taxpayerId: '92430777MA7CANARY8',
  taxpayerName: '夜莺金丝雀贸易行',
  agreementNo: 'XY777',
} as const
const traces = ['6217003320016688999', '0033200166', '92430777MA7CANARY8', 'CANARY', '夜莺', '金丝雀']

let house: House
let ets: Caller
let broken: Error | undefined
const lines: string[] = []
const heard: Answered[] = []
const metrics = openMetrics({ process: true })
beforeAll(async () => {
  house = await openHouse({
    change: store => ({ ...store, accept: debit => (broken ? Promise.reject(broken) : store.accept(debit)) }),
    served: metrics.served,
  })
  await writeActive(house.fresh.db, [order(canary)])
  const toLog = logNotes(openLog({ level: 'trace', to: { write: line => void lines.push(line) } }))
  Object.assign(house.flow, {
    note: (note: Parameters<typeof toLog>[0]) => {
      toLog(note)
      metrics.observe(note)
    },
  })
  const caller = house.caller(await house.ca.issue())
  ets = {
    ...caller,
    ask: async (...asked) => {
      const said = await caller.ask(...asked)
      heard.push(said)
      return said
    },
  }
})
afterAll(() => house.close())

const ask = (body: unknown) => ets.ask('POST', '/v1/debits', body, { prefer: 'wait=5' })
const told = (answers: readonly Answered[]): number[] => answers.map(({ status }) => status)

test('private values reach no log line, no figure and no answer', async () => {
  const good = order(canary)
  const { account, taxpayerId, taxpayerName } = canary
  const raw = JSON.stringify(order(canary))
  const said = [
    await ask(good),
    await ask(good),
    await ask({ ...good, channel: 'phone' }),
    await ask(order({ ...canary, bankCode: '9999' })),
    await ask(order({ ...canary, amount: 1 })),
    await ask({ ...order(canary), account: `${account} ` }),
    await ask({ ...order(canary), taxpayerId: `${taxpayerId}${taxpayerId}` }),
    await ask({ ...order(canary), taxpayerName: `${taxpayerName}\n` }),
    await ask({ ...order(canary), amount: account }),
    await ask({ ...order(canary), channel: taxpayerName }),
    await ask({ ...order(canary), ticketNo: account }),
    await ask({ ...order(canary), [account]: 1, [taxpayerName]: 2, [taxpayerId]: 3 }),
    await ask(raw.slice(0, -1)),
    await ask(raw.replace(`"${account}"`, `${account},`)),
    await ask(raw.replace('"account"', `"account":"${account}","account"`)),
    await ask(raw.replace(`"${account}"`, account)),
    await ask(`${raw}${account}`),
    await ask(Buffer.concat([Buffer.from(raw.slice(0, -2)), Buffer.from([0xff])])),
    await ets.ask('POST', '/v1/debits/batch', {
      orders: [order(canary), { ...order(canary), account: `${account} ` }, { [account]: 1 }, account],
    }),
    await ets.ask('GET', `/v1/debits/${account}`),
    await ets.ask('GET', `/v1/debits?${taxpayerId}=${account}&state=${encodeURIComponent(taxpayerName)}`),
    await ets.ask('GET', `/${account}`),
    await ets.ask('POST', '/v1/debits', raw, { 'content-type': `text/${taxpayerId}` }),
    await ets.ask('GET', '/v1/debits'),
    await ets.ask('GET', '/v1/results'),
  ]
  expect(told(said)).toEqual([
    ...[200, 200, 409, 200, 422, 422, 422, 422, 422, 422, 422, 422],
    ...[400, 400, 400, 400, 400, 400],
    ...[200, 400, 400, 404, 415, 200, 200],
  ])

  house.say(refused)
  expect((await ask(order(canary))).json.state).toBe('refused')
  house.say(() => {
    throw new Error(`no account '${account}' of ${taxpayerName}, ${taxpayerId}`)
  })
  await ask(order(canary))
  for (const message of [
    `Duplicate entry '${account}-${taxpayerName}' for key 'x'`,
    `Failed query: insert into instruction (request) values (?)\nparams: ${raw}`,
    `something about ${taxpayerId} of ${taxpayerName}: ${account}`,
  ]) {
    broken = Object.assign(new Error(message), { code: 'ER_DUP_ENTRY' })
    expect((await ask(order(canary))).status).toBe(503)
    broken = new TypeError(message)
    expect((await ask(order(canary))).status).toBe(500)
    const batch = await ets.ask('POST', '/v1/debits/batch', { orders: [order(canary), {}] })
    expect(batch.status).toBe(200)
    broken = undefined
  }

  const everything = [...lines, await metrics.text(), ...heard.map(({ text, headers }) => text + JSON.stringify(headers))]
  // The test itself must be able to see: what it looks through is not empty.
  expect(lines.length).toBeGreaterThan(15)
  expect(lines.some(line => line.includes('"event":"trouble"') && line.includes('Duplicate entry'))).toBe(true)
  for (const trace of traces) expect(everything.filter(text => text.includes(trace))).toEqual([])
})
