import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as timer } from 'node:timers/promises'
import { banks as adapters } from '#adapters'
import { type BankLine, type Banks, openBanks } from './call.ts'
import type { Config } from './config.ts'
import type { DebitState } from './domain/debit.ts'
import { type Reference, withHalts, withRegistry } from './domain/reference.ts'
import { shanghaiDate } from './domain/time.ts'
import type { Flow, Note } from './flows/flow.ts'
import { type Guard, openGuard } from './flows/guard.ts'
import { hearLate } from './flows/late.ts'
import { openLook } from './flows/look.ts'
import { openSlots, type Slots } from './flows/slots.ts'
import { watchClock } from './flows/timely.ts'
import { printKeyFor } from './keys.ts'
import { openQueue, type WakeQueue } from './queue.ts'
import { openCalendar } from './store/calendar.ts'
import { clockAhead } from './store/clock.ts'
import { type Database, openDatabase } from './store/database.ts'
import type { BankDay } from './store/days.ts'
import { openStore, type Store } from './store/store.ts'

/** The parts of one process, put together by hand. */
export type Parts = {
  readonly flow: Flow
  readonly slots: Slots
  readonly banks: Banks
  readonly guard: Guard
  readonly queue: WakeQueue
  readonly store: Store
  readonly db: Database
  /** Finishes what is under way, then closes lines, queue and record. */
  close(): Promise<void>
}

/** The most debits that wait in this process for a place at one bank; more wait in the record. */
const mostWaiting = 10_000
const refreshMs = 10_000
/** A bank that is halted, suspended or revoked is left alone this soon, in every process. */
const standingMs = 1_000

/** Builds the parts over the given servers. `settled` hears of every instruction this process settled. */
export const assemble = async (
  config: Config & { readonly databaseUrl: string; readonly redisUrl: string },
  role: string,
  hear: { readonly note: (note: Note) => void; readonly settled: (key: string, state: DebitState) => void },
): Promise<Parts> => {
  // The hot path's few connections keep their prepared statements; the gate of a debit and all orders go by those of the reads. A tax system's lists may be
  // slow, and have their own, so that they hold up neither.
  const db = openDatabase(config.databaseUrl, { connections: 4 })
  const reads = openDatabase(config.databaseUrl, { connections: 4 })
  const lists = openDatabase(config.databaseUrl, { connections: 2 })
  const store = openStore(db, reads, lists)
  let loaded: Reference = (await store.reference()) ?? emptyReference
  let [registry, halts] = await Promise.all([store.registry.read(), store.halts()])
  const whole = () => withHalts(withRegistry(loaded, registry, shanghaiDate(clock())), halts)
  const [clock, random] = [() => new Date(), Math.random]
  const watch = await watchClock(() => clockAhead(reads, clock), hear.note)
  let reference = whole()
  const queue = openQueue(config.redisUrl, 'taxlink', error => hear.note({ event: 'trouble', detail: `redis: ${error.message}` }))
  const lines = bankLines(config, reference)
  const banks = openBanks(lines, answer => void hearLate(flow, answer))
  const guard = openGuard({
    call: banks.call,
    reference: () => reference,
    clock,
    random,
    // A link test that is to come keeps no process alive.
    pause: ms => timer(ms, undefined, { ref: false }),
    note: hear.note,
  })
  guard.watch(codesOf(lines))
  const flow: Flow = {
    clock,
    random,
    pause: (ms, until) => timer(ms, undefined, until ? { signal: until } : {}).catch(() => undefined),
    store,
    call: guard.call,
    isTimely: watch.isTimely,
    heldUntil: guard.heldUntil,
    accountingDate: guard.accountingDate,
    reference: () => reference,
    owner: `${role}-${randomUUID().slice(0, 13)}`,
    leaseMs: config.leaseMs,
    printKey: printKeyFor(config),
    note: hear.note,
    settled: hear.settled,
  }
  // Lines are opened anew only where something about them may have changed: a new version of the data, a line of the registry, a new day.
  let linesOf = ''
  const renew = () => {
    reference = whole()
    const since = `${loaded.version} ${registry.lines} ${shanghaiDate(clock())}`
    if (since === linesOf) return
    linesOf = since
    const lines = bankLines(config, reference)
    guard.watch(codesOf(lines))
    banks.use(lines)
  }
  const resets = new Map<string, number>()
  /** What was seen of a bank before two persons put its day right counts no more. */
  const putRight = (days: ReadonlyMap<string, BankDay>) => {
    for (const [bankCode, { resetId }] of days) {
      if (resetId === undefined || resets.get(bankCode) === resetId) continue
      resets.set(bankCode, resetId)
      store.forgetDay(bankCode, resetId)
      guard.forgetDay(bankCode)
    }
  }
  putRight(await store.bankDays())
  const refreshed = (what: string, everyMs: number, read: () => Promise<void>) =>
    openLook(
      everyMs,
      () => read().then(renew),
      error => hear.note({ event: 'trouble', detail: `${what}: ${String(error)}` }),
    )
  const looks = [
    watch,
    refreshed('reference data', refreshMs, async () => {
      const next = await store.reference()
      if (next && next.version !== loaded.version) loaded = next
    }),
    refreshed('how the banks stand', standingMs, async () => {
      const [nextRegistry, nextHalts, days] = await Promise.all([store.registry.read(registry), store.halts(), store.bankDays()])
      ;[registry, halts] = [nextRegistry, nextHalts]
      putRight(days)
    }),
  ]
  const slots = openSlots(mostWaiting)
  return {
    flow,
    slots,
    banks,
    guard,
    queue,
    store,
    db: reads,
    close: async () => {
      for (const look of looks) look.close()
      // Nothing new from the queue; what waits for a place stays in the record for others; what is at a bank is heard to the end.
      await queue.close()
      guard.close()
      slots.close()
      await slots.idle()
      await banks.close()
      await Promise.all([db.close(), reads.close(), lists.close()])
    },
  }
}

const emptyReference: Reference = {
  version: '',
  banks: new Map(),
  offices: new Map(),
  treasuries: new Map(),
  remittance: new Map(),
  calendar: openCalendar({ years: [] }),
}

const codesOf = (lines: readonly BankLine[]): string[] => lines.map(line => line.bank.code)

/** A line for each bank that has an adapter, an entry in the registry and an address in the configuration. */
const bankLines = (config: Config, reference: Reference): BankLine[] => {
  const file = (path: string | undefined) => (path === undefined ? undefined : readFileSync(path, 'utf8'))
  const { ca, cert, key } = { ca: file(config.bankTls.ca), cert: file(config.bankTls.cert), key: file(config.bankTls.key) }
  return adapters.flatMap(bank => {
    const url = config.banks[bank.code]
    const policy = reference.banks.get(bank.code)?.policy
    if (url === undefined || policy === undefined) return []
    const secure = /^(https|tls):/.test(url) && ca !== undefined
    return [
      {
        bank,
        url,
        policy,
        ...(secure ? { tls: { ca, ...(cert === undefined ? {} : { cert }), ...(key === undefined ? {} : { key }) } } : {}),
      },
    ]
  })
}
