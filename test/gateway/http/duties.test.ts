import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sampleOperators } from '../../../gateway/day/operators.ts'
import { operatorUri } from '../../../gateway/domain/operator.ts'
import { everyOperation } from '../../../gateway/http/every-operation.ts'
import { waitingChange } from '../agreements.ts'
import { uri } from './certificates.ts'
import type { Caller } from './house.ts'
import {
  approveBy,
  booked,
  type Content,
  type Desk,
  debited,
  doubtful,
  notBooked,
  openDesk,
  proposalOf,
  proposeBy,
  rejectBy,
  told,
  withdrawBy,
} from './operators.ts'

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
    for (const officeCode of [furong, tianxin, hetang]) {
      const { key, amount } = await debited(desk, { officeCode })
      const content = { ...key, kind: 'bank-missing', taxAmount: amount, bankAmount: 0 }
      await approveBy(desk.li, await proposeBy(desk.zhang, 'declare-break', content))
    }
    expect(await seenBy('zhang', '/v1/breaks', 'breaks')).toEqual([furong, tianxin, hetang])
    expect(await seenBy('zhou', '/v1/breaks', 'breaks')).toEqual([furong, tianxin])
    expect(await seenBy('wu', '/v1/breaks', 'breaks')).toEqual([furong])
  })
  test('a proposal about another office is not there: to read, to make, to decide', async () => {
    const { key } = await doubtful(desk, { officeCode: hetang })
    expect(told(await of('zhou').ask('POST', '/v1/proposals', proposalOf('resolve-doubt', booked(key, 300))))).toEqual([404, 'T3004'])
    const made = await proposeBy(desk.zhang, 'resolve-doubt', booked(key, 300))
    for (const name of ['zhou', 'wu']) {
      expect(told(await of(name).ask('GET', `/v1/proposals/${made.id}`))).toEqual([404, 'T3004'])
      expect(told(await approveBy(of(name), made))).toEqual([404, 'T3004'])
      expect(told(await rejectBy(of(name), made))).toEqual([404, 'T3004'])
      expect(told(await withdrawBy(of(name), made))).toEqual([404, 'T3004'])
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

describe('nobody learns how things stand out of their sight', () => {
  const ask = async (name: string, kind: string, content: Content) =>
    told(await of(name).ask('POST', '/v1/proposals', proposalOf(kind, content)))
  const paper = { paperNo: '1', paperDate: '2026-11-02' }
  test('neither whether it is there, nor whether it can be done', async () => {
    const { key } = await debited(desk, { officeCode: hetang })
    const unknown = { ...key, serialNo: '99999999' }
    const agreementNo = `XY4301${hetang}`
    for (const [kind, content] of [
      ['resolve-doubt', notBooked(key)],
      ['resolve-doubt', notBooked(unknown)],
      ['declare-break', { ...key, kind: 'bank-missing', taxAmount: 1, bankAmount: 0 }],
      ['declare-break', { ...unknown, kind: 'bank-missing', taxAmount: 1, bankAmount: 0 }],
      ['change-account', { agreementNo }],
      ['change-account', { agreementNo: 'XY0' }],
    ] as const) {
      expect([kind, await ask('wu', kind, content)]).toEqual([kind, [404, 'T3004']])
      expect([kind, await ask('zhang', kind, content)]).toEqual([kind, [409, 'T3014']])
    }
    // At home one is told.
    expect(await ask('wu', 'resolve-doubt', notBooked({ ...unknown, officeCode: furong }))).toEqual([409, 'T3014'])
    expect(await ask('wu', 'change-account', { agreementNo: `XY4301${furong}` })).toEqual([409, 'T3014'])
  })
  test('nor how a bank stands elsewhere', async () => {
    const account = { name: 'tang', displayName: '唐宁', officeCode: '14301000000', duties: 'information-centre' }
    await approveBy(of('qian'), await proposeBy(of('zhao'), 'add-operator', account))
    callers.set('tang', desk.house.caller(await desk.house.ca.issue({ names: [uri(operatorUri('tang'))] })))
    const move = (cityCode: string, event: string) => ({ bankCode: '4301', cityCode, event, ...paper })
    for (const [cityCode, event] of [
      ['14302000000', 'activate'],
      ['14302000000', 'suspend'],
      ['14309990000', 'suspend'],
    ] as const)
      expect(await ask('tang', 'move-bank-in-city', move(cityCode, event))).toEqual([404, 'T3004'])
    expect(await ask('tang', 'move-bank-in-city', move('14301000000', 'activate'))).toEqual([409, 'T3014'])
    expect(await ask('tang', 'halt-bank', { bankCode: '9999', reason: 'x' })).toEqual([404, 'T3004'])
  })
  test('the list of banks has the cities and the backlog of one’s own offices', async () => {
    type Bank = { readonly bankCode: string; readonly cities: readonly { readonly cityCode: string }[]; readonly backlog: Backlog }
    type Backlog = { readonly doubtful: number }
    const bankOf = async (name: string) =>
      ((await of(name).ask('GET', '/v1/banks')).json.banks as Bank[]).find(({ bankCode }) => bankCode === '4301')!
    const before = await Promise.all(['zhang', 'zhou', 'wu'].map(bankOf))
    await doubtful(desk, { officeCode: hetang })
    await doubtful(desk, { officeCode: tianxin })
    const after = await Promise.all(['zhang', 'zhou', 'wu'].map(bankOf))
    expect(after.map(({ backlog }, i) => backlog.doubtful - before[i]!.backlog.doubtful)).toEqual([2, 1, 0])
    const [whole, ...parts] = after.map(({ cities }) => cities.map(({ cityCode }) => cityCode))
    expect(whole!.length).toBeGreaterThan(1)
    for (const cities of parts) expect(cities).toEqual(['14301000000'])
  })
})

describe('an account that has moved while a proposal about it waited', () => {
  const county = { officeCode: furong, displayName: '某人' }
  const add = async (name: string, duties: string): Promise<void> => {
    await approveBy(of('qian'), await proposeBy(of('zhao'), 'add-operator', { ...county, name, duties }))
    callers.set(name, desk.house.caller(await desk.house.ca.issue({ names: [uri(operatorUri(name))] })))
  }
  const moveTo = async (name: string, officeCode: string) =>
    told(
      await approveBy(
        of('qian'),
        await proposeBy(of('zhao'), 'change-operator', { ...county, name, officeCode, duties: 'accounts', state: 'enabled' }),
      ),
    )
  test('is out of reach of those who see only where it was', async () => {
    for (const name of ['county-one', 'county-two']) await add(name, 'administrator')
    await add('mover', 'accounts')
    const made = await proposeBy(of('county-one'), 'reset-operator', { name: 'mover' })
    expect(await moveTo('mover', '14300000000')).toEqual([200, undefined])
    const said = await approveBy(of('county-two'), made)
    expect([told(said), JSON.stringify(said.json.errors)]).toEqual([[409, 'T3014'], expect.stringContaining('moved')])
    // Nothing has come of it: what is open is the enrolment that the account began with.
    const open = await desk.house.store.sessions.openEnrolment('mover', desk.house.flow.clock())
    expect(open).toMatchObject({ proposedBy: operatorUri('zhao') })
    // Back where it was, it may be done.
    expect(await moveTo('mover', furong)).toEqual([200, undefined])
    expect(told(await approveBy(of('county-two'), made))).toEqual([200, undefined])
    for (const name of ['zhang', 'no-one']) {
      const stranger = await of('county-one').ask('POST', '/v1/proposals', proposalOf('reset-operator', { name }))
      expect([name, told(stranger)]).toEqual([name, [404, 'T3004']])
    }
  })
  test('of the administrators who see the whole province two stay, however many there are elsewhere', async () => {
    const qian = { name: 'qian', displayName: '钱进', officeCode: furong, duties: 'administrator', state: 'enabled' }
    const made = await proposeBy(of('zhao'), 'change-operator', qian)
    expect(told(await approveBy(of('qian'), made))).toEqual([409, 'T3014'])
    expect(await desk.house.store.operators.find('qian')).toMatchObject({ office: '14300000000' })
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

test('what is private stands masked in the audit journal, which is for ever: as the subject of a proposal, and in reasons however they are typed', async () => {
  const agreementNo = await waitingChange(desk.house.flow, 'urn:taxlink:tax-system:ets')
  const made = await proposeBy(desk.zhang, 'change-account', { agreementNo })
  await approveBy(desk.li, made, { reason: '账号 4301 7323 0493 0190,另一个 ４３０１７３２３０４９３' })
  const entries = await desk.house.store.audit.list({ subject: `proposal/${made.id}` }, 0, 10)
  const text = JSON.stringify(entries)
  expect(text).not.toContain(agreementNo)
  for (const part of ['7323', '７３２３']) expect(text).not.toContain(part)
  for (const { detail } of entries) expect(JSON.parse(detail)).toMatchObject({ about: expect.stringContaining('**') })
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
