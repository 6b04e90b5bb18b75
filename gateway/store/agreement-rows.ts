import type { Outcome } from '@taxlink/bank-sdk'
import type { AgreementState } from '../domain/agreement.ts'
import { type Changes, isStep, type Step, type Tell } from '../domain/agreement-steps.ts'
import { type Agreement, type Deed, type Held, type Moved, type Mover, type NewAgreement, readAgreements } from './agreements.ts'
import type { Scalar, Tx } from './database.ts'
import { inserter, sqlTime } from './rows.ts'

// How agreements are written: their rows, and what stands beside them.

type Entry = {
  readonly seq: number
  readonly agreementId: number
  readonly at: Date
  readonly event: string
  readonly state: string
  readonly actor: string
  readonly reason: string
  readonly article: string
}
// A file of many brings them by the thousand: fewer, larger statements halve its time.
const many = 512

const insertEntries = inserter<Entry>(
  'agreement_journal',
  {
    seq: e => e.seq,
    agreement_id: e => e.agreementId,
    at: e => sqlTime(e.at),
    event: e => e.event,
    state: e => e.state,
    actor: e => e.actor,
    reason: e => Array.from(e.reason).slice(0, 200).join(''),
    article: e => e.article,
  },
  '',
  many,
)
/** Adds to the journal. The counter's row stays locked until the commit, so the order of `seq` is the order of commits: it is taken last. */
export const journalAgreements = async (tx: Tx, entries: readonly Omit<Entry, 'seq'>[]): Promise<void> => {
  if (entries.length === 0) return
  const { insertId } = await tx.execute("UPDATE counter SET next = LAST_INSERT_ID(next) + ? WHERE name = 'agreement-journal'", [
    entries.length,
  ])
  await insertEntries(
    tx,
    entries.map((entry, i) => ({ ...entry, seq: insertId + i })),
  )
}

type Due = { readonly agreementId: number; readonly bankCode: string; readonly tell: Tell; readonly at: Date; readonly due?: Date }
/** Says what a bank is to be told. */
export const insertCalls = inserter<Due>(
  'agreement_call',
  {
    agreement_id: d => d.agreementId,
    bank_code: d => d.bankCode,
    verb: d => d.tell.verb,
    content: d => JSON.stringify(d.tell),
    created_at: d => sqlTime(d.at),
    next_attempt_at: d => sqlTime(d.due ?? d.at),
  },
  '',
  many,
)
type HeldRow = Held & { readonly agreementId: number; readonly at: Date }
/** Keeps what a bank said it holds. */
export const insertHeld = inserter<HeldRow>(
  'agreement_held',
  {
    agreement_id: h => h.agreementId,
    at: h => sqlTime(h.at),
    source: h => h.source,
    held: h => JSON.stringify(h.held),
    comparison: h => JSON.stringify(h.comparison),
  },
  '',
  many,
)

/** What the steps of a new agreement leave of it. */
const standing = ({ steps }: NewAgreement): { readonly state: AgreementState; readonly changes: Changes } => ({
  state: steps.at(-1)?.step.to ?? 'drafted',
  changes: Object.assign({}, ...steps.map(({ step }) => step.changes)) as Changes,
})
/** Writes new agreements. */
export const insertAgreements = inserter<NewAgreement>(
  'agreement',
  {
    id: a => a.id,
    agreement_no: a => a.agreementNo,
    tax_system: a => a.taxSystem,
    taxpayer_id: a => a.particulars.taxpayerId,
    taxpayer_name: a => a.particulars.taxpayerName,
    office_code: a => a.particulars.officeCode,
    bank_code: a => a.particulars.bankCode,
    branch: a => a.particulars.branch,
    account: a => a.particulars.account,
    channel: a => a.channel,
    by_paper: a => a.byPaper,
    content_hash: a => a.contentHash,
    registered_at: a => sqlTime(a.registeredAt),
    replaces_id: a => a.replacesId ?? null,
    exception: a => a.exception ?? null,
    warning: a => a.warning ?? null,
    state: a => standing(a).state,
    state_since: a => sqlTime(a.registeredAt),
    approved_by: a => standing(a).changes.approvedBy ?? null,
    bound_on: a => standing(a).changes.boundOn ?? null,
    likeness: a => standing(a).changes.likeness ?? null,
  },
  '',
  many,
)
/** Writes new agreements with all that stands beside them. */
export const writeNew = async (tx: Tx, agreements: readonly NewAgreement[]): Promise<void> => {
  await insertAgreements(tx, agreements)
  await insertHeld(
    tx,
    agreements.flatMap(({ id, held, registeredAt }) => (held ? [{ ...held, agreementId: id, at: registeredAt }] : [])),
  )
  await insertCalls(
    tx,
    agreements.flatMap(({ id, particulars, registeredAt, steps }) => {
      const tell = steps.at(-1)?.step.tell
      return tell ? [{ agreementId: id, bankCode: particulars.bankCode, tell, at: registeredAt }] : []
    }),
  )
  await journalAgreements(
    tx,
    agreements.flatMap(({ id, taxSystem, registeredAt, exception, steps }) => [
      {
        agreementId: id,
        at: registeredAt,
        event: 'register',
        state: 'drafted',
        actor: taxSystem,
        reason: exception === undefined ? 'registered' : `registered; exception: ${exception}`,
        article: 'art. 8(1)',
      },
      ...steps.map(({ step, actor, reason }) => ({
        agreementId: id,
        at: registeredAt,
        event: step.event,
        state: step.to,
        actor,
        reason,
        article: step.article,
      })),
    ]),
  )
}

/** The columns that a change writes; what is not in it stays. */
const setOf = (changes: Changes, said: Outcome | undefined): { readonly [column: string]: Scalar } => ({
  ...(changes.approvedBy === undefined ? {} : { approved_by: changes.approvedBy }),
  ...(changes.boundOn === undefined ? {} : { bound_on: changes.boundOn }),
  ...(changes.activeFrom === undefined ? {} : { active_from: changes.activeFrom }),
  ...(changes.validTo === undefined ? {} : { valid_to: changes.validTo }),
  ...(changes.accountSince === undefined ? {} : { account_since: changes.accountSince }),
  ...(changes.enabled === undefined ? {} : { enabled_by: changes.enabled.by, enabled_at: sqlTime(changes.enabled.at) }),
  ...(changes.objectedAt === undefined ? {} : { objected_at: sqlTime(changes.objectedAt) }),
  ...(changes.suspendedBy === undefined ? {} : { suspended_by: changes.suspendedBy }),
  ...(changes.ending === undefined ? {} : { ending_since: sqlTime(changes.ending.since), ending_by: changes.ending.by }),
  ...(changes.voidReason === undefined ? {} : { void_reason: changes.voidReason }),
  ...(changes.credentialIssued === undefined ? {} : { credential_issued: changes.credentialIssued }),
  ...(changes.likeness === undefined ? {} : { likeness: changes.likeness }),
  ...(said ? { result_code: said.code, bank_result_code: said.bankCode, bank_text: said.bankText ?? null } : {}),
})

/** Writes one step of an agreement whose row is locked: its row, its calls, its journal. */
const writeStep = async (tx: Tx, agreement: Agreement, step: Step, deed: Deed, by: Mover, permitId?: number): Promise<void> => {
  const { id, particulars, version } = agreement
  const set = {
    ...setOf(step.changes, deed.outcome),
    ...(step.to === agreement.state ? {} : { state: step.to, state_since: sqlTime(by.now) }),
    ...(permitId === undefined ? {} : { permit_id: permitId }),
  }
  await tx.execute(
    `UPDATE agreement SET ${[...Object.keys(set).map(name => `${name} = ?`), 'version = version + 1'].join(', ')} WHERE id = ? AND version = ?`,
    [...Object.values(set), id, version],
  )
  if (deed.held) await insertHeld(tx, [{ ...deed.held, agreementId: id, at: by.now }])
  if (step.to !== agreement.state) await supersede(tx, id, step, by.now)
  if (step.tell) await insertCalls(tx, [{ agreementId: id, bankCode: particulars.bankCode, tell: step.tell, at: by.now }])
}

/** What was never said need not be said any more; and what the bank has told, it need not be asked, whoever is asking it just now. */
const supersede = async (tx: Tx, agreementId: number, { event }: Step, now: Date): Promise<void> => {
  if (event === 'send' || event === 'suspend' || event === 'resume') return
  const unsaid = event === 'bind' || event === 'reject' ? '' : 'AND attempt_no = 0'
  await tx.execute(
    `UPDATE agreement_call SET next_attempt_at = NULL, done_at = ?, fault = 'superseded', lease_owner = NULL
     WHERE agreement_id = ? AND done_at IS NULL AND verb IN ('bind', 'changeBinding', 'bindingStatus', 'verification') ${unsaid}`,
    [sqlTime(now), agreementId],
  )
}

/** Moves an agreement whose row is locked, and whichever follows; what they write to the journal comes last. */
export const moveLocked = async (tx: Tx, agreement: Agreement, deed: Deed, by: Mover, permitId?: number): Promise<Moved> => {
  const { stepping, reason, follow, afterwards } = deed
  if (stepping === 'repeated') return { kind: 'repeated', agreement }
  if (!isStep(stepping)) return { kind: 'objected', objection: stepping, agreement }
  await writeStep(tx, agreement, stepping, deed, by, permitId)
  const entries = [entryOf(agreement.id, stepping, reason, by)]
  if (follow) {
    const [other] = await readAgreements(tx, 'WHERE a.id = ? FOR UPDATE', [follow.id])
    const next = other && follow.decide(other)
    if (other && next && isStep(next.stepping)) {
      await writeStep(tx, other, next.stepping, next, by)
      entries.push(entryOf(other.id, next.stepping, next.reason, by))
    }
  }
  await journalAgreements(tx, entries)
  const [moved] = await readAgreements(tx, 'WHERE a.id = ?', [agreement.id])
  const next = afterwards?.(moved!)
  return next && isStep(next.stepping) ? moveLocked(tx, moved!, next, by) : { kind: 'moved', agreement: moved! }
}
const entryOf = (agreementId: number, { event, to, article }: Step, reason: string, { now, actor }: Mover): Omit<Entry, 'seq'> => ({
  agreementId,
  at: now,
  event,
  state: to,
  actor,
  reason,
  article,
})

/** Adds a line to the journal of an agreement that does not move. */
export const remark = (
  tx: Tx,
  { id, state }: Agreement,
  { event, reason, article }: { readonly event: string; readonly reason: string; readonly article: string },
  { now, actor }: Mover,
): Promise<void> => journalAgreements(tx, [{ agreementId: id, at: now, event, state, actor, reason, article }])
