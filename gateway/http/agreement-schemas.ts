import { debitRequest, type Message, objectSchema, outcomes } from '@taxlink/bank-sdk'
import { agreementMachine } from '../domain/agreement.ts'
import {
  type AgreementChange,
  type AgreementRegistration,
  agreementChange,
  agreementOrder,
  agreementRegistration,
  taxpayerEvent,
} from '../flows/agreements.ts'
import { debitOrder } from '../flows/order.ts'
import type { AgreementJson } from './agreement-shapes.ts'
import { orderExample } from './examples.ts'
import { instant, property, resultSchema, text } from './schemas.ts'

// The shapes of agreements, as JSON Schema (2020-12).

const { officeCode } = debitRequest.fields
const { bankCode, channel, taxpayerId, taxpayerName, account, payerBankNo } = debitOrder.fields
const { agreementNo } = agreementRegistration.fields
const { orderNo } = agreementOrder.fields
const states = Object.keys(agreementMachine.table)
const day = (title: string, example: string) => ({ type: 'string', format: 'date', title, examples: [example] })
const flag = (title: string) => ({ type: 'boolean', title })
const seqOf = { type: 'integer', title: '变动序号,递增 / sequence number, growing', minimum: 1 }
const state = { type: 'string', title: '状态 / state', enum: states }
const rule = { type: 'string', enum: ['exact', 'padding', 'width', 'blanks', 'confirmed', 'differs'] }
const object = (title: string, properties: object, required: readonly string[] = Object.keys(properties)) =>
  ({ title, type: 'object', additionalProperties: false, required, properties }) as const
const list = (title: string, items: object) => ({ type: 'array', title, items })

const bodySchema = <const Id extends string>($id: Id, of: Message, ...examples: object[]) =>
  ({ $id, title: `${of.zh} / ${of.en}`, ...objectSchema(of.fields), examples }) as const

const registration: AgreementRegistration = {
  agreementNo: 'XY430120260001',
  officeCode: orderExample.officeCode,
  bankCode: orderExample.bankCode,
  payerBankNo: orderExample.payerBankNo,
  account: orderExample.account,
  taxpayerId: orderExample.taxpayerId,
  taxpayerName: orderExample.taxpayerName,
  channel: 'computer',
  delivery: 'wire',
  approvedBy: 'county-0012',
}
const change: AgreementChange = { ...registration, agreementNo: 'XY430120260002', exception: 'account-closed-by-bank' }

const properties = {
  agreementNo: property(agreementNo),
  state,
  officeCode: property(officeCode),
  bankCode: property(bankCode),
  channel: property(channel),
  registeredAt: instant('登记时间 / registered at', '2026-03-02T10:00:00.000+08:00'),
  enabled: flag('缴税启用标志 / enabled flag (art. 6)'),
  ending: flag('正在终止 / coming to its end (art. 10)'),
  objected: flag('有异议,期满不顺延 / objected to: not renewed (annex 2 §14)'),
  credentialIssued: flag('银行已发电脑编码和密码 / the bank issued code and password'),
  replaces: { ...property(agreementNo), title: '被变更的协议 / the agreement it replaces (art. 9)' },
  exception: text('一年内变更账号的例外 / exception (art. 9)'),
  warning: text('识别号的警告 / warning about the taxpayer id'),
  boundOn: day('绑定日 / day of the binding (art. 8(3))', '2026-03-10'),
  activeFrom: day('启用日 / first day of debits (art. 8(4))', '2026-04-01'),
  validTo: day('有效期末日 / last day of the year (annex 2 §14)', '2027-03-31'),
  accountSince: day('账号自何日起未变 / since when the account is the same (art. 9)', '2026-04-01'),
  enabledBy: text('谁设置的启用标志 / who set the flag'),
  enabledAt: instant('设置时间 / when', '2026-03-12T09:00:00.000+08:00'),
  suspendedBy: { type: 'string', title: '由哪一方止付 / which side stopped payments', enum: ['tax', 'bank', 'both'] },
  voidReason: text('失效原因 / why it is void (annex 2 §12)'),
  likeness: {
    type: 'string',
    title: '与银行所存资料的相似程度 / how alike what the bank holds is (annex 2 §7)',
    enum: ['exact', 'alike', 'unchecked', 'differs'],
  },
  verifying: flag('正在请银行核验 / the bank is being asked to compare (annex 2 §7)'),
  result: resultSchema,
}
const always = [
  'agreementNo',
  'state',
  'officeCode',
  'bankCode',
  'channel',
  'registeredAt',
  'enabled',
  'ending',
  'objected',
  'credentialIssued',
]
const example: AgreementJson = {
  agreementNo: registration.agreementNo,
  state: 'active',
  officeCode: registration.officeCode,
  bankCode: registration.bankCode,
  channel: 'computer',
  registeredAt: '2026-03-02T10:00:00.000+08:00',
  enabled: true,
  ending: false,
  objected: false,
  credentialIssued: false,
  boundOn: '2026-03-10',
  activeFrom: '2026-04-01',
  validTo: '2027-03-31',
  accountSince: '2026-04-01',
  enabledBy: 'urn:taxlink:operator:zhang',
  enabledAt: '2026-03-12T09:00:00.000+08:00',
  likeness: 'exact',
}
const agreementSchema = { $id: 'Agreement', ...object('三方协议 / agreement', properties, always), examples: [example] } as const

const pageSchema = <const Id extends string>($id: Id, name: string, of: object, title: string, more: object = {}) =>
  ({
    $id,
    ...object(
      title,
      { [name]: list(title, of), next: text('下一页游标,没有则为末页 / cursor of the next page; absent on the last'), ...more },
      [name],
    ),
  }) as const

const changeSchema = object('协议变动 / a change of an agreement', {
  seq: seqOf,
  at: instant('时间 / at', '2026-03-12T09:00:00.000+08:00'),
  agreementNo: property(agreementNo),
  officeCode: property(officeCode),
  bankCode: property(bankCode),
  event: text('事件 / event'),
  state,
  actor: text('谁 / by whom'),
  reason: text('为何 / why'),
  article: text('依据 / article'),
})
const changesSchema = {
  $id: 'AgreementChanges',
  ...object('协议变动流水 / feed of changes', {
    changes: list('变动 / changes', changeSchema),
    next: { type: 'integer', title: '下次的 after / the next `after`', minimum: 0 },
    more: flag('还有更多 / there is more'),
  }),
} as const

const movedSchema = {
  $id: 'MovedAgreements',
  ...object('办理结果 / the agreements it moved', {
    orderNo: property(orderNo),
    agreements: list('协议 / agreements', { $ref: 'Agreement#' }),
  }),
} as const

const particulars = object('协议资料 / particulars', {
  taxpayerId: property(taxpayerId),
  taxpayerName: property(taxpayerName),
  officeCode: property(officeCode),
  bankCode: property(bankCode),
  payerBankNo: property(payerBankNo),
  account: property(account),
})
const held = object('银行所存资料 / what the bank holds', {
  at: instant('时间 / at', '2026-03-10T15:00:00.000+08:00'),
  source: text('出自哪一报文 / in which message'),
  held: { ...particulars, required: [] },
  comparison: object(
    '逐项比对所依据的规则 / the rule under which each is the same',
    Object.fromEntries(Object.keys(particulars.properties).map(name => [name, rule])),
    [],
  ),
})
const reviewedSchema = {
  $id: 'ReviewedAgreement',
  ...object(
    '待复核的绑定 / a binding that waits for its reviewer',
    { ...properties, since: instant('何时起待复核 / since when', '2026-03-10T15:00:00.000+08:00'), particulars, held },
    [...always, 'since', 'particulars'],
  ),
} as const
const lifeSchema = {
  $id: 'AgreementLife',
  ...object('协议的全过程 / life of an agreement', {
    agreement: { $ref: 'Agreement#' },
    particulars,
    journal: list(
      '日志 / journal',
      object('一步 / one move', {
        seq: seqOf,
        at: instant('时间 / at', '2026-03-12T09:00:00.000+08:00'),
        event: text('事件 / event'),
        state,
        actor: text('谁 / by whom'),
        reason: text('为何 / why'),
        article: text('依据 / article'),
      }),
    ),
    calls: list(
      '告知银行 / what the bank was told',
      object(
        '一次告知 / one of them',
        {
          verb: text('交易 / verb'),
          createdAt: instant('提出 / since', '2026-03-02T10:00:00.000+08:00'),
          attempts: { type: 'integer', minimum: 0, title: '次数 / attempts' },
          doneAt: instant('完成 / done', '2026-03-02T10:00:01.000+08:00'),
          code: { type: 'string', title: '统一结果码 / unified code', enum: Object.keys(outcomes) },
          fault: text('故障 / fault'),
          transcript: { type: 'object', title: '报文,已掩码 / the exchange, masked', additionalProperties: true },
        },
        ['verb', 'createdAt', 'attempts'],
      ),
    ),
    held: list('银行所存资料 / what the bank said it holds', held),
  }),
} as const

const prose = (title: string) => ({ type: 'string', title, minLength: 1, maxLength: 200, pattern: '\\S' })
const acceptancesSchema = {
  $id: 'BindingAcceptances',
  ...object('批量复核通过 / acceptance of exact matches', {
    agreementNos: {
      ...list('逐字一致的协议,一至一千份 / agreements that match exactly', agreementNo.schema),
      minItems: 1,
      maxItems: 1_000,
      uniqueItems: true,
    },
  }),
  examples: [{ agreementNos: ['XY430120260001', 'XY430120260002'] }],
} as const
const verdictsSchema = {
  $id: 'BindingVerdicts',
  ...object('逐份结论 / a verdict for each', {
    verdicts: list(
      '结论 / verdicts',
      object(
        '一份 / one',
        {
          agreementNo: property(agreementNo),
          verdict: { type: 'string', title: '结论 / verdict', enum: ['accepted', 'repeated', 'absent', 'not-applicable'] },
          zh: text('为何不可(中文) / why not, in Chinese'),
          en: text('为何不可(英文) / why not, in English'),
        },
        ['agreementNo', 'verdict'],
      ),
    ),
  }),
} as const
const reviewReasonSchema = {
  $id: 'ReviewReason',
  ...object('复核说明 / what the reviewer says', { reason: prose('说明 / why') }),
  examples: [{ reason: '户名仅空格不同,已核对' }],
} as const

const importSchema = {
  $id: 'AgreementImport',
  ...object(
    '批量登记 / import of agreements',
    {
      importNo: property(orderNo),
      state: {
        type: 'string',
        title: '状态 / state',
        enum: ['refused', 'writing', 'done'],
        description:
          '有错的文件整份不收;writing 中断后原样重发即续 / a file with a fault is refused whole; sent again, a broken one goes on',
      },
      rows: { type: 'integer', minimum: 0, title: '行数 / rows' },
      written: { type: 'integer', minimum: 0, title: '已入库 / rows in the record' },
      faults: list(
        '出错的行,至多一千 / lines that are wrong, at most 1,000',
        object('一行 / a line', {
          line: { type: 'integer', minimum: 1, title: '行号 / line' },
          pointer: text('JSON Pointer'),
          code: text('错误 / what kind'),
          zh: text('说明(中文) / why, in Chinese'),
          en: text('说明(英文) / why, in English'),
        }),
      ),
      startedAt: instant('开始 / begun', '2026-03-02T10:00:00.000+08:00'),
      doneAt: instant('完成 / done', '2026-03-02T10:01:10.000+08:00'),
    },
    ['importNo', 'state', 'rows', 'written', 'faults', 'startedAt'],
  ),
} as const

const agreementExpiring = pageSchema('AgreementPage', 'agreements', { $ref: 'Agreement#' }, '协议列表 / page of agreements')

/** Every shape of agreements that has a name. */
export const agreementShapes = [
  bodySchema('AgreementRegistration', agreementRegistration, registration),
  bodySchema('AgreementChange', agreementChange, change),
  bodySchema('AgreementOrder', agreementOrder, { orderNo: 'ZZ-20260601-0001', reason: 'moved-away' }),
  bodySchema('TaxpayerEvent', taxpayerEvent, { orderNo: 'SX-20260601-0001', taxpayerId: registration.taxpayerId, event: 'deregistered' }),
  agreementSchema,
  agreementExpiring,
  changesSchema,
  movedSchema,
  importSchema,
  reviewedSchema,
  pageSchema('ReviewPage', 'reviews', { $ref: 'ReviewedAgreement#' }, '待复核列表 / what waits for a reviewer'),
  lifeSchema,
  acceptancesSchema,
  verdictsSchema,
  reviewReasonSchema,
] as const
