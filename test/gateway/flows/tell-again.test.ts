import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { heardAdjustment, issueNotice, noticeMakers, tellNoticeAgain } from '../../../gateway/flows/adjustments.ts'
import { callBanks } from '../../../gateway/flows/bank-calls.ts'
import type { NewDebit } from '../../../gateway/store/debits.ts'
import { type BreakKit, bankCode, openBreakKit, zhang } from '../break-kit.ts'

// 再次告知 (art. 35(1)): what a bank has refused is told once more under another key, by the order of a person; nothing is asked for twice.

let kit: BreakKit
beforeAll(async () => {
  kit = await openBreakKit('2026-12-01T10:00:00+08:00')
})
afterAll(() => kit.fresh.drop())
beforeEach(() => {
  kit.says = {}
  kit.at = Date.parse('2026-12-01T10:00:00+08:00')
})

const dayMs = 86_400_000
/** An excess of 300 fen of a day that is over, and the notice that asks for it; the bank has not heard of it. */
const noticed = async (): Promise<{ debit: NewDebit; noticeNo: string; breakId: number }> => {
  const day = '2026-11-30'
  const debit = await kit.debited(day, 3_000)
  await kit.session(day, [kit.found('amount-differs', debit, 3_000, 3_300)])
  const { id: breakId } = await kit.theBreak(debit)
  const { noticeNo } = await issueNotice(kit.flow, kit.slots, breakId, zhang)
  return { debit, noticeNo: noticeNo!, breakId }
}
const again = (of: { noticeNo: string; breakId: number }, reason = '银行已能收') => tellNoticeAgain(kit.flow, kit.slots, of, zhang, reason)
const tellings = (noticeNo: string) =>
  kit.fresh.db.query<{ telling: number; entrustDate: string; serialNo: string; code: string | null; content: string }>(
    'SELECT telling, entrust_date AS entrustDate, serial_no AS serialNo, result_code AS code, content FROM bank_call WHERE subject = ? ORDER BY telling',
    [noticeNo],
  )
const told = () => callBanks(kit.flow, noticeMakers)

test('a notice that its bank refuses is told again by order, under a new key and with a new day; what it then gives back is booked under that', async () => {
  const { debit, ...of } = await noticed()
  expect(await again(of)).toMatchObject({ kind: 'objected', objection: { rule: 'not-answered' } })
  kit.says = { adjustmentNotice: '93004' }
  await told()
  expect(await kit.theBreak(debit)).toMatchObject({ state: 'failed', remedy: 'notice' })
  expect(kit.notes.at(-1)).toMatchObject({ event: 'trouble', code: '93004', detail: `the bank refuses the notice ${of.noticeNo}` })
  // To the same key the bank would only repeat itself.
  kit.at += dayMs
  expect(await again(of)).toEqual({ kind: 'ordered' })
  expect(await again(of)).toEqual({ kind: 'repeated' })
  expect(await again(of, '再催')).toMatchObject({ kind: 'objected', objection: { rule: 'not-answered' } })
  expect(await kit.theBreak(debit)).toMatchObject({ state: 'under-way', remedy: 'notice' })
  expect(await kit.store.notices.findNotice(of.noticeNo)).toMatchObject({ dueOn: '2026-12-03', toldAt: undefined, toldCode: undefined })
  // Refused a second time, it is told a third; a doubt in between keeps its key.
  await told()
  expect(await again(of)).toEqual({ kind: 'ordered' })
  kit.says = { adjustmentNotice: '28003' }
  await told()
  expect(await again(of, '再催')).toMatchObject({ kind: 'objected', objection: { rule: 'not-answered' } })
  kit.says = {}
  kit.at += 600_000
  await told()
  const keys = await tellings(of.noticeNo)
  expect(keys.map(({ telling, code }) => [telling, code])).toEqual([
    [1, '93004'],
    [2, '93004'],
    [3, '90000'],
  ])
  expect(new Set(keys.map(({ entrustDate, serialNo }) => `${entrustDate}/${serialNo}`)).size).toBe(3)
  expect(JSON.parse(keys[2]!.content)).toMatchObject({ noticeNo: of.noticeNo, amount: 300, dueOn: '2026-12-03' })
  expect(await again(of)).toMatchObject({ kind: 'objected', objection: { rule: 'not-refused' } })
  // However often it was told, it asks for its amount once.
  expect(await kit.store.breakLife.standing(bankCode, debit.ticketNo)).toMatchObject({ asked: 300 })

  const receipt = { noticeNo: of.noticeNo, amount: 300, accountingDate: '2026-12-02', bankSerial: 'TZ' } as never
  expect(await heardAdjustment(kit.flow, bankCode, receipt, kit.clock())).toMatchObject({ code: '90000' })
  expect(
    await kit.fresh.db.query("SELECT entrust_date AS entrustDate, serial_no AS serialNo FROM booking WHERE verb = 'adjustment'"),
  ).toEqual([{ entrustDate: keys[2]!.entrustDate, serialNo: keys[2]!.serialNo }])
  expect(await again(of)).toMatchObject({ kind: 'objected', objection: { rule: 'given-back' } })
  await kit.session('2026-12-02', [])
  expect(await kit.theBreak(debit)).toMatchObject({ state: 'confirmed' })
})

test('what a bank has given back all the same is not asked for again; nor what goes another way by now', async () => {
  const { debit, ...of } = await noticed()
  kit.says = { adjustmentNotice: '93004' }
  await told()
  const [first] = await tellings(of.noticeNo)
  // It refused it, and booked it all the same: its file shows that under the key of the notice.
  const entry = { verb: 'adjustment', instructionId: undefined, entrustDate: kit.dayOf(), serialNo: first!.serialNo } as const
  await kit.session('2026-12-01', [{ ...kit.found('bank-only', debit, 0, 300), ...entry }])
  expect(await again(of)).toMatchObject({ kind: 'objected', objection: { rule: 'given-back' } })

  const other = await noticed()
  await told()
  await kit.store.breakLife.stepBreak(other.breakId, 'choose', 'test', { remedy: 'persons' }, { now: kit.clock(), actor: 'test' })
  expect(await again(other)).toMatchObject({ kind: 'objected', objection: { rule: 'not-waiting' } })
  expect(await again({ noticeNo: '14301020000000000000', breakId: other.breakId })).toEqual({ kind: 'absent' })
})

/** The bank puts it right by itself, and its next file shows that. */
const putRight = async (debit: NewDebit, serialNo: string): Promise<void> => {
  await kit.session('2026-12-01', [kit.found('bank-only', debit, 0, 300, { verb: 'reversal', serialNo, instructionId: undefined })])
  expect((await kit.breaksOf(debit)).map(({ state }) => state)).toEqual(['confirmed'])
}

test('what a bank has given back under the key that it had refused it does not hear of under the next', async () => {
  const { debit, ...of } = await noticed()
  kit.says = { adjustmentNotice: '93004' }
  await told()
  expect(await again(of)).toEqual({ kind: 'ordered' })
  kit.says = { adjustmentNotice: 'undelivered' }
  await told()
  const receipt = { noticeNo: of.noticeNo, amount: 300, accountingDate: '2026-12-01', bankSerial: 'TZ2' } as never
  expect(await heardAdjustment(kit.flow, bankCode, receipt, kit.clock())).toMatchObject({ code: '90000' })
  expect(await kit.theBreak(debit)).toMatchObject({ state: 'remedied' })
  kit.says = {}
  kit.at += 600_000
  await told()
  expect(await kit.store.bankCalls.told(bankCode, 'adjustmentNotice', of.noticeNo)).toMatchObject({ fault: 'withdrawn', attemptNo: 2 })
  // It has given back all the same, and no session has shown that yet: nobody asks for so much again, nor reverses it.
  expect(await kit.store.breakLife.standing(bankCode, debit.ticketNo)).toMatchObject({ asked: 300 })
  // Booked it is under the key that has left us, though the next was taken already.
  const [first, second] = await tellings(of.noticeNo)
  expect(second!.serialNo).not.toBe(first!.serialNo)
  const booked = kit.fresh.db.query("SELECT serial_no AS serialNo FROM booking WHERE verb = 'adjustment' AND ticket_no = ?", [
    debit.ticketNo,
  ])
  expect(await booked).toEqual([{ serialNo: first!.serialNo }])
})

test('of a notice that no session needs any more a bank does not hear that had not heard of it', async () => {
  const { debit, noticeNo } = await noticed()
  await putRight(debit, '66600001')
  await told()
  expect((await tellings(noticeNo)).map(({ code }) => code)).toEqual([null])
  expect(await kit.store.bankCalls.told(bankCode, 'adjustmentNotice', noticeNo)).toMatchObject({ fault: 'withdrawn', attemptNo: 1 })
  expect(await kit.store.notices.findNotice(noticeNo)).toMatchObject({ toldAt: undefined, breakState: 'confirmed' })
  // It asks for nothing: what the bank takes too much of this ticket from now on can be asked for.
  expect(await kit.store.breakLife.standing(bankCode, debit.ticketNo)).toMatchObject({ asked: 0 })
  expect((await kit.store.notices.notices({ open: true }, undefined, 99)).map(n => n.noticeNo)).not.toContain(noticeNo)
})

test('nor does a bank whose line was down whenever it was to hear of one; of one that it may have it hears to the end', async () => {
  const tried = async (says: 'undelivered' | '28003' | '90000') => {
    kit.at += 600_000
    kit.says = { adjustmentNotice: says }
    await told()
  }
  const unheard = await noticed()
  await tried('undelivered')
  await tried('undelivered')
  await putRight(unheard.debit, '66600002')
  const doubtful = await noticed()
  await tried('28003')
  await tried('undelivered')
  await putRight(doubtful.debit, '66600003')
  await tried('90000')
  const ends = [unheard, doubtful].map(({ noticeNo }) => kit.store.bankCalls.told(bankCode, 'adjustmentNotice', noticeNo))
  expect(await Promise.all(ends)).toMatchObject([
    { fault: 'withdrawn', attemptNo: 3, code: undefined },
    { fault: undefined, attemptNo: 3, code: '90000' },
  ])
})

test('a receipt that names no day is the same receipt on another day', async () => {
  const { noticeNo } = await noticed()
  await told()
  const receipt = (more: object = {}) => heardAdjustment(kit.flow, bankCode, { noticeNo, amount: 300, ...more } as never, kit.clock())
  expect(await receipt()).toMatchObject({ code: '90000' })
  kit.at += dayMs
  expect(await receipt()).toMatchObject({ code: '90000' })
  expect(await receipt({ accountingDate: '2026-12-02' })).toMatchObject({ code: '92006' })
})

test('plain SQL tells nothing again that no bank has refused, and changes nothing of what was ordered', async () => {
  const { noticeNo } = await noticed()
  const refused = (sql: string) => expect(kit.fresh.db.execute(sql, [noticeNo])).rejects.toThrow()
  await refused(`INSERT INTO bank_call (bank_code, office_code, verb, subject, content, made_at, next_attempt_at, telling, ordered_by, order_reason)
    SELECT bank_code, office_code, verb, subject, content, made_at, made_at, 2, 'x', 'y' FROM bank_call WHERE subject = ?`)
  await refused('UPDATE bank_call SET telling = 2 WHERE subject = ?')
  await refused("UPDATE adjustment_notice SET due_on = '2027-01-01' WHERE notice_no = ?")
})
