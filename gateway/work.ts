import { noticeMakers } from './flows/adjustments.ts'
import { begin, type InHand } from './flows/advance.ts'
import { alarmOfRefusals, alarmOfUntaken, callWhole, type Refusals } from './flows/bank-calls.ts'
import { book } from './flows/book.ts'
import { advanceBreaks } from './flows/break-remedies.ts'
import { endAgreements, syncMonth, turnCalendar } from './flows/calendar.ts'
import { eachBank } from './flows/each-bank.ts'
import { checkFiles, isWholeFile } from './flows/file-check.ts'
import { tellOfMissing } from './flows/file-due.ts'
import type { Flow } from './flows/flow.ts'
import type { FileBounds } from './flows/intake.ts'
import { notify, type Webhook } from './flows/notify.ts'
import { openSessions, reconcile } from './flows/reconcile.ts'
import { sessionFiles } from './flows/session-files.ts'
import type { Slots } from './flows/slots.ts'
import { tellWhole } from './flows/tell.ts'
import { alarmOfWaiting, closeFees, raiseAlarms, releaseVouchers, voucherMakers } from './flows/vouchers.ts'
import { relay, sweep } from './flows/wake.ts'
import { lookIntoWays, type Sizes, type Way } from './flows/ways.ts'
import { writeOffDue } from './flows/write-off.ts'
import type { WakeQueue } from './queue.ts'
import type { Spool } from './store/spool.ts'

/** Where reconciliation files lie and where they come from, how much may come, and how long one without a marker must have stopped growing. */
export type FileWork = { readonly spool: Spool; readonly ways: readonly Way[]; readonly bounds: FileBounds; readonly settleMs: number }

/** A worker at work: takes wake-ups, carries the outbox to the queue, sweeps the record, delivers results. */
export type Work = { stop(): Promise<void> }

const chunksAtOnce = 20
const calendarMs = 20_000

/**
 * Starts a worker; any number may run. `webhook` is where results are delivered, where there is one; `deliverMs` is how often it looks for some,
 * as often as into the outbox unless told. `books`: it also books what has moved, for the day-end.
 */
export const startWork = (
  flow: Flow,
  slots: Slots,
  queue: WakeQueue,
  options: {
    readonly relayMs: number
    readonly sweepMs: number
    readonly deliverMs?: number
    readonly webhook?: Webhook
    readonly books?: boolean
    readonly writeOffFrom?: string
    readonly files?: FileWork
  },
): Work => {
  const inHand: InHand = new Set()
  queue.work(async ids => void (await begin(flow, slots, inHand, ids)), chunksAtOnce)
  // The queue shares the work among the workers; without it each does what it finds, and the claims see to it that nothing is done twice.
  const tell = async (ids: readonly number[]): Promise<void> => {
    try {
      await queue.tell(ids)
    } catch (error) {
      flow.note({ event: 'trouble', detail: `the queue: ${String(error)}` })
      await begin(flow, slots, inHand, ids)
    }
  }
  const refusals: Refusals = new Map()
  const each = [
    eachBank(flow, (bankCode, going) => tellWhole(flow, bankCode, going)),
    eachBank(flow, (bankCode, going) => callWhole(flow, bankCode, going, { ...voucherMakers, ...noticeMakers }, refusals)),
  ]
  const loops = [
    repeat(flow, options.relayMs, () => relay(flow, tell)),
    // What the sweep found stays due until a worker has done it: told once a round is enough.
    repeat(flow, options.sweepMs, () => sweep(flow, tell).then(() => 0)),
    ...each.map(banks => repeat(flow, options.sweepMs, () => banks.round())),
    repeat(flow, options.sweepMs, async () => {
      alarmOfRefusals(flow, refusals)
      return 0
    }),
    // At start, and then often enough that the first minute of a day is not missed.
    repeat(flow, calendarMs, async () => {
      await turnCalendar(flow)
      await endAgreements(flow)
      await syncMonth(flow)
      return 0
    }),
  ]
  if (options.books) {
    const alarmed = new Set<string>()
    const untaken = new Map<string, number>()
    loops.push(repeat(flow, options.sweepMs, () => book(flow)))
    loops.push(repeat(flow, options.sweepMs, () => advanceBreaks(flow, slots)))
    loops.push(
      // Each of its own: a batch of a million tickets does not keep the alarms of 16:00 waiting.
      repeat(flow, options.sweepMs, () => writeOffDue(flow, options.writeOffFrom)),
      repeat(flow, options.sweepMs, async () => {
        await raiseAlarms(flow)
        await alarmOfWaiting(flow, alarmed)
        await alarmOfUntaken(flow, untaken)
        await closeFees(flow)
        return releaseVouchers(flow)
      }),
    )
  }
  if (options.webhook) {
    const { webhook } = options
    loops.push(repeat(flow, options.deliverMs ?? options.relayMs, () => notify(flow, webhook)))
  }
  if (options.files) loops.push(...fileLoops(flow, options.files, options.sweepMs))
  return {
    stop: async () => {
      await Promise.all([...loops, ...each].map(loop => loop.stop()))
    },
  }
}

const tidyMs = 3_600_000

/** Files are looked for, checked and missed; what lies in the spool without a row is removed. */
const fileLoops = (flow: Flow, { spool, ways, bounds, settleMs }: FileWork, everyMs: number) => {
  const sizes: Sizes = new Map()
  const told = new Map<string, number>()
  const source = sessionFiles(flow, spool)
  return [
    repeat(flow, calendarMs, () => openSessions(flow).then(() => 0)),
    repeat(flow, everyMs, () => reconcile(flow, source)),
    // Each of its own: a bank whose line is slow, or gives nothing, keeps no other's files waiting.
    ...ways.map(way => repeat(flow, everyMs, () => lookIntoWays(flow, spool, [way], sizes, { bounds, settleMs, isWhole: isWholeFile }))),
    repeat(flow, everyMs, () => checkFiles(flow, spool)),
    repeat(flow, calendarMs, () => tellOfMissing(flow, told).then(() => 0)),
    repeat(flow, tidyMs, () => spool.sweep(digests => flow.store.files.spokenOf(digests), tidyMs, flow.clock()).then(() => 0)),
  ]
}

/** Does something again and again: at once while it finds work, after a pause when it does not. Trouble is noted and tried again. */
const repeat = (flow: Flow, everyMs: number, work: () => Promise<number>): { stop(): Promise<void> } => {
  const stopping = new AbortController()
  const run = async () => {
    while (!stopping.signal.aborted) {
      const done = await work().catch(error => {
        flow.note({ event: 'trouble', detail: String(error) })
        return 0
      })
      // Two workers started together do not stay in step.
      if (done < 100) await flow.pause(everyMs * (0.75 + 0.5 * flow.random()), stopping.signal)
    }
  }
  const running = run()
  return {
    stop: async () => {
      stopping.abort()
      await running
    },
  }
}
