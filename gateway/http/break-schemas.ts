import { debitRequest, maxFen, objectSchema } from '@taxlink/bank-sdk'
import { breakMachine } from '../domain/break-life.ts'
import { remedies } from '../domain/break-remedy.ts'
import { levels } from '../domain/operator.ts'
import { debitOrder } from '../flows/order.ts'
import { instant, page, property, text } from './schemas.ts'

// The shapes of breaks and of adjustment notices.

const { officeCode, entrustDate, serialNo } = debitRequest.fields
const { ticketNo, bankCode, items } = debitOrder.fields
const fenOf = (title: string, minimum = 0) => ({ type: 'integer', title, minimum, maximum: maxFen })
const day = (title: string) => ({ type: 'string', format: 'date', title, examples: ['2026-11-09'] })
const id = { type: 'integer', title: '单边账序号 / number of the break', minimum: 1 }
const state = { type: 'string', title: '状态 / state', enum: Object.keys(breakMachine.table) }
const remedy = {
  type: 'string',
  title: '处理方式:冲正、调账通知单、补划差额、全额补划、两人认定、查明、已查明无须动账 / the one remedy',
  enum: [...remedies],
}

const breakProperties = {
  id,
  at: instant('发现时间 / found at', '2026-11-10T08:20:00.000+08:00'),
  ticketNo: property(ticketNo),
  bankCode: property(bankCode),
  officeCode: property(officeCode),
  kind: {
    type: 'string',
    title: '种类:银行独有、银行没有、少划、多划、要素不符 / which side has it, or how much',
    enum: ['bank-only', 'bank-missing', 'under-debited', 'over-debited', 'particulars'],
  },
  source: {
    type: 'string',
    title: '来源:迟到的应答、查询、两人认定、对账文件 / how it is known',
    enum: ['late-answer', 'inquiry', 'resolution', 'file'],
  },
  taxAmount: fenOf('税务方金额(分) / fen, as the record has it'),
  bankAmount: fenOf('银行方金额(分) / fen, as the bank has it'),
  excess: { ...fenOf('银行多(正)或少(负)的分 / fen that the bank has too much; below zero: too little'), minimum: -maxFen },
  reason: text('说明 / reason'),
  accountingDate: day('会计日期 / accounting date'),
  session: { type: 'integer', title: '场次 / session', minimum: 1 },
  state,
  remedy,
  deadline: instant('处理期限 / deadline', '2026-11-12T00:00:00.000+08:00'),
  overdue: { type: 'boolean', title: '逾期 / beyond its deadline' },
  ageDays: { type: 'integer', title: '已过几天 / days since it was found', minimum: 0 },
  level: { type: 'string', title: '现由哪一级督办 / how far up it has come', enum: [...levels] },
  closedAt: instant('处理完毕 / remedied at', '2026-11-10T15:00:00.000+08:00'),
  confirmedAt: instant('再次对账确认 / confirmed by a later session at', '2026-11-11T08:20:00.000+08:00'),
}
const always = [
  'id',
  'at',
  'ticketNo',
  'bankCode',
  'officeCode',
  'kind',
  'source',
  'taxAmount',
  'bankAmount',
  'reason',
  'state',
  'overdue',
  'ageDays',
  'level',
]
const breakExample = {
  id: 17,
  at: '2026-11-10T08:20:00.000+08:00',
  ticketNo: '343012611000000001',
  bankCode: '4301',
  officeCode: '14301020000',
  kind: 'over-debited',
  source: 'file',
  taxAmount: 125_000,
  bankAmount: 250_000,
  excess: 125_000,
  reason: 'session 1 of 2026-11-09: duplicate-at-bank',
  accountingDate: '2026-11-09',
  session: 1,
  state: 'chosen',
  remedy: 'notice',
  deadline: '2026-11-10T16:00:00.000+08:00',
  overdue: false,
  ageDays: 0,
  level: 'county',
}

/** A difference between the record and a bank, as it stands. */
export const breakSchema = {
  $id: 'Break',
  title: '单边账 / break',
  type: 'object',
  additionalProperties: false,
  required: always,
  properties: breakProperties,
  examples: [breakExample],
} as const

/** The life of a break. */
export const breakLifeSchema = {
  $id: 'BreakLife',
  title: '一笔单边账的经过 / life of a break',
  type: 'object',
  additionalProperties: false,
  required: [...always, 'steps'],
  properties: {
    ...breakProperties,
    noticeNo: { type: 'string', title: '调账通知单号 / number of its adjustment notice' },
    steps: {
      type: 'array',
      title: '每一步 / step by step',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['at', 'event', 'state', 'actor', 'reason'],
        properties: {
          at: instant('时间 / at', '2026-11-10T08:20:00.000+08:00'),
          event: text('何事 / what'),
          state,
          actor: { type: 'string', title: '何人或哪个进程 / who', examples: ['urn:taxlink:operator:zhang'] },
          reason: text('依据 / on what ground'),
        },
      },
    },
  },
  examples: [
    {
      ...breakExample,
      steps: [{ at: breakExample.at, event: 'choose', state: 'chosen', actor: 'worker', reason: '35(1) after-day-end' }],
    },
  ],
} as const

/** A page of breaks. */
export const breakPageSchema = page('BreakPage', '单边账列表 / page of breaks', 'breaks', 'Break')

const orderNo = {
  type: 'string',
  title: '自编号,同号只发一次 / the operator’s own number; the same again is sent once',
  pattern: '^[A-Za-z0-9-]{1,12}$',
}
/** What an operator says to start a supplementary debit. */
export const breakSupplementSchema = {
  $id: 'BreakSupplement',
  title: '对单边账发起补充划缴 / a supplementary debit that remedies a break',
  type: 'object',
  additionalProperties: false,
  required: ['orderNo'],
  properties: {
    orderNo,
    items: {
      type: 'array',
      title: '税目,合计为差额;全额或只有一个税目时可省 / items that sum to the shortfall; may be left out where they follow',
      minItems: 1,
      maxItems: 20,
      items: objectSchema(items.fields),
    },
  },
  examples: [{ orderNo: 'b1' }],
} as const
/** What became of it. */
export const breakSupplementResultSchema = {
  $id: 'BreakSupplementResult',
  title: '补充划缴的状态 / how it stands',
  type: 'object',
  additionalProperties: false,
  required: ['breakId', 'orderNo', 'state'],
  properties: { breakId: id, orderNo, state: text('指令的状态 / state of the instruction') },
  examples: [{ breakId: 17, orderNo: 'b1', state: 'accepted' }],
} as const
/** Which remedy a person has found to be the right one. */
export const breakChoiceSchema = {
  $id: 'BreakChoice',
  title: '查明后确定处理方式 / the remedy that was found to be the right one',
  type: 'object',
  additionalProperties: false,
  required: ['remedy', 'reason'],
  properties: {
    remedy: { ...remedy, enum: ['notice', 'supplement', 'supplement-missing', 'persons', 'explained'] },
    reason: { type: 'string', title: '依据 / on what ground', minLength: 1, maxLength: 120, pattern: '\\S' },
  },
  examples: [{ remedy: 'notice', reason: '已与银行核对,确系重复划缴' }],
} as const

const noticeNo = { type: 'string', title: '调账通知单号 / number', pattern: '^[0-9A-Z]{1,20}$', examples: ['14301020000261110001'] }
/** What the county says to issue a notice. */
export const noticeOrderSchema = {
  $id: 'AdjustmentNoticeOrder',
  title: '开具《调账通知单》 / an adjustment notice to be issued',
  type: 'object',
  additionalProperties: false,
  required: ['breakId'],
  properties: { breakId: id },
  examples: [{ breakId: 17 }],
} as const
/** What an operator says to have something told again that the bank refused: a notice, a voucher. */
export const tellingOrderSchema = {
  $id: 'TellingOrder',
  title: '再次告知银行 / to be told to the bank once more',
  type: 'object',
  additionalProperties: false,
  required: ['reason'],
  properties: { reason: { type: 'string', title: '理由 / why', minLength: 1, maxLength: 120, pattern: '\\S' } },
  examples: [{ reason: '银行已补录该主键规则,请其重收' }],
} as const
/** A notice with all that its print holds. */
export const noticeSchema = {
  $id: 'AdjustmentNotice',
  title: '调账通知单 / adjustment notice',
  type: 'object',
  additionalProperties: false,
  required: [
    'noticeNo',
    'breakId',
    'bankCode',
    'bankName',
    'officeCode',
    'issuingOffice',
    'issuingOfficeName',
    'ticketNo',
    'entrustDate',
    'serialNo',
    'accountingDate',
    'taxAmount',
    'bankAmount',
    'amount',
    'cause',
    'issuedBy',
    'issuedAt',
    'issuedOn',
    'dueOn',
    'overdue',
    'state',
  ],
  properties: {
    noticeNo,
    breakId: id,
    bankCode: property(bankCode),
    bankName: text('银行 / name of the bank'),
    officeCode: property(officeCode),
    issuingOffice: property(officeCode),
    issuingOfficeName: text('开具机关 / name of the issuing office'),
    ticketNo: property(ticketNo),
    entrustDate: property(entrustDate),
    serialNo: property(serialNo),
    bankSerial: text('银行流水号 / the bank’s serial'),
    accountingDate: day('原会计日期 / accounting date of the original'),
    taxAmount: fenOf('税务记录金额(分) / fen, as the record has it'),
    bankAmount: fenOf('银行记录金额(分) / fen, as the bank has it'),
    amount: fenOf('应调回金额(分) / fen to give back', 1),
    cause: { type: 'string', title: '原因 / cause', enum: ['duplicate', 'over-debited', 'bank-only', 'reversal-missing'] },
    issuedBy: { type: 'string', title: '开具人 / who issued it', examples: ['urn:taxlink:operator:zhang'] },
    issuedAt: instant('开具时间 / issued at', '2026-11-10T09:00:00.000+08:00'),
    issuedOn: day('开具日期 / day of issue'),
    dueOn: day('调回期限:此日对账之前 / before the reconciliation of this day'),
    overdue: { type: 'boolean', title: '逾期未调回 / not given back in time' },
    toldAt: instant('告知银行 / told to the bank at', '2026-11-10T09:00:02.000+08:00'),
    toldCode: text('银行应答 / the bank’s answer'),
    bookedAt: instant('调回 / given back at', '2026-11-10T14:00:00.000+08:00'),
    bookedOn: day('调回的会计日期 / accounting date of it'),
    bookedSerial: text('调回的银行流水号 / the bank’s serial of it'),
    bookedFrom: { type: 'string', title: '由何得知 / how it is known', enum: ['receipt', 'file'] },
    state,
  },
} as const
/** A page of notices. */
export const noticePageSchema = page('AdjustmentNoticePage', '调账通知单列表 / page of adjustment notices', 'notices', 'AdjustmentNotice')

/** The shapes of breaks. */
export const breakShapes = [
  breakSchema,
  breakLifeSchema,
  breakPageSchema,
  breakSupplementSchema,
  breakSupplementResultSchema,
  breakChoiceSchema,
  noticeOrderSchema,
  tellingOrderSchema,
  noticeSchema,
  noticePageSchema,
] as const
