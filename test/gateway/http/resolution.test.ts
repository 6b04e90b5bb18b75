import { outcome, type UnifiedCode } from '@taxlink/bank-sdk'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { shanghaiDate, shanghaiTime } from '../../../gateway/domain/time.ts'
import { advance } from '../../../gateway/flows/advance.ts'
import type { Flow } from '../../../gateway/flows/flow.ts'
import { openSlots } from '../../../gateway/flows/slots.ts'
import { until } from '../stage.ts'
import { order } from './house.ts'
import {
  approveBy,
  booked,
  type Content,
  type Desk,
  debited,
  doneByTwo,
  doubtful,
  notBooked,
  openDesk,
  operator,
  proposalOf,
  proposeBy,
  rejectBy,
  told,
  withdrawBy,
} from './operators.ts'

// What became of a doubtful debit, said by two persons, while banks and workers go on.

let desk: Desk
beforeAll(async () => {
  desk = await openDesk()
})
afterAll(() => desk.house.close())

const read = async (ticketNo: string) => (await desk.ets.ask('GET', `/v1/debits/${ticketNo}`)).json
const breaksOf = async (ticketNo: string) =>
  (await desk.house.store.breaks(false, 0, 1_000))
    .filter(found => found.ticketNo === ticketNo)
    .map(({ kind, source, taxAmount, bankAmount }) => ({ kind, source, taxAmount, bankAmount }))
const journalOf = (ticketNo: string) =>
  desk.house.fresh.db.query<{ event: string; actor: string; state: string; reason: string }>(
    'SELECT event, actor, state, reason FROM journal WHERE ticket_no = ? ORDER BY id',
    [ticketNo],
  )
const said = (code: UnifiedCode, amount: number) =>
  ({ answer: { kind: 'answered', outcome: outcome(code), amount }, transcript: '{"said":1}' }) as const
const idOf = async (ticketNo: string) => (await desk.house.store.find(ticketNo))!.instructionId
/** A worker that finds the instruction due, with a bank that says what the test wants. */
const worker = (call: Flow['call']): Flow => ({ ...desk.house.flow, owner: 'worker', call })
const makeDue = async (ticketNo: string): Promise<number> => {
  await desk.house.fresh.db.execute('UPDATE instruction SET next_attempt_at = UTC_TIMESTAMP(3) - INTERVAL 1 SECOND WHERE ticket_no = ?', [
    ticketNo,
  ])
  return idOf(ticketNo)
}

describe('the end of a doubt', () => {
  test('it was booked: the tax side reads the success with the bank’s words, and both persons stand in the journal', async () => {
    const { ticketNo, key } = await doubtful(desk)
    const before = (await desk.ets.ask('GET', '/v1/results')).json as { next: number }
    const { json } = await doneByTwo(desk, 'resolve-doubt', booked(key, 300))
    expect(await read(ticketNo)).toMatchObject({
      state: 'succeeded',
      amount: 300,
      bankSerial: 'HAND00000001',
      accountingDate: '2026-11-10',
      needsPerson: false,
      result: { class: 'succeeded', code: '90000' },
    })
    const feed = (await desk.ets.ask('GET', `/v1/results?after=${before.next}`)).json.results as { ticketNo: string }[]
    expect(feed.filter(line => line.ticketNo === ticketNo)).toHaveLength(1)
    const steps = (await journalOf(ticketNo)).slice(-3)
    expect(steps.map(({ event, actor, state }) => [event, actor, state])).toEqual([
      ['propose', operator('zhang'), 'unknown'],
      ['succeed', operator('li'), 'succeeded'],
      ['approve', operator('li'), 'succeeded'],
    ])
    expect(steps[1]?.reason).toBe(`resolved by two persons: proposal ${String(json.id as number)} of ${operator('zhang')}`)
    expect(await breaksOf(ticketNo)).toEqual([])
  })

  test('it was not booked: refused for certain, and the tax side may order anew', async () => {
    const { ticketNo, key } = await doubtful(desk)
    await doneByTwo(desk, 'resolve-doubt', notBooked(key))
    expect(await read(ticketNo)).toMatchObject({ state: 'refused', needsPerson: false, result: { class: 'refused', code: '24003' } })
    expect(await breaksOf(ticketNo)).toEqual([])
  })

  test.each([
    [100, 'under-debited'],
    [299, 'under-debited'],
    [301, 'over-debited'],
  ] as const)('%i fen of 300 were booked: a success and a break', async (amount, kind) => {
    const { ticketNo, key } = await doubtful(desk)
    await doneByTwo(desk, 'resolve-doubt', booked(key, amount))
    expect((await read(ticketNo)).state).toBe('succeeded')
    expect(await breaksOf(ticketNo)).toEqual([{ kind, source: 'resolution', taxAmount: 300, bankAmount: amount }])
    const { json } = await desk.li.ask('GET', '/v1/breaks?limit=200')
    expect((json.breaks as { ticketNo: string }[]).find(found => found.ticketNo === ticketNo)).toMatchObject({ kind, bankAmount: amount })
  })

  test('rejected and withdrawn leave the doubt, and stand in the journal', async () => {
    const { ticketNo, key } = await doubtful(desk)
    await rejectBy(desk.li, await proposeBy(desk.zhang, 'resolve-doubt', booked(key, 300)))
    await withdrawBy(desk.li, await proposeBy(desk.li, 'resolve-doubt', notBooked(key)))
    expect(await read(ticketNo)).toMatchObject({ state: 'unknown', needsPerson: true })
    expect((await journalOf(ticketNo)).slice(-4).map(({ event, actor }) => [event, actor])).toEqual([
      ['propose', operator('zhang')],
      ['reject', operator('li')],
      ['propose', operator('li')],
      ['withdraw', operator('li')],
    ])
  })
})

describe('a worker that is just asking the bank while it is resolved', () => {
  /** Resolves while an inquiry is under way, then lets the bank say something. */
  const raced = async (content: (key: Parameters<typeof notBooked>[0]) => Content, code: UnifiedCode, amount: number) => {
    const { ticketNo, key } = await doubtful(desk)
    const made = await proposeBy(desk.zhang, 'resolve-doubt', content(key))
    const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const id = await makeDue(ticketNo)
    const asking = advance(
      worker(async () => {
        asked.resolve()
        await answered.promise
        return said(code, amount)
      }),
      openSlots(1),
      [id],
    )
    await asked.promise
    expect(told(await approveBy(desk.li, made))).toEqual([200, undefined])
    const resolved = await read(ticketNo)
    answered.resolve()
    await asking
    const answers = (await desk.house.store.attempts(id)).filter(call => call.verb === 'inquiry')
    return { ticketNo, resolved, answers: answers.map(({ resultCode, transcript }) => [resultCode, transcript]) }
  }

  test('its answer is kept, changes nothing, and where it contradicts becomes a break', async () => {
    const { ticketNo, resolved, answers } = await raced(notBooked, '90000', 300)
    expect(resolved.state).toBe('refused')
    expect(await read(ticketNo)).toEqual(resolved)
    expect(answers).toEqual([['90000', '{"said":1}']])
    expect(await breaksOf(ticketNo)).toEqual([{ kind: 'bank-only', source: 'inquiry', taxAmount: 0, bankAmount: 300 }])
    expect(desk.house.notes.some(note => note.event === 'trouble' && note.ticketNo === ticketNo)).toBe(true)
  })
  test('the other way round: the bank denies what two persons have seen booked', async () => {
    const { ticketNo, resolved, answers } = await raced(key => booked(key, 300), '24003', 0)
    expect(await read(ticketNo)).toEqual(resolved)
    expect(answers).toEqual([['24003', '{"said":1}']])
    expect(await breaksOf(ticketNo)).toEqual([{ kind: 'bank-missing', source: 'inquiry', taxAmount: 300, bankAmount: 0 }])
  })
  test('where it agrees there is no break', async () => {
    const { ticketNo, resolved, answers } = await raced(key => booked(key, 300), '90000', 300)
    expect(await read(ticketNo)).toEqual(resolved)
    expect(answers).toEqual([['90000', '{"said":1}']])
    expect(await breaksOf(ticketNo)).toEqual([])
  })
})

describe('things that moved on between the two persons', () => {
  test('the bank has answered meanwhile: nothing is done, and the proposal is as open as before', async () => {
    const { ticketNo, key } = await doubtful(desk)
    const made = await proposeBy(desk.zhang, 'resolve-doubt', notBooked(key))
    await advance(
      worker(async () => said('90000', 300)),
      openSlots(1),
      [await makeDue(ticketNo)],
    )
    expect((await read(ticketNo)).state).toBe('succeeded')
    const late = await approveBy(desk.li, made)
    expect(told(late)).toEqual([409, 'T3014'])
    expect(late.json.errors).toMatchObject([{ pointer: '/content', en: 'the instruction is not in doubt any more' }])
    expect((await read(ticketNo)).state).toBe('succeeded')
    expect((await desk.li.ask('GET', `/v1/proposals/${made.id}`)).json.state).toBe('proposed')
    expect(told(await rejectBy(desk.li, made))).toEqual([200, undefined])
  })

  test('it was sent again meanwhile: «not booked» rests on evidence from before, «booked» does not', async () => {
    const { ticketNo, key } = await doubtful(desk)
    const made = await proposeBy(desk.zhang, 'resolve-doubt', notBooked(key))
    await desk.house.fresh.db.execute('UPDATE instruction SET last_sent_at = UTC_TIMESTAMP(3) + INTERVAL 1 SECOND WHERE ticket_no = ?', [
      ticketNo,
    ])
    const late = await approveBy(desk.li, made)
    expect(told(late)).toEqual([409, 'T3014'])
    expect(JSON.stringify(late.json.errors)).toContain('sent again since')
    expect((await read(ticketNo)).state).toBe('unknown')
    await withdrawBy(desk.zhang, made)
    await doneByTwo(desk, 'resolve-doubt', booked(key, 300))
    expect((await read(ticketNo)).state).toBe('succeeded')
  })

  test('a break that the record does not bear out any more is not declared', async () => {
    const { ticketNo, key, amount } = await debited(desk)
    const made = await proposeBy(desk.zhang, 'declare-break', { ...key, kind: 'bank-missing', taxAmount: amount, bankAmount: 0 })
    await desk.house.fresh.db.execute('UPDATE instruction SET booked_amount = 7 WHERE ticket_no = ?', [ticketNo])
    expect(told(await approveBy(desk.li, made))).toEqual([409, 'T3014'])
    expect(await breaksOf(ticketNo)).toEqual([])
  })
})

describe('what is not even proposed', () => {
  const refusedBecause = async (kind: string, content: Content, why: string) => {
    const answer = await desk.zhang.ask('POST', '/v1/proposals', proposalOf(kind, content))
    expect(told(answer)).toEqual([409, 'T3014'])
    expect(JSON.stringify(answer.json.errors)).toContain(why)
  }
  test('about an instruction that is not there, settled, or still being asked about', async () => {
    const { key, ticketNo } = await doubtful(desk)
    await refusedBecause('resolve-doubt', booked({ ...key, serialNo: '99999999' }, 300), 'no instruction with this key')
    await refusedBecause('declare-break', { ...key, kind: 'bank-only', taxAmount: 0, bankAmount: 300 }, 'must be settled')
    await refusedBecause('resolve-doubt', booked((await debited(desk)).key, 300), 'not in doubt any more')
    await desk.house.fresh.db.execute('UPDATE instruction SET person = 0 WHERE ticket_no = ?', [ticketNo])
    await refusedBecause('resolve-doubt', booked(key, 300), 'not yet before a person')
  })
  test('«not booked» inside the bank’s quiescence window', async () => {
    const { key, ticketNo } = await doubtful(desk)
    const { policy } = desk.house.flow.reference().banks.get('4301')!
    await desk.house.fresh.db.execute('UPDATE instruction SET last_sent_at = ? WHERE ticket_no = ?', [
      new Date(desk.house.flow.clock().getTime() - policy.timeoutMs).toISOString().slice(0, 23).replace('T', ' '),
      ticketNo,
    ])
    const inside = desk.house.flow.clock()
    await refusedBecause('resolve-doubt', notBooked(key, inside), 'quiescence window')
    desk.later(policy.quiescenceMs + 1)
    // Now it is over; but what the bank saw before is as old as before.
    await refusedBecause('resolve-doubt', notBooked(key, inside), 'quiescence window')
    await refusedBecause('resolve-doubt', notBooked(key, new Date(desk.house.flow.clock().getTime() + 60_000)), 'cannot have looked')
    await withdrawBy(desk.zhang, await proposeBy(desk.zhang, 'resolve-doubt', notBooked(key, desk.house.flow.clock())))
  })
  test('a success over nothing, or under a day that cannot be, and a code of another verb', async () => {
    const { key } = await doubtful(desk)
    await refusedBecause('resolve-doubt', booked(key, 0), 'a success over nothing')
    const accountingDate = shanghaiDate(new Date(desk.house.flow.clock().getTime() + 11 * 86_400_000))
    await refusedBecause('resolve-doubt', { ...booked(key, 300), accountingDate }, 'further ahead than any bank works')
    await refusedBecause('resolve-doubt', { ...notBooked(key), code: '34001' }, 'does not say')
  })
  test.each([
    ['bank-only', 300, 0],
    ['bank-missing', 300, 1],
    ['under-debited', 300, 301],
    ['over-debited', 300, 299],
    ['under-debited', 299, 100],
    ['bank-missing', 0, 0],
    ['over-debited', 300, 300],
  ])('a break that is none: %s, %i and %i of a debit of 300', async (kind, taxAmount, bankAmount) => {
    await refusedBecause('declare-break', { ...(await debited(desk)).key, kind, taxAmount, bankAmount }, 'the record says otherwise')
  })
  test('a bank that has given some of it back had it', async () => {
    const { key, ticketNo, amount } = await debited(desk)
    const missing = { ...key, kind: 'bank-missing', taxAmount: amount, bankAmount: 0 }
    const order = { orderNo: 'GB-1', ticketNo, amount: 100, reason: 'tax-side' }
    const back = await desk.ets.ask('POST', '/v1/reversals', order, { prefer: 'wait=20' })
    expect(back.json).toMatchObject({ state: 'succeeded', bookedAmount: 100 })
    await refusedBecause('declare-break', missing, 'given back')
  })
  test('a conclusion that says too little or too much is told where', async () => {
    const { key } = await doubtful(desk)
    for (const [content, pointers] of [
      [{ ...key, decision: 'succeeded' }, ['/content/amount', '/content/bankSerial', '/content/accountingDate']],
      [{ ...key, decision: 'refused' }, ['/content/code', '/content/checkedAt']],
      [{ ...notBooked(key), checkedAt: '2026-02-30T10:00:00+08:00' }, ['/content/checkedAt']],
      [{ ...booked(key, 300), checkedAt: '2026-02-28T10:00:00+08:00' }, ['/content/checkedAt']],
      [{ ...booked(key, 300), code: '24003' }, ['/content/code']],
      [{ ...notBooked(key), amount: 300 }, ['/content/amount']],
    ] as const) {
      const answer = await desk.zhang.ask('POST', '/v1/proposals', proposalOf('resolve-doubt', content))
      expect(told(answer)).toEqual([422, 'T3001'])
      expect((answer.json.errors as { pointer: string }[]).map(({ pointer }) => pointer)).toEqual(pointers)
    }
    // A code that refuses nothing is none of the list.
    expect(told(await desk.zhang.ask('POST', '/v1/proposals', proposalOf('resolve-doubt', { ...notBooked(key), code: '28003' })))).toEqual([
      422,
      'T3001',
    ])
  })
})

describe('what waits for a person', () => {
  type Listed = {
    ticketNo: string
    bankCode: string
    proposalId?: number
    quietFrom?: string
    asksAt?: string
    purpose?: string
    reason: string
    evidence: { verb: string; transcript?: object }[]
  }
  const list = async (query = '') => (await desk.wang.ask('GET', `/v1/doubts?${query}`)).json as { doubts: Listed[]; next?: string }

  test('is shown with its calls, masked, and with the proposal about it', async () => {
    const { account } = order()
    const { ticketNo, key } = await doubtful(desk)
    await advance(
      worker(async () => said('94999', 0)),
      openSlots(1),
      [await makeDue(ticketNo)],
    )
    await desk.house.fresh.db.execute('UPDATE instruction SET person = 1 WHERE ticket_no = ?', [ticketNo])
    const made = await proposeBy(desk.zhang, 'resolve-doubt', notBooked(key))
    const page = await desk.wang.ask('GET', '/v1/doubts?limit=50')
    expect(page.text).not.toContain(account)
    const found = (page.json.doubts as Listed[]).find(doubt => doubt.ticketNo === ticketNo)
    expect(found).toMatchObject({ ...key, verb: 'debit', bankCode: '4301', amount: 300, attempts: 2, proposalId: made.id })
    expect(found?.reason).toMatch(/94999/)
    const { lastSentAt } = (await desk.house.store.keyed(key))!
    const { policy } = desk.house.flow.reference().banks.get('4301')!
    expect(found?.quietFrom).toBe(shanghaiTime(new Date(lastSentAt!.getTime() + policy.timeoutMs + policy.quiescenceMs)))
    expect(found?.evidence.map(({ verb, transcript }) => [verb, transcript])).toEqual([
      ['debit', {}],
      ['inquiry', { said: 1 }],
    ])
    const own = async () => (await list('limit=50')).doubts.find(doubt => doubt.ticketNo === ticketNo)
    const [row] = await desk.house.fresh.db.query<{ at: Date }>('SELECT next_attempt_at AS at FROM instruction WHERE ticket_no = ?', [
      ticketNo,
    ])
    expect(await own()).toMatchObject({ asksAt: shanghaiTime(row!.at) })
    expect(await own()).not.toHaveProperty('purpose')
    // Nobody asks any more by himself.
    await desk.house.fresh.db.execute("UPDATE instruction SET next_attempt_at = '9999-12-31 00:00:00.000' WHERE ticket_no = ?", [ticketNo])
    expect(await own()).not.toHaveProperty('asksAt')
    await withdrawBy(desk.zhang, made)
    expect((await own())?.proposalId).toBeUndefined()
  })

  test('is read in pages, by bank and by office; what was settled is gone', async () => {
    const [one, two] = [await doubtful(desk), await doubtful(desk, { bankCode: '4310' })]
    const seen: string[] = []
    for (let cursor = ''; ; ) {
      const page = await list(`limit=2${cursor}`)
      seen.push(...page.doubts.map(({ ticketNo }) => ticketNo))
      if (page.next === undefined) break
      cursor = `&cursor=${page.next}`
    }
    expect(new Set(seen).size).toBe(seen.length)
    expect(seen).toEqual(expect.arrayContaining([one.ticketNo, two.ticketNo]))
    expect((await list('bankCode=4310')).doubts.map(({ ticketNo }) => ticketNo)).toEqual([two.ticketNo])
    expect((await list('officeCode=1')).doubts).toEqual([])
    await doneByTwo(desk, 'resolve-doubt', booked(two.key, 300))
    expect((await list('bankCode=4310')).doubts).toEqual([])
    expect(told(await desk.wang.ask('GET', '/v1/doubts?limit=51'))).toEqual([400, 'T3001'])
    expect(told(await desk.ets.ask('GET', '/v1/doubts'))).toEqual([403, 'T3003'])
    for (const path of ['/v1/breaks', '/v1/banks', '/v1/proposals']) expect((await desk.ets.ask('GET', path)).status).toBe(403)
  })

  test('whoever waits for the outcome hears of it', async () => {
    const { ticketNo, key } = await doubtful(desk)
    const waiting = desk.ets.ask('GET', `/v1/debits/${ticketNo}`, undefined, { prefer: 'wait=30' })
    await until('it waits', () => desk.house.waiters.count > 0)
    await doneByTwo(desk, 'resolve-doubt', booked(key, 300))
    expect((await waiting).json.state).toBe('succeeded')
  })
})
