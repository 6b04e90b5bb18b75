import { expect, test } from 'vitest'
import { grouped } from '../../../gateway/store/group.ts'

const gate = () => {
  let open = () => {}
  const wait = new Promise<void>(resolve => {
    open = resolve
  })
  return { wait, open }
}

test('what arrives while a commit is in flight forms the next group', async () => {
  const sizes: number[] = []
  const gates = [gate(), gate()]
  const submit = grouped<number, number>(
    async items => {
      await gates[sizes.push(items.length) - 1]?.wait
      return items.map(n => n * 2)
    },
    { most: 10, lanes: 1 },
  )
  const first = submit(1)
  await new Promise(resolve => setImmediate(resolve))
  const rest = [2, 3, 4].map(submit)
  await new Promise(resolve => setImmediate(resolve))
  gates[0]!.open()
  gates[1]!.open()
  expect(await Promise.all([first, ...rest])).toEqual([2, 4, 6, 8])
  expect(sizes).toEqual([1, 3])
})

test('no group is larger than `most`, no more are in flight than lanes', async () => {
  let inFlight = 0
  let widest = 0
  const sizes: number[] = []
  const submit = grouped<number, number>(
    async items => {
      sizes.push(items.length)
      widest = Math.max(widest, ++inFlight)
      await new Promise(resolve => setTimeout(resolve, 1))
      inFlight--
      return items
    },
    { most: 7, lanes: 2 },
  )
  const all = Array.from({ length: 100 }, (_, i) => i)
  expect(await Promise.all(all.map(submit))).toEqual(all)
  expect(Math.max(...sizes)).toBe(7)
  expect(widest).toBe(2)
})

test('a second commit begins beside the first only for a full group, or where the first is held up', async () => {
  const held = gate()
  const sizes: number[] = []
  const submit = grouped<number, number>(
    async items => {
      if (sizes.push(items.length) === 1) await held.wait
      return items
    },
    { most: 4, lanes: 2 },
  )
  const turn = () => new Promise(resolve => setImmediate(resolve))
  const first = submit(1)
  await turn()
  const full = [2, 3, 4, 5, 6].map(submit)
  await Promise.all(full.slice(0, 4))
  expect(sizes).toEqual([1, 4])
  // The fifth has nobody to share with, and the first commit does not end.
  await full[4]
  expect(sizes).toEqual([1, 4, 1])
  held.open()
  await first
})

test('a large group is whole sixteens; the rest comes first in the next', async () => {
  const groups: (readonly number[])[] = []
  const submit = grouped<number, number>(
    async items => {
      groups.push(items)
      return items
    },
    { most: 64, lanes: 1 },
  )
  await Promise.all(Array.from({ length: 100 }, (_, i) => submit(i)))
  expect(groups.map(g => [g[0], g.length])).toEqual([
    [0, 64],
    [64, 32],
    [96, 4],
  ])
})

test('one bad item never fails its neighbours', async () => {
  const submit = grouped<number, number>(
    async items => {
      if (items.includes(3)) throw new Error('three')
      return items
    },
    { most: 64, lanes: 1 },
  )
  const results = await Promise.allSettled([1, 2, 3, 4].map(submit))
  expect(results.map(r => (r.status === 'fulfilled' ? r.value : String(r.reason)))).toEqual([1, 2, 'Error: three', 4])
})

test('a record out of reach fails a group whole, after one more try: nobody waits for as many time-outs as there are neighbours', async () => {
  const gone = () => Object.assign(new Error('connect ETIMEDOUT'), { code: 'ETIMEDOUT', errno: -110, fatal: true })
  for (const [failures, expected] of [
    [1, 'fulfilled'],
    [99, 'rejected'],
  ] as const) {
    let runs = 0
    const submit = grouped<number, number>(
      async items => {
        if (++runs <= failures) throw gone()
        return items
      },
      { most: 64, lanes: 1 },
    )
    const results = await Promise.allSettled(Array.from({ length: 64 }, (_, i) => submit(i)))
    expect(new Set(results.map(r => r.status))).toEqual(new Set([expected]))
    expect(runs).toBe(2)
  }
})
