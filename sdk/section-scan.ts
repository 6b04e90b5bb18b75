import { compileFunction } from 'node:vm'
import { absent, columnsOf, type LineScanner } from './columns.ts'
import { endOf } from './compile.ts'
import { fail } from './fault.ts'
import type { Fields } from './kinds.ts'
import type { Scan } from './scan.ts'
import type { Part, Section } from './section.ts'

/**
 * The scanner of lines of fixed width: one generated line a field, `s2(bytes, words, start + 24, start + 42, c2, i)`, as in `join`. Nothing but
 * numbers goes into the code.
 */
export const sectionScanner = ({ parts, width }: Section, fields: Fields, rows: number): LineScanner => {
  const columns = columnsOf(fields, rows)
  const own = parts.filter(part => part.scan).map((part, k) => ({ part, k }))
  const source = [
    `const scan = (bytes, words, start, end, i) => {`,
    `  if (end - start !== ${width}) wrongLength(end - start)`,
    ...parts.flatMap(constantTest),
    ...own.map(({ part, k }) => scanLine(part, k)),
    ...Object.keys(columns).flatMap(name =>
      own.some(({ part }) => part.field === name) ? [] : [`  absent(columns[${JSON.stringify(name)}], i)`],
    ),
    `}`,
    `return scan`,
  ].join('\n')
  const names = ['wrongLength', 'wrongConstant', 'missing', 'absent', 'endOf', 'columns', ...own.flatMap(({ k }) => [`s${k}`, `c${k}`])]
  const wrongLength = (length: number): never => fail('wrong-length', `${length} bytes, the layout has ${width}`)
  const given = own.flatMap(({ part }): [Scan, unknown] => [part.scan!(), columns[part.field]])
  const make = compileFunction(source, names) as (...args: unknown[]) => LineScanner['scan']
  return { columns, scan: make(wrongLength, wrongConstant, missing, absent, endOf, columns, ...given) }
}

const wrongConstant = (): never => fail('wrong-constant', '')
const missing = (): never => fail('missing', 'the place is blank')

const constantTest = ({ constant, offset }: Part): string[] =>
  constant === undefined
    ? []
    : [`  if (${[...constant].map((byte, k) => `bytes[start + ${offset + k}] !== ${byte}`).join(' || ')}) wrongConstant()`]

/** Numbers and days fill their places; a text ends where its padding begins. */
const scanLine = ({ offset, width, form, required }: Part, k: number): string => {
  const [from, to] = [`start + ${offset}`, `start + ${offset + width}`]
  const end = (form === 'number' || form === 'date') && required ? to : `endOf(bytes, words, ${from}, ${to})`
  const otherwise = required ? 'missing()' : `absent(c${k}, i)`
  return `  { const e = ${end}; if (e === ${from}) ${otherwise}; else s${k}(bytes, words, ${from}, e, c${k}, i) }`
}
