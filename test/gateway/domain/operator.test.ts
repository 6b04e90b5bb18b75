import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { sampleOperators } from '../../../gateway/day/operators.ts'
import {
  type Account,
  areCompatible,
  barTo,
  type Duty,
  duties,
  type Level,
  type OfficeTree,
  officesOf,
  operatorName,
  operatorOf,
  operatorUri,
  sees,
} from '../../../gateway/domain/operator.ts'
import { parseReference } from '../../../gateway/store/reference.ts'

const file = parseReference(readFileSync('gateway/data/reference.json', 'utf8'))
const tree: OfficeTree = { offices: new Map(file.offices.map(office => [office.code, office])) }
const [province, changsha, furong, hetang] = ['14300000000', '14301000000', '14301020000', '14302020000'] as const
const at = (office: string, level: Level) => ({ office, level })

describe('an office sees itself and what stands below it', () => {
  test.each([
    ['province', province, province, true],
    ['province', province, changsha, true],
    ['province', province, furong, true],
    ['province', province, '14309990000', true],
    ['province', province, undefined, true],
    ['city', changsha, changsha, true],
    ['city', changsha, furong, true],
    ['city', changsha, province, false],
    ['city', changsha, hetang, false],
    ['city', changsha, '14302000000', false],
    ['city', changsha, '14309990000', false],
    ['city', changsha, undefined, false],
    ['county', furong, furong, true],
    ['county', furong, changsha, false],
    ['county', furong, '14301030000', false],
    ['county', furong, undefined, false],
  ] as const)('%s %s, %s: %s', (level, own, other, expected) => {
    expect(sees(tree, at(own, level), other)).toBe(expected)
  })
  test('the list of offices says the same as each by itself', () => {
    expect(officesOf(tree, at(province, 'province'))).toBeUndefined()
    for (const { code, level } of file.offices) {
      const listed = officesOf(tree, at(code, level!)) ?? file.offices.map(office => office.code)
      expect(listed).toEqual(file.offices.map(office => office.code).filter(other => sees(tree, at(code, level!), other)))
    }
    expect(officesOf(tree, at(changsha, 'city'))).toEqual([changsha, furong, '14301030000', '14301040000', '14301210000'])
  })
  test('a circle ends', () => {
    const circle: OfficeTree = {
      offices: new Map([
        ['1', { parent: '2' }],
        ['2', { parent: '1' }],
      ]),
    } // prettier-ignore
    expect(sees(circle, at('3', 'city'), '1')).toBe(false)
  })
})

describe('an account', () => {
  const account: Account = { name: 'zhou', displayName: '周涛', office: changsha, duties: ['accounts'], enabled: true }
  test('is a person of the level of its office', () => {
    expect(operatorOf(tree, account)).toEqual({
      uri: 'urn:taxlink:operator:zhou',
      name: 'zhou',
      office: changsha,
      level: 'city',
      duties: ['accounts'],
    })
  })
  test.each<[string, Account | undefined]>([
    ['that is not there', undefined],
    ['that is disabled', { ...account, enabled: false }],
    ['of an office that is gone', { ...account, office: '14399000000' }],
  ])('%s is nobody', (_what, nobody) => {
    expect(operatorOf(tree, nobody)).toBeUndefined()
  })
  test('of an office without a level is nobody: an old version of the data has none', () => {
    expect(operatorOf({ offices: new Map([[changsha, {}]]) }, account)).toBeUndefined()
  })
  test('does what is its duty, where it sees', () => {
    const zhou = operatorOf(tree, account)
    expect(barTo(tree, zhou, ['accounts'], furong)).toBeUndefined()
    expect(barTo(tree, zhou, ['accounts', 'auditor'], changsha)).toBeUndefined()
    expect(barTo(tree, zhou, ['auditor'], furong)).toBe('not-permitted')
    expect(barTo(tree, zhou, [], furong)).toBe('not-permitted')
    expect(barTo(tree, zhou, ['accounts'], hetang)).toBe('not-seen')
    expect(barTo(tree, zhou, ['accounts'], undefined)).toBe('not-seen')
    expect(barTo(tree, undefined, [...duties], furong)).toBe('not-permitted')
  })
})

test('who gives rights, and who looks on, does nothing else', () => {
  for (const one of duties) expect(areCompatible([one])).toBe(true)
  for (const one of duties)
    for (const other of duties.filter(duty => duty !== one)) {
      const apart = [one, other].some(duty => duty === 'administrator' || duty === 'auditor')
      expect(areCompatible([one, other]), `${one} ${other}`).toBe(!apart)
    }
  expect(areCompatible(['binding-review', 'accounts', 'information-centre'])).toBe(true)
})

test('a name and its URI', () => {
  expect(operatorName(operatorUri('zhang-2'))).toBe('zhang-2')
  for (const foreign of [
    '',
    'zhang',
    'urn:taxlink:bank:4301',
    'urn:taxlink:operator:',
    'urn:taxlink:operator:Z',
    'urn:taxlink:operator:a:b',
  ])
    expect(operatorName(foreign)).toBeUndefined()
})

test('the sample operators have offices and duties that go together; every duty is held by two but the auditor’s', () => {
  for (const account of sampleOperators) {
    expect(operatorOf(tree, account), account.name).toBeDefined()
    expect(areCompatible(account.duties), account.name).toBe(true)
  }
  const holders = (duty: Duty) => sampleOperators.filter(account => account.duties.includes(duty)).length
  for (const duty of duties) expect(holders(duty), duty).toBeGreaterThanOrEqual(duty === 'auditor' ? 1 : 2)
})
