import {
  type Answer,
  after,
  type Bank,
  type Fault,
  framedBytes,
  type Handlers,
  type Heard,
  hangUp,
  type InstructionKey,
  keyText,
  noAnswer,
  type Reply,
  rawBytes,
  type ServeOptions,
  serve,
  twice,
  type Verb,
} from '@taxlink/bank-sdk'
import type { BindingVerdict, NoticeEvent } from './bindings.ts'
import { dayEndHandlers, finishTask } from './day-end-handlers.ts'
import { type Delivered, Delivery, type FilesTo } from './delivery.ts'
import { type DaySession, Details, type FileRule } from './detail.ts'
import { Journal } from './journal.ts'
import { Ledger, type LedgerOptions, type Odd, type Verdict } from './ledger.ts'
import { Messenger, type PushTo, type Receipt } from './messenger.ts'
import { type Deed, Plan, type Rule } from './plan.ts'
import { otherKey, Speech } from './speech.ts'

/** How a simulated bank is set up. */
export type SimulatorOptions = Omit<LedgerOptions, 'write'> &
  Pick<ServeOptions, 'host' | 'port' | 'tls' | 'maxConnections'> & {
    /** Planned misbehaviour; none unless told. */
    readonly plan?: readonly Rule[]
    readonly now: () => Date
    /** What every answer takes, in milliseconds, besides what a rule adds. */
    readonly delayMs?: number
    /** A file in which every change stands before it is answered; the ledger is read back from it. In memory unless told. */
    readonly journal?: string
    /** Where the gateway hears what the bank tells of its own accord; without it the bank keeps it to itself. */
    readonly push?: PushTo
    /** Where the bank hands over its files. */
    readonly files?: FilesTo
    /** Planned mistakes of its files; none unless told. */
    readonly filePlan?: readonly FileRule[]
    readonly onFault?: (fault: Fault, bytes: number) => void
  }
/** A simulated bank that runs. */
export type Simulator = {
  readonly url: string
  readonly ledger: Ledger
  /** Puts another plan in place of the present one; its counts start anew. */
  plan(rules: readonly Rule[]): void
  /** Takes the line away, or puts it back at the same address. Who is being answered is cut off. */
  line(open: boolean): Promise<void>
  /** Something happens to a binding at the bank, and the gateway is told; false where there is no such binding. */
  happen(agreementNo: string, event: NoticeEvent, reason?: string): boolean
  /** Puts other planned mistakes of its files in place of the present ones. */
  filePlan(rules: readonly FileRule[]): void
  /** Hands over the detail files of a day, asked or not; resolves when that is done. */
  deliver(of: DaySession): Promise<void>
  /** Books something that nobody has sent. */
  bookUnsent(unsent: Parameters<Ledger['bookUnsent']>[0]): Verdict
  /** The files handed over, in order. */
  readonly delivered: readonly Delivered[]
  /** What the gateway has answered to what it was told, in order. */
  readonly receipts: readonly Receipt[]
  /** Resolves when every change so far is in the journal. */
  settled(): Promise<void>
  close(): Promise<void>
}

type Subject = InstructionKey & { readonly ticketNo?: string; readonly account?: string; readonly agreementNo?: string }
/** What a verb does to the bank's books, oddly if need be; and, where it can be in progress, how it is taken in. */
type Does<V> = { readonly act: (odd?: Odd) => V; readonly accept?: () => V }
/** The same, said; `lie` books otherwise than it says. */
type Says<R> = { readonly act: () => R; readonly accept?: () => R; readonly lie?: (deed: Lie, fen: number) => R }
type Lie =
  | 'under-booking'
  | 'over-booking'
  | 'booked-twice'
  | 'next-day-booking'
  | 'taken-back'
  | 'refused-after-booking'
  | 'short-remittance'
type Binding = Extract<Verb, 'bind' | 'changeBinding' | 'cancelBinding' | 'suspension' | 'bindingStatus' | 'verification' | 'monthlySync'>

/** Runs a bank made from its declaration: its own layouts and its own line, a ledger of accounts behind it, and a plan of what goes wrong. */
export const simulate = async (bank: Bank, options: SimulatorOptions): Promise<Simulator> => {
  let journal: Journal | undefined
  // What its files tell of a booking it must keep.
  const keepsItems = bank.files?.detail?.line.describe().some(({ field }) => field === 'items') ?? false
  const ledger = new Ledger({ keepsItems, ...options, write: change => journal?.write(change) })
  if (options.journal !== undefined) journal = await Journal.open(options.journal, change => ledger.apply(change))
  // What was in progress when the bank went down is decided when it comes up.
  for (const key of ledger.pending()) ledger.complete(key, options.now())
  for (const agreementNo of ledger.bindings.pending()) {
    ledger.bindings.decide(agreementNo)
    ledger.bindings.announce(agreementNo)
  }
  for (const { kind, request, done } of ledger.dayEnd.tasks()) if (!done) finishTask(ledger, kind, request, options.now())
  const { host, port, tls, maxConnections = 10_000, onFault = () => undefined } = options
  const speech = new Speech(bank)
  const details = new Details(ledger, bank, options.files?.linesPerFile)
  details.plan(options.filePlan ?? [])
  const delivery = new Delivery(details, options.files ?? {}, fault => onFault(fault, 0))
  const messenger = new Messenger(bank, ledger, speech, options.push, fault => onFault(fault, 0))
  const teller = new Teller(ledger, options, journal, speech, messenger, { details, delivery })
  const listen = (at: number | undefined) =>
    serve(bank, teller.handlers, {
      ...(host === undefined ? {} : { host }),
      ...(at === undefined ? {} : { port: at }),
      ...(tls === undefined ? {} : { tls }),
      maxConnections,
      onFault,
    })
  const first = await listen(port)
  let listener: typeof first | undefined = first
  messenger.wake()
  return {
    url: first.url,
    ledger,
    receipts: messenger.receipts,
    happen: (agreementNo, event, reason) => {
      const happened = ledger.bindings.happen(agreementNo, event, reason)
      messenger.wake()
      return happened
    },
    filePlan: rules => details.plan(rules),
    deliver: of => delivery.deliver(of),
    delivered: delivery.delivered,
    bookUnsent: unsent => ledger.bookUnsent(unsent, options.now()),
    plan: rules => teller.plan(rules),
    line: async open => {
      if (open) listener ??= await listen(Number(new URL(first.url).port))
      else {
        const closing = listener
        listener = undefined
        await closing?.close(0)
      }
    },
    settled: async () => journal?.settled(),
    close: async () => {
      teller.close()
      await messenger.close()
      await delivery.close()
      await listener?.close(0)
      await journal?.close()
    },
  }
}

type Done = (deed: Deed) => void

/** Stands between the line and the ledger: what the ledger says is told as the plan wants it. */
class Teller {
  readonly #ledger: Ledger
  readonly #options: SimulatorOptions
  readonly #journal: Journal | undefined
  readonly #speech: Speech
  readonly #messenger: Messenger
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly handlers: Handlers
  #plan: Plan

  constructor(
    ledger: Ledger,
    options: SimulatorOptions,
    journal: Journal | undefined,
    speech: Speech,
    messenger: Messenger,
    files: { readonly details: Details; readonly delivery: Delivery },
  ) {
    this.#ledger = ledger
    this.#options = options
    this.#journal = journal
    this.#speech = speech
    this.#messenger = messenger
    this.#plan = new Plan(options.plan)
    const { now } = options
    const { bindings } = ledger
    this.handlers = {
      debit: request =>
        this.#serve('debit', request, {
          act: odd => ledger.debit(request, now(), odd),
          accept: () => ledger.accept('debit', request, now()),
        }),
      supplementaryDebit: request =>
        this.#serve('supplementaryDebit', request, {
          act: odd => ledger.supplementaryDebit(request, now(), odd),
          accept: () => ledger.accept('supplementaryDebit', request, now()),
        }),
      inquiry: request => this.#serve('inquiry', request, { act: () => ledger.inquire(request) }),
      reversal: request => this.#serve('reversal', request, { act: () => ledger.reverse(request, now()) }),
      linkTest: request => this.#serve('linkTest', request, { act: () => ledger.linkTest() }),
      bind: request => this.#bound('bind', request, { act: () => bindings.bind(request), accept: () => bindings.bind(request, true) }),
      changeBinding: request =>
        this.#bound('changeBinding', request, { act: () => bindings.bind(request), accept: () => bindings.bind(request, true) }),
      cancelBinding: request => this.#bound('cancelBinding', request, { act: () => bindings.cancel(request) }),
      suspension: request => this.#bound('suspension', request, { act: () => bindings.suspend(request) }),
      bindingStatus: request => this.#bound('bindingStatus', request, { act: () => bindings.status(request) }),
      verification: request => this.#bound('verification', request, { act: () => bindings.verify(request) }),
      monthlySync: request => this.#bound('monthlySync', request, { act: () => bindings.sync(request) }),
      ...dayEndHandlers(ledger, files, speech, now, (verb, request, does, done) => {
        const woken = <R>(reply: R): R => {
          this.#wake()
          return reply
        }
        const lie = (_: Lie, fen: number) => woken(does.act(fen))
        return this.#answer(verb, request, { ...does, act: () => woken(does.act()), lie }, () => {
          done?.()
          this.#wake()
        })
      }),
    }
  }

  plan(rules: readonly Rule[]): void {
    this.#plan = new Plan(rules)
  }

  /** Tells what there is to tell, once it is on the disk. */
  #wake(): void {
    void Promise.resolve(this.#journal?.settled()).then(
      () => this.#messenger.wake(),
      () => undefined,
    )
  }

  #serve<V extends Verb>(verb: V, request: Heard<V> & Subject, { act, accept }: Does<Verdict>): Answer<V> | Promise<Answer<V>> {
    const said = (verdict: Verdict) => this.#speech.reply(verb, request, verdict)
    const done = () => this.#ledger.complete(keyText(request), this.#options.now())
    const says = {
      act: () => said(act()),
      lie: (deed: Lie, fen: number) => said(this.#lie(deed, request, act, fen)),
      ...(accept ? { accept: () => said(accept()) } : {}),
    }
    return this.#answer(verb, request, says, done)
  }

  /** A request about an agreement; one that is in progress is told of when it is decided. */
  #bound<V extends Binding>(verb: V, request: Heard<V> & Subject, { act, accept }: Does<BindingVerdict>): Answer<V> | Promise<Answer<V>> {
    const said = (verdict: BindingVerdict) => this.#speech.binding(verb, request, verdict)
    const { bindings } = this.#ledger
    const { agreementNo = '' } = request
    const done = (deed: Deed) => {
      bindings.decide(agreementNo)
      if (deed === 'decided-in-silence') return
      bindings.announce(agreementNo)
      this.#messenger.wake(deed === 'told-twice' ? agreementNo : undefined)
    }
    return this.#answer(verb, request, { act: () => said(act()), ...(accept ? { accept: () => said(accept()) } : {}) }, done)
  }

  #answer<V extends Verb>(verb: V, request: Heard<V> & Subject, does: Says<Reply<V>>, done: Done): Answer<V> | Promise<Answer<V>> {
    const rule = this.#plan.rules.length === 0 ? undefined : this.#plan.next(seen(verb, request))
    const answer = rule ? this.#spoil(rule, verb, request, does, done) : does.act()
    const { delayMs = 0 } = this.#options
    if (answer instanceof Promise) return answer
    return this.#written(delayMs > 0 ? after(delayMs, answer) : answer)
  }

  /** The answer, once what it tells is on the disk: a bank that has answered has booked. */
  #written<A>(answer: A): A | Promise<A> {
    const settled = this.#journal?.settled()
    return settled ? settled.then(() => answer) : answer
  }

  #spoil<V extends Verb>(
    rule: Rule,
    verb: V,
    request: Heard<V>,
    { act: reply, accept, lie = reply }: Says<Reply<V>>,
    done: Done,
  ): Answer<V> | Promise<Answer<V>> {
    const { ms = 0 } = rule
    switch (rule.do) {
      case 'normal':
        return reply()
      case 'slow':
      case 'late':
        return after(ms, reply())
      case 'late-booking':
        return new Promise(resolve => this.#later(ms, () => resolve(this.#written(reply()))))
      case 'silent-before-booking':
        return noAnswer
      case 'drop-before-booking':
        return hangUp
      case 'silent-after-booking':
        reply()
        return noAnswer
      case 'drop-after-booking':
        reply()
        return hangUp
      case 'in-progress-then-done':
      case 'decided-in-silence':
      case 'told-twice':
        return accept ? this.#inProgress(ms, accept(), () => done(rule.do)) : reply()
      case 'unlisted-code':
        return framedBytes(this.#speech.unlisted(verb, request, reply()))
      case 'duplicate-answer':
        return twice(reply())
      case 'wrong-key':
        return { ...reply(), ...otherKey(verb, request) }
      case 'garbage':
        reply()
        return framedBytes(new Uint8Array(64).fill(0xff))
      case 'noise':
        reply()
        return rawBytes(new Uint8Array(64).fill(0xff))
      case 'under-booking':
      case 'over-booking':
      case 'booked-twice':
      case 'next-day-booking':
      case 'taken-back':
      case 'refused-after-booking':
      case 'short-remittance':
        return lie(rule.do, rule.fen ?? 0)
    }
  }

  /** What a bank says that books otherwise. */
  #lie(deed: Lie, request: Subject & { readonly amount?: number }, act: Does<Verdict>['act'], fen: number): Verdict {
    const { accountingDate: date } = this.#ledger
    const { amount = 0 } = request
    switch (deed) {
      case 'under-booking':
        if (fen > 0) return { ...act({ most: fen }), amount }
        // It has not even an entry of it; the serial number is of no booking.
        return { code: '90000', amount, serial: `${date.replaceAll('-', '')}00000000`, date }
      case 'over-booking':
        return saying(act({ more: fen }), { amount })
      case 'booked-twice':
        return act({ twice: true })
      case 'next-day-booking':
        return saying(act({ nextDay: true }), { date })
      case 'taken-back': {
        const verdict = act()
        this.#ledger.takeBack(keyText(request), this.#options.now())
        return verdict
      }
      case 'refused-after-booking':
        act()
        return { code: '24003', amount: 0, date }
      // Of what moves no voucher.
      case 'short-remittance':
        return act()
    }
  }

  #inProgress<A>(ms: number, answer: A, done: () => void): A {
    this.#later(ms, () => {
      done()
      // Nobody waits for this one; should it fail, so will every later answer.
      this.#journal?.settled()?.catch(() => undefined)
    })
    return answer
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      act()
    }, ms)
    this.#timers.add(timer)
  }

  close(): void {
    for (const timer of this.#timers) clearTimeout(timer)
    this.#timers.clear()
  }
}

/** Another amount, or another date, of what was booked; a refusal is what it is. */
const saying = (verdict: Verdict, otherwise: Partial<Verdict>): Verdict =>
  verdict.code === '90000' ? { ...verdict, ...otherwise } : verdict

const seen = (verb: Verb, { ticketNo = '', account, agreementNo, ...key }: Subject) => ({
  verb,
  key: keyText(key),
  ticketNo,
  ...(account === undefined ? {} : { account }),
  ...(agreementNo === undefined ? {} : { agreementNo }),
})
