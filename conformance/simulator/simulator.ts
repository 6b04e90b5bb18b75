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
import { Journal } from './journal.ts'
import { Ledger, type LedgerOptions, type Verdict } from './ledger.ts'
import { Plan, type Rule } from './plan.ts'
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
  /** Resolves when every change so far is in the journal. */
  settled(): Promise<void>
  close(): Promise<void>
}

type Subject = InstructionKey & { readonly ticketNo?: string; readonly account?: string }
/** What a verb does to the ledger, `most` being booked; and, where it can be in progress, how it is taken in. */
type Does = { readonly act: (most?: number) => Verdict; readonly accept?: () => Verdict }

/** Runs a bank made from its declaration: its own layouts and its own line, a ledger of accounts behind it, and a plan of what goes wrong. */
export const simulate = async (bank: Bank, options: SimulatorOptions): Promise<Simulator> => {
  let journal: Journal | undefined
  const ledger = new Ledger({ ...options, write: change => journal?.write(change) })
  if (options.journal !== undefined) journal = await Journal.open(options.journal, change => ledger.apply(change))
  // What was in progress when the bank went down is decided when it comes up.
  for (const key of ledger.pending()) ledger.complete(key, options.now())
  const teller = new Teller(bank, ledger, options, journal)
  const { host, port, tls, maxConnections = 10_000, onFault = () => undefined } = options
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
  return {
    url: first.url,
    ledger,
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
      await listener?.close(0)
      await journal?.close()
    },
  }
}

/** Stands between the line and the ledger: what the ledger says is told as the plan wants it. */
class Teller {
  readonly #ledger: Ledger
  readonly #options: SimulatorOptions
  readonly #journal: Journal | undefined
  readonly #speech: Speech
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly handlers: Handlers
  #plan: Plan

  constructor(bank: Bank, ledger: Ledger, options: SimulatorOptions, journal: Journal | undefined) {
    this.#ledger = ledger
    this.#options = options
    this.#journal = journal
    this.#speech = new Speech(bank)
    this.#plan = new Plan(options.plan)
    const { now } = options
    this.handlers = {
      debit: request =>
        this.#serve('debit', request, {
          act: most => ledger.debit(request, now(), most),
          accept: () => ledger.accept('debit', request, now()),
        }),
      supplementaryDebit: request =>
        this.#serve('supplementaryDebit', request, {
          act: most => ledger.supplementaryDebit(request, now(), most),
          accept: () => ledger.accept('supplementaryDebit', request, now()),
        }),
      inquiry: request => this.#serve('inquiry', request, { act: () => ledger.inquire(request) }),
      reversal: request => this.#serve('reversal', request, { act: () => ledger.reverse(request, now()) }),
      linkTest: request => this.#serve('linkTest', request, { act: () => ledger.linkTest() }),
    }
  }

  plan(rules: readonly Rule[]): void {
    this.#plan = new Plan(rules)
  }

  #serve<V extends Verb>(verb: V, request: Heard<V> & Subject, does: Does): Answer<V> | Promise<Answer<V>> {
    const rule = this.#plan.rules.length === 0 ? undefined : this.#plan.next(seen(verb, request))
    const answer = rule ? this.#spoil(rule, verb, request, does) : this.#speech.reply(verb, request, does.act())
    const { delayMs = 0 } = this.#options
    if (answer instanceof Promise) return answer
    return this.#written(delayMs > 0 ? after(delayMs, answer) : answer)
  }

  /** The answer, once what it tells is on the disk: a bank that has answered has booked. */
  #written<A>(answer: A): A | Promise<A> {
    const settled = this.#journal?.settled()
    return settled ? settled.then(() => answer) : answer
  }

  #spoil<V extends Verb>(rule: Rule, verb: V, request: Heard<V>, { act, accept }: Does): Answer<V> | Promise<Answer<V>> {
    const reply = (): Reply<V> => this.#speech.reply(verb, request, act())
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
        act()
        return noAnswer
      case 'drop-after-booking':
        act()
        return hangUp
      case 'in-progress-then-done':
        return accept ? this.#inProgress(ms, verb, request, accept()) : reply()
      case 'unlisted-code':
        return framedBytes(this.#speech.unlisted(verb, request, reply()))
      case 'duplicate-answer':
        return twice(reply())
      case 'wrong-key':
        return { ...reply(), ...otherKey(request) }
      case 'garbage':
        act()
        return framedBytes(new Uint8Array(64).fill(0xff))
      case 'noise':
        act()
        return rawBytes(new Uint8Array(64).fill(0xff))
      case 'under-booking':
        return this.#speech.reply(verb, request, this.#saysAll(request, act, rule.fen ?? 0))
    }
  }

  /** What a bank says that took less than it was asked to. */
  #saysAll(request: Subject & { readonly amount?: number }, act: Does['act'], fen: number): Verdict {
    const { amount = 0 } = request
    if (fen > 0) return { ...act(fen), amount }
    // It has not even an entry of it; the serial number is of no booking.
    const { accountingDate: date } = this.#ledger
    return { code: '90000', amount, serial: `${date.replaceAll('-', '')}00000000`, date }
  }

  #inProgress<V extends Verb>(ms: number, verb: V, request: Heard<V>, verdict: Verdict): Answer<V> {
    const key = keyText(request)
    this.#later(ms, () => {
      this.#ledger.complete(key, this.#options.now())
      // Nobody waits for this one; should it fail, so will every later answer.
      this.#journal?.settled()?.catch(() => undefined)
    })
    return this.#speech.reply(verb, request, verdict)
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

const seen = (verb: Verb, { ticketNo = '', account, ...key }: Subject) => ({
  verb,
  key: keyText(key),
  ticketNo,
  ...(account === undefined ? {} : { account }),
})
