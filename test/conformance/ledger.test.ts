import { keyText, type UnifiedCode } from '@taxlink/bank-sdk'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Account, type Change, Ledger, type LedgerOptions } from '../../conformance/simulator/ledger.ts'

const now = new Date('2026-09-10T02:00:00Z')
const day = '2026-09-10'
const accounts: Account[] = [
  { account: '6222000000000001', name: '长沙芙蓉酒家', balance: 100_000, agreementNo: 'XY1', taxpayerId: '914301000000000011' },
  { account: '6222000000000002', balance: 100_000, state: 'frozen' },
  { account: '6222000000000003', balance: 100_000, state: 'closed' },
  { account: '6222000000000004', balance: 100_000, state: 'lost' },
  { account: '6222000000000005', balance: 100_000, state: 'stopped' },
  { account: '6222000000000006', balance: 100_000, agreementNo: null },
]
const [rich] = accounts.map(a => a.account) as [string]
const ledgerOf = (options: Partial<LedgerOptions> = {}) => new Ledger({ accounts, accountingDate: day, ...options })

const keyOf = (serial: number, entrustDate = '2026-09-11') => ({
  officeCode: '14301000000',
  entrustDate,
  serialNo: String(serial).padStart(8, '0'),
})
const ticketOf = (serial: number) => `3430100000${String(serial).padStart(8, '0')}`
const debitOf = (serial: number, more: object = {}) => ({
  ...keyOf(serial),
  ticketNo: ticketOf(serial),
  account: rich,
  amount: 30_000,
  ...more,
})
const reversalOf = (serial: number, original: number, more: object = {}) => ({
  ...keyOf(serial),
  originalEntrustDate: '2026-09-11',
  originalSerialNo: String(original).padStart(8, '0'),
  ticketNo: ticketOf(original),
  account: rich,
  amount: 30_000,
  ...more,
})
const inquiryOf = (serial: number) => ({ ...keyOf(serial), ticketNo: ticketOf(serial) })
const balanceOf = (ledger: Ledger, account: string = rich) => [...ledger.accounts()].find(a => a.account === account)!.balance
const debits = (ledger: Ledger) => [...ledger.entries()].map(e => [e.kind, e.amount])

describe('a debit', () => {
  test('books once, tells serial and accounting date, and moves exactly its amount', () => {
    const ledger = ledgerOf()
    expect(ledger.debit(debitOf(1), now)).toMatchObject({ code: '90000', amount: 30_000, serial: '2026091000000001', date: day })
    expect(balanceOf(ledger)).toBe(70_000n)
    expect([...ledger.entries()]).toEqual([
      {
        serial: '2026091000000001',
        key: '14301000000/2026-09-11/00000001',
        verb: 'debit',
        kind: 'debit',
        ticketNo: ticketOf(1),
        account: rich,
        amount: 30_000,
        bookedAt: '2026-09-10T02:00:00.000Z',
        accountingDate: day,
      },
    ])
  })

  test('may use the balance up to the last fen, and not one fen more', () => {
    const ledger = ledgerOf()
    expect(ledger.debit(debitOf(1, { amount: 100_001 }), now)).toMatchObject({ code: '24003', amount: 0 })
    expect(ledger.debit(debitOf(2, { amount: 100_000 }), now).code).toBe('90000')
    expect(balanceOf(ledger)).toBe(0n)
  })

  test.each<[string, object, UnifiedCode]>([
    ['no such account', { account: '6222000000000099' }, '24001'],
    ['another name', { taxpayerName: '湘潭粮店' }, '24002'],
    ['another taxpayer', { taxpayerId: '914301000000000099' }, '24002'],
    ['another agreement', { agreementNo: 'XY2' }, '24016'],
    ['no agreement', { account: '6222000000000006', agreementNo: 'XY1' }, '24009'],
    ['frozen', { account: '6222000000000002' }, '24004'],
    ['closed', { account: '6222000000000003' }, '24005'],
    ['lost', { account: '6222000000000004' }, '24011'],
    ['stopped', { account: '6222000000000005' }, '24012'],
    ['amount 0', { amount: 0 }, '93003'],
    ['a fraction of a fen', { amount: 1.5 }, '93003'],
    ['a negative amount', { amount: -1 }, '93003'],
    ['beyond 15 digits', { amount: 1_000_000_000_000_000 }, '93003'],
    ['items that do not sum up', { items: [{ amount: 29_999 }] }, '93007'],
  ])('%s is refused and moves nothing', (_, more, code) => {
    const ledger = ledgerOf()
    const verdict = ledger.debit(debitOf(1, more), now)
    expect(verdict).toMatchObject({ code, amount: 0 })
    expect(verdict.serial).toBeUndefined()
    expect([...ledger.entries()]).toEqual([])
  })

  test('with the same key and content gets the stored answer, even a refusal that would not be one now', () => {
    const ledger = ledgerOf()
    const first = ledger.debit(debitOf(1), now)
    expect(ledger.debit(debitOf(1), new Date(now.getTime() + 5_000))).toEqual(first)
    expect(ledger.debit(debitOf(2, { amount: 90_000 }), now).code).toBe('24003')
    ledger.set({ account: rich, balance: '1000000' })
    expect(ledger.debit(debitOf(2, { amount: 90_000 }), now).code).toBe('24003')
    expect(debits(ledger)).toEqual([['debit', 30_000]])
  })

  test.each([{ amount: 30_001 }, { account: '6222000000000002' }, { ticketNo: ticketOf(9) }])(
    'with the same key and other content is refused 93004: %o',
    more => {
      const ledger = ledgerOf()
      ledger.debit(debitOf(1), now)
      expect(ledger.debit(debitOf(1, more), now).code).toBe('93004')
      expect(ledger.inquire(inquiryOf(1))).toMatchObject({ code: '90000', amount: 30_000 })
      expect(debits(ledger)).toEqual([['debit', 30_000]])
    },
  )

  test('the same serial number on another entrust date is another key', () => {
    const ledger = ledgerOf()
    ledger.debit(debitOf(1), now)
    expect(ledger.debit(debitOf(1, { entrustDate: '2026-09-12' }), now).code).toBe('90000')
    expect(debits(ledger)).toHaveLength(2)
  })

  test('a bank that does not look for repetitions books twice, and its ledger shows it', () => {
    const ledger = ledgerOf({ dedupe: 'none' })
    ledger.debit(debitOf(1), now)
    ledger.debit(debitOf(1), now)
    expect(debits(ledger)).toHaveLength(2)
    // a repetition that is refused does not hide what was booked
    expect(ledger.debit(debitOf(1, { amount: 99_999_999 }), now).code).toBe('24003')
    expect(ledger.inquire(inquiryOf(1)).code).toBe('90000')
  })
})

describe('a supplementary debit', () => {
  const supplementary = (serial: number, original: number, more: object = {}) => ({ ...reversalOf(serial, original), amount: 500, ...more })

  test('is booked beside its original and kept apart in the totals', () => {
    const ledger = ledgerOf()
    ledger.debit(debitOf(1), now)
    expect(ledger.supplementaryDebit(supplementary(2, 1, { reason: 'under-debited' }), now).code).toBe('90000')
    expect(ledger.summary()).toEqual([
      {
        accountingDate: day,
        debits: { count: 1, amount: 30_000n },
        supplementary: { count: 1, amount: 500n },
        reversals: { count: 0, amount: 0n },
        adjustments: { count: 0, amount: 0n },
        net: 30_500n,
      },
    ])
  })

  test('needs an original where it says under-debited, and none where it says the bank has none', () => {
    const ledger = ledgerOf()
    expect(ledger.supplementaryDebit(supplementary(2, 1, { reason: 'under-debited' }), now).code).toBe('93004')
    expect(ledger.supplementaryDebit(supplementary(3, 1, { reason: 'bank-missing' }), now).code).toBe('90000')
  })

  test('for another ticket than that of its original is refused', () => {
    const ledger = ledgerOf()
    ledger.debit(debitOf(1), now)
    expect(ledger.supplementaryDebit(supplementary(2, 1, { ticketNo: ticketOf(7) }), now).code).toBe('93004')
  })
})

describe('a reversal', () => {
  test('of the same accounting day gives all back; inquiry and late repetition say so', () => {
    const ledger = ledgerOf()
    ledger.debit(debitOf(1), now)
    expect(ledger.reverse(reversalOf(2, 1), now)).toMatchObject({ code: '90000', amount: 30_000 })
    expect(balanceOf(ledger)).toBe(100_000n)
    expect(ledger.inquire(inquiryOf(1))).toMatchObject({ code: '24020', amount: 0 })
    expect(ledger.debit(debitOf(1), now).code).toBe('24020')
    expect(debits(ledger)).toEqual([
      ['debit', 30_000],
      ['reversal', 30_000],
    ])
  })

  test('in parts never gives back more than was taken', () => {
    const ledger = ledgerOf()
    ledger.debit(debitOf(1), now)
    expect(ledger.reverse(reversalOf(2, 1, { amount: 10_000 }), now).code).toBe('90000')
    expect(ledger.inquire(inquiryOf(1))).toMatchObject({ code: '90000', amount: 30_000 })
    expect(ledger.reverse(reversalOf(3, 1, { amount: 20_001 }), now)).toMatchObject({ code: '34001', amount: 0 })
    expect(ledger.reverse(reversalOf(4, 1, { amount: 20_000 }), now).code).toBe('90000')
    expect(ledger.reverse(reversalOf(5, 1, { amount: 1 }), now).code).toBe('34001')
    expect(balanceOf(ledger)).toBe(100_000n)
  })

  test('repeated with its key gets the stored answer; with a new key 94032; neither books', () => {
    const ledger = ledgerOf()
    ledger.debit(debitOf(1), now)
    const first = ledger.reverse(reversalOf(2, 1), now)
    expect(ledger.reverse(reversalOf(2, 1), now)).toEqual(first)
    expect(ledger.reverse(reversalOf(3, 1), now)).toMatchObject({ code: '94032', amount: 30_000 })
    expect(debits(ledger)).toHaveLength(2)
    expect(balanceOf(ledger)).toBe(100_000n)
  })

  test('without original is 94054 and leaves a tombstone: the late original is refused 24020', () => {
    const ledger = ledgerOf()
    expect(ledger.reverse(reversalOf(2, 1), now)).toMatchObject({ code: '94054', amount: 0 })
    expect(ledger.inquire(inquiryOf(1)).code).toBe('24020')
    expect(ledger.debit(debitOf(1), now).code).toBe('24020')
    expect(ledger.reverse(reversalOf(3, 1), now).code).toBe('94054')
    expect([...ledger.entries()]).toEqual([])
  })

  test('of a refused original moves nothing and stops it for ever, even at a bank that books repetitions', () => {
    const ledger = ledgerOf({ dedupe: 'none' })
    ledger.debit(debitOf(1, { amount: 900_000 }), now)
    expect(ledger.reverse(reversalOf(2, 1, { amount: 900_000 }), now)).toMatchObject({ code: '94054', amount: 0 })
    ledger.set({ account: rich, balance: 9_000_000 })
    expect(ledger.debit(debitOf(1, { amount: 900_000 }), now).code).toBe('24020')
  })

  test('of an earlier accounting day is 38002, whatever the clock says', () => {
    const ledger = ledgerOf()
    ledger.debit(debitOf(1), now)
    expect(ledger.endDay()).toBe('2026-09-11')
    expect(ledger.reverse(reversalOf(2, 1), now).code).toBe('38002')
    expect(ledger.debit(debitOf(3), now)).toMatchObject({ date: '2026-09-11', serial: '2026091100000002' })
    expect(ledger.summary().map(d => [d.accountingDate, d.net])).toEqual([
      [day, 30_000n],
      ['2026-09-11', 30_000n],
    ])
  })

  test.each<[string, object, UnifiedCode]>([
    ['another account', { account: '6222000000000002' }, '93004'],
    ['another ticket', { ticketNo: ticketOf(9) }, '93004'],
    ['another original amount', { originalAmount: 30_001 }, '93004'],
    ['more than the original', { amount: 30_001 }, '34001'],
    ['amount 0', { amount: 0 }, '93003'],
  ])('with %s is refused', (_, more, code) => {
    const ledger = ledgerOf()
    ledger.debit(debitOf(1), now)
    expect(ledger.reverse(reversalOf(2, 1, more), now)).toMatchObject({ code, amount: 0 })
    expect(balanceOf(ledger)).toBe(70_000n)
  })

  test('of a reversal, or at a bank that cannot, is 34001', () => {
    const ledger = ledgerOf()
    ledger.debit(debitOf(1), now)
    ledger.reverse(reversalOf(2, 1), now)
    expect(ledger.reverse(reversalOf(3, 2, { ticketNo: ticketOf(1) }), now).code).toBe('34001')
    const [none, whole] = [ledgerOf({ reversals: 'none' }), ledgerOf({ reversals: 'whole-only' })]
    for (const l of [none, whole]) l.debit(debitOf(1), now)
    expect(none.reverse(reversalOf(2, 1), now).code).toBe('34001')
    expect(whole.reverse(reversalOf(2, 1, { amount: 1 }), now).code).toBe('34001')
    expect(whole.reverse(reversalOf(3, 1), now).code).toBe('90000')
  })
})

describe('an inquiry', () => {
  test('tells the outcome there is, 94054 where there is none, and never refuses on its own account', () => {
    const ledger = ledgerOf()
    expect(ledger.inquire(inquiryOf(1)).code).toBe('94054')
    ledger.debit(debitOf(1), now)
    ledger.debit(debitOf(2, { amount: 80_000 }), now)
    expect(ledger.inquire(inquiryOf(1))).toMatchObject({ code: '90000', amount: 30_000, serial: '2026091000000001', date: day })
    expect(ledger.inquire(inquiryOf(2))).toMatchObject({ code: '24003', amount: 0 })
    expect(ledger.inquire({ ...inquiryOf(1), ticketNo: ticketOf(8) }).code).toBe('94999')
  })

  test('in progress until it is decided, by the balance of that moment', () => {
    const ledger = ledgerOf()
    expect(ledger.accept('debit', debitOf(1), now).code).toBe('99091')
    expect(ledger.debit(debitOf(1), now).code).toBe('99091')
    expect(ledger.inquire(inquiryOf(1)).code).toBe('99091')
    expect(ledger.pending()).toEqual([keyText(keyOf(1))])
    ledger.set({ account: rich, balance: 29_999 })
    expect(ledger.complete(keyText(keyOf(1)), now)?.code).toBe('24003')
    expect(ledger.inquire(inquiryOf(1)).code).toBe('24003')
    expect(ledger.complete(keyText(keyOf(1)), now)).toBeUndefined()
  })

  test('a reversal in the meantime stops what is in progress', () => {
    const ledger = ledgerOf()
    ledger.accept('debit', debitOf(1), now)
    expect(ledger.reverse(reversalOf(2, 1), now).code).toBe('94054')
    expect(ledger.inquire(inquiryOf(1)).code).toBe('24020')
    expect(ledger.complete(keyText(keyOf(1)), now)?.code).toBe('24020')
    expect([...ledger.entries()]).toEqual([])
  })
})

test('setting a balance from outside leaves the rest of the account as it is, and books nothing', () => {
  const ledger = ledgerOf()
  ledger.set({ account: rich, balance: 10 })
  ledger.set({ account: '6222000000000002', balance: '20' })
  expect(ledger.debit(debitOf(1, { amount: 5, taxpayerName: '湘潭粮店' }), now).code).toBe('24002')
  expect(ledger.debit(debitOf(2, { amount: 5, account: '6222000000000002' }), now).code).toBe('24004')
  expect(ledger.debit(debitOf(3, { amount: 11 }), now).code).toBe('24003')
  expect(ledger.debit(debitOf(4, { amount: 10 }), now).code).toBe('90000')
  expect(ledger.summary()[0]?.net).toBe(10n)
})

test('a wrong set-up is refused', () => {
  expect(() => ledgerOf({ accountingDate: '2026-02-30' })).toThrow(/T1006/)
  expect(() => ledgerOf({ accounts: [{ account: '1', balance: 0.5 }] })).toThrow(/T1015/)
  expect(() => ledgerOf({ accounts: [{ account: '1', balance: '1e3' }] })).toThrow(/T1015/)
  expect(() => ledgerOf().endDay(day)).toThrow(/T1015/)
})

// ── A random history against the two sentences that matter ─────────────────────────────────────────────────────────────
type Step = {
  readonly do: 'debit' | 'accept' | 'complete' | 'reverse' | 'end-day'
  readonly serial: number
  readonly of: number
  readonly amount: number
  readonly who: number
}
const steps = fc.array(
  fc.record<Step>({
    do: fc.constantFrom('debit', 'debit', 'debit', 'accept', 'complete', 'reverse', 'reverse', 'end-day'),
    serial: fc.integer({ min: 1, max: 8 }),
    of: fc.integer({ min: 1, max: 8 }),
    amount: fc.constantFrom(1, 700, 1_000, 9_000_000_000_000),
    who: fc.integer({ min: 0, max: 2 }),
  }),
  { maxLength: 60 },
)
const holders: Account[] = [
  { account: 'A', balance: 3_000 },
  { account: 'B', balance: '9007199254740993' },
  { account: 'C', balance: 1_000, state: 'frozen' },
]
const run = (ledger: Ledger, step: Step) => {
  const more = { account: holders[step.who]!.account, amount: step.amount, ticketNo: ticketOf(1) }
  if (step.do === 'debit') ledger.debit(debitOf(step.serial, more), now)
  else if (step.do === 'accept') ledger.accept('debit', debitOf(step.serial, more), now)
  else if (step.do === 'complete') ledger.complete(keyText(keyOf(step.serial)), now)
  else if (step.do === 'reverse') ledger.reverse(reversalOf(100 + step.serial, step.of, more), now)
  else ledger.endDay()
}
const total = (ledger: Ledger) => [...ledger.accounts()].reduce((sum, a) => sum + a.balance, 0n)
const net = (ledger: Ledger) => ledger.summary().reduce((sum, d) => sum + d.net, 0n)

test('whatever happens: no fen appears or is lost, no key is booked twice, nothing is given back that was not taken', () => {
  fc.assert(
    fc.property(steps, history => {
      const changes: Change[] = []
      const options = { accounts: holders, accountingDate: day }
      const ledger = new Ledger({ ...options, write: change => changes.push(JSON.parse(JSON.stringify(change)) as Change) })
      const opening = total(ledger)
      const stopped = new Set<string>()
      for (const step of history) {
        run(ledger, step)
        expect(total(ledger) + net(ledger)).toBe(opening)
      }
      const entries = [...ledger.entries()]
      expect(new Set(entries.map(e => e.key)).size).toBe(entries.length)
      expect(new Set(entries.map(e => e.serial)).size).toBe(entries.length)
      for (const debit of entries.filter(e => e.kind === 'debit')) {
        const back = entries.filter(e => e.original === debit.key).reduce((sum, e) => sum + e.amount, 0)
        expect(back).toBeLessThanOrEqual(debit.amount)
      }
      // a reversal that found nothing has stopped its original: no debit of that key comes after it
      for (const change of changes) {
        if (change.type !== 'decision') continue
        if (change.verb === 'reversal' && change.code === '94054') stopped.add(change.original!)
        if (change.verb === 'debit' && change.serial !== undefined) expect(stopped.has(change.key)).toBe(false)
      }
      // read back from its journal it is the same ledger
      const again = new Ledger(options)
      for (const change of changes) again.apply(change)
      expect([...again.entries()]).toEqual(entries)
      expect([...again.accounts()]).toEqual([...ledger.accounts()])
      expect(again.accountingDate).toBe(ledger.accountingDate)
      for (let serial = 1; serial <= 8; serial++) {
        const inquiry = { ...keyOf(serial), ticketNo: ticketOf(1) }
        expect(again.inquire(inquiry)).toEqual(ledger.inquire(inquiry))
      }
    }),
    { numRuns: 400 },
  )
})
