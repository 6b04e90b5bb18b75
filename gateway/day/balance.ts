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
  readonly result?: { readonly code: string; readonly zh: string; readonly en: string }
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
  readonly taxTotal: bigint
  readonly bankTotal: bigint
}
/** The day's balance; `faults` names each ticket on which the sides differ. It balances when there is none. */
export type Balance = { readonly banks: readonly BankDay[]; readonly faults: readonly string[] }

const net = (entries: BankLedger['entries']): Map<string, bigint> => {
  const booked = new Map<string, bigint>()
  for (const e of entries) booked.set(e.ticketNo, (booked.get(e.ticketNo) ?? 0n) + BigInt(e.kind === 'reversal' ? -e.amount : e.amount))
  return booked
}

/** Compares the tax side with what the banks booked, ticket by ticket and in sum. */
export const balanceOf = (
  orders: readonly DebitOrder[],
  debits: readonly DebitSeen[],
  ledgers: readonly BankLedger[],
  tickets: ReadonlySet<string>,
): Balance => {
  const faults: string[] = []
  const seen = new Map(debits.map(debit => [debit.ticketNo, debit]))
  for (const order of orders) if (!seen.has(order.ticketNo)) faults.push(`${order.ticketNo}: sent, but the gateway does not know it`)
  const codes = [...new Set([...ledgers.map(l => l.bankCode), ...orders.map(o => o.bankCode)])].sort()
  const banks = codes.map((bankCode): BankDay => {
    const ledger = ledgers.find(l => l.bankCode === bankCode)
    const entries = (ledger?.entries ?? []).filter(e => tickets.has(e.ticketNo))
    const booked = net(entries)
    const mine = debits.filter(debit => debit.bankCode === bankCode)
    for (const debit of mine) faults.push(...differences(debit, booked.get(debit.ticketNo) ?? 0n))
    for (const [ticketNo, amount] of booked)
      if (amount !== 0n && !seen.has(ticketNo)) faults.push(`${ticketNo}: booked by the bank, but nobody sent it`)
    const of = (state: string) => mine.filter(debit => debit.state === state)
    const reasons = new Map<string, number>()
    for (const { result } of of('refused')) {
      const reason = result ? `${result.code} ${result.zh} / ${result.en}` : '?'
      reasons.set(reason, (reasons.get(reason) ?? 0) + 1)
    }
    return {
      bankCode,
      name: ledger?.name ?? '(未开通)',
      sent: mine.length,
      succeeded: of('succeeded').length,
      refused: of('refused').length,
      open: mine.length - of('succeeded').length - of('refused').length,
      resolved: mine.filter(debit => debit.attempts > 1 && (debit.state === 'succeeded' || debit.state === 'refused')).length,
      reasons,
      taxTotal: of('succeeded').reduce((sum, debit) => sum + BigInt(debit.amount), 0n),
      bankTotal: [...booked.values()].reduce((sum, amount) => sum + amount, 0n),
    }
  })
  return { banks, faults }
}

const differences = (debit: DebitSeen, booked: bigint): string[] => {
  const amount = BigInt(debit.amount)
  if (debit.state === 'succeeded')
    return booked === amount ? [] : [`${debit.ticketNo}: succeeded with ${amount} fen, the bank booked ${booked}`]
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
  return [...lines, ...reasonsText(balance.banks), verdict, ...balance.faults.slice(0, 20).map(f => `  ${f}`)]
}

/** Why debits were refused: a line a reason, a column a bank. */
const reasonsText = (banks: readonly BankDay[]): string[] => {
  const refusing = banks.filter(bank => bank.reasons.size > 0)
  const reasons = [...new Set(refusing.flatMap(bank => [...bank.reasons.keys()]))].sort()
  if (reasons.length === 0) return []
  const counts = (reason: string) => refusing.map(bank => String(bank.reasons.get(reason) ?? '·'))
  return table([['拒绝原因 refused by reason', ...refusing.map(bank => bank.bankCode)], ...reasons.map(why => [why, ...counts(why)])])
}
