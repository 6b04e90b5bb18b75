import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sampleOperators } from '../../../gateway/day/operators.ts'
import { operatorUri } from '../../../gateway/domain/operator.ts'
import { signIn as tryIn } from '../../../gateway/flows/sign-in.ts'
import { codeAt, stepOf } from '../../../gateway/flows/totp.ts'
import { uri } from './certificates.ts'
import type { Answered, Caller } from './house.ts'
import { approveBy, type Desk, openDesk, proposalOf, proposeBy, told } from './operators.ts'

// Signing in over real TLS, without a certificate: two factors, sessions, and how a person comes to a password without any administrator knowing it.

let desk: Desk
const callers = new Map<string, Caller>()
const of = (name: string): Caller => callers.get(name)!
let ahead = 0
const pass = (ms: number) => {
  ahead += ms
  desk.later(ms)
}
const minute = 60_000
beforeAll(async () => {
  desk = await openDesk()
  for (const { name } of sampleOperators)
    callers.set(name, desk.house.caller(await desk.house.ca.issue({ names: [uri(operatorUri(name))], to: 1_000_000 })))
})
afterAll(() => desk.house.close())

const base32 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'
const secretIn = (otpauth: string): Buffer => {
  const bits = Array.from(/secret=([A-Z2-7]+)/.exec(otpauth)![1]!, char => base32.indexOf(char).toString(2).padStart(5, '0')).join('')
  return Buffer.from(bits.match(/.{8}/g)!.map(byte => Number.parseInt(byte, 2)))
}
const stepNow = () => stepOf(new Date(Date.now() + ahead))

type Enrolled = { readonly name: string; readonly password: string; readonly secret: Buffer }
let places = 0
/** A caller without a certificate, from a machine of its own. */
const anonymous = (localAddress = `127.1.${++places >> 8}.${places & 255}`) => desk.house.caller(undefined, { localAddress })
const tries = (path: string, body: () => unknown) => {
  pass(minute)
  return anonymous().ask('POST', path, body())
}
const signIn = ({ name, password }: Pick<Enrolled, 'name' | 'password'>, code: string | Buffer) =>
  tries('/v1/sessions', () => ({ name, password, code: typeof code === 'string' ? code : codeAt(code, stepNow()) }))
const codeFrom = async (administrator: string, proposalId: number): Promise<string> => {
  const said = await of(administrator).ask('POST', '/v1/enrolment-codes', { proposalId })
  expect(said.status).toBe(201)
  return said.json.code as string
}
const reset = async (name: string): Promise<number> => {
  const made = await proposeBy(of('zhao'), 'reset-operator', { name })
  expect(told(await approveBy(of('qian'), made))).toEqual([200, undefined])
  return made.id
}
const password = '正确的马 电池 订书钉 再加几个字'
const enrolled = async (name: string): Promise<Enrolled> => {
  const id = await reset(name)
  const [proposerCode, approverCode] = [await codeFrom('zhao', id), await codeFrom('qian', id)]
  const said = await tries('/v1/enrolments', () => ({ name, password, proposerCode, approverCode }))
  expect([said.status, said.json.errors]).toEqual([201, undefined])
  return { name, password, secret: secretIn(said.json.otpauth as string) }
}
/** A browser with the cookie of a session, and a page that knows its token. */
const browser = (said: Answered) => {
  const cookie = said.headers['set-cookie']![0]!.split(';')[0]!
  const csrf = said.json.csrfToken as string
  const caller = anonymous()
  const ask = (method: string, path: string, body?: unknown, headers: { readonly [name: string]: string } = { 'x-csrf-token': csrf }) =>
    caller.ask(method, path, body, { cookie, ...headers })
  return { cookie, csrf, ask }
}
const signedIn = async (person: Enrolled) => browser(await signIn(person, person.secret))

describe('a session', () => {
  test('is begun with both factors, does what its person may, and ends', async () => {
    const zhang = await enrolled('zhang')
    const said = await signIn(zhang, zhang.secret)
    expect(said.status).toBe(201)
    expect(said.headers['set-cookie']).toEqual([
      expect.stringMatching(/^__Host-taxlink=[A-Za-z0-9_-]{43}; Path=\/; Secure; HttpOnly; SameSite=Strict$/),
    ])
    expect(said.headers['cache-control']).toBe('no-store')
    expect(said.json).toMatchObject({ name: 'zhang', displayName: '张敏', level: 'province', by: 'session' })
    const page = browser(said)
    expect((await page.ask('GET', '/v1/operators/me', undefined, {})).json).toEqual(said.json)
    const made = await page.ask('POST', '/v1/proposals', proposalOf('halt-bank', { bankCode: '4306', reason: '升级' }))
    expect([made.status, made.json.proposedBy]).toEqual([201, operatorUri('zhang')])
    expect(told(await page.ask('POST', `/v1/proposals/${String(made.json.id)}/approval`, { hash: made.json.hash }))).toEqual([403, 'T3011'])
    expect(told(await page.ask('GET', '/v1/audit'))).toEqual([403, 'T3003'])
    await page.ask('POST', `/v1/proposals/${String(made.json.id)}/withdrawal`, { reason: '提错了' })
    const out = await page.ask('DELETE', '/v1/sessions/current')
    expect([out.status, out.headers['set-cookie']?.[0]]).toEqual([204, expect.stringContaining('Max-Age=0')])
    expect(told(await page.ask('GET', '/v1/operators/me'))).toEqual([401, 'T3002'])
  })

  test('by certificate one is known as before, without any of this', async () => {
    const { json } = await of('zhou').ask('GET', '/v1/operators/me')
    expect(json).toEqual({
      name: 'zhou',
      displayName: '周涛',
      officeCode: '14301000000',
      level: 'city',
      duties: ['binding-review', 'accounts'],
      by: 'certificate',
    })
    expect(told(await desk.ets.ask('GET', '/v1/operators/me'))).toEqual([403, 'T3003'])
    expect(told(await anonymous().ask('GET', '/v1/operators/me'))).toEqual([401, 'T3002'])
  })

  test('changes nothing without the token of its page: another site has only the cookie', async () => {
    const li = await enrolled('li')
    const [page, other] = [await signedIn(li), await signedIn(li)]
    const order = proposalOf('halt-bank', { bankCode: '4306', reason: '升级' })
    for (const headers of [{}, { 'x-csrf-token': '' }, { 'x-csrf-token': other.csrf }, { 'x-csrf-token': 'a'.repeat(64) }] as const)
      for (const [method, path, body] of [
        ['POST', '/v1/proposals', order],
        ['DELETE', '/v1/sessions/current', undefined],
      ] as const)
        expect(told(await page.ask(method, path, body, headers as { [name: string]: string }))).toEqual([403, 'T3023'])
    expect(told(await page.ask('GET', '/v1/proposals', undefined, {}))).toEqual([200, undefined])
    const { json } = await page.ask('GET', '/v1/proposals?state=proposed')
    expect(json.proposals).toEqual([])
  })

  test('is nobody’s with a cookie that is none, or two', async () => {
    const li = await enrolled('li')
    const { cookie } = await signedIn(li)
    const token = cookie.split('=')[1]!
    for (const wrong of [
      '',
      '__Host-taxlink=',
      `__Host-taxlink=${token.slice(1)}A`,
      `__Host-taxlink=${'A'.repeat(43)}; ${cookie}`,
      `taxlink=${token}`,
      `__Host-taxlink="${token}"`,
      `__Host-taxlink=${token}' OR 1`,
    ])
      expect(told(await anonymous().ask('GET', '/v1/operators/me', undefined, { cookie: wrong })), wrong).toEqual([401, 'T3002'])
    expect(told(await anonymous().ask('GET', '/v1/operators/me', undefined, { cookie: `a=b; ${cookie}; c=d` }))).toEqual([200, undefined])
  })

  test('ends after half an hour of nothing, and after twelve hours however busy', async () => {
    const li = await enrolled('li')
    const idle = await signedIn(li)
    pass(29 * minute)
    expect((await idle.ask('GET', '/v1/banks')).status).toBe(200)
    pass(29 * minute)
    expect((await idle.ask('GET', '/v1/banks')).status).toBe(200)
    pass(30 * minute)
    expect(told(await idle.ask('GET', '/v1/banks'))).toEqual([401, 'T3002'])
    const busy = await signedIn(li)
    for (let half = 0; half < 24; half++) {
      expect((await busy.ask('GET', '/v1/operators/me')).status).toBe(200)
      pass(29 * minute)
    }
    expect((await busy.ask('GET', '/v1/operators/me')).status).toBe(200)
    pass(25 * minute)
    expect(told(await busy.ask('GET', '/v1/operators/me'))).toEqual([401, 'T3002'])
  })

  test('ends with the password it was begun with, except the one that changes it', async () => {
    const li = await enrolled('li')
    const [page, other] = [await signedIn(li), await signedIn(li)]
    const next = '另一匹马 电池 订书钉 再加几个字'
    const change = (body: object) => {
      pass(minute)
      return page.ask('POST', '/v1/operators/me/password', { code: codeAt(li.secret, stepNow()), ...body })
    }
    expect(told(await change({ password: 'wrong', next }))).toEqual([403, 'T3021'])
    expect(told(await change({ password: li.password, code: '000000', next }))).toEqual([403, 'T3021'])
    const weak = await change({ password: li.password, next: 'short' })
    expect([told(weak), (weak.json.errors as { pointer: string }[])[0]!.pointer]).toEqual([[422, 'T3001'], '/next'])
    expect(told(await change({ password: li.password, next }))).toEqual([200, undefined])
    expect((await page.ask('GET', '/v1/operators/me')).status).toBe(200)
    expect(told(await other.ask('GET', '/v1/operators/me'))).toEqual([401, 'T3002'])
    expect(told(await signIn(li, li.secret))).toEqual([401, 'T3021'])
    expect((await signIn({ ...li, password: next }, li.secret)).status).toBe(201)
  })
})

describe('whoever guesses', () => {
  const told1 = ({ status, json, headers }: Answered) => {
    const { instance: _instance, ...body } = json
    return [status, body, headers['set-cookie']]
  }
  test('learns nothing: no such person, wrong password, wrong code, used code, locked, disabled, never enrolled', async () => {
    const wang = await enrolled('wang')
    pass(minute)
    const shown = { name: 'wang', password, code: codeAt(wang.secret, stepNow()) }
    expect((await anonymous().ask('POST', '/v1/sessions', shown)).status).toBe(201)
    const answers = [
      // Seen over the shoulder, and used once already.
      await anonymous().ask('POST', '/v1/sessions', shown),
      await signIn({ name: 'nobody', password }, '123456'),
      await signIn({ name: 'zhou', password }, '123456'),
      await signIn({ ...wang, password: 'wrong' }, wang.secret),
      await signIn(wang, codeAt(wang.secret, stepNow() - 9)),
    ]
    for (let i = 0; i < 3; i++) answers.push(await signIn(wang, codeAt(wang.secret, stepNow() - 9)))
    // Locked by now: even what is right does not open it.
    answers.push(await signIn(wang, wang.secret))
    for (const answer of answers) expect(told1(answer)).toEqual(told1(answers[0]!))
    expect(told(answers[0]!)).toEqual([401, 'T3021'])
    pass(15 * minute)
    expect((await signIn(wang, wang.secret)).status).toBe(201)
  })

  test('keeps nobody out: without the password an account is never locked, however often and from wherever it is tried', async () => {
    const wang = await enrolled('wang')
    for (let i = 0; i < 30; i++) expect(told(await signIn({ ...wang, password: 'wrong' }, '123456'))).toEqual([401, 'T3021'])
    expect((await signIn(wang, wang.secret)).status).toBe(201)
    expect((await desk.house.store.operators.credentials('wang'))?.tries).toEqual({ failures: 0, lockedUntil: undefined })
  })

  test('stands in the audit journal as somebody unknown at an address, never as the person who was tried to be', async () => {
    const wang = await enrolled('wang')
    pass(minute)
    const { audit } = desk.house.store
    const { seq } = await audit.head()
    const code = codeAt(wang.secret, stepNow())
    await anonymous('127.2.0.1').ask('POST', '/v1/sessions', { name: 'wang', password: 'wrong', code })
    await anonymous('127.2.0.2').ask('POST', '/v1/sessions', { name: 'my-secret', password: 'wrong', code })
    await anonymous('127.2.0.3').ask('POST', '/v1/sessions', { name: 'wang', password, code })
    const codes = { proposerCode: 'A'.repeat(16), approverCode: 'B'.repeat(16) }
    for (const name of ['wang', 'zhou']) await anonymous('127.2.0.4').ask('POST', '/v1/enrolments', { name, password, ...codes })
    const entries = await audit.list({}, seq, 10)
    expect(entries.map(({ actor, action, subject, detail }) => [actor, action, subject, JSON.parse(detail)])).toEqual([
      ['unknown', 'sign-in-refused', 'operator/wang', { from: '127.2.0.1' }],
      ['unknown', 'sign-in-refused', 'operator', { from: '127.2.0.2' }],
      [operatorUri('wang'), 'sign-in', 'operator/wang', { from: '127.2.0.3' }],
      ['unknown', 'enrol-refused', 'operator/wang', { from: '127.2.0.4' }],
      ['unknown', 'enrol-refused', 'operator', { from: '127.2.0.4' }],
    ])
  })

  test('at once a hundred times has no more tries of a code than five', async () => {
    const wang = await enrolled('wang')
    const { operators } = desk.house.store
    pass(30_000)
    const keys = desk.house.keys
    const tryOnce = (change: { password?: string; code: string }) =>
      tryIn(desk.house.flow, keys, { ...wang, ...change }, { now: desk.house.flow.clock(), from: '127.0.0.1' })
    const said = await Promise.all(Array.from({ length: 40 }, () => tryOnce({ code: '000000' })))
    expect(said.filter(Boolean)).toEqual([])
    const after = (await operators.credentials('wang'))!
    expect(after.tries.failures).toBe(5)
    expect(after.tries.lockedUntil).toBeDefined()
    // The same code at once opens one session.
    pass(16 * minute)
    const code = codeAt(wang.secret, stepNow())
    const both = await Promise.all(Array.from({ length: 6 }, () => tryOnce({ code })))
    expect(both.filter(Boolean)).toHaveLength(1)
  })

  test('is held up: ten failures a minute from one place, five in a quarter of an hour with one name; what is good is not counted', async () => {
    const [wang, place] = [await enrolled('wang'), anonymous('127.3.0.1')]
    pass(minute)
    const wrong = async (name: string) => place.ask('POST', '/v1/sessions', { name, password: 'x', code: '123456' })
    const said = []
    for (let i = 0; i < 7; i++) said.push(await wrong('nobody'))
    expect(said.map(({ status }) => status)).toEqual([401, 401, 401, 401, 401, 429, 429])
    expect(told(said[6]!)).toEqual([429, 'T3022'])
    expect(Number(said[6]!.headers['retry-after'])).toBeGreaterThan(60)
    expect(Number(said[6]!.headers['retry-after'])).toBeLessThanOrEqual(900)
    for (const name of ['a', 'b', 'c', 'd']) expect((await wrong(name)).status).toBe(401)
    const good = await place.ask('POST', '/v1/sessions', { name: 'wang', password, code: codeAt(wang.secret, stepNow()) })
    expect(good.status).toBe(201)
    expect((await wrong('e')).status).toBe(401)
    const full = await wrong('f')
    expect([told(full), Number(full.headers['retry-after']) <= 60]).toEqual([[429, 'T3022'], true])
    // Other places are no worse off for it.
    expect((await anonymous().ask('POST', '/v1/sessions', { name: 'nobody', password: 'x', code: '123456' })).status).toBe(401)
    pass(minute)
    expect((await wrong('g')).status).toBe(401)
    expect((await wrong('nobody')).status).toBe(429)
    pass(15 * minute)
    expect((await wrong('nobody')).status).toBe(401)
  })

  test('with something that is no name, password or code is told only that', async () => {
    for (const body of [
      {},
      { name: 'x', password: 'x' },
      { name: "' OR 1", password: 'x', code: '123456' },
      { name: 'x', password: 'x', code: '12345' },
    ]) {
      const said = await tries('/v1/sessions', () => body)
      expect(told(said)).toEqual([422, 'T3001'])
    }
  })
})

describe('an enrolment', () => {
  test('needs the codes of both administrators, each from their own, once and in time', async () => {
    const id = await reset('li')
    for (const stranger of ['zhang', 'sun'])
      expect(told(await of(stranger).ask('POST', '/v1/enrolment-codes', { proposalId: id }))).toEqual([403, 'T3003'])
    expect(told(await of('zhao').ask('POST', '/v1/enrolment-codes', { proposalId: 999_999 }))).toEqual([404, 'T3004'])
    const first = await codeFrom('zhao', id)
    const enrol = (proposerCode: string, approverCode: string, change: object = {}) =>
      tries('/v1/enrolments', () => ({ name: 'li', password, proposerCode, approverCode, ...change }))
    const none = 'A'.repeat(16)
    // One of them alone, in whatever way.
    expect(told(await enrol(first, first))).toEqual([401, 'T3021'])
    expect(told(await enrol(first, none))).toEqual([401, 'T3021'])
    const second = await codeFrom('qian', id)
    expect(told(await enrol(second, first))).toEqual([401, 'T3021'])
    expect(told(await enrol(first, second, { name: 'wang' }))).toEqual([401, 'T3021'])
    const weak = await enrol(first, second, { password: 'li li li li li' })
    expect(told(weak)).toEqual([422, 'T3001'])
    const newer = await codeFrom('zhao', id)
    expect(told(await enrol(first, second))).toEqual([401, 'T3021'])
    const said = await enrol(newer, second)
    expect(said.status).toBe(201)
    expect(told(await enrol(newer, second))).toEqual([401, 'T3021'])
    expect(told(await of('zhao').ask('POST', '/v1/enrolment-codes', { proposalId: id }))).toEqual([404, 'T3004'])
    expect((await signIn({ name: 'li', password }, secretIn(said.json.otpauth as string))).status).toBe(201)
  })
  test('is over after a day, after five wrong tries, and with the next reset', async () => {
    const enrol = (proposerCode: string, approverCode: string) =>
      tries('/v1/enrolments', () => ({ name: 'li', password, proposerCode, approverCode }))
    const late = await reset('li')
    const [a, b] = [await codeFrom('zhao', late), await codeFrom('qian', late)]
    pass(24 * 60 * minute)
    expect(told(await enrol(a, b))).toEqual([401, 'T3021'])
    const spoilt = await reset('li')
    const [c, d] = [await codeFrom('zhao', spoilt), await codeFrom('qian', spoilt)]
    for (let i = 0; i < 5; i++) expect(told(await enrol(c, 'A'.repeat(16)))).toEqual([401, 'T3021'])
    expect(told(await enrol(c, d))).toEqual([401, 'T3021'])
    // Who has neither code spoils nothing.
    const whole = await reset('li')
    const [g, h] = [await codeFrom('zhao', whole), await codeFrom('qian', whole)]
    for (let i = 0; i < 6; i++) expect(told(await enrol('B'.repeat(16), 'A'.repeat(16)))).toEqual([401, 'T3021'])
    expect((await enrol(g, h)).status).toBe(201)
    const before = await reset('li')
    const [e, f] = [await codeFrom('zhao', before), await codeFrom('qian', before)]
    await reset('li')
    expect(told(await enrol(e, f))).toEqual([401, 'T3021'])
  })
  test('a reset ends sessions and password at once', async () => {
    const li = await enrolled('li')
    const page = await signedIn(li)
    await reset('li')
    expect(told(await page.ask('GET', '/v1/operators/me'))).toEqual([401, 'T3002'])
    expect(told(await signIn(li, li.secret))).toEqual([401, 'T3021'])
  })
})

describe('accounts', () => {
  const chen = { name: 'chen', displayName: '陈晨', officeCode: '14301020000', duties: 'accounts' }
  const byTwo = async (kind: string, content: object) => approveBy(of('qian'), await proposeBy(of('zhao'), kind, { ...content }))
  const listed = async (who: string) => {
    const { json } = await of(who).ask('GET', '/v1/operators')
    return (json.operators as { name: string }[]).map(({ name }) => name)
  }
  test('are added, changed and disabled by two administrators; the next request already counts', async () => {
    expect(told(await byTwo('add-operator', chen))).toEqual([200, undefined])
    expect(await listed('zhao')).toContain('chen')
    const caller = desk.house.caller(await desk.house.ca.issue({ names: [uri(operatorUri('chen'))], to: 1_000_000 }))
    expect((await caller.ask('GET', '/v1/doubts')).status).toBe(200)
    await byTwo('change-operator', { ...chen, duties: 'auditor', state: 'enabled' })
    expect((await caller.ask('GET', '/v1/audit')).status).toBe(200)
    await byTwo('change-operator', { ...chen, state: 'disabled' })
    expect(told(await caller.ask('GET', '/v1/doubts'))).toEqual([403, 'T3003'])
    const again = await of('zhao').ask('POST', '/v1/proposals', proposalOf('add-operator', chen))
    expect(told(again)).toEqual([409, 'T3014'])
  })
  test('are not made with what is no name, office or duty, nor with duties that do not go together', async () => {
    for (const [change, pointer] of [
      [{ name: 'Chen' }, '/content/name'],
      [{ duties: 'accounts,administrator' }, '/content/duties'],
      [{ duties: 'auditor,accounts' }, '/content/duties'],
      [{ duties: 'accounts,accounts' }, '/content/duties'],
      [{ duties: 'god' }, '/content/duties'],
      [{ duties: '' }, '/content/duties'],
    ] as const) {
      const said = await of('zhao').ask('POST', '/v1/proposals', proposalOf('add-operator', { ...chen, name: 'new', ...change }))
      expect([said.status, JSON.stringify(said.json.errors)]).toEqual([422, expect.stringContaining(pointer)])
    }
    const nowhere = await of('zhao').ask(
      'POST',
      '/v1/proposals',
      proposalOf('add-operator', { ...chen, name: 'new', officeCode: '14309990000' }),
    )
    expect(told(nowhere)).toEqual([409, 'T3014'])
  })
  test('of administrators two stay, or nobody could change anything any more', async () => {
    const qian = { name: 'qian', displayName: '钱进', officeCode: '14300000000' }
    for (const change of [
      { duties: 'administrator', state: 'disabled' },
      { duties: 'accounts', state: 'enabled' },
    ]) {
      const made = await proposeBy(of('zhao'), 'change-operator', { ...qian, ...change })
      expect(told(await approveBy(of('qian'), made))).toEqual([409, 'T3014'])
      await of('zhao').ask('POST', `/v1/proposals/${made.id}/withdrawal`, { reason: 'x' })
    }
  })
  test('are listed to administrators and auditors', async () => {
    expect(await listed('sun')).toEqual(expect.arrayContaining(sampleOperators.map(({ name }) => name)))
    for (const name of ['zhang', 'wu']) expect(told(await of(name).ask('GET', '/v1/operators'))).toEqual([403, 'T3003'])
    const { json } = await of('sun').ask('GET', '/v1/operators?limit=2')
    const next = (await of('sun').ask('GET', `/v1/operators?limit=2&cursor=${String(json.next)}`)).json
    expect([json, next].flatMap(page => (page.operators as { name: string }[]).map(({ name }) => name))).toEqual(
      (await listed('sun')).slice(0, 4),
    )
  })
})

test('nothing of all this stands anywhere it could be read: no password, code, token or secret in record, notes or journal', async () => {
  const li = await enrolled('li')
  const said = await signIn(li, li.secret)
  const token = /__Host-taxlink=([^;]+)/.exec(said.headers['set-cookie']![0]!)![1]!
  await signIn({ name: 'my-secret-word', password: 'x' }, '123456')
  const rows = []
  for (const table of ['operator', 'operator_session', 'enrolment', 'audit', 'proposal'])
    rows.push(...(await desk.house.fresh.db.query<{ [column: string]: unknown }>(`SELECT * FROM ${table}`)))
  const text = JSON.stringify([rows, desk.house.notes], (_key, value: unknown) =>
    typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer' && 'data' in value
      ? Buffer.from(value.data as number[]).toString('latin1')
      : value,
  )
  for (const secret of [li.password, token, li.secret.toString('latin1'), said.json.csrfToken as string, 'my-secret-word'])
    expect(text).not.toContain(secret)
  const { broken } = await desk.house.store.audit.verify([])
  expect(broken).toBeUndefined()
  const actions = new Set((await desk.house.store.audit.list({}, 0, 10_000)).map(({ action }) => action))
  for (const action of [
    'sign-in',
    'sign-in-refused',
    'sign-out',
    'change-password',
    'change-password-refused',
    'give-code',
    'enrol',
    'enrol-refused',
  ])
    expect([...actions]).toContain(action)
})
