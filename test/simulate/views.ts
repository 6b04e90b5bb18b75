import { isUnifiedCode, outcome } from '@taxlink/bank-sdk'
import type { OrderView, StopView } from '../../gateway/store/order-reads.ts'
import type { OrderKey } from '../../gateway/store/orders.ts'
import type { DebitView, ResultView } from '../../gateway/store/reads.ts'
import type { InstructionRow, Tables } from './rows.ts'

/** The debit of a ticket as the tax side sees it. */
export const findDebit = (tables: Tables, ticketNo: string): DebitView | undefined => {
  const row = tables.debitOf.get(ticketNo)
  return row && viewOf(tables, row)
}

/** The feed after `after`, for one tax system or for all. */
export const feed = (tables: Tables, taxSystem: string | undefined, after: number, limit: number): ResultView[] => {
  const found: ResultView[] = []
  for (let at = Math.max(0, after - 1); at < tables.result.length && found.length < limit; at++) {
    const { seq, instruction_id: id } = tables.result[at]!
    const view = viewOf(tables, tables.instruction.get(id)!)
    if (seq > after && (taxSystem === undefined || view.taxSystem === taxSystem))
      found.push({ ...view, orderNo: orderNoOf(tables, id), seq })
  }
  return found
}

/** The number under which an instruction was ordered, where that is not the ticket's. */
const orderNoOf = (tables: Tables, id: number): string | undefined =>
  tables.tax_order.find(o => o.instruction_id === id && o.kind === tables.instruction.get(id)?.verb)?.order_no

/** An order of one kind under its number, with its instruction. */
export const findOrder = (tables: Tables, { taxSystem, kind, orderNo }: OrderKey): OrderView | undefined => {
  const at = tables.tax_order.findIndex(o => o.tax_system === taxSystem && o.kind === kind && o.order_no === orderNo)
  const order = tables.tax_order[at]
  if (!order) return undefined
  const view = viewOf(tables, tables.instruction.get(order.instruction_id)!)
  return { ...view, contentHash: order.content_hash, orderNo, orderId: at + 1, rule: order.rule ?? undefined }
}

/** A stop under its number. */
export const findStop = (tables: Tables, taxSystem: string, orderNo: string): StopView | undefined => {
  const at = tables.tax_order.findIndex(o => o.tax_system === taxSystem && o.kind === 'stop' && o.order_no === orderNo)
  const order = tables.tax_order[at]
  return (
    order && {
      orderNo,
      orderId: at + 1,
      ticketNo: order.ticket_no,
      state: order.state ?? 'refused',
      resultCode: order.result_code ?? '94999',
      rule: order.rule ?? undefined,
      acceptedAt: new Date(order.accepted_at),
      contentHash: order.content_hash,
    }
  )
}

/** An instruction as the tax side sees it. */
export const viewOf = (tables: Tables, row: InstructionRow): DebitView => {
  const ticket = tables.ticket.get(row.ticket_no)!
  const { result_code: code } = row
  return {
    verb: row.verb,
    ticketNo: row.ticket_no,
    taxSystem: ticket.tax_system,
    state: row.state,
    officeCode: row.office_code,
    entrustDate: row.entrust_date,
    serialNo: row.serial_no,
    bankCode: row.bank_code,
    amount: row.amount,
    outcome: code !== null && isUnifiedCode(code) ? outcome(code, row.bank_result_code ?? code, row.bank_text ?? undefined) : undefined,
    bankSerial: row.bank_serial ?? undefined,
    accountingDate: row.accounting_date ?? undefined,
    person: row.person === 1,
    attempts: row.attempt_no,
    acceptedAt: new Date(row.accepted_at),
    settledAt: row.settled_at === null ? undefined : new Date(row.settled_at),
    booked: row.state === 'succeeded' ? (row.booked_amount ?? row.amount) : 0,
    reason: row.reason ?? undefined,
    voidedAt: ticket.voided_at === null ? undefined : new Date(ticket.voided_at),
    voidReason: ticket.void_reason ?? undefined,
    adoptedAt: undefined,
    orderNo: undefined,
    contentHash: ticket.content_hash,
    instructionId: row.id,
  }
}
