import { debitRequest, exchanges, maxFen } from '@taxlink/bank-sdk'
import { voucherMachine } from '../domain/voucher.ts'
import { ticketMachine, undoCauses } from '../domain/write-off.ts'
import { debitOrder } from '../flows/order.ts'
import { instant, property, text } from './schemas.ts'

// The shapes of write-offs, vouchers, the treasury, certificates, fees and figures.

const { officeCode, treasuryCode, channel } = debitRequest.fields
const { ticketNo, bankCode } = debitOrder.fields
const { summaryNo } = exchanges.treasuryReceipt.request.fields
const fenOf = (title: string, minimum = 0) => ({ type: 'integer', title, minimum, maximum: maxFen })
/** A sum of many, in fen: it may be larger than any single amount. */
const sumOf = (title: string) => ({ type: 'integer', title, minimum: 0 })
const countOf = (title: string) => ({ type: 'integer', title, minimum: 0 })
const dateOf = (title: string) => ({ type: 'string', format: 'date', title })
const at = (title: string) => instant(title, '2026-11-11T12:00:07.000+08:00')
const actor = text('经办:银行、人或进程 / by whom: the bank, the person, the process')
/** A part of a shape, which has no name of its own. */
const part = <const P extends object>(title: string, properties: P, ...optional: (keyof P)[]) => ({
  title,
  type: 'object',
  additionalProperties: false,
  required: Object.keys(properties).filter(name => !optional.includes(name as keyof P)),
  properties,
})
const object = <const P extends object>($id: string, title: string, properties: P, ...optional: (keyof P)[]) => ({
  $id,
  ...part(title, properties, ...optional),
})
const listOf = (title: string, name: string) => ({ type: 'array', title, items: { $ref: `${name}#` } })
const next = text('下一页游标,没有则为末页 / cursor of the next page; absent on the last')
const certificateNo = {
  type: 'string',
  title: '完税证号码 / number of the certificate',
  pattern: '^[0-9A-Za-z-]{1,20}$',
  examples: ['20260004711'],
}

const batch = object(
  'WriteOffBatch',
  '上解销号批次 / batch of write-offs',
  {
    bankCode: property(bankCode),
    accountingDate: dateOf('银行会计日 / accounting date of the bank'),
    batch: countOf('该日第几批 / number within the day'),
    session: countOf('所依据的对账场次 / the session it goes by'),
    workDate: dateOf('上解销号日期 / day of the write-off'),
    begunAt: at('开始 / begun at'),
    doneAt: at('完成 / done at'),
    tickets: countOf('销号笔数(本机关及下级) / tickets, of the offices in sight'),
    amount: sumOf('销号金额,分 / fen, of the same'),
    heldBack: countOf('待下次的笔数 / tickets that had to wait'),
  },
  'doneAt',
  'heldBack',
)
const batchList = object('WriteOffList', '一天的上解销号 / the write-offs of a day', { batches: listOf('批次 / batches', 'WriteOffBatch') })

const voucherFields = {
  summaryNo: property(summaryNo),
  officeCode: property(officeCode),
  treasuryCode: property(treasuryCode),
  clearingNo: text('清算号 / clearing number'),
  bankCode: property(bankCode),
  leadBranch: text('主办行 / lead branch'),
  account: text('报解专户 / remittance account'),
  accountingDate: dateOf('银行会计日 / accounting date of the bank'),
  workDate: dateOf('应划解之日 / the day of its deadline'),
  tickets: countOf('税票份数 / tickets'),
  amount: fenOf('金额,分 / fen', 1),
  deadline: at('最迟(16:00) / until when'),
  madeAt: at('汇总时间 / made at'),
  state: { type: 'string', title: '状态 / state', enum: Object.keys(voucherMachine.table) },
  remittedOn: dateOf('划解日期 / day of the remittance'),
  enteredOn: dateOf('入库日期 / day of the entry'),
  differences: countOf('所说不符的次数 / how often something was said of it that differs'),
}
const voucher = object('SummaryVoucher', '电子缴税划款入库凭证 / summary voucher', voucherFields, 'remittedOn', 'enteredOn')
const voucherPage = object(
  'SummaryVoucherPage',
  '凭证 / page of vouchers',
  { vouchers: listOf('凭证 / vouchers', 'SummaryVoucher'), next },
  'next',
)
const happening = object(
  'VoucherHappening',
  '凭证的一件事 / something that happened to a voucher',
  {
    event: text('事项:告知、拒收、再次告知、划解、入库、不符、临近时限 / what happened'),
    amount: fenOf('所说金额,分 / fen, as it was said'),
    onDate: dateOf('所说日期 / the day that was said'),
    actor,
    bankSerial: text('银行流水号 / the bank’s serial number'),
    rule: text('何处不符,或拒收的结果码 / how it differs, or the code of the refusal'),
    reason: text('再次告知的理由 / why it was ordered to be told again'),
    at: at('时间 / at'),
  },
  'amount',
  'onDate',
  'bankSerial',
  'rule',
  'reason',
)
const voucherLife = object(
  'SummaryVoucherLife',
  '一张凭证及其经过,打印所需俱全 / a voucher with all that happened to it, and all that its print needs',
  {
    ...voucherFields,
    treasuryName: text('国库名称 / name of the treasury'),
    happenings: listOf('经过 / what happened', 'VoucherHappening'),
  },
  'remittedOn',
  'enteredOn',
)
const voucherTickets = object(
  'VoucherTicketPage',
  '凭证里的税票 / tickets of a voucher',
  {
    tickets: {
      type: 'array',
      items: part('税票 / ticket', {
        ticketNo: property(ticketNo),
        amount: fenOf('金额,分 / fen', 1),
        isUndone: { type: 'boolean', title: '已撤销销号 / its marks were undone' },
      }),
    },
    next,
  },
  'next',
)
const countdown = object('VoucherCountdown', '倒计时到 16:00 / countdown to 16:00', {
  now: at('现在 / now'),
  deadline: at('下一个时限 / the next deadline'),
  secondsLeft: countOf('还剩秒数 / seconds left'),
  alarm: { type: 'string', title: '程度 / how near', enum: ['none', 'due-soon', 'due-urgent', 'overdue'] },
  notRemitted: listOf('未见划款确认的凭证,按时限 / vouchers whose money is not known to be on its way', 'SummaryVoucher'),
})

const receiptOrder = {
  ...object('TreasuryReceiptOrder', '国库回执(手工录入) / receipt of the treasury, entered by hand', {
    treasuryCode: property(treasuryCode),
    amount: fenOf('入库金额,分 / fen that were entered', 1),
    enteredOn: dateOf('入库日期 / day of the entry'),
  }),
  examples: [{ treasuryCode: '18010000', amount: 1_344_400, enteredOn: '2026-11-11' }],
}
const entry = {
  summaryNo: property(summaryNo),
  amount: fenOf('金额,分 / fen', 1),
}
const reportOrder = {
  ...object(
    'TreasuryReportOrder',
    '金库日报表 / daily report of a treasury',
    {
      treasuryCode: property(treasuryCode),
      reportDate: dateOf('日期 / day'),
      count: countOf('凭证张数 / vouchers'),
      amount: fenOf('合计,分 / total in fen'),
      lines: {
        type: 'array',
        title: '逐张,日报表有则填 / voucher by voucher, where the report lists them',
        maxItems: 5_000,
        items: { type: 'object', additionalProperties: false, required: ['summaryNo', 'amount'], properties: entry },
      },
    },
    'lines',
  ),
  examples: [{ treasuryCode: '18010000', reportDate: '2026-11-11', count: 1, amount: 1_344_400 }],
}
const statement = object(
  'TreasuryStatement',
  '金库对账单 / treasury statement',
  {
    treasuryCode: property(treasuryCode),
    treasuryName: text('国库名称 / name of the treasury'),
    day: dateOf('入库日期 / day of the entries'),
    count: countOf('入库销号的凭证张数 / vouchers entered'),
    amount: sumOf('合计,分 / fen'),
    isReported: { type: 'boolean', title: '日报表已录入 / whether the treasury’s report is there' },
    isEqual: { type: 'boolean', title: '相符 / whether both are equal' },
    reportVersion: countOf('日报表第几版 / version of the report'),
    differences: {
      type: 'array',
      title: '差异清单 / differences',
      items: part(
        '差异 / difference',
        {
          kind: {
            type: 'string',
            title: '种类 / kind',
            enum: ['only-ours', 'only-treasury', 'amount-differs', 'total-differs', 'lines-differ'],
          },
          summaryNo: property(summaryNo),
          ourAmount: sumOf('我方,分 / ours'),
          treasuryAmount: sumOf('国库,分 / the treasury’s'),
        },
        'summaryNo',
      ),
    },
  },
  'reportVersion',
)

const certificate = object(
  'Certificate',
  '税收转账专用完税证 / certificate',
  {
    number: countOf('第几张 / which of the ticket’s'),
    certificateNo,
    replacesNo: text('代替的、遗失的号码 / the one it stands for'),
    remark: text('备注栏 / remark, as it is printed'),
    issuedOn: dateOf('开具日期 / issued on'),
    issuedBy: actor,
  },
  'replacesNo',
)
const certificateOrder = {
  ...object(
    'CertificateOrder',
    '换票,或遗失补打 / an exchange, or a certificate for one that was lost',
    { ticketNo: property(ticketNo), certificateNo, lostNo: { ...certificateNo, title: '遗失的完税证号,换票不填 / the one that was lost' } },
    'lostNo',
  ),
  examples: [{ ticketNo: '343012611000000001', certificateNo: '20260004711' }],
}
const life = object(
  'TicketLife',
  '一份税票缴税之后 / a ticket after its debit',
  {
    ticketNo: property(ticketNo),
    officeCode: property(officeCode),
    treasuryCode: property(treasuryCode),
    bankCode: property(bankCode),
    channel: property(channel),
    amount: fenOf('销号金额,分 / fen', 1),
    paidAt: at('扣款成功 / paid at'),
    state: { type: 'string', title: '状态 / state', enum: Object.keys(ticketMachine.table) },
    writtenOffOn: dateOf('上解销号日期 / written off on'),
    summaryNo: property(summaryNo),
    remittedOn: dateOf('上解(划解)日期 / remitted on'),
    enteredOn: dateOf('入库日期 / entered on'),
    undo: part('撤销销号 / undoing', {
      cause: { type: 'string', title: '情形 / case', enum: undoCauses },
      reason: text('意见 / reason'),
      at: at('时间 / at'),
    }),
    reissues: {
      type: 'array',
      title: '重新填开的税票 / tickets in its place',
      items: part(
        '新税票 / new ticket',
        {
          ticketNo: text('机器税票号码 / its number'),
          amount: fenOf('金额,分 / fen', 1),
          printedNo: text('印刷税票号码 / printed number'),
          remittedOn: dateOf('上解日期 / remitted on'),
          enteredOn: dateOf('入库日期 / entered on'),
        },
        'printedNo',
        'remittedOn',
        'enteredOn',
      ),
    },
    certificates: listOf('完税证 / certificates', 'Certificate'),
  },
  'summaryNo',
  'remittedOn',
  'enteredOn',
  'undo',
)
const payment = object(
  'PaymentVoucher',
  '委托缴纳税款专用凭证 / payment voucher',
  {
    ticketNo: property(ticketNo),
    bankCode: property(bankCode),
    summaryNo: property(summaryNo),
    treasuryName: text('国库名称 / name of the treasury'),
    amount: fenOf('金额,分 / fen', 1),
    paidOn: dateOf('缴款日期 / paid on'),
    releasableAt: at('满 24 小时 / from when on its data may leave'),
    releasedAt: at('发往银行 / released at'),
    taxpayer: {
      type: 'object',
      title: '纳税人,掩码 / taxpayer, masked',
      additionalProperties: false,
      properties: { taxpayerId: { type: 'string' }, taxpayerName: { type: 'string' }, account: { type: 'string' } },
    },
    prints: {
      type: 'array',
      title: '打印与补打 / prints and reprints',
      items: part(
        '打印 / print',
        {
          number: countOf('序号 / number'),
          event: { type: 'string', title: '事项 / what happened', enum: ['printed', 'reprinted', 'resent', 'differs'] },
          copies: countOf('份数 / copies'),
          onDate: dateOf('日期 / on'),
          actor,
          rule: text('何处不符 / how it differs'),
        },
        'copies',
        'rule',
      ),
    },
  },
  'summaryNo',
  'releasedAt',
)

const month = { type: 'string', title: '月份 / month', pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$', examples: ['2026-11'] }
const feeList = object('FeeList', '一个月的手续费(第四十二条) / fees of a month', {
  month,
  statements: {
    type: 'array',
    title: '各银行 / the banks',
    items: part(
      '手续费 / fee',
      {
        bankCode: property(bankCode),
        month,
        tickets: countOf('笔数 / debits'),
        amount: fenOf('金额,分 / fen'),
        at: at('月报发出 / stated at; absent while the month goes on'),
      },
      'at',
    ),
  },
})
const statistics = object('MonthFigures', '申报缴税情况(第四十九条) / the figures of a month', {
  month,
  from: dateOf('起 / from'),
  to: dateOf('止 / to'),
  filingEndsOn: dateOf('申报期最后一日 / last day of the filing period'),
  dueOn: dateOf('应报送之日 / due on'),
  households: countOf('申报户数 / households'),
  rows: {
    type: 'array',
    title: '按机关、渠道、结果 / by office, channel, result',
    items: part('一行 / a row', {
      officeCode: property(officeCode),
      channel: property(channel),
      result: { type: 'string', title: '结果 / result', enum: ['succeeded', 'refused', 'open'] },
      households: countOf('户数 / households'),
      debits: countOf('笔数 / debits'),
      amount: sumOf('金额,分 / fen'),
    }),
  },
})

/** Every shape of them that has a name. */
export const voucherShapes = [
  batch,
  batchList,
  voucher,
  voucherPage,
  happening,
  voucherLife,
  voucherTickets,
  countdown,
  receiptOrder,
  reportOrder,
  statement,
  certificate,
  certificateOrder,
  life,
  payment,
  feeList,
  statistics,
] as const
/** The names of those that are bodies. */
export const voucherBodies = [receiptOrder, reportOrder, certificateOrder].map(({ $id }) => $id)
