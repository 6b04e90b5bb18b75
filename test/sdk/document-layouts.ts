import {
  asIs,
  type CharsetName,
  codes,
  constant,
  debitRequest,
  debitResult,
  document,
  elements,
  type ValuesOf,
  words,
  ymd,
  yuan,
} from '@taxlink/bank-sdk'

// One bank's debit in XML, with what a document can have: an attribute, a constant attribute, repeated elements, optional fields.

const requestRows = [
  constant('1.2', 'TAX/HEAD/@VER'),
  constant('3001', 'TAX/HEAD/TRAN_CODE'),
  ['officeCode', 'TAX/HEAD/ZSJG_DM', asIs],
  ['entrustDate', 'TAX/HEAD/WTRQ', ymd],
  ['serialNo', 'TAX/HEAD/@LSH', asIs],
  ['ticketNo', 'TAX/BODY/SPHM', asIs],
  ['workDate', 'TAX/BODY/GZRQ', ymd],
  ['channel', 'TAX/BODY/SBQD', words({ DN: 'computer', DH: 'phone' })],
  ['taxpayerId', 'TAX/BODY/NSRSBH', asIs],
  ['taxpayerName', 'TAX/BODY/NSRMC', asIs],
  ['agreementNo', 'TAX/BODY/XYSH', asIs],
  ['account', 'TAX/BODY/JSZH', asIs],
  ['payerBankNo', 'TAX/BODY/KHH', asIs],
  ['treasuryCode', 'TAX/BODY/SKGK_DM', asIs],
  ['clearingNo', 'TAX/BODY/GKQSH', asIs],
  ['remittanceAccount', 'TAX/BODY/BJZH', asIs],
  ['amount', 'TAX/BODY/JE', yuan],
  elements('items', 'TAX/BODY/MXS/MX', { max: 20 }, [
    ['taxCode', '@DM', asIs],
    ['taxName', 'ZSXM_MC', asIs],
    ['budgetSubject', 'YSKM_DM', asIs],
    ['budgetLevel', 'YSJC', asIs],
    ['periodStart', 'SSQ/@Q', ymd],
    ['periodEnd', 'SSQ/@Z', ymd],
    ['amount', 'SE', yuan],
  ]),
] as const

/** The bank's codes. */
export const bankCodes = { AAAAAA: '90000', E10051: '24003', E19999: '94999' } as const

export const requestIn = (charset: CharsetName) => document(debitRequest, charset, requestRows)
export const request = requestIn('gbk')
export const reply = document(debitResult, 'gbk', [
  ['officeCode', 'TAX/HEAD/ZSJG_DM', asIs],
  ['entrustDate', 'TAX/HEAD/WTRQ', ymd],
  ['serialNo', 'TAX/HEAD/LSH', asIs],
  ['result', 'TAX/HEAD/RET', codes(bankCodes)],
  ['result.bankText', 'TAX/HEAD/RETMSG', asIs],
  ['ticketNo', 'TAX/BODY/SPHM', asIs],
  ['amount', 'TAX/BODY/JE', yuan],
  ['bankSerial', 'TAX/BODY/YHLSH', asIs],
  ['accountingDate', 'TAX/BODY/KJRQ', ymd],
])

export const debit: ValuesOf<typeof debitRequest> = {
  officeCode: '14301040000',
  entrustDate: '2026-09-10',
  serialNo: '00000017',
  ticketNo: '343010926000000017',
  workDate: '2026-09-10',
  channel: 'phone',
  taxpayerId: '91430100MA4L2XYZ0A',
  taxpayerName: '长沙市倈億&<珅>贸易部',
  agreementNo: '43010000000017',
  account: '6222021901000000017',
  payerBankNo: '313551080018',
  treasuryCode: '1901000000',
  clearingNo: '011551001',
  remittanceAccount: '800123456789012345',
  amount: 123_456,
  items: [
    {
      taxCode: '10101',
      taxName: '增值税',
      budgetSubject: '101010103',
      budgetLevel: '3',
      periodStart: '2026-08-01',
      periodEnd: '2026-08-31',
      amount: 123_450,
    },
    {
      taxCode: '"9&',
      taxName: '教育费附加',
      budgetSubject: '103020301',
      budgetLevel: '0',
      periodStart: '2026-08-01',
      periodEnd: '2026-08-31',
      amount: 6,
    },
  ],
}
export const debitText = [
  '<?xml version="1.0" encoding="GBK"?>',
  '<TAX><HEAD VER="1.2" LSH="00000017"><TRAN_CODE>3001</TRAN_CODE><ZSJG_DM>14301040000</ZSJG_DM><WTRQ>20260910</WTRQ></HEAD>',
  '<BODY><SPHM>343010926000000017</SPHM><GZRQ>20260910</GZRQ><SBQD>DH</SBQD><NSRSBH>91430100MA4L2XYZ0A</NSRSBH>',
  '<NSRMC>长沙市倈億&amp;&lt;珅&gt;贸易部</NSRMC><XYSH>43010000000017</XYSH><JSZH>6222021901000000017</JSZH><KHH>313551080018</KHH>',
  '<SKGK_DM>1901000000</SKGK_DM><GKQSH>011551001</GKQSH><BJZH>800123456789012345</BJZH><JE>1234.56</JE>',
  '<MXS><MX DM="10101"><ZSXM_MC>增值税</ZSXM_MC><YSKM_DM>101010103</YSKM_DM><YSJC>3</YSJC>',
  '<SSQ Q="20260801" Z="20260831"/><SE>1234.50</SE></MX>',
  '<MX DM="&quot;9&amp;"><ZSXM_MC>教育费附加</ZSXM_MC><YSKM_DM>103020301</YSKM_DM><YSJC>0</YSJC>',
  '<SSQ Q="20260801" Z="20260831"/><SE>0.06</SE></MX></MXS></BODY></TAX>',
].join('')

export const answer: ValuesOf<typeof debitResult> = {
  officeCode: '14301040000',
  entrustDate: '2026-09-10',
  serialNo: '00000017',
  ticketNo: '343010926000000017',
  result: { class: 'succeeded', code: '90000', bankCode: 'AAAAAA', bankText: '扣款成功' },
  amount: 123_456,
  bankSerial: 'DT2026091000017',
  accountingDate: '2026-09-11',
}
export const answerText = [
  '<?xml version="1.0" encoding="GBK"?>',
  '<TAX><HEAD><ZSJG_DM>14301040000</ZSJG_DM><WTRQ>20260910</WTRQ><LSH>00000017</LSH><RET>AAAAAA</RET><RETMSG>扣款成功</RETMSG></HEAD>',
  '<BODY><SPHM>343010926000000017</SPHM><JE>1234.56</JE><YHLSH>DT2026091000017</YHLSH><KJRQ>20260911</KJRQ></BODY></TAX>',
].join('')
