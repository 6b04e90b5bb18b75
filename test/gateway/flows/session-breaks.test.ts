import { afterAll, beforeAll, expect, test } from 'vitest'
import { beforeRemittance } from '../../../gateway/domain/session.ts'
import { shanghaiTime } from '../../../gateway/domain/time.ts'
import { acceptDebit } from '../../../gateway/flows/accept.ts'
import { heardAdjustment, issueNotice } from '../../../gateway/flows/adjustments.ts'
import { callBanks } from '../../../gateway/flows/bank-calls.ts'
import { book } from '../../../gateway/flows/book.ts'
import { advanceBreaks, supplementBreak } from '../../../gateway/flows/break-remedies.ts'
import { orderFor } from '../../../gateway/flows/further.ts'
import { reverse } from '../../../gateway/flows/reverse.ts'
import { openSecondSessions, settleSession } from '../../../gateway/flows/session-breaks.ts'
import { stop } from '../../../gateway/flows/stop.ts'
import { supplement } from '../../../gateway/flows/supplement.ts'
import { debitJson, feedJson } from '../../../gateway/http/shapes.ts'
import type { NewDebit } from '../../../gateway/store/debits.ts'
import { openStore } from '../../../gateway/store/store.ts'
import { type BreakKit, bankCode, openBreakKit, zhang } from '../break-kit.ts'
import { countedDatabase } from '../counted.ts'
import { endSession, matchedSession } from '../matched.ts'
import { orderOf, until } from '../stage.ts'
import { taxSystem } from '../store/kit.ts'

// Article 35 over a real record: differences become breaks, each goes its one way, and only a later session ends it.

let kit: BreakKit
beforeAll(async () => {
  kit = await openBreakKit('2026-11-10T10:00:00+08:00')
})
afterAll(() => kit.fresh.drop())

test('a bank day with every kind of break: each has its one remedy, the next sessions confirm them, and the day is balanced', async () => {
  const day = '2026-11-06'
  const over = await kit.debited(day, 10_000)
  const under = await kit.debited(day, 10_000)
  const missing = await kit.debited(day, 10_000)
  const doomed = await kit.debited(day, 10_000)
  const kept = await kit.debited(day, 7_000, 'refused')
  const returned = await kit.debited(day, 7_000, 'refused')
  const odd = await kit.debited(day, 5_000)
  const selfMade = await kit.debited(day, 6_000)
  const unknown: NewDebit = { ...over, ticketNo: '440999999999999999', serialNo: '00099999' }
  const differences = [
    kit.found('amount-differs', over, 10_000, 12_500),
    kit.found('amount-differs', under, 10_000, 6_000),
    kit.found('tax-only', missing, 10_000, 0),
    kit.found('state-differs', doomed, 10_000, 0, { detail: { status: 'failed' } }),
    kit.found('state-differs', kept, 0, 7_000, { detail: { state: 'refused' } }),
    kit.found('state-differs', returned, 0, 7_000, { detail: { state: 'refused' } }),
    kit.found('bank-only', unknown, 0, 9_900, { instructionId: undefined }),
    kit.found('particulars-differ', odd, 5_000, 5_000, { detail: { account: 'differs' } }),
    // The bank debited twice and took one back itself, under a serial of its own.
    kit.found('duplicate-at-bank', selfMade, 6_000, 12_000),
    kit.found('reversed-one-side', selfMade, 0, 6_000, { verb: 'reversal', serialNo: '88800001', instructionId: undefined }),
    kit.found('in-bank', odd, 5_000, 5_000, { detail: { coreStatus: 'missing' }, serialNo: '00000099' }),
  ]
  expect(await kit.session(day, differences)).toBe(false)
  expect(await Promise.all([over, under, missing, doomed, kept, returned, unknown, odd].map(kit.theBreak))).toMatchObject([
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
  expect(await kit.breaksOf(selfMade)).toEqual([])
  // The bank is told what the session found.
  expect(await kit.store.bankCalls.told(bankCode, 'differenceReport', '2026-11-06/1')).toMatchObject({ attemptNo: 1, code: '90000' })
  // Until the end of the next working day.
  expect((await kit.theBreak(over)).deadline!.toISOString()).toBe('2026-11-11T16:00:00.000Z')

  // By a notice of the county.
  const { noticeNo } = (await issueNotice(kit.flow, kit.slots, (await kit.theBreak(over)).id, zhang)) as { noticeNo: string }
  expect(noticeNo).toBe('14301020000261110001')
  expect(await issueNotice(kit.flow, kit.slots, (await kit.theBreak(over)).id, zhang)).toEqual({ kind: 'repeated', noticeNo })
  expect(await issueNotice(kit.flow, kit.slots, (await kit.theBreak(under)).id, zhang)).toEqual({ kind: 'unfit' })
  await callBanks(kit.flow)
  const notice = { noticeNo, amount: 2_500, accountingDate: '2026-11-10', bankSerial: 'TZ1' } as never
  expect(await heardAdjustment(kit.flow, bankCode, { ...(notice as object), amount: 2_400 } as never, kit.clock())).toMatchObject({
    code: '93004',
  })
  expect(await heardAdjustment(kit.flow, '4306', notice, kit.clock())).toMatchObject({ code: '94054' })
  expect(await heardAdjustment(kit.flow, bankCode, notice, kit.clock())).toMatchObject({ code: '90000' })
  expect(await heardAdjustment(kit.flow, bankCode, notice, kit.clock())).toMatchObject({ code: '90000' })
  expect(await kit.store.notices.findNotice(noticeNo)).toMatchObject({
    dueOn: '2026-11-11',
    toldCode: '90000',
    bookedAmount: 2_500,
    cause: 'over-debited',
  })

  // By supplementary debits that an operator starts; one is refused, and its ticket is void.
  const start = (debit: NewDebit) =>
    kit.theBreak(debit).then(({ id }) => supplementBreak(kit.flow, kit.slots, { breakId: id, orderNo: 'a1', items: undefined }, zhang.uri))
  expect(await start(under)).toMatchObject({ kind: 'ordered', verdict: { kind: 'accepted' } })
  // What the file lacks and the bank has all the same, under its next day perhaps, is not debited a second time.
  kit.says = { inquiry: '90000' }
  expect(await start(missing)).toEqual({ kind: 'at-the-bank' })
  kit.says = { inquiry: '94999' }
  expect(await start(missing)).toEqual({ kind: 'unclear' })
  expect(await kit.theBreak(missing)).toMatchObject({ state: 'chosen' })
  kit.says = {}
  expect(await start(missing)).toMatchObject({ kind: 'ordered', verdict: { kind: 'accepted' } })
  await kit.advanced()
  expect(await start(under)).toMatchObject({ kind: 'ordered', verdict: { kind: 'repeated' } })
  // The tax system, which the feed tells of it, may give back what an operator had debited, and nobody else may.
  const supplementNo = `break-${(await kit.theBreak(missing)).id}-a1`
  const back = { orderNo: 'back-1', ticketNo: missing.ticketNo, supplementNo, amount: 100, reason: 'tax-side' } as const
  expect(await reverse(kit.flow, kit.slots, 'urn:taxlink:tax-system:another', back)).toEqual({ kind: 'absent' })
  expect(await reverse(kit.flow, kit.slots, taxSystem, { ...back, ticketNo: under.ticketNo })).toEqual({ kind: 'absent' })
  const ofTheGateway = { kind: 'supplementaryDebit', orderNo: supplementNo } as const
  expect(await orderFor(kit.flow, { taxSystem: 'urn:taxlink:tax-system:another', ...ofTheGateway })).toBeUndefined()
  expect(await orderFor(kit.flow, { taxSystem, ...ofTheGateway })).toMatchObject({ state: 'succeeded', orderNo: supplementNo })
  kit.says = { supplementaryDebit: '24003' }
  expect(await start(doomed)).toMatchObject({ kind: 'ordered' })
  await kit.advanced()
  kit.says = {}
  expect(await Promise.all([over, under, missing, doomed].map(kit.theBreak))).toMatchObject([
    { state: 'remedied' },
    { state: 'remedied' },
    { state: 'remedied' },
    { state: 'void' },
  ])

  const paidInMonth = async () =>
    (await kit.store.statistics.month('2026-11-01', '2026-11-30')).reduce(
      (sum, row) => sum + (row.result === 'succeeded' ? row.amount : 0n),
      0n,
    )
  // By two persons.
  const settled = async (debit: NewDebit, decision: 'adopt' | 'return') => {
    const { id } = await kit.theBreak(debit)
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
      proposedAt: kit.clock(),
      expiresAt: new Date(kit.at + 3_600_000),
    }
    const made = (await kit.store.proposals.propose(proposal, () => proposal.subject)) as { proposal: { id: number } }
    return kit.store.proposals.decide(made.proposal.id, {
      act: { event: 'approve', by: 'urn:taxlink:operator:li', hash: proposal.hash },
      now: kit.clock(),
      reason: undefined,
      told: () => proposal.subject,
      judge: () => ({ kind: 'moves', to: 'approved' }),
      apply: deeds => deeds.settleBreak(id, decision, kit.flow.printKey()),
    })
  }
  expect(await settled(unknown, 'adopt')).toMatchObject({ kind: 'objected', objection: { rule: 'ticket-unknown' } })
  const paidBefore = await paidInMonth()
  expect(await settled(kept, 'adopt')).toMatchObject({ kind: 'decided' })
  expect(await settled(returned, 'return')).toMatchObject({ kind: 'decided' })
  expect(await kit.theBreak(kept)).toMatchObject({ state: 'remedied' })
  // The tax system sees that the debit is there after all.
  const seen = await kit.store.find(kept.ticketNo)
  expect([seen?.state, seen?.adoptedAt?.getTime(), debitJson(seen!).adoptedAt]).toEqual(['refused', kit.at, shanghaiTime(kit.clock())])
  // By the feed, too, once, beside the line of its refusal; and nobody tells it that nothing was debited, or to make another ticket.
  const lines = (await kit.store.results(undefined, 0, 1_000)).filter(line => line.ticketNo === kept.ticketNo)
  expect(lines.map(feedJson)).toMatchObject([
    { verb: 'debit', state: 'refused', result: { code: '24003' } },
    { verb: 'adoption', state: 'succeeded', bookedAmount: 7_000, bankSerial: 'S1', accountingDate: day, result: { code: '90000' } },
  ])
  expect(lines[1]).toMatchObject({ seq: (await kit.store.bookings.feedEnd()) as number, settledAt: kit.clock() })
  // In the figures of the month it is paid.
  expect(await paidInMonth()).toBe(paidBefore + 7_000n)
  const further = { orderNo: 'k1', ticketNo: kept.ticketNo }
  const about = { taxSystem, orderNo: 'k1' }
  await reverse(kit.flow, kit.slots, taxSystem, { ...further, amount: 7_000, reason: 'tax-side' })
  expect(await kit.store.findOrder({ ...about, kind: 'reversal' })).toMatchObject({ state: 'refused', outcome: { code: '34001' } })
  const { items } = JSON.parse(kept.request) as { items: [] }
  await supplement(kit.flow, kit.slots, taxSystem, { ...further, amount: 7_000, items, reason: 'under-debited' })
  expect(await kit.store.findOrder({ ...about, kind: 'supplementaryDebit' })).toMatchObject({
    state: 'refused',
    outcome: { code: '24015' },
  })
  await stop(kit.flow, taxSystem, { ...further, reason: 'tax-side' } as never)
  expect(await kit.store.findStop(taxSystem, 'k1')).toMatchObject({ state: 'refused' })
  expect(await kit.theBreak(returned)).toMatchObject({ state: 'chosen', remedy: 'notice' })
  await kit.store.breakLife.stepBreak(
    (await kit.theBreak(unknown)).id,
    'choose',
    'returned',
    { remedy: 'notice' },
    { now: kit.clock(), actor: 'test' },
  )
  const sent = await Promise.all(
    [returned, unknown].map(
      async debit => (await issueNotice(kit.flow, kit.slots, (await kit.theBreak(debit)).id, zhang)) as { noticeNo: string },
    ),
  )
  await callBanks(kit.flow)

  // The next day's session shows what was remedied; one of the two that go back the bank tells only by its file.
  kit.at += 86_400_000
  await kit.store.breakLife.stepBreak(
    (await kit.theBreak(odd)).id,
    ['choose', 'begin', 'remedy'],
    'looked at',
    { remedy: 'explained', closedWith: 'explained' },
    { now: kit.clock(), actor: zhang.uri },
  )
  const next = [await kit.adjustment(sent[0]!.noticeNo, returned, 7_000), await kit.adjustment(sent[1]!.noticeNo, unknown, 9_900)]
  await kit.session('2026-11-10', next)
  const states = await Promise.all([over, under, missing, doomed, kept, returned, unknown, odd].map(kit.theBreak))
  expect(states.map(({ state }) => state)).toEqual(Array.from({ length: 8 }, () => 'confirmed'))
  expect(await kit.store.notices.findNotice(sent[0]!.noticeNo)).toMatchObject({ bookedFrom: 'file', cause: 'bank-only' })
  expect(await kit.stateOfDay('2026-11-10')).toBe('balanced')
  // And the day before is balanced, without another file.
  expect(await kit.stateOfDay(day)).toBe('balanced')
  // Our books hold what we know to have moved: the debit as the record has it, and its remedy. What the bank had less stands in the finding.
  const net = await kit.fresh.db.query<{ ticketNo: string; net: number }>(
    `SELECT ticket_no AS ticketNo, CAST(SUM(IF(verb IN ('reversal', 'adjustment'), -amount, amount)) AS SIGNED) AS net FROM booking GROUP BY ticket_no`,
  )
  expect(Object.fromEntries(net.map(row => [row.ticketNo, row.net]))).toMatchObject({
    [under.ticketNo]: 14_000,
    [kept.ticketNo]: 7_000,
  })
})

test('before the bank’s day-end an excess is reversed by itself; what the bank refuses then goes by a notice', async () => {
  const day = kit.dayOf()
  const [twice, stubborn] = [await kit.debited(day, 3_000), await kit.debited(day, 3_000)]
  await kit.session(day, [kit.found('duplicate-at-bank', twice, 3_000, 6_000, { bankEntries: 2 })], beforeRemittance)
  expect(await kit.theBreak(twice)).toMatchObject({ state: 'chosen', remedy: 'reverse', excess: 3_000 })
  await kit.advanced()
  expect(await kit.theBreak(twice)).toMatchObject({ state: 'remedied' })
  kit.says = { reversal: '24003' }
  await kit.session(
    day,
    [kit.found('duplicate-at-bank', twice, 3_000, 6_000), kit.found('duplicate-at-bank', stubborn, 3_000, 6_000)],
    beforeRemittance,
  )
  // The same session's second look: its reversal is booked, and the day shows it.
  expect(await kit.theBreak(twice)).toMatchObject({ state: 'confirmed' })
  await kit.advanced()
  kit.says = {}
  expect(await kit.theBreak(stubborn)).toMatchObject({ state: 'chosen', remedy: 'notice' })
  expect(kit.notes.some(({ event, detail }) => event === 'trouble' && /the remedy of break \d+ was refused/.test(detail ?? ''))).toBe(true)
  expect(await kit.stateOfDay(day)).toBe('differing')
})

test('a session of a day that has ended at the bank asks for no reversal, though no instruction has told of it and our clock says otherwise', async () => {
  const day = kit.dayOf()
  const over = await kit.debited(day, 3_000)
  await kit.session(day, [kit.found('amount-differs', over, 3_000, 3_500)])
  expect(await kit.theBreak(over)).toMatchObject({ state: 'chosen', remedy: 'notice', excess: 500 })
})

test('a later session that finds other amounts puts another break in its place; that finds none, and all is right, takes it away', async () => {
  const day = '2026-11-05'
  const [changed, gone] = [await kit.debited(day, 8_000), await kit.debited(day, 8_000)]
  await kit.session(day, [kit.found('amount-differs', changed, 8_000, 9_000), kit.found('tax-only', gone, 8_000, 0)])
  await kit.session(day, [kit.found('amount-differs', changed, 8_000, 9_500)])
  expect(await kit.breaksOf(changed)).toMatchObject([
    { state: 'superseded', excess: 1_000 },
    { state: 'chosen', excess: 1_500 },
  ])
  expect(await kit.theBreak(gone)).toMatchObject({ state: 'superseded' })
  const ticket = await kit.store.ticket(gone.ticketNo)
  expect(ticket!.breaks).toEqual([])
})

test('of the last filing day: as soon as the last break is remedied a second session is opened, and the day’s own comes all the same', async () => {
  kit.at = Date.parse('2026-12-11T09:00:00+08:00')
  const late = await kit.debited('2026-12-10', 10_000)
  await kit.session('2026-12-10', [kit.found('amount-differs', late, 10_000, 9_000)])
  const { id, deadline } = await kit.theBreak(late)
  expect(deadline!.toISOString()).toBe('2026-12-11T08:00:00.000Z')
  const opened = () => kit.store.reconciliations.list({ bankCode, accountingDate: '2026-12-11' }, undefined, 9)
  await kit.advanced()
  expect(await opened()).toEqual([])
  // Another of the day itself is asking after its doubts: it will not show what is booked under the next.
  const own = {
    bankCode,
    accountingDate: '2026-12-10',
    workDate: '2026-12-11',
    kind: 'day-end',
    openedBy: 'w',
    reason: 'late words',
  } as const
  expect(await kit.store.reconciliations.open({ ...own, now: kit.clock() })).toBeDefined()
  kit.at += 60_000
  await supplementBreak(kit.flow, kit.slots, { breakId: id, orderNo: 's1', items: undefined }, zhang.uri)
  // Of several workers, whose clocks do not agree, one opens it.
  await until('it is done', async () => {
    for (const { verdict: _, ...held } of await kit.store.breakLife.underWay(9))
      await kit.store.breakLife.stepBreak(held.id, 'remedy', 'done', { closedBy: held.remedyBy! }, { now: kit.clock(), actor: 'w' })
    return (await kit.theBreak(late)).state === 'remedied'
  })
  await book(kit.flow)
  const workers = [0, -30_000, 30_000].map(ahead => ({ ...kit.flow, clock: () => new Date(kit.at + ahead) }))
  for (const flow of workers.slice(1))
    await Promise.all([openSecondSessions(flow), openSecondSessions(flow), openSecondSessions(workers[0]!)])
  expect(await opened()).toMatchObject([{ kind: 'day-end', workDate: '2026-12-11', state: 'opened' }])
  await kit.advanced()
  await kit.advanced()
  expect(await opened()).toHaveLength(1)
  const calendar = {
    bankCode,
    accountingDate: '2026-12-11',
    workDate: '2026-12-12',
    kind: 'day-end',
    openedBy: 'w',
    reason: 'by the calendar',
  } as const
  expect(await kit.store.reconciliations.open({ ...calendar, now: kit.clock(), once: true })).toBeDefined()
  expect(await kit.store.reconciliations.open({ ...calendar, now: kit.clock(), once: true })).toBeUndefined()
  await kit.fresh.db.execute("UPDATE reconciliation SET next_at = NULL WHERE accounting_date >= '2026-12-10'")
})

test('a break whose remedy fails for some reason of its own keeps no other waiting', async () => {
  const day = kit.dayOf()
  const [bad, good] = [await kit.debited(day, 2_000), await kit.debited(day, 2_000)]
  const twice = [bad, good].map(debit => kit.found('duplicate-at-bank', debit, 2_000, 4_000))
  await kit.session(day, twice, beforeRemittance)
  const { store } = kit.flow
  const standing: typeof store.breakLife.standing = (bank, ticketNo) =>
    ticketNo === bad.ticketNo ? Promise.reject(new Error('not this one')) : store.breakLife.standing(bank, ticketNo)
  const flow = { ...kit.flow, store: { ...store, breakLife: { ...store.breakLife, standing } } }
  await until('the other is remedied', async () => {
    await advanceBreaks(flow, kit.slots)
    return (await kit.theBreak(good)).state === 'remedied'
  })
  expect(await kit.theBreak(bad)).toMatchObject({ state: 'chosen', remedy: 'reverse' })
  const { id } = await kit.theBreak(bad)
  expect(kit.notes.some(({ event, detail }) => event === 'trouble' && detail === `break ${id}: Error: not this one`)).toBe(true)
  await kit.advanced()
  expect(await kit.theBreak(bad)).toMatchObject({ state: 'remedied' })
})

test('over its deadline a break comes before the city, and a day later before the province', async () => {
  const late = await kit.debited('2026-11-04', 1_000)
  await kit.session('2026-11-04', [kit.found('amount-differs', late, 1_000, 1_100)])
  const { deadline } = await kit.theBreak(late)
  const level = async () => {
    await advanceBreaks(kit.flow, kit.slots)
    return (await kit.theBreak(late)).level
  }
  expect(await level()).toBe('county')
  kit.at = deadline!.getTime()
  expect(await level()).toBe('city')
  kit.at += 86_400_000
  expect(await level()).toBe('province')
  const steps = await kit.fresh.db.query<{ event: string }>('SELECT event FROM break_step WHERE break_id = ? ORDER BY seq', [
    (await kit.theBreak(late)).id,
  ])
  expect(steps.map(({ event }) => event)).toEqual(['choose', 'escalate', 'escalate'])
})

test('plain SQL neither skips a step, nor changes what was found, nor takes anything away', async () => {
  const refused = (sql: string) => expect(kit.fresh.db.execute(sql), sql).rejects.toThrow()
  const [row] = await kit.fresh.db.query<{ id: number }>("SELECT id FROM break WHERE state = 'chosen' LIMIT 1")
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

test('a day that cannot be is none, though the bank names it: what is to go back after the day has ended goes by a notice', async () => {
  const ticketNo = '440000000000000777'
  const day = kit.dayOf()
  kit.named = '2028-12-11'
  await acceptDebit(kit.flow, kit.slots, taxSystem, orderOf(bankCode, ticketNo, { amount: 5_000 }))
  await until('it is taken', async () => (await kit.store.find(ticketNo))?.state === 'succeeded')
  kit.named = undefined
  const detail = 'the accounting date that the bank named cannot be: 2028-12-11'
  expect(kit.notes).toContainEqual({ event: 'trouble', bankCode, ticketNo, detail })
  kit.at += 86_400_000
  const orderNo = 'of another year'
  await reverse(kit.flow, kit.slots, taxSystem, { orderNo, ticketNo, amount: 1_000, reason: 'tax-side' })
  const ended = { state: 'refused', rule: 'after-day-end', outcome: { code: '38002' } }
  expect(await kit.store.findOrder({ taxSystem, kind: 'reversal', orderNo })).toMatchObject(ended)
  await book(kit.flow)
  const booked = kit.fresh.db.query('SELECT accounting_date AS day, dated_by AS datedBy FROM booking WHERE ticket_no = ?', [ticketNo])
  expect(await booked).toEqual([{ day, datedBy: 'clock' }])
})

test('of many tickets the record is asked some times for all of them, not some times for each', async () => {
  const day = '2026-12-08'
  const known = await kit.debited(day, 4_000)
  const strangers = Array.from({ length: 250 }, (_, i) => ({ ...known, ticketNo: `4409999${String(i).padStart(11, '0')}` }))
  const serialOf = (i: number) => String(70_000_000 + i)
  const differences = strangers.map((debit, i) =>
    kit.found('bank-only', debit, 0, 100 + i, { serialNo: serialOf(i), instructionId: undefined }),
  )
  await book(kit.flow)
  const counting = countedDatabase(kit.fresh.db)
  const own = openStore(counting.db)
  const held = await matchedSession(own, { bankCode, accountingDate: day, workDate: kit.dayOf(), now: kit.clock() }, differences)
  const before = counting.statements()
  expect(await settleSession({ ...kit.flow, store: own }, held.session)).toBe(false)
  expect(counting.statements() - before).toBeLessThan(150)
  // The days that differ still are looked at no longer than the session is ours.
  let isOurs = true
  const differingDays: typeof own.breakLife.differingDays = (...of) => {
    isOurs = false
    return own.breakLife.differingDays(...of)
  }
  const losing = { ...own, breakLife: { ...own.breakLife, differingDays } }
  await expect(settleSession({ ...kit.flow, store: losing }, held.session, async () => isOurs)).rejects.toThrow('somebody else’s')
  await endSession(own, held, false, kit.clock())
  const breaks = await kit.fresh.db.query<{ state: string; remedy: string; excess: number; steps: number; linked: number }>(
    `SELECT b.state, b.remedy, b.excess, (SELECT COUNT(*) FROM break_step s WHERE s.break_id = b.id) AS steps,
       (SELECT COUNT(*) FROM difference d WHERE d.break_id = b.id AND d.serial_no = b.serial_no AND d.ticket_no = b.ticket_no) AS linked
     FROM break b WHERE b.accounting_date = ? AND b.found_type = 'bank-only' ORDER BY b.excess`,
    [day],
  )
  expect(breaks).toEqual(strangers.map((_, i) => ({ state: 'chosen', remedy: 'persons', excess: 100 + i, steps: 1, linked: 1 })))
})
