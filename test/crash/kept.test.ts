import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Case } from './cases.ts'
import { openBook } from './kept.ts'

const kill: Case = { label: 'commit.settle.sent', role: 'worker', action: 'kill' }
const stop: Case = { ...kill, action: 'stop' }
const of = { commit: 'abc', tickets: 1, seed: 1 }

test('parts add up: what was kept is not left, a short stop is no long one, a schedule is kept only with all its city', () => {
  const dir = mkdtempSync(join(tmpdir(), 'taxlink-kept-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const file = join(dir, 'book')
  const first = openBook(file)
  expect(first.left([kill, stop], 3_700)).toEqual([kill, stop])
  first.add([
    { ...of, stopMs: 3_700, case: kill },
    { ...of, stopMs: 3_700, case: stop },
    { ...of, stopMs: 3_700, schedule: 1 },
  ])
  const second = openBook(file)
  expect(second.left([kill, stop], 3_700)).toEqual([])
  expect(second.left([kill, stop], 90_000)).toEqual([stop])
  expect([second.hasSchedules(1, 1), second.hasSchedules(1, 2)]).toEqual([true, false])
  expect(openBook(undefined).left([kill], 0)).toEqual([kill])
})
