import { afterAll, beforeAll, expect, test } from 'vitest'
import { matrix } from './cases.ts'
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
  const few = ['commit.accept.sent', 'commit.settle.before', 'bank.debit.received', 'bank.inquiry.sent', 'queue.tell.after']
  const cases = few.flatMap(label => matrix({ label })).filter((_, i) => i % 2 === 0 || i % 3 === 0)
  const report = await runCases(servers, 'points', cases, 1)
  kept(report)
  expect(report.happened.length).toBe(cases.length)
}, 420_000)

test('random accidents of processes, servers and lines, healed again and again', async () => {
  const reports = await runSchedules(servers, 1, 2, () => {})
  for (const report of reports) kept(report)
  expect(reports).toHaveLength(2)
  expect(reports.at(-1)?.givenBack).toBeGreaterThan(0)
}, 420_000)
