import { createHmac, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config.ts'
import { type PrintKey, printKeyOf } from './domain/fingerprint.ts'
import type { Keys } from './flows/sign-in.ts'

/** What signing in needs; without a key in the configuration (never in production) one that is made once for this machine. */
export const keysOf = (config: Pick<Config, 'sealingKey' | 'dataDir'>): Keys => {
  let key: Buffer | undefined
  return {
    // Looked for when first needed: most processes never do.
    get sealing() {
      key ??= Buffer.from(config.sealingKey ?? ownKey(config.dataDir), 'hex')
      return key
    },
    entropy: randomBytes,
  }
}

/** The key of the fingerprints of bookings, derived from the sealing key: without that nobody can make entries whose sums cancel. */
export const printKeyFor = (config: Pick<Config, 'sealingKey' | 'dataDir'>): (() => PrintKey) => {
  const keys = keysOf(config)
  let key: PrintKey | undefined
  return () => {
    key ??= printKeyOf(createHmac('sha256', keys.sealing).update('taxlink fingerprints of bookings').digest())
    return key
  }
}

const ownKey = (dir: string): string => {
  const file = join(dir, 'sealing.key')
  mkdirSync(dir, { recursive: true })
  try {
    // Of several processes that start at once one writes it.
    writeFileSync(file, randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return readFileSync(file, 'utf8')
}
