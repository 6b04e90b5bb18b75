import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream, mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

/** A process of ours that is kept running: when it ends unasked it is started again, and what it says goes to its log file. */
export type Child = {
  readonly name: string
  readonly pid: () => number | undefined
  /** Resolves with the first line of its output that `pattern` matches (of the present run, or of the next). */
  line(pattern: RegExp): Promise<RegExpMatchArray>
  /** SIGTERM, and SIGKILL after `graceMs`. */
  stop(graceMs?: number): Promise<void>
}

export type ChildOptions = {
  readonly name: string
  readonly args: readonly string[]
  readonly env: NodeJS.ProcessEnv
  readonly log: string
  /** Told when it ended unasked and is started again. */
  readonly restarted: (how: string) => void
}

/**
 * Starts `node …args` under watch. The channel between us carries nothing: when we die, however, the child sees it close and ends (`keeperGone`).
 * A Ctrl-C of the terminal reaches only us, who stop the children in their order.
 */
export const keep = (options: ChildOptions): Child => {
  mkdirSync(dirname(options.log), { recursive: true })
  const log = createWriteStream(options.log, { flags: 'a' })
  let stopping = false
  let child: ChildProcess
  const seen: string[] = []
  let listeners: ((line: string) => void)[] = []

  const run = (): void => {
    child = spawn(process.execPath, [...options.args], {
      env: options.env,
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      detached: process.platform !== 'win32',
    })
    child.stderr!.pipe(log, { end: false })
    createInterface({ input: child.stdout! }).on('line', line => {
      log.write(`${line}\n`)
      // Only what a start prints is looked for: the rest is log.
      if (seen.length < 50) seen.push(line)
      for (const listener of listeners) listener(line)
    })
    child.once('exit', (code, signal) => {
      if (stopping) return
      options.restarted(`${signal ?? `exit ${code}`}`)
      seen.length = 0
      void pause(500).then(() => {
        if (!stopping) run()
      })
    })
  }
  run()
  return {
    name: options.name,
    pid: () => child.pid,
    line: pattern => {
      const early = seen.map(line => pattern.exec(line)).find(found => found !== null)
      if (early) return Promise.resolve(early)
      return new Promise(resolve => {
        const listener = (line: string) => {
          const found = pattern.exec(line)
          if (!found) return
          listeners = listeners.filter(other => other !== listener)
          resolve(found)
        }
        listeners.push(listener)
      })
    },
    stop: async (graceMs = 30_000) => {
      stopping = true
      if (child.exitCode === null && child.signalCode === null) {
        const gone = new Promise<void>(resolve => child.once('exit', () => resolve()))
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), graceMs)
        await gone
        clearTimeout(timer)
      }
      await new Promise<void>(resolve => log.end(resolve))
    },
  }
}

/** In a child, called at its start: resolves when the process that keeps us is gone. Undefined where nobody does. */
export const keeperGone = (): Promise<unknown> | undefined => {
  if (!process.channel) return undefined
  const gone = once(process, 'disconnect')
  process.channel.unref()
  return gone
}
