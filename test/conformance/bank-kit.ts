import {
  type Bank,
  dial,
  type Fault,
  keyText,
  type RequestOf,
  recognise,
  type Stray,
  type Tls,
  type Told,
  type Verb,
} from '@taxlink/bank-sdk'
import { onTestFinished } from 'vitest'
import type { Account, Rule, Simulator, SimulatorOptions } from '../../conformance/simulator/index.ts'
import { simulate } from '../../conformance/simulator/index.ts'

export const accountingDate = '2026-09-10'
export const account = '6222021901000000017'
export const accounts: Account[] = [
  { account, name: '长沙市芙蓉区珅億酒家', balance: 1_000_000, agreementNo: 'XY20260001', taxpayerId: '91430102MA4L000018' },
  { account: '6222021901000000025', balance: 99 },
  { account: '6222021901000000033', balance: 1_000_000, state: 'frozen' },
]

const key = (serial: number) => ({ officeCode: '14301020000', entrustDate: '2026-09-11', serialNo: String(serial).padStart(8, '0') })
export const ticketOf = (serial: number): string => `3430102609${String(serial).padStart(8, '0')}`

/** Whole requests that every bank of the province can carry, told apart by their serial numbers. */
export const requests = {
  debit: (serial: number, more: Partial<RequestOf<'debit'>> = {}): RequestOf<'debit'> => {
    const amount = more.amount ?? 12_345
    return {
      ...key(serial),
      ticketNo: ticketOf(serial),
      workDate: '2026-09-10',
      channel: 'computer',
      taxpayerId: '91430102MA4L000018',
      taxpayerName: '长沙市芙蓉区珅億酒家',
      agreementNo: 'XY20260001',
      account,
      payerBankNo: '313551080018',
      treasuryCode: '1901020000',
      clearingNo: '011551000018',
      remittanceAccount: '23430190100001',
      items: [
        {
          taxCode: '10101',
          taxName: '增值税',
          budgetSubject: '101010103',
          budgetLevel: '1',
          periodStart: '2026-08-01',
          periodEnd: '2026-08-31',
          amount,
        },
      ],
      ...more,
      amount,
    }
  },
  inquiry: (serial: number): RequestOf<'inquiry'> => ({ ...key(serial), ticketNo: ticketOf(serial), workDate: '2026-09-10' }),
  reversal: (serial: number, original: number, more: Partial<RequestOf<'reversal'>> = {}): RequestOf<'reversal'> => ({
    ...key(serial),
    originalEntrustDate: '2026-09-11',
    originalSerialNo: key(original).serialNo,
    ticketNo: ticketOf(original),
    workDate: '2026-09-10',
    account,
    originalAmount: 12_345,
    amount: 12_345,
    reason: 'in-doubt',
    ...more,
  }),
  linkTest: (serial: number): RequestOf<'linkTest'> => ({ ...key(serial), workDate: '2026-09-10' }),
}

export type Ask = <V extends Verb>(verb: V, request: RequestOf<V>, timeoutMs?: number) => Promise<Told<V>>
export type Customer = { readonly ask: Ask; readonly strays: Stray<object>[]; readonly close: () => Promise<void> }

/** One that asks a bank over its own line, as a gateway does: answers are known by their key, never by their order. */
export const customer = (bank: Bank, url: string, tls?: Tls): Customer => {
  const strays: Stray<object>[] = []
  const options = { connections: 40, pipeline: 256, connectMs: 5_000, idleMs: 5_000, ...(tls ? { tls } : {}) }
  const read = (bytes: Uint8Array) => {
    const codec = recognise(bank, bytes, 'reply')?.codec ?? bank.debit.reply
    const value = codec.decode(bytes) as Told<'debit'>
    return { key: keyText(value), value }
  }
  const peer = dial<object>(bank.line, url, options, read, stray => strays.push(stray))
  const ask: Ask = async (verb, request, timeoutMs = 10_000) => {
    const exchange = bank[verb]!
    const bytes = exchange.request.encode(request as never)
    const path = exchange.path === undefined ? {} : { path: exchange.path }
    return (await peer.ask({ bytes, key: keyText(request), timeoutMs, ...path })) as Told<typeof verb>
  }
  return { ask, strays, close: () => peer.close() }
}

export type Bench = Customer & { readonly simulator: Simulator; readonly faults: Fault[] }

/** A simulated bank and one who asks it; both end with the test. */
export const open = async (bank: Bank, plan: Rule[] = [], more: Partial<SimulatorOptions> = {}, tls?: Tls): Promise<Bench> => {
  const faults: Fault[] = []
  const simulator = await simulate(bank, {
    accounts,
    accountingDate,
    plan,
    now: () => new Date('2026-09-10T02:00:00Z'),
    onFault: fault => faults.push(fault),
    ...more,
  })
  const asking = customer(bank, simulator.url, tls)
  onTestFinished(async () => {
    await simulator.close()
    await asking.close()
  })
  return { ...asking, simulator, faults }
}

/** The name of the fault a promise ends in. */
export const faultOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    value => `no fault but ${JSON.stringify(value)}`,
    (error: Fault) => error.fault,
  )

/** Waits for what must come; the time-out of the test is the only clock. */
export const until = async (what: () => boolean | Promise<boolean>): Promise<void> => {
  while (!(await what())) await new Promise(resolve => setTimeout(resolve, 5))
}
