import type { OutcomeClass } from '@taxlink/bank-sdk'
import type { BreakState } from './break-life.ts'
import type { BreakRemedy } from './break-remedy.ts'
import type { Objection } from './proposal.ts'
import type { VoucherState } from './voucher.ts'

// 再次告知: what a bank has refused to take is told once more by the order of a person, under another key.

const objection = (rule: string, zh: string, en: string): Objection => ({ rule, zh, en })

/** How the last telling stands; `said` undefined: the bank has not answered it. */
export type Telling = { readonly isOver: boolean; readonly said: OutcomeClass | undefined }
/** Why nothing is told again: what is not answered may have arrived, and is told by itself under the key that it has. */
export const objectionToTelling = ({ isOver, said }: Telling): Objection | undefined => {
  if (!isOver)
    return objection(
      'not-answered',
      '银行尚未答复,系统正以同一主键继续告知,不得另发;请等其答复',
      'the bank has not answered: it goes on being told under the same key, and under no other; wait for the answer',
    )
  return said === 'refused' ? undefined : objection('not-refused', '银行并未拒收,不必再告知', 'the bank has not refused it')
}

/** A notice as an order to tell it again sees it. */
export type NoticeCase = {
  readonly isBooked: boolean
  readonly state: BreakState
  readonly remedy: BreakRemedy | null
  readonly telling: Telling
  /** So much is too much still, and no instruction of the ticket is open. */
  readonly isStillDue: boolean
}
/** Why a notice is not told again (art. 35(1)): it would ask for what is back, or goes back otherwise. */
export const objectionToNoticeAgain = ({ isBooked, state, remedy, telling, isStillDue }: NoticeCase): Objection | undefined => {
  if (isBooked) return objection('given-back', '银行已调回', 'the bank has given it back')
  const told = objectionToTelling(telling)
  if (told) return told
  if (remedy !== 'notice' || (state !== 'failed' && state !== 'chosen'))
    return objection(
      'not-waiting',
      '该单边账已了结,或已另行处理;看该单边账的经过',
      'its break is over, or goes another way: look at the life of the break',
    )
  return isStillDue
    ? undefined
    : objection(
        'otherwise',
        '按各场对账与其后的变动,该笔多划已退回、已在退回,或该税票有指令尚无结果;待其终结与下一场对账',
        'by the sessions and what has moved since so much is not too much any more, or an instruction of the ticket has no outcome yet; wait for the next session',
      )
}

/** Why a voucher is not told again (art. 37). */
export const objectionToVoucherAgain = (state: VoucherState, telling: Telling): Objection | undefined =>
  state === 'remitted' || state === 'received'
    ? objection('on-its-way', '税款已划解或已入库', 'its money is on its way, or has arrived')
    : objectionToTelling(telling)
