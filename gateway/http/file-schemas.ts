import { objectSchema } from '@taxlink/bank-sdk'
import { day, fileRequestOrder } from '../flows/file-request.ts'
import { bankCode } from '../flows/registry-kinds.ts'
import { instant, property, text } from './schemas.ts'

// The shapes of reconciliation files: what was received, what became of it, what a bank is asked to send again.

const number = (title: string, minimum = 1, maximum = 9_999) => ({ type: 'integer', title, minimum, maximum })
const fen = (title: string) => ({ type: 'integer', title, minimum: 0, maximum: Number.MAX_SAFE_INTEGER })

/** Why a file is refused. */
const fault = {
  type: 'object',
  title: '不收的原因 / why it is refused',
  additionalProperties: false,
  required: ['code', 'zh', 'en'],
  properties: {
    code: text('规则 / the rule'),
    zh: text('含义(中文) / meaning in Chinese'),
    en: text('含义(英文) / meaning in English'),
    detail: text('补充 / detail'),
    line: number('行号,从 1 起 / line, from 1', 1, 2 ** 31),
    byte: number('字节位置,从 0 起 / byte, from 0', 0, Number.MAX_SAFE_INTEGER),
  },
} as const

/** A file. */
export const fileSchema = {
  $id: 'ReconciliationFile',
  title: '对账文件 / a reconciliation file',
  type: 'object',
  additionalProperties: false,
  required: ['name', 'bankCode', 'cameBy', 'bytes', 'state', 'receivedAt', 'repeats'],
  properties: {
    id: number('序号,仅操作员可见 / number, for operators', 1, Number.MAX_SAFE_INTEGER),
    name: text('文件名 / name'),
    bankCode: property(bankCode),
    accountingDate: property(day),
    session: number('场次 / session', 1, 99),
    chunk: number('分片 / chunk'),
    chunks: number('分片总数 / chunks'),
    version: number('版本,重发的为 2 起 / version, from 2 where it was sent again', 1, 99),
    cameBy: { type: 'string', title: '来路 / way', enum: ['upload', 'sftp', 'folder'] },
    bytes: number('字节数(解压后) / bytes, unpacked', 0, Number.MAX_SAFE_INTEGER),
    sha256: text('内容的 SHA-256(解压后) / SHA-256 of the unpacked bytes'),
    state: {
      type: 'string',
      title: '状态 / state',
      enum: ['received', 'checked', 'complete', 'refused', 'superseded'],
      description:
        'received 已收、待核;checked 本片合格、等其他分片;complete 作数;refused 整份不收;superseded 被重发的版本取代 / received: to be checked; checked: other chunks are awaited; complete: it counts; refused whole; superseded by a version sent again',
    },
    fault,
    workDate: property({ ...day, zh: '工作日期', en: 'work date' }),
    lines: number('笔数 / lines', 0, 2 ** 31),
    debitSum: fen('扣款与补划合计(分) / debits and supplementary debits, fen'),
    creditSum: fen('冲正与调账合计(分) / reversals and adjustments, fen'),
    receivedAt: instant('收到 / received', '2026-11-11T00:20:03.125+08:00'),
    endedAt: instant('有结论 / decided', '2026-11-11T00:20:04.007+08:00'),
    repeats: number('原样重发次数 / how often the same came again', 0, 2 ** 31),
  },
  examples: [
    {
      name: 'DETAIL_4310_20261110_01_0001.jsonl',
      bankCode: '4310',
      accountingDate: '2026-11-10',
      session: 1,
      chunk: 1,
      chunks: 1,
      version: 1,
      cameBy: 'upload',
      bytes: 48_211,
      sha256: '5eed'.padEnd(64, '0'),
      state: 'refused',
      fault: {
        code: 'file-totals',
        zh: '文件的笔数或金额与明细不符',
        en: 'count or sum of the file are not those of its lines',
        detail: 'debitSum: the trailer says 120300 fen, the lines sum to 120200 fen',
        line: 131,
        byte: 48_102,
      },
      receivedAt: '2026-11-11T00:20:03.125+08:00',
      endedAt: '2026-11-11T00:20:04.007+08:00',
      repeats: 0,
    },
  ],
} as const

const next = text('下一页游标,没有则为末页 / cursor of the next page; absent on the last')
/** A page of files. */
export const filePageSchema = {
  $id: 'ReconciliationFilePage',
  title: '对账文件 / page of reconciliation files',
  type: 'object',
  additionalProperties: false,
  required: ['files'],
  properties: { files: { type: 'array', items: { $ref: 'ReconciliationFile#' } }, next },
} as const

/** What an operator asks for. */
export const fileRequestOrderSchema = {
  $id: 'FileRequestOrder',
  title: `${fileRequestOrder.zh} / ${fileRequestOrder.en}`,
  ...objectSchema(fileRequestOrder.fields),
  examples: [
    {
      orderNo: 'F-20261111-1',
      bankCode: '4310',
      accountingDate: '2026-11-10',
      session: 1,
      kind: 'resend',
      reason: '文件尾合计有误,请重发',
    },
  ],
} as const

/** A request as it stands. */
export const fileRequestSchema = {
  $id: 'FileRequest',
  title: '明细文件请求 / request of a file',
  type: 'object',
  additionalProperties: false,
  required: ['id', 'orderNo', 'bankCode', 'accountingDate', 'session', 'version', 'kind', 'reason', 'askedBy', 'askedAt'],
  properties: {
    id: number('序号 / number', 1, Number.MAX_SAFE_INTEGER),
    orderNo: text('编号 / number of the order'),
    bankCode: property(bankCode),
    accountingDate: property(day),
    session: number('场次 / session', 1, 99),
    version: number('将要送来的版本 / the version that is to come', 1, 99),
    kind: { type: 'string', title: '首次或重发 / the first time, or again', enum: ['first', 'resend'] },
    reason: text('原因 / why'),
    askedBy: text('何人 / who'),
    askedAt: instant('时间 / at', '2026-11-11T08:31:00.000+08:00'),
    code: text('银行答复的结果码,未答复则无 / the code of the bank’s answer; absent until then'),
  },
  examples: [
    {
      id: 3,
      orderNo: 'F-20261111-1',
      bankCode: '4310',
      accountingDate: '2026-11-10',
      session: 1,
      version: 2,
      kind: 'resend',
      reason: '文件尾合计有误,请重发',
      askedBy: 'urn:taxlink:operator:wang',
      askedAt: '2026-11-11T08:31:00.000+08:00',
    },
  ],
} as const

/** A page of requests. */
export const fileRequestPageSchema = {
  $id: 'FileRequestPage',
  title: '明细文件请求 / page of requests',
  type: 'object',
  additionalProperties: false,
  required: ['requests'],
  properties: { requests: { type: 'array', items: { $ref: 'FileRequest#' } }, next },
} as const

/** Every shape of the files that has a name. */
export const fileShapes = [fileSchema, filePageSchema, fileRequestOrderSchema, fileRequestSchema, fileRequestPageSchema] as const
