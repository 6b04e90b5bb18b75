import { CommitUnknown, errnoOf, type Tx } from './database.ts'
import { inserter, overKeys, sqlTime } from './rows.ts'

// What every move of an instruction writes beside its own row: the journal, the outbox, the feed.

/** The server's number of a duplicate key. */
export const duplicateKey = 1062
/** And of what a trigger refuses. */
export const signalled = 1644

/** Open, but not due by itself: a person decides, or another instruction is waited for. Not NULL, so that the index of what is due holds all that is open and nothing else. */
export const never = '9999-12-31 00:00:00.000'

const journalReason = (reason: string): string => reason.slice(0, 200)
/** A line of the journal. */
export type Entry = {
  readonly at: Date
  readonly ticketNo: string
  readonly instructionId: number
  readonly event: string
  readonly actor: string
  readonly state: string
  readonly reason: string
}
/** Adds to the journal. */
export const insertJournal = inserter<Entry>('journal', {
  at: e => sqlTime(e.at),
  ticket_no: e => e.ticketNo,
  instruction_id: e => e.instructionId,
  event: e => e.event,
  actor: e => e.actor,
  state: e => e.state,
  reason: e => journalReason(e.reason),
})
type Published = {
  readonly seq: number
  readonly ticketNo: string
  readonly instructionId: number
  readonly state: string
  readonly at: Date
}
const insertResult = inserter<Published>('result', {
  seq: r => r.seq,
  ticket_no: r => r.ticketNo,
  instruction_id: r => r.instructionId,
  state: r => r.state,
  at: r => sqlTime(r.at),
})
type WakeUp = { readonly instructionId: number; readonly wakeAt: Date }
/** Says when the queue is to be told. */
export const upsertOutbox = inserter<WakeUp>(
  'outbox',
  { instruction_id: w => w.instructionId, wake_at: w => sqlTime(w.wakeAt) },
  'ON DUPLICATE KEY UPDATE wake_at = VALUES(wake_at)',
)
/** Forgets wake-ups of what is settled. */
export const deleteOutbox = overKeys('DELETE FROM outbox WHERE instruction_id IN (?)')

/** The first of so many places in the feed. The counter's row stays locked until the commit, so the order of `seq` is the order of commits. */
const placesFor = async (tx: Tx, count: number): Promise<number> =>
  (await tx.execute("UPDATE counter SET next = LAST_INSERT_ID(next) + ? WHERE name = 'result'", [count])).insertId

/** Writes results to the feed. */
export const publish = async (tx: Tx, results: readonly Omit<Published, 'seq'>[]): Promise<void> => {
  if (results.length === 0) return
  const first = await placesFor(tx, results.length)
  await insertResult(
    tx,
    results.map((r, i) => ({ ...r, seq: first + i })),
  )
}

/** Writes to the feed that two persons have taken a debit for paid that stands there as refused. */
export const publishAdoption = async (
  tx: Tx,
  { ticketNo, instructionId, at }: Pick<Published, 'ticketNo' | 'instructionId' | 'at'>,
): Promise<void> => {
  await tx.execute("INSERT INTO result (seq, ticket_no, instruction_id, state, at, kind) VALUES (?, ?, ?, 'succeeded', ?, 'adoption')", [
    await placesFor(tx, 1),
    ticketNo,
    instructionId,
    sqlTime(at),
  ])
}

/** Runs a transaction that re-reads before it writes again where the fate of a COMMIT is unknown, or where another process was quicker. */
export const carefully = async <T>(run: () => Promise<T>): Promise<T> => {
  for (let left = 5; ; left--) {
    try {
      return await run()
    } catch (error) {
      if (left === 0 || (errnoOf(error) !== duplicateKey && !(error instanceof CommitUnknown))) throw error
    }
  }
}
