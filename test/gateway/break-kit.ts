import { outcome, type UnifiedCode } from '@taxlink/bank-sdk'
import { expect } from 'vitest'
import type { Call, Called } from '../../gateway/call.ts'
import type { Difference } from '../../gateway/domain/reconcile.ts'
import { book } from '../../gateway/flows/book.ts'
import { advanceBreaks } from '../../gateway/flows/break-remedies.ts'
import type { Flow, Note } from '../../gateway/flows/flow.ts'
import { settleSession } from '../../gateway/flows/session-breaks.ts'
import { openSlots } from '../../gateway/flows/slots.ts'
import type { NewDebit } from '../../gateway/store/debits.ts'
import { openStore } from '../../gateway/store/store.ts'
import { freshDatabase } from '../database.ts'
import { writeActive } from './agreements.ts'
import { endSession, matchedSession } from './matched.ts'
import { orderOf, sampleReference, until } from './stage.ts'
import { newDebit, refusal, settlementOf } from './store/kit.ts'

/** A break as the record has it. */
export type BreakRow = {
  id: number
  state: string
  remedy: string
  kind: string
  level: string
  deadline: Date | null
  excess: number
  reason: string
}
export const zhang = { uri: 'urn:taxlink:operator:zhang', office: '14301020000' }
export const bankCode = '4301'

/** Sessions, breaks and their remedies over a real record; the bank is what `says` makes it say. */
export const openBreakKit = async (begin: string) => {
  const fresh = await freshDatabase(8)
  const store = openStore(fresh.db)
  await writeActive(fresh.db, [orderOf(bankCode, '440000000000000001')])
  const slots = openSlots(100)
  const notes: Note[] = []
  const kit = { at: Date.parse(begin), says: {} as { [verb: string]: UnifiedCode | 'undelivered' }, named: undefined as string | undefined }
  const clock = () => new Date(kit.at)
  const dayOf = () => new Date(kit.at + 8 * 3_600_000).toISOString().slice(0, 10)
  const call = async (_bank: string, verb: string, request: { amount: number }): Promise<Called> => {
    const says = kit.says[verb] ?? (verb === 'inquiry' ? '94054' : '90000')
    if (says === 'undelivered') return { answer: { kind: says, fault: 'connect-failed' }, transcript: '{}' }
    const result = outcome(says)
    const answer = {
      kind: 'answered',
      outcome: result,
      amount: request.amount,
      bankSerial: 'B1',
      accountingDate: kit.named ?? dayOf(),
    } as const
    return { answer, told: { ...request, result }, transcript: '{}' } as unknown as Called
  }
  const reference = sampleReference()
  const flow = {
    store,
    clock,
    random: () => 0.5,
    pause: () => Promise.resolve(),
    reference: () => reference,
    isTimely: () => true,
    heldUntil: () => undefined,
    accountingDate: () => undefined,
    call: call as unknown as Call,
    owner: 'worker',
    leaseMs: 60_000,
    printKey: () => ({ k0: 3, k1: 5 }),
    note: (note: Note) => void notes.push(note),
    settled: () => {},
  } as Flow

  /** A debit of this day, as the bank has settled it. */
  const debited = async (accountingDate: string, amount: number, end: 'succeeded' | 'refused' = 'succeeded'): Promise<NewDebit> => {
    // Sent on that day: under one that lies far from its sending it is not booked.
    const acceptedAt = new Date(`${accountingDate}T09:00:00+08:00`)
    const plain = await newDebit(store, { amount, acceptedAt })
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
  const session = async (accountingDate: string, differences: readonly Difference[], reason = '', of = bankCode): Promise<boolean> => {
    await book(flow)
    const held = await matchedSession(store, { bankCode: of, accountingDate, workDate: dayOf(), now: clock(), reason }, differences)
    const balanced = await settleSession(flow, held.session)
    // Done twice, nothing changes: a worker may die when the bank has already answered what it was told of the session.
    await reported(of)
    const before = await everything()
    expect(await settleSession(flow, held.session)).toBe(balanced)
    expect(await everything()).toEqual(before)
    await endSession(store, held, balanced, clock())
    return balanced
  }
  /** The bank answers what it is told of the differences, and of nothing else. */
  const reported = async (of: string): Promise<void> => {
    const due = await store.bankCalls.dueBankCalls(of, clock(), 50)
    for (const waiting of due.filter(({ verb }) => verb === 'differenceReport')) {
      const key = { entrustDate: dayOf(), serialNo: await store.takeSerial(waiting.officeCode, dayOf()) }
      const by = { owner: 'worker', now: clock(), leaseUntil: new Date(kit.at + 60_000) }
      const claimed = await store.bankCalls.claimBankCall(waiting, key, by)
      const said = { now: clock(), again: undefined, isUndelivered: false, outcome: outcome('90000'), fault: undefined, transcript: '{}' }
      expect(claimed && (await store.bankCalls.settleBankCall({ call: claimed, owner: 'worker', ...said }))).toBe(true)
    }
  }
  const everything = () =>
    Promise.all(
      ['break', 'break_step', 'difference', 'adjustment_notice', 'booking', 'bank_call'].map(table =>
        fresh.db.query(`SELECT * FROM ${table}`),
      ),
    )
  const breaksOf = ({ ticketNo }: NewDebit) =>
    fresh.db.query<BreakRow>('SELECT id, state, remedy, kind, level, deadline, excess, reason FROM break WHERE ticket_no = ? ORDER BY id', [
      ticketNo,
    ])
  const theBreak = async (debit: NewDebit): Promise<BreakRow> => {
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

  return Object.assign(kit, {
    fresh,
    store,
    slots,
    flow,
    notes,
    clock,
    dayOf,
    debited,
    found,
    session,
    everything,
    breaksOf,
    theBreak,
    stateOfDay,
    advanced,
    adjustment,
  })
}
export type BreakKit = Awaited<ReturnType<typeof openBreakKit>>
