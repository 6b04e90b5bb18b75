import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Armed } from '../patch/points.ts'

/** The watch over labelled points: whoever stopped itself is continued after a while. */
export type Watch = {
  readonly dir: string
  /** The cases that have not happened yet. */
  left(): Armed[]
  /** All that has happened, what led to a case included. */
  happened(): Armed[]
  /** Labels that were come to, `role label`. */
  seen(): string[]
  /** Faults of the points themselves: a commit without a label. */
  faults(): string[]
  /** Resolves when whoever stopped itself so far was continued. */
  awake(): Promise<void>
  stop(): Promise<void>
}

/** Watches a folder of marks; a stop lasts `stopMs`. */
export const watchPoints = (dir: string, armed: ReadonlyMap<string, readonly Armed[]>, stopMs: number): Watch => {
  mkdirSync(dir, { recursive: true })
  const all = [...armed.values()].flat()
  const continued = new Set<string>()
  const has = (id: string) => existsSync(join(dir, `${id}.hit`))
  const pidOf = (id: string) => (JSON.parse(readFileSync(join(dir, `${id}.hit`), 'utf8')) as { pid: number }).pid
  let watching = true
  const waking: Promise<unknown>[] = []
  const wake = async ({ id, moreMs = 0 }: Armed): Promise<void> => {
    try {
      // The mark is written before the process stops; on a slow machine long before, and whom nobody has stopped yet, nobody can continue.
      while (watching && !isStopped(pidOf(id))) await pause(50)
      await pause(stopMs + moreMs)
      process.kill(pidOf(id), 'SIGCONT')
    } catch {
      // It is gone: somebody killed it while it slept.
    }
  }
  const look = async (): Promise<void> => {
    while (watching) {
      for (const one of all) {
        if (one.action !== 'stop' || continued.has(one.id) || !has(one.id)) continue
        continued.add(one.id)
        waking.push(wake(one))
      }
      await pause(50)
    }
  }
  const looking = look()
  return {
    dir,
    left: () => all.filter(({ id, leadsTo }) => leadsTo === undefined && !has(id)),
    happened: () => all.filter(({ id }) => has(id)),
    seen: () => readdirSync(dir).flatMap(name => /^(.*)\.seen$/.exec(name)?.[1] ?? []),
    faults: () => (existsSync(join(dir, 'unlabelled')) ? [readFileSync(join(dir, 'unlabelled'), 'utf8')] : []),
    awake: async () => {
      // The last mark may not have been seen yet.
      await pause(200)
      await Promise.all(waking)
    },
    stop: async () => {
      watching = false
      await looking
      await Promise.all(waking)
    },
  }
}

/** Whether a process is stopped, as Linux tells it; throws where there is no such process. Elsewhere it is taken for stopped. */
const isStopped = (pid: number): boolean => {
  if (!existsSync('/proc/self/stat')) return true
  const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T')
}
