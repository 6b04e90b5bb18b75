// @peculiar/x509 takes the names of WebCrypto from lib.dom, which a server has not; here they are, from @types/node.
import type { webcrypto as w } from 'node:crypto'

declare global {
  type BufferSource = w.BufferSource
  type Algorithm = w.Algorithm
  type AlgorithmIdentifier = w.AlgorithmIdentifier
  type KeyUsage = w.KeyUsage
  type CryptoKeyPair = w.CryptoKeyPair
  type EcKeyGenParams = w.EcKeyGenParams
  type EcKeyImportParams = w.EcKeyImportParams
  type RsaHashedImportParams = w.RsaHashedImportParams
  type EcdsaParams = w.EcdsaParams
  interface CryptoKey extends w.CryptoKey {}
  interface Crypto extends w.Crypto {}
}
