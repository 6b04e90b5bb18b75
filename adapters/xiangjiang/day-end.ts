// 湘江银行 at the end of a day: messages and files. Pages are those of the bank's 《代扣税接口规范 V1.2》.
import * as tax from '@taxlink/bank-sdk'
import { type Bank, constant, file, left, omit, record, repeat, right, words, ymd } from '@taxlink/bank-sdk'
import { head, items, original, result } from './parts.ts'

/** 记账类别, p. 33: 1 扣税, 2 补扣, 3 冲正, 4 调账. */
const verb = words({ '1': 'debit', '2': 'supplementaryDebit', '3': 'reversal', '4': 'adjustment' })
/** 打印标志, p. 37: 0 首次, 1 补打. */
const printMark = words({ '0': 'original', '1': 'reprint' })

/** 对账日期与场次, p. 33. 18 bytes. */
const day = [
  ['workDate',          ymd],                                         // 税务工作日期
  ['accountingDate',    ymd],                                         // 主机会计日期
  ['session',           right(2)],                                    // 场次
] as const

/** 总数, p. 33: counts, and sums in fen. 96 bytes. */
const totals = [
  ['debitCount',        right(9)],                                    // 扣税笔数
  ['debitSum',          right(15)],                                   // 扣税金额
  ['supplementaryCount', right(9)],                                   // 补扣笔数
  ['supplementarySum',  right(15)],                                   // 补扣金额
  ['reversalCount',     right(9)],                                    // 冲正笔数
  ['reversalSum',       right(15)],                                   // 冲正金额
  ['adjustmentCount',   right(9)],                                    // 调账笔数
  ['adjustmentSum',     right(15)],                                   // 调账金额
] as const

const noticeNo = ['noticeNo', left(20)] as const                      // 调账通知单号
const summaryNo = ['summaryNo', left(20)] as const                    // 汇总流水号

/** What the bank says and hears of a day that is over. */
export const dayEnd = {
  totals: {
    request: record(tax.totalsRequest, 'gbk', 147, [                  // p. 33 总数核对
      constant('KK31'),
      ...head,
      ...day,
      ['kind',          words({ '1': 'final', '0': 'intraday' })],    // 1 日终, 0 日间
      ...totals,
    ]),
    reply: record(tax.totalsResult, 'gbk', 192, [                     // p. 33
      constant('KK81'),
      ...head,
      ...result,
      ...totals,                                                      // 本行总数
    ]),
  },

  fileRequest: {
    request: record(tax.fileRequestRequest, 'gbk', 111, [             // p. 34 明细文件请求
      constant('KK32'),
      ...head,
      ...day,
      ['reason',        words({ '0': 'first', '1': 'resend' })],      // 0 首次, 1 重发
      ['why',           left(60)],                                    // 重发说明
    ]),
    reply: record(tax.fileRequestResult, 'gbk', 160, [                // p. 34
      constant('KK82'),
      ...head,
      ...result,
      ['chunks',        right(4)],                                    // 文件数
      ['name',          left(60)],                                    // 首个文件名
    ]),
  },

  adjustmentNotice: {
    request: record(tax.adjustmentNoticeRequest, 'gbk', 220, [        // p. 35 调账通知单
      constant('KK33'),
      ...head,
      noticeNo,
      ['ticketNo',      left(18)],                                    // 电子税票号
      ...original,
      ['bankSerial',    left(20)],                                    // 主机流水号
      ['account',       left(32)],                                    // 缴税账号
      ['accountingDate', ymd],                                        // 主机会计日期
      ['taxAmount',     right(15)],                                   // 税务记录金额, in fen
      ['bankAmount',    right(15)],                                   // 银行记录金额, in fen
      ['amount',        right(15)],                                   // 应调回金额, in fen
      ['reason',        words({ '1': 'duplicate', '2': 'over-debited', '3': 'bank-only', '4': 'reversal-missing' })], // 调账原因
      ['issuingOffice', left(12)],                                    // 开具机关
      ['issuedOn',      ymd],                                         // 开具日期
      ['dueOn',         ymd],                                         // 调回期限
    ]),
    reply: record(tax.adjustmentNoticeResult, 'gbk', 116, [           // p. 35
      constant('KK83'),
      ...head,
      noticeNo,
      ...result,
    ]),
  },

  summaryVoucher: {
    request: record(tax.summaryVoucherRequest, 'gbk', 151, [          // p. 36 划款入库凭证
      constant('KK34'),
      ...head,
      summaryNo,
      ['workDate',      ymd],                                         // 税务工作日期
      ['accountingDate', ymd],                                        // 主机会计日期
      ['treasuryCode',  left(11)],                                    // 收款国库代码
      ['clearingNo',    left(12)],                                    // 国库清算号
      ['remittanceAccount', left(32)],                                // 报解专户账号
      ['ticketCount',   right(9)],                                    // 税票份数
      ['amount',        right(15)],                                   // 划解金额, in fen
      ['deadline',      left(4)],                                     // 最迟时刻 HHmm
    ]),
    reply: record(tax.summaryVoucherResult, 'gbk', 116, [             // p. 36
      constant('KK84'),
      ...head,
      summaryNo,
      ...result,
    ]),
  },

  ticketInformation: {
    request: record(tax.ticketInformationRequest, 'gbk', 231, [       // p. 37 电子税票信息
      constant('KK35'),
      ...head,
      ['ticketNo',      left(18)],                                    // 电子税票号
      summaryNo,
      ['taxpayerId',    left(20)],                                    // 纳税人识别号
      ['taxpayerName',  left(60)],                                    // 纳税人名称
      ['account',       left(32)],                                    // 缴税账号
      ['payerBankNo',   left(12)],                                    // 付款开户行行号
      ['treasuryCode',  left(11)],                                    // 收款国库代码
      ['amount',        right(15)],                                   // 税款金额, in fen
      ['paidAt',        ymd],                                         // 缴款日期
      ['printMark',     printMark],                                   // 打印标志
      items,
    ]),
    reply: record(tax.ticketInformationResult, 'gbk', 114, [          // p. 37
      constant('KK85'),
      ...head,
      ['ticketNo',      left(18)],                                    // 电子税票号
      ...result,
    ]),
  },

  feeStatement: {
    request: record(tax.feeStatementRequest, 'gbk', 62, [             // p. 38 手续费月报
      constant('KK36'),
      ...head,
      ['month',         left(6)],                                     // 月份
      ['count',         right(9)],                                    // 计费笔数
      ['fee',           right(15)],                                   // 手续费, in fen
    ]),
    reply: record(tax.feeStatementResult, 'gbk', 120, [               // p. 38
      constant('KK86'),
      ...head,
      ...result,
      ['count',         right(9)],                                    // 本行计费笔数
      ['fee',           right(15)],                                   // 本行手续费, in fen
    ]),
  },

  differenceReport: {
    request: record(tax.differenceReportRequest, 'gbk', 142, [        // p. 39 对账差异通知
      constant('KK37'),
      ...head,
      ...day,
      ['equalCount',    right(9)],                                    // 相符
      ['amountDiffers', right(9)],                                    // 金额不符
      ['bankOnly',      right(9)],                                    // 本行有税务无
      ['taxOnly',       right(9)],                                    // 税务有本行无
      ['stateDiffers',  right(9)],                                    // 状态不符
      ['duplicates',    right(9)],                                    // 本行重复
      ['reversedOneSide', right(9)],                                  // 一方已冲正
      ['particularsDiffer', right(9)],                                // 要素不符
      ['cutOffs',       right(9)],                                    // 日切差异
      ['inBank',        right(9)],                                    // 前置与核心不符
      repeat('lines', { count: right(2), max: 20 }, [                 // 明细数, then 差异明细, 98 bytes each
        ['type',        words({                                       // 差异类别
          '1': 'amount-differs', '2': 'bank-only', '3': 'tax-only', '4': 'state-differs', '5': 'duplicate-at-bank',
          '6': 'reversed-one-side', '7': 'particulars-differ', '8': 'cut-off', '9': 'in-bank',
        })],
        ['officeCode',  left(12)],                                    // 征收机关代码
        ['entrustDate', ymd],                                         // 委托日期
        ['serialNo',    left(8)],                                     // 交易流水号
        ['verb',        verb],                                        // 记账类别
        ['ticketNo',    left(18)],                                    // 电子税票号
        ['taxAmount',   right(15)],                                   // 税务记录金额, in fen
        ['bankAmount',  right(15)],                                   // 本行记录金额, in fen
        ['bankSerial',  left(20)],                                    // 主机流水号
      ]),
    ]),
    reply: record(tax.differenceReportResult, 'gbk', 96, [            // p. 39
      constant('KK87'),
      ...head,
      ...result,
    ]),
  },

  adjustmentReceipt: {
    request: record(tax.adjustmentReceiptRequest, 'gbk', 95, [        // p. 35 调账回执
      constant('KK23'),
      ...head,
      noticeNo,
      ['amount',        right(15)],                                   // 已调回金额, in fen
      ['accountingDate', ymd],                                        // 主机会计日期
      ['bankSerial',    left(20)],                                    // 主机流水号
    ]),
    reply: record(tax.adjustmentReceiptReceipt, 'gbk', 116, [         // p. 35
      constant('KK73'),
      ...head,
      noticeNo,
      ...result,
    ]),
  },

  remitConfirmation: {
    request: record(tax.remitConfirmationRequest, 'gbk', 95, [        // p. 36 划款确认
      constant('KK24'),
      ...head,
      summaryNo,
      ['amount',        right(15)],                                   // 划解金额, in fen
      ['remittedAt',    ymd],                                         // 划解日期
      ['bankSerial',    left(20)],                                    // 主机流水号
    ]),
    reply: record(tax.remitConfirmationReceipt, 'gbk', 116, [         // p. 36
      constant('KK74'),
      ...head,
      summaryNo,
      ...result,
    ]),
  },

  treasuryReceipt: {
    request: record(tax.treasuryReceiptRequest, 'gbk', 86, [          // p. 36 国库回执, passed on by the lead branch
      constant('KK25'),
      ...head,
      summaryNo,
      ['treasuryCode',  left(11)],                                    // 收款国库代码
      ['amount',        right(15)],                                   // 入库金额, in fen
      ['enteredOn',     ymd],                                         // 入库日期
    ]),
    reply: record(tax.treasuryReceiptReceipt, 'gbk', 116, [           // p. 36
      constant('KK75'),
      ...head,
      summaryNo,
      ...result,
    ]),
  },

  voucherPrinted: {
    request: record(tax.voucherPrintedRequest, 'gbk', 61, [           // p. 37 凭证已打印
      constant('KK26'),
      ...head,
      ['ticketNo',      left(18)],                                    // 电子税票号
      ['copies',        right(2)],                                    // 份数
      ['printMark',     printMark],                                   // 打印标志
      ['printedOn',     ymd],                                         // 打印日期
    ]),
    reply: record(tax.voucherPrintedReceipt, 'gbk', 114, [            // p. 37
      constant('KK76'),
      ...head,
      ['ticketNo',      left(18)],                                    // 电子税票号
      ...result,
    ]),
  },

  files: {
    detail: file('detail', {                                          // p. 40 日终对账明细文件: ASCII and GBK, each line ends with CR LF
      called: 'KKMX_{bankCode}_{accountingDate}_{session:2}_{chunk:4}.txt',
      lineEnd: 'crlf',
      header: record(tax.detailHeader, 'gbk', 70, [                   // p. 40 文件头
        constant('H'),
        ['bankCode',      left(4)],                                   // 银行代码
        ['workDate',      ymd],                                       // 税务工作日期
        ['accountingDate', ymd],                                      // 主机会计日期
        ['session',       right(2)],                                  // 场次
        ['chunk',         right(4)],                                  // 文件序号
        ['chunks',        right(4)],                                  // 文件数
        ['fileCount',     right(9)],                                  // 总笔数
        ['fileDebitSum',  right(15)],                                 // 扣款总额, in fen
        ['fileCreditSum', right(15)],                                 // 退款总额, in fen
      ]),
      line: record(tax.detailLine, 'gbk', 221, [                      // p. 41 明细
        constant('D'),
        ...head,
        ['verb',          verb],                                      // 记账类别
        ['ticketNo',      left(18)],                                  // 电子税票号
        ['account',       left(32)],                                  // 缴税账号
        ['taxpayerName',  left(60)],                                  // 户名
        ['amount',        right(15)],                                 // 金额, in fen
        ['status',        words({ '0': 'booked', '1': 'failed', '2': 'reversed' })], // 状态: 0 已记账, 1 失败, 2 已冲正
        ['bankSerial',    left(20)],                                  // 主机流水号
        ['accountingDate', ymd],                                      // 主机会计日期
        ...original,
        ['noticeNo',      left(20)],                                  // 调账通知单号
        ['coreStatus',    words({ '0': 'same', '1': 'missing', '2': 'differs' })], // 核心状态: 0 一致, 1 核心无, 2 核心不符
        omit('items'),
      ]),
      trailer: record(tax.detailTrailer, 'gbk', 40, [                 // p. 42 文件尾
        constant('T'),
        ['count',         right(9)],                                  // 笔数
        ['debitSum',      right(15)],                                 // 扣款金额, in fen
        ['creditSum',     right(15)],                                 // 退款金额, in fen
      ]),
    }),
  },
} satisfies Partial<Bank>
