import { outcome } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withHalts } from '../../../gateway/domain/reference.ts'
import { beforeRemittance } from '../../../gateway/domain/session.ts'
import { heardAdjustment, issueNotice, tellNoticeAgain } from '../../../gateway/flows/adjustments.ts'
import { advance } from '../../../gateway/flows/advance.ts'
import { callBanks } from '../../../gateway/flows/bank-calls.ts'
import { advanceBreaks, supplementBreak } from '../../../gateway/flows/break-remedies.ts'
import { ownOrders } from '../../../gateway/flows/further.ts'
import { reverse } from '../../../gateway/flows/reverse.ts'
import { supplement, supplementDebit } from '../../../gateway/flows/supplement.ts'
import { openCalendar } from '../../../gateway/store/calendar.ts'
import type { NewDebit } from '../../../gateway/store/debits.ts'
import { noticeTold } from '../../../gateway/store/notices.ts'
import { type BreakKit, bankCode, openBreakKit, zhang } from '../break-kit.ts'
import { until } from '../stage.ts'
import { taxSystem } from '../store/kit.ts'

// What must not happen to anybody's money between a session and the next: a remedy twice, one of what is right, a confirmation of what was not looked at.

let kit: BreakKit
beforeAll(async () => {
  kit = await openBreakKit('2026-11-10T10:00:00+08:00')
})
afterAll(() => kit.fresh.drop())

const dayMs = 86_400_000
/** Codes by which a bank refuses a message, a line or an hour rather than an account. */
const ofTheQuestion = ['28001', '31004', '91005', '93001', '93002', '93003', '93004', '93007', '93013', '93014'] as const
/** Fen of all instructions of a ticket with this verb that were not refused. */
const moved = async ({ ticketNo }: NewDebit, verb: string): Promise<number> => {
  const [row] = await kit.fresh.db.query<{ sum: number | null }>(
    "SELECT CAST(SUM(amount) AS SIGNED) AS sum FROM instruction WHERE ticket_no = ? AND verb = ? AND state <> 'refused'",
    [ticketNo, verb],
  )
  return row?.sum ?? 0
}
const states = async (debit: NewDebit) => (await kit.breaksOf(debit)).map(({ state, remedy, excess }) => `${state} ${remedy} ${excess}`)
const noticeFor = async (debit: NewDebit): Promise<string> => {
  const { id } = (await kit.breaksOf(debit)).at(-1)!
  const { noticeNo, kind } = await issueNotice(kit.flow, kit.slots, id, zhang)
  if (noticeNo === undefined) throw new Error(`no notice: ${kind}`)
  await callBanks(kit.flow)
  return noticeNo
}
const supplementOf = async (debit: NewDebit, orderNo = 's1') => {
  const { id } = (await kit.breaksOf(debit)).at(-1)!
  return supplementBreak(kit.flow, kit.slots, { breakId: id, orderNo, items: undefined }, zhang.uri)
}
const itemsOf = (debit: NewDebit) => (JSON.parse(debit.request) as { items: [] }).items

describe('an excess goes back once', () => {
  test('what the tax system has reversed itself nobody reverses, or asks for by a notice, a second time', async () => {
    const day = kit.dayOf()
    const debit = await kit.debited(day, 3_000)
    await kit.session(day, [kit.found('duplicate-at-bank', debit, 3_000, 6_000)], beforeRemittance)
    expect(await states(debit)).toEqual(['chosen reverse 3000'])
    const order = { orderNo: 'r1', ticketNo: debit.ticketNo, amount: 3_000, reason: 'over-debited' } as const
    expect(await reverse(kit.flow, kit.slots, taxSystem, order)).toMatchObject({ kind: 'accepted' })
    await kit.advanced()
    expect(await states(debit)).toEqual(['remedied reverse 3000'])
    expect(await moved(debit, 'reversal')).toBe(3_000)
    await kit.session(day, [kit.found('duplicate-at-bank', debit, 3_000, 6_000)], beforeRemittance)
    expect(await states(debit)).toEqual(['confirmed reverse 3000'])
  })
  test('what was given back in part is not given back whole', async () => {
    const day = kit.dayOf()
    const debit = await kit.debited(day, 3_000)
    const order = { orderNo: 'r2', ticketNo: debit.ticketNo, amount: 1_000, reason: 'duplicate' } as const
    await kit.session(day, [kit.found('duplicate-at-bank', debit, 3_000, 6_000)], beforeRemittance)
    expect(await states(debit)).toEqual(['chosen reverse 3000'])
    await reverse(kit.flow, kit.slots, taxSystem, order)
    await kit.advanced()
    expect(await states(debit)).toEqual(['chosen investigate 3000'])
    expect(await moved(debit, 'reversal')).toBe(1_000)
    // The next session shows what is left.
    await kit.session(day, [kit.found('duplicate-at-bank', debit, 3_000, 6_000)], beforeRemittance)
    expect(await states(debit)).toEqual(['superseded investigate 3000', 'chosen notice 2000'])
    // A notice asks for no more than is left when it is issued.
    const { id } = (await kit.breaksOf(debit)).at(-1)!
    await reverse(kit.flow, kit.slots, taxSystem, { ...order, orderNo: 'r3', amount: 500 })
    await kit.advanced()
    expect(await issueNotice(kit.flow, kit.slots, id, zhang)).toEqual({ kind: 'otherwise' })
  })
  test('what a second file of the day shows beyond what a notice has asked for is a break of its own', async () => {
    const day = '2026-11-09'
    const debit = await kit.debited(day, 3_000)
    await kit.session(day, [kit.found('duplicate-at-bank', debit, 3_000, 6_000)])
    await noticeFor(debit)
    await kit.session(day, [kit.found('duplicate-at-bank', debit, 3_000, 9_000)])
    expect(await states(debit)).toEqual(['under-way notice 3000', 'chosen notice 3000'])
  })
  test('what the tax system gives back between the weighing of an excess and its reversal does not go back twice', async () => {
    const day = kit.dayOf()
    const debit = await kit.debited(day, 3_000)
    await kit.session(day, [kit.found('amount-differs', debit, 3_000, 4_000)], beforeRemittance)
    expect(await states(debit)).toEqual(['chosen reverse 1000'])
    const order = { orderNo: 'r4', ticketNo: debit.ticketNo, amount: 1_000, reason: 'over-debited' } as const
    const { store } = kit.flow
    const standing: typeof store.breakLife.standing = async (...of) => {
      const weighed = await store.breakLife.standing(...of)
      await reverse(kit.flow, kit.slots, taxSystem, order)
      await kit.slots.idle()
      return weighed
    }
    await advanceBreaks({ ...kit.flow, store: { ...store, breakLife: { ...store.breakLife, standing } } }, kit.slots)
    await kit.advanced()
    expect(await moved(debit, 'reversal')).toBe(1_000)
  })
  test('of a halted bank the reversal waits for the bank to be resumed, and does not become a notice for good', async () => {
    const day = kit.dayOf()
    const debit = await kit.debited(day, 3_000)
    await kit.session(day, [kit.found('amount-differs', debit, 3_000, 4_000)], beforeRemittance)
    const halts = new Map([[bankCode, { reason: 'books twice', since: kit.clock(), proposedBy: 'a', approvedBy: 'b' }]])
    await advanceBreaks({ ...kit.flow, reference: () => withHalts(kit.flow.reference(), halts) }, kit.slots)
    expect(await states(debit)).toEqual(['chosen reverse 1000'])
    expect(await moved(debit, 'reversal')).toBe(0)
    await kit.advanced()
    expect(await states(debit)).toEqual(['remedied reverse 1000'])
    expect(await moved(debit, 'reversal')).toBe(1_000)
  })
  test('what waits for a halted bank, however much, keeps no other bank’s excess waiting', async () => {
    const day = kit.dayOf()
    const debit = await kit.debited(day, 3_000)
    await kit.session(day, [kit.found('amount-differs', debit, 3_000, 4_000)], beforeRemittance)
    expect(await kit.store.breakLife.chosen('reverse', 100, ['4306'])).toHaveLength(1)
    expect(await kit.store.breakLife.chosen('reverse', 100, ['4306', bankCode])).toEqual([])
    await kit.advanced()
  })
  test('what a second file shows beside the excess that is just going back goes back, too', async () => {
    const day = kit.dayOf()
    const debit = await kit.debited(day, 3_000)
    kit.says = { reversal: '94999' }
    await kit.session(day, [kit.found('amount-differs', debit, 3_000, 4_000)], beforeRemittance)
    await advanceBreaks(kit.flow, kit.slots)
    await kit.slots.idle()
    expect(await states(debit)).toEqual(['under-way reverse 1000'])
    await kit.session(day, [kit.found('amount-differs', debit, 3_000, 5_000)], beforeRemittance)
    expect(await states(debit)).toEqual(['under-way reverse 1000', 'chosen reverse 1000'])
    kit.says = {}
    const [first] = await kit.fresh.db.query<{ id: number }>("SELECT id FROM instruction WHERE ticket_no = ? AND verb = 'reversal'", [
      debit.ticketNo,
    ])
    // Asked about, not found, and sent again.
    for (const _ of ['inquiry', 'reversal']) {
      kit.at += 60_000
      await advance(kit.flow, kit.slots, [first!.id])
    }
    expect(await states(debit)).toEqual(['remedied reverse 1000', 'chosen reverse 1000'])
    await kit.advanced()
    expect(await states(debit)).toEqual(['remedied reverse 1000', 'remedied reverse 1000'])
    expect(await moved(debit, 'reversal')).toBe(2_000)
  })
  test('what its bank has refused to give back is not asked for again while a reversal may give it back, or when one has', async () => {
    const day = kit.dayOf()
    const debit = await kit.debited(day, 3_000)
    kit.says = { reversal: '34001', adjustmentNotice: '93004' }
    await kit.session(day, [kit.found('amount-differs', debit, 3_000, 4_000)], beforeRemittance)
    await kit.advanced()
    const notice = { breakId: (await kit.theBreak(debit)).id, noticeNo: await noticeFor(debit) }
    expect(await states(debit)).toEqual(['failed notice 1000'])
    const again = () => tellNoticeAgain(kit.flow, kit.slots, notice, zhang, '银行已能收')
    const otherwise = { kind: 'objected', objection: { rule: 'otherwise' } }
    kit.says = { reversal: '94999' }
    const order = { orderNo: 'r5', ticketNo: debit.ticketNo, amount: 500, reason: 'over-debited' } as const
    await reverse(kit.flow, kit.slots, taxSystem, order)
    await kit.slots.idle()
    expect(await again()).toMatchObject(otherwise)
    kit.says = {}
    const { instructionId } = (await kit.store.findOrder({ taxSystem, kind: 'reversal', orderNo: 'r5' }))!
    // Asked about, not found, and sent again.
    for (const _ of ['inquiry', 'reversal']) {
      kit.at += 60_000
      await advance(kit.flow, kit.slots, [instructionId])
    }
    expect((await kit.store.findOrder({ taxSystem, kind: 'reversal', orderNo: 'r5' }))?.state).toBe('succeeded')
    expect(await again()).toMatchObject(otherwise)
  })
  test('a later session that finds more asks for what was not begun yet', async () => {
    const day = kit.dayOf()
    const debit = await kit.debited(day, 3_000)
    await kit.session(day, [kit.found('duplicate-at-bank', debit, 3_000, 6_000)], beforeRemittance)
    await kit.advanced()
    await kit.session(day, [kit.found('duplicate-at-bank', debit, 3_000, 9_000)], beforeRemittance)
    expect(await states(debit)).toEqual(['remedied reverse 3000', 'chosen reverse 3000'])
    await kit.advanced()
    expect(await moved(debit, 'reversal')).toBe(6_000)
    await kit.session(day, [kit.found('duplicate-at-bank', debit, 3_000, 9_000)], beforeRemittance)
    expect(await states(debit)).toEqual(['confirmed reverse 3000', 'confirmed reverse 3000'])
  })
  test('a receipt names a day on which it can have been booked', async () => {
    const debit = await kit.debited('2026-11-06', 3_000)
    await kit.session('2026-11-06', [kit.found('amount-differs', debit, 3_000, 3_300)])
    const noticeNo = await noticeFor(debit)
    const receipt = (accountingDate: string) =>
      heardAdjustment(kit.flow, bankCode, { noticeNo, amount: 300, accountingDate, bankSerial: 'TZ' } as never, kit.clock())
    expect(await receipt('2026-11-05')).toMatchObject({ code: '93004' })
    expect(await receipt('2027-11-05')).toMatchObject({ code: '93004' })
    expect(await states(debit)).toEqual(['under-way notice 300'])
    expect(await receipt('2026-11-10')).toMatchObject({ code: '90000' })
    expect(await states(debit)).toEqual(['remedied notice 300'])
  })
  test('what a notice asks for, or has brought, no reversal gives back a second time', async () => {
    const day = kit.dayOf()
    const debit = await kit.debited(day, 3_000)
    kit.says = { reversal: '34001' }
    await kit.session(day, [kit.found('amount-differs', debit, 3_000, 3_300)], beforeRemittance)
    await kit.advanced()
    kit.says = {}
    expect(await states(debit)).toEqual(['chosen notice 300'])
    const noticeNo = await noticeFor(debit)
    let orders = 0
    const ordered = async (amount: number, reason: 'over-debited' | 'tax-side') => {
      const orderNo = `asked-${orders++}`
      const order = { orderNo, ticketNo: debit.ticketNo, amount, reason } as const
      expect(await reverse(kit.flow, kit.slots, taxSystem, order)).toMatchObject({ kind: 'accepted' })
      await kit.slots.idle()
      const found = await kit.store.findOrder({ taxSystem, kind: 'reversal', orderNo })
      return found?.rule ?? found?.state
    }
    const isRefused = async () => [await ordered(300, 'over-debited'), await ordered(3_300, 'tax-side'), await ordered(3_001, 'tax-side')]
    expect(await isRefused()).toEqual(['asked-back', 'asked-back', 'asked-back'])
    const receipt = { noticeNo, amount: 300, accountingDate: day, bankSerial: 'TZ' } as never
    expect(await heardAdjustment(kit.flow, bankCode, receipt, kit.clock())).toMatchObject({ code: '90000' })
    expect(await isRefused()).toEqual(['asked-back', 'asked-back', 'asked-back'])
    expect(await moved(debit, 'reversal')).toBe(0)
    // The tax itself the tax side may still give back.
    expect(await ordered(3_000, 'tax-side')).toBe('succeeded')
    await kit.session(day, [kit.found('amount-differs', debit, 3_000, 3_300)], beforeRemittance)
    expect(await states(debit)).toEqual(['confirmed notice 300'])
  })
  test('what its bank would not take of a notice may be reversed', async () => {
    const day = kit.dayOf()
    const debit = await kit.debited(day, 3_000)
    kit.says = { reversal: '34001', adjustmentNotice: '93004' }
    await kit.session(day, [kit.found('amount-differs', debit, 3_000, 3_300)], beforeRemittance)
    await kit.advanced()
    await noticeFor(debit)
    kit.says = {}
    expect(await states(debit)).toEqual(['failed notice 300'])
    const order = { orderNo: 'untaken', ticketNo: debit.ticketNo, amount: 300, reason: 'over-debited' } as const
    await reverse(kit.flow, kit.slots, taxSystem, order)
    await kit.slots.idle()
    expect(await kit.store.findOrder({ taxSystem, kind: 'reversal', orderNo: 'untaken' })).toMatchObject({ state: 'succeeded' })
    await kit.session(day, [kit.found('amount-differs', debit, 3_000, 3_300)], beforeRemittance)
    expect(await states(debit)).toEqual(['confirmed notice 300'])
  })
})

test('a bank’s answer to a notice waits for the break before it touches the notice, as everybody does', async () => {
  const day = kit.dayOf()
  const debit = await kit.debited(day, 3_000)
  kit.says = { reversal: '34001' }
  await kit.session(day, [kit.found('amount-differs', debit, 3_000, 3_300)], beforeRemittance)
  await kit.advanced()
  kit.says = {}
  const subject = await noticeFor(debit)
  const { id } = (await kit.breaksOf(debit)).at(-1)!
  const { db } = kit.fresh
  const answered = {
    bankCode,
    officeCode: zhang.office,
    verb: 'adjustmentNotice',
    subject,
    content: {},
    id: 0,
    attemptNo: 1,
    undelivered: 0,
    key: undefined,
  }
  const waits = async () =>
    (
      await db.query(
        "SELECT 1 FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID() AND info LIKE '%FROM break b WHERE b.id = %FOR UPDATE'",
      )
    ).length > 0
  let told: Promise<void> = Promise.resolve()
  await db.transaction(
    async tx => {
      await tx.query('SELECT id FROM break WHERE id = ? FOR UPDATE', [id])
      told = db.transaction(other => noticeTold(other, answered, outcome('93004'), kit.clock()), { retries: 0 })
      await until('the answer waits', waits)
      await tx.execute('UPDATE adjustment_notice SET told_code = NULL WHERE notice_no = ?', [subject])
    },
    { retries: 0 },
  )
  await told
  expect(await states(debit)).toEqual(['failed notice 300'])
  // Nothing of it is left to the next.
  await kit.session(day, [], beforeRemittance)
  expect(await states(debit)).toEqual(['superseded notice 300'])
})

test('whoever locks a ticket sees an instruction of it that comes to its end at this very moment', async () => {
  // So many that the server goes by the index of tickets.
  for (let i = 0; i < 60; i++) await kit.debited(kit.dayOf(), 1)
  const debit = await kit.debited(kit.dayOf(), 3_000)
  kit.says = { reversal: '94999' }
  const order = { orderNo: 'm1', ticketNo: debit.ticketNo, amount: 1_000, reason: 'tax-side' } as const
  await reverse(kit.flow, kit.slots, taxSystem, order)
  await kit.slots.idle()
  kit.says = {}
  const { instructionId } = (await kit.store.findOrder({ taxSystem, kind: 'reversal', orderNo: 'm1' }))!
  // Seen twice: it does not run, it waits.
  let seen = 0
  const waits = async (): Promise<boolean> => {
    const rows = await kit.fresh.db.query(
      `SELECT 1 FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID() AND info LIKE '%FROM instruction%FOR UPDATE'`,
    )
    seen = rows.length > 0 ? seen + 1 : 0
    return seen > 3
  }
  let looked: Promise<unknown> = Promise.resolve()
  await kit.fresh.db.transaction(async tx => {
    // As who settles it: the row, and only then what moves in the index.
    await tx.query('SELECT id FROM instruction WHERE id = ? FOR UPDATE', [instructionId])
    looked = kit.store.breakLife.standing(bankCode, debit.ticketNo)
    await until('the other waits', waits)
    await tx.execute("UPDATE instruction SET state = 'succeeded', settled_at = accepted_at, next_attempt_at = NULL WHERE id = ?", [
      instructionId,
    ])
  })
  expect(await looked).toMatchObject({ movements: 2, isOpen: false, since: 2_000 })
})

describe('a confirmation', () => {
  test('of what a bank said late comes with the sessions of the day itself and the next, not with any', async () => {
    const day = kit.dayOf()
    const debit = await kit.debited(day, 4_000, 'refused')
    const said = { kind: 'bank-only', source: 'late-answer', taxAmount: 0, bankAmount: 4_000 } as const
    const about = { ticketNo: debit.ticketNo, instructionId: debit.instructionId }
    await kit.store.declareBreak({ ...about, ...said, at: kit.clock(), actor: 'test', reason: 'late' })
    kit.at += 60_000
    await kit.session('2026-11-09', [])
    expect((await kit.theBreak(debit)).state).toBe('found')
    kit.at += dayMs
    await kit.session(day, [])
    expect((await kit.theBreak(debit)).state).toBe('found')
    await kit.session('2026-11-11', [])
    expect((await kit.theBreak(debit)).state).toBe('confirmed')
  })
  test('of other particulars waits for a person, though the amounts were right from the first', async () => {
    const debit = await kit.debited('2026-11-08', 4_000)
    await kit.session('2026-11-08', [kit.found('particulars-differ', debit, 4_000, 4_000, { detail: { account: 'differs' } })])
    kit.at += dayMs
    await kit.session('2026-11-12', [])
    const { id } = await kit.theBreak(debit)
    expect(await states(debit)).toEqual(['chosen investigate 0'])
    const change = { remedy: 'explained', closedWith: 'explained' } as const
    await kit.store.breakLife.stepBreak(id, ['choose', 'begin', 'remedy'], '系同一纳税人的新账号', change, {
      now: kit.clock(),
      actor: zhang.uri,
    })
    await kit.session('2026-11-13', [])
    expect(await states(debit)).toEqual(['confirmed explained 0'])
  })
})

describe('a ticket as a whole', () => {
  test('at one bank owes nothing that another bank was to debit', async () => {
    const debit = await kit.debited('2026-11-07', 5_000)
    await kit.session('2026-11-07', [])
    const stray = kit.found('bank-only', debit, 0, 5_000, { instructionId: undefined, serialNo: '77700001' })
    expect(await kit.session('2026-11-07', [stray], '', '4306')).toBe(false)
    expect(await states(debit)).toEqual(['chosen notice 5000'])
  })
  test('under two dates is twice at the bank: what was a cut-off becomes a break, and the day balanced with it', async () => {
    const debit = await kit.debited('2026-12-02', 6_000)
    kit.at = Date.parse('2026-12-02T09:00:00+08:00')
    await kit.session('2026-12-01', [kit.found('cut-off', debit, 0, 6_000, { detail: { accountingDate: '2026-12-02' } })])
    expect(await kit.breaksOf(debit)).toEqual([])
    kit.at += dayMs
    await kit.session('2026-12-02', [])
    expect(await states(debit)).toEqual(['chosen notice 6000'])
    const noticeNo = await noticeFor(debit)
    kit.at += dayMs
    await kit.session('2026-12-03', [await kit.adjustment(noticeNo, debit, 6_000)])
    expect(await states(debit)).toEqual(['confirmed notice 6000'])
    expect(await kit.stateOfDay('2026-12-01')).toBe('balanced')
  })
  test('debited again for nothing, or void, and there after all: what turns up goes back', async () => {
    const [again, gone] = [await kit.debited('2026-12-03', 6_000), await kit.debited('2026-12-03', 7_000)]
    await kit.session('2026-12-03', [kit.found('tax-only', again, 6_000, 0), kit.found('tax-only', gone, 7_000, 0)])
    expect(await supplementOf(again)).toMatchObject({ kind: 'ordered' })
    await kit.advanced()
    kit.says = { supplementaryDebit: '24003' }
    expect(await supplementOf(gone)).toMatchObject({ kind: 'ordered' })
    await kit.advanced()
    kit.says = {}
    expect(await Promise.all([again, gone].map(states))).toEqual([['remedied supplement-missing -6000'], ['void supplement-missing -7000']])
    kit.at += dayMs
    const late = (debit: NewDebit, fen: number) => kit.found('cut-off', debit, 0, fen, { detail: { accountingDate: '2026-12-03' } })
    await kit.session(kit.dayOf(), [])
    await kit.session('2026-12-04', [late(again, 6_000), late(gone, 7_000)])
    expect((await states(again)).at(-1)).toBe('chosen notice 6000')
    expect((await states(gone)).at(-1)).toBe('chosen notice 7000')
  })
  test('given back once too often lacks it again', async () => {
    const debit = await kit.debited('2026-12-04', 6_000)
    await kit.session('2026-12-04', [kit.found('duplicate-at-bank', debit, 6_000, 12_000)])
    const noticeNo = await noticeFor(debit)
    const once = await kit.adjustment(noticeNo, debit, 6_000)
    kit.at += dayMs
    await kit.session('2026-12-06', [once])
    await kit.session('2026-12-07', [{ ...once, type: 'duplicate-at-bank', bankSerial: 'S2' }])
    expect((await states(debit)).at(-1)).toBe('chosen supplement-missing -6000')
  })
})

test('a reversal that crosses the bank’s day-end is no break that anything is given back for, and the next day explains it', async () => {
  kit.at = Date.parse('2026-12-16T23:59:50+08:00')
  const [undated, dated] = [await kit.debited('2026-12-16', 5_000), await kit.debited('2026-12-16', 5_000)]
  for (const [i, { ticketNo }] of [undated, dated].entries())
    await reverse(kit.flow, kit.slots, taxSystem, { orderNo: `x${i}`, ticketNo, amount: 5_000, reason: 'tax-side' })
  await kit.advanced()
  kit.at += 60_000
  const reversalOf = async ({ ticketNo }: NewDebit, n: number, tax: number, bank: number, detail: object) => {
    const { instructionId, serialNo, entrustDate } = (await kit.store.findOrder({ taxSystem, kind: 'reversal', orderNo: `x${n}` }))!
    const type = bank > 0 ? 'cut-off' : 'reversed-one-side'
    const key = { verb: 'reversal', serialNo, entrustDate, instructionId, ticketNo } as const
    return kit.found(type, undated, tax, bank, { ...key, detail: detail as Record<string, string> })
  }
  // Its date is ours, or the bank named it and booked it under the next all the same.
  const missing = [await reversalOf(undated, 0, 5_000, 0, { datedBy: 'clock' }), await reversalOf(dated, 1, 5_000, 0, {})]
  expect(await kit.session('2026-12-16', missing)).toBe(false)
  expect(await Promise.all([undated, dated].map(states))).toEqual([['chosen investigate 5000'], ['chosen notice 5000']])
  kit.says = { inquiry: '90000' }
  const { id } = await kit.theBreak(dated)
  expect(await issueNotice(kit.flow, kit.slots, id, zhang)).toEqual({ kind: 'at-the-bank' })
  // «Already reversed»: which part of it, and by which order, is left open.
  for (const inquiry of [...ofTheQuestion, '24015', '24020'] as const) {
    kit.says = { inquiry }
    expect(await issueNotice(kit.flow, kit.slots, id, zhang), inquiry).toEqual({ kind: 'unclear' })
  }
  // Told of it at a moment when it knew nothing yet, and refused; by now it has it.
  kit.says = { adjustmentNotice: '93004' }
  const notice = { breakId: id, noticeNo: await noticeFor(dated) }
  kit.says = { inquiry: '90000' }
  expect(await tellNoticeAgain(kit.flow, kit.slots, notice, zhang, '银行已能收')).toEqual({ kind: 'at-the-bank' })
  kit.says = {}
  kit.at += dayMs
  const there = { accountingDate: '2026-12-16' }
  await kit.session('2026-12-17', [await reversalOf(undated, 0, 0, 5_000, there), await reversalOf(dated, 1, 0, 5_000, there)])
  expect(await Promise.all([undated, dated].map(states))).toEqual([['confirmed investigate 5000'], ['confirmed notice 5000']])
  expect(await kit.stateOfDay('2026-12-16')).toBe('balanced')
})

describe('a supplementary debit', () => {
  test('of the whole asks the bank first, whoever orders it', async () => {
    const debit = await kit.debited('2026-12-05', 2_000)
    await kit.session('2026-12-05', [kit.found('tax-only', debit, 2_000, 0)])
    const order = { orderNo: 'q1', ticketNo: debit.ticketNo, reason: 'bank-missing', amount: 2_000, items: itemsOf(debit) } as const
    const ordered = () => supplement(kit.flow, kit.slots, taxSystem, order)
    kit.says = { inquiry: '90000' }
    expect(await ordered()).toEqual({ kind: 'at-the-bank' })
    // What refuses the question, or a repetition of the ticket, says nothing of what the bank has.
    for (const inquiry of ['28003', ...ofTheQuestion, '24015'] as const) {
      kit.says = { inquiry }
      expect(await ordered(), inquiry).toEqual({ kind: 'unclear' })
    }
    expect(await moved(debit, 'supplementaryDebit')).toBe(0)
    kit.says = {}
    // The bank has its places for questions, too.
    const { concurrency } = kit.flow.reference().banks.get(debit.bankCode)!.policy
    let taken = 0
    while (kit.slots.tryTake(debit.bankCode, concurrency)) taken++
    expect(await ordered()).toEqual({ kind: 'unclear' })
    for (; taken > 0; taken--) kit.slots.release(debit.bankCode)
    expect(await ordered()).toMatchObject({ kind: 'accepted' })
    await kit.advanced()
    // It is the remedy of the session's break, too.
    expect(await states(debit)).toEqual(['remedied supplement-missing -2000'])
    kit.says = { inquiry: '90000' }
    expect(await ordered()).toEqual({ kind: 'repeated' })
    kit.says = {}
  })
  test('of the whole is not taken on unasked where the rules refused it when it was read, and allow it when it is written', async () => {
    const debit = await kit.debited('2026-12-04', 2_000)
    await kit.session('2026-12-04', [kit.found('tax-only', debit, 2_000, 0)])
    const order = { orderNo: 'q4', ticketNo: debit.ticketNo, reason: 'bank-missing', amount: 2_000, items: itemsOf(debit) } as const
    // As it was read a moment ago: void, or with a reversal that has ended since.
    const ticket = async (no: string) => ({ ...(await kit.store.ticket(no))!, isVoid: true })
    const ordered = (store = kit.store) => supplement({ ...kit.flow, store }, kit.slots, taxSystem, order)
    kit.says = { inquiry: '90000' }
    expect(await ordered({ ...kit.store, ticket })).toEqual({ kind: 'unclear' })
    expect(await moved(debit, 'supplementaryDebit')).toBe(0)
    expect(await kit.store.findOrder({ taxSystem, kind: 'supplementaryDebit', orderNo: 'q4' })).toBeUndefined()
    expect(await ordered()).toEqual({ kind: 'at-the-bank' })
    kit.says = {}
    expect(await ordered()).toMatchObject({ kind: 'accepted' })
  })
  test('of the whole waits until nothing that was sent of the debit can be booked any more', async () => {
    const debit = await kit.debited('2026-12-05', 2_000)
    await kit.session('2026-12-05', [kit.found('tax-only', debit, 2_000, 0)])
    await kit.fresh.db.execute('UPDATE instruction SET last_sent_at = ? WHERE ticket_no = ?', [kit.clock(), debit.ticketNo])
    const order = { orderNo: 'q3', ticketNo: debit.ticketNo, reason: 'bank-missing', amount: 2_000, items: itemsOf(debit) } as const
    const ordered = () => supplement(kit.flow, kit.slots, taxSystem, order)
    const { call, reference } = kit.flow
    const { timeoutMs, quiescenceMs } = reference().banks.get(debit.bankCode)!.policy
    kit.at += timeoutMs + quiescenceMs - 1
    expect(await ordered()).toEqual({ kind: 'unclear' })
    const bank = reference().banks.get(debit.bankCode)!
    const mute = { ...bank, policy: { ...bank.policy, inquiry: false } }
    Object.assign(kit.flow, { reference: () => ({ ...reference(), banks: new Map([[debit.bankCode, mute]]) }) })
    expect(await ordered()).toEqual({ kind: 'unclear' })
    // «Not found» tells how things stood when it was asked.
    const slowly = async (...asked: Parameters<typeof call>) => {
      kit.at++
      return call(...asked)
    }
    Object.assign(kit.flow, { reference, call: slowly })
    expect(await ordered()).toEqual({ kind: 'unclear' })
    expect(await moved(debit, 'supplementaryDebit')).toBe(0)
    Object.assign(kit.flow, { call })
    expect(await ordered()).toMatchObject({ kind: 'accepted' })
    await kit.advanced()
    expect(await states(debit)).toEqual(['remedied supplement-missing -2000'])
  })
  test('is not made whole of what the tax system has had supplemented in part', async () => {
    const debit = await kit.debited('2026-12-05', 2_000)
    await kit.session('2026-12-05', [kit.found('amount-differs', debit, 2_000, 1_500)])
    const items = (itemsOf(debit) as { amount: number }[]).map(item => ({ ...item, amount: 300 }))
    const part = { orderNo: 'q2', ticketNo: debit.ticketNo, reason: 'under-debited', amount: 300, items: items as [] } as const
    expect(await supplement(kit.flow, kit.slots, taxSystem, part)).toMatchObject({ kind: 'accepted' })
    await kit.advanced()
    expect(await supplementOf(debit)).toEqual({ kind: 'otherwise' })
    expect(await moved(debit, 'supplementaryDebit')).toBe(300)
  })
  test('that was ordered when the process died belongs to its break all the same', async () => {
    const debit = await kit.debited('2026-12-05', 2_000)
    await kit.session('2026-12-05', [kit.found('amount-differs', debit, 2_000, 1_500)])
    const { id } = await kit.theBreak(debit)
    const found = await kit.store.find(debit.ticketNo)
    const [held] = await kit.store.load([found!.instructionId])
    kit.says = { supplementaryDebit: '94999' }
    kit.at += 1_000
    const items = (itemsOf(debit) as { amount: number }[]).map(item => ({ ...item, amount: 500 }))
    const order = { orderNo: `break-${id}-s1`, ticketNo: debit.ticketNo, reason: 'under-debited', amount: 500, items: items as [] } as const
    await supplementDebit(kit.flow, kit.slots, ownOrders, held!, order)
    await advanceBreaks(kit.flow, kit.slots)
    expect(await states(debit)).toEqual(['under-way supplement -500'])
    // And is ordered once.
    expect(await supplementOf(debit)).toMatchObject({ kind: 'ordered', verdict: { kind: 'repeated' } })
    expect(await supplementOf(debit, 's2')).toEqual({ kind: 'unfit' })
    expect(await moved(debit, 'supplementaryDebit')).toBe(500)
    kit.says = {}
  })
  test('is not made of what the sessions have shown since to be there', async () => {
    const debit = await kit.debited('2026-12-08', 2_000)
    kit.at = Date.parse('2026-12-09T09:00:00+08:00')
    await kit.session('2026-12-08', [kit.found('amount-differs', debit, 2_000, 1_500)])
    await kit.fresh.db.execute('UPDATE break SET deadline = NOW() WHERE ticket_no = ?', [debit.ticketNo])
    const more = kit.found('bank-only', debit, 0, 400, { instructionId: undefined, serialNo: '77700002' })
    await kit.session('2026-12-09', [more])
    expect(await supplementOf({ ...debit })).toMatchObject({ kind: expect.stringMatching(/^(unfit|otherwise)$/) })
    expect(await moved(debit, 'supplementaryDebit')).toBe(0)
  })
})

test('without a calendar of the year breaks are found all the same, loudly, and get their deadline with it', async () => {
  const reference = kit.flow.reference()
  const { calendar } = reference
  const lacking = { ...reference, calendar: openCalendar({ years: [calendar.days(2026)] }) }
  kit.at = Date.parse('2026-12-31T20:00:00+08:00')
  const debit = await kit.debited('2026-12-30', 2_000)
  Object.assign(kit.flow, { reference: () => lacking })
  await kit.session('2026-12-30', [kit.found('amount-differs', debit, 2_000, 2_500)])
  expect(await kit.theBreak(debit)).toMatchObject({ state: 'chosen', remedy: 'notice', deadline: null })
  expect(kit.notes.some(({ event, detail }) => event === 'trouble' && /without a deadline/.test(detail ?? ''))).toBe(true)
  const { id } = await kit.theBreak(debit)
  expect(await issueNotice(kit.flow, kit.slots, id, zhang)).toEqual({ kind: 'undated' })
  await advanceBreaks(kit.flow, kit.slots)
  const full = openCalendar({ years: [calendar.days(2026), { year: 2027, off: [['2027-01-01', '2027-01-03']], work: [] }] })
  Object.assign(kit.flow, { reference: () => ({ ...reference, calendar: full }) })
  await advanceBreaks(kit.flow, kit.slots)
  expect((await kit.theBreak(debit)).deadline?.toISOString()).toBe('2027-01-04T16:00:00.000Z')
  Object.assign(kit.flow, { reference: () => reference })
})
