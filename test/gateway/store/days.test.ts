import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openBankDays, resetDay } from '../../../gateway/store/days.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { now } from './kit.ts'

// The accounting date of a bank: forward by itself, back by two persons only, and the wrong one does not come back.

let fresh: FreshDatabase
beforeAll(async () => {
  fresh = await freshDatabase(4)
})
afterAll(() => fresh.drop())
const run = (sql: string) => fresh.db.execute(sql)
let orders = 0
const approved = async (kind: string, bankCode: string, accountingDate: string): Promise<number> => {
  const { insertId } = await run(
    `INSERT INTO proposal (kind, subject, order_no, content, evidence, content_hash, proposed_by, proposed_at, expires_at)
     VALUES ('${kind}', '${bankCode}', 'n${++orders}', '{"bankCode":"${bankCode}","accountingDate":"${accountingDate}"}', 'x', UNHEX(REPEAT('aa', 32)),
       'urn:taxlink:operator:zhang', '2026-11-10 01:00:00', '2026-11-11 01:00:00')`,
  )
  await run(
    `UPDATE proposal SET state = 'approved', decided_by = 'urn:taxlink:operator:li', decided_at = '2026-11-10 02:00:00', seen_hash = content_hash WHERE id = ${insertId}`,
  )
  return insertId
}
const dayOf = async (bankCode: string) => (await openBankDays(fresh.db).bankDays()).get(bankCode)?.accountingDate

test('a process that has not heard of it yet does not bring the wrong day back; once it has, it sees as before', async () => {
  const [one, other] = [openBankDays(fresh.db), openBankDays(fresh.db)]
  await one.sawDay('4301', '2026-11-20', now)
  const id = await approved('reset-bank-day', '4301', '2026-11-10')
  expect(await fresh.db.transaction(tx => resetDay(tx, '4301', '2026-11-10', id, now))).toBe(true)
  expect(await dayOf('4301')).toBe('2026-11-10')
  // Of what was under way: a process that knows nothing yet, with the wrong day and with a true one.
  await other.sawDay('4301', '2026-11-20', now)
  await other.sawDay('4301', '2026-11-21', now)
  expect(await dayOf('4301')).toBe('2026-11-10')
  for (const days of [one, other]) days.forgetDay('4301', id)
  await one.sawDay('4301', '2026-11-11', now)
  expect(await dayOf('4301')).toBe('2026-11-11')
  await other.sawDay('4301', '2026-11-12', now)
  expect(await dayOf('4301')).toBe('2026-11-12')
  expect(await fresh.db.transaction(tx => resetDay(tx, '4301', '2026-11-12', id, now))).toBe(false)
})

describe('by SQL nobody puts it back alone', () => {
  const two = 'put right by two persons'
  test.each(["accounting_date = '2026-11-01'", "bank_code = '4999'"])('%s', async set => {
    await run("INSERT IGNORE INTO bank_day (bank_code, accounting_date, seen_at) VALUES ('4306', '2026-11-20', '2026-11-10')")
    await expect(run(`UPDATE bank_day SET ${set} WHERE bank_code = '4306'`)).rejects.toThrow(two)
  })
  test('nor with another decision, nor twice with one', async () => {
    await run("INSERT IGNORE INTO bank_day (bank_code, accounting_date, seen_at) VALUES ('4306', '2026-11-20', '2026-11-10')")
    const to = (day: string, id: number | null) =>
      run(`UPDATE bank_day SET accounting_date = '${day}', reset_id = ${id} WHERE bank_code = '4306'`)
    await expect(to('2026-11-10', await approved('halt-bank', '4306', '2026-11-10'))).rejects.toThrow(two)
    await expect(to('2026-11-10', await approved('reset-bank-day', '4301', '2026-11-10'))).rejects.toThrow(two)
    const id = await approved('reset-bank-day', '4306', '2026-11-10')
    await expect(to('2026-11-09', id)).rejects.toThrow(two)
    await to('2026-11-10', id)
    await run("UPDATE bank_day SET accounting_date = '2026-11-20' WHERE bank_code = '4306'")
    await expect(to('2026-11-10', id)).rejects.toThrow(two)
    await expect(to('2026-11-20', null)).rejects.toThrow(two)
    await expect(
      run(`INSERT INTO bank_day (bank_code, accounting_date, seen_at, reset_id) VALUES ('4310', '2026-11-01', '2026-11-10', ${id})`),
    ).rejects.toThrow(two)
    await expect(run('DELETE FROM bank_day')).rejects.toThrow('never forgotten')
  })
})
