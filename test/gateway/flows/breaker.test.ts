import { describe, expect, test } from 'vitest'
import { type Breaker, type CallKind, openBreaker } from '../../../gateway/flows/breaker.ts'

const longest = 32_000
const at = (ms: number) => new Date(1_000_000 + ms)
/** Calls that begin and end at one moment. */
const calls = (breaker: Breaker, kind: CallKind, healthy: boolean, times: number, ms = 0) => {
  const changes = Array.from({ length: times }, () => breaker.heard(kind, healthy, breaker.begin(at(ms)), at(ms)))
  return changes.filter(change => change !== undefined)
}
const opened = (): Breaker => {
  const breaker = openBreaker(() => longest)
  calls(breaker, 'send', false, 5)
  return breaker
}

describe('it opens', () => {
  test('at the fifth failure in a row, though days lie between them', () => {
    const breaker = openBreaker(() => longest)
    const day = 86_400_000
    expect([0, 1, 2, 3].flatMap(n => calls(breaker, 'send', false, 1, n * day))).toEqual([])
    expect(breaker.stateAt(at(4 * day))).toBe('closed')
    expect(calls(breaker, 'send', false, 1, 4 * day)).toEqual(['opened'])
    expect(breaker.stateAt(at(4 * day))).toBe('open')
  })
  test('not while a success comes in between, unless more than half of many fail', () => {
    const breaker = openBreaker(() => longest)
    for (let i = 0; i < 50; i++) expect([...calls(breaker, 'send', true, 1), ...calls(breaker, 'send', false, 1)]).toEqual([])
    const busy = openBreaker(() => longest)
    const changes = Array.from({ length: 10 }, () => [...calls(busy, 'send', false, 3), ...calls(busy, 'send', true, 1)]).flat()
    expect(changes).toEqual(['opened'])
  })
  test('though every question is answered: a bank that hangs at debits only is sick', () => {
    const breaker = openBreaker(() => longest)
    const changes = Array.from({ length: 5 }, () => [...calls(breaker, 'send', false, 1), ...calls(breaker, 'question', true, 3)]).flat()
    expect(changes).toContain('opened')
  })
  test('by link tests alone, before the first debit of the day', () => {
    expect(
      calls(
        openBreaker(() => longest),
        'question',
        false,
        5,
      ),
    ).toEqual(['opened'])
  })
})

describe('it closes', () => {
  test('only after its rest, and only by the answer to a question', () => {
    const breaker = opened()
    expect(breaker.restsUntil()).toEqual(at(1_000))
    expect(calls(breaker, 'question', true, 1, 999)).toEqual([])
    expect(breaker.stateAt(at(1_000))).toBe('half-open')
    expect(calls(breaker, 'question', true, 1, 1_000)).toEqual(['closed'])
    expect(breaker.stateAt(at(1_000))).toBe('closed')
  })
  test('not by a send that had begun before it opened', () => {
    const breaker = openBreaker(() => longest)
    const begun = breaker.begin(at(0))
    calls(breaker, 'send', false, 5)
    expect(breaker.heard('send', true, begun, at(2_000))).toBeUndefined()
    expect(breaker.stateAt(at(2_000))).toBe('half-open')
  })
  test('and what began before it opened does not open it again', () => {
    const breaker = openBreaker(() => longest)
    const old = breaker.begin(at(0))
    calls(breaker, 'send', false, 5)
    calls(breaker, 'question', true, 1, 1_000)
    expect(breaker.heard('send', false, old, at(1_001))).toBeUndefined()
    expect(breaker.stateAt(at(1_001))).toBe('closed')
  })
})

describe('relapses', () => {
  test('a probe that fails doubles the rest, up to the longest', () => {
    const breaker = opened()
    const rests = Array.from({ length: 7 }, () => {
      const { state, until } = { state: breaker.stateAt(breaker.restsUntil()!), until: breaker.restsUntil()!.getTime() - at(0).getTime() }
      expect(state).toBe('half-open')
      calls(breaker, 'question', false, 1, until)
      return breaker.restsUntil()!.getTime() - at(until).getTime()
    })
    expect(rests).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 32_000, 32_000])
  })
  test('after it closed the first send that fails opens it again, and one that is answered ends the probation', () => {
    const breaker = opened()
    calls(breaker, 'question', true, 1, 1_000)
    expect(calls(breaker, 'send', false, 1, 1_000)).toEqual(['opened'])
    expect(breaker.restsUntil()).toEqual(at(3_000))
    calls(breaker, 'question', true, 1, 3_000)
    calls(breaker, 'send', true, 1, 3_000)
    expect(calls(breaker, 'send', false, 4, 3_000)).toEqual([])
    expect(calls(breaker, 'send', false, 1, 3_000)).toEqual(['opened'])
    expect(breaker.restsUntil()).toEqual(at(4_000))
  })
})

test('a clock that was set back does not let it rest for ever', () => {
  const breaker = opened()
  expect(breaker.stateAt(at(-3_600_000))).toBe('half-open')
  expect(calls(breaker, 'question', true, 1, -3_600_000)).toEqual(['closed'])
})
