import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fail } from '@taxlink/bank-sdk'
import { freePort } from './ports.ts'
import { answers } from './store/database.ts'

/** The servers a gateway stands on, however they came to run. */
export type Services = {
  readonly databaseUrl: string
  readonly redisUrl: string
  readonly how: 'given' | 'private' | 'compose'
  /** The process ids of our private servers. */
  readonly pids: { readonly mariadb?: number; readonly redis?: number }
  /** Stops the private servers unless another process still uses them. */
  stop(): Promise<void>
}

/** Where a program is: the first of the names that is found. */
export type Find = (...names: string[]) => string | undefined
/** The servers to start, by their programs; `undefined` where none is wanted. */
export type Programs = { readonly mariadbd: string | undefined; readonly redis: string | undefined; readonly find: Find }

/** A private server: how it is started on a port, and how it shows that it is ready. */
type Server = {
  readonly name: 'mariadb' | 'redis'
  /** Stands in the arguments of the process and of no other: by it we know that a process is ours. */
  readonly mark: string
  readonly program: string
  args(port: number): string[]
  prepare(): Promise<void>
  ready(port: number): Promise<boolean>
}

/** Starts MariaDB and Redis of our own in `dir`, or joins those that run there; `durable: false` waits for no disk. */
export const privateServers = async (dir: string, programs: Programs, durable: boolean): Promise<Services> => {
  const wanted = [
    ...(programs.mariadbd ? [mariadb(dir, programs.mariadbd, programs.find, durable)] : []),
    ...(programs.redis ? [redis(dir, programs.redis, durable)] : []),
  ]
  const halt = async () => {
    await Promise.all(wanted.map(server => halted(dir, server)))
  }
  const user = enter(dir)
  const watchdog = watch(dir, user)
  const running = await Promise.allSettled(wanted.map(server => up(dir, server)))
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= locked(dir, () => leave(dir, user, halt)).finally(() => watchdog.stdin?.end('done\n'))
    return stopped
  }
  const failed = running.find(each => each.status === 'rejected')
  if (failed) {
    await leave(dir, user, halt)
    watchdog.stdin?.end('done\n')
    throw failed.reason
  }
  const at = Object.fromEntries(wanted.map((server, i) => [server.name, running[i]?.status === 'fulfilled' ? running[i].value : undefined]))
  return {
    how: 'private',
    databaseUrl: databaseAt(at.mariadb?.port ?? 0),
    redisUrl: redisAt(at.redis?.port ?? 0),
    pids: { ...(at.mariadb ? { mariadb: at.mariadb.pid } : {}), ...(at.redis ? { redis: at.redis.pid } : {}) },
    stop,
  }
}

/** The URL of a private MariaDB. */
export const databaseAt = (port: number): string => `mysql://root@127.0.0.1:${port}/taxlink`
/** The URL of a private Redis. */
export const redisAt = (port: number): string => `redis://127.0.0.1:${port}/0`

const options = (text: string): string[] => text.trim().split(/\s+/)

const mariadbOptions = options(`
  --bind-address=127.0.0.1 --skip-name-resolve --max-connections=200 --server-id=1 --performance-schema=OFF
  --character-set-server=utf8mb4 --collation-server=utf8mb4_bin --default-time-zone=+00:00 --transaction-isolation=READ-COMMITTED
  --innodb-buffer-pool-size=256M --innodb-log-file-size=64M`)
const durableOptions = options(`
  --innodb-flush-log-at-trx-commit=1 --sync-binlog=1 --log-bin=binlog --binlog-format=ROW --binlog-row-image=MINIMAL --binlog-annotate-row-events=OFF
  --binlog-expire-logs-seconds=86400`)
const fleetingOptions = options('--innodb-flush-log-at-trx-commit=2 --skip-log-bin --innodb-doublewrite=OFF')

const mariadb = (dir: string, program: string, find: Find, durable: boolean): Server => {
  const data = join(dir, 'mariadb')
  // A server that starts clears its temporary directory of what looks like its own: two of them must not share one.
  const temporary = join(dir, 'tmp')
  const own = [`--tmpdir=${temporary}`, ...(process.getuid?.() === 0 ? [`--user=${userInfo().username}`] : [])]
  return {
    name: 'mariadb',
    mark: `--datadir=${data}`,
    program,
    prepare: async () => {
      mkdirSync(temporary, { recursive: true, mode: 0o700 })
      if (existsSync(data)) return
      const made = await initialise(`${data}.new`, program, find, own)
      if (made.code !== 0) fail('service-missing', `MariaDB could not make its data directory:\n${lastLines(made.output)}`)
      // Made aside and renamed: a half-made directory is never taken for a database.
      renameSync(`${data}.new`, data)
    },
    args: port => [
      // First, or a system's own files of options would be read.
      '--no-defaults',
      `--datadir=${data}`,
      `--port=${port}`,
      // Relative to the data directory: a socket path holds about 100 bytes, and `dir` may be longer.
      '--socket=socket',
      `--pid-file=${join(dir, 'mariadb.own.pid')}`,
      ...mariadbOptions,
      ...(durable ? durableOptions : fleetingOptions),
      ...own,
    ],
    ready: port => answers(databaseAt(port), true),
  }
}

/**
 * Fills a new data directory. Servers carry the definitions of their system tables beside them; MariaDB's own script would do the
 * same but needs programs that only come with its client. Oracle's mysqld knows a way of its own.
 */
const initialise = async (data: string, program: string, find: Find, own: readonly string[]) => {
  rmSync(data, { recursive: true, force: true })
  mkdirSync(data, { mode: 0o700 })
  const common = ['--no-defaults', `--datadir=${data}`, '--innodb-log-file-size=64M', ...own]
  const sql = systemTables(program)
  if (sql) return run(program, [...common, ...options('--bootstrap --log-warnings=0 --max-allowed-packet=8M')], {}, sql)
  const script = find('mariadb-install-db', 'mysql_install_db')
  if (script) return run(script, [...common, ...options('--auth-root-authentication-method=normal --skip-test-db --skip-name-resolve')], {})
  // Without name resolution 127.0.0.1 is not localhost, and Oracle's root may come from localhost only.
  const grants = `${data}.sql`
  writeFileSync(grants, "CREATE USER root@'127.0.0.1';\nGRANT ALL ON *.* TO root@'127.0.0.1' WITH GRANT OPTION;\n")
  return run(program, [...common, '--initialize-insecure', `--init-file=${grants}`], {})
}

/** The statements that make MariaDB's system tables, with a root that needs no password; `undefined` when the server has none beside it. */
const systemTables = (program: string): string | undefined => {
  const home = dirname(dirname(realpathSync(program)))
  for (const name of ['mariadb', 'mysql']) {
    for (const share of [join(home, 'share', name), join(home, 'share'), join('/usr/share', name)]) {
      const files = ['mariadb', 'mysql'].map(prefix => ['tables', 'tables_data'].map(part => join(share, `${prefix}_system_${part}.sql`)))
      const found = files.find(pair => pair.every(file => existsSync(file)))
      if (!found) continue
      const texts = found.map(file => readFileSync(file, 'utf8'))
      return ['CREATE DATABASE mysql;', 'USE mysql;', 'SET @auth_root_socket=NULL;', ...texts].join('\n')
    }
  }
  return undefined
}

const redis = (dir: string, program: string, durable: boolean): Server => {
  const data = join(dir, 'redis')
  return {
    name: 'redis',
    mark: data,
    program,
    prepare: async () => {
      mkdirSync(data, { recursive: true, mode: 0o700 })
    },
    args: port => [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', data, '--maxmemory-policy', 'noeviction', '--save', ''],
      ...['--appendonly', durable ? 'yes' : 'no', '--appendfsync', 'everysec'],
      // Left to itself Redis overwrites its arguments, and the process could not be told to be ours.
      ...['--set-proc-title', 'no'],
    ],
    ready: port => pong(port),
  }
}

/** Uses the server when it already runs, else starts it. */
const up = async (dir: string, server: Server): Promise<{ port: number; pid: number }> => {
  const before = recall(dir, server)
  if (before?.alive) {
    // It may just be recovering from a crash of its own.
    if (
      await soon(
        60_000,
        () => server.ready(before.port),
        () => !ours(before.pid, server.mark),
      )
    )
      return before
    await end(before.pid, server.mark)
  }
  await server.prepare()
  // A free port may be taken by somebody else before the server binds it; the port of last time comes first, so that URLs stay the same. One that
  // was killed may hold its port and its files for a moment after its process id is gone.
  for (let attempt = 0; ; attempt++) {
    const again = before !== undefined && attempt < 2 && (await soon(1_000, async () => !(await open(before.port))))
    const port = again ? before.port : await freePort()
    const log = join(dir, `${server.name}.log`)
    const out = openSync(log, 'w', 0o600)
    const child = spawn(server.program, server.args(port), { stdio: ['ignore', out, out], cwd: dir, detached: true })
    closeSync(out)
    let gone = false
    child.once('error', () => {
      gone = true
    })
    child.once('exit', () => {
      gone = true
    })
    child.unref()
    const pid = child.pid ?? 0
    if (pid) writeFileSync(join(dir, `${server.name}.pid`), `${pid} ${port}\n`)
    if (
      await soon(
        60_000,
        () => server.ready(port),
        () => gone,
      )
    )
      return { port, pid }
    if (pid && !gone) await end(pid, server.mark)
    if (attempt === 2) fail('service-missing', `${server.name} does not start; its last words:\n${lastLines(readFileSync(log, 'utf8'))}`)
  }
}

/** What is known of a server from its pid file, and whether that process lives and is ours. */
const recall = (dir: string, server: Server): { pid: number; port: number; alive: boolean } | undefined => {
  const file = join(dir, `${server.name}.pid`)
  if (!existsSync(file)) return undefined
  const [pid, port] = readFileSync(file, 'utf8').split(' ').map(Number)
  return pid && port ? { pid, port, alive: ours(pid, server.mark) } : undefined
}

/** Whether a process lives and has the mark among its arguments; a process id alone may long belong to another. */
const ours = (pid: number, mark: string): boolean => {
  if (!alive(pid)) return false
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0').includes(mark)
  } catch {
    return !existsSync('/proc/self/cmdline') && psLine(pid).includes(mark)
  }
}

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Whether a process has ended, and with it let go of its files and ports. One that merely waits to be collected has. */
const ended = (pid: number): boolean => {
  if (!alive(pid)) return true
  try {
    return /\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

const end = async (pid: number, mark: string): Promise<void> => {
  for (const [signal, wait] of [
    ['SIGTERM', 30_000],
    ['SIGKILL', 5_000],
  ] as const) {
    // A dying process first loses its arguments, then its files: not ours any more, but not yet ended.
    if (ours(pid, mark)) process.kill(pid, signal)
    if (await soon(wait, async () => ended(pid))) return
  }
}

const psLine = (pid: number): string => spawnSync('ps', ['-ww', '-o', 'command=', '-p', String(pid)], { encoding: 'utf8' }).stdout ?? ''

/** Stops a server if it runs. */
const halted = async (dir: string, server: Server): Promise<void> => {
  const known = recall(dir, server)
  if (known?.alive) await end(known.pid, server.mark)
}

/** Asks again and again until it is so; gives up after `wait` milliseconds or when `hopeless`. */
export const soon = async (wait: number, so: () => Promise<boolean>, hopeless: () => boolean = () => false): Promise<boolean> => {
  const until = performance.now() + wait
  for (;;) {
    if (hopeless()) return false
    if (await so()) return !hopeless()
    if (performance.now() > until) return false
    await pause(20)
  }
}

const open = (port: number): Promise<boolean> => says(port, '', '')
/** Whether a Redis answers at this port of 127.0.0.1. */
export const pong = (port: number): Promise<boolean> => says(port, 'PING\r\n', '+PONG')

/** Whether a port answers `words` with something that begins with `reply`; no words: whether it accepts a connection. */
const says = (port: number, words: string, reply: string): Promise<boolean> =>
  new Promise(done => {
    const socket = connect(port, '127.0.0.1')
    const close = (result: boolean) => {
      socket.destroy()
      done(result)
    }
    socket.setTimeout(2_000, () => close(false))
    socket.once('error', () => close(false))
    socket.once('connect', () => (words === '' ? close(true) : socket.write(words)))
    socket.once('data', data => close(data.toString().startsWith(reply)))
    socket.once('end', () => close(false))
  })

/** Notes that this process uses the servers under `dir`; the file's name begins with its process id. */
export const enter = (dir: string): string => {
  const user = `${process.pid}-${randomBytes(4).toString('hex')}`
  writeFileSync(join(dir, 'users', user), '')
  return user
}

/** The last user to leave stops the servers. */
export const leave = async (dir: string, user: string, halt: () => Promise<void>): Promise<void> => {
  rmSync(join(dir, 'users', user), { force: true })
  if (!othersUse(dir)) await halt()
}

const othersUse = (dir: string): boolean => {
  const users = readdirSync(join(dir, 'users'))
  for (const user of users) if (!alive(Number(user.split('-')[0]))) rmSync(join(dir, 'users', user), { force: true })
  return readdirSync(join(dir, 'users')).length > 0
}

/**
 * A shell that waits on a pipe from us. When we end without a word — even by kill -9 — it does what `leave` does, so that no
 * server outlives the last process that uses it. Whoever comes first to the lock wins: a new start keeps the servers.
 */
const watch = (dir: string, user: string): ChildProcess => {
  const script = String.raw`
    read -r word && exit 0
    dir=$1 user=$2 tries=0
    until mkdir "$dir/lock" 2>/dev/null; do tries=$((tries + 1)); [ $tries -gt 600 ] && exit 0; sleep 0.1; done
    echo $$ > "$dir/lock/pid"
    trap 'rm -rf "$dir/lock"' EXIT
    rm -f "$dir/users/$user"
    for file in "$dir"/users/*; do
      [ -e "$file" ] || continue
      owner=$(basename "$file" | cut -d- -f1)
      kill -0 "$owner" 2>/dev/null && exit 0
      rm -f "$file"
    done
    ours() {
      if [ -r /proc/self/cmdline ]; then tr '\0' '\n' < "/proc/$1/cmdline"; else ps -ww -o command= -p "$1"; fi 2>/dev/null | grep -qF -- "$dir/"
    }
    for server in mariadb redis; do
      [ -e "$dir/$server.pid" ] || continue
      read -r pid port < "$dir/$server.pid"
      ours "$pid" && kill -TERM "$pid"
    done
    for server in mariadb redis; do
      [ -e "$dir/$server.pid" ] || continue
      read -r pid port < "$dir/$server.pid"
      tries=0
      while ours "$pid" && [ $tries -lt 300 ]; do tries=$((tries + 1)); sleep 0.1; done
    done`
  const child = spawn('/bin/sh', ['-c', script, 'taxlink-watch', dir, user], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    cwd: '/',
  })
  // It may be gone before us; its absence is no harm to the gateway.
  child.on('error', () => {})
  child.stdin?.on('error', () => {})
  child.unref()
  if (child.stdin && 'unref' in child.stdin && typeof child.stdin.unref === 'function') child.stdin.unref()
  return child
}

/** One process at a time decides about the servers under `dir`. The lock of a dead process is taken away. */
export const locked = async <T>(dir: string, work: () => Promise<T>): Promise<T> => {
  const lock = join(dir, 'lock')
  const until = performance.now() + 300_000
  while (!taken(lock)) {
    if (performance.now() > until)
      fail('service-missing', `another process has been starting or stopping the servers for minutes; remove ${lock} if none is`)
    const holder = holderOf(lock)
    if (holder !== undefined && !alive(holder)) {
      // Renamed first: of two that find the holder dead only one gets it.
      const aside = `${lock}.${randomBytes(4).toString('hex')}`
      try {
        renameSync(lock, aside)
        rmSync(aside, { recursive: true, force: true })
      } catch {
        // The other was faster.
      }
    }
    await pause(25)
  }
  try {
    return await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

const taken = (lock: string): boolean => {
  try {
    mkdirSync(lock)
    writeFileSync(join(lock, 'pid'), String(process.pid))
    return true
  } catch {
    return false
  }
}

/** Who holds the lock; 0 (nobody living) when it has had no name for so long that its holder must have died. */
const holderOf = (lock: string): number | undefined => {
  try {
    const pid = Number(existsSync(join(lock, 'pid')) ? readFileSync(join(lock, 'pid'), 'utf8') : '')
    if (pid > 0) return pid
    return Date.now() - statSync(lock).mtimeMs > 5_000 ? impossible : undefined
  } catch {
    return undefined
  }
}

/** A process id no system gives. */
const impossible = 2 ** 31 - 1

// ── small things ──

/** Runs a program to its end and gives its code and what it printed. */
export const run = (
  program: string,
  args: readonly string[],
  env: Record<string, string>,
  input = '',
): Promise<{ code: number; output: string }> =>
  new Promise(done => {
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], env: { ...process.env, ...env } })
    let output = ''
    const hear = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-20_000)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    // A program that ends before it has read everything says why by itself.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    child.once('error', error => done({ code: -1, output: error.message }))
    child.once('close', code => done({ code: code ?? -1, output }))
  })

/** The last eight lines of what a program said. */
export const lastLines = (text: string): string => text.trim().split('\n').slice(-8).join('\n')
