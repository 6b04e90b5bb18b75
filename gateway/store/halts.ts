import type { Halt } from '../domain/bank.ts'
import type { Database, Tx } from './database.ts'
import { sqlTime } from './rows.ts'

/** The banks that are halted at present, by code. */
export const readHalts = async (db: Pick<Database, 'query'>): Promise<ReadonlyMap<string, Halt>> => {
  const rows = await db.query<Halt & { bankCode: string }>(
    `SELECT h.bank_code AS bankCode, h.reason, h.halted_at AS since, p.proposed_by AS proposedBy, p.decided_by AS approvedBy
     FROM bank_halt h JOIN proposal p ON p.id = h.proposal_id WHERE h.live = 1`,
  )
  return new Map(rows.map(({ bankCode, ...halt }) => [bankCode, halt]))
}

/** Halts a bank, by a proposal that was just approved; false: it is halted already. */
export const haltBank = async (tx: Tx, bankCode: string, reason: string, proposalId: number, now: Date): Promise<boolean> => {
  const { affectedRows } = await tx.execute(
    `INSERT INTO bank_halt (proposal_id, bank_code, reason, halted_at)
     SELECT ?, ?, ?, ? FROM DUAL WHERE NOT EXISTS (SELECT 1 FROM bank_halt WHERE bank_code = ? AND live = 1)`,
    [proposalId, bankCode, reason, sqlTime(now), bankCode],
  )
  return affectedRows === 1
}

/** Resumes a bank, by a proposal that was just approved; false: it is not halted. */
export const resumeBank = async (tx: Tx, bankCode: string, proposalId: number, now: Date): Promise<boolean> => {
  const { affectedRows } = await tx.execute('UPDATE bank_halt SET resume_id = ?, resumed_at = ? WHERE bank_code = ? AND live = 1', [
    proposalId,
    sqlTime(now),
    bankCode,
  ])
  return affectedRows === 1
}
