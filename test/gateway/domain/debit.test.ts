import { outcome, outcomes, type UnifiedCode } from '@taxlink/bank-sdk'
import { describe, expect, test } from 'vitest'
import type { BankPolicy } from '../../../gateway/domain/bank.ts'
import { type Answer, afterInquiry, afterSend, debitMachine, dueStep, type Standing } from '../../../gateway/domain/debit.ts'

const policy: BankPolicy = {
  dedupe: 'by-key',
  inquiry: true,
  reversal: 'any',
  tombstones: true,
  dayEnd: '24:00',
  quiescenceMs: 60_000,
  inquiryLadderMs: [1_000, 5_000, 60_000],
  redeliveryLadderMs: [500, 2_000],
  timeoutMs: 20_000,
  concurrency: 8,
  connections: 2,
  pipeline: 4,
}
const now = new Date('2026-11-10T02:00:00.000Z')
const sent: Standing = {
  verb: 'debit',
  state: 'sent',
  amount: 12_345,
  redeliveries: 0,
  inquiries: 0,
  lastSentAt: now,
  acceptedAt: now,
}
const doubtful: Standing = { ...sent, state: 'unknown' }
const answered = (code: UnifiedCode, amount = 12_345): Answer => ({ kind: 'answered', outcome: outcome(code), amount })
const at = (ms: number) => new Date(now.getTime() + ms)

describe('after the debit', () => {
  test.each(Object.keys(outcomes) as UnifiedCode[])('the class of %s decides, unless it is a code of reversals', code => {
    const decision = afterSend(sent, answered(code), policy, now, 0.5)
    const byClass = { succeeded: 'succeeded', refused: 'refused', unknown: 'unknown', 'in-progress': 'unknown' }[outcomes[code].class]
    const expected = ['94032', '34001', '38002'].includes(code) ? 'unknown' : byClass
    expect(decision.state).toBe(expected)
    expect(decision.nextAttemptAt === undefined).toBe(expected !== 'unknown')
    expect(decision.outcome?.code).toBe(code)
    expect(debitMachine.next(sent.state, decision.event)).toBe(decision.state)
  })
  test('a success over another amount is a doubt, not a success', () => {
    for (const amount of [0, 12_344, 12_346]) expect(afterSend(sent, answered('90000', amount), policy, now, 0.5).state).toBe('unknown')
  })
  test('a doubt is asked about on the first rung, within the jitter', () => {
    const doubt: Answer = { kind: 'doubtful', fault: 'timeout', outcome: outcome('28003') }
    expect(afterSend(sent, doubt, policy, now, 0).nextAttemptAt).toEqual(at(800))
    expect(afterSend(sent, doubt, policy, now, 0.999_999).nextAttemptAt).toEqual(at(1_200))
  })
  test('certain non-delivery keeps the key and comes again, then is refused as never sent', () => {
    const undelivered: Answer = { kind: 'undelivered', fault: 'connect-failed' }
    const first = afterSend(sent, undelivered, policy, now, 0.5)
    expect(first).toMatchObject({ event: 'undelivered', state: 'accepted', redeliveries: 1, nextAttemptAt: at(500) })
    expect(afterSend({ ...sent, redeliveries: 1 }, undelivered, policy, now, 0.5)).toMatchObject({
      state: 'accepted',
      redeliveries: 2,
      nextAttemptAt: at(2_000),
    })
    expect(afterSend({ ...sent, redeliveries: 2 }, undelivered, policy, now, 0.5)).toMatchObject({
      state: 'refused',
      outcome: { code: '99092', class: 'refused' },
      neverSent: true,
    })
    expect(afterSend(sent, answered('24003'), policy, now, 0.5)).not.toHaveProperty('neverSent')
  })
  describe('held back by ourselves', () => {
    const held: Answer = { kind: 'undelivered', fault: 'held-back', held: true }
    test('it takes no rung, and looks again at the pace of the one it stands on', () => {
      for (const [redeliveries, pause] of [
        [0, 500],
        [1, 2_000],
        [2, 2_000],
      ] as const)
        expect(afterSend({ ...sent, redeliveries }, held, policy, at(2_499), 0.5)).toMatchObject({
          event: 'undelivered',
          state: 'accepted',
          redeliveries,
          nextAttemptAt: at(2_499 + pause),
        })
    })
    test('after the time of the whole ladder it takes its rungs, however long it had waited, and then is refused as never sent', () => {
      const anHour = 3_600_000
      for (const [redeliveries, pause] of [
        [0, 500],
        [1, 2_000],
      ] as const)
        expect(afterSend({ ...sent, redeliveries }, held, policy, at(anHour), 0.5)).toMatchObject({
          state: 'accepted',
          redeliveries: redeliveries + 1,
          nextAttemptAt: at(anHour + pause),
        })
      expect(afterSend({ ...sent, redeliveries: 2 }, held, policy, at(2_500), 0.5)).toMatchObject({
        state: 'refused',
        outcome: { code: '99092' },
      })
    })
    test('a second sending that is held back past that time leaves the first in doubt', () => {
      expect(afterSend({ ...sent, redeliveries: 2, inquiries: 1 }, held, policy, at(2_500), 0.5)).toMatchObject({ state: 'unknown' })
    })
    test('a question that was held back was not asked', () => {
      const decision = afterInquiry(doubtful, held, policy, now, 0.5)
      expect(decision).toMatchObject({ state: 'unknown', inquiries: 0, person: false, nextAttemptAt: at(1_000) })
    })
  })
  test('what cannot be written for the bank is refused: certainly nothing was sent', () => {
    const unsendable: Answer = { kind: 'unsendable', fault: 'not-in-charset', outcome: outcome('93003') }
    expect(afterSend(sent, unsendable, policy, now, 0.5)).toMatchObject({ state: 'refused', outcome: { code: '93003' } })
  })
})

describe('after the debit was sent again, because a first sending may have been lost', () => {
  const again: Standing = { ...sent, redeliveries: 2, inquiries: 1 }
  test('it is never refused as «certainly never sent»: it goes on being asked about', () => {
    const undelivered: Answer = { kind: 'undelivered', fault: 'connect-failed' }
    const unsendable: Answer = { kind: 'unsendable', fault: 'not-in-charset', outcome: outcome('93003') }
    expect(afterSend({ ...again, redeliveries: 1 }, undelivered, policy, now, 0.5).state).toBe('accepted')
    for (const answer of [undelivered, unsendable])
      expect(afterSend(again, answer, policy, now, 0.5)).toMatchObject({ state: 'unknown', inquiries: 1, nextAttemptAt: at(5_000) })
  })
  test('«already paid» may speak of our own first sending', () => {
    expect(afterSend(again, answered('24015', 0), policy, now, 0.5).state).toBe('unknown')
    expect(afterSend(sent, answered('24015', 0), policy, now, 0.5).state).toBe('refused')
  })
  test('the bank’s word about the account still decides', () => {
    expect(afterSend(again, answered('90000'), policy, now, 0.5).state).toBe('succeeded')
    expect(afterSend(again, answered('24003', 0), policy, now, 0.5).state).toBe('refused')
  })
})

describe('after an inquiry', () => {
  // «Not signed on», «MAC wrong», «outside business hours»: the question was refused, not the debit.
  test.each(['28001', '31004', '91005', '93001', '93002', '93003', '93004', '93007', '93013', '93014', '24015'] as const)(
    '%s may be about the question itself and refuses nothing',
    code => {
      expect(afterInquiry(doubtful, answered(code, 0), policy, at(600_000), 0.5)).toMatchObject({ state: 'unknown', inquiries: 1 })
    },
  )
  test('the truth of the bank is taken', () => {
    expect(afterInquiry(doubtful, answered('90000'), policy, now, 0.5).state).toBe('succeeded')
    expect(afterInquiry(doubtful, answered('24003', 0), policy, now, 0.5).state).toBe('refused')
    expect(afterInquiry(doubtful, answered('24020', 0), policy, now, 0.5).state).toBe('refused')
  })
  test('«not found» inside the quiescence window proves nothing: it is asked again on the ladder, and when the window ends', () => {
    for (const [ms, next] of [
      [0, 5_000],
      [1, 5_001],
      [54_999, 59_999],
      [55_001, 60_000],
      [59_999, 60_000],
    ] as const) {
      const decision = afterInquiry(doubtful, answered('94054', 0), policy, at(ms), 0.5)
      expect(decision).toMatchObject({ state: 'unknown', person: false, nextAttemptAt: at(next) })
    }
    expect(afterInquiry({ ...doubtful, inquiries: 9 }, answered('94054', 0), policy, at(1), 0.5)).toMatchObject({ person: false })
  })
  test('«not found» after the window: the same key again, of a bank that dedupes', () => {
    expect(afterInquiry(doubtful, answered('94054', 0), policy, at(60_000), 0.5)).toMatchObject({
      event: 'absent',
      state: 'accepted',
      redeliveries: 1,
      // Kept: it tells ever after that an earlier sending may have arrived.
      inquiries: 1,
      nextAttemptAt: at(60_000),
    })
  })
  test('«not found» after the window: a person, of a bank that does not', () => {
    const decision = afterInquiry(doubtful, answered('94054', 0), { ...policy, dedupe: 'none' }, at(60_000), 0.5)
    expect(decision).toMatchObject({ state: 'unknown', person: true, nextAttemptAt: undefined })
  })
  test('the same key is not sent again for ever', () => {
    const decision = afterInquiry({ ...doubtful, redeliveries: 2 }, answered('94054', 0), policy, at(60_000), 0.5)
    expect(decision).toMatchObject({ state: 'unknown', person: true })
  })
  test('an inquiry that fails in any way leaves the doubt and climbs the ladder; after the last rung a person is told, and asking goes on', () => {
    const failures: Answer[] = [
      { kind: 'undelivered', fault: 'connect-failed' },
      { kind: 'doubtful', fault: 'timeout', outcome: outcome('28003') },
      { kind: 'unsendable', fault: 'too-long', outcome: outcome('93001') },
      answered('94999', 0),
      answered('99091', 0),
    ]
    for (const failure of failures) {
      let standing = doubtful
      const pauses = []
      for (let i = 0; i < 5; i++) {
        const decision = afterInquiry(standing, failure, policy, now, 0.5)
        expect(decision.state).toBe('unknown')
        pauses.push([decision.nextAttemptAt!.getTime() - now.getTime(), decision.person])
        standing = { ...standing, inquiries: decision.inquiries }
      }
      expect(pauses).toEqual([
        [5_000, false],
        [60_000, false],
        [60_000, true],
        [60_000, true],
        [60_000, true],
      ])
    }
  })
})

test('what is due: never twice to the bank what may be there already', () => {
  const due = { verb: 'debit', nextAttemptAt: now } as const
  expect(dueStep({ ...due, state: 'accepted' }, now)).toBe('debit')
  expect(dueStep({ ...due, state: 'sent' }, now)).toBe('inquiry')
  expect(dueStep({ ...due, state: 'unknown' }, now)).toBe('inquiry')
  for (const state of ['succeeded', 'refused'] as const) expect(dueStep({ ...due, state }, now)).toBeUndefined()
  for (const state of ['accepted', 'sent', 'unknown'] as const) {
    expect(dueStep({ verb: 'debit', nextAttemptAt: at(1), state }, now)).toBeUndefined()
    expect(dueStep({ verb: 'debit', nextAttemptAt: undefined, state }, now)).toBeUndefined()
  }
})

test('nothing leads out of a final state, and from no state back to accepted but on proof that nothing was booked', () => {
  expect(debitMachine.isFinal('succeeded') && debitMachine.isFinal('refused')).toBe(true)
  const back = Object.entries(debitMachine.table).flatMap(([from, moves]) =>
    Object.entries(moves)
      .filter(([, to]) => to === 'accepted')
      .map(([on]) => `${from} ${on}`),
  )
  expect(back).toEqual(['sent undelivered', 'unknown absent'])
})
