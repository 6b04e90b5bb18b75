import { breakMachine } from '../domain/break-life.ts'
import { remedies } from '../domain/break-remedy.ts'
import { debitOrder } from '../flows/order.ts'
import { bodyLimits } from './body.ts'
import { cursor, forOperators, json, limit, location, narrowed, type Operation, problems, replayed, requestHeaders } from './operation.ts'

const { officeCode, bankCode } = debitOrder.fields
const seen = forOperators('accounts', 'information-centre', 'auditor')
const accounts = forOperators('accounts')
const tags = ['单边账与调账通知单 / breaks and adjustment notices']
const query = (properties: object) => ({ type: 'object', additionalProperties: false, properties })
const byId = {
  type: 'object',
  required: ['id'],
  properties: { id: { type: 'string', pattern: '^[1-9][0-9]{0,14}$', description: '单边账序号 / number of the break' } },
}
const byNumber = {
  type: 'object',
  required: ['noticeNo'],
  properties: { noticeNo: { type: 'string', pattern: '^[0-9A-Z]{1,20}$', description: '调账通知单号 / number of the notice' } },
}

/** What operators see of breaks, and do about them (art. 35). */
export const breakOperations = {
  listBreaks: {
    method: 'GET',
    url: '/v1/breaks',
    config: seen,
    schema: {
      operationId: 'listBreaks',
      summary: '单边账 / breaks',
      description:
        '记录与银行不一致之处(第三十五条);记录本身从不改写。 / Where the record and a bank differ (art. 35); the record itself is never overwritten.',
      tags,
      headers: requestHeaders(),
      querystring: query({
        open: { type: 'boolean', default: true, description: '只看未处理的 / only those not yet remedied' },
        bankCode: narrowed(bankCode),
        officeCode: narrowed(officeCode),
        accountingDate: { type: 'string', format: 'date', description: '会计日期 / accounting date' },
        state: { type: 'string', enum: Object.keys(breakMachine.table), description: '状态 / state' },
        remedy: { type: 'string', enum: [...remedies], description: '处理方式 / remedy' },
        minDays: { type: 'integer', minimum: 0, maximum: 3_650, description: '至少几天前发现的 / found at least so many days ago' },
        overdue: { type: 'boolean', description: '只看逾期的 / only those beyond their deadline' },
        cursor,
        limit,
      }),
      response: { 200: json('一页 / a page', { $ref: 'BreakPage#' }), ...problems(400) },
    },
  },
  getBreak: {
    method: 'GET',
    url: '/v1/breaks/:id',
    config: seen,
    schema: {
      operationId: 'getBreak',
      summary: '一笔单边账的经过 / the life of a break',
      tags,
      headers: requestHeaders(),
      params: byId,
      response: { 200: json('单边账与每一步 / the break, step by step', { $ref: 'BreakLife#' }), ...problems(400, 404) },
    },
  },
  postBreakSupplement: {
    method: 'POST',
    url: '/v1/breaks/:id/supplementary-debit',
    bodyLimit: bodyLimits.single,
    config: accounts,
    schema: {
      operationId: 'postBreakSupplement',
      summary: '发起补充划缴 / start the supplementary debit',
      description:
        '少划的补差额(第三十五条第二项);银行未划缴的按全额补划,银行补划不成功则税票作废(第三项)。\n\nThe shortfall (art. 35(2)), or the whole (35(3)): then its refusal by the bank voids the ticket.',
      tags,
      headers: requestHeaders(),
      params: byId,
      body: { $ref: 'BreakSupplement#' },
      response: {
        200: json('此前已发起 / started before', { $ref: 'BreakSupplementResult#' }, replayed),
        202: json('已受理 / accepted', { $ref: 'BreakSupplementResult#' }),
        ...problems(400, 404, 409, 413, 415, 422),
      },
    },
  },
  chooseBreakRemedy: {
    method: 'POST',
    url: '/v1/breaks/:id/remedy',
    bodyLimit: bodyLimits.single,
    config: accounts,
    schema: {
      operationId: 'chooseBreakRemedy',
      summary: '查明后确定处理方式 / say which remedy it is, after investigation',
      description:
        '只用于“查明”的和处理未成的;多划的只能通知单或两人认定(税务无成功记录的只能两人认定),少划的只能补划,金额相符的写明 explained(已查明,无须动账)。 / Only of what was to be investigated, or failed: what the bank has too much goes by notice or two persons (what the record does not have as debited by two persons only), what it lacks by a supplementary debit; where the amounts are equal, `explained`: nothing is to be moved.',
      tags,
      headers: requestHeaders(),
      params: byId,
      body: { $ref: 'BreakChoice#' },
      response: {
        200: json('单边账与每一步 / the break, step by step', { $ref: 'BreakLife#' }),
        ...problems(400, 404, 409, 413, 415, 422),
      },
    },
  },
  postNotice: {
    method: 'POST',
    url: '/v1/adjustment-notices',
    bodyLimit: bodyLimits.single,
    config: accounts,
    schema: {
      operationId: 'postAdjustmentNotice',
      summary: '开具《调账通知单》 / issue an adjustment notice',
      description:
        '由县(市、区)局会计岗开具(第三十五条第一项);立即告知银行,银行须在下次对账前调回。每笔单边账一张,重发得到同一张。\n\nIssued by the accounting role of a county (art. 35(1)); the bank is told at once and gives back before the next reconciliation. Of a break there is one.',
      tags,
      headers: requestHeaders(),
      body: { $ref: 'AdjustmentNoticeOrder#' },
      response: {
        200: json('此前已开具 / issued before', { $ref: 'AdjustmentNotice#' }, replayed),
        201: json('已开具 / issued', { $ref: 'AdjustmentNotice#' }, location),
        ...problems(400, 404, 409, 413, 415, 422),
      },
    },
  },
  postNoticeTelling: {
    method: 'POST',
    url: '/v1/adjustment-notices/:noticeNo/tellings',
    bodyLimit: bodyLimits.single,
    config: accounts,
    schema: {
      operationId: 'postNoticeTelling',
      summary: '银行拒收的通知单再次告知 / tell a notice again that the bank refused',
      description:
        '由县(市、区)局会计岗写明理由;以新的主键告知,调回期限改为此后的下次对账之前。银行尚未答复的不能另发。\n\nBy the accounting role of a county, with a reason; told under a new key, due before the reconciliation that follows. What the bank has not answered is not told under another key.',
      tags,
      headers: requestHeaders(),
      params: byNumber,
      body: { $ref: 'TellingOrder#' },
      response: {
        200: json('此前已安排 / ordered before', { $ref: 'AdjustmentNotice#' }, replayed),
        201: json('已安排 / ordered', { $ref: 'AdjustmentNotice#' }),
        ...problems(400, 404, 409, 413, 415, 422),
      },
    },
  },
  listNotices: {
    method: 'GET',
    url: '/v1/adjustment-notices',
    config: seen,
    schema: {
      operationId: 'listAdjustmentNotices',
      summary: '调账通知单列表 / list of adjustment notices',
      tags,
      headers: requestHeaders(),
      querystring: query({
        bankCode: narrowed(bankCode),
        open: {
          type: 'boolean',
          description: '只看未调回且单边账未了结的(或其余的) / only those not given back whose break is not over (or the others)',
        },
        after: { type: 'string', pattern: '^[0-9A-Z]{1,20}$', description: '上一页最后的单号 / the last number of the page before' },
        limit,
      }),
      response: { 200: json('一页,新的在前 / a page, newest first', { $ref: 'AdjustmentNoticePage#' }), ...problems(400) },
    },
  },
  getNotice: {
    method: 'GET',
    url: '/v1/adjustment-notices/:noticeNo',
    config: seen,
    schema: {
      operationId: 'getAdjustmentNotice',
      summary: '一张《调账通知单》,供打印 / one adjustment notice, as it is printed',
      tags,
      headers: requestHeaders(),
      params: byNumber,
      response: { 200: json('调账通知单 / the notice', { $ref: 'AdjustmentNotice#' }), ...problems(400, 404) },
    },
  },
} as const satisfies { readonly [name: string]: Operation }
