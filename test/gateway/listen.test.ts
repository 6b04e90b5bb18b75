import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type FreshDatabase, freshDatabase, freshRedis } from '../database.ts'

const dir = mkdtempSync(join(tmpdir(), 'taxlink-listen-'))
const taken = createServer()
let fresh: FreshDatabase
beforeAll(async () => {
  fresh = await freshDatabase(1)
  taken.listen(0, '127.0.0.1')
  await once(taken, 'listening')
})
afterAll(async () => {
  taken.close()
  await fresh.drop()
  rmSync(dir, { recursive: true, force: true })
})

test.each(['TAXLINK_PORT', 'TAXLINK_INTERNAL_PORT'])('serve, its %s taken by somebody else, says so and ends', async name => {
  const address = taken.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const { PATH, HOME } = process.env
  const env = { PATH, HOME, DATABASE_URL: fresh.url, REDIS_URL: freshRedis().url, TAXLINK_DATA_DIR: dir }
  const child = spawn(process.execPath, ['gateway/main.ts', 'serve'], {
    env: { ...env, TAXLINK_PORT: '0', TAXLINK_INTERNAL_PORT: '0', [name]: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (part: Buffer) => {
    said += part.toString()
  })
  const [code] = (await once(child, 'close')) as [number | null]
  expect(said).toMatch(new RegExp(`T4001 .*cannot listen on 127\\.0\\.0\\.1:${port}: EADDRINUSE`))
  expect(said).not.toMatch(/\n {4}at /)
  expect(code).toBe(78)
})
