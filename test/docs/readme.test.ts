import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { balanceText } from '../../gateway/day/balance.ts'
import { type Kind, kinds } from '../../gateway/day/kinds.ts'
import { everyOperation } from '../../gateway/http/every-operation.ts'
import { exists, page, root, section, tableRows } from './page.ts'

// README.md against the code: its commands, its places, its addresses, the number of debits of the sample day.

const readme = page('README.md')
const inCode = (text: string): string[] => [...text.matchAll(/`([^`\n]+)`/g)].map(([, code]) => code!)
const { scripts } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8')) as { readonly scripts: { readonly [name: string]: string } }

describe('the first page', () => {
  test.each([...new Set([...readme.matchAll(/npm run (?:-s )?([\w:]+)/g)].map(([, name]) => name!))])('npm run %s', name => {
    expect(scripts[name]).toBeDefined()
    const program = /^node (\S+)/.exec(scripts[name]!)?.[1]
    if (program) expect(exists(program)).toBe(true)
  })
  test('every command has its line', () => {
    const own = Object.keys(scripts).filter(name => !['start', 'test'].includes(name))
    expect(own.filter(name => !readme.includes(`npm run ${name}`) && !readme.includes(`npm run -s ${name}`))).toEqual([])
  })
  test.each(tableRows(section(readme, '东西在哪里')).flatMap(cells => inCode(cells[0]!)))('%s is there', path => {
    expect(exists(path)).toBe(true)
  })
  test('the addresses are those of the interface', () => {
    const told = tableRows(section(readme, '看一看')).flatMap(cells =>
      inCode(cells[0]!).map(code => code.replace(/\{(\w+)\}/g, ':$1').replace(/\?.*/, '')),
    )
    expect(told.sort()).toEqual(everyOperation.map(({ method, url }) => `${method} ${url}`).sort())
  })
  test('the sample day is as large as it says', () => {
    const count = page('gateway/day/orders.jsonl').trimEnd().split('\n').length
    for (const said of readme.matchAll(/(\d+) ?(?:笔扣款|\n?debits and)/g)) expect(Number(said[1])).toBe(count)
    expect(readme).toContain(`${count}/${count}`)
  })
  test('the differences of the sample day are those of the program, with the ways that the program knows', () => {
    const shown = readme.slice(readme.indexOf('planted difference'), readme.indexOf('合计 total'))
    const rows = Object.values(kinds).map((kind: Kind) => [`${kind.zh} ${kind.en}`, '3', '3', kind.found, kind.remedy.join(' → ') || '·'])
    const lines = shown.split('\n').slice(1, -1)
    expect(
      lines.map(line => line.split(/ {2,}/).slice(0, 5)).map(([name, n, m, as, way]) => [name, n, m, as?.split(' → ')[0], way]),
    ).toEqual(rows)
    for (const [, said] of readme.matchAll(/(\d+) (?:种差异|kinds of difference)/g)) expect(Number(said)).toBe(rows.length)
  })
  test('the balance is printed in the words of the program', () => {
    const [zh, en, total, verdict] = balanceText({ banks: [], faults: [] })
    const words = (line: string) => line.trim().split(/\s{2,}/)
    for (const word of [...words(zh!), ...words(en!), words(total!)[0]!, verdict!]) expect(readme).toContain(word)
  })
})
