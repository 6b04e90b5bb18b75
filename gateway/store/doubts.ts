import { isUnifiedCode, type Outcome, outcome } from '@taxlink/bank-sdk'
import type { InstructionVerb } from '../domain/answers.ts'
import type { Said } from '../domain/break.ts'
import type { DebitState } from '../domain/debit.ts'
import type { Reason, Ticket } from '../domain/ticket.ts'
import { never } from './beside.ts'
import type { Database, Scalar } from './database.ts'
import { saidLate } from './late.ts'
import type { AttemptView } from './reads.ts'
import { overKeys, within } from './rows.ts'
import { readTicket } from './tickets.ts'

/** An instruction that waits for a person, with its evidence; the content (accounts, names) stays out of it. */
export type Doubt = {
  readonly instructionId: number
  readonly verb: string
  readonly ticketNo: string
  readonly officeCode: string
  readonly entrustDate: string
  readonly serialNo: string
  readonly bankCode: string
  /** Fen. */
  readonly amount: number
  readonly state: DebitState
  readonly outcome: Outcome | undefined
  readonly acceptedAt: Date
  readonly lastSentAt: Date | undefined
  /** Calls to the bank so far. */
  readonly attempts: number
  /** Why it is doubtful, in the words of the last rule that said so. */
  readonly reason: string
  /** Why it was ordered, where it is no debit. */
  readonly purpose: Reason | undefined
  /** When the bank is asked next; undefined: it is not asked any more by itself. */
  readonly asksAt: Date | undefined
  /** The last calls of each verb, in their order. */
  readonly evidence: readonly AttemptView[]
  /** Answers that came too late to settle it, in the order in which they came. */
  readonly lateAnswers: readonly LateView[]
  /** The open proposal about it. */
  readonly proposalId: number | undefined
}
/** An answer that came when nobody waited any more. */
export type LateView = { readonly at: Date; readonly resultCode: string | undefined; readonly transcript: string }
/** What a list of doubts may be narrowed by. */
export type DoubtFilter = {
  readonly bankCode?: string | undefined
  readonly officeCode?: string | undefined
  /** Only those of one of these. */
  readonly offices?: readonly string[] | undefined
}
/** An instruction by its key, as somebody needs it who is to say what became of it. */
export type Keyed = {
  readonly instructionId: number
  readonly verb: InstructionVerb
  readonly ticketNo: string
  readonly bankCode: string
  /** Fen asked for, and fen that certainly moved. */
  readonly amount: number
  readonly booked: number
  readonly state: DebitState
  readonly person: boolean
  readonly lastSentAt: Date | undefined
  /** Why it was ordered, where it is no debit. */
  readonly reason: Reason | undefined
  readonly said: readonly Said[]
}
/** What is open at one bank. */
export type OpenAtBank = {
  readonly bankCode: string
  /** Accepted, not at the bank. */
  readonly waiting: number
  readonly sent: number
  readonly doubtful: number
  readonly forPerson: number
}

/** What the operators read. */
export type DoubtReads = {
  /** What waits for a person, after `afterId`, in order of id, at most `limit`. */
  doubts(filter: DoubtFilter, afterId: number, limit: number): Promise<Doubt[]>
  keyed(key: { readonly officeCode: string; readonly entrustDate: string; readonly serialNo: string }): Promise<Keyed | undefined>
  /** A ticket with all its instructions and breaks, as it stands. */
  ticket(ticketNo: string): Promise<Ticket | undefined>
  openByBank(offices?: readonly string[]): Promise<OpenAtBank[]>
}

type Row = Omit<Doubt, 'outcome' | 'evidence' | 'lateAnswers' | 'lastSentAt' | 'proposalId' | 'reason' | 'purpose' | 'asksAt'> & {
  readonly lastSentAt: Date | null
  readonly resultCode: string | null
  readonly bankResultCode: string | null
  readonly bankText: string | null
  readonly reason: string | null
  readonly purpose: Reason | null
  readonly asksAt: Date | null
  readonly proposalId: number | null
}
// Whatever is open has a next look: the index of those is short, however long the history.
const doubtful = `SELECT i.id AS instructionId, i.verb, i.ticket_no AS ticketNo, i.office_code AS officeCode, i.entrust_date AS entrustDate,
  i.serial_no AS serialNo, i.bank_code AS bankCode, i.amount, i.state, i.accepted_at AS acceptedAt, i.last_sent_at AS lastSentAt,
  i.attempt_no AS attempts, i.reason AS purpose, IF(i.next_attempt_at < '${never}', i.next_attempt_at, NULL) AS asksAt, i.result_code AS resultCode, i.bank_result_code AS bankResultCode, i.bank_text AS bankText,
  (SELECT j.reason FROM journal j WHERE j.ticket_no = i.ticket_no AND j.instruction_id = i.id AND j.event = 'doubt' ORDER BY j.id DESC LIMIT 1) AS reason,
  (SELECT p.id FROM proposal p WHERE p.live = 1 AND p.instruction_id = i.id ORDER BY p.id LIMIT 1) AS proposalId
  FROM instruction i FORCE INDEX (due) WHERE i.next_attempt_at IS NOT NULL AND i.person = 1 AND i.state = 'unknown'`

/** Calls of one verb that are shown; the number of all stands beside them. */
const shown = 5
const callsOf = overKeys(
  `SELECT instructionId, attemptNo, verb, startedAt, answeredAt, resultCode, fault, transcript FROM (
     SELECT a.instruction_id AS instructionId, a.attempt_no AS attemptNo, a.verb, a.started_at AS startedAt, n.at AS answeredAt,
       n.result_code AS resultCode, n.fault, n.transcript,
       ROW_NUMBER() OVER (PARTITION BY a.instruction_id, a.verb ORDER BY a.attempt_no DESC) AS place
     FROM attempt a LEFT JOIN answer n ON n.instruction_id = a.instruction_id AND n.attempt_no = a.attempt_no
     WHERE a.instruction_id IN (?)
   ) AS calls WHERE place <= ${shown} ORDER BY instructionId, attemptNo`.replace(/\n\s+/g, ' '),
)
type CallRow = { [K in keyof AttemptView]: NonNullable<AttemptView[K]> | null } & { readonly instructionId: number }

type LateRow = { readonly instructionId: number; readonly at: Date; readonly resultCode: string | null; readonly transcript: string }
const lateOf = overKeys(
  `SELECT instruction_id AS instructionId, at, result_code AS resultCode, transcript FROM late_answer WHERE instruction_id IN (?)
   ORDER BY instruction_id, at, transcript_hash`.replace(/\n\s+/g, ' '),
)

/** Opens the reads over `db`. */
export const openDoubtReads = (db: Database): DoubtReads => ({
  doubts: async ({ bankCode, officeCode, offices }, afterId, limit) => {
    const narrowed = [
      'i.id > ?',
      ...(bankCode === undefined ? [] : ['i.bank_code = ?']),
      ...(officeCode === undefined ? [] : ['i.office_code = ?']),
      ...within('i.office_code', offices),
    ]
    const params: Scalar[] = [
      afterId,
      ...(bankCode === undefined ? [] : [bankCode]),
      ...(officeCode === undefined ? [] : [officeCode]),
      ...(offices ?? []),
      limit,
    ]
    const rows = await db.query<Row>(`${doubtful} AND ${narrowed.join(' AND ')} ORDER BY i.id LIMIT ?`, params)
    if (rows.length === 0) return []
    const ids = rows.map(row => row.instructionId)
    const [calls, late] = [await callsOf.query<CallRow>(db, ids), await lateOf.query<LateRow>(db, ids)]
    return rows.map(row => doubtOf(row, calls, late))
  },
  keyed: async ({ officeCode, entrustDate, serialNo }) => {
    const [row] = await db.query<
      Omit<Keyed, 'lastSentAt' | 'person' | 'reason' | 'said'> & { lastSentAt: Date | null; person: number; reason: Reason | null }
    >(
      `SELECT id AS instructionId, verb, ticket_no AS ticketNo, bank_code AS bankCode, amount,
         IF(state = 'succeeded', COALESCE(booked_amount, amount), 0) AS booked, state, person, last_sent_at AS lastSentAt, reason
       FROM instruction WHERE office_code = ? AND entrust_date = ? AND serial_no = ?`,
      [officeCode, entrustDate, serialNo],
    )
    if (!row) return undefined
    const said = await saidLate(db, row.instructionId)
    return { ...row, person: row.person === 1, lastSentAt: row.lastSentAt ?? undefined, reason: row.reason ?? undefined, said }
  },
  ticket: ticketNo => readTicket(db, ticketNo),
  openByBank: offices =>
    db.query<OpenAtBank>(
      `SELECT bank_code AS bankCode, CAST(SUM(state = 'accepted') AS SIGNED) AS waiting, CAST(SUM(state = 'sent') AS SIGNED) AS sent,
         CAST(SUM(state = 'unknown') AS SIGNED) AS doubtful, CAST(SUM(person) AS SIGNED) AS forPerson
       FROM instruction WHERE ${['next_attempt_at IS NOT NULL', ...within('office_code', offices)].join(' AND ')} GROUP BY bank_code`,
      offices ?? [],
    ),
})

const doubtOf = (row: Row, calls: readonly CallRow[], late: readonly LateRow[]): Doubt => {
  const { resultCode, bankResultCode, bankText, lastSentAt, reason, purpose, asksAt, proposalId, ...same } = row
  return {
    ...same,
    lastSentAt: lastSentAt ?? undefined,
    reason: reason ?? '',
    purpose: purpose ?? undefined,
    asksAt: asksAt ?? undefined,
    proposalId: proposalId ?? undefined,
    outcome:
      resultCode !== null && isUnifiedCode(resultCode)
        ? outcome(resultCode, bankResultCode ?? resultCode, bankText ?? undefined)
        : undefined,
    evidence: calls
      .filter(call => call.instructionId === row.instructionId)
      .map(({ attemptNo, verb, startedAt, answeredAt, resultCode, fault, transcript }) => ({
        attemptNo: attemptNo!,
        verb: verb!,
        startedAt: startedAt!,
        answeredAt: answeredAt ?? undefined,
        resultCode: resultCode ?? undefined,
        fault: fault ?? undefined,
        transcript: transcript ?? undefined,
      })),
    lateAnswers: late
      .filter(answer => answer.instructionId === row.instructionId)
      .map(({ at, resultCode, transcript }) => ({ at, resultCode: resultCode ?? undefined, transcript })),
  }
}
