import type { Halt } from '../../gateway/domain/bank.ts'
import { type Account, operatorName } from '../../gateway/domain/operator.ts'
import type { Objection } from '../../gateway/domain/proposal.ts'
import { breakOf, hasTombstoneOpen, tombstoneOpen } from '../../gateway/domain/resolution.ts'
import { type Movement, movementOf } from '../../gateway/domain/ticket.ts'
import type { Keyed } from '../../gateway/store/doubts.ts'
import type { Actor } from '../../gateway/store/linked.ts'
import {
  again,
  type Decided,
  type Deciding,
  type Deeds,
  type NewProposal,
  type Proposal,
  type Proposing,
  withoutNumbers,
} from '../../gateway/store/proposals.ts'
import type { About } from '../../gateway/store/resolve.ts'
import { conclude, declareBreak, followEffect, moveWithoutCall, ticketOf } from './linked.ts'
import { keyOf, type ProposalRow, type Tables } from './rows.ts'

// gateway/store/proposals.ts, halts.ts and resolve.ts in memory: each function is one transaction.

/** Who may propose and approve: three persons of the province. */
export const provinceOffice = '14300000000'
const accounts: ReadonlyMap<string, Account> = new Map(
  ['zhang', 'li', 'wang'].map(name => [
    name,
    { name, displayName: name, office: provinceOffice, duties: ['accounts', 'information-centre'], enabled: true },
  ]),
)

/** The account of this name. */
export const accountOf = (name: string): Account | undefined => accounts.get(name)

/** A proposal as anybody is told of it: what its second person saw stands in the row alone. */
export const proposalOf = ({ seenHash: _seenHash, ...proposal }: ProposalRow): Proposal => proposal

/** The banks that are halted. */
export const haltsOf = ({ halt }: Tables): ReadonlyMap<string, Halt> =>
  new Map([...halt].map(([bankCode, { proposalId: _proposalId, ...rest }]) => [bankCode, rest]))

const steps = (tables: Tables, about: About | undefined, event: string, actor: string, at: Date, reason: string): void => {
  const row = about && tables.instruction.get(about.instructionId)
  if (!row) return
  const { id: instruction_id, ticket_no, state } = row
  // Prose of persons: what is left of it ends with a whole character.
  tables.journal.push({
    at: at.getTime(),
    ticket_no,
    instruction_id,
    event,
    actor,
    state,
    reason: Array.from(reason).slice(0, 200).join(''),
  })
  tables.touched.add(ticket_no)
}

/** Writes a proposal, unless it was there before or another about the same is still open. */
export const propose = (tables: Tables, proposal: NewProposal): Proposing => {
  const known = tables.proposal.find(p => p.proposedBy === proposal.proposedBy && p.orderNo === proposal.orderNo)
  if (known) return again(proposalOf(known), proposal.hash)
  const open = tables.proposal.find(p => p.kind === proposal.kind && p.subject === proposal.subject && p.state === 'proposed')
  if (open) return { kind: 'open', id: open.id }
  const id = tables.proposal.length + 1
  const row: ProposalRow = { ...proposal, id, state: 'proposed', decidedBy: undefined, decidedAt: undefined, reason: undefined }
  tables.proposal.push(row)
  steps(tables, proposal.about, 'propose', proposal.proposedBy, proposal.proposedAt, `proposal ${id}: ${withoutNumbers(proposal.evidence)}`)
  return { kind: 'proposed', proposal: proposalOf(row) }
}

/** Moves a proposal as the rules judge. What its approval does is done at once, so that this is one transaction; the rest only tells of it. */
export const decide = async (tables: Tables, id: number, { act, now: clock, reason, judge, apply }: Deciding): Promise<Decided> => {
  const row = tables.proposal[id - 1]
  if (!row) return { kind: 'absent' }
  // The clock of another process may be behind.
  const now = clock < row.proposedAt ? row.proposedAt : clock
  const verdict = judge(proposalOf(row), uri => accounts.get(operatorName(uri) ?? ''))
  if (verdict.kind === 'repeated') return { kind: 'repeated', proposal: proposalOf(row) }
  if (verdict.kind === 'refused') return { kind: 'refused', proposal: proposalOf(row), why: verdict.why }
  const by = act.event === 'expire' ? undefined : act.by
  let wasDone = true
  const deeds = deedsIn(tables, row, { now, actor: by ?? '' }, done => {
    wasDone = done
  })
  const applied = verdict.to === 'approved' ? apply(deeds, proposalOf(row)) : undefined
  if (wasDone) {
    row.state = verdict.to
    row.decidedBy = by
    row.decidedAt = now
    row.reason = reason
    if (act.event === 'approve') row.seenHash = act.hash
    steps(tables, row.about, act.event, by ?? row.proposedBy, now, `proposal ${id} of ${row.proposedBy}`)
  }
  const proposal = proposalOf(row)
  const objection = await applied
  if ((objection === undefined) !== wasDone) throw new Error('an approval that was done, and objected to')
  return objection ? { kind: 'objected', objection } : { kind: 'decided', proposal }
}

const notSimulated = (): never => {
  throw new Error('this deed is not simulated')
}

const deedsIn = (tables: Tables, { id, about, proposedBy }: ProposalRow, by: Actor, told: (done: boolean) => void): Deeds => {
  const subject = about ?? { ticketNo: '', instructionId: 0 }
  const resolved = <T extends Objection | boolean | undefined>(result: T): Promise<T> => {
    told(result === true || result === undefined)
    return Promise.resolve(result)
  }
  return {
    halt: (bankCode, reason) => {
      if (tables.halt.has(bankCode)) return resolved(false)
      tables.halt.set(bankCode, { reason, since: by.now, proposedBy, approvedBy: by.actor, proposalId: id })
      tables.haltChanges++
      return resolved(true)
    },
    resume: bankCode => {
      const wasHalted = tables.halt.delete(bankCode)
      tables.haltChanges++
      return resolved(wasHalted)
    },
    resolve: (resolution, objects) => {
      const ticket = ticketOf(tables, subject.ticketNo)
      const own = ticket && movementOf(ticket, subject.instructionId)
      if (!ticket || !own) throw new Error('a proposal about an instruction that is not there')
      const objection = objects(own, saidLate(tables, own.id)) ?? (hasTombstoneOpen(ticket, own.id) ? tombstoneOpen : undefined)
      if (objection) return resolved(objection)
      const { state, outcome, moved, reason, bankSerial, accountingDate } = resolution
      const kind = state === 'succeeded' ? breakOf(own, moved) : undefined
      const isOther = state === 'succeeded' && moved !== own.amount
      moveWithoutCall(tables, own, { state, outcome, reason, ...(isOther ? { booked: moved } : {}) }, by)
      const row = tables.instruction.get(own.id)!
      row.bank_serial = bankSerial ?? row.bank_serial
      row.accounting_date = accountingDate ?? row.accounting_date
      const settled: Movement = { ...own, state, booked: moved, accountingDate: accountingDate ?? own.accountingDate }
      conclude(tables, ticket, settled, outcome.code, by, 'bank')
      const isZero = state === 'succeeded' && (moved === 0 || moved === own.amount)
      if (own.reason === 'in-doubt') followEffect(tables, ticket, settled, isZero ? 'original-zero' : 'original-person', by)
      if (kind) {
        const found = { kind, source: 'resolution', taxAmount: own.amount, bankAmount: moved } as const
        declareBreak(tables, { ...found, ...subject, at: by.now, actor: by.actor, reason })
      }
      tables.resolved.add(own.id)
      return resolved(undefined)
    },
    declareBreak: (found, objects) => {
      const ticket = ticketOf(tables, subject.ticketNo)
      const own = ticket && movementOf(ticket, subject.instructionId)
      if (!ticket || !own) throw new Error('a proposal about an instruction that is not there')
      const objection = objects(own, ticket)
      return resolved<Objection | boolean>(objection ?? declareBreak(tables, { ...found, ...subject, at: by.now, actor: by.actor }))
    },
    register: notSimulated,
    permitChange: notSimulated,
    addOperator: notSimulated,
    changeOperator: notSimulated,
    resetOperator: notSimulated,
    resetDay: notSimulated,
    settleBreak: notSimulated,
    undoWriteOff: notSimulated,
    reissueTicket: notSimulated,
    closeBooks: notSimulated,
  }
}

const saidLate = (tables: Tables, instructionId: number): Keyed['said'] =>
  tables.late_answer
    .filter(late => late.instruction_id === instructionId && late.said_state !== null)
    .toSorted((a, b) => a.at - b.at || Buffer.compare(a.transcript_hash, b.transcript_hash))
    .map(late => ({ state: late.said_state!, code: late.result_code ?? '', amount: late.said_amount ?? 0 }))

/** The instruction with this key, as somebody needs it who is to say what became of it. */
export const keyed = (tables: Tables, key: { officeCode: string; entrustDate: string; serialNo: string }): Keyed | undefined => {
  const row = tables.byKey.get(keyOf({ office_code: key.officeCode, entrust_date: key.entrustDate, serial_no: key.serialNo }))
  if (!row) return undefined
  return {
    instructionId: row.id,
    verb: row.verb,
    ticketNo: row.ticket_no,
    bankCode: row.bank_code,
    amount: row.amount,
    booked: row.state === 'succeeded' ? (row.booked_amount ?? row.amount) : 0,
    state: row.state,
    person: row.person === 1,
    lastSentAt: row.last_sent_at === null ? undefined : new Date(row.last_sent_at),
    reason: row.reason ?? undefined,
    said: saidLate(tables, row.id),
  }
}
