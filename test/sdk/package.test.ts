import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

// The package as a bank installs it: built, packed, unpacked beside its dependencies, and used by plain JavaScript of another project.

const root = join(import.meta.dirname, '../..')
const here = mkdtempSync(join(tmpdir(), 'bank-sdk-'))
const project = join(here, 'project')
const installed = join(project, 'node_modules/@taxlink/bank-sdk')
const run = (command: string, args: readonly string[], cwd: string): string => {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stdout}${stderr}`)
  return stdout
}

const program = `
import { bank, codes, constant, debitRequest, debitResult, dial, inquiryRequest, inquiryResult, keyText, left, omit, outcome, record, right, serve, tcp, ymd } from '@taxlink/bank-sdk'

const head = [['officeCode', left(12)], ['entrustDate', ymd], ['serialNo', left(8)], ['ticketNo', left(18)]]
const answer = [...head, ['result', codes({ '00': '90000', '51': '24003' })], ['amount', right(15)], omit('bankSerial', 'accountingDate')]
const yuanjiang = bank({
  code: '4399', name: '沅江银行', document: 'test', line: tcp(4),
  debit: {
    request: record(debitRequest, 'gbk', 155, [constant('D1'), ...head, ['taxpayerName', left(60)], ['account', left(32)], ['amount', right(15)], omit('workDate', 'channel', 'taxpayerId', 'agreementNo', 'payerBankNo', 'treasuryCode', 'clearingNo', 'remittanceAccount', 'items')]),
    reply: record(debitResult, 'gbk', 65, [constant('D2'), ...answer]),
  },
  inquiry: {
    request: record(inquiryRequest, 'gbk', 48, [constant('Q1'), ...head, omit('workDate')]),
    reply: record(inquiryResult, 'gbk', 65, [constant('Q2'), ...answer]),
  },
})

const request = { officeCode: '24301020000', entrustDate: '2026-09-10', serialNo: '00000001', ticketNo: '143010260900001234', taxpayerName: '倈珅商行', account: '6222021901001234567', amount: 123456 }
const bytes = yuanjiang.debit.request.encode(request)
const server = await serve(yuanjiang, {
  debit: ({ amount }) => ({ result: outcome('90000'), amount }),
  inquiry: () => ({ result: outcome('90000'), amount: 0 }),
}, { port: 0 })
const peer = dial(yuanjiang.line, server.url, { connections: 1, pipeline: 1, connectMs: 5000, idleMs: 5000 }, answer => {
  const value = yuanjiang.debit.reply.decode(answer)
  return { key: keyText(value), value }
})
const reply = await peer.ask({ bytes, key: keyText(request), timeoutMs: 5000 })
await peer.close()
await server.close()
let refused
try { yuanjiang.debit.request.encode({ ...request, taxpayerName: '𬎆' }) } catch (fault) { refused = fault.toJSON() }
console.log(JSON.stringify({ hex: Buffer.from(bytes.subarray(48, 60)).toString('hex'), back: yuanjiang.debit.request.decode(bytes), reply, refused: [refused.code, refused.at.field] }))
`

const readme = readFileSync(join(root, 'sdk/README.md'), 'utf8')
const typed = `
import { type Bank, type Outcome, type RequestOf, codes, debitResult, left, outcome, record, recognise } from '@taxlink/bank-sdk'
export const good: Outcome = outcome('90000')
export const request: RequestOf<'debit'>['amount'] = 1
export const found = (bank: Bank, bytes: Uint8Array) => recognise(bank, bytes)?.codec.message.id
// @ts-expect-error no such unified code
outcome('12345')
// @ts-expect-error forgotten fields
record(debitResult, 'gbk', 18, [['ticketNo', left(18)]])
// @ts-expect-error a word that is no unified code
codes({ '00': 'succeeded' })
`

beforeAll(() => {
  run(process.execPath, [join(root, 'sdk/build.ts'), join(here, 'dist')], root)
  const [packed] = JSON.parse(run('npm', ['pack', './dist', '--json', '--offline'], here)) as { readonly filename: string }[]
  mkdirSync(installed, { recursive: true })
  run('tar', ['-xzf', packed!.filename, '--strip-components=1', '-C', installed], here)
  for (const name of ['iconv-lite', 'saxes', 'xml2js', '@types'])
    symlinkSync(join(root, 'node_modules', name), join(project, 'node_modules', name))
  writeFileSync(join(project, 'package.json'), '{"type":"module"}')
  writeFileSync(join(project, 'program.js'), program)
  writeFileSync(join(project, 'typed.ts'), typed)
  for (const [, text, name] of readme.matchAll(/^```ts\n(\/\/ (\w+\.ts)\n.*?)^```$/gms)) writeFileSync(join(project, name!), text!)
})
afterAll(() => rmSync(here, { recursive: true, force: true }))

describe('the package of the SDK', () => {
  test('holds JavaScript, declarations, source maps and its page; no TypeScript source, no test', () => {
    const files = readdirSync(installed)
    expect(files).toEqual(expect.arrayContaining(['README.md', 'index.d.ts', 'index.js', 'index.js.map', 'package.json']))
    expect(files.filter(name => !/\.(js|d\.ts|js\.map)$|^README\.md$|^package\.json$/.test(name))).toEqual([])
    const own = JSON.parse(readFileSync(join(root, 'sdk/package.json'), 'utf8'))
    const { name, version, dependencies, engines } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
    expect({ name, version, dependencies, engines }).toEqual({
      name: own.name,
      version: own.version,
      dependencies: own.dependencies,
      engines: own.engines,
    })
  })

  test('needs nothing but what its manifest names', () => {
    const { dependencies } = JSON.parse(readFileSync(join(installed, 'package.json'), 'utf8'))
    const scripts = readdirSync(installed).filter(name => name.endsWith('.js'))
    const imported = scripts.flatMap(name =>
      [...readFileSync(join(installed, name), 'utf8').matchAll(/from '([^']+)'/g)].map(match => match[1]!),
    )
    const foreign = new Set(imported.filter(name => !name.startsWith('./') && !name.startsWith('node:')))
    expect([...foreign].sort()).toEqual(Object.keys(dependencies).sort())
    expect(imported.filter(name => name.startsWith('./') && !name.endsWith('.js'))).toEqual([])
  })

  // the oldest Node the package promises is tried where this machine has it
  const others = ['/usr/bin/node', '/usr/local/bin/node'].filter(path => spawnSync(path, ['-v']).status === 0)
  test.each([process.execPath, ...others])('declares a bank, serves it and asks it on %s', node => {
    const said = JSON.parse(run(node, ['program.js'], project))
    expect(said.hex).toBe('827cab7cc9ccd0d020202020')
    expect(said.back).toMatchObject({ taxpayerName: '倈珅商行', amount: 123_456 })
    expect(said.reply).toEqual({
      officeCode: '24301020000',
      entrustDate: '2026-09-10',
      serialNo: '00000001',
      ticketNo: '143010260900001234',
      result: { class: 'succeeded', code: '90000', bankCode: '00' },
      amount: 123_456,
    })
    expect(said.refused).toEqual(['T1002', 'taxpayerName'])
  })

  test('brings its types: a wrong table does not compile, the page of the package does', () => {
    const compiler = join(root, 'node_modules/typescript/bin/tsc')
    const options = [
      '--noEmit',
      '--strict',
      '--target',
      'es2022',
      '--module',
      'nodenext',
      '--types',
      'node',
      '--allowImportingTsExtensions',
    ]
    const { status, stdout } = spawnSync(process.execPath, [compiler, ...options, 'typed.ts', 'bank.ts', 'server.ts'], {
      cwd: project,
      encoding: 'utf8',
    })
    expect(stdout).toBe('')
    expect(status).toBe(0)
  })
})
