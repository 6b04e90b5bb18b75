import { isUnifiedCode, type Outcome, outcome } from '@taxlink/bank-sdk'
import type { SQL } from 'drizzle-orm'
import type { Pool } from 'mysql2/promise'
import type { InstructionVerb } from '../domain/answers.ts'
import { type DebitState, isFinal } from '../domain/debit.ts'
import type { Reason } from '../domain/ticket.ts'
import type { Database } from './database.ts'
import type { Instruction } from './debits.ts'
import { and, asc, drizzle, eq, gt, inArray, isNotNull, lte, sql } from './drizzle.ts'
import { sqlTime } from './rows.ts'
import { answer, attempt, instruction, result, tax_order, ticket } from './tables.ts'

/** An instruction as the tax side sees it; its content (accounts, names) stays out of it. */
export type DebitView = {
  readonly verb: InstructionVerb
  readonly ticketNo: string
  readonly taxSystem: string
  readonly state: DebitState
  readonly officeCode: string
  readonly entrustDate: string
  readonly serialNo: string
  readonly bankCode: string
  /** Fen. */
  readonly amount: number
  readonly outcome: Outcome | undefined
  readonly bankSerial: string | undefined
  readonly accountingDate: string | undefined
  /** The inquiry ladder is over; a person decides. */
  readonly person: boolean
  /** Calls to the bank so far, inquiries included. */
  readonly attempts: number
  readonly acceptedAt: Date
  readonly settledAt: Date | undefined
  /** Fen that moved: those asked for, unless the bank or a person has said another amount; 0 before it succeeded. */
  readonly booked: number
  /** Why a reversal or a supplementary debit was ordered. */
  readonly reason: Reason | undefined
  /** 作废 (art. 35(3)): when the ticket was voided, and why. */
  readonly voidedAt: Date | undefined
  readonly voidReason: string | undefined
  /** 采信 (art. 35): when two persons took what its bank had debited all the same for its payment, though the record had it as refused. */
  readonly adoptedAt: Date | undefined
  /** The number under which the tax side ordered it, where that is not the ticket's. */
  readonly orderNo: string | undefined
  readonly contentHash: Buffer
  readonly instructionId: number
}
/**
 * One line of the feed of outcomes; `seq` grows without gaps in the order of commits. Of a debit that ended as refused and was adopted there is a second
 * one, the adoption: it tells of the debit as it counts from then on.
 */
export type ResultView = Omit<DebitView, 'verb'> & { readonly seq: number; readonly verb: InstructionVerb | 'adoption' }
/** One call to the bank and what came of it. */
export type AttemptView = {
  readonly attemptNo: number
  readonly verb: string
  readonly startedAt: Date
  readonly answeredAt: Date | undefined
  readonly resultCode: string | undefined
  readonly fault: string | undefined
  readonly transcript: string | undefined
}
/** What a list may be narrowed by; dates are those of the acceptance, in the province. */
export type DebitFilter = {
  readonly taxSystem: string
  readonly entrustDate?: string | undefined
  readonly bankCode?: string | undefined
  readonly officeCode?: string | undefined
  readonly state?: DebitState | undefined
}

/** The reads of the gateway, by drizzle. Private content is only in `load`, for those that call the bank. */
export type DebitReads = {
  find(ticketNo: string): Promise<DebitView | undefined>
  findMany(ticketNos: readonly string[]): Promise<DebitView[]>
  /** Instructions after `afterId`, in order of id, at most `limit`. */
  list(filter: DebitFilter, afterId: number, limit: number): Promise<DebitView[]>
  results(taxSystem: string | undefined, after: number, limit: number): Promise<ResultView[]>
  attempts(instructionId: number): Promise<AttemptView[]>
  load(ids: readonly number[]): Promise<Instruction[]>
  /**
   * Instructions whose time has come, the oldest of each bank and at most `limit` of it: a crowd at one bank hides nobody else's. Of the banks
   * in `halted` only what they may have already, and reversals, which come to an end there with their day.
   */
  due(now: Date, limit: number, halted?: readonly string[]): Promise<number[]>
}

/** The columns of a view, of an instruction joined with its ticket. */
export const columns = {
  verb: instruction.verb,
  ticketNo: instruction.ticketNo,
  taxSystem: ticket.taxSystem,
  state: instruction.state,
  officeCode: instruction.officeCode,
  entrustDate: instruction.entrustDate,
  serialNo: instruction.serialNo,
  bankCode: instruction.bankCode,
  amount: instruction.amount,
  resultCode: instruction.resultCode,
  bankResultCode: instruction.bankResultCode,
  bankText: instruction.bankText,
  bankSerial: instruction.bankSerial,
  accountingDate: instruction.accountingDate,
  person: instruction.person,
  attempts: instruction.attemptNo,
  acceptedAt: instruction.acceptedAt,
  settledAt: instruction.settledAt,
  bookedAmount: instruction.bookedAmount,
  reason: instruction.reason,
  voidedAt: ticket.voidedAt,
  voidReason: ticket.voidReason,
  adoptedAt: sql<Date | null>`(SELECT adoption.at FROM adoption WHERE adoption.ticket_no = ${ticket.ticketNo})`.mapWith(ticket.voidedAt),
  orderNo: sql<string | null>`NULL`,
  contentHash: ticket.contentHash,
  instructionId: instruction.id,
}
type Found = {
  state: DebitState
  amount: number
  bookedAmount: number | null
  reason: Reason | null
  voidedAt: Date | null
  voidReason: string | null
  adoptedAt: Date | null
  orderNo: string | null
  resultCode: string | null
  bankResultCode: string | null
  bankText: string | null
  bankSerial: string | null
  accountingDate: string | null
  settledAt: Date | null
}

/** A row as a view. */
export const view = <T extends Found>(row: T) => {
  const { resultCode, bankResultCode, bankText, bankSerial, accountingDate, settledAt, ...known } = row
  const { bookedAmount, reason, voidedAt, voidReason, adoptedAt, orderNo, ...same } = known
  return {
    ...same,
    booked: row.state === 'succeeded' ? (bookedAmount ?? row.amount) : 0,
    reason: reason ?? undefined,
    voidedAt: voidedAt ?? undefined,
    voidReason: voidReason ?? undefined,
    adoptedAt: adoptedAt ?? undefined,
    orderNo: orderNo ?? undefined,
    outcome:
      resultCode !== null && isUnifiedCode(resultCode)
        ? outcome(resultCode, bankResultCode ?? resultCode, bankText ?? undefined)
        : undefined,
    bankSerial: bankSerial ?? undefined,
    accountingDate: accountingDate ?? undefined,
    settledAt: settledAt ?? undefined,
  }
}

const adoptedAs = <T>(column: string) =>
  sql<T | null>`IF(${result.kind} = 'adoption', (SELECT ${sql.raw(column)} FROM adoption a JOIN break b ON b.id = a.break_id WHERE a.ticket_no = ${ticket.ticketNo}), NULL)`
/** What only an adoption says: what the bank has of it, as its file showed it. */
const adopted = {
  adoptedAmount: adoptedAs<number>('a.amount'),
  adoptedDate: adoptedAs<string>('a.accounting_date'),
  adoptedSerial: adoptedAs<string>('b.bank_serial'),
}
type Adopted = {
  readonly kind: 'outcome' | 'adoption'
  readonly adoptedAmount: number | null
  readonly adoptedDate: string | null
  readonly adoptedSerial: string | null
}
/** A line of the feed. */
const lineOf = (line: DebitView & { readonly seq: number }, { kind, adoptedAmount, adoptedDate, adoptedSerial }: Adopted): ResultView => {
  if (kind === 'outcome') return line
  const { adoptedAt: settledAt } = line
  const has = {
    booked: Number(adoptedAmount),
    accountingDate: adoptedDate ?? undefined,
    bankSerial: adoptedSerial ?? undefined,
    settledAt,
  }
  return { ...line, ...has, verb: 'adoption', state: 'succeeded', outcome: outcome('90000') }
}

const instructionColumns = {
  id: instruction.id,
  verb: instruction.verb,
  reason: instruction.reason,
  ticketNo: instruction.ticketNo,
  officeCode: instruction.officeCode,
  entrustDate: instruction.entrustDate,
  serialNo: instruction.serialNo,
  bankCode: instruction.bankCode,
  attemptNo: instruction.attemptNo,
  nextAttemptAt: instruction.nextAttemptAt,
  acceptedAt: instruction.acceptedAt,
  state: instruction.state,
  amount: instruction.amount,
  redeliveries: instruction.redeliveries,
  inquiries: instruction.inquiries,
  lastSentAt: instruction.lastSentAt,
  request: instruction.request,
}

/**
 * The first and the last id of a day: the key of the banks has each office's days together, and is gone through office by office. A list of the day goes by
 * id from the one to the other, and not through all that ever was.
 */
const idsOf = async (db: Database, entrustDate: string): Promise<{ readonly first: number; readonly last: number } | undefined> => {
  const [row] = await db.query<{ first: number | null; last: number | null }>(
    `SELECT MIN(i.id) AS first, MAX(i.id) AS last FROM (SELECT DISTINCT office_code FROM instruction) o
       STRAIGHT_JOIN instruction i FORCE INDEX (bank_key) ON i.office_code = o.office_code AND i.entrust_date = ?`,
    [entrustDate],
  )
  return row && row.first !== null && row.last !== null ? { first: row.first, last: row.last } : undefined
}

/** Opens the reads over the pool of `db`; what a caller narrows at will, and may be slow, over that of `lists`. */
export const openDebitReads = (db: Database, lists: Database = db): DebitReads => {
  const d = drizzle(db.reads as unknown as Pool)
  const slow = drizzle(lists.reads as unknown as Pool)
  const debits = () => d.select(columns).from(instruction).innerJoin(ticket, eq(ticket.ticketNo, instruction.ticketNo))
  const isDebit = eq(instruction.verb, 'debit')
  return {
    find: async ticketNo => (await debits().where(and(isDebit, eq(instruction.ticketNo, ticketNo)))).map(view)[0],
    findMany: async ticketNos =>
      ticketNos.length === 0 ? [] : (await debits().where(and(isDebit, inArray(instruction.ticketNo, [...ticketNos])))).map(view),
    list: async (filter, afterId, limit) => {
      const isOpen = filter.state !== undefined && !isFinal(filter.state)
      const day = filter.entrustDate === undefined || isOpen ? undefined : await idsOf(lists, filter.entrustDate)
      if (filter.entrustDate !== undefined && !isOpen && !day) return []
      const conditions: (SQL | undefined)[] = [
        isDebit,
        eq(ticket.taxSystem, filter.taxSystem),
        gt(instruction.id, day ? Math.max(afterId, day.first - 1) : afterId),
        day && lte(instruction.id, day.last),
        // The index of what is due holds all that is open, and nothing else.
        isOpen ? isNotNull(instruction.nextAttemptAt) : undefined,
        filter.entrustDate === undefined ? undefined : eq(instruction.entrustDate, filter.entrustDate),
        filter.bankCode === undefined ? undefined : eq(instruction.bankCode, filter.bankCode),
        filter.officeCode === undefined ? undefined : eq(instruction.officeCode, filter.officeCode),
        filter.state === undefined ? undefined : eq(instruction.state, filter.state),
      ]
      return (
        await slow
          .select(columns)
          .from(instruction, isOpen ? { forceIndex: 'due' } : {})
          .innerJoin(ticket, eq(ticket.ticketNo, instruction.ticketNo))
          .where(and(...conditions))
          .orderBy(asc(instruction.id))
          .limit(limit)
      ).map(view)
    },
    results: async (taxSystem, after, limit) => {
      const rows = await d
        .select({ ...columns, ...adopted, orderNo: tax_order.orderNo, seq: result.seq, kind: result.kind })
        .from(result)
        .innerJoin(instruction, eq(instruction.id, result.instructionId))
        .innerJoin(ticket, eq(ticket.ticketNo, instruction.ticketNo))
        .leftJoin(tax_order, and(eq(tax_order.instructionId, instruction.id), eq(tax_order.kind, instruction.verb)))
        .where(and(gt(result.seq, after), taxSystem === undefined ? undefined : eq(ticket.taxSystem, taxSystem)))
        .orderBy(asc(result.seq))
        .limit(limit)
      return rows.map(({ kind, adoptedAmount, adoptedDate, adoptedSerial, ...row }) =>
        lineOf(view(row), { kind, adoptedAmount, adoptedDate, adoptedSerial }),
      )
    },
    attempts: async instructionId => {
      const rows = await d
        .select({
          attemptNo: attempt.attemptNo,
          verb: attempt.verb,
          startedAt: attempt.startedAt,
          answeredAt: answer.at,
          resultCode: answer.resultCode,
          fault: answer.fault,
          transcript: answer.transcript,
        })
        .from(attempt)
        .leftJoin(answer, and(eq(answer.instructionId, attempt.instructionId), eq(answer.attemptNo, attempt.attemptNo)))
        .where(eq(attempt.instructionId, instructionId))
        .orderBy(asc(attempt.attemptNo))
      return rows.map(r => ({
        ...r,
        answeredAt: r.answeredAt ?? undefined,
        resultCode: r.resultCode ?? undefined,
        fault: r.fault ?? undefined,
        transcript: r.transcript ?? undefined,
      }))
    },
    load: async ids => {
      if (ids.length === 0) return []
      const rows = await d
        .select(instructionColumns)
        .from(instruction)
        .where(inArray(instruction.id, [...ids]))
      return rows.map(({ reason, ...r }) => ({
        ...r,
        inDoubt: reason === 'in-doubt',
        nextAttemptAt: r.nextAttemptAt ?? undefined,
        lastSentAt: r.lastSentAt ?? undefined,
      }))
    },
    due: async (now, limit, halted = []) =>
      (
        await db.query<{ id: number }>(
          `SELECT id FROM (
             SELECT id, ROW_NUMBER() OVER (PARTITION BY bank_code ORDER BY next_attempt_at) AS place
             FROM instruction WHERE next_attempt_at <= ?${halted.length === 0 ? '' : ` AND NOT (state = 'accepted' AND verb <> 'reversal' AND bank_code IN (${halted.map(() => '?').join(',')}))`}
           ) AS waiting WHERE place <= ? ORDER BY place`,
          [sqlTime(now), ...halted, limit],
        )
      ).map(row => row.id),
  }
}
