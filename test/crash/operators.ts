import { type Identity, openAsker } from './asker.ts'
import type { Settled } from './taxside.ts'

/** Two operators at their desks: one proposes, the other approves, each until the answer is certain. */
export const openOperators = (urls: readonly string[], [first, second]: readonly [Identity, Identity]) => {
  const proposer = openAsker(urls, first)
  const approver = openAsker(urls, second)
  return {
    /** Declares that a bank took `missing` fen less of a debit than the record says (art. 35(2)); resolves to what went wrong with it. */
    declareShort: async (debit: Settled, missing: number): Promise<string | undefined> => {
      const { officeCode, entrustDate, serialNo, amount, ticketNo } = debit
      const content = { officeCode, entrustDate, serialNo, kind: 'under-debited', taxAmount: amount, bankAmount: amount - missing }
      const order = { orderNo: `DB-${ticketNo}`, kind: 'declare-break', content, evidence: '银行书面答复' }
      const proposed = await proposer.insist('POST', '/v1/proposals', order)
      if (proposed.status !== 200 && proposed.status !== 201) return `proposal: ${proposed.status} ${JSON.stringify(proposed.body)}`
      const { id, hash } = proposed.body as { id: number; hash: string }
      const approved = await approver.insist('POST', `/v1/proposals/${id}/approval`, { hash })
      return approved.status === 200 ? undefined : `approval: ${approved.status} ${JSON.stringify(approved.body)}`
    },
    close: () => {
      proposer.close()
      approver.close()
    },
  }
}
export type Operators = ReturnType<typeof openOperators>
