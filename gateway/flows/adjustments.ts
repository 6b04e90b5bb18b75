import { type Heard, type Outcome, outcome } from '@taxlink/bank-sdk'
import { breakMachine, noticeDueOn } from '../domain/break-life.ts'
import type { Operator } from '../domain/operator.ts'
import { accountingDay, isNearDay, shanghaiDate } from '../domain/time.ts'
import type { HeldBreak } from '../store/break-steps.ts'
import type { Issued, Notice } from '../store/notices.ts'
import type { ToldAgain } from '../store/tell-again.ts'
import type { Makers } from './bank-calls.ts'
import type { Flow } from './flow.ts'
import { ifKnown } from './session-breaks.ts'
import type { Slots } from './slots.ts'
import { askBank } from './supplement.ts'

// 调账通知单 (art. 6(3), 35(1)): the county's accounting role issues it, the bank is told, and what it gives back is booked.

/** Why no notice is issued yet. */
type Unissued =
  | { readonly kind: 'undated'; readonly noticeNo?: never }
  | { readonly kind: 'at-the-bank'; readonly noticeNo?: never }
  | { readonly kind: 'unclear'; readonly noticeNo?: never }

/**
 * Issues a notice for a break; the bank is to have given it back before the next reconciliation. `undated`: the filing calendar does not have the year that
 * says when that is. Of a reversal that the bank's file lacks the bank is asked first, for it may stand under its next date: `at-the-bank`, `unclear`.
 */
export const issueNotice = async (
  flow: Flow,
  slots: Slots,
  breakId: number,
  { uri, office }: Pick<Operator, 'uri' | 'office'>,
): Promise<Issued | Unissued> => {
  const now = flow.clock()
  const issuedOn = shanghaiDate(now)
  const { calendar } = flow.reference()
  const found = await flow.store.breakLife.heldBreak(breakId)
  if (!found) return { kind: 'absent' }
  const dueOn = ifKnown(() => noticeDueOn(calendar, found.accountingDate ?? issuedOn, issuedOn))
  if (dueOn === undefined) return { kind: 'undated' }
  const stands = await atTheBank(flow, slots, found)
  if (stands !== 'missing') return { kind: stands }
  return flow.store.notices.issueNotice({ breakId, issuingOffice: office, issuedOn, dueOn, by: { now, actor: uri } })
}

/** Of a reversal that the bank's file lacks, what the bank itself says; of anything else that is to go by a notice it is not asked. */
const atTheBank = async (flow: Flow, slots: Slots, held: HeldBreak): Promise<'missing' | 'at-the-bank' | 'unclear'> => {
  const { state, remedy, instructionId, bankCode } = held
  const isOpen = (state === 'chosen' || state === 'failed') && remedy === 'notice'
  const [own] = isOpen && instructionId !== null ? await flow.store.load([instructionId]) : []
  const bank = flow.reference().banks.get(bankCode)
  return own?.verb === 'reversal' && bank ? askBank(flow, slots, own, bank) : 'missing'
}

/** Has a notice told once more that its bank has refused to take, under another key; it is due before the reconciliation that follows. */
export const tellNoticeAgain = async (
  flow: Flow,
  slots: Slots,
  notice: Pick<Notice, 'noticeNo' | 'breakId'>,
  { uri }: Pick<Operator, 'uri'>,
  reason: string,
): Promise<ToldAgain | Unissued> => {
  const now = flow.clock()
  const held = await flow.store.breakLife.heldBreak(notice.breakId)
  if (!held) return { kind: 'absent' }
  const today = shanghaiDate(now)
  const dueOn = ifKnown(() => noticeDueOn(flow.reference().calendar, held.accountingDate ?? today, today))
  if (dueOn === undefined) return { kind: 'undated' }
  const stands = await atTheBank(flow, slots, held)
  if (stands !== 'missing') return { kind: stands }
  return flow.store.tellAgain.notice(notice.noticeNo, dueOn, { now, actor: uri, reason })
}

/**
 * The message of a notice, as long as there is anything to give back: where the bank has put it right itself before it heard of it, and a session has shown
 * that, it would give back twice; so it would where it has given back under the key of an earlier telling, which it had refused.
 */
export const noticeMakers: Makers = {
  adjustmentNotice: async (flow, { subject, content }) => {
    const notice = await flow.store.notices.findNotice(subject)
    return notice && (breakMachine.isFinal(notice.breakState) || notice.bookedAt !== undefined) ? undefined : content
  },
}

/** 调账回执: a bank has given back what a notice asks for. Its own accounting date counts, if it can be true; where it names none, that of its day now. */
export const heardAdjustment = async (
  flow: Flow,
  bankCode: string,
  { noticeNo, amount, accountingDate, bankSerial }: Heard<'adjustmentReceipt'>,
  now: Date,
): Promise<Outcome> => {
  const { dayEnd } = flow.reference().banks.get(bankCode)?.policy ?? { dayEnd: '24:00' }
  const dated =
    accountingDate === undefined
      ? ({ accountingDate: flow.accountingDate(bankCode) ?? accountingDay(now, dayEnd), datedBy: 'clock' } as const)
      : ({ accountingDate, datedBy: 'bank' } as const)
  const adjusted = { bankCode, noticeNo, amount, ...dated, bankSerial, from: 'receipt' } as const
  if (!isNearDay(dated.accountingDate, now)) return outcome('93004')
  const code = await flow.store.notices.bookNotice(adjusted, flow.printKey(), { now, actor: `bank ${bankCode}` })
  if (code !== '90000') flow.note({ event: 'trouble', bankCode, code, detail: `a receipt for the notice ${noticeNo} that is not taken` })
  return outcome(code)
}
