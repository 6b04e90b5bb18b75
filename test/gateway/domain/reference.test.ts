import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isRoute, type Reference, route } from '../../../gateway/domain/reference.ts'
import { shanghaiDate, shanghaiTime } from '../../../gateway/domain/time.ts'
import { parseReference } from '../../../gateway/store/reference.ts'

const file = parseReference(readFileSync('gateway/data/reference.json', 'utf8'))
const reference: Reference = {
  version: file.version,
  banks: new Map(file.banks.map(b => [b.code, b])),
  offices: new Map(file.offices.map(o => [o.code, o])),
  treasuries: new Map(file.treasuries.map(t => [t.code, t])),
  remittance: new Map(file.remittanceAccounts.map(r => [`${r.bankCode}/${r.treasuryCode}`, r])),
}

test('a debit goes to the taxpayer’s bank, the treasury of its office and the account of that bank for it', () => {
  const to = route(reference, '4301', '14301040000')
  expect(isRoute(to) && [to.bank.code, to.treasury.code, to.remittance.bankCode, to.remittance.treasuryCode]).toEqual([
    '4301',
    '18010100',
    '4301',
    '18010100',
  ])
})
test.each([
  ['4388', '14301040000', '93014', 'bank-unknown'],
  ['4399', '14301040000', '93014', 'bank-not-enabled'],
  ['4301', '14309990000', '93013', 'office-unknown'],
  ['4301', '14307260000', '93013', 'office-without-treasury'],
  ['4310', '14303020000', '93013', 'no-remittance-account'],
])('bank %s, office %s: refused %s %s', (bank, office, code, rule) => {
  expect(route(reference, bank, office)).toMatchObject({ code, rule })
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
