/** 湘江银行 — fixed width, GBK, over TCP. Pages are those of the bank's 《代扣税接口规范 V1.2》. */
import * as tax from '@taxlink/bank-sdk'
import { bank, blank, constant, left, omit, record, right, tcp, words, ymd } from '@taxlink/bank-sdk'
import { resultCodes } from './codes.ts'
import { dayEnd } from './day-end.ts'
import { head, items, original, result } from './parts.ts'

/** 扣税要素, p. 11: of 扣税 and 补扣. 289 bytes, and 132 for each of at most ten items. */
const particulars = [
  ['ticketNo',          left(18)],                                    // 电子税票号
  ['workDate',          ymd],                                         // 税务工作日期
  ['channel',           words({ '1': 'computer', '2': 'phone' })],    // 申报渠道: 1 电脑, 2 电话
  ['taxpayerId',        left(20)],                                    // 纳税人识别号
  ['taxpayerName',      left(60)],                                    // 纳税人名称
  ['agreementNo',       left(60)],                                    // 三方协议书号
  ['account',           left(32)],                                    // 缴税账号
  ['payerBankNo',       left(12)],                                    // 付款开户行行号
  ['treasuryCode',      left(11)],                                    // 收款国库代码
  ['clearingNo',        left(12)],                                    // 国库清算号
  ['remittanceAccount', left(32)],                                    // 报解专户账号
  ['amount',            right(15)],                                   // 税款金额, in fen
  blank(6),                                                           // 备用
  items,
] as const

/** 公共应答体, p. 9: of every answer but that of 链路测试. 125 bytes. */
const answer = [
  ['ticketNo',          left(18)],                                    // 电子税票号
  ['result',            resultCodes],                                 // 返回码
  ['result.bankText',   left(60)],                                    // 返回信息
  ['amount',            right(15)],                                   // 实际金额, in fen
  ['bankSerial',        left(20)],                                    // 主机流水号
  ['accountingDate',    ymd],                                         // 主机会计日期
] as const

/** 纳税档案, p. 21: of 签约, 变更 and 核验. 124 bytes. */
const profile = [
  ['taxpayerId',        left(20)],                                    // 纳税人识别号
  ['taxpayerName',      left(60)],                                    // 纳税人名称
  ['account',           left(32)],                                    // 缴税账号
  ['payerBankNo',       left(12)],                                    // 付款开户行行号
] as const

/** 签约结果, p. 22: the profile as the bank holds it, then what came of it. 133 bytes. */
const bound = [
  ...profile,
  ['boundOn',           ymd],                                         // 签约日期
  ['credential',        words({ '1': 'issued', '0': 'not-issued' })], // 电脑编码和密码: 1 已发给, 0 未发给; never the secret
] as const

const channel = ['channel', words({ '1': 'computer', '2': 'phone' })] as const // 申报渠道: 1 电脑, 2 电话
const match = words({ '1': 'same', '0': 'differs' })                  // 核对结果: 1 相符, 0 不符

export default bank({
  code: '4301',
  name: '湘江银行',
  document: '《代扣税接口规范 V1.2》',
  line: tcp(6),                                                       // p. 6: 报文长度, six digits, itself not counted

  debit: {
    request: record(tax.debitRequest, 'gbk', 321, [                   // p. 11 实时扣税
      constant('KK01'),                                               // 交易码
      ...head,
      ...particulars,
    ]),
    reply: record(tax.debitResult, 'gbk', 157, [                      // p. 13
      constant('KK51'),
      ...head,
      ...answer,
    ]),
  },

  supplementaryDebit: {
    request: record(tax.supplementaryDebitRequest, 'gbk', 338, [      // p. 14 补充扣税
      constant('KK02'),
      ...head,
      ...original,
      ['reason',        words({ '1': 'under-debited', '2': 'bank-missing' })], // 补扣原因: 1 少扣, 2 本行无记录
      ...particulars,
    ]),
    reply: record(tax.supplementaryDebitResult, 'gbk', 157, [         // p. 15
      constant('KK52'),
      ...head,
      ...answer,
    ]),
  },

  inquiry: {
    request: record(tax.inquiryRequest, 'gbk', 50, [                  // p. 16 交易查询
      constant('KK03'),
      ...head,
      ['ticketNo',      left(18)],                                    // 电子税票号
      omit('workDate'),                                               // the bank looks for the key alone
    ]),
    reply: record(tax.inquiryResult, 'gbk', 157, [                    // p. 17
      constant('KK53'),
      ...head,
      ...answer,
    ]),
  },

  reversal: {
    request: record(tax.reversalRequest, 'gbk', 137, [                // p. 18 冲正
      constant('KK04'),
      ...head,
      ...original,
      ['ticketNo',      left(18)],                                    // 电子税票号
      ['workDate',      ymd],                                         // 税务工作日期
      ['account',       left(32)],                                    // 缴税账号
      ['originalAmount', right(15)],                                  // 原扣款金额, in fen
      ['amount',        right(15)],                                   // 冲正金额, in fen
      ['reason',        words({ '1': 'duplicate', '2': 'over-debited', '3': 'in-doubt', '4': 'tax-side' })], // 冲正原因
    ]),
    reply: record(tax.reversalResult, 'gbk', 157, [                   // p. 19
      constant('KK54'),
      ...head,
      ...answer,
    ]),
  },

  linkTest: {
    request: record(tax.linkTestRequest, 'gbk', 40, [                 // p. 20 链路测试
      constant('KK09'),
      ...head,
      ['workDate',      ymd],                                         // 税务工作日期
    ]),
    reply: record(tax.linkTestResult, 'gbk', 104, [                   // p. 20
      constant('KK59'),
      ...head,
      ['result',        resultCodes],                                 // 返回码
      ['result.bankText', left(60)],                                  // 返回信息
      ['accountingDate', ymd],                                        // 主机会计日期
    ]),
  },

  bind: {
    request: record(tax.bindRequest, 'gbk', 217, [                    // p. 21 签约
      constant('KK11'),
      ...head,
      ['agreementNo',   left(60)],                                    // 三方协议书号
      channel,
      ...profile,
    ]),
    reply: record(tax.bindResult, 'gbk', 289, [                       // p. 22
      constant('KK61'),
      ...head,
      ['agreementNo',   left(60)],                                    // 三方协议书号
      ...result,
      ...bound,
    ]),
  },

  changeBinding: {
    request: record(tax.changeBindingRequest, 'gbk', 277, [           // p. 23 签约变更
      constant('KK12'),
      ...head,
      ['agreementNo',   left(60)],                                    // 新三方协议书号
      ['originalAgreementNo', left(60)],                              // 原三方协议书号
      channel,
      ...profile,
    ]),
    reply: record(tax.changeBindingResult, 'gbk', 289, [              // p. 23
      constant('KK62'),
      ...head,
      ['agreementNo',   left(60)],                                    // 新三方协议书号
      ...result,
      ...bound,
    ]),
  },

  cancelBinding: {
    request: record(tax.cancelBindingRequest, 'gbk', 125, [           // p. 24 解约
      constant('KK13'),
      ...head,
      ['agreementNo',   left(60)],                                    // 三方协议书号
      ['account',       left(32)],                                    // 缴税账号
      ['reason',        words({                                       // 解约原因
        '1': 'ended', '2': 'replaced', '3': 'lapsed', '4': 'refused', '5': 'deregistered', '6': 'account-closed', '7': 'account-changed',
      })],
    ]),
    reply: record(tax.cancelBindingResult, 'gbk', 156, [              // p. 24
      constant('KK63'),
      ...head,
      ['agreementNo',   left(60)],                                    // 三方协议书号
      ...result,
    ]),
  },

  suspension: {
    request: record(tax.suspensionRequest, 'gbk', 126, [              // p. 25 止付与恢复
      constant('KK14'),
      ...head,
      ['agreementNo',   left(60)],                                    // 三方协议书号
      ['account',       left(32)],                                    // 缴税账号
      ['action',        words({ '1': 'suspend', '2': 'resume' })],    // 动作: 1 止付, 2 恢复
      ['reason',        words({ '1': 'credential-lost', '2': 'by-taxpayer', '3': 'by-tax-office', '9': 'other' })], // 原因
    ]),
    reply: record(tax.suspensionResult, 'gbk', 156, [                 // p. 25
      constant('KK64'),
      ...head,
      ['agreementNo',   left(60)],                                    // 三方协议书号
      ...result,
    ]),
  },

  bindingStatus: {
    request: record(tax.bindingStatusRequest, 'gbk', 92, [            // p. 26 签约查询
      constant('KK15'),
      ...head,
      ['agreementNo',   left(60)],                                    // 三方协议书号
    ]),
    reply: record(tax.bindingStatusResult, 'gbk', 289, [              // p. 26
      constant('KK65'),
      ...head,
      ['agreementNo',   left(60)],                                    // 三方协议书号
      ...result,
      ...bound,
    ]),
  },

  verification: {
    request: record(tax.verificationRequest, 'gbk', 216, [            // p. 27 协议核验
      constant('KK16'),
      ...head,
      ['agreementNo',   left(60)],                                    // 三方协议书号
      ...profile,
    ]),
    reply: record(tax.verificationResult, 'gbk', 161, [               // p. 27
      constant('KK66'),
      ...head,
      ['agreementNo',   left(60)],                                    // 三方协议书号
      ...result,
      ['taxpayerIdMatch', match],                                     // 纳税人识别号
      ['taxpayerNameMatch', match],                                   // 纳税人名称
      ['officeMatch',   match],                                       // 征收机关
      ['branchMatch',   match],                                       // 开户行
      ['accountMatch',  match],                                       // 账号
    ]),
  },

  monthlySync: {
    request: record(tax.monthlySyncRequest, 'gbk', 120, [             // p. 28 月末同步
      constant('KK17'),
      ...head,
      ['month',         left(6)],                                     // 月份
      ['inForce',       right(9)],                                    // 有效签约数
      ['suspended',     right(9)],                                    // 止付签约数
      ['digest',        left(64)],                                    // 清单摘要
    ]),
    reply: record(tax.monthlySyncResult, 'gbk', 178, [                // p. 28
      constant('KK67'),
      ...head,
      ...result,
      ['inForce',       right(9)],                                    // 本行有效签约数
      ['suspended',     right(9)],                                    // 本行止付签约数
      ['digest',        left(64)],                                    // 本行清单摘要
    ]),
  },

  push: tcp(6),                                                       // p. 29: the same framing, on a connection that the bank opens

  bindingResult: {
    request: record(tax.bindingResultRequest, 'gbk', 289, [           // p. 29 签约结果通知
      constant('KK21'),
      ...head,
      ['agreementNo',   left(60)],                                    // 三方协议书号
      ...result,
      ...bound,
    ]),
    reply: record(tax.bindingResultReceipt, 'gbk', 156, [             // p. 29
      constant('KK71'),
      ...head,
      ['agreementNo',   left(60)],                                    // 三方协议书号
      ...result,
    ]),
  },

  bindingNotice: {
    request: record(tax.bindingNoticeRequest, 'gbk', 153, [           // p. 30 签约变动通知
      constant('KK22'),
      ...head,
      ['agreementNo',   left(60)],                                    // 三方协议书号
      ['event',         words({ '1': 'account-closed', '2': 'suspended', '3': 'resumed', '4': 'cancelled' })], // 变动
      ['reason',        left(60)],                                    // 原因
    ]),
    reply: record(tax.bindingNoticeReceipt, 'gbk', 156, [             // p. 30
      constant('KK72'),
      ...head,
      ['agreementNo',   left(60)],                                    // 三方协议书号
      ...result,
    ]),
  },

  ...dayEnd,
})
