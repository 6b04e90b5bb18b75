import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cityMachine, qualificationMachine } from '../../../gateway/domain/qualification.ts'
import { judgeLine, type RegistryLine } from '../../../gateway/domain/registry.ts'
import { later } from '../../../gateway/domain/time.ts'
import type { Scalar } from '../../../gateway/store/database.ts'
import { type NewLine, openRegistry } from '../../../gateway/store/registry.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { sampleRegistry, writeRegistry } from '../../registry.ts'
import { now } from './kit.ts'

// The registry against plain SQL: whoever may write rows, but not change the tables, skips no step and does nothing alone that takes two.

const [zhang, li] = ['urn:taxlink:operator:zhang', 'urn:taxlink:operator:li']
let fresh: FreshDatabase
beforeAll(async () => {
  fresh = await freshDatabase(6)
  await writeRegistry(fresh.db)
})
afterAll(() => fresh.drop())
const run = (sql: string, params: readonly Scalar[] = []) => fresh.db.execute(sql, params)

type Step = {
  readonly bank: string
  readonly city?: string
  readonly seq: number
  readonly event: string
  readonly from: string
  readonly to: string
  readonly content?: object
  readonly proposal?: number
  readonly actor?: string
}
let orders = 0
const insert = ({ bank, city = '', seq, event, from, to, content = {}, proposal, actor = proposal === undefined ? zhang : li }: Step) =>
  run(
    `INSERT INTO registry_line (bank_code, city_code, seq, event, from_state, to_state, content, actor, at, proposal_id, order_no)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, '2026-11-10 02:00:00', ?, ?)`,
    [bank, city, seq, event, from, to, JSON.stringify(content), actor, proposal ?? null, proposal === undefined ? `o-${++orders}` : null],
  )
const proposed = async (kind: string, content: object): Promise<number> =>
  (
    await run(
      `INSERT INTO proposal (kind, subject, order_no, content, evidence, content_hash, proposed_by, proposed_at, expires_at)
       VALUES (?, ?, ?, ?, 'a letter', UNHEX(REPEAT('aa', 32)), ?, '2026-11-10 01:00:00', '2026-11-11 01:00:00')`,
      [kind, `s-${++orders}`, `n-${orders}`, JSON.stringify(content), zhang],
    )
  ).insertId
const decided = async (kind: string, content: object, state: 'approved' | 'rejected'): Promise<number> => {
  const id = await proposed(kind, content)
  await run(
    "UPDATE proposal SET state = ?, decided_by = ?, decided_at = '2026-11-10 02:00:00', seen_hash = IF(? = 'approved', content_hash, NULL) WHERE id = ?",
    [state, li, state, id],
  )
  return id
}
const approved = (kind: string, content: object): Promise<number> => decided(kind, content, 'approved')
/** An approved proposal, and a line that says exactly what it does. */
const for2 = async (kind: string, content: object) => ({ proposal: await approved(kind, content), content })
let banks = 5000
/** A bank as far as `certified`. */
const certified = async (): Promise<string> => {
  const bank = String(++banks)
  const steps = [
    ['apply', '', 'applied'],
    ['agree', 'applied', 'agreed'],
    ['certify', 'agreed', 'certified'],
  ] as const
  for (const [i, [event, from, to]] of steps.entries()) await insert({ bank, seq: i + 1, event, from, to })
  return bank
}
const qualify = async (bank: string): Promise<void> => {
  const content = { bankCode: bank, event: 'qualify' }
  await insert({
    bank,
    seq: 4,
    event: 'qualify',
    from: 'certified',
    to: 'qualified',
    content,
    proposal: await approved('move-bank', content),
  })
}

test('the steps of the table are those of the state tables, and no other', () => {
  const sql = readFileSync('migrations/0021-bank-affairs.sql', 'utf8')
  const lists = [...sql.matchAll(/to_state\) IN \(([^)]*)\)/g)].map(([, list]) =>
    [...list!.matchAll(/'([^']*)'/g)].map(([, step]) => step!),
  )
  const steps = (table: { readonly [from: string]: { readonly [event: string]: string | undefined } }) =>
    Object.entries(table).flatMap(([from, on]) => Object.entries(on).map(([event, to]) => `${from} ${event} ${to}`))
  expect(lists.map(list => list.toSorted())).toEqual([
    [...steps(qualificationMachine.table), ' apply applied', 'declined apply applied'].toSorted(),
    [...steps(cityMachine.table), ' prepare preparing', 'revoked prepare preparing'].toSorted(),
  ])
})

describe('no step is skipped', () => {
  test('a line follows the line before it', async () => {
    const bank = await certified()
    for (const [seq, from, to, event] of [
      [3, 'certified', 'agreed', 'decertify'],
      [5, 'certified', 'agreed', 'decertify'],
      [4, 'agreed', 'certified', 'certify'],
      [1, '', 'applied', 'apply'],
    ] as const)
      await expect(insert({ bank, seq, event, from, to }), `${seq} ${event}`).rejects.toThrow(/follows|one_step/)
    await insert({ bank, seq: 4, event: 'decertify', from: 'certified', to: 'agreed' })
  })
  test.each([
    ['', 'apply', '', 'qualified'],
    ['', 'certify', '', 'certified'],
    ['', 'anything', 'applied', 'qualified'],
    ['14301000000', 'prepare', '', 'active'],
    ['14301000000', 'evidence', '', ''],
    ['', 'evidence', 'applied', 'agreed'],
    ['', 'evidence', '', ''],
    ['', 'renew', '', ''],
    ['', 'renew', 'applied', 'applied'],
    ['', 'renew', 'agreed', 'agreed'],
    ['', 'assess', 'qualified', 'qualified'],
    ['14301000000', 'assess', '', ''],
    ['14301000000', 'assess', 'approved', 'approved'],
    ['14301000000', 'renew', 'active', 'active'],
    ['14301000000', 'assess', 'active', 'suspended'],
  ])('in %j there is no %s from %j to %j', async (city, event, from, to) => {
    await expect(insert({ bank: '4997', city, seq: 1, event, from, to })).rejects.toThrow(/registry_step|follows|province/)
  })
  test('a city opens no bank that the province has not qualified', async () => {
    const bank = await certified()
    const prepare = { bank, city: '14301000000', seq: 1, event: 'prepare', from: '', to: 'preparing' }
    await expect(insert(prepare)).rejects.toThrow('province qualifies')
    await qualify(bank)
    await insert(prepare)
  })
})

test('a certificate is renewed and a city assesses without a step, though the province has suspended the bank', async () => {
  const [bank, city] = [await certified(), '14301000000']
  await qualify(bank)
  const byTwo = async (kind: string, content: object) => ({ content, proposal: await approved(kind, content) })
  const move = (event: string) => byTwo('move-bank', { bankCode: bank, event })
  const moveInCity = (event: string) => byTwo('move-bank-in-city', { bankCode: bank, cityCode: city, event })
  await insert({ bank, city, seq: 1, event: 'prepare', from: '', to: 'preparing' })
  await insert({ bank, city, seq: 2, event: 'report', from: 'preparing', to: 'reported' })
  await insert({ bank, city, seq: 3, event: 'inspect', from: 'reported', to: 'ready' })
  await insert({ bank, city, seq: 4, event: 'approve', from: 'ready', to: 'approved', ...(await moveInCity('approve')) })
  await insert({ bank, city, seq: 5, event: 'activate', from: 'approved', to: 'active', ...(await moveInCity('activate')) })
  await insert({ bank, seq: 5, event: 'suspend', from: 'qualified', to: 'suspended', ...(await move('suspend')) })
  await insert({ bank, seq: 6, event: 'renew', from: 'suspended', to: 'suspended' })
  await insert({ bank, city, seq: 6, event: 'assess', from: 'active', to: 'active' })
  await insert({ bank, city, seq: 7, event: 'suspend', from: 'active', to: 'suspended', ...(await moveInCity('suspend')) })
  const resumed = { bank, city, seq: 8, event: 'resume', from: 'suspended', to: 'active', ...(await moveInCity('resume')) }
  await expect(insert(resumed)).rejects.toThrow('province qualifies')
  await insert({ bank, city, seq: 8, event: 'assess', from: 'suspended', to: 'suspended' })
})

describe('what takes two persons', () => {
  test.each<[string, () => Promise<{ proposal?: number; actor?: string; content?: object }>]>([
    ['needs a proposal', async () => ({})],
    ['that is approved', async () => ({ proposal: await proposed('move-bank', { bankCode: '5999', event: 'qualify' }) })],
    // By the very person who says no.
    ['that is not rejected', async () => ({ proposal: await decided('move-bank', { bankCode: '5999', event: 'qualify' }, 'rejected') })],
    ['of its kind', () => for2('halt-bank', { bankCode: '5999', event: 'qualify' })],
    ['about this bank', () => for2('move-bank', { bankCode: '5998', event: 'qualify' })],
    ['about this step', () => for2('move-bank', { bankCode: '5999', event: 'revoke' })],
    ['in the province, not in a city', () => for2('move-bank', { bankCode: '5999', cityCode: '14301000000', event: 'qualify' })],
    [
      'with the content that was approved',
      async () => ({
        proposal: await approved('move-bank', { bankCode: '5999', event: 'qualify' }),
        content: { bankCode: '5999', event: 'qualify', more: 1 },
      }),
    ],
    ['by who approved it', async () => ({ proposal: await approved('move-bank', { bankCode: '5999', event: 'qualify' }), actor: zhang })],
  ])('%s', async (_what, given) => {
    const bank = '5999'
    const [last] = await fresh.db.query<{ seq: number | null }>('SELECT MAX(seq) AS seq FROM registry_line WHERE bank_code = ?', [bank])
    if (last?.seq === null) {
      await insert({ bank, seq: 1, event: 'apply', from: '', to: 'applied' })
      await insert({ bank, seq: 2, event: 'agree', from: 'applied', to: 'agreed' })
      await insert({ bank, seq: 3, event: 'certify', from: 'agreed', to: 'certified' })
    }
    const step = { bank, seq: 4, event: 'qualify', from: 'certified', to: 'qualified' }
    await expect(insert({ ...step, content: { bankCode: bank, event: 'qualify' }, ...(await given()) })).rejects.toThrow(
      /two persons|registry_persons/,
    )
  })
  test('an approved proposal makes one line', async () => {
    const bank = await certified()
    const content = { bankCode: bank, treasuryCode: '1' }
    const proposal = await approved('set-account', content)
    const step = { bank, event: 'account', from: 'certified', to: 'certified', content, proposal }
    await insert({ ...step, seq: 4 })
    await expect(insert({ ...step, seq: 5 })).rejects.toThrow(/one_proposal/)
  })
  test('a line stays as it is', async () => {
    await expect(run("UPDATE registry_line SET to_state = 'qualified'")).rejects.toThrow('never changed')
    await expect(run('DELETE FROM registry_line')).rejects.toThrow('never deleted')
  })
})

describe('the registry as it is read', () => {
  test('is what its lines make, and the same value while nothing is added', async () => {
    const registry = openRegistry(fresh.db)
    const first = await registry.read()
    for (const [code, dossier] of sampleRegistry.dossiers) expect(first.dossiers.get(code)).toEqual(dossier)
    expect(await registry.read(first)).toBe(first)
    await insert({ bank: '4998', seq: 1, event: 'apply', from: '', to: 'applied' })
    const next = await registry.read(first)
    expect(next).not.toBe(first)
    expect(next.dossiers.get('4998')?.province).toBe('applied')
  })

  const line = (bankCode: string, event: RegistryLine['event'], content = {}): NewLine => ({
    bankCode,
    cityCode: undefined,
    event,
    content,
  })
  const add = (given: NewLine, orderNo: string, actor = zhang) =>
    openRegistry(fresh.db).add(given, orderNo, dossier => judgeLine(dossier, given, '2026-11-10'), { now: later(now, 0), actor })

  test('a line is written once under its number, and said again; other content is refused', async () => {
    const first = await add(line('4991', 'apply', { paperNo: '1' }), 'A-1')
    expect(first).toMatchObject({ kind: 'written', line: { bankCode: '4991', state: 'applied', actor: zhang } })
    expect(await add(line('4991', 'apply', { paperNo: '1' }), 'A-1')).toMatchObject({ kind: 'repeated' })
    expect(await add(line('4991', 'apply', { paperNo: '2' }), 'A-1')).toMatchObject({ kind: 'differs' })
    expect(await add(line('4991', 'apply'), 'A-2')).toMatchObject({ kind: 'objected', objection: { rule: 'no-such-step' } })
    // The numbers of others are their own.
    expect(await add(line('4991', 'agree'), 'A-1', li)).toMatchObject({ kind: 'written' })
  })
  test('of many at once about one bank one is written, and the others are judged by what it left', async () => {
    const said = await Promise.all(Array.from({ length: 8 }, (_, i) => add(line('4992', 'apply'), `B-${i}`)))
    expect(said.filter(({ kind }) => kind === 'written')).toHaveLength(1)
    expect(said.filter(({ kind }) => kind === 'objected')).toHaveLength(7)
    const same = await Promise.all(Array.from({ length: 8 }, () => add(line('4992', 'agree'), 'C')))
    expect(same.filter(({ kind }) => kind === 'written')).toHaveLength(1)
    expect(same.filter(({ kind }) => kind === 'repeated')).toHaveLength(7)
  })
  test('lines come in pages, by bank and place', async () => {
    const registry = openRegistry(fresh.db)
    const seen: RegistryLine[] = []
    for (let after = 0; ; ) {
      const page = await registry.list({ bankCode: '4306', cityCode: '14302000000' }, after, 2)
      seen.push(...page)
      if (page.length < 2) break
      after = page.at(-1)!.id
    }
    expect(seen.map(({ event }) => event)).toEqual(['prepare', 'report', 'inspect', 'approve', 'activate'])
    expect((await registry.list({ bankCode: '4306', cityCode: '' }, 0, 100)).every(({ cityCode }) => cityCode === undefined)).toBe(true)
  })
})
