import { expect, test } from 'vitest'
import { excessOf, isWithin, type Standing, unaccounted } from '../../../gateway/domain/break-whole.ts'

// What the bank will have too much of a ticket when all is done that was begun; every remedy is weighed against it.

const even: Standing = { bank: 10_000, due: 10_000, since: 0, asked: 0, isStill: true }

test.each<[string, Partial<Standing>, number]>([
  ['nothing', {}, 0],
  ['what the sessions show', { bank: 13_000 }, 3_000],
  ['what they show to be missing', { bank: 0 }, -10_000],
  ['less what was given back since', { bank: 13_000, since: -1_000 }, 2_000],
  ['less what a notice asks for that no session has shown yet', { bank: 13_000, asked: 1_000 }, 2_000],
  ['nothing, where a notice asks for all of it', { bank: 13_000, asked: 3_000 }, 0],
  ['too little, where both went back', { bank: 13_000, since: -3_000, asked: 3_000 }, -3_000],
])('too much is %s', (_what, change, excess) => {
  const standing = { ...even, ...change }
  expect(excessOf(standing)).toBe(excess)
  // A remedy goes as far as to what is due, and not a fen beyond it.
  for (const fen of [1, 1_000, 2_000, 2_001, 3_000]) expect([fen, isWithin(standing, fen)]).toEqual([fen, fen <= excess])
  for (const fen of [-1, -3_000, -3_001, -10_000]) expect([fen, isWithin(standing, fen)]).toEqual([fen, fen >= excess])
})

test('while anything of a ticket is under way, nobody says by how much its bank is off', () => {
  expect(unaccounted({ ...even, bank: 13_000 }, [])).toBe(3_000)
  expect(unaccounted({ ...even, bank: 13_000, isStill: false }, [])).toBeUndefined()
  expect(unaccounted(even, [])).toBeUndefined()
})
