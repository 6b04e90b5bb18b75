import { expect, test } from 'vitest'
import { breakOf, type Doubted, type Finding, objectionTo } from '../../../gateway/domain/resolution.ts'

const evidenceAt = new Date('2026-11-10T10:00:00.000Z')
const before = (ms: number) => new Date(evidenceAt.getTime() - ms)
const windowMs = 60_000
const quietFrom = (sentAt: Date) => new Date(sentAt.getTime() + windowMs)
const doubted: Doubted = { verb: 'debit', state: 'unknown', amount: 300, lastSentAt: before(windowMs), reason: undefined, said: [] }
const booked = (amount: number): Finding => ({ decision: 'succeeded', amount })
const notBooked: Finding = { decision: 'refused' }
/** Nothing was sent since the evidence was put forward, unless another sending is named. */
const rule = (change: Partial<Doubted>, finding: Finding, sentThen?: Date): string | undefined => {
  const found = { ...doubted, ...change }
  return objectionTo(found, finding, { at: evidenceAt, lastSentAt: sentThen ?? found.lastSentAt }, quietFrom)?.rule
}

test.each(['accepted', 'sent', 'succeeded', 'refused'] as const)('what is %s is no doubt', state => {
  for (const finding of [booked(300), notBooked]) expect(rule({ state }, finding)).toBe('not-doubtful')
})
test('«booked» is believed at any time, over any amount but nothing', () => {
  for (const lastSentAt of [before(windowMs), before(1), evidenceAt, undefined])
    for (const amount of [1, 299, 300, 301]) expect(rule({ lastSentAt }, booked(amount))).toBeUndefined()
  expect(rule({}, booked(0))).toBe('zero-amount')
  expect(rule({ verb: 'supplementaryDebit' }, booked(0))).toBe('zero-amount')
})
test('what the bank has said late is not resolved against; two late words that differ bind nobody', () => {
  const word = (state: 'succeeded' | 'refused', amount: number) => ({ state, amount, code: state === 'succeeded' ? '90000' : '24003' })
  const [yes, no] = [word('succeeded', 300), word('refused', 0)]
  const rules = (...said: Doubted['said'][number][]) => [rule({ said }, booked(300)), rule({ said }, notBooked)]
  expect(rules(yes)).toEqual([undefined, 'bank-said-otherwise'])
  expect(rules(no, no)).toEqual(['bank-said-otherwise', undefined])
  expect(rules(yes, no)).toEqual([undefined, undefined])
  // Another amount is no opposite: it becomes a break.
  expect(rule({ said: [yes] }, booked(299))).toBeUndefined()
})
test('a reversal gave back at most what was asked for; that it gave back nothing is another conclusion', () => {
  const rules = (reason: Doubted['reason']) => [0, 1, 299, 300, 301].map(amount => rule({ verb: 'reversal', reason }, booked(amount)))
  expect(rules('tax-side')).toEqual(['zero-amount', undefined, undefined, undefined, 'other-amount'])
  expect(rule({ verb: 'reversal' }, notBooked)).toBeUndefined()
  // A tombstone keeps out what never came: then nothing was given back.
  expect(rules('in-doubt')).toEqual([undefined, undefined, undefined, undefined, 'other-amount'])
})
test('«not booked» rests on evidence from after the bank’s window, and from after the last sending', () => {
  expect(rule({ lastSentAt: before(windowMs) }, notBooked)).toBeUndefined()
  expect(rule({ lastSentAt: before(windowMs - 1) }, notBooked)).toBe('window-open')
  expect(rule({ lastSentAt: evidenceAt }, notBooked)).toBe('window-open')
  // Of a bank whose window nobody knows nothing is believed; what was never sent needs no window.
  const unknownBank = (lastSentAt: Date | undefined) =>
    objectionTo({ ...doubted, lastSentAt }, notBooked, { at: evidenceAt, lastSentAt }, () => undefined)?.rule
  expect([unknownBank(before(windowMs * 1_000)), unknownBank(undefined)]).toEqual(['window-open', undefined])
  expect(rule({ lastSentAt: undefined }, notBooked)).toBeUndefined()
  // By whatever clock it was sent again: one that is behind names a time before the evidence.
  for (const again of [before(-1), evidenceAt, before(2 * windowMs)])
    expect(rule({ lastSentAt: again }, notBooked, before(windowMs))).toBe('sent-since')
  expect(objectionTo(doubted, notBooked, { at: evidenceAt, lastSentAt: undefined }, quietFrom)?.rule).toBe('sent-since')
})
test('another amount than was asked for is a break', () => {
  expect([0, 299, 300].map(moved => breakOf({ ...doubted, verb: 'reversal' }, moved))).toEqual([undefined, undefined, undefined])
  expect([299, 300, 301].map(moved => breakOf(doubted, moved))).toEqual(['under-debited', undefined, 'over-debited'])
})
