import { isUnifiedCode, outcomes } from '@taxlink/bank-sdk'
import type { AskedBack } from '../domain/ticket.ts'
import { withdrawn } from './bank-calls.ts'
import type { Tx } from './database.ts'
import { overKeys } from './rows.ts'

// What notices ask of banks (art. 35(1)), or have brought: whoever weighs what is left of a ticket takes it off.

/** What a bank has said to a notice. */
export type Said = { readonly toldCode: string | null; readonly bookedAt: Date | null }
/** Whether its bank will not act on it: it has refused it, and given nothing back all the same. */
export const isRefused = ({ toldCode, bookedAt }: Said): boolean =>
  bookedAt === null && toldCode !== null && isUnifiedCode(toldCode) && outcomes[toldCode].class !== 'succeeded'

/** That the bank has heard of the notice `n`, or is to: it was not spared; or it was spared another telling because it has given back. */
export const isTold = `(n.booked_at IS NOT NULL OR NOT EXISTS (SELECT 1 FROM bank_call w WHERE w.bank_code = n.bank_code AND w.verb = 'adjustmentNotice'
  AND w.subject = n.notice_no AND w.fault = '${withdrawn}'))`

type Row = Said & { readonly ticketNo: string; readonly instructionId: number | null; readonly amount: number }
// What one asks for that was to be debited at another bank is not of this one's money.
const notices = overKeys(
  `SELECT n.ticket_no AS ticketNo, b.instruction_id AS instructionId, n.amount, n.told_code AS toldCode, n.booked_at AS bookedAt
   FROM adjustment_notice n JOIN break b ON b.id = n.break_id JOIN ticket t ON t.ticket_no = n.ticket_no AND t.bank_code = n.bank_code
   WHERE ${isTold} AND n.ticket_no IN (?)`,
)

/** What is asked back of tickets, or was given back, by notices that stand. */
export const readAskedBack = async (
  tx: Pick<Tx, 'query'>,
  ticketNos: readonly string[],
): Promise<ReadonlyMap<string, readonly AskedBack[]>> => {
  const standing = (await notices.query<Row>(tx, ticketNos)).filter(row => !isRefused(row))
  const asked = ({ instructionId, amount }: Row): AskedBack => ({ instructionId: instructionId ?? undefined, amount })
  return new Map([...Map.groupBy(standing, row => row.ticketNo)].map(([ticketNo, rows]) => [ticketNo, rows.map(asked)]))
}
