import { readFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'
import type { DebitOrder } from '../flows/order.ts'
import { type Balance, type BankLedger, balanceOf, type DebitSeen } from './balance.ts'

/** Where the day is played: the gateway's tax side, the tax system's certificate, and the ledgers of the simulated banks. */
export type Stage = {
  readonly url: string
  readonly tls: { readonly ca: string; readonly cert: string; readonly key: string }
  readonly ledgers: readonly { readonly bankCode: string; readonly name: string; readonly url: string }[]
  /** Told now and then how far the day is. */
  readonly progress: (sent: number, settled: number, of: number) => void
  /** How long the last doubt may take, ms. */
  readonly patienceMs: number
}

/** The sample filing day, as its data file holds it. */
export const sampleOrders = (): DebitOrder[] =>
  readFileSync(`${import.meta.dirname}/orders.jsonl`, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as DebitOrder)

type Reply = { readonly status: number; readonly replayed: boolean; readonly body: unknown }

const client = (stage: Stage) => {
  const agent = new Agent({ keepAlive: true, maxSockets: 32, ...stage.tls })
  const ask = (method: string, path: string, body?: unknown, prefer?: string): Promise<Reply> =>
    new Promise((resolve, reject) => {
      const bytes = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
      const headers = {
        ...(bytes ? { 'content-type': 'application/json', 'content-length': bytes.length } : {}),
        ...(prefer ? { prefer } : {}),
      }
      const sent = request(new URL(path, stage.url), { method, agent, headers }, answer => {
        const parts: Buffer[] = []
        answer.on('data', (part: Buffer) => parts.push(part))
        answer.on('error', reject)
        answer.on('end', () => {
          const text = Buffer.concat(parts).toString('utf8')
          resolve({
            status: answer.statusCode ?? 0,
            replayed: answer.headers['idempotency-replayed'] === 'true',
            body: JSON.parse(text) as unknown,
          })
        })
      })
      sent.on('error', reject)
      sent.end(bytes)
    })
  return { ask, close: () => agent.destroy() }
}
type Ask = ReturnType<typeof client>['ask']

/** Reads a page; asks again for a while when the gateway is not there or too busy. */
const read = async <T>(ask: Ask, path: string): Promise<T> => {
  for (let left = 40; ; left--) {
    try {
      const { status, body } = await ask('GET', path)
      if (status === 200) return body as T
      if (left === 0 || (status < 500 && status !== 429)) throw new Error(`GET ${path}: status ${status} ${JSON.stringify(body)}`)
    } catch (error) {
      if (left === 0) throw error
    }
    await pause(250)
  }
}

/** A tax system that gets no certain answer simply sends the same order again: the ticket number makes that harmless. */
const insist = async (ask: Ask, path: string, body: unknown, prefer?: string): Promise<Reply> => {
  for (let left = 80; ; left--) {
    try {
      const reply = await ask('POST', path, body, prefer)
      if (reply.status < 500 && reply.status !== 429) return reply
      if (left === 0) throw new Error(`the gateway answers ${reply.status}`)
    } catch (error) {
      if (left === 0) throw error
    }
    await pause(250)
  }
}

const batchOf = 50

/** Sends the orders, one by one and in batches, as tax systems do; returns how many had been accepted before. */
const sendAll = async (ask: Ask, orders: readonly DebitOrder[], sent: (n: number) => void): Promise<number> => {
  const alone = orders.filter((_, i) => i % 2 === 0)
  const together = orders.filter((_, i) => i % 2 === 1)
  let repeated = 0
  const lanes = Array.from({ length: 16 }, async (_, lane) => {
    for (let i = lane; i < alone.length; i += 16) {
      const reply = await insist(ask, '/v1/debits', alone[i], 'wait=1')
      if (reply.status >= 400) throw new Error(`ticket ${alone[i]!.ticketNo}: status ${reply.status} ${JSON.stringify(reply.body)}`)
      if (reply.replayed) repeated++
      sent(1)
    }
  })
  const batches = async () => {
    for (let i = 0; i < together.length; i += batchOf) {
      const orders = together.slice(i, i + batchOf)
      const { status, body } = await insist(ask, '/v1/debits/batch', { orders })
      if (status !== 200) throw new Error(`batch: status ${status} ${JSON.stringify(body)}`)
      const { verdicts } = body as { verdicts: { verdict: string; ticketNo: string }[] }
      for (const v of verdicts) {
        if (v.verdict === 'repeated') repeated++
        else if (v.verdict !== 'accepted') throw new Error(`ticket ${v.ticketNo}: ${v.verdict}`)
      }
      sent(orders.length)
    }
  }
  await Promise.all([...lanes, batches()])
  return repeated
}

/** Follows the feed of outcomes until every ticket of the day is certain, or patience ends. */
const follow = async (ask: Ask, tickets: ReadonlySet<string>, patienceMs: number, settled: (n: number) => void): Promise<void> => {
  const certain = new Set<string>()
  const until = Date.now() + patienceMs
  let after = 0
  while (certain.size < tickets.size && Date.now() < until) {
    const { results } = await read<{ results: { seq: number; ticketNo: string }[] }>(ask, `/v1/results?after=${after}&limit=200`)
    for (const result of results) {
      after = result.seq
      if (tickets.has(result.ticketNo)) certain.add(result.ticketNo)
    }
    settled(certain.size)
    if (results.length === 0) await pause(200)
  }
}

const seenDebits = async (ask: Ask): Promise<DebitSeen[]> => {
  const found: DebitSeen[] = []
  for (let cursor = ''; ; ) {
    const page = await read<{ debits: DebitSeen[]; next?: string }>(
      ask,
      `/v1/debits?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    )
    found.push(...page.debits)
    if (page.next === undefined) return found
    cursor = page.next
  }
}

const ledgerOf = async (at: { bankCode: string; name: string; url: string }): Promise<BankLedger> => {
  const { entries } = (await (await fetch(new URL('/ledger', at.url))).json()) as { entries: BankLedger['entries'] }
  return { bankCode: at.bankCode, name: at.name, entries }
}

/** Plays the sample day through the gateway and balances both sides, ticket by ticket: what the banks booked, not what they said. */
export const playDay = async (
  stage: Stage,
  orders: readonly DebitOrder[] = sampleOrders(),
): Promise<Balance & { readonly repeated: number }> => {
  const { ask, close } = client(stage)
  try {
    let sent = 0
    let settled = 0
    const show = () => stage.progress(sent, settled, orders.length)
    const tickets = new Set(orders.map(order => order.ticketNo))
    const certain = (n: number) => {
      settled = n
      show()
    }
    const sending = (n: number) => {
      sent += n
      show()
    }
    const [repeated] = await Promise.all([sendAll(ask, orders, sending), follow(ask, tickets, stage.patienceMs, certain)])
    const debits = (await seenDebits(ask)).filter(debit => tickets.has(debit.ticketNo))
    const ledgers = await Promise.all(stage.ledgers.map(ledgerOf))
    return { ...balanceOf(orders, debits, ledgers, tickets), repeated }
  } finally {
    close()
  }
}
