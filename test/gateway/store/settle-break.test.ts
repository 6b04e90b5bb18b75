import { expect, test } from 'vitest'
import type { Movement, Ticket } from '../../../gateway/domain/ticket.ts'
import { objectionToSettling, type Settling } from '../../../gateway/store/settle-break.ts'

// 采信 (art. 35): money that only the bank has becomes the tax of its ticket only where nothing else has paid it, or may have; all else goes back.

type Stand = Parameters<typeof objectionToSettling>[0]
const debit: Movement = {
  id: 1,
  verb: 'debit',
  state: 'refused',
  amount: 2_000,
  booked: 0,
  originalId: undefined,
  reason: undefined,
  inquiries: 0,
  acceptedAt: new Date('2026-11-10T02:00:00Z'),
  lastSentAt: new Date('2026-11-10T02:00:00Z'),
  accountingDate: undefined,
}
const ticket: Ticket = {
  ticketNo: '430000000000000001',
  taxSystem: 'urn:taxlink:tax-system:test',
  bankCode: '4301',
  amount: 2_000,
  isVoid: false,
  movements: [debit],
  breaks: [],
  bankDay: undefined,
}
const fit: Stand = {
  state: 'chosen',
  remedy: 'persons',
  bankAmount: 2_000,
  bankCode: '4301',
  ticket,
  isAdopted: false,
  isBooked: false,
  isAskedBack: false,
}
const ruled = (change: Partial<Stand>, decision: Settling) => objectionToSettling({ ...fit, ...change }, decision)?.rule
const withDebit = (...debits: Partial<Movement>[]) => ({ ticket: { ...ticket, movements: debits.map(each => ({ ...debit, ...each })) } })

test('the whole tax of a ticket whose debit was refused may be adopted, or returned', () => {
  expect(ruled({}, 'adopt')).toBeUndefined()
  expect(ruled({}, 'return')).toBeUndefined()
})

test.each<[string, Partial<Stand>]>([
  ['ticket-unknown', { ticket: undefined }],
  ['other-bank', { bankCode: '4306' }],
  ['ticket-void', { ticket: { ...ticket, isVoid: true } }],
  ['paid-otherwise', { isAdopted: true }],
  ['paid-otherwise', withDebit({ state: 'succeeded', booked: 2_000 })],
  // Nobody knows yet; and what is refused once may have been debited by another.
  ['paid-otherwise', withDebit({ state: 'unknown' })],
  ['paid-otherwise', withDebit({ state: 'accepted' })],
  ['paid-otherwise', withDebit({}, { id: 2, state: 'sent' })],
  ['booked-already', { isBooked: true }],
  ['asked-back', { isAskedBack: true }],
  ['other-amount', { bankAmount: 1_999 }],
  ['other-amount', { bankAmount: 2_001 }],
])('%s: it can only be returned (%#)', (rule, change) => {
  expect(ruled(change, 'adopt')).toBe(rule)
  expect(ruled(change, 'return')).toBeUndefined()
})

test.each<Partial<Stand>>([{ state: 'under-way' }, { state: 'remedied' }, { state: 'found' }, { remedy: 'notice' }, { remedy: null }])(
  'what does not wait for two persons is settled by none: %j',
  change => {
    for (const decision of ['adopt', 'return'] as const) expect(ruled(change, decision)).toBe('not-for-persons')
  },
)
