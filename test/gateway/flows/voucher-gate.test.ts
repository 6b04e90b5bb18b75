import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { beforeRemittance } from '../../../gateway/domain/session.ts'
import type { Flow, Note } from '../../../gateway/flows/flow.ts'
import { hearBank } from '../../../gateway/flows/hear.ts'
import { alarmOfWaiting, closeFees, releaseVouchers } from '../../../gateway/flows/vouchers.ts'
import { writeOffDue } from '../../../gateway/flows/write-off.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { lockTicket } from '../../../gateway/store/tickets.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { day, emptyDay, noonOf, office, paid, receive, session, treasury } from '../day-end.ts'
import { sampleReference, until } from '../stage.ts'
import { claimed, further, orderOf, refusal, settlementOf } from '../store/kit.ts'

// What stands between a write-off and the treasury, and what may not be undone by the way (art. 21, 35(5), 37), over a real record.

let fresh: FreshDatabase
let store: Store
let now = noonOf(day)
let notes: Note[] = []
const reference = sampleReference()
const flow: Flow = {
  clock: () => now,
  random: () => 0.5,
  pause: () => Promise.resolve(),
  store: undefined as never,
  call: () => Promise.reject(new Error('no bank is called here')),
  isTimely: () => true,
  heldUntil: () => undefined,
  accountingDate: () => undefined,
  reference: () => reference,
  owner: 'one',
  leaseMs: 500,
  printKey: () => ({ k0: 1, k1: 2 }),
  note: note => void notes.push(note),
  settled: () => {},
}
const at = (time: string, date = day) => new Date(`${date}T${time}+08:00`)
const by = () => ({ now, actor: 'test' })
const amounts = async () => (await store.vouchers.list({}, 0, 100)).map(v => v.amount)
const debitOf = async (ticketNo: string) =>
  (await fresh.db.query<{ id: number }>("SELECT id FROM instruction WHERE ticket_no = ? AND verb = 'debit'", [ticketNo]))[0]!.id
const tomorrow = '2026-11-11'
let serial = 0
const key = () => ({ officeCode: office, entrustDate: day, serialNo: String(++serial).padStart(8, '0') })

beforeAll(async () => {
  fresh = await freshDatabase()
  store = openStore(fresh.db)
  Object.assign(flow, { store })
})
afterAll(() => fresh.drop())
beforeEach(async () => {
  await emptyDay(fresh.db)
  now = noonOf(day)
  notes = []
})

/** A break that the first session of the day has found of a ticket, as it is chosen. */
const found = async (ticketNo: string, date = day): Promise<number> => {
  const { insertId } = await fresh.db.execute(
    `INSERT INTO break (at, ticket_no, instruction_id, kind, source, tax_amount, bank_amount, reason, bank_code, office_code, accounting_date, session,
       subject, excess, remedy) VALUES (?, ?, ?, 'under-debited', 'file', 5, 3, 'test', '4301', ?, ?, 1, 'x', -2, 'supplement')`,
    ['2026-11-10 01:00:00.000', ticketNo, await debitOf(ticketNo), office, date],
  )
  await store.breakLife.stepBreak(insertId, 'choose', 'test', {}, by())
  return insertId
}
const late = async (ticketNo: string) =>
  store.declareBreak({
    ...{ ticketNo, instructionId: await debitOf(ticketNo), kind: 'over-debited', source: 'late-answer', taxAmount: 5, bankAmount: 9 },
    ...{ at: now, actor: 'test', reason: 'test' },
  })

describe('the last filing day (35(5))', () => {
  test('is remitted as soon as the session of another bank day has confirmed what was put right, and not before', async () => {
    const ticketNo = await paid(store, { amount: 5 })
    await paid(store, { amount: 6 })
    await session(fresh.db, store, { state: 'differing' })
    const id = await found(ticketNo)
    await fresh.db.execute("UPDATE reconciliation SET state = 'balanced'")
    expect(await writeOffDue(flow)).toBe(0)
    expect(await amounts()).toEqual([])
    await store.breakLife.stepBreak(id, 'confirm', 'test', { confirmedBy: `${tomorrow}/1` }, by())
    now = at('12:02:00')
    expect(await writeOffDue(flow)).toBe(1)
    expect(await amounts()).toEqual([11])
  })
  test('what the same session has found and confirmed is not confirmed', async () => {
    const ticketNo = await paid(store, { amount: 5 })
    await session(fresh.db, store)
    await store.breakLife.stepBreak(await found(ticketNo), 'confirm', 'test', { confirmedBy: `${day}/1` }, by())
    expect(await writeOffDue(flow)).toBe(0)
    expect(notes).toMatchObject([{ detail: expect.stringContaining('after its second session') }])
  })
  test('a difference within the bank is no break and holds up nothing', async () => {
    const ticketNo = await paid(store, { amount: 5 })
    await session(fresh.db, store, { state: 'taken' })
    await fresh.db.execute(
      `INSERT INTO difference (bank_code, accounting_date, session, ordinal, type, office_code, entrust_date, serial_no, verb, ticket_no, tax_amount,
         bank_amount, bank_entries, detail) VALUES ('4301', '${day}', 1, 1, 'in-bank', ?, '${day}', '00000001', 'debit', ?, 5, 5, 1, '{}')`,
      [office, ticketNo],
    )
    await fresh.db.execute("UPDATE reconciliation SET state = 'balanced', matched_at = opened_at, done_at = opened_at")
    expect(await writeOffDue(flow)).toBe(1)
    expect(await amounts()).toEqual([5])
  })
  test('what was put right on the next day is remitted with the rest, whatever else is found of that day, which goes on', async () => {
    const ticketNo = await paid(store, { amount: 5 })
    await paid(store, { amount: 6 })
    await session(fresh.db, store, { state: 'taken' })
    await fresh.db.execute(
      `INSERT INTO difference (bank_code, accounting_date, session, ordinal, type, office_code, entrust_date, serial_no, verb, ticket_no, tax_amount,
         bank_amount, bank_entries, detail) VALUES ('4301', '${day}', 1, 1, 'tax-only', ?, '${day}', '00000001', 'debit', ?, 5, 0, 0, '{}')`,
      [office, ticketNo],
    )
    await fresh.db.execute("UPDATE reconciliation SET state = 'balanced', matched_at = opened_at, done_at = opened_at")
    await store.breakLife.stepBreak(await found(ticketNo), 'confirm', 'test', { confirmedBy: `${tomorrow}/1` }, by())
    // Its supplementary debit is booked on the next day, of which something else is still open.
    await fresh.db.execute(
      `INSERT INTO booking (bank_code, accounting_date, bucket, office_code, entrust_date, serial_no, verb, ticket_no, work_date, treasury_code, amount,
         account_digest, source, dated_by, seq)
       VALUES ('4301', '${tomorrow}', 1, ?, '${tomorrow}', '00000009', 'supplementaryDebit', ?, '${tomorrow}', ?, 5, REPEAT('a', 8), 'adoption', 'bank', 1)`,
      [office, ticketNo, treasury],
    )
    await session(fresh.db, store, { date: tomorrow, state: 'differing', reason: beforeRemittance })
    now = at('15:30:00', tomorrow)
    expect(await writeOffDue(flow)).toBe(1)
    expect(await amounts()).toEqual([11])
  })
  test('the session that is held for it on the next day writes nothing off of that day, which goes on', async () => {
    await paid(store, { amount: 5 })
    await session(fresh.db, store, { reason: beforeRemittance })
    expect(await writeOffDue(flow)).toBe(0)
    await session(fresh.db, store, { number: 2 })
    expect(await writeOffDue(flow)).toBe(1)
  })
})

describe('nothing comes between', () => {
  const batch = async () => {
    const [due] = await store.writeOffs.dueDays(day, now)
    const lease = { now, leaseUntil: at('12:01:00') }
    const begun = (await store.writeOffs.begin(due!, 'dead', day, lease))!
    await store.writeOffs.writeOff(begun, 0, 100, () => ({ objection: undefined, fee: 0 }), lease)
    return { begun, lease }
  }
  const voucherOf = async (begun: Awaited<ReturnType<typeof batch>>['begun']) => {
    const [draft] = [await store.vouchers.groupRows(begun, { officeCode: office, treasuryCode: treasury })]
    return {
      draft: { ...draft[0]!, amount: draft.reduce((sum, row) => sum + row.amount, 0), ticketNos: draft.map(row => row.ticketNo) },
      destination: {
        treasury: reference.treasuries.get(treasury)!,
        remittance: [...reference.remittance.values()].flat().find(line => line.bankCode === '4301')!,
      },
      ...{ numberedOn: day, workDate: day, deadline: at('16:00:00') },
    }
  }
  const balanced = ({ isBalanced }: { isBalanced: boolean }) => isBalanced

  test('a session that is opened after the tickets of a voucher were read: it is not made', async () => {
    await paid(store, { amount: 5 })
    await session(fresh.db, store)
    const { begun, lease } = await batch()
    const voucher = await voucherOf(begun)
    await session(fresh.db, store, { number: 2, state: 'opened' })
    expect(await store.vouchers.make(begun, voucher, balanced, lease)).toBeUndefined()
    expect(await amounts()).toEqual([])
    // Nor by whoever does not ask.
    await expect(store.vouchers.make(begun, voucher, () => true, lease)).rejects.toThrow('no voucher before its day is balanced')
    await fresh.db.execute("UPDATE reconciliation SET state = 'balanced' WHERE session = 2")
    expect(await store.vouchers.make(begun, voucher, balanced, lease)).toMatch(/^261110/)
  })
  test('a break that is found after they were read: neither, and by SQL neither', async () => {
    const ticketNo = await paid(store, { amount: 5 })
    await session(fresh.db, store)
    const { begun, lease } = await batch()
    const voucher = await voucherOf(begun)
    await late(ticketNo)
    expect(await store.vouchers.make(begun, voucher, balanced, lease)).toBeUndefined()
    await fresh.db.execute("INSERT INTO summary_voucher_line (ticket_no, summary_no, amount) VALUES (?, '1', 5)", [ticketNo])
    const bySql = fresh.db.execute(
      `INSERT INTO summary_voucher (summary_no, office_code, numbered_on, number, treasury_code, clearing_no, bank_code, lead_branch, account,
         accounting_date, work_date, tickets, amount, deadline, made_at)
       VALUES ('1', ?, '${day}', 1, ?, '1', '4301', 'x', '1', '${day}', '${day}', 1, 5, NOW(3) + INTERVAL 1 HOUR, NOW(3))`,
      [office, treasury],
    )
    await expect(bySql).rejects.toThrow('while a break of its tickets is open')
  })
  test('what was written off and has a break since is held back, and vouchered when that is over', async () => {
    const ticketNo = await paid(store, { amount: 5 })
    await paid(store, { amount: 6 })
    await session(fresh.db, store)
    await batch()
    await late(ticketNo)
    now = at('12:01:00')
    expect(await writeOffDue(flow)).toBe(1)
    expect(await amounts()).toEqual([6])
    expect(await store.writeOffs.batches(day)).toMatchObject([{ heldBack: 1 }])
    await fresh.db.execute('UPDATE break SET closed_at = ?, closed_by = 1', ['2026-11-10 08:00:00.000'])
    now = noonOf(tomorrow)
    expect(await writeOffDue(flow)).toBe(1)
    expect(await amounts()).toEqual([6, 5])
  })
  test('a treasury that nothing can be remitted to does not keep the others waiting', async () => {
    await paid(store, { amount: 5, treasuryCode: '00000001' })
    await paid(store, { amount: 6 })
    await session(fresh.db, store)
    expect(await writeOffDue(flow)).toBe(0)
    expect(await amounts()).toEqual([6])
    expect(notes).toMatchObject([{ event: 'trouble', detail: expect.stringContaining('treasury 00000001') }])
  })
  test('a reversal that is being ordered is seen, and what was written off is known to whoever orders one', async () => {
    const ticketNo = await paid(store, { amount: 5 })
    await session(fresh.db, store)
    const debit = { ticketNo, bankCode: '4301', instructionId: await debitOf(ticketNo) } as never
    const reversal = await further(store, debit, 'reversal', 5, 'tax-side')
    let batched: Promise<number> | undefined
    await fresh.db.transaction(async tx => {
      expect(await lockTicket(tx, ticketNo)).toMatchObject({ isWrittenOff: false })
      batched = writeOffDue(flow)
      await until('the batch waits for the ticket, or is done with it', async () => {
        const waiting = await fresh.db.query(
          `SELECT 1 FROM information_schema.processlist WHERE db = DATABASE() AND id <> CONNECTION_ID()
             AND info LIKE '%FROM ticket %FOR UPDATE'`,
        )
        return waiting.length > 0 || (await store.writeOffs.batches(day)).some(b => b.doneAt)
      })
      await tx.execute(
        `INSERT INTO instruction (id, verb, ticket_no, office_code, entrust_date, serial_no, bank_code, amount, request, original_id, reason, state,
           next_attempt_at, accepted_at) VALUES (?, 'reversal', ?, ?, ?, ?, '4301', 5, '{}', ?, 'tax-side', 'accepted', ?, ?)`,
        [
          reversal.id,
          ticketNo,
          office,
          day,
          reversal.serialNo,
          await debitOf(ticketNo),
          '2026-11-10 04:00:00.000',
          '2026-11-10 04:00:00.000',
        ],
      )
    })
    expect(await batched).toBe(1)
    expect(await store.writeOffs.batches(day)).toMatchObject([{ tickets: 0, heldBack: 1 }])
    const other = await paid(store, { amount: 6 })
    await session(fresh.db, store, { number: 2 })
    now = at('12:05:00')
    await writeOffDue(flow)
    let seen: boolean | undefined
    const second = { ticketNo: other, bankCode: '4301', instructionId: await debitOf(other) } as never
    await store.order(orderOf(await further(store, second, 'reversal', 6, 'tax-side')), ticket => {
      seen = ticket.isWrittenOff
      return { kind: 'refuse', rule: 'written-off', code: '34001', zh: '', en: '' }
    })
    expect(seen).toBe(true)
  })
  test('a supplementary debit that fails does not void what was written off', async () => {
    const ticketNo = await paid(store, { amount: 10_000 })
    await session(fresh.db, store)
    await writeOffDue(flow)
    const debit = { ticketNo, bankCode: '4301', instructionId: await debitOf(ticketNo) } as never
    const more = await further(store, debit, 'supplementaryDebit', 10_000, 'bank-missing')
    await store.order(orderOf(more), () => ({ kind: 'send' }))
    await claimed(store, more.id)
    expect(await store.settle(settlementOf({ id: more.id, ticketNo, verb: 'supplementaryDebit' }, refusal))).toBe(true)
    expect((await store.ticketLives.life(ticketNo))!.state).toBe('vouchered')
  })
})

test('of days that are over and came to no voucher somebody is told, as the hour comes near', async () => {
  await paid(store, { amount: 5 })
  await session(fresh.db, store, { state: 'differing' })
  const told = new Set<string>()
  const alarms = async (time: string, date = tomorrow) => {
    now = at(time, date)
    return alarmOfWaiting(flow, told)
  }
  expect(await alarms('16:00:00', day)).toBe(0)
  expect(await alarms('14:59:59')).toBe(0)
  expect(await alarms('15:00:00')).toBe(1)
  expect(await alarms('15:10:00')).toBe(0)
  expect(await alarms('15:30:00')).toBe(1)
  expect(notes).toMatchObject([
    { event: 'deadline', bankCode: '4301', detail: `no voucher of ${day} yet, its day is differing: due-soon, due at 16:00` },
    { event: 'deadline' },
  ])
  await fresh.db.execute("UPDATE reconciliation SET state = 'balanced'")
  await writeOffDue(flow)
  expect(await alarms('16:00:00')).toBe(0)
  expect(await alarms('16:00:00', '2026-11-14')).toBe(0)
  // Of a year without a calendar it does not fail, and keep fees and payment vouchers waiting that come after it.
  expect(await alarms('16:00:00', '2031-01-06')).toBe(0)
})

describe('what banks say', () => {
  test('of another bank’s voucher a bank learns nothing, and it stays clean', async () => {
    await paid(store, { amount: 5 })
    await session(fresh.db, store)
    await writeOffDue(flow)
    const { summaryNo } = (await store.vouchers.list({}, 0, 1))[0]!
    for (const verb of ['remitConfirmation', 'treasuryReceipt'] as const)
      expect((await hearBank(flow, '4306', verb, { ...key(), summaryNo, amount: 5 } as never)).code).toBe('94054')
    expect(await store.vouchers.happenings(summaryNo)).toEqual([])
  })
  test('who names no day says the same the day after', async () => {
    await paid(store, { amount: 5 })
    await session(fresh.db, store)
    await writeOffDue(flow)
    const { summaryNo } = (await store.vouchers.list({}, 0, 1))[0]!
    const say = (amount: number) => hearBank(flow, '4301', 'treasuryReceipt', { ...key(), summaryNo, amount } as never)
    expect((await say(5)).code).toBe('90000')
    now = noonOf(tomorrow)
    expect([(await say(5)).code, (await say(6)).code]).toEqual(['90000', '93004'])
    expect(await store.vouchers.find(summaryNo)).toMatchObject({ enteredOn: day, differences: 1 })
  })
})

describe('papers', () => {
  const receivedOne = async () => {
    const ticketNo = await paid(store, { amount: 5 })
    await session(fresh.db, store)
    await writeOffDue(flow)
    await receive(store, (await store.ticketLives.life(ticketNo))!.summaryNo!, now)
    return ticketNo
  }
  const issue = (ticketNo: string) =>
    store.ticketLives.issue({ ticketNo, certificateNo: 'C1', lostNo: undefined, day, treasuryName: () => '支库' }, by())
  test('no exchange before the bank can have printed, and no print after the exchange', async () => {
    const ticketNo = await receivedOne()
    expect(await issue(ticketNo)).toMatchObject({ objection: { rule: 'no-payment-voucher' } })
    expect(await store.paymentVouchers.resend(ticketNo, by(), day)).toMatchObject({ rule: 'not-released' })
    now = noonOf('2026-11-12')
    await releaseVouchers(flow)
    expect(await store.paymentVouchers.resend(ticketNo, by(), day)).toBeUndefined()
    expect(await fresh.db.query("SELECT 1 FROM audit WHERE action = 'reprint' AND subject = ?", [`ticket/${ticketNo}`])).toHaveLength(1)
    expect(await issue(ticketNo)).toMatchObject({ kind: 'issued' })
    expect(await store.paymentVouchers.resend(ticketNo, by(), day)).toMatchObject({ rule: 'exchanged-before' })
  })
})

describe('fees at the edge of a month (art. 42)', () => {
  test('a month is stated when what was on its way at midnight is in the record; one that nobody stated is stated later', async () => {
    await paid(store, { amount: 5, channel: 'phone', fixedQuota: true })
    await session(fresh.db, store)
    now = at('23:59:59.999', '2026-11-30')
    await writeOffDue(flow)
    expect((await store.fees.month('2026-11')).map(s => s.tickets)).toEqual([1])
    now = at('00:00:00', '2026-12-01')
    expect(await closeFees(flow)).toBe(0)
    now = at('00:09:59.999', '2026-12-01')
    expect(await closeFees(flow)).toBe(0)
    now = at('09:00:00', '2027-02-03')
    expect(await closeFees(flow)).toBe(1)
    expect(await closeFees(flow)).toBe(0)
    expect(await store.fees.month('2026-11')).toMatchObject([{ tickets: 1, amount: 100, at: now }])
  })
})
