import { outcome, type RequestOf, type Verb } from '@taxlink/bank-sdk'
import { beforeEach, describe, expect, test } from 'vitest'
import type { Call } from '../../../gateway/call.ts'
import type { BankPolicy } from '../../../gateway/domain/bank.ts'
import type { Answer } from '../../../gateway/domain/debit.ts'
import type { Reference } from '../../../gateway/domain/reference.ts'
import type { Note } from '../../../gateway/flows/flow.ts'
import { type Guard, healthOf, lookAgain, openGuard } from '../../../gateway/flows/guard.ts'
import { openCalendar } from '../../../gateway/store/calendar.ts'

// The guard over a bank of a few lines, by a clock that moves when it is told to: an hour takes no time.

const policy: BankPolicy = {
  dedupe: 'by-key',
  inquiry: true,
  reversal: 'any',
  tombstones: true,
  dayEnd: '24:00',
  quiescenceMs: 60_000,
  inquiryLadderMs: [1_000],
  redeliveryLadderMs: [1_000],
  timeoutMs: 20_000,
  concurrency: 8,
  connections: 8,
  pipeline: 1,
  linkTestMs: 60_000,
}
let inForce: BankPolicy
const reference = (): Reference => ({
  version: 'test',
  banks: new Map(['4301', '4306'].map(code => [code, { code, name: code, policy: inForce, province: undefined, cities: new Map() }])),
  offices: new Map([['14301020000', { code: '14301020000', name: 'office' }]]),
  treasuries: new Map(),
  remittance: new Map(),
  calendar: openCalendar({ years: [] }),
})

let now: number
let timers: { at: number; go: () => void }[]
let notes: Note[]
let calls: { bankCode: string; verb: Verb; at: number }[]
let answers: (bankCode: string, verb: Verb) => Answer
let guard: Guard

const ok: Answer = { kind: 'answered', outcome: outcome('90000'), amount: 1, accountingDate: '2026-11-10' }
const dead: Answer = { kind: 'undelivered', fault: 'connect-failed' }
const hangs: Answer = { kind: 'doubtful', fault: 'timeout', outcome: outcome('28003') }

const pause = (ms: number): Promise<void> => new Promise(resolve => timers.push({ at: now + ms, go: resolve }))
const breathe = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve()
}
/** Lets time pass, each timer in its turn. */
const pass = async (ms: number) => {
  const end = now + ms
  for (;;) {
    await breathe()
    timers.sort((a, b) => a.at - b.at)
    const next = timers[0]
    if (!next || next.at > end) break
    timers.shift()
    now = Math.max(now, next.at)
    next.go()
  }
  now = end
}
const bank: Call = async (bankCode, verb) => {
  calls.push({ bankCode, verb, at: now })
  return { answer: answers(bankCode, verb), transcript: '{}' }
}
const ask = async (verb: Verb, bankCode = '4301', timeoutMs = policy.timeoutMs): Promise<Answer> =>
  (await guard.call(bankCode, verb, {} as RequestOf<Verb>, timeoutMs)).answer
const times = async (n: number, verb: Verb, bankCode = '4301') => {
  for (let i = 0; i < n; i++) await ask(verb, bankCode)
}
const breakerOf = (bankCode: string) => guard.state().find(s => s.bankCode === bankCode)?.breaker
const called = (verb: Verb, bankCode = '4301') => calls.filter(c => c.verb === verb && c.bankCode === bankCode)

beforeEach(() => {
  ;[now, timers, notes, calls, inForce] = [Date.parse('2026-11-10T01:00:00Z'), [], [], [], policy]
  answers = () => ok
  guard = openGuard({
    call: bank,
    reference,
    clock: () => new Date(now),
    random: () => 0.5,
    pause,
    note: note => notes.push(note),
  })
  guard.watch(['4301', '4306'])
})

test.each<[Answer, boolean | undefined]>([
  [ok, true],
  [{ kind: 'answered', outcome: outcome('24003'), amount: 0 }, true],
  [{ kind: 'answered', outcome: outcome('99091'), amount: 0 }, true],
  [{ kind: 'answered', outcome: outcome('94054'), amount: 0 }, true],
  [{ kind: 'answered', outcome: outcome('94051'), amount: 0 }, true],
  ...(['24006', '28002', '28003', '94999', '99090'] as const).map((code): [Answer, boolean] => [
    { kind: 'answered', outcome: outcome(code), amount: 0 },
    false,
  ]),
  [dead, false],
  [hangs, false],
  [{ kind: 'undelivered', fault: 'line-busy' }, undefined],
  [{ kind: 'undelivered', fault: 'held-back', held: true }, undefined],
  [{ kind: 'unsendable', fault: 'too-long', outcome: outcome('93001') }, undefined],
])('%j: health is %s', (answer, health) => {
  expect(healthOf('debit', answer)).toBe(health)
})

test('a question is answered by the code of a broken host, or it is a sign of life', () => {
  const codes = ['24006', '28002', '28003', '94999', '99090', '94054', '93003'] as const
  const healthy = codes.filter(code => healthOf('linkTest', { kind: 'answered', outcome: outcome(code), amount: 0 }))
  expect(healthy).toEqual(['94999', '99090', '94054', '93003'])
})

test('a bank that answers its link tests by the code of a broken host keeps getting instructions as long as those go well', async () => {
  answers = (_code, verb) => (verb === 'linkTest' ? { kind: 'answered', outcome: outcome('28002'), amount: 0 } : ok)
  await pass(3_600_000)
  expect(called('linkTest').length).toBeGreaterThan(20)
  expect(breakerOf('4301')).toBe('closed')
  expect(await ask('debit')).toEqual(ok)
})

test('a bank whose line answers and whose host is down is spared, until a link test is answered otherwise', async () => {
  const broken: Answer = { kind: 'answered', outcome: outcome('28002'), amount: 0 }
  answers = () => broken
  await times(5, 'debit')
  expect(breakerOf('4301')).toBe('open')
  expect(notes).toMatchObject([{ event: 'breaker-opened', bankCode: '4301', code: '28002' }])
  expect(await ask('debit')).toMatchObject({ kind: 'undelivered', fault: 'held-back' })
  // Neither its link test nor an inquiry that it answers so is a sign of life.
  await pass(600_000)
  await ask('inquiry')
  expect(called('linkTest').length).toBeGreaterThan(0)
  expect(breakerOf('4301')).not.toBe('closed')
  answers = () => ok
  await pass(600_000)
  expect(breakerOf('4301')).toBe('closed')
})

test('while half-open, what is held back looks again when the question may be answered, and not all the time', async () => {
  answers = () => hangs
  await times(5, 'debit')
  // The rest is over, the link test is at the bank and hangs.
  let answered = (_called: { answer: Answer; transcript: string }): void => undefined
  const hanging: Call = (_code, verb) =>
    verb === 'linkTest' ? new Promise(resolve => (answered = resolve)) : Promise.resolve({ answer: hangs, transcript: '{}' })
  guard.close()
  guard = openGuard({ call: hanging, reference, clock: () => new Date(now), random: () => 0.5, pause, note: note => notes.push(note) })
  guard.watch(['4301'])
  await times(5, 'debit')
  const until = guard.heldUntil('4301')!
  expect(until.getTime()).toBeGreaterThan(now)
  await pass(until.getTime() - now + 1_000)
  expect(breakerOf('4301')).toBe('half-open')
  expect(guard.heldUntil('4301')).toEqual(new Date(now + policy.timeoutMs))
  answered({ answer: ok, transcript: '{}' })
  await breathe()
  expect(guard.heldUntil('4301')).toBeUndefined()
})

test('while the process ends, no debit is a probe of a bank that link tests would have probed', async () => {
  answers = () => hangs
  await times(5, 'debit')
  answers = () => ok
  guard.close()
  now += 600_000
  expect(breakerOf('4301')).toBe('half-open')
  expect(await ask('debit')).toMatchObject({ kind: 'undelivered', fault: 'held-back' })
})

test('a breaker that opened while its bank was not watched is probed once it is', async () => {
  guard.watch(['4306'])
  answers = () => hangs
  await times(5, 'debit')
  expect(breakerOf('4301')).toBe('open')
  await pass(600_000)
  expect(called('linkTest')).toEqual([])
  answers = () => ok
  guard.watch(['4301', '4306'])
  await pass(5_000)
  expect(breakerOf('4301')).toBe('closed')
})

test('what waits for its turn as the only probe is the only one', async () => {
  inForce = { ...policy, perSecond: 1 }
  guard.watch([])
  answers = () => hangs
  for (let i = 0; i < 5; i++) {
    await pass(2_000)
    await ask('debit')
  }
  await pass(120_000)
  expect(breakerOf('4301')).toBe('half-open')
  calls = []
  // The first takes the token that is there, the second and third would wait for theirs.
  const all = [1, 2, 3].map(() => ask('debit'))
  await pass(10_000)
  await Promise.all(all)
  expect(called('debit')).toHaveLength(1)
})

test('an accounting date that cannot be is not believed', async () => {
  await ask('debit')
  answers = () => ({ ...ok, accountingDate: '2027-01-01' })
  await ask('debit')
  expect(guard.accountingDate('4301')).toBe('2026-11-10')
})

describe('a sick bank', () => {
  beforeEach(async () => {
    answers = code => (code === '4301' ? hangs : ok)
    await times(5, 'debit')
  })

  test.each(['debit', 'supplementaryDebit', 'reversal'] as const)('is sent no %s: certainly undelivered, without a byte', async verb => {
    expect(await ask(verb)).toEqual({ kind: 'undelivered', fault: 'held-back', held: true })
    expect(calls).toHaveLength(5)
    expect(guard.heldUntil('4301')).toEqual(new Date(now + 1_875))
    expect(breakerOf('4301')).toBe('open')
  })
  test('is still asked, and the other banks go on', async () => {
    expect(await ask('inquiry')).toEqual(hangs)
    expect(await ask('debit', '4306')).toEqual(ok)
    expect(guard.heldUntil('4306')).toBeUndefined()
    expect(notes.filter(n => n.event === 'breaker-opened')).toEqual([{ event: 'breaker-opened', bankCode: '4301', fault: 'timeout' }])
  })
  test('is tested after each rest, the rests growing, and closes by the test that is answered; no debit is ever the probe', async () => {
    await pass(40_000)
    expect(called('linkTest').map(c => c.at - calls[0]!.at)).toEqual([2_063, 6_188, 14_438, 30_938].map(ms => expect.closeTo(ms, -1)))
    expect(called('debit')).toHaveLength(5)
    expect(await ask('debit')).toMatchObject({ held: true })
    answers = () => ok
    await pass(60_000)
    expect(breakerOf('4301')).toBe('closed')
    expect(notes.at(-1)).toMatchObject({ event: 'link-test', code: '90000' })
    expect(notes.filter(n => n.event === 'breaker-closed')).toHaveLength(1)
    expect(await ask('debit')).toEqual(ok)
  })
  test('closes by an inquiry that is answered, once its rest is over', async () => {
    answers = (_, verb) => (verb === 'linkTest' ? hangs : ok)
    await ask('inquiry')
    expect(breakerOf('4301')).toBe('open')
    now += 1_900
    expect(breakerOf('4301')).toBe('half-open')
    expect(await ask('debit')).toMatchObject({ held: true })
    await ask('inquiry')
    expect(breakerOf('4301')).toBe('closed')
  })
  test('that answers tests and hangs at debits costs one debit a rest, and the rests grow', async () => {
    answers = (_, verb) => (verb === 'debit' ? hangs : ok)
    for (let minute = 0; minute < 60 * 6; minute++) {
      await pass(10_000)
      await times(10, 'debit')
    }
    expect(called('debit').length).toBeLessThan(5 + 6 + 60)
  })
})

describe('a bank that knows no link test', () => {
  const unsendable: Answer = { kind: 'unsendable', fault: 'unknown-message', outcome: outcome('93003') }
  test('is tested once, and after a rest a single real call is the probe', async () => {
    answers = (_, verb) => (verb === 'linkTest' ? unsendable : hangs)
    await pass(600_000)
    expect(called('linkTest')).toHaveLength(1)
    await times(5, 'debit')
    expect(await ask('debit')).toMatchObject({ held: true })
    await pass(3_000)
    expect(guard.heldUntil('4301')).toBeUndefined()
    const [first, second] = await Promise.all([ask('debit'), ask('debit')])
    expect([first, second]).toEqual([hangs, expect.objectContaining({ held: true })])
    await pass(5_000)
    answers = () => ok
    expect(await ask('debit')).toEqual(ok)
    expect(breakerOf('4301')).toBe('closed')
  })
})

describe('link tests', () => {
  test('go out to each watched bank, jittered, and name its accounting date', async () => {
    expect(guard.state().map(s => s.accountingDate)).toEqual([undefined, undefined])
    await pass(600_000)
    expect(called('linkTest')).toHaveLength(10)
    expect(called('linkTest', '4306')).toHaveLength(10)
    expect(guard.accountingDate('4301')).toBe('2026-11-10')
    answers = () => ({ ...ok, accountingDate: '2026-11-09' })
    await pass(60_000)
    expect(guard.state()[0]).toMatchObject({ accountingDate: '2026-11-10' })
    answers = () => ({ ...ok, accountingDate: '2026-11-11' })
    await ask('inquiry')
    expect(guard.state()).toContainEqual({ bankCode: '4301', breaker: 'closed', accountingDate: '2026-11-11' })
  })
  test('name a day anew after it was put right: the wrong one is forgotten', async () => {
    answers = () => ({ ...ok, accountingDate: '2026-11-18' })
    await pass(60_000 * 2)
    expect(guard.accountingDate('4301')).toBe('2026-11-18')
    guard.forgetDay('4301')
    guard.forgetDay('9999')
    expect(guard.accountingDate('4301')).toBeUndefined()
    answers = () => ok
    await ask('inquiry')
    expect(guard.accountingDate('4301')).toBe('2026-11-10')
  })
  test('find a dead line before the first debit does', async () => {
    answers = () => dead
    await pass(5 * 60_000 + 1)
    expect(breakerOf('4301')).toBe('open')
    expect(called('debit')).toHaveLength(0)
  })
  test('stop for a bank that is gone, begin for one that came, and end with the guard', async () => {
    guard.watch(['4306'])
    await pass(120_000)
    expect([called('linkTest').length, called('linkTest', '4306').length]).toEqual([0, 2])
    guard.watch(['4301', '4306'])
    await pass(60_000)
    expect(called('linkTest')).toHaveLength(1)
    guard.close()
    const before = calls.length
    await pass(600_000)
    expect(calls).toHaveLength(before)
    expect(timers).toEqual([])
  })
  test('none where the bank’s policy names no pause', async () => {
    const { linkTestMs: _none, ...without } = policy
    inForce = without
    await pass(3_600_000)
    expect(calls.length).toBeLessThanOrEqual(2)
  })
})

describe('the rate agreed with a bank', () => {
  beforeEach(() => {
    inForce = { ...policy, perSecond: 2 }
  })
  test('is kept by waiting one’s turn, within half of the time-out; beyond that nothing is sent, and nothing is held against the bank', async () => {
    const asked = Array.from({ length: 6 }, () => ask('debit', '4301', 3_000))
    await pass(10_000)
    const began = calls[0]!.at
    expect(calls.map(c => c.at - began)).toEqual([0, 0, 500, 1_000, 1_500])
    expect((await Promise.all(asked)).filter(a => a.kind === 'undelivered')).toEqual([
      { kind: 'undelivered', fault: 'held-back', held: true },
    ])
    expect(breakerOf('4301')).toBe('closed')
  })
  test('is each bank’s own', async () => {
    await Promise.all([ask('debit'), ask('debit')])
    expect(await ask('debit', '4306')).toEqual(ok)
    expect(calls).toHaveLength(3)
  })
  test('one who waited while the breaker opened is not sent', async () => {
    answers = () => hangs
    inForce = { ...policy, perSecond: 5 }
    const asked = Array.from({ length: 6 }, () => ask('debit'))
    await pass(1_000)
    expect((await Promise.all(asked)).at(-1)).toMatchObject({ held: true })
    expect(calls).toHaveLength(5)
  })
})

test('what is held back is looked at again after the rest, not all at the same moment', () => {
  const [at, until] = [new Date(0), new Date(10_000)]
  expect(lookAgain(at, until, 0)).toEqual(until)
  expect(lookAgain(at, until, 0.999).getTime()).toBeGreaterThan(14_000)
  expect(lookAgain(until, at, 0.5).getTime()).toBeGreaterThan(10_000)
})
