import { hash } from 'node:crypto'
import { exchanges, type Heard, maskValues, type Outcome, outcome, outcomes, type Push, type UnifiedCode } from '@taxlink/bank-sdk'
import { heardAdjustment } from './adjustments.ts'
import { type BindResult, heardBindingNotice, heardBindResult } from './bindings.ts'
import type { Flow } from './flow.ts'
import { heardRemitConfirmation, heardTreasuryReceipt, heardVoucherPrinted } from './vouchers.ts'

/**
 * A bank tells something of its own accord (art. 8(3), annex 2 §§4, 12); the answer is the result of its receipt. It is written down first and done
 * then, the receipt kept with the deed, so that the same again gets the same receipt and does nothing twice, also where the process died in between; the
 * same key with another content is 92006 and does nothing. Throws where the record is out of reach: then there is no receipt, and the bank tells it again.
 */
export const hearBank = async <P extends Push>(flow: Flow, bankCode: string, push: P, message: Heard<P>): Promise<Outcome> => {
  const act = acts[push]
  if (!act) throw new Error(`nothing is done about ${push}: bank ${bankCode} gets no receipt and keeps it`)
  const started = flow.clock()
  const { officeCode, entrustDate, serialNo } = message
  const received = await flow.store.inbox.receive(
    { bankCode, push, officeCode, entrustDate, serialNo, contentHash: contentHash(push, message), transcript: transcriptOf(push, message) },
    started,
  )
  const code =
    received.kind === 'open'
      ? await flow.store.inbox.answer(received.id, (await act(flow, bankCode, message, started, received.id)).code, flow.clock())
      : received.kind === 'answered'
        ? received.code
        : '92006'
  flow.note({ event: 'heard', bankCode, verb: push, code, ms: flow.clock().getTime() - started.getTime() })
  return receipt(code)
}

/** What is done with each: whoever keeps the receipt of message `id` in the transaction of the deed does nothing twice. */
const acts: { readonly [P in Push]?: (flow: Flow, bankCode: string, message: Heard<P>, now: Date, id: number) => Promise<Outcome> } = {
  bindingResult: (flow, bankCode, message, now, id) => heardBindResult(flow, bindResultOf(bankCode, message), now, id),
  bindingNotice: (flow, bankCode, { agreementNo, event, reason }, now, id) =>
    heardBindingNotice(flow, { bankCode, agreementNo, event, ...(reason === undefined ? {} : { reason }) }, now, id),
  adjustmentReceipt: (flow, bankCode, message, now) => heardAdjustment(flow, bankCode, message, now),
  remitConfirmation: heardRemitConfirmation,
  treasuryReceipt: heardTreasuryReceipt,
  voucherPrinted: heardVoucherPrinted,
}

/** A result of a binding in the words of the rules: of a bind's own reply, of a status, of a notice alike. The office is that of the key. */
export const bindResultOf = (
  bankCode: string,
  said: Pick<Heard<'bindingResult'>, 'agreementNo' | 'result' | 'officeCode'> & Partial<Heard<'bindingResult'>>,
): BindResult => {
  const { agreementNo, result, officeCode, taxpayerId, taxpayerName, account, payerBankNo, boundOn, credential } = said
  const held = { officeCode, taxpayerId, taxpayerName, account, branch: payerBankNo }
  const named = Object.entries(held).filter(([, value]) => value !== undefined)
  return {
    bankCode,
    agreementNo,
    outcome: result,
    held: Object.fromEntries(named),
    ...(boundOn === undefined ? {} : { boundOn }),
    ...(credential === undefined ? {} : { credentialIssued: credential === 'issued' }),
  }
}

const receipt = (code: UnifiedCode): Outcome => outcome(code, code, outcomes[code].zh)

/** The content without its wrapping: what two dialects would write alike has one hash. */
const contentHash = (push: Push, message: { readonly [field: string]: unknown }): Buffer => {
  const fields = Object.keys(exchanges[push].request.fields)
  return hash('sha256', JSON.stringify(fields.map(field => message[field] ?? null)), 'buffer')
}
const transcriptOf = (push: Push, message: { readonly [field: string]: unknown }): string =>
  JSON.stringify(maskValues(exchanges[push].request.fields, message))
