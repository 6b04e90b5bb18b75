import { describe, expect, test } from 'vitest'
import {
  type Act,
  isOf,
  isOver,
  judge,
  type ProposalEvent,
  type ProposalRules,
  type ProposalState,
  type Proposed,
  proposalMachine,
} from '../../../gateway/domain/proposal.ts'

const rules: ProposalRules = { proposers: ['operator'], approvers: ['operator'], lifeMs: 1_000, duties: [] }
const [zhang, li, wang] = ['urn:taxlink:operator:zhang', 'urn:taxlink:operator:li', 'urn:taxlink:operator:wang']
const hash = 'a'.repeat(64)
const expiresAt = new Date('2026-11-10T10:00:00.000Z')
const [before, after] = [new Date(expiresAt.getTime() - 1), expiresAt]
const states = Object.keys(proposalMachine.table) as ProposalState[]
const events: ProposalEvent[] = ['approve', 'reject', 'withdraw', 'expire']

/** A proposal of Zhang's; what is decided was decided by whoever may, with Li as the second person. */
const proposal = (state: ProposalState): Proposed => ({
  state,
  proposedBy: zhang,
  expiresAt,
  hash,
  decidedBy: { proposed: undefined, approved: li, rejected: li, withdrawn: zhang, expired: undefined }[state],
})
const act = (event: ProposalEvent, by: string, seen = hash): Act =>
  event === 'expire' ? { event } : event === 'approve' ? { event, by, hash: seen } : { event, by }
const verdict = (state: ProposalState, event: ProposalEvent, by: string, now: Date, seen?: string): string => {
  const found = judge(proposal(state), act(event, by, seen), rules, now)
  return found.kind === 'moves' ? `→ ${found.to}` : found.kind === 'refused' ? found.why : 'repeated'
}

describe('every cell: who × what × how it stands, in time', () => {
  test.each([
    // state, event, by Zhang (proposer), by Li (second), by Wang (third)
    ['proposed', 'approve', 'own-proposal', '→ approved', '→ approved'],
    ['proposed', 'reject', 'own-proposal', '→ rejected', '→ rejected'],
    ['proposed', 'withdraw', '→ withdrawn', 'not-the-proposer', 'not-the-proposer'],
    ['proposed', 'expire', 'decided', 'decided', 'decided'],
    ['approved', 'approve', 'own-proposal', 'repeated', 'decided'],
    ['approved', 'reject', 'own-proposal', 'decided', 'decided'],
    ['approved', 'withdraw', 'decided', 'not-the-proposer', 'not-the-proposer'],
    ['approved', 'expire', 'decided', 'decided', 'decided'],
    ['rejected', 'approve', 'own-proposal', 'decided', 'decided'],
    ['rejected', 'reject', 'own-proposal', 'repeated', 'decided'],
    ['rejected', 'withdraw', 'decided', 'not-the-proposer', 'not-the-proposer'],
    ['rejected', 'expire', 'decided', 'decided', 'decided'],
    ['withdrawn', 'approve', 'own-proposal', 'decided', 'decided'],
    ['withdrawn', 'reject', 'own-proposal', 'decided', 'decided'],
    ['withdrawn', 'withdraw', 'repeated', 'not-the-proposer', 'not-the-proposer'],
    ['withdrawn', 'expire', 'decided', 'decided', 'decided'],
    ['expired', 'approve', 'own-proposal', 'decided', 'decided'],
    ['expired', 'reject', 'own-proposal', 'decided', 'decided'],
    ['expired', 'withdraw', 'decided', 'not-the-proposer', 'not-the-proposer'],
    ['expired', 'expire', 'repeated', 'repeated', 'repeated'],
  ] as const)('%s, %s', (state, event, ...expected) => {
    expect([zhang, li, wang].map(by => verdict(state, event, by, before))).toEqual(expected)
  })
  test('no cell is left out', () => {
    expect(states).toHaveLength(5)
    for (const state of states) expect(Object.keys(proposalMachine.table[state])).toEqual(state === 'proposed' ? events : [])
  })
})

describe('too late', () => {
  test.each([
    ['approve', li, 'expired'],
    ['reject', li, 'expired'],
    ['withdraw', zhang, 'expired'],
    ['expire', zhang, '→ expired'],
    // Who may not act at all hears only that.
    ['approve', zhang, 'own-proposal'],
    ['withdraw', li, 'not-the-proposer'],
  ] as const)('%s by %s', (event, by, expected) => {
    expect(verdict('proposed', event, by, after)).toBe(expected)
  })
  test('what was decided in time stays decided, and may be asked about again', () => {
    expect(verdict('approved', 'approve', li, after)).toBe('repeated')
    expect(isOver(proposal('approved'), after)).toBe(false)
  })
  test('the last millisecond counts', () => {
    expect([isOver(proposal('proposed'), before), isOver(proposal('proposed'), after)]).toEqual([false, true])
  })
})

describe('what was seen', () => {
  const other = 'b'.repeat(64)
  test('an approval of other content moves nothing, and repeats nothing', () => {
    expect(verdict('proposed', 'approve', li, before, other)).toBe('content-differs')
    expect(verdict('approved', 'approve', li, before, other)).toBe('decided')
    expect(verdict('proposed', 'approve', li, before, hash.toUpperCase())).toBe('content-differs')
  })
})

describe('who', () => {
  test.each(['urn:taxlink:bank:4301', 'urn:taxlink:tax-system:ets', 'urn:taxlink:operators:li', 'li', ''])('%j decides nothing', by => {
    for (const state of states)
      for (const event of ['approve', 'reject'] as const) expect(verdict(state, event, by, before)).toBe('not-permitted')
  })
  test('a role is a whole word', () => {
    expect(isOf(['operator'], li)).toBe(true)
    expect(isOf(['operator'], 'urn:taxlink:operator-in-training:li')).toBe(false)
    expect(isOf([], li)).toBe(false)
  })
})
