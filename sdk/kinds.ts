import type { Outcome } from './outcomes.ts'
import { outcomes } from './outcomes.ts'

/** How a private value is shown: an account keeps 6 + 4 digits, a name its first character, a taxpayer id 6 + 2. */
export type Mask = 'account' | 'name' | 'taxpayer'

/** A JSON Schema (2020-12) as plain data. */
export type Schema = { readonly [keyword: string]: unknown }

/**
 * What a field means: its titles, its JSON Schema, how it is masked. `T` is its TypeScript type.
 * `fields` are those of each element of a list.
 */
export type Kind<T> = {
  readonly zh: string
  readonly en: string
  readonly schema: Schema
  readonly mask?: Mask
  readonly optional?: boolean
  readonly fields?: Fields
  /** Only for the compiler: never set. */
  readonly type?: T
}
/** The fields of a message or of a list's element, in their order. */
export type Fields = { readonly [name: string]: Kind<unknown> }

type TypeOf<K> = K extends Kind<infer T> ? T : never
type OptionalOf<F extends Fields> = { [K in keyof F]: F[K] extends { readonly optional: true } ? K : never }[keyof F]
/** The TypeScript type of an object with these fields. */
export type FieldValues<F extends Fields> = { readonly [K in Exclude<keyof F, OptionalOf<F>>]: TypeOf<F[K]> } & {
  readonly [K in OptionalOf<F>]?: TypeOf<F[K]>
}

/** The largest amount of one message: 999,999,999,999,999 fen, the 15 digits of TIPS and of ETS. */
export const maxFen = 999_999_999_999_999

// No control characters, no blank at either end: a fixed-width field could not bring them back.
const plainText =
  '^[^\\u0000-\\u0020\\u007f-\\u009f\\u3000](?:[^\\u0000-\\u001f\\u007f-\\u009f]*[^\\u0000-\\u0020\\u007f-\\u009f\\u3000])?$'

/** Free text of 1 to `max` characters (code points), without control characters and without blanks at its ends. */
export const text = (zh: string, en: string, max: number): Kind<string> => ({
  zh,
  en,
  schema: { type: 'string', minLength: 1, maxLength: max, pattern: plainText },
})
/** Printable ASCII without blanks, 1 to `max` characters: codes and numbers that are compared byte by byte. */
export const ascii = (zh: string, en: string, max: number): Kind<string> => ({
  zh,
  en,
  schema: { type: 'string', minLength: 1, maxLength: max, pattern: '^[\\u0021-\\u007e]+$' },
})
/** Exactly `length` digits, or `length` to `max` digits. */
export const digits = (zh: string, en: string, length: number, max = length): Kind<string> => ({
  zh,
  en,
  schema: { type: 'string', minLength: length, maxLength: max, pattern: '^[0-9]+$' },
})
/** A date of the Gregorian calendar in the province's time zone (Asia/Shanghai), `2026-09-10`. */
export const date = (zh: string, en: string): Kind<string> => ({ zh, en, schema: { type: 'string', format: 'date', maxLength: 10 } })
/** Money in integer fen, from `minimum` (0 unless told) to 999,999,999,999,999. */
export const fen = (zh: string, en: string, minimum = 0): Kind<number> => ({
  zh,
  en,
  schema: { type: 'integer', minimum, maximum: maxFen },
})
/** How many: a whole number from `minimum` (0 unless told) to `maximum` (999,999,999 unless told). */
export const count = (zh: string, en: string, minimum = 0, maximum = 999_999_999): Kind<number> => ({
  zh,
  en,
  schema: { type: 'integer', minimum, maximum },
})
/** One of a closed list of words. */
export const oneOf = <const W extends readonly string[]>(zh: string, en: string, words: W): Kind<W[number]> => ({
  zh,
  en,
  schema: { type: 'string', enum: words },
})
/** The result of an exchange {class, unified code, bank's code, bank's text}. */
export const outcomeKind = (zh: string, en: string): Kind<Outcome> => ({
  zh,
  en,
  schema: {
    type: 'object',
    additionalProperties: false,
    required: ['class', 'code', 'bankCode'],
    properties: {
      class: { type: 'string', enum: ['succeeded', 'refused', 'unknown', 'in-progress'], description: '类别 / class' },
      code: { type: 'string', enum: Object.keys(outcomes), description: '统一结果码 / unified code' },
      bankCode: { type: 'string', maxLength: 20, pattern: '^[\\u0021-\\u007e]+$', description: '银行结果码 / the bank’s code' },
      bankText: { type: 'string', minLength: 1, maxLength: 60, pattern: plainText, description: '银行附言 / the bank’s text' },
    },
  },
})
/** 1 to `max` elements with the same fields. */
export const listOf = <const F extends Fields>(
  zh: string,
  en: string,
  fields: F,
  max: number,
): Kind<readonly FieldValues<F>[]> & { readonly fields: F } => ({
  zh,
  en,
  schema: { type: 'array', minItems: 1, maxItems: max, items: objectSchema(fields) },
  fields,
})
/** The same kind, but the field may be left out. */
export const optional = <K extends Kind<unknown>>(kind: K): K & { readonly optional: true } => ({ ...kind, optional: true })
/** The same kind, shown masked in every log, error, metric and page. */
export const masked = <K extends Kind<unknown>>(kind: K, mask: Mask): K & { readonly mask: Mask } => ({ ...kind, mask })

/** The JSON Schema of an object with these fields: nothing else allowed, nothing coerced. */
export const objectSchema = (fields: Fields): Schema => ({
  type: 'object',
  additionalProperties: false,
  required: Object.keys(fields).filter(name => !fields[name]!.optional),
  properties: Object.fromEntries(
    Object.entries(fields).map(([name, kind]) => [
      name,
      { title: `${kind.zh} / ${kind.en}`, ...kind.schema, ...(kind.mask ? { 'x-private': kind.mask } : {}) },
    ]),
  ),
})

/** A private value as people and logs may see it. */
export const maskText = (mask: Mask, value: string): string => {
  if (mask === 'name') {
    const characters = Array.from(value)
    return characters.length <= 1 ? '*' : characters[0] + '*'.repeat(Math.min(characters.length - 1, 6))
  }
  const [head, tail] = mask === 'account' ? [6, 4] : [6, 2]
  return value.length <= head + tail ? '*'.repeat(Math.min(value.length, 8)) : `${value.slice(0, head)}****${value.slice(-tail)}`
}

/** Values of these fields as people and logs may see them: private ones masked, a list as the number of its elements; other names are left out. */
export const maskValues = (fields: Fields, values: { readonly [name: string]: unknown }): { [name: string]: unknown } => {
  const shown: { [name: string]: unknown } = {}
  for (const name in fields) {
    const value = values[name]
    if (value === undefined) continue
    const { mask } = fields[name]!
    if (mask !== undefined) shown[name] = typeof value === 'string' ? maskText(mask, value) : '***'
    else shown[name] = Array.isArray(value) ? value.length : value
  }
  return shown
}
