import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { print, readConfig } from '../../gateway/config.ts'
import { developmentPki } from '../../gateway/pki.ts'

const dir = mkdtempSync(join(tmpdir(), 'taxlink-config-'))
const file = (name: string, content: string): string => {
  writeFileSync(join(dir, name), content)
  return join(dir, name)
}
afterAll(() => rmSync(dir, { recursive: true, force: true }))

/** What the one fault says, a line a variable. */
const faultOf = (env: Record<string, string>): string[] => {
  try {
    readConfig(env)
  } catch (error) {
    expect(error).toMatchObject({ name: 'Fault', fault: 'bad-config' })
    return error instanceof Error
      ? error.message
          .split('\n')
          .slice(1)
          .map(line => line.trim())
      : []
  }
  return []
}

describe('defaults and values', () => {
  test('an empty environment is a development gateway on this machine', () => {
    expect(readConfig({ PATH: '/bin', HOME: '/root', TAXLINK_PORT: '' })).toEqual({
      production: false,
      databaseUrl: undefined,
      redisUrl: undefined,
      dataDir: '.data',
      host: '127.0.0.1',
      port: 8443,
      internalHost: '127.0.0.1',
      internalPort: 9100,
      tls: undefined,
      logLevel: 'info',
      webhook: undefined,
      reference: undefined,
      banks: {},
      listens: {},
      bankFiles: {},
      filesDir: '.data/files',
      filesMost: 4_294_967_296,
      filesDay: 34_359_738_368,
      filesFree: 1_073_741_824,
      filesSettleMs: 60_000,
      writeOffFrom: '12:00',
      bankTls: {},
      sweepMs: 2_000,
      leaseMs: 60_000,
    })
  })

  test('banks are collected by their four digits', () => {
    const config = readConfig({ TAXLINK_BANK_4301_URL: 'tcp://10.1.2.3:7001', TAXLINK_BANK_4302_URL: 'http://bank.example:8443/' })
    expect(config.banks).toEqual({ 4301: 'tcp://10.1.2.3:7001', 4302: 'http://bank.example:8443/' })
  })

  test('where a bank is heard, and from which addresses', () => {
    const config = readConfig({
      TAXLINK_BANK_4301_LISTEN: 'tcp://10.20.0.5:7301',
      TAXLINK_BANK_4301_FROM: '10.20.1.10,10.20.2.0/24,fd00::1',
      TAXLINK_BANK_4306_LISTEN: 'http://[::1]:7306',
      TAXLINK_BANK_4310_FROM: '10.20.3.10',
    })
    expect(config.listens).toEqual({
      4301: { url: 'tcp://10.20.0.5:7301', from: ['10.20.1.10', '10.20.2.0/24', 'fd00::1'] },
      4306: { url: 'http://[::1]:7306', from: [] },
    })
    expect(print(config)).toContain('TAXLINK_BANK_4301_FROM=10.20.1.10,10.20.2.0/24,fd00::1')
  })

  test('secrets come from files, without the line end an editor leaves', () => {
    const config = readConfig({
      DATABASE_URL_FILE: file('db', 'mysql://u:p@db:3306/taxlink\n'),
      TAXLINK_WEBHOOK_URL: 'https://tax.example/in',
      TAXLINK_WEBHOOK_SECRET_FILE: file('secret', `${'s'.repeat(32)}\n`),
    })
    expect(config.databaseUrl).toBe('mysql://u:p@db:3306/taxlink')
    expect(config.webhook?.secret).toBe('s'.repeat(32))
  })

  test('is frozen all through', () => {
    const config = readConfig({ TAXLINK_BANK_4301_URL: 'tcp://h:1' })
    expect(() => Object.assign(config, { port: 1 })).toThrow(TypeError)
    expect(() => Object.assign(config.banks, { 4302: 'tcp://h:2' })).toThrow(TypeError)
  })
})

describe('faults', () => {
  test('all are told at once, each by its variable, in both languages, without values', () => {
    const lines = faultOf({
      NODE_ENV: 'prod',
      DATABASE_URL: 'postgres://u:hunter2@db/x',
      TAXLINK_PORT: '0x10',
      TAXLINK_INTERNAL_PORT: '70000',
      TAXLINK_LOG_LEVEL: 'loud',
      TAXLINK_WEBHOOK_SECRET: 'short',
      TAXLINK_SWEEP_MS: '2e3',
      TAXLINK_BANK_4301_URL: 'ftp://bank',
      TAXLINK_REFERENCE: '/nowhere/reference.json',
      TAXLINK_PROT: '1',
    })
    expect(new Set(lines.map(line => line.split(':')[0]))).toEqual(
      new Set([
        'DATABASE_URL',
        'NODE_ENV',
        'TAXLINK_BANK_4301_URL',
        'TAXLINK_INTERNAL_PORT',
        'TAXLINK_LOG_LEVEL',
        'TAXLINK_PORT',
        'TAXLINK_PROT',
        'TAXLINK_REFERENCE',
        'TAXLINK_SWEEP_MS',
        'TAXLINK_WEBHOOK_SECRET',
      ]),
    )
    expect(lines).toHaveLength(10)
    expect(lines).toContain('TAXLINK_INTERNAL_PORT: 不得大于 65535 / must be at most 65535')
    expect(lines).toContain('TAXLINK_PORT: 应为十进制整数 / must be a decimal integer')
    expect(lines.join()).not.toMatch(/hunter2|short/)
    for (const line of lines) expect(line).toMatch(/[一-龥].* \/ [a-z]/)
  })

  test.each([
    ['TAXLINK_PROT', 'TAXLINK_PORT'],
    ['TAXLINK_WEBHOOK_SECRETFILE', 'TAXLINK_WEBHOOK_SECRET_FILE'],
    ['TAXLINK_BANK_43O1_URL', 'TAXLINK_BANK_<4 digits>_URL'],
    ['TAXLINK_BANK_43O1_LISTEN', 'TAXLINK_BANK_<4 digits>_LISTEN'],
  ])('%s: did you mean %s?', (given, meant) => {
    expect(faultOf({ [given]: 'x' })).toEqual([expect.stringContaining(`did you mean ${meant}?`)])
  })

  test.each(['10.20.1', '10.20.1.10/33', 'fd00::/129', 'bank.example', '10.20.1.10,', '10.20.1.10/24/8'])(
    '%j is no address of a bank',
    from => {
      const faults = faultOf({ TAXLINK_BANK_4301_LISTEN: 'tcp://h:1', TAXLINK_BANK_4301_FROM: from })
      expect(faults).toEqual([expect.stringMatching(/^TAXLINK_BANK_4301_FROM: /)])
    },
  )

  test('in production a line without TLS names its addresses, one with TLS has certificates', () => {
    const faults = faultOf({
      NODE_ENV: 'production',
      TAXLINK_BANK_4301_LISTEN: 'tcp://h:1',
      TAXLINK_BANK_4306_LISTEN: 'https://h:2',
      TAXLINK_BANK_4310_LISTEN: 'http://h:3/v1',
    })
    const told = faults.filter(line => line.startsWith('TAXLINK_BANK_43')).map(line => line.replace(/:.*/s, ''))
    expect(told.toSorted()).toEqual(['TAXLINK_BANK_4301_FROM', 'TAXLINK_BANK_4306_LISTEN', 'TAXLINK_BANK_4310_LISTEN'])
  })

  test('a secret given twice, and one whose file cannot be read', () => {
    const secret = 's'.repeat(32)
    expect(faultOf({ TAXLINK_WEBHOOK_SECRET: secret, TAXLINK_WEBHOOK_SECRET_FILE: file('twice', secret) })).toHaveLength(1)
    expect(faultOf({ REDIS_URL_FILE: join(dir, 'absent') })).toEqual([expect.stringMatching(/^REDIS_URL_FILE: .*cannot be read$/)])
  })
})

describe('certificates', () => {
  const tls: Record<string, string> = {}
  let bankKey = ''
  beforeAll(async () => {
    const pki = await developmentPki(join(dir, 'pki'))
    tls.TAXLINK_TLS_CERT = file('cert.pem', pki.server.cert)
    tls.TAXLINK_TLS_KEY = file('key.pem', pki.server.key)
    tls.TAXLINK_TLS_CA = file('ca.pem', pki.ca)
    bankKey = file('other.pem', (await pki.issue({ cn: 'b', uri: 'urn:taxlink:bank:4301' })).key)
  })

  test('three files make the identity', () => {
    expect(readConfig(tls).tls).toEqual({ cert: tls.TAXLINK_TLS_CERT, key: tls.TAXLINK_TLS_KEY, ca: tls.TAXLINK_TLS_CA })
  })

  test('a missing one, a wrong key, a file that is no certificate', () => {
    const { TAXLINK_TLS_CA: _, ...two } = tls
    expect(faultOf(two)).toEqual([expect.stringMatching(/^TAXLINK_TLS_CA: .*together$/)])
    expect(faultOf({ ...tls, TAXLINK_TLS_KEY: bankKey })).toEqual([expect.stringMatching(/^TAXLINK_TLS_KEY: .*does not belong/)])
    expect(faultOf({ ...tls, TAXLINK_TLS_CA: bankKey })).toEqual([expect.stringMatching(/^TAXLINK_TLS_CA: .*no PEM certificate$/)])
    expect(faultOf({ TAXLINK_BANK_CERT: tls.TAXLINK_TLS_CERT ?? '' })).toEqual([expect.stringMatching(/^TAXLINK_BANK_KEY: /)])
  })

  test('production asks for what development makes for itself', () => {
    const lines = faultOf({ NODE_ENV: 'production', TAXLINK_WEBHOOK_URL: 'http://tax/in' })
    expect(lines.map(line => line.split(':')[0])).toEqual([
      'DATABASE_URL',
      'REDIS_URL',
      'TAXLINK_TLS_CERT',
      'TAXLINK_TLS_KEY',
      'TAXLINK_TLS_CA',
      'TAXLINK_SEALING_KEY',
      'TAXLINK_FILES',
      'TAXLINK_WEBHOOK_SECRET',
      'TAXLINK_WEBHOOK_URL',
    ])
  })

  test('production refuses the development authority', () => {
    const lines = faultOf({
      NODE_ENV: 'production',
      DATABASE_URL: 'mysql://u@h:1/d',
      REDIS_URL: 'redis://h:1',
      TAXLINK_SEALING_KEY: 'a'.repeat(64),
      TAXLINK_FILES: '/var/lib/taxlink/files',
      ...tls,
    })
    expect(lines).toEqual([
      expect.stringMatching(/^TAXLINK_TLS_CA: .*development CA/),
      expect.stringMatching(/^TAXLINK_TLS_CERT: .*development CA/),
    ])
  })
})

const privateKey = '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaA==\n-----END OPENSSH PRIVATE KEY-----'
const fingerprint = `SHA256:${'a'.repeat(43)}`
describe('where banks put their files', () => {
  const sftp = {
    TAXLINK_BANK_4306_FILES: 'sftp://taxlink@sftp.bank:2222/out',
    TAXLINK_BANK_4306_FILES_KEY: privateKey,
    TAXLINK_BANK_4306_FILES_HOST: fingerprint,
  }
  test('a server with our key and the print of its own, from files, too; or a folder', () => {
    const { TAXLINK_BANK_4306_FILES } = sftp
    const config = readConfig({
      TAXLINK_BANK_4306_FILES,
      TAXLINK_BANK_4306_FILES_KEY_FILE: file('sftp-key', `${privateKey}\n`),
      TAXLINK_BANK_4306_FILES_HOST_FILE: file('sftp-host', `${fingerprint}\n`),
      TAXLINK_BANK_4301_FILES: 'file:///srv/in/4301',
    })
    expect(config.bankFiles).toEqual({
      4301: { url: 'file:///srv/in/4301', key: undefined, host: undefined },
      4306: { url: TAXLINK_BANK_4306_FILES, key: privateKey, host: fingerprint },
    })
    expect(readConfig({ ...sftp, TAXLINK_DATA_DIR: '/d' })).toMatchObject({ filesDir: '/d/files' })
  })
  test.each<[string, { [name: string]: string }]>([
    ['TAXLINK_BANK_4306_FILES', { TAXLINK_BANK_4306_FILES: 'ftp://a@b/c' }],
    ['TAXLINK_BANK_4306_FILES', { TAXLINK_BANK_4306_FILES: 'sftp://user:word@host/out' }],
    ['TAXLINK_BANK_4306_FILES', { TAXLINK_BANK_4306_FILES: 'sftp://host/out' }],
    ['TAXLINK_BANK_4306_FILES', { TAXLINK_BANK_4306_FILES: 'file://host/out' }],
    ['TAXLINK_BANK_4306_FILES', { TAXLINK_BANK_4306_FILES: 'sftp://a@b/c?d' }],
    ['TAXLINK_BANK_4306_FILES_KEY', { TAXLINK_BANK_4306_FILES_KEY: '' }],
    ['TAXLINK_BANK_4306_FILES_KEY', { TAXLINK_BANK_4306_FILES_KEY: 'ssh-ed25519 AAAA' }],
    ['TAXLINK_BANK_4306_FILES_HOST', { TAXLINK_BANK_4306_FILES_HOST: '' }],
    ['TAXLINK_BANK_4306_FILES_HOST', { TAXLINK_BANK_4306_FILES_HOST: 'MD5:aa:bb' }],
    ['TAXLINK_BANK_4306_FILES', { TAXLINK_BANK_4306_FILES: '' }],
  ])('%s is told: %j', (name, change) => {
    const told = faultOf({ ...sftp, ...change })
    expect(told.map(line => line.split(':')[0])).toContain(name)
    expect(told.join()).not.toMatch(/word|AAAA|b3Blb/)
  })
})

test('print masks secrets and the passwords in URLs, and can be read again', () => {
  const env = {
    DATABASE_URL: 'mysql://tax:p%40ss@db:3306/taxlink?ssl=true',
    REDIS_URL: 'redis://:hunter2@r:6379/0',
    TAXLINK_WEBHOOK_URL: 'https://tax.example/in',
    TAXLINK_WEBHOOK_SECRET: 'x'.repeat(40),
    TAXLINK_SEALING_KEY: 'abcd'.repeat(16),
    TAXLINK_BANK_4301_URL: 'http://user:geheim@bank:443/',
    TAXLINK_FILES: '/srv/files',
    TAXLINK_BANK_4306_FILES: 'sftp://taxlink@sftp.bank:2222/out',
    TAXLINK_BANK_4306_FILES_KEY: privateKey,
    TAXLINK_BANK_4306_FILES_HOST: fingerprint,
    TAXLINK_PORT: '9443',
  }
  const printed = print(readConfig(env))
  expect(printed).not.toMatch(/p%40ss|hunter2|geheim|xxxx|abcd|PRIVATE/)
  expect(printed).toContain('DATABASE_URL=mysql://tax:***@db:3306/taxlink?ssl=true\n')
  expect(printed).toContain('REDIS_URL=redis://:***@r:6379/0\n')
  expect(printed).toContain('TAXLINK_WEBHOOK_SECRET=***\n')
  expect(printed).toContain('TAXLINK_BANK_4301_URL=http://user:***@bank:443/')
  expect(printed).toContain('TAXLINK_FILES=/srv/files\n')
  expect(printed).toContain(`TAXLINK_BANK_4306_FILES_KEY=***\nTAXLINK_BANK_4306_FILES_HOST=${fingerprint}`)
  expect(printed).toContain('TAXLINK_PORT=9443\n')
  expect(printed).toContain('# TAXLINK_REFERENCE=\n')
})
