import type { X509Certificate } from 'node:crypto'
import { TLSSocket } from 'node:tls'
import plugin from 'fastify-plugin'
import type { App, Request } from './app.ts'
import { tokenIn } from './cookie.ts'
import { Refusal } from './problem.ts'

/** Who may hold a certificate of this interface. */
export type Role = 'tax-system' | 'bank' | 'operator'
/** Who calls: the URI in the certificate, never its common name. */
export type Identity = {
  /** `urn:taxlink:tax-system:ets` */
  readonly uri: string
  readonly role: Role
  /** When the certificate ends, milliseconds since 1970. */
  readonly endsAt: number
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Who calls; null only on pages that are open to everybody. */
    identity: Identity | null
  }
  interface FastifyContextConfig {
    /** For everybody, without a certificate. */
    open?: boolean
    /** Only for holders of this role. */
    role?: Role
  }
}

/** How a server must be opened so that this plugin can tell who calls: the handshake lets everybody in, so that everybody gets an answer. */
export const mutualTls = { requestCert: true, rejectUnauthorized: false, minVersion: 'TLSv1.2', handshakeTimeout: 10_000 } as const

const clientAuth = '1.3.6.1.5.5.7.3.2'
const uriForm = /^urn:taxlink:(tax-system|bank|operator):[a-z0-9-]{1,40}$/

const unauthenticated = (detail: string): Refusal => new Refusal(401, 'unauthenticated', { detail, headers: { connection: 'close' } })

/** The identity in a certificate that the handshake found good, or why there is none. */
export const identityOf = (certificate: X509Certificate): Identity | Refusal => {
  if (certificate.ca) return unauthenticated('CA_CERTIFICATE')
  if (!(certificate.keyUsage ?? []).includes(clientAuth)) return unauthenticated('INVALID_PURPOSE')
  const names = certificate.subjectAltName ?? ''
  // Node writes a name that holds a comma or a quote in quotes; no name of ours does, so nothing can hide inside another name.
  if (/["\\]/.test(names)) return unauthenticated('UNREADABLE_NAME')
  const uris = names.split(', ').filter(name => name.startsWith('URI:'))
  const [uri] = uris
  if (uri === undefined || uris.length > 1) return unauthenticated('NOT_ONE_URI')
  const found = uriForm.exec(uri.slice(4))
  if (!found) return unauthenticated('FOREIGN_URI')
  return { uri: uri.slice(4), role: found[1] as Role, endsAt: certificate.validToDate.getTime() }
}

const ofSocket = (socket: TLSSocket): Identity | Refusal => {
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) return unauthenticated('NO_CERTIFICATE')
  // OpenSSL's own words: CERT_HAS_EXPIRED, DEPTH_ZERO_SELF_SIGNED_CERT, INVALID_PURPOSE …
  if (!socket.authorized) return unauthenticated(plainWord(socket.authorizationError))
  return identityOf(certificate)
}
const plainWord = (error: unknown): string => {
  const said = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  return /^[A-Z_0-9]{1,60}$/.test(said) ? said : 'UNTRUSTED'
}

export type MutualTlsOptions = {
  readonly now: () => number
  /** Counts the renewals of the server's own certificates and authorities; a connection belongs to the one it began under. */
  readonly generation: () => number
}

const identify = async (app: App, { now, generation }: MutualTlsOptions): Promise<void> => {
  type Known = { readonly who: Identity | Refusal; readonly generation: number }
  const known = new WeakMap<object, Known>()
  const knownOf = (socket: unknown): Known => {
    if (!(socket instanceof TLSSocket)) return { who: unauthenticated('NO_TLS'), generation: generation() }
    const before = known.get(socket)
    if (before) return before
    const found = { who: ofSocket(socket), generation: generation() }
    known.set(socket, found)
    return found
  }
  const refusalFor = (request: Request): Refusal | undefined => {
    const { config } = request.routeOptions
    if (config.open) return undefined
    const { who, generation: begun } = knownOf(request.raw.socket)
    // A session takes the place of a certificate, where an operator has one.
    if (who instanceof Refusal) return config.role === 'operator' && tokenIn(request.headers.cookie) ? undefined : who
    // A connection outlives what it was judged by: the certificate may end, the authorities may be replaced.
    if (who.endsAt <= now()) return unauthenticated('CERT_HAS_EXPIRED')
    if (begun !== generation()) {
      return new Refusal(503, 'overloaded', {
        detail: 'certificates were renewed; connect again',
        headers: { 'retry-after': '0', connection: 'close' },
      })
    }
    if (config.role !== undefined && config.role !== who.role) return new Refusal(403, 'not-permitted')
    request.identity = who
    return undefined
  }
  app.decorateRequest('identity', null)
  app.addHook('onRequest', (request, _reply, done) => {
    done(refusalFor(request))
  })
}

/** Tells who calls from the client certificate, once per connection, and answers 401 (with OpenSSL's reason) on every route that is not open. */
export const identities = plugin(identify, { name: 'mutual-tls', fastify: '5.x' })
