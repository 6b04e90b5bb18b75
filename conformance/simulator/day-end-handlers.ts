import { type Answer, type Handlers, type Heard, type InstructionKey, keyText, type Reply, type Verb } from '@taxlink/bank-sdk'
import type { Task } from './day-end.ts'
import type { DayTotals } from './day-totals.ts'
import type { Delivery } from './delivery.ts'
import type { Details } from './detail.ts'
import type { Ledger } from './ledger.ts'
import type { Speech } from './speech.ts'

type DayEndVerb = Extract<
  Verb,
  'totals' | 'fileRequest' | 'adjustmentNotice' | 'summaryVoucher' | 'ticketInformation' | 'feeStatement' | 'differenceReport'
>
/** `short`: fen that are not remitted. */
type Does<R> = { readonly act: (short?: number) => R; readonly accept?: () => R }
/** Answers as the plan wants it; `done` after what was only taken in. */
type AnswerBy = <V extends DayEndVerb>(
  verb: V,
  request: Heard<V>,
  does: Does<Reply<V>>,
  done?: () => void,
) => Answer<V> | Promise<Answer<V>>

/** What a bank does about its days that are over. In progress, a notice or a voucher is taken in now and done later. */
export const dayEndHandlers = (
  ledger: Ledger,
  { details, delivery }: { readonly details: Details; readonly delivery: Delivery },
  speech: Speech,
  now: () => Date,
  answer: AnswerBy,
): Pick<Handlers, DayEndVerb> => {
  const { dayEnd } = ledger
  /** Takes a thing in once, says so, and does it now or later. */
  const taken = <V extends Task['kind']>(verb: V, request: Heard<V>) => {
    const id = idOf(verb, request)
    const does = () => finishTask(ledger, verb, request, now())
    const act = (short?: number) => {
      const code = dayEnd.take(verb, id, request)
      if (code === '90000') finishTask(ledger, verb, request, now(), short)
      return speech.plain(verb, request, code)
    }
    return answer(verb, request, { act, accept: () => speech.plain(verb, request, dayEnd.take(verb, id, request)) }, does)
  }
  return {
    totals: request => answer('totals', request, { act: () => compared(ledger, speech, request) }),
    fileRequest: request => answer('fileRequest', request, { act: () => sent(ledger, details, delivery, speech, request) }),
    adjustmentNotice: request => taken('adjustmentNotice', request),
    summaryVoucher: request => taken('summaryVoucher', request),
    ticketInformation: request => taken('ticketInformation', request),
    differenceReport: request => taken('differenceReport', request),
    feeStatement: request => taken('feeStatement', request),
  }
}

/** What the bank knows a thing by: the number of the notice, the voucher, the ticket; else its key. */
const idOf = (verb: Task['kind'], request: InstructionKey & { readonly [field: string]: unknown }): string => {
  const { noticeNo, summaryNo, ticketNo, month, printMark = 'original' } = request
  if (verb === 'adjustmentNotice') return String(noticeNo)
  if (verb === 'summaryVoucher') return String(summaryNo)
  if (verb === 'ticketInformation') return `${String(ticketNo)} ${String(printMark)}`
  return verb === 'feeStatement' ? String(month) : keyText(request)
}

/** Does what was taken in, once: gives back, remits, prints. */
export const finishTask = (ledger: Ledger, kind: Task['kind'], request: object, now: Date, short = 0): void => {
  const { dayEnd } = ledger
  if (kind === 'summaryVoucher') dayEnd.remit(request as Heard<'summaryVoucher'>, short)
  else if (kind === 'ticketInformation') dayEnd.print(request as Heard<'ticketInformation'>)
  else if (kind === 'adjustmentNotice') {
    const notice = request as Heard<'adjustmentNotice'>
    if (!dayEnd.isOpen(kind, notice.noticeNo)) return
    const booked = ledger.adjust(notice, now)
    if (booked.code === '90000') dayEnd.adjusted(notice, booked)
  }
}

/** The bank's own figures, and whether all that it was told are the same. */
const compared = (ledger: Ledger, speech: Speech, request: Heard<'totals'>): Reply<'totals'> => {
  const own = figuresOf(ledger.totals(request.accountingDate))
  const same = (Object.keys(own) as (keyof typeof own)[]).every(field => request[field] === undefined || request[field] === own[field])
  return speech.plain('totals', request, same ? '90000' : '93004', own)
}

const figuresOf = ({ debits, supplementary, reversals, adjustments }: DayTotals) => ({
  debitCount: debits.count,
  debitSum: Number(debits.amount),
  supplementaryCount: supplementary.count,
  supplementarySum: Number(supplementary.amount),
  reversalCount: reversals.count,
  reversalSum: Number(reversals.amount),
  adjustmentCount: adjustments.count,
  adjustmentSum: Number(adjustments.amount),
})

/** The files are on their way as soon as this is said. Of a day that has not begun there is none. */
const sent = (
  ledger: Ledger,
  details: Details,
  delivery: Delivery,
  speech: Speech,
  request: Heard<'fileRequest'>,
): Reply<'fileRequest'> => {
  const { accountingDate, session, workDate = ledger.accountingDate } = request
  if (!details.file) return speech.plain('fileRequest', request, '93014')
  if (accountingDate > ledger.accountingDate) return speech.plain('fileRequest', request, '93003')
  const of = { accountingDate, session, workDate }
  const names = details.names(of)
  // What goes wrong on the way is told where faults are told.
  delivery.deliver(of).catch(() => undefined)
  return speech.plain('fileRequest', request, '90000', { chunks: names.length, name: names[0] })
}
