import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkTaxpayerId } from '../../../gateway/domain/taxpayer.ts'

describe('a taxpayer id', () => {
  test.each([
    // Published codes of companies.
    ['91350100M000100Y43', { form: 'unified-18' }],
    ['91440300708461136T', { form: 'unified-18' }],
    ['914403001922038216', { form: 'unified-18' }],
    ['91110000802100433B', { form: 'unified-18' }],
    ['91350100M000100Y44', { form: 'unified-18', warning: 'check' }],
    ['914403001922038217', { form: 'unified-18', warning: 'check' }],
    // The example of GB 11643, and one digit of it changed.
    ['11010519491231002X', { form: 'person-18' }],
    ['110105194912310021', { form: 'person-18', warning: 'check' }],
    ['110105194913310020', { form: 'person-18', warning: 'date' }],
    ['11010519491231002X01', { form: 'sole-20' }],
    ['11010519491231002101', { form: 'sole-20', warning: 'check' }],
    ['440300708461136', { form: 'organisation-15' }],
    ['440300708461137', { form: 'organisation-15', warning: 'check' }],
    ['350100M00010017', { form: 'organisation-15', warning: 'check' }],
    ['350100M000100Y', { form: 'other', warning: 'form' }],
    ['', { form: 'other', warning: 'form' }],
    ['91350100m000100y43', { form: 'other', warning: 'form' }],
    ['91350100I000100Y43', { form: 'other', warning: 'form' }],
  ])('%s', (id, expected) => {
    expect(checkTaxpayerId(id)).toEqual(expected)
  })

  test('of any unified code one check character holds and every other is noticed', () => {
    const alphabet = '0123456789ABCDEFGHJKLMNPQRTUWXY'
    const body = fc
      .tuple(
        fc.constantFrom('91', '92', '93', '51', 'Y1'),
        fc.stringMatching(/^[0-9]{6}$/),
        fc.stringMatching(/^[A-HJ-NPQRTUWXY][0-9A-HJ-NPQRTUWXY]{8}$/),
      )
      .map(parts => parts.join(''))
    fc.assert(
      fc.property(body, text => {
        const good = Array.from(alphabet).filter(c => checkTaxpayerId(text + c).warning === undefined)
        expect(good).toHaveLength(1)
      }),
    )
  })
})
