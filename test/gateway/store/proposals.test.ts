import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Scalar } from '../../../gateway/store/database.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'

// Two persons against plain SQL: whoever may read and write rows, but not change the tables, gets nothing approved alone.

const [zhang, li] = ['urn:taxlink:operator:zhang', 'urn:taxlink:operator:li']
let fresh: FreshDatabase
beforeAll(async () => {
  fresh = await freshDatabase(4)
})
afterAll(() => fresh.drop())

const run = (sql: string, params: readonly Scalar[] = []) => fresh.db.execute(sql, params)
let last = 0
const insert = `INSERT INTO proposal (kind, subject, order_no, content, evidence, content_hash, proposed_by, proposed_at, expires_at)
  VALUES (?, ?, ?, '{}', 'a letter', UNHEX(REPEAT('aa', 32)), ?, '2026-11-10 01:00:00', '2026-11-11 01:00:00')`
const proposed = async (kind = 'halt-bank', subject = `s${last}`): Promise<number> => {
  last++
  return (await run(insert, [kind, subject, `n${last}`, zhang])).insertId
}
type Decision = { readonly state: string; readonly by?: string | null; readonly at?: string | null; readonly seen?: string | null }
const good: Decision = { state: 'approved', by: li, at: '2026-11-10 02:00:00', seen: 'aa' }
const decide = (id: number, change: Partial<Decision> = {}) => {
  const { state, by, at, seen } = { ...good, ...change }
  return run('UPDATE proposal SET state = ?, decided_by = ?, decided_at = ?, seen_hash = UNHEX(REPEAT(?, 32)) WHERE id = ?', [
    state,
    by ?? null,
    at ?? null,
    seen ?? null,
    id,
  ])
}
const approved = async (kind: string, subject: string): Promise<number> => {
  const id = await proposed(kind, subject)
  await decide(id)
  return id
}

test('what two persons decide is taken', async () => {
  await decide(await proposed())
  await decide(await proposed(), { state: 'rejected', seen: null })
  await decide(await proposed(), { state: 'withdrawn', by: zhang, seen: null })
  await decide(await proposed(), { state: 'expired', by: null, at: '2026-11-11 01:00:00', seen: null })
})

describe('no single person', () => {
  test.each<[string, Partial<Decision>]>([
    ['approves one’s own', { by: zhang }],
    ['rejects one’s own', { state: 'rejected', by: zhang, seen: null }],
    ['withdraws another’s', { state: 'withdrawn', by: li, seen: null }],
    ['approves namelessly', { by: null }],
    ['rejects namelessly', { state: 'rejected', by: null, seen: null }],
    ['lets it expire under a name', { state: 'expired', seen: null }],
    ['approves without having seen it', { seen: null }],
    ['approves something else', { seen: 'ab' }],
    ['approves too late', { at: '2026-11-11 01:00:00' }],
    ['approves before it was proposed', { at: '2026-11-10 00:59:59' }],
    ['approves at no time', { at: null }],
    ['makes up a state', { state: 'done' }],
    ['leaves it open and decided', { state: 'proposed' }],
  ])('%s', async (_what, change) => {
    const id = await proposed()
    await expect(decide(id, change)).rejects.toThrow(/CONSTRAINT/)
    await decide(id)
  })
  test('inserts what is approved already', async () => {
    await expect(
      run(
        `INSERT INTO proposal (kind, subject, order_no, content, evidence, content_hash, proposed_by, proposed_at, expires_at, state, decided_by,
           decided_at, seen_hash)
         VALUES ('halt-bank', 'x', 'x', '{}', 'x', UNHEX(REPEAT('aa', 32)), ?, '2026-11-10 01:00:00', '2026-11-11 01:00:00', 'approved', ?,
           '2026-11-10 02:00:00', UNHEX(REPEAT('aa', 32)))`,
        [zhang, li],
      ),
    ).rejects.toThrow('begins as proposed')
  })
})

describe('what was proposed stays', () => {
  test.each([
    ['content', `'{"amount":2}'`],
    ['evidence', `'another letter'`],
    ['content_hash', `UNHEX(REPEAT('bb', 32))`],
    ['kind', `'resume-bank'`],
    ['subject', `'4306'`],
    ['proposed_by', `'${li}'`],
    ['proposed_at', `'2026-11-10 00:00:00'`],
    ['expires_at', `'2027-11-10 00:00:00'`],
    ['order_no', `'other'`],
    ['office_code', `'14301020000'`],
    ['id', `999999`],
  ])('%s', async (column, value) => {
    const id = await proposed()
    await expect(run(`UPDATE proposal SET ${column} = ${value} WHERE id = ?`, [id])).rejects.toThrow('never changed')
    // Nor in the moment of its approval.
    await expect(
      run(
        `UPDATE proposal SET ${column} = ${value}, state = 'approved', decided_by = ?, decided_at = '2026-11-10 02:00:00',
           seen_hash = UNHEX(REPEAT('aa', 32)) WHERE id = ?`,
        [li, id],
      ),
    ).rejects.toThrow('never changed')
  })
  test('also the instruction it is about', async () => {
    const id = await proposed()
    await expect(run(`UPDATE proposal SET ticket_no = REPEAT('1', 18), instruction_id = 1 WHERE id = ?`, [id])).rejects.toThrow(
      'never changed',
    )
  })
  test('it is never deleted, open or decided', async () => {
    for (const id of [await proposed(), await approved('halt-bank', 'gone')])
      await expect(run('DELETE FROM proposal WHERE id = ?', [id])).rejects.toThrow('never deleted')
  })
  test('a decision is never changed, not even by a third person', async () => {
    const id = await approved('halt-bank', 'again')
    for (const change of [{}, { state: 'rejected', seen: null }, { by: 'urn:taxlink:operator:wang' }])
      await expect(decide(id, change)).rejects.toThrow('decided proposal')
    await expect(run(`UPDATE proposal SET reason = 'x' WHERE id = ?`, [id])).rejects.toThrow('decided proposal')
    await expect(run(`UPDATE proposal SET state = 'proposed', decided_by = NULL, decided_at = NULL WHERE id = ?`, [id])).rejects.toThrow(
      'decided proposal',
    )
  })
  test('one number of one person once, and one open proposal about one thing', async () => {
    const id = await proposed('halt-bank', 'same')
    await expect(proposed('halt-bank', 'same')).rejects.toThrow(/one_live_proposal/)
    await expect(run(insert, ['resume-bank', 'other', `n${last - 1}`, zhang])).rejects.toThrow(/one_order/)
    await decide(id)
    await proposed('halt-bank', 'same')
  })
})

describe('a halt', () => {
  const halt = (id: number, bank: string) =>
    run(`INSERT INTO bank_halt (proposal_id, bank_code, reason, halted_at) VALUES (?, ?, 'x', '2026-11-10 02:00:00')`, [id, bank])
  const resume = (id: number | null, bank: string, more = '') =>
    run(`UPDATE bank_halt SET resume_id = ?, resumed_at = '2026-11-10 03:00:00'${more} WHERE bank_code = ?`, [id, bank])

  test('is made by an approved proposal to halt that very bank, and by nothing else', async () => {
    await expect(halt(await proposed('halt-bank', '0001'), '0001')).rejects.toThrow('by two persons')
    await expect(halt(await approved('halt-bank', '0002'), '0003')).rejects.toThrow('by two persons')
    await expect(halt(await approved('resume-bank', '0004'), '0004')).rejects.toThrow('by two persons')
    await expect(halt(999_999, '0005')).rejects.toThrow('by two persons')
    const rejected = await proposed('halt-bank', '0006')
    await decide(rejected, { state: 'rejected', seen: null })
    await expect(halt(rejected, '0006')).rejects.toThrow('by two persons')
    await halt(await approved('halt-bank', '0007'), '0007')
    await expect(halt(await approved('halt-bank', '0007'), '0007')).rejects.toThrow(/one_live_halt/)
  })
  test('is ended by an approved proposal to resume that very bank, once, and stays on record', async () => {
    await halt(await approved('halt-bank', '0010'), '0010')
    await expect(resume(null, '0010')).rejects.toThrow('by two persons')
    await expect(resume(await proposed('resume-bank', '0010'), '0010')).rejects.toThrow('by two persons')
    await expect(resume(await approved('resume-bank', '0011'), '0010')).rejects.toThrow('by two persons')
    await expect(resume(await approved('halt-bank', '0010'), '0010')).rejects.toThrow('by two persons')
    await expect(run(`UPDATE bank_halt SET reason = 'y' WHERE bank_code = '0010'`)).rejects.toThrow('by two persons')
    await expect(run(`DELETE FROM bank_halt WHERE bank_code = '0010'`)).rejects.toThrow('never deleted')
    await run(
      `UPDATE proposal SET state = 'withdrawn', decided_by = ?, decided_at = '2026-11-10 02:00:00' WHERE kind = 'resume-bank' AND live = 1`,
      [zhang],
    )
    const id = await approved('resume-bank', '0010')
    await expect(resume(id, '0010', `, reason = 'y'`)).rejects.toThrow('by two persons')
    await resume(id, '0010')
    await expect(resume(await approved('resume-bank', '0010'), '0010')).rejects.toThrow('by two persons')
  })
})
