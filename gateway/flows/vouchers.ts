import { type Heard, type Outcome, outcome, outcomes, type RequestOf, type UnifiedCode } from '@taxlink/bank-sdk'
import { daysAfter, isWorkingDay } from '../domain/calendar-days.ts'
import { objectionToReprint } from '../domain/exchange.ts'
import { feeMonth } from '../domain/fee.ts'
import { later, shanghaiDate, shanghaiTime } from '../domain/time.ts'
import { alarmAt, cutOff, cutOffOn } from '../domain/voucher.ts'
import { type BankCall, mayBeThere } from '../store/bank-calls.ts'
import type { PrintTaken } from '../store/payment-vouchers.ts'
import type { WordTaken } from '../store/treasury.ts'
import type { Makers } from './bank-calls.ts'
import type { Flow } from './flow.ts'
import { ifKnown } from './session-breaks.ts'

// What follows after the vouchers: alarms before 16:00 (art. 37), the data of payment vouchers after 24 hours (art. 34), fees at the end of a month (art. 42),
// and what banks and treasuries say.

const hourMs = 3_600_000
const chunk = 200

/** Raises the alarms of vouchers whose money is not known to be on its way: an hour before, half an hour before, at 16:00; each once. */
export const raiseAlarms = async (flow: Flow): Promise<number> => {
  const now = flow.clock()
  let raised = 0
  for (const { summaryNo, bankCode, deadline } of await flow.store.vouchers.notRemitted(later(now, hourMs))) {
    const alarm = alarmAt(deadline, now)
    if (alarm === 'none' || !(await flow.store.vouchers.raise(summaryNo, alarm, flow.owner, now))) continue
    raised++
    flow.note({ event: 'deadline', bankCode, detail: `voucher ${summaryNo} is not remitted: ${alarm}, due at ${shanghaiTime(deadline)}` })
  }
  return raised
}

const daysBack = 30

/**
 * Tells of bank days that are over and have come to no voucher yet, as the hour of their remittance comes near and when it is over: a day that is not
 * balanced is not remitted (art. 37), and somebody has to know. Once a process, day and alarm: `told` keeps which.
 */
export const alarmOfWaiting = async (flow: Flow, told: Set<string>): Promise<number> => {
  const now = flow.clock()
  const today = shanghaiDate(now)
  const alarm = alarmAt(cutOffOn(today), now)
  const mark = `${today} ${alarm}`
  // Of a year that the calendar lacks every day may be one on which treasuries work.
  const isHoliday = () => !isWorkingDay(flow.reference().calendar, today)
  if (alarm === 'none' || told.has(mark) || ifKnown(isHoliday) === true) return 0
  const waiting = await flow.store.writeOffs.waitingDays(daysAfter(today, -daysBack), today)
  told.add(mark)
  for (const { bankCode, accountingDate, state } of waiting)
    flow.note({
      event: 'deadline',
      bankCode,
      detail: `no voucher of ${accountingDate} yet, its day is ${state}: ${alarm}, due at ${cutOff}`,
    })
  return waiting.length
}

/** Releases the data of payment vouchers whose 24 hours are over (art. 34); returns how many. */
export const releaseVouchers = (flow: Flow): Promise<number> => flow.store.paymentVouchers.release(flow.clock(), chunk)

/**
 * How long after its end a month's fees are left alone: a batch that began before midnight may still be on its way into the record, for as long as its
 * statements may wait for their answers.
 */
export const feeGraceMs = 600_000

/** On the first of a month the fees of the months before are closed, and the banks told; returns how many statements were made. */
export const closeFees = async (flow: Flow): Promise<number> => {
  const now = flow.clock()
  const [officeCode] = flow.reference().offices.keys()
  if (officeCode === undefined) return 0
  let closed = 0
  for (const { bankCode, month } of await flow.store.fees.unstated(feeMonth(shanghaiDate(later(now, -feeGraceMs)))))
    if (await flow.store.fees.close(bankCode, month, officeCode, now)) closed++
  return closed
}

/**
 * The messages that are looked at again when they are sent: of tickets, because what they say is private and stands in the record already; of a voucher, because
 * the lead branch may have remitted it on paper meanwhile, and would remit it twice.
 */
export const voucherMakers: Makers = {
  ticketInformation: (flow, call) => ticketInformation(flow, call),
  summaryVoucher: async (flow, { subject, content }) => {
    const state = (await flow.store.vouchers.find(subject))?.state
    return state === 'remitted' || state === 'received' ? undefined : content
  },
}

type Information = Omit<RequestOf<'ticketInformation'>, 'officeCode' | 'entrustDate' | 'serialNo'>
/** What would prove a payment that is void, undone or proved by a certificate since does not leave any more. */
const ticketInformation = async (flow: Flow, call: BankCall): Promise<Information | undefined> => {
  const { ticketNo, printMark } = call.content as { ticketNo: string; printMark: 'original' | 'reprint' }
  const [life, request] = [await flow.store.ticketLives.life(ticketNo), await flow.store.paymentVouchers.debitRequest(ticketNo)]
  if (!life || request === undefined) throw new Error(`ticket ${ticketNo} is to be told and is not there`)
  if (!mayBeThere(call) && objectionToReprint(life.state, true)) return undefined
  const { taxpayerId, taxpayerName, account, payerBankNo, items } = JSON.parse(request) as RequestOf<'debit'>
  return {
    ticketNo,
    ...(life.summaryNo === undefined ? {} : { summaryNo: life.summaryNo }),
    ...{ taxpayerId, taxpayerName, account, payerBankNo, items },
    treasuryCode: life.treasuryCode,
    amount: life.amount,
    paidAt: shanghaiDate(life.paidAt),
    printMark,
  }
}

/** The code of the receipt for what a bank says: what differs is kept as differing, never taken. */
const codeOf = ({ kind }: WordTaken | PrintTaken): UnifiedCode => (kind === 'absent' ? '94054' : kind === 'differs' ? '93004' : '90000')
const receipt = (code: UnifiedCode): Outcome => outcome(code, code, outcomes[code].zh)

type Word = Parameters<Flow['store']['treasuries']['hear']>[0]
const hear = async (flow: Flow, word: Word, now: Date, messageId: number): Promise<Outcome> => {
  // A bank dates by its own books, which work ahead over holidays.
  const latest = shanghaiDate(later(now, 10 * 24 * hourMs))
  const taken = await flow.store.treasuries.hear(word, latest, now, { messageId, codeOf })
  if (taken.kind === 'differs')
    flow.note({
      event: 'trouble',
      ...(word.bankCode === undefined ? {} : { bankCode: word.bankCode }),
      detail: `voucher ${word.summaryNo}, ${word.event}: ${taken.objection.en}`,
    })
  return receipt(taken.kind === 'answered' ? taken.code : codeOf(taken))
}

/** What a dialect has no field for goes by the day on which it was told. */
const dayOf = (named: string | undefined, now: Date): Pick<Word, 'on' | 'isUndated'> =>
  named === undefined ? { on: shanghaiDate(now), isUndated: true } : { on: named }

/** 划款确认 (art. 37). */
export const heardRemitConfirmation = (
  flow: Flow,
  bankCode: string,
  { summaryNo, amount, remittedAt, bankSerial }: Heard<'remitConfirmation'>,
  now: Date,
  messageId: number,
): Promise<Outcome> => {
  const said = { summaryNo, amount, ...dayOf(remittedAt, now), bankCode, actor: `bank ${bankCode}` }
  return hear(flow, { event: 'remitted', ...said, ...(bankSerial === undefined ? {} : { bankSerial }) }, now, messageId)
}

/** 国库回执 (art. 38, 39), as the lead branch brings it. */
export const heardTreasuryReceipt = (
  flow: Flow,
  bankCode: string,
  { summaryNo, treasuryCode, amount, enteredOn }: Heard<'treasuryReceipt'>,
  now: Date,
  messageId: number,
): Promise<Outcome> => {
  const said = { summaryNo, amount, ...dayOf(enteredOn, now), bankCode, actor: `bank ${bankCode}` }
  return hear(flow, { event: 'received', ...said, ...(treasuryCode === undefined ? {} : { treasuryCode }) }, now, messageId)
}

/** 凭证已打印 (art. 34, 41). */
export const heardVoucherPrinted = async (
  flow: Flow,
  bankCode: string,
  { ticketNo, copies, printMark, printedOn }: Heard<'voucherPrinted'>,
  now: Date,
  messageId: number,
): Promise<Outcome> => {
  const word = { ticketNo, bankCode, copies: copies ?? 1, isReprint: printMark === 'reprint', on: printedOn ?? shanghaiDate(now) }
  return receipt(await flow.store.paymentVouchers.hearPrint(word, now, messageId, codeOf))
}
