import { readFileSync } from 'node:fs'
import { fail } from '@taxlink/bank-sdk'
import type { Broken, Head } from './domain/audit.ts'
import { shanghaiTime } from './domain/time.ts'
import { withDatabase } from './prepare.ts'
import { openAudit } from './store/audit.ts'
import { type Mismatch, openVouching } from './store/vouched.ts'

/** The head of the audit journal as a line of JSON, to be kept elsewhere. */
export const auditHead = (databaseUrl: string, now: Date): Promise<string> =>
  withDatabase(databaseUrl, async db => JSON.stringify({ ...(await openAudit(db).head()), at: shanghaiTime(now) }))

/** Heads that were kept: one a line, as `audit head` has printed them. */
export const readHeads = (path: string): Head[] => {
  const lines = readText(path)
    .split('\n')
    .filter(line => line.trim() !== '')
  return lines.map((line, i) => headOf(line) ?? fail('malformed', `line ${i + 1} of ${path} is no head of an audit journal`))
}

const readText = (path: string): string => {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return fail('not-found', `the file ${path} cannot be read`)
  }
}

const headOf = (line: string): Head | undefined => {
  try {
    const { seq, hash } = JSON.parse(line) as { seq?: unknown; hash?: unknown }
    const fits = typeof seq === 'number' && Number.isSafeInteger(seq) && seq >= 0 && typeof hash === 'string' && /^[0-9a-f]{64}$/.test(hash)
    return fits ? { seq, hash } : undefined
  } catch {
    return undefined
  }
}

/** What the whole journal looks like against the heads that were kept, in words, and whether it is whole. */
export const auditVerified = (databaseUrl: string, kept: readonly Head[]): Promise<{ readonly whole: boolean; readonly text: string }> =>
  withDatabase(databaseUrl, async db => {
    const vouching = openVouching(db)
    const { head, broken } = await openAudit(db).verify(kept, row => vouching.hear(row))
    if (broken) return { whole: false, text: brokenText(broken) }
    const mismatch = await vouching.mismatch()
    return mismatch
      ? {
          whole: false,
          text: `审计日志完整,而记录与之不符 / the audit journal is whole, the record is not as it tells: ${mismatch.subject} ${differences[mismatch.what]}`,
        }
      : { whole: true, text: `审计日志完整 / the audit journal is whole  seq ${head.seq}  ${head.hash}` }
  })

const differences: { readonly [K in Mismatch['what']]: string } = {
  unknown: '日志中没有 / is not in it',
  differs: '被改动 / was changed',
  missing: '被删去 / is gone',
}
const words: { readonly [K in Broken['what']]: string } = {
  missing: '缺失 / missing',
  edited: '被改动 / edited',
  'cut-off': '尾部被截去 / cut off',
  rewritten: '在此范围内的某处起被重写 / rewritten from somewhere in this range on',
  beyond: '不是系统写入的 / not written by the gateway',
}
const brokenText = ({ what, from, to, vouched }: Broken): string =>
  `审计日志首个断处 / first broken place of the audit journal: seq ${from === to ? from : `${from}–${to}`} ${words[what]}; 已导出的尾哈希证明到 ${vouched} 未变 / vouched for up to ${vouched}`
