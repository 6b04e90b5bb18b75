import { debitRequest, exchanges } from '@taxlink/bank-sdk'
import { debitOrder } from '../flows/order.ts'
import { bodyLimits } from './body.ts'
import { cursor, forOperators, json, limit, narrowed, type Operation, problems, replayed, requestHeaders } from './operation.ts'

const tags = ['销号与入库 / write-offs and the treasury']
const toSee = forOperators('accounts', 'information-centre', 'auditor')
// 金库对账岗、票证管理岗 (art. 6(3)4).
const toDo = forOperators('accounts')
const { treasuryCode } = debitRequest.fields
const { ticketNo, bankCode } = debitOrder.fields
const { summaryNo } = exchanges.treasuryReceipt.request.fields
const dateOf = (description: string) => ({ type: 'string', format: 'date', maxLength: 10, description })
const query = (properties: object, ...required: string[]) => ({ type: 'object', additionalProperties: false, required, properties })
const params = (properties: object) => ({ type: 'object', required: Object.keys(properties), properties })
const month = { type: 'string', pattern: '^[0-9]{4}-(0[1-9]|1[0-2])$', description: '月份 / month, yyyy-MM', examples: ['2026-11'] }

const read = (url: string, operationId: string, summary: string, description: string, more: object, said: string) =>
  ({
    method: 'GET',
    url,
    config: toSee,
    schema: {
      operationId,
      summary,
      description,
      tags,
      headers: requestHeaders(),
      ...more,
      response: { 200: json(summary, { $ref: `${said}#` }), ...problems(400, 404) },
    },
  }) as const satisfies Operation

const enter = (
  url: string,
  operationId: string,
  summary: string,
  description: string,
  body: string | undefined,
  more: object,
  said: string,
) =>
  ({
    method: 'POST',
    url,
    bodyLimit: bodyLimits.single,
    config: toDo,
    schema: {
      operationId,
      summary,
      description,
      tags,
      headers: requestHeaders(),
      ...more,
      ...(body === undefined ? {} : { body: { $ref: `${body}#` } }),
      response: {
        200: json('此前已录入 / entered before', { $ref: `${said}#` }, replayed),
        201: json('已录入 / entered', { $ref: `${said}#` }),
        ...problems(400, 404, 409, 413, 415, 422),
      },
    },
  }) as const satisfies Operation

const byVoucher = { params: params({ summaryNo: narrowed(summaryNo) }) }
const byTicket = { params: params({ ticketNo: narrowed(ticketNo) }) }

/** What operators see and enter of write-offs, vouchers, the treasury, certificates, fees. What takes two persons is proposed. */
export const voucherOperations = {
  listWriteOffs: read(
    '/v1/write-offs',
    'listWriteOffs',
    '一天的上解销号 / the write-offs of a day',
    '每天中午对已对平的会计日批量进行(第六条、第三十六条);此后对平的随即进行。 / At noon, of the bank days that are balanced; what is balanced later at once.',
    { querystring: query({ workDate: dateOf('上解销号日期,默认今天 / day of the write-off, today unless told') }) },
    'WriteOffList',
  ),
  listVouchers: read(
    '/v1/vouchers',
    'listVouchers',
    '划款入库凭证 / summary vouchers',
    '按征收机关、收款国库、银行汇总(第三十七条)。 / One per collecting office, treasury and bank (art. 37).',
    {
      querystring: query({
        workDate: dateOf('应划解之日 / day of the deadline'),
        bankCode: narrowed(bankCode),
        treasuryCode: narrowed(treasuryCode),
        open: { type: 'boolean', description: '未入库销号的 / those not received yet' },
        cursor,
        limit,
      }),
    },
    'SummaryVoucherPage',
  ),
  getVoucher: read(
    '/v1/vouchers/:summaryNo',
    'getVoucher',
    '一张凭证,供打印 / one voucher, to be printed',
    '凭证各栏与其经过:告知、划解、入库、不符、临近时限。 / Its fields and all that happened to it.',
    byVoucher,
    'SummaryVoucherLife',
  ),
  listVoucherTickets: read(
    '/v1/vouchers/:summaryNo/tickets',
    'listVoucherTickets',
    '凭证里的税票 / the tickets of a voucher',
    '按汇总流水号检索电子税票(第三十九条)。 / Found by the summary number (art. 39).',
    { ...byVoucher, querystring: query({ cursor, limit }) },
    'VoucherTicketPage',
  ),
  getCountdown: read(
    '/v1/voucher-countdown',
    'getCountdown',
    '倒计时到 16:00 / countdown to 16:00',
    '未见划款确认的凭证与剩余时间(第三十七条)。 / Vouchers whose money is not known to be on its way, and the time left (art. 37).',
    {},
    'VoucherCountdown',
  ),
  postTreasuryReceipt: enter(
    '/v1/vouchers/:summaryNo/treasury-receipts',
    'postTreasuryReceipt',
    '录入国库回执,入库销号 / enter the treasury’s receipt',
    '与凭证及其税票逐分核对(第三十九条),相符才入库销号;不符的记为差异并拒绝。同样内容可任意重发。 / Held against the voucher and its tickets to the fen; what differs is recorded as differing, and refused.',
    'TreasuryReceiptOrder',
    byVoucher,
    'SummaryVoucher',
  ),
  postVoucherTelling: enter(
    '/v1/vouchers/:summaryNo/tellings',
    'postVoucherTelling',
    '主办行拒收的凭证再次告知 / tell a voucher again that the bank refused',
    '写明理由,以新的主键告知;内容与时限不变。银行尚未答复的不能另发,已划解的不必再告知。 / With a reason, under a new key; neither its content nor its deadline changes. What the bank has not answered is not told under another key.',
    'TellingOrder',
    byVoucher,
    'SummaryVoucher',
  ),
  postTreasuryReport: enter(
    '/v1/treasury-reports',
    'postTreasuryReport',
    '录入金库日报表 / enter a treasury’s daily report',
    '再录即为新版,以最后一版为准。 / Entered again it is a new version; the last holds.',
    'TreasuryReportOrder',
    {},
    'TreasuryStatement',
  ),
  getTreasuryStatement: read(
    '/v1/treasury-statements/:treasuryCode/:day',
    'getTreasuryStatement',
    '金库对账单与差异清单 / treasury statement with its differences',
    '一个国库、一天:入库销号的凭证与金库日报表(第六条)。 / One treasury, one day: what was entered, against its daily report.',
    { params: params({ treasuryCode: narrowed(treasuryCode), day: dateOf('入库日期 / day of the entries') }) },
    'TreasuryStatement',
  ),
  getTicketLife: read(
    '/v1/tickets/:ticketNo/life',
    'getTicketLife',
    '一份税票缴税之后 / a ticket after its debit',
    '上解销号、汇总、入库、换票、撤销与重新填开(第二十一、三十六至四十一条)。 / From its write-off on.',
    byTicket,
    'TicketLife',
  ),
  getPaymentVoucher: read(
    '/v1/payment-vouchers/:ticketNo',
    'getPaymentVoucher',
    '委托缴纳税款专用凭证及其打印 / payment voucher and its prints',
    '满 24 小时才发往银行(第三十四条);纳税人资料掩码。 / Its data leave after 24 hours (art. 34); private fields are masked.',
    byTicket,
    'PaymentVoucher',
  ),
  postReprint: enter(
    '/v1/payment-vouchers/:ticketNo/reprints',
    'postReprint',
    '向银行重发凭证信息,带补打标记 / send the data once more, marked as a reprint',
    '每次都是一次新的重发。 / Each is sent once more.',
    undefined,
    byTicket,
    'PaymentVoucher',
  ),
  postCertificate: enter(
    '/v1/certificates',
    'postCertificate',
    '换票,或遗失补打 / exchange, or a certificate for one that was lost',
    '12 个月内、只一次(第四十条);补打注明原号作废(第四十一条)。备注栏由系统生成。同样内容可任意重发。 / Within twelve months and once (art. 40); one for a lost one says so (art. 41).',
    'CertificateOrder',
    {},
    'Certificate',
  ),
  listFees: read(
    '/v1/fees',
    'listFees',
    '一个月的手续费 / the fees of a month',
    '电话、定期定额、已对账、未冲正的每笔一元(第四十二条);省局可见。 / One yuan each (art. 42); seen by the province.',
    { querystring: query({ month }, 'month') },
    'FeeList',
  ),
  getFigures: read(
    '/v1/figures/:month',
    'getFigures',
    '申报缴税情况 / the figures of a month',
    '申报期结束两日内报送(第四十九条)。 / Due two days after the filing period (art. 49).',
    { params: params({ month }) },
    'MonthFigures',
  ),
} as const satisfies { readonly [name: string]: Operation }
