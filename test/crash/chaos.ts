import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Armed } from '../patch/points.ts'
import { type Case, share } from './cases.ts'
import { check, checkDelivered, type Evidence } from './check.ts'
import { type City, leaseMs, openCity } from './city.ts'
import { killCommits } from './commits.ts'
import { type Day, makeDay, timeoutMs } from './day.ts'
import { readBooks, readRecord } from './evidence.ts'
import { type Operators, openOperators } from './operators.ts'
import { watchPoints } from './points.ts'
import type { Toxic } from './proxy.ts'
import { type Random, randomOf } from './random.ts'
import { openReceiver, type Receiver } from './receiver.ts'
import { sendAll, settled } from './run.ts'
import { drawSchedule, told } from './schedule.ts'
import type { CrashServers } from './servers.ts'
import { openTaxSide } from './taxside.ts'

/** What came of a run; `faults` is empty exactly if every promise was kept and everything that was to happen happened. */
export type ChaosReport = {
  readonly name: string
  readonly happened: readonly string[]
  readonly faults: readonly string[]
  /** The cases that happened on a day on which every promise was kept. */
  readonly kept: readonly Case[]
  readonly tickets: number
  /** Reversals and supplementary debits that moved money. */
  readonly givenBack: number
  readonly supplemented: number
  /** Reversals for a tombstone. */
  readonly tombstones: number
  readonly seconds: number
  readonly dir: string
}

const processes = { gateway: ['gateway-1', 'gateway-2'], worker: ['worker-1', 'worker-2', 'worker-3'] } as const
/** Longer than any lease: whoever sleeps so long finds that others have gone on. */
export const shortStopMs = timeoutMs + leaseMs + 700
const patienceMs = 180_000
const deliveryLeaseMs = leaseMs

type Stage = {
  readonly city: City
  readonly taxSide: ReturnType<typeof openTaxSide>
  readonly operators: Operators
  readonly receiver: Receiver
  readonly day: Day
}

/** A city with a tax side that reads the feed and takes deliveries all the while. */
const withStage = async <T>(open: (receiver: Receiver) => Promise<City>, day: Day, use: (stage: Stage) => Promise<T>): Promise<T> => {
  const receiver = await openReceiver()
  const city = await open(receiver)
  const taxSide = openTaxSide(city.urls, city.tls)
  const operators = openOperators(city.urls, city.operators)
  let reading = true
  const reader = (async () => {
    while (reading) if ((await taxSide.read()) === 0) await pause(150)
  })()
  try {
    return await use({ city, taxSide, operators, receiver, day })
  } finally {
    reading = false
    await reader
    taxSide.close()
    operators.close()
    await city.close()
    await receiver.close()
  }
}

/** Everything is healed: all doubts are waited for, then the day is held against what was promised. */
const judge = async ({ city, taxSide, receiver, day }: Stage): Promise<{ evidence: Evidence; faults: string[] }> => {
  await settled(city, patienceMs)
  const kept = await readRecord(city.databaseUrl)
  const last = kept.results.length
  const caughtUp = () => taxSide.seen.feed.length >= last && (receiver.delivered.at(-1)?.seq ?? 0) >= last
  // A worker that was killed while it delivered keeps the right to deliver until its lease is over.
  for (const until = performance.now() + deliveryLeaseMs + 20_000; !caughtUp() && performance.now() < until; ) await pause(50)
  const books = await Promise.all(city.controls.map(control => readBooks(control, day.banks)))
  const evidence = { ...kept, seen: taxSide.seen, books }
  return { evidence, faults: [...check(evidence), ...checkDelivered(kept.results, receiver.delivered)] }
}

const clean = (dir: string): void => {
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
}

/**
 * Plays these cases within one day: each process has its own, one after the other, while orders come in until all have happened. A case that does
 * not happen is a fault. The lines suffer a little, too, so that late answers, redeliveries and spared banks are there to be hit.
 */
export const runCases = async (
  servers: CrashServers,
  name: string,
  cases: readonly Case[],
  seed: number,
  stopMs = shortStopMs,
): Promise<ChaosReport> => {
  const began = performance.now()
  const random = randomOf(seed)
  const dir = join(servers.dir, name)
  clean(dir)
  const armed = share(cases, processes, random)
  const most = Math.max(...[...armed.values()].map(list => list.filter(({ leadsTo }) => leadsTo === undefined).length))
  // As many orders as the longest list may take time, with what leads to its cases.
  const spanMs = 30_000 + (most + 2) * (stopMs + 20_000)
  const day = makeDay(random, Math.min(3_000, Math.ceil(spanMs / 100)), spanMs, 4, true)
  const watch = watchPoints(join(dir, 'points'), armed, stopMs)
  try {
    const points = { dir: watch.dir, armed }
    const open = (webhook: Receiver) =>
      openCity(servers, dir, `chaos_${name.replaceAll(/\W/g, '_')}`, day, 2, 3, { points, webhook, proxies: random })
    return await withStage(open, day, async stage => {
      const over = new AbortController()
      const unlessOver = (ms: number) => pause(ms, undefined, { signal: over.signal }).catch(() => {})
      const allHappened = (async () => {
        const until = performance.now() + spanMs + 10_000
        while (watch.left().length > 0 && performance.now() < until) await pause(100)
        over.abort()
      })()
      const outages = (async () => {
        while (!over.signal.aborted) {
          const line = `line-${random.pick(stage.day.banks).code}`
          await unlessOver(4_000)
          if (!over.signal.aborted) await stage.city.suffer(line, { kind: 'down' })
          await unlessOver(3_000)
          await stage.city.suffer(line, undefined)
        }
      })()
      await Promise.all([
        sendAll(stage.day, stage.taxSide, { over: over.signal, operators: stage.operators, patient: true }),
        allHappened,
        outages,
      ])
      const left = watch.left()
      // What a sleeper still does when it wakes is judged, too.
      await watch.awake()
      const { evidence, faults } = await judge(stage)
      const broken = [...faults, ...watch.faults()]
      return report(name, dir, began, evidence, {
        happened: happenedOf(armed, watch.happened()),
        faults: [...broken, ...left.map(a => `${a.label} was never reached (${nameOf(armed, a)})`)],
        kept: broken.length > 0 ? [] : cases.filter((_, i) => !left.some(({ id }) => id === `${i}`)),
      })
    })
  } finally {
    await watch.stop()
  }
}

const nameOf = (armed: ReadonlyMap<string, readonly Armed[]>, one: Armed): string =>
  `${[...armed].find(([, list]) => list.includes(one))?.[0]} ${one.action} ${one.nth}`
const happenedOf = (armed: ReadonlyMap<string, readonly Armed[]>, happened: readonly Armed[]): string[] =>
  [...armed].flatMap(([name, list]) =>
    list.filter(a => happened.includes(a)).map(a => `${a.action} ${name} at ${a.label}, arrival ${a.nth}`),
  )

const doneOf = ({ further = [] }: Evidence, verb: string): number => further.filter(f => f.verb === verb && f.booked > 0).length

const report = (
  name: string,
  dir: string,
  began: number,
  evidence: Evidence,
  came: Pick<ChaosReport, 'happened' | 'faults' | 'kept'>,
): ChaosReport => ({
  name,
  dir,
  tickets: evidence.record.length,
  givenBack: doneOf(evidence, 'reversal'),
  supplemented: doneOf(evidence, 'supplementaryDebit'),
  tombstones: (evidence.further ?? []).filter(f => f.unordered === 1).length,
  seconds: Math.round((performance.now() - began) / 100) / 10,
  ...came,
})

/** What befalls one line for a while. */
export type Suffering = { readonly atMs: number; readonly forMs: number; readonly line: string; readonly toxic: Toxic }

const lines = ['line-4301', 'line-4306', 'line-4310', 'line-mariadb', 'line-redis'] as const

/** Draws what the lines suffer: no line two faults at once, and only what its protocol can notice. */
export const drawSufferings = (random: Random, spanMs: number, mayDuplicate: (bankCode: string) => boolean): Suffering[] => {
  const free = new Map<string, number>()
  return Array.from({ length: random.whole(2, 5) }, () => {
    const line = random.pick(lines)
    return { atMs: random.whole(100, spanMs), forMs: random.whole(300, 1_800), line, toxic: toxicFor(random, line, mayDuplicate) }
  })
    .toSorted((a, b) => a.atMs - b.atMs)
    .filter(({ line, atMs, forMs }) => {
      if (atMs < (free.get(line) ?? 0)) return false
      free.set(line, atMs + forMs + 100)
      return true
    })
}

const toxicFor = (random: Random, line: (typeof lines)[number], mayDuplicate: (bankCode: string) => boolean): Toxic => {
  const everywhere: readonly Toxic[] = [
    { kind: 'down' },
    { kind: 'reset' },
    { kind: 'half-open' },
    { kind: 'latency', ms: random.whole(20, 400) },
    { kind: 'slow-close', ms: random.whole(100, 800) },
    { kind: 'timeout', ms: random.whole(200, 1_500) },
    { kind: 'slicer', bytes: random.whole(1, 60) },
    { kind: 'limit', bytes: random.whole(100, 4_000) },
  ]
  const bank = line.slice(-4)
  const own: readonly Toxic[] =
    line === 'line-mariadb'
      ? [{ kind: 'cut-commit' }, { kind: 'cut-commit' }, { kind: 'cut-commit' }]
      : // Without TLS nobody could tell a changed amount from a true one.
        [...(line === 'line-4310' ? [{ kind: 'corrupt' } as const] : []), ...(mayDuplicate(bank) ? [{ kind: 'duplicate' } as const] : [])]
  return random.pick([...everywhere, ...own])
}

const ordersOfWindow = 60
const windowMs = 3_000

/**
 * Plays random schedules, one seed each, in one city that lives on: kills, pauses, flushes and the faults of the lines; after each all is healed
 * and everything so far is judged. The first that fails ends it.
 */
export const runSchedules = async (
  servers: CrashServers,
  first: number,
  count: number,
  say: (report: ChaosReport) => void,
): Promise<ChaosReport[]> => {
  const name = `schedules-${first}`
  const dir = join(servers.dir, name)
  clean(dir)
  const random = randomOf(first)
  const day = makeDay(random, ordersOfWindow * count, windowMs, 24, true)
  const reports: ChaosReport[] = []
  const open = (webhook: Receiver) => openCity(servers, dir, `chaos_${first}`, day, 2, 3, { webhook, proxies: random })
  await withStage(open, day, async stage => {
    for (let i = 0; i < count; i++) {
      const began = performance.now()
      const seed = first + i
      const own = randomOf(seed)
      const orders = day.orders.slice(i * ordersOfWindow, (i + 1) * ordersOfWindow)
      const accidents = drawSchedule(own, stage.city.targets, windowMs, timeoutMs + leaseMs)
      const sufferings = drawSufferings(own, windowMs, code => day.banks.find(bank => bank.code === code)?.dedupe === 'by-key')
      const kills = { atMs: own.whole(100, windowMs), forMs: own.whole(500, 2_000) }
      const [killed] = await Promise.all([
        pause(kills.atMs).then(() => killCommits(stage.city.databaseUrl, kills.forMs)),
        ...accidents.map(accident => pause(accident.atMs).then(() => stage.city.befall(accident))),
        ...sufferings.map(suffering => pause(suffering.atMs).then(() => suffer(stage.city, suffering))),
        sendAll({ ...day, orders }, stage.taxSide, { operators: stage.operators }),
      ])
      const { evidence, faults } = await judge(stage)
      const happened = [...accidents.map(told), ...sufferings.map(toldSuffering), toldKills(kills, killed)]
      const one = report(`schedule ${seed}`, dir, began, evidence, { happened, faults, kept: [] })
      reports.push(one)
      say(one)
      if (faults.length > 0) return
    }
  })
  return reports
}

const suffer = async (city: City, { line, toxic, forMs }: Suffering): Promise<void> => {
  await city.suffer(line, toxic)
  await pause(forMs)
  await city.suffer(line, undefined)
}
const toldSuffering = ({ atMs, forMs, line, toxic }: Suffering): string =>
  `${(atMs / 1000).toFixed(2).padStart(6)} s  ${JSON.stringify(toxic)} on ${line} for ${forMs} ms`

const toldKills = ({ atMs, forMs }: { atMs: number; forMs: number }, killed: number): string =>
  `${(atMs / 1000).toFixed(2).padStart(6)} s  for ${forMs} ms each connection that commits is killed: ${killed}`

/** A report as people read it. */
export const chaosText = ({ name, happened, faults, tickets, givenBack, supplemented, tombstones, seconds, dir }: ChaosReport): string => {
  const head = `${name}: ${happened.length} happened, ${tickets} tickets, ${givenBack} given back, ${supplemented} supplemented, ${tombstones} tombstones, ${seconds} s`
  if (faults.length === 0) return head
  return [head, ...happened.map(h => `  ${h}`), ...faults.slice(0, 40).map(f => `  ✗ ${f}`), `  logs in ${dir}`].join('\n')
}
