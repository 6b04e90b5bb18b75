import type { Outcome, UnifiedCode } from '@taxlink/bank-sdk'
import { operatorName } from '../domain/operator.ts'
import type { Objection } from '../domain/proposal.ts'
import { shanghaiDate } from '../domain/time.ts'
import type { DailyReport, Entered } from '../domain/treasury.ts'
import { differenceOf, type Held, objectionToEntry } from '../domain/voucher.ts'
import { appendAudit } from './audit.ts'
import type { BankCall } from './bank-calls.ts'
import { carefully } from './beside.ts'
import type { Database, Tx } from './database.ts'
import { answerOf, keepAnswer } from './inbox.ts'
import { sqlTime, within } from './rows.ts'
import { lockBooks, readBookedThrough } from './ticket-life.ts'
import { lockVoucher } from './vouchers.ts'

/** What is said of a voucher: the lead branch has remitted it, or the treasury has entered it. */
export type VoucherWord = {
  readonly event: 'remitted' | 'received'
  readonly summaryNo: string
  readonly amount: number
  readonly on: string
  /** It named no day: `on` is that of its telling, and says nothing against what was said before. */
  readonly isUndated?: boolean
  readonly treasuryCode?: string
  /** The bank that says so: of another bank's voucher it learns nothing. */
  readonly bankCode?: string
  readonly bankSerial?: string
  readonly actor: string
}
/** What became of it: taken, taken before, of no voucher, or recorded as differing. */
export type WordTaken = { readonly kind: 'taken' | 'repeated' | 'absent' } | { readonly kind: 'differs'; readonly objection: Objection }
/** The receipt for a bank's word that is kept with the deed. */
export type Receipt = { readonly messageId: number; readonly codeOf: (taken: WordTaken) => UnifiedCode }
/** A version of a treasury's daily report. */
export type ReportView = DailyReport & { readonly version: number; readonly enteredBy: string; readonly at: Date }

/** What treasuries and lead branches say (art. 37–39). */
export type Treasuries = {
  /** Takes a word about a voucher, of a day no later than `latest`; with `receipt` the code of its receipt is kept in the same transaction, and of a repetition that one is returned. */
  hear(
    word: VoucherWord,
    latest: string,
    now: Date,
    receipt?: Receipt,
  ): Promise<WordTaken | { readonly kind: 'answered'; readonly code: UnifiedCode }>
  /** The vouchers that were entered by a treasury on a day; of these offices only, where they are given. */
  entered(treasuryCode: string, day: string, offices?: readonly string[]): Promise<Entered[]>
  /** Writes a report; false: the last one says the same. */
  report(treasuryCode: string, day: string, report: DailyReport, by: string, now: Date): Promise<boolean>
  findReport(treasuryCode: string, day: string): Promise<ReportView | undefined>
}

const saidOtherwise: Objection = { rule: 'said-otherwise', zh: '与先前所说不同', en: 'it was said otherwise before' }

/** Opens what treasuries say over `db`. */
export const openTreasuries = (db: Database): Treasuries => ({
  hear: (word, latest, now, receipt) =>
    carefully(() =>
      db.transaction(async tx => {
        const known = receipt && (await answerOf(tx, receipt.messageId, 'FOR UPDATE'))
        if (known !== undefined) return { kind: 'answered', code: known } as const
        const taken = await take(tx, word, latest, now)
        if (receipt) await keepAnswer(tx, receipt.messageId, receipt.codeOf(taken), now)
        return taken
      }),
    ),
  entered: (treasuryCode, day, offices) =>
    db.query<Entered>(
      `SELECT v.summary_no AS summaryNo, v.amount FROM voucher_event e JOIN summary_voucher v ON v.summary_no = e.summary_no
       WHERE ${['e.event = ?', 'e.on_date = ?', 'v.treasury_code = ?', ...within('v.office_code', offices)].join(' AND ')} ORDER BY v.summary_no`,
      ['received', day, treasuryCode, ...(offices ?? [])],
    ),
  report: (treasuryCode, day, report, by, now) =>
    carefully(() =>
      db.transaction(async tx => {
        const last = await lastReport(tx, treasuryCode, day, 'FOR UPDATE')
        if (last && contentOf(last) === contentOf(report)) return false
        const { count, amount, lines } = report
        await tx.execute(
          `INSERT INTO treasury_report (treasury_code, report_date, version, vouchers, amount, content, entered_by, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
          [treasuryCode, day, (last?.version ?? 0) + 1, count, amount, lines ? JSON.stringify(lines) : null, by, sqlTime(now)],
        )
        const subject = `treasury-report/${treasuryCode}/${day}`
        const detail = JSON.stringify({ count, amount, version: (last?.version ?? 0) + 1 })
        await appendAudit(tx, { at: now, actor: by, action: 'treasury-report', subject, officeCode: undefined, detail })
        return true
      }),
    ),
  findReport: (treasuryCode, day) => lastReport(db, treasuryCode, day, ''),
})

const contentOf = ({ amount, count, lines }: DailyReport): string =>
  JSON.stringify([amount, count, lines?.map(line => [line.summaryNo, line.amount]) ?? null])
type ReportRow = { version: number; count: number; amount: number; content: string | null; enteredBy: string; at: Date }
const lastReport = async (
  tx: Pick<Tx, 'query'>,
  treasuryCode: string,
  day: string,
  lock: '' | 'FOR UPDATE',
): Promise<ReportView | undefined> => {
  const [row] = await tx.query<ReportRow>(
    `SELECT version, vouchers AS count, amount, content, entered_by AS enteredBy, at FROM treasury_report
     WHERE treasury_code = ? AND report_date = ? ORDER BY version DESC LIMIT 1 ${lock}`,
    [treasuryCode, day],
  )
  if (!row) return undefined
  const { content, ...rest } = row
  return { ...rest, lines: content === null ? undefined : (JSON.parse(content) as Entered[]) }
}

const take = async (tx: Tx, word: VoucherWord, latest: string, now: Date): Promise<WordTaken> => {
  const { event, summaryNo, amount, on, treasuryCode, bankCode } = word
  // Whoever closes the books meanwhile waits, or has closed them.
  if (event === 'received') await lockBooks(tx, 'LOCK IN SHARE MODE')
  const voucher = await lockVoucher(tx, summaryNo)
  if (!voucher || (bankCode !== undefined && bankCode !== voucher.bankCode)) return { kind: 'absent' }
  const before = await happened(tx, summaryNo, event)
  const held: Held = { ...voucher, madeOn: shanghaiDate(voucher.madeAt), ticketSum: await ticketSum(tx, summaryNo) }
  const said = { amount, on, ...(treasuryCode === undefined ? {} : { treasuryCode }) }
  const isSame = before?.amount === amount && (before.onDate === on || word.isUndated === true)
  const closed = event === 'received' && !before ? objectionToEntry(on, await readBookedThrough(tx)) : undefined
  const objection = differenceOf(held, said, latest) ?? (before && !isSame ? saidOtherwise : undefined) ?? closed
  if (objection) {
    await insertEvent(tx, { ...word, event: 'differs', rule: objection.rule }, now)
    return { kind: 'differs', objection }
  }
  if (before) return { kind: 'repeated' }
  await insertEvent(tx, word, now)
  // What a bank says stands in its message; what a person enters stands in the audit journal.
  if (operatorName(word.actor) !== undefined) {
    const detail = JSON.stringify({ amount, on, treasuryCode })
    await appendAudit(tx, {
      at: now,
      actor: word.actor,
      action: event,
      subject: `voucher/${summaryNo}`,
      officeCode: voucher.officeCode,
      detail,
    })
  }
  return { kind: 'taken' }
}

const happened = async (tx: Tx, summaryNo: string, event: string): Promise<{ amount: number; onDate: string } | undefined> =>
  (
    await tx.query<{ amount: number; onDate: string }>(
      'SELECT amount, on_date AS onDate FROM voucher_event WHERE summary_no = ? AND once = ?',
      [summaryNo, event],
    )
  )[0]
const ticketSum = async (tx: Tx, summaryNo: string): Promise<bigint> => {
  const [row] = await tx.query<{ sum: string }>('SELECT COALESCE(SUM(amount), 0) AS sum FROM summary_voucher_line WHERE summary_no = ?', [
    summaryNo,
  ])
  return BigInt(row?.sum ?? 0)
}

type Happening = Omit<VoucherWord, 'event' | 'treasuryCode' | 'bankCode' | 'isUndated'> & { readonly event: string; readonly rule?: string }
const insertEvent = async (tx: Tx, { summaryNo, event, amount, on, actor, bankSerial, rule }: Happening, now: Date): Promise<void> => {
  await tx.execute(
    'INSERT INTO voucher_event (summary_no, event, amount, on_date, actor, bank_serial, rule, at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    [summaryNo, event, amount, on, actor, bankSerial ?? null, rule ?? null, sqlTime(now)],
  )
}

/** What follows from a bank's answer to a voucher: it was told, or it refuses it, and a person has to see to it. */
export const voucherTold = async (tx: Tx, { subject, bankCode }: BankCall, outcome: Outcome | undefined, now: Date): Promise<void> => {
  const isTaken = outcome?.class === 'succeeded'
  await tx.execute('INSERT IGNORE INTO voucher_event (summary_no, event, actor, rule, at) VALUES (?, ?, ?, ?, ?)', [
    subject,
    isTaken ? 'told' : 'refused',
    `bank ${bankCode}`,
    isTaken ? null : (outcome?.code ?? 'unsendable'),
    sqlTime(now),
  ])
}
