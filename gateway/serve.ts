import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { assemble, type Parts } from './assemble.ts'
import type { Config } from './config.ts'
import { calendarWarning, daysKnown } from './domain/calendar-days.ts'
import type { DebitState } from './domain/debit.ts'
import { certificateDays, haltedBanks, openCities } from './domain/reference.ts'
import { shanghaiDate } from './domain/time.ts'
import { missingFiles } from './flows/file-due.ts'
import { type Note, standings } from './flows/flow.ts'
import type { FileBounds } from './flows/intake.ts'
import { sessionStates } from './flows/reconcile.ts'
import type { Way } from './flows/ways.ts'
import { folderWay } from './folder.ts'
import { openHearing } from './hearing.ts'
import { check, type Internal, openInternal } from './http/internal.ts'
import { openHttp } from './http/server.ts'
import { deliveryBody } from './http/shapes.ts'
import { openWaiters, type Waiters } from './http/waiters.ts'
import { keysOf } from './keys.ts'
import { logNotes, openLog } from './log.ts'
import { type Metrics, openMetrics } from './metrics.ts'
import { developmentPki } from './pki.ts'
import { migrationsDir } from './prepare.ts'
import { sftpWay } from './sftp.ts'
import { readBacklog } from './store/backlog.ts'
import { clockAhead } from './store/clock.ts'
import { pending } from './store/migrate.ts'
import { openSpool, type Spool } from './store/spool.ts'
import { postWebhook } from './webhook.ts'
import { startWork } from './work.ts'

/** The configuration of a process whose servers are given. */
export type InForce = Config & { readonly databaseUrl: string; readonly redisUrl: string }

type Base = {
  readonly parts: Parts
  readonly waiters: Waiters
  readonly metrics: Metrics
  readonly internal: (closing: () => boolean) => Promise<Internal>
}

/** What both kinds of process have: the parts, log, metrics and the internal port. */
const base = async (config: InForce, role: string): Promise<Base> => {
  const log = openLog({ level: config.logLevel })
  const hear: { note: (note: Note) => void; settled: (key: string, state: DebitState) => void } = {
    note: logNotes(log),
    settled: () => {},
  }
  const parts = await assemble(config, role, { note: note => hear.note(note), settled: (key, state) => hear.settled(key, state) })
  const waiters = openWaiters(keys => standings(parts.store, keys))
  const metrics = openMetrics({
    slots: parts.slots,
    health: () => parts.guard.state(),
    waiting: () => waiters.count,
    backlog: () => readBacklog(parts.db, parts.flow.clock()),
    halted: () => haltedBanks(parts.flow.reference()),
    missingFiles: () => missingFiles(parts.flow),
    sessions: () => sessionStates(parts.flow),
    breaks: () => parts.store.openBreaks(parts.flow.clock()),
    clockAhead: () => clockAhead(parts.db, parts.flow.clock),
    openCities: () => openCities(parts.flow.reference()),
    calendarDays: () => daysKnown(parts.flow.reference().calendar, shanghaiDate(parts.flow.clock())),
    certificateDays: () => certificateDays(parts.flow.reference(), shanghaiDate(parts.flow.clock())),
    isBank: code => parts.flow.reference().banks.has(code),
    process: true,
  })
  const toLog = hear.note
  hear.note = note => {
    toLog(note)
    metrics.observe(note)
  }
  hear.settled = waiters.settled
  const all = {
    database: check(() => parts.db.query('SELECT 1').then(() => true), '数据库没有应答', 'the database does not answer'),
    migrations: check(
      async () => (await pending(config.databaseUrl, migrationsDir)).length === 0,
      '数据库结构未升级,先运行 migrate',
      'migrations are pending: run migrate',
    ),
    reference: check(
      async () => parts.flow.reference().version !== '',
      '没有基础资料,先运行 migrate',
      'there is no reference data: run migrate',
    ),
    clock: check(
      async () => parts.flow.isTimely(),
      '本机时钟与数据库相差超过 10 秒:校准 NTP',
      'the clock of this machine and that of the database are more than 10 s apart: see to NTP',
    ),
    redis: check(() => parts.queue.isAlive(), 'Redis 没有应答', 'Redis does not answer'),
  }
  // Without Redis the gateway accepts and sends as ever and must stay in the balancer; only a worker waits for wake-ups.
  const { redis: _notForServe, ...others } = all
  const checks = role === 'work' ? all : others
  return {
    parts,
    waiters,
    metrics,
    internal: closing =>
      openInternal({
        host: config.internalHost,
        port: config.internalPort,
        checks,
        closing,
        metrics,
        warnings: () => calendarWarning(daysKnown(parts.flow.reference().calendar, shanghaiDate(parts.flow.clock()))),
        banks: () => parts.guard.state(),
      }),
  }
}

/** The gateway process: the public interface, and the first attempt of what it accepts. */
export const serve = async (config: InForce): Promise<{ readonly url: string; readonly internalUrl: string; stop(): Promise<void> }> => {
  const { parts, waiters, metrics, internal } = await base(config, 'serve')
  const http = await openHttp({
    flow: parts.flow,
    slots: parts.slots,
    waiters,
    tls: await serverTls(config),
    keys: keysOf(config),
    files: { spool: await spoolOf(config), bounds: boundsOf(config) },
    host: config.host,
    port: config.port,
    served: metrics.served,
  })
  // Banks with a dialect of their own are heard on lines of their own.
  const hearing = await openHearing({ flow: parts.flow, listens: config.listens, tls: await hearingTls(config) })
  const inside = await internal(() => http.closing)
  // New certificates without a restart: a service manager's reload. What cannot be used is noted, and the old ones stay.
  const reload = () => {
    Promise.all([serverTls(config), hearingTls(config)])
      .then(([tls, forBanks]) => {
        // The stricter first: what one of them refuses, none of them takes.
        if (forBanks) hearing.reload(forBanks)
        http.reload(tls)
      })
      .catch((error: unknown) => parts.flow.note({ event: 'trouble', detail: `certificates: ${String(error)}` }))
  }
  process.on('SIGHUP', reload)
  return {
    url: http.url,
    internalUrl: inside.url,
    stop: async () => {
      process.off('SIGHUP', reload)
      await Promise.all([http.close(), hearing.close()])
      await parts.close()
      await inside.close()
    },
  }
}

/** A worker process: brings what is left over to a certain end, and tells the tax side. */
export const work = async (config: InForce): Promise<{ readonly internalUrl: string; stop(): Promise<void> }> => {
  const { parts, waiters, internal } = await base(config, 'work')
  let closing = false
  const files = { spool: await spoolOf(config), ways: waysOf(config), bounds: boundsOf(config), settleMs: config.filesSettleMs }
  const working = startWork(parts.flow, parts.slots, parts.queue, {
    relayMs: 250,
    sweepMs: config.sweepMs,
    books: true,
    writeOffFrom: config.writeOffFrom,
    files,
    ...webhookOf(config, parts),
  })
  const inside = await internal(() => closing)
  return {
    internalUrl: inside.url,
    stop: async () => {
      closing = true
      await working.stop()
      waiters.close()
      await parts.close()
      await inside.close()
    },
  }
}

/** The spool of this process: all write into one directory, under names of their own until a file is whole. */
const spoolOf = (config: InForce): Promise<Spool> => openSpool(config.filesDir, randomUUID)

const boundsOf = ({ filesMost, filesDay, filesFree }: InForce): FileBounds => ({ most: filesMost, day: filesDay, free: filesFree })

/** The directories that the workers look into. */
const waysOf = ({ bankFiles }: InForce): Way[] =>
  Object.entries(bankFiles).map(([code, { url, key = '', host = '' }]) =>
    url.startsWith('sftp:') ? sftpWay(code, { url, key, host }) : folderWay(code, fileURLToPath(url)),
  )

const webhookOf = (config: InForce, parts: Parts) => {
  const { webhook } = config
  if (webhook?.secret === undefined) return {}
  const to = { url: webhook.url, secret: webhook.secret, timeoutMs: 15_000 }
  return {
    webhook: {
      name: 'results',
      timeoutMs: to.timeoutMs,
      // The same run of results has the same id, so that a receiver can tell a repetition.
      send: (results: Parameters<typeof deliveryBody>[0]) =>
        postWebhook(to, `results-${results[0]?.seq}-${results.at(-1)?.seq}`, parts.flow.clock(), deliveryBody(results)),
    },
  }
}

/** What the gateway shows where it hears banks over TLS: its own certificate, and the authority of theirs. */
const hearingTls = async (config: InForce) => {
  const { ca } = config.bankTls
  const { cert, key } = await serverTls(config)
  return ca === undefined ? undefined : { ca: readFileSync(ca, 'utf8'), cert, key }
}

const serverTls = async (config: InForce) => {
  const { tls } = config
  if (tls) return { ca: readFileSync(tls.ca, 'utf8'), cert: readFileSync(tls.cert, 'utf8'), key: readFileSync(tls.key, 'utf8') }
  const pki = await developmentPki(join(config.dataDir, 'pki'))
  return { ca: pki.ca, ...pki.server }
}
