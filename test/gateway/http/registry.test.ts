import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Reference, withRegistry } from '../../../gateway/domain/reference.ts'
import { later, shanghaiDate } from '../../../gateway/domain/time.ts'
import { lineKinds } from '../../../gateway/flows/register.ts'
import { writeActive } from '../agreements.ts'
import { until } from '../stage.ts'
import { uri } from './certificates.ts'
import { type Answered, type Caller, order, refused, succeeded, timedOut } from './house.ts'
import { approveBy, type Content, type Desk, doneByTwo, openDesk, operator, proposalOf, proposeBy, told } from './operators.ts'

// The registry over real TLS: a bank from its application to its first debit, and what keeps it from there.

let desk: Desk
let chen: Caller
beforeAll(async () => {
  desk = await openDesk()
  await writeActive(desk.house.fresh.db, [order({ bankCode: '4399' })])
  const account = { name: 'chen', displayName: '陈晨', officeCode: '14301000000', duties: 'information-centre' }
  await approveBy(desk.of('qian'), await proposeBy(desk.of('zhao'), 'add-operator', account))
  chen = desk.house.caller(await desk.house.ca.issue({ names: [uri(operator('chen'))], to: 1_000_000 }))
})
afterAll(() => desk.house.close())

const paper = { paperNo: '湘银电缴〔2026〕5号', paperDate: '2026-10-20' }
const city = '14301000000'
const bank = { bankCode: '4399' }
const place = { ...bank, cityCode: city }
let orders = 0
const enter = (event: string, content: Content, who = desk.zhang, orderNo = `r-${++orders}`): Promise<Answered> =>
  who.ask('POST', '/v1/registry-lines', { orderNo, event, content: { ...content, ...paper } })
const entered = async (event: string, content: Content): Promise<void> => {
  const said = await enter(event, content)
  expect([event, said.status, said.json.errors]).toEqual([event, 201, undefined])
}
const move = (event: string) => doneByTwo(desk, 'move-bank', { ...bank, event, ...paper })
const moveInCity = (event: string, more: Content = {}) => doneByTwo(desk, 'move-bank-in-city', { ...place, event, ...paper, ...more })
const objected = async (kind: string, content: Content, what: RegExp) => {
  const said = await desk.zhang.ask('POST', '/v1/proposals', proposalOf(kind, { ...content, ...paper }))
  expect(told(said)).toEqual([409, 'T3014'])
  expect(JSON.stringify(said.json.errors)).toMatch(what)
}
const dossier = async (who = desk.zhang, code = '4399') => (await who.ask('GET', `/v1/banks/${code}`)).json
/** The gateway looks at the registry again, as it does every second. */
const refreshed = async () => {
  const { flow, store } = desk.house
  const loaded = (await store.reference())!
  const now: Reference = withRegistry(loaded, await store.registry.read(), shanghaiDate(flow.clock()))
  Object.assign(flow, { reference: () => now })
}
const debit = async (): Promise<unknown> => {
  await refreshed()
  desk.house.say(succeeded)
  const { json } = await desk.ets.ask('POST', '/v1/debits', order({ bankCode: '4399' }), { prefer: 'wait=20' })
  return json.state === 'succeeded' ? 'succeeded' : (json.result as { bankText?: string }).bankText
}

describe('衡山银行, from its application to its first debit', () => {
  test('applied: nothing else can be done, and no debit passes', async () => {
    expect(await debit()).toMatch(/未取得代理资格/)
    await objected('move-bank', { ...bank, event: 'qualify' }, /no such step|there is no qualify/)
    expect(told(await enter('certify', { ...bank, validTo: '2028-12-31' }))).toEqual([409, 'T3014'])
    expect(told(await enter('prepare', place))).toEqual([409, 'T3014'])
    expect(await dossier()).toMatchObject({ province: 'applied', evidence: [], cities: [], accounts: [] })
  })
  test('the four conditions, the agreement, the certificate; what lacks is named', async () => {
    await entered('agree', bank)
    await entered('certify', { ...bank, validTo: '2099-12-31' })
    for (const condition of ['standing', 'software', 'conduct']) await entered('evidence', { ...bank, condition, finding: '核实无误' })
    await objected('move-bank', { ...bank, event: 'qualify' }, /通存通兑/)
    expect((await dossier()).missing).toEqual(['clearing'])
    await entered('evidence', { ...bank, condition: 'clearing', finding: '核实无误' })
    expect((await dossier()).missing).toEqual([])
  })
  test('what was proposed is not done where it has been entered meanwhile that it must not be', async () => {
    const made = await proposeBy(desk.zhang, 'move-bank', { ...bank, event: 'qualify', ...paper })
    await entered('decertify', { ...bank, reason: '复测未过' })
    expect(told(await approveBy(desk.li, made))).toEqual([409, 'T3014'])
    expect(await dossier()).toMatchObject({ province: 'agreed' })
    await entered('certify', { ...bank, validTo: '2099-12-31' })
    expect(told(await approveBy(desk.li, made))).toEqual([200, undefined])
  })
  test('the province has qualified it by two persons; no city is open to it yet', async () => {
    expect(await dossier()).toMatchObject({ province: 'qualified' })
    expect(await debit()).toMatch(/该市州尚未开通/)
  })
  test('the city: preparation, report, inspection; tax bureau and People’s Bank approve', async () => {
    await entered('prepare', place)
    await objected('move-bank-in-city', { ...place, event: 'activate' }, /there is no activate/)
    await entered('report', { ...place, training: '已培训', leadBranch: '长沙分行', printing: '已试打', clearing: '已报' })
    await entered('inspect', { ...place, taxParty: '征管科', pbocParty: '国库科' })
    const alone = await desk.zhang.ask('POST', '/v1/proposals', proposalOf('move-bank-in-city', { ...place, event: 'approve', ...paper }))
    expect([told(alone), (alone.json.errors as { pointer: string }[])[0]!.pointer]).toEqual([[422, 'T3001'], '/content/pbocPaperNo'])
    await moveInCity('approve', { pbocPaperNo: '长银发〔2026〕31号' })
    expect(await debit()).toMatch(/该市州尚未开通/)
  })
  test('it is not opened without a remittance account; then it debits', async () => {
    await objected('move-bank-in-city', { ...place, event: 'activate' }, /报解专户/)
    const account = { ...bank, treasuryCode: '18010000', account: '4399018010000000001', leadBranch: '衡山银行长沙分行', ...paper }
    await objected('set-account', { ...account, from: '2026-01-01' }, /past/)
    await objected('set-account', { ...account, treasuryCode: '99', from: '2090-01-01' }, /treasury/)
    await doneByTwo(desk, 'set-account', { ...account, from: shanghaiDate(new Date()) })
    await doneByTwo(desk, 'set-account', { ...account, account: '4399018010000000002', from: '2090-01-01' })
    expect((await dossier()).accounts).toMatchObject([
      { account: '4399018010000000001', inForce: true },
      { account: '4399018010000000002', from: '2090-01-01', inForce: false },
    ])
    // What begins today when it is proposed would begin in the past when it is approved a day later.
    const late = await proposeBy(desk.zhang, 'set-account', { ...account, account: '4399018010000000003', from: shanghaiDate(new Date()) })
    const { clock } = desk.house.flow
    Object.assign(desk.house.flow, { clock: () => later(clock(), 86_399_000) })
    expect(told(await approveBy(desk.li, late))).toEqual([409, 'T3014'])
    Object.assign(desk.house.flow, { clock })
    await desk.zhang.ask('POST', `/v1/proposals/${late.id}/withdrawal`, { reason: 'x' })
    await moveInCity('activate')
    expect(await debit()).toBe('succeeded')
  })
  test('the city suspends it for itself, the province for all; both resume; revoked it stays away', async () => {
    await moveInCity('suspend')
    expect(await debit()).toMatch(/已暂停/)
    await moveInCity('resume')
    await move('suspend')
    expect(await debit()).toMatch(/已暂停/)
    await objected('move-bank-in-city', { ...place, event: 'approve', pbocPaperNo: 'x' }, /not qualified/)
    await move('resume')
    expect(await debit()).toBe('succeeded')
    await move('revoke')
    expect(await debit()).toMatch(/已取消/)
    await objected('move-bank', { ...bank, event: 'resume' }, /there is no resume/)
    expect(told(await enter('apply', bank))).toEqual([409, 'T3014'])
  })
  test('every step is a line, with who, when, on what paper, and the article', async () => {
    const { json } = await desk.wang.ask('GET', '/v1/registry-lines?bankCode=4399&limit=200')
    const lines = json.lines as { event: string; actor: string; article: string; proposalId?: number; content: Content }[]
    expect(lines.map(({ event }) => event).join(' ')).toBe(
      'apply agree certify evidence evidence evidence evidence decertify certify qualify prepare report inspect approve account account activate suspend resume suspend resume revoke',
    )
    for (const { event, actor, article, proposalId, content } of lines.slice(1)) {
      expect(article).not.toBe('')
      expect(content).toMatchObject({ bankCode: '4399', paperNo: paper.paperNo })
      const isOne = Object.hasOwn(lineKinds, event)
      expect([actor, proposalId === undefined]).toEqual([operator(isOne ? 'zhang' : 'li'), isOne])
    }
  })
})

describe('the periodic assessment of article 31', () => {
  const [bankCode, other] = ['4306', '14302020000']
  const today = shanghaiDate(new Date())
  const order1 = (officeCode = '14301020000') => order({ bankCode, officeCode })
  const figures = async (who: Caller, cityCode: string, from = today, to = today) =>
    who.ask('GET', `/v1/banks/${bankCode}/figures?cityCode=${cityCode}&from=${from}&to=${to}`)
  test('rests on what was measured in the city: succeeded, refused, in doubt, how soon', async () => {
    await refreshed()
    const before = (await figures(desk.zhang, city)).json
    for (const say of [succeeded, succeeded, refused]) {
      desk.house.say(say)
      expect((await desk.ets.ask('POST', '/v1/debits', order1(), { prefer: 'wait=20' })).status).toBe(200)
    }
    desk.house.say(timedOut)
    const doubted = order1()
    await desk.ets.ask('POST', '/v1/debits', doubted)
    await until('in doubt', async () => (await desk.house.store.find(doubted.ticketNo))?.state === 'unknown')
    desk.house.say(succeeded)
    await desk.ets.ask('POST', '/v1/debits', order1(other), { prefer: 'wait=20' })
    const after = (await figures(desk.zhang, city)).json
    const more = Object.fromEntries(Object.keys(before).map(name => [name, Number(after[name]) - Number(before[name])]))
    expect(more).toMatchObject({ sent: 4, succeeded: 2, refused: 1, open: 1, inDoubt: 1, within1h: 3, breaks: 0 })
    expect(more.within1min).toBe(3)
    // What came of it beyond a day is another day's.
    expect((await figures(desk.zhang, city, '2020-01-01', '2020-12-31')).json).toMatchObject({ sent: 0, within1h: 0 })
  })
  test('is seen by the city and the province', async () => {
    expect((await figures(chen, city)).status).toBe(200)
    expect(told(await figures(chen, '14302000000'))).toEqual([404, 'T3004'])
    expect(told(await figures(desk.of('wu'), city))).toEqual([404, 'T3004'])
    expect(told(await figures(desk.zhang, '14301020000'))).toEqual([404, 'T3004'])
    expect(told(await figures(desk.zhang, city, today, '2020-01-01'))).toEqual([400, 'T3001'])
    expect(told(await figures(desk.zhang, city, '2020-01-01', today))).toEqual([400, 'T3001'])
  })
  test('stands as a line with what was measured, whatever is said of it; the same again is the same line', async () => {
    const content = { bankCode, cityCode: city, from: today, to: today, verdict: 'fails', finding: '超时偏多' }
    expect(told(await enter('assess', content, chen))).toEqual([409, 'T3014'])
    const { clock } = desk.house.flow
    Object.assign(desk.house.flow, { clock: () => later(clock(), 86_400_000) })
    expect(told(await enter('assess', { ...content, figures: { sent: 0 } }, chen))).toEqual([422, 'T3001'])
    const made = await enter('assess', content, chen, 'quarter')
    const { bankCode: _bank, cityCode: _city, from: _from, to: _to, ...measured } = (await figures(desk.zhang, city)).json
    expect([made.status, made.json]).toEqual([
      201,
      expect.objectContaining({
        event: 'assess',
        state: 'active',
        article: '31',
        content: expect.objectContaining({ ...content, figures: measured }),
      }),
    ])
    // More is measured meanwhile; the order is the same.
    await refreshed()
    await desk.ets.ask('POST', '/v1/debits', order1(), { prefer: 'wait=20' })
    const again = await enter('assess', content, chen, 'quarter')
    expect([told(again), again.json]).toEqual([[200, 'replayed'], made.json])
    expect(told(await enter('assess', { ...content, verdict: 'meets' }, chen, 'quarter'))).toEqual([409, 'T3005'])
    expect(told(await enter('assess', content, desk.zhang))).toEqual([409, 'T3014'])
    Object.assign(desk.house.flow, { clock })
    expect((await dossier(chen, bankCode)).cities).toEqual([{ cityCode: city, state: 'active', assessedTo: today, verdict: 'fails' }])
    const { broken } = await desk.house.store.audit.verify([])
    expect(broken).toBeUndefined()
  })
})

describe('a line', () => {
  test('under the same number is the same line, or other content', async () => {
    const first = await enter('decertify', { bankCode: '4301', reason: 'x' }, desk.zhang, 'again')
    // 4301 is qualified: there is nothing to withdraw any more.
    expect(told(first)).toEqual([409, 'T3014'])
    const evidence = { bankCode: '4301', condition: 'software', finding: '复查' }
    const made = await enter('evidence', evidence, desk.zhang, 'again')
    expect(made.status).toBe(201)
    const again = await enter('evidence', evidence, desk.zhang, 'again')
    expect([told(again), again.json]).toEqual([[200, 'replayed'], made.json])
    const other = await enter('evidence', { ...evidence, finding: '另一次' }, desk.zhang, 'again')
    expect(told(other)).toEqual([409, 'T3005'])
    expect(other.json.hash).toMatch(/^[0-9a-f]{64}$/)
    expect(other.json.acceptedHash).toMatch(/^[0-9a-f]{64}$/)
    expect(other.json.hash).not.toBe(other.json.acceptedHash)
    expect((await enter('evidence', evidence, desk.li, 'again')).status).toBe(201)
  })
  test('stands in the audit journal with who entered it, and a repetition does not', async () => {
    const content = { bankCode: '4310', condition: 'standing', finding: '年度评估' }
    const made = await enter('evidence', content, desk.zhang, 'audited')
    await enter('evidence', content, desk.zhang, 'audited')
    const { audit } = desk.house.store
    const entries = await audit.list({ subject: `registry-line/${String(made.json.id)}` }, 0, 10)
    expect(entries.map(({ actor, action, officeCode }) => [actor, action, officeCode])).toEqual([
      [operator('zhang'), 'register', undefined],
    ])
    expect(JSON.parse(entries[0]!.detail)).toMatchObject({ bankCode: '4310', event: 'evidence', state: 'qualified' })
    expect(await audit.verify([])).toMatchObject({ broken: undefined })
  })
  test('of what takes two persons is not entered by one', async () => {
    for (const event of ['qualify', 'approve', 'activate', 'suspend', 'resume', 'revoke', 'account', 'contract', '__proto__'])
      expect(told(await enter(event, place))).toEqual([422, 'T3001'])
  })
  test('about a bank or a city that nobody knows', async () => {
    expect(told(await enter('apply', { bankCode: '4388' }))).toEqual([409, 'T3014'])
    expect(told(await enter('prepare', { bankCode: '4301', cityCode: '14399000000' }))).toEqual([409, 'T3014'])
    expect(told(await enter('prepare', { bankCode: '4301', cityCode: '14301020000' }))).toEqual([409, 'T3014'])
    expect((await desk.zhang.ask('GET', '/v1/banks/4388')).status).toBe(404)
  })
})

describe('an office sees its own', () => {
  test('a city enters and proposes for itself, and for nobody else', async () => {
    const other = { bankCode: '4306', cityCode: '14302000000' }
    expect(told(await enter('return', { ...other, reason: 'x' }, chen))).toEqual([404, 'T3004'])
    expect(told(await enter('evidence', { bankCode: '4306', condition: 'software', finding: 'x' }, chen))).toEqual([404, 'T3004'])
    const content = { ...other, event: 'suspend', ...paper }
    expect(told(await chen.ask('POST', '/v1/proposals', proposalOf('move-bank-in-city', content)))).toEqual([404, 'T3004'])
    expect(
      told(await chen.ask('POST', '/v1/proposals', proposalOf('move-bank', { bankCode: '4306', event: 'suspend', ...paper }))),
    ).toEqual([404, 'T3004'])
    const made = await proposeBy(chen, 'move-bank-in-city', { ...content, cityCode: city })
    expect(told(await approveBy(chen, made))).toEqual([403, 'T3011'])
    expect(told(await approveBy(desk.li, made))).toEqual([200, undefined])
  })
  test('and reads its own lines, cities and accounts', async () => {
    const { json } = await chen.ask('GET', '/v1/registry-lines?limit=200')
    const seen = new Set((json.lines as { cityCode?: string }[]).map(({ cityCode }) => cityCode))
    expect([...seen]).toEqual([city])
    const own = await dossier(chen, '4306')
    expect((own.cities as { cityCode: string }[]).map(({ cityCode }) => cityCode)).toEqual([city])
    const treasuries = (own.accounts as { treasuryCode: string }[]).map(({ treasuryCode }) => treasuryCode)
    expect([...new Set(treasuries)]).toEqual(['18010000', '18010100', '18010200'])
  })
  test('whoever has another duty, or none, reads and writes nothing', async () => {
    for (const who of [desk.ets, desk.bank])
      for (const said of [
        await enter('apply', bank, who),
        await who.ask('GET', '/v1/registry-lines'),
        await who.ask('GET', '/v1/banks/4301'),
      ])
        expect(told(said)).toEqual([403, 'T3003'])
  })
})

test('a contract is changed on a day, by two persons, and not by one that contradicts itself', async () => {
  await refreshed()
  const { policy } = await dossier(desk.zhang, '4301')
  const content = { bankCode: '4301', from: '2090-01-01', policy: { ...(policy as object), timeoutMs: 4_321 }, ...paper }
  await doneByTwo(desk, 'change-contract', content)
  const changed = await dossier(desk.zhang, '4301')
  expect(changed.policy).toEqual(policy)
  expect(changed.contracts).toEqual([{ from: '2090-01-01', policy: content.policy }])
  const wrong = { ...content, policy: { ...(policy as object), concurrency: 10_000, connections: 1, pipeline: 1 } }
  const said = await desk.zhang.ask('POST', '/v1/proposals', proposalOf('change-contract', wrong))
  expect([told(said), (said.json.errors as { pointer: string }[])[0]!.pointer]).toEqual([[422, 'T3001'], '/content/policy/concurrency'])
  await objected('change-contract', { ...content, from: '2026-01-01' }, /past/)
})
