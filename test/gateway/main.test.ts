import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { parseSample } from '../adapters/samples.ts'

const sample = parseSample(readFileSync('adapters/xiangjiang/samples/debit.request.rare-name.sample', 'utf8'))
const bytes = Buffer.from(sample.hex, 'hex')

/** Runs the program as a person does; what it prints and its exit code. */
const taxlink = (args: readonly string[], input: string | Buffer = '', env: NodeJS.ProcessEnv = {}) => {
  const { PATH, HOME } = process.env
  const ended = spawnSync(process.execPath, ['gateway/main.ts', ...args], { input, env: { PATH, HOME, ...env }, encoding: 'utf8' })
  return { code: ended.status, out: ended.stdout, err: ended.stderr }
}

describe('explain', () => {
  test('takes bytes, or hexadecimal with blanks, from standard input', () => {
    const whole = taxlink(['explain', '4301'], bytes)
    expect(whole).toMatchObject({ code: 0, err: '' })
    expect(whole.out).toMatch(/^扣款指令 debit\.request\n字段 field/)
    expect(whole.out).toMatch(/taxpayerName +79 +60 +纳税人名称 +倈\*{6} +··\n/)
    expect(whole.out).not.toContain('6222021901001234567')
    expect(taxlink(['explain', '4301', '--hex'], sample.hex.replace(/(..)/g, '$1 ').replace(/(.{48})/g, '$1\n')).out).toBe(whole.out)
    // Sixteen bytes of hexadecimal a line, so that the table fits a terminal.
    expect(Math.max(...whole.out.split('\n').map(line => line.length))).toBeLessThanOrEqual(120)
  })

  test.each([
    [['explain', '9999'], '', 2, /no bank 9999; there are 4301 湘江银行, 4306 /],
    [['explain', '4301', 'no/such/file'], '', 2, /cannot be read: ENOENT/],
    [['explain', '4301', '--hex'], '4b 4b 3', 2, /T1012.*5 hexadecimal digits/],
    [['explain', '4301', '--hex'], '0x4b', 2, /T1012.*digit 2 /],
    [['explain', '4301'], '', 1, /T1017.*0 bytes that are no message of 湘江银行/],
    [['explain'], '', 2, /missing required argument 'bank'/],
    [['explode'], '', 2, /unknown command 'explode'/],
  ] as const)('%j says what is wrong, in one line and not as a stack', (args, input, code, said) => {
    const ended = taxlink(args, input)
    expect(ended.code).toBe(code)
    expect(ended.err).toMatch(said)
    expect(ended.err).not.toMatch(/\n {4}at /)
  })
})

describe('configuration', () => {
  test('--print-config shows what is in force, secrets masked', () => {
    const { code, out } = taxlink(['--print-config'], '', {
      DATABASE_URL: 'mysql://tax:geheim@db:3306/taxlink',
      TAXLINK_BANK_4301_URL: 'tcp://10.0.0.1:7001',
    })
    expect(code).toBe(0)
    expect(out).toContain('DATABASE_URL=mysql://tax:***@db:3306/taxlink\n')
    expect(out).toContain('TAXLINK_BANK_4301_URL=tcp://10.0.0.1:7001\n')
    expect(out).not.toContain('geheim')
  })

  test('everything wrong is told at once, and nothing starts', () => {
    const { code, err, out } = taxlink(['start', '--once'], '', { TAXLINK_PROT: '1', TAXLINK_PORT: 'x', NODE_ENV: 'prod' })
    expect(code).toBe(78)
    for (const told of ['T4001 ', 'TAXLINK_PROT: 未知变量,是否应为 TAXLINK_PORT', 'TAXLINK_PORT: 应为十进制整数', 'NODE_ENV: '])
      expect(err).toContain(told)
    expect(out).toBe('')
  })

  test.each(['serve', 'work', 'migrate'])('%s without servers says which variables it needs', verb => {
    expect(taxlink([verb])).toMatchObject({ code: 78, err: expect.stringContaining('DATABASE_URL and REDIS_URL must be set') })
  })

  test.each(['serve', 'work', 'migrate'])('%s without its database ends in one line that names neither user nor password', verb => {
    const ended = taxlink([verb], '', { DATABASE_URL: 'mysql://geheim:Passwort@127.0.0.1:1/taxlink', REDIS_URL: 'redis://127.0.0.1:1' })
    expect(ended.code).toBe(69)
    expect(ended.err).toMatch(/T4002 .* 127\.0\.0\.1:1 ECONNREFUSED; see DATABASE_URL/)
    expect(ended.err).not.toMatch(/geheim|Passwort|\n {4}at /)
  })

  test('start refuses to play in production', () => {
    const env = { NODE_ENV: 'production', DATABASE_URL: 'mysql://a:b@h/t', REDIS_URL: 'redis://h' }
    expect(taxlink(['start'], '', env)).toMatchObject({ code: 78, err: expect.stringContaining('must be set in production') })
  })
})
