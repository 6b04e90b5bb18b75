import type { Outcome } from '@taxlink/bank-sdk'
import type { InstructionVerb } from '../domain/answers.ts'
import { type DebitState, type Decision, isFinal, type Standing } from '../domain/debit.ts'
import type { Reason } from '../domain/ticket.ts'
import { carefully, deleteOutbox, duplicateKey, insertJournal, never, publish, signalled, upsertOutbox } from './beside.ts'
import { CommitUnknown, type Database, errnoOf, type Tx } from './database.ts'
import { grouped } from './group.ts'
import { type Columns, inserter, overKeys, sqlTime, updater } from './rows.ts'

/** A ticket and its debit instruction as they are first written. */
export type NewDebit = {
  readonly ticketNo: string
  readonly taxSystem: string
  readonly officeCode: string
  readonly bankCode: string
  /** Fen. */
  readonly amount: number
  readonly contentHash: Buffer
  /** 定期定额 (art. 42), where the order says so. */
  readonly fixedQuota?: boolean
  readonly instructionId: number
  /** The message to the bank as JSON, frozen: every attempt sends the same. */
  readonly request: string
  readonly entrustDate: string
  readonly serialNo: string
  readonly acceptedAt: Date
  /**
   * `sent`: the first attempt is part of the acceptance, its lease runs to `nextAttemptAt`; `accepted`: a worker will send it;
   * `refused`: our own rules refuse it, with the outcome.
   */
  readonly state: 'sent' | 'accepted' | 'refused'
  readonly owner: string
  readonly nextAttemptAt: Date | undefined
  /** When the queue is told, if nothing has happened before. */
  readonly wakeAt: Date | undefined
  readonly outcome: Outcome | undefined
  readonly reason: string
}
/**
 * `repeated`: the ticket was there before, with this content hash. `paid-before`: it was issued anew for money that was debited (art. 21); nothing was
 * written, and nothing may be sent.
 */
export type Acceptance =
  | { readonly kind: 'accepted' }
  | { readonly kind: 'paid-before' }
  | { readonly kind: 'repeated'; readonly contentHash: Buffer }

/** An instruction under way, as a worker needs it. */
export type Instruction = Standing & {
  readonly id: number
  readonly ticketNo: string
  readonly officeCode: string
  readonly entrustDate: string
  readonly serialNo: string
  readonly bankCode: string
  readonly attemptNo: number
  readonly nextAttemptAt: Date | undefined
  readonly acceptedAt: Date
  /** The message to the bank as JSON. */
  readonly request: string
}
/** A claim: who calls the bank now, until when nobody else may. */
export type Claim = {
  readonly instruction: Instruction
  readonly verb: InstructionVerb | 'inquiry'
  readonly owner: string
  readonly now: Date
  readonly leaseUntil: Date
}
/** What came of a call, with the fence it was made under. */
export type Settlement = {
  readonly instruction: Pick<Instruction, 'id' | 'ticketNo' | 'bankCode' | 'verb' | 'inDoubt'>
  readonly from: DebitState
  readonly attemptNo: number
  readonly owner: string
  readonly now: Date
  readonly decision: Decision
  readonly bankSerial: string | undefined
  readonly accountingDate: string | undefined
  readonly fault: string | undefined
  readonly transcript: string | undefined
  /** The reversal to be sent first, where the decision asks for one. */
  readonly tombstone?: NewInstruction | undefined
}

/** A further instruction of a ticket, as it is first written. */
export type NewInstruction = {
  readonly id: number
  readonly verb: 'supplementaryDebit' | 'reversal'
  readonly ticketNo: string
  readonly officeCode: string
  readonly entrustDate: string
  readonly serialNo: string
  readonly bankCode: string
  /** Fen. */
  readonly amount: number
  /** The message to the bank as JSON, frozen. */
  readonly request: string
  readonly originalId: number
  readonly reason: Reason
  readonly acceptedAt: Date
}

const when = (at: Date | undefined): string | null => (at ? sqlTime(at) : null)
const nextLook = (decision: Decision): string | null => when(decision.nextAttemptAt) ?? (isFinal(decision.state) ? null : never)

const insertTicket = inserter<NewDebit>('ticket', {
  ticket_no: d => d.ticketNo,
  tax_system: d => d.taxSystem,
  office_code: d => d.officeCode,
  bank_code: d => d.bankCode,
  amount: d => d.amount,
  content_hash: d => d.contentHash,
  accepted_at: d => sqlTime(d.acceptedAt),
  fixed_quota: d => d.fixedQuota ?? null,
})
const openColumns: Columns<NewDebit> = {
  id: d => d.instructionId,
  verb: "'debit'",
  ticket_no: d => d.ticketNo,
  office_code: d => d.officeCode,
  entrust_date: d => d.entrustDate,
  serial_no: d => d.serialNo,
  bank_code: d => d.bankCode,
  amount: d => d.amount,
  request: d => d.request,
  state: d => d.state,
  attempt_no: d => (d.state === 'sent' ? 1 : 0),
  lease_owner: d => (d.state === 'sent' ? d.owner : null),
  next_attempt_at: d => when(d.nextAttemptAt),
  last_sent_at: d => (d.state === 'sent' ? sqlTime(d.acceptedAt) : null),
  accepted_at: d => sqlTime(d.acceptedAt),
}
const insertOpen = inserter<NewDebit>('instruction', openColumns)
const insertRefused = inserter<NewDebit>('instruction', {
  ...openColumns,
  result_code: d => d.outcome?.code ?? null,
  bank_result_code: d => d.outcome?.bankCode ?? null,
  bank_text: d => d.outcome?.bankText ?? null,
  settled_at: d => sqlTime(d.acceptedAt),
})
const insertFirstAttempt = inserter<NewDebit>('attempt', {
  instruction_id: d => d.instructionId,
  attempt_no: '1',
  verb: "'debit'",
  owner: d => d.owner,
  started_at: d => sqlTime(d.acceptedAt),
})
const insertAttempt = inserter<Claim>('attempt', {
  instruction_id: c => c.instruction.id,
  attempt_no: c => c.instruction.attemptNo + 1,
  verb: c => c.verb,
  owner: c => c.owner,
  started_at: c => sqlTime(c.now),
})
const answerColumns: Columns<Settlement> = {
  instruction_id: s => s.instruction.id,
  attempt_no: s => s.attemptNo,
  at: s => sqlTime(s.now),
  result_code: s => s.decision.outcome?.code ?? null,
  fault: s => s.fault ?? null,
  transcript: s => s.transcript ?? null,
}
const insertAnswer = inserter('answer', answerColumns)
const keepAnswer = inserter('answer', answerColumns, 'ON DUPLICATE KEY UPDATE attempt_no = VALUES(attempt_no)')
const ticketsByNo = overKeys(
  `SELECT t.ticket_no AS ticketNo, t.content_hash AS contentHash, i.id AS instructionId
   FROM ticket t JOIN instruction i ON i.ticket_no = t.ticket_no AND i.verb = 'debit' WHERE t.ticket_no IN (?)`,
)
const paidByNo = overKeys('SELECT new_ticket_no AS ticketNo FROM ticket_reissue WHERE number = 1 AND new_ticket_no IN (?)')
/** The numbers of those that are to be debited though they stand for money that was. */
const paidBefore = async (tx: Tx, debits: readonly NewDebit[]): Promise<ReadonlySet<string>> => {
  const open = debits.filter(d => !isFinal(d.state)).map(d => d.ticketNo)
  return new Set((await paidByNo.query<{ ticketNo: string }>(tx, open)).map(row => row.ticketNo))
}

const moveOnClaim = updater<Claim>(
  'instruction',
  {
    id: ['int', c => c.instruction.id],
    fence: ['int', c => c.instruction.attemptNo],
    from_state: ['ascii', c => c.instruction.state],
    to_state: ['ascii', c => stateOf(c)],
    owner: ['ascii', c => c.owner],
    lease_until: ['time', c => sqlTime(c.leaseUntil)],
    sent_at: ['time', c => (c.verb === 'inquiry' ? null : sqlTime(c.now))],
    seen_at: ['time', c => sqlTime(c.now)],
  },
  't.id = v.id AND t.attempt_no = v.fence AND t.state = v.from_state AND t.next_attempt_at <= v.seen_at',
  `t.state = v.to_state, t.attempt_no = t.attempt_no + 1, t.lease_owner = v.owner, t.next_attempt_at = v.lease_until,
   t.last_sent_at = COALESCE(v.sent_at, t.last_sent_at)`,
)
const stateOf = (claim: Claim): 'sent' | 'unknown' => (claim.verb === 'inquiry' ? 'unknown' : 'sent')

const moveOnAnswer = updater<Settlement>(
  'instruction',
  {
    id: ['int', s => s.instruction.id],
    fence: ['int', s => s.attemptNo],
    owner: ['ascii', s => s.owner],
    from_state: ['ascii', s => s.from],
    to_state: ['ascii', s => s.decision.state],
    next_at: ['time', s => nextLook(s.decision)],
    person: ['int', s => (s.decision.person ? 1 : 0)],
    redeliveries: ['int', s => s.decision.redeliveries],
    inquiries: ['int', s => s.decision.inquiries],
    result_code: ['ascii', s => s.decision.outcome?.code ?? null],
    bank_result_code: ['ascii', s => s.decision.outcome?.bankCode ?? null],
    bank_text: ['text', s => s.decision.outcome?.bankText ?? null],
    bank_serial: ['ascii', s => s.bankSerial ?? null],
    accounting_date: ['date', s => s.accountingDate ?? null],
    settled_at: ['time', s => (isFinal(s.decision.state) ? sqlTime(s.now) : null)],
  },
  // What somebody waits for is settled with whatever waits, elsewhere.
  't.id = v.id AND t.attempt_no = v.fence AND t.lease_owner = v.owner AND t.state = v.from_state AND t.awaited = 0',
  // The code and text belong together: a new outcome replaces both, none leaves both.
  `t.room = NULL, t.state = v.to_state, t.lease_owner = NULL, t.next_attempt_at = v.next_at, t.person = v.person, t.redeliveries = v.redeliveries, t.inquiries = v.inquiries,
   t.bank_text = IF(v.result_code IS NULL, t.bank_text, v.bank_text), t.bank_result_code = COALESCE(v.bank_result_code, t.bank_result_code),
   t.result_code = COALESCE(v.result_code, t.result_code), t.bank_serial = COALESCE(v.bank_serial, t.bank_serial),
   t.accounting_date = COALESCE(v.accounting_date, t.accounting_date), t.settled_at = v.settled_at`,
)

const writeAcceptances = async (tx: Tx, debits: readonly NewDebit[]): Promise<void> => {
  await insertTicket(tx, debits)
  const refused = debits.filter(d => isFinal(d.state))
  await insertOpen(tx, refused.length === 0 ? debits : debits.filter(d => !isFinal(d.state)))
  await insertRefused(tx, refused)
  await insertFirstAttempt(
    tx,
    debits.filter(d => d.state === 'sent'),
  )
  await insertJournal(
    tx,
    debits.map(d => ({ ...d, at: d.acceptedAt, event: 'accept', actor: d.taxSystem })),
  )
  await upsertOutbox(
    tx,
    debits.flatMap(d => (d.wakeAt ? [{ instructionId: d.instructionId, wakeAt: d.wakeAt }] : [])),
  )
  await publish(
    tx,
    refused.map(d => ({ ...d, at: d.acceptedAt })),
  )
}

/** Accepts what is new and tells what was there. The usual case, all new, is tried at once; what a key or a trigger refuses sends the group the careful way. */
const acceptGroup =
  (db: Database) =>
  async (items: readonly NewDebit[]): Promise<readonly Acceptance[]> => {
    const distinct = new Set(items.map(d => d.ticketNo)).size === items.length
    if (distinct) {
      try {
        await db.transaction(tx => writeAcceptances(tx, items))
        return items.map(() => ({ kind: 'accepted' }))
      } catch (error) {
        // A failed COMMIT is not a rollback: the careful way re-reads by key and finds out.
        if (![duplicateKey, signalled].includes(errnoOf(error)) && !(error instanceof CommitUnknown)) throw error
      }
    }
    return carefully(() =>
      db.transaction(async tx => {
        const known = new Map(
          (
            await ticketsByNo.query<{ ticketNo: string; contentHash: Buffer; instructionId: number }>(
              tx,
              items.map(d => d.ticketNo),
            )
          ).map(t => [t.ticketNo, t]),
        )
        const fresh: NewDebit[] = []
        for (const d of items) {
          if (known.has(d.ticketNo)) continue
          known.set(d.ticketNo, d)
          fresh.push(d)
        }
        const paid = await paidBefore(tx, fresh)
        await writeAcceptances(
          tx,
          fresh.filter(d => !paid.has(d.ticketNo)),
        )
        return items.map((d): Acceptance => {
          if (paid.has(d.ticketNo)) return { kind: 'paid-before' }
          const first = known.get(d.ticketNo)!
          return first.instructionId === d.instructionId ? { kind: 'accepted' } : { kind: 'repeated', contentHash: first.contentHash }
        })
      }),
    )
  }

type Fence = {
  readonly id: number
  readonly attemptNo: number
  readonly state: DebitState
  readonly owner: string | null
  readonly nextAttemptAt: Date | null
  readonly awaited: number
}
const fences = overKeys(
  `SELECT id, attempt_no AS attemptNo, state, lease_owner AS owner, next_attempt_at AS nextAttemptAt, awaited FROM instruction
   WHERE id IN (?) FOR UPDATE`,
)

/** Thrown inside a group whose rows are not all ours any more, so that it is undone and taken the careful way. */
export class Stale extends Error {}

/**
 * Runs a group: in the usual case all its rows are still ours and one compare-and-set writes them all. Otherwise the rows are locked and looked
 * at first, and what is still ours is written. `write` must throw Stale where its compare-and-set matched fewer rows than given.
 */
const underFence = async <Item>(
  db: Database,
  items: readonly Item[],
  idOf: (item: Item) => number,
  isOurs: (item: Item, fence: Fence) => boolean,
  write: (tx: Tx, items: readonly Item[]) => Promise<void>,
): Promise<readonly boolean[]> => {
  // In the order of their ids: two groups that share rows wait for each other instead of deadlocking.
  const inOrder = items.toSorted((a, b) => idOf(a) - idOf(b))
  if (new Set(items.map(idOf)).size === items.length) {
    try {
      await db.transaction(tx => write(tx, inOrder))
      return items.map(() => true)
    } catch (error) {
      if (!(error instanceof Stale)) throw error
    }
  }
  return db.transaction(async tx => {
    const found = new Map((await fences.query<Fence>(tx, inOrder.map(idOf))).map(fence => [fence.id, fence]))
    const ours = new Set<Item>()
    for (const item of inOrder) {
      const fence = found.get(idOf(item))
      if (!fence || !isOurs(item, fence)) continue
      ours.add(item)
      // The same instruction twice in one group: the first has it.
      found.delete(idOf(item))
    }
    if (ours.size > 0)
      await write(
        tx,
        inOrder.filter(item => ours.has(item)),
      )
    return items.map(item => ours.has(item))
  })
}

const writeClaims = async (tx: Tx, claims: readonly Claim[]): Promise<void> => {
  if ((await moveOnClaim(tx, claims)) !== claims.length) throw new Stale()
  await insertAttempt(tx, claims)
  await insertJournal(
    tx,
    claims.map(c => ({
      at: c.now,
      ticketNo: c.instruction.ticketNo,
      instructionId: c.instruction.id,
      event: c.verb === 'inquiry' ? 'inquire' : 'send',
      actor: c.owner,
      state: stateOf(c),
      reason: `attempt ${c.instruction.attemptNo + 1}`,
    })),
  )
  // While a call is under way there is nobody to be told; should its process die, the sweep finds the lease that has run out.
  await deleteOutbox.execute(
    tx,
    claims.map(c => c.instruction.id),
  )
}

const claimGroup = (db: Database) => (claims: readonly Claim[]) =>
  underFence(
    db,
    claims,
    c => c.instruction.id,
    (c, fence) =>
      fence.attemptNo === c.instruction.attemptNo &&
      fence.state === c.instruction.state &&
      fence.nextAttemptAt !== null &&
      fence.nextAttemptAt <= c.now,
    writeClaims,
  )

/** Writes what came of calls under their fences; throws Stale where one is not ours any more. */
export const writeSettlements = async (tx: Tx, items: readonly Settlement[]): Promise<void> => {
  if ((await moveOnAnswer(tx, items)) !== items.length) throw new Stale()
  await insertAnswer(tx, items)
  const about = (s: Settlement) => ({
    at: s.now,
    ticketNo: s.instruction.ticketNo,
    instructionId: s.instruction.id,
    state: s.decision.state,
  })
  await insertJournal(
    tx,
    items.map(s => ({ ...about(s), event: s.decision.event, actor: s.owner, reason: s.decision.reason })),
  )
  await upsertOutbox(
    tx,
    items.flatMap(s => (s.decision.nextAttemptAt ? [{ instructionId: s.instruction.id, wakeAt: s.decision.nextAttemptAt }] : [])),
  )
  // A reversal of our own nobody has ordered, and nobody is told of.
  await publish(tx, items.filter(s => isFinal(s.decision.state) && !s.instruction.inDoubt).map(about))
}

const settleGroup =
  (db: Database) =>
  async (items: readonly Settlement[]): Promise<readonly boolean[]> => {
    const isOurs = (s: Settlement, fence: Fence) =>
      fence.attemptNo === s.attemptNo && fence.owner === s.owner && fence.state === s.from && fence.awaited === 0
    try {
      return await underFence(db, items, s => s.instruction.id, isOurs, writeSettlements)
    } catch (error) {
      if (!(error instanceof CommitUnknown)) throw error
      return settleOneByOne(db, items)
    }
  }

/** After a COMMIT of unknown fate, each on its own: it is written now, or it is not ours any more, or it was written; whoever looks again tells which. */
const settleOneByOne = async (db: Database, items: readonly Settlement[]): Promise<boolean[]> => {
  const results: boolean[] = []
  for (const item of items) {
    results.push(
      await carefully(() =>
        db.transaction(async tx => {
          try {
            await writeSettlements(tx, [item])
            return true
          } catch (error) {
            // The update matched nothing and nothing else was written: committing this is harmless.
            if (error instanceof Stale) return false
            throw error
          }
        }),
      ),
    )
  }
  return results
}

/** The hot path's three writes, each shared by all callers of one moment in a group commit. */
export type DebitWrites = {
  /** Ticket, instruction, first attempt, journal and outbox in one transaction. */
  accept(debit: NewDebit): Promise<Acceptance>
  /** Takes the right to call the bank; false: somebody else has it, or it moved on. Committed before the first byte leaves. */
  claim(claim: Claim): Promise<boolean>
  /** Records what came of a call, once, however often it is offered; false: the fence is not ours any more, and nothing was changed. */
  settle(settlement: Settlement): Promise<boolean>
  /** Keeps the answer of a settlement whose fence was not ours any more, as evidence; it moves nothing, and an answer that stands there stays. */
  keep(settlement: Settlement): Promise<void>
}

/**
 * `most` rows share a commit, at most `lanes` commits are in flight at once. `linked` settles alone what has a meaning for other rows, and whatever the
 * group could not settle: it looks again, under the lock of the whole ticket.
 */
export const openDebitWrites = (
  db: Database,
  linked: (settlement: Settlement) => Promise<boolean>,
  options = { most: 128, lanes: 2 },
): DebitWrites => {
  const settle = grouped(settleGroup(db), options)
  return {
    accept: grouped(acceptGroup(db), options),
    claim: grouped(claimGroup(db), options),
    settle: async s => (s.instruction.verb === 'debit' && s.decision.effect === undefined && (await settle(s))) || linked(s),
    keep: settlement => keepAnswer(db, [settlement]),
  }
}
