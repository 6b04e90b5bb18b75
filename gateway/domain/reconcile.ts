import type { BookingVerb } from './booking.ts'
import type { DebitState } from './debit.ts'
import type { EntryKey } from './fingerprint.ts'

// What a session finds: entries of the bank's file and of the ledger that are not the same, each named once. Pure; the remedies are another table.

/**
 * What is wrong with an entry.
 * amount-differs: both have it, with other amounts. bank-only: the tax side knows no instruction of this key. tax-only: the bank does not list it.
 * state-differs: the bank lists as failed what the tax side has as succeeded, or as booked what the tax side does not have as succeeded.
 * duplicate-at-bank: one key more than once, under several serials of the bank, in this file or under another accounting date.
 * reversed-one-side: only one side has given the money back. particulars-differ: the same money under another office, date, serial, account or ticket.
 * cut-off: it stands under a neighbouring accounting date on the other side, so it is explained (timing).
 * in-bank: the two sides agree, and the bank says itself that its core does not.
 */
export type DifferenceType = (typeof differenceTypes)[number]
/** All of them, in the order in which counts are shown. */
export const differenceTypes = [
  'amount-differs',
  'bank-only',
  'tax-only',
  'state-differs',
  'duplicate-at-bank',
  'reversed-one-side',
  'particulars-differ',
  'cut-off',
  'in-bank',
] as const

/**
 * The most findings of a session whose larger side has so many entries: a quarter of them, or ten thousand. Where more differs it is no matter of
 * single entries (单边账, art. 35): the file is another day's, another bank's or of another system, and no remedy may follow from it.
 */
export const mostFindings = (entries: number): number => Math.min(500_000, Math.max(10_000, entries >> 2))

/** A line of the bank's file. */
export type BankEntry = EntryKey & {
  readonly verb: BookingVerb
  readonly ticketNo: string
  readonly amount: number
  readonly status: 'booked' | 'failed' | 'reversed'
  readonly bankSerial: string
  readonly coreStatus: 'same' | 'missing' | 'differs' | undefined
  /** Keyed hash of the account, hexadecimal. */
  readonly accountDigest: string
  readonly lineNo: number
}
/** A booking of the ledger. */
export type TaxEntry = EntryKey & {
  readonly verb: BookingVerb
  readonly ticketNo: string
  readonly amount: number
  readonly accountDigest: string
  readonly instructionId: number | undefined
  readonly datedBy: 'bank' | 'clock'
}

/** What else is known of a key that one side alone has. */
export type Elsewhere = {
  /** The ledger has it under this very date: another line of the file was found equal to it. */
  readonly here?: { readonly amount: number; readonly instructionId: number | undefined }
  /** Where the ledger has it under another accounting date: that date, the amount, and whether that day's session found it at the bank. */
  readonly booked?: {
    readonly accountingDate: string
    readonly amount: number
    readonly instructionId: number | undefined
    readonly atBank: boolean
  }
  /** The instruction of this key. */
  readonly instruction?: { readonly id: number; readonly state: DebitState; readonly bankCode: string; readonly ticketNo: string }
  /** Where the file of another accounting date had it, and the ledger did not: that date. */
  readonly listedOn?: string
}

/** 差异: a finding. Amounts are fen; 0: that side has nothing. */
export type Difference = EntryKey & {
  readonly type: DifferenceType
  readonly verb: BookingVerb
  readonly ticketNo: string
  readonly instructionId: number | undefined
  readonly taxAmount: number
  /** Of all the bank's entries of this key. */
  readonly bankAmount: number
  readonly bankEntries: number
  /** Of the last of them. */
  readonly bankSerial: string | undefined
  readonly lineNo: number | undefined
  /** What is not said by the columns: which particulars differ, the neighbouring date, the state of the instruction. Never a private value. */
  readonly detail: { readonly [name: string]: string | number | boolean }
}

/** The text of a key with its verb, by which entries meet and findings are in order. */
export const entryName = ({ officeCode, entrustDate, serialNo, verb }: EntryKey & { readonly verb: BookingVerb }): string =>
  `${officeCode}/${entrustDate}/${serialNo}/${verb}`
const keyName = ({ officeCode, entrustDate, serialNo }: EntryKey): string => `${officeCode}/${entrustDate}/${serialNo}`

type Group = { readonly bank: BankEntry[]; readonly failed: BankEntry[]; tax?: TaxEntry }

/** Entries of one key and verb; where each side has one that the other calls differently, they are of one key all the same. */
const groupsOf = (bank: readonly BankEntry[], tax: readonly TaxEntry[]): Group[] => {
  const groups = new Map<string, Group>()
  const at = (name: string): Group => {
    const found = groups.get(name) ?? { bank: [], failed: [] }
    groups.set(name, found)
    return found
  }
  for (const entry of tax) at(entryName(entry)).tax = entry
  for (const entry of bank.toSorted((a, b) => a.lineNo - b.lineNo)) {
    const group = at(entryName(entry))
    ;(entry.status === 'failed' ? group.failed : group.bank).push(entry)
  }
  return [...groups.values()]
}

/** What only the bank, or only the tax side, has; and pairs of them that are the same money under another name. */
const paired = (groups: readonly Group[]): { readonly groups: readonly Group[]; readonly pairs: readonly [BankEntry, TaxEntry][] } => {
  const money = (e: BankEntry | TaxEntry) => `${e.ticketNo}/${e.amount}`
  const lonely = new Map<string, Group[]>()
  for (const group of groups) {
    if (group.tax && group.bank.length === 0 && group.failed.length === 0) {
      const name = money(group.tax)
      lonely.set(name, [...(lonely.get(name) ?? []), group])
    }
  }
  const gone = new Set<Group>()
  const pairs: [BankEntry, TaxEntry][] = []
  for (const group of groups) {
    const [entry] = group.bank
    // What the bank has taken back is nobody's money under another name.
    if (group.tax || entry?.status !== 'booked' || group.bank.length > 1) continue
    const others = (lonely.get(money(entry)) ?? []).filter(other => !gone.has(other))
    const match = others.find(({ tax }) => keyName(tax!) === keyName(entry)) ?? others.find(({ tax }) => tax!.verb === entry.verb)
    if (!match) continue
    gone.add(match).add(group)
    pairs.push([entry, match.tax!])
  }
  return { groups: groups.filter(group => !gone.has(group)), pairs }
}

/** Which particulars of a pair are not the same. */
const particulars = (bank: BankEntry, tax: TaxEntry): { readonly [name: string]: string } => ({
  ...(bank.officeCode === tax.officeCode ? {} : { officeCode: bank.officeCode }),
  ...(bank.entrustDate === tax.entrustDate ? {} : { entrustDate: bank.entrustDate }),
  ...(bank.serialNo === tax.serialNo ? {} : { serialNo: bank.serialNo }),
  ...(bank.verb === tax.verb ? {} : { verb: bank.verb }),
  ...(bank.ticketNo === tax.ticketNo ? {} : { ticketNo: bank.ticketNo }),
  ...(bank.accountDigest === tax.accountDigest ? {} : { account: 'differs' }),
})

const keyOf = ({ officeCode, entrustDate, serialNo }: EntryKey): EntryKey => ({ officeCode, entrustDate, serialNo })
const sumOf = (entries: readonly BankEntry[]): number => entries.reduce((sum, { amount }) => sum + amount, 0)

const found = (
  type: DifferenceType,
  about: BankEntry | TaxEntry,
  tax: TaxEntry | undefined,
  bank: readonly BankEntry[],
  detail: Difference['detail'] = {},
): Difference => ({
  ...keyOf(about),
  type,
  verb: about.verb,
  ticketNo: about.ticketNo,
  instructionId: tax?.instructionId,
  taxAmount: tax?.amount ?? 0,
  bankAmount: sumOf(bank),
  bankEntries: bank.length,
  bankSerial: bank.at(-1)?.bankSerial,
  lineNo: bank.at(-1)?.lineNo,
  detail,
})

/** What the bank still has of its entries: not those that it calls reversed, unless a reversal of its file is what gave them back. */
const remaining = (bank: readonly BankEntry[], isReversed: boolean): readonly BankEntry[] =>
  isReversed ? bank : bank.filter(({ status }) => status !== 'reversed')

/** The bank says that it gave back all it had, and lists no reversal that did: it has nothing. */
const takenBack = (last: BankEntry, tax: TaxEntry | undefined): Difference => ({
  ...found('reversed-one-side', tax ?? last, tax, [], { status: 'reversed' }),
  bankSerial: last.bankSerial,
  lineNo: last.lineNo,
})

const onlyTax = (tax: TaxEntry, failed: readonly BankEntry[], elsewhere: Elsewhere): Difference => {
  const byClock: Difference['detail'] = tax.datedBy === 'clock' ? { datedBy: 'clock' } : {}
  const refusal = failed.at(-1)
  if (refusal)
    return {
      ...found('state-differs', tax, tax, []),
      bankSerial: refusal.bankSerial,
      lineNo: refusal.lineNo,
      detail: { status: 'failed', ...byClock },
    }
  if (elsewhere.listedOn !== undefined) return found('cut-off', tax, tax, [], { accountingDate: elsewhere.listedOn, ...byClock })
  return found(tax.verb === 'reversal' ? 'reversed-one-side' : 'tax-only', tax, tax, [], byClock)
}

const onlyBank = (listed: readonly BankEntry[], { here, booked, instruction }: Elsewhere, isReversed: boolean): Difference[] => {
  const bank = remaining(listed, isReversed)
  const last = bank.at(-1) ?? listed.at(-1)!
  const named = (difference: Difference): Difference[] => [
    { ...difference, instructionId: here?.instructionId ?? booked?.instructionId ?? instruction?.id },
  ]
  // Of several the bank has kept the one that was found equal; of one alone it has kept nothing, and the tax side has nothing.
  if (bank.length === 0) return here ? [] : named(takenBack(last, undefined))
  if (here) {
    const whole = { taxAmount: here.amount, bankAmount: here.amount + sumOf(bank), bankEntries: bank.length + 1 }
    return named({ ...found('duplicate-at-bank', last, undefined, bank), ...whole })
  }
  if (booked) {
    const { accountingDate, amount } = booked
    // Once under each of two dates, and the ledger has it once.
    if (booked.atBank || bank.length > 1)
      return named(found('duplicate-at-bank', last, undefined, bank, { accountingDate, bookedAmount: amount }))
    if (amount === sumOf(bank)) return named(found('cut-off', last, undefined, bank, { accountingDate }))
    return named(found('amount-differs', last, undefined, bank, { accountingDate, bookedAmount: amount }))
  }
  const detail: Difference['detail'] = instruction ? { state: instruction.state } : {}
  if (last.verb === 'reversal') return named(found('reversed-one-side', last, undefined, bank, detail))
  return named(found(instruction ? 'state-differs' : 'bank-only', last, undefined, bank, detail))
}

const both = (listed: readonly BankEntry[], tax: TaxEntry, isReversed: boolean): Difference[] => {
  const bank = remaining(listed, isReversed)
  const [entry] = bank
  if (!entry) return [takenBack(listed.at(-1)!, tax)]
  if (bank.length > 1) return [found('duplicate-at-bank', tax, tax, bank)]
  const detail = particulars(entry, tax)
  if (entry.amount !== tax.amount) return [found('amount-differs', tax, tax, bank, detail)]
  if (Object.keys(detail).length > 0) return [found('particulars-differ', tax, tax, bank, detail)]
  if (entry.coreStatus === 'missing' || entry.coreStatus === 'differs')
    return [found('in-bank', tax, tax, bank, { coreStatus: entry.coreStatus })]
  return []
}

/** Of keys that one side alone has, what else is known; looked up for all of them at once. */
export type Lookup = (keys: readonly (EntryKey & { readonly verb: BookingVerb })[]) => Promise<ReadonlyMap<string, Elsewhere>>

/** The keys of which one side alone has an entry: what has to be looked up before they are named. */
export const lonelyKeys = (bank: readonly BankEntry[], tax: readonly TaxEntry[]): (EntryKey & { readonly verb: BookingVerb })[] =>
  paired(groupsOf(bank, tax)).groups.flatMap(group => {
    const [entry] = group.bank
    if (group.tax && !entry) return [{ ...keyOf(group.tax), verb: group.tax.verb }]
    return !group.tax && entry ? [{ ...keyOf(entry), verb: entry.verb }] : []
  })

/**
 * Names the differences among entries that were not found equal; those that turn out to be are left out. `reversedAtBank` are the keys (as
 * `officeCode/entrustDate/serialNo`) that a reversal in the bank's file gives back. In the order of the keys: the same entries give the same list.
 */
export const classify = (
  bank: readonly BankEntry[],
  tax: readonly TaxEntry[],
  reversedAtBank: ReadonlySet<string>,
  elsewhere: ReadonlyMap<string, Elsewhere>,
): Difference[] => {
  const { groups, pairs } = paired(groupsOf(bank, tax))
  const known = (entry: EntryKey & { readonly verb: BookingVerb }): Elsewhere => elsewhere.get(entryName(entry)) ?? {}
  const singles = groups.flatMap((group): Difference[] => {
    const [entry] = group.bank
    if (group.tax && entry) return both(group.bank, group.tax, reversedAtBank.has(keyName(entry)))
    if (group.tax) return [onlyTax(group.tax, group.failed, known(group.tax))]
    // What the bank refused and the tax side does not have is no difference.
    return entry ? onlyBank(group.bank, known(entry), reversedAtBank.has(keyName(entry))) : []
  })
  const moved = pairs.map(([entry, own]) => found('particulars-differ', own, own, [entry], particulars(entry, own)))
  const name = (d: Difference) => entryName(d)
  return [...singles, ...moved].sort((a, b) => (name(a) < name(b) ? -1 : name(a) > name(b) ? 1 : (a.lineNo ?? 0) - (b.lineNo ?? 0)))
}
