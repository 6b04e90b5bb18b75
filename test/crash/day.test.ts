import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { forget, type Report, reportText, runSeed } from './run.ts'
import { type CrashServers, openServers } from './servers.ts'

// The filing day under kill -9: real processes, real servers of this file's own, accidents drawn from a seed. CRASH_SEED=n plays one day again;
// `node test/crash/campaign.ts --seeds 100` plays many.

const one = process.env.CRASH_SEED
const seeds: readonly number[] = one
  ? [Number(one)]
  : (JSON.parse(readFileSync(join(import.meta.dirname, 'seeds.json'), 'utf8')) as number[])
const reports: Report[] = []
let servers: CrashServers

beforeAll(async () => {
  servers = await openServers()
})
afterAll(async () => {
  await servers.close(reports.some(report => report.faults.length > 0))
})

test.each(seeds)(
  'seed %i: no debit is lost, none is made twice',
  async seed => {
    const report = await runSeed(servers, seed)
    reports.push(report)
    console.log(reportText(report))
    forget(servers, report)
    expect(report.faults, reportText(report)).toEqual([])
    // A day on which nothing happened proves nothing.
    expect(report.accidents.length).toBeGreaterThanOrEqual(6)
    expect(report.tickets).toBe(200)
    expect(report.succeeded).toBeGreaterThan(120)
    expect(report.inquiries).toBeGreaterThan(10)
  },
  150_000,
)
