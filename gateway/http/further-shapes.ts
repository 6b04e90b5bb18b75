import { isUnifiedCode, outcome } from '@taxlink/bank-sdk'
import { shanghaiTime } from '../domain/time.ts'
import type { OrderView, StopView } from '../store/order-reads.ts'
import { type DebitJson, debitJson, type FurtherJson, furtherJson, type ResultJson, resultJson } from './shapes.ts'

/** A reversal or a supplementary debit as the tax side sees it. */
export type FurtherInstructionJson = DebitJson & FurtherJson & { readonly orderNo: string; readonly reason: string }
/** A stop as the tax side sees it. */
export type StopJson = {
  readonly orderNo: string
  readonly ticketNo: string
  readonly state: 'succeeded' | 'refused'
  readonly result: ResultJson
  readonly rule?: string
  readonly acceptedAt: string
}

/** A reversal or a supplementary debit of the record as JSON. */
export const instructionJson = (view: OrderView): FurtherInstructionJson => ({
  ...debitJson(view),
  ...furtherJson(view),
  orderNo: view.orderNo,
  reason: view.reason ?? '',
})

/** A stop of the record as JSON. */
export const stopJson = ({ orderNo, ticketNo, state, resultCode, rule, acceptedAt }: StopView): StopJson => ({
  orderNo,
  ticketNo,
  state,
  result: resultJson(outcome(isUnifiedCode(resultCode) ? resultCode : '94999')),
  ...(rule === undefined ? {} : { rule }),
  acceptedAt: shanghaiTime(acceptedAt),
})
