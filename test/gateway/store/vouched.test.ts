import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { auditVerified } from '../../../gateway/audited.ts'
import { seedBanks } from '../../../gateway/day/banks.ts'
import { seedOperators } from '../../../gateway/day/operators.ts'
import { appendAudit, openAudit } from '../../../gateway/store/audit.ts'
import { loadReference } from '../../../gateway/store/reference.ts'
import { openVouching } from '../../../gateway/store/vouched.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'

// A chain that is whole vouches for what it tells of: whoever may change the tables changes no proposal, line or account without a trace.

let fresh: FreshDatabase
const now = new Date('2026-11-10T02:00:00.000Z')
const tables = ['proposal', 'registry_line', 'operator'] as const
const run = (sql: string) => fresh.db.execute(sql)
const verified = () => auditVerified(fresh.url, [])
beforeAll(async () => {
  fresh = await freshDatabase(4)
  await loadReference(fresh.db, readFileSync('gateway/data/reference.json', 'utf8'), now)
  await seedOperators(fresh.db, now)
  await seedBanks(fresh.db, () => new Date(now.getTime() + 60_000))
  // Of this schema alone: the tables of information_schema open those of other suites, too, and stand in the way of their changes.
  const triggers = await fresh.db.query<{ Trigger: string }>("SHOW TRIGGERS WHERE `Table` IN ('proposal', 'registry_line', 'operator')")
  for (const { Trigger: name } of triggers) await run(`DROP TRIGGER ${name}`)
  for (const table of tables) await run(`CREATE TABLE true_${table} AS SELECT * FROM ${table}`)
})
afterAll(() => fresh.drop())

test('a record that nobody touched is as the journal tells', async () => {
  expect(await verified()).toMatchObject({ whole: true })
  expect((await fresh.db.query('SELECT 1 FROM proposal')).length).toBeGreaterThan(10)
})

test('what is done while the journal is read is the business of the next time, and no alarm', async () => {
  const vouching = openVouching(fresh.db)
  await openAudit(fresh.db).verify([], row => vouching.hear(row))
  const [like] = await fresh.db.query<{ kind: string; content: string; evidence: string }>(
    'SELECT kind, content, evidence FROM proposal WHERE id = 1',
  )
  const { kind, content, evidence } = like!
  const own = hash('sha256', JSON.stringify([kind, Object.entries(JSON.parse(content) as object), evidence]), 'hex')
  const { insertId } = await fresh.db.execute(
    `INSERT INTO proposal (kind, subject, order_no, content, evidence, content_hash, proposed_by, proposed_at, expires_at)
     VALUES (?, 'later', 'later', ?, ?, UNHEX(?), 'urn:taxlink:operator:zhang', '2026-11-10 03:00:00', '2026-11-11 03:00:00')`,
    [kind, content, evidence, own],
  )
  expect(await vouching.mismatch()).toEqual({ subject: `proposal/${insertId}`, what: 'unknown' })
  await fresh.db.transaction(tx =>
    appendAudit(tx, {
      at: new Date('2026-11-10T03:00:00.000Z'),
      actor: 'urn:taxlink:operator:zhang',
      action: 'propose',
      subject: `proposal/${insertId}`,
      officeCode: undefined,
      detail: JSON.stringify({ kind, hash: own }),
    }),
  )
  expect(await vouching.mismatch()).toBeUndefined()
  expect(await verified()).toMatchObject({ whole: true })
  await run("INSERT INTO true_proposal SELECT * FROM proposal WHERE subject = 'later'")
})

describe('whoever may do everything is found out', () => {
  test.each([
    ['what was approved is another', `UPDATE proposal SET content = REPLACE(content, 'qualify', 'revoke') WHERE id = 1`, 'proposal/1'],
    ['the evidence is', `UPDATE proposal SET evidence = 'x' WHERE id = 2`, 'proposal/2'],
    ['another has approved', `UPDATE proposal SET decided_by = 'urn:taxlink:operator:wang' WHERE id = 2`, 'proposal/2'],
    [
      'nobody has',
      `UPDATE proposal SET state = 'proposed', decided_by = NULL, decided_at = NULL, seen_hash = NULL WHERE id = 3`,
      'proposal/3',
    ],
    [
      'a proposal is put in',
      `INSERT INTO proposal (kind, subject, order_no, content, evidence, content_hash, proposed_by, proposed_at, expires_at)
       SELECT kind, 'x', 'x', content, evidence, content_hash, proposed_by, proposed_at, expires_at FROM proposal WHERE id = 1`,
      'proposal/',
    ],
    [
      'an account for taxes is another',
      `UPDATE registry_line SET content = REPLACE(content, '"account":"4', '"account":"9') WHERE event = 'account' LIMIT 1`,
      'registry-line/',
    ],
    [
      'a paper is',
      `UPDATE registry_line SET content = REPLACE(content, '2028-12-31', '2099-12-31') WHERE event = 'certify' LIMIT 1`,
      'registry-line/',
    ],
    [
      'somebody else has entered it',
      `UPDATE registry_line SET actor = 'urn:taxlink:operator:wang' WHERE event = 'certify' LIMIT 1`,
      'registry-line/',
    ],
    ['a line is gone', `DELETE FROM registry_line WHERE event = 'decline' OR event = 'inspect' LIMIT 1`, 'registry-line/'],
    [
      'a line is put in',
      `INSERT INTO registry_line (bank_code, city_code, seq, event, from_state, to_state, content, actor, at, order_no)
       SELECT bank_code, city_code, seq + 100, event, from_state, to_state, content, actor, at, 'forged' FROM registry_line WHERE event = 'certify' LIMIT 1`,
      'registry-line/',
    ],
  ])('where %s', async (_what, sql, subject) => {
    expect((await run(sql)).affectedRows).toBe(1)
    const { whole, text } = await verified()
    expect([whole, text]).toEqual([false, expect.stringContaining(subject)])
    await run('SET FOREIGN_KEY_CHECKS = 0').catch(() => undefined)
    for (const table of ['registry_line', 'proposal']) await restored(table)
    expect(await verified()).toMatchObject({ whole: true })
  })
  const restored = async (table: string) => {
    const columns = (
      await fresh.db.query<{ name: string }>(
        `SELECT column_name AS name FROM information_schema.columns WHERE table_schema = DATABASE() AND table_name = '${table}' AND is_generated = 'NEVER'`,
      )
    ).map(({ name }) => name)
    // By UPDATE and by what is missing or too much, since other tables point here.
    const same = columns.filter(name => name !== 'id').map(name => `t.${name} = s.${name}`)
    await run(`DELETE t FROM ${table} t LEFT JOIN true_${table} s ON s.id = t.id WHERE s.id IS NULL`)
    await run(`UPDATE ${table} t JOIN true_${table} s ON s.id = t.id SET ${same.join(', ')}`)
    await run(
      `INSERT INTO ${table} (${columns.join(', ')}) SELECT ${columns.map(name => `s.${name}`).join(', ')} FROM true_${table} s LEFT JOIN ${table} t ON t.id = s.id WHERE t.id IS NULL`,
    )
  }

  test('who has duties that nobody approved', async () => {
    await run(`UPDATE operator SET duties = 'administrator', proposal_id = 1 WHERE name = 'wu'`)
    expect((await verified()).text).toContain('operator/wu')
    await run(`UPDATE operator o JOIN true_operator t ON t.name = o.name SET o.duties = t.duties, o.proposal_id = t.proposal_id`)
  })

  test('where accounts came by the command line, one that did not; or one that has become another', async () => {
    const made = async (name: string, office: string, duties: readonly string[]) =>
      fresh.db.transaction(tx =>
        appendAudit(tx, {
          at: now,
          actor: 'urn:taxlink:command-line',
          action: 'add-operator',
          subject: `operator/${name}`,
          officeCode: office,
          detail: JSON.stringify({ duties }),
        }),
      )
    for (const { name, office, duties } of await fresh.db.query<{ name: string; office: string; duties: string }>(
      `SELECT name, office_code AS office, duties FROM operator WHERE name <> 'wu'`,
    ))
      await made(name, office, duties.split(','))
    expect((await verified()).text).toMatch(/operator\/wu .*not in it/)
    await made('wu', '14301020000', ['binding-review', 'accounts'])
    expect(await verified()).toMatchObject({ whole: true })
    await run(`UPDATE operator SET office_code = '14300000000' WHERE name = 'wu'`)
    expect((await verified()).text).toMatch(/operator\/wu .*changed/)
    await run(`UPDATE operator SET office_code = '14301020000' WHERE name = 'wu'`)
    await made('ghost', '14301020000', ['accounts'])
    expect((await verified()).text).toMatch(/operator\/ghost .*gone/)
  })
})
