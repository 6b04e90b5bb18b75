// 洞庭农商银行 at the end of a day: messages and files. Pages are those of the bank's 《财税库行横向联网报文规范 V1.2》.
import * as tax from '@taxlink/bank-sdk'
import { asIs, type Bank, constant, delimited, document, elements, file, nested, number, words, ymd, yuan } from '@taxlink/bank-sdk'
import { head, items, original, result, version } from './parts.ts'

/** 类别, p. 29: KK 扣款, BK 补扣, CZ 冲正, TZ 调账. */
const verb = words({ KK: 'debit', BK: 'supplementaryDebit', CZ: 'reversal', TZ: 'adjustment' })
/** 打印标志, p. 33: SC 首次, BD 补打. */
const printMark = words({ SC: 'original', BD: 'reprint' })
/** Every field of a file ends with |, p. 36. */
const bars = { separator: '|', trailing: true } as const

/** 对账日期与场次, p. 29. */
const day = [
  ['workDate',       'TAX/BODY/GZRQ',       ymd],     // 工作日期
  ['accountingDate', 'TAX/BODY/KJRQ',       ymd],     // 会计日期
  ['session',        'TAX/BODY/CC',         number],  // 场次
] as const

/** 总数, p. 29. Amounts are yuan. */
const totals = [
  ['debitCount',     'TAX/BODY/KKBS',       number],  // 扣款笔数
  ['debitSum',       'TAX/BODY/KKJE',       yuan],    // 扣款金额
  ['supplementaryCount', 'TAX/BODY/BKBS',       number], // 补扣笔数
  ['supplementarySum', 'TAX/BODY/BKJE',       yuan],  // 补扣金额
  ['reversalCount',  'TAX/BODY/CZBS',       number],  // 冲正笔数
  ['reversalSum',    'TAX/BODY/CZJE',       yuan],    // 冲正金额
  ['adjustmentCount', 'TAX/BODY/TZBS',       number], // 调账笔数
  ['adjustmentSum',  'TAX/BODY/TZJE',       yuan],    // 调账金额
] as const

const noticeNo = ['noticeNo', 'TAX/BODY/TZDH', asIs] as const // 调账通知单号
const summaryNo = ['summaryNo', 'TAX/BODY/HZLSH', asIs] as const // 汇总流水号

/** What the bank says and hears of a day that is over. */
export const dayEnd = {
  totals: {
    request: document(tax.totalsRequest, 'gbk', [         // p. 29 对总账 3021
      version,
      constant('3021', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...day,
      ['kind',           'TAX/BODY/LB',         words({ RZ: 'final', RJ: 'intraday' })], // RZ 日终, RJ 日间
      ...totals,
    ]),
    reply: document(tax.totalsResult, 'gbk', [            // p. 29
      version,
      constant('2021', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      ...totals,
    ]),
  },

  fileRequest: {
    request: document(tax.fileRequestRequest, 'gbk', [    // p. 30 明细文件请求 3022
      version,
      constant('3022', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...day,
      ['reason',         'TAX/BODY/YY',         words({ SC: 'first', CF: 'resend' })], // SC 首次, CF 重发
      ['why',            'TAX/BODY/SM',         asIs],    // 重发说明
    ]),
    reply: document(tax.fileRequestResult, 'gbk', [       // p. 30
      version,
      constant('2022', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      ['chunks',         'TAX/BODY/WJS',        number],  // 文件数
      ['name',           'TAX/BODY/WJM',        asIs],    // 首个文件名
    ]),
  },

  adjustmentNotice: {
    request: document(tax.adjustmentNoticeRequest, 'gbk', [ // p. 31 调账通知单 3023
      version,
      constant('3023', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      noticeNo,
      ['ticketNo',       'TAX/BODY/SPHM',       asIs],    // 税票号码
      ...original,
      ['bankSerial',     'TAX/BODY/YHLSH',      asIs],    // 银行流水号
      ['account',        'TAX/BODY/JSZH',       asIs],    // 缴税账号
      ['accountingDate', 'TAX/BODY/KJRQ',       ymd],     // 会计日期
      ['taxAmount',      'TAX/BODY/SWJE',       yuan],    // 税务记录金额
      ['bankAmount',     'TAX/BODY/YHJE',       yuan],    // 银行记录金额
      ['amount',         'TAX/BODY/JE',         yuan],    // 应调回金额
      ['reason',         'TAX/BODY/TZYY',       words({ CF: 'duplicate', DK: 'over-debited', WZ: 'bank-only', WC: 'reversal-missing' })], // 调账原因
      ['issuingOffice',  'TAX/BODY/KJJG_DM',    asIs],    // 开具机关代码
      ['issuedOn',       'TAX/BODY/KJRQ_TZ',    ymd],     // 开具日期
      ['dueOn',          'TAX/BODY/QX',         ymd],     // 调回期限
    ]),
    reply: document(tax.adjustmentNoticeResult, 'gbk', [  // p. 31
      version,
      constant('2023', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      noticeNo,
    ]),
  },

  summaryVoucher: {
    request: document(tax.summaryVoucherRequest, 'gbk', [ // p. 32 划款入库凭证 3024
      version,
      constant('3024', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      summaryNo,
      ['workDate',       'TAX/BODY/GZRQ',       ymd],     // 工作日期
      ['accountingDate', 'TAX/BODY/KJRQ',       ymd],     // 会计日期
      ['treasuryCode',   'TAX/BODY/SKGK_DM',    asIs],    // 收款国库代码
      ['clearingNo',     'TAX/BODY/GKQSH',      asIs],    // 国库清算号
      ['remittanceAccount', 'TAX/BODY/BJZH',       asIs], // 报解专户账号
      ['ticketCount',    'TAX/BODY/SPFS',       number],  // 税票份数
      ['amount',         'TAX/BODY/JE',         yuan],    // 划解金额
      ['deadline',       'TAX/BODY/ZCSK',       asIs],    // 最迟时刻 HHmm
    ]),
    reply: document(tax.summaryVoucherResult, 'gbk', [    // p. 32
      version,
      constant('2024', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      summaryNo,
    ]),
  },

  ticketInformation: {
    request: document(tax.ticketInformationRequest, 'gbk', [ // p. 33 税票信息 3025
      version,
      constant('3025', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ['ticketNo',       'TAX/BODY/SPHM',       asIs],    // 税票号码
      summaryNo,
      ['taxpayerId',     'TAX/BODY/NSRSBH',     asIs],    // 纳税人识别号
      ['taxpayerName',   'TAX/BODY/NSRMC',      asIs],    // 纳税人名称
      ['account',        'TAX/BODY/JSZH',       asIs],    // 缴税账号
      ['payerBankNo',    'TAX/BODY/KHHH',       asIs],    // 开户行行号
      ['treasuryCode',   'TAX/BODY/SKGK_DM',    asIs],    // 收款国库代码
      ['amount',         'TAX/BODY/JE',         yuan],    // 金额
      ['paidAt',         'TAX/BODY/JKRQ',       ymd],     // 缴款日期
      ['printMark',      'TAX/BODY/DYBZ',       printMark], // 打印标志
      items,
    ]),
    reply: document(tax.ticketInformationResult, 'gbk', [ // p. 33
      version,
      constant('2025', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      ['ticketNo',       'TAX/BODY/SPHM',       asIs],    // 税票号码
    ]),
  },

  feeStatement: {
    request: document(tax.feeStatementRequest, 'gbk', [   // p. 34 手续费月报 3026
      version,
      constant('3026', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ['month',          'TAX/BODY/YF',         asIs],    // 月份
      ['count',          'TAX/BODY/BS',         number],  // 计费笔数
      ['fee',            'TAX/BODY/SXF',        yuan],    // 手续费
    ]),
    reply: document(tax.feeStatementResult, 'gbk', [      // p. 34
      version,
      constant('2026', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      ['count',          'TAX/BODY/BS',         number],  // 计费笔数
      ['fee',            'TAX/BODY/SXF',        yuan],    // 手续费
    ]),
  },

  differenceReport: {
    request: document(tax.differenceReportRequest, 'gbk', [ // p. 35 对账差异通知 3027
      version,
      constant('3027', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...day,
      ['equalCount',     'TAX/BODY/XF',         number],  // 相符
      ['amountDiffers',  'TAX/BODY/JEBF',       number],  // 金额不符
      ['bankOnly',       'TAX/BODY/YHY',        number],  // 本行有税务无
      ['taxOnly',        'TAX/BODY/SWY',        number],  // 税务有本行无
      ['stateDiffers',   'TAX/BODY/ZTBF',       number],  // 状态不符
      ['duplicates',     'TAX/BODY/CF',         number],  // 本行重复
      ['reversedOneSide', 'TAX/BODY/YFCZ',       number], // 一方已冲正
      ['particularsDiffer', 'TAX/BODY/YSBF',       number], // 要素不符
      ['cutOffs',        'TAX/BODY/RQ',         number],  // 日切差异
      ['inBank',         'TAX/BODY/HNBF',       number],  // 核心不符
      elements('lines', 'TAX/BODY/CYS/CY', { max: 20 }, [ // 差异明细
        ['type', 'LB', words({ JE: 'amount-differs', YH: 'bank-only', SW: 'tax-only', ZT: 'state-differs', CF: 'duplicate-at-bank',
          CZ: 'reversed-one-side', YS: 'particulars-differ', RQ: 'cut-off', HN: 'in-bank' })], // 差异类别
        ['officeCode',     'ZSJG_DM',             asIs],  // 征收机关代码
        ['entrustDate',    'WTRQ',                ymd],   // 委托日期
        ['serialNo',       'JYLSH',               asIs],  // 交易流水号
        ['verb',           'JZLB',                verb],  // 类别
        ['ticketNo',       'SPHM',                asIs],  // 税票号码
        ['taxAmount',      'SWJE',                yuan],  // 税务记录金额
        ['bankAmount',     'YHJE',                yuan],  // 本行记录金额
        ['bankSerial',     'YHLSH',               asIs],  // 银行流水号
      ]),
    ]),
    reply: document(tax.differenceReportResult, 'gbk', [  // p. 35
      version,
      constant('2027', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
    ]),
  },

  adjustmentReceipt: {
    request: document(tax.adjustmentReceiptRequest, 'gbk', [ // p. 31 调账回执 4003
      version,
      constant('4003', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      noticeNo,
      ['amount',         'TAX/BODY/JE',         yuan],    // 已调回金额
      ['accountingDate', 'TAX/BODY/KJRQ',       ymd],     // 会计日期
      ['bankSerial',     'TAX/BODY/YHLSH',      asIs],    // 银行流水号
    ]),
    reply: document(tax.adjustmentReceiptReceipt, 'gbk', [ // p. 31
      version,
      constant('5003', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      noticeNo,
    ]),
  },

  remitConfirmation: {
    request: document(tax.remitConfirmationRequest, 'gbk', [ // p. 32 划款确认 4004
      version,
      constant('4004', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      summaryNo,
      ['amount',         'TAX/BODY/JE',         yuan],    // 划解金额
      ['remittedAt',     'TAX/BODY/HJRQ',       ymd],     // 划解日期
      ['bankSerial',     'TAX/BODY/YHLSH',      asIs],    // 银行流水号
    ]),
    reply: document(tax.remitConfirmationReceipt, 'gbk', [ // p. 32
      version,
      constant('5004', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      summaryNo,
    ]),
  },

  treasuryReceipt: {
    request: document(tax.treasuryReceiptRequest, 'gbk', [ // p. 32 国库回执 4005
      version,
      constant('4005', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      summaryNo,
      ['treasuryCode',   'TAX/BODY/SKGK_DM',    asIs],    // 收款国库代码
      ['amount',         'TAX/BODY/JE',         yuan],    // 入库金额
      ['enteredOn',      'TAX/BODY/RKRQ',       ymd],     // 入库日期
    ]),
    reply: document(tax.treasuryReceiptReceipt, 'gbk', [  // p. 32
      version,
      constant('5005', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      summaryNo,
    ]),
  },

  voucherPrinted: {
    request: document(tax.voucherPrintedRequest, 'gbk', [ // p. 33 凭证已打印 4006
      version,
      constant('4006', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ['ticketNo',       'TAX/BODY/SPHM',       asIs],    // 税票号码
      ['copies',         'TAX/BODY/FS',         number],  // 份数
      ['printMark',      'TAX/BODY/DYBZ',       printMark], // 打印标志
      ['printedOn',      'TAX/BODY/DYRQ',       ymd],     // 打印日期
    ]),
    reply: document(tax.voucherPrintedReceipt, 'gbk', [   // p. 33
      version,
      constant('5006', 'TAX/HEAD/TRAN_CODE'),
      ...head,
      ...result,
      ['ticketNo',       'TAX/BODY/SPHM',       asIs],    // 税票号码
    ]),
  },

  files: {
    detail: file('detail', {                                  // p. 36 对账明细文件: fields end with |, lines with LF
      called: 'DZ{bankCode}{accountingDate}{session:2}{chunk:4}.del',
      lineEnd: 'lf',
      header: delimited(tax.detailHeader, 'gbk', bars, [      // p. 36 首行
        constant('H'),
        ['bankCode',      asIs],                              // 行号
        ['workDate',      ymd],                               // 工作日期
        ['accountingDate', ymd],                              // 会计日期
        ['session',       number],                            // 场次
        ['chunk',         number],                            // 第几个文件
        ['chunks',        number],                            // 共几个文件
        ['fileCount',     number],                            // 总笔数
        ['fileDebitSum',  yuan],                              // 扣款总额
        ['fileCreditSum', yuan],                              // 退款总额
      ]),
      line: delimited(tax.detailLine, 'gbk', bars, [          // p. 37 明细行
        constant('D'),
        ['officeCode',    asIs],                              // 征收机关代码
        ['entrustDate',   ymd],                               // 委托日期
        ['serialNo',      asIs],                              // 交易流水号
        ['verb',          verb],                              // 类别
        ['ticketNo',      asIs],                              // 税票号码
        ['account',       asIs],                              // 缴税账号
        ['taxpayerName',  asIs],                              // 户名
        ['amount',        yuan],                              // 金额
        ['status',        words({ CG: 'booked', SB: 'failed', YC: 'reversed' })], // 状态: CG 成功, SB 失败, YC 已冲正
        ['bankSerial',    asIs],                              // 银行流水号
        ['accountingDate', ymd],                              // 会计日期
        ['originalEntrustDate', ymd],                         // 原委托日期
        ['originalSerialNo', asIs],                           // 原交易流水号
        ['noticeNo',      asIs],                              // 调账通知单号
        ['coreStatus',    words({ YZ: 'same', WJ: 'missing', BF: 'differs' })], // 核心: YZ 一致, WJ 无记录, BF 不符
        nested('items',   { max: 20 }, [                      // 税目数, then 税目明细, p. 38
          ['taxCode',       asIs],                            // 征收项目代码
          ['taxName',       asIs],                            // 征收项目名称
          ['budgetSubject', asIs],                            // 预算科目代码
          ['budgetLevel',   asIs],                            // 预算级次
          ['periodStart',   ymd],                             // 所属期起
          ['periodEnd',     ymd],                             // 所属期止
          ['amount',        yuan],                            // 税额
        ]),
      ]),
      trailer: delimited(tax.detailTrailer, 'gbk', bars, [    // p. 38 末行
        constant('T'),
        ['count',         number],                            // 笔数
        ['debitSum',      yuan],                              // 扣款金额
        ['creditSum',     yuan],                              // 退款金额
      ]),
    }),
  },
} satisfies Partial<Bank>
