import { fail } from '@taxlink/bank-sdk'
import type { Said } from '../domain/break.ts'
import type { PrintKey } from '../domain/fingerprint.ts'
import { type Account, operatorName } from '../domain/operator.ts'
import type { Act, Objection, ProposalState, Proposed, Verdict } from '../domain/proposal.ts'
import { enrolmentRules } from '../domain/sign-in.ts'
import type { Movement, Ticket } from '../domain/ticket.ts'
import { later } from '../domain/time.ts'
import type { NewTicket, UndoCause } from '../domain/write-off.ts'
import { permitChange } from './agreement-writes.ts'
import type { Agreement, Deed } from './agreements.ts'
import { appendAudit } from './audit.ts'
import { carefully } from './beside.ts'
import type { NewBreak } from './breaks.ts'
import type { Database, Scalar, Tx } from './database.ts'
import { resetDay } from './days.ts'
import { haltBank, resumeBank } from './halts.ts'
import type { Actor } from './linked.ts'
import { heldAdministrators, heldOperator, insertOperator, updateOperator } from './operators.ts'
import { type JudgeLine, type NewLine, writeLine } from './registry.ts'
import { type About, declareBreak, type Resolution, resolveDoubt } from './resolve.ts'
import { sqlTime, within } from './rows.ts'
import { beginEnrolment } from './sessions.ts'
import { type Settling, settleBreak } from './settle-break.ts'
import { closeBooks, reissueTicket, undoWriteOff } from './ticket-life.ts'

/** A proposal as it is first written, and frozen. */
export type NewProposal = {
  readonly kind: string
  readonly subject: string
  /** The instruction it is about, where it is about one: whose journal tells of every step. */
  readonly about: About | undefined
  /** The office it is about; undefined: the province. */
  readonly officeCode: string | undefined
  readonly orderNo: string
  readonly content: { readonly [name: string]: unknown }
  readonly evidence: string
  /** SHA-256 of kind, content and evidence, hexadecimal. */
  readonly hash: string
  readonly proposedBy: string
  readonly proposedAt: Date
  readonly expiresAt: Date
}
/** A proposal of the record. */
export type Proposal = NewProposal &
  Proposed & {
    readonly id: number
    readonly decidedAt: Date | undefined
    readonly reason: string | undefined
  }

/** `repeated`: the same person proposed the same under this number; `differs`: something else; `open`: this is being proposed already. */
export type Proposing =
  | { readonly kind: 'proposed' | 'repeated'; readonly proposal: Proposal }
  | { readonly kind: 'differs'; readonly proposal: Proposal; readonly hash: string }
  | { readonly kind: 'open'; readonly id: number }
/** What a proposal is about, as the audit journal may keep it for ever: without private values. */
export type Told = (proposal: Pick<NewProposal, 'kind' | 'subject' | 'content'>) => string
/** What somebody does with a proposal, how the rules judge it as it stands, and what its approval does. */
export type Deciding = {
  readonly act: Act
  readonly now: Date
  readonly reason: string | undefined
  /** `accountOf` gives the accounts of those who take part, as they stand until this is done. */
  readonly judge: (proposal: Proposal, accountOf: (uri: string) => Account | undefined) => Verdict
  readonly apply: (deeds: Deeds, proposal: Proposal) => Promise<Objection | undefined>
  readonly told: Told
}
/** `objected`: things do not stand any more as the proposal assumes; nothing was done, and it is as open as before. */
export type Decided =
  | { readonly kind: 'absent' }
  | { readonly kind: 'decided' | 'repeated'; readonly proposal: Proposal }
  | { readonly kind: 'refused'; readonly proposal: Proposal; readonly why: Exclude<Verdict, { kind: 'moves' | 'repeated' }>['why'] }
  | { readonly kind: 'objected'; readonly objection: Objection }

/** What an approval may do, in its own transaction; each says whether things stood so that it could be done. */
export type Deeds = {
  halt(bankCode: string, reason: string): Promise<boolean>
  resume(bankCode: string): Promise<boolean>
  /** Puts the accounting date that a bank was seen on back to an earlier one; false: it is not ahead of that any more. */
  resetDay(bankCode: string, accountingDate: string): Promise<boolean>
  /** Writes a line of the banks' registry, unless the rules object as the bank stands then. */
  register(line: NewLine, judge: JudgeLine): Promise<Objection | undefined>
  /** Ends the doubt about the instruction that the proposal is about, unless it `objects` under its lock. */
  resolve(resolution: Resolution, objects: (own: Movement, said: readonly Said[]) => Objection | undefined): Promise<Objection | undefined>
  /** Writes a break of that instruction; false: it stands there already. */
  declareBreak(
    found: Pick<NewBreak, 'kind' | 'source' | 'taxAmount' | 'bankAmount' | 'reason'>,
    objects: (own: Movement, ticket: Ticket) => Objection | undefined,
  ): Promise<Objection | boolean>
  /** Adopts or returns what only the bank has; an adoption is booked under the key of the fingerprints. */
  settleBreak(id: number, decision: Settling, key: PrintKey): Promise<Objection | undefined>
  /** Lets a change of account inside its year go on (art. 9), and to the bank. */
  permitChange(
    agreementNo: string,
    decide: (agreement: Agreement, actor: string) => Deed,
    leave: (agreement: Agreement) => Deed,
  ): Promise<Objection | undefined>
  /** Makes an account, to be enrolled; false: there is one of this name. */
  addOperator(account: Account): Promise<boolean>
  /** Changes an account, unless it is no longer of the office that the proposal is about. */
  changeOperator(account: Account): Promise<'changed' | 'absent' | 'moved' | 'last-administrators'>
  /** Takes password and second factor away, to be enrolled anew; unless it is no longer of that office. */
  resetOperator(name: string): Promise<'reset' | 'absent' | 'moved'>
  /** Undoes the marks of a ticket (art. 21). */
  undoWriteOff(undo: { readonly ticketNo: string; readonly cause: UndoCause; readonly reason: string }): Promise<Objection | undefined>
  /** Lets other tickets take the place of one that was undone (art. 21). */
  reissueTicket(ticketNo: string, tickets: readonly NewTicket[]): Promise<Objection | undefined>
  /** Closes the province’s books through a day. */
  closeBooks(through: string): Promise<Objection | undefined>
}

/** What a list of proposals may be narrowed by. */
export type ProposalFilter = {
  readonly kind?: string | undefined
  readonly state?: ProposalState | undefined
  /** Only those about one of these. */
  readonly offices?: readonly string[] | undefined
}

/** The proposals of two persons. */
export type Proposals = {
  /** Writes a proposal, unless it was there before or another about the same is still open. */
  propose(proposal: NewProposal, told: Told): Promise<Proposing>
  /** Moves a proposal as the rules judge, and does what an approval does, in one transaction. */
  decide(id: number, deciding: Deciding): Promise<Decided>
  find(id: number): Promise<Proposal | undefined>
  /** What this person proposed under this number. */
  findOrder(proposedBy: string, orderNo: string): Promise<Proposal | undefined>
  /** Proposals after `afterId`, in order of id, at most `limit`. */
  list(filter: ProposalFilter, afterId: number, limit: number): Promise<Proposal[]>
  /** Those whose time is over at `now`, at most `limit`. */
  over(now: Date, limit: number): Promise<number[]>
}

type Row = {
  id: number
  kind: string
  subject: string
  ticketNo: string | null
  instructionId: number | null
  lastSentAt: Date | null
  officeCode: string | null
  orderNo: string
  content: string
  evidence: string
  hash: Buffer
  proposedBy: string
  proposedAt: Date
  expiresAt: Date
  state: ProposalState
  decidedBy: string | null
  decidedAt: Date | null
  reason: string | null
}
const select = `SELECT id, kind, subject, ticket_no AS ticketNo, instruction_id AS instructionId, sent_at AS lastSentAt, office_code AS officeCode, order_no AS orderNo, content, evidence,
  content_hash AS hash, proposed_by AS proposedBy, proposed_at AS proposedAt, expires_at AS expiresAt, state, decided_by AS decidedBy,
  decided_at AS decidedAt, reason FROM proposal`

const proposalOf = ({ ticketNo, instructionId, lastSentAt, ...row }: Row): Proposal => ({
  ...row,
  about: ticketNo === null || instructionId === null ? undefined : { ticketNo, instructionId, lastSentAt: lastSentAt ?? undefined },
  officeCode: row.officeCode ?? undefined,
  content: JSON.parse(row.content) as Proposal['content'],
  hash: row.hash.toString('hex'),
  decidedBy: row.decidedBy ?? undefined,
  decidedAt: row.decidedAt ?? undefined,
  reason: row.reason ?? undefined,
})
const read = async (tx: Pick<Tx, 'query'>, where: string, params: readonly Scalar[]): Promise<Proposal[]> =>
  (await tx.query<Row>(`${select} WHERE ${where}`, params)).map(proposalOf)

/** Opens the proposals over `db`. */
export const openProposals = (db: Database): Proposals => ({
  propose: (proposal, told) => carefully(() => db.transaction(tx => propose(tx, proposal, told))),
  // Run again where the fate of the COMMIT is unknown: what was decided then is judged a repetition by the same person.
  decide: (id, deciding) =>
    carefully(async () => {
      try {
        return await db.transaction(tx => decide(tx, id, deciding))
      } catch (error) {
        if (error instanceof Objected) return { kind: 'objected', objection: error.objection }
        throw error
      }
    }),
  find: async id => (await read(db, 'id = ?', [id]))[0],
  findOrder: async (proposedBy, orderNo) => (await read(db, 'proposed_by = ? AND order_no = ?', [proposedBy, orderNo]))[0],
  list: ({ kind, state, offices }, afterId, limit) => {
    const conditions = [
      'id > ?',
      ...(kind === undefined ? [] : ['kind = ?']),
      ...(state === undefined ? [] : ['state = ?']),
      ...within('office_code', offices),
    ]
    const params = [afterId, ...[kind, state].filter(value => value !== undefined), ...(offices ?? []), limit]
    return read(db, `${conditions.join(' AND ')} ORDER BY id LIMIT ?`, params)
  },
  over: async (now, limit) =>
    (await db.query<{ id: number }>('SELECT id FROM proposal WHERE live = 1 AND expires_at <= ? LIMIT ?', [sqlTime(now), limit])).map(
      row => row.id,
    ),
})

/** What is said to whoever uses a number a second time, now with content of this hash. */
export const again = (known: Proposal, hash: string): Proposing =>
  known.hash === hash ? { kind: 'repeated', proposal: known } : { kind: 'differs', proposal: known, hash }

const propose = async (tx: Tx, proposal: NewProposal, told: Told): Promise<Proposing> => {
  const [known] = await read(tx, 'proposed_by = ? AND order_no = ? FOR UPDATE', [proposal.proposedBy, proposal.orderNo])
  if (known) return again(known, proposal.hash)
  const [open] = await tx.query<{ id: number }>('SELECT id FROM proposal WHERE kind = ? AND subject = ? AND live = 1 FOR UPDATE', [
    proposal.kind,
    proposal.subject,
  ])
  if (open) return { kind: 'open', id: open.id }
  const { insertId } = await tx.execute(
    `INSERT INTO proposal (kind, subject, ticket_no, instruction_id, sent_at, office_code, order_no, content, evidence, content_hash, proposed_by, proposed_at,
       expires_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, UNHEX(?), ?, ?, ?)`,
    [
      proposal.kind,
      proposal.subject,
      proposal.about?.ticketNo ?? null,
      proposal.about?.instructionId ?? null,
      proposal.about?.lastSentAt ? sqlTime(proposal.about.lastSentAt) : null,
      proposal.officeCode ?? null,
      proposal.orderNo,
      JSON.stringify(proposal.content),
      proposal.evidence,
      proposal.hash,
      proposal.proposedBy,
      sqlTime(proposal.proposedAt),
      sqlTime(proposal.expiresAt),
    ],
  )
  await journal(
    tx,
    proposal.about,
    'propose',
    proposal.proposedBy,
    proposal.proposedAt,
    `proposal ${insertId}: ${withoutNumbers(proposal.evidence)}`,
  )
  const [written] = await read(tx, 'id = ?', [insertId])
  await audit(tx, written!, told, 'propose', proposal.proposedBy, proposal.proposedAt)
  return { kind: 'proposed', proposal: written! }
}

/** Undoes an approval that could not be carried out. */
class Objected extends Error {
  readonly objection: Objection
  constructor(objection: Objection) {
    super(objection.en)
    this.objection = objection
  }
}

const decide = async (tx: Tx, id: number, { act, now: clock, reason, judge, apply, told }: Deciding): Promise<Decided> => {
  const [proposal] = await read(tx, 'id = ? FOR UPDATE', [id])
  if (!proposal) return { kind: 'absent' }
  // The clock of another process may be behind that of the one that wrote it; nothing is decided before it was proposed.
  const now = clock < proposal.proposedAt ? proposal.proposedAt : clock
  const accounts = new Map<string, Account | undefined>()
  for (const uri of new Set([proposal.proposedBy, ...(act.event === 'expire' ? [] : [act.by])])) {
    const name = operatorName(uri)
    accounts.set(uri, name === undefined ? undefined : await heldOperator(tx, name))
  }
  const verdict = judge(proposal, uri => accounts.get(uri))
  if (verdict.kind === 'repeated') return { kind: 'repeated', proposal }
  if (verdict.kind === 'refused') return { kind: 'refused', proposal, why: verdict.why }
  const by = act.event === 'expire' ? null : act.by
  await tx.execute(
    `UPDATE proposal SET state = ?, decided_by = ?, decided_at = ?, reason = ?, seen_hash = UNHEX(?) WHERE id = ? AND state = 'proposed'`,
    [verdict.to, by, sqlTime(now), reason ?? null, act.event === 'approve' ? act.hash : null, id],
  )
  if (verdict.to === 'approved') {
    const objection = await apply(deedsIn(tx, proposal, { now, actor: by ?? '' }), proposal)
    if (objection) throw new Objected(objection)
  }
  await journal(tx, proposal.about, act.event, by ?? proposal.proposedBy, now, `proposal ${id} of ${proposal.proposedBy}`)
  const [decided] = await read(tx, 'id = ?', [id])
  await audit(tx, decided!, told, act.event, by ?? gateway, now)
  return { kind: 'decided', proposal: decided! }
}

const deedsIn = (tx: Tx, { id, about, proposedBy, officeCode }: Proposal, by: Actor): Deeds => {
  const subject = (): About => about ?? fail('internal', 'a proposal about no instruction')
  const enrolmentOf = (name: string) => ({
    proposalId: id,
    name,
    proposedBy,
    approvedBy: by.actor,
    expiresAt: later(by.now, enrolmentRules.lifeMs),
  })
  /** Who proposed and approves sees the office that it is about: what has moved away since is none of theirs. */
  const stands = async (name: string): Promise<'here' | 'absent' | 'moved'> => {
    const account = await heldOperator(tx, name)
    if (!account) return 'absent'
    return officeCode === undefined || account.office === officeCode ? 'here' : 'moved'
  }
  return {
    halt: (bankCode, reason) => haltBank(tx, bankCode, reason, id, by.now),
    resume: bankCode => resumeBank(tx, bankCode, id, by.now),
    resetDay: (bankCode, accountingDate) => resetDay(tx, bankCode, accountingDate, id, by.now),
    register: async (line, judge) => {
      const written = await writeLine(tx, line, judge, by, { proposalId: id })
      return 'rule' in written ? written : undefined
    },
    resolve: (resolution, objects) => resolveDoubt(tx, subject(), resolution, objects, by),
    permitChange: (agreementNo, decide, leave) => permitChange(tx, agreementNo, decide, leave, id, by),
    declareBreak: (found, objects) => declareBreak(tx, { ...found, ...subject(), at: by.now, actor: by.actor }, objects),
    settleBreak: (breakId, decision, key) => settleBreak(tx, breakId, decision, id, key, by),
    addOperator: async account => {
      if (await heldOperator(tx, account.name)) return false
      await insertOperator(tx, account, id, by.now)
      await beginEnrolment(tx, enrolmentOf(account.name))
      return true
    },
    changeOperator: async account => {
      const administrators = await heldAdministrators(tx)
      const found = await stands(account.name)
      if (found !== 'here') return found
      await updateOperator(tx, account, id)
      const left = await heldAdministrators(tx)
      return left.length < 2 && left.length < administrators.length ? 'last-administrators' : 'changed'
    },
    undoWriteOff: undo => undoWriteOff(tx, undo, id, by),
    reissueTicket: (ticketNo, tickets) => reissueTicket(tx, ticketNo, tickets, id, by),
    closeBooks: through => closeBooks(tx, through, id, by.now),
    resetOperator: async name => {
      const found = await stands(name)
      if (found !== 'here') return found
      await beginEnrolment(tx, enrolmentOf(name))
      return 'reset'
    },
  }
}

/** Who lets a proposal expire. */
const gateway = 'urn:taxlink:gateway'
/** People write what they should not into what is never changed: a long number may be an account, also with spaces in it or in full width. */
export const withoutNumbers = (prose: string): string =>
  prose.normalize('NFKC').replace(/\d(?: ?\d){5,}/g, digits => `${digits.replaceAll(' ', '').slice(0, 2)}****`)
/** A step of a proposal in the audit journal. What it is about in detail is frozen in the proposal itself; the hash binds it. */
const audit = (tx: Tx, proposal: Proposal, told: Told, action: string, actor: string, at: Date): Promise<void> => {
  const { id, kind, officeCode, hash, reason } = proposal
  return appendAudit(tx, {
    at,
    actor,
    action,
    subject: `proposal/${id}`,
    officeCode,
    detail: JSON.stringify({ kind, about: told(proposal), hash, ...(reason === undefined ? {} : { reason: withoutNumbers(reason) }) }),
  })
}

/** A step of a proposal in the journal of the instruction it is about, with the state that it left the instruction in. */
const journal = async (tx: Tx, about: About | undefined, event: string, actor: string, at: Date, reason: string): Promise<void> => {
  if (!about) return
  await tx.execute(
    `INSERT INTO journal (at, ticket_no, instruction_id, event, actor, state, reason)
     SELECT ?, ticket_no, id, ?, ?, state, ? FROM instruction WHERE id = ?`,
    [sqlTime(at), event, actor, Array.from(reason).slice(0, 200).join(''), about.instructionId],
  )
}
