import { outcome, outcomes, type UnifiedCode } from '@taxlink/bank-sdk'
import { describe, expect, test } from 'vitest'
import { type Asked, type InstructionVerb, type Proof, proofOf, sameAmount } from '../../../gateway/domain/answers.ts'
import type { BankPolicy } from '../../../gateway/domain/bank.ts'
import { contradiction, recordedOf, saidBy } from '../../../gateway/domain/break.ts'
import { type Answer, afterInquiry, afterSend, type Standing } from '../../../gateway/domain/debit.ts'
import type { Break, Movement } from '../../../gateway/domain/ticket.ts'
import { accountingDay, dayHasEnded, isNearDay } from '../../../gateway/domain/time.ts'

const codes = Object.keys(outcomes) as UnifiedCode[]
const verbs: readonly InstructionVerb[] = ['debit', 'supplementaryDebit', 'reversal']

/** What each code proves, written down once more: by its digits, not by the sets of the code. */
const oracle = (verb: InstructionVerb, code: string, asked: Asked, byKey: boolean): Proof => {
  const by = (...list: string[]) => list.includes(code)
  if (code === '90000') return 'done'
  if (verb === 'reversal') {
    if (code === '94032') return 'done'
    if (code === '94054') return asked === 'inquiry' ? 'doubt' : 'no-original'
    if (by('24015', '24020')) return 'doubt'
    if (by('34001', '38002')) return asked === 'again' && !byKey ? 'doubt' : 'refused'
  } else if (by('94032', '34001', '38002')) return 'doubt'
  // art. 35(3): «already paid» of what two persons know to be unpaid voids no ticket.
  if (verb === 'supplementaryDebit' && code === '24015') return 'doubt'
  const ofTheMessage = by('24015', '28001', '31004', '91005', '93013', '93014') || /^9300[12347]$/.test(code)
  if (ofTheMessage) return asked === 'first' ? 'refused' : 'doubt'
  // By the account: 24001 … 24020 but for «failed or busy», and «never sent».
  if (/^240/.test(code)) return code === '24006' ? 'doubt' : 'refused'
  return code === '99092' ? 'refused' : 'doubt'
}

test.each(verbs)('what every code proves about a %s, however it was asked', verb => {
  for (const code of codes)
    for (const asked of ['first', 'again', 'inquiry'] as const)
      for (const byKey of [false, true])
        expect([code, asked, byKey, proofOf(verb, outcome(code), asked, byKey)]).toEqual([
          code,
          asked,
          byKey,
          oracle(verb, code, asked, byKey),
        ])
})

test('«already done» is believed, and may leave the amount out, where it can mean but one thing; a success may not', () => {
  for (const meansThis of [true, false]) {
    const same = (code: UnifiedCode, told: number) => sameAmount(5, outcome(code), told, meansThis)
    expect([same('90000', 5), same('94032', 5), same('94032', 0)]).toEqual([true, meansThis, meansThis])
    expect([same('90000', 0), same('94032', 4), same('90000', 6)]).toEqual([false, false, false])
  }
})

const policy: BankPolicy = {
  dedupe: 'by-key',
  inquiry: true,
  reversal: 'any',
  tombstones: true,
  dayEnd: '17:30',
  quiescenceMs: 60_000,
  inquiryLadderMs: [1_000, 5_000],
  redeliveryLadderMs: [500, 2_000],
  timeoutMs: 20_000,
  concurrency: 8,
  connections: 2,
  pipeline: 4,
}
const now = new Date('2026-11-10T02:00:00.000Z')
const at = (ms: number) => new Date(now.getTime() + ms)
const answered = (code: UnifiedCode, amount = 100): Answer => ({ kind: 'answered', outcome: outcome(code), amount })
const unknown: Standing = { verb: 'debit', state: 'unknown', amount: 100, redeliveries: 0, inquiries: 0, lastSentAt: now, acceptedAt: now }
const reversal: Standing = { ...unknown, verb: 'reversal', state: 'sent' }
const tombstone: Standing = { ...reversal, inDoubt: true, whole: true }

describe('a reversal', () => {
  test('done, or done already', () => {
    expect(afterSend(reversal, answered('90000'), policy, now, 0.5)).toMatchObject({ state: 'succeeded' })
    expect(afterSend({ ...reversal, whole: true }, answered('94032', 0), policy, now, 0.5)).toMatchObject({ state: 'succeeded' })
    expect(afterSend(reversal, answered('90000'), policy, now, 0.5).effect).toBeUndefined()
  })
  test('of a part, «already done» may speak of another part, though that was as large: only an inquiry tells', () => {
    const part = { ...reversal, whole: false }
    for (const told of [0, 100]) {
      for (const inquiries of [0, 1])
        expect(afterSend({ ...part, inquiries }, answered('94032', told), policy, now, 0.5)).toMatchObject({
          state: 'unknown',
          person: false,
        })
      expect(afterInquiry({ ...part, state: 'unknown' }, answered('94032', told), policy, now, 0.5)).toMatchObject({ state: 'succeeded' })
    }
    // A bank that has but the other part does not know this one: then it is sent again, or is a person's.
    const asked = { ...part, state: 'unknown', lastSentAt: now, leftBy: now } as const
    const absent = (dedupe: BankPolicy['dedupe']) => afterInquiry(asked, answered('94054', 0), { ...policy, dedupe }, at(60_000), 0.5)
    expect(absent('by-key')).toMatchObject({ state: 'accepted' })
    expect(absent('none')).toMatchObject({ state: 'unknown', person: true })
  })
  test('of another amount than asked for is a doubt', () => {
    expect(afterSend(reversal, answered('90000', 99), policy, now, 0.5).state).toBe('unknown')
  })
  test('not to be had any more is final', () => {
    for (const code of ['34001', '38002'] as const)
      expect(afterSend(reversal, answered(code, 0), policy, now, 0.5)).toMatchObject({ state: 'refused', outcome: { code } })
  })
  test('not to be had any more, said to a second sending, may mean what the first did: a no only of a bank that repeats its first decision', () => {
    const again = { ...reversal, whole: true, inquiries: 1 }
    for (const code of ['34001', '38002'] as const)
      for (const dedupe of ['by-key', 'tombstone', 'none'] as const) {
        const class_ = { ...policy, dedupe }
        expect(afterSend(reversal, answered(code, 0), class_, now, 0.5).state).toBe('refused')
        expect(afterSend(again, answered(code, 0), class_, now, 0.5).state).toBe(dedupe === 'by-key' ? 'refused' : 'unknown')
      }
  })
  test('of a debit the bank confirmed and does not know any more is a person’s', () => {
    expect(afterSend(reversal, answered('94054', 0), policy, now, 0.5)).toMatchObject({
      state: 'unknown',
      person: true,
      nextAttemptAt: undefined,
    })
  })
  test('for a tombstone: no original is the proof wanted, of a bank that promises it', () => {
    expect(afterSend(tombstone, answered('94054', 0), policy, now, 0.5)).toMatchObject({
      state: 'succeeded',
      booked: 0,
      effect: 'original-zero',
      outcome: { class: 'succeeded', code: '90000', bankCode: '94054' },
    })
    expect(afterSend(tombstone, answered('94054', 0), { ...policy, tombstones: false }, now, 0.5)).toMatchObject({
      state: 'unknown',
      person: true,
    })
    expect(afterSend(tombstone, answered('90000'), policy, now, 0.5)).toMatchObject({ state: 'succeeded', effect: 'original-zero' })
    expect(afterSend(tombstone, answered('34001', 0), policy, now, 0.5)).toMatchObject({ state: 'refused', effect: 'original-person' })
    const unsendable: Answer = { kind: 'unsendable', fault: 'too-long', outcome: outcome('93001') }
    expect(afterSend(tombstone, unsendable, policy, now, 0.5)).toMatchObject({ state: 'refused', effect: 'original-person' })
  })
})

describe('«not found» after the window, by what the bank has promised', () => {
  const asked = (standing: Standing, change: Partial<BankPolicy>, ms = 60_000) =>
    afterInquiry({ ...standing, state: 'unknown' }, answered('94054', 0), { ...policy, ...change }, at(ms), 0.5)
  test.each(verbs)('by-key: the same key again (%s)', verb => {
    expect(asked({ ...unknown, verb }, {})).toMatchObject({ event: 'absent', state: 'accepted' })
  })
  test.each(['debit', 'supplementaryDebit'] as const)('tombstone: a reversal first, and it waits for that (%s)', verb => {
    expect(asked({ ...unknown, verb }, { dedupe: 'tombstone' })).toMatchObject({
      state: 'unknown',
      effect: 'tombstone',
      person: false,
      nextAttemptAt: undefined,
    })
    expect(asked({ ...unknown, verb }, { dedupe: 'tombstone' }, 59_999).effect).toBeUndefined()
  })
  test('tombstone: not on another accounting day than the debit’s', () => {
    const end = Date.parse('2026-11-10T09:30:00Z') - now.getTime()
    expect(asked(unknown, { dedupe: 'tombstone' }, end - 1)).toMatchObject({ effect: 'tombstone' })
    expect(asked(unknown, { dedupe: 'tombstone' }, end)).toMatchObject({ person: true, nextAttemptAt: undefined })
    expect(asked(unknown, { dedupe: 'tombstone' }, end).effect).toBeUndefined()
  })
  test('tombstone: a whole reversal may be sent again, a part may not', () => {
    expect(asked({ ...reversal, whole: true }, { dedupe: 'tombstone' })).toMatchObject({ event: 'absent' })
    expect(asked(reversal, { dedupe: 'tombstone' })).toMatchObject({ person: true })
    expect(asked({ ...reversal, whole: true }, { dedupe: 'none', tombstones: false })).toMatchObject({ person: true })
  })
  test('none: a person', () => {
    expect(asked(unknown, { dedupe: 'none', tombstones: false })).toMatchObject({ person: true, nextAttemptAt: undefined })
  })
  test('a bank that cannot be asked: nothing is sent again without an inquiry, whatever its class', () => {
    const passed = (dedupe: BankPolicy['dedupe'], ms: number) =>
      afterInquiry(unknown, { kind: 'undelivered', fault: 'no-inquiry' }, { ...policy, dedupe, inquiry: false }, at(ms), 0.5)
    expect(passed('by-key', 60_000)).toMatchObject({ state: 'unknown', person: true })
    expect(passed('tombstone', 60_000)).toMatchObject({ effect: 'tombstone' })
    expect(passed('none', 60_000)).toMatchObject({ person: true })
    for (const dedupe of ['by-key', 'tombstone', 'none'] as const)
      expect(passed(dedupe, 59_999)).toMatchObject({ person: false, state: 'unknown' })
  })
})

test('«not found» is dated by when it was asked: what was asked inside the window proves nothing, however late it is answered', () => {
  const asked = (askedMs: number) => afterInquiry(unknown, answered('94054', 0), policy, at(60_001), 0.5, at(askedMs))
  expect(asked(59_999)).toMatchObject({ event: 'doubt', state: 'unknown', person: false, nextAttemptAt: at(60_000) })
  expect(asked(60_000)).toMatchObject({ event: 'absent' })
})

describe('what may have been sent is not sent again as if it were new', () => {
  // Claimed a little before the bank's day-end, left by its time-out after it.
  const lastSentAt = new Date('2026-11-10T09:29:50Z')
  const leftBy = new Date('2026-11-10T09:30:10Z')
  const asked = (change: Partial<Standing>, when: string) =>
    afterInquiry(
      { ...unknown, whole: true, lastSentAt, leftBy, ...change },
      answered('94054', 0),
      { ...policy, quiescenceMs: 5_000 },
      new Date(when),
      0.5,
    )
  test.each([true, false])('a reversal, once the bank’s day has ended, is a person’s (art. 35(1)); for a tombstone: %s', inDoubt => {
    const early = { lastSentAt: new Date('2026-11-10T09:00:00Z'), leftBy: new Date('2026-11-10T09:00:20Z'), inDoubt }
    expect(asked({ verb: 'reversal', ...early }, '2026-11-10T09:29:59Z')).toMatchObject({ event: 'absent' })
    expect(asked({ verb: 'reversal', ...early }, '2026-11-10T09:30:00Z')).toMatchObject({ person: true, nextAttemptAt: undefined })
    expect(asked({ verb: 'reversal', inDoubt }, '2026-11-10T09:31:00Z')).toMatchObject({ person: true, nextAttemptAt: undefined })
  })
  test('a tombstone is dated by when the debit may first have been booked', () => {
    const class_ = { ...policy, quiescenceMs: 5_000, dedupe: 'tombstone' } as const
    const decision = afterInquiry({ ...unknown, lastSentAt, leftBy }, answered('94054', 0), class_, new Date('2026-11-10T09:31:00Z'), 0.5)
    expect(decision).toMatchObject({ person: true })
    expect(decision.effect).toBeUndefined()
  })
  test.each(['debit', 'supplementaryDebit'] as const)('a %s at a bank that lost its agency (art. 31)', verb => {
    expect(asked({ verb }, '2026-11-11T02:00:00Z')).toMatchObject({ event: 'absent' })
    expect(asked({ verb, isBarred: true }, '2026-11-11T02:00:00Z')).toMatchObject({ person: true, nextAttemptAt: undefined })
  })
  test('the window runs from when it may have left', () => {
    expect(asked({}, '2026-11-10T09:30:14.999Z')).toMatchObject({ event: 'doubt' })
    expect(asked({}, '2026-11-10T09:30:15Z')).toMatchObject({ event: 'absent' })
  })
})

describe('a late answer against a settled record', () => {
  const recorded = (state: 'succeeded' | 'refused', booked = 0, back = 0, verb: InstructionVerb = 'debit') => ({
    verb,
    state,
    booked,
    back,
  })
  const says = (state: 'succeeded' | 'refused', amount = 0, code = state === 'succeeded' ? '90000' : '24003') => ({ state, amount, code })
  test.each([
    [recorded('refused'), says('succeeded', 100), 'bank-only'],
    [recorded('succeeded', 100), says('refused'), 'bank-missing'],
    [recorded('succeeded', 100), says('succeeded', 70), 'under-debited'],
    [recorded('succeeded', 100), says('succeeded', 130), 'over-debited'],
    [recorded('succeeded', 100), says('succeeded', 100), undefined],
    [recorded('refused'), says('refused'), undefined],
    // Given back on our own order, the bank calls it reversed; and «booked» was said before we gave it back.
    [recorded('succeeded', 100, 100), says('refused', 0, '24020'), undefined],
    [recorded('succeeded', 100, 40), says('refused', 0, '24020'), 'bank-missing'],
    [recorded('refused', 0, 100), says('succeeded', 100), undefined],
    [recorded('succeeded', 0, 100), says('succeeded', 100), undefined],
    // Two persons had found that the bank has it not, or less; «I have it after all» is news.
    [recorded('succeeded', 0), says('succeeded', 100), 'bank-only'],
    [recorded('succeeded', 70), says('succeeded', 100), 'over-debited'],
    [recorded('succeeded', 0), says('refused'), undefined],
    // What was not given back, the bank has too much of.
    [recorded('succeeded', 100, 0, 'reversal'), says('refused'), 'over-debited'],
    [recorded('refused', 0, 0, 'reversal'), says('succeeded', 100), 'under-debited'],
  ] as const)('%j, and the bank says %j: %s', (record, said, kind) => {
    expect(contradiction(record, said)?.kind).toBe(kind)
  })
  test('what two persons or the bank’s file established is what is known, also when it was remedied; a late word is not', () => {
    const own: Movement = {
      id: 1,
      verb: 'debit',
      state: 'succeeded',
      amount: 100,
      booked: 100,
      originalId: undefined,
      reason: undefined,
      inquiries: 0,
      acceptedAt: now,
      lastSentAt: now,
      accountingDate: undefined,
    }
    const missing: Break = { instructionId: 1, kind: 'bank-missing', source: 'resolution', taxAmount: 100, bankAmount: 0, isOpen: true }
    const surfaced: Break = { ...missing, kind: 'bank-only', taxAmount: 0, bankAmount: 100 }
    const head = { bankDay: undefined, amount: 100, isVoid: false, ticketNo: 'x', taxSystem: 'x', bankCode: 'x' }
    const known = (...breaks: Break[]) => {
      const back: Movement = { ...own, id: 2, verb: 'reversal', originalId: 1, booked: 30 }
      return recordedOf({ movements: [own, back], breaks, ...head }, own)
    }
    expect(known()).toEqual({ verb: 'debit', state: 'succeeded', booked: 100, back: 30 })
    for (const isOpen of [true, false])
      for (const source of ['resolution', 'file'] as const) expect(known({ ...missing, isOpen, source }).booked).toBe(0)
    for (const source of ['late-answer', 'inquiry'] as const) expect(known({ ...missing, source }).booked).toBe(100)
    expect(known(missing, surfaced).booked).toBe(100)
    expect(known({ ...missing, instructionId: 9 }).booked).toBe(100)
    // What a notice asks for of a reversal is what that did not give back.
    const askedBack = [1, 2, 9].map(instructionId => ({ instructionId, amount: 20 }))
    const [debit, reversal] = [own, { ...own, id: 2, verb: 'reversal', originalId: 1 } as const].map(movement =>
      recordedOf({ movements: [own], breaks: [], askedBack, ...head }, movement),
    )
    expect([debit?.back, reversal?.back]).toEqual([20, 0])
  })
  test('an open record is contradicted by nothing', () => {
    for (const state of ['accepted', 'sent', 'unknown'] as const)
      expect(contradiction({ verb: 'debit', state, booked: 0, back: 0 }, says('succeeded', 100))).toBeUndefined()
  })
  test('only what is certain was said', () => {
    expect(saidBy('debit', answered('90000'), true)).toEqual({ state: 'succeeded', code: '90000', amount: 100 })
    expect(saidBy('debit', answered('24003', 0), true)).toMatchObject({ state: 'refused' })
    for (const code of ['24015', '28003', '94054', '31004'] as const) expect(saidBy('debit', answered(code, 0), true)).toBeUndefined()
    // «Already reversed» without its amount names no sum that could be held against one.
    expect(saidBy('reversal', answered('94032', 0), true)).toBeUndefined()
    expect(saidBy('reversal', answered('94032', 100), true)).toEqual({ state: 'succeeded', code: '94032', amount: 100 })
    expect(saidBy('debit', { kind: 'undelivered', fault: 'x' }, true)).toBeUndefined()
  })
})

describe('the bank’s day', () => {
  test.each([
    ['2026-11-10T09:29:59.999Z', '17:30', '2026-11-10'],
    ['2026-11-10T09:30:00.000Z', '17:30', '2026-11-11'],
    ['2026-11-10T15:59:59.999Z', '24:00', '2026-11-10'],
    ['2026-11-10T16:00:00.000Z', '24:00', '2026-11-11'],
    ['2026-12-31T09:30:00.000Z', '17:30', '2027-01-01'],
    ['2026-11-10T02:00:00.000Z', '00:00', '2026-11-11'],
  ])('%s, ending at %s, is %s', (instant, dayEnd, day) => {
    expect(accountingDay(new Date(instant), dayEnd)).toBe(day)
    // What is booked on a day is booked before its end.
    expect(dayHasEnded(day, dayEnd, undefined, new Date(instant))).toBe(false)
  })
  test('a day that cannot be is not believed', () => {
    expect([isNearDay('2026-11-20', now), isNearDay('2026-11-21', now), isNearDay('2020-01-01', now)]).toEqual([true, false, true])
  })
})
