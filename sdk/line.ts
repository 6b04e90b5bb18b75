import { fail } from './fault.ts'
import { isSpan, peer, secure, type Target } from './line-ask.ts'
import { httpCarrier } from './line-http.ts'
import { tcpCarrier } from './line-tcp.ts'
import type { Line, LineOptions, Peer, Read, Stray, Tls } from './line-terms.ts'

export {
  type HttpLine,
  http,
  type Line,
  type LineOptions,
  type Peer,
  type Read,
  type Request,
  type Stray,
  type TcpLine,
  type Tls,
  tcp,
} from './line-terms.ts'

const misconfigured = (detail: string): never => fail('bad-config', detail, {}, 'no')

const schemes = { tcp: ['tcp:', 'tls:'], http: ['http:', 'https:'] } as const
const ports: Record<string, number> = { 'http:': 80, 'https:': 443 }

const targetOf = (line: Line, url: string, tls: Tls | undefined): Target => {
  const { protocol, hostname, port, username, pathname, search, hash } =
    URL.parse(url) ?? misconfigured('the address of the line is not a URL')
  const [plain, wrapped] = schemes[line.kind]
  if (protocol !== plain && protocol !== wrapped) misconfigured(`the address of this line starts with ${plain}// or ${wrapped}//`)
  const number = port === '' ? (ports[protocol] ?? 0) : Number(port)
  if (hostname === '' || number === 0) misconfigured('the address of a line has a host and a port')
  if (username !== '' || (pathname !== '' && pathname !== '/') || search !== '' || hash !== '')
    misconfigured('the address of a line is host and port only')
  // [::1] is how a URL writes ::1
  const target = { host: hostname.replace(/^\[|\]$/g, ''), port: number }
  if (protocol === plain) return tls ? misconfigured('a plain address with TLS options') : target
  if (!tls) return misconfigured('a TLS address needs TLS options')
  return { ...target, context: secure(tls), ...(tls.servername ? { servername: tls.servername } : {}) }
}

/**
 * The gateway's end of a line; sockets are opened when first needed. `url`: tcp://host:port, tls://host:port, http://host:port,
 * https://host:port. `stray` gets answers nobody waits for and frames that cannot be read. Fault bad-config.
 */
export const dial = <T>(
  line: Line,
  url: string,
  options: LineOptions,
  read: Read<T>,
  stray: (answer: Stray<T>) => void = () => undefined,
): Peer<T> => {
  const { connections, pipeline, connectMs, idleMs } = options
  for (const n of [connections, pipeline])
    if (!Number.isInteger(n) || n < 1 || n > 10_000) misconfigured('connections and pipeline are 1 to 10000')
  for (const ms of [connectMs, idleMs]) if (!isSpan(ms)) misconfigured('connectMs and idleMs are whole ms of at least 1')
  const target = targetOf(line, url, options.tls)
  return peer(
    line.kind === 'tcp' ? tcpCarrier({ line, target, options, read, stray }) : httpCarrier({ line, target, options, read, stray }),
  )
}
