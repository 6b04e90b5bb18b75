import { STATUS_CODES } from 'node:http'
import { Fault, type FaultName, faults } from '@taxlink/bank-sdk'
import type { ErrorObject } from 'ajv'
import type { FastifyError } from 'fastify'
import { type PlaceError, placeErrors } from './validate.ts'

/** A problem as the outside sees it (RFC 9457), in both languages; it never repeats a value that was sent. */
export type Problem = {
  readonly type: string
  /** In the language asked for. */
  readonly title: string
  readonly titleZh: string
  readonly titleEn: string
  readonly status: number
  readonly code: string
  readonly nextZh: string
  readonly nextEn: string
  readonly detail?: string
  /** The request id. */
  readonly instance?: string
  readonly errors?: readonly PlaceError[]
  /** SHA-256 of the order now sent and of the one accepted before, hexadecimal. */
  readonly hash?: string
  readonly acceptedHash?: string
}

/** What a refusal may say besides its fault. */
export type More = {
  readonly detail?: string
  readonly errors?: readonly PlaceError[]
  readonly hash?: string
  readonly acceptedHash?: string
  readonly headers?: { readonly [name: string]: string }
}

/** A request that is not done, with its status. */
export class Refusal extends Error {
  readonly status: number
  readonly fault: FaultName
  readonly more: More

  constructor(status: number, fault: FaultName, more: More = {}) {
    super(`${status} ${faults[fault].en}`)
    this.name = 'Refusal'
    this.status = status
    this.fault = fault
    this.more = more
  }
}

/** The problem of a refusal, for one request. */
export const problemOf = ({ status, fault, more }: Refusal, requestId?: string, english = false): Problem => {
  const { number, zh, en, nextZh, nextEn } = faults[fault]
  const { headers: _headers, ...said } = more
  return {
    type: `urn:taxlink:fault:${fault}`,
    title: english ? en : zh,
    titleZh: zh,
    titleEn: en,
    status,
    code: number,
    nextZh,
    nextEn,
    ...said,
    ...(requestId === undefined ? {} : { instance: requestId }),
  }
}

/** Whether the languages asked for (Accept-Language) put English before Chinese; Chinese is the default. */
export const prefersEnglish = (header: string | undefined): boolean => {
  const wanted = { zh: 0, en: 0 }
  for (const part of (header ?? '').split(',')) {
    const [tag = '', ...parameters] = part.trim().toLowerCase().split(';')
    const language = tag.split('-')[0]
    const quality = parameters.map(p => p.trim()).find(p => p.startsWith('q='))
    const weight = quality === undefined ? 1 : Number(quality.slice(2)) || 0
    if (language === 'zh' || language === 'en') wanted[language] = Math.max(wanted[language], weight)
  }
  return wanted.en > wanted.zh
}

/** Sent again after a second: whatever overloads us is over by then, or is said again. */
export const retryAfter = { 'retry-after': '1' } as const

/** Throws while the clock of this process is off: what is ordered now would be due, and judged, by it. Another process takes it, or this one a little later. */
export const mustBeTimely = ({ isTimely }: { readonly isTimely: () => boolean }): void => {
  if (!isTimely()) throw new Refusal(503, 'overloaded', { detail: 'the clock of this process is off', headers: retryAfter })
}

/** The refusal that an error means; undefined where it is none of the caller's making, nor the record's, but a mistake of ours. */
export const refusalOf = (error: unknown): Refusal | undefined => {
  if (error instanceof Refusal) return error
  if (error instanceof Fault) return error.fault === 'sum-mismatch' ? sumMismatch() : undefined
  if (!(error instanceof Error)) return undefined
  if ('validation' in error && Array.isArray(error.validation)) return invalid(error as FastifyError)
  if ('statusCode' in error && typeof error.statusCode === 'number' && error.statusCode < 500) return ofFastify(error.statusCode)
  return isRecordAway(error) ? new Refusal(503, 'record-away', { headers: retryAfter }) : undefined
}

/** Items that do not sum to the total (TIPS 93007); `at` is where the order stands in the body. */
export const sumMismatch = (at = ''): Refusal => {
  const { zh, en } = faults['sum-mismatch']
  return new Refusal(422, 'sum-mismatch', { errors: [{ pointer: `${at}/items`, zh, en }] })
}

const invalid = (error: FastifyError): Refusal =>
  // A body that was understood but breaks its schema is a 422; an address that does is a bad request.
  new Refusal(error.validationContext === 'body' ? 422 : 400, 'invalid-request', { errors: placeErrors(error.validation as ErrorObject[]) })

const ofFastify = (status: number): Refusal => {
  if (status === 413) return new Refusal(413, 'too-large', { headers: { connection: 'close' } })
  if (status === 415) return new Refusal(415, 'unsupported', { detail: 'only application/json in UTF-8' })
  if (status === 404) return new Refusal(404, 'not-found')
  return new Refusal(400, 'invalid-request')
}

/** A Fault of the strict reader as a refusal: where the bytes went wrong, and why. */
export const unreadable = ({ fault, at, detail }: Fault): Refusal => {
  const { zh, en } = faults[fault]
  const status = fault === 'unsupported' ? 415 : 400
  const offset = at.offset === undefined ? {} : { offset: at.offset }
  const pointer = at.field === undefined || status === 415 ? '' : `/${at.field}`
  return new Refusal(status, fault, { detail, ...(status === 415 ? {} : { errors: [{ pointer, zh, en, ...offset }] }) })
}

/** Errors of the database's driver, and what drizzle wraps around them. */
const isRecordAway = (error: Error): boolean =>
  error.name === 'CommitUnknown' ||
  'sqlState' in error ||
  ('code' in error && typeof error.code === 'string' && /^(ECONN|ETIMEDOUT|EPIPE|PROTOCOL_|ER_|POOL_)/.test(error.code)) ||
  error.message === 'Pool is closed.' ||
  error.message === 'Queue limit reached.' ||
  (error.cause instanceof Error && isRecordAway(error.cause))

/** What a connection hears that does not even speak HTTP, or not in time. */
export const rawProblem = (code: string | undefined): string => {
  const refusal =
    code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? new Refusal(408, 'invalid-request', { detail: 'the request did not arrive in time' })
      : code === 'HPE_HEADER_OVERFLOW'
        ? new Refusal(431, 'too-large', { detail: 'the headers are too large' })
        : new Refusal(400, 'invalid-request', { detail: 'not HTTP/1.1' })
  const body = JSON.stringify(problemOf(refusal))
  return [
    `HTTP/1.1 ${refusal.status} ${STATUS_CODES[refusal.status]}`,
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Connection: close',
    '',
    body,
  ].join('\r\n')
}
