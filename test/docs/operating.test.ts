import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { print, readConfig } from '../../gateway/config.ts'
import { policySchema, referenceSchema } from '../../gateway/store/reference.ts'
import { anchors, exists, headings, links, page, root, section, tableRows } from './page.ts'

// docs/operating.md against the code: variables and their defaults, figures, events, checks, verbs, exit codes, the arithmetic of statements.

const manual = page('docs/operating.md')
const code = (cell: string | undefined): string => /`([^`]+)`/.exec(cell ?? '')?.[1] ?? ''
const table = (title: string): string[][] => tableRows(section(manual, title))
const sorted = (names: Iterable<string>): string[] => [...names].sort()
const all = (text: string, form: RegExp): string[] => [...text.matchAll(form)].map(([, found]) => found!)

describe('configuration', () => {
  const rows = table('配置')
  const banks = ['URL', 'LISTEN', 'FROM', 'FILES', 'FILES_KEY', 'FILES_HOST'].map(what => `TAXLINK_BANK_<4 digits>_${what}`)
  // `# NAME=` where there is no default.
  const inForce = new Map(
    print(readConfig({}))
      .split('\n')
      .map(line => /^(?:# )?([A-Z_]+)=(.*)$/.exec(line)!)
      .map(([, name, value]) => [name!, value!]),
  )
  test('the table holds every variable there is, and no other', () => {
    expect(sorted(rows.map(([name]) => code(name)))).toEqual(sorted([...inForce.keys(), ...banks]))
  })
  test.each(rows.map(([name, value]) => [code(name), code(value)]))('the default of %s', (name, value) => {
    expect(value).toBe(inForce.get(name) ?? '')
  })
  test('what is marked secret may be given as a file, and nothing else', () => {
    const refused = (name: string) => {
      try {
        readConfig({ [`${name}_FILE`]: join(root, 'absent') })
        return ''
      } catch (error) {
        return String(error)
      }
    }
    for (const [name] of rows) {
      if (name === undefined || banks.includes(code(name))) continue
      expect(/cannot be read/.test(refused(code(name))), name).toBe(name.includes('◆'))
    }
  })
})

describe('reference data', () => {
  type Described = {
    readonly properties: { readonly [name: string]: { readonly enum?: readonly string[] } }
    readonly required: readonly string[]
  }
  const rows = new Map(table('基础资料').map(([name, ...cells]) => [code(name), cells]))
  const [file, policy] = [referenceSchema, policySchema] as unknown as readonly [Described, Described]
  test('the tables hold every part of the file and every parameter of a contract, and no other', () => {
    expect(sorted(rows.keys())).toEqual(sorted([...Object.keys(file.properties), ...Object.keys(policy.properties)]))
  })
  test.each([...Object.entries(policy.properties), ...Object.entries(file.properties)])('%s', (name, { enum: values }) => {
    const cells = rows.get(name) ?? []
    const needed = policy.required.includes(name) || file.required.includes(name)
    expect(cells.join(' ').includes('可省')).toBe(!needed)
    if (values) expect(all(cells[0]!, /`([^`]+)`/g)).toEqual(values)
  })
})

describe('what a process shows', () => {
  test('figures', () => {
    const metrics = page('gateway/metrics.ts')
    const names = all(metrics, /\b(?:counter|seconds|gauge)\(\s*'([a-z_]+)'/g).map(name => `taxlink_${name}`)
    expect(names.length).toBeGreaterThan(10)
    const told = table('健康与指标').map(([name]) => code(name))
    expect(sorted(told.filter(name => name.startsWith('taxlink_')))).toEqual(sorted(names))
  })
  test('checks of readiness', () => {
    const checks = all(page('gateway/serve.ts'), /^ {4}(\w+): check\(/gm)
    const told = table('健康与指标').map(([name]) => code(name))
    expect(sorted(told.filter(name => !name.startsWith('taxlink_')))).toEqual(sorted(checks))
    for (const path of ['/livez', '/readyz', '/metrics']) expect(page('gateway/http/internal.ts')).toContain(`'${path}'`)
  })
  test('events of the log, with their levels', () => {
    const union = /readonly event:([\s\S]*?)readonly bankCode/.exec(page('gateway/flows/flow.ts'))![1]!
    const levels = /const levels[\s\S]*?= \{([\s\S]*?)\}\n/.exec(page('gateway/log.ts'))![1]!
    const rows = table('日志')
    expect(sorted(rows.map(([event]) => code(event)))).toEqual(sorted(all(union, /'([a-z-]+)'/g)))
    for (const [event, level] of rows) {
      const own = new RegExp(`^\\s*'?${code(event)}'?: '(\\w+)'`, 'm').exec(levels)?.[1] ?? 'info'
      expect(level, code(event)).toMatch(new RegExp(`^${own}`))
    }
  })
})

describe('processes', () => {
  const main = page('gateway/main.ts')
  test('every verb but start is told, and there is no other', () => {
    const verbs = all(main, /\.command\('(\w+)'\)/g)
    const told = table('进程').flatMap(([command]) => /main\.ts (\w+)/.exec(command ?? '')?.[1] ?? [])
    expect(sorted([...told, 'start'])).toEqual(sorted(verbs))
  })
  test('exit codes', () => {
    const codes = all(/const exit = \{([^}]*)\}/.exec(main)![1]!, /: (\d+)/g)
    const told = table('进程').flatMap(([first]) => (/^\d+$/.test(first ?? '') ? [first!] : []))
    expect(sorted(told)).toEqual(sorted(['0', ...codes]))
  })
  test('the arithmetic of prepared statements is that of the code', () => {
    const perConnection = Number(/preparedPerConnection = (\d+)/.exec(page('gateway/store/database.ts'))![1])
    const pools = all(page('gateway/assemble.ts'), /connections: (\d+)/g).map(Number)
    // Lists are not prepared.
    expect(pools).toEqual([4, 4, 2])
    expect(manual).toContain(`${pools[0]} × ${perConnection} + ${pools[1]} × 70 = ${pools[0]! * perConnection + pools[1]! * 70} 条`)
  })
})

describe('links of the pages lead somewhere', () => {
  const pages = [
    'README.md',
    'CHANGELOG.md',
    'sdk/README.md',
    ...readdirSync(join(root, 'docs'), { recursive: true, encoding: 'utf8' }).map(path => `docs/${path}`),
  ]
  test.each(pages.filter(path => path.endsWith('.md')))('%s', path => {
    expect(links(path).filter(to => !exists(to))).toEqual([])
    expect(anchors(path).filter(([to, anchor]) => !headings(page(to)).has(anchor))).toEqual([])
  })
  // docs/banks.md builds a bank that is not there; it has a test of its own.
  test.each(pages.filter(path => path.endsWith('.md') && path !== 'docs/banks.md'))('the files %s names are there', path => {
    const named = all(page(path), /`((?:sdk|gateway|adapters|conformance|migrations|test|docs)\/[\w./@-]+)`/g)
    expect(named.filter(to => !exists(to))).toEqual([])
  })
})
