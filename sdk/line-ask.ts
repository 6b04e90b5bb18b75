import { X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import { Fault, fail } from './fault.ts'
import type { Peer, Request, Tls } from './line-terms.ts'

/** Where a line goes; `context` when it is TLS. */
export type Target = {
  readonly host: string
  readonly port: number
  readonly context?: SecureContext
  readonly servername?: string
}

/** The TLS context of one end, TLS 1.2 or later; Fault bad-config when a PEM text cannot be used. */
export const secure = ({ ca, cert, key }: Tls): SecureContext => {
  // without our own list of authorities Node would trust those of the whole web
  if (ca.trim() === '') fail('bad-config', 'TLS needs the certificates of those it trusts', {}, 'no')
  if ((cert === undefined) !== (key === undefined)) fail('bad-config', 'a certificate and its key go together', {}, 'no')
  try {
    // OpenSSL passes over a text in which there is no certificate, and would trust nobody
    new X509Certificate(ca)
    return createSecureContext({ ca, minVersion: 'TLSv1.2', ...(cert === undefined ? {} : { cert, key }) })
  } catch {
    return fail('bad-config', 'a certificate or key of the line cannot be used', {}, 'no')
  }
}

/** The short name of an error of a socket, `ECONNREFUSED`; its message may hold what does not belong in a log. */
export const codeOf = (error: unknown): string =>
  error instanceof Error ? ('code' in error && typeof error.code === 'string' ? error.code : error.name) : 'unknown'

/** What `read` threw, as a fault. */
export const unreadable = (error: unknown): Fault =>
  error instanceof Fault ? error : new Fault('malformed', `the answer cannot be read (${codeOf(error)})`)

/** A request under way: settled once, by its answer, a fault, its time-out or its caller; it knows whether a byte of it has left. */
export class Waiting<T> {
  readonly promise: Promise<T>
  readonly request: Request
  #sent = false
  #settled = false
  #keep!: (value: T) => void
  #break!: (error: unknown) => void
  readonly #afterwards: (() => unknown)[] = []
  readonly #timer: NodeJS.Timeout
  readonly #withdraw = () => this.#giveUp('it was withdrawn by its caller', 'line-closed')

  constructor(request: Request) {
    this.request = request
    this.promise = new Promise((keep, broke) => {
      this.#keep = keep
      this.#break = broke
    })
    // what is not sent by then has waited for a connection all the time
    this.#timer = setTimeout(() => this.#giveUp(`no answer within ${request.timeoutMs} ms`, 'connect-failed'), request.timeoutMs)
    request.signal?.addEventListener('abort', this.#withdraw, { once: true })
  }

  get sent(): boolean {
    return this.#sent
  }

  get settled(): boolean {
    return this.#settled
  }

  /** Has something done as soon as it is settled, before its promise is seen to be. */
  afterwards(then: () => unknown): void {
    this.#afterwards.push(then)
  }

  /** To be called just before the first byte is written: false when it must not be written, as it is settled or `onSend` refused. */
  send(): boolean {
    if (this.#settled) return false
    try {
      this.request.onSend?.()
    } catch (error) {
      this.#settle()
      this.#break(error)
      return false
    }
    this.#sent = true
    return true
  }

  resolve(value: T): void {
    if (this.#settle()) this.#keep(value)
  }

  /** Fails it; from the first byte on it is `maybe` whatever the fault believed, as nobody can prove that nothing arrived. */
  reject(fault: Fault): void {
    const certain = this.#sent ? 'maybe' : 'no'
    if (this.#settle()) this.#break(fault.delivered === certain ? fault : new Fault(fault.fault, fault.detail, fault.at, certain))
  }

  /** Fails it because its connection is gone: connection-lost when it was sent, else line-closed. */
  lose(detail: string): void {
    this.reject(new Fault(this.#sent ? 'connection-lost' : 'line-closed', detail))
  }

  #giveUp(why: string, unsent: 'connect-failed' | 'line-closed'): void {
    this.reject(this.#sent ? new Fault('timeout', why) : new Fault(unsent, `${why}, before it was sent`))
  }

  #settle(): boolean {
    if (this.#settled) return false
    this.#settled = true
    clearTimeout(this.#timer)
    this.request.signal?.removeEventListener('abort', this.#withdraw)
    for (const then of this.#afterwards) then()
    return true
  }
}

/** What carries requests: takes one (Fault line-busy if it has no room for it), counts its sockets, ends them. */
export type Carrier<T> = { carry(waiting: Waiting<T>): void; connections(): number; end(): Promise<void> }

// setTimeout takes 31 bits of ms and turns anything longer into 1 ms
const longest = 2_147_483_647

/** Whether a number can be a limit in ms. */
export const isSpan = (ms: number): boolean => Number.isInteger(ms) && ms >= 1 && ms <= longest

/** The peer over a carrier: one request per key at a time, none after close, and a close that waits. */
export const peer = <T>(carrier: Carrier<T>): Peer<T> => {
  const underWay = new Set<string>()
  let closed: Promise<void> | undefined
  let empty: (() => void) | undefined

  const admit = (request: Request): Waiting<T> => {
    if (closed) fail('line-closed', 'the line is closed', {}, 'no')
    if (!isSpan(request.timeoutMs)) fail('bad-config', `timeoutMs is 1 to ${longest}`, {}, 'no')
    if (request.signal?.aborted) fail('line-closed', 'it was withdrawn by its caller, before it was sent', {}, 'no')
    if (underWay.has(request.key)) fail('line-busy', 'a request with the same key is under way', {}, 'no')
    const waiting = new Waiting<T>(request)
    underWay.add(request.key)
    waiting.afterwards(() => {
      underWay.delete(request.key)
      if (underWay.size === 0) empty?.()
    })
    try {
      carrier.carry(waiting)
    } catch (error) {
      waiting.reject(error instanceof Fault ? error : new Fault('internal', 'the line could not take the request', {}, 'no'))
    }
    return waiting
  }

  return {
    ask: request => {
      try {
        return admit(request).promise
      } catch (error) {
        return Promise.reject(error)
      }
    },
    state: () => ({ connections: carrier.connections(), inFlight: underWay.size }),
    close: () => {
      closed ??= (async () => {
        if (underWay.size > 0) await new Promise<void>(resolve => (empty = resolve))
        await carrier.end()
      })()
      return closed
    },
  }
}
