import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parse, stringify } from '@evologi/fixed-width'
import iconv from 'iconv-lite'
import { message } from '../../sdk/catalogue.ts'
import { left, right, ymd } from '../../sdk/cell.ts'
import { ascii, date, digits, fen, text } from '../../sdk/kinds.ts'
import { record } from '../../sdk/record.ts'
import { cpuSeconds, median, type Row, wallSeconds } from './row.ts'

// 300 bytes, 20 fields: 15 ASCII (three of them dates), 3 of GBK text, 2 numbers. The peers take dates as they stand; ours checks them.
const kinds = {
  msgType: fen('报文种类', 'type'),
  serial: ascii('流水号', 'serial', 20),
  bankCode: digits('银行', 'bank', 12),
  taxAuth: digits('机关', 'office', 11),
  taxpayerId: ascii('识别号', 'taxpayer', 20),
  taxpayerName: text('名称', 'name', 100),
  account: ascii('账号', 'account', 32),
  payerName: text('付款人', 'payer', 100),
  amount: fen('金额', 'amount'),
  currency: ascii('币种', 'currency', 3),
  date: date('日期', 'date'),
  time: digits('时间', 'time', 6),
  agreement: ascii('协议书号', 'agreement', 60),
  taxType: ascii('税种', 'tax', 10),
  itemName: text('税目', 'item', 60),
  periodStart: date('起', 'from'),
  periodEnd: date('止', 'to'),
  result: ascii('结果', 'result', 4),
  flag: digits('标志', 'flag', 2),
  check: ascii('校验', 'check', 16),
}
const layout = record(message('bench', '记录', 'record', kinds), 'gbk', 300, [
  ['msgType', right(4)],
  ['serial', left(20)],
  ['bankCode', left(12)],
  ['taxAuth', left(11)],
  ['taxpayerId', left(20)],
  ['taxpayerName', left(50)],
  ['account', left(28)],
  ['payerName', left(50)],
  ['amount', right(15)],
  ['currency', left(3)],
  ['date', ymd],
  ['time', left(6)],
  ['agreement', left(16)],
  ['taxType', left(5)],
  ['itemName', left(20)],
  ['periodStart', ymd],
  ['periodEnd', ymd],
  ['result', left(4)],
  ['flag', left(2)],
  ['check', left(10)],
])
const names = [
  '上海某某信息科技有限公司',
  '北京华夏贸易股份有限公司',
  '张三丰',
  '欧阳娜娜',
  '深圳市腾飞电子商务有限公司',
  '广州珠江水泥厂',
  '李珅億',
  '内蒙古草原牧业合作社ABC',
]
const items = ['增值税', '城市维护建设税', '企业所得税', '个人所得税', '印花税']
const recordOf = (i: number) => ({
  msgType: 1001,
  serial: `TX20261122${String(i).padStart(10, '0')}`,
  bankCode: '102290000001',
  taxAuth: '13100000000',
  taxpayerId: '91310000MA1FL5XG2B',
  taxpayerName: names[i % names.length]!,
  account: `6222021001${String((i * 7919) % 1e9).padStart(9, '0')}`,
  payerName: names[(i * 3) % names.length]!,
  amount: ((i * 104_729) % 1e9) + 1,
  currency: 'CNY',
  date: '2026-11-22',
  time: '101530',
  agreement: `TPA${(i * 31) % 1e9}`,
  taxType: '10101',
  itemName: items[i % items.length]!,
  periodStart: `2026-${i % 2 ? '10' : '07'}-01`,
  periodEnd: '2026-10-31',
  result: '0000',
  flag: '01',
  check: 'ABCDEF0123',
})
type Value = ReturnType<typeof recordOf>

// ── The peers count characters: they get latin1, and each text field goes through iconv-lite by itself ───────────────
const texts = ['taxpayerName', 'payerName', 'itemName'] as const
const numbers = new Set(['msgType', 'amount'])
const rows = layout
  .describe()
  .map(({ field, width, place }) => ({ field, width: width!, start: Number(place), isNumber: numbers.has(field) }))
const fromLatin = (latin1: string) => iconv.decode(Buffer.from(latin1, 'latin1'), 'gbk')
const toLatin = (value: string) => iconv.encode(value, 'gbk').toString('latin1')
type Loose = { [field: string]: string | number }
const decoded = (value: Loose): Loose => {
  for (const name of texts) value[name] = fromLatin(value[name] as string)
  return value
}
const plainDates = (value: Value): Loose => ({
  ...value,
  date: value.date.replaceAll('-', ''),
  periodStart: value.periodStart.replaceAll('-', ''),
  periodEnd: value.periodEnd.replaceAll('-', ''),
})
const encoded = (value: Loose): Loose => {
  const copy = { ...value }
  for (const name of texts) copy[name] = toLatin(copy[name] as string)
  return copy
}

type Peer = { readonly name: string; readonly parse: (bytes: Buffer) => unknown; readonly format: (values: readonly Loose[]) => Buffer }
const records = (bytes: Buffer) => Array.from({ length: bytes.length / 300 }, (_, i) => bytes.toString('latin1', i * 300, i * 300 + 300))

const evologi = (): Peer => {
  const fields = rows.map(({ field, width, isNumber }) => ({
    property: field,
    width,
    align: isNumber ? ('right' as const) : ('left' as const),
    pad: isNumber ? '0' : ' ',
  }))
  // With trim and pad '0' it would strip significant zeros of amounts: so numbers are cast and texts trimmed by themselves.
  const reading = rows.map(({ field, width, isNumber }) => ({
    property: field,
    width,
    cast: isNumber ? Number : (latin1: string) => latin1.trimEnd(),
  }))
  return {
    name: '@evologi/fixed-width + iconv-lite',
    parse: bytes => (parse(records(bytes).join('\n'), { fields: reading, eol: '\n', trim: false }) as Loose[]).map(decoded),
    format: values => Buffer.from(stringify(values.map(encoded), { fields, eol: '\n', eof: false }).replaceAll('\n', ''), 'latin1'),
  }
}

type FixyApi = { parse(map: unknown, text: string): Loose[]; unparse(map: unknown, values: Loose[]): string }
const fixy = (require: NodeJS.Require): Peer => {
  const api = require('fixy') as FixyApi
  const map = rows.map(({ field, width, start, isNumber }) => ({ name: field, width, start: start + 1, type: isNumber ? 'int' : 'string' }))
  const reading = { map, options: { fullwidth: 300, skiplines: null } }
  const writing = rows.map(({ field, width, isNumber }) => ({
    name: field,
    width,
    padding_position: isNumber ? 'start' : 'end',
    padding_symbol: isNumber ? '0' : ' ',
  }))
  return {
    name: 'fixy + iconv-lite',
    parse: bytes => api.parse(reading, records(bytes).join('\n')).map(decoded),
    format: values => Buffer.concat(values.map(value => Buffer.from(api.unparse(writing, [encoded(value)]), 'latin1'))),
  }
}

type ParserApi = { parse(text: string): Loose[]; unparse(values: Loose[]): string }
const fixedWidthParser = (require: NodeJS.Require): Peer => {
  const { FixedWidthParser } = require('fixed-width-parser') as {
    FixedWidthParser: new (map: unknown, options: { truncate: boolean }) => ParserApi
  }
  const parser = new FixedWidthParser(
    rows.map(({ field, width, start, isNumber }) =>
      isNumber
        ? { name: field, start, width, type: 'int', padChar: '0', padPosition: 'start' }
        : { name: field, start, width, type: 'string', padPosition: 'end' },
    ),
    { truncate: false },
  )
  return {
    name: 'fixed-width-parser + iconv-lite',
    parse: bytes => records(bytes).map(line => decoded(parser.parse(line)[0]!)),
    format: values => Buffer.concat(values.map(value => Buffer.from(parser.unparse([encoded(value)]), 'latin1'))),
  }
}

// ── Measuring ────────────────────────────────────────────────────────────────────────────────────────────────────────
/** Measures `rounds` times ours and then each peer, all warm; the row names the fastest peer. Unit: µs a record. */
const against = (
  name: string,
  goal: number,
  rounds: number,
  count: number,
  ours: () => unknown,
  peers: readonly { name: string; work: () => unknown }[],
): Row => {
  const mine: number[] = []
  const theirs = peers.map((): number[] => [])
  const perRecord = (work: () => unknown, times: number) => (cpuSeconds(() => repeated(work, times)) / count / times) * 1e6
  for (const { work } of peers) repeated(work, 5)
  repeated(ours, 50)
  for (let i = 0; i < rounds; i++) {
    mine.push(perRecord(ours, 100)) // as long as ten of a peer: enough for a clock that may count in ticks of some milliseconds
    for (const [k, { work }] of peers.entries()) theirs[k]!.push(perRecord(work, 10))
  }
  const best = theirs.reduce((least, of, k) => (median(of) < median(theirs[least]!) ? k : least), 0)
  return { name, ours: mine, peer: peers[best]!.name, peers: theirs[best]!, unit: 'µs a record', goal, higherIsBetter: false }
}
const repeated = (work: () => unknown, times: number): void => {
  for (let i = 0; i < times; i++) work()
}

/** Reads a file of records in pieces and parses all of it; glibc's iconv does nothing but transcode the same file. Unit: MB/s. */
const againstIconv = (rounds: number, bytes: Buffer): Row => {
  const folder = mkdtempSync(join(tmpdir(), 'taxlink-bench-'))
  const path = join(folder, 'records.gbk')
  const copies = Math.ceil(60e6 / bytes.length)
  try {
    const file = openSync(path, 'w')
    for (let i = 0; i < copies; i++) writeSync(file, bytes)
    closeSync(file)
    const size = copies * bytes.length
    const piece = Buffer.alloc(3_000_000)
    let sum = 0
    const ours = () => {
      const from = openSync(path, 'r')
      for (let n = readSync(from, piece); n > 0; n = readSync(from, piece)) {
        layout.decodeMany(piece.subarray(0, n), value => {
          sum += value.amount
        })
      }
      closeSync(from)
    }
    const iconvRun = () => spawnSync('iconv', ['-f', 'gbk', '-t', 'utf-8', path, '-o', '/dev/null'])
    const has = iconvRun().status === 0
    ours()
    const mine: number[] = []
    const theirs: number[] = []
    for (let i = 0; i < rounds; i++) {
      mine.push(size / wallSeconds(ours) / 1e6)
      if (has) theirs.push(size / wallSeconds(iconvRun) / 1e6)
    }
    if (sum <= 0) throw new Error('nothing was parsed')
    return {
      name: 'fixed-width file parse',
      ours: mine,
      peer: 'glibc iconv gbk → utf-8',
      peers: theirs,
      unit: 'MB/s',
      goal: 1,
      higherIsBetter: true,
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Fixed-width records of 300 bytes in GBK, with every check on, against the packages of npm and glibc's iconv. */
export const recordBench = async (rounds: number): Promise<Row[]> => {
  const require = createRequire(import.meta.url)
  const peers = [evologi(), fixy(require), fixedWidthParser(require)]
  const count = 2000
  // As they arrive: parsed from JSON.
  const values = JSON.parse(JSON.stringify(Array.from({ length: count }, (_, i) => recordOf(i)))) as Value[]
  const loose = values.map(plainDates)
  const wire = values.map(value => layout.encode(value))
  const bytes = Buffer.concat(wire)
  for (const { name, parse, format } of peers)
    check(name, JSON.stringify(parse(bytes)) === JSON.stringify(loose) && format(loose).equals(bytes))
  const formatters = peers.map(({ name, format }) => ({ name, work: () => format(loose) }))
  const parsers = peers.map(({ name, parse }) => ({ name, work: () => parse(bytes) }))
  const one = () => {
    for (const bytes of wire) kept = layout.decode(bytes)
  }
  const format = () => {
    for (const value of values) kept = layout.encode(value)
  }
  return [
    against('fixed-width parse, many', 10, rounds, count, () => layout.decodeMany(bytes, keep), parsers),
    against('fixed-width parse, one', 4, rounds, count, one, parsers),
    against('fixed-width format, many', 6, rounds, count, () => keep(layout.encodeMany(values)), formatters),
    against('fixed-width format, one', 4, rounds, count, format, formatters),
    againstIconv(rounds, bytes),
  ]
}

let kept: unknown
const keep = (value: unknown): void => {
  kept = value
}
const check = (what: string, right: boolean): void => {
  if (!right) throw new Error(`${what}: another result than ours (${typeof kept})`)
}
