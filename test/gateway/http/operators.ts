import { outcome, type UnifiedCode } from '@taxlink/bank-sdk'
import { expect } from 'vitest'
import type { Called } from '../../../gateway/call.ts'
import { sampleOperators } from '../../../gateway/day/operators.ts'
import { shanghaiDate, shanghaiTime } from '../../../gateway/domain/time.ts'
import type { ProposalKind } from '../../../gateway/flows/kind.ts'
import { proposalKinds } from '../../../gateway/flows/kinds.ts'
import type { DebitOrder } from '../../../gateway/flows/order.ts'
import type { Pem } from '../../../gateway/pki.ts'
import { until } from '../stage.ts'
import { uri } from './certificates.ts'
import { type Answered, type Caller, type House, openHouse, order, type Say, succeeded, timedOut } from './house.ts'

/** A house with three operators, whose certificates outlive every proposal, and strangers. */
export type Desk = {
  readonly house: House
  readonly zhang: Caller
  readonly li: Caller
  readonly wang: Caller
  readonly ets: Caller
  readonly bank: Caller
  /** Any of the sample operators. */
  of(name: string): Caller
  /** A certificate of a bank, which outlives what the clock is moved by. */
  bankPem(code: string): Promise<Pem>
  /** Moves the clock of the gateway forward. */
  later(ms: number): void
}

export const operator = (name: string): string => `urn:taxlink:operator:${name}`
export const day = 86_400_000

export const openDesk = async (): Promise<Desk> => {
  let ahead = 0
  const house = await openHouse()
  Object.assign(house.flow, { clock: () => new Date(Date.now() + ahead) })
  const caller = async (who: string) => house.caller(await house.ca.issue({ names: [uri(`urn:taxlink:${who}`)], to: 1_000_000 }))
  const callers = new Map<string, Caller>()
  for (const name of [...sampleOperators.map(account => account.name), 'zheng']) callers.set(name, await caller(`operator:${name}`))
  const of = (name: string): Caller => callers.get(name)!
  const [zhang, li, wang] = [of('zhang'), of('li'), of('wang')]
  return {
    house,
    zhang,
    li,
    wang,
    ets: await caller('tax-system:ets'),
    bank: await caller('bank:4301'),
    of,
    bankPem: code => house.ca.issue({ names: [uri(`urn:taxlink:bank:${code}`)], to: 1_000_000 }),
    later: ms => {
      ahead += ms
    },
  }
}

/** Three who may take part in proposals of this kind. */
export const personsFor = (kind: keyof typeof proposalKinds): readonly [string, string, string] =>
  (proposalKinds[kind] as ProposalKind).duties.includes('administrator') ? ['zhao', 'qian', 'zheng'] : ['zhang', 'li', 'wang']
/** The same desk, with those in the places of the three; the third administrator is made by the other two. */
export const deskFor = async (desk: Desk, kind: keyof typeof proposalKinds): Promise<Desk> => {
  const zheng = { name: 'zheng', displayName: '郑平', officeCode: '14300000000', duties: 'administrator' }
  if (personsFor(kind).includes('zheng') && !(await desk.house.store.operators.find('zheng')))
    await approveBy(desk.of('qian'), await proposeBy(desk.of('zhao'), 'add-operator', zheng))
  const [zhang, li, wang] = personsFor(kind).map(name => desk.of(name))
  return { ...desk, zhang: zhang!, li: li!, wang: wang! }
}

let orders = 0
export type Content = { readonly [name: string]: unknown }
/** An order for a proposal, under a number of its own. */
export const proposalOf = (kind: string, content: Content, change: Content = {}) => ({
  orderNo: `n-${++orders}`,
  kind,
  content,
  evidence: '银行书面答复',
  ...change,
})
/** Proposes, and expects to be heard. */
export const proposeBy = async (who: Caller, kind: string, content: Content): Promise<{ id: number; hash: string }> => {
  const said = await who.ask('POST', '/v1/proposals', proposalOf(kind, content))
  expect([said.status, said.json.errors]).toEqual([201, undefined])
  return { id: said.json.id as number, hash: said.json.hash as string }
}
export const approveBy = (who: Caller, { id, hash }: { id: number; hash: string }, change: Content = {}): Promise<Answered> =>
  who.ask('POST', `/v1/proposals/${id}/approval`, { hash, ...change })
export const rejectBy = (who: Caller, { id }: { id: number }): Promise<Answered> =>
  who.ask('POST', `/v1/proposals/${id}/rejection`, { reason: '金额不符' })
export const withdrawBy = (who: Caller, { id }: { id: number }): Promise<Answered> =>
  who.ask('POST', `/v1/proposals/${id}/withdrawal`, { reason: '提错了' })
/** What was said, shortly: the status and the code of the problem, or `replayed`. */
export const told = ({ status, json, headers }: Answered): [number, unknown] => [
  status,
  json.code ?? (headers['idempotency-replayed'] === 'true' ? 'replayed' : undefined),
]
/** Two persons do it. */
export const doneByTwo = async ({ zhang, li }: Desk, kind: string, content: Content): Promise<Answered> => {
  const said = await approveBy(li, await proposeBy(zhang, kind, content))
  expect(told(said)).toEqual([200, undefined])
  return said
}

/** The key of an instruction, as a proposal names it. */
export type Key = { readonly officeCode: string; readonly entrustDate: string; readonly serialNo: string }
const keyOf = async ({ house }: Desk, ticketNo: string): Promise<Key> => {
  const { officeCode, entrustDate, serialNo } = (await house.store.find(ticketNo))!
  return { officeCode, entrustDate, serialNo }
}
/** A debit that the bank never answered, long ago: before a person. */
export const doubtful = async (desk: Desk, change: Partial<DebitOrder> = {}): Promise<{ ticketNo: string; key: Key }> => {
  const sent = order(change)
  desk.house.say(timedOut)
  await desk.ets.ask('POST', '/v1/debits', sent)
  await until('in doubt', async () => (await desk.house.store.find(sent.ticketNo))?.state === 'unknown')
  await desk.house.fresh.db.execute(
    'UPDATE instruction SET person = 1, last_sent_at = last_sent_at - INTERVAL 1 HOUR, next_attempt_at = ? WHERE ticket_no = ?',
    ['9999-12-31 00:00:00.000', sent.ticketNo],
  )
  return { ticketNo: sent.ticketNo, key: await keyOf(desk, sent.ticketNo) }
}
/** The bank books on the province's own day, so that it may still be reversed. */
const bookedToday: Say = (ticketNo, amount) => {
  const { answer, transcript } = succeeded(ticketNo, amount) as Called
  return { answer: answer.kind === 'answered' ? { ...answer, accountingDate: shanghaiDate(new Date()) } : answer, transcript }
}
/** A debit that the bank has made. */
export const debited = async (desk: Desk, change: Partial<DebitOrder> = {}): Promise<{ ticketNo: string; key: Key; amount: number }> => {
  const sent = order(change)
  desk.house.say(bookedToday)
  await desk.ets.ask('POST', '/v1/debits', sent, { prefer: 'wait=20' })
  return { ticketNo: sent.ticketNo, key: await keyOf(desk, sent.ticketNo), amount: sent.amount }
}
/** What a session of the 9th has found at the bank 4301, as far as the amounts go. */
export const shownBy = async ({ house }: Desk, ticketNo: string, key: Key, taxAmount: number, bankAmount: number): Promise<void> => {
  await house.fresh.db.execute(
    `INSERT IGNORE INTO reconciliation (bank_code, accounting_date, session, work_date, kind, state, opened_by, opened_at, frozen_seq, frozen_at, matched_at)
     VALUES ('4301', '2026-11-09', 1, '2026-11-10', 'day-end', 'taken', 'test', NOW(3), 0, NOW(3), NOW(3))`,
  )
  await house.fresh.db.execute(
    `INSERT INTO difference (bank_code, accounting_date, session, ordinal, type, office_code, entrust_date, serial_no, verb, ticket_no, tax_amount, bank_amount,
       bank_entries, detail)
     SELECT '4301', '2026-11-09', 1, n.next, ?, ?, ?, ?, 'debit', ?, ?, ?, ?, '{}' FROM (SELECT 1 + COUNT(*) AS next FROM difference) n`,
    [
      taxAmount === 0 ? 'bank-only' : 'tax-only',
      key.officeCode,
      key.entrustDate,
      key.serialNo,
      ticketNo,
      taxAmount,
      bankAmount,
      Math.sign(bankAmount),
    ],
  )
}
let unheard = 0
/** A break that a session has found: the bank has what nobody ever sent it. */
export const bankOnlyBreak = async (desk: Desk, officeCode = '14301020000'): Promise<number> => {
  const { house } = desk
  const serialNo = String(90_000_000 + ++unheard)
  const ticketNo = `4499${String(unheard).padStart(14, '0')}`
  await shownBy(desk, ticketNo, { officeCode, entrustDate: '2026-11-09', serialNo }, 0, 8_800)
  const { insertId } = await house.fresh.db.execute(
    `INSERT INTO break (at, ticket_no, kind, source, tax_amount, bank_amount, reason, bank_code, office_code, accounting_date, session, subject, found_type,
       entrust_date, serial_no, verb, bank_serial, excess, remedy, deadline)
     VALUES (NOW(3), ?, 'bank-only', 'file', 0, 8800, 'session 1 of 2026-11-09: bank-only', '4301', ?, '2026-11-09', 1, ?, 'bank-only', '2026-11-09', ?,
       'debit', 'S1', 8800, 'persons', NOW(3) + INTERVAL 1 DAY)`,
    [ticketNo, officeCode, `${officeCode}/2026-11-09/${serialNo}/debit`, serialNo],
  )
  await house.store.breakLife.stepBreak(insertId, 'choose', '35 bank-has-it-alone', {}, { now: new Date(), actor: 'test' })
  return insertId
}
/** The two ways in which a doubt ends. */
export const booked = (key: Key, amount: number) => ({
  ...key,
  decision: 'succeeded',
  amount,
  bankSerial: 'HAND00000001',
  accountingDate: '2026-11-10',
})
export const notBooked = (key: Key, checkedAt = new Date()) => ({
  ...key,
  decision: 'refused',
  code: '24003',
  checkedAt: shanghaiTime(checkedAt),
})
/** The bank answers what it is told of a subject with this, however it hears of it. */
export const bankSays = async ({ house }: Desk, bankCode: string, subject: string, code: UnifiedCode): Promise<void> => {
  const now = house.flow.clock()
  const call = (await house.store.bankCalls.dueBankCalls(bankCode, now, 1_000)).find(each => each.subject === subject)!
  const fresh = { entrustDate: shanghaiDate(now), serialNo: await house.store.takeSerial(call.officeCode, shanghaiDate(now)) }
  const by = { owner: 'test', now, leaseUntil: new Date(now.getTime() + 1_000) }
  const claimed = (await house.store.bankCalls.claimBankCall(call, fresh, by))!
  const said = {
    call: claimed,
    owner: 'test',
    now,
    again: undefined,
    isUndelivered: false,
    outcome: outcome(code),
    fault: undefined,
    transcript: '{}',
  }
  expect(await house.store.bankCalls.settleBankCall(said)).toBe(true)
}
