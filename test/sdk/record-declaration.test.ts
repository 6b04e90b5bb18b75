import {
  blank,
  type Cell,
  codes,
  constant,
  debitRequest,
  left,
  linkTestRequest,
  linkTestResult,
  omit,
  record,
  repeat,
  right,
  words,
  ymd,
} from '@taxlink/bank-sdk'
import { describe, expect, it } from 'vitest'
import { faultOf } from './record-layouts.ts'

describe('a declaration that does not load', () => {
  const key = [
    ['officeCode', left(12)],
    ['entrustDate', ymd],
    ['serialNo', left(8)],
  ] as const
  const whole = [...key, ['workDate', ymd]] as const
  const load = (width: number, rows: readonly unknown[], charset = 'gbk') =>
    faultOf(() => record(linkTestRequest, charset as 'gbk', width, rows as never))
  const refusals: readonly (readonly [string, number, readonly unknown[], RegExp])[] = [
    ['one byte too many', 35, whole, /the cells take 36 bytes, the bank's page says 35/],
    ['one byte too few', 37, whole, /the cells take 36 bytes, the bank's page says 37/],
    ['a forgotten field', 28, key, /forgets.*workDate/],
    ['a field named twice', 44, [...whole, ['workDate', ymd]], /twice.*workDate/],
    ['a field given and left out', 36, [...whole, omit('workDate')], /twice.*workDate/],
    ['an unknown field', 40, [...whole, ['work', left(4)]], /no such field.*work/],
    ['an unknown field left out', 36, [...whole, omit('work')], /no such field.*work/],
    ['a name of JavaScript’s own', 40, [...whole, ['__proto__', left(4)]], /no such field/],
    ['money in a text cell', 36, [...key, ['workDate', right(8)]], /number cannot write a field that is a date/],
    ['a date in a cell for codes', 36, [...key, ['workDate', codes({ '0000': '90000' })]], /codes cannot write/],
    [
      'a cell too narrow for any value',
      34,
      [
        ['officeCode', left(12)],
        ['entrustDate', ymd],
        ['serialNo', left(6)],
        ['workDate', ymd],
      ],
      /takes 8 bytes, its cell has 6/,
    ],
    ['a cell of no width', 28, [...key, ['workDate', left(0)]], /whole number of bytes/],
    ['a cell of half a byte', 28, [...key, ['workDate', left(7.5)]], /whole number of bytes/],
    ['a filler of no width', 36, [...whole, blank(-1)], /filler/],
    ['a constant that is not ASCII', 38, [constant('税'), ...whole], /ASCII/],
    ['an empty constant', 36, [constant(''), ...whole], /ASCII/],
    ['a constant with an element path', 40, [constant('KK09', 'A/B'), ...whole], /path/],
    ['the bank’s text of a date', 96, [...whole, ['workDate.bankText', left(60)]], /only an outcome/],
    ['a group that the message has not', 38, [...whole, repeat('items', { count: right(2), max: 9 }, [])], /no such field/],
    ['a group of something that is no list', 30, [...key, repeat('workDate', { count: right(2), max: 9 }, [])], /only a list repeats/],
  ]
  for (const [what, width, rows, text] of refusals) {
    it(what, () => {
      const found = load(width, rows)
      expect(found.fault).toBe('bad-declaration')
      expect(found.at.message).toBe('link-test.request')
      expect(found.message).toMatch(text)
    })
  }

  it('a group that is not the last, nested, too long for its count or for the message', () => {
    const rows = (max: number, count: Cell<number> & { width: number }, after: readonly unknown[] = []) => [
      ['amount', right(15)],
      ['account', left(32)],
      omit('officeCode', 'entrustDate', 'serialNo', 'ticketNo', 'workDate', 'channel', 'taxpayerId', 'taxpayerName', 'agreementNo'),
      omit('payerBankNo', 'treasuryCode', 'clearingNo', 'remittanceAccount'),
      repeat('items', { count, max }, [
        ['amount', right(12)],
        omit('taxCode', 'taxName', 'budgetSubject', 'budgetLevel', 'periodStart', 'periodEnd'),
      ]),
      ...after,
    ]
    const of = (rows: readonly unknown[]) => faultOf(() => record(debitRequest, 'gbk', 49, rows as never)).message
    expect(of(rows(9, right(2), [blank(2)]))).toMatch(/at the end/)
    expect(of(rows(10, right(1)))).toMatch(/1 digits, too few for 10/)
    expect(of(rows(21, right(2)))).toMatch(/1 to 20 elements, not 21/)
    expect(of(rows(0, right(2)))).toMatch(/1 to 20 elements, not 0/)
  })

  it('the bank’s text of a result that it does not carry', () => {
    const rows = [...key, omit('result', 'accountingDate'), ['result.bankText', left(60)]] as const
    expect(faultOf(() => record(linkTestResult, 'gbk', 88, rows)).message).toMatch(/beside its code/)
  })

  it('codes too long for our result, and a table whose widths differ', () => {
    const wide = codes({ '000000000000000000000': '90000' })
    const rows = [...key, ['result', wide], omit('accountingDate')] as const
    expect(faultOf(() => record(linkTestResult, 'gbk', 49, rows)).message).toMatch(/at most 20 bytes/)
    expect(faultOf(() => codes({ '0': '90000', '10': '24003' })).message).toMatch(/one width/)
    expect(faultOf(() => words({})).message).toMatch(/one width/)
  })
})
