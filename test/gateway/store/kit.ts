import { createHash } from 'node:crypto'
import { outcome } from '@taxlink/bank-sdk'
import type { InstructionVerb } from '../../../gateway/domain/answers.ts'
import type { Decision } from '../../../gateway/domain/debit.ts'
import type { Reason } from '../../../gateway/domain/ticket.ts'
import { later } from '../../../gateway/domain/time.ts'
import type { Instruction, NewDebit, NewInstruction, Settlement } from '../../../gateway/store/debits.ts'
import type { NewOrder } from '../../../gateway/store/orders.ts'
import type { Store } from '../../../gateway/store/store.ts'

// Rows of the record as suites about it need them.

/** When everything in these suites happens: ten o'clock in the province. */
export const now = new Date('2026-11-10T02:00:00.000Z')
export const taxSystem = 'urn:taxlink:tax-system:test'
const officeCode = '14301020000'
export const hashOf = (text: string): Buffer => createHash('sha256').update(text).digest()

let tickets = 0
/** A debit nobody wrote before, sent by `one`. */
export const newDebit = async (store: Store, change: Partial<NewDebit> = {}): Promise<NewDebit> => ({
  ticketNo: String(440_000_000_000_000_000n + BigInt(++tickets)),
  taxSystem,
  officeCode,
  bankCode: '4301',
  amount: 10_000,
  contentHash: hashOf('debit'),
  instructionId: await store.takeInstructionId(),
  request: '{}',
  entrustDate: '2026-11-10',
  serialNo: await store.takeSerial(officeCode, '2026-11-10'),
  acceptedAt: now,
  state: 'sent',
  owner: 'one',
  nextAttemptAt: later(now, 60_000),
  wakeAt: later(now, 60_000),
  outcome: undefined,
  reason: 'test',
  ...change,
})

/** A success, unless changed. */
export const decided = (change: Partial<Decision> = {}): Decision => ({
  event: 'succeed',
  state: 'succeeded',
  redeliveries: 0,
  inquiries: 0,
  nextAttemptAt: undefined,
  person: false,
  outcome: outcome('90000', '0000'),
  reason: 'test',
  ...change,
})
export const refusal: Partial<Decision> = { event: 'refuse', state: 'refused', outcome: outcome('24003') }
export const doubt: Partial<Decision> = { event: 'doubt', state: 'unknown', nextAttemptAt: later(now, 5_000), outcome: outcome('28003') }

/** The settlement of an attempt that `one` made. */
export const settlementOf = (
  about: { readonly id: number; readonly ticketNo: string; readonly verb?: InstructionVerb; readonly inDoubt?: boolean },
  decision: Partial<Decision> = {},
  change: Partial<Settlement> = {},
): Settlement => ({
  instruction: { verb: 'debit', bankCode: '4301', ...about },
  from: 'sent',
  attemptNo: 1,
  owner: 'one',
  now: later(now, 500),
  decision: decided(decision),
  bankSerial: undefined,
  accountingDate: '2026-11-10',
  fault: undefined,
  transcript: '{}',
  ...change,
})

/** A ticket whose debit the bank has settled so. */
export const settledDebit = async (store: Store, decision: Partial<Decision> = {}, change: Partial<NewDebit> = {}): Promise<NewDebit> => {
  const debit = await newDebit(store, change)
  await store.accept(debit)
  await store.settle(settlementOf({ id: debit.instructionId, ticketNo: debit.ticketNo }, decision))
  return debit
}

let orders = 0
/** A further instruction about a debit. */
export const further = async (
  store: Store,
  debit: NewDebit,
  verb: 'reversal' | 'supplementaryDebit',
  amount: number,
  reason: Reason,
): Promise<NewInstruction> => ({
  id: await store.takeInstructionId(),
  verb,
  ticketNo: debit.ticketNo,
  officeCode,
  entrustDate: '2026-11-10',
  serialNo: await store.takeSerial(officeCode, '2026-11-10'),
  bankCode: debit.bankCode,
  amount,
  request: '{}',
  originalId: debit.instructionId,
  reason,
  acceptedAt: now,
})
/** An order for it, under a number of its own. */
export const orderOf = (instruction: NewInstruction, orderNo = `O-${++orders}`): NewOrder => ({
  taxSystem,
  kind: instruction.verb,
  orderNo,
  contentHash: hashOf(JSON.stringify([instruction.ticketNo, instruction.amount, instruction.reason])),
  instruction,
  wakeAt: now,
})

/** Claims what is due, as `one`. */
export const claimed = async (store: Store, id: number, at = now): Promise<Instruction | undefined> => {
  const [instruction] = await store.load([id])
  if (!instruction) return undefined
  const verb = instruction.state === 'accepted' ? instruction.verb : 'inquiry'
  const ours = await store.claim({ instruction, verb, owner: 'one', now: at, leaseUntil: later(at, 60_000) })
  return ours ? { ...instruction, attemptNo: instruction.attemptNo + 1 } : undefined
}
