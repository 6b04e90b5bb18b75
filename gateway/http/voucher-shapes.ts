import { maskText, type RequestOf } from '@taxlink/bank-sdk'
import { releaseAt } from '../domain/exchange.ts'
import { shanghaiDate, shanghaiTime } from '../domain/time.ts'
import type { TreasuryStatement } from '../domain/treasury.ts'
import type { PrintView } from '../store/payment-vouchers.ts'
import type { CertificateView, TicketLife } from '../store/ticket-life.ts'
import type { ReportView } from '../store/treasury.ts'
import type { VoucherHappening, VoucherView } from '../store/vouchers.ts'
import type { BatchView } from '../store/write-offs.ts'

// The records of write-offs and vouchers as JSON.

const given = <T>(name: string, value: T | undefined) => (value === undefined ? {} : { [name]: value })

/** A batch of write-offs. */
export const batchJson = ({ begunAt, doneAt, heldBack, ...row }: BatchView) => ({
  ...row,
  begunAt: shanghaiTime(begunAt),
  ...given('doneAt', doneAt && shanghaiTime(doneAt)),
  ...given('heldBack', heldBack),
})

/** A voucher as it stands. */
export const voucherJson = ({ id: _id, deadline, madeAt, remittedOn, enteredOn, ...row }: VoucherView) => ({
  ...row,
  deadline: shanghaiTime(deadline),
  madeAt: shanghaiTime(madeAt),
  ...given('remittedOn', remittedOn),
  ...given('enteredOn', enteredOn),
})
/** Something that happened to it. */
export const happeningJson = ({ event, amount, onDate, actor, bankSerial, rule, reason, at }: VoucherHappening) => ({
  event,
  ...given('amount', amount),
  ...given('onDate', onDate),
  actor,
  ...given('bankSerial', bankSerial),
  ...given('rule', rule),
  ...given('reason', reason),
  at: shanghaiTime(at),
})

/** A treasury statement with its differences. */
export const statementJson = (
  treasury: { readonly code: string; readonly name: string },
  day: string,
  { count, amount, isReported, differences }: TreasuryStatement,
  report: ReportView | undefined,
) => ({
  treasuryCode: treasury.code,
  treasuryName: treasury.name,
  day,
  count,
  amount,
  isReported,
  isEqual: isReported && differences.length === 0,
  ...given('reportVersion', report?.version),
  differences,
})

/** A certificate. */
export const certificateJson = ({ replacesNo, ...row }: CertificateView) => ({ ...row, ...given('replacesNo', replacesNo) })

/** A ticket after its debit. */
export const lifeJson = (life: TicketLife) => {
  const { ticketNo, officeCode, treasuryCode, bankCode, channel, amount, state, writtenOffOn, undo } = life
  return {
    ...{ ticketNo, officeCode, treasuryCode, bankCode, channel, amount, state, writtenOffOn },
    paidAt: shanghaiTime(life.paidAt),
    ...given('summaryNo', life.summaryNo),
    ...given('remittedOn', life.remittedOn),
    ...given('enteredOn', life.enteredOn),
    ...given('undo', undo && { ...undo, at: shanghaiTime(undo.at) }),
    reissues: life.reissues.map(({ printedNo, remittedOn, enteredOn, ...row }) => ({
      ...row,
      ...given('printedNo', printedNo),
      ...given('remittedOn', remittedOn),
      ...given('enteredOn', enteredOn),
    })),
    certificates: life.certificates.map(certificateJson),
  }
}

/** A payment voucher, private fields masked; `request` is the message of the debit. */
export const paymentJson = (life: TicketLife, treasuryName: string, request: string, prints: readonly PrintView[]) => {
  const { taxpayerId, taxpayerName, account } = JSON.parse(request) as Partial<RequestOf<'debit'>>
  return {
    ticketNo: life.ticketNo,
    bankCode: life.bankCode,
    ...given('summaryNo', life.summaryNo),
    treasuryName,
    amount: life.amount,
    paidOn: shanghaiDate(life.paidAt),
    releasableAt: shanghaiTime(releaseAt(life.paidAt)),
    ...given('releasedAt', life.releasedAt && shanghaiTime(life.releasedAt)),
    taxpayer: {
      ...given('taxpayerId', taxpayerId && maskText('taxpayer', taxpayerId)),
      ...given('taxpayerName', taxpayerName && maskText('name', taxpayerName)),
      ...given('account', account && maskText('account', account)),
    },
    prints: prints.map(({ copies, rule, ...row }) => ({ ...row, ...given('copies', copies), ...given('rule', rule) })),
  }
}
