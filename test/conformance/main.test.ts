import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import openBank from '../../adapters/open/index.ts'
import xiangjiang from '../../adapters/xiangjiang/index.ts'
import { authority } from '../sdk/line-kit.ts'
import { account, accounts, type Customer, customer, faultOf, requests, ticketOf } from './bank-kit.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))

const folder = async (files: { readonly [name: string]: string }): Promise<string> => {
  const path = await mkdtemp(join(tmpdir(), 'taxlink-bank-'))
  onTestFinished(() => rm(path, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(path, name), text)
  return path
}

type Running = { readonly process: ChildProcess; readonly url: string; readonly control: string; ended(): Promise<unknown> }

const run = async (...args: string[]): Promise<Running> => {
  const child = spawn(process.execPath, ['conformance/simulator/main.ts', '--accounting-date', '2026-09-10', ...args], { cwd: root })
  const ended = once(child, 'exit')
  onTestFinished(async () => {
    child.kill('SIGKILL')
    await ended
  })
  const said = new Map<string, string>()
  let complaint = ''
  child.stderr.on('data', chunk => (complaint += String(chunk)))
  for await (const line of createInterface(child.stdout)) {
    const [word = '', url = ''] = line.split(' ')
    said.set(word, url)
    if (word === 'ready') break
  }
  if (!said.has('ready')) throw new Error(`it is not ready: ${complaint}`)
  return { process: child, url: said.get('ready')!, control: said.get('control')!, ended: () => ended }
}

type Shown = {
  readonly accountingDate: string
  readonly totals: readonly { readonly accountingDate: string; readonly debits: object; readonly net: string }[]
  readonly accounts: readonly { readonly account: string; readonly balance: string }[]
  readonly entries: readonly { readonly account: string; readonly ticketNo: string; readonly amount: number }[]
}
const ledger = async ({ control }: Running, query = ''): Promise<Shown> =>
  (await fetch(`${control}/ledger${query}`)).json() as Promise<Shown>
const post = async ({ control }: Running, path: string, body?: unknown): Promise<number> =>
  (await fetch(`${control}${path}`, { method: 'POST', ...(body === undefined ? {} : { body: JSON.stringify(body) }) })).status

const asking = (bank: typeof xiangjiang, url: string): Customer => {
  const client = customer(bank, url)
  onTestFinished(() => client.close())
  return client
}

test('killed in the middle of its work and started again, it has every booking it told of, once', async () => {
  const files = await folder({ 'accounts.json': JSON.stringify(accounts) })
  const args = ['--bank', '4301', '--accounts', join(files, 'accounts.json'), '--journal', join(files, 'journal')]
  const first = await run(...args)
  const before = asking(xiangjiang, first.url)
  const told = new Set<string>()
  const asked = Array.from({ length: 400 }, (_, n) => requests.debit(n + 1, { amount: 7 }))
  const all = asked.map(request =>
    before.ask('debit', request).then(
      reply => void told.add(reply.ticketNo ?? ''),
      () => undefined,
    ),
  )
  while (told.size < 20) await new Promise(resolve => setImmediate(resolve))
  first.process.kill('SIGKILL')
  await Promise.all(all)

  const second = await run(...args)
  const { entries, totals, accounts: after } = await ledger(second, '?full=1')
  const booked = entries.map(e => e.ticketNo)
  expect(new Set(booked).size).toBe(booked.length)
  expect([...told].filter(ticket => !booked.includes(ticket))).toEqual([])
  expect(BigInt(after.find(a => a.account === account)!.balance)).toBe(1_000_000n - 7n * BigInt(booked.length))
  expect(totals[0]?.net).toBe(String(7 * booked.length))

  // the same keys again: what was booked is told again, what was not is booked now
  const again = asking(xiangjiang, second.url)
  const replies = await Promise.all(asked.map(request => again.ask('debit', request)))
  expect(replies.every(reply => reply.result.code === '90000')).toBe(true)
  expect((await ledger(second)).entries).toHaveLength(400)
  second.process.kill('SIGTERM')
  expect(await second.ended()).toEqual([0, null])
})

test('its control port shows the ledger masked, ends the day, sets plan and balance', async () => {
  const files = await folder({
    'accounts.json': JSON.stringify(accounts),
    'plan.json': JSON.stringify([{ when: { ticketNo: ticketOf(2) }, do: 'drop-before-booking' }]),
  })
  const bank = await run(
    '--bank',
    'adapters/xiangjiang/index.ts',
    '--accounts',
    join(files, 'accounts.json'),
    '--plan',
    join(files, 'plan.json'),
  )
  const { ask } = asking(xiangjiang, bank.url)
  await ask('debit', requests.debit(1))
  expect(await faultOf(ask('debit', requests.debit(2)))).toBe('connection-lost')
  const shown = await ledger(bank)
  expect(shown.entries).toMatchObject([{ account: '622202****0017', amount: 12_345 }])
  expect(JSON.stringify(shown)).not.toContain(account)
  expect(await ledger(bank, '?full=1&from=1')).toMatchObject({ entries: [] })
  expect((await ledger(bank, '?entries=0')).accounts).toEqual([])

  expect(await post(bank, '/end-day')).toBe(200)
  expect((await ask('linkTest', requests.linkTest(8))).accountingDate).toBe('2026-09-11')
  expect(await post(bank, '/balance', { account, balance: 5 })).toBe(200)
  expect((await ask('debit', requests.debit(3))).result.code).toBe('24003')
  expect(await post(bank, '/plan', [{ when: { verb: 'inquiry' }, do: 'drop-before-booking' }])).toBe(200)
  expect(await faultOf(ask('inquiry', requests.inquiry(1)))).toBe('connection-lost')

  expect(await post(bank, '/plan', [{ do: 'explode' }])).toBe(400)
  expect(await post(bank, '/balance', { account, balance: 0.5 })).toBe(400)
  expect(await post(bank, '/nothing')).toBe(404)
})

test('a bank over HTTPS takes only callers of its authority', async () => {
  const { issue } = await authority('test')
  const { ca, cert, key } = await issue('4310', 'server')
  const files = await folder({ 'ca.pem': ca, 'cert.pem': cert, 'key.pem': key, 'accounts.json': JSON.stringify(accounts) })
  const bank = await run('--bank', '4310', '--accounts', join(files, 'accounts.json'), '--tls-dir', files)
  expect(bank.url).toMatch(/^https:/)
  const known = customer(openBank, bank.url, await issue('gateway', 'client'))
  const stranger = customer(openBank, bank.url, { ...(await (await authority('other')).issue('gateway', 'client')), ca })
  expect((await known.ask('debit', requests.debit(1))).result.code).toBe('90000')
  expect(await faultOf(stranger.ask('debit', requests.debit(2)))).toMatch(/connect-failed|connection-lost/)
  expect((await ledger(bank)).entries).toHaveLength(1)
  await Promise.all([known.close(), stranger.close()])
})

test.each([
  [[], '--bank is missing'],
  [['--bank', '4301'], '--accounts is missing'],
  [['--bank', '9999', '--accounts', 'x.json'], 'no bank'],
])('started with %j it says what is wrong', async (args, complaint) => {
  await expect(run(...args)).rejects.toThrow(complaint)
})
