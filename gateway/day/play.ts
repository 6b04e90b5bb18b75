import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { DebitOrder } from '../flows/order.ts'
import { type Balance, type BankLedger, balanceOf, type DebitSeen, type FurtherSeen, type StopSeen } from './balance.ts'
import { bindAll } from './bind.ts'
import { type DayEndSeen, dayEndFaults, dayEndPlan, playDayEnd } from './day-end.ts'
import { playFurther, playOutage, sampleFurther } from './further.ts'
import { type Identity, type Line, openLine } from './line.ts'

/** Where the day is played: the gateway, the certificates of the tax system and of two operators, and the control ports of the simulated banks. */
export type Stage = {
  readonly url: string
  readonly taxSystem: Identity
  readonly operators: readonly [Identity, Identity]
  /** Of the county whose accounting role issues notices. */
  readonly county: Identity
  /** `day`: the accounting date on which the day was begun. */
  readonly banks: readonly { readonly bankCode: string; readonly name: string; readonly control: string; readonly day: string }[]
  /** Told when the debits are over and the day-end begins. */
  readonly closing: () => void
  /** Told how many accounts are bound before the first debit. */
  readonly bound: (count: number) => void
  /** Told now and then how far the day is. */
  readonly progress: (sent: number, settled: number, of: number) => void
  /** How long the last doubt may take, and the day-end, ms. */
  readonly patienceMs: number
}

/** The debits of the sample filing day, as its data file holds them. */
export const sampleOrders = (): DebitOrder[] =>
  readFileSync(`${import.meta.dirname}/orders.jsonl`, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as DebitOrder)

const batchOf = 50

/** Sends the orders, one by one and in batches, as tax systems do; returns how many had been accepted before. */
const sendAll = async (taxSide: Line, orders: readonly DebitOrder[], sent: (n: number) => void): Promise<number> => {
  const alone = orders.filter((_, i) => i % 2 === 0)
  const together = orders.filter((_, i) => i % 2 === 1)
  let repeated = 0
  const lanes = Array.from({ length: 16 }, async (_, lane) => {
    for (let i = lane; i < alone.length; i += 16) {
      const reply = await taxSide.insist('/v1/debits', alone[i], 'wait=1')
      if (reply.status >= 400) throw new Error(`ticket ${alone[i]!.ticketNo}: status ${reply.status} ${JSON.stringify(reply.body)}`)
      if (reply.replayed) repeated++
      sent(1)
    }
  })
  const batches = async () => {
    for (let i = 0; i < together.length; i += batchOf) {
      const orders = together.slice(i, i + batchOf)
      const { status, body } = await taxSide.insist('/v1/debits/batch', { orders })
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
const follow = async (taxSide: Line, tickets: ReadonlySet<string>, until: number, settled: (n: number) => void): Promise<void> => {
  const certain = new Set<string>()
  let after = 0
  while (certain.size < tickets.size && Date.now() < until) {
    const { results } = await taxSide.read<{ results: { seq: number; ticketNo: string }[] }>(`/v1/results?after=${after}&limit=200`)
    for (const result of results) {
      after = result.seq
      if (tickets.has(result.ticketNo)) certain.add(result.ticketNo)
    }
    settled(certain.size)
    if (results.length === 0) await pause(200)
  }
}

/** All pages of a list of the tax side. */
const pages = async <T>(taxSide: Line, path: string, of: string): Promise<T[]> => {
  const found: T[] = []
  for (let cursor = ''; ; ) {
    const page = await taxSide.read<{ next?: string } & { [name: string]: T[] }>(
      `${path}?limit=200${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
    )
    found.push(...page[of]!)
    if (page.next === undefined) return found
    cursor = page.next
  }
}

const ledgerOf = async (bank: Stage['banks'][number]): Promise<BankLedger> => {
  const { entries } = (await (await fetch(new URL('/ledger', bank.control))).json()) as { entries: BankLedger['entries'] }
  return { bankCode: bank.bankCode, name: bank.name, entries }
}

const setLine = async ({ banks }: Stage, bankCode: string, open: boolean): Promise<void> => {
  const { control } = banks.find(bank => bank.bankCode === bankCode)!
  const { status } = await fetch(new URL('/line', control), { method: 'POST', body: JSON.stringify({ open }) })
  if (status !== 200) throw new Error(`the line of ${bankCode}: status ${status}`)
}

/**
 * Plays the sample day through the gateway: the bindings, a bank whose line is down, the debits, then what is ordered about them; and balances both sides, ticket
 * by ticket: what the banks booked, not what they said.
 */
export const playDay = async (stage: Stage): Promise<Balance & { readonly repeated: number; readonly dayEnds: readonly DayEndSeen[] }> => {
  const taxSide = openLine(stage.url, stage.taxSystem)
  const [first, second] = stage.operators
  const operators = [openLine(stage.url, first), openLine(stage.url, second)] as const
  const county = openLine(stage.url, stage.county)
  try {
    const orders = sampleOrders()
    const further = sampleFurther()
    const until = Date.now() + stage.patienceMs
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
    const parties = { taxSide, operators }
    stage.bound(await bindAll(taxSide, operators[0], until))
    let waited = 0
    for (const outage of further.outages) waited += await playOutage(parties, outage, orders, open => setLine(stage, outage.outage, open))
    const early = new Set(further.outages.flatMap(outage => outage.tickets))
    sending(early.size)
    // What a bank will lie about goes last, on lines that nothing breaks any more: after a broken line the bank would be asked, and the lie be another.
    const plan = dayEndPlan()
    const lied = new Set(plan.planted.map(({ ticketNo }) => ticketNo))
    const sends = async () => {
      const others = orders.filter(({ ticketNo }) => !early.has(ticketNo) && !lied.has(ticketNo))
      let repeated = await sendAll(taxSide, others, sending)
      while (settled < early.size + others.length && Date.now() < until) await pause(50)
      repeated += await sendAll(
        taxSide,
        orders.filter(({ ticketNo }) => lied.has(ticketNo)),
        sending,
      )
      await playFurther(parties, further.orders, until)
      return repeated
    }
    const [repeated] = await Promise.all([sends(), follow(taxSide, tickets, until, certain)])
    stage.closing()
    const dayEnds = await playDayEnd({ operators, county, banks: stage.banks }, Date.now() + stage.patienceMs)
    const [debits, reversals, supplements, stops, ledgers] = await Promise.all([
      pages<DebitSeen>(taxSide, '/v1/debits', 'debits'),
      pages<FurtherSeen>(taxSide, '/v1/reversals', 'reversals'),
      pages<FurtherSeen>(taxSide, '/v1/supplementary-debits', 'supplementaryDebits'),
      pages<StopSeen>(taxSide, '/v1/stops', 'stops'),
      Promise.all(stage.banks.map(ledgerOf)),
    ])
    const ofDay = <T extends { readonly ticketNo: string }>(all: readonly T[]) => all.filter(({ ticketNo }) => tickets.has(ticketNo))
    const seen = {
      debits: ofDay(debits),
      reversals: ofDay(reversals),
      supplements: ofDay(supplements),
      stops: ofDay(stops),
      adopted: new Set(plan.planted.flatMap(({ kind, ticketNo }) => (kind === 'adopted' ? [ticketNo] : []))),
    }
    const counted = new Set([...tickets, ...plan.unsent.map(({ ticketNo }) => ticketNo)])
    const balance = balanceOf(orders, seen, ledgers, counted)
    return { ...balance, faults: [...balance.faults, ...dayEndFaults(balance.banks, dayEnds)], dayEnds, repeated: waited + repeated }
  } finally {
    for (const line of [taxSide, ...operators, county]) line.close()
  }
}
