// End to end on this machine: our gateway with everything on (mutual TLS, idempotency, journal, outbox) against the plain design of ./plain,
// over the same database server, the same Redis, the same simulated bank. Rounds alternate; figures are medians, and ratios of one run.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Child, keep } from '../../gateway/child.ts'
import { services } from '../../gateway/local.ts'
import { developmentPki } from '../../gateway/pki.ts'
import { prepare, sampleReference } from '../../gateway/prepare.ts'
import { openDatabase } from '../../gateway/store/database.ts'
import { parseReference } from '../../gateway/store/reference.ts'
import { writeActive } from '../gateway/agreements.ts'
import { writeRegistry } from '../registry.ts'
import { connect, cpuOf, load, now, postOf, type Sent, type Target } from './load.ts'
import { median, quantile, type Row } from './row.ts'

const account = '4301000000000000001'
const order = (ticketNo: string) => ({
  ticketNo,
  officeCode: '14301020000',
  bankCode: '4301',
  channel: 'computer',
  taxpayerId: '91430100600012345X',
  taxpayerName: '长沙星城机械有限公司',
  agreementNo: 'XY0001',
  account,
  payerBankNo: '313551000001',
  amount: 123,
  items: [
    {
      taxCode: '10101',
      taxName: '增值税',
      budgetSubject: '101010106',
      budgetLevel: '1',
      periodStart: '2026-10-01',
      periodEnd: '2026-10-31',
      amount: 100,
    },
    {
      taxCode: '10109',
      taxName: '城市维护建设税',
      budgetSubject: '101090600',
      budgetLevel: '3',
      periodStart: '2026-10-01',
      periodEnd: '2026-10-31',
      amount: 23,
    },
  ],
})

/** One design under test: its target, its processes, and how to see what is done. */
type Design = {
  readonly name: string
  readonly target: Target
  readonly processes: readonly Child[]
  done(from: string, to: string): Promise<Map<string, number>>
}
/** A process by its name and id. */
type Named = { readonly name: string; readonly pid: number }
export type Round = {
  readonly rate: number
  readonly cpuUs: number
  /** CPU a debit of each process, µs. */
  readonly split: ReadonlyMap<string, number>
  readonly postP99: number
  readonly p50: number
  readonly p99: number
}

let tickets = 0
const ticketAt = (n: number): string => String(430_000_000_000_000_000n + BigInt(n))

/** Runs one round: `count` debits, and waits until each is done at the bank and in the record. */
export const run = async (design: Design, others: readonly Named[], count: number, connections: number, rate?: number): Promise<Round> => {
  const first = tickets + 1
  const posts = Array.from({ length: count }, (_, i) => ({
    ticketNo: ticketAt(first + i),
    post: postOf(JSON.stringify(order(ticketAt(first + i)))),
  }))
  tickets += count
  const all = [...design.processes.map(({ name, pid }) => ({ name, pid: pid()! })), ...others, { name: 'client', pid: process.pid }]
  const sockets = await connect(design.target, connections)
  const before = all.map(({ pid }) => cpuOf(pid))
  const began = now()
  const sent: Sent = await load(sockets, n => posts[n]!, count, rate)
  if (sent.refused > 0) throw new Error(`${design.name}: ${sent.refused} of ${count} were not accepted`)
  let done = new Map<string, number>()
  for (const patience = now() + 120_000; done.size < count && now() < patience; await pause(100))
    done = await design.done(ticketAt(first), ticketAt(first + count - 1))
  if (done.size < count) throw new Error(`${design.name}: only ${done.size} of ${count} were done`)
  const split = new Map(all.map(({ name, pid }, i) => [name, (cpuOf(pid) - before[i]!) / count]))
  const took = [...done].map(([ticketNo, at]) => at - sent.at.get(ticketNo)!)
  const last = Math.max(...done.values())
  return {
    rate: count / ((last - began) / 1000),
    cpuUs: [...split.values()].reduce((sum, us) => sum + us, 0),
    split,
    postP99: quantile(sent.posts, 0.99),
    p50: median(took),
    p99: quantile(took, 0.99),
  }
}

const ready = async (child: Child, pattern: RegExp): Promise<RegExpMatchArray> => {
  const found = await Promise.race([child.line(pattern), pause(30_000)])
  if (!found) throw new Error(`${child.name} did not come up`)
  return found
}

/** The sample reference data, with a bank that takes as many at once as its lines carry. */
const benchReference = (dir: string): string => {
  const file = parseReference(readFileSync(sampleReference, 'utf8'))
  const banks = file.banks.map(bank => ({
    ...bank,
    policy: { ...bank.policy, concurrency: bank.policy.connections * bank.policy.pipeline },
  }))
  const path = join(dir, 'reference.json')
  writeFileSync(path, JSON.stringify({ ...file, version: 'bench', banks }))
  return path
}

/** Brings up both designs over one set of servers; `use` gets them and the processes they share. */
export const withDesigns = async <T>(use: (ours: Design, plain: Design, shared: readonly Named[]) => Promise<T>): Promise<T> => {
  const dir = mkdtempSync(join(tmpdir(), 'taxlink-bench-'))
  const running = await services({ dir, production: false, say: () => {} })
  const children: Child[] = []
  const db = openDatabase(running.databaseUrl, { connections: 2 })
  try {
    await prepare(running.databaseUrl, benchReference(dir), () => {})
    await writeRegistry(db)
    await writeActive(db, [order('')])
    await db.execute(`CREATE TABLE plain_debit (id BIGINT AUTO_INCREMENT PRIMARY KEY, ticket_no CHAR(18) CHARACTER SET ascii NOT NULL UNIQUE, amount BIGINT NOT NULL, status TINYINT NOT NULL,
      body TEXT NOT NULL, bank_serial VARCHAR(20) NULL, created_at DATETIME(3) NOT NULL, updated_at DATETIME(3) NULL)`)
    const pki = await developmentPki(join(dir, 'pki'))
    const tax = await pki.issue({ cn: 'bench', uri: 'urn:taxlink:tax-system:bench' })
    const file = (name: string, text: string) => {
      const path = join(dir, name)
      writeFileSync(path, text, { mode: 0o600 })
      return path
    }
    mkdirSync(join(dir, 'log'), { recursive: true })
    const start = (name: string, args: string[], env: NodeJS.ProcessEnv) => {
      const child = keep({
        name,
        args,
        env: { ...process.env, ...env },
        log: join(dir, 'log', `${name}.log`),
        restarted: how => process.stderr.write(`${name}: ${how}\n`),
      })
      children.push(child)
      return child
    }
    const accounts = file('accounts.json', JSON.stringify([{ account, balance: '900000000000000', name: '长沙星城机械有限公司' }]))
    const bank = start('bank', ['conformance/simulator/main.ts', '--bank', '4301', '--accounts', accounts], {})
    const bankUrl = (await ready(bank, /^ready (\S+)$/))[1]!
    const env = {
      DATABASE_URL: running.databaseUrl,
      REDIS_URL: running.redisUrl,
      TAXLINK_BANK_4301_URL: bankUrl,
      TAXLINK_PORT: '0',
      TAXLINK_INTERNAL_PORT: '0',
      TAXLINK_LOG_LEVEL: 'warn',
      TAXLINK_TLS_CA: file('ca.pem', pki.ca),
      TAXLINK_TLS_CERT: file('cert.pem', pki.server.cert),
      TAXLINK_TLS_KEY: file('key.pem', pki.server.key),
    }
    const gateway = start('gateway', ['gateway/main.ts', 'serve'], env)
    const worker = start('worker', ['gateway/main.ts', 'work'], env)
    const plainApi = start('plain-api', ['test/bench/plain/api.ts'], env)
    const plainWorker = start('plain-worker', ['test/bench/plain/worker.ts'], env)
    const [, url] = await ready(gateway, /^ready (\S+)/)
    const [, plainUrl] = await ready(plainApi, /^ready (\S+)/)
    await Promise.all([ready(worker, /^ready/), ready(plainWorker, /^ready/)])
    const doneBy = (sql: string) => async (from: string, to: string) =>
      new Map((await db.query<{ ticketNo: string; at: Date }>(sql, [from, to])).map(row => [row.ticketNo, row.at.getTime()]))
    const ours: Design = {
      name: 'taxlink',
      target: { url: url!, tls: { ca: pki.ca, ...tax } },
      processes: [gateway, worker],
      done: doneBy(
        "SELECT ticket_no AS ticketNo, settled_at AS at FROM instruction WHERE ticket_no BETWEEN ? AND ? AND state = 'succeeded'",
      ),
    }
    const plain: Design = {
      name: 'plain',
      target: { url: plainUrl! },
      processes: [plainApi, plainWorker],
      done: doneBy('SELECT ticket_no AS ticketNo, updated_at AS at FROM plain_debit WHERE ticket_no BETWEEN ? AND ? AND status = 2'),
    }
    const { mariadb, redis } = running.pids
    const servers = { bank: bank.pid(), mariadb, redis }
    return await use(
      ours,
      plain,
      Object.entries(servers).flatMap(([name, pid]) => (pid === undefined ? [] : [{ name, pid }])),
    )
  } finally {
    for (const child of children) await child.stop(2_000)
    await db.close()
    await running.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

/** The end-to-end goals: throughput and CPU in a closed loop, and the tail at a steady 300/s; rounds of both designs by turns. */
export const e2eBench = (rounds: number): Promise<Row[]> =>
  withDesigns(async (ours, plain, shared) => {
    const all: { ours: Round; plain: Round; oursAt300: Round; plainAt300: Round }[] = []
    await run(ours, shared, 5_000, 256)
    await run(plain, shared, 1_000, 64)
    for (let i = 0; i < rounds; i++) {
      all.push({
        ours: await run(ours, shared, 15_000, 256),
        plain: await run(plain, shared, 2_000, 64),
        oursAt300: await run(ours, shared, 1_500, 64, 300),
        plainAt300: await run(plain, shared, 1_500, 64, 300),
      })
    }
    const row = (
      name: string,
      unit: string,
      goal: number,
      higherIsBetter: boolean,
      mine: (r: (typeof all)[0]) => number,
      theirs: (r: (typeof all)[0]) => number,
    ): Row => ({
      name,
      unit,
      goal,
      higherIsBetter,
      peer: 'plain',
      ours: all.map(mine),
      peers: all.map(theirs),
    })
    return [
      row(
        'end to end, closed loop',
        'debits/s',
        4,
        true,
        r => r.ours.rate,
        r => r.plain.rate,
      ),
      {
        ...row(
          'CPU a debit, all processes',
          'µs',
          1,
          false,
          r => r.ours.cpuUs,
          () => 600,
        ),
        peer: 'bound',
      },
      row(
        'end-to-end p99 at 300/s',
        'ms',
        1,
        false,
        r => r.oursAt300.p99,
        r => r.plainAt300.p99,
      ),
    ]
  })
