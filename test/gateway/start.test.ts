import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test } from 'vitest'
import { scratch } from '../scratch.ts'
import { openSftp } from '../sftp.ts'
import { until } from './stage.ts'

// The first thing anybody runs: `start`, from nothing, as a program of its own.

const main = resolve(import.meta.dirname, '../../gateway/main.ts')
const dir = scratch('taxlink-start-')
const children: ChildProcess[] = []
afterAll(() => {
  for (const child of children) if (child.exitCode === null) child.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

type Run = { readonly child: ChildProcess; readonly out: () => string; readonly err: () => string; readonly code: Promise<number | null> }
/** Runs the program with nothing of this test's own configuration in its environment. */
const run = (args: readonly string[], env: Record<string, string> = {}): Run => {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(TAXLINK_|DATABASE_URL|REDIS_URL|npm_)/.test(name)))
  const child = spawn(process.execPath, [main, ...args], { env: { ...clean, ...env }, stdio: ['ignore', 'pipe', 'pipe'] })
  children.push(child)
  let [out, err] = ['', '']
  child.stdout.on('data', (part: Buffer) => (out += part.toString()))
  child.stderr.on('data', (part: Buffer) => (err += part.toString()))
  return { child, out: () => out, err: () => err, code: new Promise(done => child.once('close', done)) }
}

/** The processes that have this directory among their arguments or in their environment. */
const livingIn = (folder: string): string[] =>
  readdirSync('/proc')
    .filter(pid => /^[0-9]+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap(pid => {
      try {
        const cmdline = readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        return cmdline !== '' && `${cmdline}${readFileSync(`/proc/${pid}/environ`, 'utf8')}`.includes(folder)
          ? [cmdline.replaceAll('\0', ' ')]
          : []
      } catch {
        return []
      }
    })
const allGone = (folder: string) =>
  existsSync('/proc/self/environ') ? until('every process has ended', () => livingIn(folder).length === 0, 30_000) : Promise.resolve()

const balanced = /平: 两边逐笔相符,分毫不差 \/ balanced, ticket by ticket, to the fen/

describe('start, on one machine, from nothing', () => {
  const env = { TAXLINK_DATA_DIR: dir, TAXLINK_PORT: '0', TAXLINK_INTERNAL_PORT: '0' }

  test('the plug is pulled in the middle of the day: nothing is left running', async () => {
    const first = run(['start', '--once'], env)
    await until('the day has begun', () => /已发送 sent [1-9]/.test(first.out()), 400_000)
    if (existsSync('/proc/self/environ')) expect(livingIn(dir).length).toBeGreaterThanOrEqual(7)
    first.child.kill('SIGKILL')
    expect(await first.code).toBe(null)
    await allGone(dir)
  }, 460_000)

  test('--once after that: what was interrupted is brought to its end, the day balances, exit 0, nothing is left running', async () => {
    // One of the banks has an SFTP server over the folder into which it writes its files, and that is how they are fetched.
    const folder = join(dir, 'banks', '4306', 'out')
    mkdirSync(folder, { recursive: true })
    const sftp = await openSftp(folder)
    onTestFinished(() => sftp.close())
    const files = {
      TAXLINK_BANK_4306_FILES: `sftp://taxlink@127.0.0.1:${sftp.port}/`,
      TAXLINK_BANK_4306_FILES_KEY: sftp.key,
      TAXLINK_BANK_4306_FILES_HOST: sftp.host,
    }
    const second = run(['start', '--once'], { ...env, ...files })
    expect({ code: await second.code, err: second.err() }).toEqual({ code: 0, err: '' })
    const text = second.out()
    expect(text).toMatch(balanced)
    for (const who of ['tax-system', 'operator-zhang', 'operator-li']) expect(existsSync(join(dir, 'tls', who, 'cert.pem'))).toBe(true)
    expect(text).toMatch(/已发送 sent 449\/449 {2}已确定 certain 449\/449/)
    // Six reversals, two supplementary debits and two void tickets at each bank; the stops may have come too late in the day that was interrupted.
    for (const bank of ['4301 湘江银行', '4306 洞庭农商银行', '4310 桃源银行'])
      expect(text).toMatch(new RegExp(`^${bank} +6 +5,114\\.88 +2 +572\\.00 +[0-2] +2$`, 'm'))
    for (const bank of ['4301 湘江银行', '4306 洞庭农商银行', '4310 桃源银行']) expect(text).toMatch(new RegExp(`^${bank} .*=$`, 'm'))
    // What was planted is found as what it is, remedied and over, kind by kind; books, vouchers and receipts are one sum.
    const kinds = text.split('\n').filter(line => / 3 +3 +\S.* 3 +(?:已确认|已更正|银行自理) /.test(line))
    expect(kinds.length).toBeGreaterThanOrEqual(12)
    expect(text).toMatch(new RegExp(`^合计 total +${kinds.length * 3} +${kinds.length * 3} +${kinds.length * 3}$`, 'm'))
    for (const bank of ['4301', '4306', '4310']) expect(text).toMatch(new RegExp(`^${bank} +[0-9]+ +平 balanced .*=$`, 'm'))
    // Every file of its three sessions was fetched there, put away and answered.
    expect(sftp.connections).toBeGreaterThan(0)
    const fetched = readdirSync(join(folder, 'done'))
    expect(fetched.length).toBeGreaterThanOrEqual(3)
    expect(readdirSync(join(folder, 'receipts')).sort()).toEqual(fetched.map(name => `${name}.json`).sort())
    // The same sum on both sides, whatever it is.
    const [, tax, bank] = /^合计 total.*?([0-9,]+\.[0-9]{2}) +([0-9,]+\.[0-9]{2})/m.exec(text) ?? []
    expect(tax).toBe(bank)
    expect(tax).toMatch(/[1-9]/)
    await allGone(dir)
  }, 600_000)

  test('the next start answers every ticket from the record, and serves until it is stopped', async () => {
    const third = run(['start'], env)
    await until('it serves', () => third.out().includes('Ctrl-C'), 400_000)
    expect(third.out()).toMatch(/449 笔为重复指令|449 were repeats/)
    expect(third.out()).toMatch(balanced)
    const health = /http:\/\/127\.0\.0\.1:[0-9]+\/readyz/.exec(third.out())?.[0]
    expect((await fetch(health ?? '')).status).toBe(200)
    third.child.kill('SIGTERM')
    expect({ code: await third.code, err: third.err() }).toEqual({ code: 0, err: '' })
    await allGone(dir)
  }, 600_000)
})

describe('configuration', () => {
  const secrets = {
    DATABASE_URL: 'mysql://gateway:Pa55word@db.example.com:3306/taxlink',
    REDIS_URL: 'redis://:Sesame-open@redis.example.com:6379/0',
    TAXLINK_WEBHOOK_URL: 'https://tax.example.com/results',
    TAXLINK_WEBHOOK_SECRET: 'thirty-two-characters-of-secrecy!',
  }

  test('--print-config shows what is in force and none of the secrets', async () => {
    const shown = run(['--print-config'], { ...secrets, TAXLINK_SWEEP_MS: '777' })
    expect(await shown.code).toBe(0)
    expect(shown.out()).toContain('TAXLINK_SWEEP_MS=777')
    expect(shown.out()).toContain('DATABASE_URL=mysql://gateway:***@db.example.com:3306/taxlink')
    expect(shown.out()).toContain('TAXLINK_WEBHOOK_SECRET=***')
    for (const secret of ['Pa55word', 'Sesame-open', secrets.TAXLINK_WEBHOOK_SECRET])
      expect(shown.out() + shown.err()).not.toContain(secret)
  })

  test('what is wrong with it exits 78 and is named, all of it, with no value', async () => {
    const refused = run(['start', '--once'], {
      ...secrets,
      TAXLINK_PORT: '70000',
      TAXLINK_SWEP_MS: '1',
      TAXLINK_WEBHOOK_SECRET: 'too short',
    })
    expect(await refused.code).toBe(78)
    for (const name of ['TAXLINK_PORT', 'TAXLINK_SWEP_MS', 'TAXLINK_SWEEP_MS', 'TAXLINK_WEBHOOK_SECRET'])
      expect(refused.err()).toContain(name)
    expect(refused.out() + refused.err()).not.toMatch(/Pa55word|Sesame-open|too short|70000/)
  })

  test('a mistake on the command line exits 2', async () => {
    const refused = run(['start', '--twice'])
    expect(await refused.code).toBe(2)
    expect(refused.err()).not.toMatch(/ at .*\.ts:[0-9]+/)
  })
})

describe('a machine without the servers', () => {
  // Servers are also looked for where packages usually put them; only where Redis stands outside of these can its absence be played.
  const usual = ['/usr/sbin', '/usr/local/sbin', '/usr/libexec', '/usr/local/bin', '/opt/homebrew/bin', dirname(process.execPath)]
  const hidden = !usual.some(folder =>
    ['redis-server', 'valkey-server'].some(name => {
      try {
        accessSync(join(folder, name), constants.X_OK)
        return true
      } catch {
        return false
      }
    }),
  )

  test.skipIf(!hidden)('exits 69 and gives the command that installs them', async () => {
    const other = scratch('taxlink-start-')
    const refused = run(['start', '--once'], { TAXLINK_DATA_DIR: other, PATH: dirname(process.execPath) })
    expect(await refused.code).toBe(69)
    expect(refused.err()).toMatch(/T4002 .*Redis/s)
    expect(refused.err()).toMatch(/install/)
    await allGone(other)
    rmSync(other, { recursive: true, force: true })
  })
})
