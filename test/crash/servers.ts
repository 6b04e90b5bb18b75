import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Services, services } from '../../gateway/local.ts'
import { scratch } from '../scratch.ts'

/** A durable MariaDB and Redis that can be killed and come back over the same data on the same ports. */
export type CrashServers = {
  readonly dir: string
  /** The URL of a schema of this name. */
  databaseUrl(name: string): string
  readonly redisUrl: string
  kill(which: 'mariadb' | 'redis'): Promise<void>
  /** Starts again whichever was killed. */
  revive(): Promise<void>
  /** Stops them; with `keep` the directory stays, with everything that was logged. */
  close(keep?: boolean): Promise<void>
}

/** Brings up servers of this suite's own; those that other suites share must not be killed. */
export const openServers = async (): Promise<CrashServers> => {
  const dir = scratch('taxlink-crash-')
  const up = () => services({ dir, production: false, durable: true, say: () => {} })
  const first = await up()
  const all: Services[] = [first]
  let { pids } = first
  let reviving = Promise.resolve()
  const portOf = { mariadb: new URL(first.databaseUrl).port, redis: new URL(first.redisUrl).port }
  const revive = async () => {
    for (let left = 20; ; left--) {
      const again = await up()
      all.push(again)
      pids = again.pids
      if (again.databaseUrl === first.databaseUrl && again.redisUrl === first.redisUrl) return
      if (left === 0) throw new Error('a server came back on another port')
      // While it was down, some connection of this machine took its port for itself: once more, when that is over.
      for (const which of ['mariadb', 'redis'] as const) {
        if (again[which === 'mariadb' ? 'databaseUrl' : 'redisUrl'].includes(`:${portOf[which]}/`)) continue
        await kill(which)
        writeFileSync(join(dir, `${which}.pid`), `${pids[which]} ${portOf[which]}\n`)
      }
      await pause(250)
    }
  }
  const kill = async (which: 'mariadb' | 'redis') => {
    const pid = pids[which]
    if (!pid) throw new Error(`${which} does not run`)
    process.kill(pid, 'SIGKILL')
    while (lives(pid)) await pause(10)
  }
  return {
    dir,
    databaseUrl: name => {
      const url = new URL(first.databaseUrl)
      url.pathname = `/${name}`
      return url.href
    },
    redisUrl: first.redisUrl,
    kill,
    revive: () => {
      reviving = reviving.then(revive)
      return reviving
    },
    close: async (keep = false) => {
      for (const each of all) await each.stop()
      if (!keep) rmSync(dir, { recursive: true, force: true })
    },
  }
}

const lives = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
