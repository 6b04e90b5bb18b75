import { exchanges, type Push, pushes, type RequestOf, version } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { bankOf } from '#adapters'
import { bankOperations } from '../../../gateway/http/bank-operations.ts'
import { particularsOf, writeActive } from '../agreements.ts'
import { uri } from './certificates.ts'
import { type Caller, type House, openHouse } from './house.ts'

let house: House
let bank: Caller
const callerOf = async (name: string) => house.caller(await house.ca.issue({ names: [uri(`urn:taxlink:${name}`)] }))

beforeAll(async () => {
  house = await openHouse()
  bank = await callerOf('bank:4310')
})
afterAll(() => house.close())

let serial = 70_000_000
const wrapped = <P extends Push>(push: P, values: RequestOf<P>) => ({ version, type: exchanges[push].request.id, ...values })
const result = (more: Partial<RequestOf<'bindingResult'>> = {}) =>
  wrapped('bindingResult', {
    officeCode: '14301020000',
    entrustDate: '2026-11-10',
    serialNo: String(++serial),
    agreementNo: 'XY-NOBODY-HAS-IT',
    result: { class: 'succeeded', code: '90000', bankCode: '90000' },
    account: '430101560100012345',
    ...more,
  })

test('a bank of the unified interface tells, and gets a receipt; the same again gets the same', async () => {
  const told = result()
  const first = await bank.ask('POST', '/v1/binding-results', told)
  expect(first).toMatchObject({
    status: 200,
    json: { version, type: 'binding-result.receipt', serialNo: told.serialNo, result: { code: '24009' } },
  })
  expect((await bank.ask('POST', '/v1/binding-results', told)).json).toEqual(first.json)
  // However it is written: the content is what counts.
  expect((await bank.ask('POST', '/v1/binding-results', JSON.stringify(told, undefined, 2))).json).toEqual(first.json)
  const other = await bank.ask('POST', '/v1/binding-results', { ...told, account: '430101560100012346' })
  expect(other).toMatchObject({ status: 200, json: { result: { code: '92006' } } })
  const { version: _v, type: _t, result: _r, account: _a, ...key } = told
  const notice = wrapped('bindingNotice', { ...key, serialNo: String(++serial), event: 'account-closed' })
  expect(await bank.ask('POST', '/v1/binding-notices', notice)).toMatchObject({ status: 200, json: { type: 'binding-notice.receipt' } })
  expect(house.notes.filter(note => note.event === 'heard').map(note => note.code)).toEqual(['24009', '24009', '24009', '92006', '24009'])
})

test('of agreements of the record: 90000 and again, 24016 of another bank’s, 24017 of what is over', async () => {
  const at = (n: number, bankCode: string) => {
    const { branch, ...particulars } = particularsOf(n, { bankCode })
    return { ...particulars, payerBankNo: branch, agreementNo: `XY-OPEN-${n}` }
  }
  await writeActive(house.fresh.db, [at(91_001, '4310'), at(91_002, '4301')])
  const say = async (n: number, event: RequestOf<'bindingNotice'>['event']) => {
    const key = { officeCode: '14301020000', entrustDate: '2026-11-10', serialNo: String(++serial) }
    const { json } = await bank.ask('POST', '/v1/binding-notices', wrapped('bindingNotice', { ...key, agreementNo: `XY-OPEN-${n}`, event }))
    return (json.result as { code: string }).code
  }
  expect(await say(91_001, 'suspended')).toBe('90000')
  expect(await say(91_001, 'suspended')).toBe('90000')
  expect(await say(91_002, 'suspended')).toBe('24016')
  expect(await say(91_001, 'account-closed')).toBe('90000')
  expect(await say(91_001, 'resumed')).toBe('24017')
  expect((await house.store.agreements.find('XY-OPEN-91001'))?.state).toBe('void')
  expect((await house.store.agreements.find('XY-OPEN-91002'))?.state).toBe('active')
})

test('whatever a bank of the unified interface tells has the address that its declaration sends it to', () => {
  const declared = bankOf('4310')!
  for (const push of pushes) expect(bankOperations[push]).toMatchObject({ method: 'POST', url: declared[push]?.path })
})

test('nobody else may: no certificate, another role, a bank with a line of its own, a code no bank has', async () => {
  expect((await house.caller().ask('POST', '/v1/binding-results', result())).status).toBe(401)
  for (const name of ['tax-system:ets', 'operator:zhang', 'bank:4301', 'bank:4306', 'bank:4399'])
    expect((await (await callerOf(name)).ask('POST', '/v1/binding-results', result())).status, name).toBe(403)
  expect((await bank.ask('POST', '/v1/debits', {})).status).toBe(403)
})

test('what is no such message is refused with its place, and nothing of it is written down', async () => {
  const refused = async (body: unknown) => {
    const { status, json } = await bank.ask('POST', '/v1/binding-results', body)
    return [status, (json.errors as { pointer: string }[] | undefined)?.[0]?.pointer]
  }
  const told = result()
  expect(await refused({ ...told, result: { ...told.result, class: 'refused' } })).toEqual([422, '/result/class'])
  expect(await refused({ ...told, type: 'binding-notice.request' })).toEqual([422, '/type'])
  expect(await refused({ ...told, agreementNo: undefined })).toEqual([422, '/agreementNo'])
  expect(await refused({ ...told, secret: '1' })).toEqual([422, '/secret'])
  expect(await refused(`${JSON.stringify(told).slice(0, -1)},"account":"1"}`)).toEqual([400, '/account'])
  expect((await bank.ask('POST', '/v1/binding-results', 'x'.repeat(70_000))).status).toBe(413)
  const rows = await house.fresh.db.query('SELECT id FROM bank_message WHERE serial_no = ?', [told.serialNo])
  expect(rows).toEqual([])
})
