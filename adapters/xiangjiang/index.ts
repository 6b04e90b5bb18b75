/** 湘江银行 — fixed width, GBK, over TCP. Pages are those of the bank's 《代扣税接口规范 V1.2》. */
import * as tax from '@taxlink/bank-sdk'
import { bank, blank, constant, left, omit, record, repeat, right, tcp, words, ymd } from '@taxlink/bank-sdk'
import { resultCodes } from './codes.ts'

/** 公共报文头, p. 8: stands behind the 交易码 of every message. 28 bytes. */
const head = [
  ['officeCode',        left(12)],                                    // 征收机关代码
  ['entrustDate',       ymd],                                         // 委托日期
  ['serialNo',          left(8)],                                     // 交易流水号
] as const

/** 原交易, p. 9: of 补扣 and 冲正. 16 bytes. */
const original = [
  ['originalEntrustDate', ymd],                                       // 原委托日期
  ['originalSerialNo',  left(8)],                                     // 原交易流水号
] as const

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
  repeat('items', { count: right(2), max: 10 }, [                     // 税目数, then 税目明细, p. 12
    ['taxCode',         left(10)],                                    // 税种代码
    ['taxName',         left(60)],                                    // 税种名称
    ['budgetSubject',   left(30)],                                    // 预算科目代码
    ['budgetLevel',     left(1)],                                     // 预算级次
    ['periodStart',     ymd],                                         // 所属期起
    ['periodEnd',       ymd],                                         // 所属期止
    ['amount',          right(15)],                                   // 税额, in fen
  ]),
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
})
