import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  type AgreementStanding,
  type AgreementState,
  activeFrom,
  agreementMachine,
  calendarEvent,
  changeNeed,
  gate,
  renewedTo,
  validTo,
} from '../../../gateway/domain/agreement.ts'
import type { Particulars } from '../../../gateway/domain/particulars.ts'
import { monthAfter, yearAfter } from '../../../gateway/domain/time.ts'

const particulars: Particulars = {
  taxpayerId: '91440300708461136T',
  taxpayerName: '长沙星城机械有限公司',
  officeCode: '14301020000',
  bankCode: '4301',
  branch: '313551000001',
  account: '4301000000000000001',
}
const active: AgreementStanding = {
  state: 'active',
  particulars,
  boundOn: '2026-03-10',
  activeFrom: '2026-04-01',
  validTo: '2027-03-31',
  accountSince: '2026-04-01',
  enabled: true,
  objected: false,
  ending: false,
}
/** An instant in the province. */
const on = (day: string, time = '12:00:00.000'): Date => new Date(`${day}T${time}+08:00`)

describe('the calendar', () => {
  test.each([
    ['2026-03-10', '2026-04-01'],
    ['2026-12-31', '2027-01-01'],
    ['2024-01-31', '2024-02-01'],
  ])('the month after %s begins on %s', (day, first) => {
    expect(monthAfter(day)).toBe(first)
  })
  test.each([
    ['2026-04-01', '2027-04-01', '2027-03-31'],
    ['2024-02-29', '2025-03-01', '2025-02-28'],
    ['2023-03-01', '2024-03-01', '2024-02-29'],
  ])('a year from %s is over on %s', (day, after, last) => {
    expect([yearAfter(day), validTo(day)]).toEqual([after, last])
  })
  test('active from the first of the month after the binding, and not before it was reviewed', () => {
    expect(activeFrom('2026-03-10', on('2026-03-12'))).toBe('2026-04-01')
    expect(activeFrom('2026-03-31', on('2026-04-02'))).toBe('2026-04-02')
    // 23:30 of 31 March in the province is still March, whatever the day in UTC.
    expect(activeFrom('2026-03-31', on('2026-03-31', '23:30:00.000'))).toBe('2026-04-01')
  })
})

describe('the gate of a debit', () => {
  const debit = { ...particulars }
  test('passes from the first minute of its first day to the last of its last', () => {
    expect(gate(active, debit, on('2026-03-31', '23:59:59.999'))?.rule).toBe('not-yet-active')
    expect(gate(active, debit, on('2026-04-01', '00:00:00.000'))).toBeUndefined()
    expect(gate(active, debit, on('2027-03-31', '23:59:59.999'))).toBeUndefined()
    const objected = { ...active, objected: true }
    expect(gate(objected, debit, on('2027-03-31', '23:59:59.999'))).toBeUndefined()
    expect(gate(objected, debit, on('2027-04-01', '00:00:00.000'))?.rule).toBe('expired')
  })
  test('where nobody objects a debit does not wait for the job that writes the renewal down', () => {
    expect(gate(active, debit, on('2027-04-01', '00:00:00.000'))).toBeUndefined()
  })
  test('accepted passes on its day, though the calendar has not moved it yet', () => {
    expect(gate({ ...active, state: 'accepted' }, debit, on('2026-04-01'))).toBeUndefined()
  })

  // Cell by cell, against a table written by hand.
  const expected: { readonly [S in AgreementState]: string | undefined } = {
    drafted: 'agreement-not-bound',
    approved: 'agreement-not-bound',
    sent: 'agreement-not-bound',
    taken: 'agreement-not-bound',
    bound: 'agreement-not-bound',
    unbound: 'agreement-not-bound',
    accepted: undefined,
    active: undefined,
    suspended: 'agreement-suspended',
    refused: 'agreement-over',
    ended: 'agreement-over',
    lapsed: 'agreement-over',
    void: 'agreement-over',
  }
  test.each(Object.entries(expected))('in state %s: %s', (state, rule) => {
    expect(Object.keys(agreementMachine.table).sort()).toEqual(Object.keys(expected).sort())
    expect(gate({ ...active, state: state as AgreementState }, debit, on('2026-05-10'))?.rule).toBe(rule)
  })
  test.each([
    ['no agreement', undefined, {}, 'no-agreement'],
    ['coming to its end', { ending: true }, {}, 'agreement-ending'],
    ['flag not set', { enabled: false }, {}, 'not-enabled'],
    ['never activated', { activeFrom: undefined }, {}, 'not-yet-active'],
    ['another bank', {}, { bankCode: '4306' }, 'bank-differs'],
    ['another account', {}, { account: '4301000000000000002' }, 'account-differs'],
    ['another taxpayer', {}, { taxpayerId: '914403001922038216' }, 'taxpayer-differs'],
    ['another office', {}, { officeCode: '14301030000' }, 'office-differs'],
  ])('%s: refused, in both languages, with the article', (_, change, claim, rule) => {
    const refusal = gate(change && { ...active, ...change }, { ...debit, ...claim }, on('2026-05-10'))
    expect(refusal?.rule).toBe(rule)
    expect(refusal?.zh).toMatch(/第.+条/)
    expect(refusal?.en).toMatch(/art\.|annex/)
  })
})

describe('a change of account', () => {
  const other = { ...particulars, account: '4301000000000000002' }
  test.each([
    ['the name only', { ...particulars, taxpayerName: '长沙星城重工有限公司' }, '2026-05-01', 'free'],
    ['inside the year', other, '2027-03-31', 'exception-and-second-person'],
    ['another bank inside the year', { ...particulars, bankCode: '4306' }, '2026-05-01', 'exception-and-second-person'],
    ['after the year', other, '2027-04-01', 'year-over'],
  ])('%s', (_, next, day, need) => {
    expect(changeNeed(active, next, on(day))).toBe(need)
  })
  test('an account of unknown age is not taken for an old one', () => {
    expect(changeNeed({ ...active, accountSince: undefined }, other, on('2030-01-01'))).toBe('exception-and-second-person')
  })
})

/** What may happen to an agreement on a day, beside the calendar. */
const happenings = [
  'approve',
  'send',
  'take',
  'bind',
  'reject',
  'accept',
  'return',
  'suspend',
  'resume',
  'end',
  'void',
  'object',
  'enable',
  'disable',
] as const

test('five years of random histories: no debit passes outside its rule, and what is over stays over', () => {
  const dayMs = 86_400_000
  const start = on('2026-01-01').getTime()
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(60), fc.constantFrom(...happenings)), { maxLength: 40 }), history => {
      let standing: AgreementStanding = {
        ...active,
        state: 'drafted',
        boundOn: undefined,
        activeFrom: undefined,
        validTo: undefined,
        enabled: false,
      }
      let now = start
      // An independent account of the same facts, in the words of the articles.
      const facts = { bound: '', usable: '', stopped: false, over: false }
      for (const [pause, what] of history) {
        for (let left = pause; left > 0; left--) {
          now += dayMs
          const event = calendarEvent(standing, new Date(now))
          if (event === undefined) continue
          const state = agreementMachine.next(standing.state, event)
          expect(state).toBeDefined()
          if (event === 'lapse') facts.over = true
          standing = { ...standing, state: state!, ...(event === 'renew' ? { validTo: renewedTo(standing.validTo!) } : {}) }
        }
        const today = new Date(now + 8 * 3_600_000).toISOString().slice(0, 10)
        if (what === 'object') standing = { ...standing, objected: true }
        else if (what === 'enable' || what === 'disable') standing = { ...standing, enabled: what === 'enable' }
        else {
          const state = agreementMachine.next(standing.state, what)
          if (state === undefined) continue
          if (what === 'bind') facts.bound = today
          if (what === 'suspend') facts.stopped = true
          if (what === 'resume') facts.stopped = false
          if (what === 'end' || what === 'void') facts.over = true
          standing = { ...standing, state }
          if (what === 'bind') standing = { ...standing, boundOn: today }
          if (what === 'accept') {
            facts.usable = activeFrom(standing.boundOn!, new Date(now))
            standing = { ...standing, activeFrom: facts.usable, validTo: validTo(facts.usable) }
          }
        }
        if (gate(standing, particulars, new Date(now)) === undefined) {
          expect(facts).toMatchObject({ stopped: false, over: false })
          expect(standing.enabled).toBe(true)
          expect(facts.bound.slice(0, 7) < today.slice(0, 7)).toBe(true)
          expect(today >= facts.usable && today <= standing.validTo!).toBe(true)
        }
      }
    }),
    { numRuns: 1_000 },
  )
})
