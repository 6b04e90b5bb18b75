import { type Outcome, outcome } from '@taxlink/bank-sdk'
import { agreementMachine, inForce } from '../domain/agreement.ts'
import { end, hear, hearVerification, release, resume, type Stepping, suspend, voided } from '../domain/agreement-steps.ts'
import { compareHeld, type Particulars, type Verification, verified } from '../domain/particulars.ts'
import { shanghaiDate } from '../domain/time.ts'
import type { HeardVerdict } from '../store/agreement-writes.ts'
import type { Agreement, Deed, Held } from '../store/agreements.ts'
import type { Flow } from './flow.ts'

/** What a bank says of a binding, of its own accord or asked. `held`: what it named of the particulars, the office of its key among them. */
export type BindResult = {
  readonly bankCode: string
  readonly agreementNo: string
  readonly outcome: Outcome
  readonly held?: Partial<Particulars>
  readonly boundOn?: string
  readonly credentialIssued?: boolean
}
/** What a customer or the bank did to a binding. */
export type BindingNotice = {
  readonly bankCode: string
  readonly agreementNo: string
  readonly event: 'account-closed' | 'suspended' | 'resumed' | 'cancelled'
  readonly reason?: string
}

/**
 * A bank tells what became of a binding. 90000: taken, and the same again; 24009: there is none such; 24016: it is another bank's, which is noted there;
 * 24017: it is over; 93004: it contradicts what the bank said before. `messageId`: whose receipt is kept with what is done.
 */
export const heardBindResult = (flow: Flow, result: BindResult, now: Date, messageId?: number): Promise<Outcome> =>
  heard(
    flow,
    result,
    agreement =>
      // Left open as it was: nothing has been decided yet.
      result.outcome.class === 'unknown' || result.outcome.class === 'in-progress'
        ? { code: '90000' }
        : bindDeed(agreement, result, 'bindingResult', now),
    now,
    messageId,
  )

/** A bank tells what happened to a binding. */
export const heardBindingNotice = (flow: Flow, notice: BindingNotice, now: Date, messageId?: number): Promise<Outcome> =>
  heard(flow, notice, agreement => noticed(agreement, notice, now), now, messageId)

type About = { readonly bankCode: string; readonly agreementNo: string }
const heard = async (
  flow: Flow,
  { bankCode, agreementNo }: About,
  decide: (agreement: Agreement) => HeardVerdict,
  now: Date,
  messageId: number | undefined,
): Promise<Outcome> => {
  const judged = (agreement: Agreement | undefined): HeardVerdict => barredTo(bankCode, agreement) ?? decide(agreement!)
  const code = await flow.store.agreements.heard(messageId, agreementNo, judged, { now, actor: `bank ${bankCode}` })
  if (code === '24016') flow.note({ event: 'trouble', bankCode, detail: 'a bank spoke of an agreement of another bank' })
  return outcome(code)
}

/** Why a bank's word on an agreement is not taken; undefined: it is. A bank that speaks of another's learns nothing, and it is noted. */
const barredTo = (bankCode: string, agreement: Agreement | undefined): HeardVerdict | undefined => {
  if (!agreement || agreement.state === 'drafted') return { code: '24009' }
  if (agreement.particulars.bankCode !== bankCode)
    return { code: '24016', remark: { event: 'foreign', reason: 'a bank spoke of an agreement of another', article: 'art. 28' } }
  return agreementMachine.isFinal(agreement.state) ? { code: '24017' } : undefined
}

/** What a bank's word on a binding does to the agreement: to the one it replaces as well, which ends as soon as the new one is bound (art. 9). */
export const bindDeed = (agreement: Agreement, result: Omit<BindResult, 'bankCode' | 'agreementNo'>, source: string, now: Date): Deed => {
  const { outcome: said, held, credentialIssued = false } = result
  const bound = said.class === 'succeeded'
  const { replacesId } = agreement
  // Bound, and stopped since by the customer (annex 2 §4): nothing is taken back of the binding.
  const stops = said.code === stopped && (agreement.state === 'bound' || inForce.has(agreement.state))
  return {
    stepping: stops
      ? suspend(agreement, 'bank')
      : hear(agreement, { bound, held, boundOn: dayOfBinding(agreement, result.boundOn), credentialIssued }, now),
    reason: bound ? 'bound by the bank' : stops ? 'stopped at the bank' : `not bound: ${said.code}`,
    outcome: said,
    held: held && bound && Object.keys(held).length > 0 ? heldOf(agreement, held, source) : undefined,
    follow: bound && replacesId !== undefined ? { id: replacesId, decide: other => replacedDeed(other, agreement, now) } : undefined,
  }
}

/** What a bank's comparison does to the agreement: which particulars it confirms or denies is kept beside what it said it holds. */
export const verificationDeed = (agreement: Agreement, outcome: Outcome, matches: Verification['matches']): Deed => {
  const { comparison, likeness } = verified({ code: outcome.code, matches })
  const same = Object.entries(comparison).filter(([, rule]) => rule === 'confirmed')
  const held = Object.fromEntries(same.map(([name]) => [name, agreement.particulars[name as keyof Particulars]]))
  return {
    stepping: hearVerification(agreement, likeness),
    reason: `compared by the bank: ${outcome.code}`,
    held: Object.keys(comparison).length > 0 ? { source: 'verification', held, comparison } : undefined,
  }
}

/** By which a bank says that a customer has stopped payments. */
const stopped = '24012'
/** The day a bank names; over the wire none before it was asked, which would begin the debits in the month of the binding (art. 8(4)). */
const dayOfBinding = ({ byPaper, registeredAt }: Agreement, named: string | undefined): string | undefined => {
  const asked = shanghaiDate(registeredAt)
  return named === undefined || byPaper || named >= asked ? named : asked
}

const heldOf = ({ particulars }: Agreement, held: Partial<Particulars>, source: string): Held => ({
  source,
  held,
  comparison: compareHeld(particulars, held),
})
/** The old agreement comes to its end; its bank has ended it itself where it has bound the new one. */
const replacedDeed = (old: Agreement, { particulars }: Agreement, now: Date): Deed => ({
  stepping: end(old, old.particulars.bankCode === particulars.bankCode ? 'bank' : 'tax', now),
  reason: 'replaced: the new agreement is bound (art. 9)',
})

const noticed = (agreement: Agreement, { event, reason = event }: BindingNotice, now: Date): Deed => {
  const by = (stepping: Stepping, said?: Outcome): Deed => ({ stepping, reason, outcome: said })
  switch (event) {
    case 'account-closed':
      return by(voided(agreement, 'account-closed', 'bank'))
    case 'suspended':
      return by(suspend(agreement, 'bank'), agreement.state === 'bound' ? outcome(stopped) : undefined)
    case 'resumed':
      return agreement.state === 'unbound' && agreement.outcome?.code === stopped
        ? by(release(agreement, now), outcome('90000'))
        : by(resume(agreement, 'bank'))
    case 'cancelled':
      return by(end(agreement, 'bank', now))
  }
}
