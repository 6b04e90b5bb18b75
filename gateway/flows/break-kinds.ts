import { count, oneOf } from '@taxlink/bank-sdk'
import type { Objection } from '../domain/proposal.ts'
import { byOperators, kindOf, nothing } from './kind.ts'

const fields = {
  breakId: count('单边账序号', 'number of the break', 1),
  decision: oneOf('认定', 'adopted as the tax of its ticket, or returned', ['adopt', 'return']),
}
const absent: Objection = { rule: 'break-unknown', zh: '没有这笔单边账', en: 'there is no such break' }

/** 采信或退回: what a bank debited and our record has not (art. 35), by evidence and two persons. */
export const settleBankOnly = kindOf<typeof fields>(fields, {
  zh: '认定银行独有的扣款:采信或退回',
  en: 'adopt or return what only the bank has',
  ...byOperators('accounts'),
  example: { breakId: 17, decision: 'adopt' },
  subject: ({ breakId }) => `break/${breakId}`,
  wrong: nothing,
  stand: async (flow, { breakId, decision }) => {
    const found = await flow.store.breakLife.settling(breakId, decision)
    if (!found) return absent
    return found.objection ?? { about: undefined, officeCode: found.officeCode }
  },
  apply: (deeds, { breakId, decision }, { printKey }) => deeds.settleBreak(breakId, decision, printKey()),
})
