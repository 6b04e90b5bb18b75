import { createHash } from 'node:crypto'

/** One binding of the list that is compared at the end of a month. */
export type DigestRow = { readonly agreementNo: string; readonly account: string; readonly suspended: boolean }

/**
 * 清单摘要 of the bindings in force (art. 44): SHA-256, in hexadecimal, over one line a binding, `agreementNo account 1` or `… 0` where its payments are
 * stopped, each ended by a line feed. The rows must come in the byte order of their agreement numbers.
 */
export const openDigest = (): { add(row: DigestRow): void; end(): string } => {
  const hash = createHash('sha256')
  return {
    add: ({ agreementNo, account, suspended }) => {
      hash.update(`${agreementNo} ${account} ${suspended ? 0 : 1}\n`)
    },
    end: () => hash.digest('hex'),
  }
}
