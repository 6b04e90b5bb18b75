import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import net from 'node:net'
import { setImmediate as turn } from 'node:timers/promises'
import * as x509 from '@peculiar/x509'
import { onTestFinished } from 'vitest'
import { Fault } from '../../sdk/fault.ts'
import { dial, type Line, type LineOptions, type Peer, type Read, type Stray, type Tls } from '../../sdk/line.ts'
import { type Exchange, type Listener, type ListenOptions, listen } from '../../sdk/listen.ts'

/** The messages of these tests: a key, `|`, anything. */
export const message = (key: string, rest = ''): Uint8Array => Uint8Array.from(Buffer.from(`${key}|${rest}`))
export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString()
export const read: Read<string> = bytes => {
  const [key = '', rest] = text(bytes).split('|')
  if (rest === undefined) throw new Fault('malformed', 'no bar', {}, 'no')
  return { key, value: rest }
}

/** Waits for what must come; the time-out of the test is the only clock. */
export const until = async (what: () => boolean): Promise<void> => {
  while (!what()) await turn()
}

/** The fault a promise ends in, short: its name and what is certain about the bytes. */
export const failure = async (promise: Promise<unknown>): Promise<string> => {
  const error = await promise.then(
    value => new Error(`no fault but ${String(value)}`),
    (reason: unknown) => reason,
  )
  if (error instanceof Fault) return `${error.fault} ${error.delivered}`
  throw error
}

/** A listening line that ends with the test; its faults, by name. */
export const serve = async (
  line: Line,
  handle: (exchange: Exchange) => void,
  options: ListenOptions = {},
): Promise<Listener & { faults: string[] }> => {
  const faults: string[] = []
  const listener = await listen(line, options, handle, fault => faults.push(fault.fault))
  onTestFinished(() => listener.close(0))
  return { ...listener, faults }
}

export type Call = (key: string, rest?: string, more?: Partial<Parameters<Peer<string>['ask']>[0]>) => Promise<string>

/** A peer that ends with the test, with what strayed. */
export const client = (
  line: Line,
  url: string,
  options: Partial<LineOptions> = {},
): { peer: Peer<string>; ask: Call; strays: Stray<string>[]; sent: string[] } => {
  const strays: Stray<string>[] = []
  const sent: string[] = []
  const peer = dial(line, url, { connections: 1, pipeline: 8, connectMs: 5_000, idleMs: 5_000, ...options }, read, stray =>
    strays.push(stray),
  )
  const ask: Call = (key, rest = '', more = {}) =>
    peer.ask({ bytes: message(key, rest), key, timeoutMs: 5_000, onSend: () => sent.push(key), ...more })
  onTestFinished(() => void peer.close())
  return { peer, ask, strays, sent }
}

/** A bare TCP server, for what no honest server would do; it ends with the test. */
export const bare = async (visit: (socket: net.Socket, nth: number) => void): Promise<{ port: number; sockets: net.Socket[] }> => {
  const sockets: net.Socket[] = []
  const server = net.createServer({ allowHalfOpen: true }, socket => {
    socket.on('error', () => undefined)
    visit(socket, sockets.push(socket))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.close()
    for (const socket of sockets) socket.destroy()
  })
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, sockets }
}

/** A bare TCP client that collects what it is sent. */
export const visitor = async (port: number): Promise<{ socket: net.Socket; heard: () => string; ended: Promise<void> }> => {
  const socket = net.connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  let all = ''
  socket.on('error', () => undefined)
  socket.on('data', (chunk: Buffer) => {
    all += chunk.toString('latin1')
  })
  const ended = new Promise<void>(resolve => {
    socket.once('end', resolve)
    socket.once('close', () => resolve())
  })
  onTestFinished(() => void socket.destroy())
  await new Promise<void>(resolve => socket.once('connect', resolve))
  socket.setNoDelay(true)
  return { socket, heard: () => all, ended }
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const span = { notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + 86_400_000) }
const newKeys = () => webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])

const pemOf = async (certificate: x509.X509Certificate, privateKey: webcrypto.CryptoKey): Promise<{ cert: string; key: string }> => {
  const pkcs8 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', privateKey))
  const lines = pkcs8.toString('base64').match(/.{1,64}/g) ?? []
  return { cert: certificate.toString('pem'), key: ['-----BEGIN PRIVATE KEY-----', ...lines, '-----END PRIVATE KEY-----', ''].join('\n') }
}

/** An authority of these tests, and certificates of it for 127.0.0.1 (server) or for a name (client). */
export const authority = async (name: string) => {
  x509.cryptoProvider.set(webcrypto)
  const keys = await newKeys()
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${name}`,
    keys,
    signingAlgorithm: algorithm,
    ...span,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)],
  })
  const ca = root.toString('pem')
  const issue = async (subject: string, use: 'server' | 'client'): Promise<Required<Pick<Tls, 'ca' | 'cert' | 'key'>>> => {
    const own = await newKeys()
    const purpose = use === 'server' ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2'
    const certificate = await x509.X509CertificateGenerator.create({
      subject: `CN=${subject}`,
      issuer: root.subject,
      publicKey: own.publicKey,
      signingKey: keys.privateKey,
      signingAlgorithm: algorithm,
      ...span,
      extensions: [
        new x509.ExtendedKeyUsageExtension([purpose]),
        ...(use === 'server' ? [new x509.SubjectAlternativeNameExtension([{ type: 'ip', value: '127.0.0.1' }])] : []),
      ],
    })
    return { ca, ...(await pemOf(certificate, own.privateKey)) }
  }
  return { ca, issue }
}
