import { hash } from 'node:crypto'
import {
  ascii,
  debitParticulars,
  type Fields,
  fen,
  type Kind,
  message,
  oneOf,
  optional,
  supplementaryDebitRequest,
  type ValuesOf,
} from '@taxlink/bank-sdk'
import type { DebitState } from '../domain/debit.ts'
import type { Instruction } from '../store/debits.ts'
import type { OrderView } from '../store/order-reads.ts'
import type { NewOrder, Ordered, OrderKey, OrderKind } from '../store/orders.ts'
import { advanceOne } from './advance.ts'
import { type Flow, waitKey } from './flow.ts'
import type { Slots } from './slots.ts'

// What a tax system orders about a ticket beside its debit, and what these orders have in common.

const { ticketNo, items } = debitParticulars
const number = (zh: string, en: string): Kind<string> => ({
  ...ascii(zh, en, 32),
  schema: { type: 'string', minLength: 1, maxLength: 32, pattern: '^[A-Za-z0-9-]+$' },
})
const orderNo = number('委托编号', 'number of the order, the tax system’s own')
/** Where it is about a supplementary debit of the ticket, and not about the debit. */
const supplementNo = optional(number('补充划缴委托编号', 'number of the supplementary debit it is about'))

/** 冲正委托 (art. 35(1)). */
export const reversalOrder = message('reversal.order', '冲正委托', 'reversal order of a tax system', {
  orderNo,
  ticketNo,
  supplementNo,
  amount: fen('冲正金额', 'amount to give back, in fen', 1),
  reason: oneOf('冲正原因', 'reason', ['duplicate', 'over-debited', 'tax-side']),
})
/** A reversal order, valid by its schema. */
export type ReversalOrder = ValuesOf<typeof reversalOrder>

/** 补充划缴委托 (art. 35(2), 35(3)). */
export const supplementOrder = message('supplementary-debit.order', '补充划缴委托', 'supplementary debit order of a tax system', {
  orderNo,
  ticketNo,
  reason: supplementaryDebitRequest.fields.reason,
  amount: fen('补充划缴金额', 'amount to be debited, in fen', 1),
  items,
})
/** A supplementary debit order, valid by its schema. */
export type SupplementOrder = ValuesOf<typeof supplementOrder>

/** 止付委托. */
export const stopOrder = message('stop.order', '止付委托', 'stop order of a tax system', { orderNo, ticketNo, supplementNo })
/** A stop order, valid by its schema. */
export type StopOrder = ValuesOf<typeof stopOrder>

/** SHA-256 of an order: its fields in the order of the catalogue, those of its items too. The same bytes are the same order. */
export const furtherHash = (of: { readonly fields: Fields }, order: { readonly [name: string]: unknown }): Buffer => {
  const plain = (fields: Fields, values: { readonly [name: string]: unknown }): unknown[] =>
    Object.entries(fields).map(([name, kind]) => {
      const value = values[name]
      if (kind.fields && Array.isArray(value)) return value.map(element => plain(kind.fields!, element as { [name: string]: unknown }))
      return value ?? null
    })
  return hash('sha256', JSON.stringify(plain(of.fields, order)), 'buffer')
}

/**
 * What became of an order about a ticket. `absent`: the caller has no such ticket, or no such supplementary debit. Of a supplementary debit of the whole
 * (art. 35(3)), which is then not taken on: `at-the-bank`: asked, the bank says that it has the debit; `unclear`: it did not say that it has not.
 */
export type FurtherVerdict =
  | { readonly kind: 'absent' | 'at-the-bank' | 'unclear' }
  | { readonly kind: 'accepted'; readonly state: DebitState }
  | { readonly kind: 'repeated' }
  | { readonly kind: 'differs'; readonly hash: string; readonly acceptedHash: string }

/** Under this name the gateway orders what no tax system has ordered: the reversal of an excess, a supplementary debit that an operator starts. */
export const ownOrders = 'urn:taxlink:gateway'

/** An order by its number as its tax system may ask for it: one it gave itself, or one that the gateway gave about a ticket of its, told by the feed. */
export const orderFor = async (flow: Flow, { taxSystem, kind, orderNo }: InstructionKey): Promise<OrderView | undefined> => {
  const given = await flow.store.findOrder({ taxSystem, kind, orderNo })
  if (given) return given
  const ours = await flow.store.findOrder({ taxSystem: ownOrders, kind, orderNo })
  return ours?.taxSystem === taxSystem ? ours : undefined
}

/** The key of an order that is an instruction. */
type InstructionKey = OrderKey & { readonly kind: 'reversal' | 'supplementaryDebit' }

/** The instruction an order is about: the ticket's debit, or one of its supplementary debits; only of the caller's own tickets. */
export const originalOf = async (
  flow: Flow,
  taxSystem: string,
  order: { readonly ticketNo: string; readonly supplementNo?: string },
): Promise<Instruction | undefined> => {
  const found =
    order.supplementNo === undefined
      ? await flow.store.find(order.ticketNo)
      : await orderFor(flow, { taxSystem, kind: 'supplementaryDebit', orderNo: order.supplementNo })
  if (found?.taxSystem !== taxSystem || found.ticketNo !== order.ticketNo) return undefined
  return (await flow.store.load([found.instructionId]))[0]
}

/** An order about what the caller has not: nothing was done, unless its number is one that was used, with other content of course. */
export const aboutNothing = async (flow: Flow, { taxSystem, kind, orderNo }: OrderKey, hashed: Buffer): Promise<FurtherVerdict> => {
  const known = kind === 'stop' ? await flow.store.findStop(taxSystem, orderNo) : await flow.store.findOrder({ taxSystem, kind, orderNo })
  return known ? differs(hashed, known.contentHash) : { kind: 'absent' }
}

const differs = (hashed: Buffer, accepted: Buffer): FurtherVerdict => ({
  kind: 'differs',
  hash: hashed.toString('hex'),
  acceptedHash: accepted.toString('hex'),
})

/** What the record said to an order, for whoever gave it. */
export const told = (
  flow: Flow,
  kind: OrderKind,
  about: Pick<Instruction, 'bankCode' | 'ticketNo'>,
  hashed: Buffer,
  said: Ordered,
): FurtherVerdict => {
  const { bankCode, ticketNo: of } = about
  if (said.kind === 'accepted') {
    flow.note({ event: 'accepted', bankCode, ticketNo: of, verb: kind, state: said.state })
    return { kind: 'accepted', state: said.state }
  }
  flow.note({ event: 'repeated', bankCode, ticketNo: of, verb: kind })
  return said.contentHash.equals(hashed) ? { kind: 'repeated' } : differs(hashed, said.contentHash)
}

/** After the commit: wakes whoever waits for what is final already, and sends at once what is to be sent, from a place of its bank. */
export const follow = (flow: Flow, slots: Slots, { instruction }: NewOrder, said: Ordered): void => {
  if (said.kind !== 'accepted') return
  if (said.state !== 'accepted') flow.settled(waitKey(instruction), said.state)
  if (said.state !== 'accepted' || said.verdict.kind !== 'send') return
  const { id, bankCode } = instruction
  slots.run(bankCode, flow.reference().banks.get(bankCode)?.policy.concurrency ?? 1, async () => {
    try {
      const [own] = await flow.store.load([id])
      if (own) await advanceOne(flow, own)
    } catch (error) {
      // The outbox brings it to a worker.
      flow.note({ event: 'trouble', bankCode, ticketNo: instruction.ticketNo, detail: String(error) })
    }
  })
}
