import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sampleOperators } from '../../../gateway/day/operators.ts'
import { daysAfter } from '../../../gateway/domain/calendar-days.ts'
import type { ProposalKind } from '../../../gateway/flows/kind.ts'
import { proposalKinds } from '../../../gateway/flows/kinds.ts'
import { waitingChange } from '../agreements.ts'
import { received } from '../day-end.ts'
import type { Caller } from './house.ts'
import {
  approveBy,
  bankOnlyBreak,
  booked,
  type Content,
  type Desk,
  day,
  debited,
  deskFor,
  doneByTwo,
  doubtful,
  openDesk,
  operator,
  personsFor,
  proposalOf,
  proposeBy,
  rejectBy,
  told,
  withdrawBy,
} from './operators.ts'

// Two persons over real TLS: every kind of proposal × who × what they saw × when. There is no way for one person alone.

let whole: Desk
let desk: Desk
beforeAll(async () => {
  whole = await openDesk()
  desk = whole
})
afterAll(() => whole.house.close())

/** How each kind is set up anew, and whether what it proposes has happened. */
type Case = { readonly content: Content; readonly happened: () => Promise<boolean> }
const paper = { paperNo: '湘国税函〔2026〕88号', paperDate: '2026-11-02' }
let made = 0
const dossierOf = (bankCode: string) => desk.house.store.registry.dossier(bankCode)
const isHalted = async (bankCode: string) => (await desk.house.store.halts()).has(bankCode)
const setUps: { readonly [K in keyof typeof proposalKinds]: () => Promise<Case> } = {
  'resolve-doubt': async () => {
    const { ticketNo, key } = await doubtful(desk)
    return { content: booked(key, 300), happened: async () => (await desk.house.store.find(ticketNo))?.state === 'succeeded' }
  },
  'declare-break': async () => {
    const { ticketNo, key, amount } = await debited(desk)
    return {
      content: { ...key, kind: 'bank-missing', taxAmount: amount, bankAmount: 0 },
      happened: async () => (await desk.house.store.breaks(true, 0, 1_000)).some(found => found.ticketNo === ticketNo),
    }
  },
  'settle-break': async () => {
    const breakId = await bankOnlyBreak(desk)
    const happened = async () => (await desk.house.store.breakLife.heldBreak(breakId))?.remedy === 'notice'
    return { content: { breakId, decision: 'return' }, happened }
  },
  'halt-bank': async () => {
    if (await isHalted('4306')) await doneByTwo(desk, 'resume-bank', { bankCode: '4306' })
    return { content: { bankCode: '4306', reason: '核心系统升级' }, happened: () => isHalted('4306') }
  },
  'resume-bank': async () => {
    if (!(await isHalted('4310'))) await doneByTwo(desk, 'halt-bank', { bankCode: '4310', reason: '升级' })
    return { content: { bankCode: '4310' }, happened: async () => !(await isHalted('4310')) }
  },
  'reset-bank-day': async () => {
    await desk.house.fresh.db.execute(
      `INSERT INTO bank_day (bank_code, accounting_date, seen_at) VALUES ('4399', '2090-01-01', '2026-11-10')
       ON DUPLICATE KEY UPDATE accounting_date = '2090-01-01'`,
    )
    const content = { bankCode: '4399', accountingDate: '2026-11-10' }
    return { content, happened: async () => (await desk.house.store.bankDays()).get('4399')?.accountingDate === '2026-11-10' }
  },
  'move-bank': async () => {
    const content = { bankCode: '4306', event: 'suspend', ...paper }
    const isSuspended = async () => (await dossierOf('4306')).province === 'suspended'
    if (await isSuspended()) await doneByTwo(desk, 'move-bank', { ...content, event: 'resume' })
    return { content, happened: isSuspended }
  },
  'move-bank-in-city': async () => {
    const content = { bankCode: '4310', cityCode: '14301000000', event: 'suspend', ...paper }
    const isSuspended = async () => (await dossierOf('4310')).cities.get('14301000000') === 'suspended'
    if (await isSuspended()) await doneByTwo(desk, 'move-bank-in-city', { ...content, event: 'resume' })
    return { content, happened: isSuspended }
  },
  'set-account': async () => {
    const account = `4301018010000${++made}`
    const content = { bankCode: '4301', treasuryCode: '18010000', account, leadBranch: '长沙分行营业部', from: '2090-01-01', ...paper }
    const happened = async () => (await dossierOf('4301')).accounts.get('18010000')!.some(term => term.account === account)
    return { content, happened }
  },
  'change-contract': async () => {
    const timeoutMs = 2_000 + ++made
    const { policy } = desk.house.flow.reference().banks.get('4310')!
    return {
      content: { bankCode: '4310', from: '2090-01-01', policy: { ...policy, timeoutMs }, ...paper },
      happened: async () => (await dossierOf('4310')).contracts.some(contract => contract.policy.timeoutMs === timeoutMs),
    }
  },
  'change-account': async () => {
    const agreementNo = await waitingChange(desk.house.flow, 'urn:taxlink:tax-system:ets')
    return { content: { agreementNo }, happened: async () => (await desk.house.store.agreements.find(agreementNo))?.state === 'approved' }
  },
  'add-operator': async () => {
    const name = `new-${++made}`
    const happened = async () => (await desk.house.store.operators.find(name)) !== undefined
    return { content: { name, displayName: '新人', officeCode: '14301020000', duties: 'accounts' }, happened }
  },
  'change-operator': async () => {
    const displayName = `吴静${++made}`
    const happened = async () => (await desk.house.store.operators.find('wu'))?.displayName === displayName
    return { content: { name: 'wu', displayName, officeCode: '14301020000', duties: 'accounts', state: 'enabled' }, happened }
  },
  'reset-operator': async () => {
    const { db } = desk.house.fresh
    const count = async () => (await db.query('SELECT 1 FROM enrolment WHERE name = ?', ['wu'])).length
    const before = await count()
    return { content: { name: 'wu' }, happened: async () => (await count()) > before }
  },
  'undo-write-off': async () => {
    const { flow, fresh, store } = desk.house
    const ticketNo = await received(flow, fresh.db)
    const happened = async () => (await store.ticketLives.life(ticketNo))?.state === 'undone'
    return { content: { ticketNo, cause: 'particulars-wrong', reason: '所属期有误' }, happened }
  },
  'reissue-ticket': async () => {
    const { flow, fresh, store } = desk.house
    const ticketNo = await received(flow, fresh.db)
    await doneByTwo(desk, 'undo-write-off', { ticketNo, cause: 'too-little', reason: '少报' })
    const tickets = [
      { ticketNo: `9${++made}`, amount: 10_000 },
      { ticketNo: `8${made}`, amount: 77 },
    ]
    const happened = async () => (await store.ticketLives.life(ticketNo))?.state === 'void'
    return { content: { ticketNo, tickets }, happened }
  },
  'close-books': async () => {
    const through = daysAfter('2025-01-01', ++made)
    return { content: { through, ...paper }, happened: async () => (await desk.house.store.ticketLives.bookedThrough()) === through }
  },
}
const kinds = Object.keys(setUps) as (keyof typeof setUps)[]
const read = async (id: number) => (await desk.zhang.ask('GET', `/v1/proposals/${id}`)).json

test('every kind is put to the test', () => {
  expect([...kinds].sort()).toEqual(Object.keys(proposalKinds).sort())
})

describe.each(kinds)('%s', kind => {
  const [first, second, third] = personsFor(kind)
  let desk: Desk
  beforeAll(async () => {
    desk = await deskFor(whole, kind)
  })
  test('one proposes, another approves what was proposed: it happens with the approval and not before', async () => {
    const { content, happened } = await setUps[kind]()
    const made = await proposeBy(desk.zhang, kind, content)
    expect(await happened()).toBe(false)
    expect(await read(made.id)).toMatchObject({ ...made, kind, content, state: 'proposed', proposedBy: operator(first) })
    const said = await approveBy(desk.li, made, { reason: '已核对' })
    expect(said.json).toMatchObject({
      ...made,
      state: 'approved',
      proposedBy: operator(first),
      decidedBy: operator(second),
      reason: '已核对',
    })
    expect(await happened()).toBe(true)
    expect(await read(made.id)).toEqual(said.json)
  })

  test('nobody approves or rejects one’s own proposal, and nobody withdraws another’s', async () => {
    const { content, happened } = await setUps[kind]()
    const made = await proposeBy(desk.zhang, kind, content)
    expect(told(await approveBy(desk.zhang, made))).toEqual([403, 'T3011'])
    expect(told(await rejectBy(desk.zhang, made))).toEqual([403, 'T3011'])
    expect(told(await withdrawBy(desk.li, made))).toEqual([403, 'T3003'])
    expect(await happened()).toBe(false)
    expect((await read(made.id)).state).toBe('proposed')
    expect(told(await withdrawBy(desk.zhang, made))).toEqual([200, undefined])
  })

  test('what was not seen is not approved', async () => {
    const { content, happened } = await setUps[kind]()
    const made = await proposeBy(desk.zhang, kind, content)
    const seen = 'a'.repeat(64)
    const other = await approveBy(desk.li, { ...made, hash: seen })
    expect(other.json).toMatchObject({ status: 409, code: 'T3005', hash: seen, acceptedHash: made.hash })
    for (const hash of [undefined, '', made.hash.toUpperCase(), `${made.hash}0`, 1])
      expect(told(await desk.li.ask('POST', `/v1/proposals/${made.id}/approval`, { hash }))).toEqual([422, 'T3001'])
    expect(await happened()).toBe(false)
    expect((await read(made.id)).state).toBe('proposed')
    expect(told(await rejectBy(desk.li, made))).toEqual([200, undefined])
  })

  test.each<[string, (who: Desk, made: { id: number; hash: string }) => Promise<unknown>, string]>([
    ['rejected', (who, made) => rejectBy(who.li, made), 'rejected'],
    ['withdrawn', (who, made) => withdrawBy(who.zhang, made), 'withdrawn'],
  ])('what was %s is over for everybody', async (_what, end, state) => {
    const { content, happened } = await setUps[kind]()
    const made = await proposeBy(desk.zhang, kind, content)
    await end(desk, made)
    expect((await read(made.id)).state).toBe(state)
    for (const who of [desk.li, desk.wang]) expect(told(await approveBy(who, made))).toEqual([409, 'T3012'])
    expect(told(await approveBy(desk.zhang, made))).toEqual([403, 'T3011'])
    expect(await happened()).toBe(false)
    expect((await read(made.id)).state).toBe(state)
  })

  test('what waited too long is expired, whoever comes', async () => {
    const { content, happened } = await setUps[kind]()
    const made = await proposeBy(desk.zhang, kind, content)
    desk.later(day)
    expect((await read(made.id)).state).toBe('expired')
    expect(told(await approveBy(desk.li, made))).toEqual([409, 'T3013'])
    // Noted by now, and final.
    for (const late of [await approveBy(desk.li, made), await rejectBy(desk.wang, made), await withdrawBy(desk.zhang, made)])
      expect(told(late)).toEqual([409, 'T3012'])
    const after = await read(made.id)
    expect(after).toMatchObject({ state: 'expired' })
    expect(after.decidedBy).toBeUndefined()
    expect(await happened()).toBe(false)
    // And it is no obstacle to the next.
    await withdrawBy(desk.li, await proposeBy(desk.li, kind, content))
  })

  test('approved again by the same person it is the same answer; by another it is decided already', async () => {
    const { content } = await setUps[kind]()
    const made = await proposeBy(desk.zhang, kind, content)
    const first = await approveBy(desk.li, made)
    const again = await approveBy(desk.li, made)
    expect([told(first), told(again)]).toEqual([
      [200, undefined],
      [200, 'replayed'],
    ])
    expect(again.json).toEqual(first.json)
    expect(told(await approveBy(desk.wang, made))).toEqual([409, 'T3012'])
    expect(told(await approveBy(desk.li, { ...made, hash: 'b'.repeat(64) }))).toEqual([409, 'T3012'])
  })

  test('of many approvals at once exactly one person’s counts', async () => {
    const { content, happened } = await setUps[kind]()
    const made = await proposeBy(desk.zhang, kind, content)
    const persons: Caller[] = [desk.li, desk.wang, desk.zhang]
    const said = await Promise.all(Array.from({ length: 24 }, (_, i) => approveBy(persons[i % 3]!, made)))
    const decidedBy = (await read(made.id)).decidedBy
    const winner = [operator(second), operator(third)].indexOf(String(decidedBy))
    expect(winner).toBeGreaterThanOrEqual(0)
    for (const [i, answer] of said.entries()) {
      if (i % 3 === 2) expect(told(answer)).toEqual([403, 'T3011'])
      else if (i % 3 === winner) expect(answer.status).toBe(200)
      else expect(told(answer)).toEqual([409, 'T3012'])
    }
    expect(said.filter(answer => told(answer).join() === '200,')).toHaveLength(1)
    expect(await happened()).toBe(true)
  })

  test('the same number and content is the same proposal, other content is refused with both hashes', async () => {
    const { content } = await setUps[kind]()
    const order = proposalOf(kind, content)
    const first = await desk.zhang.ask('POST', '/v1/proposals', order)
    expect([first.status, first.headers.location]).toEqual([201, `/v1/proposals/${String(first.json.id)}`])
    const swapped = { ...order, content: Object.fromEntries(Object.entries(content).toReversed()) }
    const again = await desk.zhang.ask('POST', '/v1/proposals', swapped)
    expect([told(again), again.json]).toEqual([[200, 'replayed'], first.json])
    const other = await desk.zhang.ask('POST', '/v1/proposals', { ...order, evidence: '电话' })
    expect(other.json).toMatchObject({ status: 409, code: 'T3005', acceptedHash: first.json.hash })
    expect(other.json.hash).toMatch(/^(?!undefined)[0-9a-f]{64}$/)
    // The numbers of others are their own; but about one thing there is one question.
    const third = await desk.li.ask('POST', '/v1/proposals', order)
    expect(told(third)).toEqual([409, 'T3014'])
    expect(JSON.stringify(third.json.errors)).toContain(String(first.json.id))
    // It is answered from the record whatever has become of it.
    await withdrawBy(desk.zhang, first.json as { id: number })
    expect((await desk.zhang.ask('POST', '/v1/proposals', order)).json).toMatchObject({ id: first.json.id, state: 'withdrawn' })
    // Even where the same could not be proposed any more, because it has happened.
    const next = proposalOf(kind, content)
    const made = (await desk.zhang.ask('POST', '/v1/proposals', next)).json as { id: number; hash: string }
    await approveBy(desk.li, made)
    const after = await desk.zhang.ask('POST', '/v1/proposals', next)
    expect([told(after), after.json.state]).toEqual([[200, 'replayed'], 'approved'])
  })

  test('proposed by many at once it is one proposal', async () => {
    const { content } = await setUps[kind]()
    const [mine, theirs] = [proposalOf(kind, content), proposalOf(kind, content)]
    const said = await Promise.all(
      Array.from({ length: 12 }, (_, i) =>
        i % 2 ? desk.zhang.ask('POST', '/v1/proposals', mine) : desk.li.ask('POST', '/v1/proposals', theirs),
      ),
    )
    expect(said.filter(({ status }) => status === 201)).toHaveLength(1)
    const made = said.find(({ status }) => status === 201)!.json as { id: number; proposedBy: string }
    expect(new Set(said.filter(({ status }) => status < 300).map(({ json }) => json.id))).toEqual(new Set([made.id]))
    expect(said.filter(({ status }) => status >= 300).every(({ json }) => json.code === 'T3014')).toBe(true)
    await withdrawBy(made.proposedBy === operator(second) ? desk.li : desk.zhang, made)
  })

  test('whoever is no operator sees nothing and does nothing', async () => {
    const { content, happened } = await setUps[kind]()
    const made = await proposeBy(desk.zhang, kind, content)
    for (const stranger of [desk.ets, desk.bank]) {
      for (const answer of [
        await stranger.ask('POST', '/v1/proposals', proposalOf(kind, content)),
        await approveBy(stranger, made),
        await rejectBy(stranger, made),
        await withdrawBy(stranger, made),
        await stranger.ask('GET', `/v1/proposals/${made.id}`),
      ])
        expect(told(answer)).toEqual([403, 'T3003'])
    }
    const nameless = desk.house.caller()
    for (const answer of [await approveBy(nameless, made), await nameless.ask('GET', `/v1/proposals/${made.id}`)])
      expect(told(answer)).toEqual([401, 'T3002'])
    expect(await happened()).toBe(false)
    await withdrawBy(desk.zhang, made)
  })

  test('roles × offices: who has the duty and sees the office decides, nobody else proposes or decides', async () => {
    const { content, happened } = await setUps[kind]()
    const made = await proposeBy(desk.zhang, kind, content)
    const { officeCode } = (await desk.house.store.proposals.find(made.id))!
    // By the numbers of the offices themselves: a city’s begin as its own does, a province’s too.
    const seesIt = (office: string) => office === '14300000000' || officeCode?.startsWith(office.replace(/0+$/, '')) === true
    const needed: readonly string[] = (proposalKinds[kind] as ProposalKind).duties
    const may: string[] = []
    for (const { name, office, duties } of sampleOperators) {
      const who = desk.of(name)
      const hasDuty = duties.some(duty => needed.includes(duty))
      if (seesIt(office) && hasDuty) {
        may.push(name)
        continue
      }
      const [status, code] = seesIt(office) ? [403, 'T3003'] : [404, 'T3004']
      expect(told(await approveBy(who, made)), name).toEqual([status, code])
      expect(told(await rejectBy(who, made)), name).toEqual([status, code])
      expect(told(await withdrawBy(who, made)), name).toEqual([status, code])
      expect((await who.ask('GET', `/v1/proposals/${made.id}`)).status, name).toBe(seesIt(office) ? 200 : 404)
      const own = await who.ask('POST', '/v1/proposals', proposalOf(kind, content))
      expect([own.status, own.json.code], name).toEqual(hasDuty ? [404, 'T3004'] : [403, 'T3003'])
    }
    expect(await happened()).toBe(false)
    expect((await read(made.id)).state).toBe('proposed')
    expect(may.length).toBeGreaterThanOrEqual(2)
    expect(may).toContain(first)
    // The first of the others who may: it takes no more than that.
    const other = may.findLast(name => name !== first)!
    expect(told(await approveBy(desk.of(other), made)), other).toEqual([200, undefined])
    expect(await happened()).toBe(true)
  })

  test('by SQL no single person gets it done: not their own, not edited, not late, not twice, not unseen', async () => {
    const { content, happened } = await setUps[kind]()
    const made = await proposeBy(desk.zhang, kind, content)
    const { db } = desk.house.fresh
    const decide = (change: { by?: string; at?: string; seen?: string; also?: string }) => {
      const { by = second, at = 'proposed_at + INTERVAL 1 SECOND', seen = 'content_hash', also = '' } = change
      return db.execute(
        `UPDATE proposal SET state = 'approved', decided_by = ?, decided_at = ${at}, seen_hash = ${seen}${also} WHERE id = ?`,
        [operator(by), made.id],
      )
    }
    await expect(decide({ by: first })).rejects.toThrow('proposal_persons')
    await expect(decide({ at: 'expires_at' })).rejects.toThrow('proposal_seen')
    await expect(decide({ at: 'proposed_at - INTERVAL 1 SECOND' })).rejects.toThrow('proposal_time')
    for (const seen of ['NULL', `UNHEX(REPEAT('ab', 32))`]) await expect(decide({ seen })).rejects.toThrow('proposal_seen')
    for (const also of [
      `, content = '{}'`,
      `, evidence = 'x'`,
      `, content_hash = UNHEX(REPEAT('ab', 32))`,
      `, proposed_by = '${operator(third)}'`,
      `, office_code = '14302020000'`,
      `, expires_at = expires_at + INTERVAL 1 DAY`,
    ])
      await expect(decide({ also })).rejects.toThrow('never changed')
    await expect(db.execute('DELETE FROM proposal WHERE id = ?', [made.id])).rejects.toThrow('never deleted')
    expect(await happened()).toBe(false)
    expect(told(await rejectBy(desk.li, made))).toEqual([200, undefined])
    // Rejected it stays, even for the two of them.
    await expect(decide({})).rejects.toThrow('decided proposal')
    await expect(
      db.execute(`UPDATE proposal SET state = 'proposed', decided_by = NULL, decided_at = NULL WHERE id = ?`, [made.id]),
    ).rejects.toThrow('decided proposal')
    expect(await happened()).toBe(false)
  })

  test('a content that is not of its kind is refused where it is wrong', async () => {
    const { content } = await setUps[kind]()
    for (const [order, pointer] of [
      [proposalOf(kind, { ...content, more: 1 }), '/content/more'],
      [proposalOf(kind, {}), `/content/${Object.keys(content)[0]}`],
      [proposalOf(kind, content, { evidence: ' ' }), '/evidence'],
      [proposalOf(kind, content, { evidence: undefined }), '/evidence'],
      [proposalOf(kind, content, { orderNo: '编号' }), '/orderNo'],
      [proposalOf(kind, content, { approvedBy: operator(second) }), '/approvedBy'],
    ] as const) {
      const said = await desk.zhang.ask('POST', '/v1/proposals', order)
      expect(told(said)).toEqual([422, 'T3001'])
      expect((said.json.errors as { pointer: string }[]).map(error => error.pointer)).toContain(pointer)
    }
  })
})

test('a process whose clock is behind decides like any other; and no number of the evidence stands in the journal', async () => {
  const { ticketNo, key } = await doubtful(desk)
  const proposal = proposalOf('resolve-doubt', booked(key, 300), { evidence: '银行书面答复,账号 6222 0210 0100 1234' })
  const { json } = await desk.zhang.ask('POST', '/v1/proposals', proposal)
  desk.later(-5_000)
  const said = await approveBy(desk.li, { id: json.id as number, hash: json.hash as string })
  desk.later(5_000)
  expect(told(said)).toEqual([200, undefined])
  const lines = await desk.house.fresh.db.query<{ reason: string }>(
    "SELECT reason FROM journal WHERE ticket_no = ? AND event = 'propose'",
    [ticketNo],
  )
  expect(lines.map(line => line.reason)).toEqual([`proposal ${String(json.id)}: 银行书面答复,账号 62****`])
})

test('a kind that does not exist', async () => {
  for (const kind of ['grant-everything', '__proto__', 'constructor', undefined, 1])
    expect(told(await desk.zhang.ask('POST', '/v1/proposals', { ...proposalOf('x', {}), kind }))).toEqual([422, 'T3001'])
})

test('a proposal that is not there', async () => {
  expect(told(await desk.zhang.ask('GET', '/v1/proposals/999999'))).toEqual([404, 'T3004'])
  expect(told(await approveBy(desk.li, { id: 999_999, hash: 'a'.repeat(64) }))).toEqual([404, 'T3004'])
  for (const id of ['0', '-1', 'x', '1e3', '9007199254740993'])
    expect((await desk.zhang.ask('GET', `/v1/proposals/${id}`)).status).toBe(400)
  expect((await desk.zhang.ask('PUT', '/v1/proposals/1')).headers.allow).toBe('GET, HEAD')
})

test('the list is read in pages, each proposal once, by kind and state', async () => {
  const seen: number[] = []
  let cursor = ''
  for (;;) {
    const page = (await desk.wang.ask('GET', `/v1/proposals?limit=7${cursor}`)).json as { proposals: { id: number }[]; next?: string }
    seen.push(...page.proposals.map(({ id }) => id))
    if (page.next === undefined) break
    cursor = `&cursor=${page.next}`
  }
  expect(seen.length).toBeGreaterThan(20)
  expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b))
  const { json } = await desk.wang.ask('GET', '/v1/proposals?kind=halt-bank&state=expired')
  expect((json.proposals as { kind: string; state: string }[]).map(({ kind, state }) => `${kind} ${state}`)).toEqual(['halt-bank expired'])
  expect(told(await desk.wang.ask('GET', '/v1/proposals?state=done'))).toEqual([400, 'T3001'])
})
