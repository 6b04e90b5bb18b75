import { banks as adapters } from '#adapters'
import type { DebitOrder } from '../../gateway/flows/order.ts'
import { randomOf } from '../crash/random.ts'
import { agreementNoOf } from './agreements.ts'
import { Broken } from './broken.ts'
import { accountsOf, City, offices, start, taxpayerId } from './city.ts'
import { atTheWorstMoment, findLies, orderMore } from './further.ts'
import { startPersons } from './persons.ts'
import { day, minute, type Plan, planOf, second } from './plan.ts'
import { Watch } from './watch.ts'
import { Wire } from './wire.ts'
import { World } from './world.ts'

/** What came of a seed: its trace as a number, and the promise that was broken, if one was. */
export type Report = {
  readonly seed: number
  readonly digest: string
  readonly steps: number
  readonly tickets: number
  /** Debits, reversals and supplementary debits. */
  readonly instructions: number
  readonly simulatedMs: number
  readonly faults: { readonly [kind: string]: number }
  readonly failure: { readonly checker: string; readonly what: string } | undefined
}

/** Plays one seed; `say` gets its trace as text. */
export const runSeed = async (seed: number, say?: (line: string) => void): Promise<Report> => {
  const random = randomOf(seed)
  const world = new World(start, random, say)
  const plan = planOf(random, adapters.length)
  const wire = new Wire()
  const city = new City(world, plan, wire)
  wire.city = city
  const watch = new Watch(city, wire)
  let failure: Report['failure']
  try {
    await play(city, plan, watch)
    // What stands in the record belongs to what happened.
    for (const row of city.record.tables.instruction.values())
      world.trace.add(
        world.now,
        'record',
        `${row.verb} ${row.state} ${row.result_code} ${row.booked_amount} ${row.attempt_no}`,
        row.ticket_no,
      )
  } catch (error) {
    if (!(error instanceof Broken)) throw error
    world.trace.add(world.now, 'watch', error.message)
    failure = { checker: error.checker, what: error.message }
  }
  return {
    seed,
    digest: world.trace.digest,
    steps: world.steps,
    tickets: plan.tickets,
    instructions: city.record.tables.instruction.size,
    simulatedMs: world.now - start,
    faults: Object.fromEntries(world.faults),
    failure,
  }
}

const play = async (city: City, plan: Plan, watch: Watch): Promise<void> => {
  const { world } = city
  orders(city, plan)
  accidents(city, plan)
  dayEnds(city, plan)
  world.after(plan.healMs, () => city.heal())
  reading(city)
  findLies(city)
  const persons = startPersons(city)
  const healed = world.now + plan.healMs
  // What a process was to do while it was held up it does when it goes on.
  const heldMs = plan.accidents.hold > 0 ? plan.accidents.holdMs : 0
  // Until all that was sent has arrived: once all has healed nothing gets stuck any more.
  const over = () => Math.max(healed, plan.network.underWayUntil, city.taxSide.ordersUntil) + heldMs + 20 * minute
  const deadline = Math.max(healed, city.taxSide.ordersUntil) + (plan.network.stuck > 0 ? plan.network.stuckMs : 0) + heldMs + 3 * day
  const worstMoment = atTheWorstMoment(city, persons)
  const each = () => {
    watch.check()
    worstMoment()
  }
  const done = () => world.now > over() && watch.unfinished() === undefined
  const ended = await world.run(() => world.now > deadline || done(), each, 20_000 * plan.tickets)
  const why = ended ? watch.unfinished() : 'something goes on and on'
  if (why !== undefined) throw new Broken('convergence', `long after all has healed ${why}`)
  watch.checkEnd()
}

const orders = (city: City, plan: Plan): void => {
  const { world, taxSide } = city
  const { random } = world
  for (let i = 0; i < plan.tickets; i++) {
    const order = orderOf(city, String(430_000_000_000_000_000n + BigInt(i + 1)))
    const at = random.next() * plan.spanMs
    world.after(at, () => taxSide.send(order))
    if (random.percent(plan.twice)) world.after(at + random.next() * random.pick([20, 60_000]), () => taxSide.send(order))
    if (random.percent(plan.differing)) {
      const other = random.percent(50)
        ? withAmount(order, order.amount + 1)
        : { ...order, account: random.pick(accountsOf(order.bankCode)) }
      if (other.amount !== order.amount || other.account !== order.account)
        world.after(at + random.next() * random.pick([20, 60_000]), () => taxSide.send(other))
    }
    if (random.percent(plan.further)) orderMore(city, order.ticketNo, at)
    for (let asks = random.whole(0, 2); asks > 0; asks--) world.after(at + random.next() * 10 * minute, () => taxSide.ask(order.ticketNo))
  }
}

const withAmount = (order: DebitOrder, amount: number): DebitOrder => ({ ...order, amount, items: [{ ...order.items[0]!, amount }] })

const orderOf = (city: City, ticketNo: string): DebitOrder => {
  const { random } = city.world
  const bankCode = random.pick([...city.banks.keys()])
  const amount = random.whole(1, 9_999)
  const officeCode = random.pick(offices)
  const taxpayerName = random.percent(city.plan.unwritable) ? '长沙𠮷星机械有限公司' : '长沙星城机械有限公司'
  const account = random.pick(accountsOf(bankCode))
  return {
    ticketNo,
    officeCode,
    bankCode,
    channel: 'computer',
    taxpayerId,
    taxpayerName,
    agreementNo: agreementNoOf(bankCode, account, officeCode),
    account,
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
  }
}

const accidents = (city: City, plan: Plan): void => {
  const { world } = city
  for (let i = 0; i < plan.outages; i++)
    world.after(world.random.next() * plan.healMs, () => {
      if (plan.healMs > 0) city.strike()
    })
}

/** The banks end their days, and money comes onto poor accounts. */
const dayEnds = (city: City, plan: Plan): void => {
  const { world, banks } = city
  for (const [code, { ledger }] of banks) {
    const next = (): void => {
      ledger.endDay()
      world.trace.add(world.now, code, 'day-end', ledger.accountingDate)
      world.after(day, next)
    }
    world.after(world.random.next() * day, next)
    const top = (): void => {
      for (const { account, balance } of ledger.accounts()) if (balance < 1_000_000n) ledger.set({ account, balance: balance + 20_000n })
    }
    world.after(world.random.next() * plan.spanMs, top)
    world.after(plan.spanMs + world.random.next() * plan.healMs, top)
  }
}

/** The tax side looks into the feed now and then, as long as there is anything it does not know. */
const reading = (city: City): void => {
  const { world, taxSide, record } = city
  const look = (): void => {
    if (taxSide.read.length < record.tables.result.length) taxSide.readOn()
    world.after(30 * second + world.random.next() * 10 * minute, look)
  }
  world.after(10 * second, look)
}
