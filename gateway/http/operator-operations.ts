import { proposalMachine } from '../domain/proposal.ts'
import { proposalKinds } from '../flows/kinds.ts'
import { debitOrder } from '../flows/order.ts'
import { bodyLimits } from './body.ts'
import { cursor, forOperators, json, limit, location, narrowed, type Operation, problems, replayed, requestHeaders } from './operation.ts'

const { officeCode, bankCode } = debitOrder.fields

// Of a proposal its kind says whose it is.
const operator = forOperators()
const aboutMoney = forOperators('accounts', 'information-centre', 'auditor')
const tags = ['操作员 / operators']
const query = (properties: object) => ({ type: 'object', additionalProperties: false, properties })
const id = { type: 'string', pattern: '^[1-9][0-9]{0,14}$', description: '提案号 / number of the proposal' }
const params = { type: 'object', required: ['id'], properties: { id } }
// A doubt carries its evidence with it.
const few = { ...limit, maximum: 50, default: 20 }

/** What somebody does with a proposal: an operation each. */
const decision = (name: string, operationId: string, summary: string, description: string, body: string) =>
  ({
    method: 'POST',
    url: `/v1/proposals/:id/${name}`,
    bodyLimit: bodyLimits.single,
    config: operator,
    schema: {
      operationId,
      summary,
      description,
      tags,
      headers: requestHeaders(),
      params,
      body: { $ref: `${body}#` },
      response: {
        200: json('提案的结论 / the proposal, decided', { $ref: 'Proposal#' }, replayed),
        ...problems(400, 404, 409, 413, 415, 422),
      },
    },
  }) as const

/** The operations of the operators. */
export const operatorOperations = {
  listDoubts: {
    method: 'GET',
    url: '/v1/doubts',
    config: aboutMoney,
    schema: {
      operationId: 'listDoubts',
      summary: '转人工的指令 / what waits for a person',
      description:
        '结果不明、要人看的指令,连同每次调用的掩码报文。 / Doubtful instructions that need a person, with the masked transcript of each call.',
      tags,
      headers: requestHeaders(),
      querystring: query({ bankCode: narrowed(bankCode), officeCode: narrowed(officeCode), cursor, limit: few }),
      response: { 200: json('一页 / a page', { $ref: 'DoubtPage#' }), ...problems(400) },
    },
  },
  listBanks: {
    method: 'GET',
    url: '/v1/banks',
    config: operator,
    schema: {
      operationId: 'listBanks',
      summary: '银行与其状态 / the banks and how they stand',
      tags,
      headers: requestHeaders(),
      response: { 200: json('全部银行 / all banks', { $ref: 'BankList#' }), ...problems(400) },
    },
  },
  listAudit: {
    method: 'GET',
    url: '/v1/audit',
    config: forOperators('auditor'),
    schema: {
      operationId: 'listAudit',
      summary: '审计日志 / the audit journal',
      description:
        '谁在何时做了什么,按序号;每条含前一条的哈希。整链核对用命令 taxlink audit verify。 / Who did what and when, in order; each holds the hash of the one before. The whole chain is verified by taxlink audit verify.',
      tags,
      headers: requestHeaders(),
      querystring: query({
        actor: { type: 'string', maxLength: 80, description: '何人 / who', examples: ['urn:taxlink:operator:zhang'] },
        action: { type: 'string', maxLength: 40, description: '何事 / what', examples: ['approve'] },
        subject: { type: 'string', maxLength: 80, description: '对象 / about what', examples: ['proposal/17'] },
        cursor,
        limit,
      }),
      response: { 200: json('一页 / a page', { $ref: 'AuditPage#' }), ...problems(400) },
    },
  },
  postProposal: {
    method: 'POST',
    url: '/v1/proposals',
    bodyLimit: bodyLimits.single,
    config: operator,
    schema: {
      operationId: 'postProposal',
      summary: '提出提案 / propose',
      description:
        '一人提出,另一人批准后立即生效。同编号、同内容可任意重发。内容自提出起冻结。\n\nOne person proposes; it takes effect when another approves. The same order may be sent any number of times. The content is frozen from the start.',
      tags,
      headers: requestHeaders(),
      body: { $ref: 'ProposalOrder#' },
      response: {
        200: json('此前已提出 / proposed before', { $ref: 'Proposal#' }, replayed),
        201: json('已提出,等另一人 / proposed; another person decides', { $ref: 'Proposal#' }, location),
        ...problems(400, 409, 413, 415, 422),
      },
    },
  },
  getProposal: {
    method: 'GET',
    url: '/v1/proposals/:id',
    config: operator,
    schema: {
      operationId: 'getProposal',
      summary: '查看提案 / one proposal',
      tags,
      headers: requestHeaders(),
      params,
      response: { 200: json('提案 / the proposal', { $ref: 'Proposal#' }), ...problems(400, 404) },
    },
  },
  listProposals: {
    method: 'GET',
    url: '/v1/proposals',
    config: operator,
    schema: {
      operationId: 'listProposals',
      summary: '提案列表 / list of proposals',
      tags,
      headers: requestHeaders(),
      querystring: query({
        kind: { type: 'string', enum: Object.keys(proposalKinds), description: '种类 / kind' },
        state: { type: 'string', enum: Object.keys(proposalMachine.table), description: '状态 / state' },
        cursor,
        limit,
      }),
      response: { 200: json('一页 / a page', { $ref: 'ProposalPage#' }), ...problems(400) },
    },
  },
  approveProposal: decision(
    'approval',
    'approveProposal',
    '批准提案 / approve',
    '须由提案人以外的操作员批准,并带上所见内容的 hash;生效与批准在同一事务。 / By another operator than the proposer, naming the hash of what was seen; it takes effect in the same transaction.',
    'Approval',
  ),
  rejectProposal: decision(
    'rejection',
    'rejectProposal',
    '驳回提案 / reject',
    '由提案人以外的操作员驳回。 / By another operator than the proposer.',
    'DecisionReason',
  ),
  withdrawProposal: decision(
    'withdrawal',
    'withdrawProposal',
    '撤回提案 / withdraw',
    '只有提案人可以撤回。 / By the proposer only.',
    'DecisionReason',
  ),
} as const satisfies { readonly [name: string]: Operation }
