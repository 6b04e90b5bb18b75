import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Database, openDatabase } from '../../../gateway/store/database.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { doubt, newDebit, refusal, settlementOf, taxSystem } from './kit.ts'

// A tax system's list of debits: of a day, and of what is open, the record is asked as long as there is of that, not as long as its history is.

const history = 20_000
let fresh: FreshDatabase
/** Of one connection, which says how many rows it has read. */
let db: Database
let store: Store
const offices = ['14301020000', '14302020000']
beforeAll(async () => {
  fresh = await freshDatabase(4)
  db = openDatabase(fresh.url, { connections: 1 })
  store = openStore(db)
  await fresh.db.execute(
    `INSERT INTO ticket (ticket_no, tax_system, office_code, bank_code, amount, content_hash, accepted_at)
     SELECT CONCAT('45', LPAD(seq, 16, '0')), ?, '14301020000', '4301', 100, REPEAT('h', 32), '2026-10-09 02:00:00' FROM seq_1_to_${history}`,
    [taxSystem],
  )
  await fresh.db.execute(
    `INSERT INTO instruction (id, verb, ticket_no, office_code, entrust_date, serial_no, bank_code, amount, request, state, accepted_at, settled_at)
     SELECT seq, 'debit', CONCAT('45', LPAD(seq, 16, '0')), ELT(1 + seq % 2, '14301020000', '14302020000'), '2026-10-09', LPAD(seq, 8, '0'), '4301', 100,
       '{}', 'succeeded', '2026-10-09 02:00:00', '2026-10-09 02:00:01' FROM seq_1_to_${history}`,
  )
})
afterAll(async () => {
  await db.close()
  await fresh.drop()
})

const rowsRead = async (): Promise<number> => {
  const rows = await db.query<{ Value: string }>("SHOW SESSION STATUS LIKE 'Handler_read%'")
  return rows.reduce((sum, { Value }) => sum + Number(Value), 0)
}

test('the pages of a day, and of what is in doubt, cost no more than there is of them', async () => {
  const made: string[] = []
  for (let i = 0; i < 6; i++) {
    const debit = await newDebit(store, { officeCode: offices[i % 2]!, instructionId: 1_000_000 + i, serialNo: String(50_000_000 + i) })
    await store.accept(debit)
    const about = { id: debit.instructionId, ticketNo: debit.ticketNo }
    if (i > 0) await store.settle(settlementOf(about, [doubt, refusal, {}][i % 3]))
    made.push(debit.ticketNo)
  }
  const read = async (filter: Omit<Parameters<Store['list']>[0], 'taxSystem'>, after = 0) => {
    const before = await rowsRead()
    const found = await store.list({ taxSystem, ...filter }, after, 4)
    return { places: found.map(({ ticketNo }) => made.indexOf(ticketNo)), rows: (await rowsRead()) - before }
  }
  const day = { entrustDate: '2026-11-10' }
  const asked = [
    await read(day),
    await read(day, 1_000_003),
    await read({ ...day, officeCode: offices[1], state: 'refused' }),
    await read({ state: 'unknown' }),
    await read({ ...day, bankCode: '4301', state: 'unknown' }),
    await read({ state: 'sent' }),
    await read({ entrustDate: '2026-11-11' }),
  ]
  expect(asked.map(({ places }) => places)).toEqual([[0, 1, 2, 3], [4, 5], [1], [3], [3], [0], []])
  for (const { rows } of asked) expect(rows).toBeLessThan(history / 10)
  // What was there before is still to be had.
  expect((await store.list({ taxSystem, entrustDate: '2026-10-09', state: 'succeeded' }, 0, 5)).map(row => row.instructionId)).toEqual([
    1, 2, 3, 4, 5,
  ])
})
