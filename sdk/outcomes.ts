/** What is certain after an answer: the bank has the money moved, it certainly has not, nobody knows, it is still at work. */
export type OutcomeClass = 'succeeded' | 'refused' | 'unknown' | 'in-progress'

type Entry = { readonly class: OutcomeClass; readonly zh: string; readonly en: string; readonly nextZh: string; readonly nextEn: string }
const e = (cls: OutcomeClass, zh: string, en: string, nextZh: string, nextEn: string): Entry => ({ class: cls, zh, en, nextZh, nextEn })

const tellTaxpayer = ['告知纳税人,由其处理后重新发起', 'tell the taxpayer; a new instruction may follow'] as const
const mend = ['核对报文后以新指令发起', 'mend the message, then use a new instruction'] as const
const wait = ['系统将查询银行,切勿重发', 'the bank will be inquired; do not resend'] as const
const ask = ['联系银行科技部门', 'ask the bank’s technical department'] as const
const setUp = ['由信息中心维护基础资料', 'the information centre must complete the reference data'] as const

/**
 * The unified result codes: the five-digit TIPS numbers with a class. Only a code that proves that no money moved is `refused`;
 * whatever leaves a doubt (busy, host down, time-out, other) is `unknown` and is inquired. 99091 and 99092 are ours: TIPS has no number for them.
 */
export const outcomes = {
  '90000': e('succeeded', '交易成功', 'succeeded', '无需处理', 'nothing to do'),
  '94032': e('succeeded', '冲正重复(原冲正已完成)', 'reversal repeated: it is already done', '无需处理', 'nothing to do'),
  '24001': e('refused', '账号不存在', 'no such account', ...tellTaxpayer),
  '24002': e('refused', '账号与户名不符', 'account and name do not match', ...tellTaxpayer),
  '24003': e('refused', '余额不足', 'insufficient balance', ...tellTaxpayer),
  '24004': e('refused', '账户冻结', 'account frozen', ...tellTaxpayer),
  '24005': e('refused', '账户已销户', 'account closed', ...tellTaxpayer),
  '24009': e('refused', '未签订三方协议', 'no agreement', ...tellTaxpayer),
  '24011': e('refused', '账户状态不正常(挂失等)', 'account in another state (lost etc.)', ...tellTaxpayer),
  '24012': e('refused', '账户止付', 'payments of the account are stopped', ...tellTaxpayer),
  '24015': e('refused', '已缴款', 'already paid', '核对电子税票号', 'check the ticket number'),
  '24016': e('refused', '协议书号不符', 'wrong agreement number', ...tellTaxpayer),
  '24017': e('refused', '协议书已撤销', 'agreement cancelled', ...tellTaxpayer),
  '24020': e(
    'refused',
    '已冲正、止付或作废',
    'already reversed, stopped or void',
    '同一主键不再扣款;税款仍应缴的另开税票',
    'nothing is debited under this key any more; where the tax is still owed, use a new ticket',
  ),
  '28001': e(
    'refused',
    '不在银行营业时间',
    'outside the bank’s business hours',
    '营业时间内重新发起',
    'use a new instruction in business hours',
  ),
  '31004': e('refused', '未签到', 'not signed on', ...ask),
  '34001': e('refused', '不允许冲正', 'cannot be reversed', '日终后使用调账通知单', 'after day-end use an adjustment notice'),
  '38002': e(
    'refused',
    '不得冲正前一日交易',
    'a transaction of an earlier day cannot be reversed',
    '使用调账通知单',
    'use an adjustment notice',
  ),
  '91005': e('refused', '签名或密押错误', 'signature or MAC wrong', ...ask),
  '93001': e('refused', '字段长度错误', 'wrong length of a field', ...mend),
  '93002': e('refused', '必填字段为空', 'a required field is empty', ...mend),
  '93003': e('refused', '字段内容错误', 'wrong content of a field', ...mend),
  '93004': e('refused', '字段间关系错误', 'fields contradict each other', ...mend),
  '93007': e('refused', '总额与明细不符', 'total and details differ', ...mend),
  '93013': e('refused', '征收机关未开通或未对应国库', 'tax office not enabled or without treasury', ...setUp),
  '93014': e('refused', '银行未开通', 'bank not enabled', ...setUp),
  '99092': e(
    'refused',
    '银行不可达,指令确定未发出',
    'bank unreachable: certainly never sent',
    '线路恢复后以新指令发起',
    'use a new instruction when the line is back',
  ),
  '24006': e('unknown', '银行处理失败或繁忙,结果不明', 'bank failed or is busy: outcome unknown', ...wait),
  '28002': e('unknown', '银行主机故障,结果不明', 'bank host down: outcome unknown', ...wait),
  '28003': e('unknown', '超时,结果不明', 'time-out: outcome unknown', ...wait),
  '92006': e('unknown', '报文标识重复', 'message id repeated', ...wait),
  '94051': e('unknown', '交易重复', 'transaction repeated', ...wait),
  '94054': e(
    'unknown',
    '原交易不存在',
    'original not found',
    '在银行静默期满前不作结论',
    'not believed before the bank’s quiescence window has passed',
  ),
  '94999': e('unknown', '其他错误,结果不明', 'other error: outcome unknown', ...wait),
  '99090': e('unknown', '未列明的应答,结果不明', 'unlisted answer: outcome unknown', ...wait),
  '99091': e('in-progress', '处理中', 'in progress', ...wait),
} as const satisfies Record<`${number}`, Entry>

/** A unified result code; anything else does not compile. */
export type UnifiedCode = keyof typeof outcomes

/** The result of an exchange: class, unified code, and the bank's own code (≤ 20) and text (≤ 60 characters), which always travel along. */
export type Outcome = { readonly class: OutcomeClass; readonly code: UnifiedCode; readonly bankCode: string; readonly bankText?: string }

/** The outcome of a unified code; the class always follows from the code. */
export const outcome = (code: UnifiedCode, bankCode: string = code, bankText?: string): Outcome =>
  bankText === undefined || bankText === ''
    ? { class: outcomes[code].class, code, bankCode }
    : { class: outcomes[code].class, code, bankCode, bankText }

/** Whether a text is one of the unified codes. */
export const isUnifiedCode = (code: string): code is UnifiedCode => Object.hasOwn(outcomes, code)
