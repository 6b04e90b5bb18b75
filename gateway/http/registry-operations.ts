import { bankCode, cityCode } from '../flows/registry-kinds.ts'
import { bodyLimits } from './body.ts'
import { cursor, forOperators, json, limit, narrowed, type Operation, problems, replayed, requestHeaders } from './operation.ts'

const tags = ['银行登记簿 / banks’ registry']
const toSee = forOperators('information-centre', 'accounts', 'auditor')

/** The operations of the banks' registry. What takes two persons is proposed. */
export const registryOperations = {
  getBank: {
    method: 'GET',
    url: '/v1/banks/:bankCode',
    config: toSee,
    schema: {
      operationId: 'getBank',
      summary: '一家银行的卷宗 / the dossier of a bank',
      description:
        '资格、依据、各市州、报解专户与合同参数;市州只见自己的。 / Qualification, evidence, cities, accounts and contract; a city sees its own.',
      tags,
      headers: requestHeaders(),
      params: { type: 'object', required: ['bankCode'], properties: { bankCode: narrowed(bankCode) } },
      response: { 200: json('卷宗 / the dossier', { $ref: 'BankDossier#' }), ...problems(400, 404) },
    },
  },
  getFigures: {
    method: 'GET',
    url: '/v1/banks/:bankCode/figures',
    config: toSee,
    schema: {
      operationId: 'getBankFigures',
      summary: '一家银行在一个市州的实测 / what a bank did in a city',
      description:
        '定期评估(第三十一条)的依据:该期间发往银行的扣款,多少成功、未成功、曾经不明,多久有结果,多少单边账。 / What an assessment rests on (art. 31): of the debits sent to the bank in this time how many succeeded, were refused, were in doubt, how long they took, how many breaks.',
      tags,
      headers: requestHeaders(),
      params: { type: 'object', required: ['bankCode'], properties: { bankCode: narrowed(bankCode) } },
      querystring: {
        type: 'object',
        additionalProperties: false,
        required: ['cityCode', 'from', 'to'],
        properties: {
          cityCode: narrowed(cityCode),
          from: { type: 'string', format: 'date', description: '委托日期起 / first entrust date' },
          to: { type: 'string', format: 'date', description: '委托日期止 / last entrust date' },
        },
      },
      response: { 200: json('实测 / figures', { $ref: 'BankFigures#' }), ...problems(400, 404) },
    },
  },
  postRegistryLine: {
    method: 'POST',
    url: '/v1/registry-lines',
    bodyLimit: bodyLimits.single,
    config: forOperators('information-centre'),
    schema: {
      operationId: 'postRegistryLine',
      summary: '登记一行 / enter a line',
      description:
        '一人登记收到的文件:申请、依据、协议、认证、市州的准备与考察。认定、批准、开通、暂停、取消、报解专户与合同须两人(提案)。同编号、同内容可任意重发。\n\nOne person enters papers as they come in; what admits a bank or takes it away, accounts and contracts are proposals. The same order may be sent any number of times.',
      tags,
      headers: requestHeaders(),
      body: { $ref: 'RegistryLineOrder#' },
      response: {
        200: json('此前已登记 / entered before', { $ref: 'RegistryLine#' }, replayed),
        201: json('已登记 / entered', { $ref: 'RegistryLine#' }),
        ...problems(400, 404, 409, 413, 415, 422),
      },
    },
  },
  listRegistryLines: {
    method: 'GET',
    url: '/v1/registry-lines',
    config: toSee,
    schema: {
      operationId: 'listRegistryLines',
      summary: '登记簿 / the registry, line by line',
      description: '按登记顺序;两人决定的也在其中。 / In the order of entry, decisions of two persons included.',
      tags,
      headers: requestHeaders(),
      querystring: {
        type: 'object',
        additionalProperties: false,
        properties: { bankCode: narrowed(bankCode), cityCode: narrowed(cityCode), cursor, limit },
      },
      response: { 200: json('一页 / a page', { $ref: 'RegistryLinePage#' }), ...problems(400) },
    },
  },
} as const satisfies { readonly [name: string]: Operation }
