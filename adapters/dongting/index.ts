/** 洞庭农商银行 — XML, GBK, over HTTP. Pages are those of the bank's 《财税库行横向联网报文规范 V1.2》. */
import * as tax from '@taxlink/bank-sdk'
import { asIs, bank, constant, document, elements, http, omit, words, ymd, yuan } from '@taxlink/bank-sdk'
import { resultCodes } from './codes.ts'

const version = constant('1.2', 'TAX/HEAD/@VER') //              版本, p. 5

/** 报文头, p. 5: of every message. */
const head = [
  ['officeCode',        'TAX/HEAD/ZSJG_DM',     asIs],        // 征收机关代码
  ['entrustDate',       'TAX/HEAD/WTRQ',        ymd],         // 委托日期
  ['serialNo',          'TAX/HEAD/JYLSH',       asIs],        // 交易流水号
] as const

/** 原交易, p. 6: of 补扣 and 冲正. */
const original = [
  ['originalEntrustDate', 'TAX/BODY/YWTRQ',     ymd],         // 原委托日期
  ['originalSerialNo',  'TAX/BODY/YJYLSH',      asIs],        // 原交易流水号
] as const

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
  elements('items',     'TAX/BODY/MXS/MX',      { max: 20 }, [ // 税目明细, p. 9
    ['taxCode',         'ZSXM_DM',              asIs],        // 征收项目代码
    ['taxName',         'ZSXM_MC',              asIs],        // 征收项目名称
    ['budgetSubject',   'YSKM_DM',              asIs],        // 预算科目代码
    ['budgetLevel',     'YSJC',                 asIs],        // 预算级次
    ['periodStart',     'SSQ_Q',                ymd],         // 所属期起
    ['periodEnd',       'SSQ_Z',                ymd],         // 所属期止
    ['amount',          'SE',                   yuan],        // 税额
  ]),
] as const

/** 处理结果, p. 6: in the head of every answer. */
const result = [
  ['result',            'TAX/HEAD/RET',         resultCodes], // 响应码
  ['result.bankText',   'TAX/HEAD/RETMSG',      asIs],        // 响应信息
] as const

/** 应答体, p. 6: of every answer but that of 连接测试. */
const answer = [
  ...result,
  ['ticketNo',          'TAX/BODY/SPHM',        asIs],        // 税票号码
  ['amount',            'TAX/BODY/JE',          yuan],        // 实际金额
  ['bankSerial',        'TAX/BODY/YHLSH',       asIs],        // 银行流水号
  ['accountingDate',    'TAX/BODY/KJRQ',        ymd],         // 会计日期
] as const

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
})
