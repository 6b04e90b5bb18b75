// A bank day of a million entries on this machine: the bank's own file decoded, checked and matched with the ledger in MariaDB, differences stored; beside
// `sort` and `join` over the keys and amounts of the same two sides, exported as text. Ten million take as much memory.
import { execFileSync } from 'node:child_process'
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { HeaderOf, LineOf } from '@taxlink/bank-sdk'
import { bankOf } from '#adapters'
import type { Booking } from '../../gateway/domain/booking.ts'
import { services } from '../../gateway/local.ts'
import { prepare, sampleReference } from '../../gateway/prepare.ts'
import { byBucket, loadLedger } from '../night/load.ts'
import { bankCode, bookingAt, day, differs, isAtBank, isOurs, lineAt, printKey } from './reconcile-rows.ts'
import { median, type Row, wallSeconds } from './row.ts'

const offset = 7_368_787
/** Every number below `count` once, in no order. */
const shuffled = function* (count: number): Generator<number> {
  for (let i = 0; i < count; i++) yield (i * offset) % count
}
const between = function* (from: number, to: number): Generator<number> {
  for (let n = from; n < to; n++) yield n
}

const bookings = function* (count: number): Generator<Booking> {
  for (const n of byBucket(printKey, count, bookingAt)) if (isOurs(n)) yield bookingAt(n)
}

/** The bank's file, and both sides as `key|amount`. */
const writeFiles = async (dir: string, count: number): Promise<void> => {
  let [lines, sum] = [0, 0]
  for (let n = 0; n < count; n++)
    if (isAtBank(n)) {
      lines++
      sum += lineAt(n).amount
    }
  const header: HeaderOf<'detail'> = {
    bankCode,
    workDate: day,
    accountingDate: day,
    session: 1,
    chunk: 1,
    chunks: 1,
    fileCount: lines,
    fileDebitSum: sum,
    fileCreditSum: 0,
  }
  const all = function* (): Generator<LineOf<'detail'>> {
    for (const n of shuffled(count)) if (isAtBank(n)) yield lineAt(n)
  }
  await pipeline(Readable.from(bankOf(bankCode)!.files!.detail!.write(header, all())), createWriteStream(join(dir, 'bank.dat')))
  const text = function* (numbers: Iterable<number>, isHere: (n: number) => boolean, amountOf: (n: number) => number): Generator<string> {
    let part: string[] = []
    for (const n of numbers) {
      if (!isHere(n)) continue
      const { officeCode, serialNo } = bookingAt(n)
      part.push(`${officeCode}20261110${serialNo}|${amountOf(n)}\n`)
      if (part.length < 5_000) continue
      yield part.join('')
      part = []
    }
    yield part.join('')
  }
  const write = (name: string, parts: Iterable<string>) => pipeline(Readable.from(parts), createWriteStream(join(dir, name)))
  await write(
    'ledger.txt',
    text(between(0, count), isOurs, n => bookingAt(n).amount),
  )
  await write(
    'bank.txt',
    text(shuffled(count), isAtBank, n => lineAt(n).amount),
  )
}

type Run = { readonly seconds: number; readonly megabytes: number; readonly found: number }
/** A match in a process of its own, so that what it takes is its own. */
const match = (databaseUrl: string, file: string): Run =>
  JSON.parse(
    execFileSync(process.execPath, [join(import.meta.dirname, 'reconcile-run.ts'), databaseUrl, file], {
      encoding: 'utf8',
      maxBuffer: 1 << 24,
    }),
  ) as Run

const sortAndJoin = (dir: string): { readonly seconds: number; readonly found: number } => {
  let found = 0
  const script = `export LC_ALL=C
    sort -S 300M --parallel=2 -t'|' -k1,1 ledger.txt -o l.s & sort -S 300M --parallel=2 -t'|' -k1,1 bank.txt -o b.s; wait
    join -t'|' -a1 -a2 -e- -o 0,1.2,2.2 l.s b.s | awk -F'|' '$2!=$3' | wc -l`
  const seconds = wallSeconds(() => {
    found = Number(execFileSync('sh', ['-c', script], { cwd: dir, encoding: 'utf8' }))
  })
  return { seconds, found }
}

const measured = async (count: number, rounds: number, alone = false) => {
  const dir = mkdtempSync(join(tmpdir(), 'taxlink-bench-'))
  const running = await services({ dir, production: false, say: () => {}, databaseUrl: undefined, redisUrl: undefined })
  try {
    await prepare(running.databaseUrl, sampleReference, () => {})
    await writeFiles(dir, count)
    await loadLedger(running.databaseUrl, printKey, bookings(count))
    const runs: Run[] = []
    const peers: number[] = []
    for (let round = 0; round < rounds; round++) {
      const run = match(running.databaseUrl, join(dir, 'bank.dat'))
      runs.push(run)
      if (alone) continue
      const peer = sortAndJoin(dir)
      peers.push(peer.seconds)
      if (peer.found !== run.found || run.found !== differs(count))
        throw new Error(`${run.found} differences found, ${peer.found} by sort and join, ${differs(count)} planted`)
    }
    return { runs, peers }
  } finally {
    await running.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}

const memory = (name: string, runs: readonly Run[]): Row => ({
  name,
  ours: runs.map(({ megabytes }) => megabytes),
  peer: 'bound',
  peers: runs.map(() => 256),
  unit: 'MB',
  goal: 1,
  higherIsBetter: false,
})

/** One million, at most one and a half times as long as `sort` and `join`. */
export const reconcileBench = async (rounds: number): Promise<Row[]> => {
  const { runs, peers } = await measured(1_000_000, rounds)
  return [
    {
      name: 'a bank day of 1,000,000 entries matched',
      ours: runs.map(({ seconds }) => seconds),
      peer: 'sort | join',
      peers,
      unit: 's',
      goal: 1 / 1.5,
      higherIsBetter: false,
    },
    memory('its memory', runs),
  ]
}

/** Ten million, at most eleven times as long as one, and in the same memory. Takes a quarter of an hour: only when it is asked for. */
export const reconcileTenBench = async (rounds: number): Promise<Row[]> => {
  const one = await measured(1_000_000, rounds, true)
  const ten = await measured(10_000_000, rounds, true)
  return [
    {
      name: 'a bank day of 10,000,000 entries matched',
      ours: ten.runs.map(({ seconds }) => seconds),
      peer: 'of 1,000,000',
      peers: ten.runs.map(() => median(one.runs.map(({ seconds }) => seconds))),
      unit: 's',
      goal: 1 / 11,
      higherIsBetter: false,
    },
    memory('its memory', ten.runs),
  ]
}
