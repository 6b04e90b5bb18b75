import { describe, expect, expectTypeOf, onTestFinished, test } from 'vitest'
import dongting from '../../adapters/dongting/index.ts'
import open from '../../adapters/open/index.ts'
import xiangjiang from '../../adapters/xiangjiang/index.ts'
import { type Bank, bank } from '../../sdk/bank.ts'
import type { Fault } from '../../sdk/fault.ts'
import { frame } from '../../sdk/frame.ts'
import type { Tls } from '../../sdk/line.ts'
import type { Listener } from '../../sdk/listen.ts'
import { outcome } from '../../sdk/outcomes.ts'
import { type Handlers, hangUp, after as later, noAnswer, type ServeOptions, serve } from '../../sdk/serve.ts'
import { account, customer, faultOf, requests, ticketOf, until } from '../conformance/bank-kit.ts'
import { authority, visitor } from './line-kit.ts'

const done = { result: outcome('90000'), amount: 12_345 } as const
const said = { result: outcome('90000') } as const
const handlers: Handlers = {
  debit: request => ({ ...done, amount: request.amount, bankSerial: 'B1', accountingDate: '2026-09-10' }),
  supplementaryDebit: () => done,
  inquiry: () => done,
  reversal: () => done,
  linkTest: () => ({ result: outcome('90000'), accountingDate: '2026-09-10' }),
  bind: () => said,
  changeBinding: () => said,
  cancelBinding: () => said,
  suspension: () => said,
  bindingStatus: () => said,
  verification: () => said,
  monthlySync: () => said,
  totals: () => said,
  fileRequest: () => said,
  adjustmentNotice: () => said,
  summaryVoucher: () => said,
  ticketInformation: () => said,
  feeStatement: () => said,
  differenceReport: () => said,
}

type Served = Listener & { readonly faults: { readonly fault: Fault; readonly bytes: number }[]; readonly errors: unknown[] }
const served = async (of: Bank, more: Handlers = {}, options: ServeOptions = {}): Promise<Served> => {
  const faults: Served['faults'] = []
  const errors: unknown[] = []
  const onFault = (fault: Fault, bytes: number) => faults.push({ fault, bytes })
  const listener = await serve(of, { ...handlers, ...more }, { onFault, onError: error => errors.push(error), ...options })
  onTestFinished(() => listener.close(0))
  return { ...listener, faults, errors }
}
const asking = (of: Bank, url: string, tls?: Tls) => {
  const client = customer(of, url, tls)
  onTestFinished(() => client.close())
  return client.ask
}
const post = async (url: string, body: Uint8Array | string) => {
  const response = await fetch(url, { method: 'POST', body: Buffer.from(body) })
  return {
    status: response.status,
    type: response.headers.get('content-type'),
    problem: (await response.json()) as { fault: string; code: string; at: object },
  }
}

describe('what a bank’s programmer writes', () => {
  test('handlers know the types of their verb', async () => {
    const ask = asking(
      xiangjiang,
      (
        await served(xiangjiang, {
          debit: request => {
            expectTypeOf(request.amount).toEqualTypeOf<number>()
            expectTypeOf(request.taxpayerName).toEqualTypeOf<string | undefined>()
            // @ts-expect-error a link test knows no account, and a debit no original
            void request.originalSerialNo
            return done
          },
          // @ts-expect-error a reply without result does not compile
          linkTest: () => ({ accountingDate: '2026-09-10' }),
        })
      ).url,
    )
    expect((await ask('debit', requests.debit(1))).result.code).toBe('90000')
  })

  test('a declared verb without handler does not start; one that is not declared needs none', async () => {
    const { inquiry: _, ...without } = handlers
    await expect(serve(xiangjiang, without)).rejects.toThrow(/T1020.*inquiry/)
    const few = bank({ code: '4399', name: '', document: '', line: open.line, debit: open.debit, inquiry: open.inquiry })
    const server = await serve(few, { debit: () => done, inquiry: () => done })
    await server.close()
  })

  test.each([
    ['at once', () => done],
    ['with a promise', async () => done],
    ['later', () => later(5, done)],
    ['later, with a promise', async () => later(5, done)],
  ])('key and ticket come back by themselves: answered %s', async (_, debit) => {
    const ask = asking(dongting, (await served(dongting, { debit })).url)
    expect(await ask('debit', requests.debit(7))).toMatchObject({ serialNo: '00000007', ticketNo: ticketOf(7), amount: 12_345 })
  })

  test('a handler knows who asks, and in which bytes', async () => {
    const { issue } = await authority('test')
    const seen: unknown[] = []
    const { url } = await served(
      open,
      {
        debit: (request, context) => {
          const said = JSON.parse(Buffer.from(context.bytes).toString()) as { ticketNo: string }
          seen.push(context.peer.certificate?.subject, context.peer.address, said.ticketNo === request.ticketNo)
          return done
        },
      },
      { tls: await issue('4310', 'server') },
    )
    await asking(open, url, await issue('gateway', 'client'))('debit', requests.debit(1))
    expect(seen).toEqual(['CN=gateway', '127.0.0.1', true])
  })
})

describe('what goes wrong is told the bank, and never becomes an answer that decides', () => {
  const failing: [string, NonNullable<Handlers['debit']>][] = [
    [
      'throws',
      () => {
        throw new TypeError(`account ${account}`)
      },
    ],
    ['rejects', () => Promise.reject(new TypeError(`account ${account}`))],
  ]

  test.each(failing)('over TCP a handler that %s leaves the caller without answer, and the connection stays', async (_, debit) => {
    const server = await served(xiangjiang, { debit })
    const ask = asking(xiangjiang, server.url)
    expect(await faultOf(ask('debit', requests.debit(1), 300))).toBe('timeout')
    expect((await ask('inquiry', requests.inquiry(1))).result.code).toBe('90000')
    expect(server.errors).toMatchObject([{ name: 'TypeError' }])
    expect(server.faults.map(f => f.fault.fault)).toEqual(['internal'])
    expect(JSON.stringify(server.faults)).not.toContain(account)
  })

  test.each(failing)('over HTTP a handler that %s is status 500', async (_, debit) => {
    const server = await served(dongting, { debit })
    const { status, type, problem } = await post(`${server.url}/ets/tax`, dongting.debit.request.encode(requests.debit(1)))
    expect([status, type, problem.fault]).toEqual([500, 'application/problem+json', 'internal'])
    expect(JSON.stringify(problem)).not.toContain(account)
    expect(await faultOf(asking(dongting, server.url)('debit', requests.debit(1)))).toBe('http-status')
  })

  test('a reply that the bank’s layout cannot hold is a fault with its place, not a cut answer', async () => {
    const server = await served(xiangjiang, { debit: () => ({ ...done, bankSerial: 'B'.repeat(21) }) })
    expect(await faultOf(asking(xiangjiang, server.url)('debit', requests.debit(1), 300))).toBe('timeout')
    expect(server.faults[0]?.fault.at).toMatchObject({ message: 'debit.result', field: 'bankSerial' })
    const late = await served(xiangjiang, { debit: () => later(1, { ...done, bankSerial: 'B'.repeat(21) }) })
    expect(await faultOf(asking(xiangjiang, late.url)('debit', requests.debit(1), 300))).toBe('timeout')
    expect(late.faults).toHaveLength(1)
  })

  test('over TCP what is no request gets no answer, and the next one is served', async () => {
    const server = await served(xiangjiang)
    const { socket, heard } = await visitor(server.port)
    const good = xiangjiang.debit.request.encode(requests.debit(1))
    const { workDate: _, ...key } = requests.inquiry(1)
    const reply = xiangjiang.debit.reply.encode({ ...key, ...done })
    const broken = Uint8Array.from(good).fill(0x41, 300, 315)
    socket.write(frame(xiangjiang.line as never, Buffer.from('KK77 nonsense')))
    socket.write(frame(xiangjiang.line as never, broken))
    socket.write(frame(xiangjiang.line as never, reply))
    socket.write(frame(xiangjiang.line as never, good))
    await until(() => heard().length >= 163)
    expect(heard().slice(0, 10)).toBe('000157KK51')
    expect(heard()).toHaveLength(163)
    expect(server.faults.map(f => [f.fault.fault, f.bytes])).toEqual([
      ['unknown-message', 13],
      ['not-a-number', good.length],
      ['unknown-message', 157],
    ])
    expect(server.faults[1]?.fault.at).toMatchObject({ message: 'debit.request', field: 'amount' })
    expect(JSON.stringify(server.faults)).not.toContain(account)
  })

  test('over HTTP it is status 400 with the fault and its place', async () => {
    const server = await served(open)
    const body = JSON.parse(Buffer.from(open.debit.request.encode(requests.debit(1))).toString()) as object
    const wrong = await post(`${server.url}/v1/debits`, JSON.stringify({ ...body, amount: '12345' }))
    expect([wrong.status, wrong.problem.at]).toMatchObject([400, { message: 'debit.request', field: 'amount' }])
    expect(await post(`${server.url}/v1/debits`, 'nonsense')).toMatchObject({ status: 400, type: 'application/problem+json' })
    // the right message at another verb's place is not taken for it
    expect(await post(`${server.url}/v1/inquiries`, JSON.stringify(body))).toMatchObject({
      status: 400,
      problem: { fault: 'unknown-message' },
    })
    expect(await post(`${server.url}/v1`, JSON.stringify(body))).toMatchObject({ status: 400 })
    expect(server.faults).toHaveLength(4)
  })
})

test('no answer is no answer, hanging up is hanging up, and closing forgets what was to come later', async () => {
  const answers = [noAnswer, hangUp, later(60_000, done)]
  const server = await served(xiangjiang, { debit: () => answers.shift()! })
  const ask = asking(xiangjiang, server.url)
  expect(await faultOf(ask('debit', requests.debit(1), 200))).toBe('timeout')
  expect(await faultOf(ask('debit', requests.debit(2)))).toBe('connection-lost')
  const waiting = faultOf(ask('debit', requests.debit(3)))
  await until(() => answers.length === 0)
  await server.close(0)
  expect(await waiting).toBe('connection-lost')
})
