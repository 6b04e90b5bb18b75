import { count, detailLine, maxFen, message, objectSchema, oneOf, type ValuesOf, text as words } from '@taxlink/bank-sdk'
import { differenceTypes } from '../domain/reconcile.ts'
import { sessionMachine } from '../domain/session.ts'
import { day } from '../flows/file-request.ts'
import { bankCode } from '../flows/registry-kinds.ts'
import { instant, property, text } from './schemas.ts'

// The shapes of sessions and of what they find.

const { officeCode, entrustDate, serialNo, verb, ticketNo } = detailLine.fields
const fen = (title: string) => ({ type: 'integer', title, minimum: 0, maximum: maxFen })
const whole = (title: string, minimum = 0) => ({ type: 'integer', title, minimum, maximum: Number.MAX_SAFE_INTEGER })
const session = count('对账场次', 'session within the bank day', 1, 99)

/** An order to open a session. */
export const sessionOrder = message('session-order', '开一场对账', 'a session to be opened', {
  bankCode,
  accountingDate: day,
  kind: oneOf('日间或日终', 'within the day, or after its end', ['intraday', 'day-end']),
  reason: words('原因', 'why', 200),
})
/** The same, valid by its schema. */
export type SessionOrder = ValuesOf<typeof sessionOrder>
const sessionOrderSchema = {
  $id: 'ReconciliationOrder',
  title: `${sessionOrder.zh} / ${sessionOrder.en}`,
  ...objectSchema(sessionOrder.fields),
  examples: [{ bankCode: '4301', accountingDate: '2026-11-10', kind: 'day-end', reason: '银行重发明细后再对' }],
} as const

const total = {
  type: 'object',
  title: '笔数与金额 / entries and their sum',
  additionalProperties: false,
  required: ['entries', 'amount'],
  properties: { entries: whole('笔数 / entries'), amount: fen('金额(分) / fen') },
} as const
const totals = (title: string) => ({
  type: 'object',
  title,
  additionalProperties: false,
  properties: { debit: total, supplementaryDebit: total, reversal: total, adjustment: total },
})
const totalsExample = { debit: { entries: 18_234, amount: 9_120_433_200 }, reversal: { entries: 3, amount: 120_000 } }

/** A session. */
export const reconciliationSchema = {
  $id: 'Reconciliation',
  title: '对账场次 / a session',
  type: 'object',
  additionalProperties: false,
  required: ['bankCode', 'accountingDate', 'session', 'workDate', 'kind', 'state', 'openedBy', 'openedAt'],
  properties: {
    bankCode: property(bankCode),
    accountingDate: property(day),
    session: property(session),
    workDate: property({ ...day, zh: '工作日期', en: 'the tax side’s day on which it is held' }),
    kind: { type: 'string', title: '日间或日终 / kind', enum: ['intraday', 'day-end'] },
    state: {
      type: 'string',
      title: '状态 / state',
      enum: Object.keys(sessionMachine.table),
      description:
        'opened 已开;settling 先查存疑;frozen 已冻结、对总账;awaited 等明细;taken 比对中;matched 已比对;balanced 相符;differing 有差异;withdrawn 已由后一场代替',
    },
    openedBy: text('开场人或进程 / who opened it'),
    openedAt: instant('开场时间 / opened at', '2026-11-11T00:00:20.000+08:00'),
    reason: text('原因 / reason'),
    doubts: whole('冻结时仍存疑的笔数,不计入账 / doubts when it was frozen; they are no bookings'),
    totals: totals('税务方总账 / our totals'),
    bankTotals: totals('银行总账 / the bank’s totals'),
    totalsCode: text('银行对总账的答复 / the bank’s answer to the totals'),
    fileFault: text('最近一份明细被退回的原因 / why its last file was refused'),
    equalEntries: whole('相符笔数 / equal entries'),
    differences: {
      type: 'object',
      title: '各类差异笔数 / differences by type',
      additionalProperties: false,
      properties: Object.fromEntries(differenceTypes.map(type => [type, whole(type)])),
    },
    matchedAt: instant('比对完成 / matched at', '2026-11-11T00:31:02.000+08:00'),
  },
  examples: [
    {
      bankCode: '4301',
      accountingDate: '2026-11-10',
      session: 1,
      workDate: '2026-11-11',
      kind: 'day-end',
      state: 'differing',
      openedBy: 'work-2f6b8a90',
      openedAt: '2026-11-11T00:00:20.000+08:00',
      doubts: 0,
      totals: totalsExample,
      bankTotals: totalsExample,
      totalsCode: '90000',
      equalEntries: 18_235,
      differences: { 'amount-differs': 1, 'bank-only': 1 },
      matchedAt: '2026-11-11T00:31:02.000+08:00',
    },
  ],
} as const

/** A finding. */
export const differenceSchema = {
  $id: 'Difference',
  title: '差异 / a difference',
  type: 'object',
  additionalProperties: false,
  required: [
    'ordinal',
    'type',
    'officeCode',
    'entrustDate',
    'serialNo',
    'verb',
    'ticketNo',
    'taxAmount',
    'bankAmount',
    'bankEntries',
    'detail',
  ],
  properties: {
    ordinal: whole('序号 / place in the session', 1),
    type: { type: 'string', title: '类型 / type', enum: [...differenceTypes] },
    officeCode: property(officeCode),
    entrustDate: property(entrustDate),
    serialNo: property(serialNo),
    verb: property(verb),
    ticketNo: property(ticketNo),
    taxAmount: fen('税务方金额(分),0 为没有 / by the tax side’s record; 0: none'),
    bankAmount: fen('银行方金额(分),同键各笔之和 / by the bank’s, all entries of the key'),
    bankEntries: whole('银行方笔数 / entries at the bank'),
    bankSerial: text('银行流水号 / the bank’s serial'),
    lineNo: whole('明细文件行号 / line of the file', 1),
    detail: { type: 'object', title: '补充 / detail', additionalProperties: true },
    breakId: whole('成为的单边账 / the break it became', 1),
  },
  examples: [
    {
      ordinal: 1,
      type: 'amount-differs',
      officeCode: '14301020000',
      entrustDate: '2026-11-10',
      serialNo: '00000001',
      verb: 'debit',
      ticketNo: '343012611000000001',
      taxAmount: 125_000,
      bankAmount: 125_001,
      bankEntries: 1,
      bankSerial: 'XJ000000000001',
      lineNo: 2,
      detail: {},
    },
  ],
} as const

const page = (id: string, of: string, title: string, field: string) =>
  ({
    $id: id,
    title,
    type: 'object',
    additionalProperties: false,
    required: [field],
    properties: { [field]: { type: 'array', items: { $ref: `${of}#` } }, next: text('下一页的游标 / cursor of the next page') },
  }) as const

/** Every shape of sessions that has a name. */
export const reconciliationShapes = [
  sessionOrderSchema,
  reconciliationSchema,
  differenceSchema,
  page('ReconciliationPage', 'Reconciliation', '一页场次 / a page of sessions', 'reconciliations'),
  page('DifferencePage', 'Difference', '一页差异 / a page of differences', 'differences'),
] as const
