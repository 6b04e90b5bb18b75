import { expect, test } from 'vitest'
import { openPrints } from '../../../gateway/domain/match.ts'

// What a sift remembers of the ledger: which fingerprints nobody has taken away, and where their entries are.

test('what was not taken away is found again by its place', () => {
  const prints = openPrints(4)
  for (const [i, place] of [70, 71, 72, 4_294_967_295].entries()) prints.add(i, i, 9, place)
  expect(prints.take(1, 1)).toBe(true)
  expect(prints.take(1, 1)).toBe(false)
  expect(prints.take(9, 9)).toBe(false)
  expect(new Set(prints.left(3).places)).toEqual(new Set([70, 72, 4_294_967_295]))
})

test('a full collection holds as many as it was opened for, all in one corner', () => {
  const prints = openPrints(1_000)
  for (let i = 0; i < 1_000; i++) prints.add(7, i * 128, i % 2, i)
  for (let i = 0; i < 1_000; i += 2) expect(prints.take(7, i * 128)).toBe(true)
  const { leftIn, places } = prints.left(500)
  expect(places).toHaveLength(500)
  expect([leftIn[0], leftIn[1]]).toEqual([0, 500])
})

test('of different entries with one fingerprint all are looked at, as long as one of them is left', () => {
  const prints = openPrints(4)
  for (const place of [1, 2, 3]) prints.add(5, 5, 1, place)
  prints.take(5, 5)
  prints.take(5, 5)
  expect(prints.left(9).places).toEqual([1, 2, 3])
  prints.take(5, 5)
  expect(prints.left(9).places).toEqual([])
})

test('more than there is room for is counted and not named', () => {
  const prints = openPrints(4)
  for (let i = 0; i < 4; i++) prints.add(i, 0, 7, i)
  const { leftIn, places } = prints.left(3)
  expect(places).toBeUndefined()
  expect(leftIn[7]).toBe(4)
})
