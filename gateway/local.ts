import { createHash } from 'node:crypto'
import { accessSync, constants, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join, resolve } from 'node:path'
import { fail } from '@taxlink/bank-sdk'
import {
  databaseAt,
  enter,
  type Find,
  lastLines,
  leave,
  locked,
  type Programs,
  pong,
  privateServers,
  redisAt,
  run,
  type Services,
  soon,
} from './servers.ts'
import { answers } from './store/database.ts'

export type { Services }

export type ServiceOptions = {
  /** URLs that are given are used as they are; nothing is started for them. */
  readonly databaseUrl?: string | undefined
  readonly redisUrl?: string | undefined
  /** Where the private servers keep their data, logs and pids. */
  readonly dir: string
  /** A production gateway uses only servers that somebody looks after. */
  readonly production: boolean
  readonly say: (line: string) => void
  /** `false` trades durability for speed, for tests that lose nothing worth keeping. */
  readonly durable?: boolean
  /** Where programs are looked for, like PATH; by default PATH and the places servers are usually installed. */
  readonly path?: string
}

/** Brings up what the gateway stands on: the given servers, else private ones under `dir`, else containers; else the fault `service-missing`. */
export const services = async (options: ServiceOptions): Promise<Services> => {
  const { databaseUrl, redisUrl } = options
  if (databaseUrl && redisUrl) return { databaseUrl, redisUrl, how: 'given', pids: {}, stop: async () => {} }
  if (options.production) {
    const missing = [databaseUrl ? '' : 'DATABASE_URL', redisUrl ? '' : 'REDIS_URL'].filter(Boolean).join(' and ')
    fail('bad-config', `${missing} must be set in production; servers of our own are for development only`)
  }
  const dir = resolve(options.dir)
  mkdirSync(join(dir, 'users'), { recursive: true, mode: 0o700 })
  return locked(dir, async () => {
    const find = (...names: string[]) => findProgram(options.path ?? usualPath(), names)
    const programs = await findServers(options, find)
    const started =
      'docker' in programs
        ? await composed(dir, programs.docker, options.say)
        : await privateServers(dir, programs, options.durable !== false)
    return { ...started, databaseUrl: databaseUrl || started.databaseUrl, redisUrl: redisUrl || started.redisUrl }
  })
}

/** The command that installs what is missing, for this system. */
export const advice = (platform: string, osRelease: string): string => {
  const like = (...ids: string[]) => ids.some(id => new RegExp(`^ID(_LIKE)?=.*\\b${id}\\b`, 'm').test(osRelease))
  if (platform === 'win32') return 'install Docker Desktop and start it, or run inside WSL: wsl --install'
  if (platform === 'darwin') return 'brew install mariadb redis'
  if (like('debian', 'ubuntu')) return `sudo apt-get update && sudo apt-get install -y --no-install-recommends ${debianPackages.join(' ')}`
  if (like('rhel', 'centos')) return 'sudo dnf install -y mariadb-server redis'
  if (like('fedora')) return 'sudo dnf install -y mariadb-server valkey'
  if (like('alpine')) return 'sudo apk add mariadb redis'
  return 'install MariaDB 10.11 or newer and Redis 7 or newer (mariadbd and redis-server on PATH), or Docker'
}

const debianPackages = ['mariadb-server-core', 'redis-server']

const usualPath = (): string =>
  [
    process.env.PATH ?? '',
    ...['/usr/sbin', '/usr/local/sbin', '/usr/libexec', '/usr/lib/mysql', '/usr/local/mysql/bin'],
    ...['/opt/homebrew', '/usr/local'].flatMap(at =>
      ['bin', ...['mariadb', 'mysql', 'redis', 'valkey'].map(name => `opt/${name}/bin`)].map(rest => `${at}/${rest}`),
    ),
  ].join(delimiter)

const findProgram = (path: string, names: readonly string[]): string | undefined => {
  for (const name of names) {
    for (const dir of path.split(delimiter).filter(Boolean)) {
      try {
        accessSync(join(dir, name), constants.X_OK)
        return join(dir, name)
      } catch {
        // Not here; the next place.
      }
    }
  }
  return undefined
}

const findServers = async (options: ServiceOptions, find: Find): Promise<Programs | { docker: string }> => {
  // A server whose URL is given needs no program.
  const missing = () => [
    ...(options.databaseUrl || find('mariadbd', 'mysqld') ? [] : ['MariaDB']),
    ...(options.redisUrl || find('redis-server', 'valkey-server') ? [] : ['Redis']),
  ]
  const found = (): Programs | undefined =>
    process.platform === 'win32' || missing().length > 0
      ? undefined
      : {
          find,
          mariadbd: options.databaseUrl ? undefined : find('mariadbd', 'mysqld'),
          redis: options.redisUrl ? undefined : find('redis-server', 'valkey-server'),
        }
  const atOnce = found()
  if (atOnce) return atOnce

  const osRelease = existsSync('/etc/os-release') ? readFileSync('/etc/os-release', 'utf8') : ''
  const command = advice(process.platform, osRelease)
  const apt = find('apt-get')
  let why = ''
  if (apt && process.getuid?.() === 0 && command.includes('apt-get')) {
    options.say(`正在安装 / installing ${debianPackages.join(', ')} (apt-get)`)
    const install = () => run(apt, ['install', '-y', '--no-install-recommends', ...debianPackages], { DEBIAN_FRONTEND: 'noninteractive' })
    let done = await install()
    if (done.code !== 0) {
      await run(apt, ['update'], {})
      done = await install()
    }
    const installed = found()
    if (installed) return installed
    why = `; apt-get said: ${lastLines(done.output)}`
  }
  const docker = find('docker')
  if (docker && (await run(docker, ['info'], {})).code === 0) return { docker }
  return fail('service-missing', `${missing().join(', ')} — ${command}${why}`)
}

const composed = async (dir: string, docker: string, say: (line: string) => void): Promise<Services> => {
  const file = join(dir, 'compose.yaml')
  writeFileSync(file, composeFile(createHash('sha256').update(dir).digest('hex').slice(0, 8)))
  const compose = async (...args: string[]): Promise<string> => {
    const done = await run(docker, ['compose', '-f', file, ...args], {})
    return done.code === 0 ? done.output.trim() : fail('service-missing', `docker compose ${args.join(' ')}:\n${lastLines(done.output)}`)
  }
  say('以容器启动 MariaDB 与 Redis / starting MariaDB and Redis in containers (docker compose)')
  const user = enter(dir)
  const halt = async () => void (await compose('stop'))
  try {
    await compose('up', '-d')
    const portOf = async (name: string, inner: number) => Number((await compose('port', name, String(inner))).split(':').at(-1))
    const [database, queue] = [await portOf('mariadb', 3306), await portOf('redis', 6379)]
    const ready = await soon(120_000, async () => (await answers(databaseAt(database), true)) && (await pong(queue)))
    if (!ready) fail('service-missing', `the containers do not answer; see: docker compose -f ${file} logs`)
    const stop = () => locked(dir, () => leave(dir, user, halt))
    return { how: 'compose', databaseUrl: databaseAt(database), redisUrl: redisAt(queue), pids: {}, stop }
  } catch (error) {
    await leave(dir, user, async () => {})
    throw error
  }
}

/** What `docker compose` brings up: on 127.0.0.1 only, on ports the engine chooses, with data in volumes that stay. */
const composeFile = (id: string): string => `name: taxlink-${id}
services:
  mariadb:
    image: mariadb:10.11
    command: --character-set-server=utf8mb4 --collation-server=utf8mb4_bin --default-time-zone=+00:00 --transaction-isolation=READ-COMMITTED
      --skip-name-resolve --innodb-flush-log-at-trx-commit=1 --log-bin=binlog --binlog-format=ROW --sync-binlog=1 --server-id=1
    environment:
      MARIADB_ALLOW_EMPTY_ROOT_PASSWORD: "1"
      MARIADB_DATABASE: taxlink
    ports: ["127.0.0.1::3306"]
    volumes: ["mariadb:/var/lib/mysql"]
  redis:
    image: redis:7
    command: redis-server --appendonly yes --appendfsync everysec --maxmemory-policy noeviction
    ports: ["127.0.0.1::6379"]
    volumes: ["redis:/data"]
volumes:
  mariadb:
  redis:
`

/**
 * Claims a data directory for one start; returns what gives it back. Two at once would bring up the same banks, with one journal: Fault
 * bad-config while another lives. The claim of a process that was killed is taken over.
 */
export const claim = (dir: string): (() => void) => {
  const file = join(dir, 'start.pid')
  const mine = String(process.pid)
  // `wx` makes the file or fails: of two at the same moment one has it.
  for (let attempt = 0; attempt < 3; attempt++) {
    try {
      writeFileSync(file, mine, { flag: 'wx' })
      return () => {
        if (holderOf(file) === process.pid) rmSync(file, { force: true })
      }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
    const holder = holderOf(file)
    if (holder > 0 && holder !== process.pid && starts(holder))
      fail('bad-config', `another start (process ${holder}) uses ${dir}; stop it, or set TAXLINK_DATA_DIR to another directory`)
    rmSync(file, { force: true })
  }
  return fail('bad-config', `${file} cannot be claimed`)
}

/** The process in the file; 0 when there is none (any more). */
const holderOf = (file: string): number => {
  try {
    return Number(readFileSync(file, 'utf8')) || 0
  } catch {
    return 0
  }
}

/** Whether a process lives and, where that can be told, is a start of ours: its number may long belong to another. */
const starts = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1').includes('main.ts\0start')
  } catch {
    return true
  }
}
