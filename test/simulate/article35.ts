import type { Entry } from '../../conformance/simulator/ledger.ts'
import { broken } from './broken.ts'
import type { City } from './city.ts'
import { type InstructionRow, keyOf } from './rows.ts'
import { isFinal } from './writes.ts'

// Article 35 told a second time, by what came about and not by how it was decided.

const sum = (entries: readonly Entry[] | undefined): number => (entries ?? []).reduce((of, e) => of + e.amount, 0)

/** Reversals, supplementary debits and the void of one ticket, against the banks' books. `entries` by the key of the instruction. */
export const checkArticle35 = (
  city: City,
  ticketNo: string,
  entries: ReadonlyMap<string, readonly Entry[]>,
  hasLeft: (row: InstructionRow) => boolean,
): void => {
  const { tables } = city.record
  const rows = tables.ofTicket.get(ticketNo) ?? []
  if (rows.length < 2) return
  const ticket = tables.ticket.get(ticketNo)!
  const at = (row: InstructionRow): number => sum(entries.get(keyOf(row)))
  for (const row of rows) {
    if (row.verb === 'debit') continue
    const original = rows.find(other => other.id === row.original_id)
    if (!original) broken('article-35', `${ticketNo}: a ${row.verb} of nothing`)
    else if (row.verb === 'reversal') checkReversal(ticketNo, row, original, rows, at)
    else checkSupplement(ticketNo, row, original)
  }
  const debits = rows.filter(row => row.verb !== 'reversal')
  // What a reversal of the gateway's own gave back never counted as debited.
  const undone = rows.reduce((of, row) => of + (row.reason === 'in-doubt' ? at(row) : 0), 0)
  const booked = debits.reduce((of, row) => of + at(row), 0) - undone
  if (booked > ticket.amount) broken('article-35', `${ticketNo}: ${ticket.amount} fen on the ticket, debited in all ${booked}`)
  for (const verb of ['supplementaryDebit', 'reversal'] as const) {
    const open = rows.filter(row => row.verb === verb && !isFinal(row.state) && row.reason !== 'in-doubt')
    if (new Set(open.map(row => row.original_id)).size < open.length) broken('article-35', `${ticketNo}: two of ${verb} at once`)
  }
  const failed = rows.some(
    row => row.verb === 'supplementaryDebit' && row.reason === 'bank-missing' && isFailed(city, row, rows, hasLeft(row)),
  )
  if (failed !== (ticket.voided_at !== null))
    broken('article-35', `${ticketNo}: void ${ticket.voided_at !== null}, its last remedy failed ${failed}`)
}

/** A remedy that a bank refused, by two persons’ finding too, or that a tombstone keeps out; what our own rules refused, the tax side stopped, or never left, was none. */
const isFailed = (city: City, row: InstructionRow, rows: readonly InstructionRow[], hasLeft: boolean): boolean => {
  if (row.state !== 'refused') return false
  // Of an earlier attempt an answer may come later.
  const { tables } = city.record
  const last = tables.answer.get(row.id)?.find(answer => answer.attempt_no === row.attempt_no)
  const isBuried = rows.some(other => other.original_id === row.id && other.reason === 'in-doubt' && other.state === 'succeeded')
  // A tombstone is asked for what may have left; whether it had, nobody knew.
  return isBuried || tables.resolved.has(row.id) || (hasLeft && last !== undefined && last.result_code === row.result_code)
}

const checkReversal = (
  ticketNo: string,
  row: InstructionRow,
  original: InstructionRow,
  rows: readonly InstructionRow[],
  at: (row: InstructionRow) => number,
): void => {
  const back = rows.filter(other => other.verb === 'reversal' && other.original_id === original.id).reduce((of, other) => of + at(other), 0)
  if (back > at(original)) broken('article-35', `${ticketNo}: the bank gave back ${back} of ${at(original)}`)
  if (row.reason === 'in-doubt') {
    if (row.state === 'succeeded' && original.state === 'unknown')
      broken('article-35', `${ticketNo}: a tombstone stands, its original is still in doubt`)
    return
  }
  // 35(1): what is in doubt is made certain first.
  if (row.attempt_no > 0 && row.last_sent_at !== null && original.state !== 'succeeded')
    broken('article-35', `${ticketNo}: a reversal was sent while its original was ${original.state}`)
  // «Already given back» is told without the bank only where all of it was.
  if (row.state === 'succeeded' && row.result_code === '94032' && row.attempt_no === 0 && back !== at(original))
    broken('article-35', `${ticketNo}: said to be given back whole, ${back} of ${at(original)} were`)
  if (row.state === 'refused' && row.result_code === '38002' && row.attempt_no === 0 && original.state === 'refused')
    broken('article-35', `${ticketNo}: the day-end is the reason not to give back what was never debited`)
}

const checkSupplement = (ticketNo: string, row: InstructionRow, original: InstructionRow): void => {
  if (row.attempt_no > 0 && original.state !== 'succeeded')
    broken('article-35', `${ticketNo}: a supplementary debit was sent while the debit was ${original.state}`)
}
