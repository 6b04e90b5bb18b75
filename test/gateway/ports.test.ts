import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { expect, test } from 'vitest'
import { freePort } from '../../gateway/ports.ts'

test('a port is given once, and none that an outgoing connection may take', async () => {
  const ports = await Promise.all(Array.from({ length: 200 }, () => freePort()))
  expect(new Set(ports).size).toBe(200)
  const lowest =
    process.platform === 'linux' ? Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t')[0]) : 49_152
  expect(Math.max(...ports)).toBeLessThan(lowest)
})

test('the wished port where it is free, else another', async () => {
  const wished = await freePort()
  const holder = createServer().listen(wished, '127.0.0.1')
  await once(holder, 'listening')
  expect(await freePort(wished)).not.toBe(wished)
  holder.close()
  await once(holder, 'close')
  const other = await freePort()
  expect(await freePort(other)).not.toBe(other)
})
