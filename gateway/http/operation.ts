import type { FastifyContextConfig, FastifySchema } from 'fastify'
import { type Duty, duties } from '../domain/operator.ts'
import { retryAfter } from './problem.ts'
import { refusalAt } from './refusals.ts'

// What the operations of this interface are made of, whoever's they are.

/** One operation of the public interface, without what it does: the routes and the reference page are both made of it. */
export type Operation = {
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE'
  readonly url: string
  readonly schema: FastifySchema
  readonly bodyLimit?: number
  readonly config: FastifyContextConfig
}

/** For operators of one of these duties; of any, where none is named. */
export const forOperators = (...needed: readonly Duty[]) => ({ role: 'operator', duty: needed.length > 0 ? needed : duties }) as const

/** A body of JSON, with what it means. */
export const json = (description: string, schema: object, headers: object = {}) => ({
  description,
  headers,
  content: { 'application/json': { schema } },
})
/** The refusals an operation may answer with; those that any may are added. */
export const problems = (...statuses: number[]) =>
  Object.fromEntries(
    [...statuses, 401, 403, 500, 503].map(status => {
      const { description, example } = refusalAt(status)
      const later = { 'Retry-After': { type: 'string', description: '秒 / seconds', examples: [retryAfter['retry-after']] } }
      const content = { 'application/problem+json': { schema: { $ref: 'Problem#' }, example } }
      return [status, { description, ...(status === 503 || status === 429 ? { headers: later } : {}), content }]
    }),
  )

/** The headers that every request may carry, and `more`. */
export const requestHeaders = (more: object = {}) => ({
  type: 'object',
  properties: {
    ...more,
    'Accept-Language': { type: 'string', description: '错误标题的语言,默认中文 / language of problem titles', examples: ['zh', 'en'] },
    'X-Request-Id': { type: 'string', description: '请求号,原样带回 / request id, given back', pattern: '^[A-Za-z0-9-]{8,64}$' },
  },
})
/** How long a caller waits. */
export const prefer = {
  Prefer: {
    type: 'string',
    description: '等待最终结果的秒数,最多 60(第十六条实时反馈) / seconds to wait for the outcome, at most 60 (RFC 7240; art. 16)',
    examples: ['wait=10'],
  },
}
/** How long it was waited. */
export const applied = { 'Preference-Applied': { type: 'string', description: '实际采用的等待 / the wait that was applied' } }
/** Said of an order that had been accepted before. */
export const replayed = {
  'Idempotency-Replayed': { type: 'string', description: '此前已受理,返回原结果 / accepted before; this is the stored answer' },
}
/** Where what was made can be read. */
export const location = { Location: { type: 'string', description: '查询地址 / where to ask again' } }

/** How many a page holds. */
export const limit = { type: 'integer', minimum: 1, maximum: 200, default: 50, description: '每页条数 / page size' }
/** Where a page begins. */
export const cursor = {
  type: 'string',
  minLength: 1,
  maxLength: 32,
  pattern: '^[A-Za-z0-9_-]+$',
  description: '上一页的 next / the `next` of the page before',
} as const
/** A field of the catalogue as a parameter of an address. */
export const narrowed = ({ zh, en, schema }: { zh: string; en: string; schema: object }) => ({ ...schema, description: `${zh} / ${en}` })
