import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { createSecureContext } from 'node:tls'
import { fail } from '@taxlink/bank-sdk'
import { Ajv, type ErrorObject } from 'ajv'

/** PEM files of one identity and of those it trusts; paths. */
export type TlsFiles = { readonly cert: string; readonly key: string; readonly ca: string }

/** Where a bank is heard (`tcp://`, `tls://`, `http://`, `https://`), and from which addresses or networks; none: from any. */
export type BankListen = { readonly url: string; readonly from: readonly string[] }

/**
 * Where a bank puts its reconciliation files: a directory of its SFTP server (`sftp://user@host:port/dir`) with our private key and the fingerprint of
 * the server's own, or a folder of this machine (`file:///dir`). Without one it brings them by upload.
 */
export type BankFiles = { readonly url: string; readonly key: string | undefined; readonly host: string | undefined }

/** The whole configuration of a gateway: read once from the environment, checked, frozen. */
export type Config = {
  /** Nothing of our own making stands in for what operations must provide. */
  readonly production: boolean
  readonly databaseUrl: string | undefined
  readonly redisUrl: string | undefined
  /** Where a development gateway keeps its servers, its certificates and its data. */
  readonly dataDir: string
  readonly host: string
  readonly port: number
  /** Health and metrics, without TLS, for the machine's own network. */
  readonly internalHost: string
  readonly internalPort: number
  readonly tls: TlsFiles | undefined
  readonly logLevel: string
  readonly webhook: { readonly url: string; readonly secret: string | undefined } | undefined
  /** What second factors are sealed under, hexadecimal. */
  readonly sealingKey: string | undefined
  /** The file of offices, treasuries and accounts to load at start. */
  readonly reference: string | undefined
  /** The URL of each bank's host, by the bank's four digits. */
  readonly banks: { readonly [code: string]: string }
  /** Where banks are heard, by their four digits. */
  readonly listens: { readonly [code: string]: BankListen }
  /** Where banks put their reconciliation files, by their four digits. */
  readonly bankFiles: { readonly [code: string]: BankFiles }
  /** Where files lie that were received: one directory for all processes. */
  readonly filesDir: string
  /** The most bytes of a file, as it is sent and unpacked. */
  readonly filesMost: number
  /** The most bytes that a bank may bring within a day. */
  readonly filesDay: number
  /** How many bytes of their disk files leave free. */
  readonly filesFree: number
  /** How long a file without a marker must not have grown before it is taken. */
  readonly filesSettleMs: number
  /** What the gateway shows to banks, and the authority it trusts for theirs. */
  readonly bankTls: Partial<TlsFiles>
  readonly sweepMs: number
  /** From when on balanced days are written off, `HH:MM` in the province. */
  readonly writeOffFrom: string
  readonly leaseMs: number
}

type Rule = {
  readonly type: 'string' | 'integer'
  readonly default?: string | number
  readonly minimum?: number
  readonly maximum?: number
  readonly minLength?: number
  readonly enum?: readonly string[]
  readonly pattern?: string
  /** What a value looks like, for the message. */
  readonly like?: string
  /** May also be given as a file, by the same name with `_FILE`; never shown. */
  readonly secret?: true
  /** May also be given as a file; no secret. */
  readonly fromFile?: true
}

const text = { type: 'string' } as const
const whole = (fallback: number, minimum: number, maximum: number) => ({ type: 'integer', default: fallback, minimum, maximum }) as const
const bankUrl = { type: 'string', pattern: '^(tcp|tls|http|https)://[^\\s/]+:[0-9]{1,5}(/\\S*)?$', like: 'tcp://host:port' } as const

const rules = {
  DATABASE_URL: { ...text, pattern: '^(mysql|mariadb)://\\S+/\\S+$', like: 'mysql://user:password@host:3306/taxlink', secret: true },
  REDIS_URL: { ...text, pattern: '^rediss?://\\S+$', like: 'redis://:password@host:6379/0', secret: true },
  NODE_ENV: { ...text, enum: ['production', 'development', 'test'], default: 'development' },
  TAXLINK_DATA_DIR: { ...text, default: '.data' },
  TAXLINK_HOST: { ...text, default: '127.0.0.1' },
  TAXLINK_PORT: whole(8443, 0, 65_535),
  TAXLINK_INTERNAL_HOST: { ...text, default: '127.0.0.1' },
  TAXLINK_INTERNAL_PORT: whole(9100, 0, 65_535),
  TAXLINK_TLS_CERT: text,
  TAXLINK_TLS_KEY: text,
  TAXLINK_TLS_CA: text,
  TAXLINK_LOG_LEVEL: { ...text, enum: ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'], default: 'info' },
  TAXLINK_WEBHOOK_URL: { ...text, pattern: '^https?://\\S+$', like: 'https://host/path' },
  TAXLINK_WEBHOOK_SECRET: { ...text, minLength: 32, secret: true },
  TAXLINK_SEALING_KEY: { ...text, pattern: '^[0-9a-f]{64}$', like: '64 hexadecimal digits', secret: true },
  TAXLINK_REFERENCE: text,
  TAXLINK_FILES: text,
  TAXLINK_FILES_MOST: whole(4_294_967_296, 1_024, 1_099_511_627_776),
  TAXLINK_FILES_DAY: whole(34_359_738_368, 1_024, 1_099_511_627_776),
  TAXLINK_FILES_FREE: whole(1_073_741_824, 0, 1_099_511_627_776),
  TAXLINK_FILES_SETTLE_MS: whole(60_000, 100, 3_600_000),
  TAXLINK_BANK_CA: text,
  TAXLINK_BANK_CERT: text,
  TAXLINK_BANK_KEY: text,
  TAXLINK_SWEEP_MS: whole(2_000, 50, 3_600_000),
  TAXLINK_WRITE_OFF_FROM: { ...text, pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$', like: 'HH:MM', default: '12:00' },
  TAXLINK_LEASE_MS: whole(60_000, 1_000, 3_600_000),
} as const satisfies Record<string, Rule>

type Name = keyof typeof rules
type Value<R extends Rule> = R['type'] extends 'integer' ? number : string
type Optional = { [N in Name as (typeof rules)[N] extends { default: unknown } ? never : N]?: Value<(typeof rules)[N]> }
type Given = { [N in Name as (typeof rules)[N] extends { default: unknown } ? N : never]: Value<(typeof rules)[N]> }
/** The variables after checking, under their own names. */
type Values = Given & Optional

const bankListen = { ...bankUrl, pattern: '^(tcp|tls|http|https)://[^\\s/]+:[0-9]{1,5}$' } as const
const bankFrom = { ...text, pattern: '^[0-9a-fA-F.:/]+(,[0-9a-fA-F.:/]+)*$', like: '10.20.1.10,10.20.2.0/24' } as const

const bankFiles = {
  ...text,
  pattern: '^(sftp://[^\\s/@:]+@[^\\s/@]+/\\S*|file:///\\S+)$',
  like: 'sftp://user@host:port/dir',
} as const
const bankFilesKey = {
  ...text,
  pattern: '^-----BEGIN [A-Z ]*PRIVATE KEY-----',
  like: '-----BEGIN OPENSSH PRIVATE KEY-----',
  secret: true,
} as const
const bankFilesHost = { ...text, pattern: '^SHA256:[A-Za-z0-9+/]{43}$', like: 'SHA256:…, by ssh-keygen -l', fromFile: true } as const

const bankNames = [
  [/^TAXLINK_BANK_(\d{4})_URL$/, bankUrl],
  [/^TAXLINK_BANK_(\d{4})_LISTEN$/, bankListen],
  [/^TAXLINK_BANK_(\d{4})_FROM$/, bankFrom],
  [/^TAXLINK_BANK_(\d{4})_FILES$/, bankFiles],
  [/^TAXLINK_BANK_(\d{4})_FILES_KEY$/, bankFilesKey],
  [/^TAXLINK_BANK_(\d{4})_FILES_HOST$/, bankFilesHost],
] as const
const [[bankName], [listenName], [fromName], [filesName], [filesKeyName], [filesHostName]] = bankNames
const ruleOf = (name: string): Rule | undefined =>
  bankNames.find(([form]) => form.test(name))?.[1] ?? (Object.hasOwn(rules, name) ? rules[name as Name] : undefined)

const schemaOf = ({ like: _like, secret: _secret, fromFile: _fromFile, ...schema }: Rule) => schema
const check = new Ajv({ allErrors: true, useDefaults: true, strict: true }).compile<Values>({
  type: 'object',
  properties: Object.fromEntries(Object.entries(rules).map(([name, rule]) => [name, schemaOf(rule)])),
  patternProperties: Object.fromEntries(bankNames.map(([form, rule]) => [form.source, schemaOf(rule)])),
})

/** Reads the environment. Throws one fault `bad-config` that names everything that is wrong; it shows no values. */
export const readConfig = (env: Readonly<Record<string, string | undefined>>): Config => {
  // One sentence a variable: the first thing that is wrong with it.
  const wrong = new Map<string, string>()
  const tell = (name: string, zh: string, en: string) => {
    if (!wrong.has(name)) wrong.set(name, `${name}: ${zh} / ${en}`)
  }
  const values = gather(env, tell)
  if (!check(values)) {
    for (const error of check.errors ?? []) {
      const name = error.instancePath.slice(1)
      tell(name, ...sentence(error, ruleOf(name)))
      delete values[name]
    }
  }
  // Without its faulty variables the rest is still looked at, so that everything is told at once.
  if (!check(values)) throw new Error('a faulty variable was left')
  const config = shape(values)
  checkListens(values, config, tell)
  if (config.production) checkProduction(config, tell)
  checkBanks(config, tell)
  checkBankFiles(values, config, tell)
  checkFiles(values, config, tell)
  if (wrong.size > 0) fail('bad-config', `\n${[...wrong.values()].map(line => `  ${line}`).join('\n')}`)
  return deepFreeze(config)
}

/** The configuration as `NAME=value` lines; secrets and the passwords in URLs are masked. */
export const print = (config: Config): string => {
  const { tls, webhook, bankTls } = config
  const values: Record<Name, string | number | undefined> = {
    DATABASE_URL: masked(config.databaseUrl),
    REDIS_URL: masked(config.redisUrl),
    NODE_ENV: config.production ? 'production' : 'development',
    TAXLINK_DATA_DIR: config.dataDir,
    TAXLINK_HOST: config.host,
    TAXLINK_PORT: config.port,
    TAXLINK_INTERNAL_HOST: config.internalHost,
    TAXLINK_INTERNAL_PORT: config.internalPort,
    TAXLINK_TLS_CERT: tls?.cert,
    TAXLINK_TLS_KEY: tls?.key,
    TAXLINK_TLS_CA: tls?.ca,
    TAXLINK_LOG_LEVEL: config.logLevel,
    TAXLINK_WEBHOOK_URL: masked(webhook?.url),
    TAXLINK_WEBHOOK_SECRET: webhook?.secret === undefined ? undefined : '***',
    TAXLINK_SEALING_KEY: config.sealingKey === undefined ? undefined : '***',
    TAXLINK_REFERENCE: config.reference,
    TAXLINK_FILES: config.filesDir === defaultFiles(config.dataDir) ? undefined : config.filesDir,
    TAXLINK_FILES_MOST: config.filesMost,
    TAXLINK_FILES_DAY: config.filesDay,
    TAXLINK_FILES_FREE: config.filesFree,
    TAXLINK_FILES_SETTLE_MS: config.filesSettleMs,
    TAXLINK_BANK_CA: bankTls.ca,
    TAXLINK_BANK_CERT: bankTls.cert,
    TAXLINK_BANK_KEY: bankTls.key,
    TAXLINK_SWEEP_MS: config.sweepMs,
    TAXLINK_WRITE_OFF_FROM: config.writeOffFrom,
    TAXLINK_LEASE_MS: config.leaseMs,
  }
  const banks = Object.entries(config.banks).map(([code, url]) => [`TAXLINK_BANK_${code}_URL`, masked(url)] as const)
  const listens = Object.entries(config.listens).flatMap(([code, { url, from }]) => [
    [`TAXLINK_BANK_${code}_LISTEN`, url] as const,
    [`TAXLINK_BANK_${code}_FROM`, from.length === 0 ? undefined : from.join(',')] as const,
  ])
  const files = Object.entries(config.bankFiles).flatMap(([code, { url, key, host }]) => [
    [`TAXLINK_BANK_${code}_FILES`, url] as const,
    [`TAXLINK_BANK_${code}_FILES_KEY`, key === undefined ? undefined : '***'] as const,
    [`TAXLINK_BANK_${code}_FILES_HOST`, host] as const,
  ])
  return [...Object.entries(values), ...banks, ...listens, ...files]
    .map(([name, value]) => (value === undefined ? `# ${name}=` : `${name}=${value}`))
    .join('\n')
}

type Tell = (name: string, zh: string, en: string) => void

/** Takes our variables out of the environment: secrets from their files, integers from their digits, anything unknown told. */
const gather = (env: Readonly<Record<string, string | undefined>>, tell: Tell): Record<string, unknown> => {
  const values: Record<string, unknown> = {}
  for (const [given, value] of Object.entries(env)) {
    // An empty variable is one that somebody could not unset.
    if (!value) continue
    const name = secretFile(given) ?? given
    const rule = ruleOf(name)
    if (!rule) {
      if (given.startsWith('TAXLINK_')) tell(given, ...unknown(given))
    } else if (name === given) {
      if (env[`${name}_FILE`] && secretFile(`${name}_FILE`))
        tell(name, '变量与其 _FILE 不能同时设置', 'is set both by itself and by its _FILE')
      values[name] = rule.type === 'integer' && /^(0|[1-9][0-9]{0,14})$/.test(value) ? Number(value) : value
    } else if (!env[name]) {
      const content = readable(value)
      if (content === undefined) tell(given, '文件无法读取', 'the file cannot be read')
      else values[name] = content.trim()
    }
  }
  return values
}

const secretFile = (given: string): string | undefined => {
  const name = given.replace(/_FILE$/, '')
  const rule = ruleOf(name)
  return name !== given && (rule?.secret || rule?.fromFile) ? name : undefined
}

const readable = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

const sentence = (error: ErrorObject, rule: Rule | undefined): [zh: string, en: string] => {
  const limit = String(error.params.limit)
  switch (error.keyword) {
    case 'type':
      return ['应为十进制整数', 'must be a decimal integer']
    case 'minimum':
      return [`不得小于 ${limit}`, `must be at least ${limit}`]
    case 'maximum':
      return [`不得大于 ${limit}`, `must be at most ${limit}`]
    case 'minLength':
      return [`至少 ${limit} 个字符`, `must have at least ${limit} characters`]
    case 'enum':
      return [`应为 ${rule?.enum?.join('、')} 之一`, `must be one of ${rule?.enum?.join(', ')}`]
    default:
      return [`应形如 ${rule?.like}`, `must look like ${rule?.like}`]
  }
}

/** The sentence for a variable nobody knows, with the known one it most resembles. */
const unknown = (given: string): [zh: string, en: string] => {
  const known = [...Object.keys(rules), ...Object.entries(rules).flatMap(([name, rule]) => ('secret' in rule ? [`${name}_FILE`] : []))]
  const nearest = known.map(name => ({ name, far: distance(given, name) })).sort((a, b) => a.far - b.far)[0]
  const ofBank = /^TAXLINK_BANK_.*(URL|LISTEN|FROM|FILES(?:_KEY|_HOST)?)$/.exec(given)?.[1]
  const guess = nearest && nearest.far <= 4 ? nearest.name : ofBank ? `TAXLINK_BANK_<4 digits>_${ofBank}` : undefined
  return guess ? [`未知变量,是否应为 ${guess}`, `is unknown; did you mean ${guess}?`] : ['未知变量', 'is unknown']
}

/** How many letters to add, drop or change to make one word the other. */
const distance = (a: string, b: string): number => {
  let row = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) next.push(Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)))
    row = next
  }
  return row[b.length]!
}

const defaultFiles = (dataDir: string): string => `${dataDir}/files`

const shape = (v: Values & { readonly [bank: string]: unknown }): Config => ({
  production: v.NODE_ENV === 'production',
  databaseUrl: v.DATABASE_URL,
  redisUrl: v.REDIS_URL,
  dataDir: v.TAXLINK_DATA_DIR,
  host: v.TAXLINK_HOST,
  port: v.TAXLINK_PORT,
  internalHost: v.TAXLINK_INTERNAL_HOST,
  internalPort: v.TAXLINK_INTERNAL_PORT,
  tls:
    v.TAXLINK_TLS_CERT && v.TAXLINK_TLS_KEY && v.TAXLINK_TLS_CA
      ? { cert: v.TAXLINK_TLS_CERT, key: v.TAXLINK_TLS_KEY, ca: v.TAXLINK_TLS_CA }
      : undefined,
  logLevel: v.TAXLINK_LOG_LEVEL,
  webhook: v.TAXLINK_WEBHOOK_URL === undefined ? undefined : { url: v.TAXLINK_WEBHOOK_URL, secret: v.TAXLINK_WEBHOOK_SECRET },
  sealingKey: v.TAXLINK_SEALING_KEY,
  reference: v.TAXLINK_REFERENCE,
  banks: Object.fromEntries(ofBanks(v, bankName)),
  listens: Object.fromEntries(
    ofBanks(v, listenName).map(([code, url]) => [code, { url, from: addresses(v[`TAXLINK_BANK_${code}_FROM`]) }]),
  ),
  bankFiles: Object.fromEntries(
    ofBanks(v, filesName).map(([code, url]) => {
      const [key, host] = ['KEY', 'HOST'].map(what => v[`TAXLINK_BANK_${code}_FILES_${what}`])
      return [code, { url, key: typeof key === 'string' ? key : undefined, host: typeof host === 'string' ? host : undefined }]
    }),
  ),
  filesDir: v.TAXLINK_FILES ?? defaultFiles(v.TAXLINK_DATA_DIR),
  filesMost: v.TAXLINK_FILES_MOST,
  filesDay: v.TAXLINK_FILES_DAY,
  filesFree: v.TAXLINK_FILES_FREE,
  filesSettleMs: v.TAXLINK_FILES_SETTLE_MS,
  bankTls: {
    ...(v.TAXLINK_BANK_CERT ? { cert: v.TAXLINK_BANK_CERT } : {}),
    ...(v.TAXLINK_BANK_KEY ? { key: v.TAXLINK_BANK_KEY } : {}),
    ...(v.TAXLINK_BANK_CA ? { ca: v.TAXLINK_BANK_CA } : {}),
  },
  sweepMs: v.TAXLINK_SWEEP_MS,
  writeOffFrom: v.TAXLINK_WRITE_OFF_FROM,
  leaseMs: v.TAXLINK_LEASE_MS,
})

/** What a line would refuse when it is opened is told before anything starts. */
const checkBanks = ({ banks, bankTls }: Config, tell: Tell): void => {
  for (const [code, url] of Object.entries(banks)) {
    const { protocol = '', pathname = '', search = '', hash = '' } = URL.parse(url) ?? {}
    if (!['', '/'].includes(pathname) || search !== '' || hash !== '')
      tell(`TAXLINK_BANK_${code}_URL`, '只写协议、主机与端口', 'is scheme, host and port only')
    if (/^(https|tls):$/.test(protocol) && bankTls.ca === undefined)
      tell('TAXLINK_BANK_CA', '有银行使用 https 或 tls,必须设置', 'must be set where a bank is reached over https or tls')
  }
}

/** The variables of this form, by the bank's code. */
const ofBanks = (v: { readonly [name: string]: unknown }, form: RegExp): [code: string, value: string][] =>
  Object.entries(v).flatMap(([name, value]) => {
    const code = form.exec(name)?.[1]
    return code && typeof value === 'string' ? [[code, value]] : []
  })
const addresses = (value: unknown): string[] => (typeof value === 'string' ? value.split(',') : [])

/** An address, or a network `address/bits`. */
const isNetwork = (one: string): boolean => {
  const [address = '', bits, ...more] = one.split('/')
  const family = isIP(address)
  return (
    family !== 0 && more.length === 0 && (bits === undefined || (/^[0-9]{1,3}$/.test(bits) && Number(bits) <= (family === 4 ? 32 : 128)))
  )
}

/** Where banks are heard: who may connect is said, and over TLS there are certificates of both sides. */
const checkListens = (values: { readonly [name: string]: unknown }, config: Config, tell: Tell): void => {
  for (const [code, from] of ofBanks(values, fromName)) {
    if (!addresses(from).every(isNetwork)) tell(`TAXLINK_BANK_${code}_FROM`, '不是地址或网段', 'is no address or network')
  }
  for (const [code, { url, from }] of Object.entries(config.listens)) {
    const secure = /^(tls|https):/.test(url)
    if (secure && config.production && !(config.tls && config.bankTls.ca))
      tell(`TAXLINK_BANK_${code}_LISTEN`, 'TLS 需要 TAXLINK_TLS_CERT 与 TAXLINK_BANK_CA', 'TLS needs TAXLINK_TLS_CERT and TAXLINK_BANK_CA')
    // Without a certificate the address is all there is to tell a bank from a stranger.
    if (!secure && config.production && from.length === 0)
      tell(`TAXLINK_BANK_${code}_FROM`, '不加密的监听必须限定来源地址', 'a line without TLS needs the addresses that may use it')
  }
}

/** Where files come from: a server is known by its key, and knows us by ours. */
const checkBankFiles = (values: { readonly [name: string]: unknown }, { bankFiles }: Config, tell: Tell): void => {
  for (const [code, { url, key, host }] of Object.entries(bankFiles)) {
    const name = `TAXLINK_BANK_${code}_FILES`
    const { protocol = '', password = '', search = '', hash = '' } = URL.parse(url) ?? {}
    if (!URL.canParse(url) || password !== '' || search !== '' || hash !== '')
      tell(name, '只写用户、主机、端口与目录', 'is user, host, port and directory only')
    if (protocol !== 'sftp:') continue
    if (key === undefined) tell(`${name}_KEY`, 'sftp 须用私钥登录', 'sftp needs our private key')
    if (host === undefined) tell(`${name}_HOST`, 'sftp 须写明对方主机密钥的指纹', 'sftp needs the fingerprint of the server’s key')
  }
  for (const form of [filesKeyName, filesHostName])
    for (const [code] of ofBanks(values, form))
      if (!bankFiles[code]?.url.startsWith('sftp:'))
        tell(`TAXLINK_BANK_${code}_FILES`, '须与其密钥、指纹同时设置', 'must be set with its key and fingerprint')
}

const checkProduction = (config: Config, tell: Tell): void => {
  const required = (name: Name, present: unknown) => {
    if (!present) tell(name, '生产环境必须设置', 'must be set in production')
  }
  required('DATABASE_URL', config.databaseUrl)
  required('REDIS_URL', config.redisUrl)
  for (const name of ['TAXLINK_TLS_CERT', 'TAXLINK_TLS_KEY', 'TAXLINK_TLS_CA'] as const) required(name, config.tls)
  required('TAXLINK_SEALING_KEY', config.sealingKey)
  required('TAXLINK_FILES', config.filesDir !== defaultFiles(config.dataDir))
  if (config.webhook) {
    required('TAXLINK_WEBHOOK_SECRET', config.webhook.secret)
    if (!config.webhook.url.startsWith('https:')) tell('TAXLINK_WEBHOOK_URL', '生产环境必须使用 https', 'must be https in production')
  }
}

/** The PEM files exist, are what they should be, belong together, and in production come from no development authority. */
const checkFiles = (values: Values, config: Config, tell: Tell): void => {
  const read = (name: Name): string | undefined => {
    const path = values[name]
    if (typeof path !== 'string') return undefined
    const pem = readable(path)
    if (pem === undefined) tell(name, '文件无法读取', 'the file cannot be read')
    return pem
  }
  const certificate = (name: Name): string | undefined => {
    const pem = read(name)
    if (pem === undefined) return undefined
    const issuers = issuersOf(pem)
    if (!issuers) tell(name, '不是 PEM 证书', 'is no PEM certificate')
    else if (config.production && issuers.some(issuer => issuer.includes('TaxLink development')))
      tell(name, '开发用 CA 签发的证书不得用于生产', 'a certificate of the development CA must not be used in production')
    return issuers ? pem : undefined
  }
  for (const party of ['TLS', 'BANK'] as const) {
    const [certName, keyName] = [`TAXLINK_${party}_CERT`, `TAXLINK_${party}_KEY`] as const
    certificate(`TAXLINK_${party}_CA`)
    const [cert, key] = [certificate(certName), read(keyName)]
    if (values[certName] && !values[keyName]) tell(keyName, `与 ${certName} 须同时设置`, `must be set with ${certName}`)
    if (values[keyName] && !values[certName]) tell(certName, `与 ${keyName} 须同时设置`, `must be set with ${keyName}`)
    if (cert && key && !belong(cert, key)) tell(keyName, `与 ${certName} 不匹配`, `does not belong to ${certName}`)
  }
  const some = values.TAXLINK_TLS_CERT || values.TAXLINK_TLS_KEY || values.TAXLINK_TLS_CA
  if (some && !config.tls)
    for (const name of ['TAXLINK_TLS_CERT', 'TAXLINK_TLS_KEY', 'TAXLINK_TLS_CA'] as const)
      if (!values[name]) tell(name, '三个 TLS 文件须同时设置', 'the three TLS files must be set together')
  if (values.TAXLINK_REFERENCE !== undefined) read('TAXLINK_REFERENCE')
}

/** Who issued the certificates of a PEM file; `undefined` when it holds none or a broken one. */
const issuersOf = (pem: string): string[] | undefined => {
  const blocks = pem.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g)
  try {
    return blocks?.map(block => new X509Certificate(block).issuer)
  } catch {
    return undefined
  }
}

const belong = (cert: string, key: string): boolean => {
  try {
    createSecureContext({ cert, key })
    return true
  } catch {
    return false
  }
}

const masked = (url: string | undefined): string | undefined => {
  if (url === undefined) return undefined
  if (!URL.canParse(url)) return '***'
  return new URL(url).password === '' ? url : url.replace(/^([a-z]+:\/\/[^/@]*?):[^/]*@/, '$1:***@')
}

const deepFreeze = <T extends object>(value: T): T => {
  for (const inner of Object.values(value)) if (inner instanceof Object) deepFreeze(inner)
  return Object.freeze(value)
}
