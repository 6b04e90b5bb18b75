import { fail, type Heard, isDate, keyText, maxFen, type TaxItem, type UnifiedCode } from '@taxlink/bank-sdk'
import { type AccountState, type BindingChange, Bindings, debitRefusal } from './bindings.ts'
import { DayEnd, type DayEndChange, isDayEndChange } from './day-end.ts'
import { type DaySums, type DayTotals, noSums, totalsOf } from './day-totals.ts'

/** An account as a file or a test gives it. What is left out is not checked; `agreementNo: null` is an account without agreement. */
export type Account = {
  readonly account: string
  readonly name?: string
  /** In fen; text of digits where it passes 2^53. */
  readonly balance: number | bigint | string
  readonly state?: AccountState
  readonly agreementNo?: string | null
  readonly taxpayerId?: string
  /** The number of its branch, as the bank has it. */
  readonly branch?: string
}

/** What a bank says to a request: unified code, fen moved, the serial of its booking, its accounting date. */
export type Verdict = { readonly code: UnifiedCode; readonly amount: number; readonly serial?: string; readonly date: string }

/** What the bank decided about one instruction. Money moved exactly where there is a serial. Never changed; a later one may follow. */
export type Decision = Verdict & {
  readonly type: 'decision'
  readonly verb: 'debit' | 'supplementaryDebit' | 'reversal' | 'adjustment'
  readonly key: string
  readonly original?: string
  readonly ticketNo: string
  readonly account: string
  readonly asked: number
  /** The adjustment notice it follows. */
  readonly noticeNo?: string
  /** The tax items, where the bank keeps them. */
  readonly items?: readonly TaxItem[]
  /** Milliseconds since 1970, UTC. */
  readonly at: number
}
/** A change of the ledger: the ledger is the sum of its changes, a journal is their list. */
export type Change =
  | Decision
  | BindingChange
  | DayEndChange
  | { readonly type: 'day'; readonly date: string }
  | { readonly type: 'account'; readonly account: Omit<Account, 'balance'> & { readonly balance: string } }

/** One booking: never changed, never removed; a reversal is a booking of its own. */
export type Entry = {
  readonly serial: string
  readonly key: string
  readonly verb: Decision['verb']
  readonly kind: 'debit' | 'supplementary' | 'reversal' | 'adjustment'
  readonly ticketNo: string
  readonly account: string
  readonly amount: number
  readonly bookedAt: string
  readonly accountingDate: string
  /** The key of the instruction it reverses, supplements or adjusts. */
  readonly original?: string
  readonly noticeNo?: string
  readonly items?: readonly TaxItem[]
}
export type LedgerOptions = {
  readonly accounts: readonly Account[]
  readonly accountingDate: string
  /** `by-key` (default): a key is booked once for all. `none`: a bank that books whatever comes, against which proofs are made. */
  readonly dedupe?: 'by-key' | 'none'
  /** Which reversals the bank makes: of a part, too (`any`, default), of the whole only, or none. */
  readonly reversals?: 'any' | 'whole-only' | 'none'
  /** Whether the bank keeps the tax items of what it books. */
  readonly keepsItems?: boolean
  /** Told every change as it happens, before the answer: the place of a journal. */
  readonly write?: (change: Change) => void
}

/** How a bank errs in its booking: at most, or more than was asked, in fen; twice; or under the next accounting date. */
export type Odd = { readonly most?: number; readonly more?: number; readonly twice?: boolean; readonly nextDay?: boolean }

type Debit = Heard<'debit'> | Heard<'supplementaryDebit'>
type Holder = {
  readonly account: string
  readonly name?: string
  readonly agreementNo?: string | null
  readonly taxpayerId?: string
  readonly branch?: string
  balance: bigint
  readonly state: AccountState
}
type Standing = { decision: Decision; booked: bigint; reversed: bigint }
type Ask = Pick<Decision, 'verb' | 'key' | 'original' | 'ticketNo' | 'account' | 'asked' | 'noticeNo' | 'items'>

const stateCodes = { open: '90000', frozen: '24004', closed: '24005', lost: '24011', stopped: '24012' } as const
const kinds = { debit: 'debit', supplementaryDebit: 'supplementary', reversal: 'reversal', adjustment: 'adjustment' } as const

/** A bank's ledger: deterministic, without clock and without I/O; `now` comes with each call. */
export class Ledger {
  readonly #options: LedgerOptions
  readonly #accounts = new Map<string, Holder>()
  /** The bindings of its accounts to agreements. */
  readonly bindings = new Bindings({
    holder: account => this.#accounts.get(account),
    date: () => this.#date,
    change: change => this.#change(change),
  })
  /** What it has heard of its days that are over, and has to tell. */
  readonly dayEnd = new DayEnd({ date: () => this.#date, change: change => this.#change(change) })
  readonly #standings = new Map<string, Standing>()
  readonly #tombstones = new Set<string>()
  readonly #booked: Decision[] = []
  readonly #days = new Map<string, DaySums>()
  #date: string
  #serial = 0

  constructor(options: LedgerOptions) {
    if (!isDate(options.accountingDate)) fail('not-a-date', 'the accounting date must be yyyy-MM-dd')
    this.#options = options
    this.#date = options.accountingDate
    for (const account of options.accounts) this.#open(account)
  }

  /** The bank's accounting date (会计日期), which no clock moves: only `endDay` does. */
  get accountingDate(): string {
    return this.#date
  }

  /**
   * Debits an account once for all keys: the same key with the same content gets the first answer, with other content 93004. `odd`: a bank that
   * errs.
   */
  debit(request: Heard<'debit'>, now: Date, odd?: Odd): Verdict {
    return this.#take(askOf('debit', request), request, now, odd)
  }

  /** A further debit of a ticket (art. 35(2), 35(3)); an original the bank has booked must be of the same ticket and account. */
  supplementaryDebit(request: Heard<'supplementaryDebit'>, now: Date, odd?: Odd): Verdict {
    return this.#take(askOf('supplementaryDebit', request), request, now, odd)
  }

  /** Takes an instruction in without deciding it: 99091 until `complete`. What can be refused at once is refused at once. */
  accept(verb: 'debit' | 'supplementaryDebit', request: Debit, now: Date): Verdict {
    const ask = askOf(verb, request)
    const known = this.#known(ask)
    if (known) return known
    const code = this.#refusal(ask, request)
    return this.#decide(ask, code === '90000' ? '99091' : code, 0, now)
  }

  /** Decides an instruction that was taken in: as the accounts stand now. A reversal in between has stopped it: 24020. */
  complete(key: string, now: Date): Verdict | undefined {
    const pending = this.#standings.get(key)?.decision
    if (pending?.code !== '99091') return undefined
    const code = this.#tombstones.has(key) ? '24020' : this.#solvency(pending)
    return this.#decide(pending, code, code === '90000' ? pending.asked : 0, now)
  }

  /** The keys of the instructions taken in and not yet decided. */
  pending(): string[] {
    return [...this.#standings.values()].filter(s => s.decision.code === '99091').map(s => s.decision.key)
  }

  /**
   * Gives back all or a part of a debit of the same accounting day (art. 35(1)). Without a booked original: 94054, and a tombstone,
   * so that the original is refused with 24020 should it still arrive.
   */
  reverse(request: Heard<'reversal'>, now: Date): Verdict {
    const ask = askOf('reversal', request)
    const known = this.#sameKey(ask)
    if (known) return known
    const code = this.#reversalCode(ask, request.originalAmount)
    return this.#decide(ask, code, code === '90000' || code === '94032' ? ask.asked : 0, now)
  }

  /** Gives back what an adjustment notice asks for (art. 35(1)), to the account of the booking it names, on the present accounting date. */
  adjust(request: Heard<'adjustmentNotice'>, now: Date): Verdict {
    const { officeCode, originalEntrustDate, originalSerialNo, ticketNo, amount: asked, noticeNo } = request
    const original = keyText({ officeCode, entrustDate: originalEntrustDate, serialNo: originalSerialNo })
    // What it has no booking of (a reversal that it never made) it finds by the ticket.
    const ofTicket = () => this.#booked.findLast(booked => booked.ticketNo === ticketNo)?.account
    const account = this.#standings.get(original)?.decision.account ?? request.account ?? ofTicket() ?? ''
    const ask: Ask = { verb: 'adjustment', key: keyText(request), original, ticketNo, account, asked, noticeNo }
    const known = this.#sameKey(ask)
    if (known) return known
    const code = this.#accounts.has(account) ? '90000' : '24001'
    return this.#decide(ask, code, code === '90000' ? asked : 0, now)
  }

  /** Books a debit that nobody has sent: a bank that errs. Its serial number is of no instruction. */
  bookUnsent(
    unsent: { readonly officeCode: string; readonly ticketNo: string; readonly account: string; readonly amount: number },
    now: Date,
  ): Verdict {
    const { officeCode, ticketNo, account, amount: asked } = unsent
    if (!this.#accounts.has(account)) fail('bad-value', 'there is no such account')
    const key = keyText({ officeCode, entrustDate: this.#date, serialNo: this.#ownSerial() })
    return this.#decide({ verb: 'debit', key, ticketNo, account, asked }, '90000', asked, now)
  }

  /** Gives back, once and wholly, what it has booked of an instruction, though nobody asked: a bank that errs. The serial number is of no instruction. */
  takeBack(original: string, now: Date): void {
    const standing = this.#standings.get(original)
    if (!standing || standing.booked === 0n || standing.reversed > 0n) return
    const { ticketNo, account } = standing.decision
    const [officeCode = ''] = original.split('/')
    const key = keyText({ officeCode, entrustDate: this.#date, serialNo: this.#ownSerial() })
    const asked = Number(standing.booked)
    this.#decide({ verb: 'reversal', key, original, ticketNo, account, asked }, '90000', asked, now)
  }

  /** What became of the instruction with this key: never a guess, 94054 where there is none. */
  inquire(request: Heard<'inquiry'>): Verdict {
    const key = keyText(request)
    const standing = this.#standings.get(key)
    if (!standing) return this.#verdict(this.#tombstones.has(key) ? '24020' : '94054')
    // A refusal here would be read as the fate of the instruction: a question that contradicts itself leaves it unknown.
    if (standing.decision.ticketNo !== request.ticketNo) return this.#verdict('94999')
    return this.#fate(standing)
  }

  /** The answer to a link test: the accounting date tells whether the day has ended. */
  linkTest(): Verdict {
    return this.#verdict('90000')
  }

  /** Ends the accounting day (日终): from here on its debits cannot be reversed. The next one is the next calendar day unless told. */
  endDay(next: string = dayAfter(this.#date)): string {
    if (!isDate(next) || next <= this.#date) fail('bad-value', 'the next accounting date must be a later day')
    this.#change({ type: 'day', date: next })
    return next
  }

  /** Opens an account, or changes what is given of one: a balance or state set from outside, so no booking. */
  set(account: Account): void {
    const merged = { ...this.#accounts.get(account.account), ...account }
    this.#change({ type: 'account', account: { ...merged, balance: String(fenOf(merged.balance)) } })
  }

  /** Makes a change that was decided before: how a journal is read back. */
  apply(change: Change): void {
    if (change.type === 'day') this.#date = change.date
    else if (change.type === 'account') this.#open(change.account)
    else if (change.type === 'decision') this.#settle(change)
    else if (isDayEndChange(change)) this.dayEnd.apply(change)
    else this.bindings.apply(change)
  }

  /** The accounts as they stand. */
  *accounts(): Generator<{ readonly account: string; readonly balance: bigint; readonly state: AccountState; readonly name?: string }> {
    for (const { account, balance, state, name } of this.#accounts.values())
      yield name === undefined ? { account, balance, state } : { account, balance, state, name }
  }

  /** The bookings in their order, from the `from`th on. */
  *entries(from = 0): Generator<Entry> {
    for (let at = from; at < this.#booked.length; at++) yield entryOf(this.#booked[at]!)
  }

  /** Count and sum of debits and reversals per accounting date, oldest first. */
  summary(): DayTotals[] {
    return [...this.#days].sort(([a], [b]) => (a < b ? -1 : 1)).map(([accountingDate, day]) => totalsOf(accountingDate, day))
  }

  /** The same of one accounting date; nothing may have been booked on it. */
  totals(accountingDate: string): DayTotals {
    return totalsOf(accountingDate, this.#days.get(accountingDate) ?? noSums())
  }

  /** The name of an account's holder, where the bank knows it. */
  nameOf(account: string): string | undefined {
    return this.#accounts.get(account)?.name
  }

  /** A serial number that no instruction has. */
  #ownSerial(): string {
    return String(90_000_000 + this.#serial)
  }

  #take(asked: Ask, request: Debit, now: Date, { most = asked.asked, more = 0, twice, nextDay }: Odd = {}): Verdict {
    const ask = this.#options.keepsItems && request.items ? { ...asked, items: request.items } : asked
    const known = this.#known(ask)
    if (known) return known
    const code = this.#refusal(ask, request)
    if (code !== '90000') return this.#decide(ask, code, 0, now)
    const amount = Math.min(ask.asked, most) + more
    const date = nextDay ? dayAfter(this.#date) : this.#date
    const verdict = this.#decide(ask, code, amount, now, date)
    if (twice) this.#decide(ask, code, amount, now, date)
    return verdict
  }

  /** The answer a key already has; a tombstone is an answer, too. */
  #known(ask: Ask): Verdict | undefined {
    return this.#sameKey(ask) ?? (this.#tombstones.has(ask.key) ? this.#verdict('24020') : undefined)
  }

  #sameKey(ask: Ask): Verdict | undefined {
    const standing = this.#standings.get(ask.key)
    if (!standing || (this.#options.dedupe === 'none' && standing.decision.code !== '99091')) return undefined
    return sameContent(standing.decision, ask) ? this.#fate(standing) : this.#verdict('93004')
  }

  /** What an instruction has come to: wholly given back, or stopped before it was decided, it will not be debited any more. */
  #fate(standing: Standing): Verdict {
    const stopped = standing.decision.code === '99091' && this.#tombstones.has(standing.decision.key)
    return stopped || undone(standing) ? this.#verdict('24020') : standing.decision
  }

  /** Why a debit is refused, 90000 if it is not. The balance may be used up: the bank decides (art. 32). */
  #refusal(ask: Ask, request: Debit): UnifiedCode {
    if (!Number.isSafeInteger(ask.asked) || ask.asked < 1 || ask.asked > maxFen) return '93003'
    if (request.items && request.items.reduce((sum, item) => sum + BigInt(item.amount), 0n) !== BigInt(ask.asked)) return '93007'
    const holder = this.#accounts.get(ask.account)
    if (!holder) return '24001'
    if (differs(request.taxpayerName, holder.name) || differs(request.taxpayerId, holder.taxpayerId)) return '24002'
    const unbound = this.#unbound(request, holder)
    if (unbound) return unbound
    if (ask.verb === 'supplementaryDebit' && !this.#supplements(ask, request)) return '93004'
    return this.#solvency(ask)
  }

  /** Why no debit passes under this agreement: its binding says, or, where there is none, what the account was opened with. */
  #unbound({ agreementNo }: Debit, holder: Holder): UnifiedCode | undefined {
    const binding = this.bindings.of(agreementNo)
    if (binding?.account === holder.account) return debitRefusal(binding)
    if (holder.agreementNo === null) return '24009'
    return binding || differs(agreementNo, holder.agreementNo) ? '24016' : undefined
  }

  #solvency(ask: Ask): UnifiedCode {
    const holder = this.#accounts.get(ask.account)
    if (!holder) return '24001'
    if (holder.state !== 'open') return stateCodes[holder.state]
    return holder.balance >= BigInt(ask.asked) ? '90000' : '24003'
  }

  #supplements(ask: Ask, request: Partial<Heard<'supplementaryDebit'>>): boolean {
    const original = this.#standings.get(ask.original ?? '')
    if (!original || original.booked === 0n) return request.reason !== 'under-debited'
    return original.decision.ticketNo === ask.ticketNo && original.decision.account === ask.account
  }

  /** The decision table of a reversal, in the order in which the reasons outrank each other. */
  #reversalCode(ask: Ask, originalAmount: number | undefined): UnifiedCode {
    if (!Number.isSafeInteger(ask.asked) || ask.asked < 1 || ask.asked > maxFen) return '93003'
    const original = this.#standings.get(ask.original!)
    const reversals = this.#options.reversals ?? 'any'
    if (reversals === 'none') return '34001'
    if (!original) return '94054'
    const { decision, booked, reversed } = original
    if (decision.verb === 'reversal') return '34001'
    if (decision.ticketNo !== ask.ticketNo || decision.account !== ask.account) return '93004'
    if (originalAmount !== undefined && originalAmount !== decision.asked) return '93004'
    if (booked === 0n) return '94054'
    const amount = BigInt(ask.asked)
    if (reversed === booked && amount === reversed) return '94032'
    if (decision.date !== this.#date) return '38002'
    if (amount > booked - reversed) return '34001'
    return reversals === 'whole-only' && amount !== booked ? '34001' : '90000'
  }

  #decide(ask: Ask, code: UnifiedCode, amount: number, now: Date, date = this.#date): Decision {
    const { verb, key, original, ticketNo, account, asked, noticeNo, items } = ask
    const decision: Decision = {
      type: 'decision',
      verb,
      key,
      ...(original === undefined ? {} : { original }),
      ticketNo,
      account,
      asked,
      ...(noticeNo === undefined ? {} : { noticeNo }),
      ...(items === undefined ? {} : { items }),
      code,
      amount,
      ...(code === '90000' ? { serial: compact(date) + String(this.#serial + 1).padStart(8, '0') } : {}),
      at: now.getTime(),
      date,
    }
    this.#change(decision)
    return decision
  }

  #change(change: Change): void {
    this.apply(change)
    this.#options.write?.(change)
  }

  #settle(decision: Decision): void {
    if (decision.serial !== undefined) this.#book(decision)
    if (decision.verb === 'reversal') this.#mark(decision)
    const standing = this.#standings.get(decision.key)
    const booked = decision.serial === undefined ? 0n : BigInt(decision.amount)
    if (!standing) this.#standings.set(decision.key, { decision, booked, reversed: 0n })
    else {
      standing.booked += booked
      // What was booked outranks what was refused later: the inquiry must tell of the money.
      if (booked > 0n || standing.booked === 0n) standing.decision = decision
    }
  }

  #book(decision: Decision): void {
    const amount = BigInt(decision.amount)
    const holder = this.#accounts.get(decision.account) ?? fail('bad-value', 'a booking for an account that is not there')
    holder.balance += decision.verb === 'reversal' || decision.verb === 'adjustment' ? amount : -amount
    this.#serial = Number(decision.serial!.slice(8))
    this.#booked.push(decision)
    let day = this.#days.get(decision.date)
    if (!day) {
      day = noSums()
      this.#days.set(decision.date, day)
    }
    const sum = day[kinds[decision.verb]]
    sum.count++
    sum.amount += amount
  }

  #mark(reversal: Decision): void {
    const original = this.#standings.get(reversal.original!)
    if (original && reversal.serial !== undefined) original.reversed += BigInt(reversal.amount)
    if (reversal.code === '94054' || (original && undone(original))) this.#tombstones.add(reversal.original!)
  }

  #open(account: Account): void {
    const { balance, state = 'open', ...rest } = account
    if (!Object.hasOwn(stateCodes, state)) fail('bad-value', 'the state of an account must be open, frozen, closed, lost or stopped')
    this.#accounts.set(account.account, { ...rest, balance: fenOf(balance), state })
    // An account file may say that the agreement is bound already.
    const { agreementNo } = account
    if (typeof agreementNo === 'string') this.bindings.begin({ agreementNo, account: account.account, state: 'bound', boundOn: this.#date })
  }

  #verdict(code: UnifiedCode): Verdict {
    return { code, amount: 0, date: this.#date }
  }
}

const askOf = (verb: Decision['verb'], request: Debit | Heard<'reversal'>): Ask => {
  const { ticketNo, account, amount: asked } = request
  const ask = { verb, key: keyText(request), ticketNo, account, asked }
  if (!('originalSerialNo' in request)) return ask
  const original = keyText({
    officeCode: request.officeCode,
    entrustDate: request.originalEntrustDate,
    serialNo: request.originalSerialNo,
  })
  return { ...ask, original }
}
const sameContent = (decision: Decision, ask: Ask): boolean =>
  decision.verb === ask.verb &&
  decision.asked === ask.asked &&
  decision.account === ask.account &&
  decision.ticketNo === ask.ticketNo &&
  decision.original === ask.original
/** Wholly given back. */
const undone = (standing: Standing): boolean => standing.booked > 0n && standing.reversed === standing.booked
/** Only what both sides say can contradict. */
const differs = (asked: string | undefined, known: string | undefined): boolean =>
  asked !== undefined && known !== undefined && asked !== known
const fenOf = (balance: number | bigint | string): bigint => {
  if (typeof balance === 'number' ? !Number.isSafeInteger(balance) : typeof balance === 'string' && !/^-?[0-9]{1,30}$/.test(balance))
    fail('bad-value', 'a balance is a whole number of fen')
  return BigInt(balance)
}
const compact = (date: string): string => date.slice(0, 4) + date.slice(5, 7) + date.slice(8)
const dayAfter = (date: string): string => new Date(Date.parse(`${date}T00:00:00Z`) + 86_400_000).toISOString().slice(0, 10)
const entryOf = (decision: Decision): Entry => ({
  serial: decision.serial!,
  key: decision.key,
  verb: decision.verb,
  kind: kinds[decision.verb],
  ticketNo: decision.ticketNo,
  account: decision.account,
  amount: decision.amount,
  bookedAt: new Date(decision.at).toISOString(),
  accountingDate: decision.date,
  ...(decision.original === undefined ? {} : { original: decision.original }),
  ...(decision.noticeNo === undefined ? {} : { noticeNo: decision.noticeNo }),
  ...(decision.items === undefined ? {} : { items: decision.items }),
})
