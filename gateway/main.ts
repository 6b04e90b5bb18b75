import { readFileSync } from 'node:fs'
import { explain, Fault, type FaultName, fail } from '@taxlink/bank-sdk'
import closeWithGrace from 'close-with-grace'
import { Argument, Command } from 'commander'
import { bankOf, banks } from '#adapters'
import { keeperGone } from './child.ts'
import { type Config, print, readConfig } from './config.ts'
import type { Typed } from './enlisted.ts'

// sysexits(3), so that service managers and scripts can tell what kind of trouble it was.
const exit = { failed: 1, usage: 2, unavailable: 69, software: 70, config: 78 } as const
/** What was wrong with what we were given; any other fault is a mistake of ours. */
const codes: { readonly [N in FaultName]?: number } = {
  'bad-config': exit.config,
  'service-missing': exit.unavailable,
  'not-found': exit.usage,
  'not-applicable': exit.usage,
  malformed: exit.usage,
  'unknown-message': exit.failed,
}
const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

// From the first moment on: whoever keeps us may be gone before we are ready.
const alone = keeperGone()
let ending = false

const program = new Command('taxlink')
  .description('税银联网网关 / the open bank-integration gateway of a provincial tax bureau')
  .option('--print-config', '显示生效的配置,机密已掩码 / show the configuration in force, secrets masked')
  .showHelpAfterError()
  .exitOverride(error => {
    process.exit(error.exitCode === 0 ? 0 : exit.usage)
  })

program
  .command('start')
  .description('在本机启动全套并演示一个申报日 / everything on this machine, and a sample filing day')
  .option('--once', '演示完毕即退出,逐笔相符才以 0 退出 / end after the day; exit 0 only if it balances')
  .action(async ({ once = false }: { once?: boolean }) => {
    const { start } = await import('./start.ts')
    const { showProgress } = await import('./day/progress.ts')
    const started = await start(readConfig(process.env), {
      once,
      say,
      progress: showProgress(process.stdout),
      // Ended before the day was over, it has not balanced.
      began: stop => onStop(40_000, stop, { code: once ? exit.failed : 0 }),
    })
    if (once) {
      await started.stop()
      process.exitCode = started.balanced ? 0 : exit.failed
      return
    }
    say(
      `接口文档 / API page  ${started.url}/reference\n健康 / health       ${started.internalUrl}/readyz\n指标 / metrics      ${started.internalUrl}/metrics\n按 Ctrl-C 停止 / Ctrl-C stops`,
    )
  })

program
  .command('serve')
  .description('网关进程:受理扣款并首次发送 / the gateway process')
  .action(async () => {
    const { serve } = await import('./serve.ts')
    const serving = await serve(inForce(readConfig(process.env)))
    say(`ready ${serving.url} ${serving.internalUrl}`)
    onStop(30_000, () => serving.stop(), { reloads: true })
  })

program
  .command('work')
  .description('队列工人:补发、查询、推送结果,可运行任意多个 / a queue worker, any number may run')
  .action(async () => {
    const { work } = await import('./serve.ts')
    const working = await work(inForce(readConfig(process.env)))
    say(`ready ${working.internalUrl}`)
    onStop(30_000, () => working.stop())
  })

program
  .command('migrate')
  .description('升级数据库结构并装载基础资料 / bring the tables and the reference data up to date')
  .action(async () => {
    const { prepare } = await import('./prepare.ts')
    const config = inForce(readConfig(process.env))
    await prepare(config.databaseUrl, config.reference, say)
  })

program
  .command('operator')
  .description(
    '开头的操作员账户;有了两名管理员之后由他们管理 / the first accounts; once there are two administrators, they make all others',
  )
  .addArgument(new Argument('<what>', 'add').choices(['add']))
  .requiredOption('--name <name>', '用户名 / name')
  .requiredOption('--display-name <text>', '姓名 / the person’s name')
  .requiredOption('--office <code>', '征收机关代码 / office code')
  .option('--duties <list>', '岗位,逗号分隔 / duties, with a comma between', 'administrator')
  .action(async (_what: 'add', typed: Typed) => {
    const { enlist } = await import('./enlisted.ts')
    const { keysOf } = await import('./keys.ts')
    const config = inForce(readConfig(process.env))
    const { password, otpauth } = await enlist(config.databaseUrl, typed, keysOf(config), new Date())
    say('只显示这一次,首次登录后请改口令 / shown this once; change the password after the first sign-in')
    say(`口令 / password  ${password}`)
    say(`动态码 / authenticator  ${otpauth}`)
  })

program
  .command('audit')
  .description('审计日志:导出尾哈希,核对整条链 / the audit journal: its head, and whether the whole chain is what was written')
  .addArgument(new Argument('<what>', 'head | verify').choices(['head', 'verify']))
  .option('--head <file>', '此前导出的尾哈希,一行一个 / heads that were kept, one a line')
  .action(async (what: 'head' | 'verify', { head }: { head?: string }) => {
    const { auditHead, auditVerified, readHeads } = await import('./audited.ts')
    const { databaseUrl } = inForce(readConfig(process.env))
    if (what === 'head') return say(await auditHead(databaseUrl, new Date()))
    const { whole, text } = await auditVerified(databaseUrl, head === undefined ? [] : readHeads(head))
    say(text)
    if (!whole) process.exitCode = exit.failed
  })

program
  .command('explain')
  .description('把银行报文逐字段列出,私密字段掩码 / show any bytes of a known bank field by field, private ones masked')
  .argument('<bank>', '银行代码 / bank code, e.g. 4301')
  .argument('[file]', '报文文件;省略则读标准输入 / file with the bytes; standard input when left out')
  .option('--hex', '输入是十六进制 / the input is hexadecimal')
  .action(async (code: string, path: string | undefined, { hex = false }: { hex?: boolean }) => {
    const { bytesOfHex, explainText } = await import('./explained.ts')
    const bank =
      bankOf(code) ?? fail('not-found', `no bank ${code}; there are ${banks.map(known => `${known.code} ${known.name}`).join(', ')}`)
    const input = readInput(path)
    const bytes = hex ? bytesOfHex(input.toString('latin1')) : input
    const found = explain(bank, bytes) ?? fail('unknown-message', `${bytes.length} bytes that are no message of ${bank.name}`)
    // Whoever has seen enough (head, less) closes the pipe.
    process.stdout.on('error', () => process.exit(0))
    for (const line of explainText(found)) say(line)
  })

/** A file, or standard input. */
const readInput = (path: string | undefined): Buffer => {
  try {
    return readFileSync(path ?? 0)
  } catch (error) {
    return fail('not-found', `the file cannot be read: ${error instanceof Error && 'code' in error ? String(error.code) : String(error)}`)
  }
}

/** The configuration of a process that needs servers to be given. */
const inForce = (config: Config): Config & { databaseUrl: string; redisUrl: string } => {
  const { databaseUrl, redisUrl } = config
  if (databaseUrl === undefined || redisUrl === undefined)
    return fail('bad-config', 'DATABASE_URL and REDIS_URL must be set; npm start brings up servers of its own')
  return { ...config, databaseUrl, redisUrl }
}

/**
 * On a signal or a fatal error: `stop` once, within `ms`, then exit with `code` (1 after an error); a second signal ends at once. To one that `reloads`
 * a SIGHUP does not mean its end.
 */
const onStop = (ms: number, stop: () => Promise<void>, { code = 0, reloads = false } = {}): void => {
  const skip: ('SIGINT' | 'SIGHUP' | 'beforeExit')[] = ['SIGINT', 'beforeExit', ...(reloads ? (['SIGHUP'] as const) : [])]
  const { close } = closeWithGrace({ delay: ms, logger: false, skip }, async ({ err }) => {
    ending = true
    if (err) process.stderr.write(`${err.stack ?? String(err)}\n`)
    await stop()
    process.exit(err ? exit.failed : code)
  })
  let asked: number | undefined
  process.on('SIGINT', () => {
    if (asked === undefined) {
      asked = performance.now()
      if (process.stdout.isTTY) say('\n正在停止 / stopping')
      close()
    } else if (performance.now() - asked > 1_000) {
      // Sooner it is no second one: npm passes on the Ctrl-C that the terminal has already sent us.
      process.exit(exit.failed)
    }
  })
  void alone?.then(close)
  whenNpmIsGone(close)
}

/** A SIGTERM to npm ends npm and its shell, but is not passed on to what they run: we would stay behind, with servers and banks. */
const whenNpmIsGone = (close: () => void): void => {
  if (process.env.npm_lifecycle_event === undefined) return
  const shell = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === shell) return
    clearInterval(watch)
    close()
  }, 500)
  watch.unref()
}

/** What a person can mend, as a Fault: one of ours, a port that is taken, a server that cannot be reached. The driver's text may hold a user's name. */
const faultOf = (error: unknown): Fault | undefined => {
  if (error instanceof Fault) return error
  if (!(error instanceof Error && 'code' in error && typeof error.code === 'string')) return undefined
  const { code } = error
  const at = 'address' in error && 'port' in error ? ` ${String(error.address)}:${String(error.port)}` : ''
  if ('syscall' in error && error.syscall === 'listen')
    return new Fault(
      'bad-config',
      `cannot listen on${at}: ${code}; see TAXLINK_HOST, TAXLINK_PORT, TAXLINK_INTERNAL_HOST, TAXLINK_INTERNAL_PORT`,
    )
  return /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|PROTOCOL_|ER_(ACCESS_DENIED|DBACCESS_DENIED|BAD_DB|CON_COUNT|NO_SUCH_TABLE))/.test(
    code,
  )
    ? new Fault('service-missing', `the database is out of reach or not ready:${at} ${code}; see DATABASE_URL, and run migrate`)
    : undefined
}

try {
  if (process.argv.includes('--print-config')) say(print(readConfig(process.env)))
  else await program.parseAsync()
} catch (error) {
  // Whatever breaks off while we are asked to end is no news.
  if (ending) await new Promise(() => {})
  const fault = faultOf(error)
  if (!fault) throw error
  process.stderr.write(`${fault.message}\n`)
  // What was opened before it went wrong would keep us here.
  process.exit(codes[fault.fault] ?? exit.software)
}
