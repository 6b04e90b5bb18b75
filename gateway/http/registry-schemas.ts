import { objectSchema } from '@taxlink/bank-sdk'
import { type Condition, cityMachine, conditions, qualificationMachine } from '../domain/qualification.ts'
import type { Figures } from '../domain/registry.ts'
import { articleOf, lineKinds } from '../flows/register.ts'
import { bankCode, cityCode, setAccount } from '../flows/registry-kinds.ts'
import { policySchema } from '../store/reference.ts'
import { instant, page, property, text } from './schemas.ts'

// The shapes of the banks' registry.

const orderNo = {
  type: 'string',
  title: '经办人自编号,同号同内容只算一次 / the person’s own number; the same again is the same line',
  pattern: '^[A-Za-z0-9-]{1,32}$',
}
const kinds = Object.entries(lineKinds)
const { treasuryCode, account, leadBranch, from, to } = setAccount.content
/** How the province stands to a bank. */
export const provinceState = {
  type: 'string',
  title: '省里的资格,未申请则无 / how the province stands to it',
  enum: Object.keys(qualificationMachine.table),
}
/** How a city does. */
export const cityState = { type: 'string', title: '市州的状态 / how the city stands to it', enum: Object.keys(cityMachine.table) }

/** What one person enters: the content is that of its event. */
export const lineOrderSchema = {
  $id: 'RegistryLineOrder',
  title: '登记一行 / what one person enters',
  type: 'object',
  discriminator: { propertyName: 'event' },
  oneOf: kinds.map(([event, { zh, en, article, content }]) => ({
    title: `${zh}(第 ${article} 条)/ ${en} (art. ${article})`,
    type: 'object',
    additionalProperties: false,
    required: ['orderNo', 'event', 'content'],
    properties: { orderNo, event: { type: 'string', const: event }, content: objectSchema(content) },
  })),
  examples: kinds.map(([event, { example: content }], i) => ({ orderNo: `2026-${i + 1}`, event, content })),
} as const

const lineExample = {
  id: 41,
  bankCode: '4301',
  cityCode: '14301000000',
  event: 'inspect',
  state: 'ready',
  article: articleOf('inspect'),
  content: lineKinds.inspect.example,
  actor: 'urn:taxlink:operator:zhang',
  at: '2026-11-10T10:20:00.000+08:00',
}
/** A line of the registry. */
export const lineSchema = {
  $id: 'RegistryLine',
  title: '登记簿的一行 / a line of the registry',
  type: 'object',
  additionalProperties: false,
  required: ['id', 'bankCode', 'event', 'state', 'article', 'content', 'actor', 'at'],
  properties: {
    id: { type: 'integer', title: '序号 / number', minimum: 1 },
    bankCode: property(bankCode),
    cityCode: property(cityCode),
    event: text('动作 / what was done'),
    state: text('其后的状态 / how the bank stands after it'),
    article: text('依据条款 / the article'),
    content: { type: 'object', title: '内容,已冻结 / content, frozen', additionalProperties: true },
    actor: text('经办人,两人决定的为批准人 / who did it, or approved it'),
    at: instant('时间 / at', lineExample.at),
    proposalId: { type: 'integer', title: '两人决定的提案号 / the proposal of two persons', minimum: 1 },
  },
  examples: [lineExample],
} as const

/** A page of lines. */
export const linePageSchema = page('RegistryLinePage', '登记簿 / page of lines', 'lines', 'RegistryLine')

const conditionList = (title: string, more: readonly string[] = []) => ({
  type: 'array',
  title,
  items: { type: 'string', enum: [...(Object.keys(conditions) as Condition[]), ...more] },
})
/** All that is known of one bank. */
export const dossierSchema = {
  $id: 'BankDossier',
  title: '卷宗 / dossier of a bank',
  type: 'object',
  additionalProperties: false,
  required: ['bankCode', 'name', 'evidence', 'missing', 'cities', 'accounts', 'policy', 'contracts'],
  properties: {
    bankCode: property(bankCode),
    name: text('名称 / name'),
    province: provinceState,
    evidence: conditionList('已有依据的条件(第二十七条) / conditions with evidence (art. 27)'),
    missing: conditionList('认定还缺什么 / what a qualification lacks', ['certificate']),
    certificateValidTo: { type: 'string', format: 'date', title: '技术认证有效期至 / last day of the certificate' },
    cities: {
      type: 'array',
      title: '各市州 / the cities',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['cityCode', 'state'],
        properties: {
          cityCode: property(cityCode),
          state: cityState,
          assessedTo: { type: 'string', format: 'date', title: '最近一次评估到哪一天(第三十一条) / last assessed up to' },
          verdict: property(lineKinds.assess.content.verdict!),
        },
      },
    },
    accounts: {
      type: 'array',
      title: '报解专户与主办行,含以往与将来(第二十九条第二项) / remittance accounts, past and future ones too',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['treasuryCode', 'account', 'leadBranch', 'from', 'inForce'],
        properties: {
          treasuryCode: property(treasuryCode!),
          account: property(account!),
          leadBranch: property(leadBranch!),
          from: property(from!),
          to: property(to!),
          inForce: { type: 'boolean', title: '今日有效 / in force today' },
        },
      },
    },
    policy: { title: '今日有效的合同参数 / the contract in force today', ...policySchema },
    contracts: {
      type: 'array',
      title: '两人变更过的合同参数 / changes by two persons',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['from', 'policy'],
        properties: { from: property(from!), policy: policySchema },
      },
    },
  },
} as const

const figure = (title: string) => ({ type: 'integer', title, minimum: 0 })
const figures = {
  sent: figure('发往银行的扣款 / debits that were sent'),
  succeeded: figure('成功 / succeeded'),
  refused: figure('未成功 / refused'),
  open: figure('未了结 / not settled yet'),
  inDoubt: figure('曾经不明 / in doubt at some time'),
  within1s: figure('1 秒内有结果 / settled within a second'),
  within5s: figure('5 秒内 / within 5 seconds'),
  within1min: figure('1 分钟内 / within a minute'),
  within1h: figure('1 小时内 / within an hour'),
  breaks: figure('单边账 / breaks'),
} satisfies { readonly [F in keyof Figures]: object }
/** What the gateway measured of a bank in a city. */
export const figuresSchema = {
  $id: 'BankFigures',
  title: '实测 / figures of a bank in a city',
  type: 'object',
  additionalProperties: false,
  required: ['bankCode', 'cityCode', 'from', 'to', ...Object.keys(figures)],
  properties: { bankCode: property(bankCode), cityCode: property(cityCode), from: property(from!), to: property(to!), ...figures },
} as const

/** Every shape of the registry that has a name. */
export const registryShapes = [figuresSchema, lineOrderSchema, lineSchema, linePageSchema, dossierSchema] as const
