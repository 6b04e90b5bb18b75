import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { BankEntry } from '../../../gateway/domain/bank.ts'
import { barred, isRoute, openCities, type Reference, route } from '../../../gateway/domain/reference.ts'
import type { RemittanceAccount } from '../../../gateway/domain/registry.ts'
import { shanghaiDate, shanghaiTime } from '../../../gateway/domain/time.ts'
import { parseReference } from '../../../gateway/store/reference.ts'
import { sampleReference } from '../stage.ts'

const file = parseReference(readFileSync('gateway/data/reference.json', 'utf8'))
const reference = sampleReference()
const today = '2026-11-10'

test('a debit goes to the taxpayer’s bank, the treasury of its office and the account of that bank for it', () => {
  const to = route(reference, '4301', '14301040000', today)
  expect(isRoute(to) && [to.bank.code, to.treasury.code, to.remittance.bankCode, to.remittance.treasuryCode]).toEqual([
    '4301',
    '18010100',
    '4301',
    '18010100',
  ])
})
test.each([
  ['4388', '14301040000', '93014', 'bank-unknown'],
  ['4399', '14301040000', '93014', 'bank-not-qualified'],
  ['4310', '14303020000', '93014', 'bank-not-active-in-city'],
  ['4301', '14309990000', '93013', 'office-unknown'],
  ['4301', '14307260000', '93013', 'office-without-treasury'],
])('bank %s, office %s: refused %s %s', (bank, office, code, rule) => {
  expect(route(reference, bank, office, today)).toMatchObject({ code, rule })
})
describe('the account that remits is that of the day', () => {
  const first: RemittanceAccount = { bankCode: '4301', treasuryCode: '18010000', account: 'A', leadBranch: '甲', from: '2026-11-10' }
  const second = { ...first, account: 'B', from: '2026-12-01' }
  const last = { ...first, account: 'C', from: '2027-01-01', to: '2027-01-31' }
  const with3: Reference = { ...reference, remittance: new Map([['4301/18010000', [first, second, last]]]) }
  test.each([
    ['2026-11-09', undefined],
    ['2026-11-10', 'A'],
    ['2026-11-30', 'A'],
    ['2026-12-01', 'B'],
    ['2026-12-31', 'B'],
    ['2027-01-01', 'C'],
    ['2027-01-31', 'C'],
    ['2027-02-01', undefined],
  ])('%s: %s', (day, account) => {
    const to = route(with3, '4301', '14301020000', day)
    expect(isRoute(to) ? to.remittance.account : to.rule).toBe(account ?? 'no-remittance-account')
  })
})
test.each<[Partial<BankEntry>, string]>([
  [{ province: undefined }, 'bank-unknown'],
  [{ province: 'suspended' }, 'bank-suspended'],
  [{ province: 'revoked' }, 'bank-revoked'],
  [{ cities: new Map([['14301000000', 'suspended']]) }, 'bank-suspended'],
  [{ cities: new Map([['14301000000', 'revoked']]) }, 'bank-revoked'],
  [{ cities: new Map([['14301000000', 'approved']]) }, 'bank-not-active-in-city'],
  [{ cities: new Map([['14302000000', 'active']]) }, 'bank-not-active-in-city'],
])('a bank that stands so gets no debit of 14301020000: %o', (change, rule) => {
  const bank: BankEntry = { ...reference.banks.get('4301')!, ...change }
  const changed = { ...reference, banks: new Map([['4301', bank]]) }
  expect(route(changed, '4301', '14301020000', today)).toMatchObject({ code: '93014', rule })
  expect(barred(changed, bank, '14301020000')?.rule).toBe(rule)
})
test('a bank gets debits in as many cities as have opened it, and in none where the province has not qualified it', () => {
  expect(openCities(reference)).toEqual([
    { bankCode: '4301', count: 5 },
    { bankCode: '4306', count: 5 },
    { bankCode: '4310', count: 4 },
    { bankCode: '4399', count: 0 },
  ])
  const suspended = { ...reference, banks: new Map([['4301', { ...reference.banks.get('4301')!, province: 'suspended' as const }]]) }
  expect(openCities(suspended)).toEqual([{ bankCode: '4301', count: 0 }])
})
test('a city that has suspended a bank is alone with it', () => {
  const bank: BankEntry = {
    ...reference.banks.get('4301')!,
    cities: new Map([
      ['14301000000', 'suspended'],
      ['14302000000', 'active'],
    ]),
  }
  expect(barred(reference, bank, '14302020000')).toBeUndefined()
})
test('reference data that does not fit names every place', () => {
  const broken = JSON.stringify({ ...file, banks: [{ ...file.banks[0], code: '43' }], extra: 1 })
  expect(() => parseReference(broken)).toThrow(/\/banks\/0\/code.*/)
  expect(() => parseReference(broken)).toThrow(/additional/)
})
test('the province’s clock is eight hours ahead of UTC, over midnight, month and leap day', () => {
  expect(shanghaiDate(new Date('2026-11-09T15:59:59.999Z'))).toBe('2026-11-09')
  expect(shanghaiDate(new Date('2026-11-09T16:00:00.000Z'))).toBe('2026-11-10')
  expect(shanghaiDate(new Date('2028-02-28T16:00:00.000Z'))).toBe('2028-02-29')
  expect(shanghaiTime(new Date('2026-10-31T20:00:00.123Z'))).toBe('2026-11-01T04:00:00.123+08:00')
})
