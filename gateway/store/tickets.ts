import type { InstructionVerb } from '../domain/answers.ts'
import type { DebitState } from '../domain/debit.ts'
import type { Break, Movement, Reason, Ticket } from '../domain/ticket.ts'
import { readAskedBack } from './asked-back.ts'
import type { NewBreak } from './breaks.ts'
import type { Tx } from './database.ts'
import { overKeys } from './rows.ts'

/** An instruction as it is read of a ticket. */
export type MovementRow = {
  readonly ticketNo: string
  readonly id: number
  readonly verb: InstructionVerb
  readonly state: DebitState
  readonly amount: number
  readonly booked: number | null
  readonly originalId: number | null
  readonly reason: Reason | null
  readonly inquiries: number
  readonly acceptedAt: Date
  readonly lastSentAt: Date | null
  readonly accountingDate: string | null
}

/** An instruction as the rules about its siblings see it. */
export const movementIn = ({ id, verb, state, amount, inquiries, acceptedAt, ...row }: MovementRow): Movement => ({
  id,
  verb,
  state,
  amount,
  inquiries,
  acceptedAt,
  booked: state === 'succeeded' ? (row.booked ?? amount) : 0,
  originalId: row.originalId ?? undefined,
  reason: row.reason ?? undefined,
  lastSentAt: row.lastSentAt ?? undefined,
  accountingDate: row.accountingDate ?? undefined,
})

/**
 * Reads a ticket and locks all its instructions until the commit: whoever decides about one of them sees the others as they are, and nobody moves
 * them meanwhile. A new instruction of the ticket is written under the same lock. READ COMMITTED: a locking read sees the latest commit.
 */
export const lockTicket = (tx: Tx, ticketNo: string): Promise<Ticket | undefined> => readTicket(tx, ticketNo, 'FOR UPDATE')

/** The same as it stands, without a lock: for what is looked at again before anything is written. */
export const readTicket = async (tx: Pick<Tx, 'query'>, ticketNo: string, lock: Lock = ''): Promise<Ticket | undefined> =>
  (await readTickets(tx, [ticketNo], lock)).get(ticketNo)

/** Many tickets at once; locked in the order of their numbers, in which they have to be given. */
export const readTickets = async (
  tx: Pick<Tx, 'query'>,
  ticketNos: readonly string[],
  lock: Lock = '',
): Promise<ReadonlyMap<string, Ticket>> => {
  const rows = Map.groupBy(
    await (lock === '' ? movements[''].query<MovementRow>(tx, ticketNos) : lockAll(tx, ticketNos)),
    row => row.ticketNo,
  )
  const found = await heads.query<HeadRow>(tx, ticketNos)
  if (found.length === 0) return new Map()
  const faults = Map.groupBy(await breaks.query<BreakRow>(tx, ticketNos), row => row.ticketNo)
  const asked = await readAskedBack(
    tx,
    found.filter(({ noticed }) => noticed === 1).map(({ ticketNo }) => ticketNo),
  )
  return new Map(
    found.map(({ ticketNo, voidedAt, bankDay, writtenOff, adopted, noticed: _noticed, ...head }) => [
      ticketNo,
      {
        ...head,
        ticketNo,
        isVoid: voidedAt !== null,
        isWrittenOff: writtenOff === 1,
        isAdopted: adopted === 1,
        movements: (rows.get(ticketNo) ?? []).map(movementIn),
        breaks: (faults.get(ticketNo) ?? []).map(({ ticketNo: _ticketNo, ...b }): Break => ({ ...b, isOpen: b.isOpen === 1 })),
        askedBack: asked.get(ticketNo) ?? [],
        bankDay: bankDay ?? undefined,
      },
    ]),
  )
}

type Lock = '' | 'FOR UPDATE'
/**
 * Passes the gate of tickets and locks their instructions, before either is read. The gate is their own rows, which never move, so that whoever decides about
 * the same tickets comes one after the other. What only settles the instruction it has in hand does not pass it: it locks the row, and then the entry of the
 * index that moves with it; so the rows are locked first here, too, in the order of their ids, as everywhere. What is read afterwards is read by the index:
 * nothing of it moves any more, and what a process of an older version has added without passing the gate is found.
 */
export const holdTickets = async (
  tx: Pick<Tx, 'query'>,
  ticketNos: readonly string[],
  lock: 'FOR UPDATE' | 'LOCK IN SHARE MODE',
): Promise<void> => {
  await gate.query(tx, ticketNos)
  const ids = (await instructions.query<{ id: number }>(tx, ticketNos)).map(row => row.id)
  await held[lock].query(
    tx,
    ids.toSorted((a, b) => a - b),
  )
}
// By their keys: left to itself the server goes through a small table whole, and waits for what others have locked of other tickets.
const gate = overKeys('SELECT ticket_no FROM ticket FORCE INDEX (PRIMARY) WHERE ticket_no IN (?) ORDER BY ticket_no FOR UPDATE')
const instructions = overKeys('SELECT id FROM instruction WHERE ticket_no IN (?)')
const heldSql = 'SELECT id FROM instruction FORCE INDEX (PRIMARY) WHERE id IN (?) ORDER BY id'
const held = { 'FOR UPDATE': overKeys(`${heldSql} FOR UPDATE`), 'LOCK IN SHARE MODE': overKeys(`${heldSql} LOCK IN SHARE MODE`) }

const lockAll = async (tx: Pick<Tx, 'query'>, ticketNos: readonly string[]): Promise<MovementRow[]> => {
  await holdTickets(tx, ticketNos, 'FOR UPDATE')
  return movements['FOR UPDATE'].query<MovementRow>(tx, ticketNos)
}
const movementsSql = (hint: string): string =>
  `SELECT ticket_no AS ticketNo, id, verb, state, amount, booked_amount AS booked, original_id AS originalId, reason, inquiries,
    accepted_at AS acceptedAt, last_sent_at AS lastSentAt, accounting_date AS accountingDate
  FROM instruction ${hint} WHERE ticket_no IN (?) ORDER BY ticket_no, id`
const movements = { '': overKeys(movementsSql('')), 'FOR UPDATE': overKeys(`${movementsSql('FORCE INDEX (one_live)')} FOR UPDATE`) }
type HeadRow = Omit<Ticket, 'isVoid' | 'isWrittenOff' | 'isAdopted' | 'movements' | 'breaks' | 'askedBack' | 'bankDay'> & {
  readonly writtenOff: number
  readonly adopted: number
  readonly noticed: number
  readonly voidedAt: Date | null
  readonly bankDay: string | null
}
const heads = overKeys(
  `SELECT t.ticket_no AS ticketNo, t.tax_system AS taxSystem, t.bank_code AS bankCode, t.amount, t.voided_at AS voidedAt, d.accounting_date AS bankDay,
     EXISTS (SELECT 1 FROM write_off w WHERE w.ticket_no = t.ticket_no) AS writtenOff,
     EXISTS (SELECT 1 FROM adoption a WHERE a.ticket_no = t.ticket_no) AS adopted,
     EXISTS (SELECT 1 FROM adjustment_notice n WHERE n.ticket_no = t.ticket_no) AS noticed
   FROM ticket t LEFT JOIN bank_day d ON d.bank_code = t.bank_code WHERE t.ticket_no IN (?)`,
)
type BreakRow = Pick<NewBreak, 'ticketNo' | 'instructionId' | 'kind' | 'source' | 'taxAmount' | 'bankAmount'> & { readonly isOpen: number }
// What a session put right without any remedy says nothing of what the bank has; nor what another finding has replaced.
const breaks = overKeys(
  `SELECT ticket_no AS ticketNo, instruction_id AS instructionId, kind, source, tax_amount AS taxAmount, bank_amount AS bankAmount,
     closed_at IS NULL AS isOpen
   FROM break WHERE instruction_id IS NOT NULL AND kind <> 'particulars' AND state <> 'superseded' AND COALESCE(closed_with, '') <> 'confirm'
     AND ticket_no IN (?) ORDER BY id`,
)
