import { Fault, fail, type Place } from './fault.ts'
import { type Fields, type Kind, text } from './kinds.ts'
import { isUnifiedCode, type Outcome, outcomes } from './outcomes.ts'

// What a kind says about values, checked by hand: every layout checks each value with it before it writes and after it reads, so that
// whatever is written can be read again, and whatever was read is what a schema would let through. A test compares it with ajv.

/** What the schema of a kind says, in the few forms that kinds.ts has. Lengths count code points; money is in fen. */
export type Meaning =
  | { readonly is: 'text' | 'ascii' | 'digits'; readonly min: number; readonly max: number }
  | { readonly is: 'date' }
  | { readonly is: 'word'; readonly words: readonly string[] }
  | { readonly is: 'number'; readonly min: number; readonly max: number }
  | { readonly is: 'outcome'; readonly maxCode: number; readonly maxText: number }
  | { readonly is: 'list'; readonly min: number; readonly max: number; readonly fields: Fields }

const patterns: { readonly [pattern: string]: 'text' | 'ascii' | 'digits' } = {
  [text('', '', 1).schema.pattern as string]: 'text',
  '^[\\u0021-\\u007e]+$': 'ascii',
  '^[0-9]+$': 'digits',
}

/** The keywords that kinds.ts uses; which of them are there follows from the form. */
type Keywords = {
  readonly type: string
  readonly minLength: number
  readonly maxLength: number
  readonly pattern: string
  readonly format?: string
  readonly enum?: readonly string[]
  readonly minimum: number
  readonly maximum: number
  readonly minItems: number
  readonly maxItems: number
  readonly properties: { readonly bankCode?: Keywords; readonly bankText?: Keywords }
}

/** What a kind means. Refuses a schema it does not know whole: what is not understood cannot be checked. */
export const meaningOf = (kind: Kind<unknown>): Meaning => {
  const schema = kind.schema as Keywords
  if (schema.type === 'integer') return { is: 'number', min: schema.minimum, max: schema.maximum }
  if (schema.type === 'array' && kind.fields) return { is: 'list', min: schema.minItems, max: schema.maxItems, fields: kind.fields }
  if (schema.type === 'object') {
    const { bankCode, bankText } = schema.properties
    if (bankCode && bankText) return { is: 'outcome', maxCode: bankCode.maxLength, maxText: bankText.maxLength }
  }
  if (schema.enum) return { is: 'word', words: schema.enum }
  if (schema.format === 'date') return { is: 'date' }
  const is = patterns[schema.pattern] ?? fail('bad-declaration', 'a kind with a schema that the layouts do not know')
  return { is, min: schema.minLength, max: schema.maxLength }
}

/** The day of the Gregorian calendar `year`-`month`-`day` exists. */
export const isDay = (year: number, month: number, day: number): boolean => {
  if (month < 1 || month > 12 || day < 1) return false
  if (month === 2) return day <= (year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28)
  return day <= (month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31)
}

/** Refuses what is not a day written `yyyy-MM-dd`. */
export const checkDate = (value: string): void => {
  let n = 0
  let shape = value.length === 10
  for (let i = 0; i < 10 && shape; i++) {
    const unit = value.charCodeAt(i)
    if (i === 4 || i === 7) shape = unit === 0x2d
    else {
      shape = unit >= 0x30 && unit <= 0x39
      n = n * 10 + unit - 0x30
    }
  }
  if (!shape) fail('not-a-date', 'a day yyyy-MM-dd expected')
  if (!isDay((n / 10_000) | 0, ((n / 100) | 0) % 100, n % 100)) fail('not-a-date', 'no such day')
}

const isControl = (unit: number): boolean => unit < 0x20 || (unit >= 0x7f && unit <= 0x9f)
const isBlank = (unit: number): boolean => unit === 0x20 || unit === 0x3000

/** Refuses text that is empty, longer than `max` code points, broken, or with control characters or blanks at its ends. */
export const checkText = (value: string, max: number): void => {
  const { length } = value
  if (length === 0) fail('missing', 'the text is empty')
  let pairs = 0
  for (let i = 0; i < length; i++) {
    const unit = value.charCodeAt(i)
    if (isControl(unit)) fail('bad-value', `character ${i + 1} is a control character`)
    if ((unit & 0xf800) === 0xd800) {
      // Half of a pair is no character: it could not be written in any charset.
      if (unit >= 0xdc00 || (value.charCodeAt(i + 1) & 0xfc00) !== 0xdc00) fail('bad-value', `character ${i + 1} is half a surrogate pair`)
      pairs++
      i++
    }
  }
  if (isBlank(value.charCodeAt(0)) || isBlank(value.charCodeAt(length - 1)))
    fail('bad-value', 'a blank at either end of the text would be lost')
  if (length - pairs > max) fail('too-long', `${length - pairs} characters, at most ${max} are allowed`)
}

/** Refuses what is not `min` to `max` characters, each from `first` to `last`. */
const checkUnits = (value: string, min: number, max: number, first: number, last: number, what: string): void => {
  const { length } = value
  if (length === 0) fail('missing', 'the text is empty')
  for (let i = 0; i < length; i++) {
    const unit = value.charCodeAt(i)
    if (unit < first || unit > last) fail('bad-value', `character ${i + 1} is not ${what}`)
  }
  if (length > max) fail('too-long', `${length} characters, at most ${max} are allowed`)
  if (length < min) fail('bad-value', `${length} characters, at least ${min} are needed`)
}
/** Refuses what is not printable ASCII without blanks. */
export const checkAscii = (value: string, min: number, max: number): void =>
  checkUnits(value, min, max, 0x21, 0x7e, 'printable ASCII without blanks')
/** Refuses what is not plain digits. */
export const checkDigits = (value: string, min: number, max: number): void => checkUnits(value, min, max, 0x30, 0x39, 'a digit')

/** Refuses what is not a whole number from `min` to `max`. */
export const checkNumber = (value: number, min: number, max: number): void => {
  if (!Number.isSafeInteger(value)) fail('not-a-number', 'a whole number expected')
  if (value < min || value > max) fail('bad-value', `not from ${min} to ${max}`)
}

/** Refuses an outcome whose class does not follow from its code, or whose bank code or text could not travel along. */
export const checkOutcome = (value: Outcome, maxCode: number, maxText: number): void => {
  if (!isUnifiedCode(value.code)) fail('bad-value', 'not one of the unified codes', { field: 'code' })
  if (value.class !== outcomes[value.code].class) fail('bad-value', 'the class does not follow from the code', { field: 'class' })
  within('bankCode', () => checkAscii(string(value.bankCode), 1, maxCode))
  if (value.bankText !== undefined) within('bankText', () => checkText(string(value.bankText), maxText))
  checkNames(value, ['class', 'code', 'bankCode', 'bankText'])
}

const string = (value: unknown): string => (typeof value === 'string' ? value : fail('bad-value', 'text expected'))
const object = (value: unknown): object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : fail('bad-value', 'an object expected')

/** Refuses a property that is not one of `names`; one that is `undefined` counts as absent. */
export const checkNames = (value: object, names: readonly string[]): void => {
  for (const [name, v] of Object.entries(value))
    if (!names.includes(name) && v !== undefined) fail('unexpected', 'a property that the message does not have')
}

/** Runs `check`; a fault of it is placed in `field`. */
const within = (field: string, check: () => void): void => {
  try {
    check()
  } catch (error) {
    throw error instanceof Fault ? error.within({ field }) : error
  }
}

const checks: { readonly [M in Meaning as M['is']]: (value: unknown, meaning: M) => void } = {
  text: (value, m) => checkText(string(value), m.max),
  ascii: (value, m) => checkAscii(string(value), m.min, m.max),
  digits: (value, m) => checkDigits(string(value), m.min, m.max),
  date: value => checkDate(string(value)),
  word: (value, m) => {
    if (!m.words.includes(string(value))) fail('bad-value', 'not one of the words of the field')
  },
  number: (value, m) => checkNumber(value as number, m.min, m.max),
  outcome: (value, m) => checkOutcome(object(value) as Outcome, m.maxCode, m.maxText),
  list: (value, m) => {
    if (!Array.isArray(value)) fail('bad-value', 'a list expected')
    const list = value as readonly unknown[]
    if (list.length < m.min) fail('missing', `${list.length} elements, at least ${m.min} are needed`)
    if (list.length > m.max) fail('over-limit', `${list.length} elements, at most ${m.max} are allowed`)
    for (const [i, element] of list.entries()) checkValues(m.fields, element, { field: String(i) })
  },
}

const known = new WeakMap<Kind<unknown>, (value: unknown) => void>()
/** The check of one kind: throws a Fault without place. Compiled once for each kind. */
export const checkOf = (kind: Kind<unknown>): ((value: unknown) => void) => {
  let check = known.get(kind)
  if (!check) {
    const meaning = meaningOf(kind)
    const of = checks[meaning.is] as (value: unknown, meaning: Meaning) => void
    check = value => of(value, meaning)
    known.set(kind, check)
  }
  return check
}

/** Refuses, with its place, a value that the kind does not allow; `undefined` is allowed only where the kind is optional. */
export const checkValue = (kind: Kind<unknown>, value: unknown, place: Place): void => {
  try {
    if (value !== undefined) checkOf(kind)(value)
    else if (!kind.optional) fail('missing', '')
  } catch (error) {
    throw error instanceof Fault ? error.within(place) : error
  }
}

/** Refuses an object with a forgotten, an unexpected or a wrong field; the fault names the field, `items.2.amount`. */
export const checkValues = (fields: Fields, values: unknown, place: Place = {}): void => {
  try {
    const of = object(values) as { readonly [name: string]: unknown }
    for (const [name, kind] of Object.entries(fields)) checkValue(kind, of[name], { field: name })
    checkNames(of, Object.keys(fields))
  } catch (error) {
    throw error instanceof Fault ? error.within(place) : error
  }
}

/** Whether an empty place in a bank's message means that the field is absent; a required field must not be empty. */
export const blankIsAbsent = (kind: Kind<unknown>, text: string): boolean =>
  text === '' && (kind.optional === true || fail('missing', 'the place of the field is blank'))
