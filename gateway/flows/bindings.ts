import { type Outcome, outcome } from '@taxlink/bank-sdk'
import { agreementMachine } from '../domain/agreement.ts'
import { end, hear, resume, type Stepping, suspend, voided } from '../domain/agreement-steps.ts'
import { compareHeld, type Particulars } from '../domain/particulars.ts'
import type { Agreement, Deed, Held, Moved } from '../store/agreements.ts'
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
 * 24017: it is over; 93004: it contradicts what the bank said before.
 */
export const heardBindResult = async (flow: Flow, result: BindResult, now: Date): Promise<Outcome> => {
  const found = await ofThisBank(flow, result, now)
  if ('code' in found) return found
  // Left open as it was: nothing has been decided yet.
  if (result.outcome.class === 'unknown' || result.outcome.class === 'in-progress') return outcome('90000')
  const by = { now, actor: actorOf(result.bankCode) }
  return said(await flow.store.agreements.move(result.agreementNo, agreement => bindDeed(agreement, result, 'bindingResult', now), by))
}

/** A bank tells what happened to a binding. */
export const heardBindingNotice = async (flow: Flow, notice: BindingNotice, now: Date): Promise<Outcome> => {
  const found = await ofThisBank(flow, notice, now)
  if ('code' in found) return found
  const by = { now, actor: actorOf(notice.bankCode) }
  const reason = notice.reason ?? notice.event
  return said(
    await flow.store.agreements.move(notice.agreementNo, agreement => ({ stepping: noticed(agreement, notice, now), reason }), by),
  )
}

/** What a bank's word on a binding does to the agreement: to the one it replaces as well, which ends as soon as the new one is bound (art. 9). */
export const bindDeed = (agreement: Agreement, result: Omit<BindResult, 'bankCode' | 'agreementNo'>, source: string, now: Date): Deed => {
  const { outcome: said, held, boundOn, credentialIssued = false } = result
  const bound = said.class === 'succeeded'
  const stepping = hear(agreement, { bound, held, boundOn, credentialIssued }, now)
  const { replacesId } = agreement
  return {
    stepping,
    reason: bound ? 'bound by the bank' : `not bound: ${said.code}`,
    outcome: said,
    held: held && bound && Object.keys(held).length > 0 ? heldOf(agreement, held, source) : undefined,
    follow: bound && replacesId !== undefined ? { id: replacesId, decide: other => replacedDeed(other, agreement, now) } : undefined,
  }
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

const noticed = (agreement: Agreement, { event }: BindingNotice, now: Date): Stepping => {
  switch (event) {
    case 'account-closed':
      return voided(agreement, 'account-closed', 'bank')
    case 'suspended':
      return suspend(agreement, 'bank')
    case 'resumed':
      return resume(agreement, 'bank')
    case 'cancelled':
      return end(agreement, 'bank', now)
  }
}

const actorOf = (bankCode: string): string => `bank ${bankCode}`

/** The agreement a bank speaks of, or the refusal: a bank that speaks of another's learns nothing, and it is noted. */
const ofThisBank = async (
  flow: Flow,
  { bankCode, agreementNo }: { readonly bankCode: string; readonly agreementNo: string },
  now: Date,
): Promise<Agreement | Outcome> => {
  const { agreements } = flow.store
  const agreement = await agreements.find(agreementNo)
  if (!agreement || agreement.state === 'drafted') return outcome('24009')
  if (agreement.particulars.bankCode !== bankCode) {
    await agreements.remark(agreementNo, 'foreign', 'a bank spoke of an agreement of another', 'art. 28', { now, actor: actorOf(bankCode) })
    flow.note({ event: 'trouble', bankCode, detail: 'a bank spoke of an agreement of another bank' })
    return outcome('24016')
  }
  return agreementMachine.isFinal(agreement.state) ? outcome('24017') : agreement
}

const said = (moved: Moved): Outcome =>
  moved.kind === 'absent' ? outcome('24009') : moved.kind === 'objected' ? outcome('93004') : outcome('90000')
