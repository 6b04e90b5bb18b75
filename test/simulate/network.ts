import { type dial, Fault, type Peer, type Request, type Stray, type UnifiedCode } from '@taxlink/bank-sdk'
import type { Asked, SimulatedBank } from './bank.ts'
import type { Event, Host, World } from './world.ts'

/** What goes wrong between a process and a bank, each so often out of 1; times in ms. */
export type NetworkFaults = {
  refused: number
  lost: number
  duplicated: number
  /** The connection breaks after the request has left. */
  cut: number
  fastMs: number
  slow: number
  slowMs: number
  /** As rarely as bytes lie about for hours in somebody's queue. */
  stuck: number
  stuckMs: number
  /** Until then something that was slow or stuck may still arrive; moved on as it is sent. */
  underWayUntil: number
}

/** What the wire shows to whoever watches it. */
export type Tap = {
  /** The first byte of a request leaves a process. */
  sent(host: Host, bank: SimulatedBank, asked: Asked): void
  /** So many requests of a process are under way at a bank. */
  underWay(host: Host, bank: SimulatedBank, inFlight: number): void
  /** An answer reaches a process: what it says, where the bank said anything; `waited`: whether anybody still waited for it. */
  answered(host: Host, bank: SimulatedBank, asked: Asked, code: UnifiedCode | undefined, waited: boolean): void
}

/** How one process reaches the banks: in the place of `dial`. */
export const dialler =
  (world: World, host: Host, banks: ReadonlyMap<string, SimulatedBank>, faults: NetworkFaults, tap: Tap): typeof dial =>
  (_line, url, _options, read, stray) =>
    new Connection(world, host, banks.get(url)!, faults, tap, read, stray ?? (() => undefined))

type Waiting<T> = {
  readonly request: Request
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
  sent: boolean
  /** A link test takes no place. */
  takesPlace: boolean
  timer: Event | undefined
}

class Connection<T> implements Peer<T> {
  readonly #world: World
  readonly #host: Host
  readonly #bank: SimulatedBank
  readonly #faults: NetworkFaults
  readonly #tap: Tap
  readonly #read: (bytes: Uint8Array) => { readonly key: string; readonly value: T }
  readonly #stray: (answer: Stray<T>) => void
  readonly #underWay = new Map<string, Waiting<T>>()

  constructor(
    world: World,
    host: Host,
    bank: SimulatedBank,
    faults: NetworkFaults,
    tap: Tap,
    read: (bytes: Uint8Array) => { readonly key: string; readonly value: T },
    stray: (answer: Stray<T>) => void,
  ) {
    this.#world = world
    this.#host = host
    this.#bank = bank
    this.#faults = faults
    this.#tap = tap
    this.#read = read
    this.#stray = stray
  }

  ask(request: Request): Promise<T> {
    if (this.#underWay.has(request.key)) return Promise.reject(new Fault('line-busy', 'a request with the same key is under way', {}, 'no'))
    return new Promise((resolve, reject) => {
      const waiting: Waiting<T> = { request, resolve, reject, sent: false, takesPlace: false, timer: undefined }
      this.#underWay.set(request.key, waiting)
      waiting.timer = this.#world.into(this.#host, request.timeoutMs, () => this.#giveUp(waiting))
      const ms = this.#delay()
      if (this.#bank.isAway || this.#chance('refused'))
        this.#world.into(this.#host, ms, () => this.#fail(waiting, new Fault('connect-failed', 'refused', {}, 'no')))
      else this.#world.into(this.#host, ms, () => this.#send(waiting))
    })
  }

  state() {
    return { connections: 1, inFlight: this.#underWay.size }
  }

  async close(): Promise<void> {}

  #send(waiting: Waiting<T>) {
    const { request } = waiting
    if (this.#underWay.get(request.key) !== waiting) return
    try {
      request.onSend?.()
    } catch (error) {
      this.#over(waiting)
      return waiting.reject(error)
    }
    waiting.sent = true
    const asked = this.#bank.read(request.bytes)
    waiting.takesPlace = asked.verb !== 'linkTest'
    this.#tap.sent(this.#host, this.#bank, asked)
    if (waiting.takesPlace) this.#tap.underWay(this.#host, this.#bank, [...this.#underWay.values()].filter(w => w.takesPlace).length)
    const line = { broken: false }
    this.#travel(asked, line)
    // Only a bank that dedupes is reached over lines that may deliver a debit twice.
    if ((this.#bank.dedupes || asked.verb === 'inquiry') && this.#chance('duplicated')) this.#travel(asked, line)
    if (this.#chance('cut'))
      this.#world.into(this.#host, this.#delay(), () => {
        line.broken = true
        this.#fail(waiting, new Fault('connection-lost', 'the connection broke'))
      })
  }

  #travel(asked: Asked, line: { readonly broken: boolean }): void {
    if (this.#chance('lost')) return
    this.#world.after(this.#way(), () => {
      this.#world.touch()
      this.#bank.hear(asked, (bytes, code) => {
        if (this.#chance('lost')) return
        const copies = this.#chance('duplicated') ? 2 : 1
        for (let i = 0; i < copies; i++)
          this.#world.into(this.#host, this.#way(), () => {
            if (!line.broken) this.#receive(asked, bytes, code)
          })
      })
    })
  }

  #receive(asked: Asked, bytes: Uint8Array, code: UnifiedCode | undefined) {
    let told: { readonly key: string; readonly value: T }
    try {
      told = this.#read(bytes)
    } catch (error) {
      this.#tap.answered(this.#host, this.#bank, asked, undefined, false)
      return this.#stray({ bytes, fault: error instanceof Fault ? error : new Fault('malformed', 'the answer cannot be read') })
    }
    const waiting = this.#underWay.get(told.key)
    this.#tap.answered(this.#host, this.#bank, asked, code, waiting?.sent === true)
    if (!waiting?.sent) return this.#stray({ bytes, value: told.value, key: told.key })
    this.#over(waiting)
    waiting.resolve(told.value)
  }

  #giveUp(waiting: Waiting<T>): void {
    if (waiting.sent) this.#fail(waiting, new Fault('timeout', 'no answer'))
    else this.#fail(waiting, new Fault('connect-failed', 'no answer, before it was sent', {}, 'no'))
  }

  #fail(waiting: Waiting<T>, fault: Fault): void {
    if (this.#underWay.get(waiting.request.key) !== waiting) return
    this.#over(waiting)
    waiting.reject(waiting.sent ? new Fault(fault.fault, fault.detail, fault.at, 'maybe') : fault)
  }

  #over(waiting: Waiting<T>): void {
    this.#underWay.delete(waiting.request.key)
    if (waiting.timer) this.#world.cancel(waiting.timer)
  }

  #chance(kind: 'refused' | 'lost' | 'duplicated' | 'cut' | 'slow' | 'stuck'): boolean {
    const happens = this.#faults[kind] > 0 && this.#world.random.next() < this.#faults[kind]
    if (happens) this.#world.fault(`network: ${kind}`)
    return happens
  }

  /** How long something that was sent is under way. */
  #way(): number {
    const ms = this.#delay()
    if (ms > this.#faults.fastMs + 1) this.#faults.underWayUntil = Math.max(this.#faults.underWayUntil, this.#world.now + ms)
    return ms
  }

  /** How long something takes on the way. */
  #delay(): number {
    const { fastMs, slowMs, stuckMs } = this.#faults
    const { random } = this.#world
    if (this.#chance('stuck')) return random.next() * stuckMs
    if (this.#chance('slow')) return random.next() * slowMs
    return 1 + random.next() * fastMs
  }
}
