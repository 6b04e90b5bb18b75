import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Random } from './random.ts'

/** An order as the tax side sends it, in its own words: nothing of the gateway's code is asked what an order is. */
export type Order = {
  readonly ticketNo: string
  readonly officeCode: string
  readonly bankCode: string
  readonly channel: string
  readonly taxpayerId: string
  readonly taxpayerName: string
  readonly agreementNo: string
  readonly account: string
  readonly payerBankNo: string
  /** Fen. */
  readonly amount: number
  readonly items: readonly object[]
}
export type Account = {
  readonly account: string
  readonly name: string
  /** Fen. */
  readonly balance: number
  readonly agreementNo: string
  readonly taxpayerId: string
  readonly state?: string
}
export type Rule = { readonly when: { readonly ticketNo: string }; readonly do: string; readonly ms?: number }

export type Afterwards =
  | { readonly verb: 'reversal' | 'supplement'; readonly amount: number; readonly afterMs: number; readonly settled: boolean }
  | { readonly verb: 'stop' }

/** How a bank of the day behaves: its accounts, its planned faults, and whether it would book a repeated key again. */
export type BankOfDay = {
  readonly code: string
  readonly accounts: readonly Account[]
  readonly plan: readonly Rule[]
  readonly dedupe: 'by-key' | 'none'
}
/** A filing day: what is sent and when (ms after the start), by whom it is answered, and the contract all banks have. */
export type Day = {
  readonly orders: readonly {
    readonly order: Order
    readonly atMs: number
    readonly inBatch: boolean
    readonly twice: boolean
    /** What the tax side orders about it: a stop as soon as it is accepted; fen to be given back or supplemented then, or (`settled`) once its outcome is known. */
    readonly afterwards?: Afterwards
  }[]
  readonly banks: readonly BankOfDay[]
  /** The reference data of the sample province under this day's contract. */
  readonly reference: string
}

export const bankCodes = ['4301', '4306', '4310'] as const
/** How long a bank is waited for, and how long after sending a request may still be booked (ms). */
export const timeoutMs = 1_000
export const quiescenceMs = 2_000

// Each is over before the quiescence window is: a bank that books later breaks its promise, and no gateway can be right about it.
const deeds: readonly (readonly [deed: string, ms?: number])[] = [
  ['slow', 300],
  ['late', 1_300],
  ['late-booking', 1_200],
  ['silent-after-booking'],
  ['silent-before-booking'],
  ['drop-after-booking'],
  ['drop-before-booking'],
  ['in-progress-then-done', 500],
  ['unlisted-code'],
  ['duplicate-answer'],
  ['wrong-key'],
  ['garbage'],
  ['noise'],
]
/** A tax item, but for its amount. */
export const itemOf = {
  taxCode: '10101',
  taxName: '增值税',
  budgetSubject: '101010106',
  budgetLevel: '1',
  periodStart: '2026-10-01',
  periodEnd: '2026-10-31',
} as const
const offices = ['14301020000', '14301030000', '14301040000', '14301210000', '14302020000', '14306020000', '14307020000']

/**
 * Makes a day of `count` orders sent within `spanMs`; each process has `places` at each bank. `unquiet`: many answers come too late, and the tax side
 * gives back and stops.
 */
export const makeDay = (random: Random, count: number, spanMs: number, places = 24, unquiet = false): Day => {
  // One bank at most books whatever comes, so that a debit sent twice shows in the money and not only in the journal.
  const trusting = random.percent(60) ? random.pick(bankCodes) : undefined
  const banks = bankCodes.map(code => ({
    code,
    accounts: [] as Account[],
    plan: [] as Rule[],
    dedupe: code === trusting ? ('none' as const) : ('by-key' as const),
  }))
  const orders = Array.from({ length: count }, (_, i) => {
    const bank = random.pick(banks)
    const order = orderOf(random, i + 1, bank.code)
    addAccount(random, bank, order, i)
    if (random.percent(25)) {
      const [deed, ms] = unquiet && random.percent(40) ? (['late', 1_300] as const) : random.pick(deeds)
      bank.plan.push({ when: { ticketNo: order.ticketNo.slice(-8) }, do: deed, ...(ms === undefined ? {} : { ms }) })
    }
    const sent = { order, atMs: random.whole(0, spanMs), inBatch: random.percent(30), twice: random.percent(10) }
    if (!unquiet || !random.percent(35)) return sent
    return { ...sent, afterwards: drawAfterwards(random, order.amount) }
  })
  return { orders: shared(random, banks, orders), banks, reference: referenceOf(places) }
}

/** Half of them give something back. Not all at once: the bank may be out of reach meanwhile. */
const drawAfterwards = (random: Random, amount: number): Afterwards => {
  if (random.percent(20)) return { verb: 'stop' }
  const afterMs = random.percent(40) ? 0 : random.whole(100, 2_500)
  if (amount > 1 && random.percent(30)) return { verb: 'supplement', amount: random.whole(1, amount - 1), afterMs, settled: true }
  return { verb: 'reversal', amount: random.percent(50) ? amount : random.whole(1, amount), afterMs, settled: random.percent(35) }
}

const orderOf = (random: Random, n: number, bankCode: string): Order => {
  const amount = random.whole(1, 10 ** random.whole(2, 9))
  const digits = (length: number) => Array.from({ length }, () => random.whole(0, 9)).join('')
  const first = amount > 1 && random.percent(50) ? random.whole(1, amount - 1) : amount
  return {
    ticketNo: `3430126119${String(n).padStart(8, '0')}`,
    officeCode: random.pick(offices),
    bankCode,
    channel: 'computer',
    taxpayerId: `9143${digits(13)}X`,
    taxpayerName: `长沙星城机械${n}有限公司`,
    agreementNo: `XY${bankCode}${String(n).padStart(8, '0')}`,
    account: `${bankCode}${digits(15)}`,
    payerBankNo: `313551${digits(6)}`,
    amount,
    items: [first, amount - first].filter(part => part > 0).map(part => ({ ...itemOf, amount: part })),
  }
}

/** Most accounts can pay; some cannot, some are frozen, some do not exist. */
const addAccount = (random: Random, bank: { accounts: Account[] }, order: Order, n: number): void => {
  const { account, taxpayerName: name, agreementNo, taxpayerId, amount } = order
  const fate = random.whole(1, 100)
  if (fate <= 2) return
  const balance = fate <= 6 ? amount - 1 : amount + random.whole(0, 1_000_000)
  bank.accounts.push({ account, name, balance, agreementNo, taxpayerId, ...(fate === 7 + (n % 2) ? { state: 'frozen' } : {}) })
}

/** Some taxpayers pay several taxes from one account that does not hold enough for all: a debit made twice takes another's money. */
const shared = <T extends { readonly order: Order }>(random: Random, banks: readonly BankOfDay[], sent: readonly T[]): T[] => {
  const firstOf = new Map<string, Order>()
  return sent.map(each => {
    const { order } = each
    const first = firstOf.get(order.bankCode)
    const has = first && banks.some(bank => bank.accounts.some(a => a.account === first.account))
    if (!first || !has || !random.percent(12)) {
      if (random.percent(20)) firstOf.set(order.bankCode, order)
      return each
    }
    const { account, agreementNo, officeCode, taxpayerId, taxpayerName } = first
    return { ...each, order: { ...order, account, agreementNo, officeCode, taxpayerId, taxpayerName } }
  })
}

/**
 * The bank of which nothing may be sent again: what it does not find is reversed first, for its tombstone. It gives back the whole only: whether a
 * part went back it would have to be asked, and then a person.
 */
const tombstones = { code: '4310', policy: { dedupe: 'tombstone', reversal: 'whole-only' } } as const

/** Short windows, so that a doubt is settled within seconds; ladders longer than any accident, so that no person is called. */
const referenceOf = (places: number): string => {
  const file = JSON.parse(readFileSync(join(import.meta.dirname, '../../gateway/data/reference.json'), 'utf8')) as {
    banks: { code: string; policy: object }[]
  }
  const redeliveryLadderMs = [100, 200, 400, ...Array.from({ length: 30 }, () => 800)]
  const inquiryLadderMs = [100, 200, 300, ...Array.from({ length: 45 }, () => 500)]
  const banks = file.banks.map(bank => ({
    ...bank,
    policy: {
      ...bank.policy,
      dedupe: 'by-key',
      inquiry: true,
      reversal: 'any',
      tombstones: true,
      dayEnd: '24:00',
      timeoutMs,
      quiescenceMs,
      inquiryLadderMs,
      redeliveryLadderMs,
      concurrency: places,
      // Rests of a breaker are a part of this: none outlasts the day.
      linkTestMs: 1_500,
      ...(bank.code === tombstones.code ? tombstones.policy : {}),
      ...(bank.code === '4301' ? { connections: 4, pipeline: 16 } : { connections: 24, pipeline: 1 }),
    },
  }))
  return JSON.stringify({ ...file, version: 'crash', banks })
}
