import { day } from '../flows/file-request.ts'
import { bankCode } from '../flows/registry-kinds.ts'
import { bodyLimits } from './body.ts'
import {
  applied,
  cursor,
  forOperators,
  json,
  limit,
  location,
  narrowed,
  type Operation,
  prefer,
  problems,
  replayed,
  requestHeaders,
} from './operation.ts'

const bank = { role: 'bank' } as const
const tags = ['对账文件 / reconciliation files']
const toSee = forOperators('accounts', 'information-centre', 'auditor')
const toAsk = forOperators('accounts', 'information-centre')

const named = {
  type: 'object',
  required: ['name'],
  properties: {
    name: { type: 'string', minLength: 1, maxLength: 200, description: '文件名 / name', examples: ['4310-20261110-s01-0001of0001-v1'] },
  },
}
const paged = { cursor, limit }

/** The operations of reconciliation files: of the banks that bring them, and of the operators. */
export const fileOperations = {
  putFile: {
    method: 'PUT',
    url: '/v1/reconciliation-files/:name',
    config: { ...bank, files: true },
    schema: {
      operationId: 'putReconciliationFile',
      summary: '上传对账文件 / upload a reconciliation file',
      description:
        '银行以自己的证书上传自己的文件;名称为“银行-会计日期-s场次-分片of分片总数-v版本”,无记录的文件也必须送。可用 Content-Encoding: gzip。整份校验后才作数:有错整份不收,并指明行、字节与原因;Prefer: wait=N 等校验结果。同名同内容可任意重发,答复相同;同名不同内容不收,除非网关已要求重发(版本加一)。\n\nA bank uploads its own file by its own certificate. The file counts only once the whole of it was checked; with a fault it is refused whole, with line, byte and reason. A file without a record is required, too. The same may be sent any number of times; other content is refused unless the gateway has asked for it again (next version).',
      tags,
      headers: requestHeaders({
        ...prefer,
        'Content-Encoding': { type: 'string', description: '压缩 / packing', enum: ['gzip', 'identity'] },
      }),
      params: named,
      body: {
        content: { 'application/octet-stream': { schema: { title: '文件,按银行自己的格式 / the file, in the bank’s own layout' } } },
      },
      response: {
        200: json(
          '已作数,或此前已收到 / it counts, or it was received before',
          { $ref: 'ReconciliationFile#' },
          { ...applied, ...replayed },
        ),
        202: json(
          '已收到,待校验或待其他分片 / received; to be checked, or other chunks are awaited',
          { $ref: 'ReconciliationFile#' },
          {
            ...applied,
            ...replayed,
            ...location,
          },
        ),
        ...problems(400, 409, 413, 415, 422, 507),
      },
    },
  },
  getFile: {
    method: 'GET',
    url: '/v1/reconciliation-files/:name',
    config: bank,
    schema: {
      operationId: 'getReconciliationFile',
      summary: '查一个对账文件 / one reconciliation file',
      description: '银行只能查自己的,不论以何种方式送来。 / A bank asks about its own, whichever way they came.',
      tags,
      headers: requestHeaders(),
      params: named,
      response: { 200: json('文件 / the file', { $ref: 'ReconciliationFile#' }), ...problems(400, 404) },
    },
  },
  listFiles: {
    method: 'GET',
    url: '/v1/reconciliation-files',
    config: toSee,
    schema: {
      operationId: 'listReconciliationFiles',
      summary: '收到的对账文件 / reconciliation files received',
      description:
        '按收到的顺序,不收的连同原因也在其中。 / In the order in which they came; those refused are there, too, with the reason.',
      tags,
      headers: requestHeaders(),
      querystring: {
        type: 'object',
        additionalProperties: false,
        properties: {
          bankCode: narrowed(bankCode),
          accountingDate: narrowed(day),
          state: { type: 'string', enum: ['received', 'checked', 'complete', 'refused', 'superseded'], description: '状态 / state' },
          ...paged,
        },
      },
      response: { 200: json('一页 / a page', { $ref: 'ReconciliationFilePage#' }), ...problems(400) },
    },
  },
  postFileRequest: {
    method: 'POST',
    url: '/v1/reconciliation-file-requests',
    bodyLimit: bodyLimits.single,
    config: toAsk,
    schema: {
      operationId: 'postFileRequest',
      summary: '请银行送文件或重发 / ask a bank for a file, or for it again',
      description:
        '写明原因并告知银行;此后银行送来的下一版本才会收,旧版本保留。同编号、同内容可任意重发。\n\nWith the reason, which the bank is told; only then the next version is accepted, and the old one is kept. The same order may be sent any number of times.',
      tags,
      headers: requestHeaders(),
      body: { $ref: 'FileRequestOrder#' },
      response: {
        200: json('此前已请求 / asked before', { $ref: 'FileRequest#' }, replayed),
        201: json('已请求 / asked', { $ref: 'FileRequest#' }),
        ...problems(400, 404, 409, 413, 415, 422),
      },
    },
  },
  listFileRequests: {
    method: 'GET',
    url: '/v1/reconciliation-file-requests',
    config: toSee,
    schema: {
      operationId: 'listFileRequests',
      summary: '明细文件请求 / what banks were asked for',
      tags,
      headers: requestHeaders(),
      querystring: { type: 'object', additionalProperties: false, properties: { bankCode: narrowed(bankCode), ...paged } },
      response: { 200: json('一页 / a page', { $ref: 'FileRequestPage#' }), ...problems(400) },
    },
  },
} as const satisfies { readonly [name: string]: Operation }
