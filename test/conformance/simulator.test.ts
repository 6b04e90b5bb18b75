import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bank, Fault, Tls } from '@taxlink/bank-sdk'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import dongting from '../../adapters/dongting/index.ts'
import openBank from '../../adapters/open/index.ts'
import xiangjiang from '../../adapters/xiangjiang/index.ts'
import { type Rule, simulate } from '../../conformance/simulator/index.ts'
import { authority } from '../sdk/line-kit.ts'
import { account, accountingDate, accounts, type Bench, customer, faultOf, open, requests, ticketOf, until } from './bank-kit.ts'

type Party = { readonly server?: Required<Pick<Tls, 'ca' | 'cert' | 'key'>>; readonly client?: Tls }
const parties = new Map<Bank, Party>()
beforeAll(async () => {
  const { issue } = await authority('test')
  parties.set(openBank, { server: await issue('4310', 'server'), client: await issue('gateway', 'client') })
})

const start = (bank: Bank, plan: Rule[] = [], more: Parameters<typeof open>[2] = {}): Promise<Bench> => {
  const { server, client } = parties.get(bank) ?? {}
  return open(bank, plan, { ...(server ? { tls: server } : {}), ...more }, client)
}
const booked = ({ simulator }: Bench) => [...simulator.ledger.entries()].map(e => [e.kind, e.amount])
const balance = ({ simulator }: Bench) => [...simulator.ledger.accounts()].find(a => a.account === account)?.balance

describe.each([
  ['fixed width over TCP', xiangjiang],
  ['XML over HTTP', dongting],
  ['the open interface over HTTPS', openBank],
])('a simulated bank: %s', (_, bank) => {
  test('books, tells, finds and gives back', async () => {
    const bench = await start(bank)
    const debit = await bench.ask('debit', requests.debit(1))
    expect(debit).toMatchObject({ ticketNo: ticketOf(1), amount: 12_345, bankSerial: '2026091000000001', accountingDate })
    expect(debit.result).toMatchObject({ class: 'succeeded', code: '90000', bankText: '交易成功' })
    expect((await bench.ask('inquiry', requests.inquiry(1))).result.code).toBe('90000')
    expect((await bench.ask('reversal', requests.reversal(2, 1))).result.code).toBe('90000')
    expect((await bench.ask('inquiry', requests.inquiry(1))).result.code).toBe('24020')
    const test = await bench.ask('linkTest', requests.linkTest(9))
    expect([test.result.code, test.accountingDate]).toEqual(['90000', accountingDate])
    expect(booked(bench)).toEqual([
      ['debit', 12_345],
      ['reversal', 12_345],
    ])
    expect(bench.faults).toEqual([])
  })

  test('refuses with a text, keeps a tombstone, ends its day when told', async () => {
    const bench = await start(bank)
    const refused = await bench.ask('debit', requests.debit(1, { amount: 1_000_001 }))
    expect(refused.result).toMatchObject({ class: 'refused', code: '24003', bankText: '余额不足' })
    expect((await bench.ask('reversal', requests.reversal(3, 2))).result.code).toBe('94054')
    expect((await bench.ask('debit', requests.debit(2))).result.code).toBe('24020')
    await bench.ask('debit', requests.debit(4))
    bench.simulator.ledger.endDay()
    expect((await bench.ask('reversal', requests.reversal(5, 4))).result.code).toBe('38002')
    expect((await bench.ask('linkTest', requests.linkTest(9))).accountingDate).toBe('2026-09-11')
  })

  test('books one key once, however many ask at once', async () => {
    const bench = await start(bank)
    const asks = Array.from({ length: 40 }, (_, n) => bench.ask('debit', requests.debit(n + 1, { amount: 100 })))
    expect((await Promise.all(asks)).every(reply => reply.result.code === '90000')).toBe(true)
    const again = await bench.ask('debit', requests.debit(7, { amount: 100 }))
    expect(again.bankSerial).toBe([...bench.simulator.ledger.entries()].find(e => e.ticketNo === ticketOf(7))?.serial)
    expect(booked(bench)).toHaveLength(40)
    expect(balance(bench)).toBe(1_000_000n - 4_000n)
  })

  test.each<[Rule['do'], string, boolean]>([
    ['silent-after-booking', 'timeout', true],
    ['silent-before-booking', 'timeout', false],
    ['late', 'timeout', true],
    ['late-booking', 'timeout', false],
    ['drop-after-booking', 'connection-lost', true],
    ['drop-before-booking', 'connection-lost', false],
  ])('%s: the caller hears %s; the inquiry tells the truth', async (deed, fault, done) => {
    const bench = await start(bank, [{ when: { ticketNo: ticketOf(1) }, do: deed, ms: 30_000 }])
    expect(await faultOf(bench.ask('debit', requests.debit(1), 300))).toBe(fault)
    const inquiry = await bench.ask('inquiry', requests.inquiry(1))
    expect([inquiry.result.code, inquiry.amount]).toEqual(done ? ['90000', 12_345] : ['94054', 0])
    // once for each key: a repetition is normal again, and books only what was not booked
    expect((await bench.ask('debit', requests.debit(1))).result.code).toBe('90000')
    expect(booked(bench)).toEqual([['debit', 12_345]])
  })

  test('slow is slow, and answers', async () => {
    const bench = await start(bank, [{ do: 'slow', ms: 20 }], { delayMs: 5 })
    expect((await bench.ask('debit', requests.debit(1))).result.code).toBe('90000')
  })

  test('late-booking books after an inquiry has found nothing', async () => {
    const bench = await start(bank, [{ do: 'late-booking', ms: 1_500 }])
    const debit = bench.ask('debit', requests.debit(1))
    expect((await bench.ask('inquiry', { ...requests.inquiry(1), serialNo: '00000099' })).result.code).toBe('94054')
    expect(booked(bench)).toEqual([])
    expect((await debit).result.code).toBe('90000')
  })

  test.each([
    [5_000, [['debit', 5_000]]],
    [0, []],
  ])('under-booking: says it took all, books %i fen; the rest, or the whole, can be supplemented', async (fen, entries) => {
    const bench = await start(bank, [{ when: { ticketNo: ticketOf(1), nth: 1 }, do: 'under-booking', fen }])
    const debit = await bench.ask('debit', requests.debit(1))
    expect([debit.result.code, debit.amount]).toEqual(['90000', 12_345])
    expect(booked(bench)).toEqual(entries)
  })

  test('its line is taken away and put back at the same address', async () => {
    const bench = await start(bank)
    await bench.ask('debit', requests.debit(1))
    await bench.simulator.line(false)
    expect(await faultOf(bench.ask('debit', requests.debit(2)))).toMatch(/^(connection-refused|connection-lost)$/)
    await bench.simulator.line(false)
    await bench.simulator.line(true)
    await bench.simulator.line(true)
    expect((await bench.ask('debit', requests.debit(3))).result.code).toBe('90000')
    expect(booked(bench)).toHaveLength(2)
  })

  test('in-progress-then-done: 99091, then done', async () => {
    const bench = await start(bank, [{ do: 'in-progress-then-done', ms: 20 }])
    expect((await bench.ask('debit', requests.debit(1))).result).toMatchObject({ class: 'in-progress', code: '99091' })
    await until(async () => (await bench.ask('inquiry', requests.inquiry(1))).result.code === '90000')
    expect(booked(bench)).toEqual([['debit', 12_345]])
  })

  test('wrong-key: the answer belongs to nobody, the debit is found by inquiry', async () => {
    const bench = await start(bank, [{ when: { account }, do: 'wrong-key' }])
    expect(await faultOf(bench.ask('debit', requests.debit(1), 300))).toMatch(/timeout|answer-mismatch/)
    expect((await bench.ask('inquiry', requests.inquiry(1))).result.code).toBe('90000')
  })

  test('garbage and noise: never an answer, always booked', async () => {
    const bench = await start(bank, [
      { when: { ticketNo: ticketOf(1) }, do: 'garbage' },
      { when: { key: '14301020000/2026-09-11/00000002' }, do: 'noise' },
    ])
    expect(await faultOf(bench.ask('debit', requests.debit(1), 2_000))).not.toMatch(/no fault|timeout/)
    expect(await faultOf(bench.ask('debit', requests.debit(2), 2_000))).not.toMatch(/no fault|timeout/)
    expect((await bench.ask('inquiry', requests.inquiry(1))).result.code).toBe('90000')
    expect((await bench.ask('inquiry', requests.inquiry(2))).result.code).toBe('90000')
  })

  test('the nth request, and each nth', async () => {
    const bench = await start(bank, [
      { when: { nth: 2 }, do: 'drop-before-booking' },
      { when: { every: 3 }, do: 'drop-after-booking' },
    ])
    const ends: string[] = []
    for (let n = 1; n <= 6; n++) ends.push(await faultOf(bench.ask('debit', requests.debit(n, { amount: 1 }))))
    expect(ends.map(end => end === 'connection-lost')).toEqual([false, true, true, false, false, true])
    expect(booked(bench)).toHaveLength(5)
  })
})

describe('what only some lines can do', () => {
  test.each([xiangjiang, dongting])('an unlisted result code of $name is unknown, never a refusal', async bank => {
    const bench = await start(bank, [{ do: 'unlisted-code' }])
    expect((await bench.ask('debit', requests.debit(1))).result).toMatchObject({ class: 'unknown', code: '99090' })
    expect((await bench.ask('inquiry', requests.inquiry(1))).result.code).toBe('90000')
  })

  test('an unlisted code in the open interface proves nothing either', async () => {
    const bench = await start(openBank, [{ do: 'unlisted-code' }])
    const said = await bench.ask('debit', requests.debit(1)).then(
      reply => reply.result.class,
      () => 'fault',
    )
    expect(['unknown', 'fault']).toContain(said)
    expect(booked(bench)).toHaveLength(1)
  })

  test('a duplicate answer reaches the caller as a stray', async () => {
    const bench = await start(xiangjiang, [{ do: 'duplicate-answer' }])
    expect((await bench.ask('debit', requests.debit(1))).result.code).toBe('90000')
    await until(() => bench.strays.length === 1)
    expect(booked(bench)).toHaveLength(1)
  })

  test('a plan changes while the bank runs; a wrong one is refused', async () => {
    const bench = await start(xiangjiang)
    bench.simulator.plan([{ when: { verb: 'inquiry' }, do: 'drop-before-booking' }])
    expect(await faultOf(bench.ask('inquiry', requests.inquiry(1)))).toBe('connection-lost')
    expect(() => bench.simulator.plan([{ do: 'explode' } as unknown as Rule])).toThrow(/rule 1/)
    expect(() => bench.simulator.plan([{ when: { tickets: '1' }, do: 'slow' } as unknown as Rule])).toThrow(/when/)
  })
})

describe('the journal', () => {
  const file = async () => {
    const folder = await mkdtemp(join(tmpdir(), 'taxlink-bank-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    return join(folder, 'ledger')
  }

  test('holds a booking before it is answered, and makes the same ledger again', async () => {
    const journal = await file()
    const first = await start(xiangjiang, [{ when: { ticketNo: ticketOf(3) }, do: 'in-progress-then-done', ms: 60_000 }], { journal })
    await first.ask('debit', requests.debit(1))
    expect(await readFile(journal, 'utf8')).toContain('"serial":"2026091000000001"')
    await first.ask('reversal', requests.reversal(5, 2))
    await first.ask('debit', requests.debit(3))
    first.simulator.ledger.endDay()
    await first.simulator.close()

    const second = await start(xiangjiang, [], { journal })
    expect((await second.ask('inquiry', requests.inquiry(1))).result.code).toBe('90000')
    expect((await second.ask('debit', requests.debit(2))).result.code).toBe('24020')
    expect((await second.ask('debit', requests.debit(1))).bankSerial).toBe('2026091000000001')
    // what was in progress is decided when the bank comes up again, on its new day
    expect(await second.ask('inquiry', requests.inquiry(3))).toMatchObject({ result: { code: '90000' }, accountingDate: '2026-09-11' })
    expect(booked(second)).toHaveLength(2)
    expect(balance(second)).toBe(1_000_000n - 24_690n)
  })

  test('loses a last line that a crash has cut, and refuses one that is broken in the middle', async () => {
    const journal = await file()
    const first = await start(xiangjiang, [], { journal })
    await first.ask('debit', requests.debit(1))
    await first.simulator.close()
    const whole = await readFile(journal, 'utf8')
    await writeFile(journal, `${whole}{"type":"decision","verb":"deb`)
    const second = await start(xiangjiang, [], { journal })
    await second.ask('debit', requests.debit(2))
    await second.simulator.close()
    expect((await readFile(journal, 'utf8')).trimEnd().split('\n')).toHaveLength(2)
    await writeFile(journal, `{"type":\n${whole}`)
    await expect(start(xiangjiang, [], { journal })).rejects.toThrow(/T1012.*line 1/)
  })

  test('when it cannot be written nothing is answered any more', async () => {
    const faults: string[] = []
    const onFault = (fault: Fault) => faults.push(fault.fault)
    const simulator = await simulate(xiangjiang, { accounts, accountingDate, now: () => new Date(), journal: '/dev/full', onFault })
    const { ask, close } = customer(xiangjiang, simulator.url)
    expect(await faultOf(ask('debit', requests.debit(1), 300))).toBe('timeout')
    expect(await faultOf(ask('inquiry', requests.inquiry(1), 300))).toBe('timeout')
    expect(faults).toEqual(['internal', 'internal'])
    await expect(simulator.close()).rejects.toThrow(/ENOSPC/)
    await close()
  })
})
