import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import type { Pem } from '../../../gateway/pki.ts'

x509.cryptoProvider.set(webcrypto)

const curve = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const minute = 60_000
const { clientAuth, serverAuth } = x509.ExtendedKeyUsage

/** What a certificate of these tests says; by default a good one of a tax system. */
export type Wish = {
  readonly names?: readonly { readonly type: 'url' | 'dns' | 'email'; readonly value: string }[]
  readonly usages?: readonly x509.ExtendedKeyUsage[]
  readonly from?: number
  readonly to?: number
  readonly selfSigned?: boolean
  readonly isCa?: boolean
}
/** An authority of a suite's own. */
export type Authority = { readonly ca: string; issue(wish?: Wish): Promise<Pem> }

export const taxSystemUri = 'urn:taxlink:tax-system:ets'
export const purposes = { clientAuth, serverAuth }
export const uri = (value: string) => ({ type: 'url', value }) as const

const makeKeys = () => webcrypto.subtle.generateKey(curve, true, ['sign', 'verify'])
const pem = async (cert: x509.X509Certificate, key: webcrypto.CryptoKey): Promise<Pem> => {
  const base64 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return {
    cert: cert.toString('pem'),
    key: `-----BEGIN PRIVATE KEY-----\n${base64.replace(/.{64}(?=.)/g, '$&\n')}\n-----END PRIVATE KEY-----\n`,
  }
}

/** Makes an authority that issues whatever is wished, the wrong things too. */
export const authority = async (name = 'CN=test authority'): Promise<Authority> => {
  const keys = await makeKeys()
  const validity = { notBefore: new Date(Date.now() - 1_000 * minute), notAfter: new Date(Date.now() + 1_000 * minute) }
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    name,
    serialNumber: '01',
    keys,
    signingAlgorithm: curve,
    ...validity,
    extensions: [new x509.BasicConstraintsExtension(true, 1, true), new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true)],
  })
  let serial = 16
  const issue = async (wish: Wish = {}): Promise<Pem> => {
    const own = await makeKeys()
    const cert = await x509.X509CertificateGenerator.create({
      subject: 'CN=urn:taxlink:tax-system:forged-by-common-name',
      issuer: wish.selfSigned ? 'CN=urn:taxlink:tax-system:forged-by-common-name' : root.subject,
      serialNumber: (serial++).toString(16),
      publicKey: own.publicKey,
      signingKey: wish.selfSigned ? own.privateKey : keys.privateKey,
      signingAlgorithm: curve,
      notBefore: new Date(Date.now() + (wish.from ?? -10) * minute),
      notAfter: new Date(Date.now() + (wish.to ?? 600) * minute),
      extensions: [
        new x509.BasicConstraintsExtension(wish.isCa ?? false, undefined, true),
        ...(wish.usages?.length === 0 ? [] : [new x509.ExtendedKeyUsageExtension([...(wish.usages ?? [clientAuth])])]),
        ...(wish.names?.length === 0 ? [] : [new x509.SubjectAlternativeNameExtension([...(wish.names ?? [uri(taxSystemUri)])])]),
      ],
    })
    return pem(cert, own.privateKey)
  }
  return { ca: root.toString('pem'), issue }
}
