import { setTimeout as pause } from 'node:timers/promises'
import { type Identity, openAsker } from './asker.ts'
import type { Order } from './day.ts'

/** What the gateway told the tax side, once, in an answer or in the feed. */
export type Told = { readonly ticketNo: string; readonly state: string }
/** One line of the feed, in the order in which it was read. */
export type FeedLine = Told & { readonly seq: number }
/** All that the tax side has seen. */
export type Seen = {
  /** Every order of which at least a byte may have left. */
  readonly sent: ReadonlyMap<string, Order>
  /** Tickets that were accepted for certain: a 200 or 202, or the verdict of a batch. */
  readonly accepted: ReadonlySet<string>
  readonly told: readonly Told[]
  readonly feed: readonly FeedLine[]
  /** Answers that no order of the day deserves. */
  readonly odd: readonly string[]
}

type FurtherOrder = { readonly orderNo: string; readonly ticketNo: string }
/** A debit at its end, with the key under which its bank knows it. */
export type Settled = Debit & {
  readonly officeCode: string
  readonly entrustDate: string
  readonly serialNo: string
  readonly amount: number
}
type Debit = { readonly ticketNo: string; readonly state: string }

/** A tax system with the habits of real ones: it gives up a request soon, sends the same again (to any gateway) until it is certain, and reads the feed. */
export const openTaxSide = (urls: readonly string[], tls: Identity) => {
  const { ask, insist, close } = openAsker(urls, tls)
  const sent = new Map<string, Order>()
  const accepted = new Set<string>()
  const told: Told[] = []
  const feed: FeedLine[] = []
  const odd: string[] = []

  const hear = ({ ticketNo, state }: Debit): void => {
    accepted.add(ticketNo)
    told.push({ ticketNo, state })
  }
  return {
    seen: { sent, accepted, told, feed, odd } satisfies Seen,
    /** Sends one order until it is certainly accepted. */
    send: async (order: Order): Promise<void> => {
      sent.set(order.ticketNo, order)
      const { status, body } = await insist('POST', '/v1/debits', order)
      if (status === 200 || status === 202) hear(body as Debit)
      else odd.push(`${order.ticketNo}: status ${status} ${JSON.stringify(body)}`)
    },
    /** Sends orders together until each has a certain verdict. */
    sendBatch: async (orders: readonly Order[]): Promise<void> => {
      for (const order of orders) sent.set(order.ticketNo, order)
      for (let left = orders; left.length > 0; ) {
        const { status, body } = await insist('POST', '/v1/debits/batch', { orders: left })
        if (status !== 200) {
          odd.push(`batch: status ${status} ${JSON.stringify(body)}`)
          return
        }
        const { verdicts } = body as { verdicts: { verdict: string; ticketNo: string; debit?: Debit }[] }
        for (const { verdict, ticketNo, debit } of verdicts) {
          if ((verdict === 'accepted' || verdict === 'repeated') && debit) hear(debit)
          else if (verdict !== 'failed') odd.push(`${ticketNo}: verdict ${verdict}`)
        }
        const failed = new Set(verdicts.filter(v => v.verdict === 'failed').map(v => v.ticketNo))
        left = left.filter(order => failed.has(order.ticketNo))
        if (left.length > 0) await pause(150)
      }
    },
    /** Orders that (a part of) what a ticket took be given back, or that it be stopped, until the order is certainly accepted. */
    further: async (path: '/v1/reversals' | '/v1/supplementary-debits' | '/v1/stops', order: FurtherOrder): Promise<void> => {
      const { status, body } = await insist('POST', path, order)
      if (status !== 200 && status !== 202) odd.push(`${order.orderNo}: status ${status} ${JSON.stringify(body)}`)
    },
    /** Reads what the feed holds beyond what was read; resolves to how many lines that were. */
    read: async (): Promise<number> => {
      const after = feed.at(-1)?.seq ?? 0
      const reply = await ask('GET', `/v1/results?after=${after}&limit=100`).catch(() => undefined)
      if (reply?.status !== 200) return 0
      const { results } = reply.body as { results: FeedLine[] }
      for (const { seq, ticketNo, state } of results) feed.push({ seq, ticketNo, state })
      return results.length
    },
    /** Notes an answer that was not deserved. */
    complain: (answer: string) => void odd.push(answer),
    /** Waits for the end of a debit; resolves to the debit as it is then. */
    ended: async (ticketNo: string): Promise<Settled> => {
      for (;;) {
        const { body } = await insist('GET', `/v1/debits/${ticketNo}`)
        const debit = body as Settled
        if (debit.state === 'succeeded' || debit.state === 'refused') return debit
        await pause(300)
      }
    },
    /** Lets a gateway answer with the outcome of a debit, for two seconds at most. */
    heard: async (ticketNo: string): Promise<void> =>
      void (await ask('GET', `/v1/debits/${ticketNo}`, undefined, 'wait=2').catch(() => {})),
    close,
  }
}
