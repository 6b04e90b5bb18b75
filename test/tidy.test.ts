import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { exchanges } from '@taxlink/bank-sdk'
import { describe, expect, test } from 'vitest'
import { columnFindings, columnsOf } from './tidy/columns.ts'
import { cycleFindings, leftOf, roomFindings, roomOf } from './tidy/rooms.ts'
import { type Source, sourceOf } from './tidy/source.ts'
import {
  barrelFindings,
  docFindings,
  type Excuse,
  excused,
  looseFindings,
  privateFindings,
  sizeFindings,
  sqlFindings,
  textFindings,
} from './tidy/words.ts'

// The rules of the house. Each is seen to fail on a planted text below, then asked of every file of the project.

const root = join(import.meta.dirname, '..')
const ignored = new Set([
  '.git',
  ...readFileSync(join(root, '.gitignore'), 'utf8')
    .split('\n')
    .map(line => line.replace(/\/$/, '')),
])
/** Paths under a folder, `/` between their parts. What is ignored is not entered: others make and remove folders there meanwhile. */
const under = (folder: string): string[] =>
  readdirSync(join(root, folder), { withFileTypes: true })
    .filter(({ name }) => !ignored.has(name))
    .flatMap(entry => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`
      return entry.isDirectory() ? under(path) : entry.isFile() ? [path] : []
    })
const files = under('').filter(path => !/\.(?:tgz|log)$/.test(path))
const read = (path: string): string => readFileSync(join(root, path), 'utf8')
const sources = files.filter(path => path.endsWith('.ts')).map(path => sourceOf(path, read(path)))
const rooms = sources.filter(source => !['test', 'docs'].includes(roomOf(source.path) ?? ''))
const product = sources.filter(source => roomOf(source.path) !== 'test')
const migrations = files.filter(path => path.startsWith('migrations/'))

/** Fields that the catalogue masks: their values leave the process only towards the bank and into the record. */
const privateNames = [
  ...new Set(
    Object.values(exchanges).flatMap(({ request, reply }) =>
      [request, reply].flatMap(({ fields }) =>
        Object.entries(fields).flatMap(([name, kind]) => ('mask' in kind && kind.mask ? [name] : [])),
      ),
    ),
  ),
]

const excuses: readonly Excuse[] = [
  { path: 'gateway/servers.ts', rule: 'SQL', why: 'the first user of the private development server, before there is a record' },
]

/** A text of ours that breaks a rule or keeps it; «x» stands for the substitution of a template. */
const planted = (path: string, text: string): Source => sourceOf(path, text.replace(/«(.*?)»/g, '$${$1}'))

describe('sources are cut exactly', () => {
  test.each([
    ["a / b / c; const d = /[/'`]/.test(x)", 'a / b / c; const d =        .test(x)'],
    ['`a «f({ b: `c` })» d` + e', '`  «f({ b: ` ` })»  ` + e'],
    ["f('it\\'s', \"//\") // it's", 'f(       ,     )        '],
  ])('%j', (text, bare) => {
    expect(planted('x.ts', text).bare).toBe(bare.replace(/«(.*)»/g, '$${$1}'))
  })
  test('the brackets of every file balance, so no file was misread', () => {
    const pairs = new Map([
      [')', '('],
      [']', '['],
      ['}', '{'],
    ])
    const balanced = ({ bare }: Source): boolean => {
      const open: string[] = []
      for (const [bracket] of bare.matchAll(/[()[\]{}]/g)) {
        if (!pairs.has(bracket)) open.push(bracket)
        else if (open.pop() !== pairs.get(bracket)) return false
      }
      return open.length === 0
    }
    expect(balanced(planted('x.ts', 'f({ a: [1 }])'))).toBe(false)
    expect(sources.filter(source => !balanced(source)).map(source => source.path)).toEqual([])
  })
})

describe('the top level is fixed', () => {
  const rooms = ['gateway', 'sdk', 'adapters', 'conformance', 'migrations', 'test', 'docs']
  const papers = ['README.md', 'CHANGELOG.md', 'package.json', 'package-lock.json', 'tsconfig.json', 'biome.json', 'vitest.config.ts']
  test('nothing stands there that is not on the list', () => {
    const top = new Set(files.map(path => path.split('/')[0]!).filter(name => !name.startsWith('.')))
    expect([...top].filter(name => ![...rooms, ...papers].includes(name))).toEqual([])
  })
  test('everything on the list stands there', () => {
    const top = new Set(files.map(path => path.split('/')[0]!))
    expect([...rooms, ...papers].filter(name => !top.has(name))).toEqual([])
  })
})

describe('the import rule', () => {
  test('the lines close to a strict order', () => {
    for (const [room, left] of leftOf) expect([...left], `${room} stands to its own left`).not.toContain(room)
    expect([...leftOf.get('main')!].sort()).toEqual(['adapters', 'call', 'domain', 'flows', 'http', 'queue', 'sdk', 'store'])
  })
  test.each([
    ['sdk/cell.ts', "import { x } from '../gateway/main.ts'", 'sdk may not import main'],
    ['adapters/a/index.ts', "import { x } from '../../sdk/cell.ts'", 'entered by its door'],
    ['adapters/a/index.ts', "import mysql from 'mysql2'", 'only gateway/store/ imports mysql2'],
    ['adapters/a/index.ts', "import { readFileSync } from 'node:fs'", 'needs no node:fs'],
    ['adapters/a/index.ts', "import { z } from 'zod'", 'imports only the sdk'],
    ['conformance/x.ts', "import { banks } from '#adapters'", 'conformance may not import adapters'],
    ['conformance/x.ts', "import type { Flow } from '#gateway/flows/flow.ts'", 'conformance may not import flows'],
    ['gateway/domain/x.ts', "import { fail } from '@taxlink/bank-sdk'", 'only types from sdk'],
    ['gateway/domain/x.ts', "import { readFileSync } from 'node:fs'", 'domain/ is pure'],
    ['gateway/domain/x.ts', "import type { Tx } from '../store/database.ts'", 'domain may not import store'],
    ['gateway/store/x.ts', "import { sweep } from '../flows/wake.ts'", 'store may not import flows'],
    ['gateway/flows/x.ts', "import { openQueue } from '../queue.ts'", 'flows may not import queue'],
    ['gateway/flows/x.ts', "import { dial } from '@taxlink/bank-sdk'", 'only gateway/call.ts talks to banks'],
    ['gateway/http/x.ts', "import { Queue } from 'bullmq'", 'only gateway/queue.ts imports bullmq'],
    ['gateway/http/x.ts', "import {\n  type A,\n  b,\n} from '../../sdk/strict-json.ts'", 'gateway/http/x.ts:4'],
    ['gateway/http/x.ts', "const { start } = await import('../start.ts')", 'http may not import main'],
    ['gateway/utils.ts', '', 'belongs to no room'],
  ])('%s: %s', (path, text, finding) => {
    expect(roomFindings(planted(path, text)).join('\n')).toContain(finding)
  })
  test.each([
    ['gateway/domain/x.ts', "import type { Outcome } from '@taxlink/bank-sdk'"],
    ['gateway/domain/x.ts', "import { type Outcome, type Verb } from '@taxlink/bank-sdk'"],
    ['gateway/call.ts', "import { dial } from '@taxlink/bank-sdk'"],
    ['gateway/store/x.ts', "import { eq } from 'drizzle-orm'"],
    ['gateway/day/x.ts', "import { debitOrder } from '../flows/order.ts'"],
    ['gateway/http/x.ts', "// import { Queue } from 'bullmq'\nconst text = 'x'"],
  ])('%s may say %s', (path, text) => {
    expect(roomFindings(planted(path, text))).toEqual([])
  })
  test('every file keeps it', () => {
    expect(excused(sources.flatMap(roomFindings), [])).toEqual([])
  })
  test('a circle is found, by its way', () => {
    const circle = [
      planted('sdk/a.ts', "import { b } from './b.ts'"),
      planted('sdk/b.ts', "import type { c } from './c.ts'"),
      planted('sdk/c.ts', "export { a } from './a.ts'"),
    ]
    expect(cycleFindings(circle)).toEqual(['sdk/a.ts → sdk/b.ts → sdk/c.ts → sdk/a.ts'])
    expect(cycleFindings(sources)).toEqual([])
  })
})

describe('what a file may hold', () => {
  const rules: readonly (readonly [string, (source: Source) => string[], readonly string[], readonly string[], readonly Source[]])[] = [
    [
      'SQL only in gateway/store',
      sqlFindings,
      [
        "const a = 'SELECT id FROM ticket'",
        'const a = `UPDATE instruction t JOIN («x») v`',
        "f('DELETE FROM outbox WHERE 1')",
        "const a = 'INSERT IGNORE INTO delivery (name) VALUES (?)'",
      ],
      ['// SELECT id FROM ticket', "const a = 'Select a bank from the list'", "const a = 'UPDATE: the bank'"],
      product,
    ],
    [
      'no barrels',
      barrelFindings,
      ["export * from './a.ts'", "export { a } from './a.ts'\nexport type { B } from './b.ts'"],
      ["import { a } from './a.ts'\nexport { b } from './b.ts'\nexport const c = a", 'export {}'],
      rooms,
    ],
    [
      'the compiler is never switched off',
      looseFindings,
      ['const a: any = 1', 'f(x as any)', 'type A = Record<string, any>', '// @ts-' + 'ignore', '// biome-' + 'ignore lint: x'],
      ['expect.any(Number)', "const a = 'any'", '// any number', 'const b = anyOf(x)', '`«a» any`'],
      sources,
    ],
    [
      'everything exported has its docstring',
      docFindings,
      [
        'export const a = 1',
        'export async function a() {}',
        '// why\nexport type A = { x: 1 }',
        'import x\n\nexport default bank({',
        'export class A {}',
      ],
      [
        '/** A. */\nexport const a = 1',
        '/**\n * A.\n */\nexport type A = string',
        'export type A = keyof typeof b',
        'export type AOptions = {',
        '/** A. */\nexport function f(a: 1): 1\nexport function f(a: 2): 2',
        'const a = 1',
      ],
      product,
    ],
    ['no file is longer than a head holds', sizeFindings, ['\n'.repeat(500) + 'x'], ['\n'.repeat(499) + 'x'], sources],
    [
      'nothing private reaches a log or a fault',
      source => privateFindings(source, privateNames),
      [
        'flow.note({ event: order.account })',
        'fail("x", `no «order.taxpayerName»`)',
        'say(taxpayerId)',
        'throw new Error(\n  `«(a)» «request.account»`)',
      ],
      ["fail('too-long', 'x', { field: 'account' })", 'note({ ticketNo })', 'const a = order.account', 'fail("x", `remittance account`)'],
      product,
    ],
  ]
  describe.each(rules)('%s', (name, rule, bad, good, asked) => {
    test.each(bad)('refuses %j', text => {
      expect(rule(planted('gateway/flows/x.ts', text))).not.toEqual([])
    })
    test.each(good)('allows %j', text => {
      expect(rule(planted('gateway/flows/x.ts', text))).toEqual([])
    })
    test('every file keeps it', () => {
      expect(excused(asked.flatMap(rule), name.startsWith('SQL') ? excuses : [])).toEqual([])
    })
  })
  test('the private fields are those of the catalogue', () => {
    expect(privateNames.sort()).toEqual([
      'account',
      'agreementNo',
      'originalAgreementNo',
      'remittanceAccount',
      'taxpayerId',
      'taxpayerName',
    ])
  })
  test('an excuse that is not needed is told', () => {
    expect(excused([], excuses)).toHaveLength(excuses.length)
    expect(excused(['gateway/servers.ts:3: SQL is written', 'gateway/other.ts:3: SQL is written'], excuses)).toEqual([
      'gateway/other.ts:3: SQL is written',
    ])
  })
})

describe('what no text holds', () => {
  test.each(['// TO' + 'DO later', 'FIX' + 'ME', 'see /ho' + 'me/ann/notes', "cd '/wo" + "rk/main'", 'C:\\Us' + 'ers\\ann'])(
    'refuses %j',
    text => {
      expect(textFindings('docs/x.md', text)).toHaveLength(1)
    },
  )
  test.each(['/etc/taxlink/taxlink.env', 'https://example/srv/main', 'gateway/work.ts', 'to do'])('allows %j', text => {
    expect(textFindings('docs/x.md', text)).toEqual([])
  })
  test('every text keeps it', () => {
    const texts = files.filter(
      path => /\.(?:ts|md|sql|json|ya?ml|service|example|sample)$|(?:^|\/)(?:Dockerfile|run)$/.test(path) && path !== 'package-lock.json',
    )
    expect(texts.flatMap(path => textFindings(path, read(path)))).toEqual([])
  })
})

describe('the tables', () => {
  const table = (column: string) =>
    `CREATE TABLE t (\n  ${column},\n  KEY k (x)\n) ENGINE=InnoDB DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;`
  test.each([
    'amount INT NOT NULL',
    'tax_amount DECIMAL(15,2) NOT NULL',
    "rate DOUBLE NULL COMMENT 'x'",
    'office_code VARCHAR(12) NOT NULL',
    "ticket_no CHAR(18) NOT NULL COMMENT 'CHARACTER SET ascii COLLATE ascii_bin'",
    'at TIMESTAMP NOT NULL',
    'at DATETIME NOT NULL',
    "state ENUM('a')",
  ])('refuses %s', column => {
    expect(columnFindings('m.sql', table(column)).length).toBeGreaterThan(0)
  })
  test.each([
    'amount BIGINT NOT NULL',
    'office_code VARCHAR(12) CHARACTER SET ascii COLLATE ascii_bin NOT NULL',
    'at DATETIME(3) NULL',
    'name VARCHAR(60) NOT NULL',
  ])('allows %s', column => {
    expect(columnFindings('m.sql', table(column))).toEqual([])
  })
  test('a column that comes later is seen too', () => {
    expect(columnsOf('ALTER TABLE t\n  ADD COLUMN fee INT NULL;')).toMatchObject([{ table: 't', name: 'fee', type: 'INT' }])
    expect(columnFindings('m.sql', 'CREATE TABLE t (\n  a INT\n) ENGINE=MyISAM;')).toHaveLength(1)
  })
  test('every migration keeps it', () => {
    expect(migrations.flatMap(path => columnsOf(read(path))).length).toBeGreaterThan(60)
    expect(migrations.flatMap(path => columnFindings(path, read(path)))).toEqual([])
  })
  test('each has a number of its own', () => {
    const numbers = migrations.map(path => path.slice(0, 'migrations/0000'.length))
    expect(numbers.filter((number, i) => numbers.indexOf(number) !== i)).toEqual([])
  })
})
