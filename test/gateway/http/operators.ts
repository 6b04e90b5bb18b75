import { expect } from 'vitest'
import { uri } from './certificates.ts'
import { type Answered, type Caller, type House, openHouse } from './house.ts'

/** A house with three operators, whose certificates outlive every proposal, and strangers. */
export type Desk = {
  readonly house: House
  readonly zhang: Caller
  readonly li: Caller
  readonly wang: Caller
  readonly ets: Caller
  readonly bank: Caller
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
  const [zhang, li, wang] = [await caller('operator:zhang'), await caller('operator:li'), await caller('operator:wang')]
  return {
    house,
    zhang,
    li,
    wang,
    ets: await caller('tax-system:ets'),
    bank: await caller('bank:4301'),
    later: ms => {
      ahead += ms
    },
  }
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
