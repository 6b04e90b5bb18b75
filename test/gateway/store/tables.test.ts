import { getTableConfig, type MySqlTable } from 'drizzle-orm/mysql-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { debitMachine } from '../../../gateway/domain/debit.ts'
import { proposalMachine } from '../../../gateway/domain/proposal.ts'
import { sessionMachine } from '../../../gateway/domain/session.ts'
import * as tables from '../../../gateway/store/tables.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'

// The tables as drizzle reads them, held against those that the migrations make.

/** Written and read by plain statements; drizzle never sees them. */
const plain = [
  'adjustment_notice',
  'adoption',
  'agreement',
  'agreement_call',
  'agreement_held',
  'agreement_import',
  'agreement_journal',
  'agreement_order',
  'agreement_sync',
  'audit',
  'audit_head',
  'bank',
  'bank_call',
  'bank_day',
  'bank_halt',
  'bank_message',
  'booking',
  'booking_cursor',
  'booking_sum',
  'booking_total',
  'break',
  'break_step',
  'calendar_announced',
  'calendar_year',
  'certificate',
  'counter',
  'delivery',
  'difference',
  'enrolment',
  'fee',
  'fee_statement',
  'journal',
  'late_answer',
  'migration',
  'office',
  'operator',
  'operator_session',
  'payment_voucher',
  'payment_voucher_event',
  'proposal',
  'province_booking',
  'reconciliation',
  'recon_file',
  'recon_request',
  'recon_version',
  'reference_version',
  'registry_line',
  'summary_voucher',
  'summary_voucher_line',
  'ticket_reissue',
  'treasury',
  'treasury_report',
  'voucher_event',
  'write_off',
  'write_off_batch',
  'write_off_undo',
]
/** Columns that only the server uses. */
const serverOnly = new Map([['instruction', ['live', 'room']]])

type Column = { readonly type: string; readonly nullable: boolean; readonly key: boolean }
type Table = { readonly [column: string]: Column }

/** MariaDB shows a display width with integers, MySQL 8 does not; a boolean is a tinyint in both. */
const typeOf = (type: string): string => type.replace(/^(bigint|int|tinyint|smallint)\(\d+\)/, '$1').replace(/^boolean$/, 'tinyint')

const declared = (table: MySqlTable): Table =>
  Object.fromEntries(
    getTableConfig(table).columns.map(column => [
      column.name,
      { type: typeOf(column.getSQLType()), nullable: !column.notNull, key: column.primary },
    ]),
  )

let fresh: FreshDatabase
const actual = new Map<string, Table>()

beforeAll(async () => {
  fresh = await freshDatabase(2)
  const rows = await fresh.db.query<{ at: string; name: string; type: string; nullable: string; columnKey: string }>(
    `SELECT table_name AS \`at\`, column_name AS name, column_type AS type, is_nullable AS nullable, column_key AS columnKey
     FROM information_schema.columns WHERE table_schema = DATABASE()`,
  )
  for (const { at, name, type, nullable, columnKey } of rows) {
    if (serverOnly.get(at)?.includes(name)) continue
    // Only a key of one column is a column's own.
    const alone = rows.filter(row => row.at === at && row.columnKey === 'PRI').length === 1
    const column = { type: typeOf(type), nullable: nullable === 'YES', key: alone && columnKey === 'PRI' }
    actual.set(at, { ...actual.get(at), [name]: column })
  }
})
afterAll(() => fresh.drop())

describe('drizzle knows the tables as the migrations make them', () => {
  test.each(Object.entries(tables))('%s', (exported, table) => {
    const { name } = getTableConfig(table)
    expect(name).toBe(exported)
    expect(declared(table)).toEqual(actual.get(name))
  })

  test('every table is declared, or used by plain statements', () => {
    expect([...Object.keys(tables), ...plain].sort()).toEqual([...actual.keys()].sort())
  })
})

describe('the server guards what the machine allows', () => {
  const states = Object.keys(debitMachine.table)
  const constraint = async (name: string): Promise<string[]> => {
    const [row] = await fresh.db.query<{ clause: string }>(
      'SELECT check_clause AS clause FROM information_schema.check_constraints WHERE constraint_schema = DATABASE() AND constraint_name = ?',
      [name],
    )
    return [...(row?.clause ?? '').matchAll(/'([a-z]+)'/g)].map(([, word]) => word!).sort()
  }

  test('the states of an instruction are those of the machine', async () => {
    expect(await constraint('instruction_state')).toEqual([...states].sort())
    expect([...(tables.instruction.state.enumValues ?? [])].sort()).toEqual([...states].sort())
  })

  test('the states of a proposal are those of its machine', async () => {
    expect(await constraint('proposal_state')).toEqual(Object.keys(proposalMachine.table).sort())
  })

  test('the states of a session are those of its machine', async () => {
    expect(await constraint('reconciliation_state')).toEqual(Object.keys(sessionMachine.table).sort())
  })

  test('only what is final is published', async () => {
    const final = states.filter(state => debitMachine.isFinal(state as keyof typeof debitMachine.table))
    expect(await constraint('result_state')).toEqual(final.sort())
  })
})
