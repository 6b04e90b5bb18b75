import { execFileSync } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { logNotes, openLog, plainDetail } from '../../gateway/log.ts'

const heard = (level = 'debug') => {
  const lines: string[] = []
  const log = openLog({ level, to: { write: line => void lines.push(line) }, now: () => new Date('2026-11-10T01:30:00.123Z') })
  return { log, lines, json: () => lines.map(line => JSON.parse(line) as { [name: string]: unknown }) }
}

test('one JSON line an event: level by name, time of the province', () => {
  const { log, lines, json } = heard()
  const note = logNotes(log)
  note({ event: 'accepted', bankCode: '4301', ticketNo: '343012611000000001', state: 'sent' })
  note({ event: 'answered', bankCode: '4301', ticketNo: '343012611000000001', verb: 'debit', state: 'unknown', code: '28003', ms: 2001 })
  note({ event: 'trouble', detail: 'Error: gone' })
  note({ event: 'relayed', count: 3 })
  expect(lines.every(line => line.endsWith('}\n') && line.indexOf('\n') === line.length - 1)).toBe(true)
  expect(json()).toEqual([
    {
      level: 'info',
      time: '2026-11-10T09:30:00.123+08:00',
      event: 'accepted',
      bankCode: '4301',
      ticketNo: '343012611000000001',
      state: 'sent',
    },
    {
      level: 'warn',
      time: '2026-11-10T09:30:00.123+08:00',
      event: 'answered',
      bankCode: '4301',
      ticketNo: '343012611000000001',
      verb: 'debit',
      state: 'unknown',
      code: '28003',
      ms: 2001,
    },
    { level: 'error', time: '2026-11-10T09:30:00.123+08:00', event: 'trouble', detail: 'Error: gone' },
    { level: 'debug', time: '2026-11-10T09:30:00.123+08:00', event: 'relayed', count: 3 },
  ])
})

test('the level decides what is written', () => {
  const { log, lines } = heard('warn')
  logNotes(log)({ event: 'accepted' })
  expect(lines).toEqual([])
})

test('private fields are masked wherever they stand', () => {
  const { log, lines, json } = heard()
  const order = { taxpayerId: '91430103717055587F', taxpayerName: '雷锋五金制品厂', account: '4301732304930190908', amount: 1 }
  log.info(order, 'a')
  log.info({ order }, 'b')
  log.info({ a: { b: { order } } }, 'c')
  log.info({ tls: { key: '-----BEGIN' }, headers: { authorization: 'Basic x' } })
  const masked = { taxpayerId: '914301****7F', taxpayerName: '雷******', account: '430173****0908', amount: 1 }
  expect(json()[0]).toMatchObject(masked)
  expect(json()[1]).toMatchObject({ order: masked })
  expect(json()[2]).toMatchObject({ a: { b: { order: masked } } })
  expect(json()[3]).toMatchObject({ tls: { key: '***' }, headers: { authorization: '***' } })
  for (const secret of [order.taxpayerId, order.taxpayerName, order.account, 'BEGIN', 'Basic']) expect(lines.join('')).not.toContain(secret)
})

test.each([
  ["Error: Duplicate entry '343012611000000001' for key 'PRIMARY'", 'Error: Duplicate entry … for key …'],
  ["Data too long for column 'bank_text' at row 1", 'Data too long for column … at row 1'],
  ['Failed query: select x from ticket where no = ?\nparams: 雷锋,4301732304930190908', 'Failed query: select x from ticket where no = ?'],
  ['the account 4301732304930190908 of 雷锋五金制品厂 is closed', 'the account … of … is closed'],
  ['id=91430103717055587F;x', 'id=…;x'],
  ['connect ECONNREFUSED 127.0.0.1:3306', 'connect ECONNREFUSED 127.0.0.1:3306'],
  ["unterminated '4301", 'unterminated …'],
  ['failure 3', 'failure 3'],
])('a foreign text is made plain: %s', (detail, plain) => {
  expect(plainDetail(detail)).toBe(plain)
})

test('lines to a pipe are JSON, also at the end of the process', () => {
  const module = JSON.stringify(join(import.meta.dirname, '../../gateway/log.ts'))
  const script = `const { openLog } = await import(${module}); openLog({ level: 'info' }).info({ event: 'accepted' }); process.exitCode = 0`
  const out = execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(JSON.parse(out)).toMatchObject({ level: 'info', event: 'accepted' })
})
