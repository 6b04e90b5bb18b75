import { bankOnly, type Movement, type Ticket, type Verdict } from './ticket.ts'

/** 止付: an instruction that certainly never left us is stopped; anything later needs a reversal. */
export const decideStop = (ticket: Ticket, { id, state, inquiries }: Movement): Verdict => {
  // Asked about once, an earlier sending may have arrived whatever is written now.
  if (state === 'accepted' && inquiries === 0) return { kind: 'send' }
  if (state === 'refused' && bankOnly(ticket, id))
    return {
      kind: 'refuse',
      rule: 'bank-only',
      code: '34001',
      zh: '记录为未扣款而银行已扣款(单边账未了结),使用《调账通知单》(第三十五条第一项)',
      en: 'an open break says that the bank has it, though the record has not: use an adjustment notice (art. 35(1))',
    }
  if (state === 'refused' && ticket.isAdopted === true)
    return {
      kind: 'refuse',
      rule: 'adopted',
      code: '34001',
      zh: '记录为未扣款而银行已扣款,两人已采信为该税票的税款:税票已缴',
      en: 'the bank had it all the same and two persons took it for the tax of the ticket, which is paid',
    }
  if (state === 'refused')
    return {
      kind: 'done',
      rule: 'already-refused',
      code: '90000',
      zh: '原指令确定未扣款,无须止付',
      en: 'the instruction was certainly refused: there is nothing to stop',
    }
  return { kind: 'refuse', rule: 'already-sent', code: '34001', zh: '指令已发往银行,请使用冲正', en: 'already sent: use a reversal' }
}
