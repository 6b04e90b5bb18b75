// One bank takes 30 seconds for everything: do the others notice? Three banks under a steady load, in two cities side by side, of which one has the
// sick bank; the figure is the p99 of the other banks' debits, from the POST to the settled record, round by round against the other city's.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Child, keep } from '../../gateway/child.ts'
import { services } from '../../gateway/local.ts'
import { developmentPki } from '../../gateway/pki.ts'
import { prepare, sampleReference } from '../../gateway/prepare.ts'
import { type Database, openDatabase } from '../../gateway/store/database.ts'
import { writeActive } from '../gateway/agreements.ts'
import { writeRegistry } from '../registry.ts'
import { connect, load, now, postOf, type Target } from './load.ts'
import { quantile, type Row } from './row.ts'

const sick = '4301'
const well = ['4306', '4310'] as const
const latencyMs = 30_000
/** Debits a second at each bank, and how long a round is (s). */
const [rate, roundSeconds] = [40, 12]

type City = { readonly target: Target; readonly db: Database; plan(rules: readonly object[]): Promise<void> }

/** The processes of an operator: three banks, a gateway, a worker; the sick bank is waited for so long. */
const withCity = async <T>(timeoutMs: number, use: (city: City) => Promise<T>): Promise<T> => {
  const dir = mkdtempSync(join(tmpdir(), 'taxlink-sick-'))
  const running = await services({ dir, production: false, say: () => {} })
  const children: Child[] = []
  const db = openDatabase(running.databaseUrl, { connections: 2 })
  const file = (name: string, text: string) => {
    const path = join(dir, name)
    mkdirSync(join(path, '..'), { recursive: true })
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const start = (name: string, args: string[], env: NodeJS.ProcessEnv = {}) => {
    const child = keep({ name, args, env: { ...process.env, ...env }, log: join(dir, 'log', `${name}.log`), restarted: () => {} })
    children.push(child)
    return child
  }
  try {
    await prepare(running.databaseUrl, file('reference.json', referenceOf(timeoutMs)), () => {})
    await writeRegistry(db)
    await writeActive(
      db,
      [sick, ...well].map(code => orderAt(0, code)),
    )
    const pki = await developmentPki(join(dir, 'pki'))
    const server = await pki.issue({ cn: 'bank', uri: 'urn:taxlink:bank:4310' }, { server: true })
    const client = await pki.issue({ cn: 'gateway', uri: 'urn:taxlink:gateway:bench' })
    for (const [name, text] of Object.entries({ ca: pki.ca, cert: server.cert, key: server.key })) file(`4310/${name}.pem`, text)
    const banks = [sick, ...well].map(code => {
      const account = { account: `${code}000000000000001`, balance: '900000000000000', name: '长沙星城机械有限公司' }
      const secure = code === '4310' ? ['--tls-dir', join(dir, '4310')] : []
      const args = ['--bank', code, '--accounts', file(`${code}.json`, JSON.stringify([account])), ...secure]
      return start(`bank-${code}`, ['conformance/simulator/main.ts', ...args])
    })
    const said = await Promise.all(
      banks.map(async bank => ({ control: (await ready(bank, /^control (\S+)/))[1]!, url: (await ready(bank, /^ready (\S+)/))[1]! })),
    )
    const env = {
      DATABASE_URL: running.databaseUrl,
      REDIS_URL: running.redisUrl,
      ...Object.fromEntries([sick, ...well].map((code, i) => [`TAXLINK_BANK_${code}_URL`, said[i]!.url])),
      TAXLINK_PORT: '0',
      TAXLINK_INTERNAL_PORT: '0',
      TAXLINK_LOG_LEVEL: 'warn',
      TAXLINK_TLS_CA: file('tls/ca.pem', pki.ca),
      TAXLINK_TLS_CERT: file('tls/cert.pem', pki.server.cert),
      TAXLINK_TLS_KEY: file('tls/key.pem', pki.server.key),
      TAXLINK_BANK_CA: file('client/ca.pem', pki.ca),
      TAXLINK_BANK_CERT: file('client/cert.pem', client.cert),
      TAXLINK_BANK_KEY: file('client/key.pem', client.key),
    }
    const gateway = start('gateway', ['gateway/main.ts', 'serve'], env)
    const worker = start('worker', ['gateway/main.ts', 'work'], env)
    const [, url] = await ready(gateway, /^ready (\S+)/)
    await ready(worker, /^ready/)
    const tax = await pki.issue({ cn: 'bench', uri: 'urn:taxlink:tax-system:bench' })
    return await use({
      target: { url: url!, tls: { ca: pki.ca, ...tax } },
      db,
      plan: async rules => {
        const told = await fetch(new URL('/plan', said[0]!.control), { method: 'POST', body: JSON.stringify(rules) })
        if (!told.ok) throw new Error(`the plan was refused: ${await told.text()}`)
      },
    })
  } finally {
    for (const child of children) await child.stop(2_000)
    await db.close()
    await running.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

/** The sample province; no ladder ends within a round, so that every debit succeeds at last. */
const referenceOf = (timeoutMs: number): string => {
  const file = JSON.parse(readFileSync(sampleReference, 'utf8')) as { banks: { code: string; policy: object }[] }
  const banks = file.banks.map(bank => (bank.code === sick ? { ...bank, policy: { ...bank.policy, timeoutMs } } : bank))
  return JSON.stringify({ ...file, version: 'sick', banks })
}

const ready = async (child: Child, pattern: RegExp): Promise<RegExpMatchArray> => {
  const found = await Promise.race([child.line(pattern), pause(180_000, undefined, { ref: false })])
  if (!found) throw new Error(`${child.name} did not come up`)
  return found
}

const orderAt = (n: number, bankCode: string) => ({
  ticketNo: String(430_000_000_000_000_000n + BigInt(n)),
  officeCode: '14301020000',
  bankCode,
  channel: 'computer',
  taxpayerId: '91430100600012345X',
  taxpayerName: '长沙星城机械有限公司',
  agreementNo: `XY${bankCode}`,
  account: `${bankCode}000000000000001`,
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
      amount: 123,
    },
  ],
})

let tickets = 0
/** One round: each bank's debits come over lines of their own; resolves to the p99 of the healthy banks' (ms), once all of them are settled. */
const round = async ({ target, db }: City): Promise<number> => {
  const count = rate * roundSeconds
  const before = tickets
  const send = async (bankCode: string) => {
    const first = tickets + 1
    tickets += count
    const bodies = Array.from({ length: count }, (_, i) => {
      const order = orderAt(first + i, bankCode)
      return { ticketNo: order.ticketNo, post: postOf(JSON.stringify(order)) }
    })
    return await load(await connect(target, 32), n => bodies[n]!, count, rate)
  }
  const [others] = await Promise.all([Promise.all(well.map(send)), send(sick)])
  const sent = new Map(others.flatMap(each => [...each.at]))
  for (const patience = now() + 180_000; ; await pause(200)) {
    const rows = await db.query<{ ticketNo: string; at: Date }>(
      "SELECT ticket_no AS ticketNo, settled_at AS at FROM instruction WHERE bank_code <> ? AND state = 'succeeded' AND ticket_no > ?",
      [sick, orderAt(before, sick).ticketNo],
    )
    const took = rows.flatMap(row => (sent.has(row.ticketNo) ? [row.at.getTime() - sent.get(row.ticketNo)!] : []))
    if (took.length === sent.size) return quantile(took, 0.99)
    if (now() > patience) throw new Error(`only ${took.length} of ${sent.size} debits of the other banks were settled`)
  }
}

/** Until nothing is open any more. */
const drained = async ({ db }: City): Promise<void> => {
  for (const patience = now() + 240_000; ; await pause(250)) {
    const [row] = await db.query<{ n: number }>('SELECT COUNT(*) AS n FROM instruction WHERE settled_at IS NULL')
    if (Number(row?.n) === 0) return
    if (now() > patience) throw new Error(`${row?.n} debits did not come to an end`)
  }
}

const slowly = ['debit', 'inquiry', 'linkTest'].map(verb => ({ when: { verb, every: 1 }, do: 'slow', ms: latencyMs, times: 1_000_000 }))

/**
 * Rounds in two cities at once, one with the sick bank and one with all well, so that whatever else the machine does befalls both; in the second
 * half they change places, so that neither city's luck counts.
 */
const rounds = (timeoutMs: number, times: number): Promise<{ ours: number[]; peers: number[] }> =>
  withCity(timeoutMs, one =>
    withCity(timeoutMs, async other => {
      const [ours, peers]: [number[], number[]] = [[], []]
      await Promise.all([round(one), round(other)])
      for (const [ill, healthy] of [
        [one, other],
        [other, one],
      ] as const) {
        await ill.plan(slowly)
        // The load begins with the sickness already there, as most of a bad day does; the round in which it begins is thrown away.
        await Promise.all([round(ill), round(healthy)])
        for (let i = 0; i < Math.ceil(times / 2); i++) {
          const [slow, well] = await Promise.all([round(ill), round(healthy)])
          ours.push(slow)
          peers.push(well)
        }
        await ill.plan([])
        await drained(ill)
      }
      return { ours, peers }
    }),
  )

/** The other banks' p99 while one takes 30 s: given up after two seconds (the breaker opens), and waited for to the end (its places are full). */
export const sickBench = async (times: number): Promise<Row[]> => {
  const row = { unit: 'ms', peer: 'all well', goal: 0.91, higherIsBetter: false }
  return [
    { ...row, name: 'other banks’ p99, one at 30 s, given up after 2 s', ...(await rounds(2_000, times)) },
    { ...row, name: 'other banks’ p99, one at 30 s, waited for', ...(await rounds(60_000, times)) },
  ]
}
