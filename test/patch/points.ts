// `node --import ./test/patch/points.ts gateway/main.ts …`: the process kills or stops itself at labelled places of the production code, whose text
// is changed as it is loaded. CHAOS_POINTS tells which; each happens once, in whichever life, and one at a time: whoever is dead or stopped comes nowhere.
import { existsSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { commitName, places } from './labels.ts'
import { patch } from './patch.ts'

/** One case: at the n-th arrival (from 1, counted in each life) at a label. */
export type Armed = {
  readonly id: string
  readonly label: string
  readonly nth: number
  readonly action: 'kill' | 'stop'
  /** How much longer than others it sleeps (ms). */
  readonly moreMs?: number
  /** The case that it is to bring about: when that has happened, this one is not waited for, and happens no more. */
  readonly leadsTo?: string
}
/** What a process is told: its cases, and the folder in which it leaves a mark for each that happened and each label it came to. */
export type Orders = { readonly dir: string; readonly role: string; readonly armed: readonly Armed[] }

/** What the changed places call. */
export type Chaos = {
  /** A process comes to a place. */
  point(name: string | undefined, step: string): void
  /** A transaction begins on a connection. */
  begins(connection: object): void
  wrote(connection: object, sql: string): void
  /** The name of the transaction that is about to be committed. */
  commits(connection: object): string | undefined
  /** The name of a write outside a transaction. */
  alone(sql: string): string | undefined
}

const openChaos = ({ dir, role, armed }: Orders): Chaos => {
  let left = armed.filter(({ id }) => !existsSync(join(dir, `${id}.hit`)))
  const counts = new Map<string, number>()
  const seen = new Set<string>()
  const arrive = (label: string): void => {
    if (!seen.has(label)) {
      seen.add(label)
      writeFileSync(join(dir, `${role} ${label}.seen`), '')
    }
    const count = (counts.get(label) ?? 0) + 1
    counts.set(label, count)
    const next = left.find(one => one.label === label && one.nth <= count)
    if (!next) return
    left = left.filter(one => one !== next)
    if (next.leadsTo !== undefined && existsSync(join(dir, `${next.leadsTo}.hit`))) return
    counts.set(label, 0)
    // Written before it happens: a process that is gone writes nothing. It appears whole.
    const mark = join(dir, `${next.id}.hit`)
    writeFileSync(`${mark}.new`, JSON.stringify({ pid: process.pid, at: Date.now() }))
    renameSync(`${mark}.new`, mark)
    process.kill(process.pid, next.action === 'kill' ? 'SIGKILL' : 'SIGSTOP')
  }
  const statements = new WeakMap<object, string[]>()
  const named = (sql: readonly string[]): string | undefined => {
    try {
      return commitName(sql)
    } catch (error) {
      writeFileSync(join(dir, 'unlabelled'), String(error))
      throw error
    }
  }
  return {
    point: (name, step) => {
      if (name !== undefined) arrive(`${name}.${step}`)
    },
    begins: connection => void statements.set(connection, []),
    wrote: (connection, sql) => void statements.get(connection)?.push(sql),
    commits: connection => named(statements.get(connection) ?? []),
    alone: sql => named([sql]),
  }
}

const told = process.env.CHAOS_POINTS
if (told !== undefined) {
  Object.assign(globalThis, { chaos: openChaos(JSON.parse(told) as Orders) })
  patch(places)
}
