import { banks as adapters } from '#adapters'
import { openBanks } from '../../gateway/call.ts'
import type { AgreementStanding } from '../../gateway/domain/agreement.ts'
import type { BankEntry } from '../../gateway/domain/bank.ts'
import { type Office, type Reference, type Treasury, withHalts } from '../../gateway/domain/reference.ts'
import type { RemittanceAccount } from '../../gateway/domain/registry.ts'
import type { Flow, Note } from '../../gateway/flows/flow.ts'
import { openGuard } from '../../gateway/flows/guard.ts'
import { hearLate } from '../../gateway/flows/late.ts'
import { openSlots } from '../../gateway/flows/slots.ts'
import { openCalendar } from '../../gateway/store/calendar.ts'
import { startWork } from '../../gateway/work.ts'
import { agreementsOf } from './agreements.ts'
import { SimulatedBank } from './bank.ts'
import { dialler, type Tap } from './network.ts'
import type { Parts } from './parts.ts'
import type { Plan } from './plan.ts'
import { provinceOffice } from './proposals.ts'
import { Record } from './record.ts'
import { SimulatedRedis } from './redis.ts'
import { openSimulatedStore } from './store.ts'
import { TaxSide } from './taxside.ts'
import { Host, type World } from './world.ts'

/** Nothing is booked in the simulated world. */
const notHere = (): never => {
  throw new Error('no bookings here')
}

/** Where the simulated days begin: 08:00 in the province. */
export const start = Date.UTC(2026, 10, 10, 0, 0)
/** How soon every process hears of a halt. */
const standingMs = 5_000
export const offices = ['14301020000', '14301030000'] as const
/** The one taxpayer there is. */
export const taxpayerId = '91430100600012345X'
/** The accounts of each bank: the first are rich, the last poor. */
export const accountsOf = (bankCode: string): string[] => Array.from({ length: 6 }, (_, i) => `${bankCode}00000000000000${i}`)

/** Everything there is in one seed: processes, banks, record, Redis, the tax side. */
export class City {
  readonly record = new Record()
  readonly banks = new Map<string, SimulatedBank>()
  readonly taxSide: TaxSide
  readonly redis: SimulatedRedis
  readonly processes: Parts[] = []
  readonly world: World
  readonly plan: Plan
  readonly reference: Reference
  readonly #tap: Tap
  #agreements: ReadonlyMap<string, AgreementStanding>
  #born = 0
  healedAt = Number.MAX_SAFE_INTEGER
  #known = { changes: -1, relay: 0, sweep: 0, deliver: 0 }

  constructor(world: World, plan: Plan, tap: Tap) {
    this.world = world
    this.plan = plan
    this.#tap = tap
    this.reference = referenceOf(plan)
    for (const bank of adapters) this.banks.set(bank.code, this.#bank(bank))
    this.#agreements = agreementsOf([...this.banks.keys()], accountsOf, offices, taxpayerId)
    this.redis = new SimulatedRedis(world, plan.redis)
    this.taxSide = new TaxSide(world, () => this.processes.filter(p => p.host.role === 'serve'), plan.network.lost)
    world.accidents = plan.accidents
    world.onCrash = host => this.#died(host)
    for (let i = 0; i < 2; i++) this.#begin('serve')
    for (let i = 0; i < plan.workers; i++) this.#begin('work')
  }

  /** The way of a debit's money at this bank: treasury, clearing number, account for remittance. */
  routeOf(bankCode: string) {
    const [{ code: treasuryCode, clearingNo }] = [...this.reference.treasuries.values()] as [Treasury]
    const [{ account }] = this.reference.remittance.get(`${bankCode}/${treasuryCode}`) as [RemittanceAccount]
    return { treasuryCode, clearingNo, remittanceAccount: account }
  }

  /** From now on nothing goes wrong any more; what is under way arrives, what is down comes up. */
  heal(): void {
    const { network, record, redis, bank } = this.plan
    this.healedAt = this.world.now
    this.world.trace.add(this.world.now, 'world', 'heals')
    Object.assign(network, { refused: 0, lost: 0, duplicated: 0, cut: 0, slow: 0, stuck: 0 })
    Object.assign(record, { away: false, readOnly: false, lost: 0, unknown: 0, deadlock: 0, slow: 0 })
    Object.assign(redis, { away: this.plan.calm && redis.away, lost: 0, duplicated: 0 })
    bank.odd = 0
    this.world.accidents = { crash: 0, hold: 0, holdMs: 0 }
    this.taxSide.lost = 0
    for (const one of this.banks.values()) one.isAway = false
    for (const { host } of this.processes) {
      host.heldUntil = Math.min(host.heldUntil, this.world.now)
      host.skewMs = 0
    }
    this.world.touch()
  }

  /** Kills, holds up, sets clocks, takes servers away: one accident, whichever it is. */
  strike() {
    const { world, plan } = this
    const { random } = world
    const [victim] = this.processes.length === 0 ? [] : [random.pick(this.processes)]
    const back = (run: () => void) => world.after(random.next() * random.pick([5_000, 60_000, 1_800_000]), run)
    switch (random.whole(0, 7)) {
      case 0:
        if (victim) world.crash(victim.host)
        return
      case 1:
        if (victim) world.hold(victim.host, random.whole(100, random.pick([5_000, 120_000, 7_200_000])))
        return
      case 2:
        if (victim && plan.skewMs > 0) {
          victim.host.skewMs = random.whole(-plan.skewMs, plan.skewMs)
          world.fault('process: clock set')
          world.touch()
          world.trace.add(world.now, victim.host.name, 'clock', victim.host.skewMs)
        }
        return
      case 3:
        plan.record.away = true
        world.fault('record: away')
        world.touch()
        world.trace.add(world.now, 'record', 'away')
        return back(() => this.#return(() => (plan.record.away = false)))
      case 4:
        plan.record.readOnly = true
        world.fault('record: read-only')
        return world.after(random.whole(1, 60_000), () => this.#return(() => (plan.record.readOnly = false)))
      case 5:
        plan.redis.away = true
        world.fault('Redis: away')
        return back(() => this.#return(() => (plan.redis.away = false)))
      case 6:
        return this.redis.wipe()
      case 7: {
        const bank = random.pick([...this.banks.values()])
        bank.isAway = true
        world.fault('bank: away')
        world.trace.add(world.now, bank.bank.code, 'away')
        return back(() => this.#return(() => (bank.isAway = false)))
      }
    }
  }

  #return(run: () => void): void {
    run()
    this.world.touch()
  }

  #begin(role: 'serve' | 'work'): void {
    const { world, plan } = this
    const host = new Host(`${role}-${++this.#born}`, role)
    if (plan.skewMs > 0 && this.healedAt > world.now) host.skewMs = world.random.whole(-plan.skewMs, plan.skewMs)
    const store = openSimulatedStore(world, host, this.record, plan.record, this.#agreements)
    const dial = dialler(world, host, this.banks, plan.network, this.#tap)
    const lines = adapters.map(bank => ({ bank, url: bank.code, policy: this.reference.banks.get(bank.code)!.policy }))
    const banks = openBanks(lines, answer => void hearLate(flow, answer), dial)
    const clock = () => new Date(world.now + host.skewMs)
    const random = () => world.random.next()
    const note = (said: Note) => {
      world.trace.add(world.now, host.name, said.event, said.ticketNo ?? said.count ?? said.detail ?? '')
      if (said.event === 'trouble') world.err(said.detail ?? '')
    }
    // As every process it hears of a halt a little later; one that is new reads them first.
    let known = withHalts(this.reference, this.record.tables.halt)
    let heard = this.record.tables.haltChanges
    hearOf(host, this.record.tables.halt, world.now)
    const reference = () => known
    const pause = (ms: number) => new Promise<void>(resolve => void world.into(host, ms, resolve))
    const guard = openGuard({ call: banks.call, reference, clock, random, pause, note })
    world.into(host, 0, () => guard.watch([...this.banks.keys()]))
    const flow: Flow = {
      clock,
      random,
      pause: (ms, until) =>
        new Promise(resolve => {
          if (until) world.poll(host, ms, this.#dueAfter(ms), resolve)
          else world.into(host, ms, resolve)
        }),
      store,
      call: guard.call,
      isTimely: () => true,
      heldUntil: guard.heldUntil,
      accountingDate: guard.accountingDate,
      reference,
      owner: host.name,
      leaseMs: plan.leaseMs,
      printKey: notHere,
      note,
      settled: (key, state) => world.trace.add(world.now, host.name, state, key),
    }
    const hear = async (): Promise<void> => {
      for (;;) {
        await new Promise<void>(resolve =>
          world.poll(host, standingMs, () => (heard === this.record.tables.haltChanges ? Number.MAX_SAFE_INTEGER : 0), resolve),
        )
        const changes = this.record.tables.haltChanges
        const halts = await store.halts().catch(() => undefined)
        if (!halts) continue
        known = withHalts(this.reference, halts)
        heard = changes
        hearOf(host, halts, world.now)
      }
    }
    void hear()
    const slots = openSlots(plan.calm && role === 'work' ? 1_000 : plan.mostWaiting)
    const parts = { host, flow, slots, store }
    this.processes.push(parts)
    if (role === 'work') this.#work(parts)
  }

  #work(parts: Parts): void {
    const { relayMs, deliverMs, sweepMs } = this.plan
    const send = this.taxSide.take.bind(this.taxSide, parts)
    this.world.into(parts.host, 1, () => {
      startWork(parts.flow, parts.slots, this.redis.open(parts.host), {
        relayMs,
        deliverMs,
        sweepMs,
        webhook: { name: 'results', timeoutMs: 15_000, send },
      })
    })
  }

  #died(host: Host): void {
    this.processes.splice(
      this.processes.findIndex(p => p.host === host),
      1,
    )
    const { random } = this.world
    this.world.after(random.next() * random.pick([2_000, 60_000, 600_000]), () => this.#begin(host.role))
  }

  #bank(bank: (typeof adapters)[number]): SimulatedBank {
    const { world } = this
    const accounts = accountsOf(bank.code).map((account, i) => ({ account, balance: i < 4 ? 1e12 : 20_000 }))
    return new SimulatedBank(world, bank, {
      accounts,
      accountingDate: new Date(world.now).toISOString().slice(0, 10),
      dedupes: this.reference.banks.get(bank.code)!.policy.dedupe === 'by-key',
      reversals: this.reference.banks.get(bank.code)!.policy.reversal,
      faults: this.plan.bank,
      booked: ticketNo => this.record.tables.touched.add(ticketNo),
    })
  }

  /** When something is due for the loop that pauses so long: each has a pace of its own. */
  #dueAfter(ms: number): () => number {
    const { relayMs, deliverMs } = this.plan
    const isOf = (everyMs: number) => ms >= 0.75 * everyMs && ms <= 1.25 * everyMs
    if (isOf(relayMs)) return () => this.#due().relay
    return isOf(deliverMs) ? () => this.#due().deliver : () => this.#due().sweep
  }

  /** When something is due for the loops of the workers: what the tables say, looked up once for each change of them. */
  #due(): { readonly relay: number; readonly sweep: number; readonly deliver: number } {
    if (this.#known.changes === this.world.changes) return this.#known
    const { tables } = this.record
    const { away } = this.plan.record
    let [relay, sweep, deliver] = [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER]
    if (!away) {
      for (const at of tables.outbox.values()) relay = Math.min(relay, at)
      for (const { next_attempt_at: at, state, bank_code: bank } of tables.instruction.values())
        if (state !== 'accepted' || !tables.halt.has(bank)) sweep = Math.min(sweep, at ?? sweep)
      for (const { delivered_seq, next_attempt_at, lease_until } of tables.delivery.values())
        if (delivered_seq < tables.result.length) deliver = Math.min(deliver, Math.max(next_attempt_at, lease_until ?? 0))
      if (tables.delivery.size === 0) deliver = 0
    }
    this.#known = { changes: this.world.changes, relay, sweep, deliver }
    return this.#known
  }
}

const hearOf = (host: Host, halts: ReadonlyMap<string, unknown>, now: number): void => {
  for (const bankCode of host.halts.keys()) if (!halts.has(bankCode)) host.halts.delete(bankCode)
  for (const bankCode of halts.keys()) if (!host.halts.has(bankCode)) host.halts.set(bankCode, now)
}

const referenceOf = (plan: Plan): Reference => {
  const treasury = { code: '43010', name: '国家金库长沙市中心支库', clearingNo: '011430100' }
  const banks = adapters.map((bank, i): [string, BankEntry] => [
    bank.code,
    {
      code: bank.code,
      name: bank.name,
      policy: plan.policies[i]!,
      province: 'qualified',
      cities: new Map([['14301000000', 'active']]),
    },
  ])
  return {
    version: 'simulated',
    banks: new Map(banks),
    offices: new Map([
      ...offices.map((code): [string, Office] => [code, { code, name: '征收机关', treasuryCode: treasury.code }]),
      [provinceOffice, { code: provinceOffice, name: '省局', level: 'province' }],
    ]),
    treasuries: new Map([[treasury.code, treasury]]),
    calendar: openCalendar({ years: [] }),
    remittance: new Map(
      adapters.map(({ code }) => [
        `${code}/${treasury.code}`,
        [{ bankCode: code, treasuryCode: treasury.code, account: `${code}9001`, leadBranch: '营业部', from: '2020-01-01' }],
      ]),
    ),
  }
}
