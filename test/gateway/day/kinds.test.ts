import { describe, expect, test } from 'vitest'
import { dayEndPlan } from '../../../gateway/day/day-end.ts'
import {
  type BreakSeen,
  type Finding,
  kindFaults,
  kindOf,
  kindRows,
  kinds,
  kindText,
  type Planted,
  wayOf,
} from '../../../gateway/day/kinds.ts'
import { differenceTypes } from '../../../gateway/domain/reconcile.ts'

// What the sample day plants, and that nothing passes for it: neither what is not found, nor what is found otherwise, nor what nobody planted.

const { planted, unsent, fileRules } = dayEndPlan()

/** A day on which all came out as it must. */
const asItMust = (of: readonly Planted[]): { readonly findings: Finding[]; readonly breaks: BreakSeen[] } => ({
  findings: of.flatMap(({ kind, ticketNo }): Finding[] => {
    const { found, next } = kindOf(kind)
    // The second session of a day finds the same again.
    const twice = [1, 2].map(() => ({ ticketNo, on: 'day' as const, type: found }))
    return next === undefined ? twice : [...twice, { ticketNo, on: 'next', type: next }]
  }),
  breaks: of.flatMap(({ kind, ticketNo }): BreakSeen[] => {
    const { remedy, end } = kindOf(kind)
    return end === 'explained' ? [] : [{ ticketNo, way: remedy, state: end }]
  }),
})
const good = asItMust(planted)
const one = (kind: Planted['kind']): string => planted.find(each => each.kind === kind)!.ticketNo

describe('the differences of the sample day', () => {
  test('every kind is planted at every bank, and every type of difference has its kinds', () => {
    const names = Object.keys(kinds) as Planted['kind'][]
    expect(names.length).toBeGreaterThanOrEqual(12)
    for (const name of names)
      expect([name, planted.flatMap(({ kind, bankCode }) => (kind === name ? [bankCode] : [])).sort()]).toEqual([
        name,
        ['4301', '4306', '4310'],
      ])
    const types = new Set(names.flatMap(name => [kindOf(name).found, kindOf(name).next ?? []].flat()))
    expect([...types].sort()).toEqual([...differenceTypes].sort())
    expect(new Set(planted.map(({ ticketNo }) => ticketNo)).size).toBe(planted.length)
  })
  test('no two kinds are one: each differs in what is found, by which way it goes, or where it was planted', () => {
    expect(new Set(Object.values(kinds).map(({ zh }) => zh)).size).toBe(Object.keys(kinds).length)
    for (const { ticketNo } of unsent) expect(planted.find(each => each.ticketNo === ticketNo)?.kind).toBe('unsent')
    expect(fileRules.length).toBe(planted.filter(({ kind }) => /^(?:wrong|core|listed|left)/.test(kind)).length)
  })
})

describe('what came out', () => {
  test('as it must: no fault, and the table says so', () => {
    expect(kindFaults(planted, good)).toEqual([])
    const rows = kindRows(planted, good)
    expect(rows.map(({ planted: n, found, ended }) => [n, found, ended])).toEqual(rows.map(() => [3, 3, 3]))
    const text = kindText(rows)
    expect(text).toHaveLength(rows.length + 3)
    expect(text.find(line => line.startsWith('记在次一会计日'))).toMatch(
      /3 +3 +tax-only → cut-off +supplement-missing → asked +3 +已确认 confirmed$/,
    )
    expect(text.at(-1)).toMatch(/^合计 total +69 +69 +69$/)
  })
  test('one that the bank did not make, or nobody found, is a fault', () => {
    const ticketNo = one('twice')
    const without = {
      findings: good.findings.filter(each => each.ticketNo !== ticketNo),
      breaks: good.breaks.filter(b => b.ticketNo !== ticketNo),
    }
    expect(kindFaults(planted, without)).toEqual([
      `${ticketNo}: planted as twice, found as nothing`,
      `${ticketNo}: planted as twice, ended as nothing`,
    ])
    expect(kindRows(planted, without).find(({ kind }) => kind === 'twice')).toMatchObject({ planted: 3, found: 2, ended: 2 })
  })
  test('one that nobody planted is a fault, and a kind of which nothing is planted', () => {
    const ticketNo = one('over')
    const fewer = planted.filter(each => each.ticketNo !== ticketNo)
    expect(kindFaults(fewer, good)).toEqual([1, 2].map(() => `${ticketNo}: found as amount-differs, and nobody planted it`))
    const none = planted.filter(({ kind }) => kind !== 'over')
    expect(kindFaults(none, asItMust(none))).toEqual(['no difference of the kind over is planted'])
  })
  test.each<[string, Planted['kind'], Partial<Finding>]>([
    ['as something else', 'over', { type: 'duplicate-at-bank' }],
    ['on the day after, where it has no place', 'over', { on: 'next' }],
  ])('found %s', (_, kind, otherwise) => {
    const ticketNo = one(kind)
    const findings = good.findings.map(each => (each.ticketNo === ticketNo ? { ...each, ...otherwise } : each))
    expect(kindFaults(planted, { ...good, findings })).toEqual([expect.stringMatching(`${ticketNo}: planted as ${kind}, found as `)])
  })
  test('what is to be found of the next day, too, is not found enough by one of them', () => {
    const findings = good.findings.filter(({ on, type }) => on === 'day' || type !== 'cut-off')
    expect(kindFaults(planted, { ...good, findings })).toHaveLength(3)
  })
  test.each<[string, Planted['kind'], Partial<BreakSeen>]>([
    ['no session has confirmed', 'over', { state: 'remedied' }],
    ['was reversed after the bank’s day-end', 'over', { way: ['reverse', 'notice'] }],
    ['left its ticket standing', 'missing-void', { way: ['supplement-missing'] }],
    ['was debited a second time though the bank has it', 'next-day', { way: ['supplement-missing'] }],
    ['no two persons have looked at', 'returned', { way: ['notice'] }],
  ])('one that %s', (_, kind, otherwise) => {
    const ticketNo = one(kind)
    const breaks = good.breaks.map(each => (each.ticketNo === ticketNo ? { ...each, ...otherwise } : each))
    expect(kindFaults(planted, { ...good, breaks })).toEqual([expect.stringMatching(`${ticketNo}: planted as ${kind}, ended as `)])
  })
  test('a second break of a ticket, or one of what needs none', () => {
    const extra = (kind: Planted['kind']): BreakSeen => ({ ticketNo: one(kind), way: ['investigate'], state: 'chosen' })
    for (const kind of ['over', 'core-missing'] as const)
      expect(kindFaults(planted, { ...good, breaks: [...good.breaks, extra(kind)] })).toHaveLength(1)
  })
})

test('the way of a break is what its life says', () => {
  const steps = (...all: [string, string][]) => all.map(([event, reason]) => ({ event, reason }))
  const persons = steps(
    ['choose', '35 bank-has-it-alone'],
    ['choose', 'returned by two persons: proposal 7'],
    ['begin', '35(1): adjustment notice X'],
  )
  expect(wayOf({ source: 'file', remedy: 'notice', steps: persons })).toEqual(['persons', 'notice'])
  const doomed = steps(
    ['choose', '35(3) missing'],
    ['begin', '35(3): supplementary debit of 5 fen'],
    ['void', '35(3)'],
    ['confirm', '35(4)'],
  )
  expect(wayOf({ source: 'file', remedy: 'supplement-missing', steps: doomed })).toEqual(['supplement-missing', 'void'])
  const waits = steps(['choose', '35(3) missing'], ['supersede', 'session 2 finds otherwise'])
  expect(wayOf({ source: 'file', remedy: 'supplement-missing', steps: waits })).toEqual(['supplement-missing', 'asked'])
  expect(wayOf({ source: 'resolution', steps: steps(['confirm', '35(4)']) })).toEqual(['declared'])
})
