import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { pathToFileURL } from 'node:url'
import { type Bank, fail } from '@taxlink/bank-sdk'
import { banks } from '#adapters'
import { type Child, keep } from './child.ts'
import type { Config } from './config.ts'
import { balanceText } from './day/balance.ts'
import { seedBanks } from './day/banks.ts'
import { firstDay, withYears } from './day/calendar.ts'
import { dayEndText } from './day/day-end.ts'
import { sampleOperators, seedOperators } from './day/operators.ts'
import { playDay } from './day/play.ts'
import { claim, type Services, services } from './local.ts'
import { type DevelopmentPki, developmentPki, type Pem } from './pki.ts'
import { freePort } from './ports.ts'
import { prepare, sampleReference, withDatabase } from './prepare.ts'

const home = resolve(import.meta.dirname, '..')
const file = (path: string) => join(home, path)
const accountsOf = (bankCode: string) => file(`gateway/day/accounts-${bankCode}.json`)

export type StartOptions = {
  /** Play the day, print the balance, end; the exit code says whether it balanced. */
  readonly once: boolean
  readonly say: (line: string) => void
  /** Shows how far the day is. */
  readonly progress: (sent: number, settled: number, of: number) => void
  /** Given, as soon as there is something to stop, what stops it. */
  readonly began?: (stop: () => Promise<void>) => void
}
/** Everything that `start` brought up. */
export type Started = {
  readonly url: string
  readonly internalUrl: string
  readonly balanced: boolean
  readonly children: readonly Child[]
  stop(): Promise<void>
}

/** The banks whose line is TLS with certificates on both sides. */
const secured = new Set(['4310'])

type Simulated = {
  readonly bankCode: string
  readonly name: string
  readonly url: string
  readonly control: string
  readonly day: string
  readonly child: Child
}

/**
 * The whole on one machine: private servers where none are given, migrations, reference data, a development authority, three simulated banks,
 * a gateway and a worker, each a process of its own; then the sample filing day through all of them.
 */
export const start = async (config: Config, options: StartOptions): Promise<Started> => {
  const { say } = options
  if (config.production) fail('bad-config', 'start is for development; in production run migrate, serve and work under a service manager')
  const dir = resolve(config.dataDir)
  mkdirSync(dir, { recursive: true })
  const giveBack = claim(dir)
  const children: Child[] = []
  let servers: Services | undefined
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= (async () => {
      // The gateway first: what is in flight still finds its banks; then the banks, then the record.
      for (const child of children.toReversed()) await child.stop()
      await servers?.stop()
      giveBack()
    })()
    return stopped
  }
  // A bank may still be on its way when everything is called off: it is stopped as it comes.
  const born = (child: Child) => {
    children.push(child)
    if (stopped) void child.stop()
  }
  options.began?.(stop)
  const restarted = (name: string) => (how: string) => say(`${name}: ${how}, 重新启动 / started again`)
  try {
    const pki = await developmentPki(join(dir, 'pki'))
    // A bank that was just declared has no part in the sample day yet.
    const playing = banks.filter(bank => existsSync(accountsOf(bank.code)))
    const port = await freePort(config.port)
    const hearing = await hearingOf(playing, port)
    const folders = foldersOf(playing, dir)
    const start = (bank: Bank) =>
      startBank(bank, { push: hearing.get(bank.code), folder: folders.get(bank.code) }, dir, pki, born, restarted(`bank ${bank.code}`))
    const banksUp = Promise.all(playing.map(start))
    // Waited for below; until then its failure is nobody's.
    banksUp.catch(() => {})
    const running = await services({ databaseUrl: config.databaseUrl, redisUrl: config.redisUrl, dir, production: false, say })
    servers = running
    say(
      running.how === 'given'
        ? '使用给定的数据库与 Redis / using the given servers'
        : `数据库 / database  ${running.databaseUrl}\nRedis             ${running.redisUrl}`,
    )
    await prepare(running.databaseUrl, config.reference ?? sampleReference, say, text =>
      config.reference ? text : withYears(text, new Date()),
    )
    await withDatabase(running.databaseUrl, async db => {
      await seedOperators(db, new Date())
      await seedBanks(db, () => new Date())
    })
    const env = await environment(dir, config, running, pki, port)
    const simulated = await banksUp
    for (const bank of simulated) say(`模拟银行 / simulated bank  ${bank.bankCode} ${bank.name}  ${bank.url}`)
    const gatewayEnv = {
      ...env.variables,
      ...Object.fromEntries(simulated.map(bank => [`TAXLINK_BANK_${bank.bankCode}_URL`, bank.url])),
      ...Object.fromEntries(
        [...folders].map(([code, folder]) => [`TAXLINK_BANK_${code}_FILES`, filesAt(code) ?? pathToFileURL(folder).href]),
      ),
    }
    // A bank of the unified interface tells on the public port, by its certificate.
    const listens = [...hearing].filter(([, url]) => !url.startsWith('https:')).map(([code, url]) => [`TAXLINK_BANK_${code}_LISTEN`, url])
    const processOf = (name: string, verb: string, extra: NodeJS.ProcessEnv = {}) => {
      const child = keep({
        name,
        args: [file('gateway/main.ts'), verb],
        env: { ...gatewayEnv, ...extra },
        log: join(dir, 'log', `${name}.log`),
        restarted: restarted(name),
      })
      born(child)
      return child
    }
    const gateway = processOf('gateway', 'serve', Object.fromEntries(listens))
    const worker = processOf('worker', 'work', { TAXLINK_INTERNAL_PORT: '0' })
    const [, url, internalUrl] = await ready(gateway, /^ready (\S+) (\S+)$/, dir)
    await ready(worker, /^ready/, dir)
    say(`网关 / gateway  ${url}`)
    say('演示申报日开始 / the sample filing day begins')
    const balance = await playDay({
      url: url!,
      taxSystem: { ca: pki.ca, ...env.taxSystem },
      operators: [
        { ca: pki.ca, ...env.operators.get('zhang')! },
        { ca: pki.ca, ...env.operators.get('li')! },
      ],
      county: { ca: pki.ca, ...env.operators.get('wu')! },
      closing: () => say('日终对账开始 / the day-end begins'),
      banks: simulated,
      bound: count => say(`账号已绑定 / accounts bound  ${count}`),
      progress: options.progress,
      patienceMs: 90_000,
    })
    if (balance.repeated > 0)
      say(`其中 ${balance.repeated} 笔为重复指令,按原结果答复,银行未再扣款 / ${balance.repeated} were repeats, answered from the record`)
    for (const line of dayEndText(balance.dayEnds)) say(line)
    for (const line of balanceText(balance)) say(line)
    return { url: url!, internalUrl: internalUrl!, balanced: balance.faults.length === 0, children, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Where the environment says that the files of a bank are to be fetched: the simulated bank's folder over SFTP, say. */
const filesAt = (code: string): string | undefined => process.env[`TAXLINK_BANK_${code}_FILES`]

/** Our environment for a child; what Node has compiled once is used again, which halves the time of the next start. */
const nodeEnv = (dir: string): NodeJS.ProcessEnv => ({ NODE_COMPILE_CACHE: join(dir, 'compiled'), ...process.env })

const writePem = (folder: string, ca: string, pem: Pem): void => {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  for (const [name, text] of Object.entries({ 'ca.pem': ca, 'cert.pem': pem.cert, 'key.pem': pem.key }))
    writeFileSync(join(folder, name), text, { mode: 0o600 })
}

/** Certificates for all sides, and the environment of the processes. */
const environment = async (
  dir: string,
  config: Config,
  running: { databaseUrl: string; redisUrl: string },
  pki: DevelopmentPki,
  port: number,
) => {
  const taxSystem = await pki.issue({ cn: 'sample tax system', uri: 'urn:taxlink:tax-system:demo' })
  const gateway = await pki.issue({ cn: 'gateway to banks', uri: 'urn:taxlink:gateway:development' })
  const at = (name: string) => join(dir, 'tls', name)
  const operator = async (name: string): Promise<Pem> => {
    const pem = await pki.issue({ cn: `sample operator ${name}`, uri: `urn:taxlink:operator:${name}` })
    writePem(at(`operator-${name}`), pki.ca, pem)
    return pem
  }
  const operators = new Map<string, Pem>()
  for (const { name } of sampleOperators) operators.set(name, await operator(name))
  writePem(at('server'), pki.ca, pki.server)
  writePem(at('gateway'), pki.ca, gateway)
  writePem(at('tax-system'), pki.ca, taxSystem)
  const variables: NodeJS.ProcessEnv = {
    ...nodeEnv(dir),
    DATABASE_URL: running.databaseUrl,
    REDIS_URL: running.redisUrl,
    TAXLINK_PORT: String(port),
    TAXLINK_INTERNAL_PORT: String(await freePort(config.internalPort)),
    TAXLINK_FILES: join(dir, 'files'),
    // The simulated banks give a file its name when it is whole.
    TAXLINK_FILES_SETTLE_MS: '100',
    // A day of a few hundred debits is to be seen soon: what waits for the next round waits less.
    TAXLINK_SWEEP_MS: process.env.TAXLINK_SWEEP_MS ?? '500',
    // The sample day may be played at night.
    TAXLINK_WRITE_OFF_FROM: '00:00',
    TAXLINK_TLS_CA: join(at('server'), 'ca.pem'),
    TAXLINK_TLS_CERT: join(at('server'), 'cert.pem'),
    TAXLINK_TLS_KEY: join(at('server'), 'key.pem'),
    TAXLINK_BANK_CA: join(at('gateway'), 'ca.pem'),
    TAXLINK_BANK_CERT: join(at('gateway'), 'cert.pem'),
    TAXLINK_BANK_KEY: join(at('gateway'), 'key.pem'),
  }
  return { taxSystem, operators, variables }
}

/** Where the gateway is to hear each bank that tells: on a line of its own in its dialect, or on the public port. */
const hearingOf = async (playing: readonly Bank[], port: number): Promise<Map<string, string>> => {
  const urls = new Map<string, string>()
  for (const { code, push, bindingResult } of playing) {
    if (bindingResult?.request.layout === 'json') urls.set(code, `https://127.0.0.1:${port}`)
    else if (push) urls.set(code, `${push.kind}://127.0.0.1:${await freePort()}`)
  }
  return urls
}

/** The folders into which banks put their files; one of the unified interface uploads them. */
const foldersOf = (playing: readonly Bank[], dir: string): Map<string, string> =>
  new Map(
    playing.flatMap(({ code, bindingResult }) =>
      bindingResult?.request.layout === 'json' ? [] : [[code, join(dir, 'banks', code, 'out')] as const],
    ),
  )

/** A simulated bank as a process; its ledger outlives it, under its first accounting date. */
const startBank = async (
  { code, name }: Bank,
  { push: pushUrl, folder }: { readonly push: string | undefined; readonly folder: string | undefined },
  dir: string,
  pki: DevelopmentPki,
  born: (child: Child) => void,
  restarted: (how: string) => void,
): Promise<Simulated> => {
  const own = join(dir, 'banks', code)
  writePem(join(own, 'tls'), pki.ca, await pki.issue({ cn: name, uri: `urn:taxlink:bank:${code}` }, { server: true }))
  const dayFile = join(own, 'accounting-date')
  if (!existsSync(dayFile)) writeFileSync(dayFile, firstDay(new Date()))
  const day = readFileSync(dayFile, 'utf8').trim()
  // Fixed ports, so that a bank that was killed comes back where the gateway looks for it.
  const [port, controlPort] = [await freePort(), await freePort()]
  const child = keep({
    name: `bank-${code}`,
    args: [
      file('conformance/simulator/main.ts'),
      '--bank',
      code,
      '--accounts',
      accountsOf(code),
      '--plan',
      file(`gateway/day/plan-${code}.json`),
      '--accounting-date',
      day,
      '--journal',
      join(own, 'journal'),
      '--port',
      String(port),
      '--control-port',
      String(controlPort),
      ...(secured.has(code) ? ['--tls-dir', join(own, 'tls')] : []),
      ...(pushUrl === undefined ? [] : ['--push-url', pushUrl]),
      ...(pushUrl?.startsWith('https:') ? ['--push-tls-dir', join(own, 'tls'), '--files-url', pushUrl] : []),
      ...(folder === undefined ? [] : ['--files-folder', folder]),
    ],
    env: nodeEnv(dir),
    log: join(dir, 'log', `bank-${code}.log`),
    restarted,
  })
  born(child)
  const [, control] = await ready(child, /^control (\S+)$/, dir)
  const [, url] = await ready(child, /^ready (\S+)$/, dir)
  return { bankCode: code, name, url: url!, control: control!, day, child }
}

const ready = async (child: Child, pattern: RegExp, dir: string): Promise<RegExpMatchArray> => {
  const late = new AbortController()
  const found = await Promise.race([
    child.line(pattern),
    pause(180_000, undefined, { signal: late.signal, ref: false }).catch(() => undefined),
  ])
  late.abort()
  return found ?? fail('service-missing', `${child.name} did not come up within 180 s; see ${join(dir, 'log', `${child.name}.log`)}`)
}
