import { type Bank, type FileCodec, fail, type HeaderOf, type LineOf, maxFen } from '@taxlink/bank-sdk'
import type { Entry, Ledger } from './ledger.ts'

/** What may be wrong in a detail file although the ledger is right. */
export const fileDeeds = [
  'wrong-account',
  'wrong-office',
  'wrong-ticket',
  /** The entrust date of the day before. */
  'wrong-date',
  /** `fen` more than was booked. */
  'wrong-amount',
  'status-failed',
  /** As if it had been given back; no line says by what. */
  'status-reversed',
  /** The front end has it, the core has not. */
  'core-missing',
  'core-differs',
  'line-missing',
  'line-twice',
  /** This line and the next have each other's amount. */
  'amounts-swapped',
] as const
export type FileDeed = (typeof fileDeeds)[number]
/** One planned mistake of the detail files: all of what is given must hold; the first rule that holds is taken. */
export type FileRule = {
  readonly when?: {
    readonly accountingDate?: string
    /** The last digits of the ticket number. */
    readonly ticketNo?: string
    readonly key?: string
    readonly verb?: Entry['verb']
    /** The nth line of the day, from 1; each nth. */
    readonly nth?: number
    readonly every?: number
  }
  readonly do: FileDeed
  readonly fen?: number
  /** The last session in which it is wrong; it always is, unless told. */
  readonly until?: number
}
/** Which file is meant. */
export type DaySession = { readonly accountingDate: string; readonly session: number; readonly workDate: string }

type Line = LineOf<'detail'>
type Part = { readonly header: HeaderOf<'detail'>; readonly from: number; readonly to: number }

/** The detail files of a bank, from its ledger: the same again for the same day and session, as long as nothing is booked. */
export class Details {
  readonly #ledger: Ledger
  readonly #bank: Bank
  readonly #perFile: number
  #rules: readonly FileRule[] = []

  constructor(ledger: Ledger, bank: Bank, perFile = Number.POSITIVE_INFINITY) {
    this.#ledger = ledger
    this.#bank = bank
    this.#perFile = perFile
  }

  /** How the bank writes such files; undefined where it declares none. */
  get file(): FileCodec<'detail'> | undefined {
    return this.#bank.files?.detail
  }

  /** Puts other planned mistakes in place of the present ones. */
  plan(rules: readonly FileRule[]): void {
    for (const [at, rule] of rules.entries()) check(rule, at)
    this.#rules = rules
  }

  /** The names of the files of a day and session, in order. */
  names(of: DaySession): string[] {
    return this.#parts(of).map(({ header }) => this.#file.nameOf(header))
  }

  /** The files of a day and session: their names, and their bytes as a stream. */
  write(of: DaySession): { readonly name: string; readonly bytes: () => AsyncGenerator<Buffer> }[] {
    return this.#parts(of).map(({ header, from, to }) => ({
      name: this.#file.nameOf(header),
      bytes: () => this.#file.write(header, some(this.#lines(of), from, to)),
    }))
  }

  get #file(): FileCodec<'detail'> {
    return this.file ?? fail('bad-declaration', `bank ${this.#bank.code} declares no detail file`)
  }

  /** The header of each part: the whole must be known before the first line is written, so that it is gone over twice. */
  #parts(of: DaySession): Part[] {
    let [fileCount, debits, credits] = [0, 0n, 0n]
    for (const { verb, amount } of this.#lines(of)) {
      fileCount++
      if (verb === 'debit' || verb === 'supplementaryDebit') debits += BigInt(amount)
      else credits += BigInt(amount)
    }
    if (debits > BigInt(maxFen) || credits > BigInt(maxFen)) fail('over-limit', 'the day sums to more than a file can say')
    const chunks = Math.max(1, Math.ceil(fileCount / this.#perFile))
    const whole = { bankCode: this.#bank.code, ...of, chunks, fileCount, fileDebitSum: Number(debits), fileCreditSum: Number(credits) }
    return Array.from({ length: chunks }, (_, i) => ({
      header: { ...whole, chunk: i + 1 },
      from: i === 0 ? 0 : i * this.#perFile,
      to: (i + 1) * this.#perFile,
    }))
  }

  /** The lines of a day, spoilt as the plan wants it. */
  *#lines({ accountingDate, session }: DaySession): Generator<Line> {
    let nth = 0
    let held: Line | undefined
    for (const entry of this.#ledger.entries()) {
      if (entry.accountingDate !== accountingDate) continue
      nth++
      const rule = this.#rules.find(one => holds(one, entry, nth, session))
      const line = this.#lineOf(entry)
      if (held) {
        yield { ...held, amount: line.amount }
        yield { ...line, amount: held.amount }
        held = undefined
      } else if (rule?.do === 'amounts-swapped') held = line
      else yield* spoilt(line, rule)
    }
    if (held) yield held
  }

  #lineOf(entry: Entry): Line {
    const [officeCode = '', entrustDate = '', serialNo = ''] = entry.key.split('/')
    const [, originalEntrustDate, originalSerialNo] = entry.original?.split('/') ?? []
    const name = this.#ledger.nameOf(entry.account)
    const { verb, ticketNo, account, amount, serial, accountingDate, noticeNo, items } = entry
    return {
      officeCode,
      entrustDate,
      serialNo,
      verb,
      ticketNo,
      account,
      ...(name === undefined ? {} : { taxpayerName: name }),
      amount,
      status: 'booked',
      bankSerial: serial,
      accountingDate,
      ...(originalEntrustDate === undefined ? {} : { originalEntrustDate }),
      ...(originalSerialNo === undefined ? {} : { originalSerialNo }),
      ...(noticeNo === undefined ? {} : { noticeNo }),
      coreStatus: 'same',
      // Items of another sum than was booked would be no line.
      ...(items && items.reduce((sum, item) => sum + item.amount, 0) === amount ? { items } : {}),
    }
  }
}

const some = function* <T>(all: Iterable<T>, from: number, to: number): Generator<T> {
  let at = 0
  for (const one of all) {
    if (at >= to) return
    if (at >= from) yield one
    at++
  }
}

const holds = ({ when = {}, until }: FileRule, entry: Entry, nth: number, session: number): boolean =>
  (until === undefined || session <= until) &&
  (when.accountingDate === undefined || when.accountingDate === entry.accountingDate) &&
  (when.ticketNo === undefined || entry.ticketNo.endsWith(when.ticketNo)) &&
  (when.key === undefined || when.key === entry.key) &&
  (when.verb === undefined || when.verb === entry.verb) &&
  (when.nth === undefined || when.nth === nth) &&
  (when.every === undefined || nth % when.every === 0)

/** The text with another last digit. */
const other = (text: string): string => text.slice(0, -1) + String((Number(text.at(-1)) + 1) % 10 || 0)
const dayBefore = (date: string): string => new Date(Date.parse(`${date}T00:00:00Z`) - 86_400_000).toISOString().slice(0, 10)

const spoilt = (line: Line, rule: FileRule | undefined): readonly Line[] => {
  const { items: _, ...bare } = line
  switch (rule?.do) {
    case undefined:
    case 'amounts-swapped':
      return [line]
    case 'wrong-account':
      return [{ ...line, account: other(line.account) }]
    case 'wrong-office':
      return [{ ...line, officeCode: other(line.officeCode) }]
    case 'wrong-ticket':
      return [{ ...line, ticketNo: other(line.ticketNo) }]
    case 'wrong-date':
      return [{ ...line, entrustDate: dayBefore(line.entrustDate) }]
    case 'wrong-amount':
      return [{ ...bare, amount: line.amount + (rule.fen ?? 1) }]
    case 'status-failed':
      return [{ ...line, status: 'failed' }]
    case 'status-reversed':
      return [{ ...line, status: 'reversed' }]
    case 'core-missing':
      return [{ ...line, coreStatus: 'missing' }]
    case 'core-differs':
      return [{ ...line, coreStatus: 'differs' }]
    case 'line-missing':
      return []
    case 'line-twice':
      return [line, line]
  }
}

const check = (rule: FileRule, at: number): void => {
  const wrong = (what: string): never => fail('bad-value', `rule ${at + 1} of the files: ${what}`)
  const whole = (value: unknown): boolean => value === undefined || (Number.isSafeInteger(value) && Number(value) >= 1)
  if (!fileDeeds.includes(rule.do)) wrong(`"do" must be one of ${fileDeeds.join(', ')}`)
  const { accountingDate: _date, ticketNo: _ticket, key: _key, verb: _verb, nth, every, ...more } = rule.when ?? {}
  if (Object.keys(more).length > 0) wrong('"when" knows accountingDate, ticketNo, key, verb, nth and every')
  if (!whole(nth) || !whole(every) || !whole(rule.until)) wrong('"nth", "every" and "until" count from 1')
  if (rule.fen !== undefined && !Number.isSafeInteger(rule.fen)) wrong('"fen" is a whole number')
}
