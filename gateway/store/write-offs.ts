import type { Objection } from '../domain/proposal.ts'
import { beforeRemittance } from '../domain/session.ts'
import { carefully } from './beside.ts'
import { type Found, readCandidates } from './candidates.ts'
import type { Database, Scalar, Tx } from './database.ts'
import { inserter, sqlTime, within } from './rows.ts'

/** A bank day that its last day-end session found balanced. */
export type BalancedDay = { readonly bankCode: string; readonly accountingDate: string; readonly session: number }
/** 上解销号 of a bank day, by whoever holds its lease. */
export type Batch = BalancedDay & { readonly batch: number; readonly attemptNo: number; readonly owner: string; readonly workDate: string }
/** What was done of a batch: where it goes on, undefined at its end; `lost`: somebody else has it. */
export type Part =
  | { readonly kind: 'lost' }
  | { readonly kind: 'done'; readonly last: number | undefined; readonly written: number; readonly heldBack: number }
/** How a ticket is judged, and the fee that is due for it. */
export type Judge = (found: Found) => { readonly objection: Objection | undefined; readonly fee: number }
/** A batch as operators see it. */
export type BatchView = Omit<Batch, 'owner' | 'attemptNo'> & {
  readonly begunAt: Date
  readonly doneAt: Date | undefined
  readonly tickets: number
  readonly amount: bigint
  readonly heldBack: number | undefined
}
type Lease = { readonly now: Date; readonly leaseUntil: Date }

/** What is written off at noon (art. 36). */
export type WriteOffs = {
  /**
   * Balanced days with something to do: never written off, broken off, or with tickets that had to wait on an earlier day. A second session for the
   * last filing day (art. 35(5)) is held of a day that goes on, in which the bank may still be asked to give back: that day waits for its own.
   */
  dueDays(today: string, now: Date): Promise<BalancedDay[]>
  /** Bank days from `from` on and before `before` of which something is booked and no batch is done, with the state of their last session. */
  waitingDays(
    from: string,
    before: string,
  ): Promise<{ readonly bankCode: string; readonly accountingDate: string; readonly state: string }[]>
  /** Takes the lease of a batch; undefined: somebody has it. One that was broken off is gone on with. */
  begin(day: BalancedDay, owner: string, workDate: string, lease: Lease): Promise<Batch | undefined>
  /** Writes off what `judge` lets pass of the next bookings behind `after`, with its fees, in one transaction. */
  writeOff(batch: Batch, after: number, limit: number, judge: Judge, lease: Lease): Promise<Part>
  /** Ends a batch; false: it is not ours any more. */
  finish(batch: Batch, heldBack: number, now: Date): Promise<boolean>
  /** Batches of a day of work, the latest first; their tickets and sums of these offices only, where they are given. */
  batches(workDate: string, offices?: readonly string[]): Promise<BatchView[]>
}

const balanced = `reconciliation r WHERE r.kind = 'day-end' AND r.state = 'balanced' AND r.session = (SELECT MAX(l.session) FROM reconciliation l
  WHERE l.bank_code = r.bank_code AND l.accounting_date = r.accounting_date AND l.kind = 'day-end' AND l.state <> 'withdrawn')`

type Row = Found & { readonly batch: Batch; readonly at: Date; readonly net: number }
const insertWriteOff = inserter<Row>('write_off', {
  ticket_no: r => r.ticket.ticketNo,
  bank_code: r => r.batch.bankCode,
  accounting_date: r => r.batch.accountingDate,
  batch: r => r.batch.batch,
  office_code: r => r.officeCode,
  treasury_code: r => r.treasuryCode,
  channel: r => r.channel,
  amount: r => r.net,
  paid_at: r => sqlTime(r.paidAt),
  work_date: r => r.batch.workDate,
  at: r => sqlTime(r.at),
})
const insertFee = inserter<{
  readonly ticketNo: string
  readonly bankCode: string
  readonly month: string
  readonly fee: number
  readonly at: Date
}>('fee', { ticket_no: f => f.ticketNo, bank_code: f => f.bankCode, month: f => f.month, amount: f => f.fee, at: f => sqlTime(f.at) })

const keyOf = ({ bankCode, accountingDate, batch }: Batch): Scalar[] => [bankCode, accountingDate, batch]
/** Whether a batch is still ours; it is for a while longer. */
export const holdBatch = async (tx: Tx, batch: Batch, { leaseUntil }: Lease): Promise<boolean> => {
  const { affectedRows } = await tx.execute(
    `UPDATE write_off_batch SET lease_until = ? WHERE bank_code = ? AND accounting_date = ? AND batch = ? AND attempt_no = ? AND lease_owner = ?
       AND done_at IS NULL`,
    [sqlTime(leaseUntil), ...keyOf(batch), batch.attemptNo, batch.owner],
  )
  return affectedRows === 1
}

/** Opens the write-offs over `db`; the fee of a ticket belongs to the month that `monthOf` names. */
export const openWriteOffs = (db: Database, monthOf: (now: Date) => string): WriteOffs => ({
  dueDays: (today, now) =>
    db.query<BalancedDay>(
      `SELECT d.bankCode, d.accountingDate, d.session FROM (
         SELECT r.bank_code AS bankCode, r.accounting_date AS accountingDate, r.session FROM ${balanced} AND r.reason <> ?) d
       LEFT JOIN write_off_batch w ON w.bank_code = d.bankCode AND w.accounting_date = d.accountingDate
         AND w.batch = (SELECT MAX(x.batch) FROM write_off_batch x WHERE x.bank_code = d.bankCode AND x.accounting_date = d.accountingDate)
       WHERE w.batch IS NULL OR (w.done_at IS NULL AND w.lease_until <= ?)
         OR (w.done_at IS NOT NULL AND (w.session < d.session OR (w.held_back > 0 AND w.work_date < ?)))
       ORDER BY d.accountingDate, d.bankCode`,
      [beforeRemittance, sqlTime(now), today],
    ),
  waitingDays: (from, before) =>
    db.query(
      `SELECT d.bankCode, d.accountingDate, COALESCE((SELECT r.state FROM reconciliation r WHERE r.bank_code = d.bankCode AND r.accounting_date = d.accountingDate
           AND r.kind = 'day-end' AND r.state <> 'withdrawn' ORDER BY r.session DESC LIMIT 1), 'no session') AS state
       FROM (SELECT DISTINCT bank_code AS bankCode, accounting_date AS accountingDate FROM booking_total
         WHERE accounting_date >= ? AND accounting_date < ? AND entries > 0) d
       WHERE NOT EXISTS (SELECT 1 FROM write_off_batch b WHERE b.bank_code = d.bankCode AND b.accounting_date = d.accountingDate AND b.done_at IS NOT NULL)
       ORDER BY d.accountingDate, d.bankCode`,
      [from, before],
    ),
  begin: (day, owner, workDate, lease) => carefully(() => db.transaction(tx => begin(tx, day, owner, workDate, lease))),
  writeOff: (batch, after, limit, judge, lease) =>
    carefully(() => db.transaction(tx => writeOff(tx, batch, after, limit, judge, lease, monthOf(lease.now)))),
  finish: async (batch, heldBack, now) =>
    (
      await db.execute(
        `UPDATE write_off_batch SET done_at = ?, held_back = ? WHERE bank_code = ? AND accounting_date = ? AND batch = ? AND attempt_no = ?
           AND lease_owner = ? AND done_at IS NULL`,
        [sqlTime(now), heldBack, ...keyOf(batch), batch.attemptNo, batch.owner],
      )
    ).affectedRows === 1,
  batches: async (workDate, offices) =>
    (
      await db.query<Omit<BatchView, 'amount' | 'doneAt' | 'heldBack'> & { amount: string; doneAt: Date | null; heldBack: number | null }>(
        `SELECT b.bank_code AS bankCode, b.accounting_date AS accountingDate, b.batch, b.session, b.work_date AS workDate, b.begun_at AS begunAt,
           b.done_at AS doneAt, b.held_back AS heldBack, COALESCE(w.tickets, 0) AS tickets, COALESCE(w.amount, 0) AS amount
         FROM write_off_batch b LEFT JOIN (
           SELECT bank_code, accounting_date, batch, COUNT(*) AS tickets, SUM(amount) AS amount FROM write_off
           WHERE ${['work_date = ?', ...within('office_code', offices)].join(' AND ')} GROUP BY bank_code, accounting_date, batch) w
         ON w.bank_code = b.bank_code AND w.accounting_date = b.accounting_date AND w.batch = b.batch
         WHERE b.work_date = ? ORDER BY b.begun_at DESC, b.bank_code`,
        [workDate, ...(offices ?? []), workDate],
      )
    ).map(row => ({ ...row, amount: BigInt(row.amount), doneAt: row.doneAt ?? undefined, heldBack: row.heldBack ?? undefined })),
})

type LastBatch = { batch: number; attemptNo: number; doneAt: Date | null; leaseUntil: Date }
const begin = async (tx: Tx, day: BalancedDay, owner: string, workDate: string, { now, leaseUntil }: Lease): Promise<Batch | undefined> => {
  const [last] = await tx.query<LastBatch>(
    `SELECT batch, attempt_no AS attemptNo, done_at AS doneAt, lease_until AS leaseUntil FROM write_off_batch
     WHERE bank_code = ? AND accounting_date = ? ORDER BY batch DESC LIMIT 1 FOR UPDATE`,
    [day.bankCode, day.accountingDate],
  )
  const times = [sqlTime(now), owner, sqlTime(leaseUntil)]
  if (!last || last.doneAt) {
    const batch = (last?.batch ?? 0) + 1
    await tx.execute(
      `INSERT INTO write_off_batch (bank_code, accounting_date, batch, session, work_date, begun_at, lease_owner, lease_until)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
      [day.bankCode, day.accountingDate, batch, day.session, workDate, ...times],
    )
    return { ...day, batch, attemptNo: 1, owner, workDate }
  }
  if (last.leaseUntil > now) return undefined
  // Broken off: whoever had it is stale from here on, and what it wrote stays. The session may have become another.
  await tx.execute(
    `UPDATE write_off_batch SET attempt_no = attempt_no + 1, session = ?, work_date = ?, lease_owner = ?, lease_until = ?
     WHERE bank_code = ? AND accounting_date = ? AND batch = ?`,
    [day.session, workDate, owner, sqlTime(leaseUntil), day.bankCode, day.accountingDate, last.batch],
  )
  return { ...day, batch: last.batch, attemptNo: last.attemptNo + 1, owner, workDate }
}

const writeOff = async (tx: Tx, batch: Batch, after: number, limit: number, judge: Judge, lease: Lease, month: string): Promise<Part> => {
  if (!(await holdBatch(tx, batch, lease))) return { kind: 'lost' }
  // What was written off before is not looked at again, however often a batch is begun anew.
  const rows = await tx.query<{ seq: number; ticketNo: string }>(
    `SELECT b.seq, b.ticket_no AS ticketNo FROM booking b WHERE b.bank_code = ? AND b.accounting_date = ? AND b.seq > ?
       AND NOT EXISTS (SELECT 1 FROM write_off w WHERE w.ticket_no = b.ticket_no) ORDER BY b.seq LIMIT ?`,
    [batch.bankCode, batch.accountingDate, after, limit],
  )
  const found = await readCandidates(tx, [...new Set(rows.map(row => row.ticketNo))].toSorted())
  const judged = found.map(each => ({ each, ...judge(each) }))
  const passed = judged.filter(({ objection }) => objection === undefined)
  const at = lease.now
  await insertWriteOff(
    tx,
    passed.map(({ each }) => ({ ...each, batch, at, net: Number(each.bank) })),
  )
  await insertFee(
    tx,
    passed.flatMap(({ each, fee }) => (fee > 0 ? [{ ticketNo: each.ticket.ticketNo, bankCode: batch.bankCode, month, fee, at }] : [])),
  )
  const heldBack = judged.filter(({ objection }) => objection !== undefined && waits.has(objection.rule)).length
  return { kind: 'done', last: rows.length < limit ? undefined : rows.at(-1)!.seq, written: passed.length, heldBack }
}
/** What may yet be otherwise on another day. */
const waits: ReadonlySet<string> = new Set(['not-settled', 'break-open', 'not-matched', 'day-not-balanced', 'not-as-due'])
