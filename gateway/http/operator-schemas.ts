import { debitRequest, objectSchema, outcomes } from '@taxlink/bank-sdk'
import { proposalMachine } from '../domain/proposal.ts'
import type { ProposalKind } from '../flows/kind.ts'
import { proposalKinds } from '../flows/kinds.ts'
import { debitOrder } from '../flows/order.ts'
import { auditExample, evidenceExample, proposalExample } from './operator-examples.ts'
import { cityState, provinceState } from './registry-schemas.ts'
import { instant, page, property, resultSchema, text } from './schemas.ts'

// The shapes of the operators' interface: bodies of theirs, and what they read.

const { officeCode, entrustDate, serialNo } = debitRequest.fields
const { ticketNo, bankCode, amount } = debitOrder.fields
const prose = (title: string, maxLength: number) => ({ type: 'string', title, minLength: 1, maxLength, pattern: '\\S' })
const hash = { type: 'string', title: '种类、内容与依据的 SHA-256 / SHA-256 of kind, content and evidence', pattern: '^[0-9a-f]{64}$' }
const person = (title: string) => ({ type: 'string', title, examples: ['urn:taxlink:operator:zhang'] })
const orderNo = {
  type: 'string',
  title: '提案人自编号,同号同内容只算一次 / the proposer’s own number; the same again is the same proposal',
  pattern: '^[A-Za-z0-9-]{1,32}$',
}
const evidence = prose('依据(函件、流水、通话等,勿写账号户名) / on what it rests; no accounts, no names', 2000)
const kinds: readonly (readonly [string, ProposalKind])[] = Object.entries(proposalKinds)
const names = kinds.map(([name]) => name)

/** A proposal as it is made: the content is that of its kind. */
export const proposalOrderSchema = {
  $id: 'ProposalOrder',
  title: '提案 / what one person proposes',
  type: 'object',
  discriminator: { propertyName: 'kind' },
  oneOf: kinds.map(([name, { zh, en, content }]) => ({
    title: `${zh} / ${en}`,
    type: 'object',
    additionalProperties: false,
    required: ['orderNo', 'kind', 'content', 'evidence'],
    properties: { orderNo, kind: { type: 'string', const: name }, content: objectSchema(content), evidence },
  })),
  examples: kinds.map(([kind, { example: content }], i) => ({ orderNo: `2026-${i + 1}`, kind, content, evidence: evidenceExample })),
} as const

/** A proposal and what has become of it. */
export const proposalSchema = {
  $id: 'Proposal',
  title: '提案 / proposal',
  type: 'object',
  additionalProperties: false,
  required: ['id', 'orderNo', 'kind', 'content', 'evidence', 'hash', 'state', 'proposedBy', 'proposedAt', 'expiresAt'],
  properties: {
    id: { type: 'integer', title: '提案号 / number of the proposal', minimum: 1 },
    orderNo,
    kind: { type: 'string', title: '种类 / kind', enum: names },
    content: { type: 'object', title: '内容,已冻结 / content, frozen', additionalProperties: true },
    evidence,
    hash,
    state: { type: 'string', title: '状态 / state', enum: Object.keys(proposalMachine.table) },
    ticketNo: property(ticketNo),
    proposedBy: person('提案人 / proposer'),
    proposedAt: instant('提出时间 / proposed at', '2026-11-10T10:00:00.000+08:00'),
    expiresAt: instant('过期时间 / expires at', '2026-11-11T10:00:00.000+08:00'),
    decidedBy: person('决定人 / who decided'),
    decidedAt: instant('决定时间 / decided at', '2026-11-10T10:20:00.000+08:00'),
    reason: text('决定的说明 / reason of the decision'),
  },
  examples: [proposalExample],
} as const

/** An approval: it names what was seen. */
export const approvalSchema = {
  $id: 'Approval',
  title: '批准 / approval',
  type: 'object',
  additionalProperties: false,
  required: ['hash'],
  properties: { hash, reason: prose('说明 / reason', 200) },
  examples: [{ hash: proposalExample.hash, reason: '已与银行函件核对' }],
} as const

/** Why a proposal is rejected or withdrawn. */
export const reasonSchema = {
  $id: 'DecisionReason',
  title: '驳回或撤回的原因 / why it is rejected or withdrawn',
  type: 'object',
  additionalProperties: false,
  required: ['reason'],
  properties: { reason: prose('原因 / reason', 200) },
  examples: [{ reason: '函件上的金额与此不符' }],
} as const

const callSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['attemptNo', 'verb', 'startedAt'],
  properties: {
    attemptNo: { type: 'integer', title: '第几次 / number of the call', minimum: 1 },
    verb: text('所做的交易 / what was asked'),
    startedAt: instant('开始 / begun', '2026-11-10T09:30:00.000+08:00'),
    answeredAt: instant('应答 / answered', '2026-11-10T09:30:20.000+08:00'),
    code: { type: 'string', title: '统一结果码 / unified code', enum: Object.keys(outcomes) },
    fault: text('线路或报文的故障 / fault of the line or the layout'),
    transcript: { type: 'object', title: '报文,私密内容已掩码 / the exchange, private values masked', additionalProperties: true },
  },
}

const { code: lateCode, transcript: lateTranscript } = callSchema.properties
const lateSchema = {
  type: 'object',
  additionalProperties: false,
  required: ['at', 'transcript'],
  properties: { at: instant('到达 / came at', '2026-11-10T09:30:00.000+08:00'), code: lateCode, transcript: lateTranscript },
}

/** An instruction that waits for a person. */
export const doubtSchema = {
  $id: 'Doubt',
  title: '转人工的指令 / what waits for a person',
  type: 'object',
  additionalProperties: false,
  required: [
    'verb',
    'ticketNo',
    'officeCode',
    'entrustDate',
    'serialNo',
    'bankCode',
    'amount',
    'reason',
    'acceptedAt',
    'attempts',
    'evidence',
    'lateAnswers',
  ],
  properties: {
    verb: text('指令种类 / kind of instruction'),
    ticketNo: property(ticketNo),
    officeCode: property(officeCode),
    entrustDate: property(entrustDate),
    serialNo: property(serialNo),
    bankCode: property(bankCode),
    amount: property(amount),
    result: resultSchema,
    reason: text('为何转人工 / why a person must look'),
    purpose: text('为何下达(冲正、补划);in-doubt:网关为留墓碑自己发的 / why it was ordered; in-doubt: by the gateway, for a tombstone'),
    asksAt: instant(
      '下次查询银行;没有则不再自动查询 / when the bank is asked next; absent: not by itself',
      '2026-11-10T10:00:00.000+08:00',
    ),
    acceptedAt: instant('受理时间 / accepted at', '2026-11-10T09:30:00.000+08:00'),
    lastSentAt: instant('最近一次发出 / last sent at', '2026-11-10T09:30:00.000+08:00'),
    quietFrom: instant(
      '此后核对的账才能说明未入账 / «not booked» is believed of books looked at from then on',
      '2026-11-10T10:00:20.000+08:00',
    ),
    attempts: { type: 'integer', title: '调用银行次数(含查询) / calls to the bank, inquiries included', minimum: 0 },
    evidence: { type: 'array', title: '每种交易最近五次调用 / the last five calls of each verb', items: callSchema },
    lateAnswers: { type: 'array', title: '迟到的应答,按到达先后 / answers that came too late, in their order', items: lateSchema },
    proposalId: { type: 'integer', title: '未决的提案 / the open proposal about it', minimum: 1 },
  },
} as const

/** A page of what waits for a person. */
export const doubtPageSchema = page('DoubtPage', '转人工列表 / page of what waits for a person', 'doubts', 'Doubt')
/** A page of proposals. */
export const proposalPageSchema = page('ProposalPage', '提案列表 / page of proposals', 'proposals', 'Proposal')

const chainHash = (title: string) => ({ type: 'string', title, pattern: '^[0-9a-f]{64}$' })
/** An entry of the audit journal. */
export const auditEntrySchema = {
  $id: 'AuditEntry',
  title: '审计日志一条 / an entry of the audit journal',
  type: 'object',
  additionalProperties: false,
  required: ['seq', 'at', 'actor', 'action', 'subject', 'detail', 'prevHash', 'hash'],
  properties: {
    seq: { type: 'integer', title: '序号,无缺号 / number, without gaps', minimum: 1 },
    at: instant('时间 / at', '2026-11-10T10:20:00.000+08:00'),
    actor: person('何人 / who'),
    action: text('何事 / what'),
    subject: text('对象 / about what'),
    officeCode: property(officeCode),
    detail: { type: 'object', title: '详情,无私密内容 / in detail, nothing private', additionalProperties: true },
    prevHash: chainHash('前一条的哈希 / hash of the one before'),
    hash: chainHash('本条的哈希 / its own hash'),
  },
  examples: [auditExample],
} as const
/** A page of the audit journal. */
export const auditPageSchema = page('AuditPage', '审计日志列表 / page of the audit journal', 'entries', 'AuditEntry')

const count = (title: string) => ({ type: 'integer', title, minimum: 0 })
/** The banks, and how they stand. */
export const bankListSchema = {
  $id: 'BankList',
  title: '银行 / banks',
  type: 'object',
  additionalProperties: false,
  required: ['banks'],
  properties: {
    banks: {
      type: 'array',
      items: {
        type: 'object',
        additionalProperties: false,
        required: ['bankCode', 'name', 'cities', 'backlog'],
        properties: {
          bankCode: property(bankCode),
          name: text('名称 / name'),
          province: provinceState,
          certificateValidTo: { type: 'string', format: 'date', title: '技术认证有效期至 / last day of the certificate' },
          accountingDate: {
            type: 'string',
            format: 'date',
            title: '最近见到的银行记账日期 / the latest accounting date the bank was seen on',
          },
          cities: {
            type: 'array',
            title: '各市州 / the cities',
            items: {
              type: 'object',
              additionalProperties: false,
              required: ['cityCode', 'state'],
              properties: {
                cityCode: property(officeCode),
                state: cityState,
              },
            },
          },
          halt: {
            type: 'object',
            title: '停用中 / halted at present',
            additionalProperties: false,
            required: ['reason', 'since', 'proposedBy', 'approvedBy'],
            properties: {
              reason: text('停用原因 / reason'),
              since: instant('自 / since', '2026-11-10T10:20:00.000+08:00'),
              proposedBy: person('提案人 / proposer'),
              approvedBy: person('批准人 / approver'),
            },
          },
          backlog: {
            type: 'object',
            title: '未了结 / open',
            additionalProperties: false,
            required: ['waiting', 'sent', 'doubtful', 'forPerson'],
            properties: {
              waiting: count('已受理未发 / accepted, not at the bank'),
              sent: count('已发出 / sent'),
              doubtful: count('结果不明 / unknown'),
              forPerson: count('转人工 / for a person'),
            },
          },
        },
      },
    },
  },
} as const

/** Every shape of the operators that has a name. */
export const operatorShapes = [
  proposalOrderSchema,
  proposalSchema,
  approvalSchema,
  reasonSchema,
  proposalPageSchema,
  doubtSchema,
  doubtPageSchema,
  auditEntrySchema,
  auditPageSchema,
  bankListSchema,
] as const
