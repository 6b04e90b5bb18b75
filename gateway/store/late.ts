import { hash } from 'node:crypto'
import type { InstructionVerb } from '../domain/answers.ts'
import { type Contradiction, contradiction, recordedOf, type Said } from '../domain/break.ts'
import type { DebitState } from '../domain/debit.ts'
import { type BreakSource, type Movement, movementOf, type Ticket } from '../domain/ticket.ts'
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
/** When something was found, by whom, and how. */
export type Found = { readonly at: Date; readonly actor: string; readonly source: BreakSource }

/** An answer nobody waited for: its code and words, and what it says for certain, where it does. */
export type LateAnswer = {
  readonly instructionId: number
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
   * Keeps the words of an answer nobody waited for; the same words once. Where it says something for certain of an instruction that is still open,
   * that is held against its end, whenever it comes.
   */
  keepLate(late: LateAnswer): Promise<void>
  /** Where a settled record and the bank's word cannot both be true, a break and a line in the journal; the record stays as it is. */
  contradict(about: Pick<Named, 'id' | 'ticketNo'>, said: Said, found: Found): Promise<Contradiction | undefined>
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
  keepLate: ({ instructionId, at, resultCode, transcript, said }) =>
    carefully(() =>
      db.transaction(async tx => {
        await tx.execute(
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
        // Not the fast way of settling: at its end the words are looked at. An end that was quicker is held against them by `contradict`.
        if (said) await tx.execute('UPDATE instruction SET awaited = 1 WHERE id = ? AND settled_at IS NULL', [instructionId])
      }),
    ),
  contradict: ({ id, ticketNo }, said, { at, actor, source }) =>
    carefully(() =>
      db.transaction(async tx => {
        const ticket = await lockTicket(tx, ticketNo)
        const own = ticket && movementOf(ticket, id)
        if (!ticket || !own) return undefined
        const found = contradiction(recordedOf(ticket, own), said)
        if (found)
          await insertBreak(tx, {
            ...found,
            at,
            ticketNo,
            instructionId: id,
            source,
            actor,
            reason: `the bank says ${said.code}, ${said.amount} fen; the record says ${own.state}, ${own.booked} fen`,
          })
        return found
      }),
    ),
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
