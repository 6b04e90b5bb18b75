import { debitRequest, faults, outcomes } from '@taxlink/bank-sdk'
import type { FastifyContextConfig, FastifySchema } from 'fastify'
import { debitMachine } from '../domain/debit.ts'
import { debitOrder } from '../flows/order.ts'
import { bodyLimits } from './body.ts'
import { retryAfter } from './problem.ts'
import { refusalAt } from './refusals.ts'

/** One operation of the public interface, without what it does: the routes and the reference page are both made of it. */
export type Operation = {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly schema: FastifySchema
  readonly bodyLimit?: number
  readonly config: FastifyContextConfig
}

const { ticketNo, officeCode, bankCode } = debitOrder.fields

const json = (description: string, schema: object, headers: object = {}) => ({
  description,
  headers,
  content: { 'application/json': { schema } },
})
const problems = (...statuses: number[]) =>
  Object.fromEntries(
    [...statuses, 401, 403, 500, 503].map(status => {
      const { description, example } = refusalAt(status)
      const later = { 'Retry-After': { type: 'string', description: '秒 / seconds', examples: [retryAfter['retry-after']] } }
      const content = { 'application/problem+json': { schema: { $ref: 'Problem#' }, example } }
      return [status, { description, ...(status === 503 ? { headers: later } : {}), content }]
    }),
  )

const requestHeaders = (more: object = {}) => ({
  type: 'object',
  properties: {
    ...more,
    'Accept-Language': { type: 'string', description: '错误标题的语言,默认中文 / language of problem titles', examples: ['zh', 'en'] },
    'X-Request-Id': { type: 'string', description: '请求号,原样带回 / request id, given back', pattern: '^[A-Za-z0-9-]{8,64}$' },
  },
})
const prefer = {
  Prefer: {
    type: 'string',
    description: '等待最终结果的秒数,最多 60(第十六条实时反馈) / seconds to wait for the outcome, at most 60 (RFC 7240; art. 16)',
    examples: ['wait=10'],
  },
}
const applied = { 'Preference-Applied': { type: 'string', description: '实际采用的等待 / the wait that was applied' } }
const replayed = {
  'Idempotency-Replayed': { type: 'string', description: '此前已受理,返回原结果 / accepted before; this is the stored answer' },
}
const location = { Location: { type: 'string', description: '查询地址 / where to ask again' } }

const taxSystem = { role: 'tax-system' } as const
const tags = ['税务系统 / tax systems']
const limit = { type: 'integer', minimum: 1, maximum: 200, default: 50, description: '每页条数 / page size' }
const narrowed = ({ zh, en, schema }: { zh: string; en: string; schema: object }) => ({ ...schema, description: `${zh} / ${en}` })

/** The operations of the tax systems. */
export const operations = {
  postDebit: {
    method: 'POST',
    url: '/v1/debits',
    bodyLimit: bodyLimits.single,
    config: taxSystem,
    schema: {
      operationId: 'postDebit',
      summary: '发起扣款 / order a debit',
      description:
        '同一票号、同一内容可任意重发,只受理一次。结果不明(unknown)时切勿换号重发,系统会查询银行。\n\nThe same order may be sent any number of times; it is accepted once. While a debit is `unknown` the gateway asks the bank; never send it under another number.',
      tags,
      headers: requestHeaders(prefer),
      body: { $ref: 'DebitOrder#' },
      response: {
        200: json('已有最终结果 / the outcome is final', { $ref: 'Debit#' }, { ...applied, ...replayed }),
        202: json(
          '已受理,尚无最终结果 / accepted; the outcome is not yet final',
          { $ref: 'Debit#' },
          { ...location, ...applied, ...replayed },
        ),
        ...problems(400, 409, 413, 415, 422),
      },
    },
  },
  postBatch: {
    method: 'POST',
    url: '/v1/debits/batch',
    bodyLimit: bodyLimits.batch,
    config: taxSystem,
    schema: {
      operationId: 'postDebitBatch',
      summary: '批量发起扣款 / order many debits',
      description: '1 至 1000 笔,逐笔给出结论,互不影响。\n\n1 to 1,000 orders; each gets its own verdict and none spoils another.',
      tags,
      headers: requestHeaders(),
      body: { $ref: 'DebitBatch#' },
      response: { 200: json('逐笔结论 / a verdict for each', { $ref: 'BatchVerdicts#' }), ...problems(400, 413, 415, 422) },
    },
  },
  getDebit: {
    method: 'GET',
    url: '/v1/debits/:ticketNo',
    config: taxSystem,
    schema: {
      operationId: 'getDebit',
      summary: '查询一笔扣款 / one debit',
      tags,
      headers: requestHeaders(prefer),
      params: { type: 'object', required: ['ticketNo'], properties: { ticketNo: narrowed(ticketNo) } },
      response: { 200: json('扣款 / the debit', { $ref: 'Debit#' }, applied), ...problems(400, 404) },
    },
  },
  listDebits: {
    method: 'GET',
    url: '/v1/debits',
    config: taxSystem,
    schema: {
      operationId: 'listDebits',
      summary: '扣款列表 / list of debits',
      description: '按受理顺序;next 为下一页的 cursor。 / In the order of acceptance; `next` is the cursor of the next page.',
      tags,
      headers: requestHeaders(),
      querystring: {
        type: 'object',
        additionalProperties: false,
        properties: {
          entrustDate: narrowed(debitRequest.fields.entrustDate),
          bankCode: narrowed(bankCode),
          officeCode: narrowed(officeCode),
          state: { type: 'string', enum: Object.keys(debitMachine.table), description: '状态 / state' },
          cursor: {
            type: 'string',
            minLength: 1,
            maxLength: 32,
            pattern: '^[A-Za-z0-9_-]+$',
            description: '上一页的 next / the `next` of the page before',
          },
          limit,
        },
      },
      response: { 200: json('一页 / a page', { $ref: 'DebitPage#' }), ...problems(400) },
    },
  },
  listResults: {
    method: 'GET',
    url: '/v1/results',
    config: taxSystem,
    schema: {
      operationId: 'listResults',
      summary: '结果流水 / feed of outcomes',
      description:
        '按终结顺序,seq 递增;记住 next 即可不漏不重。 / In the order in which they became final; whoever keeps `next` misses none.',
      tags,
      headers: requestHeaders(),
      querystring: {
        type: 'object',
        additionalProperties: false,
        properties: {
          after: {
            type: 'integer',
            minimum: 0,
            maximum: Number.MAX_SAFE_INTEGER,
            default: 0,
            description: '已收到的最大 seq / the last seq already seen',
          },
          limit,
        },
      },
      response: { 200: json('一页 / a page', { $ref: 'ResultPage#' }), ...problems(400) },
    },
  },
} as const satisfies { readonly [name: string]: Operation }

export type OperationName = keyof typeof operations

/** The methods a path knows, for an answer 405; undefined for a path that is none of ours. */
export const methodsOf = (path: string): string[] | undefined => {
  const found = Object.values(operations).filter(
    ({ url }) => url === path || (url.endsWith('/:ticketNo') && /^\/v1\/debits\/[0-9]{18}$/.test(path)),
  )
  return found.length === 0 ? undefined : [...new Set(found.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method])))]
}

/** The codes of the faults a caller can meet, for the reference page. */
export const faultTable = (): string =>
  [
    '| 错误码 / code | 类型 / type | 含义 / meaning | 下一步 / next |',
    '|---|---|---|---|',
    ...Object.entries(faults)
      .filter(([, { number }]) => number.startsWith('T1') || number.startsWith('T3'))
      .map(([name, { number, zh, en, nextZh, nextEn }]) => `| ${number} | \`${name}\` | ${zh} / ${en} | ${nextZh} / ${nextEn} |`),
  ].join('\n')

/** The unified result codes, for the reference page. */
export const outcomeTable = (): string =>
  [
    '| 结果码 / code | 类别 / class | 含义 / meaning | 下一步 / next |',
    '|---|---|---|---|',
    ...Object.entries(outcomes).map(
      ([code, { class: of, zh, en, nextZh, nextEn }]) => `| ${code} | \`${of}\` | ${zh} / ${en} | ${nextZh} / ${nextEn} |`,
    ),
  ].join('\n')
