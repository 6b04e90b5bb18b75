import { afterEach, beforeEach, expect, test } from 'vitest'
import { readCandidates } from '../../../gateway/store/candidates.ts'
import type { Tx } from '../../../gateway/store/database.ts'
import { type NewDebit, writeSettlements } from '../../../gateway/store/debits.ts'
import { insertInstruction } from '../../../gateway/store/linked.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { lockTicket, readTickets } from '../../../gateway/store/tickets.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { until } from '../stage.ts'
import { decided, further, newDebit, refusal, settledDebit, settlementOf } from './kit.ts'

// The lock of a ticket: who has one waits for nobody who has another, and of many who want the same one each gets it.

let fresh: FreshDatabase
let store: Store
beforeEach(async () => {
  fresh = await freshDatabase()
  store = openStore(fresh.db)
})
afterEach(() => fresh.drop())

/** A transaction of its own that is not run again. */
const once = <T>(work: (tx: Tx) => Promise<T>): Promise<T> => fresh.db.transaction(work, { retries: 0 })
/** How many statements of this suite have been under way for a while: they do not run, they wait. */
const waiting = async (): Promise<number> =>
  (
    await fresh.db.query(
      "SELECT 1 FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID() AND info LIKE '%FOR UPDATE' AND time_ms > 50",
    )
  ).length
const settledDebits = (count: number) => Promise.all(Array.from({ length: count }, () => settledDebit(store)))
/** A reversal of it that was refused when it was ordered. */
const refuseReversal = async (tx: Tx, debit: NewDebit): Promise<void> => {
  const reversal = await further(store, debit, 'reversal', debit.amount, 'tax-side')
  const verdict = { kind: 'refuse', rule: 'test', code: '34001', zh: '', en: '' } as const
  await insertInstruction(tx, reversal, verdict, decided(refusal).outcome)
}

test('in a small table, too, tickets are locked while another is', async () => {
  const [first, ...others] = (await settledDebits(6)).map(({ ticketNo }) => ticketNo)
  await once(async tx => {
    await lockTicket(tx, first!)
    expect([...(await once(other => readTickets(other, others, 'FOR UPDATE'))).keys()]).toEqual(others)
  })
})

test('of those who wait for a ticket each gets it, and sees what was written of it meanwhile', async () => {
  // So many that the server goes by the index of tickets.
  const debit = (await settledDebits(400))[200]!
  const looks: Promise<PromiseSettledResult<Awaited<ReturnType<typeof lockTicket>>>[]>[] = []
  const lookAndWait = async () => {
    looks.push(Promise.allSettled([once(tx => lockTicket(tx, debit.ticketNo))]))
    await until('it waits', async () => (await waiting()) === looks.length)
  }
  await once(async tx => {
    await lockTicket(tx, debit.ticketNo)
    await lookAndWait()
    await refuseReversal(tx, debit)
    await lookAndWait()
  })
  for (const look of (await Promise.all(looks)).flat()) {
    expect(look).toMatchObject({ status: 'fulfilled' })
    expect(look.status === 'fulfilled' && look.value?.movements.map(m => m.state)).toEqual(['succeeded', 'refused'])
  }
})

test('what a process that does not pass the gate adds under the locks of the instructions is seen by who waits for them', async () => {
  const debit = (await settledDebits(400))[200]!
  let look: ReturnType<typeof lockTicket> = Promise.resolve(undefined)
  await once(async tx => {
    await tx.query('SELECT id FROM instruction FORCE INDEX (one_live) WHERE ticket_no = ? FOR UPDATE', [debit.ticketNo])
    look = once(other => lockTicket(other, debit.ticketNo))
    await until('it waits', async () => (await waiting()) === 1)
    await refuseReversal(tx, debit)
  })
  expect((await look)?.movements.map(m => m.state)).toEqual(['succeeded', 'refused'])
})

test('who settles an instruction waits for nobody who waits for its ticket', async () => {
  const debit = await newDebit(store)
  await store.accept(debit)
  let look: ReturnType<typeof lockTicket> = Promise.resolve(undefined)
  await once(async tx => {
    // The row first; then what moves within the index of tickets.
    await tx.query('SELECT id FROM instruction WHERE id = ? FOR UPDATE', [debit.instructionId])
    look = once(other => lockTicket(other, debit.ticketNo))
    await until('it waits', async () => (await waiting()) === 1)
    await writeSettlements(tx, [settlementOf({ id: debit.instructionId, ticketNo: debit.ticketNo }, refusal)])
  })
  expect((await look)?.movements).toMatchObject([{ state: 'refused' }])
})

test('who is about to write a ticket off waits for nobody who waits for the ticket', async () => {
  const { ticketNo } = await settledDebit(store)
  let look: ReturnType<typeof lockTicket> = Promise.resolve(undefined)
  await once(async tx => {
    await readCandidates(tx, [ticketNo])
    look = once(other => lockTicket(other, ticketNo))
    await until('it waits', async () => (await waiting()) === 1)
    // As the foreign key of a write-off does.
    await tx.query('SELECT 1 FROM ticket WHERE ticket_no = ? LOCK IN SHARE MODE', [ticketNo])
  })
  expect(await look).toMatchObject({ ticketNo })
})
