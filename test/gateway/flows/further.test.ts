import type { SimulatorOptions } from '@taxlink/bank-conformance/simulator'
import { outcome } from '@taxlink/bank-sdk'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { BankPolicy } from '../../../gateway/domain/bank.ts'
import { acceptDebit } from '../../../gateway/flows/accept.ts'
import { advance } from '../../../gateway/flows/advance.ts'
import type { ReversalOrder, SupplementOrder } from '../../../gateway/flows/further.ts'
import { reverse } from '../../../gateway/flows/reverse.ts'
import { stop } from '../../../gateway/flows/stop.ts'
import { supplement } from '../../../gateway/flows/supplement.ts'
import { sweep } from '../../../gateway/flows/wake.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { writeActive } from '../agreements.ts'
import { orderOf, planned, quickPolicy, sampleReference, simulateBanks, stage, until, writeStageAgreements } from '../stage.ts'

// Stories of tickets after their debit, over real sockets with all three simulated banks, of every class of promise.

const taxSystem = 'urn:taxlink:tax-system:test'
const codes = ['4301', '4306', '4310'] as const
// Ten o'clock of the banks' accounting day, whenever this runs.
const ahead = Date.parse('2026-11-10T02:00:00Z') - Date.now()
let late = 0
const clock = () => new Date(Date.now() + ahead + late)

let fresh: FreshDatabase
let store: Store
beforeAll(async () => {
  fresh = await freshDatabase()
  store = openStore(fresh.db)
  await writeStageAgreements(fresh.db)
})
afterAll(() => fresh.drop())

type City = Awaited<ReturnType<typeof openCity>>
// Long enough for a busy machine to send and answer in time; only what is planned to be lost is waited out.
const patient = { ...quickPolicy, timeoutMs: 1_500, redeliveryLadderMs: Array.from({ length: 30 }, () => 100) }
const openCity = async (policy: Partial<BankPolicy> = {}, bank: Partial<SimulatorOptions> = {}) => {
  const simulated = await simulateBanks(() => undefined, { now: clock, ...bank })
  const inForce = { ...patient, ...policy }
  const own = stage(store, sampleReference(inForce), simulated.lines, `city-${++orders}`, false, clock)
  let sweeping: NodeJS.Timeout | undefined
  const work = () => {
    sweeping ??= setInterval(() => void sweep(own.flow, ids => advance(own.flow, own.slots, ids)), 50)
  }
  return {
    ...own,
    of: (code: string) => simulated.of(code),
    work,
    close: async () => {
      clearInterval(sweeping)
      await own.close()
      await simulated.close()
    },
  }
}

let orders = 0
const number = () => `N-${++orders}`
const nextTicket = () => `4300000001${String(++orders).padStart(8, '0')}`
const debit = async ({ flow, slots }: City, bankCode: string, ticketNo = nextTicket(), amount = 10_000) => {
  await acceptDebit(flow, slots, taxSystem, orderOf(bankCode, ticketNo, { amount }))
  return ticketNo
}
const give = async ({ flow, slots }: City, ticketNo: string, amount: number, change: Partial<ReversalOrder> = {}) => {
  const order = { orderNo: number(), ticketNo, amount, reason: 'tax-side', ...change } as const
  await reverse(flow, slots, taxSystem, order)
  return order.orderNo
}
const take = async ({ flow, slots }: City, ticketNo: string, amount: number, reason: SupplementOrder['reason']) => {
  const { items } = orderOf('4301', ticketNo, { amount })
  const order = { orderNo: number(), ticketNo, amount, reason, items } as const
  // A bank that does not say in time whether it has the debit is asked again.
  await until('the bank says', async () => (await supplement(flow, slots, taxSystem, order)).kind !== 'unclear')
  return order.orderNo
}
const found = async (kind: 'reversal' | 'supplementaryDebit', orderNo: string) => (await store.findOrder({ taxSystem, kind, orderNo }))!
const settled = async (kind: 'reversal' | 'supplementaryDebit', orderNo: string) => {
  await until(`${orderNo} is certain`, async () => ['succeeded', 'refused'].includes((await found(kind, orderNo)).state))
  return found(kind, orderNo)
}
const certain = async (ticketNo: string) => {
  await until(`${ticketNo} is certain`, async () => ['succeeded', 'refused'].includes((await store.find(ticketNo))!.state))
  return (await store.find(ticketNo))!
}
/** What the bank has of a ticket, in fen. */
const net = (city: City, bankCode: string, ticketNo: string) =>
  [...city.of(bankCode).ledger.entries()]
    .filter(e => e.ticketNo === ticketNo)
    .reduce((sum, e) => sum + (e.kind === 'reversal' ? -e.amount : e.amount), 0)
const breaks = async (ticketNo: string) => (await store.breaks(true, 0, 10_000)).filter(b => b.ticketNo === ticketNo)
const missing = async (ticketNo: string) => {
  const { instructionId, amount } = (await store.find(ticketNo))!
  const about = { at: clock(), ticketNo, instructionId, taxAmount: amount, bankAmount: 0, actor: 'li', reason: 'letter of the bank' }
  await store.declareBreak({ ...about, kind: 'bank-missing', source: 'resolution' })
}
/** A debit that its bank says it has made, and has no entry of; two persons have found it out. */
const claimed = async (city: City, bankCode: string) => {
  const ticketNo = nextTicket()
  city.of(bankCode).plan([planned(ticketNo, { do: 'under-booking', fen: 0 })])
  await debit(city, bankCode, ticketNo)
  await certain(ticketNo)
  city.of(bankCode).plan([])
  return ticketNo
}
const everywhere = async (story: (bankCode: string) => Promise<void>): Promise<void> => {
  await Promise.all(codes.map(story))
}

describe('a bank that dedupes by key', () => {
  let city: City
  beforeAll(async () => {
    city = await openCity()
    city.work()
  })
  afterEach(() => {
    late = 0
  })
  afterAll(() => city.close())

  test('gives back a part, then the rest, and never more', () =>
    everywhere(async bankCode => {
      const ticketNo = await debit(city, bankCode)
      await certain(ticketNo)
      expect(await settled('reversal', await give(city, ticketNo, 4_000))).toMatchObject({ state: 'succeeded', booked: 4_000 })
      expect(await settled('reversal', await give(city, ticketNo, 6_001))).toMatchObject({ state: 'refused', rule: 'over-limit' })
      expect(await settled('reversal', await give(city, ticketNo, 6_000))).toMatchObject({ state: 'succeeded', booked: 6_000 })
      expect(net(city, bankCode, ticketNo)).toBe(0)
      // Once more is done already, without the bank.
      expect(await settled('reversal', await give(city, ticketNo, 1))).toMatchObject({
        state: 'succeeded',
        booked: 0,
        rule: 'already-reversed',
      })
    }))

  test('after its day-end refuses nothing itself: we do, and name the notice', () =>
    everywhere(async bankCode => {
      const ticketNo = await debit(city, bankCode)
      await certain(ticketNo)
      late = 14 * 3_600_000
      const refused = await settled('reversal', await give(city, ticketNo, 10_000))
      expect(refused).toMatchObject({ state: 'refused', attempts: 0, outcome: { code: '38002' } })
      expect(refused.outcome!.bankText).toContain('调账通知单')
      expect(net(city, bankCode, ticketNo)).toBe(10_000)
    }))

  test('a reversal whose answer is lost is asked about, and gives back once', () =>
    everywhere(async bankCode => {
      const ticketNo = await debit(city, bankCode)
      await certain(ticketNo)
      city.of(bankCode).plan([{ when: { verb: 'reversal', ticketNo: ticketNo.slice(-8) }, do: 'silent-after-booking' }])
      const done = await settled('reversal', await give(city, ticketNo, 3_000))
      expect(done).toMatchObject({ state: 'succeeded', booked: 3_000 })
      expect((await store.attempts(done.instructionId)).map(a => a.verb)).toEqual(['reversal', 'inquiry'])
      expect(net(city, bankCode, ticketNo)).toBe(7_000)
      city.of(bankCode).plan([])
    }))

  test.each(['silent-after-booking', 'silent-before-booking'] as const)(
    'a reversal of a debit in doubt settles the doubt first: %s',
    deed =>
      everywhere(async bankCode => {
        const ticketNo = nextTicket()
        city.of(bankCode).plan([planned(ticketNo, { do: deed })])
        await debit(city, bankCode, ticketNo)
        const orderNo = await give(city, ticketNo, 10_000)
        expect((await found('reversal', orderNo)).attempts).toBe(0)
        expect(await settled('reversal', orderNo)).toMatchObject({ state: 'succeeded', booked: 10_000 })
        expect((await certain(ticketNo)).state).toBe('succeeded')
        expect(net(city, bankCode, ticketNo)).toBe(0)
        city.of(bankCode).plan([])
      }),
  )

  test('a supplementary debit after a declared break brings the ticket once; a second is refused', () =>
    everywhere(async bankCode => {
      const ticketNo = await claimed(city, bankCode)
      expect(await settled('supplementaryDebit', await take(city, ticketNo, 10_000, 'bank-missing'))).toMatchObject({ rule: 'no-break' })
      await missing(ticketNo)
      const [one, two] = await Promise.all([take(city, ticketNo, 10_000, 'bank-missing'), take(city, ticketNo, 10_000, 'bank-missing')])
      const ends = [await settled('supplementaryDebit', one), await settled('supplementaryDebit', two)].map(v => v.state).sort()
      expect(ends).toEqual(['refused', 'succeeded'])
      expect(await breaks(ticketNo)).toEqual([])
    }))

  test('a supplementary debit can be given back, too', () =>
    everywhere(async bankCode => {
      const ticketNo = await claimed(city, bankCode)
      await missing(ticketNo)
      const supplementNo = await take(city, ticketNo, 10_000, 'bank-missing')
      await settled('supplementaryDebit', supplementNo)
      expect(await settled('reversal', await give(city, ticketNo, 2_500, { supplementNo }))).toMatchObject({ booked: 2_500 })
      expect(net(city, bankCode, ticketNo)).toBe(7_500)
    }))

  test('one of art. 35(3) that the account cannot pay voids the ticket', () =>
    everywhere(async bankCode => {
      const ticketNo = await claimed(city, bankCode)
      await missing(ticketNo)
      const account = `${bankCode}000000000000001`
      city.of(bankCode).ledger.set({ account, balance: '99999999999999', state: 'frozen', name: '长沙星城机械有限公司' })
      const failed = await settled('supplementaryDebit', await take(city, ticketNo, 10_000, 'bank-missing'))
      city.of(bankCode).ledger.set({ account, balance: '99999999999999', state: 'open', name: '长沙星城机械有限公司' })
      expect(failed).toMatchObject({ state: 'refused', outcome: { code: '24004' } })
      expect((await store.find(ticketNo))!.voidReason).toContain('24004')
      expect(await settled('reversal', await give(city, ticketNo, 1))).toMatchObject({ state: 'refused', rule: 'ticket-void' })
    }))

  test('a stop and a sending race: what was stopped is never booked, what was sent needs a reversal', () =>
    everywhere(async bankCode => {
      const away = stage(store, sampleReference(), [], `away-${bankCode}`, false, clock)
      const ticketNo = nextTicket()
      // Not delivered: it waits, certainly unsent.
      await acceptDebit(away.flow, away.slots, taxSystem, orderOf(bankCode, ticketNo))
      await away.slots.idle()
      await stop(city.flow, taxSystem, { orderNo: `${bankCode}-${ticketNo}`, ticketNo })
      const stopped = (await store.findStop(taxSystem, `${bankCode}-${ticketNo}`))!.state === 'succeeded'
      const end = await certain(ticketNo)
      expect(end.state).toBe(stopped ? 'refused' : 'succeeded')
      expect(net(city, bankCode, ticketNo)).toBe(stopped ? 0 : 12_345)
      await away.close()
    }))
})

test('a late success against a proven refusal becomes a break, and the answer is kept', async () => {
  const city = await openCity()
  const ticketNo = nextTicket()
  city.of('4301').plan([planned(ticketNo, { do: 'late', ms: 5_000 })])
  // Its inquiries are answered wrongly: the debit is refused while the true answer is still on its way.
  const call: City['flow']['call'] = async (code, verb, request, timeoutMs, maySend) =>
    verb === 'inquiry'
      ? { answer: { kind: 'answered', outcome: outcome('24003'), amount: 0 }, transcript: '{}' }
      : city.flow.call(code, verb, request, timeoutMs, maySend)
  const misled = { ...city.flow, call }
  await acceptDebit(misled, city.slots, taxSystem, orderOf('4301', ticketNo))
  const { instructionId } = (await store.find(ticketNo))!
  await until('misled', async () => {
    await advance(misled, city.slots, [instructionId])
    return (await store.find(ticketNo))!.state === 'refused'
  })
  await until('the late answer is a break', async () => (await breaks(ticketNo)).length > 0)
  expect(await breaks(ticketNo)).toMatchObject([{ kind: 'bank-only', source: 'late-answer', taxAmount: 0, bankAmount: 12_345 }])
  expect((await store.find(ticketNo))!.state).toBe('refused')
  const kept = await fresh.db.query('SELECT result_code AS code FROM late_answer WHERE instruction_id = ?', [instructionId])
  expect(kept).toEqual([{ code: '90000' }])
  expect(city.notes.filter(n => n.event === 'trouble')).toMatchObject([{ ticketNo, detail: expect.stringContaining('bank-only') }])
  await city.close()
})

describe('a bank that keeps tombstones, but books the same key twice', () => {
  let city: City
  beforeAll(async () => {
    city = await openCity({ dedupe: 'tombstone' }, { dedupe: 'none' })
    city.work()
  })
  afterAll(() => city.close())
  const verbs = async (ticketNo: string) => (await store.attempts((await store.find(ticketNo))!.instructionId)).map(a => a.verb)
  const tombstones = async (ticketNo: string) =>
    fresh.db.query<{ booked: number | null }>(
      "SELECT booked_amount AS booked FROM instruction WHERE ticket_no = ? AND reason = 'in-doubt'",
      [ticketNo],
    )

  test('what it does not know after the window is reversed first: the debit is a certain zero, and a late original is refused 24020', () =>
    everywhere(async bankCode => {
      const ticketNo = nextTicket()
      city.of(bankCode).plan([planned(ticketNo, { do: 'silent-before-booking' })])
      await debit(city, bankCode, ticketNo)
      const end = await certain(ticketNo)
      expect(end).toMatchObject({ state: 'refused', outcome: { code: '24020' } })
      expect((await verbs(ticketNo)).filter(v => v === 'debit')).toHaveLength(1)
      expect(await tombstones(ticketNo)).toEqual([{ booked: 0 }])
      expect(net(city, bankCode, ticketNo)).toBe(0)
      // The first message, held up somewhere, arrives now.
      const [own] = await store.load([end.instructionId])
      const { answer } = await city.flow.call(bankCode, 'debit', JSON.parse(own!.request) as never, 20_000)
      expect(answer).toMatchObject({ kind: 'answered', outcome: { code: '24020' } })
      expect(net(city, bankCode, ticketNo)).toBe(0)
    }))

  test('booked after the window, against the promise: the tombstone’s reversal gives it back, and the debit is a certain zero', () =>
    everywhere(async bankCode => {
      const ticketNo = nextTicket()
      const window = patient.timeoutMs + patient.quiescenceMs
      city.of(bankCode).plan([
        planned(ticketNo, { do: 'late-booking', ms: window + 200 }),
        // The reversal comes after the late booking.
        { when: { verb: 'reversal', ticketNo: ticketNo.slice(-8) }, do: 'late-booking', ms: 400 },
      ])
      await debit(city, bankCode, ticketNo)
      await certain(ticketNo)
      await until('all is booked', () => [...city.of(bankCode).ledger.entries()].filter(e => e.ticketNo === ticketNo).length !== 1)
      expect(net(city, bankCode, ticketNo)).toBe((await store.find(ticketNo))!.state === 'succeeded' ? 10_000 : 0)
    }))

  test('a reversal that waits for a debit in doubt has nothing left to do', () =>
    everywhere(async bankCode => {
      const ticketNo = nextTicket()
      city.of(bankCode).plan([planned(ticketNo, { do: 'silent-before-booking' })])
      await debit(city, bankCode, ticketNo)
      expect(await settled('reversal', await give(city, ticketNo, 10_000))).toMatchObject({ state: 'succeeded', booked: 0, attempts: 0 })
      expect(net(city, bankCode, ticketNo)).toBe(0)
    }))
})

test('a bank that neither dedupes nor keeps tombstones: what it does not know is a person’s', async () => {
  const city = await openCity({ dedupe: 'none', tombstones: false }, { dedupe: 'none' })
  city.work()
  await everywhere(async bankCode => {
    const ticketNo = nextTicket()
    city.of(bankCode).plan([planned(ticketNo, { do: 'silent-before-booking' })])
    await debit(city, bankCode, ticketNo)
    await until('a person has it', async () => (await store.find(ticketNo))!.person)
    expect(await store.find(ticketNo)).toMatchObject({ state: 'unknown' })
    expect((await store.attempts((await store.find(ticketNo))!.instructionId)).filter(a => a.verb === 'debit')).toHaveLength(1)
  })
  await city.close()
})

test('a bank that cannot be asked: its window passes, then a tombstone; nothing was inquired', async () => {
  const city = await openCity({ dedupe: 'tombstone', inquiry: false }, { dedupe: 'none' })
  city.work()
  await everywhere(async bankCode => {
    const ticketNo = nextTicket()
    city.of(bankCode).plan([planned(ticketNo, { do: 'silent-after-booking' })])
    await debit(city, bankCode, ticketNo)
    // It had booked: the reversal gives back, and the debit is a certain zero all the same.
    expect(await certain(ticketNo)).toMatchObject({ state: 'refused', outcome: { code: '24020', bankText: '已扣后全额冲正' } })
    expect(net(city, bankCode, ticketNo)).toBe(0)
    const attempts = await store.attempts((await store.find(ticketNo))!.instructionId)
    expect(attempts.filter(a => a.verb === 'inquiry').every(a => a.fault === 'no-inquiry')).toBe(true)
  })
  await city.close()
})

test('a bank that reverses the whole only is asked for nothing else', async () => {
  const city = await openCity({ reversal: 'whole-only' }, { reversals: 'whole-only' })
  await everywhere(async bankCode => {
    const ticketNo = await debit(city, bankCode)
    await certain(ticketNo)
    expect(await settled('reversal', await give(city, ticketNo, 1))).toMatchObject({ state: 'refused', rule: 'whole-only', attempts: 0 })
    expect(await settled('reversal', await give(city, ticketNo, 10_000))).toMatchObject({ state: 'succeeded', booked: 10_000 })
  })
  await city.close()
})

test('a bank that loses its agency winds up: what was never sent is refused, what may be there is settled', async () => {
  const city = await openCity()
  const reference = sampleReference()
  const disabled = {
    ...reference,
    banks: new Map([...reference.banks].map(([code, bank]) => [code, { ...bank, province: 'revoked' as const }])),
  }
  const after = { ...city.flow, reference: () => disabled }
  await everywhere(async bankCode => {
    const [unsent, doubtful] = [nextTicket(), nextTicket()]
    const away = stage(store, reference, [], `off-${bankCode}`, false, clock)
    await acceptDebit(away.flow, away.slots, taxSystem, orderOf(bankCode, unsent))
    await away.slots.idle()
    city.of(bankCode).plan([planned(doubtful, { do: 'silent-after-booking' })])
    await debit(city, bankCode, doubtful)
    const ids = [(await store.find(unsent))!.instructionId, (await store.find(doubtful))!.instructionId]
    await until('both are certain', async () => {
      await advance(after, city.slots, ids)
      return [await store.find(unsent), await store.find(doubtful)].every(v => v!.state === 'refused' || v!.state === 'succeeded')
    })
    expect(await store.find(unsent)).toMatchObject({ state: 'refused', outcome: { code: '93014' } })
    expect(await store.find(doubtful)).toMatchObject({ state: 'succeeded' })
    expect(net(city, bankCode, unsent)).toBe(0)
    await away.close()
  })
  await city.close()
})

test('under an agreement that is stopped or void nothing leaves that never left, and nothing is supplemented; under one that ends both go on', async () => {
  const city = await openCity()
  const away = stage(store, sampleReference(patient), [], `off-${++orders}`, false, clock)
  onTestFinished(async () => {
    await away.close()
    await city.close()
  })
  const namedIn = (state: string, n: number) => ({ ...orderOf('4301', ''), agreementNo: `XY-${state}`, taxpayerId: `91430100STOP${n}` })
  const states = {
    suspended: "state = 'suspended', suspended_by = 'tax'",
    void: "state = 'void', void_reason = 'account-closed'",
    ended: "state = 'ended', ending_since = '2026-11-10', ending_by = 'tax'",
  }
  const expected = { suspended: ['refused', '24012'], void: ['refused', '24017'], ended: ['succeeded', '90000'] } as const
  for (const [n, state] of (['suspended', 'void', 'ended'] as const).entries()) {
    const named = namedIn(state, n)
    await writeActive(fresh.db, [named])
    const [unsent, short] = [nextTicket(), nextTicket()]
    const order = (ticketNo: string) => ({
      ...orderOf('4301', ticketNo, { amount: 10_000 }),
      agreementNo: named.agreementNo,
      taxpayerId: named.taxpayerId,
    })
    city.of('4301').plan([planned(short, { do: 'under-booking', fen: 0 })])
    await acceptDebit(city.flow, city.slots, taxSystem, order(short))
    await certain(short)
    city.of('4301').plan([])
    await missing(short)
    await acceptDebit(away.flow, away.slots, taxSystem, order(unsent))
    await away.slots.idle()
    await fresh.db.execute(`UPDATE agreement SET ${states[state]} WHERE agreement_no = ?`, [named.agreementNo])
    city.work()
    const { outcome: said, state: became } = await certain(unsent)
    expect([became, said?.code], state).toEqual(expected[state])
    if (state !== 'ended') expect(said?.bankText).toContain(state === 'void' ? 'agreement-over' : 'agreement-suspended')
    const remedy = await settled('supplementaryDebit', await take(city, short, 10_000, 'bank-missing'))
    expect([remedy.state, remedy.outcome?.code], state).toEqual(expected[state])
    // What we refuse ourselves says nothing of the bank: the ticket stands.
    expect((await store.find(short))!.voidedAt).toBeUndefined()
  }
})
