import { type Fault, fail } from './fault.ts'

/** Records over TCP, each after an ASCII length: `leader`, then `digits` of length in bytes, then the body of at most `maxBytes`. */
export type TcpLine = {
  readonly kind: 'tcp'
  readonly digits: number
  readonly pad: '0' | ' '
  readonly align: 'right' | 'left'
  /** The length counts its own digits too. */
  readonly countsItself: boolean
  /** Fixed bytes before each length, never counted. */
  readonly leader: Uint8Array
  readonly maxBytes: number
}

/** Messages as bodies of HTTP POST, answered with status 200 and a body; `maxBytes` limits the body in both directions. */
export type HttpLine = { readonly kind: 'http'; readonly path: string; readonly contentType: string; readonly maxBytes: number }

/** How a bank is reached: the framing and the terms of its line. */
export type Line = TcpLine | HttpLine

const MiB = 1_048_576
const broken = (detail: string): never => fail('bad-declaration', detail)
const checkLimit = (maxBytes: number) => {
  if (!Number.isInteger(maxBytes) || maxBytes < 1 || maxBytes > 1024 * MiB) broken(`maxBytes is 1 to ${1024 * MiB}`)
}

/** A TCP line; `tcp(6)` is six digits, zero padded, right aligned, not counting itself, no leader, bodies up to 1 MiB; Fault bad-declaration. */
export const tcp = (digits: number, options: Partial<Omit<TcpLine, 'kind' | 'digits'>> = {}): TcpLine => {
  const { pad = '0', align = 'right', countsItself = false, leader = new Uint8Array(), maxBytes = MiB } = options
  if (!Number.isInteger(digits) || digits < 1 || digits > 10) broken('a length header has 1 to 10 digits')
  if (pad !== '0' && pad !== ' ') broken("the length is padded with '0' or ' '")
  if (align !== 'right' && align !== 'left') broken("the length is aligned 'right' or 'left'")
  // 12 written as 120000 cannot be told from 120000
  if (align === 'left' && pad === '0') broken('a left aligned length padded with zeros is ambiguous')
  if (leader.length > 16) broken('a leader has at most 16 bytes')
  checkLimit(maxBytes)
  return { kind: 'tcp', digits, pad, align, countsItself, leader: Uint8Array.from(leader), maxBytes }
}

/** An HTTP line; `http('/debit')` posts application/octet-stream, bodies up to 1 MiB; Fault bad-declaration. */
export const http = (path: string, options: Partial<Omit<HttpLine, 'kind' | 'path'>> = {}): HttpLine => {
  const { contentType = 'application/octet-stream', maxBytes = MiB } = options
  if (!isPath(path)) broken('a path starts with / and has only visible ASCII characters, without #')
  if (!/^[\x21-\x7e]+\/[\x20-\x7e]+$/.test(contentType)) broken('the content type is not a media type')
  checkLimit(maxBytes)
  return { kind: 'http', path, contentType, maxBytes }
}

/** Whether a text can stand as the target of a POST: one visible ASCII path, no fragment, no second authority. */
export const isPath = (path: string): boolean => /^\/(?!\/)[\x21\x22\x24-\x7e]*$/.test(path)

/** PEM texts: whom we trust, and what we show of ourselves. */
export type Tls = { readonly ca: string; readonly cert?: string; readonly key?: string; readonly servername?: string }

/** How a line is used: sockets, requests under way per TCP connection, and the limits in ms of connecting and of idling. */
export type LineOptions = {
  readonly connections: number
  readonly pipeline: number
  readonly connectMs: number
  readonly idleMs: number
  readonly tls?: Tls
}

/** What a frame of the bank says about itself: its correlation key and the decoded value; throws a Fault when it cannot be read. */
export type Read<T> = (bytes: Uint8Array) => { readonly key: string; readonly value: T }

/** One request: its bytes, the key its answer must carry, an HTTP path other than the line's, and how long to wait (ms). */
export type Request = {
  readonly bytes: Uint8Array
  readonly key: string
  readonly path?: string
  readonly timeoutMs: number
  readonly signal?: AbortSignal
  /** Called synchronously just before the first byte is handed to the socket. */
  readonly onSend?: () => void
}

/** Something that came and that nobody waited for, with the fault when it could not be read. */
export type Stray<T> = { readonly bytes: Uint8Array; readonly value?: T; readonly key?: string; readonly fault?: Fault }

/** The gateway's end of a line to one bank. */
export type Peer<T> = {
  /**
   * Sends one request and resolves with the answer of the same key, in whatever order answers come. A request is never sent twice.
   * Rejects with a Fault whose `delivered` is exact: `no` — not one byte left us; `maybe` — the bank may have it.
   */
  ask(request: Request): Promise<T>
  /** Sockets (also those about to close) and requests under way. */
  state(): { connections: number; inFlight: number }
  /** Refuses new requests (line-closed), waits for those under way until their time-outs, then ends the sockets. */
  close(): Promise<void>
}
