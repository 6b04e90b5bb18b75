import { afterEach, beforeEach, expect, test } from 'vitest'
import { openStore } from '../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../database.ts'
import { ticketOf } from './linked.ts'
import type { Both } from './model/both.ts'
import { enlist } from './model/persons.ts'
import { readBoth } from './model/reads.ts'
import { modelRows, realRows, tables } from './model/rows.ts'
import { Unsure } from './model/unsure.ts'
import { Walk } from './model/walk.ts'
import { Record } from './record.ts'
import type { Tables } from './rows.ts'

// The simulated record is a second implementation: the same random operations on it and on the real one leave the same rows, and say the same.

let fresh: FreshDatabase
let both: Both
beforeEach(async () => {
  fresh = await freshDatabase()
  await enlist(fresh.db)
  const unsure = new Unsure()
  both = { db: fresh.db, store: openStore(unsure.over(fresh.db)), record: new Record(), unsure }
})
afterEach(() => fresh.drop())

const haveTheSameRows = async (when: string): Promise<void> => {
  for (const table of tables) expect(modelRows(both.record, table), `${when}: ${table.name}`).toEqual(await realRows(fresh.db, table))
}
const sayTheSame = async (when: string, { draw, now }: Walk, most: number): Promise<void> => {
  for (const { what, real, model } of await readBoth(both, draw, now, most)) expect(model, `${when}: ${what}`).toEqual(real)
}

/** What happened in all the walks, and what the simulated record wrote of it. */
const happened = new Set<string>()
const noteRows = ({ journal, break: breaks, halt }: Tables): void => {
  for (const { event, reason } of journal) happened.add(event).add(reason)
  if (breaks.some(row => row.closed_at !== null)) happened.add('a break is closed')
  if (halt.size > 0) happened.add('a bank is halted')
}

test.each([1, 2, 3, 4, 5, 6, 7, 8])(
  'walk %i: the simulated record and the real one go the same way',
  async seed => {
    const walk = new Walk(seed, both)
    const { tables } = both.record
    for (let i = 0; i < 400; i++) {
      const { kinds, real, model, ticketNo } = await walk.step()
      const when = `step ${i}: ${kinds.join(', ')}`
      expect(model, when).toEqual(real)
      if (ticketNo !== undefined) expect(ticketOf(tables, ticketNo), `${when}: the ticket`).toEqual(await both.store.ticket(ticketNo))
      for (const kind of kinds) happened.add(kind)
      if (i % 50 === 49) await haveTheSameRows(when)
      if (i % 20 === 19) await sayTheSame(when, walk, 2)
    }
    await haveTheSameRows('at the end')
    await sayTheSame('at the end', walk, 1_000)
    noteRows(tables)
  },
  240_000,
)

/** What must have been compared. */
const everything = [
  ...['accept', 'settle true', 'order', 'stop', 'review', 'keep late', 'propose', 'decide'].flatMap(what => [
    `${what} kept`,
    `${what} lost`,
  ]),
  ...['accept accepted', 'accept repeated', 'claim true', 'claim false', 'relay', 'postpone', 'saw day'],
  ...['debit', 'supplementaryDebit', 'reversal'].map(verb => `settle true ${verb}`),
  ...['tombstone', 'original-zero', 'original-person', 'booked', 'never sent'].map(what => `settle true ${what}`),
  ...['settle false', 'settle false tombstone', 'settle true, nothing new', 'settle true, its tombstone is under way'],
  ...['order repeated', 'order refused', ...['send', 'wait', 'done', 'refuse'].map(kind => `order accepted ${kind}`)],
  ...['stop accepted send', 'stop accepted refuse', 'stop repeated send', 'hasten true', 'hasten false'],
  ...['send', 'wait', 'done', 'refuse', 'moved'].map(kind => `review ${kind}`),
  ...['review done in doubt true', 'review refuse in doubt true'],
  ...['keep late', 'declare', 'lease', 'advance'].flatMap(what => [`${what} true`, `${what} false`]),
  ...['proposed', 'repeated', 'differs', 'open'].map(kind => `propose ${kind}`),
  ...['absent', 'objected', 'repeated', 'decided'].map(kind => `decide ${kind}`),
  ...['own-proposal', 'not-the-proposer', 'content-differs', 'expired', 'decided'].map(why => `decide refused ${why}`),
  ...['reject', 'withdraw', 'expire', ...['halt-bank', 'resume-bank', 'resolve-doubt', 'declare-break'].map(kind => `approve ${kind}`)],
  'a tombstone for what was not found',
  'a tombstone keeps it out: certainly nothing was booked',
  'it had been booked, and was given back whole',
  'no tombstone could be left: a person decides',
  ...['void', 'a break is closed', 'a bank is halted'],
]
test('nothing was compared that never happened', () => {
  expect(everything.filter(kind => !happened.has(kind))).toEqual([])
})
