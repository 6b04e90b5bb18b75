import { describe, expect, test } from 'vitest'
import {
  bankGate,
  type CityState,
  cityMachine,
  conditions,
  type QualificationState,
  qualificationGaps,
  qualificationMachine,
} from '../../../gateway/domain/qualification.ts'

const provinces = Object.keys(qualificationMachine.table) as QualificationState[]
const cities = Object.keys(cityMachine.table) as CityState[]

describe('a bank gets debits', () => {
  test('only where the province has qualified it and the city has opened it', () => {
    const open = provinces.flatMap(p => cities.filter(c => bankGate(p, c) === undefined).map(c => `${p}/${c}`))
    expect(open).toEqual(['qualified/active'])
    expect(bankGate(undefined, 'active')).toBe('bank-unknown')
    expect(bankGate('qualified', undefined)).toBe('bank-not-active-in-city')
  })
  test.each([
    ['revoked', 'active', 'bank-revoked'],
    ['qualified', 'revoked', 'bank-revoked'],
    ['suspended', 'active', 'bank-suspended'],
    ['qualified', 'suspended', 'bank-suspended'],
    ['certified', 'active', 'bank-not-qualified'],
    ['qualified', 'approved', 'bank-not-active-in-city'],
  ] as const)('%s in the province, %s in the city: %s', (province, city, rule) => {
    expect(bankGate(province, city)).toBe(rule)
  })
})

describe('the way to it', () => {
  test('no step is skipped: from the application three steps, in the city four', () => {
    const steps = (table: { readonly [from: string]: { readonly [event: string]: string } }, from: string, to: string): number => {
      let reached = new Set([from])
      for (let n = 0; n < 20; n++) {
        if (reached.has(to)) return n
        reached = new Set([...reached, ...[...reached].flatMap(state => Object.values(table[state]!))])
      }
      return -1
    }
    expect(steps(qualificationMachine.table, 'applied', 'qualified')).toBe(3)
    expect(steps(cityMachine.table, 'preparing', 'active')).toBe(4)
  })
  test('what is revoked or declined stays so', () => {
    expect(provinces.filter(state => qualificationMachine.isFinal(state))).toEqual(['declined', 'revoked'])
    expect(cities.filter(state => cityMachine.isFinal(state))).toEqual(['revoked'])
  })
  test('every condition without evidence is named, and a certificate that is over', () => {
    const all = new Set(Object.keys(conditions) as (keyof typeof conditions)[])
    expect(qualificationGaps(all, '2026-12-31', '2026-12-31')).toEqual([])
    expect(qualificationGaps(all, '2026-12-30', '2026-12-31')).toEqual(['certificate'])
    expect(qualificationGaps(all, undefined, '2026-12-31')).toEqual(['certificate'])
    expect(qualificationGaps(new Set(), '2027-01-01', '2026-12-31')).toEqual(['standing', 'software', 'clearing', 'conduct'])
  })
})
