import { type Message, objectSchema, outcome } from '@taxlink/bank-sdk'
import { reversalOrder, stopOrder, supplementOrder } from '../flows/further.ts'
import { feedExample, orderExample } from './examples.ts'
import type { FurtherInstructionJson, StopJson } from './further-shapes.ts'
import { debitProperties, debitRequired, furtherProperties, resultSchema } from './schemas.ts'
import { resultJson } from './shapes.ts'

// The shapes of reversals, supplementary debits and stops, as JSON Schema (2020-12).

const orderSchema = <const Id extends string>($id: Id, of: Message, example: object) =>
  ({ $id, title: `${of.zh} / ${of.en}`, ...objectSchema(of.fields), examples: [example] }) as const

const { ticketNo, items } = orderExample
const { seq: _seq, verb: _verb, ...shown } = feedExample
const instruction: Omit<FurtherInstructionJson, 'orderNo' | 'reason'> = { ...shown, serialNo: '00000002' }

/** The body of a reversal order. */
export const reversalOrderSchema = orderSchema('ReversalOrder', reversalOrder, {
  orderNo: 'CZ-20261110-0001',
  ticketNo,
  amount: 25_000,
  reason: 'over-debited',
})
/** The body of a supplementary debit order. */
export const supplementOrderSchema = orderSchema('SupplementaryDebitOrder', supplementOrder, {
  orderNo: 'BK-20261111-0001',
  ticketNo,
  reason: 'bank-missing',
  amount: orderExample.amount,
  items,
})
/** The body of a stop order. */
export const stopOrderSchema = orderSchema('StopOrder', stopOrder, { orderNo: 'ZF-20261110-0001', ticketNo })

const instructionSchema = <const Id extends string>($id: Id, title: string, example: object) =>
  ({
    $id,
    title,
    type: 'object',
    additionalProperties: false,
    required: ['orderNo', 'reason', ...debitRequired],
    properties: { ...furtherProperties, ...debitProperties },
    examples: [example],
  }) as const

/** 冲正: a reversal as the tax side sees it. */
export const reversalSchema = instructionSchema('Reversal', '冲正 / reversal', {
  ...instruction,
  orderNo: 'CZ-20261110-0001',
  reason: 'over-debited',
  amount: 25_000,
  bookedAmount: 25_000,
})
/** 补充划缴: a supplementary debit as the tax side sees it. */
export const supplementSchema = instructionSchema('SupplementaryDebit', '补充划缴 / supplementary debit', {
  ...instruction,
  orderNo: 'BK-20261111-0001',
  reason: 'bank-missing',
})

const stopExample: StopJson = {
  orderNo: 'ZF-20261110-0001',
  ticketNo,
  state: 'succeeded',
  result: resultJson(outcome('90000')),
  acceptedAt: shown.acceptedAt,
}
/** 止付: a stop, final at once. */
export const stopSchema = {
  $id: 'Stop',
  title: '止付 / stop',
  type: 'object',
  additionalProperties: false,
  required: ['orderNo', 'ticketNo', 'state', 'result', 'acceptedAt'],
  properties: {
    orderNo: furtherProperties.orderNo,
    ticketNo: debitProperties.ticketNo,
    state: { type: 'string', title: '状态 / state', enum: ['succeeded', 'refused'] },
    result: resultSchema,
    rule: { type: 'string', title: '本系统规则 / the rule of ours that decided' },
    acceptedAt: debitProperties.acceptedAt,
  },
  examples: [stopExample],
} as const

const pageSchema = <const Id extends string, const Name extends string>($id: Id, name: Name, of: string, title: string) =>
  ({
    $id,
    title,
    type: 'object',
    additionalProperties: false,
    required: [name],
    properties: {
      [name]: { type: 'array', items: { $ref: of } },
      next: { type: 'string', title: '下一页游标,没有则为末页 / cursor of the next page; absent on the last' },
    },
  }) as const

/** Every shape of further orders that has a name. */
export const furtherShapes = [
  reversalOrderSchema,
  supplementOrderSchema,
  stopOrderSchema,
  reversalSchema,
  supplementSchema,
  stopSchema,
  pageSchema('ReversalPage', 'reversals', 'Reversal#', '冲正列表 / page of reversals'),
  pageSchema('SupplementaryDebitPage', 'supplementaryDebits', 'SupplementaryDebit#', '补充划缴列表 / page of supplementary debits'),
  pageSchema('StopPage', 'stops', 'Stop#', '止付列表 / page of stops'),
] as const
