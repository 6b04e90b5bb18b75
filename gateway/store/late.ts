import { hash } from 'node:crypto'
import type { InstructionVerb } from '../domain/answers.ts'
import { type Contradiction, contradiction, recordedOf, type Said } from '../domain/break.ts'
import type { DebitState } from '../domain/debit.ts'
import { type BreakSource, isOpen, type Movement, movementOf, type Ticket } from '../domain/ticket.ts'
import { carefully } from './beside.ts'
import { insertBreak } from './breaks.ts'
import type { Database, Tx } from './database.ts'
import { sqlTime } from './rows.ts'
import { lockTicket } from './tickets.ts'

/** The instruction a late answer is about. */
export type Named = {
  readonly id: number
  readonly ticketNo: string
  readonly bankCode: string
  readonly verb: InstructionVerb
  readonly state: DebitState
}
/** By whom something was found, and how. */
export type Found = { readonly actor: string; readonly source: BreakSource }

/** An answer nobody waited for: its code and words, and what it says for certain, where it does. */
export type LateAnswer = {
  readonly instructionId: number
  readonly ticketNo: string
  readonly at: Date
  readonly resultCode: string | undefined
  readonly transcript: string
  readonly said: Said | undefined
}

/** Answers that came too late: kept as evidence, and held against the record. */
export type LateAnswers = {
  /** The instruction with this key. */
  named(key: { officeCode: string; entrustDate: string; serialNo: string }): Promise<Named | undefined>
  /**
   * Keeps the words of an answer nobody waited for, the same words once, and holds what they say for certain against the record: where a settled one and
   * they cannot both be true, a break and a line in the journal; the record stays as it is. Of an instruction that is still open they are held against its
   * end, whenever it comes. All in one transaction: nobody reads the words a second time.
   */
  keepLate(late: LateAnswer, found: Found): Promise<Contradiction | undefined>
}

const insertWords = (tx: Tx, { instructionId, at, resultCode, transcript, said }: LateAnswer): Promise<unknown> =>
  tx.execute(
    `INSERT INTO late_answer (instruction_id, transcript_hash, at, result_code, transcript, said_state, said_amount)
     VALUES (?, ?, ?, ?, ?, ?, ?) ON DUPLICATE KEY UPDATE at = at`,
    [
      instructionId,
      hash('sha256', transcript, 'buffer'),
      sqlTime(at),
      resultCode ?? null,
      transcript,
      said?.state ?? null,
      said?.amount ?? null,
    ],
  )

const keepOnce = async (tx: Tx, late: LateAnswer, { actor, source }: Found): Promise<Contradiction | undefined> => {
  const { instructionId: id, ticketNo, at, said } = late
  const ticket = said && (await lockTicket(tx, ticketNo))
  const own = ticket && movementOf(ticket, id)
  await insertWords(tx, late)
  if (!said || !own) return undefined
  // Not the fast way of settling: at its end the words are looked at.
  if (isOpen(own)) await tx.execute('UPDATE instruction SET awaited = 1 WHERE id = ? AND settled_at IS NULL', [id])
  const found = contradiction(recordedOf(ticket, own), said)
  const reason = `the bank says ${said.code}, ${said.amount} fen; the record says ${own.state}, ${own.booked} fen`
  if (found) await insertBreak(tx, { ...found, at, ticketNo, instructionId: id, source, actor, reason })
  return found
}

/** Opens the late answers over `db`. */
export const openLateAnswers = (db: Database): LateAnswers => ({
  named: async ({ officeCode, entrustDate, serialNo }) =>
    (
      await db.query<Named>(
        `SELECT id, ticket_no AS ticketNo, bank_code AS bankCode, verb, state FROM instruction
         WHERE office_code = ? AND entrust_date = ? AND serial_no = ?`,
        [officeCode, entrustDate, serialNo],
      )
    )[0],
  keepLate: (late, found) => carefully(() => db.transaction(tx => keepOnce(tx, late, found))),
})

/** What late answers said for certain of an instruction, in the order in which they came. */
export const saidLate = async (tx: Pick<Tx, 'query'>, instructionId: number): Promise<readonly Said[]> =>
  tx.query<Said>(
    `SELECT said_state AS state, COALESCE(result_code, '') AS code, said_amount AS amount FROM late_answer
     WHERE instruction_id = ? AND said_state IS NOT NULL ORDER BY at, transcript_hash`,
    [instructionId],
  )

/** Holds what was said before against the end that an instruction has come to. `ticket` is as it stands with that end. */
export const heedLate = async (tx: Tx, ticket: Ticket, own: Movement, at: Date, actor: string): Promise<void> => {
  for (const said of await saidLate(tx, own.id)) {
    const found = contradiction(recordedOf(ticket, own), said)
    const reason = `the bank had said ${said.code}, ${said.amount} fen; the record says ${own.state}, ${own.booked} fen`
    if (found)
      await insertBreak(tx, { ...found, at, ticketNo: ticket.ticketNo, instructionId: own.id, source: 'late-answer', actor, reason })
  }
}
