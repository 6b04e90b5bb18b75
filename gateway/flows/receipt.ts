import { shanghaiTime } from '../domain/time.ts'
import type { FileView } from '../store/files.ts'

/** A file as the bank and the operators see it: what it is, what became of it, and why. */
export const receiptOf = ({
  name,
  bankCode,
  of,
  version,
  cameBy,
  bytes,
  sha256,
  state,
  fault,
  said,
  receivedAt,
  endedAt,
  repeats,
}: FileView) => ({
  name,
  bankCode,
  ...(of ? { accountingDate: of.accountingDate, session: of.session, chunk: of.chunk } : {}),
  ...(version === undefined ? {} : { version }),
  cameBy,
  bytes,
  ...(sha256 ? { sha256: sha256.toString('hex') } : {}),
  state,
  ...(fault ? { fault } : {}),
  ...(said ? { chunks: said.chunks, workDate: said.workDate, lines: said.count, debitSum: said.debitSum, creditSum: said.creditSum } : {}),
  receivedAt: shanghaiTime(receivedAt),
  ...(endedAt ? { endedAt: shanghaiTime(endedAt) } : {}),
  repeats,
})
