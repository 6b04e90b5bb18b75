import { argon2, createCipheriv, createDecipheriv, hash, timingSafeEqual } from 'node:crypto'

/** Bytes nobody can guess. */
export type Entropy = (bytes: number) => Buffer

// OWASP's least for argon2id: 19 MiB, twice over.
const cost = { memory: 19_456, passes: 2, parallelism: 1, tagLength: 32 } as const

const derive = (password: string, nonce: Buffer, { memory, passes, parallelism, tagLength }: { [K in keyof typeof cost]: number }) =>
  new Promise<Buffer>((resolve, reject) => {
    argon2('argon2id', { message: password.normalize('NFKC'), nonce, memory, passes, parallelism, tagLength }, (error, key) =>
      error ? reject(error) : resolve(key),
    )
  })
const plain = (bytes: Buffer): string => bytes.toString('base64').replace(/=+$/, '')

/** A password as it is kept (the PHC form of argon2id). */
export const hashPassword = async (password: string, entropy: Entropy): Promise<string> => {
  const salt = entropy(16)
  const key = await derive(password, salt, cost)
  return `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${plain(salt)}$${plain(key)}`
}

const form = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/
// Of no password: what is worked through where there is no account, so that the answer takes as long.
const nobodys = `$argon2id$v=19$m=${cost.memory},t=${cost.passes},p=${cost.parallelism}$${plain(Buffer.alloc(16))}$${plain(Buffer.alloc(32))}`

/** Whether a password is the one kept; where none is, it takes as long and is not. */
export const matchesPassword = async (kept: string | undefined, password: string): Promise<boolean> => {
  const [, memory, passes, parallelism, salt = '', key = ''] = form.exec(kept ?? nobodys) ?? []
  const right = Buffer.from(key, 'base64')
  if (right.length === 0) return false
  const given = await derive(password, Buffer.from(salt, 'base64'), {
    memory: Number(memory),
    passes: Number(passes),
    parallelism: Number(parallelism),
    tagLength: right.length,
  })
  return timingSafeEqual(given, right) && kept !== undefined
}

/** Hides a secret under the key (AES-256-GCM), bound to whose it is. */
export const seal = (key: Buffer, secret: Buffer, owner: string, entropy: Entropy): Buffer => {
  const iv = entropy(12)
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(owner))
  return Buffer.concat([iv, cipher.update(secret), cipher.final(), cipher.getAuthTag()])
}

/** The secret again; undefined where key or owner are others, or somebody has changed it. */
export const unseal = (key: Buffer, sealed: Buffer, owner: string): Buffer | undefined => {
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12))
      .setAAD(Buffer.from(owner))
      .setAuthTag(sealed.subarray(-16))
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
  } catch {
    return undefined
  }
}

/** What is kept of a token or a code: enough to know it again. */
export const tokenHash = (token: string): string => hash('sha256', token, 'hex')

/** The token that a page must show besides the cookie: another site cannot read it. */
export const csrfToken = (token: string): string => hash('sha256', `csrf ${token}`, 'hex')

/** Whether two texts are the same, in the same time wherever they differ. */
export const isSame = (given: string, right: string): boolean =>
  timingSafeEqual(Buffer.from(tokenHash(given)), Buffer.from(tokenHash(right)))
