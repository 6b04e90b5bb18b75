import type { Database } from '../../../gateway/store/database.ts'
import type { Record } from '../record.ts'
import type { ProposalRow } from '../rows.ts'

// The rows of both records, as they can be compared.

/** Values as both kinds of row hold them: instants as milliseconds, bytes as text. */
const plain = (value: unknown): unknown =>
  value instanceof Date ? value.getTime() : value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value
const rowsOf = (rows: Iterable<object>, without: readonly string[] = []): object[] =>
  [...rows].map(row => Object.fromEntries(Object.entries(row).flatMap(([k, v]) => (without.includes(k) ? [] : [[k, plain(v)]]))))
const inOrder = (rows: object[], ...by: readonly string[]): object[] => {
  const key = (row: object) => by.map(name => String((row as { [name: string]: unknown })[name]).padStart(20)).join(' ')
  return rows.toSorted((a, b) => (key(a) < key(b) ? -1 : 1))
}

/** The tables that both have, and by what their rows are in order. */
export const tables = [
  { name: 'ticket', by: ['ticket_no'] },
  { name: 'instruction', by: ['id'] },
  { name: 'attempt', by: ['instruction_id', 'attempt_no'] },
  { name: 'answer', by: ['instruction_id', 'attempt_no'] },
  { name: 'journal', by: ['id'] },
  { name: 'outbox', by: ['instruction_id'] },
  { name: 'result', by: ['seq'] },
  { name: 'delivery', by: ['name'] },
  { name: 'tax_order', by: ['id'] },
  { name: 'break', by: ['id'] },
  { name: 'late_answer', by: ['instruction_id', 'transcript_hash'] },
  { name: 'bank_day', by: ['bank_code'] },
  { name: 'proposal', by: ['id'] },
  { name: 'bank_halt', by: ['bank_code'] },
] as const
type Table = (typeof tables)[number]

/** What the rules about instructions read of a break, and of a halt while it lasts; the rest is not simulated. */
const columnsOf: { readonly [name: string]: readonly string[] } = {
  break: ['at', 'ticket_no', 'instruction_id', 'kind', 'source', 'tax_amount', 'bank_amount', 'reason', 'closed_at', 'closed_by'],
  bank_halt: ['proposal_id', 'bank_code', 'reason', 'halted_at'],
}
/** Tables whose id is the place of a row. */
const isList = (name: string): boolean => ['journal', 'tax_order', 'break'].includes(name)

/** The rows of the real record. */
export const realRows = async (db: Database, { name, by }: Table): Promise<object[]> => {
  const rows = await db.query<object>(`SELECT * FROM ${name} ${name === 'bank_halt' ? 'WHERE live = 1' : ''} ORDER BY ${by.join(', ')}`)
  // What the server works out by itself, and the room a row keeps for its outcome, are no part of what the record says.
  const said = rowsOf(rows, ['live', 'is_open', 'room', 'reset_id', ...(isList(name) ? ['id'] : [])])
  const columns = columnsOf[name]
  const kept = columns ? said.map(row => Object.fromEntries(Object.entries(row).filter(([column]) => columns.includes(column)))) : said
  return inOrder(kept, ...(isList(name) ? [] : by))
}

/** The rows of the simulated one. */
export const modelRows = ({ tables: t }: Record, { name, by }: Table): object[] => {
  switch (name) {
    case 'outbox':
      return inOrder(rowsOf([...t.outbox].map(([instruction_id, wake_at]) => ({ instruction_id, wake_at }))), ...by)
    case 'journal':
    case 'tax_order':
    case 'break':
      return rowsOf(t[name])
    case 'attempt':
    case 'answer':
      return inOrder(rowsOf([...t[name].values()].flat()), ...by)
    case 'proposal':
      return inOrder(rowsOf(t.proposal.map(proposalRow)), ...by)
    case 'bank_halt':
      return inOrder(
        rowsOf([...t.halt].map(([bank_code, h]) => ({ proposal_id: h.proposalId, bank_code, reason: h.reason, halted_at: h.since }))),
        ...by,
      )
    case 'bank_day':
    case 'delivery':
    case 'instruction':
    case 'late_answer':
    case 'result':
    case 'ticket':
      return inOrder(rowsOf(t[name].values()), ...by)
  }
}

const proposalRow = (p: ProposalRow): object => ({
  id: p.id,
  kind: p.kind,
  subject: p.subject,
  ticket_no: p.about?.ticketNo ?? null,
  instruction_id: p.about?.instructionId ?? null,
  sent_at: p.about?.lastSentAt ?? null,
  office_code: p.officeCode ?? null,
  order_no: p.orderNo,
  content: JSON.stringify(p.content),
  evidence: p.evidence,
  content_hash: p.hash,
  proposed_by: p.proposedBy,
  proposed_at: p.proposedAt,
  expires_at: p.expiresAt,
  state: p.state,
  decided_by: p.decidedBy ?? null,
  decided_at: p.decidedAt ?? null,
  seen_hash: p.seenHash ?? null,
  reason: p.reason ?? null,
})
