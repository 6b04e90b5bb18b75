import { expect, test } from 'vitest'
import { machineOf, openAllowance } from '../../../gateway/http/allowance.ts'

test('so many in a window of time, each for themselves; what is given back is not counted', () => {
  const allowance = openAllowance(2, 100, 60_000)
  expect([allowance.take('a', 0), allowance.take('a', 1_000), allowance.take('b', 1_000)]).toEqual([0, 0, 0])
  expect(allowance.take('a', 2_000)).toBe(58_000)
  // What was refused was not taken.
  allowance.giveBack('a')
  expect([allowance.take('a', 3_000), allowance.take('a', 3_000)]).toEqual([0, 57_000])
  expect(allowance.take('a', 60_000)).toBe(0)
  for (let i = 0; i < 5; i++) allowance.giveBack('a')
  expect([allowance.take('a', 60_000), allowance.take('a', 60_000), allowance.take('a', 60_000)]).toEqual([0, 0, 60_000])
})

test('all together have their limit as well, which nothing is given back to', () => {
  const allowance = openAllowance(2, 3, 60_000)
  expect(['a', 'b', 'c', 'd'].map(who => allowance.take(who, 0))).toEqual([0, 0, 0, 60_000])
  allowance.giveBack('a')
  expect(allowance.take('a', 0)).toBe(60_000)
})

test.each([
  ['10.1.2.3', '10.1.2.3'],
  ['::ffff:10.1.2.3', '10.1.2.3'],
  ['2001:db8:0:1:aaaa:bbbb:cccc:dddd', '2001:db8:0:1'],
  ['2001:0db8:0000:0001::7', '2001:db8:0:1'],
  ['2001:db8::1', '2001:db8:0:0'],
  ['fe80::1:2:3:4%eth0', 'fe80:0:0:0'],
  ['::1', '0:0:0:0'],
])('%s is of the machine %s', (address, machine) => {
  expect(machineOf(address)).toBe(machine)
})
