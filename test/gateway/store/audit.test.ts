import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Head } from '../../../gateway/domain/audit.ts'
import { type Audit, appendAudit, openAudit } from '../../../gateway/store/audit.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'

// The audit journal in a real database: written by many at once, and tampered with by somebody who may do everything.

let fresh: FreshDatabase
let audit: Audit
beforeAll(async () => {
  fresh = await freshDatabase(8)
  audit = openAudit(fresh.db)
})
afterAll(() => fresh.drop())

const run = (sql: string) => fresh.db.execute(sql)
const entry = (n: number) => ({
  at: new Date(Date.UTC(2026, 10, 10, 2, 0, 0, n)),
  actor: `urn:taxlink:operator:${n % 2 ? 'zhang' : 'li'}`,
  action: 'approve',
  subject: `note/${n}`,
  officeCode: n % 3 ? '14301020000' : undefined,
  detail: JSON.stringify({ reason: `已核对 ${n} “”\\'` }),
})
const rows = 40

test('written by many at once it has no gap, and what was rolled back is not in it', async () => {
  await Promise.all(
    Array.from({ length: rows + 10 }, (_, n) =>
      fresh.db
        .transaction(async tx => {
          await appendAudit(tx, entry(n))
          if (n >= rows) throw new Error('undone')
        })
        .catch((error: Error) => expect(error.message).toBe('undone')),
    ),
  )
  const found = await audit.list({}, 0, 100)
  expect(found.map(({ seq }) => seq)).toEqual(Array.from({ length: rows }, (_, i) => i + 1))
  expect(new Set(found.map(({ subject }) => subject)).size).toBe(rows)
  expect(await audit.verify([])).toEqual({ head: await audit.head(), broken: undefined })
})

test('it is read by who, what, about what, and by office', async () => {
  expect(await audit.list({ actor: 'urn:taxlink:operator:li' }, 0, 100)).toHaveLength(rows / 2)
  expect((await audit.list({ subject: 'note/7' }, 0, 100)).map(({ detail }) => detail)).toEqual([entry(7).detail])
  expect(await audit.list({ action: 'reject' }, 0, 100)).toEqual([])
  expect((await audit.list({ offices: ['14301020000'] }, 0, 100)).every(({ officeCode }) => officeCode === '14301020000')).toBe(true)
  expect(await audit.list({ offices: [] }, 0, 100)).toEqual([])
})

describe('whoever may only read and write rows', () => {
  test.each([
    [`UPDATE audit SET detail = '{}' WHERE seq = 3`, 'only ever added to'],
    ['DELETE FROM audit WHERE seq = 40', 'only ever added to'],
    ['UPDATE audit_head SET seq = 39', 'moves with its entries'],
    ['UPDATE audit_head SET hash = REPEAT(0x00, 32)', 'moves with its entries'],
    ['UPDATE audit_head SET seq = 41', 'moves with its entries'],
    ['DELETE FROM audit_head', 'stays'],
    [
      `INSERT INTO audit SELECT seq + 100, at, actor, action, subject, office_code, detail, prev_hash, hash FROM audit WHERE seq = 1`,
      'follows the one before',
    ],
    [
      `INSERT INTO audit SELECT 41, at, actor, action, subject, office_code, detail, prev_hash, hash FROM audit WHERE seq = 1`,
      'follows the one before',
    ],
    [`INSERT INTO audit_head VALUES (2, 0, REPEAT(0x00, 32))`, 'audit_head_one'],
  ])('cannot %s', async (sql, why) => {
    await expect(run(sql)).rejects.toThrow(why)
  })
})

describe('whoever may do everything is found out', () => {
  let kept: Head
  beforeAll(async () => {
    kept = await audit.head()
    for (const trigger of ['follows', 'moves', 'no_update', 'no_delete', 'head_moves', 'head_no_delete'])
      await run(`DROP TRIGGER audit_${trigger}`)
    await run('CREATE TABLE true_audit AS SELECT * FROM audit')
    await run('CREATE TABLE true_head AS SELECT * FROM audit_head')
  })
  const restore = async () => {
    await run('DELETE FROM audit')
    await run('INSERT INTO audit SELECT * FROM true_audit')
    await run('DELETE FROM audit_head')
    await run('INSERT INTO audit_head SELECT * FROM true_head')
  }
  test.each<[string, readonly string[], { what: string; from: number; to: number }]>([
    ['an edit', [`UPDATE audit SET actor = 'urn:taxlink:operator:wang' WHERE seq = 17`], { what: 'edited', from: 17, to: 17 }],
    ['a millisecond', ['UPDATE audit SET at = at + INTERVAL 1000 MICROSECOND WHERE seq = 9'], { what: 'edited', from: 9, to: 9 }],
    [
      'an office taken away',
      [
        'UPDATE audit SET office_code = NULL WHERE office_code IS NOT NULL AND seq = 20',
        `UPDATE audit SET office_code = '1' WHERE seq = 20`,
      ],
      { what: 'edited', from: 20, to: 20 },
    ],
    ['a deletion', ['DELETE FROM audit WHERE seq BETWEEN 5 AND 8'], { what: 'missing', from: 5, to: 8 }],
    [
      'a deletion, closed up',
      ['DELETE FROM audit WHERE seq = 5', 'UPDATE audit SET seq = seq - 1 WHERE seq > 5 ORDER BY seq'],
      { what: 'edited', from: 5, to: 5 },
    ],
    [
      'a swap',
      ['UPDATE audit SET seq = 99 WHERE seq = 11', 'UPDATE audit SET seq = 11 WHERE seq = 30', 'UPDATE audit SET seq = 30 WHERE seq = 99'],
      { what: 'edited', from: 11, to: 11 },
    ],
    ['a cut', ['DELETE FROM audit WHERE seq > 33'], { what: 'cut-off', from: 34, to: rows }],
    [
      'a cut, the counter set back',
      ['DELETE FROM audit WHERE seq > 33', 'UPDATE audit_head h JOIN audit a ON a.seq = 33 SET h.seq = a.seq, h.hash = a.hash'],
      { what: 'cut-off', from: 34, to: rows },
    ],
    ['everything gone', ['DELETE FROM audit', 'DELETE FROM audit_head'], { what: 'cut-off', from: 1, to: rows }],
    [
      'an addition',
      [`INSERT INTO audit SELECT 41, at, actor, action, subject, office_code, detail, hash, hash FROM audit WHERE seq = 40`],
      { what: 'beyond', from: 41, to: 41 },
    ],
    [
      'one before the first',
      [`INSERT INTO audit SELECT -1, at, actor, action, subject, office_code, detail, hash, hash FROM audit WHERE seq = 40`],
      { what: 'beyond', from: -1, to: -1 },
    ],
  ])('by %s', async (_what, sqls, found) => {
    for (const sql of sqls) await run(sql)
    expect((await audit.verify([kept])).broken).toMatchObject(found)
    await restore()
    expect((await audit.verify([kept])).broken).toBeUndefined()
  })

  test('by a number that stands twice, wherever in the reading it comes', async () => {
    await run('ALTER TABLE audit DROP PRIMARY KEY')
    // Somebody who knows how many rows are read at a time.
    await run(`INSERT INTO audit SELECT * FROM audit WHERE seq = ${rows}`)
    for (const chunk of [7, rows, 1_000])
      expect((await openAudit(fresh.db, chunk).verify([kept])).broken, String(chunk)).toMatchObject({
        what: 'beyond',
        from: rows,
        to: rows,
      })
    await restore()
    await run('ALTER TABLE audit ADD PRIMARY KEY (seq)')
  })

  test('the program exports a head, verifies against it, and says where the chain is broken', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'audit-'))
    const taxlink = (...args: string[]) => {
      const { PATH, HOME } = process.env
      const env = { PATH, HOME, DATABASE_URL: fresh.url, REDIS_URL: 'redis://127.0.0.1:1' }
      const ended = spawnSync(process.execPath, ['gateway/main.ts', 'audit', ...args], { env, encoding: 'utf8' })
      return { code: ended.status, out: ended.stdout, err: ended.stderr }
    }
    const file = join(dir, 'heads')
    const head = taxlink('head')
    expect([head.code, JSON.parse(head.out)]).toEqual([0, { ...kept, at: expect.stringMatching(/\+08:00$/) }])
    writeFileSync(file, head.out)
    expect(taxlink('verify', '--head', file)).toMatchObject({ code: 0, out: expect.stringContaining(`seq 40  ${kept.hash}`) })
    await run('DELETE FROM audit WHERE seq > 33')
    await run('UPDATE audit_head h JOIN audit a ON a.seq = 33 SET h.seq = a.seq, h.hash = a.hash')
    expect(taxlink('verify', '--head', file)).toMatchObject({ code: 1, out: expect.stringMatching(/seq 34–40 尾部被截去/) })
    // What the exported head is for.
    expect(taxlink('verify').code).toBe(0)
    writeFileSync(file, 'not a head\n')
    expect(taxlink('verify', '--head', file)).toMatchObject({ code: 2, err: expect.stringContaining('T1012') })
    rmSync(dir, { recursive: true })
    await restore()
  })
})
