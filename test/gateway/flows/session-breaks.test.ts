import { outcome } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Call, Called } from '../../../gateway/call.ts'
import type { Difference } from '../../../gateway/domain/reconcile.ts'
import { beforeRemittance } from '../../../gateway/domain/session.ts'
import { heardAdjustment, issueNotice } from '../../../gateway/flows/adjustments.ts'
import { callBanks } from '../../../gateway/flows/bank-calls.ts'
import { book } from '../../../gateway/flows/book.ts'
import { advanceBreaks, supplementBreak } from '../../../gateway/flows/break-remedies.ts'
import type { Flow, Note } from '../../../gateway/flows/flow.ts'
import { settleSession } from '../../../gateway/flows/session-breaks.ts'
import { openSlots, type Slots } from '../../../gateway/flows/slots.ts'
import type { NewDebit } from '../../../gateway/store/debits.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { writeActive } from '../agreements.ts'
import { countedDatabase } from '../counted.ts'
import { endSession, matchedSession } from '../matched.ts'
import { orderOf, sampleReference, until } from '../stage.ts'
import { newDebit, refusal, settlementOf } from '../store/kit.ts'

// Article 35 over a real record: differences become breaks, each goes its one way, and only a later session ends it.

let fresh: FreshDatabase
let store: Store
let slots: Slots
let flow: Flow
const notes: Note[] = []
let at = Date.parse('2026-11-10T10:00:00+08:00')
const clock = () => new Date(at)
/** What the bank says to an instruction of this verb. */
let says: { [verb: string]: '90000' | '24003' | '94999' } = {}
beforeAll(async () => {
  fresh = await freshDatabase(8)
  store = openStore(fresh.db)
  await writeActive(fresh.db, [orderOf(bankCode, '440000000000000001')])
  slots = openSlots(100)
  const call = async (_bank: string, verb: string, request: { amount: number }): Promise<Called> => {
    const result = outcome(says[verb] ?? (verb === 'inquiry' ? '94054' : '90000'))
    const answer = { kind: 'answered', outcome: result, amount: request.amount, bankSerial: 'B1', accountingDate: dayOf() } as const
    return { answer, told: { ...request, result }, transcript: '{}' } as unknown as Called
  }
  const reference = sampleReference()
  flow = {
    store,
    clock,
    random: () => 0.5,
    pause: () => Promise.resolve(),
    reference: () => reference,
    heldUntil: () => undefined,
    accountingDate: () => undefined,
    call: call as unknown as Call,
    owner: 'worker',
    leaseMs: 60_000,
    printKey: () => ({ k0: 3, k1: 5 }),
    note: (note: Note) => void notes.push(note),
    settled: () => {},
  } as Flow
})
afterAll(() => fresh.drop())

const dayOf = () => new Date(at + 8 * 3_600_000).toISOString().slice(0, 10)
const zhang = { uri: 'urn:taxlink:operator:zhang', office: '14301020000' }
const bankCode = '4301'

/** A debit of this day, as the bank has settled it. */
const debited = async (accountingDate: string, amount: number, end: 'succeeded' | 'refused' = 'succeeded'): Promise<NewDebit> => {
  const plain = await newDebit(store, { amount })
  const order = orderOf(bankCode, plain.ticketNo, { amount })
  const { officeCode, entrustDate, serialNo } = plain
  const told = { ...order, officeCode, entrustDate, serialNo, workDate: accountingDate, treasuryCode: '18010000' }
  const debit = { ...plain, request: JSON.stringify(told) }
  await store.accept(debit)
  const about = { id: debit.instructionId, ticketNo: debit.ticketNo }
  await store.settle(settlementOf(about, end === 'refused' ? refusal : {}, { accountingDate }))
  return debit
}
/** What a session finds of it. */
const found = (
  type: Difference['type'],
  debit: NewDebit,
  taxAmount: number,
  bankAmount: number,
  more: Partial<Difference> = {},
): Difference => ({
  type,
  officeCode: debit.officeCode,
  entrustDate: debit.entrustDate,
  serialNo: debit.serialNo,
  verb: 'debit',
  ticketNo: debit.ticketNo,
  instructionId: debit.instructionId,
  taxAmount,
  bankAmount,
  bankEntries: bankAmount > 0 ? 1 : 0,
  bankSerial: bankAmount > 0 ? 'S1' : undefined,
  lineNo: 1,
  detail: {},
  ...more,
})
/** A session is held of this day, now; returns whether the day is balanced. */
const session = async (accountingDate: string, differences: readonly Difference[], reason = ''): Promise<boolean> => {
  await book(flow)
  const held = await matchedSession(store, { bankCode, accountingDate, workDate: dayOf(), now: clock(), reason }, differences)
  const balanced = await settleSession(flow, held.session)
  // Done twice, nothing changes.
  const before = await everything()
  expect(await settleSession(flow, held.session)).toBe(balanced)
  expect(await everything()).toEqual(before)
  await endSession(store, held, balanced, clock())
  return balanced
}
const everything = () =>
  Promise.all(
    ['break', 'break_step', 'difference', 'adjustment_notice', 'booking', 'bank_call'].map(table =>
      fresh.db.query(`SELECT * FROM ${table}`),
    ),
  )
type Row = { id: number; state: string; remedy: string; kind: string; level: string; deadline: Date; excess: number }
const breaksOf = ({ ticketNo }: NewDebit) =>
  fresh.db.query<Row>('SELECT id, state, remedy, kind, level, deadline, excess FROM break WHERE ticket_no = ? ORDER BY id', [ticketNo])
const only = async (debit: NewDebit): Promise<Row> => {
  const rows = await breaksOf(debit)
  expect(rows).toHaveLength(1)
  return rows[0]!
}
const stateOfDay = async (accountingDate: string): Promise<string> =>
  (await store.reconciliations.list({ bankCode, accountingDate }, undefined, 9)).at(-1)!.state
/** The worker goes on until nothing moves. */
const advanced = async (): Promise<void> => {
  await advanceBreaks(flow, slots)
  await until('nothing is under way', async () => {
    await advanceBreaks(flow, slots)
    const [open] = await fresh.db.query<{ n: number }>('SELECT COUNT(*) AS n FROM instruction WHERE settled_at IS NULL')
    return open!.n === 0
  })
  await advanceBreaks(flow, slots)
}
const adjustment = async (noticeNo: string, debit: NewDebit, amount: number): Promise<Difference> => {
  const [call] = await fresh.db.query<{ entrustDate: string; serialNo: string }>(
    'SELECT entrust_date AS entrustDate, serial_no AS serialNo FROM bank_call WHERE subject = ?',
    [noticeNo],
  )
  return { ...found('bank-only', debit, 0, amount), ...call, verb: 'adjustment', instructionId: undefined }
}

test('a bank day with every kind of break: each has its one remedy, the next sessions confirm them, and the day is balanced', async () => {
  const day = '2026-11-06'
  const over = await debited(day, 10_000)
  const under = await debited(day, 10_000)
  const missing = await debited(day, 10_000)
  const doomed = await debited(day, 10_000)
  const kept = await debited(day, 7_000, 'refused')
  const returned = await debited(day, 7_000, 'refused')
  const odd = await debited(day, 5_000)
  const selfMade = await debited(day, 6_000)
  const unknown: NewDebit = { ...over, ticketNo: '440999999999999999', serialNo: '00099999' }
  const differences = [
    found('amount-differs', over, 10_000, 12_500),
    found('amount-differs', under, 10_000, 6_000),
    found('tax-only', missing, 10_000, 0),
    found('state-differs', doomed, 10_000, 0, { detail: { status: 'failed' } }),
    found('state-differs', kept, 0, 7_000, { detail: { state: 'refused' } }),
    found('state-differs', returned, 0, 7_000, { detail: { state: 'refused' } }),
    found('bank-only', unknown, 0, 9_900, { instructionId: undefined }),
    found('particulars-differ', odd, 5_000, 5_000, { detail: { account: 'differs' } }),
    // The bank debited twice and took one back itself, under a serial of its own.
    found('duplicate-at-bank', selfMade, 6_000, 12_000),
    found('reversed-one-side', selfMade, 0, 6_000, { verb: 'reversal', serialNo: '88800001', instructionId: undefined }),
    found('in-bank', odd, 5_000, 5_000, { detail: { coreStatus: 'missing' }, serialNo: '00000099' }),
  ]
  expect(await session(day, differences)).toBe(false)
  expect(await Promise.all([over, under, missing, doomed, kept, returned, unknown, odd].map(only))).toMatchObject([
    { state: 'chosen', kind: 'over-debited', remedy: 'notice', excess: 2_500 },
    { state: 'chosen', kind: 'under-debited', remedy: 'supplement', excess: -4_000 },
    { state: 'chosen', kind: 'bank-missing', remedy: 'supplement-missing', excess: -10_000 },
    { state: 'chosen', kind: 'bank-missing', remedy: 'supplement-missing' },
    { state: 'chosen', kind: 'bank-only', remedy: 'persons' },
    { state: 'chosen', kind: 'bank-only', remedy: 'persons' },
    { state: 'chosen', kind: 'bank-only', remedy: 'persons', excess: 9_900 },
    { state: 'chosen', kind: 'particulars', remedy: 'investigate' },
  ])
  // What is right as a whole is no break.
  expect(await breaksOf(selfMade)).toEqual([])
  // The bank is told what the session found.
  expect((await store.bankCalls.told(bankCode, 'differenceReport', '2026-11-06/1'))?.attemptNo).toBe(0)
  // Until the end of the next working day.
  expect((await only(over)).deadline.toISOString()).toBe('2026-11-11T16:00:00.000Z')

  // By a notice of the county.
  const { noticeNo } = (await issueNotice(flow, (await only(over)).id, zhang)) as { noticeNo: string }
  expect(noticeNo).toBe('14301020000261110001')
  expect(await issueNotice(flow, (await only(over)).id, zhang)).toEqual({ kind: 'repeated', noticeNo })
  expect(await issueNotice(flow, (await only(under)).id, zhang)).toEqual({ kind: 'unfit' })
  await callBanks(flow)
  const notice = { noticeNo, amount: 2_500, accountingDate: '2026-11-10', bankSerial: 'TZ1' } as never
  expect(await heardAdjustment(flow, bankCode, { ...(notice as object), amount: 2_400 } as never, clock())).toMatchObject({ code: '93004' })
  expect(await heardAdjustment(flow, '4306', notice, clock())).toMatchObject({ code: '94054' })
  expect(await heardAdjustment(flow, bankCode, notice, clock())).toMatchObject({ code: '90000' })
  expect(await heardAdjustment(flow, bankCode, notice, clock())).toMatchObject({ code: '90000' })
  expect(await store.notices.findNotice(noticeNo)).toMatchObject({
    dueOn: '2026-11-11',
    toldCode: '90000',
    bookedAmount: 2_500,
    cause: 'over-debited',
  })

  // By supplementary debits that an operator starts; one is refused, and its ticket is void.
  const start = (debit: NewDebit) =>
    only(debit).then(({ id }) => supplementBreak(flow, slots, { breakId: id, orderNo: 'a1', items: undefined }, zhang.uri))
  expect(await start(under)).toMatchObject({ kind: 'ordered', verdict: { kind: 'accepted' } })
  // What the file lacks and the bank has all the same, under its next day perhaps, is not debited a second time.
  says = { inquiry: '90000' }
  expect(await start(missing)).toEqual({ kind: 'at-the-bank' })
  says = { inquiry: '94999' }
  expect(await start(missing)).toEqual({ kind: 'unclear' })
  expect(await only(missing)).toMatchObject({ state: 'chosen' })
  says = {}
  expect(await start(missing)).toMatchObject({ kind: 'ordered', verdict: { kind: 'accepted' } })
  await advanced()
  expect(await start(under)).toMatchObject({ kind: 'ordered', verdict: { kind: 'repeated' } })
  says = { supplementaryDebit: '24003' }
  expect(await start(doomed)).toMatchObject({ kind: 'ordered' })
  await advanced()
  says = {}
  expect(await Promise.all([over, under, missing, doomed].map(only))).toMatchObject([
    { state: 'remedied' },
    { state: 'remedied' },
    { state: 'remedied' },
    { state: 'void' },
  ])

  // By two persons.
  const settled = async (debit: NewDebit, decision: 'adopt' | 'return') => {
    const { id } = await only(debit)
    const proposal = {
      kind: 'settle-break',
      subject: `break/${id}`,
      about: undefined,
      officeCode: '14301020000',
      orderNo: `P-${id}`,
      content: { breakId: id, decision },
      evidence: '银行回单',
      hash: 'ab'.repeat(32),
      proposedBy: zhang.uri,
      proposedAt: clock(),
      expiresAt: new Date(at + 3_600_000),
    }
    const made = (await store.proposals.propose(proposal, () => proposal.subject)) as { proposal: { id: number } }
    return store.proposals.decide(made.proposal.id, {
      act: { event: 'approve', by: 'urn:taxlink:operator:li', hash: proposal.hash },
      now: clock(),
      reason: undefined,
      told: () => proposal.subject,
      judge: () => ({ kind: 'moves', to: 'approved' }),
      apply: deeds => deeds.settleBreak(id, decision, flow.printKey()),
    })
  }
  expect(await settled(unknown, 'adopt')).toMatchObject({ kind: 'objected', objection: { rule: 'ticket-unknown' } })
  expect(await settled(kept, 'adopt')).toMatchObject({ kind: 'decided' })
  expect(await settled(returned, 'return')).toMatchObject({ kind: 'decided' })
  expect(await only(kept)).toMatchObject({ state: 'remedied' })
  expect(await only(returned)).toMatchObject({ state: 'chosen', remedy: 'notice' })
  await store.breakLife.stepBreak((await only(unknown)).id, 'choose', 'returned', { remedy: 'notice' }, { now: clock(), actor: 'test' })
  const sent = await Promise.all(
    [returned, unknown].map(async debit => (await issueNotice(flow, (await only(debit)).id, zhang)) as { noticeNo: string }),
  )
  await callBanks(flow)

  // The next day's session shows what was remedied; one of the two that go back the bank tells only by its file.
  at += 86_400_000
  await store.breakLife.stepBreak(
    (await only(odd)).id,
    'choose',
    'looked at',
    { remedy: 'investigate' },
    { now: clock(), actor: zhang.uri },
  )
  const next = [await adjustment(sent[0]!.noticeNo, returned, 7_000), await adjustment(sent[1]!.noticeNo, unknown, 9_900)]
  await session('2026-11-10', next)
  const states = await Promise.all([over, under, missing, doomed, kept, returned, unknown, odd].map(only))
  expect(states.map(({ state }) => state)).toEqual(Array.from({ length: 8 }, () => 'confirmed'))
  expect(await store.notices.findNotice(sent[0]!.noticeNo)).toMatchObject({ bookedFrom: 'file', cause: 'bank-only' })
  expect(await stateOfDay('2026-11-10')).toBe('balanced')
  // And the day before is balanced, without another file.
  expect(await stateOfDay(day)).toBe('balanced')
  // Our books hold what we know to have moved: the debit as the record has it, and its remedy. What the bank had less stands in the finding.
  const net = await fresh.db.query<{ ticketNo: string; net: number }>(
    `SELECT ticket_no AS ticketNo, CAST(SUM(IF(verb IN ('reversal', 'adjustment'), -amount, amount)) AS SIGNED) AS net FROM booking GROUP BY ticket_no`,
  )
  expect(Object.fromEntries(net.map(row => [row.ticketNo, row.net]))).toMatchObject({
    [under.ticketNo]: 14_000,
    [kept.ticketNo]: 7_000,
  })
})

test('before the bank’s day-end an excess is reversed by itself; what the bank refuses then goes by a notice', async () => {
  const day = dayOf()
  const [twice, stubborn] = [await debited(day, 3_000), await debited(day, 3_000)]
  await session(day, [found('duplicate-at-bank', twice, 3_000, 6_000, { bankEntries: 2 })], beforeRemittance)
  expect(await only(twice)).toMatchObject({ state: 'chosen', remedy: 'reverse', excess: 3_000 })
  await advanced()
  expect(await only(twice)).toMatchObject({ state: 'remedied' })
  says = { reversal: '24003' }
  await session(
    day,
    [found('duplicate-at-bank', twice, 3_000, 6_000), found('duplicate-at-bank', stubborn, 3_000, 6_000)],
    beforeRemittance,
  )
  // The same session's second look: its reversal is booked, and the day shows it.
  expect(await only(twice)).toMatchObject({ state: 'confirmed' })
  await advanced()
  says = {}
  expect(await only(stubborn)).toMatchObject({ state: 'chosen', remedy: 'notice' })
  expect(notes.some(({ event, detail }) => event === 'trouble' && /the remedy of break \d+ was refused/.test(detail ?? ''))).toBe(true)
  expect(await stateOfDay(day)).toBe('differing')
})

test('a session of a day that has ended at the bank asks for no reversal, though no instruction has told of it and our clock says otherwise', async () => {
  const day = dayOf()
  const over = await debited(day, 3_000)
  await session(day, [found('amount-differs', over, 3_000, 3_500)])
  expect(await only(over)).toMatchObject({ state: 'chosen', remedy: 'notice', excess: 500 })
})

test('a later session that finds other amounts puts another break in its place; that finds none, and all is right, takes it away', async () => {
  const day = '2026-11-05'
  const [changed, gone] = [await debited(day, 8_000), await debited(day, 8_000)]
  await session(day, [found('amount-differs', changed, 8_000, 9_000), found('tax-only', gone, 8_000, 0)])
  await session(day, [found('amount-differs', changed, 8_000, 9_500)])
  expect(await breaksOf(changed)).toMatchObject([
    { state: 'superseded', excess: 1_000 },
    { state: 'chosen', excess: 1_500 },
  ])
  expect(await only(gone)).toMatchObject({ state: 'superseded' })
  const ticket = await store.ticket(gone.ticketNo)
  expect(ticket!.breaks).toEqual([])
})

test('of the last filing day: as soon as the last break is remedied a second session is opened, and the day’s own comes all the same', async () => {
  at = Date.parse('2026-12-11T09:00:00+08:00')
  const late = await debited('2026-12-10', 10_000)
  await session('2026-12-10', [found('amount-differs', late, 10_000, 9_000)])
  const { id, deadline } = await only(late)
  expect(deadline.toISOString()).toBe('2026-12-11T08:00:00.000Z')
  const opened = () => store.reconciliations.list({ bankCode, accountingDate: '2026-12-11' }, undefined, 9)
  await advanced()
  expect(await opened()).toEqual([])
  at += 60_000
  await supplementBreak(flow, slots, { breakId: id, orderNo: 's1', items: undefined }, zhang.uri)
  await advanced()
  await advanced()
  expect(await opened()).toMatchObject([{ kind: 'day-end', workDate: '2026-12-11', state: 'opened' }])
  const calendar = {
    bankCode,
    accountingDate: '2026-12-11',
    workDate: '2026-12-12',
    kind: 'day-end',
    openedBy: 'w',
    reason: 'by the calendar',
  } as const
  expect(await store.reconciliations.open({ ...calendar, now: clock(), once: true })).toBeDefined()
  expect(await store.reconciliations.open({ ...calendar, now: clock(), once: true })).toBeUndefined()
  await fresh.db.execute("UPDATE reconciliation SET next_at = NULL WHERE accounting_date = '2026-12-11'")
})

test('over its deadline a break comes before the city, and a day later before the province', async () => {
  const late = await debited('2026-11-04', 1_000)
  await session('2026-11-04', [found('amount-differs', late, 1_000, 1_100)])
  const { deadline } = await only(late)
  const level = async () => {
    await advanceBreaks(flow, slots)
    return (await only(late)).level
  }
  expect(await level()).toBe('county')
  at = deadline.getTime()
  expect(await level()).toBe('city')
  at += 86_400_000
  expect(await level()).toBe('province')
  const steps = await fresh.db.query<{ event: string }>('SELECT event FROM break_step WHERE break_id = ? ORDER BY seq', [
    (await only(late)).id,
  ])
  expect(steps.map(({ event }) => event)).toEqual(['choose', 'escalate', 'escalate'])
})

test('plain SQL neither skips a step, nor changes what was found, nor takes anything away', async () => {
  const refused = (sql: string) => expect(fresh.db.execute(sql), sql).rejects.toThrow()
  const [row] = await fresh.db.query<{ id: number }>("SELECT id FROM break WHERE state = 'chosen' LIMIT 1")
  await refused(`UPDATE break SET state = 'confirmed', confirmed_at = NOW(), confirmed_by = 'x' WHERE id = ${row!.id}`)
  await refused(`UPDATE break SET bank_amount = 1 WHERE id = ${row!.id}`)
  await refused(`INSERT INTO break_step VALUES (${row!.id}, 9, NOW(), 'confirm', 'chosen', 'confirmed', 'x', 'x')`)
  await refused(`INSERT INTO break_step VALUES (${row!.id}, 2, NOW(), 'remedy', 'chosen', 'remedied', 'x', 'x')`)
  await refused("UPDATE break_step SET reason = 'x'")
  await refused('DELETE FROM break_step')
  await refused('UPDATE adjustment_notice SET amount = 1')
  await refused('UPDATE adjustment_notice SET booked_serial = NULL WHERE booked_at IS NOT NULL')
  await refused('DELETE FROM adjustment_notice')
  await refused('UPDATE adoption SET amount = 1')
  await refused(`INSERT INTO adoption VALUES (${row!.id}, 1, '440000000000000001', '4301', '2026-11-09', 1, NOW())`)
})

test('of many tickets the record is asked some times for all of them, not some times for each', async () => {
  const day = '2026-12-08'
  const known = await debited(day, 4_000)
  const strangers = Array.from({ length: 250 }, (_, i) => ({ ...known, ticketNo: `4409999${String(i).padStart(11, '0')}` }))
  const serialOf = (i: number) => String(70_000_000 + i)
  const differences = strangers.map((debit, i) =>
    found('bank-only', debit, 0, 100 + i, { serialNo: serialOf(i), instructionId: undefined }),
  )
  await book(flow)
  const counting = countedDatabase(fresh.db)
  const own = openStore(counting.db)
  const held = await matchedSession(own, { bankCode, accountingDate: day, workDate: dayOf(), now: clock() }, differences)
  const before = counting.statements()
  expect(await settleSession({ ...flow, store: own }, held.session)).toBe(false)
  expect(counting.statements() - before).toBeLessThan(100)
  await endSession(own, held, false, clock())
  const breaks = await fresh.db.query<{ state: string; remedy: string; excess: number; steps: number; linked: number }>(
    `SELECT b.state, b.remedy, b.excess, (SELECT COUNT(*) FROM break_step s WHERE s.break_id = b.id) AS steps,
       (SELECT COUNT(*) FROM difference d WHERE d.break_id = b.id AND d.serial_no = b.serial_no AND d.ticket_no = b.ticket_no) AS linked
     FROM break b WHERE b.accounting_date = ? AND b.found_type = 'bank-only' ORDER BY b.excess`,
    [day],
  )
  expect(breaks).toEqual(strangers.map((_, i) => ({ state: 'chosen', remedy: 'persons', excess: 100 + i, steps: 1, linked: 1 })))
})
