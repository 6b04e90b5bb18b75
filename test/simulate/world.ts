import type { Random } from '../crash/random.ts'
import { Heap, type Timed } from './heap.ts'
import { Trace } from './trace.ts'

/** A process that is simulated: it dies, it is held up, and its clock may be wrong. What it was waiting for when it died never comes. */
export class Host {
  readonly name: string
  readonly role: 'serve' | 'work'
  alive = true
  /** Until then it does nothing at all, as a stopped or starved process. */
  heldUntil = 0
  /** How far its clock is ahead. */
  skewMs = 0
  /** The banks that it knows to be halted, each with when it heard of it. */
  readonly halts = new Map<string, number>()

  constructor(name: string, role: 'serve' | 'work') {
    this.name = name
    this.role = role
  }
}

/** Something that is to happen; `cancel` forgets it. */
export type Event = Timed & { host: Host | undefined; run: () => void }
const nothing = (): void => {}
/** What the record, its commits and Redis say when they fail, and what is told of a bank that contradicts itself. */
const isAccident = /the record is away|the outcome of the commit is unknown|Redis is away|contradicts the record/
/** The next round of a loop; `due` says when it will find something, as far as anybody knows now. */
type Poll = {
  at: number
  /** The first round that finds something, as of the last look. */
  first: number
  readonly order: number
  readonly every: number
  readonly host: Host
  readonly run: () => void
  readonly due: () => number
}

/** How often a process meets with an accident at a step of its own, out of 1. */
export type Accidents = { readonly crash: number; readonly hold: number; readonly holdMs: number }

/** A step of a process is over when nothing of it runs on by itself: when the queue of promises is empty, and not before, Node takes the next tick. */
const settled = (): Promise<void> => new Promise(resolve => process.nextTick(resolve))

/** The first round of a loop that is not before `time`. */
const roundAfter = ({ at, every }: Poll, time: number): number => (at < time ? at + Math.ceil((time - at) / every) * every : at)

/** The simulated world: one clock, one source of chance, and everything that is still to happen. Nothing else moves time. */
export class World {
  now: number
  readonly random: Random
  readonly trace: Trace
  accidents: Accidents = { crash: 0, hold: 0, holdMs: 0 }
  /** Told of a process that has just died. */
  onCrash: (host: Host) => void = () => {}
  steps = 0
  /** The first error in a process that no accident explains; whoever met with it may have swallowed it. */
  mistake: string | undefined
  /** What went wrong, by kind: how often. */
  readonly faults = new Map<string, number>()
  readonly #events = new Heap<Event>()
  #polls: Poll[] = []
  #order = 0
  #changes = 0
  /** The loop that comes first, as of `#looked` changes. */
  #soonest: Poll | undefined
  #looked = -1

  constructor(start: number, random: Random, say?: (line: string) => void) {
    this.now = start
    this.random = random
    this.trace = new Trace(say)
  }

  /** Something outside of all processes, `ms` from now. */
  after(ms: number, run: () => void): Event {
    const event: Event = { at: this.now + Math.ceil(ms), order: this.#order++, host: undefined, run }
    this.#events.push(event)
    return event
  }

  /** A step of a process, `ms` from now; it never happens if the process dies before. */
  into(host: Host, ms: number, run: () => void): Event {
    const event: Event = { at: this.now + Math.ceil(ms), order: this.#order++, host, run }
    this.#events.push(event)
    return event
  }

  /** Forgets a step: it will not happen. */
  cancel(event: Event): void {
    event.host = undefined
    event.run = nothing
  }

  /** The next round of a loop, after `every`; while `due` lies ahead its rounds would find nothing, and time passes them by. */
  poll(host: Host, every: number, due: () => number, run: () => void): void {
    const whole = Math.ceil(every)
    this.#polls.push({ at: this.now + whole, first: 0, order: this.#order++, every: whole, host, run, due })
    this.#looked = -1
  }

  /** Counts a fault of one kind. */
  fault(kind: string): void {
    this.faults.set(kind, (this.faults.get(kind) ?? 0) + 1)
  }

  /** Keeps an error that no accident of this world explains. */
  err(what: string): void {
    this.mistake ??= isAccident.test(what) ? undefined : what
  }

  /** Something has changed that a loop may find. */
  touch(): void {
    this.#changes++
  }

  /** Grows with every change. */
  get changes(): number {
    return this.#changes
  }

  /** Kills a process: its steps to come are forgotten. */
  crash(host: Host): void {
    if (!host.alive) return
    host.alive = false
    this.fault('process: killed')
    this.trace.add(this.now, host.name, 'crash')
    this.#forget(poll => poll.host === host)
    this.onCrash(host)
  }

  /** Holds a process up. */
  hold(host: Host, ms: number): void {
    this.trace.add(this.now, host.name, 'hold', ms)
    this.fault('process: held up')
    host.heldUntil = Math.max(host.heldUntil, this.now + ms)
  }

  /** Lets things happen until `done`; `each` is called after each. False: nothing was left, or it took more than `most` steps. */
  async run(done: () => boolean, each: () => void, most = Number.POSITIVE_INFINITY): Promise<boolean> {
    for (const end = this.steps + most; this.steps < end; ) {
      if (done()) return true
      const host = this.#next()
      if (host === null) return done()
      this.steps++
      if (host) await settled()
      each()
    }
    return false
  }

  /** Makes the next thing happen. The process it happened in; undefined: outside of all; null: nothing is left. */
  #next(): Host | undefined | null {
    while (this.#events.first?.run === nothing) this.#events.pop()
    const event = this.#events.first
    const poll = this.#nextPoll(event?.at ?? Number.MAX_SAFE_INTEGER)
    if (poll) {
      this.#forget(other => other === poll)
      this.now = Math.max(this.now, poll.first)
      return this.#step(poll.host, poll.run)
    }
    if (!event) return null
    this.#events.pop()
    this.now = Math.max(this.now, event.at)
    if (event.host) return this.#step(event.host, event.run, event)
    event.run()
    return undefined
  }

  #forget(which: (poll: Poll) => boolean): void {
    this.#polls = this.#polls.filter(poll => !which(poll))
    this.#looked = -1
  }

  /** The loop whose round comes before `before` and finds something: looked for again only after a change. */
  #nextPoll(before: number): Poll | undefined {
    if (this.#looked !== this.#changes) {
      this.#looked = this.#changes
      this.#soonest = this.#look()
    }
    return this.#soonest && this.#soonest.first < before ? this.#soonest : undefined
  }

  #look(): Poll | undefined {
    let next: Poll | undefined
    for (const poll of this.#polls) {
      // Time has passed by the rounds before now.
      poll.at = roundAfter(poll, this.now)
      poll.first = roundAfter(poll, poll.due() - poll.host.skewMs)
      if (!next || poll.first < next.first || (poll.first === next.first && poll.order < next.order)) next = poll
    }
    return next
  }

  #step(host: Host, run: () => void, event?: Event): Host | undefined {
    if (!host.alive) return undefined
    if (host.heldUntil > this.now) return this.#wait(host, run, event)
    const { crash, hold, holdMs } = this.accidents
    if (crash > 0 && this.random.next() < crash) {
      this.crash(host)
      return undefined
    }
    if (hold > 0 && this.random.next() < hold) {
      this.hold(host, 1 + Math.floor(this.random.next() * holdMs))
      return this.#wait(host, run, event)
    }
    run()
    return host
  }

  /** The step comes when its process goes on; it stays the same step, so that it can still be cancelled. */
  #wait(host: Host, run: () => void, event: Event = { at: 0, order: 0, host, run }): undefined {
    event.at = host.heldUntil
    event.order = this.#order++
    this.#events.push(event)
  }
}
