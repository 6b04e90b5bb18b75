import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { type Rule, type Simulator, type SimulatorOptions, simulate } from '@taxlink/bank-conformance/simulator'
import type { Bank, Tls } from '@taxlink/bank-sdk'
import { banks } from '#adapters'
import { type Banks, type Late, openBanks } from '../../gateway/call.ts'
import type { BankPolicy } from '../../gateway/domain/bank.ts'
import { type Reference, withRegistry } from '../../gateway/domain/reference.ts'
import type { Flow, Note } from '../../gateway/flows/flow.ts'
import { type Guard, openGuard } from '../../gateway/flows/guard.ts'
import { hearLate } from '../../gateway/flows/late.ts'
import type { DebitOrder } from '../../gateway/flows/order.ts'
import { openSlots, type Slots } from '../../gateway/flows/slots.ts'
import { openCalendar } from '../../gateway/store/calendar.ts'
import type { Database } from '../../gateway/store/database.ts'
import { parseReference } from '../../gateway/store/reference.ts'
import type { Store } from '../../gateway/store/store.ts'
import { sampleRegistry } from '../registry.ts'
import { writeActive } from './agreements.ts'

/** A policy for tests: short windows, so that a doubt is settled within a second or two. */
export const quickPolicy: BankPolicy = {
  dedupe: 'by-key',
  inquiry: true,
  reversal: 'any',
  tombstones: true,
  dayEnd: '24:00',
  quiescenceMs: 400,
  inquiryLadderMs: [50, 100, 200, 400, 800, 1_600, 3_200],
  redeliveryLadderMs: [50, 100, 200, 400, 800],
  timeoutMs: 250,
  concurrency: 16,
  connections: 4,
  pipeline: 8,
}

/** The sample province's reference data and registry, with one policy for all banks. */
export const sampleReference = (policy: BankPolicy = quickPolicy): Reference => {
  const file = parseReference(readFileSync('gateway/data/reference.json', 'utf8'))
  const reference: Reference = {
    version: file.version,
    banks: new Map(
      file.banks.map(({ code, name }) => [
        code,
        {
          code,
          name,
          policy: code === '4301' ? policy : { ...policy, connections: policy.concurrency, pipeline: 1 },
          province: undefined,
          cities: new Map(),
        },
      ]),
    ),
    offices: new Map(file.offices.map(o => [o.code, o])),
    treasuries: new Map(file.treasuries.map(t => [t.code, t])),
    remittance: new Map(),
    calendar: openCalendar(file.calendar ?? { years: [] }),
  }
  return withRegistry(reference, sampleRegistry, '2026-11-10')
}

/** An order of a bank's account, otherwise always the same. */
export const orderOf = (bankCode: string, ticketNo: string, change: Partial<DebitOrder> = {}): DebitOrder => {
  const amount = change.amount ?? 12_345
  return {
    ticketNo,
    officeCode: '14301020000',
    bankCode,
    channel: 'computer',
    taxpayerId: '91430100600012345X',
    taxpayerName: '长沙星城机械有限公司',
    agreementNo: `XY${bankCode}`,
    account: `${bankCode}000000000000001`,
    payerBankNo: '313551000001',
    amount,
    items: [
      {
        taxCode: '10101',
        taxName: '增值税',
        budgetSubject: '101010106',
        budgetLevel: '1',
        periodStart: '2026-10-01',
        periodEnd: '2026-10-31',
        amount,
      },
    ],
    ...change,
  }
}

/** An account that the bank does not have, and the agreement that names it all the same. */
export const unknownAccountAt = (bankCode: string): Pick<DebitOrder, 'account' | 'agreementNo'> => ({
  account: `${bankCode}000000000000404`,
  agreementNo: `XY${bankCode}404`,
})

/** Writes the agreements of these orders into the record, as they are in force. */
export const writeStageAgreements = (db: Database): Promise<void> =>
  writeActive(
    db,
    banks.flatMap(({ code }) => [orderOf(code, ''), orderOf(code, '', unknownAccountAt(code))]),
  )

/** The three banks, simulated over real sockets in this process, each with one rich account. */
export const simulateBanks = async (
  tls: (bank: Bank) => { server: Tls & { cert: string; key: string }; client: Tls } | undefined,
  options: Partial<SimulatorOptions> = {},
): Promise<{ of(code: string): Simulator; lines: { bank: Bank; url: string; tls?: Tls }[]; close(): Promise<void> }> => {
  const opened = new Map<string, Simulator>()
  const lines = []
  for (const bank of banks) {
    const secure = tls(bank)
    const simulator = await simulate(bank, {
      accounts: [{ account: `${bank.code}000000000000001`, balance: '99999999999999', name: '长沙星城机械有限公司' }],
      accountingDate: '2026-11-10',
      now: () => new Date(),
      ...options,
      ...(secure ? { tls: secure.server } : {}),
    })
    opened.set(bank.code, simulator)
    lines.push({ bank, url: simulator.url, ...(secure ? { tls: secure.client } : {}) })
  }
  return {
    of: code => opened.get(code)!,
    lines,
    close: async () => {
      for (const simulator of opened.values()) await simulator.close()
    },
  }
}

/** One process of the gateway as its parts, without HTTP and queue: those are given by the test. `guarded`: with the guard before the banks. */
export const stage = (
  store: Store,
  reference: Reference,
  lines: { bank: Bank; url: string; tls?: Tls }[],
  owner: string,
  guarded = false,
  clock: () => Date = () => new Date(),
): { flow: Flow; slots: Slots; banks: Banks; guard: Guard; notes: Note[]; close(): Promise<void> } => {
  const notes: Note[] = []
  const lines2 = lines.map(line => ({ ...line, policy: reference.banks.get(line.bank.code)!.policy }))
  const lines3 = openBanks(lines2, (answer: Late) => void hearLate(flow, answer))
  const random = Math.random
  const note = (each: Note) => void notes.push(each)
  const quietly = (ms: number) => pause(ms, undefined, { ref: false })
  const guard = openGuard({ call: lines3.call, reference: () => reference, clock, random, pause: quietly, note })
  if (guarded) guard.watch(lines.map(line => line.bank.code))
  const flow: Flow = {
    clock,
    random,
    pause: (ms, until) => pause(ms, undefined, until ? { signal: until } : {}).catch(() => undefined),
    store,
    call: guarded ? guard.call : lines3.call,
    isTimely: () => true,
    heldUntil: guarded ? guard.heldUntil : () => undefined,
    accountingDate: guard.accountingDate,
    reference: () => reference,
    owner,
    leaseMs: 500,
    printKey: () => ({ k0: 1, k1: 2 }),
    note,
    settled: () => {},
  }
  const slots = openSlots(1_000)
  return {
    flow,
    slots,
    banks: lines3,
    guard,
    notes,
    close: async () => {
      guard.close()
      await slots.idle()
      await lines3.close()
    },
  }
}

/** Waits until `done` holds; fails with `what` after `ms`. */
export const until = async (what: string, done: () => Promise<boolean> | boolean, ms = 40_000): Promise<void> => {
  for (const end = Date.now() + ms; !(await done()); await pause(25)) if (Date.now() > end) throw new Error(`not within ${ms} ms: ${what}`)
}

/** A plan of one rule for the tickets that end so. */
export const planned = (ticketNo: string, rule: Omit<Rule, 'when'>): Rule => ({ when: { ticketNo: ticketNo.slice(-8) }, ...rule })
