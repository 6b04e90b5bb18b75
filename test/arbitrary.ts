import {
  type Fields,
  type Kind,
  type Message,
  maxFen,
  type Outcome,
  outcome,
  outcomes,
  type UnifiedCode,
  type ValuesOf,
} from '@taxlink/bank-sdk'
import fc from 'fast-check'
import { meaningOf } from '../sdk/value.ts'

/** What a bank can carry, where it is less than the unified interface allows. Widths are bytes of the bank's charset. */
export type Carries = {
  readonly charset: 'gbk' | 'utf-8'
  /** Field → bytes; an element's field is `items.taxName`. */
  readonly widths?: { readonly [field: string]: number }
  /** Field → how many elements. */
  readonly most?: { readonly [field: string]: number }
  /** The bank's codes and what they mean; without it every unified code may come, under any bank code. */
  readonly results?: { readonly [bankCode: string]: UnifiedCode }
}

// Han characters whose second GBK byte is | \ ~ @ or a letter, marks that take two bytes, and what XML and JSON must escape.
const awkward = Array.from('珅倈億瑋誠躙亅犜喆堃珺镕龑·（）〇ＡＢ&<>"\'`|\\~^{}')
const han = fc.integer({ min: 0x4e00, max: 0x9fa5 }).map(code => String.fromCodePoint(code))
const printable = fc.integer({ min: 0x21, max: 0x7e }).map(code => String.fromCharCode(code))
const beyondGbk = Array.from('𬎆㛃䶮𠮷🀄éñ한')
const isBlank = (unit: string | undefined): boolean => unit === ' ' || unit === '\u3000'

/** Bytes of a character of the generated alphabets, counted without the codec under test. */
const bytesOf = (unit: string, charset: Carries['charset']): number =>
  charset === 'utf-8' ? Buffer.byteLength(unit) : unit.codePointAt(0)! < 0x80 ? 1 : 2

const freeText = (max: number, width: number, charset: Carries['charset']): fc.Arbitrary<string> => {
  const units = fc.oneof(
    { arbitrary: han, weight: 4 },
    { arbitrary: printable, weight: 2 },
    { arbitrary: fc.constantFrom(...awkward), weight: 2 },
    { arbitrary: fc.constantFrom(' ', '\u3000'), weight: 1 },
    ...(charset === 'utf-8' ? [{ arbitrary: fc.constantFrom(...beyondGbk), weight: 1 }] : []),
  )
  return fc.array(units, { minLength: 1, maxLength: max, size: 'max' }).map(all => {
    let room = width
    const fitting = all.filter(unit => {
      room -= bytesOf(unit, charset)
      return room >= 0
    })
    while (isBlank(fitting[0])) fitting.shift()
    while (isBlank(fitting.at(-1))) fitting.pop()
    return fitting.join('') || '李'
  })
}

const day = fc.date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T00:00:00Z'), noInvalidDate: true })
const unifiedCodes = Object.keys(outcomes) as UnifiedCode[]
const visible = (max: number) => fc.string({ unit: printable, minLength: 1, maxLength: max, size: 'max' })

const outcomeOf = (carries: Carries, bankText: fc.Arbitrary<string>): fc.Arbitrary<Outcome> => {
  const pairs = carries.results
    ? fc.constantFrom(...(Object.entries(carries.results) as [string, UnifiedCode][]))
    : fc.tuple(visible(20), fc.constantFrom(...unifiedCodes))
  return fc.tuple(pairs, fc.option(bankText, { nil: undefined })).map(([[bankCode, code], words]) => outcome(code, bankCode, words))
}

/** Values that a kind allows and the bank can carry, under the field's name. */
export const arbitraryOf = (kind: Kind<unknown>, carries: Carries, field: string): fc.Arbitrary<unknown> => {
  const meaning = meaningOf(kind)
  const width = carries.widths?.[field] ?? Number.POSITIVE_INFINITY
  switch (meaning.is) {
    case 'text':
      return freeText(meaning.max, width, carries.charset)
    case 'ascii':
      return visible(Math.min(meaning.max, width))
    case 'digits':
      return fc.string({
        unit: fc.constantFrom(...Array.from('0123456789')),
        minLength: meaning.min,
        maxLength: Math.min(meaning.max, width),
        size: 'max',
      })
    case 'date':
      return day.map(at => at.toISOString().slice(0, 10))
    case 'word':
      return fc.constantFrom(...meaning.words)
    case 'number': {
      const max = width < 15 ? 10 ** width - 1 : maxFen
      return fc.oneof(
        fc.integer({ min: meaning.min, max: Math.min(meaning.max, max) }),
        fc.constantFrom(meaning.min, Math.min(meaning.max, max)),
      )
    }
    case 'outcome':
      return outcomeOf(
        carries,
        freeText(meaning.maxText, carries.widths?.[`${field}.bankText`] ?? Number.POSITIVE_INFINITY, carries.charset),
      )
    case 'list':
      return fc.array(fieldsOf(meaning.fields, carries, `${field}.`), {
        minLength: meaning.min,
        maxLength: Math.min(meaning.max, carries.most?.[field] ?? meaning.max),
        size: 'max',
      })
  }
}

const fieldsOf = (fields: Fields, carries: Carries, prefix = ''): fc.Arbitrary<{ [name: string]: unknown }> => {
  const optional = Object.keys(fields).filter(name => fields[name]!.optional)
  const required = Object.keys(fields).filter(name => !optional.includes(name))
  const values = Object.fromEntries(Object.entries(fields).map(([name, kind]) => [name, arbitraryOf(kind, carries, prefix + name)]))
  return fc.record(values, { requiredKeys: required, noNullPrototype: true })
}

/** Values of a message that the bank can carry; where it has tax items, they sum to the amount. */
export const messageOf = <M extends Message>(message: M, carries: Carries): fc.Arbitrary<ValuesOf<M>> =>
  fieldsOf(message.fields, carries).map(values => ('items' in values ? summed(values) : values) as ValuesOf<M>)

const summed = (values: { [name: string]: unknown }) => {
  const items = values.items as { readonly amount: number }[]
  // shares the amount out, so that the sum of many large items is still a possible amount
  const cap = Math.floor(maxFen / items.length)
  const shared = items.map(item => ({ ...item, amount: Math.min(item.amount, cap) }))
  return { ...values, items: shared, amount: shared.reduce((sum, item) => sum + item.amount, 0) }
}
