import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Redis } from 'ioredis'
import { afterAll, afterEach, describe, expect, test } from 'vitest'
import { advice, type ServiceOptions, type Services, services } from '../../gateway/local.ts'
import { openDatabase } from '../../gateway/store/database.ts'

const root = mkdtempSync(join(tmpdir(), 'taxlink local '))
const running = new Set<Services>()
const children = new Set<ChildProcess>()
let count = 0
const newDir = (): string => join(root, `${++count}`, '.data')

const start = async (dir: string, more: Partial<ServiceOptions> = {}): Promise<Services> => {
  const started = await services({ dir, production: false, durable: false, say: () => {}, ...more })
  running.add(started)
  return started
}
afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
  for (const each of running) await each.stop()
  running.clear()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))

/** Whether a process lives; one that ended and waits to be collected does not. */
const alive = (pid: number | undefined): boolean => {
  try {
    if (pid === undefined || !process.kill(pid, 0)) return false
    return !existsSync('/proc/self/stat') || !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
const until = async (so: () => boolean | Promise<boolean>): Promise<void> => {
  const end = Date.now() + 20_000
  while (!(await so())) {
    if (Date.now() > end) throw new Error('it did not come about')
    await pause(20)
  }
}
const ask = async <T>(url: string, sql: string): Promise<T[]> => {
  const db = openDatabase(url, { connections: 1 })
  try {
    return await db.query<T>(sql)
  } finally {
    await db.close()
  }
}
/** The same in a process of its own, which we may kill. */
const elsewhere = async (dir: string): Promise<{ child: ChildProcess; pids: { mariadb: number; redis: number } }> => {
  const script = `import { services } from ${JSON.stringify(join(import.meta.dirname, '../../gateway/local.ts'))}
    const started = await services({ dir: process.argv[1], production: false, durable: false, say: () => {} })
    console.log(JSON.stringify(started.pids)); setInterval(() => {}, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
  children.add(child)
  return new Promise((done, refuse) => {
    child.stdout.once('data', (line: Buffer) => done({ child, pids: JSON.parse(line.toString()) }))
    child.once('exit', code => refuse(new Error(`exit ${code}`)))
  })
}

describe('private servers', () => {
  test('start, speak UTC and READ COMMITTED, keep what they were told, stop', async () => {
    const dir = newDir()
    const first = await start(dir, { durable: true })
    expect(first.how).toBe('private')
    const [server] = await ask<Record<string, unknown>>(
      first.databaseUrl,
      `SELECT @@global.time_zone zone, @@global.tx_isolation isolation, @@global.character_set_server charset, @@bind_address address,
         @@innodb_flush_log_at_trx_commit flush, @@sync_binlog sync, @@binlog_format format, DATABASE() name`,
    )
    expect(server).toEqual({
      zone: '+00:00',
      isolation: 'READ-COMMITTED',
      charset: 'utf8mb4',
      address: '127.0.0.1',
      flush: 1,
      sync: 1,
      format: 'ROW',
      name: 'taxlink',
    })
    const redis = new Redis(first.redisUrl)
    await redis.set('kept', 'yes')
    expect(await redis.config('GET', 'maxmemory-policy')).toContain('noeviction')
    expect(await redis.config('GET', 'appendonly')).toContain('yes')
    redis.disconnect()
    const db = openDatabase(first.databaseUrl, { connections: 1 })
    await db.execute('CREATE TABLE kept (n INT)')
    await db.close()
    await first.stop()
    expect(alive(first.pids.mariadb) || alive(first.pids.redis)).toBe(false)

    const second = await start(dir)
    expect(second.databaseUrl).toBe(first.databaseUrl)
    expect(await ask(second.databaseUrl, 'SELECT * FROM kept')).toEqual([])
  })

  test('two users share them, and only the last to leave stops them', async () => {
    const dir = newDir()
    const [first, second] = await Promise.all([start(dir), start(dir)])
    expect(second.pids).toEqual(first.pids)
    await first.stop()
    expect(await ask(second.databaseUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await second.stop()
    expect(alive(first.pids.mariadb) || alive(first.pids.redis)).toBe(false)
  })

  test('after kill -9 of the only user they stop by themselves', async () => {
    const { child, pids } = await elsewhere(newDir())
    expect(alive(pids.mariadb) && alive(pids.redis)).toBe(true)
    child.kill('SIGKILL')
    await until(() => !alive(pids.mariadb) && !alive(pids.redis))
  })

  test('a start at the moment of a kill -9 gets living servers', async () => {
    const dir = newDir()
    const { child } = await elsewhere(dir)
    child.kill('SIGKILL')
    const next = await start(dir)
    // Long enough for the watcher of the dead user to have decided.
    await pause(500)
    expect(await ask(next.databaseUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(alive(next.pids.redis)).toBe(true)
  })

  test('orphans are taken over when nobody watched', async () => {
    const dir = newDir()
    const first = await start(dir)
    // As if user and watcher had died in the same moment: the note of use names a process that is not.
    rmSync(join(dir, 'users'), { recursive: true })
    mkdirSync(join(dir, 'users'))
    writeFileSync(join(dir, 'users', '2147483646-dead'), '')
    mkdirSync(join(dir, 'lock'))
    writeFileSync(join(dir, 'lock', 'pid'), '2147483646')
    const next = await start(dir)
    expect(next.pids).toEqual(first.pids)
    await next.stop()
    expect(alive(first.pids.mariadb) || alive(first.pids.redis)).toBe(false)
  })

  test('a pid that now belongs to somebody else is left alone', async () => {
    const dir = newDir()
    const bystander = spawn('sleep', ['60'], { stdio: 'ignore' })
    children.add(bystander)
    mkdirSync(dir, { recursive: true })
    writeFileSync(join(dir, 'mariadb.pid'), `${bystander.pid} 1\n`)
    writeFileSync(join(dir, 'redis.pid'), `${bystander.pid} 1\n`)
    const started = await start(dir)
    expect(started.pids.mariadb).not.toBe(bystander.pid)
    await started.stop()
    expect(alive(bystander.pid)).toBe(true)
  })

  test('a server killed under us starts again at the same port', async () => {
    const dir = newDir()
    const first = await start(dir)
    process.kill(first.pids.mariadb ?? 0, 'SIGKILL')
    await until(() => !alive(first.pids.mariadb))
    const second = await start(dir)
    expect(second.databaseUrl).toBe(first.databaseUrl)
    expect(second.pids.redis).toBe(first.pids.redis)
    expect(await ask(second.databaseUrl, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('only what is not given is started', async () => {
    const started = await start(newDir(), { databaseUrl: 'mysql://root@db.example/taxlink' })
    expect(started.databaseUrl).toBe('mysql://root@db.example/taxlink')
    expect(Object.keys(started.pids)).toEqual(['redis'])
  })

  test('a server that does not start is told with its last words, and leaves nothing running', async () => {
    const dir = newDir()
    const bin = fakePath({ mariadbd: 'echo "disk of straw" >&2; exit 7' })
    symlinkSync(found('redis-server'), join(bin, 'redis-server'))
    await expect(start(dir, { path: bin })).rejects.toThrow(/T4002(.|\n)*disk of straw/)
    const [pid] = readFileSync(join(dir, 'redis.pid'), 'utf8').split(' ').map(Number)
    expect(alive(pid)).toBe(false)
  })
})

const found = (name: string): string => {
  const at = [...(process.env.PATH ?? '').split(':'), '/usr/sbin'].map(dir => join(dir, name)).find(path => existsSync(path))
  return at ?? expect.unreachable(`${name} is not installed`)
}
/** A directory with nothing in it but these shell scripts. */
const fakePath = (scripts: Record<string, string>): string => {
  const bin = mkdtempSync(join(root, 'bin-'))
  for (const [name, body] of Object.entries(scripts)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${body}\n`)
    chmodSync(join(bin, name), 0o755)
  }
  return bin
}

describe('without servers', () => {
  test('given URLs are used as they are, also in production', async () => {
    const given = { databaseUrl: 'mysql://db/taxlink', redisUrl: 'redis://r' }
    const started = await start('/nonexistent/never made', { ...given, production: true })
    expect(started).toMatchObject({ ...given, how: 'given', pids: {} })
    expect(existsSync('/nonexistent')).toBe(false)
  })

  test('production refuses to make its own', async () => {
    const dir = newDir()
    await expect(start(dir, { production: true })).rejects.toMatchObject({
      fault: 'bad-config',
      detail: expect.stringMatching(/DATABASE_URL and REDIS_URL/),
    })
    await expect(start(dir, { production: true, databaseUrl: 'mysql://db/t' })).rejects.toMatchObject({
      detail: expect.stringMatching(/^REDIS_URL must/),
    })
    expect(existsSync(dir)).toBe(false)
  })

  test('nothing installed: the fault names the programs and the command', async () => {
    const fault = { fault: 'service-missing', detail: expect.stringMatching(/^MariaDB, Redis — \S+ /) }
    await expect(start(newDir(), { path: fakePath({}) })).rejects.toMatchObject(fault)
    await expect(start(newDir(), { path: fakePath({ docker: 'exit 1' }) })).rejects.toMatchObject(fault)
  })

  test('with an engine, docker compose is asked; its failure is told', async () => {
    const dir = newDir()
    const bin = fakePath({ docker: `[ "$1" = info ] && exit 0; echo "$@" >> '${root}/docker.log'; echo "no such image" >&2; exit 1` })
    await expect(start(dir, { path: bin })).rejects.toThrow(/docker compose up -d:\nno such image/)
    expect(readFileSync(join(root, 'docker.log'), 'utf8')).toBe(`compose -f ${join(dir, 'compose.yaml')} up -d\n`)
    expect(readFileSync(join(dir, 'compose.yaml'), 'utf8')).toMatch(/^name: taxlink-[0-9a-f]{8}\n(.|\n)*127\.0\.0\.1::3306/)
  })

  test.runIf(process.getuid?.() === 0 && existsSync('/etc/debian_version'))(
    'root on Debian: installed by apt-get, and said so',
    async () => {
      const said: string[] = []
      const bin = fakePath({ 'apt-get': '' })
      const at = (name: string) => `ln -s '${found(name)}' '${bin}/${name}'`
      // The first install fails for want of lists; after update it works.
      writeFileSync(
        join(bin, 'apt-get'),
        `#!/bin/sh\necho "$@" >> '${bin}/log'\n[ "$1" = update ] && { touch '${bin}/lists'; exit 0; }\n[ -e '${bin}/lists' ] || exit 100\n${at('mariadbd')}\n${at('redis-server')}\n`,
      )
      const started = await start(newDir(), { path: bin, say: line => said.push(line) })
      expect(started.how).toBe('private')
      const install = 'install -y --no-install-recommends mariadb-server-core redis-server'
      expect(readFileSync(join(bin, 'log'), 'utf8')).toBe(`${install}\nupdate\n${install}\n`)
      expect(said).toEqual([expect.stringContaining('installing mariadb-server-core, redis-server')])
    },
  )

  test.each([
    ['linux', 'ID=debian\n', /^sudo apt-get update && sudo apt-get install .*mariadb-server-core redis-server$/],
    ['linux', 'NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n', /^sudo apt-get/],
    ['linux', 'ID=fedora\n', /^sudo dnf install -y mariadb-server valkey$/],
    ['linux', 'ID="rocky"\nID_LIKE="rhel centos fedora"\n', /^sudo dnf install -y mariadb-server redis$/],
    ['linux', 'ID=alpine\n', /^sudo apk add/],
    ['linux', 'ID=void\n', /MariaDB.*Redis.*Docker/],
    ['darwin', '', /^brew install mariadb redis$/],
    ['win32', '', /Docker Desktop.*WSL/],
  ])('the command for %s %j', (platform, release, command) => {
    expect(advice(platform, release)).toMatch(command)
  })
})
