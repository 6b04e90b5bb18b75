import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { seedOperators } from '../../../gateway/day/operators.ts'
import { loadReference, parseReference, type ReferenceFile, readReference } from '../../../gateway/store/reference.ts'
import { openStore } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'
import { writeRegistry } from '../../registry.ts'

const now = new Date('2026-11-10T02:00:00.000Z')
const sample: ReferenceFile = parseReference(readFileSync('gateway/data/reference.json', 'utf8'))
const textOf = (change: Partial<ReferenceFile>): string => JSON.stringify({ ...sample, ...change })
const without = (code: string): Partial<ReferenceFile> => ({
  banks: sample.banks.filter(b => b.code !== code),
})

let fresh: FreshDatabase
beforeAll(async () => {
  fresh = await freshDatabase()
})
afterAll(() => fresh.drop())
const version = async () => (await readReference(fresh.db))?.version
const load = (change: Partial<ReferenceFile>) => loadReference(fresh.db, textOf(change), now)
const open = (bankCode: string, next: string | null) =>
  fresh.db.execute(
    `INSERT INTO instruction (id, verb, ticket_no, office_code, entrust_date, serial_no, bank_code, amount, request, state, accepted_at, next_attempt_at, settled_at)
     VALUES (1, 'debit', '430000000000000001', '1', '2026-11-10', '00000001', ?, 1, '', 'accepted', '2026-11-10', ?, NULL)`,
    [bankCode, next],
  )

test('a version is loaded whole and once; other bytes under its name are refused', async () => {
  expect(await version()).toBeUndefined()
  expect(await load({})).toBe(true)
  expect(await load({})).toBe(false)
  await expect(load({ offices: [] })).rejects.toMatchObject({ fault: 'content-differs' })
  expect(await version()).toBe(sample.version)
  expect((await readReference(fresh.db))!.banks.get('4301')).toEqual({
    ...sample.banks.find(b => b.code === '4301'),
    province: undefined,
    cities: new Map(),
  })
})

test('a bank once loaded may not leave, with open debits or without: nobody would ask it or give back any more', async () => {
  await open('4301', '9999-12-31')
  const refused = { fault: 'bad-config', detail: expect.stringContaining('4301') }
  await expect(load({ version: 'left', ...without('4301') })).rejects.toMatchObject(refused)
  await fresh.db.execute("UPDATE instruction SET state = 'refused', settled_at = '2026-11-10', next_attempt_at = NULL")
  await expect(load({ version: 'left', ...without('4301') })).rejects.toMatchObject(refused)
  expect(await version()).toBe(sample.version)
})

test('a contract that two persons have changed is not changed back by a file, nor by leaving it out and in again', async () => {
  await writeRegistry(fresh.db)
  const changed = (code: string): Partial<ReferenceFile> => ({
    banks: sample.banks.map(b => (b.code === code ? { ...b, policy: { ...b.policy, timeoutMs: 9_999 } } : b)),
  })
  expect(await load({ version: 'before' })).toBe(true)
  await fresh.db.execute(
    `INSERT INTO proposal (kind, subject, order_no, content, evidence, content_hash, proposed_by, proposed_at, expires_at)
     VALUES ('change-contract', '4306', 'c', '{"bankCode":"4306"}', 'x', UNHEX(REPEAT('aa', 32)), 'urn:taxlink:operator:zhang', '2026-11-10', '2026-11-11')`,
  )
  await fresh.db.execute(
    `UPDATE proposal SET state = 'approved', decided_by = 'urn:taxlink:operator:li', decided_at = '2026-11-10', seen_hash = content_hash WHERE order_no = 'c'`,
  )
  await fresh.db.execute(
    `INSERT INTO registry_line (bank_code, seq, event, from_state, to_state, content, actor, at, proposal_id)
     SELECT '4306', MAX(l.seq) + 1, 'contract', 'qualified', 'qualified', '{"bankCode":"4306"}', 'urn:taxlink:operator:li', '2026-11-10', p.id
     FROM registry_line l JOIN proposal p ON p.order_no = 'c' WHERE l.bank_code = '4306' AND l.city_code = '' GROUP BY p.id`,
  )
  await expect(load({ version: 'other', ...changed('4306') })).rejects.toMatchObject({ detail: expect.stringContaining('4306') })
  expect(await load({ version: 'another-bank', ...changed('4301') })).toBe(true)
  await expect(load({ version: 'gone', ...without('4306') })).rejects.toMatchObject({ detail: expect.stringContaining('4306') })
})

test('a version from before rate and link tests were agreed stays valid; what is agreed is within bounds', () => {
  const [bank] = sample.banks
  const withPolicy = (change: object) => textOf({ banks: [{ ...bank!, policy: { ...bank!.policy, ...change } }] })
  expect(parseReference(withPolicy({ perSecond: undefined, linkTestMs: undefined })).banks[0]!.policy).not.toHaveProperty('perSecond')
  expect(parseReference(withPolicy({ perSecond: 1, linkTestMs: 100 })).banks[0]!.policy).toMatchObject({ perSecond: 1, linkTestMs: 100 })
  for (const wrong of [{ perSecond: 0 }, { perSecond: 1.5 }, { linkTestMs: 99 }, { linkTestMs: 86_400_001 }])
    expect(() => parseReference(withPolicy(wrong))).toThrow(/\/banks\/0\/policy/)
})

test('more places than the line carries are no contract: what the line refuses would use up its tries', () => {
  const [bank] = sample.banks
  const text = textOf({ banks: [{ ...bank!, policy: { ...bank!.policy, connections: 2, pipeline: 4, concurrency: 9 } }] })
  expect(() => parseReference(text)).toThrow(/concurrency.*8/)
})

test('an office stands below one of a higher level; a version from before there were levels stays valid', () => {
  const [province, city] = sample.offices
  const county = sample.offices.find(office => office.level === 'county')!
  const withOffices = (...offices: ReferenceFile['offices']) => textOf({ offices })
  for (const good of [
    [province!, city!, county],
    [county, city!, province!].map(({ level: _level, parent: _parent, ...office }) => office),
    [province!, { ...county, parent: province!.code }],
  ])
    expect(() => parseReference(withOffices(...good))).not.toThrow()
  const { parent: _none, ...rootless } = county
  const { level: _no, ...flat } = county
  for (const wrong of [
    [{ ...province!, parent: city!.code }, city!],
    [province!, city!, rootless],
    [province!, city!, flat],
    [province!, county],
    [province!, { ...city!, parent: city!.code }],
    [province!, city!, { ...county, parent: county.code }],
  ])
    expect(() => parseReference(withOffices(...wrong))).toThrow(/parent of a higher level/)
})

test('who loads what stands in the audit chain: it says who sees what, and to which treasury taxes go', async () => {
  const { audit } = openStore(fresh.db)
  await load({ version: 'told' })
  await load({ version: 'told' })
  const entries = await audit.list({ subject: 'reference/told' }, 0, 10)
  expect(entries.map(({ actor, action }) => [actor, action])).toEqual([['urn:taxlink:command-line', 'load-reference']])
  expect(JSON.parse(entries[0]!.detail)).toEqual({ sha256: expect.stringMatching(/^[0-9a-f]{64}$/) })
  expect((await audit.verify([])).broken).toBeUndefined()
})

test('the province keeps its administrators: a file that made their office another’s would leave nobody who can change an account', async () => {
  await seedOperators(fresh.db, now)
  const offices = sample.offices.map(({ code, ...office }) =>
    code === '14300000000'
      ? { code: '14390000000', ...office }
      : { code, ...office, ...(office.parent === '14300000000' ? { parent: '14390000000' } : {}) },
  )
  await expect(load({ version: 'moved', offices })).rejects.toMatchObject({
    fault: 'bad-config',
    detail: expect.stringContaining('qian, zhao'),
  })
  expect(await load({ version: 'kept', offices: [...offices, ...sample.offices.filter(({ code }) => code === '14300000000')] })).toBe(true)
})
