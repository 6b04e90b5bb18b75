import type { DebitOrder } from '../../gateway/flows/order.ts'
import type { City } from './city.ts'
import type { Persons } from './persons.ts'
import { hour, minute, second } from './plan.ts'
import { type InstructionRow, keyOf } from './rows.ts'

// What the tax side orders beside debits, and what two persons find out about banks that say what is not so.

/** Orders something about this ticket, some time after `at`: reversals of the whole, of a part, of too much; stops; supplementary debits of too much. */
export const orderMore = (city: City, ticketNo: string, at: number): void => {
  const { world, taxSide } = city
  const { random } = world
  for (let n = random.whole(1, 3); n > 0; n--) {
    const orderNo = `${ticketNo.slice(-6)}-${n}`
    const kind = random.pick(['reversal', 'reversal', 'reversal', 'stop', 'supplement'] as const)
    const share = random.pick([1, 1, 0.5, 0.1, 1.2])
    const reason = random.pick(['duplicate', 'over-debited', 'tax-side'] as const)
    const again = random.percent(city.plan.twice)
    const other = random.percent(city.plan.differing)
    const give = (debit: DebitOrder) => {
      const amount = Math.max(1, Math.round(debit.amount * share))
      if (kind === 'stop') {
        // Whoever was told that it is too late may try once more: it may have come back.
        for (const suffix of ['', 'b', 'c', 'd'].slice(0, random.whole(1, 4))) {
          const order = { orderNo: orderNo + suffix, ticketNo }
          world.after(suffix === '' ? 0 : random.next() * random.pick([minute, 20 * minute, 120 * minute]), () =>
            taxSide.further({ kind, order }),
          )
        }
        return
      }
      const items = [{ ...debit.items[0]!, amount }]
      const order = { orderNo, ticketNo, amount }
      if (kind === 'supplement') return taxSide.further({ kind, order: { ...order, reason: 'under-debited', items } })
      const reversal = { kind, order: { ...order, reason } }
      taxSide.further(reversal)
      if (again) taxSide.further(reversal)
      if (other) taxSide.further({ kind, order: { ...order, amount: amount + 1, reason } })
    }
    const { furtherMs } = city.plan
    const afterMs = at + random.next() * random.pick(kind === 'stop' ? [2_000, 2_000, minute, 20 * minute] : [1_000, minute, furtherMs])
    taxSide.ordersUntil = Math.max(taxSide.ordersUntil, world.now + afterMs)
    // What is not known to be accepted is not ordered about.
    world.after(afterMs, () => taxSide.onceAccepted(ticketNo, give))
  }
}

/** At the worst moment, when the bank was found not to have something and it is about to be sent again, somebody stops it, or writes down that it is not there. */
export const atTheWorstMoment = (city: City, persons: Persons | undefined): (() => void) => {
  const { world, plan, taxSide, record } = city
  const { journal } = record.tables
  let at = 0
  return () => {
    for (; at < journal.length; at++) {
      const { event, ticket_no: ticketNo, instruction_id: instructionId } = journal[at]!
      if (event !== 'absent') continue
      persons?.writeDown(instructionId)
      if (plan.further === 0 || !world.random.percent(30)) continue
      const order = { orderNo: `${ticketNo.slice(-6)}-w${at}`, ticketNo }
      world.after(world.random.next() * world.random.pick([second, minute]), () => taxSide.further({ kind: 'stop', order }))
    }
  }
}

/**
 * Two persons compare the bank's books with the record: what a bank has claimed and does not have becomes a break, and the tax side orders the rest.
 * Now and then they err.
 */
export const findLies = (city: City): void => {
  const { world, taxSide, record, banks } = city
  const known = new Set<string>()
  const look = (): void => {
    if (!city.plan.calm && city.healedAt > world.now && world.random.percent(15)) err(city, known)
    for (const [code, { lies }] of banks)
      for (const [key, lie] of lies) {
        const { ticketNo, claims, has } = lie
        const row = record.tables.byKey.get(key)
        if (known.has(key) || row?.state !== 'succeeded' || row.bank_code !== code || !taxSide.accepted.has(ticketNo)) continue
        known.add(key)
        const kind = has === 0 ? 'bank-missing' : 'under-debited'
        const found = {
          ticketNo,
          instructionId: row.id,
          kind,
          taxAmount: claims,
          bankAmount: has,
          reason: 'the books of the bank',
        } as const
        // Some accounts do not have it any more: then the remedy fails, and the ticket is void.
        if (world.random.percent(40)) banks.get(code)!.freeze(taxSide.accepted.get(ticketNo)?.account ?? '')
        taxSide.declare(found, () => {
          lie.found = true
          supplementFor(city, ticketNo, kind, claims - has)
        })
      }
    world.after(10 * minute, look)
  }
  world.after(10 * minute, look)
}

/**
 * What a bank has is declared missing, and ordered once more: the bank is asked before. Not of what was asked about before: an answer to that may still be
 * under way, and pass for the answer to this.
 */
const err = (city: City, known: Set<string>): void => {
  const { world, taxSide, record, banks, reference } = city
  const isSound = (row: InstructionRow): boolean =>
    row.verb === 'debit' &&
    row.state === 'succeeded' &&
    row.inquiries === 0 &&
    taxSide.accepted.has(row.ticket_no) &&
    reference.banks.get(row.bank_code)!.policy.inquiry &&
    !banks.get(row.bank_code)!.lies.has(keyOf(row)) &&
    !known.has(keyOf(row))
  const rows = [...record.tables.instruction.values()].filter(isSound)
  if (rows.length === 0) return
  const { id, ticket_no: ticketNo, amount, ...key } = world.random.pick(rows)
  known.add(keyOf(key))
  const found = {
    ticketNo,
    instructionId: id,
    kind: 'bank-missing',
    taxAmount: amount,
    bankAmount: 0,
    reason: 'looked up in the wrong books',
  } as const
  taxSide.declare(found, () => supplementFor(city, ticketNo, 'bank-missing', amount))
}

const supplementFor = (city: City, ticketNo: string, reason: 'bank-missing' | 'under-debited', amount: number): void => {
  const { world, taxSide } = city
  const debit = taxSide.accepted.get(ticketNo)!
  const orderNo = `${ticketNo.slice(-6)}-35`
  const order = { orderNo, ticketNo, reason, amount, items: [{ ...debit.items[0]!, amount }] }
  // Sometimes somebody thinks better of it: what is stopped before it is sent has failed at no bank.
  const stop = { orderNo: `${orderNo}s`, ticketNo, supplementNo: orderNo }
  const back = { orderNo: `${orderNo}r`, ticketNo, supplementNo: orderNo, amount, reason: 'tax-side' } as const
  const regret = (): void => {
    if (world.random.percent(30)) world.after(world.random.next() * 2_000, () => taxSide.further({ kind: 'stop', order: stop }))
    if (world.random.percent(20)) world.after(world.random.next() * hour, () => taxSide.further({ kind: 'reversal', order: back }))
  }
  const give = (some: typeof order, withinMs: number, then?: () => void): void =>
    void world.after(world.random.next() * withinMs, () => taxSide.further({ kind: 'supplement', order: some }, then))
  // Two that are both within the shortfall must not be under way at once.
  if (reason === 'under-debited' && amount > 1 && world.random.percent(50)) {
    const [one, other] = [Math.ceil(amount / 2), Math.floor(amount / 2)]
    give({ ...order, amount: one, items: [{ ...debit.items[0]!, amount: one }] }, second)
    give({ ...order, orderNo: `${orderNo}c`, amount: other, items: [{ ...debit.items[0]!, amount: other }] }, second)
    return
  }
  give(order, 10 * minute, regret)
  // Both of two orders for the same shortfall must not go through.
  if (world.random.percent(30)) give({ ...order, orderNo: `${orderNo}b` }, 10 * minute)
}

/** Whether this instruction is one about which its bank says what is not so. */
export const isLied = (city: City, row: { bank_code: string; office_code: string; entrust_date: string; serial_no: string }): boolean =>
  city.banks.get(row.bank_code)!.lies.has(keyOf(row))
