import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { openCalendar } from '../../gateway/store/calendar.ts'
import { parseReference } from '../../gateway/store/reference.ts'
import { judge, lastFilingDays } from './oracle.ts'
import { liveMonth, production, type Rules } from './world.ts'

// 2,000 months, each with its last filing days and random breaks, through the product's own rules; the oracle of article 35 judges each.

const calendar = openCalendar(parseReference(readFileSync('gateway/data/reference.json', 'utf8')).calendar!)
const months = Object.keys(lastFilingDays)
/** Seeds that showed a mistake once stay here. */
const kept: readonly number[] = [1, 7, 19, 112, 248, 770, 918]
const seeds = 2_000
const from = Number(process.env.TAXLINK_MONTH_SEED ?? 1)

const judged = (seed: number, rules: Rules = production) => judge(liveMonth(seed, calendar, months, rules))

test(`${seeds} months agree with article 35`, () => {
  let breaks = 0
  const remedies = new Set<string>()
  for (const seed of [...kept, ...Array.from({ length: seeds }, (_, i) => from + i)]) {
    const month = liveMonth(seed, calendar, months)
    breaks += month.breaks.length
    for (const b of month.breaks) remedies.add(b.first)
    const wrong = judge(month)
    if (wrong.length > 0) expect.fail(`seed ${seed}: ${wrong.slice(0, 5).join('\n')}\n(again: TAXLINK_MONTH_SEED=${seed})`)
  }
  expect(breaks).toBeGreaterThan(seeds * 5)
  expect([...remedies].sort()).toEqual(['investigate', 'notice', 'persons', 'reverse', 'supplement', 'supplement-missing'])
}, 300_000)
test('a seed is a month: the same again is the same', () => {
  expect(liveMonth(11, calendar, months)).toEqual(liveMonth(11, calendar, months))
})

describe('a mistake is seen within a few months', () => {
  const mistakes: { readonly [what: string]: Partial<Rules> } = {
    'an excess goes by notice only': {
      raise: c => {
        const raised = production.raise(c)
        return { ...raised, fresh: raised.fresh.map(f => (f.row.remedy === 'reverse' ? { ...f, row: { ...f.row, remedy: 'notice' } } : f)) }
      },
    },
    'what only the bank has is returned by one person': {
      raise: c => {
        const raised = production.raise(c)
        return { ...raised, fresh: raised.fresh.map(f => (f.row.remedy === 'persons' ? { ...f, row: { ...f.row, remedy: 'notice' } } : f)) }
      },
    },
    'amounts are not compared': { classify: (...sides) => production.classify(...sides).filter(d => d.type !== 'amount-differs') },
    'a break is confirmed by any session, whatever the bank has': { isConfirmed: (_shown, here) => !here },
    'the session that finds a break confirms it': {
      isConfirmed: ({ bank, due }) => bank === due,
      raise: c => production.raise({ ...c, ticketIsRight: false }),
    },
    'a day is balanced as soon as its breaks are remedied': { isBalanced: () => true },
    'a break does not hold up the write-off': {
      objectionToWriteOff: c =>
        production.objectionToWriteOff({
          ...c,
          hasOpenBreak: false,
          bank: c.due,
          days: c.days.map(d => ({ ...d, isBalanced: true })),
          ticket: { ...c.ticket, breaks: [] },
        }),
    },
    'the last filing day has a day more': {
      deadlineOfBreak: (c, day, held) =>
        production.deadlineOfBreak({ ...c, announced: new Map([[day, '2099-01-01']]) }, '2025-07-01', held),
    },
    'more is supplemented than is missing': {
      raise: c => {
        const raised = production.raise(c)
        return { ...raised, fresh: raised.fresh.map(f => (f.row.remedy === 'supplement' ? { ...f, surplus: f.surplus - 1 } : f)) }
      },
      decideSupplement: () => ({ kind: 'send' }),
    },
    'what was put right of the last filing day waits for the next morning': { isLastFilingDay: () => false },
    'the last filing day waits for a second session of its own': {
      objectionToVoucher: c => production.objectionToVoucher({ ...c, unconfirmed: c.isLastFilingDay ? 1 : 0 }),
    },
    'the last filing day is remitted before it is reconciled again': {
      isBalanced: () => true,
      objectionToVoucher: () => undefined,
      objectionToWriteOff: c => production.objectionToWriteOff({ ...c, days: c.days.map(d => ({ ...d, isBalanced: true })) }),
    },
    'what the bank refused to reverse is forgotten': { afterFailure: () => 'investigate' },
  }
  test.each(Object.entries(mistakes))('%s', (_what, change) => {
    const rules = { ...production, ...change }
    const seen = Array.from({ length: 60 }, (_, i) => i + 1).find(seed => judged(seed, rules).length > 0)
    expect(seen).toBeDefined()
  })
})
