import { approve, leave } from '../domain/agreement-steps.ts'
import type { Objection } from '../domain/proposal.ts'
import { agreementRegistration } from './agreements.ts'
import { byOperators, kindOf, nothing } from './kind.ts'

const { agreementNo } = agreementRegistration.fields
const unknown: Objection = { rule: 'agreement-unknown', zh: '没有这份协议', en: 'there is no such agreement' }
const noException: Objection = {
  rule: 'no-exception',
  zh: '这份协议不待例外批准',
  en: 'this agreement waits for no exception',
}

/** 一年内变更账号 (art. 9): the exception of a new agreement that waits for it; with the second person the bank is asked to bind the account. */
export const changeAccount = kindOf(
  { agreementNo },
  {
    zh: '批准一年内变更缴税账号',
    en: 'permit a change of account inside its year',
    ...byOperators('binding-review'),
    example: { agreementNo: 'XY430120260002' },
    subject: content => content.agreementNo,
    wrong: nothing,
    stand: async (flow, content) => {
      const found = await flow.store.agreements.find(content.agreementNo)
      if (!found) return unknown
      const { officeCode } = found.particulars
      return found.state === 'drafted' && found.awaitsPermit ? { about: undefined, officeCode } : { ...noException, officeCode }
    },
    apply: (deeds, content, { proposalId, proposedBy }) =>
      deeds.permitChange(
        content.agreementNo,
        (agreement, actor) => ({
          stepping: approve(agreement, actor, true),
          reason: `permitted by two persons: proposal ${proposalId} of ${proposedBy}`,
        }),
        agreement => ({ stepping: leave(agreement), reason: 'the taxpayer takes it to the bank' }),
      ),
  },
)
