import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { inDays, matrix, share } from '../crash/cases.ts'
import { randomOf } from '../crash/random.ts'
import { commitName, labels, places } from './labels.ts'
import { edited } from './patch.ts'

describe('the changed texts', () => {
  test.each(places.map(place => [place.file, place.find.trim(), place] as const))('%s: %s stands there once', (file, _, place) => {
    expect(edited(readFileSync(file, 'utf8'), place.find, place.replace)).not.toBe(readFileSync(file, 'utf8'))
  })
  test.each([
    ['not there', 'abc', 'x'],
    ['twice', 'abab', 'ab'],
  ])('a place that is %s is an error', (_, text, find) => {
    expect(() => edited(text, find, '')).toThrow(/finds its place/)
  })
})

describe('the labels', () => {
  test('each is told once', () => {
    expect(new Set(labels.map(({ label }) => label)).size).toBe(labels.length)
  })
  test('a kind of process that does not come there is left out with a reason', () => {
    for (const { label, roles, out } of labels) {
      expect([...roles, ...out.map(({ role }) => role)].sort(), label).toEqual(['gateway', 'worker'])
      for (const { why } of out) expect(why.length, label).toBeGreaterThan(20)
    }
  })
  test.each([
    [['INSERT INTO ticket (a) VALUES (?)', 'INSERT INTO attempt (a) VALUES (?)'], 'commit.accept'],
    [
      ['UPDATE instruction t JOIN (SELECT 1) v ON t.id = v.id SET t.state = v.to_state', 'INSERT INTO attempt (a) VALUES (?)'],
      'commit.claim',
    ],
    [['INSERT INTO answer (a) VALUES (?) ', "UPDATE counter SET next = 2 WHERE name = 'result'"], 'commit.settle'],
    [['INSERT INTO answer (a) VALUES (?) ON DUPLICATE KEY UPDATE attempt_no = 1'], 'commit.keep'],
    [
      ['UPDATE instruction SET state = ?, lease_owner = NULL WHERE id = ?', 'UPDATE instruction SET awaited = 0 WHERE id = ?'],
      'commit.review',
    ],
    [['INSERT INTO booking (a) VALUES (?)', 'INSERT INTO booking_sum (a) VALUES (?)'], 'commit.book'],
    [['UPDATE booking_cursor SET result_seq = ?'], 'commit.book'],
    [['INSERT INTO break (a) VALUES (?)', 'INSERT INTO break_step (a) VALUES (?)'], 'commit.break'],
    [['UPDATE reconciliation SET lease_owner = ?'], 'commit.day-end'],
    [[], undefined],
  ])('%j is %s', (statements, name) => {
    expect(commitName(statements)).toBe(name)
  })
  test('a write that nobody has named ends the run', () => {
    expect(() => commitName(['INSERT INTO secret (a) VALUES (1)'])).toThrow(/without a label/)
  })
})

describe('every table', () => {
  // Written in a transaction that another statement names.
  const beside = [
    'adoption',
    'audit_head',
    'certificate',
    'instruction',
    'journal',
    'outbox',
    'province_booking',
    'result',
    'ticket_reissue',
  ]
  // Written before a day begins, or by commands of their own.
  const before = ['bank', 'bank_halt', 'calendar_announced', 'calendar_year', 'enrolment', 'office', 'operator']
  const also = ['operator_session', 'reference_version', 'remittance_account', 'treasury']
  const texts = readdirSync('migrations').map(name => readFileSync(`migrations/${name}`, 'utf8'))
  const tables = texts.flatMap(text => [...text.matchAll(/^CREATE TABLE (?:IF NOT EXISTS )?(\w+)/gm)].map(([, name]) => name!))
  const named = (statement: string): boolean => {
    try {
      return commitName([statement]) !== undefined
    } catch {
      return false
    }
  }
  const labelled = (table: string) => ['INSERT', 'INSERT IGNORE'].some(verb => named(`${verb} INTO ${table} (a) VALUES (?)`))
  test('is written under a label, beside one, or before the day: a new table is named here or there', () => {
    const known = new Set([...beside, ...before, ...also])
    expect(tables.filter(table => !labelled(table) && !known.has(table))).toEqual([])
    expect([...known].filter(table => !tables.includes(table))).toEqual([])
  })
})

describe('the matrix', () => {
  const processes = { gateway: ['gateway-1', 'gateway-2'], worker: ['worker-1', 'worker-2', 'worker-3'] }
  test('has each label for each kind of process that comes there, killed and stopped', () => {
    expect(matrix()).toHaveLength(2 * labels.reduce((sum, { roles }) => sum + roles.length, 0))
    expect(matrix({ label: 'commit.settle.sent', action: 'kill' })).toEqual([
      { label: 'commit.settle.sent', role: 'gateway', action: 'kill' },
      { label: 'commit.settle.sent', role: 'worker', action: 'kill' },
    ])
  })
  test('every case has its day, and what is seldom reached has a quieter one', () => {
    const days = inDays(matrix(), 26)
    expect(days.flat()).toHaveLength(matrix().length)
    expect(new Set(days.flat()).size).toBe(matrix().length)
    const quiet = days.filter(day => day.some(({ label }) => label.startsWith('commit.keep')))
    for (const day of quiet) expect(day.length).toBeLessThanOrEqual(8)
  })
  test('is shared so that every case is armed once, in a process of its kind, and no process has much more than another', () => {
    const armed = share(matrix(), processes, randomOf(1))
    const own = [...armed].flatMap(([name, list]) =>
      list.filter(a => a.leadsTo === undefined).map(a => `${name.replace(/-.*/, '')} ${a.label} ${a.action}`),
    )
    expect(own.sort()).toEqual(
      matrix()
        .map(({ role, label, action }) => `${role} ${label} ${action}`)
        .sort(),
    )
    expect(new Set([...armed.values()].flat().map(a => a.id)).size).toBe([...armed.values()].flat().length)
  })
})
