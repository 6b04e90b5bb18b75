/** 洞庭农商银行 — XML, GBK, over HTTP. Pages are those of the bank's 《财税库行横向联网报文规范 V1.2》. */
import * as tax from '@taxlink/bank-sdk'
import { asIs, bank, constant, document, http, number, omit, words, ymd, yuan } from '@taxlink/bank-sdk'
import { dayEnd } from './day-end.ts'
import { head, items, original, result, version } from './parts.ts'

/** 扣款要素, p. 8: of 扣款 and 补扣. Amounts are yuan with two decimals, not fen. */
const particulars = [
  ['ticketNo',          'TAX/BODY/SPHM',        asIs],        // 税票号码
  ['workDate',          'TAX/BODY/GZRQ',        ymd],         // 工作日期
  ['channel',           'TAX/BODY/SBQD',        words({ DN: 'computer', DH: 'phone' })], // 申报渠道: DN 电脑, DH 电话
  ['taxpayerId',        'TAX/BODY/NSRSBH',      asIs],        // 纳税人识别号
  ['taxpayerName',      'TAX/BODY/NSRMC',       asIs],        // 纳税人名称
  ['agreementNo',       'TAX/BODY/XYSH',        asIs],        // 协议书号
  ['account',           'TAX/BODY/JSZH',        asIs],        // 缴税账号
  omit('payerBankNo'),                                        // one legal person: the bank finds the branch by the account
  ['treasuryCode',      'TAX/BODY/SKGK_DM',     asIs],        // 收款国库代码
  ['clearingNo',        'TAX/BODY/GKQSH',       asIs],        // 国库清算号
  ['remittanceAccount', 'TAX/BODY/BJZH',        asIs],        // 报解专户账号
  ['amount',            'TAX/BODY/JE',          yuan],        // 金额
  items,
] as const

/** 应答体, p. 6: of every answer but that of 连接测试. */
const answer = [
  ...result,
  ['ticketNo',          'TAX/BODY/SPHM',        asIs],        // 税票号码
  ['amount',            'TAX/BODY/JE',          yuan],        // 实际金额
  ['bankSerial',        'TAX/BODY/YHLSH',       asIs],        // 银行流水号
  ['accountingDate',    'TAX/BODY/KJRQ',        ymd],         // 会计日期
] as const

const agreementNo = ['agreementNo', 'TAX/BODY/XYSH', asIs] as const // 协议书号, of every message about an agreement
const channel = ['channel', 'TAX/BODY/SBQD', words({ DN: 'computer', DH: 'phone' })] as const // 申报渠道: DN 电脑, DH 电话

/** 纳税档案, p. 18: of 签约, 变更 and 核验. The branch is the bank's own affair: it is one legal person. */
const profile = [
  ['taxpayerId',        'TAX/BODY/NSRSBH',      asIs],        // 纳税人识别号
  ['taxpayerName',      'TAX/BODY/NSRMC',       asIs],        // 纳税人名称
  ['account',           'TAX/BODY/JSZH',        asIs],        // 缴税账号
  omit('payerBankNo'),
] as const

/** 签约结果, p. 18: the profile as the bank holds it, with the branch where the account is, and what came of it. */
const bound = [
  ['taxpayerId',        'TAX/BODY/NSRSBH',      asIs],        // 纳税人识别号
  ['taxpayerName',      'TAX/BODY/NSRMC',       asIs],        // 纳税人名称
  ['account',           'TAX/BODY/JSZH',        asIs],        // 缴税账号
  ['payerBankNo',       'TAX/BODY/KHHH',        asIs],        // 开户行行号
  ['boundOn',           'TAX/BODY/QYRQ',        ymd],         // 签约日期
  ['credential',        'TAX/BODY/DNBM',        words({ Y: 'issued', N: 'not-issued' })], // 电脑编码和密码: Y 已发, N 未发; never the secret
] as const

const match = words({ Y: 'same', N: 'differs' })              // 核对结果: Y 相符, N 不符

export default bank({
  code: '4306',
  name: '洞庭农商银行',
  document: '《财税库行横向联网报文规范 V1.2》',
  line: http('/ets/tax', { contentType: 'text/xml; charset=GBK' }), // p. 4

  debit: {
    request: document(tax.debitRequest, 'gbk', [              // p. 8 扣款 3001
      version,
      constant('3001', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...particulars,
    ]),
    reply: document(tax.debitResult, 'gbk', [                 // p. 10
      version,
      constant('2001', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...answer,
    ]),
  },

  supplementaryDebit: {
    request: document(tax.supplementaryDebitRequest, 'gbk', [ // p. 11 补扣 3002
      version,
      constant('3002', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...original,
      ['reason',        'TAX/BODY/BKYY',        words({ SK: 'under-debited', WK: 'bank-missing' })], // 补扣原因: SK 少扣, WK 未扣
      ...particulars,
    ]),
    reply: document(tax.supplementaryDebitResult, 'gbk', [    // p. 12
      version,
      constant('2002', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...answer,
    ]),
  },

  inquiry: {
    request: document(tax.inquiryRequest, 'gbk', [            // p. 13 查询 3003
      version,
      constant('3003', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ['ticketNo',      'TAX/BODY/SPHM',        asIs],        // 税票号码
      ['workDate',      'TAX/BODY/GZRQ',        ymd],         // 工作日期
    ]),
    reply: document(tax.inquiryResult, 'gbk', [               // p. 14
      version,
      constant('2003', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...answer,
    ]),
  },

  reversal: {
    request: document(tax.reversalRequest, 'gbk', [           // p. 15 冲正 3004
      version,
      constant('3004', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...original,
      ['ticketNo',      'TAX/BODY/SPHM',        asIs],        // 税票号码
      ['workDate',      'TAX/BODY/GZRQ',        ymd],         // 工作日期
      ['account',       'TAX/BODY/JSZH',        asIs],        // 缴税账号
      ['originalAmount', 'TAX/BODY/YJE',        yuan],        // 原扣款金额
      ['amount',        'TAX/BODY/JE',          yuan],        // 冲正金额
      ['reason',        'TAX/BODY/CZYY',        words({ CF: 'duplicate', DK: 'over-debited', BM: 'in-doubt', SW: 'tax-side' })], // 冲正原因
    ]),
    reply: document(tax.reversalResult, 'gbk', [              // p. 16
      version,
      constant('2004', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...answer,
    ]),
  },

  linkTest: {
    request: document(tax.linkTestRequest, 'gbk', [           // p. 17 连接测试 3009
      version,
      constant('3009', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ['workDate',      'TAX/BODY/GZRQ',        ymd],         // 工作日期
    ]),
    reply: document(tax.linkTestResult, 'gbk', [              // p. 17
      version,
      constant('2009', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      ['accountingDate', 'TAX/BODY/KJRQ',       ymd],         // 会计日期
    ]),
  },

  bind: {
    request: document(tax.bindRequest, 'gbk', [               // p. 18 签约 3011
      version,
      constant('3011', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      agreementNo,
      channel,
      ...profile,
    ]),
    reply: document(tax.bindResult, 'gbk', [                  // p. 18
      version,
      constant('2011', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      agreementNo,
      ...bound,
    ]),
  },

  changeBinding: {
    request: document(tax.changeBindingRequest, 'gbk', [      // p. 19 签约变更 3012
      version,
      constant('3012', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      agreementNo,
      ['originalAgreementNo', 'TAX/BODY/YXYSH', asIs],        // 原协议书号
      channel,
      ...profile,
    ]),
    reply: document(tax.changeBindingResult, 'gbk', [         // p. 19
      version,
      constant('2012', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      agreementNo,
      ...bound,
    ]),
  },

  cancelBinding: {
    request: document(tax.cancelBindingRequest, 'gbk', [      // p. 20 解约 3013
      version,
      constant('3013', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      agreementNo,
      ['account',       'TAX/BODY/JSZH',        asIs],        // 缴税账号
      ['reason',        'TAX/BODY/JYYY',        words({       // 解约原因
        ZZ: 'ended', TH: 'replaced', DQ: 'lapsed', TY: 'refused', ZX: 'deregistered', XH: 'account-closed', HZ: 'account-changed',
      })],
    ]),
    reply: document(tax.cancelBindingResult, 'gbk', [         // p. 20
      version,
      constant('2013', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      agreementNo,
    ]),
  },

  suspension: {
    request: document(tax.suspensionRequest, 'gbk', [         // p. 21 止付与恢复 3014
      version,
      constant('3014', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      agreementNo,
      ['account',       'TAX/BODY/JSZH',        asIs],        // 缴税账号
      ['action',        'TAX/BODY/DZ',          words({ ZF: 'suspend', HF: 'resume' })], // 动作: ZF 止付, HF 恢复
      ['reason',        'TAX/BODY/ZFYY',        words({ GS: 'credential-lost', NS: 'by-taxpayer', SW: 'by-tax-office', QT: 'other' })], // 原因
    ]),
    reply: document(tax.suspensionResult, 'gbk', [            // p. 21
      version,
      constant('2014', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      agreementNo,
    ]),
  },

  bindingStatus: {
    request: document(tax.bindingStatusRequest, 'gbk', [      // p. 22 签约查询 3015
      version,
      constant('3015', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      agreementNo,
    ]),
    reply: document(tax.bindingStatusResult, 'gbk', [         // p. 22
      version,
      constant('2015', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      agreementNo,
      ...bound,
    ]),
  },

  verification: {
    request: document(tax.verificationRequest, 'gbk', [       // p. 23 协议核验 3016
      version,
      constant('3016', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      agreementNo,
      ...profile,
    ]),
    reply: document(tax.verificationResult, 'gbk', [          // p. 23
      version,
      constant('2016', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      agreementNo,
      ['taxpayerIdMatch', 'TAX/BODY/HD_NSRSBH', match],       // 纳税人识别号
      ['taxpayerNameMatch', 'TAX/BODY/HD_NSRMC', match],      // 纳税人名称
      ['officeMatch',   'TAX/BODY/HD_ZSJG',     match],       // 征收机关
      omit('branchMatch'),
      ['accountMatch',  'TAX/BODY/HD_JSZH',     match],       // 账号
    ]),
  },

  monthlySync: {
    request: document(tax.monthlySyncRequest, 'gbk', [        // p. 24 月末同步 3017
      version,
      constant('3017', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ['month',         'TAX/BODY/YF',          asIs],        // 月份
      ['inForce',       'TAX/BODY/YXS',         number],      // 有效签约数
      ['suspended',     'TAX/BODY/ZFS',         number],      // 止付签约数
      ['digest',        'TAX/BODY/ZY',          asIs],        // 清单摘要
    ]),
    reply: document(tax.monthlySyncResult, 'gbk', [           // p. 24
      version,
      constant('2017', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      ['inForce',       'TAX/BODY/YXS',         number],      // 有效签约数
      ['suspended',     'TAX/BODY/ZFS',         number],      // 止付签约数
      ['digest',        'TAX/BODY/ZY',          asIs],        // 清单摘要
    ]),
  },

  push: http('/ets/bank', { contentType: 'text/xml; charset=GBK' }), // p. 25: the same form, posted by the bank

  bindingResult: {
    request: document(tax.bindingResultRequest, 'gbk', [      // p. 25 签约结果通知 4001
      version,
      constant('4001', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      agreementNo,
      ...bound,
    ]),
    reply: document(tax.bindingResultReceipt, 'gbk', [        // p. 25
      version,
      constant('5001', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      agreementNo,
    ]),
  },

  bindingNotice: {
    request: document(tax.bindingNoticeRequest, 'gbk', [      // p. 26 签约变动通知 4002
      version,
      constant('4002', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      agreementNo,
      ['event',         'TAX/BODY/BD',          words({ XH: 'account-closed', ZF: 'suspended', HF: 'resumed', JY: 'cancelled' })], // 变动
      ['reason',        'TAX/BODY/BDYY',        asIs],        // 变动原因
    ]),
    reply: document(tax.bindingNoticeReceipt, 'gbk', [        // p. 26
      version,
      constant('5002', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      agreementNo,
    ]),
  },

  ...dayEnd,
})
