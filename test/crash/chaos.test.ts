import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Case } from './cases.ts'
import { type ChaosReport, chaosText, runCases, runSchedules } from './chaos.ts'
import { type CrashServers, openServers } from './servers.ts'

// A small part of the chaos, for every run of the tests; `npm run chaos -- --matrix` and `--seeds 200` are the whole.

let servers: CrashServers
let failed = false
beforeAll(async () => {
  servers = await openServers()
})
afterAll(() => servers.close(failed))
const kept = (report: ChaosReport): void => {
  console.log(chaosText(report))
  failed ||= report.faults.length > 0
  expect(report.faults, chaosText(report)).toEqual([])
}

test('killed and stopped at labelled points: nothing is lost, nothing is made twice', async () => {
  // One or two for each process, so that a day is over when each had its own.
  const cases: readonly Case[] = [
    { label: 'commit.accept.sent', role: 'gateway', action: 'kill' },
    { label: 'commit.settle.before', role: 'gateway', action: 'stop' },
    { label: 'commit.settle.before', role: 'worker', action: 'kill' },
    { label: 'bank.debit.received', role: 'worker', action: 'stop' },
    { label: 'bank.inquiry.sent', role: 'worker', action: 'kill' },
    { label: 'commit.book.sent', role: 'worker', action: 'kill' },
    { label: 'queue.tell.after', role: 'worker', action: 'kill' },
  ]
  const report = await runCases(servers, 'points', cases, 1)
  kept(report)
  expect(report.happened.length).toBe(cases.length)
}, 420_000)

test('random accidents of processes, servers and lines, and all is healed again', async () => {
  const reports = await runSchedules(servers, 1, 1, () => {})
  for (const report of reports) kept(report)
  expect(reports).toHaveLength(1)
  expect(reports.at(-1)?.givenBack).toBeGreaterThan(0)
}, 420_000)
