// What several messages of 洞庭农商银行 have alike. Pages are those of the bank's 《财税库行横向联网报文规范 V1.2》.
import { asIs, constant, elements, ymd, yuan } from '@taxlink/bank-sdk'
import { resultCodes } from './codes.ts'

/** 版本, p. 5. */
export const version = constant('1.2', 'TAX/HEAD/@VER')

/** 报文头, p. 5: of every message. */
export const head = [
  ['officeCode',        'TAX/HEAD/ZSJG_DM',     asIs],        // 征收机关代码
  ['entrustDate',       'TAX/HEAD/WTRQ',        ymd],         // 委托日期
  ['serialNo',          'TAX/HEAD/JYLSH',       asIs],        // 交易流水号
] as const

/** 原交易, p. 6: of 补扣 and 冲正. */
export const original = [
  ['originalEntrustDate', 'TAX/BODY/YWTRQ',     ymd],         // 原委托日期
  ['originalSerialNo',  'TAX/BODY/YJYLSH',      asIs],        // 原交易流水号
] as const

/** 处理结果, p. 6: in the head of every answer. */
export const result = [
  ['result',            'TAX/HEAD/RET',         resultCodes], // 响应码
  ['result.bankText',   'TAX/HEAD/RETMSG',      asIs],        // 响应信息
] as const

/** 税目明细, p. 9: of 扣款, 补扣 and 税票信息. */
export const items = elements('items',     'TAX/BODY/MXS/MX',      { max: 20 }, [ // 税目明细
  ['taxCode',         'ZSXM_DM',              asIs],        // 征收项目代码
  ['taxName',         'ZSXM_MC',              asIs],        // 征收项目名称
  ['budgetSubject',   'YSKM_DM',              asIs],        // 预算科目代码
  ['budgetLevel',     'YSJC',                 asIs],        // 预算级次
  ['periodStart',     'SSQ_Q',                ymd],         // 所属期起
  ['periodEnd',       'SSQ_Z',                ymd],         // 所属期止
  ['amount',          'SE',                   yuan],        // 税额
])
