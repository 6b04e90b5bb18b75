import { type Bank, type Echoed, type Exchange, echoOf, type Heard, pushes, recognise, verbs } from './bank.ts'
import type { AnyVerb, Push, ReplyOf, Verb } from './catalogue.ts'
import { Fault, fail, faults } from './fault.ts'
import { frame } from './frame.ts'
import type { Line } from './line-terms.ts'
import { type Exchange as Arrival, type Listener, type ListenOptions, listen, type Sender } from './listen.ts'

/** What a handler says: the reply of its verb. Key, ticket, agreement, notice and summary number are those of the request unless it names others. */
export type Reply<V extends AnyVerb> = Omit<ReplyOf<V>, Echoed> & Partial<Pick<ReplyOf<V>, Echoed & keyof ReplyOf<V>>>

/** An answer that is not simply a reply: later, none, or a broken one. What a bank must not do, its tests must be able to do. */
export type Odd<R> =
  | { readonly odd: 'after'; readonly ms: number; readonly answer: R | Odd<R> }
  | { readonly odd: 'twice'; readonly answer: R }
  | { readonly odd: 'framed' | 'raw'; readonly bytes: Uint8Array }
  | { readonly odd: 'no-answer' | 'hang-up' }
/** What a handler gives back. */
export type Answer<V extends AnyVerb> = Reply<V> | Odd<Reply<V>>

/** No answer at all; the connection stays. */
export const noAnswer = { odd: 'no-answer' } as const
/** The connection is closed without an answer. */
export const hangUp = { odd: 'hang-up' } as const
/** The answer, `ms` milliseconds later. */
export const after = <R>(ms: number, answer: R): { readonly odd: 'after'; readonly ms: number; readonly answer: R } => ({
  odd: 'after',
  ms,
  answer,
})
/** The same answer twice; over HTTP once, as it has no second answer. */
export const twice = <R>(answer: R): { readonly odd: 'twice'; readonly answer: R } => ({ odd: 'twice', answer })
/** These bytes in a good frame (or HTTP response) in place of an encoded reply. */
export const framedBytes = (bytes: Uint8Array) => ({ odd: 'framed', bytes }) as const
/** These bytes on the connection as they are, without any frame. */
export const rawBytes = (bytes: Uint8Array) => ({ odd: 'raw', bytes }) as const

/** What is known of a request besides its values. */
export type Context = {
  readonly bank: Bank
  /** The caller's address and, over TLS, its certificate. */
  readonly peer: Sender
  /** The bytes as they came, for evidence. */
  readonly bytes: Uint8Array
}
type HandlersOf<A extends AnyVerb> = {
  readonly [V in A]?: (request: Heard<V>, context: Context) => Answer<V> | Promise<Answer<V>>
}
/** One handler a verb the bank's declaration holds. A handler that throws leaves the outcome unknown: it is never taken for a refusal. */
export type Handlers = HandlersOf<Verb>
/** One handler for each thing a bank may tell the gateway. One that throws gives no receipt: the bank tells it again. */
export type PushHandlers = HandlersOf<Push>
export type ServeOptions = ListenOptions & {
  /** Told every request that was not understood, every reply that could not be written, and what the line itself refused. No private data. */
  readonly onFault?: (fault: Fault, bytes: number) => void
  /** A sender of what is no request of this bank, or cannot be read, is cut off: over TCP, too, where it would otherwise just get no answer. */
  readonly cutStrangers?: boolean
  /** Told what a handler threw: it may hold anything the handler put there. */
  readonly onError?: (error: unknown, verb: AnyVerb) => void
}
type Server = {
  readonly bank: Bank
  readonly line: Line
  readonly among: readonly AnyVerb[]
  readonly options: ServeOptions
  readonly timers: Set<NodeJS.Timeout>
  readonly fault: (fault: Fault, bytes: number) => void
}
type Exchanges = { readonly [V in AnyVerb]?: Exchange<V> }
type Hear = (arrival: Arrival) => void

/**
 * A bank's server, made from its declaration: it decodes each request, calls the handler of its verb and encodes what that says.
 * What is not understood gets no answer over TCP and status 400 over HTTP; Fault bad-declaration where a declared verb has no handler.
 *
 *     const server = await serve(bank, {
 *       debit: async request => ({ result: outcome('90000'), amount: request.amount, bankSerial: await book(request) }),
 *       inquiry: …
 *     }, { port: 7001 })
 */
export const serve = (bank: Bank, handlers: Handlers, options: ServeOptions = {}): Promise<Listener> =>
  open(bank, bank.line, verbs, handlers, options)

/**
 * The gateway's end of what a bank tells of its own accord, on the line the bank declares for it (`push`): what the gateway runs, and what a
 * bank's programmer can run in its place. Fault bad-declaration where the bank declares none.
 */
export const servePushes = async (bank: Bank, handlers: PushHandlers, options: ServeOptions = {}): Promise<Listener> =>
  open(bank, bank.push ?? fail('bad-declaration', `bank ${bank.code} declares nothing that it tells`), pushes, handlers, options)

const open = async (
  bank: Bank,
  line: Line,
  among: readonly AnyVerb[],
  handlers: HandlersOf<AnyVerb>,
  options: ServeOptions,
): Promise<Listener> => {
  const warn = (fault: Fault) => process.emitWarning(fault.message, { type: 'TaxLink', code: fault.number })
  const server: Server = { bank, line, among, options, timers: new Set(), fault: options.onFault ?? warn }
  const hears = new Map<AnyVerb, Hear>()
  for (const verb of among) {
    const hear = hearing(server, verb, handlers)
    if (hear) hears.set(verb, hear)
  }
  const listener = await listen(
    line,
    options,
    arrival => route(server, hears, arrival),
    fault => server.fault(fault, 0),
  )
  return {
    ...listener,
    close: graceMs => {
      for (const timer of server.timers) clearTimeout(timer)
      server.timers.clear()
      return listener.close(graceMs)
    },
  }
}

const route = (server: Server, hears: Map<AnyVerb, Hear>, arrival: Arrival): void => {
  const found = recognise(server.bank, arrival.bytes, 'request', arrival.path, server.among)
  const hear = found && isItsPath(server, found.verb, arrival.path) ? hears.get(found.verb) : undefined
  if (hear) hear(arrival)
  else refuse(server, arrival, new Fault('unknown-message', `it is no request of bank ${server.bank.code}`))
}
const isItsPath = ({ bank, line }: Server, verb: AnyVerb, path: string | undefined): boolean =>
  line.kind !== 'http' || path === (bank[verb]?.path ?? line.path)

/** What is done with a request of this verb; undefined where the bank does not declare it. */
const hearing = <V extends AnyVerb>(server: Server, verb: V, handlers: HandlersOf<AnyVerb>): Hear | undefined => {
  const exchanges: Exchanges = server.bank
  const exchange = exchanges[verb]
  if (!exchange) return undefined
  const handler = handlers[verb] ?? fail('bad-declaration', `bank ${server.bank.code} declares ${verb}, and there is no handler for it`)
  return arrival => {
    let request: Heard<V>
    try {
      request = exchange.request.decode(arrival.bytes)
    } catch (error) {
      return refuse(server, arrival, error instanceof Fault ? error : new Fault('malformed', 'the request cannot be read'))
    }
    const write = (reply: Reply<V>): Uint8Array =>
      exchange.reply.encode({ ...echoOf(exchange.reply.message, request), ...reply } as unknown as ReplyOf<V>)
    const say = (answer: Answer<V>): void => {
      try {
        if (!isOdd(answer)) arrival.answer(write(answer))
        else if (answer.odd === 'after') later(server, answer.ms, () => say(answer.answer))
        else if (answer.odd === 'twice') repeat(server, arrival, write(answer.answer))
        else behave(arrival, answer)
      } catch (error) {
        broken(server, arrival, verb, error)
      }
    }
    try {
      const answer = handler(request, { bank: server.bank, peer: arrival.peer, bytes: arrival.bytes })
      if (answer instanceof Promise) answer.then(say, error => broken(server, arrival, verb, error))
      else say(answer)
    } catch (error) {
      broken(server, arrival, verb, error)
    }
  }
}

const isOdd = <R extends object>(answer: R | Odd<R>): answer is Odd<R> => 'odd' in answer

const behave = (arrival: Arrival, answer: Exclude<Odd<object>, { readonly answer: unknown }>): void => {
  if (answer.odd === 'framed') arrival.answer(answer.bytes)
  else if (answer.odd === 'raw') arrival.raw(answer.bytes)
  else if (answer.odd === 'hang-up') arrival.hangUp()
}
const repeat = ({ line }: Server, arrival: Arrival, bytes: Uint8Array): void => {
  arrival.answer(bytes)
  if (line.kind === 'tcp') arrival.raw(frame(line, bytes))
}

const later = (server: Server, ms: number, act: () => void): void => {
  const timer = setTimeout(() => {
    server.timers.delete(timer)
    act()
  }, ms)
  server.timers.add(timer)
}

/** A request that is none of ours, or cannot be read. Over TCP silence: a caller that hears nothing inquires, and that is right. */
const refuse = (server: Server, arrival: Arrival, fault: Fault): void => {
  server.fault(fault, arrival.bytes.length)
  if (server.line.kind === 'http') problem(server, arrival, '400 Bad Request', fault)
  else if (server.options.cutStrangers) arrival.hangUp()
}

/** Something of ours failed after the request was understood: nobody may conclude anything from it. */
const broken = (server: Server, arrival: Arrival, verb: AnyVerb, error: unknown): void => {
  if (!(error instanceof Fault)) server.options.onError?.(error, verb)
  const fault = error instanceof Fault ? error : new Fault('internal', `the handler of ${verb} failed`)
  server.fault(fault, arrival.bytes.length)
  if (server.line.kind === 'http') problem(server, arrival, '500 Internal Server Error', fault)
}

const farewellMs = 100
const problem = (server: Server, arrival: Arrival, status: string, fault: Fault): void => {
  const { zh, en } = faults[fault.fault]
  const body = Buffer.from(JSON.stringify({ title: `${zh} / ${en}`, status: Number(status.slice(0, 3)), ...fault.toJSON() }))
  const head = `HTTP/1.1 ${status}\r\ncontent-type: application/problem+json\r\ncontent-length: ${body.length}\r\nconnection: close\r\n\r\n`
  arrival.raw(Buffer.concat([Buffer.from(head, 'latin1'), body]))
  // The bytes must have left before the connection goes.
  later(server, farewellMs, () => arrival.hangUp())
}
