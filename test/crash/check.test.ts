import { describe, expect, test } from 'vitest'
import { type Books, check, type Evidence } from './check.ts'
import { type Day, makeDay } from './day.ts'
import { randomOf } from './random.ts'
import { drawSchedule } from './schedule.ts'

// The checker is believed only because it is seen to fail: a good day, and then the same day with one thing wrong.

const [paid, poor] = ['343012611900000001', '343012611900000002'] as const
const order = (ticketNo: string, amount: number): Day['orders'][number]['order'] => ({
  ticketNo,
  officeCode: '14301020000',
  bankCode: '4301',
  channel: 'computer',
  taxpayerId: '91430100600012345X',
  taxpayerName: '长沙星城机械有限公司',
  agreementNo: 'XY1',
  account: '4301000000000000001',
  payerBankNo: '313551000001',
  amount,
  items: [],
})
const books: Books = {
  bankCode: '4301',
  opening: [{ account: '4301000000000000001', balance: 1_000 }],
  accounts: [{ account: '4301000000000000001', balance: '400' }],
  entries: [{ ticketNo: paid, kind: 'debit', account: '4301000000000000001', amount: 600 }],
}
const good: Evidence = {
  seen: {
    sent: new Map([
      [paid, order(paid, 600)],
      [poor, order(poor, 700)],
    ]),
    accepted: new Set([paid, poor]),
    told: [
      { ticketNo: paid, state: 'unknown' },
      { ticketNo: paid, state: 'succeeded' },
    ],
    feed: [
      { seq: 1, ticketNo: paid, state: 'succeeded' },
      { seq: 2, ticketNo: poor, state: 'refused' },
    ],
    odd: [],
  },
  record: [
    { ticketNo: paid, bankCode: '4301', amount: 600, state: 'succeeded' },
    { ticketNo: poor, bankCode: '4301', amount: 700, state: 'refused' },
  ],
  results: [
    { seq: 1, ticketNo: paid, state: 'succeeded' },
    { seq: 2, ticketNo: poor, state: 'refused' },
  ],
  journal: [
    { ticketNo: paid, event: 'accept', state: 'sent' },
    { ticketNo: paid, event: 'doubt', state: 'unknown' },
    { ticketNo: paid, event: 'inquire', state: 'unknown' },
    { ticketNo: paid, event: 'absent', state: 'accepted' },
    { ticketNo: paid, event: 'send', state: 'sent' },
    { ticketNo: paid, event: 'succeed', state: 'succeeded' },
    { ticketNo: poor, event: 'accept', state: 'sent' },
    { ticketNo: poor, event: 'refuse', state: 'refused' },
  ],
  books: [books],
}
const [booking] = books.entries as [Books['entries'][number]]
const withBooks = (change: Partial<Books>): Evidence => ({ ...good, books: [{ ...books, ...change }] })
const withSeen = (change: Partial<Evidence['seen']>): Evidence => ({ ...good, seen: { ...good.seen, ...change } })
const [first, second] = good.record as [Evidence['record'][number], Evidence['record'][number]]

test('a good day has no faults', () => {
  expect(check(good)).toEqual([])
})
test('a reversal that nobody ordered is told to nobody', () => {
  const unordered = { ticketNo: poor, bankCode: '4301', verb: 'reversal', state: 'succeeded', booked: 0, unordered: 1 }
  expect(check({ ...good, further: [unordered] })).toEqual([])
  const told = { seq: 3, ticketNo: poor, state: 'succeeded', verb: 'reversal' }
  const evidence = {
    ...good,
    seen: { ...good.seen, feed: [...good.seen.feed, told] },
    results: [...good.results, told],
    further: [unordered],
  }
  expect(check(evidence).join()).toContain('the feed tells "reversal succeeded" beside its debit, the record ""')
  expect(check({ ...good, further: [{ ...unordered, state: 'unknown' }] }).join()).toContain('a reversal is still unknown')
})
test('what was given back once, in the record and at the bank, is no fault', () => {
  const third = { seq: 3, ticketNo: paid, state: 'succeeded', verb: 'reversal' }
  const evidence: Evidence = {
    ...good,
    seen: { ...good.seen, feed: [...good.seen.feed, third] },
    results: [...good.results, third],
    further: [{ ticketNo: paid, bankCode: '4301', verb: 'reversal', state: 'succeeded', booked: 100 }],
    books: [
      {
        ...books,
        accounts: [{ account: '4301000000000000001', balance: '500' }],
        entries: [...books.entries, { ticketNo: paid, kind: 'reversal', account: '4301000000000000001', amount: 100 }],
      },
    ],
  }
  expect(check(evidence)).toEqual([])
})

const supplemented = (entries: Books['entries'], booked: number): Evidence => {
  const third = { seq: 3, ticketNo: paid, state: 'succeeded', verb: 'supplementaryDebit' }
  const left = 1_000 - entries.reduce((sum, e) => sum + e.amount, 0)
  return {
    ...good,
    seen: { ...good.seen, feed: [...good.seen.feed, third] },
    results: [...good.results, third],
    journal: [...good.journal, { ticketNo: paid, event: 'approve', state: 'succeeded' }],
    further: [{ ticketNo: paid, bankCode: '4301', verb: 'supplementaryDebit', state: 'succeeded', booked }],
    books: [{ ...books, accounts: [{ account: '4301000000000000001', balance: String(left) }], entries }],
  }
}
test('a supplementary debit is booked once, over its amount', () => {
  const more = { ...booking, kind: 'supplementary', amount: 50 }
  expect(check(supplemented([booking, more], 50))).toEqual([])
  expect(check(supplemented([booking], 50)).join()).toContain('a supplementaryDebit over 50 in the record, but at no bank')
  expect(check(supplemented([booking, more, more], 50)).join()).toContain(
    'a booking of kind supplementary over 50 that the record does not know',
  )
})

describe('the money', () => {
  test.each<[string, Evidence, string]>([
    ['booked twice', withBooks({ entries: [booking, booking] }), 'booked 2 times'],
    ['succeeded, not booked', withBooks({ entries: [] }), 'succeeded, but no bank booked it'],
    ['booked over another amount', withBooks({ entries: [{ ...booking, amount: 601 }] }), '600 fen asked, 601 booked'],
    ['booked on another account', withBooks({ entries: [{ ...booking, account: '4301000000000000002' }] }), 'on a foreign account'],
    [
      'booked at another bank',
      {
        ...good,
        books: [
          { ...books, entries: [] },
          { ...books, bankCode: '4306' },
        ],
      },
      'on a foreign account',
    ],
    ['a reversal nobody asked for', withBooks({ entries: [{ ...booking, kind: 'reversal' }] }), 'a booking of kind reversal'],
    [
      'given back twice',
      {
        ...withBooks({ entries: [booking, { ...booking, kind: 'reversal', amount: 100 }, { ...booking, kind: 'reversal', amount: 100 }] }),
        further: [{ ticketNo: paid, bankCode: '4301', verb: 'reversal', state: 'succeeded', booked: 100 }],
      },
      'a booking of kind reversal over 100',
    ],
    [
      'given back in the record only',
      { ...good, further: [{ ticketNo: paid, bankCode: '4301', verb: 'reversal', state: 'succeeded', booked: 100 }] },
      'a reversal over 100 in the record, but at no bank',
    ],
    [
      'a reversal that comes to no end',
      { ...good, further: [{ ticketNo: paid, bankCode: '4301', verb: 'reversal', state: 'unknown', booked: 0 }] },
      'a reversal is still unknown',
    ],
    [
      'a reversal that the feed does not tell',
      { ...good, further: [{ ticketNo: paid, bankCode: '4301', verb: 'reversal', state: 'refused', booked: 0 }] },
      'beside its debit',
    ],
    ['refused, yet booked', withBooks({ entries: [booking, { ...booking, ticketNo: poor, amount: 700 }] }), 'refused, but booked'],
    ['booked, nobody sent it', withBooks({ entries: [booking, { ...booking, ticketNo: '9'.repeat(18) }] }), 'booked, but nobody sent it'],
    ['sums differ', withBooks({ entries: [{ ...booking, amount: 599 }] }), 'the tax side has 600 fen, the bank booked 599'],
    [
      'a balance that moved without a booking',
      withBooks({ accounts: [{ account: booking.account, balance: '399' }] }),
      'an account holds 399',
    ],
  ])('%s', (_, evidence, fault) => {
    expect(check(evidence).join('\n')).toContain(fault)
  })
})

describe('the promises to the tax side', () => {
  test.each<[string, Evidence, string]>([
    ['accepted, but lost', { ...good, record: [first] }, 'accepted, but the record does not know it'],
    ['never accepted', withSeen({ accepted: new Set([paid]) }), 'never certainly accepted'],
    [
      'a final outcome that changed',
      withSeen({ told: [{ ticketNo: paid, state: 'refused' }] }),
      'told to be refused, the record says succeeded',
    ],
    ['an answer nobody deserves', withSeen({ odd: ['status 409'] }), 'status 409'],
    ['still open', { ...good, record: [{ ...first, state: 'unknown' }, second] }, 'still unknown'],
    ['twice in the record', { ...good, record: [first, first, second] }, '2 times in the record'],
    ['recorded with another amount', { ...good, record: [{ ...first, amount: 1 }, second] }, 'another order than was sent'],
    ['recorded, never sent', withSeen({ sent: new Map([[paid, order(paid, 600)]]) }), 'in the record, but nobody sent it'],
  ])('%s', (_, evidence, fault) => {
    expect(check(evidence).join('\n')).toContain(fault)
  })
})

describe('the feed and the journal', () => {
  const [line, next] = good.results as [Evidence['results'][number], Evidence['results'][number]]
  const journal = (...changes: Evidence['journal']): Evidence => ({ ...good, journal: changes })
  const accept = { ticketNo: paid, event: 'accept', state: 'sent' }
  test.each<[string, Evidence, string]>([
    ['a gap', { ...good, results: [line, { ...next, seq: 3 }] }, 'the feed has 3 where 2 should stand'],
    ['a ticket is missing', { ...good, results: [line] }, `${poor}: 0 times in the feed`],
    ['a ticket stands twice', { ...good, results: [line, next, { ...line, seq: 3 }] }, `${paid}: 2 times in the feed`],
    [
      'an adoption that nobody has made',
      { ...good, results: [line, next, { ...next, seq: 3, state: 'succeeded', verb: 'adoption' }] },
      `${poor}: the feed tells "adoption succeeded" beside its debit`,
    ],
    ['an adoption that it does not tell', { ...good, adopted: [poor] }, `${poor}: the feed tells "" beside its debit`],
    ['another state', { ...good, results: [{ ...line, state: 'refused' }, next] }, 'the feed says refused'],
    ['a ticket of nobody', { ...good, results: [line, next, { seq: 3, ticketNo: '9'.repeat(18), state: 'refused' }] }, 'not in the record'],
    ['its reader missed a line', withSeen({ feed: [line] }), 'saw "nothing" at 2'],
    ['its reader saw a line twice', withSeen({ feed: [line, line, next] }), `saw "1 ${paid} succeeded" at 2`],
    ['sent again blindly', journal(accept, { ...accept, event: 'send' }), 'sent after "accept", blindly'],
    ['sent again in doubt', journal(accept, { ...accept, event: 'doubt', state: 'unknown' }, { ...accept, event: 'send' }), 'blindly'],
    ['absent by guess', journal(accept, { ...accept, event: 'absent', state: 'accepted' }), 'without an inquiry'],
    [
      'settled twice',
      journal(accept, { ...accept, event: 'refuse', state: 'refused' }, { ...accept, event: 'succeed' }),
      'after it was refused',
    ],
    ['accepted twice', journal(accept, accept), 'its one acceptance'],
  ])('%s', (_, evidence, fault) => {
    expect(check(evidence).join('\n')).toContain(fault)
  })
})

describe('a seed is a day and its accidents', () => {
  const targets = { gateways: ['gateway-1', 'gateway-2'], workers: ['worker-1', 'worker-2'], banks: ['bank-4301', 'bank-4306'] }

  test('the same seed gives the same day, another seed another', () => {
    const day = (seed: number) => makeDay(randomOf(seed), 50, 1_000)
    expect(day(7)).toEqual(day(7))
    expect(day(7).orders).not.toEqual(day(8).orders)
    const schedule = (seed: number) => drawSchedule(randomOf(seed), targets, 8_000, 3_000)
    expect(schedule(7)).toEqual(schedule(7))
    expect(schedule(7)).not.toEqual(schedule(8))
  })

  test('every kind of accident happens, pauses outlast the lease, and nobody suffers two at once', () => {
    const kinds = new Set<string>()
    for (let seed = 0; seed < 50; seed++) {
      const busy = new Map<string, number>()
      for (const { what, target, atMs, forMs } of drawSchedule(randomOf(seed), targets, 8_000, 3_000)) {
        kinds.add(`${what} ${target.replace(/-.*/, '')}`)
        if (what === 'pause') expect(forMs).toBeGreaterThan(3_000)
        expect(atMs).toBeGreaterThanOrEqual(busy.get(target) ?? 0)
        busy.set(target, atMs + forMs)
      }
    }
    expect([...kinds].sort()).toEqual(
      ['flush redis', 'kill bank', 'kill gateway', 'kill mariadb', 'kill redis', 'kill worker', 'pause gateway', 'pause worker'].sort(),
    )
  })

  test('a day’s items sum to its totals, and its tickets differ', () => {
    const { orders } = makeDay(randomOf(3), 200, 1_000)
    expect(new Set(orders.map(o => o.order.ticketNo)).size).toBe(200)
    for (const { order: o } of orders) {
      const items = o.items as readonly { amount: number }[]
      expect(items.reduce((sum, item) => sum + item.amount, 0)).toBe(o.amount)
    }
  })
})
