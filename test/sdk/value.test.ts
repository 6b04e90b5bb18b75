import { debitRequest, debitResult, Fault, type Message, objectSchema, outcome } from '@taxlink/bank-sdk'
import { Ajv2020 } from 'ajv/dist/2020.js'
import addFormats from 'ajv-formats'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { blankIsAbsent, checkDate, checkValue, checkValues } from '../../sdk/value.ts'
import { instruction } from './record-layouts.ts'

const ajv = new Ajv2020({ strict: false })
addFormats.default(ajv)

const result = {
  officeCode: '1',
  entrustDate: '2026-09-10',
  serialNo: '00000001',
  ticketNo: '343260910000000001',
  result: outcome('90000', '0000', '成功'),
  amount: 1,
}

const accepts = (message: Message, value: unknown): boolean => {
  try {
    checkValues(message.fields, value)
    return true
  } catch (error) {
    expect(error).toBeInstanceOf(Fault)
    return false
  }
}

// Values that lie on the edges of the kinds, and any others.
const edge = fc.constantFrom<unknown>(
  ...[
    '',
    ' ',
    'A',
    ' A',
    'A ',
    'A B',
    '张',
    '张　',
    '　张',
    '张　三',
    '𠮷'.repeat(100),
    '𠮷'.repeat(101),
    'A'.repeat(60),
    'A'.repeat(61),
    'a\nb',
    '\x7f',
  ],
  ...[
    '0',
    '00000001',
    '000000001',
    '１２３４５６７８',
    '343260910000000001',
    '2026-02-29',
    '2028-02-29',
    '2000-02-29',
    '1900-02-29',
    '0000-01-01',
  ],
  ...['2026-13-01', '2026-00-10', '2026-04-31', '20260910', '2026-9-1', 'computer', 'phone', 'Computer'],
  ...[0, 1, -1, 1.5, 999_999_999_999_999, 1e15, Number.NaN, Number.POSITIVE_INFINITY, -0, true, null, undefined, [], {}],
  outcome('90000'),
  { ...outcome('90000'), bankCode: '' },
  { ...outcome('90000'), bankText: ' x' },
  { ...outcome('90000'), bankText: 'x'.repeat(61) },
  { ...outcome('90000'), bankCode: 'x'.repeat(21) },
  { ...outcome('90000'), code: '12345' },
  { ...outcome('90000'), note: 'x' },
  instruction.items,
  [],
  [{}],
  [{ ...instruction.items[0], extra: 1 }],
  Array.from({ length: 20 }, () => instruction.items[0]),
  Array.from({ length: 21 }, () => instruction.items[0]),
)
const anyValue = fc.oneof({ weight: 3, arbitrary: edge }, fc.anything(), fc.string({ unit: 'grapheme' }))

describe.each([
  { message: debitRequest as Message, sample: instruction },
  { message: debitResult as Message, sample: result },
])('the check by hand of $message.id', ({ message, sample }) => {
  const schema = ajv.compile(objectSchema(message.fields))

  it('agrees with the schema', () => {
    expect(accepts(message, sample) && schema(sample)).toBe(true)
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(message.fields), 'another'), anyValue, (field, value) => {
        const changed: { [name: string]: unknown } = { ...sample, [field]: value }
        if (value === undefined) delete changed[field]
        expect(accepts(message, changed)).toBe(schema(changed))
      }),
      { numRuns: 2000, examples: [['result', { ...outcome('90000'), bankText: 'x'.repeat(61) }]] },
    )
  })
})

describe('what a schema cannot say', () => {
  it('half a surrogate pair is no text', () => {
    expect(() => checkValues(debitRequest.fields, { ...instruction, taxpayerName: 'a\ud800' })).toThrow(/T1015/)
    expect(() => checkValues(debitRequest.fields, { ...instruction, taxpayerName: '\udc00a' })).toThrow(/T1015/)
  })
  it('the class follows from the code', () => {
    expect(() => checkValues(debitResult.fields, { ...result, result: { ...result.result, class: 'refused' } })).toThrow(/result\.class/)
  })
})

describe('a fault', () => {
  it('names the field, within lists and outcomes', () => {
    const placeOf = (fields: object) => {
      try {
        checkValues(debitRequest.fields, { ...instruction, ...fields }, { message: 'debit.request' })
      } catch (error) {
        return (error as Fault).at
      }
      return undefined
    }
    expect(placeOf({ account: undefined })).toStrictEqual({ message: 'debit.request', field: 'account' })
    expect(placeOf({ items: [instruction.items[0], { ...instruction.items[1], taxName: '' }] })).toStrictEqual({
      message: 'debit.request',
      field: 'items.1.taxName',
    })
    expect(placeOf({ another: 1 })).toStrictEqual({ message: 'debit.request' })
  })
  it('is placed by checkValue', () => {
    expect(() => checkValue(debitRequest.fields.amount, 0, { message: 'debit.request', field: 'amount', offset: 298 })).toThrow(
      /amount, byte 298/,
    )
    expect(() => checkValue(debitResult.fields.bankSerial, undefined, {})).not.toThrow()
    expect(() => checkValue(debitResult.fields.amount, undefined, {})).toThrow(/T1009/)
  })
})

describe('dates and blanks', () => {
  it('every day there is, and no other, is a date', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 9999 }), fc.integer({ min: 0, max: 13 }), fc.integer({ min: 0, max: 32 }), (y, m, d) => {
        const iso = `${String(y).padStart(4, '0')}-${String(m).padStart(2, '0')}-${String(d).padStart(2, '0')}`
        const at = Date.parse(`${iso}T00:00:00Z`)
        const isDay = !Number.isNaN(at) && new Date(at).toISOString().slice(0, 10) === iso
        if (isDay) checkDate(iso)
        else expect(() => checkDate(iso)).toThrow(/T1006/)
      }),
      { numRuns: 3000 },
    )
  })
  it('a blank is the absence of an optional field only', () => {
    expect(blankIsAbsent(debitResult.fields.bankSerial, '')).toBe(true)
    expect(blankIsAbsent(debitResult.fields.bankSerial, 'x')).toBe(false)
    expect(() => blankIsAbsent(debitResult.fields.amount, '')).toThrow(/T1009/)
  })
})
