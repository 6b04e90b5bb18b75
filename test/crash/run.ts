import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { check, type Evidence } from './check.ts'
import { type City, leaseMs, openCity } from './city.ts'
import { type Afterwards, type Day, itemOf, makeDay, timeoutMs } from './day.ts'
import { openTickets, readBooks, readRecord } from './evidence.ts'
import type { Operators } from './operators.ts'
import { randomOf } from './random.ts'
import { type Accident, drawSchedule, told } from './schedule.ts'
import type { CrashServers } from './servers.ts'
import { openTaxSide } from './taxside.ts'

/** What came of one day; `faults` is empty exactly if every promise was kept. */
export type Report = {
  readonly seed: number
  readonly accidents: readonly string[]
  readonly faults: readonly string[]
  readonly tickets: number
  readonly succeeded: number
  readonly refused: number
  /** Debits that were sent a second time, after proof that the first had not arrived. */
  readonly sentAgain: number
  readonly inquiries: number
  readonly seconds: number
  /** Where logs and evidence are, when there were faults. */
  readonly dir?: string
}

/** How many orders a day has; part of what a seed means. */
const ordersOfDay = 200
const sendMs = 6_000
const patienceMs = 45_000

/** Plays one day under the accidents of its seed and checks it. */
export const runSeed = async (servers: CrashServers, seed: number, orders = ordersOfDay): Promise<Report> => {
  const began = performance.now()
  const random = randomOf(seed)
  const day = makeDay(random, orders, sendMs)
  const dir = join(servers.dir, `seed-${seed}`)
  const city = await openCity(servers, dir, `crash_${seed}`, day, random.whole(1, 2), 2)
  try {
    const accidents = drawSchedule(random, city.targets, sendMs + 1_500, timeoutMs + leaseMs)
    const evidence = await live(city, day, accidents)
    const faults = check(evidence)
    const events = (event: string) => evidence.journal.filter(e => e.event === event).length
    const states = (state: string) => evidence.record.filter(r => r.state === state).length
    if (faults.length > 0)
      writeFileSync(
        join(dir, 'evidence.json'),
        JSON.stringify(evidence, (_, v: unknown) => (v instanceof Map ? [...v] : v instanceof Set ? [...v] : v)),
      )
    return {
      seed,
      accidents: accidents.map(told),
      faults,
      tickets: evidence.record.length,
      succeeded: states('succeeded'),
      refused: states('refused'),
      sentAgain: events('send'),
      inquiries: events('inquire'),
      seconds: Math.round((performance.now() - began) / 100) / 10,
      ...(faults.length > 0 ? { dir } : {}),
    }
  } finally {
    await city.close()
  }
}

/** The day: orders go out and accidents happen; then everything is healed, and all doubts are waited for. */
const live = async (city: City, day: Day, accidents: readonly Accident[]): Promise<Evidence> => {
  const taxSide = openTaxSide(city.urls, city.tls)
  let reading = true
  const reader = (async () => {
    while (reading) if ((await taxSide.read()) === 0) await pause(100)
  })()
  try {
    await Promise.all([...accidents.map(accident => pause(accident.atMs).then(() => city.befall(accident))), sendAll(day, taxSide)])
    await settled(city, patienceMs)
    const kept = await readRecord(city.databaseUrl)
    const until = performance.now() + 5_000
    while (taxSide.seen.feed.length < kept.results.length && performance.now() < until) await pause(50)
    const books = await Promise.all(city.controls.map(control => readBooks(control, day.banks)))
    return { ...kept, seen: taxSide.seen, books }
  } finally {
    reading = false
    await reader
    taxSide.close()
  }
}

/** Waits until no doubt is left, and what a bank may still do late is done. */
export const settled = async (city: City, mostMs: number): Promise<void> => {
  const until = performance.now() + mostMs
  while ((await openTickets(city.databaseUrl)) !== 0 && performance.now() < until) await pause(100)
  await pause(1_300)
}

/** How the orders of a day are sent. */
export type Sending = {
  /** From then on no more is sent, and no moment is waited for. */
  readonly over?: AbortSignal
  readonly operators?: Operators
  /** Each lane waits for an outcome before it sends the next: on a slow machine orders come more slowly, and no backlog hides the rest. */
  readonly patient?: boolean
}

/** Sends the orders of a day, each in its moment. */
export const sendAll = async (day: Day, taxSide: ReturnType<typeof openTaxSide>, sending: Sending = {}): Promise<void> => {
  const { over = new AbortController().signal, operators, patient = false } = sending
  const alone = day.orders.filter(each => !each.inBatch).toSorted((a, b) => a.atMs - b.atMs)
  const together = day.orders.filter(each => each.inBatch).toSorted((a, b) => a.atMs - b.atMs)
  const batches = Array.from({ length: Math.ceil(together.length / 10) }, (_, i) => together.slice(i * 10, i * 10 + 10))
  const began = performance.now()
  const due = (atMs: number) => pause(Math.max(0, began + atMs - performance.now()), undefined, { signal: over }).catch(() => {})
  const later: Promise<void>[] = []
  const sendAlone = async ({ order, atMs, twice, afterwards }: Day['orders'][number]): Promise<void> => {
    await due(atMs)
    if (over.aborted) return
    await taxSide.send(order)
    // One that lost the answer, or whose operator is impatient.
    if (twice) await taxSide.send(order)
    if (afterwards) later.push(orderAfterwards(taxSide, operators, order.ticketNo, afterwards))
    if (patient && !over.aborted) await taxSide.heard(order.ticketNo)
  }
  const sendBatch = async (batch: Day['orders']): Promise<void> => {
    await due(batch.at(-1)!.atMs)
    if (over.aborted) return
    const orders = batch.map(each => each.order)
    await taxSide.sendBatch(orders)
    if (batch[0]!.twice) await taxSide.sendBatch(orders)
  }
  await Promise.all([inLanes(alone, 32, sendAlone), inLanes(batches, 4, sendBatch)])
  await Promise.all(later)
}

/** Does it for each in turn, at most so many at once: a slow machine gets its orders later, not more of them at once. */
const inLanes = async <T>(all: readonly T[], lanes: number, each: (one: T) => Promise<void>): Promise<void> => {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < all.length) await each(all[next++]!)
  }
  await Promise.all(Array.from({ length: lanes }, lane))
}

/** What a tax side orders about a ticket beside its debit; what a bank is said not to have taken, two operators declare before. */
const orderAfterwards = async (
  taxSide: ReturnType<typeof openTaxSide>,
  operators: Operators | undefined,
  ticketNo: string,
  what: Afterwards,
): Promise<void> => {
  if (what.verb === 'stop') return taxSide.further('/v1/stops', { orderNo: `ZF-${ticketNo}`, ticketNo })
  const { verb, amount, afterMs } = what
  await pause(afterMs)
  const debit = what.settled ? await taxSide.ended(ticketNo) : undefined
  if (verb === 'reversal') {
    const back = { orderNo: `CZ-${ticketNo}`, ticketNo, amount, reason: 'over-debited' }
    return taxSide.further('/v1/reversals', back)
  }
  if (!operators || !debit || debit.state === 'refused') return
  const fault = await operators.declareShort(debit, amount)
  if (fault) return taxSide.complain(`${ticketNo}: ${fault}`)
  const more = { orderNo: `BH-${ticketNo}`, ticketNo, amount, reason: 'under-debited', items: [{ ...itemOf, amount }] }
  await taxSide.further('/v1/supplementary-debits', more)
}

/** A report as people read it. */
export const reportText = (report: Report): string => {
  const { seed, tickets, succeeded, refused, sentAgain, inquiries, seconds } = report
  const first = `seed ${seed}: ${tickets} tickets, ${succeeded} succeeded, ${refused} refused, ${sentAgain} sent later or again, ${inquiries} inquiries, ${seconds} s`
  if (report.faults.length === 0) return first
  return [
    first,
    ...report.accidents.map(a => `  ${a}`),
    ...report.faults.slice(0, 30).map(f => `  ✗ ${f}`),
    `  logs in ${report.dir}`,
  ].join('\n')
}

/** Removes what a good day left behind. */
export const forget = (servers: CrashServers, report: Report): void => {
  if (report.faults.length > 0) return
  rmSync(join(servers.dir, `seed-${report.seed}`), { recursive: true, force: true })
  mkdirSync(servers.dir, { recursive: true })
}
