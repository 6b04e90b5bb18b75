import { createConnection, type RowDataPacket } from 'mysql2/promise'
import type { Books, Further, Journalled, Published, Recorded } from './check.ts'
import type { BankOfDay } from './day.ts'

/** Reads the record by plain SQL, over a connection of its own. */
export const readRecord = async (
  databaseUrl: string,
): Promise<{ record: Recorded[]; further: Further[]; adopted: string[]; results: Published[]; journal: Journalled[] }> => {
  const connection = await createConnection({ uri: databaseUrl, supportBigNumbers: true })
  try {
    const rows = async <T>(sql: string): Promise<T[]> => (await connection.query<RowDataPacket[]>(sql))[0] as unknown[] as T[]
    return {
      record: await rows<Recorded>(
        `SELECT t.ticket_no AS ticketNo, i.bank_code AS bankCode, i.amount, i.state FROM ticket t
         LEFT JOIN instruction i ON i.ticket_no = t.ticket_no AND i.verb = 'debit'`,
      ),
      further: await rows<Further>(
        `SELECT ticket_no AS ticketNo, bank_code AS bankCode, verb, state, IF(state = 'succeeded', COALESCE(booked_amount, amount), 0) AS booked,
           COALESCE(reason, '') = 'in-doubt' AS unordered FROM instruction WHERE verb <> 'debit'`,
      ),
      adopted: (await rows<{ ticketNo: string }>('SELECT ticket_no AS ticketNo FROM adoption')).map(({ ticketNo }) => ticketNo),
      results: await rows<Published>(
        `SELECT r.seq, r.ticket_no AS ticketNo, r.state, IF(r.kind = 'adoption', r.kind, i.verb) AS verb FROM result r JOIN instruction i ON i.id = r.instruction_id ORDER BY r.seq`,
      ),
      journal: await rows<Journalled>(
        'SELECT ticket_no AS ticketNo, instruction_id AS instructionId, event, state FROM journal ORDER BY id',
      ),
    }
  } finally {
    connection.destroy()
  }
}

/** How many tickets of the record are not final; undefined while the record is away. */
export const openTickets = async (databaseUrl: string): Promise<number | undefined> => {
  try {
    const connection = await createConnection({ uri: databaseUrl })
    try {
      const [rows] = await connection.query<RowDataPacket[]>('SELECT COUNT(*) AS n FROM instruction WHERE settled_at IS NULL')
      return Number(rows[0]?.n)
    } finally {
      connection.destroy()
    }
  } catch {
    return undefined
  }
}

/** Reads a bank's own books over its control port. */
export const readBooks = async (control: { bankCode: string; url: string }, banks: readonly BankOfDay[]): Promise<Books> => {
  const ledger = (await (await fetch(new URL('/ledger?full=1', control.url))).json()) as Pick<Books, 'accounts' | 'entries'>
  const opening = banks.find(bank => bank.code === control.bankCode)?.accounts ?? []
  return { bankCode: control.bankCode, opening, accounts: ledger.accounts, entries: ledger.entries }
}
