import { X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, request } from 'node:https'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { type Simulator, simulate } from '@taxlink/bank-conformance/simulator'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bankOf } from '#adapters'
import { type Child, keep } from '../../gateway/child.ts'
import { seedOperators } from '../../gateway/day/operators.ts'
import { shanghaiDate } from '../../gateway/domain/time.ts'
import { type DevelopmentPki, developmentPki } from '../../gateway/pki.ts'
import { prepare } from '../../gateway/prepare.ts'
import { emptyDatabase, type FreshDatabase, freshRedis } from '../database.ts'
import { writeRegistry } from '../registry.ts'
import { orderOf, planned, until, writeStageAgreements } from './stage.ts'

// The kill switch as operators use it: two serving processes and a worker, real sockets everywhere, and a line to the bank that can be cut.

const dir = mkdtempSync(join(tmpdir(), 'taxlink-halt-'))
const main = resolve(import.meta.dirname, '../../gateway/main.ts')
let fresh: FreshDatabase
let bank: Simulator
let line: Line
const children: Child[] = []
let gateways: string[] = []
let insides: string[] = []
let pki: DevelopmentPki
let ask: (who: 'ets' | 'zhang' | 'li', gateway: number, method: string, path: string, body?: unknown) => Promise<Said>

type Said = { readonly status: number; readonly body: { readonly [name: string]: unknown } }
type Line = { readonly port: number; cut(): void; mend(): Promise<void> }

/** A line to a port: while it is cut, nobody gets through. */
const openLine = async (to: number): Promise<Line> => {
  const sockets = new Set<Socket>()
  let server: Server
  let port = 0
  const mend = () =>
    new Promise<void>((done, failed) => {
      server = createServer(socket => {
        const other = connect(to, '127.0.0.1')
        for (const end of [socket, other]) {
          sockets.add(end)
          end.on('error', () => {})
          end.on('close', () => sockets.delete(end))
        }
        socket.pipe(other).pipe(socket)
      })
      server.once('error', failed)
      server.listen(port, '127.0.0.1', () => {
        const address = server.address()
        if (address instanceof Object) port = address.port
        done()
      })
    })
  await mend()
  return {
    port,
    mend,
    cut: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

/** The sample province, with a bank that is asked often and sent to rarely. */
const reference = (): string => {
  const file = JSON.parse(readFileSync('gateway/data/reference.json', 'utf8')) as { banks: { policy: object }[] }
  for (const each of file.banks)
    Object.assign(each.policy, {
      timeoutMs: 500,
      quiescenceMs: 600_000,
      inquiryLadderMs: Array.from({ length: 50 }, () => 300),
      redeliveryLadderMs: Array.from({ length: 50 }, () => 1_500),
    })
  writeFileSync(join(dir, 'reference.json'), JSON.stringify(file))
  return join(dir, 'reference.json')
}

beforeAll(async () => {
  fresh = await emptyDatabase(2)
  await prepare(fresh.url, reference(), () => {})
  await seedOperators(fresh.db, new Date())
  await writeRegistry(fresh.db)
  await writeStageAgreements(fresh.db)
  bank = await simulate(bankOf('4301')!, {
    accounts: [{ account: '4301000000000000001', balance: '99999999999999', name: '长沙星城机械有限公司' }],
    accountingDate: '2026-11-10',
    now: () => new Date(),
  })
  line = await openLine(Number(new URL(bank.url).port))
  pki = await developmentPki(join(dir, 'pki'))
  const env = {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TAXLINK_|DATABASE_URL|REDIS_URL|NODE_OPTIONS)/.test(name))),
    NODE_COMPILE_CACHE: join(dir, 'compiled'),
    DATABASE_URL: fresh.url,
    REDIS_URL: freshRedis().url,
    TAXLINK_DATA_DIR: dir,
    TAXLINK_PORT: '0',
    TAXLINK_INTERNAL_PORT: '0',
    TAXLINK_LEASE_MS: '2000',
    TAXLINK_SWEEP_MS: '200',
    TAXLINK_BANK_4301_URL: `tcp://127.0.0.1:${line.port}`,
  }
  const start = (name: string, verb: string) => {
    const child = keep({ name, args: [main, verb], env, log: join(dir, 'log', `${name}.log`), restarted: () => {} })
    children.push(child)
    return child.line(/^ready (\S+)(?: (\S+))?$/)
  }
  const ready = await Promise.all([start('one', 'serve'), start('two', 'serve'), start('worker', 'work')])
  gateways = ready.slice(0, 2).map(([, url]) => url!)
  insides = ready.map(([, first, second]) => second ?? first!)
  const agentOf = async (uri: string) => new Agent({ ca: pki.ca, ...(await pki.issue({ cn: 'x', uri: `urn:taxlink:${uri}` })) })
  const agents = { ets: await agentOf('tax-system:ets'), zhang: await agentOf('operator:zhang'), li: await agentOf('operator:li') }
  ask = (who, gateway, method, path, body) =>
    new Promise((done, failed) => {
      const bytes = body === undefined ? undefined : JSON.stringify(body)
      const headers = { prefer: 'wait=20', ...(bytes === undefined ? {} : { 'content-type': 'application/json' }) }
      request(new URL(path, gateways[gateway]), { method, agent: agents[who], headers }, answer => {
        let text = ''
        answer.on('data', (part: Buffer) => (text += part.toString()))
        answer.on('end', () => done({ status: answer.statusCode ?? 0, body: JSON.parse(text) as Said['body'] }))
      })
        .on('error', failed)
        .end(bytes)
    })
}, 120_000)
afterAll(async () => {
  await Promise.all(children.map(child => child.stop(2_000)))
  line.cut()
  await bank.close()
  await fresh.drop()
  rmSync(dir, { recursive: true, force: true })
})

const tickets = Array.from({ length: 9 }, (_, i) => `34300000000000000${i}`)
const order = (gateway: number, ticketNo: string) => ask('ets', gateway, 'POST', '/v1/debits', orderOf('4301', ticketNo))
const rowOf = async (ticketNo: string) =>
  (
    await fresh.db.query<{ state: string; attempts: number; sends: number; overdue: number }>(
      `SELECT i.state, i.attempt_no AS attempts, i.next_attempt_at <= UTC_TIMESTAMP(3) - INTERVAL 1 SECOND AS overdue,
         (SELECT COUNT(*) FROM attempt a WHERE a.instruction_id = i.id AND a.verb <> 'inquiry') AS sends
       FROM instruction i WHERE i.ticket_no = ?`,
      [ticketNo],
    )
  )[0]
/** Proposed through one gateway, approved through the other. */
const byTwo = async (orderNo: string, kind: string, content: object) => {
  const made = await ask('zhang', 0, 'POST', '/v1/proposals', { orderNo, kind, content, evidence: '银行来函' })
  expect(made.status).toBe(201)
  const said = await ask('li', 1, 'POST', `/v1/proposals/${String(made.body.id)}/approval`, { hash: made.body.hash })
  expect([said.status, said.body.state]).toEqual([200, 'approved'])
}
/** Whether every process, by its own figures, knows the bank to be halted. */
const knownTo = async (halted: boolean) => {
  const figures = await Promise.all(insides.map(async url => (await fetch(`${url}/metrics`)).text()))
  return figures.every(text => /^taxlink_bank_halted\{bank="4301"\} 1$/m.test(text) === halted)
}

test('a halted bank gets nothing more, is still asked, and goes on where it stopped', async () => {
  const [first, doubtful, held, refused, alsoRefused, last] = tickets as [string, string, string, string, string, string]
  expect((await order(0, first)).body.state).toBe('succeeded')

  // One that the bank has and did not answer, and one that could not be sent: then the line is gone.
  bank.plan([planned(doubtful, { do: 'silent-after-booking' })])
  void order(1, doubtful)
  await until('in doubt', async () => (await rowOf(doubtful))?.state === 'sent')
  await until('the bank has it', () => [...bank.ledger.entries()].length === 2)
  line.cut()
  void order(0, held)
  await until('it was not delivered', async () => (await rowOf(held))?.attempts === 1 && (await rowOf(held))?.state === 'accepted')

  await byTwo('halt-1', 'halt-bank', { bankCode: '4301', reason: '核心系统升级' })
  await until('every process knows', () => knownTo(true), 30_000)
  for (const [gateway, ticketNo] of [refused, alsoRefused].entries()) {
    const said = await order(gateway, ticketNo)
    expect([said.status, said.body.state]).toEqual([200, 'refused'])
    expect(said.body.result).toMatchObject({ code: '93014', bankText: '该银行已停用:核心系统升级' })
  }
  const sends = (await rowOf(held))!.sends

  // The line is mended: what the bank has is asked about and settled; what waits goes on waiting, though it is overdue.
  await line.mend()
  await until('asked and settled', async () => (await rowOf(doubtful))?.state === 'succeeded', 30_000)
  await until('overdue', async () => (await rowOf(held))?.overdue === 1)
  expect(await rowOf(held)).toMatchObject({ state: 'accepted', sends })
  expect([...bank.ledger.entries()].length).toBe(2)
  const { body } = await ask('li', 0, 'GET', '/v1/banks')
  expect((body.banks as { bankCode: string }[]).find(({ bankCode }) => bankCode === '4301')).toMatchObject({
    province: 'qualified',
    halt: { reason: '核心系统升级', proposedBy: 'urn:taxlink:operator:zhang', approvedBy: 'urn:taxlink:operator:li' },
    backlog: { waiting: 1, sent: 0, doubtful: 0, forPerson: 0 },
  })

  await byTwo('resume-1', 'resume-bank', { bankCode: '4301' })
  await until('every process knows', () => knownTo(false), 30_000)
  await until('what waited is sent', async () => (await rowOf(held))?.state === 'succeeded', 30_000)
  expect((await order(1, last)).body.state).toBe('succeeded')
  // Refused is refused: those tickets are the tax side's to order anew.
  expect((await rowOf(refused))?.state).toBe('refused')
  expect([...bank.ledger.entries()].length).toBe(4)
}, 120_000)

/** Whether the bank gets debits in so many cities, by the figures of every process. */
const openIn = async (cities: number) => {
  const figures = await Promise.all(insides.map(async url => (await fetch(`${url}/metrics`)).text()))
  return figures.every(text => text.includes(`taxlink_bank_open_cities{bank="4301"} ${cities}\n`))
}

test('a bank that a city suspends winds up there, and goes on by a new contract when it is resumed', async () => {
  const [unsent, refused, last] = tickets.slice(6) as [string, string, string]
  const place = { bankCode: '4301', cityCode: '14301000000', paperNo: '长国税函〔2026〕77号', paperDate: '2026-11-10' }
  await until('every process knows', () => openIn(5))
  line.cut()
  void order(0, unsent)
  await until('it was not delivered', async () => (await rowOf(unsent))?.attempts === 1 && (await rowOf(unsent))?.state === 'accepted')

  await byTwo('suspend-1', 'move-bank-in-city', { ...place, event: 'suspend' })
  await until('every process knows', () => openIn(4), 30_000)
  const said = await order(1, refused)
  expect(said.body.result).toMatchObject({ code: '93014', bankText: '银行的代理资格已暂停(第三十一条)' })
  await until('what was never sent is refused', async () => (await rowOf(unsent))?.state === 'refused', 30_000)

  const policyOf = async (gateway: number) => (await ask('zhang', gateway, 'GET', '/v1/banks/4301')).body.policy as { connections: number }
  const policy = { ...(await policyOf(0)), connections: 2, concurrency: 8 }
  const { cityCode: _city, ...contract } = place
  await byTwo('contract-1', 'change-contract', { ...contract, from: shanghaiDate(new Date()), policy })
  await byTwo('resume-2', 'move-bank-in-city', { ...place, event: 'resume' })
  await line.mend()
  await until('every process knows', () => openIn(5), 30_000)
  expect([await policyOf(0), await policyOf(1)]).toEqual([policy, policy])
  expect((await order(0, last)).body.state).toBe('succeeded')
}, 120_000)

/** The certificate that a gateway shows to a line of a tax system. */
const shownBy = async (gateway: number): Promise<string | undefined> => {
  const options: ConnectionOptions = { ca: pki.ca, ...(await pki.issue({ cn: 'x', uri: 'urn:taxlink:tax-system:ets' })) }
  return new Promise((done, failed) => {
    const socket = connectTls(Number(new URL(gateways[gateway]!).port), '127.0.0.1', options, () => {
      done(socket.getPeerX509Certificate()?.fingerprint256)
      socket.destroy()
    }).once('error', failed)
  })
}

test('a process that is told to reload shows its new certificate to whoever comes, and keeps the old one where the new is none', async () => {
  const [child] = children
  const { pid } = child!
  const before = pid()
  const fresh = await pki.issue({ cn: 'TaxLink development gateway', uri: 'urn:taxlink:gateway:development' }, { server: true })
  const file = join(dir, 'pki/server.pem')
  const expected = new X509Certificate(fresh.cert).fingerprint256
  expect(await shownBy(0)).not.toBe(expected)
  writeFileSync(file, fresh.cert + fresh.key)
  process.kill(before!, 'SIGHUP')
  await until('it shows the new one', async () => (await shownBy(0)) === expected)

  // The key of another: nothing of it is taken.
  const other = await pki.issue({ cn: 'TaxLink development gateway', uri: 'urn:taxlink:gateway:development' }, { server: true })
  writeFileSync(file, fresh.cert + other.key)
  process.kill(before!, 'SIGHUP')
  await until('it says so', () => /certificates: .*key/i.test(readFileSync(join(dir, 'log/one.log'), 'utf8')))
  expect(await shownBy(0)).toBe(expected)
  expect((await order(0, '343000000000000019')).body.state).toBe('succeeded')
  expect(pid()).toBe(before)
}, 60_000)
