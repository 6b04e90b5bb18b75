import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { sourceOf } from '../tidy/source.ts'

/** The project. */
export const root = join(import.meta.dirname, '../..')

/** The text of a file, by its path from the root. */
export const page = (path: string): string => readFileSync(join(root, path), 'utf8')

/** Whether a path from the root exists. */
export const exists = (path: string): boolean => existsSync(join(root, path))

/** The rows of all tables of a page, without their heads; a row is its cells. */
export const tableRows = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line, i, lines) => line.startsWith('|') && !/^\|[\s|:-]+\|$/.test(line) && !/^\|[\s|:-]+\|$/.test(lines[i + 1] ?? ''))
    .map(line =>
      line
        .slice(1, -1)
        .split('|')
        .map(cell => cell.trim()),
    )

/** The part of a page from the heading that begins with `title` to the next of its rank. */
export const section = (text: string, title: string): string => {
  const lines = text.split('\n')
  const from = lines.findIndex(line => /^#+ /.test(line) && line.replace(/^#+ /, '').startsWith(title))
  if (from < 0) return ''
  const rank = /^#+/.exec(lines[from]!)![0].length
  const to = lines.findIndex((line, i) => i > from && (/^(#+) /.exec(line)?.[1]?.length ?? 99) <= rank)
  return lines.slice(from, to < 0 ? undefined : to).join('\n')
}

/** Every word of the code: identifiers, columns, and words in quotes; words in comments are none. */
export const codeWords = (): ReadonlySet<string> => {
  const words = new Set<string>()
  for (const top of ['sdk', 'gateway', 'adapters', 'conformance', 'migrations', 'test/adapters'])
    for (const entry of readdirSync(join(root, top), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name)
      if (!/\.(?:ts|sql)$/.test(entry.name) || /node_modules|\/dist\//.test(path)) continue
      const text = readFileSync(path, 'utf8')
      const code = entry.name.endsWith('.ts') ? sourceOf(path, text).code : text.replace(/--.*/g, '')
      for (const [word] of code.matchAll(/[A-Za-z0-9_$]+(?:-[A-Za-z0-9_$]+)*/g)) {
        words.add(word)
        for (const part of word.split('-')) words.add(part)
      }
    }
  return words
}

/** The places within pages that a page's links name: the page, and the anchor of a heading. */
export const anchors = (path: string): (readonly [path: string, anchor: string])[] =>
  [...page(path).matchAll(/\]\((?!https?:|mailto:)([^)\s#]*)#([^)\s]+)\)/g)].map(([, to, anchor]) => [
    to ? join('/', path, '..', to).slice(1) : path,
    anchor!,
  ])

/** The anchors that the headings of a page make. */
export const headings = (text: string): ReadonlySet<string> =>
  new Set(
    [...text.replaceAll(/^ *```.*?^ *```$/gms, '').matchAll(/^#+ (.*)$/gm)].map(([, title]) =>
      title!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}_\- ]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )

/** The targets of a page's links within the project, from the root, without their anchors. */
export const links = (path: string): string[] =>
  [...page(path).matchAll(/\]\((?!https?:|#|mailto:)([^)\s#]+)[^)]*\)/g)].map(([, to]) => join('/', path, '..', to!).slice(1))
