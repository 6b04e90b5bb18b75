import type { Finding } from './rooms.ts'
import type { Source } from './source.ts'

/** A thing a rule would refuse, that is right where it stands, and why. One that excuses nothing any more is itself a finding. */
export type Excuse = { readonly path: string; readonly rule: string; readonly why: string }

const lineAt = (text: string, at: number): number => text.slice(0, at).split('\n').length
const each = (source: Source, text: string, form: RegExp, say: (match: RegExpMatchArray) => string): Finding[] =>
  [...text.matchAll(form)].map(match => `${source.path}:${lineAt(text, match.index)}: ${say(match)}`)

/** One subject a file, so that it fits a reader's head: 500 lines; a suite is a list of cases and may have 700. */
export const sizeFindings = (source: Source): Finding[] => {
  const count = source.text.trimEnd().split('\n').length
  const most = source.path.startsWith('test/') ? 700 : 500
  return count > most ? [`${source.path}: ${count} lines, more than ${most}`] : []
}

/** The type that switches the compiler off, and the comments that do. */
export const looseFindings = (source: Source): Finding[] => [
  ...each(source, source.bare, /(?<![.\w])any\b(?!\s*[(:?])/g, () => 'the type any'),
  // A test of types expects errors, and fails when there is none.
  ...each(
    source,
    source.path.startsWith('test/') ? source.text.replaceAll('@ts-expect-error', '') : source.text,
    /@ts-(?:ignore|expect-error|nocheck)|(?:eslint|biome|oxlint)-(?:ignore|disable)/g,
    ([what]) => `${what}: the checker is right, or its rule is wrong for all`,
  ),
]

/** SQL, by the shape of its statements, in capitals as we write it; what names no table (`SELECT 1`) says nothing about the record. */
const sql =
  /\b(?:SELECT\s[\s\S]*?\bFROM\s|INSERT\s+(?:IGNORE\s+)?INTO\s|REPLACE\s+INTO\s|UPDATE\s+\S+\s+(?:\w+\s+)?(?:SET|JOIN)\s|DELETE\s+FROM\s|(?:CREATE|DROP|ALTER|TRUNCATE)\s+(?:TABLE|DATABASE|USER|TRIGGER|INDEX)\b|ON DUPLICATE KEY)/
export const sqlFindings = (source: Source): Finding[] =>
  source.path.startsWith('gateway/store/')
    ? []
    : source.quoted.filter(q => sql.test(q.text)).map(q => `${source.path}:${q.line}: SQL is written only in gateway/store/`)

/** `export *` and files of nothing but re-exports: only the doors of the packages. */
const doors = new Set(['sdk/index.ts', 'adapters/index.ts', 'conformance/simulator/index.ts'])
export const barrelFindings = (source: Source): Finding[] => {
  if (doors.has(source.path)) return []
  const rest = source.code.replace(/(?:^|\n)[ \t]*(?:import|export)\s+[^;'"`=]*?from\s*'[^']+'/g, '').trim()
  const reexports = /(?:^|\n)[ \t]*export\s+[^;'"`=]*?from\s*'/.test(source.code)
  return [
    ...each(source, source.code, /^export \*/gm, () => 'export * only in the door of a package'),
    ...(reexports && rest === '' ? [`${source.path}: a barrel; import what is meant from where it is`] : []),
  ]
}

/**
 * Everything exported says what it is for. Not asked of a type that only derives from something documented (`typeof x`, `keyof typeof x`), of
 * `…Options` (their fields say it one by one), and of the second signature of an overload.
 */
export const docFindings = (source: Source): Finding[] => {
  const rows = source.text.split('\n')
  const found: Finding[] = []
  let before = ''
  const documented = new Set<string>()
  for (const [i, row] of rows.entries()) {
    const named = /^export (?:default )?(?:declare |async |abstract )*(?:const|let|function|class|type|interface)\s*\*?\s*(\w+)/.exec(row)
    if (named) {
      const [, name] = named
      const derived = /^export type \w+ = \(?(?:keyof )?\(?typeof /.test(row) || /^export type \w+Options\b/.test(row)
      if (/\*\/\s*$/.test(before)) documented.add(name!)
      else if (!derived && !documented.has(name!)) found.push(`${source.path}:${i + 1}: ${name} has no docstring`)
    } else if (/^export default /.test(row) && !/\*\/\s*$/.test(before) && !source.text.trimStart().startsWith('/**')) {
      found.push(`${source.path}:${i + 1}: the default export has no docstring`)
    }
    if (row.trim() !== '') before = row
  }
  return found
}

/** Where text leaves the process: logs, faults, the screen. */
const sinks = /\b(?:note|say|fail|log\.\w+|logger\.\w+|new Fault|new Error|stdout\.write|stderr\.write|console\.\w+)\s*\(/g
const argumentsAt = (bare: string, open: number): string => {
  let depth = 0
  for (let at = open; at < bare.length; at++) {
    if (bare[at] === '(') depth++
    if (bare[at] === ')' && --depth === 0) return bare.slice(open, at + 1)
  }
  return bare.slice(open)
}
/** No private field (`names`, those the catalogue masks) is handed to a log, a fault or the screen. Names in quotes are names, not values. */
export const privateFindings = (source: Source, names: readonly string[]): Finding[] =>
  [...source.bare.matchAll(sinks)].flatMap(match => {
    const given = argumentsAt(source.bare, match.index + match[0].length - 1)
    const name = names.find(word => new RegExp(`\\b${word}\\b(?!\\s*:)`).test(given))
    return name === undefined
      ? []
      : [`${source.path}:${lineAt(source.bare, match.index)}: ${name} is private and leaves by ${match[0].trim()}`]
  })

const someday = new RegExp(['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].map(word => `\\b${word}\\b`).join('|'), 'g')
const machine = /(?<![\w.])(?:\/(?:home|Users|root|work|mnt)\/[\w.-]+|[A-Z]:\\\\?(?:Users|work)\b)/g
/** What belongs into no text of the project, whatever its kind: what is not done yet, and places of somebody's machine. */
export const textFindings = (path: string, text: string): Finding[] => [
  ...[...text.matchAll(someday)].map(match => `${path}:${lineAt(text, match.index)}: ${match[0]}`),
  ...[...text.matchAll(machine)].map(match => `${path}:${lineAt(text, match.index)}: ${match[0]} is a place of one machine`),
]

/** The findings without those that are excused, and the excuses that excuse nothing. */
export const excused = (findings: readonly Finding[], excuses: readonly Excuse[]): Finding[] => {
  const covers = (excuse: Excuse, finding: Finding) => finding.startsWith(`${excuse.path}:`) && finding.includes(excuse.rule)
  return [
    ...findings.filter(finding => !excuses.some(excuse => covers(excuse, finding))),
    ...excuses
      .filter(excuse => !findings.some(finding => covers(excuse, finding)))
      .map(excuse => `${excuse.path}: needs no excuse any more (${excuse.why})`),
  ]
}
