import type { InstructionKey, Push, UnifiedCode } from '@taxlink/bank-sdk'
import type { Database, Tx } from './database.ts'
import { sqlTime } from './rows.ts'

/** Something a bank tells of its own accord: its key, the hash of its content, and its words, masked. */
export type BankMessage = InstructionKey & {
  readonly bankCode: string
  readonly push: Push
  readonly contentHash: Buffer
  readonly transcript: string
}
/** How a message stands: to be done (again), answered before, or its key came before with another content. */
export type Received =
  | { readonly kind: 'open'; readonly id: number }
  | { readonly kind: 'answered'; readonly code: UnifiedCode }
  | { readonly kind: 'differs' }

/** What banks have told. */
export type Inbox = {
  /** Writes a message down before anything is done about it; the same again and another content under its key are counted. */
  receive(message: BankMessage, now: Date): Promise<Received>
  /** Keeps the code of its receipt, the first that is offered, and returns the one kept. */
  answer(id: number, code: UnifiedCode, now: Date): Promise<UnifiedCode>
}

type Row = { readonly id: number; readonly contentHash: Buffer; readonly code: UnifiedCode | null }

/** Opens the inbox over `db`. */
export const openInbox = (db: Database): Inbox => ({
  receive: async (message, now) => {
    const { bankCode, push, officeCode, entrustDate, serialNo, contentHash, transcript } = message
    const key = [bankCode, push, officeCode, entrustDate, serialNo]
    const [at, insert] = [
      sqlTime(now),
      `INSERT IGNORE INTO bank_message
         (bank_code, verb, office_code, entrust_date, serial_no, content_hash, transcript, received_at, seen_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ]
    const { affectedRows } = await db.execute(insert, [...key, contentHash, transcript, at, at])
    const [row] = await db.query<Row>(
      `SELECT id, content_hash AS contentHash, result_code AS code FROM bank_message
       WHERE bank_code = ? AND verb = ? AND office_code = ? AND entrust_date = ? AND serial_no = ?`,
      key,
    )
    if (!row) throw new Error('a message of a bank was written and is not there')
    const same = row.contentHash.equals(contentHash)
    if (affectedRows === 0)
      await db.execute(
        `UPDATE bank_message SET repeats = repeats + ?, contradictions = contradictions + ?, seen_at = GREATEST(seen_at, ?) WHERE id = ?`,
        [same ? 1 : 0, same ? 0 : 1, at, row.id],
      )
    if (!same) return { kind: 'differs' }
    return row.code === null ? { kind: 'open', id: row.id } : { kind: 'answered', code: row.code }
  },
  answer: async (id, code, now) => {
    await keepAnswer(db, id, code, now)
    return (await answerOf(db, id)) ?? code
  },
})

/** The code a message was answered with; undefined: it is still to be done. With its row locked nobody else does it meanwhile. */
export const answerOf = async (tx: Pick<Tx, 'query'>, id: number, lock: '' | 'FOR UPDATE' = ''): Promise<UnifiedCode | undefined> => {
  const [row] = await tx.query<{ readonly code: UnifiedCode | null }>(`SELECT result_code AS code FROM bank_message WHERE id = ? ${lock}`, [
    id,
  ])
  return row?.code ?? undefined
}
/** Keeps the code of a receipt, the first that is offered. */
export const keepAnswer = async (tx: Pick<Tx, 'execute'>, id: number, code: UnifiedCode, now: Date): Promise<void> => {
  await tx.execute('UPDATE bank_message SET result_code = ?, answered_at = GREATEST(received_at, ?) WHERE id = ? AND result_code IS NULL', [
    code,
    sqlTime(now),
    id,
  ])
}
