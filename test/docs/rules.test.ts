import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { exists, links, page, root, section, tableRows } from './page.ts'

// docs/rules.md: every file it names exists, no article of chapters 3 and 5 is passed over, and none that the code cites.

const rules = page('docs/rules.md')
const done = tableRows(section(rules, '已实现'))
const open = tableRows(section(rules, '尚未实现'))
const paths = done.flatMap(cells => [...cells[2]!.matchAll(/`([^`]+)`/g)].map(([, path]) => path!))

/** The numbers of the articles in a cell: `3、33`, `35(2)、35(3)`; an annex is none. */
const articlesIn = (cell: string): number[] =>
  cell
    .split('、')
    .filter(part => /^\d/.test(part))
    .map(part => Number.parseInt(part, 10))
const told = new Set([...done, ...open].flatMap(cells => articlesIn(cells[0]!)))
const between = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, i) => from + i)

/** The articles that comments and texts of the code cite: `art. 35(1)`, `art. 27, 31`, `art. 27-29`. */
const citedIn = (text: string): number[] =>
  [...text.matchAll(/\bart\. (\d+[\d(), –-]*)/g)].flatMap(([, list]) =>
    list!.split(',').flatMap(part => {
      const [from, to] = part
        .trim()
        .replace(/\(\d+\)/g, '')
        .split(/[–-]/)
        .map(Number)
      return from ? between(from, to || from) : []
    }),
  )
const cited = ['sdk', 'gateway', 'adapters', 'conformance', 'migrations'].flatMap(top =>
  readdirSync(join(root, top), { recursive: true, withFileTypes: true })
    .filter(entry => /\.(?:ts|sql)$/.test(entry.name) && !entry.parentPath.includes('node_modules'))
    .flatMap(entry => citedIn(readFileSync(join(entry.parentPath, entry.name), 'utf8'))),
)

describe('the rules', () => {
  test.each([...new Set(paths)])('%s exists', path => {
    expect(exists(path)).toBe(true)
  })
  test.each([...between(8, 13), 16, ...between(27, 42)])('article %i is done or said to be open', article => {
    expect(told).toContain(article)
  })
  test('citations are read in all their forms', () => {
    expect(citedIn('art. 35(1): x; art. 27, 31. art. 27-29 art. 35(2), 35(3)')).toEqual([35, 27, 31, 27, 28, 29, 35, 35])
  })
  test.each([...new Set(cited)])('article %i, which the code cites, stands in the table of what is done', article => {
    expect(done.flatMap(cells => articlesIn(cells[0]!))).toContain(article)
  })
  test.each(links('docs/rules.md'))('the link to %s leads somewhere', path => {
    expect(exists(path)).toBe(true)
  })
})
