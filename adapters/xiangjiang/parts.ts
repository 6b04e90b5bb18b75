// What several messages of 湘江银行 have alike. Pages are those of the bank's 《代扣税接口规范 V1.2》.
import { left, repeat, right, ymd } from '@taxlink/bank-sdk'
import { resultCodes } from './codes.ts'

/** 公共报文头, p. 8: stands behind the 交易码 of every message. 28 bytes. */
export const head = [
  ['officeCode',        left(12)],                                    // 征收机关代码
  ['entrustDate',       ymd],                                         // 委托日期
  ['serialNo',          left(8)],                                     // 交易流水号
] as const

/** 原交易, p. 9: of 补扣 and 冲正. 16 bytes. */
export const original = [
  ['originalEntrustDate', ymd],                                       // 原委托日期
  ['originalSerialNo',  left(8)],                                     // 原交易流水号
] as const

/** 税目数, then 税目明细, p. 12: 132 bytes for each of at most ten. */
export const items = repeat('items', { count: right(2), max: 10 }, [  // 税目数
  ['taxCode',         left(10)],                                      // 税种代码
  ['taxName',         left(60)],                                      // 税种名称
  ['budgetSubject',   left(30)],                                      // 预算科目代码
  ['budgetLevel',     left(1)],                                       // 预算级次
  ['periodStart',     ymd],                                           // 所属期起
  ['periodEnd',       ymd],                                           // 所属期止
  ['amount',          right(15)],                                     // 税额, in fen
])

/** 返回码与返回信息, p. 21: of every answer about an agreement. 64 bytes. */
export const result = [
  ['result',            resultCodes],                                 // 返回码
  ['result.bankText',   left(60)],                                    // 返回信息
] as const
