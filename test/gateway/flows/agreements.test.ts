import { outcome } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type AgreementRegistration,
  type Ask,
  askAgreement,
  change,
  heardTaxpayerEvent,
  register,
} from '../../../gateway/flows/agreements.ts'
import { heardBindingNotice, heardBindResult } from '../../../gateway/flows/bindings.ts'
import type { Flow, Note } from '../../../gateway/flows/flow.ts'
import { acceptExact, approveAgreement, reviewAgreement } from '../../../gateway/flows/review.ts'
import { openStore, type Store } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { particularsOf, registrationOf, writeActive } from '../agreements.ts'
import { sampleReference } from '../stage.ts'

// Agreements in the real record, with the rules of the domain.

const taxSystem = 'urn:taxlink:tax-system:county'
const zhang = 'urn:taxlink:operator:zhang'
/** An instant in the province. */
const on = (day: string, time = '10:00:00.000'): Date => new Date(`${day}T${time}+08:00`)

let fresh: FreshDatabase
let store: Store
let flow: Flow
const notes: string[] = []
beforeAll(async () => {
  fresh = await freshDatabase(8)
  store = openStore(fresh.db)
  const reference = sampleReference()
  flow = { store, reference: () => reference, note: (note: Note) => void notes.push(note.detail ?? note.event) } as unknown as Flow
})
afterAll(() => fresh.drop())

let last = 0
const registration = (given: Partial<AgreementRegistration> = {}): AgreementRegistration => registrationOf(++last, 'XY', given)
const stateOf = async (no: string): Promise<string | undefined> => (await store.agreements.find(no))?.state
const callsOf = async (no: string): Promise<string[]> => (await store.agreements.life(no))!.calls.map(call => call.verb)
const bound = (no: string, bankCode = '4301', more: object = {}) => ({
  bankCode,
  agreementNo: no,
  outcome: outcome('90000', '0000'),
  boundOn: '2026-03-10',
  ...more,
})
const alike = ({ taxpayerId, taxpayerName, officeCode, payerBankNo, account }: AgreementRegistration) => ({
  taxpayerId,
  taxpayerName,
  officeCode,
  branch: payerBankNo,
  account,
})

/** One that is active since 1 April 2026. */
const inForce = async (given: Partial<AgreementRegistration> = {}): Promise<AgreementRegistration> => {
  const order = registration(given)
  expect(await register(flow, taxSystem, order, on('2026-03-02'))).toEqual({ kind: 'registered' })
  expect(await heardBindResult(flow, bound(order.agreementNo, order.bankCode, { held: alike(order) }), on('2026-03-10'))).toMatchObject({
    code: '90000',
  })
  expect(await reviewAgreement(flow, order.agreementNo, 'accept', zhang, 'ok', on('2026-03-12'))).toMatchObject({ kind: 'moved' })
  return order
}

describe('the way in', () => {
  test('approved, bound, reviewed: active from the first of the month after, for a year', async () => {
    const { agreementNo } = await inForce()
    expect(await store.agreements.find(agreementNo)).toMatchObject({
      state: 'accepted',
      boundOn: '2026-03-10',
      activeFrom: '2026-04-01',
      validTo: '2027-03-31',
      accountSince: '2026-04-01',
      enabledBy: zhang,
      likeness: 'exact',
    })
    const life = (await store.agreements.life(agreementNo))!
    expect(life.journal.map(({ event, state, actor, article }) => [event, state, actor, article])).toEqual([
      ['register', 'drafted', taxSystem, 'art. 8(1)'],
      ['approve', 'approved', 'chief', 'art. 8(2)'],
      ['bind', 'bound', 'bank 4301', 'art. 8(3)'],
      ['accept', 'accepted', zhang, 'art. 8(4)'],
    ])
    expect(life.held[0]?.comparison).toMatchObject({ account: 'exact', taxpayerName: 'exact' })
  })
  test('the same number and content is registered once; other content is refused; of another tax system only that it is taken', async () => {
    const order = registration()
    expect(await register(flow, taxSystem, order, on('2026-03-02'))).toEqual({ kind: 'registered' })
    expect(await register(flow, taxSystem, order, on('2026-03-03'))).toEqual({ kind: 'repeated' })
    expect(await register(flow, taxSystem, { ...order, taxpayerName: '别的公司' }, on('2026-03-03'))).toMatchObject({ kind: 'differs' })
    expect(await register(flow, 'urn:taxlink:tax-system:other', order, on('2026-03-03'))).toEqual({ kind: 'taken' })
  })
  test('without the county’s approval an operator approves; on paper nothing is sent', async () => {
    const { approvedBy: _, ...order } = registration({ delivery: 'paper' })
    await register(flow, taxSystem, order, on('2026-03-02'))
    expect(await stateOf(order.agreementNo)).toBe('drafted')
    expect(await heardBindResult(flow, bound(order.agreementNo), on('2026-03-02'))).toMatchObject({ code: '24009' })
    expect(await approveAgreement(flow, order.agreementNo, zhang, 'checked', on('2026-03-03'))).toMatchObject({ kind: 'moved' })
    expect(await stateOf(order.agreementNo)).toBe('taken')
    expect(await callsOf(order.agreementNo)).toEqual([])
  })
  test('what the bank holds otherwise cannot be accepted, only returned or refused; in bulk only what is exact', async () => {
    const [one, two, three] = [registration(), registration(), registration()]
    for (const order of [one, two, three]) await register(flow, taxSystem, order, on('2026-03-02'))
    await heardBindResult(flow, bound(one.agreementNo, '4301', { held: { ...alike(one), account: '9' } }), on('2026-03-10'))
    await heardBindResult(
      flow,
      bound(two.agreementNo, '4301', { held: { ...alike(two), taxpayerName: ' 长沙星城机械有限公司　' } }),
      on('2026-03-10'),
    )
    await heardBindResult(flow, bound(three.agreementNo, '4301', { held: alike(three) }), on('2026-03-10'))
    expect((await store.agreements.find(one.agreementNo))?.likeness).toBe('differs')
    expect((await store.agreements.find(two.agreementNo))?.likeness).toBe('alike')
    const numbers = [one, two, three].map(({ agreementNo }) => agreementNo)
    const results = await acceptExact(flow, numbers, () => true, zhang, on('2026-03-12'))
    expect(results.map(({ moved }) => moved.kind)).toEqual(['objected', 'objected', 'moved'])
    expect(await reviewAgreement(flow, one.agreementNo, 'accept', zhang, 'ok', on('2026-03-12'))).toMatchObject({
      kind: 'objected',
      objection: { rule: 'particulars-differ' },
    })
    expect(await reviewAgreement(flow, one.agreementNo, 'return', zhang, 'another account', on('2026-03-12'))).toMatchObject({
      kind: 'moved',
    })
    expect(await callsOf(one.agreementNo)).toEqual(['bind', 'bind'])
    expect(await reviewAgreement(flow, two.agreementNo, 'accept', zhang, 'blanks only', on('2026-03-12'))).toMatchObject({ kind: 'moved' })
  })
  test('of another bank’s agreement nothing is believed, and it stands in its journal', async () => {
    const order = registration()
    await register(flow, taxSystem, order, on('2026-03-02'))
    expect(await heardBindResult(flow, bound(order.agreementNo, '4306'), on('2026-03-10'))).toMatchObject({ code: '24016' })
    expect(await stateOf(order.agreementNo)).toBe('approved')
    expect((await store.agreements.life(order.agreementNo))!.journal.at(-1)).toMatchObject({ event: 'foreign', actor: 'bank 4306' })
    expect(await heardBindResult(flow, bound('XY-none'), on('2026-03-10'))).toMatchObject({ code: '24009' })
  })
  test('the same result again changes nothing', async () => {
    const order = registration()
    await register(flow, taxSystem, order, on('2026-03-02'))
    await heardBindResult(flow, bound(order.agreementNo), on('2026-03-10'))
    const before = await store.agreements.find(order.agreementNo)
    expect(await heardBindResult(flow, bound(order.agreementNo), on('2026-03-11'))).toMatchObject({ code: '90000' })
    expect(await store.agreements.find(order.agreementNo)).toEqual(before)
  })
})

describe('changes (art. 9)', () => {
  test('an account inside its year: refused, with an exception it waits for two persons', async () => {
    const old = await inForce()
    const next = registration({ taxpayerId: old.taxpayerId })
    expect(await change(flow, taxSystem, old.agreementNo, next, on('2026-09-01'))).toMatchObject({
      kind: 'objected',
      objection: { rule: 'account-within-year' },
    })
    expect(await change(flow, taxSystem, old.agreementNo, { ...next, exception: 'merger' }, on('2026-09-01'))).toEqual({
      kind: 'registered',
    })
    expect(await stateOf(next.agreementNo)).toBe('drafted')
    expect(await approveAgreement(flow, next.agreementNo, zhang, 'checked', on('2026-09-01'))).toMatchObject({
      kind: 'objected',
      objection: { rule: 'account-within-year' },
    })
    // Nor by plain SQL.
    await expect(fresh.db.execute("UPDATE agreement SET state = 'approved' WHERE agreement_no = ?", [next.agreementNo])).rejects.toThrow(
      'two persons',
    )
    // Nor by beginning anew beside it.
    expect(await register(flow, taxSystem, registration({ taxpayerId: old.taxpayerId }), on('2026-09-01'))).toMatchObject({
      kind: 'objected',
      objection: { rule: 'another-in-force' },
    })
  })
  test('the name or the branch: a new agreement, and the old one ends when the new one is bound; the account keeps its age', async () => {
    const old = await inForce()
    const next = registration({ taxpayerId: old.taxpayerId, account: old.account, taxpayerName: '长沙星城重工有限公司' })
    expect(await change(flow, taxSystem, old.agreementNo, next, on('2026-09-01'))).toEqual({ kind: 'registered' })
    expect(await callsOf(next.agreementNo)).toEqual(['changeBinding'])
    await heardBindResult(flow, bound(next.agreementNo, '4301', { boundOn: '2026-09-03' }), on('2026-09-03'))
    expect(await store.agreements.find(old.agreementNo)).toMatchObject({ state: 'accepted', ending: true, endingBy: 'bank' })
    expect(await reviewAgreement(flow, next.agreementNo, 'accept', zhang, 'ok', on('2026-09-04'))).toMatchObject({
      kind: 'objected',
      objection: { rule: 'another-in-force' },
    })
    const { found } = await store.agreements.endable(on('2026-09-04'), 0, 10)
    expect(found).toContain(old.agreementNo)
  })
  test('after a year the account may change', async () => {
    const old = await inForce()
    const next = registration({ taxpayerId: old.taxpayerId, bankCode: '4306' })
    expect(await change(flow, taxSystem, old.agreementNo, next, on('2027-03-31'))).toMatchObject({ kind: 'objected' })
    expect(await change(flow, taxSystem, old.agreementNo, next, on('2027-04-01'))).toEqual({ kind: 'registered' })
  })
})

describe('what stands between registration and force', () => {
  const accept = (no: string, day = '2026-03-12', by = zhang) => reviewAgreement(flow, no, 'accept', by, 'ok', on(day))
  test('of two reviewers who accept two of one taxpayer at once, at two banks, one does', async () => {
    for (let round = 0; round < 5; round++) {
      const one = registration()
      const two = registration({ taxpayerId: one.taxpayerId, bankCode: '4306' })
      for (const order of [one, two]) {
        await register(flow, taxSystem, order, on('2026-03-02'))
        await heardBindResult(flow, bound(order.agreementNo, order.bankCode, { held: alike(order) }), on('2026-03-10'))
      }
      const moved = await Promise.all([accept(one.agreementNo), accept(two.agreementNo, '2026-03-12', 'urn:taxlink:operator:li')])
      expect(moved.map(({ kind }) => kind).toSorted()).toEqual(['moved', 'objected'])
      expect(moved.find(({ kind }) => kind === 'objected')).toMatchObject({ objection: { rule: 'another-in-force' } })
    }
  })
  test('what was registered beside another is judged by the year of that account when it is accepted (art. 9)', async () => {
    const one = registration()
    const two = registration({ taxpayerId: one.taxpayerId })
    for (const order of [one, two]) {
      await register(flow, taxSystem, order, on('2026-03-02'))
      await heardBindResult(flow, bound(order.agreementNo, order.bankCode, { held: alike(order) }), on('2026-03-10'))
    }
    expect(await accept(one.agreementNo)).toMatchObject({ kind: 'moved' })
    await askAgreement(flow, taxSystem, 'endings', one.agreementNo, { orderNo: `Y-${one.agreementNo}` }, on('2026-05-04'))
    await fresh.db.execute("UPDATE agreement SET state = 'ended' WHERE agreement_no = ?", [one.agreementNo])
    expect(await accept(two.agreementNo, '2026-05-05')).toMatchObject({ kind: 'objected', objection: { rule: 'account-within-year' } })
    // Registered anew with an exception it waits for two persons.
    const three = registration({ taxpayerId: one.taxpayerId, account: two.account })
    expect(await register(flow, taxSystem, three, on('2026-05-05'))).toMatchObject({
      kind: 'objected',
      objection: { rule: 'account-within-year' },
    })
    expect(await register(flow, taxSystem, { ...three, exception: 'account-closed-by-bank' }, on('2026-05-05'))).toEqual({
      kind: 'registered',
    })
    expect(await stateOf(three.agreementNo)).toBe('drafted')
  })
  test('a bank or an office that nobody knows, and a change to another taxpayer, are refused', async () => {
    const rule = (kind: string) => ({ kind: 'objected', objection: { rule: kind } })
    expect(await register(flow, taxSystem, registration({ bankCode: '9999' }), on('2026-03-02'))).toMatchObject(rule('bank-unknown'))
    expect(await register(flow, taxSystem, registration({ officeCode: '1' }), on('2026-03-02'))).toMatchObject(rule('office-unknown'))
    const old = await inForce()
    expect(await change(flow, taxSystem, old.agreementNo, registration({ account: old.account }), on('2026-09-01'))).toMatchObject(
      rule('taxpayer-differs'),
    )
  })
  test('over the wire no day of the binding is before the bank was asked: nothing begins in the month of the binding', async () => {
    const [wire, paper] = [registration(), registration({ delivery: 'paper' })]
    for (const { agreementNo: no } of [wire, paper].map(order => order)) {
      await register(flow, taxSystem, no === wire.agreementNo ? wire : paper, on('2026-03-05'))
      await heardBindResult(flow, bound(no, '4301', { boundOn: '2026-02-20' }), on('2026-03-06'))
      await accept(no, '2026-03-07')
    }
    expect(await store.agreements.find(wire.agreementNo)).toMatchObject({ boundOn: '2026-03-05', activeFrom: '2026-04-01' })
    expect(await store.agreements.find(paper.agreementNo)).toMatchObject({ boundOn: '2026-02-20', activeFrom: '2026-03-07' })
  })
  test('the particulars a bank tells later are compared, and that code and password were issued', async () => {
    const order = registration({ channel: 'phone' })
    const { agreementNo: no } = order
    await register(flow, taxSystem, order, on('2026-03-02'))
    await heardBindResult(flow, bound(no), on('2026-03-10'))
    expect(await store.agreements.find(no)).toMatchObject({ likeness: 'unchecked', credentialIssued: false })
    await heardBindResult(flow, bound(no, '4301', { held: alike(order), credentialIssued: true }), on('2026-03-11'))
    expect(await store.agreements.find(no)).toMatchObject({
      state: 'bound',
      likeness: 'exact',
      credentialIssued: true,
      boundOn: '2026-03-10',
    })
    await heardBindResult(flow, bound(no, '4301', { held: { ...alike(order), account: '9' } }), on('2026-03-12'))
    expect(await store.agreements.find(no)).toMatchObject({ state: 'bound', likeness: 'differs' })
    expect((await store.agreements.life(no))!.held).toHaveLength(2)
  })
  test('payments that the customer stops before the review are not accepted until they go on', async () => {
    const order = registration()
    const { agreementNo: no } = order
    await register(flow, taxSystem, order, on('2026-03-02'))
    await heardBindResult(flow, bound(no, '4301', { held: alike(order) }), on('2026-03-10'))
    const tell = async (event: 'suspended' | 'resumed') =>
      (await heardBindingNotice(flow, { bankCode: '4301', agreementNo: no, event }, on('2026-03-11'))).code
    expect(await tell('suspended')).toBe('90000')
    expect(await store.agreements.find(no)).toMatchObject({ state: 'unbound', outcome: { code: '24012' } })
    expect(await accept(no)).toMatchObject({ kind: 'objected', objection: { rule: 'not-in-this-state' } })
    expect(await tell('resumed')).toBe('90000')
    expect(await store.agreements.find(no)).toMatchObject({
      state: 'bound',
      likeness: 'exact',
      boundOn: '2026-03-10',
      outcome: { code: '90000' },
    })
    expect(await accept(no)).toMatchObject({ kind: 'moved' })
    expect(await heardBindResult(flow, { bankCode: '4301', agreementNo: no, outcome: outcome('24012') }, on('2026-03-13'))).toMatchObject({
      code: '90000',
    })
    expect(await store.agreements.find(no)).toMatchObject({ state: 'suspended', suspendedBy: 'bank' })
  })
  test('on paper an approval and the way to the bank are one: the bank may refuse at once', async () => {
    const { approvedBy: _, ...order } = registration({ delivery: 'paper' })
    const { agreementNo: no } = order
    await register(flow, taxSystem, order, on('2026-03-02'))
    const { seq: before } = (await store.agreements.life(no))!.journal.at(-1)!
    await approveAgreement(flow, no, zhang, '与申请表一致', on('2026-03-03'))
    const lines = (await store.agreements.life(no))!.journal.filter(({ seq }) => seq > before)
    expect(lines.map(({ event, reason }) => [event, reason])).toEqual([
      ['approve', '与申请表一致'],
      ['take', 'the taxpayer takes it to the bank'],
    ])
    expect(await heardBindResult(flow, { bankCode: '4301', agreementNo: no, outcome: outcome('24005') }, on('2026-03-04'))).toMatchObject({
      code: '90000',
    })
  })
})

describe('stops and ends', () => {
  const ask = (what: Ask, no: string, orderNo: string, day = '2026-05-04') =>
    askAgreement(flow, taxSystem, what, no, { orderNo: `${orderNo}-${no}` }, on(day))
  test('stopped by one side it goes on by the same only', async () => {
    const { agreementNo: no } = await inForce()
    expect(await ask('suspensions', no, 'S1')).toEqual({ kind: 'accepted', agreementNos: [no] })
    expect(await ask('suspensions', no, 'S1')).toEqual({ kind: 'repeated', agreementNos: [no] })
    expect(await ask('endings', no, 'S1')).toMatchObject({ kind: 'differs' })
    const resumed = { bankCode: '4301', agreementNo: no, event: 'resumed' } as const
    expect(await heardBindingNotice(flow, resumed, on('2026-05-05'))).toMatchObject({ code: '93004' })
    expect(await ask('resumptions', no, 'R1')).toMatchObject({ kind: 'accepted' })
    expect(await heardBindingNotice(flow, { ...resumed, event: 'suspended' }, on('2026-05-06'))).toMatchObject({ code: '90000' })
    expect(await ask('resumptions', no, 'R2')).toMatchObject({ kind: 'objected', objection: { rule: 'stopped-by-the-other-side' } })
    expect(await callsOf(no)).toEqual(['bind', 'suspension', 'suspension'])
  })
  test('stopped by both sides it goes on when both let it', async () => {
    const { agreementNo: no } = await inForce()
    const notice = (event: 'suspended' | 'resumed') =>
      heardBindingNotice(flow, { bankCode: '4301', agreementNo: no, event }, on('2026-05-05'))
    await ask('suspensions', no, 'B1')
    expect(await notice('suspended')).toMatchObject({ code: '90000' })
    expect(await ask('resumptions', no, 'B2')).toMatchObject({ kind: 'accepted' })
    expect(await store.agreements.find(no)).toMatchObject({ state: 'suspended', suspendedBy: 'bank' })
    expect(await notice('resumed')).toMatchObject({ code: '90000' })
    expect(await stateOf(no)).toBe('accepted')
  })
  test('what is in force comes to its end; what is not yet ends at once, and a bank that was never told is not told', async () => {
    const { agreementNo: no } = await inForce()
    expect(await ask('endings', no, 'E1')).toMatchObject({ kind: 'accepted' })
    expect(await store.agreements.find(no)).toMatchObject({ state: 'accepted', ending: true, endingBy: 'tax' })
    const early = registration()
    await register(flow, taxSystem, early, on('2026-03-02'))
    await ask('endings', early.agreementNo, 'E2')
    const life = (await store.agreements.life(early.agreementNo))!
    expect(life.agreement.state).toBe('ended')
    expect(life.calls).toMatchObject([{ verb: 'bind', fault: 'superseded' }])
    expect(await heardBindResult(flow, bound(early.agreementNo), on('2026-03-10'))).toMatchObject({ code: '24017' })
  })
  test('of another tax system’s agreement nothing is asked', async () => {
    const { agreementNo } = await inForce()
    const other = 'urn:taxlink:tax-system:other'
    expect(await askAgreement(flow, other, 'endings', agreementNo, { orderNo: 'X1' }, on('2026-05-04'))).toEqual({ kind: 'absent' })
  })
  test('deregistered: every agreement of the taxpayer is void, and its bank is told', async () => {
    const order = await inForce()
    const event = { orderNo: 'D1', taxpayerId: order.taxpayerId, event: 'deregistered' } as const
    expect(await heardTaxpayerEvent(flow, taxSystem, event, on('2026-06-01'))).toEqual({
      kind: 'accepted',
      agreementNos: [order.agreementNo],
    })
    expect(await store.agreements.find(order.agreementNo)).toMatchObject({ state: 'void', voidReason: 'deregistered' })
    expect(await callsOf(order.agreementNo)).toEqual(['bind', 'cancelBinding'])
  })
  test('a closed account makes void what is bound to it, and nothing else', async () => {
    const order = await inForce()
    const event = { orderNo: 'D2', taxpayerId: order.taxpayerId, event: 'account-closed', account: '1' } as const
    expect(await heardTaxpayerEvent(flow, taxSystem, event, on('2026-06-01'))).toEqual({ kind: 'accepted', agreementNos: [] })
    const changed = { ...event, orderNo: 'D3', event: 'account-changed' } as const
    expect(await heardTaxpayerEvent(flow, taxSystem, changed, on('2026-06-01'))).toEqual({
      kind: 'accepted',
      agreementNos: [order.agreementNo],
    })
  })
  test('a bank that closes the account knows, and is not told', async () => {
    const { agreementNo } = await inForce()
    const notice = { bankCode: '4301', agreementNo, event: 'account-closed' } as const
    expect(await heardBindingNotice(flow, notice, on('2026-06-01'))).toMatchObject({ code: '90000' })
    expect(await callsOf(agreementNo)).toEqual(['bind'])
  })
})

describe('the record itself', () => {
  test('at most one in force for one taxpayer and account, and nothing registered is changed, deleted or brought back', async () => {
    const { branch, ...particulars } = particularsOf(9_000)
    await writeActive(fresh.db, [{ ...particulars, payerBankNo: branch, agreementNo: 'K1' }])
    expect(await store.agreement('K1')).toMatchObject({ state: 'active', enabled: true })
    const copy = `INSERT INTO agreement (id, agreement_no, tax_system, taxpayer_id, taxpayer_name, office_code, bank_code, branch, account, channel, by_paper,
      content_hash, registered_at, state, state_since, bound_on, active_from, valid_to, account_since)
      SELECT 9999999, 'K2', tax_system, taxpayer_id, taxpayer_name, office_code, bank_code, branch, account, channel, by_paper, content_hash, registered_at,
      state, state_since, bound_on, active_from, valid_to, account_since FROM agreement WHERE agreement_no = 'K1'`
    await expect(fresh.db.execute(copy)).rejects.toThrow('one_live')
    await expect(fresh.db.execute("UPDATE agreement SET account = '1' WHERE agreement_no = 'K1'")).rejects.toThrow('never changed')
    await expect(fresh.db.execute("DELETE FROM agreement WHERE agreement_no = 'K1'")).rejects.toThrow('never deleted')
    await fresh.db.execute("UPDATE agreement SET state = 'ended' WHERE agreement_no = 'K1'")
    await expect(fresh.db.execute("UPDATE agreement SET state = 'active' WHERE agreement_no = 'K1'")).rejects.toThrow('stays over')
    await expect(fresh.db.execute("UPDATE agreement_journal SET actor = 'x'")).rejects.toThrow('never changed')
    await expect(fresh.db.execute('DELETE FROM agreement_journal')).rejects.toThrow('never changed')
  })
  test('the feed has every change once, in the order of commits', async () => {
    const order = registration()
    await register(flow, taxSystem, order, on('2026-03-02'))
    const all = await store.agreements.changes(taxSystem, 0, 1_000)
    expect(all.map(({ seq }) => seq)).toEqual(all.map((_, i) => i + 1))
    expect(all.slice(-2).map(({ agreementNo, event }) => [agreementNo, event])).toEqual([
      [order.agreementNo, 'register'],
      [order.agreementNo, 'approve'],
    ])
  })
  test('without an agreement the gate reads none', async () => {
    expect(await store.agreement('none')).toBeUndefined()
  })
})
