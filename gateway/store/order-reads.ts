import { outcome } from '@taxlink/bank-sdk'
import type { Pool } from 'mysql2/promise'
import type { Database } from './database.ts'
import { and, asc, drizzle, eq, gt, inArray } from './drizzle.ts'
import type { OrderKey, OrderKind } from './orders.ts'
import { columns, type DebitView, view } from './reads.ts'
import { instruction, tax_order, ticket } from './tables.ts'

/** A reversal or supplementary debit as the tax side sees it: its instruction, under the number of the order. */
export type OrderView = DebitView & {
  readonly orderNo: string
  /** Its place in lists. */
  readonly orderId: number
  /** The rule of ours that decided, where one did. */
  readonly rule: string | undefined
}
/** A stop as the tax side sees it; it is final at once. */
export type StopView = {
  readonly orderNo: string
  readonly orderId: number
  readonly ticketNo: string
  readonly state: 'succeeded' | 'refused'
  readonly resultCode: string
  readonly rule: string | undefined
  readonly acceptedAt: Date
  readonly contentHash: Buffer
}
type InstructionKind = Exclude<OrderKind, 'stop'>

/** The reads of reversals, supplementary debits and stops, each tax system its own. */
export type OrderReads = {
  findOrder(key: OrderKey & { readonly kind: InstructionKind }): Promise<OrderView | undefined>
  findStop(taxSystem: string, orderNo: string): Promise<StopView | undefined>
  /** Orders after `afterId`, in the order of their acceptance, at most `limit`. */
  listOrders(taxSystem: string, kind: InstructionKind, afterId: number, limit: number): Promise<OrderView[]>
  listStops(taxSystem: string, afterId: number, limit: number): Promise<StopView[]>
  /** Instructions by their ids. */
  findInstructions(ids: readonly number[]): Promise<DebitView[]>
}

const orderColumns = {
  ...columns,
  contentHash: tax_order.contentHash,
  orderNo: tax_order.orderNo,
  orderId: tax_order.id,
  rule: tax_order.rule,
}

/** Opens the reads over the pool of `db`. */
export const openOrderReads = (db: Database): OrderReads => {
  const d = drizzle(db.reads as unknown as Pool)
  const orders = () =>
    d
      .select(orderColumns)
      .from(tax_order)
      .innerJoin(instruction, eq(instruction.id, tax_order.instructionId))
      .innerJoin(ticket, eq(ticket.ticketNo, instruction.ticketNo))
  const stops = () =>
    d
      .select({
        orderNo: tax_order.orderNo,
        orderId: tax_order.id,
        ticketNo: tax_order.ticketNo,
        state: tax_order.state,
        resultCode: tax_order.resultCode,
        rule: tax_order.rule,
        acceptedAt: tax_order.acceptedAt,
        contentHash: tax_order.contentHash,
      })
      .from(tax_order)
  const orderView = (row: Awaited<ReturnType<typeof orders>>[number]): OrderView => ({
    ...view(row),
    orderNo: row.orderNo,
    rule: row.rule ?? undefined,
  })
  const stopView = (row: Awaited<ReturnType<typeof stops>>[number]): StopView => ({
    ...row,
    state: row.state ?? 'refused',
    resultCode: row.resultCode ?? outcome('94999').code,
    rule: row.rule ?? undefined,
  })
  const own = (taxSystem: string, kind: OrderKind) => and(eq(tax_order.taxSystem, taxSystem), eq(tax_order.kind, kind))
  return {
    findOrder: async ({ taxSystem, kind, orderNo }) =>
      (await orders().where(and(own(taxSystem, kind), eq(tax_order.orderNo, orderNo)))).map(orderView)[0],
    findStop: async (taxSystem, orderNo) =>
      (await stops().where(and(own(taxSystem, 'stop'), eq(tax_order.orderNo, orderNo)))).map(stopView)[0],
    listOrders: async (taxSystem, kind, afterId, limit) =>
      (
        await orders()
          .where(and(own(taxSystem, kind), gt(tax_order.id, afterId)))
          .orderBy(asc(tax_order.id))
          .limit(limit)
      ).map(orderView),
    listStops: async (taxSystem, afterId, limit) =>
      (
        await stops()
          .where(and(own(taxSystem, 'stop'), gt(tax_order.id, afterId)))
          .orderBy(asc(tax_order.id))
          .limit(limit)
      ).map(stopView),
    findInstructions: async ids =>
      ids.length === 0
        ? []
        : (
            await d
              .select(columns)
              .from(instruction)
              .innerJoin(ticket, eq(ticket.ticketNo, instruction.ticketNo))
              .where(inArray(instruction.id, [...ids]))
          ).map(view),
  }
}
