import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sampleOperators } from '../../../gateway/day/operators.ts'
import { operatorUri } from '../../../gateway/domain/operator.ts'
import { everyOperation } from '../../../gateway/http/every-operation.ts'
import { uri } from './certificates.ts'
import type { Caller } from './house.ts'
import { approveBy, booked, type Desk, debited, doubtful, openDesk, proposalOf, proposeBy, rejectBy, told } from './operators.ts'

// Who may do what where: an office sees its subtree, a duty opens its operations, and an account that is gone opens nothing.

const [furong, tianxin, hetang] = ['14301020000', '14301030000', '14302020000'] as const
let desk: Desk
const callers = new Map<string, Caller>()
const of = (name: string): Caller => callers.get(name)!
beforeAll(async () => {
  desk = await openDesk()
  for (const { name } of [...sampleOperators, { name: 'nobody' }])
    callers.set(name, desk.house.caller(await desk.house.ca.issue({ names: [uri(operatorUri(name))] })))
})
afterAll(() => desk.house.close())

test('every operation of operators says for which duties it is', () => {
  for (const { url, config } of everyOperation) if (config.role === 'operator') expect(config.duty?.length, url).toBeGreaterThan(0)
})

test('a certificate without an account opens nothing', async () => {
  expect(told(await of('nobody').ask('GET', '/v1/banks'))).toEqual([403, 'T3003'])
  expect(told(await of('zhang').ask('GET', '/v1/banks'))).toEqual([200, undefined])
})

test('the list of what waits is for those whose duty it is', async () => {
  for (const { name, duties } of sampleOperators) {
    const { status } = await of(name).ask('GET', '/v1/doubts')
    expect(status, name).toBe(duties.includes('administrator') ? 403 : 200)
  }
})

describe('an office sees its subtree', () => {
  const seenBy = async (name: string, path: string, list: string): Promise<unknown[]> => {
    const { json } = await of(name).ask('GET', `${path}?limit=50`)
    return (json[list] as { officeCode?: string; ticketNo: string }[]).map(found => found.officeCode ?? found.ticketNo)
  }
  test('doubts', async () => {
    for (const officeCode of [furong, tianxin, hetang]) await doubtful(desk, { officeCode })
    expect(await seenBy('zhang', '/v1/doubts', 'doubts')).toEqual([furong, tianxin, hetang])
    expect(await seenBy('zhou', '/v1/doubts', 'doubts')).toEqual([furong, tianxin])
    expect(await seenBy('wu', '/v1/doubts', 'doubts')).toEqual([furong])
    const { json } = await of('wu').ask('GET', `/v1/doubts?officeCode=${hetang}`)
    expect(json.doubts).toEqual([])
  })
  test('breaks', async () => {
    const found = []
    for (const officeCode of [furong, tianxin, hetang]) {
      const { ticketNo, key, amount } = await debited(desk, { officeCode })
      const content = { ...key, kind: 'bank-missing', taxAmount: amount, bankAmount: 0 }
      await approveBy(desk.li, await proposeBy(desk.zhang, 'declare-break', content))
      found.push(ticketNo)
    }
    expect(await seenBy('zhang', '/v1/breaks', 'breaks')).toEqual(found)
    expect(await seenBy('zhou', '/v1/breaks', 'breaks')).toEqual(found.slice(0, 2))
    expect(await seenBy('wu', '/v1/breaks', 'breaks')).toEqual(found.slice(0, 1))
  })
  test('a proposal about another office is not there: to read, to make, to decide', async () => {
    const { key } = await doubtful(desk, { officeCode: hetang })
    expect(told(await of('zhou').ask('POST', '/v1/proposals', proposalOf('resolve-doubt', booked(key, 300))))).toEqual([404, 'T3004'])
    const made = await proposeBy(desk.zhang, 'resolve-doubt', booked(key, 300))
    for (const name of ['zhou', 'wu']) {
      expect(told(await of(name).ask('GET', `/v1/proposals/${made.id}`))).toEqual([404, 'T3004'])
      expect(told(await approveBy(of(name), made))).toEqual([404, 'T3004'])
      expect(told(await rejectBy(of(name), made))).toEqual([404, 'T3004'])
      const { json } = await of(name).ask('GET', '/v1/proposals?limit=200')
      expect((json.proposals as { id: number }[]).map(({ id }) => id)).not.toContain(made.id)
    }
    // Nor about the whole province.
    const halt = await proposeBy(desk.zhang, 'halt-bank', { bankCode: '4306', reason: '升级' })
    expect(told(await of('wu').ask('GET', `/v1/proposals/${halt.id}`))).toEqual([404, 'T3004'])
    expect(told(await approveBy(of('wu'), halt))).toEqual([404, 'T3004'])
    expect(told(await rejectBy(desk.li, halt))).toEqual([200, undefined])
  })
  test('within it two persons decide, wherever in it they are', async () => {
    const { key } = await doubtful(desk, { officeCode: furong })
    const said = await approveBy(of('zhou'), await proposeBy(of('wu'), 'resolve-doubt', booked(key, 300)))
    expect([said.status, said.json.state]).toEqual([200, 'approved'])
  })
})

test('without its duty nobody proposes, approves or rejects', async () => {
  const { key } = await doubtful(desk, { officeCode: furong })
  const made = await proposeBy(desk.zhang, 'resolve-doubt', booked(key, 300))
  for (const name of ['zhao', 'sun']) {
    expect(told(await of(name).ask('POST', '/v1/proposals', proposalOf('resolve-doubt', booked(key, 300))))).toEqual([403, 'T3003'])
    expect(told(await approveBy(of(name), made))).toEqual([403, 'T3003'])
    expect(told(await rejectBy(of(name), made))).toEqual([403, 'T3003'])
  }
})

describe('what counts is how things stand at the approval', () => {
  // As if two administrators had done it, without their telling.
  beforeAll(async () => {
    await desk.house.fresh.db.execute('DROP TRIGGER operator_changes')
  })
  const change = (name: string, set: string) => desk.house.fresh.db.execute(`UPDATE operator SET ${set} WHERE name = ?`, [name])
  const restore = (name: string) => change(name, `state = 'enabled', duties = 'binding-review,accounts', office_code = '${furong}'`)
  test.each([
    ['is disabled', `state = 'disabled'`],
    ['has another duty', `duties = 'auditor'`],
    ['has moved to another office', `office_code = '${hetang}'`],
    ['belongs to an office that is gone', `office_code = '14399000000'`],
  ])('who %s since decides nothing, and what they proposed is not done', async (_what, set) => {
    const [mine, theirs] = [await doubtful(desk, { officeCode: furong }), await doubtful(desk, { officeCode: furong })]
    const byWu = await proposeBy(of('wu'), 'resolve-doubt', booked(mine.key, 300))
    const byZhang = await proposeBy(desk.zhang, 'resolve-doubt', booked(theirs.key, 300))
    await change('wu', set)
    const own = await approveBy(of('wu'), byZhang)
    expect([403, 404]).toContain(own.status)
    const said = await approveBy(desk.li, byWu)
    expect(told(said)).toEqual([409, 'T3014'])
    expect(JSON.stringify(said.json.errors)).toContain('proposer')
    for (const { ticketNo } of [mine, theirs]) expect((await desk.house.store.find(ticketNo))?.state).toBe('unknown')
    await restore('wu')
    expect(told(await approveBy(desk.li, byWu))).toEqual([200, undefined])
    expect(told(await approveBy(of('wu'), byZhang))).toEqual([200, undefined])
  })
})

test('every step of a proposal stands in the audit journal, which only auditors read, without private numbers', async () => {
  const made = await proposeBy(desk.zhang, 'halt-bank', { bankCode: '4306', reason: '升级' })
  await approveBy(desk.li, made, { reason: '账号 4301732304930190908 已核对' })
  const subject = `proposal/${made.id}`
  const { json, text } = await of('sun').ask('GET', `/v1/audit?subject=${subject}`)
  expect(json.entries).toMatchObject([
    { actor: operatorUri('zhang'), action: 'propose', subject, detail: { kind: 'halt-bank', about: '4306', hash: made.hash } },
    { actor: operatorUri('li'), action: 'approve', subject, detail: { reason: '账号 43**** 已核对' } },
  ])
  expect(text).not.toContain('4301732304930190908')
  for (const name of ['zhang', 'zhao', 'wu']) expect(told(await of(name).ask('GET', '/v1/audit'))).toEqual([403, 'T3003'])
  // In pages, each once, and whole.
  const seen: number[] = []
  for (let cursor = ''; ; ) {
    const page = (await of('sun').ask('GET', `/v1/audit?limit=7${cursor}`)).json as { entries: { seq: number }[]; next?: string }
    seen.push(...page.entries.map(({ seq }) => seq))
    if (page.next === undefined) break
    cursor = `&cursor=${page.next}`
  }
  expect(seen).toEqual(Array.from({ length: seen.length }, (_, i) => i + 1))
  expect(await desk.house.store.audit.verify([])).toMatchObject({ broken: undefined, head: { seq: seen.length } })
})
