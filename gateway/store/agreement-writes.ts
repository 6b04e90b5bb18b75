import type { UnifiedCode } from '@taxlink/bank-sdk'
import type { Objection } from '../domain/proposal.ts'
import { moveLocked, remark, writeNew } from './agreement-rows.ts'
import { type Agreement, type Deed, type Moved, type Mover, type NewAgreement, readAgreements } from './agreements.ts'
import { appendAudit } from './audit.ts'
import { carefully, duplicateKey } from './beside.ts'
import { type Database, errnoOf, type Tx } from './database.ts'
import { answerOf, keepAnswer } from './inbox.ts'
import { sqlTime } from './rows.ts'

const anotherInForce: Objection = {
  rule: 'another-in-force',
  zh: '该纳税人已有生效的三方协议,请办理变更(第九条)',
  en: 'the taxpayer has an agreement in force; change that one (art. 9)',
}

/** An order of a tax system about an agreement, under a number of its own. */
export type AgreementOrder = { readonly taxSystem: string; readonly orderNo: string; readonly contentHash: Buffer }
/** What became of an order about several agreements: their numbers. */
export type Ordered =
  | { readonly kind: 'accepted' | 'repeated'; readonly agreementNos: readonly string[] }
  | { readonly kind: 'differs'; readonly contentHash: Buffer }
  | { readonly kind: 'absent' }
  | { readonly kind: 'objected'; readonly objection: Objection }

/** The writes of agreements. The rules come in as `decide`: asked under the lock of the row, maybe again, and without other effects. */
export type AgreementWrites = {
  /** Writes a new one once, unless `objects` to it beside the taxpayer's others. */
  register(agreement: NewAgreement, objects: (others: readonly Agreement[]) => Objection | undefined): Promise<Registered>
  /** Moves one. */
  move(agreementNo: string, decide: (agreement: Agreement) => Deed, by: Mover): Promise<Moved>
  /** Moves one with the taxpayer's others of the same office before its eyes, in the order of registration: none of them moves meanwhile. */
  moveBeside(agreementNo: string, decide: (agreement: Agreement, beside: readonly Agreement[]) => Deed, by: Mover): Promise<Moved>
  /** Moves those of the tax system's own that an order is about, once for its number: one, or all of a taxpayer that are not over. */
  order(
    order: AgreementOrder,
    of: { readonly agreementNo: string } | { readonly taxpayerId: string },
    decide: (agreement: Agreement) => Deed,
    by: Mover,
  ): Promise<Ordered>
  /**
   * Does what a bank tells of one, and keeps the receipt of its message in the same transaction, so that a repeat gets the same and does nothing twice.
   * `messageId`: none where nobody waits for a receipt.
   */
  heard(
    messageId: number | undefined,
    agreementNo: string,
    decide: (agreement: Agreement | undefined) => HeardVerdict,
    by: Mover,
  ): Promise<UnifiedCode>
}
/** What a bank's word leads to: a move; or nothing but the code of its receipt, with what is noted of it in the journal. */
export type HeardVerdict =
  | Deed
  | { readonly code: UnifiedCode; readonly remark?: { readonly event: string; readonly reason: string; readonly article: string } }
/** `repeated`: the number was used before, with this content. */
export type Registered =
  | { readonly kind: 'registered' }
  | { readonly kind: 'repeated'; readonly contentHash: Buffer; readonly taxSystem: string }
  | { readonly kind: 'objected'; readonly objection: Objection }

/** Opens the writes over `db`. */
export const openAgreementWrites = (db: Database): AgreementWrites => ({
  register: (agreement, objects) => carefully(() => db.transaction(tx => register(tx, agreement, objects))),
  move: (agreementNo, decide, by) => moved(db, agreementNo, tx => moveOne(tx, agreementNo, decide, by)),
  moveBeside: (agreementNo, decide, by) => moved(db, agreementNo, tx => moveOneBeside(tx, agreementNo, decide, by)),
  order: (order, of, decide, by) => carefully(() => db.transaction(tx => orderOnce(tx, order, of, decide, by))),
  heard: (messageId, agreementNo, decide, by) => carefully(() => db.transaction(tx => heardOnce(tx, messageId, agreementNo, decide, by))),
})

const heardOnce = async (
  tx: Tx,
  messageId: number | undefined,
  agreementNo: string,
  decide: (agreement: Agreement | undefined) => HeardVerdict,
  by: Mover,
): Promise<UnifiedCode> => {
  const answered = messageId === undefined ? undefined : await answerOf(tx, messageId, 'FOR UPDATE')
  if (answered !== undefined) return answered
  const [agreement] = await readAgreements(tx, 'WHERE a.agreement_no = ? FOR UPDATE', [agreementNo])
  const code = await carriedOut(tx, agreement, decide(agreement), by)
  if (messageId !== undefined) await keepAnswer(tx, messageId, code, by.now)
  return code
}

/** Does what was decided of a bank's word; the code of its receipt: 93004 where it contradicts what stands. */
const carriedOut = async (tx: Tx, agreement: Agreement | undefined, verdict: HeardVerdict, by: Mover): Promise<UnifiedCode> => {
  if ('code' in verdict) {
    if (agreement && verdict.remark) await remark(tx, agreement, verdict.remark, by)
    return verdict.code
  }
  if (!agreement) return '24009'
  return (await moveLocked(tx, agreement, verdict, by)).kind === 'objected' ? '93004' : '90000'
}

const moved = async (db: Database, agreementNo: string, move: (tx: Tx) => Promise<Moved>): Promise<Moved> => {
  try {
    return await carefully(() => db.transaction(move))
  } catch (error) {
    if (errnoOf(error) !== duplicateKey) throw error
    // The last defence, the unique key of what is in force, is told as what it is.
    const [agreement] = await readAgreements(db, 'WHERE a.agreement_no = ?', [agreementNo])
    return { kind: 'objected', objection: anotherInForce, agreement: agreement! }
  }
}

const moveOne = async (tx: Tx, agreementNo: string, decide: (agreement: Agreement) => Deed, by: Mover): Promise<Moved> => {
  const [agreement] = await readAgreements(tx, 'WHERE a.agreement_no = ? FOR UPDATE', [agreementNo])
  return agreement ? moveRead(tx, agreement, decide(agreement), by) : { kind: 'absent' }
}

const moveOneBeside = async (
  tx: Tx,
  agreementNo: string,
  decide: (agreement: Agreement, beside: readonly Agreement[]) => Deed,
  by: Mover,
): Promise<Moved> => {
  const [whose] = await tx.query<{ taxpayerId: string; officeCode: string }>(
    'SELECT taxpayer_id AS taxpayerId, office_code AS officeCode FROM agreement WHERE agreement_no = ?',
    [agreementNo],
  )
  const own = whose ? await ofTaxpayer(tx, whose, 'FOR UPDATE') : []
  const agreement = own.find(each => each.agreementNo === agreementNo)
  if (!agreement) return { kind: 'absent' }
  const others = own.filter(each => each !== agreement)
  return moveRead(tx, agreement, decide(agreement, others), by)
}

const moveRead = async (tx: Tx, agreement: Agreement, deed: Deed, by: Mover): Promise<Moved> => {
  const said = await moveLocked(tx, agreement, deed, by)
  if (said.kind === 'moved' && by.actor.startsWith('urn:taxlink:operator:')) await audit(tx, agreement, said.agreement, by)
  return said
}

/** A taxpayer's agreements with an office, in the order of registration. */
const ofTaxpayer = (
  tx: Tx,
  { taxpayerId, officeCode }: { readonly taxpayerId: string; readonly officeCode: string },
  lock: '' | 'FOR UPDATE' = '',
): Promise<Agreement[]> =>
  readAgreements(tx, `WHERE a.taxpayer_id = ? AND a.office_code = ? ORDER BY a.id ${lock}`, [taxpayerId, officeCode])

/** What an operator did to an agreement in the audit journal; the number of an agreement is private, so its id stands there. */
const audit = (tx: Tx, { id, state, particulars }: Agreement, moved: Agreement, { now, actor }: Mover): Promise<void> =>
  appendAudit(tx, {
    at: now,
    actor,
    action: 'review',
    subject: `agreement/${id}`,
    officeCode: particulars.officeCode,
    detail: JSON.stringify({ from: state, to: moved.state }),
  })

const register = async (
  tx: Tx,
  agreement: NewAgreement,
  objects: (others: readonly Agreement[]) => Objection | undefined,
): Promise<Registered> => {
  const { agreementNo, particulars } = agreement
  const [known] = await tx.query<{ id: number; contentHash: Buffer; taxSystem: string }>(
    'SELECT id, content_hash AS contentHash, tax_system AS taxSystem FROM agreement WHERE agreement_no = ?',
    [agreementNo],
  )
  // Ours already: the COMMIT whose answer was lost.
  if (known) return known.id === agreement.id ? { kind: 'registered' } : { kind: 'repeated', ...known }
  const objection = objects(await ofTaxpayer(tx, particulars))
  if (objection) return { kind: 'objected', objection }
  await writeNew(tx, [agreement])
  return { kind: 'registered' }
}

const orderOnce = async (
  tx: Tx,
  order: AgreementOrder,
  of: { readonly agreementNo: string } | { readonly taxpayerId: string },
  decide: (agreement: Agreement) => Deed,
  by: Mover,
): Promise<Ordered> => {
  const found =
    'agreementNo' in of
      ? await readAgreements(tx, 'WHERE a.agreement_no = ? AND a.tax_system = ? FOR UPDATE', [of.agreementNo, order.taxSystem])
      : await readAgreements(
          tx,
          "WHERE a.taxpayer_id = ? AND a.tax_system = ? AND a.state NOT IN ('ended', 'lapsed', 'void', 'refused') ORDER BY a.id FOR UPDATE",
          [of.taxpayerId, order.taxSystem],
        )
  const [known] = await tx.query<{ contentHash: Buffer; said: string }>(
    'SELECT content_hash AS contentHash, said FROM agreement_order WHERE tax_system = ? AND order_no = ? FOR UPDATE',
    [order.taxSystem, order.orderNo],
  )
  if (known) {
    if (!known.contentHash.equals(order.contentHash)) return { kind: 'differs', contentHash: known.contentHash }
    return { kind: 'repeated', agreementNos: JSON.parse(known.said) as string[] }
  }
  if ('agreementNo' in of && found.length === 0) return { kind: 'absent' }
  const agreementNos: string[] = []
  for (const agreement of found) {
    const moved = await moveLocked(tx, agreement, decide(agreement), by)
    if (moved.kind === 'objected' && 'agreementNo' in of) return moved
    if (moved.kind === 'moved' || moved.kind === 'repeated') agreementNos.push(agreement.agreementNo)
  }
  await tx.execute('INSERT INTO agreement_order (tax_system, order_no, content_hash, said, accepted_at) VALUES (?, ?, ?, ?, ?)', [
    order.taxSystem,
    order.orderNo,
    order.contentHash,
    JSON.stringify(agreementNos),
    sqlTime(by.now),
  ])
  return { kind: 'accepted', agreementNos }
}

/** Lets a change of account go on, by a proposal of two persons that was just approved; on paper it goes to the bank with the taxpayer. */
export const permitChange = async (
  tx: Tx,
  agreementNo: string,
  decide: (agreement: Agreement, actor: string) => Deed,
  leave: (agreement: Agreement) => Deed,
  proposalId: number,
  by: Mover,
): Promise<Objection | undefined> => {
  const [agreement] = await readAgreements(tx, 'WHERE a.agreement_no = ? FOR UPDATE', [agreementNo])
  if (!agreement) return { rule: 'agreement-unknown', zh: '没有这份协议', en: 'there is no such agreement' }
  const moved = await moveLocked(tx, agreement, decide(agreement, by.actor), by, proposalId)
  if (moved.kind === 'objected') return moved.objection
  if (moved.kind === 'moved' && moved.agreement.byPaper) await moveLocked(tx, moved.agreement, leave(moved.agreement), by)
  return undefined
}
