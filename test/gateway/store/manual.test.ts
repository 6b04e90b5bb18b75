import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { summaryNoOf } from '../../../gateway/domain/voucher.ts'
import { openDatabase, type Tx } from '../../../gateway/store/database.ts'
import { migrate } from '../../../gateway/store/migrate.ts'
import { loadReference } from '../../../gateway/store/reference.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { emptyDatabase, type FreshDatabase, freshDatabase } from '../../database.ts'
import { page, section } from '../../docs/page.ts'
import { now, settledDebit } from './kit.ts'

// The SQL of docs/operating.md and docs/deploy.md, on a real record.

let fresh: FreshDatabase
beforeAll(async () => {
  fresh = await freshDatabase(4)
  await loadReference(fresh.db, readFileSync('gateway/data/reference.json', 'utf8'), now)
})
afterAll(() => fresh.drop())

// Past midnight in the province, and not yet in UTC.
const at = '2026-11-10 17:00:00'
const day = '2026-11-11'
const [busy, idle] = ['14301020000', '14307020000'] as const
const statements = (/```sql\n(.*?)```/s.exec(section(page('docs/operating.md'), '备份与恢复'))?.[1] ?? '')
  .split(';')
  .map(text => text.trim())
  .filter(text => text !== '')
type Row = { readonly name: string; readonly next: number }
const counters = (db: Pick<Tx, 'query'>) => db.query<Row>('SELECT name, next FROM counter')

const settled = async (store: Store) => settledDebit(store, {}, { entrustDate: day, serialNo: await store.takeSerial('14302020000', day) })

/** Numbers of every kind, as a process that has just started takes them. */
const numbers = async () => {
  const store = openStore(fresh.db)
  const { instructionId } = await settled(store)
  const summary = async (office: string) => {
    const { affectedRows, insertId } = await fresh.db.execute(
      'INSERT INTO counter (name, next) VALUES (?, 2) ON DUPLICATE KEY UPDATE next = LAST_INSERT_ID(next) + 1',
      [`summary/${office}/${day}`],
    )
    return Number(summaryNoOf(office, day, affectedRows === 1 ? 1 : insertId).slice(-3))
  }
  const counted = new Map((await counters(fresh.db)).map(({ name, next }) => [name, next]))
  return {
    instruction: instructionId,
    result: counted.get('result')! - 1,
    journal: counted.get('agreement-journal')!,
    agreement: await store.agreements.takeAgreementIds(1),
    serial: Number(await store.takeSerial(busy, day)),
    'serial of an office that had none': Number(await store.takeSerial(idle, day)),
    summary: await summary(busy),
    'summary of an office that had none': await summary(idle),
  }
}

test('after a restore no number of the lost tail is given again', async () => {
  const store = openStore(fresh.db)
  await settled(store)
  await store.agreements.takeAgreementIds(1)
  await store.takeSerial(busy, day)
  await fresh.db.execute('INSERT INTO counter (name, next) VALUES (?, 2)', [`summary/${busy}/${day}`])
  const saved = await counters(fresh.db)
  const lost = await numbers()
  await fresh.db.transaction(async tx => {
    await tx.execute('DELETE FROM counter')
    for (const { name, next } of saved) await tx.execute('INSERT INTO counter (name, next) VALUES (?, ?)', [name, next])
    await tx.execute(`SET timestamp = UNIX_TIMESTAMP(CONVERT_TZ('${at}', '+00:00', @@session.time_zone))`)
    for (const statement of statements) await tx.execute(statement)
    await tx.execute('SET timestamp = DEFAULT')
  })
  const given = await numbers()
  const again = Object.keys(lost).filter(name => given[name as keyof typeof lost] <= lost[name as keyof typeof lost])
  expect(again).toEqual([])
  // And whoever is given them has some left: a day has 999 summary numbers, and 99,999,999 serial numbers.
  expect(given.summary).toBeLessThan(500)
  expect(given.serial).toBeLessThan(50_000_000)
})

test('the account that migrates can, and the one that runs reads and writes rows and changes no table', async () => {
  const own = await emptyDatabase(2)
  onTestFinished(() => own.drop())
  const schema = new URL(own.url).pathname.slice(1)
  const named = (account: string) => `${account}_${schema.slice(-6)}`
  const grants = [...page('docs/deploy.md').matchAll(/^GRANT .* TO '(\w+)'@'10\.%' IDENTIFIED BY '…';$/gm)].map(([line, account]) => ({
    account: named(account!),
    sql: line
      .replace('taxlink.*', `${schema}.*`)
      .replace(/'\w+'@'10\.%'/, `'${named(account!)}'@'%'`)
      .replace('…', 'open'),
  }))
  const opened = await Promise.all(
    grants.map(async ({ account, sql }) => {
      await own.db.pool.query(sql)
      // Another suite makes this server read-only for a moment.
      await own.db.pool.query(`GRANT READ_ONLY ADMIN ON *.* TO '${account}'@'%'`)
      onTestFinished(async () => {
        await fresh.db.pool.query(`DROP USER '${account}'@'%'`)
      })
      const url = new URL(own.url)
      url.username = account
      url.password = 'open'
      return url.href
    }),
  )
  const [migrating = '', running = ''] = opened
  await expect(migrate(running, 'migrations', () => {})).rejects.toThrow(/denied/)
  await migrate(migrating, 'migrations', () => {})
  const db = openDatabase(running, { connections: 2 })
  onTestFinished(() => db.close())
  await settled(openStore(db))
  await expect(db.execute('DROP TABLE counter')).rejects.toThrow(/denied/)
  await expect(db.execute('DROP TRIGGER summary_voucher_sum')).rejects.toThrow(/denied/)
})
