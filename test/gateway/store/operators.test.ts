import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { seedOperators } from '../../../gateway/day/operators.ts'
import { matchesPassword } from '../../../gateway/flows/secrets.ts'
import { loadReference } from '../../../gateway/store/reference.ts'
import { openStore } from '../../../gateway/store/store.ts'
import { type FreshDatabase, freshDatabase } from '../../database.ts'

// Accounts against plain SQL: whoever may only read and write rows makes nobody an operator, gives nobody a duty, and begins no enrolment alone.

let fresh: FreshDatabase
let last = 0
beforeAll(async () => {
  fresh = await freshDatabase(4)
  await seedOperators(fresh.db, new Date('2026-11-10T00:00:00.000Z'))
})
afterAll(() => fresh.drop())

const run = (sql: string) => fresh.db.execute(sql)
const uri = (name: string) => `urn:taxlink:operator:${name}`
/** A proposal with this content as it stands after a decision. */
const proposed = async (kind: string, subject: string, state = 'approved', content: object = { name: subject }): Promise<number> => {
  last++
  const { insertId } = await fresh.db.execute(
    `INSERT INTO proposal (kind, subject, order_no, content, evidence, content_hash, proposed_by, proposed_at, expires_at)
     VALUES ('${kind}', '${subject}', 'n${last}', ?, 'x', UNHEX(REPEAT('aa', 32)), '${uri('zhao')}', '2026-11-10 01:00:00', '2026-11-11 01:00:00')`,
    [JSON.stringify(content)],
  )
  const seen = state === 'approved' ? `UNHEX(REPEAT('aa', 32))` : 'NULL'
  if (state !== 'proposed')
    await run(
      `UPDATE proposal SET state = '${state}', decided_by = '${uri('qian')}', decided_at = '2026-11-10 02:00:00', seen_hash = ${seen} WHERE id = ${insertId}`,
    )
  return insertId
}
/** An account as a row and as the content of a proposal. */
type Said = { readonly displayName: string; readonly officeCode: string; readonly duties: string; readonly state?: string }
const made: Said = { displayName: 'x', officeCode: '14301020000', duties: 'accounts' }
const toAdd = (name: string, said: Said = made, kind = 'add-operator', state = 'approved') => proposed(kind, name, state, { name, ...said })
const insert = (name: string, proposalId: number | null, { duties, officeCode, displayName, state = 'enabled' }: Said = made) =>
  run(`INSERT INTO operator (name, display_name, office_code, duties, state, proposal_id, created_at)
       VALUES ('${name}', '${displayName}', '${officeCode}', '${duties}', '${state}', ${proposalId}, '2026-11-10')`)
const twoDo = 'by two administrators'

describe('an account', () => {
  test('is made by an approved proposal to make this very one, and by nothing else', async () => {
    await expect(insert('a', null)).rejects.toThrow(twoDo)
    await expect(insert('a', null, { ...made, duties: 'administrator' })).rejects.toThrow(twoDo)
    await expect(insert('a', 999_999)).rejects.toThrow(twoDo)
    await expect(insert('a', await toAdd('b'))).rejects.toThrow(twoDo)
    await expect(insert('a', await proposed('add-operator', 'a', 'approved', { name: 'b', ...made }))).rejects.toThrow(twoDo)
    await expect(insert('a', await toAdd('a', made, 'change-operator'))).rejects.toThrow(twoDo)
    await expect(insert('a', await toAdd('a', made, 'add-operator', 'rejected'))).rejects.toThrow(twoDo)
    const good = await toAdd('a')
    for (const change of [{ duties: 'auditor' }, { officeCode: '14300000000' }, { displayName: 'y' }, { state: 'disabled' }])
      await expect(insert('a', good, { ...made, ...change }), JSON.stringify(change)).rejects.toThrow(twoDo)
    await insert('a', good)
  })

  const wu: Required<Said> = { displayName: '吴静', officeCode: '14301020000', duties: 'binding-review,accounts', state: 'enabled' }
  const write = ({ displayName, officeCode, duties, state }: Required<Said>, proposalId: number | null) =>
    run(`UPDATE operator SET display_name = '${displayName}', office_code = '${officeCode}', duties = '${duties}', state = '${state}',
         proposal_id = ${proposalId} WHERE name = 'wu'`)
  const toChange = (said: Said, state = 'approved', kind = 'change-operator') => toAdd('wu', said, kind, state)
  test.each<Partial<Said>>([{ duties: 'administrator' }, { officeCode: '14300000000' }, { state: 'disabled' }, { displayName: 'y' }])(
    'does not become %j otherwise',
    async change => {
      const next = { ...wu, ...change }
      await expect(write(next, null)).rejects.toThrow(twoDo)
      const [{ now } = { now: null }] = await fresh.db.query<{ now: number | null }>(
        "SELECT proposal_id AS now FROM operator WHERE name = 'wu'",
      )
      await expect(write(next, now)).rejects.toThrow(twoDo)
      await expect(write(next, await proposed('change-operator', 'zhou', 'approved', { name: 'zhou', ...next }))).rejects.toThrow(twoDo)
      await expect(write(next, await proposed('change-operator', 'wu', 'approved', { ...next, name: 'zhou' }))).rejects.toThrow(twoDo)
      await expect(write(next, await proposed('change-operator', 'zhou', 'approved', { ...next, name: 'wu' }))).rejects.toThrow(twoDo)
      await expect(write(next, await toChange(next, 'approved', 'add-operator'))).rejects.toThrow(twoDo)
      const open = await toChange(next, 'proposed')
      await expect(write(next, open)).rejects.toThrow(twoDo)
      await run(`UPDATE proposal SET state = 'expired', decided_at = '2026-11-11 01:00:00' WHERE id = ${open}`)
      // Of what was approved only that: a name put right makes nobody an administrator.
      await expect(write(next, await toChange({ ...wu, displayName: '吴晶' }))).rejects.toThrow(twoDo)
      const good = await toChange(next)
      await write(next, good)
      // Once: the same decision is not used for something else, nor an earlier one again.
      await expect(run(`UPDATE operator SET duties = 'auditor' WHERE name = 'wu'`)).rejects.toThrow(twoDo)
      const back = await toChange(wu)
      await write(wu, back)
      await expect(write(next, good)).rejects.toThrow(twoDo)
      for (const id of [good, null]) await expect(run(`UPDATE operator SET proposal_id = ${id} WHERE name = 'wu'`)).rejects.toThrow(twoDo)
    },
  )
  test('that gives rights or looks on does nothing else, whatever was approved', async () => {
    for (const duties of ['accounts,auditor', 'administrator,accounts', 'auditor,administrator', '']) {
      const said = { ...made, duties }
      await expect(insert('b', await toAdd('b', said), said), duties).rejects.toThrow(/operator_duties/)
    }
  })
  test('keeps its name, and is never deleted', async () => {
    await expect(run(`UPDATE operator SET name = 'other' WHERE name = 'zhou'`)).rejects.toThrow('never changed')
    await expect(run(`UPDATE operator SET created_at = '2020-01-01' WHERE name = 'zhou'`)).rejects.toThrow('never changed')
    await expect(run(`DELETE FROM operator WHERE name = 'zhou'`)).rejects.toThrow('never deleted')
    await expect(insert('Zhou', await toAdd('Zhou'))).rejects.toThrow(/operator_name/)
  })
  test('is locked and unlocked without anybody’s decision: that gives no right', async () => {
    await run(`UPDATE operator SET failures = 5, locked_until = '2026-11-10' WHERE name = 'zhou'`)
    await run(`UPDATE operator SET failures = 0, locked_until = NULL WHERE name = 'zhou'`)
  })
})

test('the first accounts need nobody, until there are two administrators', async () => {
  const empty = await freshDatabase(2)
  const first = (name: string, duties: string) =>
    empty.db.execute(
      `INSERT INTO operator (name, display_name, office_code, duties, created_at) VALUES ('${name}', 'x', '1', '${duties}', '2026-11-10')`,
    )
  await first('a', 'accounts')
  await first('b', 'administrator')
  await first('c', 'accounts')
  await first('d', 'administrator')
  for (const duties of ['accounts', 'administrator']) await expect(first('e', duties)).rejects.toThrow(twoDo)
  await empty.drop()
})

test('the program makes the first accounts, shows what opens them once, and stops with the second administrator', async () => {
  const empty = await freshDatabase(2)
  await loadReference(empty.db, readFileSync('gateway/data/reference.json', 'utf8'), new Date())
  const dir = mkdtempSync(join(tmpdir(), 'operator-'))
  const add = (name: string, ...more: readonly string[]) => {
    const { PATH, HOME } = process.env
    const env = { PATH, HOME, DATABASE_URL: empty.url, REDIS_URL: 'redis://127.0.0.1:1', TAXLINK_DATA_DIR: dir }
    const args = ['gateway/main.ts', 'operator', 'add', '--name', name, '--display-name', '某人', '--office', '14300000000', ...more]
    const ended = spawnSync(process.execPath, args, { env, encoding: 'utf8' })
    return { code: ended.status, out: ended.stdout, err: ended.stderr }
  }
  const said = add('zhao')
  expect(said).toMatchObject({ code: 0, out: expect.stringMatching(/otpauth:\/\/totp\/TaxLink:zhao\?secret=[A-Z2-7]{32}&/) })
  const password = /password {2}(\S+)/.exec(said.out)![1]!
  const held = (await openStore(empty.db).operators.credentials('zhao'))!
  expect(await matchesPassword(held.passwordHash, password)).toBe(true)
  expect(held).toMatchObject({ office: '14300000000', duties: ['administrator'], enabled: true })
  for (const [wrong, code] of [
    [add('Zhao'), 2],
    [add('a', '--duties', 'god'), 2],
    [add('a', '--duties', 'accounts,auditor'), 2],
    [add('a', '--office', '14309990000'), 2],
    // Two of a county could never make anybody of the province.
    [add('a', '--office', '14301020000'), 2],
  ] as const)
    expect(wrong.code, wrong.err).toBe(code)
  expect(add('qian').code).toBe(0)
  expect(add('sun', '--duties', 'auditor')).toMatchObject({ code: 2, err: expect.stringContaining('qian, zhao') })
  const entries = await openStore(empty.db).audit.list({ action: 'add-operator' }, 0, 10)
  expect(entries.map(({ actor, subject }) => [actor, subject])).toEqual([
    ['urn:taxlink:command-line', 'operator/zhao'],
    ['urn:taxlink:command-line', 'operator/qian'],
  ])
  rmSync(dir, { recursive: true })
  await empty.drop()
})

describe('an enrolment', () => {
  const begin = (id: number, name: string, [by, other]: readonly [string, string] = ['zhao', 'qian'], more = 'NULL') =>
    run(`INSERT INTO enrolment (proposal_id, name, proposed_by, approved_by, expires_at, used_at)
         VALUES (${id}, '${name}', '${uri(by)}', '${uri(other)}', '2026-11-11 02:00:00', ${more})`)
  const follows = 'follows a decision'
  test('follows an approved proposal about this very account, by these very two', async () => {
    const open = await proposed('reset-operator', 'zhang', 'proposed')
    await expect(begin(open, 'zhang')).rejects.toThrow(follows)
    await run(`UPDATE proposal SET state = 'expired', decided_at = '2026-11-11 01:00:00' WHERE id = ${open}`)
    await expect(begin(await proposed('change-operator', 'zhang'), 'zhang')).rejects.toThrow(follows)
    await expect(begin(await proposed('reset-operator', 'li'), 'zhang')).rejects.toThrow(follows)
    const id = await proposed('reset-operator', 'zhang')
    await expect(begin(id, 'zhang', ['zhao', 'zhao'])).rejects.toThrow(follows)
    await expect(begin(id, 'zhang', ['qian', 'zhao'])).rejects.toThrow(follows)
    await expect(begin(id, 'zhang', ['zhao', 'qian'], `'2026-11-10 03:00:00'`)).rejects.toThrow(follows)
    await begin(id, 'zhang')
    await expect(begin(id, 'zhang')).rejects.toThrow(/PRIMARY/)
  })
  test('is used with two codes that differ, once and in time, and stays what it was', async () => {
    const id = await proposed('reset-operator', 'wang')
    await begin(id, 'wang')
    const change = (set: string) => run(`UPDATE enrolment SET ${set} WHERE proposal_id = ${id}`)
    const hash = (byte: string) => `UNHEX(REPEAT('${byte}', 32))`
    await expect(change(`used_at = '2026-11-10 03:00:00'`)).rejects.toThrow(/enrolment_used/)
    await change(`proposer_hash = ${hash('aa')}`)
    await expect(change(`used_at = '2026-11-10 03:00:00'`)).rejects.toThrow(/enrolment_used/)
    await expect(change(`used_at = '2026-11-10 03:00:00', approver_hash = ${hash('aa')}`)).rejects.toThrow(/enrolment_used/)
    await change(`approver_hash = ${hash('bb')}`)
    for (const set of [`used_at = '2026-11-11 02:00:00'`, `name = 'li'`, `expires_at = '2027-01-01'`, `approved_by = '${uri('sun')}'`])
      await expect(change(set)).rejects.toThrow('used once, in its time')
    await change(`used_at = '2026-11-10 03:00:00'`)
    await expect(change('failures = 0')).rejects.toThrow('used once')
    await expect(run(`DELETE FROM enrolment WHERE proposal_id = ${id}`)).rejects.toThrow('never deleted')
  })
})
