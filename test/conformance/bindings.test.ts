import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  type Bank,
  openDigest,
  openPush,
  outcome,
  type PushHandlers,
  pushes,
  type RequestOf,
  servePushes,
  type Tls,
} from '@taxlink/bank-sdk'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import dongting from '../../adapters/dongting/index.ts'
import openBank from '../../adapters/open/index.ts'
import xiangjiang from '../../adapters/xiangjiang/index.ts'
import type { Rule } from '../../conformance/simulator/index.ts'
import { authority } from '../sdk/line-kit.ts'
import { accountingDate, type Bench, faultOf, open, requests, until } from './bank-kit.ts'

type Identity = Required<Pick<Tls, 'ca' | 'cert' | 'key'>>
/** What each side shows where it serves, and where it asks. */
type Party = { readonly server: Identity; readonly client: Identity }
const parties = new Map<Bank, { readonly bank: Party; readonly gateway: Party }>()
beforeAll(async () => {
  const { issue } = await authority('test')
  const party = async (who: string): Promise<Party> => ({ server: await issue(who, 'server'), client: await issue(who, 'client') })
  parties.set(openBank, { bank: await party('4310'), gateway: await party('gateway') })
})

const account = '6222021901000000041'
const name = '长沙市芙蓉区珅億酒家(总店)'
const accounts = [{ account, name, balance: 1_000_000, agreementNo: null, taxpayerId: '91430102MA4L000018', branch: '313551080026' }]
const key = (serial: number) => ({ officeCode: '14301020000', entrustDate: '2026-09-11', serialNo: String(serial).padStart(8, '0') })
const profile = { taxpayerId: '91430102MA4L000018', taxpayerName: name, account, payerBankNo: '313551080018' }
const agreementNo = 'XY20260099'
const bind = (serial: number, more: Partial<RequestOf<'bind'>> = {}): RequestOf<'bind'> => ({
  ...key(serial),
  agreementNo,
  channel: 'computer',
  ...profile,
  ...more,
})
const debit = (serial: number) => requests.debit(serial, { account, agreementNo, taxpayerName: name })
const codeOf = async (asked: Promise<{ readonly result: { readonly code: string } }>) => (await asked).result.code

const begin = (bank: Bank, plan: Rule[] = [], more: Parameters<typeof open>[2] = {}): Promise<Bench> => {
  const party = parties.get(bank)
  return open(bank, plan, { accounts, ...(party ? { tls: party.bank.server } : {}), ...more }, party?.gateway.client)
}

/** A gateway that only listens: what it was told, in order. */
const gateway = async (bank: Bank, more: PushHandlers = {}) => {
  const told: object[] = []
  const hear = (request: object) => {
    told.push(request)
    return { result: outcome('90000') }
  }
  const party = parties.get(bank)
  const listener = await servePushes(
    bank,
    { ...Object.fromEntries(pushes.map(push => [push, hear])), ...more },
    party ? { tls: party.gateway.server } : {},
  )
  onTestFinished(() => listener.close(0))
  return { told, push: { url: listener.url, retryMs: 20, ...(party ? { tls: party.bank.client } : {}) } }
}

describe.each([
  ['fixed width over TCP', xiangjiang],
  ['XML over HTTP', dongting],
  ['the open interface over HTTPS', openBank],
])('bindings of a simulated bank: %s', (_, bank) => {
  test('an account is bound, and only then debited; stopped, resumed, ended', async () => {
    const bench = await begin(bank)
    expect(await codeOf(bench.ask('debit', debit(1)))).toBe('24009')
    const bound = await bench.ask('bind', bind(2))
    expect(bound).toMatchObject({
      agreementNo,
      result: { code: '90000' },
      taxpayerName: name,
      boundOn: accountingDate,
      credential: 'not-issued',
    })
    // The bank tells of its own branch, which differs from ours.
    expect(bound.payerBankNo).toBe('313551080026')
    expect(await codeOf(bench.ask('debit', debit(3)))).toBe('90000')
    const suspension = (serial: number, action: 'suspend' | 'resume') =>
      bench.ask('suspension', { ...key(serial), agreementNo, account, action, reason: 'credential-lost' })
    expect(await codeOf(suspension(4, 'suspend'))).toBe('90000')
    expect(await codeOf(bench.ask('debit', debit(5)))).toBe('24012')
    expect(await codeOf(bench.ask('bindingStatus', { ...key(6), agreementNo }))).toBe('24012')
    expect(await codeOf(suspension(7, 'resume'))).toBe('90000')
    expect(await codeOf(bench.ask('debit', debit(8)))).toBe('90000')
    const cancel = (serial: number, of = agreementNo) =>
      bench.ask('cancelBinding', { ...key(serial), agreementNo: of, account, reason: 'deregistered' })
    expect(await codeOf(cancel(9))).toBe('90000')
    expect(await codeOf(cancel(10))).toBe('90000')
    expect(await codeOf(cancel(11, 'XY0'))).toBe('24009')
    expect(await codeOf(suspension(12, 'suspend'))).toBe('24017')
    expect(await codeOf(bench.ask('debit', debit(13)))).toBe('24017')
    expect(bench.faults).toEqual([])
  })

  test('the same key is answered as the first time, another content refused; a stranger is not bound', async () => {
    const bench = await begin(bank)
    expect(await codeOf(bench.ask('bind', bind(1)))).toBe('90000')
    expect(await bench.ask('bind', bind(1))).toMatchObject({ result: { code: '90000' }, boundOn: accountingDate })
    expect(await codeOf(bench.ask('bind', bind(1, { agreementNo: 'XY1' })))).toBe('93004')
    expect(await codeOf(bench.ask('bind', bind(2, { agreementNo: 'XY2' })))).toBe('24016')
    expect(await codeOf(bench.ask('bind', bind(3, { agreementNo: 'XY3', account: '6222021901000000099' })))).toBe('24001')
    const refused = await bench.ask('bind', bind(4, { agreementNo: 'XY4', taxpayerName: '别家' }))
    expect(refused).toMatchObject({ result: { code: '24002' }, taxpayerName: name })
    expect(bench.simulator.ledger.bindings.all().map(b => b.agreementNo)).toEqual([agreementNo])
  })

  test('a name that differs in width only is bound, and told as the bank writes it', async () => {
    const bench = await begin(bank)
    const bound = await bench.ask('bind', bind(1, { taxpayerName: name.replace('(', '（').replace(')', '）') }))
    expect(bound).toMatchObject({ result: { code: '90000' }, taxpayerName: name })
  })

  test('a change ends the original when the new one is bound, and never before', async () => {
    const bench = await begin(bank)
    const change = (serial: number, more: object = {}) =>
      bench.ask('changeBinding', { ...bind(serial), agreementNo: 'XY20260100', originalAgreementNo: agreementNo, ...more })
    expect(await codeOf(change(1))).toBe('24009')
    await bench.ask('bind', bind(2))
    expect(await codeOf(change(3, { taxpayerName: '别家', agreementNo: 'XY20260101' }))).toBe('24002')
    expect(await codeOf(bench.ask('debit', debit(4)))).toBe('90000')
    expect(await codeOf(change(5, { agreementNo: 'XY20260102' }))).toBe('90000')
    expect(await codeOf(bench.ask('debit', debit(6)))).toBe('24017')
    expect(await codeOf(bench.ask('debit', { ...debit(7), agreementNo: 'XY20260102' }))).toBe('90000')
  })

  test('compares the five particulars, and the list at the end of a month', async () => {
    const bench = await begin(bank)
    await bench.ask('bind', bind(1))
    const verify = (serial: number, more: object) => bench.ask('verification', { ...key(serial), agreementNo, ...profile, ...more })
    expect(await verify(2, { taxpayerName: '别家' })).toMatchObject({
      result: { code: '24002' },
      taxpayerNameMatch: 'differs',
      taxpayerIdMatch: 'same',
      officeMatch: 'same',
      accountMatch: 'same',
    })
    expect(await codeOf(verify(3, { account: '6222021901000000099' }))).toBe('24016')
    expect(await codeOf(verify(4, { payerBankNo: '313551080026' }))).toBe('90000')
    const digest = openDigest()
    digest.add({ agreementNo, account, suspended: false })
    const sync = { month: '202609', inForce: 1, suspended: 0, digest: digest.end() }
    expect(await bench.ask('monthlySync', { ...key(5), ...sync })).toMatchObject({ result: { code: '90000' }, inForce: 1, suspended: 0 })
    expect(await bench.ask('monthlySync', { ...key(6), ...sync, inForce: 2 })).toMatchObject({ result: { code: '93004' }, inForce: 1 })
  })

  test('what is decided later is told until there is a receipt, under one key', async () => {
    let away = 2
    const seen: string[] = []
    const { told, push } = await gateway(bank, {
      bindingResult: request => {
        seen.push(`${request.serialNo} ${request.result.code}`)
        if (away-- > 0) throw new Error('the record is out of reach')
        return { result: outcome('90000') }
      },
    })
    const bench = await begin(bank, [{ when: { verb: 'bind' }, do: 'in-progress-then-done', ms: 1 }], { push })
    expect(await codeOf(bench.ask('bind', bind(1, { channel: 'phone' })))).toBe('99091')
    if (bank.push?.kind === 'http') {
      await until(() => bench.simulator.receipts.length === 1)
      expect(new Set(seen)).toEqual(new Set(['70000001 90000']))
      expect(seen).toHaveLength(3)
    } else await until(() => seen.length === 1)
    expect(await bench.ask('bindingStatus', { ...key(2), agreementNo })).toMatchObject({ result: { code: '90000' }, credential: 'issued' })
    expect(told).toEqual([])
  })

  test('told twice under one key; of what happens at the bank the gateway hears, too', async () => {
    const { told, push } = await gateway(bank)
    const bench = await begin(bank, [{ when: { verb: 'bind', agreementNo: '0099' }, do: 'told-twice', ms: 1 }], { push })
    await bench.ask('bind', bind(1))
    await until(() => bench.simulator.receipts.length === 2)
    expect(told[0]).toEqual(told[1])
    expect(told[0]).toMatchObject({ agreementNo, result: { code: '90000' }, boundOn: accountingDate, account })
    expect(bench.simulator.happen(agreementNo, 'account-closed', '客户销户')).toBe(true)
    expect(bench.simulator.happen('XY0', 'account-closed')).toBe(false)
    await until(() => bench.simulator.receipts.length === 3)
    expect(told[2]).toMatchObject({ agreementNo, event: 'account-closed', reason: '客户销户' })
    expect(bench.simulator.ledger.bindings.untold()).toEqual([])
    expect(await codeOf(bench.ask('debit', debit(2)))).toBe('24017')
  })
})

test('what was not told, and what was not decided, is after a restart', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'bindings-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  const journal = join(folder, 'journal')
  const first = await begin(xiangjiang, [{ when: { verb: 'bind' }, do: 'in-progress-then-done', ms: 60_000 }], { journal })
  expect(await codeOf(first.ask('bind', bind(1)))).toBe('99091')
  await first.simulator.close()
  const { told, push } = await gateway(xiangjiang)
  const second = await begin(xiangjiang, [], { journal, push })
  await until(() => second.simulator.receipts.length === 1)
  expect(told).toMatchObject([{ agreementNo, result: { code: '90000' } }])
  expect(await codeOf(second.ask('debit', debit(2)))).toBe('90000')
  await second.simulator.close()
  const third = await begin(xiangjiang, [], { journal, push })
  expect(third.simulator.ledger.bindings.untold()).toEqual([])
})

test('a bank that declares nothing it tells has no line for it', async () => {
  const { push: _push, bindingResult: _result, bindingNotice: _notice, ...silent } = xiangjiang
  expect(() => openPush(silent, 'tcp://127.0.0.1:1')).toThrow(/declares nothing/)
  expect(await faultOf(servePushes(silent, {}))).toBe('bad-declaration')
})
