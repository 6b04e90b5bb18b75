import type { Halt } from '../domain/bank.ts'
import { feeMonth } from '../domain/fee.ts'
import type { Reference } from '../domain/reference.ts'
import { shanghaiDate } from '../domain/time.ts'
import { type AgreementCalls, openAgreementCalls } from './agreement-calls.ts'
import { type AgreementGate, openAgreementGate } from './agreement-gate.ts'
import { type AgreementImports, openAgreementImports } from './agreement-imports.ts'
import { type AgreementReads, openAgreementReads } from './agreement-reads.ts'
import { type AgreementSyncs, openAgreementSyncs } from './agreement-syncs.ts'
import { type AgreementWrites, openAgreementWrites } from './agreement-writes.ts'
import { type Audit, openAudit } from './audit.ts'
import { type BankCalls, type Follows, openBankCalls } from './bank-calls.ts'
import { type Bookings, openBookings } from './bookings.ts'
import { type BreakBalance, openBreakBalance } from './break-balance.ts'
import { type BreakLife, openBreakLife } from './break-life.ts'
import { type Breaks, openBreaks } from './breaks.ts'
import { openCounters, takeRun, takeSerial } from './counters.ts'
import type { Database } from './database.ts'
import { type BankDays, openBankDays } from './days.ts'
import { type DebitWrites, openDebitWrites } from './debits.ts'
import { type Deliveries, openDeliveries } from './deliveries.ts'
import { type DifferenceReads, openDifferenceReads } from './difference-reads.ts'
import { type Differences, openDifferences } from './differences.ts'
import { type DoubtReads, openDoubtReads } from './doubts.ts'
import { type Fees, openFees } from './fees.ts'
import { type FileRequests, openFileRequests } from './file-requests.ts'
import { type Files, openFiles } from './files.ts'
import { readHalts } from './halts.ts'
import { type Inbox, openInbox } from './inbox.ts'
import { type LateAnswers, openLateAnswers } from './late.ts'
import { type Ledger, openLedger } from './ledger.ts'
import { openLinked } from './linked.ts'
import { type Notices, noticeTold, openNotices } from './notices.ts'
import { type Operators, openOperators } from './operators.ts'
import { type OrderReads, openOrderReads } from './order-reads.ts'
import { type Orders, openOrders } from './orders.ts'
import { openPaymentVouchers, type PaymentVouchers } from './payment-vouchers.ts'
import { openProposals, type Proposals } from './proposals.ts'
import { type DebitReads, openDebitReads } from './reads.ts'
import { openReconciliations, type Reconciliations } from './reconciliations.ts'
import { readReference } from './reference.ts'
import { openRegistry, type RegistryStore } from './registry.ts'
import { openSessions, type Sessions } from './sessions.ts'
import { openSettling, type SettlingReads } from './settle-break.ts'
import { openStatistics, type Statistics } from './statistics.ts'
import { openTellAgain, type TellAgain } from './tell-again.ts'
import { openTicketLives, type TicketLives } from './ticket-life.ts'
import { openTreasuries, type Treasuries, voucherTold } from './treasury.ts'
import { openVouchers, type Vouchers } from './vouchers.ts'
import { openWakes, type Wakes } from './wakes.ts'
import { openWriteOffs, type WriteOffs } from './write-offs.ts'

/** The agreements of the record, and what banks are to be told of them. */
export type Agreements = AgreementWrites &
  AgreementReads &
  AgreementCalls &
  AgreementImports &
  AgreementSyncs & { takeAgreementIds(count: number): Promise<number> }

/** All that the flows need of the record. They know this type only: a simulated record takes its place where they are proved. */
export type Store = DebitWrites &
  DebitReads &
  Orders &
  OrderReads &
  Breaks &
  LateAnswers &
  BankDays &
  DoubtReads &
  Wakes &
  AgreementGate & {
    readonly agreements: Agreements
    readonly bookings: Bookings
    readonly ledger: Ledger
    readonly reconciliations: Reconciliations
    readonly differences: Differences
    readonly deliveries: Deliveries
    readonly inbox: Inbox
    readonly proposals: Proposals
    readonly operators: Operators
    readonly registry: RegistryStore
    readonly audit: Audit
    readonly bankCalls: BankCalls
    readonly files: Files
    readonly fileRequests: FileRequests
    readonly breakLife: BreakLife & BreakBalance & DifferenceReads & SettlingReads
    readonly notices: Notices
    readonly tellAgain: TellAgain
    readonly sessions: Sessions
    readonly writeOffs: WriteOffs
    readonly vouchers: Vouchers
    readonly treasuries: Treasuries
    readonly paymentVouchers: PaymentVouchers
    readonly ticketLives: TicketLives
    readonly fees: Fees
    readonly statistics: Statistics
    takeInstructionId(): number | Promise<number>
    takeSerial(officeCode: string, entrustDate: string): Promise<string>
    /** The reference data, without what the registry adds. */
    reference(): Promise<Reference | undefined>
    /** The banks that are halted at present, by code. */
    halts(): Promise<ReadonlyMap<string, Halt>>
  }

/** What follows from the answers of banks that were told something, by verb. */
const follows: Follows = { adjustmentNotice: noticeTold, summaryVoucher: voucherTold }

/** The record in MySQL or MariaDB: `db` for the writes of the hot path, `lists` for what a tax system lists of it, `reads` for everything else. */
export const openStore = (db: Database, reads: Database = db, lists: Database = reads): Store => {
  const counters = openCounters(db, name => (name === 'instruction' ? 1_000 : 100))
  return {
    ...openDebitWrites(db, openLinked(reads)),
    ...openDebitReads(reads, lists),
    ...openOrders(reads),
    ...openOrderReads(reads),
    ...openBreaks(reads),
    ...openLateAnswers(reads),
    ...openBankDays(reads),
    ...openDoubtReads(reads),
    ...openWakes(reads),
    ...openAgreementGate(reads),
    agreements: {
      ...openAgreementWrites(reads),
      ...openAgreementReads(reads),
      ...openAgreementCalls(reads),
      ...openAgreementImports(reads),
      ...openAgreementSyncs(reads),
      takeAgreementIds: count => takeRun(reads, 'agreement', count),
    },
    bookings: openBookings(reads),
    ledger: openLedger(reads),
    reconciliations: openReconciliations(reads),
    differences: openDifferences(reads),
    deliveries: openDeliveries(reads),
    inbox: openInbox(reads),
    proposals: openProposals(reads),
    operators: openOperators(reads),
    registry: openRegistry(reads),
    audit: openAudit(reads),
    bankCalls: openBankCalls(reads, follows),
    files: openFiles(reads),
    fileRequests: openFileRequests(reads),
    breakLife: { ...openBreakLife(reads), ...openBreakBalance(reads), ...openDifferenceReads(reads), ...openSettling(reads) },
    notices: openNotices(reads),
    tellAgain: openTellAgain(reads),
    sessions: openSessions(reads),
    writeOffs: openWriteOffs(reads, now => feeMonth(shanghaiDate(now))),
    vouchers: openVouchers(reads),
    treasuries: openTreasuries(reads),
    paymentVouchers: openPaymentVouchers(reads),
    ticketLives: openTicketLives(reads),
    fees: openFees(reads),
    statistics: openStatistics(reads),
    takeInstructionId: () => counters.take('instruction'),
    takeSerial: (officeCode, entrustDate) => takeSerial(counters, officeCode, entrustDate),
    reference: () => readReference(reads),
    halts: () => readHalts(reads),
  }
}
