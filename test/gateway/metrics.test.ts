import { expect, test } from 'vitest'
import { openSlots } from '../../gateway/flows/slots.ts'
import { openMetrics } from '../../gateway/metrics.ts'

/** The sample lines of one metric, without comments. */
const linesOf = async (metrics: { text(): Promise<string> }, name: string) =>
  (await metrics.text()).split('\n').filter(line => line.startsWith(name) && !line.startsWith('#'))

test('notes are counted by bank, verb and what is certain', async () => {
  const metrics = openMetrics()
  metrics.observe({ event: 'accepted', bankCode: '4301', state: 'sent' })
  metrics.observe({ event: 'accepted', bankCode: '4301', state: 'sent' })
  metrics.observe({ event: 'repeated', bankCode: '4301' })
  metrics.observe({ event: 'answered', bankCode: '4301', verb: 'debit', state: 'succeeded', code: '90000', ms: 40 })
  metrics.observe({ event: 'answered', bankCode: '4301', verb: 'debit', state: 'unknown', code: '28003', fault: 'timeout', ms: 20_000 })
  metrics.observe({ event: 'answered', bankCode: '4301', verb: 'debit', state: 'accepted', fault: 'connect-failed', ms: 1 })
  metrics.observe({ event: 'answered', bankCode: '4301', verb: 'inquiry', state: 'unknown', fault: 'timeout', ms: 1 })
  metrics.observe({ event: 'swept', count: 7 })
  metrics.observe({ event: 'trouble', detail: 'x' })
  expect(await linesOf(metrics, 'taxlink_debits_')).toEqual([
    'taxlink_debits_accepted_total{bank="4301"} 2',
    'taxlink_debits_repeated_total{bank="4301"} 1',
  ])
  expect(await linesOf(metrics, 'taxlink_bank_calls_total')).toEqual([
    'taxlink_bank_calls_total{bank="4301",verb="debit",class="succeeded"} 1',
    'taxlink_bank_calls_total{bank="4301",verb="debit",class="unknown"} 1',
    'taxlink_bank_calls_total{bank="4301",verb="debit",class="undelivered"} 1',
    'taxlink_bank_calls_total{bank="4301",verb="inquiry",class="unknown"} 1',
  ])
  expect(await linesOf(metrics, 'taxlink_bank_faults_total')).toEqual([
    'taxlink_bank_faults_total{bank="4301",fault="timeout"} 2',
    'taxlink_bank_faults_total{bank="4301",fault="connect-failed"} 1',
  ])
  expect(await linesOf(metrics, 'taxlink_bank_call_seconds_sum')).toContain(
    'taxlink_bank_call_seconds_sum{bank="4301",verb="debit"} 20.041',
  )
  expect(await linesOf(metrics, 'taxlink_events_total')).toEqual([
    'taxlink_events_total{event="swept"} 7',
    'taxlink_events_total{event="trouble"} 1',
  ])
})

test('a bank nobody knows has no line of its own', async () => {
  const metrics = openMetrics({ isBank: code => code === '4301' })
  for (let i = 0; i < 100; i++) metrics.observe({ event: 'accepted', bankCode: String(5000 + i), state: 'refused' })
  metrics.observe({ event: 'accepted', bankCode: '4301', state: 'sent' })
  expect(await linesOf(metrics, 'taxlink_debits_accepted_total')).toEqual([
    'taxlink_debits_accepted_total{bank="other"} 100',
    'taxlink_debits_accepted_total{bank="4301"} 1',
  ])
})

test('the breaker of each bank is a figure', async () => {
  const metrics = openMetrics({
    health: () => [
      { bankCode: '4301', breaker: 'closed' },
      { bankCode: '4306', breaker: 'half-open' },
      { bankCode: '4310', breaker: 'open' },
    ],
  })
  expect(await linesOf(metrics, 'taxlink_bank_breaker')).toEqual([
    'taxlink_bank_breaker{bank="4301"} 0',
    'taxlink_bank_breaker{bank="4306"} 1',
    'taxlink_bank_breaker{bank="4310"} 2',
  ])
})

test('what is under way and what waits is read when asked', async () => {
  const slots = openSlots(10)
  let waiting = 3
  const metrics = openMetrics({ slots, waiting: () => waiting })
  slots.tryTake('4301', 1)
  slots.run('4301', 1, async () => {})
  expect(await linesOf(metrics, 'taxlink_bank_in_flight')).toEqual(['taxlink_bank_in_flight{bank="4301"} 1'])
  expect(await linesOf(metrics, 'taxlink_bank_waiting')).toEqual(['taxlink_bank_waiting{bank="4301"} 1'])
  expect(await linesOf(metrics, 'taxlink_requests_waiting')).toEqual(['taxlink_requests_waiting 3'])
  waiting = 0
  slots.release('4301')
  await slots.idle()
  expect(await linesOf(metrics, 'taxlink_bank_in_flight')).toEqual(['taxlink_bank_in_flight{bank="4301"} 0'])
  expect(await linesOf(metrics, 'taxlink_requests_waiting')).toEqual(['taxlink_requests_waiting 0'])
})

test('the backlog is read once a scrape, and its absence spoils nothing', async () => {
  let reads = 0
  let doubtful = [{ bankCode: '4301', count: 2, forPerson: 1 }]
  let away = false
  const metrics = openMetrics({
    backlog: async () => {
      reads++
      if (away) throw new Error('away')
      return { doubtful, outbox: { due: 5, lagSeconds: 1.5 } }
    },
  })
  const text = await metrics.text()
  expect(reads).toBe(1)
  for (const line of [
    'taxlink_debits_doubtful{bank="4301"} 2',
    'taxlink_debits_for_person{bank="4301"} 1',
    'taxlink_outbox_due 5',
    'taxlink_outbox_lag_seconds 1.5',
  ])
    expect(text.split('\n')).toContain(line)
  doubtful = []
  expect(await linesOf(metrics, 'taxlink_debits_doubtful')).toEqual([])
  away = true
  expect(await linesOf(metrics, 'taxlink_outbox')).toEqual(['taxlink_outbox_due Nan', 'taxlink_outbox_lag_seconds Nan'])
})

test('requests by route and status; figures of the process where wished', async () => {
  const metrics = openMetrics({ process: true })
  metrics.served({ method: 'POST', route: '/v1/debits', status: 202, seconds: 0.004 })
  expect(await linesOf(metrics, 'taxlink_http_requests_total')).toEqual([
    'taxlink_http_requests_total{method="POST",route="/v1/debits",status="202"} 1',
  ])
  expect((await linesOf(metrics, 'process_resident_memory_bytes')).length).toBe(1)
  expect(metrics.contentType).toMatch(/^text\/plain/)
})

test('open and overdue breaks are figures of each bank; of a record that is out of reach there are none', async () => {
  const metrics = openMetrics({ breaks: () => Promise.resolve([{ bankCode: '4301', open: 3, overdue: 1 }]) })
  expect(await linesOf(metrics, 'taxlink_breaks_')).toEqual(['taxlink_breaks_open{bank="4301"} 3', 'taxlink_breaks_overdue{bank="4301"} 1'])
  const away = openMetrics({ breaks: () => Promise.reject(new Error('away')) })
  expect(await linesOf(away, 'taxlink_breaks_')).toEqual([])
})

test('how far the clock is ahead of the record’s; of a record that is out of reach nothing is known', async () => {
  expect(await linesOf(openMetrics({ clockAhead: () => Promise.resolve(-2_500) }), 'taxlink_clock_')).toEqual([
    'taxlink_clock_ahead_seconds -2.5',
  ])
  const away = openMetrics({ clockAhead: () => Promise.reject(new Error('away')) })
  expect(await linesOf(away, 'taxlink_clock_')).toEqual(['taxlink_clock_ahead_seconds Nan'])
})
