import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openLook } from '../../../gateway/flows/look.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

test('what looks every second never looks twice at once: an older answer cannot take the place of a newer one', async () => {
  const answers: (() => void)[] = []
  const look = openLook(
    1_000,
    () => new Promise(resolve => answers.push(resolve)),
    () => {},
  )
  await vi.advanceTimersByTimeAsync(5_000)
  expect(answers).toHaveLength(1)
  answers[0]!()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(answers).toHaveLength(2)
  look.close()
  answers[1]!()
  await vi.advanceTimersByTimeAsync(5_000)
  expect(answers).toHaveLength(2)
})

test('after trouble it looks again', async () => {
  const trouble = vi.fn()
  let looks = 0
  const look = openLook(1_000, () => Promise.reject(new Error(`no ${++looks}`)), trouble)
  await vi.advanceTimersByTimeAsync(2_000)
  look.close()
  expect(trouble.mock.calls.map(([error]) => (error as Error).message)).toEqual(['no 1', 'no 2'])
})
