import { type AnswerRow, type InstructionRow, keyOf, Refused, type Tables } from './rows.ts'

// What every move of an instruction writes beside its own row.

/** Whether nothing leads out of it. */
export const isFinal = (state: string): boolean => state === 'succeeded' || state === 'refused'

/** A line of the journal. */
export const journal = (
  tables: Tables,
  row: Pick<InstructionRow, 'id' | 'ticket_no'>,
  at: Date,
  event: string,
  actor: string,
  state: string,
  reason: string,
): void => {
  const entry = { at: at.getTime(), ticket_no: row.ticket_no, instruction_id: row.id, event, actor, state, reason: reason.slice(0, 200) }
  tables.journal.push(entry)
  tables.touched.add(row.ticket_no)
}

/** The first of `size` numbers that nobody gets again. */
export const block = (tables: Tables, name: string, size: number): number => {
  const first = tables.counter.get(name) ?? 1
  tables.counter.set(name, first + size)
  return first
}

/** A line of the feed. */
export const publish = (tables: Tables, row: InstructionRow, at: Date): void => {
  const seq = block(tables, 'result', 1)
  tables.result.push({ seq, ticket_no: row.ticket_no, instruction_id: row.id, state: row.state, at: at.getTime(), kind: 'outcome' })
}

/** The answers of an instruction. */
export const answersOf = (tables: Tables, id: number): AnswerRow[] => {
  const rows = tables.answer.get(id) ?? []
  tables.answer.set(id, rows)
  return rows
}

/** The column `live` of an instruction: the last defence. */
const liveOf = ({ verb, state, reason, original_id }: InstructionRow): number | null => {
  if (verb === 'debit') return state === 'refused' ? null : 1
  if (isFinal(state)) return null
  if (verb === 'supplementaryDebit') return 2
  return reason === 'in-doubt' ? -original_id! : original_id! + 2
}

/** Adds an instruction under the unique keys of its table. */
export const add = (tables: Tables, row: InstructionRow): void => {
  const siblings = tables.ofTicket.get(row.ticket_no) ?? []
  const defend = (what: string): never => {
    tables.defended = `${row.ticket_no}: ${what}`
    throw new Refused(what)
  }
  if (tables.instruction.has(row.id) || tables.byKey.has(keyOf(row))) defend('duplicate key of an instruction')
  const live = liveOf(row)
  if (live !== null && siblings.some(other => liveOf(other) === live)) defend('a second one that is live')
  if (row.amount < 1 || row.amount > 999_999_999_999_999) throw new Refused('an amount out of bounds')
  tables.instruction.set(row.id, row)
  tables.byKey.set(keyOf(row), row)
  tables.ofTicket.set(
    row.ticket_no,
    [...siblings, row].sort((a, b) => a.id - b.id),
  )
}
