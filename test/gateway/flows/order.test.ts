import type { Fields, RequestOf } from '@taxlink/bank-sdk'
import { expect, test } from 'vitest'
import { isRoute, route } from '../../../gateway/domain/reference.ts'
import {
  furtherHash,
  type ReversalOrder,
  reversalOrder,
  type StopOrder,
  type SupplementOrder,
  stopOrder,
  supplementOrder,
} from '../../../gateway/flows/further.ts'
import {
  type DebitOrder,
  debitOrder,
  debitRequestOf,
  orderHash,
  reversalRequestOf,
  supplementRequestOf,
} from '../../../gateway/flows/order.ts'
import { orderOf, sampleReference } from '../stage.ts'

// What makes two orders the same, and what of an order reaches the bank. No two fields of these samples are alike, so that none can stand for another.

const ticketNo = '430000000000000001'
const [item] = orderOf('4301', ticketNo).items
const items = [
  { ...item!, amount: 12_000 },
  { ...item!, taxCode: '10109', taxName: '城市维护建设税', amount: 345 },
] as const
const debit: Required<DebitOrder> = { ...orderOf('4301', ticketNo, { items }), workDate: '2026-11-09', fixedQuota: 'no' }
const reversal: Required<ReversalOrder> = { orderNo: 'R-1', ticketNo, supplementNo: 'S-1', amount: 345, reason: 'duplicate' }
const supplementary: Required<SupplementOrder> = { orderNo: 'S-1', ticketNo, reason: 'under-debited', amount: 12_345, items }
const stop: Required<StopOrder> = { orderNo: 'H-1', ticketNo, supplementNo: 'S-1' }

type Values = { readonly [name: string]: unknown }
const another = (value: unknown): unknown => (typeof value === 'number' ? value + 1 : `${String(value)}1`)
/** The order with another value in one field, or in one field of one item: for every field that the catalogue knows. */
const changed = (fields: Fields, values: Values): readonly (readonly [string, Values])[] =>
  Object.entries(fields).flatMap(([name, kind]) => {
    const value = values[name]
    if (!kind.fields) return [[name, { ...values, [name]: another(value) }] as const]
    const elements = value as readonly Values[]
    return [
      [`${name}, one fewer`, { ...values, [name]: elements.slice(1) }] as const,
      [`${name}, in another order`, { ...values, [name]: elements.toReversed() }] as const,
      ...elements.flatMap((element, n) =>
        changed(kind.fields!, element).map(
          ([of, other]) => [`${name}/${n}/${of}`, { ...values, [name]: elements.with(n, other) }] as const,
        ),
      ),
    ]
  })

test.each([
  ['debit', debitOrder.fields, debit, (order: Values) => orderHash(order as DebitOrder)],
  ['reversal', reversalOrder.fields, reversal, (order: Values) => furtherHash(reversalOrder, order)],
  ['supplementary debit', supplementOrder.fields, supplementary, (order: Values) => furtherHash(supplementOrder, order)],
  ['stop', stopOrder.fields, stop, (order: Values) => furtherHash(stopOrder, order)],
] as const)('a %s that differs in any one field is not a repetition', (_kind, fields, order, hashOf) => {
  const seen = new Map([[hashOf(order).toString('hex'), 'the order']])
  const others: (readonly [string, Values])[] = [...changed(fields, order)]
  for (const [name, { optional }] of Object.entries(fields)) if (optional) others.push([`without ${name}`, { ...order, [name]: undefined }])
  for (const [what, other] of others) {
    const hash = hashOf(other).toString('hex')
    expect(seen.get(hash), what).toBeUndefined()
    seen.set(hash, what)
  }
  expect(hashOf({ ...order, more: 'that no catalogue knows' })).toEqual(hashOf(order))
})

const key = { officeCode: '14301020000', entrustDate: '2026-11-10', serialNo: '00000007' }
const way = route(sampleReference(), '4301', key.officeCode, '2026-11-10')
if (!isRoute(way)) throw new Error(way.en)
const request = debitRequestOf(debit, key, way)

test('the bank is told what was ordered, and the treasury, clearing number and remittance account of its route (art. 29)', () => {
  const { bankCode: _bank, fixedQuota: _quota, ...ordered } = debit
  const { treasury, remittance } = way
  expect(new Set([treasury.code, treasury.clearingNo, remittance.account]).size).toBe(3)
  expect(request).toEqual({
    ...ordered,
    ...key,
    treasuryCode: treasury.code,
    clearingNo: treasury.clearingNo,
    remittanceAccount: remittance.account,
  })
  expect(debitRequestOf(orderOf('4301', ticketNo), key, way).workDate).toBe(key.entrustDate)
})

test('a reversal and a supplementary debit name their original by its own key, and have another', () => {
  const own = { officeCode: key.officeCode, entrustDate: '2026-11-11', serialNo: '00000042' }
  const original = { originalEntrustDate: key.entrustDate, originalSerialNo: key.serialNo }
  expect(reversalRequestOf(request, own, 345, 'duplicate')).toEqual({
    ...own,
    ...original,
    ticketNo,
    workDate: own.entrustDate,
    account: debit.account,
    originalAmount: 12_345,
    amount: 345,
    reason: 'duplicate',
  } satisfies RequestOf<'reversal'>)
  const missing = { reason: 'under-debited', amount: 345, items: [items[1]] } as const
  expect(supplementRequestOf(request, own, missing)).toEqual({
    ...request,
    ...own,
    ...original,
    ...missing,
    workDate: own.entrustDate,
  } satisfies RequestOf<'supplementaryDebit'>)
})
