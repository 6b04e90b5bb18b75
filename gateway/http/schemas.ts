import { debitRequest, debitResult, faults, objectSchema, outcomes } from '@taxlink/bank-sdk'
import { debitMachine } from '../domain/debit.ts'
import { debitOrder } from '../flows/order.ts'
import { feedExample, orderExample } from './examples.ts'

// The shapes of the public interface as JSON Schema (2020-12): they check bodies, write answers, and are what the reference page shows.

const { officeCode, entrustDate, serialNo } = debitRequest.fields
const { ticketNo, bankCode, amount } = debitOrder.fields
const { bankSerial, accountingDate } = debitResult.fields

type Titled = { readonly zh: string; readonly en: string; readonly schema: object }
/** A field of the catalogue as a property. */
export const property = ({ zh, en, schema }: Titled) => ({ title: `${zh} / ${en}`, ...schema })
/** A text. */
export const text = (title: string) => ({ type: 'string', title })
/** An instant, RFC 3339 with +08:00. */
export const instant = (title: string, example: string) => ({ type: 'string', title, examples: [example] })
/** A page of a list: its records under `name`, and where the next begins. */
export const page = (id: string, title: string, name: string, item: string) =>
  ({
    $id: id,
    title,
    type: 'object',
    additionalProperties: false,
    required: [name],
    properties: {
      [name]: { type: 'array', items: { $ref: `${item}#` } },
      next: text('下一页游标,没有则为末页 / cursor of the next page; absent on the last'),
    },
  }) as const
const states = Object.keys(debitMachine.table)

/** 扣款委托: the body of a debit order. */
export const orderSchema = {
  $id: 'DebitOrder',
  title: `${debitOrder.zh} / ${debitOrder.en}`,
  ...objectSchema(debitOrder.fields),
  examples: [orderExample],
} as const

/** The result of an instruction, with its words. */
export const resultSchema = {
  type: 'object',
  title: '处理结果 / result',
  additionalProperties: false,
  required: ['class', 'code', 'bankCode', 'zh', 'en', 'nextZh', 'nextEn'],
  properties: {
    class: { type: 'string', title: '类别 / what is certain', enum: ['succeeded', 'refused', 'unknown', 'in-progress'] },
    code: { type: 'string', title: '统一结果码 / unified code', enum: Object.keys(outcomes) },
    bankCode: text('银行结果码 / the bank’s own code'),
    bankText: text('银行附言 / the bank’s text'),
    zh: text('含义(中文) / meaning in Chinese'),
    en: text('含义(英文) / meaning in English'),
    nextZh: text('下一步(中文) / what to do, in Chinese'),
    nextEn: text('下一步(英文) / what to do, in English'),
  },
}
/** What every instruction shows. */
export const debitProperties = {
  ticketNo: property(ticketNo),
  state: {
    type: 'string',
    title: '状态 / state',
    enum: states,
    description: 'unknown 表示结果不明,系统正在查询银行,切勿重发 / unknown: the bank is being asked; do not send again',
  },
  officeCode: property(officeCode),
  entrustDate: property(entrustDate),
  serialNo: property(serialNo),
  bankCode: property(bankCode),
  amount: property(amount),
  result: resultSchema,
  bankSerial: property(bankSerial),
  accountingDate: property(accountingDate),
  needsPerson: { type: 'boolean', title: '需人工处理 / a person must look' },
  attempts: { type: 'integer', minimum: 0, title: '调用银行次数(含查询) / calls to the bank, inquiries included' },
  acceptedAt: instant('受理时间 / accepted at', '2026-11-10T09:30:00.000+08:00'),
  settledAt: instant('终结时间 / settled at', '2026-11-10T09:30:00.412+08:00'),
  voidedAt: instant('作废时间 / voided at', '2026-11-11T10:00:00.000+08:00'),
  voidReason: text('作废原因 / why it is void (art. 35(3))'),
  adoptedAt: instant(
    '采信时间:记录为未扣款而银行已扣,两人认定为该税票的税款,已缴,不得再扣 / adopted at: the record had it as refused and the bank had it; two persons took it for the tax of this ticket, which is paid and must not be debited again',
    '2026-11-11T10:00:00.000+08:00',
  ),
}
const verbProperty = {
  type: 'string',
  title: '交易 / verb',
  enum: ['debit', 'supplementaryDebit', 'reversal', 'adoption'],
  description:
    '扣款、补充划缴、冲正、采信。采信(adoption):此前以 refused 报过的扣款,银行已扣,两人认定为该税票的税款,自此税票已缴,不得另扣,税款入账以此行为准;每笔扣款至多一行 / debit, supplementary debit, reversal, adoption. An adoption follows the line of a debit that ended as refused: the bank had it all the same, two persons took it for the tax of the ticket, which is paid from then on and must not be debited again; at most one for a debit',
}
/** What only further instructions of a ticket have to say. */
export const furtherProperties = {
  orderNo: text('税务系统的委托编号 / the number of the order'),
  reason: text('原因 / reason'),
  bookedAmount: { type: 'integer', title: '实际动账金额(分) / fen that moved', minimum: 0 },
}
const { seq: _seq, verb: _verb, bookedAmount: _booked, ...debitExample } = feedExample
/** What every instruction shows always. */
export const debitRequired = [
  'ticketNo',
  'state',
  'officeCode',
  'entrustDate',
  'serialNo',
  'bankCode',
  'amount',
  'needsPerson',
  'attempts',
  'acceptedAt',
]

/** 扣款: a debit as the tax side sees it. */
export const debitSchema = {
  $id: 'Debit',
  title: '扣款 / debit',
  type: 'object',
  additionalProperties: false,
  required: debitRequired,
  properties: debitProperties,
  examples: [debitExample],
} as const

/** One line of the feed of outcomes. */
export const feedSchema = {
  $id: 'Result',
  title: '结果流水 / one result of the feed',
  type: 'object',
  additionalProperties: false,
  required: ['seq', 'verb', ...debitRequired],
  properties: {
    seq: { type: 'integer', title: '结果序号,递增 / sequence number of the feed, growing', minimum: 1 },
    verb: verbProperty,
    ...debitProperties,
    ...furtherProperties,
  },
  examples: [feedExample],
} as const

const placesSchema = {
  type: 'array',
  title: '出错位置 / places',
  items: {
    type: 'object',
    additionalProperties: false,
    required: ['pointer', 'zh', 'en'],
    properties: {
      pointer: text('JSON Pointer'),
      zh: text('说明(中文) / why, in Chinese'),
      en: text('说明(英文) / why, in English'),
      offset: { type: 'integer', title: '字节位置 / byte offset' },
      line: { type: 'integer', title: '文件的行号 / line of a file' },
    },
  },
}
const problemProperties = {
  type: { type: 'string', title: '错误类型 / type', enum: Object.keys(faults).map(name => `urn:taxlink:fault:${name}`) },
  title: text('标题 / title in the language asked for'),
  titleZh: text('标题(中文) / title in Chinese'),
  titleEn: text('标题(英文) / title in English'),
  status: { type: 'integer', title: 'HTTP 状态 / HTTP status' },
  code: { type: 'string', title: '错误码 / code', pattern: '^T[0-9]{4}$' },
  nextZh: text('下一步(中文) / what to do, in Chinese'),
  nextEn: text('下一步(英文) / what to do, in English'),
  detail: text('补充说明 / detail'),
  instance: text('请求号 / request id'),
  errors: placesSchema,
  hash: text('本次内容 SHA-256 / SHA-256 of the order now sent'),
  acceptedHash: text('原受理内容 SHA-256 / SHA-256 of the order accepted before'),
}

/** RFC 9457 problem. */
export const problemSchema = {
  $id: 'Problem',
  title: '错误 / problem (RFC 9457)',
  type: 'object',
  additionalProperties: false,
  required: ['type', 'title', 'titleZh', 'titleEn', 'status', 'code', 'nextZh', 'nextEn'],
  properties: problemProperties,
} as const

/** 1 to 1,000 orders in one request. */
export const batchSchema = {
  $id: 'DebitBatch',
  title: '批量扣款委托 / batch of debit orders',
  type: 'object',
  additionalProperties: false,
  required: ['orders'],
  properties: { orders: { type: 'array', title: '委托 / orders', minItems: 1, maxItems: 1000, items: { $ref: 'DebitOrder#' } } },
} as const

/** What became of each order of a batch. */
export const verdictsSchema = {
  $id: 'BatchVerdicts',
  title: '批量受理结论 / verdicts of a batch',
  type: 'object',
  additionalProperties: false,
  required: ['verdicts'],
  properties: {
    verdicts: {
      type: 'array',
      title: '逐笔结论,与委托同序 / one for each order, in their order',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['verdict'],
        properties: {
          verdict: {
            type: 'string',
            title: '结论 / verdict',
            enum: ['accepted', 'repeated', 'differs', 'invalid', 'failed'],
            description:
              'accepted 已受理;repeated 此前已受理同一内容;differs 票号已用于其他内容;invalid 不符合定义;failed 是否受理不明,可原样重发 / failed: not certain, send the same again',
          },
          ticketNo: property(ticketNo),
          debit: { $ref: 'Debit#' },
          problem: { $ref: 'Problem#' },
        },
      },
    },
  },
} as const

/** A page of debits. */
export const debitPageSchema = {
  $id: 'DebitPage',
  title: '扣款列表 / page of debits',
  type: 'object',
  additionalProperties: false,
  required: ['debits'],
  properties: {
    debits: { type: 'array', items: { $ref: 'Debit#' } },
    next: text('下一页游标,没有则为末页 / cursor of the next page; absent on the last'),
  },
} as const

/** A page of the feed. */
export const feedPageSchema = {
  $id: 'ResultPage',
  title: '结果流水页 / page of the feed',
  type: 'object',
  additionalProperties: false,
  required: ['results', 'next', 'more'],
  properties: {
    results: { type: 'array', items: { $ref: 'Result#' } },
    next: { type: 'integer', title: '下次的 after / what to ask after next time', minimum: 0 },
    more: { type: 'boolean', title: '还有更多 / there is more already' },
  },
} as const

/** Every shape of debits that has a name. */
export const debitShapes = [
  orderSchema,
  batchSchema,
  debitSchema,
  feedSchema,
  verdictsSchema,
  debitPageSchema,
  feedPageSchema,
  problemSchema,
] as const
