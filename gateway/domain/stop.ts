import type { Movement, Verdict } from './ticket.ts'

/** 止付: an instruction that certainly never left us is stopped; anything later needs a reversal. */
export const decideStop = ({ state, inquiries }: Pick<Movement, 'state' | 'inquiries'>): Verdict => {
  // Asked about once, an earlier sending may have arrived whatever is written now.
  if (state === 'accepted' && inquiries === 0) return { kind: 'send' }
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
