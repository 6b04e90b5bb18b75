import { execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import type { Case } from './cases.ts'

/** One line of the book of a long run: a case or a schedule whose whole day was judged and kept. */
export type Kept = { readonly commit: string; readonly stopMs: number; readonly tickets: number } & (
  | { readonly case: Case; readonly seed: number }
  | { readonly schedule: number }
)

/** A book in a file, so that a matrix or many schedules can be played in parts that add up; without a file it remembers nothing. */
export const openBook = (file: string | undefined) => {
  const lines: Kept[] =
    file && existsSync(file)
      ? readFileSync(file, 'utf8')
          .split('\n')
          .filter(Boolean)
          .map(line => JSON.parse(line) as Kept)
      : []
  const nameOf = ({ label, role, action }: Case): string => `${label} ${role} ${action}`
  return {
    lines,
    add: (some: readonly Kept[]): void => {
      lines.push(...some)
      if (file) appendFileSync(file, some.map(line => `${JSON.stringify(line)}\n`).join(''))
    },
    /** Of these, what was not kept yet with stops of at least this length. */
    left: (cases: readonly Case[], stopMs: number): Case[] => {
      const done = new Set(
        lines.flatMap(line => ('case' in line && (line.case.action === 'kill' || line.stopMs >= stopMs) ? [nameOf(line.case)] : [])),
      )
      return cases.filter(each => !done.has(nameOf(each)))
    },
    /** Whether all of these schedules were kept. */
    hasSchedules: (first: number, count: number): boolean => {
      const done = new Set(lines.flatMap(line => ('schedule' in line ? [line.schedule] : [])))
      return Array.from({ length: count }, (_, i) => first + i).every(seed => done.has(seed))
    },
  }
}

/** The commit whose code is played. */
export const presentCommit = (): string =>
  execFileSync('git', ['rev-parse', '--short', 'HEAD'], { cwd: import.meta.dirname, encoding: 'utf8' }).trim()
