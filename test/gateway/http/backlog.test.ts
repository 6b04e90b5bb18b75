import { afterAll, beforeAll, expect, test } from 'vitest'
import { later } from '../../../gateway/domain/time.ts'
import { readBacklog } from '../../../gateway/store/backlog.ts'
import { type House, openHouse, order, timedOut } from './house.ts'

let house: House
beforeAll(async () => {
  house = await openHouse()
})
afterAll(() => house.close())

test('doubts by bank, and how far the outbox is behind', async () => {
  const { db } = house.fresh
  const now = new Date()
  expect(await readBacklog(db, now)).toEqual({ doubtful: [], outbox: { due: 0, lagSeconds: 0 } })

  const ets = house.caller(await house.ca.issue())
  await ets.ask('POST', '/v1/debits', order(), { prefer: 'wait=5' })
  house.say(timedOut)
  const doubtful = [order(), order(), order({ bankCode: '4306' })]
  await ets.ask('POST', '/v1/debits/batch', { orders: doubtful })
  await house.slots.idle()
  await db.execute('UPDATE instruction SET person = TRUE WHERE ticket_no = ?', [doubtful[0]!.ticketNo])
  await db.execute('DELETE FROM outbox')
  const rows = await db.query<{ id: number }>('SELECT id FROM instruction ORDER BY id')
  for (const [i, { id }] of rows.entries())
    await db.execute('INSERT INTO outbox (instruction_id, wake_at) VALUES (?, ?)', [id, later(now, -1_500 + 1_000 * i)])

  const { doubtful: found, outbox } = await readBacklog(db, now)
  expect(found.toSorted((a, b) => a.bankCode.localeCompare(b.bankCode))).toEqual([
    { bankCode: '4301', count: 2, forPerson: 1 },
    { bankCode: '4306', count: 1, forPerson: 0 },
  ])
  expect(outbox).toEqual({ due: 2, lagSeconds: 1.5 })
})
