import { bigint, boolean, char, customType, date, datetime, int, mysqlTable, text, varchar } from './drizzle.ts'

// The tables as drizzle reads them. migrations/*.sql is what makes them; test/gateway/store/tables.test.ts compares the two.

const binary = customType<{ data: Buffer }>({ dataType: () => 'binary(32)' })
const fen = (name: string) => bigint(name, { mode: 'number' })
const instant = (name: string) => datetime(name, { mode: 'date', fsp: 3 })

/** 电子税票: what a tax system ordered. */
export const ticket = mysqlTable('ticket', {
  ticketNo: char('ticket_no', { length: 18 }).primaryKey(),
  taxSystem: varchar('tax_system', { length: 80 }).notNull(),
  officeCode: varchar('office_code', { length: 12 }).notNull(),
  bankCode: varchar('bank_code', { length: 4 }).notNull(),
  amount: fen('amount').notNull(),
  contentHash: binary('content_hash').notNull(),
  acceptedAt: instant('accepted_at').notNull(),
  voidedAt: instant('voided_at'),
  voidReason: varchar('void_reason', { length: 200 }),
  fixedQuota: boolean('fixed_quota'),
})

/** One message to a bank that moves money, and where it stands. */
export const instruction = mysqlTable('instruction', {
  id: bigint('id', { mode: 'number' }).primaryKey(),
  verb: varchar('verb', { length: 20, enum: ['debit', 'supplementaryDebit', 'reversal'] }).notNull(),
  ticketNo: char('ticket_no', { length: 18 }).notNull(),
  officeCode: varchar('office_code', { length: 12 }).notNull(),
  entrustDate: date('entrust_date', { mode: 'string' }).notNull(),
  serialNo: char('serial_no', { length: 8 }).notNull(),
  bankCode: varchar('bank_code', { length: 4 }).notNull(),
  amount: fen('amount').notNull(),
  request: text('request').notNull(),
  state: varchar('state', { length: 12, enum: ['accepted', 'sent', 'unknown', 'succeeded', 'refused'] }).notNull(),
  attemptNo: int('attempt_no').notNull(),
  leaseOwner: varchar('lease_owner', { length: 40 }),
  nextAttemptAt: instant('next_attempt_at'),
  person: boolean('person').notNull(),
  redeliveries: int('redeliveries').notNull(),
  inquiries: int('inquiries').notNull(),
  lastSentAt: instant('last_sent_at'),
  resultCode: char('result_code', { length: 5 }),
  bankResultCode: varchar('bank_result_code', { length: 20 }),
  bankText: varchar('bank_text', { length: 120 }),
  bankSerial: varchar('bank_serial', { length: 20 }),
  accountingDate: date('accounting_date', { mode: 'string' }),
  acceptedAt: instant('accepted_at').notNull(),
  settledAt: instant('settled_at'),
  originalId: bigint('original_id', { mode: 'number' }),
  reason: varchar('reason', {
    length: 20,
    enum: ['under-debited', 'bank-missing', 'duplicate', 'over-debited', 'tax-side', 'in-doubt'],
  }),
  bookedAmount: fen('booked_amount'),
  awaited: boolean('awaited').notNull(),
})

/** One call to a bank, committed before its first byte. */
export const attempt = mysqlTable('attempt', {
  instructionId: bigint('instruction_id', { mode: 'number' }).notNull(),
  attemptNo: int('attempt_no').notNull(),
  verb: varchar('verb', { length: 20 }).notNull(),
  owner: varchar('owner', { length: 40 }).notNull(),
  startedAt: instant('started_at').notNull(),
})

/** What came of a call. */
export const answer = mysqlTable('answer', {
  instructionId: bigint('instruction_id', { mode: 'number' }).notNull(),
  attemptNo: int('attempt_no').notNull(),
  at: instant('at').notNull(),
  resultCode: char('result_code', { length: 5 }),
  fault: varchar('fault', { length: 40 }),
  transcript: text('transcript'),
})

/** The feed of outcomes. */
export const result = mysqlTable('result', {
  seq: bigint('seq', { mode: 'number' }).primaryKey(),
  ticketNo: char('ticket_no', { length: 18 }).notNull(),
  instructionId: bigint('instruction_id', { mode: 'number' }).notNull(),
  state: varchar('state', { length: 12 }).notNull(),
  at: instant('at').notNull(),
  kind: varchar('kind', { length: 8, enum: ['outcome', 'adoption'] }).notNull(),
})

/** Wake-ups the queue has still to be told. */
export const outbox = mysqlTable('outbox', {
  instructionId: bigint('instruction_id', { mode: 'number' }).primaryKey(),
  wakeAt: instant('wake_at').notNull(),
})

/** What a tax system ordered beside debits. */
export const tax_order = mysqlTable('tax_order', {
  id: bigint('id', { mode: 'number' }).primaryKey(),
  taxSystem: varchar('tax_system', { length: 80 }).notNull(),
  kind: varchar('kind', { length: 20, enum: ['supplementaryDebit', 'reversal', 'stop'] }).notNull(),
  orderNo: varchar('order_no', { length: 32 }).notNull(),
  contentHash: binary('content_hash').notNull(),
  ticketNo: char('ticket_no', { length: 18 }).notNull(),
  instructionId: bigint('instruction_id', { mode: 'number' }).notNull(),
  acceptedAt: instant('accepted_at').notNull(),
  state: varchar('state', { length: 12, enum: ['succeeded', 'refused'] }),
  resultCode: char('result_code', { length: 5 }),
  rule: varchar('rule', { length: 40 }),
})
