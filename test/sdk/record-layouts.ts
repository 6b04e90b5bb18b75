import {
  ascii,
  blank,
  type CharsetName,
  codes,
  constant,
  date,
  debitRequest,
  debitResult,
  digits,
  Fault,
  fen,
  left,
  listOf,
  masked,
  message,
  oneOf,
  optional,
  outcomeKind,
  record,
  repeat,
  right,
  text,
  type ValuesOf,
  words,
  ymd,
  yuan,
} from '@taxlink/bank-sdk'

// Layouts of fixed width for the tests: a debit and its result as a bank would have them, and one record with every form a cell can take.

/** 157 bytes: 交易码 4, key 28, 税票号 18, 返回码 4, 返回信息 60, 金额 15, 流水号 20, 会计日期 8. */
export const reply = record(debitResult, 'gbk', 157, [
  constant('KK51'),
  ['officeCode', left(12)],
  ['entrustDate', ymd],
  ['serialNo', left(8)],
  ['ticketNo', left(18)],
  ['result', codes({ '0000': '90000', '1051': '24003', '9999': '94999' })],
  ['result.bankText', left(60)],
  ['amount', right(15)],
  ['bankSerial', left(20)],
  ['accountingDate', ymd],
])
export const answer = {
  officeCode: '14300000000',
  entrustDate: '2026-09-10',
  serialNo: '00000001',
  ticketNo: '343260910000000001',
  result: { class: 'refused', code: '24003', bankCode: '1051', bankText: '余额不足' },
  amount: 0,
  bankSerial: 'HX20260910',
  accountingDate: '2026-09-10',
} as const satisfies ValuesOf<typeof debitResult>

const requestRows = [
  constant('KK01'),
  ['officeCode', left(12)],
  ['entrustDate', ymd],
  ['serialNo', left(8)],
  ['ticketNo', left(18)],
  ['workDate', ymd],
  ['channel', words({ '1': 'computer', '2': 'phone' })],
  ['taxpayerId', left(20)],
  ['taxpayerName', left(60)],
  ['agreementNo', left(60)],
  ['account', left(32)],
  ['payerBankNo', left(12)],
  ['treasuryCode', left(11)],
  ['clearingNo', left(12)],
  ['remittanceAccount', left(32)],
  ['amount', right(15)],
  blank(6),
  repeat('items', { count: right(2), max: 10 }, [
    ['taxCode', left(10)],
    ['taxName', left(60)],
    ['budgetSubject', left(30)],
    ['budgetLevel', left(1)],
    ['periodStart', ymd],
    ['periodEnd', ymd],
    ['amount', right(12)],
  ]),
] as const
/** 321 bytes and 129 for each of at most ten items. */
export const request = record(debitRequest, 'gbk', 321, requestRows)
export const headWidth = 321
export const itemWidth = 129
export const instruction: ValuesOf<typeof debitRequest> = {
  officeCode: '14300000000',
  entrustDate: '2026-09-10',
  serialNo: '00000001',
  ticketNo: '343260910000000001',
  workDate: '2026-09-10',
  channel: 'computer',
  taxpayerId: '91430100MA4L16JJ5R',
  taxpayerName: '长沙市芙蓉区億珅商贸有限公司',
  agreementNo: 'XY2026000001',
  account: '6222021901000123456',
  payerBankNo: '313551080014',
  treasuryCode: '1901000000',
  clearingNo: '011551001',
  remittanceAccount: '2010190100009',
  amount: 123_456,
  items: [
    {
      taxCode: '10101',
      taxName: '增值税',
      budgetSubject: '101010103',
      budgetLevel: '4',
      periodStart: '2026-08-01',
      periodEnd: '2026-08-31',
      amount: 123_000,
    },
    {
      taxCode: '10109',
      taxName: '城市维护建设税',
      budgetSubject: '101090103',
      budgetLevel: '4',
      periodStart: '2026-08-01',
      periodEnd: '2026-08-31',
      amount: 456,
    },
  ],
}

const sixteen = { ...yuan, width: 16, align: 'right', pad: '0' } as const
const atRight = { ...left(12), align: 'right' } as const
/** A cell of a bank's own: a date as dd/MM/yyyy. */
const british = {
  form: 'text',
  width: 10,
  align: 'left',
  pad: ' ',
  write: (iso: string) => `${iso.slice(8, 10)}/${iso.slice(5, 7)}/${iso.slice(0, 4)}`,
  read: (there: string) => `${there.slice(6, 10)}-${there.slice(3, 5)}-${there.slice(0, 2)}`,
} as const

const everything = message('rich', '样例', 'sample', {
  code: digits('代码', 'code', 3),
  numbers: digits('号码', 'numbers', 1, 9),
  name: masked(text('名称', 'name', 30), 'name'),
  note: optional(text('附言', 'note', 12)),
  account: masked(ascii('账号', 'account', 20), 'account'),
  serial: optional(ascii('流水号', 'serial', 9)),
  amount: fen('金额', 'amount'),
  fee: optional(fen('手续费', 'fee')),
  paid: fen('实扣', 'paid'),
  day: date('日期', 'day'),
  until: optional(date('至', 'until')),
  iso: date('日期', 'iso'),
  british: date('日期', 'british'),
  channel: oneOf('渠道', 'channel', ['computer', 'phone']),
  level: optional(oneOf('级次', 'level', ['high', 'low'])),
  short: ascii('简称', 'short', 12),
  result: outcomeKind('结果', 'result'),
  parts: listOf('明细', 'parts', { label: text('名', 'label', 20), amount: fen('额', 'amount', 1), on: optional(date('日', 'on')) }, 4),
})
export type Everything = ValuesOf<typeof everything>
/** Every form of a cell, required and optional, standard and of the bank's own. */
export const richIn = (charset: CharsetName) =>
  record(everything, charset, 240, [
    ['code', left(3)],
    ['numbers', left(9)],
    ['name', left(40)],
    ['note', left(20)],
    constant('|'),
    ['account', left(20)],
    ['serial', left(9)],
    ['amount', right(15)],
    ['fee', right(6)],
    ['paid', sixteen],
    ['day', ymd],
    blank(4),
    ['until', ymd],
    ['iso', left(10)],
    ['british', british],
    ['channel', words({ PC: 'computer', TE: 'phone' })],
    ['level', words({ H: 'high', L: 'low' })],
    ['short', atRight],
    ['result', codes({ '0000': '90000', '1051': '24003', '1052': '24003', '0001': '99091' })],
    ['result.bankText', left(40)],
    repeat('parts', { count: right(2), max: 4 }, [['label', left(13)], ['amount', right(9)], ['on', ymd], constant(';')]),
  ])
/** Bytes of one part in `richIn`. */
export const partWidth = 31

/** The fault that `run` throws. */
export const faultOf = (run: () => unknown): Fault => {
  try {
    run()
  } catch (error) {
    if (error instanceof Fault) return error
    throw error
  }
  throw new Error('no fault')
}
