import { exchanges, type Fields, maskText } from '@taxlink/bank-sdk'
import { type DestinationStream, destination, type Logger, pino } from 'pino'
import { shanghaiTime } from './domain/time.ts'
import type { Note } from './flows/flow.ts'

export type LogOptions = {
  /** fatal, error, warn, info, debug, trace or silent. */
  readonly level: string
  /** Where the lines go; standard output when left out. */
  readonly to?: DestinationStream
  readonly now?: () => Date
}

/** Fields with a mask, anywhere in the catalogue: what no line may show. */
const privateFields = (): Map<string, (value: string) => string> => {
  const found = new Map<string, (value: string) => string>()
  const collect = (fields: Fields): void => {
    for (const [name, { mask, fields: inner }] of Object.entries(fields)) {
      if (mask) found.set(name, value => maskText(mask, value))
      if (inner) collect(inner)
    }
  }
  for (const { request, reply } of Object.values(exchanges)) for (const { fields } of [request, reply]) collect(fields)
  for (const name of ['password', 'secret', 'key', 'authorization']) found.set(name, () => '***')
  return found
}
const masks = privateFields()
// At the top, and up to three levels down.
const paths = [...masks.keys()].flatMap(name => [name, `*.${name}`, `*.*.${name}`, `*.*.*.${name}`])

/**
 * The log: one JSON line an event, levels by name, time with +08:00. Private fields are masked wherever they stand; on a terminal, and where
 * pino-pretty is installed, the lines are for people.
 */
export const openLog = ({ level, to, now = () => new Date() }: LogOptions): Logger => {
  const options = {
    level,
    base: null,
    timestamp: () => `,"time":"${shanghaiTime(now())}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths, censor: (value: unknown, path: string[]) => masks.get(path.at(-1) ?? '')?.(String(value)) ?? '***' },
  }
  if (to) return pino(options, to)
  if (process.stdout.isTTY && hasPretty()) return pino({ ...options, formatters: {}, transport: { target: 'pino-pretty' } })
  return pino(options, destination({ dest: 1, sync: false }))
}

const hasPretty = (): boolean => {
  try {
    import.meta.resolve('pino-pretty')
    return true
  } catch {
    return false
  }
}

const levels: { readonly [E in Note['event']]?: 'debug' | 'warn' | 'error' } = {
  relayed: 'debug',
  swept: 'debug',
  stale: 'warn',
  late: 'warn',
  stray: 'warn',
  'delivery-failed': 'warn',
  'breaker-opened': 'error',
  deadline: 'error',
  'link-test': 'debug',
  'file-refused': 'warn',
  'file-missing': 'error',
  trouble: 'error',
}

/** Writes what the flows note; a doubt is a warning. */
export const logNotes =
  (log: Logger) =>
  (note: Note): void => {
    const level = levels[note.event] ?? (note.state === 'unknown' ? 'warn' : 'info')
    log[level](note.detail === undefined ? note : { ...note, detail: plainDetail(note.detail) })
  }

/**
 * The text of somebody else's error as a log may show it: drivers repeat the values they were given. What stands in quotes, what is not plain
 * ASCII and every word with more than five digits (an address excepted) becomes `…`; parameters of a statement are cut off.
 */
export const plainDetail = (detail: string): string =>
  detail
    .split(/\s*\bparams:/)[0]!
    .replace(/'[^']*'?|"[^"]*"?|`[^`]*`?/g, '…')
    .replace(/[^\x20-\x7e…]+/g, '…')
    .replace(/[^\s,;:()[\]{}=]+/g, word => (isLongNumber(word) ? '…' : word))
    .trim()
    .slice(0, 300)

const isLongNumber = (word: string): boolean => (word.match(/[0-9]/g)?.length ?? 0) > 5 && !/^(?:[0-9]{1,3}\.){3}[0-9]{1,3}$/.test(word)
