// Chaos with real processes. `npm run chaos -- --list`; `--matrix [--point LABEL] [--action kill|stop] [--role gateway|worker] [--per-day 20]
// [--days 1,2] [--stop-ms 90000]` every labelled point, of all days or of some; `--seeds 200 [--from 1]` random schedules. `--kept FILE` is the book
// of what was kept so far: what is in it is not played again, so parts add up.
import { parseArgs } from 'node:util'
import { type Case, inDays, listed, matrix } from './cases.ts'
import { type ChaosReport, chaosText, runCases, runSchedules, shortStopMs } from './chaos.ts'
import { type Kept, openBook, presentCommit } from './kept.ts'
import { openServers } from './servers.ts'

const { values } = parseArgs({
  options: {
    list: { type: 'boolean', default: false },
    matrix: { type: 'boolean', default: false },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    point: { type: 'string' },
    action: { type: 'string' },
    role: { type: 'string' },
    'per-day': { type: 'string', default: '20' },
    days: { type: 'string' },
    kept: { type: 'string' },
    'stop-ms': { type: 'string', default: String(shortStopMs) },
  },
})

/** So many schedules share a city. */
const inOneCity = 10

const say = (report: ChaosReport): void => void process.stdout.write(`${chaosText(report)}\n`)

const isAction = (word: string | undefined): word is Case['action'] => word === 'kill' || word === 'stop'
const isRole = (word: string | undefined): word is Case['role'] => word === 'gateway' || word === 'worker'

const asked = (): Partial<Case> => ({
  ...(values.point === undefined ? {} : { label: values.point }),
  ...(isAction(values.action) ? { action: values.action } : {}),
  ...(isRole(values.role) ? { role: values.role } : {}),
})

const run = async (): Promise<boolean> => {
  const stopMs = Number(values['stop-ms'])
  const from = Number(values.from)
  const book = openBook(values.kept)
  const commit = presentCommit()
  const wanted = values.matrix || values.point !== undefined ? matrix(asked()) : []
  const days = inDays(book.left(wanted, stopMs), Number(values['per-day']))
  const chosen = new Set(values.days?.split(',').map(Number) ?? days.map((_, day) => day + 1))
  let failed = 0
  for (const [day, own] of days.entries()) {
    if (!chosen.has(day + 1)) continue
    const servers = await openServers()
    const report = await runCases(servers, `points-${day + 1}-of-${days.length}`, own, from + day, stopMs)
    say(report)
    book.add(report.kept.map((one): Kept => ({ commit, stopMs, tickets: report.tickets, case: one, seed: from + day })))
    if (report.faults.length > 0) failed++
    await servers.close(report.faults.length > 0)
  }
  const seeds = Number(values.seeds ?? 0)
  for (let done = 0; done < seeds; done += inOneCity) {
    const count = Math.min(inOneCity, seeds - done)
    if (book.hasSchedules(from + done, count)) continue
    const servers = await openServers()
    const reports = await runSchedules(servers, from + done, count, say)
    const bad = reports.some(report => report.faults.length > 0)
    if (bad) failed++
    book.add(
      reports.flatMap(({ faults, tickets }, i): Kept[] =>
        faults.length > 0 ? [] : [{ commit, stopMs: shortStopMs, tickets, schedule: from + done + i }],
      ),
    )
    await servers.close(bad)
  }
  const left = book.left(wanted, stopMs).length
  const end = failed === 0 ? 'all kept' : `${failed} runs failed`
  process.stdout.write(`${wanted.length - left} of ${wanted.length} cases kept, ${seeds} schedules: ${end}\n`)
  return failed === 0
}

if (values.list) process.stdout.write(`${listed()}\n`)
else process.exitCode = (await run()) ? 0 : 1
