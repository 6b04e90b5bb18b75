import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Bucket, fullBucket, takeToken } from '../../../gateway/domain/rate.ts'

const at = (ms: number) => new Date(1_000_000 + ms)
/** Takes tokens at these moments; returns how long each had to wait, undefined where it got none. */
const waits = (perSecond: number, patienceMs: number, moments: readonly number[]): (number | undefined)[] => {
  let bucket: Bucket = fullBucket
  return moments.map(ms => {
    const turn = takeToken(bucket, perSecond, at(ms), patienceMs)
    if (turn) bucket = turn.bucket
    return turn?.waitMs
  })
}

test('a second’s worth goes at once, then one comes free at each turn, and nobody waits beyond his patience', () => {
  expect(waits(2, 1_000, [0, 0, 0, 0, 0])).toEqual([0, 0, 500, 1_000, undefined])
  expect(waits(2, 1_000, [0, 0, 0, 0, 0, 500, 3_000, 3_000, 3_000])).toEqual([0, 0, 500, 1_000, undefined, 1_000, 0, 0, 500])
})

test('a bucket that nobody used for long holds a second’s worth and no more', () => {
  expect(waits(3, 0, [0, 100_000, 100_000, 100_000, 100_000])).toEqual([0, 0, 0, 0, undefined])
})

test('a clock that was set back gives nobody a turn of tomorrow', () => {
  expect(waits(1, 1_000, [86_400_000, 86_400_000, 0, 0, 0])).toEqual([0, 1_000, 1_000, undefined, undefined])
})

test('whatever comes when, in no second more than twice a second’s worth begins, and turns are kept', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 0, max: 2_000 }),
      fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 200 }),
      (perSecond, patienceMs, unsorted) => {
        const moments = unsorted.toSorted((a, b) => a - b)
        const begun = waits(perSecond, patienceMs, moments).flatMap((wait, i) => (wait === undefined ? [] : [moments[i]! + wait]))
        expect(begun).toEqual(begun.toSorted((a, b) => a - b))
        for (const [i, first] of begun.entries())
          expect(begun.slice(i).filter(ms => ms < first + 1_000).length).toBeLessThanOrEqual(2 * perSecond + 1)
      },
    ),
  )
})
