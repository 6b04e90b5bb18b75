import { differenceTypes } from '../domain/reconcile.ts'
import { sessionMachine } from '../domain/session.ts'
import { day } from '../flows/file-request.ts'
import { bankCode } from '../flows/registry-kinds.ts'
import { bodyLimits } from './body.ts'
import { cursor, forOperators, json, limit, location, narrowed, type Operation, problems, replayed, requestHeaders } from './operation.ts'

const tags = ['日终对账 / day-end']
const toSee = forOperators('accounts', 'information-centre', 'auditor')
const kind = { type: 'string', enum: ['day-end', 'intraday'], description: '日终或日间 / of a day that is over, or within the day' }
const session = { type: 'integer', minimum: 1, maximum: 9_999, description: '场次 / session' }

/** The operations of sessions and of what they find. */
export const reconcileOperations = {
  openSession: {
    method: 'POST',
    url: '/v1/reconciliations',
    bodyLimit: bodyLimits.single,
    config: forOperators('accounts', 'information-centre'),
    schema: {
      operationId: 'openReconciliation',
      summary: '开一场对账 / open a session',
      description:
        '每家银行的会计日终了后自动开第一场;修正之后、银行提前日终、文件重发之后,由人再开。还没等到文件的上一场随之作废。同一人、同一原因重发是同一场。\n\nThe first session of a bank day is opened by the calendar; a person opens the next, after remedies, or when a bank has ended its day early. An earlier one that no file has come for is withdrawn.',
      tags,
      headers: requestHeaders(),
      body: { $ref: 'ReconciliationOrder#' },
      response: {
        200: json('此前已开 / opened before', { $ref: 'Reconciliation#' }, replayed),
        201: json('已开 / opened', { $ref: 'Reconciliation#' }, location),
        ...problems(400, 404, 409, 413, 415, 422),
      },
    },
  },
  listSessions: {
    method: 'GET',
    url: '/v1/reconciliations',
    config: toSee,
    schema: {
      operationId: 'listReconciliations',
      summary: '对账场次 / sessions',
      description: '最近的会计日在前。 / The newest days first.',
      tags,
      headers: requestHeaders(),
      querystring: {
        type: 'object',
        additionalProperties: false,
        properties: {
          bankCode: narrowed(bankCode),
          accountingDate: narrowed(day),
          kind,
          state: { type: 'string', enum: Object.keys(sessionMachine.table), description: '状态 / state' },
          cursor: { ...cursor, maxLength: 64 },
          limit,
        },
      },
      response: { 200: json('一页 / a page', { $ref: 'ReconciliationPage#' }), ...problems(400) },
    },
  },
  listDifferences: {
    method: 'GET',
    url: '/v1/differences',
    config: toSee,
    schema: {
      operationId: 'listDifferences',
      summary: '对账差异 / what sessions have found',
      description: '按主键顺序;只见本机关及下级的税票。 / In the order of the keys; each office sees its own tickets and those below it.',
      tags,
      headers: requestHeaders(),
      querystring: {
        type: 'object',
        additionalProperties: false,
        properties: {
          bankCode: narrowed(bankCode),
          accountingDate: narrowed(day),
          session,
          type: { type: 'string', enum: [...differenceTypes], description: '类别 / type' },
          cursor: { ...cursor, maxLength: 64 },
          limit,
        },
      },
      response: { 200: json('一页 / a page', { $ref: 'DifferencePage#' }), ...problems(400) },
    },
  },
} as const satisfies { readonly [name: string]: Operation }
