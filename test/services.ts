import { rmSync } from 'node:fs'
import type { TestProject } from 'vitest/node'
import { services } from '../gateway/local.ts'
import { scratch } from './scratch.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** A MariaDB and a Redis of this run's own; suites take a schema by `freshDatabase()` and a number by `freshRedis()`. */
    databaseUrl: string
    redisUrl: string
  }
}

/** Brings up one private MariaDB and Redis for the run, in a directory that goes with it. */
export default async (project: TestProject): Promise<() => Promise<void>> => {
  const dir = scratch('taxlink-test-')
  // Nothing here is worth keeping, so nothing waits for the disk.
  const running = await services({ dir, production: false, durable: false, say: line => console.log(line) })
  project.provide('databaseUrl', running.databaseUrl)
  project.provide('redisUrl', running.redisUrl)
  return async () => {
    await running.stop()
    rmSync(dir, { recursive: true, force: true })
  }
}
