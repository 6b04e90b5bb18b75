import { detailLine, objectSchema } from '@taxlink/bank-sdk'
import { bookingVerbs } from '../domain/booking.ts'
import { differenceTypes } from '../domain/reconcile.ts'
import { sessionMachine } from '../domain/session.ts'
import { day } from '../flows/file-request.ts'
import { bankCode } from '../flows/registry-kinds.ts'
import { sessionOrder } from '../flows/session-order.ts'
import { instant, property, text } from './schemas.ts'

// The shapes of sessions and of what they find.

const count = (title: string) => ({ type: 'integer', title, minimum: 0, maximum: Number.MAX_SAFE_INTEGER })
const { officeCode, entrustDate, serialNo, ticketNo, verb } = detailLine.fields
const session = { type: 'integer', title: '场次 / session', minimum: 1, maximum: 9_999 }
const totals = (title: string) => ({
  type: 'object',
  title,
  additionalProperties: false,
  properties: Object.fromEntries(
    bookingVerbs.map(name => [
      name,
      {
        type: 'object',
        title: name,
        additionalProperties: false,
        required: ['count', 'amount'],
        properties: { count: count('笔数 / entries'), amount: count('金额(分) / fen') },
      },
    ]),
  ),
})

/** What a person orders. */
export const sessionOrderSchema = {
  $id: 'ReconciliationOrder',
  title: `${sessionOrder.zh} / ${sessionOrder.en}`,
  ...objectSchema(sessionOrder.fields),
  examples: [{ bankCode: '4301', accountingDate: '2026-11-10', kind: 'day-end', reason: '补划之后再次对账' }],
} as const

const example = {
  bankCode: '4301',
  accountingDate: '2026-11-10',
  session: 2,
  workDate: '2026-11-11',
  kind: 'day-end',
  state: 'balanced',
  openedBy: 'urn:taxlink:operator:wang',
  reason: '补划之后再次对账',
  openedAt: '2026-11-11T09:20:00.000+08:00',
  totals: { debit: { count: 117, amount: 10_011_853_793_217 } },
  equal: 117,
  counts: {},
  doneAt: '2026-11-11T09:20:09.120+08:00',
}
/** A session. */
export const sessionSchema = {
  $id: 'Reconciliation',
  title: '对账场次 / a session',
  type: 'object',
  additionalProperties: false,
  required: ['bankCode', 'accountingDate', 'session', 'workDate', 'kind', 'state', 'openedBy', 'reason', 'openedAt'],
  properties: {
    bankCode: property(bankCode),
    accountingDate: property(day),
    session,
    workDate: property({ ...day, zh: '工作日期', en: 'work date' }),
    kind: { type: 'string', title: '日终或日间 / kind', enum: ['day-end', 'intraday'] },
    state: {
      type: 'string',
      title: '状态 / state',
      enum: Object.keys(sessionMachine.table),
      description: 'balanced 即每一项差异都有着落 / balanced: every difference is explained',
    },
    openedBy: text('何人所开 / who opened it'),
    reason: text('原因 / why'),
    openedAt: instant('开始 / opened', example.openedAt),
    doubts: count('冻结时仍未决的笔数 / doubts that were open when it was frozen'),
    totals: totals('税务方总账 / totals of the tax side'),
    bankTotals: totals('银行方总账 / totals of the bank'),
    totalsCode: text('银行对总账的答复 / the bank’s answer to the totals'),
    fileFault: text('上一份文件不收的原因 / why its last file was refused'),
    equal: count('相符笔数 / equal entries'),
    counts: {
      type: 'object',
      title: '各类差异的笔数 / differences by type',
      additionalProperties: false,
      properties: Object.fromEntries(differenceTypes.map(type => [type, count(type)])),
    },
    doneAt: instant('结束 / done', example.doneAt),
  },
  examples: [example],
} as const

const next = text('下一页游标,没有则为末页 / cursor of the next page; absent on the last')
/** A page of sessions. */
export const sessionPageSchema = {
  $id: 'ReconciliationPage',
  title: '对账场次 / page of sessions',
  type: 'object',
  additionalProperties: false,
  required: ['reconciliations'],
  properties: { reconciliations: { type: 'array', items: { $ref: 'Reconciliation#' } }, next },
} as const

/** A difference. */
export const differenceSchema = {
  $id: 'Difference',
  title: '对账差异 / a difference',
  type: 'object',
  additionalProperties: false,
  required: [
    ...['bankCode', 'accountingDate', 'session', 'ordinal', 'type', 'officeCode', 'entrustDate', 'serialNo', 'verb', 'ticketNo'],
    ...['taxAmount', 'bankAmount', 'bankEntries', 'detail'],
  ],
  properties: {
    bankCode: property(bankCode),
    accountingDate: property(day),
    session,
    ordinal: { type: 'integer', title: '序号 / its place', minimum: 1 },
    type: { type: 'string', title: '类别 / type', enum: [...differenceTypes] },
    officeCode: property(officeCode),
    entrustDate: property(entrustDate),
    serialNo: property(serialNo),
    verb: property(verb),
    ticketNo: property(ticketNo),
    taxAmount: count('税务方金额(分),0 为没有 / fen; 0: the tax side has nothing'),
    bankAmount: count('银行方金额(分),0 为没有 / fen; 0: the bank has nothing'),
    bankEntries: count('银行方笔数 / entries at the bank'),
    bankSerial: text('银行流水号 / the bank’s serial number'),
    line: count('文件行号 / line of the file'),
    breakId: count('成为的单边账 / the break it became'),
    detail: { type: 'object', title: '其他 / what else is known', additionalProperties: true },
  },
  examples: [
    {
      bankCode: '4301',
      accountingDate: '2026-11-10',
      session: 1,
      ordinal: 1,
      type: 'amount-differs',
      officeCode: '14301020000',
      entrustDate: '2026-11-10',
      serialNo: '00000017',
      verb: 'debit',
      ticketNo: '343012611000000017',
      taxAmount: 125_000,
      bankAmount: 125_100,
      bankEntries: 1,
      bankSerial: '2026111000004711',
      line: 18,
      detail: {},
    },
  ],
} as const

/** A page of differences. */
export const differencePageSchema = {
  $id: 'DifferencePage',
  title: '对账差异 / page of differences',
  type: 'object',
  additionalProperties: false,
  required: ['differences'],
  properties: { differences: { type: 'array', items: { $ref: 'Difference#' } }, next },
} as const

/** Every shape of sessions that has a name. */
export const reconcileShapes = [sessionOrderSchema, sessionSchema, sessionPageSchema, differenceSchema, differencePageSchema] as const
