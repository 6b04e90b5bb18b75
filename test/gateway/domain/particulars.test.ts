import { describe, expect, test } from 'vitest'
import {
  compareParticulars,
  differing,
  matchText,
  type Particulars,
  type Verification,
  verified,
} from '../../../gateway/domain/particulars.ts'

const ours: Particulars = {
  taxpayerId: '91440300708461136T',
  taxpayerName: '长沙星城(集团)有限公司',
  officeCode: '14301020000',
  bankCode: '4301',
  branch: '313551000001',
  account: '4301000000000000001',
}

describe('two names', () => {
  test.each([
    ['长沙星城(集团)有限公司', '长沙星城(集团)有限公司', 'exact'],
    ['长沙星城(集团)有限公司', '长沙星城(集团)有限公司\u3000\u3000', 'padding'],
    ['长沙星城(集团)有限公司', '长沙星城(集团)有限公司\0\0  ', 'padding'],
    ['长沙星城(集团)有限公司', '长沙星城（集团）有限公司', 'width'],
    ['ABC·商行', 'ＡＢＣ・商行 ', 'width'],
    ['长沙星城(集团)有限公司', '长沙 星城（集团）\u3000有限公司', 'blanks'],
    ['长沙星城(集团)有限公司', '长沙星城集团有限公司', 'differs'],
    ['Abc', 'ABC', 'differs'],
    ['倈珅商行', '来珅商行', 'differs'],
    ['', '\u3000', 'padding'],
  ])('%j and %j: %s', (a, b, rule) => {
    expect(matchText(a, b)).toBe(rule)
    expect(matchText(b, a)).toBe(rule)
  })
})

describe('the particulars of annex 2 §7', () => {
  test('the same on both sides', () => {
    expect(differing(compareParticulars(ours, ours))).toEqual([])
  })
  test.each(Object.keys(ours) as (keyof Particulars)[])('%s alone differs, and is named', name => {
    expect(differing(compareParticulars(ours, { ...ours, [name]: `${ours[name]}9` }))).toEqual([name])
  })
  test('the name may be written wider, a number may not', () => {
    const wide = (text: string) => text.replace(/[!-~]/g, c => String.fromCharCode(c.charCodeAt(0) + 0xfee0))
    const theirs = Object.fromEntries(Object.entries(ours).map(([name, text]) => [name, wide(text)])) as Particulars
    expect(differing(compareParticulars(ours, theirs))).toEqual(['taxpayerId', 'officeCode', 'bankCode', 'branch', 'account'])
    expect(compareParticulars(ours, theirs).taxpayerName).toBe('width')
    expect(compareParticulars(ours, { ...ours, account: `${ours.account}  ` }).account).toBe('padding')
    expect(compareParticulars(ours, { ...ours, account: '4301 000000000000001' }).account).toBe('differs')
  })
})

describe('what a bank says when it compares itself', () => {
  const five = { taxpayerId: 'same', taxpayerName: 'same', officeCode: 'same', branch: 'same', account: 'same' } as const
  const all = { taxpayerId: 'confirmed', taxpayerName: 'confirmed', officeCode: 'confirmed', branch: 'confirmed', account: 'confirmed' }
  test.each<[string, Verification, object, string]>([
    ['all are the same, each named', { code: '90000', matches: five }, all, 'alike'],
    ['all are the same, by the code', { code: '90000', matches: {} }, all, 'alike'],
    ['the account, by the code', { code: '24016', matches: {} }, { account: 'differs' }, 'differs'],
    ['the name, by the code', { code: '24002', matches: {} }, { taxpayerName: 'differs' }, 'differs'],
    [
      'the id, named, whatever the code could mean',
      { code: '24002', matches: { taxpayerId: 'differs' } },
      { taxpayerId: 'differs' },
      'differs',
    ],
    ['something, and not what', { code: '93004', matches: {} }, {}, 'differs'],
    ['there is no such binding', { code: '24009', matches: {} }, {}, 'differs'],
    ['nothing about it', { code: '94999', matches: {} }, {}, 'unchecked'],
    ['some, and the code is no success', { code: '94999', matches: { account: 'same' } }, { account: 'confirmed' }, 'unchecked'],
    ['a success that contradicts itself', { code: '90000', matches: { account: 'differs' } }, { ...all, account: 'differs' }, 'differs'],
  ])('%s', (_, said, comparison, likeness) => {
    expect(verified(said)).toEqual({ comparison, likeness })
  })
})
