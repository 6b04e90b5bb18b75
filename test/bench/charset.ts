import { spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import iconv from 'iconv-lite'
import { charset } from '../../sdk/charset.ts'
import { cpuSeconds, type Row, wallSeconds } from './row.ts'

const gbk = charset('gbk')
const hanzi = '湖南长沙市芙蓉区五一大道有限责任公司张三李四王五赵六珅億堃喆税务征收管理中心银行股份'

/** The same texts in every run, each made of its own units as a decoder or JSON.parse makes them. */
const texts = (count: number, length: number, share: number): string[] => {
  let seed = 20_261_122
  const next = (limit: number) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return (seed >>> 8) % limit
  }
  const unit = (i: number) => (i % 10 < share * 10 ? hanzi.charCodeAt(next(hanzi.length)) : 0x30 + next(10))
  return Array.from({ length: count }, () => String.fromCharCode(...Array.from({ length }, (_, i) => unit(i))))
}

/** Megabytes of GBK a second, ours and the peer's by turns. */
const against = (
  name: string,
  goal: number,
  rounds: number,
  size: number,
  ours: () => number,
  peer: string,
  theirs: () => number,
  seconds = cpuSeconds,
): Row => {
  const row: Row = { name, ours: [], peer, peers: [], unit: 'MB/s', goal, higherIsBetter: true }
  if (ours() !== theirs()) throw new Error(`${name}: ours and ${peer} do not come to the same`)
  for (let i = 0; i < 20; i++) {
    ours()
    theirs()
  }
  // Long enough for a clock that counts microseconds, and for the garbage to be taken out.
  const times = Math.max(1, Math.round(10e6 / size))
  const repeated = (work: () => number): void => {
    for (let i = 0; i < times; i++) work()
  }
  for (let i = 0; i < rounds; i++) {
    row.ours.push((size * times) / seconds(() => repeated(ours)) / 1e6)
    row.peers.push((size * times) / seconds(() => repeated(theirs)) / 1e6)
  }
  return row
}

const lite = 'iconv-lite'
const total = <T>(list: readonly T[], one: (item: T) => number): number => list.reduce((sum, item) => sum + one(item), 0)
const sizeOf = (list: readonly string[]): number => total(list, text => gbk.byteLength(text))

/** Encoding of `list`, into new bytes and into a record that is there already. Of large texts the new memory is half of the time. */
const encoding = (kind: string, goal: number, rounds: number, list: readonly string[]): Row[] => {
  const size = sizeOf(list)
  const target = Buffer.alloc(Math.max(...list.map(text => gbk.byteLength(text))))
  const peer = () => total(list, text => iconv.encode(text, 'gbk').length)
  const written = () => total(list, text => gbk.write(text, target, 0, target.length))
  return [
    against(`GBK encode, ${kind}`, goal, rounds, size, () => total(list, text => gbk.encode(text).length), lite, peer),
    against(`GBK write, ${kind}`, 2.5, rounds, size, written, lite, peer),
  ]
}

const decoding = (kind: string, rounds: number, list: readonly string[]): Row => {
  const wire = list.map(text => gbk.encode(text))
  const ours = () => total(wire, bytes => gbk.decode(bytes).length)
  return against(`GBK decode, ${kind}`, 2, rounds, sizeOf(list), ours, lite, () => total(wire, bytes => iconv.decode(bytes, 'gbk').length))
}

/** Reads a file of lines and decodes all of it; glibc's iconv program transcodes the same file, start and exit included. */
const fileDecoding = (rounds: number): Row[] => {
  const folder = mkdtempSync(join(tmpdir(), 'taxlink-bench-'))
  const path = join(folder, 'lines.gbk')
  try {
    const lines = gbk.encode(
      texts(20_000, 60, 0.4)
        .map(text => `${text}\n`)
        .join(''),
    )
    const copies = Math.ceil(40e6 / lines.length)
    const file = openSync(path, 'w')
    for (let i = 0; i < copies; i++) writeSync(file, lines)
    closeSync(file)
    const piece = Buffer.alloc(1 << 18)
    const ours = () => {
      const from = openSync(path, 'r')
      let units = 0
      let kept = 0
      for (let n = readSync(from, piece); n > 0; n = readSync(from, piece, kept, piece.length - kept, null)) {
        const end = piece.lastIndexOf(0x0a, kept + n - 1) + 1 // no code of GBK holds 0A
        units += gbk.decode(piece, 0, end).length
        piece.copy(piece, 0, end, kept + n)
        kept += n - end
      }
      closeSync(from)
      return units
    }
    const glibc = () => spawnSync('iconv', ['-f', 'GBK', '-t', 'UTF-8', path, '-o', '/dev/null']).status ?? -1
    if (glibc() !== 0) return []
    const units = copies * gbk.decode(lines).length
    return [
      against('GBK file decode', 1, rounds, copies * lines.length, () => ours() - units, 'glibc iconv gbk → utf-8', glibc, wallSeconds),
    ]
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** Compares the GBK codec with iconv-lite and with glibc's iconv, `rounds` rounds of each by turns. */
export const charsetBench = async (rounds: number): Promise<Row[]> => {
  const fields = texts(2000, 40, 0.5) // 60 bytes, half hanzi
  const chinese = texts(2000, 15, 1)
  const large = texts(4, 30_000, 1)
  const largeMixed = texts(4, 30_000, 0.4)
  return [
    ...encoding('60-byte fields, mixed', 2.5, rounds, fields),
    ...encoding('30-byte names', 2.5, rounds, chinese),
    ...encoding('60 kB of Chinese', 2, rounds, large),
    ...encoding('42 kB mixed', 2, rounds, largeMixed),
    decoding('60-byte fields, mixed', rounds, fields),
    decoding('30-byte names', rounds, chinese),
    decoding('60 kB of Chinese', rounds, large),
    decoding('42 kB mixed', rounds, largeMixed),
    ...fileDecoding(Math.min(rounds, 7)),
  ]
}
