import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { Agent, type AgentOptions, request } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { outcome } from '@taxlink/bank-sdk'
import { banks } from '#adapters'
import type { Call, Called } from '../../../gateway/call.ts'
import { seedOperators } from '../../../gateway/day/operators.ts'
import { type Reference, withRegistry } from '../../../gateway/domain/reference.ts'
import { shanghaiDate } from '../../../gateway/domain/time.ts'
import { type Flow, type Note, standings } from '../../../gateway/flows/flow.ts'
import type { FileBounds } from '../../../gateway/flows/intake.ts'
import type { DebitOrder } from '../../../gateway/flows/order.ts'
import type { Keys } from '../../../gateway/flows/sign-in.ts'
import { openSlots, type Slots } from '../../../gateway/flows/slots.ts'
import { type Http, type HttpOptions, openHttp } from '../../../gateway/http/server.ts'
import { openWaiters, type Waiters } from '../../../gateway/http/waiters.ts'
import type { Pem } from '../../../gateway/pki.ts'
import { loadReference, parseReference } from '../../../gateway/store/reference.ts'
import { openSpool, type Spool } from '../../../gateway/store/spool.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { writeRegistry } from '../../registry.ts'
import { writeActive } from '../agreements.ts'
import { type Authority, authority, purposes } from './certificates.ts'

/** What the bank of these tests says to a debit of this ticket. */
export type Say = (ticketNo: string, amount: number) => Promise<Called> | Called

/** A gateway's public interface over a database of its own, with a bank that says what a test wants. */
export type House = {
  readonly http: Http
  readonly fresh: FreshDatabase
  readonly store: Store
  readonly flow: Flow
  readonly slots: Slots
  readonly waiters: Waiters
  readonly keys: Keys
  /** Where uploads lie. */
  readonly spool: Spool
  /** How much may come; a suite may change it. */
  readonly bounds: FileBounds
  readonly spoolDir: string
  readonly notes: Note[]
  readonly ca: Authority
  /** How often the bank was asked to debit, by ticket. */
  readonly debited: Map<string, number>
  /** What the bank says from now on. */
  say(say: Say): void
  /** A caller with this certificate; without one, a caller that shows none. */
  caller(pem?: Pem, options?: AgentOptions): Caller
  close(): Promise<void>
}
export type Answered = {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
  // What a body holds is what the tests are about.
  readonly json: { readonly [name: string]: unknown }
}
export type Caller = {
  ask(method: string, path: string, body?: unknown, headers?: { readonly [name: string]: string }): Promise<Answered>
  readonly agent: Agent
}

export const succeeded: Say = (ticketNo, amount) => ({
  answer: {
    kind: 'answered',
    outcome: outcome('90000', '0000', '交易成功'),
    amount,
    bankSerial: `B${ticketNo}`,
    accountingDate: '2026-11-23',
  },
  transcript: '{}',
})
export const refused: Say = () => ({
  answer: { kind: 'answered', outcome: outcome('24003', '1051', '余额不足'), amount: 0 },
  transcript: '{}',
})
export const timedOut: Say = () => ({ answer: { kind: 'doubtful', fault: 'timeout', outcome: outcome('28003') }, transcript: '{}' })
/** The bank's debit answer comes after `ms`. */
export const after =
  (ms: number, say: Say): Say =>
  async (ticketNo, amount) => {
    await pause(ms)
    return say(ticketNo, amount)
  }

const referenceFile = readFileSync(join(import.meta.dirname, '../../../gateway/data/reference.json'), 'utf8')

export const openHouse = async (
  options: Partial<Omit<HttpOptions, 'keys'>> & { readonly change?: (store: Store) => Store } = {},
): Promise<House> => {
  const fresh = await freshDatabase()
  await loadReference(fresh.db, referenceFile, new Date())
  await seedOperators(fresh.db, new Date())
  await writeRegistry(fresh.db)
  const { offices } = parseReference(referenceFile)
  await writeActive(
    fresh.db,
    banks.flatMap(({ code: bankCode }) => offices.map(({ code: officeCode }) => order({ bankCode, officeCode }))),
  )
  const ca = await authority()
  const server = await ca.issue({ names: [{ type: 'dns', value: 'localhost' }], usages: [purposes.serverAuth] })
  const plain = openStore(fresh.db)
  const store = options.change ? options.change(plain) : plain
  const reference: Reference = withRegistry((await store.reference())!, await store.registry.read(), shanghaiDate(new Date()))
  const waiters = openWaiters(keys => standings(plain, keys))
  const slots = openSlots(10_000)
  const notes: Note[] = []
  const debited = new Map<string, number>()
  let say = succeeded
  const call: Call = async (_bankCode, verb, asked) => {
    const { ticketNo, amount } = asked as { ticketNo: string; amount: number }
    if (verb === 'debit') debited.set(ticketNo, (debited.get(ticketNo) ?? 0) + 1)
    return say(ticketNo, amount)
  }
  const flow: Flow = {
    clock: () => new Date(),
    random: Math.random,
    pause: ms => pause(ms),
    store,
    call,
    isTimely: () => true,
    heldUntil: () => undefined,
    accountingDate: () => undefined,
    reference: () => reference,
    owner: `test-${randomUUID().slice(0, 8)}`,
    leaseMs: 60_000,
    printKey: () => ({ k0: 1, k1: 2 }),
    note: note => void notes.push(note),
    settled: waiters.settled,
  }
  const { change: _change, ...given } = options
  const keys: Keys = { sealing: randomBytes(32), entropy: randomBytes }
  const dir = mkdtempSync(join(tmpdir(), 'taxlink-spool-'))
  const files = { spool: await openSpool(dir, randomUUID), bounds: { most: 1 << 20, day: 1 << 30, free: 0 } }
  const http = await openHttp({ flow, slots, waiters, tls: { ca: ca.ca, ...server }, keys, files, host: '127.0.0.1', port: 0, ...given })
  const agents: Agent[] = []
  return {
    http,
    fresh,
    store: plain,
    flow,
    slots,
    waiters,
    keys,
    spool: files.spool,
    /** How much may come; a suite may change it. */
    bounds: files.bounds,
    spoolDir: dir,
    notes,
    ca,
    debited,
    say: next => {
      say = next
    },
    caller: (pem, more = {}) => {
      const agent = new Agent({ keepAlive: true, ca: ca.ca, servername: 'localhost', ...pem, ...more })
      agents.push(agent)
      return { agent, ask: (method, path, body, headers) => ask(agent, http.url, method, path, body, headers) }
    },
    close: async () => {
      for (const agent of agents) agent.destroy()
      await http.close()
      await slots.idle()
      await fresh.drop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

const ask = (
  agent: Agent,
  url: string,
  method: string,
  path: string,
  body: unknown,
  headers: { readonly [name: string]: string } = {},
): Promise<Answered> =>
  new Promise((resolve, reject) => {
    const bytes =
      body === undefined ? undefined : Buffer.isBuffer(body) ? body : Buffer.from(typeof body === 'string' ? body : JSON.stringify(body))
    const asked = request(`${url}${path}`, {
      method,
      agent,
      headers: { ...(bytes ? { 'content-type': 'application/json', 'content-length': bytes.length } : {}), ...headers },
    })
    asked.on('error', reject)
    asked.on('response', response => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () => {
        const text = Buffer.concat(parts).toString()
        const isJson = /json/.test(response.headers['content-type'] ?? '')
        resolve({ status: response.statusCode ?? 0, headers: response.headers, text, json: isJson && text ? JSON.parse(text) : {} })
      })
    })
    asked.end(bytes)
  })

let last = 0
/** An order nobody sent before, under an agreement of its bank and office that is in force; `change` replaces fields. */
export const order = (change: Partial<DebitOrder> = {}): DebitOrder => {
  last++
  const { bankCode = '4301', officeCode = '14301020000' } = change
  return {
    ticketNo: `3430126110${String(last).padStart(8, '0')}`,
    officeCode,
    bankCode,
    channel: 'computer',
    taxpayerId: '91430103717055587F',
    taxpayerName: '雷锋五金制品厂',
    agreementNo: `XY${bankCode}${officeCode}`,
    // Of one taxpayer and account there is one agreement.
    account: `${officeCode}30190908`,
    payerBankNo: '313551925654',
    amount: 300,
    items: [
      {
        taxCode: '10101',
        taxName: '增值税',
        budgetSubject: '101010106',
        budgetLevel: '1',
        periodStart: '2026-10-01',
        periodEnd: '2026-10-31',
        amount: 100,
      },
      {
        taxCode: '10104',
        taxName: '企业所得税',
        budgetSubject: '101043300',
        budgetLevel: '1',
        periodStart: '2026-10-01',
        periodEnd: '2026-10-31',
        amount: 200,
      },
    ],
    ...change,
  }
}
