import { releaseAt } from '../domain/exchange.ts'
import {
  type Alarm,
  type Destination,
  type Draft,
  summaryNoOf,
  type VoucherEvent,
  type VoucherState,
  voucherState,
  type WrittenOff,
} from '../domain/voucher.ts'
import { insertBankCalls } from './bank-calls.ts'
import { carefully } from './beside.ts'
import type { Database, Scalar, Tx } from './database.ts'
import { inserter, overKeys, sqlTime, within } from './rows.ts'
import { type Batch, holdBatch } from './write-offs.ts'

/** What was written off of one bank day for one office and treasury, and stands in no voucher yet. */
export type Group = { readonly officeCode: string; readonly treasuryCode: string }
/** How a bank day stands before its vouchers: its last session, and breaks that its sessions found and no other has confirmed. */
export type DayStanding = { readonly isBalanced: boolean; readonly unconfirmed: number }
/** A voucher as it is to be made: where it goes, on which day it is numbered, and until when. */
export type NewVoucher = {
  readonly draft: Draft
  readonly destination: Destination
  readonly numberedOn: string
  readonly workDate: string
  readonly deadline: Date
}
/** A summary voucher as it stands. */
export type VoucherView = Omit<Draft, 'ticketNos'> & {
  readonly id: number
  readonly summaryNo: string
  readonly clearingNo: string
  readonly leadBranch: string
  readonly account: string
  readonly workDate: string
  readonly tickets: number
  readonly deadline: Date
  readonly madeAt: Date
  readonly state: VoucherState
  readonly remittedOn: string | undefined
  readonly enteredOn: string | undefined
  /** How many times something was said of it that differs. */
  readonly differences: number
}
/** Something that happened to a voucher. */
export type VoucherHappening = {
  readonly event: string
  readonly amount: number | undefined
  readonly onDate: string | undefined
  readonly actor: string
  readonly bankSerial: string | undefined
  readonly rule: string | undefined
  /** Why somebody had it told again. */
  readonly reason: string | undefined
  readonly at: Date
}
/** A ticket in its voucher. */
export type VoucherTicket = { readonly ticketNo: string; readonly amount: number; readonly isUndone: boolean }
/** What a list of vouchers may be narrowed by. */
export type VoucherFilter = {
  readonly workDate?: string | undefined
  readonly bankCode?: string | undefined
  readonly treasuryCode?: string | undefined
  /** Only those of these offices. */
  readonly offices?: readonly string[] | undefined
  readonly isOpen?: boolean | undefined
  readonly isRemitted?: boolean | undefined
}

/** 汇总凭证 (art. 37). */
export type Vouchers = {
  dayStanding(bankCode: string, accountingDate: string): Promise<DayStanding>
  /** What a batch has to sum up, in the order of offices and treasuries. */
  groups(batch: Batch): Promise<Group[]>
  groupRows(batch: Batch, group: Group): Promise<WrittenOff[]>
  /**
   * Makes a voucher with all that follows from it, in one transaction in which its day and its tickets are looked at once more; undefined: they do not
   * stand so any more, or the batch is not ours.
   */
  make(
    batch: Batch,
    voucher: NewVoucher,
    mayBe: (standing: DayStanding) => boolean,
    lease: { readonly now: Date; readonly leaseUntil: Date },
  ): Promise<string | undefined>
  /** How many tickets that were written off of a bank day stand in no voucher. */
  notSummed(bankCode: string, accountingDate: string): Promise<number>
  find(summaryNo: string): Promise<VoucherView | undefined>
  list(filter: VoucherFilter, afterId: number, limit: number): Promise<VoucherView[]>
  happenings(summaryNo: string): Promise<VoucherHappening[]>
  ticketsOf(summaryNo: string, skip: number, limit: number): Promise<VoucherTicket[]>
  /** Vouchers whose money is not known to be on its way, with a deadline in the thirty days before `until`. */
  notRemitted(until: Date): Promise<{ readonly summaryNo: string; readonly bankCode: string; readonly deadline: Date }[]>
  /** Writes down that a voucher came so near its deadline; false: that was written before. */
  raise(summaryNo: string, alarm: Exclude<Alarm, 'none'>, by: string, now: Date): Promise<boolean>
}

const unsummed = `FROM write_off w LEFT JOIN summary_voucher_line l ON l.ticket_no = w.ticket_no
  WHERE w.bank_code = ? AND w.accounting_date = ? AND l.ticket_no IS NULL`
const withoutBreak = `NOT EXISTS (SELECT 1 FROM break x WHERE x.ticket_no = w.ticket_no
  AND IF(x.source = 'file', x.state NOT IN ('confirmed', 'superseded'), x.closed_at IS NULL))`
const notSummed = `${unsummed} AND ${withoutBreak}`

type Line = { readonly ticketNo: string; readonly summaryNo: string; readonly amount: number }
const insertLine = inserter<Line>('summary_voucher_line', {
  ticket_no: l => l.ticketNo,
  summary_no: l => l.summaryNo,
  amount: l => l.amount,
})
type Payable = Omit<VoucherTicket, 'isUndone'> & { readonly ticketAmount: number; readonly channel: string; readonly paidAt: Date }
const payable = overKeys(
  `SELECT w.ticket_no AS ticketNo, w.amount, t.amount AS ticketAmount, w.channel, w.paid_at AS paidAt FROM write_off w JOIN ticket t ON t.ticket_no = w.ticket_no
   WHERE ${withoutBreak} AND w.ticket_no IN (?)`,
)
const insertPayment = inserter<Payable & { readonly summaryNo: string; readonly bankCode: string }>('payment_voucher', {
  ticket_no: p => p.ticketNo,
  summary_no: p => p.summaryNo,
  bank_code: p => p.bankCode,
  paid_at: p => sqlTime(p.paidAt),
  due_at: p => sqlTime(releaseAt(p.paidAt)),
})

type Row = Omit<VoucherView, 'state' | 'remittedOn' | 'enteredOn'> & {
  events: string | null
  remittedOn: string | null
  enteredOn: string | null
}
const select = `SELECT v.id, v.summary_no AS summaryNo, v.office_code AS officeCode, v.treasury_code AS treasuryCode, v.clearing_no AS clearingNo,
    v.bank_code AS bankCode, v.lead_branch AS leadBranch, v.account, v.accounting_date AS accountingDate, v.work_date AS workDate, v.tickets, v.amount,
    v.deadline, v.made_at AS madeAt,
    (SELECT GROUP_CONCAT(e.once) FROM voucher_event e WHERE e.summary_no = v.summary_no AND e.once IN ('told', 'remitted', 'received')) AS events,
    (SELECT e.on_date FROM voucher_event e WHERE e.summary_no = v.summary_no AND e.once = 'remitted') AS remittedOn,
    (SELECT e.on_date FROM voucher_event e WHERE e.summary_no = v.summary_no AND e.once = 'received') AS enteredOn,
    (SELECT COUNT(*) FROM voucher_event e WHERE e.summary_no = v.summary_no AND e.event = 'differs') AS differences
  FROM summary_voucher v`
const viewOf = ({ events, remittedOn, enteredOn, ...row }: Row): VoucherView => ({
  ...row,
  state: voucherState((events?.split(',') ?? []) as VoucherEvent[]),
  remittedOn: remittedOn ?? undefined,
  enteredOn: enteredOn ?? undefined,
})

/** A voucher within a transaction, locked. */
export const lockVoucher = async (tx: Tx, summaryNo: string): Promise<VoucherView | undefined> => {
  await tx.query('SELECT id FROM summary_voucher WHERE summary_no = ? FOR UPDATE', [summaryNo])
  const [row] = await tx.query<Row>(`${select} WHERE v.summary_no = ?`, [summaryNo])
  return row && viewOf(row)
}

const readStanding = async (
  tx: Pick<Tx, 'query'>,
  bankCode: string,
  accountingDate: string,
  lock: '' | 'LOCK IN SHARE MODE',
): Promise<DayStanding> => {
  const [last] = await tx.query<{ state: string }>(
    `SELECT state FROM reconciliation WHERE bank_code = ? AND accounting_date = ? AND kind = 'day-end' AND state <> 'withdrawn'
     ORDER BY session DESC LIMIT 1 ${lock}`,
    [bankCode, accountingDate],
  )
  const [breaks] = await tx.query<{ n: number }>(
    `SELECT COUNT(*) AS n FROM break WHERE bank_code = ? AND accounting_date = ? AND source = 'file' AND state <> 'superseded'
       AND (state <> 'confirmed' OR confirmed_by = CONCAT(accounting_date, '/', session))`,
    [bankCode, accountingDate],
  )
  return { isBalanced: last?.state === 'balanced', unconfirmed: breaks?.n ?? 0 }
}

/** Opens the vouchers over `db`. */
export const openVouchers = (db: Database): Vouchers => ({
  dayStanding: (bankCode, accountingDate) => readStanding(db, bankCode, accountingDate, ''),
  groups: ({ bankCode, accountingDate }) =>
    db.query<Group>(
      `SELECT DISTINCT w.office_code AS officeCode, w.treasury_code AS treasuryCode ${notSummed} ORDER BY w.office_code, w.treasury_code`,
      [bankCode, accountingDate],
    ),
  groupRows: async ({ bankCode, accountingDate }, { officeCode, treasuryCode }) =>
    (
      await db.query<{ ticketNo: string; amount: number }>(
        `SELECT w.ticket_no AS ticketNo, w.amount ${notSummed} AND w.office_code = ? AND w.treasury_code = ? ORDER BY w.ticket_no`,
        [bankCode, accountingDate, officeCode, treasuryCode],
      )
    ).map(row => ({ ...row, officeCode, treasuryCode, bankCode, accountingDate })),
  make: (batch, voucher, mayBe, lease) =>
    carefully(() =>
      db.transaction(async tx => {
        if (!(await holdBatch(tx, batch, lease))) return undefined
        // Whoever opens another session of the day locks the last first, and waits for this voucher.
        if (!mayBe(await readStanding(tx, batch.bankCode, batch.accountingDate, 'LOCK IN SHARE MODE'))) return undefined
        const held = await payable.query<Payable>(tx, voucher.draft.ticketNos)
        return held.length === voucher.draft.ticketNos.length ? await write(tx, voucher, held, lease.now) : undefined
      }),
    ),
  notSummed: async (bankCode, accountingDate) =>
    (await db.query<{ n: number }>(`SELECT COUNT(*) AS n ${unsummed}`, [bankCode, accountingDate]))[0]?.n ?? 0,
  find: async summaryNo => {
    const [row] = await db.query<Row>(`${select} WHERE v.summary_no = ?`, [summaryNo])
    return row && viewOf(row)
  },
  list: async (filter, afterId, limit) => {
    const given: [string, Scalar][] = []
    if (filter.workDate !== undefined) given.push(['v.work_date = ?', filter.workDate])
    if (filter.bankCode !== undefined) given.push(['v.bank_code = ?', filter.bankCode])
    if (filter.treasuryCode !== undefined) given.push(['v.treasury_code = ?', filter.treasuryCode])
    const having = (is: boolean | undefined, ...once: string[]) =>
      is === undefined
        ? []
        : [
            `${is ? '' : 'NOT '}EXISTS (SELECT 1 FROM voucher_event e WHERE e.summary_no = v.summary_no AND e.once IN ('${once.join("', '")}'))`,
          ]
    const open = [
      ...having(filter.isOpen === undefined ? undefined : !filter.isOpen, 'received'),
      ...having(filter.isRemitted, 'remitted', 'received'),
    ]
    const where = ['v.id > ?', ...given.map(([condition]) => condition), ...open, ...within('v.office_code', filter.offices)]
    const params = [afterId, ...given.map(([, value]) => value), ...(filter.offices ?? []), limit]
    return (await db.query<Row>(`${select} WHERE ${where.join(' AND ')} ORDER BY v.id LIMIT ?`, params)).map(viewOf)
  },
  happenings: async summaryNo =>
    (
      await db.query<{ [K in keyof VoucherHappening]: Exclude<VoucherHappening[K], undefined> | null }>(
        `SELECT event, amount, on_date AS onDate, actor, bank_serial AS bankSerial, rule, NULL AS reason, at, id FROM voucher_event WHERE summary_no = ?
         UNION ALL
         SELECT 'ordered-again', NULL, NULL, ordered_by, NULL, NULL, order_reason, made_at, 0 FROM bank_call
         WHERE bank_code = (SELECT v.bank_code FROM summary_voucher v WHERE v.summary_no = ?) AND verb = 'summaryVoucher' AND subject = ? AND telling > 1
         ORDER BY at, id`,
        [summaryNo, summaryNo, summaryNo],
      )
    ).map(row => ({
      event: row.event!,
      actor: row.actor!,
      at: row.at!,
      amount: row.amount ?? undefined,
      onDate: row.onDate ?? undefined,
      bankSerial: row.bankSerial ?? undefined,
      rule: row.rule ?? undefined,
      reason: row.reason ?? undefined,
    })),
  ticketsOf: async (summaryNo, skip, limit) =>
    (
      await db.query<{ ticketNo: string; amount: number; isUndone: number }>(
        `SELECT l.ticket_no AS ticketNo, l.amount, EXISTS (SELECT 1 FROM write_off_undo u WHERE u.ticket_no = l.ticket_no) AS isUndone
         FROM summary_voucher_line l WHERE l.summary_no = ? ORDER BY l.ticket_no LIMIT ? OFFSET ?`,
        [summaryNo, limit, skip],
      )
    ).map(row => ({ ...row, isUndone: row.isUndone === 1 })),
  notRemitted: until =>
    db.query(
      `SELECT v.summary_no AS summaryNo, v.bank_code AS bankCode, v.deadline FROM summary_voucher v
       WHERE v.deadline <= ? AND v.deadline > ? - INTERVAL 30 DAY AND NOT EXISTS (SELECT 1 FROM voucher_event e WHERE e.summary_no = v.summary_no AND e.once IN ('remitted', 'received', 'overdue'))
       ORDER BY v.id`,
      [sqlTime(until), sqlTime(until)],
    ),
  raise: async (summaryNo, alarm, by, now) =>
    (
      await db.execute('INSERT IGNORE INTO voucher_event (summary_no, event, actor, at) VALUES (?, ?, ?, ?)', [
        summaryNo,
        alarm,
        by,
        sqlTime(now),
      ])
    ).affectedRows === 1,
})

/** The next number of an office and day: in the order of commits, without a gap. Of two banks that take one at once the second waits for the first. */
const nextNumber = async (tx: Tx, officeCode: string, day: string): Promise<number> => {
  const { affectedRows, insertId } = await tx.execute(
    'INSERT INTO counter (name, next) VALUES (?, 2) ON DUPLICATE KEY UPDATE next = LAST_INSERT_ID(next) + 1',
    [`summary/${officeCode}/${day}`],
  )
  return affectedRows === 1 ? 1 : insertId
}

const write = async (
  tx: Tx,
  { draft, destination, numberedOn, workDate, deadline }: NewVoucher,
  held: readonly Payable[],
  now: Date,
): Promise<string> => {
  const { officeCode, treasuryCode, bankCode, accountingDate, amount, ticketNos } = draft
  const { treasury, remittance } = destination
  const number = await nextNumber(tx, officeCode, numberedOn)
  const summaryNo = summaryNoOf(officeCode, numberedOn, number)
  await insertLine(
    tx,
    held.map(line => ({ ...line, summaryNo })),
  )
  await tx.execute(
    `INSERT INTO summary_voucher (summary_no, office_code, numbered_on, number, treasury_code, clearing_no, bank_code, lead_branch, account,
       accounting_date, work_date, tickets, amount, deadline, made_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    [
      ...[
        summaryNo,
        officeCode,
        numberedOn,
        number,
        treasuryCode,
        treasury.clearingNo,
        bankCode,
        remittance.leadBranch,
        remittance.account,
      ],
      ...[accountingDate, workDate, ticketNos.length, amount, sqlTime(deadline), sqlTime(now)],
    ],
  )
  // A phone filer gets the certificate at the hall (art. 33, annex 2 §10); so does who was given back a part, which the items of the ticket do not tell.
  await insertPayment(
    tx,
    held.filter(line => line.channel === 'computer' && line.amount === line.ticketAmount).map(line => ({ ...line, summaryNo, bankCode })),
  )
  const content = {
    ...{ summaryNo, workDate, accountingDate, treasuryCode, clearingNo: treasury.clearingNo, remittanceAccount: remittance.account },
    ...{ ticketCount: ticketNos.length, amount, deadline: '1600' },
  }
  await insertBankCalls(tx, [{ bankCode, officeCode, verb: 'summaryVoucher', subject: summaryNo, content, at: now }])
  return summaryNo
}
