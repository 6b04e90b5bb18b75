import { spawnSync } from 'node:child_process'
import { createReadStream, createWriteStream, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Bank, LineOf } from '@taxlink/bank-sdk'
import dongting from '../../adapters/dongting/index.ts'
import open from '../../adapters/open/index.ts'
import xiangjiang from '../../adapters/xiangjiang/index.ts'
import type { Row } from './row.ts'

const names = ['长沙市芙蓉区湘绣商行', '北京华夏贸易股份有限公司', '张三丰', '欧阳娜娜', '李珅億', '内蒙古草原牧业合作社ABC']

/** Lines as a bank has them, in no order. */
const linesOf = function* (count: number, items: boolean): Generator<LineOf<'detail'>> {
  for (let k = 0; k < count; k++) {
    const i = (k * 7_919) % count
    const amount = ((i * 104_729) % 1e9) + 1
    yield {
      officeCode: '14301020000',
      entrustDate: '2026-11-10',
      serialNo: String(i).padStart(8, '0'),
      verb: 'debit',
      ticketNo: `343012611${String(i).padStart(9, '0')}`,
      account: `6222021001${String((i * 31) % 1e9).padStart(9, '0')}`,
      taxpayerName: names[i % names.length]!,
      amount,
      status: 'booked',
      bankSerial: `20261110${String(i).padStart(8, '0')}`,
      accountingDate: '2026-11-10',
      ...(items
        ? {
            items: [
              {
                taxCode: '10101',
                taxName: '增值税',
                budgetSubject: '101010106',
                budgetLevel: '1',
                periodStart: '2026-10-01',
                periodEnd: '2026-10-31',
                amount,
              },
            ],
          }
        : {}),
    }
  }
}

const written = async (bank: Bank, path: string, count: number): Promise<void> => {
  const file = bank.files!.detail!
  const items = bank === dongting
  let sum = 0
  for (const { amount } of linesOf(count, false)) sum += amount
  const day = { bankCode: bank.code, workDate: '2026-11-11', accountingDate: '2026-11-10', session: 1, chunk: 1, chunks: 1 }
  const header = { ...day, fileCount: count, fileDebitSum: sum, fileCreditSum: 0 }
  await pipeline(Readable.from(file.write(header, linesOf(count, items))), createWriteStream(path))
}

const read = async (bank: Bank, path: string): Promise<number> => {
  const reading = await bank.files!.detail!.read(createReadStream(path, { highWaterMark: 1 << 20 }))
  let count = 0
  for await (const batch of reading.batches()) count += batch.count
  return reading.trailer().count === count ? count : 0
}

/** A whole detail file from the disk, every line decoded and checked, count and sums compared; coreutils sorts its keys and amounts alone. */
const against = async (bank: Bank, count: number, keys: string, goal: number, rounds: number): Promise<Row> => {
  const folder = mkdtempSync(join(tmpdir(), 'taxlink-bench-'))
  const path = join(folder, 'detail')
  try {
    await written(bank, path, count)
    const sort = () => spawnSync('sh', ['-c', `export LC_ALL=C; ${keys} '${path}' | sort > /dev/null`])
    const [mine, theirs]: [number[], number[]] = [[], []]
    await read(bank, path)
    for (let i = 0; i < rounds; i++) {
      let start = process.hrtime.bigint()
      if ((await read(bank, path)) !== count) throw new Error('another number of lines was read than was written')
      mine.push(Number(process.hrtime.bigint() - start) / 1e9)
      start = process.hrtime.bigint()
      if (sort().status !== 0) throw new Error('coreutils could not sort the file')
      theirs.push(Number(process.hrtime.bigint() - start) / 1e9)
    }
    const [lines, peer] = [count.toLocaleString('en'), 'cut | sort of keys and amounts']
    const name = `detail file of ${bank.name}, ${lines} lines read and checked`
    return { name, ours: mine, peer, peers: theirs, unit: 's', goal, higherIsBetter: false }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** The detail files of the three layouts. */
export const filesBench = async (rounds: number): Promise<Row[]> => [
  await against(xiangjiang, 1_000_000, 'cut -b2-29,141-155', 0.8, rounds),
  await against(dongting, 300_000, "cut -d'|' -f2-4,9", 0.5, rounds),
  await against(open, 300_000, `cut -d'"' -f12,16,20,35`, 0.4, rounds),
]
