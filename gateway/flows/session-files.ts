import { createHash } from 'node:crypto'
import { fail } from '@taxlink/bank-sdk'
import type { Spool } from '../store/spool.ts'
import { detailOf } from './detail-file.ts'
import { detailParts } from './detail-parts.ts'
import { askForFile } from './file-request.ts'
import type { Flow } from './flow.ts'
import type { FileSource } from './reconcile.ts'

/** Who asks where it is the session itself. */
const asker = 'urn:taxlink:gateway:session'

/** The files of sessions: what has come in and counts, read from the spool; what has not is asked for. */
export const sessionFiles = (flow: Flow, spool: Spool): FileSource => ({
  ask: async ({ bankCode, accountingDate, session, workDate, fileSha256 }, why, now) => {
    // One request for the first file of a session, and one for each that was refused; sessions are the bank's own.
    const orderNo = `${bankCode}-${accountingDate.replaceAll('-', '')}-${session}-${why === undefined ? 'first' : (fileSha256 ?? '').slice(0, 12)}`
    const kind = why === undefined ? 'first' : 'resend'
    const reason =
      why === undefined
        ? '日终对账'
        : why
            .replaceAll(/[^ -~]/g, ' ')
            .trim()
            .slice(0, 60)
            .trim() || 'refused'
    await askForFile(flow, asker, { orderNo, bankCode, accountingDate, session, kind, reason }, now, workDate)
  },
  find: async ({ bankCode, accountingDate, session }) => {
    const chunks = await flow.store.files.complete(bankCode, accountingDate, session)
    const [first] = chunks
    if (!first) return undefined
    const codec = detailOf(bankCode) ?? fail('internal', `bank ${bankCode} sends no files`)
    const digests = chunks.map(({ sha256 }) => sha256 ?? fail('internal', 'a file that counts has its digest'))
    const whole = digests.length === 1 ? digests[0]! : createHash('sha256').update(Buffer.concat(digests)).digest()
    return {
      id: first.id,
      sha256: whole.toString('hex'),
      parts: isWanted =>
        detailParts(
          codec,
          digests.map(sha256 => () => spool.read(sha256)),
          isWanted,
        ),
    }
  },
})
