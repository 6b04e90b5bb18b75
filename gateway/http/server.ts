import { randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Server } from 'node:https'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import fastify from 'fastify'
import type { Flow } from '../flows/flow.ts'
import type { FileBounds } from '../flows/intake.ts'
import type { Keys } from '../flows/sign-in.ts'
import type { Slots } from '../flows/slots.ts'
import type { Spool } from '../store/spool.ts'
import { agreementRoutes } from './agreement.ts'
import type { App, Reply, Request } from './app.ts'
import { bankRoutes } from './bank.ts'
import { bodyLimits, strictBodies } from './body.ts'
import { breakRoutes } from './breaks.ts'
import { recognised } from './duties.ts'
import { methodsOf } from './every-operation.ts'
import { fileBodies, fileRoutes } from './files.ts'
import { furtherRoutes } from './further.ts'
import { importRoutes, lineBodies } from './imports.ts'
import { identities, mutualTls } from './mutual-tls.ts'
import { operatorRoutes } from './operator.ts'
import { openPressure, type Pressure, type PressureLimits } from './pressure.ts'
import { prefersEnglish, problemOf, Refusal, rawProblem, refusalOf, retryAfter } from './problem.ts'
import { reconciliationRoutes } from './reconciliations.ts'
import { describe, referencePages, referencePath } from './reference.ts'
import { registryRoutes } from './registry.ts'
import { reviewRoutes } from './review.ts'
import { sessionRoutes } from './sessions.ts'
import { taxRoutes } from './tax.ts'
import { validatorCompiler } from './validate.ts'
import { voucherRoutes } from './vouchers.ts'
import type { Waiters } from './waiters.ts'

/** PEM texts: the authorities whose clients are trusted, our own certificate and its key. */
export type ServerTls = { readonly ca: string | readonly string[]; readonly cert: string; readonly key: string }

/** One answered request, for the metrics; `route` is the pattern, never the address. */
export type Served = { readonly method: string; readonly route: string; readonly status: number; readonly seconds: number }

export type HttpOptions = {
  readonly flow: Flow
  readonly slots: Slots
  /** The flow's `settled` must wake these. */
  readonly waiters: Waiters
  readonly tls: ServerTls
  readonly keys: Keys
  /** Where the files of banks lie, and how much may come. */
  readonly files: { readonly spool: Spool; readonly bounds: FileBounds }
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
  readonly served?: (request: Served) => void
  readonly limits?: Partial<PressureLimits>
  /** How long a request may take to arrive whole (20,000). */
  readonly arrivalMs?: number
  /** How long requests under way may take to end when the server closes (10,000). */
  readonly graceMs?: number
}

/** The public server. */
export type Http = {
  readonly url: string
  readonly app: App
  /** Whether it is closing: new requests are refused already. */
  readonly closing: boolean
  /**
   * Takes new certificates and authorities without a pause. Connections that began under the old ones are closed when idle, and refused with a
   * 503 otherwise: what they were judged by is no longer in force. Throws, and changes nothing, where key and certificate do not fit.
   */
  reload(tls: ServerTls): void
  /** Refuses new requests, lets those under way end, lets go whoever waits, then closes. */
  close(): Promise<void>
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Counted by the back-pressure; a request that only waits is not. */
    underWay: boolean
  }
}

/** Opens the public interface over HTTPS with client certificates. */
export const openHttp = async (options: HttpOptions): Promise<Http> => {
  const { flow, slots, waiters, tls, arrivalMs = 20_000, graceMs = 10_000 } = options
  const pressure = openPressure({ inFlight: 2_000, delayMs: 500, ...options.limits })
  const state = { closing: false, generation: 0 }
  const app = bare(tls, arrivalMs)
  const sockets = trackSockets(app.server)

  app.setValidatorCompiler(validatorCompiler)
  strictBodies(app)
  lineBodies(app)
  fileBodies(app)
  boundArrival(app, arrivalMs)
  countRequests(app, pressure, () => state.closing, options.served)
  await app.register(identities, { now: () => flow.clock().getTime(), generation: () => state.generation })
  await app.register(recognised, { flow })
  answerProblems(app, flow)
  await describe(app)
  await referencePages(app)
  app.get('/', { config: { open: true }, schema: { hide: true } }, (_request, reply) => reply.redirect(`${referencePath}/`))
  const deps = { flow, slots, waiters, resting: (request: Request) => leave(request, pressure) }
  taxRoutes(app, deps)
  furtherRoutes(app, deps)
  agreementRoutes(app, deps)
  importRoutes(app, deps)
  reviewRoutes(app, deps)
  bankRoutes(app, flow)
  fileRoutes(app, { ...deps, ...options.files })
  operatorRoutes(app, flow)
  reconciliationRoutes(app, flow)
  breakRoutes(app, flow, slots)
  registryRoutes(app, flow)
  voucherRoutes(app, flow)
  sessionRoutes(app, flow, options.keys)

  await app.listen({ host: options.host, port: options.port })
  return {
    url: urlOf(app.server),
    app,
    get closing() {
      return state.closing
    },
    reload: next => {
      app.server.setSecureContext({ ...pem(next), minVersion: mutualTls.minVersion })
      state.generation++
      app.server.closeIdleConnections()
    },
    close: async () => {
      state.closing = true
      waiters.close()
      const until = performance.now() + graceMs
      while (pressure.inFlight > 0 && performance.now() < until) await pause(10)
      const late = setTimeout(() => {
        for (const socket of sockets) socket.destroy()
      }, 1_000)
      await app.close()
      clearTimeout(late)
      pressure.close()
    },
  }
}

const pem = ({ ca, cert, key }: ServerTls) => ({ ca: typeof ca === 'string' ? ca : [...ca], cert, key })

/** How long a file may take to arrive whole; between its bytes no longer than any connection may be idle. */
const fileMs = 900_000

/** Whatever is no file arrives whole within `arrivalMs`, or its connection ends. */
const boundArrival = (app: App, arrivalMs: number): void => {
  app.addHook('onRequest', ({ raw, routeOptions }, reply, done) => {
    if (!raw.complete && !routeOptions.config.files) {
      const late = setTimeout(() => {
        if (raw.complete || reply.raw.headersSent) return
        raw.socket.end(rawProblem('ERR_HTTP_REQUEST_TIMEOUT'))
      }, arrivalMs)
      reply.raw.once('close', () => clearTimeout(late))
    }
    done()
  })
}

/** A server that speaks HTTP/1.1 over TLS, with every limit set, and nothing on it yet. */
const bare = (tls: ServerTls, arrivalMs: number): App =>
  fastify<Server>({
    https: { ...mutualTls, ...pem(tls), connectionsCheckingInterval: Math.min(1_000, arrivalMs), headersTimeout: arrivalMs },
    logger: false,
    bodyLimit: bodyLimits.single,
    // Of a file only; what any other request may take is bounded where it is known which it is.
    requestTimeout: Math.max(fileMs, arrivalMs),
    // Idle in both directions; longer than the longest wait for an outcome, and than the pauses of a caller's pool.
    connectionTimeout: 90_000,
    keepAliveTimeout: 76_000,
    return503OnClosing: true,
    forceCloseConnections: 'idle',
    genReqId: requestId,
    clientErrorHandler: (error, socket) => {
      if (socket.writable && error.code !== 'ECONNRESET') socket.end(rawProblem(error.code))
      else socket.destroy()
    },
    frameworkErrors: (_error, request, reply) => {
      answer(
        request as unknown as Request,
        reply as unknown as Reply,
        new Refusal(400, 'invalid-request', { detail: 'not a valid address' }),
      )
    },
  })

const idForm = /^[A-Za-z0-9-]{8,64}$/
const requestId = (request: IncomingMessage): string => {
  const given = request.headers['x-request-id']
  return typeof given === 'string' && idForm.test(given) ? given : randomUUID()
}

/** Every open socket, so that none can hold up the end. */
const trackSockets = (server: Server): Set<Socket> => {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  return sockets
}

/** The first hook of all: what is refused here has cost next to nothing. */
const countRequests = (app: App, pressure: Pressure, closing: () => boolean, served: HttpOptions['served']): void => {
  app.decorateRequest('underWay', false)
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id)
    reply.header('x-content-type-options', 'nosniff')
    if (!request.routeOptions.config.open || request.method !== 'GET') reply.header('cache-control', 'no-store')
    if (closing()) return done(new Refusal(503, 'overloaded', { detail: 'closing', headers: { ...retryAfter, connection: 'close' } }))
    if (!pressure.enter()) return done(new Refusal(503, 'overloaded', { headers: retryAfter }))
    request.underWay = true
    // Also told when the caller has gone, which no hook of fastify is.
    reply.raw.once('close', () => leave(request, pressure))
    done()
  })
  if (served) {
    app.addHook('onResponse', (request, reply, done) => {
      served({
        method: request.method,
        route: request.routeOptions.url ?? 'none',
        status: reply.statusCode,
        seconds: reply.elapsedTime / 1000,
      })
      done()
    })
  }
}
const leave = (request: Request, pressure: Pressure): void => {
  if (!request.underWay) return
  request.underWay = false
  pressure.leave()
}

/** Makes every error a problem (RFC 9457), unknown addresses and methods too. Only mistakes of our own are noted, and never told in detail. */
const answerProblems = (app: App, flow: Flow): void => {
  app.setErrorHandler((error, request, reply) => {
    const refusal = refusalOf(error)
    if (!refusal || refusal.fault === 'record-away')
      flow.note({ event: 'trouble', detail: `request ${request.id}: ${String(error)} ${placeOf(error)}` })
    answer(request, reply, refusal ?? new Refusal(500, 'internal'))
  })
  app.setNotFoundHandler((request, reply) => {
    const methods = methodsOf(request.url.split('?')[0]!)
    const refusal = methods ? new Refusal(405, 'unsupported', { headers: { allow: methods.join(', ') } }) : new Refusal(404, 'not-found')
    answer(request, reply, refusal)
  })
}

/** Where in our code an error began, `accept.ts:31:5`. */
const placeOf = (error: unknown): string => /[\w-]+\.[jt]s:\d+:\d+/.exec((error instanceof Error && error.stack) || '')?.[0] ?? ''

const answer = (request: Request, reply: Reply, refusal: Refusal): void => {
  const english = prefersEnglish(request.headers['accept-language'])
  reply
    .code(refusal.status)
    .headers(refusal.more.headers ?? {})
    .header('content-language', english ? 'en' : 'zh')
    .type('application/problem+json')
    .send(JSON.stringify(problemOf(refusal, request.id, english)))
}

const urlOf = (server: Server): string => {
  const address = server.address()
  if (typeof address !== 'object' || address === null) return ''
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address
  return `https://${host}:${address.port}`
}
