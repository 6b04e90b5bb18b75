import { createHash } from 'node:crypto'
import { readdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:https'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FileName } from '../../../gateway/domain/file-name.ts'
import { checkFiles } from '../../../gateway/flows/file-check.ts'
import { missingFiles, tellOfMissing } from '../../../gateway/flows/file-due.ts'
import { askForFile } from '../../../gateway/flows/file-request.ts'
import { sessionFiles } from '../../../gateway/flows/session-files.ts'
import type { SessionView } from '../../../gateway/store/reconciliations.ts'
import { accountingDate, bytesOf, detailLine, detailLines, fileNameOf, freshName, goodFile, headerOf, type Line } from '../detail.ts'
import { until } from '../stage.ts'
import { type Answered, type Caller, order } from './house.ts'
import { type Desk, openDesk } from './operators.ts'

let desk: Desk
const banks: { [code: string]: Caller } = {}
let clock = new Date('2026-11-11T02:00:00.000Z')
beforeAll(async () => {
  desk = await openDesk()
  for (const code of ['4301', '4306', '4310']) banks[code] = desk.house.caller(await desk.bankPem(code))
  Object.assign(desk.house.flow, { clock: () => clock })
})
afterAll(() => desk.house.close())

const stream = 'application/octet-stream'
const upload = (bankCode: string, name: string, body: Buffer, headers: { readonly [name: string]: string } = {}): Promise<Answered> =>
  banks[bankCode]!.ask('PUT', `/v1/reconciliation-files/${encodeURIComponent(name)}`, body, { 'content-type': stream, ...headers })
const check = () => checkFiles(desk.house.flow, desk.house.spool)
type Problem = {
  readonly code: string
  readonly detail: string
  readonly errors: readonly { readonly line?: number; readonly offset?: number }[]
}
/** What becomes of a file: its state, or the rule that it breaks and where. */
const became = async (bankCode: string, name: string, bytes: Buffer, headers = {}) => {
  const first = await upload(bankCode, name, bytes, headers)
  if (first.status !== 202) return outcomeOf(first)
  await check()
  return outcomeOf(await upload(bankCode, name, bytes, headers))
}
const outcomeOf = ({ status, json }: Answered) => {
  if (status < 300) return [status, json.state]
  const { detail, errors } = json as unknown as Problem
  const line = errors?.[0]?.line
  return [status, detail.split(':')[0], ...(line === undefined ? [] : [line])]
}
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('a bank brings its file', () => {
  test.each(['4301', '4306', '4310'])('%s: received, checked, and it counts; the same again gets the same', async code => {
    const { name, bytes, of } = await goodFile(code, [detailLine(), detailLine({ verb: 'reversal', amount: 45 })])
    const first = await upload(code, name, bytes)
    expect([first.status, first.headers.location]).toEqual([202, `/v1/reconciliation-files/${name}`])
    const about = { name, bankCode: code, accountingDate, session: of.session, chunk: 1, version: 1, cameBy: 'upload', bytes: bytes.length }
    expect(first.json).toMatchObject({ ...about, state: 'received', sha256: sha256(bytes), repeats: 0 })
    await check()
    const again = await upload(code, name, bytes)
    expect([again.status, again.headers['idempotency-replayed']]).toEqual([200, 'true'])
    const counted = {
      ...about,
      state: 'complete',
      chunks: 1,
      workDate: accountingDate,
      lines: 2,
      debitSum: 12_345,
      creditSum: 45,
      repeats: 1,
    }
    expect(again.json).toMatchObject(counted)
    expect((await banks[code]!.ask('GET', `/v1/reconciliation-files/${name}`)).json).toEqual(again.json)
    expect(await desk.house.store.files.complete(code, accountingDate, of.session)).toMatchObject([
      { state: 'complete', said: { count: 2 } },
    ])
  })
  test('the session that waits for it goes on at once, when it counts', async () => {
    const { reconciliations } = desk.house.store
    const [day, hour] = ['2026-11-07', 3_600_000]
    const leased = new Date(clock.getTime() + 60_000)
    const claim = () => reconciliations.claim('test', clock, leased)
    const waits = {
      bankCode: '4301',
      accountingDate: day,
      workDate: accountingDate,
      kind: 'day-end',
      openedBy: 'test',
      reason: '',
    } as const
    await reconciliations.open({ ...waits, now: clock })
    await reconciliations.move((await claim())!, undefined, { next: new Date(clock.getTime() + hour) })
    const { name, bytes } = await goodFile('4301', [], { accountingDate: day, session: 1 })
    expect((await upload('4301', name, bytes)).status).toBe(202)
    expect(await claim()).toBe(undefined)
    await check()
    expect((await claim())?.session).toMatchObject({ bankCode: '4301', accountingDate: day, session: 1 })
  })
  test('one without a record is valid', async () => {
    const { name, bytes } = await goodFile('4301', [])
    expect(await became('4301', name, bytes)).toEqual([200, 'complete'])
  })
  test('packed, in pieces, and waiting for what becomes of it', async () => {
    const { name, bytes } = await goodFile('4310', detailLines(3_000))
    const answering = upload('4310', name, gzipSync(bytes), { 'content-encoding': 'gzip', prefer: 'wait=30' })
    await until('it is received', async () => (await desk.house.store.files.findByName('4310', name)) !== undefined)
    await check()
    const said = await answering
    expect([said.status, said.json.state, said.json.bytes, said.json.sha256]).toEqual([200, 'complete', bytes.length, sha256(bytes)])
  })
  test('in parts: it counts when all are there and come to the whole that each names', async () => {
    const lines = detailLines(5)
    const of = freshName('4306')
    const parts = await Promise.all(
      [lines.slice(0, 2), lines.slice(2, 4), lines.slice(4)].map(async (own, i) => {
        const name: FileName = { ...of, chunk: i + 1 }
        return { name: fileNameOf(name), bytes: await bytesOf({ ...headerOf(name, lines, 3) }, own) }
      }),
    )
    for (const i of [2, 0]) expect(await became('4306', parts[i]!.name, parts[i]!.bytes)).toEqual([202, 'checked'])
    expect(await desk.house.store.files.complete('4306', accountingDate, of.session)).toEqual([])
    expect(await became('4306', parts[1]!.name, parts[1]!.bytes)).toEqual([200, 'complete'])
    const whole = await desk.house.store.files.complete('4306', accountingDate, of.session)
    expect(whole.map(({ of: name, said }) => [name?.chunk, said?.count])).toEqual([
      [1, 2],
      [2, 2],
      [3, 1],
    ])
  })
})

describe('what is wrong is refused whole, with line, byte and reason', () => {
  const lines = detailLines(3)
  /** A good file of the open interface, changed as text. */
  const changed = async (change: (text: string) => string, given: readonly Line[] = lines) => {
    const { name, bytes } = await goodFile('4310', given)
    return [name, Buffer.from(change(bytes.toString()))] as const
  }
  const said = async (change: (text: string) => string, given?: readonly Line[]) => became('4310', ...(await changed(change, given)))

  test('another date, bank, session or part than its name', async () => {
    const of = freshName('4310')
    const header = headerOf(of, lines)
    const put = async (change: object) => became('4310', fileNameOf(of), await bytesOf({ ...header, ...change }, lines, '4310'))
    expect(await put({ bankCode: '4306' })).toEqual([422, 'header-bank', 1])
    expect(await put({ accountingDate: '2026-11-09' })).toEqual([422, 'header-date', 1])
    expect(await put({ session: 99 })).toEqual([422, 'header-session', 1])
    expect(await put({ chunk: 2, chunks: 2 })).toEqual([422, 'header-chunk', 1])
    const dated = lines.map((line, i) => (i === 2 ? { ...line, accountingDate: '2026-11-09' } : line))
    expect(await became('4310', fileNameOf(of), await bytesOf(header, dated))).toEqual([422, 'line-date', 4])
    const ahead = lines.map((line, i) => (i === 1 ? { ...line, entrustDate: '2099-01-01' } : line))
    expect(await became('4310', fileNameOf(of), await bytesOf(header, ahead))).toEqual([422, 'line-ahead', 3])
    // What was refused has left its place to what is right.
    expect(await became('4310', fileNameOf(of), await bytesOf(header, lines))).toEqual([200, 'complete'])
  })
  test('a trailer off by one fen, or by a line; a header that names another whole', async () => {
    expect(await said(text => text.replace('"debitSum":37035', '"debitSum":37036'))).toEqual([422, 'file-totals', 5])
    expect(await said(text => text.replace('"creditSum":0}', '"creditSum":1}'))).toEqual([422, 'file-totals', 5])
    expect(await said(text => text.replace('"count":3', '"count":4'))).toEqual([422, 'file-totals', 5])
    expect((await said(text => text.replace('"fileDebitSum":37035', '"fileDebitSum":37034')))[1]).toBe('file-totals')
  })
  test('half a line, no trailer, something behind it, mixed line ends, a mark of byte order, another alphabet', async () => {
    expect(await said(text => text.slice(0, -10))).toEqual([422, 'line-end', 5])
    expect(await said(text => text.split('\n').slice(0, 3).join('\n').concat('\n'))).toEqual([422, 'missing', 4])
    expect(await said(text => `${text}\n`)).toEqual([422, 'unexpected', 6])
    expect(await said(text => text.replace(/\n(?=.*\n$)/, '\r\n'))).toEqual([422, 'line-end', 4])
    expect(await said(text => `\ufeff${text}`)).toEqual([422, 'unexpected', 1])
    const [name, bytes] = await changed(text => text)
    expect((await became('4310', name, Buffer.from(bytes.map(byte => byte ^ 0x80))))[0]).toBe(422)
    expect(await became('4310', name, Buffer.alloc(0))).toEqual([422, 'missing', 1])
    expect((await became('4310', name, gzipSync(bytes)))[0]).toBe(422)
  })
  test('amounts below nought, of nought, with a fraction, beyond what a number holds; a state that nobody knows', async () => {
    for (const amount of ['-12345', '0', '1.5', '9007199254740993', '"12345"', '1e3'])
      expect((await said(text => text.replace('"amount":12345', `"amount":${amount}`))).slice(0, 1), amount).toEqual([422])
    expect((await said(text => text.replace('"status":"booked"', '"status":"perhaps"')))[0]).toBe(422)
    const huge = Array.from({ length: 12 }, () => detailLine({ amount: 999_999_999_999_999 }))
    const of = freshName('4310')
    const header = { ...headerOf(of, huge), fileDebitSum: 999_999_999_999_999 }
    const body = [header, ...huge, { count: 12, debitSum: 999_999_999_999_999, creditSum: 0 }]
    const types = ['detail.header', ...huge.map(() => 'detail.line'), 'detail.trailer']
    const text = body.map((value, i) => `${JSON.stringify({ version: '1', type: types[i], ...value })}\n`).join('')
    expect((await became('4310', fileNameOf(of), Buffer.from(text))).slice(0, 2)).toEqual([422, 'over-limit'])
  })
  test('a serial number of the bank that stands twice, in a file and across its parts', async () => {
    const twice = [...lines, detailLine({ bankSerial: lines[0]!.bankSerial })]
    const one = await goodFile('4310', twice)
    expect(await became('4310', one.name, one.bytes)).toEqual([422, 'duplicate-serial', 5])
    const of = freshName('4301')
    const part = async (chunk: number, own: readonly Line[]) => {
      const name = { ...of, chunk }
      return [fileNameOf(name), await bytesOf(headerOf(name, twice, 2), own)] as const
    }
    const [first, second] = [await part(1, twice.slice(0, 2)), await part(2, twice.slice(2))]
    expect(await became('4301', ...first)).toEqual([202, 'checked'])
    expect(await became('4301', ...second)).toEqual([202, 'received'])
    // Neither counts; the file is taken anew when its parts come again.
    expect(await desk.house.store.files.complete('4301', accountingDate, of.session)).toEqual([])
    const files = await desk.house.store.files.list({ bankCode: '4301', state: 'refused' }, 0, 200)
    expect(files.slice(-2).map(({ fault }) => fault?.code)).toEqual(['duplicate-serial', 'duplicate-serial'])
    const mended = await part(2, [twice[2]!, detailLine({ amount: twice[3]!.amount })])
    await became('4301', ...first)
    expect(await became('4301', ...mended)).toEqual([200, 'complete'])
  })
  test('parts that speak of other numbers of parts, or do not come to their whole', async () => {
    const of = freshName('4310')
    const part = async (chunk: number, chunks: number, own: readonly Line[], whole: readonly Line[]) => {
      const name = { ...of, chunk }
      return [fileNameOf(name), await bytesOf(headerOf(name, whole, chunks), own)] as const
    }
    const all = detailLines(4)
    expect(await became('4310', ...(await part(1, 2, all.slice(0, 2), all)))).toEqual([202, 'checked'])
    expect((await became('4310', ...(await part(2, 3, all.slice(2), all))))[1]).toBe('chunks-differ')
    await became('4310', ...(await part(2, 2, all.slice(2, 3), all)))
    expect(await desk.house.store.files.complete('4310', accountingDate, of.session)).toEqual([])
    const files = await desk.house.store.files.list({ bankCode: '4310', state: 'refused' }, 0, 200)
    expect(files.slice(-3).map(({ fault }) => fault?.code)).toEqual(['whole-differs', 'chunks-differ', 'whole-differs'])
  })
  test('an entry under the key of another bank’s instruction', async () => {
    const sent = order({ bankCode: '4301' })
    await desk.ets.ask('POST', '/v1/debits', sent, { prefer: 'wait=20' })
    const { officeCode, entrustDate, serialNo } = (await desk.house.store.find(sent.ticketNo))!
    const foreign = [
      ...lines.map(line => ({ ...line, bankSerial: `X${line.bankSerial}` })),
      detailLine({ officeCode, entrustDate, serialNo }),
    ]
    clock = new Date()
    const theirs = await goodFile('4310', foreign)
    expect(await became('4310', theirs.name, theirs.bytes)).toEqual([422, 'foreign-entry', 5])
    const own = await goodFile('4301', foreign)
    expect(await became('4301', own.name, own.bytes)).toEqual([200, 'complete'])
    clock = new Date('2026-11-11T02:00:00.000Z')
  })
  test('names that are none, of another bank, of a day to come; ways out of the place', async () => {
    const { bytes, name } = await goodFile('4310')
    const other = await goodFile('4306')
    for (const wrong of [`../${name}`, `..%2f${name}`, `${name}\0`, `a/${name}`, `${name}.exe`, name.toLowerCase()])
      expect((await became('4310', wrong, bytes)).slice(0, 2), wrong).toEqual([422, 'bad-name'])
    expect(await became('4310', other.name, bytes)).toEqual([422, 'other-bank'])
    expect(await became('4310', other.name, other.bytes)).toEqual([422, 'other-bank'])
    expect(await became('4310', fileNameOf(freshName('4310', { accountingDate: '2026-11-22' })), bytes)).toEqual([422, 'day-ahead'])
    expect(await became('4310', name, bytes)).toEqual([200, 'complete'])
  })
  test('too large, as it is sent and unpacked; what unpacks to far more than it is; packed twice, or broken', async () => {
    const { name, bytes } = await goodFile('4310')
    const gzip = { 'content-encoding': 'gzip' }
    expect(await became('4310', name, Buffer.alloc((1 << 20) + 1, 'x'))).toEqual([413, 'too-large'])
    expect(await became('4310', name, gzipSync(Buffer.alloc(3 << 20, 'x')), gzip)).toEqual([413, 'too-large'])
    expect((await became('4310', name, gzipSync(gzipSync(bytes)), gzip))[0]).toBe(422)
    expect(await became('4310', name, gzipSync(bytes).subarray(0, -9), gzip)).toEqual([422, 'gzip-broken'])
    expect(await became('4310', name, bytes, gzip)).toEqual([422, 'gzip-broken'])
    expect((await upload('4310', name, bytes, { 'content-encoding': 'br' })).status).toBe(415)
    expect(await became('4310', name, gzipSync(bytes), gzip)).toEqual([200, 'complete'])
  })
  test('bytes that changed on the disk are no fault of the bank: the same are taken again', async () => {
    const { name, bytes } = await goodFile('4310')
    expect((await upload('4310', name, bytes)).status).toBe(202)
    const hex = sha256(bytes)
    writeFileSync(`${desk.house.spoolDir}/${hex.slice(0, 2)}/${hex}`, 'something else')
    await check()
    expect((await desk.house.store.files.findByName('4310', name))?.fault?.code).toBe('digest-changed')
    expect(await became('4310', name, bytes)).toEqual([200, 'complete'])
  })
  test('nothing of what was refused is applied, and all of it stands in the list', async () => {
    const { json } = await desk.wang.ask('GET', '/v1/reconciliation-files?bankCode=4310&state=refused&limit=200')
    const files = json.files as { readonly fault: { readonly zh: string; readonly en: string } }[]
    expect(files.length).toBeGreaterThan(20)
    for (const { fault } of files)
      expect([fault.zh, fault.en]).toEqual([expect.stringMatching(/\p{Script=Han}/u), expect.stringMatching(/[a-z]/)])
    expect(readdirSync(`${desk.house.spoolDir}/unfinished`)).toEqual([])
  })
})

describe('sent again', () => {
  const ask = (who: Caller, change: object) =>
    who.ask('POST', '/v1/reconciliation-file-requests', {
      bankCode: '4310',
      accountingDate,
      kind: 'resend',
      reason: '合计有误,请重发',
      ...change,
    })
  test('other bytes are refused until the gateway has asked, with a reason; then they count, and the old ones are kept', async () => {
    const { of, name, bytes } = await goodFile('4310')
    const { session } = of
    expect(await ask(desk.wang, { orderNo: 'F-1', session })).toMatchObject({ status: 409, json: { code: 'T3014' } })
    expect(await became('4310', name, bytes)).toEqual([200, 'complete'])
    const others = detailLines(4)
    const other = await bytesOf(headerOf(of, others), others)
    expect(await became('4310', name, other)).toEqual([409, 'content-differs'])
    const asked = await ask(desk.wang, { orderNo: 'F-1', session })
    expect(asked).toMatchObject({ status: 201, json: { version: 2, kind: 'resend', askedBy: 'urn:taxlink:operator:wang' } })
    expect(await ask(desk.wang, { orderNo: 'F-1', session })).toMatchObject({ status: 200, json: asked.json })
    expect((await ask(desk.wang, { orderNo: 'F-1', session, reason: '别的原因' })).status).toBe(409)
    expect(await ask(desk.wang, { orderNo: 'F-2', session })).toMatchObject({ status: 409, json: { code: 'T3014' } })
    // The bank is told, as of everything else of day-end.
    const [call] = await desk.house.store.bankCalls.dueBankCalls('4310', clock, 100)
    expect(call).toMatchObject({ verb: 'fileRequest', content: { accountingDate, session, reason: 'resend', why: '合计有误,请重发' } })
    expect(await became('4310', name, other)).toEqual([200, 'complete'])
    const versions = await desk.house.store.files.list({ bankCode: '4310', accountingDate }, 0, 200)
    const own = versions.filter(file => file.name === name).map(({ version, state, said }) => [version, state, said?.count])
    expect(own).toEqual([
      [1, 'superseded', 2],
      [1, 'refused', undefined],
      [2, 'complete', 4],
    ])
    // What was superseded gets the answer of what it is.
    expect(await became('4310', name, bytes)).toEqual([200, 'superseded'])
    expect((await desk.house.store.files.complete('4310', accountingDate, session)).map(({ version }) => version)).toEqual([2])
    const { json } = await desk.wang.ask('GET', '/v1/reconciliation-file-requests?bankCode=4310')
    expect(json.requests).toMatchObject([{ orderNo: 'F-1', version: 2 }])
  })
  test('the session that needs a file asks for it once', async () => {
    const session = freshName('4306').session
    const order = {
      orderNo: `${accountingDate}-${session}`,
      bankCode: '4306',
      accountingDate,
      session,
      kind: 'first' as const,
      reason: '日终对账',
    }
    const askOnce = () => askForFile(desk.house.flow, 'session', order, clock, '2026-11-11')
    expect(await askOnce()).toMatchObject({ kind: 'asked', request: { version: 1, workDate: '2026-11-11' } })
    expect(await askOnce()).toMatchObject({ kind: 'repeated' })
    expect(await askForFile(desk.house.flow, 'session', { ...order, orderNo: 'other' }, clock)).toEqual({ kind: 'asked-already' })
    expect(await askForFile(desk.house.flow, 'session', { ...order, bankCode: '9999' }, clock)).toBeUndefined()
  })
  test('each bank is asked for its own, also where day and session are the same', async () => {
    const { session } = freshName('4301')
    const files = sessionFiles(desk.house.flow, desk.house.spool)
    const codes = ['4301', '4306', '4310']
    for (const bankCode of codes)
      await files.ask({ bankCode, accountingDate, session, workDate: '2026-11-11' } as SessionView, undefined, clock)
    for (const bankCode of codes)
      expect(await desk.house.store.fileRequests.list({ bankCode }, 0, 100)).toContainEqual(
        expect.objectContaining({ bankCode, accountingDate, session, kind: 'first' }),
      )
  })
})

describe('the work date', () => {
  test('is one that the bank was told, or a day of its own up to the one on which it sends; what is refused for it may be right later', async () => {
    const of = freshName('4310')
    const lines = detailLines(2)
    const put = async (workDate: string) => {
      await upload('4310', fileNameOf(of), await bytesOf({ ...headerOf(of, lines), workDate }, lines))
      await check()
      const { state, fault } = (await banks['4310']!.ask('GET', `/v1/reconciliation-files/${fileNameOf(of)}`)).json
      return (fault as { code: string } | undefined)?.code ?? state
    }
    expect(await put('2026-11-12')).toBe('header-work-date')
    expect(await put('2026-11-09')).toBe('header-work-date')
    // The session is held days later, and the bank is told so.
    const opening = {
      bankCode: '4310',
      accountingDate,
      workDate: '2026-11-12',
      kind: 'day-end',
      openedBy: 'test',
      reason: '',
      now: clock,
    } as const
    const { db } = desk.house.fresh
    await desk.house.store.reconciliations.open(opening)
    await db.execute("UPDATE reconciliation SET session = ? WHERE bank_code = '4310' AND accounting_date = ?", [of.session, accountingDate])
    expect(await put('2026-11-12')).toBe('complete')
    // A person asks again on another day, and the bank is told that one.
    await askForFile(
      desk.house.flow,
      'test',
      { orderNo: 'W-1', bankCode: '4310', accountingDate, session: of.session, kind: 'resend', reason: 'x' },
      clock,
      '2026-11-20',
    )
    expect(await put('2026-11-19')).toBe('header-work-date')
    expect(await put('2026-11-20')).toBe('complete')
  })
})

describe('who may', () => {
  test('a bank brings and asks about its own only; nobody else brings any', async () => {
    const { name, bytes } = await goodFile('4306')
    expect(await became('4310', name, bytes)).toEqual([422, 'other-bank'])
    expect(await became('4306', name, bytes)).toEqual([200, 'complete'])
    const path = `/v1/reconciliation-files/${name}`
    expect((await banks['4310']!.ask('GET', path)).json.fault).toMatchObject({ code: 'other-bank' })
    for (const who of [desk.wang, desk.ets, desk.of('zhao')])
      expect((await who.ask('PUT', path, bytes, { 'content-type': stream })).status).toBe(403)
    expect((await desk.house.caller().ask('PUT', path, bytes, { 'content-type': stream })).status).toBe(401)
    for (const code of ['4399', '9999']) {
      const stranger = desk.house.caller(await desk.bankPem(code))
      expect((await stranger.ask('PUT', path, bytes, { 'content-type': stream })).status).toBe(403)
    }
    expect((await banks['4306']!.ask('PUT', path, bytes, { 'content-type': 'text/plain' })).status).toBe(415)
    expect((await banks['4306']!.ask('PUT', '/v1/reconciliation-files/', bytes, { 'content-type': stream })).status).toBe(400)
    expect((await banks['4306']!.ask('POST', '/v1/binding-results', bytes, { 'content-type': stream })).status).toBe(415)
  })
  test('the list is the province’s, for those whose duty it is', async () => {
    for (const who of [banks['4306']!, desk.ets, desk.of('zhao'), desk.of('zhou')])
      for (const path of ['/v1/reconciliation-files', '/v1/reconciliation-file-requests'])
        expect((await who.ask('GET', path)).status, path).toBe(403)
    expect((await desk.wang.ask('GET', '/v1/reconciliation-files?limit=1')).json).toMatchObject({
      files: [{ id: 1 }],
      next: expect.any(String),
    })
  })
})

test('a caller that breaks off in the middle leaves nothing; it sends the same again', async () => {
  const { name, bytes } = await goodFile('4310', detailLines(2_000))
  await new Promise<void>(resolve => {
    const sent = request(`${desk.house.http.url}/v1/reconciliation-files/${name}`, {
      method: 'PUT',
      agent: banks['4310']!.agent,
      headers: { 'content-type': stream, 'content-length': bytes.length },
    })
    sent.on('error', () => resolve())
    sent.write(bytes.subarray(0, 100_000), () => sent.destroy())
  })
  await until('nothing is under way', () => readdirSync(`${desk.house.spoolDir}/unfinished`).length === 0)
  expect(await desk.house.store.files.findByName('4310', name)).toBeUndefined()
  expect(await became('4310', name, bytes)).toEqual([200, 'complete'])
})

describe('one bank does not use up what is there for all', () => {
  test('who has brought too much within a day brings no more, and is told so; others do', async () => {
    const [first, second, other] = [await goodFile('4310', detailLines(40)), await goodFile('4310'), await goodFile('4306')]
    const used = await desk.house.store.files.brought('4310', new Date(clock.getTime() - 86_400_000))
    Object.assign(desk.house.bounds, { day: used + first.bytes.length - 1 })
    try {
      const { length } = desk.house.notes
      for (const headers of [{}, { 'content-encoding': 'gzip' }]) {
        const sent = 'content-encoding' in headers ? gzipSync(first.bytes) : first.bytes
        const refused = await upload('4310', first.name, sent, headers)
        expect([refused.status, refused.json.code, refused.headers['retry-after']]).toEqual([507, 'T3015', '600'])
        expect([refused.json.titleZh, refused.json.titleEn]).toEqual([
          expect.stringContaining('没有存放'),
          expect.stringContaining('no room'),
        ])
      }
      expect(desk.house.notes.slice(length)).toMatchObject([
        { event: 'trouble', bankCode: '4310', detail: expect.stringContaining('no room for its files') },
        { event: 'trouble', bankCode: '4310' },
      ])
      // Nothing of it stands anywhere: the same may come later.
      expect(await desk.house.store.files.findByName('4310', first.name)).toBeUndefined()
      expect(readdirSync(`${desk.house.spoolDir}/unfinished`)).toEqual([])
      expect(await became('4310', second.name, second.bytes)).toEqual([200, 'complete'])
      expect(await became('4306', other.name, other.bytes)).toEqual([200, 'complete'])
      Object.assign(desk.house.bounds, { day: 1 << 30, free: Number.MAX_SAFE_INTEGER })
      expect((await upload('4310', first.name, first.bytes)).status).toBe(507)
    } finally {
      Object.assign(desk.house.bounds, { day: 1 << 30, free: 0 })
    }
    expect(await became('4310', first.name, first.bytes)).toEqual([200, 'complete'])
  })
  test('two uploads of a bank that do not end leave places for others, and for nobody else’s third', async () => {
    const [slow, quick, others] = [await goodFile('4310', detailLines(900)), await goodFile('4310'), await goodFile('4306')]
    const begun = ['a', 'b'].map(() => {
      const sent = request(`${desk.house.http.url}/v1/reconciliation-files/${slow.name}`, {
        method: 'PUT',
        agent: banks['4310']!.agent,
        headers: { 'content-type': stream, 'content-length': slow.bytes.length },
      })
      sent.on('error', () => {})
      sent.write(slow.bytes.subarray(0, 1_000))
      return sent
    })
    await until('both are under way', () => readdirSync(`${desk.house.spoolDir}/unfinished`).length === 2)
    expect((await upload('4310', quick.name, quick.bytes)).status).toBe(503)
    expect(await became('4306', others.name, others.bytes)).toEqual([200, 'complete'])
    for (const sent of begun) sent.destroy()
    await until('none is under way', () => readdirSync(`${desk.house.spoolDir}/unfinished`).length === 0)
    await until('there is a place again', async () => (await upload('4310', quick.name, quick.bytes)).status === 202)
    expect(await became('4310', quick.name, quick.bytes)).toEqual([200, 'complete'])
  })
})

test('many files of one bank keep nobody else’s waiting', async () => {
  await check()
  const many = await Promise.all(Array.from({ length: 22 }, () => goodFile('4310', [])))
  for (const { name, bytes } of many) expect((await upload('4310', name, bytes)).status).toBe(202)
  const other = await goodFile('4306', [])
  expect((await upload('4306', other.name, other.bytes)).status).toBe(202)
  await check()
  expect((await desk.house.store.files.findByName('4306', other.name))?.state).toBe('complete')
  await check()
})

test('a file is its reader’s for as long as it is being read, and another’s soon after its reader died', async () => {
  const { flow, spool, store } = desk.house
  const { name, bytes } = await goodFile('4310', detailLines(3))
  const id = async () => (await store.files.findByName('4310', name))!.id
  expect((await upload('4310', name, bytes)).status).toBe(202)
  const at = clock
  const later = (minutes: number) => new Date(clock.getTime() + minutes * 60_000)
  const claims: boolean[] = []
  const slow = async function* (digest: Buffer) {
    for await (const part of spool.read(digest))
      for (let from = 0; from < part.length; from += 300) {
        yield part.subarray(from, from + 300)
        claims.push(await store.files.claim(await id(), 'another', clock, later(2)))
        clock = later(1)
      }
  }
  await checkFiles(flow, { ...spool, read: slow })
  expect([claims.length > 3, claims.includes(true)]).toEqual([true, false])
  expect((await store.files.findByName('4310', name))?.state).toBe('complete')
  clock = at
})
test('a set that our disk does not give keeps no other waiting, and counts when it does', async () => {
  const setOf = async (code: string) => {
    const [of, lines] = [freshName(code), detailLines(2)]
    for (const [i, line] of lines.entries()) {
      const name = { ...of, chunk: i + 1 }
      await became(code, fileNameOf(name), await bytesOf(headerOf(name, lines, 2), [line]))
    }
    return of
  }
  const { flow, spool, store, notes } = desk.house
  // Nobody looks into sets while these come.
  const files = { ...store.files }
  Object.assign(store.files, { wholeSets: () => Promise.resolve([]) })
  const [bad, good] = [await setOf('4301'), await setOf('4306')]
  Object.assign(store.files, files)
  const [chunk] = (await store.files.wholeSets(9))[0]!
  const broken = { ...spool, read: (sha256: Buffer) => (sha256.equals(chunk!.sha256!) ? failing() : spool.read(sha256)) }
  const { length } = notes
  await checkFiles(flow, broken)
  expect((await store.files.complete('4306', accountingDate, good.session)).length).toBe(2)
  expect(notes.slice(length)).toContainEqual(
    expect.objectContaining({ event: 'trouble', bankCode: '4301', detail: expect.stringContaining('EIO') }),
  )
  await check()
  expect((await store.files.complete('4301', accountingDate, bad.session)).length).toBe(2)
})
const failing = (): AsyncGenerator<Uint8Array> => {
  throw new Error('EIO: i/o error, read')
}

test('a file is asked for again so often as there are numbers, and then no more: another session is the way', async () => {
  const { of, name, bytes } = await goodFile('4310')
  expect(await became('4310', name, bytes)).toEqual([200, 'complete'])
  const { db } = desk.house.fresh
  await db.execute("INSERT INTO recon_version VALUES ('4310', ?, ?, 99, '2026-11-11', NULL)", [accountingDate, of.session])
  await db.execute("UPDATE recon_file SET state = 'superseded' WHERE bank_code = '4310' AND name = ?", [name])
  const lines = detailLines(1)
  await became('4310', name, await bytesOf(headerOf(of, lines), lines))
  const body = { orderNo: 'V-99', bankCode: '4310', accountingDate, session: of.session, kind: 'resend', reason: 'x' }
  const refused = await desk.wang.ask('POST', '/v1/reconciliation-file-requests', body)
  expect([refused.status, refused.json.errors]).toEqual([
    409,
    [expect.objectContaining({ en: expect.stringContaining('open another session') })],
  ])
})

test('a file that is missing is told of, also of a day without a record; a day before the bank came is not', async () => {
  // The sample banks were opened on the day on which this runs.
  const opened = (await desk.house.store.files.activeSince()).get('4301')!
  const at = clock
  clock = new Date(opened.getTime() + 36 * 3_600_000)
  const day = (days: number) => new Date(opened.getTime() + 8 * 3_600_000 + days * 86_400_000).toISOString().slice(0, 10)
  expect(await missingFiles(desk.house.flow)).toEqual([])
  clock = new Date(Date.parse(`${day(1)}T16:00:00.000Z`) + 2 * 3_600_000 + 60_000)
  const codes = (await missingFiles(desk.house.flow)).map(({ bankCode, accountingDate: missing }) => `${bankCode} ${missing}`)
  expect(codes).toEqual(['4301', '4306', '4310'].map(code => `${code} ${day(1)}`))
  // A session that waits, of a day that has its first file, too; not at once, and not for ever.
  const { reconciliations } = desk.house.store
  const awaited = async (hours: number) => {
    await desk.house.fresh.db.execute("UPDATE reconciliation SET opened_at = ? WHERE accounting_date = '2026-09-09'", [
      new Date(clock.getTime() - hours * 3_600_000).toISOString().slice(0, 23).replace('T', ' '),
    ])
    return (await missingFiles(desk.house.flow)).some(({ accountingDate: date }) => date === '2026-09-09')
  }
  await reconciliations.open({
    bankCode: '4306',
    accountingDate: '2026-09-09',
    workDate: accountingDate,
    kind: 'day-end',
    openedBy: 'test',
    reason: '',
    now: clock,
  })
  expect(await awaited(3)).toBe(false)
  await desk.house.fresh.db.execute("UPDATE reconciliation SET state = 'awaited' WHERE accounting_date = '2026-09-09'")
  expect([await awaited(1), await awaited(3), await awaited(200)]).toEqual([false, true, false])
  const name = freshName('4301', { accountingDate: day(1) })
  expect(await became('4301', fileNameOf(name), await bytesOf(headerOf(name, []), []))).toEqual([200, 'complete'])
  const told = new Map<string, number>()
  const { length } = desk.house.notes
  await tellOfMissing(desk.house.flow, told)
  await tellOfMissing(desk.house.flow, told)
  const notes = desk.house.notes.slice(length).filter(({ event }) => event === 'file-missing')
  expect(notes.map(({ bankCode, file }) => [bankCode, file])).toEqual([
    ['4306', day(1)],
    ['4310', day(1)],
  ])
  clock = at
})
