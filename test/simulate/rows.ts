import type { Halt } from '../../gateway/domain/bank.ts'
import type { BreakKind, BreakSource, Reason } from '../../gateway/domain/ticket.ts'
import type { Proposal } from '../../gateway/store/proposals.ts'

// The tables of migrations/ in memory, rows named as the columns are. Instants are milliseconds since 1970.

/** A row of `ticket`. */
export type TicketRow = {
  readonly ticket_no: string
  readonly tax_system: string
  readonly office_code: string
  readonly bank_code: string
  readonly amount: number
  readonly content_hash: Buffer
  readonly accepted_at: number
  voided_at: number | null
  void_reason: string | null
  /** 1, 0 or unsaid. */
  readonly fixed_quota: number | null
}

/** A row of `instruction`. */
export type InstructionRow = {
  readonly id: number
  readonly verb: 'debit' | 'supplementaryDebit' | 'reversal'
  readonly ticket_no: string
  readonly office_code: string
  readonly entrust_date: string
  readonly serial_no: string
  readonly bank_code: string
  readonly amount: number
  readonly request: string
  state: 'accepted' | 'sent' | 'unknown' | 'succeeded' | 'refused'
  attempt_no: number
  lease_owner: string | null
  next_attempt_at: number | null
  person: number
  redeliveries: number
  inquiries: number
  last_sent_at: number | null
  result_code: string | null
  bank_result_code: string | null
  bank_text: string | null
  bank_serial: string | null
  accounting_date: string | null
  readonly accepted_at: number
  settled_at: number | null
  readonly original_id: number | null
  readonly reason: Reason | null
  booked_amount: number | null
  awaited: number
}

/** A row of `attempt`. */
export type AttemptRow = {
  readonly instruction_id: number
  readonly attempt_no: number
  readonly verb: string
  readonly owner: string
  readonly started_at: number
}

/** A row of `answer`. */
export type AnswerRow = {
  readonly instruction_id: number
  readonly attempt_no: number
  readonly at: number
  readonly result_code: string | null
  readonly fault: string | null
  readonly transcript: string | null
}

/** A row of `journal`; its id is its place. */
export type JournalRow = {
  readonly at: number
  readonly ticket_no: string
  readonly instruction_id: number
  readonly event: string
  readonly actor: string
  readonly state: string
  readonly reason: string
}

/** A row of `result`; `seq` is its place, from 1. */
export type ResultRow = {
  readonly seq: number
  readonly ticket_no: string
  readonly instruction_id: number
  readonly state: string
  readonly at: number
  /** Nothing is adopted in the simulation. */
  readonly kind: 'outcome'
}

/** A row of `delivery`. */
export type DeliveryRow = {
  readonly name: string
  delivered_seq: number
  failures: number
  next_attempt_at: number
  lease_owner: string | null
  lease_until: number | null
}

/** A row of `tax_order`; its id is its place. */
export type OrderRow = {
  readonly tax_system: string
  readonly kind: 'supplementaryDebit' | 'reversal' | 'stop'
  readonly order_no: string
  readonly content_hash: Buffer
  readonly ticket_no: string
  readonly instruction_id: number
  readonly accepted_at: number
  readonly state: 'succeeded' | 'refused' | null
  readonly result_code: string | null
  readonly rule: string | null
}

/** A row of `break`; its id is its place. */
export type BreakRow = {
  readonly at: number
  readonly ticket_no: string
  readonly instruction_id: number
  readonly kind: BreakKind
  readonly source: BreakSource
  readonly tax_amount: number
  readonly bank_amount: number
  readonly reason: string
  closed_at: number | null
  closed_by: number | null
}

/** A row of `late_answer`. */
export type LateRow = {
  readonly instruction_id: number
  readonly transcript_hash: Buffer
  readonly at: number
  readonly result_code: string | null
  readonly transcript: string
  readonly said_state: 'succeeded' | 'refused' | null
  readonly said_amount: number | null
}

/** A row of `bank_day`. */
export type BankDayRow = { readonly bank_code: string; accounting_date: string; seen_at: number }

/** A row of `proposal`; its id is its place, from 1. */
export type ProposalRow = { -readonly [K in keyof Proposal]: Proposal[K] } & { seenHash?: string }
/** A row of `bank_halt` that is live. */
export type HaltRow = Halt & { readonly proposalId: number }

/** Open, and not due by itself: a person decides. */
export const never = Date.UTC(9999, 11, 31)

/** Refused by a unique key or a check of the tables. */
export class Refused extends Error {}

/** All tables. */
export class Tables {
  readonly ticket = new Map<string, TicketRow>()
  readonly instruction = new Map<number, InstructionRow>()
  readonly attempt = new Map<number, AttemptRow[]>()
  readonly answer = new Map<number, AnswerRow[]>()
  readonly journal: JournalRow[] = []
  readonly outbox = new Map<number, number>()
  readonly result: ResultRow[] = []
  readonly delivery = new Map<string, DeliveryRow>()
  readonly tax_order: OrderRow[] = []
  readonly break: BreakRow[] = []
  readonly late_answer: LateRow[] = []
  readonly bank_day = new Map<string, BankDayRow>()
  readonly counter = new Map<string, number>([['result', 1]])
  /** The unique key `bank_key`. */
  readonly byKey = new Map<string, InstructionRow>()
  /** The debit instruction of each ticket, and all of its instructions in the order of their ids. */
  readonly debitOf = new Map<string, InstructionRow>()
  readonly ofTicket = new Map<string, InstructionRow[]>()
  readonly proposal: ProposalRow[] = []
  readonly halt = new Map<string, HaltRow>()
  /** Grows with every halt and every resumption. */
  haltChanges = 0
  /** Instructions whose doubt two persons have ended. */
  readonly resolved = new Set<number>()
  /** What a unique key has refused: the last defence, which no rule may need. */
  defended: string | undefined
  /** Tickets of which anything was written since somebody last looked. */
  readonly touched = new Set<string>()
}

/** How a key is written in `byKey`. */
export const keyOf = (row: { office_code: string; entrust_date: string; serial_no: string }): string =>
  `${row.office_code}/${row.entrust_date}/${row.serial_no}`
