import { hash } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { outcome } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { operatorUri } from '../../../gateway/domain/operator.ts'
import { shanghaiDate } from '../../../gateway/domain/time.ts'
import type { AgreementRegistration } from '../../../gateway/flows/agreements.ts'
import { heardBindResult } from '../../../gateway/flows/bindings.ts'
import { spool } from '../../../gateway/http/imports.ts'
import { registrationOf } from '../agreements.ts'
import { until } from '../stage.ts'
import { uri } from './certificates.ts'
import type { Answered, Caller } from './house.ts'
import { approveBy, type Desk, openDesk, proposeBy, told } from './operators.ts'

// Agreements over HTTPS: what tax systems ask, what operators of the right office decide.

let desk: Desk
let wu: Caller
let sun: Caller
let other: Caller
beforeAll(async () => {
  desk = await openDesk()
  const caller = async (who: string) => desk.house.caller(await desk.house.ca.issue({ names: [uri(who)], to: 1_000_000 }))
  wu = await caller(operatorUri('wu'))
  sun = await caller(operatorUri('sun'))
  other = await caller('urn:taxlink:tax-system:other')
})
afterAll(() => desk.house.close())

let last = 0
const [furong, hetang] = ['14301020000', '14302020000'] as const
const registration = (given: Partial<AgreementRegistration> = {}): AgreementRegistration => registrationOf(++last, 'HT', given)
const post = (path: string, body: unknown, who: Caller = desk.ets): Promise<Answered> => who.ask('POST', path, body)
const get = (path: string, who: Caller = desk.ets): Promise<Answered> => who.ask('GET', path)
const heldOf = ({ taxpayerId, taxpayerName, officeCode, payerBankNo, account }: AgreementRegistration) => ({
  taxpayerId,
  taxpayerName,
  officeCode,
  branch: payerBankNo,
  account,
})
/** Registered, and bound by its bank, which holds `change` otherwise. */
const bound = async (given: Partial<AgreementRegistration> = {}, change: object = {}): Promise<AgreementRegistration> => {
  const order = registration(given)
  expect((await post('/v1/agreements', order)).status).toBe(201)
  const { bankCode, agreementNo } = order
  const now = desk.house.flow.clock()
  const held = { ...heldOf(order), ...change }
  await heardBindResult(desk.house.flow, { bankCode, agreementNo, outcome: outcome('90000'), held, boundOn: shanghaiDate(now) }, now)
  return order
}
const review = (no: string, what: string, who: Caller, reason = 'checked') => post(`/v1/binding-reviews/${no}/${what}`, { reason }, who)
const listed = async (query: string, who: Caller): Promise<string[]> => {
  const { json } = await get(`/v1/binding-reviews?limit=200${query}`, who)
  return (json.reviews as { agreementNo: string }[]).map(({ agreementNo }) => agreementNo)
}

describe('the tax side', () => {
  test('registers once under a number, and is told where it stands', async () => {
    const order = registration()
    const first = await post('/v1/agreements', order)
    expect([first.status, first.headers.location]).toEqual([201, `/v1/agreements/${order.agreementNo}`])
    expect(first.json).toMatchObject({ agreementNo: order.agreementNo, state: 'approved', enabled: false })
    expect(first.text).not.toContain(order.account)
    expect(first.text).not.toContain(order.taxpayerId)
    const second = await post('/v1/agreements', order)
    expect([second.status, second.headers['idempotency-replayed']]).toEqual([200, 'true'])
    expect(told(await post('/v1/agreements', { ...order, account: '1' }))).toEqual([409, 'T3005'])
    expect(told(await post('/v1/agreements', order, other))).toEqual([409, 'T3005'])
    expect((await post('/v1/agreements', order, other)).json.hash).toBeUndefined()
    expect((await get(`/v1/agreements/${order.agreementNo}`)).json).toEqual(first.json)
    expect(told(await get(`/v1/agreements/${order.agreementNo}`, other))).toEqual([404, 'T3004'])
    expect((await post('/v1/agreements', { ...order, agreementNo: 'no blanks' })).status).toBe(422)
  })
  test('an unusual taxpayer id is a warning, no refusal', async () => {
    expect((await post('/v1/agreements', registration({ taxpayerId: 'OLD-1' }))).json.warning).toBe('form')
  })
  test('lists its own, page by page, and the feed tells every change in order', async () => {
    const numbers: string[] = []
    for (let path = '/v1/agreements?limit=2'; ; ) {
      const { json } = await get(path)
      numbers.push(...(json.agreements as { agreementNo: string }[]).map(({ agreementNo }) => agreementNo))
      if (json.next === undefined) break
      path = `/v1/agreements?limit=2&cursor=${json.next as string}`
    }
    expect(numbers).toEqual([...new Set(numbers)])
    expect(numbers.length).toBeGreaterThanOrEqual(2)
    expect((await get('/v1/agreements', other)).json.agreements).toEqual([])
    const { json } = await get('/v1/agreement-changes?after=0&limit=1000')
    const seqs = (json.changes as { seq: number }[]).map(({ seq }) => seq)
    expect(seqs).toEqual(seqs.toSorted((a, b) => a - b))
    expect((await get(`/v1/agreement-changes?after=${String(json.next)}`)).json).toEqual({ changes: [], next: json.next, more: false })
  })
  test('stops, lets go on, objects, ends: each once for its number', async () => {
    const { agreementNo: no } = await bound()
    await review(no, 'acceptances', desk.zhang)
    const ask = (what: string, orderNo: string) => post(`/v1/agreements/${no}/${what}`, { orderNo })
    expect((await ask('suspensions', 'A1')).json).toMatchObject({ state: 'suspended', suspendedBy: 'tax' })
    expect((await ask('suspensions', 'A1')).headers['idempotency-replayed']).toBe('true')
    expect(told(await ask('endings', 'A1'))).toEqual([409, 'T3005'])
    expect((await ask('resumptions', 'A2')).json.state).toBe('accepted')
    expect((await ask('objections', 'A3')).json.objected).toBe(true)
    expect((await ask('endings', 'A4')).json.ending).toBe(true)
    expect(told(await post(`/v1/agreements/${no}/endings`, { orderNo: 'A5' }, other))).toEqual([404, 'T3004'])
  })
  test('a deregistered taxpayer’s agreements are void', async () => {
    const order = await bound()
    const said = await post('/v1/taxpayer-events', { orderNo: 'T1', taxpayerId: order.taxpayerId, event: 'deregistered' })
    expect(said.json.agreements).toMatchObject([{ agreementNo: order.agreementNo, state: 'void', voidReason: 'deregistered' }])
    expect(told(await review(order.agreementNo, 'acceptances', desk.zhang))).toEqual([409, 'T3014'])
  })
  test('those whose year is nearly over are listed 30 days ahead', async () => {
    const { agreementNo } = await bound()
    await review(agreementNo, 'acceptances', desk.zhang)
    const expiring = async (within: number) =>
      ((await get(`/v1/agreements/expiring?within=${within}&limit=200`)).json.agreements as { agreementNo: string }[]).map(
        a => a.agreementNo,
      )
    expect(await expiring(30)).not.toContain(agreementNo)
    await desk.house.fresh.db.execute("UPDATE agreement SET state = 'active', valid_to = ? WHERE agreement_no = ?", [
      shanghaiDate(new Date(Date.now() + 20 * 86_400_000)),
      agreementNo,
    ])
    expect(await expiring(30)).toContain(agreementNo)
    expect(await expiring(5)).not.toContain(agreementNo)
  })
})

describe('the review', () => {
  test('an office sees its own and those below; another’s is none', async () => {
    const [near, far] = [await bound({ officeCode: furong }), await bound({ officeCode: hetang })]
    expect(await listed('', wu)).toContain(near.agreementNo)
    expect(await listed('', wu)).not.toContain(far.agreementNo)
    expect(await listed(`&officeCode=${hetang}`, wu)).toEqual([])
    expect(await listed(`&officeCode=${hetang}`, desk.zhang)).toEqual([far.agreementNo])
    expect(told(await review(far.agreementNo, 'acceptances', wu))).toEqual([404, 'T3004'])
    expect(told(await get(`/v1/agreements/${far.agreementNo}/life`, wu))).toEqual([404, 'T3004'])
    expect((await review(near.agreementNo, 'acceptances', wu)).json).toMatchObject({
      state: 'accepted',
      enabled: true,
      enabledBy: operatorUri('wu'),
    })
    const audited = await desk.house.store.audit.list({ actor: operatorUri('wu'), action: 'review' }, 0, 10)
    expect(audited).toMatchObject([{ officeCode: furong, detail: '{"from":"bound","to":"accepted"}' }])
    expect(audited[0]?.subject).toMatch(/^agreement\/\d+$/)
  })
  test('who looks on sees, and decides nothing', async () => {
    const { agreementNo } = await bound()
    expect(await listed('', sun)).toContain(agreementNo)
    expect(told(await review(agreementNo, 'acceptances', sun))).toEqual([403, 'T3003'])
    expect(told(await review(agreementNo, 'acceptances', desk.ets))).toEqual([403, 'T3003'])
  })
  test('is narrowed by bank, by likeness, and by how long something waits', async () => {
    const differs = await bound({ bankCode: '4306' }, { account: '77' })
    const alike = await bound({ bankCode: '4306' }, { taxpayerName: '长沙星城机械 有限公司' })
    expect(await listed('&bankCode=4306', desk.zhang)).toEqual([differs.agreementNo, alike.agreementNo])
    expect(await listed('&bankCode=4306&likeness=differs', desk.zhang)).toEqual([differs.agreementNo])
    expect(await listed('&bankCode=4306&days=1', desk.zhang)).toEqual([])
    const { json } = await get('/v1/binding-reviews?bankCode=4306&likeness=differs', desk.zhang)
    expect(json.reviews).toMatchObject([
      { particulars: { account: differs.account }, held: { held: { account: '77' }, comparison: { account: 'differs' } } },
    ])
    expect(told(await review(differs.agreementNo, 'acceptances', desk.zhang))).toEqual([409, 'T3014'])
    expect((await review(differs.agreementNo, 'returns', desk.zhang)).json.state).toBe('approved')
    expect((await review(alike.agreementNo, 'refusals', desk.zhang)).json.state).toBe('refused')
  })
  test('has the bank compare: seen in the list and in the life, by those who may', async () => {
    const { agreementNo: no } = await bound({ bankCode: '4310' })
    expect(told(await review(no, 'verifications', sun))).toEqual([403, 'T3003'])
    const far = await bound({ officeCode: hetang })
    expect(told(await review(far.agreementNo, 'verifications', wu))).toEqual([404, 'T3004'])
    expect((await review(no, 'verifications', wu)).json).toMatchObject({ state: 'bound', verifying: true })
    expect((await review(no, 'verifications', wu)).headers['idempotency-replayed']).toBe('true')
    const { json } = await get('/v1/binding-reviews?bankCode=4310', wu)
    expect(json.reviews).toMatchObject([{ agreementNo: no, verifying: true }])
    expect((await get(`/v1/agreements/${no}/life`, wu)).json.calls).toMatchObject([{ verb: 'bind' }, { verb: 'verification', attempts: 0 }])
    const draft = registration()
    await post('/v1/agreements', draft)
    expect(told(await review(draft.agreementNo, 'verifications', desk.zhang))).toEqual([409, 'T3014'])
  })
  test('in bulk only what matches exactly, each with its verdict', async () => {
    const exact = await bound()
    const alike = await bound({}, { taxpayerName: '长沙星城机械 有限公司' })
    const far = await bound({ officeCode: hetang })
    const { json } = await post(
      '/v1/binding-reviews/acceptances',
      { agreementNos: [exact.agreementNo, alike.agreementNo, far.agreementNo, 'none'] },
      wu,
    )
    expect(json.verdicts).toMatchObject([
      { verdict: 'accepted' },
      { verdict: 'not-applicable' },
      { verdict: 'absent' },
      { verdict: 'absent' },
    ])
  })
  test('what no county office approved yet an operator approves; the life tells it all', async () => {
    const { approvedBy: _, ...order } = registration()
    await post('/v1/agreements', order)
    expect((await review(order.agreementNo, 'approvals', desk.zhang)).json.state).toBe('approved')
    const { json } = await get(`/v1/agreements/${order.agreementNo}/life`, desk.zhang)
    expect(json.journal).toMatchObject([
      { event: 'register', article: 'art. 8(1)' },
      { event: 'approve', actor: operatorUri('zhang') },
    ])
    expect(json.calls).toMatchObject([{ verb: 'bind', attempts: 0 }])
  })
})

test('an account inside its year: refused; with an exception two persons permit it, and nobody alone', async () => {
  const old = await bound()
  await review(old.agreementNo, 'acceptances', desk.zhang)
  const next = registration({ taxpayerId: old.taxpayerId })
  const path = `/v1/agreements/${old.agreementNo}/changes`
  const refused = await post(path, next)
  expect([...told(refused), refused.json.detail]).toEqual([409, 'T3014', 'account-within-year'])
  const waits = await post(path, { ...next, exception: 'account-closed-by-bank' })
  expect([waits.status, waits.json.state]).toEqual([201, 'drafted'])
  expect(told(await review(next.agreementNo, 'approvals', desk.zhang))).toEqual([409, 'T3014'])
  const made = await proposeBy(desk.zhang, 'change-account', { agreementNo: next.agreementNo })
  expect(told(await approveBy(desk.zhang, made))).toEqual([403, 'T3011'])
  await approveBy(desk.li, made)
  expect((await get(`/v1/agreements/${next.agreementNo}`)).json).toMatchObject({ state: 'approved', exception: 'account-closed-by-bank' })
})

describe('a file of many', () => {
  const lines = (rows: readonly object[]): string => rows.map(row => JSON.stringify(row)).join('\n')
  const send = (importNo: string, text: string, type = 'application/x-ndjson') =>
    desk.ets.ask('POST', `/v1/agreement-imports/${importNo}`, Buffer.from(text), { 'content-type': type })
  const onPaper = (): object => {
    const order = registration({ delivery: 'paper' })
    const { taxpayerId, taxpayerName, officeCode, payerBankNo, account } = order
    return {
      ...order,
      boundOn: '2026-01-15',
      heldTaxpayerId: taxpayerId,
      heldTaxpayerName: taxpayerName,
      heldOfficeCode: officeCode,
      heldPayerBankNo: payerBankNo,
      heldAccount: account,
    }
  }
  const finished = (importNo: string) =>
    until('the import is done', async () => (await get(`/v1/agreement-imports/${importNo}`)).json.state === 'done')

  test('is checked whole, told line by line, and with a fault nothing of it is taken', async () => {
    const good = registration()
    const twice = { ...registration(), agreementNo: good.agreementNo }
    const text = [
      JSON.stringify(good),
      '{"agreementNo":',
      JSON.stringify(twice),
      JSON.stringify({ ...registration(), bankCode: '9999' }),
      '',
    ].join('\n')
    const said = await send('F1', text)
    expect([said.status, said.json.state]).toEqual([200, 'refused'])
    expect((said.json.faults as { line: number; pointer: string }[]).map(({ line, pointer }) => [line, pointer])).toEqual([
      [2, '/agreementNo'],
      [3, '/agreementNo'],
      [4, '/bankCode'],
    ])
    expect(told(await get(`/v1/agreements/${good.agreementNo}`))).toEqual([404, 'T3004'])
    // Mended it may come under the same number.
    expect((await send('F1', lines([good]))).status).toBe(202)
    await finished('F1')
    expect((await get(`/v1/agreements/${good.agreementNo}`)).json.state).toBe('approved')
  })
  test('is written once; what the bank has bound on paper waits for its reviewer, and sent again nothing changes', async () => {
    const rows = Array.from({ length: 1_200 }, (_, i) => (i % 2 === 0 ? onPaper() : registration()))
    const text = lines(rows)
    expect((await send('F2', text)).status).toBe(202)
    await finished('F2')
    const [one, two] = rows as { agreementNo: string }[]
    expect((await get(`/v1/agreements/${one!.agreementNo}`)).json).toMatchObject({
      state: 'bound',
      likeness: 'exact',
      boundOn: '2026-01-15',
    })
    expect((await get(`/v1/agreements/${two!.agreementNo}`)).json.state).toBe('approved')
    const again = await send('F2', text)
    expect([again.status, again.headers['idempotency-replayed'], again.json.written]).toEqual([200, 'true', 1_200])
    expect(told(await send('F2', lines([registration()])))).toEqual([409, 'T3005'])
    const accepted = await post('/v1/binding-reviews/acceptances', { agreementNos: [one!.agreementNo] }, desk.zhang)
    expect(accepted.json.verdicts).toMatchObject([{ verdict: 'accepted' }])
    expect((await get(`/v1/agreements/${one!.agreementNo}`)).json.activeFrom).toBe(shanghaiDate(desk.house.flow.clock()))
  })
  test('goes on where it broke', async () => {
    const rows = Array.from({ length: 700 }, () => registration())
    const { agreements } = desk.house.store
    const writing = { ...agreements }
    const whole: typeof agreements.writeChunk = (...given) => writing.writeChunk(...given)
    let chunks = 0
    Object.assign(agreements, {
      writeChunk: (...given: Parameters<typeof whole>) => (++chunks === 2 ? Promise.reject(new Error('cut')) : whole(...given)),
    })
    const text = lines(rows)
    expect((await send('F3', text)).status).toBe(202)
    await until('it broke', () => desk.house.notes.some(note => note.detail?.includes('import')))
    expect((await get('/v1/agreement-imports/F3')).json).toMatchObject({ state: 'writing', written: 512 })
    Object.assign(agreements, { writeChunk: whole })
    expect((await send('F3', text)).status).toBe(202)
    await finished('F3')
    const found = await desk.house.fresh.db.query<{ n: number }>('SELECT COUNT(*) AS n FROM agreement WHERE agreement_no IN (?, ?)', [
      rows[0]!.agreementNo,
      rows[699]!.agreementNo,
    ])
    expect(found[0]?.n).toBe(2)
  })
  test('is taken as it comes, cut wherever it is cut: lines, blank lines and the last one without an end', async () => {
    const texts = ['{"a":1}', '', '  ', '{"中文":"珅"}', 'x'.repeat(300), '{}']
    const whole = Buffer.from(texts.join('\n'))
    const [dir, before] = [mkdtempSync(join(tmpdir(), 'taxlink-spool-')), process.env.TMPDIR]
    process.env.TMPDIR = dir
    onTestFinished(() => {
      if (before === undefined) delete process.env.TMPDIR
      else process.env.TMPDIR = before
      rmSync(dir, { recursive: true })
    })
    for (const size of [1, 2, 7, 64, whole.length]) {
      const parts = Array.from({ length: Math.ceil(whole.length / size) }, (_, i) => whole.subarray(i * size, (i + 1) * size))
      const file = await spool(Readable.from(parts))
      expect([file.rows, file.sha256.equals(hash('sha256', whole, 'buffer'))], `${size}`).toEqual([4, true])
      const [all, two] = [await file.read(0, 4), await file.read(1, 2)]
      expect(all.slice(1, 3)).toEqual(two)
      expect(all.map(line => ('faults' in line ? line.faults[0]?.code : 'row'))).toEqual([
        'invalid-request',
        'invalid-request',
        'malformed',
        'invalid-request',
      ])
      expect(readdirSync(dir)).toEqual([])
      await file.close()
    }
    const endless = async function* () {
      for (;;) yield Buffer.alloc(1_048_576, 0x20)
    }
    await expect(spool(endless())).rejects.toMatchObject({ status: 413 })
  })
  test('a number that somebody uses for something else between check and writing is left as it is, and told', async () => {
    const rows = Array.from({ length: 3 }, () => registration())
    const { agreements } = desk.house.store
    const beginImport = agreements.beginImport.bind(agreements)
    Object.assign(agreements, {
      beginImport: async (...given: Parameters<typeof beginImport>) => {
        await post('/v1/agreements', { ...rows[1]!, taxpayerName: '别的公司' }, other)
        return beginImport(...given)
      },
    })
    expect((await send('F5', lines(rows))).status).toBe(202)
    await finished('F5')
    Object.assign(agreements, { beginImport })
    expect((await get('/v1/agreement-imports/F5')).json).toMatchObject({ written: 3, faults: [{ line: 2, code: 'content-differs' }] })
    expect((await get(`/v1/agreements/${rows[2]!.agreementNo}`)).status).toBe(200)
    expect(told(await get(`/v1/agreements/${rows[1]!.agreementNo}`))).toEqual([404, 'T3004'])
  })
  test('is taken in lines only, and lines nowhere else', async () => {
    expect((await send('F4', '{}', 'application/json')).status).toBe(415)
    expect((await desk.ets.ask('POST', '/v1/debits', Buffer.from('{}'), { 'content-type': 'application/x-ndjson' })).status).toBe(415)
    expect(told(await get('/v1/agreement-imports/none'))).toEqual([404, 'T3004'])
  })
})
