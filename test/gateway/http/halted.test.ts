import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Reference, withHalts } from '../../../gateway/domain/reference.ts'
import { order, succeeded } from './house.ts'
import { booked, type Desk, debited, doneByTwo, doubtful, openDesk, operator } from './operators.ts'

// What tax systems hear about a halted bank, and what they may still do.

let desk: Desk
let reference: Reference
/** What assemble.ts does every second. */
const refresh = async () => {
  const now = withHalts(reference, await desk.house.store.halts())
  Object.assign(desk.house.flow, { reference: () => now })
}
const told = { class: 'refused', code: '93014', bankText: '该银行已停用:核心系统升级' }
beforeAll(async () => {
  desk = await openDesk()
  reference = desk.house.flow.reference()
})
afterAll(() => desk.house.close())

test('no new instruction of any kind, with the reason; what the bank has may be resolved; other banks go on', async () => {
  const [before, whole, doubt] = [await debited(desk), await debited(desk), await doubtful(desk)]
  await doneByTwo(desk, 'declare-break', { ...before.key, kind: 'bank-missing', taxAmount: 300, bankAmount: 0 })
  await doneByTwo(desk, 'halt-bank', { bankCode: '4301', reason: '核心系统升级' })
  await refresh()
  desk.house.say(succeeded)
  const { ticketNo } = before
  const { items } = order()
  const supplement = { orderNo: 'S-1', ticketNo, reason: 'bank-missing', amount: 300, items }
  // Of a debit that the bank has: of the other there is nothing to give back.
  const reversal = { orderNo: 'R-1', ticketNo: whole.ticketNo, amount: 100, reason: 'tax-side' }
  for (const [path, body] of [
    ['/v1/debits', order()],
    ['/v1/supplementary-debits', supplement],
    ['/v1/reversals', reversal],
  ] as const) {
    const said = await desk.ets.ask('POST', path, body)
    expect([path, said.status, said.json.state]).toEqual([path, 200, 'refused'])
    expect(said.json.result).toMatchObject(told)
  }
  const batch = await desk.ets.ask('POST', '/v1/debits/batch', { orders: [order(), order({ bankCode: '4310' })] })
  const verdicts = batch.json.verdicts as { debit: { state: string } }[]
  expect(verdicts.map(({ debit }) => debit.state)).toEqual(['refused', 'sent'])
  await doneByTwo(desk, 'resolve-doubt', booked(doubt.key, 300))
  expect((await desk.ets.ask('GET', `/v1/debits/${doubt.ticketNo}`)).json.state).toBe('succeeded')

  const { json } = await desk.wang.ask('GET', '/v1/banks')
  const banks = json.banks as { bankCode: string; halt?: object; backlog: object }[]
  expect(banks.map(({ bankCode }) => bankCode)).toEqual([...reference.banks.keys()].sort())
  expect(banks.flatMap(({ bankCode, halt }) => (halt ? [[bankCode, halt]] : []))).toMatchObject([
    ['4301', { reason: '核心系统升级', proposedBy: operator('zhang'), approvedBy: operator('li') }],
  ])

  await doneByTwo(desk, 'resume-bank', { bankCode: '4301' })
  await refresh()
  expect((await desk.ets.ask('POST', '/v1/debits', order(), { prefer: 'wait=20' })).json.state).toBe('succeeded')
  expect((await desk.ets.ask('POST', '/v1/reversals', { ...reversal, orderNo: 'R-2' })).json.state).not.toBe('refused')
})
