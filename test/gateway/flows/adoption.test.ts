import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { issueNotice } from '../../../gateway/flows/adjustments.ts'
import { callBanks } from '../../../gateway/flows/bank-calls.ts'
import type { NewDebit } from '../../../gateway/store/debits.ts'
import { type BreakKit, openBreakKit, zhang } from '../break-kit.ts'

// 采信 (art. 35): what two persons take for the tax of a ticket, over the real record; the rules by themselves stand in store/settle-break.test.ts.

let kit: BreakKit
beforeAll(async () => {
  kit = await openBreakKit('2026-12-14T09:00:00+08:00')
})
afterAll(() => kit.fresh.drop())

const states = async (debit: NewDebit) => (await kit.breaksOf(debit)).map(({ state, remedy, excess }) => `${state} ${remedy} ${excess}`)

describe('an adoption', () => {
  const settledBy = async (breakId: number) => {
    const subject = `break/${breakId}`
    const times = { proposedAt: kit.clock(), expiresAt: new Date(kit.at + 3_600_000) }
    const about = { kind: 'settle-break', subject, about: undefined, officeCode: zhang.office, orderNo: `P-${breakId}` }
    const proposal = {
      ...about,
      ...times,
      content: { breakId, decision: 'adopt' },
      evidence: '银行回单',
      hash: 'ab'.repeat(32),
      proposedBy: zhang.uri,
    }
    const made = (await kit.store.proposals.propose(proposal, () => subject)) as { proposal: { id: number } }
    return kit.store.proposals.decide(made.proposal.id, {
      act: { event: 'approve', by: 'urn:taxlink:operator:li', hash: proposal.hash },
      now: kit.clock(),
      reason: undefined,
      told: () => subject,
      judge: () => ({ kind: 'moves', to: 'approved' }),
      apply: deeds => deeds.settleBreak(breakId, 'adopt', kit.flow.printKey()),
    })
  }
  test('of two entries of one ticket one is adopted; what a notice has asked for is not', async () => {
    const [twice, asked] = [await kit.debited('2026-12-09', 2_000, 'refused'), await kit.debited('2026-12-09', 2_000, 'refused')]
    kit.at = Date.parse('2026-12-14T09:00:00+08:00')
    await kit.session('2026-12-09', [
      ...[twice, asked].map(debit => kit.found('state-differs', debit, 0, 2_000, { detail: { state: 'refused' } })),
      kit.found('bank-only', twice, 0, 2_000, { instructionId: undefined, serialNo: '77700004' }),
    ])
    expect(await states(twice)).toEqual(['chosen persons 2000', 'chosen persons 2000'])
    const [one, two] = await kit.breaksOf(twice)
    expect(await settledBy(one!.id)).toMatchObject({ kind: 'decided' })
    expect(await settledBy(two!.id)).toMatchObject({ kind: 'objected', objection: { rule: 'paid-otherwise' } })
    const { id } = await kit.theBreak(asked)
    const choose = (remedy: 'notice' | 'persons') =>
      kit.store.breakLife.stepBreak(id, 'choose', remedy, { remedy }, { now: kit.clock(), actor: 'test' })
    await choose('notice')
    kit.says = { adjustmentNotice: '93004' }
    await issueNotice(kit.flow, kit.slots, id, zhang)
    await callBanks(kit.flow)
    kit.says = {}
    expect(await states(asked)).toEqual(['failed notice 2000'])
    await choose('persons')
    expect(await settledBy(id)).toMatchObject({ kind: 'objected', objection: { rule: 'asked-back' } })
  })
  test('of an entry that the books have already is refused with its reason, and so is one of another bank’s ticket', async () => {
    const debit = await kit.debited('2026-12-14', 2_000, 'refused')
    const other = await kit.debited('2026-12-14', 2_000, 'refused')
    const stray = kit.found('bank-only', other, 0, 2_000, { instructionId: undefined, serialNo: '77700003' })
    kit.at = Date.parse('2026-12-15T09:00:00+08:00')
    await kit.session('2026-12-14', [kit.found('state-differs', debit, 0, 2_000, { detail: { state: 'refused' } })])
    await kit.session('2026-12-14', [stray], '', '4306')
    // Debited, and given back by a reversal of our own: both entries are booked.
    await kit.fresh.db.execute(
      `INSERT INTO booking (bank_code, accounting_date, bucket, office_code, entrust_date, serial_no, verb, ticket_no, work_date, treasury_code, amount,
         account_digest, source, dated_by, seq) VALUES ('4301', '2026-12-14', 1, ?, ?, ?, 'debit', ?, '2026-12-14', '18010000', 2000, 'digest00', 'notice', 'bank', 999999)`,
      [debit.officeCode, debit.entrustDate, debit.serialNo, debit.ticketNo],
    )
    const [own, foreign] = [await kit.theBreak(debit), await kit.theBreak(other)]
    expect([own, foreign]).toMatchObject([{ remedy: 'persons' }, { remedy: 'persons' }])
    expect(await settledBy(own.id)).toMatchObject({ kind: 'objected', objection: { rule: 'booked-already' } })
    expect(await settledBy(foreign.id)).toMatchObject({ kind: 'objected', objection: { rule: 'other-bank' } })
    // What is open is counted by bank, and nothing else is told.
    const open = (await kit.store.openBreaks(new Date('2027-12-31T00:00:00Z'))).find(of => of.bankCode === '4306')!
    expect([open.open > 0, open.overdue > 0]).toEqual([true, true])
  })
})
