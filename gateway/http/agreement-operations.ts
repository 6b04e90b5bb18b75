import { agreementMachine } from '../domain/agreement.ts'
import { type Ask, agreementRegistration } from '../flows/agreements.ts'
import { debitOrder } from '../flows/order.ts'
import { bodyLimits } from './body.ts'
import { cursor, forOperators, json, limit, location, narrowed, type Operation, problems, replayed, requestHeaders } from './operation.ts'

// Agreements and account binding (art. 8–10, 29(6), 44; annex 2): what tax systems ask for, and what operators decide.

const config = { role: 'tax-system' } as const
const reviewers = forOperators('binding-review')
const readers = forOperators('binding-review', 'information-centre', 'auditor')
const tags = ['三方协议 / agreements']
const reviewTags = ['协议复核 / review of bindings']
const { officeCode, bankCode } = debitOrder.fields
const { agreementNo } = agreementRegistration.fields
const byNumber = { type: 'object', required: ['agreementNo'], properties: { agreementNo: narrowed(agreementNo) } }
const query = (properties: object) => ({ type: 'object', additionalProperties: false, properties })
const state = { type: 'string', enum: Object.keys(agreementMachine.table), description: '状态 / state' }
const narrowing = { officeCode: narrowed(officeCode), bankCode: narrowed(bankCode), state }
const again = '同号、同内容可任意重发,只办一次。\n\nThe same number and content may be sent any number of times; it is done once.'

const registering = (url: string, operationId: string, summary: string, description: string, body: string, params?: object) =>
  ({
    method: 'POST',
    url,
    bodyLimit: bodyLimits.single,
    config,
    schema: {
      operationId,
      summary,
      description: `${description}\n\n${again}`,
      tags,
      headers: requestHeaders(),
      ...(params ? { params } : {}),
      body: { $ref: `${body}#` },
      response: {
        200: json('此前已登记 / registered before', { $ref: 'Agreement#' }, replayed),
        201: json('已登记 / registered', { $ref: 'Agreement#' }, location),
        ...problems(400, 404, 409, 413, 415, 422),
      },
    },
  }) as const satisfies Operation

const asking = (ask: Ask, operationId: string, summary: string, description: string) =>
  ({
    method: 'POST',
    url: `/v1/agreements/:agreementNo/${ask}`,
    bodyLimit: bodyLimits.single,
    config,
    schema: {
      operationId,
      summary,
      description: `${description}\n\n${again}`,
      tags,
      headers: requestHeaders(),
      params: byNumber,
      body: { $ref: 'AgreementOrder#' },
      response: { 200: json('已办理 / done', { $ref: 'Agreement#' }, replayed), ...problems(400, 404, 409, 413, 415, 422) },
    },
  }) as const satisfies Operation

const reading = (url: string, operationId: string, summary: string, description: string, querystring: object, shape: string) =>
  ({
    method: 'GET',
    url,
    config,
    schema: {
      operationId,
      summary,
      description,
      tags,
      headers: requestHeaders(),
      querystring: query(querystring),
      response: { 200: json('一页 / a page', { $ref: `${shape}#` }), ...problems(400) },
    },
  }) as const satisfies Operation

const deciding = (name: string, operationId: string, summary: string, description: string) =>
  ({
    method: 'POST',
    url: `/v1/binding-reviews/:agreementNo/${name}`,
    bodyLimit: bodyLimits.single,
    config: reviewers,
    schema: {
      operationId,
      summary,
      description,
      tags: reviewTags,
      headers: requestHeaders(),
      params: byNumber,
      body: { $ref: 'ReviewReason#' },
      response: { 200: json('已办理 / done', { $ref: 'Agreement#' }, replayed), ...problems(400, 404, 409, 413, 415, 422) },
    },
  }) as const satisfies Operation

const importParams = {
  type: 'object',
  required: ['importNo'],
  properties: { importNo: { type: 'string', pattern: '^[A-Za-z0-9-]{1,32}$', description: '批号 / number of the import' } },
}

/** The operations about agreements. */
export const agreementOperations = {
  postAgreement: registering(
    '/v1/agreements',
    'postAgreement',
    '登记三方协议 / register an agreement',
    '县局已审批的写明审批人,未审批的由操作员审批;随后送银行绑定(第八条)。终止后一年内换账号的另注明例外,等两人批准(第九条)。\n\nWith who approved it in the county office, or an operator approves; then the bank is asked to bind the account (art. 8). Another account inside the year of one that ended names an exception, and waits for two persons (art. 9).',
    'AgreementRegistration',
  ),
  changeAgreement: registering(
    '/v1/agreements/:agreementNo/changes',
    'changeAgreement',
    '变更三方协议 / change an agreement',
    '变更即重新办理协议(第九条):新协议绑定之时原协议终止。账号一年内原则上不得变更;注明例外的,等两人批准。\n\nA change is a new agreement (art. 9): the old one ends when the new one is bound. Inside a year the account stays; an exception waits for two persons.',
    'AgreementChange',
    byNumber,
  ),
  endAgreement: asking(
    'endings',
    'endAgreement',
    '终止协议 / end an agreement',
    '不再受理新的扣款,未决的了结后终止并告知银行(第十条)。\n\nNo new debit passes; it ends when the pending ones are settled, and the bank is told (art. 10).',
  ),
  objectToRenewal: asking(
    'objections',
    'objectToRenewal',
    '对顺延提出异议 / object to its renewal',
    '期满不再顺延(附件2第十四条)。\n\nIt lapses when its year is over (annex 2 §14).',
  ),
  suspendAgreement: asking(
    'suspensions',
    'suspendAgreement',
    '止付 / stop payments',
    '附件2第四条;由同一方恢复,双方都止付的须双方恢复。\n\nAnnex 2 §4; the same side lets them go on, and where both have stopped them, both.',
  ),
  resumeAgreement: asking(
    'resumptions',
    'resumeAgreement',
    '恢复 / let payments go on',
    '解除本方办理的止付。\n\nEnds a stop of this side.',
  ),
  postTaxpayerEvent: {
    method: 'POST',
    url: '/v1/taxpayer-events',
    bodyLimit: bodyLimits.single,
    config,
    schema: {
      operationId: 'postTaxpayerEvent',
      summary: '纳税人事项 / what happened to a taxpayer',
      description: `注销、销户、换号:协议自动失效并告知银行(附件2第十二条)。\n\nDeregistered, account closed or changed: its agreements are void, and the banks are told (annex 2 §12).\n\n${again}`,
      tags,
      headers: requestHeaders(),
      body: { $ref: 'TaxpayerEvent#' },
      response: { 200: json('失效的协议 / what is void', { $ref: 'MovedAgreements#' }, replayed), ...problems(400, 409, 413, 415, 422) },
    },
  },
  getAgreement: {
    method: 'GET',
    url: '/v1/agreements/:agreementNo',
    config,
    schema: {
      operationId: 'getAgreement',
      summary: '查询一份协议 / one agreement',
      tags,
      headers: requestHeaders(),
      params: byNumber,
      response: { 200: json('协议 / the agreement', { $ref: 'Agreement#' }), ...problems(400, 404) },
    },
  },
  listAgreements: reading(
    '/v1/agreements',
    'listAgreements',
    '协议列表 / list of agreements',
    '按登记顺序。 / In the order of registration.',
    { ...narrowing, cursor, limit },
    'AgreementPage',
  ),
  listExpiring: reading(
    '/v1/agreements/expiring',
    'listExpiring',
    '即将期满的协议 / agreements whose year is nearly over',
    '无异议则自动顺延一年(附件2第十四条)。 / Renewed for a year unless somebody objects (annex 2 §14).',
    {
      ...narrowing,
      within: { type: 'integer', minimum: 0, maximum: 366, default: 30, description: '几天之内 / within how many days' },
      cursor,
      limit,
    },
    'AgreementPage',
  ),
  listAgreementChanges: reading(
    '/v1/agreement-changes',
    'listAgreementChanges',
    '协议变动流水 / feed of changes',
    '供相关系统同步(第四十四条):记住 next 即不漏不重。 / For other systems (art. 44): keep `next` and nothing is missed.',
    {
      after: { type: 'integer', minimum: 0, default: 0, description: '上次的 next / the last `next`' },
      limit: { ...limit, maximum: 1_000 },
    },
    'AgreementChanges',
  ),
  postImport: {
    method: 'POST',
    url: '/v1/agreement-imports/:importNo',
    bodyLimit: bodyLimits.file,
    config,
    schema: {
      operationId: 'postAgreementImport',
      summary: '批量登记 / import agreements',
      description:
        '推广期批量登记:每行一份 JSON(AgreementRegistration,另可带 boundOn 与 held:纸质期间银行已绑定的日期与所存资料),至多二十万行。整份先校验,有错不收并逐行报告;中断后同批号原样重发即续。\n\nOne JSON a line (AgreementRegistration; with boundOn and held where the bank has bound it on paper already), at most 200,000 lines. The whole is checked first; with a fault it is refused and told line by line. Sent again under the same number it goes on where it broke.',
      tags,
      headers: requestHeaders(),
      params: importParams,
      body: { content: { 'application/x-ndjson': { schema: { title: '每行一份 JSON / one JSON a line' } } } },
      response: {
        200: json('已完成,或整份不收 / done, or refused whole', { $ref: 'AgreementImport#' }, replayed),
        202: json('校验通过,正在入库 / checked, being written', { $ref: 'AgreementImport#' }, location),
        ...problems(400, 409, 413, 415),
      },
    },
  },
  getImport: {
    method: 'GET',
    url: '/v1/agreement-imports/:importNo',
    config,
    schema: {
      operationId: 'getAgreementImport',
      summary: '批量登记的进度 / how far an import is',
      tags,
      headers: requestHeaders(),
      params: importParams,
      response: { 200: json('进度与报告 / progress and report', { $ref: 'AgreementImport#' }), ...problems(400, 404) },
    },
  },
  listReviews: {
    ...reading(
      '/v1/binding-reviews',
      'listReviews',
      '待复核的绑定 / what waits for a reviewer',
      '银行已绑定或已拒绝的协议,连同银行所存资料与比对依据;只见本机关及下级。 / What a bank has bound or refused, with what it holds and how it compares; only of the offices one sees.',
      {
        officeCode: narrowed(officeCode),
        bankCode: narrowed(bankCode),
        likeness: { type: 'string', enum: ['exact', 'alike', 'unchecked', 'differs'], description: '相似程度 / how alike' },
        days: { type: 'integer', minimum: 0, maximum: 3_660, description: '至少等了几天 / waiting for at least so many days' },
        cursor,
        limit,
      },
      'ReviewPage',
    ),
    config: readers,
  },
  acceptBindings: {
    method: 'POST',
    url: '/v1/binding-reviews/acceptances',
    bodyLimit: bodyLimits.single,
    config: reviewers,
    schema: {
      operationId: 'acceptBindings',
      summary: '批量复核通过 / accept exact matches',
      description: '只通过逐字一致的,其余逐份办理。 / Only what matches exactly; the others are reviewed one by one.',
      tags: reviewTags,
      headers: requestHeaders(),
      body: { $ref: 'BindingAcceptances#' },
      response: { 200: json('逐份结论 / a verdict for each', { $ref: 'BindingVerdicts#' }), ...problems(400, 413, 415, 422) },
    },
  },
  approveAgreement: {
    ...deciding(
      'approvals',
      'approveAgreement',
      '县局审批 / approve',
      '县局未在自己的软件里审批的协议(第八条第二项)。 / What the county office has not approved in its own software (art. 8(2)).',
    ),
  },
  verifyBinding: deciding(
    'verifications',
    'verifyBinding',
    '核验 / have the bank compare',
    '请银行以其所存资料逐项核对(附件2第七条);结果随后见待复核列表与全过程,银行认为不符的不能通过。 / The bank compares the five particulars with its own (annex 2 §7); what it says is in the list and in the life as soon as it has, and what it denies cannot be accepted.',
  ),
  acceptBinding: deciding(
    'acceptances',
    'acceptBinding',
    '复核通过 / accept',
    '次月启用,并设置缴税启用标志(第六条、第八条第四项);资料不符的不能通过。 / Active from the next month, the enabled flag set (art. 6, 8(4)); not where particulars differ.',
  ),
  returnBinding: deciding(
    'returns',
    'returnBinding',
    '退回银行 / return to the bank',
    '请银行重新绑定(附件2第七条)。 / The bank is asked to bind it anew (annex 2 §7).',
  ),
  refuseBinding: deciding(
    'refusals',
    'refuseBinding',
    '不予受理 / refuse',
    '银行已绑定的,告知银行注销。 / A bank that has bound it is told.',
  ),
  getAgreementLife: {
    method: 'GET',
    url: '/v1/agreements/:agreementNo/life',
    config: readers,
    schema: {
      operationId: 'getAgreementLife',
      summary: '协议的全过程 / life of an agreement',
      description: '日志、告知银行的报文(已掩码)、银行所存资料。 / Journal, what the bank was told (masked), what it holds.',
      tags: reviewTags,
      headers: requestHeaders(),
      params: byNumber,
      response: { 200: json('全过程 / its life', { $ref: 'AgreementLife#' }), ...problems(400, 404) },
    },
  },
} as const satisfies { readonly [name: string]: Operation }
