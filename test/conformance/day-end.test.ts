import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bank, type LineOf, outcome, pushes, type RequestOf, servePushes } from '@taxlink/bank-sdk'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import dongting from '../../adapters/dongting/index.ts'
import openBank from '../../adapters/open/index.ts'
import xiangjiang from '../../adapters/xiangjiang/index.ts'
import type { FileDeed, FileRule, Rule } from '../../conformance/simulator/index.ts'
import { readAll } from '../sdk/file-kit.ts'
import { account, accountingDate, type Bench, open, requests, ticketOf } from './bank-kit.ts'

// The bank's side of a day-end: totals, detail files, what it is told of a day that is over, and every way in which it may be wrong.

const banks = [xiangjiang, dongting, openBank] as const
const of = { accountingDate, session: 1, workDate: '2026-09-11' }
const officeCode = '14301020000'
const key = (serial: number) => ({ officeCode, entrustDate: '2026-09-11', serialNo: String(serial).padStart(8, '0') })

const folder = (): string => {
  const at = mkdtempSync(join(tmpdir(), 'taxlink-files-'))
  onTestFinished(() => rmSync(at, { recursive: true, force: true }))
  return at
}
type Lines = Partial<LineOf<'detail'>>[]
/** What the file of the day says. */
const fileOf = async ({ simulator }: Bench, bank: Bank, at: string, more: Partial<typeof of> = {}): Promise<Lines> => {
  const named = { ...of, ...more }
  await simulator.deliver(named)
  const file = bank.files!.detail!
  const names = readdirSync(at).filter(
    name => file.readName(name)?.session === named.session && file.readName(name)?.accountingDate === named.accountingDate,
  )
  const read = await Promise.all(names.sort().map(name => readAll(file, readFileSync(join(at, name)))))
  return read.flatMap(({ lines }) => lines)
}
/** Where the gateway would hear what the bank tells. */
const gateway = async (bank: Bank): Promise<{ readonly url: string; readonly heard: (readonly [string, object])[] }> => {
  const heard: (readonly [string, object])[] = []
  const hear = (push: string) => (message: object) => {
    heard.push([push, message])
    return { result: outcome('90000') }
  }
  const listener = await servePushes(bank, Object.fromEntries(pushes.map(push => [push, hear(push)])))
  onTestFinished(() => listener.close(0))
  return { url: listener.url, heard }
}
/** A notice about a debit of the three. */
const noticeAbout = (of: number) =>
  ({
    noticeNo: 'TZ1',
    ticketNo: ticketOf(of),
    originalEntrustDate: '2026-09-11',
    originalSerialNo: key(of).serialNo,
    accountingDate,
    taxAmount: 0,
    bankAmount: 12_345,
    amount: 12_345,
    reason: 'bank-only',
    issuingOffice: officeCode,
    issuedOn: '2026-09-11',
    dueOn: '2026-09-12',
  }) as const
const totalsOf = (more: Partial<RequestOf<'totals'>> = {}): RequestOf<'totals'> => ({
  ...key(90),
  ...of,
  kind: 'final',
  debitCount: 3,
  debitSum: 37_035,
  supplementaryCount: 0,
  supplementarySum: 0,
  reversalCount: 1,
  reversalSum: 12_345,
  adjustmentCount: 0,
  adjustmentSum: 0,
  ...more,
})
const three = async ({ ask }: Bench): Promise<void> => {
  for (const serial of [1, 2, 3]) await ask('debit', requests.debit(serial))
  await ask('reversal', requests.reversal(4, 3))
}

describe.each(banks)('$name', bank => {
  test('compares totals, and tells its own', async () => {
    const bench = await open(bank)
    await three(bench)
    expect(await bench.ask('totals', totalsOf())).toMatchObject({ result: { code: '90000' }, debitCount: 3, reversalSum: 12_345 })
    expect(await bench.ask('totals', totalsOf({ ...key(91), debitSum: 37_034 }))).toMatchObject({
      result: { class: 'refused' },
      debitSum: 37_035,
    })
    expect(await bench.ask('totals', totalsOf({ ...key(92), accountingDate: '2026-09-09' }))).toMatchObject({
      result: { class: 'refused' },
      debitCount: 0,
      debitSum: 0,
    })
  })

  test('writes its ledger into a file, whole, the same again, and an empty one', async () => {
    const at = folder()
    const bench = await open(bank, [], { files: { folder: at } })
    await three(bench)
    const answer = await bench.ask('fileRequest', { ...key(90), ...of, reason: 'first' })
    expect(answer).toMatchObject({ result: { code: '90000' }, chunks: 1 })
    await vi.waitFor(() => expect(bench.simulator.delivered).toHaveLength(1))
    const { name } = answer as { readonly name: string }
    const bytes = readFileSync(join(at, name))
    const { lines } = await readAll(bank.files!.detail!, bytes)
    expect(lines.map(({ serialNo, verb, amount, status, originalSerialNo }) => [serialNo, verb, amount, status, originalSerialNo])).toEqual(
      [
        ['00000001', 'debit', 12_345, 'booked', undefined],
        ['00000002', 'debit', 12_345, 'booked', undefined],
        ['00000003', 'debit', 12_345, 'booked', undefined],
        ['00000004', 'reversal', 12_345, 'booked', '00000003'],
      ],
    )
    expect(lines[0]).toMatchObject({ officeCode, ticketNo: ticketOf(1), account, accountingDate, bankSerial: '2026091000000001' })
    if (bank !== openBank) expect(lines[0]!.taxpayerName).toBe('长沙市芙蓉区珅億酒家')
    if (bank === dongting) expect(lines[0]!.items).toMatchObject([{ taxName: '增值税', amount: 12_345 }])
    await bench.simulator.deliver(of)
    expect(readFileSync(join(at, name)).equals(bytes)).toBe(true)
    expect(await fileOf(bench, bank, at, { accountingDate: '2026-09-09' })).toEqual([])
    expect(readdirSync(at).filter(file => file.startsWith('.'))).toEqual([])
    const future = await bench.ask('fileRequest', { ...key(91), ...of, accountingDate: '2026-09-12', reason: 'first' })
    expect(future).toMatchObject({ result: { class: 'refused' } })
  })

  test('gives back what a notice asks for, remits, passes on what the treasury has entered, prints; and tells all of it', async () => {
    const { url, heard } = await gateway(bank)
    const short: Rule = { when: { verb: 'summaryVoucher', nth: 2 }, do: 'short-remittance', fen: 7 }
    const bench = await open(bank, [short], { push: { url, retryMs: 10 } })
    const { ask, simulator } = bench
    await three(bench)
    simulator.ledger.endDay()
    const notice: RequestOf<'adjustmentNotice'> = {
      ...key(50),
      noticeNo: 'TZ430102001',
      ticketNo: ticketOf(1),
      originalEntrustDate: '2026-09-11',
      originalSerialNo: '00000001',
      accountingDate,
      taxAmount: 12_345,
      bankAmount: 24_690,
      amount: 12_345,
      reason: 'duplicate',
      issuingOffice: officeCode,
      issuedOn: '2026-09-11',
      dueOn: '2026-09-12',
    }
    expect(await ask('adjustmentNotice', notice)).toMatchObject({ noticeNo: 'TZ430102001', result: { code: '90000' } })
    // The same again, under another key, is done once; another content under its number is refused.
    expect(await ask('adjustmentNotice', { ...notice, ...key(51) })).toMatchObject({ result: { code: '90000' } })
    expect(await ask('adjustmentNotice', { ...notice, ...key(52), amount: 1 })).toMatchObject({ result: { class: 'refused' } })
    const voucher: RequestOf<'summaryVoucher'> = {
      ...key(53),
      summaryNo: '43010226091100000001',
      workDate: '2026-09-11',
      accountingDate,
      treasuryCode: '1901020000',
      clearingNo: '011551000018',
      remittanceAccount: '23430190100001',
      ticketCount: 2,
      amount: 24_690,
      deadline: '1600',
    }
    expect(await ask('summaryVoucher', voucher)).toMatchObject({ summaryNo: voucher.summaryNo, result: { code: '90000' } })
    const { taxpayerId, taxpayerName, payerBankNo, treasuryCode, items, amount } = requests.debit(1)
    const information = { ...key(54), ticketNo: ticketOf(1), taxpayerId, taxpayerName, account, payerBankNo, treasuryCode, items, amount }
    const printed = await ask('ticketInformation', { ...information, paidAt: '2026-09-10', printMark: 'original' })
    expect(printed).toMatchObject({ ticketNo: ticketOf(1), result: { code: '90000' } })
    expect(await ask('feeStatement', { ...key(55), month: '202609', count: 2, fee: 200 })).toMatchObject({ result: { code: '90000' } })

    await vi.waitFor(() => expect(simulator.ledger.dayEnd.untold()).toEqual([]))
    expect(heard.map(([push]) => push).sort()).toEqual(['adjustmentReceipt', 'remitConfirmation', 'treasuryReceipt', 'voucherPrinted'])
    const said = Object.fromEntries(heard)
    expect(said.adjustmentReceipt).toMatchObject({ noticeNo: 'TZ430102001', amount: 12_345, accountingDate: '2026-09-11' })
    expect(said.remitConfirmation).toMatchObject({ summaryNo: voucher.summaryNo, amount: 24_690, remittedAt: '2026-09-11' })
    expect(said.treasuryReceipt).toMatchObject({ summaryNo: voucher.summaryNo, amount: 24_690, treasuryCode: '1901020000' })
    expect(said.voucherPrinted).toMatchObject({ ticketNo: ticketOf(1), copies: 1, printMark: 'original' })
    await ask('summaryVoucher', { ...voucher, ...key(56), summaryNo: '43010226091100000002' })
    await vi.waitFor(() => expect(heard).toHaveLength(6))
    for (const [, message] of heard.slice(4)) expect(message).toMatchObject({ summaryNo: '43010226091100000002', amount: 24_683 })
    const [day] = simulator.ledger.summary().slice(-1)
    expect(day).toMatchObject({ accountingDate: '2026-09-11', adjustments: { count: 1, amount: 12_345n }, net: -12_345n })
    expect([...simulator.ledger.accounts()][0]!.balance).toBe(1_000_000n - 2n * 12_345n + 12_345n)
  })
})

describe('what a bank does wrong', () => {
  const bookings = async (rule: Rule): Promise<Lines> => {
    const at = folder()
    const bench = await open(xiangjiang, [rule], { files: { folder: at } })
    const answer = rule.when?.verb === 'reversal' ? undefined : await bench.ask('debit', requests.debit(1))
    if (!answer) {
      await bench.ask('debit', requests.debit(1))
      expect(await bench.ask('reversal', requests.reversal(2, 1))).toMatchObject({ result: { code: '90000' }, amount: 12_345 })
    } else if (rule.do === 'refused-after-booking') expect(answer).toMatchObject({ result: { code: '24003' }, amount: 0 })
    else expect(answer).toMatchObject({ result: { code: '90000' }, amount: 12_345, accountingDate })
    return [...(await fileOf(bench, xiangjiang, at)), ...(await fileOf(bench, xiangjiang, at, { accountingDate: '2026-09-11' }))]
  }
  const told = (lines: Lines) => lines.map(({ serialNo, verb, amount, accountingDate: date }) => [serialNo, verb, amount, date])
  test.each<[string, Rule, unknown[]]>([
    ['books twice', { do: 'booked-twice' }, [1, 1].map(() => ['00000001', 'debit', 12_345, accountingDate])],
    ['books too much', { do: 'over-booking', fen: 5 }, [['00000001', 'debit', 12_350, accountingDate]]],
    ['books too little', { do: 'under-booking', fen: 5 }, [['00000001', 'debit', 5, accountingDate]]],
    ['books nothing and says yes', { do: 'under-booking' }, []],
    ['books and says no', { do: 'refused-after-booking' }, [['00000001', 'debit', 12_345, accountingDate]]],
    ['books under the next date', { do: 'next-day-booking' }, [['00000001', 'debit', 12_345, '2026-09-11']]],
    [
      'gives back what nobody asked for',
      { do: 'taken-back' },
      [
        ['00000001', 'debit', 12_345, accountingDate],
        ['90000001', 'reversal', 12_345, accountingDate],
      ],
    ],
    ['does not book a reversal', { when: { verb: 'reversal' }, do: 'under-booking' }, [['00000001', 'debit', 12_345, accountingDate]]],
  ])('%s', async (_, rule, lines) => {
    expect(told(await bookings(rule))).toEqual(lines)
  })
  test('two bookings of one debit have two serial numbers', async () => {
    const lines = await bookings({ do: 'booked-twice' })
    expect(new Set(lines.map(({ bankSerial }) => bankSerial)).size).toBe(2)
  })
  test('what it has taken back it takes back once, and says so when it is asked', async () => {
    const bench = await open(xiangjiang, [{ do: 'taken-back', times: 2 }])
    for (const again of [1, 2]) {
      const said = await bench.ask('debit', requests.debit(1))
      expect([again, said]).toEqual([
        again,
        expect.objectContaining({ result: expect.objectContaining({ code: again === 1 ? '90000' : '24020' }) }),
      ])
    }
    expect([...bench.simulator.ledger.entries()].map(({ verb }) => verb)).toEqual(['debit', 'reversal'])
    expect(await bench.ask('inquiry', requests.inquiry(1))).toMatchObject({ result: { code: '24020' } })
  })
  test('a notice about a reversal that it never made gives back to the account of the ticket', async () => {
    const bench = await open(xiangjiang, [{ when: { verb: 'reversal' }, do: 'under-booking' }])
    await bench.ask('debit', requests.debit(1))
    await bench.ask('reversal', requests.reversal(2, 1))
    const notice = { ...noticeAbout(1), ...key(50), originalSerialNo: '00000002', reason: 'reversal-missing' } as const
    expect(await bench.ask('adjustmentNotice', notice)).toMatchObject({ result: { code: '90000' } })
    expect([...bench.simulator.ledger.entries()].at(-1)).toMatchObject({ verb: 'adjustment', account, amount: 12_345 })
  })
  test('books something that nobody has sent', async () => {
    const at = folder()
    const bench = await open(xiangjiang, [], { files: { folder: at } })
    bench.simulator.bookUnsent({ officeCode, ticketNo: ticketOf(9), account, amount: 77 })
    expect(await fileOf(bench, xiangjiang, at)).toMatchObject([{ ticketNo: ticketOf(9), amount: 77, verb: 'debit' }])
  })

  const second = { ticketNo: ticketOf(2).slice(-4) }
  test.each<[FileDeed, (lines: Lines) => unknown, unknown]>([
    ['wrong-account', lines => lines[1]!.account, `${account.slice(0, -1)}8`],
    ['wrong-office', lines => lines[1]!.officeCode, '14301020001'],
    ['wrong-ticket', lines => lines[1]!.ticketNo, `${ticketOf(2).slice(0, -1)}3`],
    ['wrong-date', lines => lines[1]!.entrustDate, '2026-09-10'],
    ['wrong-amount', lines => lines[1]!.amount, 12_346],
    ['status-failed', lines => lines[1]!.status, 'failed'],
    ['status-reversed', lines => lines[1]!.status, 'reversed'],
    ['core-missing', lines => lines[1]!.coreStatus, 'missing'],
    ['core-differs', lines => lines[1]!.coreStatus, 'differs'],
    ['line-missing', lines => lines.map(line => line.serialNo), ['00000001', '00000003']],
    ['line-twice', lines => lines.map(line => line.serialNo), ['00000001', '00000002', '00000002', '00000003']],
    ['amounts-swapped', lines => lines.map(line => line.amount), [100, 300, 200]],
  ])('its file has %s, and the next session’s is right', async (deed, seen, expected) => {
    const at = folder()
    const filePlan: FileRule[] = [{ when: second, do: deed, until: 1 }]
    const bench = await open(xiangjiang, [], { files: { folder: at }, filePlan })
    for (const serial of [1, 2, 3])
      await bench.ask('debit', requests.debit(serial, deed === 'amounts-swapped' ? { amount: serial * 100 } : {}))
    const right = await fileOf(bench, xiangjiang, at, { session: 2 })
    expect(right).toHaveLength(3)
    const lines = await fileOf(bench, xiangjiang, at)
    expect(seen(lines)).toEqual(expected)
    // Nothing else is wrong with it.
    const others = lines.filter(
      line => line.ticketNo === ticketOf(1) || (line.ticketNo === ticketOf(3) && deed !== 'amounts-swapped' && deed !== 'wrong-ticket'),
    )
    for (const line of others) expect(right).toContainEqual(line)
  })
  test('a plan that nobody could follow is refused', async () => {
    const { simulator } = await open(xiangjiang)
    expect(() => simulator.filePlan([{ do: 'line-lost' as FileDeed }])).toThrow(/rule 1 of the files/)
    expect(() => simulator.filePlan([{ do: 'line-missing', when: { line: 1 } as never }])).toThrow(/knows accountingDate/)
    expect(() => simulator.filePlan([{ do: 'line-missing', until: 0 }])).toThrow(/count from 1/)
  })
})

describe('a file on its way', () => {
  test('goes in parts that say what the whole is', async () => {
    const at = folder()
    const bench = await open(dongting, [], { files: { folder: at, linesPerFile: 3 } })
    await three(bench)
    await bench.simulator.deliver(of)
    const file = dongting.files!.detail!
    const parts = await Promise.all(
      readdirSync(at)
        .sort()
        .map(name => readAll(file, readFileSync(join(at, name)))),
    )
    expect(parts.map(({ header, trailer }) => [header.chunk, header.chunks, header.fileCount, trailer.count])).toEqual([
      [1, 2, 4, 3],
      [2, 2, 4, 1],
    ])
  })
  test('is put until there is an answer, and what the gateway refuses is not put again', async () => {
    const puts: { readonly url: string; readonly size: number }[] = []
    const statuses = [503, 202, 409]
    const server = createServer((request, response) => {
      let size = 0
      request.on('data', (part: Buffer) => (size += part.length))
      request.on('end', () => {
        puts.push({ url: `${request.method} ${request.url}`, size })
        response.writeHead(statuses.shift() ?? 500).end('{}')
      })
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise(resolve => server.once('listening', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const bench = await open(openBank, [], { files: { url, retryMs: 5 } })
    await three(bench)
    await bench.simulator.deliver(of)
    await bench.simulator.deliver({ ...of, session: 2 })
    const [first, second] = [1, 2].map(session => `DETAIL_4310_20260910_0${session}_0001.jsonl`)
    expect(puts.map(put => put.url)).toEqual([first, first, second].map(name => `PUT /v1/reconciliation-files/${name}`))
    expect(puts[0]!.size).toBe(puts[1]!.size)
    expect(bench.simulator.delivered.map(({ name, status }) => [name, status])).toEqual([
      [first, 202],
      [second, 409],
    ])
  })
})

test('a bank that went down has done what it was told, once, and tells it when it is up again', async () => {
  const journal = join(folder(), 'journal')
  const notice = (serial: number): RequestOf<'adjustmentNotice'> => ({ ...key(serial), ...noticeAbout(1) })
  const late: Rule[] = [{ when: { verb: 'adjustmentNotice' }, do: 'in-progress-then-done', ms: 3_600_000 }]
  const first = await open(xiangjiang, late, { journal })
  await first.ask('debit', requests.debit(1))
  expect(await first.ask('adjustmentNotice', notice(50))).toMatchObject({ result: { code: '90000' } })
  expect(first.simulator.ledger.dayEnd.tasks()).toMatchObject([{ kind: 'adjustmentNotice', id: 'TZ1', done: false }])
  await first.simulator.close()
  const { url, heard } = await gateway(xiangjiang)
  const second = await open(xiangjiang, [], { journal, push: { url, retryMs: 10 } })
  await vi.waitFor(() => expect(heard.map(([push]) => push)).toEqual(['adjustmentReceipt']))
  await second.ask('adjustmentNotice', notice(50))
  expect([...second.simulator.ledger.entries()].map(({ verb }) => verb)).toEqual(['debit', 'adjustment'])
})
