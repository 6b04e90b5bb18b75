import type { X509Certificate } from 'node:crypto'
import nodeHttp from 'node:http'
import nodeHttps from 'node:https'
import net from 'node:net'
import tls from 'node:tls'
import { Fault, fail } from './fault.ts'
import { Framer, frame, Pile } from './frame.ts'
import { codeOf, isSpan, secure } from './line-ask.ts'
import type { HttpLine, Line, TcpLine, Tls } from './line-terms.ts'

/** Who sent a request: the address, and behind TLS the certificate, checked against `tls.ca`. */
export type Sender = { readonly certificate?: X509Certificate; readonly address: string }

/** One request that arrived, and the way to answer it. */
export type Exchange = {
  readonly bytes: Uint8Array
  /** The HTTP target as it was sent, with its query. */
  readonly path?: string
  readonly peer: Sender
  /** Writes the answer; false when there is one already or the connection is lost; Fault frame-too-large or bad-frame. */
  answer(bytes: Uint8Array): boolean
  /** Destroys the connection without an answer. */
  hangUp(): void
  /** Writes bytes on the connection as they are, to play a faulty bank. */
  raw(bytes: Uint8Array): void
}

/** Where to listen (127.0.0.1, a free port) and the limits: idle ms (300,000), ms for a request once begun (10,000), sockets (1,000). */
export type ListenOptions = {
  readonly host?: string
  readonly port?: number
  /** With TLS every client must show a certificate that `ca` vouches for. */
  readonly tls?: ServerTls
  readonly idleMs?: number
  readonly frameMs?: number
  readonly maxConnections?: number
  /** Who may connect at all, by address; others are cut off before they are read. */
  readonly allow?: (address: string) => boolean
}

/** What a TLS line shows of itself, and the authorities whose clients it trusts. */
export type ServerTls = Tls & { readonly cert: string; readonly key: string }

/** A listening line. `close` takes no more requests and gives those under way `graceMs` (1,000) to be answered. */
export type Listener = {
  readonly url: string
  readonly port: number
  /**
   * Takes new certificates and authorities without a pause: who connects is judged by them, and connections that began under the old ones end as soon as
   * nothing is under way on them. Fault bad-config, and nothing changes, where they cannot be used or the line is not over TLS.
   */
  renew(tls: ServerTls): void
  close(graceMs?: number): Promise<void>
}

/** What a server knows about each connection: to end it in order, when nothing is under way any more. */
type Visit = { leave(): void; drop(): void }

type House = {
  readonly idleMs: number
  readonly frameMs: number
  readonly visits: Set<Visit>
  handle(exchange: Exchange): boolean
  report(fault: Fault): void
}

const mostUnderWay = 1_024
const mostUnwritten = 4 * 1_048_576

const senderOf = (socket: net.Socket): Sender => {
  const certificate = socket instanceof tls.TLSSocket ? socket.getPeerX509Certificate() : undefined
  const address = socket.remoteAddress ?? ''
  return certificate ? { certificate, address } : { address }
}

/** One TCP connection: requests are handled as they come and answered in whatever order they are ready. */
class TcpVisit implements Visit {
  readonly #line: TcpLine
  readonly #socket: net.Socket
  readonly #house: House
  readonly #peer: Sender
  readonly #framer: Framer
  #deadline: NodeJS.Timeout | undefined
  #frames = 0
  #underWay = 0
  #leaving = false
  #corked = false

  constructor(line: TcpLine, socket: net.Socket, house: House) {
    this.#line = line
    this.#socket = socket
    this.#house = house
    this.#peer = senderOf(socket)
    this.#framer = new Framer(line, body => this.#take(body))
    house.visits.add(this)
    socket.setNoDelay(true)
    socket.setTimeout(house.idleMs, () => this.#underWay === 0 && this.drop())
    socket.on('data', chunk => this.#hear(chunk))
    socket.on('drain', () => this.#breathe())
    socket.on('end', () => {
      this.#cutShort()
      this.leave()
    })
    socket.on('error', () => this.#cutShort())
    socket.once('close', () => {
      clearTimeout(this.#deadline)
      house.visits.delete(this)
    })
  }

  leave(): void {
    this.#leaving = true
    if (this.#underWay > 0 || this.#socket.destroyed) return
    this.#flush()
    this.#socket.destroySoon()
  }

  drop(): void {
    this.#flush()
    this.#socket.destroy()
  }

  #cutShort(): void {
    if (this.#framer.pending > 0) this.#house.report(new Fault('connection-lost', 'the connection ended inside a frame'))
  }

  #hear(chunk: Uint8Array): void {
    if (this.#leaving) return
    const frames = this.#frames
    try {
      this.#framer.push(chunk)
    } catch (error) {
      this.#house.report(error instanceof Fault ? error : new Fault('internal', `a request could not be handled (${codeOf(error)})`))
      this.drop()
      return
    }
    // the deadline belongs to the frame, not to its bytes: one byte now and then does not extend it
    if (this.#framer.pending === 0 || this.#frames > frames) this.#forget()
    this.#breathe()
  }

  #take(bytes: Uint8Array): void {
    this.#frames += 1
    if (this.#socket.destroyed) return
    this.#underWay += 1
    let done = false
    const finish = () => {
      if (done) return false
      done = true
      this.#underWay -= 1
      if (this.#leaving) setImmediate(() => this.leave())
      return !this.#socket.destroyed && this.#socket.writable
    }
    const accepted = this.#house.handle({
      bytes,
      peer: this.#peer,
      answer: body => {
        const whole = frame(this.#line, body)
        if (!finish()) return false
        this.#writeSoon(whole)
        this.#breathe()
        return true
      },
      hangUp: () => this.drop(),
      raw: body => {
        this.#flush()
        this.#socket.write(body)
      },
    })
    if (!accepted) this.drop()
  }

  // the answers of one turn of the event loop leave in one write
  #writeSoon(bytes: Uint8Array): void {
    if (!this.#corked) {
      this.#corked = true
      this.#socket.cork()
      setImmediate(() => this.#flush())
    }
    this.#socket.write(bytes)
  }

  #flush(): void {
    if (!this.#corked) return
    this.#corked = false
    this.#socket.uncork()
  }

  #forget(): void {
    clearTimeout(this.#deadline)
    this.#deadline = undefined
  }

  /** Stops reading while too much is under way or unread by the client, and times only a frame that we are reading. */
  #breathe(): void {
    if (this.#socket.destroyed) return
    if (this.#underWay >= mostUnderWay || this.#socket.writableLength > mostUnwritten) {
      this.#socket.pause()
      this.#forget()
      return
    }
    this.#socket.resume()
    if (this.#framer.pending > 0) this.#deadline ??= setTimeout(() => this.#late(), this.#house.frameMs)
  }

  #late(): void {
    this.#house.report(new Fault('timeout', `a frame was begun and not complete within ${this.#house.frameMs} ms`))
    this.drop()
  }
}

/** What is wrong with a request before its body is read: its HTTP status and fault. */
const objection = (line: HttpLine, { method, headers }: nodeHttp.IncomingMessage): readonly [number, Fault] | undefined => {
  if (method !== 'POST') return [405, new Fault('unsupported', 'only POST is taken')]
  if ((headers['content-encoding'] ?? 'identity') !== 'identity')
    return [415, new Fault('unexpected', 'the request has a content-encoding')]
  const length = headers['content-length']
  if (length === undefined && headers['transfer-encoding'] === undefined) return [411, new Fault('missing', 'the request has no length')]
  if (Number(length ?? 0) > line.maxBytes) return [413, new Fault('frame-too-large', `the request has more than ${line.maxBytes} bytes`)]
  return undefined
}

/** One HTTP request, from its headers on. */
const serveRequest = (
  line: HttpLine,
  house: House,
  visit: HttpVisit,
  request: nodeHttp.IncomingMessage,
  response: nodeHttp.ServerResponse,
): void => {
  const refuse = (status: number, fault: Fault) => {
    house.report(fault)
    response.writeHead(status, { connection: 'close', 'content-length': 0, ...(status === 405 ? { allow: 'POST' } : {}) })
    response.end(() => request.destroy())
  }
  request.on('error', () => {
    if (!visit.condemned) house.report(new Fault('connection-lost', 'the connection ended inside a request'))
  })
  response.on('error', () => undefined)
  const wrong = objection(line, request)
  if (wrong) {
    refuse(...wrong)
    return
  }
  const body = new Pile(line.maxBytes)
  request.on('data', (chunk: Uint8Array) => {
    if (response.headersSent || body.add(chunk)) return
    refuse(413, new Fault('frame-too-large', `the request has more than ${line.maxBytes} bytes`))
  })
  request.on('end', () => {
    // a request with something unreadable behind it is refused as a whole
    if (visit.condemned || response.headersSent || !request.complete) return
    if (body.size === 0) return refuse(400, new Fault('bad-frame', 'the request is empty'))
    const exchange = httpExchange(line, visit.sender, body.take(), request.url ?? '/', response)
    if (!house.handle(exchange)) exchange.hangUp()
  })
}

const httpExchange = (line: HttpLine, peer: Sender, bytes: Uint8Array, path: string, response: nodeHttp.ServerResponse): Exchange => ({
  bytes,
  path,
  peer,
  answer: body => {
    if (body.length === 0) fail('bad-frame', 'an answer has at least one byte')
    if (body.length > line.maxBytes) fail('frame-too-large', `the answer has ${body.length} bytes, the line takes ${line.maxBytes}`)
    if (response.headersSent || response.destroyed || !response.socket?.writable) return false
    response.writeHead(200, { 'content-type': line.contentType, 'content-length': body.length })
    response.end(body)
    return true
  },
  hangUp: () => response.destroy(),
  raw: body => response.socket?.write(body),
})

/** One HTTP connection; the server of Node reads it, this only knows when it may end. */
class HttpVisit implements Visit {
  readonly #socket: net.Socket
  #underWay = 0
  #leaving = false
  #sender: Sender | undefined
  /** What came on it is not HTTP, or came too late: nothing more is believed. */
  condemned = false

  constructor(socket: net.Socket, house: House) {
    this.#socket = socket
    house.visits.add(this)
    socket.once('close', () => house.visits.delete(this))
  }

  get sender(): Sender {
    this.#sender ??= senderOf(this.#socket)
    return this.#sender
  }

  /** Counts a request until its answer has left. */
  during(response: nodeHttp.ServerResponse): void {
    this.#underWay += 1
    response.once('close', () => {
      this.#underWay -= 1
      if (this.#leaving) this.leave()
    })
  }

  leave(): void {
    this.#leaving = true
    if (this.#underWay === 0) this.#socket.destroySoon()
  }

  drop(): void {
    this.#socket.destroy()
  }
}

const statusOf: Record<string, string> = {
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
}

const httpServer = (line: HttpLine, house: House, security: tls.TlsOptions | undefined): net.Server => {
  const { frameMs, idleMs } = house
  const limits = {
    requestTimeout: frameMs,
    headersTimeout: frameMs,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: Math.max(20, Math.min(30_000, Math.ceil(frameMs / 4))),
  }
  const server = security ? nodeHttps.createServer({ ...limits, ...security }) : nodeHttp.createServer(limits)
  const visits = new WeakMap<net.Socket, HttpVisit>()
  server.on(security ? 'secureConnection' : 'connection', (socket: net.Socket) => visits.set(socket, new HttpVisit(socket, house)))
  server.on('request', (request, response) => {
    const visit = visits.get(request.socket)
    if (!visit) return request.destroy()
    visit.during(response)
    serveRequest(line, house, visit, request, response)
  })
  server.on('clientError', (error: Error, socket: net.Socket) => {
    const code = codeOf(error)
    const visit = visits.get(socket)
    if (visit) visit.condemned = true
    if (code === 'ERR_HTTP_REQUEST_TIMEOUT') house.report(new Fault('timeout', `a request was begun and not complete within ${frameMs} ms`))
    else if (code.startsWith('HPE_')) house.report(new Fault('malformed', `the request is not HTTP/1.1 (${code})`))
    if (!socket.writable || code === 'ECONNRESET') return socket.destroy()
    socket.end(`HTTP/1.1 ${statusOf[code] ?? '400 Bad Request'}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`, () => socket.destroy())
  })
  return server
}

const tcpServer = (line: TcpLine, house: House, security: tls.TlsOptions | undefined): net.Server => {
  // a client may end its half after the request and still wait for the answer
  const options = { allowHalfOpen: true }
  const visit = (socket: net.Socket) => new TcpVisit(line, socket, house)
  return security ? tls.createServer({ ...options, ...security }, visit) : net.createServer(options, visit)
}

const houseOf = (options: ListenOptions, handle: (exchange: Exchange) => void, fault: (fault: Fault) => void): House => {
  const { idleMs = 300_000, frameMs = 10_000 } = options
  for (const ms of [idleMs, frameMs]) if (!isSpan(ms)) fail('bad-config', 'idleMs and frameMs are whole ms of at least 1')
  // apart: what the listener of faults throws must not tear the frames that follow
  const report = (what: Fault) => queueMicrotask(() => fault(what))
  return {
    idleMs,
    frameMs,
    visits: new Set(),
    report,
    handle: exchange => {
      try {
        handle(exchange)
        return true
      } catch (error) {
        report(error instanceof Fault ? error : new Fault('internal', `the handler failed (${codeOf(error)})`))
        return false
      }
    },
  }
}

const securityOf = ({ ca, cert, key }: ServerTls, handshakeTimeout: number) => {
  secure({ ca, cert, key })
  return {
    ca,
    cert,
    key,
    minVersion: 'TLSv1.2',
    requestCert: true,
    rejectUnauthorized: true,
    handshakeTimeout,
  } as const satisfies tls.TlsOptions
}

const closeServer = async (server: net.Server, house: House, sockets: Set<net.Socket>, graceMs: number): Promise<void> => {
  const closed = new Promise<void>(resolve => server.close(() => resolve()))
  for (const visit of house.visits) visit.leave()
  const drop = () => {
    for (const visit of house.visits) visit.drop()
    for (const socket of sockets) socket.destroy()
  }
  if (graceMs <= 0) drop()
  const timer = setTimeout(drop, graceMs)
  await closed
  clearTimeout(timer)
}

/** Serves a line: `handle` gets each request, `fault` whatever came that is none. Fault bad-config when it cannot listen. */
export const listen = async (
  line: Line,
  options: ListenOptions,
  handle: (exchange: Exchange) => void,
  fault: (fault: Fault) => void = () => undefined,
): Promise<Listener> => {
  const { host = '127.0.0.1', port = 0, maxConnections = 1_000, allow } = options
  const house = houseOf(options, handle, fault)
  const security = options.tls && securityOf(options.tls, house.frameMs)
  const server = line.kind === 'tcp' ? tcpServer(line, house, security) : httpServer(line, house, security)
  server.maxConnections = maxConnections
  server.on('drop', () => house.report(new Fault('line-busy', `more than ${maxConnections} connections`)))
  server.on('tlsClientError', (error: Error, socket: tls.TLSSocket) => {
    house.report(new Fault('unauthenticated', codeOf(error)))
    // Node only tells of a handshake that takes too long
    socket.destroy()
  })
  const sockets = new Set<net.Socket>()
  if (allow)
    // Before anything else sees the connection.
    server.prependListener('connection', (socket: net.Socket) => {
      if (allow(socket.remoteAddress ?? '')) return
      house.report(new Fault('not-permitted', 'a connection from an address that is not agreed'))
      socket.destroy()
    })
  server.on('connection', (socket: net.Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', error => reject(new Fault('bad-config', `cannot listen (${codeOf(error)})`)))
    server.listen({ host, port }, resolve)
  })
  server.on('error', error => house.report(new Fault('internal', codeOf(error))))
  const address = server.address()
  const bound = address !== null && typeof address === 'object' ? address.port : port
  const scheme = line.kind === 'tcp' ? (security ? 'tls' : 'tcp') : security ? 'https' : 'http'
  let closed: Promise<void> | undefined
  return {
    url: `${scheme}://${net.isIPv6(host) ? `[${host}]` : host}:${bound}`,
    port: bound,
    renew: next => {
      const secured = server instanceof tls.Server ? server : fail('bad-config', 'a line without TLS has no certificates')
      const { ca, cert, key, minVersion } = securityOf(next, house.frameMs)
      secured.setSecureContext({ ca, cert, key, minVersion })
      for (const visit of house.visits) visit.leave()
    },
    close: (graceMs = 1_000) => {
      closed ??= closeServer(server, house, sockets, graceMs)
      return closed
    },
  }
}
