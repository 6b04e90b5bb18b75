import { isUnifiedCode, outcomes } from '@taxlink/bank-sdk'
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Note } from './flows/flow.ts'
import type { Health } from './flows/guard.ts'
import type { Slots } from './flows/slots.ts'
import type { Backlog } from './store/backlog.ts'
import type { OpenBreaks } from './store/breaks.ts'

export type MetricsOptions = {
  readonly slots?: Slots
  /** What is known of the banks' health. */
  readonly health?: () => readonly Health[]
  /** Requests that wait for an outcome. */
  readonly waiting?: () => number
  /** Read at each scrape; where the record is away there are none, or NaN. */
  readonly backlog?: () => Promise<Backlog>
  /** The banks that this process knows to be halted. */
  readonly halted?: () => readonly string[]
  /** How many sessions of the last week stand in each state. */
  readonly sessions?: () => Promise<{ readonly [state: string]: number }>
  /** Bank days whose reconciliation file should be there by now; read at each scrape. */
  readonly missingFiles?: () => Promise<readonly { readonly bankCode: string }[]>
  /** Breaks that are not over, and those of them beyond their deadline, by bank; read at each scrape. */
  readonly breaks?: () => Promise<readonly OpenBreaks[]>
  /** How far the clock of this process is ahead of the record's, ms; read at each scrape. */
  readonly clockAhead?: () => Promise<number>
  /** In how many cities each bank gets debits, as this process knows it. */
  readonly openCities?: () => readonly { readonly bankCode: string; readonly count: number }[]
  /** For how many days the filing calendar still has data. */
  readonly calendarDays?: () => number
  /** How many days the certificate of each bank is still good. */
  readonly certificateDays?: () => readonly { readonly bankCode: string; readonly days: number }[]
  /** Banks with a name of their own in the figures; all others are `other`. */
  readonly isBank?: (code: string) => boolean
  /** Figures of the process itself; only once in a process. */
  readonly process?: boolean
}

/** The figures of one process, for Prometheus. */
export type Metrics = {
  readonly contentType: string
  /** Counts what the flows note. */
  readonly observe: (note: Note) => void
  /** Counts an answered request of the public interface. */
  readonly served: (request: { readonly method: string; readonly route: string; readonly status: number; readonly seconds: number }) => void
  text(): Promise<string>
}

// From a bank next door to one that is at its limit.
const callSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 20, 60]
const requestSeconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 15, 60]

/** Opens the figures of this process. */
export const openMetrics = (options: MetricsOptions = {}): Metrics => {
  const registry = new Registry()
  const bank = (code: string | undefined): string => (code !== undefined && (options.isBank?.(code) ?? true) ? code : 'other')
  const counter = (name: string, help: string, labelNames: string[] = []) =>
    new Counter({ name: `taxlink_${name}`, help, labelNames, registers: [registry] })
  const seconds = (name: string, help: string, labelNames: string[], buckets: number[]) =>
    new Histogram({ name: `taxlink_${name}`, help, labelNames, buckets, registers: [registry] })

  const accepted = counter('debits_accepted_total', '受理的扣款 / debits accepted', ['bank'])
  const repeated = counter('debits_repeated_total', '重复的委托 / orders whose ticket number was there before', ['bank'])
  const calls = counter('bank_calls_total', '银行调用,按结果类别 / calls to banks by what came of them', ['bank', 'verb', 'class'])
  const faults = counter('bank_faults_total', '银行调用的线路与报文故障 / faults of lines and messages', ['bank', 'fault'])
  const events = counter('events_total', '其他事件 / other events', ['event'])
  const requests = counter('http_requests_total', 'HTTP 请求 / requests', ['method', 'route', 'status'])
  const callTime = seconds('bank_call_seconds', '银行应答耗时 / how long banks take', ['bank', 'verb'], callSeconds)
  const requestTime = seconds('http_request_seconds', 'HTTP 请求耗时 / how long requests take', ['method', 'route'], requestSeconds)
  addGauges(registry, options)
  if (options.process) collectDefaultMetrics({ register: registry })

  const answered = (note: Note): void => {
    const labels = { bank: bank(note.bankCode), verb: note.verb ?? 'none' }
    calls.inc({ ...labels, class: classOf(note) })
    if (note.fault !== undefined) faults.inc({ bank: labels.bank, fault: note.fault })
    if (note.ms !== undefined) callTime.observe(labels, note.ms / 1000)
  }
  return {
    contentType: registry.contentType,
    observe: note => {
      if (note.event === 'accepted') accepted.inc({ bank: bank(note.bankCode) })
      else if (note.event === 'repeated') repeated.inc({ bank: bank(note.bankCode) })
      else if (note.event === 'answered') answered(note)
      else events.inc({ event: note.event }, note.count ?? 1)
    },
    served: ({ method, route, status, seconds: took }) => {
      requests.inc({ method, route, status })
      requestTime.observe({ method, route }, took)
    },
    text: () => registry.metrics(),
  }
}

/** What is certain after a call: the class of its unified code, or that nothing was delivered. */
const classOf = ({ code, state }: Note): string => {
  if (code !== undefined && isUnifiedCode(code)) return outcomes[code].class
  return state === 'accepted' ? 'undelivered' : 'unknown'
}

type Fill = (gauge: Gauge) => void | Promise<void>

/** Figures that are read when somebody asks. */
const addGauges = (
  registry: Registry,
  {
    slots,
    health,
    waiting,
    halted,
    openCities,
    calendarDays,
    certificateDays,
    missingFiles,
    sessions,
    breaks,
    clockAhead,
    backlog,
  }: MetricsOptions,
): void => {
  const gauge = (name: string, help: string, labelNames: string[], fill: Fill): void => {
    new Gauge({
      name: `taxlink_${name}`,
      help,
      labelNames,
      registers: [registry],
      collect() {
        this.reset()
        return fill(this)
      },
    })
  }
  if (slots) {
    gauge('bank_in_flight', '银行在途 / instructions under way at a bank', ['bank'], self => {
      for (const { bankCode, taken } of slots.state()) self.set({ bank: bankCode }, taken)
    })
    gauge('bank_waiting', '等待银行空位 / instructions that wait for a place at a bank', ['bank'], self => {
      for (const { bankCode, waiting: line } of slots.state()) self.set({ bank: bankCode }, line)
    })
  }
  if (health)
    gauge('bank_breaker', '银行熔断:0 合,1 半开,2 开 / breaker of a bank: 0 closed, 1 half-open, 2 open', ['bank'], self => {
      for (const { bankCode, breaker } of health()) self.set({ bank: bankCode }, ['closed', 'half-open', 'open'].indexOf(breaker))
    })
  if (waiting) gauge('requests_waiting', '等待结果的请求 / requests that wait for an outcome', [], self => self.set(waiting()))
  if (halted)
    gauge('bank_halted', '停用中的银行 / banks that are halted', ['bank'], self => {
      for (const bankCode of halted()) self.set({ bank: bankCode }, 1)
    })
  if (calendarDays)
    gauge('calendar_days', '办税日历还有数据的天数 / days for which the filing calendar has data', [], self => self.set(calendarDays()))
  if (clockAhead)
    gauge('clock_ahead_seconds', '本机时钟比数据库快多少秒,负数是慢 / how far this clock is ahead of the database’s', [], async self => {
      self.set(
        await clockAhead().then(
          ms => ms / 1000,
          () => Number.NaN,
        ),
      )
    })
  if (openCities)
    gauge('bank_open_cities', '银行可扣款的市州数 / cities in which a bank gets debits', ['bank'], self => {
      for (const { bankCode, count } of openCities()) self.set({ bank: bankCode }, count)
    })
  if (missingFiles)
    gauge('files_missing', '缺对账文件的会计日 / bank days whose reconciliation file is missing', ['bank'], async self => {
      // A record that is away is told by its own check.
      for (const { bankCode } of await missingFiles().catch(() => [])) self.inc({ bank: bankCode })
    })
  if (certificateDays)
    gauge('bank_certificate_days', '技术认证还有几天到期 / days until the certificate of a bank is over', ['bank'], self => {
      for (const { bankCode, days } of certificateDays()) self.set({ bank: bankCode }, days)
    })
  if (sessions)
    gauge('reconciliations', '近一周的对账场次 / sessions of the last week', ['state'], async self => {
      for (const [state, count] of Object.entries(await sessions().catch(() => ({})))) self.set({ state }, count)
    })
  if (breaks) {
    const read = shared(breaks)
    gauge('breaks_open', '未了结的单边账 / breaks that are not over', ['bank'], async self => {
      for (const { bankCode, open } of (await read()) ?? []) self.set({ bank: bankCode }, open)
    })
    gauge('breaks_overdue', '逾期的单边账 / breaks beyond their deadline', ['bank'], async self => {
      for (const { bankCode, overdue } of (await read()) ?? []) self.set({ bank: bankCode }, overdue)
    })
  }
  if (!backlog) return
  const read = shared(backlog)
  gauge('debits_doubtful', '结果不明的扣款 / debits whose outcome is unknown', ['bank'], async self => {
    for (const { bankCode, count } of (await read())?.doubtful ?? []) self.set({ bank: bankCode }, count)
  })
  gauge('debits_for_person', '需人工处理的扣款 / debits a person must decide', ['bank'], async self => {
    for (const { bankCode, forPerson } of (await read())?.doubtful ?? []) self.set({ bank: bankCode }, forPerson)
  })
  gauge('outbox_due', '到期未发的唤醒 / wake-ups that are due', [], async self => {
    self.set((await read())?.outbox.due ?? Number.NaN)
  })
  gauge('outbox_lag_seconds', '最久未发的唤醒 / age of the oldest due wake-up', [], async self => {
    self.set((await read())?.outbox.lagSeconds ?? Number.NaN)
  })
}

/** One read for all figures of a scrape; undefined: what it reads is out of reach. */
const shared = <T>(of: () => Promise<T>): (() => Promise<T | undefined>) => {
  let reading: Promise<T | undefined> | undefined
  return () => {
    reading ??= of()
      .catch(() => undefined)
      .finally(() => {
        reading = undefined
      })
    return reading
  }
}
