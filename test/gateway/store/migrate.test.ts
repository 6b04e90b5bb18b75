import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { migrate, pending, statementsOf } from '../../../gateway/store/migrate.ts'
import { emptyDatabase, type FreshDatabase } from '../../database.ts'

const root = mkdtempSync(join(tmpdir(), 'taxlink-migrate-'))
const fresh = new Set<FreshDatabase>()
const schema = async (): Promise<FreshDatabase> => {
  const made = await emptyDatabase(4)
  fresh.add(made)
  return made
}
afterEach(async () => {
  for (const each of fresh) await each.drop()
  fresh.clear()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

let count = 0
const files = (content: Record<string, string>): string => {
  const dir = join(root, String(++count))
  mkdirSync(dir)
  for (const [name, sql] of Object.entries(content)) writeFileSync(join(dir, name), sql)
  return dir
}
const quiet = () => {}
const tables = async ({ db }: FreshDatabase): Promise<string[]> =>
  (await db.query<{ name: string }>('SELECT table_name AS name FROM information_schema.tables WHERE table_schema = DATABASE()')).map(
    row => row.name,
  )

const script = `import { migrate } from ${JSON.stringify(join(import.meta.dirname, '../../../gateway/store/migrate.ts'))}
  console.log(JSON.stringify(await migrate(process.argv[1], process.argv[2], () => {})))`
const child = (url: string, dir: string): ChildProcess =>
  spawn(process.execPath, ['--input-type=module', '-e', script, url, dir], { stdio: ['ignore', 'pipe', 'pipe'] })
const ended = (process: ChildProcess): Promise<{ code: number | null; out: string; err: string }> =>
  new Promise(done => {
    let [out, err] = ['', '']
    process.stdout?.on('data', (chunk: Buffer) => {
      out += chunk.toString()
    })
    process.stderr?.on('data', (chunk: Buffer) => {
      err += chunk.toString()
    })
    process.once('close', code => done({ code, out, err }))
  })

describe('statements', () => {
  test.each<[string, string, string[]]>([
    ['one after the other', 'A;\nB;\n', ['A', 'B']],
    ['the last without a mark', 'A;\nB', ['A', 'B']],
    [
      'comments stay with what they explain',
      '-- why; and how\nA;\n# x;\n/* y;\n; */ B;\n-- the end;\n',
      ['-- why; and how\nA', '# x;\n/* y;\n; */ B'],
    ],
    ['marks in quotes', `A ';' ";" \`;\`;B 'it''s;' "\\";";C`, [`A ';' ";" \`;\``, `B 'it''s;' "\\";"`, 'C']],
    ['two minus signs that begin no comment', 'SELECT 1--1;B', ['SELECT 1--1', 'B']],
    ['line ends of Windows', 'A\r\n;\r\nB;', ['A', 'B']],
    [
      'the body of a trigger',
      '-- why;\nCREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW BEGIN\n  IF x THEN y; END IF;\n  SET z = CASE 1 WHEN 2 THEN 3 END;\n  CASE q WHEN 1 THEN r; END CASE;\nEND;\nB;',
      [
        '-- why;\nCREATE TRIGGER a BEFORE UPDATE ON t FOR EACH ROW BEGIN\n  IF x THEN y; END IF;\n  SET z = CASE 1 WHEN 2 THEN 3 END;\n  CASE q WHEN 1 THEN r; END CASE;\nEND',
        'B',
      ],
    ],
    ['BEGIN and CASE elsewhere', 'BEGIN;SELECT CASE 1 WHEN 1 THEN 2 END;B', ['BEGIN', 'SELECT CASE 1 WHEN 1 THEN 2 END', 'B']],
    ['nothing at all', ';;\n-- only words\n;', []],
  ])('%s', (_, text, expected) => {
    expect(statementsOf(text)).toEqual(expected)
  })

  test('cut what was joined', () => {
    const quoted = fc.string().map(text => `'${text.replaceAll('\\', '').replaceAll("'", "''").replaceAll('\r', '')}'`)
    const comment = fc.string().map(text => `-- ${text.replaceAll(/[\r\n]/g, '')}\n`)
    const statement = fc
      .array(fc.oneof(quoted, comment, fc.constantFrom('a', '`b;`', '"c;"', '/* d; */')), { minLength: 1, maxLength: 5 })
      .map(parts => `x${parts.join(' ')}y`)
    fc.assert(
      fc.property(fc.array(statement), statements => {
        expect(statementsOf(statements.join(';\n'))).toEqual(statements)
      }),
    )
  })
})

test('applies in order, once, and tells what is pending', async () => {
  const at = await schema()
  const dir = files({
    '0002-fill.sql': 'INSERT INTO a VALUES (1);\nINSERT INTO a VALUES (2);\nUPDATE a SET n = n + 10 WHERE n = 2;\n',
    '0001-a.sql': '-- 甲表;\nCREATE TABLE a (n INT PRIMARY KEY);\n',
    'README.md': 'not SQL',
  })
  expect(await pending(at.url, dir)).toEqual(['0001-a.sql', '0002-fill.sql'])
  const said: string[] = []
  expect(await migrate(at.url, dir, line => said.push(line))).toEqual(['0001-a.sql', '0002-fill.sql'])
  expect(said).toEqual([expect.stringContaining('0001-a.sql'), expect.stringContaining('0002-fill.sql')])
  expect(await at.db.query('SELECT n FROM a ORDER BY n')).toEqual([{ n: 1 }, { n: 12 }])
  expect(await pending(at.url, dir)).toEqual([])
  expect(await migrate(at.url, dir, quiet)).toEqual([])
  writeFileSync(join(dir, '0003-b.sql'), 'CREATE TABLE b (n INT)')
  expect(await pending(at.url, dir)).toEqual(['0003-b.sql'])
  expect(await migrate(at.url, dir, quiet)).toEqual(['0003-b.sql'])
})

test('a changed file, a file in between, two with one number, a nameless one: refused before anything is done', async () => {
  const at = await schema()
  const dir = files({ '0001-a.sql': 'CREATE TABLE a (n INT);', '0003-c.sql': 'CREATE TABLE c (n INT);' })
  await migrate(at.url, dir, quiet)
  const refused = (more: Record<string, string>) =>
    migrate(at.url, files({ '0001-a.sql': 'CREATE TABLE a (n INT);\n', '0003-c.sql': 'CREATE TABLE c (n INT);\n', ...more }), quiet)
  await expect(refused({ '0001-a.sql': 'CREATE TABLE a (n BIGINT);' })).rejects.toThrow(/T4003.*0001-a\.sql was changed/)
  await expect(refused({ '0002-b.sql': 'CREATE TABLE b (n INT);' })).rejects.toThrow(/0002-b\.sql comes before 0003-c\.sql/)
  await expect(refused({ '0003-d.sql': 'CREATE TABLE d (n INT);' })).rejects.toThrow(/two files have the number 0003/)
  await expect(refused({ 'later.sql': 'CREATE TABLE d (n INT);' })).rejects.toThrow(/later\.sql is not named/)
  expect(await refused({ '0004-e.sql': 'CREATE TABLE e (n INT);' })).toEqual(['0004-e.sql'])
  expect((await tables(at)).sort((a, b) => a.localeCompare(b))).toEqual(['a', 'c', 'e', 'migration'])
})

test('a refused statement is named; mended, the file goes on after what is done; what is done may not change', async () => {
  const at = await schema()
  const good = 'CREATE TABLE a (n INT PRIMARY KEY);\nINSERT INTO a VALUES (1);\n'
  await expect(migrate(at.url, files({ '0001-a.sql': `${good}CREATE TABEL b (n INT);\n` }), quiet)).rejects.toThrow(
    /0001-a\.sql, statement 3: error 1064/,
  )
  await expect(migrate(at.url, files({ '0001-a.sql': `${good.replace('(1)', '(2)')}CREATE TABLE b (n INT);\n` }), quiet)).rejects.toThrow(
    /0001-a\.sql was changed/,
  )
  const mended = files({ '0001-a.sql': `${good}CREATE TABLE b (n INT);\n` })
  expect(await pending(at.url, mended)).toEqual(['0001-a.sql'])
  expect(await migrate(at.url, mended, quiet)).toEqual(['0001-a.sql'])
  expect(await at.db.query('SELECT n FROM a')).toEqual([{ n: 1 }])
  expect(await migrate(at.url, mended, quiet)).toEqual([])
})

test('a table that exists is an error, unless an interruption left open whether we made it', async () => {
  const at = await schema()
  const dir = files({ '0001-a.sql': 'CREATE TABLE a (n INT);\nCREATE TABLE b (n INT);\n' })
  await at.db.execute('CREATE TABLE b (n INT)')
  for (let i = 0; i < 2; i++) await expect(migrate(at.url, dir, quiet)).rejects.toThrow(/statement 2: error 1050/)
  // As a process leaves it that dies after the server made the table and before it could note so.
  await at.db.execute('UPDATE migration SET begun = 2')
  expect(await migrate(at.url, dir, quiet)).toEqual(['0001-a.sql'])
})

test('the entry of a duplicate key is not told', async () => {
  const at = await schema()
  const dir = files({
    '0001-a.sql': 'CREATE TABLE a (n INT PRIMARY KEY);\nINSERT INTO a VALUES (430112);\nINSERT INTO a VALUES (430112);\n',
  })
  await expect(migrate(at.url, dir, quiet)).rejects.toThrow(/statement 3: error 1062: duplicate entry$/)
})

const many = (n: number): string =>
  Array.from({ length: n }, (_, i) => `CREATE TABLE t${i} (n INT);\nINSERT INTO t${i} VALUES (${i});\n`).join('')

test('three processes at once: one works, none fails', async () => {
  const at = await schema()
  const dir = files({ '0001-many.sql': many(15), '0002-one.sql': 'CREATE TABLE one (n INT);' })
  const results = await Promise.all([1, 2, 3].map(() => ended(child(at.url, dir))))
  expect(results.map(each => each.err)).toEqual(['', '', ''])
  expect(results.flatMap(each => JSON.parse(each.out) as string[]).sort((a, b) => a.localeCompare(b))).toEqual([
    '0001-many.sql',
    '0002-one.sql',
  ])
})

test('killed again and again, it comes to the end with every statement done once', async () => {
  const at = await schema()
  const n = 60
  const dir = files({ '0001-many.sql': many(n) })
  let kills = 0
  for (;;) {
    const process = child(at.url, dir)
    const end = ended(process)
    // It is killed once it has done something more, at whatever point it then is.
    const before = (await tables(at)).length
    while (process.exitCode === null && (await tables(at)).length < before + 12) await pause(2)
    if (process.kill('SIGKILL')) kills++
    const { code, err } = await end
    expect(err).toBe('')
    if (code === 0) break
  }
  expect(kills).toBeGreaterThan(2)
  expect(await tables(at)).toHaveLength(n + 1)
  for (let i = 0; i < n; i++) expect(await at.db.query(`SELECT n FROM t${i}`)).toEqual([{ n: i }])
  expect(await pending(at.url, dir)).toEqual([])
})
