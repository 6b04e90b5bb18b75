#!/usr/bin/env node
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { type Bank, Fault, fail } from '@taxlink/bank-sdk'
import { control } from './control.ts'
import type { FilesTo } from './delivery.ts'
import type { FileRule } from './detail.ts'
import type { Account } from './ledger.ts'
import type { Rule } from './plan.ts'
import { simulate } from './simulator.ts'

const usage = `A simulated bank as a process of its own.

node conformance/simulator/main.ts --bank <module or code> --accounts <file.json> [options]

  --bank             path of a module whose default export is a bank's declaration, or a code that ./adapters/index.ts knows
  --accounts         JSON: [{"account", "balance" in fen, "name"?, "state"?, "agreementNo"?, "taxpayerId"?, "branch"?}, …]
  --plan             JSON: [{"when": {"ticketNo" ending, "account", "key", "verb", "nth", "every"}, "do", "ms"?, "fen"?, "times"?}, …]
  --accounting-date  yyyy-MM-dd; today in Asia/Shanghai unless told
  --journal          a file in which every booking stands before it is answered, and from which the ledger is read back;
                     to be started again with the same accounts and accounting date
  --dedupe           by-key (default) or none: a bank that books repetitions
  --delay            milliseconds every answer takes
  --host --port      where to listen; 127.0.0.1 and a free port unless told
  --tls-dir          folder with ca.pem, cert.pem and key.pem; with it clients must show a certificate of that ca
  --push-url         where the gateway hears what the bank tells of its own accord; without it the bank keeps it to itself
  --push-tls-dir     folder with ca.pem, cert.pem and key.pem: what the bank shows of itself there
  --files-folder     a folder into which it writes its files
  --files-url        the gateway to which it uploads its files, with what --push-tls-dir holds
  --lines-per-file   how many lines a file has; all of a day unless told
  --file-plan        JSON: [{"when": {"accountingDate", "ticketNo" ending, "key", "verb", "nth", "every"}, "do", "fen"?, "until" session?}, …]
  --control-port     the control port on 127.0.0.1; a free one unless told

Prints "control <url>" and, once it serves, "ready <url>". Ends on SIGTERM and SIGINT.
`

const options = {
  bank: { type: 'string' },
  accounts: { type: 'string' },
  plan: { type: 'string' },
  'accounting-date': { type: 'string' },
  journal: { type: 'string' },
  dedupe: { type: 'string', default: 'by-key' },
  delay: { type: 'string', default: '0' },
  host: { type: 'string', default: '127.0.0.1' },
  port: { type: 'string', default: '0' },
  'tls-dir': { type: 'string' },
  'push-url': { type: 'string' },
  'push-tls-dir': { type: 'string' },
  'files-folder': { type: 'string' },
  'files-url': { type: 'string' },
  'lines-per-file': { type: 'string' },
  'file-plan': { type: 'string' },
  'control-port': { type: 'string', default: '0' },
  help: { type: 'boolean', default: false },
} as const

const main = async (): Promise<void> => {
  // Started by another process with a channel to it: when that one is gone, even before we serve, so are we.
  const alone = process.channel && once(process, 'disconnect')
  process.channel?.unref()
  const { values } = parseArgs({ options })
  if (values.help) {
    process.stdout.write(usage)
    return
  }
  const bank = await bankOf(values.bank ?? fail('bad-config', '--bank is missing'))
  const { dedupe } = values
  if (dedupe !== 'by-key' && dedupe !== 'none') fail('bad-config', '--dedupe is by-key or none')
  const simulator = await simulate(bank, {
    accounts: (await readJson(values.accounts ?? fail('bad-config', '--accounts is missing'))) as Account[],
    accountingDate: values['accounting-date'] ?? new Intl.DateTimeFormat('sv-SE', { timeZone: 'Asia/Shanghai' }).format(new Date()),
    now: () => new Date(),
    dedupe: dedupe === 'none' ? 'none' : 'by-key',
    delayMs: wholeNumber('--delay', values.delay),
    host: values.host,
    port: wholeNumber('--port', values.port),
    ...(values.plan === undefined ? {} : { plan: (await readJson(values.plan)) as Rule[] }),
    ...(values.journal === undefined ? {} : { journal: values.journal }),
    ...(values['tls-dir'] === undefined ? {} : { tls: await tlsFrom(values['tls-dir']) }),
    ...(values['push-url'] === undefined ? {} : { push: await pushTo(values['push-url'], values['push-tls-dir']) }),
    files: await filesTo(values),
    ...(values['file-plan'] === undefined ? {} : { filePlan: (await readJson(values['file-plan'])) as FileRule[] }),
    onFault: fault => process.stderr.write(`${fault.message}\n`),
  })
  const controls = await control(simulator, wholeNumber('--control-port', values['control-port']))
  const stop = (): void => {
    // A second signal does not wait.
    process.once('SIGTERM', () => process.exit(1)).once('SIGINT', () => process.exit(1))
    Promise.all([simulator.close(), controls.close()]).catch(failed)
  }
  process.once('SIGTERM', stop).once('SIGINT', stop)
  void alone?.then(stop)
  process.stdout.write(`control ${controls.url}\nready ${simulator.url}\n`)
}

const bankOf = async (name: string): Promise<Bank> => {
  const path = /^[0-9]{4}$/.test(name) ? 'adapters/index.ts' : name
  const module = (await import(pathToFileURL(resolve(path)).href)) as { readonly default?: Bank; readonly banks?: readonly Bank[] }
  const bank = module.banks ? module.banks.find(one => one.code === name) : module.default
  return bank ?? fail('bad-config', `there is no bank in ${path}`)
}
const readJson = async (path: string): Promise<unknown> => {
  const list: unknown = JSON.parse(await readFile(path, 'utf8'))
  return Array.isArray(list) ? list : fail('bad-config', `${path} holds no list`)
}
const tlsFrom = async (folder: string) => {
  const [ca, cert, key] = await Promise.all(['ca.pem', 'cert.pem', 'key.pem'].map(file => readFile(join(folder, file), 'utf8')))
  return { ca: ca!, cert: cert!, key: key! }
}
const pushTo = async (url: string, folder: string | undefined) => (folder === undefined ? { url } : { url, tls: await tlsFrom(folder) })
const filesTo = async (values: { readonly [option: string]: string | boolean | undefined }): Promise<FilesTo> => {
  const { 'files-folder': folder, 'files-url': url, 'lines-per-file': lines, 'push-tls-dir': tls } = values
  return {
    ...(typeof folder === 'string' ? { folder } : {}),
    ...(typeof url === 'string' ? { url } : {}),
    ...(typeof url === 'string' && typeof tls === 'string' ? { tls: await tlsFrom(tls) } : {}),
    ...(typeof lines === 'string' ? { linesPerFile: wholeNumber('--lines-per-file', lines) } : {}),
  }
}
const wholeNumber = (option: string, text: string): number =>
  /^[0-9]{1,9}$/.test(text) ? Number(text) : fail('bad-config', `${option} is a whole number`)

const failed = (error: unknown): void => {
  process.stderr.write(`${error instanceof Fault || error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
main().catch(failed)
