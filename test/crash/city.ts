import { mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Child, keep } from '../../gateway/child.ts'
import { seedOperators } from '../../gateway/day/operators.ts'
import { shanghaiDate } from '../../gateway/domain/time.ts'
import { developmentPki, type Pem } from '../../gateway/pki.ts'
import { freePort } from '../../gateway/ports.ts'
import { prepare, withDatabase } from '../../gateway/prepare.ts'
import { writeActive } from '../gateway/agreements.ts'
import type { Armed, Orders } from '../patch/points.ts'
import { writeRegistry } from '../registry.ts'
import type { Identity } from './asker.ts'
import type { Day } from './day.ts'
import { type FaultProxy, openProxy, type Toxic } from './proxy.ts'
import type { Random } from './random.ts'
import type { Accident, Targets } from './schedule.ts'
import type { CrashServers } from './servers.ts'

const home = resolve(import.meta.dirname, '../..')
const file = (path: string) => join(home, path)
const taxSystem = 'urn:taxlink:tax-system:crash'

/** How long a claim lasts beyond the time-out (ms). */
export const leaseMs = 2_000

/** All processes of a day: gateways, workers and banks, each to be killed and paused at will. */
export type City = {
  readonly targets: Targets
  /** Where the tax side sends its orders. */
  readonly urls: readonly string[]
  readonly tls: Identity
  /** Two of them, since nobody decides alone. */
  readonly operators: readonly [Identity, Identity]
  readonly controls: readonly { readonly bankCode: string; readonly url: string }[]
  readonly databaseUrl: string
  /** Puts a fault on a line: `line-4301`, `line-mariadb`, `line-redis`; undefined heals it. */
  suffer(line: string, toxic: Toxic | undefined): Promise<void>
  /** Has an accident happen; resolves when it is over (a killed process may still be starting). */
  befall(accident: Accident): Promise<void>
  /** Ends everything at once: what had to be seen of it was seen. */
  close(): Promise<void>
}

/** What a city has beyond its processes: faults on its lines, and places at which its processes kill or stop themselves. */
export type Extras = {
  /** Each line to a bank and to a server leads through a proxy of ours, whose faults follow from this. */
  readonly proxies?: Random
  /** Labelled points, by the name of the process; marks are left in `dir`. */
  readonly points?: { readonly dir: string; readonly armed: ReadonlyMap<string, readonly Armed[]> }
  /** Where results are delivered. */
  readonly webhook?: { readonly url: string; readonly secret: string }
}

/** Starts the processes of a day in `dir`, as an operator would: migrate, then banks, then `serve` and `work`. */
export const openCity = async (
  servers: CrashServers,
  dir: string,
  name: string,
  day: Day,
  gateways: number,
  workers: number,
  extras: Extras = {},
): Promise<City> => {
  const databaseUrl = servers.databaseUrl(name)
  const reference = join(dir, 'reference.json')
  mkdirSync(dir, { recursive: true })
  writeFileSync(reference, day.reference)
  const children = new Map<string, Child>()
  const lines = new Map<string, FaultProxy>()
  /** The URL of a server as its callers see it: itself, or the line in between. */
  const through = async (line: string, url: string): Promise<string> => {
    if (!extras.proxies) return url
    const between = new URL(url)
    const proxy = await openProxy(Number(between.port), extras.proxies)
    lines.set(line, proxy)
    between.port = String(proxy.port)
    // A URL without a path ends without a slash, as it was given.
    return between.href.replace(/\/$/, url.endsWith('/') ? '/' : '')
  }
  const start = (child: string, args: readonly string[], env: NodeJS.ProcessEnv) => {
    const kept = keep({ name: child, args, env, log: join(dir, 'log', `${child}.log`), restarted: () => {} })
    children.set(child, kept)
    return kept
  }
  const close = async () => {
    for (const child of children.values()) signal(child, 'SIGCONT')
    await Promise.all([...children.values()].map(child => child.stop(0)))
    for (const line of lines.values()) await line.close()
  }
  try {
    const [certificates] = await Promise.all([
      certify(dir),
      onceThere(databaseUrl)
        .then(() => prepare(databaseUrl, reference, () => {}))
        .then(() =>
          withDatabase(databaseUrl, async db => {
            await seedOperators(db, new Date())
            await writeRegistry(db)
            await writeActive(
              db,
              day.orders.map(({ order }) => order),
            )
          }),
        ),
      flush(servers.redisUrl),
    ])
    // Once: a bank that was killed comes back on the day on which it began.
    const today = shanghaiDate(new Date())
    const banks = await Promise.all(day.banks.map(bank => bankIn(dir, today, bank)))
    const env: NodeJS.ProcessEnv = {
      ...cleanEnv(servers),
      ...certificates.env,
      DATABASE_URL: await through('line-mariadb', databaseUrl),
      REDIS_URL: await through('line-redis', servers.redisUrl),
      ...(extras.webhook ? { TAXLINK_WEBHOOK_URL: extras.webhook.url, TAXLINK_WEBHOOK_SECRET: extras.webhook.secret } : {}),
      TAXLINK_INTERNAL_PORT: '0',
      TAXLINK_LEASE_MS: String(leaseMs),
      TAXLINK_SWEEP_MS: '300',
    }
    for (const bank of banks) env[`TAXLINK_BANK_${bank.bankCode}_URL`] = await through(`line-${bank.bankCode}`, bank.url)
    const process = (child: string, verb: 'serve' | 'work', port: number) => {
      const orders: Orders | undefined = extras.points && {
        dir: extras.points.dir,
        role: child.replace(/-.*/, ''),
        armed: extras.points.armed.get(child) ?? [],
      }
      const loader = orders ? ['--import', file('test/patch/points.ts')] : []
      const more = orders ? { CHAOS_POINTS: JSON.stringify(orders) } : {}
      return start(child, [...loader, file('gateway/main.ts'), verb], { ...env, ...more, TAXLINK_PORT: String(port) })
    }
    const named = (role: string, n: number) => Array.from({ length: n }, (_, i) => `${role}-${i + 1}`)
    const targets = { gateways: named('gateway', gateways), workers: named('worker', workers), banks: banks.map(b => `bank-${b.bankCode}`) }
    const up = banks.map(({ bankCode, args }) => start(`bank-${bankCode}`, args, cleanEnv(servers)))
    // A port of its own each, so that a gateway that was killed comes back where its callers look for it.
    const serving = await Promise.all(targets.gateways.map(async n => process(n, 'serve', await freePort())))
    const working = targets.workers.map(n => process(n, 'work', 0))
    const controls = await Promise.all(
      up.map(async (child, i) => {
        const [, url] = await said(child, /^control (\S+)$/)
        await said(child, /^ready/)
        return { bankCode: banks[i]!.bankCode, url: url! }
      }),
    )
    const urls = await Promise.all(serving.map(async child => (await said(child, /^ready (\S+)/))[1]!))
    await Promise.all(working.map(child => said(child, /^ready/)))
    return {
      targets,
      urls,
      tls: certificates.taxSystem,
      operators: certificates.operators,
      controls,
      databaseUrl,
      suffer: async (line, toxic) => {
        const proxy = lines.get(line)
        if (!proxy) throw new Error(`there is no ${line}`)
        await proxy.suffer(toxic)
      },
      befall: accident => befall(servers, children, accident),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}

const befall = async (servers: CrashServers, children: ReadonlyMap<string, Child>, { what, target, forMs }: Accident): Promise<void> => {
  if (what === 'flush') return flush(servers.redisUrl)
  if (target === 'mariadb' || target === 'redis') {
    await servers.kill(target)
    await pause(forMs)
    return servers.revive()
  }
  const child = children.get(target)
  if (!child) throw new Error(`there is no ${target}`)
  if (what === 'kill') return signal(child, 'SIGKILL')
  const { pid } = child
  const paused = pid()
  signal(child, 'SIGSTOP')
  await pause(forMs)
  if (paused === pid()) signal(child, 'SIGCONT')
}

/** A process that is just between two lives hears nothing. */
const signal = (child: Child, name: NodeJS.Signals): void => {
  const pid = child.pid()
  if (!pid) return
  try {
    process.kill(pid, name)
  } catch {
    // It has ended, and is about to be started again.
  }
}

/** FLUSHALL, by hand; a Redis that is away has nothing to lose. */
const flush = async (redisUrl: string): Promise<void> => {
  const { connect } = await import('node:net')
  const { port } = new URL(redisUrl)
  await new Promise<void>(done => {
    const socket = connect(Number(port), '127.0.0.1', () => socket.write('FLUSHALL\r\n'))
    socket.once('data', () => socket.destroy())
    socket.once('error', () => {})
    socket.once('close', () => done())
  })
}

const onceThere = async (databaseUrl: string): Promise<void> => {
  const { answers } = await import('../../gateway/store/database.ts')
  for (let left = 200; !(await answers(databaseUrl, true)); left--) {
    if (left === 0) throw new Error('MariaDB does not answer')
    await pause(50)
  }
}

/** The environment of this process without what would configure a gateway; what Node has compiled once, the next life of a process uses again. */
const cleanEnv = (servers: CrashServers): NodeJS.ProcessEnv => ({
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TAXLINK_|DATABASE_URL|REDIS_URL|NODE_OPTIONS)/.test(name))),
  NODE_COMPILE_CACHE: join(servers.dir, 'compiled'),
})

const certify = async (dir: string) => {
  const pki = await developmentPki(join(dir, 'pki'))
  const write = (name: string, pem: Pem) => {
    const folder = join(dir, 'tls', name)
    mkdirSync(folder, { recursive: true })
    for (const [part, text] of Object.entries({ 'ca.pem': pki.ca, 'cert.pem': pem.cert, 'key.pem': pem.key }))
      writeFileSync(join(folder, part), text, { mode: 0o600 })
    return (part: string) => join(folder, `${part}.pem`)
  }
  const person = async (cn: string, uri: string): Promise<Identity> => ({ ca: pki.ca, ...(await pki.issue({ cn, uri })) })
  const server = write('server', pki.server)
  const client = write('client', await pki.issue({ cn: 'gateway to banks', uri: 'urn:taxlink:gateway:crash' }))
  write('4310', await pki.issue({ cn: 'bank', uri: 'urn:taxlink:bank:4310' }, { server: true }))
  return {
    taxSystem: await person('tax system', taxSystem),
    operators: [await person('operator', 'urn:taxlink:operator:zhang'), await person('operator', 'urn:taxlink:operator:li')] as const,
    env: {
      TAXLINK_TLS_CA: server('ca'),
      TAXLINK_TLS_CERT: server('cert'),
      TAXLINK_TLS_KEY: server('key'),
      TAXLINK_BANK_CA: client('ca'),
      TAXLINK_BANK_CERT: client('cert'),
      TAXLINK_BANK_KEY: client('key'),
    },
  }
}

const schemes: { readonly [code: string]: string } = { 4301: 'tcp', 4306: 'http', 4310: 'https' }

/** A bank's files and arguments; its ports are chosen beforehand, so that the gateways need not wait for it. */
const bankIn = async (dir: string, today: string, { code, accounts, plan, dedupe }: Day['banks'][number]) => {
  const folder = join(dir, 'banks', code)
  mkdirSync(folder, { recursive: true })
  const write = (name: string, content: unknown): string => {
    writeFileSync(join(folder, name), JSON.stringify(content))
    return join(folder, name)
  }
  const port = await freePort()
  const options = {
    '--bank': code,
    '--accounts': write('accounts.json', accounts),
    '--plan': write('plan.json', plan),
    '--accounting-date': today,
    '--journal': join(folder, 'journal'),
    '--dedupe': dedupe,
    '--port': String(port),
    '--control-port': String(await freePort()),
    ...(code === '4310' ? { '--tls-dir': join(dir, 'tls', '4310') } : {}),
  }
  return {
    bankCode: code,
    url: `${schemes[code]}://127.0.0.1:${port}`,
    args: [file('conformance/simulator/main.ts'), ...Object.entries(options).flat()],
  }
}

const said = async (child: Child, pattern: RegExp): Promise<RegExpMatchArray> => {
  const found = await Promise.race([child.line(pattern), pause(120_000, undefined, { ref: false })])
  if (!found) throw new Error(`${child.name} did not come up`)
  return found
}
