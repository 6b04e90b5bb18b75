import { hash } from 'node:crypto'
import type { InstructionVerb } from '../domain/answers.ts'
import { type Contradiction, contradiction, recordedOf, type Said } from '../domain/break.ts'
import type { DebitState } from '../domain/debit.ts'
import { type BreakSource, movementOf } from '../domain/ticket.ts'
import { carefully } from './beside.ts'
import { insertBreak } from './breaks.ts'
import type { Database } from './database.ts'
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

/** Answers that came too late: kept as evidence, and held against the record. */
export type LateAnswers = {
  /** The instruction with this key. */
  named(key: { officeCode: string; entrustDate: string; serialNo: string }): Promise<Named | undefined>
  /** Keeps the words of an answer nobody waited for; the same words once. */
  keepLate(instructionId: number, at: Date, resultCode: string | undefined, transcript: string): Promise<void>
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
  keepLate: async (instructionId, at, resultCode, transcript) => {
    await db.execute(
      `INSERT INTO late_answer (instruction_id, transcript_hash, at, result_code, transcript) VALUES (?, ?, ?, ?, ?)
       ON DUPLICATE KEY UPDATE at = at`,
      [instructionId, hash('sha256', transcript, 'buffer'), sqlTime(at), resultCode ?? null, transcript],
    )
  },
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
