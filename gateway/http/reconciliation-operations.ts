import { differenceTypes } from '../domain/reconcile.ts'
import { sessionMachine } from '../domain/session.ts'
import { day } from '../flows/file-request.ts'
import { bankCode } from '../flows/registry-kinds.ts'
import { bodyLimits } from './body.ts'
import { cursor, forOperators, json, limit, narrowed, type Operation, problems, replayed, requestHeaders } from './operation.ts'

const tags = ['对账 / reconciliation']
const toSee = forOperators('accounts', 'information-centre', 'auditor')
const paged = { cursor, limit }
const named = {
  type: 'object',
  required: ['bankCode', 'accountingDate', 'session'],
  properties: {
    bankCode: narrowed(bankCode),
    accountingDate: narrowed(day),
    session: { type: 'string', pattern: '^[1-9][0-9]?$', description: '场次 / session', examples: ['1'] },
  },
}

/** The operations of sessions and of what they find. */
export const reconciliationOperations = {
  postReconciliation: {
    method: 'POST',
    url: '/v1/reconciliations',
    bodyLimit: bodyLimits.single,
    config: forOperators('accounts', 'information-centre'),
    schema: {
      operationId: 'postReconciliation',
      summary: '开一场对账 / open a session',
      description:
        '日终场次由日历自动开;需要再对时由省局加开。日间场次只比总账,不产生单边账。同一银行会计日已有同类场次在进行的,答复该场次;其文件已被拒收、还没有换来的,由新开的一场取代;场次编号有限(日间至 79,日终至 99),用完则拒绝。\n\nThe calendar opens the first session of each bank day; the province may open another. A session within the day compares totals only. Where one of the kind is under way, that one is told; one whose file was refused gives way to the new one. Numbers end (at 79 within the day, at 99 at its end): beyond them it is refused.',
      tags,
      headers: requestHeaders(),
      body: { $ref: 'ReconciliationOrder#' },
      response: {
        200: json('已有一场在进行 / one is under way', { $ref: 'Reconciliation#' }, replayed),
        201: json('已开 / opened', { $ref: 'Reconciliation#' }),
        ...problems(400, 404, 409, 413, 415, 422),
      },
    },
  },
  listReconciliations: {
    method: 'GET',
    url: '/v1/reconciliations',
    config: toSee,
    schema: {
      operationId: 'listReconciliations',
      summary: '对账场次 / sessions',
      description:
        '会计日期近的在前。总账涉及全省,限省局。 / Latest accounting dates first. Totals are the province’s, and so is the list.',
      tags,
      headers: requestHeaders(),
      querystring: {
        type: 'object',
        additionalProperties: false,
        properties: {
          bankCode: narrowed(bankCode),
          accountingDate: narrowed(day),
          kind: { type: 'string', enum: ['intraday', 'day-end'], description: '日间或日终 / kind' },
          state: { type: 'string', enum: Object.keys(sessionMachine.table), description: '状态 / state' },
          ...paged,
        },
      },
      response: { 200: json('一页 / a page', { $ref: 'ReconciliationPage#' }), ...problems(400) },
    },
  },
  getReconciliation: {
    method: 'GET',
    url: '/v1/reconciliations/:bankCode/:accountingDate/:session',
    config: toSee,
    schema: {
      operationId: 'getReconciliation',
      summary: '一场对账 / one session',
      tags,
      headers: requestHeaders(),
      params: named,
      response: { 200: json('场次 / the session', { $ref: 'Reconciliation#' }), ...problems(400, 404) },
    },
  },
  listDifferences: {
    method: 'GET',
    url: '/v1/reconciliations/:bankCode/:accountingDate/:session/differences',
    config: toSee,
    schema: {
      operationId: 'listDifferences',
      summary: '一场对账的差异 / the differences of a session',
      description:
        '比对完成后才有,此后不再改变;只见本机关及下级的。不含账号、户名。 / There once it is matched, and never changed; each sees those of their own offices. No account and no name is in it.',
      tags,
      headers: requestHeaders(),
      params: named,
      querystring: {
        type: 'object',
        additionalProperties: false,
        properties: { type: { type: 'string', enum: [...differenceTypes], description: '类型 / type' }, ...paged },
      },
      response: { 200: json('一页 / a page', { $ref: 'DifferencePage#' }), ...problems(400, 404) },
    },
  },
} as const satisfies { readonly [name: string]: Operation }
