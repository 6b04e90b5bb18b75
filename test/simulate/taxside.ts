import { acceptDebit, type OrderVerdict } from '../../gateway/flows/accept.ts'
import type { ReversalOrder, StopOrder, SupplementOrder } from '../../gateway/flows/further.ts'
import type { DebitOrder } from '../../gateway/flows/order.ts'
import { reverse } from '../../gateway/flows/reverse.ts'
import { stop } from '../../gateway/flows/stop.ts'
import { supplement } from '../../gateway/flows/supplement.ts'
import type { NewBreak } from '../../gateway/store/breaks.ts'
import type { ResultView } from '../../gateway/store/reads.ts'
import type { Parts } from './parts.ts'
import { minute } from './plan.ts'
import type { Event, World } from './world.ts'

/** What the tax side was told of an instruction. */
export type Told = { readonly id: number; readonly state: string; readonly by: 'answer' | 'inquiry' | 'feed' | 'webhook' }
/** One order as it is sent, again and again until `hear` has its answer. */
type Sending = { readonly give: (gateway: Parts) => Promise<() => void>; answered: boolean; tries: number; again: Event | undefined }
/** A further order about a ticket. */
export type Further =
  | { readonly kind: 'reversal'; readonly order: ReversalOrder }
  | { readonly kind: 'supplement'; readonly order: SupplementOrder }
  | { readonly kind: 'stop'; readonly order: StopOrder }

export const taxSystem = 'urn:taxlink:tax-system:simulated'

/** The tax side: sends orders until they are answered, asks, reads the feed, takes the webhook. It believes only what it was told. */
export class TaxSide {
  /** By ticket: every content sent under its number. */
  readonly sent = new Map<string, DebitOrder[]>()
  /** By ticket: the content that was told to be accepted. */
  readonly accepted = new Map<string, DebitOrder>()
  /** By kind and number: the content of further orders that was told to be accepted. */
  readonly ordered = new Map<string, Further['order']>()
  /** By kind and number: every content of further orders that was sent. */
  readonly given = new Map<string, Further['order'][]>()
  readonly told: Told[] = []
  /** The feed as it was read, and as it was delivered. */
  readonly read: ResultView[] = []
  readonly delivered: ResultView[] = []
  /** What was said that must not be said. */
  readonly odd: string[] = []
  /** How often an answer, or a delivery, is lost, out of 1. */
  lost: number
  /** Until then it has more to order. */
  ordersUntil = 0
  #open = 0
  /** By ticket: what is done as soon as it is told to be accepted. */
  readonly #afterwards = new Map<string, ((order: DebitOrder) => void)[]>()
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

  /** Does something about a ticket once it is told to be accepted; at once, if it was before. */
  onceAccepted(ticketNo: string, run: (order: DebitOrder) => void): void {
    const order = this.accepted.get(ticketNo)
    if (order) run(order)
    else this.#afterwards.set(ticketNo, [...(this.#afterwards.get(ticketNo) ?? []), run])
  }

  /** Sends an order until it is answered. */
  send(order: DebitOrder): void {
    const { ticketNo } = order
    this.sent.set(ticketNo, [...(this.sent.get(ticketNo) ?? []), order])
    this.#give(gateway => acceptDebit(gateway.flow, gateway.slots, taxSystem, order).then(verdict => () => this.#answer(order, verdict)))
  }

  /** Gives a further order about a ticket that was accepted, until it is answered; `then` once it is known to be accepted. */
  further(of: Further, then?: () => void): void {
    const { orderNo, ticketNo } = of.order
    const name = `${of.kind}/${orderNo}`
    this.given.set(name, [...(this.given.get(name) ?? []), of.order])
    // The answer may come more than once; what it asks for is done once.
    let isGivenAgain = false
    const giveAgain = (): void => {
      if (!isGivenAgain) this.#world.after(10 * minute, () => this.further(of, then))
      isGivenAgain = true
    }
    this.#give(({ flow, slots }) =>
      (of.kind === 'reversal'
        ? reverse(flow, slots, taxSystem, of.order)
        : of.kind === 'supplement'
          ? supplement(flow, slots, taxSystem, of.order)
          : stop(flow, taxSystem, of.order)
      ).then(({ kind }) => () => {
        this.#world.trace.add(this.#world.now, 'tax', `${of.kind} ${kind}`, ticketNo)
        if (kind === 'absent') this.odd.push(`${ticketNo}: accepted, but a ${of.kind} does not find it`)
        const before = this.ordered.get(name)
        if (kind === 'accepted' || kind === 'repeated') {
          if (before && before !== of.order) this.odd.push(`${ticketNo}: two contents of ${of.kind} ${orderNo} are told to be accepted`)
          this.ordered.set(name, of.order)
          if (!before) then?.()
        } else if (kind === 'unclear') giveAgain()
        // Not taken on: the bank says that it has the debit.
        else if (kind !== 'at-the-bank' && before === of.order) this.odd.push(`${ticketNo}: ${of.kind} ${orderNo} differs from itself`)
      }),
    )
  }

  /** Two persons have found that the record and the bank differ, and say so in a process of the gateway until it is written. */
  declare(found: Omit<NewBreak, 'at' | 'actor' | 'source'>, then: () => void): void {
    // Said again after a lost answer, it is still found once.
    let told = false
    const once = (): void => {
      if (!told) then()
      told = true
    }
    this.#give(({ store }) =>
      store
        .declareBreak({ ...found, at: new Date(this.#world.now), actor: 'urn:taxlink:operator:two', source: 'resolution' })
        .then(() => once),
    )
  }

  /** Has a process of the gateway do something for somebody, again and again until its answer comes back. */
  have(give: Sending['give']): void {
    this.#give(give)
  }

  #give(give: Sending['give']): void {
    this.#open++
    this.#try({ give, answered: false, tries: 0, again: undefined })
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
        error => this.#world.err(String(error)),
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
        error => this.#world.err(String(error)),
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
    const [gateway] = this.#one()
    sending.again = this.#world.after(Math.min(600_000, 10_000 * 2 ** sending.tries), () => this.#try(sending))
    // A process that does not go on takes no connection.
    if (!gateway || gateway.host.heldUntil > this.#world.now) return
    this.#world.into(gateway.host, this.#delay(), () => {
      sending.give(gateway).then(
        hear => {
          if (this.#isLost()) return
          this.#world.after(this.#delay(), () => {
            hear()
            if (sending.answered) return
            sending.answered = true
            if (sending.again) this.#world.cancel(sending.again)
            this.#open--
          })
        },
        error => this.#world.err(String(error)),
      )
    })
  }

  #answer(order: DebitOrder, verdict: OrderVerdict): void {
    const { ticketNo } = order
    this.#world.trace.add(this.#world.now, 'tax', verdict.kind, ticketNo)
    if (verdict.kind === 'accepted' && verdict.state !== 'sent' && verdict.state !== 'accepted')
      this.#hear({ id: verdict.debit.instructionId, state: verdict.state, by: 'answer' })
    const before = this.accepted.get(ticketNo)
    if (verdict.kind !== 'differs') {
      if (before && before !== order) this.odd.push(`${ticketNo}: two contents are told to be accepted`)
      this.accepted.set(ticketNo, order)
      for (const run of this.#afterwards.get(ticketNo) ?? []) run(order)
      this.#afterwards.delete(ticketNo)
    } else if (before === order || this.sent.get(ticketNo)!.length === 1) this.odd.push(`${ticketNo}: differs from itself`)
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
