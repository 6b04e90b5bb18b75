import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { openWaiters, preferredWait } from '../../../gateway/http/waiters.ts'

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] }))
afterEach(() => void vi.useRealTimers())

const nothing = async () => []

test('a final state wakes all who wait for the ticket, and only them', async () => {
  const waiters = openWaiters(nothing)
  const [a, b, c] = [waiters.wait('1', 60_000), waiters.wait('1', 1_000), waiters.wait('2', 1_000)]
  waiters.settled('1', 'unknown')
  waiters.settled('1', 'accepted')
  expect(waiters.count).toBe(3)
  waiters.settled('1', 'refused')
  expect(await Promise.all([a, b])).toEqual([true, true])
  expect(waiters.count).toBe(1)
  vi.advanceTimersByTime(1_100)
  expect(await c).toBe(false)
  // Nobody waits: no timer runs.
  expect(vi.getTimerCount()).toBe(0)
})

test('a wait ends when it should, also in a process that was busy', async () => {
  const waiters = openWaiters(nothing)
  let ended = false
  const wait = waiters.wait('1', 1_000).then(settled => {
    ended = true
    return settled
  })
  vi.advanceTimersByTime(990)
  await Promise.resolve()
  expect(ended).toBe(false)
  vi.advanceTimersByTime(70)
  expect(await wait).toBe(false)

  const other = waiters.wait('2', 5_000)
  vi.setSystemTime(Date.now())
  vi.advanceTimersByTime(60_000)
  expect(await other).toBe(false)
})

test('the record is asked twice a second, once for all, also after it was away', async () => {
  const asked: string[][] = []
  let answer: () => Promise<{ key: string; state: 'sent' | 'succeeded' }[]> = async () => [{ key: '1', state: 'sent' }]
  const waiters = openWaiters(keys => {
    asked.push([...keys])
    return answer()
  })
  const [one, two] = [waiters.wait('1', 60_000), waiters.wait('2', 60_000)]
  await vi.advanceTimersByTimeAsync(1_000)
  expect(asked).toEqual([
    ['1', '2'],
    ['1', '2'],
  ])
  answer = () => Promise.reject(new Error('away'))
  await vi.advanceTimersByTimeAsync(500)
  expect(waiters.count).toBe(2)
  answer = async () => [{ key: '1', state: 'succeeded' }]
  await vi.advanceTimersByTimeAsync(500)
  expect(await one).toBe(true)
  await vi.advanceTimersByTimeAsync(500)
  expect(asked.at(-1)).toEqual(['2'])
  waiters.close()
  expect(await two).toBe(false)
})

test('a full or closed room lets everybody go at once', async () => {
  const waiters = openWaiters(nothing, 1)
  const first = waiters.wait('1', 60_000)
  expect(await waiters.wait('2', 60_000)).toBe(false)
  waiters.close()
  expect(await first).toBe(false)
  expect(await waiters.wait('3', 60_000)).toBe(false)
  expect(vi.getTimerCount()).toBe(0)
})

test.each([
  [undefined, undefined],
  ['wait=10', 10],
  ['WAIT = 5', 5],
  ['respond-async, wait=7', 7],
  ['wait="8"; foo=bar', 8],
  ['wait=1, wait=2', 1],
  ['wait=0', 0],
  ['wait=61', 60],
  ['wait=999999999', 60],
  ['wait=1.5', undefined],
  ['await=5', undefined],
  ['', undefined],
])('Prefer: %s', (header, seconds) => {
  expect(preferredWait(header)).toBe(seconds)
})
