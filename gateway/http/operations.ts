import { debitRequest, faults, outcomes } from '@taxlink/bank-sdk'
import { debitMachine } from '../domain/debit.ts'
import { debitOrder } from '../flows/order.ts'
import { bodyLimits } from './body.ts'
import {
  applied,
  cursor,
  json,
  limit,
  location,
  narrowed,
  type Operation,
  prefer,
  problems,
  replayed,
  requestHeaders,
} from './operation.ts'

const { ticketNo, officeCode, bankCode } = debitOrder.fields

const taxSystem = { role: 'tax-system' } as const
const tags = ['税务系统 / tax systems']

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
          cursor,
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
