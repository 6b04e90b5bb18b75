import type { DebitOrder } from '../flows/order.ts'
import { table, yuanText } from './table.ts'

/** A debit as the tax side's own interface shows it. */
export type DebitSeen = {
  readonly ticketNo: string
  readonly bankCode: string
  readonly state: string
  /** Fen. */
  readonly amount: number
  readonly attempts: number
  readonly result?: {
    readonly code: string
    readonly bankCode?: string
    readonly bankText?: string
    readonly zh: string
    readonly en: string
  }
  /** 作废 (art. 35(3)). */
  readonly voidedAt?: string
}
/** A reversal or a supplementary debit as the tax side's own interface shows it. */
export type FurtherSeen = {
  readonly ticketNo: string
  readonly bankCode: string
  readonly orderNo: string
  readonly state: string
  /** Fen that moved; with its end. */
  readonly bookedAmount?: number
}
/** A stop as the tax side's own interface shows it. */
export type StopSeen = { readonly ticketNo: string; readonly state: string }
/** All that the tax side's own interface shows of a day. */
export type DaySeen = {
  readonly debits: readonly DebitSeen[]
  readonly reversals: readonly FurtherSeen[]
  readonly supplements: readonly FurtherSeen[]
  readonly stops: readonly StopSeen[]
  /** Tickets that were refused and that two persons have adopted: the bank had debited them. */
  readonly adopted?: ReadonlySet<string>
}
/** What a bank booked, from its own ledger. */
export type BankLedger = {
  readonly bankCode: string
  readonly name: string
  readonly entries: readonly { readonly ticketNo: string; readonly kind: string; readonly amount: number }[]
}
/** One bank's day: both sides in fen. */
export type BankDay = {
  readonly bankCode: string
  readonly name: string
  readonly sent: number
  readonly succeeded: number
  readonly refused: number
  readonly open: number
  /** Certain in the end, though more than one call was needed. */
  readonly resolved: number
  readonly reasons: ReadonlyMap<string, number>
  /** Reversals and supplementary debits that moved money. */
  readonly givenBack: Moved
  readonly supplemented: Moved
  readonly stopped: number
  readonly voided: number
  /** Net of what was given back; with what was supplemented. */
  readonly taxTotal: bigint
  readonly bankTotal: bigint
}
/** How often, and fen in sum. */
type Moved = { readonly count: number; readonly fen: bigint }
/** The day's balance; `faults` names each ticket on which the sides differ. It balances when there is none. */
export type Balance = { readonly banks: readonly BankDay[]; readonly faults: readonly string[] }

const net = (entries: BankLedger['entries']): Map<string, bigint> => {
  const booked = new Map<string, bigint>()
  const back = new Set(['reversal', 'adjustment'])
  for (const e of entries) booked.set(e.ticketNo, (booked.get(e.ticketNo) ?? 0n) + BigInt(back.has(e.kind) ? -e.amount : e.amount))
  return booked
}

const movedOf = (all: readonly FurtherSeen[]): Moved => {
  const done = all.filter(each => each.state === 'succeeded' && (each.bookedAmount ?? 0) > 0)
  return { count: done.length, fen: done.reduce((sum, each) => sum + BigInt(each.bookedAmount ?? 0), 0n) }
}

/** Fen that a ticket's debit must have brought in the end: what was missing was supplemented, or the ticket is void. */
const dueOf = (debit: DebitSeen, back: bigint, adopted: boolean): bigint =>
  (debit.state === 'succeeded' || adopted) && debit.voidedAt === undefined ? BigInt(debit.amount) - back : 0n

/** Compares the tax side with what the banks booked, ticket by ticket and in sum: net of reversals, with supplementary debits. */
export const balanceOf = (
  orders: readonly DebitOrder[],
  seen: DaySeen,
  ledgers: readonly BankLedger[],
  tickets: ReadonlySet<string>,
): Balance => {
  const faults: string[] = []
  const { debits } = seen
  const known = new Set(debits.map(debit => debit.ticketNo))
  const backOf = new Map([...Map.groupBy(seen.reversals, each => each.ticketNo)].map(([ticketNo, all]) => [ticketNo, movedOf(all).fen]))
  const isAdopted = ({ ticketNo }: DebitSeen): boolean => seen.adopted?.has(ticketNo) ?? false
  const due = (debit: DebitSeen): bigint => dueOf(debit, backOf.get(debit.ticketNo) ?? 0n, isAdopted(debit))
  for (const { ticketNo } of orders) if (!known.has(ticketNo)) faults.push(`${ticketNo}: sent, but the gateway does not know it`)
  for (const further of [...seen.reversals, ...seen.supplements])
    if (!isFinal(further)) faults.push(`${further.orderNo}: still ${further.state}`)
  const codes = [...new Set([...ledgers.map(l => l.bankCode), ...orders.map(o => o.bankCode)])].sort()
  const banks = codes.map((bankCode): BankDay => {
    const ledger = ledgers.find(l => l.bankCode === bankCode)
    const booked = net((ledger?.entries ?? []).filter(e => tickets.has(e.ticketNo)))
    const mine = debits.filter(debit => debit.bankCode === bankCode)
    const own = <T extends { readonly bankCode: string }>(all: readonly T[]) => all.filter(each => each.bankCode === bankCode)
    for (const debit of mine) faults.push(...differences(debit, due(debit), booked.get(debit.ticketNo) ?? 0n, isAdopted(debit)))
    for (const [ticketNo, amount] of booked)
      if (amount !== 0n && !known.has(ticketNo)) faults.push(`${ticketNo}: booked by the bank, but nobody sent it`)
    const of = (state: string) => mine.filter(debit => debit.state === state)
    const reasons = new Map<string, number>()
    for (const { result } of of('refused')) {
      const reason = result ? reasonOf(result) : '?'
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    }
    return {
      bankCode,
      name: ledger?.name ?? '(未开通)',
      sent: mine.length,
      succeeded: of('succeeded').length,
      refused: of('refused').length,
      open: mine.length - of('succeeded').length - of('refused').length,
      resolved: mine.filter(debit => debit.attempts > 1 && isFinal(debit)).length,
      reasons,
      givenBack: movedOf(own(seen.reversals)),
      supplemented: movedOf(own(seen.supplements)),
      stopped: seen.stops.filter(stop => stop.state === 'succeeded' && mine.some(debit => debit.ticketNo === stop.ticketNo)).length,
      voided: mine.filter(debit => debit.voidedAt !== undefined).length,
      taxTotal: mine.reduce((sum, debit) => sum + due(debit), 0n),
      bankTotal: [...booked.values()].reduce((sum, amount) => sum + amount, 0n),
    }
  })
  return { banks, faults }
}

/** A rule of ours names itself; what a bank refused has the words of its code. */
const reasonOf = ({ code, bankCode, bankText, zh, en }: NonNullable<DebitSeen['result']>): string =>
  bankCode === code && bankText !== undefined && bankText !== zh ? `${code} ${bankText}` : `${code} ${zh} / ${en}`

const isFinal = ({ state }: { readonly state: string }): boolean => state === 'succeeded' || state === 'refused'

const differences = (debit: DebitSeen, due: bigint, booked: bigint, adopted: boolean): string[] => {
  if (debit.voidedAt !== undefined) return booked === 0n ? [] : [`${debit.ticketNo}: void, but the bank booked ${booked} fen`]
  if (debit.state === 'succeeded' || adopted)
    return booked === due ? [] : [`${debit.ticketNo}: succeeded with ${due} fen, the bank booked ${booked}`]
  if (debit.state === 'refused') return booked === 0n ? [] : [`${debit.ticketNo}: refused, but the bank booked ${booked} fen`]
  return [`${debit.ticketNo}: still ${debit.state}`]
}

/** The balance as people read it. */
export const balanceText = (balance: Balance): string[] => {
  const sum = (pick: (bank: BankDay) => bigint) => yuanText(balance.banks.reduce((total, bank) => total + pick(bank), 0n))
  const count = (pick: (bank: BankDay) => number) => String(balance.banks.reduce((total, bank) => total + pick(bank), 0))
  const lines = table([
    // Two lines, so that the table fits a terminal.
    ['银行', '发送', '成功', '拒绝', '未决', '存疑已决', '税务方合计', '银行方合计', ''],
    ['bank', 'sent', 'succeeded', 'refused', 'open', 'resolved', 'tax side (yuan)', 'bank side (yuan)', ''],
    ...balance.banks.map(b => [
      `${b.bankCode} ${b.name}`,
      String(b.sent),
      String(b.succeeded),
      String(b.refused),
      String(b.open),
      String(b.resolved),
      yuanText(b.taxTotal),
      yuanText(b.bankTotal),
      b.taxTotal === b.bankTotal ? '=' : '≠',
    ]),
    [
      '合计 total',
      count(b => b.sent),
      count(b => b.succeeded),
      count(b => b.refused),
      count(b => b.open),
      count(b => b.resolved),
      sum(b => b.taxTotal),
      sum(b => b.bankTotal),
      '',
    ],
  ])
  const verdict =
    balance.faults.length === 0
      ? '平: 两边逐笔相符,分毫不差 / balanced, ticket by ticket, to the fen'
      : `不平 / NOT balanced: ${balance.faults.length}`
  return [
    ...lines,
    ...furtherText(balance.banks),
    ...reasonsText(balance.banks),
    verdict,
    ...balance.faults.slice(0, 20).map(f => `  ${f}`),
  ]
}

/** What was ordered about the tickets after their debits. */
const furtherText = (banks: readonly BankDay[]): string[] => {
  const concerned = banks.filter(bank => bank.givenBack.count + bank.supplemented.count + bank.stopped + bank.voided > 0)
  if (concerned.length === 0) return []
  return table([
    ['后续委托', '冲正', '冲正合计', '补充划缴', '补划合计', '止付', '作废'],
    ['further orders', 'reversed', 'given back (yuan)', 'supplemented', 'supplemented (yuan)', 'stopped', 'void'],
    ...concerned.map(({ bankCode, name, givenBack, supplemented, stopped, voided }) => [
      `${bankCode} ${name}`,
      String(givenBack.count),
      yuanText(givenBack.fen),
      String(supplemented.count),
      yuanText(supplemented.fen),
      String(stopped),
      String(voided),
    ]),
  ])
}

/** Why debits were refused: a line a reason, a column a bank. */
const reasonsText = (banks: readonly BankDay[]): string[] => {
  const refusing = banks.filter(bank => bank.reasons.size > 0)
  const reasons = [...new Set(refusing.flatMap(bank => [...bank.reasons.keys()]))].sort()
  if (reasons.length === 0) return []
  const counts = (reason: string) => refusing.map(bank => String(bank.reasons.get(reason) ?? '·'))
  return table([['拒绝原因 refused by reason', ...refusing.map(bank => bank.bankCode)], ...reasons.map(why => [why, ...counts(why)])])
}
