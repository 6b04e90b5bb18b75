import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { BreakKind } from '../domain/ticket.ts'
import type { ReversalOrder, StopOrder, SupplementOrder } from '../flows/further.ts'
import type { DebitOrder } from '../flows/order.ts'
import type { Line, Reply } from './line.ts'

/** A difference that two operators declare, by the bank's written word. */
export type Declaration = {
  readonly orderNo: string
  readonly ticketNo: string
  readonly kind: Extract<BreakKind, 'under-debited' | 'bank-missing'>
  /** Fen the bank has. */
  readonly bankAmount: number
  readonly evidence: string
}
/** What is ordered about a ticket after its debit. */
export type FurtherOrder =
  | { readonly reversal: ReversalOrder }
  | { readonly declaration: Declaration; readonly supplement: SupplementOrder }
/** A bank's line is down while these tickets are sent, and these are stopped meanwhile. */
export type Outage = { readonly outage: string; readonly tickets: readonly string[]; readonly stops: readonly StopOrder[] }

const isOutage = (line: FurtherOrder | Outage): line is Outage => 'outage' in line
const isOrder = (line: FurtherOrder | Outage): line is FurtherOrder => !isOutage(line)

/** What the data file of the sample day holds beside its debits. */
export const sampleFurther = (): { readonly outages: readonly Outage[]; readonly orders: readonly FurtherOrder[] } => {
  const lines = readFileSync(`${import.meta.dirname}/further.jsonl`, 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => JSON.parse(line) as FurtherOrder | Outage)
  return { outages: lines.filter(isOutage), orders: lines.filter(isOrder) }
}

/** Who plays: the tax system, and two operators, since nobody decides alone. */
export type Parties = { readonly taxSide: Line; readonly operators: readonly [Line, Line] }

type Standing = { readonly state: string; readonly attempts: number }
const isFinal = ({ state }: Standing): boolean => state === 'succeeded' || state === 'refused'

/** Waits for the end of an instruction; undefined: patience ended before. */
const ended = async <T extends Standing>(line: Line, path: string, until: number): Promise<T | undefined> => {
  for (;;) {
    const found = await line.read<T>(path, 'wait=5')
    if (isFinal(found)) return found
    if (Date.now() > until) return undefined
  }
}

type Keyed = Standing & {
  readonly officeCode: string
  readonly entrustDate: string
  readonly serialNo: string
  readonly amount: number
}

/** One operator proposes, the other approves. */
const declare = async ({ operators: [first, second] }: Parties, said: Declaration, debit: Keyed): Promise<void> => {
  const { officeCode, entrustDate, serialNo, amount } = debit
  const content = { officeCode, entrustDate, serialNo, kind: said.kind, taxAmount: amount, bankAmount: said.bankAmount }
  const { orderNo, evidence } = said
  const { body } = await first.order('/v1/proposals', { orderNo, kind: 'declare-break', content, evidence })
  const { id, hash } = body as { readonly id: number; readonly hash: string }
  await second.order(`/v1/proposals/${id}/approval`, { hash })
}

/** Orders a supplementary debit: again and again until it is certain that the bank lacks the debit, which it is once the bank's quiescence window is over. */
const supplement = async ({ taxSide }: Parties, order: SupplementOrder, until: number): Promise<void> => {
  const path = '/v1/supplementary-debits'
  const isUnclear = ({ status, body }: Reply): boolean => status === 409 && (body as { readonly detail?: string }).detail === 'unclear'
  while (Date.now() < until && isUnclear(await taxSide.insist(path, order))) await pause(1_000)
  await taxSide.order(path, order)
}

/** Plays one: a reversal is ordered whatever its debit has come to, a supplementary debit when the break is declared. */
const playOne = async (parties: Parties, one: FurtherOrder, until: number): Promise<void> => {
  const { taxSide } = parties
  if ('reversal' in one) {
    await taxSide.order('/v1/reversals', one.reversal)
    await ended(taxSide, `/v1/reversals/${one.reversal.orderNo}`, until)
    return
  }
  const debit = await ended<Keyed>(taxSide, `/v1/debits/${one.declaration.ticketNo}`, until)
  if (!debit) return
  await declare(parties, one.declaration, debit)
  await supplement(parties, one.supplement, until)
  await ended(taxSide, `/v1/supplementary-debits/${one.supplement.orderNo}`, until)
}

const ticketOf = (one: FurtherOrder): string => ('reversal' in one ? one.reversal.ticketNo : one.declaration.ticketNo)

/** Plays what is ordered after the debits, all tickets at once, what concerns one ticket in its order; resolves when all is certain, or at `until`. */
export const playFurther = async (parties: Parties, orders: readonly FurtherOrder[], until: number): Promise<void> => {
  const play = async (own: readonly FurtherOrder[]): Promise<void> => {
    for (const one of own) await playOne(parties, one, until)
  }
  await Promise.all([...Map.groupBy(orders, ticketOf).values()].map(play))
}

/**
 * Plays an outage: the debits find no line, wait, and are stopped, but for those that go out once it is up again. Returns how many had been
 * accepted before.
 */
export const playOutage = async (
  { taxSide }: Parties,
  { tickets, stops }: Outage,
  debits: readonly DebitOrder[],
  setLine: (open: boolean) => Promise<void>,
): Promise<number> => {
  let repeated = 0
  await setLine(false)
  try {
    for (const debit of debits.filter(each => tickets.includes(each.ticketNo)))
      if ((await taxSide.order('/v1/debits', debit)).replayed) repeated++
    for (const { ticketNo } of stops) await waits(taxSide, ticketNo)
    for (const stop of stops) await taxSide.order('/v1/stops', stop)
    return repeated
  } finally {
    await setLine(true)
  }
}

/** Resolves when a debit was tried in vain and waits for its bank (or, in a day that is played again, has come to its end). */
const waits = async (line: Line, ticketNo: string): Promise<void> => {
  for (let left = 100; left > 0; left--) {
    const debit = await line.read<Standing>(`/v1/debits/${ticketNo}`)
    if (isFinal(debit) || (debit.state === 'accepted' && debit.attempts > 0)) return
    await pause(50)
  }
}
