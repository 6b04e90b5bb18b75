import { randomBytes, webcrypto, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A certificate and its key, both PEM; the key is PKCS #8. */
export type Pem = { readonly cert: string; readonly key: string }

/** What a certificate says of its holder: a name for people, and the URI by which the gateway knows it. */
export type Holder = { readonly cn: string; readonly uri: string }

/** A certificate authority for one machine; never for production. */
export type DevelopmentPki = {
  /** The certificate of the authority, PEM: what both sides trust. */
  readonly ca: string
  /** The gateway's own server certificate, for localhost and 127.0.0.1. */
  readonly server: Pem
  /** A new certificate for a client (or, with `server`, for a server on this machine), valid for `days` (365). */
  issue(holder: Holder, options?: { readonly server?: boolean; readonly days?: number }): Promise<Pem>
}

/** The common name by which a production gateway knows, and refuses, this authority. */
export const developmentCa = 'TaxLink development CA'

const gateway: Holder = { cn: 'TaxLink development gateway', uri: 'urn:taxlink:gateway:development' }
const day = 86_400_000

/**
 * The development authority under `dir`: made at the first start, used again at every other, by any number of processes. Its key lies
 * there in the clear, so it proves nothing to anybody else.
 */
export const developmentPki = async (dir: string): Promise<DevelopmentPki> => {
  const file = (name: string) => join(dir, name)
  // A directory appears whole or not at all: of several processes that make one at once, one has its renamed into place.
  if (!existsSync(file('ca.pem'))) {
    const made = await makeAuthority()
    const aside = `${dir}.${randomBytes(6).toString('hex')}`
    mkdirSync(aside, { recursive: true, mode: 0o700 })
    writeFileSync(join(aside, 'ca.pem'), made.cert, { mode: 0o600 })
    writeFileSync(join(aside, 'ca.key'), made.key, { mode: 0o600 })
    mkdirSync(dirname(dir), { recursive: true })
    try {
      renameSync(aside, dir)
    } catch (error) {
      rmSync(aside, { recursive: true, force: true })
      if (!existsSync(file('ca.pem'))) throw error
    }
  }
  const authority = { cert: readFileSync(file('ca.pem'), 'utf8'), key: readFileSync(file('ca.key'), 'utf8') }
  const issue: DevelopmentPki['issue'] = (holder, options = {}) => issued(authority, holder, options)

  // Certificate and key in one file, so that a reader never gets one of yesterday with one of today.
  let server = readServer(file('server.pem'))
  if (!server) {
    server = await issue(gateway, { server: true })
    const aside = file(`server.${randomBytes(6).toString('hex')}`)
    writeFileSync(aside, server.cert + server.key, { mode: 0o600 })
    renameSync(aside, file('server.pem'))
  }
  return { ca: authority.cert, server, issue }
}

/** The server's certificate and key, unless missing or about to end. */
const readServer = (path: string): Pem | undefined => {
  if (!existsSync(path)) return undefined
  const text = readFileSync(path, 'utf8')
  const at = text.indexOf('-----BEGIN PRIVATE KEY-----')
  const pem = { cert: text.slice(0, at), key: text.slice(at) }
  return new X509Certificate(pem.cert).validToDate.getTime() > Date.now() + 30 * day ? pem : undefined
}

const curve = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

/** Loaded when first needed: production has neither this library nor a use for it. */
const library = async () => {
  await import('reflect-metadata')
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto)
  return x509
}

const makeKeys = () => webcrypto.subtle.generateKey(curve, true, ['sign', 'verify'])
const keyPem = async (key: webcrypto.CryptoKey): Promise<string> => {
  const base64 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END PRIVATE KEY-----\n`
}
/** A minute early, for clocks that differ. */
const validFor = (days: number) => ({ notBefore: new Date(Date.now() - 60_000), notAfter: new Date(Date.now() + days * day) })
const serialNumber = () => `00${randomBytes(15).toString('hex')}`

const makeAuthority = async (): Promise<Pem> => {
  const x509 = await library()
  const keys = await makeKeys()
  const cert = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${developmentCa}`,
    serialNumber: serialNumber(),
    keys,
    signingAlgorithm: curve,
    ...validFor(3650),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  })
  return { cert: `${cert.toString('pem')}\n`, key: await keyPem(keys.privateKey) }
}

const issued = async (authority: Pem, holder: Holder, options: { readonly server?: boolean; readonly days?: number }): Promise<Pem> => {
  const x509 = await library()
  const [keys, ca] = [await makeKeys(), new x509.X509Certificate(authority.cert)]
  const der = Buffer.from(authority.key.replace(/-----[^-]+-----|\s/g, ''), 'base64')
  const signingKey = await webcrypto.subtle.importKey('pkcs8', der, curve, false, ['sign'])
  const here = options.server
    ? ([
        { type: 'dns', value: 'localhost' },
        { type: 'ip', value: '127.0.0.1' },
      ] as const)
    : []
  const cert = await x509.X509CertificateGenerator.create({
    subject: [{ CN: [holder.cn] }],
    issuer: ca.subject,
    serialNumber: serialNumber(),
    publicKey: keys.publicKey,
    signingKey,
    signingAlgorithm: curve,
    ...validFor(options.days ?? 365),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      // A server calls others too; a client never serves.
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.clientAuth, ...(options.server ? [x509.ExtendedKeyUsage.serverAuth] : [])]),
      new x509.SubjectAlternativeNameExtension([{ type: 'url', value: holder.uri }, ...here]),
    ],
  })
  return { cert: `${cert.toString('pem')}\n`, key: await keyPem(keys.privateKey) }
}
