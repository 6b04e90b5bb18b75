import { ticketOf } from '../linked.ts'
import { named } from '../orders.ts'
import { haltsOf, keyed, proposalOf } from '../proposals.ts'
import type { ProposalRow, Tables } from '../rows.ts'
import { feed, findDebit, findOrder, findStop, viewOf } from '../views.ts'
import type { Both } from './both.ts'
import { banks, type Draw, taxSystems } from './draw.ts'

/** What both say when they are asked how things stand, of some of each that were drawn. */
export type Reading = { readonly what: string; readonly real: unknown; readonly model: unknown }

/** Asks both everything that the simulated one can be asked, of up to `most` of each. */
export const readBoth = async ({ store, record }: Both, { random }: Draw, now: Date, most: number): Promise<Reading[]> => {
  const { tables } = record
  const some = <T>(all: Iterable<T>): T[] => {
    const list = [...all]
    return list.length <= most ? list : Array.from({ length: most }, () => random.pick(list))
  }
  const readings: Reading[] = []
  const read = async (what: string, real: Promise<unknown>, model: unknown) => void readings.push({ what, real: await real, model })

  for (const taxSystem of [undefined, ...taxSystems]) {
    const [after, limit] = [random.whole(0, tables.result.length), random.pick([3, 50])]
    await read(`results ${taxSystem} ${after} ${limit}`, store.results(taxSystem, after, limit), feed(tables, taxSystem, after, limit))
  }
  for (const ticketNo of some(tables.ticket.keys())) {
    await read(`find ${ticketNo}`, store.find(ticketNo), findDebit(tables, ticketNo))
    await read(`ticket ${ticketNo}`, store.ticket(ticketNo), ticketOf(tables, ticketNo))
  }
  for (const row of some(tables.instruction.values())) {
    const key = { officeCode: row.office_code, entrustDate: row.entrust_date, serialNo: row.serial_no }
    await read(`keyed ${row.id}`, store.keyed(key), keyed(tables, key))
    await read(`named ${row.id}`, store.named(key), named(tables, key))
  }
  const ids = [...new Set(some(tables.instruction.keys()))]
  await read('load', store.load(ids), record.load(ids))
  await read('find instructions', inOrder(store.findInstructions(ids)), await inOrder(views(tables, ids)))
  for (const { tax_system: taxSystem, kind, order_no: orderNo } of some(tables.tax_order))
    await (kind === 'stop'
      ? read(`stop ${orderNo}`, store.findStop(taxSystem, orderNo), findStop(tables, taxSystem, orderNo))
      : read(`order ${orderNo}`, store.findOrder({ taxSystem, kind, orderNo }), findOrder(tables, { taxSystem, kind, orderNo })))
  const nobody = { taxSystem: taxSystems[0], kind: 'reversal', orderNo: 'none' } as const
  await read('no order', store.findOrder(nobody), findOrder(tables, nobody))
  await read('no stop', store.findStop(nobody.taxSystem, 'none'), findStop(tables, nobody.taxSystem, 'none'))
  await read('halts', store.halts(), haltsOf(tables))
  readings.push(...(await readDue({ store, record } as Both, now, random.pick([1, 3, 1_000]), random.pick([[], [banks[0]], banks]))))
  readings.push(...(await readProposals({ store, record } as Both, some(tables.proposal), now)))
  return readings
}

const views = async (tables: Tables, ids: readonly number[]) => ids.map(id => viewOf(tables, tables.instruction.get(id)!))
const inOrder = async <T extends { readonly instructionId: number }>(found: Promise<T[]>): Promise<T[]> =>
  (await found).toSorted((a, b) => a.instructionId - b.instructionId)

/** Of those of one moment nobody says which is first: compared are the places of each bank, and the moments on them. */
const readDue = async ({ store, record }: Both, now: Date, limit: number, halted: readonly string[]): Promise<Reading[]> => {
  const { instruction } = record.tables
  const placed = (ids: readonly number[]) => {
    const taken = new Map<string, number>()
    return ids.map(id => {
      const { bank_code: bank, next_attempt_at: at } = instruction.get(id)!
      const place = taken.get(bank) ?? 0
      taken.set(bank, place + 1)
      return { bank, place, at }
    })
  }
  const inPlaces = (ids: readonly number[]) => placed(ids).toSorted((a, b) => a.place - b.place || (a.bank < b.bank ? -1 : 1))
  const [real, model] = [await store.due(now, limit, halted), record.due(now, limit, halted)]
  const what = `due ${limit} halted ${halted.join(' ')}`
  return [
    { what, real: inPlaces(real), model: inPlaces(model) },
    { what: `${what}: places`, real: placed(real).map(({ place }) => place), model: placed(model).map(({ place }) => place) },
    ...(limit === 1_000 ? [{ what: `${what}: which`, real: new Set(real), model: new Set(model) }] : []),
  ]
}

const readProposals = async ({ store: { proposals }, record }: Both, some: readonly ProposalRow[], now: Date): Promise<Reading[]> => {
  const readings: Reading[] = []
  for (const row of some) {
    const { id, proposedBy, orderNo } = row
    readings.push({ what: `proposal ${id}`, real: await proposals.find(id), model: proposalOf(row) })
    readings.push({ what: `proposal ${orderNo}`, real: await proposals.findOrder(proposedBy, orderNo), model: proposalOf(row) })
  }
  const over = record.tables.proposal.flatMap(p => (p.state === 'proposed' && p.expiresAt <= now ? [p.id] : []))
  readings.push({ what: 'over', real: new Set(await proposals.over(now, 100)), model: new Set(over) })
  return readings
}
