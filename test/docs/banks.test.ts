import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { type Bank, type FileCodec, outcome, pushes, servePushes } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import xiangjiang from '../../adapters/xiangjiang/index.ts'
import { messagesOf } from '../../docs/banks/subjects.ts'
import { complete, parseSample } from '../adapters/samples.ts'
import { readAll } from '../sdk/file-kit.ts'

// docs/banks.md as its reader lives it: its code is compiled, its sample completed, its simulator run, its debit sent.

const root = join(import.meta.dirname, '../..')
const guide = readFileSync(join(root, 'docs/banks.md'), 'utf8')
const blocks = [...guide.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language, text]) => ({ language, text: text! }))
const block = (language: string, start: string): string => blocks.find(b => b.language === language && b.text.startsWith(start))?.text ?? ''

mkdirSync(join(root, '.data'), { recursive: true })
const here = mkdtempSync(join(root, '.data/guide-'))
const put = (path: string, text: string): string => {
  mkdirSync(dirname(join(here, path)), { recursive: true })
  writeFileSync(join(here, path), text)
  return join(here, path)
}
const declaration = put('adapters/yuanjiang/index.ts', block('ts', '// adapters/yuanjiang/index.ts'))
const ask = put('ask.ts', block('ts', '// ask.ts'))
const tell = put('tell.ts', block('ts', '// tell.ts'))
const files = put('files.ts', block('ts', '// files.ts'))
put('adapters/xiangjiang/index.ts', readFileSync(join(root, 'adapters/xiangjiang/index.ts'), 'utf8'))
for (const file of ['codes.ts', 'parts.ts', 'day-end.ts'])
  put(`adapters/xiangjiang/${file}`, readFileSync(join(root, 'adapters/xiangjiang', file), 'utf8'))
const accounts = put('accounts.json', block('json', '[{ "account"'))
afterAll(() => rmSync(here, { recursive: true, force: true }))

test('the declaration compiles and loads', async () => {
  put('tsconfig.json', JSON.stringify({ extends: '../../tsconfig.json', include: ['.'], exclude: [] }))
  const compiled = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', here], { encoding: 'utf8' })
  expect(compiled.stdout).toBe('')
  const { default: bank } = (await import(pathToFileURL(declaration).href)) as { readonly default: Bank }
  expect(bank.code).toBe('4320')
})

test('a byte too many does not load, with the words of the page', async () => {
  const wrong = put('wrong.ts', readFileSync(declaration, 'utf8').replace('185', '186'))
  await expect(import(pathToFileURL(wrong).href)).rejects.toThrow(/`(the cells take .*)`/.exec(guide)![1]!)
})

test('the sample is completed and read back', async () => {
  const { default: bank } = (await import(pathToFileURL(declaration).href)) as { readonly default: Bank }
  const { codec } = messagesOf(bank).get('debit.request')!
  const sample = complete(parseSample(block('text', '# 沅江银行')), codec)
  expect(codec.decode(Buffer.from(sample.hex, 'hex'))).toEqual(sample.value)
  expect(sample.message).toContain('|倈珅商行')
})

test('the file of the page is written, and read back', async () => {
  const written = spawnSync(process.execPath, [files])
  expect(written.stdout.toString('latin1')).toMatch(/^H\|4320\|.*\r\nD\|.*\|1234\.56\|Y\|.*\|0\|\r\nT\|1\|1234\.56\|0\.00\|\r\n$/s)
  const { detail } = (await import(pathToFileURL(files).href)) as { readonly detail: FileCodec<'detail'> }
  const { lines, trailer } = await readAll(detail, written.stdout)
  expect(lines).toMatchObject([{ serialNo: '00000017', amount: 123_456, verb: 'debit' }])
  expect(trailer).toEqual({ count: 1, debitSum: 123_456, creditSum: 0 })
})

test('what the page tells the gateway arrives, and its receipt comes back', async () => {
  const told: object[] = []
  const hear = (message: object) => {
    told.push(message)
    return { result: outcome('90000') }
  }
  const gateway = await servePushes(xiangjiang, Object.fromEntries(pushes.map(push => [push, hear])))
  onTestFinished(() => gateway.close(0))
  const program = spawn(process.execPath, [tell, gateway.url], { stdio: ['ignore', 'pipe', 'inherit'] })
  let said = ''
  program.stdout.on('data', part => (said += String(part)))
  expect(await once(program, 'exit')).toEqual([0, null])
  expect(said).toContain("code: '90000'")
  expect(told).toMatchObject([
    { serialNo: '70000001', taxpayerName: '长沙市芙蓉区湘绣商行', boundOn: '2026-03-12', credential: 'not-issued' },
  ])
})

describe('the simulator', () => {
  const [program, ...options] = /^node (conformance\S+) (.*)$/m
    .exec(guide)!
    .slice(1)
    .flatMap(words => words.split(' '))
  let simulator: ChildProcess
  const urls = new Map<string, string>()
  const asked = () => spawnSync(process.execPath, [ask, urls.get('ready')!], { encoding: 'utf8' })
  const ledger = async () =>
    (await (await fetch(`${urls.get('control')}/ledger`)).json()) as { readonly entries: readonly { readonly amount: number }[] }

  beforeAll(async () => {
    const at = new Map([
      ['adapters/yuanjiang/index.ts', declaration],
      ['accounts.json', accounts],
      ['7001', '0'],
    ])
    const given = options.map(option => at.get(option) ?? option)
    simulator = spawn(process.execPath, [join(root, program!), ...given], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const line of createInterface({ input: simulator.stdout! })) {
      const [what, url] = line.split(' ')
      urls.set(what!, url!)
      if (what === 'ready') break
    }
  })
  afterAll(async () => {
    const ended = once(simulator, 'exit')
    simulator.kill('SIGTERM')
    await ended
  })

  test('takes the debit of the page, and takes it once', async () => {
    for (let i = 0; i < 2; i++) expect(asked()).toMatchObject({ status: 0, stdout: expect.stringContaining("code: '90000'") })
    expect((await ledger()).entries.map(entry => entry.amount)).toEqual([123_456])
  })

  test('fails as the plan of the page says, and the money has moved all the same', async () => {
    await fetch(`${urls.get('control')}/plan`, { method: 'POST', body: block('json', '[\n  { "when"') })
    expect(asked()).toMatchObject({ status: 1, stderr: expect.stringContaining('T2004') })
    expect((await ledger()).entries).toHaveLength(1)
  })
})
