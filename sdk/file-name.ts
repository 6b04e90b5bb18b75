import { type FileName, files, type HeaderOf } from './catalogue.ts'
import { fail } from './fault.ts'
import { checkDate, meaningOf } from './value.ts'

/** What the name of a file says of its header. */
export type NamedHeader<K extends FileName> = Partial<HeaderOf<K>>
/** The names of a bank's files in both directions. */
export type FileNames<K extends FileName> = {
  nameOf(header: HeaderOf<K>): string
  /** What a name says; undefined where it is none of this file's. Nothing but such a name is one: no path, no other case, no further ending. */
  readName(name: string): NamedHeader<K> | undefined
}

type Hole = { readonly field: string; readonly width: number; readonly is: 'digits' | 'date' | 'number' }
const holes = /\{(\w+)(?::([0-9]+))?\}/g

/** The names that a pattern makes: `DZMX_{bankCode}_{accountingDate}_{session:2}_{chunk:4}.txt`; a date is yyyyMMdd, a number has zeros before it. */
export const namesOf = <K extends FileName>(name: K, called: string): FileNames<K> => {
  const { fields } = files[name].header
  if (!/^[A-Za-z0-9_.{}:-]{1,100}$/.test(called))
    fail('bad-declaration', 'the name of a file is made of letters, digits, _, -, . and {fields}')
  const parts = [...called.matchAll(holes)].map(([, field = '', width]) => holeOf(fields, field, width))
  for (const needed of ['accountingDate', 'session', 'chunk'])
    if (!parts.some(({ field }) => field === needed))
      fail('bad-declaration', 'the name of a file tells its date, session and part', { field: needed })
  const form = new RegExp(
    `^${called.replaceAll('.', '\\.').replace(holes, (_, field: string) => `([0-9]{${parts.find(part => part.field === field)!.width}})`)}$`,
  )
  return {
    nameOf: header => {
      const values = header as { readonly [field: string]: unknown }
      return called.replace(holes, (_, field: string) => written(parts.find(part => part.field === field)!, values[field]))
    },
    readName: of => {
      const found = form.exec(of)
      if (!found) return undefined
      try {
        return Object.fromEntries(parts.map((part, i) => [part.field, read(part, found[i + 1]!)])) as NamedHeader<K>
      } catch {
        return undefined
      }
    },
  }
}

const holeOf = (fields: { readonly [field: string]: unknown }, field: string, width: string | undefined): Hole => {
  if (!Object.hasOwn(fields, field)) return fail('bad-declaration', 'the header has no such field', { field })
  const meaning = meaningOf(fields[field] as Parameters<typeof meaningOf>[0])
  if (meaning.is === 'date') return { field, width: 8, is: 'date' }
  if (meaning.is === 'digits' && meaning.min === meaning.max) return { field, width: meaning.max, is: 'digits' }
  if (meaning.is === 'number' && width !== undefined && 10 ** Number(width) > meaning.max)
    return { field, width: Number(width), is: 'number' }
  return fail('bad-declaration', 'it has no fixed width in a name: give one, {session:2}', { field })
}

const written = ({ is, width }: Hole, value: unknown): string => {
  const text = is === 'date' ? String(value).replaceAll('-', '') : String(value).padStart(width, '0')
  return text.length === width ? text : fail('too-long', `${text.length} characters do not fit in ${width}`)
}

const read = ({ is }: Hole, text: string): unknown => {
  if (is !== 'date') return is === 'number' ? Number(text) : text
  const iso = `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}`
  checkDate(iso)
  return iso
}
