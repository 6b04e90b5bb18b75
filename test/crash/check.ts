import type { Account } from './day.ts'
import type { Seen } from './taxside.ts'

/** What the record says of a ticket. */
export type Recorded = { readonly ticketNo: string; readonly bankCode: string; readonly amount: number; readonly state: string }
/** What the record says of a reversal or a supplementary debit: fen that moved by it. */
export type Further = {
  readonly ticketNo: string
  readonly bankCode: string
  readonly verb: string
  readonly state: string
  readonly booked: number
  /** 1: nobody ordered it, it is to leave a tombstone. */
  readonly unordered?: number
}
/** A line of the feed as the record holds it; about a debit where it names no verb. */
export type Published = { readonly seq: number; readonly ticketNo: string; readonly state: string; readonly verb?: string }
/** A line of the journal, oldest first. */
export type Journalled = { readonly ticketNo: string; readonly instructionId?: number; readonly event: string; readonly state: string }
/** A bank's own books, and what its accounts held in the morning. */
export type Books = {
  readonly bankCode: string
  readonly opening: readonly Pick<Account, 'account' | 'balance'>[]
  readonly accounts: readonly { readonly account: string; readonly balance: string }[]
  readonly entries: readonly { readonly ticketNo: string; readonly kind: string; readonly account: string; readonly amount: number }[]
}
/** Everything there is to know after a day. */
export type Evidence = {
  readonly seen: Seen
  readonly record: readonly Recorded[]
  readonly further?: readonly Further[]
  /** Tickets whose refused debit two persons took for paid. */
  readonly adopted?: readonly string[]
  readonly results: readonly Published[]
  readonly journal: readonly Journalled[]
  readonly books: readonly Books[]
}

/**
 * Holds the day against what was promised, without a line of the gateway's code: returns one sentence for each broken promise. What the banks
 * booked counts, not what they said.
 */
export const check = (evidence: Evidence): string[] => [
  ...checkTaxSide(evidence),
  ...checkTickets(evidence),
  ...checkGivenBack(evidence),
  ...checkStrays(evidence),
  ...checkFeed(evidence),
  ...checkJournal(evidence),
  ...checkSums(evidence),
]

const isFinal = (state: string): boolean => state === 'succeeded' || state === 'refused'
const byTicket = <T extends { readonly ticketNo: string }>(rows: readonly T[]): Map<string, T[]> => {
  const found = new Map<string, T[]>()
  for (const row of rows) found.set(row.ticketNo, [...(found.get(row.ticketNo) ?? []), row])
  return found
}

/** What was told to the tax side holds: accepted is in the record, and a final outcome never changes. */
const checkTaxSide = ({ seen, record }: Evidence): string[] => {
  const known = byTicket(record)
  const faults = seen.odd.map(answer => `the tax side got an answer it did not deserve: ${answer}`)
  for (const ticketNo of seen.sent.keys()) if (!seen.accepted.has(ticketNo)) faults.push(`${ticketNo}: never certainly accepted`)
  for (const ticketNo of seen.accepted) if (!known.has(ticketNo)) faults.push(`${ticketNo}: accepted, but the record does not know it`)
  for (const { ticketNo, state } of seen.told) {
    const now = known.get(ticketNo)?.[0]?.state
    if (isFinal(state) && now !== state) faults.push(`${ticketNo}: told to be ${state}, the record says ${now}`)
  }
  return faults
}

/** Each ticket of the record is one that was sent, is final, and booked exactly once or not at all. */
const checkTickets = ({ seen, record, books }: Evidence): string[] => {
  const faults: string[] = []
  const booked = byTicket(books.flatMap(({ bankCode, entries }) => entries.map(entry => ({ ...entry, bankCode }))))
  for (const [ticketNo, rows] of byTicket(record)) {
    const [{ bankCode, amount, state }] = rows as [Recorded]
    if (rows.length > 1) faults.push(`${ticketNo}: ${rows.length} times in the record`)
    const order = seen.sent.get(ticketNo)
    if (!order) {
      faults.push(`${ticketNo}: in the record, but nobody sent it`)
      continue
    }
    if (order.amount !== amount || order.bankCode !== bankCode) faults.push(`${ticketNo}: the record holds another order than was sent`)
    const bookings = (booked.get(ticketNo) ?? []).filter(b => b.kind !== 'reversal' && b.kind !== 'supplementary')
    if (!isFinal(state)) faults.push(`${ticketNo}: still ${state}`)
    if (bookings.length > 1) faults.push(`${ticketNo}: booked ${bookings.length} times`)
    if (state === 'succeeded' && bookings.length === 0) faults.push(`${ticketNo}: succeeded, but no bank booked it`)
    if (state === 'refused' && bookings.length > 0) faults.push(`${ticketNo}: refused, but booked`)
    for (const b of bookings) {
      if (b.amount !== amount) faults.push(`${ticketNo}: ${amount} fen asked, ${b.amount} booked`)
      if (b.bankCode !== bankCode || b.account !== order.account) faults.push(`${ticketNo}: booked on a foreign account`)
      if (b.kind !== 'debit') faults.push(`${ticketNo}: a booking of kind ${b.kind}`)
    }
  }
  return faults
}

/** How a bank's books call what the record calls so. */
const kindOf = { reversal: 'reversal', supplementaryDebit: 'supplementary' } as const

/** Each reversal and supplementary debit the record knows as done was booked exactly once, over its amount; none beside, and never more back than was taken. */
const checkGivenBack = ({ further = [], books }: Evidence): string[] => {
  const faults = further.filter(f => !isFinal(f.state)).map(f => `${f.ticketNo}: a ${f.verb} is still ${f.state}`)
  const entries = byTicket(books.flatMap(each => each.entries))
  const known = byTicket(further.filter(f => f.booked > 0))
  for (const ticketNo of new Set([...entries.keys(), ...known.keys()])) {
    const all = entries.get(ticketNo) ?? []
    for (const [verb, kind] of Object.entries(kindOf)) {
      const left = (known.get(ticketNo) ?? []).filter(f => f.verb === verb).map(f => f.booked)
      for (const { amount } of all.filter(b => b.kind === kind)) {
        const at = left.indexOf(amount)
        if (at < 0) faults.push(`${ticketNo}: a booking of kind ${kind} over ${amount} that the record does not know`)
        else left.splice(at, 1)
      }
      for (const amount of left) faults.push(`${ticketNo}: a ${verb} over ${amount} in the record, but at no bank`)
    }
    const back = all.filter(b => b.kind === 'reversal')
    const taken = all.filter(b => b.kind !== 'reversal').reduce((sum, b) => sum + b.amount, 0)
    const returned = back.reduce((sum, b) => sum + b.amount, 0)
    if (returned > taken) faults.push(`${ticketNo}: ${taken} fen taken, ${returned} given back`)
  }
  return faults
}

/** Nothing was booked that nobody sent, or that the record does not know. */
const checkStrays = ({ seen, record, books }: Evidence): string[] => {
  const known = new Set(record.map(r => r.ticketNo))
  return books.flatMap(({ entries }) =>
    entries.flatMap(({ ticketNo }) => [
      ...(seen.sent.has(ticketNo) ? [] : [`${ticketNo}: booked, but nobody sent it`]),
      ...(known.has(ticketNo) ? [] : [`${ticketNo}: booked, but not in the record`]),
    ]),
  )
}

/** The feed has every final ticket once, tells nobody of what nobody ordered, and what was adopted once more as that, without a gap; whoever read it while it grew has seen exactly that. */
const checkFeed = ({ seen, record, further = [], adopted = [], results }: Evidence): string[] => {
  const faults: string[] = []
  const lines = results.toSorted((a, b) => a.seq - b.seq)
  for (const [i, { seq }] of lines.entries()) if (seq !== i + 1) faults.push(`the feed has ${seq} where ${i + 1} should stand`)
  const published = byTicket(lines.filter(line => (line.verb ?? 'debit') === 'debit'))
  const others = byTicket(lines.filter(line => (line.verb ?? 'debit') !== 'debit'))
  const adoptions = adopted.map(ticketNo => ({ ticketNo, verb: 'adoption', state: 'succeeded' }))
  const finals = byTicket([...further.filter(f => isFinal(f.state) && f.unordered !== 1), ...adoptions])
  for (const ticketNo of new Set([...others.keys(), ...finals.keys()])) {
    const [told, done] = [others, finals].map(of =>
      (of.get(ticketNo) ?? [])
        .map(each => `${each.verb} ${each.state}`)
        .sort()
        .join(),
    )
    if (told !== done) faults.push(`${ticketNo}: the feed tells "${told}" beside its debit, the record "${done}"`)
  }
  for (const { ticketNo, state } of record) {
    const found = published.get(ticketNo) ?? []
    if (isFinal(state) && found.length !== 1) faults.push(`${ticketNo}: ${found.length} times in the feed`)
    for (const line of found) if (line.state !== state) faults.push(`${ticketNo}: ${state}, the feed says ${line.state}`)
  }
  const inRecord = new Set(record.map(r => r.ticketNo))
  for (const ticketNo of published.keys()) if (!inRecord.has(ticketNo)) faults.push(`${ticketNo}: in the feed, but not in the record`)
  const text = (l: Published) => `${l.seq} ${l.ticketNo} ${l.state}`
  const first = Array.from({ length: Math.max(lines.length, seen.feed.length) }, (_, i) => i).find(
    i => !lines[i] || !seen.feed[i] || text(lines[i]) !== text(seen.feed[i]),
  )
  if (first !== undefined)
    faults.push(
      `the reader of the feed saw "${seen.feed[first] ? text(seen.feed[first]) : 'nothing'}" at ${first + 1}, not what stands there`,
    )
  return faults
}

/** What was delivered is the feed, in its order; a run of lines may come again, whole, from a line that was delivered before. */
export const checkDelivered = (results: readonly Published[], delivered: readonly Published[]): string[] => {
  const faults: string[] = []
  const lines = new Map(results.map(line => [line.seq, line]))
  let last = 0
  for (const { seq, ticketNo, state } of delivered) {
    const line = lines.get(seq)
    if (line?.ticketNo !== ticketNo || line.state !== state)
      faults.push(`${ticketNo}: delivered as ${state} at ${seq}, where the feed holds another`)
    if (seq > last + 1) faults.push(`${seq} was delivered after ${last}`)
    last = Math.max(last, seq)
  }
  if (last !== results.length) faults.push(`delivered up to ${last} of ${results.length}`)
  return faults
}

const asides: ReadonlySet<string> = new Set(['stop', 'void', 'break', 'propose', 'approve', 'reject', 'withdraw', 'expire'])

/** Never again blindly: a debit is sent again only after proof that it did not arrive, and each ticket is settled once. */
const checkJournal = ({ journal }: Evidence): string[] => {
  const faults: string[] = []
  // What is said of an instruction beside its own course moves it nowhere.
  const moves = journal.filter(e => !asides.has(e.event))
  for (const entries of Map.groupBy(moves, e => e.instructionId ?? e.ticketNo).values()) {
    const { ticketNo } = entries[0]!
    if (entries.filter(e => e.event === 'accept').length !== 1 || entries[0]?.event !== 'accept')
      faults.push(`${ticketNo}: its journal does not begin with its one acceptance`)
    for (const [i, entry] of entries.entries()) {
      const before = entries[i - 1]
      if (entry.event === 'send' && before?.state !== 'accepted') faults.push(`${ticketNo}: sent after "${before?.event}", blindly`)
      if (entry.event === 'absent' && before?.event !== 'inquire') faults.push(`${ticketNo}: believed absent without an inquiry`)
      if (before && isFinal(before.state)) faults.push(`${ticketNo}: ${entry.event} after it was ${before.state}`)
    }
  }
  return faults
}

/** Σ tax = Σ bank, and every account holds what it held less what was booked. */
const checkSums = ({ record, further = [], books }: Evidence): string[] => {
  const faults: string[] = []
  for (const { bankCode, opening, accounts, entries } of books) {
    const mine = record.filter(r => r.bankCode === bankCode && r.state === 'succeeded')
    const signed = (e: { kind?: string; verb?: string }, fen: number) =>
      e.kind === 'reversal' || e.verb === 'reversal' ? -BigInt(fen) : BigInt(fen)
    const other = further.filter(f => f.bankCode === bankCode).reduce((sum, f) => sum + signed(f, f.booked), 0n)
    const tax = mine.reduce((sum, r) => sum + BigInt(r.amount), other)
    const bank = entries.reduce((sum, e) => sum + signed(e, e.amount), 0n)
    if (tax !== bank) faults.push(`bank ${bankCode}: the tax side has ${tax} fen, the bank booked ${bank}`)
    const held = new Map(opening.map(a => [a.account, BigInt(a.balance)]))
    for (const e of entries) held.set(e.account, (held.get(e.account) ?? 0n) - signed(e, e.amount))
    for (const { account, balance } of accounts)
      if (held.get(account) !== BigInt(balance))
        faults.push(`bank ${bankCode}: an account holds ${balance}, its bookings say ${held.get(account)}`)
  }
  return faults
}
