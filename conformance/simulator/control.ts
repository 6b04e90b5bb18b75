import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Fault, maskText } from '@taxlink/bank-sdk'
import type { NoticeEvent } from './bindings.ts'
import type { DaySession, FileRule } from './detail.ts'
import type { Account, Ledger } from './ledger.ts'
import type { Rule } from './plan.ts'
import type { Simulator } from './simulator.ts'

/** The control port of a simulated bank that runs as a process of its own. */
export type Control = { readonly url: string; close(): Promise<void> }

/**
 * Opens a control port on the loopback interface, for tests and demonstrations:
 * GET /ledger (`?full=1` accounts unmasked, `?entries=0` totals only, `?from=n` entries from the nth), POST /end-day {to?},
 * POST /plan [rule…], POST /balance {account, balance, state?, …}, POST /line {open}, GET /bindings,
 * POST /binding-events {agreementNo, event, reason?}, GET /day-end (what it was told, the files handed over), POST /files {accountingDate,
 * session, workDate}, POST /file-plan [rule…], POST /bookings {officeCode, ticketNo, account, amount} (of something nobody has sent).
 */
export const control = async (simulator: Simulator, port = 0): Promise<Control> => {
  const server = createServer((request, response) => {
    // A caller that sleeps between two questions would find its kept connection closed in the moment it uses it.
    response.shouldKeepAlive = false
    handle(simulator, request, response).catch(error => {
      if (response.headersSent) response.destroy()
      else send(response, error instanceof Fault || error instanceof SyntaxError ? 400 : 500, { error: nameOf(error) })
    })
  })
  server.listen({ host: '127.0.0.1', port })
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise<void>(resolve => server.close(() => resolve()))
    },
  }
}

const handle = async (simulator: Simulator, request: IncomingMessage, response: ServerResponse): Promise<void> => {
  const { pathname, searchParams } = new URL(request.url ?? '/', 'http://control')
  const route = `${request.method} ${pathname}`
  const { ledger } = simulator
  if (route === 'GET /ledger') return await show(ledger, searchParams, response)
  if (route === 'GET /day-end') return showDayEnd(simulator, response)
  if (route === 'GET /bindings') return await showBindings(simulator, searchParams, response)
  if (route === 'POST /end-day') {
    const { to } = (await bodyOf(request)) as { to?: string }
    ledger.endDay(to)
  } else if (route === 'POST /plan') simulator.plan((await bodyOf(request)) as Rule[])
  else if (route === 'POST /file-plan') simulator.filePlan((await bodyOf(request)) as FileRule[])
  else if (route === 'POST /files') await simulator.deliver((await bodyOf(request)) as DaySession)
  else if (route === 'POST /bookings') simulator.bookUnsent((await bodyOf(request)) as Parameters<Simulator['bookUnsent']>[0])
  else if (route === 'POST /balance') ledger.set((await bodyOf(request)) as Account)
  else if (route === 'POST /line') await simulator.line(((await bodyOf(request)) as { open?: unknown }).open === true)
  else if (route === 'POST /binding-events') {
    const { agreementNo, event, reason } = (await bodyOf(request)) as { agreementNo: string; event: NoticeEvent; reason?: string }
    if (!simulator.happen(agreementNo, event, reason)) return send(response, 404, { error: 'there is no such binding' })
  } else return send(response, 404, { error: routes })
  await simulator.settled()
  send(response, 200, { accountingDate: ledger.accountingDate })
}

const routes = [
  'GET /ledger, GET /bindings, GET /day-end, POST /end-day, POST /plan, POST /file-plan, POST /files, POST /bookings, POST /balance, POST /line',
  'POST /binding-events',
].join(', ')

/** What the bank was told of its days that are over: numbers, amounts and dates only. */
const showDayEnd = ({ ledger, delivered }: Simulator, response: ServerResponse): void => {
  const tasks = ledger.dayEnd.tasks().map(({ kind, id, request, done }) => {
    const { accountingDate, amount } = request as { readonly accountingDate?: string; readonly amount?: number }
    return { kind, id, accountingDate, amount, done }
  })
  send(response, 200, { tasks, untold: ledger.dayEnd.untold().length, delivered: delivered.map(({ name, status }) => ({ name, status })) })
}

const showBindings = async ({ ledger, receipts }: Simulator, query: URLSearchParams, response: ServerResponse): Promise<void> => {
  const full = query.get('full') === '1'
  const shown = (number: string) => (full ? number : maskText('account', number))
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{"bindings":[')
  const bindings = ledger.bindings.all().map(({ agreementNo, account, state, boundOn }) => ({
    agreementNo: shown(agreementNo),
    account: shown(account),
    state,
    boundOn,
  }))
  await writeAll(response, bindings)
  response.end(
    `],"receipts":${json(receipts.map(receipt => (receipt.agreementNo === undefined ? receipt : { ...receipt, agreementNo: shown(receipt.agreementNo) })))}}`,
  )
}

// A ledger of a million bookings is written as it is read: no text of it is ever whole in memory.
const show = async (ledger: Ledger, query: URLSearchParams, response: ServerResponse): Promise<void> => {
  const full = query.get('full') === '1'
  const shown = (account: string) => (full ? account : maskText('account', account))
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write(`{"accountingDate":"${ledger.accountingDate}","totals":${json(ledger.summary())},"accounts":[`)
  const accounts = ledger.accounts().map(({ account, balance, state }) => ({ account: shown(account), balance, state }))
  await writeAll(response, query.get('entries') === '0' ? [] : accounts)
  response.write('],"entries":[')
  const entries = ledger.entries(Math.max(0, Number(query.get('from') ?? 0) || 0)).map(e => ({ ...e, account: shown(e.account) }))
  await writeAll(response, query.get('entries') === '0' ? [] : entries)
  response.end(']}')
}

const writeAll = async (response: ServerResponse, rows: Iterable<object>): Promise<void> => {
  let [text, first] = ['', true]
  for (const row of rows) {
    text += first ? json(row) : `,${json(row)}`
    first = false
    if (text.length < 65_536) continue
    if (!response.write(text)) await once(response, 'drain')
    text = ''
  }
  response.write(text)
}

const bodyOf = async (request: IncomingMessage): Promise<unknown> => {
  const parts: Buffer[] = []
  let size = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length
    if (size > 16_777_216) throw new Fault('too-large', 'more than 16 MiB')
    parts.push(part)
  }
  return size === 0 ? {} : JSON.parse(Buffer.concat(parts).toString('utf8'))
}

const send = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(json(body))
}
const json = (value: unknown): string => JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v))
const nameOf = (error: unknown): string => (error instanceof Fault ? error.message : error instanceof Error ? error.name : 'unknown')
