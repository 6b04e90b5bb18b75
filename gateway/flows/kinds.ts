import { date, digits, text } from '@taxlink/bank-sdk'
import type { Objection } from '../domain/proposal.ts'
import { changeAccount } from './agreement-kinds.ts'
import { settleBankOnly } from './break-kinds.ts'
import { declareBreak, resolveDoubt } from './doubt-kinds.ts'
import { byOperators, kindOf, nothing, type ProposalKind } from './kind.ts'
import { addOperator, changeOperator, resetOperator } from './operator-kinds.ts'
import { changeContract, moveBank, moveBankInCity, setAccount } from './registry-kinds.ts'
import { closeBooks, reissueTicket, undoWriteOff } from './write-off-kinds.ts'

const bankCode = digits('银行代码', 'bank code', 4)
const notRegistered: Objection = { rule: 'bank-unknown', zh: '银行未登记', en: 'the bank is not registered' }
const haltedAlready: Objection = { rule: 'halted-already', zh: '该银行已经停用', en: 'the bank is halted already' }
const notHalted: Objection = { rule: 'not-halted', zh: '该银行没有停用', en: 'the bank is not halted' }

/** About no single office. */
const province = { about: undefined, officeCode: undefined }

/** 停用: no debit leaves for this bank any more, until it is resumed. */
export const haltBank = kindOf(
  { bankCode, reason: text('停用原因(告知税务系统)', 'reason, told to tax systems', 50) },
  {
    zh: '停用银行',
    en: 'halt a bank',
    ...byOperators('information-centre'),
    example: { bankCode: '4301', reason: '核心系统升级,重复记账' },
    subject: content => content.bankCode,
    wrong: nothing,
    stand: async (flow, content) => {
      if (!flow.reference().banks.has(content.bankCode)) return notRegistered
      return (await flow.store.halts()).has(content.bankCode) ? haltedAlready : province
    },
    apply: async (deeds, content) => ((await deeds.halt(content.bankCode, content.reason)) ? undefined : haltedAlready),
  },
)

/** 恢复: what waited is sent, new orders are taken. */
export const resumeBank = kindOf(
  { bankCode },
  {
    zh: '恢复银行',
    en: 'resume a bank',
    ...byOperators('information-centre'),
    example: { bankCode: '4301' },
    subject: content => content.bankCode,
    wrong: nothing,
    stand: async (flow, content) => ((await flow.store.halts()).has(content.bankCode) ? province : notHalted),
    apply: async (deeds, content) => ((await deeds.resume(content.bankCode)) ? undefined : notHalted),
  },
)

const notAhead: Objection = {
  rule: 'day-not-ahead',
  zh: '记录的银行记账日期并不晚于此日',
  en: 'the accounting date on record is not later than this',
}
/** 更正记账日期: a bank named a day that it was never on, and until then nothing of before could be reversed (art. 35(1)). */
export const resetBankDay = kindOf(
  { bankCode, accountingDate: date('银行当前的记账日期', 'the accounting date that the bank is at work on') },
  {
    zh: '更正银行报错的记账日期',
    en: 'put right the accounting date of a bank',
    ...byOperators('accounts'),
    example: { bankCode: '4301', accountingDate: '2026-11-10' },
    subject: content => content.bankCode,
    wrong: nothing,
    stand: async (flow, content) => {
      if (!flow.reference().banks.has(content.bankCode)) return notRegistered
      return ((await flow.store.bankDays()).get(content.bankCode)?.accountingDate ?? '') > content.accountingDate ? province : notAhead
    },
    apply: async (deeds, content) => ((await deeds.resetDay(content.bankCode, content.accountingDate)) ? undefined : notAhead),
  },
)

/** Every kind there is, by name. */
export const proposalKinds = {
  'resolve-doubt': resolveDoubt,
  'declare-break': declareBreak,
  'settle-break': settleBankOnly,
  'halt-bank': haltBank,
  'resume-bank': resumeBank,
  'reset-bank-day': resetBankDay,
  'add-operator': addOperator,
  'change-operator': changeOperator,
  'reset-operator': resetOperator,
  'move-bank': moveBank,
  'move-bank-in-city': moveBankInCity,
  'set-account': setAccount,
  'change-contract': changeContract,
  'change-account': changeAccount,
  'undo-write-off': undoWriteOff,
  'reissue-ticket': reissueTicket,
  'close-books': closeBooks,
} as const satisfies { readonly [name: string]: ProposalKind }
export type ProposalKindName = keyof typeof proposalKinds
