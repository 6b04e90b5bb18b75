import { acceptDebit, type OrderVerdict } from '../../gateway/flows/accept.ts'
import type { DebitOrder } from '../../gateway/flows/order.ts'
import type { ResultView } from '../../gateway/store/reads.ts'
import type { Parts } from './parts.ts'
import type { World } from './world.ts'

/** What the tax side was told of an instruction. */
export type Told = { readonly id: number; readonly state: string; readonly by: 'answer' | 'inquiry' | 'feed' | 'webhook' }
/** One order as it was sent, and what came of it. */
type Sending = { readonly order: DebitOrder; answered: boolean; tries: number }

export const taxSystem = 'urn:taxlink:tax-system:simulated'

/** The tax side: sends orders until they are answered, asks, reads the feed, takes the webhook. It believes only what it was told. */
export class TaxSide {
  /** By ticket: every content sent under its number. */
  readonly sent = new Map<string, DebitOrder[]>()
  /** By ticket: the content that was told to be accepted. */
  readonly accepted = new Map<string, DebitOrder>()
  readonly told: Told[] = []
  /** The feed as it was read, and as it was delivered. */
  readonly read: ResultView[] = []
  readonly delivered: ResultView[] = []
  /** What was said that must not be said. */
  readonly odd: string[] = []
  /** How often an answer, or a delivery, is lost, out of 1. */
  lost: number
  #open = 0
  #reading = false
  readonly #world: World
  readonly #gateways: () => Parts[]

  constructor(world: World, gateways: () => Parts[], lost: number) {
    this.#world = world
    this.#gateways = gateways
    this.lost = lost
  }

  /** Whether every order has its answer. */
  get isAnswered(): boolean {
    return this.#open === 0
  }

  /** Sends an order until it is answered. */
  send(order: DebitOrder): void {
    const { ticketNo } = order
    this.sent.set(ticketNo, [...(this.sent.get(ticketNo) ?? []), order])
    this.#open++
    this.#try({ order, answered: false, tries: 0 })
  }

  /** Asks how a ticket stands. */
  ask(ticketNo: string): void {
    const [gateway] = this.#one()
    if (!gateway) return
    const known = this.accepted.has(ticketNo)
    this.#world.into(gateway.host, this.#delay(), () => {
      gateway.store.find(ticketNo).then(
        view => {
          if (view) this.#hear({ id: view.instructionId, state: view.state, by: 'inquiry' })
          else if (known) this.odd.push(`${ticketNo}: accepted, but nobody knows it`)
        },
        () => undefined,
      )
    })
  }

  /** Reads on in the feed. */
  readOn(): void {
    const [gateway] = this.#one()
    if (!gateway || this.#reading) return
    this.#reading = true
    const after = this.read.at(-1)?.seq ?? 0
    // Whoever asks a process that dies asks again later.
    this.#world.after(30_000, () => {
      this.#reading = false
    })
    this.#world.into(gateway.host, this.#delay(), () => {
      gateway.store.results(taxSystem, after, 50).then(
        results => {
          if ((this.read.at(-1)?.seq ?? 0) !== after) return
          this.read.push(...results)
          for (const { instructionId: id, state } of results) this.#hear({ id, state, by: 'feed' })
        },
        () => undefined,
      )
    })
  }

  /** Takes a run of results, as the receiver of a webhook does; resolves in the process that delivers. */
  take(parts: Pick<Parts, 'host'>, results: readonly ResultView[]): Promise<boolean> {
    return new Promise(resolve => {
      const world = this.#world
      const back = (taken: boolean) => world.into(parts.host, this.#delay(), () => resolve(taken))
      if (this.#isLost()) return void world.into(parts.host, 15_000, () => resolve(false))
      world.after(this.#delay(), () => {
        world.touch()
        const known = this.delivered.at(-1)?.seq ?? 0
        if ((results[0]?.seq ?? 0) > known + 1) this.odd.push(`the webhook brought ${results[0]?.seq} after ${known}`)
        for (const result of results) if (result.seq > known) this.delivered.push(result)
        for (const { instructionId: id, state } of results) this.#hear({ id, state, by: 'webhook' })
        back(!this.#isLost())
      })
    })
  }

  #try(sending: Sending): void {
    if (sending.answered) return
    sending.tries++
    const { order } = sending
    const [gateway] = this.#one()
    this.#world.after(Math.min(600_000, 10_000 * 2 ** sending.tries), () => this.#try(sending))
    // A process that does not go on takes no connection.
    if (!gateway || gateway.host.heldUntil > this.#world.now) return
    this.#world.into(gateway.host, this.#delay(), () => {
      acceptDebit(gateway.flow, gateway.slots, taxSystem, order).then(
        verdict => this.#answer(sending, verdict),
        () => undefined,
      )
    })
  }

  #answer(sending: Sending, verdict: OrderVerdict): void {
    if (this.#isLost()) return
    this.#world.after(this.#delay(), () => {
      const { order } = sending
      const { ticketNo } = order
      this.#world.trace.add(this.#world.now, 'tax', verdict.kind, ticketNo)
      if (verdict.kind === 'accepted' && verdict.state !== 'sent' && verdict.state !== 'accepted')
        this.#hear({ id: verdict.debit.instructionId, state: verdict.state, by: 'answer' })
      const before = this.accepted.get(ticketNo)
      if (verdict.kind !== 'differs') {
        if (before && before !== order) this.odd.push(`${ticketNo}: two contents are told to be accepted`)
        this.accepted.set(ticketNo, order)
      } else if (before === order || this.sent.get(ticketNo)!.length === 1) this.odd.push(`${ticketNo}: differs from itself`)
      if (sending.answered) return
      sending.answered = true
      this.#open--
    })
  }

  #hear(told: Told): void {
    this.told.push(told)
  }

  #one(): Parts[] {
    const gateways = this.#gateways()
    return gateways.length === 0 ? [] : [this.#world.random.pick(gateways)]
  }

  #isLost(): boolean {
    return this.lost > 0 && this.#world.random.next() < this.lost
  }

  #delay(): number {
    return 1 + this.#world.random.next() * 30
  }
}
