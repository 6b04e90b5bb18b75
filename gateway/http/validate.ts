import { createRequire } from 'node:module'
import { shownName } from '@taxlink/bank-sdk'
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import type { FastifySchemaCompiler } from 'fastify'
import { everyShape } from './every-shape.ts'

/** Where a request is wrong: JSON pointer, byte offset where the bytes themselves are, and why in both languages. */
export type PlaceError = {
  readonly pointer: string
  readonly zh: string
  readonly en: string
  readonly offset?: number
  /** Of a file. */
  readonly line?: number
}

// Its types speak of a default export, which a CommonJS module read by Node has not; and one language is enough.
const inChinese = createRequire(import.meta.url)('ajv-i18n/localize/zh') as (errors: ErrorObject[]) => void

const make = (coerceTypes: boolean): Ajv2020 => {
  const ajv = new Ajv2020({
    coerceTypes,
    removeAdditional: false,
    useDefaults: coerceTypes,
    strict: true,
    allErrors: true,
    discriminator: true,
    keywords: ['x-private'],
  })
  formats.default(ajv, ['date'])
  return ajv
}

/** Bodies are taken as they are: nothing is coerced, nothing dropped, nothing filled in. Bounded by the body limit. */
const bodies = make(false)
bodies.addSchema([...everyShape])
/** Addresses are text, so their numbers are read out of it. */
const addresses = make(true)

/** A check of bodies, compiled once. */
export const bodyCheck = <T>(schema: object): ValidateFunction<T> => bodies.compile<T>(schema)

/** The validator of the routes. Headers are described for people; what they mean is decided where they are read. */
export const validatorCompiler: FastifySchemaCompiler<object> = ({ schema, httpPart }) =>
  httpPart === 'headers' ? () => true : (httpPart === 'body' ? bodies : addresses).compile(schema)

/** The most places one answer names. */
const most = 50

/** What ajv found, in both languages and without the values. `at` is where the value stands in the body. */
export const placeErrors = (found: readonly ErrorObject[] | null | undefined, at = ''): PlaceError[] => {
  const errors = (found ?? []).slice(0, most)
  const english = errors.map(error => error.message ?? '')
  inChinese(errors)
  return errors.map((error, i) => ({ pointer: at + pointerOf(error), zh: error.message ?? '', en: english[i]! }))
}

/** A missing or superfluous property is named itself; a superfluous name from outside only where it is a plain word. */
const pointerOf = ({ instancePath, params }: ErrorObject): string => {
  if ('missingProperty' in params) return `${instancePath}/${String(params.missingProperty)}`
  if ('additionalProperty' in params) return `${instancePath}/${shownName(String(params.additionalProperty))}`
  return instancePath
}
