/** One fault of the closed list: its number, what happened and what to do next, in both languages. */
export type FaultText = {
  readonly number: string
  readonly zh: string
  readonly en: string
  readonly nextZh: string
  readonly nextEn: string
}

const f = (number: string, zh: string, en: string, nextZh: string, nextEn: string): FaultText => ({ number, zh, en, nextZh, nextEn })

/** The closed list of faults. T1xxx messages, T2xxx lines, T3xxx the gateway's own interface, T4xxx configuration. */
export const faults = {
  'too-long': f(
    'T1001',
    '值超过字段宽度',
    'the value does not fit its field',
    '缩短该值,或与银行约定更宽的字段',
    'shorten the value or agree on a wider field',
  ),
  'not-in-charset': f(
    'T1002',
    '字符无法用约定的字符集表示',
    'a character cannot be written in the agreed charset',
    '改用约定的替代写法,或与银行约定 GB18030',
    'use an agreed spelling or agree on GB18030',
  ),
  'invalid-bytes': f(
    'T1003',
    '字节不是约定字符集的合法编码',
    'the bytes are not valid in the agreed charset',
    '检查对方的字符集与截断',
    'check the sender’s charset and for cut characters',
  ),
  'wrong-length': f(
    'T1004',
    '报文长度与接口规范不符',
    'the message has another length than its layout',
    '对照接口规范核对各字段宽度',
    'compare the widths with the bank’s page',
  ),
  'not-a-number': f(
    'T1005',
    '不是规范的数字',
    'not a number in the agreed form',
    '只用半角数字,按规范补位',
    'use plain ASCII digits, padded as declared',
  ),
  'not-a-date': f('T1006', '不是有效日期', 'not a valid date', '使用公历日期', 'use a date of the Gregorian calendar'),
  'wrong-constant': f(
    'T1007',
    '固定内容不符',
    'a fixed text is not as declared',
    '核对交易码与报文种类',
    'check the transaction code and the kind of message',
  ),
  'unlisted-code': f(
    'T1008',
    '代码不在对照表中',
    'the code is not in the table',
    '在银行声明的对照表中补充该代码',
    'add the code to the bank’s table',
  ),
  missing: f('T1009', '缺少必填内容', 'a required field is missing', '补齐该字段', 'supply the field'),
  unexpected: f(
    'T1010',
    '出现未约定的内容',
    'something that is not in the layout',
    '去掉该内容,或升级接口版本',
    'remove it or upgrade the version of the interface',
  ),
  duplicate: f('T1011', '内容重复出现', 'something stands twice', '每个字段只写一次', 'write each field once'),
  malformed: f('T1012', '报文格式错误', 'the message is not well-formed', '检查生成报文的程序', 'check the program that wrote it'),
  forbidden: f(
    'T1013',
    '报文使用了禁止的结构',
    'the message uses a forbidden construct',
    '不要使用 DOCTYPE、实体、处理指令',
    'do not use DOCTYPE, entities or processing instructions',
  ),
  'over-limit': f(
    'T1014',
    '报文超过深度、大小或数量限制',
    'the message is deeper, larger or longer than allowed',
    '减小报文',
    'make the message smaller',
  ),
  'bad-value': f(
    'T1015',
    '值不符合字段定义',
    'the value does not fit the field’s definition',
    '对照字段定义修改',
    'compare with the definition of the field',
  ),
  'sum-mismatch': f(
    'T1016',
    '税目金额合计与总额不符',
    'the amounts of the tax items do not sum to the total',
    '核对各税目金额',
    'check the amounts of the items',
  ),
  'unknown-message': f('T1017', '无法识别的报文', 'the message is none of the declared ones', '核对交易码', 'check the transaction code'),
  'line-end': f(
    'T1018',
    '行尾不符合约定,或最后一行不完整',
    'a line does not end as agreed, or the last one is cut',
    '每行用约定的行尾,写完整个文件后再交出',
    'end every line as agreed; hand the file over when it is written whole',
  ),
  'file-totals': f(
    'T1019',
    '文件的笔数或金额与明细不符',
    'count or sum of the file are not those of its lines',
    '按明细重新生成文件头和文件尾',
    'make header and trailer anew from the lines',
  ),
  'bad-declaration': f('T1020', '银行声明有误', 'the bank’s declaration is wrong', '按提示修改声明', 'mend the declaration as told'),
  'connect-failed': f(
    'T2001',
    '无法连接银行,报文确定未发出',
    'the bank cannot be reached; certainly nothing was sent',
    '检查网络与银行主机,系统将重试',
    'check network and bank; it will be tried again',
  ),
  'line-closed': f('T2002', '线路已关闭,报文确定未发出', 'the line is closed; certainly nothing was sent', '稍后重试', 'try again later'),
  'line-busy': f('T2003', '线路繁忙,报文确定未发出', 'the line is full; certainly nothing was sent', '稍后重试', 'try again later'),
  timeout: f(
    'T2004',
    '银行未在时限内应答,结果不明',
    'no answer in time; the outcome is unknown',
    '系统将查询,切勿重发',
    'it will be inquired; do not resend',
  ),
  'connection-lost': f(
    'T2005',
    '连接在应答前中断,结果不明',
    'the connection was lost before the answer; the outcome is unknown',
    '系统将查询,切勿重发',
    'it will be inquired; do not resend',
  ),
  'bad-frame': f(
    'T2006',
    '报文长度头有误',
    'the length header is wrong',
    '核对长度头的位数、补位与是否含自身',
    'check digits, padding and inclusion of the header',
  ),
  'frame-too-large': f('T2007', '报文长度超过上限', 'the frame is longer than the limit', '核对长度头', 'check the length header'),
  'http-status': f(
    'T2008',
    '银行返回了非 200 的 HTTP 状态',
    'the bank answered with an HTTP status other than 200',
    '查看银行端日志',
    'see the bank’s log',
  ),
  'answer-mismatch': f(
    'T2009',
    '应答与请求的主键或金额不符',
    'the answer is for another key or amount',
    '保留证据并通知银行',
    'keep the evidence and tell the bank',
  ),
  'held-back': f(
    'T2010',
    '网关暂不向该银行发送(熔断或限速),报文确定未发出',
    'the gateway holds back what goes to this bank (breaker or rate); certainly nothing was sent',
    '等待网关自动恢复;持续时联系银行',
    'wait, it goes on by itself; if it lasts, talk to the bank',
  ),
  'invalid-request': f(
    'T3001',
    '请求不符合接口定义',
    'the request does not fit the interface',
    '按 errors 中的位置修改',
    'mend the places named in errors',
  ),
  unauthenticated: f(
    'T3002',
    '未提供有效的客户端证书',
    'no valid client certificate',
    '使用本网关信任的证书',
    'use a certificate this gateway trusts',
  ),
  'not-permitted': f('T3003', '该身份无权进行此操作', 'this identity may not do that', '联系信息中心', 'ask the information centre'),
  'not-found': f('T3004', '没有这条记录', 'there is no such record', '核对编号', 'check the number'),
  'content-differs': f(
    'T3005',
    '同一编号的内容与原来不同',
    'the same number came with other content',
    '核对两份内容,换用新编号',
    'compare both contents; use a new number',
  ),
  unsupported: f(
    'T3006',
    '不支持的方法或内容类型',
    'method or content type is not supported',
    '使用接口文档所列的方法与 application/json',
    'use a method of the API page, and application/json',
  ),
  'too-large': f('T3007', '请求过大', 'the request is too large', '拆分后再发', 'split it'),
  overloaded: f(
    'T3008',
    '系统繁忙,请求未被受理',
    'the system is busy; the request was not accepted',
    '按 Retry-After 稍后重发',
    'send it again after Retry-After',
  ),
  internal: f('T3009', '内部错误', 'internal error', '凭请求号联系信息中心', 'tell the information centre the request id'),
  'record-away': f(
    'T3010',
    '记录库暂不可用,是否已受理尚不确定',
    'the record is out of reach; whether the request was accepted is not certain',
    '稍后原样重发,同一票号不会重复受理',
    'send the same again later; the same ticket is never accepted twice',
  ),
  'own-proposal': f(
    'T3011',
    '提案须由另一人决定',
    'a proposal is decided by another person',
    '请另一位操作员批准或驳回;提案人只能撤回',
    'ask another operator; the proposer may only withdraw it',
  ),
  decided: f('T3012', '提案已有结论', 'the proposal is decided already', '查看该提案的结论', 'read the proposal'),
  expired: f('T3013', '提案已过期', 'the proposal has expired', '核对后重新提出', 'check and propose again'),
  'not-applicable': f(
    'T3014',
    '与当前情况不符,未作任何改动',
    'things do not stand as this assumes; nothing was changed',
    '按 errors 的说明核对当前情况',
    'compare with errors how things stand',
  ),
  'no-room': f(
    'T3015',
    '没有存放的余地,文件未收',
    'there is no room for the file; nothing was taken',
    '稍后原样再送;一日内已送太多的,先联系信息中心',
    'send the same again later; whoever has brought too much within a day asks the information centre first',
  ),
  'sign-in-refused': f(
    'T3021',
    '用户名、口令或动态码不对,或暂不能登录',
    'the name, the password or the code is wrong, or one may not sign in now',
    '核对后再试;连续五次不对锁定十五分钟',
    'check and try again; five failures in a row lock for fifteen minutes',
  ),
  'too-many': f('T3022', '尝试过于频繁', 'too many tries', '按 Retry-After 稍后再试', 'try again after Retry-After'),
  csrf: f(
    'T3023',
    '会话调用缺少令牌',
    'a call by session without its token',
    '带上 X-CSRF-Token,令牌见 GET /v1/operators/me',
    'send X-CSRF-Token; GET /v1/operators/me tells it',
  ),
  'bad-config': f('T4001', '配置有误', 'the configuration is wrong', '按提示修改环境变量', 'mend the environment as told'),
  'service-missing': f('T4002', '缺少运行所需的服务', 'a service this needs is missing', '执行提示的命令', 'run the command shown'),
  'bad-migration': f(
    'T4003',
    '数据库迁移文件有误',
    'a migration cannot be applied',
    '恢复该文件,改动写在新文件中',
    'restore the file and write the change as a new one',
  ),
} as const satisfies Record<string, FaultText>

export type FaultName = keyof typeof faults

/** Where a fault lies: message, field, byte offset from the start of the message (0-based), width in bytes, line (1-based). */
export type Place = {
  readonly message?: string | undefined
  readonly field?: string | undefined
  readonly offset?: number | undefined
  readonly width?: number | undefined
  readonly line?: number | undefined
}

/** What is certain about the bytes of a request when its line failed: `no` — no byte left us; `maybe` — the bank may have it. */
export type Delivered = 'no' | 'maybe'

/** A broken promise about bytes, lines or requests. `detail` holds no private data: values are described, never shown. */
export class Fault extends Error {
  readonly fault: FaultName
  readonly detail: string
  readonly at: Place
  readonly delivered: Delivered

  constructor(fault: FaultName, detail: string, at: Place = {}, delivered: Delivered = 'maybe') {
    super(sentence(fault, detail, at))
    this.name = 'Fault'
    this.fault = fault
    this.detail = detail
    this.at = at
    this.delivered = delivered
  }

  /** The published number, `T1001`. */
  get number(): string {
    return faults[this.fault].number
  }

  /** The same fault with its place completed: an inner layer knows the offset, an outer one the message and field. */
  within(outer: Place): Fault {
    const at = { ...outer, ...dropUndefined(this.at) }
    if (outer.field && this.at.field && outer.field !== this.at.field) at.field = `${outer.field}.${this.at.field}`
    return new Fault(this.fault, this.detail, at, this.delivered)
  }

  /** The fault as plain data, for problem+json, logs and reports. */
  toJSON() {
    const text = faults[this.fault]
    return {
      code: text.number,
      fault: this.fault,
      zh: text.zh,
      en: text.en,
      detail: this.detail,
      at: this.at,
      nextZh: text.nextZh,
      nextEn: text.nextEn,
    }
  }
}

const dropUndefined = (at: Place): { -readonly [K in keyof Place]: Place[K] } =>
  Object.fromEntries(Object.entries(at).filter(([, v]) => v !== undefined))

const sentence = (fault: FaultName, detail: string, at: Place): string => {
  const where = [
    at.message,
    at.field,
    at.line === undefined ? undefined : `line ${at.line}`,
    at.offset === undefined ? undefined : `byte ${at.offset}`,
    at.width === undefined ? undefined : `width ${at.width}`,
  ]
    .filter(Boolean)
    .join(', ')
  const { number, zh, en } = faults[fault]
  return `${number} ${zh} / ${en}${detail ? `: ${detail}` : ''}${where ? ` (${where})` : ''}`
}

/** Throws a fault; typed `never`, so that it can stand in an expression. */
export const fail = (fault: FaultName, detail: string, at?: Place, delivered?: Delivered): never => {
  throw new Fault(fault, detail, at, delivered)
}
