import { accept, approve, askVerification, giveBack, leave, refuse } from '../domain/agreement-steps.ts'
import type { Agreement, Deed, Moved } from '../store/agreements.ts'
import type { Flow } from './flow.ts'

// What an operator of the county office decides of an agreement (art. 6, 8).

/** The county office approves (art. 8(2)); on paper it goes to the bank with the taxpayer. */
export const approveAgreement = (flow: Flow, agreementNo: string, by: string, reason: string, now: Date): Promise<Moved> => {
  const taken = (agreement: Agreement): Deed => ({
    stepping: agreement.byPaper ? leave(agreement) : 'repeated',
    reason: 'the taxpayer takes it to the bank',
  })
  const decide = (agreement: Agreement): Deed => ({ stepping: approve(agreement, by, false), reason, afterwards: taken })
  return flow.store.agreements.move(agreementNo, decide, { now, actor: by })
}

/** What a reviewer may say of what the bank has bound or refused. */
export type Review = 'accept' | 'return' | 'refuse'

const decided = (review: Review, agreement: Agreement, beside: readonly Agreement[], by: string, now: Date): Deed['stepping'] => {
  switch (review) {
    case 'accept':
      return accept(agreement, beside, by, now, agreement.inheritedSince)
    case 'return':
      return giveBack(agreement)
    case 'refuse':
      return refuse(agreement)
  }
}

/** One decision of a reviewer. */
export const reviewAgreement = (flow: Flow, agreementNo: string, review: Review, by: string, reason: string, now: Date): Promise<Moved> =>
  flow.store.agreements.moveBeside(
    agreementNo,
    (agreement, beside) => ({ stepping: decided(review, agreement, beside, by, now), reason }),
    { now, actor: by },
  )

/** Has the bank compare the particulars with its own (核验); what it says stands in the list and in the life as soon as it has. */
export const verifyAgreement = (flow: Flow, agreementNo: string, by: string, reason: string, now: Date): Promise<Moved> =>
  flow.store.agreements.move(agreementNo, agreement => ({ stepping: askVerification(agreement), reason }), { now, actor: by })

/**
 * Accepts in bulk what matches exactly: of the agreements named those that the bank holds byte for byte alike; the others are left to be looked at one
 * by one.
 */
export const acceptExact = async (
  flow: Flow,
  agreementNos: readonly string[],
  maySee: (agreement: Agreement) => boolean,
  by: string,
  now: Date,
): Promise<readonly { readonly agreementNo: string; readonly moved: Moved }[]> => {
  const results: { agreementNo: string; moved: Moved }[] = []
  for (const agreementNo of agreementNos) {
    const decide = (agreement: Agreement, beside: readonly Agreement[]): Deed => {
      if (!maySee(agreement)) return { stepping: unseen, reason: '' }
      const matches = agreement.state !== 'bound' || agreement.likeness === 'exact'
      return { stepping: matches ? decided('accept', agreement, beside, by, now) : notExact, reason: 'accepted in bulk: exact match' }
    }
    results.push({ agreementNo, moved: await flow.store.agreements.moveBeside(agreementNo, decide, { now, actor: by }) })
  }
  return results
}
const unseen = { rule: 'not-found', zh: '没有这份协议', en: 'there is no such agreement' }
const notExact = { rule: 'not-exact', zh: '资料并非逐字一致,请逐份复核', en: 'not an exact match: review it by itself' }
